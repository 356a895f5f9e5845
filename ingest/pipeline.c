#include "ingest/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/pipeline_parts.h"

enum { TICK_MS = 100, BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

void pipeline_wait(struct pipeline *pipeline, int64_t ms)
{
	const struct timespec until = clock_after(ms);

	pthread_cond_clockwait(&pipeline->changed, &pipeline->lock,
			       CLOCK_MONOTONIC, &until);
}

void pipeline_drop(struct pipeline *pipeline, struct load *load)
{
	struct load **at = &pipeline->unacked;

	while (*at != load)
		at = &(*at)->next;
	*at = load->next;
	load->state = LOAD_FREE;
}

void pipeline_note_stop(struct pipeline *pipeline)
{
	if (!stop_requested() || pipeline->stop_deadline_ms)
		return;
	pipeline->stop_deadline_ms =
		clock_ms() + pipeline->parts.settings->shutdown_ms;
	pg_give_up_at(pipeline->stop_deadline_ms);
}

static bool is_out_of_time(const struct pipeline *pipeline)
{
	return pipeline->stop_deadline_ms &&
	       clock_ms() >= pipeline->stop_deadline_ms;
}

/* --- life ----------------------------------------------------------------- */

static void init(struct pipeline *pipeline, const struct pipeline_parts *parts)
{
	size_t parts_count = parts->source->positions->count;

	*pipeline = (struct pipeline){
		.parts = *parts,
		.positions = parts->source->positions,
		.load_count = (size_t)parts->settings->connections + 1,
		.backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MAX_MS,
					parts->settings->retry_ms),
	};
	pipeline->moved_ms = clock_ms();
	pipeline->before = parts->stats->source;
	pthread_mutex_init(&pipeline->lock, NULL);
	pthread_cond_init(&pipeline->changed, NULL);
	pipeline->load =
		mem_zalloc(pipeline->load_count, sizeof *pipeline->load);
	for (size_t i = 0; i < pipeline->load_count; i++) {
		struct batch *batch = &pipeline->load[i].batch;

		batch_init(batch, parts->plan->stream,
			   parts->plan->stream_count);
		batch->light = source_rereads(parts->source);
	}
	pipeline->sealed = mem_zalloc(parts_count + 1, sizeof(int64_t));
	pipeline->expected = mem_zalloc(parts_count + 1, sizeof(int64_t));
	for (size_t i = 0; i < parts_count; i++)
		pipeline->sealed[i] = pipeline->expected[i] =
			pipeline->positions->item[i].next_offset;
}

static void release(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->load_count; i++) {
		batch_release(&pipeline->load[i].batch);
		free(pipeline->load[i].anchor);
		free(pipeline->load[i].anchored);
	}
	free(pipeline->load);
	free(pipeline->sealed);
	free(pipeline->expected);
	pthread_cond_destroy(&pipeline->changed);
	pthread_mutex_destroy(&pipeline->lock);
}

static pthread_t start(void *(*run)(void *), struct pipeline *pipeline)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, pipeline) != 0)
		abort(); /* like memory: without it nothing can go on */
	return thread;
}

static void quit(struct pipeline *pipeline)
{
	pthread_mutex_lock(&pipeline->lock);
	pipeline->quit = true;
	pthread_cond_broadcast(&pipeline->changed);
	pthread_mutex_unlock(&pipeline->lock);
}

/* --- watching ------------------------------------------------------------- */

/* Records that wait in the parts that are ours; -1: not known. */
static int64_t lag(const struct pipeline *pipeline)
{
	int64_t sum = -1;

	for (size_t i = 0; i < pipeline->positions->count; i++) {
		int64_t next = pipeline->positions->item[i].next_offset;
		struct source_marks marks;

		if (!source_marks(pipeline->parts.source, (int)i, &marks) ||
		    marks.high < 0)
			continue;
		sum = sum < 0 ? 0 : sum;
		sum += marks.high > next ? marks.high - next : 0;
	}
	return sum;
}

/* Under the lock. */
static void show(struct pipeline *pipeline, int64_t *next_ms)
{
	const struct source *source = pipeline->parts.source;
	int64_t every = pipeline->parts.settings->progress_ms;

	if (every == 0 || clock_ms() < *next_ms)
		return;
	stats_show(pipeline->parts.stats, source->name,
		   source->size < 0 ? 0
				    : pipeline->positions->item[0].next_offset,
		   source->size, lag(pipeline));
	*next_ms = clock_ms() + every;
}

/* What is left when time is up and all threads have ended.  A file can be read
 * again; a pipe cannot. */
static bool give_up(const struct pipeline *pipeline, struct error *err)
{
	size_t records = 0;
	size_t doubtful = 0;
	char doubt[80] = "";

	*err = ERROR_INIT;
	for (const struct load *load = pipeline->unacked; load;
	     load = load->next)
		*(load->state == LOAD_IN_DOUBT ? &doubtful : &records) +=
			load->batch.record_count;
	if (pipeline->parts.source->replayable || records + doubtful == 0)
		return true;
	if (doubtful)
		snprintf(doubt, sizeof doubt,
			 "; %zu more may or may not be committed", doubtful);
	return error_set(err, ERROR_FATAL, STATUS_DATABASE,
			 "stopped before %s%zu records read from %s could be "
			 "committed; they are lost unless their producer sends "
			 "them again%s",
			 pipeline->ended ? "" : "at least ", records,
			 pipeline->parts.source->name, doubt);
}

/* Whether this thread must act: nothing is being sent, and something has failed
 * or the source wants to settle.  Under the lock. */
static bool is_treatable(struct pipeline *pipeline)
{
	if (pipeline->settling && !pipeline->failed && pipeline->unacked &&
	    clock_ms() >= pipeline->settle_deadline_ms) {
		error_set(&pipeline->failure, ERROR_TRANSIENT, STATUS_DATABASE,
			  "partitions were given up before their batches were "
			  "committed");
		pipeline->failed = true;
		pthread_cond_broadcast(&pipeline->changed);
	}
	return pipeline->sending == 0 &&
	       (pipeline->failed || (pipeline->settling && !pipeline->unacked));
}

/* Until the source has ended and everything is committed, or time is up.  The
 * lock is held before and after. */
static bool watch(struct pipeline *pipeline, struct error *err)
{
	int64_t next_show = clock_ms() + pipeline->parts.settings->progress_ms;

	for (;;) {
		bool ok = true;

		pipeline_note_stop(pipeline);
		if (is_treatable(pipeline)) {
			bool settle = pipeline->settling &&
				      !(pipeline->failed &&
					pipeline->parts.source->patient);

			pthread_mutex_unlock(&pipeline->lock);
			ok = settle ? pipeline_settle(pipeline, err)
				    : pipeline_recover(pipeline, err);
			pthread_mutex_lock(&pipeline->lock);
			if (ok)
				continue;
		}
		if (is_out_of_time(pipeline)) {
			pipeline->given_up = true;
			return false;
		}
		if (!ok)
			return false;
		if (pipeline->ended && !pipeline->unacked)
			break;
		show(pipeline, &next_show);
		pthread_mutex_unlock(&pipeline->lock);
		pipeline_report(pipeline);
		pthread_mutex_lock(&pipeline->lock);
		pipeline_wait(pipeline, TICK_MS);
	}
	if (pipeline->read_error.kind == ERROR_NONE)
		return true;
	*err = pipeline->read_error;
	return false;
}

/* What the reader has filled meanwhile is sent if the part stands at its
 * start. */
static bool claim(struct pipeline *pipeline, struct error *err)
{
	const struct pipeline_parts *parts = &pipeline->parts;
	const struct position *part = pipeline->positions->item;

	if (!parts->claim(parts->claim_context, err))
		return false;
	if (!part->mine)
		pipeline_forget(pipeline);
	if (part->next_offset == 0)
		return true;
	if (!pipeline_rewind(pipeline, err))
		return false;
	pipeline_read_on(pipeline);
	return true;
}

/* Sends what the reader fills, until there is no more. */
static bool send_all(struct pipeline *pipeline, struct error *err)
{
	size_t count = (size_t)pipeline->parts.settings->connections;
	pthread_t *sender = mem_zalloc(count, sizeof *sender);
	bool ok;

	if (pipeline->parts.source->size >= 0)
		stats_begin(pipeline->parts.stats,
			    pipeline->positions->item[0].next_offset);
	for (size_t i = 0; i < count; i++)
		sender[i] = start(pipeline_send, pipeline);
	pthread_mutex_lock(&pipeline->lock);
	ok = watch(pipeline, err);
	pthread_mutex_unlock(&pipeline->lock);
	quit(pipeline);
	for (size_t i = 0; i < count; i++)
		pthread_join(sender[i], NULL);
	free(sender);
	return ok;
}

bool pipeline_run(const struct pipeline_parts *parts, struct error *err)
{
	struct pipeline pipeline;
	pthread_t reader;
	bool ok;

	init(&pipeline, parts);
	reader = start(pipeline_read, &pipeline);
	ok = (!parts->claim || claim(&pipeline, err)) &&
	     send_all(&pipeline, err);
	quit(&pipeline);
	pthread_join(reader, NULL);
	if (pipeline.given_up)
		ok = give_up(&pipeline, err);
	pipeline_report(&pipeline);
	release(&pipeline);
	return ok;
}
