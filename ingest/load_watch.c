#include "ingest/load_watch.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/monitor.h"
#include "ingest/stats.h"

enum { TICK_MS = 100 };

void load_watch_lock(struct load_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
}

void load_watch_unlock(struct load_watch *watch)
{
	pthread_mutex_unlock(&watch->lock);
}

/* Every wait of a whole load has a deadline of its own, so it is alive. */
static void report(struct load_watch *watch)
{
	struct monitor_view *view;

	if (!watch->monitor)
		return;
	view = monitor_begin(watch->monitor);
	load_watch_lock(watch);
	stats_copy(&view->stats, watch->stats);
	view->stats.source.read += watch->read;
	view->stats.dropped += watch->read - watch->in_flight;
	view->records_in_flight = watch->in_flight;
	view->batches_in_flight = watch->in_flight != 0;
	view->bytes_in_flight = watch->in_flight ? watch->bytes : 0;
	view->has_outage = watch->has_outage;
	load_watch_unlock(watch);
	view->is_begun = true;
	view->is_stopping = stop_requested();
	monitor_end(watch->monitor, true);
}

/* Whether it is time to leave. */
static bool tick(struct load_watch *watch)
{
	const struct timespec until = clock_after(TICK_MS);
	bool quit;

	load_watch_lock(watch);
	if (!watch->quit)
		pthread_cond_clockwait(&watch->ended, &watch->lock,
				       CLOCK_MONOTONIC, &until);
	quit = watch->quit;
	load_watch_unlock(watch);
	return quit;
}

static void *run(void *context)
{
	struct load_watch *watch = context;
	bool is_stopping = false;
	bool quit = false;

	while (!quit) {
		if (!is_stopping && stop_requested()) {
			is_stopping = true;
			pg_give_up_at(clock_ms() + watch->shutdown_ms);
		}
		report(watch);
		quit = tick(watch);
	}
	return NULL;
}

void load_watch_start(struct load_watch *watch, struct monitor *monitor,
		      const struct stats *stats, int64_t shutdown_ms)
{
	*watch = (struct load_watch){
		.monitor = monitor,
		.stats = stats,
		.shutdown_ms = shutdown_ms,
	};
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->ended, NULL);
	if (pthread_create(&watch->thread, NULL, run, watch) != 0)
		abort(); /* like memory: without it nothing can go on */
}

void load_watch_stop(struct load_watch *watch)
{
	load_watch_lock(watch);
	watch->quit = true;
	pthread_cond_signal(&watch->ended);
	load_watch_unlock(watch);
	pthread_join(watch->thread, NULL);
	report(watch);
	pthread_cond_destroy(&watch->ended);
	pthread_mutex_destroy(&watch->lock);
}
