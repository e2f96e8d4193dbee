/*
 * test_str.c - slices and the capped builder
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

static void
test_to_u64(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		uint64_t max;
		bool ok;
		uint64_t want;
	} rows[] = {
		{ "zero", TF_LIT("0"), 10, true, 0 },
		{ "leading zeros", TF_LIT("007"), 10, true, 7 },
		{ "exactly max", TF_LIT("300"), 300, true, 300 },
		{ "one over max", TF_LIT("301"), 300, false, 0 },
		{ "largest", TF_LIT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
		{ "one over the type", TF_LIT("18446744073709551616"), UINT64_MAX, false, 0 },
		{ "far over the type", TF_LIT("99999999999999999999999"), UINT64_MAX, false, 0 },
		{ "empty", TF_LIT(""), 10, false, 0 },
		{ "sign", TF_LIT("+5"), 10, false, 0 },
		{ "blank", TF_LIT(" 5"), 10, false, 0 },
		{ "NUL inside",
		    TF_LIT("1\0"
			   "2"),
		    100, false, 0 },
		{ "digit over a small max", TF_LIT("7"), 3, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		uint64_t n = 0;

		assert_num(rows[i].what, tf_str_to_u64(rows[i].in, rows[i].max, &n), rows[i].ok);
		assert_num(rows[i].what, n, rows[i].want);
	}
}

static void
test_compare(void **state)
{
	(void)state;
	assert_true(tf_str_eq_nocase(TF_STR("Example.COM"), TF_STR("eXAMPLE.com")));
	assert_false(tf_str_eq_nocase(TF_STR("[x"), TF_STR("{x"))); /* only letters fold */
	assert_int_equal(
	    tf_str_hash(TF_STR("Example.COM"), 7), tf_str_hash(TF_STR("eXAMPLE.com"), 7));
	assert_int_not_equal(tf_str_hash(TF_STR("[x"), 7), tf_str_hash(TF_STR("{x"), 7));
	assert_int_not_equal(tf_str_hash(TF_STR("x"), 7), tf_str_hash(TF_STR("x"), 8));
	assert_false(tf_str_eq(TF_STR("a\0b"), TF_STR("a\0c")));
	assert_true(tf_str_eq(TF_NONE_STR, TF_STR("")));
	assert_true(tf_str_starts_nocase(TF_STR("IPv6:::1"), TF_STR("ipv6:")));
	assert_false(tf_str_starts_nocase(TF_STR("IP"), TF_STR("ipv6:")));
	assert_true(tf_str_ends_nocase(TF_STR("a.Example"), TF_STR(".example")));
	assert_true(tf_str_cmp(TF_STR("ab"), TF_STR("abc")) < 0);
	assert_true(tf_str_cmp(TF_STR("b"), TF_STR("abc")) > 0);
	assert_int_equal(tf_str_find(TF_STR("abc"), 'x'), 3);
	assert_int_equal(tf_str_rfind(TF_STR("a@b@c"), '@'), 3);
	assert_str("trim", tf_str_trim(TF_STR(" \t\r\n x y \n")), TF_STR("x y"));
	assert_str("sub past the end", tf_str_sub(TF_STR("abc"), 2, 9), TF_STR("c"));
	assert_str("sub beyond", tf_str_sub(TF_STR("abc"), 7, 9), TF_STR(""));
}

static void
test_buf_fixed(void **state)
{
	char storage[8];
	struct tf_buf b;

	(void)state;
	tf_buf_init(&b, storage, sizeof(storage));
	tf_buf_lit(&b, "12345");
	tf_buf_lit(&b, "6789"); /* does not fit: nothing of it is written */
	assert_true(b.overflow);
	assert_str("no partial write", tf_buf_get(&b), TF_STR("12345"));
	tf_buf_byte(&b, 'x'); /* overflow sticks */
	assert_int_equal(b.len, 5);
	tf_buf_clear(&b);
	tf_buf_printf(&b, "%d", 1234567);
	assert_false(b.overflow);
	assert_string_equal(tf_buf_cstr(&b), "1234567");
	tf_buf_byte(&b, '8');
	assert_string_equal(tf_buf_cstr(&b), ""); /* no room for the NUL */
	assert_true(b.overflow);
}

static void
test_buf_arena(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf b;

	(void)state;
	tf_buf_init_arena(&b, a, 1000);
	for (int i = 0; i < 1000; i++)
		tf_buf_byte(&b, (char)('a' + i % 26));
	assert_false(b.overflow);
	assert_int_equal(b.len, 1000);
	assert_memory_equal(b.ptr + 26, "abc", 3);
	tf_buf_byte(&b, 'x');
	assert_true(b.overflow);
	tf_arena_free(a);
}

static void
test_cstr(void **state)
{
	char storage[4];

	(void)state;
	assert_true(tf_cstr(TF_STR("abc"), storage, sizeof(storage)));
	assert_string_equal(storage, "abc");
	assert_false(tf_cstr(TF_STR("abcd"), storage, sizeof(storage)));
	assert_string_equal(storage, "");
	assert_false(tf_cstr(TF_STR("a\0b"), storage, sizeof(storage)));
}

static void
test_buf_errno(void **state)
{
	char storage[128];
	struct tf_buf b;

	(void)state;
	tf_buf_init(&b, storage, sizeof(storage));
	tf_buf_lit(&b, "x: ");
	tf_buf_errno(&b, ENOENT);
	assert_string_equal(tf_buf_cstr(&b), "x: No such file or directory");
	tf_buf_init(&b, storage, 8);
	tf_buf_errno(&b, ENOENT);
	assert_true(b.overflow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_u64),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_buf_fixed),
		cmocka_unit_test(test_buf_arena),
		cmocka_unit_test(test_cstr),
		cmocka_unit_test(test_buf_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
