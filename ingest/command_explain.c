/* `handle-streams explain`: what becomes of a record, and why. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stop.h"
#include "ingest/commands.h"
#include "ingest/csv_header.h"
#include "ingest/decode.h"
#include "ingest/kafka_message.h"
#include "ingest/kafka_reader.h"
#include "ingest/line_reader.h"
#include "ingest/options.h"
#include "ingest/record.h"
#include "ingest/stream.h"

enum { WAIT_MS = 1000 };

/* The streams, and who reads for them. */
struct explanation {
	const struct options *options;
	struct stream_set set;
	int forced;
	struct decoder *decoder;
	bool every; /* record became a row */
};

static bool explain_all(struct explanation *explanation,
			struct line_reader *reader, const char *name,
			const struct csv_layout *csv, struct error *err)
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
		if (csv && csv_layout_is_header(csv, line.bytes, line.len))
			continue;
		record = (struct record){
			.bytes = line.bytes,
			.len = line.len,
			.full_len = line.full_len,
			.position = line.start,
			.next = line.next,
			.csv = csv,
			.unterminated = line.unterminated
						? "the input ends in the "
						  "middle of this line"
						: NULL,
			.partition = -1,
			.timestamp_ms = -1,
			.file = name,
			.line = line.number,
		};
		if (!decoder_explain(explanation->decoder, &record, stdout))
			explanation->every = false;
	}
}

/* Looks at the input's beginning: a header makes it CSV. */
static bool recognise(const struct explanation *explanation,
		      struct line_reader *reader, const char *name,
		      struct csv_layout **layout, struct error *err)
{
	struct csv_input input = {
		.streams = stream_set_list(&explanation->set),
		.count = explanation->set.count,
		.forced = explanation->forced,
		.name = name,
	};
	enum line_result result;

	do {
		result = line_reader_peek(
			reader, csv_header_is_whole, CSV_SAMPLE_BYTES,
			clock_ms() + WAIT_MS, &input.bytes, &input.len, err);
		if (result == LINE_FAILED)
			return error_context(err, "%s", name);
	} while (result == LINE_WAIT && !stop_requested());
	if (!csv_header_find(&input, layout, err))
		return false;
	if (*layout)
		line_reader_csv(reader, (*layout)->stream->delimiter);
	return true;
}

static bool explain_fd(struct explanation *explanation, int fd,
		       const char *name, struct error *err)
{
	struct line_reader *reader = line_reader_open(
		fd, (size_t)explanation->options->max_line, false);
	struct csv_layout *layout = NULL;
	bool ok = recognise(explanation, reader, name, &layout, err) &&
		  explain_all(explanation, reader, name, layout, err);

	csv_layout_close(layout);
	line_reader_close(reader);
	return ok;
}

static bool explain_named(struct explanation *explanation, const char *name,
			  struct error *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return error_set(err, ERROR_FATAL, STATUS_SOURCE,
				 "cannot open %s: %s", name, strerror(errno));
	ok = explain_fd(explanation, fd, name, err);
	close(fd);
	return ok;
}

/* -b BROKERS -o TOPIC:PARTITION:OFFSET: the record that is there. */
static bool explain_offset(struct explanation *explanation, struct error *err)
{
	const struct options *options = explanation->options;
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
		explanation->every =
			decoder_explain(explanation->decoder, &record, stdout);
	}
	if (message)
		rd_kafka_message_destroy(message);
	kafka_reader_close(reader);
	buf_release(&headers);
	return ok;
}

bool command_explain(const struct options *options, struct error *err)
{
	struct explanation explanation = {.options = options, .every = true};
	bool ok = true;

	if (!stream_set_read(&explanation.set, buf_text(&options->home), err))
		return false;
	if (!stream_set_find(&explanation.set, options->stream,
			     &explanation.forced, err)) {
		stream_set_release(&explanation.set);
		return false;
	}
	explanation.decoder = decoder_open(
		stream_set_list(&explanation.set), explanation.set.count,
		explanation.forced, &options->limits);
	if (*options->kafka.brokers)
		ok = explain_offset(&explanation, err);
	else if (options->operand_count == 0)
		ok = explain_fd(&explanation, STDIN_FILENO, "stdin", err);
	for (size_t i = 0; ok && i < options->operand_count; i++)
		ok = explain_named(&explanation, options->operand[i], err);
	decoder_close(explanation.decoder);
	stream_set_release(&explanation.set);
	if (ok && !explanation.every)
		return error_set(err, ERROR_DATA, STATUS_DATA,
				 "not every record would become a row");
	return ok;
}
