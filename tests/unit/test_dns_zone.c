/*
 * test_dns_zone.c - zones of our own, served by the real resolver without a network
 */
#include <string.h>
#include <unistd.h>

#include "policy/dns_zone.h"
#include "tests/unit/resolver_fixture.h"

static const char zone[] =
    "$ORIGIN example.com.\n"
    "@        300 IN SOA ns1 hostmaster 1 2 3 4 5\n"
    "         300 IN NS  ns1\n"
    "@        IN TXT \"v=spf1 mx -all\" ; the first\n"
    "         IN TXT ( \"two \"\n"
    "                  \"strings\" )\n"
    "@        MX 20 mx2\n"
    "@        MX 10 MX1\n"
    "@        MX 20 mx3.example.net.\n"
    "mx1      A 192.0.2.1\n"
    "mx1      A 192.0.2.2\n"
    "mx1      AAAA 2001:db8::1\n"
    "mapped   AAAA ::ffff:192.0.2.9\n"
    "null     MX 0 .\n"
    "deep.er.still TXT \"x\"\n"
    "*.wild   TXT \"any\"\n"
    "a.b.wild TXT \"b\"\n"
    "alias    CNAME alias2\n"
    "alias2   CNAME mx1\n"
    "dangling CNAME nowhere\n"
    "empty    CNAME null\n"
    "outside  CNAME www.example.org.\n"
    "away     CNAME www.example.edu.\n"
    "loop     CNAME pool\n"
    "pool     CNAME loop\n"
    "sub      NS ns1.example.org.\n"
    "x.sub    TXT \"not delegated\"\n"
    "bytes    TXT \"a\\000b\\255\\\\\\\"\"\n"
    "odd\\032name TXT \"blank in the name\"\n"
    "UPPER    TXT \"Case\"\n"
    "d        DNAME e\n"
    "f.e      TXT \"through DNAME\"\n"
    "$ORIGIN .\n"
    "www.example.org      A 198.51.100.7\n"
    "_dmarc.com           TXT \"v=DMARC1; p=none; psd=y\"\n"
    "localhost            A 127.0.0.1\n"
    "host.example.test    A 192.0.2.3\n"
    "1.2.0.192.in-addr.arpa  PTR Mail.Example.COM.\n"
    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa "
    "PTR v6.example.com.\n";

struct row {
	const char *what;
	struct tf_str name;
	enum tf_dns_type type;
	struct tf_str want;
};

/* clang-format off */
static const struct row rows[] = {
	{ "strings are joined, order kept", TF_LIT("example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror v=spf1 mx -all|two strings") },
	{ "MX by preference, ties as written", TF_LIT("example.com"), TF_TYPE_MX,
	    TF_LIT("noerror 10 mx1.example.com.|20 mx2.example.com.|20 mx3.example.net.") },
	{ "null MX (RFC 7505)", TF_LIT("null.example.com"), TF_TYPE_MX, TF_LIT("noerror 0 .") },
	{ "A", TF_LIT("mx1.example.com"), TF_TYPE_A, TF_LIT("noerror 192.0.2.1|192.0.2.2") },
	{ "AAAA", TF_LIT("mx1.example.com"), TF_TYPE_AAAA, TF_LIT("noerror 2001:db8::1") },
	{ "v4-mapped", TF_LIT("mapped.example.com"), TF_TYPE_AAAA, TF_LIT("noerror 192.0.2.9") },
	{ "NODATA", TF_LIT("mx1.example.com"), TF_TYPE_TXT, TF_LIT("nodata") },
	{ "NXDOMAIN", TF_LIT("mx9.example.com"), TF_TYPE_A, TF_LIT("nxdomain") },
	{ "below a leaf", TF_LIT("x.mx1.example.com"), TF_TYPE_A, TF_LIT("nxdomain") },
	{ "empty non-terminal (RFC 8020)", TF_LIT("er.still.example.com"), TF_TYPE_TXT,
	    TF_LIT("nodata") },
	{ "wildcard", TF_LIT("q.wild.example.com"), TF_TYPE_TXT, TF_LIT("noerror any") },
	{ "wildcard, two labels", TF_LIT("p.q.wild.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror any") },
	{ "wildcard, other type", TF_LIT("q.wild.example.com"), TF_TYPE_A, TF_LIT("nodata") },
	{ "b.wild exists, so no wildcard (RFC 4592)", TF_LIT("b.wild.example.com"), TF_TYPE_TXT,
	    TF_LIT("nodata") },
	{ "wild itself", TF_LIT("wild.example.com"), TF_TYPE_TXT, TF_LIT("nodata") },
	{ "two aliases", TF_LIT("alias.example.com"), TF_TYPE_A,
	    TF_LIT("noerror 192.0.2.1|192.0.2.2") },
	{ "alias to nothing (RFC 6604)", TF_LIT("dangling.example.com"), TF_TYPE_A,
	    TF_LIT("nxdomain") },
	{ "alias to another type", TF_LIT("empty.example.com"), TF_TYPE_A, TF_LIT("nodata") },
	{ "alias into another domain", TF_LIT("outside.example.com"), TF_TYPE_A,
	    TF_LIT("noerror 198.51.100.7") },
	{ "alias out of the file", TF_LIT("away.example.com"), TF_TYPE_A, TF_LIT("nxdomain") },
	{ "alias loop", TF_LIT("loop.example.com"), TF_TYPE_A, TF_LIT("servfail") },
	{ "a delegation is a name, no more", TF_LIT("sub.example.com"), TF_TYPE_A,
	    TF_LIT("nodata") },
	{ "below a delegation", TF_LIT("x.sub.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror not delegated") },
	{ "any byte in TXT", TF_LIT("bytes.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror a\\000b\\255\\\\\"") },
	{ "blank in a name", TF_LIT("odd name.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror blank in the name") },
	{ "owner in capitals", TF_LIT("upper.example.com"), TF_TYPE_TXT, TF_LIT("noerror Case") },
	{ "question in capitals, final dot", TF_LIT("UpPeR.Example.COM."), TF_TYPE_TXT,
	    TF_LIT("noerror Case") },
	{ "DNAME (RFC 6672)", TF_LIT("f.d.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror through DNAME") },
	{ "record of a TLD", TF_LIT("_dmarc.com"), TF_TYPE_TXT,
	    TF_LIT("noerror v=DMARC1; p=none; psd=y") },
	{ "single label", TF_LIT("localhost"), TF_TYPE_A, TF_LIT("noerror 127.0.0.1") },
	{ "special-use name", TF_LIT("host.example.test"), TF_TYPE_A, TF_LIT("noerror 192.0.2.3") },
	{ "another special-use name", TF_LIT("x.invalid"), TF_TYPE_A, TF_LIT("nxdomain") },
	{ "reverse of a documentation net", TF_LIT("1.2.0.192.in-addr.arpa"), TF_TYPE_PTR,
	    TF_LIT("noerror mail.example.com.") },
	{ "reverse IPv6",
	    TF_LIT("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
	    TF_TYPE_PTR, TF_LIT("noerror v6.example.com.") },
	{ "no reverse", TF_LIT("2.2.0.192.in-addr.arpa"), TF_TYPE_PTR, TF_LIT("nxdomain") },
	{ "outside of the zone", TF_LIT("example.info"), TF_TYPE_TXT, TF_LIT("nxdomain") },
	{ "name in two pieces of the file", TF_LIT("example.org"), TF_TYPE_TXT, TF_LIT("nodata") },
};
/* clang-format on */

static void
test_whole_tree(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 100);
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_str(rows[i].what, show(dns, a, rows[i].name, rows[i].type), rows[i].want);
	tf_dns_end(dns);
	tf_arena_free(a);
	tf_resolver_release(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
