/*
 * credential.h - secrets that a service manager hands over
 *
 * systemd's LoadCredential= gives a service files that nobody else can read, in
 * the folder CREDENTIALS_DIRECTORY.  Since its version 254 the service is let
 * in by an access list, whose mask stat(2) shows as the rights of a group that
 * has none.  libpq takes that for a password file that others can read, and
 * refuses it.
 */
#ifndef COMMON_CREDENTIAL_H
#define COMMON_CREDENTIAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Lets libpq read a PGPASSFILE that is such a file: from a copy in memory.
 * Call from main, before any thread starts. */
void credential_begin(void);

/* Whether a file of that mode is for its reader alone. */
bool credential_is_private(const char *path, mode_t mode);

#endif
