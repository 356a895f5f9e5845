#include "tests/support/bluesky_event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/mem.h"
#include "tests/support/bluesky_burst.h"
#include "tests/support/bluesky_op.h"
#include "tests/support/bluesky_text.h"

#define SECOND_US INT64_C(1000000)

/* Users, and how many of the busiest are about equally busy. */
#define POPULATION 300000
#define BUSY       2000
#define PLACES     65536

/* How many operations back a repetition, update or delete reaches. */
#define PAST 8192

struct network {
	struct random random;
	uint64_t seed;
	int64_t start_us;
	int64_t rate;
	int64_t made;          /* events so far */
	uint32_t user[PLACES]; /* by share: the busy have many places */
	struct op past[PAST];
	uint64_t past_count;
	struct burst burst;
	uint64_t burst_count;
	int64_t burst_due; /* its next operation is this event */
};

/* The k-th user has a share of 1 / (k + BUSY), in whole numbers: floating
 * point could differ between machines. */
static void seat_users(struct network *network)
{
	uint64_t total = 0, sum = 0;
	uint32_t place = 0;

	for (uint64_t k = 0; k < POPULATION; k++)
		total += (UINT64_C(1) << 40) / (k + BUSY);
	for (uint32_t k = 0; k < POPULATION && place < PLACES; k++) {
		sum += (UINT64_C(1) << 40) / (k + BUSY);
		while (place < PLACES && place * (total / PLACES) < sum)
			network->user[place++] = k;
	}
}

struct network *network_open(uint64_t seed, int64_t start_us, int64_t rate)
{
	struct network *network = mem_zalloc(1, sizeof *network);

	random_prepare();
	text_prepare();
	network->random.state = random_mix(seed, 0);
	network->seed = seed;
	network->start_us = start_us;
	network->rate = rate;
	network->burst_due = 100;
	seat_users(network);
	return network;
}

void network_close(struct network *network)
{
	free(network);
}

/* One place holds many of the quiet users. */
static uint64_t pick_user(struct network *network)
{
	uint32_t place = random_below(&network->random, PLACES);
	uint32_t first = network->user[place];
	uint32_t next =
		place + 1 < PLACES ? network->user[place + 1] : POPULATION;
	uint32_t more =
		next > first ? random_below(&network->random, next - first) : 0;

	return random_mix(0x6d696c6c72616365, first + more);
}

static enum collection pick_collection(struct random *random)
{
	uint32_t left = random_below(random, 1000000);
	int i = 0;

	for (; i < COLLECTION_LIST; i++) {
		uint32_t share = collection_share((enum collection)i);

		if (left < share)
			break;
		left -= share;
	}
	return (enum collection)i;
}

/* Most late events are seconds late, some hours, few days. */
static int64_t lateness_us(struct random *random)
{
	uint32_t which = random_below(random, 100);

	if (which < 70)
		return random_below(random, 10 * 1000000);
	if (which < 95)
		return random_below(random, 7200) * SECOND_US + 17;
	return random_below(random, 3 * 86400) * SECOND_US + 23;
}

/* The clock of this event: steady, with some jitter inside the step. */
static int64_t now_us(struct network *network)
{
	int64_t made = network->made;
	int64_t step = SECOND_US / network->rate;
	int64_t at = network->start_us + made / network->rate * SECOND_US +
		     made % network->rate * SECOND_US / network->rate;

	if (step > 1)
		at += random_below(&network->random, (uint32_t)step);
	return at;
}

static struct op fresh(struct network *network)
{
	struct random *random = &network->random;
	struct op op = {.action = ACTION_CREATE};

	op.at_us = now_us(network);
	op.user = pick_user(network);
	op.content = random_bits(random);
	op.collection = pick_collection(random);
	op.is_null = random_chance(random, 1000);
	if (random_chance(random, 5000))
		op.at_us -= lateness_us(random);
	if (random_chance(random, 500))
		op.at_us -= op.at_us % SECOND_US; /* no fraction is written */
	op.created_us = op.at_us - random_below(random, 1500000);
	op.tid = tid_at(op.created_us, op.content);
	if (op.collection == COLLECTION_PROFILE && op.content % 4)
		op.action = ACTION_UPDATE;
	op.previous = random_mix(op.content, 3);
	return op;
}

/* The same event, seen earlier by another server or later after a reconnect,
 * but never in the future. */
static void shift(struct op *op, struct random *random, int64_t now)
{
	uint32_t limit = random_below(random, 2) ? 1000 : 90000000;
	int64_t by_us = 1 + random_below(random, limit);

	op->at_us += random_below(random, 3) ? by_us : -by_us;
	if (op->at_us > now)
		op->at_us = now;
}

/* Something done to an earlier operation, now. */
static struct op follow_up(struct network *network, enum action action)
{
	struct random *random = &network->random;
	struct op op = network->past[random_bits(random) % network->past_count];

	if (op.action != ACTION_CREATE)
		return op;
	op.action = action;
	op.previous = op.content;
	if (random_below(random, 8)) /* else an update that changes nothing */
		op.content = random_bits(random);
	op.at_us = now_us(network);
	return op;
}

static struct op pick_op(struct network *network)
{
	struct random *random = &network->random;
	uint32_t which = random_below(random, 1000);
	struct op op;

	if (which >= 48 || !network->past_count)
		return fresh(network);
	if (which < 30)
		return follow_up(network, ACTION_DELETE);
	if (which < 35)
		return follow_up(network, ACTION_UPDATE);
	op = network->past[random_bits(random) % network->past_count];
	if (which < 38)
		shift(&op, random, now_us(network));
	return op;
}

/* The operation of a burst that is due, if one is. */
static bool pick_burst(struct network *network, struct op *op)
{
	struct random *random = &network->random;
	struct burst *burst = &network->burst;

	if (network->made < network->burst_due)
		return false;
	if (!burst->plan) {
		uint64_t number = network->burst_count++;
		uint64_t user = number % 3 == 2
					? pick_user(network)
					: random_mix(network->seed, number + 4);

		burst_begin(burst, number, user, now_us(network));
	}
	if (burst_next(burst, op)) {
		network->burst_due =
			network->made + 1 + random_below(random, 16);
		return true;
	}
	network->burst_due = network->made + 100 + random_below(random, 1000);
	return false;
}

char *network_put_next(struct network *network, char *to)
{
	struct op op;

	if (!pick_burst(network, &op))
		op = pick_op(network);
	network->past[network->made % PAST] = op;
	if (network->past_count < PAST)
		network->past_count++;
	network->made++;
	return op_put(to, &op);
}
