#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/select.h"
#include "common/buf.h"
#include "common/mem.h"

static const char folder[] = "tests/models-good";

static int open_project(void **state)
{
	struct error err = ERROR_INIT;
	struct project *project;

	if (!project_open(&project, folder, &err))
		fail_msg("%s", err.text);
	*state = project;
	return 0;
}

static int close_project(void **state)
{
	project_close(*state);
	return 0;
}

/* The names selected, in order of dependency: `a.b c.d`. */
static void assert_selected(const struct project *project, const char *select,
			    const char *exclude, const char *expected)
{
	const struct setting_list some = {&select, select ? 1 : 0};
	const struct setting_list others = {&exclude, exclude ? 1 : 0};
	bool *selected = mem_zalloc(project->relation_count, sizeof *selected);
	struct error err = ERROR_INIT;
	struct buf found = BUF_INIT;

	if (!select_relations(project, &some, &others, NULL, selected, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < project->relation_count; i++) {
		size_t node = project->graph->order[i];

		if (selected[node])
			buf_format(&found, "%s%s", found.len > 0 ? " " : "",
				   project->relation[node].name);
	}
	assert_string_equal(buf_text(&found), expected);
	buf_release(&found);
	free(selected);
}

static void assert_refused(const struct project *project, const char *select,
			   const char *expected)
{
	const struct setting_list one = {&select, 1}, none = {0};
	bool *selected = mem_zalloc(project->relation_count, sizeof *selected);
	struct error err = ERROR_INIT;

	if (select_relations(project, &one, &none, NULL, selected, &err))
		fail_msg("accepted: %s", select);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.status, STATUS_USAGE);
	/* the same as an exclusion */
	assert_false(
		select_relations(project, &none, &one, NULL, selected, &err));
	assert_string_equal(err.text, expected);
	free(selected);
}

#define GROWTH                                                                 \
	"growth.fact_events growth.dim_users growth.user_period "              \
	"growth.user_category growth.growth_count growth.growth_by_day "       \
	"growth.growth_by_month growth.growth_by_week growth.user_cohort "     \
	"growth.retention_count growth.user_retention"
#define AVAILABILITY                                                           \
	"availability.fct_events availability.changes "                        \
	"availability.day_change availability.events_by_day "                  \
	"availability.availability_snapshot"

static void names_may_leave_out_the_pack(void **state)
{
	(void)state;
	assert_selected(*state, "growth.dim_users", NULL, "growth.dim_users");
	assert_selected(*state, "dim_users", NULL, "growth.dim_users");
	assert_selected(*state, "growth.growth_by_*", NULL,
			"growth.growth_by_day growth.growth_by_month "
			"growth.growth_by_week");
	assert_selected(*state, "user_?eriod", NULL, "growth.user_period");
	assert_selected(*state, "users_history", NULL,
			"pageviews.users_history");
}

static void plus_reaches_up_and_down(void **state)
{
	(void)state;
	assert_selected(*state, "+growth.user_period", NULL,
			"staging.growth_events growth.fact_events "
			"growth.user_period");
	assert_selected(*state, "day_change+", NULL,
			"availability.day_change "
			"availability.availability_snapshot");
	assert_selected(*state, "1+growth_count+1", NULL,
			"growth.user_category growth.growth_count "
			"growth.growth_by_day growth.growth_by_month "
			"growth.growth_by_week growth.user_retention");
	assert_selected(*state, "2+changes", NULL,
			"staging.availability_events availability.fct_events "
			"availability.changes");
	assert_selected(*state, "0+changes", NULL, "availability.changes");
	assert_selected(*state, "1+changes+", NULL,
			"availability.fct_events availability.changes "
			"availability.day_change "
			"availability.availability_snapshot");
}

static void methods_select_by_what_a_model_is(void **state)
{
	(void)state;
	assert_selected(*state, "pack:growth", NULL, GROWTH);
	assert_selected(*state, "pack:avail*", NULL, AVAILABILITY);
	assert_selected(*state, "tag:daily", NULL,
			"growth.growth_by_day growth.growth_by_week");
	assert_selected(*state, "tag:week*", NULL, "growth.growth_by_week");
	assert_selected(*state, "path:tests/models-good/availability/models",
			NULL, AVAILABILITY);
	assert_selected(*state, "path:availability/models/", NULL,
			AVAILABILITY);
	assert_selected(*state,
			"path:./tests/models-good/growth/models/dim_users.sql",
			NULL, "growth.dim_users");
	assert_selected(*state, "path:models-good/growth/models/dim_users.sql",
			NULL, "growth.dim_users");
	assert_selected(*state, "source:staging.pageviews", NULL,
			"staging.pageviews");
	assert_selected(*state, "source:availability_events+1", NULL,
			"staging.availability_events "
			"availability.fct_events");
	assert_selected(*state, "1+tag:weekly", NULL,
			"growth.growth_count growth.growth_by_week");
}

static void spaces_unite_and_commas_intersect(void **state)
{
	(void)state;
	assert_selected(*state, "dim_users  fct_events ", NULL,
			"availability.fct_events growth.dim_users");
	assert_selected(*state, "pack:growth,tag:daily", NULL,
			"growth.growth_by_day growth.growth_by_week");
	assert_selected(*state, "tag:daily,tag:weekly dim_users", NULL,
			"growth.dim_users growth.growth_by_week");
	assert_selected(*state, "pack:growth,pack:availability", NULL, "");
}

static void everything_means_models_and_seeds(void **state)
{
	(void)state;
	assert_selected(*state, NULL, "pack:growth pack:pageviews",
			AVAILABILITY);
	assert_selected(*state, NULL,
			"pack:growth,growth.u* pack:availability "
			"+pageviews.pageviews_by_*",
			"growth.fact_events growth.dim_users "
			"growth.growth_count growth.growth_by_day "
			"growth.growth_by_month growth.growth_by_week "
			"growth.retention_count");
}

static void exclusions_are_taken_away(void **state)
{
	(void)state;
	assert_selected(*state, "pack:availability", "changes+",
			"availability.fct_events "
			"availability.events_by_day");
	assert_selected(*state, "changes", "pack:availability", "");
}

static void several_arguments_are_united(void **state)
{
	const struct project *project = *state;
	const char *select[] = {"dim_users", "changes"};
	const struct setting_list two = {select, 2}, none = {0};
	bool *selected = mem_zalloc(project->relation_count, sizeof *selected);
	struct error err = ERROR_INIT;
	size_t count = 0;

	assert_true(
		select_relations(project, &two, &none, NULL, selected, &err));
	for (size_t i = 0; i < project->relation_count; i++)
		count += selected[i];
	assert_int_equal(count, 2);
	free(selected);
}

static void a_selector_that_names_nothing_is_an_error(void **state)
{
	assert_refused(*state, "dim_usres",
		       "the selector \"dim_usres\" names nothing: did you mean "
		       "\"dim_users\"?");
	assert_refused(*state, "growth.dim_user",
		       "the selector \"growth.dim_user\" names nothing: did "
		       "you mean \"growth.dim_users\"?");
	assert_refused(*state, "2+tag:dailly+",
		       "the selector \"2+tag:dailly+\" names nothing: did you "
		       "mean \"tag:daily\"?");
	assert_refused(*state, "pack:grwth",
		       "the selector \"pack:grwth\" names nothing: did you "
		       "mean \"pack:growth\"?");
	assert_refused(*state, "dim_users pack:shop",
		       "the selector \"pack:shop\" names nothing in "
		       "tests/models-good");
	assert_refused(*state, "path:sql/growth",
		       "the selector \"path:sql/growth\" names nothing in "
		       "tests/models-good");
	assert_refused(*state, "path:tests/models-good/grow",
		       "the selector \"path:tests/models-good/grow\" names "
		       "nothing in tests/models-good");
	assert_refused(*state, "source:growth.dim_users",
		       "the selector \"source:growth.dim_users\" names "
		       "nothing in tests/models-good");
	assert_refused(*state, "tagg:daily",
		       "unknown selector \"tagg:\" in \"tagg:daily\": did you "
		       "mean \"tag:\"?");
	assert_refused(*state, "owner:modified",
		       "unknown selector \"owner:\" in \"owner:modified\": "
		       "there are tag:, pack:, path:, source:, result: and "
		       "state:");
	assert_refused(*state, "result:errors",
		       "the selector \"result:errors\" names nothing: did you "
		       "mean \"result:error\"?");
	assert_refused(*state, "state:error",
		       "the selector \"state:error\" names nothing in "
		       "tests/models-good");
	assert_refused(*state, "", "a selector is empty");
	assert_refused(*state, "  ", "a selector is empty");
	assert_refused(*state, "+", "the selector \"+\" is incomplete");
	assert_refused(*state, "tag:", "the selector \"tag:\" is incomplete");
	assert_refused(*state, "dim_users,", "the selector \"\" is incomplete");
}

static void packs_and_folders_are_names_too(void **state)
{
	assert_selected(*state, "growth", NULL, GROWTH);
	assert_selected(*state, "availability+ availability.*", NULL,
			AVAILABILITY);
	assert_selected(*state, "growth.*", "growth", "");
}

static void facts_come_from_the_database(void **state)
{
	const struct project *project = *state;
	const char *term = "1+result:error,state:modified result:warn+";
	const struct setting_list one = {&term, 1}, none = {0};
	unsigned *facts = mem_zalloc(project->relation_count, sizeof *facts);
	bool *selected = mem_zalloc(project->relation_count, sizeof *selected);
	struct error err = ERROR_INIT;
	size_t dim_users = (size_t)(project_find(project, "growth.dim_users") -
				    project->relation);
	size_t cohort = (size_t)(project_find(project, "growth.user_cohort") -
				 project->relation);

	assert_true(select_asks(&one));
	assert_false(select_asks(&none));
	/* what has not happened selects nothing, and is no mistake */
	assert_true(
		select_relations(project, &one, &none, facts, selected, &err));
	for (size_t i = 0; i < project->relation_count; i++)
		assert_false(selected[i]);
	facts[dim_users] = FACT_ERROR | FACT_MODIFIED;
	facts[cohort] = FACT_SUCCESS | FACT_WARN;
	assert_true(
		select_relations(project, &one, &none, facts, selected, &err));
	for (size_t i = 0; i < project->relation_count; i++) {
		const char *name = project->relation[i].name;

		assert_int_equal(
			selected[i],
			strcmp(name, "growth.dim_users") == 0 ||
				strcmp(name, "growth.user_cohort") == 0 ||
				strcmp(name, "growth.retention_count") == 0 ||
				strcmp(name, "growth.user_retention") == 0);
	}
	free(facts);
	free(selected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_may_leave_out_the_pack),
		cmocka_unit_test(plus_reaches_up_and_down),
		cmocka_unit_test(methods_select_by_what_a_model_is),
		cmocka_unit_test(spaces_unite_and_commas_intersect),
		cmocka_unit_test(everything_means_models_and_seeds),
		cmocka_unit_test(exclusions_are_taken_away),
		cmocka_unit_test(several_arguments_are_united),
		cmocka_unit_test(packs_and_folders_are_names_too),
		cmocka_unit_test(facts_come_from_the_database),
		cmocka_unit_test(a_selector_that_names_nothing_is_an_error),
	};

	return cmocka_run_group_tests(tests, open_project, close_project);
}
