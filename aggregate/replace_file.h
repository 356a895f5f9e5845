/*
 * replace_file.h - a small file, whole or not at all
 *
 * Written beside its place and renamed, folders made on the way; left alone
 * when it holds that content already.  For what is not worth a sync: artifacts,
 * compiled SQL, unit files.
 */
#ifndef AGGREGATE_REPLACE_FILE_H
#define AGGREGATE_REPLACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

bool replace_file(const char *path, const char *bytes, size_t len,
		  struct error *err) MUST_CHECK;

#endif
