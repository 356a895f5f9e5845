#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/private_pg.h"
#include "common/private_pg_internal.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/millrace-private-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	command_remove_tree(folder);
	return access(folder, F_OK) == 0 ? -1 : 0;
}

static const char *put(const char *name, const char *text)
{
	static char path[128];
	FILE *out;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	return path;
}

static void put_pidfile(int pid, const char *status)
{
	char text[512];

	snprintf(text, sizeof text,
		 "%d\n%s\n1700000000\n5433\n%s\n\n  5432001  7\n%s\n", pid,
		 folder, folder, status);
	put("postmaster.pid", text);
}

static void any_variable_that_says_where_a_server_is_rules_it_out(void **state)
{
	static const char *const names[] = {
		"PGHOST", "PGHOSTADDR", "PGPORT",    "PGDATABASE",
		"PGUSER", "PGPASSWORD", "PGSERVICE",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	setenv("PGSSLMODE", "prefer", 1);
	setenv("PGAPPNAME", "x", 1);
	assert_true(private_pg_is_wanted(NULL));
	assert_true(private_pg_is_wanted(""));
	assert_false(private_pg_is_wanted("dbname=x"));
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		setenv(names[i], "", 1);
		assert_true(private_pg_is_wanted(""));
		setenv(names[i], "x", 1);
		assert_false(private_pg_is_wanted(""));
		unsetenv(names[i]);
	}
}

static void the_pid_file_is_read_line_by_line(void **state)
{
	struct pidfile pidfile;

	(void)state;
	assert_false(pidfile_read(&pidfile, folder));
	put_pidfile(4711, "ready   ");
	assert_true(pidfile_read(&pidfile, folder));
	assert_int_equal(pidfile.pid, 4711);
	assert_string_equal(pidfile.data, folder);
	assert_string_equal(pidfile.socket, folder);
	assert_int_equal(pidfile.port, 5433);
	assert_true(pidfile.ready);
	put_pidfile(4711, "starting");
	assert_true(pidfile_read(&pidfile, folder));
	assert_false(pidfile.ready);
	put("postmaster.pid", "");
	assert_false(pidfile_read(&pidfile, folder));
	put("postmaster.pid", "1\n");
	assert_false(pidfile_read(&pidfile, folder));
	put("postmaster.pid", "4711");
	assert_true(pidfile_read(&pidfile, folder));
	assert_false(pidfile.ready);
	assert_string_equal(pidfile.socket, "");
}

static void a_server_answers_only_by_its_own_socket(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pidfile pidfile;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	put_pidfile(getpid(), "ready   ");
	assert_true(pidfile_read(&pidfile, folder));
	assert_false(pidfile_is_answering(&pidfile));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5433",
		 folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address),
			 0);
	assert_false(pidfile_is_answering(&pidfile));
	assert_int_equal(listen(fd, 5), 0);
	assert_true(pidfile_is_answering(&pidfile));
	pidfile.pid = getppid();
	assert_false(pidfile_is_answering(&pidfile));
	pidfile.pid = getpid();
	pidfile.ready = false;
	assert_false(pidfile_is_answering(&pidfile));
	close(fd);
	pidfile.ready = true;
	assert_false(pidfile_is_answering(&pidfile));
}

static void a_process_is_the_server_only_if_it_works_in_the_folder(void **state)
{
	char before[4096];
	struct pidfile pidfile = {.pid = getpid()};

	(void)state;
	assert_non_null(getcwd(before, sizeof before));
	assert_false(pidfile_is_alive(&pidfile, folder));
	assert_int_equal(chdir(folder), 0);
	assert_true(pidfile_is_alive(&pidfile, folder));
	pidfile.pid = 4194305; /* one more than the kernel ever gives */
	assert_false(pidfile_is_alive(&pidfile, folder));
	assert_int_equal(chdir(before), 0);
}

static void the_reason_is_the_first_fatal_line_after_the_offset(void **state)
{
	static const char old[] = "FATAL:  an old story\n";
	struct error err = ERROR_INIT;
	char expected[256];
	const char *log;

	(void)state;
	log = put("log", "FATAL:  an old story\n"
			 "LOG:  listening\n"
			 "FATAL:  the disk is full\n"
			 "FATAL:  so I end\n"
			 "LOG:  shut down\n");
	error_set(&err, ERROR_FATAL, STATUS_DATABASE, "it does not start");
	command_reason(log, sizeof old - 1, &err);
	snprintf(expected, sizeof expected,
		 "it does not start: FATAL:  the disk is full (see %s)", log);
	assert_string_equal(err.text, expected);
	assert_true(command_log_has(log, sizeof old - 1, "so I end"));
	assert_false(command_log_has(log, sizeof old - 1, "old story"));
	error_set(&err, ERROR_FATAL, STATUS_DATABASE, "it does not start");
	log = put("log", "one\nlast words\n\n");
	command_reason(log, 0, &err);
	snprintf(expected, sizeof expected,
		 "it does not start: last words (see %s)", log);
	assert_string_equal(err.text, expected);
	error_set(&err, ERROR_FATAL, STATUS_DATABASE, "it does not start");
	command_reason("/nonexistent", 0, &err);
	assert_string_equal(err.text, "it does not start");
}

static void a_server_is_where_the_variable_says_or_nowhere(void **state)
{
	static const char *const programs[] = {"initdb", "postgres"};
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	const char *bin;
	size_t i;

	(void)state;
	setenv("MILLRACE_PG_BIN", folder, 1);
	for (i = 0; i < sizeof programs / sizeof *programs; i++) {
		assert_false(command_find_server(0, &arena, &bin, &err));
		assert_int_equal(chmod(put(programs[i], "#!/bin/sh\n"), 0755),
				 0);
	}
	assert_true(command_find_server(0, &arena, &bin, &err));
	assert_string_equal(bin, folder);
	unsetenv("MILLRACE_PG_BIN");
	arena_release(&arena);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(any_variable_that_says_where_a_server_is_rules_it_out),
		TEST(the_pid_file_is_read_line_by_line),
		TEST(a_server_answers_only_by_its_own_socket),
		TEST(a_process_is_the_server_only_if_it_works_in_the_folder),
		TEST(the_reason_is_the_first_fatal_line_after_the_offset),
		TEST(a_server_is_where_the_variable_says_or_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
