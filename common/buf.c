#include "common/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT;
}

char *buf_detach(struct buf *buf)
{
	char *data = buf->data ? buf->data : mem_strdup("");

	*buf = BUF_INIT;
	return data;
}

void buf_grow(struct buf *buf, size_t needed)
{
	size_t wanted = buf->capacity ? buf->capacity : 64;

	while (wanted < needed)
		wanted += wanted / 2;
	buf->data = mem_realloc(buf->data, wanted);
	buf->capacity = wanted;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *to = buf_reserve(buf, len);

	if (len)
		memcpy(to, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_byte(struct buf *buf, char byte)
{
	buf_add(buf, &byte, 1);
}

void buf_add_hex(struct buf *buf, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	char *to = buf_reserve(buf, 2 * len);

	for (size_t i = 0; i < len; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to = '\0';
	buf->len += 2 * len;
}

void buf_format(struct buf *buf, const char *fmt, ...)
{
	char *to = buf_reserve(buf, 0);
	size_t room = buf->capacity - buf->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(to, room, fmt, args);
	va_end(args);
	if (len < 0) {
		*to = '\0';
		return;
	}
	if ((size_t)len >= room) {
		va_start(args, fmt);
		vsnprintf(buf_reserve(buf, (size_t)len), (size_t)len + 1, fmt,
			  args);
		va_end(args);
	}
	buf->len += (size_t)len;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}
