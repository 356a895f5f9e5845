/* Parts that come and go: settling, leaving, coming back. */
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/pipeline_parts.h"

enum { STEP_MS = 20 };

void pipeline_hold(struct pipeline *pipeline)
{
	pthread_mutex_lock(&pipeline->lock);
	if (!pipeline->hold) {
		pipeline->hold = true;
		pipeline->held = false;
		pthread_cond_broadcast(&pipeline->changed);
	}
	while (!pipeline->held)
		pipeline_wait(pipeline, STEP_MS);
	pthread_mutex_unlock(&pipeline->lock);
}

/* The reader and the senders stand where the positions do.  Under the lock,
 * with the reader parked. */
static void follow_positions(struct pipeline *pipeline)
{
	size_t count = pipeline->positions->count;

	while (pipeline->unacked) {
		pipeline->parts.stats->dropped += pipeline->unacked->records;
		pipeline_drop(pipeline, pipeline->unacked);
	}
	pipeline->sealed =
		mem_realloc(pipeline->sealed, (count + 1) * sizeof(int64_t));
	pipeline->expected =
		mem_realloc(pipeline->expected, (count + 1) * sizeof(int64_t));
	for (size_t i = 0; i < count; i++)
		pipeline->sealed[i] = pipeline->expected[i] =
			pipeline->positions->item[i].next_offset;
	pipeline->turn = pipeline->next_sequence;
	pipeline->failed = false;
}

bool pipeline_rewind(struct pipeline *pipeline, struct error *err)
{
	const struct position *item = pipeline->positions->item;

	pipeline_hold(pipeline);
	for (size_t i = 0; i < pipeline->positions->count; i++)
		if (!source_rewind(pipeline->parts.source, (int)i,
				   item[i].next_offset, err))
			return false;
	pthread_mutex_lock(&pipeline->lock);
	follow_positions(pipeline);
	pthread_mutex_unlock(&pipeline->lock);
	return true;
}

void pipeline_read_on(struct pipeline *pipeline)
{
	pthread_mutex_lock(&pipeline->lock);
	follow_positions(pipeline);
	pipeline->hold = false;
	pipeline->settling = false;
	pipeline->ended = false;
	pipeline->read_error = ERROR_INIT;
	pthread_cond_broadcast(&pipeline->changed);
	pthread_mutex_unlock(&pipeline->lock);
}

void pipeline_forget(struct pipeline *pipeline)
{
	pipeline_hold(pipeline);
	pthread_mutex_lock(&pipeline->lock);
	follow_positions(pipeline);
	pipeline->ended = true;
	pipeline->read_error = ERROR_INIT;
	pthread_mutex_unlock(&pipeline->lock);
}

void pipeline_leave(struct pipeline *pipeline)
{
	log_line(LOG_WARNING,
		 "PostgreSQL has been out of reach for %lld s; leaving so that "
		 "others can take over",
		 (long long)(clock_ms() - pipeline->outage_ms) / 1000);
	pipeline_hold(pipeline);
	source_leave(pipeline->parts.source);
	pipeline->left = true;
}

bool pipeline_rejoin(struct pipeline *pipeline, struct error *err)
{
	pipeline_hold(pipeline);
	if (!source_rejoin(pipeline->parts.source, err))
		return false;
	pipeline->left = false;
	pipeline->outage_ms = 0;
	pipeline_read_on(pipeline);
	return true;
}

static bool settle_step(struct pipeline *pipeline, int unused,
			struct error *err)
{
	(void)unused;
	return source_settle(pipeline->parts.source, *pipeline->parts.control,
			     err);
}

bool pipeline_settle(struct pipeline *pipeline, struct error *err)
{
	struct source *source = pipeline->parts.source;
	bool ok = source->needs_database
			  ? pipeline_insist(pipeline, settle_step, 0, err)
			  : source_settle(source, NULL, err);

	if (!ok)
		return false;
	*err = ERROR_INIT;
	if (pipeline->left)
		return pipeline_rejoin(pipeline, err);
	pipeline->outage_ms = 0;
	pthread_mutex_lock(&pipeline->lock);
	follow_positions(pipeline);
	pipeline->settling = false;
	pthread_cond_broadcast(&pipeline->changed);
	pthread_mutex_unlock(&pipeline->lock);
	return true;
}
