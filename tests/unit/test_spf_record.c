/*
 * test_spf_record.c - the grammar of SPF records (RFC 7208)
 */
#include "policy/spf_record.h"
#include "tests/unit/test.h"

#define RECORD(s) TF_LIT("v=spf1 " s)

/* Records that are right. */
static void
test_good(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str txt;
	} rows[] = {
		{ "4.5 version alone", TF_LIT("v=spf1") },
		{ "4.5 version in any case", TF_LIT("V=SpF1 -all") },
		{ "4.5 trailing space", RECORD("a -all ") },
		{ "4.6.1 only spaces behind the version", RECORD("   ") },
		{ "4.6.1 several spaces between terms", RECORD("a    -all") },
		{ "4.6.1 names in any case", RECORD("+A ~MX ?Include:A.example.COM -ALL") },
		{ "4.6.2 every qualifier", RECORD("+a -mx ?ptr ~all") },
		{ "5.1 all twice", RECORD("all -all") },
		{ "5.3 a with both prefixes", RECORD("a/24//64 -all") },
		{ "5.3 a with IPv6 prefix alone", RECORD("a//0") },
		{ "5.3 prefix 0", RECORD("a/0 mx/0//0") },
		{ "5.3 a of a name with prefixes", RECORD("a:foo.example/32//128") },
		{ "5.5 ptr with and without a name", RECORD("ptr ptr:example.com") },
		{ "5.6 ip4 alone and with prefix", RECORD("ip4:192.0.2.1 ip4:192.0.2.0/24") },
		{ "5.6 ip4 prefix 0", RECORD("ip4:192.0.2.1/0") },
		{ "5.6 ip6 alone and with prefix", RECORD("ip6:2001:DB8::1 ip6:::/0") },
		{ "5.6 ip6 with dotted quad", RECORD("ip6:::ffff:192.0.2.1/128") },
		{ "6 unknown modifier", RECORD("moo.cow-far_out=man:dog/cat -all") },
		{ "6 unknown modifier twice", RECORD("x=1 x=2 -all") },
		{ "6 unknown modifier without value", RECORD("x= -all") },
		{ "6 modifier between mechanisms", RECORD("a exp=e.example.com mx") },
		{ "6.1 redirect before all", RECORD("redirect=b.example ~all") },
		{ "7.1 macro at the end", RECORD("exists:%{i}") },
		{ "7.1 percent macros at the end", RECORD("a:x%% a:x%_ a:x%-") },
		{ "7.1 every letter", RECORD("exists:%{s}%{l}%{o}%{d}%{i}%{p}%{v}%{h}.example") },
		{ "7.1 transformers and delimiters", RECORD("exists:%{d128r.-+,/_=}.%{l1R-}.x") },
		{ "7.1 hyphens in the top label", RECORD("a:foo.example.xn--zckzah a:x.1-2") },
		{ "7.1 digit first in the top label", RECORD("a:x.1a") },
		{ "7.1 trailing dot", RECORD("a:example.com.") },
		{ "7.1 odd visible characters", RECORD("a:foo:bar/baz.example.com") },
		{ "7.1 slash in a domain-spec with prefix", RECORD("a:foo/8.example.com/24") },
		{ "7.1 closing brace as a literal", RECORD("a:a}b{c.example.com") },
		{ "7.1 empty labels are for the DNS to refuse", RECORD("a:mail.example...com") },
		{ "7.2 letters of explanations in an unknown modifier", RECORD("x=%{c}%{r}%{t}") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_spf_record rec;
		bool ok = tf_spf_record_parse(rows[i].txt, &rec);

		assert_str(rows[i].what, tf_str_from(rec.err), TF_STR(""));
		assert_num(rows[i].what, ok, true);
	}
}

/* Records that are wrong, and in which term. */
static void
test_bad(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str txt, term;
	} rows[] = {
		{ "4.6 error behind a match", RECORD("ip4:192.0.2.3 -all moo"), TF_LIT("moo") },
		{ "4.6.1 TAB between terms", RECORD("a\t-all"), TF_LIT("a\t-all") },
		{ "4.6.1 LF between terms", RECORD("a\n-all"), TF_LIT("a\n-all") },
		{ "4.6.1 qualifier alone", RECORD("- all"), TF_LIT("-") },
		{ "4.6.1 two qualifiers", RECORD("--all"), TF_LIT("--all") },
		{ "4.6.1 qualifier on a modifier", RECORD("-exp=a.example"),
		    TF_LIT("-exp=a.example") },
		{ "4.6.1 redirect is a modifier", RECORD("redirect:a.example"),
		    TF_LIT("redirect:a.example") },
		{ "4.6.1 mechanism as modifier", RECORD("-all=x"), TF_LIT("-all=x") },
		{ "4.6.1 slash before =", RECORD("moo.cow/far_out=man"),
		    TF_LIT("moo.cow/far_out=man") },
		{ "4.6.1 colon before =", RECORD("moo.cow:far_out=man"),
		    TF_LIT("moo.cow:far_out=man") },
		{ "5.1 all with a dot", RECORD("-all."), TF_LIT("-all.") },
		{ "5.1 all with an argument", RECORD("all:x.example"), TF_LIT("all:x.example") },
		{ "5.1 all with a prefix", RECORD("-all/8"), TF_LIT("-all/8") },
		{ "5.2 include without domain", RECORD("include -all"), TF_LIT("include") },
		{ "5.2 include with empty domain", RECORD("include:"), TF_LIT("include:") },
		{ "5.2 include with a prefix", RECORD("include:a.example/24"),
		    TF_LIT("include:a.example/24") },
		{ "5.3 a with empty domain", RECORD("a:"), TF_LIT("a:") },
		{ "5.3 a with prefix and empty domain", RECORD("a:/24"), TF_LIT("a:/24") },
		{ "5.3 prefix over 32", RECORD("a/33"), TF_LIT("a/33") },
		{ "5.3 prefix over 128", RECORD("a//129"), TF_LIT("a//129") },
		{ "5.3 both prefixes with one slash", RECORD("a/24/64"), TF_LIT("a/24/64") },
		{ "5.3 valid numbers, but one slash", RECORD("a/24/32"), TF_LIT("a/24/32") },
		{ "5.3 prefixes the wrong way round", RECORD("a//64/24"), TF_LIT("a//64/24") },
		{ "5.3 three slashes", RECORD("a///24"), TF_LIT("a///24") },
		{ "5.3 slash without number", RECORD("a/"), TF_LIT("a/") },
		{ "5.3 leading zero", RECORD("a/024"), TF_LIT("a/024") },
		{ "5.3 leading zero of IPv6", RECORD("a//064"), TF_LIT("a//064") },
		{ "5.3 prefix too long for a number", RECORD("a/99999999999999999999"),
		    TF_LIT("a/99999999999999999999") },
		{ "5.3 name runs on", RECORD("ab"), TF_LIT("ab") },
		{ "5.4 mx with empty domain", RECORD("mx: -all"), TF_LIT("mx:") },
		{ "5.5 ptr with a prefix", RECORD("ptr/0"), TF_LIT("ptr/0") },
		{ "5.5 ptr with empty domain", RECORD("ptr:"), TF_LIT("ptr:") },
		{ "5.6 ip4 without address", RECORD("ip4"), TF_LIT("ip4") },
		{ "5.6 ip4 with empty address", RECORD("ip4:"), TF_LIT("ip4:") },
		{ "5.6 ip4 cut short", RECORD("ip4:192.0.2"), TF_LIT("ip4:192.0.2") },
		{ "5.6 ip4 with a port", RECORD("ip4:192.0.2.1:25"), TF_LIT("ip4:192.0.2.1:25") },
		{ "5.6 ip4 with leading zero", RECORD("ip4:192.0.02.1"), TF_LIT("ip4:192.0.02.1") },
		{ "5.6 ip4 octet over 255", RECORD("ip4:192.0.2.256"), TF_LIT("ip4:192.0.2.256") },
		{ "5.6 ip4 prefix over 32", RECORD("ip4:192.0.2.1/33"),
		    TF_LIT("ip4:192.0.2.1/33") },
		{ "5.6 ip4 prefix with leading zero", RECORD("ip4:192.0.2.1/032"),
		    TF_LIT("ip4:192.0.2.1/032") },
		{ "5.6 ip4 with two slashes", RECORD("ip4:192.0.2.1//32"),
		    TF_LIT("ip4:192.0.2.1//32") },
		{ "5.6 ip4 with an empty prefix", RECORD("ip4:192.0.2.1/"),
		    TF_LIT("ip4:192.0.2.1/") },
		{ "5.6 ip4 with an IPv6 address", RECORD("ip4:2001:db8::1"),
		    TF_LIT("ip4:2001:db8::1") },
		{ "5.6 ip6 with an IPv4 address", RECORD("ip6:192.0.2.1"),
		    TF_LIT("ip6:192.0.2.1") },
		{ "5.6 ip6 with SMTP's prefix", RECORD("ip6:IPv6:::1"), TF_LIT("ip6:IPv6:::1") },
		{ "5.6 ip6 with two ::", RECORD("ip6::CAFE::BABE"), TF_LIT("ip6::CAFE::BABE") },
		{ "5.6 ip6 prefix over 128", RECORD("ip6:::1/129"), TF_LIT("ip6:::1/129") },
		{ "5.6 ip6 with two slashes", RECORD("ip6:::1//33"), TF_LIT("ip6:::1//33") },
		{ "5.6 ip6 zone", RECORD("ip6:fe80::1%eth0"), TF_LIT("ip6:fe80::1%eth0") },
		{ "5.7 exists without domain", RECORD("exists"), TF_LIT("exists") },
		{ "5.7 exists with a prefix", RECORD("exists:m.example.com/24"),
		    TF_LIT("exists:m.example.com/24") },
		{ "6 redirect twice", RECORD("redirect=a.example redirect=b.example"),
		    TF_LIT("redirect=b.example") },
		{ "6 exp twice, in different case", RECORD("exp=a.example -all EXP=b.example"),
		    TF_LIT("EXP=b.example") },
		{ "6.1 redirect empty", RECORD("?all redirect="), TF_LIT("redirect=") },
		{ "6.1 redirect is never unknown", RECORD("redirect=-all"),
		    TF_LIT("redirect=-all") },
		{ "6.2 exp empty", RECORD("exp= -all"), TF_LIT("exp=") },
		{ "6.2 exp is never unknown", RECORD("exp=-all"), TF_LIT("exp=-all") },
		{ "12 modifier name begins with a digit", RECORD("1up=foo"), TF_LIT("1up=foo") },
		{ "12 modifier name empty", RECORD("=all"), TF_LIT("=all") },
		{ "12 macro in an unknown modifier", RECORD("-all foo=%abc"), TF_LIT("foo=%abc") },
		{ "7.1 round brackets", RECORD("exists:%(ir).x.example"),
		    TF_LIT("exists:%(ir).x.example") },
		{ "7.1 unknown letter", RECORD("a:%{a}.x.example"), TF_LIT("a:%{a}.x.example") },
		{ "7.1 letter missing", RECORD("a:%{}.x.example"), TF_LIT("a:%{}.x.example") },
		{ "7.1 letter of explanations", RECORD("exp=%{r}.x.example"),
		    TF_LIT("exp=%{r}.x.example") },
		{ "7.1 zero parts", RECORD("a:%{d0}.x.example"), TF_LIT("a:%{d0}.x.example") },
		{ "7.1 transformers out of order", RECORD("a:%{dr2}.x.example"),
		    TF_LIT("a:%{dr2}.x.example") },
		{ "7.1 not a delimiter", RECORD("a:%{d:}.x.example"), TF_LIT("a:%{d:}.x.example") },
		{ "7.1 macro not closed", RECORD("a:%{d"), TF_LIT("a:%{d") },
		{ "7.1 percent alone", RECORD("a:foo%.x.example"), TF_LIT("a:foo%.x.example") },
		{ "7.1 percent last", RECORD("a:x.example%"), TF_LIT("a:x.example%") },
		{ "7.1 literal behind the macro", RECORD("a:%{d}x"), TF_LIT("a:%{d}x") },
		{ "7.1 dot behind the macro", RECORD("a:%{d}."), TF_LIT("a:%{d}.") },
		{ "7.1 one label", RECORD("a:museum"), TF_LIT("a:museum") },
		{ "7.1 one label and a dot", RECORD("a:museum."), TF_LIT("a:museum.") },
		{ "7.1 top label all digits", RECORD("a:abc.123"), TF_LIT("a:abc.123") },
		{ "7.1 address where a name belongs", RECORD("a:192.0.2.1"),
		    TF_LIT("a:192.0.2.1") },
		{ "7.1 port behind the name", RECORD("a:example.com:8080"),
		    TF_LIT("a:example.com:8080") },
		{ "7.1 hyphen first in the top label", RECORD("a:example.-com"),
		    TF_LIT("a:example.-com") },
		{ "7.1 hyphen last in the top label", RECORD("a:example.com-"),
		    TF_LIT("a:example.com-") },
		{ "7.1 underscore in the top label", RECORD("a:example.c_m"),
		    TF_LIT("a:example.c_m") },
		{ "7.1 two dots at the end", RECORD("a:example.com.."), TF_LIT("a:example.com..") },
		{ "7.1 NUL in a domain-spec", RECORD("a:foo.example.com\0"),
		    TF_LIT("a:foo.example.com\0") },
		{ "3.1 8-bit in a domain-spec", RECORD("a:\xEF\xBB\xBFx.example -all"),
		    TF_LIT("a:\xEF\xBB\xBFx.example") },
		{ "3.1 8-bit before a mechanism",
		    RECORD("\x80"
			   "a -all"),
		    TF_LIT("\x80"
			   "a") },
		{ "3.1 8-bit in an unknown modifier", RECORD("x=\xff"), TF_LIT("x=\xff") },
		{ "3.1 DEL", RECORD("x=\x7f"), TF_LIT("x=\x7f") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_spf_record rec;

		assert_num(rows[i].what, tf_spf_record_parse(rows[i].txt, &rec), false);
		assert_str(rows[i].what, rec.err_term, rows[i].term);
		assert_true(rec.err != NULL);
		assert_ptr_equal(rec.err_term.ptr, rows[i].txt.ptr + rec.err_pos);
	}
}

/* What the terms say. */
static void
test_terms(void **state)
{
	static const struct tf_str txt =
	    TF_LIT("v=spf1 ip4:192.0.2.0/24 -a:x.example/20//40 ~MX//64 ?include:%{d2} x=y "
		   "ip6:::ffff:192.0.2.1 ip6:::ffff:0:0/80 exp=e.example all redirect=r.example");
	static const struct row {
		struct tf_str text;
		enum tf_spf_kind kind;
		enum tf_code code;
		struct tf_str domain;
		uint32_t bits4, bits6;
		enum tf_family family;
		uint32_t net_bits;
		bool asks;
	} rows[] = {
		{ TF_LIT("ip4:192.0.2.0/24"), TF_SPF_IP4, TF_PASS, TF_LIT(""), 32, 128,
		    TF_FAMILY_V4, 24, false },
		{ TF_LIT("-a:x.example/20//40"), TF_SPF_A, TF_FAIL, TF_LIT("x.example"), 20, 40,
		    TF_FAMILY_NONE, 0, true },
		{ TF_LIT("~MX//64"), TF_SPF_MX, TF_SOFTFAIL, TF_LIT(""), 32, 64, TF_FAMILY_NONE, 0,
		    true },
		{ TF_LIT("?include:%{d2}"), TF_SPF_INCLUDE, TF_NEUTRAL, TF_LIT("%{d2}"), 32, 128,
		    TF_FAMILY_NONE, 0, true },
		{ TF_LIT("x=y"), TF_SPF_UNKNOWN_MODIFIER, TF_NONE, TF_LIT(""), 32, 128,
		    TF_FAMILY_NONE, 0, false },
		/* A v4-mapped network that only IPv4 clients could be in (5): no client is. */
		{ TF_LIT("ip6:::ffff:192.0.2.1"), TF_SPF_IP6, TF_PASS, TF_LIT(""), 32, 128,
		    TF_FAMILY_NONE, 32, false },
		{ TF_LIT("ip6:::ffff:0:0/80"), TF_SPF_IP6, TF_PASS, TF_LIT(""), 32, 128,
		    TF_FAMILY_V6, 80, false },
		{ TF_LIT("exp=e.example"), TF_SPF_EXP, TF_NONE, TF_LIT("e.example"), 32, 128,
		    TF_FAMILY_NONE, 0, false },
		{ TF_LIT("all"), TF_SPF_ALL, TF_PASS, TF_LIT(""), 32, 128, TF_FAMILY_NONE, 0,
		    false },
		{ TF_LIT("redirect=r.example"), TF_SPF_REDIRECT, TF_NONE, TF_LIT("r.example"), 32,
		    128, TF_FAMILY_NONE, 0, true },
	};
	struct tf_spf_record rec;
	struct tf_spf_term term;
	struct tf_lex terms;

	(void)state;
	assert_true(tf_spf_record_parse(txt, &rec));
	assert_str("redirect", rec.redirect.domain, TF_STR("r.example"));
	assert_str("exp", rec.exp.domain, TF_STR("e.example"));
	terms = tf_spf_record_terms(&rec);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const char *what = rows[i].text.ptr;

		assert_true(tf_spf_record_next(&terms, &term));
		assert_str(what, term.text, rows[i].text);
		assert_num(what, term.kind, rows[i].kind);
		assert_num(what, term.code, rows[i].code);
		assert_str(what, term.domain, rows[i].domain);
		assert_num(what, term.bits4, rows[i].bits4);
		assert_num(what, term.bits6, rows[i].bits6);
		assert_num(what, term.net.addr.family, rows[i].family);
		assert_num(what, term.net.bits, rows[i].net_bits);
		assert_num(what, tf_spf_term_asks(&term), rows[i].asks);
	}
	assert_false(tf_spf_record_next(&terms, &term));
}

/* RFC 7208 section 4.5 */
static void
test_select(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str txts[3];
		size_t count;
		enum tf_spf_found found;
		size_t which;
	} rows[] = {
		{ "no TXT at all", { TF_LIT("") }, 0, TF_SPF_FOUND_NONE, 0 },
		{ "empty TXT", { TF_LIT("") }, 1, TF_SPF_FOUND_NONE, 0 },
		{ "other TXT", { TF_LIT("v=spf2.0/pra all") }, 1, TF_SPF_FOUND_NONE, 0 },
		{ "v=spf10 is another version", { TF_LIT("v=spf10 -all"), TF_LIT("v=spf1 mx") }, 2,
		    TF_SPF_FOUND_ONE, 1 },
		{ "no space behind the version", { TF_LIT("v=spf1-all"), TF_LIT("v=spf1mx") }, 2,
		    TF_SPF_FOUND_NONE, 0 },
		{ "TAB is no space", { TF_LIT("v=spf1\t-all") }, 1, TF_SPF_FOUND_NONE, 0 },
		{ "leading space", { TF_LIT(" v=spf1 -all") }, 1, TF_SPF_FOUND_NONE, 0 },
		{ "other TXTs with any bytes",
		    { TF_LIT("\x96"), TF_LIT("v=spf1 -all"), TF_LIT("\0v=spf1") }, 3,
		    TF_SPF_FOUND_ONE, 1 },
		{ "a broken record is still the record", { TF_LIT("v=spf1 \xff") }, 1,
		    TF_SPF_FOUND_ONE, 0 },
		{ "two records", { TF_LIT("v=spf1 -all"), TF_LIT("V=sPf1 +all") }, 2,
		    TF_SPF_FOUND_SEVERAL, 0 },
		{ "two equal records", { TF_LIT("v=spf1 -all"), TF_LIT("v=spf1 -all") }, 2,
		    TF_SPF_FOUND_SEVERAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str txt = TF_NONE_STR;
		enum tf_spf_found found = tf_spf_record_select(rows[i].txts, rows[i].count, &txt);

		assert_num(rows[i].what, found, rows[i].found);
		if (found == TF_SPF_FOUND_ONE)
			assert_str(rows[i].what, txt, rows[i].txts[rows[i].which]);
	}
}

/* Hundreds of terms, over 4,000 octets: the last one counts like the first. */
static void
test_long(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_spf_record rec;
	struct tf_spf_term term = { .kind = TF_SPF_ALL };
	struct tf_lex terms;
	struct tf_buf txt;
	size_t n = 0;

	(void)state;
	tf_buf_init_arena(&txt, a, 64 * 1024);
	tf_buf_lit(&txt, "v=spf1");
	for (unsigned i = 0; i < 2000; i++)
		tf_buf_printf(&txt, " ip4:10.%u.%u.0/24", i / 250, i % 250);
	tf_buf_lit(&txt, " -all");
	assert_false(txt.overflow);
	assert_true(tf_spf_record_parse(tf_buf_get(&txt), &rec));
	terms = tf_spf_record_terms(&rec);
	while (tf_spf_record_next(&terms, &term))
		n++;
	assert_int_equal(n, 2001);
	assert_int_equal(term.kind, TF_SPF_ALL);
	tf_buf_lit(&txt, " moo");
	assert_false(tf_spf_record_parse(tf_buf_get(&txt), &rec));
	assert_int_equal(rec.err_pos, txt.len - 3);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
