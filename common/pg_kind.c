#include <string.h>

#include "common/pg.h"

/* What may be done about a SQLSTATE; the longest prefix that fits wins. */
static const struct policy {
	const char *prefix;
	enum error_kind kind;
} policies[] = {
	{"08", ERROR_TRANSIENT},    /* connection exception */
	{"22", ERROR_DATA},         /* data exception */
	{"23", ERROR_DATA},         /* integrity constraint violation */
	{"25006", ERROR_TRANSIENT}, /* read-only: a standby, look again */
	{"40", ERROR_TRANSIENT},    /* serialization failure, deadlock */
	{"44", ERROR_DATA},         /* with check option violation */
	{"53", ERROR_TRANSIENT},    /* insufficient resources, disk full */
	{"55P03", ERROR_TRANSIENT}, /* lock not available */
	{"57014", ERROR_TRANSIENT}, /* query cancelled, statement timeout */
	{"57P", ERROR_TRANSIENT},   /* shutdown, crash, starting up */
	{"58030", ERROR_TRANSIENT}, /* I/O error */
	{"P0", ERROR_DATA},         /* raised by a function or a trigger */
	{"MR001", ERROR_TRANSIENT}, /* a position has moved: look again */
};

enum error_kind pg_kind(const char *sqlstate)
{
	enum error_kind kind = ERROR_FATAL;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		size_t len = strlen(policies[i].prefix);

		if (len > longest &&
		    !strncmp(sqlstate, policies[i].prefix, len)) {
			kind = policies[i].kind;
			longest = len;
		}
	}
	return kind;
}
