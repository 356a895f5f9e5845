#include "aggregate/test_sql.h"

#include <inttypes.h>

#include "aggregate/quote.h"

enum { SAMPLE_ROWS = 5, SAMPLE_LETTERS = 200 };

static void add_columns(struct buf *out, const struct model_test *test,
			const char *after, const char *separator)
{
	for (size_t i = 0; i < test->column_count; i++) {
		buf_add_text(out, i ? separator : "");
		quote_identifier(out, test->column[i]);
		buf_add_text(out, after);
	}
}

static void add_unique(struct buf *out, const struct model_test *test,
		       const char *rows)
{
	buf_add_text(out, "select ");
	add_columns(out, test, "", ", ");
	buf_format(out, ", count(*) as copies from %s where ", rows);
	add_columns(out, test, " is not null", " and ");
	buf_add_text(out, " group by ");
	add_columns(out, test, "", ", ");
	buf_add_text(out, " having count(*) > 1");
}

static void add_accepted(struct buf *out, const struct model_test *test)
{
	for (size_t i = 0; i < test->column_count; i++) {
		buf_add_text(out, i ? " or " : "");
		quote_identifier(out, test->column[i]);
		buf_add_text(out, "::text not in (");
		for (size_t v = 0; v < test->value_count; v++) {
			buf_add_text(out, v ? ", " : "");
			quote_literal(out, test->value[v]);
		}
		buf_add_byte(out, ')');
	}
}

/* A NULL points nowhere and is in order, as a foreign key sees it. */
static void add_orphans(struct buf *out, const struct model_test *test,
			const char *rows)
{
	buf_format(out, "select * from (select * from %s) child where child.",
		   rows);
	quote_identifier(out, test->column[0]);
	buf_add_text(out, " is not null and not exists (select from ");
	quote_relation(out, test->to);
	buf_add_text(out, " parent where parent.");
	quote_identifier(out, test->to_column);
	buf_add_text(out, " = child.");
	quote_identifier(out, test->column[0]);
	buf_add_byte(out, ')');
}

/* Counts no further than it must to know. */
static void add_row_count(struct buf *out, const struct model_test *test,
			  const char *rows)
{
	bool is_open = test->at_most == INT64_MAX;

	buf_format(out,
		   "select count(*) as row_count from (select from %s limit "
		   "%" PRId64 ") counted having count(*) < %" PRId64,
		   rows, is_open ? test->at_least : test->at_most + 1,
		   test->at_least);
	if (!is_open)
		buf_format(out, " or count(*) > %" PRId64, test->at_most);
}

void test_fails_sql(struct buf *out, const struct model_test *test)
{
	buf_add_byte(out, '(');
	if (test->kind == TEST_NOT_NULL)
		add_columns(out, test, " is null", " or ");
	else if (test->kind == TEST_ACCEPTED_VALUES)
		add_accepted(out, test);
	else
		/* a line comment in it ends with the line */
		buf_format(out, "not (%s\n)", test->expression);
	buf_add_byte(out, ')');
}

static void add_failing(struct buf *out, const struct model_test *test,
			const char *rows)
{
	switch (test->kind) {
	case TEST_UNIQUE:
		add_unique(out, test, rows);
		return;
	case TEST_NOT_NULL:
	case TEST_ACCEPTED_VALUES:
	case TEST_EXPRESSION:
		buf_format(out, "select * from %s where ", rows);
		test_fails_sql(out, test);
		return;
	case TEST_RELATIONSHIPS:
		add_orphans(out, test, rows);
		return;
	case TEST_ROW_COUNT:
		add_row_count(out, test, rows);
		return;
	case TEST_QUERY:
		buf_format(out, "select * from (\n%s\n) returned",
			   test->expression);
		return;
	}
}

void test_failing_sql(struct buf *out, const struct model_test *test,
		      const char *rows)
{
	struct buf chosen = BUF_INIT;

	if (test->where)
		buf_format(&chosen, "(select * from %s where (%s\n)) chosen",
			   rows, test->where);
	else
		buf_add_text(&chosen, rows);
	add_failing(out, test, buf_text(&chosen));
	buf_release(&chosen);
}

void test_sample_sql(struct buf *out, const char *x)
{
	buf_format(out,
		   "json_agg((select json_object_agg(key, "
		   "case when length(value::text) > %d "
		   "then to_json(left(value #>> '{}', %d) || '…') "
		   "else value end) from json_each(to_json(%s)) "
		   "where key <> 'millrace_number')) "
		   "filter (where %s.millrace_number <= %d)",
		   SAMPLE_LETTERS, SAMPLE_LETTERS, x, x, SAMPLE_ROWS);
}

void test_count_sql(struct buf *out, size_t number, const char *failing)
{
	buf_format(out, "select %zu as number, count(*) as failures,\n    ",
		   number);
	test_sample_sql(out, "f");
	buf_format(out,
		   " as sample\nfrom (select *, row_number() over () as "
		   "millrace_number from (\n%s\n) failing) f\n",
		   failing);
}
