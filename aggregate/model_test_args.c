#include "aggregate/model_test_args.h"

#include <stdlib.h>
#include <string.h>

const char *const model_test_kinds[] = {"unique",          "not_null",
					"accepted_values", "relationships",
					"expression",      "row_count"};

/* 'it''s' or "x" without their quotes; anything else as it is. */
static const char *unquoted(struct model *model, const char *entry)
{
	size_t len = strlen(entry), n = 0;
	char *out;

	if (len < 2 || (entry[0] != '\'' && entry[0] != '"') ||
	    entry[len - 1] != entry[0])
		return entry;
	out = arena_alloc(&model->arena, len);
	for (size_t i = 1; i < len - 1; i++) {
		if (entry[i] == entry[0] && i + 1 < len - 1 &&
		    entry[i + 1] == entry[0])
			i++;
		out[n++] = entry[i];
	}
	out[n] = '\0';
	return out;
}

static bool read_values(const struct model_at *at, const char *list,
			struct model_test *test)
{
	if (!model_list(at, list, &test->value, &test->value_count))
		return false;
	for (size_t i = 0; i < test->value_count; i++)
		test->value[i] = unquoted(at->model, test->value[i]);
	return true;
}

/* `country [NL, DE]` */
static bool read_accepted(const struct model_at *at, const char *text,
			  struct model_test *test)
{
	size_t len = strcspn(text, "[(");
	const char *column = model_trim(at->model, text, len);

	if (text[len] != '[')
		return model_refuse(at, "accepted_values wants a column and "
					"its values: accepted_values: country "
					"[NL, DE]");
	return model_names(at, column, &test->column, &test->column_count) &&
	       read_values(at, text + len, test);
}

/* `pageviews.users.id` */
static bool read_parent(const struct model_at *at, const char *text,
			struct model_test *test)
{
	const char *dot = strrchr(text, '.');
	const char *first = strchr(text, '.');

	if (!dot || dot == first || dot[1] == '\0' || first == text ||
	    strchr(first + 1, '.') != dot || text[strcspn(text, " \t")])
		return model_refuse(at,
				    "\"%s\" is not what relationships wants: "
				    "a column of another relation, as in "
				    "user_id -> pageviews.users.id",
				    text);
	test->to = arena_strndup(&at->model->arena, text, (size_t)(dot - text));
	return model_name(at, dot + 1, &test->to_column);
}

/* `user_id -> pageviews.users.id` */
static bool read_relationship(const struct model_at *at, const char *text,
			      struct model_test *test)
{
	const char *arrow = strstr(text, "->");

	if (!arrow)
		return model_refuse(at, "relationships wants a column and the "
					"one it points to: relationships: "
					"user_id -> pageviews.users.id");
	if (!model_names(at,
			 model_trim(at->model, text, (size_t)(arrow - text)),
			 &test->column, &test->column_count))
		return false;
	if (test->column_count != 1)
		return model_refuse(at, "relationships takes one column");
	arrow += 2;
	return read_parent(at, model_trim(at->model, arrow, strlen(arrow)),
			   test);
}

/* Takes a word, and the number behind it, off the text. */
static bool take_bound(const char **text, const char *word, int64_t *number)
{
	size_t len = strlen(word);
	const char *digits = *text + len;
	char *end;

	if (strncmp(*text, word, len) != 0)
		return false;
	digits += strspn(digits, " ");
	*number = strtoll(digits, &end, 10);
	if (end == digits)
		return false;
	*text = end + strspn(end, " ");
	return true;
}

/* `>= 10`, `> 0`, `<= 100`, `< 100`, `= 7`, `between 10 and 100` */
static bool read_bounds(const struct model_at *at, const char *text,
			struct model_test *test)
{
	const char *rest = text;
	int64_t least = 0, most = INT64_MAX;
	bool ok = true;

	if (take_bound(&rest, "between", &least))
		ok = take_bound(&rest, "and", &most);
	else if (take_bound(&rest, "<=", &most))
		;
	else if (take_bound(&rest, "<", &most))
		most--;
	else if (take_bound(&rest, "=", &least))
		most = least;
	else if (!take_bound(&rest, ">=", &least)) {
		ok = take_bound(&rest, ">", &least);
		least++;
	}
	if (!ok || *rest != '\0' || least < 0 || most < least)
		return model_refuse(at,
				    "\"%s\" is not a number of rows: write "
				    "row_count: >= 10 or row_count: between 10 "
				    "and 100",
				    text);
	test->at_least = least;
	test->at_most = most;
	return true;
}

bool model_test_args(const struct model_at *at, const char *text,
		     struct model_test *test)
{
	switch (test->kind) {
	case TEST_EXPRESSION:
		test->expression = text;
		return true;
	case TEST_ACCEPTED_VALUES:
		return read_accepted(at, text, test);
	case TEST_RELATIONSHIPS:
		return read_relationship(at, text, test);
	case TEST_ROW_COUNT:
		return read_bounds(at, text, test);
	default:
		return model_names(at, text, &test->column,
				   &test->column_count);
	}
}

bool model_test_parentheses(const struct model_at *at, const char **text,
			    struct model_test *test)
{
	bool is_values = test->kind == TEST_ACCEPTED_VALUES;
	const char *p = *text;
	size_t len = strcspn(p, ")");
	const char *inside;

	if (*p != '(' || p[len] != ')')
		return model_refuse(at,
				    is_values ? "accepted_values wants its "
						"values in parentheses: "
						"accepted_values(NL, DE)"
					      : "relationships wants a column "
						"in parentheses: relationships("
						"pageviews.users.id)");
	inside = model_trim(at->model, p + 1, len - 1);
	*text = p + len + 1;
	return is_values ? read_values(at, inside, test)
			 : read_parent(at, inside, test);
}
