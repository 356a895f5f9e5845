#include "tests/unit/project_fixture.h"

#include "aggregate/project.h"
#include "aggregate/task.h"
#include "aggregate/unread.h"

static const char sums[] = "-- config:\n--   materialized: incremental\n"
			   "--   strategy: delta\n--   unique_key: [k]\n"
			   "--   rows: n\n"
			   "select r.k, count(*) as n, count(r.v) as total "
			   "from staging.r r "
			   "where /*+ incremental(r.k) */ true group by 1\n";

static const char head[] = "-- config:\n--   materialized: incremental\n"
			   "--   strategy: delta\n--   unique_key: [k]\n"
			   "--   rows: c\n";

static struct project *project;
static struct tasks *tasks;

/* Whether a reader with this query is taken to read p.sums.total. */
static bool reads(const char *query, const char *column)
{
	struct error err = ERROR_INIT;
	char text[1024];
	bool read = false;

	snprintf(text, sizeof text, "%s%s\n", head, query);
	fixture_open();
	fixture_file("streams/r.sql", "-- stream: r\ncreate table staging.r "
				      "(k text, v int);\n");
	fixture_file("models/sums.sql", sums);
	fixture_file("models/reader.sql", text);
	if (!project_open(&project, fixture_folder, &err) ||
	    !tasks_open(&tasks, project, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < tasks->count; i++)
		if (!strcmp(tasks->order[i]->name, "p.sums"))
			read = !unread_column(tasks->order[i], column);
	tasks_close(tasks);
	project_close(project);
	fixture_close();
	return read;
}

#define WHERE "where /*+ incremental(s.k) */ true group by 1"

static void a_column_that_is_not_named_is_not_read(void **state)
{
	(void)state;
	assert_false(reads("select s.k, count(*) as c from p.sums s " WHERE,
			   "total"));
	assert_false(reads("select s.k, count( * ) as c from p.sums as s " WHERE
			   " -- total",
			   "total"));
	assert_false(reads("select s.k, sum(s.total) as c from p.sums s " WHERE,
			   "n"));
}

static void a_column_that_is_named_is_read(void **state)
{
	(void)state;
	assert_true(reads("select s.k, sum(s.total) as c from p.sums s " WHERE,
			  "total"));
	assert_true(reads("select s.k, count(*) as c from p.sums s where /*+ "
			  "incremental(s.total) */ true group by 1",
			  "total"));
	assert_true(reads("select s.k, sum(TOTAL) as c from p.sums s " WHERE,
			  "total"));
	assert_true(reads(
		"select s.k, sum((s).\"total\") as c from p.sums s " WHERE,
		"total"));
	assert_true(reads("select s.k, sum(s.U&\"\\0074otal\") as c from "
			  "p.sums s " WHERE,
			  "total"));
	/* of which PostgreSQL reads 63 bytes */
	assert_true(reads("select s.k, sum(s."
			  "a23456789012345678901234567890123456789012345678901"
			  "2345678901234) as c from p.sums s " WHERE,
			  "a23456789012345678901234567890123456789012345678901"
			  "234567890123"));
}

static void whole_rows_are_every_column(void **state)
{
	(void)state;
	assert_true(reads("select s.k, count(s) as c from p.sums s " WHERE,
			  "total"));
	assert_true(reads("select s.k, count(s.*) as c from p.sums s " WHERE,
			  "total"));
	assert_true(reads("select s.k, count(*) as c from p.sums s, lateral "
			  "(select * from (values (1)) v (a)) x " WHERE,
			  "total"));
	assert_true(reads("select s.k, count(*) as c from p.sums s natural "
			  "join (values ('a', 1)) v (k, a) " WHERE,
			  "total"));
}

static void a_second_reference_may_read_anything(void **state)
{
	(void)state;
	assert_true(reads("select s.k, count(*) as c from p.sums s "
			  "where /*+ incremental(s.k) */ true and exists "
			  "(select from p.sums x where x is not null) "
			  "group by 1",
			  "total"));
}

static void nobody_reads_what_has_no_readers(void **state)
{
	(void)state;
	assert_false(reads("select r.k, count(*) as c from staging.r r "
			   "where /*+ incremental(r.k) */ true group by 1",
			   "total"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_column_that_is_not_named_is_not_read),
		cmocka_unit_test(a_column_that_is_named_is_read),
		cmocka_unit_test(whole_rows_are_every_column),
		cmocka_unit_test(a_second_reference_may_read_anything),
		cmocka_unit_test(nobody_reads_what_has_no_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
