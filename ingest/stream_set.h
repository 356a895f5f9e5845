/*
 * stream_set.h - every stream of a project
 *
 * All files sql/<pack>/streams/<name>.sql of the project's folder, parsed and
 * sorted by name.  A name is a table, so it occurs once.
 */
#ifndef INGEST_STREAM_SET_H
#define INGEST_STREAM_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct stream;

struct stream_set {
	struct stream **stream;
	size_t count;
};

/* Reads them all. */
bool stream_set_read(struct stream_set *set, const char *home,
		     struct error *err) MUST_CHECK;
void stream_set_release(struct stream_set *set);

/* The streams, for those who only read them. */
const struct stream *const *stream_set_list(const struct stream_set *set);

/* The index of a stream; "" gives -1.  An unknown name is an error that names
 * the nearest one. */
bool stream_set_find(const struct stream_set *set, const char *name, int *index,
		     struct error *err) MUST_CHECK;

#endif
