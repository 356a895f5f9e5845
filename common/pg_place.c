#include "common/pg_place.h"

#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VALUE = 128 };

struct parts {
	char host[VALUE];
	char port[VALUE];
	char user[VALUE];
	char dbname[VALUE];
};

static const struct {
	const char *keyword;
	const char *variable;
	size_t offset;
} known[] = {
	{"host", "PGHOST", offsetof(struct parts, host)},
	{"port", "PGPORT", offsetof(struct parts, port)},
	{"user", "PGUSER", offsetof(struct parts, user)},
	{"dbname", "PGDATABASE", offsetof(struct parts, dbname)},
};

enum { KNOWN = sizeof known / sizeof *known };

static char *part(struct parts *parts, size_t i)
{
	return (char *)parts + known[i].offset;
}

static bool store(char *part, const char *value, size_t len)
{
	if (len >= VALUE)
		return false;
	memcpy(part, value, len);
	part[len] = '\0';
	return true;
}

/* --- strings -------------------------------------------------------------- */

/* Reads `keyword=value` or `keyword='value'`. */
static bool read_pair(const char **at, struct parts *parts, bool seen[KNOWN])
{
	size_t keyword = strcspn(*at, "= '\\");
	const char *value = *at + keyword + 1;
	size_t len;
	size_t i = 0;

	if ((*at)[keyword] != '=')
		return false;
	while (i < KNOWN && (strncmp(known[i].keyword, *at, keyword) != 0 ||
			     known[i].keyword[keyword]))
		i++;
	if (i == KNOWN || seen[i])
		return false;
	seen[i] = true;
	if (*value == '\'') {
		len = strcspn(++value, "'\\");
		if (value[len] != '\'')
			return false;
		*at = value + len + 1;
	} else {
		len = strcspn(value, " '\\\t\n\v\f\r");
		*at = value + len;
	}
	return len && (!**at || **at == ' ') &&
	       store(part(parts, i), value, len);
}

/* An @ may be a socket without a file; a comma parts several hosts. */
static bool is_folder(const char *host)
{
	return *host == '/' && !strpbrk(host, ",@");
}

static long port_number(const char *port)
{
	return strtol(port, NULL, 10);
}

static bool is_port(const char *port)
{
	size_t len = strlen(port);

	return len < 6 && strspn(port, "0123456789") == len &&
	       port_number(port) >= 1 && port_number(port) <= 65535;
}

static bool read_plain(struct parts *parts, const char *dsn)
{
	bool seen[KNOWN] = {false};

	while (*(dsn += strspn(dsn, " ")))
		if (!read_pair(&dsn, parts, seen))
			return false;
	return true;
}

bool pg_place_is_plain(const char *dsn)
{
	struct parts parts = {.host = "/", .port = "1"};

	return read_plain(&parts, dsn) && is_folder(parts.host) &&
	       is_port(parts.port) && !strchr(parts.dbname, '@');
}

/* --- variables ------------------------------------------------------------ */

/* Whether libpq would find the same server as if it were not set: it is none of
 * libpq's, or concerns networks or the session only, or is for a server that
 * asks for a password. */
static bool is_harmless(const char *variable)
{
	static const char *const harmless[] = {
		"PGHOST=",
		"PGPORT=",
		"PGUSER=",
		"PGDATABASE=",
		"PGTZ=",
		"PGDATESTYLE=",
		"PGAPPNAME=",
		"PGCLIENTENCODING=",
		"PGOPTIONS=",
		"PGSSLMODE=",
		"PGCONNECT_TIMEOUT=",
		"PGDATA=",
		"PGPASSFILE=",
		"PG_",
	};

	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (!strncmp(variable, harmless[i], strlen(harmless[i])))
			return true;
	return false;
}

static bool read_environment(struct parts *parts)
{
	for (char **variable = environ; *variable; variable++)
		if (!strncmp(*variable, "PG", 2) && strchr(*variable, '=') &&
		    !is_harmless(*variable))
			return false;
	for (size_t i = 0; i < KNOWN; i++) {
		const char *value = getenv(known[i].variable);

		if (value &&
		    (!*value || !store(part(parts, i), value, strlen(value))))
			return false; /* empty is not absent to libpq */
	}
	return true;
}

/* --- both ----------------------------------------------------------------- */

/* As libpq: whoever runs the program, and a database of that name. */
static bool add_names(struct parts *parts)
{
	if (!*parts->user) {
		const struct passwd *who = getpwuid(geteuid());

		if (!who ||
		    !store(parts->user, who->pw_name, strlen(who->pw_name)))
			return false;
	}
	return *parts->dbname ||
	       store(parts->dbname, parts->user, strlen(parts->user));
}

bool pg_place_read(struct pg_place *place, const char *dsn)
{
	struct parts parts = {.port = ""};
	int len;

	*place = (struct pg_place){.address.sun_family = AF_UNIX};
	if (!read_environment(&parts) || !read_plain(&parts, dsn))
		return false;
	if (!*parts.port)
		store(parts.port, "5432", 4);
	if (!is_folder(parts.host) || !is_port(parts.port) ||
	    !add_names(&parts))
		return false;
	len = snprintf(place->address.sun_path, sizeof place->address.sun_path,
		       "%s/.s.PGSQL.%ld", parts.host, port_number(parts.port));
	memcpy(place->user, parts.user, sizeof place->user);
	memcpy(place->database, parts.dbname, sizeof place->database);
	return len > 0 && (size_t)len < sizeof place->address.sun_path;
}
