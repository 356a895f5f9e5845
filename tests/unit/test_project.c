#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregate/project.h"
#include "cases.h"
#include "common/buf.h"
#include "common/mem.h"

static const char *home;

static struct project *open_project(const char *folder)
{
	struct error err = ERROR_INIT;
	struct project *project = NULL;

	if (!project_open(&project, folder, &err))
		fail_msg("%s", err.text);
	return project;
}

/* `a.b:m c.d:l0`: what a relation reads; m marked, l looked up and how. */
static void assert_inputs(const struct project *project, const char *name,
			  const char *expected)
{
	const struct relation *relation = project_find(project, name);
	struct buf found = BUF_INIT;

	assert_non_null(relation);
	for (size_t i = 0; i < relation->input_count; i++) {
		const struct input *input = &relation->input[i];

		buf_format(&found, "%s%s:", i > 0 ? " " : "",
			   project->relation[input->relation].name);
		if (input->is_marked)
			buf_add_text(&found, "m");
		if (input->is_looked_up)
			buf_format(&found, "l%d", (int)input->on_change);
	}
	assert_string_equal(buf_text(&found), expected);
	buf_release(&found);
}

static void a_project_is_its_streams_models_and_seeds(void **state)
{
	struct project *project = open_project("tests/models-good");
	const struct relation *relation;

	(void)state;
	assert_string_equal(project->folder, "tests/models-good");
	assert_int_equal(project->relation_count, 3 + 1 + 11 + 6 + 5);
	for (size_t i = 1; i < project->relation_count; i++)
		assert_true(strcmp(project->relation[i - 1].name,
				   project->relation[i].name) < 0);
	relation = project_find(project, "staging.growth_events");
	assert_int_equal(relation->kind, RELATION_STREAM);
	assert_string_equal(relation->pack, "growth");
	assert_string_equal(relation->file, "tests/models-good/growth/streams/"
					    "growth_events.sql");
	assert_null(relation->model);
	assert_true(relation_is_insert_only(relation));
	assert_true(relation->is_consumed);
	relation = project_find(project, "growth.growth_by_day");
	assert_int_equal(relation->kind, RELATION_MODEL);
	assert_string_equal(relation->model->name, "growth.growth_by_day");
	assert_true(relation_is_view(relation));
	assert_false(relation_is_insert_only(relation));
	assert_false(relation->is_consumed);
	relation = project_find(project, "pageviews.users_history");
	assert_int_equal(relation->kind, RELATION_SEED);
	assert_false(relation_is_insert_only(relation));
	assert_false(relation_is_view(relation));
	assert_true(relation_is_insert_only(
		project_find(project, "growth.fact_events")));
	assert_false(relation_is_insert_only(
		project_find(project, "growth.dim_users")));
	assert_null(project_find(project, "growth.nothing"));
	assert_null(project_find(project, ""));
	project_close(project);
}

static void inputs_say_how_a_relation_is_read(void **state)
{
	struct project *project = open_project("tests/models-good");

	(void)state;
	assert_inputs(project, "staging.pageviews", "");
	assert_inputs(project, "pageviews.users_history", "");
	assert_inputs(project, "growth.fact_events", "staging.growth_events:m");
	assert_inputs(project, "growth.user_cohort",
		      "growth.dim_users:m growth.user_period:m");
	assert_inputs(project, "growth.user_retention",
		      "growth.growth_count:l0 growth.retention_count:l0");
	project_close(project);
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	fclose(out);
}

static void add_model(const char *name, const char *text)
{
	char *path = mem_format("sql/shop/models/%s.sql", name);

	write_file(path, text, strlen(text));
	free(path);
}

/* A project of one stream in a folder of its own. */
static int enter_folder(void **state)
{
	char path[] = "/tmp/test_project.XXXXXX";

	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(mkdir("sql", 0755), 0);
	assert_int_equal(mkdir("sql/shop", 0755), 0);
	assert_int_equal(mkdir("sql/shop/models", 0755), 0);
	assert_int_equal(mkdir("sql/shop/streams", 0755), 0);
	write_file("sql/shop/streams/orders.sql", "", 0);
	*state = mem_strdup(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int leave_folder(void **state)
{
	assert_int_equal(chdir(home), 0);
	nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void views_are_looked_through(void **state)
{
	struct project *project;

	(void)state;
	write_file("sql/shop/streams/users.sql", "", 0);
	write_file("sql/shop/streams/words.sql", "", 0);
	add_model("inner", "select u.id from staging.users u");
	add_model("outer", "select i.id from shop.inner i, staging.words w");
	add_model("table", "-- config:\n--   materialized: table\n"
			   "select o.id from shop.outer o");
	add_model("daily",
		  "-- config:\n--   strategy: append\n"
		  "--   lookups: [shop.outer on_change=ignore, staging.users "
		  "on_change=as_of]\n"
		  "select o.id from staging.orders o\n"
		  "where /*+ incremental(o.id) */ true\n"
		  "and o.id in (select x.id from shop.outer x)\n"
		  "and o.id in (select x.id from staging.users x)\n"
		  "and o.id in (select x.id from staging.orders x)");
	add_model("both", "-- config:\n--   strategy: append\n"
			  "--   lookups: [shop.outer]\n"
			  "select u.id from staging.users u\n"
			  "where /*+ incremental(u.id) */ true\n"
			  "and u.id in (select x.id from shop.outer x)");
	project = open_project("sql");
	assert_inputs(project, "shop.inner", "staging.users:l0");
	assert_inputs(project, "shop.outer",
		      "staging.users:l0 staging.words:l0");
	assert_inputs(project, "shop.table",
		      "staging.users:l0 staging.words:l0");
	assert_inputs(project, "shop.daily",
		      "staging.orders:m staging.users:l1 staging.words:l2");
	assert_inputs(project, "shop.both",
		      "staging.users:ml0 staging.words:l0");
	assert_true(project_find(project, "staging.users")->is_consumed);
	assert_false(project_find(project, "staging.words")->is_consumed);
	project_close(project);
}

static void assert_refused(const char *folder, const char *expected)
{
	struct error err = ERROR_INIT;
	struct project *project;

	if (project_open(&project, folder, &err))
		fail_msg("accepted, not: %s", expected);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, ERROR_FATAL);
	assert_int_equal(err.status, STATUS_CONFIG);
}

static void files_that_cannot_be_read_are_told(void **state)
{
	static const char nul[] = "select 1 as a\n-- \0\n";
	static const char *const not_utf8[] = {"\xff",
					       "\xc3",
					       "\xc0\x80",
					       "\xed\xa0\x80",
					       "\xf4\x90\x80\x80",
					       "\xe0\x80\x80",
					       "\x80",
					       "\xf0\x80\x80\x80",
					       "\xe2\x82"};

	(void)state;
	assert_refused("nowhere", "cannot read the folder nowhere: No such "
				  "file or directory");
	assert_refused("sql/shop/streams/orders.sql",
		       "cannot read the folder sql/shop/streams/orders.sql: "
		       "Not a directory");
	assert_refused("sql/shop/models",
		       "sql/shop/models holds no pack: a pack is a folder "
		       "with streams, sources, models or seeds in it");
	assert_int_equal(symlink("missing", "sql/shop/models/a.sql"), 0);
	assert_refused("sql", "cannot read sql/shop/models/a.sql: No such "
			      "file or directory");
	assert_int_equal(unlink("sql/shop/models/a.sql"), 0);
	write_file("sql/shop/models/a.sql", nul, sizeof nul - 1);
	assert_refused("sql", "sql/shop/models/a.sql:2: holds a NUL byte");
	for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
		char *text = mem_format("select 1\n\n as %s", not_utf8[i]);

		add_model("a", text);
		assert_refused("sql",
			       "sql/shop/models/a.sql:3: is not UTF-8: convert "
			       "the file, for example with iconv");
		free(text);
	}
	add_model("a", "");
	assert_refused("sql", "sql/shop/models/a.sql:1: there is no query");
	add_model("a", "select 'é€𝄞' as a");
	project_close(open_project("sql"));
}

/* Root may look everywhere: it steps down for a moment. */
static void a_pack_that_may_not_be_read_is_not_left_out(void **state)
{
	const uid_t nobody = 65534, me = geteuid();

	(void)state;
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(mkdir("sql/hidden", 0755), 0);
	assert_int_equal(mkdir("sql/hidden/models", 0755), 0);
	assert_int_equal(mkdir("sql/lost+found", 0000), 0);
	project_close(open_project("sql"));
	assert_int_equal(chmod("sql/hidden", 0000), 0);
	if (me == 0)
		assert_int_equal(seteuid(nobody), 0);
	assert_refused("sql", "cannot read the folder sql/hidden: "
			      "Permission denied");
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(chmod("sql/hidden", 0755), 0);
	assert_int_equal(rmdir("sql/lost+found"), 0);
}

static void a_huge_file_is_refused(void **state)
{
	size_t len = 1100000;
	char *text = mem_zalloc(1, len + 1);

	(void)state;
	memset(text, ' ', len);
	memcpy(text, "select 1 as a", 13);
	write_file("sql/shop/models/a.sql", text, len);
	assert_refused("sql", "sql/shop/models/a.sql: is larger than 1 MB");
	write_file("sql/shop/models/a.sql", text, 1048576);
	project_close(open_project("sql"));
	free(text);
}

static void a_loop_of_folders_ends(void **state)
{
	(void)state;
	add_model("a", "select 1 as a");
	assert_int_equal(symlink(".", "sql/shop/models/deep"), 0);
	assert_refused("sql",
		       "sql/shop/models/deep/deep/deep/deep/deep/deep/deep/"
		       "deep/deep/deep/deep/deep/deep/deep/deep/deep: folders "
		       "nest deeper than 16 levels");
}

static void other_files_do_not_matter(void **state)
{
	static const char marked[] = "\xef\xbb\xbfselect 1 as a";
	struct project *project;

	(void)state;
	write_file("sql/README.md", "x", 1);
	write_file("sql/shop/models/README.md", "x", 1);
	write_file("sql/shop/models/.a.sql.swp", "x", 1);
	write_file("sql/shop/models/.hidden.sql", "x", 1);
	write_file("sql/shop/models/a.sql~", "x", 1);
	write_file("sql/shop/models/.sql", "x", 1);
	write_file("sql/shop/models/a.sql", marked, sizeof marked - 1);
	assert_int_equal(mkdir("sql/schema", 0755), 0);
	write_file("sql/schema/001_init.sql", "x", 1);
	assert_int_equal(mkdir("sql/.git", 0755), 0);
	project = open_project("sql");
	assert_int_equal(project->relation_count, 2);
	assert_string_equal(project_find(project, "shop.a")->model->sql,
			    "select 1 as a");
	project_close(project);
	project = open_project("./sql");
	assert_string_equal(project_find(project, "shop.a")->file,
			    "sql/shop/models/a.sql");
	project_close(project);
}

/* tests/projects-bad/<case>: a folder sql, and the error that it must give. */
static void check_bad(const char *name)
{
	char *folder = mem_format("%s/tests/projects-bad/%s", home, name);
	char expected[1024] = "";
	struct error err = ERROR_INIT;
	struct project *project;
	FILE *in;

	assert_int_equal(chdir(folder), 0);
	in = fopen("expected", "r");
	assert_non_null(in);
	assert_non_null(fgets(expected, sizeof expected, in));
	fclose(in);
	expected[strcspn(expected, "\n")] = '\0';
	if (project_open(&project, "sql", &err))
		fail_msg("%s: accepted", name);
	if (strcmp(err.text, expected) != 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(err.status, STATUS_CONFIG);
	assert_int_equal(chdir(home), 0);
	free(folder);
}

static void a_malformed_project_is_told_what_is_wrong(void **state)
{
	(void)state;
	assert_true(check_cases("tests/projects-bad", check_bad) > 20);
}

int main(void)
{
	static char folder[4096];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_project_is_its_streams_models_and_seeds),
		cmocka_unit_test(inputs_say_how_a_relation_is_read),
		cmocka_unit_test_setup_teardown(views_are_looked_through,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(
			files_that_cannot_be_read_are_told, enter_folder,
			leave_folder),
		cmocka_unit_test_setup_teardown(
			a_pack_that_may_not_be_read_is_not_left_out,
			enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(a_huge_file_is_refused,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(a_loop_of_folders_ends,
						enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(other_files_do_not_matter,
						enter_folder, leave_folder),
		cmocka_unit_test(a_malformed_project_is_told_what_is_wrong),
	};

	home = getcwd(folder, sizeof folder);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
