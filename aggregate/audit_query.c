#include "aggregate/audit_query.h"

#include <string.h>

#include "aggregate/excluded.h"
#include "aggregate/quote.h"
#include "common/pg.h"

struct writer {
	struct refresh *refresh;
	const struct project *project;
	const char *why;
	struct error *err;
};

static bool write_query(struct writer *w, struct buf *out,
			const struct model *model);

/* What pending loads of an input did, as operations, each once. */
static void pending(const struct writer *w, const struct task_input *input,
		    struct buf *times, bool *only_inserts, int64_t *first)
{
	const struct task_state *state = &w->refresh->task->state;

	*only_inserts = true;
	*first = 0;
	if (input->excluded) /* as if they were still to come */
		buf_add_text(times, input->excluded);
	for (size_t i = 0; i < state->load_count; i++) {
		const struct load *load = &state->load[i];

		if (load->input != input)
			continue;
		buf_format(times, "%s\"%s\"", times->len ? "," : "",
			   load->loaded_at);
		*only_inserts &= load->op == 'i';
		if (!*first && load->op != 'i')
			*first = load->id;
		if (load->op != 'i' && load->op != 'r')
			*first = -1;
	}
}

/* Whether the versions that the loads retired are all kept. */
static bool are_kept(const struct task_input *input, int64_t first)
{
	return first > 0 && input->task && input->has_old &&
	       first > input->gone_from_load;
}

/* The relation without what the pending loads did. */
static bool write_consumed(struct writer *w, struct buf *out,
			   struct task_input *input, const char *times,
			   bool only_inserts)
{
	const struct refresh *refresh = w->refresh;

	if (!input->task) {
		buf_add_text(out, "(select * from ");
		excluded_table(out, input);
		buf_format(out,
			   " a where loaded_at <> "
			   "all('{%s}'::timestamptz[]))",
			   times);
		return true;
	}
	if (!relation_columns(refresh->pg, refresh->timeout_ms, input->table,
			      &w->refresh->arena, &input->columns, w->err))
		return false;
	buf_add_text(out, "(select ");
	columns_list(out, &input->columns, "");
	buf_add_text(out, ", loaded_at from ");
	excluded_table(out, input);
	buf_format(out, " a where loaded_at <> all('{%s}'::timestamptz[])",
		   times);
	if (!only_inserts) {
		buf_add_text(out, "\nunion all select ");
		columns_list(out, &input->columns, "");
		buf_format(out,
			   ", loaded_at from %s where retired_at = "
			   "any('{%s}'::timestamptz[]) and loaded_at <> "
			   "all('{%s}'::timestamptz[])",
			   input->task->old, times, times);
	}
	buf_add_byte(out, ')');
	return true;
}

/* What stands for a stored relation; nothing if that is the relation itself. */
static bool write_stored(struct writer *w, struct buf *out, const char *name)
{
	struct task_input *input = task_input_of(w->refresh->task, name);
	struct buf times = BUF_INIT;
	bool only_inserts, ok = true;
	int64_t first;

	if (!input)
		return true;
	pending(w, input, &times, &only_inserts, &first);
	if (!times.len && input->excluded)
		excluded_table(out, input);
	if (!times.len)
		goto out;
	if (only_inserts || are_kept(input, first))
		ok = write_consumed(w, out, input, buf_text(&times),
				    only_inserts);
	else
		w->why = arena_format(&w->refresh->arena,
				      "%s has changes to consume that cannot "
				      "be undone: run periodic first",
				      name);
out:
	buf_release(&times);
	return ok;
}

static bool is_pending(const struct writer *w, const char *relation)
{
	const struct task_state *state = &w->refresh->task->state;

	for (size_t i = 0; i < state->load_count; i++)
		if (!strcmp(state->load[i].input->relation, relation))
			return true;
	return false;
}

/* A view's query in place of its name, if what it shows has pending or
 * excluded loads. */
static bool write_view(struct writer *w, struct buf *out,
		       const struct relation *view)
{
	bool differs = false;

	for (size_t i = 0; i < view->input_count; i++) {
		const char *name =
			w->project->relation[view->input[i].relation].name;
		const struct task_input *input =
			task_input_of(w->refresh->task, name);

		differs |= is_pending(w, name) || (input && input->excluded);
	}
	if (!differs)
		return true;
	buf_add_byte(out, '(');
	if (!write_query(w, out, view->model))
		return false;
	/* a line comment in it ends with the line */
	buf_add_text(out, "\n)");
	return true;
}

static bool write_reference(struct writer *w, struct buf *out,
			    const struct reference *reference)
{
	const struct relation *relation =
		project_find(w->project, reference->relation);
	size_t before = out->len;
	bool ok;

	ok = relation_is_view(relation) ? write_view(w, out, relation)
					: write_stored(w, out, relation->name);
	if (out->len > before && !*reference->alias) {
		buf_add_text(out, " as ");
		quote_identifier(out, strchr(reference->relation, '.') + 1);
	}
	return ok;
}

/* The markers stay: as SQL they are comments. */
static bool write_query(struct writer *w, struct buf *out,
			const struct model *model)
{
	size_t at = 0;

	for (size_t i = 0; i < model->reference_count; i++) {
		const struct reference *reference = &model->reference[i];
		size_t before;

		buf_add(out, model->sql + at, reference->start - at);
		at = reference->start;
		before = out->len;
		if (!write_reference(w, out, reference))
			return false;
		if (out->len > before)
			at = reference->end;
	}
	buf_add_text(out, model->sql + at);
	return true;
}

bool audit_query(struct buf *out, struct refresh *refresh,
		 const struct project *project, const char **why,
		 struct error *err)
{
	const struct model *model = refresh->task->model;
	struct writer w = {.refresh = refresh, .project = project, .err = err};
	struct buf text = BUF_INIT;
	bool ok = write_query(&w, &text, model);

	if ((model->strategy == STRATEGY_MERGE ||
	     model->strategy == STRATEGY_APPEND) &&
	    model->unique_key_count)
		refresh_first(out, refresh, buf_text(&text), false);
	else
		buf_add_text(out, buf_text(&text));
	*why = w.why;
	buf_release(&text);
	return ok;
}
