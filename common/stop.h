/*
 * stop.h - being asked to stop
 *
 * SIGTERM and SIGINT ask politely: stop_requested turns true, long waits wake
 * up, and the program finishes or rolls back what is open.  A second signal
 * ends the process at once, which is always safe.  SIGPIPE and SIGXFSZ are
 * ignored: writing says what is wrong.
 */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include <stdbool.h>

/* Installs the handlers; call once, from main, before any thread starts. */
void stop_install(void);

/* True from the first signal on. */
bool stop_requested(void);

/* A descriptor that becomes readable with the first signal and stays so; for
 * poll().  -1 before stop_install. */
int stop_fd(void);

/* Asks as a signal would (for tests and for fatal errors in threads). */
void stop_request(void);

#endif
