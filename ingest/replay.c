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
	COL_CSV_HEADER
};

struct replay {
	struct pg *pg;
	const struct sink_plan *plan;
	struct decoder *decoder;
	const char *ids;
	int64_t last;           /* reject_id looked at */
	struct csv_layout *csv; /* of the last CSV record; or NULL */
	struct load load;
	struct buf good; /* ids that became rows, separated by commas */
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
		   "raw_length > length(raw), source, relation, csv_header "
		   "from millrace.reject "
		   "where replayed_at is null and reject_id > %lld ",
		   (long long)replay->last);
	if (*replay->ids)
		buf_format(&sql, "and reject_id in (%s) ", replay->ids);
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
	size_t len = 0;
	const char *text = PQgetvalue(res, row, COL_RAW);
	unsigned char *raw = PQunescapeBytea((const unsigned char *)text, &len);
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
		.timestamp_ms = -1,
		.line = -1,
	};

	if (!raw)
		abort(); /* out of memory */
	if (!layout_of(replay, res, row, &csv)) {
		PQfreemem(raw);
		return;
	}
	record.csv = csv;
	decoder_decode(replay->decoder, &record, batch);
	PQfreemem(raw);
	if (batch->reject_count > rejects)
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

/* One chunk, begun again after a tie.  *more: there may be another. */
static bool replay_chunk(struct replay *replay, bool dry_run, bool *more,
			 struct error *err)
{
	for (int i = 0; i < TIES_MAX; i++) {
		PGresult *res = NULL;
		bool written = false;
		int64_t last = replay->last;

		if (!fetch(replay, &res, err))
			return false;
		*more = PQntuples(res) == CHUNK;
		if (PQntuples(res))
			last = strtoll(
				PQgetvalue(res, PQntuples(res) - 1, COL_ID),
				NULL, 10);
		decode_all(replay, res);
		PQclear(res);
		if (!dry_run && replay->good.len &&
		    !ledger_write(replay->pg, replay->plan, &replay->load,
				  &written, err))
			return false;
		if (written) {
			replay->last = last;
			return write_rows(replay, err);
		}
		pg_rollback(replay->pg);
		if (dry_run || !replay->good.len) {
			replay->last = last;
			return true;
		}
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
		result->looked_at += replay.chunk.looked_at;
		result->replayed += replay.chunk.replayed;
		result->cut += replay.chunk.cut;
	}
	if (!ok)
		pg_rollback(pg);
	csv_layout_close(replay.csv);
	batch_release(&replay.load.batch);
	buf_release(&replay.good);
	return ok;
}
