/*
 * log.h - what operators read on stderr
 *
 * One line an event, `program: sentence` or `program: warning: sentence`;
 * progress is `program: key=value ...`.  Never row content, never a secret.
 * stdout carries data only and is not touched here.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Sets the program's name, shown first in every line, and the least level that
 * is written (LOG_INFO until called). */
void log_init(const char *name, enum log_level level);

/* Writes one sentence.  Control characters in it are escaped. */
void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Shows work going on: on a terminal the line replaces the one before it,
 * elsewhere it is a line of its own at LOG_INFO. */
void log_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether stderr is a terminal. */
bool log_is_terminal(void);

#endif
