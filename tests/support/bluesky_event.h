/*
 * bluesky_event.h - the generated network: one line of JSON per event
 *
 * A network is a function of (seed, start, rate): the same three give the same
 * lines for ever.  It has a fixed population with few busy and many quiet
 * users, the collections in the proportions of a billion real events, and the
 * dirt of real ones: deliveries repeated, late and out of order, deletes and
 * updates, records that are null, bursts of likes on both sides of "50 in less
 * than 60 seconds".
 */
#ifndef SUPPORT_BLUESKY_EVENT_H
#define SUPPORT_BLUESKY_EVENT_H

#include <stdint.h>

/* The most bytes of one line, newline included. */
#define EVENT_MAX 16384

struct network;

/* start_us: the clock of the first event, microseconds since 1970 (UTC).
 * rate: events per second of that clock; 1 to 1,000,000. */
struct network *network_open(uint64_t seed, int64_t start_us, int64_t rate);
void network_close(struct network *network);

/* Writes the next line, with its newline, at `to`, which has room for
 * EVENT_MAX bytes; returns where it stopped. */
char *network_put_next(struct network *network, char *to);

#endif
