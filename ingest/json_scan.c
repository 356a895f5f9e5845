#include "ingest/json_scan.h"

#include <string.h>

#include "common/utf8.h"
#include "ingest/convert_number.h"

struct scanner {
	const char *start;
	const char *at;
	const char *end;
	const char *copied; /* what is before it stands in out */
	char *out;
	const struct decode_limits *limits;
	struct error *err;
	size_t tokens;
	size_t depth;
	unsigned char is_object[JSON_DEPTH_MAX]; /* by depth */
};

static bool fail_at(struct scanner *scanner, const char *at, const char *why)
{
	return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
			 "%s at byte %zu", why,
			 (size_t)(at - scanner->start) + 1);
}

static bool fail_end(struct scanner *scanner, const char *where)
{
	return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
			 "the record ends %s after %zu bytes: it was cut",
			 where, (size_t)(scanner->end - scanner->start));
}

/* "expected X but found Y at byte N" */
static bool unexpected(struct scanner *scanner, const char *expected)
{
	unsigned char c = (unsigned char)*scanner->at;
	size_t byte = (size_t)(scanner->at - scanner->start) + 1;

	if (c > ' ' && c < 0x7f)
		return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
				 "expected %s but found `%c` at byte %zu",
				 expected, c, byte);
	return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
			 "expected %s but found 0x%02x at byte %zu", expected,
			 c, byte);
}

static void skip_blanks(struct scanner *scanner)
{
	while (scanner->at < scanner->end &&
	       (*scanner->at == ' ' || *scanner->at == '\t' ||
		*scanner->at == '\n' || *scanner->at == '\r'))
		scanner->at++;
}

/* Copies what was read and not yet copied. */
static void copy_read(struct scanner *scanner)
{
	size_t len = (size_t)(scanner->at - scanner->copied);

	memcpy(scanner->out, scanner->copied, len);
	scanner->out += len;
	scanner->copied = scanner->at;
}

static bool count_token(struct scanner *scanner)
{
	if (++scanner->tokens <= scanner->limits->max_tokens)
		return true;
	return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
			 "the record has more than %zu keys and values",
			 scanner->limits->max_tokens);
}

/* Four hex digits at `at`; -1: there are none. */
static int hex4(const struct scanner *scanner, const char *at)
{
	int value = 0;

	if (scanner->end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* At \u: one character, or the two halves of a surrogate pair. */
static bool scan_unicode_escape(struct scanner *scanner)
{
	const char *at = scanner->at;
	int code = hex4(scanner, at + 2);
	int low;

	if (code < 0)
		return scanner->end - at < 6
			       ? fail_end(scanner, "inside a string")
			       : fail_at(scanner, at,
					 "\\u is not followed by four hex "
					 "digits");
	if (code == 0)
		return fail_at(scanner, at,
			       "PostgreSQL cannot store the NUL character "
			       "\\u0000");
	scanner->at += 6;
	if (code < 0xD800 || code > 0xDFFF)
		return true;
	low = -1;
	if (code <= 0xDBFF && scanner->end - scanner->at >= 6 &&
	    scanner->at[0] == '\\' && scanner->at[1] == 'u')
		low = hex4(scanner, scanner->at + 2);
	if (low < 0xDC00 || low > 0xDFFF)
		return fail_at(scanner, at,
			       "half of a surrogate pair, which is no "
			       "character,");
	scanner->at += 6;
	return true;
}

static bool scan_escape(struct scanner *scanner)
{
	if (scanner->end - scanner->at < 2)
		return fail_end(scanner, "inside a string");
	if (scanner->at[1] == 'u')
		return scan_unicode_escape(scanner);
	if (scanner->at[1] == '\0' || !strchr("\"\\/bfnrt", scanner->at[1]))
		return fail_at(scanner, scanner->at,
			       "a backslash with no meaning in JSON");
	scanner->at += 2;
	return true;
}

static bool scan_odd_byte(struct scanner *scanner)
{
	unsigned char c = (unsigned char)*scanner->at;
	size_t len;

	if (c == '\\')
		return scan_escape(scanner);
	if (c < ' ')
		return error_set(
			scanner->err, ERROR_DATA, STATUS_DATA,
			"a control character, 0x%02x, stands unescaped "
			"in a string at byte %zu",
			c, (size_t)(scanner->at - scanner->start) + 1);
	len = utf8_length(scanner->at, scanner->end);
	if (len == 0)
		return fail_at(scanner, scanner->at, "invalid UTF-8");
	scanner->at += len;
	return true;
}

/* At the opening quote; ends after the closing one. */
static bool scan_string(struct scanner *scanner)
{
	scanner->at++;
	for (;;) {
		const char *at = scanner->at;

		while (at < scanner->end && *at != '"' && *at != '\\' &&
		       (unsigned char)*at >= ' ' && (unsigned char)*at < 0x80)
			at++;
		scanner->at = at;
		if (at == scanner->end)
			return fail_end(scanner, "inside a string");
		if (*at == '"')
			break;
		if (!scan_odd_byte(scanner))
			return false;
	}
	scanner->at++;
	return true;
}

static bool scan_string_value(struct scanner *scanner)
{
	const char *quote = scanner->at++;

	copy_read(scanner);
	*scanner->out++ = JSON_TAG_STRING;
	scanner->at = quote;
	return scan_string(scanner);
}

static bool scan_number(struct scanner *scanner)
{
	size_t left = (size_t)(scanner->end - scanner->at);
	size_t len = convert_number_length(scanner->at, left);

	if (len == 0)
		return fail_at(scanner, scanner->at, "a malformed number");
	if (len > NUMBER_MAX)
		return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
				 "a number of %zu bytes (at most %d are taken) "
				 "at byte %zu",
				 len, NUMBER_MAX,
				 (size_t)(scanner->at - scanner->start) + 1);
	copy_read(scanner);
	*scanner->out++ = '"';
	*scanner->out++ = JSON_TAG_NUMBER;
	scanner->at += len;
	copy_read(scanner);
	*scanner->out++ = '"';
	return true;
}

static bool scan_word(struct scanner *scanner)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t left = (size_t)(scanner->end - scanner->at);

	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(words[i]);

		if (left >= len && memcmp(scanner->at, words[i], len) == 0) {
			scanner->at += len;
			return true;
		}
	}
	return unexpected(scanner, "a value");
}

/* A key with its colon. */
static bool scan_key(struct scanner *scanner)
{
	skip_blanks(scanner);
	if (scanner->at == scanner->end)
		return fail_end(scanner, "inside an object");
	if (*scanner->at != '"')
		return unexpected(scanner, "a key in quotes");
	if (!count_token(scanner) || !scan_string(scanner))
		return false;
	skip_blanks(scanner);
	if (scanner->at == scanner->end)
		return fail_end(scanner, "after a key");
	if (*scanner->at != ':')
		return unexpected(scanner, "`:` after a key");
	scanner->at++;
	return true;
}

/* At { or [.  *opened: whether there is a value inside to read next. */
static bool scan_open(struct scanner *scanner, bool *opened)
{
	bool is_object = *scanner->at++ == '{';

	if (scanner->depth == scanner->limits->max_depth ||
	    scanner->depth == JSON_DEPTH_MAX)
		return error_set(scanner->err, ERROR_DATA, STATUS_DATA,
				 "arrays and objects are nested more than %zu "
				 "deep at byte %zu",
				 scanner->depth,
				 (size_t)(scanner->at - scanner->start));
	skip_blanks(scanner);
	*opened = false;
	if (scanner->at < scanner->end &&
	    *scanner->at == (is_object ? '}' : ']')) {
		scanner->at++;
		return true;
	}
	*opened = true;
	scanner->is_object[scanner->depth++] = is_object;
	return !is_object || scan_key(scanner);
}

/* After a value: closes what ends here.  *more: another value follows. */
static bool scan_close(struct scanner *scanner, bool *more)
{
	while (scanner->depth > 0) {
		bool is_object = scanner->is_object[scanner->depth - 1];

		skip_blanks(scanner);
		if (scanner->at == scanner->end)
			return fail_end(scanner, is_object ? "inside an object"
							   : "inside an array");
		if (*scanner->at == ',') {
			scanner->at++;
			*more = true;
			return !is_object || scan_key(scanner);
		}
		if (*scanner->at != (is_object ? '}' : ']'))
			return unexpected(scanner, is_object ? "`,` or `}`"
							     : "`,` or `]`");
		scanner->at++;
		scanner->depth--;
	}
	*more = false;
	return true;
}

static bool scan_value(struct scanner *scanner, bool *opened)
{
	*opened = false;
	skip_blanks(scanner);
	if (scanner->at == scanner->end)
		return fail_end(scanner, "where a value should be");
	if (!count_token(scanner))
		return false;
	switch (*scanner->at) {
	case '{':
	case '[':
		return scan_open(scanner, opened);
	case '"':
		return scan_string_value(scanner);
	case '-':
	case '0' ... '9':
		return scan_number(scanner);
	default:
		return scan_word(scanner);
	}
}

bool json_scan(const char *bytes, size_t len,
	       const struct decode_limits *limits, struct buf *tagged,
	       struct error *err)
{
	struct scanner scanner;
	bool opened = false, more = true;

	/* `0,` becomes `"n0",`: nothing grows more */
	buf_reset(tagged);
	scanner.out = buf_reserve(tagged, len / 2 * 5 + 8);
	scanner.start = scanner.at = scanner.copied = bytes;
	scanner.end = bytes + len;
	scanner.limits = limits;
	scanner.err = err;
	scanner.tokens = scanner.depth = 0;
	while (more) {
		if (!scan_value(&scanner, &opened))
			return false;
		if (!opened && !scan_close(&scanner, &more))
			return false;
	}
	skip_blanks(&scanner);
	if (scanner.at != scanner.end)
		return unexpected(&scanner, "the end of the record");
	copy_read(&scanner);
	tagged->len = (size_t)(scanner.out - tagged->data);
	*scanner.out = '\0';
	return true;
}
