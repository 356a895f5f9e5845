/*
 * quote.h - names and values as SQL text, without a connection
 *
 * Right for UTF-8 sessions with standard_conforming_strings = on, as every
 * session of ours is.
 */
#ifndef AGGREGATE_QUOTE_H
#define AGGREGATE_QUOTE_H

#include <stddef.h>

#include "common/buf.h"

/* "name", always quoted. */
void quote_identifier(struct buf *out, const char *name);

/* "a", "b" */
void quote_identifiers(struct buf *out, const char *const *name, size_t count);

/* "pack"."name" of `pack.name`. */
void quote_relation(struct buf *out, const char *relation);

/* 'value', or E'value' where it holds a backslash. */
void quote_literal(struct buf *out, const char *value);

#endif
