/*
 * test_dmarc_memory_text.c - a remembered policy as a line of a file
 */
#include "tests/unit/test.h"
#include "truefrom/dmarc_memory.h"

static struct tf_str
write_line(const struct tf_dmarc_found *found, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, TF_DMARC_FOUND_LINE_MAX);
	tf_dmarc_found_write(found, &b);
	assert_false(b.overflow);
	return tf_buf_get(&b);
}

static void
test_write(void **state)
{
	const struct tf_dmarc_found found = { TF_LIT("a.b.example.com"), TF_LIT("b.example.com"),
		TF_LIT("example.com"), TF_LIT("v=DMARC1; p=none; x=\\\n\0\xff~"), TF_EXISTS_NO, 17,
		1800000000 };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_str("all of it", write_line(&found, a),
	    TF_STR("1800000000 17 missing a.b.example.com b.example.com example.com "
		   "v=DMARC1; p=none; x=\\x5c\\x0a\\x00\\xff~"));
	tf_arena_free(a);
}

#define GOOD "20 10 - a.example.com example.com example.com v=DMARC1; p=reject"

/* clang-format off */
static const struct row {
	const char *what, *line;
	bool want;
} rows[] = {
	{ "as written", GOOD, true },
	{ "exists", "20 10 exists x.example x.example x.example v=DMARC1; p=none", true },
	{ "missing", "20 20 missing x.example x.example x.example v=DMARC1; p=none", true },
	{ "escapes", "20 10 - x.example x.example x.example v=DMARC1; p=none; \\x5c\\x00\\xff", true },
	{ "empty", "", false },
	{ "no record", "20 10 - x.example x.example x.example ", false },
	{ "no blank before the record", "20 10 - x.example x.example x.example", false },
	{ "other text", "20 10 - x.example x.example x.example v=spf1 -all", false },
	{ "first behind last", "10 20 - x.example x.example x.example v=DMARC1; p=none", false },
	{ "negative time", "-1 10 - x.example x.example x.example v=DMARC1; p=none", false },
	{ "time of 14 digits", "99999999999999 10 - x.example x.example x.example v=DMARC1; p=none", false },
	{ "unknown word", "20 10 maybe x.example x.example x.example v=DMARC1; p=none", false },
	{ "upper case", "20 10 - X.example x.example x.example v=DMARC1; p=none", false },
	{ "final dot", "20 10 - x.example. x.example x.example v=DMARC1; p=none", false },
	{ "no domain", "20 10 -  x.example x.example v=DMARC1; p=none", false },
	{ "record of another domain", "20 10 - x.example y.example x.example v=DMARC1; p=none", false },
	{ "record below", "20 10 - x.example a.x.example x.example v=DMARC1; p=none", false },
	{ "organization of another domain", "20 10 - x.example x.example y.example v=DMARC1; p=none", false },
	{ "two blanks", "20  10 - x.example x.example x.example v=DMARC1; p=none", false },
	{ "a raw control character", "20 10 - x.example x.example x.example v=DMARC1; p=none; \t", false },
	{ "a raw 8-bit byte", "20 10 - x.example x.example x.example v=DMARC1; p=none; \xff", false },
	{ "an escape that nobody needs", "20 10 - x.example x.example x.example v=DMARC1; p=none; \\x41", false },
	{ "an escape cut off", "20 10 - x.example x.example x.example v=DMARC1; p=none; \\x0", false },
	{ "half an escape", "20 10 - x.example x.example x.example v=DMARC1; p=none; \\", false },
	{ "upper case in an escape", "20 10 - x.example x.example x.example v=DMARC1; p=none; \\x0A", false },
};
/* clang-format on */

static void
test_parse(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dmarc_found found;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		assert_num(r->what, tf_dmarc_found_parse(tf_str_from(r->line), a, &found), r->want);
		if (r->want)
			assert_str(r->what, write_line(&found, a), tf_str_from(r->line));
	}
	tf_arena_free(a);
}

static void
test_parse_values(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dmarc_found f;

	(void)state;
	assert_true(tf_dmarc_found_parse(TF_STR(GOOD), a, &f));
	assert_int_equal(f.last, 20);
	assert_int_equal(f.first, 10);
	assert_int_equal(f.exists, TF_EXISTS_UNKNOWN);
	assert_str("domain", f.domain, TF_STR("a.example.com"));
	assert_str("record domain", f.record_domain, TF_STR("example.com"));
	assert_str("organization", f.org_domain, TF_STR("example.com"));
	assert_str("record", f.record, TF_STR("v=DMARC1; p=reject"));
	tf_arena_free(a);
}

/* Cut off at any byte it is refused, or still a line of its own that says the same of the domain.
 */
static void
test_cut_off(void **state)
{
	const struct tf_str whole = TF_STR(GOOD);
	struct tf_arena *a = tf_arena_new();
	struct tf_dmarc_found f;

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		if (tf_dmarc_found_parse(tf_str_sub(whole, 0, len), a, &f))
			assert_str("cut off in the record", f.domain, TF_STR("a.example.com"));
	}
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_values),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
