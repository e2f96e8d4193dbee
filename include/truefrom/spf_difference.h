/*
 * spf_difference.h - why libspf2 comes to another result than we do
 */
#ifndef TRUEFROM_SPF_DIFFERENCE_H
#define TRUEFROM_SPF_DIFFERENCE_H

#include "truefrom/result.h"

/* What libspf2 was told while it evaluated. */
struct tf_spf_evidence {
	const struct tf_str *records; /* SPF records as published, in the order asked for */
	size_t record_count;
	const struct tf_dns_trace *asked;
	size_t asked_count;
};

/*
 * tf_spf_difference - the known cause of a difference
 *
 * ours, id  our result and the identity
 * other     libspf2's, without its difference
 *
 * Returns static text: empty when the results are the same, "unknown" when no known cause fits the
 * facts. Never blocks or allocates.
 */
struct tf_str tf_spf_difference(const struct tf_spf *ours, const struct tf_identity *id,
    const struct tf_spf_opinion *other, const struct tf_spf_evidence *evidence);

#endif
