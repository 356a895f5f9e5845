/*
 * query.h - the shape of a query: what it reads, and where
 *
 * Not a parser of SQL: it follows WITH, SELECT, FROM, set operations and
 * parentheses just far enough to know which names are relations, which column
 * each item of the outer SELECT makes, and where markers stand.  All else is
 * left to PostgreSQL.
 */
#ifndef AGGREGATE_QUERY_H
#define AGGREGATE_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/lexer.h"
#include "aggregate/model.h"
#include "common/arena.h"
#include "common/error.h"

/* Operands joined by UNION, INTERSECT, EXCEPT; most often there is one. */
struct query_body {
	size_t operand_count;
	bool only_union_all; /* no other operation joins them */
	bool is_limited;     /* LIMIT, OFFSET or FETCH */
};

/* One operand of a body, and the operand it stands inside. */
struct query_branch {
	const struct query_branch *parent;
	const struct query_body *body;
};

/* A query of a WITH clause, and those visible where it is defined. */
struct query_cte {
	const char *name;
	const struct query_cte *outer;
};

/* One SELECT ... FROM ..., VALUES or TABLE. */
struct query_core {
	struct query_core *parent; /* whose names it sees; NULL: none */
	const struct query_branch *branch;
	const struct query_cte *within; /* the WITH query it is part of */
	int line;
	bool has_window; /* over (...) */
	bool is_distinct;
	bool is_grouped;
	bool has_having;
};

struct query_reference {
	struct reference name;
	struct query_core *core;
	bool renames_columns; /* alias (a, b) */
};

/* A WITH query's name in place of a relation's. */
struct query_use {
	const struct query_cte *cte;
	struct query_core *core; /* that reads it */
};

/* A hint comment, and the SELECT it stands in. */
struct query_hint {
	const struct token *token;
	const struct token *next; /* the token behind it, comments left out */
	const struct query_core *core;
};

/* An item of the outer query's first SELECT. */
struct query_item {
	const char *column; /* the name it gives its column; NULL: PostgreSQL
			       knows */
	bool is_star;
	const struct token *first, *last; /* its words, both included */
};

/* An entry of the outer query's first GROUP BY. */
struct query_group {
	const struct token *first, *end; /* words [first, end) */
};

struct query {
	const char *text;
	const char *file;
	struct token *token; /* all of them, TOKEN_END last */
	size_t token_count;
	struct token *word; /* the same without comments and hints */
	size_t word_count;
	size_t end; /* text[0, end) is the query, without a final ; */
	struct query_core *outer; /* the first of the outer query */
	struct query_body *body;  /* the outer query's */
	struct query_core **core; /* all of them, as they begin */
	size_t core_count;
	struct query_reference *reference;
	size_t reference_count;
	struct query_use *use;
	size_t use_count;
	struct query_hint *hint;
	size_t hint_count;
	struct query_item *item;
	size_t item_count;
	struct query_group *group;
	size_t group_count;
};

/* Reads the shape of text, whose first character is in `line` of the file.
 * pack only serves to say how an unqualified name should have been written.
 * All lives in the arena but names of relations, aliases and columns: these may
 * be wanted for longer. */
bool query_read(struct query *out, const char *text, const char *file, int line,
		const char *pack, struct arena *arena, struct arena *names,
		struct error *err) MUST_CHECK;

#endif
