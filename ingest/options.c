#include "ingest/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/home.h"
#include "common/log.h"
#include "common/nearest.h"
#include "ingest/timestamp.h"

static const char *const on_gap[] = {"halt", "record", NULL};
static const char *const decoders[] = {
	[DECODER_FAST] = "fast", [DECODER_JANSSON] = "jansson", NULL};

#define AT(member) offsetof(struct options, member)

static const struct setting table[] = {
	{"dsn", 'd', SETTING_DSN, AT(dsn), "", "DSN",
	 "the database, as a libpq string or URI; without it PG* variables, "
	 "else a private PostgreSQL of this checkout",
	 .max = 0},
	{"stream", 0, SETTING_TEXT, AT(stream), "", "NAME",
	 "every record belongs to this stream; without it each is matched",
	 .max = 0},
	{"project", 0, SETTING_TEXT, AT(project), "", "DIR",
	 "the folder that holds sql/ and config/; by default this one, or that "
	 "of the program",
	 .max = 0},
	{"brokers", 'b', SETTING_TEXT, AT(kafka.brokers), "", "HOST:PORT,...",
	 "read from this Kafka instead of files", .max = 0},
	{"topic", 't', SETTING_LIST, AT(kafka.topic), NULL, "TOPIC",
	 "a topic to load", .max = 0},
	{"group", 'G', SETTING_TEXT, AT(kafka.group), "handle-streams", "GROUP",
	 "processes of one group share the partitions", .max = 0},
	{"partition", 'p', SETTING_LIST, AT(kafka.partition), NULL, "N",
	 "only this partition, without asking the group", .max = 0},
	{"offset", 'o', SETTING_TEXT, AT(kafka.offset), "beginning", "OFFSET",
	 "where a topic begins that was never loaded: beginning, end, an "
	 "offset, -N before the end, s@ and milliseconds since 1970",
	 .max = 0},
	{"exit", 'e', SETTING_FLAG, AT(kafka.exit_at_end), "off", NULL,
	 "end when the group has loaded what the topics held at the start",
	 .place = SETTING_COMMAND_LINE},
	{"count", 'c', SETTING_INTEGER, AT(kafka.count), "0", "N",
	 "end after this many records; 0: never", .min = 0,
	 .place = SETTING_COMMAND_LINE},
	{"map", 0, SETTING_LIST, AT(kafka.map), NULL, "TOPIC=STREAM",
	 "every record of a topic belongs to this stream", .max = 0},
	{"on-gap", 0, SETTING_CHOICE, AT(kafka.on_gap), "halt", "WHAT",
	 "when Kafka has deleted records that were not loaded: halt with "
	 "status 6, or record the gap and go on",
	 .choices = on_gap},
	{"leave-timeout", 0, SETTING_DURATION, AT(pipeline.leave_ms), "60s",
	 "TIME",
	 "without PostgreSQL for this long, leave the group until it is back",
	 .min = 0},
	{"property", 'X', SETTING_LIST, AT(kafka.property), NULL, "NAME=VALUE",
	 "a property of librdkafka; secrets as NAME.file=PATH or "
	 "NAME.env=VARIABLE",
	 .max = 0},
	{"connections", 0, SETTING_INTEGER, AT(pipeline.connections), "0", "N",
	 "database connections that load; 0: 2 where there is more than one "
	 "core, else 1",
	 .min = 0, .max = 16},
	{"batch-rows", 0, SETTING_INTEGER, AT(pipeline.batch_rows), "50000",
	 "ROWS", "commit after this many records", .min = 1, .max = 1000000},
	{"batch-bytes", 0, SETTING_BYTES, AT(pipeline.batch_bytes), "16MB",
	 "SIZE",
	 "or after this much memory: encoded rows, and records but for a "
	 "file's",
	 .min = 1024, .max = INT64_C(1) << 30},
	{"linger", 0, SETTING_DURATION, AT(pipeline.linger_ms), "500ms", "TIME",
	 "or after this long since the first record of the batch", .min = 0,
	 .max = 3600000},
	{"max-line", 0, SETTING_BYTES, AT(max_line), "8MB", "SIZE",
	 "a longer line is a reject that keeps its first 64 KiB", .min = 65536,
	 .max = INT64_C(512) << 20},
	{"max-depth", 0, SETTING_INTEGER, AT(max_depth), "200", "N",
	 "nested arrays and objects in one record", .min = 1, .max = 2000},
	{"max-tokens", 0, SETTING_INTEGER, AT(max_tokens), "1000000", "N",
	 "keys and values in one record", .min = 1, .max = 100000000},
	{"decoder", 0, SETTING_CHOICE, AT(decoder), "fast", "WHICH",
	 "fast, and jansson for what it is not sure of; or jansson alone: the "
	 "rows are the same",
	 .choices = decoders},
	{"max-rejects", 0, SETTING_TEXT, AT(max_rejects), "", "N|P%",
	 "stop, exit status 3, when more records than that are rejects",
	 .max = 0},
	{"force", 0, SETTING_FLAG, AT(force), "off", NULL,
	 "load a file even if its content has been loaded before",
	 .place = SETTING_COMMAND_LINE},
	{"complete", 0, SETTING_FLAG, AT(complete), "off", NULL,
	 "a pipe, or a file that ends without a line end, holds all of an "
	 "extract, or of a range to replace",
	 .place = SETTING_COMMAND_LINE},
	{"effective", 0, SETTING_TEXT, AT(effective), "", "TIME",
	 "the time that a complete extract shows, UTC where it has no zone; "
	 "without it the time of loading",
	 .place = SETTING_COMMAND_LINE},
	{"replace-range", 0, SETTING_TEXT, AT(replace_range), "", "FROM,TO",
	 "the input holds all rows with an event time from FROM to before TO "
	 "and replaces those that are there",
	 .place = SETTING_COMMAND_LINE},
	{"from-table", 0, SETTING_TEXT, AT(from_table), "", "DSN:SCHEMA.TABLE",
	 "load a table of another PostgreSQL into --stream: all of it if the "
	 "stream is load: full, else what is new by --cursor",
	 .place = SETTING_COMMAND_LINE},
	{"cursor", 0, SETTING_TEXT, AT(cursor), "", "COLUMN",
	 "the column of the table that grows with every new row",
	 .place = SETTING_COMMAND_LINE},
	{"cursor-lag", 0, SETTING_DURATION, AT(cursor_lag_ms), "0", "TIME",
	 "leave rows whose cursor, a time, is younger than this to the next "
	 "run: their transactions may commit out of order",
	 .min = 0, .place = SETTING_COMMAND_LINE},
	{"dry-run", 'n', SETTING_FLAG, AT(dry_run), "off", NULL,
	 "rejects replay: show what would happen and change nothing",
	 .place = SETTING_COMMAND_LINE},
	{"retry-timeout", 0, SETTING_DURATION, AT(pipeline.retry_ms), "5m",
	 "TIME", "give up after this long without a commit; 0: never",
	 .min = 0},
	{"shutdown-timeout", 0, SETTING_DURATION, AT(pipeline.shutdown_ms),
	 "10s", "TIME", "after SIGTERM: finish the open batches within this",
	 .min = 0},
	{"progress-interval", 0, SETTING_DURATION, AT(pipeline.progress_ms),
	 "0", "TIME",
	 "show progress this often; 0: every second on a terminal, else every "
	 "10 s",
	 .min = 0},
	{"connect-timeout", 0, SETTING_DURATION, AT(connect_ms), "10s", "TIME",
	 "for a connection to PostgreSQL", .min = 100},
	{"answer-timeout", 0, SETTING_DURATION, AT(answer_ms), "10s", "TIME",
	 "for the answer to COMMIT; then it is in doubt and looked up",
	 .min = 100},
	{"statement-timeout", 0, SETTING_DURATION, AT(statement_ms), "60s",
	 "TIME", "for any other statement", .min = 1000},
	{"lock-timeout", 0, SETTING_DURATION, AT(lock_ms), "5s", "TIME",
	 "for a lock", .min = 100},
	{"idle-timeout", 0, SETTING_DURATION, AT(idle_ms), "60s", "TIME",
	 "for a transaction in which this program has fallen silent",
	 .min = 1000},
	{"claim-timeout", 0, SETTING_DURATION, AT(claim_ms), "5s", "TIME",
	 "for the sessions of a dead process to end before its file is taken "
	 "over",
	 .min = 0},
	{"metrics-listen", 0, SETTING_TEXT, AT(metrics_listen), "",
	 "[HOST:]PORT|PATH",
	 "answer /metrics, /healthz and /readyz there: a port of this machine "
	 "alone, HOST:PORT (*:PORT for all), or a unix socket",
	 .max = 0},
	{"metrics-file", 0, SETTING_TEXT, AT(metrics_file), "", "PATH",
	 "write the metrics there at the end, for node_exporter", .max = 0},
	{"log-format", 0, SETTING_CHOICE, AT(log_format), "text", "WHICH",
	 "sentences for people; logfmt, key=value; or json: one object a line",
	 .choices = log_formats},
	{"quiet", 'q', SETTING_FLAG, AT(quiet), "off", NULL,
	 "only warnings and errors", .max = 0},
	{"verbose", 'v', SETTING_FLAG, AT(verbose), "off", NULL,
	 "also what is of use when looking for a fault", .max = 0},
	{.name = NULL},
};

const struct settings_program options_program = {
	.name = "handle-streams",
	.summary = "loads JSON and CSV into PostgreSQL, each exactly once",
	.usage = "handle-streams [run] [--stream NAME] [FILE...]\n"
		 "handle-streams [run] --from-table DSN:SCHEMA.TABLE --stream "
		 "NAME [--cursor COLUMN]\n"
		 "handle-streams [run] -b BROKERS -t TOPIC... [-G GROUP]\n"
		 "handle-streams explain [--stream NAME] < one event\n"
		 "handle-streams explain -b BROKERS -o TOPIC:PARTITION:OFFSET\n"
		 "handle-streams rejects list | show ID | replay [-n] [ID...]\n"
		 "handle-streams verify [-b BROKERS]\n"
		 "handle-streams doctor [-b BROKERS -t TOPIC...]\n"
		 "handle-streams health [[HOST:]PORT|PATH]",
	.notes = "Reads standard input when no FILE is given. A file is loaded "
		 "exactly once, by its\ncontent: again, renamed or grown, only "
		 "what is new is loaded.\n\n"
		 "Exit status: 0 done or politely stopped, 1 usage, 2 "
		 "configuration, 3 data,\n4 PostgreSQL, 5 source, 6 gap or "
		 "another owner.\n",
	.table = table,
};

/* --- reading -------------------------------------------------------------- */

static const char *const commands[COMMAND_COUNT] = {
	[COMMAND_RUN] = "run",         [COMMAND_EXPLAIN] = "explain",
	[COMMAND_REJECTS] = "rejects", [COMMAND_VERIFY] = "verify",
	[COMMAND_DOCTOR] = "doctor",   [COMMAND_HEALTH] = "health",
};

static bool check_operands(const struct options *options, struct error *err)
{
	static const size_t most[COMMAND_COUNT] = {
		[COMMAND_RUN] = SIZE_MAX,
		[COMMAND_EXPLAIN] = SIZE_MAX,
		[COMMAND_REJECTS] = SIZE_MAX,
		[COMMAND_HEALTH] = 1,
	};

	if (options->operand_count <= most[options->command])
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s takes no %s; --help shows how it is called",
			 commands[options->command],
			 options->operand[most[options->command]]);
}

/* The first operand, if it is a command.  A word that is no file either is a
 * misspelt command. */
static bool take_command(struct options *options, struct error *err)
{
	const char *const *operand =
		(const char *const *)options->settings.operand;
	const char *meant;

	options->operand = operand;
	options->operand_count = options->settings.operand_count;
	if (options->operand_count == 0)
		return true;
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (!strcmp(operand[0], commands[i])) {
			options->command = (enum command)i;
			options->operand++;
			options->operand_count--;
			return check_operands(options, err);
		}
	}
	meant = nearest(operand[0], commands, COMMAND_COUNT);
	if (!meant || access(operand[0], F_OK) == 0)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s is neither a command nor a file; did you mean %s?",
			 operand[0], meant);
}

static bool take_max_rejects(struct options *options, struct error *err)
{
	const char *text = options->max_rejects;
	char *end;
	double value;

	options->pipeline.max_rejects = -1;
	options->pipeline.max_rejects_percent = -1;
	if (!*text)
		return true;
	value = strtod(text, &end);
	/* nan is no number from 0 on either */
	if (end == text || !(value >= 0) || (*end && strcmp(end, "%") != 0) ||
	    (*end && value > 100) || (!*end && value > 1e15))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "max-rejects takes a number (100) or a share "
				 "of the records (1%%), not %s",
				 text);
	if (*end)
		options->pipeline.max_rejects_percent = value;
	else
		options->pipeline.max_rejects = (int64_t)value;
	return true;
}

/* 2025-03-10, or with a time, in UTC unless a zone is given; iso has room for
 * 40 bytes. */
static bool read_time(const char *option, const char *text, int64_t *us,
		      char *iso, struct error *err)
{
	struct error why = ERROR_INIT;
	int32_t days;

	if (timestamp_parse_date(text, strlen(text), &days, &why))
		*us = days * INT64_C(86400000000);
	else if (!timestamp_parse(text, strlen(text), ZONE_OPTIONAL, us, &why))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s takes times like 2025-03-10 or "
				 "2025-03-10T17:00:00Z, not %s: %s",
				 option, text, why.text);
	timestamp_format(*us, iso, 39);
	iso[10] = 'T';
	memcpy(iso + strlen(iso), "Z", sizeof "Z");
	return true;
}

static bool take_effective(struct options *options, struct error *err)
{
	if (!*options->effective)
		return true;
	if (options->operand_count > 1)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--effective is the time of one extract: load "
				 "one file at a time");
	if (*options->cursor)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--effective is the time of a complete "
				 "extract, and --cursor takes what is new");
	if (!read_time("--effective", options->effective,
		       &options->effective_us, options->effective_text, err))
		return false;
	options->effective = options->effective_text;
	return true;
}

/* FROM,TO */
static bool take_range(struct options *options, struct error *err)
{
	struct time_range *range = &options->range;
	const char *comma = strchr(options->replace_range, ',');
	char from[64];

	if (!*options->replace_range)
		return true;
	if (!comma || (size_t)(comma - options->replace_range) >= sizeof from)
		return error_set(
			err, ERROR_FATAL, STATUS_USAGE,
			"--replace-range takes FROM,TO: two times with "
			"a comma between them; TO is not in the range");
	if (options->operand_count > 1 || *options->kafka.brokers)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--replace-range takes one input, which holds "
				 "the whole range");
	snprintf(from, sizeof from, "%.*s",
		 (int)(comma - options->replace_range), options->replace_range);
	if (!read_time("--replace-range", from, &range->from_us, range->from,
		       err) ||
	    !read_time("--replace-range", comma + 1, &range->to_us, range->to,
		       err))
		return false;
	if (range->from_us < range->to_us)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "--replace-range: %s does not lie before %s",
			 range->from, range->to);
}

static bool check_table(const struct options *options, struct error *err)
{
	if (*options->from_table &&
	    (options->operand_count || *options->kafka.brokers ||
	     *options->replace_range))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--from-table is an input of its own: without "
				 "files, -b and --replace-range");
	if (!*options->from_table && *options->cursor)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--cursor is a column of --from-table");
	if (!*options->from_table && options->cursor_lag_ms)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--cursor-lag is about the --cursor of "
				 "--from-table");
	if (*options->from_table && options->cursor_lag_ms && !*options->cursor)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--cursor-lag needs --cursor, a column that "
				 "holds times");
	return true;
}

/* Kafka and files are two ways in; one process takes one of them. */
static bool check_kafka(const struct options *options, struct error *err)
{
	const struct kafka_settings *kafka = &options->kafka;

	if (options->command != COMMAND_RUN)
		return true;
	if (!*kafka->brokers && kafka->topic.count)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "-t %s needs brokers: -b HOST:PORT",
				 kafka->topic.item[0]);
	if (*kafka->brokers && options->operand_count)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s is a file and -b names Kafka: load them "
				 "one after the other",
				 options->operand[0]);
	if (*kafka->brokers && (options->complete || *options->effective))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s is about one extract, and Kafka (-b) has "
				 "no end",
				 options->complete ? "--complete"
						   : "--effective");
	return true;
}

static void settle_defaults(struct options *options)
{
	struct pipeline_settings *pipeline = &options->pipeline;

	if (pipeline->connections == 0)
		pipeline->connections =
			sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
	if (pipeline->progress_ms == 0)
		pipeline->progress_ms = isatty(STDERR_FILENO) ? 1000 : 10000;
	options->limits.max_depth = (size_t)options->max_depth;
	options->limits.max_tokens = (size_t)options->max_tokens;
}

bool options_read(struct options *options, int argc, char *const *argv,
		  struct error *err)
{
	*options = (struct options){.settings = SETTINGS_INIT};
	/* before the settings are read, since they may lie in it */
	home_find(&options->home, "HANDLE_STREAMS_PROJECT");
	if (!settings_read(&options->settings, &options_program,
			   buf_text(&options->home), argc, argv, options, err))
		return false;
	if (options->settings.request == SETTINGS_ANSWER)
		return true;
	if (*options->project) {
		buf_reset(&options->home);
		buf_add_text(&options->home, options->project);
	}
	if (!take_command(options, err) || !take_max_rejects(options, err) ||
	    !take_effective(options, err) || !take_range(options, err) ||
	    !check_table(options, err) || !check_kafka(options, err))
		return false;
	settle_defaults(options);
	return true;
}

void options_release(struct options *options)
{
	buf_release(&options->home);
	settings_release(&options->settings);
}
