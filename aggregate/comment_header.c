#include "aggregate/comment_header.h"

#include <string.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

bool comment_header_next(struct comment_header *header, struct arena *arena,
			 struct comment_line *out)
{
	for (;;) {
		const char *begin = header->rest;
		size_t len = strcspn(begin, "\n");
		const char *p = begin + strspn(begin, " \t\r");
		const char *end = begin + len;
		const char *text;

		if (*begin == '\0' || (p < end && strncmp(p, "--", 2) != 0))
			return false;
		header->rest = end + (*end == '\n');
		header->line++;
		if (p >= end)
			continue;
		text = skip_blanks(p + 2);
		out->is_entry = text - (p + 2) > 1;
		out->line = header->line - 1;
		while (end > text && strchr(" \t\r", end[-1]))
			end--;
		out->text = arena_strndup(
			arena, text, end > text ? (size_t)(end - text) : 0);
		return true;
	}
}

bool comment_line_is(const char *text, const char *key, const char **value)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len) != 0 || text[len] != ':')
		return false;
	*value = skip_blanks(text + len + 1);
	return true;
}
