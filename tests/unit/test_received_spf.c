/*
 * test_received_spf.c - Received-SPF fields that we write, and those that are removed on arrival
 *
 * With --print it writes every field of its rows in one line, for
 * tests/integration/test_received_spf.py to compare with what other readers make of them.
 */
#include <string.h>

#include "tests/unit/test.h"
#include "truefrom/received_spf.h"

#define IP4 "192.0.2.1"
#define ALICE "alice@example.com"
#define HELO "mail.example.com"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A400 A50 A50 A50 A50 A50 A50 A50 A50
#define SPF(c, term)                                                                               \
	{                                                                                          \
		.code = (c), .domain = TF_LIT("example.com"), .mechanism = TF_LIT(term)            \
	}
#define HEAD(words) "(mx.example.org: " words ") client-ip=192.0.2.1; "
#define FROM "envelope-from=\"alice@example.com\"; "
#define TAIL "helo=mail.example.com; receiver=mx.example.org; "

static const struct written {
	const char *what, *ip, *helo;
	struct tf_str from;
	bool smtputf8;
	struct tf_spf spf;
	const char *want;
} rows[] = {
	{ "9.1 pass", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_PASS, "ip4:192.0.2.0/24"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") FROM TAIL
	    "mechanism=\"ip4:192.0.2.0/24\"; identity=mailfrom" },
	{ "9.1 fail", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") FROM TAIL
	    "mechanism=-all; identity=mailfrom" },
	{ "9.1 softfail", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_SOFTFAIL, "~all"),
	    "softfail " HEAD("192.0.2.1 probably may not send mail for example.com") FROM TAIL
	    "mechanism=~all; identity=mailfrom" },
	{ "9.1 neutral, and nothing matched", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_NEUTRAL, ""),
	    "neutral " HEAD("example.com does not say whether 192.0.2.1 may send mail for it")
		FROM TAIL "mechanism=default; identity=mailfrom" },
	{ "9.1 none", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_NONE, ""),
	    "none " HEAD("no SPF record at example.com") FROM TAIL "identity=mailfrom" },
	{ "9.1 temperror", IP4, HELO, TF_LIT(ALICE), false,
	    { .code = TF_TEMPERROR,
		.domain = TF_LIT("example.com"),
		.mechanism = TF_LIT("a"),
		.reason = TF_LIT("DNS time-out") },
	    "temperror " HEAD("no answer about example.com for now") FROM TAIL
	    "problem=\"DNS time-out\"; identity=mailfrom" },
	{ "9.1 permerror", IP4, HELO, TF_LIT(ALICE), false,
	    { .code = TF_PERMERROR,
		.domain = TF_LIT("example.com"),
		.reason = TF_LIT("syntax error at \"moo;\\(\xff\r\n: unknown mechanism") },
	    "permerror " HEAD("example.com has an SPF record that is of no use") FROM TAIL
	    "problem=\"syntax error at ?moo??????: unknown mechanism\"; identity=mailfrom" },
	{ "an error without a reason", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_PERMERROR, "a"),
	    "permerror " HEAD("example.com has an SPF record that is of no use") FROM TAIL
	    "problem=\"not known\"; identity=mailfrom" },
	{ "9.1 HELO", IP4, HELO, TF_LIT(ALICE), false,
	    { .code = TF_PASS,
		.helo_identity = true,
		.domain = TF_LIT("mail.example.com"),
		.mechanism = TF_LIT("a") },
	    "pass " HEAD("192.0.2.1 may call itself mail.example.com") TAIL
	    "mechanism=a; identity=helo" },
	{ "9.1 null sender", IP4, HELO, TF_LIT(""), false,
	    { .code = TF_FAIL,
		.helo_identity = true,
		.domain = TF_LIT("mail.example.com"),
		.mechanism = TF_LIT("-all") },
	    "fail " HEAD("192.0.2.1 may not call itself mail.example.com") TAIL
	    "mechanism=-all; identity=helo" },
	{ "12 an address with colons is quoted", "2001:db8::1", "[IPv6:2001:db8::1]", TF_LIT(ALICE),
	    false, SPF(TF_PASS, "all"),
	    "pass (mx.example.org: 2001:db8::1 may send mail for example.com) "
	    "client-ip=\"2001:db8::1\"; " FROM "helo=\"[IPv6:2001:db8::1]\"; "
	    "receiver=mx.example.org; mechanism=all; identity=mailfrom" },
	{ "client not known", "", HELO, TF_LIT(ALICE), false, SPF(TF_NONE, ""),
	    "none (mx.example.org: the client's address is not known) " FROM TAIL
	    "identity=mailfrom" },
	{ "no domain, no HELO", IP4, "", TF_LIT("alice"), false, { .code = TF_NONE },
	    "none " HEAD("no domain to ask about") "envelope-from=alice; "
						   "receiver=mx.example.org; identity=mailfrom" },
	{ "local part with =", IP4, HELO, TF_LIT("SRS0=x=a.example=b@example.com"), false,
	    SPF(TF_PASS, "all"),
	    "pass " HEAD(
		"192.0.2.1 may send mail for example.com") "envelope-from=\"SRS0=x=a.example=b@"
							   "example.com\"; " TAIL
							   "mechanism=all; identity=mailfrom" },
	{ "keys in the sender and in HELO stand before ours", IP4, "identity=helo",
	    TF_LIT("identity=helo@example.com"), false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") "envelope-from=\"identity="
									"helo@example.com\"; "
									"helo=\"identity=helo\"; "
									"receiver=mx.example.org; "
									"mechanism=-all; "
									"identity=mailfrom" },
	{ "E10 HELO that reads like a result", IP4, "x) spf=pass smtp.mailfrom=L (", TF_LIT(ALICE),
	    false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") FROM
	    "receiver=mx.example.org; mechanism=-all; identity=mailfrom" },
	{ "E10 HELO with CR LF", IP4, "a\r\nX: y", TF_LIT(ALICE), false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") FROM
	    "receiver=mx.example.org; mechanism=-all; identity=mailfrom" },
	{ "E10 HELO with ; and 8-bit octets", IP4, "a;b\xff", TF_LIT(ALICE), true,
	    SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") FROM
	    "receiver=mx.example.org; mechanism=-all; identity=mailfrom" },
	{ "E10 HELO of 400 octets", IP4, A400, TF_LIT(ALICE), false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") FROM
	    "receiver=mx.example.org; mechanism=-all; identity=mailfrom" },
	{ "E14 quoted local part", IP4, HELO, TF_LIT("\"a@L\"@example.com"), false,
	    SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") TAIL
	    "mechanism=-all; identity=mailfrom" },
	{ "E9 source route", IP4, HELO, TF_LIT("@L,@any.com:'any@example.com"), false,
	    SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") TAIL
	    "mechanism=-all; identity=mailfrom" },
	{ "NUL in the sender", IP4, HELO, TF_LIT("a\0b@example.com"), false, SPF(TF_FAIL, "-all"),
	    "fail " HEAD("192.0.2.1 may not send mail for example.com") TAIL
	    "mechanism=-all; identity=mailfrom" },
	{ "a term that holds the end of a string", IP4, HELO, TF_LIT(ALICE), false,
	    SPF(TF_PASS, "exists:\"%{i};identity=helo.example.com"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") FROM TAIL "identity=mailfrom" },
	{ "a long term", IP4, HELO, TF_LIT(ALICE), false, SPF(TF_PASS, "a:" A400 ".example.com"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") FROM TAIL "identity=mailfrom" },
	{ "RFC 6532 sender by SMTPUTF8", IP4, HELO, TF_LIT("j\303\266rg@example.com"), true,
	    SPF(TF_PASS, "all"),
	    "pass " HEAD(
		"192.0.2.1 may send mail for example.com") "envelope-from=\"j\303\266rg@example."
							   "com\"; " TAIL
							   "mechanism=all; identity=mailfrom" },
	{ "RFC 6532 the same without it", IP4, HELO, TF_LIT("j\303\266rg@example.com"), false,
	    SPF(TF_PASS, "all"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") TAIL
	    "mechanism=all; identity=mailfrom" },
	{ "RFC 6532 not UTF-8", IP4, HELO, TF_LIT("j\366rg@example.com"), true, SPF(TF_PASS, "all"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") TAIL
	    "mechanism=all; identity=mailfrom" },
	{ "RFC 6532 control character of C1", IP4, HELO, TF_LIT("j\302\205rg@example.com"), true,
	    SPF(TF_PASS, "all"),
	    "pass " HEAD("192.0.2.1 may send mail for example.com") TAIL
	    "mechanism=all; identity=mailfrom" },
};

static struct tf_str
write_row(struct tf_arena *a, const struct written *row, bool fold)
{
	struct tf_identity id = {
		.helo = tf_str_from(row->helo), .mail_from = row->from, .smtputf8 = row->smtputf8
	};
	struct tf_buf out;

	(void)tf_addr_parse(tf_str_from(row->ip), &id.client);
	tf_buf_init_arena(&out, a, 2048);
	tf_received_spf_write(&id, &row->spf, TF_STR("mx.example.org"), fold, &out);
	assert_false(out.overflow);
	return tf_buf_get(&out);
}

static void
test_write(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_str(rows[i].what, write_row(a, &rows[i], false), tf_str_from(rows[i].want));
	tf_arena_free(a);
}

/* A folded field is the flat one with line ends: each line within 78 where a part is not longer. */
static void
test_folds(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str folded = write_row(a, &rows[i], true);
		size_t line = sizeof("Received-SPF:") - 1;
		struct tf_buf flat;

		tf_buf_init_arena(&flat, a, folded.len);
		for (size_t k = 0; k < folded.len; k++) {
			line = folded.ptr[k] == '\n' ? 0 : line + 1;
			assert_true(line <= 998);
			if (folded.ptr[k] == '\n')
				assert_int_equal(folded.ptr[k + 1], '\t');
			else if (k != 0)
				tf_buf_byte(&flat, folded.ptr[k] == '\t' ? ' ' : folded.ptr[k]);
		}
		assert_int_equal(folded.ptr[0], ' ');
		assert_str(rows[i].what, tf_buf_get(&flat), write_row(a, &rows[i], false));
	}
	assert_str("exact octets", write_row(a, &rows[0], true),
	    TF_STR(" pass (mx.example.org: 192.0.2.1 may send mail for example.com)\n"
		   "\tclient-ip=192.0.2.1; envelope-from=\"alice@example.com\";\n"
		   "\thelo=mail.example.com; receiver=mx.example.org; "
		   "mechanism=\"ip4:192.0.2.0/24\";\n"
		   "\tidentity=mailfrom"));
	tf_arena_free(a);
}

/* An authserv-id need not be a host name. */
static void
test_receiver(void **state)
{
	static const struct {
		const char *receiver, *want;
	} ids[] = {
		{ "gate", "none (gate: no domain to ask about) receiver=gate; identity=mailfrom" },
		{ "our/mx", "none (no domain to ask about) receiver=our/mx; identity=mailfrom" },
	};
	const struct tf_identity id = { .mail_from = TF_NONE_STR,
		.client = { .family = TF_FAMILY_V4 } };
	const struct tf_spf spf = { .code = TF_NONE };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(ids); i++) {
		char storage[256];
		struct tf_buf out;
		struct tf_str got;
		const struct tf_str ip = TF_STR("client-ip=0.0.0.0; ");
		size_t at;

		tf_buf_init(&out, storage, sizeof(storage));
		tf_received_spf_write(&id, &spf, tf_str_from(ids[i].receiver), false, &out);
		got = tf_buf_get(&out);
		at = tf_str_find(got, ')') + 2;
		assert_str("client", tf_str_sub(got, at, ip.len), ip);
		memmove(storage + at, storage + at + ip.len, got.len - at - ip.len);
		got.len -= ip.len;
		assert_str(ids[i].receiver, got, tf_str_from(ids[i].want));
	}
}

static const struct tf_str our_ids[] = { TF_LIT("mx.example.org"), TF_LIT("old.example.org."),
	TF_LIT("b\303\274cher.example") };
static const struct tf_authres_ids ours = { our_ids, TF_ARRAY_LEN(our_ids) };

static void
test_forged(void **state)
{
	static const struct {
		const char *what;
		struct tf_str value;
		bool forged;
	} fields[] = {
		{ "ours", TF_LIT(" pass (x) receiver=mx.example.org; identity=mailfrom"), true },
		{ "first key", TF_LIT(" pass receiver=mx.example.org"), true },
		{ "case", TF_LIT(" Pass RECEIVER=MX.Example.Org;"), true },
		{ "quoted", TF_LIT(" pass receiver=\"mx.example.org\""), true },
		{ "quoted pair", TF_LIT(" pass receiver=\"mx\\.example.org\""), true },
		{ "trailing dot", TF_LIT(" pass receiver=mx.example.org.;"), true },
		{ "blanks around =", TF_LIT(" pass receiver =\r\n\tmx.example.org ;"), true },
		{ "comments around =", TF_LIT(" pass receiver (a) = (b (c)) mx.example.org"),
		    true },
		{ "comment behind", TF_LIT(" pass receiver=mx.example.org(x)"), true },
		{ "another receiver first",
		    TF_LIT(" pass receiver=a.example; "
			   "receiver=mx.example.org"),
		    true },
		{ "within a quoted string",
		    TF_LIT(" pass receiver=a.example; "
			   "helo=\"; receiver=mx.example.org\""),
		    true },
		{ "within a comment", TF_LIT(" pass (receiver=mx.example.org) receiver=a.example"),
		    true },
		{ "other id of ours", TF_LIT(" pass receiver=old.example.org"), true },
		{ "A-label for U-label", TF_LIT(" pass receiver=xn--bcher-kva.example"), true },
		{ "head of the comment",
		    TF_LIT(" pass (mx.example.org: domain of a@b designates 192.0.2.1)"), true },
		{ "head of the comment, another receiver",
		    TF_LIT(" pass ( MX.example.org : x) receiver=a.example"), true },
		{ "nobody", TF_LIT(" pass"), true },
		{ "nobody, though with keys",
		    TF_LIT(" pass (sender SPF authorized) identity=mailfrom; client-ip=192.0.2.1"),
		    true },
		{ "empty", TF_LIT(""), true },
		{ "empty receiver", TF_LIT(" pass receiver=; identity=mailfrom"), true },
		{ "unclosed comment behind the key", TF_LIT(" pass receiver (x =a.example"), true },
		{ "unclosed quotes", TF_LIT(" pass receiver=\"a.example"), true },
		{ "another host's", TF_LIT(" pass (a.example: x) receiver=a.example"), false },
		{ "another host's, by the comment alone",
		    TF_LIT(" pass (google.com: domain of x@y.example designates 192.0.2.1 as "
			   "permitted sender) client-ip=192.0.2.1;"),
		    false },
		{ "receiver hidden by its policy server",
		    TF_LIT(" Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; "
			   "receiver=<UNKNOWN>"),
		    false },
		{ "our host as its client",
		    TF_LIT(" pass (a.example: mx.example.org may) helo=mx.example.org; "
			   "receiver=a.example"),
		    false },
		{ "longer name", TF_LIT(" pass receiver=mx.example.org.example.net"), false },
		{ "name that ends alike", TF_LIT(" pass receiver=xmx.example.org"), false },
		{ "mailbox of ours", TF_LIT(" pass receiver=user@mx.example.org"), false },
		{ "key that ends alike",
		    TF_LIT(" pass x-receiver=mx.example.org; receiver=a.example"), false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++)
		assert_num(fields[i].what, tf_received_spf_is_forged(fields[i].value, &ours),
		    fields[i].forged);
}

/* What we write is ours to us, and another's to others. */
static void
test_own(void **state)
{
	static const struct tf_str others[] = { TF_LIT("mx.example.net") };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str field = write_row(a, &rows[i], true);

		assert_true(tf_received_spf_is_forged(field, &ours));
		assert_false(
		    tf_received_spf_is_forged(field, &(struct tf_authres_ids){ others, 1 }));
	}
	tf_arena_free(a);
}

/* Many names cost little, and are nobody's. */
static void
test_many(void **state)
{
	static const struct tf_str texts[] = { TF_LIT("(a:"), TF_LIT("receiver=a;"),
		TF_LIT("receiver(x)=a "), TF_LIT("receiver\"") };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(texts); i++) {
		struct tf_buf field;

		tf_buf_init_arena(&field, a, 1 << 20);
		while (field.len < 64 * 1024)
			tf_buf_str(&field, texts[i]);
		assert_true(tf_received_spf_is_forged(tf_buf_get(&field), &ours));
	}
	for (size_t n = 100; n <= 101; n++) {
		struct tf_buf field;

		tf_buf_init_arena(&field, a, 4096);
		for (size_t i = 0; i < n; i++)
			tf_buf_lit(&field, "receiver=a.example; ");
		assert_num("100 names of others",
		    tf_received_spf_is_forged(tf_buf_get(&field), &ours), n > 100);
	}
	tf_arena_free(a);
}

static void
test_name(void **state)
{
	(void)state;
	assert_true(tf_received_spf_is_name(TF_STR("Received-SPF")));
	assert_true(tf_received_spf_is_name(TF_STR("RECEIVED-spf \t")));
	assert_false(tf_received_spf_is_name(TF_STR("Received")));
	assert_false(tf_received_spf_is_name(TF_STR("X-Received-SPF")));
}

static int
print_rows(void)
{
	struct tf_arena *a = tf_arena_new();

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		printf("Received-SPF: %.*s\n", TF_PRI(write_row(a, &rows[i], false)));
	tf_arena_free(a);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_receiver),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_name),
	};

	if (argc > 1 && strcmp(argv[1], "--print") == 0)
		return print_rows();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
