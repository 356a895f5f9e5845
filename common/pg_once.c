#include "common/pg_once.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/pg_place.h"
#include "common/pg_rows.h"
#include "common/stop.h"

enum {
	PROTOCOL = 3 << 16,
	OLDEST_SERVER = 15,
	HEAD = 5,       /* of a message: its type and how long it is */
	READ = 8192,    /* at a time */
	MOST = 1 << 24, /* of a message */
};

enum { FITS_VERSION = 1, FITS_ENCODING = 2 };

struct pg_once {
	int fd;
	bool is_open; /* it takes questions, until it is told that we leave */
	struct buf in;
	size_t next; /* offset of the message that follows */
};

/* One message of the server. */
struct message {
	char type;
	const char *body;
	size_t len;
};

/* --- bytes ---------------------------------------------------------------- */

static void add_number(struct buf *out, size_t number)
{
	uint32_t bytes = htobe32((uint32_t)number);

	buf_add(out, &bytes, sizeof bytes);
}

static void add_string(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text) + 1);
}

static uint32_t read_number(const char *at)
{
	uint32_t bytes;

	memcpy(&bytes, at, sizeof bytes);
	return be32toh(bytes);
}

static uint16_t read_short(const char *at)
{
	uint16_t bytes;

	memcpy(&bytes, at, sizeof bytes);
	return be16toh(bytes);
}

/* Waits until the socket is ready; false: it is time, or we are asked to stop.
 */
static bool wait(const struct pg_once *once, short events, int64_t deadline)
{
	struct pollfd fd[] = {{.fd = once->fd, .events = events},
			      {.fd = stop_fd(), .events = POLLIN}};

	for (;;) {
		int64_t left = deadline - clock_ms();

		if (left <= 0 || stop_requested())
			return false;
		if (poll(fd, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 &&
		    errno != EINTR)
			return false;
		if (fd[0].revents)
			return true;
	}
}

static bool put(const struct pg_once *once, int64_t deadline,
		const struct buf *out)
{
	size_t done = 0;

	while (done < out->len) {
		ssize_t sent = send(once->fd, out->data + done, out->len - done,
				    MSG_NOSIGNAL);

		if (sent > 0)
			done += (size_t)sent;
		else if (errno != EAGAIN || !wait(once, POLLOUT, deadline))
			return false;
	}
	return true;
}

static bool read_more(struct pg_once *once, int64_t deadline)
{
	ssize_t got;

	if (!wait(once, POLLIN, deadline))
		return false;
	got = recv(once->fd, buf_reserve(&once->in, READ), READ, 0);
	if (got > 0)
		once->in.len += (size_t)got;
	return got > 0;
}

/* The next message, borrowed until more is read. */
static bool get(struct pg_once *once, int64_t deadline, struct message *message)
{
	for (;;) {
		const char *at = once->in.data + once->next;
		size_t have = once->in.len - once->next;
		size_t len =
			have < HEAD ? HEAD : 1 + (size_t)read_number(at + 1);

		if (len < HEAD || len > MOST)
			return false;
		if (have >= len) {
			*message = (struct message){*at, at + HEAD, len - HEAD};
			once->next += len;
			return true;
		}
		if (!read_more(once, deadline))
			return false;
	}
}

/* --- the session ---------------------------------------------------------- */

/* What the server says of itself.  Sets the bits that speak for it. */
static bool read_parameter(const struct message *message, unsigned *fits)
{
	const char *name = message->body;
	size_t len = strnlen(name, message->len);
	const char *value = name + len + 1;

	if (len + 1 >= message->len || message->body[message->len - 1])
		return false;
	if (!strcmp(name, "server_version") &&
	    strtol(value, NULL, 10) >= OLDEST_SERVER)
		*fits |= FITS_VERSION;
	if (!strcmp(name, "server_encoding") && !strcmp(value, "UTF8"))
		*fits |= FITS_ENCODING;
	return true;
}

/* Until it waits for the question. */
static bool open_session(struct pg_once *once, int64_t deadline)
{
	struct message message;
	unsigned fits = 0;

	while (get(once, deadline, &message)) {
		switch (message.type) {
		case 'R': /* who we are: 0 asks for nothing more */
			if (message.len != 4 || read_number(message.body))
				return false;
			break;
		case 'S':
			if (!read_parameter(&message, &fits))
				return false;
			break;
		case 'K': /* how to cancel */
		case 'N': /* a notice */
			break;
		case 'Z':
			once->is_open = true;
			return fits == (FITS_VERSION | FITS_ENCODING);
		default:
			return false;
		}
	}
	return false;
}

static void add_setting(struct buf *out, const char *name, const char *value)
{
	add_string(out, name);
	add_string(out, value);
}

/* Settings that come with the first packet cost less than statements, and go
 * before those of the role and the database. */
static void add_startup(struct buf *out, const struct pg_place *place,
			const char *application)
{
	const char *options = getenv("PGOPTIONS");

	add_number(out, PROTOCOL);
	add_setting(out, "user", place->user);
	add_setting(out, "database", place->database);
	if (options && *options)
		add_setting(out, "options", options);
	add_setting(out, "application_name", application);
	add_setting(out, "client_encoding", "UTF8");
	add_setting(out, "search_path", "pg_catalog, pg_temp");
	add_setting(out, "default_transaction_isolation", "read committed");
	add_setting(out, "row_security", "off");
	add_setting(out, "standard_conforming_strings", "on");
	add_setting(out, "bytea_output", "hex");
	add_setting(out, "statement_timeout", "10s");
	add_setting(out, "lock_timeout", "1s");
	buf_add_byte(out, '\0');
}

/* Puts its length, which counts itself, before what `body` holds. */
static bool send_counted(const struct pg_once *once, int64_t deadline,
			 const char *type, const struct buf *body)
{
	struct buf out = BUF_INIT;
	bool ok;

	buf_add_text(&out, type);
	add_number(&out, body->len + 4);
	buf_add(&out, body->data, body->len);
	ok = put(once, deadline, &out);
	buf_release(&out);
	return ok;
}

struct pg_once *pg_once_begin(const char *dsn, const char *application)
{
	struct pg_once *once;
	struct pg_place place;
	struct buf startup = BUF_INIT;
	int fd;

	if (!pg_place_read(&place, dsn))
		return NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return NULL;
	once = mem_zalloc(1, sizeof *once);
	once->fd = fd;
	add_startup(&startup, &place, application);
	if (connect(fd, (const struct sockaddr *)&place.address,
		    sizeof place.address) != 0 ||
	    !send_counted(once, 0, "", &startup)) {
		pg_once_close(once);
		once = NULL;
	}
	buf_release(&startup);
	return once;
}

void pg_once_close(struct pg_once *once)
{
	static const struct buf nothing = BUF_INIT;

	if (!once)
		return;
	if (once->is_open) /* which it would see too, and log as odd */
		(void)!send_counted(once, 0, "X", &nothing);
	close(once->fd);
	buf_release(&once->in);
	free(once);
}

/* --- the question --------------------------------------------------------- */

/* A row: how many values, and of each how long it is, or -1, and its bytes. */
static bool read_row(const struct message *message, struct pg_rows *rows)
{
	const char *at = message->body;
	size_t left = message->len;
	const char **value;

	if (left < 2 || read_short(at) != rows->columns)
		return false;
	at += 2;
	left -= 2;
	value = pg_rows_add(rows);
	for (size_t i = 0; i < rows->columns; i++) {
		uint32_t len;

		if (left < 4)
			return false;
		len = read_number(at);
		at += 4;
		left -= 4;
		if (len == UINT32_MAX)
			len = 0;
		if (len > left)
			return false;
		value[i] = arena_strndup(&rows->arena, at, len);
		at += len;
		left -= len;
	}
	return true;
}

static bool read_rows(struct pg_once *once, int64_t deadline,
		      struct pg_rows *rows)
{
	struct message message;
	bool is_complete = false;

	while (get(once, deadline, &message)) {
		switch (message.type) {
		case 'T': /* the columns: how many, and of what kind */
			if (message.len < 2 || rows->columns)
				return false;
			rows->columns = read_short(message.body);
			break;
		case 'D':
			if (!rows->columns || !read_row(&message, rows))
				return false;
			break;
		case 'C':
			is_complete = true;
			break;
		case 'N':
		case 'S':
			break;
		case 'Z':
			return is_complete;
		default:
			return false;
		}
	}
	return false;
}

bool pg_once_ask(struct pg_once *once, int64_t timeout_ms, const char *sql,
		 struct pg_rows *rows)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct buf question = BUF_INIT;
	bool ok;

	add_string(&question, sql);
	ok = open_session(once, deadline) &&
	     send_counted(once, deadline, "Q", &question) &&
	     read_rows(once, deadline, rows);
	buf_release(&question);
	return ok;
}
