#include <stdlib.h>
#include <string.h>

#include "aggregate/model.h"
#include "common/buf.h"
#include "common/mem.h"

/* A span of the query and what takes its place. */
struct cut {
	size_t start, end;
	const char *subquery; /* NULL: `true` */
};

static int by_start(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

char *model_rewrite(const struct model *model, const char *const *subquery)
{
	struct cut *cut = mem_zalloc(2 * model->marker_count + 1, sizeof *cut);
	struct buf out = BUF_INIT;
	size_t count = 0, at = 0;

	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];
		const struct reference *r =
			&model->reference[marker->reference];

		cut[count++] = (struct cut){marker->start, marker->end, NULL};
		if (subquery && subquery[i])
			cut[count++] =
				(struct cut){r->start, r->end, subquery[i]};
	}
	qsort(cut, count, sizeof *cut, by_start);
	for (size_t i = 0; i < count; i++) {
		buf_add(&out, model->sql + at, cut[i].start - at);
		if (cut[i].subquery)
			/* a line comment in it ends with the line */
			buf_format(&out, "(%s\n)", cut[i].subquery);
		else /* the comment may be all that kept two words apart */
			buf_add_text(&out, " true");
		at = cut[i].end;
	}
	buf_add_text(&out, model->sql + at);
	free(cut);
	return buf_detach(&out);
}
