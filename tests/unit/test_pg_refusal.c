#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/pg_refusal.h"

static const struct pg_request request = {
	.host = "db", .port = "5432", .user = "app", .database = "events"};

/* The messages are libpq 15's, as captured with verbose errors. */
static void a_wrong_password_is_fatal_and_says_where_it_belongs(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server at \"db\" (10.0.0.5), port 5432 failed: "
		"FATAL:  28P01: password authentication failed for user "
		"\"app\"\nLOCATION:  auth_failed, auth.c:326\n",
		&err));
	assert_string_equal(
		err.text,
		"cannot connect to database \"events\" as user \"app\" at db "
		"port 5432: password authentication failed for user \"app\"; "
		"the password belongs in ~/.pgpass, the file of PGPASSFILE, or "
		"a service");
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(err.status, STATUS_DATABASE);
	assert_string_equal(err.sqlstate, "28P01");
}

static void a_missing_password_is_fatal_too(void **state)
{
	struct pg_request asked = request;
	struct error err = ERROR_INIT;

	(void)state;
	asked.wants_password = true;
	assert_false(pg_refusal_word(
		&asked,
		"connection to server at \"db\" (10.0.0.5), port 5432 failed: "
		"fe_sendauth: no password supplied\n",
		&err));
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_string_equal(
		err.text,
		"cannot connect to database \"events\" as user \"app\" at db "
		"port 5432: connection to server at \"db\" (10.0.0.5), port "
		"5432 failed: fe_sendauth: no password supplied; the password "
		"belongs in ~/.pgpass, the file of PGPASSFILE, or a service");
}

static void a_server_that_is_not_there_may_come_back(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server on socket \"/run/.s.PGSQL.5432\" failed: "
		"No such file or directory\n\tIs the server running locally "
		"and accepting connections on that socket?\n",
		&err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_true(err.lost);
	assert_string_equal(err.sqlstate, "");
	assert_string_equal(
		err.text,
		"cannot connect to database \"events\" as user \"app\" at db "
		"port 5432: connection to server on socket "
		"\"/run/.s.PGSQL.5432\" failed: No such file or directory Is "
		"the server running locally and accepting connections on that "
		"socket?; start it, or name another with --dsn or PGHOST");
}

static void a_server_that_is_starting_is_worth_another_try(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server at \"db\" (10.0.0.5), port 5432 failed: "
		"FATAL:  57P03: the database system is starting up\n"
		"LOCATION:  ProcessStartupPacket, postmaster.c:2352\n",
		&err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_string_equal(err.sqlstate, "57P03");
	assert_string_equal(err.text, "cannot connect to database \"events\" "
				      "as user \"app\" at db port 5432: the "
				      "database system is starting up");
}

static void of_several_hosts_the_last_refusal_counts(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server at \"a\" (10.0.0.4), port 5432 failed: "
		"FATAL:  57P03: the database system is shutting down\n"
		"LOCATION:  ProcessStartupPacket, postmaster.c:2357\n"
		"connection to server at \"db\" (10.0.0.5), port 5432 failed: "
		"FATAL:  3D000: database \"events\" does not exist\n"
		"LOCATION:  InitPostgres, postinit.c:1014\n",
		&err));
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_string_equal(err.sqlstate, "3D000");
	assert_string_equal(
		err.text,
		"cannot connect to database \"events\" as user \"app\" at db "
		"port 5432: database \"events\" does not exist; make it with "
		"createdb, or name another with PGDATABASE or --dsn");
}

static void an_unknown_refusal_is_fatal_and_told_as_it_is(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(&request,
				     "connection to server failed: FATAL:  "
				     "XX000: something new\n",
				     &err));
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_string_equal(err.text, "cannot connect to database \"events\" "
				      "as user \"app\" at db port 5432: "
				      "something new");
}

/* As PgBouncer answers while its server restarts. */
static void
a_refusal_that_is_transient_by_its_class_is_tried_again(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server at \"db\" (10.0.0.5), port 6432 failed: "
		"FATAL:  08P01: server login has been failing, try again later "
		"(server_login_retry)\n",
		&err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_string_equal(err.sqlstate, "08P01");
}

/* As a server whose lc_messages is de_DE.UTF-8 says it. */
static void a_refusal_in_another_language_is_read_too(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_false(pg_refusal_word(
		&request,
		"connection to server at \"db\" (10.0.0.5), port 5432 failed: "
		"SCHWERWIEGEND:  3D000: Datenbank »events« existiert nicht\n"
		"ORT:  InitPostgres, postinit.c:1014\n",
		&err));
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_string_equal(err.sqlstate, "3D000");
	assert_string_equal(
		err.text,
		"cannot connect to database \"events\" as user \"app\" at db "
		"port 5432: Datenbank »events« existiert nicht; make it with "
		"createdb, or name another with PGDATABASE or --dsn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_wrong_password_is_fatal_and_says_where_it_belongs),
		cmocka_unit_test(a_missing_password_is_fatal_too),
		cmocka_unit_test(a_server_that_is_not_there_may_come_back),
		cmocka_unit_test(
			a_server_that_is_starting_is_worth_another_try),
		cmocka_unit_test(of_several_hosts_the_last_refusal_counts),
		cmocka_unit_test(
			a_refusal_that_is_transient_by_its_class_is_tried_again),
		cmocka_unit_test(a_refusal_in_another_language_is_read_too),
		cmocka_unit_test(an_unknown_refusal_is_fatal_and_told_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
