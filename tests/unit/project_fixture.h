/*
 * project_fixture.h - a project in a temporary folder, for unit tests
 *
 * fixture_open makes the folder; fixture_file puts a file of pack p into it;
 * fixture_close removes it.
 */
#ifndef TESTS_UNIT_PROJECT_FIXTURE_H
#define TESTS_UNIT_PROJECT_FIXTURE_H

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

static char fixture_folder[64];

static void fixture_path(char path[256], const char *name)
{
	snprintf(path, 256, "%s/p%s%s", fixture_folder, *name ? "/" : "", name);
}

static void fixture_open(void)
{
	static const char *const folders[] = {"", "streams", "models", "seeds"};

	snprintf(fixture_folder, sizeof fixture_folder,
		 "/tmp/millrace-unit-XXXXXX");
	assert_non_null(mkdtemp(fixture_folder));
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[256];

		fixture_path(path, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

static void fixture_file(const char *name, const char *text)
{
	char path[256];
	FILE *out;

	fixture_path(path, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void fixture_close(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", fixture_folder);
	assert_int_equal(system(command), 0);
}

#endif
