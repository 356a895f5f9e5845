#include "aggregate/model_tests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/model_test_args.h"
#include "common/buf.h"
#include "common/nearest.h"

/* `>1000` or `>=1000`: more failing rows than *out. */
static bool read_threshold(const struct model_at *at, const char *value,
			   int64_t *out)
{
	int64_t less = strncmp(value, ">=", 2) == 0;
	const char *digits = value + 1 + less;
	size_t len = value[0] == '>' ? strspn(digits, "0123456789") : 0;

	if (len == 0 || len > 15 || digits[len] != '\0' ||
	    (less && strtoll(digits, NULL, 10) == 0))
		return model_refuse(at,
				    "\"%s\" is not a threshold: write >1000 or "
				    ">=1000, in failing rows",
				    value);
	*out = strtoll(digits, NULL, 10) - less;
	return true;
}

static bool read_severity(const struct model_at *at, const char *value,
			  struct model_test *test)
{
	static const char *const known[] = {"error", "warn"};
	size_t i = model_find(value, known, 2);

	if (i == SIZE_MAX)
		return model_unknown(at, "severity", value, known, 2);
	test->severity = (enum severity)i;
	return true;
}

/* Whether text ends in an option; *value is what follows its =. */
static bool has_option(char *text, const char *name, char **value)
{
	char *last = strrchr(text, ' ');
	char *tab = strrchr(text, '\t');
	size_t len = strlen(name);

	if (!last || (tab && tab > last))
		last = tab;
	last = last ? last + 1 : text;
	if (strncmp(last, name, len) != 0 || last[len] != '=')
		return false;
	*value = last + len + 1;
	*last = '\0';
	return true;
}

/* Where the parenthesis that opens at text closes; NULL: nowhere. */
static char *closing(char *text)
{
	char quote = '\0';
	int depth = 0;

	for (char *p = text; *p; p++) {
		if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p;
	}
	return NULL;
}

/* Whether text ends in where=(...), which is then cut off. */
static bool has_where(const struct model_at *at, char *text,
		      struct model_test *test)
{
	static const char option[] = "where=(";
	char *found = text;

	while ((found = strstr(found, option))) {
		char *open = found + sizeof option - 2;
		char *close = closing(open);

		if (close && close[1] == '\0' &&
		    (found == text || strchr(" \t", found[-1]))) {
			*close = *found = '\0';
			test->where = model_trim(at->model, open + 1,
						 strlen(open + 1));
			return true;
		}
		found = open;
	}
	return false;
}

bool model_test_options(const struct model_at *at, char *text,
			struct model_test *test)
{
	int64_t warn = -1, error = -1;
	bool severity = false, ok = true;
	char *value = NULL;

	while (ok) {
		size_t len = strlen(text);

		while (len > 0 && strchr(" \t", text[len - 1]))
			text[--len] = '\0';
		if (!test->where && has_where(at, text, test)) {
			continue;
		} else if (has_option(text, "severity", &value)) {
			severity = true;
			ok = read_severity(at, value, test);
		} else if (has_option(text, "warn_if", &value)) {
			ok = read_threshold(at, value, &warn);
		} else if (has_option(text, "error_if", &value)) {
			ok = read_threshold(at, value, &error);
		} else {
			break;
		}
	}
	if (ok && warn >= 0 && error < 0 && !severity)
		ok = model_refuse(at,
				  "warn_if alone would change nothing, "
				  "since a test fails at the first row: add "
				  "severity=warn or error_if=>N");
	test->warn_above = warn >= 0 ? warn : 0;
	test->error_above = error >= 0                        ? error
			    : test->severity == SEVERITY_WARN ? INT64_MAX
							      : 0;
	return ok;
}

static void name_bounds(struct buf *name, const struct model_test *test)
{
	if (test->at_most == INT64_MAX)
		buf_format(name, ">= %" PRId64, test->at_least);
	else if (test->at_least == 0)
		buf_format(name, "<= %" PRId64, test->at_most);
	else
		buf_format(name, "between %" PRId64 " and %" PRId64,
			   test->at_least, test->at_most);
}

static void name_test(struct model *model, struct model_test *test)
{
	struct buf name = BUF_INIT;

	buf_format(&name, "%s(", model_test_kinds[test->kind]);
	for (size_t i = 0; i < test->column_count; i++)
		buf_format(&name, "%s%s", i > 0 ? "," : "", test->column[i]);
	if (test->to)
		buf_format(&name, " -> %s.%s", test->to, test->to_column);
	if (test->kind == TEST_ROW_COUNT)
		name_bounds(&name, test);
	buf_format(&name, "%s)", test->expression ? test->expression : "");
	if (test->where)
		buf_format(&name, " where %s", test->where);
	test->name = arena_strdup(&model->arena, buf_text(&name));
	buf_release(&name);
}

static bool add_test(const struct model_at *at, struct model_test *test)
{
	struct model *model = at->model;

	test->line = at->line;
	name_test(model, test);
	for (size_t i = 0; i < model->test_count; i++)
		if (strcmp(model->test[i].name, test->name) == 0)
			return model_refuse(at,
					    "the test %s stands already in "
					    "line %d",
					    test->name, model->test[i].line);
	MODEL_GROW(at, model->test, model->test_count);
	model->test[model->test_count++] = *test;
	return true;
}

bool model_tests_entry(const struct model_at *at, const char *text)
{
	struct model *model = at->model;
	struct model_test test = {0};
	size_t len = strcspn(text, ":"), kind;
	const char *name;
	char *rest;

	if (text[0] == '#')
		return true;
	if (text[0] != '-' || !strchr(" \t", text[1]) || text[len] != ':')
		return model_refuse(at,
				    "\"%s\" is not understood: a test is "
				    "written - unique: [a, b]",
				    text);
	name = model_trim(model, text + 1, len - 1);
	kind = model_find(name, model_test_kinds, MODEL_TEST_KINDS);
	if (kind == SIZE_MAX)
		return model_unknown(at, "test", name, model_test_kinds,
				     MODEL_TEST_KINDS);
	test.kind = (enum test_kind)kind;
	rest = model_trim(model, text + len + 1, strlen(text + len + 1));
	if (!model_test_options(at, rest, &test))
		return false;
	if (*rest == '\0')
		return model_refuse(at, "%s wants to know what to test", name);
	if (!model_test_args(at, rest, &test))
		return false;
	return add_test(at, &test);
}

/* Length of the word that a test's name would be. */
static size_t word_length(const char *text)
{
	return strcspn(text, " \t,(");
}

/* The kind that text begins with, or SIZE_MAX. */
static size_t inline_kind(struct model *model, const char *text)
{
	const char *word =
		arena_strndup(&model->arena, text, word_length(text));
	size_t kind = model_find(word, model_test_kinds, MODEL_TEST_KINDS);

	return kind >= TEST_EXPRESSION ? SIZE_MAX : kind;
}

/* One test of a comment; *text moves behind it. */
static bool read_inline(const struct model_at *at, const char **text,
			const char *column, const struct model_test *options)
{
	struct model *model = at->model;
	struct model_test test = *options;
	size_t kind = inline_kind(model, *text), len = word_length(*text);
	const char *p = *text + len;

	if (kind == SIZE_MAX)
		return model_unknown(at, "test",
				     arena_strndup(&model->arena, *text, len),
				     model_test_kinds, TEST_EXPRESSION);
	test.kind = (enum test_kind)kind;
	test.column = arena_alloc(&model->arena, sizeof *test.column);
	test.column[0] = column;
	test.column_count = 1;
	if (test.kind == TEST_ACCEPTED_VALUES ||
	    test.kind == TEST_RELATIONSHIPS) {
		if (!model_test_parentheses(at, &p, &test))
			return false;
	} else if (*p == '(') {
		return model_refuse(at,
				    "%s takes nothing in parentheses here: "
				    "its column is the one before it",
				    model_test_kinds[kind]);
	}
	*text = p + strspn(p, " \t,");
	return add_test(at, &test);
}

/* Whether nothing but blanks is between the word and the comment, and both are
 * in one line. */
static bool is_behind(const struct query *query, const struct token *comment,
		      const struct token *word)
{
	return word->start < comment->start && word[1].start > comment->start &&
	       !memchr(query->text + word->end, '\n',
		       comment->start - word->end);
}

/* The column that the comment stands behind, or behind whose comma it stands;
 * NULL: none. */
static const struct query_item *item_before(const struct query *query,
					    const struct token *comment)
{
	for (size_t i = 0; i < query->item_count; i++) {
		const struct token *last = query->item[i].last;

		if (is_behind(query, comment, last) ||
		    (lexer_is_mark(query->text, &last[1], ',') &&
		     is_behind(query, comment, &last[1])))
			return &query->item[i];
	}
	return NULL;
}

static bool read_comment(const struct model_at *at, const struct query *query,
			 const struct token *comment)
{
	struct model *model = at->model;
	struct model_test options = {0};
	char *text = model_trim(model, query->text + comment->start + 2,
				comment->end - comment->start - 2);
	const struct query_item *item = item_before(query, comment);
	const char *p = text;

	if (inline_kind(model, text) == SIZE_MAX) {
		if (item && text[strcspn(text, " \t")] == '\0' &&
		    nearest(text, model_test_kinds, TEST_EXPRESSION))
			return model_unknown(at, "test", text, model_test_kinds,
					     TEST_EXPRESSION);
		return true;
	}
	if (!item)
		return model_refuse(at, "a test stands behind a column of the "
					"outer select, or in the header's "
					"tests");
	if (!item->column)
		return model_refuse(at, "this column has no name to test: give "
					"it one with \"as\"");
	if (!model_test_options(at, text, &options))
		return false;
	while (*p != '\0')
		if (!read_inline(at, &p, item->column, &options))
			return false;
	return true;
}

bool model_tests_inline(struct model *model, const struct query *query,
			struct error *err)
{
	for (size_t i = 0; i < query->token_count; i++) {
		const struct token *token = &query->token[i];
		struct model_at at = {model, token->line, err};

		if (token->kind == TOKEN_COMMENT &&
		    query->text[token->start] == '-' &&
		    !read_comment(&at, query, token))
			return false;
	}
	return true;
}
