/*
 * How a record becomes a row in one pass
 *
 *   {"time_us":17..., "commit":{"record":{"text":"hi \u263a"}, "rev":"3l"}}
 *     |        |       |          |       |                     |
 *     |        number  |          |       string, odd           string
 *     node 1           node 2     node 3  node 4                node 5
 *
 * The streams of a decoder have all their paths in one trie.  fast_find walks
 * the record's bytes once.  Inside an object that has a node of the trie it
 * looks each key up in a hash table (fast_keys); a value that no path leads to
 * is passed over (fast_skip) without a thought for what it means, but checked
 * to the last byte, for a record is a row only if all of it is JSON.  Of a
 * value at a node it notes the kind and where it stands: nothing is copied,
 * nothing is converted, there is no tree.  Most bytes are inside strings,
 * where fast_text takes sixteen at a time.
 *
 * What has been noted then answers the rest here.  The stream is the one whose
 * match: nodes are there.  Each column takes the first alternative whose node
 * holds a kind that its conversion takes (a set of bits, compiled at start),
 * and the very functions of the authority convert the bytes of the source
 * straight into the batch's COPY tuple; only a string with escapes is
 * unescaped first, into a buffer that is reused.
 *
 * Not sure, so left to the authority, is everything that a row can stumble
 * over: broken JSON, limits, a node that is there twice, an escaped key that
 * might be a node's, no stream or two, a value that does not convert, a column
 * without one that must not be null.
 *
 * The bytes are read where the batch keeps them: fast_text.h says why.
 */
#include "ingest/decode_fast.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/batch.h"
#include "ingest/decode_choose.h"
#include "ingest/fast_find.h"
#include "ingest/fast_text.h"
#include "ingest/record.h"

_Static_assert((int)BATCH_PADDING >= (int)FAST_PADDING,
	       "what follows a record in the batch may be read across its end");

/* Longer arrays, and buffers of longer records, are not kept. */
enum { ELEMENTS = 256, KEPT_BYTES = 1024 * 1024 };

/* An alternative of a column, compiled. */
struct source {
	const struct alternative *from;
	int node;
	unsigned kinds; /* a bit for each value_kind that it takes */
	enum convert_needs needs;
};

struct target {
	const struct column *column;
	struct source *source;
	size_t source_count;
};

struct decode_fast {
	struct decoder *decoder;
	struct fast_find find;
	struct target **target; /* by stream, by column */
	struct buf text;        /* unescaped strings of one value */
	struct value element[ELEMENTS];
	struct json_span *span; /* by node, for `*` */
	struct buf rest;
	struct error ignored; /* the authority says it better */
	struct arena arena;   /* targets */
};

/* --- life ----------------------------------------------------------------- */

static unsigned kinds_taken(const struct column *column,
			    const struct alternative *from)
{
	unsigned kinds = 0;

	for (int kind = 0; kind < VALUE_KIND_COUNT; kind++)
		if (kind != VALUE_NULL &&
		    convert_takes(from->conversion, column->type,
				  (enum value_kind)kind) &&
		    (from->split == SPLIT_NONE || kind == VALUE_STRING))
			kinds |= 1U << kind;
	return kinds;
}

static void compile_column(struct decode_fast *fast, struct target *target,
			   const struct column *column, const int *node)
{
	size_t count = column->alternative_count;

	target->column = column;
	target->source_count = count;
	target->source =
		arena_alloc(&fast->arena, count * sizeof *target->source);
	for (size_t i = 0; i < count; i++) {
		const struct alternative *from = &column->alternative[i];

		target->source[i] = (struct source){
			.from = from,
			.node = node[i],
			.kinds = kinds_taken(column, from),
			.needs = convert_needs(from->conversion, column->type),
		};
	}
}

struct decode_fast *decode_fast_open(struct decoder *decoder)
{
	struct decode_fast *fast = mem_zalloc(1, sizeof *fast);

	fast->decoder = decoder;
	fast_find_init(&fast->find, &decoder->trie, &decoder->json.limits);
	fast->span = mem_zalloc(decoder->trie.count, sizeof *fast->span);
	fast->target = mem_zalloc(decoder->count, sizeof *fast->target);
	for (size_t i = 0; i < decoder->count; i++) {
		const struct stream *stream = decoder->streams[i];

		fast->target[i] = arena_alloc(&fast->arena,
					      stream->column_count *
						      sizeof(struct target));
		for (size_t j = 0; j < stream->column_count; j++)
			compile_column(fast, &fast->target[i][j],
				       &stream->column[j],
				       decoder->plan[i].source[j]);
	}
	return fast;
}

void decode_fast_close(struct decode_fast *fast)
{
	if (!fast)
		return;
	fast_find_release(&fast->find);
	buf_release(&fast->text);
	buf_release(&fast->rest);
	arena_release(&fast->arena);
	free(fast->target);
	free(fast->span);
	free(fast);
}

/* --- which stream --------------------------------------------------------- */

/* Whether a path of a match: is as it says.  *sure false: an escaped string
 * would have to be read. */
static bool is_so(const struct decode_fast *fast, const struct path *path,
		  int node, bool *sure)
{
	const unsigned char kind = fast->find.kind[node];
	const struct fast_span *span = &fast->find.span[node];
	size_t len;

	if (path->is_absent)
		return kind == FAST_ABSENT || kind == VALUE_NULL;
	if (kind == FAST_ABSENT || !path->equals)
		return kind != FAST_ABSENT;
	if (kind != VALUE_STRING)
		return false;
	len = (size_t)(span->end - span->from) - 2;
	if (span->odd && memchr(span->from + 1, '\\', len)) {
		*sure = false;
		return false;
	}
	return len == strlen(path->equals) &&
	       !memcmp(span->from + 1, path->equals, len);
}

static bool matches(const struct decode_fast *fast, size_t stream_index,
		    bool *sure)
{
	const struct decoder *decoder = fast->decoder;
	const struct stream *stream = decoder->streams[stream_index];
	const struct stream_plan *plan = &decoder->plan[stream_index];

	for (size_t i = 0; i < stream->match_count; i++) {
		size_t count = stream->match[i].path_count;
		size_t there = 0;

		while (there < count &&
		       is_so(fast, &stream->match[i].path[there],
			     plan->match[i][there], sure))
			there++;
		if (there == count)
			return true;
	}
	return false;
}

/* -1: none, more than one, or not sure. */
static int find_stream(const struct decode_fast *fast)
{
	int found = -1;
	bool sure = true;

	if (fast->decoder->forced >= 0)
		return fast->decoder->forced;
	for (size_t i = 0; i < fast->decoder->count; i++) {
		if (!matches(fast, i, &sure))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return sure ? found : -1;
}

/* --- values --------------------------------------------------------------- */

/* Sets the text of a string, unescaped if it must be.  The buffer has room for
 * all the strings of a value. */
static void set_string(struct decode_fast *fast, const struct fast_span *span,
		       struct value *value)
{
	const char *from = span->from + 1;
	size_t len = (size_t)(span->end - 1 - from);

	value->text = from;
	value->len = len;
	if (!span->odd || !memchr(from, '\\', len))
		return;
	value->text = fast->text.data + fast->text.len;
	value->len = fast_text_unescape(from, from + len,
					fast->text.data + fast->text.len);
	fast->text.len += value->len;
}

/* The elements of a checked array: strings and nulls.  False: others, or too
 * many. */
static bool set_elements(struct decode_fast *fast, const char *at,
			 struct value *value)
{
	size_t count = 0;

	value->element = fast->element;
	at = fast_text_blanks(at + 1);
	while (*at != ']') {
		struct value *element = &fast->element[count];
		struct fast_span span = {.from = at};

		if (count++ == ELEMENTS || (*at != '"' && *at != 'n'))
			return false;
		*element = (struct value){.kind = VALUE_NULL};
		if (*at == '"') {
			at = fast_text_string(at + 1, &span.odd);
			if (!at)
				return false;
			span.end = ++at;
			element->kind = VALUE_STRING;
			set_string(fast, &span, element);
		} else {
			at += strlen("null");
		}
		at = fast_text_blanks(at);
		at = *at == ',' ? fast_text_blanks(at + 1) : at;
	}
	value->element_count = count;
	return true;
}

/* The value at a node, as far as the conversion needs it. */
static bool set_value(struct decode_fast *fast, const struct source *source,
		      struct value *value)
{
	const struct fast_span *span = &fast->find.span[source->node];

	value->kind = (enum value_kind)fast->find.kind[source->node];
	value->text = value->json = span->from;
	value->len = value->json_len = (size_t)(span->end - span->from);
	if (source->needs == NEEDS_JSON)
		return true;
	if (value->kind == VALUE_STRING)
		set_string(fast, span, value);
	return value->kind != VALUE_ARRAY || source->needs != NEEDS_ELEMENTS ||
	       set_elements(fast, span->from, value);
}

/* --- which value ---------------------------------------------------------- */

static void set_rest(struct decode_fast *fast, struct value *value)
{
	buf_reset(&fast->rest);
	json_span_rest(&fast->decoder->trie, fast->span, fast->decoder->taken,
		       &fast->rest);
	*value = (struct value){.kind = VALUE_OBJECT,
				.json = fast->rest.data,
				.json_len = fast->rest.len};
}

/* What fills a column: *found, NULL if nothing does.  False: not sure. */
static bool choose(struct decode_fast *fast, const struct target *target,
		   const struct source **found, struct value *value)
{
	for (size_t i = 0; i < target->source_count; i++) {
		const struct source *source = &target->source[i];

		*found = source;
		fast->text.len = 0;
		if (source->from->kind == FROM_PATH) {
			unsigned kind = fast->find.kind[source->node];

			if (!(source->kinds >> kind & 1))
				continue;
			if (!set_value(fast, source, value))
				return false;
		} else if (source->from->kind == FROM_REST) {
			set_rest(fast, value);
		} else if (!decoder_metadata(fast->decoder,
					     source->from->metadata, value)) {
			return false;
		}
		if (value->kind != VALUE_NULL &&
		    convert_split(source->from, value))
			return true;
	}
	*found = NULL;
	return true;
}

/* For `*`: the nodes whose values the other columns take, and where all stand
 * in the form that json_span_rest reads. */
static bool mark_taken(struct decode_fast *fast, const struct target *target,
		       size_t count)
{
	size_t nodes = fast->decoder->trie.count;

	memset(fast->decoder->taken, 0, nodes * sizeof *fast->decoder->taken);
	for (size_t i = 0; i < count; i++) {
		const struct source *found;
		struct value value;

		if (target[i].column->alternative->kind == FROM_REST)
			continue;
		if (!choose(fast, &target[i], &found, &value))
			return false;
		if (found && found->node >= 0)
			fast->decoder->taken[found->node] = true;
	}
	for (size_t i = 0; i < nodes; i++) {
		const struct fast_span *span = &fast->find.span[i];

		if (fast->find.kind[i] != FAST_ABSENT)
			fast->span[i] = (struct json_span){
				span->from, (size_t)(span->end - span->from)};
	}
	return true;
}

/* --- the row -------------------------------------------------------------- */

static bool add_field(struct decode_fast *fast, const struct target *target,
		      struct batch *batch)
{
	const struct source *found;
	struct value value;

	if (!choose(fast, target, &found, &value))
		return false;
	if (found)
		return convert_field(target->column, found->from->conversion,
				     &value, batch, &fast->ignored);
	if (target->column->not_null)
		return false;
	batch_field_null(batch);
	return true;
}

static bool add_fields(struct decode_fast *fast, size_t stream_index,
		       struct batch *batch, bool *has_event, int64_t *event_us)
{
	const struct stream *stream = fast->decoder->streams[stream_index];
	const struct target *target = fast->target[stream_index];
	const struct buf *rows = &batch->table[stream_index].rows;

	*has_event = false;
	if (fast->decoder->plan[stream_index].has_rest &&
	    !mark_taken(fast, target, stream->column_count))
		return false;
	for (size_t i = 0; i < stream->column_count; i++) {
		size_t before = rows->len;

		if (!add_field(fast, &target[i], batch))
			return false;
		if ((int)i == stream->event_time)
			*has_event = decoder_event_time(rows, before, event_us);
	}
	return true;
}

/* What a long record needed is given back. */
static void make_room(struct decode_fast *fast, size_t len)
{
	if (fast->text.capacity > KEPT_BYTES)
		buf_release(&fast->text);
	if (fast->rest.capacity > KEPT_BYTES)
		buf_release(&fast->rest);
	fast->text.len = 0;
	buf_reserve(&fast->text, len);
}

bool decode_fast(struct decode_fast *fast, const struct batch_origin *origin,
		 struct batch *batch)
{
	const char *bytes = batch->raw.data + origin->raw_start;
	bool has_event;
	int64_t event_us;
	int index;

	if (origin->raw_full_len > origin->raw_len ||
	    !fast_find(&fast->find, bytes, origin->raw_len))
		return false;
	index = find_stream(fast);
	if (index < 0 || !decoder_allows(fast->decoder, index))
		return false;
	make_room(fast, origin->raw_len);
	batch_row_begin(batch, (size_t)index, origin);
	if (!add_fields(fast, (size_t)index, batch, &has_event, &event_us)) {
		batch_row_cancel(batch);
		return false;
	}
	batch_row_end(batch);
	if (has_event)
		batch_event_time(batch, (size_t)index, event_us);
	return true;
}
