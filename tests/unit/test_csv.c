/* CSV records: where they end, what they hold, whose header it is. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ingest/csv_header.h"
#include "ingest/csv_scan.h"
#include "ingest/line_reader.h"
#include "ingest/stream.h"

/* The fields of a record, each with | behind it, quoted ones with " before. */
static void split(const char *record, char delimiter, char *out, size_t size)
{
	struct csv_record into = {.limit = 100};
	struct error err = ERROR_INIT;
	size_t used = 0;

	out[0] = '\0';
	if (!csv_record_split(&into, delimiter, record, strlen(record), &err)) {
		snprintf(out, size, "%.*s", (int)size - 1, err.text);
	} else {
		for (size_t i = 0; i < into.count; i++)
			used += (size_t)snprintf(
				out + used, size - used, "%s%.*s|",
				into.field[i].quoted ? "\"" : "",
				(int)into.field[i].len, into.field[i].text);
	}
	csv_record_release(&into);
}

static void fields_follow_rfc_4180(void **state)
{
	static const struct {
		const char *record, *fields;
	} cases[] = {
		{"a,b", "a|b|"},
		{"", "|"},
		{",", "||"},
		{"a,,", "a|||"},
		{"\"\"", "\"|"},
		{"\"\",x", "\"|x|"},
		{"\"a,b\",c", "\"a,b|c|"},
		{"\"a\"\"b\"\"\",\"\"\"\"", "\"a\"b\"|\"\"|"},
		{"\"a\nb\r\n\",c", "\"a\nb\r\n|c|"},
		{" a , b", " a | b|"},
		{"\"a", "field 1 begins with a quote that is never closed"},
		{"x,\"a\"\"", "field 2 begins with a quote that is never "
			      "closed"},
		{"x,\"a\"b", "field 2 goes on behind its closing quote"},
		{"x,\"a\" ,b", "field 2 goes on behind its closing quote"},
		{"x,5\" pipe,b", "field 2 holds a quote but does not begin "
				 "with one"},
	};
	char fields[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		split(cases[i].record, ',', fields, sizeof fields);
		assert_string_equal(fields, cases[i].fields);
	}
	split("a;b,c;\"d;\"", ';', fields, sizeof fields);
	assert_string_equal(fields, "a|b,c|\"d;|");
}

static void fields_beyond_the_limit_are_only_counted(void **state)
{
	struct csv_record into = {.limit = 2};
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(csv_record_split(&into, ',', "a,b,\"c\",d", 9, &err));
	assert_int_equal(into.count, 4);
	assert_int_equal(into.capacity >= 2 && into.capacity < 100, 1);
	csv_record_release(&into);
}

static void an_end_is_found_wherever_the_pieces_are_cut(void **state)
{
	static const struct {
		const char *text;
		size_t end; /* 0: none */
	} cases[] = {
		{"a,b\nc", 3},
		{"\"a\nb\",c\nd", 7},
		{"x\"a\nb", 3},
		{"\"a\"\"\n\"\nb", 6},
		{"\"a\"x\"\nb", 5},
		{"a,\"\"\nb", 4},
		{"\"\"\"\n\"\"\"\nb", 7},
		{"\"a\n\"\"b", 0},
		{"a \"x\",\"\n\"\n", 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			struct csv_scan scan = {.delimiter = ','};
			size_t end = 0;
			bool found;

			csv_scan_begin(&scan);
			found = csv_scan_end(&scan, cases[i].text, cut, &end) ||
				csv_scan_end(&scan, cases[i].text, len, &end);
			assert_int_equal(found, cases[i].end != 0);
			assert_int_equal(end, cases[i].end);
		}
	}
}

/* Reads a file of those bytes as CSV, every record in brackets. */
static void read_all(const char *bytes, size_t max_line, char *out, size_t size)
{
	char path[] = "/tmp/test_csv.XXXXXX";
	int fd = mkstemp(path);
	struct line_reader *reader;
	struct error err = ERROR_INIT;
	struct line line;
	size_t used = 0;

	assert_true(fd >= 0 && unlink(path) == 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	reader = line_reader_open(fd, max_line, true);
	line_reader_csv(reader, ',');
	out[0] = '\0';
	while (line_reader_next(reader, clock_ms() + 10000, &line, &err) ==
	       LINE_READ)
		used += (size_t)snprintf(
			out + used, size - used, "%lld@%lld[%.*s]",
			(long long)line.number, (long long)line.start,
			(int)line.len, line.bytes);
	line_reader_close(reader);
	close(fd);
}

static void a_record_spans_lines_and_an_open_quote_costs_one_line(void **state)
{
	char got[400];
	char longer[400];
	size_t used = 0;

	(void)state;
	read_all("\xef\xbb\xbf\"a\"\r\n\r\n\"b\nc\",d\ne", 1000, got,
		 sizeof got);
	assert_string_equal(got, "1@0[\"a\"]3@10[\"b\nc\",d]5@18[e]");
	/* to the end of the input */
	read_all("a\n\"b\nc\nd", 1000, got, sizeof got);
	assert_string_equal(got, "1@0[a]2@2[\"b]3@5[c]4@7[d]");
	read_all("a\n\"b\nc\"", 1000, got, sizeof got);
	assert_string_equal(got, "1@0[a]2@2[\"b\nc\"]");
	/* to max-line */
	used = (size_t)snprintf(longer, sizeof longer, "\"b\n");
	for (int i = 0; i < 12; i++)
		used += (size_t)snprintf(longer + used, sizeof longer - used,
					 "%d\n", i);
	snprintf(longer + used, sizeof longer - used, "\"\nz\n");
	read_all(longer, 20, got, sizeof got);
	assert_non_null(strstr(got, "1@0[\"b]2@3[0]3@5[1]"));
	assert_non_null(strstr(got, "13@26[11]14@29[\"]15@31[z]"));
}

/* Each line opens a quote that the next one closes to open another: an
 * hour's work where every line is searched to the end again. */
static void lines_full_of_stray_quotes_take_linear_time(void **state)
{
	enum { LINES = 400000 };
	static const char text[] = "a\",\"b\"\"\n";
	struct line_reader *reader;
	struct error err = ERROR_INIT;
	struct line line;
	FILE *file = tmpfile();
	int64_t until = clock_ms() + 60000;
	long records = 0;

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < LINES; i++)
		fputs(text, file);
	rewind(file);
	reader = line_reader_open(fileno(file), (size_t)1 << 20, false);
	line_reader_csv(reader, ',');
	while (line_reader_next(reader, until, &line, &err) == LINE_READ &&
	       clock_ms() < until) {
		assert_int_equal(line.number, ++records);
		assert_int_equal(line.len, strlen(text) - 1);
	}
	assert_int_equal(records, LINES);
	line_reader_close(reader);
	fclose(file);
}

/* --- headers -------------------------------------------------------------- */

static struct stream *parse_stream(const char *name, const char *format,
				   const char *columns)
{
	struct stream *stream = NULL;
	struct error err = ERROR_INIT;
	char text[1000];

	snprintf(text, sizeof text,
		 "-- stream: %s\n-- format: %s\ncreate table staging.%s (\n%s\n"
		 "loaded_at timestamptz not null default now()\n"
		 ") partition by range (loaded_at);\n",
		 name, format, name, columns);
	if (!stream_parse(&stream, "s.sql", name, text, &err))
		fail_msg("%s", err.text);
	return stream;
}

/* What becomes of an input: stream and fields, JSON, or the error. */
static void recognise(const struct stream *const *streams, size_t count,
		      int forced, const char *name, const char *bytes,
		      char *out, size_t size)
{
	struct csv_input input = {streams, count, forced,
				  name,    bytes, strlen(bytes)};
	struct csv_layout *layout = NULL;
	struct error err = ERROR_INIT;

	if (!csv_header_find(&input, &layout, &err))
		snprintf(out, size, "%.*s", (int)size - 1, err.text);
	else if (!layout)
		snprintf(out, size, "json");
	else
		snprintf(out, size, "%s %zu/%zu", layout->stream->name,
			 layout->mapped_count, layout->field_count);
	csv_layout_close(layout);
}

static void a_header_says_whose_file_it_is(void **state)
{
	struct stream *streams[] = {
		parse_stream("users", "csv",
			     "id bigint not null, -- from: id\n"
			     "code text, -- from: postcode | zip"),
		parse_stream("views", "json | csv missing=null",
			     "id text not null, -- from: id | user.id\n"
			     "url text not null, -- from: url\n"
			     "title text, -- from: title"),
		parse_stream("plain", "json", "id bigint, -- from: id"),
		parse_stream("rows", "csv delimiter=tab header=no",
			     "id bigint, -- from: id"),
	};
	static const struct {
		int forced;
		const char *bytes, *found;
	} cases[] = {
		{-1, "id,zip\n", "users 2/2"},
		{-1, "\xef\xbb\xbf\r\n \"ZIP\", Id ,more\n", "users 2/3"},
		{-1, "user.id,url", "views 2/2"},
		{-1, "{\"id\": 1}\n", "json"},
		{-1, "[1]\n", "json"},
		{-1, "", "json"},
		{-1, "starting up\n", "json"},
		{-1, "id\n", "json"},
		{0, "id\n",
		 "f: its header lacks postcode or zip, which stream "
		 "users needs for its column code: it has id"},
		{1, " {\"id\"\n", "json"},
		{2, "id,zip\n", "json"},
		{3, "7\n", "rows 1/1"},
		{-1, "id,zip,zip\n", "f: its header has zip twice"},
		{-1, "id;zip\n",
		 "f: its fields are separated by `;`, stream "
		 "users takes `,`: write the file so, or say "
		 "delimiter= in s.sql"},
		{-1, "id,zip,url\n",
		 "f: its header fits both stream users and "
		 "stream views: name one with --stream"},
	};
	char got[500];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		recognise((const struct stream *const *)streams, 4,
			  cases[i].forced, "f", cases[i].bytes, got,
			  sizeof got);
		assert_string_equal(got, cases[i].found);
	}
	recognise((const struct stream *const *)streams, 4, -1, "x.csv",
		  "name\n", got, sizeof got);
	assert_string_equal(got, "x.csv: no stream takes a CSV file that "
				 "begins with `name`: name one with --stream");
	for (size_t i = 0; i < 4; i++)
		stream_close(streams[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_follow_rfc_4180),
		cmocka_unit_test(fields_beyond_the_limit_are_only_counted),
		cmocka_unit_test(an_end_is_found_wherever_the_pieces_are_cut),
		cmocka_unit_test(
			a_record_spans_lines_and_an_open_quote_costs_one_line),
		cmocka_unit_test(lines_full_of_stray_quotes_take_linear_time),
		cmocka_unit_test(a_header_says_whose_file_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
