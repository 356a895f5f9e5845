#include "common/version.h"

#include <jansson.h>
#include <xxhash.h>

#include "commit.inc" /* MILLRACE_COMMIT */
#include "common/libpq.h"

static const char commit[] = MILLRACE_COMMIT;

const char *version_string(void)
{
	return "0.1.0";
}

const char *version_commit(void)
{
	return commit;
}

void version_print(const char *program, FILE *out)
{
	int client = PQlibVersion();
	unsigned xxhash = XXH_versionNumber();

	fprintf(out, "%s %s%s%s%s\n", program, version_string(),
		*commit ? " (" : "", commit, *commit ? ")" : "");
	fprintf(out, "libpq %d.%d\n", client / 10000, client % 10000);
	fprintf(out, "jansson %s\n", JANSSON_VERSION);
	fprintf(out, "xxhash %u.%u.%u\n", xxhash / 10000, xxhash / 100 % 100,
		xxhash % 100);
}
