/*
 * watch.h - pass after pass, whenever there is something new
 *
 * Loaders notify with their commit; notifications that come during a pass are
 * one more pass.  Now and then it looks without being told, for writers that
 * do not notify.  A changed file of the project is read within seconds; one
 * with a mistake is told once, and the project goes on as it was.  A database
 * that goes away is waited for.  Only a signal ends it.
 */
#ifndef AGGREGATE_WATCH_H
#define AGGREGATE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/run.h"

struct watch_settings {
	int64_t lag_ms;           /* of models that do not say */
	int64_t poll_ms;          /* between looks */
	const char *folder;       /* of the project's files */
	const char *metrics_file; /* written every 15 s; "": none */
	/* Replaces run->tasks by what the files say now; with an error all
	 * stays as it was. */
	bool (*reload)(void *arg, struct run *run, struct error *err);
	void *arg;
};

/* True: it was asked to stop.  False: the database refuses something that
 * waiting does not heal. */
bool watch_run(struct run *run, const struct watch_settings *settings,
	       struct error *err) MUST_CHECK;

#endif
