#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf buf = BUF_INIT;
	char *text;

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	buf_reset(&buf);
	assert_int_equal(buf.len, 0);
	text = buf_detach(&buf);
	assert_string_equal(text, "");
	free(text);
	buf_release(&buf);
}

/* Pieces of every length from 0 to 999, whose bytes tell their place. */
static void whatever_is_added_is_there_in_order_and_closed_by_nul(void **state)
{
	struct buf buf = BUF_INIT;
	size_t len, i, at = 0;
	char piece[1000];

	(void)state;
	for (len = 0; len < sizeof piece; len++) {
		memset(piece, (int)(len % 251), len);
		buf_add(&buf, piece, len);
		assert_int_equal(buf.data[buf.len], 0);
	}
	assert_int_equal(buf.len, 999 * 1000 / 2);
	for (len = 0; len < sizeof piece; len++)
		for (i = 0; i < len; i++)
			assert_int_equal((unsigned char)buf.data[at++],
					 len % 251);
	buf_release(&buf);
	assert_null(buf.data);
}

static void zero_bytes_are_bytes_like_others(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	buf_add(&buf, "a\0b", 3);
	buf_add_byte(&buf, '\0');
	buf_add_text(&buf, "c");
	assert_int_equal(buf.len, 5);
	assert_memory_equal(buf.data, "a\0b\0c", 6);
	buf_release(&buf);
}

static void formatted_text_of_any_length_is_appended(void **state)
{
	struct buf buf = BUF_INIT;
	char wide[5001];

	(void)state;
	memset(wide, 'x', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	buf_format(&buf, "%d-%s-", 7, "seven");
	buf_format(&buf, "%s", "");
	buf_format(&buf, "%s!", wide);
	assert_int_equal(buf.len, 8 + 5000 + 1);
	assert_memory_equal(buf.data, "7-seven-xxx", 11);
	assert_string_equal(buf.data + buf.len - 3, "xx!");
	buf_release(&buf);
}

static void reset_keeps_the_memory_and_detach_hands_it_over(void **state)
{
	struct buf buf = BUF_INIT;
	char *data, *text;

	(void)state;
	buf_add_text(&buf, "something longer than nothing");
	data = buf.data;
	buf_reset(&buf);
	assert_string_equal(buf_text(&buf), "");
	buf_add_text(&buf, "else");
	assert_ptr_equal(buf.data, data);
	text = buf_detach(&buf);
	assert_ptr_equal(text, data);
	assert_string_equal(text, "else");
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	free(text);
}

static void reserved_room_may_be_filled_by_the_caller(void **state)
{
	struct buf buf = BUF_INIT;
	char *to;

	(void)state;
	buf_add_text(&buf, "ab");
	to = buf_reserve(&buf, 1000);
	assert_ptr_equal(to, buf.data + 2);
	memset(to, 'z', 1000);
	buf.len += 1000;
	buf_add_byte(&buf, '.');
	assert_int_equal(buf.len, 1003);
	assert_string_equal(buf.data + 1000, "zz.");
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(
			whatever_is_added_is_there_in_order_and_closed_by_nul),
		cmocka_unit_test(zero_bytes_are_bytes_like_others),
		cmocka_unit_test(formatted_text_of_any_length_is_appended),
		cmocka_unit_test(
			reset_keeps_the_memory_and_detach_hands_it_over),
		cmocka_unit_test(reserved_room_may_be_filled_by_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
