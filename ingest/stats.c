#include "ingest/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "ingest/stream.h"

const int64_t stats_bucket_ms[STATS_BUCKETS] = {
	5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 15000, 60000,
};

void stats_start(struct stats *stats, size_t stream_count)
{
	*stats = (struct stats){
		.started_ms = clock_ms(),
		.stream = mem_zalloc(stream_count + 1, sizeof *stats->stream),
		.stream_count = stream_count,
	};
	stats->shown_ms = stats->started_ms;
}

void stats_release(struct stats *stats)
{
	free(stats->stream);
	stats->stream = NULL;
}

void stats_copy(struct stats *to, const struct stats *from)
{
	struct stats_stream *stream = to->stream;
	size_t bytes = from->stream_count * sizeof *stream;

	stream = mem_realloc(stream, bytes + 1);
	memcpy(stream, from->stream, bytes);
	*to = *from;
	to->stream = stream;
}

void stats_begin(struct stats *stats, int64_t done)
{
	stats->begun_ms = clock_ms();
	stats->begun_at = done;
}

static void see_event(struct stats_stream *stream, int64_t us)
{
	if (!stream->has_events || stream->event_max < us)
		stream->event_max = us;
	stream->has_events = true;
}

void stats_commit(struct stats *stats, const struct batch *batch)
{
	for (size_t i = 0; i < batch->table_count; i++) {
		const struct batch_table *table = &batch->table[i];

		stats->rows += table->row_count;
		stats->stream[i].rows += table->row_count;
		if (table->has_events)
			see_event(&stats->stream[i], table->event_max);
	}
	for (size_t i = 0; i < batch->reject_count; i++) {
		const struct stream *stream = batch->reject[i].stream;

		for (size_t t = 0; stream && t < batch->table_count; t++)
			if (batch->table[t].stream == stream)
				stats->stream[t].rejects++;
	}
	stats->rejects += batch->reject_count;
	stats->bytes += batch->byte_count;
	stats->loads++;
	stats->committed_us = clock_unix_us();
}

void stats_add(struct stats *stats, const struct stats *more)
{
	for (size_t i = 0; i < stats->stream_count; i++) {
		struct stats_stream *to = &stats->stream[i];
		const struct stats_stream *from = &more->stream[i];

		to->rows += from->rows;
		to->rejects += from->rejects;
		if (from->has_events)
			see_event(to, from->event_max);
	}
	stats->rows += more->rows;
	stats->rejects += more->rejects;
	stats->bytes += more->bytes;
	stats->loads++;
	stats->committed_us = clock_unix_us();
}

void stats_flush(struct stats *stats, int64_t ms)
{
	stats->flush_count++;
	stats->flush_sum_ms += (uint64_t)ms;
	for (int i = 0; i < STATS_BUCKETS; i++) {
		if (ms > stats_bucket_ms[i])
			continue;
		stats->flush_bucket[i]++;
		return;
	}
}

void stats_error(struct stats *stats, const struct error *err)
{
	for (int i = 0; i < STATS_ERRORS; i++) {
		struct stats_errors *at = &stats->error[i];

		if (!at->count)
			snprintf(at->class, sizeof at->class, "%.2s",
				 err->sqlstate);
		if (at->count && strncmp(at->class, err->sqlstate, 2) != 0)
			continue;
		at->count++;
		return;
	}
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void show_size(double bytes, char text[16])
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit < sizeof units / sizeof *units - 1) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 16, "%.*f%s", unit ? 1 : 0, bytes, units[unit]);
}

void stats_show(struct stats *stats, const char *name, int64_t done,
		int64_t size, int64_t lag)
{
	int64_t now = clock_ms();
	int64_t elapsed = now - stats->shown_ms;
	uint64_t since = stats->rows - stats->shown_rows;
	double rate = elapsed > 0 ? (double)since / seconds(elapsed) : 0;
	char bytes[16];
	char rest[64] = "";

	show_size((double)stats->bytes, bytes);
	if (size > 0 && done > stats->begun_at && done < size) {
		double left = seconds(now - stats->begun_ms) *
			      (double)(size - done) /
			      (double)(done - stats->begun_at);

		snprintf(rest, sizeof rest, " done=%.0f%% eta=%.0fs",
			 100.0 * (double)done / (double)size, left);
	}
	if (lag >= 0)
		snprintf(rest, sizeof rest, " lag=%lld", (long long)lag);
	log_progress("source=%s rows=%llu rate=%.0f/s rejects=%llu bytes=%s%s",
		     name, (unsigned long long)stats->rows, rate,
		     (unsigned long long)stats->rejects, bytes, rest);
	stats->shown_ms = now;
	stats->shown_rows = stats->rows;
}

void stats_summary(const struct stats *stats, bool finished)
{
	double took = seconds(clock_ms() - stats->started_ms);
	char bytes[16];

	show_size((double)stats->bytes, bytes);
	log_line(LOG_INFO,
		 "%s rows=%llu rejects=%llu loads=%llu bytes=%s "
		 "seconds=%.2f rate=%.0f/s retries=%llu in_doubt=%llu "
		 "moved=%llu ties=%llu isolated=%llu unsure=%llu",
		 finished ? "done" : "stopped", (unsigned long long)stats->rows,
		 (unsigned long long)stats->rejects,
		 (unsigned long long)stats->loads, bytes, took,
		 took > 0 ? (double)stats->rows / took : 0,
		 (unsigned long long)stats->retries,
		 (unsigned long long)stats->in_doubt,
		 (unsigned long long)stats->moved,
		 (unsigned long long)stats->ties,
		 (unsigned long long)stats->isolated,
		 (unsigned long long)stats->unsure);
}
