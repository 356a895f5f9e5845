/*
 * job.h - what is to run when, as pack.conf says it
 *
 * A job is a section `[job NAME]` of sql/<pack>/pack.conf or of
 * config/periodic.conf: a selection, how often to try again, whom to tell.  It
 * is started by cron, systemd or a person; nothing here waits for a time of
 * day.
 */
#ifndef AGGREGATE_JOB_H
#define AGGREGATE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/settings.h"

struct job {
	const char *name;
	const char *file;
	int line;
	struct setting_list select; /* of a pack's job: the pack, if not said */
	struct setting_list exclude;
	struct setting_list calendar; /* systemd's OnCalendar expressions */
	int64_t retries;              /* of what has failed */
	int64_t retry_delay_ms;
	int64_t timeout_ms;     /* of all attempts together; 0: none */
	int64_t sla_ms;         /* to be done by then; 0: whenever */
	const char *on_failure; /* for /bin/sh; "": nothing */
	const char *on_success;
	bool full; /* rebuilds */
};

struct jobs {
	struct job *at; /* by name */
	size_t count, capacity;
	struct arena arena;
};

#define JOBS_INIT ((struct jobs){0})

/* Reads the jobs of a project.  Errors name file, line and the nearest word. */
bool jobs_read(struct jobs *jobs, const char *home,
	       struct error *err) MUST_CHECK;
void jobs_release(struct jobs *jobs);

/* The job of that name; an error (STATUS_USAGE) with the nearest one. */
const struct job *jobs_find(const struct jobs *jobs, const char *name,
			    struct error *err);

#endif
