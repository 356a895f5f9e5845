/*
 * conf.h - a file of `name = value` lines, in sections
 *
 * `[name]` begins a section; lines before the first are in none.
 * Blank lines and what follows a # (at the start of a line or after white
 * space) are skipped.  A value may be put in single quotes, where '' is one
 * quote and # and outer spaces are kept.  What the names mean is for the
 * caller, which reports errors as file:line.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/error.h"

struct conf_entry {
	const char *name;
	const char *value;   /* "" when nothing follows the = */
	const char *section; /* "" before the first */
	int line;            /* from 1 */
};

struct conf_section {
	const char *name;
	int line;
};

struct conf {
	const char *file;
	struct conf_entry *entry;
	size_t count;
	struct conf_section *section; /* in order; a name may come twice */
	size_t section_count;
	bool is_private; /* nobody but the owner can read the file */
	/* private */
	size_t capacity, section_capacity;
	struct arena arena; /* owns the texts */
};

#define CONF_INIT ((struct conf){0})

/* Reads a file. */
bool conf_read(struct conf *conf, const char *file,
	       struct error *err) MUST_CHECK;

/* The same for a text already read; file is for error messages. */
bool conf_parse(struct conf *conf, const char *file, const char *text,
		struct error *err) MUST_CHECK;

void conf_release(struct conf *conf);

#endif
