/*
 * error.h - what went wrong, and whether trying again can help
 *
 * A function that can fail returns bool and takes a `struct error *err` as its
 * last parameter.  On true, *err is untouched.  On false, *err says why, in a
 * sentence fit for the operator, and nothing has been printed: reporting is
 * the caller's business.  `err` is never NULL.
 *
 * Sentences are lower case without a full stop, say what and where, and name
 * the remedy where it is known.  They never hold a secret or row content.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum error_kind {
	ERROR_NONE,      /* nothing has failed */
	ERROR_TRANSIENT, /* the same call may succeed later: back off, retry */
	ERROR_DATA,      /* this record is at fault: set it aside, go on */
	ERROR_FATAL,     /* retrying cannot help: stop */
	ERROR_STOPPED,   /* asked to stop before it had begun: no failure */
};

/* The exit codes of both programs; the manual's table is this one. */
enum exit_status {
	STATUS_DONE = 0,     /* done, or politely stopped */
	STATUS_USAGE = 1,    /* the command line makes no sense */
	STATUS_CONFIG = 2,   /* a setting, stream or model file is wrong */
	STATUS_DATA = 3,     /* too many rejects, failed tests or models */
	STATUS_DATABASE = 4, /* PostgreSQL cannot be reached or refuses */
	STATUS_SOURCE = 5,   /* the input cannot be read */
	STATUS_FENCED = 6,   /* a gap in the input, or another owner */
};

struct error {
	enum error_kind kind;
	enum exit_status status;
	char sqlstate[6]; /* of PostgreSQL's ERROR; "" if there was none */
	bool lost;        /* no answer came: the server may still have acted */
	char text[1024];  /* NUL-terminated; truncated, never overrun */
};

#define ERROR_INIT ((struct error){.kind = ERROR_NONE})

/* Sets *err.  Always returns false, so that a failing function can end with
 * `return error_set(err, ...)`. */
bool error_set(struct error *err, enum error_kind kind, enum exit_status status,
	       const char *fmt, ...)
	__attribute__((format(printf, 4, 5), nonnull(1, 4)));

/* Shorthand for the commonest: ERROR_FATAL with STATUS_CONFIG. */
bool error_config(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* Puts "context: " before the text already in *err.  Always returns false. */
bool error_context(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

#endif
