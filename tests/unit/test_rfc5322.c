/*
 * test_rfc5322.c - tokens on the lexer cursor
 */
#include <string.h>

#include "policy/rfc5322.h"
#include "tests/unit/test.h"

enum reader { CFWS, FWS, COMMENT, QUOTED, ATOM, DOT_TEXT, TOKEN };

/* clang-format off */
static const struct row {
	const char *what;
	enum reader reader;
	struct tf_str in;
	bool ok;
	struct tf_str value, rest;
} rows[] = {
	{ "3.2.2 blanks", FWS, TF_LIT(" \t x"), true, TF_LIT(""), TF_LIT("x") },
	{ "3.2.2 fold", FWS, TF_LIT(" \r\n x"), true, TF_LIT(""), TF_LIT("x") },
	{ "4.2 folds in a row", FWS, TF_LIT("\r\n \r\n\tx"), true, TF_LIT(""), TF_LIT("x") },
	{ "fold as LF", FWS, TF_LIT("\n x"), true, TF_LIT(""), TF_LIT("x") },
	{ "line end without a blank is no fold", FWS, TF_LIT(" \r\nx"), true, TF_LIT(""), TF_LIT("\r\nx") },
	{ "line end at the end", FWS, TF_LIT(" \r\n"), true, TF_LIT(""), TF_LIT("\r\n") },
	{ "bare CR is no fold", FWS, TF_LIT("\r x"), true, TF_LIT(""), TF_LIT("\r x") },
	{ "nothing", FWS, TF_LIT(""), true, TF_LIT(""), TF_LIT("") },
	{ "comments and folds", CFWS, TF_LIT(" (a)\r\n (b) x"), true, TF_LIT(""), TF_LIT("x") },
	{ "no comment", CFWS, TF_LIT("x"), true, TF_LIT(""), TF_LIT("x") },
	{ "3.2.2 nested", COMMENT, TF_LIT("(a(b)(c(d)))x"), true, TF_LIT(""), TF_LIT("x") },
	{ "3.2.1 escaped parentheses", COMMENT, TF_LIT("(\\)\\()x"), true, TF_LIT(""), TF_LIT("x") },
	{ "fold in a comment", COMMENT, TF_LIT("(a\r\n b)x"), true, TF_LIT(""), TF_LIT("x") },
	{ "a quote means nothing in a comment", COMMENT, TF_LIT("(\")x\""), true, TF_LIT(""), TF_LIT("x\"") },
	{ "8-bit and control characters", COMMENT, TF_LIT("(\xff\x01)x"), true, TF_LIT(""), TF_LIT("x") },
	{ "not closed", COMMENT, TF_LIT("(a(b)"), false, TF_LIT(""), TF_LIT("") },
	{ "closed by an escaped one", COMMENT, TF_LIT("(a\\)"), false, TF_LIT(""), TF_LIT("") },
	{ "NUL", COMMENT, TF_LIT("(a\0b)"), false, TF_LIT(""), TF_LIT("") },
	{ "escaped NUL", COMMENT, TF_LIT("(a\\\0b)"), false, TF_LIT(""), TF_LIT("") },
	{ "stray line end", COMMENT, TF_LIT("(a\nb)"), false, TF_LIT(""), TF_LIT("") },
	{ "bare CR", COMMENT, TF_LIT("(a\rb)"), false, TF_LIT(""), TF_LIT("") },
	{ "not a comment", COMMENT, TF_LIT("a"), false, TF_LIT(""), TF_LIT("") },
	{ "3.2.4", QUOTED, TF_LIT("\"a b\"x"), true, TF_LIT("a b"), TF_LIT("x") },
	{ "3.2.4 empty", QUOTED, TF_LIT("\"\"x"), true, TF_LIT(""), TF_LIT("x") },
	{ "3.2.4 escaped quote", QUOTED, TF_LIT("\"a\\\"b\\\\\"x"), true, TF_LIT("a\\\"b\\\\"), TF_LIT("x") },
	{ "3.2.4 fold", QUOTED, TF_LIT("\"a\r\n b\"x"), true, TF_LIT("a\r\n b"), TF_LIT("x") },
	{ "3.2.4 parentheses and @", QUOTED, TF_LIT("\"(<@,\"x"), true, TF_LIT("(<@,"), TF_LIT("x") },
	{ "6532 UTF-8", QUOTED, TF_LIT("\"\xc3\xbc\"x"), true, TF_LIT("\xc3\xbc"), TF_LIT("x") },
	{ "not closed", QUOTED, TF_LIT("\"a"), false, TF_LIT(""), TF_LIT("") },
	{ "closed by an escaped one", QUOTED, TF_LIT("\"a\\\""), false, TF_LIT(""), TF_LIT("") },
	{ "escape at the end", QUOTED, TF_LIT("\"a\\"), false, TF_LIT(""), TF_LIT("") },
	{ "escaped line end", QUOTED, TF_LIT("\"a\\\r\n b\""), false, TF_LIT(""), TF_LIT("") },
	{ "NUL", QUOTED, TF_LIT("\"a\0\""), false, TF_LIT(""), TF_LIT("") },
	{ "stray LF", QUOTED, TF_LIT("\"a\nb\""), false, TF_LIT(""), TF_LIT("") },
	{ "3.2.3 all of atext", ATOM, TF_LIT("aZ0!#$%&'*+-/=?^_`{|}~.b"), true, TF_LIT("aZ0!#$%&'*+-/=?^_`{|}~"), TF_LIT(".b") },
	{ "6532 3.2 UTF-8", ATOM, TF_LIT("\xc3\xbc@"), true, TF_LIT("\xc3\xbc"), TF_LIT("@") },
	{ "no atom", ATOM, TF_LIT("@"), false, TF_LIT(""), TF_LIT("") },
	{ "NUL is no atext", ATOM, TF_LIT("\0"), false, TF_LIT(""), TF_LIT("") },
	{ "atom at the end", ATOM, TF_LIT(""), false, TF_LIT(""), TF_LIT("") },
	{ "3.2.3 dots", DOT_TEXT, TF_LIT("a.b..c x"), true, TF_LIT("a.b..c"), TF_LIT(" x") },
	{ "no name", DOT_TEXT, TF_LIT("[1]"), false, TF_LIT(""), TF_LIT("") },
	{ "2045 5.1", TOKEN, TF_LIT("a.b-c_{!}/x"), true, TF_LIT("a.b-c_{!}"), TF_LIT("/x") },
	{ "2045 5.1 ends at =", TOKEN, TF_LIT("spf=pass"), true, TF_LIT("spf"), TF_LIT("=pass") },
	{ "2045 5.1 ends at 8-bit", TOKEN, TF_LIT("a\xc3\xbc"), true, TF_LIT("a"), TF_LIT("\xc3\xbc") },
	{ "2045 5.1 no control characters", TOKEN, TF_LIT("\x01"), false, TF_LIT(""), TF_LIT("") },
};
/* clang-format on */

static struct tf_str
run(enum reader reader, struct tf_lex *lx)
{
	switch (reader) {
	case CFWS:
		tf_lex_cfws(lx);
		break;
	case FWS:
		tf_lex_fws(lx);
		break;
	case COMMENT:
		tf_lex_comment(lx);
		break;
	case QUOTED:
		return tf_lex_quoted_string(lx);
	case ATOM:
		return tf_lex_atom(lx);
	case DOT_TEXT:
		return tf_lex_dot_text(lx);
	case TOKEN:
		return tf_lex_token(lx);
	}
	return TF_NONE_STR;
}

static void
test_readers(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct tf_lex lx = tf_lex_init(r->in);
		struct tf_str got = run(r->reader, &lx);

		assert_num(r->what, lx.err == NULL, r->ok);
		assert_str(r->what, got, r->value);
		assert_str(r->what, tf_lex_rest(&lx), r->rest);
	}
}

/* After an error no reader moves, and the first error stays. */
static void
test_error_sticks(void **state)
{
	struct tf_str in = TF_STR(" (a)\"b\"c");

	(void)state;
	for (int reader = CFWS; reader <= TOKEN; reader++) {
		struct tf_lex lx = tf_lex_init(in);

		tf_lex_fail(&lx, "first");
		assert_int_equal(run((enum reader)reader, &lx).len, 0);
		assert_string_equal(lx.err, "first");
		assert_ptr_equal(lx.p, in.ptr);
	}
}

static void
fill(struct tf_buf *b, const char *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tf_buf_lit(b, what);
}

static void
test_depth(void **state)
{
	static const struct {
		const char *what;
		size_t open, close;
		bool ok;
	} cases[] = {
		{ "as deep as allowed", TF_COMMENT_DEPTH_MAX, TF_COMMENT_DEPTH_MAX, true },
		{ "one deeper", TF_COMMENT_DEPTH_MAX + 1, TF_COMMENT_DEPTH_MAX + 1, false },
		{ "100,000 deep, not closed", 100000, 0, false },
		{ "one not closed", 5, 4, false },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_buf b;
		struct tf_lex lx;

		tf_buf_init_arena(&b, a, 1 << 20);
		fill(&b, "(", cases[i].open);
		fill(&b, ")", cases[i].close);
		lx = tf_lex_init(tf_buf_get(&b));
		tf_lex_comment(&lx);
		assert_num(cases[i].what, lx.err == NULL, cases[i].ok);
	}
	tf_arena_free(a);
}

static void
test_unquote(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in, want;
	} cases[] = {
		{ "plain", TF_LIT("a b"), TF_LIT("a b") },
		{ "3.2.1 pairs", TF_LIT("\\\"a\\\\\\b"), TF_LIT("\"a\\b") },
		{ "3.2.4 folds are invisible", TF_LIT("a\r\n b"), TF_LIT("a b") },
		{ "empty", TF_LIT(""), TF_LIT("") },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++)
		assert_str(cases[i].what, tf_unquote(cases[i].in, a), cases[i].want);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_error_sticks),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_unquote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
