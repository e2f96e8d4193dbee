/*
 * test_utf8.c - the UTF-8 decoder
 */
#include "tests/unit/test.h"

static void
test_is_utf8(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		bool want;
	} rows[] = {
		{ "empty", TF_LIT(""), true },
		{ "ASCII with NUL", TF_LIT("a\0b"), true },
		{ "3629 3: two octets", TF_LIT("\xc3\xbc"), true },
		{ "3629 3: three octets", TF_LIT("\xe2\x80\x8b"), true },
		{ "3629 3: four octets", TF_LIT("\xf0\x9f\x98\x80"), true },
		{ "3629 3: highest code point", TF_LIT("\xf4\x8f\xbf\xbf"), true },
		{ "3629 3: above the highest", TF_LIT("\xf4\x90\x80\x80"), false },
		{ "3629 3: overlong slash", TF_LIT("\xc0\xaf"), false },
		{ "3629 3: overlong, three octets", TF_LIT("\xe0\x80\xaf"), false },
		{ "3629 3: overlong, four octets", TF_LIT("\xf0\x80\x80\xaf"), false },
		{ "3629 3: surrogate", TF_LIT("\xed\xa0\x80"), false },
		{ "3629 3: five octets", TF_LIT("\xf8\x88\x80\x80\x80"), false },
		{ "a continuation alone", TF_LIT("\xbc"), false },
		{ "cut short", TF_LIT("a\xe2\x80"), false },
		{ "lead followed by ASCII", TF_LIT("\xc3("), false },
		{ "Latin-1", TF_LIT("M\xfcller"), false },
		{ "0xff", TF_LIT("\xff"), false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_num(rows[i].what, tf_str_is_utf8(rows[i].in), rows[i].want);
}

/* One octet that is no ASCII, and a character of two, at each place of a long text. */
static void
test_long(void **state)
{
	char text[40];

	(void)state;
	for (size_t len = 2; len <= sizeof(text); len++) {
		for (size_t at = 0; at + 1 < len; at++) {
			memset(text, 'a', sizeof(text));
			assert_true(tf_str_is_utf8((struct tf_str){ text, len }));
			text[at] = '\xc3';
			assert_false(tf_str_is_utf8((struct tf_str){ text, len }));
			text[at + 1] = '\xbc';
			assert_true(tf_str_is_utf8((struct tf_str){ text, len }));
		}
	}
}

static void
test_next(void **state)
{
	static const uint32_t want[] = { 'a', 0xfc, 0x200b, 0x1f600, 0x10ffff };
	struct tf_str rest = TF_STR("a\xc3\xbc\xe2\x80\x8b\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xff.");
	uint32_t cp = 0;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(want); i++) {
		assert_true(tf_utf8_next(&rest, &cp));
		assert_int_equal(cp, want[i]);
	}
	assert_false(tf_utf8_next(&rest, &cp)); /* stays before what is not UTF-8 */
	assert_str("rest", rest, TF_STR("\xff."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_utf8),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
