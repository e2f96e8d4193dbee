/*
 * domain.h - domain names: normalise to A-labels, compare, shorten (only user of libidn2)
 *
 * All functions are thread-safe. A "normalised" name came from tf_domain_normalise: A-labels, lower
 * case, [a-z0-9_.-] only, no trailing dot, never empty.
 */
#ifndef TRUEFROM_DOMAIN_H
#define TRUEFROM_DOMAIN_H

#include "truefrom/base.h"

#define TF_DOMAIN_MAX 253
#define TF_LABEL_MAX 63

/*
 * tf_domain_normalise - A-labels, lower case, no trailing dot
 *
 * in          any bytes; U-labels (UTF-8) are converted, and one trailing dot is dropped
 * a           owns domain_out
 * domain_out  set on true only; normalising it again gives itself
 *
 * Returns false when it is no domain name that can be looked up: empty, empty label, label over 63,
 * over 253 in all, a byte other than letters, digits, "-" and "_", not convertible UTF-8, or an
 * address literal. Dots are ASCII dots (RFC 6531 section 3.3): U+3002 and its like are refused, and
 * so are code points that IDNA mapping would silently drop, because a reader sees another name.
 * A-labels are taken as they stand, since that is the name in the DNS, whatever they decode to.
 * Spec: RFC 5890 section 2.3, RFC 5891 section 5, UTS 46 non-transitional mapping.
 */
bool tf_domain_normalise(struct tf_str in, struct tf_arena *a, struct tf_str *domain_out);

/* Whether a label of the normalised name is an A-label: it may look like another name. */
bool tf_domain_is_idn(struct tf_str domain);
size_t tf_domain_labels(struct tf_str domain); /* of a normalised name; 0 for the empty one */
/* The rightmost n labels; the whole name when it has no more than that; empty for n = 0. */
struct tf_str tf_domain_last(struct tf_str domain, size_t n);
/* Without its leftmost label; empty for a single label. */
struct tf_str tf_domain_parent(struct tf_str domain);
/* sub is below parent or equal to it (normalised names); false when either is empty. */
bool tf_domain_is_below_or_equal(struct tf_str sub, struct tf_str parent);
/* Whether the name may be asked in DNS as it stands: labels of 1-63 octets, at most 253 in all
 * without the one trailing dot that it may have, no NUL. */
bool tf_domain_can_ask(struct tf_str name);

const char *tf_domain_library_version(void); /* of libidn2, for -V. Static text. */

#endif
