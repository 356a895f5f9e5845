#include "common/log_repeat.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "common/clock.h"

enum { REMEMBERED = 16, QUIET_MS = 30000 };

static struct repeat {
	uint64_t hash;
	int64_t written_ms; /* 0: free */
	uint64_t held_back;
} seen[REMEMBERED];

/* The one with that hash, else the one to forget. */
static struct repeat *find(uint64_t hash)
{
	struct repeat *oldest = &seen[0];

	for (int i = 0; i < REMEMBERED; i++) {
		if (seen[i].written_ms && seen[i].hash == hash)
			return &seen[i];
		if (seen[i].written_ms < oldest->written_ms)
			oldest = &seen[i];
	}
	*oldest = (struct repeat){.hash = hash};
	return oldest;
}

bool log_repeat_says(char *text, size_t size)
{
	struct repeat *at = find(XXH3_64bits(text, strlen(text)));
	int64_t now = clock_ms();
	size_t len = strlen(text);

	if (at->written_ms && now - at->written_ms < QUIET_MS) {
		at->held_back++;
		return false;
	}
	if (at->held_back)
		snprintf(text + len, size - len,
			 " (and %" PRIu64 " times more)", at->held_back);
	at->held_back = 0;
	at->written_ms = now;
	return true;
}
