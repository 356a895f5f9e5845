#include "ingest/decode_choose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/csv_layout.h"
#include "ingest/json_scan.h"
#include "ingest/path.h"
#include "ingest/record.h"

bool decoder_load(struct decoder *decoder, const struct record *record)
{
	decoder->record = record;
	if (record->full_len > record->len)
		return error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
				 "the record has %zu bytes, more than a line "
				 "may have; its first %zu are kept",
				 record->full_len, record->len);
	if (record->csv
		    ? decode_csv_load(&decoder->csv, record->csv, record->bytes,
				      record->len, &decoder->err)
		    : decode_jansson_load(&decoder->json, record->bytes,
					  record->len, &decoder->err))
		return true;
	if (record->unterminated) {
		size_t used = strlen(decoder->err.text);

		snprintf(decoder->err.text + used,
			 sizeof decoder->err.text - used, " (%s)",
			 record->unterminated);
	}
	return false;
}

/* Whether a path of a match: is as it says. */
static bool is_so(struct decoder *decoder, const struct path *path, int node)
{
	struct decode_jansson *json = &decoder->json;
	struct value value;

	if (path->is_absent)
		return !decode_jansson_has(json, node) ||
		       decode_jansson_kind(json, node) == VALUE_NULL;
	if (!decode_jansson_has(json, node))
		return false;
	if (!path->equals)
		return true;
	decode_jansson_value(json, node, NEEDS_TEXT, &value);
	return value.kind == VALUE_STRING &&
	       value.len == strlen(path->equals) &&
	       !memcmp(value.text, path->equals, value.len);
}

static bool matches(struct decoder *decoder, size_t stream_index)
{
	const struct stream *stream = decoder->streams[stream_index];
	const struct stream_plan *plan = &decoder->plan[stream_index];

	for (size_t i = 0; i < stream->match_count; i++) {
		bool all = true;

		for (size_t j = 0; all && j < stream->match[i].path_count; j++)
			all = is_so(decoder, &stream->match[i].path[j],
				    plan->match[i][j]);
		if (all)
			return true;
	}
	return false;
}

static void describe_condition(const struct path *path, bool first,
			       struct buf *out)
{
	buf_format(out, "%s%s%s", first ? "" : " + ",
		   path->is_absent ? "no " : "", path->text);
	if (path->equals)
		buf_format(out, " = '%s'", path->equals);
}

/* What a stream's match: asks for: `a + b or c`. */
static void describe_match(const struct stream *stream, struct buf *out)
{
	for (size_t i = 0; i < stream->match_count; i++) {
		const struct match *match = &stream->match[i];

		buf_add_text(out, i ? " or " : "");
		for (size_t j = 0; j < match->path_count; j++)
			describe_condition(&match->path[j], j == 0, out);
	}
	if (stream->match_count == 0)
		buf_add_text(out, "--stream, having no match:");
}

static void no_stream(struct decoder *decoder)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < decoder->count; i++) {
		if (!(decoder->streams[i]->format & STREAM_JSON))
			continue;
		buf_format(&text, "%s%s needs ", text.len ? "; " : "",
			   decoder->streams[i]->name);
		describe_match(decoder->streams[i], &text);
	}
	error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
		  "unknown_stream: no stream takes this record: %s",
		  buf_text(&text));
	buf_release(&text);
}

int decoder_stream(struct decoder *decoder)
{
	int found = -1;

	if (decoder->record->csv)
		return decoder->record->csv->stream_index;
	if (decoder->forced >= 0)
		return decoder->forced;
	for (size_t i = 0; i < decoder->count; i++) {
		if (!matches(decoder, i))
			continue;
		if (found >= 0) {
			error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
				  "ambiguous_stream: both %s and %s take this "
				  "record: name one with --stream, or make "
				  "their match: lines ask for more",
				  decoder->streams[found]->name,
				  decoder->streams[i]->name);
			return -1;
		}
		found = (int)i;
	}
	if (found < 0)
		no_stream(decoder);
	return found;
}

bool decoder_allows(const struct decoder *decoder, int stream)
{
	return decoder->streams[stream]->load != LOAD_FULL ||
	       decoder->whole == stream;
}

static void set_number(struct decoder *decoder, struct value *value,
		       int64_t number)
{
	int len = snprintf(decoder->digits, sizeof decoder->digits, "%" PRId64,
			   number);

	if (number >= 0)
		*value = (struct value){.kind = VALUE_NUMBER,
					.text = decoder->digits,
					.len = (size_t)len,
					.json = decoder->digits,
					.json_len = (size_t)len};
}

/* Keys and file names are any bytes; text is UTF-8 without NUL. */
static bool read_text(struct decoder *decoder, enum metadata metadata,
		      const char *text, size_t len, struct value *value)
{
	if (!text)
		return true;
	if (utf8_flaw(text, len))
		return error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
				 "%s is not UTF-8 text",
				 path_metadata_name(metadata));
	*value = (struct value){.kind = VALUE_STRING, .text = text, .len = len};
	return true;
}

static bool read_headers(struct decoder *decoder, struct value *value)
{
	const char *headers = decoder->record->headers;
	size_t len;

	if (!headers)
		return true;
	len = strlen(headers);
	if (!json_scan(headers, len, &decoder->json.limits, &decoder->headers,
		       &decoder->err))
		return error_context(&decoder->err, "@headers");
	*value = (struct value){
		.kind = VALUE_OBJECT, .json = headers, .json_len = len};
	return true;
}

bool decoder_metadata(struct decoder *decoder, enum metadata metadata,
		      struct value *value)
{
	const struct record *record = decoder->record;

	*value = (struct value){.kind = VALUE_NULL};
	switch (metadata) {
	case META_TOPIC:
		return read_text(decoder, metadata, record->topic,
				 record->topic ? strlen(record->topic) : 0,
				 value);
	case META_PARTITION:
		set_number(decoder, value,
			   record->topic ? record->partition : -1);
		return true;
	case META_OFFSET:
		set_number(decoder, value, record->position);
		return true;
	case META_TIMESTAMP:
		set_number(decoder, value,
			   record->topic ? record->timestamp_ms : -1);
		return true;
	case META_KEY:
		return read_text(decoder, metadata, record->key,
				 record->key_len, value);
	case META_HEADERS:
		return read_headers(decoder, value);
	case META_FILE:
		return read_text(decoder, metadata, record->file,
				 record->file ? strlen(record->file) : 0,
				 value);
	case META_LINE:
		set_number(decoder, value,
			   record->line > 0 ? record->line : -1);
		return true;
	}
	return true;
}

static void read_rest(struct decoder *decoder, struct value *value)
{
	buf_reset(&decoder->rest);
	if (decoder->record->csv)
		decode_csv_rest(&decoder->csv, decoder->taken, &decoder->rest);
	else
		decode_jansson_rest(&decoder->json, decoder->taken,
				    &decoder->rest);
	*value = (struct value){.kind = VALUE_OBJECT,
				.json = decoder->rest.data,
				.json_len = decoder->rest.len};
}

/* Whether the alternative fills the column; its value is then *value. */
static bool suits(struct decoder *decoder, const struct column *column,
		  const struct alternative *alternative, int node,
		  struct value *value)
{
	if (alternative->kind == FROM_PATH) {
		enum value_kind kind;

		if (!decode_jansson_has(&decoder->json, node))
			return false;
		kind = decode_jansson_kind(&decoder->json, node);
		if (!convert_takes(alternative->conversion, column->type,
				   kind) ||
		    (alternative->split != SPLIT_NONE && kind != VALUE_STRING))
			return false;
		decode_jansson_value(
			&decoder->json, node,
			convert_needs(alternative->conversion, column->type),
			value);
	}
	return value->kind != VALUE_NULL && convert_split(alternative, value);
}

/* Whether the field of a CSV record fills the column.  One that holds what the
 * conversion does not take is noted: nobody would miss it otherwise. */
static bool field_suits(struct decoder *decoder, const struct column *column,
			const struct alternative *alternative, int field,
			struct value *value)
{
	char kinds[80];

	if (field < 0)
		return false;
	switch (decode_csv_value(&decoder->csv, column, alternative, field,
				 value)) {
	case CSV_NULL:
		return false;
	case CSV_SUITS:
		return convert_split(alternative, value);
	case CSV_UNLIKE:
		break;
	}
	if (convert_needs(alternative->conversion, column->type) == NEEDS_JSON)
		snprintf(kinds, sizeof kinds, "JSON");
	else if (convert_takes(alternative->conversion, column->type,
			       VALUE_STRING))
		snprintf(kinds, sizeof kinds, "a written time");
	else
		convert_kinds(alternative->conversion, column->type, kinds,
			      sizeof kinds);
	return error_set(&decoder->err, ERROR_DATA, STATUS_DATA,
			 "%s: the field does not hold %s",
			 decoder_source_name(alternative), kinds);
}

/* decoder_choose for a CSV record. */
static bool choose_field(struct decoder *decoder, const struct column *column,
			 const int *source, struct choice *choice)
{
	decoder->err.kind = ERROR_NONE;
	choice->alternative = choice->node = -1;
	for (size_t i = 0; i < column->alternative_count; i++) {
		const struct alternative *alternative = &column->alternative[i];
		bool suits;

		if (alternative->kind == FROM_PATH) {
			suits = field_suits(decoder, column, alternative,
					    source[i], &choice->value);
		} else if (alternative->kind == FROM_REST) {
			read_rest(decoder, &choice->value);
			suits = true;
		} else {
			if (!decoder_metadata(decoder, alternative->metadata,
					      &choice->value))
				return false;
			suits = choice->value.kind != VALUE_NULL &&
				convert_split(alternative, &choice->value);
		}
		if (suits) {
			choice->alternative = (int)i;
			choice->node = source[i];
			return true;
		}
	}
	return decoder->err.kind == ERROR_NONE;
}

bool decoder_choose(struct decoder *decoder, size_t stream_index,
		    size_t column_index, struct choice *choice)
{
	const struct column *column =
		&decoder->streams[stream_index]->column[column_index];
	const int *source = decoder->plan[stream_index].source[column_index];

	if (decoder->record->csv)
		return choose_field(decoder, column,
				    decoder->record->csv->source[column_index],
				    choice);
	for (size_t i = 0; i < column->alternative_count; i++) {
		const struct alternative *alternative = &column->alternative[i];

		if (alternative->kind == FROM_REST)
			read_rest(decoder, &choice->value);
		else if (alternative->kind == FROM_METADATA &&
			 !decoder_metadata(decoder, alternative->metadata,
					   &choice->value))
			return false;
		if (suits(decoder, column, alternative, source[i],
			  &choice->value)) {
			choice->alternative = (int)i;
			choice->node = source[i];
			return true;
		}
	}
	choice->alternative = choice->node = -1;
	return true;
}

const char *decoder_source_name(const struct alternative *alternative)
{
	switch (alternative->kind) {
	case FROM_METADATA:
		return path_metadata_name(alternative->metadata);
	case FROM_REST:
		return "*";
	case FROM_PATH:
		break;
	}
	return alternative->path.text;
}

void decoder_why_null(struct decoder *decoder, size_t stream_index,
		      size_t column_index, char *text, size_t size)
{
	const struct column *column =
		&decoder->streams[stream_index]->column[column_index];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < column->alternative_count && used < size; i++) {
		const struct alternative *alternative = &column->alternative[i];
		const struct csv_layout *csv = decoder->record->csv;
		int node = decoder->plan[stream_index].source[column_index][i];
		const char *found = "absent";
		char taken[80] = "";

		if (csv) {
			if (csv->source[column_index][i] >= 0)
				found = "empty";
		} else if (node >= 0 &&
			   decode_jansson_has(&decoder->json, node)) {
			enum value_kind kind =
				decode_jansson_kind(&decoder->json, node);

			found = convert_kind_name(kind);
			if (kind != VALUE_NULL)
				convert_kinds(alternative->conversion,
					      column->type, taken,
					      sizeof taken);
			if (alternative->split == SPLIT_AFTER &&
			    kind == VALUE_STRING)
				snprintf(taken, sizeof taken,
					 "something after `%c`",
					 alternative->separator);
		}
		/* absent for one conversion, absent for the next */
		if (i && !strcmp(found, "absent") &&
		    !strcmp(decoder_source_name(alternative),
			    decoder_source_name(alternative - 1)))
			continue;
		used += (size_t)snprintf(text + used, size - used,
					 "%s%s is %s%s%s", used ? ", " : "",
					 decoder_source_name(alternative),
					 found, *taken ? ", not " : "", taken);
	}
}
