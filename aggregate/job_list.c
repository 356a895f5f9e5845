#include "aggregate/job_list.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "aggregate/job_calendar.h"
#include "aggregate/quote.h"
#include "aggregate/table.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/pg.h"

enum { ANSWER_MS = 60000, MS_PER_S = 1000, US_PER_S = 1000000 };

/* A job as the table shows it; texts are borrowed from res. */
struct line {
	const struct job *job;
	const char *last; /* when it began; "" never */
	const char *status;
	const char *message;
	int64_t duration_ms;
	int64_t succeeded_s; /* since 1970; 0: never */
	bool ran;
	char next[CALENDAR_TIME_BYTES];
};

/* The lock tells one that runs from one that was killed. */
static const char question[] =
	"select j.job, to_char(j.started_at at time zone 'UTC', "
	"'YYYY-MM-DD HH24:MI:SS'), "
	"case when j.status = 'running' and not exists (select from pg_locks l "
	"where l.locktype = 'advisory' and l.classid = 1835691874 "
	"and l.database = (select oid from pg_database "
	"where datname = current_database()) "
	"and l.objid::bigint = hashtext(j.job)::bigint & 4294967295 "
	"and l.granted) then 'killed' else j.status end, "
	"coalesce(j.duration_ms::bigint, 0), "
	"coalesce(extract(epoch from j.succeeded_at)::bigint, 0), "
	"coalesce(j.message, '') from millrace.job j";

static void read_state(struct line *line, const PGresult *res)
{
	for (int row = 0; row < PQntuples(res); row++) {
		if (strcmp(PQgetvalue(res, row, 0), line->job->name) != 0)
			continue;
		line->ran = true;
		line->last = PQgetvalue(res, row, 1);
		line->status = PQgetvalue(res, row, 2);
		line->duration_ms = pg_number(res, row, 3);
		line->succeeded_s = pg_number(res, row, 4);
		line->message = PQgetvalue(res, row, 5);
	}
}

/* When it should have run after its newest success, and its sla on top. */
static bool is_late(const struct line *line)
{
	int64_t now_s = clock_unix_us() / US_PER_S;
	int64_t due_s = 0;

	return line->job->sla_ms && line->succeeded_s &&
	       calendar_next(&line->job->calendar, line->succeeded_s, &due_s,
			     NULL) &&
	       due_s + line->job->sla_ms / MS_PER_S < now_s;
}

static void read_line(struct line *line, const struct job *job,
		      const PGresult *res)
{
	int64_t next_s = 0;

	*line = (struct line){
		.job = job, .last = "", .status = "never run", .message = ""};
	read_state(line, res);
	if (is_late(line) && strcmp(line->status, "success") == 0)
		line->status = "late";
	calendar_next(&job->calendar, clock_unix_us() / US_PER_S, &next_s,
		      line->next);
}

static void join(struct buf *out, const struct setting_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_format(out, "%s%s", i ? " " : "", list->item[i]);
}

static void add_row(struct table *table, const struct line *line)
{
	struct buf text = BUF_INIT;

	table_add(table, line->job->name);
	join(&text, &line->job->select);
	if (line->job->exclude.count)
		buf_add_text(&text, " but ");
	join(&text, &line->job->exclude);
	table_add(table, buf_text(&text));
	buf_reset(&text);
	join(&text, &line->job->calendar);
	table_add(table, buf_text(&text));
	table_add(table, line->last);
	table_add(table, line->status);
	if (line->ran && line->duration_ms)
		table_format(table, "%.1f s",
			     (double)line->duration_ms / MS_PER_S);
	else
		table_add(table, "");
	table_add(table, line->next);
	buf_release(&text);
}

static void print_json(const struct line *line, FILE *out)
{
	struct buf select = BUF_INIT, exclude = BUF_INIT, calendar = BUF_INIT;
	json_t *object;

	join(&select, &line->job->select);
	join(&exclude, &line->job->exclude);
	join(&calendar, &line->job->calendar);
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}",
			   "name", line->job->name, "select", buf_text(&select),
			   "exclude", buf_text(&exclude), "calendar",
			   buf_text(&calendar), "last_started", line->last,
			   "last_status", line->status, "last_duration_ms",
			   (json_int_t)line->duration_ms, "last_message",
			   line->message, "next", line->next);
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
	buf_release(&select);
	buf_release(&exclude);
	buf_release(&calendar);
}

static void print_messages(const struct jobs *jobs, const PGresult *res,
			   FILE *out)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct line line = {.job = &jobs->at[i], .message = ""};

		read_state(&line, res);
		if (*line.message)
			fprintf(out, "%s: %s\n", line.job->name, line.message);
	}
}

bool job_list_print(const struct jobs *jobs, struct pg *pg, enum output output,
		    FILE *out, struct error *err)
{
	static const char *const heading[] = {
		"JOB",    "SELECT", "CALENDAR",  "LAST (UTC)",
		"STATUS", "TOOK",   "NEXT (UTC)"};
	struct table table = TABLE_INIT(7);
	PGresult *res = NULL;

	if (!pg_fetch(pg, ANSWER_MS, err, &res, NULL, question))
		return false;
	for (size_t i = 0; i < table.columns; i++)
		table_add(&table, heading[i]);
	for (size_t i = 0; i < jobs->count; i++) {
		struct line line;

		read_line(&line, &jobs->at[i], res);
		if (output == OUTPUT_JSON)
			print_json(&line, out);
		else if (output == OUTPUT_NAME)
			fprintf(out, "%s\n", line.job->name);
		else
			add_row(&table, &line);
	}
	if (table_rows(&table))
		table_print(&table, out);
	else if (output == OUTPUT_TEXT)
		fputs("no jobs: they are sections [job NAME] of "
		      "sql/<pack>/pack.conf\n",
		      out);
	if (output == OUTPUT_TEXT)
		print_messages(jobs, res, out);
	table_release(&table);
	PQclear(res);
	return true;
}
