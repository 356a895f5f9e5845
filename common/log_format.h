/*
 * log_format.h - a log line for machines
 *
 * Private to log*.c.  Keys are time (RFC 3339, UTC), level, program, pid,
 * message; progress has message "progress" and its own key=value pairs.
 */
#ifndef COMMON_LOG_FORMAT_H
#define COMMON_LOG_FORMAT_H

#include "common/log.h"

struct buf;

/* One event, with its line end.  format: not LOG_TEXT. */
void log_format_add(struct buf *out, enum log_format format, const char *level,
		    const char *program, const char *text);

/* Progress: text is key=value pairs; a value may hold spaces. */
void log_format_add_progress(struct buf *out, enum log_format format,
			     const char *program, const char *text);

#endif
