#include "common/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log_format.h"
#include "common/log_repeat.h"

static const char *shown = "millrace"; /* the program's name */
static enum log_level threshold = LOG_INFO;
static bool progress_open; /* an unfinished progress line is on the terminal */
static struct buf line;    /* being composed */
static enum log_format format = LOG_TEXT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

const char *const log_formats[] = {[LOG_TEXT] = "text",
				   [LOG_LOGFMT] = "logfmt",
				   [LOG_JSON] = "json",
				   NULL};

void log_init(const char *name, enum log_level level)
{
	shown = name;
	threshold = level;
}

void log_set_format(enum log_format wanted)
{
	format = wanted;
}

bool log_is_terminal(void)
{
	return isatty(STDERR_FILENO);
}

/* Writes what has been composed, at once: other programs write to the same
 * stderr. */
static void write_line(void)
{
	fwrite(line.data, 1, line.len, stderr);
	fflush(stderr);
	buf_reset(&line);
}

static void add_escaped(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n')
			buf_add_text(&line, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_format(&line, "\\x%02x", c);
		else
			buf_add_byte(&line, *s);
	}
}

/* Under the lock. */
static void write_sentence(enum log_level level, const char *text)
{
	if (progress_open)
		buf_add_byte(&line, '\n');
	progress_open = false;
	if (format == LOG_TEXT) {
		buf_format(&line, "%s: %s%s", shown,
			   level >= LOG_WARNING ? level_names[level] : "",
			   level >= LOG_WARNING ? ": " : "");
		add_escaped(text);
		buf_add_byte(&line, '\n');
	} else {
		log_format_add(&line, format, level_names[level], shown, text);
	}
	write_line();
}

/* Under the lock: the warnings of which only the number is to be told. */
static void write_left(bool all)
{
	char text[1024];

	while (log_repeat_left(all, text, sizeof text))
		write_sentence(LOG_WARNING, text);
}

void log_end(void)
{
	pthread_mutex_lock(&lock);
	write_left(true);
	pthread_mutex_unlock(&lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	if (level < threshold)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (level != LOG_WARNING || log_repeat_says(text, sizeof text))
		write_sentence(level, text);
	write_left(false);
	pthread_mutex_unlock(&lock);
}

void log_progress(const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (!log_is_terminal() && threshold > LOG_INFO)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (format != LOG_TEXT) {
		log_format_add_progress(&line, format, shown, text);
		write_line();
		pthread_mutex_unlock(&lock);
		return;
	}
	progress_open = log_is_terminal();
	buf_format(&line, progress_open ? "\r\033[K%s: " : "%s: ", shown);
	add_escaped(text);
	if (!progress_open)
		buf_add_byte(&line, '\n');
	write_line();
	pthread_mutex_unlock(&lock);
}
