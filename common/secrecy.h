/*
 * secrecy.h - what a process holds stays in it
 *
 * Passwords come from files and variables into libpq's and librdkafka's memory,
 * where nobody can wipe them.  So the process leaves no core file, and other
 * processes of its user can neither trace it nor read its memory or
 * environment.  Root can.
 */
#ifndef COMMON_SECRECY_H
#define COMMON_SECRECY_H

/* Call first in main.  MILLRACE_DUMPABLE=1 leaves the process as it is, for
 * debuggers; so does a build with sanitizers, which trace it themselves. */
void secrecy_begin(void);

#endif
