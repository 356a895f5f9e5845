#include "ingest/column.h"

#include <string.h>
#include <strings.h>

#include "common/nearest.h"

/* By type: format_type's name and pg_type's OID. */
static const struct {
	const char *name;
	uint32_t oid;
} types[COLUMN_TYPE_COUNT] = {
	[COLUMN_TEXT] = {"text", 25},
	[COLUMN_VARCHAR] = {"character varying", 1043},
	[COLUMN_SMALLINT] = {"smallint", 21},
	[COLUMN_INTEGER] = {"integer", 23},
	[COLUMN_BIGINT] = {"bigint", 20},
	[COLUMN_DOUBLE] = {"double precision", 701},
	[COLUMN_NUMERIC] = {"numeric", 1700},
	[COLUMN_BOOLEAN] = {"boolean", 16},
	[COLUMN_TIMESTAMPTZ] = {"timestamp with time zone", 1184},
	[COLUMN_TIMESTAMP] = {"timestamp without time zone", 1114},
	[COLUMN_DATE] = {"date", 1082},
	[COLUMN_UUID] = {"uuid", 2950},
	[COLUMN_JSONB] = {"jsonb", 3802},
	[COLUMN_TEXT_ARRAY] = {"text[]", 1009},
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
	return types[type].name;
}

uint32_t column_type_oid(enum column_type type)
{
	return types[type].oid;
}
