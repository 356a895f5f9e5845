#include "aggregate/job_state.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/pg.h"

enum { ANSWER_MS = 60000, LOCK_JOB = 0x6d6a6f62 /* mjob */ };

bool job_state_lock(struct pg *pg, const char *job, bool *mine,
		    struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "select pg_try_advisory_lock(%d, hashtext(", LOCK_JOB);
	quote_literal(&sql, job);
	buf_add_text(&sql, "))");
	ok = pg_ask(pg, ANSWER_MS, err, mine, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool job_state_unlock(struct pg *pg, const char *job, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql, "select pg_advisory_unlock(%d, hashtext(", LOCK_JOB);
	quote_literal(&sql, job);
	buf_add_text(&sql, "))");
	ok = pg_run(pg, ANSWER_MS, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool job_state_begin(struct pg *pg, const char *job, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "begin; set local role millrace_aggregate; "
			   "insert into millrace.job (job, started_at, status) "
			   "values (");
	quote_literal(&sql, job);
	buf_add_text(&sql, ", now(), 'running') on conflict (job) do update "
			   "set started_at = now(), finished_at = null, "
			   "status = 'running', message = null; commit");
	ok = pg_run(pg, ANSWER_MS, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

bool job_state_end(struct pg *pg, const char *job,
		   const struct job_outcome *outcome, struct error *err)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql,
		   "begin; set local role millrace_aggregate; "
		   "update millrace.job set finished_at = now(), "
		   "status = '%s', duration_ms = %" PRId64 ", attempts = %d, "
		   "last_run = nullif(%" PRId64 ", 0)%s, message = nullif(",
		   outcome->status, outcome->duration_ms, outcome->attempts,
		   outcome->run_id,
		   strcmp(outcome->status, "success") == 0
			   ? ", succeeded_at = now()"
			   : "");
	quote_literal(&sql, outcome->message);
	buf_add_text(&sql, ", '') where job = ");
	quote_literal(&sql, job);
	buf_add_text(&sql, "; commit");
	ok = pg_run(pg, ANSWER_MS, err, buf_text(&sql));
	buf_release(&sql);
	return ok;
}
