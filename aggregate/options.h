/*
 * options.h - every setting of periodic, and what it was told to do
 *
 * The table in options.c is the one truth: flags, environment, configuration
 * file, --help and the sample file all follow from it.
 */
#ifndef AGGREGATE_OPTIONS_H
#define AGGREGATE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/settings.h"

enum command {
	COMMAND_RUN,
	COMMAND_TEST,
	COMMAND_LS,
	COMMAND_PLAN,
	COMMAND_SEED,
	COMMAND_MIGRATE,
	COMMAND_COMPILE,
	COMMAND_JOBS,
	COMMAND_FRESHNESS,
	COMMAND_DOCTOR,
	COMMAND_INIT,
	COMMAND_SNAPSHOT,
	COMMAND_INSTALL_SOURCE,
	COMMAND_REPLAY,
	COMMAND_EXCLUDE,
	COMMAND_INCLUDE,
	COMMAND_WATCH,
	COMMAND_AUDIT,
	COMMAND_UNIT,
	COMMAND_COUNT
};

struct options {
	enum command command;
	const char *const *operand; /* what followed the command */
	size_t operand_count;
	const char *project; /* as given, or "" */
	struct buf home;     /* the project's folder */
	const char *dsn;
	struct setting_list select, exclude;
	bool full_refresh;
	int64_t audit_parts;
	bool repair;
	bool quiet, verbose;
	int output; /* enum output */
	const char *job;
	bool artifacts;
	bool systemd, user;
	int log_format; /* enum log_format */
	int64_t connect_ms, statement_ms, lock_ms, retry_ms, keep_runs_ms;
	int64_t threads;
	const char *metrics_file;
	int64_t max_loads, guard_ms;
	bool remove;
	int64_t lag_ms, poll_ms;  /* of watch */
	struct settings settings; /* owns the texts */
};

extern const struct settings_program options_program;

/* `run`, `test`: for millrace.run. */
const char *options_command(const struct options *options);

/* The folder in which commands leave target/: the project's, unless that is an
 * installed one; then the working folder. */
const char *options_output(const struct options *options);

/* Reads the command line, the environment and the file. */
bool options_read(struct options *options, int argc, char *const *argv,
		  struct error *err) MUST_CHECK;
void options_release(struct options *options);

#endif
