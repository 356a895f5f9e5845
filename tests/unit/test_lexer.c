#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate/lexer.h"
#include "common/buf.h"

/* Words w, quoted names q, strings s, numbers n, parameters p, operators o,
 * punctuation its own, comments -, hints +: each with its text. */
static void assert_tokens(const char *text, const char *expected)
{
	static const char letter[] = {'w', 'q', 's', 'n', 'p',
				      'o', '.', '-', '+'};
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct buf found = BUF_INIT;
	struct token *token;
	size_t count;

	if (!lexer_scan(text, "f", 1, &arena, &token, &count, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i + 1 < count; i++)
		buf_format(&found, "%s%c<%.*s>", i > 0 ? " " : "",
			   letter[token[i].kind],
			   (int)(token[i].end - token[i].start),
			   text + token[i].start);
	assert_int_equal(token[count - 1].kind, TOKEN_END);
	assert_int_equal(token[count - 1].start, strlen(text));
	assert_string_equal(buf_text(&found), expected);
	buf_release(&found);
	arena_release(&arena);
}

static void assert_refused(const char *text, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct token *token;
	size_t count;

	assert_false(lexer_scan(text, "f", 7, &arena, &token, &count, &err));
	assert_string_equal(err.text, expected);
	arena_release(&arena);
}

static void strings_end_where_postgresql_ends_them(void **state)
{
	(void)state;
	assert_tokens("'a''b' 'c'", "s<'a''b'> s<'c'>");
	assert_tokens("'\\' x", "s<'\\'> w<x>");
	assert_tokens("E'\\'' x", "s<E'\\''> w<x>");
	assert_tokens("e'\\\\' x", "s<e'\\\\'> w<x>");
	assert_tokens("E'a''b' x", "s<E'a''b'> w<x>");
	assert_tokens("U&'\\' x", "s<U&'\\'> w<x>");
	assert_tokens("b'01'X'1f'n'a'", "s<b'01'> s<X'1f'> s<n'a'>");
	assert_tokens("name'x'", "w<name> s<'x'>");
	assert_tokens("'-- no' '/* no'", "s<'-- no'> s<'/* no'>");
	assert_tokens("u & 'x'", "w<u> o<&> s<'x'>");
}

static void dollar_quotes_end_at_their_own_tag(void **state)
{
	(void)state;
	assert_tokens("$$a$b$$ x", "s<$$a$b$$> w<x>");
	assert_tokens("$t$ $$ $u$ $t$x", "s<$t$ $$ $u$ $t$> w<x>");
	assert_tokens("$T$ $t$ $T$", "s<$T$ $t$ $T$>");
	assert_tokens("$1+$23", "p<$1> o<+> p<$23>");
	assert_tokens("a$b$c", "w<a$b$c>");
	assert_tokens("$t1$x$t1$", "s<$t1$x$t1$>");
	assert_tokens("1$$a$$", "n<1> s<$$a$$>");
}

static void names_keep_their_quotes_and_may_hold_anything(void **state)
{
	(void)state;
	assert_tokens("\"a\"\"b\".\"c -- d\"", "q<\"a\"\"b\"> .<.> "
					       "q<\"c -- d\">");
	assert_tokens("U&\"d\\0061t\" x", "q<U&\"d\\0061t\"> w<x>");
	assert_tokens("größe_1", "w<größe_1>");
	assert_tokens("_a.b", "w<_a> .<.> w<b>");
}

static void comments_nest_and_stop_operators(void **state)
{
	(void)state;
	assert_tokens("a-- b\nc", "w<a> -<-- b> w<c>");
	assert_tokens("a-- b\rc", "w<a> -<-- b> w<c>");
	assert_tokens("--", "-<-->");
	assert_tokens("/* a /* b */ c */d", "-</* a /* b */ c */> w<d>");
	assert_tokens("a+/*c*/-b", "w<a> o<+> -</*c*/> o<-> w<b>");
	assert_tokens("a*--b", "w<a> o<*> -<--b>");
	assert_tokens("/*+ x */ /* + x */", "+</*+ x */> -</* + x */>");
	assert_tokens("/**/", "-</**/>");
	assert_tokens("/*'*/ 'x'", "-</*'*/> s<'x'>");
}

static void numbers_and_operators_are_told_apart(void **state)
{
	(void)state;
	assert_tokens("1 .5 1.5e-3 2E+4 7.", "n<1> n<.5> n<1.5e-3> n<2E+4> "
					     "n<7.>");
	assert_tokens("1e 1..2", "n<1> w<e> n<1> .<.> n<.2>");
	assert_tokens("a::int:=b[1:2]", "w<a> o<::> w<int> o<:=> w<b> .<[> "
					"n<1> .<:> n<2> .<]>");
	assert_tokens("a->>'b'", "w<a> o<->>> s<'b'>");
	assert_tokens("a<=b", "w<a> o<<=> w<b>");
	assert_tokens("(a,b);", ".<(> w<a> .<,> w<b> .<)> .<;>");
	assert_tokens("a@>b?c#d", "w<a> o<@>> w<b> o<?> w<c> o<#> w<d>");
}

static void what_never_ends_is_an_error_with_its_line(void **state)
{
	(void)state;
	assert_refused("a\n'b\n", "f:8: this string is never closed");
	assert_refused("E'\\'", "f:7: this string is never closed");
	assert_refused("E'\\", "f:7: this string is never closed");
	assert_refused("\n\n\"b", "f:9: this quoted name is never closed");
	assert_refused("U&\"b", "f:7: this quoted name is never closed");
	assert_refused("/* a /* b */", "f:7: this comment is never closed: it "
				       "wants another */");
	assert_refused("$a$ $A$", "f:7: this dollar-quoted string is never "
				  "closed");
	assert_refused("a $ b", "f:7: a lone $ means nothing in SQL");
	assert_refused("\\set x", "f:7: a psql command (\\) is not SQL");
	assert_refused("a \x01", "f:7: a control character does not belong in "
				 "SQL");
}

static void lines_are_counted_through_everything(void **state)
{
	static const char text[] = "a\n'\n\n'b\n/*\n*/c --\n$$\n$$d";
	static const int expected[] = {1, 2, 4, 5, 6, 6, 7, 8, 8};
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct token *token;
	size_t count;

	(void)state;
	assert_true(lexer_scan(text, "f", 1, &arena, &token, &count, &err));
	assert_int_equal(count, sizeof expected / sizeof *expected);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(token[i].line, expected[i]);
	arena_release(&arena);
}

static void assert_name(const char *text, const char *expected)
{
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct token *token;
	size_t count;

	assert_true(lexer_scan(text, "f", 1, &arena, &token, &count, &err));
	assert_string_equal(lexer_name(text, token, &arena), expected);
	arena_release(&arena);
}

static void a_name_folds_unless_it_is_quoted(void **state)
{
	(void)state;
	assert_name("Abc_1", "abc_1");
	assert_name("GRÖSSE", "grÖsse"); /* as PostgreSQL in UTF-8 */
	assert_name("\"Abc\"", "Abc");
	assert_name("\"a\"\"b\"\"\"", "a\"b\"");
	assert_name("\"\"", "");
}

static void keywords_match_in_any_case_but_not_quoted(void **state)
{
	static const char text[] = "SeLect \"select\" 'select' selects (";
	struct arena arena = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct token *token;
	size_t count;

	(void)state;
	assert_true(lexer_scan(text, "f", 1, &arena, &token, &count, &err));
	assert_true(lexer_is(text, &token[0], "select"));
	for (size_t i = 1; i < count; i++)
		assert_false(lexer_is(text, &token[i], "select"));
	assert_true(lexer_is_mark(text, &token[4], '('));
	assert_false(lexer_is_mark(text, &token[4], ')'));
	assert_false(lexer_is_mark(text, &token[0], 'S'));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_end_where_postgresql_ends_them),
		cmocka_unit_test(dollar_quotes_end_at_their_own_tag),
		cmocka_unit_test(names_keep_their_quotes_and_may_hold_anything),
		cmocka_unit_test(comments_nest_and_stop_operators),
		cmocka_unit_test(numbers_and_operators_are_told_apart),
		cmocka_unit_test(what_never_ends_is_an_error_with_its_line),
		cmocka_unit_test(lines_are_counted_through_everything),
		cmocka_unit_test(a_name_folds_unless_it_is_quoted),
		cmocka_unit_test(keywords_match_in_any_case_but_not_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
