#include "ingest/file_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/mem.h"
#include "common/pg.h"
#include "common/stop.h"

enum { READ_BYTES = 1024 * 1024, ANSWER_MS = 30000 };

/* A pass over the file. */
struct pass {
	int fd;
	const char *name;
	char *buf;
	XXH3_state_t *state;
	int64_t offset; /* bytes digested */
};

static bool digest_until(struct pass *pass, int64_t end, struct error *err)
{
	while (pass->offset < end) {
		int64_t left = end - pass->offset;
		size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
		ssize_t n = pread(pass->fd, pass->buf, want, pass->offset);

		if (stop_requested())
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "not read to its end");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "cannot read %s: %s", pass->name,
					 strerror(errno));
		if (n == 0)
			return error_set(err, ERROR_FATAL, STATUS_SOURCE,
					 "%s was truncated while it was read",
					 pass->name);
		XXH3_128bits_update(pass->state, pass->buf, (size_t)n);
		pass->offset += n;
	}
	return true;
}

static void digest(const struct pass *pass, struct anchor *anchor,
		   char hex[2 * ANCHOR_BYTES + 1])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(pass->state));
	anchor->offset = pass->offset;
	memcpy(anchor->hash, canonical.digest, ANCHOR_BYTES);
	for (size_t i = 0; i < ANCHOR_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", anchor->hash[i]);
}

/*
 * Rows that may be the file's, and the hash that its first bytes must have.
 * That is the anchor's or, where the anchor lies before the size that the row's
 * file had at first sight, the one in the key: another file may well begin
 * with what has been loaded so far.
 */
static const char candidates_query[] =
	"with r as (select source, next_offset, anchor_offset, "
	"encode(anchor_hash, 'hex') as anchor_hash, "
	"substring(source from '^file:([0-9a-f]{32})') as first_hash, "
	"coalesce(substring(source from '^file:[0-9a-f]{32}[+]([0-9]+)')"
	"::bigint, 0) as first_size from millrace.position "
	"where source like 'file:%' and part = 0 "
	"and anchor_offset is not null) "
	"select source, next_offset, greatest(anchor_offset, first_size) as "
	"till, case when anchor_offset < first_size then first_hash "
	"else anchor_hash end from r "
	"where greatest(anchor_offset, first_size) <= $1::bigint "
	"order by till";

static bool fetch_candidates(struct pg *pg, int64_t size, PGresult **out,
			     struct error *err)
{
	char text[32];
	const char *const values[] = {text};

	snprintf(text, sizeof text, "%lld", (long long)size);
	return pg_fetch_params(pg, ANSWER_MS, err, out, candidates_query, 1,
			       values);
}

/* Digests the file once, stopping where a candidate has a hash. */
static bool match_candidates(struct pass *pass, const PGresult *res,
			     struct file_identity *identity, struct error *err)
{
	char hex[2 * ANCHOR_BYTES + 1] = "";
	struct anchor here;

	for (int i = 0; i < PQntuples(res); i++) {
		int64_t at = pg_number(res, i, 2);
		int64_t next = pg_number(res, i, 1);

		if (i == 0 || at > pass->offset) {
			if (!digest_until(pass, at, err))
				return false;
			digest(pass, &here, hex);
		}
		if (strcmp(hex, PQgetvalue(res, i, 3)) != 0 ||
		    (identity->known && next <= identity->next_offset))
			continue;
		identity->known = true;
		identity->next_offset = next;
		snprintf(identity->key, sizeof identity->key, "%s",
			 PQgetvalue(res, i, 0));
	}
	return true;
}

/* A row whose key is the hash of all there is: a copy of what a file once
 * was, now loaded beyond it. */
static bool match_key(struct pg *pg, const char *key,
		      struct file_identity *identity, struct error *err)
{
	const char *const values[] = {key};
	PGresult *res = NULL;

	if (!pg_fetch_params(pg, ANSWER_MS, err, &res,
			     "select next_offset from millrace.position "
			     "where source = $1 and part = 0",
			     1, values))
		return false;
	if (PQntuples(res) == 1 && pg_number(res, 0, 0) >= identity->size) {
		identity->known = true;
		identity->next_offset = identity->size;
		snprintf(identity->key, sizeof identity->key, "%s", key);
	}
	PQclear(res);
	return true;
}

static bool find(struct pg *pg, struct pass *pass, bool force,
		 const char *token, struct file_identity *identity,
		 struct error *err)
{
	char hex[2 * ANCHOR_BYTES + 1];
	PGresult *res = NULL;
	char key[64];
	bool ok;

	if (!force) {
		if (!fetch_candidates(pg, identity->size, &res, err))
			return false;
		ok = match_candidates(pass, res, identity, err);
		PQclear(res);
		if (!ok)
			return false;
	}
	if (!digest_until(pass, identity->size, err))
		return false;
	digest(pass, &identity->whole, hex);
	snprintf(key, sizeof key, "file:%s+%lld", hex,
		 (long long)identity->size);
	if (!force && !match_key(pg, key, identity, err))
		return false;
	if (force)
		snprintf(identity->key, sizeof identity->key, "%s/%s", key,
			 token);
	else if (!identity->known)
		snprintf(identity->key, sizeof identity->key, "%s", key);
	identity->finished =
		identity->known && identity->next_offset >= identity->size;
	return true;
}

static bool measure(int fd, const char *name, int64_t *size, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot look at %s: %s", name,
				 strerror(errno));
	*size = st.st_size;
	return true;
}

static bool open_pass(struct pass *pass, int64_t *size, struct error *err)
{
	if (!measure(pass->fd, pass->name, size, err))
		return false;
	pass->buf = mem_alloc(READ_BYTES);
	pass->state = XXH3_createState();
	if (!pass->state)
		abort();
	XXH3_128bits_reset(pass->state);
	return true;
}

static void close_pass(struct pass *pass)
{
	XXH3_freeState(pass->state);
	free(pass->buf);
}

bool file_identity_content(int fd, const char *name, struct anchor *content,
			   struct error *err)
{
	struct pass pass = {.fd = fd, .name = name};
	char hex[2 * ANCHOR_BYTES + 1];
	int64_t size = 0;
	bool ok;

	if (!open_pass(&pass, &size, err))
		return false;
	ok = digest_until(&pass, size, err);
	if (ok)
		digest(&pass, content, hex);
	close_pass(&pass);
	return ok;
}

bool file_identity_find(struct pg *pg, int fd, const char *name, bool force,
			const char *token, struct file_identity *identity,
			struct error *err)
{
	struct pass pass = {.fd = fd, .name = name};
	bool ok;

	*identity = (struct file_identity){0};
	if (!open_pass(&pass, &identity->size, err))
		return false;
	ok = find(pg, &pass, force, token, identity, err);
	close_pass(&pass);
	return ok;
}

bool file_identity_is_familiar(struct pg *pg, int fd, const char *name,
			       bool *familiar, struct error *err)
{
	/* it is finished, or had that size at first sight */
	static const char query[] =
		"select from millrace.position where part = 0 "
		"and (source like 'file:%+' || $1 || '%' "
		"or (source like 'file:%' and next_offset = $1::bigint)) "
		"limit 1";
	char text[32];
	const char *const values[] = {text};
	PGresult *res = NULL;
	int64_t size = 0;

	if (!measure(fd, name, &size, err))
		return false;
	snprintf(text, sizeof text, "%lld", (long long)size);
	if (!pg_fetch_params(pg, ANSWER_MS, err, &res, query, 1, values))
		return false;
	*familiar = PQntuples(res) == 1;
	PQclear(res);
	return true;
}

bool file_identity_check_line(int fd, const char *name,
			      const struct file_identity *identity,
			      struct error *err)
{
	int64_t at = identity->next_offset;
	char around[3] = {0};
	ssize_t n;

	if (at == 0 || at >= identity->size)
		return true;
	n = pread(fd, around, sizeof around, at - 1);
	if (n < 2)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot read %s again at byte %lld", name,
				 (long long)at);
	if (around[0] == '\n' || around[1] == '\n' ||
	    (around[1] == '\r' && around[2] == '\n'))
		return true;
	return error_set(err, ERROR_FATAL, STATUS_FENCED,
			 "%s was loaded up to byte %lld, where it ended "
			 "without a line end, and that line has grown since; "
			 "part of it is loaded already: correct that row and "
			 "load the rest as a file of its own, or load "
			 "everything again with --force",
			 name, (long long)at);
}
