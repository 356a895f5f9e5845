/* The reading thread: source -> decoder -> filled loads. */
#include "common/clock.h"
#include "common/mem.h"
#include "common/stop.h"
#include "ingest/decode.h"
#include "ingest/observer.h"
#include "ingest/pipeline_parts.h"

enum { IDLE_MS = 100 };
enum { SETTLE_MS = 10000 }; /* for what is in flight when parts go */

/* Whether the reader must let go of what it is doing. */
static bool interrupted(struct pipeline *pipeline)
{
	bool yes;

	pthread_mutex_lock(&pipeline->lock);
	yes = pipeline->hold || pipeline->quit;
	pthread_mutex_unlock(&pipeline->lock);
	return yes || stop_requested();
}

/* Extends the range of a part up to `to`: over blank lines and whatever else
 * holds no record. */
static void cover(struct pipeline *pipeline, struct batch *batch, int part,
		  int64_t to)
{
	int64_t from = pipeline->sealed[part];

	for (size_t i = 0; i < batch->range_count; i++)
		if (batch->range[i].part == part)
			from = batch->range[i].to;
	if (to > from)
		batch_cover(batch, part, from, to);
}

static void add_record(struct pipeline *pipeline, struct batch *batch,
		       const struct record *record)
{
	int64_t *expected = &pipeline->expected[record->part];

	if (record->position != *expected)
		cover(pipeline, batch, record->part, record->position);
	*expected = record->next;
	decoder_decode(pipeline->parts.decoder, record, batch);
	if (pipeline->parts.observer)
		observer_see(pipeline->parts.observer, record);
}

/* Whether the source has passed over positions that hold no record, which no
 * batch will cover while nothing follows them. */
static bool passed_over(const struct pipeline *pipeline)
{
	const struct source *source = pipeline->parts.source;

	if (!source_changes(source))
		return false; /* its last line ends it */
	for (size_t i = 0; i < pipeline->positions->count; i++)
		if (source_offset(source, (int)i) > pipeline->sealed[i])
			return true;
	return false;
}

static bool is_full(const struct batch *batch,
		    const struct pipeline_settings *settings)
{
	return batch->record_count >= (size_t)settings->batch_rows ||
	       batch_bytes(batch) >= (size_t)settings->batch_bytes;
}

/* Fills until the batch is full, old enough, or there is no more. */
static enum source_result fill(struct pipeline *pipeline, struct batch *batch,
			       struct error *err)
{
	const struct pipeline_settings *settings = pipeline->parts.settings;
	struct source *source = pipeline->parts.source;
	int64_t look_ms = clock_ms() + IDLE_MS;

	while (!is_full(batch, settings)) {
		int64_t due_ms = batch->opened_ms ? batch->opened_ms +
							    settings->linger_ms
						  : INT64_MAX;
		struct record record;
		enum source_result result =
			source_next(source, due_ms < look_ms ? due_ms : look_ms,
				    &record, err);

		if (result == SOURCE_RECORD) {
			add_record(pipeline, batch, &record);
			continue;
		}
		if (result != SOURCE_WAIT || clock_ms() >= due_ms ||
		    interrupted(pipeline) ||
		    (batch->opened_ms == 0 && passed_over(pipeline)))
			return result;
		look_ms = clock_ms() + IDLE_MS;
	}
	return SOURCE_RECORD;
}

/* Closes the ranges and takes their proofs. */
static void seal(struct pipeline *pipeline, struct load *load)
{
	struct batch *batch = &load->batch;

	for (size_t i = 0; i < pipeline->positions->count; i++)
		cover(pipeline, batch, (int)i,
		      source_offset(pipeline->parts.source, (int)i));
	batch_seal(batch);
	if (batch->range_count > load->anchor_capacity) {
		load->anchor_capacity = batch->range_count;
		load->anchor =
			mem_realloc(load->anchor, load->anchor_capacity *
							  sizeof *load->anchor);
		load->anchored = mem_realloc(load->anchored,
					     load->anchor_capacity *
						     sizeof *load->anchored);
	}
	for (size_t i = 0; i < batch->range_count; i++)
		load->anchored[i] =
			source_anchor(pipeline->parts.source,
				      batch->range[i].part, &load->anchor[i]);
}

/* Hands a filled load to the senders.  Under the lock. */
static void push(struct pipeline *pipeline, struct load *load)
{
	struct load **last = &pipeline->unacked;

	while (*last)
		last = &(*last)->next;
	*last = load;
	load->next = NULL;
	load->state = LOAD_READY;
	load->records = load->batch.record_count;
	load->rejects = load->batch.reject_count;
	load->isolated = 0;
	load->isolations = 0;
	load->batch.sequence = pipeline->next_sequence++;
	for (size_t i = 0; i < load->batch.range_count; i++)
		pipeline->sealed[load->batch.range[i].part] =
			load->batch.range[i].to;
	pipeline->moved_ms = clock_ms();
	pthread_cond_broadcast(&pipeline->changed);
}

/* A load to fill; NULL when the thread must leave.  Parks the thread while the
 * source has ended, is being rewound, or settles. */
static struct load *take_free(struct pipeline *pipeline)
{
	struct load *found = NULL;

	pthread_mutex_lock(&pipeline->lock);
	for (;;) {
		if (pipeline->hold && !pipeline->held) {
			pipeline->held = true;
			pthread_cond_broadcast(&pipeline->changed);
		}
		if (pipeline->quit)
			break;
		for (size_t i = 0; i < pipeline->load_count && !found; i++)
			if (pipeline->load[i].state == LOAD_FREE)
				found = &pipeline->load[i];
		if (found && !pipeline->hold && !pipeline->ended &&
		    !pipeline->settling)
			break;
		found = NULL;
		pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	}
	pthread_mutex_unlock(&pipeline->lock);
	if (found)
		batch_reset(&found->batch);
	return found;
}

/* The source wants to settle.  Parts that are lost already have other owners:
 * what is under way for them need not be finished.  Under the lock. */
static void ask_to_settle(struct pipeline *pipeline)
{
	const struct source *source = pipeline->parts.source;

	pipeline->settling = true;
	pipeline->settle_deadline_ms = clock_ms();
	if (source->patient)
		pipeline->settle_deadline_ms = INT64_MAX;
	else if (!source->lost)
		pipeline->settle_deadline_ms += SETTLE_MS;
	pthread_cond_broadcast(&pipeline->changed);
}

/* Asked to stop: at once where everything can be read again; a pipe first
 * hands out the lines that have been taken out of it. */
static bool may_stop(const struct source *source, enum source_result result)
{
	return stop_requested() &&
	       (source->replayable || result != SOURCE_RECORD);
}

/* What the source has counted is published with the batch that holds it.
 * Under the lock. */
static void count_taken(struct pipeline *pipeline)
{
	const struct source_counts *here = &pipeline->parts.source->counts;
	const struct source_counts *before = &pipeline->before;

	pipeline->parts.stats->source = (struct source_counts){
		.read = before->read + here->read,
		.blank = before->blank + here->blank,
		.tombstones = before->tombstones + here->tombstones,
		.skipped = before->skipped + here->skipped,
		.rebalances = before->rebalances + here->rebalances,
	};
}

/* Whether no more records are to come.  A file was as long as that when it was
 * opened, whether or not its end has been met. */
static bool is_whole(const struct source *source, enum source_result result)
{
	return result == SOURCE_ENDED ||
	       (source->size >= 0 && source_offset(source, 0) >= source->size);
}

/* Fills one load and passes it on. */
static void read_one(struct pipeline *pipeline, struct load *load)
{
	struct batch *batch = &load->batch;
	struct error err = ERROR_INIT;
	enum source_result result = fill(pipeline, batch, &err);
	size_t taken = batch->record_count;
	struct error too_many = ERROR_INIT;

	/* What was read before a failure of the source still counts. */
	seal(pipeline, load);
	if (!pipeline_check_rejects(pipeline, batch,
				    is_whole(pipeline->parts.source, result),
				    &too_many)) {
		batch_reset(batch);
		if (result != SOURCE_FAILED)
			err = too_many;
	}
	if (result == SOURCE_SETTLE && pipeline->parts.source->lost)
		batch_reset(batch);
	pthread_mutex_lock(&pipeline->lock);
	pipeline->parts.stats->unsure = decoder_unsure(pipeline->parts.decoder);
	count_taken(pipeline);
	if (!pipeline->hold && !batch_is_empty(batch))
		push(pipeline, load);
	else
		pipeline->parts.stats->dropped += taken;
	if (!pipeline->hold && result == SOURCE_SETTLE)
		ask_to_settle(pipeline);
	if (!pipeline->hold &&
	    (err.kind != ERROR_NONE || result == SOURCE_ENDED ||
	     may_stop(pipeline->parts.source, result))) {
		pipeline->read_error = err;
		pipeline->ended = true;
		pthread_cond_broadcast(&pipeline->changed);
	}
	pthread_mutex_unlock(&pipeline->lock);
}

void *pipeline_read(void *context)
{
	struct pipeline *pipeline = context;
	struct load *load;

	while ((load = take_free(pipeline)) != NULL)
		read_one(pipeline, load);
	return NULL;
}
