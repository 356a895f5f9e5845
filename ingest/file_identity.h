/*
 * file_identity.h - which file this is, by its content
 *
 * Neither a path nor an inode says what a file holds.  A file is known by its
 * bytes: a position row carries the XXH3-128 of all bytes before its
 * anchor_offset, so the rows that belong to a file are those whose hash is
 * that of the file's first anchor_offset bytes, and of them the one that has
 * come farthest says where to go on.  A file never seen before gets a key made
 * of the hash and the size of everything it holds at first sight; that key also
 * recognises a copy of what a since grown file once was.
 *
 * Two files may begin alike.  A row is one file's alone: it goes on only in a
 * file that begins with all that its own held at first sight, however little
 * of that has been loaded.
 */
#ifndef INGEST_FILE_IDENTITY_H
#define INGEST_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ingest/position.h"

struct pg;

struct file_identity {
	char key[96];        /* 'file:<hash>+<size>', of its row */
	int64_t size;        /* bytes at first sight */
	int64_t next_offset; /* where to go on; 0 for a new file */
	bool known;          /* the row exists */
	bool finished;       /* nothing is left to load */
	struct anchor whole; /* hash of everything at first sight */
};

/* Reads the file once and looks for its row.  force: act as if there were
 * none, under a key of its own made with `token`. */
bool file_identity_find(struct pg *pg, int fd, const char *name, bool force,
			const char *token, struct file_identity *identity,
			struct error *err) MUST_CHECK;

/* Whether a row speaks of a file of that size: it is probably this one.  Cheap;
 * only file_identity_find says what is so. */
bool file_identity_is_familiar(struct pg *pg, int fd, const char *name,
			       bool *familiar, struct error *err) MUST_CHECK;

/* Size and hash of all there is. */
bool file_identity_content(int fd, const char *name, struct anchor *content,
			   struct error *err) MUST_CHECK;

/* Whether reading may go on at identity->next_offset: false if the part loaded
 * ended in the middle of a line that has grown since. */
bool file_identity_check_line(int fd, const char *name,
			      const struct file_identity *identity,
			      struct error *err) MUST_CHECK;

#endif
