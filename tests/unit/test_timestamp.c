#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ingest/timestamp.h"

/* Not in the "valid" class of the vectors (which are atproto's, stricter than
 * RFC 3339), and accepted all the same. */
static const char *const also_accepted[] = {
	"1985-04-12T23:20:50.123z",      /* RFC 3339, 5.6: "z" is allowed */
	"1985-04-12t23:20:50.123Z",      /* and "t" */
	"1985-04-12T23:20:50.123-00:00", /* 4.3: UTC */
	"0001-01-01T00:00:00Z",
	"0001-01-01T00:00:00.000Z",
	"9999-12-31T23:59:59.999Z",
	"2024-11-21T16:09:27.0950000+00:00",
	"2024-11-18T18:02:15.8878051-05:00",
	"2024-11-21T23:59:60Z", /* 5.7: a leap second */
	"2024-11-21T16:09:27.095z",
	"2024-11-21t16:09:27.095Z",
	"2024-11-21T16:09:27.095+15:59",
	"2024-11-21T16:09:27.0956999Z",
	"2024-11-21T16:09:27.999999999Z",
};

static bool should_accept(const char *class, const char *text)
{
	bool found = strcmp(class, "valid") == 0;

	for (size_t i = 0; i < sizeof also_accepted / sizeof *also_accepted;
	     i++)
		found = found || strcmp(text, also_accepted[i]) == 0;
	return found;
}

/* Microseconds since 2000 by libc, from `2024-11-21 16:09:27.095+00`. */
static int64_t by_libc(const char *text)
{
	struct tm tm = {0};
	char fraction[7] = "000000";
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);

	assert_non_null(rest);
	if (*rest == '.') {
		size_t len = strspn(++rest, "0123456789");

		assert_in_range(len, 1, 6);
		memcpy(fraction, rest, len);
		rest += len;
	}
	assert_string_equal(rest, "+00");
	return ((int64_t)timegm(&tm) - 946684800) * 1000000 +
	       strtol(fraction, NULL, 10);
}

static void every_vector_gives_postgresqls_value_or_a_reason(void **state)
{
	FILE *file = fopen("tests/vectors/datetime_pg15.tsv", "r");
	char line[512];
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		char *text = strchr(line, '\t');
		struct error err = ERROR_INIT;
		char *oracle;
		int64_t us;
		bool ok;

		assert_non_null(text);
		*text++ = '\0';
		oracle = strchr(text, '\t');
		assert_non_null(oracle);
		*oracle++ = '\0';
		oracle[strcspn(oracle, "\n")] = '\0';
		ok = timestamp_parse(text, strlen(text), ZONE_REQUIRED, &us,
				     &err);
		if (ok != should_accept(line, text))
			fail_msg("%s: %s", text, ok ? "accepted" : err.text);
		rows++;
		if (!ok) {
			assert_true(strlen(err.text) > 10);
			continue;
		}
		assert_memory_equal(oracle, "OK ", 3);
		if (us != by_libc(oracle + 3))
			fail_msg("%s: another value than %s", text, oracle);
	}
	fclose(file);
	assert_int_equal(rows, 127);
}

static bool parse(const char *text, enum timestamp_zone zone, int64_t *us)
{
	struct error err = ERROR_INIT;

	return timestamp_parse(text, strlen(text), zone, us, &err);
}

static void
without_a_zone_a_time_is_utc_only_where_that_was_asked_for(void **state)
{
	int64_t with_zone, without, spaced;

	(void)state;
	assert_true(parse("2025-03-16T13:26:53.075991Z", ZONE_REQUIRED,
			  &with_zone));
	assert_false(
		parse("2025-03-16T13:26:53.075991", ZONE_REQUIRED, &without));
	assert_true(
		parse("2025-03-16T13:26:53.075991", ZONE_OPTIONAL, &without));
	assert_true(
		parse("2025-03-16 13:26:53.075991", ZONE_OPTIONAL, &spaced));
	assert_int_equal(with_zone, without);
	assert_int_equal(with_zone, spaced);
	assert_int_equal(with_zone, by_libc("2025-03-16 13:26:53.075991+00"));
	assert_true(
		parse("2025-03-16T15:26:53+02:00", ZONE_OPTIONAL, &with_zone));
	assert_int_equal(with_zone, by_libc("2025-03-16 13:26:53+00"));
}

static void words_and_local_forms_are_never_times(void **state)
{
	static const char *const texts[] = {
		"now",
		"today",
		"infinity",
		"-infinity",
		"epoch",
		"allballs",
		"2024-11-21",
		"01/02/2024 10:00:00",
		"2024-11-21T16:09",
		"2024-11-21T16:09:27 Z",
		"2024-11-21T16:09:27Zx",
		"2024-11-21T16:09:27+0100",
		"2024-11-21T16:09:27+1:00",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_false(parse(texts[i], ZONE_REQUIRED, &us));
		assert_false(parse(texts[i], ZONE_OPTIONAL, &us));
	}
}

static void a_leap_second_is_one_only_at_the_end_of_a_utc_day(void **state)
{
	int64_t us;

	(void)state;
	assert_true(parse("2016-12-31T23:59:60Z", ZONE_REQUIRED, &us));
	assert_int_equal(us, by_libc("2017-01-01 00:00:00+00"));
	assert_true(parse("2017-01-01T05:29:60+05:30", ZONE_REQUIRED, &us));
	assert_int_equal(us, by_libc("2017-01-01 00:00:00+00"));
	assert_true(parse("2016-12-31T23:59:60.25Z", ZONE_REQUIRED, &us));
	assert_int_equal(us, by_libc("2017-01-01 00:00:00.25+00"));
	assert_false(parse("2016-12-31T12:00:60Z", ZONE_REQUIRED, &us));
	assert_false(parse("2016-12-31T23:59:60+01:00", ZONE_REQUIRED, &us));
	assert_false(parse("2016-12-31T23:59:61Z", ZONE_REQUIRED, &us));
}

static void the_years_1_to_9999_are_meant_in_utc(void **state)
{
	int64_t us;

	(void)state;
	assert_true(parse("0001-01-01T01:00:00+01:00", ZONE_REQUIRED, &us));
	assert_false(parse("0001-01-01T00:59:59+01:00", ZONE_REQUIRED, &us));
	assert_false(parse("9999-12-31T23:00:00-01:00", ZONE_REQUIRED, &us));
	assert_false(parse("9999-12-31T23:59:59.9999999Z", ZONE_REQUIRED, &us));
	assert_false(parse("0000-12-31T23:00:00-02:00", ZONE_REQUIRED, &us));
}

/* Every day of 400 years, the calendar's period, against libc. */
static void every_date_of_a_calendar_period_agrees_with_libc(void **state)
{
	(void)state;
	for (int day = 0; day < 146097; day++) {
		time_t seconds = (time_t)(day - 36524) * 86400 + 946684800;
		struct error err = ERROR_INIT;
		char text[16], back[16];
		struct tm tm;
		int32_t days;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(text, sizeof text, "%Y-%m-%d", &tm);
		assert_true(
			timestamp_parse_date(text, strlen(text), &days, &err));
		assert_int_equal(days, day - 36524);
		timestamp_format_date(days, back, sizeof back);
		assert_string_equal(back, text);
	}
}

static void dates_that_do_not_exist_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"2023-02-29", "there is no day 29 in month 2 of 2023"},
		{"1900-02-29", "there is no day 29 in month 2 of 1900"},
		{"2024-13-01", "there is no month 13"},
		{"2024-00-01", "there is no month 0"},
		{"2024-04-31", "there is no day 31 in month 4 of 2024"},
		{"0000-01-01", "there is no year 0"},
		{"2024-01-01 ", "something follows the date"},
		{"24-01-01", "it does not begin with a date in the form "
			     "YYYY-MM-DD"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = ERROR_INIT;
		int32_t days;

		assert_false(timestamp_parse_date(
			cases[i].text, strlen(cases[i].text), &days, &err));
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(err.kind, ERROR_DATA);
	}
}

static void unix_times_stay_within_the_years_1_to_9999(void **state)
{
	int64_t us = 77;

	(void)state;
	assert_true(timestamp_from_unix(0, &us));
	assert_int_equal(us, INT64_C(-946684800000000));
	/* date -u -d 0001-01-01 +%s, date -u -d 9999-12-31T23:59:59 +%s */
	assert_true(timestamp_from_unix(INT64_C(-62135596800000000), &us));
	assert_false(timestamp_from_unix(INT64_C(-62135596800000001), &us));
	assert_true(timestamp_from_unix(INT64_C(253402300799999999), &us));
	assert_false(timestamp_from_unix(INT64_C(253402300800000000), &us));
	assert_false(timestamp_from_unix(INT64_MAX, &us));
	assert_false(timestamp_from_unix(INT64_MIN, &us));
}

static void a_time_is_written_as_psql_shows_it(void **state)
{
	char text[40];

	(void)state;
	timestamp_format(by_libc("2025-03-16 13:26:53.075991+00"), text,
			 sizeof text);
	assert_string_equal(text, "2025-03-16 13:26:53.075991");
	timestamp_format(-1, text, sizeof text);
	assert_string_equal(text, "1999-12-31 23:59:59.999999");
	timestamp_format(by_libc("0001-01-01 00:00:00+00"), text, sizeof text);
	assert_string_equal(text, "0001-01-01 00:00:00.000000");
}

/* Up to six digits are read as a whole number, more as PostgreSQL reads all:
 * through a double. */
static void zeros_behind_a_fraction_change_nothing(void **state)
{
	(void)state;
	for (int us = 0; us < 1000000; us += 7) {
		for (int digits = 1; digits <= 6; digits++) {
			char text[64];
			int64_t shorter = -1, longer = -2;
			struct error err = ERROR_INIT;
			int len = snprintf(text, sizeof text,
					   "2000-01-01T00:00:00.%06d", us);

			len += digits - 6;
			snprintf(text + len, sizeof text - (size_t)len, "Z");
			assert_true(timestamp_parse(text, strlen(text),
						    ZONE_REQUIRED, &shorter,
						    &err));
			snprintf(text + len, sizeof text - (size_t)len,
				 "0000000Z");
			assert_true(timestamp_parse(text, strlen(text),
						    ZONE_REQUIRED, &longer,
						    &err));
			assert_int_equal(shorter, longer);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_vector_gives_postgresqls_value_or_a_reason),
		cmocka_unit_test(
			without_a_zone_a_time_is_utc_only_where_that_was_asked_for),
		cmocka_unit_test(words_and_local_forms_are_never_times),
		cmocka_unit_test(
			a_leap_second_is_one_only_at_the_end_of_a_utc_day),
		cmocka_unit_test(the_years_1_to_9999_are_meant_in_utc),
		cmocka_unit_test(
			every_date_of_a_calendar_period_agrees_with_libc),
		cmocka_unit_test(dates_that_do_not_exist_are_refused_by_name),
		cmocka_unit_test(unix_times_stay_within_the_years_1_to_9999),
		cmocka_unit_test(a_time_is_written_as_psql_shows_it),
		cmocka_unit_test(zeros_behind_a_fraction_change_nothing),
	};

	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
