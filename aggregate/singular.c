#include "aggregate/singular.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/comment_header.h"
#include "aggregate/model_tests.h"
#include "aggregate/project_check.h"
#include "aggregate/query.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/nearest.h"

static const char *const keys[] = {"severity", "warn_if",     "error_if",
				   "tags",     "description", "config"};

enum { KEY_COUNT = sizeof keys / sizeof *keys, KEY_OPTIONS = 3 };

/* One `key: value`; options are collected as a model's header spells them. */
static bool read_key(const struct model_at *at, const char *text,
		     struct buf *options)
{
	struct model *model = at->model;
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	const char *word = arena_strndup(&model->arena, text, len);
	size_t key = model_find(word, keys, KEY_COUNT);
	const char *value = "";

	if (len == 0 || text[len] != ':')
		return true;
	if (key == SIZE_MAX)
		return !nearest(word, keys, KEY_COUNT) ||
		       model_unknown(at, "key", word, keys, KEY_COUNT);
	if (!comment_line_is(text, word, &value))
		return true;
	if (key < KEY_OPTIONS)
		buf_format(options, " %s=%s", word, value);
	else if (!strcmp(word, "description"))
		model->description = value;
	else if (!strcmp(word, "tags"))
		return model_list(at, value, &model->tag, &model->tag_count);
	return true;
}

static bool read_header(struct singular *singular, struct error *err)
{
	struct model *model = &singular->model;
	struct comment_header header = {model->text, 1};
	struct model_at at = {model, 1, err};
	struct comment_line line;
	struct buf options = BUF_INIT;
	bool ok = true;

	while (ok && comment_header_next(&header, &model->arena, &line)) {
		at.line = line.line;
		ok = read_key(&at, line.text, &options);
	}
	model->sql = header.rest;
	model->sql_line = header.line;
	ok = ok && model_test_options(
			   &at, arena_strdup(&model->arena, buf_text(&options)),
			   &singular->test);
	buf_release(&options);
	return ok;
}

static bool add_relation(struct singular *singular,
			 const struct project *project,
			 const struct reference *reference, struct error *err)
{
	const struct relation *found =
		project_find(project, reference->relation);
	size_t number = (size_t)(found - project->relation);

	if (!found)
		return project_refuse_unknown(project, &singular->model,
					      reference, err);
	for (size_t i = 0; i < singular->relation_count; i++)
		if (singular->relation[i] == number)
			return true;
	singular->relation[singular->relation_count++] = number;
	return true;
}

static bool add_relations(struct singular *singular,
			  const struct project *project,
			  const struct query *query, struct error *err)
{
	singular->relation = arena_alloc(&singular->model.arena,
					 (query->reference_count + 1) *
						 sizeof *singular->relation);
	for (size_t i = 0; i < query->reference_count; i++)
		if (!add_relation(singular, project, &query->reference[i].name,
				  err))
			return false;
	return singular->relation_count ||
	       error_config(err,
			    "%s: the test names no relation of the project, so "
			    "it would never run",
			    singular->model.file);
}

static bool read_query(struct singular *singular, const struct project *project,
		       struct error *err)
{
	struct model *model = &singular->model;
	struct arena shape = ARENA_INIT;
	struct query query;
	bool ok;

	ok = query_read(&query, model->sql, model->file, model->sql_line,
			model->pack, &shape, &shape, err) &&
	     add_relations(singular, project, &query, err);
	if (ok)
		singular->test.expression =
			arena_strndup(&model->arena, model->sql, query.end);
	arena_release(&shape);
	return ok;
}

bool singular_parse(struct singular **out, const struct project *project,
		    const struct pack_file *file, struct error *err)
{
	struct singular *singular = mem_zalloc(1, sizeof *singular);
	struct model *model = &singular->model;

	model->pack = file->pack;
	model->base = file->base;
	model->file = file->path;
	model->text = file->text;
	model->description = "";
	model->name =
		arena_format(&model->arena, "%s.%s", file->pack, file->base);
	model->test = &singular->test;
	model->test_count = 1;
	singular->test.kind = TEST_QUERY;
	singular->test.name = arena_format(&model->arena, "%s/tests/%s.sql",
					   file->pack, file->base);
	if (read_header(singular, err) && read_query(singular, project, err)) {
		*out = singular;
		return true;
	}
	singular_close(singular);
	return false;
}

void singular_close(struct singular *singular)
{
	if (!singular)
		return;
	arena_release(&singular->model.arena);
	free(singular);
}
