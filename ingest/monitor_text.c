/* The figures of a run in Prometheus' words. */
#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/exposition.h"
#include "common/version.h"
#include "ingest/monitor.h"
#include "ingest/stream.h"

#define NAME(name) "handle_streams_" name
#define AT(member) offsetof(struct monitor_view, member)

/* Seconds from 1970 to 2000, where PostgreSQL's time begins. */
static const double pg_epoch_s = 946684800;

/* Everything that is one number. */
static const struct figure {
	const char *name, *type, *help;
	size_t offset;
} figures[] = {
	{NAME("messages_consumed_total"), "counter",
	 "Records and lines taken out of the source, each time they are.",
	 AT(stats.source.read)},
	{NAME("messages_in_flight"), "gauge",
	 "Of them, those in batches that are not committed yet.",
	 AT(records_in_flight)},
	{NAME("buffer_bytes"), "gauge", "Memory of the batches in flight.",
	 AT(bytes_in_flight)},
	{NAME("batches_in_flight"), "gauge", "Batches that wait for a COMMIT.",
	 AT(batches_in_flight)},
	{NAME("bytes_loaded_total"), "counter",
	 "Bytes of the source that committed batches cover.", AT(stats.bytes)},
	{NAME("batches_total"), "counter", "Batches committed.",
	 AT(stats.loads)},
	{NAME("retries_total"), "counter", "Recoveries after a failure.",
	 AT(stats.retries)},
	{NAME("batches_in_doubt_total"), "counter",
	 "COMMITs whose answer was lost and had to be looked up.",
	 AT(stats.in_doubt)},
	{NAME("fenced_total"), "counter",
	 "Commits refused because another process had moved the position.",
	 AT(stats.moved)},
	{NAME("timestamp_ties_total"), "counter",
	 "Transactions begun again because another had the same timestamp.",
	 AT(stats.ties)},
	{NAME("rows_isolated_total"), "counter",
	 "Rows that PostgreSQL refused although they had been converted.",
	 AT(stats.isolated)},
	{NAME("decoder_fallback_total"), "counter",
	 "Records that the fast decoder left to jansson.", AT(stats.unsure)},
	{NAME("rebalances_total"), "counter", "Rebalances of the Kafka group.",
	 AT(stats.source.rebalances)},
};

static void add_figures(struct buf *out, const struct monitor_view *view)
{
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		const struct figure *at = &figures[i];
		const uint64_t *value =
			(const uint64_t *)((const char *)view + at->offset);

		exposition_family(out, at->name, at->type, at->help);
		exposition_sample(out, at->name, (double)*value, NULL);
	}
}

static void add_build(struct buf *out)
{
	const char *name = NAME("build_info");

	exposition_family(out, name, "gauge", "Which program this is.");
	exposition_sample(out, name, 1, "version", version_string(), "commit",
			  version_commit(), "librdkafka",
			  rd_kafka_version_str(), NULL);
}

/* Each message that was consumed and is not in flight has one outcome. */
static void add_outcomes(struct buf *out, const struct stats *stats)
{
	const char *name = NAME("messages_total");
	const struct {
		const char *outcome;
		uint64_t count;
	} rows[] = {
		{"loaded", stats->rows},
		{"rejected", stats->rejects},
		{"blank", stats->source.blank},
		{"tombstone", stats->source.tombstones},
		{"skipped", stats->source.skipped},
		{"dropped", stats->dropped},
	};

	exposition_family(out, name, "counter",
			  "What became of messages: loaded and rejected ones "
			  "are committed; skipped ones were loaded before or "
			  "are another member's; dropped ones were let go and "
			  "are read again.");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		exposition_sample(out, name, (double)rows[i].count, "outcome",
				  rows[i].outcome, NULL);
}

static void add_streams(struct buf *out, const struct stats *stats,
			const struct sink_plan *sink)
{
	const char *name = NAME("rows_loaded_total");
	uint64_t strangers = stats->rejects;

	exposition_family(out, name, "counter", "Rows committed, by stream.");
	for (size_t i = 0; i < stats->stream_count; i++)
		exposition_sample(out, name, (double)stats->stream[i].rows,
				  "stream", sink->stream[i]->name, NULL);
	name = NAME("rows_rejected_total");
	exposition_family(out, name, "counter",
			  "Rejects committed, by stream; none: no stream "
			  "took the record.");
	for (size_t i = 0; i < stats->stream_count; i++) {
		strangers -= stats->stream[i].rejects;
		exposition_sample(out, name, (double)stats->stream[i].rejects,
				  "stream", sink->stream[i]->name, NULL);
	}
	exposition_sample(out, name, (double)strangers, "stream", "", NULL);
	name = NAME("newest_event_timestamp_seconds");
	exposition_family(out, name, "gauge",
			  "Event time of the newest event loaded.");
	for (size_t i = 0; i < stats->stream_count; i++)
		if (stats->stream[i].has_events)
			exposition_sample(
				out, name,
				(double)stats->stream[i].event_max / 1e6 +
					pg_epoch_s,
				"stream", sink->stream[i]->name, NULL);
}

static void add_flushes(struct buf *out, const struct stats *stats)
{
	const char *name = NAME("flush_duration_seconds");
	uint64_t sum = 0;
	char end[32];

	exposition_family(out, name, "histogram",
			  "From the first message of a batch to PostgreSQL to "
			  "its COMMIT.");
	for (int i = 0; i < STATS_BUCKETS; i++) {
		sum += stats->flush_bucket[i];
		snprintf(end, sizeof end, "%g",
			 (double)stats_bucket_ms[i] / 1000);
		exposition_sample(out, NAME("flush_duration_seconds_bucket"),
				  (double)sum, "le", end, NULL);
	}
	exposition_sample(out, NAME("flush_duration_seconds_bucket"),
			  (double)stats->flush_count, "le", "+Inf", NULL);
	exposition_sample(out, NAME("flush_duration_seconds_sum"),
			  (double)stats->flush_sum_ms / 1000, NULL);
	exposition_sample(out, NAME("flush_duration_seconds_count"),
			  (double)stats->flush_count, NULL);
}

static void add_database(struct buf *out, const struct monitor_view *view)
{
	const char *name = NAME("pg_up");

	exposition_family(out, name, "gauge",
			  "0 from a failure until the next commit.");
	exposition_sample(out, name, view->is_begun && !view->has_outage, NULL);
	name = NAME("pg_errors_total");
	exposition_family(out, name, "counter",
			  "Failures, by class of SQLSTATE; none: the "
			  "connection broke or could not be made.");
	for (int i = 0; i < STATS_ERRORS && view->stats.error[i].count; i++)
		exposition_sample(out, name, (double)view->stats.error[i].count,
				  "class", view->stats.error[i].class, NULL);
	name = NAME("last_commit_timestamp_seconds");
	exposition_family(out, name, "gauge", "When a batch was committed.");
	exposition_sample(out, name, (double)view->stats.committed_us / 1e6,
			  NULL);
}

/* --- partitions ----------------------------------------------------------- */

static void add_part(struct buf *out, const char *name,
		     const struct monitor_part *part, int64_t value)
{
	char number[16];

	snprintf(number, sizeof number, "%d", (int)part->marks.partition);
	exposition_sample(out, name, (double)(value > 0 ? value : 0), "topic",
			  part->marks.topic, "partition", number, NULL);
}

static void add_parts(struct buf *out, const struct monitor_view *view)
{
	const char *name = NAME("committed_offset");

	exposition_family(out, name, "gauge",
			  "Where the next record to be loaded is.");
	for (size_t i = 0; i < view->part_count; i++)
		add_part(out, name, &view->part[i], view->part[i].committed);
	name = NAME("low_offset");
	exposition_family(out, name, "gauge",
			  "The oldest record that Kafka still has.");
	for (size_t i = 0; i < view->part_count; i++)
		if (view->part[i].marks.low >= 0)
			add_part(out, name, &view->part[i],
				 view->part[i].marks.low);
	name = NAME("high_offset");
	exposition_family(out, name, "gauge", "Where the partition ends.");
	for (size_t i = 0; i < view->part_count; i++)
		if (view->part[i].marks.high >= 0)
			add_part(out, name, &view->part[i],
				 view->part[i].marks.high);
	name = NAME("consumer_lag");
	exposition_family(out, name, "gauge", "Records not loaded yet.");
	for (size_t i = 0; i < view->part_count; i++)
		if (view->part[i].marks.high >= 0)
			add_part(out, name, &view->part[i],
				 view->part[i].marks.high -
					 view->part[i].committed);
	name = NAME("retention_headroom_records");
	exposition_family(out, name, "gauge",
			  "Records that Kafka may still delete before it "
			  "deletes one that is not loaded.");
	for (size_t i = 0; i < view->part_count; i++)
		if (view->part[i].marks.low >= 0)
			add_part(out, name, &view->part[i],
				 view->part[i].committed -
					 view->part[i].marks.low);
}

/* --- the process ---------------------------------------------------------- */

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void add_process(struct buf *out, const struct monitor_view *view)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	exposition_family(out, "process_cpu_seconds_total", "counter",
			  "User and system time of the process.");
	exposition_sample(out, "process_cpu_seconds_total",
			  seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
			  NULL);
	exposition_family(out, "process_max_resident_memory_bytes", "gauge",
			  "The most memory that it has held.");
	exposition_sample(out, "process_max_resident_memory_bytes",
			  (double)usage.ru_maxrss * 1024, NULL);
	exposition_family(out, "process_start_time_seconds", "gauge",
			  "When the process began.");
	exposition_sample(out, "process_start_time_seconds",
			  (double)view->started_us / 1e6, NULL);
}

void monitor_text(struct buf *out, const struct monitor_view *view,
		  const struct sink_plan *sink)
{
	add_build(out);
	add_figures(out, view);
	add_outcomes(out, &view->stats);
	add_streams(out, &view->stats, sink);
	add_flushes(out, &view->stats);
	add_database(out, view);
	add_parts(out, view);
	add_process(out, view);
}
