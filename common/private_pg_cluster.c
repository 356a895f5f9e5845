/*
 * private_pg_cluster.c - making and starting the private server
 *
 * Everything here runs as the server's user and under the lock.  A cluster is
 * made in data.new and gets its name when it is whole, so `data` is never
 * half-made.  initdb holds the lock too: if this program dies meanwhile, the
 * next one waits until initdb has ended, and begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/private_pg_internal.h"

enum {
	START_TIMEOUT_MS = 120000, /* crash recovery included */
	POLL_MS = 5,
	RETRY_MS = 200,
	/* of sockaddr_un's 108 bytes, without "/.s.PGSQL.5432.lock" */
	SOCKET_FOLDER_MAX = 86,
	LOG_BYTES_MAX = 16 << 20, /* a longer log is put aside at a start */
};

static bool failed(struct error *err, const char *what, const char *path)
{
	return error_set(err, ERROR_FATAL, STATUS_DATABASE, "cannot %s %s: %s",
			 what, path, strerror(errno));
}

/* --- making -------------------------------------------------------------- */

static const char *locale_option(void)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

	if (!locale)
		return "--locale=C";
	freelocale(locale);
	return "--locale=C.UTF-8";
}

/* Lets the server's user and root in as user millrace, through peer. */
static bool write_access(struct arena *arena, const char *data,
			 struct error *err)
{
	const struct passwd *user = getpwuid(geteuid());
	struct buf ident = BUF_INIT;
	bool ok;

	if (!user)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "user %d has no name in /etc/passwd, and "
				 "PostgreSQL needs one",
				 (int)geteuid());
	buf_format(&ident, "owner \"%s\" millrace\n", user->pw_name);
	buf_add_text(&ident, "owner root millrace\n");
	ok = command_write_file(arena_format(arena, "%s/pg_hba.conf", data),
				"local all all peer map=owner\n", err) &&
	     command_write_file(arena_format(arena, "%s/pg_ident.conf", data),
				buf_text(&ident), err) &&
	     command_write_file(arena_format(arena, "%s/postgresql.conf", data),
				"# settings of your own go here\n"
				"include = 'millrace.conf'\n",
				err) &&
	     command_write_file(arena_format(arena, "%s/millrace.conf", data),
				"", err);
	buf_release(&ident);
	return ok;
}

static bool sync_folder(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		failed(err, "sync", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make_cluster(struct private_pg *pg, struct error *err)
{
	struct arena *arena = &pg->arena;
	const char *made = arena_format(arena, "%s/data.new", pg->base);
	const char *log = arena_format(arena, "%s/setup.log", pg->base);
	const char *bin;

	if (!command_find_server(0, arena, &bin, err))
		return false;
	log_line(LOG_INFO, "making a private PostgreSQL in %s", pg->base);
	command_remove_tree(made);
	unlink(log);
	if (!command_run(pg, COMMAND_HOLDS_LOCK, log, "",
			 (const char *[]){arena_format(arena, "%s/initdb", bin),
					  "-D", made, "-U", "millrace", "-E",
					  "UTF8", locale_option(), "-A", "peer",
					  NULL},
			 err) ||
	    !write_access(arena, made, err) ||
	    !command_run(
		    pg, COMMAND_HOLDS_LOCK, log, "create database millrace\n",
		    (const char *[]){arena_format(arena, "%s/postgres", bin),
				     "--single", "-D", made, "-c",
				     "exit_on_error=on", "postgres", NULL},
		    err))
		return error_context(err, "making a private PostgreSQL");
	if (rename(made, pg->data) != 0)
		return failed(err, "make", pg->data);
	return sync_folder(pg->base, err);
}

/* --- starting ------------------------------------------------------------ */

/* A socket's path is short, and its folder must not look like a list. */
static const char *socket_folder(struct private_pg *pg, struct error *err)
{
	const char *link = arena_format(&pg->arena, "%s/socket", pg->base);
	char *folder = arena_zalloc(&pg->arena, SOCKET_FOLDER_MAX + 1);
	struct stat status;

	if (strlen(pg->base) <= SOCKET_FOLDER_MAX &&
	    !strpbrk(pg->base, ",'\"\\\n"))
		return pg->base;
	if (readlink(link, folder, SOCKET_FOLDER_MAX) > 0 &&
	    lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
	    status.st_uid == geteuid() && (status.st_mode & 077) == 0)
		return folder;
	unlink(link);
	snprintf(folder, SOCKET_FOLDER_MAX, "/tmp/millrace-XXXXXX");
	if (mkdtemp(folder) && symlink(folder, link) == 0)
		return folder;
	failed(err, "make a folder for the socket in", "/tmp");
	return NULL;
}

/* Written anew before every start: the checkout may have moved. */
static bool write_settings(struct private_pg *pg, const char *socket,
			   struct error *err)
{
	long long memory_mb = (long long)sysconf(_SC_PHYS_PAGES) *
			      sysconf(_SC_PAGESIZE) / (1 << 20);
	long long buffers_mb = memory_mb / 8;
	struct buf text = BUF_INIT;
	bool ok;

	if (buffers_mb < 128)
		buffers_mb = 128;
	if (buffers_mb > 1024)
		buffers_mb = 1024;
	buf_format(&text,
		   "# Written before every start; your own settings belong in "
		   "postgresql.conf.\n"
		   "listen_addresses = ''\n"
		   "port = 5432\n"
		   "unix_socket_directories = '%s'\n"
		   "unix_socket_permissions = 0700\n"
		   "shared_buffers = %lldMB\n"
		   "work_mem = 32MB\n"
		   "max_wal_size = 2GB\n"
		   "checkpoint_timeout = 15min\n"
		   "jit = off\n"
		   "client_connection_check_interval = 1s\n"
		   "timezone = 'UTC'\n"
		   "log_timezone = 'UTC'\n"
		   "log_line_prefix = '%%m [%%p] %%a '\n"
		   "log_min_error_statement = panic\n",
		   socket, buffers_mb);
	ok = command_write_file(
		arena_format(&pg->arena, "%s/millrace.conf", pg->data),
		buf_text(&text), err);
	buf_release(&text);
	return ok;
}

static int data_version(struct private_pg *pg)
{
	FILE *in = fopen(arena_format(&pg->arena, "%s/PG_VERSION", pg->data),
			 "re");
	char line[32] = "";

	if (in && !fgets(line, sizeof line, in))
		*line = '\0';
	if (in)
		fclose(in);
	return (int)strtol(line, NULL, 10);
}

/* Lock files that outlived their server.  PostgreSQL believes in any process
 * of that number: one of another program, one whose folder is another (the
 * checkout was copied), a zombie that nobody buries in a container.  Whether
 * processes of the old server are left it learns from its shared memory, which
 * needs no file. */
static void remove_stale_locks(struct private_pg *pg, const char *socket)
{
	struct pidfile pidfile;

	if (pidfile_read(&pidfile, pg->data) &&
	    pidfile_is_alive(&pidfile, pg->data))
		return;
	unlink(arena_format(&pg->arena, "%s/postmaster.pid", pg->data));
	unlink(arena_format(&pg->arena, "%s/.s.PGSQL.5432.lock", socket));
}

/* Waits until the server takes connections, or has ended. */
static bool wait_ready(struct private_pg *pg, pid_t server, const char *log,
		       off_t before, struct error *err)
{
	int64_t deadline = clock_ms() + START_TIMEOUT_MS;
	struct pidfile pidfile;
	int status;

	while (waitpid(server, &status, WNOHANG) == 0) {
		if (pidfile_read(&pidfile, pg->data) && pidfile.pid == server &&
		    pidfile_is_answering(&pidfile))
			return true;
		if (clock_ms() > deadline)
			return error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
					 "the private PostgreSQL is still "
					 "recovering after %d s; %s tells how "
					 "far it is",
					 START_TIMEOUT_MS / 1000, log);
		clock_sleep_ms(POLL_MS);
	}
	error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
		  "the private PostgreSQL does not start");
	command_reason(log, before, err);
	return false;
}

static bool start_server(struct private_pg *pg, const char *log,
			 struct error *err)
{
	const char *socket = socket_folder(pg, err);
	off_t before = command_log_size(log);
	struct arena *arena = &pg->arena;
	int version = data_version(pg);
	const char *bin;
	pid_t server;

	if (!socket || !write_settings(pg, socket, err) ||
	    !command_find_server(version, arena, &bin, err))
		return false;
	remove_stale_locks(pg, socket);
	if (command_start(
		    pg, COMMAND_DROPS_LOCK, log, "",
		    (const char *[]){arena_format(arena, "%s/postgres", bin),
				     "-D", pg->data, NULL},
		    &server, err) &&
	    wait_ready(pg, server, log, before, err))
		return true;
	if (command_log_has(log, before, "incompatible with server"))
		error_set(err, ERROR_FATAL, STATUS_DATABASE,
			  "the private PostgreSQL in %s was made by version "
			  "%d, whose server is not installed any more: apt-get "
			  "install postgresql-%d",
			  pg->base, version, version);
	return false;
}

/* Nobody can reach it any more: the checkout has moved, and its sockets with
 * it, or something swept them away. */
static bool is_out_of_reach(const struct private_pg *pg,
			    const struct pidfile *pidfile)
{
	char path[4200];

	if (!pidfile->ready)
		return false;
	snprintf(path, sizeof path, "%s/.s.PGSQL.%d", pidfile->socket,
		 pidfile->port);
	return strcmp(pidfile->data, pg->data) != 0 || access(path, F_OK) != 0;
}

/* Whether the server runs and can be reached.  One that is starting or
 * stopping is waited for, one out of reach is stopped and gone on return. */
static bool is_serving(struct private_pg *pg)
{
	int64_t deadline = clock_ms() + START_TIMEOUT_MS;
	bool stopping = false;
	struct pidfile pidfile;

	while (pidfile_read(&pidfile, pg->data) &&
	       pidfile_is_alive(&pidfile, pg->data) && clock_ms() < deadline) {
		if (is_out_of_reach(pg, &pidfile) && !stopping)
			stopping = kill(pidfile.pid, SIGINT) == 0;
		else if (pidfile_is_answering(&pidfile))
			return true;
		clock_sleep_ms(POLL_MS);
	}
	return false;
}

bool cluster_ensure(struct private_pg *pg, struct error *err)
{
	const char *log = arena_format(&pg->arena, "%s/server.log", pg->base);
	int64_t deadline = clock_ms() + START_TIMEOUT_MS;

	if (mkdir(pg->base, 0700) != 0 && errno != EEXIST)
		return failed(err, "make", pg->base);
	if (access(pg->data, F_OK) != 0 && !make_cluster(pg, err))
		return false;
	if (command_log_size(log) > LOG_BYTES_MAX)
		rename(log, arena_format(&pg->arena, "%s.old", log));
	while (!is_serving(pg)) {
		off_t before = command_log_size(log);

		if (start_server(pg, log, err))
			return true;
		/* after a kill -9 of the server its last processes may need
		 * a while to notice */
		if (!command_log_has(log, before, "is still in use") ||
		    clock_ms() > deadline)
			return false;
		clock_sleep_ms(RETRY_MS);
	}
	return true;
}
