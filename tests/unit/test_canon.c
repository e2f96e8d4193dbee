/*
 * test_canon.c - canonical forms of header fields and bodies
 */
#include "policy/canon.h"
#include "tests/unit/test.h"

/* clang-format off */
static const struct field_row {
	const char *what;
	struct tf_str name, value, simple, relaxed;
} fields[] = {
	{ "6376 3.4.5 A", TF_LIT("A"), TF_LIT(" X"), TF_LIT("A: X"), TF_LIT("a:X") },
	{ "6376 3.4.5 B", TF_LIT("B "), TF_LIT(" Y\t\r\n\tZ  "), TF_LIT("B : Y\t\r\n\tZ  "), TF_LIT("b:Y Z") },
	{ "folds as LF", TF_LIT("B"), TF_LIT(" Y\t\n\tZ  "), TF_LIT("B: Y\t\r\n\tZ  "), TF_LIT("b:Y Z") },
	{ "empty", TF_LIT("A"), TF_LIT(""), TF_LIT("A:"), TF_LIT("a:") },
	{ "blanks alone", TF_LIT("A"), TF_LIT(" \t\r\n \r\n\t"), TF_LIT("A: \t\r\n \r\n\t"), TF_LIT("a:") },
	{ "a fold first", TF_LIT("A"), TF_LIT("\r\n x"), TF_LIT("A:\r\n x"), TF_LIT("a:x") },
	{ "a fold within a word", TF_LIT("A"), TF_LIT(" x\r\n y"), TF_LIT("A: x\r\n y"), TF_LIT("a:x y") },
	{ "nothing to do", TF_LIT("a"), TF_LIT("x=y; z"), TF_LIT("a:x=y; z"), TF_LIT("a:x=y; z") },
	{ "case of the value", TF_LIT("SubJECT"), TF_LIT("Xx"), TF_LIT("SubJECT:Xx"), TF_LIT("subject:Xx") },
	{ "NUL", TF_LIT("A"), TF_LIT(" x\0y "), TF_LIT("A: x\0y "), TF_LIT("a:x\0y") },
	{ "8-bit", TF_LIT("A"), TF_LIT(" \xc3\xbc\xa0 \xff"), TF_LIT("A: \xc3\xbc\xa0 \xff"), TF_LIT("a:\xc3\xbc\xa0 \xff") },
	{ "VT and FF are no white space", TF_LIT("A"), TF_LIT(" \v \f "), TF_LIT("A: \v \f "), TF_LIT("a:\v \f") },
	{ "bare CR", TF_LIT("A"), TF_LIT(" x\r y\r"), TF_LIT("A: x\r y\r"), TF_LIT("a:x\r y\r") },
	{ "CR before a fold", TF_LIT("A"), TF_LIT(" x\r\r\n y"), TF_LIT("A: x\r\r\n y"), TF_LIT("a:x\r y") },
	{ "a line end that folds nothing", TF_LIT("A"), TF_LIT(" x\r\ny"), TF_LIT("A: x\r\ny"), TF_LIT("a:x\r\ny") },
	{ "the same as LF", TF_LIT("A"), TF_LIT(" x\ny"), TF_LIT("A: x\r\ny"), TF_LIT("a:x\r\ny") },
	{ "a line end last", TF_LIT("A"), TF_LIT(" x \r\n"), TF_LIT("A: x \r\n"), TF_LIT("a:x \r\n") },
};
/* clang-format on */

static void
test_fields(void **state)
{
	char storage[200];
	struct tf_buf out;

	(void)state;
	tf_buf_init(&out, storage, sizeof(storage));
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++) {
		tf_buf_clear(&out);
		tf_canon_field(false, fields[i].name, fields[i].value, &out);
		assert_str(fields[i].what, tf_buf_get(&out), fields[i].simple);
		tf_buf_clear(&out);
		tf_canon_field(true, fields[i].name, fields[i].value, &out);
		assert_str(fields[i].what, tf_buf_get(&out), fields[i].relaxed);
	}
}

/* clang-format off */
static const struct signature_row {
	const char *what;
	struct tf_str value;
	const char *simple, *relaxed; /* NULL: no such list, or without b= */
} signatures[] = {
	{ "6376 3.7 last", TF_LIT(" v=1; b=AA\r\n BB"), "S: v=1; b=", "s:v=1; b=" },
	{ "DKIM-24 first", TF_LIT("b= AA ;v=1"), "S:b=;v=1", "s:b=;v=1" },
	{ "DKIM-24 in the middle", TF_LIT(" v=1; b=AA;\r\n\th=x"), "S: v=1; b=;\r\n\th=x", "s:v=1; b=; h=x" },
	{ "DKIM-24 white space around it", TF_LIT(" v=1; b=\r\n AA \r\n ; h=x"), "S: v=1; b=; h=x", "s:v=1; b=; h=x" },
	{ "white space behind the last", TF_LIT(" v=1; b=AA \t"), "S: v=1; b=", "s:v=1; b=" },
	{ "a last semicolon", TF_LIT(" v=1; b=AA; "), "S: v=1; b=; ", "s:v=1; b=;" },
	{ "white space before the =", TF_LIT(" v=1; b \t=AA; h=x"), "S: v=1; b \t=; h=x", "s:v=1; b =; h=x" },
	{ "6376 3.7 bh= and others stay", TF_LIT("bh=b=AA; ab=x; B=y; b=AA; z=b=c"), "S:bh=b=AA; ab=x; B=y; b=; z=b=c", "s:bh=b=AA; ab=x; B=y; b=; z=b=c" },
	{ "empty already", TF_LIT(" b=; v=1"), "S: b=; v=1", "s:b=; v=1" },
	{ "8616", TF_LIT(" d=b\xc3\xbc.example; b=AA"), "S: d=b\xc3\xbc.example; b=", "s:d=b\xc3\xbc.example; b=" },
	{ "no b=", TF_LIT(" v=1; bh=AA"), NULL, NULL },
	{ "twice", TF_LIT(" b=AA; b=BB"), NULL, NULL },
	{ "no list", TF_LIT(" b=AA; x"), NULL, NULL },
	{ "empty", TF_LIT(""), NULL, NULL },
};
/* clang-format on */

static void
check_signature(const struct signature_row *row, bool relaxed, const char *want)
{
	char storage[200];
	struct tf_buf out;

	tf_buf_init(&out, storage, sizeof(storage));
	assert_num(row->what, tf_canon_signature_field(relaxed, TF_STR("S"), row->value, &out),
	    want != NULL);
	assert_str(row->what, tf_buf_get(&out), tf_str_from(want));
}

static void
test_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(signatures); i++) {
		check_signature(&signatures[i], false, signatures[i].simple);
		check_signature(&signatures[i], true, signatures[i].relaxed);
	}
}

#define C10 "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"

/* clang-format off */
static const struct body_row {
	const char *what;
	struct tf_str in, simple, relaxed;
} bodies[] = {
	{ "6376 3.4.5", TF_LIT(" C \r\nD \t E\r\n\r\n\r\n"), TF_LIT(" C \r\nD \t E\r\n"), TF_LIT(" C\r\nD E\r\n") },
	{ "DKIM-3 empty", TF_LIT(""), TF_LIT("\r\n"), TF_LIT("") },
	{ "6376 3.4.3 empty lines alone", TF_LIT("\r\n\r\n"), TF_LIT("\r\n"), TF_LIT("") },
	{ "6376 3.4.4 blanks alone", TF_LIT(" \t"), TF_LIT(" \t\r\n"), TF_LIT("") },
	{ "lines of blanks alone", TF_LIT(" \r\n\t\r\n"), TF_LIT(" \r\n\t\r\n"), TF_LIT("") },
	{ "DKIM-3 no final CRLF", TF_LIT("a"), TF_LIT("a\r\n"), TF_LIT("a\r\n") },
	{ "no final CRLF behind a blank", TF_LIT("a \t"), TF_LIT("a \t\r\n"), TF_LIT("a\r\n") },
	{ "DKIM-4 empty lines at the end", TF_LIT("a\r\n\r\n\r\n\r\n"), TF_LIT("a\r\n"), TF_LIT("a\r\n") },
	{ "a line of blanks at the end", TF_LIT("a\r\n \r\n"), TF_LIT("a\r\n \r\n"), TF_LIT("a\r\n") },
	{ "empty lines within", TF_LIT("\r\n\r\na\r\n \r\n\r\nb\r\n"), TF_LIT("\r\n\r\na\r\n \r\n\r\nb\r\n"), TF_LIT("\r\n\r\na\r\n\r\n\r\nb\r\n") },
	{ "many empty lines within", TF_LIT("a" C10 C10 C10 C10 "b"), TF_LIT("a" C10 C10 C10 C10 "b\r\n"), TF_LIT("a" C10 C10 C10 C10 "b\r\n") },
	{ "DKIM-2 blanks", TF_LIT("a  b\tc \t \r\n d\r\n"), TF_LIT("a  b\tc \t \r\n d\r\n"), TF_LIT("a b c\r\n d\r\n") },
	{ "D12 NUL", TF_LIT("a\0b\r\n\0"), TF_LIT("a\0b\r\n\0\r\n"), TF_LIT("a\0b\r\n\0\r\n") },
	{ "DKIM-29 bare LF", TF_LIT("a \nb\n\r\n"), TF_LIT("a \nb\n\r\n"), TF_LIT("a \nb\n\r\n") },
	{ "bare LF alone", TF_LIT("\n"), TF_LIT("\n\r\n"), TF_LIT("\n\r\n") },
	{ "DKIM-29 bare CR", TF_LIT("a \rb\r\n"), TF_LIT("a \rb\r\n"), TF_LIT("a \rb\r\n") },
	{ "bare CR at the end", TF_LIT("a\r\n\r"), TF_LIT("a\r\n\r\r\n"), TF_LIT("a\r\n\r\r\n") },
	{ "bare CR before CRLF", TF_LIT("a \r\r\n\r\n"), TF_LIT("a \r\r\n"), TF_LIT("a \r\r\n") },
	{ "LF CR", TF_LIT("\n\r\n\r"), TF_LIT("\n\r\n\r\r\n"), TF_LIT("\n\r\n\r\r\n") },
	{ "8-bit", TF_LIT("gr\xfc\xdf\xa0 \xc3\xbc\r\n"), TF_LIT("gr\xfc\xdf\xa0 \xc3\xbc\r\n"), TF_LIT("gr\xfc\xdf\xa0 \xc3\xbc\r\n") },
};
/* clang-format on */

static void
put(void *to, struct tf_str octets)
{
	assert_true(octets.len != 0);
	tf_buf_str(to, octets);
}

static struct tf_str
canon_body(struct tf_arena *a, bool relaxed, struct tf_str in, size_t first, size_t chunk)
{
	struct tf_canon_body *b = tf_arena_alloc(a, sizeof(*b));
	struct tf_buf *out = tf_arena_alloc(a, sizeof(*out));

	tf_buf_init_arena(out, a, 2 * in.len + 2);
	tf_canon_body_init(b, relaxed, put, out);
	tf_canon_body_feed(b, tf_str_sub(in, 0, first));
	for (size_t at = first; at < in.len; at += chunk)
		tf_canon_body_feed(b, tf_str_sub(in, at, chunk));
	tf_canon_body_finish(b);
	assert_false(out->overflow);
	return tf_buf_get(out);
}

/* Whole, split once at each place, and an octet at a time. */
static void
test_bodies(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(bodies); i++) {
		const struct body_row *row = &bodies[i];

		for (size_t k = 0; k <= row->in.len; k++) {
			assert_str(
			    row->what, canon_body(a, false, row->in, k, SIZE_MAX / 2), row->simple);
			assert_str(
			    row->what, canon_body(a, true, row->in, k, SIZE_MAX / 2), row->relaxed);
		}
		assert_str(row->what, canon_body(a, false, row->in, 0, 1), row->simple);
		assert_str(row->what, canon_body(a, true, row->in, 0, 1), row->relaxed);
		assert_str(row->what, canon_body(a, true, row->relaxed, 0, 3), row->relaxed);
		assert_str(row->what, canon_body(a, false, row->simple, 0, 3), row->simple);
	}
	tf_arena_free(a);
}

/* DKIM-28: runs longer and shorter than what is held back, in chunks of every kind. */
static void
test_chunks(void **state)
{
	static const size_t chunks[] = { 1, 2, 7, 255, 256, 257, 2047, 2048, 2049, 65536 };
	struct tf_arena *a = tf_arena_new();
	struct tf_buf in, want;

	(void)state;
	tf_buf_init_arena(&in, a, 1 << 20);
	tf_buf_init_arena(&want, a, 1 << 20);
	for (size_t i = 0; i < 300; i++) {
		for (size_t k = 0; k < i; k++) {
			tf_buf_lit(&in, k % 60 == 59 ? "x\r\n" : k % 9 == 8 ? " " : "x");
			tf_buf_lit(&want, k % 60 == 59 ? "x\r\n" : k % 9 == 8 ? " " : "x");
		}
		tf_buf_lit(&in, i % 2 != 0 ? ".  \t,\t\r\n \r\n" : "y\t\r\n");
		tf_buf_lit(&want, i % 2 != 0 ? ". ,\r\n\r\n" : "y\r\n");
	}
	want.len -= 2; /* the empty line at the end */
	for (size_t i = 0; i < TF_ARRAY_LEN(chunks); i++)
		assert_str("6376 3.4.4", canon_body(a, true, tf_buf_get(&in), 0, chunks[i]),
		    tf_buf_get(&want));
	tf_arena_free(a);
}

/* Every sequence of five octets that matter, at every place of a word: as a run that is looked at
 * by words, the same as an octet at a time. */
static void
test_words(void **state)
{
	static const char octets[] = "x \t\r\n\0";
	enum { KINDS = sizeof(octets) - 1, LEN = 5, ALL = KINDS * KINDS * KINDS * KINDS * KINDS };
	struct tf_arena *a = tf_arena_new();
	char text[32];

	(void)state;
	for (int i = 0; i < ALL; i++) {
		struct tf_str in = { text, sizeof(text) };
		size_t at = (size_t)i % 9 + 1;

		memset(text, 'y', sizeof(text));
		for (int k = 0, left = i; k < LEN; k++, left /= KINDS)
			text[at + (size_t)k] = octets[left % KINDS];
		assert_str("6376 3.4.4", canon_body(a, true, in, in.len, 1),
		    canon_body(a, true, in, 0, 1));
		tf_arena_clear(a);
	}
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
