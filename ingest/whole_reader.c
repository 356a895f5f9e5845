/* The reading thread of a whole load: source -> decoder -> filled slots. */
#include <stdlib.h>

#include "common/clock.h"
#include "common/stop.h"
#include "ingest/decode.h"
#include "ingest/observer.h"
#include "ingest/whole_parts.h"

enum { IDLE_MS = 100 };

static bool must_leave(struct whole *whole)
{
	bool quit;

	pthread_mutex_lock(&whole->lock);
	quit = whole->quit;
	pthread_mutex_unlock(&whole->lock);
	return quit || stop_requested();
}

/* Fills a batch; *last: the source has ended or failed, or we must leave. */
static void fill(struct whole *whole, struct batch *batch, bool *last,
		 struct error *err)
{
	const struct pipeline_parts *parts = whole->parts;
	const struct pipeline_settings *settings = parts->settings;

	*last = false;
	while (batch->record_count < (size_t)settings->batch_rows &&
	       batch_bytes(batch) < (size_t)settings->batch_bytes) {
		struct record record;

		switch (source_next(parts->source, clock_ms() + IDLE_MS,
				    &record, err)) {
		case SOURCE_RECORD:
			decoder_decode(parts->decoder, &record, batch);
			if (parts->observer)
				observer_see(parts->observer, &record);
			continue;
		case SOURCE_WAIT:
			if (!must_leave(whole))
				continue;
			whole->stopped = true;
			break;
		default:
			break;
		}
		*last = true;
		return;
	}
	if (must_leave(whole)) {
		whole->stopped = true;
		*last = true;
	}
}

/* The slot to fill, once it is free.  False: we must leave. */
static bool wait_free(struct whole *whole, struct whole_slot *slot)
{
	bool ok;

	pthread_mutex_lock(&whole->lock);
	while (slot->filled && !whole->quit)
		pthread_cond_wait(&whole->changed, &whole->lock);
	ok = !whole->quit;
	pthread_mutex_unlock(&whole->lock);
	return ok;
}

static void *run(void *context)
{
	struct whole *whole = context;
	bool last = false;

	for (size_t i = 0; !last; i = (i + 1) % WHOLE_SLOTS) {
		struct whole_slot *slot = &whole->slot[i];
		struct error err = ERROR_INIT;

		if (!wait_free(whole, slot))
			break;
		batch_reset(&slot->load.batch);
		fill(whole, &slot->load.batch, &last, &err);
		pthread_mutex_lock(&whole->lock);
		whole->read_error = err;
		slot->last = last;
		slot->filled = true;
		pthread_cond_broadcast(&whole->changed);
		pthread_mutex_unlock(&whole->lock);
	}
	return NULL;
}

void whole_reader_start(struct whole *whole)
{
	whole->quit = whole->stopped = false;
	whole->read_error = ERROR_INIT;
	for (size_t i = 0; i < WHOLE_SLOTS; i++)
		whole->slot[i].filled = false;
	whole->reading = true;
	if (pthread_create(&whole->reader, NULL, run, whole) != 0)
		abort(); /* like memory: without it nothing can go on */
}

void whole_reader_stop(struct whole *whole)
{
	pthread_mutex_lock(&whole->lock);
	whole->quit = true;
	pthread_cond_broadcast(&whole->changed);
	pthread_mutex_unlock(&whole->lock);
	pthread_join(whole->reader, NULL);
}

struct whole_slot *whole_reader_take(struct whole *whole, size_t turn)
{
	struct whole_slot *slot = &whole->slot[turn % WHOLE_SLOTS];

	pthread_mutex_lock(&whole->lock);
	while (!slot->filled)
		pthread_cond_wait(&whole->changed, &whole->lock);
	pthread_mutex_unlock(&whole->lock);
	return slot;
}

void whole_reader_free(struct whole *whole, struct whole_slot *slot)
{
	pthread_mutex_lock(&whole->lock);
	slot->filled = false;
	pthread_cond_broadcast(&whole->changed);
	pthread_mutex_unlock(&whole->lock);
}
