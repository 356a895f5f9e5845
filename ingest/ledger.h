/*
 * ledger.h - the rows of millrace.load that announce a batch
 *
 * They are written first, in one statement sorted by relation, so that the xid
 * is taken before the identity is drawn and two writers never wait for each
 * other in a circle.  Their key is (relation, now()): another transaction with
 * the same microsecond is a tie, and the loser begins again.
 */
#ifndef INGEST_LEDGER_H
#define INGEST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/load.h"
#include "ingest/position.h"

struct pg;
struct sink_plan;

/* Begins the transaction and writes the ledger rows of the load; sets
 * load->load_id.  Adds to *ties how often it had to begin again. */
bool ledger_begin(struct pg *pg, const struct sink_plan *plan,
		  struct load *load, const struct positions *positions,
		  uint64_t *ties, struct error *err) MUST_CHECK;

/* The same in a transaction that has begun, for rows that no range of a source
 * belongs to.  *written false with true returned: a tie; roll back and begin
 * again. */
bool ledger_write(struct pg *pg, const struct sink_plan *plan,
		  struct load *load, bool *written,
		  struct error *err) MUST_CHECK;

#endif
