/*
 * query_reader.h - walking through the words of a query
 *
 * Shared by the files that make up query.h, and by nobody else.  Functions that
 * return bool and read on have set the error when they return false.
 */
#ifndef AGGREGATE_QUERY_READER_H
#define AGGREGATE_QUERY_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "aggregate/query.h"

struct reader {
	struct query *query;
	const char *pack;
	struct arena *arena;
	struct arena *names;
	struct error *err;
	size_t at;   /* the current word */
	size_t hint; /* hints that lie behind it */
	int depth;   /* open parentheses */
	struct query_core *core;
	const struct query_branch *branch;
	const struct query_cte *cte;    /* visible here, the latest first */
	const struct query_cte *within; /* the WITH query around the word */
	size_t item_capacity;
	size_t group_capacity;
	size_t reference_capacity;
	size_t core_capacity;
	size_t use_capacity;
};

/* Where an expression ends, besides a closing parenthesis, a semicolon and a
 * set operation. */
enum reader_until {
	UNTIL_COMMA = 1,
	UNTIL_FROM = 2,
	UNTIL_JOIN = 4,   /* join, on, using */
	UNTIL_CLAUSE = 8, /* where, group by, ... */
};

/* Both set the error, at a token or at the current word, and return false. */
bool reader_refuse(const struct reader *r, const struct token *token,
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool reader_expected(const struct reader *r, const char *what);

const struct token *reader_word(const struct reader *r);
bool reader_is(const struct reader *r, const char *word);
bool reader_is_any(const struct reader *r, const char *const *words);
bool reader_is_mark(const struct reader *r, char mark);
bool reader_is_name(const struct reader *r);
bool reader_begins_query(const struct reader *r);
bool reader_at_operation(const struct reader *r);

void reader_advance(struct reader *r);
bool reader_accept(struct reader *r, const char *word);
bool reader_open(struct reader *r);
bool reader_close(struct reader *r, char mark);

/* In query_reader.c: an expression, and ( ... ) or [ ... ] in one. */
bool reader_expression(struct reader *r, unsigned until);
bool reader_group(struct reader *r);

/* In query.c: a whole query; one that goes on at a set operation; ORDER BY,
 * LIMIT and the like behind one. */
bool reader_query(struct reader *r);
bool reader_operation(struct reader *r);
bool reader_tail(struct reader *r);

/* In query_from.c: what follows FROM; one relation's name and alias. */
bool reader_from(struct reader *r);
bool reader_relation(struct reader *r);

/* In query_item.c: sets the item's column from words [first, end). */
void query_item_name(const struct query *query, struct query_item *item,
		     size_t first, size_t end, struct arena *arena);

#endif
