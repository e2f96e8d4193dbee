/*
 * trust.c - whether an ARC chain makes up for a failure of DMARC
 *
 * Implements RFC 8617 section 7.2.1 for an explicit list of sealers. Everything a stranger can
 * write or seal is without weight: a chain that did not pass, sets below his, and what the sets of
 * the trusted say about another author.
 * Does not: verify the chain (arc.c), choose an action (verdict.c).
 */
#include "policy/trust.h"
#include "truefrom/banned.h"

static bool
is_trusted(const struct tf_verdict_opts *opts, struct tf_str domain)
{
	for (size_t i = 0; i < opts->trusted_sealer_count; i++) {
		if (domain.len != 0 && tf_str_eq(opts->trusted_sealers[i], domain))
			return true;
	}
	return false;
}

/* A seal says that a message signature was there; who made that one says what the message is. */
static bool
is_vouched(const struct tf_verdict_opts *opts, const struct tf_arc_set *set)
{
	return is_trusted(opts, set->domain) && is_trusted(opts, set->message_domain);
}

/* The lowest instance of the run of trusted sets from the newest down; 0 when that is a stranger's.
 */
static size_t
lowest_trusted(const struct tf_arc *arc, const struct tf_verdict_opts *opts)
{
	size_t instance = arc->set_count;

	while (instance != 0 && is_vouched(opts, &arc->sets[instance - 1]))
		instance--;
	return instance == arc->set_count ? 0 : instance + 1;
}

/* Why the newest set is none of the trusted. */
static struct tf_str
stranger(struct tf_arena *a, const struct tf_verdict_opts *opts, const struct tf_arc_set *newest)
{
	if (!is_trusted(opts, newest->domain))
		return tf_arena_printf(
		    a, "%.*s, which sealed last, is no trusted sealer", TF_PRI(newest->domain));
	return tf_arena_printf(a,
	    "%.*s sealed last, but the message was signed by %.*s, which is no trusted sealer",
	    TF_PRI(newest->domain), TF_PRI(newest->message_domain));
}

/* Why the set of the lowest trusted sealer does not vouch for the author domain, or empty. */
static struct tf_str
objection(struct tf_arena *a, const struct tf_arc_set *set, size_t instance, struct tf_str from)
{
	if (!set->says_dmarc)
		return tf_arena_printf(
		    a, "set %zu of %.*s has no usable dmarc result", instance, TF_PRI(set->domain));
	if (set->dmarc != TF_PASS)
		return tf_arena_printf(a, "set %zu of %.*s says dmarc=%s", instance,
		    TF_PRI(set->domain), tf_code_name(set->dmarc));
	if (!tf_str_eq(set->from, from))
		return tf_arena_printf(a, "set %zu of %.*s says dmarc=pass of %.*s, not of %.*s",
		    instance, TF_PRI(set->domain),
		    TF_PRI(set->from.len != 0 ? set->from : TF_STR("an unnamed author")),
		    TF_PRI(from));
	return TF_NONE_STR;
}

struct tf_str
tf_trust_eval(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict_opts *opts,
    struct tf_str from, struct tf_str *why_out)
{
	const struct tf_arc *arc = &res->arc;
	const struct tf_arc_set *set;
	size_t instance;

	*why_out = TF_NONE_STR;
	if (arc->code == TF_NONE)
		return TF_NONE_STR;
	if (arc->code != TF_PASS || arc->set_count == 0) {
		*why_out = TF_STR("the chain does not pass, so it counts as none");
		return TF_NONE_STR;
	}
	instance = lowest_trusted(arc, opts);
	if (instance == 0) {
		*why_out = stranger(a, opts, &arc->sets[arc->set_count - 1]);
		return TF_NONE_STR;
	}
	set = &arc->sets[instance - 1];
	*why_out = objection(a, set, instance, from);
	if (why_out->len != 0)
		return TF_NONE_STR;
	*why_out = tf_arena_printf(a, "set %zu of the trusted sealer %.*s says dmarc=pass of %.*s",
	    instance, TF_PRI(set->domain), TF_PRI(from));
	return set->domain;
}
