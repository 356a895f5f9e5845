#include "aggregate/query.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/query_reader.h"
#include "common/mem.h"

static bool read_cte(struct reader *r, bool recursive)
{
	struct query_cte *cte = arena_zalloc(r->arena, sizeof *cte);
	const struct query_cte *around = r->within;

	if (!reader_is_name(r))
		return reader_expected(r, "the name of a WITH query");
	cte->name = lexer_name(r->query->text, reader_word(r), r->names);
	cte->outer = r->cte;
	if (recursive)
		r->cte = cte;
	reader_advance(r);
	if (reader_is_mark(r, '(') && !reader_group(r))
		return false;
	if (!reader_accept(r, "as"))
		return reader_expected(r, "\"as\"");
	reader_accept(r, "not");
	reader_accept(r, "materialized");
	if (!reader_is_mark(r, '('))
		return reader_expected(r, "\"(\"");
	r->within = cte;
	if (!reader_open(r) || !reader_query(r) || !reader_close(r, ')'))
		return false;
	r->within = around;
	r->cte = cte;
	return true;
}

static bool read_with(struct reader *r)
{
	bool recursive;

	reader_advance(r);
	recursive = reader_accept(r, "recursive");
	for (;;) {
		if (!read_cte(r, recursive))
			return false;
		if (!reader_is_mark(r, ','))
			return true;
		reader_advance(r);
	}
}

/* ORDER BY, LIMIT and what else follows the last operand. */
static bool read_tail(struct reader *r, struct query_body *body)
{
	for (;;) {
		if (reader_is(r, "for"))
			return reader_refuse(r, reader_word(r),
					     "\"for update\" and its like lock "
					     "rows: a model only reads");
		if (reader_is(r, "limit") || reader_is(r, "offset") ||
		    reader_is(r, "fetch"))
			body->is_limited = true;
		else if (!reader_is(r, "order"))
			return true;
		reader_advance(r);
		if (!reader_expression(r, UNTIL_CLAUSE))
			return false;
	}
}

static void add_item(struct reader *r, size_t first)
{
	struct query *q = r->query;
	struct query_item *item;

	MEM_GROW(q->item, q->item_count, r->item_capacity);
	item = &q->item[q->item_count++];
	*item = (struct query_item){.first = &q->word[first],
				    .last = &q->word[r->at - 1]};
	query_item_name(q, item, first, r->at, r->names);
}

static bool read_items(struct reader *r)
{
	for (;;) {
		size_t first = r->at;

		if (!reader_expression(r,
				       UNTIL_COMMA | UNTIL_FROM | UNTIL_CLAUSE))
			return false;
		if (r->core == r->query->outer && r->at > first)
			add_item(r, first);
		if (!reader_is_mark(r, ','))
			return true;
		reader_advance(r);
	}
}

static bool read_groups(struct reader *r, struct query_core *core)
{
	struct query *q = r->query;

	core->is_grouped = true;
	reader_advance(r);
	reader_accept(r, "by");
	for (;;) {
		const struct token *first = reader_word(r);

		if (!reader_expression(r, UNTIL_COMMA | UNTIL_CLAUSE))
			return false;
		if (core == q->outer) {
			MEM_GROW(q->group, q->group_count, r->group_capacity);
			q->group[q->group_count++] =
				(struct query_group){first, reader_word(r)};
		}
		if (!reader_is_mark(r, ','))
			return true;
		reader_advance(r);
	}
}

/* WHERE, GROUP BY, HAVING, WINDOW in any order: PostgreSQL knows better. */
static bool read_clauses(struct reader *r, struct query_core *core)
{
	for (;;) {
		if (reader_is(r, "group")) {
			if (!read_groups(r, core))
				return false;
			continue;
		}
		if (reader_is(r, "having"))
			core->has_having = true;
		else if (!reader_is(r, "where") && !reader_is(r, "window"))
			return true;
		reader_advance(r);
		if (!reader_expression(r, UNTIL_CLAUSE))
			return false;
	}
}

static bool read_select(struct reader *r, struct query_core *core)
{
	reader_advance(r);
	if (reader_accept(r, "distinct")) {
		core->is_distinct = true;
		if (reader_accept(r, "on") && !reader_group(r))
			return false;
	} else {
		reader_accept(r, "all");
	}
	if (!read_items(r))
		return false;
	if (reader_is(r, "into"))
		return reader_refuse(r, reader_word(r),
				     "\"select into\" makes a table: a model "
				     "only reads");
	if (reader_accept(r, "from") && !reader_from(r))
		return false;
	return read_clauses(r, core);
}

static struct query_core *add_core(struct reader *r)
{
	struct query *q = r->query;
	struct query_core *core = arena_zalloc(r->arena, sizeof *core);

	core->parent = r->core;
	core->branch = r->branch;
	core->within = r->within;
	core->line = reader_word(r)->line;
	MEM_GROW(q->core, q->core_count, r->core_capacity);
	q->core[q->core_count++] = core;
	if (!q->outer && !core->parent && !core->within)
		q->outer = core;
	r->core = core;
	return core;
}

static bool read_operand(struct reader *r, const struct query_body *body)
{
	static const char *const wanted =
		"a query (select, with, values or table)";
	struct query_branch *branch = arena_zalloc(r->arena, sizeof *branch);
	struct query_core *core;

	branch->parent = r->branch;
	branch->body = body;
	r->branch = branch;
	if (reader_is_mark(r, '('))
		return reader_open(r) && reader_query(r) &&
		       reader_close(r, ')');
	core = add_core(r);
	if (reader_is(r, "select"))
		return read_select(r, core);
	if (reader_accept(r, "values"))
		return reader_expression(r, UNTIL_CLAUSE);
	if (reader_accept(r, "table"))
		return reader_relation(r);
	return reader_expected(r, wanted);
}

/* Reads operands and what joins them, up to the end of the query. */
static bool read_body(struct reader *r, struct query_body *body)
{
	body->only_union_all = true;
	for (;;) {
		const struct query_branch *branch = r->branch;
		struct query_core *core = r->core;

		if (!read_operand(r, body))
			return false;
		body->operand_count++;
		r->branch = branch;
		r->core = core;
		if (!reader_at_operation(r))
			return read_tail(r, body);
		if (!reader_accept(r, "union") || !reader_is(r, "all"))
			body->only_union_all = false;
		if (reader_at_operation(r))
			reader_advance(r);
		if (reader_is(r, "all") || reader_is(r, "distinct"))
			reader_advance(r);
	}
}

bool reader_operation(struct reader *r)
{
	struct query_body *body = arena_zalloc(r->arena, sizeof *body);

	reader_advance(r);
	if (reader_is(r, "all") || reader_is(r, "distinct"))
		reader_advance(r);
	return read_body(r, body);
}

bool reader_tail(struct reader *r)
{
	struct query_body ignored = {0};

	return read_tail(r, &ignored);
}

bool reader_query(struct reader *r)
{
	struct query_body *body = arena_zalloc(r->arena, sizeof *body);
	const struct query_cte *cte = r->cte;

	if (!r->query->body)
		r->query->body = body;
	if (reader_is(r, "with") && !read_with(r))
		return false;
	if (!read_body(r, body))
		return false;
	r->cte = cte;
	return true;
}

/* Divides the tokens into words and hints. */
static void divide(struct reader *r)
{
	struct query *q = r->query;
	size_t capacity = 0;

	q->word = arena_alloc(r->arena, q->token_count * sizeof *q->word);
	for (size_t i = 0; i < q->token_count; i++) {
		if (q->token[i].kind == TOKEN_HINT) {
			MEM_GROW(q->hint, q->hint_count, capacity);
			q->hint[q->hint_count++] = (struct query_hint){
				.token = &q->token[i],
				.next = &q->word[q->word_count]};
		} else if (q->token[i].kind != TOKEN_COMMENT) {
			q->word[q->word_count++] = q->token[i];
		}
	}
}

static bool read_statement(struct reader *r)
{
	struct query *q = r->query;

	if (reader_word(r)->kind == TOKEN_END)
		return reader_refuse(r, reader_word(r), "there is no query");
	if (!reader_begins_query(r) && !reader_is_mark(r, '('))
		return reader_expected(
			r,
			"a query that reads (select, with, values or table)");
	if (!reader_query(r))
		return false;
	q->end = reader_word(r)->start;
	if (!reader_is_mark(r, ';') && reader_word(r)->kind != TOKEN_END)
		return reader_expected(r, "the end of the query");
	while (reader_is_mark(r, ';'))
		reader_advance(r);
	if (reader_word(r)->kind != TOKEN_END)
		return reader_refuse(r, reader_word(r),
				     "a second statement begins here: a model "
				     "is one query");
	reader_advance(r); /* takes the hints at the very end */
	return true;
}

/* Moves a grown array into the arena. */
static void *keep(struct arena *arena, void *array, size_t bytes)
{
	void *kept = bytes > 0 ? arena_alloc(arena, bytes) : NULL;

	if (kept)
		memcpy(kept, array, bytes);
	free(array);
	return kept;
}

bool query_read(struct query *out, const char *text, const char *file, int line,
		const char *pack, struct arena *arena, struct arena *names,
		struct error *err)
{
	struct query *q = out;
	struct reader r = {.query = q,
			   .pack = pack,
			   .arena = arena,
			   .names = names,
			   .err = err};
	bool ok;

	*q = (struct query){.text = text, .file = file};
	if (!lexer_scan(text, file, line, arena, &q->token, &q->token_count,
			err))
		return false;
	divide(&r);
	ok = read_statement(&r);
	q->reference = keep(arena, q->reference,
			    q->reference_count * sizeof *q->reference);
	q->hint = keep(arena, q->hint, q->hint_count * sizeof *q->hint);
	q->core = keep(arena, q->core, q->core_count * sizeof(void *));
	q->use = keep(arena, q->use, q->use_count * sizeof *q->use);
	q->item = keep(arena, q->item, q->item_count * sizeof *q->item);
	q->group = keep(arena, q->group, q->group_count * sizeof *q->group);
	return ok;
}
