#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/model.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/mem.h"

/* Parses header and query, rewrites it and compares. */
static void assert_rewritten(const char *query, const char *const *subquery,
			     const char *expected)
{
	char *text = mem_format("-- config:\n--   strategy: recompute\n"
				"--   by: k\n%s",
				query);
	struct error err = ERROR_INIT;
	struct model *model;
	char *found;

	if (!model_parse(&model, "m.sql", "shop", "m", text, &err))
		fail_msg("%s", err.text);
	found = model_rewrite(model, subquery);
	assert_string_equal(found, expected);
	free(found);
	model_close(model);
	free(text);
}

static void a_marked_relation_becomes_a_subquery(void **state)
{
	static const char *const sub[] = {"select 1 as k"};

	(void)state;
	assert_rewritten("select e.k from shop.a e where "
			 "/*+ incremental(e.k) */ true and e.k > 0",
			 sub,
			 "select e.k from (select 1 as k\n) e where  true and "
			 "e.k > 0");
	assert_rewritten("select e.k from \"shop\" . a as \"e\" where "
			 "/*+ incremental(e.k) */\n TRUE",
			 sub,
			 "select e.k from (select 1 as k\n) as \"e\" where  "
			 "true");
	assert_rewritten("select e.k from shop.a e where/*+incremental(e.k)*/"
			 "true",
			 sub, "select e.k from (select 1 as k\n) e where true");
}

static void only_the_marked_reference_is_replaced(void **state)
{
	static const char *const sub[] = {"NEW"};

	(void)state;
	assert_rewritten(
		"select e.k, 'shop.a e' as s, $$shop.a e$$ as d -- shop.a e\n"
		"from /* shop.a e */ shop.a e join shop.a f on f.k = e.k\n"
		"where /*+ incremental(e.k) */ true and exists (\n"
		"  select from shop.a e where e.k = f.k)",
		sub,
		"select e.k, 'shop.a e' as s, $$shop.a e$$ as d -- shop.a e\n"
		"from /* shop.a e */ (NEW\n) e join shop.a f on f.k = e.k\n"
		"where  true and exists (\n"
		"  select from shop.a e where e.k = f.k)");
}

static void markers_may_stand_before_what_they_mark(void **state)
{
	static const char *const sub[] = {"ONE", "TWO"};

	(void)state;
	assert_rewritten("select (select max(i.k) from shop.b i where i.k = e.k"
			 " and /*+ incremental(i.k) */ true) as k\n"
			 "from shop.c c join shop.a e on /*+ incremental(e.k) "
			 "*/ true",
			 sub,
			 "select (select max(i.k) from (ONE\n) i where i.k = "
			 "e.k and  true) as k\n"
			 "from shop.c c join (TWO\n) e on  true");
}

static void a_marker_sees_the_aliases_around_it(void **state)
{
	static const char *const sub[] = {"ONE"};

	(void)state;
	assert_rewritten("select e.k from shop.a e, lateral (select 1 from "
			 "shop.b b where /*+ incremental(e.k) */ true) l",
			 sub,
			 "select e.k from (ONE\n) e, lateral (select 1 from "
			 "shop.b b where  true) l");
}

static void branches_may_use_the_same_alias(void **state)
{
	static const char query[] =
		"select e.k from shop.a e where /*+ incremental(e.k) */ true\n"
		"union all\n"
		"select e.k from shop.b e where /*+ incremental(e.k) */ true";
	static const char *const both[] = {"ONE", "TWO"};
	static const char *const second[] = {NULL, "TWO"};
	static const char *const none[] = {NULL, NULL};
	static const char plain[] = "select e.k from shop.a e where  true\n"
				    "union all\n"
				    "select e.k from shop.b e where  true";

	(void)state;
	assert_rewritten(query, both,
			 "select e.k from (ONE\n) e where  true\n"
			 "union all\n"
			 "select e.k from (TWO\n) e where  true");
	assert_rewritten(query, second,
			 "select e.k from shop.a e where  true\n"
			 "union all\n"
			 "select e.k from (TWO\n) e where  true");
	assert_rewritten(query, none, plain);
	assert_rewritten(query, NULL, plain);
}

static void quoting_leaves_no_way_out(void **state)
{
	static const char *const names[] = {"a", "B \"c"};
	struct buf out = BUF_INIT;

	(void)state;
	quote_identifiers(&out, names, 2);
	assert_string_equal(buf_text(&out), "\"a\", \"B \"\"c\"");
	buf_reset(&out);
	quote_relation(&out, "shop.a\"b");
	assert_string_equal(buf_text(&out), "\"shop\".\"a\"\"b\"");
	buf_reset(&out);
	quote_literal(&out, "it's");
	assert_string_equal(buf_text(&out), "'it''s'");
	buf_reset(&out);
	quote_literal(&out, "a\\'b");
	assert_string_equal(buf_text(&out), "E'a\\\\''b'");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_marked_relation_becomes_a_subquery),
		cmocka_unit_test(only_the_marked_reference_is_replaced),
		cmocka_unit_test(markers_may_stand_before_what_they_mark),
		cmocka_unit_test(a_marker_sees_the_aliases_around_it),
		cmocka_unit_test(branches_may_use_the_same_alias),
		cmocka_unit_test(quoting_leaves_no_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
