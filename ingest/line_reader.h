/*
 * line_reader.h - lines out of a descriptor that may be anything
 *
 * Joins partial reads, waits on descriptors that do not block, survives
 * signals, and holds at most one line and one read in memory: of a line longer
 * than max-line only the first 64 KiB are kept while the rest is skipped.
 *
 * Offsets count the bytes of the input from the first one read.  A line ends
 * with \n; a \r before it belongs to the line end.  A byte order mark at
 * offset 0 belongs to nothing.  What follows the last \n is a line too, marked
 * as unterminated.
 *
 * The digest is the XXH3-128 of every byte before the line last handed out and
 * of that line: the identity of a file up to a position.
 */
#ifndef INGEST_LINE_READER_H
#define INGEST_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { LINE_KEPT_BYTES = 64 * 1024, DIGEST_BYTES = 16 };

struct line_reader;

struct line {
	const char *bytes; /* borrowed until the next call */
	size_t len;        /* without the line end; cut for an over-long line */
	size_t full_len;   /* > len: the line was longer than max-line */
	int64_t start;     /* offset of its first byte */
	int64_t next;      /* offset after its line end */
	int64_t number;    /* from 1 */
	bool unterminated; /* the input ended before a line end */
};

enum line_result {
	LINE_READ,
	LINE_WAIT,   /* nothing complete within the time given */
	LINE_ENDED,  /* end of the input, every byte handed out */
	LINE_FAILED, /* *err says why */
};

/* Reads fd, which the caller keeps and closes.  digesting: keep the digest. */
struct line_reader *line_reader_open(int fd, size_t max_line, bool digesting);
void line_reader_close(struct line_reader *reader);

/* From here on a line is a CSV record, which may hold line ends between quotes.
 * A quote that is not closed before the input ends, or that makes the record
 * longer than max-line, costs its own line and no other: the line is handed
 * out as it stands.  A record's number is that of its first line. */
void line_reader_csv(struct line_reader *reader, char delimiter);

/* From here on a blank line is a record as well. */
void line_reader_keep_blanks(struct line_reader *reader);

/* Reads ahead until `enough` is content with what is there, the input has
 * ended, or there are limit bytes; LINE_WAIT: not within the time given.
 * *bytes, borrowed until the next call, begin with what line_reader_next will
 * hand out. */
enum line_result line_reader_peek(struct line_reader *reader,
				  bool (*enough)(const char *bytes, size_t len),
				  size_t limit, int64_t deadline_ms,
				  const char **bytes, size_t *len,
				  struct error *err);

/* The next line.  Blank lines (space, tab, CR only) are passed over.  Reads and
 * waits for more until clock_ms() reaches deadline_ms or the program is asked
 * to stop; lines already read are handed out in any case. */
enum line_result line_reader_next(struct line_reader *reader,
				  int64_t deadline_ms, struct line *line,
				  struct error *err);

/* Whether anything has been read. */
bool line_reader_is_begun(const struct line_reader *reader);

/* Offset after the last line handed out, and after the blank lines passed over
 * since. */
int64_t line_reader_offset(const struct line_reader *reader);

/* Lines taken out so far, and how many of them were blank; reading again after
 * a seek counts again. */
void line_reader_counts(const struct line_reader *reader, uint64_t *taken,
			uint64_t *blank);

/* The digest of all bytes before line_reader_offset(). */
void line_reader_digest(struct line_reader *reader,
			uint8_t digest[DIGEST_BYTES]);

/* Goes on at `offset`, which must follow a line end, after reading (and
 * digesting) everything before it.  fd must be seekable.  False also when the
 * file is shorter. */
bool line_reader_seek(struct line_reader *reader, int64_t offset,
		      struct error *err) MUST_CHECK;

#endif
