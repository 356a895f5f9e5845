/*
 * fate.h - what became of a transaction whose commit nobody answered
 *
 * Its session may be at it still, or wait for a client that is gone.  Then it
 * is ended, which decides it one way or the other.  It took place if the row
 * that it wrote into the log is there: a server that has lost its last moments
 * gives the numbers of their transactions to others.
 */
#ifndef AGGREGATE_FATE_H
#define AGGREGATE_FATE_H

#include <stdbool.h>

#include "aggregate/attempt.h"

enum fate {
	FATE_ROLLED_BACK,
	FATE_COMMITTED,
	FATE_UNKNOWN, /* still open after run->lock_ms, whoever may end it */
};

/* Asks by attempt->pg, a new connection. */
bool fate_find(const struct attempt *attempt, enum fate *fate,
	       struct error *err) MUST_CHECK;

#endif
