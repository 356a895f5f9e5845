#include "ingest/column.h"

#include <string.h>
#include <strings.h>

#include "common/nearest.h"

/* As format_type says it. */
static const char *const names[COLUMN_TYPE_COUNT] = {
	[COLUMN_TEXT] = "text",
	[COLUMN_VARCHAR] = "character varying",
	[COLUMN_SMALLINT] = "smallint",
	[COLUMN_INTEGER] = "integer",
	[COLUMN_BIGINT] = "bigint",
	[COLUMN_DOUBLE] = "double precision",
	[COLUMN_NUMERIC] = "numeric",
	[COLUMN_BOOLEAN] = "boolean",
	[COLUMN_TIMESTAMPTZ] = "timestamp with time zone",
	[COLUMN_TIMESTAMP] = "timestamp without time zone",
	[COLUMN_DATE] = "date",
	[COLUMN_UUID] = "uuid",
	[COLUMN_JSONB] = "jsonb",
	[COLUMN_TEXT_ARRAY] = "text[]",
};

static const char *const spellings[] = {
	"text",
	"varchar",
	"character varying",
	"smallint",
	"int2",
	"integer",
	"int",
	"int4",
	"bigint",
	"int8",
	"double precision",
	"float8",
	"numeric",
	"decimal",
	"boolean",
	"bool",
	"timestamptz",
	"timestamp with time zone",
	"timestamp",
	"timestamp without time zone",
	"date",
	"uuid",
	"jsonb",
	"text[]",
};

static const enum column_type spelt[] = {
	COLUMN_TEXT,      COLUMN_VARCHAR,     COLUMN_VARCHAR,
	COLUMN_SMALLINT,  COLUMN_SMALLINT,    COLUMN_INTEGER,
	COLUMN_INTEGER,   COLUMN_INTEGER,     COLUMN_BIGINT,
	COLUMN_BIGINT,    COLUMN_DOUBLE,      COLUMN_DOUBLE,
	COLUMN_NUMERIC,   COLUMN_NUMERIC,     COLUMN_BOOLEAN,
	COLUMN_BOOLEAN,   COLUMN_TIMESTAMPTZ, COLUMN_TIMESTAMPTZ,
	COLUMN_TIMESTAMP, COLUMN_TIMESTAMP,   COLUMN_DATE,
	COLUMN_UUID,      COLUMN_JSONB,       COLUMN_TEXT_ARRAY,
};

enum { SPELLING_COUNT = sizeof spellings / sizeof *spellings };

_Static_assert(sizeof spelt / sizeof *spelt == SPELLING_COUNT,
	       "every spelling has its type");

bool column_type_find(const char *spelling, enum column_type *out)
{
	for (size_t i = 0; i < SPELLING_COUNT; i++) {
		if (strcmp(spelling, spellings[i]) == 0) {
			*out = spelt[i];
			return true;
		}
	}
	return false;
}

bool column_type_begins(const char *words)
{
	size_t len = strlen(words);

	for (size_t i = 0; i < SPELLING_COUNT; i++)
		if (strncasecmp(spellings[i], words, len) == 0 &&
		    (spellings[i][len] == ' ' || spellings[i][len] == '\0'))
			return true;
	return false;
}

const char *column_type_nearest(const char *spelling)
{
	return nearest(spelling, spellings, SPELLING_COUNT);
}

const char *column_type_name(enum column_type type)
{
	return names[type];
}
