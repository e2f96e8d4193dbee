/*
 * dkim_verifier.h - the cryptographic half of DKIM: header and body against signature and key
 *
 * Takes signatures that dkim_sig.c found well-formed and keys that dkim_key.c accepted, and answers
 * for each of them whether it verifies. One verifier is one message and belongs to one thread at a
 * time. Nothing here asks the DNS.
 */
#ifndef POLICY_DKIM_VERIFIER_H
#define POLICY_DKIM_VERIFIER_H

#include "policy/dkim_sig.h"
#include "policy/header.h"

enum tf_verified {
	TF_VERIFIED_NOT, /* not tried: it had no key */
	TF_VERIFIED_PASS,
	TF_VERIFIED_BAD_SIGNATURE,
	TF_VERIFIED_BAD_BODY,
	TF_VERIFIED_SHORT_BODY, /* l= exceeds the canonical body */
	TF_VERIFIED_UNABLE      /* nothing is known about it */
};

/* One signature to verify, and what came of it. */
struct tf_verify {
	const struct tf_dkim_sig *sig;
	size_t field;                    /* of the DKIM-Signature in the header block */
	const struct tf_public_key *key; /* set before finish; NULL = leave it out */

	enum tf_verified result;
	const char *why;          /* TF_VERIFIED_UNABLE: static text */
	uint64_t unsigned_octets; /* of the canonical body, with l= */
};

struct tf_verifier;

/*
 * tf_verifier_start - at the end of the header
 *
 * hb     all fields; used during the call only
 * items  the signatures, in message order; borrowed until the last call
 *
 * Returns the verifier, owned by a.
 */
struct tf_verifier *tf_verifier_start(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_verify *items, size_t count);
/* The body in chunks that may be split anywhere. */
void tf_verifier_body(struct tf_verifier *v, struct tf_str chunk);
/* The body ends here; a missing final CRLF is supplied (RFC 6376 section 3.4.3). Fills items. */
void tf_verifier_finish(struct tf_verifier *v);

/*
 * tf_verifier_lacks - why this verifier cannot decide about a well-formed signature
 *
 * value  of the field that sig was read from
 *
 * Returns static text, or NULL when it can decide.
 */
const char *tf_verifier_lacks(const struct tf_dkim_sig *sig, struct tf_str value);
const char *tf_verifier_version(void); /* "libopendkim 2.11.0"; static text */

#endif
