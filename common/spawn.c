#include "common/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"

enum { CHUNK_BYTES = 4096, OUT_MAX_BYTES = 1048576 };

/* --- the environment ------------------------------------------------------ */

static bool is_passed_on(const char *variable)
{
	static const char *const names[] = {
		"PATH=", "HOME=",   "USER=",    "LANG=", "LC_",
		"TZ=",   "TMPDIR=", "LOGNAME=", "SHELL="};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Borrows the texts; the caller frees the array. */
static char **make_environment(const char *const *added)
{
	size_t count = 0, capacity = 0;
	char **list = NULL;
	char *text;

	for (char **variable = environ; *variable; variable++) {
		if (!is_passed_on(*variable))
			continue;
		MEM_GROW(list, count, capacity);
		list[count++] = *variable;
	}
	for (; *added; added++) {
		memcpy(&text, added, sizeof text);
		MEM_GROW(list, count, capacity);
		list[count++] = text;
	}
	MEM_GROW(list, count, capacity);
	list[count] = NULL;
	return list;
}

/* --- starting ------------------------------------------------------------- */

static int start(const struct spawn *spawn, int out_fd, pid_t *child)
{
	char **environment = make_environment(spawn->variable);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *const *argv;
	sigset_t all, none;
	int failed;

	memcpy(&argv, &spawn->argv, sizeof argv);
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
						      POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	if (spawn->is_quiet)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
						 O_WRONLY, 0);
	failed = posix_spawnp(child, argv[0], &actions, &attributes, argv,
			      environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(environment);
	return failed;
}

/* --- waiting -------------------------------------------------------------- */

/* Reads what has come; false at the end of it. */
static bool drain(int fd, struct buf *out)
{
	char bytes[CHUNK_BYTES];
	ssize_t got = read(fd, bytes, sizeof bytes);

	if (got > 0 && out && out->len < OUT_MAX_BYTES)
		buf_add(out, bytes, (size_t)got);
	return got > 0 || (got < 0 && errno == EINTR);
}

/* Until the child has ended; its grandchildren may keep the pipe open. */
static bool wait_for(int child_fd, int out_fd, struct buf *out,
		     int64_t timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct pollfd wanted[] = {{.fd = child_fd, .events = POLLIN},
				  {.fd = out_fd, .events = POLLIN}};

	for (;;) {
		int64_t left = deadline - clock_ms();

		if (left <= 0)
			return false;
		if (poll(wanted, 2, (int)(left < 1000 ? left : 1000)) <= 0)
			continue;
		if (wanted[1].revents && !drain(out_fd, out))
			wanted[1].fd = -1;
		else if (!wanted[1].revents && wanted[0].revents)
			return true;
	}
}

static bool end(const struct spawn *spawn, pid_t child, int out_fd, int *status,
		struct error *err)
{
	int child_fd = pidfd_open(child, 0);
	bool in_time = child_fd >= 0 && wait_for(child_fd, out_fd, spawn->out,
						 spawn->timeout_ms);

	if (!in_time)
		kill(-child, SIGKILL);
	while (waitpid(child, status, 0) < 0 && errno == EINTR)
		;
	if (child_fd >= 0)
		close(child_fd);
	if (!in_time)
		return error_set(err, ERROR_FATAL, STATUS_CONFIG,
				 "%s did not end within %lld s and was killed",
				 spawn->argv[0],
				 (long long)(spawn->timeout_ms / 1000));
	*status = WIFSIGNALED(*status) ? 128 + WTERMSIG(*status)
				       : WEXITSTATUS(*status);
	return true;
}

bool spawn_run(const struct spawn *spawn, int *status, struct error *err)
{
	int pipe_fd[2] = {-1, -1};
	pid_t child = 0;
	int failed;
	bool ok = false;

	if (spawn->out && pipe2(pipe_fd, O_CLOEXEC) != 0)
		return error_config(err, "cannot make a pipe: %s",
				    strerror(errno));
	failed = start(spawn, spawn->out ? pipe_fd[1] : STDERR_FILENO, &child);
	if (pipe_fd[1] >= 0)
		close(pipe_fd[1]);
	if (failed)
		error_config(err, "cannot run %s: %s", spawn->argv[0],
			     strerror(failed));
	else
		ok = end(spawn, child, pipe_fd[0], status, err);
	if (pipe_fd[0] >= 0)
		close(pipe_fd[0]);
	return ok;
}
