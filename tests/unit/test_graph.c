#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/graph.h"
#include "common/buf.h"

static const char *const names[] = {"e", "d", "c", "b", "a", "z"};

enum { E, D, C, B, A, Z, COUNT };

static void assert_order(const struct graph *graph, const char *expected)
{
	struct buf order = BUF_INIT;

	for (size_t i = 0; i < graph->count; i++)
		buf_add_text(&order, names[graph->order[i]]);
	assert_string_equal(buf_text(&order), expected);
	buf_release(&order);
}

static void independent_nodes_come_in_alphabetical_order(void **state)
{
	struct error err = ERROR_INIT;
	struct graph *graph;

	(void)state;
	assert_true(graph_open(&graph, names, COUNT, NULL, 0, &err));
	assert_order(graph, "abcdez");
	graph_close(graph);
	assert_true(graph_open(&graph, names, 0, NULL, 0, &err));
	assert_int_equal(graph->count, 0);
	graph_close(graph);
}

static void inputs_come_before_consumers(void **state)
{
	/* z -> a -> c, z -> b; d waits for c and b, twice for b */
	static const struct graph_edge edges[] = {{A, C}, {Z, A}, {B, D},
						  {Z, B}, {C, D}, {B, D}};
	struct error err = ERROR_INIT;
	struct graph *graph;

	(void)state;
	assert_true(graph_open(&graph, names, COUNT, edges, 6, &err));
	assert_order(graph, "ezabcd");
	assert_int_equal(graph->node[D].input_count, 2);
	assert_int_equal(graph->node[D].input[0], C);
	assert_int_equal(graph->node[D].input[1], B);
	assert_int_equal(graph->node[Z].consumer_count, 2);
	assert_int_equal(graph->node[Z].consumer[0], B);
	assert_int_equal(graph->node[Z].consumer[1], A);
	assert_int_equal(graph->node[B].consumer_count, 1);
	assert_int_equal(graph->node[E].input_count, 0);
	graph_close(graph);
}

static void assert_cycle(const struct graph_edge *edges, size_t count,
			 const char *path)
{
	struct error err = ERROR_INIT;
	struct buf expected = BUF_INIT;
	struct graph *graph;

	buf_format(&expected, "models read each other in a circle: %s", path);
	assert_false(graph_open(&graph, names, COUNT, edges, count, &err));
	assert_string_equal(err.text, buf_text(&expected));
	assert_int_equal(err.status, STATUS_CONFIG);
	buf_release(&expected);
}

static void a_cycle_is_named_as_a_path(void **state)
{
	static const struct graph_edge self[] = {{C, C}};
	static const struct graph_edge pair[] = {{B, A}, {A, B}};
	/* a reads b reads c reads a; d and e hang on it, z feeds it */
	static const struct graph_edge tail[] = {{B, A}, {C, B}, {A, C},
						 {A, D}, {D, E}, {Z, C}};
	/* two cycles: the one found is always the same */
	static const struct graph_edge two[] = {{B, C}, {C, B}, {D, E}, {E, D}};

	(void)state;
	assert_cycle(self, 1, "c -> c");
	assert_cycle(pair, 2, "a -> b -> a");
	assert_cycle(tail, 6, "a -> b -> c -> a");
	assert_cycle(two, 4, "d -> e -> d");
}

static void assert_reach(const struct graph *graph, size_t node,
			 enum graph_direction direction, size_t depth,
			 const char *expected)
{
	bool reached[COUNT] = {false};
	struct buf found = BUF_INIT;

	graph_reach(graph, node, direction, depth, reached);
	for (size_t i = COUNT; i > 0; i--)
		if (reached[i - 1])
			buf_add_text(&found, names[i - 1]);
	assert_string_equal(buf_text(&found), expected);
	buf_release(&found);
}

static void reaching_counts_the_shortest_way(void **state)
{
	/* a -> b -> c -> d -> e, and a -> d */
	static const struct graph_edge edges[] = {
		{A, B}, {B, C}, {C, D}, {D, E}, {A, D}};
	struct error err = ERROR_INIT;
	struct graph *graph;

	(void)state;
	assert_true(graph_open(&graph, names, COUNT, edges, 5, &err));
	assert_reach(graph, A, GRAPH_DOWNSTREAM, 0, "a");
	assert_reach(graph, A, GRAPH_DOWNSTREAM, 1, "abd");
	assert_reach(graph, A, GRAPH_DOWNSTREAM, 2, "abcde");
	assert_reach(graph, A, GRAPH_DOWNSTREAM, SIZE_MAX, "abcde");
	assert_reach(graph, E, GRAPH_UPSTREAM, 1, "de");
	assert_reach(graph, E, GRAPH_UPSTREAM, 2, "acde");
	assert_reach(graph, E, GRAPH_UPSTREAM, SIZE_MAX, "abcde");
	assert_reach(graph, Z, GRAPH_UPSTREAM, SIZE_MAX, "z");
	graph_close(graph);
}

/* A ladder has 2^n paths: reaching must not walk them all. */
static void many_paths_are_one_walk(void **state)
{
	enum { RUNGS = 40 };
	struct graph_edge edges[RUNGS * 4];
	const char *name[2 * RUNGS + 2];
	bool reached[2 * RUNGS + 2] = {false};
	struct error err = ERROR_INIT;
	struct graph *graph;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 2 * RUNGS + 2; i++)
		name[i] = "same";
	for (size_t i = 0; i < RUNGS; i++)
		for (size_t from = 0; from < 2; from++)
			for (size_t to = 0; to < 2; to++)
				edges[n++] = (struct graph_edge){
					2 * i + from, 2 * i + 2 + to};
	assert_true(graph_open(&graph, name, 2 * RUNGS + 2, edges, n, &err));
	graph_reach(graph, 0, GRAPH_DOWNSTREAM, SIZE_MAX, reached);
	assert_true(reached[2 * RUNGS] && reached[2 * RUNGS + 1]);
	assert_false(reached[1]);
	graph_close(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(independent_nodes_come_in_alphabetical_order),
		cmocka_unit_test(inputs_come_before_consumers),
		cmocka_unit_test(a_cycle_is_named_as_a_path),
		cmocka_unit_test(reaching_counts_the_shortest_way),
		cmocka_unit_test(many_paths_are_one_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
