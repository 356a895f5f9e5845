#include "aggregate/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/home.h"
#include "common/log.h"
#include "common/nearest.h"

#define AT(member) offsetof(struct options, member)

static const char *const output_words[] = {"text", "name", "json", NULL};

static const struct setting table[] = {
	{"dsn", 'd', SETTING_DSN, AT(dsn), "", "DSN",
	 "the database, as a libpq string or URI; without it PG* variables, "
	 "else a private PostgreSQL of this checkout",
	 .max = 0},
	{"select", 's', SETTING_LIST, AT(select), NULL, "SELECTOR",
	 "only these: a name, tag:, path:, pack:, source:, result:, state:, "
	 "with + before or behind for what it reads or what reads it",
	 .place = SETTING_COMMAND_LINE},
	{"exclude", 0, SETTING_LIST, AT(exclude), NULL, "SELECTOR",
	 "but not these", .place = SETTING_COMMAND_LINE},
	{"full-refresh", 0, SETTING_FLAG, AT(full_refresh), "off", NULL,
	 "run: rebuild from everything that is there, changed rows only",
	 .place = SETTING_COMMAND_LINE},
	{"job", 0, SETTING_TEXT, AT(job), "", "NAME",
	 "run: this job of a pack.conf, its selection, retries and commands",
	 .place = SETTING_COMMAND_LINE},
	{"systemd", 0, SETTING_FLAG, AT(systemd), "off", NULL,
	 "jobs: print units and timers, or write them to a folder",
	 .place = SETTING_COMMAND_LINE},
	{"user", 0, SETTING_FLAG, AT(user), "off", NULL,
	 "jobs --systemd: for systemctl --user", .place = SETTING_COMMAND_LINE},
	{"output", 0, SETTING_CHOICE, AT(output), "text", "FORM",
	 "plan, ls, jobs: the form of what is printed, text for people, name "
	 "and json, one a line, for scripts",
	 .choices = output_words, .place = SETTING_COMMAND_LINE},
	{"max-loads", 0, SETTING_INTEGER, AT(max_loads), "1000", "N",
	 "the loads that one transaction takes of a backlog, oldest first; 0: "
	 "all of it",
	 .min = 0, .max = 100000},
	{"guard", 0, SETTING_DURATION, AT(guard_ms), "0", "TIME",
	 "install-source: the most a writer may take from begin to its first "
	 "row, for complete_through to be known; 0: no limit",
	 .min = 0, .place = SETTING_COMMAND_LINE},
	{"remove", 0, SETTING_FLAG, AT(remove), "off", NULL,
	 "install-source: take the triggers away again",
	 .place = SETTING_COMMAND_LINE},
	{"parts", 0, SETTING_INTEGER, AT(audit_parts), "10", "N",
	 "audit: how many parts of each large table", .min = 1, .max = 1000000,
	 .place = SETTING_COMMAND_LINE},
	{"repair", 0, SETTING_FLAG, AT(repair), "off", NULL,
	 "audit: rebuild what differs, tests before publication",
	 .place = SETTING_COMMAND_LINE},
	{"project", 0, SETTING_TEXT, AT(project), "", "DIR",
	 "the folder that holds sql/ and config/; by default this one, or that "
	 "of the program",
	 .max = 0},
	{"connect-timeout", 0, SETTING_DURATION, AT(connect_ms), "10s", "TIME",
	 "for a connection to PostgreSQL", .min = 100},
	{"retry-timeout", 0, SETTING_DURATION, AT(retry_ms), "10s", "TIME",
	 "how long to try again while PostgreSQL cannot be reached", .min = 0},
	{"statement-timeout", 0, SETTING_DURATION, AT(statement_ms), "1h",
	 "TIME", "for one statement of a model", .min = 1000},
	{"lock-timeout", 0, SETTING_DURATION, AT(lock_ms), "60s", "TIME",
	 "how long a model waits for a lock that somebody else holds",
	 .min = 1},
	{"threads", 0, SETTING_INTEGER, AT(threads), "0", "N",
	 "how many models may run at the same time, each on a connection of "
	 "its own; 0: 2 where there is more than one core, else 1",
	 .min = 0, .max = 64},
	{"target-lag", 0, SETTING_DURATION, AT(lag_ms), "0", "TIME",
	 "watch: how stale a model may be that has no `lag:` of its own; it "
	 "runs at most that often, 0: as soon as there is something new",
	 .min = 0},
	{"poll", 0, SETTING_DURATION, AT(poll_ms), "60s", "TIME",
	 "watch: how often to look without being notified", .min = 100},
	{"keep-runs", 0, SETTING_DURATION, AT(keep_runs_ms), "30d", "TIME",
	 "how long millrace.run and its kin remember a run; 0: for ever",
	 .min = 0},
	{"metrics-file", 0, SETTING_TEXT, AT(metrics_file), "", "PATH",
	 "write the figures of the pass there, for node_exporter", .max = 0},
	{"log-format", 0, SETTING_CHOICE, AT(log_format), "text", "WHICH",
	 "sentences for people; logfmt, key=value; or json: one object a line",
	 .choices = log_formats},
	{"artifacts", 0, SETTING_FLAG, AT(artifacts), "on", NULL,
	 "write target/manifest.json and run_results.json after runs that did "
	 "something, as dbt does",
	 .max = 0},
	{"quiet", 'q', SETTING_FLAG, AT(quiet), "off", NULL,
	 "only warnings and errors", .max = 0},
	{"verbose", 'v', SETTING_FLAG, AT(verbose), "off", NULL,
	 "also the SQL that is run", .max = 0},
	{.name = NULL},
};

const struct settings_program options_program = {
	.name = "periodic",
	.summary = "Runs incremental SQL models over the loads that are new.",
	.usage =
		"periodic [run] [-s SELECTOR...] [--exclude SELECTOR...] "
		"[--full-refresh]\n"
		"periodic build                    the same, as dbt calls it\n"
		"periodic test [-s SELECTOR...]    the tests, on what is "
		"there\n"
		"periodic seed                     the seeds that have "
		"changed\n"
		"periodic snapshot                 the snapshots\n"
		"periodic plan                     what would run, and why\n"
		"periodic ls                       models and seeds\n"
		"periodic compile [-s SELECTOR...] the SQL that runs\n"
		"periodic --job NAME               a job of a pack.conf\n"
		"periodic init DIR                 a small project to begin "
		"with\n"
		"periodic doctor                   what stands in the way, and "
		"what to do\n"
		"periodic jobs [--systemd [--user] [DIR]]  how they fare; "
		"their units\n"
		"periodic watch                    runs whenever there is "
		"something new\n"
		"periodic freshness                how old each stream's news "
		"are\n"
		"periodic replay MODEL LOAD        the model takes a load "
		"once more\n"
		"periodic exclude MODEL LOAD       the model does without a "
		"load\n"
		"periodic include MODEL LOAD       the model takes it after "
		"all\n"
		"periodic install-source TABLE     watches a table that "
		"others write\n"
		"periodic audit [--parts N] [--repair]  marts against their "
		"queries\n"
		"periodic unit [-s SELECTOR...]    the cases of unit/*.sql, "
		"rolled back\n"
		"periodic migrate                  the newest schema",
	.notes = "Without new loads a pass takes milliseconds: "
		 "`watch -n 30 periodic`.\n\n"
		 "Exit status: 0 done, 1 usage, 2 configuration or a model "
		 "file, 3 a model or\na test has failed, 4 PostgreSQL, "
		 "5 what is printed cannot be written.\n",
	.table = table,
	.section = "job",
};

/* Commands, and how many operands each takes. */
static const struct {
	const char *name;
	size_t min, max;
} commands[COMMAND_COUNT] = {
	[COMMAND_RUN] = {"run", 0, 0},
	[COMMAND_TEST] = {"test", 0, 0},
	[COMMAND_LS] = {"ls", 0, 0},
	[COMMAND_PLAN] = {"plan", 0, 0},
	[COMMAND_SEED] = {"seed", 0, 0},
	[COMMAND_MIGRATE] = {"migrate", 0, 0},
	[COMMAND_COMPILE] = {"compile", 0, 0},
	[COMMAND_JOBS] = {"jobs", 0, 1},
	[COMMAND_FRESHNESS] = {"freshness", 0, 0},
	[COMMAND_AUDIT] = {"audit", 0, 0},
	[COMMAND_UNIT] = {"unit", 0, 0},
	[COMMAND_DOCTOR] = {"doctor", 0, 0},
	[COMMAND_INIT] = {"init", 1, 1},
	[COMMAND_SNAPSHOT] = {"snapshot", 0, 0},
	[COMMAND_INSTALL_SOURCE] = {"install-source", 1, 1},
	[COMMAND_REPLAY] = {"replay", 2, 2},
	[COMMAND_EXCLUDE] = {"exclude", 2, 2},
	[COMMAND_INCLUDE] = {"include", 2, 2},
	[COMMAND_WATCH] = {"watch", 0, 0},
};

const char *options_command(const struct options *options)
{
	return commands[options->command].name;
}

const char *options_output(const struct options *options)
{
	const char *home = buf_text(&options->home);

	return home_is_installed(home) ? "." : home;
}

static bool refuse_command(const struct options *options, const char *word,
			   struct error *err)
{
	const char *name[COMMAND_COUNT];
	const char *meant;

	if (options->select.count)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s is not a command; several selectors are "
				 "one word: -s '%s %s'",
				 word, options->select.item[0], word);
	for (int i = 0; i < COMMAND_COUNT; i++)
		name[i] = commands[i].name;
	meant = nearest(word, name, COMMAND_COUNT);
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s is not a command%s%s%s", word,
			 meant ? "; did you mean " : "", meant ? meant : "",
			 meant ? "?" : "; --help lists them");
}

static bool check_operands(const struct options *options, struct error *err)
{
	const char *name = options_command(options);

	if (options->operand_count < commands[options->command].min)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s needs more than that; --help shows how it "
				 "is called",
				 name);
	if (options->operand_count <= commands[options->command].max)
		return true;
	if (commands[options->command].max > 0)
		return error_set(
			err, ERROR_FATAL, STATUS_USAGE,
			"%s takes no %s; --help shows how it is called", name,
			options->operand[commands[options->command].max]);
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "%s takes no %s; models are chosen with -s %s", name,
			 options->operand[0], options->operand[0]);
}

static bool take_command(struct options *options, struct error *err)
{
	const char *word;

	options->operand = (const char *const *)options->settings.operand;
	options->operand_count = options->settings.operand_count;
	if (options->operand_count == 0)
		return true;
	word = options->operand[0];
	if (!strcmp(word, "build")) /* dbt's word for seeds, models and tests */
		word = commands[COMMAND_RUN].name;
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(word, commands[i].name) != 0)
			continue;
		options->command = (enum command)i;
		options->operand++;
		options->operand_count--;
		return check_operands(options, err);
	}
	return refuse_command(options, options->operand[0], err);
}

bool options_read(struct options *options, int argc, char *const *argv,
		  struct error *err)
{
	*options = (struct options){.settings = SETTINGS_INIT};
	/* before the settings are read, since they may lie in it */
	home_find(&options->home, "PERIODIC_PROJECT");
	if (!settings_read(&options->settings, &options_program,
			   buf_text(&options->home), argc, argv, options, err))
		return false;
	if (options->settings.request == SETTINGS_ANSWER)
		return true;
	if (*options->project) {
		buf_reset(&options->home);
		buf_add_text(&options->home, options->project);
	}
	if (options->threads == 0)
		options->threads = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
	return take_command(options, err);
}

void options_release(struct options *options)
{
	buf_release(&options->home);
	settings_release(&options->settings);
}
