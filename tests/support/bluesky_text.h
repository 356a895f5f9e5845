/*
 * bluesky_text.h - what a generated post says
 *
 * Everything is written as Python's json.dumps would write it: ASCII only,
 * other characters as \uXXXX, those beyond the basic plane as a pair.
 */
#ifndef SUPPORT_BLUESKY_TEXT_H
#define SUPPORT_BLUESKY_TEXT_H

#include "tests/support/bluesky_random.h"

/* The most bytes that text_put_post writes. */
#define TEXT_POST_MAX 12288

/* Escapes the vocabularies.  Called once. */
void text_prepare(void);

/* The fields of a post from "text" on, without the closing brace; `random`
 * decides all of them.  Returns where it stopped. */
char *text_put_post(char *to, struct random *random);

/* Some words, as a JSON string with its quotes. */
char *text_put_phrase(char *to, struct random *random, uint32_t words);

#endif
