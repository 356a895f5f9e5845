/*
 * mem.h - memory that is there or ends the process
 *
 * Out of memory aborts: positions move only with a COMMIT, so a crash repeats
 * work and never loses any, while half-handled allocation failures have been
 * seen to drop bytes silently.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

/* Like malloc, calloc, realloc, strdup, strndup; never NULL. */
void *mem_alloc(size_t size)
	__attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mem_zalloc(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *mem_realloc(void *p, size_t size)
	__attribute__((returns_nonnull, alloc_size(2)));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t len)
	__attribute__((malloc, returns_nonnull));

/* Formats into memory the caller frees. */
char *mem_format(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Makes room for one more element of size bytes in a growing array; the
 * capacity doubles.  Use through MEM_GROW. */
void *mem_grow(void *array, size_t count, size_t *capacity, size_t size);

/* MEM_GROW(array, count, capacity): afterwards array[count] may be written. */
#define MEM_GROW(array, count, capacity)                                       \
	((array) = mem_grow((array), (count), &(capacity), sizeof *(array)))

#endif
