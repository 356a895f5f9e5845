#include "aggregate/stream_file.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/comment_header.h"
#include "aggregate/model_tests.h"
#include "common/mem.h"

static const char wanted[] = "freshness is written warn 12h error 24h, with on "
			     "loaded_at or on the event_time column behind it";

/* Cuts the next word off; NULL: there is none. */
static char *next_word(char **rest)
{
	char *word = strtok_r(NULL, " \t", rest);

	return word && *word != '#' ? word : NULL;
}

static bool read_age(const struct model_at *at, const char *word, char **rest,
		     int64_t *age_us)
{
	const char *value = next_word(rest);

	if (*age_us || !value)
		return model_refuse(at, "%s wants one age, as in %s 12h", word,
				    word);
	return model_duration(at, value, age_us);
}

/* `warn 12h error 24h on event_at`, in any order. */
static bool read_freshness(const struct model_at *at,
			   struct stream_file *stream, const char *value)
{
	struct freshness *freshness = &stream->freshness;
	char *text = arena_format(&at->model->arena, "x %s", value);
	char *rest = NULL;
	char *word;
	bool ok = true;

	if (freshness->line)
		return model_refuse(at, "freshness stands already in line %d",
				    freshness->line);
	freshness->line = at->line;
	strtok_r(text, " \t", &rest);
	while (ok && (word = next_word(&rest))) {
		if (!strcmp(word, "warn"))
			ok = read_age(at, word, &rest, &freshness->warn_us);
		else if (!strcmp(word, "error"))
			ok = read_age(at, word, &rest, &freshness->error_us);
		else if (!strcmp(word, "on") && !freshness->column)
			ok = (freshness->column = next_word(&rest)) ||
			     model_refuse(at, "%s", wanted);
		else
			ok = model_refuse(at, "\"%s\" is not understood: %s",
					  word, wanted);
	}
	if (ok && !freshness->warn_us && !freshness->error_us)
		ok = model_refuse(at, "%s", wanted);
	if (ok && freshness->warn_us && freshness->error_us &&
	    freshness->warn_us > freshness->error_us)
		ok = model_refuse(at, "the age for a warning is greater than "
				      "that for an error");
	return ok;
}

/* The ledger knows when a load came, and its newest event. */
static bool check_column(const struct model_at *at, struct stream_file *stream)
{
	struct freshness *freshness = &stream->freshness;
	const char *event_time = stream->event_time;

	if (!freshness->line)
		return true;
	if (!freshness->column)
		freshness->column = event_time ? event_time : "loaded_at";
	freshness->by_event = strcmp(freshness->column, "loaded_at") != 0;
	if (!freshness->by_event ||
	    (event_time && !strcmp(freshness->column, event_time)))
		return true;
	return model_refuse(at,
			    "freshness can be seen on loaded_at%s%s, not on %s",
			    event_time ? " or on " : "",
			    event_time ? event_time : "", freshness->column);
}

static bool read_header(struct stream_file *stream, struct error *err)
{
	struct model *model = &stream->model;
	struct comment_header header = {model->text, 1};
	struct model_at at = {model, 1, err};
	struct comment_line line;
	bool in_tests = false;
	const char *value;

	while (comment_header_next(&header, &model->arena, &line)) {
		at.line = line.line;
		if (line.is_entry && in_tests) {
			if (!model_tests_entry(&at, line.text))
				return false;
			continue;
		}
		if (in_tests && strncmp(line.text, "- ", 2) == 0)
			return model_refuse(&at,
					    "\"%s\" is no entry: indent it by "
					    "two blanks or more behind the --",
					    line.text);
		in_tests = false;
		if (line.is_entry)
			continue;
		if (comment_line_is(line.text, "tests", &value))
			in_tests = true;
		else if (comment_line_is(line.text, "event_time", &value))
			stream->event_time = value;
		else if (comment_line_is(line.text, "load", &value))
			stream->is_full = !strncmp(value, "full", 4);
		else if (comment_line_is(line.text, "retention", &value)) {
			stream->retention_line = line.line;
			if (!model_duration(&at, value, &stream->retention_us))
				return false;
		} else if (comment_line_is(line.text, "freshness", &value) &&
			   !read_freshness(&at, stream, value))
			return false;
	}
	at.line = stream->freshness.line;
	return check_column(&at, stream);
}

bool stream_file_parse(struct stream_file **out, const char *file,
		       const char *pack, const char *name, const char *text,
		       struct error *err)
{
	struct stream_file *stream = mem_zalloc(1, sizeof *stream);
	struct model *model = &stream->model;

	model->name = name;
	model->pack = pack;
	model->base = strrchr(name, '.') + 1;
	model->file = file;
	model->text = arena_strdup(&model->arena, text);
	if (read_header(stream, err)) {
		*out = stream;
		return true;
	}
	stream_file_close(stream);
	return false;
}

void stream_file_close(struct stream_file *stream)
{
	if (!stream)
		return;
	arena_release(&stream->model.arena);
	free(stream);
}
