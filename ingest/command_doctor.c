/* `handle-streams doctor`: whether everything a load needs is there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/pg.h"
#include "ingest/commands.h"
#include "ingest/kafka_reader.h"
#include "ingest/options.h"

enum { ANSWER_MS = 60000, CLOCK_LIMIT_MS = 5000 };

/* A question to the server: each row of the answer is one fault, a sentence
 * that says what to do. */
static const struct {
	const char *title;
	const char *faults;
} checks[] = {
	{"the server takes writes",
	 "select 'this is a standby: connect to the primary, for example with "
	 "target_session_attrs=read-write' where pg_is_in_recovery()"},
	{"the user may load",
	 "select format('%s is not a member of millrace_ingest: grant "
	 "millrace_ingest to %1$I', current_user) "
	 "where not pg_has_role('millrace_ingest', 'member')"},
	{"nothing else fills loaded_at",
	 "with staged as materialized (select oid from pg_class "
	 "where relnamespace = 'staging'::regnamespace "
	 "and relkind in ('r', 'p') and not relispartition) "
	 "select format('millrace_ingest may write %s.loaded_at: revoke insert "
	 "(loaded_at) on %1$s from millrace_ingest', oid::regclass) "
	 "from staged where has_column_privilege('millrace_ingest', oid, "
	 "'loaded_at', 'insert')"},
	{"staging outlives a crash as long as the ledger",
	 "select format('%s is unlogged: a crash would empty it while its "
	 "positions stay: alter table %1$s set logged', c.oid::regclass) "
	 "from pg_class c where relnamespace = 'staging'::regnamespace "
	 "and relpersistence = 'u'"},
	{"partitions are there for the next days",
	 "select format('%s has no partition for %s: select "
	 "millrace.ensure_partitions()', c.relname, d::date) from pg_class c, "
	 "generate_series(now() at time zone 'UTC', now() at time zone 'UTC' "
	 "+ interval '3 days', interval '1 day') d "
	 "where c.relnamespace = 'staging'::regnamespace "
	 "and c.relkind = 'p' and to_regclass(format('staging.%I', "
	 "left(c.relname, 54) || '_' || to_char(d, 'YYYYMMDD'))) is null"},
	{"no old transaction holds positions",
	 "select format('session %s (%s) has had a transaction open since %s: "
	 "select pg_terminate_backend(%1$s)', pid, application_name, "
	 "xact_start) from pg_stat_activity "
	 "where application_name ~ '^handle-streams [0-9a-f]+$' "
	 "and xact_start < now() - interval '10 minutes'"},
	{"the disk is asked to keep what is committed",
	 "select 'fsync is off: a crash of the machine loses the database: "
	 "set fsync = on' where current_setting('fsync') = 'off'"},
};

static bool ask(struct pg *pg, const char *title, const char *sql,
		size_t *faults, struct error *err)
{
	PGresult *res = NULL;

	if (!pg_fetch(pg, ANSWER_MS, err, &res, NULL, sql))
		return error_context(err, "checking that %s", title);
	printf("%s %s\n", PQntuples(res) ? "FAULT" : "ok   ", title);
	for (int i = 0; i < PQntuples(res); i++)
		printf("      %s\n", PQgetvalue(res, i, 0));
	*faults += (size_t)PQntuples(res);
	PQclear(res);
	return true;
}

/* Nothing depends on the clocks; people who compare times do. */
static bool check_clock(struct pg *pg, size_t *faults, struct error *err)
{
	PGresult *res = NULL;
	int64_t before_us = clock_unix_us();
	int64_t behind_ms;

	if (!pg_fetch(pg, ANSWER_MS, err, &res, NULL,
		      "select (extract(epoch from clock_timestamp()) * "
		      "1000000)::bigint"))
		return error_context(err, "reading the server's clock");
	behind_ms = (before_us - pg_number(res, 0, 0)) / 1000;
	PQclear(res);
	if (behind_ms > -CLOCK_LIMIT_MS && behind_ms < CLOCK_LIMIT_MS) {
		puts("ok    the clocks of both machines agree");
		return true;
	}
	printf("FAULT the clocks of both machines agree\n"
	       "      the server's is %" PRId64 " ms behind: run NTP on both\n",
	       behind_ms);
	++*faults;
	return true;
}

static bool check_database(const struct options *options, struct pg **pg,
			   size_t *faults, struct error *err)
{
	struct stream_set set;
	bool ok;

	if (!stream_set_read(&set, buf_text(&options->home), err))
		return false;
	printf("ok    %zu stream files can be read\n", set.count);
	ok = command_begin(options, &set, "handle-streams doctor", pg, err);
	stream_set_release(&set);
	if (!ok)
		return false;
	puts("ok    the database answers, and the tables are as the streams "
	     "say");
	for (size_t i = 0; ok && i < sizeof checks / sizeof *checks; i++)
		ok = ask(*pg, checks[i].title, checks[i].faults, faults, err);
	return ok && check_clock(*pg, faults, err);
}

static bool check_kafka(const struct options *options, struct pg *pg,
			size_t *faults, struct error *err)
{
	struct kafka_reader *reader = NULL;
	bool ok;

	if (!*options->kafka.brokers)
		return true;
	ok = kafka_reader_open(&reader, &options->kafka, options->connect_ms,
			       err);
	if (ok) {
		printf("ok    Kafka answers at %s\n", options->kafka.brokers);
		kafka_reader_check(reader, &options->kafka, stdout, faults);
		ok = kafka_reader_verify(reader, pg, stdout, faults, err);
	}
	kafka_reader_close(reader);
	return ok;
}

bool command_doctor(const struct options *options, struct error *err)
{
	struct pg *pg = NULL;
	size_t faults = 0;
	bool ok = check_database(options, &pg, &faults, err) &&
		  check_kafka(options, pg, &faults, err);

	if (ok && faults)
		ok = error_set(err, ERROR_FATAL, STATUS_CONFIG,
			       "%zu %s found; each says what to do", faults,
			       faults == 1 ? "fault" : "faults");
	return command_end(pg, ok, err);
}
