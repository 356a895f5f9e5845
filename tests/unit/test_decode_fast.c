#include "decode_fixture.h"

#include "ingest/fast_find.h"
#include "ingest/fast_text.h"
#include "tests/support/decode_pair.h"

#define BLUESKY   "sql/bluesky/streams/bluesky_events.sql"
#define PAGEVIEWS "sql/pageviews/streams/pageviews.sql"

static const struct decode_limits limits = {200, 1000000};

static const char *const corpora[] = {
	"tests/vectors/bluesky_capture.jsonl",
	"tests/vectors/replay_overlap.jsonl",
	"tests/vectors/nasty.ndjson",
	"tests/fuzz/seeds.jsonl",
};

enum { SHIPPED, TYPES, REST, PAIRS };

static void open_pairs(struct decode_pair pair[PAIRS])
{
	for (int i = 0; i < PAIRS; i++)
		pair[i] = DECODE_PAIR_INIT;
	decode_pair_add_file(&pair[SHIPPED], "bluesky_events", BLUESKY);
	decode_pair_add_file(&pair[SHIPPED], "pageviews", PAGEVIEWS);
	decode_pair_open(&pair[SHIPPED], -1, &limits);
	decode_pair_add(&pair[TYPES], "types", decode_pair_types);
	decode_pair_open(&pair[TYPES], 0, &limits);
	decode_pair_add(&pair[REST], "rest", decode_pair_rest);
	decode_pair_open(&pair[REST], 0, &limits);
}

static void close_pairs(struct decode_pair pair[PAIRS])
{
	for (int i = 0; i < PAIRS; i++)
		decode_pair_close(&pair[i]);
}

static void check(struct decode_pair *pair, const char *bytes, size_t len)
{
	struct record record = decode_pair_record(bytes, len);
	const char *difference;

	decode_pair_decode(pair, &record);
	difference = decode_pair_difference(pair);
	if (difference)
		fail_msg("the tiers differ in %s: %.*s", difference,
			 (int)(len < 2000 ? len : 2000), bytes);
}

static void check_all(struct decode_pair pair[PAIRS], const char *bytes,
		      size_t len)
{
	for (int i = 0; i < PAIRS; i++)
		check(&pair[i], bytes, len);
}

/* Calls one(line) for every line of a file; len is without its end. */
static void each_line(const char *file,
		      void (*one)(void *context, char *line, size_t len),
		      void *context)
{
	FILE *in = fopen(file, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	assert_non_null(in);
	while ((len = getline(&line, &size, in)) > 0)
		one(context, line, (size_t)len - (line[len - 1] == '\n'));
	free(line);
	fclose(in);
}

static void check_line(void *context, char *line, size_t len)
{
	check_all(context, line, len);
}

static void both_tiers_agree_on_every_line_of_every_corpus(void **state)
{
	struct decode_pair pair[PAIRS];

	(void)state;
	open_pairs(pair);
	for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++)
		each_line(corpora[i], check_line, pair);
	close_pairs(pair);
}

static void the_captures_leave_nothing_to_jansson(void **state)
{
	struct decode_pair pair[PAIRS];

	(void)state;
	open_pairs(pair);
	each_line(corpora[0], check_line, pair);
	each_line(corpora[1], check_line, pair);
	assert_int_equal(decoder_unsure(pair[SHIPPED].fast), 0);
	assert_int_equal(decoder_unsure(pair[SHIPPED].slow), 0);
	close_pairs(pair);
}

/* xorshift: the same lines on every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

struct mutation {
	struct decode_pair *pair;
	uint32_t seed;
	char other[4096]; /* the line before */
	size_t other_len;
};

/* Changes a few bytes to ones that mean something, or splices in a piece of
 * the line before. */
static size_t mutate(struct mutation *m, char *line, size_t len)
{
	static const char bytes[] = "{}[]\":,\\u0eE+-.19tfn \t\n\x01\x7f\x80"
				    "\xc3\xa4\xed\xf0\xff";

	for (uint32_t n = next_random(&m->seed) % 3 + 1; n > 0; n--) {
		size_t at = next_random(&m->seed) % len;
		size_t piece = next_random(&m->seed) % 40;
		size_t from = next_random(&m->seed) % (m->other_len + 1);

		if (next_random(&m->seed) % 3)
			line[at] = bytes[next_random(&m->seed) % sizeof bytes];
		else if (at + piece <= len && from + piece <= m->other_len)
			memcpy(line + at, m->other + from, piece);
	}
	return next_random(&m->seed) % 8 ? len : next_random(&m->seed) % len;
}

static void check_mutations(void *context, char *line, size_t len)
{
	struct mutation *m = context;
	char changed[4096];

	if (len == 0 || len > sizeof changed)
		return;
	for (int i = 0; i < 30; i++) {
		memcpy(changed, line, len);
		check_all(m->pair, changed, mutate(m, changed, len));
	}
	memcpy(m->other, line, len);
	m->other_len = len;
}

static void both_tiers_agree_on_mutilated_lines(void **state)
{
	struct decode_pair pair[PAIRS];
	struct mutation m = {.pair = pair, .seed = 7};

	(void)state;
	open_pairs(pair);
	for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++)
		each_line(corpora[i], check_mutations, &m);
	close_pairs(pair);
}

static void check_cuts(void *context, char *line, size_t len)
{
	struct decode_pair *pair = context;

	for (size_t cut = 0; cut < len; cut++)
		check_all(pair, line, cut);
}

static void check_bytes(void *context, char *line, size_t len)
{
	static const char bytes[] = "\"\\{}[],:\0\x1f\x80\xff 0";
	struct decode_pair *pair = context;

	for (size_t at = 0; at < len; at++) {
		char was = line[at];

		for (size_t i = 0; i < sizeof bytes - 1; i++) {
			line[at] = bytes[i];
			check_all(pair, line, len);
		}
		line[at] = was;
	}
}

static void both_tiers_agree_wherever_a_line_is_cut_or_spoilt(void **state)
{
	struct decode_pair pair[PAIRS];

	(void)state;
	open_pairs(pair);
	each_line("tests/fuzz/seeds.jsonl", check_cuts, pair);
	each_line("tests/fuzz/seeds.jsonl", check_bytes, pair);
	close_pairs(pair);
}

/* Records that the fast tier must leave to jansson, and ones it must not. */
static void what_is_not_sure_goes_to_jansson_and_nothing_else(void **state)
{
	static const struct {
		const char *line;
		bool unsure;
	} cases[] = {
		{"{}", false},
		{" {\"k\" : \"v\"\t,\r\n\"z\" :[ ] } ", false},
		{"{\"z\":1,\"z\":{\"\\u006b\":1}}", false},
		{"{\"b\":{\"c\":\"\\ud83d\\ude00\\\"\"}}", false},
		{"{\"j\":-0.0e-0,\"z\":123456789012345678901234567890}", false},
		{"{\"z\":{\"a\":[{\"b\":[[]]},null,true,false,\"\"]}}", false},
		{"{\"\\u006b\":1}", true},
		{"{\"z\\n\":1}", true},
		{"{\"k\":1,\"k\":2}", true},
		{"{\"b\":{\"c\":{}},\"b\":null}", true},
		{"{\"b\":{\"l\":[\"a\",1]}}", true},
		{"{\"b\":{\"j\":1e2000000000}}", true},
		{"", true},
		{"[]", true},
		{"{\"k\":1}}", true},
		{"{\"k\":01}", true},
		{"{\"k\":\"\\u0000\"}", true},
		{"{\"k\":\"\\ud800\"}", true},
		{"{\"z\":\"\x80\"}", true},
		{"{\"z\":\"\n\"}", true},
		{"{\"z\":tru}", true},
		{"{\"z\":[1,]}", true},
		{"{\"z\":1,}", true},
		{"{,}", true},
		{"{\"z\" 1}", true},
		{"\xef\xbb\xbf{}", true},
	};
	struct decode_pair pair[PAIRS];

	(void)state;
	open_pairs(pair);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t before = decoder_unsure(pair[REST].fast);

		check(&pair[REST], cases[i].line, strlen(cases[i].line));
		if (decoder_unsure(pair[REST].fast) - before != cases[i].unsure)
			fail_msg("%s: should %sbe left to jansson",
				 cases[i].line, cases[i].unsure ? "" : "not ");
	}
	close_pairs(pair);
}

static void check_depths(struct decode_pair *pair, struct buf *line)
{
	static const char *const key[] = {"z", "b\":{\"c", "b\":{\"c\":{\"d"};

	for (int depth = 1; depth < 75; depth++) {
		for (int path = 0; path < 3; path++) {
			buf_reset(line);
			buf_format(line, "{\"%s\":", key[path]);
			for (int i = 0; i < depth; i++)
				buf_add_text(line, i % 3 ? "[" : "{\"\":");
			buf_add_text(line, "0");
			for (int i = depth; i-- > 0;)
				buf_add_text(line, i % 3 ? "]" : "}");
			buf_add_text(line, &"}}}"[2 - path]);
			check(pair, line->data, line->len);
		}
	}
}

static void check_counts(struct decode_pair *pair, struct buf *line)
{
	for (int values = 0; values < 150; values++) {
		buf_reset(line);
		buf_add_text(line, "{\"z\":[0");
		for (int i = 0; i < values; i++)
			buf_add_text(line, ",{}");
		buf_add_text(line, "],\"k\":\"v\"}");
		check(pair, line->data, line->len);
	}
}

static void both_tiers_have_the_same_limits(void **state)
{
	static const struct decode_limits tight[] = {
		{1, 140}, {2, 140}, {9, 140}, {64, 140}, {70, 139}};
	struct buf line = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof tight / sizeof *tight; i++) {
		struct decode_pair pair = DECODE_PAIR_INIT;

		decode_pair_add(&pair, "rest", decode_pair_rest);
		decode_pair_open(&pair, 0, &tight[i]);
		check_depths(&pair, &line);
		check_counts(&pair, &line);
		decode_pair_close(&pair);
	}
	buf_release(&line);
}

static void long_numbers_arrays_and_records_are_not_lost(void **state)
{
	static const size_t counts[] = {255, 256, 257, 4095, 4096, 4097};
	struct decode_pair pair[PAIRS];
	struct buf line = BUF_INIT;

	(void)state;
	open_pairs(pair);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		buf_reset(&line);
		buf_add_text(&line, "{\"n\":1,\"a\":\"a\",\"z\":");
		for (size_t j = 0; j < counts[i]; j++)
			buf_add_byte(&line, '7');
		buf_add_text(&line, ",\"l\":[\"\\u0061\"");
		for (size_t j = 1; j < counts[i]; j++)
			buf_add_text(&line, ", \"\\t\\u00e4b\"");
		buf_add_text(&line, "]}");
		check_all(pair, line.data, line.len);
	}
	buf_reset(&line);
	buf_add_text(&line, "{\"k\":\"");
	for (size_t j = 0; j < 300000; j++)
		buf_add_text(&line, "\\u00e4ab\xe2\x82\xac ");
	buf_add_text(&line, "\"}");
	check_all(pair, line.data, line.len);
	check_all(pair, "{\"k\":\"\\u0061\"}", 14);
	buf_release(&line);
	close_pairs(pair);
}

static void a_cut_record_is_never_a_row(void **state)
{
	struct decode_pair pair[PAIRS];
	struct record record = decode_pair_record("{\"k\":1}", 7);

	(void)state;
	open_pairs(pair);
	record.full_len = 8;
	decode_pair_decode(&pair[REST], &record);
	assert_null(decode_pair_difference(&pair[REST]));
	assert_int_equal(pair[REST].by_fast.reject_count, 1);
	assert_int_equal(pair[REST].by_fast.record_count, 1);
	close_pairs(pair);
}

static void metadata_that_cannot_be_read_are_left_to_jansson(void **state)
{
	static const char headers[] = "{\"h\":1}", broken[] = "{\"h\":";
	struct decode_pair pair = DECODE_PAIR_INIT;
	struct record record = decode_pair_record("{}", 2);

	(void)state;
	decode_pair_add(&pair, "m",
			"-- stream: m\ncreate table staging.m (\n"
			"topic text, -- from: @topic\n"
			"part integer, -- from: @partition\n"
			"pos bigint not null, -- from: @offset\n"
			"at timestamptz, -- from: @timestamp as epoch_ms\n"
			"k text, -- from: @key after ':' | @key\n"
			"h jsonb, -- from: @headers | j\n"
			"loaded_at timestamptz not null default now()\n"
			") partition by range (loaded_at);\n");
	decode_pair_open(&pair, 0, &limits);
	record.topic = "events";
	record.partition = 3;
	record.timestamp_ms = 1742131613075;
	record.headers = headers;
	record.key = "a:\xff";
	record.key_len = 2;
	decode_pair_decode(&pair, &record);
	assert_null(decode_pair_difference(&pair));
	assert_int_equal(pair.by_fast.reject_count, 0);
	assert_int_equal(decoder_unsure(pair.fast), 0);
	record.key_len = 3;
	decode_pair_decode(&pair, &record);
	assert_null(decode_pair_difference(&pair));
	assert_int_equal(pair.by_fast.reject_count, 1);
	record.key_len = 2;
	record.headers = broken;
	decode_pair_decode(&pair, &record);
	assert_null(decode_pair_difference(&pair));
	assert_int_equal(pair.by_fast.reject_count, 1);
	decode_pair_close(&pair);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

static void a_run_ends_at_every_byte_that_is_not_plain(void **state)
{
	char text[64 + FAST_PADDING];

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 40; at++) {
			const char *end =
				text + (is_plain((unsigned char)c) ? 50 : at);

			memset(text, '~', sizeof text);
			text[50] = '"';
			text[at] = (char)c;
			text[at + 1] = (char)(c ? 0x80 : '!');
			if (is_plain((unsigned char)c))
				end = text + at + 1;
			assert_ptr_equal(fast_text_plain(text), end);
			assert_ptr_equal(fast_text_plain_portable(text), end);
		}
	}
}

static void a_key_is_found_by_all_of_its_bytes(void **state)
{
	static const char *const name[] = {
		"",          "a",         "b",         "ab",        "abcdefg",
		"abcdefgh",  "abcdefghi", "abcdefghj", "subject",   "createdAt",
		"abcdefg\1", "timestamp", "time_us",   "timestamq",
	};
	enum { NAMES = sizeof name / sizeof *name };
	struct path_trie trie;
	struct fast_keys keys;
	char padded[32];

	(void)state;
	path_trie_init(&trie);
	for (size_t i = 0; i < NAMES; i += 2) {
		size_t len = strlen(name[i]);
		const char *key = name[i];

		path_trie_add(&trie, &(struct path){.key = &key,
						    .key_len = &len,
						    .depth = 1});
	}
	fast_keys_init(&keys, &trie);
	for (size_t i = 0; i < NAMES; i++) {
		size_t len = strlen(name[i]);

		memset(padded, '"', sizeof padded);
		memcpy(padded, name[i], len);
		assert_int_equal(fast_keys_find(&keys, 0, padded, len),
				 path_trie_child(&trie, 0, name[i], len));
		assert_int_equal(fast_keys_find(&keys, 1, padded, len), -1);
	}
	fast_keys_release(&keys);
	path_trie_release(&trie);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			both_tiers_agree_on_every_line_of_every_corpus),
		cmocka_unit_test(the_captures_leave_nothing_to_jansson),
		cmocka_unit_test(both_tiers_agree_on_mutilated_lines),
		cmocka_unit_test(
			both_tiers_agree_wherever_a_line_is_cut_or_spoilt),
		cmocka_unit_test(
			what_is_not_sure_goes_to_jansson_and_nothing_else),
		cmocka_unit_test(both_tiers_have_the_same_limits),
		cmocka_unit_test(long_numbers_arrays_and_records_are_not_lost),
		cmocka_unit_test(a_cut_record_is_never_a_row),
		cmocka_unit_test(
			metadata_that_cannot_be_read_are_left_to_jansson),
		cmocka_unit_test(a_run_ends_at_every_byte_that_is_not_plain),
		cmocka_unit_test(a_key_is_found_by_all_of_its_bytes),
	};

	return cmocka_run_group_tests_name("decode_fast", tests, NULL, NULL);
}
