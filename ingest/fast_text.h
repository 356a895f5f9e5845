/*
 * fast_text.h - runs of bytes inside a JSON text, many at a time
 *
 * Nothing here knows where the text ends.  It must be followed by a NUL, which
 * ends every run because no JSON text may hold one, and by FAST_PADDING bytes
 * that may be read, so that a register can be loaded across the end.
 *
 * A position is where reading goes on; NULL means that the text is not what
 * JSON allows, or not plainly so.
 */
#ifndef INGEST_FAST_TEXT_H
#define INGEST_FAST_TEXT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { FAST_PADDING = 32 };

/* The first byte at or after `at` that is not plain: a quote, a backslash, a
 * control character or anything beyond ASCII.  Eight bytes at a time, with
 * arithmetic alone: a byte's high bit is set where it is odd.  A borrow may
 * mark bytes above an odd one as well, never below: the lowest mark counts. */
static inline const char *fast_text_plain_portable(const char *at)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;

	for (;; at += 8) {
		uint64_t word, quote, backslash, odd;

		memcpy(&word, at, sizeof word);
		word = le64toh(word);
		quote = word ^ ones * '"';
		backslash = word ^ ones * '\\';
		odd = ((quote - ones) | (backslash - ones) |
		       (word - ones * ' ') | word) &
		      high;
		if (odd)
			return at + __builtin_ctzll(odd) / 8;
	}
}

/* The same with the machine's registers. */
static inline const char *fast_text_plain(const char *at)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (;; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)at);
		__m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote),
					   _mm_cmpeq_epi8(bytes, backslash));
		/* signed: what is beyond ASCII is below the space too */
		odd = _mm_or_si128(odd, _mm_cmplt_epi8(bytes, space));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);

		if (mask)
			return at + __builtin_ctz(mask);
	}
#elif defined(__ARM_NEON) && defined(__aarch64__)
	for (;; at += 16) {
		int8x16_t bytes = vld1q_s8((const int8_t *)at);
		uint8x16_t odd = vorrq_u8(vceqq_s8(bytes, vdupq_n_s8('"')),
					  vceqq_s8(bytes, vdupq_n_s8('\\')));
		/* signed: what is beyond ASCII is below the space too */
		odd = vorrq_u8(odd, vcltq_s8(bytes, vdupq_n_s8(' ')));
		/* four bits a byte: this machine's movemask */
		uint64_t mask =
			vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(
					      vreinterpretq_u16_u8(odd), 4)),
				      0);

		if (mask)
			return at + __builtin_ctzll(mask) / 4;
	}
#else
	return fast_text_plain_portable(at);
#endif
}

static inline const char *fast_text_blanks(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

/* At a byte that is neither plain nor a quote: passes over it and what follows
 * of its kind, escapes and UTF-8. */
const char *fast_text_odd(const char *at);

/* After an opening quote: finds the closing one.  *odd: whether there are
 * bytes in between that are not plain; without them there is no escape. */
static inline const char *fast_text_string(const char *at, bool *odd)
{
	*odd = false;
	for (;;) {
		at = fast_text_plain(at);
		if (*at == '"')
			return at;
		*odd = true;
		at = fast_text_odd(at);
		if (!at)
			return NULL;
	}
}

/* At a digit or a minus: passes over a number of at most NUMBER_MAX bytes. */
const char *fast_text_number(const char *at);

/* Undoes the escapes of a checked string [from, end); writes no more bytes
 * than it reads.  Returns how many. */
size_t fast_text_unescape(const char *from, const char *end, char *to);

#endif
