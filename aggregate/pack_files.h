/*
 * pack_files.h - the files of a pack that make no relation
 */
#ifndef AGGREGATE_PACK_FILES_H
#define AGGREGATE_PACK_FILES_H

#include "aggregate/project.h"

struct pack_file {
	const char *pack;
	const char *base; /* the name without .sql */
	const char *path;
	const char *text;
};

/* Reads <folder>/<pack>/<sub>/<name>.sql of every pack of the project, in
 * order.  Everything lives in the arena. */
bool pack_files_read(const struct project *project, const char *sub,
		     struct arena *arena, struct pack_file **out, size_t *count,
		     struct error *err) MUST_CHECK;

#endif
