/*
 * arena.c - memory: the message arena and the process's own allocations
 *
 * Blocks of growing size, freed together; foreign handles are released by deferred calls, last one
 * first. Allocation succeeds or ends the process: whoever supervises the daemon starts it again,
 * and sizes are limited where outside bytes enter, so that no single message can bring that about.
 * Does not: shrink, free single allocations, lock.
 */
#define TF_ARENA_C
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "truefrom/base.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(WITH_ASAN) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
/* Each allocation is one of its own: what lies behind it, and what is not given out, is denied. */
#define REDZONE ALIGN
#define DENY(ptr, size) ASAN_POISON_MEMORY_REGION(ptr, size)
#define ALLOW(ptr, size) ASAN_UNPOISON_MEMORY_REGION(ptr, size)
#else
#define REDZONE ((size_t)0)
#define DENY(ptr, size) ((void)0)
#define ALLOW(ptr, size) ((void)0)
#endif
#include "truefrom/banned.h"

#define BLOCK_MIN ((size_t)8 * 1024)
#define BLOCK_MAX ((size_t)256 * 1024)
#define ALIGN _Alignof(max_align_t)
#define LARGE ((int)(2 * BLOCK_MAX)) /* for glibc's mmap threshold */

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *ptr;
};

struct tf_arena {
	struct block *blocks; /* the newest first */
	struct deferred *deferred;
	size_t used;
};

static void
to_stderr(const char *words)
{
	fprintf(stderr, "truefrom: %s\n", words);
}

static void (*say_last)(const char *) = to_stderr;

void
tf_panic_to(void (*say)(const char *words))
{
	say_last = say;
}

static void __attribute__((noreturn)) out_of_memory(size_t size)
{
	char words[80];

	(void)snprintf(words, sizeof(words), "out of memory (%zu bytes)", size);
	say_last(words);
	abort();
}

void *
tf_xcalloc(size_t n, size_t size)
{
	void *ptr = calloc(n != 0 ? n : 1, size != 0 ? size : 1);

	if (ptr == NULL)
		out_of_memory(n * size);
	return ptr;
}

#ifdef __GLIBC__

void
tf_heap_prepare(void)
{
	/* Set at all, it stays: large blocks are the system's again as soon as they are free. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

void
tf_heap_trim(void)
{
	(void)malloc_trim(0);
}

#else

void
tf_heap_prepare(void)
{
}

void
tf_heap_trim(void)
{
}

#endif

void *
tf_xmalloc(size_t size)
{
	return tf_xcalloc(1, size);
}

void *
tf_xrealloc(void *ptr, size_t size)
{
	void *moved = realloc(ptr, size != 0 ? size : 1);

	if (moved == NULL)
		out_of_memory(size);
	return moved;
}

char *
tf_xstrdup(struct tf_str s)
{
	char *copy = tf_xmalloc(s.len + 1);

	if (s.len != 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

void
tf_xfree(void *ptr)
{
	free(ptr);
}

void
tf_panic(const char *fmt, ...)
{
	static const char bug[] = "bug: ";
	char words[512];
	va_list ap;

	memcpy(words, bug, sizeof(bug));
	va_start(ap, fmt);
	(void)vsnprintf(words + sizeof(bug) - 1, sizeof(words) - sizeof(bug) + 1, fmt, ap);
	va_end(ap);
	say_last(words);
	abort();
}

static struct block *
block_new(struct tf_arena *a, size_t need)
{
	size_t size = a->blocks != NULL ? a->blocks->size * 2 : BLOCK_MIN;
	struct block *b;

	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*b))
		out_of_memory(size);
	/* Not zeroed here: tf_arena_alloc clears what it hands out, and blocks are reused. */
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		out_of_memory(size);
	b->next = a->blocks;
	b->size = size;
	b->used = 0;
	DENY(b->bytes, size);
	a->blocks = b;
	return b;
}

struct tf_arena *
tf_arena_new(void)
{
	return tf_xmalloc(sizeof(struct tf_arena));
}

void
tf_arena_clear(struct tf_arena *a)
{
	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->ptr);
	}
	/* The first, smallest block stays for the next message. */
	while (a->blocks != NULL && a->blocks->next != NULL) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	if (a->blocks != NULL && a->blocks->size > BLOCK_MAX) {
		free(a->blocks);
		a->blocks = NULL;
	}
	if (a->blocks != NULL) {
		DENY(a->blocks->bytes, a->blocks->used);
		a->blocks->used = 0;
	}
	a->used = 0;
}

void
tf_arena_free(struct tf_arena *a)
{
	if (a == NULL)
		return;
	tf_arena_clear(a);
	free(a->blocks);
	free(a);
}

void *
tf_arena_alloc(struct tf_arena *a, size_t size)
{
	struct block *b = a->blocks;
	size_t room;
	void *ptr;

	if (size == 0)
		size = 1;
	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	room = ((size + ALIGN - 1) & ~(ALIGN - 1)) + REDZONE;
	if (b == NULL || b->size - b->used < room)
		b = block_new(a, room);
	ptr = b->bytes + b->used;
	b->used += room;
	a->used += room;
	ALLOW(ptr, size);
	return memset(ptr, 0, size);
}

void *
tf_arena_array(struct tf_arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / 2 / size)
		out_of_memory(n);
	return tf_arena_alloc(a, n * size);
}

struct tf_str
tf_arena_dup(struct tf_arena *a, struct tf_str s)
{
	char *copy = tf_arena_alloc(a, s.len + 1);

	if (s.len != 0)
		memcpy(copy, s.ptr, s.len);
	return (struct tf_str){ copy, s.len };
}

char *
tf_arena_cstr(struct tf_arena *a, struct tf_str s)
{
	char *copy;

	if (s.len != 0 && memchr(s.ptr, '\0', s.len) != NULL)
		return NULL;
	copy = tf_arena_alloc(a, s.len + 1);
	if (s.len != 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

struct tf_str
tf_arena_printf(struct tf_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		tf_panic("format \"%s\"", fmt);
	text = tf_arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct tf_str){ text, (size_t)n };
}

size_t
tf_arena_used(const struct tf_arena *a)
{
	return a->used;
}

void
tf_arena_defer(struct tf_arena *a, void (*fn)(void *), void *ptr)
{
	struct deferred *d = tf_arena_alloc(a, sizeof(*d));

	d->fn = fn;
	d->ptr = ptr;
	d->next = a->deferred;
	a->deferred = d;
}
