/*
 * test_spf_macro.c - expansion of macros (RFC 7208 section 7)
 */
#include <string.h>

#include "policy/spf_macro.h"
#include "tests/unit/test.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define L61 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"

static const struct tf_spf_macro_env env4 = {
	.sender = TF_LIT("strong-bad@email.example.com"),
	.local = TF_LIT("strong-bad"),
	.sender_domain = TF_LIT("email.example.com"),
	.domain = TF_LIT("email.example.com"),
	.validated = TF_LIT("mx.example.org"),
	.helo = TF_LIT("Relay.Example.NET"),
	.receiver = TF_LIT("mx.receiver.example"),
	.client = { TF_FAMILY_V4, { 192, 0, 2, 3 } },
	.now = 1700000000,
};

static const struct tf_spf_macro_env env6 = {
	.sender = TF_LIT("strong-bad@email.example.com"),
	.local = TF_LIT("strong-bad"),
	.sender_domain = TF_LIT("email.example.com"),
	.domain = TF_LIT("email.example.com"),
	.client = { TF_FAMILY_V6, { 0x20, 1, 0xd, 0xb8, [14] = 0xcb, [15] = 1 } },
};

/* Whose values hold what names cannot. */
static const struct tf_spf_macro_env odd = {
	.sender = TF_LIT("~jack&jill=up-a_b3.c@a.example"),
	.local = TF_LIT("~jack&jill=up-a_b3.c"),
	.sender_domain = TF_LIT("a.example"),
	.domain = TF_LIT("a.example"),
	.helo = TF_LIT("JUMPIN' \0JUPITER..\xff"),
	.client = { TF_FAMILY_V4, { 192, 0, 2, 3 } },
};

struct row {
	const char *what;
	const struct tf_spf_macro_env *env;
	struct tf_str in, want;
};

static void
expand_text(const struct row *row)
{
	char storage[512];
	struct tf_buf out;

	tf_buf_init(&out, storage, sizeof(storage));
	assert_num(row->what, tf_spf_macro_text(row->in, row->env, &out), true);
	assert_str(row->what, tf_buf_get(&out), row->want);
}

static void
test_values(void **state)
{
	static const struct row rows[] = {
		{ "7.4 s", &env4, TF_LIT("%{s}"), TF_LIT("strong-bad@email.example.com") },
		{ "7.4 o", &env4, TF_LIT("%{o}"), TF_LIT("email.example.com") },
		{ "7.4 d", &env4, TF_LIT("%{d}"), TF_LIT("email.example.com") },
		{ "7.4 d4", &env4, TF_LIT("%{d4}"), TF_LIT("email.example.com") },
		{ "7.4 d3", &env4, TF_LIT("%{d3}"), TF_LIT("email.example.com") },
		{ "7.4 d2", &env4, TF_LIT("%{d2}"), TF_LIT("example.com") },
		{ "7.4 d1", &env4, TF_LIT("%{d1}"), TF_LIT("com") },
		{ "7.4 dr", &env4, TF_LIT("%{dr}"), TF_LIT("com.example.email") },
		{ "7.4 d2r", &env4, TF_LIT("%{d2r}"), TF_LIT("example.email") },
		{ "7.4 l", &env4, TF_LIT("%{l}"), TF_LIT("strong-bad") },
		{ "7.4 l-", &env4, TF_LIT("%{l-}"), TF_LIT("strong.bad") },
		{ "7.4 lr", &env4, TF_LIT("%{lr}"), TF_LIT("strong-bad") },
		{ "7.4 lr-", &env4, TF_LIT("%{lr-}"), TF_LIT("bad.strong") },
		{ "7.4 l1r-", &env4, TF_LIT("%{l1r-}"), TF_LIT("strong") },
		{ "7.4 ir and v", &env4, TF_LIT("%{ir}.%{v}._spf.%{d2}"),
		    TF_LIT("3.2.0.192.in-addr._spf.example.com") },
		{ "7.4 lr-", &env4, TF_LIT("%{lr-}.lp._spf.%{d2}"),
		    TF_LIT("bad.strong.lp._spf.example.com") },
		{ "7.4 all of them", &env4, TF_LIT("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}"),
		    TF_LIT("bad.strong.lp.3.2.0.192.in-addr._spf.example.com") },
		{ "7.4 text behind", &env4, TF_LIT("%{d2}.trusted-domains.example.net"),
		    TF_LIT("example.com.trusted-domains.example.net") },
		{ "7.4 IPv6 (any case in the DNS)", &env6, TF_LIT("%{ir}.%{v}._spf.%{d2}"),
		    TF_LIT("1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2"
			   ".ip6._spf.example.com") },
		{ "7.3 parts beyond 32 bits are all parts", &env4, TF_LIT("%{d99999999999999}"),
		    TF_LIT("email.example.com") },
		{ "7.3 leading zero of parts", &env4, TF_LIT("%{d02}"), TF_LIT("example.com") },
		{ "7.3 R reverses too", &env4, TF_LIT("%{d2R}"), TF_LIT("example.email") },
		{ "7.3 with delimiters, dots do not split", &env4, TF_LIT("%{d2-}"),
		    TF_LIT("email.example.com") },
		{ "7.3 several delimiters", &env4, TF_LIT("%{sr-.}"),
		    TF_LIT("com.example.bad@email.strong") },
		{ "7.3 upper case escapes", &odd, TF_LIT("l=%{L}"),
		    TF_LIT("l=~jack%26jill%3Dup-a_b3.c") },
		{ "7.3 upper case of every byte", &odd, TF_LIT("%{H}"),
		    TF_LIT("JUMPIN%27%20%00JUPITER..%FF") },
		{ "7.3 upper case with parts, escaped last", &odd, TF_LIT("%{L1=}"),
		    TF_LIT("up-a_b3.c") },
		{ "7.3 empty parts stay", &odd, TF_LIT("%{hr}"),
		    TF_LIT("\xff..JUMPIN' \0JUPITER") },
		{ "7.1 percent, space, URL space", &env4, TF_LIT("a%%b%_c%-d"),
		    TF_LIT("a%b c%20d") },
		{ "7.2 h", &env4, TF_LIT("%{h}"), TF_LIT("Relay.Example.NET") },
		{ "7.2 h when none was given", &env6, TF_LIT("<%{h}>"), TF_LIT("<>") },
		{ "7.2 p", &env4, TF_LIT("%{p2}"), TF_LIT("example.org") },
		{ "7.2 p when there is none", &env6, TF_LIT("%{p}"), TF_LIT("unknown") },
		{ "7.2 c of IPv4", &env4, TF_LIT("%{c}"), TF_LIT("192.0.2.3") },
		{ "7.2 c of IPv6", &env6, TF_LIT("%{c}"), TF_LIT("2001:db8::cb01") },
		{ "7.2 r", &env4, TF_LIT("%{r}"), TF_LIT("mx.receiver.example") },
		{ "7.2 r when not known", &env6, TF_LIT("%{r}"), TF_LIT("unknown") },
		{ "7.2 t", &env4, TF_LIT("%{t}"), TF_LIT("1700000000") },
		{ "6.2 spaces in a text", &env4, TF_LIT(" %{c} is / not 100%% ours. "),
		    TF_LIT(" 192.0.2.3 is / not 100% ours. ") },
		{ "6.2 trailing dot stays in a text", &env4, TF_LIT("This is %{d}."),
		    TF_LIT("This is email.example.com.") },
		{ "empty text", &env4, TF_LIT(""), TF_LIT("") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		expand_text(&rows[i]);
}

static void
test_names(void **state)
{
	static const struct row rows[] = {
		{ "7.3 lower case", &env4, TF_LIT("%{h}.Example.COM"),
		    TF_LIT("relay.example.net.example.com") },
		{ "7.3 one trailing dot goes", &env4, TF_LIT("a.%{d2}.example.com."),
		    TF_LIT("a.example.com.example.com") },
		{ "7.3 253 octets stay", &env4, TF_LIT(L63 "." L63 "." L63 "." L61),
		    TF_LIT(L63 "." L63 "." L63 "." L61) },
		{ "7.3 one more: a label goes", &env4, TF_LIT("x" L61 "." L63 "." L63 "." L63),
		    TF_LIT(L63 "." L63 "." L63) },
		{ "7.3 labels go one by one from the left", &env4,
		    TF_LIT("a.b.c." L63 "." L63 "." L63 "." L61),
		    TF_LIT(L63 "." L63 "." L63 "." L61) },
		{ "7.3 the trailing dot does not count", &env4,
		    TF_LIT(L63 "." L63 "." L63 "." L61 "."), TF_LIT(L63 "." L63 "." L63 "." L61) },
		{ "7.1 odd characters", &odd, TF_LIT("%{l}.x.example"),
		    TF_LIT("~jack&jill=up-a_b3.c.x.example") },
		{ "7.1 escapes in names", &env4, TF_LIT("macro%%percent%_%_space%-url.example"),
		    TF_LIT("macro%percent  space%20url.example") },
		{ "4.8 one label can be asked", &env4, TF_LIT("%{d1}"), TF_LIT("com") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[512];
		struct tf_buf buf;
		struct tf_str name;

		tf_buf_init(&buf, storage, sizeof(storage));
		assert_true(tf_spf_domain_check(rows[i].in) == NULL);
		assert_num(
		    rows[i].what, tf_spf_macro_name(rows[i].in, rows[i].env, &buf, &name), true);
		assert_str(rows[i].what, name, rows[i].want);
	}
}

/* Domain-specs that are right and give no name. */
static void
test_no_name(void **state)
{
	static const struct row {
		const char *what;
		const struct tf_spf_macro_env *env;
		struct tf_str in;
	} rows[] = {
		{ "4.8 empty labels", &env4, TF_LIT("a..example.com") },
		{ "4.8 empty first label", &env4, TF_LIT(".example.com") },
		{ "4.8 label of 64", &env4, TF_LIT(L63 "x.example.com") },
		{ "4.8 NUL and empty labels from HELO", &odd, TF_LIT("%{h}.example.com") },
		{ "4.8 nothing at all", &env6, TF_LIT("%{h}") },
		{ "4.8 name without a dot in 253 octets", &env4,
		    TF_LIT(L63 L63 L63 L63 L63 ".%{o}." L63 L63 L63 L63 L63 "%%") },
		{ "expansion that the buffer cannot hold", &env4,
		    TF_LIT(
			"%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}"
			"%{s}%{s}%{s}%{s}.example.com") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[512];
		struct tf_buf buf;
		struct tf_str name;

		tf_buf_init(&buf, storage, sizeof(storage));
		assert_true(tf_spf_domain_check(rows[i].in) == NULL);
		assert_num(
		    rows[i].what, tf_spf_macro_name(rows[i].in, rows[i].env, &buf, &name), false);
	}
}

static void
test_bad_text(void **state)
{
	static const struct tf_str rows[] = {
		TF_LIT("The %{x}-files."),
		TF_LIT("100%"),
		TF_LIT("%{d"),
		TF_LIT("%{d0}"),
		TF_LIT("TAB\there"),
		TF_LIT("line\nend"),
		TF_LIT("\xEF\xBB\xBF"
		       "text"),
		TF_LIT("NUL\0"),
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[64];
		struct tf_buf out;

		tf_buf_init(&out, storage, sizeof(storage));
		assert_num(rows[i].ptr, tf_spf_macro_text(rows[i], &env4, &out), false);
	}
}

static void
test_uses(void **state)
{
	(void)state;
	assert_int_equal(tf_spf_macro_uses(TF_STR("%{d}.%{i}.%{o}.sl.p")), 0);
	assert_int_equal(
	    tf_spf_macro_uses(TF_STR("%%{s}.%{l1r-}.x")), TF_SPF_USES_LOCAL | TF_SPF_USES_PARTS);
	assert_int_equal(
	    tf_spf_macro_uses(TF_STR("%{S}")), TF_SPF_USES_LOCAL | TF_SPF_USES_ESCAPES);
	assert_int_equal(tf_spf_macro_uses(TF_STR("x.%{p}")), TF_SPF_USES_PTR);
}

/* Many macros over a long value: the work is bounded, whatever comes out. */
static void
test_work(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_spf_macro_env env = env4;
	struct tf_buf text, out;
	struct tf_str name;
	char *local = tf_arena_alloc(a, 60000);

	(void)state;
	memset(local, 'x', 60000);
	local[59990] = '-';
	env.local = (struct tf_str){ local, 60000 };
	tf_buf_init_arena(&text, a, 64 * 1024);
	for (int i = 0; i < 10000; i++)
		tf_buf_lit(&text, "%{l1-}");
	tf_buf_init_arena(&out, a, TF_SPF_EXPAND_MAX);
	assert_false(tf_spf_macro_name(tf_buf_get(&text), &env, &out, &name));
	assert_true(out.len < 1000);
	/* 1024 times 1024 octets, and once more. */
	env.local = (struct tf_str){ local, 1024 };
	tf_buf_clear(&text);
	for (int i = 0; i < 1024; i++)
		tf_buf_lit(&text, "%{l1-}");
	local[1020] = '-';
	tf_buf_clear(&out);
	assert_true(tf_spf_macro_text(tf_buf_get(&text), &env, &out));
	tf_buf_lit(&text, "%{l1-}");
	tf_buf_clear(&out);
	assert_false(tf_spf_macro_text(tf_buf_get(&text), &env, &out));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
