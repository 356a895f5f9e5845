/* The sending threads: filled loads -> PostgreSQL. */
#include "common/clock.h"
#include "common/fault.h"
#include "ingest/pipeline_parts.h"

/* The first load that is ready; NULL when the thread must leave. */
static struct load *take_ready(struct pipeline *pipeline)
{
	struct load *found = NULL;

	pthread_mutex_lock(&pipeline->lock);
	while (!pipeline->quit) {
		for (found = pipeline->unacked;
		     found && found->state != LOAD_READY;)
			found = found->next;
		if (found && !pipeline->failed)
			break;
		found = NULL;
		pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	}
	if (found) {
		found->state = LOAD_SENDING;
		pipeline->sending++;
	}
	pthread_mutex_unlock(&pipeline->lock);
	return found;
}

/* Waits until every load before this one has been committed. */
static bool wait_turn(void *context, const struct load *load, bool *durable)
{
	struct pipeline *pipeline = context;
	const struct source *source = pipeline->parts.source;
	uint64_t mine = load->batch.sequence;
	/* a group of processes would part and meet again after every crash */
	bool lags = source->replayable && !source_changes(source);
	bool now;

	*durable = true;
	if (mutant("no-order"))
		return true;
	pthread_mutex_lock(&pipeline->lock);
	while (pipeline->turn < mine && !pipeline->failed && !pipeline->quit)
		pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	now = pipeline->turn == mine && !pipeline->quit;
	*durable = !load->next || !lags;
	pthread_mutex_unlock(&pipeline->lock);
	return now;
}

/* Under the lock. */
static void committed(struct pipeline *pipeline, struct load *load)
{
	const struct batch *batch = &load->batch;

	for (size_t i = 0; i < batch->range_count; i++)
		pipeline->positions->item[batch->range[i].part].next_offset =
			batch->range[i].to;
	stats_commit(pipeline->parts.stats, batch);
	pipeline->turn = batch->sequence + 1;
	backoff_reset(&pipeline->backoff);
	pipeline->outage_ms = 0;
	source_committed(pipeline->parts.source);
	pipeline_drop(pipeline, load);
}

/* Under the lock. */
static void failed(struct pipeline *pipeline, struct load *load,
		   enum sink_result result, const struct error *err)
{
	uint64_t sequence = load->batch.sequence;

	load->state = result == SINK_IN_DOUBT ? LOAD_IN_DOUBT : LOAD_READY;
	if (!pipeline->failed || sequence < pipeline->failure_sequence) {
		pipeline->failure = *err;
		pipeline->failure_sequence = sequence;
	}
	if (!pipeline->failed) /* those that follow it say nothing new */
		stats_error(pipeline->parts.stats, err);
	pipeline->failed = true;
}

void *pipeline_send(void *context)
{
	struct pipeline *pipeline = context;
	struct sink sink = {.plan = pipeline->parts.plan,
			    .repeatable = pipeline->parts.source->replayable};
	struct sink_turn turn = {wait_turn, pipeline};
	struct load *load;

	while ((load = take_ready(pipeline)) != NULL) {
		struct error err = ERROR_INIT;
		int64_t begun_ms = clock_ms();
		enum sink_result result = sink_send(
			&sink, load, pipeline->positions, &turn, &err);

		pthread_mutex_lock(&pipeline->lock);
		pipeline->moved_ms = clock_ms();
		if (result == SINK_COMMITTED) {
			stats_flush(pipeline->parts.stats,
				    pipeline->moved_ms - begun_ms);
			committed(pipeline, load);
		} else {
			failed(pipeline, load, result, &err);
		}
		pipeline->parts.stats->ties += sink.ties;
		sink.ties = 0;
		pipeline->sending--;
		pthread_cond_broadcast(&pipeline->changed);
		pthread_mutex_unlock(&pipeline->lock);
	}
	sink_close(&sink);
	return NULL;
}
