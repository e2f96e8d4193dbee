/*
 * override.c - the postmaster's own policy for an author domain: domain "…" sections
 *
 * Finds the section and weighs the facts that it asks for. Only what was authenticated can lower a
 * policy: anyone can write any From.
 * Does not: choose an action (verdict.c).
 */
#include "truefrom/domain.h"
#include "policy/override.h"
#include "truefrom/banned.h"

static bool
is_below(struct tf_str sub, struct tf_str parent)
{
	return sub.len > parent.len && tf_domain_is_below_or_equal(sub, parent);
}

static bool
covers(const struct tf_override *o, struct tf_str domain)
{
	return o->subdomains ? is_below(domain, o->domain) : tf_str_eq(domain, o->domain);
}

static bool
is_more_specific(const struct tf_override *o, const struct tf_override *than)
{
	if (o->subdomains != than->subdomains)
		return !o->subdomains;
	return o->domain.len > than->domain.len;
}

const struct tf_override *
tf_override_find(const struct tf_verdict_opts *opts, struct tf_str domain, int64_t now)
{
	const struct tf_override *best = NULL;

	for (size_t i = 0; i < opts->override_count; i++) {
		const struct tf_override *o = &opts->overrides[i];

		if ((o->until != 0 && o->until < now) || !covers(o, domain))
			continue;
		if (best == NULL || is_more_specific(o, best))
			best = o;
	}
	return best != NULL && !best->published ? best : NULL;
}

/* domain is one of a when_ list; "*.example" there stands for the names below example. */
static bool
is_listed(const struct tf_str *list, size_t count, struct tf_str domain)
{
	for (size_t i = 0; i < count; i++) {
		struct tf_str entry = list[i];

		if (tf_str_starts_nocase(entry, TF_STR("*."))) {
			if (is_below(domain, tf_str_sub(entry, 2, entry.len)))
				return true;
		} else if (domain.len != 0 && tf_str_eq(domain, entry)) {
			return true;
		}
	}
	return false;
}

/* What a check of a domain says about a list. */
static enum tf_vouched
fact(const struct tf_str *list, size_t count, enum tf_code code, struct tf_str domain)
{
	if ((code != TF_PASS && code != TF_TEMPERROR) || !is_listed(list, count, domain))
		return TF_VOUCHED_NO;
	return code == TF_PASS ? TF_VOUCHED_YES : TF_VOUCHED_MAYBE;
}

enum tf_vouched
tf_facts_hold(const struct tf_facts *f, const struct tf_result *res)
{
	enum tf_vouched best =
	    fact(f->spf_pass, f->spf_count, res->mailfrom.code, res->mailfrom.domain);

	for (size_t i = 0; i < res->dkim_count; i++) {
		enum tf_vouched v =
		    fact(f->dkim_pass, f->dkim_count, res->dkim[i].code, res->dkim[i].domain);

		if (v > best)
			best = v;
	}
	if (tf_net_list_has(f->networks, f->network_count, &res->identity.client))
		best = TF_VOUCHED_YES;
	return best;
}

static bool
speaks_for(const struct tf_override *o, struct tf_str domain, struct tf_str from)
{
	if (tf_domain_is_below_or_equal(domain, from))
		return true;
	return o->subdomains && is_below(from, domain) && tf_domain_labels(domain) > 1 &&
	       tf_domain_is_below_or_equal(domain, o->domain);
}

static enum tf_vouched
weigh(const struct tf_override *o, enum tf_code code, struct tf_str domain, struct tf_str from)
{
	if ((code != TF_PASS && code != TF_TEMPERROR) || domain.len == 0 ||
	    !speaks_for(o, domain, from))
		return TF_VOUCHED_NO;
	return code == TF_PASS ? TF_VOUCHED_YES : TF_VOUCHED_MAYBE;
}

enum tf_vouched
tf_override_vouched(const struct tf_override *o, const struct tf_result *res, struct tf_str from)
{
	enum tf_vouched best = weigh(o, res->mailfrom.code, res->mailfrom.domain, from);

	for (size_t i = 0; i < res->dkim_count; i++) {
		enum tf_vouched v = weigh(o, res->dkim[i].code, res->dkim[i].domain, from);

		if (v > best)
			best = v;
	}
	return best;
}

struct tf_str
tf_override_title(const struct tf_override *o, struct tf_arena *a)
{
	return tf_arena_printf(a, "%s%.*s", o->subdomains ? "*." : "", TF_PRI(o->domain));
}
