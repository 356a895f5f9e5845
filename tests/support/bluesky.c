/*
 * bluesky - a stream of events in the shape of the Bluesky network
 *
 * Lines of JSON on stdout, at a steady rate or as fast as the reader takes
 * them.  With --seed, --start and --count the output is the same to the byte
 * on every run.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/version.h"
#include "tests/support/bluesky_event.h"
#include "tests/support/bluesky_stamp.h"

#define DEFAULT_RATE 1000
#define MAX_RATE     1000000
#define CHUNK_BYTES  ((size_t)256 * 1024)
#define PIPE_BYTES   (1024 * 1024)
#define TICK_MS      10

static const char help[] =
	"usage: bluesky [RATE|max] [--count N] [--seed N] [--start TIME]\n"
	"\n"
	"Writes events in the shape of the Bluesky network to stdout, one "
	"JSON\n"
	"object a line: RATE events a second (default 1000), or as many as "
	"the\n"
	"reader takes (max; the events' own clock then runs at 1000 a "
	"second).\n"
	"Repeated, late, changed and deleted events are part of it.\n"
	"\n"
	"  --count N     stop after N events (default: never)\n"
	"  --seed N      which network (default: another one each time)\n"
	"  --start TIME  time of the first event, UTC, as 2025-03-16T13:26:53\n"
	"                (default: now)\n"
	"  --help, --version\n"
	"\n"
	"The same RATE, count, seed and start give the same bytes.\n"
	"\n"
	"  bluesky | handle-streams        in one terminal\n"
	"  watch -n 30 periodic            in another\n";

struct options {
	int64_t rate;  /* events per second; 0: as fast as possible */
	int64_t count; /* INT64_MAX: no end */
	int64_t seed;
	int64_t start_us;
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

static bool usage_error(struct error *err, const char *what, const char *value)
{
	return error_set(err, ERROR_FATAL, STATUS_USAGE, "%s, not \"%s\"", what,
			 value);
}

static bool parse_number(const char *text, int64_t min, int64_t max,
			 int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return *text && !*end && !errno && *number >= min && *number <= max;
}

static bool parse_rate(const char *text, struct options *options,
		       struct error *err)
{
	if (strcmp(text, "max") == 0)
		options->rate = 0;
	else if (!parse_number(text, 1, MAX_RATE, &options->rate))
		return usage_error(err,
				   "the rate is a number of events per second "
				   "from 1 to 1000000, or max",
				   text);
	return true;
}

static bool parse_option(int which, const char *value, struct options *options,
			 struct error *err)
{
	switch (which) {
	case 'c':
		if (!parse_number(value, 0, INT64_MAX, &options->count))
			return usage_error(err, "--count takes a whole number",
					   value);
		return true;
	case 's':
		if (!parse_number(value, 0, INT64_MAX, &options->seed))
			return usage_error(err, "--seed takes a whole number",
					   value);
		return true;
	default:
		if (!stamp_parse(value, &options->start_us))
			return usage_error(err,
					   "--start takes a time like "
					   "2025-03-16T13:26:53.000000 (UTC)",
					   value);
		return true;
	}
}

static bool parse_arguments(int argc, char **argv, struct options *options,
			    struct error *err)
{
	static const struct option names[] = {
		{"count", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"start", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int which;

	opterr = 0;
	while ((which = getopt_long(argc, argv, ":", names, NULL)) != -1) {
		const char *given = argv[optind - 1];

		if (which == 'h' || which == 'V') {
			if (which == 'h')
				fputs(help, stdout);
			else
				printf("bluesky %s\n", version_string());
			exit(STATUS_DONE);
		}
		if (which == ':')
			return error_set(err, ERROR_FATAL, STATUS_USAGE,
					 "%s needs a value", given);
		if (which == '?')
			return usage_error(err,
					   "the options are --count, --seed, "
					   "--start, --help and --version",
					   given);
		if (!parse_option(which, optarg, options, err))
			return false;
	}
	if (argc - optind > 1)
		return usage_error(err, "there is one rate and nothing else",
				   argv[optind + 1]);
	return optind == argc || parse_rate(argv[optind], options, err);
}

/* Writes all of it.  False with ERROR_NONE: nobody reads any more. */
static bool write_all(struct buf *buf, struct error *err)
{
	size_t at = 0;

	while (at < buf->len) {
		ssize_t done =
			write(STDOUT_FILENO, buf->data + at, buf->len - at);

		if (done >= 0)
			at += (size_t)done;
		else if (errno == EPIPE || errno == EBADF)
			return false;
		else if (errno != EINTR)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "cannot write the events: %s",
					 strerror(errno));
	}
	buf_reset(buf);
	return true;
}

/* How many events should have been made by now. */
static int64_t due(const struct options *options, int64_t elapsed_ms)
{
	int64_t made = options->count;

	if (options->rate) {
		made = elapsed_ms / 1000 * options->rate +
		       elapsed_ms % 1000 * options->rate / 1000 + 1;
		if (made > options->count)
			made = options->count;
	}
	return made;
}

static bool generate(struct network *network, const struct options *options,
		     struct error *err)
{
	struct buf buf = BUF_INIT;
	int64_t began_ms = clock_ms();
	int64_t made = 0;
	bool ok = true;

	while (ok && made < options->count && !stop_requested) {
		int64_t target = due(options, clock_ms() - began_ms);

		while (made < target && buf.len < CHUNK_BYTES) {
			char *to = buf_reserve(&buf, EVENT_MAX);

			buf.len += (size_t)(network_put_next(network, to) - to);
			made++;
		}
		ok = write_all(&buf, err);
		if (ok && made >= target && made < options->count) {
			int64_t wait_ms = 1000 / options->rate;

			clock_sleep_ms(wait_ms > TICK_MS ? wait_ms : TICK_MS);
		}
	}
	buf_release(&buf);
	return ok;
}

static void prepare_process(void)
{
	struct sigaction stop = {.sa_handler = request_stop};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Fewer, longer turns of writer and reader; not every pipe allows it.
	 */
	(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
}

int main(int argc, char **argv)
{
	struct options options = {
		.rate = DEFAULT_RATE,
		.count = INT64_MAX,
		.seed = clock_unix_us(),
		.start_us = clock_unix_us(),
	};
	struct error err = ERROR_INIT;
	struct network *network;

	if (!parse_arguments(argc, argv, &options, &err)) {
		fprintf(stderr, "bluesky: %s; see bluesky --help\n", err.text);
		return (int)err.status;
	}
	prepare_process();
	network = network_open((uint64_t)options.seed, options.start_us,
			       options.rate ? options.rate : DEFAULT_RATE);
	generate(network, &options, &err);
	network_close(network);
	if (err.kind == ERROR_NONE)
		return STATUS_DONE;
	fprintf(stderr, "bluesky: %s\n", err.text);
	return (int)err.status;
}
