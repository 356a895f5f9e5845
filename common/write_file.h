/*
 * write_file.h - a small file, whole or not at all
 *
 * Written beside its place and renamed: whoever reads sees the old or the new.
 * For what is not worth a sync.
 */
#ifndef COMMON_WRITE_FILE_H
#define COMMON_WRITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* False: errno says why, and the old file stays. */
bool write_file(const char *path, const char *bytes, size_t len);

#endif
