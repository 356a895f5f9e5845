/*
 * decode - microseconds per event of both decoder tiers, and their agreement
 *
 *	decode FILE [STREAM.sql...]
 *
 * Reads the file's lines into memory and decodes them all with each tier in
 * turn, three rounds, best of each: no source, no database.  Then once more
 * with both, comparing.  Exit status 3 if they differ anywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/mem.h"
#include "tests/support/decode_pair.h"

enum { ROUNDS = 3 };

static const size_t batch_full = 16 * 1024 * 1024;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_all(const char *path, struct buf *text)
{
	FILE *in = fopen(path, "r");
	size_t got;

	if (!in) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	do {
		got = fread(buf_reserve(text, 1 << 20), 1, 1 << 20, in);
		text->len += got;
	} while (got > 0);
	fclose(in);
	buf_add_text(text, "");
}

/* The line at `at`; moves it to the next. */
static bool next_line(const struct buf *text, size_t *at, struct record *record)
{
	const char *line = text->data + *at;
	const char *end;

	if (*at >= text->len)
		return false;
	end = memchr(line, '\n', text->len - *at);
	if (!end)
		end = text->data + text->len;
	*record = decode_pair_record(line, (size_t)(end - line));
	*at += record->len + 1;
	return true;
}

static double run(struct decoder *decoder, struct batch *batch,
		  const struct buf *text, size_t *count)
{
	struct record record;
	double start = now();
	size_t at = 0;

	*count = 0;
	batch_reset(batch);
	while (next_line(text, &at, &record)) {
		record.position = (int64_t)*count;
		record.next = record.position + 1;
		decoder_decode(decoder, &record, batch);
		if (batch_bytes(batch) >= batch_full)
			batch_reset(batch);
		++*count;
	}
	return now() - start;
}

static int compare(struct decode_pair *pair, const struct buf *text)
{
	struct record record;
	size_t at = 0, differ = 0;

	while (next_line(text, &at, &record)) {
		const char *difference;

		decode_pair_decode(pair, &record);
		difference = decode_pair_difference(pair);
		if (!difference)
			continue;
		if (differ++ < 10)
			printf("differ in %s: %.*s\n", difference,
			       (int)record.len, record.bytes);
	}
	printf("records on which the tiers differ: %zu\n", differ);
	return differ ? 3 : 0;
}

static void add_streams(struct decode_pair *pair, int count, char **file)
{
	for (int i = 0; i < count; i++) {
		const char *slash = strrchr(file[i], '/');
		char *name = mem_strdup(slash ? slash + 1 : file[i]);
		char *dot = strrchr(name, '.');

		if (dot)
			*dot = '\0';
		decode_pair_add_file(pair, name, file[i]);
		free(name);
	}
}

int main(int argc, char **argv)
{
	const struct decode_limits limits = {200, 1000000};
	struct decode_pair pair = DECODE_PAIR_INIT;
	double fast = 1e9, slow = 1e9;
	struct buf text = BUF_INIT;
	size_t count = 0;
	uint64_t unsure;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: decode FILE STREAM.sql...\n");
		return 1;
	}
	read_all(argv[1], &text);
	add_streams(&pair, argc - 2, argv + 2);
	decode_pair_open(&pair, -1, &limits);
	for (int round = 0; round < ROUNDS; round++) {
		double took = run(pair.fast, &pair.by_fast, &text, &count);

		fast = took < fast ? took : fast;
		took = run(pair.slow, &pair.by_slow, &text, &count);
		slow = took < slow ? took : slow;
	}
	unsure = decoder_unsure(pair.fast) / ROUNDS;
	printf("%zu records of %zu bytes: fast %.3f us, jansson %.3f us each\n",
	       count, count ? text.len / count : 0, fast * 1e6 / (double)count,
	       slow * 1e6 / (double)count);
	printf("not sure: %llu of %zu, %.4f %%\n", (unsigned long long)unsure,
	       count, 100.0 * (double)unsure / (double)count);
	status = compare(&pair, &text);
	decode_pair_close(&pair);
	buf_release(&text);
	return status;
}
