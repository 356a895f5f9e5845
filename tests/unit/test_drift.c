#include "decode_fixture.h"

#include "ingest/drift.h"

static void observe(struct fixture *fixture, struct drift *drift,
		    const char *line)
{
	struct record record = fixture_record(line, strlen(line));

	decoder_observe(fixture->decoder, &record, drift);
}

/* All entries as `path kind count sample`, one a line. */
static void describe(struct drift *drift, struct buf *out)
{
	size_t count;
	const struct drift_entry *const *entry = drift_sorted(drift, &count);

	buf_reset(out);
	for (size_t i = 0; i < count; i++)
		buf_format(out, "%s %s %d %s\n", entry[i]->path, entry[i]->kind,
			   (int)entry[i]->count, entry[i]->sample);
}

static void paths_that_no_column_takes_are_noted(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	struct drift drift = DRIFT_INIT;
	struct buf found = BUF_INIT;

	(void)state;
	fixture_add(&fixture, "s", "-- match: id",
		    "id bigint, -- from: id\n"
		    "name text, -- from: who.name\n"
		    "tags text[], -- from: tags\n"
		    "raw jsonb, -- from: raw");
	fixture_open(&fixture);
	observe(&fixture, &drift,
		"{\"id\":1,\"who\":{\"name\":\"x\",\"age\":7,\"$t\":true},"
		"\"tags\":[\"a\"],\"raw\":{\"deep\":1},\"list\":[{\"u\":\"v\"},"
		"{\"u\":\"w\",\"w\":[]},[2]],\"none\":null,\"e\":{}}");
	describe(&drift, &found);
	assert_string_equal(buf_text(&found), "e object 1 \n"
					      "list[].u string 1 v\n"
					      "list[].w array 1 \n"
					      "list[][] number 1 2\n"
					      "who.\"$t\" boolean 1 true\n"
					      "who.age number 1 7\n");
	/* a mapped path whose kind the column does not take; a second sight */
	observe(&fixture, &drift,
		"{\"id\":1,\"who\":{\"name\":[1],\"age\":8},\"tags\":5}");
	describe(&drift, &found);
	assert_non_null(strstr(found.data, "who.name[] number 1 1\n"));
	assert_non_null(strstr(found.data, "tags number 1 5\n"));
	assert_non_null(strstr(found.data, "who.age number 2 7\n"));
	/* rejects and records of no stream teach nothing */
	drift_reset(&drift);
	observe(&fixture, &drift, "{\"id\":");
	observe(&fixture, &drift, "{\"x\":1}");
	describe(&drift, &found);
	assert_string_equal(buf_text(&found), "");
	buf_release(&found);
	drift_release(&drift);
	fixture_close(&fixture);
}

static void a_rest_column_leaves_nothing_to_note(void **state)
{
	struct fixture fixture = FIXTURE_INIT;
	struct drift drift = DRIFT_INIT;
	size_t count;

	(void)state;
	fixture_add(&fixture, "s", "-- match: id",
		    "id bigint, -- from: id\nrest jsonb, -- from: *");
	fixture_open(&fixture);
	observe(&fixture, &drift, "{\"id\":1,\"x\":2}");
	drift_sorted(&drift, &count);
	assert_int_equal(count, 0);
	drift_release(&drift);
	fixture_close(&fixture);
}

static void made_up_keys_stop_at_a_thousand_a_stream(void **state)
{
	struct drift drift = DRIFT_INIT;
	const struct drift_entry *const *entry;
	char path[32];
	size_t count;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		drift_record(&drift);
		snprintf(path, sizeof path, "k%04d", i);
		drift_add(&drift, "staging.a", path, "string", "x", 1);
	}
	drift_add(&drift, "staging.b", "only", "number", "1", 1);
	drift_record(&drift);
	drift_add(&drift, "staging.a", "k0003", "string", "y", 1);
	drift_add(&drift, "staging.a", "k0003", "string", "z", 1);
	entry = drift_sorted(&drift, &count);
	assert_int_equal(count, DRIFT_PATHS + 1);
	assert_string_equal(entry[0]->path, "k0000");
	assert_string_equal(entry[999]->path, "k0999");
	assert_string_equal(entry[1000]->relation, "staging.b");
	assert_int_equal(entry[3]->count, 2);
	assert_string_equal(entry[3]->sample, "x");
	drift_reset(&drift);
	drift_sorted(&drift, &count);
	assert_int_equal(count, 0);
	drift_add(&drift, "staging.a", "k", "string", "", 0);
	drift_sorted(&drift, &count);
	assert_int_equal(count, 1);
	drift_release(&drift);
}

static void long_paths_and_samples_are_cut_between_characters(void **state)
{
	struct drift drift = DRIFT_INIT;
	struct buf text = BUF_INIT;
	const struct drift_entry *const *entry;
	size_t count;

	(void)state;
	buf_add_byte(&text, 'a');
	for (int i = 0; i < 1000; i++)
		buf_add_text(&text, "\xc3\xa9");
	drift_record(&drift);
	drift_add(&drift, "staging.a", buf_text(&text), "string", text.data,
		  text.len);
	entry = drift_sorted(&drift, &count);
	assert_int_equal(count, 1);
	/* an odd number: one byte and pairs */
	assert_int_equal(strlen(entry[0]->path), DRIFT_PATH_MAX - 1);
	assert_int_equal(strlen(entry[0]->sample), DRIFT_SAMPLE_MAX - 1);
	drift_release(&drift);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_that_no_column_takes_are_noted),
		cmocka_unit_test(a_rest_column_leaves_nothing_to_note),
		cmocka_unit_test(made_up_keys_stop_at_a_thousand_a_stream),
		cmocka_unit_test(
			long_paths_and_samples_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
