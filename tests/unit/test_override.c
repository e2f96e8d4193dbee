/*
 * test_override.c - domain "…" sections: which one governs, and what may lower a policy
 */
#include "policy/override.h"
#include "tests/unit/test.h"

#define NOW 1800000000

static void
test_find(void **state)
{
	static const struct tf_override sections[] = {
		{ .domain = TF_LIT("example.com"), .policy = TF_POLICY_REJECT },
		{ .domain = TF_LIT("example.com"), .subdomains = true, .policy = TF_POLICY_NONE },
		{ .domain = TF_LIT("mail.example.com"), .subdomains = true },
		{ .domain = TF_LIT("free.example.com"), .published = true },
		{ .domain = TF_LIT("over.test"), .until = NOW - 1 },
		{ .domain = TF_LIT("today.test"), .until = NOW },
		{ .domain = TF_LIT("old.example.com"), .until = NOW - 1 },
	};
	static const struct row {
		const char *what;
		struct tf_str domain;
		int want; /* index, -1 = none */
	} rows[] = {
		{ "the name itself", TF_LIT("example.com"), 0 },
		{ "a wildcard takes the names below", TF_LIT("a.example.com"), 1 },
		{ "a longer wildcard goes first", TF_LIT("x.mail.example.com"), 2 },
		{ "a wildcard does not take its own name", TF_LIT("mail.example.com"), 1 },
		{ "published shields from the wildcard", TF_LIT("free.example.com"), -1 },
		{ "another domain with the same end", TF_LIT("notexample.com"), -1 },
		{ "a parent", TF_LIT("com"), -1 },
		{ "until has passed", TF_LIT("over.test"), -1 },
		{ "until is its last second", TF_LIT("today.test"), 5 },
		{ "expired: the wildcard governs again", TF_LIT("old.example.com"), 1 },
		{ "no domain", TF_LIT(""), -1 },
	};
	struct tf_verdict_opts opts = { .overrides = sections,
		.override_count = TF_ARRAY_LEN(sections) };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_override *o = tf_override_find(&opts, rows[i].domain, NOW);

		assert_num(rows[i].what, o != NULL ? o - sections : -1, rows[i].want);
	}
}

static void
test_facts(void **state)
{
	static const struct tf_str lists[] = { TF_LIT("lists.test"), TF_LIT("*.relay.test") };
	static const struct row {
		const char *what;
		enum tf_code spf, dkim;
		struct tf_str spf_domain, dkim_domain, client;
		bool want;
	} rows[] = {
		{ "nothing authenticated", TF_FAIL, TF_FAIL, TF_LIT("lists.test"),
		    TF_LIT("lists.test"), TF_LIT("192.0.2.1"), false },
		{ "SPF pass of a listed domain", TF_PASS, TF_NONE, TF_LIT("lists.test"), TF_LIT(""),
		    TF_LIT("192.0.2.1"), true },
		{ "SPF softfail of it", TF_SOFTFAIL, TF_NONE, TF_LIT("lists.test"), TF_LIT(""),
		    TF_LIT("192.0.2.1"), false },
		{ "SPF pass of a name below", TF_PASS, TF_NONE, TF_LIT("x.lists.test"), TF_LIT(""),
		    TF_LIT("192.0.2.1"), false },
		{ "SPF pass of another domain", TF_PASS, TF_NONE, TF_LIT("attack.test"), TF_LIT(""),
		    TF_LIT("192.0.2.1"), false },
		{ "DKIM pass of a listed domain", TF_NONE, TF_PASS, TF_LIT(""),
		    TF_LIT("lists.test"), TF_LIT("192.0.2.1"), true },
		{ "DKIM policy of it", TF_NONE, TF_POLICY, TF_LIT(""), TF_LIT("lists.test"),
		    TF_LIT("192.0.2.1"), false },
		{ "DKIM pass under a wildcard", TF_NONE, TF_PASS, TF_LIT(""),
		    TF_LIT("a.relay.test"), TF_LIT("192.0.2.1"), true },
		{ "DKIM pass of the wildcard's own name", TF_NONE, TF_PASS, TF_LIT(""),
		    TF_LIT("relay.test"), TF_LIT("192.0.2.1"), false },
		{ "client in a network", TF_FAIL, TF_NONE, TF_LIT(""), TF_LIT(""),
		    TF_LIT("198.51.100.9"), true },
		{ "client unknown", TF_PASS, TF_PASS, TF_LIT(""), TF_LIT(""), TF_LIT(""), false },
	};
	struct tf_net net;
	struct tf_facts facts = { .spf_pass = lists,
		.spf_count = 2,
		.dkim_pass = lists,
		.dkim_count = 2,
		.networks = &net,
		.network_count = 1 };
	static const struct tf_facts none;

	(void)state;
	assert_true(tf_net_parse(TF_STR("198.51.100.0/24"), &net));
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_dkim sig = { .code = rows[i].dkim, .domain = rows[i].dkim_domain };
		struct tf_result res = { .dkim = &sig, .dkim_count = 1 };

		res.mailfrom.code = rows[i].spf;
		res.mailfrom.domain = rows[i].spf_domain;
		tf_addr_parse(rows[i].client, &res.identity.client);
		assert_num(
		    rows[i].what, tf_facts_hold(&facts, &res) == TF_VOUCHED_YES, rows[i].want);
		assert_num(rows[i].what, tf_facts_hold(&none, &res), TF_VOUCHED_NO);
	}
}

static void
test_vouched(void **state)
{
	static const struct tf_override exact = { .domain = TF_LIT("example.com") };
	static const struct tf_override below = { .domain = TF_LIT("example.com"),
		.subdomains = true };
	static const struct tf_override tld = { .domain = TF_LIT("com"), .subdomains = true };
	static const struct row {
		const char *what;
		const struct tf_override *o;
		struct tf_str from, id;
		enum tf_code code;
		enum tf_vouched want;
	} rows[] = {
		{ "the same", &exact, TF_LIT("example.com"), TF_LIT("example.com"), TF_PASS,
		    TF_VOUCHED_YES },
		{ "below", &exact, TF_LIT("example.com"), TF_LIT("b.example.com"), TF_PASS,
		    TF_VOUCHED_YES },
		{ "below, temperror", &exact, TF_LIT("example.com"), TF_LIT("b.example.com"),
		    TF_TEMPERROR, TF_VOUCHED_MAYBE },
		{ "below, softfail", &exact, TF_LIT("example.com"), TF_LIT("b.example.com"),
		    TF_SOFTFAIL, TF_VOUCHED_NO },
		{ "above, section for the name alone", &exact, TF_LIT("example.com"), TF_LIT("com"),
		    TF_PASS, TF_VOUCHED_NO },
		{ "above, the wildcard's own name", &below, TF_LIT("a.example.com"),
		    TF_LIT("example.com"), TF_PASS, TF_VOUCHED_YES },
		{ "above, within the wildcard", &below, TF_LIT("a.b.example.com"),
		    TF_LIT("b.example.com"), TF_PASS, TF_VOUCHED_YES },
		{ "beside, within the wildcard", &below, TF_LIT("a.example.com"),
		    TF_LIT("b.example.com"), TF_PASS, TF_VOUCHED_NO },
		{ "above the wildcard", &below, TF_LIT("a.example.com"), TF_LIT("com"), TF_PASS,
		    TF_VOUCHED_NO },
		{ "E13 a public suffix of one label", &tld, TF_LIT("a.com"), TF_LIT("com"), TF_PASS,
		    TF_VOUCHED_NO },
		{ "other domain", &exact, TF_LIT("example.com"), TF_LIT("attack.com"), TF_PASS,
		    TF_VOUCHED_NO },
		{ "same end, no label boundary", &exact, TF_LIT("example.com"),
		    TF_LIT("notexample.com"), TF_PASS, TF_VOUCHED_NO },
		{ "no domain", &exact, TF_LIT("example.com"), TF_LIT(""), TF_PASS, TF_VOUCHED_NO },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_dkim sig = { .code = rows[i].code, .domain = rows[i].id };
		struct tf_result by_dkim = { .dkim = &sig, .dkim_count = 1 };
		struct tf_result by_spf = { .dkim_count = 0 };

		by_spf.mailfrom.code = rows[i].code;
		by_spf.mailfrom.domain = rows[i].id;
		assert_num(rows[i].what, tf_override_vouched(rows[i].o, &by_dkim, rows[i].from),
		    rows[i].want);
		assert_num(rows[i].what, tf_override_vouched(rows[i].o, &by_spf, rows[i].from),
		    rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_vouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
