#include "tests/support/decode_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

const char decode_pair_types[] =
	"-- stream: types\n"
	"-- event_time: t\n"
	"create table staging.types (\n"
	"a text not null, -- from: a | b.a | c as number_text | @line as "
	"number_text\n"
	"v varchar(5), -- from: v | a | b.v as json_text\n"
	"w text, -- from: w as lower | a before '/' | a after '/'\n"
	"x text, -- from: a after '#' | b.a before '#' | \"$type\" | \"\"\n"
	"s smallint, -- from: s | n\n"
	"i integer, -- from: i | n\n"
	"n bigint, -- from: n | b.n | @offset\n"
	"d double precision, -- from: d | n\n"
	"m numeric, -- from: m | d\n"
	"p numeric(6,2), -- from: p | m\n"
	"f boolean, -- from: f | b.f | c.f\n"
	"t timestamptz, -- from: t | t as epoch_us | b.t as epoch_ms\n"
	"u timestamp, -- from: u | t as naive_utc | t as epoch_s\n"
	"e date, -- from: e | b.e as iso_date\n"
	"g uuid, -- from: g | b.g\n"
	"l text[], -- from: l | b.l | b\n"
	"file text, -- from: @file\n"
	"loaded_at timestamptz not null default now()\n"
	") partition by range (loaded_at);\n";

const char decode_pair_rest[] =
	"-- stream: rest\n"
	"create table staging.rest (\n"
	"j jsonb, -- from: j | b.j | b\n"
	"k text, -- from: b.c as json_text | b.c.d | k\n"
	"l text[], -- from: b.l | b.c.l\n"
	"o jsonb, -- from: b.c.d.e\n"
	"extra jsonb, -- from: *\n"
	"loaded_at timestamptz not null default now()\n"
	") partition by range (loaded_at);\n";

static void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

void decode_pair_add(struct decode_pair *pair, const char *name,
		     const char *text)
{
	struct error err = ERROR_INIT;

	if (pair->count == PAIR_STREAMS)
		die(name, "too many streams");
	if (!stream_parse(&pair->stream[pair->count], name, name, text, &err))
		die(name, err.text);
	pair->count++;
}

void decode_pair_add_file(struct decode_pair *pair, const char *name,
			  const char *file)
{
	struct buf text = BUF_INIT;
	FILE *in = fopen(file, "r");
	size_t got;

	if (!in)
		die(file, "cannot be read");
	do {
		got = fread(buf_reserve(&text, 4096), 1, 4096, in);
		text.len += got;
	} while (got > 0);
	fclose(in);
	buf_add_text(&text, "");
	decode_pair_add(pair, name, text.data);
	buf_release(&text);
}

void decode_pair_open(struct decode_pair *pair, int forced,
		      const struct decode_limits *limits)
{
	const struct stream *const *streams =
		(const struct stream *const *)pair->stream;

	pair->fast = decoder_open(streams, pair->count, forced, limits);
	pair->slow = decoder_open(streams, pair->count, forced, limits);
	decoder_set_tier(pair->slow, DECODER_JANSSON);
	batch_init(&pair->by_fast, streams, pair->count);
	batch_init(&pair->by_slow, streams, pair->count);
}

void decode_pair_close(struct decode_pair *pair)
{
	decoder_close(pair->fast);
	decoder_close(pair->slow);
	batch_release(&pair->by_fast);
	batch_release(&pair->by_slow);
	for (size_t i = 0; i < pair->count; i++)
		stream_close(pair->stream[i]);
	*pair = DECODE_PAIR_INIT;
}

void decode_pair_decode(struct decode_pair *pair, const struct record *record)
{
	batch_reset(&pair->by_fast);
	batch_reset(&pair->by_slow);
	decoder_decode(pair->fast, record, &pair->by_fast);
	decoder_decode(pair->slow, record, &pair->by_slow);
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_origin(const struct batch_origin *a,
			const struct batch_origin *b)
{
	return a->part == b->part && a->position == b->position &&
	       a->raw_start == b->raw_start && a->raw_len == b->raw_len &&
	       a->raw_full_len == b->raw_full_len;
}

static const char *table_difference(const struct batch_table *a,
				    const struct batch_table *b)
{
	if (a->row_count != b->row_count)
		return "the number of rows";
	if (!same_bytes(&a->rows, &b->rows))
		return "the bytes of a row";
	for (size_t i = 0; i < a->row_count; i++)
		if (a->row[i].start != b->row[i].start ||
		    !same_origin(&a->row[i].origin, &b->row[i].origin))
			return "where a row came from";
	if (a->has_events != b->has_events ||
	    (a->has_events &&
	     (a->event_min != b->event_min || a->event_max != b->event_max)))
		return "the event times";
	return NULL;
}

const char *decode_pair_difference(const struct decode_pair *pair)
{
	const struct batch *a = &pair->by_fast;
	const struct batch *b = &pair->by_slow;

	for (size_t i = 0; i < pair->count; i++) {
		const char *difference =
			table_difference(&a->table[i], &b->table[i]);

		if (difference)
			return difference;
	}
	if (a->reject_count != b->reject_count)
		return "the number of rejects";
	for (size_t i = 0; i < a->reject_count; i++)
		if (a->reject[i].stream != b->reject[i].stream ||
		    !same_text(a->reject[i].reason, b->reject[i].reason) ||
		    !same_text(a->reject[i].column_name,
			       b->reject[i].column_name) ||
		    !same_origin(&a->reject[i].origin, &b->reject[i].origin))
			return "a reject";
	if (!same_bytes(&a->raw, &b->raw) ||
	    a->record_count != b->record_count ||
	    a->byte_count != b->byte_count)
		return "what was noted of the record";
	return NULL;
}

struct record decode_pair_record(const char *bytes, size_t len)
{
	return (struct record){
		.bytes = bytes,
		.len = len,
		.full_len = len,
		.position = 1000,
		.next = 1001 + (int64_t)len,
		.partition = -1,
		.timestamp_ms = -1,
		.file = "events.jsonl",
		.line = 3,
	};
}
