#include "ingest/monitor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/exposition.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/notify.h"
#include "common/stop.h"

enum { LOOK_MS = 100, STATUS_MS = 5000, DEAD_MS = 180000 };

struct monitor {
	struct monitor_plan plan;
	struct monitor_http *http; /* NULL: nobody can ask */
	int64_t watchdog_ms;       /* 0: no watchdog */
	int64_t shown_ms;          /* the caller's */
	int64_t fed_ms, told_ms;
	bool is_told_ready, is_told_stopping;

	pthread_mutex_t lock;
	struct monitor_view view;
	int64_t alive_ms;
};

/* --- the view ------------------------------------------------------------- */

bool monitor_is_due(const struct monitor *monitor)
{
	return clock_ms() - monitor->shown_ms >= LOOK_MS;
}

static void forget_parts(struct monitor_view *view)
{
	for (size_t i = 0; i < view->part_count; i++)
		free((char *)(uintptr_t)view->part[i].marks.topic);
	view->part_count = 0;
}

void monitor_add_part(struct monitor_view *view,
		      const struct source_marks *marks, int64_t committed)
{
	struct monitor_part *part;

	MEM_GROW(view->part, view->part_count, view->part_capacity);
	part = &view->part[view->part_count++];
	*part = (struct monitor_part){.marks = *marks, .committed = committed};
	part->marks.topic = mem_strdup(marks->topic);
}

struct monitor_view *monitor_begin(struct monitor *monitor)
{
	pthread_mutex_lock(&monitor->lock);
	forget_parts(&monitor->view);
	return &monitor->view;
}

/* --- the service manager -------------------------------------------------- */

static int64_t lag(const struct monitor_view *view)
{
	int64_t sum = 0;

	for (size_t i = 0; i < view->part_count; i++)
		if (view->part[i].marks.high > view->part[i].committed)
			sum += view->part[i].marks.high -
			       view->part[i].committed;
	return sum;
}

/* Copied out, so that no datagram is sent under the lock. */
static void compose_status(const struct monitor_view *view, char *text,
			   size_t size)
{
	char behind[48] = "";

	if (view->part_count)
		snprintf(behind, sizeof behind, "lag %" PRId64 " records, ",
			 lag(view));
	snprintf(text, size, "STATUS=%s%s%" PRIu64 " rows, %" PRIu64 " rejects",
		 view->has_outage ? "PostgreSQL is out of reach, " : "", behind,
		 view->stats.rows, view->stats.rejects);
}

static void tell_manager(struct monitor *monitor, bool is_alive,
			 bool is_stopping, const char *status)
{
	int64_t now = clock_ms();

	if (!notify_is_wanted())
		return;
	if (!monitor->is_told_ready)
		notify_send("READY=1");
	monitor->is_told_ready = true;
	if (is_stopping && !monitor->is_told_stopping) {
		notify_send("STOPPING=1");
		monitor->is_told_stopping = true;
	}
	if (monitor->watchdog_ms && is_alive &&
	    now - monitor->fed_ms >= monitor->watchdog_ms) {
		notify_send("WATCHDOG=1");
		monitor->fed_ms = now;
	}
	if (now - monitor->told_ms >= STATUS_MS) {
		notify_send(status);
		monitor->told_ms = now;
	}
}

void monitor_end(struct monitor *monitor, bool is_alive)
{
	bool is_stopping = monitor->view.is_stopping;
	char status[160];

	if (is_alive)
		monitor->alive_ms = clock_ms();
	compose_status(&monitor->view, status, sizeof status);
	pthread_mutex_unlock(&monitor->lock);
	monitor->shown_ms = clock_ms();
	tell_manager(monitor, is_alive, is_stopping, status);
}

void monitor_idle(struct monitor *monitor)
{
	struct monitor_view *view;

	if (!monitor)
		return;
	view = monitor_begin(monitor);
	view->is_begun = true;
	view->is_stopping = stop_requested();
	monitor_end(monitor, true);
}

/* --- questions ------------------------------------------------------------ */

int monitor_health(struct monitor *monitor, const char **why)
{
	int64_t silent_ms;

	pthread_mutex_lock(&monitor->lock);
	silent_ms = clock_ms() - monitor->alive_ms;
	pthread_mutex_unlock(&monitor->lock);
	*why = silent_ms < DEAD_MS ? "ok\n" : "nothing has moved for minutes\n";
	return silent_ms < DEAD_MS ? 200 : 503;
}

int monitor_ready(struct monitor *monitor, const char **why)
{
	const struct monitor_view *view = &monitor->view;

	pthread_mutex_lock(&monitor->lock);
	*why = !view->is_begun     ? "starting\n"
	       : view->is_stopping ? "stopping\n"
	       : view->has_outage  ? "PostgreSQL is out of reach\n"
				   : NULL;
	pthread_mutex_unlock(&monitor->lock);
	if (*why)
		return 503;
	return monitor_health(monitor, why);
}

void monitor_metrics(struct monitor *monitor, struct buf *out)
{
	pthread_mutex_lock(&monitor->lock);
	monitor_text(out, &monitor->view, monitor->plan.sink);
	pthread_mutex_unlock(&monitor->lock);
}

/* --- life ----------------------------------------------------------------- */

bool monitor_open(struct monitor **out, const struct monitor_plan *plan,
		  struct error *err)
{
	struct monitor *monitor;

	*out = NULL;
	if (!*plan->listen && !*plan->file && !notify_is_wanted())
		return true;
	monitor = mem_zalloc(1, sizeof *monitor);
	monitor->plan = *plan;
	monitor->watchdog_ms = notify_watchdog_ms();
	monitor->alive_ms = clock_ms();
	monitor->view.started_us = clock_unix_us();
	pthread_mutex_init(&monitor->lock, NULL);
	*out = monitor;
	return !*plan->listen ||
	       monitor_http_start(&monitor->http, monitor, plan->listen, err);
}

void monitor_close(struct monitor *monitor)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (!monitor)
		return;
	monitor_http_stop(monitor->http);
	if (*monitor->plan.file) {
		monitor_metrics(monitor, &text);
		if (!exposition_write(&text, monitor->plan.file, &err))
			log_line(LOG_WARNING, "%s", err.text);
	}
	forget_parts(&monitor->view);
	stats_release(&monitor->view.stats);
	free(monitor->view.part);
	buf_release(&text);
	pthread_mutex_destroy(&monitor->lock);
	free(monitor);
}
