#include "ingest/whole.h"

#include <string.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/decode.h"
#include "ingest/load_watch.h"
#include "ingest/source_lines.h"
#include "ingest/stream.h"
#include "ingest/whole_parts.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

static void init(struct whole *whole, const struct pipeline_parts *parts,
		 const struct whole_load *load)
{
	*whole = (struct whole){
		.parts = parts,
		.load = load,
	};
	stats_start(&whole->stats, parts->plan->stream_count);
	pthread_mutex_init(&whole->lock, NULL);
	pthread_cond_init(&whole->changed, NULL);
	for (size_t i = 0; i < WHOLE_SLOTS; i++) {
		struct batch *batch = &whole->slot[i].load.batch;

		batch_init(batch, parts->plan->stream,
			   parts->plan->stream_count);
		batch->light = true; /* a row that is refused refuses all */
	}
}

static void release(struct whole *whole)
{
	for (size_t i = 0; i < WHOLE_SLOTS; i++)
		batch_release(&whole->slot[i].load.batch);
	pthread_cond_destroy(&whole->changed);
	pthread_mutex_destroy(&whole->lock);
	pg_close(whole->pg);
	stats_release(&whole->stats);
}

static bool check_rejects(const struct whole *whole, const struct batch *batch,
			  bool ended, struct error *err)
{
	uint64_t rejects = whole->rejects + batch->reject_count;
	uint64_t records = whole->rows + whole->rejects + batch->record_count;

	if (pipeline_rejects_within(whole->parts->settings, records, rejects,
				    ended))
		return true;
	return error_set(
		err, ERROR_FATAL, STATUS_DATA,
		"%llu of %llu records of %s are rejects, more than "
		"--max-rejects allows; nothing of it was loaded; the "
		"first reason in the last batch: %s",
		(unsigned long long)rejects, (unsigned long long)records,
		whole->parts->source->name,
		batch->reject_count ? batch->reject[0].reason : "none");
}

static void show(struct whole *whole, int64_t *next_ms)
{
	const struct source *source = whole->parts->source;
	int64_t every = whole->parts->settings->progress_ms;

	if (every == 0 || clock_ms() < *next_ms)
		return;
	stats_show(&whole->stats, source->name, (int64_t)whole->bytes,
		   source->size, -1);
	*next_ms = clock_ms() + every;
}

static void note_sent(struct whole *whole, const struct batch *batch)
{
	struct load_watch *watch = whole->parts->watch;

	load_watch_lock(watch);
	watch->read += batch->record_count;
	watch->in_flight += batch->record_count;
	watch->bytes = batch_bytes(batch);
	load_watch_unlock(watch);
}

/* A new try: what the one before had sent is let go. */
static void note_begun(struct whole *whole, bool has_outage)
{
	struct load_watch *watch = whole->parts->watch;

	load_watch_lock(watch);
	watch->in_flight = 0;
	watch->has_outage = has_outage;
	load_watch_unlock(watch);
}

/* Sends slot after slot, to the end of the input. */
static bool send_all(struct whole *whole, struct error *err)
{
	int64_t next_ms = clock_ms() + whole->parts->settings->progress_ms;
	bool last = false;

	for (size_t turn = 0; !last; turn++) {
		struct whole_slot *slot = whole_reader_take(whole, turn);
		struct batch *batch = &slot->load.batch;

		last = slot->last;
		if (last && whole->read_error.kind != ERROR_NONE) {
			*err = whole->read_error;
			return false;
		}
		if (last && whole->stopped)
			return true;
		if (!check_rejects(whole, batch, last, err) ||
		    !whole_copy(whole, &slot->load, err))
			return false;
		stats_commit(&whole->stats, batch);
		note_sent(whole, batch);
		show(whole, &next_ms);
		whole_reader_free(whole, slot);
	}
	if (whole->rows == 0 && !whole->load->allow_empty &&
	    !whole->load->skip_empty)
		return error_set(
			err, ERROR_FATAL, STATUS_DATA,
			"%s holds not one row for %s, what it replaces would "
			"be gone: nothing was loaded; --force loads it",
			whole->parts->source->name,
			whole->parts->plan->stream[whole->load->stream]
				->relation);
	return !whole->load->finish ||
	       whole->load->finish(whole->pg, whole->load, err);
}

/* Whether the COMMIT that was never answered has happened. */
static bool resolve(struct whole *whole, struct backoff *backoff,
		    bool *committed, struct error *err)
{
	const struct pipeline_parts *parts = whole->parts;
	struct positions *positions = parts->source->positions;
	int64_t from = positions->item[0].next_offset;

	load_watch_lock(parts->watch);
	parts->stats->in_doubt++;
	load_watch_unlock(parts->watch);
	pg_close(*parts->control);
	*parts->control = NULL;
	for (;;) {
		struct error failed = ERROR_INIT;

		if ((*parts->control ||
		     pg_open(parts->control, parts->plan->dsn,
			     parts->plan->application, parts->plan->connect_ms,
			     &failed)) &&
		    position_resolve(*parts->control, positions, 0, &failed))
			break;
		if (*parts->control && !pg_is_usable(*parts->control)) {
			pg_close(*parts->control);
			*parts->control = NULL;
		}
		*err = failed;
		if (failed.kind != ERROR_TRANSIENT || !backoff_wait(backoff))
			return false;
	}
	if (!positions->item[0].mine)
		return error_set(err, ERROR_FATAL, STATUS_FENCED,
				 "another process has taken over %s; whether "
				 "load %lld was committed, the ledger says",
				 positions->item[0].source,
				 (long long)whole->load_id);
	*committed = positions->item[0].next_offset > from;
	log_line(LOG_WARNING,
		 "the answer to the commit of load %lld was lost; it was %s",
		 (long long)whole->load_id,
		 *committed ? "committed" : "not committed");
	return true;
}

static bool is_latest(const struct whole *whole, const struct anchor *content)
{
	return whole->load->has_latest &&
	       anchor_is_same(&whole->load->latest, content);
}

/* Nothing came, and nothing is what would be committed. */
static bool is_skipped(const struct whole *whole)
{
	return whole->load->skip_empty && whole->rows + whole->rejects == 0;
}

/* One try.  False: *err says what failed, and nothing of it remains. */
static bool attempt(struct whole *whole, struct backoff *backoff,
		    enum whole_result *result, struct error *err)
{
	struct anchor content;
	bool committed = true;
	bool doubtful;
	bool ok;

	whole->rows = whole->rejects = whole->bytes = 0;
	whole->has_events = false;
	stats_release(&whole->stats);
	stats_start(&whole->stats, whole->parts->plan->stream_count);
	stats_begin(&whole->stats, 0);
	if (!whole_begin(whole, err))
		return false;
	note_begun(whole, false);
	whole_reader_start(whole);
	ok = send_all(whole, err);
	whole_reader_stop(whole);
	pg_heed_stop(whole->pg, false);
	source_lines_content(whole->parts->source, &content);
	*result = whole->stopped ? WHOLE_STOPPED
		  : is_latest(whole, &content) || is_skipped(whole)
			  ? WHOLE_SAME
			  : WHOLE_LOADED;
	if (!ok || *result != WHOLE_LOADED) {
		if (pg_is_usable(whole->pg))
			pg_rollback(whole->pg);
		return ok;
	}
	if (whole_commit(whole, &content, &doubtful, err))
		return true;
	if (!doubtful) {
		pg_rollback(whole->pg);
		return false;
	}
	whole->is_doubtful = !resolve(whole, backoff, &committed, err);
	return !whole->is_doubtful && committed;
}

/* What to do about a try that has failed.  True: try again. */
static bool may_retry(struct whole *whole, struct backoff *backoff,
		      struct error *err)
{
	const struct source *source = whole->parts->source;

	note_begun(whole, true);
	load_watch_lock(whole->parts->watch);
	whole->parts->stats->retries++;
	stats_error(whole->parts->stats, err);
	load_watch_unlock(whole->parts->watch);
	if (err->kind == ERROR_DATA) {
		err->kind = ERROR_FATAL;
		return error_context(err,
				     "PostgreSQL refuses a row of %s, so "
				     "that nothing of it was loaded",
				     source->name);
	}
	if (!strcmp(err->sqlstate, "MR001")) {
		err->status = STATUS_FENCED;
		err->kind = ERROR_FATAL;
		return error_context(err, "another process has loaded into "
					  "the same relation meanwhile");
	}
	if (err->kind != ERROR_TRANSIENT)
		return false;
	if (whole->reading && !source->replayable)
		return error_context(err,
				     "nothing of %s was loaded; send it again",
				     source->name);
	log_line(LOG_WARNING, "%s; trying again from the start", err->text);
	if (!backoff_wait(backoff))
		return error_context(
			err, "gave up after %lld s without a commit",
			(long long)whole->parts->settings->retry_ms / 1000);
	return !whole->reading ||
	       source_rewind(whole->parts->source, 0, 0, err);
}

/* What was read, and what became of it. */
static void count(struct whole *whole, bool is_loaded)
{
	const struct source_counts *here = &whole->parts->source->counts;
	struct load_watch *watch = whole->parts->watch;
	struct stats *stats = whole->parts->stats;

	load_watch_lock(watch);
	watch->read = watch->in_flight = 0;
	stats->source.read += here->read;
	stats->source.blank += here->blank;
	if (is_loaded) {
		stats_add(stats, &whole->stats);
		stats->dropped -= whole->rows + whole->rejects;
	}
	stats->dropped += here->read - here->blank;
	stats->unsure = decoder_unsure(whole->parts->decoder);
	load_watch_unlock(watch);
}

bool whole_run(const struct pipeline_parts *parts,
	       const struct whole_load *load, enum whole_result *result,
	       struct error *err)
{
	struct backoff backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MAX_MS,
					      parts->settings->retry_ms);
	struct whole whole;
	bool ok;

	init(&whole, parts, load);
	for (;;) {
		struct error failed = ERROR_INIT;

		ok = attempt(&whole, &backoff, result, &failed);
		if (ok)
			break;
		*err = failed;
		if (whole.is_doubtful) {
			error_context(err,
				      "whether load %lld of %s was committed "
				      "is not known, the ledger says",
				      (long long)whole.load_id,
				      parts->source->name);
			break;
		}
		if (stop_requested()) {
			*result = WHOLE_STOPPED;
			ok = parts->source->replayable || load->can_repeat ||
			     !whole.reading;
			break;
		}
		if (!may_retry(&whole, &backoff, err))
			break;
		*err = ERROR_INIT;
	}
	count(&whole, ok && *result == WHOLE_LOADED);
	release(&whole);
	return ok;
}
