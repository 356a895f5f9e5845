/*
 * verify.h - the proof, from the ledger alone, that nothing is missing and
 * nothing is there twice
 *
 * Every committed batch says in the ledger which ranges of which parts it took
 * and how many rows and rejects came of them.  So: the ranges of a part,
 * sorted, leave no hole and never overlap; they end where its position stands;
 * and for every batch the rows in staging and the rejects are as many as the
 * ledger says.
 */
#ifndef INGEST_VERIFY_H
#define INGEST_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

struct pg;

/* Runs every check in one snapshot, writes a line for each to out, and counts
 * those that found something.  False only if a check could not run. */
bool verify_all(struct pg *pg, FILE *out, size_t *faults,
		struct error *err) MUST_CHECK;

#endif
