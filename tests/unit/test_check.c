/*
 * test_check.c - one message through all checks
 */
#include <opendkim/dkim.h>

#include "tests/unit/resolver_fixture.h"
#include "truefrom/check.h"

static const char zone[] = "good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "mx.good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "_dmarc.good.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "_dmarc.reject.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "_dmarc.quarantine.example. 60 IN TXT \"v=DMARC1; p=quarantine\"\n"
			   "_dmarc.testing.example. 60 IN TXT \"v=DMARC1; p=reject; t=y\"\n"
			   "_dmarc.none.example. 60 IN TXT \"v=DMARC1; p=none\"\n"
			   "_dmarc.broken.example. 60 IN TXT \"v=DMARC1; p=bogus\"\n"
			   "s._domainkey.good.example. 60 IN TXT \"p="
			   "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCv2PiKGb3hirvAQC6+yB9kpR65+Y1Kzh"
			   "Za8BtZWc3SP5MtUD8X03MJOeAKyUzS2LhghR928kQ4qCWy7r1C2WUlBVWj2JF3lo4KeXQe"
			   "bCzgaCsJDOmIj9rYo8H5vlXqO0mzdePXWplR5GWDHdURNTbk8uFKsmGI0HB0VJOR4JN58w"
			   "IDAQAB\"\n";

static const struct tf_check_opts defaults = {
	.spf = { .max_dns_terms = 10, .max_void_lookups = 2 },
	.dkim = { .max_signatures = 10, .min_rsa_bits = 1024, .clock_skew_s = 300 },
	.arc = { .verify = true },
	.dmarc = { .enabled = true, .max_author_domains = 10 },
	.dns = { .max_questions = 150 },
	.deadline_ms = 5000,
	.max_headers = 2000,
	.max_header_bytes = 1024 * 1024,
	.max_memory = 16 * 1024 * 1024,
};

static struct tf_resolver *
resolver(void)
{
	const struct tf_resolver_opts opts = { .timeout_ms = 1000,
		.cache = true,
		.cache_bytes = 1024 * 1024,
		.zone_text = TF_STR(zone),
		.zone_only = true };
	char storage[512];
	struct tf_buf why;
	struct tf_resolver *r;

	tf_buf_init(&why, storage, sizeof(storage));
	r = tf_resolver_new(&opts, &why);
	if (r == NULL)
		fail_msg("%s", tf_buf_cstr(&why));
	return r;
}

static struct tf_identity
identity(const char *mail_from, const char *helo)
{
	struct tf_identity id = {
		.mail_from = tf_str_from(mail_from), .helo = tf_str_from(helo), .now = 1800000000
	};

	(void)tf_addr_parse(TF_STR("192.0.2.1"), &id.client);
	return id;
}

static const struct tf_result *
check(struct tf_arena *a, struct tf_resolver *r, const struct tf_check_opts *opts,
    const struct tf_identity *id, const char *from)
{
	struct tf_check *c = tf_check_begin(a, r, opts, id);

	tf_check_rcpt(c);
	if (from != NULL)
		(void)tf_check_header(c, TF_STR("From"), tf_str_from(from));
	tf_check_eoh(c);
	tf_check_body(c, TF_STR("Hello\r\n"));
	return tf_check_finish(c, NULL, NULL);
}

static void
test_conclusions(void **state)
{
	static const struct row {
		const char *what, *mail_from, *helo, *from;
		enum tf_code spf, helo_code, dmarc;
		const char *deciding;
	} rows[] = {
		{ "RFC 9989 4.4 SPF aligned", "a@good.example", "mx.good.example",
		    " a@good.example", TF_PASS, TF_PASS, TF_PASS, "good.example" },
		{ "RFC 7208 2.4 null sender: HELO vouches", "", "mx.good.example",
		    " a@good.example", TF_PASS, TF_PASS, TF_PASS, "good.example" },
		{ "RFC 9989 4.4 HELO alone never vouches", "a@other.example", "mx.good.example",
		    " a@good.example", TF_NONE, TF_PASS, TF_FAIL, "good.example" },
		{ "RFC 9989 4.10.1 no record", "a@good.example", "mx.good.example",
		    " a@other.example", TF_PASS, TF_PASS, TF_NONE, "other.example" },
		{ "RFC 9989 11.5 strictest failing of several decides", "a@good.example", "x.y",
		    " a@good.example, b@none.example, c@quarantine.example, d@reject.example, "
		    "e@other.example",
		    TF_PASS, TF_NONE, TF_FAIL, "reject.example" },
		{ "RFC 9989 5.3.6 t=y weighs as quarantine", "a@good.example", "x.y",
		    " a@testing.example, b@reject.example", TF_PASS, TF_NONE, TF_FAIL,
		    "reject.example" },
		{ "none outweighs pass: not every author is proven", "a@good.example", "x.y",
		    " a@good.example, b@other.example", TF_PASS, TF_NONE, TF_NONE,
		    "other.example" },
		{ "RFC 5322 3.6 no From", "a@good.example", "x.y", NULL, TF_PASS, TF_NONE,
		    TF_PERMERROR, "" },
	};
	struct tf_resolver *r = resolver();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_identity id = identity(rows[i].mail_from, rows[i].helo);
		struct tf_arena *a = tf_arena_new();
		const struct tf_result *res = check(a, r, &defaults, &id, rows[i].from);

		assert_num(rows[i].what, res->mailfrom.code, rows[i].spf);
		assert_num(rows[i].what, res->helo.code, rows[i].helo_code);
		assert_non_null(res->dmarc);
		assert_num(rows[i].what, res->dmarc->code, rows[i].dmarc);
		assert_str(rows[i].what, res->dmarc->from, tf_str_from(rows[i].deciding));
		assert_true(res->dns_asked > 0);
		assert_num(rows[i].what, res->dns_count, 0); /* kept with trace only */
		tf_arena_free(a);
	}
	tf_resolver_release(r);
}

static void
test_options(void **state)
{
	const struct tf_identity id = identity("a@good.example", "mx.good.example");
	struct tf_resolver *r = resolver();
	struct tf_arena *a = tf_arena_new();
	struct tf_check_opts opts = defaults;
	const struct tf_result *res;

	(void)state;
	opts.dmarc.enabled = false;
	res = check(a, r, &opts, &id, " a@reject.example");
	assert_null(res->dmarc);
	assert_int_equal(res->author_count, 0);

	opts = defaults;
	opts.spf_skip = true;
	opts.trace = true;
	res = check(a, r, &opts, &id, " a@good.example");
	assert_int_equal(res->mailfrom.code, TF_NONE);
	assert_false(res->mailfrom.checked);
	assert_int_equal(res->dmarc->code, TF_FAIL);
	assert_int_equal(res->dns_count, res->dns_asked);
	assert_true(res->notes.count != 0);

	opts.no_notes = true;
	res = check(a, r, &opts, &id, " a@good.example");
	assert_int_equal(res->dmarc->code, TF_FAIL);
	assert_int_equal(res->notes.count, 0);
	tf_arena_free(a);
	tf_resolver_release(r);
}

static void
test_limits(void **state)
{
	static const struct row {
		const char *what;
		uint32_t headers;
		uint64_t header_bytes, memory;
		const char *why;
	} rows[] = {
		{ "fields", 3, 1024, 1 << 20, "limits.headers reached" },
		{ "bytes", 100, 20, 1 << 20, "limits.header_bytes reached" },
		{ "memory", 100, 1024, 64, "limits.message_memory reached" },
		{ "within", 100, 1024, 1 << 20, NULL },
	};
	const struct tf_identity id = identity("a@good.example", "mx.good.example");
	struct tf_resolver *r = resolver();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_check_opts opts = defaults;
		struct tf_arena *a = tf_arena_new();
		struct tf_check *c;

		opts.max_headers = rows[i].headers;
		opts.max_header_bytes = rows[i].header_bytes;
		opts.max_memory = rows[i].memory;
		c = tf_check_begin(a, r, &opts, &id);
		for (int n = 0; n < 4; n++)
			(void)tf_check_header(c, TF_STR("Subject"), TF_STR(" x"));
		tf_check_eoh(c);
		tf_check_body(c, TF_STR("x"));
		(void)tf_check_finish(c, NULL, NULL);
		assert_str(
		    rows[i].what, tf_str_from(tf_check_too_big(c)), tf_str_from(rows[i].why));
		tf_arena_free(a);
	}
	tf_resolver_release(r);
}

/* Given up at any point, a message leaves nothing behind (the sanitizer builds see to it). */
static void
test_given_up(void **state)
{
	const struct tf_identity id = identity("a@good.example", "mx.good.example");
	struct tf_resolver *r = resolver();

	(void)state;
	for (int steps = 0; steps < 5; steps++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_check *c = tf_check_begin(a, r, &defaults, &id);

		if (steps > 0)
			tf_check_rcpt(c);
		if (steps > 1)
			assert_true(tf_check_header(c, TF_STR("From"), TF_STR(" a@good.example")));
		if (steps > 2)
			tf_check_eoh(c);
		if (steps > 3)
			tf_check_body(c, TF_STR("x"));
		tf_arena_free(a);
	}
	tf_resolver_release(r);
}

/* A sender who wants a message to run out of questions before the author's policy is known. */
static const struct hostile_row {
	const char *what, *mail_from, *author, *applies;
} hostile_rows[] = {
	{ "his own MAIL FROM", "a@evil.example", "legit.test", "legit.test" },
	{ "null sender", "", "legit.test", "legit.test" },
	{ "the author's MAIL FROM, whose SPF must not become a temperror", "a@legit.test",
	    "legit.test", "legit.test" },
	{ "deep below the author's domain", "a@evil.example", "a.b.c.d.e.f.g.h.legit.test",
	    "legit.test" },
	{ "a domain that does not exist, under np", "a@evil.example", "a.b.c.d.e.nowhere.np.test",
	    "np.test" },
};

#define HOSTS 10
#define AUTHORS 10
#define SIGNATURES 10

static void
write_mx_tree(struct tf_buf *text, const char *name, int terms, int hosts)
{
	tf_buf_printf(text, "%s. 60 IN TXT \"v=spf1", name);
	for (int i = 0; i < terms; i++)
		tf_buf_printf(text, " mx:m%d.%s", i, name);
	tf_buf_lit(text, " -all\"\n");
	for (int i = 0; i < terms * hosts; i++) {
		tf_buf_printf(text, "m%d.%s. 60 IN MX %d h%d.m%d.%s.\n", i / hosts, name, i % hosts,
		    i % hosts, i / hosts, name);
		tf_buf_printf(
		    text, "h%d.m%d.%s. 60 IN A 198.51.100.1\n", i % hosts, i / hosts, name);
	}
}

static struct tf_resolver *
hostile_resolver(struct tf_arena *a)
{
	struct tf_resolver_opts opts = zone_opts("");
	struct tf_buf text;

	tf_buf_init_arena(&text, a, (size_t)256 * 1024);
	tf_buf_lit(&text, "_dmarc.legit.test. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			  "_dmarc.np.test. 60 IN TXT \"v=DMARC1; p=none; np=reject\"\n");
	write_mx_tree(&text, "legit.test", 5, 5);
	write_mx_tree(&text, "evil.example", 10, HOSTS);
	write_mx_tree(&text, "helo.example", 10, HOSTS);
	for (int i = 1; i < AUTHORS; i++)
		tf_buf_printf(
		    &text, "_dmarc.evil.e%d. 60 IN TXT \"v=DMARC1; p=none; np=quarantine\"\n", i);
	opts.zone_text = tf_buf_get(&text);
	return resolver_or_fail(&opts);
}

/* Until the resolver thread has asked ahead for all that it wants to. */
static void
let_it_ask(struct tf_resolver *r)
{
	static unsigned int number; /* a name that was asked before would be at hand */
	struct tf_dns *dns = begin(r, 100);
	char name[32];

	for (int i = 0; i < 24; i++) {
		snprintf(name, sizeof(name), "round%u.example", number++);
		tf_dns_ask(dns, tf_str_from(name), TF_TYPE_A);
	}
	tf_dns_end(dns);
}

static void
add_hostile_header(struct tf_check *c, struct tf_arena *a, const char *author)
{
	struct tf_buf from;

	tf_buf_init_arena(&from, a, 4096);
	for (int i = 1; i < AUTHORS; i++)
		tf_buf_printf(&from, " a@a.b.c.d.e.f.g.evil.e%d,", i);
	tf_buf_printf(&from, " ceo@%s", author);
	assert_true(tf_check_header(c, TF_STR("From"), tf_buf_get(&from)));
	for (int i = 0; i < SIGNATURES; i++) {
		struct tf_str d = i + 1 < SIGNATURES
				      ? tf_arena_printf(a, "z%d.y.x.w.v.u.evil.e1", i)
				      : TF_STR("legit.test");

		assert_true(tf_check_header(c, TF_STR("DKIM-Signature"),
		    tf_arena_printf(a,
			" v=1; a=ed25519-sha256; d=%.*s; s=s; h=from; "
			"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "
			"b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			"AAAAAAAAAAAAAAAAAA==",
			TF_PRI(d))));
	}
}

/* And a chain of 50 sealers whose keys are at as many names. */
static void
add_hostile_chain(struct tf_check *c, struct tf_arena *a)
{
	for (int i = 1; i <= 50; i++) {
		assert_true(tf_check_header(c, TF_STR("ARC-Seal"),
		    tf_arena_printf(a,
			" i=%d; a=ed25519-sha256; cv=%s; d=evil.example; s=a%d; b=AAAA", i,
			i == 1 ? "none" : "pass", i)));
		assert_true(tf_check_header(c, TF_STR("ARC-Message-Signature"),
		    tf_arena_printf(a,
			" i=%d; a=ed25519-sha256; d=evil.example; s=m%d; h=From; "
			"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
			i, i)));
		assert_true(tf_check_header(c, TF_STR("ARC-Authentication-Results"),
		    tf_arena_printf(a, " i=%d; x; none", i)));
	}
}

/* settled: whether all that is asked ahead has been asked before the end of the message, which
 * nobody promises. */
static void
check_hostile(struct tf_resolver *r, const struct hostile_row *row, bool settled)
{
	const struct tf_identity id = identity(row->mail_from, "helo.example");
	struct tf_arena *a = tf_arena_new();
	struct tf_check *c = tf_check_begin(a, r, &defaults, &id);
	const struct tf_result *res;

	tf_check_rcpt(c);
	if (settled)
		let_it_ask(r);
	add_hostile_header(c, a, row->author);
	add_hostile_chain(c, a);
	tf_check_eoh(c);
	if (settled)
		let_it_ask(r);
	res = tf_check_finish(c, NULL, NULL);
	assert_num(row->what, res->author_count, AUTHORS);
	assert_num(row->what, res->dkim_count, SIGNATURES);
	assert_num(row->what, res->dkim[SIGNATURES - 1].code, TF_PERMERROR);
	assert_str(row->what, res->dkim[SIGNATURES - 1].reason, TF_STR("key not found"));
	assert_str(row->what, res->dmarc->from, tf_str_from(row->author));
	assert_str(row->what, res->dmarc->record_domain, tf_str_from(row->applies));
	assert_num(row->what, res->dmarc->code, TF_FAIL);
	assert_num(row->what, res->dmarc->applied_policy, TF_POLICY_REJECT);
	tf_arena_free(a);
}

static void
test_hostile_questions(void **state)
{
	struct tf_arena *text = tf_arena_new();
	struct tf_resolver *r = hostile_resolver(text);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(hostile_rows); i++) {
		for (int round = 0; round < 10; round++)
			check_hostile(r, &hostile_rows[i], round == 9);
	}
	tf_resolver_release(r);
	tf_arena_free(text);
}

/* ARC-30: without arc.verify nobody asks for a key, and there is no result. */
static void
test_arc_verify(void **state)
{
	const struct tf_identity id = identity("a@good.example", "mx.good.example");
	struct tf_resolver *r = resolver();

	(void)state;
	for (int verify = 0; verify < 2; verify++) {
		struct tf_check_opts opts = defaults;
		struct tf_arena *a = tf_arena_new();
		const struct tf_result *res;
		struct tf_check *c;
		size_t keys = 0;

		opts.arc.verify = verify != 0;
		opts.trace = true;
		c = tf_check_begin(a, r, &opts, &id);
		tf_check_rcpt(c);
		tf_check_header(c, TF_STR("ARC-Seal"),
		    TF_STR(" i=1; a=rsa-sha256; cv=none; d=lists.example; s=s1; b=AAAA"));
		tf_check_header(c, TF_STR("ARC-Message-Signature"),
		    TF_STR(" i=1; a=rsa-sha256; d=lists.example; s=s2; h=From; "
			   "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"));
		tf_check_header(c, TF_STR("ARC-Authentication-Results"), TF_STR(" i=1; x; none"));
		tf_check_header(c, TF_STR("From"), TF_STR(" a@good.example"));
		tf_check_eoh(c);
		res = tf_check_finish(c, NULL, NULL);
		for (size_t i = 0; i < res->dns_count; i++)
			keys += tf_str_ends_nocase(
			    res->dns[i].name, TF_STR("._domainkey.lists.example"));
		assert_int_equal(keys, verify ? 2 : 0);
		assert_int_equal(res->arc.code, verify ? TF_FAIL : TF_NONE);
		assert_int_equal(res->arc.instances, verify);
		tf_arena_free(a);
	}
	tf_resolver_release(r);
}

/* RFC 9989 section 4.10: author, SPF and DKIM domain under one organization; what their walks have
 * in common is asked once. */
static void
test_walks_shared(void **state)
{
	static const char *const names[] = { "_dmarc.a.good.example", "_dmarc.s.good.example",
		"_dmarc.d.good.example", "_dmarc.good.example", "_dmarc.example" };
	struct tf_resolver *r = resolver();
	struct tf_arena *a = tf_arena_new();
	struct tf_identity id = identity("x@s.good.example", "mx.good.example");
	struct tf_check_opts opts = defaults;
	const struct tf_result *res;
	struct tf_check *c;
	size_t asked = 0;

	(void)state;
	opts.trace = true;
	c = tf_check_begin(a, r, &opts, &id);
	(void)tf_check_header(c, TF_STR("From"), TF_STR(" x@a.good.example"));
	(void)tf_check_header(c, TF_STR("DKIM-Signature"),
	    TF_STR(" v=1; a=rsa-sha256; d=d.good.example; s=s; h=From; bh=AAAA; b=AAAA"));
	res = tf_check_finish(c, NULL, NULL);
	for (size_t i = 0; i < res->dns_count; i++)
		asked += tf_str_starts_nocase(res->dns[i].name, TF_STR("_dmarc."));
	assert_num("questions for policies", asked, TF_ARRAY_LEN(names));
	for (size_t i = 0; i < TF_ARRAY_LEN(names); i++) {
		size_t times = 0;

		for (size_t k = 0; k < res->dns_count; k++)
			times += tf_str_eq(res->dns[k].name, tf_str_from(names[i]));
		assert_num(names[i], times, 1);
	}
	tf_arena_free(a);
	tf_resolver_release(r);
}

static int library_asked;

/* Stands for libopendkim's: counts, and is out of memory. */
DKIM *
dkim_verify(DKIM_LIB *library, const unsigned char *id, void *memory, DKIM_STAT *status_out)
{
	(void)library;
	(void)id;
	(void)memory;
	library_asked++;
	*status_out = DKIM_STAT_NORESOURCE;
	return NULL;
}

/* dkim.verifier = "own" does not ask the library; whom the library fails, ours serves. */
static void
test_own_verifier(void **state)
{
	static const char signature[] = " v=1; a=rsa-sha256; d=good.example; s=s; h=From; "
					"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA";
	const struct tf_identity id = identity("a@good.example", "mx.good.example");
	struct tf_resolver *r = resolver();

	(void)state;
	for (int own = 0; own <= 1; own++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_check_opts opts = defaults;
		const struct tf_result *res;
		struct tf_check *c;

		opts.dkim.own_verifier = own != 0;
		library_asked = 0;
		c = tf_check_begin(a, r, &opts, &id);
		tf_check_header(c, TF_STR("DKIM-Signature"), TF_STR(signature));
		tf_check_header(c, TF_STR("From"), TF_STR(" a@good.example"));
		tf_check_body(c, TF_STR("Hello\r\n"));
		res = tf_check_finish(c, NULL, NULL);
		assert_num("asked", library_asked, !own);
		assert_num("signatures", res->dkim_count, 1);
		assert_num("result", res->dkim[0].code, TF_FAIL);
		assert_str("reason", res->dkim[0].reason, TF_STR("signature did not verify"));
		tf_arena_free(a);
	}
	tf_resolver_release(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conclusions),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_hostile_questions),
		cmocka_unit_test(test_arc_verify),
		cmocka_unit_test(test_walks_shared),
		cmocka_unit_test(test_own_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
