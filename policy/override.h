/*
 * override.h - the postmaster's own policy for an author domain: domain "…" sections
 */
#ifndef POLICY_OVERRIDE_H
#define POLICY_OVERRIDE_H

#include "truefrom/verdict.h"

/*
 * tf_override_find - the section that governs an author domain
 *
 * domain  normalised
 * now     seconds since 1970; sections whose `until` has passed are as if they were not there
 *
 * The most specific one: the name itself before wildcards, a longer wildcard before a shorter one.
 * Returns NULL when there is none or when it says `published`.
 */
const struct tf_override *tf_override_find(
    const struct tf_verdict_opts *opts, struct tf_str domain, int64_t now);

/*
 * tf_facts_hold - whether one of them is true
 *
 * SPF pass of MAIL FROM for a domain of spf_pass, a DKIM signature that passes with d= of
 * dkim_pass, a client in networks. Without any of the three nothing is true: an author domain alone
 * is a claim. MAYBE: none is, but a check of one of the domains ended in temperror.
 */
enum tf_vouched { TF_VOUCHED_NO, TF_VOUCHED_MAYBE, TF_VOUCHED_YES };
enum tf_vouched tf_facts_hold(const struct tf_facts *f, const struct tf_result *res);

/*
 * Whether an authenticated domain speaks for an author domain that publishes no usable record.
 *
 * Such a domain has no tree walk to align by (RFC 9989 section 4.10.2: each name would be its own
 * organization), but a section that raises its policy must not refuse its genuine mail. So a domain
 * that passed SPF or DKIM speaks for the author domain when it is the same, below it, or, for a
 * wildcard section, above it within the wildcard's own domain, which then has to have two labels:
 * whoever runs that domain could publish whatever he likes for the names below it.
 * MAYBE: no such domain passed, but one's check ended in temperror.
 */
enum tf_vouched tf_override_vouched(
    const struct tf_override *o, const struct tf_result *res, struct tf_str from);

/* "example.com" or "*.example.com", as the section is titled. */
struct tf_str tf_override_title(const struct tf_override *o, struct tf_arena *a);

#endif
