#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "ingest/convert.h"
#include "ingest/stream.h"

#define LOADED_AT                                                              \
	"    loaded_at timestamptz not null default now()\n"                   \
	") partition by range (loaded_at);\n"

static struct stream *parse(const char *text, struct error *err)
{
	struct stream *stream = NULL;

	return stream_parse(&stream, "s.sql", "s", text, err) ? stream : NULL;
}

/* The stream that a body of columns and the rest of the header make. */
static struct stream *parse_columns(const char *header, const char *columns,
				    struct error *err)
{
	struct buf text = BUF_INIT;
	struct stream *stream;

	buf_format(&text, "-- stream: s\n%screate table staging.s (\n%s",
		   header, columns);
	buf_add_text(&text, LOADED_AT);
	stream = parse(buf_text(&text), err);
	buf_release(&text);
	return stream;
}

static struct stream *read_shipped(const char *file, const char *name)
{
	struct error err = ERROR_INIT;
	struct stream *stream = NULL;
	struct buf text = BUF_INIT;
	FILE *in = fopen(file, "r");
	size_t got;

	assert_non_null(in);
	do {
		got = fread(buf_reserve(&text, 4096), 1, 4096, in);
		text.len += got;
	} while (got > 0);
	text.data[text.len] = '\0';
	fclose(in);
	if (!stream_parse(&stream, file, name, buf_text(&text), &err))
		fail_msg("%s", err.text);
	assert_string_equal(stream->sql, buf_text(&text));
	buf_release(&text);
	return stream;
}

static void the_bluesky_stream_is_read_whole(void **state)
{
	static const char *const names[] = {
		"event_at",    "kind", "operation", "did",        "collection",
		"rkey",        "rev",  "cid",       "seq",        "subject_uri",
		"subject_did", "text", "langs",     "created_at",
	};
	struct stream *stream = read_shipped(
		"sql/bluesky/streams/bluesky_events.sql", "bluesky_events");
	const struct column *column = stream->column;

	(void)state;
	assert_string_equal(stream->relation, "staging.bluesky_events");
	assert_int_equal(stream->format, STREAM_JSON);
	assert_int_equal(stream->load, LOAD_APPEND);
	assert_int_equal(stream->column_count, sizeof names / sizeof *names);
	for (size_t i = 0; i < stream->column_count; i++)
		assert_string_equal(column[i].name, names[i]);
	assert_int_equal(stream->event_time, 0);
	assert_int_equal(column[0].type, COLUMN_TIMESTAMPTZ);
	assert_true(column[0].not_null);
	assert_int_equal(column[0].alternative_count, 3);
	assert_string_equal(column[0].alternative[0].path.text, "time_us");
	assert_int_equal(column[0].alternative[0].conversion,
			 convert_find("epoch_us"));
	assert_int_equal(column[0].alternative[1].conversion, -1);
	assert_int_equal(column[0].alternative[1].path.depth, 2);
	assert_string_equal(column[1].alternative[2].path.key[1], "$type");
	assert_int_equal(column[1].alternative[2].split, SPLIT_AFTER);
	assert_int_equal(column[1].alternative[2].separator, '#');
	assert_int_equal(column[8].type, COLUMN_BIGINT);
	assert_int_equal(column[8].alternative_count, 6);
	assert_string_equal(column[8].alternative[5].path.text, "payload.seq");
	assert_int_equal(column[12].type, COLUMN_TEXT_ARRAY);
	assert_int_equal(stream->match_count, 4);
	assert_int_equal(stream->match[0].path_count, 3);
	assert_string_equal(stream->match[3].path[1].text, "repo");
	stream_close(stream);
}

static void the_pageviews_stream_is_read_whole(void **state)
{
	struct stream *stream = read_shipped(
		"sql/pageviews/streams/pageviews.sql", "pageviews");

	(void)state;
	assert_int_equal(stream->column_count, 3);
	assert_string_equal(stream->column[stream->event_time].name,
			    "viewed_at");
	assert_int_equal(stream->column[0].alternative[1].conversion,
			 convert_find("number_text"));
	stream_close(stream);
}

static void every_type_is_known_by_each_of_its_names(void **state)
{
	static const struct {
		const char *sql;
		enum column_type type;
		int length, precision, scale;
	} cases[] = {
		{"text", COLUMN_TEXT, 0, 0, 0},
		{"varchar(7)", COLUMN_VARCHAR, 7, 0, 0},
		{"character varying ( 7 )", COLUMN_VARCHAR, 7, 0, 0},
		{"smallint", COLUMN_SMALLINT, 0, 0, 0},
		{"INT", COLUMN_INTEGER, 0, 0, 0},
		{"int8", COLUMN_BIGINT, 0, 0, 0},
		{"double\n precision", COLUMN_DOUBLE, 0, 0, 0},
		{"numeric", COLUMN_NUMERIC, 0, 0, 0},
		{"numeric(5)", COLUMN_NUMERIC, 0, 5, 0},
		{"decimal(12,2)", COLUMN_NUMERIC, 0, 12, 2},
		{"boolean", COLUMN_BOOLEAN, 0, 0, 0},
		{"timestamptz", COLUMN_TIMESTAMPTZ, 0, 0, 0},
		{"timestamp with time zone", COLUMN_TIMESTAMPTZ, 0, 0, 0},
		{"timestamp", COLUMN_TIMESTAMP, 0, 0, 0},
		{"timestamp without time zone", COLUMN_TIMESTAMP, 0, 0, 0},
		{"date", COLUMN_DATE, 0, 0, 0},
		{"uuid", COLUMN_UUID, 0, 0, 0},
		{"jsonb", COLUMN_JSONB, 0, 0, 0},
		{"text[]", COLUMN_TEXT_ARRAY, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;
		struct buf body = BUF_INIT;
		struct stream *stream;

		buf_format(&body, "a %s, -- from: x\n", cases[i].sql);
		stream = parse_columns("", buf_text(&body), &err);
		if (!stream) {
			fail_msg("%s: %s", cases[i].sql, err.text);
			return;
		}
		assert_int_equal(stream->column[0].type, cases[i].type);
		assert_int_equal(stream->column[0].length, cases[i].length);
		assert_int_equal(stream->column[0].precision,
				 cases[i].precision);
		assert_int_equal(stream->column[0].scale, cases[i].scale);
		stream_close(stream);
		buf_release(&body);
	}
}

static void keys_are_quoted_and_alternatives_go_on_over_lines(void **state)
{
	struct error err = ERROR_INIT;
	struct stream *stream = parse_columns(
		"",
		"  \"Project ID\" text, -- from: \"a.b\".\"say \"\"hi\"\"\"\n"
		"     -- prose about it, with from in it\n"
		"     -- | c-d.e after ':' as lower | @topic\n"
		"  b timestamptz /* from: nothing */, -- from: @timestamp\n"
		"  c jsonb, -- from: *\n",
		&err);
	const struct alternative *from;

	(void)state;
	if (!stream) {
		fail_msg("%s", err.text);
		return;
	}
	assert_string_equal(stream->column[0].name, "Project ID");
	assert_int_equal(stream->column[0].alternative_count, 3);
	from = stream->column[0].alternative;
	assert_string_equal(from[0].path.key[0], "a.b");
	assert_string_equal(from[0].path.key[1], "say \"hi\"");
	assert_int_equal(from[0].path.key_len[1], 8);
	assert_string_equal(from[1].path.text, "c-d.e");
	assert_int_equal(from[1].split, SPLIT_AFTER);
	assert_int_equal(from[1].conversion, convert_find("lower"));
	assert_int_equal(from[2].kind, FROM_METADATA);
	assert_int_equal(stream->column[1].alternative[0].conversion,
			 convert_find("epoch_ms"));
	assert_int_equal(stream->column[2].alternative[0].kind, FROM_REST);
	assert_int_equal(stream->event_time, -1);
	stream_close(stream);
}

static void csv_says_its_delimiter_header_and_null(void **state)
{
	struct error err = ERROR_INIT;
	struct stream *stream = parse_columns(
		"-- format: csv delimiter=; header=no null=\\N\n-- load: full\n"
		"-- description: What it is.\n",
		"a text, -- from: \"A b\"\n", &err);

	(void)state;
	if (!stream) {
		fail_msg("%s", err.text);
		return;
	}
	assert_int_equal(stream->format, STREAM_CSV);
	assert_int_equal(stream->delimiter, ';');
	assert_false(stream->header);
	assert_string_equal(stream->null, "\\N");
	assert_int_equal(stream->load, LOAD_FULL);
	stream_close(stream);
}

/* One wrong thing each; the sentence names file, line and the remedy. */
static const struct {
	const char *header, *columns, *why;
} wrong_columns[] = {
	{"-- evnt_time: a\n", "a text, -- from: a\n",
	 "s.sql:2: there is no `evnt_time:` in a stream file: use "
	 "event_time:, or one of "},
	{"-- format: xml\n", "a text, -- from: a\n",
	 "s.sql:2: format: is json, csv, or json | csv"},
	{"-- format: csv delimeter=;\n", "a text, -- from: a\n",
	 "s.sql:2: there is no csv option delimeter: use delimiter="},
	{"-- load: replace\n", "a text, -- from: a\n",
	 "s.sql:2: load: is append, full, full effective=hour or "
	 "full effective=day"},
	{"-- load: full\n-- load: full\n", "a text, -- from: a\n",
	 "s.sql:3: load: is there twice"},
	{"-- event_time: att\n", "at timestamptz, -- from: a\n",
	 "s.sql:2: event_time: names att, which is no column of the "
	 "table, did you mean at?"},
	{"-- event_time: a\n", "a text, -- from: a\n",
	 "s.sql:2: event_time: names a, which is text and must be "
	 "timestamptz"},
	{"-- match: a ++ b\n", "a text, -- from: a\n",
	 "s.sql:2: a path cannot go on with `+ b`"},
	{"", "a text,\n",
	 "s.sql:3: column a has no `-- from:` that says where it comes "
	 "from"},
	{"", "a txt, -- from: a\n",
	 "s.sql:3: column a: there is no type `txt` for streams, did "
	 "you mean `text`?; the types are text, varchar(n), "},
	{"", "a json, -- from: a\n", "did you mean `jsonb`?"},
	{"", "a money, -- from: a\n",
	 "s.sql:3: column a: there is no type `money` for streams; the "
	 "types are"},
	{"", "a varchar, -- from: a\n",
	 "s.sql:3: column a: varchar needs a length from 1 to"},
	{"", "a numeric(2,3), -- from: a\n",
	 "numeric(p,s) needs p from 1 to 1000 and s from 0 to p"},
	{"", "a text(3), -- from: a\n",
	 "column a: text takes no length or precision here"},
	{"", "a text, -- from: a\na text, -- from: b\n",
	 "s.sql:4: column a is there twice"},
	{"", "a text primary key, -- from: a\n",
	 "s.sql:3: expected `not null`, `,` or `)`: a stream's column "
	 "takes nothing else before `primary`"},
	{"", "a text default 'x', -- from: a\n",
	 "takes nothing else before `default`"},
	{"", "a timestamptz, -- from: a as epoch_sec\n",
	 "s.sql:3: there is no conversion epoch_sec: use epoch_"},
	{"", "a bigint, -- from: a as epoch_ms\n",
	 "s.sql:3: the conversion epoch_ms does not give bigint"},
	{"", "a text, -- from: a befor '/'\n",
	 "s.sql:3: `befor` cannot follow a path: use before"},
	{"", "a text, -- from: a before /\n",
	 "before needs one ASCII character in quotes, as in before"},
	{"", "a text, -- from: a before '/' after ':'\n",
	 "only one before or after can follow a path"},
	{"", "a text, -- from: a | \n",
	 "s.sql:3: a path is missing at the end"},
	{"", "a text, -- from: a.$type\n",
	 "a path cannot go on with `$type`: quote keys"},
	{"", "a text, -- from: a[0].b\n",
	 "which no path can: map the array as jsonb or text[]"},
	{"", "a text, -- from: \"a\n",
	 "the quoted key \"a is not closed with a quote"},
	{"", "a text, -- from: @ofset\n",
	 "s.sql:3: there is no @ofset: use @offset, or one of"},
	{"", "a uuid, -- from: @offset\n",
	 "@offset is a number, which uuid (uuid) does not take"},
	{"", "a jsonb, -- from: @topic\n",
	 "jsonb takes JSON, which this text is not"},
	{"", "a text, -- from: *\n",
	 "`*` is an object: its column must be jsonb, not text"},
	{"", "a boolean, -- from: b before ':'\n",
	 "before and after cut strings, which boolean (boolean) does "
	 "not take here"},
	{"", "a text, -- form: a\n",
	 "s.sql:3: there is no `form:`, did you mean `from:`?"},
	{"", "-- from: x\na text,\n",
	 "s.sql:3: a `from:` stands before any column"},
	{"", "a text -- from: x\n",
	 "s.sql:4: expected `not null`, `,` or `)`: a stream's column "
	 "takes nothing else before `loaded_at`"},
};

static void what_is_wrong_is_said_with_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong_columns / sizeof *wrong_columns;
	     i++) {
		struct error err = ERROR_INIT;

		if (parse_columns(wrong_columns[i].header,
				  wrong_columns[i].columns, &err))
			fail_msg("accepted: %s", wrong_columns[i].why);
		if (!strstr(err.text, wrong_columns[i].why) ||
		    strncmp(err.text, "s.sql:", 6) != 0)
			fail_msg("got: %s\nwanted: %s", err.text,
				 wrong_columns[i].why);
		assert_int_equal(err.kind, ERROR_FATAL);
		assert_int_equal(err.status, STATUS_CONFIG);
	}
}

static void the_statement_must_be_the_one_table(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "s.sql:1: the file ends before `create`"},
		{"-- stream: t\ncreate", "s.sql:1: the stream is called t but "
					 "the file s.sql: they have one name"},
		{"create table staging.s (a text, -- from: a\n" LOADED_AT,
		 "s.sql:1: the header lacks `-- stream: s`"},
		{"-- stream: s\ncreate table public.s (a text, -- from: "
		 "a\n" LOADED_AT,
		 "s.sql:2: the table is public.s but must be staging.s"},
		{"-- stream: s\ncreate table staging.s (a text -- from: a\n"
		 ") partition by range (loaded_at);",
		 "s.sql:3: the table needs `loaded_at timestamptz not null "
		 "default now()`"},
		{"-- stream: s\ncreate table staging.s (a text, -- from: a\n"
		 "loaded_at timestamptz not null\n"
		 ") partition by range (loaded_at);",
		 "s.sql:3: loaded_at must be `loaded_at timestamptz not null "
		 "default now()`"},
		{"-- stream: s\ncreate table staging.s (a text, -- from: a\n"
		 "loaded_at timestamptz not null default now() -- from: b\n"
		 ") partition by range (loaded_at);",
		 "s.sql:3: column loaded_at is filled by its default"},
		{"-- stream: s\ncreate table staging.s (a text, -- from: a\n"
		 "loaded_at timestamptz not null default now());",
		 "s.sql:3: expected `partition by range (loaded_at)` before "
		 "`;`"},
		{"-- stream: s\ncreate table staging.s (" LOADED_AT,
		 "the table has no column but loaded_at"},
		{"-- stream: s\ncreate table staging.s (a text, -- from: "
		 "a\n" LOADED_AT "drop table x;",
		 "s.sql:5: expected the end of the file: a stream file holds "
		 "one statement before `drop`"},
		{"-- stream: s\ncreate table staging.\"s (a text",
		 "s.sql:2: a quote or comment that begins here is never "
		 "closed"},
		{"-- stream: s\n/* create", "s.sql:2: a quote or comment"},
		{"-- stream: s\n-- caf\xe9\n",
		 "s.sql:2: the file is not UTF-8 text"},
		{"-- stream: s\nselect 1;",
		 "s.sql:2: expected `create` before `select`"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;

		if (parse(cases[i].text, &err))
			fail_msg("accepted: %s", cases[i].why);
		if (!strstr(err.text, cases[i].why))
			fail_msg("got: %s\nwanted: %s", err.text, cases[i].why);
	}
}

static void a_streams_name_can_be_a_tables(void **state)
{
	static const char long_name[] = "a234567890123456789012345"
					"678901234567890123456789";
	const char *const names[] = {"S", "1s", "s-t", "", long_name};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct error err = ERROR_INIT;
		struct stream *stream;

		assert_false(
			stream_parse(&stream, "x.sql", names[i], "", &err));
		assert_non_null(strstr(err.text, "x.sql: a stream's name has"));
	}
}

/* Whatever the file holds, the parser ends and says something. */
static void cut_anywhere_a_stream_file_is_refused(void **state)
{
	struct stream *stream = read_shipped(
		"sql/bluesky/streams/bluesky_events.sql", "bluesky_events");
	size_t len = strlen(stream->sql);

	(void)state;
	for (size_t i = 0; i + 2 < len; i++) {
		char *text = strndup(stream->sql, i);
		struct error err = ERROR_INIT;
		struct stream *cut;

		assert_false(stream_parse(&cut, "f.sql", "bluesky_events", text,
					  &err));
		assert_memory_equal(err.text, "f.sql:", 6);
		free(text);
	}
	stream_close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bluesky_stream_is_read_whole),
		cmocka_unit_test(the_pageviews_stream_is_read_whole),
		cmocka_unit_test(every_type_is_known_by_each_of_its_names),
		cmocka_unit_test(
			keys_are_quoted_and_alternatives_go_on_over_lines),
		cmocka_unit_test(csv_says_its_delimiter_header_and_null),
		cmocka_unit_test(what_is_wrong_is_said_with_file_and_line),
		cmocka_unit_test(the_statement_must_be_the_one_table),
		cmocka_unit_test(a_streams_name_can_be_a_tables),
		cmocka_unit_test(cut_anywhere_a_stream_file_is_refused),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
