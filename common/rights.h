/*
 * rights.h - which right a user lacks
 *
 * Both programs work as the roles of the schema (millrace_ingest and so on),
 * of which the user has to be a member.  PostgreSQL says what may not be done;
 * who can change that, and how, is said here.
 */
#ifndef COMMON_RIGHTS_H
#define COMMON_RIGHTS_H

#include <stdbool.h>

struct error;
struct pg;

/* If *err is a right that is missing (42501), and the user is no member of
 * role: adds so to its text, with the remedy.  The transaction that failed is
 * ended.  False: it is something else, or nobody can be asked (pg may be NULL
 * or unusable). */
bool rights_explain(struct pg *pg, const char *role, struct error *err);

#endif
