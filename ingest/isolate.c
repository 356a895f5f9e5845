#include "ingest/isolate.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/pg.h"
#include "ingest/sink.h"
#include "ingest/stream.h"

enum { ANSWER_MS = 65000 };

/* A row found guilty. */
struct culprit {
	size_t row;
	const char *reason;
	const char *sqlstate;
	const char *column;
};

/* The search in one table. */
struct search {
	struct pg *pg;
	const struct sink_plan *plan;
	struct batch *batch;
	size_t table;
	struct culprit culprit[ISOLATE_MAX];
	size_t count;  /* of this table */
	size_t before; /* of the tables and rounds before it */
	struct arena arena;
};

size_t isolate_line(const char *context)
{
	/* COPY bluesky_events, line 3, column did: ... */
	const char *at = strstr(context, "COPY ");
	const char *comma = at ? strchr(at, ',') : NULL;
	const char *digit = comma ? comma + strcspn(comma, "0123456789\n") : "";

	return *digit == '\n' ? 0 : strtoul(digit, NULL, 10);
}

/* More than can be set aside.  PostgreSQL's own words may quote the row, and
 * this goes to the log. */
static bool give_up(const struct search *search, struct error *err)
{
	const struct pg_failure *failure = pg_failure(search->pg);
	bool of_column = *failure->column != '\0';
	bool of_constraint = *failure->constraint != '\0';

	return error_set(
		err, ERROR_FATAL, STATUS_DATA,
		"PostgreSQL refuses more than %d rows of one batch for %s, the "
		"last with SQLSTATE %s%s%s%s%s",
		ISOLATE_MAX,
		search->batch->table[search->table].stream->relation,
		failure->sqlstate, of_column ? ", column " : "",
		failure->column, of_constraint ? ", constraint " : "",
		failure->constraint);
}

static bool accuse(struct search *search, size_t row, const struct error *why,
		   struct error *err)
{
	const struct pg_failure *failure = pg_failure(search->pg);

	if (search->before + search->count >= ISOLATE_MAX)
		return give_up(search, err);
	search->culprit[search->count++] = (struct culprit){
		.row = row,
		.reason = arena_format(&search->arena, "PostgreSQL: %s",
				       failure->message),
		.sqlstate = arena_strdup(&search->arena, why->sqlstate),
		.column = *failure->column ? arena_strdup(&search->arena,
							  failure->column)
					   : NULL,
	};
	return true;
}

/* COPYs [from, to) under a savepoint.  *accepted false with true returned: the
 * data was refused, as *why says. */
static bool try_rows(struct search *search, size_t from, size_t to,
		     bool *accepted, struct error *why, struct error *err)
{
	*why = ERROR_INIT;
	*accepted = true;
	if (from == to)
		return true;
	if (!pg_run(search->pg, ANSWER_MS, err, "savepoint probe"))
		return false;
	if (sink_copy_rows(search->pg, search->plan, search->batch,
			   search->table, from, to, why) &&
	    pg_run(search->pg, ANSWER_MS, why,
		   "set constraints all immediate; release savepoint probe"))
		return true;
	if (why->kind != ERROR_DATA || why->lost) {
		*err = *why;
		return false;
	}
	*accepted = false;
	return true;
}

static bool go_back(struct search *search, struct error *err)
{
	return pg_run(search->pg, ANSWER_MS, err,
		      "rollback to savepoint probe; "
		      "release savepoint probe");
}

static bool probe(struct search *search, size_t from, size_t to,
		  struct error *err);

/* Halves [from, to), which was refused without a line number. */
static bool bisect(struct search *search, size_t from, size_t to,
		   struct error *err)
{
	size_t middle = from + (to - from) / 2;

	return probe(search, from, middle, err) &&
	       probe(search, middle, to, err);
}

/* Tries [from, to) until what is left of it has been accepted. */
static bool probe(struct search *search, size_t from, size_t to,
		  struct error *err)
{
	struct error why;
	bool accepted;

	while (from < to) {
		size_t line;
		size_t bad;

		if (!try_rows(search, from, to, &accepted, &why, err))
			return false;
		if (accepted)
			return true;
		line = isolate_line(pg_failure(search->pg)->context);
		if (line > to - from)
			line = 0;
		if (line == 0 && to - from > 1)
			return go_back(search, err) &&
			       bisect(search, from, to, err);
		bad = line ? from + line - 1 : from;
		if (!accuse(search, bad, &why, err) || !go_back(search, err))
			return false;
		/* Those before it again, since later ones may depend on them;
		 * they were accepted a moment ago. */
		if (!try_rows(search, from, bad, &accepted, &why, err))
			return false;
		if (!accepted &&
		    (!go_back(search, err) || !bisect(search, from, bad, err)))
			return false;
		from = bad + 1;
	}
	return true;
}

static int by_row(const void *a, const void *b)
{
	const struct culprit *left = a;
	const struct culprit *right = b;

	return (left->row > right->row) - (left->row < right->row);
}

/* Takes the guilty rows out of the table and makes rejects of them. */
static void move_rows(struct search *search)
{
	struct batch_table *table = &search->batch->table[search->table];
	size_t kept_bytes = 0;
	size_t kept = 0;
	size_t next = 0;

	qsort(search->culprit, search->count, sizeof *search->culprit, by_row);
	for (size_t i = 0; i < table->row_count; i++) {
		struct batch_row row = table->row[i];
		size_t end = i + 1 < table->row_count ? table->row[i + 1].start
						      : table->rows.len;
		const struct culprit *culprit = &search->culprit[next];

		if (next < search->count && culprit->row == i) {
			batch_reject(search->batch, table->stream, &row.origin,
				     culprit->reason, culprit->sqlstate,
				     culprit->column);
			next++;
			continue;
		}
		memmove(table->rows.data + kept_bytes,
			table->rows.data + row.start, end - row.start);
		table->row[kept].start = kept_bytes;
		table->row[kept].origin = row.origin;
		kept_bytes += end - row.start;
		kept++;
	}
	table->rows.len = kept_bytes;
	table->row_count = kept;
}

bool isolate_rows(struct pg *pg, const struct sink_plan *plan,
		  struct batch *batch, size_t before, size_t *moved,
		  struct error *err)
{
	struct search *search = mem_zalloc(1, sizeof *search);
	struct buf begin = BUF_INIT;
	bool ok;

	*moved = 0;
	search->pg = pg;
	search->plan = plan;
	search->batch = batch;
	search->before = before;
	sink_add_begin(plan, false, &begin);
	ok = pg_run(pg, ANSWER_MS, err, buf_text(&begin));
	for (size_t i = 0; ok && i < batch->table_count; i++) {
		search->table = i;
		search->count = 0;
		ok = probe(search, 0, batch->table[i].row_count, err);
		if (ok)
			move_rows(search);
		search->before += search->count;
	}
	pg_rollback(pg);
	*moved = search->before - before;
	buf_release(&begin);
	arena_release(&search->arena);
	free(search);
	return ok;
}
