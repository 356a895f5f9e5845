#include "tests/unit/project_fixture.h"

#include "aggregate/crew_choose.h"
#include "aggregate/project.h"

static struct project *project;
static struct tasks *tasks;

static void reader(const char *file, const char *of)
{
	char text[512];

	snprintf(text, sizeof text,
		 "-- config:\n--   materialized: incremental\n"
		 "--   strategy: append\n"
		 "select a.k, a.v from %s a "
		 "where /*+ incremental(a.k) */ true\n",
		 of);
	fixture_file(file, text);
}

static int setup(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	fixture_open();
	fixture_file("streams/r.sql",
		     "-- stream: r\ncreate table staging.r (k text);\n");
	reader("models/events.sql", "staging.r");
	reader("models/quick.sql", "p.events");
	reader("models/slow.sql", "p.events");
	reader("models/slower.sql", "p.events");
	reader("models/other_events.sql", "staging.r");
	reader("models/other.sql", "p.other_events");
	if (!project_open(&project, fixture_folder, &err) ||
	    !tasks_open(&tasks, project, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < tasks->count; i++)
		tasks->order[i]->turn = TURN_OVER;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tasks_close(tasks);
	project_close(project);
	fixture_close();
	return 0;
}

static struct task *named(const char *name)
{
	return tasks->at[project_find(project, name) - project->relation];
}

/* It is due since then, and took so long the last time. */
static struct task *due(const char *name, int64_t since_ms, int64_t took_ms)
{
	struct task *task = named(name);

	task->turn = TURN_WAITING;
	task->since_ms = since_ms;
	task->took_ms = task->used_ms = took_ms;
	return task;
}

static const char *chosen(bool is_rolling, size_t busy, int64_t now_ms)
{
	struct crew_state state = {.is_rolling = is_rolling,
				   .size = 2,
				   .busy = busy,
				   .now_ms = now_ms};
	bool left;
	const struct task *task = crew_choose(tasks, &state, &left);

	return task ? task->name : left ? "later" : "none";
}

static void in_a_pass_inputs_come_first_and_then_what_was_quickest(void **state)
{
	(void)state;
	assert_string_equal(chosen(false, 0, 100000), "none");
	due("p.slow", 0, 30);
	due("p.quick", 0, 10);
	assert_string_equal(chosen(false, 0, 100000), "p.quick");
	due("p.events", 50, 1000);
	assert_string_equal(chosen(false, 0, 100000), "p.events");
	named("p.events")->turn = TURN_TAKEN;
	assert_string_equal(chosen(false, 1, 100000), "later");
}

static void
a_reader_waits_for_inputs_due_before_it_but_not_for_the_next_time(void **state)
{
	(void)state;
	due("p.quick", 50, 10);
	due("p.events", 50, 1000)->turn = TURN_TAKEN;
	assert_string_equal(chosen(true, 1, 100000), "later");
	due("p.events", 60, 1000)->turn = TURN_TAKEN;
	assert_string_equal(chosen(true, 1, 100000), "p.quick");
}

static void what_is_slow_gains_by_waiting(void **state)
{
	(void)state;
	due("p.slow", 90000, 400);
	due("p.quick", 99990, 10);
	/* 26 to 2 */
	assert_string_equal(chosen(true, 0, 100000), "p.slow");
	/* 3 to 11 */
	due("p.slow", 99200, 400);
	due("p.quick", 99900, 10);
	assert_string_equal(chosen(true, 0, 100000), "p.quick");
}

static void one_who_works_stays_free_of_what_is_slow(void **state)
{
	(void)state;
	due("p.slow", 0, 2000)->turn = TURN_TAKEN;
	due("p.slower", 0, 3000);
	assert_string_equal(chosen(true, 1, 100000), "later");
	named("p.slower")->used_ms = 30; /* once is no habit */
	assert_string_equal(chosen(true, 1, 100000), "p.slower");
	named("p.slower")->used_ms = 3000;
	due("p.quick", 99990, 10);
	assert_string_equal(chosen(true, 1, 100000), "p.quick");
	/* what others read is never too slow */
	named("p.quick")->turn = TURN_OVER;
	due("p.events", 99990, 5000);
	assert_string_equal(chosen(true, 1, 100000), "p.events");
	named("p.events")->turn = TURN_OVER;
	named("p.slow")->turn = TURN_OVER;
	assert_string_equal(chosen(true, 0, 100000), "p.slower");
}

static void what_feeds_others_goes_first_while_one_stays_for_those(void **state)
{
	(void)state;
	due("p.quick", 99000, 10);
	due("p.events", 99990, 400);
	assert_string_equal(chosen(true, 0, 100000), "p.events");
	named("p.events")->turn = TURN_TAKEN;
	due("p.other_events", 99990, 400);
	assert_string_equal(chosen(true, 1, 100000), "p.quick");
	named("p.quick")->turn = TURN_TAKEN;
	named("p.events")->turn = TURN_OVER;
	assert_string_equal(chosen(true, 1, 100000), "p.other_events");
}

static void what_feeds_nobody_rests(void **state)
{
	struct crew_state crew = {
		.is_rolling = true, .size = 2, .now_ms = 100000};
	bool left;

	(void)state;
	due("p.quick", 99950, 20)->over_ms = 99950;
	assert_null(crew_choose(tasks, &crew, &left));
	assert_true(left);
	assert_int_equal(crew.wake_ms, 100030);
	assert_string_equal(chosen(true, 0, 100030), "p.quick");
	/* five seconds at most */
	due("p.quick", 99950, 60000)->over_ms = 99950;
	assert_null(crew_choose(tasks, &crew, &left));
	assert_int_equal(crew.wake_ms, 104950);
	due("p.events", 99950, 60000)->over_ms = 99950;
	named("p.quick")->turn = TURN_OVER;
	assert_string_equal(chosen(true, 0, 100000), "p.events");
}

static void
a_table_to_be_replaced_waits_for_all_and_lets_nobody_begin(void **state)
{
	(void)state;
	due("p.slow", 0, 10)->needs_swap = true;
	due("p.quick", 0, 10);
	named("p.slower")->turn = TURN_TAKEN;
	assert_string_equal(chosen(true, 1, 100000), "later");
	named("p.slower")->turn = TURN_OVER;
	assert_string_equal(chosen(true, 0, 100000), "p.slow");
	assert_string_equal(chosen(false, 0, 100000), "p.quick");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_a_pass_inputs_come_first_and_then_what_was_quickest),
		TEST(a_reader_waits_for_inputs_due_before_it_but_not_for_the_next_time),
		TEST(what_is_slow_gains_by_waiting),
		TEST(one_who_works_stays_free_of_what_is_slow),
		TEST(what_feeds_others_goes_first_while_one_stays_for_those),
		TEST(what_feeds_nobody_rests),
		TEST(a_table_to_be_replaced_waits_for_all_and_lets_nobody_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
