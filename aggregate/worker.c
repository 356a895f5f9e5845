#include "aggregate/worker.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/joint.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/pg.h"

/* For those who work on what it has a test in common with: the next pass is as
 * good. */
static const int64_t PATIENCE_MS = 10000;

/* Waited for too long, or in a circle; or we were asked to stop meanwhile. */
static bool is_left(const struct error *err)
{
	return !strcmp(err->sqlstate, "55P03") ||
	       !strcmp(err->sqlstate, "40P01") || pg_was_stopped(err);
}

/* One after the other: a private server may have to be started. */
static bool open_session(struct worker *worker,
			 const struct database_options *options,
			 enum database_schema schema, struct error *err)
{
	static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
	bool ok;

	pg_close(worker->pg);
	worker->pg = NULL;
	worker->sessions++;
	pthread_mutex_lock(&door);
	ok = database_open(&worker->pg, options, schema, NULL, err);
	pthread_mutex_unlock(&door);
	return ok;
}

bool worker_connect(struct worker *worker, struct error *err)
{
	return open_session(worker, &worker->run->database, DATABASE_READY,
			    err);
}

bool worker_join(struct worker *worker, struct error *err)
{
	struct database_options once = worker->run->database;

	once.patience_ms = 0;
	return open_session(worker, &once, DATABASE_BARE, err);
}

/* Each only once the one before it is held, since of others some would wait for
 * all of ours.  The tests' are waited for. */
static void lock_sql(struct buf *sql, const struct worker *worker,
		     const struct task *task)
{
	struct buf tests = BUF_INIT;

	joint_names(&tests, worker->run->tasks, task);
	if (tests.len)
		buf_format(sql,
			   "begin; set local lock_timeout = %" PRId64 ";\n",
			   worker->run->lock_ms < PATIENCE_MS
				   ? worker->run->lock_ms
				   : PATIENCE_MS);
	buf_format(sql,
		   "select case when not pg_try_advisory_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(sql, task->name);
	buf_add_text(sql, ")) then false ");
	if (tests.len)
		buf_format(sql,
			   "when (select count(pg_advisory_lock(%d, "
			   "hashtext(test))) from unnest(array[%s]) test) = 0 "
			   "then false ",
			   LOCK_TEST, buf_text(&tests));
	if (task->needs_swap)
		buf_add_text(sql, "else true end");
	else
		buf_format(sql, "else pg_try_advisory_lock_shared(%d, 0) end",
			   LOCK_SWAP);
	buf_add_text(sql, tests.len ? "; commit" : "");
	buf_release(&tests);
}

bool worker_lock(const struct worker *worker, const struct task *task,
		 bool *locked, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	lock_sql(&sql, worker, task);
	pg_heed_stop(worker->pg, true);
	ok = pg_ask(worker->pg, worker->run->timeout_ms, err, locked,
		    buf_text(&sql));
	pg_heed_stop(worker->pg, false);
	if (!ok && is_left(err)) {
		pg_rollback(worker->pg);
		*err = ERROR_INIT;
		*locked = false;
		ok = true;
	}
	buf_release(&sql);
	return ok;
}

/* A pooler that hands every transaction another session loses session locks;
 * model_load has kept everything exact all the same. */
bool worker_unlock(const struct worker *worker, const struct task *task,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	bool held = false;
	bool ok;

	buf_format(&sql, "select pg_advisory_unlock(%d, hashtext(", LOCK_MODEL);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, ")), pg_advisory_unlock_all()");
	ok = pg_ask(worker->pg, worker->run->timeout_ms, err, &held,
		    buf_text(&sql));
	if (ok && !held)
		ok = error_set(err, ERROR_FATAL, STATUS_DATABASE,
			       "the session lock on %s is gone: the connection "
			       "seems to pass through a transaction pooler; "
			       "periodic needs a direct one",
			       task->name);
	buf_release(&sql);
	return ok;
}

bool worker_lock_swap(const struct worker *worker, struct error *err)
{
	return pg_runf(worker->pg, worker->run->timeout_ms, err,
		       "select pg_advisory_lock(%d, 0)", LOCK_SWAP);
}
