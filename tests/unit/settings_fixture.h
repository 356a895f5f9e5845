/*
 * settings_fixture.h - a program that pours tea, and its settings
 *
 * READ(...) reads a command line into `values`; each test has a project folder
 * of its own, in which write_config puts the file.
 */
#ifndef TESTS_UNIT_SETTINGS_FIXTURE_H
#define TESTS_UNIT_SETTINGS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/settings.h"

struct values {
	int64_t rows;
	int64_t bytes;
	int64_t linger;
	int64_t cores;
	bool quiet;
	bool force;
	int order;
	const char *name;
	const char *dsn;
	struct setting_list topics;
};

static const char *const orders[] = {"oldest", "newest", NULL};

#define AT(member) offsetof(struct values, member)

static const struct setting table[] = {
	{"batch-rows", 'r', SETTING_INTEGER, AT(rows), "50000", "ROWS",
	 "send a batch once it holds this many rows", 1, 1000000, NULL, 0},
	{"batch-bytes", 0, SETTING_BYTES, AT(bytes), "16MB", "SIZE",
	 "send a batch once it holds this much", 1024, 0, NULL, 0},
	{"linger", 0, SETTING_DURATION, AT(linger), "500ms", "TIME",
	 "send a batch once its oldest record is this old", 0, 3600000, NULL,
	 0},
	{"cores", 0, SETTING_INTEGER, AT(cores), NULL, "N", "how many", 0, 0,
	 NULL, 0},
	{"quiet", 'q', SETTING_FLAG, AT(quiet), NULL, NULL, "say nothing", 0, 0,
	 NULL, 0},
	{"force", 0, SETTING_FLAG, AT(force), NULL, NULL, "do it all the same",
	 0, 0, NULL, SETTING_COMMAND_LINE},
	{"order", 'o', SETTING_CHOICE, AT(order), "newest", "ORDER",
	 "which comes first", 0, 0, orders, 0},
	{"name", 'n', SETTING_TEXT, AT(name), NULL, "NAME", "what to call it",
	 0, 0, NULL, 0},
	{"dsn", 'd', SETTING_DSN, AT(dsn), NULL, "DSN", "where PostgreSQL is",
	 0, 0, NULL, 0},
	{"topic", 't', SETTING_LIST, AT(topics), NULL, "TOPIC", "what to read",
	 0, 0, NULL, 0},
	{0},
};

static const struct settings_program program = {
	.name = "pour-tea",
	.summary = "pours tea",
	.usage = "pour-tea [CUP...]",
	.notes = "Milk first.\n",
	.table = table,
};

/* What a test looks at: all of it begins anew with each read. */
static struct values values;
static struct settings settings = SETTINGS_INIT;
static struct error err;
static const char *home;

static inline bool read_args(int argc, const char *const *argv)
{
	char *const *words; /* getopt's idea of the same */

	settings_release(&settings);
	values = (struct values){.cores = 7};
	err = ERROR_INIT;
	memcpy(&words, &argv, sizeof words);
	return settings_read(&settings, &program, home, argc, words, &values,
			     &err);
}

#define READ(...)                                                              \
	read_args(sizeof((const char *[]){"pour-tea", __VA_ARGS__}) /          \
			  sizeof(char *),                                      \
		  (const char *[]){"pour-tea", __VA_ARGS__, NULL})
#define READ_NOTHING() read_args(1, (const char *[]){"pour-tea", NULL})

#define assert_refused(wanted_status, wanted_text)                             \
	do {                                                                   \
		assert_string_equal(err.text, wanted_text);                    \
		assert_int_equal(err.status, wanted_status);                   \
	} while (0)

/* A project folder of its own for each test, with config/ in it. */
static inline int make_home(void **state)
{
	static char folder[64];
	char config[80];

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/millrace-settings-XXXXXX");
	home = mkdtemp(folder);
	snprintf(config, sizeof config, "%s/config", folder);
	return home && mkdir(config, 0700) == 0 ? 0 : -1;
}

static inline int remove_home(void **state)
{
	static const char *const names[] = {
		"POUR_TEA_BATCH_ROWS", "POUR_TEA_LINGER",    "POUR_TEA_TOPIC",
		"POUR_TEA_CONFIG",     "POUR_TEA_BTCH_ROWS", "POUR_TEA_FORCE",
		"POUR_TEA_PORT",       "POUR_TEA_DSN",
	};
	char path[96];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	settings_release(&settings);
	snprintf(path, sizeof path, "%s/config/pour-tea.conf", home);
	unlink(path);
	snprintf(path, sizeof path, "%s/config", home);
	rmdir(path);
	return rmdir(home);
}

static inline void write_config(const char *text, mode_t mode)
{
	char path[96];
	FILE *out;

	snprintf(path, sizeof path, "%s/config/pour-tea.conf", home);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

#endif
