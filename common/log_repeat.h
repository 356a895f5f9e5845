/*
 * log_repeat.h - warnings that say the same again
 *
 * Private to log*.c, under the log's lock.
 */
#ifndef COMMON_LOG_REPEAT_H
#define COMMON_LOG_REPEAT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the warning is to be written: false if it was within the last half
 * minute.  One that is written again has the number of those in between added
 * to its text. */
bool log_repeat_says(char *text, size_t size);

/* Takes out one that was held back, with its number; its half minute must be
 * over unless `all`.  False: there is none. */
bool log_repeat_left(bool all, char *text, size_t size);

#endif
