#include "common/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
#define FAULT_NAME(symbol, name) [symbol] = (name),
	FAULT_POINTS(FAULT_NAME)
#undef FAULT_NAME
};

static int armed = -1;   /* the fault point chosen, or -1 */
static atomic_long left; /* passes until it strikes */

bool fault_init(void)
{
	const char *value = getenv("MILLRACE_FAULT");
	const char *colon;
	size_t len;

	if (!value || !*value)
		return true;
	colon = strchr(value, ':');
	len = colon ? (size_t)(colon - value) : strlen(value);
	for (int i = 0; i < FAULT_COUNT; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], value, len)) {
			atomic_store(&left,
				     colon ? strtol(colon + 1, NULL, 10) : 1);
			armed = i;
			return true;
		}
	}
	return false;
}

const char *fault_name(enum fault fault)
{
	return names[fault];
}

void fault_hit(enum fault fault)
{
	if ((int)fault == armed && atomic_fetch_sub(&left, 1) == 1)
		kill(getpid(), SIGKILL);
}

#ifdef MILLRACE_MUTANTS
bool mutant(const char *name)
{
	const char *chosen = getenv("MILLRACE_MUTANT");

	return chosen && !strcmp(chosen, name);
}
#endif
