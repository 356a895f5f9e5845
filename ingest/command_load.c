/* `handle-streams run`: standard input or files into the database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/rights.h"
#include "common/stop.h"
#include "common/utf8.h"
#include "ingest/commands.h"
#include "ingest/decode.h"
#include "ingest/file_identity.h"
#include "ingest/load_run.h"
#include "ingest/monitor.h"
#include "ingest/observer.h"
#include "ingest/options.h"
#include "ingest/pipeline.h"
#include "ingest/source_kafka.h"
#include "ingest/source_lines.h"
#include "ingest/stream.h"
#include "ingest/upkeep.h"

enum { CLAIM_ROUNDS = 10 };

/* Nothing depends on it: whoever starts later does it. */
static bool sweep(struct pg *pg, struct error *err)
{
	struct error failed = ERROR_INIT;
	int swept = 0;

	if (position_sweep(pg, &swept, &failed)) {
		if (swept)
			log_line(LOG_INFO,
				 "forgot %d pipes whose process is gone",
				 swept);
		return true;
	}
	if (failed.lost || failed.kind != ERROR_TRANSIENT) {
		*err = failed;
		return false;
	}
	log_line(LOG_DEBUG, "pipes whose process is gone stay: %s",
		 failed.text);
	return true;
}

static bool prepare(struct load_run *run, struct error *err)
{
	const struct options *options = run->options;
	struct sink_plan *plan = &run->plan;
	const struct monitor_plan monitor = {
		.listen = options->metrics_listen,
		.file = options->metrics_file,
		.sink = plan,
	};

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
	    !sweep(run->control, err))
		return false;
	run->decoder = decoder_open(plan->stream, plan->stream_count,
				    run->forced, &options->limits);
	decoder_set_tier(run->decoder, (enum decoder_tier)options->decoder);
	run->observer = observer_open(run->decoder);
	run->upkeep = upkeep_start(plan, run->observer);
	stats_start(&run->stats, plan->stream_count);
	return true;
}

static void release(struct load_run *run)
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

/* Loads a source whose part is claimed. */
static bool load(struct load_run *run, struct source *source, struct error *err)
{
	const struct pipeline_parts parts = load_parts(run, source);

	return pipeline_run(&parts, err);
}

/* --- a pipe --------------------------------------------------------------- */

static bool claim_pipe(const struct load_claim *claim, struct error *err)
{
	return position_claim(claim->run->control, claim->source->positions, 0,
			      NULL, 0, err);
}

static bool run_pipe(struct load_run *run, struct source *source,
		     struct error *err)
{
	struct positions *positions = source->positions;
	const struct load_claim claim = {.run = run, .source = source};
	struct error ignored = ERROR_INIT;
	char key[64];
	bool ok;

	positions->durable = true;
	snprintf(key, sizeof key, "pipe:%s-%d", run->owner, ++run->inputs);
	positions_add(positions, key, 0);
	ok = load_insist(&claim, claim_pipe, err)
		     ? load(run, source, err)
		     : load_stopped_before(source, source->name, err);
	/* Nothing is in flight any more.  A row that stays is swept later. */
	if (positions->item[0].mine && run->control &&
	    pg_is_usable(run->control) &&
	    !position_delete(run->control, positions, 0, &ignored))
		log_line(LOG_WARNING, "could not forget the pipe: %s",
			 ignored.text);
	return ok;
}

/* --- a file --------------------------------------------------------------- */

/* Finds out which file it is and makes its position ours.  Another process may
 * move it between the two, so look until both agree. */
static bool claim_file(const struct load_claim *claim, struct error *err)
{
	struct load_run *run = claim->run;
	const char *name = claim->source->name;
	struct positions *positions = claim->source->positions;
	struct file_identity *identity = claim->identity;

	for (int i = 0; i < CLAIM_ROUNDS; i++) {
		positions_replace(positions, 0, "", 0);
		if (!file_identity_find(run->control, claim->fd, name,
					run->options->force, run->owner,
					identity, err))
			return false;
		if (identity->finished || identity->size == 0)
			return true;
		positions_replace(positions, 0, identity->key, 0);
		if (!position_claim(run->control, positions, 0,
				    &identity->whole, run->options->claim_ms,
				    err))
			return false;
		if (positions->item[0].next_offset == identity->next_offset)
			return file_identity_check_line(claim->fd, name,
							identity, err);
	}
	return error_set(err, ERROR_FATAL, STATUS_FENCED,
			 "other processes keep loading %s", name);
}

/* Claims it, unless nothing of it is to be loaded. */
static bool take_file(const void *context, struct error *err)
{
	const struct load_claim *claim = context;
	const struct file_identity *identity = claim->identity;
	const char *name = claim->source->name;

	if (!load_insist(claim, claim_file, err)) {
		positions_replace(claim->source->positions, 0, "", 0);
		return load_stopped_before(claim->source, name, err);
	}
	if (identity->finished)
		log_line(LOG_INFO,
			 "%s is loaded already, 0 rows added; --force loads it "
			 "again",
			 name);
	else if (identity->next_offset > 0)
		log_line(LOG_INFO, "%s goes on at byte %lld of %lld", name,
			 (long long)identity->next_offset,
			 (long long)identity->size);
	return true;
}

static bool look_at_file(const struct load_claim *claim, struct error *err)
{
	return file_identity_is_familiar(claim->run->control, claim->fd,
					 claim->source->name, claim->context,
					 err);
}

/* Which file it is takes reading all of it.  One that is probably new is
 * decoded meanwhile. */
static bool run_file(struct load_run *run, struct source *source, int fd,
		     struct error *err)
{
	struct file_identity identity;
	struct pipeline_parts parts = load_parts(run, source);
	bool familiar = false;
	const struct load_claim claim = {run, source, fd, &identity, &familiar};
	const struct position *part;

	positions_add(source->positions, "", 0);
	part = source->positions->item;
	if (!run->options->force && !load_insist(&claim, look_at_file, err))
		return load_stopped_before(source, source->name, err);
	if (!familiar) {
		parts.claim = take_file;
		parts.claim_context = &claim;
		return pipeline_run(&parts, err);
	}
	return take_file(&claim, err) &&
	       (!part->mine ||
		(source_rewind(source, 0, part->next_offset, err) &&
		 pipeline_run(&parts, err)));
}

/* --- Kafka -----------------------------------------------------------------
 */

static bool run_kafka(struct load_run *run, struct error *err)
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

	if (run->forced >= 0 &&
	    run->plan.stream[run->forced]->load == LOAD_FULL)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "stream %s is `load: full`: it takes complete "
				 "extracts, and a topic never is one",
				 run->plan.stream[run->forced]->name);
	memcpy(positions.owner, run->owner, sizeof run->owner);
	ok = source_kafka_open(&source, &plan, &positions, err) &&
	     load(run, source, err);
	source_close(source);
	positions_release(&positions);
	return ok;
}

/* --- inputs --------------------------------------------------------------- */

static bool check_no_range(const struct load_run *run, int stream,
			   struct error *err)
{
	if (!*run->options->replace_range)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "--replace-range corrects a part of a stream that "
			 "appends, and stream %s is `load: full`: load a "
			 "complete extract without it",
			 run->plan.stream[stream]->name);
}

static void start_watch(struct load_run *run)
{
	load_watch_start(&run->watch, run->monitor, &run->stats,
			 run->options->pipeline.shutdown_ms);
}

/* A complete extract, or a range. */
static bool run_whole(struct load_run *run, struct source *source, int fd,
		      int stream, struct error *err)
{
	bool is_range = *run->options->replace_range != '\0';
	bool ok;

	if (stream >= 0 && run->plan.stream[stream]->load == LOAD_FULL &&
	    !check_no_range(run, stream, err))
		return false;
	start_watch(run);
	ok = is_range ? load_range(run, source, fd, stream, err)
		      : load_full(run, source, fd, stream, err);
	load_watch_stop(&run->watch);
	return ok;
}

static bool run_table(struct load_run *run, struct error *err)
{
	bool ok;

	start_watch(run);
	ok = load_table(run, err);
	load_watch_stop(&run->watch);
	return ok;
}

static bool run_source(struct load_run *run, struct source *source, int fd,
		       struct error *err)
{
	int stream = -1;

	if (!load_recognise(run, source, &stream, err))
		return false;
	if (*run->options->replace_range ||
	    (stream >= 0 && run->plan.stream[stream]->load == LOAD_FULL))
		return run_whole(run, source, fd, stream, err);
	if (*run->options->effective)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--effective is the time of a complete "
				 "extract, and %s is for no stream that is "
				 "`load: full`",
				 source->name);
	return source->replayable ? run_file(run, source, fd, err)
				  : run_pipe(run, source, err);
}

/* Nothing may mean that an export has failed: asked for all rows of an extract
 * or of a range, it is none. */
static bool stands_for_all(const struct load_run *run)
{
	return *run->options->replace_range || *run->options->effective ||
	       (run->forced >= 0 &&
		run->plan.stream[run->forced]->load == LOAD_FULL);
}

/* A regular file is loaded as one, whether it was named or redirected; one
 * that somebody has begun to read is not at its start and is read as a pipe. */
static bool run_fd(struct load_run *run, int fd, const char *name,
		   struct error *err)
{
	struct positions positions = {.durable = false};
	struct source *source = NULL;
	size_t max_line = (size_t)run->options->max_line;
	bool ok = true;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot read %s: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "%s is a directory; name the files in it",
				 name);
	memcpy(positions.owner, run->owner, sizeof run->owner);
	if (S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0) {
		if (st.st_size == 0 && !stands_for_all(run)) {
			log_line(LOG_INFO, "%s is empty", name);
			return true;
		}
		/* for people; a name may be any bytes */
		if (fd != STDIN_FILENO && !utf8_flaw(name, strlen(name)))
			run->plan.file = name;
		ok = load_refuse_packed(fd, name, err) &&
		     source_file_open(&source, fd, name, max_line, &positions,
				      err);
	} else {
		if (isatty(fd))
			log_line(LOG_INFO, "reading events from the terminal; "
					   "end with control-D");
		source = source_pipe_open(fd, name, max_line, &positions);
	}
	ok = ok && run_source(run, source, fd, err);
	run->plan.file = NULL;
	source_close(source);
	positions_release(&positions);
	return ok;
}

static bool run_named(struct load_run *run, const char *name, struct error *err)
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
	struct load_run run = {.options = options};
	bool ok = prepare(&run, err);

	if (ok && *options->kafka.brokers)
		ok = run_kafka(&run, err);
	else if (ok && *options->from_table)
		ok = run_table(&run, err);
	else if (ok && options->operand_count == 0)
		ok = run_fd(&run, STDIN_FILENO, "stdin", err);
	for (size_t i = 0; ok && i < options->operand_count; i++) {
		if (stop_requested())
			break;
		ok = run_named(&run, options->operand[i], err);
	}
	if (!ok)
		rights_explain(run.control, "millrace_ingest", err);
	if (run.stats.started_ms)
		stats_summary(&run.stats, ok && !stop_requested());
	release(&run);
	return ok;
}
