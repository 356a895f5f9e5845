#include "aggregate/model_config.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool set_word(const struct model_at *at, const char *key,
		     const char *value, const char *const *known, size_t count,
		     size_t *out)
{
	*out = model_find(value, known, count);
	return *out != SIZE_MAX || model_unknown(at, key, value, known, count);
}

static bool set_materialized(const struct model_at *at, const char *value)
{
	static const char *const known[] = {"view", "table", "incremental",
					    "snapshot"};
	size_t i;

	if (!set_word(at, "materialization", value, known, COUNT(known), &i))
		return false;
	at->model->materialized = (enum materialized)i;
	return true;
}

static bool set_strategy(const struct model_at *at, const char *value)
{
	size_t i;

	if (!set_word(at, "strategy", value, model_strategies + STRATEGY_APPEND,
		      STRATEGY_TIMESTAMP, &i))
		return false;
	at->model->strategy = (enum strategy)(STRATEGY_APPEND + i);
	return true;
}

/* `user_id` or `hour hour`: a column and a grain. */
static bool set_by_column(const struct model_at *at, const char *entry,
			  struct by_column *by)
{
	size_t len = strcspn(entry, " \t"), i;
	const char *grain;

	if (entry[0] == '"')
		len = strcspn(entry + 1, "\"") + 2;
	if (!model_name(at, arena_strndup(&at->model->arena, entry, len),
			&by->name))
		return false;
	grain = entry + len + strspn(entry + len, " \t");
	by->grain = GRAIN_NONE;
	if (*grain == '\0')
		return true;
	if (!set_word(at, "grain", grain, model_grains + GRAIN_SECOND,
		      GRAIN_MONTH, &i))
		return false;
	by->grain = (enum grain)(GRAIN_SECOND + i);
	return true;
}

static bool set_by(const struct model_at *at, const char *value)
{
	struct model *model = at->model;
	const char **entry;
	size_t count;

	if (!model_list(at, value, &entry, &count))
		return false;
	model->by = arena_zalloc(&model->arena, count * sizeof *model->by);
	for (size_t i = 0; i < count; i++) {
		if (!set_by_column(at, entry[i], &model->by[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(model->by[i].name, model->by[j].name) == 0)
				return model_refuse(at, "\"%s\" is named twice",
						    model->by[i].name);
	}
	model->by_count = count;
	return true;
}

static bool set_rows(const struct model_at *at, const char *value)
{
	return model_name(at, value, &at->model->rows);
}

static bool set_touch(const struct model_at *at, const char *value)
{
	static const char before[] = " before";
	size_t len = strlen(value);
	size_t most = sizeof before - 1;
	char *width = arena_strdup(&at->model->arena, value);

	if (len > most && !strcmp(value + len - most, before)) {
		at->model->touch_before = true;
		width[len - most] = '\0';
	}
	return model_duration(at, width, &at->model->touch_us);
}

static bool set_unique_key(const struct model_at *at, const char *value)
{
	return model_names(at, value, &at->model->unique_key,
			   &at->model->unique_key_count);
}

static bool set_order_by(const struct model_at *at, const char *value)
{
	return model_list(at, value, &at->model->order_by,
			  &at->model->order_by_count);
}

/* `pack.name on_change=recompute` */
static bool set_lookup(const struct model_at *at, const char *entry,
		       struct lookup *lookup)
{
	static const char *const known[] = {"recompute", "as_of", "ignore"};
	static const char key[] = "on_change=";
	size_t len = strcspn(entry, " \t"), i;
	const char *option = entry + len + strspn(entry + len, " \t");
	const char *relation = arena_strndup(&at->model->arena, entry, len);

	if (!strchr(relation, '.'))
		return model_refuse(at,
				    "\"%s\" needs its schema: a lookup is "
				    "written pack.name",
				    relation);
	*lookup = (struct lookup){.relation = relation,
				  .on_change = ON_CHANGE_RECOMPUTE,
				  .line = at->line};
	if (*option == '\0')
		return true;
	if (strncmp(option, key, strlen(key)) != 0)
		return model_refuse(at,
				    "\"%s\" is not understood: a lookup is "
				    "written pack.name on_change=recompute",
				    option);
	if (!set_word(at, "on_change", option + strlen(key), known,
		      COUNT(known), &i))
		return false;
	lookup->on_change = (enum on_change)i;
	return true;
}

static bool set_lookups(const struct model_at *at, const char *value)
{
	struct model *model = at->model;
	const char **entry;
	size_t count;

	if (!model_list(at, value, &entry, &count))
		return false;
	model->lookup =
		arena_zalloc(&model->arena, count * sizeof *model->lookup);
	for (size_t i = 0; i < count; i++) {
		struct lookup *lookup = &model->lookup[i];

		if (!set_lookup(at, entry[i], lookup))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(model->lookup[j].relation,
				   lookup->relation) == 0)
				return model_refuse(at, "\"%s\" is named twice",
						    lookup->relation);
	}
	model->lookup_count = count;
	return true;
}

static bool set_tags(const struct model_at *at, const char *value)
{
	struct model *model = at->model;

	if (!model_list(at, value, &model->tag, &model->tag_count))
		return false;
	for (size_t i = 0; i < model->tag_count; i++)
		if (strpbrk(model->tag[i], " \t,:+*'\""))
			return model_refuse(at,
					    "\"%s\" is not a tag: a tag is one "
					    "word of letters, digits, _ and -",
					    model->tag[i]);
	return true;
}

static bool set_export(const struct model_at *at, const char *value)
{
	struct model *model = at->model;
	size_t len = strcspn(value, " \t");
	const char *rest = value + len + strspn(value + len, " \t");
	const char *path = arena_strndup(&model->arena, value, len);

	if (path[0] == '/' || strstr(path, "..") || len < 5 ||
	    strcmp(path + len - 4, ".csv") != 0)
		return model_refuse(
			at,
			"\"%s\" is not a file to export to: write "
			"a path below the working directory that ends in "
			".csv",
			path);
	model->export_path = path;
	if (*rest == '\0')
		return true;
	if (strncasecmp(rest, "order by ", 9) != 0)
		return model_refuse(at,
				    "\"%s\" is not understood: an export is "
				    "written file.csv order by columns",
				    rest);
	model->export_order = model_trim(model, rest + 9, strlen(rest + 9));
	return true;
}

static bool set_owner(const struct model_at *at, const char *value)
{
	at->model->owner = value;
	return true;
}

static bool set_index(const struct model_at *at, const char *value)
{
	struct model *model = at->model;

	if (value[0] != '(' || value[strlen(value) - 1] != ')')
		return model_refuse(at,
				    "\"%s\" is not an index: write its columns "
				    "in parentheses, (a, b)",
				    value);
	MODEL_GROW(at, model->index, model->index_count);
	model->index[model->index_count++] = value;
	return true;
}

static bool set_check_cols(const struct model_at *at, const char *value)
{
	struct model *model = at->model;

	return !strcmp(value, "all") ||
	       model_names(at, value, &model->check_column,
			   &model->check_column_count);
}

static bool set_updated_at(const struct model_at *at, const char *value)
{
	return model_name(at, value, &at->model->updated_at);
}

static bool set_hard_deletes(const struct model_at *at, const char *value)
{
	static const char *const known[] = {"invalidate", "ignore"};
	size_t i;

	if (!set_word(at, "way with hard deletes", value, known, COUNT(known),
		      &i))
		return false;
	at->model->keeps_deleted = i == 1;
	return true;
}

static bool set_on_schema_change(const struct model_at *at, const char *value)
{
	static const char *const known[] = {"fail", "append_new_columns"};
	size_t i;

	if (!set_word(at, "on_schema_change", value, known, COUNT(known), &i))
		return false;
	at->model->on_schema_change =
		i == 0 ? ON_SCHEMA_FAIL : ON_SCHEMA_APPEND;
	return true;
}

static bool set_lag(const struct model_at *at, const char *value)
{
	return model_duration(at, value, &at->model->lag_us);
}

/* What a key is called and what it sets. */
static const struct key {
	const char *name;
	bool (*set)(const struct model_at *at, const char *value);
} keys[MODEL_KEY_COUNT] = {
	[KEY_MATERIALIZED] = {"materialized", set_materialized},
	[KEY_STRATEGY] = {"strategy", set_strategy},
	[KEY_BY] = {"by", set_by},
	[KEY_ROWS] = {"rows", set_rows},
	[KEY_TOUCH] = {"touch", set_touch},
	[KEY_UNIQUE_KEY] = {"unique_key", set_unique_key},
	[KEY_ORDER_BY] = {"order_by", set_order_by},
	[KEY_LOOKUPS] = {"lookups", set_lookups},
	[KEY_TAGS] = {"tags", set_tags},
	[KEY_EXPORT] = {"export", set_export},
	[KEY_OWNER] = {"owner", set_owner},
	[KEY_INDEX] = {"index", set_index},
	[KEY_CHECK_COLS] = {"check_cols", set_check_cols},
	[KEY_UPDATED_AT] = {"updated_at", set_updated_at},
	[KEY_HARD_DELETES] = {"hard_deletes", set_hard_deletes},
	[KEY_ON_SCHEMA_CHANGE] = {"on_schema_change", set_on_schema_change},
	[KEY_LAG] = {"lag", set_lag},
};

const char *model_key_name(enum model_key key)
{
	return keys[key].name;
}

bool model_key_is_known(const char *name)
{
	for (size_t i = 0; i < MODEL_KEY_COUNT; i++)
		if (strcmp(keys[i].name, name) == 0)
			return true;
	return false;
}

size_t model_key_length(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	return text[len] == ':' && strchr(" \t", text[len + 1]) ? len : 0;
}

/* The value without a remark: a # with blanks around it, outside of quotes. */
static const char *without_remark(struct model *model, const char *value)
{
	bool is_quoted = false;
	char quote = '\0';
	size_t i;

	for (i = 0; value[i] != '\0'; i++) {
		if (is_quoted) {
			is_quoted = value[i] != quote;
		} else if (value[i] == '\'' || value[i] == '"') {
			is_quoted = true;
			quote = value[i];
		} else if (value[i] == '#' && (i == 0 || value[i - 1] == ' ') &&
			   strchr(" \t", value[i + 1])) {
			break;
		}
	}
	return model_trim(model, value, i);
}

bool model_config_read(const struct model_at *at, struct model_config *config,
		       const char *text)
{
	struct model *model = at->model;
	const char *name[MODEL_KEY_COUNT];
	size_t len = model_key_length(text), i;
	const char *key, *value;

	if (text[0] == '#')
		return true;
	if (len == 0)
		return model_refuse(at,
				    "\"%s\" is not understood: configuration "
				    "is written key: value, a list [a, b]",
				    text);
	for (i = 0; i < MODEL_KEY_COUNT; i++)
		name[i] = keys[i].name;
	key = arena_strndup(&model->arena, text, len);
	value = without_remark(model, text + len + 1);
	i = model_find(key, name, MODEL_KEY_COUNT);
	if (i == SIZE_MAX)
		return model_unknown(at, "key", key, name, MODEL_KEY_COUNT);
	if (config->line[i] > 0 && i != KEY_INDEX)
		return model_refuse(at, "\"%s\" is already set in line %d", key,
				    config->line[i]);
	config->line[i] = at->line;
	if (*value == '\0')
		return model_refuse(at, "\"%s\" wants a value on the same line",
				    key);
	return keys[i].set(at, value);
}
