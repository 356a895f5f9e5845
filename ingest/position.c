#include "ingest/position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"

enum { ANSWER_MS = 10000, LOOK_AGAIN_MS = 50 };

static const char begin_text[] =
	"begin isolation level read committed read write; "
	"set local role millrace_ingest; "
	"set local synchronous_commit = on; "
	"set local lock_timeout = '5s'; set local statement_timeout = '8s'; "
	"set local idle_in_transaction_session_timeout = '10s'; ";

void position_owner(char owner[OWNER_LEN + 1])
{
	unsigned char bytes[OWNER_LEN / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(owner + 2 * i, 3, "%02x", bytes[i]);
}

int positions_add(struct positions *positions, const char *source, int part)
{
	MEM_GROW(positions->item, positions->count, positions->capacity);
	positions->item[positions->count] = (struct position){
		.source = mem_strdup(source),
		.part = part,
	};
	return (int)positions->count++;
}

void positions_replace(struct positions *positions, int index,
		       const char *source, int part)
{
	struct position *position = &positions->item[index];

	free(position->source);
	*position = (struct position){
		.source = mem_strdup(source),
		.part = part,
	};
}

void positions_release(struct positions *positions)
{
	for (size_t i = 0; i < positions->count; i++)
		free(positions->item[i].source);
	free(positions->item);
	positions->item = NULL;
	positions->count = positions->capacity = 0;
}

static void add_literal(struct pg *pg, struct buf *sql, const char *before,
			const char *value, const char *after)
{
	buf_add_text(sql, before);
	pg_literal(pg, sql, value);
	buf_add_text(sql, after);
}

bool anchor_is_same(const struct anchor *a, const struct anchor *b)
{
	return a->offset == b->offset &&
	       !memcmp(a->hash, b->hash, ANCHOR_BYTES);
}

void position_add_advance(struct pg *pg, struct buf *sql,
			  const struct position *position, int64_t to,
			  const struct anchor *anchor)
{
	add_literal(pg, sql, "select millrace.advance(array[", position->source,
		    "]");
	buf_format(sql,
		   ", array[%d], array[%lld]::bigint[], array[%lld]::bigint[], "
		   "array[%lld]::bigint[], ",
		   position->part, (long long)position->epoch,
		   (long long)position->next_offset, (long long)to);
	if (!anchor) {
		buf_add_text(sql,
			     "array[null]::bigint[], array[null]::bytea[])");
		return;
	}
	buf_format(sql, "array[%lld]::bigint[], array['\\x",
		   (long long)anchor->offset);
	buf_add_hex(sql, anchor->hash, ANCHOR_BYTES);
	buf_add_text(sql, "']::bytea[])");
}

bool position_transact(struct pg *pg, const struct buf *statement,
		       PGresult **out, struct error *err)
{
	struct buf sql = BUF_INIT;
	char tag[64];
	bool ok;

	*out = NULL;
	buf_add_text(&sql, begin_text);
	buf_add(&sql, statement->data, statement->len);
	buf_add_text(&sql, "; commit");
	ok = pg_fetch(pg, ANSWER_MS, err, out, tag, buf_text(&sql));
	if (ok && strcmp(tag, "COMMIT") != 0)
		ok = error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			       "a position was rolled back");
	buf_release(&sql);
	if (ok)
		return true;
	PQclear(*out);
	*out = NULL;
	pg_rollback(pg);
	return false;
}

void position_add_key(struct pg *pg, struct buf *sql,
		      const struct position *position)
{
	buf_add_text(sql, " where source = ");
	pg_literal(pg, sql, position->source);
	buf_format(sql, " and part = %d", position->part);
}

/* --- claiming ------------------------------------------------------------- */

/* What a claim finds. */
struct holder {
	bool exists;
	bool lives; /* a session of another owner is connected */
	int64_t epoch;
	char pid[16];
};

static bool look(struct pg *pg, const struct positions *positions,
		 const struct position *position, struct holder *holder,
		 struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res;
	bool ok;

	add_literal(pg, &sql, "select p.epoch, p.owner <> ", positions->owner,
		    " and a.pid is not null, a.pid from millrace.position p "
		    "left join lateral (select pid from pg_stat_activity "
		    "where application_name = 'handle-streams ' || p.owner "
		    "limit 1) a on true");
	position_add_key(pg, &sql, position);
	ok = position_transact(pg, &sql, &res, err);
	buf_release(&sql);
	if (!ok)
		return false;
	*holder = (struct holder){.exists = PQntuples(res) == 1};
	if (holder->exists) {
		holder->epoch = pg_number(res, 0, 0);
		holder->lives = PQgetvalue(res, 0, 1)[0] == 't';
		snprintf(holder->pid, sizeof holder->pid, "%s",
			 PQgetvalue(res, 0, 2));
	}
	PQclear(res);
	return true;
}

static void add_anchor(struct buf *sql, const struct anchor *anchor)
{
	if (!anchor) {
		buf_add_text(sql, "null, null");
		return;
	}
	buf_format(sql, "%lld, '\\x", (long long)anchor->offset);
	buf_add_hex(sql, anchor->hash, ANCHOR_BYTES);
	buf_add_text(sql, "'");
}

static bool insert(struct pg *pg, const struct positions *positions,
		   const struct position *position, const struct anchor *first,
		   struct error *err)
{
	struct buf sql = BUF_INIT;
	PGresult *res;
	bool ok;

	add_literal(pg, &sql,
		    "insert into millrace.position (source, part, next_offset, "
		    "epoch, anchor_offset, anchor_hash, owner) values (",
		    position->source, "");
	buf_format(&sql, ", %d, 0, 0, ", position->part);
	add_anchor(&sql, first);
	add_literal(pg, &sql, ", ", positions->owner,
		    ") on conflict do nothing");
	ok = position_transact(pg, &sql, &res, err);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

/* Takes over next_offset and epoch from the row that a statement returns, or
 * loses the part.  Releases the statement. */
static bool learn(struct pg *pg, struct buf *sql, struct position *position,
		  struct error *err)
{
	PGresult *res;
	bool ok = position_transact(pg, sql, &res, err);

	buf_release(sql);
	if (!ok)
		return false;
	position->mine = PQntuples(res) == 1;
	if (position->mine) {
		position->next_offset = pg_number(res, 0, 0);
		position->epoch = pg_number(res, 0, 1);
	}
	PQclear(res);
	return true;
}

bool position_take(struct pg *pg, const struct positions *positions, int index,
		   int64_t epoch, const char *group, struct error *err)
{
	struct position *position = &positions->item[index];
	int64_t next = mutant("no-epoch-bump") ? epoch : epoch + 1;
	struct buf sql = BUF_INIT;

	buf_format(&sql,
		   "update millrace.position set epoch = %lld, "
		   "updated_at = now(), owner = ",
		   (long long)next);
	pg_literal(pg, &sql, positions->owner);
	if (group)
		add_literal(pg, &sql, ", group_id = ", group, "");
	position_add_key(pg, &sql, position);
	buf_format(&sql, " and epoch = %lld returning next_offset, epoch",
		   (long long)epoch);
	return learn(pg, &sql, position, err);
}

bool position_claim(struct pg *pg, struct positions *positions, int index,
		    const struct anchor *first, int64_t wait_ms,
		    struct error *err)
{
	struct position *position = &positions->item[index];
	int64_t deadline = clock_ms() + wait_ms;
	struct holder holder;

	fault_hit(FAULT_BEFORE_CLAIM);
	position->mine = false;
	while (!position->mine) {
		if (!look(pg, positions, position, &holder, err))
			return false;
		if (!holder.exists) {
			if (!insert(pg, positions, position, first, err))
				return false;
		} else if (!holder.lives) {
			if (!position_take(pg, positions, index, holder.epoch,
					   NULL, err))
				return false;
		} else if (clock_ms() >= deadline || stop_requested()) {
			return error_set(
				err, ERROR_FATAL, STATUS_FENCED,
				"another handle-streams (PostgreSQL session "
				"%s) is loading the same input; wait for it "
				"to end or stop it",
				holder.pid);
		} else {
			clock_sleep_ms(LOOK_AGAIN_MS);
		}
	}
	fault_hit(FAULT_AFTER_CLAIM);
	return true;
}

/* --- looking again -------------------------------------------------------- */

bool position_resolve(struct pg *pg, struct positions *positions, int index,
		      struct error *err)
{
	struct position *position = &positions->item[index];
	long long epoch = position->epoch;
	struct buf sql = BUF_INIT;

	if (mutant("no-epoch-bump")) {
		buf_add_text(&sql, "select next_offset, epoch "
				   "from millrace.position");
		position_add_key(pg, &sql, position);
		buf_add_text(&sql, " for update");
	} else {
		buf_format(&sql,
			   "update millrace.position set epoch = %lld, "
			   "updated_at = now()",
			   epoch + 1);
		position_add_key(pg, &sql, position);
		add_literal(pg, &sql, " and owner = ", positions->owner, "");
		buf_format(&sql,
			   " and epoch in (%lld, %lld) "
			   "returning next_offset, epoch",
			   epoch, epoch + 1);
	}
	return learn(pg, &sql, position, err);
}

bool position_read(struct pg *pg, struct positions *positions, int index,
		   struct error *err)
{
	struct position *position = &positions->item[index];
	struct buf sql = BUF_INIT;

	buf_add_text(&sql, "select next_offset, epoch from millrace.position");
	position_add_key(pg, &sql, position);
	add_literal(pg, &sql, " and owner = ", positions->owner, "");
	return learn(pg, &sql, position, err);
}

bool position_delete(struct pg *pg, struct positions *positions, int index,
		     struct error *err)
{
	const struct position *position = &positions->item[index];
	struct buf sql = BUF_INIT;
	PGresult *res;
	bool ok;

	buf_add_text(&sql, "delete from millrace.position");
	position_add_key(pg, &sql, position);
	add_literal(pg, &sql, " and owner = ", positions->owner, "");
	ok = position_transact(pg, &sql, &res, err);
	PQclear(res);
	buf_release(&sql);
	return ok;
}

bool position_sweep(struct pg *pg, int *swept, struct error *err)
{
	/* A live pipe that has just lost its sessions, to a restart of the
	 * server or a broken network, must keep its row: hence the ages. */
	static const char text[] =
		"set local lock_timeout = '500ms'; "
		"with gone as (delete from millrace.position p "
		"where source like 'pipe:%' "
		"and updated_at < now() - interval '1 day' "
		"and pg_postmaster_start_time() < now() - interval '2 hours' "
		"and not exists (select from pg_stat_activity where "
		"application_name = 'handle-streams ' || p.owner) "
		"returning 1) select count(*) from gone";
	struct buf sql = BUF_INIT;
	PGresult *res;
	bool ok;

	buf_add_text(&sql, text);
	ok = position_transact(pg, &sql, &res, err);
	buf_release(&sql);
	if (!ok)
		return false;
	*swept = (int)pg_number(res, 0, 0);
	PQclear(res);
	return true;
}

bool position_anchor(struct pg *pg, const struct positions *positions,
		     int index, bool *known, struct anchor *anchor,
		     struct error *err)
{
	const char *const values[] = {positions->item[index].source};
	PGresult *res = NULL;
	unsigned char *hash;
	size_t len;

	if (!pg_fetch_params(pg, ANSWER_MS, err, &res,
			     "select anchor_offset, anchor_hash "
			     "from millrace.position where source = $1 "
			     "and part = 0 and length(anchor_hash) = 16",
			     1, values))
		return false;
	*known = PQntuples(res) == 1;
	if (*known) {
		anchor->offset = pg_number(res, 0, 0);
		hash = pg_bytes(res, 0, 1, &len);
		memcpy(anchor->hash, hash, ANCHOR_BYTES); /* asked for */
		PQfreemem(hash);
	}
	PQclear(res);
	return true;
}
