/*
 * kafka_access.h - reaching a cluster, and what its refusals mean
 *
 * librdkafka tries for ever and says why only aside, to its error callback.
 * Here a wrong password, a certificate that does not fit and a missing right
 * become one sentence that says what to do.
 */
#ifndef INGEST_KAFKA_ACCESS_H
#define INGEST_KAFKA_ACCESS_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "ingest/kafka_conf.h"

/* What the brokers' threads said last; any thread may note. */
struct kafka_trouble {
	pthread_mutex_t lock;
	struct buf text;
	rd_kafka_resp_err_t code;
};

void kafka_trouble_init(struct kafka_trouble *trouble);
void kafka_trouble_release(struct kafka_trouble *trouble);

/* For an error callback. */
void kafka_trouble_note(struct kafka_trouble *trouble, int code,
			const char *reason);

/* A consumer with that configuration, which it takes; NULL: it makes no sense.
 */
rd_kafka_t *kafka_access_open(rd_kafka_conf_t *conf,
			      struct error *err) MUST_CHECK;

/* Waits until a broker answers, and learns the cluster's id, for
 * rd_kafka_mem_free.  Refusals end it at once.  rk's error callback must note
 * in `trouble`. */
bool kafka_access_reach(rd_kafka_t *rk, struct kafka_trouble *trouble,
			const struct kafka_settings *settings,
			int64_t connect_ms, char **cluster,
			struct error *err) MUST_CHECK;

/* If `code` says that a right is missing: sets *err (FATAL) to which, and how
 * to grant it.  topic: NULL where none is concerned. */
bool kafka_access_denied(const struct kafka_settings *settings,
			 rd_kafka_resp_err_t code, const char *topic,
			 struct error *err);

#endif
