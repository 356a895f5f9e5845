/*
 * notify.h - telling the service manager how it goes
 *
 * systemd's protocol (sd_notify(3)): a datagram of NAME=value lines to the
 * socket in NOTIFY_SOCKET.  It is documented and stable, and twenty lines of it
 * spare both programs a library that loads five others.  Without that
 * variable nothing happens.
 */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a service manager listens. */
bool notify_is_wanted(void);

/* "READY=1", "STOPPING=1", "STATUS=lag 12", "WATCHDOG=1".  Best effort. */
void notify_send(const char *text);

/* Milliseconds between two signs of life that the manager asks for, with room
 * to spare: a third of WATCHDOG_USEC.  0: it asks for none. */
int64_t notify_watchdog_ms(void);

#endif
