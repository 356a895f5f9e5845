#include "common/settings.h"

#include <string.h>

#include "common/settings_reading.h"

static size_t table_count(const struct setting *table)
{
	size_t count = 0;

	while (table[count].name)
		count++;
	return count;
}

/* "handle-streams", "batch-rows" -> HANDLE_STREAMS_BATCH_ROWS */
const char *settings__variable(struct arena *arena, const char *program,
			       const char *setting)
{
	char *name = arena_format(arena, "%s_%s", program, setting);
	char *c;

	for (c = name; *c; c++) {
		if (*c == '-')
			*c = '_';
		else if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return name;
}

const struct setting *settings__find(const struct reading *reading,
				     const char *name)
{
	const struct setting *row;

	for (row = reading->program->table; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/* Takes a value from the source being read, unless a stronger one has given
 * it.  A list begins anew: what a weaker source said is replaced. */
bool settings__take(struct reading *reading, const struct setting *row,
		    const char *text, struct error *err)
{
	size_t index = (size_t)(row - reading->program->table);
	void *value = (char *)reading->values + row->offset;

	if (reading->given[index])
		return true;
	if (row->type == SETTING_LIST && !reading->here[index])
		*(struct setting_list *)value = (struct setting_list){0};
	reading->here[index] = true;
	return setting_store(row, text, reading->values, reading->arena, err);
}

/* The source has been read to its end: weaker ones no longer count. */
void settings__source_done(struct reading *reading)
{
	size_t i;

	for (i = 0; i < reading->count; i++) {
		reading->given[i] |= reading->here[i];
		reading->here[i] = false;
	}
}

static bool read_defaults(struct reading *reading, struct error *err)
{
	const struct setting *row;

	for (row = reading->program->table; row->name; row++)
		if (row->initial &&
		    !setting_store(row, row->initial, reading->values,
				   reading->arena, err))
			return error_context(err, "default of %s", row->name);
	return true;
}

bool settings_read(struct settings *settings,
		   const struct settings_program *program, const char *home,
		   int argc, char *const *argv, void *values, struct error *err)
{
	struct reading reading = {
		.program = program,
		.count = table_count(program->table),
		.values = values,
		.arena = &settings->arena,
	};

	reading.given = arena_zalloc(reading.arena, reading.count + 1);
	reading.here = arena_zalloc(reading.arena, reading.count + 1);
	if (!read_defaults(&reading, err) ||
	    !settings__read_args(&reading, settings, argc, argv, err))
		return false;
	if (settings->request == SETTINGS_ANSWER)
		return true;
	return settings__read_environment(&reading, err) &&
	       settings__read_file(&reading, home, err);
}

void settings_release(struct settings *settings)
{
	arena_release(&settings->arena);
	*settings = SETTINGS_INIT;
}
