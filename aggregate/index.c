#include "aggregate/index.h"
#include "aggregate/index_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "aggregate/build.h"
#include "aggregate/quote.h"
#include "common/mem.h"

/* --- one definition ------------------------------------------------------- */

static const char *name_of(const struct indexes *indexes,
			   const struct index *index)
{
	struct buf text = BUF_INIT;
	uint64_t hash;

	buf_format(&text, "%d%s", index->is_unique, index->body);
	hash = XXH3_64bits(text.data, text.len);
	buf_release(&text);
	return arena_format(indexes->arena, "%s_%08" PRIx32,
			    indexes->task->model->base, (uint32_t)hash);
}

static void add(struct indexes *indexes, struct index index)
{
	index.name = name_of(indexes, &index);
	for (size_t i = 0; i < indexes->count; i++)
		if (!strcmp(indexes->at[i].name, index.name))
			return;
	MEM_GROW(indexes->at, indexes->count, indexes->capacity);
	indexes->at[indexes->count++] = index;
}

static struct index over(const struct indexes *indexes,
			 const char *const *column, size_t count,
			 const char *more)
{
	struct index index = {.is_unique = false};
	struct buf body = BUF_INIT;

	buf_add_byte(&body, '(');
	quote_identifiers(&body, column, count);
	buf_format(&body, ")%s", more);
	index.body = arena_strdup(indexes->arena, buf_text(&body));
	buf_release(&body);
	for (size_t i = 0; i < count && i < INDEX_MAX; i++)
		index.column[index.column_count++] = column[i];
	return index;
}

static bool has(const char *const *column, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(column[i], name))
			return true;
	return false;
}

/* An index that is there anyway begins with these columns, in any order. */
static bool is_covered(const struct indexes *indexes, const char *const *column,
		       size_t count)
{
	for (size_t i = 0; i < indexes->count; i++) {
		const struct index *index = &indexes->at[i];
		size_t found = 0;

		for (size_t k = 0; k < count && k < index->column_count; k++)
			found += has(column, count, index->column[k]);
		if (found == count)
			return true;
	}
	return false;
}

static void add_unless_covered(struct indexes *indexes,
			       const char *const *column, size_t count)
{
	if (count && !is_covered(indexes, column, count))
		add(indexes, over(indexes, column, count, ""));
}

/* --- where they come from ------------------------------------------------- */

static bool is_key(const struct model *model, const struct model_test *test)
{
	size_t found = 0;

	if (model_is_snapshot(model)) /* a key has many versions */
		return false;
	for (size_t i = 0; i < test->column_count; i++)
		found += has(model->unique_key, model->unique_key_count,
			     test->column[i]);
	return found == test->column_count && found == model->unique_key_count;
}

bool index_backs_test(const struct model_test *test)
{
	return test->kind == TEST_UNIQUE && test->error_above == 0 &&
	       !test->where;
}

static struct index of_key(const struct indexes *indexes)
{
	const struct model *model = indexes->task->model;
	const char *column[INDEX_MAX];
	size_t count = 0;
	struct index index;

	for (size_t i = 0; i < model->unique_key_count; i++)
		column[count++] = model->unique_key[i];
	if (model_is_snapshot(model))
		column[count++] = "dbt_valid_from";
	index = over(indexes, column, count, " nulls not distinct");
	index.is_unique = index.is_key = true;
	return index;
}

static struct index of_test(const struct indexes *indexes,
			    const struct model_test *test)
{
	struct index index;

	if (is_key(indexes->task->model, test))
		return of_key(indexes);
	index = over(indexes, test->column, test->column_count, "");
	index.is_unique = true;
	return index;
}

/* `index: (a, b desc)` as written; its columns if they are plain names. */
static void add_written(struct indexes *indexes, const char *written)
{
	struct index index = {.body = written};
	char *rest = arena_strdup(indexes->arena, written + 1);
	char *save = NULL;
	size_t len = strlen(rest);
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	if (!len || rest[len - 1] != ')') {
		add(indexes, index);
		return;
	}
	rest[len - 1] = '\0';
	for (char *name = strtok_r(rest, ", ", &save); name;
	     name = strtok_r(NULL, ", ", &save)) {
		if (name[strspn(name, plain)] ||
		    index.column_count == INDEX_MAX) {
			index.column_count = 0;
			break;
		}
		index.column[index.column_count++] = name;
	}
	add(indexes, index);
}

static void add_by(struct indexes *indexes)
{
	const struct model *model = indexes->task->model;
	const char *column[INDEX_MAX];
	size_t count = 0;

	for (int grained = 0; grained < 2; grained++)
		for (size_t i = 0; i < model->by_count; i++)
			if ((model->by[i].grain != GRAIN_NONE) == grained &&
			    count < INDEX_MAX)
				column[count++] = model->by[i].name;
	add_unless_covered(indexes, column, count);
}

/* An index over the rows alone that the marker's filter lets through. */
static void add_filtered(struct indexes *indexes, const char *const *column,
			 size_t count, const struct marker *marker)
{
	struct index index;
	struct buf where = BUF_INIT;

	for (size_t i = 0; i < marker->filter_count; i++) {
		buf_add_text(&where, i ? " and " : " where ");
		quote_identifier(&where, marker->filter[i].column);
		buf_format(&where, " = %s", marker->filter[i].literal);
	}
	index = over(indexes, column, count, buf_text(&where));
	index.column_count = 0; /* it does for nobody else */
	buf_release(&where);
	add(indexes, index);
}

/* What a reader's recompute looks for: equal columns before ranges of time. */
static void add_marker(struct indexes *indexes, const struct model *reader,
		       const struct marker *marker)
{
	const char *column[INDEX_MAX];
	size_t count = 0;

	for (int grained = 0; grained < 2; grained++)
		for (size_t i = 0; i < marker->column_count; i++)
			if (marker->column[i] && count < INDEX_MAX &&
			    (reader->by[i].grain != GRAIN_NONE) == grained)
				column[count++] = marker->column[i];
	if (count && marker->filter_count &&
	    !is_covered(indexes, column, count))
		add_filtered(indexes, column, count, marker);
	else
		add_unless_covered(indexes, column, count);
}

static void add_readers(struct indexes *indexes)
{
	const struct task *task = indexes->task;
	static const char *const loaded_at[] = {"loaded_at"};

	for (size_t i = 0; i < task->consumer_count; i++) {
		const struct model *reader = task->consumer[i]->model;

		for (size_t k = 0; k < reader->marker_count; k++)
			if (reader->strategy == STRATEGY_RECOMPUTE &&
			    !strcmp(reader->marker[k].relation, task->name))
				add_marker(indexes, reader, &reader->marker[k]);
	}
	if (task_is_consumed(task))
		add_unless_covered(indexes, loaded_at, 1);
}

struct indexes index_find(const struct task *task, struct arena *arena)
{
	const struct model *model = task->model;
	struct indexes indexes = {.task = task, .arena = arena};

	if (task_is_view(task))
		return indexes;
	if (model->unique_key_count)
		add(&indexes, of_key(&indexes));
	for (size_t i = 0; i < model->test_count; i++)
		if (index_backs_test(&model->test[i]))
			add(&indexes, of_test(&indexes, &model->test[i]));
	for (size_t i = 0; i < model->index_count; i++)
		add_written(&indexes, model->index[i]);
	if (model->strategy == STRATEGY_RECOMPUTE)
		add_by(&indexes);
	add_readers(&indexes);
	return indexes;
}

/* --- their names ---------------------------------------------------------- */

const char *index_signature(const struct task *task, struct arena *arena)
{
	struct indexes indexes = index_find(task, arena);
	struct buf text = BUF_INIT;
	struct buf comment = BUF_INIT;
	const char *signature;

	for (size_t i = 0; i < indexes.count; i++)
		buf_format(&text, "%s ", indexes.at[i].name);
	build_comment_sql(&comment, task, task->table);
	if (comment.len)
		buf_format(&text, "comment_%08" PRIx32,
			   (uint32_t)XXH3_64bits(comment.data, comment.len));
	buf_release(&comment);
	signature = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	free(indexes.at);
	return signature;
}

const char *index_of_test(const struct task *task, size_t number,
			  struct arena *arena)
{
	const struct indexes indexes = {.task = task, .arena = arena};
	struct index index = of_test(&indexes, &task->model->test[number]);

	return name_of(&indexes, &index);
}
