#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/nearest.h"

static const char *const words[] = {
	"unique_key", "strategy", "materialized", "description", "by", "id",
};

enum { WORDS = sizeof words / sizeof *words };

/* Counted by hand: insert, delete, replace, swap of neighbours are one edit
 * each; at most a third of the letters, at least one, may differ. */
static void the_word_with_the_fewest_edits_is_meant(void **state)
{
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{"uniqe_key", "unique_key"},   /* one left out */
		{"unique_keyy", "unique_key"}, /* one too many */
		{"uniqui_key", "unique_key"},  /* one replaced */
		{"unqiue_key", "unique_key"},  /* two swapped */
		{"unqeu_ky", NULL},       /* three edits in eight letters */
		{"stratgey", "strategy"}, /* a swap and none else */
		{"STRATEGY", "strategy"}, /* case is no difference */
		{"discription", "description"}, /* one replaced */
		{"discribtion", "description"}, /* two of eleven */
		{"bye", "by"},                  /* one of three */
		{"yb", "by"},                   /* a swap */
		{"tags", NULL},
		{"", NULL},
		{"x", NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *found = nearest(cases[i].word, words, WORDS);

		if (cases[i].meant)
			assert_string_equal(found ? found : "(none)",
					    cases[i].meant);
		else
			assert_string_equal(found ? found : "(none)", "(none)");
	}
}

static void of_two_near_words_the_nearer_wins(void **state)
{
	static const char *const near[] = {"batch-bytes", "batch-byte"};

	(void)state;
	assert_string_equal(nearest("batch-byts", near, 2), "batch-bytes");
	assert_string_equal(nearest("batch-byt", near, 2), "batch-byte");
}

static void very_long_words_are_compared_with_nothing(void **state)
{
	char long_word[1000];
	const char *const candidates[] = {long_word, "short"};

	(void)state;
	memset(long_word, 'x', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';
	assert_null(nearest(long_word, candidates, 2));
	assert_string_equal(nearest("shirt", candidates, 2), "short");
	assert_null(nearest("word", candidates, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_word_with_the_fewest_edits_is_meant),
		cmocka_unit_test(of_two_near_words_the_nearer_wins),
		cmocka_unit_test(very_long_words_are_compared_with_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
