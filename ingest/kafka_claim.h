/*
 * kafka_claim.h - partitions in millrace.position
 *
 * The group's assignment says who should load a partition; the claim makes it
 * so.  It is a compare-and-set on the epoch it read, and from then on whoever
 * had the partition before can commit nothing more.  One group loads a topic:
 * a second one would fight over the same rows and is refused.
 *
 * All of these run with no batch in flight, one transaction each.
 */
#ifndef INGEST_KAFKA_CLAIM_H
#define INGEST_KAFKA_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/position.h"

struct pg;

/* What a claim found besides the position itself. */
struct kafka_claim {
	bool known;    /* false: no row; nothing was claimed */
	bool anchored; /* a record before next_offset is known */
	struct anchor anchor;
};

/* Takes the partition over; on true with known, item[index] is ours. */
bool kafka_claim_take(struct pg *pg, struct positions *positions, int index,
		      const char *group, struct kafka_claim *claim,
		      struct error *err) MUST_CHECK;

/* Whether any partition of the source has a row: the topic has been begun, and
 * a partition without one is new. */
bool kafka_claim_begun(struct pg *pg, const char *source, bool *begun,
		       struct error *err) MUST_CHECK;

/* Stores where partitions [first, first + count) begin, those that have no row
 * yet, all at once: so every member of the group agrees. */
bool kafka_claim_create(struct pg *pg, const char *source, const char *group,
			int first, const int64_t *offset, size_t count,
			struct error *err) MUST_CHECK;

/* Moves a partition of ours to `to` over records that can never be loaded, and
 * puts that on record in millrace.gap, in one transaction. */
bool kafka_claim_skip(struct pg *pg, struct positions *positions, int index,
		      int64_t to, const char *reason,
		      struct error *err) MUST_CHECK;

/* How many of the partitions [0, count) stand at or beyond end[i]; one without
 * a row counts if end[i] is 0. */
bool kafka_claim_reached(struct pg *pg, const char *source, const int64_t *end,
			 size_t count, size_t *reached,
			 struct error *err) MUST_CHECK;

#endif
