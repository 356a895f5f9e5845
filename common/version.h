/*
 * version.h - which Millrace this is, and what it is linked with
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#include <stdio.h>

/* "0.1.0": shown to people and written to the ledger. */
const char *version_string(void);

/* What `git describe` said at the build, or "". */
const char *version_commit(void);

/* Prints "program 0.1.0 (commit)" and a line for each library in use. */
void version_print(const char *program, FILE *out);

#endif
