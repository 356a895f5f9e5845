/*
 * project_files.h - the files of a folder of packs
 *
 * Finds them in the same order on every machine and reads them.  What they mean
 * is project.h's business.
 */
#ifndef AGGREGATE_PROJECT_FILES_H
#define AGGREGATE_PROJECT_FILES_H

#include "aggregate/project.h"

struct project_file {
	enum relation_kind kind;
	const char *pack;
	const char *base; /* the name without its ending */
	const char *path;
};

/* Lists <folder>/<pack>/streams, models and snapshots (and the
 * folders in them) and seeds.  The
 * list lives in the arena. */
bool project_files_list(const char *folder, struct arena *arena,
			struct project_file **out, size_t *count,
			struct error *err) MUST_CHECK;

/* The whole text of a file, which must be UTF-8 without NUL; a byte order mark
 * is left out.  The caller frees it. */
bool project_files_read(const char *path, char **out,
			struct error *err) MUST_CHECK;

#endif
