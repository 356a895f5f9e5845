#include "aggregate/watch.h"
#include "aggregate/watch_parts.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#include "aggregate/crew.h"
#include "aggregate/metrics.h"
#include "aggregate/pace.h"
#include "aggregate/rolling.h"
#include "aggregate/stamp.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/libpq.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"

enum {
	FILES_MS = 1000, /* between looks at the files */
	LOOK_MS = 50,    /* between looks while others work */
	QUICK_MS = 10000,
	FIRST_WAIT_MS = 100,
	MOST_WAIT_MS = 5000,
};

/* Look now: a file may have changed, or the operator knows more than we do. */
static atomic_bool hung_up;

static void on_hangup(int number)
{
	(void)number;
	hung_up = true;
}

/* --- the crew ------------------------------------------------------------- */

/* Takes over what it tells. */
static void heed(struct watch *watch)
{
	struct rolling *rolling = &watch->rolling;

	watch->has_news |= rolling->has_news;
	watch->is_untidy |=
		rolling->has_worked || watch->run->tasks->is_tick_due;
	if (rolling->has_worked) {
		watch->worked_ms = clock_ms();
		watch->is_resting = false;
	}
	rolling->has_news = rolling->has_worked = false;
}

/* While others work, loads are gathered for a moment. */
static int64_t next_look(const struct watch *watch)
{
	return rolling_is_idle(&watch->rolling) ? 0
						: watch->looked_ms + LOOK_MS;
}

static bool roll(struct watch *watch, struct error *err)
{
	bool look;

	if (!watch->rolling.is_on) {
		watch->rolling.pace = watch->pace;
		rolling_start(&watch->rolling);
		heed(watch);
	}
	look = watch->has_news && clock_ms() >= next_look(watch);
	if (look) {
		watch->has_news = false;
		watch->looked_ms = clock_ms();
	}
	if (!rolling_turn(&watch->rolling, look, err))
		return false;
	heed(watch);
	return true;
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
	struct error second = ERROR_INIT;
	bool is_told = false;

	watch->listener = 0;
	if (!watch_halt(watch, &second))
		second = ERROR_INIT; /* for the same reason */
	crew_rest(run->crew);
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
			run_use(run, run->pg);
			log_line(LOG_INFO, "the database is back");
			/* the server may have lost the row with its last
			 * moments: what follows has one of its own */
			watch_end_row(watch, false, &second);
			return true;
		}
		if (err->kind != ERROR_TRANSIENT || !backoff_wait(&backoff))
			break;
	}
	return stop_requested();
}

/* --- the files ------------------------------------------------------------ */

static bool look_at_files(struct watch *watch, struct error *err)
{
	struct error mistake = ERROR_INIT;
	uint64_t stamp;

	if (clock_ms() < watch->files_ms + FILES_MS)
		return true;
	watch->files_ms = clock_ms();
	stamp = stamp_of(watch->settings->folder);
	if (stamp == watch->stamp)
		return true;
	watch->stamp = stamp;
	if (!rolling_is_idle(&watch->rolling))
		log_line(LOG_INFO, "the files have changed; they are read when "
				   "what is being worked on is over");
	if (!watch_halt(watch, err))
		return false;
	if (!watch->settings->reload(watch->settings->arg, watch->run,
				     &mistake)) {
		log_line(LOG_ERROR, "%s; going on with the files as they were",
			 mistake.text);
		return true;
	}
	pace_close(watch->pace);
	watch->pace = pace_open(watch->run->tasks, watch->settings->lag_ms);
	watch->has_news = true;
	log_line(LOG_INFO, "the files have changed, %zu models and seeds",
		 watch->run->tasks->count);
	return true;
}

/* --- passes --------------------------------------------------------------- */

static bool pass(struct watch *watch, struct error *err)
{
	struct run *run = watch->run;
	int64_t began_ms = clock_ms();
	size_t done = run->done;

	if (!watch_halt(watch, err))
		return false;
	watch->has_news = false;
	watch->looked_ms = began_ms;
	pace_select(watch->pace, began_ms);
	if (!run_work(run, err))
		return false;
	pace_note(watch->pace, began_ms);
	watch->took_ms = clock_ms() - began_ms;
	watch->has_news |= run->has_late;
	run->full_refresh = run->has_late = false;
	watch->is_untidy |= run->done > done || run->tasks->is_tick_due;
	return true;
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

/* When somebody has to look without being told. */
static int64_t due_at(struct watch *watch)
{
	int64_t next;

	run_lock(watch->run);
	next = pace_next(watch->pace);
	run_unlock(watch->run);
	return earliest(watch->looked_ms + watch->settings->poll_ms, next);
}

/* Until there is news, or something is due, or over. */
static bool wait(struct watch *watch, struct error *err)
{
	PGconn *conn = pg_raw(watch->run->pg);
	struct pollfd fd[] = {
		{.fd = PQsocket(conn), .events = POLLIN},
		{.fd = stop_fd(), .events = POLLIN},
		{.fd = crew_fd(watch->run->crew), .events = POLLIN}};
	int64_t until = due_at(watch);
	int64_t left;

	take_notifications(watch);
	if (watch->has_news && !watch->rolling.is_on)
		return true;
	left = earliest(until, watch->files_ms + FILES_MS);
	if (watch->has_news)
		left = earliest(left, next_look(watch));
	left -= clock_ms();
	if (left > 0)
		poll(fd, watch->rolling.is_on ? 3 : 2, (int)left);
	if (!pg_is_alive(watch->run->pg)) {
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
	if (atomic_exchange(&hung_up, false)) {
		watch->has_news = true;
		watch->files_ms = clock_ms() - FILES_MS;
	}
	if (!look_at_files(watch, err))
		return false;
	if (rolling_is_possible(&watch->rolling)) {
		if (!roll(watch, err))
			return false;
	} else if (watch->has_news && !pass(watch, err)) {
		return false;
	}
	return stop_requested() || (watch_tidy(watch, err) && wait(watch, err));
}

/* What is done stays done, whether or not the log hears of the end. */
static bool leave(struct watch *watch, bool ok, struct error *err)
{
	const struct run *run = watch->run;
	struct error unheard = ERROR_INIT;

	if (!run->pg || !pg_is_usable(run->pg))
		return ok;
	if (!ok)
		return watch_end_row(watch, false, err);
	if (!watch_end_row(watch, true, &unheard))
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
		.rolling = {.run = run},
		.stamp = stamp_of(settings->folder),
		.has_news = true,
		.files_ms = clock_ms(),
		.row_ms = clock_ms(),
	};
	struct error second = ERROR_INIT;
	bool ok = true;

	run->is_terse = true;
	/* without a terminal, nobody has hung up: it is the way to say `now` */
	if (!log_is_terminal())
		sigaction(SIGHUP, &hangup, NULL);
	log_line(LOG_INFO, "watching %zu models and seeds", run->tasks->count);
	while (ok && !stop_requested()) {
		ok = turn(&watch, err);
		if (!ok)
			pg_excuse(err);
		if (!ok && (err->lost || err->kind == ERROR_TRANSIENT))
			ok = reconnect(&watch, err);
	}
	if (!watch_halt(&watch, &second))
		log_line(LOG_DEBUG, "%s", second.text); /* rolled back */
	ok = leave(&watch, ok, err);
	run->status = STATUS_DONE;
	pace_close(watch.pace);
	return ok;
}
