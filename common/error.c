#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(struct error *err, enum error_kind kind,
		enum exit_status status, const char *fmt, va_list args)
	__attribute__((format(printf, 4, 0)));

static void set(struct error *err, enum error_kind kind,
		enum exit_status status, const char *fmt, va_list args)
{
	err->kind = kind;
	err->status = status;
	err->sqlstate[0] = '\0';
	err->lost = false;
	vsnprintf(err->text, sizeof err->text, fmt, args);
}

bool error_set(struct error *err, enum error_kind kind, enum exit_status status,
	       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(err, kind, status, fmt, args);
	va_end(args);
	return false;
}

bool error_config(struct error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(err, ERROR_FATAL, STATUS_CONFIG, fmt, args);
	va_end(args);
	return false;
}

bool error_context(struct error *err, const char *fmt, ...)
{
	char inner[sizeof err->text];
	va_list args;
	int used;

	memcpy(inner, err->text, sizeof inner);
	va_start(args, fmt);
	used = vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	if (used >= 0 && (size_t)used < sizeof err->text)
		snprintf(err->text + used, sizeof err->text - (size_t)used,
			 ": %s", inner);
	return false;
}
