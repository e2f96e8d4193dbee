/*
 * test_trust.c - what trusted ARC sealers change, and what strangers do not
 */
#include "policy/trust.h"
#include "tests/unit/test.h"

#define R TF_POLICY_REJECT
#define FROM "legit.test"
#define PASS_OF(author) .says_dmarc = true, .dmarc = TF_PASS, .from = TF_LIT(author)
#define LIST .domain = TF_LIT("lists.test"), .message_domain = TF_LIT("lists.test")
#define SECOND .domain = TF_LIT("second.test"), .message_domain = TF_LIT("second.test")
#define STRANGER .domain = TF_LIT("evil.test"), .message_domain = TF_LIT("evil.test")

static const struct tf_str trusted[] = { TF_LIT("lists.test"), TF_LIT("second.test") };

static struct tf_verdict_opts
defaults(void)
{
	return (struct tf_verdict_opts){
		.dmarc_enabled = true,
		.on_reject = TF_ON_REJECT,
		.on_quarantine = TF_ON_HEADER,
		.on_spf_fail = TF_ON_ACCEPT,
		.on_helo_fail = TF_ON_ACCEPT,
		.reply = TF_STR("5.7.1 rejected by DMARC policy for %{domain}"),
		.trusted_sealers = trusted,
		.trusted_sealer_count = TF_ARRAY_LEN(trusted),
	};
}

/* clang-format off */
static const struct row {
	const char *what;
	enum tf_code chain;
	struct tf_arc_set sets[4]; /* instance 1 first */
	size_t count;
	const char *sealer; /* empty: not rescued */
	const char *why;
} rows[] = {
	{ "no chain", TF_NONE, { { .message = TF_NONE } }, 0, "", "" },
	{ "D10 ARC-26 the only set", TF_PASS, { { LIST, PASS_OF(FROM) } }, 1, "lists.test",
	    "set 1 of the trusted sealer lists.test says dmarc=pass of legit.test" },
	{ "ARC-26 the lowest of two trusted ones is named and asked", TF_PASS,
	    { { LIST, PASS_OF(FROM) }, { SECOND, .says_dmarc = true, .dmarc = TF_FAIL } }, 2, "lists.test",
	    "set 1 of the trusted sealer lists.test says dmarc=pass of legit.test" },
	{ "a stranger's set below says nothing", TF_PASS,
	    { { STRANGER, PASS_OF(FROM) }, { LIST, PASS_OF(FROM) } }, 2, "lists.test",
	    "set 2 of the trusted sealer lists.test says dmarc=pass of legit.test" },
	{ "a stranger's dmarc=pass below does not count", TF_PASS,
	    { { STRANGER, PASS_OF(FROM) }, { LIST, .says_dmarc = true, .dmarc = TF_FAIL, .from = TF_LIT(FROM) } }, 2, "",
	    "set 2 of lists.test says dmarc=fail" },
	{ "D9 a stranger's seal that says dmarc=pass", TF_PASS, { { STRANGER, PASS_OF(FROM) } }, 1, "",
	    "evil.test, which sealed last, is no trusted sealer" },
	{ "ARC-27 a trusted set below a stranger's", TF_PASS,
	    { { LIST, PASS_OF(FROM) }, { STRANGER, PASS_OF(FROM) } }, 2, "",
	    "evil.test, which sealed last, is no trusted sealer" },
	{ "a stranger between two trusted ones", TF_PASS,
	    { { LIST, PASS_OF(FROM) }, { STRANGER, PASS_OF(FROM) }, { SECOND, .says_dmarc = true, .dmarc = TF_FAIL } }, 3, "",
	    "set 3 of second.test says dmarc=fail" },
	{ "ARC-17 another trusted one's message signature", TF_PASS,
	    { { .domain = TF_LIT("lists.test"), .message_domain = TF_LIT("second.test"), PASS_OF(FROM) } }, 1, "lists.test",
	    "set 1 of the trusted sealer lists.test says dmarc=pass of legit.test" },
	{ "a stranger's message signature under a trusted seal", TF_PASS,
	    { { .domain = TF_LIT("lists.test"), .message_domain = TF_LIT("evil.test"), PASS_OF(FROM) } }, 1, "",
	    "lists.test sealed last, but the message was signed by evil.test, which is no trusted sealer" },
	{ "the same below a trusted set", TF_PASS,
	    { { .domain = TF_LIT("lists.test"), .message_domain = TF_LIT("evil.test"), PASS_OF(FROM) },
		{ SECOND, .says_dmarc = true, .dmarc = TF_FAIL } }, 2, "",
	    "set 2 of second.test says dmarc=fail" },
	{ "no usable message signature below a trusted set", TF_PASS,
	    { { .domain = TF_LIT("lists.test"), PASS_OF(FROM) }, { SECOND, PASS_OF("other.test") } }, 2, "",
	    "set 2 of second.test says dmarc=pass of other.test, not of legit.test" },
	{ "ARC-27 dmarc=fail", TF_PASS, { { LIST, .says_dmarc = true, .dmarc = TF_FAIL, .from = TF_LIT(FROM) } }, 1, "",
	    "set 1 of lists.test says dmarc=fail" },
	{ "dmarc=none is no pass", TF_PASS, { { LIST, .says_dmarc = true, .dmarc = TF_NONE, .from = TF_LIT(FROM) } }, 1, "",
	    "set 1 of lists.test says dmarc=none" },
	{ "no dmarc result, or several", TF_PASS, { { LIST, .from = TF_LIT(FROM) } }, 1, "",
	    "set 1 of lists.test has no usable dmarc result" },
	{ "another author", TF_PASS, { { LIST, PASS_OF("other.test") } }, 1, "",
	    "set 1 of lists.test says dmarc=pass of other.test, not of legit.test" },
	{ "a subdomain is another author", TF_PASS, { { LIST, PASS_OF("a.legit.test") } }, 1, "",
	    "set 1 of lists.test says dmarc=pass of a.legit.test, not of legit.test" },
	{ "no author", TF_PASS, { { LIST, PASS_OF("") } }, 1, "",
	    "set 1 of lists.test says dmarc=pass of an unnamed author, not of legit.test" },
	{ "sealers are matched exactly: a subdomain", TF_PASS, { { .domain = TF_LIT("a.lists.test"), PASS_OF(FROM) } }, 1, "",
	    "a.lists.test, which sealed last, is no trusted sealer" },
	{ "sealers are matched exactly: the parent", TF_PASS, { { .domain = TF_LIT("test"), PASS_OF(FROM) } }, 1, "",
	    "test, which sealed last, is no trusted sealer" },
	{ "5.2 a failed chain is none", TF_FAIL, { { LIST, PASS_OF(FROM) } }, 1, "",
	    "the chain does not pass, so it counts as none" },
	{ "a chain without its keys", TF_TEMPERROR, { { LIST, PASS_OF(FROM) } }, 1, "",
	    "the chain does not pass, so it counts as none" },
};
/* clang-format on */

struct message {
	struct tf_result res;
	struct tf_dmarc dmarc;
	struct tf_str domain;
};

static void
message_init(struct message *m, const struct row *row)
{
	*m = (struct message){ .domain = TF_STR(FROM) };
	m->dmarc = (struct tf_dmarc){
		.code = TF_FAIL,
		.from = m->domain,
		.org_domain = m->domain,
		.policy = R,
		.applied_policy = R,
	};
	m->res.author = (struct tf_author){ .domains = &m->domain, .domain_count = 1 };
	m->res.authors = m->res.dmarc = &m->dmarc;
	m->res.author_count = 1;
	m->res.arc.code = row->chain;
	m->res.arc.instances = (uint32_t)row->count;
	m->res.arc.sets = row->sets;
	m->res.arc.set_count = row->count;
}

static void
eval(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict_opts *opts,
    struct tf_verdict *v)
{
	static const struct tf_str rcpt = TF_LIT("user@example.org");

	tf_verdict_eval(a, res, opts, &rcpt, 1, TF_STR("4F2Xz"), v);
}

static void
test_sealers(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct tf_verdict_opts opts = defaults();
		struct tf_arena *a = tf_arena_new();
		struct tf_str rule = TF_STR("dmarc-policy"), why;
		bool rescued = row->sealer[0] != '\0';
		struct tf_verdict v;
		struct message m;

		message_init(&m, row);
		assert_str(row->what, tf_trust_eval(a, &m.res, &opts, m.domain, &why),
		    tf_str_from(row->sealer));
		assert_str(row->what, why, tf_str_from(row->why));

		if (rescued)
			rule = tf_arena_printf(a, "trusted-sealer:%s", row->sealer);
		eval(a, &m.res, &opts, &v);
		assert_str(row->what, v.rule, rule);
		assert_str(row->what, v.arc, tf_str_from(row->why));
		assert_num(row->what, v.action, rescued ? TF_ACT_ACCEPT : TF_ACT_REJECT);
		assert_num(row->what, v.disposition, rescued ? TF_POLICY_NONE : R);
		assert_num(row->what, v.reply.len == 0, rescued);
		assert_num(row->what, v.dmarc->code, TF_FAIL);
		opts.monitor = true;
		eval(a, &m.res, &opts, &v);
		assert_str(row->what, v.rule, rule);
		assert_num(row->what, v.would, rescued ? TF_ACT_ACCEPT : TF_ACT_REJECT);

		/* ARC-25: without the list nobody is trusted. */
		opts = defaults();
		opts.trusted_sealer_count = 0;
		eval(a, &m.res, &opts, &v);
		assert_str(row->what, v.rule, TF_STR("dmarc-policy"));
		assert_num(row->what, v.action, TF_ACT_REJECT);
		tf_arena_free(a);
	}
}

/* What else the postmaster says. */
static void
test_precedence(void **state)
{
	static const struct tf_net networks[] = { { .addr = { .family = TF_FAMILY_V4 } } };
	static const struct {
		const char *what;
		struct tf_override o;
		enum tf_dmarc_policy applied;
		const char *rule;
		enum tf_action action;
		const char *why;
	} cases[] = {
		{ "a section that demands reject stands", { .policy = R }, TF_POLICY_NONE,
		    "override:legit.test", TF_ACT_REJECT,
		    "set 1 of the trusted sealer lists.test says dmarc=pass of legit.test, but the "
		    "section domain \"legit.test\" stands" },
		{ "a section that repeats reject stands", { .policy = R }, R, "dmarc-policy",
		    TF_ACT_REJECT,
		    "set 1 of the trusted sealer lists.test says dmarc=pass of legit.test, but the "
		    "section domain \"legit.test\" stands" },
		{ "a section that lowers, its fact missing", { .policy = TF_POLICY_NONE }, R,
		    "trusted-sealer:lists.test", TF_ACT_ACCEPT, NULL },
		{ "a section that lowers, its fact there",
		    { .policy = TF_POLICY_NONE,
			.when.networks = networks,
			.when.network_count = 1 },
		    R, "override:legit.test", TF_ACT_ACCEPT, "" },
		{ "policy = published", { .published = true }, R, "trusted-sealer:lists.test",
		    TF_ACT_ACCEPT, NULL },
		{ "p=none needs no rescue", { .published = true }, TF_POLICY_NONE, "none",
		    TF_ACT_ACCEPT, "" },
		{ "p=quarantine", { .published = true }, TF_POLICY_QUARANTINE,
		    "trusted-sealer:lists.test", TF_ACT_ACCEPT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_override o = cases[i].o;
		struct tf_arena *a = tf_arena_new();
		struct tf_verdict v;
		struct message m;

		message_init(&m, &rows[1]);
		tf_addr_parse(TF_STR("192.0.2.1"), &m.res.identity.client);
		m.dmarc.policy = m.dmarc.applied_policy = cases[i].applied;
		o.domain = TF_STR(FROM);
		opts.overrides = &o;
		opts.override_count = 1;
		eval(a, &m.res, &opts, &v);
		assert_str(cases[i].what, v.rule, tf_str_from(cases[i].rule));
		assert_num(cases[i].what, v.action, cases[i].action);
		if (cases[i].why != NULL)
			assert_str(cases[i].what, v.arc, tf_str_from(cases[i].why));
		tf_arena_free(a);
	}
}

/* Every failing author has to be vouched for; an SPF failure does not undo it. */
static void
test_other_checks(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict_opts opts = defaults();
	struct tf_dmarc authors[2];
	struct tf_verdict v;
	struct message m;

	(void)state;
	message_init(&m, &rows[1]);
	authors[0] = authors[1] = m.dmarc;
	authors[1].from = TF_STR("other.test");
	m.res.authors = authors;
	m.res.author_count = 2;
	for (int i = 0; i < 2; i++) {
		m.res.dmarc = &authors[i];
		eval(a, &m.res, &opts, &v);
		assert_str("two authors fail", v.rule, TF_STR("dmarc-policy"));
		assert_int_equal(v.action, TF_ACT_REJECT);
		assert_str("two authors fail", v.dmarc->from, TF_STR("other.test"));
	}
	authors[1].code = TF_PASS;
	m.res.dmarc = &authors[0];
	eval(a, &m.res, &opts, &v);
	assert_str("the other author passes", v.rule, TF_STR("trusted-sealer:lists.test"));

	opts.on_spf_fail = opts.on_helo_fail = TF_ON_REJECT;
	m.res.mailfrom = (struct tf_spf){ .code = TF_FAIL, .checked = true };
	eval(a, &m.res, &opts, &v);
	assert_str("spf.on_fail", v.rule, TF_STR("trusted-sealer:lists.test"));
	assert_int_equal(v.action, TF_ACT_ACCEPT);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealers),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_other_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
