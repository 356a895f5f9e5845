/*
 * private_pg_internal.h - the rooms of the private PostgreSQL
 *
 * Private to private_pg*.c.  private_pg.c decides where the cluster lies and
 * who runs it; private_pg_cluster.c makes and starts it as that user;
 * private_pg_pidfile.c says whether it runs; private_pg_command.c runs
 * PostgreSQL's own programs.
 */
#ifndef COMMON_PRIVATE_PG_INTERNAL_H
#define COMMON_PRIVATE_PG_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/error.h"

/* Where a cluster lies.  Strings live in the arena. */
struct private_pg {
	const char *room; /* .millrace/pg of the checkout */
	const char *base; /* holds data, server.log, setup.log */
	const char *data; /* base/data */
	int lock_fd;      /* flocked: nobody else is starting */
	struct arena arena;
};

/* What postmaster.pid says. */
struct pidfile {
	pid_t pid;
	char data[4096];   /* the cluster as its server called it */
	char socket[4096]; /* folder */
	int port;
	bool ready; /* takes connections */
};

/* False: there is no such file, or not a whole one. */
bool pidfile_read(struct pidfile *pidfile, const char *data);

/* Whether that server listens at its socket and takes connections. */
bool pidfile_is_answering(const struct pidfile *pidfile);

/* Whether the process works in the cluster's folder.  Right only for the user
 * who runs the server. */
bool pidfile_is_alive(const struct pidfile *pidfile, const char *data);

/* Makes the cluster if there is none, starts the server if it does not run,
 * waits until it takes connections.  Runs as the server's user. */
bool cluster_ensure(struct private_pg *pg, struct error *err) MUST_CHECK;

/* Who keeps the lock file open while a command runs. */
enum command_lock {
	COMMAND_DROPS_LOCK,
	COMMAND_HOLDS_LOCK, /* also when this program dies meanwhile */
};

/* Starts a program of the server's in a session of its own, with input as its
 * stdin and everything it says appended to the log.  Nothing else of this
 * process stays open in it. */
bool command_start(const struct private_pg *pg, enum command_lock lock,
		   const char *log, const char *input, const char *const *argv,
		   pid_t *child, struct error *err) MUST_CHECK;

/* The same, to its end.  On failure the error quotes what it said. */
bool command_run(const struct private_pg *pg, enum command_lock lock,
		 const char *log, const char *input, const char *const *argv,
		 struct error *err) MUST_CHECK;

/* Adds the reason to the error: the first FATAL or error in the log from offset
 * on, else its last line. */
void command_reason(const char *log, off_t offset, struct error *err);

/* Whether the log has said these words from offset on. */
bool command_log_has(const char *log, off_t offset, const char *words);

/* The size of a file; 0 if there is none. */
off_t command_log_size(const char *log);

/* Removes a folder and everything in it, as far as possible. */
void command_remove_tree(const char *path);

/* Writes a file and sees it to the disk. */
bool command_write_file(const char *path, const char *text,
			struct error *err) MUST_CHECK;

/* The folder of initdb and postgres: MILLRACE_PG_BIN; else of the version given
 * (0: the newest from PostgreSQL 15 on) where Debian puts it; else in PATH;
 * else of the newest. */
bool command_find_server(int version, struct arena *arena, const char **bin,
			 struct error *err) MUST_CHECK;

#endif
