/*
 * test_taglist.c - tag=value lists
 */
#include <string.h>

#include "policy/taglist.h"
#include "tests/unit/test.h"

#define T8 "a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;"
#define U8 "a1=1;b1=1;c1=1;d1=1;e1=1;f1=1;g1=1;h1=1;"
#define V8 "a2=1;b2=1;c2=1;d2=1;e2=1;f2=1;g2=1;h2=1;"
#define W8 "a3=1;b3=1;c3=1;d3=1;e3=1;f3=1;g3=1;h3=1;"
#define X8 "a4=1;b4=1;c4=1;d4=1;e4=1;f4=1;g4=1;h4=1;"
#define Y8 "a5=1;b5=1;c5=1;d5=1;e5=1;f5=1;g5=1;h5=1;"
#define Z8 "a6=1;b6=1;c6=1;d6=1;e6=1;f6=1;g6=1;h6=1;"
#define AA8 "a7=1;b7=1;c7=1;d7=1;e7=1;f7=1;g7=1;h7=1"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	struct tf_str strict, lenient; /* "name<value>" of every tag; empty: refused */
} rows[] = {
	{ "6376 3.2 one tag", TF_LIT("v=1"), TF_LIT("v<1>"), TF_LIT("v<1>") },
	{ "6376 3.2 order is kept", TF_LIT("b=2;a=1"), TF_LIT("b<2>a<1>"), TF_LIT("b<2>a<1>") },
	{ "6376 3.2 optional last semicolon", TF_LIT("v=1;"), TF_LIT("v<1>"), TF_LIT("v<1>") },
	{ "blanks behind the last semicolon", TF_LIT("v=1; \r\n\t"), TF_LIT("v<1>"), TF_LIT("v<1>") },
	{ "6376 3.2 FWS everywhere", TF_LIT(" \r\n v \t= \r\n\t1 \r\n ; a=\r\n 2 "), TF_LIT("v<1>a<2>"), TF_LIT("v<1>a<2>") },
	{ "folds as LF", TF_LIT("v=1;\n a=2"), TF_LIT("v<1>a<2>"), TF_LIT("v<1>a<2>") },
	{ "6376 3.2 blanks inside a value stay", TF_LIT("n=a  b\r\n c"), TF_LIT("n<a  b\r\n c>"), TF_LIT("n<a  b\r\n c>") },
	{ "6376 3.2 empty is not absent", TF_LIT("p=;a="), TF_LIT("p<>a<>"), TF_LIT("p<>a<>") },
	{ "6376 3.2 a value may hold =", TF_LIT("b=AA==;i=a=40b"), TF_LIT("b<AA==>i<a=40b>"), TF_LIT("b<AA==>i<a=40b>") },
	{ "6376 3.2 names are case-sensitive", TF_LIT("a=1;A=2"), TF_LIT("a<1>A<2>"), TF_LIT("a<1>A<2>") },
	{ "6376 3.2 name with digit and _", TF_LIT("a1_=x"), TF_LIT("a1_<x>"), TF_LIT("a1_<x>") },
	{ "6376 3.2 duplicates spoil the list", TF_LIT("a=1;b=2;a=1"), TF_LIT(""), TF_LIT("") },
	{ "stray semicolons", TF_LIT("v=1;;a=2"), TF_LIT(""), TF_LIT("v<1>a<2>") },
	{ "two last semicolons", TF_LIT("v=1;;"), TF_LIT(""), TF_LIT("v<1>") },
	{ "semicolon first", TF_LIT("; v=1"), TF_LIT(""), TF_LIT("v<1>") },
	{ "nothing", TF_LIT(""), TF_LIT(""), TF_LIT("") },
	{ "blanks alone", TF_LIT(" \t"), TF_LIT(""), TF_LIT("") },
	{ "a semicolon alone", TF_LIT(";"), TF_LIT(""), TF_LIT("") },
	{ "no =", TF_LIT("v"), TF_LIT(""), TF_LIT("") },
	{ "no = in the middle", TF_LIT("v=1;a;b=2"), TF_LIT(""), TF_LIT("") },
	{ "no name", TF_LIT("=1"), TF_LIT(""), TF_LIT("") },
	{ "name begins with a digit", TF_LIT("1a=1"), TF_LIT(""), TF_LIT("") },
	{ "name begins with _", TF_LIT("_a=1"), TF_LIT(""), TF_LIT("") },
	{ "DKIM-12 hyphen in a name", TF_LIT("a-b=1"), TF_LIT(""), TF_LIT("") },
	{ "blank inside a name", TF_LIT("a b=1"), TF_LIT(""), TF_LIT("") },
	{ "8-bit name", TF_LIT("\xc3\xbc=1"), TF_LIT(""), TF_LIT("") },
	{ "8616 UTF-8 value", TF_LIT("d=b\xc3\xbc" "cher.example"), TF_LIT("d<b\xc3\xbc" "cher.example>"), TF_LIT("d<b\xc3\xbc" "cher.example>") },
	{ "8616 Latin-1 value", TF_LIT("d=b\xfc" "cher.example"), TF_LIT(""), TF_LIT("") },
	{ "E5 NUL", TF_LIT("s=a\0b;d=x"), TF_LIT(""), TF_LIT("") },
	{ "NUL at the end", TF_LIT("s=a\0"), TF_LIT(""), TF_LIT("") },
	{ "DEL", TF_LIT("s=a\x7f"), TF_LIT(""), TF_LIT("") },
	{ "bare CR", TF_LIT("s=a\rb"), TF_LIT(""), TF_LIT("") },
	{ "E11 line end that folds nothing", TF_LIT("s=a\r\nb=c"), TF_LIT(""), TF_LIT("") },
	{ "line end at the end", TF_LIT("s=a\r\n"), TF_LIT(""), TF_LIT("") },
	{ "vertical tab", TF_LIT("s=a\v"), TF_LIT(""), TF_LIT("") },
	{ "64 tags", TF_LIT(T8 U8 V8 W8 X8 Y8 Z8 AA8), TF_LIT("*"), TF_LIT("*") },
	{ "65 tags", TF_LIT(T8 U8 V8 W8 X8 Y8 Z8 AA8 ";i=1"), TF_LIT(""), TF_LIT("") },
};
/* clang-format on */

static void
check_row(const struct row *row, enum tf_taglist_mode mode, struct tf_str want)
{
	char storage[1024];
	struct tf_taglist list;
	struct tf_buf got;
	bool ok = tf_taglist_parse(row->in, mode, &list);

	assert_num(row->what, ok, want.len != 0);
	assert_num(row->what, list.err == NULL, ok);
	if (!ok || tf_str_eq(want, TF_STR("*")))
		return;
	tf_buf_init(&got, storage, sizeof(storage));
	for (size_t i = 0; i < list.count; i++) {
		tf_buf_str(&got, list.tags[i].name);
		tf_buf_byte(&got, '<');
		tf_buf_str(&got, list.tags[i].value);
		tf_buf_byte(&got, '>');
	}
	assert_str(row->what, tf_buf_get(&got), want);
}

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		check_row(&rows[i], TF_TAGLIST_STRICT, rows[i].strict);
		check_row(&rows[i], TF_TAGLIST_STRAY_SEMICOLONS, rows[i].lenient);
	}
}

/* 6376 3.7: removing b= takes its value with the white space around it and nothing else. */
static void
test_raw_value(void **state)
{
	static const struct tf_str in = TF_LIT(" a=1; b = \r\n AB\r\n CD ; bh=b=");
	const struct tf_tag *b;
	struct tf_taglist list;

	(void)state;
	assert_true(tf_taglist_parse(in, TF_TAGLIST_STRICT, &list));
	b = tf_taglist_get(&list, "b");
	assert_non_null(b);
	assert_str("before", tf_str_sub(in, 0, b->value_at), TF_STR(" a=1; b ="));
	assert_str("after", tf_str_sub(in, b->value_end, in.len), TF_STR("; bh=b="));
	assert_str("value", b->value, TF_STR("AB\r\n CD"));
	assert_null(tf_taglist_get(&list, "B"));
	assert_null(tf_taglist_get(&list, "bhh"));
	b = tf_taglist_get(&list, "bh");
	assert_num("last value ends with the list", b->value_end, in.len);
}

static void
test_items(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in, want;
	} items[] = {
		{ "6376 3.5 h=", TF_LIT("From : To:\r\n Subject"), TF_LIT("<From><To><Subject>") },
		{ "one", TF_LIT("sha256"), TF_LIT("<sha256>") },
		{ "empty", TF_LIT(""), TF_LIT("<>") },
		{ "empty at the end", TF_LIT("a:"), TF_LIT("<a><>") },
		{ "empty in the middle", TF_LIT("a: :b"), TF_LIT("<a><><b>") },
		{ "blank inside", TF_LIT("a b:c"), TF_LIT("<a b><c>") },
		{ "absent", { NULL, 0 }, TF_LIT("") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(items); i++) {
		struct tf_str rest = items[i].in, item;
		char storage[100];
		struct tf_buf got;

		tf_buf_init(&got, storage, sizeof(storage));
		while (tf_taglist_item(&rest, &item)) {
			tf_buf_byte(&got, '<');
			tf_buf_str(&got, item);
			tf_buf_byte(&got, '>');
		}
		assert_str(items[i].what, tf_buf_get(&got), items[i].want);
	}
}

static void
test_squeeze(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_str("6376 3.5 b=", tf_taglist_squeeze(TF_STR(" AB\r\n\tC D "), a), TF_STR("ABCD"));
	assert_str("nothing left", tf_taglist_squeeze(TF_STR(" \r\n"), a), TF_STR(""));
	assert_str("NUL stays", tf_taglist_squeeze(TF_STR("a\0 b"), a), TF_STR("a\0b"));
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_raw_value),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_squeeze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
