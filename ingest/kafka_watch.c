#include "ingest/kafka_watch.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"

enum { ASK_MS = 1000, EVERY_MS = 1000, EVERY_BYTES = 4 * 1024 * 1024 };

struct kafka_watch {
	pthread_t thread;
	sem_t wanted;
	atomic_bool quit;
	atomic_bool alarm;
	size_t unasked; /* bytes read since the last question; the reader's */
	pthread_mutex_t lock; /* held while asking; guards what follows */
	rd_kafka_t *rk;
	rd_kafka_topic_partition_list_t *list;
	_Atomic int64_t *reached; /* by the reader; of each in the list */
	int next;
};

static bool is_gone(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
	       code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
	       code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* Any other error is for the consumer to report. */
static void ask(struct kafka_watch *watch)
{
	const rd_kafka_topic_partition_t *place;
	rd_kafka_resp_err_t code;
	int64_t reached;
	int64_t low;
	int64_t high;

	if (!watch->list || watch->list->cnt == 0)
		return;
	watch->next = (watch->next + 1) % watch->list->cnt;
	place = &watch->list->elems[watch->next];
	reached = atomic_load(&watch->reached[watch->next]);
	code = rd_kafka_query_watermark_offsets(
		watch->rk, place->topic, place->partition, &low, &high, ASK_MS);
	if (is_gone(code) ||
	    (code == RD_KAFKA_RESP_ERR_NO_ERROR && high < reached))
		atomic_store(&watch->alarm, true);
}

/* Waits for reading that makes a question worth while.  False: none came for
 * a second. */
static bool wait(struct kafka_watch *watch)
{
	const struct timespec until = clock_after(EVERY_MS);

	if (sem_clockwait(&watch->wanted, CLOCK_MONOTONIC, &until) != 0)
		return false;
	while (sem_trywait(&watch->wanted) == 0)
		;
	return true;
}

static void *run(void *context)
{
	struct kafka_watch *watch = context;
	int64_t round = 0;

	while (!atomic_load(&watch->quit)) {
		bool asked = wait(watch);
		int64_t now = clock_ms() / EVERY_MS;
		int count = 1;

		do {
			pthread_mutex_lock(&watch->lock);
			if (!asked || now != round)
				count = watch->list ? watch->list->cnt : 0;
			ask(watch);
			pthread_mutex_unlock(&watch->lock);
			asked = true;
			round = now;
		} while (--count > 0 && !atomic_load(&watch->quit));
	}
	return NULL;
}

struct kafka_watch *kafka_watch_start(void)
{
	struct kafka_watch *watch = mem_zalloc(1, sizeof *watch);

	sem_init(&watch->wanted, 0, 0);
	pthread_mutex_init(&watch->lock, NULL);
	if (pthread_create(&watch->thread, NULL, run, watch) != 0)
		abort(); /* no memory for a thread */
	return watch;
}

void kafka_watch_stop(struct kafka_watch *watch)
{
	if (!watch)
		return;
	atomic_store(&watch->quit, true);
	sem_post(&watch->wanted);
	pthread_join(watch->thread, NULL);
	kafka_watch_set(watch, NULL, NULL);
	pthread_mutex_destroy(&watch->lock);
	sem_destroy(&watch->wanted);
	free(watch);
}

void kafka_watch_set(struct kafka_watch *watch, rd_kafka_t *rk,
		     const rd_kafka_topic_partition_list_t *list)
{
	pthread_mutex_lock(&watch->lock);
	if (watch->list)
		rd_kafka_topic_partition_list_destroy(watch->list);
	free(watch->reached);
	watch->rk = rk;
	watch->list = NULL;
	watch->reached = NULL;
	watch->next = -1;
	if (list) {
		watch->list = rd_kafka_topic_partition_list_copy(list);
		watch->reached = mem_zalloc((size_t)list->cnt + 1,
					    sizeof *watch->reached);
	}
	atomic_store(&watch->alarm, false);
	pthread_mutex_unlock(&watch->lock);
}

void kafka_watch_read(struct kafka_watch *watch, size_t bytes)
{
	watch->unasked += bytes;
	if (watch->unasked < EVERY_BYTES)
		return;
	watch->unasked = 0;
	sem_post(&watch->wanted);
}

void kafka_watch_reached(struct kafka_watch *watch, int item, int64_t offset)
{
	atomic_store_explicit(&watch->reached[item], offset,
			      memory_order_relaxed);
}

bool kafka_watch_alarmed(struct kafka_watch *watch)
{
	return atomic_load_explicit(&watch->alarm, memory_order_relaxed) &&
	       atomic_exchange(&watch->alarm, false);
}
