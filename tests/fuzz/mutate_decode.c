/*
 * mutate_decode - both decoder tiers must agree on spoilt real records
 *
 *	mutate_decode COUNT SEED FILE...
 *
 * Takes lines of the files at random, changes each in ways that keep most of
 * it JSON (a member twice, a letter spelt as an escape, a value of another
 * line, a number out of bounds, a byte flipped, a line cut) and compares what
 * the tiers make of it.  What libFuzzer invents is small and wild; this is
 * large and nearly right.  Exit status 3 at the first difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "tests/support/decode_pair.h"

enum { PAIRS = 3, LINE_MAX_BYTES = 8192 };

struct lines {
	struct buf text;
	size_t *start; /* of each line, and of the end */
	size_t count, capacity;
};

static uint64_t seed;

/* xorshift64*: below n. */
static size_t below(size_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return n ? (size_t)(seed * UINT64_C(0x2545F4914F6CDD1D) >> 32) % n : 0;
}

static void read_lines(struct lines *lines, const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!in) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	while ((len = getline(&line, &size, in)) > 0) {
		if (len > LINE_MAX_BYTES / 2)
			continue;
		MEM_GROW(lines->start, lines->count, lines->capacity);
		lines->start[lines->count++] = lines->text.len;
		buf_add(&lines->text, line,
			(size_t)len - (line[len - 1] == '\n'));
	}
	MEM_GROW(lines->start, lines->count, lines->capacity);
	lines->start[lines->count] = lines->text.len;
	free(line);
	fclose(in);
}

static const char *any_line(const struct lines *lines, size_t *len)
{
	size_t i = below(lines->count);

	*len = lines->start[i + 1] - lines->start[i];
	return lines->text.data + lines->start[i];
}

/* Puts bytes in place of [at, at + gone). */
static void replace(struct buf *line, size_t at, size_t gone, const char *bytes,
		    size_t len)
{
	if (at + gone > line->len || line->len + len > LINE_MAX_BYTES)
		return;
	buf_reserve(line, len);
	memmove(line->data + at + len, line->data + at + gone,
		line->len - at - gone);
	memcpy(line->data + at, bytes, len);
	line->len = line->len - gone + len;
}

/* Where the next byte of a kind stands at or after `at`; the length: none. */
static size_t next_of(const char *text, size_t len, size_t at, const char *kind)
{
	while (at < len && (!text[at] || !strchr(kind, text[at])))
		at++;
	return at;
}

/* A piece between two commas of any line, put after a comma of this one. */
static void splice_member(const struct lines *lines, struct buf *line)
{
	size_t len, from, to, at;
	const char *other = any_line(lines, &len);

	if (below(2))
		other = line->data, len = line->len;
	from = next_of(other, len, below(len), ",{[");
	to = next_of(other, len, from + 1, ",}]");
	at = next_of(line->data, line->len, below(line->len), ",");
	if (to < len && at < line->len && to - from < 512) {
		char piece[512];

		memcpy(piece, other + from, to - from);
		piece[0] = ',';
		replace(line, at, 0, piece, to - from);
	}
}

/* A value of any line in place of one of this. */
static void swap_value(const struct lines *lines, struct buf *line)
{
	size_t len, from, to, at, end;
	const char *other = any_line(lines, &len);

	from = next_of(other, len, below(len), ":") + 1;
	to = next_of(other, len, from, ",}");
	at = next_of(line->data, line->len, below(line->len), ":") + 1;
	end = next_of(line->data, line->len, at, ",}");
	if (to < len && end < line->len)
		replace(line, at, end - at, other + from, to - from);
}

static void put_odd(struct buf *line)
{
	static const char *const odd[] = {
		"null",
		"true",
		"[]",
		"{}",
		"-0",
		"1e400",
		"01",
		"9223372036854775808",
		"1.5",
		"\"\"",
		"\\u0000",
		"\\ud83d\\ude00",
		"\\ud83d",
		"\\n",
		"\\\"",
		"\\x",
		"\xc3\xa4",
		"\xf0\x9f\x98\x80",
		"\xed\xa0\x80",
		"\x80",
		"\t",
		" ",
		"\n",
		"\x01",
		"\"\\u0061\"",
		"[[[[[[[[]]]]]]]]",
		",",
		"}",
		"\"2025-03-16T13:26:53.0759915Z\"",
		"1742131613075991",
		"[\"a\",null]",
		"[1]",
	};
	const char *text = odd[below(sizeof odd / sizeof *odd)];
	size_t at = below(line->len);

	if (below(2)) /* where a value begins */
		at = next_of(line->data, line->len, at, ":,[");
	if (at < line->len)
		replace(line, at + 1, below(4) ? 0 : 1, text, strlen(text));
}

/* A letter as \uXXXX; in a key, that is another spelling of it. */
static void spell_out(struct buf *line)
{
	size_t at = below(line->len);
	char escape[8];

	if ((line->data[at] | 32) < 'a' || (line->data[at] | 32) > 'z')
		return;
	snprintf(escape, sizeof escape, "\\u%04x", line->data[at]);
	replace(line, at, 1, escape, 6);
}

static void mutate(const struct lines *lines, struct buf *line)
{
	for (size_t n = 1 + below(3); n > 0 && line->len > 0; n--) {
		switch (below(7)) {
		case 0:
		case 1:
			splice_member(lines, line);
			break;
		case 2:
			swap_value(lines, line);
			break;
		case 3:
		case 4:
			put_odd(line);
			break;
		case 5:
			spell_out(line);
			break;
		default:
			if (below(8))
				line->data[below(line->len)] = (char)below(256);
			else
				line->len = below(line->len);
		}
	}
}

static void open_pairs(struct decode_pair pair[PAIRS])
{
	decode_pair_add_file(&pair[0], "bluesky_events",
			     "sql/bluesky/streams/bluesky_events.sql");
	decode_pair_add_file(&pair[0], "pageviews",
			     "sql/pageviews/streams/pageviews.sql");
	decode_pair_open(&pair[0], -1, &(struct decode_limits){200, 1000000});
	decode_pair_add(&pair[1], "types", decode_pair_types);
	decode_pair_open(&pair[1], 0, &(struct decode_limits){8, 60});
	decode_pair_add(&pair[2], "rest", decode_pair_rest);
	decode_pair_open(&pair[2], 0, &(struct decode_limits){70, 1000});
}

int main(int argc, char **argv)
{
	struct decode_pair pair[PAIRS] = {{.count = 0}};
	struct lines lines = {0};
	struct buf line = BUF_INIT;
	long long count, rows = 0;
	uint64_t unsure = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: mutate_decode COUNT SEED FILE...\n");
		return 1;
	}
	count = strtoll(argv[1], NULL, 10);
	seed = strtoull(argv[2], NULL, 10) * 2 + 1;
	for (int i = 3; i < argc; i++)
		read_lines(&lines, argv[i]);
	open_pairs(pair);
	for (long long i = 0; i < count; i++) {
		struct decode_pair *one = &pair[below(8) ? 0 : 1 + below(2)];
		struct record record;
		size_t len;
		const char *from = any_line(&lines, &len);
		const char *difference;

		buf_reset(&line);
		buf_add(&line, from, len);
		mutate(&lines, &line);
		record = decode_pair_record(line.data, line.len);
		decode_pair_decode(one, &record);
		rows += one->by_fast.reject_count == 0;
		difference = decode_pair_difference(one);
		if (!difference)
			continue;
		printf("differ in %s: %.*s\n", difference, (int)line.len,
		       line.data);
		return 3;
	}
	for (int i = 0; i < PAIRS; i++)
		unsure += decoder_unsure(pair[i].fast);
	printf("%lld records, %lld of them rows, %llu left to jansson, 0 "
	       "differ\n",
	       count, rows, (unsigned long long)unsure);
	for (int i = 0; i < PAIRS; i++)
		decode_pair_close(&pair[i]);
	buf_release(&line);
	buf_release(&lines.text);
	free(lines.start);
	return 0;
}
