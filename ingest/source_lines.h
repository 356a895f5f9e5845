/*
 * source_lines.h - lines of a file or of a pipe as a source
 *
 * One part, whose position is a byte offset.  A file can be read again from any
 * offset and proves what it is by the digest of the bytes before it.  A pipe
 * is read once: every byte it gave lives in memory until it is committed.
 */
#ifndef INGEST_SOURCE_LINES_H
#define INGEST_SOURCE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/position.h"
#include "ingest/source.h"

struct csv_layout;
struct monitor;

/* Reads fd, which the caller closes afterwards.  name (for people) is copied;
 * positions holds the one part once the first record is wanted. */
struct source *source_pipe_open(int fd, const char *name, size_t max_line,
				struct positions *positions);

/* The same for a file, from its start; source_rewind goes elsewhere. */
bool source_file_open(struct source **out, int fd, const char *name,
		      size_t max_line, struct positions *positions,
		      struct error *err) MUST_CHECK;

/* How the input begins: as much of it as holds a header, should it have one.
 * Waits for a slow producer; *len is 0 when the input is empty or the program
 * is asked to stop.  *bytes are borrowed until the next call.  The monitor, or
 * NULL, is shown meanwhile that all is well. */
bool source_lines_sample(struct source *source, const char **bytes, size_t *len,
			 struct monitor *monitor, struct error *err) MUST_CHECK;

/* Whether anything has been read. */
bool source_lines_is_begun(const struct source *source);

/* Size and hash of the input as far as it has been read. */
void source_lines_content(struct source *source, struct anchor *content);

/* Before the first record: all of them belong to that stream. */
void source_lines_stream(struct source *source, int stream);

/* Before the first record: the input is CSV, laid out like this; taken over. */
void source_lines_csv(struct source *source, struct csv_layout *layout);

/* A blank line is a record too: the CSV comes from a program. */
void source_lines_keep_blanks(struct source *source);

#endif
