#include "aggregate/watch.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#include "aggregate/crew.h"
#include "aggregate/metrics.h"
#include "aggregate/pace.h"
#include "aggregate/stamp.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

enum {
	FILES_MS = 1000, /* between looks at the files */
	ROW_MS = 60000,  /* what one row of millrace.run tells of */
	TIDY_MS = 5000,  /* between tidyings */
	METRICS_MS = 15000,
	QUICK_MS = 10000,
	FIRST_WAIT_MS = 100,
	MOST_WAIT_MS = 5000,
};

struct watch {
	struct run *run;
	const struct watch_settings *settings;
	struct pace *pace;
	uint64_t stamp;
	int listener;   /* the session that listens; 0: none */
	bool has_news;  /* somebody has notified, or might have */
	bool is_untidy; /* models have run since the last tidying */
	int64_t looked_ms, files_ms, tidied_ms, row_ms;
	int64_t took_ms;     /* the last pass */
	int64_t measured_ms; /* when the metrics are due again */
};

/* Look now: a file may have changed, or the operator knows more than we do. */
static atomic_bool hung_up;

static void on_hangup(int number)
{
	(void)number;
	hung_up = true;
}

/* --- the row of the log --------------------------------------------------- */

/* Ends the row that the passes of the last minute have shared. */
static bool end_row(struct watch *watch, bool ok, struct error *err)
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

/* --- the connection ------------------------------------------------------- */

static bool listen(struct watch *watch, struct error *err)
{
	struct run *run = watch->run;

	if (watch->listener == PQbackendPID(pg_raw(run->pg)))
		return true;
	if (!pg_run(run->pg, QUICK_MS, err, "listen millrace"))
		return false;
	watch->listener = PQbackendPID(pg_raw(run->pg));
	watch->has_news = true; /* from before */
	return true;
}

/* Says once that it is gone, and once that it is back. */
static bool reconnect(struct watch *watch, struct error *err)
{
	struct backoff backoff = BACKOFF_INIT(FIRST_WAIT_MS, MOST_WAIT_MS, 0);
	struct run *run = watch->run;
	bool is_told = false;

	watch->listener = 0;
	while (!stop_requested()) {
		pg_close(run->pg);
		run->pg = NULL;
		if (!is_told)
			log_line(LOG_WARNING,
				 "%s; waiting for the database to come back",
				 err->text);
		is_told = true;
		*err = ERROR_INIT;
		if (database_open(&run->pg, &run->database, DATABASE_READY,
				  NULL, err)) {
			struct error second = ERROR_INIT;

			log_line(LOG_INFO, "the database is back");
			/* the server may have lost the row with its last
			 * moments: what follows has one of its own */
			end_row(watch, false, &second);
			return true;
		}
		if (err->kind != ERROR_TRANSIENT || !backoff_wait(&backoff))
			break;
	}
	return stop_requested();
}

/* --- the files ------------------------------------------------------------ */

static void look_at_files(struct watch *watch)
{
	struct error err = ERROR_INIT;
	uint64_t stamp;

	if (clock_ms() < watch->files_ms + FILES_MS && !hung_up)
		return;
	watch->files_ms = clock_ms();
	stamp = stamp_of(watch->settings->folder);
	if (stamp == watch->stamp)
		return;
	watch->stamp = stamp;
	if (!watch->settings->reload(watch->settings->arg, watch->run, &err)) {
		log_line(LOG_ERROR, "%s; going on with the files as they were",
			 err.text);
		return;
	}
	pace_close(watch->pace);
	watch->pace = pace_open(watch->run->tasks, watch->settings->lag_ms);
	watch->has_news = true;
	log_line(LOG_INFO, "the files have changed, %zu models and seeds",
		 watch->run->tasks->count);
}

/* --- passes --------------------------------------------------------------- */

static bool pass(struct watch *watch, struct error *err)
{
	struct run *run = watch->run;
	int64_t began_ms = clock_ms();
	size_t done = run->done;

	watch->has_news = false;
	watch->looked_ms = began_ms;
	pace_select(watch->pace, began_ms);
	if (!run_work(run, err))
		return false;
	pace_note(watch->pace, began_ms);
	watch->took_ms = clock_ms() - began_ms;
	run->full_refresh = false;
	watch->is_untidy |= run->done > done || run->tasks->is_tick_due;
	return true;
}

/* What may be done more rarely than passes. */
static bool tidy(struct watch *watch, struct error *err)
{
	int64_t now = clock_ms();

	if (*watch->settings->metrics_file && now >= watch->measured_ms) {
		watch->measured_ms = now + METRICS_MS;
		metrics_write(watch->settings->metrics_file, watch->run,
			      watch->took_ms, watch->run->status);
	}
	if (watch->is_untidy && now >= watch->tidied_ms + TIDY_MS) {
		watch->tidied_ms = now;
		watch->is_untidy = false;
		if (!run_tidy(watch->run, err))
			return false;
	}
	if (now < watch->row_ms + ROW_MS)
		return true;
	watch->row_ms = now;
	crew_rest(watch->run->crew);
	return end_row(watch, true, err);
}

static void take_notifications(struct watch *watch)
{
	PGconn *conn = pg_raw(watch->run->pg);
	PGnotify *notification;

	while ((notification = PQnotifies(conn))) {
		watch->has_news = true;
		PQfreemem(notification);
	}
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until there is news, or something is due. */
static bool wait(struct watch *watch, struct error *err)
{
	PGconn *conn = pg_raw(watch->run->pg);
	struct pollfd fd[] = {{.fd = PQsocket(conn), .events = POLLIN},
			      {.fd = stop_fd(), .events = POLLIN}};
	int64_t until = earliest(watch->looked_ms + watch->settings->poll_ms,
				 pace_next(watch->pace));
	int64_t left;

	take_notifications(watch);
	if (watch->has_news)
		return true;
	left = earliest(until, watch->files_ms + FILES_MS) - clock_ms();
	if (left > 0)
		poll(fd, 2, (int)left);
	if (!PQconsumeInput(conn) || PQstatus(conn) != CONNECTION_OK) {
		error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			  "the connection to PostgreSQL is lost");
		err->lost = true;
		return false;
	}
	take_notifications(watch);
	watch->has_news |= clock_ms() >= until || hung_up;
	return true;
}

static bool turn(struct watch *watch, struct error *err)
{
	if (!listen(watch, err))
		return false;
	look_at_files(watch);
	hung_up = false;
	if (watch->has_news && !pass(watch, err))
		return false;
	return stop_requested() || (tidy(watch, err) && wait(watch, err));
}

/* What is done stays done, whether or not the log hears of the end. */
static bool leave(struct watch *watch, bool ok, struct error *err)
{
	const struct run *run = watch->run;
	struct error unheard = ERROR_INIT;

	if (!run->pg || !pg_is_usable(run->pg))
		return ok;
	if (!ok)
		return end_row(watch, false, err);
	if (!end_row(watch, true, &unheard))
		log_line(LOG_WARNING, "millrace.run is not told of the end: %s",
			 unheard.text);
	return true;
}

bool watch_run(struct run *run, const struct watch_settings *settings,
	       struct error *err)
{
	struct sigaction hangup = {.sa_handler = on_hangup};
	struct watch watch = {
		.run = run,
		.settings = settings,
		.pace = pace_open(run->tasks, settings->lag_ms),
		.stamp = stamp_of(settings->folder),
		.has_news = true,
		.files_ms = clock_ms(),
		.row_ms = clock_ms(),
	};
	bool ok = true;

	run->is_terse = true;
	/* without a terminal, nobody has hung up: it is the way to say `now` */
	if (!log_is_terminal())
		sigaction(SIGHUP, &hangup, NULL);
	log_line(LOG_INFO, "watching %zu models and seeds", run->tasks->count);
	while (ok && !stop_requested()) {
		ok = turn(&watch, err);
		if (!ok && (err->lost || err->kind == ERROR_TRANSIENT))
			ok = reconnect(&watch, err);
	}
	ok = leave(&watch, ok, err);
	run->status = STATUS_DONE;
	pace_close(watch.pace);
	return ok;
}
