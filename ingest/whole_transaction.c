/* The one transaction of a whole load. */
#include <string.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/pg.h"
#include "ingest/ledger.h"
#include "ingest/load_watch.h"
#include "ingest/options.h"
#include "ingest/reject.h"
#include "ingest/sink.h"
#include "ingest/stream.h"
#include "ingest/timestamp.h"
#include "ingest/whole_parts.h"

/* Its session carries another name than that of the process: loads of batches
 * are ended when they take ten minutes, this one may take longer. */
static bool open_session(struct whole *whole, struct error *err)
{
	const struct sink_plan *plan = whole->parts->plan;
	struct buf name = BUF_INIT;
	bool ok;

	if (whole->pg && !pg_is_usable(whole->pg)) {
		pg_close(whole->pg);
		whole->pg = NULL;
	}
	if (whole->pg)
		return true;
	buf_format(&name, "handle-streams whole %s",
		   whole->parts->source->positions->owner);
	ok = pg_open_unless_stopped(&whole->pg, plan->dsn, buf_text(&name),
				    plan->connect_ms, err);
	buf_release(&name);
	return ok;
}

bool whole_begin(struct whole *whole, struct error *err)
{
	const struct pipeline_parts *parts = whole->parts;
	const struct whole_load *load = whole->load;
	const struct position *position = parts->source->positions->item;
	const struct ledger_whole row = {
		.relation = parts->plan->stream[load->stream]->relation,
		.op = load->op,
		.repeatable = load->repeatable,
		.parts = load->parts,
		.effective = load->effective,
		.source = position->source,
		.from = position->next_offset,
		.file = load->file_key && *load->file_key ? load->file_key
							  : NULL,
		.file_from = load->file_from,
		.file_size = load->file_size,
	};
	uint64_t ties = 0;
	bool ok;

	fault_hit(FAULT_BEFORE_BEGIN);
	if (!open_session(whole, err))
		return false;
	pg_heed_stop(whole->pg, true);
	ok = ledger_begin_whole(whole->pg, parts->plan, &row, &whole->load_id,
				&ties, err);
	load_watch_lock(parts->watch);
	parts->stats->ties += ties;
	load_watch_unlock(parts->watch);
	if (ok && (!load->prepare || load->prepare(whole->pg, load, err)))
		return true;
	pg_heed_stop(whole->pg, false);
	pg_rollback(whole->pg);
	if (err->kind == ERROR_DATA) /* no record is at fault here */
		err->kind = ERROR_FATAL;
	return false;
}

/* A row of another time would be there twice: once here, once where it was. */
static bool check_range(const struct whole *whole,
			const struct batch_table *table, struct error *err)
{
	const struct time_range *range = whole->load->range;
	char text[40];

	if (!range || !table->has_events ||
	    (table->event_min >= range->from_us &&
	     table->event_max < range->to_us))
		return true;
	timestamp_format(table->event_min < range->from_us ? table->event_min
							   : table->event_max,
			 text, sizeof text);
	return error_set(err, ERROR_FATAL, STATUS_DATA,
			 "%s holds a row of %s+00, which is not from %s to "
			 "before %s: nothing was replaced",
			 whole->parts->source->name, text, range->from,
			 range->to);
}

bool whole_copy(struct whole *whole, struct load *load, struct error *err)
{
	const struct pipeline_parts *parts = whole->parts;
	const struct batch *batch = &load->batch;
	const struct batch_table *table = &batch->table[whole->load->stream];

	load->load_id = whole->load_id;
	if (!check_range(whole, table, err))
		return false;
	fault_hit(FAULT_BEFORE_COPY);
	if (table->row_count &&
	    !sink_copy_rows(whole->pg, parts->plan, batch, whole->load->stream,
			    0, table->row_count, err))
		return error_context(err, "loading %s",
				     table->stream->relation);
	if (!reject_copy(whole->pg, parts->plan, load, parts->source->positions,
			 err))
		return false;
	fault_hit(FAULT_AFTER_COPY);
	whole->rows += table->row_count;
	whole->rejects += batch->reject_count;
	whole->bytes += batch->byte_count;
	if (table->has_events) {
		if (!whole->has_events || table->event_min < whole->event_min)
			whole->event_min = table->event_min;
		if (!whole->has_events || table->event_max > whole->event_max)
			whole->event_max = table->event_max;
		whole->has_events = true;
	}
	return true;
}

bool whole_commit(struct whole *whole, const struct anchor *content,
		  bool *doubtful, struct error *err)
{
	const struct position *position = whole->parts->source->positions->item;
	int64_t answer_ms = whole->parts->plan->answer_ms;
	struct buf sql = BUF_INIT;
	char tag[64];
	bool ok;

	buf_format(&sql,
		   "update millrace.load set row_count = %llu, "
		   "reject_count = %llu, byte_count = %llu",
		   (unsigned long long)whole->rows,
		   (unsigned long long)whole->rejects,
		   (unsigned long long)whole->bytes);
	if (whole->has_events) {
		buf_add_text(&sql, ", event_min = ");
		ledger_add_time(&sql, whole->event_min);
		buf_add_text(&sql, ", event_max = ");
		ledger_add_time(&sql, whole->event_max);
	}
	buf_format(&sql, " where load_id = %lld; notify millrace; ",
		   (long long)whole->load_id);
	position_add_advance(whole->pg, &sql, position,
			     position->next_offset + 1, content);
	buf_add_text(&sql, "; commit");
	fault_hit(FAULT_BEFORE_COMMIT);
	ok = pg_send(whole->pg, answer_ms, err, buf_text(&sql));
	buf_release(&sql);
	fault_hit(FAULT_COMMIT_SENT);
	ok = ok && pg_receive(whole->pg, answer_ms, err, NULL, tag);
	fault_hit(FAULT_AFTER_COMMIT);
	*doubtful = !ok && err->lost;
	if (ok && strcmp(tag, "COMMIT") != 0)
		ok = error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			       "PostgreSQL answered %s instead of COMMIT", tag);
	return ok;
}
