#include "ingest/kafka_claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/pg.h"

/* Runs a statement; its rows are the caller's. */
static bool fetch(struct pg *pg, struct buf *sql, PGresult **out,
		  struct error *err)
{
	bool ok = position_transact(pg, sql, out, err);

	buf_release(sql);
	return ok;
}

static bool run(struct pg *pg, struct buf *sql, struct error *err)
{
	PGresult *res = NULL;
	bool ok = fetch(pg, sql, &res, err);

	PQclear(res);
	return ok;
}

/* --- taking over ---------------------------------------------------------- */

static void read_anchor(const PGresult *res, struct kafka_claim *claim)
{
	const char *hex = PQgetvalue(res, 0, 3);

	claim->anchored = !PQgetisnull(res, 0, 2) &&
			  strlen(hex) == (size_t)2 * ANCHOR_BYTES;
	if (!claim->anchored)
		return;
	claim->anchor.offset = pg_number(res, 0, 2);
	for (int i = 0; i < ANCHOR_BYTES; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		claim->anchor.hash[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
}

/* The epoch, the anchor, and whether another group loads this. */
static bool look(struct pg *pg, const struct position *position,
		 const char *group, int64_t *epoch, struct kafka_claim *claim,
		 struct error *err)
{
	struct buf sql = BUF_INIT;
	const char *holder;
	PGresult *res;
	bool ok = true;

	*claim = (struct kafka_claim){0};
	buf_add_text(&sql, "select epoch, group_id, anchor_offset, "
			   "encode(anchor_hash, 'hex') from millrace.position");
	position_add_key(pg, &sql, position);
	if (!fetch(pg, &sql, &res, err))
		return false;
	claim->known = PQntuples(res) == 1;
	if (claim->known) {
		*epoch = pg_number(res, 0, 0);
		holder = PQgetvalue(res, 0, 1);
		if (*holder && strcmp(holder, group) != 0)
			ok = error_set(
				err, ERROR_FATAL, STATUS_FENCED,
				"group %s loads %s into this database; a "
				"second group, %s, would load every record "
				"again; use -G %s",
				holder, position->source, group, holder);
		read_anchor(res, claim);
	}
	PQclear(res);
	return ok;
}

bool kafka_claim_take(struct pg *pg, struct positions *positions, int index,
		      const char *group, struct kafka_claim *claim,
		      struct error *err)
{
	struct position *position = &positions->item[index];
	int64_t epoch = 0;

	fault_hit(FAULT_BEFORE_CLAIM);
	position->mine = false;
	while (!position->mine) {
		if (!look(pg, position, group, &epoch, claim, err))
			return false;
		if (!claim->known)
			return true;
		if (!position_take(pg, positions, index, epoch, group, err))
			return false;
	}
	fault_hit(FAULT_AFTER_CLAIM);
	return true;
}

/* --- beginning ------------------------------------------------------------ */

bool kafka_claim_begun(struct pg *pg, const char *source, bool *begun,
		       struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res;

	buf_add_text(&sql, "select from millrace.position where source = ");
	pg_literal(pg, &sql, source);
	buf_add_text(&sql, " limit 1");
	if (!fetch(pg, &sql, &res, err))
		return false;
	*begun = PQntuples(res) > 0;
	PQclear(res);
	return true;
}

bool kafka_claim_create(struct pg *pg, const char *source, const char *group,
			int first, const int64_t *offset, size_t count,
			struct error *err)
{
	struct buf sql = BUF_INIT;

	buf_add_text(&sql, "insert into millrace.position (source, part, "
			   "next_offset, epoch, owner, group_id) values ");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(&sql, i ? ", (" : "(");
		pg_literal(pg, &sql, source);
		buf_format(&sql, ", %d, %lld, 0, '', ", first + (int)i,
			   (long long)offset[i]);
		pg_literal(pg, &sql, group);
		buf_add_text(&sql, ")");
	}
	buf_add_text(&sql, " on conflict do nothing");
	return run(pg, &sql, err);
}

/* --- over a gap ----------------------------------------------------------- */

bool kafka_claim_skip(struct pg *pg, struct positions *positions, int index,
		      int64_t to, const char *reason, struct error *err)
{
	struct position *position = &positions->item[index];
	struct buf sql = BUF_INIT;

	buf_add_text(&sql, "insert into millrace.gap (source, part, "
			   "from_offset, to_offset, reason) values (");
	pg_literal(pg, &sql, position->source);
	buf_format(&sql, ", %d, %lld, %lld, ", position->part,
		   (long long)position->next_offset, (long long)to);
	pg_literal(pg, &sql, reason);
	buf_add_text(&sql, "); ");
	position_add_advance(pg, &sql, position, to, NULL);
	if (!run(pg, &sql, err))
		return false;
	position->next_offset = to;
	return true;
}

/* --- at the end ----------------------------------------------------------- */

bool kafka_claim_reached(struct pg *pg, const char *source, const int64_t *end,
			 size_t count, size_t *reached, struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res;

	buf_add_text(&sql, "select part, next_offset from millrace.position "
			   "where source = ");
	pg_literal(pg, &sql, source);
	if (!fetch(pg, &sql, &res, err))
		return false;
	*reached = 0;
	for (size_t i = 0; i < count; i++)
		*reached += end[i] == 0;
	for (int i = 0; i < PQntuples(res); i++) {
		size_t part = (size_t)pg_number(res, i, 0);

		*reached += part < count && end[part] > 0 &&
			    pg_number(res, i, 1) >= end[part];
	}
	PQclear(res);
	return true;
}
