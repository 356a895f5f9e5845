/*
 * log.h - what operators read on stderr
 *
 * One line an event, `program: sentence` or `program: warning: sentence`;
 * progress is `program: key=value ...`.  For machines the same as key=value
 * throughout, or as one JSON object a line, with time, level, program, pid and
 * message.  A warning that says the same as one of the last half minute is
 * only counted; the next that is written, or the end, tells how many there
 * were.  Never row content, never a secret.  stdout carries data only and is
 * not touched here.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Sets the program's name, shown first in every line, and the least level that
 * is written (LOG_INFO until called). */
void log_init(const char *name, enum log_level level);

/* How lines look; LOG_TEXT until called. */
enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON };
void log_set_format(enum log_format wanted);

/* The formats by name, as a setting takes them; ends with NULL. */
extern const char *const log_formats[];

/* Writes one sentence.  Control characters in it are escaped. */
void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The end of the program: tells how often warnings were held back. */
void log_end(void);

/* Shows work going on: on a terminal the line replaces the one before it,
 * elsewhere it is a line of its own at LOG_INFO. */
void log_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether stderr is a terminal. */
bool log_is_terminal(void);

#endif
