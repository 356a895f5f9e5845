/*
 * settings_reading.h - what the sources of settings share while being read
 *
 * Private to settings*.c.  Sources are read strongest first: the command line,
 * the environment, the file.
 */
#ifndef COMMON_SETTINGS_READING_H
#define COMMON_SETTINGS_READING_H

#include <getopt.h>

#include "common/settings.h"

struct reading {
	const struct settings_program *program;
	size_t count; /* rows of the table */
	bool *given;  /* by row: a stronger source has set it */
	bool *here;   /* by row: the source being read has set it */
	void *values;
	struct arena *arena;
	const char *config; /* of -F or the environment; NULL: not given */
};

/* The options of every program and their sentences. */
enum { SETTINGS_EVERYWHERE = 4 };
extern const struct option settings__everywhere[SETTINGS_EVERYWHERE];

/* The row of that name; NULL if there is none. */
const struct setting *settings__find(const struct reading *reading,
				     const char *name);

/* Takes a value from the source being read, unless a stronger one has given
 * it.  A list begins anew: what a weaker source said is replaced. */
bool settings__take(struct reading *reading, const struct setting *row,
		    const char *text, struct error *err) MUST_CHECK;

/* The source has been read to its end: weaker ones no longer count. */
void settings__source_done(struct reading *reading);

bool settings__read_args(struct reading *reading, struct settings *settings,
			 int argc, char *const *argv,
			 struct error *err) MUST_CHECK;
bool settings__read_environment(struct reading *reading,
				struct error *err) MUST_CHECK;
bool settings__read_file(struct reading *reading, const char *home,
			 struct error *err) MUST_CHECK;

/* "handle-streams", "batch-rows": HANDLE_STREAMS_BATCH_ROWS */
const char *settings__variable(struct arena *arena, const char *program,
			       const char *setting);

#endif
