#include "ingest/replay.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/csv_layout.h"
#include "ingest/decode.h"
#include "ingest/isolate.h"
#include "ingest/ledger.h"
#include "ingest/load.h"
#include "ingest/sink.h"
#include "ingest/stream.h"

enum { CHUNK = 500, ANSWER_MS = 65000, TIES_MAX = 200 };
enum {
	COL_ID,
	COL_PART,
	COL_POSITION,
	COL_RAW,
	COL_CUT,
	COL_SOURCE,
	COL_RELATION,
	COL_CSV_HEADER,
	COL_KEY,
	COL_HEADERS,
	COL_TIMESTAMP
};

struct replay {
	struct pg *pg;
	const struct sink_plan *plan;
	struct decoder *decoder;
	const char *ids;
	int64_t last;           /* reject_id looked at */
	struct csv_layout *csv; /* of the last CSV record; or NULL */
	struct load load;
	int64_t id[CHUNK];  /* of the rejects of this chunk, by row */
	struct buf good;    /* ids that became rows, separated by commas */
	struct buf refused; /* ids in this chunk that PostgreSQL refused */
	size_t refused_count;
	struct replay_result chunk;
};

/* Begins a transaction and locks the next rejects. */
static bool fetch(struct replay *replay, PGresult **out, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	sink_add_begin(replay->plan, true, &sql);
	buf_format(&sql,
		   "select reject_id, part, position, raw, "
		   "raw_length > length(raw), source, relation, csv_header, "
		   "key, headers, timestamp_ms "
		   "from millrace.reject "
		   "where replayed_at is null and reject_id > %lld ",
		   (long long)replay->last);
	if (*replay->ids)
		buf_format(&sql, "and reject_id in (%s) ", replay->ids);
	if (replay->refused.len)
		buf_format(&sql, "and reject_id not in (%s) ",
			   buf_text(&replay->refused));
	buf_format(&sql, "order by reject_id limit %d for update", CHUNK);
	ok = pg_fetch(replay->pg, ANSWER_MS, err, out, NULL, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* The topic of a record that came from Kafka, else NULL. */
static const char *topic_of(const PGresult *res, int row)
{
	const char *source = PQgetvalue(res, row, COL_SOURCE);
	const char *slash = strchr(source, '/');

	return slash && !strncmp(source, "kafka:", 6) ? slash + 1 : NULL;
}

/* The stream that took the record before, plus 1; 0: to be matched. */
static int stream_of(const struct replay *replay, const PGresult *res, int row)
{
	const char *relation = PQgetvalue(res, row, COL_RELATION);

	for (size_t i = 0; i < replay->plan->stream_count; i++)
		if (!strcmp(replay->plan->stream[i]->relation, relation))
			return (int)i + 1;
	return 0;
}

/* The layout of a CSV record, as its stream is today.  False: its stream takes
 * no such file any more. */
static bool layout_of(struct replay *replay, const PGresult *res, int row,
		      const struct csv_layout **out)
{
	const char *header = PQgetvalue(res, row, COL_CSV_HEADER);
	int stream = stream_of(replay, res, row) - 1;
	struct error ignored = ERROR_INIT;

	*out = NULL;
	if (PQgetisnull(res, row, COL_CSV_HEADER))
		return true;
	if (stream < 0 || !(replay->plan->stream[stream]->format & STREAM_CSV))
		return false;
	if (!replay->csv || replay->csv->stream_index != stream ||
	    strcmp(replay->csv->header, header) != 0) {
		csv_layout_close(replay->csv);
		replay->csv = NULL;
		if (*header == '\0')
			replay->csv = csv_layout_positional(
				replay->plan->stream[stream], stream);
		else if (!csv_layout_read(&replay->csv,
					  replay->plan->stream[stream], stream,
					  header, strlen(header), &ignored))
			return false;
	}
	*out = replay->csv;
	return true;
}

/* Each is a part of its own, since their positions are in no order. */
static void decode(struct replay *replay, const PGresult *res, int row)
{
	struct batch *batch = &replay->load.batch;
	size_t rejects = batch->reject_count;
	size_t len;
	size_t key_len;
	unsigned char *raw = pg_bytes(res, row, COL_RAW, &len);
	unsigned char *key = pg_bytes(res, row, COL_KEY, &key_len);
	int64_t position = pg_number(res, row, COL_POSITION);
	const struct csv_layout *csv = NULL;
	struct record record = {
		.bytes = (const char *)raw,
		.len = len,
		.full_len = len,
		.part = row,
		.position = position,
		.next = position + 1,
		.topic = topic_of(res, row),
		.stream = stream_of(replay, res, row),
		.partition = (int32_t)strtol(PQgetvalue(res, row, COL_PART),
					     NULL, 10),
		.timestamp_ms = PQgetisnull(res, row, COL_TIMESTAMP)
					? -1
					: pg_number(res, row, COL_TIMESTAMP),
		.key = (const char *)key,
		.key_len = key_len,
		.headers = PQgetisnull(res, row, COL_HEADERS)
				   ? NULL
				   : PQgetvalue(res, row, COL_HEADERS),
		.line = -1,
	};
	bool decoded = layout_of(replay, res, row, &csv);

	record.csv = csv;
	if (decoded)
		decoder_decode(replay->decoder, &record, batch);
	PQfreemem(raw);
	PQfreemem(key);
	if (!decoded || batch->reject_count > rejects)
		return;
	buf_format(&replay->good, "%s%s", replay->good.len ? ", " : "",
		   PQgetvalue(res, row, COL_ID));
	replay->chunk.replayed++;
}

static void decode_all(struct replay *replay, const PGresult *res)
{
	batch_reset(&replay->load.batch);
	buf_reset(&replay->good);
	replay->chunk = (struct replay_result){0};
	for (int i = 0; i < PQntuples(res); i++) {
		replay->chunk.looked_at++;
		replay->id[i] = pg_number(res, i, COL_ID);
		if (PQgetvalue(res, i, COL_CUT)[0] == 't')
			replay->chunk.cut++;
		else
			decode(replay, res, i);
	}
	/* What is a reject again has its row already. */
	replay->load.batch.reject_count = 0;
}

static bool write_rows(struct replay *replay, struct error *err)
{
	const struct batch *batch = &replay->load.batch;
	struct buf sql = BUF_INIT;
	char tag[64];
	bool ok;

	for (size_t i = 0; i < batch->table_count; i++)
		if (batch->table[i].row_count &&
		    !sink_copy_rows(replay->pg, replay->plan, batch, i, 0,
				    batch->table[i].row_count, err))
			return error_context(err, "replaying into %s",
					     batch->table[i].stream->relation);
	fault_hit(FAULT_IN_REPLAY);
	buf_format(&sql,
		   "update millrace.reject set replayed_at = now(), "
		   "replay_load_id = %lld where reject_id in (%s); "
		   "notify millrace; commit",
		   (long long)replay->load.load_id, buf_text(&replay->good));
	ok = pg_fetch(replay->pg, ANSWER_MS, err, NULL, tag, buf_text(&sql));
	buf_release(&sql);
	if (ok && strcmp(tag, "COMMIT") != 0)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "PostgreSQL answered %s instead of COMMIT",
				 tag);
	return ok;
}

/* The reason of a reject is now what PostgreSQL says of its row. */
static void add_reason(struct replay *replay, const struct batch_reject *reject,
		       struct buf *sql)
{
	long long id = replay->id[reject->origin.part];

	buf_format(&replay->refused, "%s%lld", replay->refused.len ? ", " : "",
		   id);
	replay->refused_count++;
	buf_add_text(sql, "update millrace.reject set reason = ");
	pg_literal(replay->pg, sql, reject->reason);
	buf_add_text(sql, ", sqlstate = ");
	pg_literal(replay->pg, sql, reject->sqlstate);
	buf_add_text(sql, ", column_name = ");
	if (reject->column_name)
		pg_literal(replay->pg, sql, reject->column_name);
	else
		buf_add_text(sql, "null");
	buf_format(sql, " where reject_id = %lld and replayed_at is null; ",
		   id);
}

/* PostgreSQL refused a row: those at fault stay rejects, and the others of the
 * chunk go again without them. */
static bool set_aside(struct replay *replay, struct error *err)
{
	struct batch *batch = &replay->load.batch;
	struct buf sql = BUF_INIT;
	size_t moved = 0;
	bool ok;

	pg_rollback(replay->pg);
	*err = ERROR_INIT;
	if (!isolate_rows(replay->pg, replay->plan, batch, 0, &moved, err))
		return false;
	sink_add_begin(replay->plan, true, &sql);
	for (size_t i = 0; i < batch->reject_count; i++)
		add_reason(replay, &batch->reject[i], &sql);
	buf_add_text(&sql, "commit");
	ok = pg_run(replay->pg, ANSWER_MS, err, buf_text(&sql));
	buf_release(&sql);
	if (ok)
		log_line(LOG_WARNING,
			 "PostgreSQL refused %zu of the rows; they stay "
			 "rejects, with what it said",
			 moved);
	return ok;
}

/* Looks at the next rejects, up to *last.  False with err unset: a tie, or
 * rows that were refused; once more. */
static bool try_chunk(struct replay *replay, bool dry_run, int64_t *last,
		      bool *more, struct error *err)
{
	PGresult *res = NULL;
	bool written = false;

	if (!fetch(replay, &res, err))
		return false;
	*more = *more || PQntuples(res) == CHUNK;
	decode_all(replay, res);
	if (PQntuples(res) && replay->id[PQntuples(res) - 1] > *last)
		*last = replay->id[PQntuples(res) - 1];
	PQclear(res);
	if (!dry_run && replay->good.len &&
	    !ledger_write(replay->pg, replay->plan, &replay->load, &written,
			  err))
		return false;
	if (!written) {
		pg_rollback(replay->pg);
		return dry_run || !replay->good.len;
	}
	if (write_rows(replay, err))
		return true;
	if (err->kind == ERROR_DATA && !err->lost)
		(void)!set_aside(replay, err);
	return false;
}

/* One chunk.  *more: there may be another. */
static bool replay_chunk(struct replay *replay, bool dry_run, bool *more,
			 struct error *err)
{
	int64_t last = replay->last;

	*more = false;
	buf_reset(&replay->refused);
	replay->refused_count = 0;
	for (int i = 0; i < TIES_MAX; i++) {
		if (try_chunk(replay, dry_run, &last, more, err)) {
			replay->last = last;
			return true;
		}
		if (err->kind != ERROR_NONE)
			return false;
	}
	return error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			 "millrace.load is locked by someone else");
}

bool replay_run(struct pg *pg, const struct sink_plan *plan,
		struct decoder *decoder, const char *ids, bool dry_run,
		struct replay_result *result, struct error *err)
{
	struct replay replay = {
		.pg = pg, .plan = plan, .decoder = decoder, .ids = ids};
	bool more = true;
	bool ok = true;

	*result = (struct replay_result){0};
	batch_init(&replay.load.batch, plan->stream, plan->stream_count);
	while (ok && more && !stop_requested()) {
		ok = replay_chunk(&replay, dry_run, &more, err);
		if (!ok)
			break;
		result->looked_at +=
			replay.chunk.looked_at + replay.refused_count;
		result->replayed += replay.chunk.replayed;
		result->cut += replay.chunk.cut;
	}
	if (!ok)
		pg_rollback(pg);
	csv_layout_close(replay.csv);
	batch_release(&replay.load.batch);
	buf_release(&replay.good);
	buf_release(&replay.refused);
	return ok;
}
