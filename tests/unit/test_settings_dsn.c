#include "settings_fixture.h"

static void a_password_is_refused_on_the_command_line(void **state)
{
	static const char *const secrets[] = {
		"host=db password=tea",
		"postgresql://me:tea@db/events",
		"postgresql://db/events?password=tea",
		"host=db sslpassword = 'tea'",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		assert_false(READ("-d", secrets[i]));
		assert_refused(
			STATUS_USAGE,
			"--dsn: a password on the command line is visible to "
			"everybody on this machine; put it in ~/.pgpass (or "
			"the file of PGPASSFILE), a service of "
			"~/.pg_service.conf, or the variable POUR_TEA_DSN");
	}
	setenv("POUR_TEA_DSN", secrets[0], 1);
	assert_true(READ_NOTHING());
	assert_string_equal(values.dsn, secrets[0]);
}

static void a_password_in_a_file_that_others_read_is_refused(void **state)
{
	char expected[200];

	(void)state;
	write_config("dsn = host=db password=tea\n", 0644);
	assert_false(READ_NOTHING());
	snprintf(expected, sizeof expected,
		 "%s/config/pour-tea.conf:1: dsn holds a password, but other "
		 "users can read the file: chmod 600 it, or keep the password "
		 "in ~/.pgpass",
		 home);
	assert_refused(STATUS_CONFIG, expected);
	write_config("dsn = host=db password=tea\n", 0600);
	assert_true(READ_NOTHING());
	assert_string_equal(values.dsn, "host=db password=tea");
}

static void a_dsn_is_a_string_a_uri_or_a_database_name(void **state)
{
	(void)state;
	assert_true(READ("-d", "events"));
	assert_string_equal(values.dsn, "dbname='events'");
	assert_true(READ("-d", "postgresql://db:5433/events"));
	assert_string_equal(values.dsn, "postgresql://db:5433/events");
	assert_false(READ("-d", "host=db tea"));
	assert_null(strstr(err.text, "tea"));
	assert_refused(STATUS_USAGE,
		       "--dsn: this is neither a libpq connection string nor a "
		       "URI nor the name of a database; for example "
		       "\"host=db.example.org dbname=events\"");
}

static void a_password_that_tears_a_uri_is_not_repeated(void **state)
{
	static const char *const torn[] = {
		"postgresql://app:te@a:pot@db/events",
		"postgresql://app:te@apot@db/events",
		"postgresql://app:te/a@pot/events",
		"postgresql://app:12/tea@pot",
	};
	static const char *const whole[] = {
		"postgresql://app:te%40a@db:5433,other/events%40home",
		"host=@socket,db port=5432,5433 dbname=events user=app",
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
		snprintf(line, sizeof line, "dsn = %s\n", torn[i]);
		write_config(line, 0600);
		assert_false(READ_NOTHING());
		assert_int_equal(err.status, STATUS_CONFIG);
		assert_non_null(strstr(err.text, "@ as %40"));
		assert_null(strstr(err.text, "pot@"));
		assert_null(strstr(err.text, "te@"));
		assert_null(strstr(err.text, "te/"));
		assert_null(strstr(err.text, "tea@"));
	}
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		snprintf(line, sizeof line, "dsn = %s\n", whole[i]);
		write_config(line, 0600);
		assert_true(READ_NOTHING());
		assert_string_equal(values.dsn, whole[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_password_is_refused_on_the_command_line),
		TEST(a_password_in_a_file_that_others_read_is_refused),
		TEST(a_dsn_is_a_string_a_uri_or_a_database_name),
		TEST(a_password_that_tears_a_uri_is_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
