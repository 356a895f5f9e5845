#include "common/credential.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passfile[] = "PGPASSFILE";

static bool is_handed_over(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t len = folder ? strlen(folder) : 0;

	return len > 0 && !strncmp(path, folder, len) && path[len] == '/' &&
	       !strchr(path + len + 1, '/');
}

bool credential_is_private(const char *path, mode_t mode)
{
	const mode_t others = mode & (S_IRWXG | S_IRWXO);

	return others == 0 || (others == S_IRGRP && is_handed_over(path));
}

static bool copy(int from, int to)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(from, piece, sizeof piece)) > 0)
		if (write(to, piece, (size_t)n) != n)
			return false;
	explicit_bzero(piece, sizeof piece);
	return n == 0 && fchmod(to, S_IRUSR) == 0;
}

/* The copy's descriptor stays open as long as the process lives.  When there is
 * none, libpq says what is wrong with the file. */
void credential_begin(void)
{
	const char *path = getenv(passfile);
	int from = -1, to = -1;
	struct stat st;
	char name[32];

	if (!path || !is_handed_over(path))
		return;
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) != 0 ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != S_IRGRP)
		goto out;
	to = memfd_create("pgpass", MFD_CLOEXEC);
	if (to < 0 || !copy(from, to))
		goto out;
	snprintf(name, sizeof name, "/proc/self/fd/%d", to);
	if (setenv(passfile, name, 1) == 0)
		to = -1;
out:
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}
