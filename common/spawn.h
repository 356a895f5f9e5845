/*
 * spawn.h - a command of the operator's, run to its end
 *
 * The child gets a process group of its own, nothing on stdin, and of our
 * environment only what any program needs (PATH, HOME, the locale, TZ), never
 * PG* or a password, with the given variables added.  What it prints goes to
 * our stderr, or into a buffer.
 */
#ifndef COMMON_SPAWN_H
#define COMMON_SPAWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct buf;

struct spawn {
	const char *const *argv;     /* argv[0] is looked for in PATH */
	const char *const *variable; /* NAME=value; ends with NULL */
	int64_t timeout_ms;          /* then the group is killed */
	struct buf *out;             /* stdout; NULL: to our stderr */
	bool is_quiet;               /* what it says on stderr is dropped */
};

/* Waits for the end; *status is the exit status, 128 + signal.  False: it could
 * not be started, or did not end in time. */
bool spawn_run(const struct spawn *spawn, int *status,
	       struct error *err) MUST_CHECK;

#endif
