/* Too many rejects are no longer rejects: --max-rejects. */
#include "ingest/pipeline_parts.h"

/* Fewer say nothing about a share while more may follow. */
enum { FIRST_PERCENT_RECORDS = 1000 };

struct tally {
	uint64_t records;
	uint64_t rejects;
};

/* What is committed and what is on its way there. */
static struct tally count(struct pipeline *pipeline)
{
	const struct stats *stats = pipeline->parts.stats;
	struct tally tally;

	pthread_mutex_lock(&pipeline->lock);
	tally.records = stats->rows + stats->rejects;
	tally.rejects = stats->rejects;
	for (const struct load *load = pipeline->unacked; load;
	     load = load->next) {
		tally.records += load->records;
		tally.rejects += load->rejects;
	}
	pthread_mutex_unlock(&pipeline->lock);
	return tally;
}

bool pipeline_rejects_within(const struct pipeline_settings *settings,
			     uint64_t records, uint64_t rejects, bool ended)
{
	if (settings->max_rejects >= 0 &&
	    rejects > (uint64_t)settings->max_rejects)
		return false;
	return settings->max_rejects_percent < 0 ||
	       (!ended && records < FIRST_PERCENT_RECORDS) ||
	       (double)rejects * 100 <=
		       settings->max_rejects_percent * (double)records;
}

bool pipeline_check_rejects(struct pipeline *pipeline, const struct batch *more,
			    bool ended, struct error *err)
{
	struct tally tally = count(pipeline);

	if (more) {
		tally.records += more->record_count;
		tally.rejects += more->reject_count;
	}
	if (pipeline_rejects_within(pipeline->parts.settings, tally.records,
				    tally.rejects, ended))
		return true;
	return error_set(
		err, ERROR_FATAL, STATUS_DATA,
		"%llu of %llu records of %s are rejects, more than "
		"--max-rejects allows%s%s",
		(unsigned long long)tally.rejects,
		(unsigned long long)tally.records, pipeline->parts.source->name,
		more && more->reject_count
			? "; the batch that went beyond was not loaded; the "
			  "first reason in it: "
			: "",
		more && more->reject_count ? more->reject[0].reason : "");
}
