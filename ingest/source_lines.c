#include "ingest/source_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/stop.h"
#include "common/utf8.h"
#include "ingest/csv_header.h"
#include "ingest/line_reader.h"
#include "ingest/monitor.h"
#include "ingest/stream.h"

enum { PIPE_BYTES = 1024 * 1024, LOOK_MS = 1000 };
enum { SAMPLE_STEP = 64 * 1024 };

struct source_lines {
	struct source base;
	struct line_reader *reader;
	int fd;
	char *name;
	char *cut_reason;       /* of a last line without its end */
	struct csv_layout *csv; /* NULL: JSON */
	uint64_t headers;       /* passed over */
	int stream;             /* as in struct record */
	struct buf sample;
};

/* A file that has become shorter was truncated under our hands: what was read
 * last may be half of the old content and half of the new. */
static bool check_size(const struct source_lines *lines, int64_t read,
		       struct error *err)
{
	struct stat st;

	if (!lines->base.replayable)
		return true;
	if (fstat(lines->fd, &st) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot look at %s: %s", lines->name,
				 strerror(errno));
	if (st.st_size >= read)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_SOURCE,
			 "%s was truncated while it was read: it has %lld "
			 "bytes and %lld had been read; what is committed "
			 "stays, the rest is not loaded",
			 lines->name, (long long)st.st_size, (long long)read);
}

/* What has been taken out, of which headers are as good as blank. */
static void count(struct source_lines *lines)
{
	struct source_counts *counts = &lines->base.counts;

	line_reader_counts(lines->reader, &counts->read, &counts->blank);
	counts->blank += lines->headers;
}

static enum source_result lines_next(struct source *source, int64_t deadline_ms,
				     struct record *record, struct error *err)
{
	struct source_lines *lines = (struct source_lines *)source;
	enum line_result result;
	struct line line;

	for (;;) {
		result = line_reader_next(lines->reader, deadline_ms, &line,
					  err);
		count(lines);
		if (result != LINE_READ || !lines->csv ||
		    !csv_layout_is_header(lines->csv, line.bytes, line.len))
			break;
		lines->headers++;
	}
	switch (result) {
	case LINE_WAIT:
		return SOURCE_WAIT;
	case LINE_FAILED:
		error_context(err, "%s", lines->name);
		return SOURCE_FAILED;
	case LINE_ENDED:
		return check_size(lines, line_reader_offset(lines->reader), err)
			       ? SOURCE_ENDED
			       : SOURCE_FAILED;
	case LINE_READ:
		break;
	}
	if (line.unterminated && !check_size(lines, line.next, err))
		return SOURCE_FAILED;
	*record = (struct record){
		.bytes = line.bytes,
		.len = line.len,
		.full_len = line.full_len,
		.position = line.start,
		.next = line.next,
		.csv = lines->csv,
		.stream = lines->stream,
		.unterminated = line.unterminated ? lines->cut_reason : NULL,
		.partition = -1,
		.timestamp_ms = -1,
		.file = lines->name,
		.line = line.number,
	};
	return SOURCE_RECORD;
}

static int64_t lines_offset(const struct source *source, int part)
{
	const struct source_lines *lines = (const struct source_lines *)source;

	(void)part;
	return line_reader_offset(lines->reader);
}

static bool lines_anchor(struct source *source, int part, struct anchor *anchor)
{
	struct source_lines *lines = (struct source_lines *)source;

	(void)part;
	if (!source->replayable)
		return false;
	anchor->offset = line_reader_offset(lines->reader);
	line_reader_digest(lines->reader, anchor->hash);
	return true;
}

static bool lines_rewind(struct source *source, int part, int64_t offset,
			 struct error *err)
{
	struct source_lines *lines = (struct source_lines *)source;

	(void)part;
	return line_reader_seek(lines->reader, offset, err) ||
	       error_context(err, "%s", lines->name);
}

static bool read_at(const struct source_lines *lines, int64_t offset,
		    char *bytes, size_t len, struct error *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(lines->fd, bytes + have, len - have,
				  offset + (int64_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "cannot read %s again at byte %lld: "
					 "%s",
					 lines->name, (long long)offset,
					 n < 0 ? strerror(errno)
					       : "it has become shorter");
		have += (size_t)n;
	}
	return true;
}

static bool lines_reread(const struct source *source, int64_t position,
			 char *bytes, size_t len, struct error *err)
{
	const struct source_lines *lines = (const struct source_lines *)source;
	char start[3];
	ssize_t n;

	if (position == 0) {
		n = pread(lines->fd, start, sizeof start, 0);
		position += (int64_t)utf8_mark(start, n > 0 ? (size_t)n : 0);
	}
	return read_at(lines, position, bytes, len, err);
}

static void lines_close(struct source *source)
{
	struct source_lines *lines = (struct source_lines *)source;

	line_reader_close(lines->reader);
	csv_layout_close(lines->csv);
	buf_release(&lines->sample);
	free(lines->cut_reason);
	free(lines->name);
	free(lines);
}

static const struct source_class lines_class = {
	.next = lines_next,
	.offset = lines_offset,
	.anchor = lines_anchor,
	.rewind = lines_rewind,
	.reread = lines_reread,
	.close = lines_close,
};

static struct source_lines *open_lines(int fd, const char *name,
				       size_t max_line, bool replayable,
				       struct positions *positions)
{
	struct source_lines *lines = mem_zalloc(1, sizeof *lines);

	lines->fd = fd;
	lines->name = mem_strdup(name);
	lines->cut_reason =
		mem_format("%s ends in the middle of this line", name);
	lines->reader = line_reader_open(fd, max_line, true);
	lines->base = (struct source){
		.class = &lines_class,
		.name = lines->name,
		.positions = positions,
		.replayable = replayable,
		.size = -1,
	};
	return lines;
}

struct source *source_pipe_open(int fd, const char *name, size_t max_line,
				struct positions *positions)
{
	/* Fewer switches between producer and us; not every descriptor is a
	 * pipe, and not every user may ask for as much. */
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	return &open_lines(fd, name, max_line, false, positions)->base;
}

bool source_file_open(struct source **out, int fd, const char *name,
		      size_t max_line, struct positions *positions,
		      struct error *err)
{
	struct source_lines *lines =
		open_lines(fd, name, max_line, true, positions);
	struct stat st;

	if (fstat(fd, &st) == 0)
		lines->base.size = st.st_size;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (!lines_rewind(&lines->base, 0, 0, err)) {
		lines_close(&lines->base);
		return false;
	}
	*out = &lines->base;
	return true;
}

/* --- CSV ------------------------------------------------------------------ */

/* A file may be read from anywhere; its header is at its start. */
static bool sample_file(struct source_lines *lines, struct error *err)
{
	struct buf *sample = &lines->sample;
	ssize_t n;

	do {
		n = pread(lines->fd, buf_reserve(sample, SAMPLE_STEP),
			  SAMPLE_STEP, (off_t)sample->len);
		if (n < 0 && errno != EINTR)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "cannot read %s: %s", lines->name,
					 strerror(errno));
		if (n > 0)
			sample->len += (size_t)n;
	} while (n != 0 && sample->len < CSV_SAMPLE_BYTES &&
		 !csv_header_is_whole(sample->data, sample->len));
	return true;
}

bool source_lines_sample(struct source *source, const char **bytes, size_t *len,
			 struct monitor *monitor, struct error *err)
{
	struct source_lines *lines = (struct source_lines *)source;

	if (source->replayable) {
		buf_reset(&lines->sample);
		if (!sample_file(lines, err))
			return false;
		*bytes = buf_text(&lines->sample);
		*len = lines->sample.len;
		return true;
	}
	for (;;) {
		enum line_result result;

		monitor_idle(monitor);
		result = line_reader_peek(
			lines->reader, csv_header_is_whole, CSV_SAMPLE_BYTES,
			clock_ms() + LOOK_MS, bytes, len, err);

		if (result == LINE_FAILED)
			return error_context(err, "%s", lines->name);
		if (result == LINE_READ)
			return true;
		if (stop_requested()) {
			*len = 0;
			return true;
		}
	}
}

bool source_lines_is_begun(const struct source *source)
{
	return line_reader_is_begun(
		((const struct source_lines *)source)->reader);
}

void source_lines_csv(struct source *source, struct csv_layout *layout)
{
	struct source_lines *lines = (struct source_lines *)source;

	lines->csv = layout;
	line_reader_csv(lines->reader, layout->stream->delimiter);
}

void source_lines_keep_blanks(struct source *source)
{
	line_reader_keep_blanks(((struct source_lines *)source)->reader);
}

void source_lines_stream(struct source *source, int stream)
{
	((struct source_lines *)source)->stream = stream + 1;
}

void source_lines_content(struct source *source, struct anchor *content)
{
	struct source_lines *lines = (struct source_lines *)source;

	content->offset = line_reader_offset(lines->reader);
	line_reader_digest(lines->reader, content->hash);
}
