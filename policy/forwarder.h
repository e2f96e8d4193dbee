/*
 * forwarder.h - mailing lists and forwarders that the postmaster knows: forwarder "…" sections
 */
#ifndef POLICY_FORWARDER_H
#define POLICY_FORWARDER_H

#include "policy/override.h"

/*
 * tf_forwarder_find - the section that a message came through and that makes its policy milder
 *
 * policy       what would be applied without
 * vouched_out  YES; MAYBE when only the checks that ended in temperror could tell
 *
 * Of several the mildest, and of these the first. NULL (and NO) when there is none. Sections whose
 * `until` has passed are as if they were not there. What the message says of itself, a List-Id or
 * its Received fields, is no fact and has no part in it. Pure; thread-safe.
 */
const struct tf_forwarder *tf_forwarder_find(const struct tf_verdict_opts *opts,
    const struct tf_result *res, enum tf_dmarc_policy policy, enum tf_vouched *vouched_out);

#endif
