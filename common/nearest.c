#include "common/nearest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 }; /* longer words are not compared */

static int at(const char *s, size_t i)
{
	return tolower((unsigned char)s[i]);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance, three rows at a time. */
static size_t edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *reused = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t cost = at(a, i - 1) != at(b, j - 1);

			row[j] = least(least(last[j] + 1, row[j - 1] + 1),
				       last[j - 1] + cost);
			if (i > 1 && j > 1 && at(a, i - 1) == at(b, j - 2) &&
			    at(a, i - 2) == at(b, j - 1))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = reused;
	}
	return last[b_len];
}

const char *nearest(const char *word, const char *const *candidates,
		    size_t count)
{
	size_t len = strlen(word);
	size_t best = len / 3 > 1 ? len / 3 + 1 : 2;
	const char *found = NULL;

	if (len > LONGEST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t candidate_len = strlen(candidates[i]);
		size_t distance;

		if (candidate_len > LONGEST)
			continue;
		distance = edits(word, len, candidates[i], candidate_len);
		if (distance < best && distance < candidate_len) {
			best = distance;
			found = candidates[i];
		}
	}
	return found;
}
