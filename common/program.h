/*
 * program.h - what both programs begin and end with
 *
 * Before anything else a secret is kept from other processes, descriptors 0 to
 * 2 are made to exist, signals ask to stop, and words go to the log.  The exit
 * status tells of the worst: an error, or an output that nobody could read.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>

#include "common/error.h"

/* False: it is told what is wrong with the environment, STATUS_USAGE. */
bool program_begin(const char *name) MUST_CHECK;

/* From here on as the settings say; format: enum log_format. */
void program_log(const char *name, bool quiet, bool verbose, int format);

/* Tells it; the exit status. */
int program_fail(const struct error *err) MUST_CHECK;

/* The last words; the exit status, given that of the work. */
int program_end(int status) MUST_CHECK;

#endif
