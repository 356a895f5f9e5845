/*
 * kafka_conf.h - what the consumer is told, and what it must not be told
 *
 * Any property of librdkafka passes through -X NAME=VALUE, except those that
 * would void the promise: they are refused with the reason.  Secrets never
 * come as a value, which every `ps` shows: -X sasl.password.file=PATH reads
 * the file, -X sasl.password.env=NAME the environment.
 */
#ifndef INGEST_KAFKA_CONF_H
#define INGEST_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/settings.h"

enum on_gap { ON_GAP_HALT, ON_GAP_RECORD };

/* What the user asked of Kafka. */
struct kafka_settings {
	const char *brokers;           /* -b; "": no Kafka */
	struct setting_list topic;     /* -t */
	const char *group;             /* -G */
	const char *offset;            /* -o */
	bool exit_at_end;              /* -e */
	int64_t count;                 /* -c; 0: any number */
	struct setting_list partition; /* -p; none: those the group assigns */
	struct setting_list property;  /* -X */
	struct setting_list map;       /* --map TOPIC=STREAM */
	int on_gap;
};

/* The configuration of a consumer, which the caller owns. */
bool kafka_conf_build(rd_kafka_conf_t **out,
		      const struct kafka_settings *settings,
		      struct error *err) MUST_CHECK;

/* Where a partition is begun that was never loaded: -o. */
struct kafka_start {
	enum {
		START_BEGINNING,
		START_END,
		START_OFFSET, /* value: the offset */
		START_TAIL,   /* value: that many before the end */
		START_TIME,   /* value: milliseconds since 1970 */
	} kind;
	int64_t value;
};

bool kafka_start_parse(struct kafka_start *start, const char *text,
		       struct error *err) MUST_CHECK;

#endif
