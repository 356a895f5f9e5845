#include "aggregate/job.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/conf.h"
#include "common/mem.h"
#include "common/nearest.h"

#define AT(member) offsetof(struct job, member)

static const struct setting keys[] = {
	{.name = "select", .type = SETTING_LIST, .offset = AT(select)},
	{.name = "exclude", .type = SETTING_LIST, .offset = AT(exclude)},
	{.name = "calendar",
	 .type = SETTING_LIST,
	 .offset = AT(calendar),
	 .initial = "*:0/30"},
	{.name = "retries",
	 .type = SETTING_INTEGER,
	 .offset = AT(retries),
	 .initial = "0",
	 .max = 100},
	{.name = "retry_delay",
	 .type = SETTING_DURATION,
	 .offset = AT(retry_delay_ms),
	 .initial = "1m"},
	{.name = "timeout",
	 .type = SETTING_DURATION,
	 .offset = AT(timeout_ms),
	 .initial = "0"},
	{.name = "sla",
	 .type = SETTING_DURATION,
	 .offset = AT(sla_ms),
	 .initial = "0"},
	{.name = "on_failure",
	 .type = SETTING_TEXT,
	 .offset = AT(on_failure),
	 .initial = ""},
	{.name = "on_success",
	 .type = SETTING_TEXT,
	 .offset = AT(on_success),
	 .initial = ""},
	{.name = "full",
	 .type = SETTING_FLAG,
	 .offset = AT(full),
	 .initial = "off"},
};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

static const struct setting *find_key(const char *name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool refuse_key(const struct conf *conf, const struct conf_entry *entry,
		       struct error *err)
{
	const char *names[KEY_COUNT];
	const char *meant;

	for (size_t i = 0; i < KEY_COUNT; i++)
		names[i] = keys[i].name;
	meant = nearest(entry->name, names, KEY_COUNT);
	return error_config(err, "%s:%d: a job has no %s%s%s%s", conf->file,
			    entry->line, entry->name,
			    meant ? "; did you mean " : "", meant ? meant : "",
			    meant ? "?" : "");
}

/* --- one job -------------------------------------------------------------- */

/* `job NAME`; the name is one for files and units too. */
static const char *name_of(const struct conf_section *section)
{
	const char *name = section->name;

	if (strncmp(name, "job ", 4) != 0)
		return NULL;
	name += 4 + strspn(name + 4, " \t");
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_-")])
		return NULL;
	return name;
}

static bool add_job(struct jobs *jobs, const struct conf *conf,
		    const struct conf_section *section, struct error *err)
{
	const char *name = name_of(section);
	struct job job = {.line = section->line};

	if (!name)
		return error_config(err,
				    "%s:%d: unknown section [%s]; a job is "
				    "[job NAME], the name letters, digits, - "
				    "and _",
				    conf->file, section->line, section->name);
	for (size_t i = 0; i < jobs->count; i++)
		if (strcmp(jobs->at[i].name, name) == 0)
			return error_config(err,
					    "%s:%d: there is a job %s already, "
					    "at %s:%d",
					    conf->file, section->line, name,
					    jobs->at[i].file, jobs->at[i].line);
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].type != SETTING_LIST &&
		    !setting_store(&keys[i], keys[i].initial, &job,
				   &jobs->arena, err))
			return error_context(err, "%s", keys[i].name);
	job.name = arena_strdup(&jobs->arena, name);
	job.file = arena_strdup(&jobs->arena, conf->file);
	MEM_GROW(jobs->at, jobs->count, jobs->capacity);
	jobs->at[jobs->count++] = job;
	return true;
}

/* entries of a section are those between its line and the next one's */
static bool fill_job(struct jobs *jobs, const struct conf *conf, int from,
		     int until, struct error *err)
{
	struct job *job = &jobs->at[jobs->count - 1];
	bool given[KEY_COUNT] = {false};

	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_entry *entry = &conf->entry[i];
		const struct setting *key = find_key(entry->name);
		bool ok;

		if (entry->line < from || entry->line >= until)
			continue;
		if (!key)
			return refuse_key(conf, entry, err);
		if (key->type != SETTING_LIST && given[key - keys])
			return error_config(err, "%s:%d: %s is given twice",
					    conf->file, entry->line,
					    entry->name);
		given[key - keys] = true;
		ok = setting_store(key,
				   arena_strdup(&jobs->arena, entry->value),
				   job, &jobs->arena, err);
		if (!ok)
			return error_context(err, "%s:%d: %s", conf->file,
					     entry->line, entry->name);
	}
	return true;
}

/* --- files ---------------------------------------------------------------- */

/* In a pack's file there are jobs and nothing else. */
static bool check_loose(const struct conf *conf, struct error *err)
{
	for (size_t i = 0; i < conf->count; i++)
		if (!*conf->entry[i].section)
			return error_config(err,
					    "%s:%d: %s stands before the first "
					    "[job NAME]",
					    conf->file, conf->entry[i].line,
					    conf->entry[i].name);
	return true;
}

static bool read_file(struct jobs *jobs, const char *file, const char *pack,
		      struct error *err)
{
	struct conf conf = CONF_INIT;
	bool ok = conf_read(&conf, file, err) &&
		  (!pack || check_loose(&conf, err));

	for (size_t i = 0; ok && i < conf.section_count; i++) {
		int until = i + 1 < conf.section_count
				    ? conf.section[i + 1].line
				    : INT32_MAX;
		struct job *job;

		ok = add_job(jobs, &conf, &conf.section[i], err) &&
		     fill_job(jobs, &conf, conf.section[i].line, until, err);
		job = ok ? &jobs->at[jobs->count - 1] : NULL;
		if (!ok || !pack || job->select.count)
			continue;
		ok = setting_store(find_key("select"),
				   arena_format(&jobs->arena, "pack:%s", pack),
				   job, &jobs->arena, err);
	}
	conf_release(&conf);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The packs' files: `home` stands for itself, whatever its letters. */
static const char *pattern_of(struct jobs *jobs, const char *home)
{
	struct buf pattern = BUF_INIT;
	const char *kept;

	for (; *home; home++) {
		if (strchr("*?[\\", *home))
			buf_add_byte(&pattern, '\\');
		buf_add_byte(&pattern, *home);
	}
	buf_add_text(&pattern, "/sql/*/pack.conf");
	kept = arena_strdup(&jobs->arena, buf_text(&pattern));
	buf_release(&pattern);
	return kept;
}

bool jobs_read(struct jobs *jobs, const char *home, struct error *err)
{
	const char *own =
		arena_format(&jobs->arena, "%s/config/periodic.conf", home);
	const char *pattern = pattern_of(jobs, home);
	glob_t files = {0};
	bool ok = true;

	if (glob(pattern, 0, NULL, &files) == 0)
		for (size_t i = 0; ok && i < files.gl_pathc; i++) {
			const char *file = files.gl_pathv[i];
			const char *end = strrchr(file, '/');
			const char *begin = end;

			while (begin[-1] != '/')
				begin--;
			ok = read_file(jobs, file,
				       arena_strndup(&jobs->arena, begin,
						     (size_t)(end - begin)),
				       err);
		}
	globfree(&files);
	if (ok && access(own, F_OK) == 0)
		ok = read_file(jobs, own, NULL, err);
	if (ok && jobs->count)
		qsort(jobs->at, jobs->count, sizeof *jobs->at, by_name);
	return ok;
}

void jobs_release(struct jobs *jobs)
{
	free(jobs->at);
	arena_release(&jobs->arena);
	*jobs = JOBS_INIT;
}

const struct job *jobs_find(const struct jobs *jobs, const char *name,
			    struct error *err)
{
	const char **names;
	const char *meant;

	for (size_t i = 0; i < jobs->count; i++)
		if (strcmp(jobs->at[i].name, name) == 0)
			return &jobs->at[i];
	names = mem_alloc((jobs->count + 1) * sizeof *names);
	for (size_t i = 0; i < jobs->count; i++)
		names[i] = jobs->at[i].name;
	meant = nearest(name, names, jobs->count);
	free(names);
	error_set(err, ERROR_FATAL, STATUS_USAGE, "there is no job %s%s%s%s",
		  name, meant ? "; did you mean " : "", meant ? meant : "",
		  meant ? "?" : "; periodic jobs lists them");
	return NULL;
}
