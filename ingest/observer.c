#include "ingest/observer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/mem.h"
#include "ingest/decode.h"

enum { ONE_IN = 1000 };

struct observer {
	struct decoder *decoder;
	pthread_mutex_t lock;
	struct drift drift;
	atomic_bool found;   /* looked at one since they were taken */
	unsigned until_next; /* records to let pass; the reader's own */
};

struct observer *observer_open(struct decoder *decoder)
{
	struct observer *observer = mem_zalloc(1, sizeof *observer);

	observer->decoder = decoder;
	observer->drift = DRIFT_INIT;
	pthread_mutex_init(&observer->lock, NULL);
	return observer;
}

void observer_close(struct observer *observer)
{
	if (!observer)
		return;
	drift_release(&observer->drift);
	pthread_mutex_destroy(&observer->lock);
	free(observer);
}

void observer_see(struct observer *observer, const struct record *record)
{
	if (observer->until_next > 0 &&
	    atomic_load_explicit(&observer->found, memory_order_relaxed)) {
		observer->until_next--;
		return;
	}
	observer->until_next = ONE_IN - 1;
	pthread_mutex_lock(&observer->lock);
	decoder_observe(observer->decoder, record, &observer->drift);
	atomic_store(&observer->found, true);
	pthread_mutex_unlock(&observer->lock);
}

bool observer_take(struct observer *observer, struct drift *out)
{
	bool found;

	pthread_mutex_lock(&observer->lock);
	found = atomic_load(&observer->found);
	if (found) {
		*out = observer->drift;
		observer->drift = DRIFT_INIT;
		atomic_store(&observer->found, false);
	}
	pthread_mutex_unlock(&observer->lock);
	return found;
}
