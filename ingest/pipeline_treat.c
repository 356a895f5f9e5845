/* What a failure asks for before its batch can go again. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/pg.h"
#include "ingest/catalog.h"
#include "ingest/isolate.h"
#include "ingest/pipeline_parts.h"

enum { ISOLATIONS_MAX = 5 /* rounds for one batch */ };

static bool make_partitions(struct pipeline *pipeline, int unused,
			    struct error *err)
{
	PGresult *res = NULL;

	(void)unused;
	if (!pg_fetch(*pipeline->parts.control,
		      pipeline->parts.plan->statement_ms, err, &res, NULL,
		      "begin; set local role millrace_ingest; "
		      "select millrace.ensure_partitions(); commit")) {
		pg_rollback(*pipeline->parts.control);
		return false;
	}
	pipeline->partitions_made = (long)pg_number(res, 0, 0);
	PQclear(res);
	return true;
}

/* A row found no partition; or it did, and was refused by a trigger that says
 * the same: with nothing to make, only time or a person can help. */
static bool ease(struct pipeline *pipeline, const struct error *failure,
		 struct error *err)
{
	if (!strcmp(failure->sqlstate, "23514")) {
		if (!pipeline_insist(pipeline, make_partitions, 0, err))
			return false;
		if (pipeline->partitions_made)
			return true;
	}
	*err = *failure;
	return pipeline_back_off(pipeline, err);
}

static struct load *find_load(struct pipeline *pipeline, uint64_t sequence)
{
	struct load *load;

	pthread_mutex_lock(&pipeline->lock);
	load = pipeline->unacked;
	while (load && load->batch.sequence != sequence)
		load = load->next;
	pthread_mutex_unlock(&pipeline->lock);
	return load;
}

/* The bytes of rows that have become rejects, the last `count` of a light
 * batch's. */
static bool restore(struct pipeline *pipeline, struct batch *batch,
		    size_t count, struct error *err)
{
	struct buf bytes = BUF_INIT;
	bool ok = true;

	for (size_t i = batch->reject_count - count;
	     ok && i < batch->reject_count; i++) {
		struct batch_origin *origin = &batch->reject[i].origin;

		ok = source_reread(pipeline->parts.source, origin->position,
				   buf_reserve(&bytes, origin->raw_len),
				   origin->raw_len, err);
		if (ok)
			batch_restore(batch, origin, bytes.data);
	}
	buf_release(&bytes);
	return ok;
}

/* PostgreSQL refused a row: find it and set it aside. */
static bool isolate(struct pipeline *pipeline, struct error *err)
{
	struct load *load = find_load(pipeline, pipeline->failure_sequence);
	struct error failed = ERROR_INIT;
	size_t moved = 0;

	if (!load)
		return true; /* committed after all */
	if (load->isolations++ >= ISOLATIONS_MAX) {
		*err = pipeline->failure;
		return error_context(err, "no row of the batch is at fault");
	}
	if (!pipeline_control(pipeline, &failed) ||
	    !isolate_rows(*pipeline->parts.control, pipeline->parts.plan,
			  &load->batch, load->isolated, &moved, &failed)) {
		*err = failed;
		if (failed.kind != ERROR_TRANSIENT)
			return false;
		load->isolations--;
		return ease(pipeline, &failed, err);
	}
	if (load->batch.light && !restore(pipeline, &load->batch, moved, err))
		return false;
	pthread_mutex_lock(&pipeline->lock);
	pipeline->parts.stats->isolated += moved;
	load->isolated += moved;
	load->rejects += moved;
	pthread_mutex_unlock(&pipeline->lock);
	log_line(LOG_WARNING,
		 "PostgreSQL refused %zu rows of a batch; they became rejects",
		 moved);
	return pipeline_check_rejects(pipeline, NULL, false, err);
}

bool pipeline_treat(struct pipeline *pipeline, struct error *err)
{
	const struct error *failure = &pipeline->failure;

	switch (failure->kind) {
	case ERROR_DATA:
		return isolate(pipeline, err);
	case ERROR_TRANSIENT:
		break;
	default:
		*err = *failure;
		catalog_explain(pipeline->parts.plan, pipeline->parts.control,
				err);
		return false;
	}
	if (!strcmp(failure->sqlstate, "MR001")) {
		pipeline->parts.stats->moved++;
		return true;
	}
	return ease(pipeline, failure, err);
}
