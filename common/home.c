#include "common/home.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"

/* From PREFIX on: where `make install` puts sql/ and a link to config/. */
static const char installed[] = "/share/millrace";

static bool is_project(const char *folder)
{
	char path[PATH_MAX + 64];
	struct stat status;

	snprintf(path, sizeof path, "%s/sql", folder);
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

void home_find(struct buf *out, const char *variable)
{
	const char *said = getenv(variable);
	char path[PATH_MAX + sizeof installed];
	ssize_t len;
	char *slash;

	if (said && *said) {
		buf_add_text(out, said);
		return;
	}
	len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (is_project(".") || len <= 0) {
		buf_add_text(out, ".");
		return;
	}
	path[len] = '\0';
	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		if (is_project(path)) {
			buf_add_text(out, path);
			return;
		}
		memcpy(slash, installed, sizeof installed);
		if (is_project(path)) {
			buf_add_text(out, path);
			return;
		}
		*slash = '\0';
	}
	buf_add_text(out, ".");
}

bool home_is_installed(const char *home)
{
	size_t len = strlen(home);

	return len >= sizeof installed - 1 &&
	       !strcmp(home + len - (sizeof installed - 1), installed);
}
