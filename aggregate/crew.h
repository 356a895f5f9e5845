/*
 * crew.h - those who work at the same time
 *
 * Workers take tasks, each on a connection of its own; crew_choose.h says which
 * is next.  They are threads that connect when there is more to do than those
 * who work can take, and keep the connection; where they cannot connect, the
 * others do it all.  A task whose table must be replaced waits until nothing
 * else runs, so the workers of one program never wait for each other's locks.
 *
 * In a pass (crew_work), every task has its turn once.  The first worker is the
 * caller itself, on run->pg.
 *
 * Rolling (crew_start), the caller hands out turns whenever there is something
 * due, whatever is still being worked on, and does not work itself.  Then
 *   - a task that is TURN_OVER is the caller's, with its state: nobody else
 *     touches either, but for what the run's mutex guards;
 *   - TURN_WAITING, it is nobody's until somebody takes it, with the mutex;
 *   - TURN_TAKEN, it is that worker's, who leaves it TURN_OVER;
 *   - what others read of a task's state (whether it is there, its code) is
 *     written and read with the mutex.
 */
#ifndef AGGREGATE_CREW_H
#define AGGREGATE_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/run.h"

/* size: of those who work at the same time. */
struct crew *crew_open(size_t size);
void crew_close(struct crew *crew);
size_t crew_size(const struct crew *crew);

/* While nobody works: closes the connections of those who help. */
void crew_rest(struct crew *crew);

/* run->crew works until every task is over, or a stop was asked for.  False: a
 * worker's connection is lost for good; the others have finished what they had.
 */
bool crew_work(struct run *run, struct error *err) MUST_CHECK;

/* Rolling from now on; all tasks are over. */
void crew_start(struct run *run);

/* Readable when a task is over, or crew_is_broken. */
int crew_fd(const struct crew *crew);
void crew_drain(struct crew *crew); /* crew_fd is not readable any more */

/* With the run's mutex held: after turns were handed out. */
void crew_call(struct crew *crew);

/* With the run's mutex held: how many are working; whether somebody has lost
 * his connection for good, or nobody has found one. */
size_t crew_busy(const struct crew *crew);
bool crew_is_broken(const struct crew *crew);

/* Nobody begins anything, until false. */
void crew_hold(struct crew *crew, bool hold);

/* Waits until what is being worked on is over; who has only been handed his
 * turn has it no more.  False: as crew_work.  *deserted: there was no
 * connection to be had for anybody. */
bool crew_stop(struct crew *crew, bool *deserted, struct error *err) MUST_CHECK;

#endif
