#include "aggregate/pack_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/project_files.h"
#include "common/mem.h"

static const char ending[] = ".sql";

struct reading {
	struct arena *arena;
	struct pack_file *file;
	size_t count, capacity;
	struct error *err;
};

static int is_sql(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = sizeof ending - 1;

	return entry->d_name[0] != '.' && len > end &&
	       strcmp(entry->d_name + len - end, ending) == 0;
}

/* Byte order, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_file(struct reading *reading, const char *folder,
		      const char *pack, const char *name)
{
	struct arena *arena = reading->arena;
	struct pack_file file = {
		.pack = pack,
		.base = arena_strndup(arena, name,
				      strlen(name) - (sizeof ending - 1)),
		.path = arena_format(arena, "%s/%s", folder, name),
	};
	char *text;

	if (!project_files_read(file.path, &text, reading->err))
		return false;
	file.text = arena_strdup(arena, text);
	free(text);
	MEM_GROW(reading->file, reading->count, reading->capacity);
	reading->file[reading->count++] = file;
	return true;
}

static bool read_folder(struct reading *reading, const char *folder,
			const char *pack)
{
	struct dirent **name;
	int count = scandir(folder, &name, is_sql, by_name);
	bool ok = true;

	if (count < 0)
		return errno == ENOENT ||
		       error_config(reading->err,
				    "cannot read the folder %s: %s", folder,
				    strerror(errno));
	for (int i = 0; i < count; i++) {
		ok = ok && read_file(reading, folder, pack, name[i]->d_name);
		free(name[i]);
	}
	free(name);
	return ok;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool pack_files_read(const struct project *project, const char *sub,
		     struct arena *arena, struct pack_file **out, size_t *count,
		     struct error *err)
{
	struct reading reading = {.arena = arena, .err = err};
	size_t packs = project->relation_count;
	const char **pack = mem_alloc((packs + 1) * sizeof *pack);
	bool ok = true;

	for (size_t i = 0; i < packs; i++)
		pack[i] = project->relation[i].pack;
	qsort(pack, packs, sizeof *pack, by_text);
	for (size_t i = 0; ok && i < packs; i++)
		if (i == 0 || strcmp(pack[i], pack[i - 1]) != 0)
			ok = read_folder(&reading,
					 arena_format(arena, "%s/%s/%s",
						      project->folder, pack[i],
						      sub),
					 pack[i]);
	*out = arena_alloc(arena, (reading.count + 1) * sizeof **out);
	if (reading.count)
		memcpy(*out, reading.file, reading.count * sizeof **out);
	*count = reading.count;
	free(reading.file);
	free(pack);
	return ok;
}
