#include "ingest/csv_header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/utf8.h"
#include "ingest/csv_scan.h"
#include "ingest/stream.h"

enum { SHOWN_BYTES = 200 };

static const char delimiters[] = ",;\t|";

/* Without a byte order mark and blank lines. */
static void skip_to_text(const char **bytes, size_t *len)
{
	size_t at = utf8_mark(*bytes, *len);

	while (at < *len && memchr(" \t\r\n", (*bytes)[at], 4))
		at++;
	*bytes += at;
	*len -= at;
}

bool csv_header_is_whole(const char *bytes, size_t len)
{
	size_t quotes = 0;

	skip_to_text(&bytes, &len);
	for (size_t i = 0; i < len; i++) {
		quotes += bytes[i] == '"';
		if (bytes[i] == '\n' && quotes % 2 == 0)
			return true;
	}
	return false;
}

/* The header, as records separated by that delimiter have it. */
static size_t header_len(const char *bytes, size_t len, char delimiter)
{
	struct csv_scan scan = {.delimiter = delimiter};
	size_t end;

	csv_scan_begin(&scan);
	if (!csv_scan_end(&scan, bytes, len, &end)) {
		const char *line = memchr(bytes, '\n', len);

		end = line ? (size_t)(line - bytes) : len;
	}
	return end > 0 && bytes[end - 1] == '\r' ? end - 1 : end;
}

static bool check_encoding(const struct csv_input *input, struct error *err)
{
	if (input->len >= 2 && (!memcmp(input->bytes, "\xff\xfe", 2) ||
				!memcmp(input->bytes, "\xfe\xff", 2)))
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "%s is UTF-16 text: convert it with iconv -f "
				 "UTF-16 -t UTF-8",
				 input->name);
	return true;
}

/* `,` or a tab. */
static const char *delimiter_name(char delimiter, char text[8])
{
	if (delimiter == '\t')
		return "a tab";
	snprintf(text, 8, "`%c`", delimiter);
	return text;
}

/* The beginning of an input as a header that might be a stream's. */
struct candidate {
	const struct csv_input *input;
	const char *bytes; /* without BOM and blank lines */
	size_t len;
};

static size_t known_with(const struct candidate *candidate,
			 const struct stream *stream, char delimiter,
			 size_t *fields)
{
	return csv_layout_known(
		stream, delimiter, candidate->bytes,
		header_len(candidate->bytes, candidate->len, delimiter),
		fields);
}

/* *err says what csv_layout_read missed; the reason may be another delimiter,
 * with which the header would be at home. */
static bool foreign(const struct candidate *candidate,
		    const struct stream *stream, struct error *err)
{
	const char *name = candidate->input->name;
	char theirs[8], ours[8];
	size_t fields;
	size_t known =
		known_with(candidate, stream, stream->delimiter, &fields);

	for (const char *other = delimiters; *other; other++) {
		if (known_with(candidate, stream, *other, &fields) <= known)
			continue;
		return error_set(
			err, ERROR_FATAL, STATUS_DATA,
			"%s: its fields are separated by %s, stream "
			"%s takes %s: write the file so, or say "
			"delimiter= in %s",
			name, delimiter_name(*other, theirs), stream->name,
			delimiter_name(stream->delimiter, ours), stream->file);
	}
	if (memchr(candidate->bytes, '\r',
		   header_len(candidate->bytes, candidate->len,
			      stream->delimiter)))
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "%s: its lines end in CR alone: write them "
				 "with LF or CR LF",
				 name);
	return error_context(err, "%s", name);
}

static bool read_as(const struct candidate *candidate, int index,
		    struct csv_layout **out, struct error *err)
{
	const struct stream *stream = candidate->input->streams[index];

	if (!(stream->format & STREAM_CSV))
		return true;
	if (!stream->header) {
		*out = csv_layout_positional(stream, index);
		return true;
	}
	return csv_layout_read(
		out, stream, index, candidate->bytes,
		header_len(candidate->bytes, candidate->len, stream->delimiter),
		err);
}

/* The one stream whose header this is: of several, the one that takes most of
 * its fields. */
static bool match(const struct candidate *candidate, struct csv_layout **out,
		  struct error *err)
{
	const struct csv_input *input = candidate->input;
	const char *rival = NULL;

	for (size_t i = 0; i < input->count; i++) {
		struct csv_layout *layout = NULL;
		struct error ignored = ERROR_INIT;

		if (!input->streams[i]->header ||
		    !read_as(candidate, (int)i, &layout, &ignored) || !layout)
			continue;
		if (*out && layout->mapped_count == (*out)->mapped_count) {
			rival = layout->stream->name;
			csv_layout_close(layout);
		} else if (*out &&
			   layout->mapped_count < (*out)->mapped_count) {
			csv_layout_close(layout);
		} else {
			csv_layout_close(*out);
			*out = layout;
			rival = NULL;
		}
	}
	if (!rival)
		return true;
	error_set(err, ERROR_FATAL, STATUS_DATA,
		  "%s: its header fits both stream %s and stream %s: name one "
		  "with --stream",
		  input->name, (*out)->stream->name, rival);
	csv_layout_close(*out);
	*out = NULL;
	return false;
}

static bool ends_in(const char *name, const char *extension)
{
	size_t len = strlen(name), tail = strlen(extension);

	return len > tail && !strcasecmp(name + len - tail, extension);
}

/* No stream's header.  The nearest one says why, if any is near: otherwise it
 * is no CSV, unless the name says so. */
static bool explain_foreign(const struct candidate *candidate,
			    struct error *err)
{
	const struct csv_input *input = candidate->input;
	struct csv_layout *layout = NULL;
	size_t len = header_len(candidate->bytes, candidate->len, ',');
	size_t best = 0;
	int nearest = -1;

	for (size_t i = 0; i < input->count; i++) {
		if (!(input->streams[i]->format & STREAM_CSV) ||
		    !input->streams[i]->header)
			continue;
		for (const char *d = delimiters; *d; d++) {
			size_t fields;
			size_t known = known_with(candidate, input->streams[i],
						  *d, &fields);

			if (known > best && fields > 1) {
				best = known;
				nearest = (int)i;
			}
		}
	}
	if (nearest >= 0 && !read_as(candidate, nearest, &layout, err))
		return foreign(candidate, input->streams[nearest], err);
	csv_layout_close(layout);
	if (ends_in(input->name, ".csv") || ends_in(input->name, ".tsv"))
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "%s: no stream takes a CSV file that begins "
				 "with `%.*s`: name one with --stream",
				 input->name,
				 (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES),
				 candidate->bytes);
	return true;
}

bool csv_header_find(const struct csv_input *input, struct csv_layout **out,
		     struct error *err)
{
	struct candidate candidate = {input, input->bytes, input->len};
	const struct stream *forced =
		input->forced >= 0 ? input->streams[input->forced] : NULL;

	*out = NULL;
	if (!check_encoding(input, err))
		return false;
	skip_to_text(&candidate.bytes, &candidate.len);
	if (candidate.len == 0)
		return true;
	if (forced) {
		if ((forced->format & STREAM_JSON) && *candidate.bytes == '{')
			return true;
		return read_as(&candidate, input->forced, out, err) ||
		       foreign(&candidate, forced, err);
	}
	if (*candidate.bytes == '{' || *candidate.bytes == '[')
		return true;
	if (!match(&candidate, out, err))
		return false;
	return *out || explain_foreign(&candidate, err);
}
