#include "aggregate/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "aggregate/changes.h"
#include "aggregate/ledger.h"
#include "aggregate/quote.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/pg.h"

/* --- what there is to take ------------------------------------------------ */

struct plan {
	struct refresh *refresh;
	const struct task_input *input;
	struct snapshot_step *step;
	size_t count;
	bool is_new;
};

/* Loads in the order in which they are taken: by the time from which they
 * hold, which for an extract is the one it was given. */
static bool list_loads(const struct plan *plan, PGresult **out,
		       struct error *err)
{
	const struct task_state *state = &plan->refresh->task->state;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_add_text(&sql, "select l.load_id, l.loaded_at, l.op, l.row_count, "
			   "e.effective, e.effective < m.effective_through "
			   "from millrace.load l cross join lateral "
			   "(select coalesce((l.origin->>'effective')"
			   "::timestamptz, l.loaded_at) at time zone 'UTC' "
			   "as effective) e left join millrace.model m "
			   "on m.model = ");
	quote_literal(&sql, plan->refresh->task->name);
	buf_add_text(&sql, "\nwhere l.relation = ");
	quote_literal(&sql, plan->input->relation);
	buf_add_text(&sql, " and " LEDGER_SAYS_SOMETHING
			   " and not exists (select from millrace.excluded e "
			   "where e.load_id = l.load_id and e.model = ");
	quote_literal(&sql, plan->refresh->task->name);
	buf_add_byte(&sql, ')');
	if (!plan->is_new) {
		buf_add_text(&sql, " and l.load_id = any('{0");
		for (size_t i = 0; i < state->load_count; i++)
			if (state->load[i].input == plan->input)
				buf_format(&sql, ",%" PRId64,
					   state->load[i].id);
		buf_add_text(&sql, "}'::bigint[])");
	}
	buf_add_text(&sql, mutant("extracts-as-they-come")
				   ? "\norder by l.load_id"
				   : "\norder by e.effective, l.load_id");
	ok = pg_fetch(plan->refresh->pg, plan->refresh->timeout_ms, err, out,
		      NULL, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

enum { COL_LOAD, COL_LOADED_AT, COL_OP, COL_ROWS, COL_EFFECTIVE, COL_OLD };

static struct load *load_of(const struct plan *plan, const PGresult *res,
			    int row)
{
	struct arena *arena = &plan->refresh->arena;
	struct load *load = arena_zalloc(arena, sizeof *load);

	load->id = pg_number(res, row, COL_LOAD);
	load->input = plan->input;
	load->loaded_at =
		arena_strdup(arena, PQgetvalue(res, row, COL_LOADED_AT));
	load->op = PQgetvalue(res, row, COL_OP)[0];
	load->rows = pg_number(res, row, COL_ROWS);
	return load;
}

static struct snapshot_step *add_step(struct plan *plan,
				      enum snapshot_mode mode,
				      const struct load *load,
				      const char *effective)
{
	struct snapshot_step *step = &plan->step[plan->count++];

	*step = (struct snapshot_step){
		.mode = mode,
		.load_id = load->id,
		.effective = arena_strdup(&plan->refresh->arena, effective),
	};
	return step;
}

/* --- streams -------------------------------------------------------------- */

/* Versions with their own times may come in any order, so all at once. */
static void add_events(struct plan *plan, const PGresult *res)
{
	int rows = PQntuples(res);
	struct snapshot_step *step;

	if (!rows)
		return;
	step = add_step(plan, SNAPSHOT_EVENTS, load_of(plan, res, rows - 1),
			PQgetvalue(res, rows - 1, COL_EFFECTIVE));
	if (plan->is_new) /* all there are */
		return;
	step->load = arena_zalloc(&plan->refresh->arena,
				  (size_t)rows * sizeof *step->load);
	for (int row = 0; row < rows; row++)
		step->load[step->load_count++] = *load_of(plan, res, row);
}

static bool refuse_old(const struct plan *plan, const PGresult *res, int row,
		       struct error *err)
{
	return error_set(
		err, ERROR_FATAL, STATUS_DATA,
		"load %s of %s holds since %s UTC, and a newer extract "
		"has been taken: history is not rewritten; `periodic "
		"exclude %s %s` leaves it out",
		PQgetvalue(res, row, COL_LOAD), plan->input->relation,
		PQgetvalue(res, row, COL_EFFECTIVE), plan->refresh->task->name,
		PQgetvalue(res, row, COL_LOAD));
}

static bool add_stream_load(struct plan *plan, const PGresult *res, int row,
			    struct error *err)
{
	const struct load *load = load_of(plan, res, row);
	const char *effective = PQgetvalue(res, row, COL_EFFECTIVE);
	struct snapshot_step *step;

	switch (load->op) {
	case 't':
		if (PQgetvalue(res, row, COL_OLD)[0] == 't' && !plan->is_new &&
		    !mutant("extracts-as-they-come"))
			return refuse_old(plan, res, row, err);
		step = add_step(plan, SNAPSHOT_EXTRACT, load, effective);
		step->loaded_at = load->loaded_at;
		return true;
	case 'i':
		step = add_step(plan, SNAPSHOT_CHANGES, load, effective);
		step->load = load_of(plan, res, row);
		step->load_count = 1;
		return true;
	default:
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "load %s of %s replaces a range of rows, and "
				 "a snapshot does not take back what it has "
				 "seen: `periodic exclude %s %s` leaves it out",
				 PQgetvalue(res, row, COL_LOAD),
				 plan->input->relation,
				 plan->refresh->task->name,
				 PQgetvalue(res, row, COL_LOAD));
	}
}

/* Whether staging still has the rows of an extract: without this, one that
 * retention has dropped would look like everybody leaving. */
static bool is_kept(const struct plan *plan, const struct snapshot_step *step,
		    bool *kept, struct error *err)
{
	const struct refresh *refresh = plan->refresh;
	struct buf sql = BUF_INIT;
	bool ok;

	buf_format(&sql,
		   "select exists (select from %s where loaded_at = '%s') or "
		   "exists (select from millrace.load where load_id = %" PRId64
		   " and row_count = 0)",
		   plan->input->table, step->loaded_at, step->load_id);
	ok = pg_ask(refresh->pg, refresh->timeout_ms, err, kept,
		    buf_text(&sql));
	buf_release(&sql);
	return ok;
}

/* --- models --------------------------------------------------------------- */

/* A model that was replaced, or whose gone rows were not kept, is compared as
 * a whole, as it stands. */
static void add_model_loads(struct plan *plan, const PGresult *res)
{
	int rows = PQntuples(res);
	bool whole = plan->is_new || !plan->input->has_old;

	for (int row = 0; row < rows; row++) {
		const struct load *load = load_of(plan, res, row);

		whole = whole || load->op == 't' ||
			(load->op == 'r' &&
			 load->id <= plan->input->gone_from_load);
	}
	if (rows && whole) {
		add_step(plan, SNAPSHOT_EXTRACT, load_of(plan, res, rows - 1),
			 PQgetvalue(res, rows - 1, COL_EFFECTIVE));
		return;
	}
	for (int row = 0; row < rows; row++) {
		struct snapshot_step *step = add_step(
			plan, SNAPSHOT_CHANGES, load_of(plan, res, row),
			PQgetvalue(res, row, COL_EFFECTIVE));

		step->load = load_of(plan, res, row);
		step->load_count = 1;
	}
}

/* --- taking it ------------------------------------------------------------ */

/* Whether each row stands for itself: those of an append model, and of a stream
 * that is not loaded in extracts. */
static bool is_additive(const struct plan *plan, const PGresult *res)
{
	if (plan->input->task)
		return relation_is_insert_only(plan->input->task->relation);
	for (int row = 0; row < PQntuples(res); row++)
		if (PQgetvalue(res, row, COL_OP)[0] != 'i')
			return false;
	return true;
}

static bool plan_steps(struct plan *plan, struct error *err)
{
	struct refresh *refresh = plan->refresh;
	const struct model *model = refresh->task->model;
	PGresult *res = NULL;
	bool ok = list_loads(plan, &res, err);

	if (!ok)
		return false;
	plan->step = arena_zalloc(&refresh->arena, ((size_t)PQntuples(res) +
						    1) * sizeof *plan->step);
	if (model->strategy == STRATEGY_TIMESTAMP && is_additive(plan, res))
		add_events(plan, res);
	else if (plan->input->task)
		add_model_loads(plan, res);
	else
		for (int row = 0; ok && row < PQntuples(res); row++)
			ok = add_stream_load(plan, res, row, err);
	PQclear(res);
	return ok;
}

static bool take(struct plan *plan, const struct snapshot_step *step,
		 struct error *err)
{
	struct refresh *refresh = plan->refresh;
	bool kept = true;

	if (step->mode == SNAPSHOT_EVENTS)
		return snapshot_events(refresh, step, err);
	if (step->loaded_at && !is_kept(plan, step, &kept, err))
		return false;
	if (kept) {
		refresh->effective = step->effective;
		return snapshot_diff(refresh, step, err);
	}
	if (!plan->is_new)
		return error_set(err, ERROR_FATAL, STATUS_DATA,
				 "load %" PRId64 " of %s is no longer in "
				 "staging: `periodic exclude %s %" PRId64
				 "` leaves it out",
				 step->load_id, plan->input->relation,
				 refresh->task->name, step->load_id);
	log_line(LOG_INFO,
		 "%s: begins after load %" PRId64
		 " of %s, which is no longer in staging",
		 refresh->task->name, step->load_id, plan->input->relation);
	return true;
}

bool snapshot_take(struct refresh *refresh, bool is_new, struct error *err)
{
	struct plan plan = {.refresh = refresh,
			    .input = task_input_of(
				    refresh->task,
				    refresh->task->model->marker[0].relation),
			    .is_new = is_new};

	refresh->is_building = is_new;
	if (!plan_steps(&plan, err))
		return false;
	for (size_t i = 0; i < plan.count; i++) {
		if (i &&
		    !refresh_run(refresh, "drop table if exists pg_temp.added",
				 NULL, err))
			return false;
		if (!take(&plan, &plan.step[i], err))
			return false;
	}
	if (plan.count > 1) /* tests look at the table, not at the last step */
		refresh->added = NULL;
	return true;
}
