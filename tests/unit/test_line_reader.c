/* Lines out of descriptors of every kind, whatever the pieces they come in. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "common/clock.h"
#include "common/mem.h"
#include "ingest/line_reader.h"

enum { MAX_LINE = 200 * 1024, PATIENCE_MS = 60000 };

/* What a line should be; the list ends with text NULL. */
struct expected {
	const char *text;
	int64_t start;
	int64_t next;
	bool unterminated;
};

struct writer {
	int fd;
	const char *bytes;
	size_t len;
	size_t piece;
};

static void *write_pieces(void *context)
{
	struct writer *writer = context;

	for (size_t at = 0; at < writer->len;) {
		size_t left = writer->len - at;
		size_t piece = left < writer->piece ? left : writer->piece;
		ssize_t n = write(writer->fd, writer->bytes + at, piece);

		assert_true(n > 0);
		at += (size_t)n;
	}
	close(writer->fd);
	return NULL;
}

static struct line next_line(struct line_reader *reader,
			     enum line_result expected)
{
	struct error err = ERROR_INIT;
	struct line line = {0};

	assert_int_equal(
		line_reader_next(reader, clock_ms() + PATIENCE_MS, &line, &err),
		expected);
	return line;
}

static void assert_lines(struct line_reader *reader,
			 const struct expected *expected)
{
	for (; expected->text; expected++) {
		struct line line = next_line(reader, LINE_READ);

		assert_int_equal(line.len, strlen(expected->text));
		assert_memory_equal(line.bytes, expected->text, line.len);
		assert_int_equal(line.full_len, line.len);
		assert_int_equal(line.start, expected->start);
		assert_int_equal(line.next, expected->next);
		assert_int_equal(line.unterminated, expected->unterminated);
		assert_int_equal(line_reader_offset(reader), line.next);
	}
	next_line(reader, LINE_ENDED);
}

/* The same lines, whether the bytes come one by one or all at once. */
static void assert_reads(const char *bytes, size_t len,
			 const struct expected *expected)
{
	static const size_t pieces[] = {1, 2, 3, 7, 1000000};

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct writer writer = {
			.bytes = bytes, .len = len, .piece = pieces[i]};
		struct line_reader *reader;
		pthread_t thread;
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		writer.fd = fds[1];
		pthread_create(&thread, NULL, write_pieces, &writer);
		reader = line_reader_open(fds[0], MAX_LINE, false);
		assert_lines(reader, expected);
		assert_int_equal(line_reader_offset(reader), (int64_t)len);
		line_reader_close(reader);
		pthread_join(thread, NULL);
		close(fds[0]);
	}
}

#define END                                                                    \
	{                                                                      \
		NULL, 0, 0, false                                              \
	}
#define READS(bytes, ...)                                                      \
	assert_reads((bytes), sizeof(bytes) - 1,                               \
		     (const struct expected[]){__VA_ARGS__})

static void lines_end_with_lf_or_crlf(void **state)
{
	(void)state;
	READS("a\nbc\r\nd\n", {"a", 0, 2, false}, {"bc", 2, 6, false},
	      {"d", 6, 8, false}, END);
}

static void blank_lines_are_passed_over_and_counted_in_offsets(void **state)
{
	(void)state;
	READS("\n \t\r\na\n\r\n\n b\n  ", {"a", 5, 7, false},
	      {" b", 10, 13, false}, END);
}

static void nothing_at_all_is_no_line(void **state)
{
	(void)state;
	READS("", END);
	READS("\n\n \r\n", END);
	READS("\xef\xbb\xbf\n", END);
}

static void a_last_line_without_an_end_says_so(void **state)
{
	(void)state;
	READS("a\nb", {"a", 0, 2, false}, {"b", 2, 3, true}, END);
	READS("b\r", {"b", 0, 2, true}, END);
}

static void a_byte_order_mark_counts_only_at_the_start(void **state)
{
	(void)state;
	READS("\xef\xbb\xbf"
	      "a\n\xef\xbb\xbf"
	      "b\n",
	      {"a", 0, 5, false},
	      {"\xef\xbb\xbf"
	       "b",
	       5, 10, false},
	      END);
}

static void a_cr_inside_a_line_stays(void **state)
{
	(void)state;
	READS("a\rb\n\r\r\nc\r\r\n", {"a\rb", 0, 4, false},
	      {"c\r", 7, 11, false}, END);
}

static void a_nul_is_a_byte_like_any_other(void **state)
{
	static const char bytes[] = "a\0b\n";
	struct line_reader *reader;
	struct line line;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, 4), 4);
	reader = line_reader_open(fds[0], MAX_LINE, false);
	line = next_line(reader, LINE_READ);
	assert_int_equal(line.len, 3);
	assert_memory_equal(line.bytes, bytes, 3);
	line_reader_close(reader);
	close(fds[0]);
	close(fds[1]);
}

/* --- over-long lines ------------------------------------------------------ */

/* A file that holds `bytes`, gone when closed. */
static int file_of(const char *bytes, size_t len)
{
	char path[] = "/tmp/millrace-lines-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* "first\n", a line of `len` letters, its end, "last\n". */
static char *with_long_line(size_t len, const char *end, size_t *total)
{
	char *bytes = mem_alloc(len + 32);
	char *at = stpcpy(bytes, "first\n");

	memset(at, 'x', len);
	at = stpcpy(at + len, end);
	at = stpcpy(at, "last\n");
	*total = (size_t)(at - bytes);
	return bytes;
}

static void check_long_line(size_t len, const char *end, size_t kept)
{
	size_t total;
	char *bytes = with_long_line(len, end, &total);
	int fd = file_of(bytes, total);
	struct line_reader *reader = line_reader_open(fd, MAX_LINE, true);
	struct line line = next_line(reader, LINE_READ);

	assert_int_equal(line.len, 5);
	line = next_line(reader, LINE_READ);
	assert_int_equal(line.len, kept);
	assert_int_equal(line.full_len, len);
	assert_int_equal(line.start, 6);
	assert_int_equal(line.next, 6 + len + strlen(end));
	assert_int_equal(line.bytes[0], 'x');
	assert_int_equal(line.bytes[kept - 1], 'x');
	line = next_line(reader, LINE_READ);
	assert_memory_equal(line.bytes, "last", 4);
	assert_int_equal(line.number, 3);
	next_line(reader, LINE_ENDED);
	line_reader_close(reader);
	close(fd);
	free(bytes);
}

static void a_line_of_max_line_is_whole_and_one_more_is_cut(void **state)
{
	(void)state;
	check_long_line(MAX_LINE, "\n", MAX_LINE);
	check_long_line(MAX_LINE, "\r\n", MAX_LINE);
	check_long_line(MAX_LINE + 1, "\n", LINE_KEPT_BYTES);
	check_long_line(MAX_LINE + 1, "\r\n", LINE_KEPT_BYTES);
	check_long_line((size_t)MAX_LINE * 20, "\n", LINE_KEPT_BYTES);
	check_long_line((size_t)MAX_LINE * 20, "\r\n", LINE_KEPT_BYTES);
	/* a read of 256 KiB ends between CR and LF */
	check_long_line(2 * 256 * 1024 - strlen("first\n\r"), "\r\n",
			LINE_KEPT_BYTES);
}

static void an_over_long_line_may_begin_with_64_kib_of_blanks(void **state)
{
	size_t total;
	char *bytes = with_long_line(MAX_LINE + 1, "\n", &total);
	struct line_reader *reader;
	struct line line;
	int fd;

	(void)state;
	memset(bytes + strlen("first\n"), ' ', LINE_KEPT_BYTES);
	fd = file_of(bytes, total);
	reader = line_reader_open(fd, MAX_LINE, false);
	next_line(reader, LINE_READ);
	line = next_line(reader, LINE_READ);
	assert_int_equal(line.number, 2);
	assert_int_equal(line.len, LINE_KEPT_BYTES);
	assert_int_equal(line.full_len, MAX_LINE + 1);
	line_reader_close(reader);
	close(fd);
	free(bytes);
}

static void an_over_long_last_line_without_an_end_is_cut_too(void **state)
{
	size_t len = (size_t)MAX_LINE * 3;
	char *bytes = mem_alloc(len);
	struct line_reader *reader;
	struct line line;
	int fd;

	(void)state;
	memset(bytes, 'x', len);
	fd = file_of(bytes, len);
	reader = line_reader_open(fd, MAX_LINE, false);
	line = next_line(reader, LINE_READ);
	assert_int_equal(line.len, LINE_KEPT_BYTES);
	assert_int_equal(line.full_len, len);
	assert_true(line.unterminated);
	next_line(reader, LINE_ENDED);
	line_reader_close(reader);
	close(fd);
	free(bytes);
}

/* --- waiting -------------------------------------------------------------- */

static void a_quiet_pipe_gives_up_at_the_deadline(void **state)
{
	struct error err = ERROR_INIT;
	struct line_reader *reader;
	struct line line;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "half", 4), 4);
	reader = line_reader_open(fds[0], MAX_LINE, false);
	assert_int_equal(line_reader_next(reader, clock_ms() + 30, &line, &err),
			 LINE_WAIT);
	assert_int_equal(line_reader_offset(reader), 0);
	assert_int_equal(write(fds[1], " whole\n", 7), 7);
	line = next_line(reader, LINE_READ);
	assert_int_equal(line.len, strlen("half whole"));
	line_reader_close(reader);
	close(fds[0]);
	close(fds[1]);
}

static void a_descriptor_that_does_not_block_is_waited_for(void **state)
{
	struct writer writer = {.bytes = "abc\n", .len = 4, .piece = 1};
	struct line_reader *reader;
	struct line line;
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	reader = line_reader_open(fds[0], MAX_LINE, false);
	writer.fd = fds[1];
	pthread_create(&thread, NULL, write_pieces, &writer);
	line = next_line(reader, LINE_READ);
	assert_memory_equal(line.bytes, "abc", 3);
	next_line(reader, LINE_ENDED);
	pthread_join(thread, NULL);
	line_reader_close(reader);
	close(fds[0]);
}

static void a_closed_descriptor_is_an_error_with_a_reason(void **state)
{
	int fd = file_of("", 0);
	struct line_reader *reader = line_reader_open(fd, MAX_LINE, false);
	struct error err = ERROR_INIT;
	struct line line;

	(void)state;
	close(fd);
	assert_int_equal(
		line_reader_next(reader, clock_ms() + PATIENCE_MS, &line, &err),
		LINE_FAILED);
	assert_int_equal(err.status, STATUS_SOURCE);
	assert_non_null(strstr(err.text, "Bad file descriptor"));
	line_reader_close(reader);
}

/* --- digest and going back ------------------------------------------------ */

static void assert_digest(struct line_reader *reader, const char *bytes,
			  size_t len)
{
	XXH128_canonical_t expected;
	uint8_t digest[DIGEST_BYTES];

	XXH128_canonicalFromHash(&expected, XXH3_128bits(bytes, len));
	line_reader_digest(reader, digest);
	assert_memory_equal(digest, expected.digest, sizeof digest);
}

static void the_digest_is_that_of_all_bytes_before_the_offset(void **state)
{
	size_t total;
	char *bytes = with_long_line((size_t)MAX_LINE * 2, "\n", &total);
	int fd = file_of(bytes, total);
	struct line_reader *reader = line_reader_open(fd, MAX_LINE, true);

	(void)state;
	assert_digest(reader, bytes, 0);
	for (int i = 0; i < 3; i++) {
		struct line line = next_line(reader, LINE_READ);

		assert_digest(reader, bytes, (size_t)line.next);
	}
	next_line(reader, LINE_ENDED);
	assert_digest(reader, bytes, total);
	line_reader_close(reader);
	close(fd);
	free(bytes);
}

/* While an over-long line is skipped, offset and digest stay before it. */
static void in_the_middle_of_an_over_long_line_the_offset_waits(void **state)
{
	struct writer writer = {.piece = 65536};
	struct error err = ERROR_INIT;
	struct line_reader *reader;
	struct line line;
	size_t total;
	char *bytes = with_long_line((size_t)MAX_LINE * 2, "", &total);
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader = line_reader_open(fds[0], MAX_LINE, true);
	writer.fd = dup(fds[1]);
	writer.bytes = bytes;
	writer.len = total - strlen("last\n");
	pthread_create(&thread, NULL, write_pieces, &writer);
	next_line(reader, LINE_READ);
	do
		assert_int_equal(
			line_reader_next(reader, clock_ms() + 100, &line, &err),
			LINE_WAIT);
	while (pthread_tryjoin_np(thread, NULL));
	assert_int_equal(line_reader_offset(reader), 6);
	assert_digest(reader, bytes, 6);
	line_reader_close(reader);
	close(fds[0]);
	close(fds[1]);
	free(bytes);
}

static void seeking_goes_on_with_offset_number_and_digest(void **state)
{
	static const char bytes[] = "one\ntwo\n\nthree\n";
	int fd = file_of(bytes, sizeof bytes - 1);
	struct line_reader *reader = line_reader_open(fd, MAX_LINE, true);
	struct error err = ERROR_INIT;
	struct line line;

	(void)state;
	for (int i = 0; i < 3; i++)
		next_line(reader, LINE_READ);
	assert_true(line_reader_seek(reader, 4, &err));
	assert_int_equal(line_reader_offset(reader), 4);
	assert_digest(reader, bytes, 4);
	line = next_line(reader, LINE_READ);
	assert_memory_equal(line.bytes, "two", 3);
	assert_int_equal(line.number, 2);
	assert_digest(reader, bytes, 8);
	assert_false(line_reader_seek(reader, 1000, &err));
	assert_int_equal(err.status, STATUS_SOURCE);
	line_reader_close(reader);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_with_lf_or_crlf),
		cmocka_unit_test(
			blank_lines_are_passed_over_and_counted_in_offsets),
		cmocka_unit_test(nothing_at_all_is_no_line),
		cmocka_unit_test(a_last_line_without_an_end_says_so),
		cmocka_unit_test(a_byte_order_mark_counts_only_at_the_start),
		cmocka_unit_test(a_cr_inside_a_line_stays),
		cmocka_unit_test(a_nul_is_a_byte_like_any_other),
		cmocka_unit_test(
			a_line_of_max_line_is_whole_and_one_more_is_cut),
		cmocka_unit_test(
			an_over_long_line_may_begin_with_64_kib_of_blanks),
		cmocka_unit_test(
			an_over_long_last_line_without_an_end_is_cut_too),
		cmocka_unit_test(a_quiet_pipe_gives_up_at_the_deadline),
		cmocka_unit_test(
			a_descriptor_that_does_not_block_is_waited_for),
		cmocka_unit_test(a_closed_descriptor_is_an_error_with_a_reason),
		cmocka_unit_test(
			the_digest_is_that_of_all_bytes_before_the_offset),
		cmocka_unit_test(
			in_the_middle_of_an_over_long_line_the_offset_waits),
		cmocka_unit_test(seeking_goes_on_with_offset_number_and_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
