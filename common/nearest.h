/*
 * nearest.h - "did you mean": the candidate closest to a misspelt word
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/* The candidate with the fewest edits (insert, delete, replace, swap of
 * neighbours), ignoring ASCII case; NULL when none is near enough to be meant
 * (more than a third of the word's letters, at least one edit, would change).
 * Borrowed from candidates. */
const char *nearest(const char *word, const char *const *candidates,
		    size_t count);

#endif
