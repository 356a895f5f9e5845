/*
 * fuzz_decode - both decoder tiers must agree on any record at all
 *
 * Each input is one record.  It goes through the shipped streams, through one
 * with every type and conversion, and through one with jsonb and `*`, the last
 * two within tight limits; the rows and rejects must be the same to the byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/decode_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAIRS = 3 };

static struct decode_pair pair[PAIRS];

static void prepare(void)
{
	decode_pair_add_file(&pair[0], "bluesky_events",
			     "sql/bluesky/streams/bluesky_events.sql");
	decode_pair_add_file(&pair[0], "pageviews",
			     "sql/pageviews/streams/pageviews.sql");
	decode_pair_open(&pair[0], -1, &(struct decode_limits){200, 1000000});
	decode_pair_add(&pair[1], "types", decode_pair_types);
	decode_pair_open(&pair[1], 0, &(struct decode_limits){8, 60});
	decode_pair_add(&pair[2], "rest", decode_pair_rest);
	decode_pair_open(&pair[2], 0, &(struct decode_limits){70, 1000});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record = decode_pair_record((const char *)data, size);

	if (pair[0].count == 0)
		prepare();
	for (int i = 0; i < PAIRS; i++) {
		const char *difference;

		decode_pair_decode(&pair[i], &record);
		difference = decode_pair_difference(&pair[i]);
		if (!difference)
			continue;
		fprintf(stderr, "%s: the tiers differ in %s; jansson: %s\n",
			pair[i].stream[0]->name, difference,
			pair[i].by_slow.reject_count
				? pair[i].by_slow.reject[0].reason
				: "a row");
		abort();
	}
	return 0;
}
