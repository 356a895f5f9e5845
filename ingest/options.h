/*
 * options.h - every setting of handle-streams, and what it was told to do
 *
 * The table in options.c is the one truth: flags, environment, configuration
 * file, --help and the sample file all follow from it.
 */
#ifndef INGEST_OPTIONS_H
#define INGEST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/settings.h"
#include "ingest/decode.h"
#include "ingest/kafka_conf.h"
#include "ingest/pipeline.h"

enum command {
	COMMAND_RUN,
	COMMAND_EXPLAIN,
	COMMAND_REJECTS,
	COMMAND_VERIFY,
	COMMAND_DOCTOR,
	COMMAND_HEALTH,
	COMMAND_COUNT
};

struct options {
	enum command command;
	const char *const *operand; /* after the command; ends with NULL */
	size_t operand_count;
	const char *project; /* as given, or "" */
	struct buf home;     /* the project's folder */
	const char *dsn;
	const char *stream; /* "" : match each record */
	bool force;
	bool complete;         /* a pipe holds a whole extract */
	const char *effective; /* ISO, UTC; or "" */
	char effective_text[40];
	int64_t effective_us; /* the same */
	const char *from_table, *cursor;
	int64_t cursor_lag_ms;
	const char *replace_range; /* as given, or "" */
	struct time_range {
		int64_t from_us, to_us; /* since 2000; half-open */
		char from[40], to[40];  /* ISO, UTC */
	} range;
	bool dry_run;
	bool quiet, verbose;
	int log_format; /* enum log_format */
	const char *metrics_listen, *metrics_file;
	int64_t max_line;
	int64_t max_depth, max_tokens;
	struct decode_limits limits;
	int decoder; /* enum decoder_tier */
	struct pipeline_settings pipeline;
	struct kafka_settings kafka;
	const char *max_rejects; /* N, P% or "" */
	int64_t connect_ms, answer_ms, statement_ms, lock_ms, idle_ms;
	int64_t claim_ms;
	struct settings settings; /* owns the texts */
};

extern const struct settings_program options_program;

/* Reads the command line, the environment and the file. */
bool options_read(struct options *options, int argc, char *const *argv,
		  struct error *err) MUST_CHECK;
void options_release(struct options *options);

#endif
