/*
 * load_watch.h - who looks after a load that may take hours
 *
 * Beside a whole load, from before its input is looked at to its end, a thread
 * shows the monitor how far it is, and once the program is asked to stop gives
 * PostgreSQL no more than --shutdown-timeout.  While it runs, the statistics
 * of the run are changed under its lock.
 */
#ifndef INGEST_LOAD_WATCH_H
#define INGEST_LOAD_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct monitor;
struct stats;

struct load_watch {
	struct monitor *monitor; /* NULL: nobody looks */
	const struct stats *stats;
	int64_t shutdown_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool quit;
	bool has_outage;    /* failures since the last try that began */
	uint64_t read;      /* records that are not in the statistics yet */
	uint64_t in_flight; /* of them those of this try */
	uint64_t bytes;     /* memory of the batch that is being sent */
};

void load_watch_start(struct load_watch *watch, struct monitor *monitor,
		      const struct stats *stats, int64_t shutdown_ms);
void load_watch_stop(struct load_watch *watch);

void load_watch_lock(struct load_watch *watch);
void load_watch_unlock(struct load_watch *watch);

#endif
