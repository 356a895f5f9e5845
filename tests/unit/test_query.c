#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "aggregate/query.h"
#include "common/buf.h"

static const char reads_folder[] = "tests/reads";

static char *read_text(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *in = fopen(path, "rb");

	assert_non_null(in);
	assert_true(fread(text, 1, 65535, in) > 0);
	fclose(in);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The relations of a query, sorted, each once: `a.b, c.d`. */
static void join_reads(const struct query *query, struct buf *out)
{
	const char *name[64];
	size_t count = query->reference_count;

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++)
		name[i] = query->reference[i].name.relation;
	qsort(name, count, sizeof *name, by_text);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(name[i - 1], name[i]) != 0)
			buf_format(out, "%s%s", i > 0 ? ", " : "", name[i]);
}

/* The last line of each file is PostgreSQL's answer: tests/oracle/reads.py. */
static void check_reads(const char *file)
{
	static const char mark[] = "-- reads: ";
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct buf path = BUF_INIT, reads = BUF_INIT;
	struct query query;
	char *text, *expected;

	buf_format(&path, "%s/%s", reads_folder, file);
	text = read_text(buf_text(&path));
	expected = strstr(text, mark);
	assert_non_null(expected);
	expected += strlen(mark);
	expected[strcspn(expected, "\n")] = '\0';
	if (!query_read(&query, text, file, 1, "shop", &arena, &arena, &err))
		fail_msg("%s", err.text);
	join_reads(&query, &reads);
	if (strcmp(buf_text(&reads), expected) != 0)
		fail_msg("%s reads %s, found %s", file, expected,
			 buf_text(&reads));
	for (size_t i = 0; i < query.reference_count; i++) {
		const struct reference *r = &query.reference[i].name;

		assert_true(r->start < r->end && r->end <= query.end);
		assert_true(r->line >= 1);
	}
	buf_release(&reads);
	buf_release(&path);
	arena_release(&arena);
	free(text);
}

static void a_query_reads_what_postgresql_says_it_reads(void **state)
{
	struct dirent **name;
	int count = scandir(reads_folder, &name, NULL, alphasort), checked = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(name[i]->d_name);

		if (len > 4 && strcmp(name[i]->d_name + len - 4, ".sql") == 0) {
			check_reads(name[i]->d_name);
			checked++;
		}
		free(name[i]);
	}
	free(name);
	assert_true(checked >= 30);
}

static void assert_refused(const char *text, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct query query;

	if (query_read(&query, text, "q.sql", 1, "shop", &arena, &arena, &err))
		fail_msg("accepted: %s", text);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(err.status, STATUS_CONFIG);
	arena_release(&arena);
}

static const struct {
	const char *text, *expected;
} refused[] = {
	{"", "q.sql:1: there is no query"},
	{"\n -- nothing\n", "q.sql:3: there is no query"},
	{"insert into a.b select 1", "q.sql:1: expected a query that "
				     "reads (select, with, values or "
				     "table), found \"insert\""},
	{"DROP TABLE a.b", "q.sql:1: expected a query that reads "
			   "(select, with, values or "
			   "table), found \"DROP\""},
	{"with d as (delete from a.b returning id) select d.id from d",
	 "q.sql:1: expected a query (select, with, values or table), "
	 "found \"delete\""},
	{"with d as (select 1) insert into a.b select 1",
	 "q.sql:1: expected a query (select, with, values or table), "
	 "found \"insert\""},
	{"select 1;\nselect 2", "q.sql:2: a second statement begins "
				"here: a model is one query"},
	{"select 1; ; drop table a.b",
	 "q.sql:1: a second statement begins here: a model is one "
	 "query"},
	{"select 1 into a.b",
	 "q.sql:1: \"select into\" makes a table: a model only reads"},
	{"select o.id from a.b o\nfor update",
	 "q.sql:2: \"for update\" and its like lock rows: a model only "
	 "reads"},
	{"select (select o.id from a.b o for share)",
	 "q.sql:1: \"for update\" and its like lock rows: a model only "
	 "reads"},
	{"select 1)", "q.sql:1: expected the end of the query, found "
		      "\")\""},
	{"select (1", "q.sql:1: the query ends where \")\" is expected"},
	{"select (1; 2)", "q.sql:1: expected \")\", found \";\""},
	{"select a[1)", "q.sql:1: expected \"]\", found \")\""},
	{"select 1 from", "q.sql:1: the query ends where a relation is "
			  "expected"},
	{"select 1 from 'x'", "q.sql:1: expected a relation, found \"'x'\""},
	{"select 1 from a.", "q.sql:1: the query ends where a relation "
			     "is expected"},
	{"select 1\nfrom events e",
	 "q.sql:2: \"events\" needs its schema: write shop.events, or "
	 "staging.events if it is a stream"},
	{"with c as (select 1) select 1 from a.b join d on true",
	 "q.sql:1: \"d\" needs its schema: write shop.d, or staging.d "
	 "if it is a stream"},
	{"with c as (select c.id from c) select 1",
	 "q.sql:1: \"c\" needs its schema: write shop.c, or staging.c "
	 "if it is a stream"},
	{"select 1 from (with c as (select 1) select 1) q, c",
	 "q.sql:1: \"c\" needs its schema: write shop.c, or staging.c "
	 "if it is a stream"},
	{"select 1 from db.a.b", "q.sql:1: \"db.a.b\" has too many "
				 "parts: a relation is written "
				 "schema.name"},
	{"select 1 from only a.b", "q.sql:1: \"only\" leaves out the "
				   "partitions, which hold the rows"},
	{"select 1 from a.b *", "q.sql:1: expected an alias, join, or "
				"the next clause, found \"*\""},
	{"select 1 from a.b x tablesample system (10)",
	 "q.sql:1: \"tablesample\" reads other rows each time: use a "
	 "where condition"},
	{"with c (select 1) select 1", "q.sql:1: expected \"as\", "
				       "found \"select\""},
	{"with 1 as (select 1) select 1",
	 "q.sql:1: expected the name of a WITH query, found \"1\""},
	{"with c as select 1", "q.sql:1: expected \"(\", found \"select\""},
	{"select 1 union", "q.sql:1: the query ends where a query "
			   "(select, with, values or table) is "
			   "expected"},
	{"select 'open", "q.sql:1: this string is never closed"},
	{"select \\d", "q.sql:1: a psql command (\\) is not SQL"},
};

static void what_is_not_one_reading_query_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_refused(refused[i].text, refused[i].expected);
}

static void nesting_has_a_limit_that_is_told(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	buf_add_text(&text, "select ");
	for (int i = 0; i < 100000; i++)
		buf_add_byte(&text, '(');
	assert_refused(buf_text(&text),
		       "q.sql:1: parentheses nest deeper than 100 levels");
	buf_reset(&text);
	buf_add_text(&text, "select 1 from ");
	for (int i = 0; i < 100000; i++)
		buf_add_byte(&text, '(');
	assert_refused(buf_text(&text),
		       "q.sql:1: parentheses nest deeper than 100 levels");
	buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		buf_add_byte(&text, '(');
	assert_refused(buf_text(&text),
		       "q.sql:1: parentheses nest deeper than 100 levels");
	buf_release(&text);
}

/* `a b ? *`: the names of the outer query's columns, ? where only PostgreSQL
 * knows. */
static void assert_columns(const char *text, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct buf names = BUF_INIT;
	struct query query;

	if (!query_read(&query, text, "q.sql", 1, "shop", &arena, &arena, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < query.item_count; i++) {
		const struct query_item *item = &query.item[i];

		buf_format(&names, "%s%s", i > 0 ? " " : "",
			   item->is_star  ? "*"
			   : item->column ? item->column
					  : "?");
	}
	assert_string_equal(buf_text(&names), expected);
	buf_release(&names);
	arena_release(&arena);
}

static void items_tell_their_columns_or_say_they_cannot(void **state)
{
	(void)state;
	assert_columns("select a, b.c, d.e.f from x.y a", "a c f");
	assert_columns("select a as x, b AS \"Y y\", c as from from x.y a",
		       "x Y y from");
	assert_columns("select Count(*) N, a.b[1] m, case when 1=1 then 2 end k"
		       " from x.y a",
		       "n m k");
	assert_columns("select a.Did User_Id, a.b \"Q\" from x.y a",
		       "user_id Q");
	assert_columns("select *, a.* from x.y a", "* *");
	assert_columns("select a.b::int, a.c::text::int from x.y a", "b c");
	assert_columns("select 1, 'x', null, true, a+b, f(x), -a",
		       "? ? ? ? ? ? ?");
	assert_columns("select a::double precision, a::timestamp with time "
		       "zone, not a, a is null, (a) isnull",
		       "? ? ? ? ?");
	assert_columns("select distinct on (a, b) a, (select b as c, d) as e",
		       "a e");
	assert_columns("select from x.y", "");
	assert_columns("select a from x.y union all select b from x.z", "a");
	assert_columns("with c as (select z from x.y) select q.a from "
		       "(select b as a from c) q",
		       "a");
	assert_columns("(select a from x.y) union select b from x.z", "a");
	assert_columns("values (1, 2)", "");
	assert_columns("table x.y", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_reads_what_postgresql_says_it_reads),
		cmocka_unit_test(what_is_not_one_reading_query_is_refused),
		cmocka_unit_test(nesting_has_a_limit_that_is_told),
		cmocka_unit_test(items_tell_their_columns_or_say_they_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
