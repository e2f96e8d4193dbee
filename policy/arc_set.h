/*
 * arc_set.h - the ARC fields of a message as a chain of sets (RFC 8617 sections 4 and 5.2)
 *
 * All functions are thread-safe; none waits, logs or asks the DNS.
 */
#ifndef POLICY_ARC_SET_H
#define POLICY_ARC_SET_H

#include "policy/dkim_sig.h"
#include "policy/header.h"

/* The three fields of one instance. */
struct tf_arc_fields {
	size_t results, message, seal; /* indices in the header block: AAR, AMS, AS */
	struct tf_str payload;         /* of the AAR: what follows "i=N;" */
	struct tf_dkim_sig message_sig, seal_sig;
};

struct tf_arc_chain {
	/* TF_NONE: there are no ARC fields. TF_FAIL: broken already, reason says why. TF_PASS: the
	 * structure holds, and what it says of itself remains to be verified. */
	enum tf_code code;
	struct tf_str reason;
	uint32_t failed_instance;   /* of a TF_FAIL, where it is one set's; else 0 */
	uint32_t instances;         /* highest i= of an ARC-Seal; 0 = none readable */
	struct tf_str sealer;       /* d= of that seal; normalised, empty when unreadable */
	struct tf_arc_fields *sets; /* with TF_PASS: sets[n - 1] is instance n */
};

/*
 * tf_arc_chain_read - collect the sets and check their structure
 *
 * hb      all fields; slices of chain_out point into it
 * now     seconds since 1970, and skew_s a tolerated difference of clocks: for x=
 *
 * Steps 1 to 3 of RFC 8617 section 5.2: instances from 1 on without a gap, each with exactly one
 * AAR, AMS and AS; cv=none in the first seal and cv=pass in every other; all seals and the newest
 * AMS well-formed. An older AMS may be malformed otherwise than in its i= (message_sig.code): the
 * chain does not hang on it. Takes time linear in the header; at most 50 sets are looked into.
 */
void tf_arc_chain_read(const struct tf_header_block *hb, int64_t now, uint32_t skew_s,
    struct tf_arena *a, struct tf_arc_chain *chain_out);
/*
 * tf_arc_results_parse - the instance of an ARC-Authentication-Results field
 *
 * value  behind the colon; any bytes
 *
 * arc-info of RFC 8617 section 4.1.1: i=N and ";" come first. False when they do not; payload_out
 * is what follows.
 */
bool tf_arc_results_parse(struct tf_str value, uint32_t *instance_out, struct tf_str *payload_out);

#endif
