#include "decode_fixture.h"

#include <jansson.h>

#include "ingest/json_scan.h"

static const struct decode_limits limits = {64, 1000};

static bool scan(const char *text, size_t len, struct buf *out,
		 struct error *err)
{
	return json_scan(text, len, &limits, out, err);
}

static void numbers_and_strings_are_tagged_and_keys_are_not(void **state)
{
	static const struct {
		const char *text, *tagged;
	} cases[] = {
		{"0", "\"n0\""},
		{"\"\"", "\"s\""},
		{" -1.50e+3 ", " \"n-1.50e+3\" "},
		{"[0,1,2]", "[\"n0\",\"n1\",\"n2\"]"},
		{"{\"a\":1,\"n1\":\"n1\"}", "{\"a\":\"n1\",\"n1\":\"sn1\"}"},
		{"{\"k\" : {\"\":\"\\\"x\"}}", "{\"k\" : {\"\":\"s\\\"x\"}}"},
		{"[true,false,null,{},[]]", "[true,false,null,{},[]]"},
		{"18446744073709551616", "\"n18446744073709551616\""},
		{"[\"\\ud83d\\ude00\"]", "[\"s\\ud83d\\ude00\"]"},
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;

		if (!scan(cases[i].text, strlen(cases[i].text), &out, &err))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(buf_text(&out), cases[i].tagged);
		assert_int_equal(out.len, strlen(cases[i].tagged));
	}
	buf_release(&out);
}

static void what_is_wrong_is_said_with_its_byte(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "the record ends where a value should be after 0 bytes"},
		{"[1,]", "expected a value but found `]` at byte 4"},
		{"{\"a\":1,}", "expected a key in quotes but found `}` at byte "
			       "8"},
		{"{\"a\" 1}", "expected `:` after a key but found `1` at byte "
			      "6"},
		{"{a:1}", "expected a key in quotes but found `a` at byte 2"},
		{"[1 2]", "expected `,` or `]` but found `2` at byte 4"},
		{"{\"a\":1]", "expected `,` or `}` but found `]` at byte 7"},
		{"1 2", "expected the end of the record but found `2` at byte "
			"3"},
		{"tru", "expected a value but found `t` at byte 1"},
		{"[nul]", "expected a value but found `n` at byte 2"},
		{"'a'", "expected a value but found `'` at byte 1"},
		{"[-]", "a malformed number at byte 2"},
		{"[01]", "a malformed number at byte 2"},
		{"[1.]", "a malformed number at byte 2"},
		{"\"\\x\"", "a backslash with no meaning in JSON at byte 2"},
		{"\"\\u12g4\"", "\\u is not followed by four hex digits at "
				"byte 2"},
		{"\"a\\u0000\"", "PostgreSQL cannot store the NUL character "
				 "\\u0000 at byte 3"},
		{"\"\\ude00\"", "half of a surrogate pair, which is no "
				"character, at byte 2"},
		{"\"\\ud83d\\u0041\"", "half of a surrogate pair"},
		{"\"a\tb\"", "a control character, 0x09, stands unescaped in a "
			     "string at byte 3"},
		{"\"\xc3(\"", "invalid UTF-8 at byte 2"},
		{"\xc3\xa9", "expected a value but found 0xc3 at byte 1"},
		{"\"abc", "the record ends inside a string after 4 bytes: it "
			  "was cut"},
		{"\"abc\\", "the record ends inside a string after 5 bytes"},
		{"\"\\u12", "the record ends inside a string after 5 bytes"},
		{"[1,", "the record ends where a value should be after 3"},
		{"[1", "the record ends inside an array after 2 bytes"},
		{"{\"a\":1", "the record ends inside an object after 6 bytes"},
		{"{\"a\"", "the record ends after a key after 4 bytes"},
		{"{", "the record ends inside an object after 1 bytes"},
		{"[", "the record ends where a value should be after 1 bytes"},
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;

		assert_false(
			scan(cases[i].text, strlen(cases[i].text), &out, &err));
		if (strncmp(err.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("got %s\nwanted %s", err.text, cases[i].why);
		assert_int_equal(err.kind, ERROR_DATA);
	}
	buf_release(&out);
}

static void a_nul_byte_is_refused_inside_and_outside_strings(void **state)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_false(scan("\"a\0b\"", 5, &out, &err));
	assert_string_equal(err.text, "a control character, 0x00, stands "
				      "unescaped in a string at byte 3");
	assert_false(scan("1\0", 2, &out, &err));
	assert_string_equal(err.text, "expected the end of the record but "
				      "found 0x00 at byte 2");
	assert_false(scan("\"\\\0\"", 4, &out, &err));
	buf_release(&out);
}

static void limits_hold_to_the_last_one(void **state)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 64; i++)
		buf_add_byte(&text, '[');
	for (int i = 0; i < 64; i++)
		buf_add_byte(&text, ']');
	assert_true(scan(text.data, text.len, &out, &err));
	buf_reset(&text);
	for (int i = 0; i < 65; i++)
		buf_add_byte(&text, '[');
	assert_false(scan(text.data, text.len, &out, &err));
	assert_string_equal(err.text, "arrays and objects are nested more than "
				      "64 deep at byte 65");
	/* the array itself and 999 numbers */
	buf_reset(&text);
	buf_add_text(&text, "[0");
	for (int i = 0; i < 998; i++)
		buf_add_text(&text, ",0");
	buf_add_text(&text, "]");
	assert_true(scan(text.data, text.len, &out, &err));
	text.len--;
	buf_add_text(&text, ",0]");
	assert_false(scan(text.data, text.len, &out, &err));
	assert_string_equal(err.text,
			    "the record has more than 1000 keys and values");
	buf_reset(&text);
	for (int i = 0; i < 4096; i++)
		buf_add_byte(&text, '7');
	assert_true(scan(text.data, text.len, &out, &err));
	buf_add_byte(&text, '7');
	assert_false(scan(text.data, text.len, &out, &err));
	assert_string_equal(err.text, "a number of 4097 bytes (at most 4096 "
				      "are taken) at byte 1");
	buf_release(&text);
	buf_release(&out);
}

/* Bytes of a record, each replaced by many others: whatever the scanner passes
 * jansson must pass too. */
static void jansson_accepts_whatever_the_scanner_passes(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"x\\n\\u00e9\xc3\xa9\"],"
				   "\"b\":{\"c\":null,\"d\":true},\"e\":[]}";
	static const unsigned char others[] = "\"\\{}[]:,01.eE+-untf \t\x80"
					      "\xc3\xed\xf4\x1f\x7f";
	struct buf out = BUF_INIT;
	int passed = 0, tried = 0;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		for (size_t j = 0; j < sizeof others; j++) {
			char changed[sizeof text];
			struct error err = ERROR_INIT;
			json_t *root;

			memcpy(changed, text, sizeof text);
			changed[i] = (char)others[j];
			tried++;
			if (!scan(changed, sizeof text - 1, &out, &err))
				continue;
			passed++;
			root = json_loadb(out.data, out.len, JSON_DECODE_ANY,
					  NULL);
			if (!root)
				fail_msg("jansson refuses %s", out.data);
			json_decref(root);
		}
	}
	assert_int_equal(tried, (sizeof text - 1) * sizeof others);
	assert_in_range(passed, tried / 10, tried - tried / 10);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			numbers_and_strings_are_tagged_and_keys_are_not),
		cmocka_unit_test(what_is_wrong_is_said_with_its_byte),
		cmocka_unit_test(
			a_nul_byte_is_refused_inside_and_outside_strings),
		cmocka_unit_test(limits_hold_to_the_last_one),
		cmocka_unit_test(jansson_accepts_whatever_the_scanner_passes),
	};

	return cmocka_run_group_tests_name("json_scan", tests, NULL, NULL);
}
