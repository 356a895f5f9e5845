#include "aggregate/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/pg.h"
#include "common/schema.h"

/* Questions to the server, asked as millrace_aggregate: each row of an answer
 * is a sentence about one thing that is wrong. */
static const struct {
	const char *title;
	enum verdict verdict;
	const char *question;
} checks[] = {
	{"the server takes writes and keeps them", VERDICT_ERROR,
	 "select 'this is a standby: connect to the primary, for example with "
	 "target_session_attrs=read-write' where pg_is_in_recovery() "
	 "union all select 'transactions are read-only by default: alter role "
	 "... set default_transaction_read_only = off' "
	 "where current_setting('default_transaction_read_only') = 'on'"},
	{"a crash loses nothing", VERDICT_WARN,
	 "select format('%s is off: set it on in postgresql.conf, or a crash "
	 "%s', name, case name when 'fsync' then 'of the machine loses the "
	 "database' when 'full_page_writes' then 'can tear pages' "
	 "else 'loses runs that were reported as done' end) from pg_settings "
	 "where name in ('fsync', 'full_page_writes', 'synchronous_commit') "
	 "and setting = 'off'"},
	{"statistics and dead rows are taken care of", VERDICT_WARN,
	 "select format('%s is off: set it on in postgresql.conf', name) "
	 "from pg_settings where name in ('autovacuum', 'track_counts') "
	 "and setting = 'off'"},
	{"there is room for connections", VERDICT_WARN,
	 "select format('%s of %s connections are taken: raise "
	 "max_connections, or end idle sessions', used, most) from ("
	 "select count(*) as used, current_setting('max_connections')::int "
	 "- current_setting('superuser_reserved_connections')::int as most "
	 "from pg_stat_activity where backend_type = 'client backend') x "
	 "where used + 8 > most"},
	{"no old transaction holds back what can be sealed", VERDICT_WARN,
	 "select format('session %s (%s, %s) has had a transaction open since "
	 "%s: select pg_terminate_backend(%1$s)', pid, usename, "
	 "coalesce(nullif(application_name, ''), 'no name'), "
	 "date_trunc('second', xact_start)) from pg_stat_activity "
	 "where backend_xid is not null "
	 "and application_name !~ '^handle-streams ' "
	 "and xact_start < now() - interval '10 minutes' "
	 "union all select format('the prepared transaction %s is open since "
	 "%s: commit prepared %1$L or rollback prepared %1$L', gid, "
	 "date_trunc('second', prepared)) from pg_prepared_xacts "
	 "where prepared < now() - interval '10 minutes'"},
	{"no load has been going on for more than ten minutes", VERDICT_WARN,
	 "select format('%s (pid %s) began its batch at %s; a pass ends it if "
	 "it may: select pg_terminate_backend(%2$s)', application_name, pid, "
	 "date_trunc('second', xact_start)) from pg_stat_activity "
	 "where application_name ~ '^handle-streams ' "
	 "and xact_start < now() - interval '10 minutes'"},
	{"new loads in staging are found through an index", VERDICT_WARN,
	 "select format('%s has no BRIN index on loaded_at: "
	 "select millrace.adopt_staging(%L)', c.oid::regclass, c.relname) "
	 "from pg_class c where c.relnamespace = 'staging'::regnamespace "
	 "and c.relkind in ('r', 'p') and not c.relispartition "
	 "and not exists (select from pg_index i join pg_class x "
	 "on x.oid = i.indexrelid join pg_am a on a.oid = x.relam "
	 "where i.indrelid = c.oid and a.amname = 'brin')"},
	{"staging has partitions for the next three days", VERDICT_ERROR,
	 "select format('%s has none for %s: select "
	 "millrace.ensure_partitions()', c.oid::regclass, d::date) "
	 "from pg_class c, generate_series(now() at time zone 'UTC', "
	 "now() at time zone 'UTC' + interval '3 days', interval '1 day') d "
	 "where c.relnamespace = 'staging'::regnamespace and c.relkind = 'p' "
	 "and to_regclass(format('staging.%I', left(c.relname, 54) || '_' || "
	 "to_char(d, 'YYYYMMDD'))) is null order by c.relname, d"},
	{"what has been consumed is remembered in little space", VERDICT_WARN,
	 "select format('millrace.model_load takes %s: what is sealed is "
	 "forgotten by runs; see to old transactions, then run periodic, then "
	 "vacuum full millrace.model_load', pg_size_pretty(s)) "
	 "from pg_total_relation_size('millrace.model_load') s "
	 "where s > 268435456"},
	{"the planner knows the marts", VERDICT_WARN,
	 "select format('%s has never been analyzed: analyze %1$s', "
	 "c.oid::regclass) from millrace.model m join pg_class c "
	 "on c.oid = to_regclass(format('%I.%I', split_part(m.model, '.', 1), "
	 "split_part(m.model, '.', 2))) where c.relkind in ('r', 'p') "
	 "and c.reltuples < 0 and pg_relation_size(c.oid) > 8192 "
	 "order by m.model"},
	{"every model's last run went well", VERDICT_WARN,
	 "select format('%s: %s: %s', m.model, r.status, coalesce("
	 "left(r.message, 300), 'see millrace.run_model')) "
	 "from millrace.model m cross join lateral (select status, message "
	 "from millrace.run_model r where r.model = m.model "
	 "order by run_id desc limit 1) r "
	 "where r.status in ('error', 'fail') order by m.model"},
	{"every job's last run went well", VERDICT_WARN,
	 "select format('%s: %s%s', job, status, ': ' || message) "
	 "from millrace.job where status in ('error', 'timeout') order by job"},
};

void doctor_report(struct doctor *doctor, const char *title,
		   enum verdict verdict, const PGresult *res,
		   const char *sentence)
{
	static const char *const words[] = {"ok   ", "warn ", "error"};
	int rows = res ? PQntuples(res) : sentence != NULL;

	if (!rows)
		verdict = VERDICT_OK;
	fprintf(doctor->out, "%s  %s\n", words[verdict], title);
	for (int i = 0; i < rows; i++)
		fprintf(doctor->out, "         %s\n",
			res ? PQgetvalue(res, i, 0) : sentence);
	doctor->warnings += verdict == VERDICT_WARN ? (size_t)rows : 0;
	doctor->errors += verdict == VERDICT_ERROR ? (size_t)rows : 0;
}

/* --- the connection ------------------------------------------------------- */

static void introduce(struct doctor *doctor)
{
	PGconn *raw = pg_raw(doctor->pg);
	const char *host = PQhost(raw);
	struct buf title = BUF_INIT;

	buf_format(&title,
		   "PostgreSQL %s answers at %s, port %s, database %s, "
		   "user %s",
		   PQparameterStatus(raw, "server_version"),
		   host && *host ? host : "its socket", PQport(raw), PQdb(raw),
		   PQuser(raw));
	doctor_report(doctor, buf_text(&title), VERDICT_OK, NULL, NULL);
	buf_release(&title);
}

static bool backend_pid(struct doctor *doctor, struct pg *pg, int64_t *pid,
			struct error *err)
{
	return pg_count(pg, doctor->timeout_ms, err, pid,
			"select pg_backend_pid()");
}

/* A pooler invents the number that libpq gets to hear.  One that lends the same
 * session to two connections that are both open does so by transaction. */
static bool look_for_pooler(struct doctor *doctor, struct error *err)
{
	static const char title[] = "the connection is a session of its own";
	int64_t first, second;

	if (!backend_pid(doctor, doctor->pg, &first, err) ||
	    !backend_pid(doctor, doctor->second, &second, err))
		return false;
	if (first == second)
		doctor_report(doctor, title, VERDICT_ERROR, NULL,
			      "a pooler shares it by transaction, and locks "
			      "would be lost: connect to PostgreSQL itself, or "
			      "set pool_mode = session");
	else if (first != PQbackendPID(pg_raw(doctor->pg)))
		doctor_report(doctor, title, VERDICT_WARN, NULL,
			      "it passes through a pooler; that is well as "
			      "long as it pools by session, not by "
			      "transaction");
	else
		doctor_report(doctor, title, VERDICT_OK, NULL, NULL);
	return true;
}

/* --- rights and schema ---------------------------------------------------- */

static bool ask(struct doctor *doctor, const char *title, enum verdict verdict,
		const char *question, bool *is_well, struct error *err)
{
	PGresult *res = NULL;

	if (!pg_fetch(doctor->pg, doctor->timeout_ms, err, &res, NULL,
		      question))
		return error_context(err, "checking that %s", title);
	doctor_report(doctor, title, verdict, res, NULL);
	*is_well = PQntuples(res) == 0;
	PQclear(res);
	return true;
}

static bool check_rights(struct doctor *doctor, bool *is_well,
			 struct error *err)
{
	return ask(doctor, "the user may run models", VERDICT_ERROR,
		   "select format('%s is no member of %s: grant %2$I to %1$I', "
		   "current_user, rolname) from pg_roles where rolname = "
		   "'millrace_aggregate' "
		   "and not pg_has_role(current_user, oid, 'member') "
		   "union all select format('the role %s is missing: periodic "
		   "migrate', r) from unnest(array['millrace_aggregate', "
		   "'millrace_read']) r where exists (select from pg_namespace "
		   "where nspname = 'millrace') and not exists "
		   "(select from pg_roles where rolname = r)",
		   is_well, err);
}

/* What a deployment may leave to another user. */
static bool check_upkeep(struct doctor *doctor, struct error *err)
{
	bool is_well;

	return ask(
		doctor, "the user may make what is new", VERDICT_WARN,
		"select format('%s is no member of %s, and leaves migrations, "
		"tables of new streams and unit tests to others: grant %2$I "
		"to %1$I', current_user, rolname) from pg_roles where rolname "
		"= 'millrace_owner' and not pg_has_role(oid, 'member')",
		&is_well, err);
}

/* *is_there: later checks have something to look at. */
static bool check_schema(struct doctor *doctor, bool *is_there,
			 struct error *err)
{
	struct buf sql = BUF_INIT;
	bool is_well = false;
	bool ok;

	ok = ask(doctor, "the bookkeeping is set up", VERDICT_WARN,
		 "select 'there is no schema millrace yet: the first run of "
		 "periodic or handle-streams makes it' where to_regclass("
		 "'millrace.schema_version') is null",
		 is_there, err);
	if (!ok || !*is_there)
		return ok;
	buf_format(&sql,
		   "select case when max(min_program) > %d then format('it is "
		   "version %%s and asks for a newer program: install one', "
		   "max(version)) else format('it is version %%s, the program "
		   "brings %d: periodic migrate', max(version)) end "
		   "from millrace.schema_version having max(version) < %d "
		   "or max(min_program) > %d",
		   schema_newest(), schema_newest(), schema_newest(),
		   schema_newest());
	ok = ask(doctor, "the bookkeeping fits this program", VERDICT_ERROR,
		 buf_text(&sql), &is_well, err);
	*is_there = is_well;
	buf_release(&sql);
	return ok;
}

bool doctor_examine(struct doctor *doctor, struct error *err)
{
	bool may = false, is_there = false, is_well;
	bool ok;

	introduce(doctor);
	ok = look_for_pooler(doctor, err) && check_rights(doctor, &may, err);
	if (ok && may)
		ok = check_upkeep(doctor, err) &&
		     check_schema(doctor, &is_there, err);
	if (!ok || !is_there)
		return ok;
	ok = pg_run(doctor->pg, doctor->timeout_ms, err,
		    "begin; set local role millrace_aggregate; "
		    "set local lock_timeout = '10s'");
	for (size_t i = 0; ok && i < sizeof checks / sizeof *checks; i++)
		ok = ask(doctor, checks[i].title, checks[i].verdict,
			 checks[i].question, &is_well, err);
	return ok && pg_run(doctor->pg, doctor->timeout_ms, err, "rollback") &&
	       doctor_project(doctor, err);
}
