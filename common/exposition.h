/*
 * exposition.h - figures in Prometheus' text format
 *
 * Version 0.0.4 of the format: what /metrics answers and what node_exporter
 * reads from a file.  A family is opened once, then its samples follow.
 */
#ifndef COMMON_EXPOSITION_H
#define COMMON_EXPOSITION_H

#include <stdbool.h>

#include "common/error.h"

struct buf;

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The head of a family.  type: counter, gauge or histogram. */
void exposition_family(struct buf *out, const char *name, const char *type,
		       const char *help);

/* One sample: labels as name, value, ..., NULL. */
void exposition_sample(struct buf *out, const char *name, double value, ...)
	__attribute__((sentinel));

/* Replaces the file at once with the text: a reader sees the old or the new. */
bool exposition_write(const struct buf *text, const char *path,
		      struct error *err) MUST_CHECK;

#endif
