/*
 * json_scan.h - one pass over a JSON text before jansson sees it
 *
 * Checks everything (structure, UTF-8, escapes, numbers, nothing that
 * PostgreSQL's jsonb could not hold in a string) without recursion, within
 * limits, and says what is wrong and at which byte.  It also rewrites the text
 * so that jansson, which rounds numbers and fails on large integers, never
 * sees one: each string value begins with JSON_TAG_STRING and each number is a
 * string that begins with JSON_TAG_NUMBER.  Keys stay as they are.
 */
#ifndef INGEST_JSON_SCAN_H
#define INGEST_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/error.h"
#include "ingest/decode.h"

enum { JSON_TAG_STRING = 's', JSON_TAG_NUMBER = 'n' };

/* Jansson's own limit; decode_limits.max_depth cannot be larger. */
enum { JSON_DEPTH_MAX = 2048 };

/* Scans one JSON value with blanks around it.  tagged receives the rewritten
 * text (its old content is dropped); bytes count from 1 in errors. */
bool json_scan(const char *bytes, size_t len,
	       const struct decode_limits *limits, struct buf *tagged,
	       struct error *err) MUST_CHECK;

#endif
