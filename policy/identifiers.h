/*
 * identifiers.h - who stands behind a message, in words
 */
#ifndef POLICY_IDENTIFIERS_H
#define POLICY_IDENTIFIERS_H

#include "truefrom/result.h"

/* More than any line that is written of them. */
#define TF_IDENTIFIERS_MAX 320

/*
 * tf_identifiers_write - the identifiers that were seen, and what is wrong with each
 *
 * "SPF pass for a.example, not aligned; DKIM fail for b.example (body hash did not verify)"
 *
 * d    the author domain that they are measured by; tells which of them is aligned
 * out  one line is appended, at most TF_IDENTIFIERS_MAX octets; what does not fit is counted, not
 *      cut. Names and reasons are as in the result: the caller cleans what may not be shown.
 *
 * Never blocks, allocates or logs. Thread-safe. Spec: RFC 9989 section 4.4.
 */
void tf_identifiers_write(
    const struct tf_result *res, const struct tf_dmarc *d, struct tf_buf *out);

#endif
