/*
 * schema.h - the bookkeeping schema `millrace` is there and fits this program
 *
 * The migrations of sql/schema travel inside the program.  They are numbered,
 * go forward only, and run one transaction each under an advisory lock, so two
 * programs starting at once apply each of them once.
 */
#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H

#include <stdbool.h>

#include "common/error.h"

struct buf;
struct pg;

/* Makes the database usable: applies every migration to a database that has
 * none; accepts one that is up to date or newer but still open to this
 * program.  An older schema is left alone and reported with the command that
 * migrates it. */
bool schema_prepare(struct pg *pg, struct error *err) MUST_CHECK;

/* A condition, for who asks something else too: the schema is one that
 * schema_prepare accepts. */
void schema_fits_sql(struct buf *out);

/* Applies the migrations that are missing; *applied is their number. */
bool schema_migrate(struct pg *pg, int *applied, struct error *err) MUST_CHECK;

/* The newest migration this program knows. */
int schema_newest(void);

#endif
