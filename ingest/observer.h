/*
 * observer.h - samples records for paths that no column takes
 *
 * The reading thread shows it every record; it looks closer at the first since
 * what was found has been taken away, and at one in a thousand after that.
 * Another thread takes away what was found.
 */
#ifndef INGEST_OBSERVER_H
#define INGEST_OBSERVER_H

#include <stdbool.h>

#include "ingest/drift.h"

struct decoder;
struct observer;
struct record;

/* decoder: borrowed; the reading thread's own. */
struct observer *observer_open(struct decoder *decoder);
void observer_close(struct observer *observer);

/* From the reading thread, for every record. */
void observer_see(struct observer *observer, const struct record *record);

/* Moves what was found so far into *out, which the caller releases; false if
 * there is nothing. */
bool observer_take(struct observer *observer, struct drift *out);

#endif
