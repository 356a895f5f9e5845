#include "ingest/upkeep.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/drift_store.h"
#include "ingest/observer.h"
#include "ingest/sink.h"

enum {
	FLUSH_S = 30,
	HOUR_MS = 3600 * 1000,
	CONNECT_MS = 2000,
	HURRIED_MS = 300, /* when asked to stop */
	ANSWER_MS = 5000
};

struct upkeep {
	const struct sink_plan *plan;
	struct observer *observer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool quit;
	int64_t due_ms; /* when the hourly work is due */
};

/* The partitions of the coming days; and the rows of our pipes look alive to
 * those who sweep, also after a night without a record. */
static bool do_hourly(struct pg *pg, const struct sink_plan *plan,
		      struct error *err)
{
	if (pg_runf(pg, ANSWER_MS, err,
		    "begin; set local role millrace_ingest; "
		    "set local lock_timeout = '2s'; "
		    "set local statement_timeout = '4s'; "
		    "select millrace.ensure_partitions(); commit; "
		    "begin; set local role millrace_ingest; "
		    "set local lock_timeout = '2s'; "
		    "update millrace.position set updated_at = now() "
		    "where source like 'pipe:%%' "
		    "and 'handle-streams ' || owner = '%s'; commit",
		    plan->application))
		return true;
	pg_rollback(pg);
	return false;
}

/* Nothing here is worth keeping a service manager waiting for a server that is
 * not there. */
static bool connect(struct pg **pg, const struct sink_plan *plan,
		    struct error *err)
{
	if (stop_requested())
		return pg_open(pg, plan->dsn, plan->application, HURRIED_MS,
			       err);
	return pg_open_unless_stopped(pg, plan->dsn, plan->application,
				      CONNECT_MS, err);
}

static void work(struct upkeep *upkeep)
{
	bool due = clock_ms() >= upkeep->due_ms;
	struct drift drift = DRIFT_INIT;
	bool found = observer_take(upkeep->observer, &drift);
	struct error err = ERROR_INIT;
	struct pg *pg = NULL;

	if (!due && !found)
		return;
	if (!connect(&pg, upkeep->plan, &err))
		goto out;
	if (due && do_hourly(pg, upkeep->plan, &err))
		upkeep->due_ms = clock_ms() + HOUR_MS;
	if (found && pg_is_usable(pg) && !drift_store_write(pg, &drift, &err))
		log_line(LOG_DEBUG, "upkeep: a sample of drift is lost");
out:
	if (err.kind != ERROR_NONE)
		log_line(LOG_DEBUG, "upkeep: %s; later", err.text);
	pg_close(pg);
	drift_release(&drift);
}

static void *run(void *context)
{
	struct upkeep *upkeep = context;
	struct timespec until = clock_after(0);

	pthread_mutex_lock(&upkeep->lock);
	while (!upkeep->quit) {
		until.tv_sec += FLUSH_S;
		while (!upkeep->quit &&
		       pthread_cond_clockwait(&upkeep->changed, &upkeep->lock,
					      CLOCK_MONOTONIC, &until) == 0)
			continue;
		pthread_mutex_unlock(&upkeep->lock);
		work(upkeep);
		pthread_mutex_lock(&upkeep->lock);
	}
	pthread_mutex_unlock(&upkeep->lock);
	return NULL;
}

struct upkeep *upkeep_start(const struct sink_plan *plan,
			    struct observer *observer)
{
	struct upkeep *upkeep = mem_zalloc(1, sizeof *upkeep);

	upkeep->plan = plan;
	upkeep->observer = observer;
	upkeep->due_ms = clock_ms() + HOUR_MS;
	pthread_mutex_init(&upkeep->lock, NULL);
	pthread_cond_init(&upkeep->changed, NULL);
	if (pthread_create(&upkeep->thread, NULL, run, upkeep) != 0)
		abort();
	return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
	if (!upkeep)
		return;
	pthread_mutex_lock(&upkeep->lock);
	upkeep->quit = true;
	pthread_cond_broadcast(&upkeep->changed);
	pthread_mutex_unlock(&upkeep->lock);
	pthread_join(upkeep->thread, NULL);
	pthread_cond_destroy(&upkeep->changed);
	pthread_mutex_destroy(&upkeep->lock);
	free(upkeep);
}
