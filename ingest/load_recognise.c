/* What an input holds, told by its beginning. */
#include <string.h>
#include <unistd.h>

#include "ingest/csv_header.h"
#include "ingest/decode.h"
#include "ingest/load_run.h"
#include "ingest/options.h"
#include "ingest/source_lines.h"
#include "ingest/stream.h"

/* The stream of a JSON record, -1 if it cannot be said. */
static int stream_of(struct load_run *run, const struct source *source,
		     const char *bytes, size_t len)
{
	const struct record record = {
		.bytes = bytes,
		.len = len,
		.full_len = len,
		.partition = -1,
		.timestamp_ms = -1,
		.file = source->name,
		.line = 1,
	};

	return decoder_find(run->decoder, &record);
}

static bool is_blank(const char *bytes, size_t len)
{
	while (len > 0 && strchr(" \t\r", bytes[len - 1]))
		len--;
	return len == 0;
}

/* The stream of the input's first record, if that is JSON and says so.  With
 * one that does not, an extract would be taken for single records. */
static bool find_first(struct load_run *run, const struct source *source,
		       const struct csv_input *input, int *stream,
		       struct error *err)
{
	const char *at = input->bytes;
	const char *stop = at + input->len;
	bool is_first = true;
	int found = -1;

	*stream = run->forced;
	while (*stream < 0 && at < stop && found < 0) {
		const char *end = memchr(at, '\n', (size_t)(stop - at));
		size_t len = (size_t)((end ? end : stop) - at);

		if (!is_blank(at, len)) {
			found = stream_of(run, source, at, len);
			*stream = is_first ? found : -1;
			is_first = false;
		}
		at += end ? len + 1 : len;
	}
	if (*stream >= 0 ||
	    ((found < 0 || run->plan.stream[found]->load != LOAD_FULL) &&
	     !run->options->complete))
		return true;
	return error_set(err, ERROR_FATAL, STATUS_DATA,
			 "%s looks like a complete extract, but its first "
			 "record belongs to no stream: nothing was loaded; "
			 "mend it, or name the stream with --stream",
			 source->name);
}

bool load_recognise(struct load_run *run, struct source *source, int *stream,
		    struct error *err)
{
	struct csv_input input = {
		.streams = run->plan.stream,
		.count = run->plan.stream_count,
		.forced = run->forced,
		.name = source->name,
	};
	struct csv_layout *layout = NULL;

	if (!source_lines_sample(source, &input.bytes, &input.len, run->monitor,
				 err) ||
	    !csv_header_find(&input, &layout, err))
		return false;
	if (!layout)
		return find_first(run, source, &input, stream, err);
	*stream = layout->stream_index;
	source_lines_csv(source, layout);
	return true;
}

bool load_refuse_packed(int fd, const char *name, struct error *err)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *unpack;
	} kinds[] = {
		{"\x1f\x8b\x08", 3, "gzip -dc"},
		{"\x28\xb5\x2f\xfd", 4, "zstd -dc"},
		{"\xfd"
		 "7zXZ",
		 5, "xz -dc"},
		{"\x04\x22\x4d\x18", 4, "lz4 -dc"},
		{"PK\x03\x04", 4, "unzip -p"},
	};
	char start[5] = "";

	if (pread(fd, start, sizeof start, 0) != (ssize_t)sizeof start)
		return true;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!memcmp(start, kinds[i].magic, kinds[i].len))
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "%s is compressed: unpack it first, "
					 "so that it is known by its content, "
					 "or load it as a pipe: %s %s | "
					 "handle-streams",
					 name, kinds[i].unpack, name);
	return true;
}
