#include "ingest/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/version.h"
#include "ingest/sink.h"
#include "ingest/stream.h"

enum { ANSWER_MS = 65000, TIES_MAX = 200 };

/* One row of the statement. */
struct entry {
	const char *relation;
	const struct batch_table *table; /* NULL: a batch of rejects only */
};

static int by_relation(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;

	return strcmp(left->relation, right->relation);
}

static size_t list_entries(const struct batch *batch, struct entry *entry)
{
	size_t count = 0;

	for (size_t i = 0; i < batch->table_count; i++)
		if (batch->table[i].row_count)
			entry[count++] =
				(struct entry){batch->table[i].stream->relation,
					       &batch->table[i]};
	if (count == 0)
		entry[count++] = (struct entry){"millrace.reject", NULL};
	qsort(entry, count, sizeof *entry, by_relation);
	return count;
}

/* {host, version, file, ranges: [ */
static void open_origin(const struct sink_plan *plan, struct buf *json)
{
	buf_add_text(json, "{\"host\": ");
	json_text(json, plan->host, strlen(plan->host));
	buf_add_text(json, ", \"version\": ");
	json_text(json, version_string(), strlen(version_string()));
	if (plan->file) {
		buf_add_text(json, ", \"file\": ");
		json_text(json, plan->file, strlen(plan->file));
	}
	buf_add_text(json, ", \"ranges\": [");
}

/* {host, version, file, ranges: [[source, part, from, to), ...]} */
static void add_origin(struct pg *pg, struct buf *sql,
		       const struct sink_plan *plan, const struct batch *batch,
		       const struct positions *positions)
{
	struct buf json = BUF_INIT;

	open_origin(plan, &json);
	for (size_t i = 0; positions && i < batch->range_count; i++) {
		const struct batch_range *range = &batch->range[i];
		const struct position *position = &positions->item[range->part];

		buf_add_text(&json, i ? ", [" : "[");
		json_text(&json, position->source, strlen(position->source));
		buf_format(&json, ", %d, %lld, %lld]", position->part,
			   (long long)range->from, (long long)range->to);
	}
	buf_add_text(&json, "]}");
	pg_literal(pg, sql, buf_text(&json));
	buf_release(&json);
}

void ledger_add_time(struct buf *sql, int64_t us)
{
	const int64_t day = INT64_C(86400000000);
	int64_t days = us / day;
	int64_t rest = us % day;

	buf_format(sql,
		   "timestamptz '2000-01-01 00:00:00+00' "
		   "+ %lld * interval '1 day' "
		   "+ %lld * interval '1 microsecond'",
		   (long long)days, (long long)rest);
}

static void add_entry(struct pg *pg, struct buf *sql, const struct entry *entry,
		      const struct batch *batch, bool first)
{
	const struct batch_table *table = entry->table;

	buf_add_text(sql, "(");
	pg_literal(pg, sql, entry->relation);
	buf_format(sql, "::text, %zu::bigint, %zu::bigint, %zu::bigint",
		   table ? table->row_count : 0,
		   first ? batch->reject_count : 0,
		   first ? batch->byte_count : 0);
	if (table && table->has_events) {
		buf_add_text(sql, ", ");
		ledger_add_time(sql, table->event_min);
		buf_add_text(sql, ", ");
		ledger_add_time(sql, table->event_max);
	} else {
		buf_add_text(sql, ", null::timestamptz, null::timestamptz");
	}
	buf_add_text(sql, ", ");
}

static void add_before_insert(struct buf *sql)
{
	/* Only a wait for the same (relation, now()) is meant to be short. */
	buf_add_text(sql, "set local lock_timeout = '50ms'; "
			  /* before the clock is read: periodic seals by that */
			  "select pg_current_xact_id(); ");
}

static void add_insert(struct pg *pg, struct buf *sql,
		       const struct sink_plan *plan, const struct load *load,
		       const struct positions *positions,
		       const struct entry *entry, size_t count)
{
	add_before_insert(sql);
	buf_add_text(
		sql,
		"insert into millrace.load "
		"(relation, loaded_at, row_count, reject_count, byte_count, "
		"event_min, event_max, origin) select v.relation, now(), v.n, "
		"v.rejects, v.bytes, v.low, v.high, v.origin from (values ");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(sql, i ? ", " : "");
		add_entry(pg, sql, &entry[i], &load->batch, i == 0);
		if (i == 0)
			add_origin(pg, sql, plan, &load->batch, positions);
		else
			buf_add_text(sql, "null");
		buf_add_text(sql, "::jsonb)");
	}
	buf_format(sql,
		   ") v (relation, n, rejects, bytes, low, high, origin) "
		   "where clock_timestamp() - now() < interval '1 second' "
		   "order by v.relation collate \"C\" "
		   "on conflict do nothing returning load_id; "
		   "set local lock_timeout = %lld",
		   (long long)plan->lock_ms);
}

/* One try. */
static bool attempt(struct pg *pg, const char *sql, size_t count,
		    int64_t *load_id, bool *written, struct error *err)
{
	struct error failed = ERROR_INIT;
	PGresult *res = NULL;

	*written = false;
	if (!pg_fetch(pg, ANSWER_MS, &failed, &res, NULL, sql)) {
		if (!failed.lost && !strcmp(failed.sqlstate, "55P03"))
			return true;
		*err = failed;
		return false;
	}
	*written = (size_t)PQntuples(res) == count;
	if (*written)
		*load_id = pg_number(res, 0, 0);
	PQclear(res);
	return true;
}

bool ledger_write(struct pg *pg, const struct sink_plan *plan,
		  struct load *load, bool *written, struct error *err)
{
	struct entry *entry =
		mem_zalloc(load->batch.table_count + 1, sizeof *entry);
	size_t count = list_entries(&load->batch, entry);
	struct buf sql = BUF_INIT;
	bool ok;

	add_insert(pg, &sql, plan, load, NULL, entry, count);
	ok = attempt(pg, buf_text(&sql), count, &load->load_id, written, err);
	buf_release(&sql);
	free(entry);
	return ok;
}

/* Until it is written: a tie begins again. */
static bool begin(struct pg *pg, const char *sql, size_t count,
		  int64_t *load_id, uint64_t *ties, struct error *err)
{
	for (int i = 0; i < TIES_MAX; i++) {
		bool begun = false;

		if (!attempt(pg, sql, count, load_id, &begun, err))
			return false;
		if (begun)
			return true;
		pg_rollback(pg);
		++*ties;
	}
	return error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			 "millrace.load is locked by someone else");
}

bool ledger_begin(struct pg *pg, const struct sink_plan *plan,
		  struct load *load, const struct positions *positions,
		  uint64_t *ties, struct error *err)
{
	struct entry *entry =
		mem_zalloc(load->batch.table_count + 1, sizeof *entry);
	size_t count = list_entries(&load->batch, entry);
	struct buf sql = BUF_INIT;
	bool ok;

	sink_add_begin(plan, positions->durable, &sql);
	add_insert(pg, &sql, plan, load, positions, entry, count);
	ok = begin(pg, buf_text(&sql), count, &load->load_id, ties, err);
	buf_release(&sql);
	free(entry);
	return ok;
}

static void add_origin_whole(struct pg *pg, struct buf *sql,
			     const struct sink_plan *plan,
			     const struct ledger_whole *row)
{
	struct buf json = BUF_INIT;

	open_origin(plan, &json);
	buf_add_text(&json, "[");
	json_text(&json, row->source, strlen(row->source));
	buf_format(&json, ", 0, %lld, %lld]", (long long)row->from,
		   (long long)row->from + 1);
	if (row->file) {
		buf_add_text(&json, ", [");
		json_text(&json, row->file, strlen(row->file));
		buf_format(&json, ", 0, %lld, %lld]", (long long)row->file_from,
			   (long long)row->file_size);
	}
	buf_add_text(&json, "]");
	if (row->effective) {
		buf_add_text(&json, ", \"effective\": ");
		json_text(&json, row->effective, strlen(row->effective));
	}
	buf_add_text(&json, "}");
	pg_literal(pg, sql, buf_text(&json));
	buf_release(&json);
}

bool ledger_begin_whole(struct pg *pg, const struct sink_plan *plan,
			const struct ledger_whole *row, int64_t *load_id,
			uint64_t *ties, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	sink_add_begin(plan, true, &sql);
	if (row->repeatable)
		buf_add_text(&sql, "set transaction isolation level "
				   "repeatable read; ");
	/* it waits for its input, however slow that is */
	buf_add_text(&sql,
		     "set local idle_in_transaction_session_timeout = 0; ");
	add_before_insert(&sql);
	buf_add_text(&sql, "insert into millrace.load (relation, loaded_at, "
			   "op, row_count, byte_count, parts, origin) select ");
	pg_literal(pg, &sql, row->relation);
	buf_format(&sql, ", now(), '%c', 0, 0, ", row->op);
	if (row->parts)
		pg_literal(pg, &sql, row->parts);
	else
		buf_add_text(&sql, "null");
	buf_add_text(&sql, "::jsonb, ");
	add_origin_whole(pg, &sql, plan, row);
	buf_format(&sql,
		   "::jsonb where clock_timestamp() - now() < "
		   "interval '1 second' on conflict do nothing "
		   "returning load_id; set local lock_timeout = %lld",
		   (long long)plan->lock_ms);
	ok = begin(pg, buf_text(&sql), 1, load_id, ties, err);
	buf_release(&sql);
	return ok;
}
