/*
 * crew.h - those who work through a pass at the same time
 *
 * Workers take tasks whose inputs are over, each on a connection of its own.
 * The first worker is the caller itself, on run->pg; the others are threads
 * that connect when there is more to do than those who work can take, and keep
 * the connection for the next pass; where they cannot connect, the others do
 * it all.  A task whose table must be replaced waits until nothing else runs,
 * so the workers of one program never wait for each other's locks.
 */
#ifndef AGGREGATE_CREW_H
#define AGGREGATE_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/run.h"

/* size: of the workers, the caller included. */
struct crew *crew_open(size_t size);
void crew_close(struct crew *crew);

/* Between passes: closes the connections of those who help. */
void crew_rest(struct crew *crew);

/* run->crew works until every task is over, or a stop was asked for.  False: a
 * worker's connection is lost for good; the others have finished what they had.
 */
bool crew_work(struct run *run, struct error *err) MUST_CHECK;

/* A worker's hold on what all of them share. */
void run_lock(struct run *run);
void run_unlock(struct run *run);

#endif
