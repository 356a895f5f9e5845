#include "ingest/decode.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/batch.h"
#include "ingest/csv_layout.h"
#include "ingest/decode_choose.h"
#include "ingest/decode_fast.h"
#include "ingest/json_scan.h"
#include "ingest/record.h"

static void compile_sources(struct decoder *decoder, struct stream_plan *plan,
			    const struct stream *stream)
{
	plan->source = arena_alloc(&decoder->arena,
				   stream->column_count * sizeof *plan->source);
	for (size_t i = 0; i < stream->column_count; i++) {
		const struct column *column = &stream->column[i];

		plan->source[i] = arena_alloc(&decoder->arena,
					      column->alternative_count *
						      sizeof **plan->source);
		for (size_t j = 0; j < column->alternative_count; j++) {
			const struct alternative *from =
				&column->alternative[j];

			plan->source[i][j] =
				from->kind == FROM_PATH
					? path_trie_add(&decoder->trie,
							&from->path)
					: -1;
			plan->has_rest =
				plan->has_rest || from->kind == FROM_REST;
		}
	}
}

static void compile_matches(struct decoder *decoder, struct stream_plan *plan,
			    const struct stream *stream)
{
	plan->match = arena_alloc(&decoder->arena,
				  stream->match_count * sizeof *plan->match);
	for (size_t i = 0; i < stream->match_count; i++) {
		const struct match *match = &stream->match[i];

		plan->match[i] =
			arena_alloc(&decoder->arena,
				    match->path_count * sizeof **plan->match);
		for (size_t j = 0; j < match->path_count; j++)
			plan->match[i][j] =
				path_trie_add(&decoder->trie, &match->path[j]);
	}
}

/* Which nodes a stream's columns name; the trie is complete by now. */
static void mark_mapped(struct decoder *decoder, struct stream_plan *plan,
			const struct stream *stream)
{
	plan->mapped = arena_zalloc(&decoder->arena,
				    decoder->trie.count * sizeof *plan->mapped);
	for (size_t i = 0; i < stream->column_count; i++)
		for (size_t j = 0; j < stream->column[i].alternative_count; j++)
			if (plan->source[i][j] >= 0)
				plan->mapped[plan->source[i][j]] = true;
}

struct decoder *decoder_open(const struct stream *const *streams, size_t count,
			     int forced, const struct decode_limits *limits)
{
	struct decoder *decoder = mem_zalloc(1, sizeof *decoder);
	size_t nodes;

	decoder->streams = streams;
	decoder->count = count;
	decoder->always = decoder->forced = forced;
	decoder->whole = -1;
	decoder->plan = mem_zalloc(count, sizeof *decoder->plan);
	path_trie_init(&decoder->trie);
	for (size_t i = 0; i < count; i++) {
		compile_sources(decoder, &decoder->plan[i], streams[i]);
		compile_matches(decoder, &decoder->plan[i], streams[i]);
	}
	nodes = decoder->trie.count;
	for (size_t i = 0; i < count; i++)
		mark_mapped(decoder, &decoder->plan[i], streams[i]);
	decoder->positional = mem_zalloc(count, sizeof *decoder->positional);
	for (size_t i = 0; i < count; i++)
		if ((streams[i]->format & STREAM_CSV) && !streams[i]->header)
			decoder->positional[i] =
				csv_layout_positional(streams[i], (int)i);
	decoder->taken =
		mem_zalloc(nodes > CSV_FIELDS_MAX ? nodes : CSV_FIELDS_MAX,
			   sizeof *decoder->taken);
	decoder->csv.limits = *limits;
	decode_jansson_init(&decoder->json, &decoder->trie, limits);
	decoder_set_tier(decoder, DECODER_FAST);
	return decoder;
}

void decoder_set_tier(struct decoder *decoder, enum decoder_tier tier)
{
	decode_fast_close(decoder->fast);
	decoder->fast = tier == DECODER_FAST ? decode_fast_open(decoder) : NULL;
}

uint64_t decoder_unsure(const struct decoder *decoder)
{
	return decoder->unsure;
}

void decoder_close(struct decoder *decoder)
{
	if (!decoder)
		return;
	decode_fast_close(decoder->fast);
	decode_jansson_release(&decoder->json);
	decode_csv_release(&decoder->csv);
	for (size_t i = 0; i < decoder->count; i++)
		csv_layout_close(decoder->positional[i]);
	free(decoder->positional);
	path_trie_release(&decoder->trie);
	arena_release(&decoder->arena);
	buf_release(&decoder->rest);
	buf_release(&decoder->headers);
	free(decoder->taken);
	free(decoder->plan);
	free(decoder);
}

static bool null_field(struct decoder *decoder, size_t stream_index,
		       size_t column_index, struct batch *batch)
{
	const struct column *column =
		&decoder->streams[stream_index]->column[column_index];
	char why[600];

	if (!column->not_null) {
		batch_field_null(batch);
		return true;
	}
	decoder_why_null(decoder, stream_index, column_index, why, sizeof why);
	return error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
			 "nothing fills the column, which must not be null: %s",
			 why);
}

/* Writes the row's next field. */
static bool add_field(struct decoder *decoder, size_t stream_index,
		      size_t column_index, struct batch *batch)
{
	const struct column *column =
		&decoder->streams[stream_index]->column[column_index];
	const struct alternative *from;
	struct choice choice;

	if (!decoder_choose(decoder, stream_index, column_index, &choice))
		return false;
	if (choice.alternative < 0)
		return null_field(decoder, stream_index, column_index, batch);
	from = &column->alternative[choice.alternative];
	if (!convert_field(column, from->conversion, &choice.value, batch,
			   &decoder->err))
		return error_context(&decoder->err, "%s",
				     decoder_source_name(from));
	return true;
}

/* For `*`: the nodes whose values the other columns take. */
static bool mark_taken(struct decoder *decoder, size_t stream_index)
{
	const struct stream *stream = decoder->streams[stream_index];

	memset(decoder->taken, 0,
	       (decoder->record->csv ? decoder->record->csv->field_count
				     : decoder->trie.count) *
		       sizeof *decoder->taken);
	for (size_t i = 0; i < stream->column_count; i++) {
		struct choice choice;

		if (stream->column[i].alternative->kind == FROM_REST)
			continue;
		if (!decoder_choose(decoder, stream_index, i, &choice))
			return false;
		if (choice.node >= 0)
			decoder->taken[choice.node] = true;
	}
	return true;
}

/* Eight bytes or null. */
bool decoder_event_time(const struct buf *rows, size_t before, int64_t *out)
{
	uint64_t wire;

	if (rows->len - before != 4 + sizeof wire)
		return false;
	memcpy(&wire, rows->data + before + 4, sizeof wire);
	*out = (int64_t)be64toh(wire);
	return true;
}

/* Adds the fields in the table's order.  On false *at_fault is the column. */
static bool add_fields(struct decoder *decoder, size_t stream_index,
		       struct batch *batch, const char **at_fault,
		       bool *has_event, int64_t *event_us)
{
	const struct stream *stream = decoder->streams[stream_index];
	const struct buf *rows = &batch->table[stream_index].rows;

	*has_event = false;
	if (decoder->plan[stream_index].has_rest &&
	    !mark_taken(decoder, stream_index))
		return false;
	for (size_t i = 0; i < stream->column_count; i++) {
		size_t before = rows->len;

		if (!add_field(decoder, stream_index, i, batch)) {
			*at_fault = stream->column[i].name;
			return error_context(&decoder->err, "%s", *at_fault);
		}
		if ((int)i == stream->event_time)
			*has_event = decoder_event_time(rows, before, event_us);
	}
	return true;
}

/* The authority's answer. */
static void decode(struct decoder *decoder, const struct record *record,
		   const struct batch_origin *origin, struct batch *batch)
{
	const char *at_fault = NULL;
	bool has_event;
	int64_t event_us;
	int index;

	if (!decoder_load(decoder, record)) {
		index = record->csv ? record->csv->stream_index
				    : decoder->forced;
		batch_reject(batch, index >= 0 ? decoder->streams[index] : NULL,
			     origin, decoder->err.text, NULL, NULL);
		return;
	}
	index = decoder_stream(decoder);
	if (index < 0) {
		batch_reject(batch, NULL, origin, decoder->err.text, NULL,
			     NULL);
		return;
	}
	if (!decoder_allows(decoder, index)) {
		batch_reject(batch, decoder->streams[index], origin,
			     "the stream is `load: full`: it takes a complete "
			     "extract, a file or, with --complete, a pipe that "
			     "holds nothing else",
			     NULL, NULL);
		return;
	}
	batch_row_begin(batch, (size_t)index, origin);
	if (!add_fields(decoder, (size_t)index, batch, &at_fault, &has_event,
			&event_us)) {
		batch_row_cancel(batch);
		batch_reject(batch, decoder->streams[index], origin,
			     decoder->err.text, NULL, at_fault);
		return;
	}
	batch_row_end(batch);
	if (has_event)
		batch_event_time(batch, (size_t)index, event_us);
}

void decoder_set_whole(struct decoder *decoder, int stream)
{
	decoder->whole = stream;
}

int decoder_find(struct decoder *decoder, const struct record *record)
{
	record = decoder_record(decoder, record);
	return decoder_load(decoder, record) ? decoder_stream(decoder) : -1;
}

const struct record *decoder_record(struct decoder *decoder,
				    const struct record *record)
{
	const struct csv_layout *csv;

	decoder->forced = record->stream ? record->stream - 1 : decoder->always;
	if (record->csv || decoder->forced < 0)
		return record;
	csv = decoder->positional[decoder->forced];
	if (!csv || ((csv->stream->format & STREAM_JSON) && record->len &&
		     *record->bytes == '{'))
		return record;
	decoder->positional_record = *record;
	decoder->positional_record.csv = csv;
	return &decoder->positional_record;
}

void decoder_decode(struct decoder *decoder, const struct record *record,
		    struct batch *batch)
{
	struct batch_origin origin;

	record = decoder_record(decoder, record);
	batch_record(batch, record, &origin);
	decoder->record = record;
	if (!record->csv && decoder->fast) {
		if (decode_fast(decoder->fast, &origin, batch))
			return;
		decoder->unsure++;
	}
	decode(decoder, record, &origin, batch);
}
