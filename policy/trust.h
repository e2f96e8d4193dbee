/*
 * trust.h - whether an ARC chain makes up for a failure of DMARC (RFC 8617 section 7.2.1)
 */
#ifndef POLICY_TRUST_H
#define POLICY_TRUST_H

#include "truefrom/verdict.h"

/*
 * tf_trust_eval - what trusted sealers say about an author domain that failed
 *
 * from     the author domain; normalised
 * why_out  a sentence in either case, in a; empty when the message has no ARC chain
 *
 * The newest sets count as long as each is sealed by one of opts->trusted_sealers: a stranger among
 * them could have replaced the message and put old sets below it, which stay valid. The lowest set
 * of that unbroken run must report dmarc=pass for this very author domain: it is the one that saw
 * the message as it was before any of the trusted changed it. Returns its domain, or the empty
 * slice when nothing trustworthy vouches. Pure; thread-safe.
 */
struct tf_str tf_trust_eval(struct tf_arena *a, const struct tf_result *res,
    const struct tf_verdict_opts *opts, struct tf_str from, struct tf_str *why_out);

#endif
