/*
 * bluesky_words.h - what the people of the generated network write with
 *
 * Lists end with NULL; the commonest words come first.  They are chosen for
 * what they do to software: Cyrillic, CJK without spaces, marks that combine,
 * letters whose case is not one to one, apostrophes of two kinds.
 */
#ifndef SUPPORT_BLUESKY_WORDS_H
#define SUPPORT_BLUESKY_WORDS_H

#include <stdint.h>

struct language {
	const char *tag;
	uint32_t weight; /* share of the posts, relative to the others' */
	const char *space;
	const char *const *words;
};

/* Ends with an entry whose tag is NULL; the first is English. */
extern const struct language word_languages[];

/* The vocabulary of posts about engineering. */
extern const char *const word_topic[];

/* "engineering" in every disguise: those that are the word and those that only
 * look like it, inside longer words, URLs and mentions. */
extern const char *const word_disguise[];

extern const char *const word_emoji[];

#endif
