/* Records of CSV, which may hold line ends, where a line reader has lines. */
#include <string.h>

#include "common/utf8.h"
#include "ingest/line_reader_parts.h"

void line_reader_csv(struct line_reader *reader, char delimiter)
{
	reader->csv = true;
	reader->scan.delimiter = delimiter;
	csv_scan_begin(&reader->scan);
}

void line_reader_keep_blanks(struct line_reader *reader)
{
	reader->blanks = true;
}

/* After a record has been taken: the lines within it, and the next one. */
void line_reader_begin_record(struct line_reader *reader,
			      const struct line *line)
{
	const char *at = line->bytes;
	const char *end = at + line->len;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		reader->lines++;
		at++;
	}
	csv_scan_begin(&reader->scan);
}

/* Where the line ends that begins at `start`, if it is there. */
char *line_reader_line_end(const struct line_reader *reader)
{
	const struct buf *buf = &reader->buf;

	return memchr(buf->data + reader->start, '\n',
		      buf->len - reader->start);
}

/* Whether a byte order mark stands before the record; *wait: it may. */
static size_t mark_bytes(const struct line_reader *reader, bool *wait)
{
	size_t len = reader->buf.len - reader->start;

	*wait = false;
	if (line_reader_here(reader) != 0)
		return 0;
	*wait = !reader->ended && len < 3;
	return utf8_mark(reader->buf.data + reader->start, len);
}

void line_reader_give_up(struct line_reader *reader, size_t end)
{
	reader->failed = reader->scan;
	reader->failed_offset = reader->base + (int64_t)end;
}

/*
 * The end of the record that begins at `from`.  A line within a record without
 * an end either is a record by itself or ends within quotes, as it did in the
 * search that gave up: then this one has the rest in common with that one, and
 * every byte is looked at once, however many lines have a stray quote.
 */
static bool find_end(struct line_reader *reader, size_t from, size_t *end)
{
	const char *bytes = reader->buf.data + from;
	size_t len = reader->buf.len - from;
	int64_t ahead = reader->failed_offset - reader->base - (int64_t)from;
	const char *at;

	if (reader->scan.done == 0 && ahead > 0 && (size_t)ahead <= len &&
	    (at = memchr(bytes, '\n', (size_t)ahead)) != NULL) {
		if (csv_scan_end(&reader->scan, bytes, (size_t)(at - bytes) + 1,
				 end))
			return true;
		reader->scan = reader->failed;
		reader->scan.done = (size_t)ahead;
	}
	return csv_scan_end(&reader->scan, bytes, len, end);
}

/* find() for CSV: true where it has found the end of a record, or of the line
 * that must stand for it. */
static bool find_record(struct line_reader *reader, size_t *end)
{
	struct buf *buf = &reader->buf;
	bool wait;
	size_t mark = mark_bytes(reader, &wait);
	size_t from = reader->start + mark;
	bool found = !wait && find_end(reader, from, end);
	char *at;

	*end += from;
	if (found && *end - reader->start <= reader->max_line + 1)
		return true;
	if (!found && buf->len - reader->start <= reader->max_line + 1)
		return false;
	line_reader_give_up(reader, found ? *end : from + reader->scan.done);
	at = line_reader_line_end(reader);
	*end = at ? (size_t)(at - buf->data) : buf->len;
	return true;
}

/* Looks for a record in what has been read.  False: none is complete. */
bool line_reader_find_csv(struct line_reader *reader, struct line *line)
{
	struct buf *buf = &reader->buf;

	while (reader->start < buf->len) {
		size_t end = 0;

		if (reader->cutting) {
			char *at = line_reader_line_end(reader);

			if (at) {
				line_reader_hand_out_cut(
					reader, (size_t)(at - buf->data), false,
					line);
				return true;
			}
			line_reader_skip(reader, buf->len);
		} else if (!find_record(reader, &end)) {
			return false;
		} else if (end - reader->start > reader->max_line + 1) {
			csv_scan_begin(&reader->scan);
			line_reader_skip(reader, end);
		} else if (line_reader_hand_out(reader, end, false, line)) {
			return true;
		}
	}
	return false;
}
