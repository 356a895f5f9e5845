#include "ingest/fast_text.h"

#include "common/utf8.h"
#include "ingest/convert_number.h"

/* A hex digit's value plus one; 0: it is none. */
static const unsigned char hex[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* What a backslash and this byte mean; 0: nothing, or \u. */
static const char short_escape[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* The code of \uXXXX; 0 where no such escape stands, and for NUL. */
static unsigned unicode_escape(const char *at)
{
	unsigned code = 0;

	if (at[0] != '\\' || at[1] != 'u')
		return 0;
	for (int i = 2; i < 6; i++) {
		unsigned digit = hex[(unsigned char)at[i]];

		if (digit == 0)
			return 0;
		code = code << 4 | (digit - 1);
	}
	return code;
}

static bool is_high_surrogate(unsigned code)
{
	return code >= 0xD800 && code <= 0xDBFF;
}

static bool is_low_surrogate(unsigned code)
{
	return code >= 0xDC00 && code <= 0xDFFF;
}

static const char *pass_escape(const char *at)
{
	unsigned code;

	if (short_escape[(unsigned char)at[1]])
		return at + 2;
	code = unicode_escape(at);
	if (code == 0 || is_low_surrogate(code))
		return NULL;
	if (!is_high_surrogate(code))
		return at + 6;
	return is_low_surrogate(unicode_escape(at + 6)) ? at + 12 : NULL;
}

const char *fast_text_odd(const char *at)
{
	for (;;) {
		if (*at == '\\') {
			at = pass_escape(at);
			if (!at)
				return NULL;
		} else if ((unsigned char)*at >= 0x80) {
			size_t len = utf8_length(at, at + 4);

			if (len == 0)
				return NULL;
			at += len;
		} else {
			return (unsigned char)*at < ' ' ? NULL : at;
		}
	}
}

static const char *digits(const char *at)
{
	while (*at >= '0' && *at <= '9')
		at++;
	return at;
}

const char *fast_text_number(const char *at)
{
	const char *start = at;
	const char *from;

	at += *at == '-';
	from = at;
	at = digits(at);
	if (at == from || (*from == '0' && at > from + 1))
		return NULL;
	if (*at == '.') {
		from = at + 1;
		at = digits(from);
		if (at == from)
			return NULL;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		from = at;
		at = digits(from);
		if (at == from)
			return NULL;
	}
	return at - start <= NUMBER_MAX ? at : NULL;
}

static char *put_utf8(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code < 0x800) {
		*to++ = (char)(0xC0 | code >> 6);
	} else if (code < 0x10000) {
		*to++ = (char)(0xE0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
	} else {
		*to++ = (char)(0xF0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3F));
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
	}
	*to++ = (char)(0x80 | (code & 0x3F));
	return to;
}

size_t fast_text_unescape(const char *from, const char *end, char *to)
{
	char *start = to;

	while (from < end) {
		const char *escape = memchr(from, '\\', (size_t)(end - from));
		size_t plain = (size_t)((escape ? escape : end) - from);

		memcpy(to, from, plain);
		to += plain;
		from += plain;
		while (from < end && *from == '\\') {
			unsigned code = unicode_escape(from);

			if (code == 0) {
				*to++ = short_escape[(unsigned char)from[1]];
				from += 2;
				continue;
			}
			from += 6;
			if (is_high_surrogate(code)) {
				code = 0x10000 + ((code - 0xD800) << 10) +
				       (unicode_escape(from) - 0xDC00);
				from += 6;
			}
			to = put_utf8(to, code);
		}
	}
	return (size_t)(to - start);
}
