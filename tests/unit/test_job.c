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

#include "aggregate/job.h"
#include "common/spawn.h"

static char home[64];

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof path, "%s/%s", home, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static int setup(void **state)
{
	static const char *const folders[] = {"",       "/sql",   "/sql/b",
					      "/sql/a", "/sql/c", "/config"};

	(void)state;
	snprintf(home, sizeof home, "/tmp/millrace[*?]unit-XXXXXX");
	assert_non_null(mkdtemp(home));
	for (size_t i = 1; i < sizeof folders / sizeof *folders; i++) {
		char path[128];

		snprintf(path, sizeof path, "%s%s", home, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	const char *const argv[] = {"rm", "-r", home, NULL};
	const char *const variable[] = {NULL};
	const struct spawn rm = {
		.argv = argv, .variable = variable, .timeout_ms = 60000};
	struct error err = ERROR_INIT;
	int status;

	(void)state;
	assert_true(spawn_run(&rm, &status, &err));
	assert_int_equal(status, 0);
	return 0;
}

static void jobs_of_all_packs_are_one_list(void **state)
{
	struct error err = ERROR_INIT;
	struct jobs jobs = JOBS_INIT;

	(void)state;
	put("sql/b/pack.conf", "[job late]\n");
	put("sql/a/pack.conf", "[job zz]\nselect = x y\nselect = z\n"
			       "exclude = w\n[job early]\n");
	put("config/periodic.conf", "threads = 2\n[job middle]\n");
	assert_true(jobs_read(&jobs, home, &err));
	assert_int_equal(jobs.count, 4);
	assert_string_equal(jobs.at[0].name, "early");
	assert_string_equal(jobs.at[0].select.item[0], "pack:a");
	assert_string_equal(jobs.at[1].select.item[0], "pack:b");
	/* of the project's own file: everything */
	assert_string_equal(jobs.at[2].name, "middle");
	assert_int_equal(jobs.at[2].select.count, 0);
	assert_int_equal(jobs.at[3].select.count, 2);
	assert_string_equal(jobs.at[3].select.item[1], "z");
	assert_string_equal(jobs.at[3].exclude.item[0], "w");
	assert_ptr_equal(jobs_find(&jobs, "zz", &err), &jobs.at[3]);
	assert_null(jobs_find(&jobs, "erly", &err));
	assert_string_equal(err.text,
			    "there is no job erly; did you mean early?");
	assert_int_equal(err.status, STATUS_USAGE);
	jobs_release(&jobs);
}

static void what_is_not_said_is_at_its_default(void **state)
{
	struct error err = ERROR_INIT;
	struct jobs jobs = JOBS_INIT;
	const struct job *job;

	(void)state;
	put("sql/a/pack.conf",
	    "[job a]\nretries = 3\nretry_delay = 90s\ntimeout = 2h\n"
	    "sla = 500ms\non_failure = 'tell # me'\nfull = on\n[job b]\n");
	assert_true(jobs_read(&jobs, home, &err));
	job = &jobs.at[0];
	assert_int_equal(job->retries, 3);
	assert_int_equal(job->retry_delay_ms, 90000);
	assert_int_equal(job->timeout_ms, 7200000);
	assert_int_equal(job->sla_ms, 500);
	assert_string_equal(job->on_failure, "tell # me");
	assert_string_equal(job->on_success, "");
	assert_true(job->full);
	job = &jobs.at[1];
	assert_int_equal(job->retries, 0);
	assert_int_equal(job->retry_delay_ms, 60000);
	assert_int_equal(job->timeout_ms, 0);
	assert_int_equal(job->sla_ms, 0);
	assert_int_equal(job->calendar.count, 0);
	assert_false(job->full);
	jobs_release(&jobs);
}

static void a_project_may_have_no_jobs(void **state)
{
	struct error err = ERROR_INIT;
	struct jobs jobs = JOBS_INIT;

	(void)state;
	assert_true(jobs_read(&jobs, home, &err));
	assert_int_equal(jobs.count, 0);
	assert_null(jobs_find(&jobs, "any", &err));
	assert_string_equal(err.text,
			    "there is no job any; periodic jobs lists them");
	jobs_release(&jobs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(jobs_of_all_packs_are_one_list),
		TEST(what_is_not_said_is_at_its_default),
		TEST(a_project_may_have_no_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
