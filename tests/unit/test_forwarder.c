/*
 * test_forwarder.c - mailing lists and forwarders that the postmaster knows
 */
#include "policy/forwarder.h"
#include "tests/unit/test.h"

#define N TF_POLICY_NONE
#define Q TF_POLICY_QUARANTINE
#define R TF_POLICY_REJECT
#define NOW 1800000000

static const struct tf_str lists[] = { TF_LIT("lists.test"), TF_LIT("*.relay.test") };

#define BY_SPF .when.spf_pass = lists, .when.spf_count = 2
#define BY_DKIM .when.dkim_pass = lists, .when.dkim_count = 2

/* A message from example.com that came with these results. */
struct message {
	const char *client;
	enum tf_code spf;
	const char *spf_domain;
	enum tf_code dkim;
	const char *dkim_domain;
};

static const struct message by_spf = { "192.0.2.9", TF_PASS, "lists.test", TF_NONE, "" };
static const struct message by_dkim = { "192.0.2.9", TF_FAIL, "x.test", TF_PASS, "a.relay.test" };
static const struct message by_network = { "198.51.100.7", TF_FAIL, "x.test", TF_NONE, "" };
static const struct message by_nobody = { "192.0.2.9", TF_PASS, "attack.test", TF_PASS,
	"attack.test" };
static const struct message unknown = { "192.0.2.9", TF_FAIL, "x.test", TF_TEMPERROR,
	"lists.test" };

struct facts {
	struct tf_dkim sig;
	struct tf_dmarc dmarc;
	struct tf_result res;
};

static void
facts_init(struct facts *f, const struct message *m, enum tf_code code, enum tf_dmarc_policy p)
{
	*f = (struct facts){ 0 };
	f->sig = (struct tf_dkim){ .code = m->dkim, .domain = tf_str_from(m->dkim_domain) };
	f->dmarc = (struct tf_dmarc){ .code = code,
		.from = TF_LIT("example.com"),
		.org_domain = TF_LIT("example.com"),
		.policy = p,
		.applied_policy = p };
	f->res.identity.now = NOW;
	assert_true(tf_addr_parse(tf_str_from(m->client), &f->res.identity.client));
	f->res.mailfrom.code = m->spf;
	f->res.mailfrom.domain = tf_str_from(m->spf_domain);
	f->res.dkim = &f->sig;
	f->res.dkim_count = 1;
	f->res.author.domains = &f->dmarc.from;
	f->res.author.domain_count = 1;
	f->res.authors = f->res.dmarc = &f->dmarc;
	f->res.author_count = 1;
}

static struct tf_net
network(void)
{
	struct tf_net net;

	assert_true(tf_net_parse(TF_STR("198.51.100.0/24"), &net));
	return net;
}

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_forwarder sections[2];
	const struct message *m;
	enum tf_dmarc_policy policy;
	const char *want; /* name of the section */
	enum tf_vouched vouched;
} rows[] = {
	{ "SPF pass", { { .name = TF_LIT("a"), .policy = N, BY_SPF } }, &by_spf, R, "a", TF_VOUCHED_YES },
	{ "DKIM pass under a wildcard", { { .name = TF_LIT("a"), .policy = N, BY_DKIM } }, &by_dkim, R, "a", TF_VOUCHED_YES },
	{ "another's SPF and DKIM", { { .name = TF_LIT("a"), .policy = N, BY_SPF, BY_DKIM } }, &by_nobody, R, "", TF_VOUCHED_NO },
	{ "SPF is asked for, DKIM passed", { { .name = TF_LIT("a"), .policy = N, BY_SPF } }, &by_dkim, R, "", TF_VOUCHED_NO },
	{ "no condition", { { .name = TF_LIT("a"), .policy = N } }, &by_spf, R, "", TF_VOUCHED_NO },
	{ "quarantine of reject", { { .name = TF_LIT("a"), .policy = Q, BY_SPF } }, &by_spf, R, "a", TF_VOUCHED_YES },
	{ "quarantine of quarantine", { { .name = TF_LIT("a"), .policy = Q, BY_SPF } }, &by_spf, Q, "", TF_VOUCHED_NO },
	{ "never stricter", { { .name = TF_LIT("a"), .policy = R, BY_SPF } }, &by_spf, Q, "", TF_VOUCHED_NO },
	{ "last second of its time", { { .name = TF_LIT("a"), .policy = N, .until = NOW, BY_SPF } }, &by_spf, R, "a", TF_VOUCHED_YES },
	{ "a second later", { { .name = TF_LIT("a"), .policy = N, .until = NOW - 1, BY_SPF } }, &by_spf, R, "", TF_VOUCHED_NO },
	{ "the milder of two", { { .name = TF_LIT("a"), .policy = Q, BY_SPF }, { .name = TF_LIT("b"), .policy = N, BY_SPF } }, &by_spf, R, "b", TF_VOUCHED_YES },
	{ "the first of two alike", { { .name = TF_LIT("a"), .policy = N, BY_SPF }, { .name = TF_LIT("b"), .policy = N, BY_SPF } }, &by_spf, R, "a", TF_VOUCHED_YES },
	{ "not known for want of DNS", { { .name = TF_LIT("a"), .policy = N, BY_DKIM } }, &unknown, R, "a", TF_VOUCHED_MAYBE },
	{ "not known of one, true of another", { { .name = TF_LIT("a"), .policy = N, BY_DKIM }, { .name = TF_LIT("b"), .policy = Q, .when.spf_pass = (const struct tf_str[]){ TF_LIT("attack.test") }, .when.spf_count = 1 } },
	    &(const struct message){ "192.0.2.9", TF_PASS, "attack.test", TF_TEMPERROR, "lists.test" }, R, "b", TF_VOUCHED_YES },
};
/* clang-format on */

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		const struct tf_verdict_opts opts = { .forwarders = r->sections,
			.forwarder_count = r->sections[1].name.len != 0 ? 2 : 1 };
		const struct tf_forwarder *found;
		enum tf_vouched vouched;
		struct facts f;

		facts_init(&f, r->m, TF_FAIL, r->policy);
		found = tf_forwarder_find(&opts, &f.res, r->policy, &vouched);
		assert_str(
		    r->what, found != NULL ? found->name : TF_NONE_STR, tf_str_from(r->want));
		assert_num(r->what, vouched, r->vouched);
	}
}

static void
test_networks(void **state)
{
	const struct tf_net net = network();
	const struct tf_forwarder section = {
		.name = TF_LIT("a"), .policy = N, .when.networks = &net, .when.network_count = 1
	};
	const struct tf_verdict_opts opts = { .forwarders = &section, .forwarder_count = 1 };
	enum tf_vouched vouched;
	struct facts f;

	(void)state;
	facts_init(&f, &by_network, TF_FAIL, R);
	assert_ptr_equal(tf_forwarder_find(&opts, &f.res, R, &vouched), &section);
	facts_init(&f, &by_spf, TF_FAIL, R);
	assert_null(tf_forwarder_find(&opts, &f.res, R, &vouched));
}

/* clang-format off */
static const struct verdict_row {
	const char *what;
	const struct message *m;
	enum tf_code code;
	enum tf_dmarc_policy published, forwarder, section; /* UNKNOWN: no domain section */
	enum tf_on on_temperror;
	enum tf_action action;
	const char *rule;
} verdict_rows[] = {
	{ "let in", &by_spf, TF_FAIL, R, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_ACCEPT, "forwarder:python-lists" },
	{ "marked", &by_spf, TF_FAIL, R, Q, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_QUARANTINE, "forwarder:python-lists" },
	{ "not through it", &by_nobody, TF_FAIL, R, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_REJECT, "dmarc-policy" },
	{ "passes anyway", &by_spf, TF_PASS, R, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_ACCEPT, "none" },
	{ "p=none needs nothing", &by_spf, TF_FAIL, N, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_ACCEPT, "none" },
	{ "p=none does not become stricter", &by_spf, TF_FAIL, N, Q, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_ACCEPT, "none" },
	{ "no record is no failure", &by_spf, TF_NONE, TF_POLICY_UNKNOWN, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_ACCEPT, "none" },
	{ "a section that forces reject stands", &by_spf, TF_FAIL, N, N, R, TF_ON_ACCEPT, TF_ACT_REJECT, "override:example.com" },
	{ "and one that says what is published", &by_spf, TF_FAIL, R, N, R, TF_ON_ACCEPT, TF_ACT_REJECT, "dmarc-policy" },
	{ "a milder section that does not hold does not", &by_spf, TF_FAIL, R, N, Q, TF_ON_ACCEPT, TF_ACT_ACCEPT, "forwarder:python-lists" },
	{ "not known, and to be put off", &unknown, TF_FAIL, R, N, TF_POLICY_UNKNOWN, TF_ON_TEMPFAIL, TF_ACT_TEMPFAIL, "temperror" },
	{ "not known, and nothing is put off", &unknown, TF_FAIL, R, N, TF_POLICY_UNKNOWN, TF_ON_ACCEPT, TF_ACT_REJECT, "dmarc-policy" },
	{ "DMARC not known", &by_spf, TF_TEMPERROR, R, N, TF_POLICY_UNKNOWN, TF_ON_TEMPFAIL, TF_ACT_TEMPFAIL, "temperror" },
};
/* clang-format on */

static void
test_verdicts(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(verdict_rows); i++) {
		const struct verdict_row *r = &verdict_rows[i];
		const struct tf_forwarder section = {
			.name = TF_LIT("python-lists"), .policy = r->forwarder, BY_SPF, BY_DKIM
		};
		const struct tf_override override = { .domain = TF_LIT("example.com"),
			.policy = r->section };
		const struct tf_verdict_opts opts = {
			.dmarc_enabled = true,
			.on_reject = TF_ON_REJECT,
			.on_quarantine = TF_ON_HEADER,
			.on_temperror = r->on_temperror,
			.reply = TF_LIT("5.7.1 no"),
			.overrides = &override,
			.override_count = r->section != TF_POLICY_UNKNOWN,
			.forwarders = &section,
			.forwarder_count = 1,
		};
		struct tf_verdict v;
		struct facts f;

		facts_init(&f, r->m, r->code, r->published);
		tf_verdict_eval(a, &f.res, &opts, NULL, 0, TF_NONE_STR, &v);
		assert_num(r->what, v.action, r->action);
		assert_str(r->what, v.rule, tf_str_from(r->rule));
	}
	tf_arena_free(a);
}

/* SPF fails at a forwarder that leaves the envelope as it is: spf.on_fail leaves it alone. */
static void
test_spf_fail(void **state)
{
	const struct tf_net net = network();
	const struct tf_forwarder section = { .name = TF_LIT("alumni"),
		.policy = N,
		.when.networks = &net,
		.when.network_count = 1 };
	const struct tf_verdict_opts opts = { .dmarc_enabled = true,
		.on_reject = TF_ON_REJECT,
		.on_spf_fail = TF_ON_REJECT,
		.reply = TF_LIT("5.7.1 no"),
		.forwarders = &section,
		.forwarder_count = 1 };
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict v;
	struct facts f;

	(void)state;
	facts_init(&f, &by_network, TF_FAIL, R);
	tf_verdict_eval(a, &f.res, &opts, NULL, 0, TF_NONE_STR, &v);
	assert_num("let in", v.action, TF_ACT_ACCEPT);
	assert_str("let in", v.rule, TF_STR("forwarder:alumni"));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_spf_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
