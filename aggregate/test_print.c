#include <inttypes.h>
#include <string.h>

#include "aggregate/rows_print.h"
#include "aggregate/test.h"

/* One line, however the query was written. */
static void print_query(FILE *out, const char *query)
{
	fputs("    all of them: ", out);
	for (const char *p = query; *p; p++)
		fputc(*p == '\n' ? ' ' : *p, out);
	fputs(";\n", out);
}

static void print_place(FILE *out, const struct test_outcome *outcome)
{
	if (outcome->test->line)
		fprintf(out, "    %s:%d\n", outcome->file, outcome->test->line);
	else
		fprintf(out, "    %s\n", outcome->file);
}

static void print_outcome(FILE *out, const struct test_outcome *outcome,
			  int64_t run_id)
{
	fprintf(out, "%s  %s  %s: %" PRId64 " %s\n",
		strcmp(outcome->status, "fail") != 0 ? "WARN" : "FAIL",
		outcome->model, outcome->test->name, outcome->failures,
		outcome->failures == 1 ? "row" : "rows");
	print_place(out, outcome);
	if (outcome->sample)
		rows_print(out, outcome->sample, outcome->failures);
	if (run_id)
		fprintf(out,
			"    the rows were rolled back; kept: select sample "
			"from millrace.test_result where run_id = %" PRId64
			" and model = '%s';\n",
			run_id, outcome->model);
	else if (outcome->query)
		print_query(out, outcome->query);
}

void test_print(FILE *out, const struct test_report *report, int64_t run_id)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->at[i].status, "pass") != 0)
			print_outcome(out, &report->at[i], run_id);
}
