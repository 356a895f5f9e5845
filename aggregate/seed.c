#include "aggregate/seed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "aggregate/project_files.h"
#include "aggregate/quote.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/pg.h"

struct seed_column {
	const char *name;
	const struct seed_column *next;
};

struct seed {
	struct model model;
	const struct seed_column *column; /* of the header, last first */
	const char *create;               /* the temporary table */
	char *content;
};

/* Whether it can be one: words, and parentheses that close. */
static bool is_type(const char *type)
{
	int depth = 0;

	for (const char *p = type; *p; p++) {
		depth += (*p == '(') - (*p == ')');
		if (depth < 0 ||
		    (!isalnum((unsigned char)*p) && !strchr(" _.,()[]\"", *p)))
			return false;
	}
	return depth == 0;
}

/* Remembers the name; false: there is one like it. */
static bool is_new(struct seed *seed, const char *name)
{
	struct seed_column *column =
		arena_alloc(&seed->model.arena, sizeof *column);

	for (const struct seed_column *c = seed->column; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return false;
	*column = (struct seed_column){.name = name, .next = seed->column};
	seed->column = column;
	return true;
}

/* One `name` or `name:type` of the header. */
static bool add_column(struct seed *seed, char *cell, struct buf *list,
		       struct buf *defs, struct error *err)
{
	char *type = strchr(cell, ':');

	if (type)
		*type++ = '\0';
	if (!*cell || (type && !*type))
		return error_config(err,
				    "%s:1: a column is written name or "
				    "name:type",
				    seed->model.file);
	if (type && !is_type(type))
		return error_config(err,
				    "%s:1: %s: \"%s\" is no type; one with a "
				    "comma is quoted with its name, as in "
				    "\"price:numeric(12,2)\"",
				    seed->model.file, cell, type);
	if (!is_new(seed, cell))
		return error_config(err, "%s:1: two columns are called %s",
				    seed->model.file, cell);
	if (list->len) {
		buf_add_text(list, ", ");
		buf_add_text(defs, ", ");
	}
	quote_identifier(list, cell);
	quote_identifier(defs, cell);
	buf_format(defs, " %s", type ? type : "text");
	return true;
}

/* Cuts a cell off the header, quotes removed; NULL at its end. */
static char *next_cell(char **rest)
{
	char *cell = *rest;
	char *to = cell;
	bool inside = false;

	if (!cell)
		return NULL;
	for (char *from = cell;; from++) {
		if (*from == '"') {
			inside = !inside;
		} else if (!*from || (*from == ',' && !inside)) {
			*rest = *from ? from + 1 : NULL;
			break;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return cell;
}

static bool read_header(struct seed *seed, struct error *err)
{
	struct model *model = &seed->model;
	char *line = arena_strndup(&model->arena, seed->content,
				   strcspn(seed->content, "\r\n"));
	struct buf list = BUF_INIT;
	struct buf defs = BUF_INIT;
	bool ok = true;
	char *cell;

	while (ok && (cell = next_cell(&line)))
		ok = add_column(seed, cell, &list, &defs, err);
	model->sql =
		arena_format(&model->arena, "select %s from pg_temp.seed_rows",
			     buf_text(&list));
	seed->create = arena_format(&model->arena,
				    "create temp table seed_rows (%s) "
				    "on commit drop; copy pg_temp.seed_rows "
				    "from stdin (format csv, header)",
				    buf_text(&defs));
	buf_release(&list);
	buf_release(&defs);
	return ok;
}

/* COPY takes a line that is \. for the end, and leaves out what follows it:
 * servers before version 18, even inside quotes. */
static bool ends_where_it_ends(const struct seed *seed, struct error *err)
{
	int line = 1;

	for (const char *p = seed->content; *p; line++) {
		size_t len = strcspn(p, "\r\n");

		if (len == 2 && memcmp(p, "\\.", 2) == 0)
			return error_config(
				err,
				"%s:%d: a line that is \\. would end "
				"the data for PostgreSQL: quote it, "
				"\"\\.\"",
				seed->model.file, line);
		p += len;
		p += *p == '\r' && p[1] == '\n';
		p += *p != '\0';
	}
	return true;
}

bool seed_open(struct seed **out, const char *file, const char *pack,
	       const char *name, struct error *err)
{
	struct seed *seed = mem_zalloc(1, sizeof *seed);
	struct model *model = &seed->model;
	XXH128_canonical_t digest;

	model->name = name;
	model->pack = pack;
	model->base = strrchr(name, '.') + 1;
	model->file = file;
	model->sql_line = 1;
	model->materialized = MATERIALIZED_TABLE;
	model->strategy = STRATEGY_FULL;
	if (!project_files_read(file, &seed->content, err))
		goto fail;
	if (!ends_where_it_ends(seed, err) || !read_header(seed, err))
		goto fail;
	XXH128_canonicalFromHash(
		&digest, XXH3_128bits(seed->content, strlen(seed->content)));
	memcpy(model->code_hash, digest.digest, sizeof model->code_hash);
	*out = seed;
	return true;
fail:
	seed_close(seed);
	return false;
}

void seed_close(struct seed *seed)
{
	if (!seed)
		return;
	arena_release(&seed->model.arena);
	free(seed->content);
	free(seed);
}

const struct model *seed_model(const struct seed *seed)
{
	return &seed->model;
}

/* PostgreSQL says where: `COPY seed_rows, line 3, column price: "dear"`. */
static bool point_out(const struct seed *seed, struct pg *pg, struct error *err)
{
	const char *at = strstr(pg_failure(pg)->context, "line ");
	int line = at ? (int)strtol(at + strlen("line "), NULL, 10) : 0;
	const char *column = at ? strstr(at, "column ") : NULL;
	size_t len;

	if (column) {
		len = strcspn(column, ":\n");
		error_context(err, "%.*s", (int)len, column);
	}
	if (line)
		return error_context(err, "%s:%d", seed->model.file, line);
	return error_context(err, "%s", seed->model.file);
}

bool seed_load(const struct seed *seed, struct pg *pg, int64_t timeout_ms,
	       struct error *err)
{
	uint64_t rows;

	if (!pg_copy_begin(pg, timeout_ms, err, seed->create) ||
	    !pg_copy_send(pg, timeout_ms, err, seed->content,
			  strlen(seed->content)) ||
	    !pg_copy_end(pg, timeout_ms, err, &rows))
		return point_out(seed, pg, err);
	return true;
}
