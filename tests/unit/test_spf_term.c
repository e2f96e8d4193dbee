/*
 * test_spf_term.c - the mechanisms of SPF and their limits (RFC 7208 sections 4.6.4 and 5)
 */
#include "tests/unit/spf_fixture.h"

static const struct row rows[] = {
	/* ip4, ip6 */
	RECORD("5.6 ip4 whole address", "v=spf1 ip4:192.0.2.2 ip4:192.0.2.4 -all", IP4, TF_FAIL,
	    "-all", 0, 0, ""),
	RECORD("5.6 ip4 network", "v=spf1 ip4:192.0.2.0/24 -all", IP4, TF_PASS, "ip4:192.0.2.0/24",
	    0, 0, ""),
	RECORD("5.6 ip4 host bits are ignored", "v=spf1 ip4:192.0.2.2/31 -all", IP4, TF_PASS,
	    "ip4:192.0.2.2/31", 0, 0, ""),
	RECORD(
	    "5.6 ip4 just outside", "v=spf1 ip4:192.0.2.4/30 -all", IP4, TF_FAIL, "-all", 0, 0, ""),
	RECORD("5.6 ip4 /0", "v=spf1 ip4:198.51.100.1/0 -all", IP4, TF_PASS, "ip4:198.51.100.1/0",
	    0, 0, ""),
	RECORD("5.6 ip4 /0 and an IPv6 client", "v=spf1 ip4:0.0.0.0/0 -all", IP6, TF_FAIL, "-all",
	    0, 0, ""),
	RECORD("5.6 ip6 whole address", "v=spf1 ip6:2001:db8::4 ip6:2001:DB8::3 -all", IP6, TF_PASS,
	    "ip6:2001:DB8::3", 0, 0, ""),
	RECORD("5.6 ip6 network", "v=spf1 ip6:2001:db8:8000::/33 ip6:2001:db8::/33 -all", IP6,
	    TF_PASS, "ip6:2001:db8::/33", 0, 0, ""),
	RECORD("5.6 ip6 /0 and an IPv4 client", "v=spf1 ip6:::/0 -all", IP4, TF_FAIL, "-all", 0, 0,
	    ""),
	RECORD("5 mapped client is IPv4", "v=spf1 -ip4:192.0.2.3 ip6:::ffff:192.0.2.3",
	    "::ffff:192.0.2.3", TF_FAIL, "-ip4:192.0.2.3", 0, 0, ""),
	RECORD("5 mapped client is in no ip6", "v=spf1 ip6:::ffff:192.0.2.3 ip6:::/0 ?all",
	    "::ffff:192.0.2.3", TF_NEUTRAL, "?all", 0, 0, ""),
	RECORD("5.6 mapped network is in no ip4", "v=spf1 ip6:::ffff:192.0.2.3 -all", IP4, TF_FAIL,
	    "-all", 0, 0, ""),
	RECORD("5.6 short prefix of a mapped network", "v=spf1 ip6:::ffff:192.0.2.3/0 -all", IP6,
	    TF_PASS, "ip6:::ffff:192.0.2.3/0", 0, 0, ""),
	RECORD("loopback does not pass by itself", "v=spf1 -all", "127.0.0.1", TF_FAIL, "-all", 0,
	    0, ""),
	RECORD("nor does ::1", "v=spf1 -all", "::1", TF_FAIL, "-all", 0, 0, ""),
	/* a */
	SENDER("5.3 a of the domain itself", "u@own.example", IP4, TF_PASS, "a", 1, 0, ""),
	RECORD("5.3 a, IPv6 client asks AAAA", "v=spf1 a:host.example -all", IP6, TF_PASS,
	    "a:host.example", 1, 0, ""),
	RECORD("5.3 a that is another host", "v=spf1 a:far.example -all", IP4, TF_FAIL, "-all", 1,
	    0, ""),
	RECORD("5.3 a with prefix", "v=spf1 a:near.example/25 -all", IP4, TF_PASS,
	    "a:near.example/25", 1, 0, ""),
	RECORD("5.3 a with the prefix of the other family", "v=spf1 a:near.example//64 -all", IP4,
	    TF_FAIL, "-all", 1, 0, ""),
	RECORD("5.3 a with both prefixes, IPv6", "v=spf1 a:near.example/32//64 -all", IP6, TF_PASS,
	    "a:near.example/32//64", 1, 0, ""),
	RECORD("5.3 a/0 needs an address", "v=spf1 a:v6.example/0 -all", IP4, TF_FAIL, "-all", 1, 1,
	    ""),
	RECORD("5.3 a/0 with an address", "v=spf1 a:v4.example/0 -all", IP4, TF_PASS,
	    "a:v4.example/0", 1, 0, ""),
	RECORD("5.3 a//0, IPv4 client", "v=spf1 a:far.example//0 -all", IP4, TF_FAIL, "-all", 1, 0,
	    ""),
	RECORD("5.3 a//0, mapped client", "v=spf1 a:far.example//0 -all", "::ffff:192.0.2.3",
	    TF_FAIL, "-all", 1, 0, ""),
	RECORD("5.3 a//0, IPv6 client", "v=spf1 a:v6.example//0 -all", IP6, TF_PASS,
	    "a:v6.example//0", 1, 0, ""),
	RECORD("5 AAAA of a mapped address is no IPv6", "v=spf1 a:mapped.example//0 -all", IP6,
	    TF_FAIL, "-all", 1, 0, ""),
	RECORD("4.6.4 no limit on addresses", "v=spf1 a:many.example -all", IP4, TF_PASS,
	    "a:many.example", 1, 0, ""),
	RECORD(
	    "5.3 alias", "v=spf1 a:alias.example -all", IP4, TF_PASS, "a:alias.example", 1, 0, ""),
	RECORD("5 DNS failure", "v=spf1 a:loop.example +all", IP4, TF_TEMPERROR, "a:loop.example",
	    1, 0, "DNS server failure"),
	RECORD("5 DNS failure behind a match", "v=spf1 ip4:192.0.2.3 a:loop.example", IP4, TF_PASS,
	    "ip4:192.0.2.3", 0, 0, ""),
	RECORD("7.1 odd characters", "v=spf1 a:foo:bar/baz.example -all", IP4, TF_PASS,
	    "a:foo:bar/baz.example", 1, 0, ""),
	RECORD("7.1 escapes", "v=spf1 a:a%%b%_c%-d.example -all", IP4, TF_PASS,
	    "a:a%%b%_c%-d.example", 1, 0, ""),
	RECORD("4.8 empty label: no match, no void", "v=spf1 a:a...example -all", IP4, TF_FAIL,
	    "-all", 1, 0, ""),
	RECORD("4.8 label of 64: no match, no void", "v=spf1 a:x" L63 ".example -all", IP4, TF_FAIL,
	    "-all", 1, 0, ""),
	{ "4.8 bad HELO in a name", "v=spf1 a:%{h}.example a:%{h} -all", JOE, "JUMPIN' JUPITER",
	    IP4, TF_FAIL, "-all", 2, 2, "" },
	{ "4.8 no HELO at all", "v=spf1 a:%{h} -all", JOE, "", IP4, TF_FAIL, "-all", 1, 0, "" },
	/* mx */
	RECORD("5.4 second MX host", "v=spf1 mx:mx.example -all", IP4, TF_PASS, "mx:mx.example", 1,
	    0, ""),
	RECORD("5.4 mx with prefix", "v=spf1 mx:farmx.example/0 -all", IP4, TF_PASS,
	    "mx:farmx.example/0", 1, 0, ""),
	RECORD(
	    "5.4 no MX is no match", "v=spf1 mx:host.example -all", IP4, TF_FAIL, "-all", 1, 1, ""),
	RECORD("5.4 null MX", "v=spf1 mx:nullmx.example -all", IP4, TF_FAIL, "-all", 1, 0, ""),
	RECORD("4.6.4 void hosts count", "v=spf1 mx:voidmx.example -all", IP4, TF_FAIL, "-all", 1,
	    2, ""),
	RECORD("4.6.4 three void hosts", "v=spf1 mx:voidmx3.example -all", IP4, TF_PERMERROR,
	    "mx:voidmx3.example", 1, 3, "too many void look-ups"),
	RECORD("5.4 DNS failure of a host", "v=spf1 mx:loopmx.example +all", IP4, TF_TEMPERROR,
	    "mx:loopmx.example", 1, 0, "DNS server failure"),
	RECORD("4.6.4 ten MX hosts", "v=spf1 mx:mx10.example -all", IP4, TF_PASS, "mx:mx10.example",
	    1, 0, ""),
	RECORD("4.6.4 eleven MX hosts", "v=spf1 mx:mx11.example -all", IP4, TF_PERMERROR,
	    "mx:mx11.example", 1, 0, "too many MX hosts"),
	/* exists */
	RECORD("5.7 exists", "v=spf1 exists:host.example -all", IP4, TF_PASS, "exists:host.example",
	    1, 0, ""),
	RECORD("5.7 A even for IPv6 clients", "v=spf1 exists:v4.example -all", IP6, TF_PASS,
	    "exists:v4.example", 1, 0, ""),
	RECORD("5.7 AAAA does not count", "v=spf1 exists:v6.example -all", IP6, TF_FAIL, "-all", 1,
	    1, ""),
	SENDER("7.2 local part in a name", "joe@user.example", IP4, TF_PASS,
	    "exists:%{l}.of.example", 1, 0, ""),
	SENDER("7.2 quoted local part", "\"j\\oe\"@user.example", IP4, TF_PASS,
	    "exists:%{l}.of.example", 1, 0, ""),
	RECORD("7.2 d is the record's domain", "v=spf1 include:d.dom.example -all", IP4, TF_PASS,
	    "include:d.dom.example", 2, 0, ""),
	RECORD("7.3 cut until it fits",
	    "v=spf1 exists:" L63 ".example." L63 "." L63 "." L60 ".example -all", IP4, TF_PASS,
	    "exists:" L63 ".example." L63 "." L63 "." L60 ".example", 1, 0, ""),
	/* ptr and %{p} */
	RECORD("5.5 ptr of a validated name", "v=spf1 ptr:host.example -all", IP4, TF_PASS,
	    "ptr:host.example", 1, 0, ""),
	RECORD("5.5 ptr of a domain above", "v=spf1 ptr:P.example -all", IP4, TF_PASS,
	    "ptr:P.example", 1, 0, ""),
	RECORD("5.5 ptr is no suffix of text", "v=spf1 ptr:ub.p.example -all", IP4, TF_FAIL, "-all",
	    1, 0, ""),
	RECORD("5.5 ptr name that leads elsewhere", "v=spf1 ptr:far.example -all", IP4, TF_FAIL,
	    "-all", 1, 0, ""),
	RECORD("5.5 DNS failure of a name is passed over", "v=spf1 ptr:loop.example ?all", IP4,
	    TF_NEUTRAL, "?all", 1, 0, ""),
	RECORD("5.5 no reverse name: no match, no void", "v=spf1 ptr:example -all", "198.51.100.9",
	    TF_PERMERROR, "", 0, 0, "syntax error at ptr:example: not a name of several labels"),
	RECORD("5.5 no reverse name", "v=spf1 ptr:p.example ptr:p.example ptr:p.example -all",
	    "198.51.100.9", TF_FAIL, "-all", 3, 0, ""),
	RECORD("5.5 ptr of IPv6", "v=spf1 ptr:host.example -all", IP6, TF_PASS, "ptr:host.example",
	    1, 0, ""),
	SENDER("7.3 p prefers names below the domain", "u@p.example", IP4, TF_PASS,
	    "exists:%{p}.of.example", 1, 0, ""),
	RECORD("7.3 p takes any other name", "v=spf1 exists:%{p}.of.example -all", IP6, TF_PASS,
	    "exists:%{p}.of.example", 1, 0, ""),
	RECORD("7.3 p is unknown", "v=spf1 exists:%{p}.of.example -all", "198.51.100.9", TF_PASS,
	    "exists:%{p}.of.example", 1, 0, ""),
	/* Limits */
	RECORD("4.6.4 ten terms",
	    "v=spf1 include:terms8.example a:far.example ip4:192.0.2.3 a -all", IP4, TF_PASS,
	    "ip4:192.0.2.3", 10, 0, ""),
	RECORD("4.6.4 the eleventh in the last place",
	    "v=spf1 include:terms8.example a:far.example a:host.example -all", IP4, TF_PERMERROR,
	    "a:host.example", 10, 0, "too many DNS look-ups"),
	RECORD("4.6.4 the eleventh is a redirect",
	    "v=spf1 include:terms8.example a:far.example redirect=pass.example", IP4, TF_PERMERROR,
	    "", 10, 0, "too many DNS look-ups"),
	RECORD("4.6.4 the eleventh is inside an include",
	    "v=spf1 a:far.example a:far.example include:terms8.example all", IP4, TF_PERMERROR,
	    "include:terms8.example", 10, 0, "too many DNS look-ups"),
	RECORD("4.6.4 names that cannot be asked count as terms",
	    "v=spf1 include:terms8.example a:a..example a:b..example ip4:192.0.2.3", IP4,
	    TF_PERMERROR, "a:b..example", 10, 0, "too many DNS look-ups"),
	SENDER("4.6.4 include loop", "u@loops.example", IP4, TF_PERMERROR, "include:loops.example",
	    10, 0, "too many DNS look-ups"),
	SENDER("4.6.4 include loop of two", "u@ping.example", IP4, TF_PERMERROR,
	    "include:pong.example", 10, 0, "too many DNS look-ups"),
	SENDER("4.6.4 redirect loop", "u@loopr.example", IP4, TF_PERMERROR, "", 10, 0,
	    "too many DNS look-ups"),
	RECORD("4.6.4 two void look-ups", "v=spf1 a:nx1.example mx:nx2.example ?all", IP4,
	    TF_NEUTRAL, "?all", 2, 2, ""),
	RECORD("4.6.4 the third void look-up",
	    "v=spf1 a:nx1.example exists:nx2.example a:v6.example ?all", IP4, TF_PERMERROR,
	    "a:v6.example", 3, 3, "too many void look-ups"),
	RECORD("4.6.4 one name void three times",
	    "v=spf1 a:nx1.example a:nx1.example a:nx1.example ?all", IP4, TF_PERMERROR,
	    "a:nx1.example", 3, 3, "too many void look-ups"),
	RECORD("4.6.4 voids count over includes",
	    "v=spf1 include:voids2.example a:nx3.example ?all", IP4, TF_PERMERROR, "a:nx3.example",
	    4, 3, "too many void look-ups"),
	RECORD("4.6.4 a void include", "v=spf1 a:nx1.example a:nx2.example include:nx3.example all",
	    IP4, TF_PERMERROR, "include:nx3.example", 3, 3, "too many void look-ups"),
	RECORD("4.6.4 the explanation is no void look-up",
	    "v=spf1 a:nx1.example a:nx2.example -all exp=nx3.example", IP4, TF_FAIL, "-all", 2, 2,
	    ""),
};

static void
test_rows(void **state)
{
	(void)state;
	run_rows(rows, TF_ARRAY_LEN(rows));
}

/* Limits come from the configuration. */
static void
test_opts(void **state)
{
	static const struct {
		const char *what;
		struct tf_spf_opts opts;
		const char *from;
		enum tf_code code;
	} cases[] = {
		{ "8 terms within 8", { 8, 2, false }, "u@terms8.example", TF_NEUTRAL },
		{ "8 terms within 7", { 7, 2, false }, "u@terms8.example", TF_PERMERROR },
		{ "2 voids within 2", { 10, 2, false }, "u@voids2.example", TF_NEUTRAL },
		{ "2 voids within 1", { 10, 1, false }, "u@voids2.example", TF_PERMERROR },
		{ "no void at all", { 10, 0, false }, "u@voids2.example", TF_PERMERROR },
		{ "hundred terms of a loop", { 100, 2, false }, "u@loops.example", TF_PERMERROR },
	};
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver_with(spf_zone);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_identity id = identity(IP4, "", cases[i].from);
		struct tf_spf spf = evaluate(a, r, &cases[i].opts, &id, TF_SPF_MAILFROM);

		assert_num(cases[i].what, spf.code, cases[i].code);
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_opts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
