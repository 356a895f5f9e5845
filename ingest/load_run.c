#include "ingest/load_run.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/stop.h"
#include "ingest/decode.h"
#include "ingest/options.h"
#include "ingest/source_lines.h"

enum { BACKOFF_FIRST_MS = 50, BACKOFF_MAX_MS = 2000 };

/* A pipe that has given something is still to be loaded. */
static bool is_untouched(const struct source *source)
{
	return !source || source->replayable || !source_lines_is_begun(source);
}

/* One try, which ends at once when the program is asked to stop and nothing of
 * the input can be lost. */
static bool attempt(const struct load_claim *claim, load_step *step,
		    struct error *err)
{
	struct load_run *run = claim->run;
	bool leave = is_untouched(claim->source);
	bool ok;

	if (run->control && !pg_is_usable(run->control)) {
		pg_close(run->control);
		run->control = NULL;
	}
	if (!run->control && !(leave ? pg_open_unless_stopped
				     : pg_open)(&run->control, run->plan.dsn,
						run->plan.application,
						run->plan.connect_ms, err))
		return false;
	pg_leave_at_stop(run->control, leave);
	ok = step(claim, err);
	pg_leave_at_stop(run->control, false);
	return ok;
}

bool load_insist(const struct load_claim *claim, load_step *step,
		 struct error *err)
{
	struct backoff backoff =
		BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MAX_MS,
			     claim->run->options->pipeline.retry_ms);

	for (;;) {
		struct error failed = ERROR_INIT;

		if (attempt(claim, step, &failed))
			return true;
		*err = failed;
		if (failed.kind != ERROR_TRANSIENT || !backoff_wait(&backoff))
			return false;
	}
}

bool load_stopped_before(const struct source *source, const char *name,
			 struct error *err)
{
	if (!stop_requested())
		return false;
	if (!is_untouched(source)) {
		err->kind = ERROR_FATAL;
		return error_context(
			err,
			"asked to stop before what was read from %s could be "
			"loaded; it is lost unless its producer sends it again",
			name);
	}
	log_line(LOG_INFO, "asked to stop before %s was begun: %s", name,
		 err->text);
	*err = ERROR_INIT;
	return true;
}

struct pipeline_parts load_parts(struct load_run *run, struct source *source)
{
	return (struct pipeline_parts){
		.settings = &run->options->pipeline,
		.plan = &run->plan,
		.source = source,
		.decoder = run->decoder,
		.observer = run->observer,
		.stats = &run->stats,
		.monitor = run->monitor,
		.watch = &run->watch,
		.control = &run->control,
	};
}

/* --- whole loads ---------------------------------------------------------- */

bool load_whole(struct load_run *run, struct source *source,
		const struct whole_load *load, enum whole_result *result,
		struct error *err)
{
	const struct pipeline_parts parts = load_parts(run, source);
	bool ok;

	source_lines_stream(source, (int)load->stream);
	decoder_set_whole(run->decoder, (int)load->stream);
	ok = whole_run(&parts, load, result, err);
	decoder_set_whole(run->decoder, -1);
	if (ok && *result == WHOLE_STOPPED)
		log_line(LOG_WARNING, "asked to stop: nothing of %s was loaded",
			 source->name);
	return ok;
}

/* A file whose last line has no end looks like one that is still being written,
 * or was cut off: what is missing would count as gone. */
static bool ends_a_line(int fd)
{
	struct stat st;
	char last;

	return fstat(fd, &st) != 0 || st.st_size == 0 ||
	       pread(fd, &last, 1, st.st_size - 1) != 1 || last == '\n';
}

bool load_check_whole(const struct load_run *run, const struct source *source,
		      int fd, struct error *err)
{
	if (run->options->complete)
		return true;
	if (!source->replayable)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s is a pipe, and a producer that dies looks "
				 "like the end: load a file, or say --complete "
				 "if everything comes through it",
				 source->name);
	if (!ends_a_line(fd))
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "%s ends in the middle of a line, as one does "
				 "that was cut off: load it when it is whole, "
				 "or say --complete if this is all of it",
				 source->name);
	return true;
}
