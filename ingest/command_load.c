/* `handle-streams run`: standard input or files into the database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/commands.h"
#include "ingest/csv_header.h"
#include "ingest/decode.h"
#include "ingest/file_identity.h"
#include "ingest/monitor.h"
#include "ingest/observer.h"
#include "ingest/options.h"
#include "ingest/pipeline.h"
#include "ingest/source_kafka.h"
#include "ingest/source_lines.h"
#include "ingest/stream.h"
#include "ingest/upkeep.h"

enum { CLAIM_ROUNDS = 10, BACKOFF_FIRST_MS = 50, BACKOFF_MAX_MS = 2000 };

/* A run: one process, any number of inputs one after the other. */
struct run {
	const struct options *options;
	struct stream_set set;
	struct buf dsn;
	struct pg *control;
	struct sink_plan plan;
	struct decoder *decoder;
	struct observer *observer;
	struct upkeep *upkeep;
	struct monitor *monitor;
	struct stats stats;
	char owner[OWNER_LEN + 1];
	int forced; /* --stream, or -1 */
	int inputs; /* pipes so far, to tell them apart */
};

static bool prepare(struct run *run, struct error *err)
{
	const struct options *options = run->options;
	struct sink_plan *plan = &run->plan;
	const struct monitor_plan monitor = {
		.listen = options->metrics_listen,
		.file = options->metrics_file,
		.sink = plan,
	};
	int swept = 0;

	if (!monitor_open(&run->monitor, &monitor, err) ||
	    !stream_set_read(&run->set, buf_text(&options->home), err) ||
	    !stream_set_find(&run->set, options->stream, &run->forced, err))
		return false;
	position_owner(run->owner);
	*plan = (struct sink_plan){
		.stream = stream_set_list(&run->set),
		.stream_count = run->set.count,
		.connect_ms = options->connect_ms,
		.answer_ms = options->answer_ms,
		.statement_ms = options->statement_ms,
		.lock_ms = options->lock_ms,
		.idle_ms = options->idle_ms,
	};
	snprintf(plan->application, sizeof plan->application,
		 "handle-streams %s", run->owner);
	gethostname(plan->host, sizeof plan->host - 1);
	if (!command_database(options, &run->set, plan->application, &run->dsn,
			      &run->control, err))
		return false;
	plan->dsn = buf_text(&run->dsn);
	if (!sink_plan_prepare(plan, run->control, err) ||
	    !position_sweep(run->control, &swept, err))
		return false;
	if (swept)
		log_line(LOG_INFO, "forgot %d pipes whose process is gone",
			 swept);
	run->decoder = decoder_open(plan->stream, plan->stream_count,
				    run->forced, &options->limits);
	decoder_set_tier(run->decoder, (enum decoder_tier)options->decoder);
	run->observer = observer_open(run->decoder);
	run->upkeep = upkeep_start(plan, run->observer);
	stats_start(&run->stats, plan->stream_count);
	return true;
}

static void release(struct run *run)
{
	monitor_close(run->monitor);
	upkeep_stop(run->upkeep);
	observer_close(run->observer);
	decoder_close(run->decoder);
	sink_plan_release(&run->plan);
	pg_close(run->control);
	buf_release(&run->dsn);
	stats_release(&run->stats);
	stream_set_release(&run->set);
}

/* An input on its way to being claimed. */
struct claim {
	struct run *run;
	int fd;
	const char *name;
	struct positions *positions;
	struct file_identity *identity; /* NULL: a pipe */
};

typedef bool claim_step(const struct claim *claim, struct error *err);

/* Claims through restarts of the server and broken connections. */
static bool insist(const struct claim *claim, claim_step *step,
		   struct error *err)
{
	struct run *run = claim->run;
	struct backoff backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MAX_MS,
					      run->options->pipeline.retry_ms);

	for (;;) {
		struct error failed = ERROR_INIT;

		if (run->control && !pg_is_usable(run->control)) {
			pg_close(run->control);
			run->control = NULL;
		}
		if ((run->control || pg_open(&run->control, run->plan.dsn,
					     run->plan.application,
					     run->plan.connect_ms, &failed)) &&
		    step(claim, &failed))
			return true;
		*err = failed;
		if (failed.kind != ERROR_TRANSIENT || !backoff_wait(&backoff))
			return false;
	}
}

/* Whether the claim failed only because the program is asked to stop: nothing
 * of the input has been read then, and nothing is wrong. */
static bool stopped_before(const char *name, struct error *err)
{
	if (!stop_requested())
		return false;
	log_line(LOG_INFO, "asked to stop before %s was begun: %s", name,
		 err->text);
	*err = ERROR_INIT;
	return true;
}

/* Loads a source whose part is claimed. */
static bool load(struct run *run, struct source *source, struct error *err)
{
	const struct pipeline_parts parts = {
		.settings = &run->options->pipeline,
		.plan = &run->plan,
		.source = source,
		.decoder = run->decoder,
		.observer = run->observer,
		.stats = &run->stats,
		.monitor = run->monitor,
		.control = &run->control,
	};

	return pipeline_run(&parts, err);
}

/* Finds out whether the input is CSV, and loads it. */
static bool load_lines(struct run *run, struct source *source,
		       struct error *err)
{
	struct csv_input input = {
		.streams = run->plan.stream,
		.count = run->plan.stream_count,
		.forced = run->forced,
		.name = source->name,
	};
	struct csv_layout *layout = NULL;

	if (!source_lines_sample(source, &input.bytes, &input.len, err) ||
	    !csv_header_find(&input, &layout, err))
		return false;
	if (layout)
		source_lines_csv(source, layout);
	return load(run, source, err);
}

/* --- a pipe --------------------------------------------------------------- */

static bool claim_pipe(const struct claim *claim, struct error *err)
{
	return position_claim(claim->run->control, claim->positions, 0, NULL, 0,
			      err);
}

static bool run_pipe(struct run *run, int fd, const char *name,
		     struct error *err)
{
	struct positions positions = {.durable = true};
	struct error ignored = ERROR_INIT;
	struct source *source = NULL;
	char key[64];
	bool ok;

	memcpy(positions.owner, run->owner, sizeof run->owner);
	snprintf(key, sizeof key, "pipe:%s-%d", run->owner, ++run->inputs);
	positions_add(&positions, key, 0);
	if (isatty(fd))
		log_line(LOG_INFO, "reading events from the terminal; end with "
				   "control-D");
	ok = insist(&(struct claim){run, fd, name, &positions, NULL},
		    claim_pipe, err);
	if (ok) {
		source = source_pipe_open(
			fd, name, (size_t)run->options->max_line, &positions);
		ok = load_lines(run, source, err);
	} else {
		ok = stopped_before(name, err);
	}
	/* Nothing is in flight any more.  A row that stays is swept later. */
	if (positions.item[0].mine && run->control &&
	    pg_is_usable(run->control) &&
	    !position_delete(run->control, &positions, 0, &ignored))
		log_line(LOG_WARNING, "could not forget the pipe: %s",
			 ignored.text);
	source_close(source);
	positions_release(&positions);
	return ok;
}

/* --- a file --------------------------------------------------------------- */

/* Finds out which file it is and makes its position ours.  Another process may
 * move it between the two, so look until both agree. */
static bool claim_file(const struct claim *claim, struct error *err)
{
	struct run *run = claim->run;
	struct positions *positions = claim->positions;
	struct file_identity *identity = claim->identity;

	for (int i = 0; i < CLAIM_ROUNDS; i++) {
		if (!file_identity_find(run->control, claim->fd, claim->name,
					run->options->force, run->owner,
					identity, err))
			return false;
		if (identity->finished || identity->size == 0)
			return true;
		positions_release(positions);
		positions_add(positions, identity->key, 0);
		if (!position_claim(run->control, positions, 0,
				    &identity->whole, run->options->claim_ms,
				    err))
			return false;
		if (positions->item[0].next_offset == identity->next_offset)
			return file_identity_check_line(claim->fd, claim->name,
							identity, err);
	}
	return error_set(err, ERROR_FATAL, STATUS_FENCED,
			 "other processes keep loading %s", claim->name);
}

static bool run_file(struct run *run, int fd, const char *name,
		     struct error *err)
{
	struct positions positions = {.durable = false};
	struct file_identity identity;
	struct source *source = NULL;
	bool ok;

	memcpy(positions.owner, run->owner, sizeof run->owner);
	ok = insist(&(struct claim){run, fd, name, &positions, &identity},
		    claim_file, err);
	if (ok && identity.size == 0) {
		log_line(LOG_INFO, "%s is empty", name);
	} else if (ok && identity.finished) {
		log_line(LOG_INFO,
			 "%s is loaded already, 0 rows added; --force loads it "
			 "again",
			 name);
	} else if (ok) {
		if (identity.next_offset > 0)
			log_line(LOG_INFO, "%s goes on at byte %lld of %lld",
				 name, (long long)identity.next_offset,
				 (long long)identity.size);
		ok = source_file_open(&source, fd, name,
				      (size_t)run->options->max_line,
				      &positions, err) &&
		     load_lines(run, source, err);
	} else {
		ok = stopped_before(name, err);
	}
	source_close(source);
	positions_release(&positions);
	return ok;
}

/* --- Kafka -----------------------------------------------------------------
 */

static bool run_kafka(struct run *run, struct error *err)
{
	const struct source_kafka_plan plan = {
		.settings = &run->options->kafka,
		.max_line = (size_t)run->options->max_line,
		.connect_ms = run->options->connect_ms,
		.stream = run->plan.stream,
		.stream_count = run->plan.stream_count,
	};
	struct positions positions = {.durable = false};
	struct source *source = NULL;
	bool ok;

	memcpy(positions.owner, run->owner, sizeof run->owner);
	ok = source_kafka_open(&source, &plan, &positions, err) &&
	     load(run, source, err);
	source_close(source);
	positions_release(&positions);
	return ok;
}

/* --- inputs --------------------------------------------------------------- */

/* A regular file is loaded as one, whether it was named or redirected; one
 * that somebody has begun to read is not at its start and is read as a pipe. */
static bool run_fd(struct run *run, int fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot read %s: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "%s is a directory; name the files in it",
				 name);
	if (S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0)
		return run_file(run, fd, name, err);
	return run_pipe(run, fd, name, err);
}

static bool run_named(struct run *run, const char *name, struct error *err)
{
	bool ok;
	int fd;

	if (!strcmp(name, "-"))
		return run_fd(run, STDIN_FILENO, "stdin", err);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot open %s: %s", name, strerror(errno));
	ok = run_fd(run, fd, name, err);
	close(fd);
	return ok;
}

bool command_load(const struct options *options, struct error *err)
{
	struct run run = {.options = options};
	bool ok = prepare(&run, err);

	if (ok && *options->kafka.brokers)
		ok = run_kafka(&run, err);
	else if (ok && options->operand_count == 0)
		ok = run_fd(&run, STDIN_FILENO, "stdin", err);
	for (size_t i = 0; ok && i < options->operand_count; i++) {
		if (stop_requested())
			break;
		ok = run_named(&run, options->operand[i], err);
	}
	if (run.stats.started_ms)
		stats_summary(&run.stats, ok && !stop_requested());
	release(&run);
	return ok;
}
