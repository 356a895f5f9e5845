#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/utf8.h"

/* The Unicode standard's table 3-7, as an independent rule: a code point's
 * encoding is valid exactly if it is the one that these shifts give. */
static bool is_scalar(const unsigned char *s, size_t len)
{
	uint32_t code;

	if (len == 1)
		return s[0] < 0x80;
	for (size_t i = 1; i < len; i++)
		if (s[i] >> 6 != 2)
			return false;
	if (len == 2 && s[0] >> 5 == 6) {
		code = (s[0] & 31u) << 6 | (s[1] & 63u);
		return code >= 0x80;
	}
	if (len == 3 && s[0] >> 4 == 14) {
		code = (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u);
		return code >= 0x800 && !(code >= 0xD800 && code < 0xE000);
	}
	if (len == 4 && s[0] >> 3 == 30) {
		code = (s[0] & 7u) << 18 | (s[1] & 63u) << 12 |
		       (s[2] & 63u) << 6 | (s[3] & 63u);
		return code >= 0x10000 && code <= 0x10FFFF;
	}
	return false;
}

static void utf8_is_what_unicode_says_for_every_lead_and_edge(void **state)
{
	static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80,
					      0x8f, 0x90, 0x9f, 0xa0,
					      0xbf, 0xc0, 0xff};
	const size_t count = sizeof edges;

	(void)state;
	for (unsigned lead = 0x80; lead < 0x100; lead++) {
		for (size_t i = 0; i < count * count * count; i++) {
			unsigned char bytes[4] = {(unsigned char)lead,
						  edges[i % count],
						  edges[i / count % count],
						  edges[i / count / count]};
			size_t wanted = 0;

			for (size_t len = 2; len <= 4; len++)
				if (is_scalar(bytes, len))
					wanted = len;
			assert_int_equal(utf8_length((const char *)bytes,
						     (const char *)bytes + 4),
					 wanted);
			if (wanted > 0)
				assert_int_equal(
					utf8_length((const char *)bytes,
						    (const char *)bytes +
							    wanted - 1),
					0);
		}
	}
}

static void ascii_is_text_but_nul_is_not(void **state)
{
	(void)state;
	for (int c = 1; c < 0x80; c++) {
		char byte = (char)c;

		assert_int_equal(utf8_length(&byte, &byte + 1), 1);
	}
	assert_int_equal(utf8_length("", "" + 1), 0);
}

static void a_flaw_is_found_where_it_is(void **state)
{
	static const char text[] = "caf\xc3\xa9 \xe2\x82\xac";

	(void)state;
	assert_null(utf8_flaw("", 0));
	assert_null(utf8_flaw(text, sizeof text - 1));
	assert_ptr_equal(utf8_flaw(text, sizeof text - 2), text + 6);
	assert_ptr_equal(utf8_flaw(text, 4), text + 3);
	assert_ptr_equal(utf8_flaw(text, sizeof text), text + 9);
}

static void a_flaw_is_found_wherever_it_lies_in_plain_text(void **state)
{
	static const char flaws[] = {'\0', '\x80', '\xff'};

	(void)state;
	for (size_t at = 0; at < 25; at++) {
		char text[] = "a line of text\x7f\x01 in ASCII";

		assert_null(utf8_flaw(text, at));
		for (size_t i = 0; i < sizeof flaws; i++) {
			text[at] = flaws[i];
			assert_ptr_equal(utf8_flaw(text, sizeof text - 1),
					 text + at);
		}
	}
}

static void mending_leaves_text_and_replaces_the_rest(void **state)
{
	char text[] = "\xff\xc3\xa9\xed\xa0\xbcx\xe2\x82";

	(void)state;
	utf8_mend(text, sizeof text - 1);
	assert_string_equal(text, "?\xc3\xa9???x??");
	assert_null(utf8_flaw(text, strlen(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			utf8_is_what_unicode_says_for_every_lead_and_edge),
		cmocka_unit_test(ascii_is_text_but_nul_is_not),
		cmocka_unit_test(a_flaw_is_found_where_it_is),
		cmocka_unit_test(
			a_flaw_is_found_wherever_it_lies_in_plain_text),
		cmocka_unit_test(mending_leaves_text_and_replaces_the_rest),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
