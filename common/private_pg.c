#include "common/private_pg.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/home.h"
#include "common/log.h"
#include "common/private_pg_internal.h"

static bool failed(struct error *err, const char *what, const char *path)
{
	return error_set(err, ERROR_FATAL, STATUS_DATABASE,
			 "private PostgreSQL: cannot %s %s: %s", what, path,
			 strerror(errno));
}

bool private_pg_is_wanted(const char *dsn)
{
	static const char *const names[] = {
		"PGHOST", "PGHOSTADDR", "PGPORT",    "PGDATABASE",
		"PGUSER", "PGPASSWORD", "PGSERVICE",
	};
	size_t i;

	if (dsn && *dsn)
		return false;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return false;
	}
	return true;
}

/* --- where the cluster lies ---------------------------------------------- */

/* The folder of root's cluster, below the home of the server's user.  Its name
 * tells which .millrace/pg it belongs to, so that a copied checkout, with the
 * link copied too, does not share the original's. */
static bool choose_outside(struct private_pg *pg, const struct passwd *server,
			   struct error *err)
{
	const char *link = arena_format(&pg->arena, "%s/data", pg->room);
	char *target = arena_zalloc(&pg->arena, PATH_MAX);
	const char *owner_mark;
	struct stat status;
	uint32_t number;

	if (stat(pg->room, &status) != 0)
		return failed(err, "find", pg->room);
	owner_mark = arena_format(&pg->arena, "/millrace/%jx-",
				  (uintmax_t)status.st_ino);
	if (readlink(link, target, PATH_MAX - 1) < 0 ||
	    !strstr(target, owner_mark)) {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return failed(err, "name", link);
		snprintf(target, PATH_MAX, "%s%s%08" PRIx32 "/data",
			 server->pw_dir, owner_mark, number);
		unlink(link);
		if (symlink(target, link) != 0)
			return failed(err, "make", link);
	}
	pg->data = target;
	pg->base = arena_strndup(&pg->arena, target,
				 strlen(target) - strlen("/data"));
	return true;
}

/* Decides who runs the server and where.  *server is NULL: this process's own
 * user. */
static bool choose_place(struct private_pg *pg, const struct passwd **server,
			 struct error *err)
{
	const char *data = arena_format(&pg->arena, "%s/data", pg->room);
	struct stat status;

	*server = NULL;
	pg->base = pg->room;
	pg->data = data;
	if (geteuid() != 0)
		return true;
	if (lstat(data, &status) == 0 && S_ISDIR(status.st_mode)) {
		*server = getpwuid(status.st_uid);
		if (*server && (*server)->pw_uid != 0)
			return true;
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "private PostgreSQL: %s belongs to user %d, "
				 "who cannot run a server",
				 data, (int)status.st_uid);
	}
	*server = getpwnam("postgres");
	if (!*server)
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "root cannot run PostgreSQL and there is no "
				 "user postgres to run it: apt-get install "
				 "postgresql (or `make deps`), or name a "
				 "server with --dsn or PGHOST");
	return choose_outside(pg, *server, err);
}

/* Another user's folder is no place for a server of ours; root's servers lie
 * elsewhere. */
static bool check_room(const struct private_pg *pg, struct error *err)
{
	const struct passwd *owner;
	struct stat status;

	if (stat(pg->room, &status) != 0)
		return failed(err, "find", pg->room);
	if (geteuid() == 0 || status.st_uid == geteuid())
		return true;
	owner = getpwuid(status.st_uid);
	return error_set(err, ERROR_FATAL, STATUS_DATABASE,
			 "private PostgreSQL: cannot use %s: it belongs to "
			 "user %s; run as that user, remove it, or name a "
			 "server with --dsn or PGHOST",
			 pg->room, owner ? owner->pw_name : "unknown");
}

/* Makes .millrace and .millrace/pg, for their owner alone. */
static bool make_room(struct private_pg *pg, const char *checkout,
		      struct error *err)
{
	char *home = realpath(checkout, NULL);
	const char *outer;

	if (!home)
		return failed(err, "find", checkout);
	outer = arena_format(&pg->arena, "%s/.millrace", home);
	pg->room = arena_format(&pg->arena, "%s/pg", outer);
	free(home);
	if ((mkdir(outer, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(pg->room, 0700) != 0 && errno != EEXIST))
		return failed(err, "make", pg->room);
	return check_room(pg, err);
}

/* --- starting ------------------------------------------------------------ */

/* Takes the server's identity for good. */
static bool drop_to(const struct passwd *server, struct error *err)
{
	if (initgroups(server->pw_name, server->pw_gid) != 0 ||
	    setgid(server->pw_gid) != 0 || setuid(server->pw_uid) != 0)
		return failed(err, "become user", server->pw_name);
	if (chdir("/") != 0)
		return failed(err, "enter", "/");
	return true;
}

/* The home of root's clusters lies below the server user's own home. */
static bool make_outer(const struct private_pg *pg, struct error *err)
{
	char outer[4200];

	snprintf(outer, sizeof outer, "%s", pg->base);
	*strrchr(outer, '/') = '\0';
	if (mkdir(outer, 0700) != 0 && errno != EEXIST)
		return failed(err, "make", outer);
	return true;
}

/* Runs cluster_ensure in a child, as the server's user (NULL: our own), and
 * takes over its error.  The child ends when the server runs, so the server is
 * nobody's child and leaves no zombie. */
static bool ensure_in_child(const struct passwd *server, struct private_pg *pg,
			    struct error *err)
{
	struct error said = ERROR_INIT;
	int fds[2], status = 1;
	ssize_t got;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return failed(err, "make", "a pipe");
	child = fork();
	if (child == 0) {
		bool ok = (!server ||
			   (drop_to(server, &said) && make_outer(pg, &said))) &&
			  cluster_ensure(pg, &said);

		if (!ok && write(fds[1], &said, sizeof said) < 0)
			_exit(2);
		_exit(ok ? 0 : 1);
	}
	close(fds[1]);
	got = child < 0 ? 0 : read(fds[0], &said, sizeof said);
	close(fds[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (got != (ssize_t)sizeof said)
		return failed(err, "start", pg->data);
	*err = said;
	return false;
}

static bool take_lock(struct private_pg *pg, struct error *err)
{
	const char *path = arena_format(&pg->arena, "%s/lock", pg->room);

	pg->lock_fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (pg->lock_fd < 0)
		return failed(err, "open", path);
	while (flock(pg->lock_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return failed(err, "lock", path);
	return true;
}

/* Adds a name=value pair as a connection string quotes it. */
static void add_pair(struct buf *dsn, const char *name, const char *value)
{
	buf_format(dsn, "%s%s='", dsn->len > 0 ? " " : "", name);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_add_byte(dsn, '\\');
		buf_add_byte(dsn, *value);
	}
	buf_add_byte(dsn, '\'');
}

/* Whether the server runs; if so, dsn says how to reach it. */
static bool find_running(const struct private_pg *pg, struct buf *dsn)
{
	struct pidfile pidfile;

	if (!pidfile_read(&pidfile, pg->data) ||
	    strcmp(pidfile.data, pg->data) != 0 ||
	    !pidfile_is_answering(&pidfile))
		return false;
	add_pair(dsn, "host", pidfile.socket);
	buf_format(dsn, " port=%d user=millrace dbname=millrace", pidfile.port);
	return true;
}

bool private_pg_start(const char *checkout, struct buf *dsn, struct error *err)
{
	static atomic_bool is_known; /* which server it is, to who reads us */
	struct private_pg pg = {.lock_fd = -1, .arena = ARENA_INIT};
	const struct passwd *server;
	bool ok = false;

	if (home_is_installed(checkout))
		return error_set(err, ERROR_FATAL, STATUS_DATABASE,
				 "no server named: --dsn, PGHOST or "
				 "PGSERVICE says where PostgreSQL is");
	if (!make_room(&pg, checkout, err) || !take_lock(&pg, err) ||
	    !choose_place(&pg, &server, err))
		goto out;
	ok = find_running(&pg, dsn);
	if (ok) {
		if (!atomic_exchange(&is_known, true))
			log_line(LOG_INFO,
				 "no server named: using this checkout's "
				 "private PostgreSQL (psql \"%s\")",
				 buf_text(dsn));
		goto out;
	}
	ok = ensure_in_child(server, &pg, err);
	if (ok && !find_running(&pg, dsn))
		ok = error_set(err, ERROR_TRANSIENT, STATUS_DATABASE,
			       "the private PostgreSQL in %s ended right after "
			       "its start; see server.log there",
			       pg.base);
	if (ok) {
		is_known = true;
		log_line(LOG_INFO,
			 "no server named: started this checkout's private "
			 "PostgreSQL (psql \"%s\"; `make stop` ends it)",
			 buf_text(dsn));
	}
out:
	if (pg.lock_fd >= 0)
		close(pg.lock_fd);
	arena_release(&pg.arena);
	return ok;
}
