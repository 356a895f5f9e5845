#include <stdlib.h>
#include <string.h>

#include "aggregate/model.h"
#include "common/buf.h"
#include "common/mem.h"

/* A span of the query and what takes its place. */
struct cut {
	size_t start, end;
	const char *subquery; /* NULL: `true` */
	const char *alias;    /* what follows it; NULL: an alias is there */
};

static int by_start(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool has_reference(const struct cut *cut, size_t count, size_t start)
{
	for (size_t i = 0; i < count; i++)
		if (cut[i].subquery && cut[i].start == start)
			return true;
	return false;
}

static void add_plain(const struct model *model, const char *const *plain,
		      struct cut *cut, size_t *count)
{
	for (size_t i = 0; plain && i < model->reference_count; i++) {
		const struct reference *r = &model->reference[i];

		if (plain[i] && !has_reference(cut, *count, r->start))
			cut[(*count)++] = (struct cut){
				r->start, r->end, plain[i],
				*r->alias ? NULL
					  : strchr(r->relation, '.') + 1};
	}
}

char *model_rewrite(const struct model *model, const char *const *subquery)
{
	return model_rewrite_all(model, subquery, NULL);
}

char *model_rewrite_all(const struct model *model, const char *const *subquery,
			const char *const *plain)
{
	struct cut *cut =
		mem_zalloc(2 * model->marker_count + model->reference_count + 1,
			   sizeof *cut);
	struct buf out = BUF_INIT;
	size_t count = 0, at = 0;

	for (size_t i = 0; i < model->marker_count; i++) {
		const struct marker *marker = &model->marker[i];
		const struct reference *r =
			&model->reference[marker->reference];

		cut[count++] =
			(struct cut){marker->start, marker->end, NULL, NULL};
		if (subquery && subquery[i])
			cut[count++] = (struct cut){r->start, r->end,
						    subquery[i], NULL};
	}
	add_plain(model, plain, cut, &count);
	qsort(cut, count, sizeof *cut, by_start);
	for (size_t i = 0; i < count; i++) {
		buf_add(&out, model->sql + at, cut[i].start - at);
		if (cut[i].subquery)
			/* a line comment in it ends with the line */
			buf_format(&out, "(%s\n)%s%s", cut[i].subquery,
				   cut[i].alias ? " as " : "",
				   cut[i].alias ? cut[i].alias : "");
		else /* the comment may be all that kept two words apart */
			buf_add_text(&out, " true");
		at = cut[i].end;
	}
	buf_add_text(&out, model->sql + at);
	free(cut);
	return buf_detach(&out);
}
