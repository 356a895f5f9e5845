#include "common/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

struct endpoint {
	char host[256];
	char port[16];
};

static bool misread(const char *text, struct error *err)
{
	return error_config(err,
			    "%s is no place to listen at: a port (9187), "
			    "HOST:PORT, or the path of a unix socket",
			    text);
}

/* "9187", "host:9187", "[::1]:9187", "*:9187" */
static bool parse(struct endpoint *endpoint, const char *text,
		  struct error *err)
{
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	const char *host = colon ? text : "127.0.0.1";
	size_t len = colon ? (size_t)(colon - text) : strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof endpoint->host || !*port ||
	    strlen(port) > 5 || strspn(port, "0123456789") != strlen(port) ||
	    strtol(port, NULL, 10) > 65535)
		return misread(text, err);
	memcpy(endpoint->host, host, len);
	endpoint->host[len] = '\0';
	memcpy(endpoint->port, port, strlen(port) + 1);
	return true;
}

static bool unix_address(struct sockaddr_un *address, const char *path,
			 struct error *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path)
		return error_config(err, "the path of a unix socket has at "
					 "most 107 bytes");
	memcpy(address->sun_path, path, strlen(path));
	return true;
}

/* What stands there and answers nobody is from a process that was killed. */
static void clear_stale(int fd, const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)address, sizeof *address) !=
		    0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
}

static void limit(int fd, int64_t timeout_ms)
{
	const struct timeval limit = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000),
	};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* timeout_ms < 0: listen, else connect. */
static bool attach(int fd, const struct sockaddr *address, socklen_t len,
		   int64_t timeout_ms)
{
	int yes = 1;

	if (timeout_ms >= 0) {
		limit(fd, timeout_ms);
		return connect(fd, address, len) == 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	return bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0;
}

static bool open_unix(const char *path, int64_t timeout_ms, int *fd,
		      struct error *err)
{
	struct sockaddr_un address;

	if (!unix_address(&address, path, err))
		return false;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (timeout_ms < 0)
		clear_stale(*fd, &address);
	return attach(*fd, (struct sockaddr *)&address, sizeof address,
		      timeout_ms);
}

static bool open_inet(const char *text, int64_t timeout_ms, int *fd,
		      struct error *err)
{
	const struct addrinfo hints = {
		.ai_flags = timeout_ms < 0 ? AI_PASSIVE : 0,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list = NULL;
	struct endpoint endpoint;
	bool any, ok = false;
	int failed;

	if (!parse(&endpoint, text, err))
		return false;
	any = !strcmp(endpoint.host, "*");
	failed = getaddrinfo(any ? NULL : endpoint.host, endpoint.port, &hints,
			     &list);
	if (failed)
		return error_config(err, "%s: %s", text, gai_strerror(failed));
	for (const struct addrinfo *at = list; at && !ok; at = at->ai_next) {
		if (*fd >= 0)
			close(*fd);
		*fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ok = *fd >= 0 &&
		     attach(*fd, at->ai_addr, at->ai_addrlen, timeout_ms);
	}
	freeaddrinfo(list);
	return ok;
}

static bool open_endpoint(const char *text, int64_t timeout_ms, int *fd,
			  struct error *err)
{
	bool ok;

	*fd = -1;
	ok = *text == '/' ? open_unix(text, timeout_ms, fd, err)
			  : open_inet(text, timeout_ms, fd, err);
	if (ok)
		return true;
	if (err->kind == ERROR_NONE)
		error_config(err, "cannot %s %s: %s",
			     timeout_ms < 0 ? "listen at" : "connect to", text,
			     strerror(errno));
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return false;
}

bool endpoint_listen(const char *text, int *fd, struct error *err)
{
	return open_endpoint(text, -1, fd, err);
}

bool endpoint_connect(const char *text, int64_t timeout_ms, int *fd,
		      struct error *err)
{
	return open_endpoint(text, timeout_ms, fd, err);
}
