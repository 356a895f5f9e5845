#include "common/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"

/* In the order of the pointers. */
static const char *const names[] = {
#define LIBPQ_NAME(function) #function,
	LIBPQ_FUNCTIONS(LIBPQ_NAME)
#undef LIBPQ_NAME
};

enum { NAMES = sizeof names / sizeof *names };

static struct libpq functions;
const struct libpq *_Atomic libpq_loaded;

_Static_assert(sizeof functions == NAMES * sizeof(void *),
	       "one pointer for each name");

static void load(void)
{
	void *library = dlopen("libpq.so.5", RTLD_NOW);
	char *to = (char *)&functions;

	for (size_t i = 0; i < NAMES; i++) {
		void *function = library ? dlsym(library, names[i]) : NULL;

		if (!function) {
			log_line(LOG_ERROR,
				 "libpq, PostgreSQL's client library, cannot "
				 "be loaded: %s; on Debian `apt-get install "
				 "libpq5` brings it",
				 dlerror());
			exit(STATUS_DATABASE);
		}
		memcpy(to + i * sizeof function, &function, sizeof function);
	}
	libpq_loaded = &functions;
}

const struct libpq *libpq_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return libpq_loaded;
}
