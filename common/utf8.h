/*
 * utf8.h - text that PostgreSQL takes
 *
 * UTF-8 as RFC 3629 has it and PostgreSQL checks it: no surrogates, nothing
 * overlong, nothing above U+10FFFF, and no NUL.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that begins at `at`, which lies before `end`; 0: no
 * character begins there. */
size_t utf8_length(const char *at, const char *end);

/* The first byte that no character begins at, or NULL: all of it is text. */
const char *utf8_flaw(const char *text, size_t len);

/* Characters of a text: the bytes that begin one. */
size_t utf8_count(const char *text);

/* How many of the first len bytes of a text are kept where there is room for
 * `most`: no character is cut. */
size_t utf8_cut(const char *text, size_t len, size_t most);

/* Bytes of the byte order mark that the text begins with: 3 or 0. */
size_t utf8_mark(const char *text, size_t len);

/* Puts ? in place of every byte that is no text. */
void utf8_mend(char *text, size_t len);

#endif
