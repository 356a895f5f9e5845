/* private_pg_command.c - running PostgreSQL's own programs */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/private_pg_internal.h"

enum { OLDEST_VERSION = 15, EXEC_FAILED = 127, LOCK_FD = 3 };

static const char debian_servers[] = "/usr/lib/postgresql";

/* --- finding ------------------------------------------------------------- */

static bool has_server(const char *folder)
{
	static const char *const programs[] = {"initdb", "postgres"};
	char path[4200];
	size_t i;

	for (i = 0; i < sizeof programs / sizeof *programs; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, programs[i]);
		if (access(path, X_OK) != 0)
			return false;
	}
	return true;
}

/* The newest of Debian's folders /usr/lib/postgresql/<version>/bin. */
static const char *find_debian(int version, struct arena *arena)
{
	DIR *folder = opendir(debian_servers);
	const char *best = NULL;
	long best_version = 0;
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		long number = strtol(entry->d_name, NULL, 10);
		const char *bin;

		if (number < OLDEST_VERSION || number <= best_version ||
		    (version != 0 && number != version))
			continue;
		bin = arena_format(arena, "%s/%s/bin", debian_servers,
				   entry->d_name);
		if (has_server(bin)) {
			best = bin;
			best_version = number;
		}
	}
	if (folder)
		closedir(folder);
	return best;
}

static const char *find_in_path(struct arena *arena)
{
	const char *path = getenv("PATH");
	char *rest = arena_strdup(arena, path ? path : "");
	const char *folder;

	while ((folder = strsep(&rest, ":")))
		if (*folder == '/' && has_server(folder))
			return folder;
	return NULL;
}

bool command_find_server(int version, struct arena *arena, const char **bin,
			 struct error *err)
{
	const char *wanted = getenv("MILLRACE_PG_BIN");

	if (wanted && *wanted) {
		*bin = wanted;
		if (has_server(wanted))
			return true;
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "MILLRACE_PG_BIN: no initdb and postgres in "
				 "%s",
				 wanted);
	}
	*bin = find_debian(version, arena);
	if (!*bin)
		*bin = find_in_path(arena);
	if (!*bin)
		*bin = find_debian(0, arena);
	if (*bin)
		return true;
	return error_set(err, ERROR_FATAL, STATUS_DATABASE,
			 "no PostgreSQL server from version %d on is installed "
			 "(looked in %s/*/bin and PATH): run `make deps` or "
			 "apt-get install postgresql, or name a server with "
			 "--dsn or PGHOST",
			 OLDEST_VERSION, debian_servers);
}

/* --- running ------------------------------------------------------------- */

/* The child's side of command_start: nothing of ours leaks into the server, or
 * it would keep pipes open and their readers waiting for ever. */
static void become(const struct private_pg *pg, enum command_lock lock,
		   int input_fd, int log_fd, const char *const *argv)
{
	const char *path = getenv("PATH");
	char *environment[3] = {NULL};
	char *const *words;

	if (dup2(input_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		_exit(EXEC_FAILED);
	if (lock == COMMAND_HOLDS_LOCK) {
		dup2(pg->lock_fd, LOCK_FD);
		fcntl(LOCK_FD, F_SETFD, 0);
	}
	close_range(lock == COMMAND_HOLDS_LOCK ? LOCK_FD + 1 : LOCK_FD, ~0U, 0);
	setsid();
	if (chdir(pg->base) != 0 ||
	    asprintf(&environment[0], "PATH=%s", path ? path : "") < 0)
		_exit(EXEC_FAILED);
	environment[1] = (char[]){"LC_ALL=C"};
	memcpy(&words, &argv, sizeof words);
	execve(argv[0], words, environment);
	_exit(EXEC_FAILED);
}

static bool wait_for(pid_t child, int *status)
{
	while (waitpid(child, status, 0) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

off_t command_log_size(const char *log)
{
	struct stat status;

	return stat(log, &status) == 0 ? status.st_size : 0;
}

static bool is_telling(const char *line)
{
	return strstr(line, "FATAL:") || strstr(line, "PANIC:") ||
	       strstr(line, "error:") || strstr(line, "ERROR:");
}

void command_reason(const char *log, off_t offset, struct error *err)
{
	char line[512], reason[512] = "";
	size_t used = strlen(err->text);
	FILE *in = fopen(log, "re");
	bool telling = false;

	if (in)
		fseeko(in, offset, SEEK_SET);
	while (in && fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && !telling)
			memcpy(reason, line, sizeof reason);
		telling = telling || is_telling(line);
	}
	if (in)
		fclose(in);
	if (*reason)
		snprintf(err->text + used, sizeof err->text - used,
			 ": %s (see %s)", reason, log);
}

bool command_log_has(const char *log, off_t offset, const char *words)
{
	FILE *in = fopen(log, "re");
	bool found = false;
	char line[512];

	if (in)
		fseeko(in, offset, SEEK_SET);
	while (in && !found && fgets(line, sizeof line, in))
		found = strstr(line, words) != NULL;
	if (in)
		fclose(in);
	return found;
}

bool command_start(const struct private_pg *pg, enum command_lock lock,
		   const char *log, const char *input, const char *const *argv,
		   pid_t *child, struct error *err)
{
	int pipe_fds[2] = {-1, -1};
	int log_fd;
	bool ok;

	log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ok = log_fd >= 0 && pipe2(pipe_fds, O_CLOEXEC) == 0 &&
	     write(pipe_fds[1], input, strlen(input)) >= 0;
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	if (ok)
		*child = fork();
	if (ok && *child == 0)
		become(pg, lock, pipe_fds[0], log_fd, argv);
	if (!ok || *child < 0)
		ok = error_set(err, ERROR_FATAL, STATUS_DATABASE,
			       "cannot run %s with its output in %s: %s",
			       argv[0], log, strerror(errno));
	if (pipe_fds[0] >= 0)
		close(pipe_fds[0]);
	if (log_fd >= 0)
		close(log_fd);
	return ok;
}

bool command_run(const struct private_pg *pg, enum command_lock lock,
		 const char *log, const char *input, const char *const *argv,
		 struct error *err)
{
	off_t before = command_log_size(log);
	int status = 0;
	pid_t child = -1;

	if (!command_start(pg, lock, log, input, argv, &child, err))
		return false;
	if (wait_for(child, &status) && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0)
		return true;
	error_set(err, ERROR_FATAL, STATUS_DATABASE, "%s failed", argv[0]);
	command_reason(log, before, err);
	return false;
}

/* --- files --------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int kind,
			struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

void command_remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

bool command_write_file(const char *path, const char *text, struct error *err)
{
	FILE *out = fopen(path, "we");
	bool ok = out && fputs(text, out) >= 0 && fflush(out) == 0 &&
		  fsync(fileno(out)) == 0;

	if (!ok)
		error_set(err, ERROR_FATAL, STATUS_DATABASE,
			  "cannot write %s: %s", path, strerror(errno));
	if (out)
		fclose(out);
	return ok;
}
