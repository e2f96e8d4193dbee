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
		v = tf_facts_hold(&f->when, res);
		if (v > *vouched_out ||
		    (best != NULL && v == *vouched_out && f->policy < best->policy)) {
			best = f;
			*vouched_out = v;
		}
	}
	return best;
}
