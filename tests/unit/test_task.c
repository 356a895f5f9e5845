#include "tests/unit/project_fixture.h"

#include "aggregate/changes.h"
#include "aggregate/project.h"
#include "aggregate/task.h"

static struct project *project;
static struct tasks *tasks;

static void write_files(const char *view)
{
	fixture_file("streams/r.sql",
		     "-- stream: r\ncreate table staging.r (k text);\n");
	fixture_file("seeds/words.csv", "word,weight:int\na,1\n");
	fixture_file("models/first.sql",
		     "-- config:\n--   materialized: incremental\n"
		     "--   strategy: merge\n--   unique_key: [k]\n"
		     "--   order_by: v\n"
		     "select r.k, r.v from staging.r r "
		     "where /*+ incremental(r.k) */ true\n");
	fixture_file("models/shown.sql", view);
	fixture_file("models/sums.sql",
		     "-- config:\n--   materialized: incremental\n"
		     "--   strategy: delta\n--   unique_key: [k]\n"
		     "--   rows: n\n--   by: k\n"
		     "--   lookups: [p.words on_change=recompute, p.shown "
		     "on_change=ignore]\n"
		     "select f.k, count(*) as n from p.first f "
		     "join p.words w on w.word = f.k "
		     "left join p.shown s on s.k = f.k "
		     "where /*+ incremental(f.k) */ true group by 1\n");
}

static const char view[] = "-- config:\n--   materialized: view\n"
			   "select f.k from p.first f\n";

static void open_tasks(void)
{
	struct error err = ERROR_INIT;

	if (!project_open(&project, fixture_folder, &err) ||
	    !tasks_open(&tasks, project, &err))
		fail_msg("%s", err.text);
}

static void close_tasks(void)
{
	tasks_close(tasks);
	project_close(project);
}

static int setup(void **state)
{
	(void)state;
	fixture_open();
	write_files(view);
	open_tasks();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_tasks();
	fixture_close();
	return 0;
}

static struct task *find(const char *name)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (!strcmp(tasks->order[i]->name, name))
			return tasks->order[i];
	fail_msg("no task %s", name);
	return NULL;
}

static void streams_have_no_task_and_inputs_come_first(void **state)
{
	(void)state;
	assert_int_equal(tasks->count, 4);
	assert_string_equal(tasks->order[0]->name, "p.words");
	assert_string_equal(tasks->order[3]->name, "p.sums");
}

static void lookups_that_do_not_react_are_not_waited_for(void **state)
{
	const struct task *sums = find("p.sums");

	(void)state;
	assert_int_equal(sums->input_count, 2);
	assert_ptr_equal(task_input_of(sums, "p.first")->task, find("p.first"));
	assert_true(task_input_of(sums, "p.first")->is_marked);
	assert_false(task_input_of(sums, "p.words")->is_marked);
	assert_null(find("p.first")->input[0].task);
}

static void readers_of_changes_are_known(void **state)
{
	(void)state;
	assert_int_equal(find("p.first")->consumer_count, 1);
	assert_ptr_equal(find("p.first")->consumer[0], find("p.sums"));
	assert_int_equal(find("p.words")->consumer_count, 0);
	assert_int_equal(find("p.first")->view_count, 1);
	assert_ptr_equal(find("p.first")->view[0], find("p.shown"));
}

static void the_code_of_a_table_includes_the_views_it_reads(void **state)
{
	char sums[33], first[33];

	(void)state;
	memcpy(sums, find("p.sums")->code_hash, sizeof sums);
	memcpy(first, find("p.first")->code_hash, sizeof first);
	close_tasks();
	write_files("-- config:\n--   materialized: view\n"
		    "select f.k from p.first f where f.k > 'b'\n");
	open_tasks();
	assert_string_not_equal(find("p.sums")->code_hash, sums);
	assert_string_equal(find("p.first")->code_hash, first);
}

static void indexes_follow_from_key_and_readers(void **state)
{
	(void)state;
	/* unique_key, and loaded_at for the reader of changes */
	assert_int_equal(strlen(find("p.first")->indexes),
			 2 * strlen("first_01234567 "));
	assert_int_equal(strlen(find("p.sums")->indexes),
			 strlen("sums_01234567 "));
	assert_string_equal(find("p.words")->indexes, "");
	assert_string_equal(find("p.shown")->indexes, "");
}

static void a_failure_takes_descendants_along(void **state)
{
	(void)state;
	task_leave_descendants(tasks, find("p.words"), TASK_SKIPPED);
	assert_int_equal(find("p.sums")->status, TASK_SKIPPED);
	assert_int_equal(find("p.first")->status, TASK_IDLE);
	task_leave_descendants(tasks, find("p.first"), TASK_SKIPPED);
	assert_int_equal(find("p.shown")->status, TASK_SKIPPED);
}

static void pending(struct task *task, struct load *loads, size_t count)
{
	task->state.load = loads;
	task->state.load_count = count;
}

static const char *text_of(void (*build)(struct buf *, const struct task *,
					 const struct task_input *),
			   const struct task *task, struct buf *out)
{
	buf_reset(out);
	build(out, task, task_input_of(task, "p.first"));
	return buf_text(out);
}

static void changes_name_the_loads_they_are_of(void **state)
{
	static struct column columns[] = {
		{.name = "k", .quoted = "\"k\""},
		{.name = "v", .quoted = "\"v\""},
	};
	struct task *sums = find("p.sums");
	struct load loads[] = {
		{.id = 1, .loaded_at = "2025-01-01 00:00:00+00", .op = 'i'},
		{.id = 2, .loaded_at = "2025-01-02 00:00:00+00", .op = 'i'},
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sums->input_count; i++)
		if (sums->input[i].task == find("p.first"))
			loads[0].input = loads[1].input = &sums->input[i];
	sums->input[loads[0].input - sums->input].columns =
		(struct columns){columns, 2};
	assert_string_equal(text_of(changes_new, sums, &out),
			    "select \"k\", \"v\", loaded_at from "
			    "\"p\".\"first\" where false");
	pending(sums, loads, 2);
	assert_string_equal(text_of(changes_new, sums, &out),
			    "select \"k\", \"v\", loaded_at from "
			    "\"p\".\"first\" where loaded_at = any('{"
			    "\"2025-01-01 00:00:00+00\","
			    "\"2025-01-02 00:00:00+00\"}'::timestamptz[])");
	assert_string_equal(text_of(changes_gone, sums, &out),
			    "select \"k\", \"v\", loaded_at from "
			    "\"p\".\"first\" where false");
	loads[1].op = 'r';
	assert_non_null(strstr(text_of(changes_new, sums, &out),
			       "union all select \"k\", \"v\", loaded_at from "
			       "\"millrace_old\".\"p__first\" "
			       "where loaded_at = any("));
	assert_non_null(strstr(text_of(changes_gone, sums, &out),
			       "\"millrace_old\".\"p__first\" "
			       "where retired_at = any("));
	pending(sums, NULL, 0);
	buf_release(&out);
}

/* PostgreSQL cuts at 63, and an index adds nine. */
#define FIFTY_FIVE "x123456789_123456789_123456789_123456789_123456789_1234"

static void names_that_would_be_cut_are_refused(void **state)
{
	struct error err = ERROR_INIT;
	struct project *long_project;
	struct tasks *none;

	(void)state;
	fixture_file("models/" FIFTY_FIVE ".sql", view);
	assert_true(project_open(&long_project, fixture_folder, &err));
	assert_false(tasks_open(&none, long_project, &err));
	assert_int_equal(err.status, STATUS_CONFIG);
	assert_non_null(strstr(err.text, "is too long"));
	project_close(long_project);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(streams_have_no_task_and_inputs_come_first),
		TEST(lookups_that_do_not_react_are_not_waited_for),
		TEST(readers_of_changes_are_known),
		TEST(the_code_of_a_table_includes_the_views_it_reads),
		TEST(indexes_follow_from_key_and_readers),
		TEST(a_failure_takes_descendants_along),
		TEST(changes_name_the_loads_they_are_of),
		TEST(names_that_would_be_cut_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
