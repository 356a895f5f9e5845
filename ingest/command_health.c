/* `handle-streams health`: for a container without a shell or curl. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/endpoint.h"
#include "ingest/commands.h"
#include "ingest/options.h"

enum { ASK_MS = 3000 };

/* The first bytes of the answer: its status and its few words. */
static bool ask(int fd, char *answer, size_t size)
{
	static const char question[] = "GET /readyz HTTP/1.1\r\n"
				       "Host: localhost\r\n"
				       "Connection: close\r\n\r\n";
	size_t len = 0;
	ssize_t n = send(fd, question, sizeof question - 1, MSG_NOSIGNAL);

	if (n != (ssize_t)sizeof question - 1)
		return false;
	while (len < size - 1 &&
	       (n = recv(fd, answer + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	return n >= 0 && !strncmp(answer, "HTTP/1.", 7);
}

bool command_health(const struct options *options, struct error *err)
{
	const char *at = options->operand_count ? options->operand[0]
						: options->metrics_listen;
	char answer[2048];
	const char *body;
	bool answered;
	int fd;

	if (!*at || options->operand_count > 1)
		return error_set(err, ERROR_FATAL, STATUS_USAGE,
				 "health takes the place that --metrics-listen "
				 "of the running program names");
	if (!endpoint_connect(at, ASK_MS, &fd, err)) {
		err->status = STATUS_SOURCE;
		return false;
	}
	answered = ask(fd, answer, sizeof answer);
	close(fd);
	if (!answered)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "what listens at %s gives no answer", at);
	if (strstr(answer, " 200 "))
		return true;
	body = strstr(answer, "\r\n\r\n");
	body = body ? body + 4 : "";
	return error_set(err, ERROR_FATAL, STATUS_DATABASE, "not ready: %.*s",
			 (int)strcspn(body, "\r\n"), body);
}
