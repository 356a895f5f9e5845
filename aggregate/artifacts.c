#include "aggregate/artifacts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "aggregate/replace_file.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/version.h"

enum { MS_PER_S = 1000 };

static void name_invocation(struct artifact *artifact)
{
	unsigned char byte[16] = {0};
	char *out = artifact->invocation;

	if (getrandom(byte, sizeof byte, 0) != sizeof byte)
		memcpy(byte, &(int64_t){clock_unix_us()}, sizeof(int64_t));
	byte[6] = (unsigned char)((byte[6] & 0x0f) | 0x40); /* RFC 9562: 4 */
	byte[8] = (unsigned char)((byte[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof byte; i++) {
		const char *dash =
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";

		out += snprintf(out, 4, "%s%02x", dash, byte[i]);
	}
}

json_t *artifacts_metadata(const struct artifact *artifact, const char *schema)
{
	char *url =
		mem_format("https://schemas.getdbt.com/dbt/%s.json", schema);
	json_t *metadata =
		json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "dbt_schema_version",
			  url, "dbt_version", version_string(), "generated_at",
			  artifact->now, "invocation_id", artifact->invocation,
			  "env", "MILLRACE_VERSION", version_string());

	free(url);
	return metadata;
}

/* --- results -------------------------------------------------------------- */

enum {
	COL_MODEL,
	COL_TEST,
	COL_STATUS,
	COL_ACTION,
	COL_INSERTED,
	COL_DELETED,
	COL_STARTED,
	COL_ENDED,
	COL_MS,
	COL_MESSAGE,
	COL_FAILURES
};

#define ISO "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'"

static const char question[] =
	"select model, null as test, case status when 'fail' then 'error' "
	"else status end, action, inserted, deleted, "
	"to_char(started_at at time zone 'UTC', " ISO "), "
	"to_char(started_at at time zone 'UTC' + duration_ms * "
	"interval '1 millisecond', " ISO
	"), duration_ms, message, null::bigint "
	"from millrace.run_model where run_id = %" PRId64 "\n"
	"union all select model, test, status, 'test', 0, 0, "
	"to_char(at at time zone 'UTC', " ISO "), "
	"to_char(at at time zone 'UTC', " ISO "), 0, "
	"null, failures from millrace.test_result where run_id = %" PRId64
	"\norder by 7, 1, 2 nulls first";

static json_t *read_result(const struct tasks *tasks, const PGresult *res,
			   int row)
{
	const char *model = PQgetvalue(res, row, COL_MODEL);
	const struct relation *relation = project_find(tasks->project, model);
	bool is_test = !PQgetisnull(res, row, COL_TEST);
	int64_t rows = pg_number(res, row, COL_INSERTED) +
		       pg_number(res, row, COL_DELETED);
	json_t *result, *id;

	if (!relation && !is_test)
		return NULL; /* its file went while it ran */
	id = is_test ? artifacts_test_id(model, PQgetvalue(res, row, COL_TEST))
		     : artifacts_relation_id(relation);
	result = json_pack(
		"{s:s, s:[{s:s, s:s, s:s}], s:s, s:f, s:{s:s, s:I}, s:s, s:o}",
		"status", PQgetvalue(res, row, COL_STATUS), "timing", "name",
		"execute", "started_at", PQgetvalue(res, row, COL_STARTED),
		"completed_at", PQgetvalue(res, row, COL_ENDED), "thread_id",
		"main", "execution_time",
		strtod(PQgetvalue(res, row, COL_MS), NULL) / MS_PER_S,
		"adapter_response", "_message",
		PQgetvalue(res, row, COL_ACTION), "rows_affected",
		(json_int_t)rows, "message",
		PQgetisnull(res, row, COL_MESSAGE)
			? PQgetvalue(res, row, COL_ACTION)
			: PQgetvalue(res, row, COL_MESSAGE),
		"unique_id", id);
	json_object_set_new(
		result, "failures",
		PQgetisnull(res, row, COL_FAILURES)
			? json_null()
			: json_integer(pg_number(res, row, COL_FAILURES)));
	return result;
}

static bool read_results(const struct run *run, json_t **results,
			 struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok;

	buf_format(&sql, question, run->run_id, run->run_id);
	ok = pg_fetch(run->pg, run->timeout_ms, err, &res, NULL,
		      buf_text(&sql));
	*results = json_array();
	for (int row = 0; ok && row < PQntuples(res); row++) {
		json_t *result = read_result(run->tasks, res, row);

		if (result)
			json_array_append_new(*results, result);
	}
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* --- files ---------------------------------------------------------------- */

static bool write_json(const char *folder, const char *name, json_t *json,
		       struct error *err)
{
	char *path = mem_format("%s/target/%s", folder, name);
	char *text = json_dumps(json, JSON_COMPACT);
	bool ok = replace_file(path, text, strlen(text), err);

	free(text);
	free(path);
	json_decref(json);
	return ok;
}

bool artifacts_write(const struct run *run, const char *home,
		     const char *folder, struct error *err)
{
	struct artifact artifact = {.home = home,
				    .database = PQdb(pg_raw(run->pg))};
	time_t now = (time_t)(clock_unix_us() / 1000000);
	json_t *results = NULL, *all;
	struct tm tm;

	name_invocation(&artifact);
	gmtime_r(&now, &tm);
	strftime(artifact.now, sizeof artifact.now, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!read_results(run, &results, err)) {
		json_decref(results);
		return false;
	}
	all = json_pack("{s:o, s:o, s:f, s:{s:s, s:I}}", "metadata",
			artifacts_metadata(&artifact, "run-results/v6"),
			"results", results, "elapsed_time",
			(double)(clock_ms() - run->started_ms) / MS_PER_S,
			"args", "which", run->command, "run_id",
			(json_int_t)run->run_id);
	return write_json(folder, "run_results.json", all, err) &&
	       write_json(folder, "manifest.json",
			  artifacts_manifest(&artifact, run->tasks), err);
}
