#include "aggregate/worker.h"

#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/pg.h"

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

bool worker_lock(const struct worker *worker, const struct task *task,
		 bool *locked, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select case when pg_try_advisory_lock(%d, hashtext(",
		   LOCK_MODEL);
	quote_literal(&sql, task->name);
	if (task->needs_swap)
		buf_add_text(&sql, ")) then true else false end");
	else
		buf_format(&sql,
			   ")) then pg_try_advisory_lock_shared(%d, 0) "
			   "else false end",
			   LOCK_SWAP);
	ok = pg_fetch(worker->pg, worker->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok)
		*locked = PQgetvalue(res, 0, 0)[0] == 't';
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* A pooler that hands every transaction another session loses session locks;
 * model_load has kept everything exact all the same. */
bool worker_unlock(const struct worker *worker, const struct task *task,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, "select pg_advisory_unlock(%d, hashtext(", LOCK_MODEL);
	quote_literal(&sql, task->name);
	buf_add_text(&sql, ")), pg_advisory_unlock_all()");
	ok = pg_fetch(worker->pg, worker->run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	if (ok && PQgetvalue(res, 0, 0)[0] != 't')
		ok = error_set(err, ERROR_FATAL, STATUS_DATABASE,
			       "the session lock on %s is gone: the connection "
			       "seems to pass through a transaction pooler; "
			       "periodic needs a direct one",
			       task->name);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

bool worker_lock_swap(const struct worker *worker, struct error *err)
{
	return pg_runf(worker->pg, worker->run->timeout_ms, err,
		       "select pg_advisory_lock(%d, 0)", LOCK_SWAP);
}
