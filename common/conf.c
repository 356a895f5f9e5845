#include "common/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

static const char blanks[] = " \t\r";

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, blanks);
}

/* Length of s[0, len) without white space at its end. */
static size_t trimmed(const char *s, size_t len)
{
	while (len > 0 && strchr(blanks, s[len - 1]))
		len--;
	return len;
}

/* Length of an unquoted value: up to a comment or the end. */
static size_t plain_length(const char *s)
{
	size_t len;

	for (len = 0; s[len]; len++)
		if (s[len] == '#' && (len == 0 || strchr(blanks, s[len - 1])))
			break;
	return trimmed(s, len);
}

/* Takes a value in single quotes.  NULL: it does not end, or something other
 * than a comment follows it. */
static const char *quoted_value(struct conf *conf, const char *s)
{
	struct buf text = BUF_INIT;
	const char *value = NULL;

	for (s++; *s; s++) {
		if (*s == '\'' && s[1] != '\'')
			break;
		if (*s == '\'')
			s++;
		buf_add_byte(&text, *s);
	}
	if (*s == '\'' && plain_length(skip_blanks(s + 1)) == 0)
		value = arena_strdup(&conf->arena, buf_text(&text));
	buf_release(&text);
	return value;
}

/* `[job hourly]`, and at most a comment behind it. */
static bool parse_section(struct conf *conf, const char *line, int number,
			  struct error *err)
{
	const char *begin = skip_blanks(line + 1);
	const char *end = strchr(begin, ']');
	size_t len = end ? trimmed(begin, (size_t)(end - begin)) : 0;

	if (len == 0 || plain_length(skip_blanks(end + 1)) != 0)
		return error_config(err, "%s:%d: expected `[section]`",
				    conf->file, number);
	MEM_GROW(conf->section, conf->section_count, conf->section_capacity);
	conf->section[conf->section_count++] = (struct conf_section){
		.name = arena_strndup(&conf->arena, begin, len),
		.line = number,
	};
	return true;
}

static bool parse_line(struct conf *conf, const char *line, int number,
		       struct error *err)
{
	const char *name = skip_blanks(line);
	const char *equals = strchr(name, '=');
	struct conf_entry entry = {.line = number, .section = ""};
	const char *value;

	if (*name == '\0' || *name == '#')
		return true;
	if (*name == '[')
		return parse_section(conf, name, number, err);
	if (conf->section_count)
		entry.section = conf->section[conf->section_count - 1].name;
	if (!equals || equals == name)
		return error_config(err, "%s:%d: expected `name = value`",
				    conf->file, number);
	entry.name = arena_strndup(&conf->arena, name,
				   trimmed(name, (size_t)(equals - name)));
	value = skip_blanks(equals + 1);
	if (*value == '\'')
		entry.value = quoted_value(conf, value);
	else
		entry.value =
			arena_strndup(&conf->arena, value, plain_length(value));
	if (!entry.value)
		return error_config(err,
				    "%s:%d: %s: the quoted value does not end "
				    "with the line (two quotes '' mean one)",
				    conf->file, number, entry.name);
	MEM_GROW(conf->entry, conf->count, conf->capacity);
	conf->entry[conf->count++] = entry;
	return true;
}

bool conf_parse(struct conf *conf, const char *file, const char *text,
		struct error *err)
{
	char *copy = arena_strdup(&conf->arena,
				  text + utf8_mark(text, strlen(text)));
	int number = 0;

	conf->file = arena_strdup(&conf->arena, file);
	while (copy) {
		char *line = strsep(&copy, "\n");

		if (!parse_line(conf, line, ++number, err))
			return false;
	}
	return true;
}

bool conf_read(struct conf *conf, const char *file, struct error *err)
{
	struct buf text = BUF_INIT;
	FILE *in = fopen(file, "re");
	struct stat status;
	bool ok = false;
	size_t got;

	if (!in || fstat(fileno(in), &status) != 0) {
		error_config(err, "cannot read %s: %s", file, strerror(errno));
		goto out;
	}
	conf->is_private = (status.st_mode & (S_IRGRP | S_IROTH)) == 0;
	do {
		got = fread(buf_reserve(&text, 4096), 1, 4096, in);
		text.len += got;
	} while (got > 0);
	if (ferror(in)) {
		error_config(err, "cannot read %s: %s", file, strerror(errno));
		goto out;
	}
	buf_add_byte(&text, '\0');
	if (strlen(text.data) + 1 != text.len) {
		error_config(err, "%s holds a zero byte: it is not a text file",
			     file);
		goto out;
	}
	ok = conf_parse(conf, file, text.data, err);
out:
	if (in)
		fclose(in);
	buf_release(&text);
	return ok;
}

void conf_release(struct conf *conf)
{
	free(conf->entry);
	free(conf->section);
	arena_release(&conf->arena);
	*conf = CONF_INIT;
}
