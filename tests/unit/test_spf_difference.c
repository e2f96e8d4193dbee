/*
 * test_spf_difference.c - the facts by which a known difference of libspf2 is recognised
 */
#include "truefrom/resolver.h"
#include "truefrom/spf_difference.h"
#include "tests/unit/test.h"

#define UNKNOWN "unknown"
#define TEN_IP4                                                                                    \
	"ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 "                   \
	"ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 ip4:192.0.2.10 "
#define RECORD(s) TF_LIT("v=spf1 " s)
#define SENDER TF_LIT("joe@example.com")

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str record;
	enum tf_code ours;
	const char *our_reason;
	enum tf_code theirs;
	const char *their_reason;
	const char *want; /* begins so */
	struct tf_str mail_from;
} rows[] = {
	{ "the same result", RECORD("-all"), TF_FAIL, "", TF_FAIL, "mechanism", "", SENDER },
	{ "the same, whatever the record", RECORD("a/0 exists:%{d2} -all"), TF_PERMERROR, "x",
	  TF_PERMERROR, "Invalid IPv4 CIDR netmask (=0)", "", SENDER },
	{ "no fact fits", RECORD("-all"), TF_FAIL, "", TF_PASS, "mechanism", UNKNOWN, SENDER },
	{ "5.6 prefix 0 of a", RECORD("a//0 -all"), TF_FAIL, "", TF_PERMERROR,
	  "Invalid IPv6 CIDR netmask (=0) near", "libspf2 takes a prefix length of 0", SENDER },
	{ "5.6 prefix 0 of ip4", RECORD("ip4:192.0.2.1/0 -all"), TF_PASS, "", TF_PERMERROR,
	  "Invalid IPv4 CIDR netmask (=0) near", "libspf2 takes a prefix length of 0", SENDER },
	{ "the error without the fact", RECORD("a/1 -all"), TF_FAIL, "", TF_PERMERROR,
	  "Invalid IPv6 CIDR netmask (=0) near", UNKNOWN, SENDER },
	{ "the fact without the error", RECORD("a//0 -all"), TF_FAIL, "", TF_PASS, "mechanism",
	  UNKNOWN, SENDER },
	{ "6 dot in the name of a modifier", RECORD("moo.cow=1 -all"), TF_FAIL, "", TF_PERMERROR,
	  "Invalid character in middle of mechanism", "libspf2 takes a dot", SENDER },
	{ "6 dot in its value", RECORD("moo=cow.x -all"), TF_FAIL, "", TF_PERMERROR,
	  "Invalid character in middle of mechanism", UNKNOWN, SENDER },
	{ "6.1 redirect before a mechanism", RECORD("redirect=a.example ~all"), TF_SOFTFAIL, "",
	  TF_PERMERROR, "", "libspf2 follows redirect=", SENDER },
	{ "6.1 redirect before a modifier", RECORD("redirect=a.example x=y"), TF_PASS, "", TF_FAIL, "",
	  UNKNOWN, SENDER },
	{ "7.3 macro that keeps parts", RECORD("exists:%{d2}.x.example -all"), TF_PASS, "", TF_FAIL,
	  "mechanism", "libspf2 loses the first octet", SENDER },
	{ "7.3 upper-case macro", RECORD("exists:%{L}.x.example -all"), TF_PASS, "", TF_FAIL,
	  "mechanism", "libspf2 escapes other characters", SENDER },
	{ "7.3 p", RECORD("a:%{p}.x.example -all"), TF_PASS, "", TF_FAIL, "mechanism",
	  "libspf2 takes the first validated name", SENDER },
	{ "7.1 upper-case R", RECORD("exists:%{l1R-}.x.example -all"), TF_FAIL, "", TF_PERMERROR,
	  "Invalid delimiter 'R' near", "libspf2 takes an upper-case R", SENDER },
	{ "4.6 NUL", RECORD("a:x.example\0 -all"), TF_PERMERROR, "syntax error at a", TF_FAIL, "",
	  "libspf2 takes a record to end at a NUL", SENDER },
	{ "4.6 syntax", RECORD("a:museum -all"), TF_PERMERROR, "syntax error at a:museum: x", TF_FAIL,
	  "", "libspf2 overlooks the syntax error", SENDER },
	{ "4.6.4 terms", RECORD("a -all"), TF_PERMERROR, "too many DNS look-ups", TF_PASS, "",
	  "libspf2 counts the DNS terms", SENDER },
	{ "4.6.4 void look-ups", RECORD("a -all"), TF_PERMERROR, "too many void look-ups", TF_FAIL, "",
	  "libspf2 has no limit on void look-ups", SENDER },
	{ "4.6.4 MX hosts", RECORD("mx -all"), TF_PERMERROR, "too many MX hosts", TF_PASS, "",
	  "libspf2 tries ten of the MX hosts", SENDER },
	{ "64 ip4 terms fit", RECORD(TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 "ip4:1.1.1.1 "
	  "ip4:1.1.1.2 ip4:1.1.1.3 ip4:1.1.1.4"), TF_PASS, "", TF_NEUTRAL, "default", UNKNOWN,
	  SENDER },
	{ "65 ip4 terms do not", RECORD(TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 TEN_IP4 "ip4:1.1.1.1 "
	  "ip4:1.1.1.2 ip4:1.1.1.3 ip4:1.1.1.4 ip4:1.1.1.5"), TF_PASS, "", TF_NEUTRAL, "default",
	  "libspf2 drops what is beyond", SENDER },
	{ "RFC 8616: domain", RECORD("-all"), TF_FAIL, "", TF_NONE, "Host not found",
	  "libspf2 does not know internationalised domains", TF_LIT("joe@b\303\274cher.example") },
	{ "RFC 8616: local part in a macro", RECORD("exists:%{l}.x.example -all"), TF_FAIL, "",
	  TF_PASS, "", "libspf2 does not know internationalised local parts",
	  TF_LIT("j\303\266@example.com") },
	{ "RFC 8616: local part in none", RECORD("exists:%{d}.x.example -all"), TF_FAIL, "", TF_PASS,
	  "", UNKNOWN, TF_LIT("j\303\266@example.com") },
};
/* clang-format on */

static struct tf_str
difference(const struct row *row, const struct tf_addr *client, bool given,
    const struct tf_dns_trace *asked, size_t asked_count)
{
	const struct tf_spf ours = { .code = row->ours, .reason = tf_str_from(row->our_reason) };
	const struct tf_identity id = { .client = *client, .mail_from = row->mail_from };
	const struct tf_spf_opinion theirs = {
		.given = given,
		.code = row->theirs,
		.reason = tf_str_from(row->their_reason),
	};
	const struct tf_spf_evidence evidence = { &row->record, 1, asked, asked_count };

	return tf_spf_difference(&ours, &id, &theirs, &evidence);
}

static void
assert_begins(const struct row *row, struct tf_str got)
{
	const struct tf_str want = tf_str_from(row->want);

	assert_str(row->what, want.len == 0 ? got : tf_str_sub(got, 0, want.len), want);
}

static void
test_rows(void **state)
{
	const struct tf_addr client = { TF_FAMILY_V4, { 192, 0, 2, 3 } };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_begins(&rows[i], difference(&rows[i], &client, true, NULL, 0));
}

/* Only for clients there, and only when libspf2 says so. */
static void
test_loopback(void **state)
{
	static const struct row row = { "loopback", RECORD("-all"), TF_FAIL, "", TF_PASS,
		"localhost", "libspf2 lets every client on the loopback network pass", SENDER };
	static const struct tf_addr there[] = {
		{ TF_FAMILY_V4, { 127, 0, 0, 1 } },
		{ TF_FAMILY_V4, { 127, 9, 9, 9 } },
		{ TF_FAMILY_V6, { [15] = 1 } },
	};
	const struct tf_addr elsewhere = { TF_FAMILY_V4, { 128, 0, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(there); i++)
		assert_begins(&row, difference(&row, &there[i], true, NULL, 0));
	assert_str("elsewhere", difference(&row, &elsewhere, true, NULL, 0), TF_STR(UNKNOWN));
}

/* Failures and numbers of the questions that it asked. */
static void
test_questions(void **state)
{
	static const struct row failure = { "5.5 failure behind ptr", RECORD("ptr -all"), TF_FAIL,
		"", TF_TEMPERROR, "DNS lookup failure", "libspf2 takes a DNS failure behind ptr",
		SENDER };
	static const struct row no_ptr = { "failure behind a", RECORD("a -all"), TF_FAIL, "",
		TF_TEMPERROR, "DNS lookup failure", UNKNOWN, SENDER };
	static const struct row many = { "5.5 eleven names", RECORD("ptr:example.com -all"),
		TF_FAIL, "", TF_PERMERROR, "", "libspf2 takes more than ten PTR names", SENDER };
	static const struct row long_name = { "7.3 long name", RECORD("exists:%{i}.x.example -all"),
		TF_PASS, "", TF_FAIL, "", "libspf2 does not shorten", SENDER };
	static const char longer[255] = "";
	const struct tf_dns_trace names[] = {
		{ .name = { longer, 254 }, .type = TF_TYPE_A },
		{ .name = { longer, 253 }, .type = TF_TYPE_A },
	};
	const struct tf_dns_trace asked[] = {
		{ .name = TF_STR("x.example"), .type = TF_TYPE_A, .status = TF_DNS_TIMEOUT },
		{ .name = TF_STR("x.arpa"), .type = TF_TYPE_PTR, .answer_count = 11 },
		{ .name = TF_STR("x.arpa"), .type = TF_TYPE_PTR, .answer_count = 10 },
	};
	const struct tf_addr client = { TF_FAMILY_V4, { 192, 0, 2, 3 } };

	(void)state;
	assert_begins(&failure, difference(&failure, &client, true, asked, 1));
	assert_str("no failure", difference(&failure, &client, true, NULL, 0), TF_STR(UNKNOWN));
	assert_begins(&no_ptr, difference(&no_ptr, &client, true, asked, 1));
	assert_begins(&long_name, difference(&long_name, &client, true, names, 1));
	assert_str(
	    "253 octets", difference(&long_name, &client, true, names + 1, 1), TF_STR(UNKNOWN));
	assert_begins(&many, difference(&many, &client, true, asked + 1, 1));
	assert_str("ten names", difference(&many, &client, true, asked + 2, 1), TF_STR(UNKNOWN));
}

/* No result is never the same result. */
static void
test_crash(void **state)
{
	static const struct row crash = { "crash over an explanation", RECORD("-all exp=x.example"),
		TF_NONE, "", TF_NONE, "libspf2 crashed with SIGSEGV", "libspf2 writes where",
		SENDER };
	static const struct row no_exp = { "crash without one", RECORD("-all"), TF_NONE, "",
		TF_NONE, "libspf2 crashed with SIGSEGV", UNKNOWN, SENDER };
	const struct tf_addr client = { TF_FAMILY_V4, { 192, 0, 2, 3 } };

	(void)state;
	assert_begins(&crash, difference(&crash, &client, false, NULL, 0));
	assert_begins(&no_exp, difference(&no_exp, &client, false, NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
