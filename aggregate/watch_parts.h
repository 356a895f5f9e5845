/*
 * watch_parts.h - what the files of a watch share
 */
#ifndef AGGREGATE_WATCH_PARTS_H
#define AGGREGATE_WATCH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/rolling.h"
#include "aggregate/watch.h"

struct watch {
	struct run *run;
	const struct watch_settings *settings;
	struct pace *pace;
	struct rolling rolling;
	uint64_t stamp;
	int listener;    /* the session that listens; 0: none */
	bool has_news;   /* somebody has notified, or might have */
	bool is_untidy;  /* models have run since the last tidying */
	bool is_resting; /* nobody has since those who help went home */
	int64_t looked_ms, files_ms, tidied_ms, row_ms;
	int64_t worked_ms;   /* when a model has last run */
	int64_t took_ms;     /* the last pass */
	int64_t measured_ms; /* when the metrics are due again */
};

/* Waits for those who work.  False: as rolling_stop. */
bool watch_halt(struct watch *watch, struct error *err) MUST_CHECK;

/* Ends the row that all of the last minute have shared. */
bool watch_end_row(struct watch *watch, bool ok, struct error *err);

/* What may be done more rarely than looking: metrics, old versions, rows. */
bool watch_tidy(struct watch *watch, struct error *err) MUST_CHECK;

#endif
