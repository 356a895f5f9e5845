#include "ingest/sink.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/ledger.h"
#include "ingest/reject.h"
#include "ingest/stream.h"

/* A client waits longer than the server's own timeouts, so that it is the
 * server who says what has happened. */
enum { SLACK_MS = 5000 };

bool sink_plan_prepare(struct sink_plan *plan, struct pg *pg, struct error *err)
{
	if (!pg_ask(pg, plan->answer_ms, err, &plan->set_messages,
		    "select current_setting('is_superuser')::boolean"))
		return false;
	plan->copy_sql = mem_zalloc(plan->stream_count, sizeof(char *));
	for (size_t i = 0; i < plan->stream_count; i++) {
		const struct stream *stream = plan->stream[i];
		struct buf sql = BUF_INIT;

		buf_add_text(&sql, "copy staging.");
		pg_identifier(pg, &sql, stream->name);
		for (size_t c = 0; c < stream->column_count; c++) {
			buf_add_text(&sql, c ? ", " : " (");
			pg_identifier(pg, &sql, stream->column[c].name);
		}
		buf_add_text(&sql, ") from stdin (format binary)");
		plan->copy_sql[i] = buf_detach(&sql);
	}
	return true;
}

void sink_plan_release(struct sink_plan *plan)
{
	if (plan->copy_sql)
		for (size_t i = 0; i < plan->stream_count; i++)
			free(plan->copy_sql[i]);
	free(plan->copy_sql);
	plan->copy_sql = NULL;
}

void sink_close(struct sink *sink)
{
	pg_close(sink->pg);
	sink->pg = NULL;
}

void sink_add_begin(const struct sink_plan *plan, bool durable, struct buf *sql)
{
	buf_add_text(sql, "begin isolation level read committed read write; ");
	if (plan->set_messages) /* before the role: only a superuser may */
		buf_add_text(sql, "set local lc_messages = 'C'; ");
	buf_format(sql,
		   "set local role millrace_ingest; "
		   "set local search_path = pg_catalog, pg_temp; "
		   "set local timezone = 'UTC'; "
		   "set local statement_timeout = %lld; "
		   "set local lock_timeout = %lld; "
		   "set local idle_in_transaction_session_timeout = %lld; "
		   "set local client_connection_check_interval = '1s'; "
		   "set local tcp_user_timeout = '10s'; ",
		   (long long)plan->statement_ms, (long long)plan->lock_ms,
		   (long long)plan->idle_ms);
	if (durable)
		buf_add_text(sql, "set local synchronous_commit = on; ");
}

bool sink_copy_rows(struct pg *pg, const struct sink_plan *plan,
		    const struct batch *batch, size_t index, size_t from,
		    size_t to, struct error *err)
{
	const struct batch_table *table = &batch->table[index];
	int64_t answer_ms = plan->statement_ms + SLACK_MS;
	size_t start = table->row[from].start;
	size_t end =
		to < table->row_count ? table->row[to].start : table->rows.len;
	size_t half = (end - start) / 2;
	const char *bytes = table->rows.data + start;
	uint64_t rows = 0;

	if (!pg_copy_begin(pg, answer_ms, err, plan->copy_sql[index]) ||
	    !pg_copy_send(pg, answer_ms, err, batch_copy_header,
			  sizeof batch_copy_header) ||
	    !pg_copy_send(pg, answer_ms, err, bytes, half))
		return false;
	fault_hit(FAULT_MID_COPY);
	if (!pg_copy_send(pg, answer_ms, err, bytes + half,
			  end - start - half) ||
	    !pg_copy_send(pg, answer_ms, err, batch_copy_trailer,
			  sizeof batch_copy_trailer) ||
	    !pg_copy_end(pg, answer_ms, err, &rows)) {
		/* a missing daily partition is no fault of any row */
		if (!strcmp(err->sqlstate, "23514") &&
		    !*pg_failure(pg)->constraint)
			err->kind = ERROR_TRANSIENT;
		return false;
	}
	if (rows != to - from)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "PostgreSQL counted %llu rows of %zu sent to "
				 "%s; nothing was committed",
				 (unsigned long long)rows, to - from,
				 table->stream->relation);
	return true;
}

static bool copy_all(struct sink *sink, const struct load *load,
		     const struct positions *positions, struct error *err)
{
	const struct batch *batch = &load->batch;

	for (size_t i = 0; i < batch->table_count; i++)
		if (batch->table[i].row_count &&
		    !sink_copy_rows(sink->pg, sink->plan, batch, i, 0,
				    batch->table[i].row_count, err))
			return error_context(err, "loading %s",
					     batch->table[i].stream->relation);
	return reject_copy(sink->pg, sink->plan, load, positions, err);
}

/* --- the last message ----------------------------------------------------- */

static void add_array(struct buf *sql, const char *before, const char *type)
{
	/* the elements were separated by a comma each; drop the last one */
	if (sql->len && sql->data[sql->len - 1] == ',')
		sql->len--;
	buf_format(sql, "]::%s[]%s", type, before);
}

static void add_anchors(struct buf *sql, const struct load *load)
{
	size_t count = load->batch.range_count;

	buf_add_text(sql, "array[");
	for (size_t i = 0; i < count; i++)
		if (load->anchored[i])
			buf_format(sql, "%lld,",
				   (long long)load->anchor[i].offset);
		else
			buf_add_text(sql, "null,");
	add_array(sql, ", array[", "bigint");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(sql, load->anchored[i] ? "'\\x" : "null,");
		if (!load->anchored[i])
			continue;
		buf_add_hex(sql, load->anchor[i].hash, ANCHOR_BYTES);
		buf_add_text(sql, "',");
	}
	add_array(sql, ")", "bytea");
}

static void add_advance(struct pg *pg, struct buf *sql, const struct load *load,
			const struct positions *positions)
{
	const struct batch *batch = &load->batch;
	size_t count = batch->range_count;

	buf_add_text(sql, "select millrace.advance(array[");
	for (size_t i = 0; i < count; i++) {
		pg_literal(pg, sql,
			   positions->item[batch->range[i].part].source);
		buf_add_byte(sql, ',');
	}
	add_array(sql, ", array[", "text");
	for (size_t i = 0; i < count; i++)
		buf_format(sql, "%d,",
			   positions->item[batch->range[i].part].part);
	add_array(sql, ", array[", "int");
	for (size_t i = 0; i < count; i++)
		buf_format(
			sql, "%lld,",
			(long long)positions->item[batch->range[i].part].epoch);
	add_array(sql, ", array[", "bigint");
	for (size_t i = 0; i < count; i++)
		buf_format(sql, "%lld,", (long long)batch->range[i].from);
	add_array(sql, ", array[", "bigint");
	for (size_t i = 0; i < count; i++)
		buf_format(sql, "%lld,", (long long)batch->range[i].to);
	add_array(sql, ", ", "bigint");
	add_anchors(sql, load);
}

#ifdef MILLRACE_MUTANTS
/* Moves the positions whoever owns them and wherever they stand. */
static void add_unguarded_advance(struct pg *pg, struct buf *sql,
				  const struct load *load,
				  const struct positions *positions)
{
	for (size_t i = 0; i < load->batch.range_count; i++) {
		const struct batch_range *range = &load->batch.range[i];

		buf_format(sql,
			   "%sselect millrace.advance(array[source], "
			   "array[part], array[epoch], array[next_offset], "
			   "array[%lld]::bigint[], array[anchor_offset], "
			   "array[anchor_hash]) from millrace.position "
			   "where part = %d and source = ",
			   i ? "; " : "", (long long)range->to,
			   positions->item[range->part].part);
		pg_literal(pg, sql, positions->item[range->part].source);
	}
}

/* Moves the positions before the rows are there. */
static void acknowledge_first(struct sink *sink, const struct load *load,
			      const struct positions *positions,
			      const struct sink_turn *turn)
{
	struct error ignored = ERROR_INIT;
	struct buf sql = BUF_INIT;
	bool durable;

	if (!turn->wait(turn->context, load, &durable))
		return;
	add_advance(sink->pg, &sql, load, positions);
	if (!pg_run(sink->pg, sink->plan->answer_ms, &ignored, buf_text(&sql)))
		pg_rollback(sink->pg);
	buf_release(&sql);
}
#endif

/* Moves the positions and commits.  From the moment it is sent until it is
 * answered the transaction is in doubt. */
static enum sink_result commit(struct sink *sink, const struct load *load,
			       const struct positions *positions, bool durable,
			       struct error *err)
{
	struct buf sql = BUF_INIT;
	char tag[64];
	bool ok;

	buf_add_text(&sql, "notify millrace; ");
#ifdef MILLRACE_MUTANTS
	if (mutant("no-cas"))
		add_unguarded_advance(sink->pg, &sql, load, positions);
	else if (!mutant("ack-before-commit"))
		add_advance(sink->pg, &sql, load, positions);
#else
	add_advance(sink->pg, &sql, load, positions);
#endif
	if (!durable)
		buf_add_text(&sql, "; set local synchronous_commit = off");
	buf_add_text(&sql, "; commit");
	fault_hit(FAULT_BEFORE_COMMIT);
	ok = pg_send(sink->pg, sink->plan->answer_ms, err, buf_text(&sql));
	buf_release(&sql);
	fault_hit(FAULT_COMMIT_SENT);
	ok = ok && pg_receive(sink->pg, sink->plan->answer_ms, err, NULL, tag);
	fault_hit(FAULT_AFTER_COMMIT);
	if (!ok)
		return err->lost ? SINK_IN_DOUBT : SINK_ROLLED_BACK;
	if (!strcmp(tag, "COMMIT"))
		return SINK_COMMITTED;
	error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
		  "PostgreSQL answered %s instead of COMMIT", tag);
	return SINK_ROLLED_BACK;
}

/* With the session's settings, which every BEGIN would carry otherwise. */
static bool connect_session(struct sink *sink, struct error *err)
{
	const struct sink_plan *plan = sink->plan;

	if (!(sink->repeatable ? pg_open_unless_stopped : pg_open)(
		    &sink->pg, plan->dsn, plan->application, plan->connect_ms,
		    err))
		return false;
	if (pg_run(sink->pg, plan->answer_ms, err, ""))
		return true;
	sink_close(sink);
	return false;
}

enum sink_result sink_send(struct sink *sink, struct load *load,
			   const struct positions *positions,
			   const struct sink_turn *turn, struct error *err)
{
	enum sink_result result = SINK_ROLLED_BACK;
	bool durable = true;

	if (!sink->pg && !connect_session(sink, err))
		return SINK_ROLLED_BACK;
	fault_hit(FAULT_BEFORE_BEGIN);
#ifdef MILLRACE_MUTANTS
	if (mutant("ack-before-commit"))
		acknowledge_first(sink, load, positions, turn);
#endif
	if (!ledger_begin(sink->pg, sink->plan, load, positions, &sink->ties,
			  err))
		goto out;
	fault_hit(FAULT_BEFORE_COPY);
	if (!copy_all(sink, load, positions, err))
		goto out;
	fault_hit(FAULT_AFTER_COPY);
	if (turn->wait(turn->context, load, &durable))
		result = commit(sink, load, positions, durable, err);
	else
		error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			  "an earlier batch has failed");
out:
	if (result == SINK_ROLLED_BACK)
		pg_rollback(sink->pg);
	if (!pg_is_usable(sink->pg))
		sink_close(sink);
	return result;
}
