#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/libpq.h"
#include "common/pg_place.h"

/* libpq's own reading, of the string or of the environment. */
static const char *value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (!strcmp(options->keyword, keyword))
			return options->val ? options->val : "";
	return "";
}

static void assert_as_libpq(const struct pg_place *place,
			    const PQconninfoOption *options,
			    const PQconninfoOption *defaults)
{
	const char *part[] = {"host", "port", "user", "dbname"};
	char path[sizeof place->address.sun_path];

	for (size_t i = 0; i < 4; i++) {
		part[i] = *value(options, part[i]) ? value(options, part[i])
						   : value(defaults, part[i]);
	}
	snprintf(path, sizeof path, "%s/.s.PGSQL.%s", part[0], part[1]);
	assert_string_equal(place->address.sun_path, path);
	assert_string_equal(place->user, part[2]);
	assert_string_equal(place->database, *part[3] ? part[3] : part[2]);
}

/* Below n; Knuth's generator. */
static size_t draw(size_t n)
{
	static uint64_t state = 7;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (size_t)(state >> 33) % n;
}

static void set_place(void)
{
	setenv("PGHOST", "/run/pg", 1);
	setenv("PGPORT", "6543", 1);
	setenv("PGUSER", "ann", 1);
	setenv("PGDATABASE", "marts", 1);
}

static void a_plain_string_reads_as_libpq_reads_it(void **state)
{
	static const char *const piece[] = {
		"host", "port", "user",  "dbname",  "password", "=",
		"=",    "=",    "=",     "'",       "'",        " ",
		" ",    " ",    "/run",  "/tmp",    "5432",     "70000",
		"0",    "a b",  "\\",    "marts",   "@",        ",",
		"",     "\t",   "/x,/y", "sslmode",
	};
	enum { PIECES = sizeof piece / sizeof *piece };
	PQconninfoOption *defaults, *options;
	struct pg_place place;
	struct buf text = BUF_INIT;
	size_t plain = 0;

	(void)state;
	set_place();
	defaults = PQconndefaults();
	for (int i = 0; i < 300000; i++) {
		const char *dsn;

		buf_reset(&text);
		for (size_t k = draw(12); k < 12; k++)
			buf_add_text(&text, piece[draw(PIECES)]);
		dsn = buf_text(&text);
		if (!pg_place_is_plain(dsn))
			continue;
		plain++;
		options = PQconninfoParse(dsn, NULL);
		if (!options)
			fail_msg("libpq refuses: %s", dsn);
		if (pg_place_read(&place, dsn))
			assert_as_libpq(&place, options, defaults);
		else
			assert_int_not_equal(*value(options, "host"), '/');
		PQconninfoFree(options);
	}
	assert_true(plain > 1000);
	buf_release(&text);
	PQconninfoFree(defaults);
}

static void what_is_plain_and_what_is_not(void **state)
{
	static const char *const plain[] = {
		"",
		"dbname=marts",
		"dbname='my marts'",
		"host=/run/postgresql port=5432 user=ann dbname=marts",
		"  host='/run/a folder'   user='o hara' ",
	};
	static const char *const other[] = {
		"marts",
		"postgresql:///marts?host=/run/postgresql",
		"host=db.example.org dbname=marts",
		"host=/run/postgresql password=tea",
		"host=/a,/b",
		"host=/run/postgresql host=/tmp",
		"port=5432x",
		"port=65536",
		"dbname=ann:tea@db",
		"user='o\\'hara'",
		"user='ann",
		"user='ann'dbname=marts",
		"user = ann",
		"user=",
		"user=''",
	};

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_true(pg_place_is_plain(plain[i]));
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_false(pg_place_is_plain(other[i]));
}

static void the_environment_is_libpqs(void **state)
{
	static const char *const stranger[] = {
		"PGHOSTADDR",    "PGSERVICE",        "PGPASSWORD",
		"PGSERVICEFILE", "PGREQUIREPEER",    "PGTARGETSESSIONATTRS",
		"PGGSSENCMODE",  "PGCHANNELBINDING", "PGSOMETHINGNEW",
	};
	struct pg_place place;
	PQconninfoOption *defaults;

	(void)state;
	set_place();
	assert_true(pg_place_read(&place, ""));
	defaults = PQconndefaults();
	assert_as_libpq(&place, defaults, defaults);
	PQconninfoFree(defaults);
	unsetenv("PGPORT");
	unsetenv("PGUSER");
	unsetenv("PGDATABASE");
	assert_true(pg_place_read(&place, ""));
	defaults = PQconndefaults();
	assert_as_libpq(&place, defaults, defaults);
	PQconninfoFree(defaults);
	for (size_t i = 0; i < sizeof stranger / sizeof *stranger; i++) {
		setenv(stranger[i], "x", 1);
		assert_false(pg_place_read(&place, ""));
		setenv(stranger[i], "", 1);
		assert_false(pg_place_read(&place, ""));
		unsetenv(stranger[i]);
	}
	setenv("PGUSER", "", 1);
	assert_false(pg_place_read(&place, ""));
	unsetenv("PGUSER");
	setenv("PGHOST", "localhost", 1);
	assert_false(pg_place_read(&place, ""));
	assert_true(pg_place_read(&place, "host=/run/pg"));
	unsetenv("PGHOST"); /* libpq has a folder of its own */
	assert_false(pg_place_read(&place, ""));
}

static void a_name_too_long_for_a_socket_is_none_of_ours(void **state)
{
	struct pg_place place;
	char dsn[300] = "host=/";

	(void)state;
	memset(dsn + strlen(dsn), 'x', 110);
	assert_false(pg_place_read(&place, dsn));
	memset(dsn + strlen(dsn), 'x', 150);
	assert_false(pg_place_is_plain(dsn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_string_reads_as_libpq_reads_it),
		cmocka_unit_test(what_is_plain_and_what_is_not),
		cmocka_unit_test(the_environment_is_libpqs),
		cmocka_unit_test(a_name_too_long_for_a_socket_is_none_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
