#include "ingest/source.h"

enum source_result source_next(struct source *source, int64_t deadline_ms,
			       struct record *record, struct error *err)
{
	return source->class->next(source, deadline_ms, record, err);
}

int64_t source_offset(const struct source *source, int part)
{
	return source->class->offset(source, part);
}

bool source_anchor(struct source *source, int part, struct anchor *anchor)
{
	return source->class->anchor(source, part, anchor);
}

bool source_rewind(struct source *source, int part, int64_t offset,
		   struct error *err)
{
	return source->class->rewind(source, part, offset, err);
}

bool source_rereads(const struct source *source)
{
	return source->class->reread && source->replayable;
}

bool source_reread(const struct source *source, int64_t position, char *bytes,
		   size_t len, struct error *err)
{
	return source->class->reread(source, position, bytes, len, err);
}

bool source_changes(const struct source *source)
{
	return source->class->settle != NULL;
}

bool source_settle(struct source *source, struct pg *pg, struct error *err)
{
	return source->class->settle(source, pg, err);
}

void source_leave(struct source *source)
{
	source->class->leave(source);
}

bool source_rejoin(struct source *source, struct error *err)
{
	return source->class->rejoin(source, err);
}

void source_committed(struct source *source)
{
	if (source->class->committed)
		source->class->committed(source);
}

bool source_marks(const struct source *source, int part,
		  struct source_marks *marks)
{
	return source->class->marks &&
	       source->class->marks(source, part, marks);
}

void source_close(struct source *source)
{
	if (source)
		source->class->close(source);
}
