/*
 * line_reader_parts.h - the inside of a line reader
 *
 * Private to line_reader*.c.
 */
#ifndef INGEST_LINE_READER_PARTS_H
#define INGEST_LINE_READER_PARTS_H

#include <xxhash.h>

#include "common/buf.h"
#include "ingest/csv_scan.h"
#include "ingest/line_reader.h"

struct line_reader {
	int fd;
	size_t max_line;
	struct buf buf; /* bytes read; [start, len) not handed out yet */
	size_t start;   /* of the bytes not handed out */
	size_t scanned; /* [start, scanned) holds no line end */
	size_t hashed;  /* [0, hashed) is in the digest */
	int64_t base;   /* offset of buf.data[0] */
	int64_t lines;  /* line ends passed */
	uint64_t taken, blank;
	bool ended;                       /* read() has said so */
	struct buf cut;                   /* the head of an over-long line */
	int64_t cut_start;                /* offset of that line */
	bool cutting;                     /* in the middle of one */
	uint8_t cut_digest[DIGEST_BYTES]; /* of what is before it */
	XXH3_state_t *state;              /* NULL: not digesting */
	bool cut_at_cr; /* the last byte skipped of it is a \r */
	bool csv;
	bool blanks;          /* a blank line is a record */
	struct csv_scan scan; /* of the record that begins at `start` */
	/* The farthest search that found no end: up to that offset every line
	 * end is within its quotes. */
	struct csv_scan failed;
	int64_t failed_offset;
};

/* Offset of the bytes not handed out. */
int64_t line_reader_here(const struct line_reader *reader);

/* The line [start, end); `taken` bytes with its line end.  False: blank. */
bool line_reader_hand_out(struct line_reader *reader, size_t end,
			  bool unterminated, struct line *line);

/* Keeps the head of a line that is too long and skips what is there of it. */
void line_reader_skip(struct line_reader *reader, size_t end);

/* The over-long line has ended at `end`. */
void line_reader_hand_out_cut(struct line_reader *reader, size_t end,
			      bool unterminated, struct line *line);

/* --- line_reader_csv.c ---------------------------------------------------- */

/* Where the line ends that begins at `start`, if it is there. */
char *line_reader_line_end(const struct line_reader *reader);

/* The record that begins at `start` has no end worth having: what the search
 * came to know, up to the byte at `end`, serves the lines within it. */
void line_reader_give_up(struct line_reader *reader, size_t end);

/* After a record has been taken: the lines within it, and the next one. */
void line_reader_begin_record(struct line_reader *reader,
			      const struct line *line);

/* Looks for a record in what has been read.  False: none is complete. */
bool line_reader_find_csv(struct line_reader *reader, struct line *line);

#endif
