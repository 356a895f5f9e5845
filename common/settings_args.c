/* settings_args.c - settings from the command line */

#include <getopt.h>
#include <string.h>

#include "common/nearest.h"
#include "common/settings_reading.h"

/* What getopt_long returns: an operand, a letter, one of these. */
enum { OPERAND = 1, LONG_SAMPLE = 'S', NO_LETTER = 256 };

const struct option settings__everywhere[SETTINGS_EVERYWHERE] = {
	{"config", required_argument, NULL, 'F'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"sample-config", no_argument, NULL, LONG_SAMPLE},
};

static struct option *long_options(const struct reading *reading)
{
	struct option *options = arena_zalloc(
		reading->arena,
		(reading->count + SETTINGS_EVERYWHERE + 1) * sizeof *options);
	size_t i;

	for (i = 0; i < reading->count; i++) {
		const struct setting *row = &reading->program->table[i];

		options[i] = (struct option){
			.name = row->name,
			.has_arg = row->type == SETTING_FLAG
					   ? optional_argument
					   : required_argument,
			.val = NO_LETTER + (int)i,
		};
	}
	memcpy(options + i, settings__everywhere, sizeof settings__everywhere);
	return options;
}

/* "-": operands come in order, as option 1; ":": a missing value is told from
 * an unknown option. */
static const char *short_options(const struct reading *reading)
{
	char *text = arena_alloc(reading->arena, reading->count * 2 + 8);
	const struct setting *row;
	char *to = stpcpy(text, "-:F:hV");

	for (row = reading->program->table; row->name; row++) {
		if (!row->letter)
			continue;
		*to++ = row->letter;
		if (row->type != SETTING_FLAG)
			*to++ = ':';
	}
	*to = '\0';
	return text;
}

static bool unknown_option(const struct reading *reading,
			   const struct option *options, const char *word,
			   struct error *err)
{
	const char **names = arena_alloc(
		reading->arena,
		(reading->count + SETTINGS_EVERYWHERE) * sizeof *names);
	const char *meant;
	size_t count = 0;

	if (optopt > 0 && optopt < NO_LETTER && strncmp(word, "--", 2) != 0)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "unknown option -%c; %s --help lists them all",
				 optopt, reading->program->name);
	for (; options[count].name; count++)
		names[count] = options[count].name;
	word = arena_strndup(reading->arena, word, strcspn(word, "="));
	meant = nearest(word + strspn(word, "-"), names, count);
	if (meant)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "unknown option %s; did you mean --%s?", word,
				 meant);
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "unknown option %s; %s --help lists them all", word,
			 reading->program->name);
}

static bool missing_value(const struct reading *reading, const char *word,
			  struct error *err)
{
	const struct setting *row;

	if (optopt == 'F')
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s needs a value: the file to read", word);
	for (row = reading->program->table; row->name; row++)
		if (optopt == row->letter ||
		    optopt == NO_LETTER + (row - reading->program->table))
			break;
	if (!row->name)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "%s takes no value", word);
	return error_set(err, ERROR_FATAL, STATUS_USAGE,
			 "--%s needs a value: --%s %s, for example --%s %s",
			 row->name, row->name,
			 row->argument ? row->argument : "VALUE", row->name,
			 setting_example(row));
}

static const struct setting *by_code(const struct reading *reading, int code)
{
	const struct setting *row;

	if (code >= NO_LETTER)
		return &reading->program->table[code - NO_LETTER];
	for (row = reading->program->table; row->name; row++)
		if (row->letter == code)
			return row;
	return NULL;
}

static bool take_option(struct reading *reading, const struct setting *row,
			const char *text, struct error *err)
{
	if (row->type == SETTING_DSN && setting_is_secret(text))
		return error_set(
			err, ERROR_FATAL, STATUS_USAGE,
			"--%s: a password on the command line is visible to "
			"everybody on this machine; put it in ~/.pgpass (or "
			"the file of PGPASSFILE), a service of "
			"~/.pg_service.conf, or the variable %s",
			row->name,
			settings__variable(reading->arena,
					   reading->program->name, row->name));
	if (text && !*text &&
	    (row->type == SETTING_TEXT || row->type == SETTING_LIST))
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "--%s is empty: it takes %s, or is left out",
				 row->name, row->argument);
	if (settings__take(reading, row, text ? text : "on", err))
		return true;
	err->status = STATUS_USAGE;
	return error_context(err, "--%s", row->name);
}

/* Handles what getopt_long found. */
static bool take_code(struct reading *reading, struct settings *settings,
		      int code, struct error *err)
{
	switch (code) {
	case OPERAND:
		settings->operand[settings->operand_count++] = optarg;
		return true;
	case 'F':
		reading->config = optarg;
		return true;
	case 'h':
	case 'V':
	case LONG_SAMPLE:
		settings->request = SETTINGS_ANSWER;
		settings->answer = (char)code;
		return true;
	default:
		return take_option(reading, by_code(reading, code), optarg,
				   err);
	}
}

bool settings__read_args(struct reading *reading, struct settings *settings,
			 int argc, char *const *argv, struct error *err)
{
	const struct option *options = long_options(reading);
	const char *letters = short_options(reading);
	int code;

	settings->operand = arena_zalloc(reading->arena,
					 ((size_t)argc + 1) * sizeof(char *));
	optind = 0;
	opterr = 0;
	for (;;) {
		const char *word = argv[optind > 0 ? optind : 1];

		code = getopt_long(argc, argv, letters, options, NULL);
		if (code == -1)
			break;
		if (code == '?' && optopt && strncmp(word, "--", 2) == 0)
			return error_set(err, ERROR_FATAL, STATUS_USAGE,
					 "%s takes no value", word);
		if (code == '?')
			return unknown_option(reading, options, word, err);
		if (code == ':')
			return missing_value(reading, word, err);
		if (!take_code(reading, settings, code, err))
			return false;
	}
	for (; optind < argc; optind++)
		settings->operand[settings->operand_count++] = argv[optind];
	settings__source_done(reading);
	return true;
}
