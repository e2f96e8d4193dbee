/*
 * fuzz.h - what every fuzz target includes
 *
 * A target asserts what must hold for any input, not only that nothing crashes; FUZZ_ASSERT names
 * what did not.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "truefrom/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ASSERT(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			tf_panic("%s:%d: %s", __FILE__, __LINE__, #condition);                     \
	} while (0)

static inline struct tf_str
fuzz_input(const uint8_t *data, size_t size)
{
	return (struct tf_str){ (const char *)data, size };
}

/* An arena for one input. The one of all inputs: what is not given out, AddressSanitizer knows. */
static inline struct tf_arena *
fuzz_arena(void)
{
	static struct tf_arena *a;

	if (a == NULL)
		a = tf_arena_new();
	tf_arena_clear(a);
	return a;
}

/* An empty slice lies anywhere. */
static inline bool
fuzz_inside(struct tf_str part, struct tf_str whole)
{
	return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
				    part.ptr + part.len <= whole.ptr + whole.len);
}

/* One line ended by LF or CRLF, folds included, off the front of *rest; without its end. */
static inline struct tf_str
fuzz_take_field(struct tf_str *rest)
{
	size_t end = 0;
	struct tf_str field;

	do {
		end += tf_str_find(tf_str_sub(*rest, end, rest->len), '\n') + 1;
	} while (end < rest->len && tf_is_wsp(rest->ptr[end]));
	field = tf_str_sub(*rest, 0, end - 1);
	if (field.len != 0 && field.ptr[field.len - 1] == '\r')
		field.len--;
	*rest = tf_str_sub(*rest, end, rest->len);
	return field;
}

#endif
