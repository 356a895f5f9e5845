#include "common/log_format.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json_text.h"

static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] > '~' ||
		    strchr("\"\\=", s[i]))
			return false;
	return len > 0;
}

static void add_pair(struct buf *out, enum log_format format, const char *key,
		     size_t key_len, const char *value, size_t len)
{
	if (format == LOG_JSON) {
		buf_add_text(out, out->len && out->data[out->len - 1] != '{'
					  ? ","
					  : "");
		json_text(out, key, key_len);
		buf_add_byte(out, ':');
		json_text(out, value, len);
		return;
	}
	if (out->len)
		buf_add_byte(out, ' ');
	buf_add(out, key, key_len);
	buf_add_byte(out, '=');
	if (is_plain(value, len))
		buf_add(out, value, len);
	else
		json_text(out, value, len);
}

static void add_text(struct buf *out, enum log_format format, const char *key,
		     const char *value)
{
	add_pair(out, format, key, strlen(key), value, strlen(value));
}

static void add_head(struct buf *out, enum log_format format, const char *level,
		     const char *program)
{
	int64_t now = clock_unix_us();
	time_t second = (time_t)(now / 1000000);
	struct tm tm;
	char text[80];
	size_t len;

	gmtime_r(&second, &tm);
	len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof text - len, ".%03dZ",
		 (int)(now / 1000 % 1000));
	if (format == LOG_JSON)
		buf_add_byte(out, '{');
	add_text(out, format, "time", text);
	add_text(out, format, "level", level);
	add_text(out, format, "program", program);
	snprintf(text, sizeof text, "%d", (int)getpid());
	add_text(out, format, "pid", text);
}

static void add_end(struct buf *out, enum log_format format)
{
	buf_add_text(out, format == LOG_JSON ? "}\n" : "\n");
}

void log_format_add(struct buf *out, enum log_format format, const char *level,
		    const char *program, const char *text)
{
	add_head(out, format, level, program);
	add_text(out, format, "message", text);
	add_end(out, format);
}

/* Where the next ` key=` begins, or the end. */
static const char *next_pair(const char *at)
{
	for (; *at; at++)
		if (*at == ' ' && at[1 + strspn(at + 1, "abcdefghijklmnopqrst"
							"uvwxyz_")] == '=')
			return at;
	return at;
}

void log_format_add_progress(struct buf *out, enum log_format format,
			     const char *program, const char *text)
{
	add_head(out, format, "info", program);
	if (!strchr(text, '=') || *text == ' ') {
		add_text(out, format, "message", text);
	} else {
		add_text(out, format, "message", "progress");
		while (*text) {
			const char *end = next_pair(text);
			const char *equals =
				memchr(text, '=', (size_t)(end - text));

			if (!equals)
				break;
			add_pair(out, format, text, (size_t)(equals - text),
				 equals + 1, (size_t)(end - equals - 1));
			text = *end ? end + 1 : end;
		}
	}
	add_end(out, format);
}
