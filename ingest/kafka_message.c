#include "ingest/kafka_message.h"

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "common/json_text.h"
#include "common/utf8.h"

enum { CUT_BYTES = 65536, HEADERS_MAX = 1000, HEADERS_BYTES = 1024 * 1024 };

/* --- headers -------------------------------------------------------------- */

/* RFC 4648, section 4. */
static void add_base64(struct buf *out, const unsigned char *bytes, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_add_byte(out, '"');
	for (size_t i = 0; i < len; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16;

		if (i + 1 < len)
			group |= (unsigned)bytes[i + 1] << 8;
		if (i + 2 < len)
			group |= bytes[i + 2];
		buf_add_byte(out, digit[group >> 18]);
		buf_add_byte(out, digit[group >> 12 & 63]);
		buf_add_byte(out, i + 1 < len ? digit[group >> 6 & 63] : '=');
		buf_add_byte(out, i + 2 < len ? digit[group & 63] : '=');
	}
	buf_add_byte(out, '"');
}

void kafka_message_headers(const rd_kafka_headers_t *headers, struct buf *out)
{
	const char *name;
	const void *value;
	size_t len;

	buf_add_byte(out, '[');
	for (size_t i = 0;
	     i < HEADERS_MAX && out->len < HEADERS_BYTES &&
	     rd_kafka_header_get_all(headers, i, &name, &value, &len) == 0;
	     i++) {

		buf_add_text(out, i ? ",{" : "{");
		buf_add_text(out, "\"key\":");
		if (!utf8_flaw(name, strlen(name)))
			json_text(out, name, strlen(name));
		else
			add_base64(out, (const unsigned char *)name,
				   strlen(name));
		if (!value) {
			buf_add_text(out, ",\"value\":null");
		} else if (!utf8_flaw(value, len)) {
			buf_add_text(out, ",\"value\":");
			json_text(out, value, len);
		} else {
			buf_add_text(out, ",\"base64\":");
			add_base64(out, value, len);
		}
		buf_add_byte(out, '}');
	}
	buf_add_byte(out, ']');
}

/* --- the record ----------------------------------------------------------- */

static const char *read_headers(const rd_kafka_message_t *message,
				struct buf *headers)
{
	rd_kafka_headers_t *list;

	if (!headers || rd_kafka_message_headers(message, &list) !=
				RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	buf_reset(headers);
	kafka_message_headers(list, headers);
	return buf_text(headers);
}

void kafka_message_record(const rd_kafka_message_t *message, size_t max_line,
			  struct buf *headers, struct record *record)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);

	*record = (struct record){
		.bytes = message->payload,
		.len = message->len,
		.full_len = message->len,
		.position = message->offset,
		.next = message->offset + 1,
		.topic = rd_kafka_topic_name(message->rkt),
		.partition = message->partition,
		.timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
					? -1
					: timestamp_ms,
		.key = message->key,
		.key_len = message->key_len,
		.headers = read_headers(message, headers),
		.line = -1,
	};
	if (message->len > max_line)
		record->len = CUT_BYTES;
}

void kafka_message_anchor(const rd_kafka_message_t *message,
			  struct anchor *anchor)
{
	/* Absent and empty differ; so does a byte moved from key to value. */
	struct {
		int64_t timestamp_ms;
		int64_t key_len;
		uint64_t key_hash;
		int64_t len;
	} head = {
		.timestamp_ms = rd_kafka_message_timestamp(message, NULL),
		.key_len = message->key ? (int64_t)message->key_len : -1,
		.key_hash = message->key ? XXH3_64bits(message->key,
						       message->key_len)
					 : 0,
		.len = message->payload ? (int64_t)message->len : -1,
	};
	XXH128_canonical_t digest;

	XXH128_canonicalFromHash(
		&digest,
		XXH3_128bits_withSeed(message->payload ? message->payload : "",
				      message->payload ? message->len : 0,
				      XXH3_64bits(&head, sizeof head)));
	anchor->offset = message->offset;
	memcpy(anchor->hash, digest.digest, ANCHOR_BYTES);
}
