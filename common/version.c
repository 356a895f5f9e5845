#include "common/version.h"

const char *version_string(void)
{
	return "0.1.0";
}
