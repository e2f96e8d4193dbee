/*
 * test_header.c - the header block as received
 */
#include <string.h>

#include "policy/header.h"
#include "tests/unit/test.h"

static const struct tf_header_limits wide = { .max_fields = 1000, .max_bytes = 1000000 };

static void
test_kept_as_received(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str name, value, want_name, want_value;
	} rows[] = {
		{ "nothing changes", TF_LIT("sUbject"), TF_LIT("  x "), TF_LIT("sUbject"),
		    TF_LIT("  x ") },
		{ "6376 3.4: folds become CRLF", TF_LIT("A"), TF_LIT(" a\n b\n\tc"), TF_LIT("A"),
		    TF_LIT(" a\r\n b\r\n\tc") },
		{ "CRLF stays", TF_LIT("A"), TF_LIT(" a\r\n b\n c"), TF_LIT("A"),
		    TF_LIT(" a\r\n b\r\n c") },
		{ "LF first", TF_LIT("A"), TF_LIT("\n x"), TF_LIT("A"), TF_LIT("\r\n x") },
		{ "a bare CR stays", TF_LIT("A"), TF_LIT("a\rb\r\r\n c"), TF_LIT("A"),
		    TF_LIT("a\rb\r\r\n c") },
		{ "two LF", TF_LIT("A"), TF_LIT("a\n\nb"), TF_LIT("A"), TF_LIT("a\r\n\r\nb") },
		{ "any byte", TF_LIT("A"), TF_LIT("a\0\xff"), TF_LIT("A"), TF_LIT("a\0\xff") },
		{ "empty", TF_LIT("A"), TF_LIT(""), TF_LIT("A"), TF_LIT("") },
		{ "blanks before the colon", TF_LIT("From \t "), TF_LIT("x"), TF_LIT("From"),
		    TF_LIT("x") },
		{ "a fold before the colon", TF_LIT("From\n "), TF_LIT("x"), TF_LIT("From"),
		    TF_LIT("x") },
		{ "blanks before the name stay", TF_LIT(" From"), TF_LIT("x"), TF_LIT(" From"),
		    TF_LIT("x") },
	};
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;

	(void)state;
	tf_header_block_init(&hb, a, &wide);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_true(tf_header_block_add(&hb, rows[i].name, rows[i].value));
	assert_int_equal(hb.count, TF_ARRAY_LEN(rows));
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		assert_str(rows[i].what, hb.fields[i].name, rows[i].want_name);
		assert_str(rows[i].what, hb.fields[i].value, rows[i].want_value);
	}
	assert_str("6376 3.4.1: as it was written", hb.fields[8].written, TF_STR("From \t "));
	assert_str("6376 3.4: with its fold", hb.fields[9].written, TF_STR("From\r\n "));
	tf_arena_free(a);
}

static void
test_copied(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	char name[] = "From", value[] = " u@x";

	(void)state;
	tf_header_block_init(&hb, a, &wide);
	assert_true(tf_header_block_add(&hb, tf_str_from(name), tf_str_from(value)));
	memset(name, 'x', 4);
	memset(value, 'y', 4);
	assert_str("name", hb.fields[0].name, TF_STR("From"));
	assert_str("value", hb.fields[0].value, TF_STR(" u@x"));
	tf_arena_free(a);
}

static void
test_limits(void **state)
{
	static const struct row {
		const char *what;
		struct tf_header_limits limits;
		size_t kept; /* of fields with name and value of 5 octets in all */
	} rows[] = {
		{ "fields", { 3, 1000 }, 3 },
		{ "bytes, exactly", { 100, 15 }, 3 },
		{ "bytes, one less", { 100, 14 }, 2 },
		{ "bytes, the name does not fit", { 100, 11 }, 2 },
		{ "nothing", { 0, 0 }, 0 },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_header_block hb;

		tf_header_block_init(&hb, a, &rows[i].limits);
		for (size_t n = 0; n < rows[i].kept; n++)
			assert_num(rows[i].what,
			    tf_header_block_add(&hb, TF_STR("ab"), TF_STR("cde")), true);
		assert_num(rows[i].what, hb.too_big, false);
		assert_num(
		    rows[i].what, tf_header_block_add(&hb, TF_STR("ab"), TF_STR("cde")), false);
		assert_num(rows[i].what, hb.too_big, true);
		/* Nothing is kept after a limit was passed, be it as short as it may. */
		assert_num(rows[i].what, tf_header_block_add(&hb, TF_STR(""), TF_STR("")), false);
		assert_num(rows[i].what, hb.count, rows[i].kept);
	}
	tf_arena_free(a);
}

static void
test_next(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	const struct tf_header *h;
	size_t at = 0;

	(void)state;
	tf_header_block_init(&hb, a, &wide);
	for (int i = 0; i < 200; i++)
		assert_true(
		    tf_header_block_add(&hb, i % 100 == 7 ? TF_STR("fROM") : TF_STR("Froma"),
			i % 100 == 7 ? TF_STR("hit") : TF_STR("miss")));
	for (size_t i = 0; i < 2; i++) {
		h = tf_header_next(&hb, TF_STR("From"), &at);
		assert_non_null(h);
		assert_str("value", h->value, TF_STR("hit"));
		assert_int_equal(at, i * 100 + 8);
	}
	assert_null(tf_header_next(&hb, TF_STR("From"), &at));
	assert_int_equal(at, hb.count);
	assert_null(tf_header_next(&hb, TF_STR("From"), &at));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_as_received),
		cmocka_unit_test(test_copied),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
