#include "tests/support/bluesky_text.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/mem.h"
#include "tests/support/bluesky_words.h"

#define MAX_LANGUAGES 16
#define MAX_FACETS    4

/* A word, escaped; facets count its bytes in UTF-8. */
struct word {
	const char *json;
	uint32_t json_len;
	uint32_t utf8_len;
};

struct dictionary {
	struct word *word;
	uint32_t count;
};

enum facet_kind { FACET_TAG, FACET_LINK, FACET_MENTION };

struct facet {
	enum facet_kind kind;
	uint32_t start, end; /* bytes of UTF-8 */
	const struct word *word;
	uint64_t number; /* of the link, of the user */
};

/* A text while it is written. */
struct text {
	char *at;
	uint32_t utf8;
	struct facet facet[MAX_FACETS];
	int facet_count;
};

static struct dictionary spoken[MAX_LANGUAGES];
static struct dictionary topic, disguise, emoji;
static uint32_t total_weight;

static void escape_code(struct buf *buf, uint32_t code)
{
	if (code > 0xffff) {
		buf_format(buf, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	buf_format(buf, "\\u%04x", code);
}

/* Well-formed UTF-8 only: the words are ours. */
static void escape(struct buf *buf, const char *utf8)
{
	const unsigned char *at = (const unsigned char *)utf8;

	while (*at) {
		uint32_t code = *at++;
		int more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0;

		if (more)
			code &= 0x3fu >> more;
		for (int i = 0; i < more; i++)
			code = code << 6 | (*at++ & 0x3f);
		if (code > 126)
			escape_code(buf, code);
		else if (code == '"' || code == '\\')
			buf_format(buf, "\\%c", (char)code);
		else
			buf_add_byte(buf, (char)code);
	}
}

static struct dictionary dictionary_of(const char *const *list)
{
	struct dictionary dictionary = {0};
	size_t capacity = 0;

	for (; *list; list++) {
		struct buf buf = BUF_INIT;
		struct word word = {.utf8_len = (uint32_t)strlen(*list)};

		escape(&buf, *list);
		word.json_len = (uint32_t)buf.len;
		word.json = buf_detach(&buf);
		MEM_GROW(dictionary.word, dictionary.count, capacity);
		dictionary.word[dictionary.count++] = word;
	}
	return dictionary;
}

void text_prepare(void)
{
	for (int i = 0; word_languages[i].tag; i++) {
		spoken[i] = dictionary_of(word_languages[i].words);
		total_weight += word_languages[i].weight;
	}
	topic = dictionary_of(word_topic);
	disguise = dictionary_of(word_disguise);
	emoji = dictionary_of(word_emoji);
}

/* The first words of a list are the commonest. */
static const struct word *pick(const struct dictionary *dictionary,
			       struct random *random)
{
	uint64_t bits = random_bits(random);
	uint64_t count = dictionary->count;
	uint64_t one = (bits >> 32) * count >> 32;
	uint64_t two = (bits & UINT32_MAX) * count >> 32;

	return &dictionary->word[one * two / count];
}

static const struct word *pick_evenly(const struct dictionary *dictionary,
				      struct random *random)
{
	return &dictionary->word[random_below(random, dictionary->count)];
}

static void add_word(struct text *text, const struct word *word)
{
	text->at = put(text->at, word->json, word->json_len);
	text->utf8 += word->utf8_len;
}

/* ASCII that needs no escape. */
static void add_plain(struct text *text, const char *plain, uint32_t len)
{
	text->at = put(text->at, plain, len);
	text->utf8 += len;
}

static void add_newline(struct text *text)
{
	text->at = PUT(text->at, "\\n");
	text->utf8++;
}

static void end_sentence(struct text *text, struct random *random)
{
	static const char *const ends[] = {". ", ". ", "! ",
					   "? ", ", ", "... "};
	uint32_t which = random_below(random, 7);

	if (which < 6) {
		add_plain(text, ends[which], (uint32_t)strlen(ends[which]));
		return;
	}
	add_newline(text);
	add_newline(text);
}

static void add_words(struct text *text, struct random *random,
		      const struct dictionary *dictionary, const char *space,
		      uint32_t count)
{
	uint32_t space_len = (uint32_t)strlen(space);

	for (uint32_t i = 0; i < count; i++) {
		add_word(text, pick(dictionary, random));
		if (i % 9 == 8)
			end_sentence(text, random);
		else
			add_plain(text, space, space_len);
	}
}

static char *put_link(char *to, uint64_t number)
{
	to = PUT(to, "https://");
	to = number & 1 ? PUT(to, "example.com") : PUT(to, "blog.example.org");
	*to++ = '/';
	return put_number(to, number % 1000000000);
}

/* A link as it is, or as clients shorten it: no scheme, dots at the end. */
static void add_link(struct text *text, struct random *random, uint64_t number)
{
	char link[64];
	size_t len = (size_t)(put_link(link, number) - link);
	bool is_short = random_chance(random, 400000);

	if (is_short) {
		add_plain(text, link + 8, (uint32_t)len - 10);
		add_plain(text, "...", 3);
	} else {
		add_plain(text, link, (uint32_t)len);
	}
}

static void add_facet(struct text *text, struct random *random,
		      enum facet_kind kind)
{
	struct facet *facet;
	char number[24];

	if (text->facet_count == MAX_FACETS)
		return;
	facet = &text->facet[text->facet_count++];
	*facet = (struct facet){.kind = kind,
				.start = text->utf8,
				.number = random_bits(random)};
	switch (kind) {
	case FACET_TAG:
		facet->word = &topic.word[random_below(random, 6)];
		add_plain(text, "#", 1);
		add_word(text, facet->word);
		break;
	case FACET_LINK:
		add_link(text, random, facet->number);
		break;
	case FACET_MENTION:
		add_plain(text, "@user", 5);
		add_plain(
			text, number,
			(uint32_t)(put_number(number, facet->number % 100000) -
				   number));
		add_plain(text, ".bsky.social", 12);
		break;
	}
	facet->end = text->utf8;
	add_plain(text, " ", 1);
}

static char *put_facet(char *to, const struct facet *facet)
{
	to = PUT(to, "{\"index\": {\"byteEnd\": ");
	to = put_number(to, facet->end);
	to = PUT(to, ", \"byteStart\": ");
	to = put_number(to, facet->start);
	to = PUT(to, "}, \"features\": [{");
	switch (facet->kind) {
	case FACET_TAG:
		to = PUT(to, "\"$type\": \"app.bsky.richtext.facet#tag\", "
			     "\"tag\": \"");
		to = put(to, facet->word->json, facet->word->json_len);
		break;
	case FACET_LINK:
		to = PUT(to, "\"uri\": \"");
		to = put_link(to, facet->number);
		to = PUT(to, "\", \"$type\": "
			     "\"app.bsky.richtext.facet#link");
		break;
	case FACET_MENTION:
		to = PUT(to, "\"$type\": \"app.bsky.richtext.facet#mention\", "
			     "\"did\": \"");
		to = put_did(to, facet->number);
		break;
	}
	return PUT(to, "\"}]}");
}

static char *put_facets(char *to, const struct text *text)
{
	if (!text->facet_count)
		return to;
	to = PUT(to, ", \"facets\": [");
	for (int i = 0; i < text->facet_count; i++) {
		if (i)
			to = PUT(to, ", ");
		to = put_facet(to, &text->facet[i]);
	}
	*to++ = ']';
	return to;
}

/* Mostly one tag; also none, an empty list, a region, several. */
static char *put_langs(char *to, struct random *random, const char *tag)
{
	uint32_t which = random_below(random, 100);

	if (which < 4)
		return to;
	to = PUT(to, ", \"langs\": [");
	if (which < 5) {
		*to++ = ']';
		return to;
	}
	*to++ = '"';
	to = put(to, tag, strlen(tag));
	if (which < 8)
		to = PUT(to, "-US");
	*to++ = '"';
	if (which < 12)
		to = PUT(to, ", \"en\"");
	if (which < 9)
		to = PUT(to, ", \"pt-BR\"");
	*to++ = ']';
	return to;
}

static char *put_reference(char *to, struct random *random)
{
	uint64_t user = random_bits(random), content = random_bits(random);

	to = PUT(to, "{\"cid\": \"");
	to = put_cid(to, content);
	to = PUT(to, "\", \"uri\": \"at://");
	to = put_did(to, user);
	to = PUT(to, "/app.bsky.feed.post/");
	to = put_tid(to, tid_of(content));
	return PUT(to, "\"}");
}

static char *put_image(char *to, struct random *random)
{
	to = PUT(to, "{\"alt\": ");
	to = text_put_phrase(to, random, random_below(random, 6));
	to = PUT(to, ", \"image\": {\"ref\": \"<binary>\", \"size\": ");
	to = put_number(to, 1000 + random_below(random, 900000));
	return PUT(to, ", \"$type\": \"blob\", \"mimeType\": \"image/jpeg\"}, "
		       "\"aspectRatio\": {\"width\": 1024, \"height\": 768}}");
}

static char *put_embed(char *to, struct random *random)
{
	uint32_t which = random_below(random, 100);

	if (which < 14) {
		to = PUT(to, ", \"embed\": {\"$type\": "
			     "\"app.bsky.embed.images\", \"images\": [");
		to = put_image(to, random);
		to = PUT(to, "]}");
	} else if (which < 20) {
		to = PUT(to, ", \"embed\": {\"$type\": "
			     "\"app.bsky.embed.record\", \"record\": ");
		to = put_reference(to, random);
		*to++ = '}';
	}
	return to;
}

static char *put_reply(char *to, struct random *random)
{
	to = PUT(to, ", \"reply\": {\"root\": ");
	to = put_reference(to, random);
	to = PUT(to, ", \"parent\": ");
	to = put_reference(to, random);
	*to++ = '}';
	return to;
}

static void add_extras(struct text *text, struct random *random)
{
	uint32_t which = random_below(random, 100);

	if (which < 8)
		add_word(text, pick_evenly(&emoji, random));
	if (which % 10 == 0)
		add_facet(text, random, FACET_LINK);
	if (which % 10 == 1)
		add_facet(text, random, FACET_MENTION);
	if (which % 7 == 0)
		add_facet(text, random, FACET_TAG);
	if (which == 7)
		add_facet(text, random, FACET_TAG);
}

/* Half of these posts hold the plain word, half something like it. */
static void add_engineering(struct text *text, struct random *random)
{
	add_words(text, random, &topic, " ", random_below(random, 8));
	if (random_chance(random, 500000))
		add_word(text, disguise.word);
	else
		add_word(text, pick_evenly(&disguise, random));
	add_plain(text, " ", 1);
	add_words(text, random, &topic, " ", random_below(random, 12));
}

static int pick_language(struct random *random)
{
	uint32_t left = random_below(random, total_weight);
	int i = 0;

	for (; left >= word_languages[i].weight; i++)
		left -= word_languages[i].weight;
	return i;
}

char *text_put_post(char *to, struct random *random)
{
	int language = pick_language(random);
	struct text text = {0};

	text.at = PUT(to, "\"text\": \"");
	if (random_chance(random, 60000))
		add_facet(&text, random, FACET_MENTION);
	if (random_chance(random, 20000))
		add_engineering(&text, random);
	else
		add_words(&text, random, &spoken[language],
			  word_languages[language].space,
			  random_below(random, 34));
	add_extras(&text, random);
	to = PUT(text.at, "\"");
	to = put_langs(to, random, word_languages[language].tag);
	if (random_chance(random, 400000))
		to = put_reply(to, random);
	to = put_embed(to, random);
	return put_facets(to, &text);
}

char *text_put_phrase(char *to, struct random *random, uint32_t words)
{
	struct text text = {.at = to};

	text.at = PUT(to, "\"");
	add_words(&text, random, &spoken[0], " ", words);
	return PUT(text.at, "\"");
}
