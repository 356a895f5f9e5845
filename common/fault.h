/*
 * fault.h - places where a test may kill or break the program
 *
 * MILLRACE_FAULT=before-copy:3 kills the process with SIGKILL the third time
 * it passes the fault point "before-copy" (":N" is optional: the first).  The
 * points are compiled into every build; without the variable one costs a
 * single branch.
 *
 * Mutants are deliberate bugs that the checkers must catch.  They exist only
 * where MILLRACE_MUTANTS is defined (the `mutant` build), chosen by
 * MILLRACE_MUTANT=name; elsewhere mutant() is the constant false.
 */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

#include <stdbool.h>

/* Every fault point of both programs, in the order a batch or run meets
 * them.  A test walks this list. */
#define FAULT_POINTS(POINT)                                                    \
	POINT(FAULT_BEFORE_CLAIM, "before-claim")                              \
	POINT(FAULT_AFTER_CLAIM, "after-claim")                                \
	POINT(FAULT_BEFORE_BEGIN, "before-begin")                              \
	POINT(FAULT_BEFORE_COPY, "before-copy")                                \
	POINT(FAULT_MID_COPY, "mid-copy")                                      \
	POINT(FAULT_AFTER_COPY, "after-copy")                                  \
	POINT(FAULT_BEFORE_COMMIT, "before-commit")                            \
	POINT(FAULT_COMMIT_SENT, "commit-sent")                                \
	POINT(FAULT_AFTER_COMMIT, "after-commit")                              \
	POINT(FAULT_IN_REPLAY, "in-replay")                                    \
	POINT(FAULT_RUN_BEGUN, "run-begun")                                    \
	POINT(FAULT_RUN_CONSUMED, "run-consumed")                              \
	POINT(FAULT_RUN_APPLIED, "run-applied")                                \
	POINT(FAULT_RUN_TESTED, "run-tested")                                  \
	POINT(FAULT_RUN_COMMITTED, "run-committed")                            \
	POINT(FAULT_EXPORT_WRITTEN, "export-written")

enum fault {
#define FAULT_ENUM(symbol, name) symbol,
	FAULT_POINTS(FAULT_ENUM)
#undef FAULT_ENUM
		FAULT_COUNT
};

/* Reads MILLRACE_FAULT; call once from main.  False: the value names no fault
 * point (the caller reports it and exits with STATUS_USAGE). */
bool fault_init(void);

/* The name of a fault point, for help and tests. */
const char *fault_name(enum fault fault);

/* Dies here if the environment asked for it. */
void fault_hit(enum fault fault);

#ifdef MILLRACE_MUTANTS
/* Whether the mutant of that name was chosen. */
bool mutant(const char *name);
#else
#define mutant(name) false
#endif

#endif
