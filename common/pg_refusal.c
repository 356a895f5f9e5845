#include "common/pg_refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/pg.h"

/* What to do about it; the others speak for themselves. */
static const struct {
	const char *sqlstate;
	const char *remedy;
} remedies[] = {
	{"28P01",
	 "the password belongs in ~/.pgpass, the file of PGPASSFILE, or a "
	 "service"},
	{"28000",
	 "name another user with PGUSER or --dsn, or admit this one in the "
	 "server's pg_hba.conf"},
	{"3D000",
	 "make it with createdb, or name another with PGDATABASE or --dsn"},
	{"42501", "let its owner grant connect on the database to this user"},
};

static bool is_sqlstate(const char *text)
{
	size_t len = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len == 5 && strncmp(text + len, ": ", 2) == 0;
}

/* The five characters after the severity of a verbose message, and the text
 * that follows them.  The severity is in the server's language, but for the
 * colon and two blanks behind it.  Several hosts may have answered: the last
 * one counts. */
static const char *find_sqlstate(const char *message, char sqlstate[6])
{
	static const char mark[] = ":  ";
	const char *text = NULL, *at = message;

	while ((at = strstr(at, mark))) {
		at += sizeof mark - 1;
		if (!is_sqlstate(at))
			continue;
		memcpy(sqlstate, at, 5);
		sqlstate[5] = '\0';
		text = at + 7;
	}
	return text;
}

/* The first len bytes of a message in one line. */
static void add_line(struct buf *out, const char *message, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isspace((unsigned char)message[i]))
			buf_add_byte(out, message[i]);
		else if (out->len > 0 && out->data[out->len - 1] != ' ')
			buf_add_byte(out, ' ');
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

bool pg_refusal_word(const struct pg_request *request, const char *message,
		     struct error *err)
{
	char sqlstate[6] = "";
	const char *said = find_sqlstate(message, sqlstate);
	struct buf line = BUF_INIT;
	const char *remedy = NULL;
	enum error_kind kind = ERROR_FATAL;
	size_t i;

	/* no row is at fault here: what is not TRANSIENT is FATAL */
	if (!said || pg_kind(sqlstate) == ERROR_TRANSIENT)
		kind = ERROR_TRANSIENT;
	/* a server's detail, hint and place in its source follow its words */
	if (said)
		add_line(&line, said, strcspn(said, "\n"));
	else
		add_line(&line, message, strlen(message));
	for (i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (strcmp(remedies[i].sqlstate, sqlstate) == 0)
			remedy = remedies[i].remedy;
	if (request->wants_password && !said) {
		kind = ERROR_FATAL;
		remedy = remedies[0].remedy;
	}
	if (!said && !remedy)
		remedy = "start it, or name another with --dsn or PGHOST";
	error_set(err, kind, STATUS_DATABASE,
		  "cannot connect to database \"%s\" as user \"%s\" at %s port "
		  "%s: %.500s%s%s",
		  request->database, request->user, request->host,
		  request->port, buf_text(&line), remedy ? "; " : "",
		  remedy ? remedy : "");
	memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
	err->lost = true;
	buf_release(&line);
	return false;
}

void pg_refusal_expect(PGconn *conn)
{
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
}

bool pg_refusal_explain(PGconn *conn, struct error *err)
{
	struct pg_request request = {
		.host = PQhost(conn),
		.port = PQport(conn),
		.user = PQuser(conn),
		.database = PQdb(conn),
		.wants_password = PQconnectionNeedsPassword(conn),
	};
	struct buf line = BUF_INIT;

	if (request.host && *request.host)
		return pg_refusal_word(&request, PQerrorMessage(conn), err);
	/* libpq did not even get as far as choosing a host */
	add_line(&line, PQerrorMessage(conn), strlen(PQerrorMessage(conn)));
	error_set(err, ERROR_FATAL, STATUS_DATABASE,
		  "the connection settings (--dsn, PG*) make no sense: %s",
		  buf_text(&line));
	err->lost = true;
	buf_release(&line);
	return false;
}
