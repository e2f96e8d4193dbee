/*
 * test_lex.c - the cursor
 */
#include "tests/unit/test.h"

static void
test_reading(void **state)
{
	struct tf_lex lx = tf_lex_init(TF_STR("ab1\xff\0"));

	(void)state;
	assert_int_equal(tf_lex_peek(&lx), 'a');
	assert_false(tf_lex_try(&lx, 'b'));
	assert_true(tf_lex_try(&lx, 'a'));
	tf_lex_byte(&lx, 'b');
	assert_str("run", tf_lex_while(&lx, tf_is_digit), TF_STR("1"));
	assert_str("empty run", tf_lex_while(&lx, tf_is_digit), TF_STR(""));
	assert_int_equal(tf_lex_peek(&lx), 0xff); /* not -1 */
	assert_false(tf_lex_done(&lx));
	assert_true(tf_lex_try(&lx, '\xff'));
	assert_str("rest", tf_lex_rest(&lx), TF_STR("\0"));
	assert_int_equal(tf_lex_peek(&lx), 0);
	assert_true(tf_lex_try(&lx, '\0'));
	assert_true(tf_lex_done(&lx));
	assert_null(lx.err);
}

static void
test_end(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in;
	} cases[] = { { "empty", TF_LIT("") }, { "no pointer", { NULL, 0 } } };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_lex lx = tf_lex_init(cases[i].in);

		assert_num(cases[i].what, tf_lex_done(&lx), true);
		assert_num(cases[i].what, tf_lex_peek(&lx), -1);
		assert_num(cases[i].what, tf_lex_try(&lx, '\xff'), false);
		assert_str(cases[i].what, tf_lex_while(&lx, tf_is_8bit), TF_STR(""));
		assert_str(cases[i].what, tf_lex_rest(&lx), TF_STR(""));
		assert_num(cases[i].what, lx.err == NULL, true);
		tf_lex_byte(&lx, 'a');
		assert_num(cases[i].what, lx.err != NULL, true);
	}
}

static void
test_error_sticks(void **state)
{
	struct tf_str in = TF_STR("abc");
	struct tf_lex lx = tf_lex_init(in);

	(void)state;
	tf_lex_fail(&lx, "first");
	tf_lex_fail(&lx, "second");
	tf_lex_byte(&lx, 'x');
	assert_string_equal(lx.err, "first");
	assert_true(tf_lex_done(&lx));
	assert_int_equal(tf_lex_peek(&lx), -1);
	assert_false(tf_lex_try(&lx, 'a'));
	assert_str("run", tf_lex_while(&lx, tf_is_alpha), TF_STR(""));
	assert_str("rest", tf_lex_rest(&lx), TF_STR(""));
	assert_ptr_equal(lx.p, in.ptr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_error_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
