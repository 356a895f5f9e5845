/* The HTTP server of the monitor: GET of three small texts. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/endpoint.h"
#include "common/exposition.h"
#include "common/log.h"
#include "common/mem.h"
#include "ingest/monitor.h"

/* Whoever connects and says nothing keeps the others waiting for no longer than
 * that, and from one address never all of them. */
enum { CONNECTIONS = 256, CONNECTIONS_PER_ADDRESS = 64, IDLE_SECONDS = 2 };
enum { CONNECTION_BYTES = 16384 };

struct monitor_http {
	struct MHD_Daemon *daemon;
	struct monitor *monitor;
	char *path; /* of the unix socket, or NULL */
};

static enum MHD_Result reply(struct MHD_Connection *connection, int status,
			     const char *type, const char *text, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	result = MHD_queue_response(connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **seen)
{
	static const char plain[] = "text/plain; charset=utf-8";
	struct monitor_http *http = context;
	struct buf text = BUF_INIT;
	enum MHD_Result result;
	const char *why = "not here: /metrics, /healthz, /readyz\n";
	int status = MHD_HTTP_NOT_FOUND;

	(void)version;
	(void)upload;
	if (!*seen) { /* the body, if any, is still to come */
		*seen = http;
		return MHD_YES;
	}
	*upload_size = 0;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "",
			     0);
	if (!strcmp(url, "/metrics")) {
		monitor_metrics(http->monitor, &text);
		result = reply(connection, MHD_HTTP_OK, EXPOSITION_TYPE,
			       text.data, text.len);
		buf_release(&text);
		return result;
	}
	if (!strcmp(url, "/healthz"))
		status = monitor_health(http->monitor, &why);
	else if (!strcmp(url, "/readyz"))
		status = monitor_ready(http->monitor, &why);
	return reply(connection, status, plain, why, strlen(why));
}

bool monitor_http_start(struct monitor_http **out, struct monitor *monitor,
			const char *listen, struct error *err)
{
	struct monitor_http *http;
	int fd;

	if (!endpoint_listen(listen, &fd, err))
		return error_context(err, "metrics-listen");
	http = mem_zalloc(1, sizeof *http);
	http->monitor = monitor;
	http->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, http,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_PER_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_END);
	if (!http->daemon) {
		close(fd);
		free(http);
		return error_config(err,
				    "metrics-listen: the server at %s "
				    "does not start",
				    listen);
	}
	if (*listen == '/')
		http->path = mem_strdup(listen);
	log_line(LOG_INFO, "metrics: %s", listen);
	*out = http;
	return true;
}

void monitor_http_stop(struct monitor_http *http)
{
	if (!http)
		return;
	if (http->path) /* while nobody else can have it */
		unlink(http->path);
	MHD_stop_daemon(http->daemon);
	free(http->path);
	free(http);
}
