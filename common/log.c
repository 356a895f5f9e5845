#include "common/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program = "millrace";
static enum log_level least = LOG_INFO;
static bool progress_open; /* an unfinished progress line is on the terminal */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

void log_init(const char *name, enum log_level level)
{
	program = name;
	least = level;
}

bool log_is_terminal(void)
{
	return isatty(STDERR_FILENO);
}

static void put_escaped(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n')
			fputs("\\n", stderr);
		else if (c < 0x20 || c == 0x7f)
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	if (level < least)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (progress_open)
		fputc('\n', stderr);
	progress_open = false;
	fprintf(stderr, "%s: %s%s", program,
		level >= LOG_WARNING ? level_names[level] : "",
		level >= LOG_WARNING ? ": " : "");
	put_escaped(text);
	fputc('\n', stderr);
	pthread_mutex_unlock(&lock);
}

void log_progress(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (log_is_terminal()) {
		fprintf(stderr, "\r\033[K%s: %s", program, text);
		progress_open = true;
		fflush(stderr);
	} else if (least <= LOG_INFO) {
		fprintf(stderr, "%s: %s\n", program, text);
	}
	pthread_mutex_unlock(&lock);
}
