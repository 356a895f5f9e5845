/* `handle-streams rejects list | show ID | replay [-n] [ID...]` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/pg.h"
#include "ingest/commands.h"
#include "ingest/decode.h"
#include "ingest/options.h"
#include "ingest/replay.h"
#include "ingest/sink.h"

enum { ANSWER_MS = 60000, PAGE = 1000 };

static const char application[] = "handle-streams rejects";

/* --- list ----------------------------------------------------------------- */

/* A field of a table for people and for cut(1): no control characters. */
static void print_field(const char *text, char end)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 ? ' ' : *text);
	putchar(end);
}

static void print_row(const PGresult *res, int row)
{
	int last = PQnfields(res) - 1;

	for (int c = 1; c <= last; c++)
		print_field(row < 0 ? PQfname(res, c) : PQgetvalue(res, row, c),
			    c < last ? '\t' : '\n');
}

/* A page at a time: there may be millions. */
static bool list(struct pg *pg, struct error *err)
{
	long long after = -1;
	bool more = true;

	while (more && !ferror(stdout)) {
		PGresult *res = NULL;
		struct buf sql = BUF_INIT;
		bool ok;

		buf_format(&sql,
			   "select reject_id, reject_id as id, "
			   "to_char(rejected_at, 'YYYY-MM-DD HH24:MI:SS') as "
			   "rejected_at, coalesce(relation, '-') as relation, "
			   "position, raw_length as bytes, reason, "
			   "source || ' ' || part as source, "
			   "(select origin->>'file' from millrace.load l "
			   "where l.load_id = r.load_id) as file "
			   "from millrace.reject r where replayed_at is null "
			   "and reject_id > %lld order by reject_id limit %d",
			   after, PAGE);
		ok = pg_fetch(pg, ANSWER_MS, err, &res, NULL, buf_text(&sql));
		buf_release(&sql);
		if (!ok)
			return false;
		if (after < 0)
			print_row(res, -1);
		for (int r = 0; r < PQntuples(res); r++)
			print_row(res, r);
		more = PQntuples(res) == PAGE;
		if (more)
			after = pg_number(res, PAGE - 1, 0);
		PQclear(res);
	}
	return true;
}

/* --- show ----------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return *text && strlen(text) < 19 &&
	       strspn(text, "0123456789") == strlen(text);
}

static bool usage(struct error *err, const char *id)
{
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s is not the number of a reject; see "
			 "`handle-streams rejects list`",
			 id);
}

/* Its bytes go to stdout as they are, what is known of it to stderr. */
static bool show(struct pg *pg, const char *id, struct error *err)
{
	PGresult *res = NULL;
	unsigned char *raw;
	size_t len;
	int raw_column;

	if (!pg_fetch_params(pg, ANSWER_MS, err, &res,
			     "select reject_id, rejected_at, relation, source, "
			     "(select origin->>'file' from millrace.load l "
			     "where l.load_id = r.load_id) as file, "
			     "part, position, reason, sqlstate, column_name, "
			     "raw_length, encode(key, 'escape') as key, "
			     "headers, timestamp_ms, load_id, replayed_at, "
			     "replay_load_id, raw from millrace.reject r "
			     "where reject_id = $1::bigint",
			     1, &id))
		return false;
	if (PQntuples(res) == 0) {
		PQclear(res);
		return usage(err, id);
	}
	raw_column = PQnfields(res) - 1;
	for (int c = 0; c < raw_column; c++) {
		if (PQgetisnull(res, 0, c))
			continue;
		fprintf(stderr, "%-14s ", PQfname(res, c));
		fprintf(stderr, "%s\n", PQgetvalue(res, 0, c));
	}
	raw = pg_bytes(res, 0, raw_column, &len);
	fwrite(raw, 1, len, stdout);
	putchar('\n');
	PQfreemem(raw);
	PQclear(res);
	return true;
}

/* --- replay --------------------------------------------------------------- */

static bool join_ids(const struct options *options, struct buf *ids,
		     struct error *err)
{
	for (size_t i = 1; i < options->operand_count; i++) {
		if (!is_number(options->operand[i]))
			return usage(err, options->operand[i]);
		buf_format(ids, "%s%s", ids->len ? ", " : "",
			   options->operand[i]);
	}
	return true;
}

static bool replay_with(const struct options *options,
			const struct stream_set *set, const char *ids,
			struct error *err)
{
	struct sink_plan plan = {
		.stream = stream_set_list(set),
		.stream_count = set->count,
		.answer_ms = options->answer_ms,
		.statement_ms = options->statement_ms,
		.lock_ms = options->lock_ms,
		.idle_ms = options->idle_ms,
	};
	struct replay_result result = {0};
	struct decoder *decoder = NULL;
	struct pg *pg = NULL;
	int forced;
	bool ok;

	gethostname(plan.host, sizeof plan.host - 1);
	ok = stream_set_find(set, options->stream, &forced, err) &&
	     command_begin(options, set, application, &pg, err) &&
	     sink_plan_prepare(&plan, pg, err);
	if (ok) {
		decoder = decoder_open(plan.stream, plan.stream_count, forced,
				       &options->limits);
		ok = replay_run(pg, &plan, decoder, ids, options->dry_run,
				&result, err);
	}
	log_line(LOG_INFO, "%zu rejects looked at, %zu %s, %zu stay%s",
		 result.looked_at, result.replayed,
		 options->dry_run ? "would be replayed" : "replayed",
		 result.looked_at - result.replayed,
		 result.cut ? " (some are over-long, their bytes are cut)"
			    : "");
	decoder_close(decoder);
	sink_plan_release(&plan);
	return command_end(pg, ok, err);
}

static bool replay(const struct options *options, struct error *err)
{
	struct buf ids = BUF_INIT;
	struct stream_set set = {0};
	bool ok = join_ids(options, &ids, err) &&
		  stream_set_read(&set, buf_text(&options->home), err) &&
		  replay_with(options, &set, buf_text(&ids), err);

	stream_set_release(&set);
	buf_release(&ids);
	return ok;
}

/* -------------------------------------------------------------------------- */

static bool look(const struct options *options, const char *what,
		 struct error *err)
{
	struct pg *pg = NULL;
	bool ok = command_begin(options, NULL, application, &pg, err);

	if (ok)
		ok = !strcmp(what, "list") ? list(pg, err)
					   : show(pg, options->operand[1], err);
	return command_end(pg, ok, err);
}

bool command_rejects(const struct options *options, struct error *err)
{
	static const char *const words[] = {"list", "show", "replay"};
	const char *what = options->operand_count ? options->operand[0] : "";
	const char *meant = nearest(what, words, 3);

	if (!strcmp(what, "replay"))
		return replay(options, err);
	if (!strcmp(what, "list") && options->operand_count == 1)
		return look(options, what, err);
	if (!strcmp(what, "show")) {
		if (options->operand_count == 2 &&
		    is_number(options->operand[1]))
			return look(options, what, err);
		if (options->operand_count == 2)
			return usage(err, options->operand[1]);
	}
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "rejects takes list, show ID or replay [-n] [ID...]%s"
			 "%s%s",
			 meant ? "; did you mean " : "", meant ? meant : "",
			 meant ? "?" : "");
}
