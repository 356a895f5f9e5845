#include "aggregate/quote.h"

#include <string.h>

void quote_identifier(struct buf *out, const char *name)
{
	buf_add_byte(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_byte(out, '"');
		buf_add_byte(out, *name);
	}
	buf_add_byte(out, '"');
}

void quote_identifiers(struct buf *out, const char *const *name, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_text(out, ", ");
		quote_identifier(out, name[i]);
	}
}

void quote_relation(struct buf *out, const char *relation)
{
	const char *dot = strchr(relation, '.');

	buf_add_byte(out, '"');
	buf_add(out, relation, (size_t)(dot - relation));
	buf_add_text(out, "\".");
	quote_identifier(out, dot + 1);
}

void quote_literal(struct buf *out, const char *value)
{
	if (strchr(value, '\\'))
		buf_add_byte(out, 'E');
	buf_add_byte(out, '\'');
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_add_byte(out, *value);
		buf_add_byte(out, *value);
	}
	buf_add_byte(out, '\'');
}
