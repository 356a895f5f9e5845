#include <string.h>

#include "ingest/csv_layout.h"
#include "ingest/decode.h"
#include "ingest/decode_choose.h"
#include "ingest/drift.h"
#include "ingest/path.h"

/* A walk over every value of a record, with the path that leads to it. */
struct observer {
	struct decoder *decoder;
	size_t stream_index;
	struct drift *drift;
	struct buf path;
};

static const char *const kinds[VALUE_KIND_COUNT] = {
	[VALUE_BOOLEAN] = "boolean", [VALUE_NUMBER] = "number",
	[VALUE_STRING] = "string",   [VALUE_ARRAY] = "array",
	[VALUE_OBJECT] = "object",
};

/* Whether some column would take a value of that kind at that node. */
static bool is_taken(const struct observer *observer, int node,
		     enum value_kind kind)
{
	const struct decoder *decoder = observer->decoder;
	const struct stream *stream = decoder->streams[observer->stream_index];
	const struct stream_plan *plan = &decoder->plan[observer->stream_index];

	if (node < 0 || !plan->mapped[node])
		return false;
	for (size_t i = 0; i < stream->column_count; i++) {
		const struct column *column = &stream->column[i];

		for (size_t j = 0; j < column->alternative_count; j++)
			if (plan->source[i][j] == node &&
			    convert_takes(column->alternative[j].conversion,
					  column->type, kind))
				return true;
	}
	return false;
}

static void note(struct observer *observer, const json_t *value,
		 enum value_kind kind)
{
	const struct stream *stream =
		observer->decoder->streams[observer->stream_index];
	const char *sample = "";
	size_t len = 0;

	if (kind == VALUE_STRING || kind == VALUE_NUMBER) {
		sample = json_string_value(value) + 1;
		len = json_string_length(value) - 1;
	} else if (kind == VALUE_BOOLEAN) {
		sample = json_is_true(value) ? "true" : "false";
		len = strlen(sample);
	}
	drift_add(observer->drift, stream->relation, buf_text(&observer->path),
		  kinds[kind], sample, len);
}

static void observe(struct observer *observer, json_t *value, int node);

static void observe_object(struct observer *observer, json_t *object, int node)
{
	void *member = json_object_iter(object);

	for (; member; member = json_object_iter_next(object, member)) {
		const char *key = json_object_iter_key(member);
		size_t before = observer->path.len;
		int child = node < 0 ? -1
				     : path_trie_child(&observer->decoder->trie,
						       node, key, strlen(key));

		if (before > 0)
			buf_add_byte(&observer->path, '.');
		path_add_key(&observer->path, key, strlen(key));
		observe(observer, json_object_iter_value(member), child);
		observer->path.len = before;
		observer->path.data[before] = '\0';
	}
}

/* Arrays fold to []; what is empty or a scalar is noted itself.  The depth is
 * that of decode_limits. */
static void observe(struct observer *observer, json_t *value, int node)
{
	enum value_kind kind = decode_jansson_kind_of(value);
	size_t before = observer->path.len;

	if (kind == VALUE_NULL || is_taken(observer, node, kind))
		return;
	if (kind == VALUE_OBJECT && json_object_size(value) > 0) {
		observe_object(observer, value, node);
	} else if (kind == VALUE_ARRAY && json_array_size(value) > 0) {
		buf_add_text(&observer->path, "[]");
		for (size_t i = 0; i < json_array_size(value); i++)
			observe(observer, json_array_get(value, i), -1);
		observer->path.len = before;
		observer->path.data[before] = '\0';
	} else {
		note(observer, value, kind);
	}
}

/* The fields that no column names. */
static void observe_fields(struct observer *observer)
{
	const struct decode_csv *csv = &observer->decoder->csv;
	const struct csv_layout *layout = csv->layout;

	for (size_t i = 0; i < layout->field_count; i++) {
		const struct csv_field *field = &csv->record.field[i];

		if (layout->mapped[i] || field->len == 0)
			continue;
		buf_reset(&observer->path);
		path_add_key(&observer->path, layout->name[i],
			     strlen(layout->name[i]));
		drift_add(observer->drift, layout->stream->relation,
			  buf_text(&observer->path), kinds[VALUE_STRING],
			  field->text, field->len);
	}
}

void decoder_observe(struct decoder *decoder, const struct record *record,
		     struct drift *drift)
{
	struct observer observer = {.decoder = decoder, .drift = drift};
	int index;

	record = decoder_record(decoder, record);
	if (!decoder_load(decoder, record))
		return;
	index = decoder_stream(decoder);
	if (index < 0 || decoder->plan[index].has_rest)
		return;
	observer.stream_index = (size_t)index;
	drift_record(drift);
	if (record->csv)
		observe_fields(&observer);
	else
		observe_object(&observer, decoder->json.root, 0);
	buf_release(&observer.path);
}
