#include "aggregate/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/run.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/exposition.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/version.h"

enum { ASK_MS = 10000 };

#define NAME(name) "periodic_" name

static const char last_success[] = NAME("last_success_timestamp_seconds");

static void add(struct buf *out, const char *name, const char *help,
		double value)
{
	exposition_family(out, name, "gauge", help);
	exposition_sample(out, name, value, NULL);
}

/* When the file before this one says that a pass last succeeded; 0: never. */
static double succeeded_before(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];
	double value = 0;

	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, last_success, sizeof last_success - 1) &&
		    line[sizeof last_success - 1] == ' ')
			value = strtod(line + sizeof last_success, NULL);
	if (file)
		fclose(file);
	return value;
}

static void add_pass(struct buf *out, const char *path, const struct run *run,
		     int64_t took_ms, enum exit_status status)
{
	const struct {
		const char *status;
		size_t count;
	} models[] = {
		{"done", run->done},
		{"failed", run->failed},
		{"skipped", run->skipped},
		{"busy", run->locked},
	};
	double now = (double)clock_unix_us() / 1e6;

	exposition_family(out, NAME("build_info"), "gauge",
			  "Which program this is.");
	exposition_sample(out, NAME("build_info"), 1, "version",
			  version_string(), "commit", version_commit(), NULL);
	add(out, NAME("last_run_timestamp_seconds"), "When a pass last ended.",
	    now);
	add(out, last_success, "When a pass last ended with status 0.",
	    status == STATUS_DONE ? now : succeeded_before(path));
	add(out, NAME("last_run_duration_seconds"), "How long it took.",
	    (double)took_ms / 1e3);
	add(out, NAME("last_run_exit_status"), "Its exit status.", status);
	exposition_family(out, NAME("last_run_models"), "gauge",
			  "Models by what became of them in it.");
	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		exposition_sample(out, NAME("last_run_models"),
				  (double)models[i].count, "status",
				  models[i].status, NULL);
	add(out, NAME("last_run_rows_inserted"), "Rows it inserted.",
	    (double)run->inserted);
	add(out, NAME("last_run_rows_deleted"), "Rows it deleted.",
	    (double)run->deleted);
}

/* --- what the database knows ---------------------------------------------- */

/* One family a query: name, value. */
static const struct question {
	const char *name, *help, *label, *sql;
} questions[] = {
	{NAME("source_last_load_timestamp_seconds"),
	 "When the newest load of a staging table was.", "relation",
	 "select name, extract(epoch from loaded_through) from millrace.status "
	 "where kind = 'stream' and name <> 'millrace.reject' "
	 "and loaded_through is not null"},
	{NAME("source_rows_24h"), "Rows loaded in the last 24 hours.",
	 "relation",
	 "select name, rows from millrace.status where kind = 'stream'"},
	{NAME("source_rejects_24h"), "Rejects of the last 24 hours.",
	 "relation",
	 "select name, rejects from millrace.status where kind = 'stream'"},
	{NAME("model_loaded_through_timestamp_seconds"),
	 "The newest load that a model includes.", "model",
	 "select model, extract(epoch from loaded_through) from millrace.model "
	 "where loaded_through is not null"},
	{NAME("model_source_last_load_timestamp_seconds"),
	 "The newest load of the streams that a model reads itself.", "model",
	 "select m.model, extract(epoch from max(newest.loaded_at)) "
	 "from millrace.model m cross join unnest(m.reads) r "
	 "cross join lateral (select l.loaded_at from millrace.load l "
	 "where l.relation = r and l.row_count > 0 and not exists "
	 "(select from millrace.excluded e where e.model = m.model "
	 "and e.load_id = l.load_id) order by l.loaded_at desc limit 1) newest "
	 "group by m.model"},
	{NAME("model_complete_through_timestamp_seconds"),
	 "Up to when nothing is missing from a model any more.", "model",
	 "select model, extract(epoch from complete_through) "
	 "from millrace.model where complete_through is not null"},
	{NAME("model_failed"),
	 "1 if the newest attempt at a model failed, by itself or by a test.",
	 "model",
	 "select distinct on (model) model, "
	 "(status in ('error', 'fail'))::int from millrace.run_model "
	 "where run_id > (select max(run_id) - 1000 from millrace.run) "
	 "order by model, run_id desc"},
	{NAME("tests_failed"),
	 "Tests with severity error that fail in the model's newest run that "
	 "had any.",
	 "model",
	 "select model, count(*) filter (where status = 'fail') "
	 "from millrace.test_result join (select model, max(run_id) as run_id "
	 "from millrace.test_result where run_id > "
	 "(select max(run_id) - 1000 from millrace.run) group by model) newest "
	 "using (model, run_id) group by model"},
	{NAME("gaps"), "Ranges that could never be loaded.", "source",
	 "select source, count(*) from millrace.gap group by source"},
};

static bool ask(struct buf *out, struct pg *pg, const struct question *question,
		struct error *err)
{
	PGresult *res = NULL;

	if (!pg_fetch(pg, ASK_MS, err, &res, NULL, question->sql))
		return false;
	exposition_family(out, question->name, "gauge", question->help);
	for (int i = 0; i < PQntuples(res); i++)
		exposition_sample(out, question->name,
				  strtod(PQgetvalue(res, i, 1), NULL),
				  question->label, PQgetvalue(res, i, 0), NULL);
	PQclear(res);
	return true;
}

static void add_database(struct buf *out, struct pg *pg)
{
	struct error err = ERROR_INIT;
	bool ok;

	pg_rollback(pg); /* a pass that failed may have left a transaction */
	ok = pg_run(pg, ASK_MS, &err,
		    "begin isolation level repeatable read read only; "
		    "set local role millrace_aggregate");
	for (size_t i = 0; ok && i < sizeof questions / sizeof *questions; i++)
		ok = ask(out, pg, &questions[i], &err);
	if (!ok)
		log_line(LOG_WARNING, "metrics: %s", err.text);
	pg_rollback(pg);
}

void metrics_write(const char *path, struct run *run, int64_t took_ms,
		   enum exit_status status)
{
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;

	run_lock(run);
	add_pass(&out, path, run, took_ms, status);
	run_unlock(run);
	if (run->pg && pg_is_usable(run->pg))
		add_database(&out, run->pg);
	if (!exposition_write(&out, path, &err))
		log_line(LOG_WARNING, "%s", err.text);
	buf_release(&out);
}
