/*
 * json_text.h - text as a JSON string
 */
#ifndef COMMON_JSON_TEXT_H
#define COMMON_JSON_TEXT_H

#include <stddef.h>

struct buf;

/* Adds it with its quotes.  What is no UTF-8, and NUL, becomes ?. */
void json_text(struct buf *out, const char *text, size_t len);

#endif
