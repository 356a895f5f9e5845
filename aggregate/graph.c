#include "aggregate/graph.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

static int by_consumer(const void *a, const void *b)
{
	const struct graph_edge *x = a, *y = b;

	if (x->consumer != y->consumer)
		return x->consumer < y->consumer ? -1 : 1;
	return (x->input > y->input) - (x->input < y->input);
}

static int by_input(const void *a, const void *b)
{
	const struct graph_edge *x = a, *y = b;

	if (x->input != y->input)
		return x->input < y->input ? -1 : 1;
	return (x->consumer > y->consumer) - (x->consumer < y->consumer);
}

/* Sorted edges, each once; returns how many are left. */
static size_t drop_doubles(struct graph_edge *edge, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (n == 0 || by_consumer(&edge[n - 1], &edge[i]) != 0)
			edge[n++] = edge[i];
	return n;
}

static void connect(struct graph *graph, struct graph_edge *edge, size_t count)
{
	size_t *input = arena_alloc(&graph->arena, (count + 1) * sizeof *input);
	size_t *consumer =
		arena_alloc(&graph->arena, (count + 1) * sizeof *consumer);

	for (size_t i = 0; i < count; i++) {
		struct graph_node *node = &graph->node[edge[i].consumer];

		input[i] = edge[i].input;
		if (node->input_count++ == 0)
			node->input = &input[i];
	}
	qsort(edge, count, sizeof *edge, by_input);
	for (size_t i = 0; i < count; i++) {
		struct graph_node *node = &graph->node[edge[i].input];

		consumer[i] = edge[i].consumer;
		if (node->consumer_count++ == 0)
			node->consumer = &consumer[i];
	}
}

/* Takes, again and again, the first by name whose inputs have all been taken.
 * waits[i] ends above 0 for the nodes of a cycle and what reads them.  Returns
 * how many were taken. */
static size_t sort(struct graph *graph, const char *const *name, size_t *waits)
{
	size_t taken = 0;

	for (size_t i = 0; i < graph->count; i++)
		waits[i] = graph->node[i].input_count;
	while (taken < graph->count) {
		size_t next = SIZE_MAX;

		for (size_t i = 0; i < graph->count; i++)
			if (waits[i] == 0 && (next == SIZE_MAX ||
					      strcmp(name[i], name[next]) < 0))
				next = i;
		if (next == SIZE_MAX)
			break;
		graph->order[taken++] = next;
		waits[next] = SIZE_MAX; /* never again */
		for (size_t i = 0; i < graph->node[next].consumer_count; i++)
			waits[graph->node[next].consumer[i]]--;
	}
	return taken;
}

/* An input of node that waits itself. */
static size_t waiting_input(const struct graph *graph, size_t node,
			    const size_t *waits)
{
	const struct graph_node *n = &graph->node[node];
	size_t i = 0;

	while (waits[n->input[i]] == SIZE_MAX)
		i++;
	return n->input[i];
}

/* Every node that waits has an input that waits: following those for as many
 * steps as there are nodes ends inside a cycle. */
static bool refuse_cycle(const struct graph *graph, const char *const *name,
			 const size_t *waits, struct error *err)
{
	struct buf path = BUF_INIT;
	size_t at = 0, first;

	while (waits[at] == SIZE_MAX)
		at++;
	for (size_t i = 0; i < graph->count; i++)
		at = waiting_input(graph, at, waits);
	first = at;
	for (size_t i = waiting_input(graph, at, waits); i != at;
	     i = waiting_input(graph, i, waits))
		if (strcmp(name[i], name[first]) < 0)
			first = i;
	at = first;
	do {
		buf_format(&path, "%s -> ", name[at]);
		at = waiting_input(graph, at, waits);
	} while (at != first);
	error_config(err, "models read each other in a circle: %s%s",
		     buf_text(&path), name[first]);
	buf_release(&path);
	return false;
}

bool graph_open(struct graph **out, const char *const *name, size_t count,
		const struct graph_edge *edge, size_t edge_count,
		struct error *err)
{
	struct graph *graph = mem_zalloc(1, sizeof *graph);
	struct graph_edge *sorted =
		mem_alloc((edge_count + 1) * sizeof *sorted);
	size_t *waits = mem_alloc((count + 1) * sizeof *waits);
	bool ok;

	graph->count = count;
	graph->node =
		arena_zalloc(&graph->arena, (count + 1) * sizeof *graph->node);
	graph->order =
		arena_zalloc(&graph->arena, (count + 1) * sizeof *graph->order);
	if (edge_count > 0)
		memcpy(sorted, edge, edge_count * sizeof *sorted);
	qsort(sorted, edge_count, sizeof *sorted, by_consumer);
	connect(graph, sorted, drop_doubles(sorted, edge_count));
	ok = sort(graph, name, waits) == count ||
	     refuse_cycle(graph, name, waits, err);
	free(waits);
	free(sorted);
	if (ok)
		*out = graph;
	else
		graph_close(graph);
	return ok;
}

void graph_close(struct graph *graph)
{
	if (!graph)
		return;
	arena_release(&graph->arena);
	free(graph);
}

void graph_reach(const struct graph *graph, size_t node,
		 enum graph_direction direction, size_t depth, bool *reached)
{
	size_t *queue = mem_alloc((graph->count + 1) * sizeof *queue);
	size_t *distance = mem_alloc((graph->count + 1) * sizeof *distance);
	size_t count = 0;

	for (size_t i = 0; i < graph->count; i++)
		distance[i] = SIZE_MAX;
	distance[node] = 0;
	queue[count++] = node;
	for (size_t i = 0; i < count; i++) {
		const struct graph_node *n = &graph->node[queue[i]];
		const size_t *next =
			direction == GRAPH_UPSTREAM ? n->input : n->consumer;
		size_t next_count = direction == GRAPH_UPSTREAM
					    ? n->input_count
					    : n->consumer_count;

		reached[queue[i]] = true;
		for (size_t j = 0; j < next_count; j++) {
			if (distance[queue[i]] == depth ||
			    distance[next[j]] != SIZE_MAX)
				continue;
			distance[next[j]] = distance[queue[i]] + 1;
			queue[count++] = next[j];
		}
	}
	free(distance);
	free(queue);
}
