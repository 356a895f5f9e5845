/* What the monitor is shown of a pipeline. */
#include "common/clock.h"
#include "common/stop.h"
#include "ingest/monitor.h"
#include "ingest/pipeline_parts.h"

/* Every wait ends within one of the timeouts; twice the longest of them
 * without a load having moved is a standstill. */
static bool is_alive(const struct pipeline *pipeline)
{
	const struct sink_plan *plan = pipeline->parts.plan;

	return !pipeline->unacked || pipeline->failed ||
	       clock_ms() - pipeline->moved_ms <
		       2 * (plan->statement_ms + plan->answer_ms +
			    plan->connect_ms);
}

/* Under the lock. */
static void look_at_loads(const struct pipeline *pipeline,
			  struct monitor_view *view)
{
	view->records_in_flight = 0;
	view->bytes_in_flight = 0;
	view->batches_in_flight = 0;
	for (const struct load *load = pipeline->unacked; load;
	     load = load->next) {
		view->records_in_flight += load->records;
		view->bytes_in_flight += batch_bytes(&load->batch);
		view->batches_in_flight++;
	}
}

static void look_at_parts(const struct pipeline *pipeline,
			  struct monitor_view *view)
{
	const struct positions *positions = pipeline->positions;
	struct source_marks marks;

	for (size_t i = 0; i < positions->count; i++)
		if (source_marks(pipeline->parts.source, (int)i, &marks))
			monitor_add_part(view, &marks,
					 positions->item[i].next_offset);
}

void pipeline_report(struct pipeline *pipeline)
{
	struct monitor *monitor = pipeline->parts.monitor;
	struct monitor_view *view;
	bool alive;

	if (!monitor || (!monitor_is_due(monitor) && !pipeline->quit))
		return;
	view = monitor_begin(monitor);
	pthread_mutex_lock(&pipeline->lock);
	stats_copy(&view->stats, pipeline->parts.stats);
	look_at_loads(pipeline, view);
	look_at_parts(pipeline, view);
	view->is_begun = true;
	view->has_outage = pipeline->outage_ms != 0;
	view->is_stopping = stop_requested();
	alive = is_alive(pipeline);
	pthread_mutex_unlock(&pipeline->lock);
	monitor_end(monitor, alive);
}
