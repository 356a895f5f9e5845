#include "aggregate/project.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/project_check.h"
#include "aggregate/project_files.h"
#include "aggregate/source.h"
#include "aggregate/stream_file.h"
#include "common/mem.h"

static int by_name(const void *a, const void *b)
{
	const struct relation *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A source says itself which table it is. */
static bool parse(struct project *project, struct relation *relation,
		  const char *base, const char *text, struct error *err)
{
	if (relation->kind == RELATION_MODEL)
		return model_parse(&relation->model, relation->file,
				   relation->pack, base, text, err);
	if (relation->kind == RELATION_SOURCE &&
	    !source_parse(relation->file, text, &project->arena,
			  &relation->name, err))
		return false;
	return stream_file_parse(&relation->stream, relation->file,
				 relation->pack, relation->name, text, err);
}

static bool read_file(struct project *project, struct relation *relation,
		      const char *base, struct error *err)
{
	char *text;
	bool ok;

	if (relation->kind == RELATION_SEED) /* a task's */
		return true;
	if (!project_files_read(relation->file, &text, err))
		return false;
	ok = parse(project, relation, base, text, err);
	free(text);
	return ok;
}

static bool read_files(struct project *project, const struct project_file *file,
		       size_t count, struct error *err)
{
	struct arena *arena = &project->arena;

	project->relation =
		arena_zalloc(arena, count * sizeof *project->relation);
	for (size_t i = 0; i < count; i++) {
		struct relation *relation =
			&project->relation[project->relation_count++];

		relation->kind = file[i].kind;
		relation->pack = file[i].pack;
		relation->file = file[i].path;
		relation->name = arena_format(arena, "%s.%s",
					      file[i].kind == RELATION_STREAM
						      ? "staging"
						      : file[i].pack,
					      file[i].base);
		if (!read_file(project, relation, file[i].base, err))
			return false;
	}
	return true;
}

static bool sort_relations(struct project *project, struct error *err)
{
	struct relation *relation = project->relation;

	qsort(relation, project->relation_count, sizeof *relation, by_name);
	for (size_t i = 1; i < project->relation_count; i++)
		if (strcmp(relation[i - 1].name, relation[i].name) == 0)
			return error_config(
				err,
				"%s is made by both %s and %s: one of them "
				"needs another name",
				relation[i].name, relation[i - 1].file,
				relation[i].file);
	return true;
}

static size_t find(const struct project *project, const char *name)
{
	return (size_t)(project_find(project, name) - project->relation);
}

static bool draw_graph(struct project *project, struct error *err)
{
	size_t count = project->relation_count, edges = 0;
	struct graph_edge *edge = NULL;
	size_t capacity = 0;
	const char **name = mem_alloc(count * sizeof *name);
	bool ok;

	for (size_t i = 0; i < count; i++) {
		const struct model *model = project->relation[i].model;

		name[i] = project->relation[i].name;
		for (size_t j = 0; model && j < model->reference_count; j++) {
			MEM_GROW(edge, edges, capacity);
			edge[edges++] = (struct graph_edge){
				find(project, model->reference[j].relation), i};
		}
	}
	ok = graph_open(&project->graph, name, count, edge, edges, err);
	free(edge);
	free(name);
	return ok;
}

/* Adds that relation `from` is looked up with on_change: itself, or what it
 * reads if it is a view. */
static void look_up(const struct project *project, struct input *input,
		    size_t from, enum on_change on_change)
{
	const struct relation *relation = &project->relation[from];
	size_t count = relation_is_view(relation) ? relation->input_count : 1;

	for (size_t i = 0; i < count; i++) {
		size_t to = relation_is_view(relation)
				    ? relation->input[i].relation
				    : from;

		if (!input[to].is_looked_up || on_change < input[to].on_change)
			input[to].on_change = on_change;
		input[to].is_looked_up = true;
	}
}

/* Says for one model what it reads, with views looked through; what it reads
 * has been done before.  input has an entry for every relation, all clear. */
static void find_inputs(struct project *project, struct relation *relation,
			struct input *input)
{
	const struct model *model = relation->model;
	size_t n = 0;

	for (size_t i = 0; i < model->marker_count; i++) {
		size_t to = find(project, model->marker[i].relation);

		input[to].is_marked = true;
		project->relation[to].is_consumed = true;
	}
	for (size_t i = 0; i < model->lookup_count; i++)
		look_up(project, input,
			find(project, model->lookup[i].relation),
			model->lookup[i].on_change);
	if (model->strategy == STRATEGY_NONE ||
	    model->strategy == STRATEGY_FULL)
		for (size_t i = 0; i < model->reference_count; i++)
			look_up(project, input,
				find(project, model->reference[i].relation),
				ON_CHANGE_RECOMPUTE);
	for (size_t i = 0; i < project->relation_count; i++)
		relation->input_count +=
			input[i].is_marked || input[i].is_looked_up;
	relation->input =
		arena_alloc(&project->arena, (relation->input_count + 1) *
						     sizeof *relation->input);
	for (size_t i = 0; i < project->relation_count; i++)
		if (input[i].is_marked || input[i].is_looked_up) {
			relation->input[n] = input[i];
			relation->input[n++].relation = i;
		}
}

static void connect_inputs(struct project *project)
{
	size_t count = project->relation_count;
	struct input *input = mem_alloc(count * sizeof *input);

	for (size_t i = 0; i < count; i++) {
		struct relation *relation =
			&project->relation[project->graph->order[i]];

		memset(input, 0, count * sizeof *input);
		if (relation->model)
			find_inputs(project, relation, input);
	}
	free(input);
}

bool project_open(struct project **out, const char *folder, struct error *err)
{
	struct project *project = mem_zalloc(1, sizeof *project);
	struct project_file *file;
	size_t count;

	while (strncmp(folder, "./", 2) == 0 && folder[2] != '\0')
		folder += 2; /* sql/a.sql reads better than ./sql/a.sql */
	project->folder = arena_strdup(&project->arena, folder);
	if (project_files_list(folder, &project->arena, &file, &count, err) &&
	    read_files(project, file, count, err) &&
	    sort_relations(project, err) &&
	    project_check_references(project, err) &&
	    draw_graph(project, err) &&
	    project_check_strategies(project, err) &&
	    project_check_exports(project, err)) {
		connect_inputs(project);
		*out = project;
		return true;
	}
	project_close(project);
	return false;
}

void project_close(struct project *project)
{
	if (!project)
		return;
	for (size_t i = 0; i < project->relation_count; i++) {
		model_close(project->relation[i].model);
		stream_file_close(project->relation[i].stream);
	}
	graph_close(project->graph);
	arena_release(&project->arena);
	free(project);
}

const struct relation *project_find(const struct project *project,
				    const char *name)
{
	static const char suffix[] = "_current";
	struct relation wanted = {.name = name};
	const struct relation *found;
	size_t len = strlen(name);
	char *stream;

	found = bsearch(&wanted, project->relation, project->relation_count,
			sizeof wanted, by_name);
	if (found || len < strlen(suffix) ||
	    strcmp(name + len - strlen(suffix), suffix) != 0)
		return found;
	stream = mem_strdup(name);
	stream[len - strlen(suffix)] = '\0';
	wanted.name = stream;
	found = bsearch(&wanted, project->relation, project->relation_count,
			sizeof wanted, by_name);
	free(stream);
	return found && found->stream && found->stream->is_full ? found : NULL;
}

bool relation_is_insert_only(const struct relation *relation)
{
	return relation_is_raw(relation) ||
	       (relation->kind == RELATION_MODEL &&
		relation->model->strategy == STRATEGY_APPEND);
}

bool relation_is_raw(const struct relation *relation)
{
	return relation->kind == RELATION_STREAM ||
	       relation->kind == RELATION_SOURCE;
}

bool relation_is_view(const struct relation *relation)
{
	return relation->kind == RELATION_MODEL &&
	       relation->model->strategy == STRATEGY_NONE;
}
