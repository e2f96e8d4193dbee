/*
 * base.h - slices, lexer cursor, capped builder, arena, panic
 *
 * What every other file stands on. Nothing here knows mail, DNS or the daemon.
 * Thread-safety: no function keeps state of its own; one object belongs to one thread at a time.
 */
#ifndef TRUEFROM_BASE_H
#define TRUEFROM_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Slices: borrowed bytes, not terminated; may hold NUL, 8-bit bytes, bare CR or LF. */
struct tf_str {
	const char *ptr;
	size_t len;
};

#define TF_LIT(s)                                                                                  \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}                                    /* in an initialiser */
#define TF_STR(s) ((struct tf_str)TF_LIT(s)) /* in an expression */
#define TF_NONE_STR ((struct tf_str){ NULL, 0 })
#define TF_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For printf's "%.*s"; only where the text is known to be clean and short. */
#define TF_PRI(s) (int)(s).len, (s).ptr

struct tf_str tf_str_from(const char *cstr); /* NULL gives the empty slice */
bool tf_str_eq(struct tf_str a, struct tf_str b);
bool tf_str_eq_nocase(struct tf_str a, struct tf_str b); /* ASCII case folding only */
int tf_str_cmp(struct tf_str a, struct tf_str b);        /* bytes, shorter first on a tie */
/*
 * The same for all that tf_str_eq_nocase takes for equal (FNV-1a). For places of few entries: whose
 * names were made for it can fill one place whatever the seed is, since the lowest bits depend on
 * nothing but the lowest bits of seed and letters. tf_keyed_hash is for where that would be slow.
 */
uint32_t tf_str_hash(struct tf_str s, uint32_t seed);
bool tf_str_starts_nocase(struct tf_str s, struct tf_str prefix);
bool tf_str_ends_nocase(struct tf_str s, struct tf_str suffix);

/* Clipped to s. */
static inline struct tf_str
tf_str_sub(struct tf_str s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return (struct tf_str){ len != 0 ? s.ptr + from : s.ptr, len };
}

/* Index of the first (last) byte c, or s.len when there is none. */
static inline size_t
tf_str_find(struct tf_str s, char c)
{
	const char *hit = s.len != 0 ? memchr(s.ptr, c, s.len) : NULL;

	return hit != NULL ? (size_t)(hit - s.ptr) : s.len;
}

size_t tf_str_rfind(struct tf_str s, char c);
/* Without leading and trailing SP, TAB, CR and LF. */
struct tf_str tf_str_trim(struct tf_str s);
bool tf_str_is_ascii(struct tf_str s);
bool tf_str_is_utf8(struct tf_str s); /* RFC 3629; ASCII is UTF-8 */
/* The next code point, *rest advanced; false at the end and at what is not UTF-8 (rest stays). */
bool tf_utf8_next(struct tf_str *rest, uint32_t *cp_out);

/*
 * tf_str_to_u32 - decimal digits, all of s, at most max
 *
 * Returns false (and leaves n_out) on an empty string, a sign, any other byte or a value over max.
 * Leading zeros are accepted; a grammar that forbids them checks that itself.
 */
bool tf_str_to_u32(struct tf_str s, uint32_t max, uint32_t *n_out);
bool tf_str_to_u64(struct tf_str s, uint64_t max, uint64_t *n_out);

/* ASCII character classes and case, independent of the locale; inline, as scanners call them for
 * each byte. */
static inline bool
tf_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
tf_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
tf_is_alnum(char c)
{
	return tf_is_alpha(c) || tf_is_digit(c);
}

/* SP, TAB */
static inline bool
tf_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* 0-31 and 127 */
static inline bool
tf_is_ctl(char c)
{
	return (unsigned char)c < 32 || c == 127;
}

/* 128-255 */
static inline bool
tf_is_8bit(char c)
{
	return (unsigned char)c >= 128;
}

static inline char
tf_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Lexer cursor. The first error sticks; every reader is a no-op once err is set. */
struct tf_lex {
	const char *p, *end;
	const char *err; /* static text, NULL while all is well */
};

static inline struct tf_lex
tf_lex_init(struct tf_str s)
{
	const char *start = s.ptr != NULL ? s.ptr : "";

	return (struct tf_lex){ .p = start, .end = start + s.len };
}

/* At the end, or in error. */
static inline bool
tf_lex_done(const struct tf_lex *lx)
{
	return lx->err != NULL || lx->p == lx->end;
}

/* The next byte as 0-255, -1 at the end or in error. */
static inline int
tf_lex_peek(const struct tf_lex *lx)
{
	return tf_lex_done(lx) ? -1 : (unsigned char)*lx->p;
}

void tf_lex_fail(struct tf_lex *lx, const char *err); /* keeps an earlier error */
void tf_lex_byte(struct tf_lex *lx, char c);          /* exactly c, else error */

/* c if it is next */
static inline bool
tf_lex_try(struct tf_lex *lx, char c)
{
	if (tf_lex_peek(lx) != (unsigned char)c)
		return false;
	lx->p++;
	return true;
}

/* The longest run of bytes for which is() holds; may be empty. */
static inline struct tf_str
tf_lex_while(struct tf_lex *lx, bool (*is)(char))
{
	const char *start = lx->p;

	while (!tf_lex_done(lx) && is(*lx->p))
		lx->p++;
	return (struct tf_str){ start, (size_t)(lx->p - start) };
}

static inline struct tf_str
tf_lex_rest(const struct tf_lex *lx)
{
	return (struct tf_str){ lx->p, lx->err != NULL ? 0 : (size_t)(lx->end - lx->p) };
}

/* Arena: memory of one message. Allocation succeeds or ends the process (out of memory). */
struct tf_arena;

struct tf_arena *tf_arena_new(void);
void tf_arena_free(struct tf_arena *a);  /* NULL is fine; runs what was deferred, last first */
void tf_arena_clear(struct tf_arena *a); /* the same, but the arena can be used again */
void *tf_arena_alloc(struct tf_arena *a, size_t size);           /* zeroed, aligned for any type */
void *tf_arena_array(struct tf_arena *a, size_t n, size_t size); /* overflow-checked */
struct tf_str tf_arena_dup(struct tf_arena *a, struct tf_str s);
char *tf_arena_cstr(struct tf_arena *a, struct tf_str s); /* NULL when s holds a NUL */
struct tf_str tf_arena_printf(struct tf_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
size_t tf_arena_used(const struct tf_arena *a); /* bytes handed out since new or clear */
/* Calls fn(ptr) when the arena is cleared or freed: gives it ownership of foreign handles. */
void tf_arena_defer(struct tf_arena *a, void (*fn)(void *), void *ptr);

/*
 * Capped builder. Either over fixed storage, or growing in an arena up to max bytes.
 * What does not fit is not written at all and sets overflow, which sticks: ask once before use.
 */
struct tf_buf {
	char *ptr;
	size_t len, cap, max;
	struct tf_arena *arena; /* NULL: fixed storage */
	bool overflow;
};

void tf_buf_init(struct tf_buf *b, char *storage, size_t size);
void tf_buf_init_arena(struct tf_buf *b, struct tf_arena *a, size_t max);
void tf_buf_clear(struct tf_buf *b); /* empty, no overflow; storage stays */
void tf_buf_str(struct tf_buf *b, struct tf_str s);
void tf_buf_lit(struct tf_buf *b, const char *cstr);
void tf_buf_byte(struct tf_buf *b, char c);
void tf_buf_printf(struct tf_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tf_buf_vprintf(struct tf_buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void tf_buf_errno(struct tf_buf *b, int number); /* an errno in the system's words */
struct tf_str tf_buf_get(const struct tf_buf *b);
/* NUL-terminated for C libraries and printf; needs one byte of room, else "" and overflow. */
const char *tf_buf_cstr(struct tf_buf *b);

/*
 * tf_cstr - copy s into storage as a C string for a C library
 *
 * Returns false when s holds a NUL or does not fit (storage then holds "").
 */
bool tf_cstr(struct tf_str s, char *storage, size_t size);

/* Process-lifetime memory: never NULL, out of memory ends the process; new memory is zeroed. */
void *tf_xmalloc(size_t size);
void *tf_xcalloc(size_t n, size_t size);
void *tf_xrealloc(void *ptr, size_t size);
char *tf_xstrdup(struct tf_str s);
void tf_xfree(void *ptr);
/*
 * The heap of a daemon: hundreds of sessions come and go, in any thread of libmilter's. prepare
 * comes before the first thread; trim gives what is free back to the system, in a millisecond or
 * so. Thread-safe. Other C libraries than glibc do as they like.
 */
void tf_heap_prepare(void);
void tf_heap_trim(void);

/* A bug in this program: says where and aborts. No input from outside may lead here. */
void tf_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/*
 * Who else hears the last words, of a bug and of memory that has run out; before any thread is
 * made. They are one line without its end; say may allocate nothing.
 */
void tf_panic_to(void (*say)(const char *words));

#endif
