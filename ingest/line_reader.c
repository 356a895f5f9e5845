#include "ingest/line_reader_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/stop.h"
#include "common/utf8.h"
#include "ingest/csv_scan.h"

enum { READ_BYTES = 256 * 1024 };

struct line_reader *line_reader_open(int fd, size_t max_line, bool digesting)
{
	struct line_reader *reader = mem_zalloc(1, sizeof *reader);

	reader->fd = fd;
	reader->max_line = max_line;
	if (digesting) {
		reader->state = XXH3_createState();
		if (!reader->state)
			abort();
		XXH3_128bits_reset(reader->state);
	}
	return reader;
}

void line_reader_close(struct line_reader *reader)
{
	if (!reader)
		return;
	XXH3_freeState(reader->state);
	buf_release(&reader->buf);
	buf_release(&reader->cut);
	free(reader);
}

/* Offset of the bytes not handed out. */
int64_t line_reader_here(const struct line_reader *reader)
{
	return reader->base + (int64_t)reader->start;
}

bool line_reader_is_begun(const struct line_reader *reader)
{
	return reader->base > 0 || reader->buf.len > 0;
}

int64_t line_reader_offset(const struct line_reader *reader)
{
	return reader->cutting ? reader->cut_start : line_reader_here(reader);
}

void line_reader_counts(const struct line_reader *reader, uint64_t *taken,
			uint64_t *blank)
{
	*taken = reader->taken;
	*blank = reader->blank;
}

/* Brings the digest up to `start`. */
static void digest_consumed(struct line_reader *reader)
{
	if (reader->state && reader->start > reader->hashed)
		XXH3_128bits_update(reader->state,
				    reader->buf.data + reader->hashed,
				    reader->start - reader->hashed);
	reader->hashed = reader->start;
}

static void digest_here(struct line_reader *reader, uint8_t *digest)
{
	XXH128_canonical_t canonical;

	digest_consumed(reader);
	XXH128_canonicalFromHash(&canonical,
				 XXH3_128bits_digest(reader->state));
	memcpy(digest, canonical.digest, DIGEST_BYTES);
}

void line_reader_digest(struct line_reader *reader,
			uint8_t digest[DIGEST_BYTES])
{
	if (reader->cutting)
		memcpy(digest, reader->cut_digest, DIGEST_BYTES);
	else
		digest_here(reader, digest);
}

/* Forgets what has been handed out. */
static void compact(struct line_reader *reader)
{
	struct buf *buf = &reader->buf;

	digest_consumed(reader);
	if (reader->start == 0)
		return;
	memmove(buf->data, buf->data + reader->start, buf->len - reader->start);
	buf->len -= reader->start;
	reader->scanned -= reader->start;
	reader->base += (int64_t)reader->start;
	reader->start = 0;
	reader->hashed = 0;
}

/* Waits until there may be something to read. */
static bool wait_input(const struct line_reader *reader, int64_t timeout_ms)
{
	struct pollfd fds[2] = {{.fd = reader->fd, .events = POLLIN},
				{.fd = stop_fd(), .events = POLLIN}};
	int n = poll(fds, 2, timeout_ms > 60000 ? 60000 : (int)timeout_ms);

	return n > 0 && fds[0].revents != 0;
}

static enum line_result fill(struct line_reader *reader, int64_t deadline,
			     struct error *err)
{
	for (;;) {
		int64_t left = deadline - clock_ms();
		char *to;
		ssize_t n;

		if (left <= 0)
			return LINE_WAIT;
		if (!wait_input(reader, left)) {
			if (stop_requested())
				return LINE_WAIT;
			continue;
		}
		compact(reader);
		to = buf_reserve(&reader->buf, READ_BYTES);
		n = read(reader->fd, to, READ_BYTES);
		if (n > 0) {
			reader->buf.len += (size_t)n;
			return LINE_READ;
		}
		if (n == 0) {
			reader->ended = true;
			return LINE_ENDED;
		}
		if (errno == EINTR || errno == EAGAIN)
			continue;
		error_set(err, ERROR_FATAL, STATUS_SOURCE, "reading: %s",
			  strerror(errno));
		return LINE_FAILED;
	}
}

/* A line of tabs may be a CSV record of empty fields. */
static bool is_blank(const struct line_reader *reader, const char *bytes,
		     size_t len)
{
	bool tabs = !reader->csv || reader->scan.delimiter != '\t';

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != ' ' && bytes[i] != '\r' &&
		    (bytes[i] != '\t' || !tabs))
			return false;
	return true;
}

/* Drops the byte order mark and the \r of the line end. */
static void trim(struct line *line)
{
	if (line->start == 0) {
		size_t mark = utf8_mark(line->bytes, line->len);

		line->bytes += mark;
		line->len -= mark;
	}
	if (line->len && line->bytes[line->len - 1] == '\r')
		line->len--;
	line->full_len = line->len;
}

/* The line [start, end); `taken` bytes with its line end.  False: blank. */
bool line_reader_hand_out(struct line_reader *reader, size_t end,
			  bool unterminated, struct line *line)
{
	*line = (struct line){
		.bytes = reader->buf.data + reader->start,
		.len = end - reader->start,
		.start = line_reader_here(reader),
		.number = ++reader->lines,
		.unterminated = unterminated,
	};
	reader->start = unterminated ? end : end + 1;
	reader->scanned = reader->start;
	line->next = line_reader_here(reader);
	if (reader->csv)
		line_reader_begin_record(reader, line);
	trim(line);
	reader->taken++;
	if (!reader->blanks && is_blank(reader, line->bytes, line->len)) {
		reader->blank++;
		return false;
	}
	if (line->len > reader->max_line)
		line->len = LINE_KEPT_BYTES;
	return true;
}

/* Keeps the head of a line that is too long and skips what is there of it. */
void line_reader_skip(struct line_reader *reader, size_t end)
{
	struct buf *buf = &reader->buf;
	size_t len = end - reader->start;

	if (!reader->cutting) {
		buf_reset(&reader->cut);
		buf_add(&reader->cut, buf->data + reader->start,
			len > LINE_KEPT_BYTES ? LINE_KEPT_BYTES : len);
		reader->cut_start = line_reader_here(reader);
		reader->cutting = true;
		if (reader->state)
			digest_here(reader, reader->cut_digest);
	}
	if (len)
		reader->cut_at_cr = buf->data[end - 1] == '\r';
	reader->start = end;
	reader->scanned = end;
}

/* The over-long line has ended at `end`. */
void line_reader_hand_out_cut(struct line_reader *reader, size_t end,
			      bool unterminated, struct line *line)
{
	line_reader_skip(reader, end);
	*line = (struct line){
		.bytes = reader->cut.data,
		.len = reader->cut.len,
		.full_len = (size_t)(line_reader_here(reader) -
				     reader->cut_start - reader->cut_at_cr),
		.start = reader->cut_start,
		.number = ++reader->lines,
		.unterminated = unterminated,
	};
	if (!unterminated)
		reader->start++;
	reader->scanned = reader->start;
	reader->cutting = false;
	reader->taken++;
	line->next = line_reader_here(reader);
}

/* Looks for a line in what has been read.  False: none is complete. */
static bool find(struct line_reader *reader, struct line *line)
{
	struct buf *buf = &reader->buf;

	if (reader->csv)
		return line_reader_find_csv(reader, line);

	while (reader->scanned < buf->len) {
		char *at = memchr(buf->data + reader->scanned, '\n',
				  buf->len - reader->scanned);
		size_t end = at ? (size_t)(at - buf->data) : buf->len;

		if (reader->cutting ||
		    end - reader->start > reader->max_line + 1) {
			if (at) {
				line_reader_hand_out_cut(reader, end, false,
							 line);
				return true;
			}
			line_reader_skip(reader, end);
		} else if (!at) {
			reader->scanned = buf->len;
		} else if (line_reader_hand_out(reader, end, false, line)) {
			return true;
		}
	}
	return false;
}

/* What is left when the input has ended. */
static enum line_result last(struct line_reader *reader, struct line *line)
{
	size_t end = reader->buf.len;

	if (reader->cutting) {
		line_reader_hand_out_cut(reader, end, true, line);
		return LINE_READ;
	}
	while (reader->start < end) {
		/* a quote that is never closed costs its line alone */
		char *at = reader->csv && reader->scan.state == CSV_QUOTED
				   ? line_reader_line_end(reader)
				   : NULL;

		if (at)
			line_reader_give_up(reader, end);
		if (line_reader_hand_out(
			    reader, at ? (size_t)(at - reader->buf.data) : end,
			    !at, line) ||
		    (at && line_reader_find_csv(reader, line)))
			return LINE_READ;
	}
	return LINE_ENDED;
}

enum line_result line_reader_next(struct line_reader *reader,
				  int64_t deadline_ms, struct line *line,
				  struct error *err)
{
	enum line_result result;

	for (;;) {
		if (find(reader, line))
			return LINE_READ;
		if (reader->ended)
			return last(reader, line);
		if (stop_requested())
			return LINE_WAIT;
		result = fill(reader, deadline_ms, err);
		if (result == LINE_WAIT || result == LINE_FAILED)
			return result;
	}
}

enum line_result line_reader_peek(struct line_reader *reader,
				  bool (*enough)(const char *bytes, size_t len),
				  size_t limit, int64_t deadline_ms,
				  const char **bytes, size_t *len,
				  struct error *err)
{
	for (;;) {
		enum line_result result;

		*bytes = reader->buf.data + reader->start;
		*len = reader->buf.len - reader->start;
		if (reader->ended || *len >= limit ||
		    (*len && enough(*bytes, *len)))
			return LINE_READ;
		if (stop_requested())
			return LINE_WAIT;
		result = fill(reader, deadline_ms, err);
		if (result == LINE_WAIT || result == LINE_FAILED)
			return result;
	}
}

static void count_lines(struct line_reader *reader, size_t end)
{
	const char *at = reader->buf.data + reader->start;
	const char *stop = reader->buf.data + end;

	while (at && (at = memchr(at, '\n', (size_t)(stop - at))) != NULL) {
		reader->lines++;
		at++;
	}
	reader->start = reader->scanned = end;
}

bool line_reader_seek(struct line_reader *reader, int64_t offset,
		      struct error *err)
{
	struct buf *buf = &reader->buf;

	if (lseek(reader->fd, 0, SEEK_SET) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "going back: %s", strerror(errno));
	buf_reset(buf);
	reader->base = reader->lines = 0;
	reader->start = reader->scanned = reader->hashed = 0;
	reader->ended = reader->cutting = false;
	reader->failed_offset = 0;
	csv_scan_begin(&reader->scan);
	if (reader->state)
		XXH3_128bits_reset(reader->state);
	while (reader->base + (int64_t)buf->len < offset) {
		enum line_result result;

		count_lines(reader, buf->len);
		result = fill(reader, clock_ms() + 60000, err);
		if (result == LINE_FAILED)
			return false;
		if (result != LINE_READ)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "the file has become shorter than "
					 "what was read of it");
	}
	count_lines(reader, (size_t)(offset - reader->base));
	return true;
}
