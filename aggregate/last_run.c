#include "aggregate/last_run.h"

#include <string.h>

#include "aggregate/select.h"
#include "common/pg.h"

/* Tests say pass where models say success. */
static const char question[] =
	"with last as (select max(run_id) as run_id from millrace.run)\n"
	"select model, status from millrace.run_model join last using "
	"(run_id)\n"
	"union select model, case status when 'pass' then 'success' "
	"else status end from millrace.test_result join last using (run_id)\n"
	"union select model, encode(code_hash, 'hex') from millrace.model";

static void take(const struct tasks *tasks, unsigned *facts, const char *name,
		 const char *word)
{
	const struct relation *relation = project_find(tasks->project, name);
	size_t i;

	if (!relation)
		return; /* its file is gone */
	i = (size_t)(relation - tasks->project->relation);
	facts[i] |= select_result(word);
	if (!tasks->at[i] || strlen(word) != strlen(tasks->at[i]->code_hash))
		return;
	facts[i] &= ~(unsigned)(FACT_NEW | FACT_MODIFIED);
	if (strcmp(word, tasks->at[i]->code_hash) != 0)
		facts[i] |= FACT_MODIFIED;
}

bool last_run_read(struct pg *pg, int64_t timeout_ms, const struct tasks *tasks,
		   unsigned *facts, struct error *err)
{
	PGresult *res = NULL;

	if (!pg_fetch(pg, timeout_ms, err, &res, NULL, question))
		return false;
	for (size_t i = 0; i < tasks->project->relation_count; i++)
		facts[i] = tasks->at[i] ? FACT_NEW | FACT_MODIFIED : 0;
	for (int row = 0; row < PQntuples(res); row++)
		take(tasks, facts, PQgetvalue(res, row, 0),
		     PQgetvalue(res, row, 1));
	PQclear(res);
	return true;
}
