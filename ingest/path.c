#include "ingest/path_parts.h"

#include <ctype.h>
#include <string.h>

#include "common/buf.h"

enum { MAX_DEPTH = 64 };

void path_skip_blanks(struct path_cursor *cursor)
{
	while (*cursor->at == ' ' || *cursor->at == '\t')
		cursor->at++;
}

bool path_accept(struct path_cursor *cursor, char c)
{
	path_skip_blanks(cursor);
	if (*cursor->at != c)
		return false;
	cursor->at++;
	path_skip_blanks(cursor);
	return true;
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' ||
	       (unsigned char)c >= 0x80;
}

void path_add_key(struct buf *out, const char *key, size_t len)
{
	bool plain = len > 0;

	for (size_t i = 0; i < len; i++)
		plain = plain && is_key_char(key[i]);
	if (plain) {
		buf_add(out, key, len);
		return;
	}
	buf_add_byte(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (key[i] == '"')
			buf_add_byte(out, '"');
		buf_add_byte(out, key[i]);
	}
	buf_add_byte(out, '"');
}

/* Between quotes; a quote in the key is doubled. */
static bool quoted_key(struct path_cursor *cursor, const char **key,
		       size_t *len)
{
	const char *from = ++cursor->at;
	char *copy = arena_alloc(cursor->arena, strlen(from) + 1);
	size_t used = 0;

	for (;;) {
		if (*cursor->at == '\0')
			return error_config(cursor->err,
					    "the quoted key \"%s is not "
					    "closed with a quote",
					    from);
		if (*cursor->at == '"' && *++cursor->at != '"')
			break;
		copy[used++] = *cursor->at++;
	}
	copy[used] = '\0';
	*key = copy;
	*len = used;
	return true;
}

static bool plain_key(struct path_cursor *cursor, const char **key, size_t *len)
{
	const char *from = cursor->at;

	while (is_key_char(*cursor->at))
		cursor->at++;
	if (cursor->at == from) {
		if (*from == '\0')
			return error_config(cursor->err,
					    "a path is missing at the end");
		return error_config(cursor->err,
				    "a path cannot go on with `%s`: quote keys "
				    "that hold anything but letters, digits, _ "
				    "and -, as in a.\"$type\"",
				    from);
	}
	if (*cursor->at == '[')
		return error_config(cursor->err,
				    "`%s` asks for an element of an array, "
				    "which no path can: map the array as jsonb "
				    "or text[]",
				    from);
	*len = (size_t)(cursor->at - from);
	*key = arena_strndup(cursor->arena, from, *len);
	return true;
}

bool path_parse_keys(struct path_cursor *cursor, struct path *path)
{
	const char *key[MAX_DEPTH];
	size_t key_len[MAX_DEPTH];
	const char *from = cursor->at;
	size_t depth = 0;

	do {
		bool ok;

		if (depth == MAX_DEPTH)
			return error_config(cursor->err,
					    "a path has more than %d keys",
					    MAX_DEPTH);
		ok = *cursor->at == '"'
			     ? quoted_key(cursor, &key[depth], &key_len[depth])
			     : plain_key(cursor, &key[depth], &key_len[depth]);
		if (!ok)
			return false;
		depth++;
	} while (*cursor->at == '.' && cursor->at++);
	path->depth = depth;
	path->text =
		arena_strndup(cursor->arena, from, (size_t)(cursor->at - from));
	path->key = arena_alloc(cursor->arena, depth * sizeof *path->key);
	path->key_len =
		arena_alloc(cursor->arena, depth * sizeof *path->key_len);
	memcpy(path->key, key, depth * sizeof *key);
	memcpy(path->key_len, key_len, depth * sizeof *key_len);
	return true;
}

void *path_grown(struct arena *arena, const void *old, size_t count,
		 size_t size)
{
	char *array = arena_zalloc(arena, (count + 1) * size);

	if (count)
		memcpy(array, old, count * size);
	return array;
}

/* 'text' behind a =; a quote in it is doubled. */
static bool parse_equals(struct path_cursor *cursor, struct path *path)
{
	const char *from = cursor->at;
	char *copy = arena_alloc(cursor->arena, strlen(from) + 1);
	size_t used = 0;

	if (*cursor->at++ != '\'')
		return error_config(cursor->err,
				    "behind `%s =` a text in single quotes is "
				    "missing",
				    path->text);
	for (; *cursor->at; cursor->at++) {
		if (*cursor->at == '\'' && *++cursor->at != '\'') {
			copy[used] = '\0';
			path->equals = copy;
			path_skip_blanks(cursor);
			return true;
		}
		copy[used++] = *cursor->at;
	}
	return error_config(cursor->err,
			    "the text %s is not closed with a "
			    "quote",
			    from);
}

/* One of those that must all be so. */
static bool parse_condition(struct path_cursor *cursor, struct path *path)
{
	path->is_absent = path_accept(cursor, '!');
	return path_parse_keys(cursor, path) &&
	       (path->is_absent || !path_accept(cursor, '=') ||
		parse_equals(cursor, path));
}

bool path_parse_match(struct arena *arena, const char *text, struct match **out,
		      size_t *count, struct error *err)
{
	struct path_cursor cursor = {.at = text, .arena = arena, .err = err};

	path_skip_blanks(&cursor);
	do {
		struct match *match;

		*out = path_grown(arena, *out, *count, sizeof **out);
		match = &(*out)[(*count)++];
		do {
			match->path = path_grown(arena, match->path,
						 match->path_count,
						 sizeof *match->path);
			if (!parse_condition(&cursor,
					     &match->path[match->path_count++]))
				return false;
		} while (path_accept(&cursor, '+'));
	} while (path_accept(&cursor, '|'));
	if (*cursor.at)
		return error_config(err,
				    "expected `+`, `|` or the end of the line "
				    "before `%s`",
				    cursor.at);
	return true;
}
