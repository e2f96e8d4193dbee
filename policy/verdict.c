/*
 * verdict.c - facts and local policy become one action and one reason
 *
 * The order of decision: exempt mail; a From that names no author domain; the DMARC result of each
 * author domain under the overrides, what trusted ARC sealers say of it and the forwarder that it
 * came through, of which the strictest decides; SPF failures, when the postmaster refuses for them;
 * recipients to whom nothing is refused; monitor mode. RFC 9989 sections 5.3.6, 5.4, 7.1 and 7.4;
 * RFC 7208 section 8.4; RFC 8617 section 7.2.1. Does not: edit facts, evaluate anything, or write
 * texts of a reply beyond its parts (reply.c).
 */
#include "truefrom/domain.h"
#include "policy/forwarder.h"
#include "policy/identifiers.h"
#include "policy/override.h"
#include "policy/reply.h"
#include "policy/trust.h"
#include "truefrom/banned.h"

struct ctx {
	struct tf_arena *a;
	const struct tf_result *res;
	const struct tf_verdict_opts *opts;
	struct tf_str queue_id;
};

static const char *const action_names[] = {
	[TF_ACT_ACCEPT] = "accept",
	[TF_ACT_QUARANTINE] = "quarantine",
	[TF_ACT_REJECT] = "reject",
	[TF_ACT_TEMPFAIL] = "tempfail",
};

static const char *const rule_names[] = {
	[TF_RULE_NONE] = "none",
	[TF_RULE_DMARC_POLICY] = "dmarc-policy",
	[TF_RULE_OVERRIDE] = "override",
	[TF_RULE_FORWARDER] = "forwarder",
	[TF_RULE_TRUSTED_SEALER] = "trusted-sealer",
	[TF_RULE_INVALID_FROM] = "invalid-from",
	[TF_RULE_TEMPERROR] = "temperror",
	[TF_RULE_TRUSTED_NETWORK] = "trusted-network",
	[TF_RULE_AUTHENTICATED] = "authenticated",
	[TF_RULE_TRUSTED_RELAY] = "trusted-relay",
	[TF_RULE_EXEMPT_RECIPIENT] = "exempt-recipient",
	[TF_RULE_SPF_FAIL] = "spf-fail",
	[TF_RULE_SPF_HELO_FAIL] = "spf-helo-fail",
	[TF_RULE_ERROR] = "error",
};

static const enum tf_rule exempt_rules[] = {
	[TF_EXEMPT_NO] = TF_RULE_NONE,
	[TF_EXEMPT_TRUSTED_NETWORK] = TF_RULE_TRUSTED_NETWORK,
	[TF_EXEMPT_AUTHENTICATED] = TF_RULE_AUTHENTICATED,
	[TF_EXEMPT_TRUSTED_RELAY] = TF_RULE_TRUSTED_RELAY,
};

/* What a sender is told of a From that the parser gave no words for. */
static const char *const from_faults[] = {
	[TF_FROM_OK] = "",
	[TF_FROM_MISSING] = "no From field",
	[TF_FROM_MULTIPLE_FIELDS] = "more than one From field",
	[TF_FROM_SYNTAX] = "syntax error",
	[TF_FROM_NO_ADDRESS] = "it holds no address",
	[TF_FROM_BAD_DOMAIN] = "no usable domain",
	[TF_FROM_TOO_MANY_DOMAINS] = "too many domains",
};

const char *
tf_action_name(enum tf_action action)
{
	return action_names[action];
}

const char *
tf_rule_name(enum tf_rule rule)
{
	return rule_names[rule];
}

static void
set_rule(struct tf_verdict *v, enum tf_rule rule)
{
	v->decided_by = rule;
	v->rule = tf_str_from(rule_names[rule]);
}

static void
set_rule_of(struct tf_arena *a, struct tf_verdict *v, enum tf_rule rule, struct tf_str whom)
{
	v->decided_by = rule;
	v->rule = tf_arena_printf(a, "%s:%.*s", rule_names[rule], TF_PRI(whom));
}

/* Sets action and quarantine alone. */
static void
set_action(const struct ctx *c, enum tf_on on, struct tf_verdict *v)
{
	if (on == TF_ON_QUARANTINE)
		on = c->opts->on_quarantine;
	switch (on) {
	case TF_ON_ACCEPT:
		v->action = TF_ACT_ACCEPT;
		break;
	case TF_ON_REJECT:
		v->action = TF_ACT_REJECT;
		break;
	case TF_ON_TEMPFAIL:
		v->action = TF_ACT_TEMPFAIL;
		break;
	case TF_ON_HOLD:
		v->action = TF_ACT_QUARANTINE;
		v->quarantine = TF_QUARANTINE_HOLD;
		break;
	case TF_ON_HEADER:
	case TF_ON_QUARANTINE:
		v->action = TF_ACT_QUARANTINE;
		v->quarantine = TF_QUARANTINE_HEADER;
		break;
	}
}

static bool
is_held(const struct tf_verdict *v)
{
	return v->action == TF_ACT_QUARANTINE && v->quarantine == TF_QUARANTINE_HOLD;
}

static void
decide_invalid_from(const struct ctx *c, struct tf_verdict *v)
{
	const struct tf_author *author = &c->res->author;
	struct tf_str fault =
	    author->reason.len != 0 ? author->reason : tf_str_from(from_faults[author->state]);

	set_action(c, c->opts->on_invalid_from, v);
	set_rule_of(c->a, v, TF_RULE_INVALID_FROM, tf_str_from(tf_from_state_name(author->state)));
	if (v->action == TF_ACT_REJECT)
		v->reply = tf_reply_line(c->a, "550 5.7.1 invalid From header: ", fault);
	else if (is_held(v))
		v->hold_reason = tf_reply_line(c->a, "invalid From header: ", fault);
}

static void
decide_temperror(const struct ctx *c, struct tf_verdict *v)
{
	set_action(c, c->opts->on_temperror, v);
	set_rule(v, TF_RULE_TEMPERROR);
	if (v->action == TF_ACT_TEMPFAIL)
		v->reply = tf_reply_line(c->a,
		    "451 4.7.1 DNS failure during DMARC evaluation, please try again later: ",
		    v->dmarc->from);
}

/* The texts of what a policy led to. */
static void
explain_policy(const struct ctx *c, struct tf_verdict *v)
{
	const struct tf_dmarc *d = v->dmarc;

	if (v->action == TF_ACT_REJECT) {
		struct tf_buf identifiers;
		struct tf_reply_vars vars = {
			.domain = d->from,
			.org_domain = d->org_domain.len != 0 ? d->org_domain : d->from,
			.policy = tf_str_from(tf_dmarc_policy_name(v->policy)),
			.queue_id = c->queue_id,
			.rule = v->rule,
		};

		tf_buf_init_arena(&identifiers, c->a, TF_IDENTIFIERS_MAX);
		tf_identifiers_write(c->res, d, &identifiers);
		vars.identifiers = tf_buf_get(&identifiers);
		v->reply = tf_reply_reject(c->a, c->opts->reply, &vars);
	} else if (is_held(v)) {
		v->hold_reason = tf_reply_line(c->a,
		    v->policy == TF_POLICY_REJECT ? "DMARC policy reject of "
						  : "DMARC policy quarantine of ",
		    d->from);
	}
}

static void
apply_policy(const struct ctx *c, struct tf_verdict *v)
{
	switch (v->policy) {
	case TF_POLICY_UNKNOWN:
	case TF_POLICY_NONE:
		return;
	case TF_POLICY_QUARANTINE:
		set_action(c, c->opts->on_quarantine, v);
		break;
	case TF_POLICY_REJECT:
		set_action(c, c->opts->on_reject, v);
		break;
	}
	explain_policy(c, v);
}

/*
 * Whether trusted sealers vouch for the author. A section that demands this policy or a stricter
 * one for the very domain is the narrower word of the same postmaster, so it stands.
 */
static bool
is_rescued(const struct ctx *c, const struct tf_override *o, struct tf_verdict *v)
{
	struct tf_str sealer = tf_trust_eval(c->a, c->res, c->opts, v->dmarc->from, &v->arc);

	if (sealer.len == 0)
		return false;
	if (o != NULL && o->policy >= v->policy) {
		v->arc = tf_arena_printf(c->a, "%.*s, but the section domain \"%.*s\" stands",
		    TF_PRI(v->arc), TF_PRI(tf_override_title(o, c->a)));
		return false;
	}
	v->policy = TF_POLICY_NONE;
	set_rule_of(c->a, v, TF_RULE_TRUSTED_SEALER, sealer);
	return true;
}

/*
 * Whether the message came through a forwarder that the postmaster knows. A section that demands
 * this policy or a stricter one for the very domain stands here, too. While the DNS does not say
 * whether it was that forwarder, the message is not refused for good, provided that it can be put
 * off: accepting it would let anybody through who makes the forwarder's DNS fail.
 */
static bool
is_forwarded(const struct ctx *c, const struct tf_override *o, struct tf_verdict *v)
{
	enum tf_vouched vouched;
	const struct tf_forwarder *f = tf_forwarder_find(c->opts, c->res, v->policy, &vouched);

	if (f == NULL || (o != NULL && o->policy >= v->policy))
		return false;
	if (vouched == TF_VOUCHED_MAYBE) {
		if (c->opts->on_temperror != TF_ON_TEMPFAIL)
			return false;
		decide_temperror(c, v);
		return true;
	}
	v->policy = f->policy;
	set_rule_of(c->a, v, TF_RULE_FORWARDER, f->name);
	apply_policy(c, v);
	return true;
}

/* Nothing aligned, or no record to align by: the published policy and the section for the domain.
 */
static void
decide_unaligned(const struct ctx *c, struct tf_verdict *v)
{
	const struct tf_dmarc *d = v->dmarc;
	const struct tf_override *o = tf_override_find(c->opts, d->from, c->res->identity.now);
	bool failed = d->code == TF_FAIL;
	enum tf_dmarc_policy published =
	    failed && d->applied_policy != TF_POLICY_UNKNOWN ? d->applied_policy : TF_POLICY_NONE;
	enum tf_vouched vouched = TF_VOUCHED_NO;
	bool applies = false;

	if (o != NULL && o->policy > published) {
		if (!failed)
			vouched = tf_override_vouched(o, c->res, d->from);
		applies = vouched == TF_VOUCHED_NO;
	} else if (o != NULL && o->policy < published) {
		applies = tf_facts_hold(&o->when, c->res) == TF_VOUCHED_YES;
	}
	if (vouched == TF_VOUCHED_MAYBE) {
		decide_temperror(c, v);
		return;
	}
	v->policy = applies ? o->policy : published;
	if (failed && v->policy > TF_POLICY_NONE && (is_rescued(c, o, v) || is_forwarded(c, o, v)))
		return;
	if (applies)
		set_rule_of(c->a, v, TF_RULE_OVERRIDE, tf_override_title(o, c->a));
	else if (published != TF_POLICY_NONE)
		set_rule(v, TF_RULE_DMARC_POLICY);
	apply_policy(c, v);
}

static struct tf_verdict
decide_author(const struct ctx *c, const struct tf_dmarc *d)
{
	struct tf_verdict v = { .policy = TF_POLICY_NONE, .dmarc = d };

	set_rule(&v, TF_RULE_NONE);
	switch (d->code) {
	case TF_TEMPERROR:
		decide_temperror(c, &v);
		break;
	case TF_FAIL:
	case TF_NONE:
	case TF_PERMERROR:
		decide_unaligned(c, &v);
		break;
	case TF_PASS:
	case TF_SOFTFAIL: /* these three are no results of DMARC (RFC 9989 section 9.2) */
	case TF_NEUTRAL:
	case TF_POLICY:
		break;
	}
	return v;
}

/* A message that would come to be refused is not marked and delivered for another author domain;
 * and one that may yet turn out to be refused is not delivered either. */
static int
strictness(enum tf_action action)
{
	static const int rank[] = {
		[TF_ACT_ACCEPT] = 0,
		[TF_ACT_QUARANTINE] = 1,
		[TF_ACT_TEMPFAIL] = 2,
		[TF_ACT_REJECT] = 3,
	};

	return rank[action];
}

static void
decide_dmarc(const struct ctx *c, struct tf_verdict *v)
{
	const struct tf_result *res = c->res;

	if (res->author.state != TF_FROM_OK) {
		decide_invalid_from(c, v);
		return;
	}
	if (res->dmarc == NULL)
		return;
	*v = decide_author(c, res->dmarc);
	for (size_t i = 0; i < res->author_count; i++) {
		struct tf_verdict other;

		if (&res->authors[i] == res->dmarc)
			continue;
		other = decide_author(c, &res->authors[i]);
		if (strictness(other.action) > strictness(v->action))
			*v = other;
	}
}

/*
 * An aligned DKIM signature is what saves forwarded mail from an SPF failure (RFC 9989 section
 * 7.1). Without a DMARC record there is no alignment; then d= has to be the author domain or below
 * it.
 */
static bool
dkim_speaks_for_author(const struct tf_result *res)
{
	for (size_t i = 0; i < res->author_count; i++) {
		if (res->authors[i].aligned_dkim)
			return true;
	}
	for (size_t i = 0; i < res->dkim_count; i++) {
		const struct tf_dkim *sig = &res->dkim[i];

		if (sig->code != TF_PASS && sig->code != TF_TEMPERROR)
			continue;
		for (size_t j = 0; j < res->author.domain_count; j++) {
			if (tf_domain_is_below_or_equal(sig->domain, res->author.domains[j]))
				return true;
		}
	}
	return false;
}

/* The postmaster's own word, which made the policy milder. */
static bool
is_let_through(const struct tf_verdict *v)
{
	return v->action == TF_ACT_ACCEPT &&
	       (v->decided_by == TF_RULE_OVERRIDE || v->decided_by == TF_RULE_FORWARDER ||
		   v->decided_by == TF_RULE_TRUSTED_SEALER);
}

/* DMARC had its say: an override, a forwarder or a trusted sealer that let the message through
 * stands, and so does what is not known for want of DNS. */
static bool
may_refuse_for_spf(const struct ctx *c, const struct tf_verdict *v)
{
	if (v->action == TF_ACT_REJECT || v->action == TF_ACT_TEMPFAIL || is_let_through(v))
		return false;
	return v->decided_by != TF_RULE_TEMPERROR && !dkim_speaks_for_author(c->res);
}

/* The owner's explanation (RFC 7208 section 6.2) is his word, and the reply says so. */
static struct tf_str
spf_reply(const struct ctx *c, const struct tf_spf *spf)
{
	char client[64];
	struct tf_buf addr;
	struct tf_str text, with;

	tf_buf_init(&addr, client, sizeof(client));
	tf_addr_write(&c->res->identity.client, &addr);
	text = tf_arena_printf(c->a, "%.*s is not allowed to send mail %s %.*s",
	    TF_PRI(tf_buf_get(&addr)), spf->helo_identity ? "as" : "for", TF_PRI(spf->domain));
	if (spf->explanation.len != 0) {
		with = tf_arena_printf(c->a, "%.*s; %.*s explains: %.*s", TF_PRI(text),
		    TF_PRI(spf->domain), TF_PRI(spf->explanation));
		if (with.len + sizeof("550 5.7.23 SPF: ") <= TF_REPLY_MAX)
			text = with;
	}
	return tf_reply_line(c->a, "550 5.7.23 SPF: ", text);
}

static void
decide_spf(const struct ctx *c, struct tf_verdict *v)
{
	const struct tf_spf *mailfrom = &c->res->mailfrom, *helo = &c->res->helo;
	const struct tf_spf *failed = NULL;

	if (mailfrom->code == TF_FAIL && c->opts->on_spf_fail == TF_ON_REJECT)
		failed = mailfrom;
	else if (helo->code == TF_FAIL && c->opts->on_helo_fail == TF_ON_REJECT)
		failed = helo;
	if (failed == NULL || !may_refuse_for_spf(c, v))
		return;
	v->action = TF_ACT_REJECT;
	set_rule(v, failed == mailfrom ? TF_RULE_SPF_FAIL : TF_RULE_SPF_HELO_FAIL);
	v->reply = spf_reply(c, failed);
	v->hold_reason = TF_NONE_STR;
}

static struct tf_str
without_brackets(struct tf_str path)
{
	path = tf_str_trim(path);
	if (path.len >= 2 && path.ptr[0] == '<' && path.ptr[path.len - 1] == '>')
		path = tf_str_sub(path, 1, path.len - 2);
	return path;
}

static bool
side_matches(struct tf_str pattern, struct tf_str side)
{
	return tf_str_eq(pattern, TF_STR("*")) || tf_str_eq_nocase(pattern, side);
}

/*
 * RCPT TO:<postmaster> has no domain (RFC 5321 section 4.5.1): only "*" matches its absence. The
 * domain of a recipient may be a U-label (RFC 6531); those of the configuration are A-labels.
 */
static bool
is_exempt_recipient(struct tf_arena *a, const struct tf_verdict_opts *opts, struct tf_str rcpt)
{
	size_t at;
	struct tf_str local, host;

	rcpt = without_brackets(rcpt);
	at = tf_str_rfind(rcpt, '@');
	local = tf_str_sub(rcpt, 0, at);
	host = tf_str_sub(rcpt, at + 1, rcpt.len);
	tf_domain_normalise(host, a, &host);
	for (size_t i = 0; i < opts->exempt_recipient_count; i++) {
		struct tf_str pattern = opts->exempt_recipients[i];
		size_t pattern_at = tf_str_rfind(pattern, '@');

		if (side_matches(tf_str_sub(pattern, 0, pattern_at), local) &&
		    side_matches(tf_str_sub(pattern, pattern_at + 1, pattern.len), host))
			return true;
	}
	return false;
}

static bool
all_exempt(const struct ctx *c, const struct tf_str *rcpts, size_t rcpt_count)
{
	for (size_t i = 0; i < rcpt_count; i++) {
		if (!is_exempt_recipient(c->a, c->opts, rcpts[i]))
			return false;
	}
	return rcpt_count != 0;
}

static void
accept_instead(struct tf_verdict *v)
{
	v->action = TF_ACT_ACCEPT;
	v->reply = TF_NONE_STR;
	v->hold_reason = TF_NONE_STR;
}

static enum tf_dmarc_policy
disposition_of(enum tf_action action)
{
	switch (action) {
	case TF_ACT_QUARANTINE:
		return TF_POLICY_QUARANTINE;
	case TF_ACT_REJECT:
		return TF_POLICY_REJECT;
	case TF_ACT_ACCEPT:
	case TF_ACT_TEMPFAIL:
		break;
	}
	return TF_POLICY_NONE;
}

void
tf_verdict_eval(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict_opts *opts,
    const struct tf_str *rcpts, size_t rcpt_count, struct tf_str queue_id,
    struct tf_verdict *verdict_out)
{
	struct ctx c = { .a = a, .res = res, .opts = opts, .queue_id = queue_id };
	struct tf_verdict v = { .policy = TF_POLICY_NONE };

	set_rule(&v, exempt_rules[res->exempt]);
	if (res->exempt == TF_EXEMPT_NO) {
		v.dmarc = opts->dmarc_enabled ? res->dmarc : NULL;
		if (opts->dmarc_enabled)
			decide_dmarc(&c, &v);
		decide_spf(&c, &v);
	}
	if ((v.action == TF_ACT_REJECT || v.action == TF_ACT_TEMPFAIL) &&
	    all_exempt(&c, rcpts, rcpt_count)) {
		accept_instead(&v);
		set_rule(&v, TF_RULE_EXEMPT_RECIPIENT);
	}
	if (opts->monitor) {
		v.would = v.action;
		accept_instead(&v);
	}
	v.disposition = disposition_of(v.action);
	*verdict_out = v;
}

void
tf_verdict_cannot(
    struct tf_arena *a, bool tempfail, struct tf_str why, struct tf_verdict *verdict_out)
{
	*verdict_out = (struct tf_verdict){
		.policy = TF_POLICY_NONE,
		.disposition = TF_POLICY_NONE,
	};
	set_rule(verdict_out, TF_RULE_ERROR);
	if (!tempfail)
		return;
	verdict_out->action = TF_ACT_TEMPFAIL;
	verdict_out->reply = tf_reply_line(a, "451 4.7.1 cannot evaluate this message now: ", why);
}
