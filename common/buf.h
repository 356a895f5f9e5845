/*
 * buf.h - a growing run of bytes
 *
 * BUF_INIT is a valid empty buffer.  `data` holds `len` bytes followed by a
 * NUL that is not counted once anything has been added; before that it may be
 * NULL (use buf_text for a string that is always there).
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t capacity;
};

#define BUF_INIT ((struct buf){0})

/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *buf);

/* Frees the memory and leaves a valid empty buffer. */
void buf_release(struct buf *buf);

/* Hands the memory to the caller, who frees it; leaves an empty buffer.
 * Never NULL: an empty buffer gives "". */
char *buf_detach(struct buf *buf);

/* Makes the capacity at least `needed`. */
void buf_grow(struct buf *buf, size_t needed);

/* Makes room for `more` bytes beyond len and returns where they go.  The
 * caller adds to len what it wrote. */
static inline char *buf_reserve(struct buf *buf, size_t more)
{
	size_t needed = buf->len + more + 1;

	if (__builtin_expect(needed > buf->capacity, 0))
		buf_grow(buf, needed);
	return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_byte(struct buf *buf, char byte);

/* Two lower-case digits a byte. */
void buf_add_hex(struct buf *buf, const void *bytes, size_t len);

void buf_format(struct buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The content as a string: "" when nothing was added.  Borrowed. */
const char *buf_text(const struct buf *buf);

#endif
