#include "ingest/json_span.h"

#include <string.h>

/* One member of an object. */
struct member {
	const char *key; /* between the quotes, escapes not undone */
	size_t key_len;
	struct json_span value;
};

/* Reads the members of an object one after the other. */
struct walk {
	const char *at;
	const char *end;
	struct buf key; /* a key whose escapes had to be undone */
};

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end &&
	       (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

/* A quote ends the string if an even number of backslashes stands before it:
 * one by one they would take several times as long. */
const char *json_span_string_end(const char *quote)
{
	const char *from = quote + 1;

	for (;;) {
		const char *end = rawmemchr(from, '"');
		const char *slash = end;

		while (slash > from && slash[-1] == '\\')
			slash--;
		if ((end - slash) % 2 == 0)
			return end + 1;
		from = end + 1;
	}
}

/* After a number or a word. */
static bool is_between(char c)
{
	return c == ',' || c == ']' || c == '}' || c == ' ' || c == '\t' ||
	       c == '\r' || c == '\n';
}

static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;

	do {
		switch (*at) {
		case '"':
			at = json_span_string_end(at);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		default:
			if (depth == 0) {
				while (at < end && !is_between(*at))
					at++;
				return at;
			}
		}
		at++;
	} while (depth > 0);
	return at;
}

static void walk_begin(struct walk *walk, const char *object, size_t len)
{
	walk->at = object + 1;
	walk->end = object + len;
	walk->key = BUF_INIT;
}

static bool walk_next(struct walk *walk, struct member *member)
{
	const char *at = skip_blanks(walk->at, walk->end);

	if (*at == ',')
		at = skip_blanks(at + 1, walk->end);
	if (*at == '}')
		return false;
	member->key = at + 1;
	at = json_span_string_end(at);
	member->key_len = (size_t)(at - 1 - member->key);
	at = skip_blanks(at, walk->end) + 1; /* the colon */
	at = skip_blanks(at, walk->end);
	member->value.from = at;
	walk->at = skip_value(at, walk->end);
	member->value.len = (size_t)(walk->at - at);
	return true;
}

static unsigned hex4(const char *at)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value * 16 +
			(unsigned)(at[i] <= '9' ? at[i] - '0'
						: (at[i] | 32) - 'a' + 10);
	return value;
}

static void add_utf8(struct buf *out, unsigned code)
{
	if (code < 0x80) {
		buf_add_byte(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_add_byte(out, (char)(0xC0 | code >> 6));
	} else if (code < 0x10000) {
		buf_add_byte(out, (char)(0xE0 | code >> 12));
		buf_add_byte(out, (char)(0x80 | (code >> 6 & 0x3F)));
	} else {
		buf_add_byte(out, (char)(0xF0 | code >> 18));
		buf_add_byte(out, (char)(0x80 | (code >> 12 & 0x3F)));
		buf_add_byte(out, (char)(0x80 | (code >> 6 & 0x3F)));
	}
	buf_add_byte(out, (char)(0x80 | (code & 0x3F)));
}

static void undo_escapes(struct buf *out, const char *at, size_t len)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *end = at + len;

	buf_reset(out);
	while (at < end) {
		if (*at != '\\') {
			buf_add_byte(out, *at++);
		} else if (at[1] != 'u') {
			buf_add_byte(out, to[strchr(from, at[1]) - from]);
			at += 2;
		} else {
			unsigned code = hex4(at + 2);

			at += 6;
			if (code >= 0xD800 && code <= 0xDBFF) {
				code = 0x10000 + ((code - 0xD800) << 10) +
				       (hex4(at + 2) - 0xDC00);
				at += 6;
			}
			add_utf8(out, code);
		}
	}
}

/* The child that a member is; -1: none. */
static int child_of(const struct path_trie *trie, int node, struct walk *walk,
		    const struct member *member)
{
	if (!memchr(member->key, '\\', member->key_len))
		return path_trie_child(trie, node, member->key,
				       member->key_len);
	undo_escapes(&walk->key, member->key, member->key_len);
	return path_trie_child(trie, node, walk->key.data, walk->key.len);
}

/* An object that stands twice is walked twice: what the last one has stays. */
static void locate(const struct path_trie *trie, int node,
		   struct json_span *span)
{
	struct member member;
	struct walk walk;

	if (trie->node[node].first_child < 0 || *span[node].from != '{')
		return;
	walk_begin(&walk, span[node].from, span[node].len);
	while (walk_next(&walk, &member)) {
		int child = child_of(trie, node, &walk, &member);

		if (child < 0)
			continue;
		span[child] = member.value;
		locate(trie, child, span);
	}
	buf_release(&walk.key);
}

void json_span_locate(const struct path_trie *trie, const char *json,
		      size_t len, struct json_span *span)
{
	const char *end = json + len;
	const char *from = skip_blanks(json, end);

	span[0].from = from;
	span[0].len = (size_t)(skip_value(from, end) - from);
	locate(trie, 0, span);
}

static bool any_taken_below(const struct path_trie *trie, int node,
			    const bool *taken)
{
	int child = trie->node[node].first_child;

	for (; child >= 0; child = trie->node[child].next_sibling)
		if (taken[child] || any_taken_below(trie, child, taken))
			return true;
	return false;
}

/* Writes what is left of an object.  False: nothing, and nothing is written. */
static bool add_rest(const struct path_trie *trie, int node,
		     const struct json_span *span, const bool *taken,
		     struct buf *out)
{
	size_t before = out->len;
	struct member member;
	struct walk walk;
	bool any = false;

	walk_begin(&walk, span[node].from, span[node].len);
	buf_add_byte(out, '{');
	while (walk_next(&walk, &member)) {
		int child = child_of(trie, node, &walk, &member);
		size_t mark = out->len;

		if (child >= 0 &&
		    (taken[child] || member.value.from != span[child].from))
			continue;
		if (any)
			buf_add_byte(out, ',');
		buf_add(out, member.key - 1, member.key_len + 2);
		buf_add_byte(out, ':');
		if (child < 0 || !any_taken_below(trie, child, taken)) {
			buf_add(out, member.value.from, member.value.len);
		} else if (!add_rest(trie, child, span, taken, out)) {
			out->len = mark;
			continue;
		}
		any = true;
	}
	buf_add_byte(out, '}');
	buf_release(&walk.key);
	if (!any)
		out->len = before;
	return any;
}

void json_span_rest(const struct path_trie *trie, const struct json_span *span,
		    const bool *taken, struct buf *out)
{
	if (!add_rest(trie, 0, span, taken, out))
		buf_add_text(out, "{}");
}
