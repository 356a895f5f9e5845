#include "aggregate/replace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/write_file.h"

static bool make_folders(const char *path, struct error *err)
{
	char *copy = mem_strdup(path);
	bool ok = true;

	for (char *p = copy + 1; ok && (p = strchr(p, '/')); p++) {
		*p = '\0';
		ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
		if (!ok)
			error_config(err, "cannot make the folder %s: %s", copy,
				     strerror(errno));
		*p = '/';
	}
	free(copy);
	return ok;
}

static bool is_same(const char *path, const char *bytes, size_t len)
{
	FILE *in = fopen(path, "re");
	char *held = mem_alloc(len + 1);
	bool same = false;

	if (in) {
		same = fread(held, 1, len + 1, in) == len &&
		       memcmp(held, bytes, len) == 0;
		fclose(in);
	}
	free(held);
	return same;
}

bool replace_file(const char *path, const char *bytes, size_t len,
		  struct error *err)
{
	if (!make_folders(path, err))
		return false;
	return is_same(path, bytes, len) || write_file(path, bytes, len) ||
	       error_config(err, "cannot write %s: %s", path, strerror(errno));
}
