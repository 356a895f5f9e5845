#include <string.h>

#include "aggregate/query_reader.h"
#include "common/mem.h"

static bool read_joined(struct reader *r);
static bool read_joins(struct reader *r);

/* Whether the name is that of a WITH query, which is then used here. */
static bool use_cte(struct reader *r, const char *name)
{
	struct query *q = r->query;

	for (const struct query_cte *cte = r->cte; cte; cte = cte->outer)
		if (strcmp(cte->name, name) == 0) {
			MEM_GROW(q->use, q->use_count, r->use_capacity);
			q->use[q->use_count++] =
				(struct query_use){cte, r->core};
			return true;
		}
	return false;
}

/* Whether the current word can be an alias without AS. */
static bool is_alias(const struct reader *r)
{
	static const char *const reserved[] = {
		"on",     "using",     "join",        "natural", "inner",
		"left",   "right",     "full",        "cross",   "where",
		"group",  "having",    "window",      "order",   "limit",
		"offset", "fetch",     "for",         "union",   "intersect",
		"except", "lateral",   "with",        "as",      "into",
		"select", "returning", "tablesample", NULL};

	return reader_is_name(r) && !reader_is_any(r, reserved);
}

/* [as] alias [(columns)]; reference may be NULL: nobody asks. */
static bool read_alias(struct reader *r, struct query_reference *reference)
{
	bool as = reader_accept(r, "as");

	if (reader_is_name(r) && (as || is_alias(r))) {
		if (reference)
			reference->name.alias = lexer_name(
				r->query->text, reader_word(r), r->names);
		reader_advance(r);
	}
	if (reader_is_mark(r, '(')) {
		if (reference)
			reference->renames_columns = true;
		if (!reader_group(r))
			return false;
	}
	if (reader_is(r, "tablesample"))
		return reader_refuse(r, reader_word(r),
				     "\"tablesample\" reads other rows each "
				     "time: use a where condition");
	return true;
}

static bool add_reference(struct reader *r, size_t first, const char *relation)
{
	struct query *q = r->query;
	struct query_reference reference = {
		.name = {.relation = relation,
			 .alias = "",
			 .start = q->word[first].start,
			 .end = q->word[r->at - 1].end,
			 .line = q->word[first].line},
		.core = r->core};

	if (reader_word(r)->kind == TOKEN_OPERATOR)
		return reader_expected(r, "an alias, join, or the next clause");
	if (!read_alias(r, &reference))
		return false;
	MEM_GROW(q->reference, q->reference_count, r->reference_capacity);
	q->reference[q->reference_count++] = reference;
	return true;
}

/* fn(...) [with ordinality] [as] alias */
static bool read_function(struct reader *r)
{
	if (!reader_group(r))
		return false;
	if (reader_accept(r, "with"))
		reader_accept(r, "ordinality");
	return read_alias(r, NULL);
}

bool reader_relation(struct reader *r)
{
	struct query *q = r->query;
	size_t first = r->at, parts = 0;
	const char *name = "", *relation = "";

	for (;;) {
		if (!reader_is_name(r))
			return reader_expected(r, "a relation");
		name = lexer_name(q->text, reader_word(r), r->names);
		relation = parts == 0 ? name
				      : arena_format(r->names, "%s.%s",
						     relation, name);
		parts++;
		reader_advance(r);
		if (!reader_is_mark(r, '.'))
			break;
		reader_advance(r);
	}
	if (reader_is_mark(r, '('))
		return read_function(r);
	if (parts == 1 && use_cte(r, name))
		return read_alias(r, NULL);
	if (parts == 1)
		return reader_refuse(r, &q->word[first],
				     "\"%s\" needs its schema: write %s.%s, or "
				     "staging.%s if it is a stream",
				     name, r->pack, name, name);
	if (parts > 2)
		return reader_refuse(r, &q->word[first],
				     "\"%s\" has too many parts: a relation is "
				     "written schema.name",
				     relation);
	return add_reference(r, first, relation);
}

/* A parenthesis where a relation is expected holds a query or joined
 * relations, and only what follows its first part tells which. */
static bool read_parenthesis(struct reader *r, bool *is_query)
{
	static const char *const tail[] = {"order", "limit", "offset",
					   "fetch", "for",   NULL};

	*is_query = true;
	if (!reader_open(r))
		return false;
	if (reader_begins_query(r))
		return reader_query(r) && reader_close(r, ')');
	if (!reader_is_mark(r, '(')) {
		*is_query = false;
		return read_joined(r) && reader_close(r, ')');
	}
	if (!read_parenthesis(r, is_query))
		return false;
	if (*is_query && reader_at_operation(r))
		return reader_operation(r) && reader_close(r, ')');
	if (*is_query && reader_is_any(r, tail))
		return reader_tail(r) && reader_close(r, ')');
	if (*is_query && reader_is_mark(r, ')'))
		return reader_close(r, ')');
	*is_query = false;
	return read_alias(r, NULL) && read_joins(r) && reader_close(r, ')');
}

/* One thing to read from, with its alias. */
static bool read_item(struct reader *r)
{
	bool is_query;

	reader_accept(r, "lateral");
	if (reader_is_mark(r, '('))
		return read_parenthesis(r, &is_query) && read_alias(r, NULL);
	if (reader_is(r, "only"))
		return reader_refuse(
			r, reader_word(r),
			"\"only\" leaves out the partitions, which "
			"hold the rows");
	if (reader_is(r, "rows") &&
	    lexer_is(r->query->text, reader_word(r) + 1, "from")) {
		reader_advance(r);
		reader_advance(r);
		if (!reader_is_mark(r, '('))
			return reader_expected(r, "\"(\"");
		return read_function(r);
	}
	return reader_relation(r);
}

/* Everything that JOIN adds to the first item. */
static bool read_joins(struct reader *r)
{
	static const char *const kind[] = {"natural", "inner", "left",  "right",
					   "full",    "outer", "cross", NULL};

	for (;;) {
		while (reader_is_any(r, kind))
			reader_advance(r);
		if (reader_accept(r, "join")) {
			if (!read_item(r))
				return false;
		} else if (reader_accept(r, "on")) {
			if (!reader_expression(r, UNTIL_COMMA | UNTIL_JOIN |
							  UNTIL_CLAUSE))
				return false;
		} else if (reader_accept(r, "using")) {
			if (!reader_is_mark(r, '('))
				return reader_expected(r, "\"(\"");
			if (!reader_group(r) || !read_alias(r, NULL))
				return false;
		} else {
			return true;
		}
	}
}

static bool read_joined(struct reader *r)
{
	return read_item(r) && read_joins(r);
}

bool reader_from(struct reader *r)
{
	for (;;) {
		if (!read_joined(r))
			return false;
		if (!reader_is_mark(r, ','))
			return true;
		reader_advance(r);
	}
}
