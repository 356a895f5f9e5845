/*
 * model_value.h - the values of a model's header
 *
 * What may stand behind `key:`: a name, a list, a duration.  Everything is
 * copied into the model's arena.  All errors say file and line, and the nearest
 * word where one is misspelt.
 */
#ifndef AGGREGATE_MODEL_VALUE_H
#define AGGREGATE_MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/model.h"

/* A place in a model's file. */
struct model_at {
	struct model *model;
	int line;
	struct error *err;
};

/* Makes room for one more in an array in the model's arena; afterwards
 * array[count] may be written. */
#define MODEL_GROW(at, array, count)                                           \
	((array) = model_grow((at)->model, (array), (count), sizeof *(array)))
void *model_grow(struct model *model, void *array, size_t count, size_t size);

/* Sets the error to `file:line: ...`; always returns false. */
bool model_refuse(const struct model_at *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* `unknown <what> "word"`, and which one was meant or which there are. */
bool model_unknown(const struct model_at *at, const char *what,
		   const char *word, const char *const *known, size_t count);

/* The index of word in known; SIZE_MAX: none. */
size_t model_find(const char *word, const char *const *known, size_t count);

/* text[0, len) without blanks around it, copied. */
char *model_trim(struct model *model, const char *text, size_t len);

/* The entries of `[a, b(c, d), 'e, f']`; brackets may be left out. */
bool model_list(const struct model_at *at, const char *value, const char ***out,
		size_t *count);

/* A column's name: folded to lower case unless it is quoted. */
bool model_name(const struct model_at *at, const char *value, const char **out);
bool model_names(const struct model_at *at, const char *value,
		 const char ***out, size_t *count);

/* `60s`, `500ms`, `5m`, `2h`, `1d`, in microseconds, more than 0. */
bool model_duration(const struct model_at *at, const char *value,
		    int64_t *out_us);

#endif
