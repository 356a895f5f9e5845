#include "ingest/decode_jansson.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/json_scan.h"

/* What a decoder keeps of a large record's memory for the next one. */
enum { KEPT_BYTES = 1024 * 1024 };

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
	json_set_alloc_funcs(mem_alloc, free);
	json_object_seed(0);
}

void decode_jansson_init(struct decode_jansson *json,
			 const struct path_trie *trie,
			 const struct decode_limits *limits)
{
	pthread_once(&prepared, prepare);
	*json = (struct decode_jansson){.trie = trie, .limits = *limits};
	json->found = mem_zalloc(trie->count, sizeof *json->found);
	json->span = mem_zalloc(trie->count, sizeof *json->span);
}

void decode_jansson_release(struct decode_jansson *json)
{
	json_decref(json->root);
	free(json->found);
	free(json->span);
	buf_release(&json->tagged);
	arena_release(&json->arena);
	*json = (struct decode_jansson){0};
}

/* What a record that is no object begins with, so that the reason names it. */
static bool check_start(const char *bytes, size_t len, struct error *err)
{
	size_t at = 0;

	while (at < len && memchr(" \t\r\n", bytes[at], 4))
		at++;
	if (at == len)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the record is empty");
	if (bytes[at] == '{')
		return true;
	if (utf8_mark(bytes + at, len - at))
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the record begins with a byte order mark");
	if (bytes[at] == '\x1e')
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the record begins with a record separator, "
				 "0x1e: the producer writes JSON text "
				 "sequences (RFC 7464)");
	if (bytes[at] == '[' || bytes[at] == '"' || bytes[at] == '-' ||
	    (bytes[at] >= '0' && bytes[at] <= '9'))
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the record is %s, a stream takes objects",
				 bytes[at] == '['   ? "an array"
				 : bytes[at] == '"' ? "a string"
						    : "a number");
	if (bytes[at] > ' ' && bytes[at] < 0x7f)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "the record is not a JSON object: it begins "
				 "with `%c`",
				 bytes[at]);
	return error_set(err, ERROR_DATA, STATUS_DATA,
			 "the record is not a JSON object: it begins with "
			 "byte 0x%02x",
			 (unsigned char)bytes[at]);
}

/* Parents stand before their children: one loop finds every node. */
static void find_nodes(struct decode_jansson *json)
{
	const struct path_trie *trie = json->trie;

	json->found[0] = json->root;
	for (size_t i = 1; i < trie->count; i++) {
		json_t *parent = json->found[trie->node[i].parent];

		json->found[i] = json_object_getn(parent, trie->node[i].key,
						  trie->node[i].key_len);
	}
}

bool decode_jansson_load(struct decode_jansson *json, const char *bytes,
			 size_t len, struct error *err)
{
	json_error_t why;

	json_decref(json->root);
	json->root = NULL;
	json->bytes = bytes;
	json->len = len;
	json->located = false;
	arena_reset(&json->arena);
	if (json->tagged.capacity > KEPT_BYTES)
		buf_release(&json->tagged);
	if (!check_start(bytes, len, err) ||
	    !json_scan(bytes, len, &json->limits, &json->tagged, err))
		return false;
	json->root = json_loadb(json->tagged.data, json->tagged.len, 0, &why);
	if (!json->root)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "jansson refuses the record: %s", why.text);
	find_nodes(json);
	return true;
}

bool decode_jansson_has(const struct decode_jansson *json, int node)
{
	return json->found[node] != NULL;
}

enum value_kind decode_jansson_kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return VALUE_OBJECT;
	case JSON_ARRAY:
		return VALUE_ARRAY;
	case JSON_TRUE:
	case JSON_FALSE:
		return VALUE_BOOLEAN;
	case JSON_STRING:
		return *json_string_value(value) == JSON_TAG_NUMBER
			       ? VALUE_NUMBER
			       : VALUE_STRING;
	default:
		return VALUE_NULL;
	}
}

enum value_kind decode_jansson_kind(const struct decode_jansson *json, int node)
{
	return decode_jansson_kind_of(json->found[node]);
}

/* Kind and text; the tag is left behind. */
static void set_text(struct value *out, const json_t *value)
{
	*out = (struct value){.kind = decode_jansson_kind_of(value)};
	if (out->kind == VALUE_STRING || out->kind == VALUE_NUMBER) {
		out->text = json_string_value(value) + 1;
		out->len = json_string_length(value) - 1;
	} else if (out->kind == VALUE_BOOLEAN) {
		out->text = json_is_true(value) ? "true" : "false";
		out->len = strlen(out->text);
	}
}

static void set_elements(struct decode_jansson *json, struct value *out,
			 const json_t *array)
{
	size_t count = json_array_size(array);
	struct value *element =
		arena_alloc(&json->arena, count * sizeof *element);

	for (size_t i = 0; i < count; i++)
		set_text(&element[i], json_array_get(array, i));
	out->element = element;
	out->element_count = count;
}

static void locate(struct decode_jansson *json)
{
	if (!json->located)
		json_span_locate(json->trie, json->bytes, json->len,
				 json->span);
	json->located = true;
}

void decode_jansson_value(struct decode_jansson *json, int node,
			  enum convert_needs needs, struct value *out)
{
	const json_t *value = json->found[node];

	set_text(out, value);
	if (needs == NEEDS_ELEMENTS && out->kind == VALUE_ARRAY)
		set_elements(json, out, value);
	if (needs != NEEDS_JSON)
		return;
	locate(json);
	out->json = json->span[node].from;
	out->json_len = json->span[node].len;
}

void decode_jansson_rest(struct decode_jansson *json, const bool *taken,
			 struct buf *out)
{
	locate(json);
	json_span_rest(json->trie, json->span, taken, out);
}
