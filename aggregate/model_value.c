#include "aggregate/model_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/lexer.h"
#include "common/buf.h"
#include "common/nearest.h"

void *model_grow(struct model *model, void *array, size_t count, size_t size)
{
	void *wider;

	/* the capacity is the power of two at or above the count */
	if (count > 0 && (count & (count - 1)) != 0)
		return array;
	wider = arena_zalloc(&model->arena, (count > 0 ? 2 * count : 1) * size);
	if (count > 0)
		memcpy(wider, array, count * size);
	return wider;
}

bool model_refuse(const struct model_at *at, const char *fmt, ...)
{
	char what[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	return error_config(at->err, "%s:%d: %s", at->model->file, at->line,
			    what);
}

bool model_unknown(const struct model_at *at, const char *what,
		   const char *word, const char *const *known, size_t count)
{
	const char *meant = nearest(word, known, count);
	struct buf all = BUF_INIT;

	if (meant)
		return model_refuse(at,
				    "unknown %s \"%s\": did you mean \"%s\"?",
				    what, word, meant);
	for (size_t i = 0; i < count; i++)
		buf_format(&all, "%s%s",
			   i == 0           ? ""
			   : i + 1 == count ? " and "
					    : ", ",
			   known[i]);
	model_refuse(at, "unknown %s \"%s\": there are %s", what, word,
		     buf_text(&all));
	buf_release(&all);
	return false;
}

size_t model_find(const char *word, const char *const *known, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, known[i]) == 0)
			return i;
	return SIZE_MAX;
}

char *model_trim(struct model *model, const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[0])) {
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	return arena_strndup(&model->arena, text, len);
}

/* The length of the entry that begins here: up to a comma outside of quotes
 * and brackets.  *open is what is still open at its end, '\0' if nothing. */
static size_t entry_length(const char *p, char *open)
{
	size_t len = 0, depth = 0;

	*open = '\0';
	for (; p[len] != '\0'; len++) {
		if (p[len] == '\'' || p[len] == '"') {
			const char *end = strchr(p + len + 1, p[len]);

			if (!end) {
				*open = p[len];
				return strlen(p);
			}
			len = (size_t)(end - p);
		} else if (p[len] == '(' || p[len] == '[') {
			depth++;
		} else if (p[len] == ')' || p[len] == ']') {
			depth -= depth > 0;
		} else if (p[len] == ',' && depth == 0) {
			return len;
		}
	}
	*open = depth > 0 ? '(' : '\0';
	return len;
}

bool model_list(const struct model_at *at, const char *value, const char ***out,
		size_t *count)
{
	struct model *model = at->model;
	size_t len = strlen(value);
	const char *inside = value;

	*out = NULL;
	*count = 0;
	if (value[0] == '[') {
		if (value[len - 1] != ']')
			return model_refuse(at,
					    "this list wants a \"]\" at "
					    "its end: %s",
					    value);
		inside = model_trim(model, value + 1, len - 2);
	}
	for (;;) {
		char open;

		len = entry_length(inside, &open);
		if (open != '\0')
			return model_refuse(at, "a %c is never closed: %s",
					    open, value);
		MODEL_GROW(at, *out, *count);
		(*out)[*count] = model_trim(model, inside, len);
		if ((*out)[*count][0] == '\0')
			return model_refuse(at,
					    "an entry of the list is "
					    "empty: %s",
					    value);
		++*count;
		if (inside[len] == '\0')
			return true;
		inside += len + 1;
	}
}

bool model_name(const struct model_at *at, const char *value, const char **out)
{
	struct error ignored = ERROR_INIT;
	struct token *token;
	size_t count;

	if (!lexer_scan(value, "", 1, &at->model->arena, &token, &count,
			&ignored) ||
	    count != 2 ||
	    (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED))
		return model_refuse(at, "\"%s\" is not a column's name", value);
	*out = lexer_name(value, token, &at->model->arena);
	return true;
}

bool model_names(const struct model_at *at, const char *value,
		 const char ***out, size_t *count)
{
	if (!model_list(at, value, out, count))
		return false;
	for (size_t i = 0; i < *count; i++) {
		if (!model_name(at, (*out)[i], &(*out)[i]))
			return false;
		if (model_find((*out)[i], *out, i) != SIZE_MAX)
			return model_refuse(at, "\"%s\" is named twice",
					    (*out)[i]);
	}
	return true;
}

bool model_duration(const struct model_at *at, const char *value,
		    int64_t *out_us)
{
	static const struct {
		const char *name;
		int64_t us;
	} unit[] = {{"ms", 1000},      {"s", 1000000},    {"m", 60000000},
		    {"min", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
	size_t digits = strspn(value, "0123456789");

	if (digits > 0 && digits <= 6)
		for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
			if (strcmp(value + digits, unit[i].name) == 0)
				*out_us = strtol(value, NULL, 10) * unit[i].us;
	if (*out_us > 0)
		return true;
	return model_refuse(at,
			    "\"%s\" is not a duration: write 60s, 500ms, 5m, "
			    "2h or 1d",
			    value);
}
