#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/batch.h"
#include "ingest/stream.h"

/* Two streams: one of three columns, one of a single column. */
static const struct stream wide = {.name = "wide", .column_count = 3};
static const struct stream narrow = {.name = "narrow", .column_count = 1};
static const struct stream *const streams[] = {&wide, &narrow};

static struct record make_record(const char *text, int part, int64_t position)
{
	size_t len = strlen(text);

	return (struct record){.bytes = text,
			       .len = len,
			       .full_len = len,
			       .part = part,
			       .position = position,
			       .next = position + (int64_t)len + 1};
}

/* The bytes are those of PostgreSQL's page on COPY, written by hand. */
static void a_row_is_encoded_as_a_binary_copy_tuple(void **state)
{
	static const char expected[] =
		"\0\3"
		"\0\0\0\2hi"
		"\377\377\377\377"
		"\0\0\0\10\377\377\377\377\377\377\377\376";
	struct record record = make_record("{}", 0, 0);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &record, &origin);
	batch_row_begin(&batch, 0, &origin);
	batch_field(&batch, "hi", 2);
	batch_field_null(&batch);
	batch_field_int64(&batch, -2);
	batch_row_end(&batch);
	assert_int_equal(batch.table[0].row_count, 1);
	assert_int_equal(batch.table[0].rows.len, sizeof expected - 1);
	assert_memory_equal(batch.table[0].rows.data, expected,
			    sizeof expected - 1);
	batch_release(&batch);
}

static void numbers_are_big_endian(void **state)
{
	static const char expected[] = "\0\3"
				       "\0\0\0\2\1\2"
				       "\0\0\0\4\1\2\3\4"
				       "\0\0\0\10\77\360\0\0\0\0\0\0";
	struct record record = make_record("{}", 0, 0);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &record, &origin);
	batch_row_begin(&batch, 0, &origin);
	batch_field_int16(&batch, 0x0102);
	batch_field_int32(&batch, 0x01020304);
	batch_field_double(&batch, 1.0);
	batch_row_end(&batch);
	assert_int_equal(batch.table[0].rows.len, sizeof expected - 1);
	assert_memory_equal(batch.table[0].rows.data, expected,
			    sizeof expected - 1);
	batch_release(&batch);
}

static void a_field_of_unknown_length_gets_its_length_at_the_end(void **state)
{
	static const char expected[] = "\0\1\0\0\0\3abc";
	struct record record = make_record("{}", 0, 0);
	struct batch_origin origin;
	struct batch batch;
	struct buf *rows;
	size_t mark;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &record, &origin);
	batch_row_begin(&batch, 1, &origin);
	rows = batch_field_begin(&batch, &mark);
	buf_add_text(rows, "abc");
	batch_field_end(&batch, mark);
	batch_row_end(&batch);
	assert_int_equal(batch.table[1].rows.len, sizeof expected - 1);
	assert_memory_equal(batch.table[1].rows.data, expected,
			    sizeof expected - 1);
	batch_release(&batch);
}

static void a_cancelled_row_leaves_nothing_behind(void **state)
{
	struct record first = make_record("{\"a\":1}", 0, 0);
	struct record second = make_record("{\"b\":2}", 0, 8);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &first, &origin);
	batch_row_begin(&batch, 1, &origin);
	batch_field_int32(&batch, 1);
	batch_row_end(&batch);
	batch_record(&batch, &second, &origin);
	batch_row_begin(&batch, 1, &origin);
	batch_field_int32(&batch, 2);
	batch_row_cancel(&batch);
	batch_reject(&batch, &narrow, &origin, "too odd", NULL, "b");
	assert_int_equal(batch.table[1].row_count, 1);
	assert_int_equal(batch.table[1].rows.len, 10);
	assert_int_equal(batch.reject_count, 1);
	assert_string_equal(batch.reject[0].reason, "too odd");
	assert_string_equal(batch.reject[0].column_name, "b");
	assert_null(batch.reject[0].sqlstate);
	assert_ptr_equal(batch.reject[0].stream, &narrow);
	assert_memory_equal(batch.raw.data + batch.reject[0].origin.raw_start,
			    "{\"b\":2}", batch.reject[0].origin.raw_len);
	assert_int_equal(batch.record_count, 2);
	batch_release(&batch);
}

static void a_reason_is_always_text(void **state)
{
	struct record record = make_record("{}", 0, 0);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &record, &origin);
	batch_reject(&batch, NULL, &origin, "cut caf\xc3", NULL, NULL);
	assert_string_equal(batch.reject[0].reason, "cut caf?");
	batch_release(&batch);
}

static void ranges_cover_records_and_what_lies_between(void **state)
{
	struct record records[] = {make_record("{}", 9, 100),
				   make_record("{}", 2, 40),
				   make_record("{}", 9, 110)};
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &records[0], &origin);
	batch_record(&batch, &records[1], &origin);
	batch_cover(&batch, 9, 103, 110);
	batch_record(&batch, &records[2], &origin);
	batch_seal(&batch);
	assert_int_equal(batch.range_count, 2);
	assert_int_equal(batch.range[0].part, 2);
	assert_int_equal(batch.range[0].from, 40);
	assert_int_equal(batch.range[0].to, 43);
	assert_int_equal(batch.range[1].part, 9);
	assert_int_equal(batch.range[1].from, 100);
	assert_int_equal(batch.range[1].to, 113);
	assert_int_equal(batch.byte_count, 6);
	batch_cover(&batch, 2, 43, 50);
	assert_int_equal(batch.range[0].to, 50);
	batch_release(&batch);
}

static void a_cut_record_remembers_its_full_length(void **state)
{
	struct record record = make_record("{\"a", 0, 0);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	record.full_len = 9000000;
	batch_init(&batch, streams, 2);
	batch_record(&batch, &record, &origin);
	assert_int_equal(origin.raw_len, 3);
	assert_int_equal(origin.raw_full_len, 9000000);
	assert_int_equal(batch.byte_count, 9000000);
	assert_int_equal(batch_bytes(&batch), 3);
	batch_release(&batch);
}

static void rejects_count_as_memory_and_share_a_repeated_reason(void **state)
{
	struct record record = make_record("nonsense", 0, 0);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	for (int i = 0; i < 1000; i++) {
		record.position = record.next++;
		batch_record(&batch, &record, &origin);
		batch_reject(&batch, NULL, &origin, "not an object", NULL,
			     NULL);
	}
	assert_true(batch_bytes(&batch) >=
		    1000 * (8 + sizeof(struct batch_reject)));
	assert_ptr_equal(batch.reject[0].reason, batch.reject[999].reason);
	batch_reject(&batch, NULL, &origin, "another", NULL, NULL);
	assert_string_equal(batch.reject[1000].reason, "another");
	assert_string_equal(batch.reject[999].reason, "not an object");
	batch_release(&batch);
}

static void event_times_keep_the_smallest_and_the_largest(void **state)
{
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	batch_event_time(&batch, 1, -5);
	batch_event_time(&batch, 1, -9);
	batch_event_time(&batch, 1, -7);
	assert_true(batch.table[1].has_events);
	assert_false(batch.table[0].has_events);
	assert_int_equal(batch.table[1].event_min, -9);
	assert_int_equal(batch.table[1].event_max, -5);
	batch_release(&batch);
}

static void a_reset_batch_is_empty_and_usable_again(void **state)
{
	struct record record = make_record("{}", 3, 7);
	struct batch_origin origin;
	struct batch batch;

	(void)state;
	batch_init(&batch, streams, 2);
	assert_true(batch_is_empty(&batch));
	for (int round = 0; round < 3; round++) {
		batch_record(&batch, &record, &origin);
		batch_row_begin(&batch, 1, &origin);
		batch_field_null(&batch);
		batch_row_end(&batch);
		batch_event_time(&batch, 1, round);
		batch_record(&batch,
			     &(struct record){.bytes = "x",
					      .len = 1,
					      .full_len = 1,
					      .part = 3,
					      .position = 10,
					      .next = 12},
			     &origin);
		batch_reject(&batch, NULL, &origin, "not json", "22P02", NULL);
		assert_int_equal(batch.range_count, 1);
		assert_int_equal(batch.range[0].from, 7);
		assert_int_equal(batch.range[0].to, 12);
		assert_int_equal(batch.table[1].event_min, round);
		assert_true(batch.opened_ms > 0);
		assert_false(batch_is_empty(&batch));
		batch_reset(&batch);
		assert_true(batch_is_empty(&batch));
		assert_int_equal(batch_bytes(&batch), 0);
		assert_int_equal(batch.table[1].row_count, 0);
		assert_int_equal(batch.reject_count, 0);
		assert_int_equal(batch.opened_ms, 0);
	}
	batch_release(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_encoded_as_a_binary_copy_tuple),
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(
			a_field_of_unknown_length_gets_its_length_at_the_end),
		cmocka_unit_test(a_cancelled_row_leaves_nothing_behind),
		cmocka_unit_test(a_reason_is_always_text),
		cmocka_unit_test(ranges_cover_records_and_what_lies_between),
		cmocka_unit_test(a_cut_record_remembers_its_full_length),
		cmocka_unit_test(
			rejects_count_as_memory_and_share_a_repeated_reason),
		cmocka_unit_test(event_times_keep_the_smallest_and_the_largest),
		cmocka_unit_test(a_reset_batch_is_empty_and_usable_again),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
