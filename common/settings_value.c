/* settings_value.c - from the text of a value to what is stored */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/libpq.h"
#include "common/mem.h"
#include "common/pg_place.h"
#include "common/settings.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit byte_units[] = {
	{"", 1},           {"B", 1},           {"k", 1LL << 10},
	{"kB", 1LL << 10}, {"KiB", 1LL << 10}, {"M", 1LL << 20},
	{"MB", 1LL << 20}, {"MiB", 1LL << 20}, {"G", 1LL << 30},
	{"GB", 1LL << 30}, {"GiB", 1LL << 30}, {NULL, 0},
};

static const struct unit duration_units[] = {
	{"ms", 1},        {"s", 1000},       {"m", 60000}, {"min", 60000},
	{"h", 3600000LL}, {"d", 86400000LL}, {NULL, 0},
};

static const struct {
	const char *word;
	bool value;
} flag_words[] = {
	{"on", true},  {"off", false}, {"true", true}, {"false", false},
	{"yes", true}, {"no", false},  {"1", true},    {"0", false},
};

/* A whole number with an optional unit.  units NULL: none is allowed. */
static bool parse_number(const char *text, const struct unit *units,
			 int64_t *out)
{
	char *end;
	int64_t value;

	if (*text != '-' && (*text < '0' || *text > '9'))
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text)
		return false;
	if (!units || (value == 0 && *end == '\0')) {
		*out = value;
		return *end == '\0';
	}
	for (; units->name; units++)
		if (strcasecmp(units->name, end) == 0)
			return !__builtin_mul_overflow(value, units->factor,
						       out);
	return false;
}

const char *setting_example(const struct setting *setting)
{
	static const char *const examples[] = {
		[SETTING_TEXT] = "text",
		[SETTING_INTEGER] = "10",
		[SETTING_BYTES] = "16MB",
		[SETTING_DURATION] = "500ms",
		[SETTING_FLAG] = "on",
		[SETTING_LIST] = "name",
		[SETTING_DSN] = "host=db.example.org dbname=events",
	};

	if (setting->initial && *setting->initial)
		return setting->initial;
	if (setting->type == SETTING_CHOICE)
		return setting->choices[0];
	return examples[setting->type];
}

static bool refuse(const struct setting *setting, const char *text,
		   const char *expected, struct error *err)
{
	return error_config(err, "\"%.100s\" is not %s; for example %s", text,
			    expected, setting_example(setting));
}

static bool store_number(const struct setting *setting, const char *text,
			 int64_t *value, struct error *err)
{
	static const struct {
		const struct unit *units;
		const char *expected;
	} kinds[] = {
		[SETTING_INTEGER] = {NULL, "a whole number"},
		[SETTING_BYTES] = {byte_units,
				   "a size: a whole number with kB, MB or GB"},
		[SETTING_DURATION] =
			{duration_units,
			 "a duration: a whole number with ms, s, m, h or d"},
	};
	struct buf range = BUF_INIT;
	int64_t number;
	bool ok = true;

	if (!parse_number(text, kinds[setting->type].units, &number))
		return refuse(setting, text, kinds[setting->type].expected,
			      err);
	if (number < setting->min ||
	    (setting->max != 0 && number > setting->max)) {
		buf_format(&range, "a number of %" PRId64 " or more",
			   setting->min);
		if (setting->max != 0) {
			buf_reset(&range);
			buf_format(&range,
				   "a number from %" PRId64 " to %" PRId64,
				   setting->min, setting->max);
		}
		if (setting->type == SETTING_DURATION)
			buf_add_text(&range, " milliseconds");
		else if (setting->type == SETTING_BYTES)
			buf_add_text(&range, " bytes");
		ok = refuse(setting, text, buf_text(&range), err);
	} else {
		*value = number;
	}
	buf_release(&range);
	return ok;
}

static bool store_flag(const struct setting *setting, const char *text,
		       bool *value, struct error *err)
{
	size_t i;

	for (i = 0; i < sizeof flag_words / sizeof *flag_words; i++) {
		if (strcasecmp(flag_words[i].word, text) == 0) {
			*value = flag_words[i].value;
			return true;
		}
	}
	return refuse(setting, text, "on or off", err);
}

static bool store_choice(const struct setting *setting, const char *text,
			 int *value, struct error *err)
{
	struct buf words = BUF_INIT;
	int i;

	for (i = 0; setting->choices[i]; i++) {
		if (strcmp(setting->choices[i], text) == 0) {
			*value = i;
			buf_release(&words);
			return true;
		}
		buf_format(&words, "%s%s", i ? ", " : "one of ",
			   setting->choices[i]);
	}
	refuse(setting, text, buf_text(&words), err);
	buf_release(&words);
	return false;
}

static void store_item(const char *text, struct setting_list *list,
		       struct arena *arena)
{
	const char **grown =
		arena_alloc(arena, (list->count + 2) * sizeof *grown);

	if (list->count > 0)
		memcpy(grown, list->item, list->count * sizeof *grown);
	grown[list->count++] = arena_strdup(arena, text);
	grown[list->count] = NULL;
	list->item = grown;
}

static const char *option_value(const PQconninfoOption *options,
				const char *keyword)
{
	const PQconninfoOption *option;

	for (option = options; option->keyword; option++)
		if (!strcmp(option->keyword, keyword) && option->val)
			return option->val;
	return "";
}

/* Whether a piece of a password is where host, port or database belong, which
 * an @ or / in it does to a URI.  (A host that begins with @ is a socket.) */
static bool is_torn(const PQconninfoOption *options)
{
	const char *host = option_value(options, "host");
	const char *port = option_value(options, "port");
	const char *at;

	for (at = strchr(host, '@'); at; at = strchr(at + 1, '@'))
		if (at > host && at[-1] != ',')
			return true;
	return port[strspn(port, "0123456789, ")] ||
	       (!*option_value(options, "user") &&
		strchr(option_value(options, "dbname"), '@'));
}

/* libpq's own message would quote the string, and with it a password. */
char *setting_dsn(const char *text, struct error *err)
{
	bool is_name = strchr(text, '=') == NULL && !strstr(text, "://");
	PQconninfoOption *options;

	if (pg_place_is_plain(text))
		return mem_strdup(text);
	options = PQconninfoParse(text, NULL);
	if (options) {
		bool torn = is_torn(options);

		PQconninfoFree(options);
		if (!torn)
			return mem_strdup(text);
		error_config(err, "this URI makes no sense; in a password "
				  "write %% as %%25, @ as %%40, : as %%3A, "
				  "/ as %%2F, ? as %%3F and # as %%23");
		return NULL;
	}
	if (is_name && !strpbrk(text, "'\\"))
		return mem_format("dbname='%s'", text);
	error_config(err, "this is neither a libpq connection string nor a "
			  "URI nor the name of a database; for example "
			  "\"host=db.example.org dbname=events\"");
	return NULL;
}

static bool store_dsn(const char *text, const char **value, struct arena *arena,
		      struct error *err)
{
	char *dsn = setting_dsn(text, err);

	if (!dsn)
		return false;
	*value = arena_strdup(arena, dsn);
	free(dsn);
	return true;
}

bool setting_is_secret(const char *dsn)
{
	PQconninfoOption *options;
	const PQconninfoOption *option;
	bool found = false;

	if (pg_place_is_plain(dsn))
		return false;
	options = PQconninfoParse(dsn, NULL);
	for (option = options; option && option->keyword; option++)
		if (*option->dispchar == '*' && option->val && *option->val)
			found = true;
	PQconninfoFree(options);
	return found;
}

bool setting_store(const struct setting *setting, const char *text,
		   void *values, struct arena *arena, struct error *err)
{
	void *value = (char *)values + setting->offset;

	switch (setting->type) {
	case SETTING_TEXT:
		if (!*text && *setting->initial)
			return refuse(setting, text, "a value", err);
		*(const char **)value = arena_strdup(arena, text);
		return true;
	case SETTING_INTEGER:
	case SETTING_BYTES:
	case SETTING_DURATION:
		return store_number(setting, text, value, err);
	case SETTING_FLAG:
		return store_flag(setting, text, value, err);
	case SETTING_CHOICE:
		return store_choice(setting, text, value, err);
	case SETTING_LIST:
		store_item(text, value, arena);
		return true;
	case SETTING_DSN:
		return store_dsn(text, value, arena, err);
	}
	return error_config(err, "a setting of no known type");
}
