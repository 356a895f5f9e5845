/* settings_text.c - what people read about settings: help, version, sample */

#include <string.h>

#include "common/buf.h"
#include "common/settings_reading.h"
#include "common/version.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 79 };

static const char *const everywhere_help[SETTINGS_EVERYWHERE] = {
	"read settings from this file instead of config/<program>.conf",
	"print this text",
	"print the versions of the program and its libraries",
	"print a configuration file with every setting at its default",
};

/* Prints words from the column `at`, going on below it when a line is full. */
static void put_wrapped(FILE *out, const char *text, int at, const char *prefix)
{
	int column = at;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > at && column + 1 + len > HELP_WIDTH) {
			column = at;
			fprintf(out, "\n%s%*s", prefix,
				at - (int)strlen(prefix), "");
		}
		column += fprintf(out, "%s%.*s", column > at ? " " : "", len,
				  text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* A default worth telling: neither empty nor the `off` of a flag. */
static bool has_default(const struct setting *row)
{
	return row->initial && *row->initial &&
	       !(row->type == SETTING_FLAG && strcmp(row->initial, "off") == 0);
}

/* What the sentence does not say: the words allowed, whether it repeats. */
static const char *add_facts(struct buf *text, const struct setting *row)
{
	const char *separator = " (";
	int i;

	for (i = 0; row->choices && row->choices[i]; i++) {
		buf_format(text, "%s%s", separator, row->choices[i]);
		separator = ", ";
	}
	if (row->choices)
		separator = "; ";
	if (row->type == SETTING_LIST) {
		buf_format(text, "%smay be given many times", separator);
		separator = "; ";
	}
	return separator;
}

/* The sentence of the help: with the facts and the default. */
static void add_help(struct buf *text, const struct setting *row)
{
	const char *separator;

	buf_add_text(text, row->help);
	separator = add_facts(text, row);
	if (has_default(row))
		buf_format(text, "%sdefault %s", separator, row->initial);
	if (*separator != ' ' || has_default(row))
		buf_add_byte(text, ')');
}

/* The sentence of the sample, where the default stands below it. */
static void add_comment(struct buf *text, const struct setting *row)
{
	buf_add_text(text, row->help);
	if (*add_facts(text, row) != ' ')
		buf_add_byte(text, ')');
}

static void put_option(FILE *out, int letter, const char *name,
		       const char *argument, const char *help)
{
	char head[128];
	int used;

	used = snprintf(head, sizeof head, "  %c%c%c --%s%s%s",
			letter ? '-' : ' ', letter ? letter : ' ',
			letter ? ',' : ' ', name, argument ? " " : "",
			argument ? argument : "");
	fputs(head, out);
	if (used > HELP_COLUMN - 2) {
		fputc('\n', out);
		used = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - used, "");
	put_wrapped(out, help, HELP_COLUMN, "");
}

/* Whether a line of the usage is about the command: `periodic plan`,
 * `periodic [run]`. */
static bool is_about(const struct settings_program *program, const char *line,
		     const char *command, size_t len)
{
	size_t name = strlen(program->name);

	if (strncmp(line, program->name, name) != 0 || line[name] != ' ')
		return false;
	line += name + 1;
	line += *line == '[';
	return strncmp(line, command, len) == 0 &&
	       (line[len] == '\0' || strchr(" ]\n", line[len]));
}

static bool is_command(const struct settings_program *program,
		       const char *command, size_t len)
{
	const char *line = program->usage;

	while (line && !is_about(program, line, command, len)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line && len > 0;
}

/* `audit: how many parts` is for that command alone. */
static bool concerns(const struct settings_program *program,
		     const struct setting *row, const char *command)
{
	size_t end = strcspn(row->help, ":");
	bool is_for_some = false;

	if (!command || row->help[end] != ':')
		return true;
	for (size_t at = 0, len; at < end; at += len + 1) {
		len = strcspn(row->help + at, " ,:");
		if (len == strlen(command) &&
		    strncmp(row->help + at, command, len) == 0)
			return true;
		is_for_some =
			is_for_some || is_command(program, row->help + at, len);
	}
	return !is_for_some;
}

static void put_usage(const struct settings_program *program,
		      const char *command, FILE *out)
{
	const char *line = program->usage;

	while (command && line) {
		size_t len = strcspn(line, "\n");

		if (is_about(program, line, command, strlen(command)))
			fprintf(out, "%.*s\n", (int)len, line);
		line = line[len] ? line + len + 1 : NULL;
	}
	if (!command)
		fprintf(out, "%s - %s\n\n%s\n", program->name, program->summary,
			program->usage);
	fputc('\n', out);
}

void settings_help(const struct settings_program *program, const char *command,
		   FILE *out)
{
	const struct setting *row;
	struct buf text = BUF_INIT;
	size_t i;

	if (command && !is_command(program, command, strlen(command)))
		command = NULL;
	put_usage(program, command, out);
	for (row = program->table; row->name; row++) {
		const char *argument = row->argument ? row->argument : "VALUE";

		if (!concerns(program, row, command))
			continue;
		buf_reset(&text);
		add_help(&text, row);
		put_option(out, row->letter, row->name,
			   row->type == SETTING_FLAG ? NULL : argument,
			   buf_text(&text));
	}
	for (i = 0; i < SETTINGS_EVERYWHERE; i++) {
		const struct option *option = &settings__everywhere[i];
		bool has_letter = strcmp(option->name, "sample-config") != 0;

		put_option(out, has_letter ? option->val : 0, option->name,
			   option->has_arg ? "FILE" : NULL, everywhere_help[i]);
	}
	if (program->notes && !command)
		fprintf(out, "\n%s", program->notes);
	buf_release(&text);
}

void settings_sample(const struct settings_program *program, FILE *out)
{
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT;
	const struct setting *row;

	fprintf(out,
		"# %s.conf - every setting of %s, at its default\n"
		"#\n"
		"# Remove the # before a name to change it.  The environment "
		"(%s)\n"
		"# and the command line (--name) win over this file.\n",
		program->name, program->name,
		settings__variable(&arena, program->name, "NAME"));
	for (row = program->table; row->name; row++) {
		if (row->place == SETTING_COMMAND_LINE)
			continue;
		buf_reset(&text);
		add_comment(&text, row);
		fputs("\n# ", out);
		put_wrapped(out, buf_text(&text), 2, "#");
		fprintf(out, "#%s =%s%s\n", row->name,
			row->initial && *row->initial ? " " : "",
			row->initial ? row->initial : "");
	}
	arena_release(&arena);
	buf_release(&text);
}

void settings_answer(const struct settings *settings,
		     const struct settings_program *program, FILE *out)
{
	switch (settings->answer) {
	case 'h':
		settings_help(program,
			      settings->operand_count ? settings->operand[0]
						      : NULL,
			      out);
		break;
	case 'V':
		version_print(program->name, out);
		break;
	default:
		settings_sample(program, out);
		break;
	}
}
