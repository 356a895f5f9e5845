/*
 * fuzz_csv - any bytes at all as a CSV file
 *
 * The first byte chooses the delimiter, the rest is the file.  Its records
 * must follow each other without overlap and cover it to its end; each becomes
 * one row or one reject; and a record's end must be found at the same place
 * when the bytes come one by one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "ingest/csv_header.h"
#include "ingest/csv_scan.h"
#include "ingest/line_reader.h"
#include "tests/support/decode_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_LINE = 256, WAIT_MS = 10000 };

static struct stream *stream;
static struct decoder *decoder;
static struct batch batch;

static void prepare(void)
{
	struct error err = ERROR_INIT;
	static const char text[] =
		"-- stream: f\n-- format: csv\ncreate table staging.f (\n"
		"a bigint, -- from: a\nb timestamptz, -- from: b as naive_utc\n"
		"c boolean, -- from: c\nd jsonb, -- from: d\n"
		"e timestamptz, -- from: e as epoch_ms | e\n"
		"f numeric(6,2), -- from: f\ng jsonb, -- from: *\n"
		"loaded_at timestamptz not null default now()\n"
		") partition by range (loaded_at);\n";

	if (!stream_parse(&stream, "f.sql", "f", text, &err))
		abort();
	decoder = decoder_open((const struct stream *const *)&stream, 1, 0,
			       &(struct decode_limits){20, 1000});
	batch_init(&batch, (const struct stream *const *)&stream, 1);
}

/* In one piece and byte by byte. */
static void check_ends(const char *bytes, size_t len)
{
	struct csv_scan scan = {.delimiter = stream->delimiter};
	size_t whole = SIZE_MAX, pieces = SIZE_MAX;

	csv_scan_begin(&scan);
	if (!csv_scan_end(&scan, bytes, len, &whole))
		whole = SIZE_MAX;
	csv_scan_begin(&scan);
	for (size_t n = 1; n <= len; n++)
		if (csv_scan_end(&scan, bytes, n, &pieces))
			break;
	if (whole != pieces)
		abort();
}

static void decode(const struct csv_layout *layout, const struct line *line)
{
	const struct record record = {
		.bytes = line->bytes,
		.len = line->len,
		.full_len = line->full_len,
		.position = line->start,
		.next = line->next,
		.csv = layout,
		.partition = -1,
		.timestamp_ms = -1,
	};

	batch_reset(&batch);
	decoder_decode(decoder, &record, &batch);
	if (batch.table->row_count + batch.reject_count != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char delimiters[] = ",;\t|";
	struct csv_layout *layout = NULL;
	struct error err = ERROR_INIT;
	struct line_reader *reader;
	struct csv_input input;
	struct line line;
	int64_t next = 0;
	int fd;

	if (size == 0)
		return 0;
	if (!stream)
		prepare();
	stream->delimiter = delimiters[data[0] % 4];
	input = (struct csv_input){(const struct stream *const *)&stream,
				   1,
				   -1,
				   "f",
				   (const char *)data + 1,
				   size - 1};
	check_ends(input.bytes, input.len);
	if (!csv_header_find(&input, &layout, &err) || !layout)
		layout = csv_layout_positional(stream, 0);
	fd = memfd_create("csv", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	reader = line_reader_open(fd, MAX_LINE, true);
	line_reader_csv(reader, stream->delimiter);
	while (line_reader_next(reader, clock_ms() + WAIT_MS, &line, &err) ==
	       LINE_READ) {
		if (line.start < next || line.next < line.start)
			abort();
		next = line.next;
		decode(layout, &line);
	}
	if (line_reader_offset(reader) != (int64_t)size - 1)
		abort();
	line_reader_close(reader);
	csv_layout_close(layout);
	close(fd);
	return 0;
}
