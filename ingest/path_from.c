#include "ingest/path_parts.h"

#include <ctype.h>
#include <string.h>

#include "common/nearest.h"
#include "ingest/convert.h"

/* By enum metadata: the name, the kind of value, the conversion that is meant
 * for a timestamptz when none is named. */
static const struct {
	const char *name;
	enum value_kind kind;
	const char *timestamp_conversion;
} metadata_sources[] = {
	[META_TOPIC] = {"@topic", VALUE_STRING, NULL},
	[META_PARTITION] = {"@partition", VALUE_NUMBER, NULL},
	[META_OFFSET] = {"@offset", VALUE_NUMBER, NULL},
	[META_TIMESTAMP] = {"@timestamp", VALUE_NUMBER, "epoch_ms"},
	[META_KEY] = {"@key", VALUE_STRING, NULL},
	[META_HEADERS] = {"@headers", VALUE_OBJECT, NULL},
	[META_FILE] = {"@file", VALUE_STRING, NULL},
	[META_LINE] = {"@line", VALUE_NUMBER, NULL},
};

enum { METADATA_COUNT = sizeof metadata_sources / sizeof *metadata_sources };

const char *path_metadata_name(enum metadata metadata)
{
	return metadata_sources[metadata].name;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A run of letters, digits and _ at the cursor. */
static char *word(struct path_cursor *cursor)
{
	const char *from = cursor->at;

	while (is_word_char(*cursor->at))
		cursor->at++;
	return arena_strndup(cursor->arena, from, (size_t)(cursor->at - from));
}

static bool parse_metadata(struct path_cursor *cursor,
			   const struct column *column,
			   struct alternative *alternative)
{
	const char *names[METADATA_COUNT];
	const char *from = cursor->at++;
	const char *name, *near;

	word(cursor);
	name = arena_strndup(cursor->arena, from, (size_t)(cursor->at - from));
	for (size_t i = 0; i < METADATA_COUNT; i++) {
		const char *conversion =
			metadata_sources[i].timestamp_conversion;

		names[i] = metadata_sources[i].name;
		if (strcmp(name, metadata_sources[i].name) != 0)
			continue;
		alternative->kind = FROM_METADATA;
		alternative->metadata = (enum metadata)i;
		if (conversion && (column->type == COLUMN_TIMESTAMPTZ ||
				   column->type == COLUMN_TIMESTAMP))
			alternative->conversion = convert_find(conversion);
		return true;
	}
	near = nearest(name, names, METADATA_COUNT);
	return error_config(cursor->err,
			    "there is no %s: use %s%s@topic, @partition, "
			    "@offset, @timestamp, @key, @headers, @file or "
			    "@line",
			    name, near ? near : "", near ? ", or one of " : "");
}

/* before 'c' or after 'c': the word has been read. */
static bool parse_split(struct path_cursor *cursor, const char *which,
			struct alternative *alternative)
{
	const char *at;

	path_skip_blanks(cursor);
	at = cursor->at;
	if (at[0] != '\'' || at[1] == '\0' || at[2] != '\'' ||
	    (unsigned char)at[1] >= 0x80)
		return error_config(cursor->err,
				    "%s needs one ASCII character in quotes, "
				    "as in %s '/'",
				    which, which);
	if (alternative->split != SPLIT_NONE)
		return error_config(cursor->err,
				    "only one before or after can follow a "
				    "path");
	alternative->split =
		strcmp(which, "before") == 0 ? SPLIT_BEFORE : SPLIT_AFTER;
	alternative->separator = at[1];
	cursor->at += 3;
	return true;
}

/* as name: the word `as` has been read. */
static bool parse_conversion(struct path_cursor *cursor,
			     const struct column *column,
			     struct alternative *alternative)
{
	const char *name, *near;

	path_skip_blanks(cursor);
	name = word(cursor);
	alternative->conversion = convert_find(name);
	if (alternative->conversion < 0) {
		near = convert_nearest(name);
		return error_config(
			cursor->err, "there is no conversion %s: use %s%s%s",
			*name ? name : "without a name", near ? near : "",
			near ? ", or one of " : "", convert_list());
	}
	if (!convert_gives(alternative->conversion, column->type))
		return error_config(cursor->err,
				    "the conversion %s does not give %s", name,
				    column_type_name(column->type));
	return true;
}

static bool parse_modifiers(struct path_cursor *cursor,
			    const struct column *column,
			    struct alternative *alternative)
{
	static const char *const modifiers[] = {"as", "before", "after"};

	for (;;) {
		const char *name, *near;
		bool ok;

		path_skip_blanks(cursor);
		if (!is_word_char(*cursor->at))
			return true;
		name = word(cursor);
		if (strcmp(name, "as") == 0) {
			ok = parse_conversion(cursor, column, alternative);
		} else if (strcmp(name, "before") == 0 ||
			   strcmp(name, "after") == 0) {
			ok = parse_split(cursor, name, alternative);
		} else {
			near = nearest(name, modifiers, 3);
			ok = error_config(
				cursor->err,
				"`%s` cannot follow a path: use %s", name,
				near ? near : "as, before, after or `|`");
		}
		if (!ok)
			return false;
	}
}

/* Whether the alternative can ever give the column a value. */
static bool check_kinds(struct path_cursor *cursor, const struct column *column,
			const struct alternative *alternative)
{
	enum value_kind kind = VALUE_STRING;

	if (alternative->kind == FROM_REST && column->type != COLUMN_JSONB)
		return error_config(cursor->err,
				    "`*` is an object: its column must be "
				    "jsonb, not %s",
				    column_type_name(column->type));
	if (alternative->kind == FROM_REST &&
	    (alternative->conversion >= 0 || alternative->split != SPLIT_NONE))
		return error_config(cursor->err, "`*` takes no conversion");
	if (alternative->kind == FROM_METADATA)
		kind = metadata_sources[alternative->metadata].kind;
	if (kind == VALUE_STRING &&
	    (alternative->kind == FROM_METADATA ||
	     alternative->split != SPLIT_NONE) &&
	    convert_needs(alternative->conversion, column->type) == NEEDS_JSON)
		return error_config(
			cursor->err, "%s takes JSON, which this text is not",
			convert_name(alternative->conversion, column->type));
	if (alternative->kind == FROM_METADATA &&
	    !convert_takes(alternative->conversion, column->type, kind))
		return error_config(
			cursor->err, "%s is %s, which %s (%s) does not take",
			path_metadata_name(alternative->metadata),
			convert_kind_name(kind), column_type_name(column->type),
			convert_name(alternative->conversion, column->type));
	if (alternative->split != SPLIT_NONE &&
	    (kind != VALUE_STRING ||
	     !convert_takes(alternative->conversion, column->type, kind)))
		return error_config(
			cursor->err,
			"before and after cut strings, which %s "
			"(%s) does not take here",
			column_type_name(column->type),
			convert_name(alternative->conversion, column->type));
	return true;
}

static bool parse_alternative(struct path_cursor *cursor,
			      const struct column *column,
			      struct alternative *alternative)
{
	alternative->conversion = -1;
	path_skip_blanks(cursor);
	if (path_accept(cursor, '*')) {
		alternative->kind = FROM_REST;
	} else if (*cursor->at == '@') {
		if (!parse_metadata(cursor, column, alternative))
			return false;
	} else {
		alternative->kind = FROM_PATH;
		if (!path_parse_keys(cursor, &alternative->path))
			return false;
	}
	return parse_modifiers(cursor, column, alternative) &&
	       check_kinds(cursor, column, alternative);
}

bool path_parse_from(struct arena *arena, const char *text,
		     struct column *column, struct error *err)
{
	struct path_cursor cursor = {.at = text, .arena = arena, .err = err};

	do {
		column->alternative = path_grown(arena, column->alternative,
						 column->alternative_count,
						 sizeof *column->alternative);
		if (!parse_alternative(
			    &cursor, column,
			    &column->alternative[column->alternative_count++]))
			return false;
	} while (path_accept(&cursor, '|'));
	if (*cursor.at)
		return error_config(err,
				    "expected `|` or the end of the line "
				    "before `%s`",
				    cursor.at);
	return true;
}
