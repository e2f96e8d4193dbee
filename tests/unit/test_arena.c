/*
 * test_arena.c - the memory of one message
 */
#include <string.h>

#include "tests/unit/test.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ASAN
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#endif

static bool
all_zero(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* Zeroed, aligned, not overlapping: small, large, over a block, again after a clear. */
static void
test_alloc(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 100, 5000, 8192, 70000, 1, 300000, 3 };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (int round = 0; round < 3; round++) {
		unsigned char *got[TF_ARRAY_LEN(sizes)];
		size_t sum = 0;

		for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
			got[i] = tf_arena_alloc(a, sizes[i]);
			assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
			assert_true(all_zero(got[i], sizes[i]));
			memset(got[i], (int)i + 1, sizes[i]);
			sum += sizes[i];
		}
		for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
			for (size_t n = 0; n < sizes[i]; n++)
				assert_int_equal(got[i][n], i + 1);
		}
		assert_true(tf_arena_used(a) >= sum);
		tf_arena_clear(a);
		assert_int_equal(tf_arena_used(a), 0);
	}
	tf_arena_free(a);
	tf_arena_free(NULL);
}

static void
test_many(void **state)
{
	struct tf_arena *a = tf_arena_new();
	size_t *previous = NULL;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		size_t *n = tf_arena_array(a, 1 + i % 3, sizeof(*n));

		*n = i;
		if (previous != NULL)
			assert_int_equal(*previous, i - 1);
		previous = n;
	}
	tf_arena_free(a);
}

static void
test_copies(void **state)
{
	struct tf_arena *a = tf_arena_new();
	char bytes[] = "a\0b";
	struct tf_str copy = tf_arena_dup(a, (struct tf_str){ bytes, 3 });

	(void)state;
	memset(bytes, 'x', 3);
	assert_str("dup keeps NUL", copy, TF_STR("a\0b"));
	assert_str("dup of nothing", tf_arena_dup(a, TF_NONE_STR), TF_STR(""));
	assert_string_equal(tf_arena_cstr(a, TF_STR("abc")), "abc");
	assert_string_equal(tf_arena_cstr(a, TF_NONE_STR), "");
	assert_null(tf_arena_cstr(a, TF_STR("a\0b")));
	assert_str("printf", tf_arena_printf(a, "%d %s", 42, "x"), TF_STR("42 x"));
	tf_arena_free(a);
}

/* What ran, as letters. */
struct ran {
	char order[16];
	size_t count;
};

static struct ran ran;

static void
run(void *letter)
{
	ran.order[ran.count++] = *(const char *)letter;
}

static void
test_defer(void **state)
{
	static char letters[] = "abc";
	struct tf_arena *a = tf_arena_new();

	(void)state;
	ran = (struct ran){ .count = 0 };
	for (size_t i = 0; i < 3; i++)
		tf_arena_defer(a, run, &letters[i]);
	tf_arena_clear(a);
	assert_string_equal(ran.order, "cba"); /* last first */
	tf_arena_clear(a);
	assert_int_equal(ran.count, 3); /* once */
	tf_arena_defer(a, run, &letters[0]);
	tf_arena_free(a);
	assert_string_equal(ran.order, "cbaa");
}

static void
test_process_memory(void **state)
{
	char *s = tf_xstrdup(TF_STR("abc"));
	unsigned char *n = tf_xcalloc(10, 10);

	(void)state;
	assert_string_equal(s, "abc");
	assert_true(all_zero(n, 100));
	n = tf_xrealloc(n, 1000);
	assert_true(all_zero(n, 100));
	tf_xfree(n);
	tf_xfree(s);
	tf_xfree(NULL);
	s = tf_xmalloc(0);
	assert_non_null(s);
	tf_xfree(s);
}

#ifdef ASAN
/* What was not asked for, and what was given back, may not be touched. */
static void
test_sanitizer(void **state)
{
	struct tf_arena *a = tf_arena_new();
	char *one = tf_arena_alloc(a, 5), *two = tf_arena_alloc(a, 16);

	(void)state;
	assert_null(__asan_region_is_poisoned(one, 5));
	assert_ptr_equal(__asan_region_is_poisoned(one, 6), one + 5);
	assert_null(__asan_region_is_poisoned(two, 16));
	assert_ptr_equal(__asan_region_is_poisoned(two, 17), two + 16);
	tf_arena_clear(a);
	assert_ptr_equal(__asan_region_is_poisoned(one, 5), one);
	assert_ptr_equal(tf_arena_alloc(a, 3), one);
	assert_null(__asan_region_is_poisoned(one, 3));
	tf_arena_free(a);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_defer),
		cmocka_unit_test(test_process_memory),
#ifdef ASAN
		cmocka_unit_test(test_sanitizer),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
