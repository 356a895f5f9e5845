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

struct buf;
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

/* --- of a whole load, whose counts are known only at its end -------------- */

struct ledger_whole {
	const char *relation;
	char op;
	bool repeatable;       /* isolation level */
	const char *parts;     /* JSON, or NULL */
	const char *effective; /* ISO time, or NULL */
	const char *source;    /* its position, which moves by one */
	int64_t from;
	const char *file; /* a file that is loaded with it, or NULL */
	int64_t file_from, file_size;
};

/* Begins its transaction and writes its ledger row, without counts. */
bool ledger_begin_whole(struct pg *pg, const struct sink_plan *plan,
			const struct ledger_whole *row, int64_t *load_id,
			uint64_t *ties, struct error *err) MUST_CHECK;

/* Microseconds since 2000 as a SQL expression; exact for every year. */
void ledger_add_time(struct buf *sql, int64_t us);

#endif
