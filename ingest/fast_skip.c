#include "ingest/fast_skip.h"

#include "ingest/fast_text.h"

/* The same for a value that is no array, object or string; counts nothing. */
static const char *skip_word(const char *at)
{
	switch (*at) {
	case '-':
	case '0' ... '9':
		return fast_text_number(at);
	case 't':
		return memcmp(at, "true", 4) == 0 ? at + 4 : NULL;
	case 'f':
		return memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
	case 'n':
		return memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
	default:
		return NULL;
	}
}

static const char *skip_string(const char *at)
{
	bool odd;

	at = fast_text_string(at + 1, &odd);
	return at ? at + 1 : NULL;
}

/* At a key; returns where its value begins. */
static const char *skip_key(const char *at)
{
	if (*at != '"')
		return NULL;
	at = skip_string(at);
	if (!at)
		return NULL;
	at = fast_text_blanks(at);
	return *at == ':' ? fast_text_blanks(at + 1) : NULL;
}

/* The open brackets: bit 0 is the innermost, set for an object. */
struct brackets {
	uint64_t is_object;
	size_t open;
	size_t most;
};

/* At { or [.  *more: the position is that of a value inside; else the bracket
 * was empty and the position is after it. */
static const char *open_bracket(struct brackets *brackets, const char *at,
				size_t *tokens, bool *more)
{
	bool is_object = *at == '{';

	if (brackets->open == brackets->most)
		return NULL;
	at = fast_text_blanks(at + 1);
	*more = *at != (is_object ? '}' : ']');
	if (!*more)
		return at + 1;
	brackets->is_object = brackets->is_object << 1 | is_object;
	brackets->open++;
	*tokens += is_object;
	return is_object ? skip_key(at) : at;
}

/* After a value: closes what ends here.  *more: as above, after a comma. */
static const char *close_brackets(struct brackets *brackets, const char *at,
				  size_t *tokens, bool *more)
{
	*more = false;
	while (brackets->open > 0) {
		bool is_object = brackets->is_object & 1;

		at = fast_text_blanks(at);
		if (*at == ',') {
			*more = true;
			*tokens += is_object;
			at = fast_text_blanks(at + 1);
			return is_object ? skip_key(at) : at;
		}
		if (*at != (is_object ? '}' : ']'))
			return NULL;
		at++;
		brackets->is_object >>= 1;
		brackets->open--;
	}
	return at;
}

const char *fast_skip_value(struct fast_scan *scan, const char *at)
{
	size_t left = scan->max_depth - scan->depth;
	struct brackets brackets = {.most = left < FAST_DEPTH ? left
							      : FAST_DEPTH};
	bool more = true;

	while (more) {
		bool opened = false;

		scan->tokens++;
		if (*at == '"')
			at = skip_string(at);
		else if (*at == '{' || *at == '[')
			at = open_bracket(&brackets, at, &scan->tokens,
					  &opened);
		else
			at = skip_word(at);
		if (!at)
			return NULL;
		if (opened)
			continue;
		at = close_brackets(&brackets, at, &scan->tokens, &more);
		if (!at)
			return NULL;
	}
	return at;
}
