#include "aggregate/rows_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/utf8.h"

enum { COLUMNS_MAX = 64 };

/* What a cell shows: text without quotes, all else as JSON; never a line break.
 * The caller frees it. */
static char *cell_text(const json_t *cell)
{
	char *text = json_is_string(cell)
			     ? strdup(json_string_value(cell))
			     : json_dumps(cell, JSON_ENCODE_ANY | JSON_COMPACT);

	for (char *p = text; p && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return text;
}

static int width_of(const char *text)
{
	return (int)utf8_count(text);
}

static void print_cell(FILE *out, const char *text, int width, bool is_first)
{
	fprintf(out, "%s%s%*s", is_first ? "    " : " | ", text,
		width - width_of(text), "");
}

static void find_widths(json_t *rows, int *width)
{
	size_t number;
	json_t *row, *cell;
	const char *name;

	json_array_foreach(rows, number, row)
	{
		size_t column = 0;

		json_object_foreach(row, name, cell)
		{
			char *text = cell_text(cell);

			if (column == COLUMNS_MAX) {
				free(text);
				break;
			}
			if (number == 0)
				width[column] = width_of(name);
			if (text && width_of(text) > width[column])
				width[column] = width_of(text);
			free(text);
			column++;
		}
	}
}

static void print_row(FILE *out, json_t *row, const int *width, bool names)
{
	size_t column = 0;
	const char *name;
	json_t *cell;

	json_object_foreach(row, name, cell)
	{
		char *text = names ? strdup(name) : cell_text(cell);

		if (text && column < COLUMNS_MAX)
			print_cell(out, text, width[column], column == 0);
		free(text);
		column++;
	}
	fputc('\n', out);
}

/* Numbers of the rows themselves become strings: jansson would round them. */
static void quote_numbers(struct buf *out, const char *p)
{
	bool in_string = false;
	int depth = 0;
	size_t len;

	for (; *p; p += len) {
		len = *p == '\\' && p[1] ? 2 : 1;
		if (*p == '"')
			in_string = !in_string;
		if (!in_string)
			depth += (*p == '[' || *p == '{') -
				 (*p == ']' || *p == '}');
		if (in_string || depth != 2 || !strchr("-0123456789", *p)) {
			buf_add(out, p, len);
			continue;
		}
		len = strspn(p, "-+.0123456789eE");
		buf_format(out, "\"%.*s\"", (int)len, p);
	}
}

static json_t *read_rows(const char *text)
{
	struct buf quoted = BUF_INIT;
	json_t *rows;

	quote_numbers(&quoted, text);
	rows = json_loads(buf_text(&quoted), 0, NULL);
	buf_release(&quoted);
	return rows;
}

void rows_print(FILE *out, const char *text, int64_t total)
{
	json_t *rows = read_rows(text);
	int width[COLUMNS_MAX] = {0};
	size_t count = json_array_size(rows);

	if (!json_is_array(rows)) {
		fprintf(out, "    %s\n", text);
		json_decref(rows);
		return;
	}
	find_widths(rows, width);
	if (count)
		print_row(out, json_array_get(rows, 0), width, true);
	for (size_t i = 0; i < count; i++)
		print_row(out, json_array_get(rows, i), width, false);
	if (total > (int64_t)count)
		fprintf(out, "    ... and %" PRId64 " more\n",
			total - (int64_t)count);
	json_decref(rows);
}
