#include "aggregate/unit_file.h"

#include <string.h>

#include "aggregate/unit_csv.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/nearest.h"

static const char *const words[] = {"unit", "given", "gone", "expect"};

enum { WORD_COUNT = sizeof words / sizeof *words };

/* A file being read; the block being filled. */
struct reader {
	const struct pack_file *file;
	struct arena *arena;
	struct unit_case **cases;
	size_t *count;
	size_t before; /* cases of other files */
	struct buf csv, sql;
	int line, csv_line;
	struct error *err;
};

static void *grown(struct arena *arena, const void *old, size_t count,
		   size_t size)
{
	char *array = arena_alloc(arena, (count + 1) * size);

	if (count)
		memcpy(array, old, count * size);
	return array;
}

static struct unit_case *this_case(const struct reader *r)
{
	return *r->count > r->before ? &(*r->cases)[*r->count - 1] : NULL;
}

static struct unit_block *this_block(const struct reader *r)
{
	struct unit_case *now = this_case(r);

	return now && now->block_count ? &now->block[now->block_count - 1]
				       : NULL;
}

static bool is_blank(const struct buf *text)
{
	const char *p = buf_text(text);

	return p[strspn(p, " \t\r\n")] == '\0';
}

/* The block ends: its rows are known. */
static bool end_block(struct reader *r)
{
	struct unit_block *block = this_block(r);
	struct buf query = BUF_INIT;
	bool ok = true;

	if (!block)
		goto out;
	if (r->csv.len) {
		ok = unit_csv_query(&query, buf_text(&r->csv), r->file->path,
				    r->csv_line, r->err);
		block->rows = arena_strdup(r->arena, buf_text(&query));
	} else if (!is_blank(&r->sql)) {
		const char *text = buf_text(&r->sql);
		size_t len = r->sql.len;

		while (len > 0 && strchr(" \t\r\n;", text[len - 1]))
			len--;
		block->rows = arena_strndup(r->arena, text, len);
	} else {
		ok = error_config(r->err,
				  "%s:%d: no rows: write a query, or CSV in "
				  "comments indented by two blanks",
				  r->file->path, block->line);
	}
out:
	buf_reset(&r->csv);
	buf_reset(&r->sql);
	buf_release(&query);
	return ok;
}

static bool end_case(struct reader *r)
{
	const struct unit_case *now = this_case(r);
	const struct unit_block *last = this_block(r);

	if (!now || (last && last->word == UNIT_EXPECT))
		return true;
	return error_config(r->err,
			    "%s:%d: the case ends without \"-- expect:\"",
			    r->file->path, now->line);
}

static bool begin_case(struct reader *r, const char *model)
{
	if (!end_case(r))
		return false;
	*r->cases = grown(r->arena, *r->cases, *r->count, sizeof **r->cases);
	(*r->cases)[(*r->count)++] = (struct unit_case){
		.model = model,
		.file = r->file->path,
		.description = "",
		.line = r->line,
	};
	return true;
}

static bool begin_block(struct reader *r, enum unit_word word,
			const char *relation)
{
	struct unit_case *now = this_case(r);
	bool is_named = *relation != '\0';

	if (!now)
		return error_config(r->err,
				    "%s:%d: a case begins with its model: "
				    "-- unit: pack.model",
				    r->file->path, r->line);
	if (is_named == (word == UNIT_EXPECT))
		return error_config(r->err, "%s:%d: write \"-- %s%s:\"",
				    r->file->path, r->line, words[word],
				    is_named ? "" : " pack.relation");
	now->block = grown(r->arena, now->block, now->block_count,
			   sizeof *now->block);
	now->block[now->block_count++] = (struct unit_block){
		.word = word, .relation = relation, .line = r->line};
	return true;
}

/* A comment that is not indented: `given x.y:`, `unit: x.y`, prose. */
static bool read_word(struct reader *r, const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	const char *word = arena_strndup(r->arena, text, len);
	const char *rest = text + len + strspn(text + len, " \t");
	struct unit_case *now = this_case(r);
	size_t i = 0, colon;

	while (i < WORD_COUNT && strcmp(word, words[i]) != 0)
		i++;
	if (!strcmp(word, "description") && *rest == ':') {
		if (now)
			now->description = rest + 1 + strspn(rest + 1, " \t");
		return true;
	}
	colon = strcspn(rest, ":");
	if (rest[colon] == '\0' || (i == WORD_COUNT && len == 0))
		return true;
	if (i == WORD_COUNT) {
		const char *meant = nearest(word, words, WORD_COUNT);

		return !meant ||
		       error_config(r->err,
				    "%s:%d: unknown word \"%s\": did "
				    "you mean \"%s\"?",
				    r->file->path, r->line, word, meant);
	}
	if (!end_block(r))
		return false;
	if (i == UNIT_CASE)
		return begin_case(r, rest + colon + 1 +
					     strspn(rest + colon + 1, " \t"));
	while (colon > 0 && strchr(" \t", rest[colon - 1]))
		colon--;
	return begin_block(r, (enum unit_word)i,
			   arena_strndup(r->arena, rest, colon));
}

static bool read_line(struct reader *r, const char *line, size_t len)
{
	const char *end = line + len;
	const char *p = line + strspn(line, " \t");
	const char *text;

	while (end > line && strchr(" \t\r", end[-1]))
		end--;
	if (p + 2 > end || strncmp(p, "--", 2) != 0 || !is_blank(&r->sql)) {
		const char *mark =
			arena_strndup(r->arena, line, (size_t)(end - line));

		/* a comment within SQL belongs to it, unless it is a word */
		if (p == line && strncmp(line, "-- ", 3) == 0 &&
		    strchr(mark, ':') && line[3] != ' ')
			return read_word(r, mark + 3);
		if (this_block(r) && !r->csv.len)
			buf_format(&r->sql, "%s\n", mark);
		return true;
	}
	text = p + 2 + strspn(p + 2, " \t");
	if (text >= end)
		return true;
	if (text - p > 3 && this_block(r)) {
		if (!r->csv.len)
			r->csv_line = r->line;
		buf_add_text(&r->csv, r->csv.len ? "\n" : "");
		buf_add(&r->csv, text, (size_t)(end - text));
		return true;
	}
	return read_word(r,
			 arena_strndup(r->arena, text, (size_t)(end - text)));
}

bool unit_file_read(const struct pack_file *file, struct arena *arena,
		    struct unit_case **cases, size_t *count, struct error *err)
{
	struct reader r = {
		.file = file,
		.arena = arena,
		.cases = cases,
		.count = count,
		.before = *count,
		.line = 1,
		.err = err,
	};
	const char *p = file->text;
	bool ok = true;

	while (ok && *p) {
		size_t len = strcspn(p, "\n");

		ok = read_line(&r, p, len);
		p += len + (p[len] == '\n');
		r.line++;
	}
	ok = ok && end_block(&r) && end_case(&r);
	if (ok && *count == r.before)
		ok = error_config(err,
				  "%s: no case: one begins with -- unit: "
				  "pack.model",
				  file->path);
	buf_release(&r.csv);
	buf_release(&r.sql);
	return ok;
}
