#include "ingest/stream.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/nearest.h"
#include "common/utf8.h"
#include "ingest/path.h"
#include "ingest/stream_lexer.h"
#include "ingest/stream_table.h"

/* Partitions, views and kept copies of the table add to its name, and
 * PostgreSQL's names have 63 bytes. */
enum { MAX_STREAM_NAME = 48 };

/* What the header said that must wait for the columns. */
struct header {
	const char *event_time;
	int event_time_line;
	bool has_stream;
	unsigned seen; /* bit by key */
};

struct reader {
	struct stream *stream;
	struct header header;
	struct error *err;
};

static bool read_stream(struct reader *reader, char *value)
{
	if (strcmp(value, reader->stream->name) != 0)
		return error_config(reader->err,
				    "the stream is called %s but the file "
				    "%s.sql: they have one name",
				    value, reader->stream->name);
	reader->header.has_stream = true;
	return true;
}

/* One `name=value` after `format: csv`. */
static bool read_csv_option(struct reader *reader, char *option)
{
	static const char *const names[] = {"delimiter", "header", "null",
					    "missing"};
	struct stream *stream = reader->stream;
	char *value = strchr(option, '=');
	const char *near;

	if (value)
		*value++ = '\0';
	if (value && strcmp(option, "delimiter") == 0) {
		if (strcmp(value, "tab") == 0)
			stream->delimiter = '\t';
		else if (strlen(value) == 1 && !strchr("\"\r\n", *value))
			stream->delimiter = *value;
		else
			return error_config(reader->err,
					    "delimiter= needs one character, "
					    "or the word tab");
	} else if (value && strcmp(option, "header") == 0) {
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return error_config(reader->err,
					    "header= is yes or no");
		stream->header = *value == 'y';
	} else if (value && strcmp(option, "null") == 0) {
		stream->null = value;
	} else if (value && strcmp(option, "missing") == 0) {
		if (strcmp(value, "error") != 0 && strcmp(value, "null") != 0)
			return error_config(reader->err,
					    "missing= is error or null: what "
					    "a column is that the header "
					    "lacks");
		stream->missing_null = *value == 'n';
	} else {
		near = nearest(option, names, 4);
		return error_config(reader->err,
				    "there is no csv option %s: use %s%s"
				    "delimiter=, header=, null= or missing=",
				    option, near ? near : "",
				    near ? "=, or one of " : "");
	}
	return true;
}

static bool read_format(struct reader *reader, char *value)
{
	char *rest = NULL;
	char *word = strtok_r(value, " \t", &rest);
	bool either = false;

	if (word && strcmp(word, "json") == 0) {
		word = strtok_r(NULL, " \t", &rest);
		if (!word)
			return true;
		if (strcmp(word, "|") != 0)
			return error_config(reader->err,
					    "format json has no option %s",
					    word);
		word = strtok_r(NULL, " \t", &rest);
		either = true;
	}
	if (!word || strcmp(word, "csv") != 0)
		return error_config(reader->err,
				    "format: is json, csv, or json | csv");
	reader->stream->format = either ? STREAM_JSON_OR_CSV : STREAM_CSV;
	while ((word = strtok_r(NULL, " \t", &rest)))
		if (!read_csv_option(reader, word))
			return false;
	return true;
}

static bool read_event_time(struct reader *reader, char *value)
{
	reader->header.event_time = value;
	return true;
}

static bool read_match(struct reader *reader, char *value)
{
	struct stream *stream = reader->stream;

	return path_parse_match(&stream->arena, value, &stream->match,
				&stream->match_count, reader->err);
}

/* append, full, or `full effective=hour`. */
static bool read_load(struct reader *reader, char *value)
{
	static const struct {
		const char *text;
		enum stream_load load;
		int64_t effective_step_us;
	} known[] = {
		{"append", LOAD_APPEND, 0},
		{"full", LOAD_FULL, 0},
		{"full effective=hour", LOAD_FULL, INT64_C(3600000000)},
		{"full effective=day", LOAD_FULL, INT64_C(86400000000)},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(value, known[i].text) != 0)
			continue;
		reader->stream->load = known[i].load;
		reader->stream->effective_step_us = known[i].effective_step_us;
		return true;
	}
	return error_config(reader->err,
			    "load: is append, full, full effective=hour or "
			    "full effective=day");
}

/* For people; and what periodic reads here: how old the newest load may be, and
 * what must be true of each before it is consumed. */
static bool leave_to_others(struct reader *reader, char *value)
{
	(void)reader, (void)value;
	return true;
}

static const char *const keys[] = {"stream", "format",    "event_time",
				   "match",  "load",      "description",
				   "tests",  "freshness", "retention"};
static bool (*const readers[])(struct reader *reader, char *value) = {
	read_stream,     read_format,     read_event_time,
	read_match,      read_load,       leave_to_others,
	leave_to_others, leave_to_others, leave_to_others,
};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

_Static_assert(sizeof readers / sizeof *readers == KEY_COUNT,
	       "every key has its reader");

static bool read_key(struct reader *reader, const char *key, char *value)
{
	const char *near;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(key, keys[i]) != 0)
			continue;
		/* match: may go on in another line */
		if (reader->header.seen & 1U << i && readers[i] != read_match)
			return error_config(reader->err, "%s: is there twice",
					    key);
		reader->header.seen |= 1U << i;
		return readers[i](reader, value);
	}
	near = nearest(key, keys, KEY_COUNT);
	return error_config(reader->err,
			    "there is no `%s:` in a stream file: use %s%s"
			    "stream:, format:, event_time:, match:, load:, "
			    "description:, tests:, freshness: or retention:",
			    key, near ? near : "", near ? ":, or one of " : "");
}

/* A comment before the statement: `key: value`, or prose. */
static bool read_header(struct reader *reader, const struct token *comment)
{
	char *text = arena_strndup(&reader->stream->arena, comment->text,
				   comment->len);
	char *end = text + strlen(text);
	size_t word;
	char *value;

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	text += strspn(text, " \t");
	word = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (word == 0 || text[word] != ':')
		return true;
	text[word] = '\0';
	value = text + word + 1;
	value += strspn(value, " \t");
	if (strcmp(text, "event_time") == 0)
		reader->header.event_time_line = comment->line;
	return read_key(reader, text, value) ||
	       error_context(reader->err, "%d", comment->line);
}

/* Finds the column that event_time: names. */
static bool resolve_event_time(struct reader *reader)
{
	struct stream *stream = reader->stream;
	const char *name = reader->header.event_time;
	const char **names;
	const char *near;

	stream->event_time = -1;
	if (!name)
		return true;
	names = arena_alloc(&stream->arena,
			    stream->column_count * sizeof *names);
	for (size_t i = 0; i < stream->column_count; i++) {
		names[i] = stream->column[i].name;
		if (strcmp(name, names[i]) == 0)
			stream->event_time = (int)i;
	}
	if (stream->event_time < 0) {
		near = nearest(name, names, stream->column_count);
		error_config(reader->err,
			     "event_time: names %s, which is no column of the "
			     "table%s%s%s",
			     name, near ? ", did you mean " : "",
			     near ? near : "", near ? "?" : "");
	} else if (stream->column[stream->event_time].type !=
		   COLUMN_TIMESTAMPTZ) {
		error_config(reader->err,
			     "event_time: names %s, which is %s and must be "
			     "timestamptz",
			     name,
			     column_type_name(
				     stream->column[stream->event_time].type));
	} else {
		return true;
	}
	return error_context(reader->err, "%d", reader->header.event_time_line);
}

static bool is_good_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && name[len] == '\0' && len <= MAX_STREAM_NAME &&
	       !isdigit((unsigned char)*name);
}

/* psql would refuse other text too. */
static bool check_text(const char *text, struct error *err)
{
	const char *flaw = utf8_flaw(text, strlen(text));
	int line = 1;

	if (!flaw)
		return true;
	for (const char *at = text; at < flaw; at++)
		line += *at == '\n';
	return error_config(err, "%d: the file is not UTF-8 text", line);
}

static bool parse(struct reader *reader)
{
	struct stream *stream = reader->stream;
	struct stream_lexer lexer = {.at = stream->sql, .line = 1};
	struct token token;

	if (!check_text(stream->sql, reader->err))
		return false;
	if (!is_good_name(stream->name))
		return error_config(reader->err,
				    "a stream's name has 1 to %d lower-case "
				    "letters, digits and _ and begins with "
				    "a letter: rename the file",
				    MAX_STREAM_NAME);
	for (;;) {
		token = stream_lexer_next(&lexer);
		if (token.kind != TOKEN_COMMENT)
			break;
		if (!read_header(reader, &token))
			return false;
	}
	if (!stream_table_parse(stream, &lexer, token, reader->err))
		return false;
	if (!reader->header.has_stream)
		return error_config(reader->err,
				    "1: the header lacks `-- stream: %s`",
				    stream->name);
	return resolve_event_time(reader);
}

bool stream_parse(struct stream **out, const char *file, const char *name,
		  const char *text, struct error *err)
{
	struct stream *stream = mem_zalloc(1, sizeof *stream);
	struct reader reader = {.stream = stream, .err = err};

	stream->name = arena_strdup(&stream->arena, name);
	stream->relation = arena_format(&stream->arena, "staging.%s", name);
	stream->file = arena_strdup(&stream->arena, file);
	stream->sql = arena_strdup(&stream->arena, text);
	stream->format = STREAM_JSON;
	stream->delimiter = ',';
	stream->header = true;
	stream->null = "";
	if (!parse(&reader)) {
		stream_close(stream);
		/* the text before begins with a line: file:12: ... */
		struct error inner = *err;

		return error_config(err, "%s:%s%s", file,
				    isdigit((unsigned char)*inner.text) ? ""
									: " ",
				    inner.text);
	}
	*out = stream;
	return true;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	arena_release(&stream->arena);
	free(stream);
}
