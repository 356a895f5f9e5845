#include "common/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *have(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return have(malloc(size ? size : 1));
}

void *mem_zalloc(size_t count, size_t size)
{
	return have(calloc(count ? count : 1, size ? size : 1));
}

void *mem_realloc(void *p, size_t size)
{
	return have(realloc(p, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return have(strdup(s));
}

char *mem_strndup(const char *s, size_t len)
{
	return have(strndup(s, len));
}

char *mem_format(const char *fmt, ...)
{
	va_list args;
	char *s = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	return have(len < 0 ? NULL : s);
}

void *mem_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted;

	if (count < *capacity)
		return array;
	wanted = *capacity ? *capacity * 2 : 8;
	if (wanted > SIZE_MAX / size)
		have(NULL);
	*capacity = wanted;
	return mem_realloc(array, wanted * size);
}
