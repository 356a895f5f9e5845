/*
 * probe_decode - a stream's decoder alone, for tests against PostgreSQL
 *
 *	probe_decode STREAM.sql < lines > rows
 *
 * A stream that takes CSV alone reads CSV, with its header if it has one.
 * Writes the rows as a binary COPY file and, on stderr, one line a record:
 * `12 row` or `12 reject COLUMN REASON`, numbers from 1, COLUMN `-` if none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "ingest/batch.h"
#include "ingest/csv_layout.h"
#include "ingest/decode.h"
#include "ingest/line_reader.h"
#include "ingest/record.h"
#include "ingest/stream.h"

static struct stream *read_stream(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = mem_strdup(slash ? slash + 1 : path);
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct stream *stream = NULL;
	FILE *file = fopen(path, "r");
	size_t got = 0;

	if (!file || strlen(name) < 5) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(STATUS_USAGE);
	}
	do {
		got = fread(buf_reserve(&text, 4096), 1, 4096, file);
		text.len += got;
	} while (got > 0);
	fclose(file);
	buf_add_text(&text, "");
	name[strlen(name) - 4] = '\0';
	if (!stream_parse(&stream, path, name, buf_text(&text), &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit((int)err.status);
	}
	buf_release(&text);
	free(name);
	return stream;
}

/* Decodes one record and reports what became of it. */
static void decode(struct decoder *decoder, struct batch *batch,
		   const struct record *record)
{
	batch_reset(batch);
	decoder_decode(decoder, record, batch);
	if (batch->reject_count == 0) {
		fprintf(stderr, "%lld row\n", (long long)record->line);
		fwrite(batch->table->rows.data, 1, batch->table->rows.len,
		       stdout);
		return;
	}
	fprintf(stderr, "%lld reject %s %s\n", (long long)record->line,
		batch->reject[0].column_name ? batch->reject[0].column_name
					     : "-",
		batch->reject[0].reason);
}

/* Reads standard input as CSV. */
static void decode_csv(struct decoder *decoder, struct batch *batch,
		       const struct stream *stream)
{
	struct line_reader *reader =
		line_reader_open(STDIN_FILENO, 8 << 20, false);
	struct csv_layout *layout =
		stream->header ? NULL : csv_layout_positional(stream, 0);
	struct error err = ERROR_INIT;
	struct line line;

	line_reader_csv(reader, stream->delimiter);
	while (line_reader_next(reader, INT64_MAX, &line, &err) == LINE_READ) {
		const struct record record = {
			.bytes = line.bytes,
			.len = line.len,
			.full_len = line.full_len,
			.position = line.start,
			.next = line.next,
			.line = line.number,
			.csv = layout,
			.partition = -1,
			.timestamp_ms = -1,
		};

		if (layout) {
			decode(decoder, batch, &record);
		} else if (!csv_layout_read(&layout, stream, 0, line.bytes,
					    line.len, &err)) {
			fprintf(stderr, "%s\n", err.text);
			exit((int)err.status);
		}
	}
	csv_layout_close(layout);
	line_reader_close(reader);
}

int main(int argc, char **argv)
{
	const struct decode_limits limits = {200, 1000000};
	struct record record = {.partition = -1, .timestamp_ms = -1};
	struct decoder *decoder;
	struct stream *stream;
	struct batch batch;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (argc != 2) {
		fprintf(stderr, "usage: probe_decode STREAM.sql < lines\n");
		return STATUS_USAGE;
	}
	stream = read_stream(argv[1]);
	decoder = decoder_open((const struct stream *const *)&stream, 1, 0,
			       &limits);
	batch_init(&batch, (const struct stream *const *)&stream, 1);
	fwrite(batch_copy_header, 1, sizeof batch_copy_header, stdout);
	if (stream->format == STREAM_CSV)
		decode_csv(decoder, &batch, stream);
	while ((len = getline(&line, &size, stdin)) > 0) {
		record.bytes = line;
		record.len = record.full_len =
			(size_t)len - (line[len - 1] == '\n');
		record.line++;
		record.position = record.next;
		record.next += len;
		decode(decoder, &batch, &record);
	}
	fwrite(batch_copy_trailer, 1, sizeof batch_copy_trailer, stdout);
	free(line);
	batch_release(&batch);
	decoder_close(decoder);
	stream_close(stream);
	return fflush(stdout) == 0 ? STATUS_DONE : STATUS_SOURCE;
}
