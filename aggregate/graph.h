/*
 * graph.h - what depends on what
 *
 * Nodes are numbers below count; an edge leads from an input to its consumer.
 * There is no cycle: graph_open refuses one and names it.  The order puts
 * inputs before consumers and is the same on every machine: among nodes that do
 * not wait for each other, alphabetical by name.
 */
#ifndef AGGREGATE_GRAPH_H
#define AGGREGATE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/error.h"

struct graph_edge {
	size_t input, consumer;
};

struct graph_node {
	size_t *input; /* ascending, each once */
	size_t input_count;
	size_t *consumer;
	size_t consumer_count;
};

struct graph {
	struct graph_node *node;
	size_t count;
	size_t *order; /* every node, inputs first */
	struct arena arena;
};

enum graph_direction { GRAPH_UPSTREAM, GRAPH_DOWNSTREAM };

/* name[i] is that of node i; edges may repeat.  A cycle is an error that names
 * its path, `a -> b -> a`: a reads b, b reads a. */
bool graph_open(struct graph **out, const char *const *name, size_t count,
		const struct graph_edge *edge, size_t edge_count,
		struct error *err) MUST_CHECK;
void graph_close(struct graph *graph);

/* Sets reached[i] for every node at most depth steps (SIZE_MAX: any) from
 * node, node itself included; leaves the others as they are. */
void graph_reach(const struct graph *graph, size_t node,
		 enum graph_direction direction, size_t depth, bool *reached);

#endif
