#include <inttypes.h>

#include "aggregate/crew.h"
#include "aggregate/metrics.h"
#include "aggregate/watch_parts.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	ROW_MS = 60000, /* what one row of millrace.run tells of */
	ROWS_AT_MOST = 10,
	TIDY_MS = 5000, /* between tidyings */
	METRICS_MS = 15000,
};

bool watch_halt(struct watch *watch, struct error *err)
{
	bool ok = rolling_stop(&watch->rolling, err);

	watch->has_news |= watch->rolling.has_news;
	return ok;
}

bool watch_end_row(struct watch *watch, bool ok, struct error *err)
{
	struct run *run = watch->run;

	if (!run->run_id)
		return ok;
	ok = run_finish(run, ok, err);
	log_line(LOG_INFO,
		 "%zu model runs, %zu failed, %zu skipped, %zu busy elsewhere; "
		 "+%" PRId64 " -%" PRId64 " rows, %zu %s written",
		 run->done, run->failed, run->skipped, run->locked,
		 run->inserted, run->deleted, run->exported,
		 run->exported == 1 ? "file" : "files");
	run->run_id = 0;
	run->status = STATUS_DONE;
	run->done = run->failed = run->skipped = run->locked = 0;
	run->exported = 0;
	run->inserted = run->deleted = 0;
	return ok;
}

/* Nobody begins to work on what is tidied. */
static bool tidy_beside(struct watch *watch, struct error *err)
{
	bool ok;

	if (!watch->rolling.is_on)
		return run_tidy(watch->run, err);
	crew_hold(watch->run->crew, true);
	ok = run_tidy(watch->run, err);
	crew_hold(watch->run->crew, false);
	return ok;
}

/* A row ends while nobody works, who would log into it.  Where there is no such
 * moment in ten minutes, one is made. */
static bool is_row_over(const struct watch *watch, int64_t now)
{
	struct run *run = watch->run;
	int64_t age_ms = now - watch->row_ms;
	bool is_over;

	if (age_ms < ROW_MS || !watch->rolling.is_on)
		return age_ms >= ROW_MS;
	run_lock(run);
	is_over = age_ms >= (int64_t)ROWS_AT_MOST * ROW_MS ||
		  crew_busy(run->crew) == 0;
	run_unlock(run);
	return is_over;
}

/* Those who help keep their connections while there is something to do. */
static bool next_row(struct watch *watch, int64_t now, struct error *err)
{
	bool is_quiet = !watch->rolling.is_on ||
			(!watch->is_resting && now > watch->worked_ms + ROW_MS);

	watch->row_ms = now;
	if ((is_quiet || !rolling_is_idle(&watch->rolling)) &&
	    !watch_halt(watch, err))
		return false;
	if (is_quiet)
		crew_rest(watch->run->crew);
	watch->is_resting |= is_quiet;
	return watch_end_row(watch, true, err);
}

static void measure(struct watch *watch)
{
	struct run *run = watch->run;
	int64_t took_ms = watch->rolling.took_ms ? watch->rolling.took_ms
						 : watch->took_ms;
	enum exit_status status;

	run_lock(run);
	status = run->status;
	run_unlock(run);
	metrics_write(watch->settings->metrics_file, run, took_ms, status);
	watch->rolling.took_ms = 0;
}

bool watch_tidy(struct watch *watch, struct error *err)
{
	int64_t now = clock_ms();

	if (*watch->settings->metrics_file && now >= watch->measured_ms) {
		watch->measured_ms = now + METRICS_MS;
		measure(watch);
	}
	if (watch->is_untidy && now >= watch->tidied_ms + TIDY_MS) {
		watch->tidied_ms = now;
		watch->is_untidy = false;
		if (!tidy_beside(watch, err))
			return false;
	}
	return !is_row_over(watch, now) || next_row(watch, now, err);
}
