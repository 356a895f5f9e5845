#include "tests/support/bluesky_burst.h"

#include <stddef.h>

#define SECOND_US INT64_C(1000000)

/* What follows the likes. */
enum twist {
	TWIST_NONE,
	TWIST_REPEAT_ONE,    /* the first once more: still 49 */
	TWIST_DELETE_ONE,    /* the first is taken back: it was given */
	TWIST_FIRST_EARLIER, /* once more, seen one microsecond earlier */
	TWIST_LAST_EARLIER,
	TWIST_LAST_LATER,
};

struct burst_plan {
	int likes;
	int64_t span_us; /* from the first like to the last */
	enum twist twist;
	bool is_backwards; /* delivered last one first */
	bool is_null;      /* without their records */
};

static const struct burst_plan plans[] = {
	{50, 60 * SECOND_US - 1, TWIST_NONE, false, false},          /* fast */
	{50, 60 * SECOND_US, TWIST_NONE, false, false},              /* not */
	{49, 5 * SECOND_US, TWIST_NONE, false, false},               /* not */
	{50, 9 * SECOND_US, TWIST_NONE, true, false},                /* fast */
	{49, 30 * SECOND_US, TWIST_REPEAT_ONE, false, false},        /* not */
	{50, 0, TWIST_NONE, false, false},                           /* fast */
	{50, 60 * SECOND_US - 1, TWIST_FIRST_EARLIER, false, false}, /* not */
	{120, 100 * SECOND_US, TWIST_NONE, false, false},            /* fast */
	{49, 40 * SECOND_US, TWIST_DELETE_ONE, true, false},         /* not */
	{50, 60 * SECOND_US, TWIST_LAST_EARLIER, false, false},      /* fast */
	{75, 100 * SECOND_US, TWIST_NONE, true, false},              /* not */
	{51, 59 * SECOND_US, TWIST_DELETE_ONE, false, true},         /* fast */
	{50, 60 * SECOND_US - 1, TWIST_LAST_LATER, true, false},     /* fast */
	{50, 60 * SECOND_US - 1, TWIST_REPEAT_ONE, true, true},      /* fast */
};

#define PLANS (sizeof plans / sizeof plans[0])

void burst_begin(struct burst *burst, uint64_t number, uint64_t user,
		 int64_t now_us)
{
	const struct burst_plan *plan = &plans[number % PLANS];
	int64_t gap_us = (int64_t)(random_mix(user, number) % 30000000);

	*burst = (struct burst){
		.plan = plan,
		.user = user,
		.start_us = now_us - plan->span_us - gap_us - 1,
	};
}

/* The which-th like, in order of time. */
static struct op like(const struct burst *burst, int which)
{
	const struct burst_plan *plan = burst->plan;
	int64_t at_us =
		burst->start_us + plan->span_us * which / (plan->likes - 1);

	return (struct op){
		.at_us = at_us,
		.created_us = at_us - 250000,
		.user = burst->user,
		.tid = tid_at(at_us, (uint64_t)which),
		.content = random_mix(burst->user ^ (uint64_t)burst->start_us,
				      (uint64_t)which),
		.action = ACTION_CREATE,
		.collection = COLLECTION_LIKE,
		.is_null = plan->is_null,
	};
}

static struct op twisted(const struct burst *burst)
{
	struct op first = like(burst, 0);
	struct op last = like(burst, burst->plan->likes - 1);

	switch (burst->plan->twist) {
	case TWIST_NONE:
	case TWIST_REPEAT_ONE:
		break;
	case TWIST_DELETE_ONE:
		first.action = ACTION_DELETE;
		first.previous = first.content;
		first.at_us += burst->plan->span_us;
		break;
	case TWIST_FIRST_EARLIER:
		first.at_us--;
		break;
	case TWIST_LAST_EARLIER:
		last.at_us--;
		return last;
	case TWIST_LAST_LATER:
		last.at_us++;
		return last;
	}
	return first;
}

bool burst_next(struct burst *burst, struct op *op)
{
	const struct burst_plan *plan = burst->plan;
	int which = burst->next++;

	if (!plan)
		return false;
	if (which < plan->likes) {
		*op = like(burst, plan->is_backwards ? plan->likes - 1 - which
						     : which);
		return true;
	}
	if (which == plan->likes && plan->twist != TWIST_NONE) {
		*op = twisted(burst);
		return true;
	}
	burst->plan = NULL;
	return false;
}
