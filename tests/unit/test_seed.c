#include "tests/unit/project_fixture.h"

#include "aggregate/seed.h"

static int setup(void **state)
{
	(void)state;
	fixture_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close();
	return 0;
}

static bool open_text(struct seed **seed, const char *text, struct error *err)
{
	char path[256];

	fixture_file("seeds/s.csv", text);
	fixture_path(path, "seeds/s.csv");
	return seed_open(seed, path, "p", "p.s", err);
}

static void the_header_names_columns_and_types(void **state)
{
	struct error err = ERROR_INIT;
	struct seed *seed;

	(void)state;
	assert_true(open_text(&seed, "a,b:int,\"c,d\"\r\n1,2,3\r\n", &err));
	assert_string_equal(
		seed_model(seed)->sql,
		"select \"a\", \"b\", \"c,d\" from pg_temp.seed_rows");
	seed_close(seed);
}

static void a_byte_order_mark_is_no_part_of_a_name(void **state)
{
	struct error err = ERROR_INIT;
	struct seed *marked, *plain;

	(void)state;
	assert_true(open_text(&marked,
			      "\xef\xbb\xbf"
			      "a,b\n1,2\n",
			      &err));
	assert_true(open_text(&plain, "a,b\n1,2\n", &err));
	assert_string_equal(seed_model(marked)->sql, seed_model(plain)->sql);
	assert_memory_equal(seed_model(marked)->code_hash,
			    seed_model(plain)->code_hash, 16);
	seed_close(marked);
	seed_close(plain);
}

static void content_makes_the_code(void **state)
{
	struct error err = ERROR_INIT;
	struct seed *one, *same, *other;

	(void)state;
	assert_true(open_text(&one, "a\n1\n", &err));
	assert_true(open_text(&same, "a\n1\n", &err));
	assert_true(open_text(&other, "a\n2\n", &err));
	assert_memory_equal(seed_model(one)->code_hash,
			    seed_model(same)->code_hash, 16);
	assert_memory_not_equal(seed_model(one)->code_hash,
				seed_model(other)->code_hash, 16);
	seed_close(one);
	seed_close(same);
	seed_close(other);
}

static void a_header_without_a_name_is_refused(void **state)
{
	static const char *const texts[] = {"", "a,,b\n", ":int\n", "a:\n"};
	struct seed *seed;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct error err = ERROR_INIT;

		assert_false(open_text(&seed, texts[i], &err));
		assert_int_equal(err.status, STATUS_CONFIG);
		assert_non_null(strstr(err.text, "seeds/s.csv:1: a column is "
						 "written name or name:type"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_header_names_columns_and_types),
		TEST(a_byte_order_mark_is_no_part_of_a_name),
		TEST(content_makes_the_code),
		TEST(a_header_without_a_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
