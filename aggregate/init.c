#include "aggregate/init.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/replace_file.h"
#include "common/mem.h"

static const struct file {
	const char *path;
	const char *text;
} files[] = {
#include "example.inc"
};

enum { FILE_COUNT = sizeof files / sizeof *files };

static bool check_empty(const char *folder, struct error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry = NULL;

	if (!dir && errno == ENOENT)
		return true;
	if (!dir)
		return error_config(err, "cannot read %s: %s", folder,
				    strerror(errno));
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			break;
	if (entry)
		error_set(err, ERROR_FATAL, STATUS_USAGE,
			  "%s is not empty: it holds %s; name a new folder",
			  folder, entry->d_name);
	closedir(dir);
	return !entry;
}

/* How the programs are called from here: by name where PATH finds them. */
static void find_programs(char prefix[PATH_MAX + 2])
{
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	const char *path = getenv("PATH");
	char *rest = mem_strdup(path ? path : ""), *cursor = rest;
	const char *folder;

	program[len > 0 ? len : 0] = '\0';
	if (strrchr(program, '/'))
		*strrchr(program, '/') = '\0';
	snprintf(prefix, PATH_MAX + 2, "%s/", program);
	while ((folder = strsep(&cursor, ":")))
		if (strcmp(folder, program) == 0)
			*prefix = '\0';
	free(rest);
}

bool init_project(const char *folder, FILE *out, struct error *err)
{
	char prefix[PATH_MAX + 2];
	bool ok = check_empty(folder, err);

	for (size_t i = 0; ok && i < FILE_COUNT; i++) {
		char *path = mem_format("%s/%s", folder, files[i].path);

		ok = replace_file(path, files[i].text, strlen(files[i].text),
				  err);
		free(path);
	}
	if (!ok)
		return false;
	find_programs(prefix);
	fprintf(out,
		"cd %s\n"
		"%shandle-streams orders.jsonl\n"
		"%speriodic\n"
		"cat metrics/revenue.csv\n",
		folder, prefix, prefix);
	return true;
}
