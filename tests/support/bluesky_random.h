/*
 * bluesky_random.h - chance that repeats itself, and names made of it
 *
 * A generator is one number.  The same number gives the same values on every
 * machine, and a name (a DID, a CID) is a function of the number it is made
 * from: whoever holds the number can write the name again.
 *
 * The put_ functions write at `to`, add no NUL and return where they stopped.
 */
#ifndef SUPPORT_BLUESKY_RANDOM_H
#define SUPPORT_BLUESKY_RANDOM_H

#include <stdint.h>
#include <string.h>

struct random {
	uint64_t state;
};

/* 64 bits (splitmix64, Steele, Lea and Flood 2014). */
static inline uint64_t random_bits(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to limit - 1; the bias of a 32-bit product is below one in a thousand
 * for limits below four million. */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)(((random_bits(random) >> 32) * limit) >> 32);
}

/* True in `share` of a million cases. */
static inline int random_chance(struct random *random, uint32_t share)
{
	return random_below(random, 1000000) < share;
}

/* The same number for the same two numbers. */
static inline uint64_t random_mix(uint64_t a, uint64_t b)
{
	struct random random = {a ^ (b * 0xd1342543de82ef95u)};

	return random_bits(&random);
}

static inline char *put(char *to, const char *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

#define PUT(to, literal) put((to), "" literal, sizeof(literal) - 1)

/* Fills the tables behind put_did, put_cid and put_tid.  Called once. */
void random_prepare(void);

char *put_did(char *to, uint64_t user);    /* did:plc: and 24 letters */
char *put_cid(char *to, uint64_t content); /* bafyrei and 52 letters */
char *put_tid(char *to, uint64_t tid);     /* 13 letters, in time order */
char *put_number(char *to, uint64_t number);

/* The TID of a microsecond: a clock id keeps two of one microsecond apart. */
static inline uint64_t tid_at(int64_t unix_us, uint64_t clock_id)
{
	return (uint64_t)unix_us << 10 | (clock_id & 1023);
}

/* The TID of something older, decided by its content. */
static inline uint64_t tid_of(uint64_t content)
{
	return tid_at(INT64_C(1741000000000000) + (int64_t)(content >> 24),
		      content);
}

#endif
