#include "ingest/timestamp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)

/* Days from 2000-01-01 to 0001-01-01, 10000-01-01 and 1970-01-01. */
#define FIRST_DAY INT64_C(-730119)
#define END_DAY   INT64_C(2921940)
#define UNIX_DAY  INT64_C(-10957)

enum { MAX_FRACTION = 60, EXACT_FRACTION = 6 };

struct cursor {
	const char *at;
	const char *end;
	struct error *err;
};

struct civil {
	int year, month, day, hour, minute, second;
	int64_t fraction_us; /* 1000000 when it was rounded up */
};

static bool refuse(struct cursor *cursor, const char *why)
{
	return error_set(cursor->err, ERROR_DATA, STATUS_DATA, "%s", why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly `count` digits. */
static bool digits(struct cursor *cursor, int count, int *out)
{
	int value = 0;

	if (cursor->end - cursor->at < count)
		return false;
	for (int i = 0; i < count; i++) {
		if (!is_digit(cursor->at[i]))
			return false;
		value = value * 10 + (cursor->at[i] - '0');
	}
	cursor->at += count;
	*out = value;
	return true;
}

static bool accept(struct cursor *cursor, const char *any)
{
	if (cursor->at == cursor->end)
		return false;
	for (; *any; any++) {
		if (*cursor->at == *any) {
			cursor->at++;
			return true;
		}
	}
	return false;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 2000-01-01; the years are counted from March, so that the leap day
 * ends a year (any text on calendar arithmetic). */
static int64_t day_number(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int64_t year_of_era = y % 400;
	int64_t day_of_year =
		(153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 730425;
}

static bool parse_date(struct cursor *cursor, struct civil *civil)
{
	if (!digits(cursor, 4, &civil->year) || !accept(cursor, "-") ||
	    !digits(cursor, 2, &civil->month) || !accept(cursor, "-") ||
	    !digits(cursor, 2, &civil->day))
		return refuse(cursor, "it does not begin with a date in the "
				      "form YYYY-MM-DD");
	if (civil->year == 0)
		return refuse(cursor, "there is no year 0");
	if (civil->month < 1 || civil->month > 12)
		return error_set(cursor->err, ERROR_DATA, STATUS_DATA,
				 "there is no month %d", civil->month);
	if (civil->day < 1 ||
	    civil->day > month_days(civil->year, civil->month))
		return error_set(cursor->err, ERROR_DATA, STATUS_DATA,
				 "there is no day %d in month %d of %d",
				 civil->day, civil->month, civil->year);
	return true;
}

/* Up to microseconds: what the rounding below gives, in whole numbers.  False:
 * there are no digits, or more; the cursor has not moved. */
static bool parse_exact_fraction(struct cursor *cursor, struct civil *civil)
{
	int64_t us = 0;
	int count = 0;

	while (cursor->at + count < cursor->end &&
	       is_digit(cursor->at[count])) {
		if (count == EXACT_FRACTION)
			return false;
		us = us * 10 + (cursor->at[count++] - '0');
	}
	if (count == 0)
		return false;
	cursor->at += count;
	for (; count < EXACT_FRACTION; count++)
		us *= 10;
	civil->fraction_us = us;
	return true;
}

/* The digits after the point, as PostgreSQL's ParseFractionalSecond. */
static bool parse_fraction(struct cursor *cursor, struct civil *civil)
{
	char text[MAX_FRACTION + 3] = "0.";
	size_t len = 2;

	if (parse_exact_fraction(cursor, civil))
		return true;
	while (cursor->at < cursor->end && is_digit(*cursor->at)) {
		if (len == MAX_FRACTION + 2)
			return refuse(cursor, "the fraction of a second has "
					      "more than 60 digits");
		text[len++] = *cursor->at++;
	}
	if (len == 2)
		return refuse(cursor, "no digit follows the point after the "
				      "seconds");
	text[len] = '\0';
	civil->fraction_us = (int64_t)rint(strtod(text, NULL) * 1e6);
	return true;
}

static bool parse_time(struct cursor *cursor, struct civil *civil)
{
	if (!digits(cursor, 2, &civil->hour) || !accept(cursor, ":") ||
	    !digits(cursor, 2, &civil->minute) || !accept(cursor, ":") ||
	    !digits(cursor, 2, &civil->second))
		return refuse(cursor, "after the date there is no time in the "
				      "form hh:mm:ss");
	if (civil->hour > 23)
		return error_set(cursor->err, ERROR_DATA, STATUS_DATA,
				 "there is no hour %d", civil->hour);
	if (civil->minute > 59)
		return error_set(cursor->err, ERROR_DATA, STATUS_DATA,
				 "there is no minute %d", civil->minute);
	if (civil->second > 60)
		return error_set(cursor->err, ERROR_DATA, STATUS_DATA,
				 "there is no second %d", civil->second);
	if (accept(cursor, "."))
		return parse_fraction(cursor, civil);
	return true;
}

static bool parse_zone(struct cursor *cursor, enum timestamp_zone zone,
		       int *offset_minutes)
{
	int hours, minutes, sign;

	*offset_minutes = 0;
	if (cursor->at == cursor->end)
		return zone == ZONE_OPTIONAL ||
		       refuse(cursor, "it has no time zone (Z or +hh:mm): "
				      "which moment it means is not known");
	if (accept(cursor, "Zz"))
		return true;
	if (!accept(cursor, "+-"))
		return refuse(cursor, "after the seconds comes neither a "
				      "fraction nor a time zone (Z or +hh:mm)");
	sign = cursor->at[-1] == '-' ? -1 : 1;
	if (!digits(cursor, 2, &hours) || !accept(cursor, ":") ||
	    !digits(cursor, 2, &minutes))
		return refuse(cursor, "the time zone is not in the form "
				      "+hh:mm");
	if (hours > 15 || minutes > 59)
		return refuse(cursor, "no time zone is 16 hours or more from "
				      "UTC, or has 60 minutes");
	*offset_minutes = sign * (hours * 60 + minutes);
	return true;
}

static bool to_us(struct cursor *cursor, const struct civil *civil,
		  int offset_minutes, int64_t *us)
{
	int64_t days = day_number(civil->year, civil->month, civil->day);
	int64_t minutes =
		(int64_t)civil->hour * 60 + civil->minute - offset_minutes;
	int64_t value = days * US_PER_DAY +
			(minutes * 60 + civil->second) * US_PER_SECOND +
			civil->fraction_us;

	if (civil->second == 60 && (minutes + 1440 * 2) % 1440 != 1439)
		return refuse(cursor, "second 60 is a leap second, which there "
				      "is only at 23:59:60 UTC");
	if (value < FIRST_DAY * US_PER_DAY || value >= END_DAY * US_PER_DAY)
		return refuse(cursor, "in UTC it lies outside the years 1 to "
				      "9999");
	*us = value;
	return true;
}

bool timestamp_parse(const char *text, size_t len, enum timestamp_zone zone,
		     int64_t *us, struct error *err)
{
	struct cursor cursor = {text, text + len, err};
	struct civil civil = {0};
	int offset_minutes;

	if (!parse_date(&cursor, &civil))
		return false;
	if (!accept(&cursor, zone == ZONE_REQUIRED ? "Tt" : "Tt "))
		return refuse(&cursor, zone == ZONE_REQUIRED
					       ? "no T follows the date"
					       : "no T or space follows the "
						 "date");
	if (!parse_time(&cursor, &civil) ||
	    !parse_zone(&cursor, zone, &offset_minutes))
		return false;
	if (cursor.at != cursor.end)
		return refuse(&cursor, "something follows the time zone");
	return to_us(&cursor, &civil, offset_minutes, us);
}

bool timestamp_parse_date(const char *text, size_t len, int32_t *days,
			  struct error *err)
{
	struct cursor cursor = {text, text + len, err};
	struct civil civil = {0};

	if (!parse_date(&cursor, &civil))
		return false;
	if (cursor.at != cursor.end)
		return refuse(&cursor, "something follows the date");
	*days = (int32_t)day_number(civil.year, civil.month, civil.day);
	return true;
}

bool timestamp_from_unix(int64_t unix_us, int64_t *us)
{
	if (unix_us < (FIRST_DAY - UNIX_DAY) * US_PER_DAY ||
	    unix_us >= (END_DAY - UNIX_DAY) * US_PER_DAY)
		return false;
	*us = unix_us + UNIX_DAY * US_PER_DAY;
	return true;
}

/* The inverse of day_number. */
static struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + 730425;
	int64_t era = shifted / 146097;
	int64_t day_of_era = shifted % 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 +
			       day_of_era / 36524 - day_of_era / 146096) /
			      365;
	int64_t day_of_year =
		day_of_era -
		(365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil civil = {0};

	civil.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	civil.month = (int)(month < 10 ? month + 3 : month - 9);
	civil.year = (int)(year_of_era + era * 400 + (civil.month <= 2));
	return civil;
}

void timestamp_format_date(int32_t days, char *text, size_t size)
{
	struct civil civil = civil_from_days(days);

	snprintf(text, size, "%04d-%02d-%02d", civil.year, civil.month,
		 civil.day);
}

void timestamp_format(int64_t us, char *text, size_t size)
{
	int64_t days = us / US_PER_DAY - (us % US_PER_DAY < 0);
	int64_t rest = us - days * US_PER_DAY;
	int seconds = (int)(rest / US_PER_SECOND);
	char date[16];

	timestamp_format_date((int32_t)days, date, sizeof date);
	snprintf(text, size, "%s %02d:%02d:%02d.%06d", date, seconds / 3600,
		 seconds / 60 % 60, seconds % 60, (int)(rest % US_PER_SECOND));
}
