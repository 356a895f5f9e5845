#include "tests/support/bluesky_stamp.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

static char *put_digits(char *to, int64_t number, int width)
{
	for (int i = width; i-- > 0; number /= 10)
		to[i] = (char)('0' + number % 10);
	return to + width;
}

static char *put_date(char *to, int64_t day)
{
	time_t seconds = (time_t)(day * 86400);
	struct tm date;

	gmtime_r(&seconds, &date);
	to = put_digits(to, date.tm_year + 1900, 4);
	*to++ = '-';
	to = put_digits(to, date.tm_mon + 1, 2);
	*to++ = '-';
	return put_digits(to, date.tm_mday, 2);
}

char *stamp_put_seconds(char *to, int64_t unix_us)
{
	static int64_t cached_day = INT64_MIN;
	static char cached[16];
	int64_t day = unix_us / DAY_US - (unix_us % DAY_US < 0);
	int64_t second = (unix_us - day * DAY_US) / SECOND_US;

	if (day != cached_day) {
		put_date(cached, day);
		cached_day = day;
	}
	memcpy(to, cached, 10);
	to += 10;
	*to++ = 'T';
	to = put_digits(to, second / 3600, 2);
	*to++ = ':';
	to = put_digits(to, second / 60 % 60, 2);
	*to++ = ':';
	return put_digits(to, second % 60, 2);
}

static int64_t fraction_of(int64_t unix_us)
{
	int64_t rest = unix_us % SECOND_US;

	return rest < 0 ? rest + SECOND_US : rest;
}

char *stamp_put_python(char *to, int64_t unix_us)
{
	int64_t fraction = fraction_of(unix_us);

	to = stamp_put_seconds(to, unix_us);
	if (!fraction)
		return to;
	*to++ = '.';
	return put_digits(to, fraction, 6);
}

char *stamp_put_millis(char *to, int64_t unix_us)
{
	to = stamp_put_seconds(to, unix_us);
	*to++ = '.';
	return put_digits(to, fraction_of(unix_us) / 1000, 3);
}

bool stamp_parse(const char *text, int64_t *unix_us)
{
	struct tm time = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &time);
	int64_t fraction = 0;
	int digits = 0;

	if (!rest || time.tm_year < -1899 || time.tm_year > 8099)
		return false;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, digits++)
			fraction = fraction * 10 + (*rest - '0');
		if (digits < 1 || digits > 6)
			return false;
		for (; digits < 6; digits++)
			fraction *= 10;
	}
	if (*rest == 'Z')
		rest++;
	*unix_us = (int64_t)timegm(&time) * SECOND_US + fraction;
	return !*rest;
}
