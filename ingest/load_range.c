/* A corrected range of event time: --replace-range. */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"
#include "ingest/file_identity.h"
#include "ingest/load_run.h"
#include "ingest/options.h"
#include "ingest/source.h"
#include "ingest/stream.h"

/* Rows of a range are found by reading the table. */
enum { REPLACE_MS = 6 * 3600 * 1000 };

struct replacement {
	struct load_run *run;
	const struct stream *stream;
	struct whole_load *load;
	struct anchor content; /* of a file */
	char file_key[96];     /* the file by itself; "": known already */
	bool is_same;          /* as what replaced the range last */
};

static bool check_stream(const struct load_run *run, const char *name,
			 int index, struct error *err)
{
	const struct stream *stream;

	if (index < 0)
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "%s: the first record belongs to no stream: "
				 "name it with --stream",
				 name);
	stream = run->plan.stream[index];
	if (stream->event_time < 0 ||
	    !stream->column[stream->event_time].not_null)
		return error_config(err,
				    "%s: --replace-range needs `event_time:` "
				    "to name a column that is not null",
				    stream->file);
	return true;
}

/* Looks whether the file has been loaded by itself before. */
static bool find_file(const struct load_claim *claim, struct error *err)
{
	struct replacement *replacement = claim->context;
	struct file_identity identity;

	if (!file_identity_find(claim->run->control, claim->fd,
				claim->source->name, false, "", &identity, err))
		return false;
	replacement->content = identity.whole;
	if (!identity.known)
		snprintf(replacement->file_key, sizeof replacement->file_key,
			 "%s", identity.key);
	replacement->load->file_size = identity.size;
	return true;
}

static bool claim_range(const struct load_claim *claim, struct error *err)
{
	struct load_run *run = claim->run;
	struct positions *positions = claim->source->positions;
	struct replacement *replacement = claim->context;
	struct whole_load *load = replacement->load;

	if (claim->source->replayable && !find_file(claim, err))
		return false;
	if (!position_claim(run->control, positions, 0, NULL,
			    run->options->claim_ms, err) ||
	    !position_anchor(run->control, positions, 0, &load->has_latest,
			     &load->latest, err))
		return false;
	load->has_latest = load->has_latest && !run->options->force;
	replacement->is_same =
		load->has_latest && claim->source->replayable &&
		load_is_same(&load->latest, &replacement->content);
	return true;
}

/* The file counts as loaded from now on, so that nobody adds it by itself. */
static void add_file(struct pg *pg, const struct replacement *replacement,
		     struct buf *sql)
{
	const struct anchor *content = &replacement->content;

	buf_add_text(sql, "; insert into millrace.position (source, part, "
			  "next_offset, epoch, anchor_offset, anchor_hash, "
			  "owner) values (");
	pg_literal(pg, sql, replacement->file_key);
	buf_format(sql, ", 0, %lld, 1, %lld, '\\x", (long long)content->offset,
		   (long long)content->offset);
	for (int i = 0; i < ANCHOR_BYTES; i++)
		buf_format(sql, "%02x", content->hash[i]);
	buf_add_text(sql, "', ");
	pg_literal(pg, sql, replacement->run->owner);
	buf_add_text(sql, ")");
}

/* Retires the rows that are there. */
static bool retire(struct pg *pg, const struct whole_load *load,
		   struct error *err)
{
	const struct replacement *replacement = load->context;
	const struct stream *stream = replacement->stream;
	const struct sink_plan *plan = &replacement->run->plan;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_add_text(&sql, "set local statement_timeout = 0; "
			   "select millrace.replace_range(");
	pg_literal(pg, &sql, stream->name);
	buf_add_text(&sql, ", ");
	pg_literal(pg, &sql, stream->column[stream->event_time].name);
	buf_format(&sql, ", '%s', '%s'); set local statement_timeout = %lld",
		   load->range->from, load->range->to,
		   (long long)plan->statement_ms);
	if (*replacement->file_key)
		add_file(pg, replacement, &sql);
	ok = pg_fetch(pg, REPLACE_MS, err, &res, NULL, buf_text(&sql));
	buf_release(&sql);
	if (!ok)
		return error_context(err, "replacing a range of %s",
				     stream->relation);
	log_line(LOG_INFO, "%s rows of %s from %s to before %s are replaced",
		 PQgetvalue(res, 0, 0), stream->relation, load->range->from,
		 load->range->to);
	PQclear(res);
	return true;
}

static bool run_range(const struct load_claim *claim,
		      const struct whole_load *load, struct error *err)
{
	const struct replacement *replacement = claim->context;
	enum whole_result result = WHOLE_STOPPED;
	uint64_t rejects = claim->run->stats.rejects;

	if (!load_insist(claim, claim_range, err))
		return load_stopped_before(claim->source->name, err);
	if (replacement->is_same)
		result = WHOLE_SAME;
	else if (!load_whole(claim->run, claim->source, load, &result, err))
		return false;
	rejects = claim->run->stats.rejects - rejects;
	if (result == WHOLE_SAME)
		log_line(LOG_INFO,
			 "%s is what the range holds already, nothing was "
			 "replaced; --force replaces it again",
			 claim->source->name);
	else if (rejects)
		log_line(LOG_WARNING,
			 "the range lacks %llu records of %s that were "
			 "rejected, and what they should replace is gone: mend "
			 "them and replace the range again",
			 (unsigned long long)rejects, claim->source->name);
	return true;
}

bool load_range(struct load_run *run, struct source *source, int fd, int index,
		struct error *err)
{
	const struct time_range *range = &run->options->range;
	struct buf parts = BUF_INIT;
	struct buf key = BUF_INIT;
	struct whole_load load = {
		.stream = (size_t)index,
		.op = 'd',
		.repeatable = true,
		.allow_empty = run->options->force,
		.range = range,
		.prepare = retire,
	};
	struct replacement replacement = {.run = run, .load = &load};
	const struct load_claim claim = {run, source, fd, NULL, &replacement};
	bool ok;

	if (!check_stream(run, source->name, index, err) ||
	    !load_check_pipe(run, source, err))
		return false;
	replacement.stream = run->plan.stream[index];
	load.context = &replacement;
	load.file_key = replacement.file_key;
	source->positions->durable = true;
	buf_format(&key, "range:%s/%s/%s", replacement.stream->relation,
		   range->from, range->to);
	positions_add(source->positions, buf_text(&key), 0);
	buf_format(
		&parts,
		"{\"column\": \"%s\", \"from\": \"%s\", "
		"\"to\": \"%s\"}",
		replacement.stream->column[replacement.stream->event_time].name,
		range->from, range->to);
	load.parts = buf_text(&parts);
	ok = run_range(&claim, &load, err);
	buf_release(&parts);
	buf_release(&key);
	return ok;
}
