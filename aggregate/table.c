#include "aggregate/table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

void table_add(struct table *table, const char *text)
{
	char *copy = arena_strdup(&table->arena, text ? text : "");

	for (char *p = copy; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = ' ';
	MEM_GROW(table->cell, table->count, table->capacity);
	table->cell[table->count++] = copy;
}

void table_format(struct table *table, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	table_add(table, text);
}

size_t table_rows(const struct table *table)
{
	return table->count / table->columns - 1;
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static void measure(const struct table *table, size_t column, size_t *width,
		    bool *right)
{
	*width = 0;
	*right = true;
	for (size_t i = column; i < table->count; i += table->columns) {
		size_t cell = utf8_count(table->cell[i]);

		*width = cell > *width ? cell : *width;
		if (i != column && !is_number(table->cell[i]))
			*right = false;
	}
}

static void pad(struct buf *line, size_t n)
{
	while (n-- > 0)
		buf_add_byte(line, ' ');
}

static void print_row(const char *const *cell, size_t columns,
		      const size_t *width, const bool *right, FILE *out)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < columns; i++) {
		size_t gap = width[i] - utf8_count(cell[i]);

		pad(&line, i ? 2 : 0);
		if (right[i])
			pad(&line, gap);
		buf_add_text(&line, cell[i]);
		if (!right[i])
			pad(&line, gap);
	}
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.data[--line.len] = '\0';
	fprintf(out, "%s\n", buf_text(&line));
	buf_release(&line);
}

void table_print(const struct table *table, FILE *out)
{
	size_t *width = mem_alloc(table->columns * sizeof *width);
	bool *right = mem_alloc(table->columns * sizeof *right);

	for (size_t i = 0; i < table->columns; i++)
		measure(table, i, &width[i], &right[i]);
	for (size_t i = 0; i + table->columns <= table->count;
	     i += table->columns)
		print_row(table->cell + i, table->columns, width, right, out);
	free(right);
	free(width);
}

void table_release(struct table *table)
{
	arena_release(&table->arena);
	free(table->cell);
	*table = TABLE_INIT(table->columns);
}
