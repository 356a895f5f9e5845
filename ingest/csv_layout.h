/*
 * csv_layout.h - which field of a CSV file fills which column of a stream
 *
 * Made once per file from its header (or, for a stream with header=no, from
 * the order of the columns), then shared by every record of the file.  Names
 * are compared without blanks around them and without regard to ASCII case;
 * the path `a.b` is the field `a.b`.
 */
#ifndef INGEST_CSV_LAYOUT_H
#define INGEST_CSV_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/error.h"

struct stream;

/* More fields than PostgreSQL has columns make no sense. */
enum { CSV_FIELDS_MAX = 4096 };

struct csv_layout {
	const struct stream *stream; /* borrowed */
	int stream_index;            /* in its set */
	const char *header; /* the record, without its line end; "": none */
	size_t header_len;
	const char **name; /* by field */
	size_t field_count;
	int **source; /* by column, by alternative: its field, or -1 */
	bool *mapped; /* by field: some alternative names it */
	size_t mapped_count;
	struct arena arena; /* owns everything above */
};

/* From a header.  False: it cannot be this stream's, and *err says why. */
bool csv_layout_read(struct csv_layout **out, const struct stream *stream,
		     int stream_index, const char *header, size_t len,
		     struct error *err) MUST_CHECK;

/* Of a stream with header=no: the columns that come from fields, in the
 * table's order. */
struct csv_layout *csv_layout_positional(const struct stream *stream,
					 int stream_index);
void csv_layout_close(struct csv_layout *layout);

/* Whether a record is the header again, as in files joined by cat. */
bool csv_layout_is_header(const struct csv_layout *layout, const char *bytes,
			  size_t len);

/* How many fields of a header, split with that delimiter, the stream names;
 * *fields says how many there are. */
size_t csv_layout_known(const struct stream *stream, char delimiter,
			const char *header, size_t len, size_t *fields);

#endif
