/*
 * test_spf_eval.c - check_host() of RFC 7208: records, include, redirect, identities, explanations
 */
#include "tests/unit/spf_fixture.h"

static const struct row rows[] = {
	/* Selecting the record */
	SENDER("4.4 no such domain", "u@nx1.example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.4 no TXT", "u@host.example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER(
	    "4.4 DNS failure", "u@loop.example", IP4, TF_TEMPERROR, "", 0, 0, "DNS server failure"),
	SENDER("4.5 other TXT only", "u@none.example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.5 one of several TXT", "u@txts.example", IP4, TF_FAIL, "-all", 0, 0, ""),
	SENDER(
	    "4.5 two records", "u@two.example", IP4, TF_PERMERROR, "", 0, 0, "several SPF records"),
	SENDER(
	    "3.3 strings are joined", "u@strings.example", IP4, TF_PASS, "ip4:192.0.2.3", 0, 0, ""),
	SENDER("3.3 joined without a space", "u@glued.example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.5 TAB behind the version", "u@tab.example", IP4, TF_NONE, "", 0, 0, ""),
	RECORD("4.5 empty record", "v=spf1", IP4, TF_NEUTRAL, "", 0, 0, ""),
	SENDER("3.2 alias to a record", "u@cn.example", IP4, TF_PASS, "ip4:192.0.2.3", 0, 0, ""),
	/* Errors are found before anything is evaluated */
	RECORD("4.6 error behind a match", "v=spf1 ip4:192.0.2.3 -all moo", IP4, TF_PERMERROR, "",
	    0, 0, "syntax error at moo: unknown mechanism"),
	RECORD("4.6 error costs no look-up", "v=spf1 a:nx1.example a:nx2.example a:nx3.example a:",
	    IP4, TF_PERMERROR, "", 0, 0, "syntax error at a:: domain is missing"),
	SENDER("3.1 8-bit in the record", "u@eight.example", IP4, TF_PERMERROR, "", 0, 0,
	    "syntax error at a:???x.example: character not allowed"),
	SENDER("3.1 NUL in the record", "u@nul.example", IP4, TF_PERMERROR, "", 0, 0,
	    "syntax error at a:host.example?: character not allowed"),
	RECORD("5.6 ip6 is checked for IPv4 clients", "v=spf1 ip6:::1/129 -all", IP4, TF_PERMERROR,
	    "", 0, 0, "syntax error at ip6:::1/129: bad prefix length"),
	/* Results */
	RECORD("4.6.2 pass", "v=spf1 all", IP4, TF_PASS, "all", 0, 0, ""),
	RECORD("4.6.2 +", "v=spf1 +all", IP4, TF_PASS, "+all", 0, 0, ""),
	RECORD("4.6.2 fail", "v=spf1 -all", IP4, TF_FAIL, "-all", 0, 0, ""),
	RECORD("4.6.2 softfail", "v=spf1 ~all", IP4, TF_SOFTFAIL, "~all", 0, 0, ""),
	RECORD("4.6.2 neutral", "v=spf1 ?all", IP4, TF_NEUTRAL, "?all", 0, 0, ""),
	RECORD("4.7 default", "v=spf1 ip4:192.0.2.4", IP4, TF_NEUTRAL, "", 0, 0, ""),
	RECORD("4.6.2 first match counts", "v=spf1 -ip4:192.0.2.3 ip4:192.0.2.3 all", IP4, TF_FAIL,
	    "-ip4:192.0.2.3", 0, 0, ""),
	RECORD("5.1 nothing behind all is looked up", "v=spf1 ~all a:nx1.example -all", IP4,
	    TF_SOFTFAIL, "~all", 0, 0, ""),
	RECORD("6.1 redirect is ignored with all", "v=spf1 redirect=fail.example ~all", IP4,
	    TF_SOFTFAIL, "~all", 0, 0, ""),
	RECORD("4.6.1 names in any case", "v=spf1 IP4:192.0.2.4 A:Host.EXAMPLE -ALL", IP4, TF_PASS,
	    "A:Host.EXAMPLE", 1, 0, ""),
	/* include */
	RECORD("5.2 include of pass", "v=spf1 ~include:pass.example -all", IP4, TF_SOFTFAIL,
	    "~include:pass.example", 1, 0, ""),
	RECORD("5.2 include of fail", "v=spf1 include:fail.example ?all", IP4, TF_NEUTRAL, "?all",
	    1, 0, ""),
	RECORD("5.2 include of softfail", "v=spf1 include:soft.example ?all", IP4, TF_NEUTRAL,
	    "?all", 1, 0, ""),
	RECORD("5.2 include of neutral", "v=spf1 include:neutral.example -all", IP4, TF_FAIL,
	    "-all", 1, 0, ""),
	RECORD("5.2 include of a DNS failure", "v=spf1 include:loop.example all", IP4, TF_TEMPERROR,
	    "include:loop.example", 1, 0, "DNS server failure"),
	RECORD("5.2 include of a broken record", "v=spf1 include:syntax.example all", IP4,
	    TF_PERMERROR, "include:syntax.example", 1, 0,
	    "syntax error at moo in the record of syntax.example: unknown mechanism"),
	RECORD("5.2 include of two records", "v=spf1 include:two.example all", IP4, TF_PERMERROR,
	    "include:two.example", 1, 0, "several SPF records at two.example"),
	RECORD("5.2 include of no record", "v=spf1 include:none.example all", IP4, TF_PERMERROR,
	    "include:none.example", 1, 0, "include of none.example: no SPF record"),
	RECORD("5.2 include of no domain", "v=spf1 include:nx1.example all", IP4, TF_PERMERROR,
	    "include:nx1.example", 1, 1, "include of nx1.example: no SPF record"),
	RECORD("4.3 include of one label", "v=spf1 include:%{d1} all", IP4, TF_PERMERROR,
	    "include:%{d1}", 1, 0, "include of example: no SPF record"),
	RECORD("5.2 redirect inside an include", "v=spf1 include:chain1.example -all", IP4, TF_PASS,
	    "include:chain1.example", 3, 0, ""),
	/* redirect */
	RECORD("6.1 redirect", "v=spf1 redirect=pass.example", IP4, TF_PASS, "ip4:192.0.2.3", 1, 0,
	    ""),
	RECORD("6.1 redirect twice over", "v=spf1 redirect=chain1.example", IP4, TF_PASS,
	    "ip4:192.0.2.3", 3, 0, ""),
	RECORD("6.1 redirect stands anywhere", "v=spf1 redirect=fail.example ip4:198.51.100.1", IP4,
	    TF_FAIL, "-all", 1, 0, ""),
	RECORD("6.1 a of the target's domain", "v=spf1 redirect=own.example", IP4, TF_PASS, "a", 2,
	    0, ""),
	RECORD("6.1 redirect to no record", "v=spf1 redirect=none.example", IP4, TF_PERMERROR, "",
	    1, 0, "redirect to none.example: no SPF record"),
	RECORD("6.1 redirect to a DNS failure", "v=spf1 redirect=loop.example", IP4, TF_TEMPERROR,
	    "", 1, 0, "DNS server failure"),
	RECORD("6.1 redirect to no name", "v=spf1 redirect=a..example", IP4, TF_PERMERROR, "", 1, 0,
	    "bad target of redirect=a..example"),
	/* Identities */
	SENDER("2.4 null sender", "", IP4, TF_PASS, "a", 1, 0, ""),
	{ "2.4 null sender, HELO of one label", NULL, "", "OEMCOMPUTER", IP4, TF_NONE, "", 0, 0,
	    "" },
	SENDER("4.3 address literal", "u@[192.0.2.3]", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.3 address as a name", "u@192.0.2.3", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.3 one label", "u@localhost", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.3 empty label", "u@A...example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.3 label of 64", "u@x" L63 ".example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("4.3 upper case and trailing dot", "u@Pass.EXAMPLE.", IP4, TF_PASS, "ip4:192.0.2.3",
	    0, 0, ""),
	SENDER("4.3 underscore", "u@_under.example", IP4, TF_PASS, "ip4:192.0.2.3", 0, 0, ""),
	SENDER("4.3 last @ counts", "\"a@fail.example\"@pass.example", IP4, TF_PASS,
	    "ip4:192.0.2.3", 0, 0, ""),
	SENDER("RFC 5321 4.1.2 source route", "@fail.example,@soft.example:u@pass.example", IP4,
	    TF_PASS, "ip4:192.0.2.3", 0, 0, ""),
	SENDER("4.3 no local part", "@pass.example", IP4, TF_PASS, "ip4:192.0.2.3", 0, 0, ""),
	SENDER("4.3 comment opened in the local part", "(any@pass.example", IP4, TF_NONE, "", 0, 0,
	    ""),
	SENDER("4.3 comment opened in the domain", "any@pass.example(a.example", IP4, TF_NONE, "",
	    0, 0, ""),
	SENDER("4.3 no @", "pass.example", IP4, TF_NONE, "", 0, 0, ""),
	SENDER("RFC 8616 4: U-label",
	    "u@b\xc3\xbc"
	    "cher.example",
	    IP4, TF_PASS, "exists:%{o}.of.example", 1, 0, ""),
	SENDER("RFC 8616 4: local part not ASCII", "\xc3\xbc@user.example", IP4, TF_FAIL, "-all", 1,
	    0, ""),
	{ "RFC 8616 4: the same in an include", "v=spf1 include:%{l}.of.example ?all",
	    "\xc3\xbc@t#.example", HELO, IP4, TF_NEUTRAL, "?all", 1, 0, "" },
	{ "RFC 8616 4: the same in a redirect", "v=spf1 redirect=%{s}.of.example",
	    "\xc3\xbc@t#.example", HELO, IP4, TF_NEUTRAL, "", 1, 0, "" },
	RECORD("2.3 no client address", "v=spf1 -all", "", TF_NONE, "", 0, 0, ""),
};

static void
test_rows(void **state)
{
	(void)state;
	run_rows(rows, TF_ARRAY_LEN(rows));
}

/* Which identity, which domain. */
static void
test_identity(void **state)
{
	static const struct {
		const char *what, *ip, *helo, *from;
		enum tf_spf_identity which;
		enum tf_code code;
		bool checked, helo_identity;
		const char *domain, *record_domain;
	} ids[] = {
		{ "2.3 HELO", IP4, "Mail.Example.ORG", "u@nx1.example", TF_SPF_HELO, TF_PASS, true,
		    true, "mail.example.org", "mail.example.org" },
		{ "2.3 HELO literal", IP4, "[192.0.2.3]", "", TF_SPF_HELO, TF_NONE, false, true, "",
		    "" },
		{ "2.3 HELO is an address", IP4, "192.0.2.3", "", TF_SPF_HELO, TF_NONE, false, true,
		    "", "" },
		{ "2.3 HELO of one label", IP4, "localhost", "", TF_SPF_HELO, TF_NONE, false, true,
		    "", "" },
		{ "2.3 no HELO", IP4, "", "", TF_SPF_HELO, TF_NONE, false, true, "", "" },
		{ "HELO with parentheses", IP4, "x) spf=pass smtp.mailfrom=pass.example (", "",
		    TF_SPF_HELO, TF_NONE, false, true, "", "" },
		{ "HELO with CR LF", IP4, "pass.example\r\nX: y", "", TF_SPF_HELO, TF_NONE, false,
		    true, "", "" },
		{ "RFC 8616 4: HELO has no U-labels", IP4,
		    "b\xc3\xbc"
		    "cher.example",
		    "", TF_SPF_HELO, TF_NONE, false, true, "", "" },
		{ "2.4 MAIL FROM", IP4, "mail.example.org", "u@Chain1.example", TF_SPF_MAILFROM,
		    TF_PASS, true, false, "chain1.example", "pass.example" },
		{ "2.4 null sender", IP4, "Mail.Example.ORG.", "", TF_SPF_MAILFROM, TF_PASS, true,
		    true, "mail.example.org", "mail.example.org" },
		{ "A-label in the result", IP4, "",
		    "u@B\xc3\xbc"
		    "CHER.example",
		    TF_SPF_MAILFROM, TF_PASS, true, false, "xn--bcher-kva.example",
		    "xn--bcher-kva.example" },
		{ "no client address", "", "", "u@pass.example", TF_SPF_MAILFROM, TF_NONE, false,
		    false, "pass.example", "" },
		{ "no record: none is in force", IP4, "", "u@none.example", TF_SPF_MAILFROM,
		    TF_NONE, true, false, "none.example", "" },
	};
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver_with(spf_zone);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(ids); i++) {
		struct tf_identity id = identity(ids[i].ip, ids[i].helo, ids[i].from);
		struct tf_spf spf = evaluate(a, r, &spf_opts, &id, ids[i].which);

		assert_num(ids[i].what, spf.code, ids[i].code);
		assert_num(ids[i].what, spf.checked, ids[i].checked);
		assert_num(ids[i].what, spf.helo_identity, ids[i].helo_identity);
		assert_str(ids[i].what, spf.domain, tf_str_from(ids[i].domain));
		assert_str(ids[i].what, spf.record_domain, tf_str_from(ids[i].record_domain));
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* RFC 7208 section 6.2 */
static void
test_explanation(void **state)
{
	static const struct {
		const char *what, *record, *from, *want;
		enum tf_code code;
	} exps[] = {
		{ "text with macros", "v=spf1 -all exp=text.example", "joe@t#.example",
		    "192.0.2.3 is not t#.example's, says mx.receiver.example at 1700000000 about "
		    "joe@t#.example: 100%_%20",
		    TF_FAIL },
		{ "p and h", "v=spf1 -all exp=ptext.example", "joe@t#.example",
		    "connect from host.example, helo mail.example.org", TF_FAIL },
		{ "only on fail", "v=spf1 ~all exp=text.example", "joe@t#.example", "",
		    TF_SOFTFAIL },
		{ "none given", "v=spf1 -all", "joe@t#.example", "", TF_FAIL },
		{ "of a redirect: the target's", "v=spf1 redirect=fail.example exp=ltext.example",
		    "joe@t#.example",
		    "192.0.2.3 is not fail.example's, says mx.receiver.example at 1700000000 about "
		    "joe@t#.example: 100%_%20",
		    TF_FAIL },
		{ "of a redirect: never the first record's",
		    "v=spf1 redirect=two.example exp=ltext.example", "joe@t#.example", "",
		    TF_PERMERROR },
		{ "never of an include", "v=spf1 include:fail.example -all", "joe@t#.example", "",
		    TF_FAIL },
		{ "two TXT", "v=spf1 -all exp=twotext.example", "joe@t#.example", "", TF_FAIL },
		{ "no TXT", "v=spf1 -all exp=host.example", "joe@t#.example", "", TF_FAIL },
		{ "DNS failure", "v=spf1 -all exp=loop.example", "joe@t#.example", "", TF_FAIL },
		{ "bad macro", "v=spf1 -all exp=badtext.example", "joe@t#.example", "", TF_FAIL },
		{ "not ASCII", "v=spf1 -all exp=eighttext.example", "joe@t#.example", "", TF_FAIL },
		{ "control character", "v=spf1 -all exp=ctltext.example", "joe@t#.example", "",
		    TF_FAIL },
		{ "name that cannot be asked", "v=spf1 -all exp=a..example", "joe@t#.example", "",
		    TF_FAIL },
		{ "blanks in the local part", "v=spf1 -all exp=ltext.example",
		    "Macro Error@t#.example", "Macro Error in implementation", TF_FAIL },
		{ "the same, quoted", "v=spf1 -all exp=ltext.example", "\"Macro Error\"@t#.example",
		    "Macro Error in implementation", TF_FAIL },
		{ "what the sender wrote is made clean", "v=spf1 -all exp=ltext.example",
		    "\"a\x80 ;b\"@t#.example", "a? ;b in implementation", TF_FAIL },
	};
	static const struct tf_spf_opts with = { 10, 2, true };
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r;
	struct tf_buf text;

	(void)state;
	tf_buf_init_arena(&text, a, ZONE_MAX);
	tf_buf_lit(&text, spf_zone);
	for (size_t i = 0; i < TF_ARRAY_LEN(exps); i++)
		write_record(i, exps[i].record, &text);
	r = resolver_of(tf_buf_get(&text));
	for (size_t i = 0; i < TF_ARRAY_LEN(exps); i++) {
		struct tf_identity id = identity(IP4, HELO, numbered(a, exps[i].from, i));
		struct tf_spf spf = evaluate(a, r, &with, &id, TF_SPF_MAILFROM);

		assert_num(exps[i].what, spf.code, exps[i].code);
		assert_str(
		    exps[i].what, spf.explanation, tf_str_from(numbered(a, exps[i].want, i)));
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* A long explanation is cut, and says so. */
static void
test_long_explanation(void **state)
{
	static const struct tf_spf_opts with = { 10, 2, true };
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r;
	struct tf_buf text, from;
	struct tf_identity id;
	struct tf_spf spf;

	(void)state;
	tf_buf_init_arena(&text, a, ZONE_MAX);
	tf_buf_lit(&text, spf_zone);
	write_record(0, "v=spf1 -all exp=longtext.example", &text);
	tf_buf_init_arena(&from, a, 512);
	tf_buf_lit(&from, L63 "@t0.example");
	r = resolver_of(tf_buf_get(&text));
	id = identity(IP4, "", tf_buf_cstr(&from));
	spf = evaluate(a, r, &with, &id, TF_SPF_MAILFROM);
	assert_int_equal(spf.explanation.len, 500);
	assert_true(tf_str_ends_nocase(spf.explanation, TF_STR("...")));
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* What a term gives with its macros is bounded: beyond 64 KiB it names nothing, and an explanation
 * is left out; up to that a name is cut to whole labels (RFC 7208 section 7.3). */
static void
test_expansion_bound(void **state)
{
	const struct tf_spf_opts with = { 10, 2, true };
	static const struct bound {
		const char *what, *record;
		size_t local;
		enum tf_code code;
		size_t explained;
	} bounds[] = {
		{ "exists, 65,536", "v=spf1 exists:%{l}.own.example -all", 65536 - 12, TF_PASS, 0 },
		{ "exists, 65,537", "v=spf1 exists:%{l}.own.example -all", 65537 - 12, TF_FAIL, 0 },
		{ "include, 65,537", "v=spf1 include:%{l}.own.example -all", 65537 - 12, TF_FAIL,
		    0 },
		{ "redirect, 65,536", "v=spf1 redirect=%{l}.pass.example", 65536 - 13, TF_PASS, 0 },
		{ "redirect, 65,537", "v=spf1 redirect=%{l}.pass.example", 65537 - 13, TF_PERMERROR,
		    0 },
		{ "exp, 65,530", "v=spf1 -all exp=longtext.example", 6553, TF_FAIL, 500 },
		{ "exp, 65,540", "v=spf1 -all exp=longtext.example", 6554, TF_FAIL, 0 },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(bounds); i++) {
		struct tf_resolver *r;
		struct tf_identity id;
		struct tf_buf text, from;
		struct tf_spf spf;

		tf_buf_init_arena(&text, a, ZONE_MAX);
		tf_buf_lit(&text, spf_zone);
		write_record(0, bounds[i].record, &text);
		tf_buf_init_arena(&from, a, 128 * 1024);
		while (from.len < bounds[i].local)
			tf_buf_byte(&from, 'x');
		tf_buf_lit(&from, "@t0.example");
		r = resolver_of(tf_buf_get(&text));
		id = identity(IP4, "", tf_buf_cstr(&from));
		spf = evaluate(a, r, &with, &id, TF_SPF_MAILFROM);
		assert_num(bounds[i].what, spf.code, bounds[i].code);
		assert_num(bounds[i].what, spf.explanation.len, bounds[i].explained);
		tf_resolver_release(r);
		tf_arena_clear(a);
	}
	tf_arena_free(a);
}

/* A record of hundreds of terms and over 4,000 octets, where only the last one matches. */
static void
test_long_record(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf text, record;
	struct tf_resolver *r;
	struct tf_identity id;
	struct tf_spf spf;

	(void)state;
	tf_buf_init_arena(&record, a, 64 * 1024);
	tf_buf_lit(&record, "v=spf1");
	for (unsigned i = 0; i < 900; i++)
		tf_buf_printf(&record, " ip4:10.%u.%u.0/24", i / 250, i % 250);
	tf_buf_lit(&record, " ip4:" IP4 " -all");
	tf_buf_init_arena(&text, a, ZONE_MAX);
	write_record(0, tf_buf_cstr(&record), &text);
	r = resolver_of(tf_buf_get(&text));
	id = identity(IP4, "", "u@t0.example");
	spf = evaluate(a, r, &spf_opts, &id, TF_SPF_MAILFROM);
	assert_int_equal(spf.code, TF_PASS);
	assert_str("mechanism", spf.mechanism, TF_STR("ip4:" IP4));
	tf_resolver_release(r);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_explanation),
		cmocka_unit_test(test_long_explanation),
		cmocka_unit_test(test_expansion_bound),
		cmocka_unit_test(test_long_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
