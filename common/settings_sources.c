/* settings_sources.c - settings from the environment and from a file */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/nearest.h"
#include "common/settings_reading.h"

/* A variable that is nearly one of ours is taken for a slip; others with the
 * same beginning may be anybody's (Kubernetes sets <SERVICE>_PORT). */
static bool check_variables(const struct reading *reading, const char **names,
			    size_t count, struct error *err)
{
	const char *prefix =
		settings__variable(reading->arena, reading->program->name, "");
	size_t len = strlen(prefix);
	char **variable;
	size_t i;

	for (variable = environ; *variable; variable++) {
		const char *name, *meant;

		if (strncmp(*variable, prefix, len) != 0)
			continue;
		name = arena_strndup(reading->arena, *variable,
				     strcspn(*variable, "="));
		for (i = 0; i < count && strcmp(names[i], name) != 0;)
			i++;
		if (i < count)
			continue;
		/* the common beginning must not make strangers near */
		for (i = 0, meant = NULL; i < count && !meant; i++) {
			const char *rest = names[i] + len;

			if (nearest(name + len, &rest, 1))
				meant = names[i];
		}
		if (meant)
			return error_config(err,
					    "environment variable %s names no "
					    "setting; did you mean %s?",
					    name, meant);
	}
	return true;
}

static bool take_variable(struct reading *reading, const struct setting *row,
			  const char *name, const char *text, struct error *err)
{
	char *rest, *item;

	if (row->type != SETTING_LIST) {
		if (settings__take(reading, row, text, err))
			return true;
		return error_context(err, "%s", name);
	}
	rest = arena_strdup(reading->arena, text);
	while ((item = strsep(&rest, " \t\n")))
		if (*item && !settings__take(reading, row, item, err))
			return error_context(err, "%s", name);
	return true;
}

bool settings__read_environment(struct reading *reading, struct error *err)
{
	const char *program = reading->program->name;
	const char **names = arena_alloc(reading->arena,
					 (reading->count + 1) * sizeof *names);
	const struct setting *row;
	size_t count = 0;

	names[count++] = settings__variable(reading->arena, program, "config");
	if (!reading->config)
		reading->config = getenv(names[0]);
	for (row = reading->program->table; row->name; row++) {
		const char *name =
			settings__variable(reading->arena, program, row->name);
		const char *text = getenv(name);

		if (row->place == SETTING_COMMAND_LINE)
			continue;
		names[count++] = name;
		if (text && !take_variable(reading, row, name, text, err))
			return false;
	}
	settings__source_done(reading);
	return check_variables(reading, names, count, err);
}

static bool unknown_name(const struct reading *reading,
			 const struct conf_entry *entry, const char *file,
			 struct error *err)
{
	const char **names = arena_alloc(reading->arena,
					 (reading->count + 1) * sizeof *names);
	const struct setting *row;
	const char *meant;
	size_t count = 0;

	row = settings__find(reading, entry->name);
	if (row)
		return error_config(err,
				    "%s:%d: %s is for the command line only",
				    file, entry->line, entry->name);
	for (row = reading->program->table; row->name; row++)
		if (row->place != SETTING_COMMAND_LINE)
			names[count++] = row->name;
	meant = nearest(entry->name, names, count);
	if (meant)
		return error_config(
			err, "%s:%d: unknown setting %s; did you mean %s?",
			file, entry->line, entry->name, meant);
	return error_config(err,
			    "%s:%d: unknown setting %s; %s --sample-config "
			    "lists them all",
			    file, entry->line, entry->name,
			    reading->program->name);
}

static bool take_entry(struct reading *reading, const struct conf *conf,
		       const struct conf_entry *entry, struct error *err)
{
	const struct setting *row = settings__find(reading, entry->name);

	if (*entry->section)
		return true;
	if (!row || row->place == SETTING_COMMAND_LINE)
		return unknown_name(reading, entry, conf->file, err);
	if (row->type == SETTING_DSN && !conf->is_private &&
	    setting_is_secret(entry->value))
		return error_config(err,
				    "%s:%d: %s holds a password, but other "
				    "users can read the file: chmod 600 it, or "
				    "keep the password in ~/.pgpass",
				    conf->file, entry->line, entry->name);
	if (!settings__take(reading, row, entry->value, err))
		return error_context(err, "%s:%d: %s", conf->file, entry->line,
				     entry->name);
	return true;
}

static bool check_section(const struct reading *reading,
			  const struct conf *conf,
			  const struct conf_section *section, struct error *err)
{
	const char *word = reading->program->section;
	size_t len = word ? strlen(word) : 0;

	if (word && strncmp(section->name, word, len) == 0 &&
	    section->name[len] == ' ')
		return true;
	if (word)
		return error_config(err,
				    "%s:%d: unknown section [%s]; there is "
				    "[%s NAME]",
				    conf->file, section->line, section->name,
				    word);
	return error_config(err, "%s:%d: [%s]: the file of %s has no sections",
			    conf->file, section->line, section->name,
			    reading->program->name);
}

/* The setting `project`, as the stronger sources have it, or home. */
static const char *project_folder(const struct reading *reading,
				  const char *home)
{
	const struct setting *row = settings__find(reading, "project");
	const char *folder = NULL;

	if (row && row->type == SETTING_TEXT)
		memcpy(&folder, (char *)reading->values + row->offset,
		       sizeof folder);
	return folder && *folder ? folder : home;
}

bool settings__read_file(struct reading *reading, const char *home,
			 struct error *err)
{
	const char *file = reading->config;
	struct conf conf = CONF_INIT;
	bool ok = false;
	size_t i;

	home = project_folder(reading, home);
	if (!file && home) {
		file = arena_format(reading->arena, "%s/config/%s.conf", home,
				    reading->program->name);
		if (access(file, F_OK) != 0)
			return true;
	}
	if (!file || !*file)
		return true;
	if (!conf_read(&conf, file, err))
		goto out;
	for (i = 0; i < conf.section_count; i++)
		if (!check_section(reading, &conf, &conf.section[i], err))
			goto out;
	for (i = 0; i < conf.count; i++)
		if (!take_entry(reading, &conf, &conf.entry[i], err))
			goto out;
	settings__source_done(reading);
	ok = true;
out:
	conf_release(&conf);
	return ok;
}
