#include "aggregate/job_calendar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/spawn.h"

enum { ANSWER_MS = 10000, MISSING = 127 };

/* `    Next elapse: Sat 2026-11-21 17:30:00 UTC`; where the machine's own time
 * is another, `       (in UTC): ...` follows. */
static bool read_answer(const char *answer, int64_t *next_s)
{
	const char *at = strstr(answer, "(in UTC):");
	struct tm tm = {0};

	if (!at)
		at = strstr(answer, "Next elapse:");
	if (!at)
		return false;
	at = strpbrk(at, "0123456789\n");
	if (!at || !strptime(at, "%Y-%m-%d %H:%M:%S", &tm))
		return false;
	*next_s = timegm(&tm);
	return true;
}

enum answer { ANSWER_TIME, ANSWER_NEVER, ANSWER_INVALID, ANSWER_NOBODY };

static enum answer ask(const char *expression, int64_t after_s, int64_t *next_s)
{
	char base[64];
	const char *const argv[] = {"systemd-analyze", "calendar",
				    "--base-time",     base,
				    expression,        NULL};
	const char *const variable[] = {"LC_ALL=C", NULL};
	struct buf out = BUF_INIT;
	const struct spawn spawn = {.argv = argv,
				    .variable = variable,
				    .timeout_ms = ANSWER_MS,
				    .out = &out,
				    .is_quiet = true};
	struct error err = ERROR_INIT;
	enum answer answer;
	int status = MISSING;

	snprintf(base, sizeof base, "@%lld", (long long)after_s);
	if (!spawn_run(&spawn, &status, &err) || status == MISSING)
		answer = ANSWER_NOBODY;
	else if (status != 0)
		answer = ANSWER_INVALID;
	else
		answer = read_answer(buf_text(&out), next_s) ? ANSWER_TIME
							     : ANSWER_NEVER;
	buf_release(&out);
	return answer;
}

bool calendar_next(const struct setting_list *expressions, int64_t after_s,
		   int64_t *next_s, char text[CALENDAR_TIME_BYTES])
{
	bool found = false, invalid = false;
	time_t when;
	struct tm tm;

	for (size_t i = 0; i < expressions->count; i++) {
		int64_t at_s = 0;
		enum answer answer = ask(expressions->item[i], after_s, &at_s);

		invalid = invalid || answer == ANSWER_INVALID;
		if (answer != ANSWER_TIME || (found && at_s >= *next_s))
			continue;
		*next_s = at_s;
		found = true;
	}
	if (!text)
		return found;
	snprintf(text, CALENDAR_TIME_BYTES, "%s", invalid ? "invalid" : "");
	when = (time_t)*next_s;
	if (found && !invalid && gmtime_r(&when, &tm))
		strftime(text, CALENDAR_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &tm);
	return found;
}
