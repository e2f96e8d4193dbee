/*
 * test_config_text.c - the words and signs of a configuration file, and their lines
 */
#include "milter/config_text.h"
#include "tests/unit/test.h"

struct scanned {
	struct tf_arena *arena;
	struct tf_report report;
	struct tf_config_text text;
};

static void
scan(struct scanned *s, struct tf_str file)
{
	s->arena = tf_arena_new();
	tf_report_init(&s->report, s->arena, TF_STR("f"));
	tf_config_text_scan(file, s->arena, &s->report, &s->text);
}

/* "LINE:TEXT" for each word, the signs as they are, one blank between them. */
static struct tf_str
render(const struct scanned *s)
{
	static const char *const signs[] = { "?", NULL, "=", "{", "}", "," };
	struct tf_buf b;

	tf_buf_init_arena(&b, s->arena, 65536);
	for (size_t i = 0; i < s->text.count; i++) {
		const struct tf_token *t = &s->text.tokens[i];

		tf_buf_printf(&b, "%s%u:", i > 0 ? " " : "", (unsigned)t->line);
		if (t->kind == TF_TOKEN_WORD)
			tf_buf_str(&b, t->text);
		else
			tf_buf_lit(&b, signs[t->kind]);
	}
	return tf_buf_get(&b);
}

static struct tf_str
errors(struct scanned *s)
{
	struct tf_buf why, warn;

	tf_buf_init_arena(&why, s->arena, 65536);
	tf_buf_init_arena(&warn, s->arena, 65536);
	tf_report_write(&s->report, &why, &warn);
	return tf_buf_get(&why);
}

static void
test_tokens(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in, want;
	} rows[] = {
		{ "nothing", TF_LIT(""), TF_LIT("") },
		{ "blanks", TF_LIT(" \t\r\n\n"), TF_LIT("") },
		{ "one statement", TF_LIT("a = 1\n"), TF_LIT("1:a 1:= 1:1") },
		{ "no blanks", TF_LIT("a=1"), TF_LIT("1:a 1:= 1:1") },
		{ "CRLF", TF_LIT("a = 1\r\nb = 2\r\n"), TF_LIT("1:a 1:= 1:1 2:b 2:= 2:2") },
		{ "byte order mark",
		    TF_LIT("\xef\xbb\xbf"
			   "a = 1"),
		    TF_LIT("1:a 1:= 1:1") },
		{ "comments of each kind",
		    TF_LIT("# one\na = 1 # two\n// three\n/* four\n * five */ b = 2 // six"),
		    TF_LIT("2:a 2:= 2:1 5:b 5:= 5:2") },
		{ "comment signs in quotes", TF_LIT("a = \"#//\" b = '/*'\nc = 3"),
		    TF_LIT("1:a 1:= 1:#// 1:b 1:= 1:/* 2:c 2:= 2:3") },
		{ "quotes in comments", TF_LIT("# it's \"\n/* ' \" */\na = 1"),
		    TF_LIT("3:a 3:= 3:1") },
		{ "braces in comments and quotes", TF_LIT("# {\na = \"{\" /* } */"),
		    TF_LIT("2:a 2:= 2:{") },
		{ "a list over lines", TF_LIT("l = {\n \"a\",\n # no\n \"b\"\n}\nc = 1"),
		    TF_LIT("1:l 1:= 1:{ 2:a 2:, 4:b 5:} 6:c 6:= 6:1") },
		{ "a string over lines counts them", TF_LIT("a = \"x\ny\"\nb = 2"),
		    TF_LIT("1:a 1:= 1:x\ny 3:b 3:= 3:2") },
		{ "escapes", TF_LIT("a = \"\\\"\\\\\" b = '\\'\"'"),
		    TF_LIT("1:a 1:= 1:\"\\ 1:b 1:= 1:'\"") },
		{ "a dollar alone", TF_LIT("a = \"$x {\""), TF_LIT("1:a 1:= 1:$x {") },
		{ "no expansion in single quotes", TF_LIT("a = '${HOME}'"),
		    TF_LIT("1:a 1:= 1:${HOME}") },
		{ "a slash in a word", TF_LIT("a = /var/run/x"), TF_LIT("1:a 1:= 1:/var/run/x") },
		{ "words that libconfuse would break up", TF_LIT("a = a|b~[c]"),
		    TF_LIT("1:a 1:= 1:a|b~[c]") },
		{ "8-bit bytes", TF_LIT("a = b\xc3\xbc"), TF_LIT("1:a 1:= 1:b\xc3\xbc") },
		{ "empty string", TF_LIT("a = \"\""), TF_LIT("1:a 1:= 1:") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct scanned s;

		scan(&s, rows[i].in);
		assert_str(rows[i].what, errors(&s), TF_STR(""));
		assert_str(rows[i].what, render(&s), rows[i].want);
		assert_false(s.text.cut);
		tf_arena_free(s.arena);
	}
}

static void
test_errors(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in, want;
		bool cut;
	} rows[] = {
		{ "NUL", TF_LIT("a = 1\nb = 2\0c"), TF_LIT("f:2: syntax: a NUL byte; remove it\n"),
		    true },
		{ "NUL in a comment", TF_LIT("# \0\n"),
		    TF_LIT("f:1: syntax: a NUL byte; remove it\n"), true },
		{ "unclosed string", TF_LIT("a = 1\nb = \"x\n"),
		    TF_LIT("f:2: syntax: this string is not closed; add \" at its end\n"), true },
		{ "unclosed single quotes", TF_LIT("a = 'x"),
		    TF_LIT("f:1: syntax: this string is not closed; add ' at its end\n"), true },
		{ "unclosed comment", TF_LIT("\n/* x\n\n"),
		    TF_LIT("f:2: syntax: this comment is not closed; add \"*/\" at its end\n"),
		    true },
		{ "unclosed section", TF_LIT("\ndns {\n timeout = 5\n"),
		    TF_LIT("f:2: dns: \"{\" is not closed; add \"}\" where it ends\n"), true },
		{ "unclosed section with a title", TF_LIT("domain \"x\ty\" {\n"),
		    TF_LIT(
			"f:1: syntax: control character \\x09 in a string; remove it\n"
			"f:1: domain \"x\\x09y\": \"{\" is not closed; add \"}\" where it ends\n"),
		    true },
		{ "unclosed list", TF_LIT("dns {\n servers = { \"a\"\n}\n"),
		    TF_LIT("f:1: dns: \"{\" is not closed; add \"}\" where it ends\n"), true },
		{ "a brace too many", TF_LIT("dns {\n}\n}\na = 1"),
		    TF_LIT("f:3: syntax: \"}\" without a \"{\" before it; remove it, or add the "
			   "\"{\"\n"),
		    true },
		{ "three deep", TF_LIT("dns {\n a = { {"),
		    TF_LIT("f:2: syntax: \"{\" is nested too deep; a list in a section is the "
			   "deepest there is\n"),
		    true },
		{ "environment", TF_LIT("a = \"${HOME}\""),
		    TF_LIT("f:1: syntax: \"${\" would not be replaced by anything; write the value "
			   "itself\n"),
		    false },
		{ "semicolon", TF_LIT("a = 1;\nb = 2;"),
		    TF_LIT(
			"f:1: syntax: \";\" outside quotes; remove it: a value ends by itself\n"
			"f:2: syntax: \";\" outside quotes; remove it: a value ends by itself\n"),
		    false },
		{ "append", TF_LIT("a += {1}"),
		    TF_LIT("f:1: syntax: \"+=\" is not known; write = and the whole list\n"),
		    false },
		{ "star", TF_LIT("a = *"),
		    TF_LIT("f:1: syntax: \"*\" outside quotes; put the value in quotes\n"), false },
		{ "function", TF_LIT("include(\"x\")"),
		    TF_LIT("f:1: syntax: \"(\" outside quotes; put the value in quotes\n"
			   "f:1: syntax: \")\" outside quotes; put the value in quotes\n"),
		    false },
		{ "control character", TF_LIT("a = \x01"),
		    TF_LIT("f:1: syntax: control character \\x01; remove it\n"), false },
		{ "control character in a string", TF_LIT("a = \"\x1b[31m\""),
		    TF_LIT("f:1: syntax: control character \\x1b in a string; remove it\n"),
		    false },
		{ "escape", TF_LIT("a = \"\\x00\""),
		    TF_LIT("f:1: syntax: a backslash stands only before \" or another backslash; "
			   "write \\\\\n"),
		    false },
		{ "comment at a value", TF_LIT("a = unix:/x//y"),
		    TF_LIT("f:1: syntax: a comment touches \"unix:/x\"; put the value in quotes, "
			   "or a blank before the comment\n"),
		    false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct scanned s;

		scan(&s, rows[i].in);
		assert_str(rows[i].what, errors(&s), rows[i].want);
		assert_num(rows[i].what, s.text.cut, rows[i].cut);
		tf_arena_free(s.arena);
	}
}

static void
test_heads(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		struct tf_str want; /* names of the keys, as messages show them */
	} rows[] = {
		{ "statements", TF_LIT("a = 1 b = 2\nc = {\"d\", \"e\"} f = {}"),
		    TF_LIT("a b c f") },
		{ "sections", TF_LIT("dns { a = 1 b = {x} } c = 2"), TF_LIT("dns dns.a dns.b c") },
		{ "titles", TF_LIT("domain \"x.y\" { a = 1 } domain z { b = 2 }"),
		    TF_LIT("domain \"x.y\" domain \"x.y\".a domain \"z\" domain \"z\".b") },
		{ "after a bare word", TF_LIT("a = b domain \"c\" { d = e }"),
		    TF_LIT("a domain \"c\" domain \"c\".d") },
		{ "names that are none", TF_LIT("\"a b\" = 1 c\xc3\xbc = 2"),
		    TF_LIT("\"a b\" \"c\\xc3\\xbc\"") },
		{ "values that look like keys", TF_LIT("a = {b, c} d = e"), TF_LIT("a d") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct scanned s;
		struct tf_buf b;

		scan(&s, rows[i].in);
		tf_buf_init_arena(&b, s.arena, 4096);
		for (size_t t = 0; t < s.text.count; t++) {
			if (!tf_config_text_is_head(&s.text, t))
				continue;
			tf_buf_lit(&b, b.len != 0 ? " " : "");
			tf_buf_str(&b, tf_config_text_key(&s.text, t, s.arena));
		}
		assert_str(rows[i].what, tf_buf_get(&b), rows[i].want);
		tf_arena_free(s.arena);
	}
}

static void
test_drop(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		size_t head;
		struct tf_str want;
	} rows[] = {
		{ "a value", TF_LIT("a = 1 b = 2"), 0, TF_LIT("1:? 1:? 1:? 1:b 1:= 1:2") },
		{ "a list", TF_LIT("a = {1, 2} b = 2"), 0,
		    TF_LIT("1:? 1:? 1:? 1:? 1:? 1:? 1:? 1:b 1:= 1:2") },
		{ "a section", TF_LIT("a { b = {1} } c = 2"), 0,
		    TF_LIT("1:? 1:? 1:? 1:? 1:? 1:? 1:? 1:? 1:c 1:= 1:2") },
		{ "a section with a title", TF_LIT("a b { } c = 2"), 0,
		    TF_LIT("1:? 1:? 1:? 1:? 1:c 1:= 1:2") },
		{ "a word alone", TF_LIT("a = 1 b c = 2"), 3,
		    TF_LIT("1:a 1:= 1:1 1:? 1:? 1:= 1:2") },
		{ "at the end", TF_LIT("a ="), 0, TF_LIT("1:? 1:?") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct scanned s;

		scan(&s, rows[i].in);
		tf_config_text_drop(&s.text, rows[i].head);
		assert_str(rows[i].what, render(&s), rows[i].want);
		tf_arena_free(s.arena);
	}
}

static void
test_write(void **state)
{
	struct scanned s;
	struct tf_buf b;

	(void)state;
	scan(&s, TF_STR("a = \"x\n$\\\"\" # c\nl = {} s { m = {} }"));
	tf_buf_init_arena(&b, s.arena, 4096);
	tf_config_text_write(&s.text, &b);
	assert_str("one token a line", tf_buf_get(&b),
	    TF_STR("\"a\"\n=\n\"x\\n\\$\\\"\"\n\"l\"\n=\n{ \"\"\n}\n\"s\"\n{\n\"m\"\n=\n{ "
		   "\"\"\n}\n}\n"));
	tf_arena_free(s.arena);
}

/* A hostile file costs little and says little. */
static void
test_bounds(void **state)
{
	static char file[TF_CONFIG_FILE_MAX];
	struct scanned s;

	(void)state;
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = ',';
	scan(&s, (struct tf_str){ file, sizeof(file) });
	assert_true(s.text.cut);
	assert_int_equal(s.text.count, TF_CONFIG_TOKENS_MAX);
	assert_str("too many tokens", errors(&s),
	    TF_STR("f:1: syntax: more than 262144 words and signs; make the file smaller\n"));
	tf_arena_free(s.arena);

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = ';';
	scan(&s, (struct tf_str){ file, sizeof(file) });
	assert_int_equal(s.report.errors, sizeof(file));
	assert_int_equal(s.report.count, TF_REPORT_MAX);
	assert_true(errors(&s).len < 5000);
	tf_arena_free(s.arena);

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = '{';
	scan(&s, (struct tf_str){ file, sizeof(file) });
	assert_int_equal(s.text.count, 2);
	tf_arena_free(s.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
