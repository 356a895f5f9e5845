#include "ingest/stats.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

void stats_start(struct stats *stats)
{
	*stats = (struct stats){.started_ms = clock_ms()};
	stats->shown_ms = stats->started_ms;
}

void stats_begin(struct stats *stats, int64_t done)
{
	stats->begun_ms = clock_ms();
	stats->begun_at = done;
}

void stats_commit(struct stats *stats, const struct batch *batch)
{
	for (size_t i = 0; i < batch->table_count; i++)
		stats->rows += batch->table[i].row_count;
	stats->rejects += batch->reject_count;
	stats->bytes += batch->byte_count;
	stats->loads++;
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
		int64_t size)
{
	int64_t now = clock_ms();
	int64_t elapsed = now - stats->shown_ms;
	uint64_t since = stats->rows - stats->shown_rows;
	double rate = elapsed > 0 ? (double)since / seconds(elapsed) : 0;
	char bytes[16];
	char eta[64] = "";

	show_size((double)stats->bytes, bytes);
	if (size > 0 && done > stats->begun_at && done < size) {
		double left = seconds(now - stats->begun_ms) *
			      (double)(size - done) /
			      (double)(done - stats->begun_at);

		snprintf(eta, sizeof eta, " done=%.0f%% eta=%.0fs",
			 100.0 * (double)done / (double)size, left);
	}
	log_progress("source=%s rows=%llu rate=%.0f/s rejects=%llu bytes=%s%s",
		     name, (unsigned long long)stats->rows, rate,
		     (unsigned long long)stats->rejects, bytes, eta);
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
