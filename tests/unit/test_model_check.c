#include "model_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "common/mem.h"

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
	(void)state;
	assert_true(check_cases("tests/models-bad", check_bad) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
