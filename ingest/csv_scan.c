#include "ingest/csv_scan.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void csv_scan_begin(struct csv_scan *scan)
{
	scan->state = CSV_FIELD;
	scan->done = 0;
}

/* Whether a line without any quote is there from the beginning: most are. */
static bool find_plain(const char *bytes, size_t len, size_t *end)
{
	const char *at = memchr(bytes, '\n', len);

	if (!at || memchr(bytes, '"', (size_t)(at - bytes)))
		return false;
	*end = (size_t)(at - bytes);
	return true;
}

/* Past the bytes outside of quotes, from `at` on: to a line end, into the next
 * quoted field, or to the end. */
static size_t pass_plain(struct csv_scan *scan, const char *bytes, size_t len,
			 size_t at)
{
	for (; at < len && bytes[at] != '\n'; at++) {
		if (bytes[at] == scan->delimiter) {
			scan->state = CSV_FIELD;
		} else if (bytes[at] == '"' && scan->state == CSV_FIELD) {
			scan->state = CSV_QUOTED;
			return at + 1;
		} else {
			scan->state = CSV_PLAIN;
		}
	}
	return at;
}

/* Past the quote that may close the field. */
static size_t pass_quoted(struct csv_scan *scan, const char *bytes, size_t len,
			  size_t at)
{
	const char *quote = memchr(bytes + at, '"', len - at);

	if (!quote)
		return len;
	scan->state = CSV_QUOTE;
	return (size_t)(quote - bytes) + 1;
}

bool csv_scan_end(struct csv_scan *scan, const char *bytes, size_t len,
		  size_t *end)
{
	size_t at = scan->done;

	if (at == 0 && len > 0 && find_plain(bytes, len, end))
		return true;
	while (at < len) {
		if (scan->state == CSV_QUOTED) {
			at = pass_quoted(scan, bytes, len, at);
			continue;
		}
		if (scan->state == CSV_QUOTE) {
			scan->state = bytes[at] == '"' ? CSV_QUOTED : CSV_PLAIN;
			at += bytes[at] == '"';
			continue;
		}
		at = pass_plain(scan, bytes, len, at);
		if (at < len && bytes[at] == '\n' &&
		    scan->state != CSV_QUOTED) {
			*end = at;
			return true;
		}
	}
	scan->done = at;
	return false;
}

/* --- fields --------------------------------------------------------------- */

/* A record on its way into fields. */
struct splitter {
	struct csv_record *record;
	const char *at, *end;
	char delimiter;
	struct error *err;
};

static void add(struct csv_record *record, const char *text, size_t len,
		bool quoted)
{
	if (record->count < record->limit) {
		MEM_GROW(record->field, record->count, record->capacity);
		record->field[record->count] =
			(struct csv_field){text, len, quoted};
	}
	record->count++;
}

static bool refuse(const struct splitter *splitter, const char *why)
{
	return error_set(splitter->err, ERROR_DATA, STATUS_DATA, "field %zu %s",
			 splitter->record->count + 1, why);
}

/* The quoted field whose text begins here and has a doubled quote: a copy with
 * single ones.  The room for the whole record was made, so nothing moves. */
static const char *undouble(struct splitter *splitter, const char *from,
			    const char *to, size_t *len)
{
	struct buf *text = &splitter->record->text;
	size_t start = text->len;

	while (from < to) {
		const char *quote = memchr(from, '"', (size_t)(to - from));
		const char *stop = quote ? quote + 1 : to;

		buf_add(text, from, (size_t)(stop - from));
		from = quote ? stop + 1 : to;
	}
	*len = text->len - start;
	return text->data + start;
}

/* From behind the opening quote to behind the closing one. */
static bool split_quoted(struct splitter *splitter)
{
	const char *from = splitter->at;
	const char *quote = from;
	bool doubled = false;
	size_t len;

	for (;;) {
		quote = memchr(quote, '"', (size_t)(splitter->end - quote));
		if (!quote)
			return refuse(splitter,
				      "begins with a quote that is never "
				      "closed");
		if (quote + 1 == splitter->end || quote[1] != '"')
			break;
		doubled = true;
		quote += 2;
	}
	len = (size_t)(quote - from);
	if (doubled)
		from = undouble(splitter, from, quote, &len);
	splitter->at = quote + 1;
	if (splitter->at < splitter->end &&
	    *splitter->at != splitter->delimiter)
		return refuse(splitter, "goes on behind its closing quote");
	add(splitter->record, from, len, true);
	return true;
}

static bool split_plain(struct splitter *splitter)
{
	const char *from = splitter->at;
	const char *to = memchr(from, splitter->delimiter,
				(size_t)(splitter->end - from));

	splitter->at = to ? to : splitter->end;
	if (memchr(from, '"', (size_t)(splitter->at - from)))
		return refuse(splitter, "holds a quote but does not begin "
					"with one");
	add(splitter->record, from, (size_t)(splitter->at - from), false);
	return true;
}

bool csv_record_split(struct csv_record *record, char delimiter,
		      const char *bytes, size_t len, struct error *err)
{
	struct splitter splitter = {record, bytes, bytes + len, delimiter, err};

	record->count = 0;
	buf_reset(&record->text);
	buf_reserve(&record->text, len);
	for (;;) {
		bool quoted = splitter.at < splitter.end && *splitter.at == '"';

		splitter.at += quoted;
		if (!(quoted ? split_quoted(&splitter)
			     : split_plain(&splitter)))
			return false;
		if (splitter.at == splitter.end)
			return true;
		splitter.at++;
	}
}

void csv_record_release(struct csv_record *record)
{
	free(record->field);
	buf_release(&record->text);
	*record = (struct csv_record){0};
}
