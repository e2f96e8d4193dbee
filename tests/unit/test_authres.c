/*
 * test_authres.c - the Authentication-Results field that we write
 *
 * With --print it writes every field of its rows, and what a strict reader makes of them, for
 * tests/integration/test_authres_readers.py to compare with other readers.
 */
#include <string.h>

#include "policy/authres.h"
#include "tests/authres_parse.h"
#include "tests/unit/test.h"

#define SIGS(a) .dkim = (a), .dkim_count = TF_ARRAY_LEN(a)
#define DMARC(d) .authors = &(d), .author_count = 1, .dmarc = &(d)
#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"
#define LONGEST L63 "." L63 "." L63 "." L63 /* 255: two too many */
#define LONG L63 "." L63 "." L63 "." L63 ".com"

static const struct tf_dkim plain_sig[] = { {
    .code = TF_PASS,
    .domain = TF_LIT("example.com"),
    .selector = TF_LIT("s1"),
    .identity = TF_LIT("@example.com"),
    .algorithm = TF_LIT("rsa-sha256"),
    .b = TF_LIT("AbCdEf12345678"),
    .bits = 2048,
} };

static const struct tf_dmarc example_dmarc = { .code = TF_FAIL,
	.from = TF_LIT("example.net"),
	.policy = TF_POLICY_REJECT,
	.applied_policy = TF_POLICY_REJECT };

static const struct tf_dmarc testing_dmarc = { .code = TF_FAIL,
	.from = TF_LIT("example.net"),
	.policy = TF_POLICY_REJECT,
	.applied_policy = TF_POLICY_QUARANTINE };

static const struct tf_dmarc no_record = {
	.code = TF_NONE, .from = TF_LIT("example.net"), .reason = TF_LIT("no record")
};

static const struct tf_dmarc no_from = { .code = TF_PERMERROR, .reason = TF_LIT("no From field") };

static const struct tf_dmarc dns_failed = { .code = TF_TEMPERROR, .from = TF_LIT("example.net") };

static const struct tf_dkim three_sigs[] = {
	{
	    .code = TF_PASS,
	    .domain = TF_LIT("example.com"),
	    .selector = TF_LIT("s1"),
	    .identity = TF_LIT("list=owner@example.com"),
	    .algorithm = TF_LIT("rsa-sha256"),
	    .b = TF_LIT("Ab/c+234same"),
	    .bits = 1024,
	    .key_testing = true,
	},
	{
	    .code = TF_FAIL,
	    .domain = TF_LIT("xn--bcher-kva.example"),
	    .selector = TF_LIT("a_b.c"),
	    .identity = TF_LIT("\"a b\\\"c\"@sub.xn--bcher-kva.example"),
	    .algorithm = TF_LIT("ed25519-sha256"),
	    .b = TF_LIT("Ab/c+234sbme"),
	    .bits = 256,
	    .reason = TF_LIT("body hash did not verify"),
	},
	{
	    .code = TF_TEMPERROR,
	    .domain = TF_LIT("third.example"),
	    .identity = TF_LIT("!#$%&'*+-^_`{|}~.u@third.example"),
	    .b = TF_LIT("aa"),
	    .key_testing = true,
	},
};

static const struct tf_dkim hostile_sigs[] = {
	{ .code = TF_NEUTRAL,
	    .domain = TF_LIT("a;dmarc=pass"),
	    .selector = TF_LIT("s\r\nX: y"),
	    .identity = TF_LIT("dmarc=pass@attack.com"),
	    .algorithm = TF_LIT("x\"y\\"),
	    .b = TF_LIT(""),
	    .reason = TF_LIT("bad \"tag\" (\\ d=a; dmarc = pass\r\nX: \303\274)") },
	{ .code = TF_PERMERROR,
	    .domain = TF_LIT("L(.A"),
	    .selector = TF_LIT("a b"),
	    .identity = TF_LIT("\"x; spf=pass\"@attack.com"),
	    .algorithm = TF_LIT("gr\303\274n"),
	    .b = TF_LIT("bbbb+/==") },
	{ .code = TF_POLICY,
	    .domain = TF_LIT(LONGEST),
	    .identity = TF_LIT("\"x\r\nX: y\"@attack.com"),
	    .b = TF_LIT("spf=pass"),
	    .reason = TF_LIT(LONG) },
};

static const struct tf_dkim utf8_sig[] = { { .code = TF_PASS,
    .domain = TF_LIT("xn--bcher-kva.example"),
    .selector = TF_LIT("s1"),
    .identity = TF_LIT("j\303\274rgen@xn--bcher-kva.example"),
    .b = TF_LIT("AbCdEf12"),
    .bits = 256 } };

static const struct tf_dmarc passed_dmarc = { .code = TF_PASS,
	.from = TF_LIT("xn--bcher-kva.example"),
	.policy = TF_POLICY_QUARANTINE,
	.applied_policy = TF_POLICY_QUARANTINE,
	.aligned_dkim = true };

/* clang-format off */
#define BROKEN { .code = TF_PERMERROR, .domain = TF_LIT("example.com"), .b = TF_LIT("AbCdEf12"), .reason = TF_LIT("key not found") }
#define BROKEN_WRITTEN "\tdkim=permerror reason=\"key not found\" header.d=example.com header.b=AbCdEf12;\n"
#define FIVE(x) x x x x x
/* clang-format on */
static const struct tf_dkim twenty_sigs[] = { BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN,
	BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN, BROKEN,
	BROKEN, BROKEN, BROKEN };

static const struct row {
	const char *what;
	struct tf_result res;
	enum tf_dmarc_policy disposition;
	const char *want; /* folded */
} rows[] = {
	{ "the example of the interface",
	    { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("bounce.example.com") },
		SIGS(plain_sig),
		.arc = { .code = TF_PASS, .instances = 2 },
		.identity.client = { TF_FAMILY_V4, { 192, 0, 2, 1 } },
		DMARC(example_dmarc) },
	    TF_POLICY_REJECT,
	    " mx.example.org;\n"
	    "\tspf=pass smtp.mailfrom=bounce.example.com;\n"
	    "\tdkim=pass (2048-bit key) header.d=example.com header.i=@example.com\n"
	    "\t header.a=rsa-sha256 header.s=s1 header.b=AbCdEf12;\n"
	    "\tarc=pass (i=2) smtp.remote-ip=192.0.2.1;\n"
	    "\tdmarc=fail (p=reject dis=reject) header.from=example.net policy.dmarc=reject" },
	{ "AUTHRES-15 null path; AUTHRES-16 unsigned; DMARC-4 no record: no comment",
	    { .mailfrom = { .code = TF_SOFTFAIL,
		  .helo_identity = true,
		  .domain = TF_LIT("mail.example.com"),
		  .reason = TF_LIT("not shown") },
		DMARC(no_record) },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=softfail smtp.helo=mail.example.com;\n"
	    "\tdkim=none;\n"
	    "\tdmarc=none header.from=example.net" },
	{ "AUTHRES-19 no From; E2 no domain to check",
	    { .mailfrom = { .code = TF_NONE }, DMARC(no_from) }, TF_POLICY_REJECT,
	    " mx.example.org;\n"
	    "\tspf=none;\n"
	    "\tdkim=none;\n"
	    "\tdmarc=permerror (p=none dis=reject) reason=\"no From field\"" },
	{ "AUTHRES-18 t=y; a plain SPF fail has no reason",
	    { .mailfrom = { .code = TF_FAIL,
		  .domain = TF_LIT("example.com"),
		  .reason = TF_LIT("matched -all") },
		DMARC(testing_dmarc) },
	    TF_POLICY_QUARANTINE,
	    " mx.example.org;\n"
	    "\tspf=fail smtp.mailfrom=example.com;\n"
	    "\tdkim=none;\n"
	    "\tdmarc=fail (p=reject dis=quarantine) header.from=example.net\n"
	    "\t policy.dmarc=quarantine" },
	{ "errors bear a reason, with or without words of their own; IPv6 quoted",
	    { .mailfrom = { .code = TF_PERMERROR,
		  .domain = TF_LIT("example.com"),
		  .reason = TF_LIT("too many DNS look-ups") },
		.arc = { .code = TF_TEMPERROR, .instances = 1 },
		.identity.client = { TF_FAMILY_V6, { 0x20, 1, 0xd, 0xb8, [15] = 9 } },
		DMARC(dns_failed) },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=permerror reason=\"too many DNS look-ups\" smtp.mailfrom=example.com;\n"
	    "\tdkim=none;\n"
	    "\tarc=fail (i=1) reason=\"temporary failure\" smtp.remote-ip=\"2001:db8::9\";\n"
	    "\tdmarc=temperror (p=none dis=none) reason=\"temporary failure\"\n"
	    "\t header.from=example.net" },
	{ "ARC fields without a readable instance; client unknown",
	    { .mailfrom = { .code = TF_TEMPERROR },
		.arc = { .code = TF_FAIL, .reason = TF_LIT("no instance") } },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=temperror reason=\"temporary failure\";\n"
	    "\tdkim=none;\n"
	    "\tarc=fail reason=\"no instance\"" },
	{ "AUTHRES-12 three signatures: header.b longer and quoted, test mode;"
	  " no header.i that SpamAssassin could not read",
	    { .mailfrom = { .code = TF_NEUTRAL, .domain = TF_LIT("_spf.example.com") },
		SIGS(three_sigs) },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=neutral smtp.mailfrom=_spf.example.com;\n"
	    "\tdkim=pass (1024-bit key, test mode) header.d=example.com header.a=rsa-sha256\n"
	    "\t header.s=s1 header.b=\"Ab/c+234sa\";\n"
	    "\tdkim=fail reason=\"body hash did not verify\" header.d=xn--bcher-kva.example\n"
	    "\t header.a=ed25519-sha256 header.s=a_b.c header.b=\"Ab/c+234sb\";\n"
	    "\tdkim=temperror reason=\"temporary failure\" header.d=third.example\n"
	    "\t header.i=!#$%&'*+-^_`{|}~.u@third.example header.b=aa" },
	{ "AUTHRES-13, AUTHRES-14, E6, E10, E11: hostile values are dropped or harmless",
	    { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("x;dkim=pass") },
		SIGS(hostile_sigs) },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=pass;\n"
	    "\tdkim=neutral reason=\"bad 'tag' (' d=a; dmarc : pass?\?X: ?\?)\";\n"
	    "\tdkim=permerror reason=\"permanent failure\" header.b=\"bbbb+/==\";\n"
	    "\tdkim=policy reason=\"not acceptable here\"" },
	{ "AUTHRES-12 SMTPUTF8: A-labels, and no local part that is not ASCII",
	    { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("xn--bcher-kva.example") },
		.identity.smtputf8 = true,
		SIGS(utf8_sig),
		DMARC(passed_dmarc) },
	    TF_POLICY_NONE,
	    " mx.example.org;\n"
	    "\tspf=pass smtp.mailfrom=xn--bcher-kva.example;\n"
	    "\tdkim=pass (256-bit key) header.d=xn--bcher-kva.example header.s=s1\n"
	    "\t header.b=AbCdEf12;\n"
	    "\tdmarc=pass (p=quarantine dis=none) header.from=xn--bcher-kva.example\n"
	    "\t policy.dmarc=quarantine" },
	{ "AUTHRES-20 twenty signatures",
	    { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("example.com") },
		SIGS(twenty_sigs),
		DMARC(example_dmarc) },
	    TF_POLICY_REJECT,
	    " mx.example.org;\n"
	    "\tspf=pass smtp.mailfrom=example.com;\n" FIVE(BROKEN_WRITTEN) FIVE(BROKEN_WRITTEN)
		FIVE(BROKEN_WRITTEN)
		    FIVE(BROKEN_WRITTEN) "\tdmarc=fail (p=reject dis=reject) "
					 "header.from=example.net policy.dmarc=reject" },
};

static struct tf_str
write_row(const struct row *row, bool fold, struct tf_arena *a)
{
	struct tf_verdict verdict = { .disposition = row->disposition };
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 1 << 16);
	tf_authres_write(&row->res, &verdict, TF_STR("mx.example.org"), fold, &out);
	return tf_buf_get(&out);
}

/* Without its folds: what `truefrom check --json` shows. */
static struct tf_str
unfold(struct tf_str folded, struct tf_arena *a)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 1 << 16);
	for (size_t i = 0; i < folded.len; i++) {
		if (folded.ptr[i] == '\t' && i + 1 < folded.len && folded.ptr[i + 1] != ' ')
			tf_buf_byte(&out, ' ');
		else if (folded.ptr[i] != '\n' && folded.ptr[i] != '\t')
			tf_buf_byte(&out, folded.ptr[i]);
	}
	return tf_str_sub(tf_buf_get(&out), 1, out.len);
}

static void
test_write(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str folded = write_row(&rows[i], true, a);

		assert_str(rows[i].what, folded, tf_str_from(rows[i].want));
		assert_str(rows[i].what, write_row(&rows[i], false, a), unfold(folded, a));
	}
	tf_arena_free(a);
}

/* AUTHRES-12, 15, 16, 27: the strict reader finds what was meant, and nothing else. */
static void
test_parses(void **state)
{
	static const char *const registered[] = { "smtp.mailfrom", "smtp.helo", "header.d",
		"header.i", "header.a", "header.s", "header.b", "smtp.remote-ip", "header.from",
		"policy.dmarc" };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_result *res = &rows[i].res;
		struct tf_parsed parsed;
		const char *err = tf_authres_parse(write_row(&rows[i], true, a), a, &parsed);
		size_t known = 0, properties = 0;

		assert_string_equal(err != NULL ? err : "", "");
		assert_str(rows[i].what, parsed.id, TF_STR("mx.example.org"));
		assert_num(rows[i].what, parsed.count,
		    1 + (res->dkim_count != 0 ? res->dkim_count : 1) + (res->arc.code != TF_NONE) +
			(res->dmarc != NULL));
		for (size_t r = 0; r < parsed.count; r++) {
			properties += parsed.results[r].property_count;
			for (size_t k = 0; k < TF_ARRAY_LEN(registered); k++)
				known += tf_parsed_get(&parsed.results[r], registered[k]).len != 0;
		}
		assert_num(rows[i].what, known, properties);
		assert_str(rows[i].what, parsed.results[0].method, TF_STR("spf"));
		assert_false(tf_parsed_get(&parsed.results[0], "smtp.mailfrom").len != 0 &&
			     tf_parsed_get(&parsed.results[0], "smtp.helo").len != 0);
	}
	tf_arena_free(a);
}

/* AUTHRES-20: 20 signatures with the longest labels; and 20 of more, the right ones. */
static void
test_many_signatures(void **state)
{
	struct tf_dkim sigs[60];
	struct tf_dmarc dmarc = { .code = TF_PASS, .aligned_dkim = true, .dkim_index = 59 };
	struct tf_verdict verdict = { .disposition = TF_POLICY_NONE };
	struct tf_arena *a = tf_arena_new();
	struct tf_result res = { SIGS(sigs), DMARC(dmarc) };
	struct tf_parsed parsed;
	struct tf_buf out;
	size_t line = 0;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sigs); i++)
		sigs[i] = (struct tf_dkim){ .code = TF_FAIL,
			.domain = TF_STR(L63 "." L63 "." L63 ".com"),
			.selector = TF_STR(L63 "." L63),
			.identity = TF_STR("@" L63 "." L63 "." L63 ".com"),
			.algorithm = TF_STR("rsa-sha256"),
			.b = tf_arena_printf(a, "%08zu", i),
			.reason = TF_STR(L63 L63 L63),
			.bits = 4096 };
	sigs[30].code = sigs[59].code = TF_PASS;
	tf_buf_init_arena(&out, a, 24 * 1024);
	tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), true, &out);
	assert_false(out.overflow);
	for (size_t i = 0; i < out.len; i++) {
		line = out.ptr[i] == '\n' ? 0 : line + 1;
		assert_true(line <= 998);
	}
	assert_null(tf_authres_parse(tf_buf_get(&out), a, &parsed));
	assert_int_equal(parsed.count, 1 + 20 + 1);
	assert_str(
	    "message order", tf_parsed_get(&parsed.results[18], "header.b"), TF_STR("00000017"));
	assert_str("a pass goes before failures", tf_parsed_get(&parsed.results[19], "header.b"),
	    TF_STR("00000030"));
	assert_str("the aligned one is never dropped",
	    tf_parsed_get(&parsed.results[20], "header.b"), TF_STR("00000059"));
	tf_arena_free(a);
}

static void
test_too_many_passes(void **state)
{
	struct tf_dkim sigs[30];
	struct tf_dmarc dmarc = { .code = TF_PASS, .aligned_dkim = true, .dkim_index = 29 };
	struct tf_verdict verdict = { .disposition = TF_POLICY_NONE };
	struct tf_arena *a = tf_arena_new();
	struct tf_result res = { SIGS(sigs), DMARC(dmarc) };
	struct tf_parsed parsed;
	struct tf_buf out;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sigs); i++)
		sigs[i] = (struct tf_dkim){ .code = TF_PASS, .b = tf_arena_printf(a, "%zu", i) };
	tf_buf_init_arena(&out, a, 24 * 1024);
	tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), true, &out);
	assert_null(tf_authres_parse(tf_buf_get(&out), a, &parsed));
	assert_int_equal(parsed.count, 22);
	assert_str("the first 19", tf_parsed_get(&parsed.results[19], "header.b"), TF_STR("18"));
	assert_str("the aligned one", tf_parsed_get(&parsed.results[20], "header.b"), TF_STR("29"));
	tf_arena_free(a);
}

/* What is longer than its bound is left out, or plain words stand in; the rest is there. */
static void
test_bounds(void **state)
{
	const struct tf_verdict verdict = { .disposition = TF_POLICY_NONE };
	struct tf_arena *a = tf_arena_new();
	char *letters = tf_arena_alloc(a, 300);

	(void)state;
	memset(letters, 'x', 300);
	for (size_t more = 0; more <= 1; more++) {
		struct tf_dkim sigs[1] = { { .code = TF_FAIL,
		    .domain = TF_STR("example.com"),
		    .algorithm = { letters, 256 + more },
		    .b = TF_STR("AbCdEf12"),
		    .reason = { letters, 200 + more } } };
		struct tf_result res = { SIGS(sigs) };
		struct tf_parsed parsed;
		struct tf_buf out;

		tf_buf_init_arena(&out, a, 24 * 1024);
		tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), true, &out);
		assert_null(tf_authres_parse(tf_buf_get(&out), a, &parsed));
		assert_str(
		    "domain", tf_parsed_get(&parsed.results[1], "header.d"), TF_STR("example.com"));
		assert_num("property", tf_parsed_get(&parsed.results[1], "header.a").len,
		    more == 0 ? 256 : 0);
		assert_str("reason", parsed.results[1].reason,
		    more == 0 ? sigs[0].reason : TF_STR("verification failed"));
	}
	tf_arena_free(a);
}

/* AUTHRES-25, RFC 6008 section 4. */
static void
test_header_b(void **state)
{
#define B63 "0123456789012345678901234567890123456789012345678901234567890aB"
	static const struct tf_dkim sigs[] = {
		{ .b = TF_LIT("AAAAAAAAAAxx") },
		{ .b = TF_LIT("AAAAAAAAAAyy") },
		{ .b = TF_LIT("AAAAAAAABB") },
		{ .b = TF_LIT("CCCC") },
		{ .b = TF_LIT("DDDDDDDDDDDD") },
		{ .b = TF_LIT("DDDDDDDDDDDD") }, /* the same signature twice */
		{ .b = TF_LIT("EEEEEEEE") },
		{ .b = TF_LIT("EEEEEEEEF") }, /* one begins the other */
		{ .b = TF_LIT(B63 "x1") },
		{ .b = TF_LIT(B63 "x2") },
		{ .b = TF_LIT("") },
	};
	static const char *const want[] = { "AAAAAAAAAAx", "AAAAAAAAAAy", "AAAAAAAAB", "CCCC",
		"DDDDDDDD", "DDDDDDDD", "EEEEEEEE", "EEEEEEEEF", B63 "x", B63 "x", "" };
	struct tf_result res = { SIGS(sigs) };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sigs); i++)
		assert_str(want[i], tf_authres_header_b(&res, i), tf_str_from(want[i]));
}

static void
test_authserv_id(void **state)
{
	static const struct id_row {
		const char *what;
		struct tf_str id;
		const char *want;
	} ids[] = {
		{ "token", TF_LIT("mx.example.org"), "mx.example.org; spf=none; dkim=none" },
		{ "4 Choice: A-labels", TF_LIT("mx.b\303\274cher.example"),
		    "mx.xn--bcher-kva.example; spf=none; dkim=none" },
		{ "no token", TF_LIT("mx/1"), "\"mx/1\"; spf=none; dkim=none" },
		{ "nothing usable", TF_LIT("\377"), "localhost; spf=none; dkim=none" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(ids); i++) {
		struct tf_result res = { .dkim_count = 0 };
		struct tf_verdict verdict = { .disposition = TF_POLICY_NONE };
		char storage[200];
		struct tf_buf out;

		tf_buf_init(&out, storage, sizeof(storage));
		tf_authres_write(&res, &verdict, ids[i].id, false, &out);
		assert_str(ids[i].what, tf_buf_get(&out), tf_str_from(ids[i].want));
	}
}

static void
test_verdict_names_the_domain(void **state)
{
	struct tf_result res = { DMARC(example_dmarc) };
	struct tf_verdict verdict = { .disposition = TF_POLICY_QUARANTINE,
		.dmarc = &testing_dmarc };
	char storage[300];
	struct tf_buf out;

	(void)state;
	tf_buf_init(&out, storage, sizeof(storage));
	tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), false, &out);
	assert_str("the domain that decided", tf_buf_get(&out),
	    TF_STR("mx.example.org; spf=none; dkim=none; dmarc=fail (p=reject dis=quarantine) "
		   "header.from=example.net policy.dmarc=quarantine"));
}

/* AUTHRES-23, AUTHRES-24: the reader that the tests rely on. */
static void
test_strict_reader(void **state)
{
	static const struct tf_str broken[] = { TF_LIT(""), TF_LIT("mx.example.com"),
		TF_LIT("mx.example.com;"), TF_LIT("mx.example.com; spf"),
		TF_LIT("mx.example.com; spf=pass;"), TF_LIT("mx.example.com; spf=pass x"),
		TF_LIT("mx.example.com; spf=pass x.y="), TF_LIT("mx.example.com; spf=pass x.y=a:b"),
		TF_LIT("mx.example.com; spf=pass x.y=a=b"),
		TF_LIT("mx.example.com; spf=pass x.y=a/b"), TF_LIT("mx.example.com; spf=pass (c"),
		TF_LIT("mx.example.com; spf=pass x.y=\"a\"x.z=b"),
		TF_LIT("mx.example.com; spf=pass x.y=a x.z=@"), TF_LIT("mx.example.com x; a=b"),
		TF_LIT("mx.example.com; spf=pass reason=\"a\"x.z=b") };
	struct tf_arena *a = tf_arena_new();
	struct tf_parsed p;

	(void)state;
	assert_null(tf_authres_parse(
	    TF_STR("foo.example.net (c1) 1 (c2); dkim (c3) / 1 (c4) = (c5) fail policy (c6) . (c7)"
		   " expired (c8 (n)) = (c9) 1362471462"),
	    a, &p));
	assert_str("AUTHRES-23", p.id, TF_STR("foo.example.net"));
	assert_int_equal(p.count, 1);
	assert_str("AUTHRES-23", p.results[0].method, TF_STR("dkim"));
	assert_str("AUTHRES-23", p.results[0].code, TF_STR("fail"));
	assert_str(
	    "AUTHRES-23", tf_parsed_get(&p.results[0], "policy.expired"), TF_STR("1362471462"));
	assert_null(tf_authres_parse(TF_STR("example.org 1; none"), a, &p));
	assert_int_equal(p.count, 0);
	assert_null(
	    tf_authres_parse(TF_STR("example.com; spf=pass smtp.mailfrom=example.net; dkim=fail "
				    "reason=\"bad; signature\" header.i=@example.com"),
		a, &p));
	assert_int_equal(p.count, 2);
	assert_str("AUTHRES-24", p.results[1].reason, TF_STR("bad; signature"));
	assert_str("AUTHRES-24", tf_parsed_get(&p.results[1], "header.i"), TF_STR("@example.com"));
	assert_null(tf_authres_parse(
	    TF_STR("a.b; dkim=pass header.i=a/b=c@d.test header.x=\"q q\"@d.test"), a, &p));
	assert_str(
	    "2.2 local-part", tf_parsed_get(&p.results[0], "header.i"), TF_STR("a/b=c@d.test"));
	assert_str("2.2 quoted local-part", tf_parsed_get(&p.results[0], "header.x"),
	    TF_STR("\"q q\"@d.test"));
	for (size_t i = 0; i < TF_ARRAY_LEN(broken); i++)
		assert_non_null(tf_authres_parse(broken[i], a, &p));
	tf_arena_free(a);
}

/* One "F" line with the field as sent, then an "R" line per result and a "P" line per property. */
static int
print_rows(void)
{
	struct tf_arena *a = tf_arena_new();

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str folded = write_row(&rows[i], true, a);
		struct tf_parsed p;

		printf("F Authentication-Results:");
		for (size_t k = 0; k < folded.len; k++) {
			if (folded.ptr[k] == '\n')
				printf("\\n");
			else
				putchar(folded.ptr[k]);
		}
		putchar('\n');
		if (tf_authres_parse(folded, a, &p) != NULL)
			return 1;
		for (size_t r = 0; r < p.count; r++) {
			printf("R %.*s %.*s %.*s\n", TF_PRI(p.results[r].method),
			    TF_PRI(p.results[r].code), TF_PRI(p.results[r].reason));
			for (size_t k = 0; k < p.results[r].property_count; k++) {
				const struct tf_parsed_property *prop = &p.results[r].properties[k];

				printf("P %.*s.%.*s %.*s\n", TF_PRI(prop->type), TF_PRI(prop->name),
				    TF_PRI(prop->value));
			}
		}
	}
	tf_arena_free(a);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_parses),
		cmocka_unit_test(test_many_signatures),
		cmocka_unit_test(test_too_many_passes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_header_b),
		cmocka_unit_test(test_authserv_id),
		cmocka_unit_test(test_verdict_names_the_domain),
		cmocka_unit_test(test_strict_reader),
	};

	if (argc > 1 && strcmp(argv[1], "--print") == 0)
		return print_rows();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
