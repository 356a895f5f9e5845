#include "aggregate/test_glance.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/test_sql.h"
#include "common/pg.h"

static const char *rows_of(const struct test_case *test_case)
{
	return test_case->rows ? test_case->rows : test_case->table;
}

/* Judges rows one by one, and all of them. */
static bool is_simple(const struct test_case *test_case)
{
	const struct model_test *test = test_case->test;

	return rows_of(test_case) && !test->where &&
	       (test->kind == TEST_NOT_NULL || test->kind == TEST_EXPRESSION ||
		test->kind == TEST_ACCEPTED_VALUES);
}

static bool is_same(const struct test_case *a, const struct test_case *b)
{
	return is_simple(a) && is_simple(b) && !strcmp(rows_of(a), rows_of(b));
}

/* Whether the case is the first of several that look at the same rows. */
static bool leads(const struct test_case *cases, size_t count, size_t i)
{
	size_t others = 0;

	for (size_t k = 0; k < i; k++)
		if (is_same(&cases[k], &cases[i]))
			return false;
	for (size_t k = i + 1; k < count; k++)
		others += is_same(&cases[k], &cases[i]);
	return others > 0;
}

static void add_question(struct buf *out, const struct test_case *cases,
			 size_t count, size_t leader)
{
	const char *separator = "";

	buf_format(out, "%sselect %zu, exists (select from %s where ",
		   out->len ? "\nunion all " : "", leader,
		   rows_of(&cases[leader]));
	for (size_t k = leader; k < count; k++) {
		if (!is_same(&cases[leader], &cases[k]))
			continue;
		buf_add_text(out, separator);
		separator = "\n    or ";
		test_fails_sql(out, cases[k].test);
	}
	buf_add_byte(out, ')');
}

bool test_glance(struct pg *pg, int64_t timeout_ms,
		 const struct test_case *cases, size_t count, bool *passes,
		 struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res = NULL;
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		if (leads(cases, count, i))
			add_question(&sql, cases, count, i);
	if (sql.len)
		ok = pg_fetch(pg, timeout_ms, err, &res, NULL, buf_text(&sql));
	for (int row = 0; ok && res && row < PQntuples(res); row++) {
		size_t leader = strtoul(PQgetvalue(res, row, 0), NULL, 10);

		if (PQgetvalue(res, row, 1)[0] == 'f')
			for (size_t k = leader; k < count; k++)
				passes[k] |= is_same(&cases[leader], &cases[k]);
	}
	PQclear(res);
	buf_release(&sql);
	return ok;
}
