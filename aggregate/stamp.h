/*
 * stamp.h - whether the files of a folder have changed
 *
 * A number made of every file's path, size, inode and time of change: another
 * number means that somebody has edited, added or removed one.  Nothing is
 * opened, so asking every second costs next to nothing.
 */
#ifndef AGGREGATE_STAMP_H
#define AGGREGATE_STAMP_H

#include <stdint.h>

/* Of all files below the folder, hidden ones left out. */
uint64_t stamp_of(const char *folder);

#endif
