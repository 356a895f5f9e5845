#include "common/secrecy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_TRACED = 1 };
#else
enum { IS_TRACED = 0 };
#endif

void secrecy_begin(void)
{
	const char *wanted = getenv("MILLRACE_DUMPABLE");
	const struct rlimit none = {0};

	if (IS_TRACED || (wanted && !strcmp(wanted, "1")))
		return;
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}
