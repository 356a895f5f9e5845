#include "common/log_repeat.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "common/clock.h"

enum { REMEMBERED = 16, QUIET_MS = 30000, TEXT_BYTES = 512 };

static struct repeat {
	uint64_t hash;
	int64_t written_ms; /* 0: free */
	uint64_t held_back;
	char text[TEXT_BYTES]; /* its beginning */
} seen[REMEMBERED];

/* The one with that hash, else one to forget: the oldest of those of which
 * nothing is held back, or NULL. */
static struct repeat *find(uint64_t hash)
{
	struct repeat *oldest = NULL;

	for (int i = 0; i < REMEMBERED; i++) {
		if (seen[i].written_ms && seen[i].hash == hash)
			return &seen[i];
		if (!seen[i].held_back &&
		    (!oldest || seen[i].written_ms < oldest->written_ms))
			oldest = &seen[i];
	}
	if (oldest)
		*oldest = (struct repeat){.hash = hash};
	return oldest;
}

static void add_count(struct repeat *at, char *text, size_t size)
{
	size_t len = strlen(text);

	if (at->held_back)
		snprintf(text + len, size - len,
			 " (and %" PRIu64 " times more)", at->held_back);
	at->held_back = 0;
}

bool log_repeat_says(char *text, size_t size)
{
	struct repeat *at = find(XXH3_64bits(text, strlen(text)));
	int64_t now = clock_ms();

	if (!at)
		return true;
	if (at->written_ms && now - at->written_ms < QUIET_MS) {
		at->held_back++;
		return false;
	}
	snprintf(at->text, sizeof at->text, "%s", text);
	add_count(at, text, size);
	at->written_ms = now;
	return true;
}

bool log_repeat_left(bool all, char *text, size_t size)
{
	int64_t now = clock_ms();

	for (int i = 0; i < REMEMBERED; i++) {
		struct repeat *at = &seen[i];

		if (!at->held_back || (!all && now - at->written_ms < QUIET_MS))
			continue;
		snprintf(text, size, "%s", at->text);
		add_count(at, text, size);
		at->written_ms = now;
		return true;
	}
	return false;
}
