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
	char text[2 * sizeof err->text] = "";
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(text, sizeof err->text - 1, fmt, args);
	va_end(args);
	used = strlen(text);
	snprintf(text + used, sizeof text - used, ": %s", err->text);
	memcpy(err->text, text, sizeof err->text - 1);
	err->text[sizeof err->text - 1] = '\0';
	return false;
}
