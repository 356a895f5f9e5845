/*
 * endpoint.h - where something listens: a port, a host and port, or a path
 *
 *   9187              the port of this machine alone (127.0.0.1)
 *   HOST:PORT         an address or name; [::1]:9187 for IPv6, *:9187 for all
 *   /run/x.sock       a unix socket
 */
#ifndef COMMON_ENDPOINT_H
#define COMMON_ENDPOINT_H

#include <stdint.h>

#include "common/error.h"

/* Listens there; *fd is the socket.  A unix socket that nobody listens at any
 * more is replaced. */
bool endpoint_listen(const char *text, int *fd, struct error *err) MUST_CHECK;

/* Connects; *fd is the socket, on which no call waits longer than timeout_ms.
 */
bool endpoint_connect(const char *text, int64_t timeout_ms, int *fd,
		      struct error *err) MUST_CHECK;

#endif
