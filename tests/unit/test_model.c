#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "aggregate/model.h"
#include "common/buf.h"
#include "common/mem.h"

static struct model *parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct model *model = NULL;

	if (!model_parse(&model, "model.sql", "shop", "daily", text, &err))
		fail_msg("%s", err.text);
	return model;
}

static char *read_text(const char *folder, const char *name)
{
	char *path = mem_format("%s/%s", folder, name);
	char *text = mem_zalloc(1, 65536);
	FILE *in = fopen(path, "rb");

	if (!in)
		fail_msg("cannot read %s", path);
	assert_true(fread(text, 1, 65535, in) < 65535);
	fclose(in);
	free(path);
	return text;
}

static const char full_header[] =
	"-- Likes, as an example.\n"
	"-- config:\n"
	"--   materialized: incremental      # a remark\n"
	"--   strategy: recompute\n"
	"--   by: [User_ID, \"Time Of\" minute, day day]\n"
	"--   touch: 90s\n"
	"--   unique_key: [user_id, day]   # another\n"
	"--   index: (did, event_at)\n"
	"--   lookups: [shop.words on_change=ignore, shop.users, shop.x "
	"on_change=as_of]\n"
	"--   index: (lower(name))\n"
	"--\n"
	"--   tags: [daily, every_30_mins]\n"
	"--   export: metrics/likes.csv ORDER BY time desc, user_id\n"
	"--   owner: metrics@example.org\n"
	"-- description: Likes per minute\n"
	"--   of event time: all of them.\n"
	"-- tests:\n"
	"--   - unique: [user_id, day]\n"
	"--   - not_null: day   severity=warn\n"
	"--   - expression: likes > 0 and x <> 'a, b'\n"
	"--   - accepted_values: country [NL, 'D, E', \"F\"\"R\"]   "
	"severity=warn warn_if=>10 error_if=>=20\n"
	"\n"
	"select x.*, x.day -- the day\n"
	"from shop.likes x\n"
	"where /*+ incremental(x.did, *, X.Day) */ true\n"
	" and x.w in (select w.w from shop.words w, shop.users, shop.x)\n"
	"  ;\n"
	"-- the end\n";

static void a_header_sets_what_it_says(void **state)
{
	struct model *m = parse(full_header);

	(void)state;
	assert_string_equal(m->name, "shop.daily");
	assert_string_equal(m->pack, "shop");
	assert_string_equal(m->base, "daily");
	assert_string_equal(m->file, "model.sql");
	assert_string_equal(m->text, full_header);
	assert_string_equal(m->description,
			    "Likes per minute of event time: all of them.");
	assert_string_equal(m->owner, "metrics@example.org");
	assert_int_equal(m->materialized, MATERIALIZED_INCREMENTAL);
	assert_int_equal(m->strategy, STRATEGY_RECOMPUTE);
	assert_int_equal(m->by_count, 3);
	assert_string_equal(m->by[0].name, "user_id");
	assert_int_equal(m->by[0].grain, GRAIN_NONE);
	assert_string_equal(m->by[1].name, "Time Of");
	assert_int_equal(m->by[1].grain, GRAIN_MINUTE);
	assert_string_equal(m->by[2].name, "day");
	assert_int_equal(m->by[2].grain, GRAIN_DAY);
	assert_int_equal(m->touch_us, 90 * 1000000);
	assert_int_equal(m->unique_key_count, 2);
	assert_string_equal(m->unique_key[1], "day");
	assert_int_equal(m->index_count, 2);
	assert_string_equal(m->index[0], "(did, event_at)");
	assert_string_equal(m->index[1], "(lower(name))");
	assert_int_equal(m->lookup_count, 3);
	assert_string_equal(m->lookup[0].relation, "shop.words");
	assert_int_equal(m->lookup[0].on_change, ON_CHANGE_IGNORE);
	assert_int_equal(m->lookup[1].on_change, ON_CHANGE_RECOMPUTE);
	assert_int_equal(m->lookup[2].on_change, ON_CHANGE_AS_OF);
	assert_int_equal(m->tag_count, 2);
	assert_string_equal(m->tag[1], "every_30_mins");
	assert_string_equal(m->export_path, "metrics/likes.csv");
	assert_string_equal(m->export_order, "time desc, user_id");
	assert_null(m->rows);
	model_close(m);
}

static void the_query_is_the_text_without_header_and_semicolon(void **state)
{
	struct model *m = parse(full_header);
	const char *from = strstr(full_header, "select x.*");
	const char *to = strstr(full_header, "\n  ;\n");

	(void)state;
	assert_int_equal(strlen(m->sql), to - from);
	assert_memory_equal(m->sql, from, strlen(m->sql));
	assert_int_equal(m->sql_line, 23);
	model_close(m);
	m = parse("select 1 as a -- remark\n\n");
	assert_string_equal(m->sql, "select 1 as a -- remark");
	assert_int_equal(m->sql_line, 1);
	model_close(m);
	m = parse(
		"\r\n-- config:\r\n--   strategy: full\r\nselect 1 as a;\r\n");
	assert_string_equal(m->sql, "select 1 as a");
	assert_int_equal(m->strategy, STRATEGY_FULL);
	assert_int_equal(m->sql_line, 4);
	model_close(m);
}

static void a_marker_knows_its_relation_and_its_place(void **state)
{
	struct model *m = parse(full_header);
	const struct marker *k = &m->marker[0];

	(void)state;
	assert_int_equal(m->reference_count, 4);
	assert_int_equal(m->marker_count, 1);
	assert_string_equal(k->alias, "x");
	assert_string_equal(k->relation, "shop.likes");
	assert_int_equal(k->reference, 0);
	assert_int_equal(k->line, 25);
	assert_int_equal(k->column_count, 3);
	assert_string_equal(k->column[0], "did");
	assert_null(k->column[1]);
	assert_string_equal(k->column[2], "day");
	assert_memory_equal(m->sql + k->start,
			    "/*+ incremental(x.did, *, X.Day) */ true",
			    k->end - k->start);
	assert_memory_equal(m->sql + m->reference[0].start, "shop.likes",
			    m->reference[0].end - m->reference[0].start);
	assert_int_equal(m->reference[0].line, 24);
	assert_int_equal(m->reference[3].line, 26);
	assert_string_equal(m->reference[2].alias, "");
	model_close(m);
}

static void assert_test(const struct model_test *test, const char *name,
			int64_t warn, int64_t error, int line)
{
	assert_string_equal(test->name, name);
	assert_int_equal(test->warn_above, warn);
	assert_int_equal(test->error_above, error);
	assert_int_equal(test->line, line);
}

static void tests_come_from_the_header(void **state)
{
	struct model *m = parse(full_header);

	(void)state;
	assert_int_equal(m->test_count, 4);
	assert_test(&m->test[0], "unique(user_id,day)", 0, 0, 18);
	assert_int_equal(m->test[0].column_count, 2);
	assert_int_equal(m->test[0].severity, SEVERITY_ERROR);
	assert_test(&m->test[1], "not_null(day)", 0, INT64_MAX, 19);
	assert_int_equal(m->test[1].severity, SEVERITY_WARN);
	assert_test(&m->test[2], "expression(likes > 0 and x <> 'a, b')", 0, 0,
		    20);
	assert_string_equal(m->test[2].expression, "likes > 0 and x <> 'a, b'");
	assert_test(&m->test[3], "accepted_values(country)", 10, 19, 21);
	assert_int_equal(m->test[3].value_count, 3);
	assert_string_equal(m->test[3].value[0], "NL");
	assert_string_equal(m->test[3].value[1], "D, E");
	assert_string_equal(m->test[3].value[2], "F\"R");
	model_close(m);
}

static void tests_stand_behind_columns_too(void **state)
{
	struct model *m = parse(
		"select date_trunc('day', o.at) as day   -- not_null, unique\n"
		"     , o.country, -- accepted_values(NL, 'B,E') "
		"severity=warn\n"
		"       o.\"Odd\"::text -- not_null accepted_values(x)\n"
		"     , count(*) likes   -- how many\n"
		"from shop.orders o -- union\n"
		"group by 1 -- first\n");

	(void)state;
	assert_int_equal(m->test_count, 5);
	assert_test(&m->test[0], "not_null(day)", 0, 0, 1);
	assert_test(&m->test[1], "unique(day)", 0, 0, 1);
	assert_test(&m->test[2], "accepted_values(country)", 0, INT64_MAX, 2);
	assert_int_equal(m->test[2].value_count, 2);
	assert_string_equal(m->test[2].value[1], "B,E");
	assert_test(&m->test[3], "not_null(Odd)", 0, 0, 3);
	assert_test(&m->test[4], "accepted_values(Odd)", 0, 0, 3);
	assert_string_equal(m->test[4].column[0], "Odd");
	model_close(m);
}

static void what_is_left_unsaid_follows_from_what_is_said(void **state)
{
	struct model *m = parse("select 1 as a");

	(void)state;
	assert_int_equal(m->materialized, MATERIALIZED_VIEW);
	assert_int_equal(m->strategy, STRATEGY_NONE);
	assert_string_equal(m->description, "");
	assert_string_equal(m->owner, "");
	model_close(m);
	m = parse("-- config:\n--   materialized: table\nselect 1 as a");
	assert_int_equal(m->strategy, STRATEGY_FULL);
	model_close(m);
	m = parse("-- config:\n--   strategy: full\nselect 1 as a");
	assert_int_equal(m->materialized, MATERIALIZED_TABLE);
	model_close(m);
	m = parse("-- config:\n--   materialized: incremental\n"
		  "--   strategy: full\nselect 1 as a");
	assert_int_equal(m->materialized, MATERIALIZED_INCREMENTAL);
	assert_int_equal(m->strategy, STRATEGY_FULL);
	model_close(m);
}

static void plain_comments_may_stand_in_a_header(void **state)
{
	struct model *m = parse("-- see https://example.org\n"
				"--\n"
				"--     indented: text\n"
				"-- Note: this is one\n"
				"-- config:\n"
				"--   # nothing here\n"
				"--   tags: a\n"
				"-- And the end.\n"
				"select 1 as a");

	(void)state;
	assert_int_equal(m->tag_count, 1);
	model_close(m);
}

static void a_view_may_ask_the_clock_and_limit(void **state)
{
	struct model *m = parse("select now() as at, o.id from shop.orders o "
				"where o.id > random() limit 3");

	(void)state;
	assert_int_equal(m->reference_count, 1);
	model_close(m);
}

static void columns_named_like_clocks_are_columns(void **state)
{
	struct model *m = parse("-- config:\n--   strategy: full\n"
				"select o.current_date as now, o.random, 'now' "
				"as x, shop.now() as y, \"now\" as z\n"
				"from shop.orders o where o.note = 'today'");

	(void)state;
	assert_int_equal(m->strategy, STRATEGY_FULL);
	model_close(m);
}

static void a_delta_may_group_in_many_ways(void **state)
{
	static const char *const groups[] = {"1, 2",
					     "o.id, lower(o.x)",
					     "o.id, (select 1 as z)",
					     "(1, 2)",
					     "grouping sets ((1, 2), (1))",
					     "rollup (1, 2)",
					     "o.id, o.x"};

	(void)state;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		char *text = mem_format(
			"-- config:\n--   strategy: delta\n"
			"--   unique_key: [id, \"X\"]\n"
			"select o.id, o.x as \"X\", count(*) as n\n"
			"from shop.orders o\n"
			"where /*+ incremental(o.id) */ true\ngroup by %s",
			groups[i]);

		model_close(parse(text));
		free(text);
	}
}

static void a_delta_counts_and_sums(void **state)
{
	static const char *const measures[] = {
		"count(*) as n",
		"count(*)",
		"COUNT (o.x) n",
		"count(o.x)::numeric as n",
		"sum(o.v)::bigint as n",
		"coalesce(sum(o.v), 0) as n",
		"coalesce(sum(o.v * (1 + o.w))::bigint, 0)::numeric as n",
		"sum(o.v) filter (where o.w in (1, 2)) as n",
		"coalesce(sum(o.v) filter (where max > 1), 0) n",
		"count(*) as n, sum(max(o.v, distinct_one(o.w))) as m",
	};

	(void)state;
	for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
		char *text = mem_format("-- config:\n--   strategy: delta\n"
					"--   unique_key: [id]\n"
					"select o.id, %s from shop.orders o\n"
					"where /*+ incremental(o.id) */ true\n"
					"group by 1",
					measures[i]);

		model_close(parse(text));
		free(text);
	}
}

static void what_does_not_carry_marked_rows_may_do_anything(void **state)
{
	static const char *const texts[] = {
		"-- config:\n--   strategy: append\n--   unique_key: id\n"
		"select distinct o.id from shop.orders o\n"
		"cross join lateral (select distinct t.x from unnest(o.xs) t "
		"(x)"
		" group by t.x order by 1 limit 3) l\n"
		"where /*+ incremental(o.id) */ true and o.id in ("
		"select max(i.id) over () from shop.items i group by i.id "
		"except select u.id from shop.users u limit 1)",
		"-- config:\n--   strategy: merge\n--   unique_key: id\n"
		"--   order_by: at\n"
		"with c as (select i.id, count(*) as n from shop.items i "
		"group by 1), unused as (select distinct c.id from c)\n"
		"select q.id, q.at, c.n from (select o.id, o.at, row_number() "
		"over (partition by o.id order by o.at) as r\n"
		"from shop.orders o where /*+ incremental(o.id) */ true) q "
		"join c on c.id = q.id where q.r = 1",
		"-- config:\n--   strategy: recompute\n--   by: id\n"
		"select distinct q.id, count(*) over () as n from (select o.id "
		"from shop.orders o where /*+ incremental(o.id) */ true "
		"group by 1 having count(*) > 1 limit 3) q"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		model_close(parse(texts[i]));
}

static void a_union_all_may_follow_one_relation_per_branch(void **state)
{
	static const char header[] = "-- config:\n--   strategy: append\n";
	static const char *const body[] = {
		"select e.id from shop.a e where /*+ incremental(e.id) */ true"
		" union all "
		"select e.id from shop.b e where /*+ incremental(e.id) */ true",
		"(select e.id from shop.a e where /*+ incremental(e.id) */ "
		"true)"
		" union all "
		"(select e.id from shop.b e where /*+ incremental(e.id) */ "
		"true)",
		"with u as (select e.id from shop.a e where "
		"/*+incremental(e.id)*/ true union all select e.id from shop.b "
		"e where/*+\tincremental\n(e.id)\t*/\ntrue) select u.id from u",
		"select q.id from (select e.id from shop.a e where "
		"/*+ incremental(e.id) */ true) q union all select r.id from "
		"(select e.id from shop.b e where /*+ incremental(e.id) */ "
		"true) r"};

	(void)state;
	for (size_t i = 0; i < sizeof body / sizeof *body; i++) {
		char *text = mem_format("%s%s", header, body[i]);
		struct model *m = parse(text);

		assert_int_equal(m->marker_count, 2);
		assert_string_equal(m->marker[0].relation, "shop.a");
		assert_string_equal(m->marker[1].relation, "shop.b");
		model_close(m);
		free(text);
	}
}

#define MARK "/*+ incremental(e.id) */ true"

/* Rows that a marked relation's own WHERE leaves out, and only those. */
static void a_marker_knows_which_rows_matter(void **state)
{
	static const char header[] =
		"-- config:\n--   materialized: incremental\n"
		"--   strategy: recompute\n--   by: id\n";
	static const struct {
		size_t count;
		const char *body;
	} cases[] = {
		{0, "from shop.a e where " MARK},
		{1, "from shop.a e where " MARK " and e.kind = 'x'"},
		{1,
		 "from shop.a e where " MARK " and E.Kind = 'x' group by e.id"},
		{2, "from shop.a e where " MARK
		    " and e.kind = 'x' and e.\"B c\" = "
		    "E'y'"},
		{1,
		 "from shop.a e where " MARK " and e.kind = 'x' and e.n > 1"},
		{1, "from shop.a e where " MARK " and e.kind = 'x' "
		    "and (e.n > 1 or e.n = 0)"},
		{0, "from shop.a e where " MARK " and e.kind = 'x' or e.n > 1"},
		{0, "from shop.a e where " MARK " and e.kind = 'x' and e.n = 2 "
		    "or e.n > 1"},
		{0, "from shop.a e where " MARK " or e.kind = 'x'"},
		{0, "from shop.a e where not " MARK " and e.kind = 'x'"},
		{0,
		 "from shop.a e where e.n = 1 and " MARK " and e.kind = 'x'"},
		{0, "from shop.a e where " MARK " and e.kind = 'x' || 'y'"},
		{0, "from shop.a e where " MARK " and e.kind = 'x'::text"},
		{0, "from shop.a e where " MARK " and e.kind <> 'x'"},
		{0, "from shop.a e where " MARK " and e.kind = e.other"},
		{0, "from shop.a e where " MARK " and e.kind = 1"},
		{0, "from shop.a e left join shop.b f on " MARK
		    " and e.kind = 'x'"},
		{0, "from shop.a e join shop.b f on e.id = f.id where " MARK " "
		    "and f.kind = 'x'"},
		{0, "from shop.a e where exists (select from shop.b f "
		    "where " MARK " and e.kind = 'x')"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *body = cases[i].body;
		char *text = mem_format("%sselect e.id %s", header, body);
		struct model *m = parse(text);

		if (m->marker[0].filter_count != cases[i].count)
			fail_msg("%zu for: %s", m->marker[0].filter_count,
				 body);
		if (cases[i].count) {
			assert_string_equal(m->marker[0].filter[0].column,
					    "kind");
			assert_string_equal(m->marker[0].filter[0].literal,
					    "'x'");
		}
		model_close(m);
		free(text);
	}
}

/* tests/models-bad/<case>: model.sql, and the error that it must give. */
static void check_bad(const char *name)
{
	char *folder = mem_format("tests/models-bad/%s", name);
	char *text = read_text(folder, "model.sql");
	char *expected = read_text(folder, "expected");
	struct error err = ERROR_INIT;
	struct model *model;

	expected[strcspn(expected, "\n")] = '\0';
	if (model_parse(&model, "model.sql", "shop", "orders", text, &err))
		fail_msg("%s: accepted", name);
	if (strcmp(err.text, expected) != 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(err.status, STATUS_CONFIG);
	free(expected);
	free(text);
	free(folder);
}

static void a_malformed_model_is_told_file_line_and_remedy(void **state)
{
	struct dirent **name;
	int count = scandir("tests/models-bad", &name, NULL, alphasort);
	int checked = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		if (name[i]->d_name[0] != '.') {
			check_bad(name[i]->d_name);
			checked++;
		}
		free(name[i]);
	}
	free(name);
	assert_true(checked > 100);
}

/* Whether the two texts are the same code. */
static bool same_code(const char *a, const char *b)
{
	struct model *x = parse(a), *y = parse(b);
	bool same = memcmp(x->code_hash, y->code_hash, 16) == 0;

	model_close(x);
	model_close(y);
	return same;
}

#define CODE                                                                   \
	"-- config:\n--   strategy: merge\n--   unique_key: id\n"              \
	"--   order_by: at\n"
#define QUERY                                                                  \
	"select o.id, o.at, 'A b' as x from shop.orders o where "              \
	"/*+ incremental(o.id) */ true"

static void comments_and_blanks_do_not_change_the_code(void **state)
{
	(void)state;
	assert_true(same_code(CODE QUERY, CODE QUERY));
	assert_true(same_code(
		CODE QUERY,
		"-- description: new\n-- config:\n--   owner: me\n"
		"--   order_by:   at # first\n--   strategy: merge\n"
		"--   tags: [a]\n--   unique_key: [ID]\n"
		"--   export: a.csv\n-- tests:\n--   - unique: id\n"
		"SELECT o.id -- not_null\n , O.at,\t'A b' AS x /* y */\n"
		"FROM shop.orders o WHERE /*+incremental( o.id )*/TRUE ; -- "
		"z"));
}

static void what_changes_rows_changes_the_code(void **state)
{
	static const char *const other[] = {
		CODE "select o.id, o.at, 'a b' as x from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A  b' as x from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A b' as y from shop.orders o where "
		     "/*+ incremental(o.id) */ true",
		CODE "select o.id, o.at, 'A b' as x from shop.orders o where "
		     "/*+ incremental(o.at) */ true",
		CODE "select o.id, o.at, 'A b' as x from shop.\"Orders\" o "
		     "where /*+ incremental(o.id) */ true",
		CODE "--   index: (at)\n" QUERY,
		"-- config:\n--   strategy: merge\n--   unique_key: id\n"
		"--   order_by: at desc\n" QUERY,
		"-- config:\n--   strategy: merge\n--   unique_key: [id, at]\n"
		"--   order_by: at\n" QUERY,
		"-- config:\n--   strategy: append\n--   unique_key: "
		"id\n" QUERY,
		"-- config:\n--   strategy: recompute\n--   by: id\n" QUERY,
		"-- config:\n--   strategy: recompute\n--   by: at day\n" QUERY,
	};
	size_t count = sizeof other / sizeof *other;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_false(same_code(CODE QUERY, other[i]));
		for (size_t j = 0; j < i; j++)
			assert_false(same_code(other[i], other[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_sets_what_it_says),
		cmocka_unit_test(
			the_query_is_the_text_without_header_and_semicolon),
		cmocka_unit_test(a_marker_knows_its_relation_and_its_place),
		cmocka_unit_test(a_marker_knows_which_rows_matter),
		cmocka_unit_test(tests_come_from_the_header),
		cmocka_unit_test(tests_stand_behind_columns_too),
		cmocka_unit_test(what_is_left_unsaid_follows_from_what_is_said),
		cmocka_unit_test(plain_comments_may_stand_in_a_header),
		cmocka_unit_test(a_view_may_ask_the_clock_and_limit),
		cmocka_unit_test(columns_named_like_clocks_are_columns),
		cmocka_unit_test(a_delta_may_group_in_many_ways),
		cmocka_unit_test(a_delta_counts_and_sums),
		cmocka_unit_test(
			what_does_not_carry_marked_rows_may_do_anything),
		cmocka_unit_test(
			a_union_all_may_follow_one_relation_per_branch),
		cmocka_unit_test(
			a_malformed_model_is_told_file_line_and_remedy),
		cmocka_unit_test(comments_and_blanks_do_not_change_the_code),
		cmocka_unit_test(what_changes_rows_changes_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
