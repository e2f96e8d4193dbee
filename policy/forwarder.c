/*
 * forwarder.c - mailing lists and forwarders that the postmaster knows: forwarder "…" sections
 *
 * Their mail fails DMARC as a matter of course (RFC 9989 section 7.4): SPF knows the forwarder's
 * host and not the author's, and what a list adds to a message breaks the author's signature. A
 * section names what the forwarder itself can be known by.
 * Does not: choose an action (verdict.c), or make a policy stricter.
 */
#include "policy/forwarder.h"
#include "truefrom/banned.h"

static enum tf_vouched
vouched_by(const struct tf_forwarder *f, const struct tf_result *res)
{
	const struct tf_facts facts = {
		.spf_pass = f->when_spf_pass,
		.spf_count = f->when_spf_count,
		.dkim_pass = f->when_dkim_pass,
		.dkim_count = f->when_dkim_count,
		.networks = f->networks,
		.network_count = f->network_count,
	};

	return tf_facts_hold(&facts, res);
}

const struct tf_forwarder *
tf_forwarder_find(const struct tf_verdict_opts *opts, const struct tf_result *res,
    enum tf_dmarc_policy policy, enum tf_vouched *vouched_out)
{
	const struct tf_forwarder *best = NULL;

	*vouched_out = TF_VOUCHED_NO;
	for (size_t i = 0; i < opts->forwarder_count; i++) {
		const struct tf_forwarder *f = &opts->forwarders[i];
		enum tf_vouched v;

		if (f->policy >= policy || (f->until != 0 && f->until < res->identity.now))
			continue;
		v = vouched_by(f, res);
		if (v > *vouched_out ||
		    (best != NULL && v == *vouched_out && f->policy < best->policy)) {
			best = f;
			*vouched_out = v;
		}
	}
	return best;
}
