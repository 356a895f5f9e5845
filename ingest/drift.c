#include "ingest/drift.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

void drift_reset(struct drift *drift)
{
	strmap_release(&drift->entry);
	strmap_release(&drift->relation);
	arena_reset(&drift->arena);
	drift->record = 0;
}

void drift_release(struct drift *drift)
{
	drift_reset(drift);
	arena_release(&drift->arena);
}

void drift_record(struct drift *drift)
{
	drift->record++;
}

/* Counts one more path of a relation.  False: it has enough. */
static bool has_room(struct drift *drift, const char *relation)
{
	size_t *count = strmap_get(&drift->relation, relation);

	if (!count) {
		count = arena_zalloc(&drift->arena, sizeof *count);
		strmap_put(&drift->relation,
			   arena_strdup(&drift->arena, relation), count);
	}
	if (*count == DRIFT_PATHS)
		return false;
	++*count;
	return true;
}

void drift_add(struct drift *drift, const char *relation, const char *path,
	       const char *kind, const char *sample, size_t sample_len)
{
	char key[DRIFT_PATH_MAX + 128];
	size_t path_len = utf8_cut(path, strlen(path), DRIFT_PATH_MAX);
	struct drift_entry *entry;

	snprintf(key, sizeof key, "%.63s\n%s\n%.*s", relation, kind,
		 (int)path_len, path);
	entry = strmap_get(&drift->entry, key);
	if (!entry) {
		if (!has_room(drift, relation))
			return;
		entry = arena_alloc(&drift->arena, sizeof *entry);
		*entry = (struct drift_entry){
			.relation = arena_strdup(&drift->arena, relation),
			.path = arena_strndup(&drift->arena, path, path_len),
			.kind = arena_strdup(&drift->arena, kind),
			.sample = arena_strndup(
				&drift->arena, sample,
				utf8_cut(sample, sample_len, DRIFT_SAMPLE_MAX)),
		};
		strmap_put(&drift->entry, arena_strdup(&drift->arena, key),
			   entry);
	}
	if (entry->last_record == drift->record && entry->count > 0)
		return;
	entry->last_record = drift->record;
	entry->count++;
}

static int by_key(const void *a, const void *b)
{
	const struct drift_entry *left = *(const struct drift_entry *const *)a;
	const struct drift_entry *right = *(const struct drift_entry *const *)b;
	int order = strcmp(left->relation, right->relation);

	if (order == 0)
		order = strcmp(left->path, right->path);
	return order ? order : strcmp(left->kind, right->kind);
}

const struct drift_entry *const *drift_sorted(struct drift *drift,
					      size_t *count)
{
	const struct drift_entry **sorted = arena_alloc(
		&drift->arena, (drift->entry.count + 1) * sizeof *sorted);

	*count = drift->entry.count;
	for (size_t i = 0; i < *count; i++)
		sorted[i] = drift->entry.entry[i].value;
	if (*count > 1)
		qsort(sorted, *count, sizeof *sorted, by_key);
	return sorted;
}
