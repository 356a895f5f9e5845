#include "aggregate/model_markers.h"

#include <string.h>

#include "aggregate/model_filter.h"
#include "aggregate/model_value.h"
#include "common/nearest.h"

static const char keyword[] = "incremental";

/* The text of a hint, without its delimiters. */
static char *hint_text(struct model *model, const struct query *query,
		       const struct query_hint *hint)
{
	return model_trim(model, query->text + hint->token->start + 3,
			  hint->token->end - hint->token->start - 5);
}

/* Whether the hint is a marker.  Other hints are other programs'; one that
 * merely looks like a marker is an error. */
static bool is_marker(const struct model_at *at, const char *text, bool *is)
{
	const char *const known[] = {keyword};
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	const char *word = arena_strndup(&at->model->arena, text, len);

	*is = strcmp(word, keyword) == 0;
	if (!*is && nearest(word, known, 1))
		return model_unknown(at, "hint", word, known, 1);
	return true;
}

/* `e.event_at` or `*`, at token; *next is behind it. */
static bool read_column(const struct model_at *at, const char *text,
			const struct token *token, struct marker *marker,
			const struct token **next)
{
	struct arena *arena = &at->model->arena;
	const char *alias;

	MODEL_GROW(at, marker->column, marker->column_count);
	marker->column[marker->column_count++] = NULL;
	*next = token + 1;
	if (token->kind == TOKEN_OPERATOR && token->end - token->start == 1 &&
	    text[token->start] == '*')
		return true;
	if ((token[0].kind != TOKEN_WORD && token[0].kind != TOKEN_QUOTED) ||
	    !lexer_is_mark(text, &token[1], '.') ||
	    (token[2].kind != TOKEN_WORD && token[2].kind != TOKEN_QUOTED))
		return model_refuse(at,
				    "a marker lists columns with their alias, "
				    "or *: incremental(e.event_at)");
	alias = lexer_name(text, token, arena);
	if (marker->alias && strcmp(marker->alias, alias) != 0)
		return model_refuse(at,
				    "a marker is about one alias, this one "
				    "about %s and %s",
				    marker->alias, alias);
	marker->alias = alias;
	marker->column[marker->column_count - 1] =
		lexer_name(text, token + 2, arena);
	*next = token + 3;
	return true;
}

/* `incremental(column, ...)` */
static bool read_columns(const struct model_at *at, const char *text,
			 struct marker *marker)
{
	const struct token *token;
	struct token *all;
	size_t count;

	if (!lexer_scan(text, at->model->file, at->line, &at->model->arena,
			&all, &count, at->err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (all[i].kind == TOKEN_COMMENT || all[i].kind == TOKEN_HINT)
			return model_refuse(at, "a marker holds no comment");
	token = all + 1;
	if (!lexer_is_mark(text, token, '('))
		return model_refuse(at, "a marker is written "
					"incremental(e.event_at)");
	do {
		if (!read_column(at, text, token + 1, marker, &token))
			return false;
	} while (lexer_is_mark(text, token, ','));
	if (!lexer_is_mark(text, token, ')') || token[1].kind != TOKEN_END)
		return model_refuse(at, "a marker is written "
					"incremental(e.event_at)");
	if (!marker->alias)
		return model_refuse(at, "a marker names at least one column: "
					"incremental(e.event_at, *)");
	return true;
}

/* The reference with that alias which the SELECT sees; NULL: none. */
static const struct query_reference *resolve(const struct query *query,
					     const struct query_core *core,
					     const char *alias)
{
	for (; core; core = core->parent)
		for (size_t i = 0; i < query->reference_count; i++) {
			const struct query_reference *r = &query->reference[i];

			if (r->core == core &&
			    strcmp(r->name.alias, alias) == 0)
				return r;
		}
	return NULL;
}

static bool refuse_alias(const struct model_at *at, const struct query *query,
			 const char *alias)
{
	struct model *model = at->model;
	const char **known = NULL;
	size_t count = 0;
	const char *meant;

	for (size_t i = 0; i < query->reference_count; i++) {
		const struct reference *r = &query->reference[i].name;
		const char *base = strchr(r->relation, '.') + 1;

		if (*r->alias == '\0' && strcmp(base, alias) == 0)
			return model_refuse(
				at,
				"%s is marked and needs an alias: "
				"from %s e ... incremental(e.column)",
				r->relation, r->relation);
		if (strcmp(r->alias, alias) == 0)
			return model_refuse(at,
					    "the marker's alias \"%s\" cannot "
					    "be seen here: put the marker into "
					    "the select that reads %s",
					    alias, r->relation);
		if (*r->alias == '\0')
			continue;
		known = model_grow(model, known, count, sizeof *known);
		known[count++] = r->alias;
	}
	meant = nearest(alias, known, count);
	return model_refuse(at,
			    "the marker's alias \"%s\" belongs to no relation "
			    "read here%s%s%s",
			    alias, meant ? ": did you mean \"" : "",
			    meant ? meant : "", meant ? "\"?" : "");
}

/* Whether the `true` behind the hint is a word of its own: not part of a
 * relation's name, and no other marker's. */
static bool has_true(const struct model *model, const struct query *query,
		     const struct query_hint *hint)
{
	size_t start = hint->token->start, end = hint->next->end;

	for (size_t i = 0; i < query->reference_count; i++) {
		const struct reference *r = &query->reference[i].name;

		if (r->start < end && r->end > start)
			return false;
	}
	for (size_t i = 0; i < model->marker_count; i++)
		if (model->marker[i].end == end)
			return false;
	return lexer_is(query->text, hint->next, "true");
}

static bool read_marker(const struct model_at *at, const struct query *query,
			const struct query_hint *hint, const char *text,
			struct marker *marker)
{
	const struct query_reference *reference;
	struct model *model = at->model;

	if (!read_columns(at, text, marker))
		return false;
	if (!has_true(model, query, hint))
		return model_refuse(at,
				    "a marker stands before a \"true\" of its "
				    "own, so that the file runs as it is");
	reference = resolve(query, hint->core, marker->alias);
	if (!reference)
		return refuse_alias(at, query, marker->alias);
	if (reference->renames_columns)
		return model_refuse(at,
				    "%s is marked and must keep its columns' "
				    "names: no list behind the alias",
				    reference->name.relation);
	marker->relation = reference->name.relation;
	marker->reference = (size_t)(reference - query->reference);
	marker->start = hint->token->start;
	marker->end = hint->next->end;
	marker->line = at->line;
	for (size_t i = 0; i < model->marker_count; i++)
		if (model->marker[i].reference == marker->reference)
			return model_refuse(at,
					    "\"%s\" is already marked in line "
					    "%d",
					    marker->alias,
					    model->marker[i].line);
	return true;
}

bool model_markers_read(struct model *model, const struct query *query,
			struct error *err)
{
	size_t n = query->reference_count;

	model->reference =
		arena_alloc(&model->arena, (n + 1) * sizeof *model->reference);
	for (size_t i = 0; i < n; i++)
		model->reference[i] = query->reference[i].name;
	model->reference_count = n;
	for (size_t i = 0; i < query->hint_count; i++) {
		const struct query_hint *hint = &query->hint[i];
		struct model_at at = {model, hint->token->line, err};
		const char *text = hint_text(model, query, hint);
		struct marker marker = {0};
		bool is;

		if (!is_marker(&at, text, &is))
			return false;
		if (!is)
			continue;
		if (!read_marker(&at, query, hint, text, &marker))
			return false;
		model_filter_read(model, query, hint, &marker);
		MODEL_GROW(&at, model->marker, model->marker_count);
		model->marker[model->marker_count++] = marker;
	}
	return true;
}
