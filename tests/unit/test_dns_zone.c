/*
 * test_dns_zone.c - zones of our own, served by the real resolver without a network
 */
#include <string.h>
#include <sys/stat.h>
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
    "; not a ( \" of any kind\n"
    "quotes   TXT \"; ( \\\" )\" b\\;c ; and (\n"
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
	{ "quotes, comments, escapes", TF_LIT("quotes.example.com"), TF_TYPE_TXT,
	    TF_LIT("noerror ; ( \" )b;c") },
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

static void
test_bad_zones(void **state)
{
	static const struct {
		const char *what;
		struct tf_str zone;
		const char *want; /* how the reason begins */
	} bad[] = {
		{ "no type", TF_LIT("a.test TXT a\n\nb.test 300 IN\n"), "zone text:3: " },
		{ "unknown type", TF_LIT("; c\na.test FOO x\n"), "zone text:2: " },
		{ "unknown type without data", TF_LIT("a.test TXT a\nb.test TXTX\n"),
		    "zone text:2: the type is not known" },
		{ "bad address", TF_LIT("a.test A 192.0.2.256\n"), "zone text:1: " },
		{ "data missing", TF_LIT("a.test MX 10\n"), "zone text:1: " },
		{ "RFC 3597: no length", TF_LIT("a.test MX \\# SOA .\n"), "zone text:1: " },
		{ "RFC 3597: no data", TF_LIT("a.test MX \\# 0\n"), "zone text:1: " },
		{ "RFC 3597: text without a string", TF_LIT("a.test TXT \\# 0\n"),
		    "zone text:1: the record is not whole" },
		{ "RFC 3597: half a record", TF_LIT("a.test MX \\# 2 000a\n"), "zone text:1: " },
		{ "RFC 3597: half an address", TF_LIT("a.test A \\# 3 c00002\n"), "zone text:1: " },
		{ "RFC 3597: a name that ends too early", TF_LIT("a.test CNAME \\# 2 0161\n"),
		    "zone text:1: " },
		{ "RFC 3597: text that ends too early", TF_LIT("a.test TXT \\# 2 0561\n"),
		    "zone text:1: " },
		{ "data left over", TF_LIT("a.test A 192.0.2.1 192.0.2.2\n"), "zone text:1: " },
		{ "parenthesis not closed", TF_LIT("a.test TXT a\nb.test TXT ( b\n\n"),
		    "zone text:2: a parenthesis is not closed" },
		{ "parenthesis not opened", TF_LIT("a.test TXT a )\n"),
		    "zone text:1: a parenthesis that was not" },
		{ "two parentheses", TF_LIT("a.test TXT ( a\n( b ) )\n"),
		    "zone text:2: a parenthesis within" },
		{ "quote not closed", TF_LIT("a.test TXT \"a\nb.test TXT \"b\"\n"),
		    "zone text:1: a quoted string" },
		{ "quote not closed at the end", TF_LIT("a.test TXT \"a"),
		    "zone text:1: a quoted string" },
		{ "quote closed by an escaped quote", TF_LIT("a.test TXT \"a\\\"\n"),
		    "zone text:1: a quoted string" },
		{ "no name yet", TF_LIT("; c\n\n  TXT a\n"), "zone text:3: a record without" },
		{ "unknown directive", TF_LIT("$GENERATE 1-2 a$ A 192.0.2.$\n"),
		    "zone text:1: only $ORIGIN" },
		{ "label too long",
		    TF_LIT("a.test TXT a\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			   "xxxxxxxx.test TXT a\n"),
		    "zone text:2: " },
		{ "dot in a label", TF_LIT("a\\.b.test TXT a\n"),
		    "zone text:1: a label of the name holds a dot" },
		{ "class CH", TF_LIT("a.test CH TXT a\n"), "zone text:1: class is not IN" },
		{ "$INCLUDE", TF_LIT("$INCLUDE /etc/passwd\n"), "zone text:1: only $ORIGIN" },
		{ "string too long",
		    TF_LIT("a.test TXT \"0123456789012345678901234567890123456789012345678901234567"
			   "8901234567890123456789012345678901234567890123456789012345678901234567"
			   "8901234567890123456789012345678901234567890123456789012345678901234567"
			   "890123456789012345678901234567890123456789012345678901234567890\"\n"),
		    "zone text:1: " },
		{ "NUL", TF_LIT("a.test TXT a\n\0"), "zone text: holds a NUL" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(bad); i++) {
		struct tf_resolver_opts opts = zone_opts("");
		char storage[512];
		struct tf_buf why;

		opts.zone_text = bad[i].zone;
		tf_buf_init(&why, storage, sizeof(storage));
		if (tf_resolver_new(&opts, &why) != NULL)
			fail_msg("%s: accepted", bad[i].what);
		if (!tf_str_starts_nocase(tf_buf_get(&why), tf_str_from(bad[i].want)))
			fail_msg("%s: \"%s\"", bad[i].what, tf_buf_cstr(&why));
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *fp = fopen(path, "w");

	assert_non_null(fp);
	fputs(text, fp);
	fclose(fp);
}

static void
test_zone_file(void **state)
{
	struct tf_resolver_opts opts = zone_opts("");
	struct tf_arena *a = tf_arena_new();
	char path[64], storage[512], want[128];
	struct tf_resolver *r;
	struct tf_dns *dns;
	struct tf_buf why;

	(void)state;
	snprintf(path, sizeof(path), "test_dns_zone.%ld.zone", (long)getpid());
	opts.zone_file = tf_str_from(path);
	write_file(path, "\n$TTL 60\nA.Example.  TXT  from a file\n");
	r = resolver_or_fail(&opts);
	dns = begin(r, 10);
	assert_str(
	    "file", show(dns, a, TF_STR("a.example"), TF_TYPE_TXT), TF_STR("noerror fromafile"));
	tf_dns_end(dns);
	tf_resolver_release(r);

	write_file(path, "\n\na.example A none\n");
	tf_buf_init(&why, storage, sizeof(storage));
	assert_null(tf_resolver_new(&opts, &why));
	snprintf(want, sizeof(want), "%s:3: ", path);
	assert_true(tf_str_starts_nocase(tf_buf_get(&why), tf_str_from(want)));

	unlink(path);
	tf_buf_clear(&why);
	assert_null(tf_resolver_new(&opts, &why));
	snprintf(want, sizeof(want), "%s: cannot be opened: No such file", path);
	assert_true(tf_str_starts_nocase(tf_buf_get(&why), tf_str_from(want)));

	opts.zone_text = TF_STR("a.example TXT a\n");
	tf_buf_clear(&why);
	assert_null(tf_resolver_new(&opts, &why));
	tf_arena_free(a);
}

/* No zone at all: nothing exists, and nothing goes to the network. */
static void
test_empty_zone(void **state)
{
	struct tf_resolver_opts opts = zone_opts("");
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 10);

	(void)state;
	assert_num("any name", tf_dns_ask(dns, TF_STR("example.com"), TF_TYPE_TXT)->status,
	    TF_DNS_NXDOMAIN);
	assert_num(
	    "one label", tf_dns_ask(dns, TF_STR("com"), TF_TYPE_MX)->status, TF_DNS_NXDOMAIN);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

/* Answers up to what a message can hold; what it cannot hold is no shorter answer. */
static void
test_large_answers(void **state)
{
	static const struct {
		const char *what;
		int records, strings;
		enum tf_dns_status want;
	} sizes[] = {
		{ "100 records", 100, 1, TF_DNS_NOERROR },
		{ "101 records", 101, 1, TF_DNS_MALFORMED },
		{ "60 KB of text", 60, 4, TF_DNS_NOERROR },
		{ "70 KB of text", 70, 4, TF_DNS_MALFORMED },
		{ "one record of 9 KB", 1, 36, TF_DNS_NOERROR },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
		const struct tf_dns_answer *answer;
		struct tf_resolver_opts opts;
		struct tf_resolver *r;
		struct tf_dns *dns;
		struct tf_buf text;

		tf_buf_init_arena(&text, a, 400000);
		for (int n = 0; n < sizes[i].records; n++) {
			tf_buf_printf(&text, "big.test TXT r%03d", n);
			for (int s = 0; s < sizes[i].strings; s++)
				tf_buf_printf(&text, " %0250d", s);
			tf_buf_byte(&text, '\n');
		}
		opts = zone_opts("");
		opts.zone_text = tf_buf_get(&text);
		r = resolver_or_fail(&opts);
		dns = begin(r, 10);
		answer = tf_dns_ask(dns, TF_STR("big.test"), TF_TYPE_TXT);
		assert_num(sizes[i].what, answer->status, sizes[i].want);
		if (answer->status == TF_DNS_NOERROR) {
			assert_num(sizes[i].what, answer->count, sizes[i].records);
			assert_num(sizes[i].what, answer->txts[0].len, 4 + 250 * sizes[i].strings);
		}
		tf_dns_end(dns);
		tf_resolver_release(r);
	}
	tf_arena_free(a);
}

/* Zones beside the network: one for each topmost owner; files that nobody else can read. */
static void
test_files(void **state)
{
	static const struct {
		const char *what, *zone;
		bool whole_tree;
		size_t zones;
	} rows_[] = {
		{ "one domain",
		    "example.com TXT a\na.example.com TXT b\nb.a.example.com A 192.0.2.1\n", false,
		    1 },
		{ "names side by side", "a.com TXT a\nb.com TXT b\naa.com TXT c\n", false, 3 },
		{ "an owner above, later in the file",
		    "a.b.com TXT a\nc.b.com TXT c\nb.com TXT b\n", false, 1 },
		{ "a name that only ends alike", "b.com TXT b\nab.com TXT a\n", false, 2 },
		{ "a wildcard and its domain", "*.b.com TXT a\na.b.com TXT a\n", false, 1 },
		{ "a wildcard of the root takes all", "* TXT a\na.b.com TXT a\n", false, 1 },
		{ "the whole tree", "a.com TXT a\nb.com TXT b\n", true, 1 },
		{ "nothing", "", false, 0 },
		{ "nothing, the whole tree", "", true, 1 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows_); i++) {
		struct tf_dns_zone_files files;
		char storage[512], dir[64];
		struct stat st;
		struct tf_buf why;

		tf_buf_init(&why, storage, sizeof(storage));
		assert_true(tf_dns_zone_write(
		    TF_STR(""), tf_str_from(rows_[i].zone), rows_[i].whole_tree, &files, &why));
		assert_num(rows_[i].what, files.zones, rows_[i].zones);
		assert_int_equal(stat(files.dir, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
		memcpy(dir, files.dir, sizeof(dir));
		tf_dns_zone_remove(&files);
		assert_int_equal(stat(dir, &st), -1);
		tf_dns_zone_remove(&files);
	}
}

static void
test_too_much(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dns_zone_files files;
	char storage[512];
	struct tf_buf text, why;

	(void)state;
	tf_buf_init(&why, storage, sizeof(storage));
	tf_buf_init_arena(&text, a, TF_DNS_ZONE_MAX + 100);
	for (int i = 0; i < 10001; i++)
		tf_buf_printf(&text, "n%d.test A 192.0.2.1\n", i);
	assert_false(tf_dns_zone_write(TF_STR(""), tf_buf_get(&text), false, &files, &why));
	assert_true(tf_str_starts_nocase(tf_buf_get(&why), TF_STR("10001 names in the zone")));
	while (text.len <= TF_DNS_ZONE_MAX)
		tf_buf_lit(&text, "n.test A 192.0.2.1\n");
	tf_buf_clear(&why);
	assert_false(tf_dns_zone_write(TF_STR(""), tf_buf_get(&text), true, &files, &why));
	assert_true(tf_str_starts_nocase(tf_buf_get(&why), TF_STR("zone text: larger than")));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_tree),
		cmocka_unit_test(test_bad_zones),
		cmocka_unit_test(test_zone_file),
		cmocka_unit_test(test_empty_zone),
		cmocka_unit_test(test_large_answers),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
