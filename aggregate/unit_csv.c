#include "aggregate/unit_csv.h"

#include <string.h>

#include "aggregate/quote.h"

/* Reads one cell; *text moves behind it and its comma.  *is_last: the line ends
 * with it.  An empty cell without quotes is NULL. */
static bool next_cell(const char **text, struct buf *cell, bool *is_null,
		      bool *is_last)
{
	const char *p = *text;
	bool quoted = *p == '"';

	buf_reset(cell);
	if (quoted) {
		for (p++; *p && *p != '\n'; p++) {
			if (*p == '"' && *++p != '"')
				break;
			buf_add_byte(cell, *p);
		}
		if (p[-1] != '"' || (*p && *p != ',' && *p != '\n'))
			return false;
	} else {
		size_t len = strcspn(p, ",\n");

		buf_add(cell, p, len);
		p += len;
	}
	*is_null = !quoted && cell->len == 0;
	*is_last = *p != ',';
	*text = p + (*p != '\0');
	return true;
}

static void add_cell(struct buf *out, const struct buf *cell, bool is_null,
		     bool is_name)
{
	if (is_name)
		quote_identifier(out, buf_text(cell));
	else if (is_null)
		buf_add_text(out, "null::text");
	else
		quote_literal(out, buf_text(cell));
}

/* One line as (a, b); 0: a quote is never closed. */
static size_t add_line(struct buf *out, const char **text, bool is_name)
{
	struct buf cell = BUF_INIT;
	bool is_null, is_last = false;
	size_t count = 0;

	buf_add_byte(out, '(');
	while (!is_last) {
		buf_add_text(out, count ? ", " : "");
		if (!next_cell(text, &cell, &is_null, &is_last)) {
			count = 0;
			break;
		}
		add_cell(out, &cell, is_null, is_name);
		count++;
	}
	buf_add_byte(out, ')');
	buf_release(&cell);
	return count;
}

/* Names alone make a query without rows. */
static void add_query(struct buf *out, const struct buf *names,
		      const struct buf *values, size_t columns)
{
	buf_add_text(out, "select * from (values ");
	if (values->len) {
		buf_format(out, "%s) csv %s", buf_text(values),
			   buf_text(names));
		return;
	}
	for (size_t i = 0; i < columns; i++)
		buf_add_text(out, i ? ", null::text" : "(null::text");
	buf_format(out, ")) csv %s where false", buf_text(names));
}

bool unit_csv_query(struct buf *out, const char *text, const char *file,
		    int line, struct error *err)
{
	struct buf names = BUF_INIT, values = BUF_INIT;
	size_t columns = add_line(&names, &text, true), count = columns;
	const char *separator = "";

	while (*text && count && count == columns) {
		line++;
		buf_add_text(&values, separator);
		separator = ", ";
		count = add_line(&values, &text, false);
	}
	if (count == 0)
		error_config(err, "%s:%d: a quote in this line is never closed",
			     file, line);
	else if (count != columns)
		error_config(err,
			     "%s:%d: %zu values for %zu columns; NULL is "
			     "written as nothing between commas",
			     file, line, count, columns);
	else
		add_query(out, &names, &values, columns);
	buf_release(&names);
	buf_release(&values);
	return count && count == columns;
}
