/*
 * test_check.c - one message through all checks
 */
#include "tests/unit/test.h"
#include "truefrom/check.h"

static const char zone[] = "good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "mx.good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "_dmarc.good.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "_dmarc.reject.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "_dmarc.quarantine.example. 60 IN TXT \"v=DMARC1; p=quarantine\"\n"
			   "_dmarc.testing.example. 60 IN TXT \"v=DMARC1; p=reject; t=y\"\n"
			   "_dmarc.none.example. 60 IN TXT \"v=DMARC1; p=none\"\n"
			   "_dmarc.broken.example. 60 IN TXT \"v=DMARC1; p=bogus\"\n";

static const struct tf_check_opts defaults = {
	.spf = { .max_dns_terms = 10, .max_void_lookups = 2 },
	.dkim = { .max_signatures = 10, .min_rsa_bits = 1024, .clock_skew_s = 300 },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conclusions),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
