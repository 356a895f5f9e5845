#include "aggregate/model_hash.h"

#include <string.h>
#include <xxhash.h>

#include "common/buf.h"

/* Strings are added with their NUL, so that none can run into the next. */
static void add(struct buf *out, const char *text)
{
	buf_add(out, text ? text : "", strlen(text ? text : "") + 1);
}

static void add_all(struct buf *out, const char *const *text, size_t count)
{
	buf_format(out, "%zu:", count);
	for (size_t i = 0; i < count; i++)
		add(out, text[i] ? text[i] : "*");
}

static void add_config(struct buf *out, const struct model *model)
{
	buf_format(out, "%d:%d:%lld:%zu:", (int)model->materialized,
		   (int)model->strategy,
		   (long long)(model->touch_before ? -model->touch_us
						   : model->touch_us),
		   model->by_count);
	for (size_t i = 0; i < model->by_count; i++) {
		add(out, model->by[i].name);
		buf_format(out, "%d:", (int)model->by[i].grain);
	}
	add(out, model->rows);
	add_all(out, model->unique_key, model->unique_key_count);
	add_all(out, model->order_by, model->order_by_count);
	add_all(out, model->index, model->index_count);
	if (model_is_snapshot(model)) {
		add_all(out, model->check_column, model->check_column_count);
		add(out, model->updated_at);
		buf_format(out, "%d:", model->keeps_deleted);
	}
	buf_format(out, "%zu:", model->lookup_count);
	for (size_t i = 0; i < model->lookup_count; i++) {
		add(out, model->lookup[i].relation);
		buf_format(out, "%d:", (int)model->lookup[i].on_change);
	}
	buf_format(out, "%zu:", model->marker_count);
	for (size_t i = 0; i < model->marker_count; i++) {
		add(out, model->marker[i].alias);
		add_all(out, model->marker[i].column,
			model->marker[i].column_count);
		buf_format(out, "%zu:", model->marker[i].reference);
	}
}

/* In small letters, if it is folded. */
static void add_word(struct buf *out, const char *text, size_t len,
		     bool is_folded)
{
	size_t at = out->len;

	buf_add(out, text, len);
	for (; is_folded && at < out->len; at++)
		if (out->data[at] >= 'A' && out->data[at] <= 'Z')
			out->data[at] = (char)(out->data[at] | 0x20);
	buf_add_byte(out, '\0');
}

void model_hash(struct model *model, const struct query *query)
{
	struct buf code = BUF_INIT;
	XXH128_canonical_t hash;

	add_config(&code, model);
	for (size_t i = 0; i < query->word_count; i++) {
		const struct token *word = &query->word[i];

		if (word->start >= query->end)
			break;
		add_word(&code, query->text + word->start,
			 word->end - word->start, word->kind == TOKEN_WORD);
	}
	XXH128_canonicalFromHash(&hash, XXH3_128bits(code.data, code.len));
	memcpy(model->code_hash, hash.digest, sizeof model->code_hash);
	buf_release(&code);
}
