/* After a failure: what is committed, and what goes again. */
#include <string.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/pipeline_parts.h"

enum { STEP_MS = 20 };

bool pipeline_back_off(struct pipeline *pipeline, struct error *err)
{
	int64_t wait_ms = backoff_next(&pipeline->backoff, clock_ms());
	int64_t until = clock_ms() + wait_ms;

	if (pipeline->outage_ms == 0)
		pipeline->outage_ms = clock_ms();
	if (!pipeline->left && source_changes(pipeline->parts.source) &&
	    clock_ms() - pipeline->outage_ms >=
		    pipeline->parts.settings->leave_ms)
		pipeline_leave(pipeline);
	if (wait_ms < 0)
		return error_context(
			err, "gave up after %lld s without a commit",
			(long long)pipeline->parts.settings->retry_ms / 1000);
	do {
		pipeline_note_stop(pipeline);
		if (pipeline->parts.source->replayable &&
		    pipeline->stop_deadline_ms)
			pipeline->stop_deadline_ms = clock_ms();
		pipeline_report(pipeline);
		if (pipeline->stop_deadline_ms &&
		    clock_ms() >= pipeline->stop_deadline_ms)
			return error_context(
				err, "not finished within --shutdown-timeout");
		clock_sleep_ms(STEP_MS);
	} while (clock_ms() < until);
	return true;
}

bool pipeline_control(struct pipeline *pipeline, struct error *err)
{
	struct pg **pg = pipeline->parts.control;
	const struct sink_plan *plan = pipeline->parts.plan;

	if (*pg && pg_is_usable(*pg))
		return true;
	pg_close(*pg);
	*pg = NULL;
	/* at first, it is noted; then, a pipe has some time left */
	if (!pipeline->stop_deadline_ms || pipeline->parts.source->replayable)
		return pg_open_unless_stopped(pg, plan->dsn, plan->application,
					      plan->connect_ms, err);
	return pg_open(pg, plan->dsn, plan->application, plan->connect_ms, err);
}

static void note_error(struct pipeline *pipeline, const struct error *err)
{
	pthread_mutex_lock(&pipeline->lock);
	if (err->status == STATUS_DATABASE)
		stats_error(pipeline->parts.stats, err);
	pthread_mutex_unlock(&pipeline->lock);
}

bool pipeline_insist(struct pipeline *pipeline, pipeline_step *step,
		     int argument, struct error *err)
{
	for (;;) {
		struct error failed = ERROR_INIT;

		if (pipeline_control(pipeline, &failed) &&
		    step(pipeline, argument, &failed))
			return true;
		*err = failed;
		note_error(pipeline, err);
		if (failed.kind != ERROR_TRANSIENT ||
		    !pipeline_back_off(pipeline, err))
			return false;
	}
}

enum verdict { COMMITTED, NOT_COMMITTED, NOT_MINE };

/* --- positions ------------------------------------------------------------ */

static bool resolve_part(struct pipeline *pipeline, int part, struct error *err)
{
	return position_resolve(*pipeline->parts.control, pipeline->positions,
				part, err);
}

static bool read_part(struct pipeline *pipeline, int part, struct error *err)
{
	return position_read(*pipeline->parts.control, pipeline->positions,
			     part, err);
}

/* At once or not at all: whoever lives keeps it. */
static bool claim_part(struct pipeline *pipeline, int part, struct error *err)
{
	return position_claim(*pipeline->parts.control, pipeline->positions,
			      part, NULL, 0, err);
}

/* Whether the load was committed: a part that is still mine decides for all.
 * With none left that is another owner's business. */
static enum verdict judge(const struct pipeline *pipeline,
			  const struct batch *batch)
{
	for (size_t i = 0; i < batch->range_count; i++) {
		const struct batch_range *range = &batch->range[i];
		const struct position *position =
			&pipeline->positions->item[range->part];

		if (position->mine)
			return position->next_offset >= range->to
				       ? COMMITTED
				       : NOT_COMMITTED;
	}
	return NOT_MINE;
}

/* The COMMIT of this load was never answered. */
static bool resolve(struct pipeline *pipeline, struct load *load,
		    struct error *err)
{
	static const char *const words[] = {
		[COMMITTED] = "it was committed",
		[NOT_COMMITTED] = "it was not committed",
		[NOT_MINE] = "another process has taken over",
	};
	struct batch *batch = &load->batch;
	enum verdict verdict;

	pipeline->parts.stats->in_doubt++;
	if (mutant("blind-commit")) {
		verdict = COMMITTED;
	} else if (mutant("assume-not")) {
		verdict = NOT_COMMITTED;
	} else {
		for (size_t i = 0; i < batch->range_count; i++)
			if (!pipeline_insist(pipeline, resolve_part,
					     batch->range[i].part, err))
				return false;
		verdict = judge(pipeline, batch);
	}
	log_line(LOG_WARNING,
		 "the answer to the commit of load %lld was lost; %s",
		 (long long)load->load_id, words[verdict]);
	pthread_mutex_lock(&pipeline->lock);
	load->state = LOAD_READY;
	if (mutant("blind-commit")) {
		for (size_t i = 0; i < batch->range_count; i++)
			pipeline->positions->item[batch->range[i].part]
				.next_offset = batch->range[i].to;
		pipeline->turn = batch->sequence + 1;
		pipeline_drop(pipeline, load);
	}
	pthread_mutex_unlock(&pipeline->lock);
	return true;
}

static struct load *find_in_doubt(struct pipeline *pipeline)
{
	struct load *load;

	pthread_mutex_lock(&pipeline->lock);
	load = pipeline->unacked;
	while (load && load->state != LOAD_IN_DOUBT)
		load = load->next;
	pthread_mutex_unlock(&pipeline->lock);
	return load;
}

/* On a new connection: the old one may lead to a server that is no longer the
 * one in charge.  *guessed: a mutant did not ask. */
static bool resolve_all(struct pipeline *pipeline, bool *guessed,
			struct error *err)
{
	struct pg **control = pipeline->parts.control;
	struct load *load = find_in_doubt(pipeline);

	if (!load)
		return true;
	pg_close(*control);
	*control = NULL;
	for (; load; load = find_in_doubt(pipeline)) {
		if (!resolve(pipeline, load, err))
			return false;
		*guessed = mutant("blind-commit") || mutant("assume-not");
	}
	return true;
}

/* Drops the loads that are committed.  Under the lock. */
static void drop_committed(struct pipeline *pipeline)
{
	struct load *load;

	while ((load = pipeline->unacked) != NULL &&
	       judge(pipeline, &load->batch) == COMMITTED) {
		stats_commit(pipeline->parts.stats, &load->batch);
		pipeline_drop(pipeline, load);
	}
}

/* --- where to go on ------------------------------------------------------- */

/* The position the next commit of a part must begin at. */
static int64_t wanted(const struct pipeline *pipeline, int part)
{
	for (const struct load *load = pipeline->unacked; load;
	     load = load->next)
		for (size_t i = 0; i < load->batch.range_count; i++)
			if (load->batch.range[i].part == part)
				return load->batch.range[i].from;
	return pipeline->sealed[part];
}

/* Whether a load holds records of the part. */
static bool is_loading(const struct pipeline *pipeline, int part)
{
	for (const struct load *load = pipeline->unacked; load;
	     load = load->next)
		for (size_t i = 0; i < load->batch.range_count; i++)
			if (load->batch.range[i].part == part)
				return true;
	return false;
}

/* Compares what is in memory with where the database stands.  *back: the
 * database has gone back, and the source can follow.  Under the lock. */
static bool realign(struct pipeline *pipeline, bool *back, struct error *err)
{
	const struct source *source = pipeline->parts.source;

	for (size_t i = 0; i < pipeline->positions->count; i++) {
		const struct position *position = &pipeline->positions->item[i];
		int64_t from = wanted(pipeline, (int)i);

		if (!position->mine) { /* of a group */
			*back = *back || is_loading(pipeline, (int)i);
			continue;
		}
		if (position->next_offset == from)
			continue;
		*back = true;
		if (!source->replayable)
			return error_set(
				err, ERROR_FATAL, STATUS_FENCED,
				"the database went back: bytes %lld to %lld of "
				"%s were committed, are gone, and cannot be "
				"read again",
				(long long)position->next_offset,
				(long long)from, source->name);
		log_line(LOG_WARNING,
			 "the database stands at %lld of %s, not at %lld; "
			 "reading again from there",
			 (long long)position->next_offset, source->name,
			 (long long)from);
	}
	if (pipeline->unacked)
		pipeline->turn = pipeline->unacked->batch.sequence;
	else
		pipeline->turn = pipeline->next_sequence;
	return true;
}

#ifdef MILLRACE_MUTANTS
/* Sends what is in memory again wherever the database stands. */
static void resend_blindly(struct pipeline *pipeline)
{
	int64_t next = pipeline->positions->item[0].next_offset;

	for (struct load *load = pipeline->unacked; load; load = load->next) {
		struct batch_range *range = &load->batch.range[0];

		range->from = next;
		if (range->to <= next)
			range->to = next + 1;
		next = range->to;
	}
	pipeline->sealed[0] = next;
}
#endif

/* Where a part stands now.  One that was taken over by a process that has ended
 * since is taken back; of a group the members agree otherwise. */
static bool look_at(struct pipeline *pipeline, int part, struct error *err)
{
	const struct position *position = &pipeline->positions->item[part];
	bool grouped = pipeline->parts.source->grouped;

	if (!position->mine && grouped)
		return true;
	return pipeline_insist(pipeline, read_part, part, err) &&
	       (position->mine || grouped ||
		pipeline_insist(pipeline, claim_part, part, err));
}

/* *rewound: nothing is in memory, and the reader waits. */
static bool look_again(struct pipeline *pipeline, bool *rewound,
		       struct error *err)
{
	const struct source *source = pipeline->parts.source;
	bool back = pipeline->left;
	bool ok;

	for (size_t i = 0; i < pipeline->positions->count; i++)
		if (!look_at(pipeline, (int)i, err))
			return false;
	pthread_mutex_lock(&pipeline->lock);
#ifdef MILLRACE_MUTANTS
	if (mutant("blind-resend"))
		resend_blindly(pipeline);
#endif
	drop_committed(pipeline);
	ok = realign(pipeline, &back, err);
	pthread_mutex_unlock(&pipeline->lock);
	if (!ok || !back)
		return ok;
	if (source_changes(source))
		return pipeline_rejoin(pipeline, err);
	*rewound = true;
	return pipeline_rewind(pipeline, err);
}

bool pipeline_recover(struct pipeline *pipeline, struct error *err)
{
	const struct error *failure = &pipeline->failure;
	bool guessed = false, rewound = false;

	pipeline->parts.stats->retries++;
	if (failure->kind == ERROR_TRANSIENT &&
	    strcmp(failure->sqlstate, "MR001") != 0)
		log_line(LOG_WARNING, "%s; trying again", failure->text);
	if (!resolve_all(pipeline, &guessed, err) ||
	    (!guessed && !look_again(pipeline, &rewound, err)) ||
	    !pipeline_treat(pipeline, err))
		return false;
	*err = ERROR_INIT;
	pthread_mutex_lock(&pipeline->lock);
	pipeline->failed = false;
	pipeline->moved_ms = clock_ms();
	pthread_cond_broadcast(&pipeline->changed);
	pthread_mutex_unlock(&pipeline->lock);
	/* not before: what failed meanwhile would be taken for treated */
	if (rewound)
		pipeline_read_on(pipeline);
	return true;
}
