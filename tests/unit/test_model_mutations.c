/* Mutilated models: none may crash the parser, and what it accepts must keep
 * the promises of model.h.  MUTATIONS sets how many are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>

#include "aggregate/model.h"
#include "aggregate/query.h"
#include "common/buf.h"
#include "common/mem.h"

static uint64_t state_of_chance = 0x9e3779b97f4a7c15;

/* xorshift64* */
static size_t chance(size_t below)
{
	state_of_chance ^= state_of_chance >> 12;
	state_of_chance ^= state_of_chance << 25;
	state_of_chance ^= state_of_chance >> 27;
	return (size_t)((state_of_chance * 0x2545f4914f6cdd1d) >> 33) % below;
}

struct corpus {
	char **text;
	size_t count, capacity;
};

static void add_file(struct corpus *corpus, const char *path)
{
	char *text = mem_zalloc(1, 65536);
	FILE *in = fopen(path, "rb");

	assert_non_null(in);
	assert_true(fread(text, 1, 65535, in) < 65535);
	fclose(in);
	MEM_GROW(corpus->text, corpus->count, corpus->capacity);
	corpus->text[corpus->count++] = text;
}

static int read_corpus(void **state)
{
	static const char *const patterns[] = {
		"tests/models-good/*/models/*.sql", "tests/models-bad/*/*.sql",
		"tests/reads/*.sql", "sql/*/models/*/*.sql"};
	struct corpus *corpus = mem_zalloc(1, sizeof *corpus);

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		glob_t found;

		assert_int_equal(glob(patterns[i], 0, NULL, &found), 0);
		for (size_t j = 0; j < found.gl_pathc; j++)
			add_file(corpus, found.gl_pathv[j]);
		globfree(&found);
	}
	*state = corpus;
	return 0;
}

static int free_corpus(void **state)
{
	struct corpus *corpus = *state;

	while (corpus->count > 0)
		free(corpus->text[--corpus->count]);
	free(corpus->text);
	free(corpus);
	return 0;
}

/* Replaces text[at, at + len) by bytes. */
static void splice(struct buf *text, size_t at, size_t len, const char *bytes)
{
	struct buf out = BUF_INIT;

	buf_add(&out, buf_text(text), at);
	buf_add_text(&out, bytes);
	buf_add_text(&out, buf_text(text) + at + len);
	buf_release(text);
	*text = out;
}

static void mutate(struct buf *text, const struct corpus *corpus)
{
	static const char *const pieces[] = {
		"'",       "\"",     "(",    ")",   "[",        "]",
		",",       ";",      "--",   "/*",  "*/",       "$$",
		"$a$",     ".",      "\n",   " ",   "*",        "/*+",
		"true",    "select", "from", "as",  "with",     "union all",
		"lateral", "join",   "on",   "E'",  "U&\"",     "\\",
		"-- ",     ":",      "\t",   "\r",  "1",        "values",
		"table",   "\xc3",   "#",    "=>=", "group by", "limit"};
	size_t at = chance(text->len + 1), room = text->len - at, len;
	char *other;

	switch (chance(4)) {
	case 0:
		splice(text, at, chance(room < 12 ? room + 1 : 12), "");
		break;
	case 1:
		splice(text, at, 0,
		       pieces[chance(sizeof pieces / sizeof *pieces)]);
		break;
	case 2: /* a piece of another model */
		other = corpus->text[chance(corpus->count)];
		other += chance(strlen(other) + 1);
		len = strlen(other);
		other = mem_strndup(other, len < 30 ? len : chance(30));
		splice(text, at, chance(room < 30 ? room + 1 : 30), other);
		free(other);
		break;
	default:
		splice(text, at, room > 0, pieces[chance(8)]);
	}
}

/* Whether the query, rewritten, still reads the same relations but those that
 * were replaced. */
static void check_rewrite(const struct model *model)
{
	const char **subquery =
		mem_zalloc(model->marker_count + 1, sizeof *subquery);
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct query query;
	size_t next = 0;
	char *sql;

	for (size_t i = 0; i < model->marker_count; i++)
		subquery[i] = "select 'it''s' as x -- the end";
	sql = model_rewrite(model, subquery);
	if (!query_read(&query, sql, "q", 1, "p", &arena, &arena, &err))
		fail_msg("%s: %s", err.text, sql);
	assert_int_equal(query.reference_count + model->marker_count,
			 model->reference_count);
	for (size_t i = 0; i < model->reference_count; i++) {
		bool replaced = false;

		for (size_t j = 0; j < model->marker_count; j++)
			replaced |= model->marker[j].reference == i;
		if (!replaced)
			assert_string_equal(
				query.reference[next++].name.relation,
				model->reference[i].relation);
	}
	for (size_t i = 0; i < query.hint_count; i++)
		assert_int_not_equal(strncmp(sql + query.hint[i].token->start,
					     "/*+ incremental(", 16),
				     0);
	free(sql);
	free(subquery);
	arena_release(&arena);
}

static void check_spans(const struct model *model)
{
	size_t len = strlen(model->sql);

	for (size_t i = 0; i < model->reference_count; i++) {
		assert_true(model->reference[i].start <
			    model->reference[i].end);
		assert_true(model->reference[i].end <= len);
		assert_non_null(strchr(model->reference[i].relation, '.'));
	}
	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];

		assert_true(marker->start < marker->end && marker->end <= len);
		assert_true(marker->reference < model->reference_count);
		assert_string_equal(model->reference[marker->reference].alias,
				    marker->alias);
	}
	for (size_t i = 0; i < model->test_count; i++)
		assert_non_null(model->test[i].name);
}

static void no_mutilated_model_breaks_the_parser(void **state)
{
	const struct corpus *corpus = *state;
	const char *wanted = getenv("MUTATIONS");
	long tries = wanted ? strtol(wanted, NULL, 10) : 20000;
	long accepted = 0;

	for (long i = 0; i < tries; i++) {
		struct error err = ERROR_INIT;
		struct buf text = BUF_INIT;
		struct model *model;

		buf_add_text(&text, corpus->text[chance(corpus->count)]);
		for (size_t n = 1 + chance(4); n > 0; n--)
			mutate(&text, corpus);
		if (model_parse(&model, "m.sql", "shop", "m", buf_text(&text),
				&err)) {
			accepted++;
			check_spans(model);
			check_rewrite(model);
			model_close(model);
		} else {
			assert_memory_equal(err.text, "m.sql:", 6);
		}
		buf_release(&text);
	}
	/* both outcomes must have been seen often */
	assert_true(accepted > tries / 50 && accepted < tries / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_mutilated_model_breaks_the_parser, read_corpus,
			free_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
