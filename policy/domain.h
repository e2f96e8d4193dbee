/*
 * domain.h - domain names: normalise to A-labels, compare, shorten (only user of libidn2)
 */
#ifndef POLICY_DOMAIN_H
#define POLICY_DOMAIN_H

#include "truefrom/base.h"

#define TF_DOMAIN_MAX 253

/*
 * tf_domain_normalise - A-labels, lower case, no trailing dot
 *
 * in  any bytes; U-labels (UTF-8) are converted (RFC 5890 section 2.3); underscores are kept
 *
 * Returns false when it is no domain name that can be looked up: empty, empty label, label over 63,
 * over 253 in all, a byte other than letters, digits, "-" and "_", not convertible UTF-8, or an
 * address literal.
 */
bool tf_domain_normalise(struct tf_str in, struct tf_arena *a, struct tf_str *domain_out);

size_t tf_domain_labels(struct tf_str domain); /* of a normalised name */
/* The rightmost n labels; the whole name when it has no more than that. */
struct tf_str tf_domain_last(struct tf_str domain, size_t n);
/* Without its leftmost label; empty for a single label. */
struct tf_str tf_domain_parent(struct tf_str domain);
/* sub is below parent or equal to it (normalised names). */
bool tf_domain_is_below_or_equal(struct tf_str sub, struct tf_str parent);
/* Whether every label may be asked in DNS as it stands: 1-63 octets, at most 253 in all, one
 * trailing dot at most. */
bool tf_domain_can_ask(struct tf_str name);

#endif
