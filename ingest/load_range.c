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
	char file_key[96];     /* the file by itself; "": all of it is loaded */
	/* the relation, which one process replaces at a time; the file */
	struct positions also;
	bool is_same; /* as what the range holds */
};

enum { ALSO_RELATION, ALSO_FILE };

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

/* Looks how much of the file has been loaded by itself before; the rest counts
 * as loaded with the range. */
static bool find_file(const struct load_claim *claim, struct error *err)
{
	struct replacement *replacement = claim->context;
	struct positions *also = &replacement->also;
	struct pg *control = claim->run->control;
	struct file_identity identity;

	if (!file_identity_find(control, claim->fd, claim->source->name, false,
				"", &identity, err))
		return false;
	replacement->content = identity.whole;
	*replacement->file_key = '\0';
	if (identity.finished)
		return true;
	if (also->count == ALSO_FILE)
		positions_add(also, identity.key, 0);
	if (!position_claim(control, also, ALSO_FILE, &identity.whole,
			    claim->run->options->claim_ms, err))
		return false;
	snprintf(replacement->file_key, sizeof replacement->file_key, "%s",
		 identity.key);
	replacement->load->file_from = also->item[ALSO_FILE].next_offset;
	replacement->load->file_size = identity.size;
	return true;
}

/* Whether the rows of the range are those that replaced it last, all of them
 * and no others. */
static bool is_held(const struct load_claim *claim, bool *held,
		    struct error *err)
{
	const struct replacement *replacement = claim->context;
	const struct stream *stream = replacement->stream;
	struct pg *control = claim->run->control;
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_add_text(&sql, "begin read only; set local role millrace_ingest; "
			   "set local statement_timeout = 0; "
			   "with last as (select loaded_at, row_count "
			   "from millrace.load where op = 'd' and relation = ");
	pg_literal(control, &sql, stream->relation);
	buf_add_text(&sql, " and origin->'ranges'->0->>0 = ");
	pg_literal(control, &sql, claim->source->positions->item[0].source);
	buf_format(&sql,
		   " order by load_id desc limit 1), found as (select count(*) "
		   "as n, count(*) filter (where loaded_at = (select loaded_at "
		   "from last)) as same from %s where ",
		   stream->relation);
	pg_identifier(control, &sql, stream->column[stream->event_time].name);
	buf_format(&sql, " >= '%s' and ", replacement->load->range->from);
	pg_identifier(control, &sql, stream->column[stream->event_time].name);
	buf_format(&sql,
		   " < '%s') select n = same and n = row_count "
		   "from last, found",
		   replacement->load->range->to);
	pg_heed_stop(control, true);
	ok = pg_fetch(control, REPLACE_MS, err, &res, NULL, buf_text(&sql));
	pg_heed_stop(control, false);
	pg_rollback(control);
	buf_release(&sql);
	if (ok)
		*held = PQntuples(res) == 1 && PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	return ok;
}

static bool claim_range(const struct load_claim *claim, struct error *err)
{
	struct load_run *run = claim->run;
	int64_t claim_ms = run->options->claim_ms;
	struct positions *positions = claim->source->positions;
	struct replacement *replacement = claim->context;
	struct whole_load *load = replacement->load;

	if (!position_claim(run->control, &replacement->also, ALSO_RELATION,
			    NULL, claim_ms, err))
		return error_context(err,
				     "one process at a time replaces ranges "
				     "of %s",
				     replacement->stream->relation);
	if ((claim->source->replayable && !find_file(claim, err)) ||
	    !position_claim(run->control, positions, 0, NULL, claim_ms, err) ||
	    !position_anchor(run->control, positions, 0, &load->has_latest,
			     &load->latest, err))
		return false;
	if (run->options->force ||
	    (claim->source->replayable &&
	     !anchor_is_same(&load->latest, &replacement->content)))
		load->has_latest = false;
	if (load->has_latest && !is_held(claim, &load->has_latest, err))
		return false;
	replacement->is_same = load->has_latest && claim->source->replayable;
	return true;
}

/* Holds the claim on the relation until the end of the transaction: whoever
 * claims it next sees what this one has done, or this one fails. */
static bool hold_relation(struct pg *pg, const struct replacement *replacement,
			  struct error *err)
{
	const struct position *relation =
		&replacement->also.item[ALSO_RELATION];
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_add_text(&sql, "select from millrace.position where source = ");
	pg_literal(pg, &sql, relation->source);
	buf_format(&sql, " and part = 0 and epoch = %lld for update",
		   (long long)relation->epoch);
	ok = pg_fetch(pg, replacement->run->plan.answer_ms, err, &res, NULL,
		      buf_text(&sql));
	buf_release(&sql);
	if (ok && PQntuples(res) != 1)
		ok = error_set(err, ERROR_FATAL, STATUS_FENCED,
			       "another process replaces a range of %s "
			       "meanwhile: nothing was replaced",
			       replacement->stream->relation);
	PQclear(res);
	return ok;
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

	if (!hold_relation(pg, replacement, err))
		return false;
	buf_add_text(&sql, "set local statement_timeout = 0; "
			   "select millrace.replace_range(");
	pg_literal(pg, &sql, stream->name);
	buf_add_text(&sql, ", ");
	pg_literal(pg, &sql, stream->column[stream->event_time].name);
	buf_format(&sql, ", '%s', '%s'); set local statement_timeout = %lld",
		   load->range->from, load->range->to,
		   (long long)plan->statement_ms);
	ok = pg_fetch(pg, REPLACE_MS, err, &res, NULL, buf_text(&sql));
	if (ok && *replacement->file_key) {
		/* nobody is to add the file by itself from now on */
		buf_reset(&sql);
		position_add_advance(
			pg, &sql, &replacement->also.item[ALSO_FILE],
			replacement->content.offset, &replacement->content);
		ok = pg_run(pg, plan->answer_ms, err, buf_text(&sql));
	}
	buf_release(&sql);
	if (!ok)
		return error_context(err, "replacing a range of %s",
				     stream->relation);
	log_line(LOG_INFO,
		 "%s rows of %s from %s to before %s are being replaced",
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
		return load_stopped_before(claim->source, claim->source->name,
					   err);
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
	    !load_check_whole(run, source, fd, err))
		return false;
	replacement.stream = run->plan.stream[index];
	load.context = &replacement;
	load.file_key = replacement.file_key;
	source->positions->durable = true;
	buf_format(&key, "range:%s/%s/%s", replacement.stream->relation,
		   range->from, range->to);
	positions_add(source->positions, buf_text(&key), 0);
	buf_reset(&key);
	buf_format(&key, "range:%s", replacement.stream->relation);
	positions_add(&replacement.also, buf_text(&key), 0);
	memcpy(replacement.also.owner, run->owner, sizeof run->owner);
	buf_format(
		&parts,
		"{\"column\": \"%s\", \"from\": \"%s\", "
		"\"to\": \"%s\"}",
		replacement.stream->column[replacement.stream->event_time].name,
		range->from, range->to);
	load.parts = buf_text(&parts);
	ok = run_range(&claim, &load, err);
	positions_release(&replacement.also);
	buf_release(&parts);
	buf_release(&key);
	return ok;
}
