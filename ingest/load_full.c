/* A complete extract: `load: full`. */
#include <stdlib.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"
#include "ingest/file_identity.h"
#include "ingest/load_run.h"
#include "ingest/options.h"
#include "ingest/stream.h"
#include "ingest/whole.h"

/* What the claim finds out. */
struct extract {
	const struct stream *stream;
	struct whole_load *load;
	struct anchor content; /* of a file */
	bool is_same;          /* as the latest extract */
};

/* An extract of a time before the latest one's would bring the past back. */
static bool check_effective(const struct load_claim *claim, struct error *err)
{
	static const char query[] =
		"select to_char(l.at at time zone 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
		"coalesce(nullif($2, '')::timestamptz, now()) < l.at "
		"from (select coalesce((origin->>'effective')::timestamptz, "
		"loaded_at) as at from millrace.load where relation = $1 "
		"and op = 't' order by load_id desc limit 1) l";
	const struct extract *extract = claim->context;
	const struct options *options = claim->run->options;
	const char *const values[] = {extract->stream->relation,
				      options->effective};
	PGresult *res = NULL;
	bool ok = true;

	if (!pg_fetch_params(claim->run->control, options->statement_ms, err,
			     &res, query, 2, values))
		return false;
	if (PQntuples(res) && PQgetvalue(res, 0, 1)[0] == 't')
		ok = error_set(
			err, ERROR_FATAL, STATUS_DATA,
			"%s is an extract as of %s, but the latest one of %s "
			"is as of %s: extracts are loaded in the order of "
			"their times",
			claim->source->name,
			*options->effective ? options->effective : "now",
			extract->stream->relation, PQgetvalue(res, 0, 0));
	PQclear(res);
	return ok;
}

/* Makes the stream's row ours and learns what the latest extract was. */
static bool claim_extract(const struct load_claim *claim, struct error *err)
{
	struct load_run *run = claim->run;
	struct positions *positions = claim->source->positions;
	struct extract *extract = claim->context;
	struct whole_load *load = extract->load;

	if (!position_claim(run->control, positions, 0, NULL,
			    run->options->claim_ms, err) ||
	    !position_anchor(run->control, positions, 0, &load->has_latest,
			     &load->latest, err))
		return false;
	load->has_latest = load->has_latest && !run->options->force;
	extract->is_same = load->has_latest && claim->source->replayable &&
			   anchor_is_same(&load->latest, &extract->content);
	return extract->is_same || check_effective(claim, err);
}

static void log_same(const struct source *source, const struct stream *stream)
{
	log_line(LOG_INFO,
		 "%s is the latest extract of %s already, 0 rows added; "
		 "--force loads it again",
		 source->name, stream->relation);
}

static bool run_extract(struct load_run *run, struct source *source,
			const struct whole_load *load, struct error *err)
{
	enum whole_result result = WHOLE_STOPPED;
	uint64_t rejects = run->stats.rejects;

	if (!load_whole(run, source, load, &result, err))
		return false;
	rejects = run->stats.rejects - rejects;
	if (result == WHOLE_SAME)
		log_same(source, run->plan.stream[load->stream]);
	else if (rejects)
		log_line(LOG_WARNING,
			 "the extract lacks %llu records of %s that were "
			 "rejected; mend them and load the whole file again",
			 (unsigned long long)rejects, source->name);
	return true;
}

/* `load: full effective=hour`: what is compared with the extracts by the hour
 * would be wrong with one of a time in between. */
static bool check_step(const struct load_run *run, const struct source *source,
		       const struct stream *stream, struct error *err)
{
	const struct options *options = run->options;
	int64_t step_us = stream->effective_step_us;

	if (step_us == 0 ||
	    (*options->effective && options->effective_us % step_us == 0))
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s: extracts of %s hold from a whole %s on: say "
			 "which with --effective 2025-03-10%s%s%s",
			 source->name, stream->relation,
			 step_us == INT64_C(3600000000) ? "hour" : "day",
			 step_us == INT64_C(3600000000) ? "T17:00:00Z" : "",
			 *options->effective ? ", not " : "",
			 options->effective);
}

bool load_full(struct load_run *run, struct source *source, int fd, int index,
	       struct error *err)
{
	const struct stream *stream = run->plan.stream[index];
	const struct options *options = run->options;
	struct whole_load load = {
		.stream = (size_t)index,
		.op = 't',
		.effective = *options->effective ? options->effective : NULL,
		.allow_empty = options->force,
	};
	struct extract extract = {.stream = stream, .load = &load};
	const struct load_claim claim = {run, source, fd, NULL, &extract};
	struct buf key = BUF_INIT;

	if (!load_check_whole(run, source, fd, err) ||
	    !check_step(run, source, stream, err))
		return false;
	source->positions->durable = true;
	buf_format(&key, "full:%s", stream->relation);
	positions_add(source->positions, buf_text(&key), 0);
	buf_release(&key);
	if (source->replayable &&
	    !file_identity_content(fd, source->name, &extract.content, err))
		return load_stopped_before(source, source->name, err);
	if (!load_insist(&claim, claim_extract, err))
		return load_stopped_before(source, source->name, err);
	if (extract.is_same) {
		log_same(source, stream);
		return true;
	}
	return run_extract(run, source, &load, err);
}
