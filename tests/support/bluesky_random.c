#include "tests/support/bluesky_random.h"

/* Two letters at a time, of the two base32 alphabets of the network. */
static char plain_pair[1024][2];
static char sortable_pair[1024][2];

void random_prepare(void)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz234567";
	static const char sortable[] = "234567abcdefghijklmnopqrstuvwxyz";

	for (int i = 0; i < 1024; i++) {
		plain_pair[i][0] = plain[i >> 5];
		plain_pair[i][1] = plain[i & 31];
		sortable_pair[i][0] = sortable[i >> 5];
		sortable_pair[i][1] = sortable[i & 31];
	}
}

static char *put_pairs(char *to, uint64_t bits, int pairs)
{
	for (int i = 0; i < pairs; i++, bits >>= 10, to += 2)
		memcpy(to, plain_pair[bits & 1023], 2);
	return to;
}

char *put_did(char *to, uint64_t user)
{
	struct random random = {user};

	to = PUT(to, "did:plc:");
	to = put_pairs(to, random_bits(&random), 6);
	return put_pairs(to, random_bits(&random), 6);
}

char *put_cid(char *to, uint64_t content)
{
	struct random random = {content};

	to = PUT(to, "bafyrei");
	for (int i = 0; i < 4; i++)
		to = put_pairs(to, random_bits(&random), 6);
	return put_pairs(to, random_bits(&random), 2);
}

char *put_tid(char *to, uint64_t tid)
{
	*to++ = sortable_pair[tid >> 60][1];
	for (int shift = 50; shift >= 0; shift -= 10, to += 2)
		memcpy(to, sortable_pair[tid >> shift & 1023], 2);
	return to;
}

char *put_number(char *to, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	return put(to, digits + at, sizeof digits - at);
}
