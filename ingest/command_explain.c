/* `handle-streams explain`: what becomes of a record, and why. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stop.h"
#include "ingest/commands.h"
#include "ingest/decode.h"
#include "ingest/kafka_message.h"
#include "ingest/kafka_reader.h"
#include "ingest/line_reader.h"
#include "ingest/options.h"
#include "ingest/record.h"

enum { WAIT_MS = 1000 };

static bool explain_all(struct decoder *decoder, struct line_reader *reader,
			const char *name, bool *every, struct error *err)
{
	enum line_result result;
	struct line line;

	for (;;) {
		struct record record;

		result = line_reader_next(reader, clock_ms() + WAIT_MS, &line,
					  err);
		if (result == LINE_WAIT && !stop_requested())
			continue;
		if (result == LINE_FAILED)
			return error_context(err, "%s", name);
		if (result != LINE_READ)
			return true;
		record = (struct record){
			.bytes = line.bytes,
			.len = line.len,
			.full_len = line.full_len,
			.position = line.start,
			.next = line.next,
			.unterminated = line.unterminated
						? "the input ends in the "
						  "middle of this line"
						: NULL,
			.partition = -1,
			.timestamp_ms = -1,
			.file = name,
			.line = line.number,
		};
		if (!decoder_explain(decoder, &record, stdout))
			*every = false;
	}
}

static bool explain_fd(const struct options *options, struct decoder *decoder,
		       int fd, const char *name, bool *every, struct error *err)
{
	struct line_reader *reader =
		line_reader_open(fd, (size_t)options->max_line, false);
	bool ok = explain_all(decoder, reader, name, every, err);

	line_reader_close(reader);
	return ok;
}

static bool explain_named(const struct options *options,
			  struct decoder *decoder, const char *name,
			  bool *every, struct error *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot open %s: %s", name, strerror(errno));
	ok = explain_fd(options, decoder, fd, name, every, err);
	close(fd);
	return ok;
}

/* -b BROKERS -o TOPIC:PARTITION:OFFSET: the record that is there. */
static bool explain_offset(const struct options *options,
			   struct decoder *decoder, bool *every,
			   struct error *err)
{
	struct kafka_reader *reader = NULL;
	rd_kafka_message_t *message = NULL;
	struct buf headers = BUF_INIT;
	struct record record;
	bool ok = kafka_reader_open(&reader, &options->kafka,
				    options->connect_ms, err) &&
		  kafka_reader_fetch(reader, options->kafka.offset, &message,
				     err);

	if (ok && !message->payload) {
		puts("a tombstone: it is counted, not loaded");
	} else if (ok) {
		kafka_message_record(message, (size_t)options->max_line,
				     &headers, &record);
		*every = decoder_explain(decoder, &record, stdout);
	}
	if (message)
		rd_kafka_message_destroy(message);
	kafka_reader_close(reader);
	buf_release(&headers);
	return ok;
}

bool command_explain(const struct options *options, struct error *err)
{
	struct stream_set set;
	struct decoder *decoder;
	bool every = true; /* record became a row */
	bool ok = true;
	int forced;

	if (!stream_set_read(&set, buf_text(&options->home), err))
		return false;
	if (!stream_set_find(&set, options->stream, &forced, err)) {
		stream_set_release(&set);
		return false;
	}
	decoder = decoder_open(stream_set_list(&set), set.count, forced,
			       &options->limits);
	if (*options->kafka.brokers)
		ok = explain_offset(options, decoder, &every, err);
	else if (options->operand_count == 0)
		ok = explain_fd(options, decoder, STDIN_FILENO, "stdin", &every,
				err);
	for (size_t i = 0; ok && i < options->operand_count; i++)
		ok = explain_named(options, decoder, options->operand[i],
				   &every, err);
	decoder_close(decoder);
	stream_set_release(&set);
	if (ok && !every)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "not every record would become a row");
	return ok;
}
