#include "model_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

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

static void a_touch_may_be_of_what_lies_before_alone(void **state)
{
	static const char *const touch[] = {"60s", "60s before"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = mem_format("-- config:\n"
					"--   materialized: incremental\n"
					"--   strategy: recompute\n"
					"--   by: [did, time minute]\n"
					"--   touch: %s\n"
					"select x.did, x.time from shop.likes x"
					" where /*+ incremental(x.did, x.time)"
					" */ true",
					touch[i]);
		struct model *m = parse(text);

		assert_int_equal(m->touch_us, 60 * 1000000);
		assert_int_equal(m->touch_before, i == 1);
		model_close(m);
		free(text);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_sets_what_it_says),
		cmocka_unit_test(a_touch_may_be_of_what_lies_before_alone),
		cmocka_unit_test(
			the_query_is_the_text_without_header_and_semicolon),
		cmocka_unit_test(a_marker_knows_its_relation_and_its_place),
		cmocka_unit_test(tests_come_from_the_header),
		cmocka_unit_test(tests_stand_behind_columns_too),
		cmocka_unit_test(what_is_left_unsaid_follows_from_what_is_said),
		cmocka_unit_test(plain_comments_may_stand_in_a_header),
		cmocka_unit_test(a_marker_knows_which_rows_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
