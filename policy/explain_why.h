/*
 * explain_why.h - the reasons for a verdict, as sentences
 */
#ifndef POLICY_EXPLAIN_WHY_H
#define POLICY_EXPLAIN_WHY_H

#include "truefrom/verdict.h"

#define TF_WHY_LINES 4
#define TF_WHY_MAX 1024 /* octets of a line; four names of the greatest length fit */

struct tf_why {
	struct tf_buf lines[TF_WHY_LINES];
	char storage[TF_WHY_LINES][TF_WHY_MAX];
	size_t count;
};

/*
 * tf_explain_why - what DMARC found, what the author domain asks for then, and who decides
 *
 * why_out  one sentence a line, in that order; none for mail that DMARC had no say about. Holds
 *          bytes from outside: the caller cleans them.
 *
 * Never blocks, allocates or logs. Thread-safe.
 */
void tf_explain_why(
    const struct tf_result *res, const struct tf_verdict *verdict, struct tf_why *why_out);

#endif
