/*
 * str.c - slices and the capped builder
 *
 * Case folding and character classes are ASCII and independent of the locale. What does not fit a
 * builder is not written at all: a shorter string would be another string.
 */
#include <stdio.h>
#include <string.h>

#include "truefrom/base.h"
#include "truefrom/banned.h"

struct tf_str
tf_str_from(const char *cstr)
{
	return (struct tf_str){ cstr, cstr != NULL ? strlen(cstr) : 0 };
}

bool
tf_str_eq(struct tf_str a, struct tf_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
tf_str_eq_nocase(struct tf_str a, struct tf_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (tf_lower(a.ptr[i]) != tf_lower(b.ptr[i]))
			return false;
	}
	return true;
}

uint32_t
tf_str_hash(struct tf_str s, uint32_t seed)
{
	uint32_t hash = 2166136261u ^ seed;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)tf_lower(s.ptr[i])) * 16777619u;
	return hash;
}

int
tf_str_cmp(struct tf_str a, struct tf_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n != 0 ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool
tf_str_starts_nocase(struct tf_str s, struct tf_str prefix)
{
	return s.len >= prefix.len && tf_str_eq_nocase(tf_str_sub(s, 0, prefix.len), prefix);
}

bool
tf_str_ends_nocase(struct tf_str s, struct tf_str suffix)
{
	return s.len >= suffix.len &&
	       tf_str_eq_nocase(tf_str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

size_t
tf_str_rfind(struct tf_str s, char c)
{
	for (size_t i = s.len; i > 0; i--) {
		if (s.ptr[i - 1] == c)
			return i - 1;
	}
	return s.len;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct tf_str
tf_str_trim(struct tf_str s)
{
	while (s.len != 0 && is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len != 0 && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool
tf_str_is_ascii(struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (tf_is_8bit(s.ptr[i]))
			return false;
	}
	return true;
}

bool
tf_str_to_u64(struct tf_str s, uint64_t max, uint64_t *n_out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.ptr[i] - '0';

		if (!tf_is_digit(s.ptr[i]) || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*n_out = n;
	return true;
}

bool
tf_str_to_u32(struct tf_str s, uint32_t max, uint32_t *n_out)
{
	uint64_t n;

	if (!tf_str_to_u64(s, max, &n))
		return false;
	*n_out = (uint32_t)n;
	return true;
}

bool
tf_cstr(struct tf_str s, char *storage, size_t size)
{
	if (size == 0)
		return false;
	storage[0] = '\0';
	if (s.len >= size || (s.len != 0 && memchr(s.ptr, '\0', s.len) != NULL))
		return false;
	if (s.len != 0)
		memcpy(storage, s.ptr, s.len);
	storage[s.len] = '\0';
	return true;
}

void
tf_buf_init(struct tf_buf *b, char *storage, size_t size)
{
	*b = (struct tf_buf){ .ptr = storage, .cap = size, .max = size };
}

void
tf_buf_init_arena(struct tf_buf *b, struct tf_arena *a, size_t max)
{
	*b = (struct tf_buf){ .arena = a, .max = max };
}

void
tf_buf_clear(struct tf_buf *b)
{
	b->len = 0;
	b->overflow = false;
}

/* Room for n more bytes, or overflow. */
static bool
room(struct tf_buf *b, size_t n)
{
	size_t cap;
	char *grown;

	if (b->overflow || n > b->max - b->len) {
		b->overflow = true;
		return false;
	}
	if (n <= b->cap - b->len)
		return true;
	/* Only arena builders come here: fixed storage has cap == max. */
	cap = b->cap < 128 ? 256 : b->cap * 2;
	if (cap < b->len + n)
		cap = b->len + n;
	if (cap > b->max)
		cap = b->max;
	grown = tf_arena_alloc(b->arena, cap);
	if (b->len != 0)
		memcpy(grown, b->ptr, b->len);
	b->ptr = grown;
	b->cap = cap;
	return true;
}

void
tf_buf_str(struct tf_buf *b, struct tf_str s)
{
	if (s.len == 0 || !room(b, s.len))
		return;
	memcpy(b->ptr + b->len, s.ptr, s.len);
	b->len += s.len;
}

void
tf_buf_lit(struct tf_buf *b, const char *cstr)
{
	tf_buf_str(b, tf_str_from(cstr));
}

void
tf_buf_byte(struct tf_buf *b, char c)
{
	tf_buf_str(b, (struct tf_str){ &c, 1 });
}

void
tf_buf_vprintf(struct tf_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		tf_panic("format \"%s\"", fmt);
	/* vsnprintf needs room for its NUL, which is not part of the text. */
	if (!room(b, (size_t)n + 1))
		return;
	vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void
tf_buf_printf(struct tf_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tf_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
tf_buf_errno(struct tf_buf *b, int number)
{
	char words[128];

	if (strerror_r(number, words, sizeof(words)) == 0)
		tf_buf_lit(b, words);
	else
		tf_buf_printf(b, "error %d", number);
}

struct tf_str
tf_buf_get(const struct tf_buf *b)
{
	return (struct tf_str){ b->ptr, b->len };
}

const char *
tf_buf_cstr(struct tf_buf *b)
{
	if (!room(b, 1))
		return "";
	b->ptr[b->len] = '\0';
	return b->ptr;
}
