/*
 * test_verdict.c - facts and local policy become one action and one reason
 */
#include "tests/unit/test.h"
#include "truefrom/verdict.h"

#define NOW 1800000000
#define N TF_POLICY_NONE
#define Q TF_POLICY_QUARANTINE
#define R TF_POLICY_REJECT

static const struct tf_str postmaster_and_abuse[] = { TF_LIT("postmaster@*"), TF_LIT("abuse@*"),
	TF_LIT("*@open.example.org"), TF_LIT("*@xn--bcher-kva.example") };

static struct tf_verdict_opts
defaults(void)
{
	return (struct tf_verdict_opts){
		.dmarc_enabled = true,
		.on_reject = TF_ON_REJECT,
		.on_quarantine = TF_ON_HEADER,
		.on_temperror = TF_ON_ACCEPT,
		.on_invalid_from = TF_ON_REJECT,
		.on_spf_fail = TF_ON_ACCEPT,
		.on_helo_fail = TF_ON_ACCEPT,
		.reply = TF_STR("5.7.1 rejected by DMARC policy for %{domain}"),
		.exempt_recipients = postmaster_and_abuse,
		.exempt_recipient_count = TF_ARRAY_LEN(postmaster_and_abuse),
	};
}

/* A message from one author domain. */
struct message {
	struct tf_result res;
	struct tf_dmarc dmarc;
	struct tf_str domain;
	struct tf_dkim sig;
};

static void
message_init(struct message *m, const char *from, enum tf_code code, enum tf_dmarc_policy applied)
{
	*m = (struct message){ .domain = tf_str_from(from) };
	m->dmarc = (struct tf_dmarc){
		.code = code,
		.from = m->domain,
		.org_domain = m->domain,
		.policy = applied,
		.applied_policy = applied,
	};
	m->res.identity.now = NOW;
	tf_addr_parse(TF_STR("192.0.2.9"), &m->res.identity.client);
	m->res.author = (struct tf_author){ .domains = &m->domain, .domain_count = 1 };
	m->res.authors = m->res.dmarc = &m->dmarc;
	m->res.author_count = 1;
}

/* What a verdict must be; reply is compared too when it is given. */
struct want {
	enum tf_action action;
	enum tf_dmarc_policy disposition;
	const char *rule, *reply, *hold;
};

static void
check(const char *what, const struct tf_verdict *v, const struct want *want)
{
	assert_num(what, v->action, want->action);
	assert_num(what, v->disposition, want->disposition);
	assert_str(what, v->rule, tf_str_from(want->rule));
	assert_str(what, v->hold_reason, tf_str_from(want->hold));
	if (want->reply != NULL)
		assert_str(what, v->reply, tf_str_from(want->reply));
	assert_num(what, v->reply.len != 0,
	    want->action == TF_ACT_REJECT || want->action == TF_ACT_TEMPFAIL);
}

static void
eval(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict_opts *opts,
    struct tf_verdict *v)
{
	static const struct tf_str rcpt = TF_LIT("<user@example.org>");

	tf_verdict_eval(a, res, opts, &rcpt, 1, TF_STR("4F2Xz"), v);
}

static void
test_policy(void **state)
{
	static const struct row {
		const char *what;
		enum tf_code code;
		enum tf_dmarc_policy applied;
		enum tf_on on_reject, on_quarantine;
		struct want want;
	} rows[] = {
		{ "9989 5.3.6 pass", TF_PASS, R, TF_ON_REJECT, TF_ON_HEADER,
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "DMARC-4 no record", TF_NONE, TF_POLICY_UNKNOWN, TF_ON_REJECT, TF_ON_HEADER,
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "9989 4.8 broken record", TF_PERMERROR, TF_POLICY_UNKNOWN, TF_ON_REJECT,
		    TF_ON_HEADER, { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "DMARC-39 fail under p=none", TF_FAIL, N, TF_ON_REJECT, TF_ON_HEADER,
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "DMARC-1 p=reject refused", TF_FAIL, R, TF_ON_REJECT, TF_ON_HEADER,
		    { TF_ACT_REJECT, R, "dmarc-policy",
			"550 5.7.1 rejected by DMARC policy for example.com", NULL } },
		{ "DMARC-1 on_reject = quarantine", TF_FAIL, R, TF_ON_QUARANTINE, TF_ON_HEADER,
		    { TF_ACT_QUARANTINE, Q, "dmarc-policy", "", NULL } },
		{ "on_reject = quarantine, held", TF_FAIL, R, TF_ON_QUARANTINE, TF_ON_HOLD,
		    { TF_ACT_QUARANTINE, Q, "dmarc-policy", "",
			"DMARC policy reject of example.com" } },
		{ "on_reject = accept", TF_FAIL, R, TF_ON_ACCEPT, TF_ON_HEADER,
		    { TF_ACT_ACCEPT, N, "dmarc-policy", "", NULL } },
		{ "p=quarantine marked", TF_FAIL, Q, TF_ON_REJECT, TF_ON_HEADER,
		    { TF_ACT_QUARANTINE, Q, "dmarc-policy", "", NULL } },
		{ "p=quarantine held", TF_FAIL, Q, TF_ON_REJECT, TF_ON_HOLD,
		    { TF_ACT_QUARANTINE, Q, "dmarc-policy", "",
			"DMARC policy quarantine of example.com" } },
		{ "p=quarantine refused", TF_FAIL, Q, TF_ON_REJECT, TF_ON_REJECT,
		    { TF_ACT_REJECT, R, "dmarc-policy",
			"550 5.7.1 rejected by DMARC policy for example.com", NULL } },
		{ "p=quarantine accepted", TF_FAIL, Q, TF_ON_REJECT, TF_ON_ACCEPT,
		    { TF_ACT_ACCEPT, N, "dmarc-policy", "", NULL } },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_verdict v;
		struct message m;

		message_init(&m, "example.com", rows[i].code, rows[i].applied);
		opts.on_reject = rows[i].on_reject;
		opts.on_quarantine = rows[i].on_quarantine;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &rows[i].want);
		assert_num(rows[i].what, v.would, TF_ACT_ACCEPT);
		assert_ptr_equal(v.dmarc, &m.dmarc);
		if (rows[i].want.hold != NULL)
			assert_num(rows[i].what, v.quarantine, TF_QUARANTINE_HOLD);
		else
			assert_num(rows[i].what, v.quarantine, TF_QUARANTINE_HEADER);
		/* Monitor mode keeps the rule, withholds the rest. */
		opts.monitor = true;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v,
		    &(struct want){ TF_ACT_ACCEPT, N, rows[i].want.rule, "", NULL });
		assert_num(rows[i].what, v.would, rows[i].want.action);
	}
	tf_arena_free(a);
}

static void
test_exempt(void **state)
{
	static const struct row {
		enum tf_exempt exempt;
		const char *rule;
	} rows[] = {
		{ TF_EXEMPT_TRUSTED_NETWORK, "trusted-network" },
		{ TF_EXEMPT_AUTHENTICATED, "authenticated" },
		{ TF_EXEMPT_TRUSTED_RELAY, "trusted-relay" },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		/* The empty result of exempt mail; even a From state would not count. */
		struct tf_result res = { .exempt = rows[i].exempt };
		struct tf_verdict v;

		res.author.state = TF_FROM_MISSING;
		eval(a, &res, &opts, &v);
		check(rows[i].rule, &v, &(struct want){ TF_ACT_ACCEPT, N, rows[i].rule, "", NULL });
		assert_null(v.dmarc);
	}
	tf_arena_free(a);
}

static void
test_invalid_from(void **state)
{
	static const struct row {
		const char *what;
		enum tf_from_state from;
		struct tf_str reason;
		enum tf_on on;
		struct want want;
	} rows[] = {
		{ "F5 missing", TF_FROM_MISSING, TF_LIT(""), TF_ON_REJECT,
		    { TF_ACT_REJECT, R, "invalid-from:missing",
			"550 5.7.1 invalid From header: no From field", NULL } },
		{ "F1 repeated", TF_FROM_MULTIPLE_FIELDS, TF_LIT("2 From fields"), TF_ON_REJECT,
		    { TF_ACT_REJECT, R, "invalid-from:multiple-fields",
			"550 5.7.1 invalid From header: 2 From fields", NULL } },
		{ "F15 nothing of the message ends the line", TF_FROM_SYNTAX,
		    TF_LIT("text after <Alice@L\n\0A>\377"), TF_ON_REJECT,
		    { TF_ACT_REJECT, R, "invalid-from:syntax",
			"550 5.7.1 invalid From header: text after <Alice@L??A>?", NULL } },
		{ "F22 empty group", TF_FROM_NO_ADDRESS, TF_LIT(""), TF_ON_QUARANTINE,
		    { TF_ACT_QUARANTINE, Q, "invalid-from:no-address", "", NULL } },
		{ "F25 address literal, held", TF_FROM_BAD_DOMAIN, TF_LIT(""), TF_ON_HOLD,
		    { TF_ACT_QUARANTINE, Q, "invalid-from:bad-domain", "",
			"invalid From header: no usable domain" } },
		{ "DMARC-34 too many, accepted", TF_FROM_TOO_MANY_DOMAINS, TF_LIT(""), TF_ON_ACCEPT,
		    { TF_ACT_ACCEPT, N, "invalid-from:too-many-domains", "", NULL } },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_verdict v;
		struct message m;

		message_init(&m, "", TF_PERMERROR, TF_POLICY_UNKNOWN);
		m.res.author =
		    (struct tf_author){ .state = rows[i].from, .reason = rows[i].reason };
		opts.on_invalid_from = rows[i].on;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &rows[i].want);
		opts.dmarc_enabled = false; /* its key belongs to DMARC */
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &(struct want){ TF_ACT_ACCEPT, N, "none", "", NULL });
		assert_null(v.dmarc);
	}
	tf_arena_free(a);
}

static void
test_temperror(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict_opts opts = defaults();
	struct tf_verdict v;
	struct message m;

	(void)state;
	message_init(&m, "example.com", TF_TEMPERROR, TF_POLICY_UNKNOWN);
	eval(a, &m.res, &opts, &v);
	check("DMARC-30 accepted by default", &v,
	    &(struct want){ TF_ACT_ACCEPT, N, "temperror", "", NULL });
	opts.on_temperror = TF_ON_TEMPFAIL;
	eval(a, &m.res, &opts, &v);
	check("DMARC-30 deferred", &v,
	    &(struct want){ TF_ACT_TEMPFAIL, N, "temperror",
		"451 4.7.1 DNS failure during DMARC evaluation, please try again later: "
		"example.com",
		NULL });
	opts.monitor = true;
	eval(a, &m.res, &opts, &v);
	check("no 4xx in monitor mode", &v,
	    &(struct want){ TF_ACT_ACCEPT, N, "temperror", "", NULL });
	assert_int_equal(v.would, TF_ACT_TEMPFAIL);
	tf_arena_free(a);
}

static void
test_several_authors(void **state)
{
	static const struct row {
		const char *what;
		struct {
			const char *from;
			enum tf_code code;
			enum tf_dmarc_policy applied;
		} first, second;
		size_t decided_facts; /* what DMARC took for the strictest failing one */
		const char *decided;
		struct want want;
	} rows[] = {
		{ "F6 the strictest failing one", { "attack.com", TF_PASS, R },
		    { "legit.com", TF_FAIL, R }, 1, "legit.com",
		    { TF_ACT_REJECT, R, "dmarc-policy",
			"550 5.7.1 rejected by DMARC policy for legit.com", NULL } },
		{ "F6 the other order", { "legit.com", TF_FAIL, R }, { "attack.com", TF_PASS, N },
		    0, "legit.com", { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "quarantine against none", { "a.test", TF_FAIL, Q }, { "b.test", TF_FAIL, N }, 0,
		    "a.test", { TF_ACT_QUARANTINE, Q, "dmarc-policy", "", NULL } },
		{ "both pass", { "a.test", TF_PASS, R }, { "b.test", TF_PASS, Q }, 1, "b.test",
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "an override makes the milder one stricter", { "a.test", TF_FAIL, Q },
		    { "forced.test", TF_FAIL, N }, 0, "forced.test",
		    { TF_ACT_REJECT, R, "override:forced.test",
			"550 5.7.1 rejected by DMARC policy for forced.test", NULL } },
		{ "deferred before marked", { "a.test", TF_FAIL, Q }, { "b.test", TF_TEMPERROR, N },
		    0, "b.test", { TF_ACT_TEMPFAIL, N, "temperror", NULL, NULL } },
		{ "refused before deferred", { "a.test", TF_TEMPERROR, N },
		    { "b.test", TF_FAIL, R }, 0, "b.test",
		    { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
	};
	static const struct tf_override forced = { .domain = TF_LIT("forced.test"), .policy = R };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_dmarc authors[2];
		struct tf_verdict v;
		struct message m;

		message_init(&m, rows[i].first.from, rows[i].first.code, rows[i].first.applied);
		authors[0] = m.dmarc;
		message_init(&m, rows[i].second.from, rows[i].second.code, rows[i].second.applied);
		authors[1] = m.dmarc;
		m.res.authors = authors;
		m.res.author_count = 2;
		m.res.dmarc = &authors[rows[i].decided_facts];
		opts.on_temperror = TF_ON_TEMPFAIL;
		opts.overrides = &forced;
		opts.override_count = 1;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &rows[i].want);
		assert_str(rows[i].what, v.dmarc->from, tf_str_from(rows[i].decided));
	}
	tf_arena_free(a);
}

static void
test_overrides(void **state)
{
	static const struct tf_str list[] = { TF_LIT("lists.test") };
#define WHEN .when.dkim_pass = list, .when.dkim_count = 1
	static const struct row {
		const char *what;
		struct tf_override o;
		enum tf_code code;
		enum tf_dmarc_policy published;
		enum tf_code dkim;
		struct tf_str dkim_domain;
		struct want want;
	} rows[] = {
		{ "up: p=none forced to reject", { .policy = R }, TF_FAIL, N, TF_NONE, TF_LIT(""),
		    { TF_ACT_REJECT, R, "override:example.com",
			"550 5.7.1 rejected by DMARC policy for example.com", NULL } },
		{ "up: t=y made reject again", { .policy = R }, TF_FAIL, Q, TF_NONE, TF_LIT(""),
		    { TF_ACT_REJECT, R, "override:example.com", NULL, NULL } },
		{ "up to quarantine", { .policy = Q }, TF_FAIL, N, TF_NONE, TF_LIT(""),
		    { TF_ACT_QUARANTINE, Q, "override:example.com", "", NULL } },
		{ "up needs no fact", { .policy = R, WHEN }, TF_FAIL, N, TF_NONE, TF_LIT(""),
		    { TF_ACT_REJECT, R, "override:example.com", NULL, NULL } },
		{ "a pass stays a pass", { .policy = R }, TF_PASS, N, TF_PASS,
		    TF_LIT("example.com"), { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "no record: forced, nothing speaks for it", { .policy = R }, TF_NONE,
		    TF_POLICY_UNKNOWN, TF_PASS, TF_LIT("attack.com"),
		    { TF_ACT_REJECT, R, "override:example.com", NULL, NULL } },
		{ "no record: forced, its own signature", { .policy = R }, TF_NONE,
		    TF_POLICY_UNKNOWN, TF_PASS, TF_LIT("mail.example.com"),
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "no record: forced, its own key not retrievable", { .policy = R }, TF_NONE,
		    TF_POLICY_UNKNOWN, TF_TEMPERROR, TF_LIT("example.com"),
		    { TF_ACT_ACCEPT, N, "temperror", "", NULL } },
		{ "broken record: forced", { .policy = R }, TF_PERMERROR, TF_POLICY_UNKNOWN,
		    TF_NONE, TF_LIT(""), { TF_ACT_REJECT, R, "override:example.com", NULL, NULL } },
		{ "DNS failure is no fail, forced or not", { .policy = R }, TF_TEMPERROR,
		    TF_POLICY_UNKNOWN, TF_NONE, TF_LIT(""),
		    { TF_ACT_ACCEPT, N, "temperror", "", NULL } },
		{ "down by an authenticated fact", { .policy = N, WHEN }, TF_FAIL, R, TF_PASS,
		    TF_LIT("lists.test"), { TF_ACT_ACCEPT, N, "override:example.com", "", NULL } },
		{ "down to quarantine", { .policy = Q, WHEN }, TF_FAIL, R, TF_PASS,
		    TF_LIT("lists.test"),
		    { TF_ACT_QUARANTINE, Q, "override:example.com", "", NULL } },
		{ "D11 down, but the fact failed", { .policy = N, WHEN }, TF_FAIL, R, TF_FAIL,
		    TF_LIT("lists.test"), { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "down without any condition: nothing lowers", { .policy = N }, TF_FAIL, R,
		    TF_PASS, TF_LIT("lists.test"),
		    { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "the same as published", { .policy = R }, TF_FAIL, R, TF_NONE, TF_LIT(""),
		    { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "published", { .published = true, .policy = N, WHEN }, TF_FAIL, R, TF_PASS,
		    TF_LIT("lists.test"), { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "expired", { .policy = R, .until = NOW - 1 }, TF_FAIL, N, TF_NONE, TF_LIT(""),
		    { TF_ACT_ACCEPT, N, "none", "", NULL } },
	};
#undef WHEN
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_override o = rows[i].o;
		struct tf_verdict_opts opts = defaults();
		struct tf_verdict v;
		struct message m;

		message_init(&m, "example.com", rows[i].code, rows[i].published);
		m.sig = (struct tf_dkim){ .code = rows[i].dkim, .domain = rows[i].dkim_domain };
		m.res.dkim = &m.sig;
		m.res.dkim_count = 1;
		o.domain = TF_STR("example.com");
		opts.overrides = &o;
		opts.override_count = 1;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &rows[i].want);
	}
	tf_arena_free(a);
}

static void
test_wildcard_override(void **state)
{
	static const struct tf_override o = {
		.domain = TF_LIT("example.com"), .subdomains = true, .policy = R
	};
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict_opts opts = defaults();
	struct tf_verdict v;
	struct message m;

	(void)state;
	opts.overrides = &o;
	opts.override_count = 1;
	opts.reply = TF_STR("5.7.1 %{policy} by %{rule}, %{queue_id}");
	message_init(&m, "news.example.com", TF_FAIL, N);
	eval(a, &m.res, &opts, &v);
	check("the section's title is named", &v,
	    &(struct want){ TF_ACT_REJECT, R, "override:*.example.com",
		"550 5.7.1 reject by override:*.example.com, 4F2Xz", NULL });
	assert_int_equal(v.policy, R);
	tf_arena_free(a);
}

static void
test_spf(void **state)
{
	static const struct tf_net all_v4 = { .addr = { .family = TF_FAMILY_V4 } };
	static const struct tf_override down = { .domain = TF_LIT("example.com"),
		.policy = N,
		.when.networks = &all_v4,
		.when.network_count = 1 };
	static const struct row {
		const char *what;
		enum tf_code mailfrom, helo, dmarc;
		enum tf_dmarc_policy applied;
		enum tf_code dkim;
		struct tf_str dkim_domain;
		const struct tf_override *o;
		struct want want;
	} rows[] = {
		{ "DMARC-41 fail, no DMARC record", TF_FAIL, TF_NONE, TF_NONE, N, TF_NONE,
		    TF_LIT(""), NULL,
		    { TF_ACT_REJECT, R, "spf-fail",
			"550 5.7.23 SPF: 192.0.2.9 is not allowed to send mail for "
			"bounce.example.com; bounce.example.com explains: see ?our page",
			NULL } },
		{ "DMARC-41 fail, an aligned signature", TF_FAIL, TF_NONE, TF_PASS, R, TF_PASS,
		    TF_LIT("example.com"), NULL, { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "no record, the author domain's signature", TF_FAIL, TF_NONE, TF_NONE, N, TF_PASS,
		    TF_LIT("s.example.com"), NULL, { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "no record, its key not retrievable", TF_FAIL, TF_NONE, TF_NONE, N, TF_TEMPERROR,
		    TF_LIT("example.com"), NULL, { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "another domain's signature", TF_FAIL, TF_NONE, TF_NONE, N, TF_PASS,
		    TF_LIT("attack.com"), NULL, { TF_ACT_REJECT, R, "spf-fail", NULL, NULL } },
		{ "7208 8.5 softfail never", TF_SOFTFAIL, TF_NONE, TF_NONE, N, TF_NONE, TF_LIT(""),
		    NULL, { TF_ACT_ACCEPT, N, "none", "", NULL } },
		{ "marked is not yet refused", TF_FAIL, TF_NONE, TF_FAIL, Q, TF_NONE, TF_LIT(""),
		    NULL, { TF_ACT_REJECT, R, "spf-fail", NULL, NULL } },
		{ "DMARC refuses first", TF_FAIL, TF_NONE, TF_FAIL, R, TF_NONE, TF_LIT(""), NULL,
		    { TF_ACT_REJECT, R, "dmarc-policy", NULL, NULL } },
		{ "DMARC does not know", TF_FAIL, TF_NONE, TF_TEMPERROR, N, TF_NONE, TF_LIT(""),
		    NULL, { TF_ACT_ACCEPT, N, "temperror", "", NULL } },
		{ "an override let it through", TF_FAIL, TF_NONE, TF_FAIL, R, TF_NONE, TF_LIT(""),
		    &down, { TF_ACT_ACCEPT, N, "override:example.com", "", NULL } },
		{ "HELO fail", TF_PASS, TF_FAIL, TF_NONE, N, TF_NONE, TF_LIT(""), NULL,
		    { TF_ACT_REJECT, R, "spf-helo-fail",
			"550 5.7.23 SPF: 192.0.2.9 is not allowed to send mail as "
			"mail.example.com",
			NULL } },
		{ "both: MAIL FROM is named", TF_FAIL, TF_FAIL, TF_NONE, N, TF_NONE, TF_LIT(""),
		    NULL, { TF_ACT_REJECT, R, "spf-fail", NULL, NULL } },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_verdict v;
		struct message m;

		message_init(&m, "example.com", rows[i].dmarc, rows[i].applied);
		m.dmarc.aligned_dkim = rows[i].dmarc == TF_PASS;
		m.sig = (struct tf_dkim){ .code = rows[i].dkim, .domain = rows[i].dkim_domain };
		m.res.dkim = &m.sig;
		m.res.dkim_count = 1;
		m.res.mailfrom = (struct tf_spf){ .code = rows[i].mailfrom,
			.domain = TF_STR("bounce.example.com"),
			.explanation = TF_STR("see \nour page") };
		m.res.helo = (struct tf_spf){ .code = rows[i].helo,
			.helo_identity = true,
			.domain = TF_STR("mail.example.com") };
		opts.overrides = rows[i].o;
		opts.override_count = rows[i].o != NULL;
		/* By default nothing is refused for SPF alone. */
		eval(a, &m.res, &opts, &v);
		assert_num(rows[i].what, v.action == TF_ACT_REJECT,
		    rows[i].dmarc == TF_FAIL && rows[i].applied == R && rows[i].o == NULL);
		opts.on_spf_fail = opts.on_helo_fail = TF_ON_REJECT;
		eval(a, &m.res, &opts, &v);
		check(rows[i].what, &v, &rows[i].want);
	}
	tf_arena_free(a);
}

static void
test_spf_long_explanation(void **state)
{
	char text[500];
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict_opts opts = defaults();
	struct tf_verdict v;
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	message_init(&m, "example.com", TF_NONE, N);
	m.res.mailfrom = (struct tf_spf){ .code = TF_FAIL,
		.domain = TF_STR("example.com"),
		.explanation = { text, sizeof(text) } };
	opts.on_spf_fail = TF_ON_REJECT;
	eval(a, &m.res, &opts, &v);
	assert_str("an explanation that does not fit is left out whole", v.reply,
	    TF_STR("550 5.7.23 SPF: 192.0.2.9 is not allowed to send mail for example.com"));
	tf_arena_free(a);
}

static void
test_exempt_recipients(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str rcpts[3];
		size_t count;
		bool exempt;
	} rows[] = {
		{ "postmaster", { TF_LIT("postmaster@example.org") }, 1, true },
		{ "any case, brackets", { TF_LIT("<PostMaster@Example.ORG>") }, 1, true },
		{ "5321 4.5.1 without a domain", { TF_LIT("<Postmaster>") }, 1, true },
		{ "both of them", { TF_LIT("<abuse@a.test>"), TF_LIT("<postmaster@b.test>") }, 2,
		    true },
		{ "and somebody else", { TF_LIT("<abuse@a.test>"), TF_LIT("<user@a.test>") }, 2,
		    false },
		{ "* as local part", { TF_LIT("<anyone@open.example.org>") }, 1, true },
		{ "6531 U-label", { TF_LIT("<anyone@B\303\274cher.example>") }, 1, true },
		{ "* is no suffix", { TF_LIT("<anyone@x.open.example.org>") }, 1, false },
		{ "the local part ends at the last @", { TF_LIT("<\"abuse@\"@a.test>") }, 1,
		    false },
		{ "longer local part", { TF_LIT("<abuse2@a.test>") }, 1, false },
		{ "no recipient known", { TF_LIT("") }, 0, false },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_verdict_opts opts = defaults();
		struct tf_verdict v;
		struct message m;

		message_init(&m, "example.com", TF_FAIL, R);
		tf_verdict_eval(a, &m.res, &opts, rows[i].rcpts, rows[i].count, TF_NONE_STR, &v);
		assert_num(rows[i].what, v.action, rows[i].exempt ? TF_ACT_ACCEPT : TF_ACT_REJECT);
		assert_str(rows[i].what, v.rule,
		    rows[i].exempt ? TF_STR("exempt-recipient") : TF_STR("dmarc-policy"));
		assert_num(rows[i].what, v.disposition, rows[i].exempt ? N : R);
		assert_num(rows[i].what, v.reply.len == 0, rows[i].exempt);
		opts.monitor = true; /* there is nothing to withhold */
		tf_verdict_eval(a, &m.res, &opts, rows[i].rcpts, rows[i].count, TF_NONE_STR, &v);
		assert_num(rows[i].what, v.would, rows[i].exempt ? TF_ACT_ACCEPT : TF_ACT_REJECT);
		/* A mark refuses nothing. */
		message_init(&m, "example.com", TF_FAIL, Q);
		opts.monitor = false;
		tf_verdict_eval(a, &m.res, &opts, rows[i].rcpts, rows[i].count, TF_NONE_STR, &v);
		assert_num(rows[i].what, v.action, TF_ACT_QUARANTINE);
	}
	tf_arena_free(a);
}

static void
test_cannot(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_verdict v;

	(void)state;
	tf_verdict_cannot(a, true, TF_STR("too many header fields"), &v);
	check("on_error = tempfail", &v,
	    &(struct want){ TF_ACT_TEMPFAIL, N, "error",
		"451 4.7.1 cannot evaluate this message now: too many header fields", NULL });
	tf_verdict_cannot(a, false, TF_STR("too many header fields"), &v);
	check("on_error = accept", &v, &(struct want){ TF_ACT_ACCEPT, N, "error", "", NULL });
	assert_string_equal(tf_action_name(TF_ACT_TEMPFAIL), "tempfail");
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_invalid_from),
		cmocka_unit_test(test_temperror),
		cmocka_unit_test(test_several_authors),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_wildcard_override),
		cmocka_unit_test(test_spf),
		cmocka_unit_test(test_spf_long_explanation),
		cmocka_unit_test(test_exempt_recipients),
		cmocka_unit_test(test_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
