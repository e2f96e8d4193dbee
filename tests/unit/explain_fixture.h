/*
 * explain_fixture.h - messages to explain: one of each kind, and one with nothing but hostile bytes
 */
#ifndef TESTS_UNIT_EXPLAIN_FIXTURE_H
#define TESTS_UNIT_EXPLAIN_FIXTURE_H

#include "truefrom/explain.h"
#include "truefrom/resolver.h"

/* A forgery of example.net from attack.test, where SPF and DKIM pass. */
static const struct tf_dkim forged_sigs[] = {
	{ .code = TF_PASS,
	    .domain = TF_LIT("attack.test"),
	    .selector = TF_LIT("s1"),
	    .identity = TF_LIT("@attack.test"),
	    .algorithm = TF_LIT("rsa-sha256"),
	    .b = TF_LIT("AbCdEf1234567890"),
	    .bits = 2048,
	    .key_testing = true },
	{ .code = TF_FAIL,
	    .domain = TF_LIT("example.net"),
	    .reason = TF_LIT("body hash did not verify") },
};
static const struct tf_str forged_authors[] = { TF_LIT("news.example.net") };
static const struct tf_dmarc_name forged_walk[] = {
	{ TF_LIT("news.example.net"), TF_LIT("none") },
	{ TF_LIT("example.net"), TF_LIT("record") },
	{ TF_LIT("net"), TF_LIT("none") },
};
static const struct tf_dmarc forged_dmarc = { .code = TF_FAIL,
	.from = TF_LIT("news.example.net"),
	.org_domain = TF_LIT("example.net"),
	.record = TF_LIT("v=DMARC1; p=reject; t=y"),
	.record_domain = TF_LIT("example.net"),
	.discovery = TF_DISCOVERY_TREEWALK,
	.policy = TF_POLICY_REJECT,
	.applied_policy = TF_POLICY_QUARANTINE,
	.policy_tag = TF_TAG_P,
	.testing = true,
	.walk = forged_walk,
	.walk_count = 3 };
static const struct tf_str forged_answers[] = { TF_LIT("v=DMARC1; p=reject; t=y") };
static const struct tf_dns_trace forged_dns[] = {
	{ TF_LIT("_dmarc.example.net"), TF_TYPE_TXT, TF_DNS_NOERROR, forged_answers, 1, 1.25 },
	{ TF_LIT("news.example.net"), TF_TYPE_A, TF_DNS_NXDOMAIN, NULL, 0, 0 },
};
static struct tf_note forged_note = { TF_CHECK_SPF, TF_LIT("attack.test: ip4:192.0.2.0/24 matches"),
	NULL };

static const struct tf_arc_set forged_sets[] = {
	{ .domain = TF_LIT("evil.test"), .selector = TF_LIT("s1"), .message = TF_FAIL },
	{ .domain = TF_LIT("lists.test"),
	    .selector = TF_LIT("s2"),
	    .message = TF_PASS,
	    .authserv_id = TF_LIT("mx.lists.test"),
	    .says_dmarc = true,
	    .dmarc = TF_FAIL,
	    .from = TF_LIT("news.example.net") }
};
static const struct tf_result forged = {
	.identity = { .client = { TF_FAMILY_V4, { 192, 0, 2, 9 } },
	    .helo = TF_LIT("mail.attack.test"),
	    .mail_from = TF_LIT("x@attack.test") },
	.author = { .domains = forged_authors, .domain_count = 1 },
	.helo = { .code = TF_NONE,
	    .checked = true,
	    .helo_identity = true,
	    .domain = TF_LIT("mail.attack.test"),
	    .reason = TF_LIT("no SPF record") },
	.mailfrom = { .code = TF_PASS,
	    .checked = true,
	    .domain = TF_LIT("attack.test"),
	    .mechanism = TF_LIT("ip4:192.0.2.0/24"),
	    .record_domain = TF_LIT("attack.test"),
	    .terms = 3 },
	.dkim = forged_sigs,
	.dkim_count = 2,
	.arc = { .code = TF_PASS,
	    .instances = 2,
	    .oldest_pass = 2,
	    .sealer = TF_LIT("lists.test"),
	    .sets = forged_sets,
	    .set_count = 2 },
	.authors = &forged_dmarc,
	.author_count = 1,
	.dmarc = &forged_dmarc,
	.notes = { &forged_note, &forged_note, 1 },
	.dns = forged_dns,
	.dns_count = 2,
};
static const struct tf_verdict forged_verdict = { .action = TF_ACT_QUARANTINE,
	.quarantine = TF_QUARANTINE_HOLD,
	.disposition = TF_POLICY_QUARANTINE,
	.dmarc = &forged_dmarc,
	.policy = TF_POLICY_QUARANTINE,
	.decided_by = TF_RULE_DMARC_POLICY,
	.rule = TF_LIT("dmarc-policy"),
	.hold_reason = TF_LIT("DMARC policy quarantine of news.example.net"),
	.arc = TF_LIT("set 2 of lists.test says dmarc=fail") };

/* A message that nobody looked at. */
static const struct tf_result exempt = { .exempt = TF_EXEMPT_AUTHENTICATED,
	.identity.helo = TF_LIT("laptop") };
static const struct tf_verdict exempt_verdict = { .rule = TF_LIT("authenticated"),
	.disposition = TF_POLICY_NONE };

/* Control characters, invalid and valid UTF-8 wherever something from outside can stand. */
#define HOSTILE "a\r\n\033[2J\177\377\303\274\0z"
static const struct tf_str hostile_list[] = { TF_LIT(HOSTILE), TF_LIT(HOSTILE) };
static const struct tf_dkim hostile_sig = { .code = TF_PASS,
	.domain = TF_LIT(HOSTILE),
	.selector = TF_LIT(HOSTILE),
	.identity = TF_LIT(HOSTILE),
	.algorithm = TF_LIT(HOSTILE),
	.b = TF_LIT(HOSTILE),
	.reason = TF_LIT(HOSTILE) };
static const struct tf_dmarc_name hostile_walk = { TF_LIT(HOSTILE), TF_LIT(HOSTILE) };
static const struct tf_dmarc hostile_dmarc = { .code = TF_TEMPERROR,
	.from = TF_LIT(HOSTILE),
	.org_domain = TF_LIT(HOSTILE),
	.record = TF_LIT(HOSTILE),
	.record_domain = TF_LIT(HOSTILE),
	.policy = TF_POLICY_REJECT,
	.reason = TF_LIT(HOSTILE),
	.walk = &hostile_walk,
	.walk_count = 1 };
static struct tf_note hostile_note = { TF_CHECK_FROM, TF_LIT(HOSTILE), NULL };
static const struct tf_dns_trace hostile_dns = { TF_LIT(HOSTILE), 999, TF_DNS_BOGUS, hostile_list,
	2, 12345.678 };
#define HOSTILE_SPF                                                                                \
	{                                                                                          \
		.code = TF_FAIL, .domain = TF_LIT(HOSTILE), .reason = TF_LIT(HOSTILE),             \
		.explanation = TF_LIT(HOSTILE), .mechanism = TF_LIT(HOSTILE),                      \
		.record_domain = TF_LIT(HOSTILE)                                                   \
	}
static const struct tf_arc_set hostile_set = { .domain = TF_LIT(HOSTILE),
	.selector = TF_LIT(HOSTILE),
	.authserv_id = TF_LIT(HOSTILE),
	.from = TF_LIT(HOSTILE) };
static const struct tf_result hostile = {
	.identity = { .helo = TF_LIT(HOSTILE), .mail_from = TF_LIT(HOSTILE) },
	.author = { .domains = hostile_list, .domain_count = 2, .reason = TF_LIT(HOSTILE) },
	.helo = HOSTILE_SPF,
	.mailfrom = HOSTILE_SPF,
	.dkim = &hostile_sig,
	.dkim_count = 1,
	.arc = { .code = TF_FAIL,
	    .sealer = TF_LIT(HOSTILE),
	    .reason = TF_LIT(HOSTILE),
	    .sets = &hostile_set,
	    .set_count = 1 },
	.authors = &hostile_dmarc,
	.author_count = 1,
	.dmarc = &hostile_dmarc,
	.notes = { &hostile_note, &hostile_note, 1 },
	.dns = &hostile_dns,
	.dns_count = 1,
};
static const struct tf_verdict hostile_verdict = { .action = TF_ACT_REJECT,
	.disposition = TF_POLICY_REJECT,
	.dmarc = &hostile_dmarc,
	.rule = TF_LIT("override:" HOSTILE),
	.reply = TF_LIT(HOSTILE),
	.hold_reason = TF_LIT(HOSTILE) };

#endif
