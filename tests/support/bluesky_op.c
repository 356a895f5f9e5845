#include "tests/support/bluesky_op.h"

#include "tests/support/bluesky_stamp.h"
#include "tests/support/bluesky_text.h"

/* Shares as counted in a billion events of late 2024; what is rarer than all
 * of these is added to the lists. */
static const struct {
	const char *name;
	uint32_t share;
} collections[COLLECTION_COUNT] = {
	[COLLECTION_LIKE] = {"app.bsky.feed.like", 476200},
	[COLLECTION_FOLLOW] = {"app.bsky.graph.follow", 334700},
	[COLLECTION_POST] = {"app.bsky.feed.post", 95100},
	[COLLECTION_REPOST] = {"app.bsky.feed.repost", 59500},
	[COLLECTION_BLOCK] = {"app.bsky.graph.block", 16400},
	[COLLECTION_PROFILE] = {"app.bsky.actor.profile", 8100},
	[COLLECTION_LISTITEM] = {"app.bsky.graph.listitem", 7900},
	[COLLECTION_LISTBLOCK] = {"app.bsky.graph.listblock", 800},
	[COLLECTION_THREADGATE] = {"app.bsky.feed.threadgate", 400},
	[COLLECTION_LIST] = {"app.bsky.graph.list", 900},
};

uint32_t collection_share(enum collection collection)
{
	return collections[collection].share;
}

/* Client-made: mostly milliseconds and Z, sometimes anything else. */
static char *put_created(char *to, struct random *random, int64_t created_us)
{
	uint32_t which = random_below(random, 1000);

	to = PUT(to, "\"createdAt\": \"");
	if (which < 13) {
		to = stamp_put_seconds(to, created_us);
		to = PUT(to, "Z");
	} else if (which < 40) {
		to = stamp_put_python(to, created_us);
		to = PUT(to, "Z");
	} else if (which < 50) {
		to = stamp_put_millis(to, created_us + INT64_C(7200000000));
		to = PUT(to, "+02:00");
	} else if (which < 51) {
		to = PUT(to, "2012-02-29T23:59:60Z");
	} else if (which < 52) {
		to = PUT(to, "2099-01-01T00:00:00.000Z");
	} else {
		to = stamp_put_millis(to, created_us);
		to = PUT(to, "Z");
	}
	return PUT(to, "\"");
}

/* A post that somebody likes, answers or shares. */
static char *put_post_uri(char *to, uint64_t post)
{
	to = PUT(to, "at://");
	to = put_did(to, random_mix(post, 1));
	to = PUT(to, "/app.bsky.feed.post/");
	return put_tid(to,
		       tid_at(INT64_C(1741000000000000) + (int64_t)(post >> 24),
			      post));
}

static char *put_subject_post(char *to, uint64_t post)
{
	to = PUT(to, "\"subject\": {\"cid\": \"");
	to = put_cid(to, post);
	to = PUT(to, "\", \"uri\": \"");
	to = put_post_uri(to, post);
	return PUT(to, "\"}, ");
}

static char *put_subject_user(char *to, uint64_t user)
{
	to = PUT(to, "\"subject\": \"");
	to = put_did(to, user);
	return PUT(to, "\", ");
}

static char *put_list_uri(char *to, const struct op *op, uint64_t list)
{
	to = PUT(to, "at://");
	to = put_did(to, op->user);
	to = PUT(to, "/app.bsky.graph.list/");
	return put_tid(to, tid_of(list));
}

static char *put_profile(char *to, struct random *random)
{
	to = PUT(to, ", \"avatar\": {\"ref\": \"<binary>\", \"size\": ");
	to = put_number(to, 5000 + random_below(random, 90000));
	to = PUT(to, ", \"$type\": \"blob\", \"mimeType\": \"image/jpeg\"}, "
		     "\"description\": ");
	to = text_put_phrase(to, random, random_below(random, 9));
	to = PUT(to, ", \"displayName\": ");
	return text_put_phrase(to, random, random_below(random, 3));
}

/* What comes before createdAt. */
static char *put_head(char *to, const struct op *op, struct random *random)
{
	switch (op->collection) {
	case COLLECTION_LIKE:
	case COLLECTION_REPOST:
		return put_subject_post(to, random_bits(random));
	case COLLECTION_FOLLOW:
	case COLLECTION_BLOCK:
	case COLLECTION_LISTITEM:
		return put_subject_user(to, random_bits(random));
	case COLLECTION_LISTBLOCK:
		to = PUT(to, "\"subject\": \"");
		to = put_list_uri(to, op, random_bits(random));
		return PUT(to, "\", ");
	case COLLECTION_THREADGATE:
		to = PUT(to, "\"post\": \"at://");
		to = put_did(to, op->user);
		to = PUT(to, "/app.bsky.feed.post/");
		to = put_tid(to, op->tid);
		return PUT(to, "\", \"allow\": [], ");
	case COLLECTION_LIST:
		to = PUT(to, "\"name\": ");
		to = text_put_phrase(to, random, 3);
		return PUT(to, ", \"purpose\": "
			       "\"app.bsky.graph.defs#curatelist\", ");
	case COLLECTION_POST:
	case COLLECTION_PROFILE:
	case COLLECTION_COUNT:
		break;
	}
	return to;
}

/* What comes after it. */
static char *put_tail(char *to, const struct op *op, struct random *random)
{
	switch (op->collection) {
	case COLLECTION_POST:
		to = PUT(to, ", ");
		return text_put_post(to, random);
	case COLLECTION_PROFILE:
		return put_profile(to, random);
	case COLLECTION_LISTITEM:
		to = PUT(to, ", \"list\": \"");
		to = put_list_uri(to, op, random_bits(random));
		return PUT(to, "\"");
	default:
		return to;
	}
}

static char *put_record(char *to, const struct op *op)
{
	struct random random = {random_mix(op->content, 2)};
	const char *name = collections[op->collection].name;

	to = PUT(to, "{\"$type\": \"");
	to = put(to, name, strlen(name));
	to = PUT(to, "\", ");
	to = put_head(to, op, &random);
	to = put_created(to, &random, op->created_us);
	to = put_tail(to, op, &random);
	*to++ = '}';
	return to;
}

static char *put_quoted_cid(char *to, uint64_t content)
{
	*to++ = '"';
	to = put_cid(to, content);
	*to++ = '"';
	return to;
}

static char *put_path(char *to, const struct op *op)
{
	const char *name = collections[op->collection].name;

	to = put(to, name, strlen(name));
	*to++ = '/';
	if (op->collection == COLLECTION_PROFILE)
		return PUT(to, "self");
	return put_tid(to, op->tid);
}

char *op_put(char *to, const struct op *op)
{
	static const char *const names[] = {"create", "update", "delete"};

	to = PUT(to, "{\"timestamp\": \"");
	to = stamp_put_python(to, op->at_us);
	to = PUT(to, "\", \"action\": \"");
	to = put(to, names[op->action], 6);
	to = PUT(to, "\", \"path\": \"");
	to = put_path(to, op);
	to = PUT(to, "\", \"cid\": ");
	to = op->action == ACTION_DELETE ? PUT(to, "null")
					 : put_quoted_cid(to, op->content);
	to = PUT(to, ", \"prev\": ");
	to = op->action == ACTION_CREATE ? PUT(to, "null")
					 : put_quoted_cid(to, op->previous);
	to = PUT(to, ", \"py_type\": "
		     "\"com.atproto.sync.subscribeRepos#repoOp\", "
		     "\"record\": ");
	to = op->action == ACTION_DELETE || op->is_null ? PUT(to, "null")
							: put_record(to, op);
	to = PUT(to, ", \"repo\": \"");
	to = put_did(to, op->user);
	return PUT(to, "\"}\n");
}
