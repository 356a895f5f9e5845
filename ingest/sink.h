/*
 * sink.h - one batch, one transaction
 *
 * The ledger rows, the rows of every staging table, the rejects and the move
 * of the positions commit together or not at all.  The positions move last, by
 * compare-and-set, in one message with COMMIT; that message leaves only when
 * the batch's turn has come, so no position is ever locked while the server
 * waits for a client.
 *
 * A COMMIT that another follows need not wait for the disk if the source can be
 * read again: the last one does for all before it.  A server that crashes in
 * between takes rows and positions back together.
 *
 * A sink is one connection, opened when it is first needed and again after it
 * broke.  One thread uses it.  The plan is shared and only read.
 */
#ifndef INGEST_SINK_H
#define INGEST_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/load.h"
#include "ingest/position.h"

struct buf;
struct pg;
struct stream;

/* What every transaction of this process has in common. */
struct sink_plan {
	const char *dsn;
	char application[64]; /* handle-streams <owner> */
	char host[64];
	const char *file; /* as the user names it; NULL: what comes is from
			   * none, or its name is no text */
	const struct stream *const *stream;
	size_t stream_count;
	char **copy_sql;   /* COPY statement of each stream */
	bool set_messages; /* we may choose the language of messages */
	int64_t connect_ms;
	int64_t answer_ms;    /* of the last message: then it is in doubt */
	int64_t statement_ms; /* statement_timeout */
	int64_t lock_ms;
	int64_t idle_ms; /* idle_in_transaction_session_timeout */
};

/* Fills copy_sql and set_messages.  pg: any connection. */
bool sink_plan_prepare(struct sink_plan *plan, struct pg *pg,
		       struct error *err) MUST_CHECK;
void sink_plan_release(struct sink_plan *plan);

struct sink {
	const struct sink_plan *plan;
	struct pg *pg;   /* NULL: not connected */
	bool repeatable; /* what it sends can be read again: being asked to stop
			  * ends its connecting */
	uint64_t ties;   /* transactions begun again */
};

enum sink_result {
	SINK_COMMITTED,
	SINK_ROLLED_BACK, /* *err says why, and its kind what to do */
	SINK_IN_DOUBT,    /* committed or not; position_resolve decides */
};

/* Waits until the load may commit; false: it must roll back.  *durable: its
 * COMMIT is to wait for the disk. */
struct sink_turn {
	bool (*wait)(void *context, const struct load *load, bool *durable);
	void *context;
};

enum sink_result sink_send(struct sink *sink, struct load *load,
			   const struct positions *positions,
			   const struct sink_turn *turn, struct error *err);

/* Ends the session; the sink may be used again. */
void sink_close(struct sink *sink);

/* --- parts of the transaction, shared with isolation and replay ----------- */

/* begin, role, timeouts; ends with "; ". */
void sink_add_begin(const struct sink_plan *plan, bool durable,
		    struct buf *sql);

/* COPYs rows [from, to) of a table of the batch; the tag must agree. */
bool sink_copy_rows(struct pg *pg, const struct sink_plan *plan,
		    const struct batch *batch, size_t table, size_t from,
		    size_t to, struct error *err) MUST_CHECK;

#endif
