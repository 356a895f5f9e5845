/*
 * monitor.h - what others see of a running handle-streams
 *
 * The pipeline shows ten times a second how it goes; from that a thread of its
 * own answers HTTP (/metrics, /healthz, /readyz), and the service manager is
 * told READY, STATUS and WATCHDOG.  Nobody who asks can make a load wait, and
 * what they are given is one moment: the outcomes in it add up to what was
 * consumed.
 *
 * Never in it: row content, error text, connection strings.
 */
#ifndef INGEST_MONITOR_H
#define INGEST_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/sink.h"
#include "ingest/stats.h"

struct buf;
struct monitor;

/* A partition, or a file. */
struct monitor_part {
	struct source_marks marks; /* topic is a copy */
	int64_t committed;
};

/* One moment of a run. */
struct monitor_view {
	int64_t started_us; /* clock_unix_us */
	struct stats stats; /* its streams are a copy */
	uint64_t records_in_flight;
	uint64_t bytes_in_flight;
	uint64_t batches_in_flight;
	bool is_begun;    /* an input is being loaded */
	bool has_outage;  /* failures and no commit since */
	bool is_stopping; /* asked to */
	struct monitor_part *part;
	size_t part_count, part_capacity;
};

struct monitor_plan {
	const char *listen;           /* as endpoint.h takes it; "": nowhere */
	const char *file;             /* written at the end; "": none */
	const struct sink_plan *sink; /* borrowed; filled in later */
};

/* Starts listening.  *out is NULL when nobody wants to know anything. */
bool monitor_open(struct monitor **out, const struct monitor_plan *plan,
		  struct error *err) MUST_CHECK;

/* Writes the file and ends the thread.  NULL is allowed. */
void monitor_close(struct monitor *monitor);

/* Whether enough time has passed for another look. */
bool monitor_is_due(const struct monitor *monitor);

/* The view, to be filled in; monitor_end shows it.  is_alive: nothing has
 * stood still for longer than anything is waited for. */
struct monitor_view *monitor_begin(struct monitor *monitor);
void monitor_end(struct monitor *monitor, bool is_alive);

/* Ready, and waiting for the first input.  NULL is allowed. */
void monitor_idle(struct monitor *monitor);

/* Adds a partition to the view. */
void monitor_add_part(struct monitor_view *view,
		      const struct source_marks *marks, int64_t committed);

/* --- private to monitor*.c ------------------------------------------------ */

/* The text of /metrics. */
void monitor_text(struct buf *out, const struct monitor_view *view,
		  const struct sink_plan *sink);

/* What a probe is answered: 200 or 503, and why in a few words. */
int monitor_health(struct monitor *monitor, const char **why);
int monitor_ready(struct monitor *monitor, const char **why);
void monitor_metrics(struct monitor *monitor, struct buf *out);

struct monitor_http;
bool monitor_http_start(struct monitor_http **out, struct monitor *monitor,
			const char *listen, struct error *err) MUST_CHECK;
void monitor_http_stop(struct monitor_http *http);

#endif
