#include "common/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
	struct arena_block *older;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static void add_block(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size < BLOCK_BYTES)
		size = BLOCK_BYTES;
	block = mem_alloc(sizeof *block + size);
	block->older = arena->block;
	block->size = size;
	arena->block = block;
	arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = (size + alignof(max_align_t) - 1) &
			 ~(size_t)(alignof(max_align_t) - 1);
	void *p;

	if (!arena->block || arena->block->size - arena->used < rounded)
		add_block(arena, rounded);
	p = arena->block->bytes + arena->used;
	arena->used += rounded;
	return p;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_format(struct arena *arena, const char *fmt, ...)
{
	struct arena_block *block = arena->block;
	char *rest = block ? block->bytes + arena->used : NULL;
	size_t room = block ? block->size - arena->used : 0;
	va_list args;
	char *s;
	int len;

	va_start(args, fmt);
	len = vsnprintf(rest, room, fmt, args);
	va_end(args);
	s = arena_alloc(arena, (size_t)len + 1);
	if (s == rest)
		return s;
	va_start(args, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	va_end(args);
	return s;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->block;

	while (block && block->older) {
		struct arena_block *older = block->older;

		free(block);
		block = older;
	}
	arena->block = block;
	arena->used = 0;
}

void arena_release(struct arena *arena)
{
	arena_reset(arena);
	free(arena->block);
	*arena = ARENA_INIT;
}
