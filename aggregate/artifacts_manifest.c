/* artifacts_manifest.c - the project, in the field names of dbt's manifest */

#include <stdlib.h>
#include <string.h>

#include "aggregate/artifacts.h"
#include "aggregate/joint.h"
#include "aggregate/ls.h"
#include "common/mem.h"

static const char *base_name(const struct relation *relation)
{
	return strchr(relation->name, '.') + 1;
}

static json_t *schema_name(const struct relation *relation)
{
	return json_stringn(relation->name, strcspn(relation->name, "."));
}

/* `kind.pack.name`; the caller owns it. */
static json_t *make_id(const char *kind, const char *pack, const char *name)
{
	return json_sprintf("%s.%s.%s", kind, pack, name);
}

json_t *artifacts_relation_id(const struct relation *relation)
{
	switch (relation->kind) {
	case RELATION_STREAM: /* source.<pack>.staging.<name> */
	case RELATION_SOURCE:
		return make_id("source", relation->pack, relation->name);
	case RELATION_SEED:
		return make_id("seed", relation->pack, base_name(relation));
	default:
		return make_id(model_is_snapshot(relation->model) ? "snapshot"
								  : "model",
			       relation->pack, base_name(relation));
	}
}

json_t *artifacts_test_id(const char *model, const char *test)
{
	return make_id("test", model, test);
}

static const char *inside(const char *home, const char *file)
{
	size_t len = strlen(home);

	if (strncmp(file, home, len) == 0 && file[len] == '/')
		file += len + 1;
	return strncmp(file, "./", 2) == 0 ? file + 2 : file;
}

/* What every node has. */
static json_t *base_node(const struct artifact *artifact, const char *type,
			 const char *pack, const char *name, const char *file)
{
	const char *path = inside(artifact->home, file);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s, s]}",
			 "database", artifact->database, "schema", pack, "name",
			 name, "resource_type", type, "package_name", pack,
			 "path", path, "original_file_path", path, "fqn", pack,
			 name);
}

static json_t *checksum(const struct task *task)
{
	return json_pack("{s:s, s:s}", "name", "xxh128", "checksum",
			 task->code_hash);
}

static json_t *config(const struct task *task)
{
	const struct model *model = task->model;
	json_t *config = json_pack(
		"{s:b, s:s, s:o, s:{s:s?, s:s?}}", "enabled", 1, "materialized",
		ls_materialized(task), "tags",
		ls_strings((const char *const *)model->tag, model->tag_count),
		"meta", "owner", model->owner, "export", model->export_path);

	if (task->seed)
		return config;
	json_object_set_new(
		config, "unique_key",
		model->unique_key_count
			? ls_strings((const char *const *)model->unique_key,
				     model->unique_key_count)
			: json_null());
	if (model->materialized == MATERIALIZED_INCREMENTAL)
		json_object_set_new(config, "incremental_strategy",
				    json_string(task_strategy(task)));
	return config;
}

/* --- what reads what ------------------------------------------------------ */

/* Adds to the node what it reads, as refs, sources and ids. */
static void add_inputs(json_t *object, const struct tasks *tasks,
		       const struct graph_node *node)
{
	json_t *refs = json_array(), *sources = json_array();
	json_t *ids = json_array();

	for (size_t i = 0; i < node->input_count; i++) {
		const struct relation *input =
			&tasks->project->relation[node->input[i]];

		json_array_append_new(ids, artifacts_relation_id(input));
		if (relation_is_raw(input))
			json_array_append_new(
				sources, json_pack("[o, s]", schema_name(input),
						   base_name(input)));
		else
			json_array_append_new(
				refs, json_pack("{s:s, s:s}", "name",
						base_name(input), "package",
						input->pack));
	}
	json_object_set_new(object, "refs", refs);
	json_object_set_new(object, "sources", sources);
	json_object_set_new(object, "depends_on",
			    json_pack("{s:[], s:o}", "macros", "nodes", ids));
}

static json_t *task_node(const struct artifact *artifact,
			 const struct tasks *tasks, size_t number)
{
	const struct task *task = tasks->at[number];
	const struct model *model = task->model;
	json_t *node = base_node(artifact,
				 task->seed                 ? "seed"
				 : model_is_snapshot(model) ? "snapshot"
							    : "model",
				 model->pack, model->base, model->file);

	json_object_set_new(node, "unique_id",
			    artifacts_relation_id(task->relation));
	json_object_set_new(node, "alias", json_string(model->base));
	json_object_set_new(node, "checksum", checksum(task));
	json_object_set_new(node, "config", config(task));
	json_object_set_new(
		node, "tags",
		ls_strings((const char *const *)model->tag, model->tag_count));
	json_object_set_new(
		node, "description",
		json_string(model->description ? model->description : ""));
	json_object_set_new(node, "relation_name", json_string(task->table));
	if (task->seed)
		return node;
	json_object_set_new(node, "language", json_string("sql"));
	json_object_set_new(node, "raw_code", json_string(model->sql));
	add_inputs(node, tasks, &tasks->project->graph->node[number]);
	return node;
}

static json_t *source_node(const struct artifact *artifact,
			   const struct relation *stream)
{
	json_t *node = base_node(artifact, "source", stream->pack,
				 base_name(stream), stream->file);

	json_object_set_new(node, "unique_id", artifacts_relation_id(stream));
	json_object_set_new(node, "schema", schema_name(stream));
	json_object_set_new(node, "source_name", schema_name(stream));
	json_object_set_new(node, "source_description", json_string(""));
	json_object_set_new(node, "loader",
			    json_string(stream->kind == RELATION_STREAM
						? "handle-streams"
						: ""));
	json_object_set_new(node, "identifier", json_string(base_name(stream)));
	json_object_set_new(node, "loaded_at_field", json_string("loaded_at"));
	json_object_set_new(node, "relation_name",
			    json_sprintf("\"%.*s\".\"%s\"",
					 (int)strcspn(stream->name, "."),
					 stream->name, base_name(stream)));
	return node;
}

/* --- tests ---------------------------------------------------------------- */

static json_t *test_node(const struct artifact *artifact, const char *model,
			 const char *file, const struct model_test *test)
{
	static const char *const kinds[] = {
		[TEST_UNIQUE] = "unique",
		[TEST_NOT_NULL] = "not_null",
		[TEST_ACCEPTED_VALUES] = "accepted_values",
		[TEST_EXPRESSION] = "expression",
		[TEST_RELATIONSHIPS] = "relationships",
		[TEST_ROW_COUNT] = "row_count",
		[TEST_QUERY] = "query",
	};
	char *pack = mem_strndup(model, strcspn(model, "."));
	json_t *node = base_node(artifact, "test", pack, test->name, file);

	free(pack);

	json_object_set_new(node, "unique_id",
			    artifacts_test_id(model, test->name));
	json_object_set_new(node, "alias", json_string(test->name));
	json_object_set_new(
		node, "checksum",
		json_pack("{s:s, s:s}", "name", "none", "checksum", ""));
	json_object_set_new(
		node, "config",
		json_pack("{s:b, s:s, s:s}", "enabled", 1, "materialized",
			  "test", "severity",
			  test->severity == SEVERITY_WARN ? "WARN" : "ERROR"));
	json_object_set_new(node, "column_name",
			    test->column_count == 1
				    ? json_string(test->column[0])
				    : json_null());
	json_object_set_new(
		node, "test_metadata",
		json_pack("{s:s, s:{}}", "name", kinds[test->kind], "kwargs"));
	return node;
}

static void depend_on(json_t *node, struct task *const *task, size_t count)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(ids,
				      artifacts_relation_id(task[i]->relation));
	json_object_set_new(node, "depends_on",
			    json_pack("{s:[], s:o}", "macros", "nodes", ids));
}

/* A test that a model's header declares. */
static json_t *header_test(const struct artifact *artifact, struct task *task,
			   const struct model_test *test)
{
	json_t *node = test_node(artifact, task->name, task->model->file, test);

	json_object_set_new(node, "attached_node",
			    artifacts_relation_id(task->relation));
	depend_on(node, &task, 1);
	return node;
}

/* --- all of it ------------------------------------------------------------ */

static void add_node(json_t *nodes, json_t *node)
{
	const char *id = json_string_value(json_object_get(node, "unique_id"));

	json_object_set_new(nodes, id, node);
}

static void add_nodes(json_t *nodes, json_t *sources,
		      const struct artifact *artifact,
		      const struct tasks *tasks)
{
	const struct project *project = tasks->project;

	for (size_t i = 0; i < project->relation_count; i++) {
		struct task *task = tasks->at[i];

		if (!task) {
			add_node(sources,
				 source_node(artifact, &project->relation[i]));
			continue;
		}
		add_node(nodes, task_node(artifact, tasks, i));
		for (size_t t = 0; t < task->model->test_count; t++)
			add_node(nodes, header_test(artifact, task,
						    &task->model->test[t]));
	}
	for (size_t i = 0; i < tasks->joint_count; i++) {
		const struct joint *joint = &tasks->joint[i];
		struct arena arena = ARENA_INIT;
		struct test_case of;
		json_t *node;

		if (!joint->singular)
			continue; /* a header's */
		of = joint_case(joint, &arena);
		node = test_node(artifact, of.model, of.file, of.test);
		depend_on(node, joint->named, joint->named_count);
		add_node(nodes, node);
		arena_release(&arena);
	}
}

/* For every node the ids on one side of it; tests have parents only. */
static json_t *neighbours(const struct tasks *tasks, bool parents)
{
	const struct project *project = tasks->project;
	json_t *map = json_object();

	for (size_t i = 0; i < project->relation_count; i++) {
		const struct graph_node *node = &project->graph->node[i];
		const size_t *other = parents ? node->input : node->consumer;
		size_t count =
			parents ? node->input_count : node->consumer_count;
		json_t *id = artifacts_relation_id(&project->relation[i]);
		json_t *list = json_array();

		for (size_t k = 0; k < count; k++)
			json_array_append_new(
				list, artifacts_relation_id(
					      &project->relation[other[k]]));
		json_object_set_new(map, json_string_value(id), list);
		json_decref(id);
	}
	return map;
}

json_t *artifacts_manifest(const struct artifact *artifact,
			   const struct tasks *tasks)
{
	static const char *const empty[] = {
		"macros",          "docs",      "exposures",
		"metrics",         "groups",    "selectors",
		"disabled",        "group_map", "saved_queries",
		"semantic_models", "unit_tests"};
	json_t *metadata = artifacts_metadata(artifact, "manifest/v12");
	json_t *nodes = json_object(), *sources = json_object();
	json_t *manifest;

	json_object_set_new(metadata, "adapter_type", json_string("postgres"));
	json_object_set_new(metadata, "project_name", json_string("millrace"));
	add_nodes(nodes, sources, artifact, tasks);
	manifest = json_pack("{s:o, s:o, s:o, s:o, s:o}", "metadata", metadata,
			     "nodes", nodes, "sources", sources, "parent_map",
			     neighbours(tasks, true), "child_map",
			     neighbours(tasks, false));
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
		json_object_set_new(manifest, empty[i], json_object());
	return manifest;
}
