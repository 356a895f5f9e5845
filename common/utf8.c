#include "common/utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

size_t utf8_length(const char *at, const char *end)
{
	size_t left = (size_t)(end - at);
	unsigned char c = (unsigned char)at[0];
	unsigned char second = left > 1 ? (unsigned char)at[1] : 0;

	if (c < 0x80)
		return c != 0;
	if (left < 2 || !is_continuation(at[1]))
		return 0;
	if (c >= 0xC2 && c <= 0xDF)
		return 2;
	if (left < 3 || !is_continuation(at[2]))
		return 0;
	if ((c & 0xF0) == 0xE0)
		return (c == 0xE0 && second < 0xA0) ||
				       (c == 0xED && second > 0x9F)
			       ? 0
			       : 3;
	if (left < 4 || !is_continuation(at[3]) || c < 0xF0 || c > 0xF4 ||
	    (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
		return 0;
	return 4;
}

size_t utf8_count(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += !is_continuation(*text);
	return count;
}

/* Eight bytes: whether all are ASCII, and none is NUL. */
static bool is_plain(const char *at)
{
	const uint64_t ones = 0x0101010101010101, highs = ones << 7;
	uint64_t bytes;

	memcpy(&bytes, at, sizeof bytes);
	return ((bytes | (bytes - ones)) & highs) == 0;
}

const char *utf8_flaw(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		size_t step = end - text >= 8 && is_plain(text)
				      ? 8
				      : utf8_length(text, end);

		if (step == 0)
			return text;
		text += step;
	}
	return NULL;
}

size_t utf8_cut(const char *text, size_t len, size_t most)
{
	if (len <= most)
		return len;
	while (most > 0 && is_continuation(text[most]))
		most--;
	return most;
}

size_t utf8_mark(const char *text, size_t len)
{
	return len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

void utf8_mend(char *text, size_t len)
{
	char *end = text + len;

	while (text < end) {
		size_t step = utf8_length(text, end);

		if (step == 0)
			*text = '?';
		text += step ? step : 1;
	}
}
