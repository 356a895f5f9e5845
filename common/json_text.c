#include "common/json_text.h"

#include "common/buf.h"
#include "common/utf8.h"

void json_text(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;

	buf_add_byte(out, '"');
	while (text < end) {
		unsigned char c = (unsigned char)*text;
		size_t good = utf8_length(text, end);

		if (good == 0)
			buf_add_byte(out, '?');
		else if (c == '"' || c == '\\')
			buf_format(out, "\\%c", c);
		else if (c == '\n')
			buf_add_text(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_format(out, "\\u%04x", c);
		else
			buf_add(out, text, good);
		text += good ? good : 1;
	}
	buf_add_byte(out, '"');
}
