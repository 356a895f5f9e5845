/*
 * settings.h - every setting of a program, in one table
 *
 * One row of the table is the whole truth about a setting: its name, what it
 * takes, where the value is stored, its default and its sentence.  The command
 * line, the environment, the configuration file, --help and the sample file
 * all follow from it.
 *
 * Precedence: command line (--batch-rows 100), environment
 * (HANDLE_STREAMS_BATCH_ROWS=100), configuration file (batch-rows = 100),
 * default.  The file is the one named by -F, else config/<program>.conf of the
 * project, if it is there.  Errors on the command line are STATUS_USAGE, those
 * elsewhere STATUS_CONFIG, with the variable or the file and line.
 *
 * Four options are in every program: -F/--config, -h/--help, -V/--version,
 * --sample-config.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/error.h"

enum setting_type {
	SETTING_TEXT,     /* const char * */
	SETTING_INTEGER,  /* int64_t, decimal */
	SETTING_BYTES,    /* int64_t bytes: 64kB, 16MB, 1GB, in 1024s */
	SETTING_DURATION, /* int64_t milliseconds: 500ms, 60s, 10m, 2h, 1d */
	SETTING_FLAG,     /* bool; --name or --name=off */
	SETTING_CHOICE,   /* int: index into choices */
	SETTING_LIST,     /* struct setting_list: may be given many times */
	SETTING_DSN,      /* const char *: a libpq string, URI or database name;
			   * one with a password is refused on the command
			   * line and in a file that others can read */
};

enum setting_place {
	SETTING_ANYWHERE,
	SETTING_COMMAND_LINE, /* an order for one run: not in files or
			       * the environment */
};

struct setting {
	const char *name; /* lower case, hyphens: "batch-rows" */
	char letter;      /* 'b' for -b; 0: none */
	enum setting_type type;
	size_t offset;        /* of the value: offsetof(struct ..., member) */
	const char *initial;  /* default, as one would write it; NULL: the value
			       * keeps what it held */
	const char *argument; /* what the help calls the value: "ROWS" */
	const char *help;     /* one sentence, lower case, no full stop */
	int64_t min, max;     /* integer, bytes, duration; max 0: no limit */
	const char *const *choices; /* ends with NULL */
	enum setting_place place;
};

struct setting_list {
	const char **item;
	size_t count;
};

struct settings_program {
	const char *name;    /* "handle-streams", HANDLE_STREAMS_... */
	const char *summary; /* what it does: one sentence */
	const char *usage;   /* the ways to call it, one a line */
	const char *notes;   /* what the help ends with; NULL: nothing */
	const struct setting *table; /* ends with a row without a name */
	const char *section; /* sections of the file that begin with this word
			      * are for others to read; NULL: there are none */
};

enum settings_request {
	SETTINGS_RUN,    /* go on: the values are filled in */
	SETTINGS_ANSWER, /* settings_answer prints what was asked for; exit 0 */
};

struct settings {
	enum settings_request request;
	const char *
		*operand; /* what is not an option, in order; ends with NULL */
	size_t operand_count;
	/* private */
	char answer; /* the letter of the option that asked */
	struct arena arena;
};

#define SETTINGS_INIT ((struct settings){.request = SETTINGS_RUN})

/* Reads the command line, the environment and the file into *values, the
 * struct that the table's offsets belong to.  home: the project's folder, for
 * config/<program>.conf, or NULL; a setting `project` names another.  Texts in
 * *values live as long as *settings. */
bool settings_read(struct settings *settings,
		   const struct settings_program *program, const char *home,
		   int argc, char *const *argv, void *values,
		   struct error *err) MUST_CHECK;
void settings_release(struct settings *settings);

/* Prints what --help, --version or --sample-config asked for. */
void settings_answer(const struct settings *settings,
		     const struct settings_program *program, FILE *out);

/* The help text, and every setting, commented, at its default.  command: only
 * what concerns that one (a setting whose sentence begins with the names of
 * others, `audit: ...`, does not); NULL, or no command of the usage: all. */
void settings_help(const struct settings_program *program, const char *command,
		   FILE *out);
void settings_sample(const struct settings_program *program, FILE *out);

/* Stores one value.  The error says what is expected, without saying where
 * the value was found; a list grows by one item. */
bool setting_store(const struct setting *setting, const char *text,
		   void *values, struct arena *arena,
		   struct error *err) MUST_CHECK;

/* What a value looks like: the default, else an example of the type. */
const char *setting_example(const struct setting *setting);

/* A connection string as libpq takes it, the caller's; a bare name is that of a
 * database.  NULL: it makes no sense, and the error does not quote it. */
char *setting_dsn(const char *text, struct error *err) MUST_CHECK;

/* Whether a connection string holds a password. */
bool setting_is_secret(const char *dsn);

#endif
