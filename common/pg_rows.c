#include "common/pg_rows.h"

#include <stdlib.h>

#include "common/mem.h"

const char **pg_rows_add(struct pg_rows *rows)
{
	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity ? 2 * rows->capacity : 64;
		rows->value = mem_realloc(rows->value,
					  rows->capacity * rows->columns *
						  sizeof *rows->value);
	}
	return rows->value + rows->count++ * rows->columns;
}

void pg_rows_copy(struct pg_rows *rows, const PGresult *res)
{
	rows->columns = (size_t)PQnfields(res);
	for (int i = 0; i < PQntuples(res); i++) {
		const char **value = pg_rows_add(rows);

		for (int k = 0; k < PQnfields(res); k++)
			value[k] = arena_strdup(&rows->arena,
						PQgetvalue(res, i, k));
	}
}

void pg_rows_release(struct pg_rows *rows)
{
	free(rows->value);
	arena_release(&rows->arena);
	*rows = PG_ROWS_INIT;
}
