#include "aggregate/project_check.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/model_check.h"
#include "aggregate/stream_file.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/strmap.h"

bool project_refuse_unknown(const struct project *project,
			    const struct model *model,
			    const struct reference *reference,
			    struct error *err)
{
	size_t count = project->relation_count;
	const char **known = mem_alloc(count * sizeof *known);
	const char *meant;

	for (size_t i = 0; i < count; i++)
		known[i] = project->relation[i].name;
	meant = nearest(reference->relation, known, count);
	if (meant)
		error_config(err,
			     "%s:%d: unknown relation \"%s\": did you mean "
			     "\"%s\"?",
			     model->file, reference->line, reference->relation,
			     meant);
	else
		error_config(err,
			     "%s:%d: unknown relation \"%s\": no stream, model "
			     "or seed in %s makes it",
			     model->file, reference->line, reference->relation,
			     project->folder);
	free(known);
	return false;
}

static bool check_tests(const struct project *project,
			const struct model *model, struct error *err)
{
	for (size_t i = 0; i < model->test_count; i++) {
		const struct reference parent = {
			.relation = model->test[i].to,
			.line = model->test[i].line,
		};

		if (parent.relation && !project_find(project, parent.relation))
			return project_refuse_unknown(project, model, &parent,
						      err);
	}
	return true;
}

bool project_check_references(const struct project *project, struct error *err)
{
	for (size_t i = 0; i < project->relation_count; i++) {
		const struct relation *relation = &project->relation[i];
		const struct model *model = relation->model;

		if (relation->stream &&
		    !check_tests(project, &relation->stream->model, err))
			return false;
		if (model && !check_tests(project, model, err))
			return false;
		for (size_t j = 0; model && j < model->reference_count; j++)
			if (!project_find(project,
					  model->reference[j].relation))
				return project_refuse_unknown(
					project, model, &model->reference[j],
					err);
	}
	return true;
}

static bool check_marked(const struct model *model, const struct marker *marker,
			 const struct relation *input, struct error *err)
{
	const char *strategy = model_strategies[model->strategy];

	if (strcmp(marker->relation, input->name) != 0)
		return error_config(err,
				    "%s:%d: %s is the newest extract, without "
				    "those before it: mark %s in a snapshot, "
				    "or read it in a model that is built in "
				    "full",
				    model->file, marker->line, marker->relation,
				    input->name);
	if (relation_is_view(input))
		return error_config(err,
				    "%s:%d: %s is a view and has no loads to "
				    "follow: mark what it reads, or make it "
				    "materialized: incremental",
				    model->file, marker->line, input->name);
	if (relation_is_insert_only(input))
		return true;
	if (model->strategy == STRATEGY_APPEND ||
	    model->strategy == STRATEGY_MERGE)
		return error_config(err,
				    "%s:%d: %s only takes rows that stay, and "
				    "those of %s change: use strategy delta or "
				    "recompute",
				    model->file, marker->line, strategy,
				    input->name);
	if (model->strategy == STRATEGY_DELTA && !model->rows)
		return error_config(err,
				    "%s:%d: rows of %s can vanish, so delta "
				    "wants \"rows\": the measure that is 0 "
				    "when a group is empty, such as count(*)",
				    model->file, marker->line, input->name);
	return true;
}

bool project_check_strategies(const struct project *project, struct error *err)
{
	for (size_t i = 0; i < project->relation_count; i++) {
		const struct model *model = project->relation[i].model;

		if (!model)
			continue;
		if (!model_check_reads(model, err))
			return false;
		for (size_t j = 0; j < model->marker_count; j++) {
			const struct marker *marker = &model->marker[j];

			if (!check_marked(
				    model, marker,
				    project_find(project, marker->relation),
				    err))
				return false;
		}
	}
	return true;
}

bool project_check_exports(const struct project *project, struct error *err)
{
	struct strmap owner = STRMAP_INIT;
	bool ok = true;

	for (size_t i = 0; ok && i < project->relation_count; i++) {
		struct model *model = project->relation[i].model;
		const struct model *other = NULL;

		if (model && model->export_path)
			other = strmap_put(&owner, model->export_path, model);
		if (other)
			ok = error_config(err,
					  "%s: %s exports to %s too: one of "
					  "them needs another file",
					  model->file, other->name,
					  model->export_path);
	}
	strmap_release(&owner);
	return ok;
}
