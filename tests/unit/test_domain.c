/*
 * test_domain.c - domain names
 */
#include <string.h>

#include "truefrom/domain.h"
#include "tests/unit/test.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	struct tf_str want; /* empty: refused */
} rows[] = {
	{ "plain", TF_LIT("example.com"), TF_LIT("example.com") },
	{ "1034 3.1 case", TF_LIT("EXample.CoM"), TF_LIT("example.com") },
	{ "9989 3.2.2 trailing dot", TF_LIT("example.com."), TF_LIT("example.com") },
	{ "underscores", TF_LIT("_x.a_b.example"), TF_LIT("_x.a_b.example") },
	{ "hyphens anywhere are names in the DNS", TF_LIT("-a.b-.c--d"), TF_LIT("-a.b-.c--d") },
	{ "single label", TF_LIT("localhost"), TF_LIT("localhost") },
	{ "digits", TF_LIT("192.0.2.1"), TF_LIT("192.0.2.1") },
	{ "label of 63", TF_LIT(L63 ".a"), TF_LIT(L63 ".a") },
	{ "label of 64", TF_LIT(L63 "x.a"), TF_LIT("") },
	{ "name of 253", TF_LIT(L63 "." L63 "." L63 ".012345678901234567890123456789012345678901234567890123456789a"), TF_LIT(L63 "." L63 "." L63 ".012345678901234567890123456789012345678901234567890123456789a") },
	{ "name of 253 and a dot", TF_LIT(L63 "." L63 "." L63 ".012345678901234567890123456789012345678901234567890123456789a."), TF_LIT(L63 "." L63 "." L63 ".012345678901234567890123456789012345678901234567890123456789a") },
	{ "name of 254", TF_LIT(L63 "." L63 "." L63 ".012345678901234567890123456789012345678901234567890123456789ab"), TF_LIT("") },
	{ "empty", TF_LIT(""), TF_LIT("") },
	{ "a dot", TF_LIT("."), TF_LIT("") },
	{ "two trailing dots", TF_LIT("a.."), TF_LIT("") },
	{ "empty label", TF_LIT("a..b"), TF_LIT("") },
	{ "leading dot", TF_LIT(".a"), TF_LIT("") },
	{ "NUL", TF_LIT("a\0b.example"), TF_LIT("") },
	{ "blank", TF_LIT("a b.example"), TF_LIT("") },
	{ "line end", TF_LIT("a.example\n"), TF_LIT("") },
	{ "address literal", TF_LIT("[192.0.2.1]"), TF_LIT("") },
	{ "quote", TF_LIT("L'a.example"), TF_LIT("") },
	{ "comment", TF_LIT("L(.example"), TF_LIT("") },
	{ "brace", TF_LIT("legit.com}a"), TF_LIT("") },
	{ "DEL", TF_LIT("a\x7f.example"), TF_LIT("") },
	{ "5890 2.3.2.1 U-label", TF_LIT("b\xc3\xbc" "cher.example"), TF_LIT("xn--bcher-kva.example") },
	{ "5895 2: upper case U-label", TF_LIT("B\xc3\x9c" "CHER.Example."), TF_LIT("xn--bcher-kva.example") },
	{ "5891 5.2: decomposed U-label", TF_LIT("bu\xcc\x88" "cher.example"), TF_LIT("xn--bcher-kva.example") },
	{ "A-label in upper case", TF_LIT("XN--BCHER-KVA.example"), TF_LIT("xn--bcher-kva.example") },
	{ "5894 7.2 sharp s stays itself", TF_LIT("fa\xc3\x9f.de"), TF_LIT("xn--fa-hia.de") },
	{ "5894 7.2 final sigma stays itself", TF_LIT("\xcf\x82.example"), TF_LIT("xn--3xa.example") },
	{ "fake A-label is a DNS name", TF_LIT("xn--legit-.com"), TF_LIT("xn--legit-.com") },
	{ "undecodable A-label is a DNS name", TF_LIT("xn--zzzzzzzz99999.com"), TF_LIT("xn--zzzzzzzz99999.com") },
	{ "emoji A-label is a DNS name", TF_LIT("xn--i-7iq.ws"), TF_LIT("xn--i-7iq.ws") },
	{ "5892 emoji is no U-label", TF_LIT("i\xe2\x99\xa5.ws"), TF_LIT("") },
	{ "U-label that begins as an A-label", TF_LIT("xn--\xc3\xbc.example"), TF_LIT("") },
	{ "full width letter is mapped", TF_LIT("\xef\xbd\x8c" "egit.com"), TF_LIT("legit.com") },
	{ "underscore beside a U-label", TF_LIT("_dmarc.b\xc3\xbc" "cher.example"), TF_LIT("_dmarc.xn--bcher-kva.example") },
	{ "6531 3.3 ideographic full stop is no dot", TF_LIT("legit\xe3\x80\x82" "com"), TF_LIT("") },
	{ "full width full stop is no dot", TF_LIT("legit\xef\xbc\x8e" "com"), TF_LIT("") },
	{ "half width ideographic full stop", TF_LIT("legit\xef\xbd\xa1" "com"), TF_LIT("") },
	{ "one dot leader", TF_LIT("legit\xe2\x80\xa4" "com"), TF_LIT("") },
	{ "ellipsis", TF_LIT("legit\xe2\x80\xa6" "com"), TF_LIT("") },
	{ "F14 U+2000", TF_LIT("legit.com\xe2\x80\x80"), TF_LIT("") },
	{ "F14 U+200B", TF_LIT("legit.com\xe2\x80\x8b"), TF_LIT("") },
	{ "F14 soft hyphen", TF_LIT("legit.com\xc2\xad"), TF_LIT("") },
	{ "F14 no-break space", TF_LIT("legit.com\xc2\xa0"), TF_LIT("") },
	{ "U+200B alone", TF_LIT("\xe2\x80\x8b"), TF_LIT("") },
	{ "ideographic space", TF_LIT("legit\xe3\x80\x80.com"), TF_LIT("") },
	{ "U+202E", TF_LIT("\xe2\x80\xae" "legit.com"), TF_LIT("") },
	{ "full width at", TF_LIT("x\xef\xbc\xa0legit.com"), TF_LIT("") },
	{ "a mapping that brings in a slash", TF_LIT("\xe2\x84\x80.com"), TF_LIT("") },
	{ "5893 2 bidi rule", TF_LIT("\xd7\x90" "a.example"), TF_LIT("") },
	{ "5892 A.2 joiner out of context", TF_LIT("a\xe2\x80\x8d" "b.example"), TF_LIT("") },
	{ "combining mark first", TF_LIT("\xcc\x81" "a.example"), TF_LIT("") },
	{ "Latin-1", TF_LIT("b\xfc" "cher.example"), TF_LIT("") },
	{ "0xff", TF_LIT("legit.com\xff" "a"), TF_LIT("") },
	{ "overlong dot", TF_LIT("a\xc0\xae" "b"), TF_LIT("") },
};
/* clang-format on */

static void
test_normalise(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str got = TF_NONE_STR, again = TF_NONE_STR;
		bool ok = tf_domain_normalise(rows[i].in, a, &got);

		assert_num(rows[i].what, ok, rows[i].want.len != 0);
		assert_str(rows[i].what, got, rows[i].want);
		if (!ok)
			continue;
		assert_num(rows[i].what, tf_domain_normalise(got, a, &again), true);
		assert_str(rows[i].what, again, got);
	}
	tf_arena_free(a);
}

static void
put_utf8(struct tf_buf *b, uint32_t cp)
{
	if (cp < 0x800) {
		tf_buf_byte(b, (char)(0xc0 | cp >> 6));
	} else if (cp < 0x10000) {
		tf_buf_byte(b, (char)(0xe0 | cp >> 12));
		tf_buf_byte(b, (char)(0x80 | (cp >> 6 & 0x3f)));
	} else {
		tf_buf_byte(b, (char)(0xf0 | cp >> 18));
		tf_buf_byte(b, (char)(0x80 | (cp >> 12 & 0x3f)));
		tf_buf_byte(b, (char)(0x80 | (cp >> 6 & 0x3f)));
	}
	tf_buf_byte(b, (char)(0x80 | (cp & 0x3f)));
}

/* F14 for all of Unicode: no code point beside a name leaves that name as it was, or adds a dot. */
static void
test_nothing_vanishes(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (uint32_t cp = 0x80; cp <= 0x10ffff; cp++) {
		char storage[16];
		struct tf_buf in;
		struct tf_str got;

		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		tf_buf_init(&in, storage, sizeof(storage));
		tf_buf_lit(&in, "a.b");
		put_utf8(&in, cp);
		tf_buf_lit(&in, "c");
		if (!tf_domain_normalise(tf_buf_get(&in), a, &got))
			continue;
		if (tf_str_eq(got, TF_STR("a.bc")) || tf_domain_labels(got) != 2)
			fail_msg("U+%04X gives %.*s", (unsigned)cp, TF_PRI(got));
		tf_arena_clear(a);
	}
	tf_arena_free(a);
}

static void
test_long_input(void **state)
{
	static const char *const parts[] = { "a", ".", "a.", "\xc3\xbc", "\xff", "xn--" };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(parts); i++) {
		struct tf_buf b;
		struct tf_str out;

		tf_buf_init_arena(&b, a, 1 << 20);
		for (int n = 0; n < 100000; n++)
			tf_buf_lit(&b, parts[i]);
		assert_false(tf_domain_normalise(tf_buf_get(&b), a, &out));
		assert_false(tf_domain_can_ask(tf_buf_get(&b)));
	}
	tf_arena_free(a);
}

static void
test_parts(void **state)
{
	struct tf_str d = TF_STR("a.b.example.com");

	(void)state;
	assert_int_equal(tf_domain_labels(d), 4);
	assert_int_equal(tf_domain_labels(TF_STR("com")), 1);
	assert_int_equal(tf_domain_labels(TF_STR("")), 0);
	assert_str("last 0", tf_domain_last(d, 0), TF_STR(""));
	assert_str("last 1", tf_domain_last(d, 1), TF_STR("com"));
	assert_str("last 3", tf_domain_last(d, 3), TF_STR("b.example.com"));
	assert_str("last 4", tf_domain_last(d, 4), d);
	assert_str("last 9", tf_domain_last(d, 9), d);
	assert_str("parent", tf_domain_parent(d), TF_STR("b.example.com"));
	assert_str("parent of one label", tf_domain_parent(TF_STR("com")), TF_STR(""));
	assert_true(tf_domain_is_idn(TF_STR("a.xn--bcher-kva.example")));
	assert_false(tf_domain_is_idn(TF_STR("a.axn--b.example")));
}

static void
test_below(void **state)
{
	static const struct {
		const char *what, *sub, *parent;
		bool want;
	} cases[] = {
		{ "equal", "example.com", "example.com", true },
		{ "below", "a.b.example.com", "example.com", true },
		{ "above", "example.com", "a.example.com", false },
		{ "ends alike inside a label", "badexample.com", "example.com", false },
		{ "sibling", "a.example.com", "b.example.com", false },
		{ "nothing is below the empty name", "a", "", false },
		{ "the empty name is below nothing", "", "a", false },
		{ "empty", "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++)
		assert_num(cases[i].what,
		    tf_domain_is_below_or_equal(
			tf_str_from(cases[i].sub), tf_str_from(cases[i].parent)),
		    cases[i].want);
}

static void
test_can_ask(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in;
		bool want;
	} cases[] = {
		{ "plain", TF_LIT("example.com"), true },
		{ "trailing dot", TF_LIT("example.com."), true },
		{ "odd bytes are the asker's business", TF_LIT("a b\xff.example"), true },
		{ "label of 63", TF_LIT(L63), true },
		{ "label of 64", TF_LIT(L63 "x"), false },
		{ "two trailing dots", TF_LIT("example.com.."), false },
		{ "empty label", TF_LIT("a..b"), false },
		{ "leading dot", TF_LIT(".a"), false },
		{ "empty", TF_LIT(""), false },
		{ "the root", TF_LIT("."), false },
		{ "NUL", TF_LIT("a\0b"), false },
		{ "over 253", TF_LIT(L63 "." L63 "." L63 "." L63), false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++)
		assert_num(cases[i].what, tf_domain_can_ask(cases[i].in), cases[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalise),
		cmocka_unit_test(test_nothing_vanishes),
		cmocka_unit_test(test_long_input),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_can_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
