#include "ingest/stream_set.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "ingest/stream.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

static bool read_text(const char *path, struct buf *text, struct error *err)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return error_config(err, "cannot read %s: %s", path,
				    strerror(errno));
	do {
		n = fread(buf_reserve(text, 65536), 1, 65536, file);
		text->len += n;
	} while (n > 0 && text->len < FILE_BYTES_MAX);
	if (ferror(file) || text->len >= FILE_BYTES_MAX) {
		fclose(file);
		return error_config(err,
				    "cannot read %s, or it is no stream "
				    "file",
				    path);
	}
	fclose(file);
	buf_add_text(text, "");
	if (strlen(buf_text(text)) != text->len)
		return error_config(err, "%s holds a NUL byte", path);
	return true;
}

/* `sql/bluesky/streams/events.sql` is the stream events. */
static bool read_one(const char *path, struct stream **out, struct error *err)
{
	const char *base = strrchr(path, '/') + 1;
	char *name = mem_strndup(base, strlen(base) - strlen(".sql"));
	struct buf text = BUF_INIT;
	bool ok = read_text(path, &text, err) &&
		  stream_parse(out, path, name, buf_text(&text), err);

	buf_release(&text);
	free(name);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	const struct stream *const *left = a;
	const struct stream *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static bool check_names(const struct stream_set *set, struct error *err)
{
	for (size_t i = 1; i < set->count; i++)
		if (!strcmp(set->stream[i - 1]->name, set->stream[i]->name))
			return error_config(
				err,
				"%s and %s are the same stream, since both "
				"are the table %s: rename one",
				set->stream[i - 1]->file, set->stream[i]->file,
				set->stream[i]->relation);
	return true;
}

/* The view of a full stream's newest extract is no other stream's table. */
static bool check_current(const struct stream_set *set, struct error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct stream *full = set->stream[i];
		size_t len = strlen(full->name);

		for (size_t j = 0; full->load == LOAD_FULL && j < set->count;
		     j++)
			if (!strncmp(set->stream[j]->name, full->name, len) &&
			    !strcmp(set->stream[j]->name + len, "_current"))
				return error_config(
					err,
					"%s: %s_current is the view of the "
					"newest extract of stream %s, which is "
					"load: full: rename one",
					set->stream[j]->file, full->relation,
					full->name);
	}
	return true;
}

bool stream_set_read(struct stream_set *set, const char *home,
		     struct error *err)
{
	struct buf pattern = BUF_INIT;
	glob_t found = {0};
	bool ok = true;

	*set = (struct stream_set){0};
	buf_format(&pattern, "%s/sql/*/streams/*.sql", home);
	if (glob(buf_text(&pattern), 0, NULL, &found) != 0)
		ok = error_config(err,
				  "no stream file in %s; name the project's "
				  "folder with --project",
				  buf_text(&pattern));
	set->stream = mem_zalloc(found.gl_pathc + 1, sizeof(struct stream *));
	for (size_t i = 0; ok && i < found.gl_pathc; i++) {
		ok = read_one(found.gl_pathv[i], &set->stream[i], err);
		set->count += ok;
	}
	if (ok) {
		qsort(set->stream, set->count, sizeof(struct stream *),
		      by_name);
		ok = check_names(set, err) && check_current(set, err);
	}
	globfree(&found);
	buf_release(&pattern);
	if (!ok)
		stream_set_release(set);
	return ok;
}

void stream_set_release(struct stream_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		stream_close(set->stream[i]);
	free(set->stream);
	*set = (struct stream_set){0};
}

const struct stream *const *stream_set_list(const struct stream_set *set)
{
	return (const struct stream *const *)set->stream;
}

bool stream_set_find(const struct stream_set *set, const char *name, int *index,
		     struct error *err)
{
	const char **names;
	const char *meant;

	*index = -1;
	if (!*name)
		return true;
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->stream[i]->name, name))
			*index = (int)i;
	if (*index >= 0)
		return true;
	names = mem_zalloc(set->count, sizeof *names);
	for (size_t i = 0; i < set->count; i++)
		names[i] = set->stream[i]->name;
	meant = nearest(name, names, set->count);
	error_config(err, "there is no stream %s%s%s%s", name,
		     meant ? "; did you mean " : "", meant ? meant : "",
		     meant ? "?" : "");
	free(names);
	return false;
}
