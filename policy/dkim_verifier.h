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
#include "policy/signed_message.h"

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

/*
 * Who checks signatures over the header: libopendkim, and our own code what the library would get
 * wrong (the default of dkim.verifier); our own code all of them; or, for tests that compare the
 * two, the library alone, which then leaves TF_VERIFIED_UNABLE. The hash of the body is ours.
 */
enum tf_verifier_kind { TF_VERIFIER_BOTH, TF_VERIFIER_LIBRARY, TF_VERIFIER_OWN };

struct tf_verifier;

/*
 * tf_verifier_start - at the end of the header
 *
 * m      the message; borrowed until finish. Its body is the caller's to feed and finish
 * items  the signatures, in message order; borrowed until finish
 * kind   who verifies
 *
 * Returns the verifier, owned by a.
 */
struct tf_verifier *tf_verifier_start(struct tf_arena *a, struct tf_signed_message *m,
    struct tf_verify *items, size_t count, enum tf_verifier_kind kind);
/* The body ended, and the hashes of the message are finished. Fills items. */
void tf_verifier_finish(struct tf_verifier *v);
const char *tf_verifier_version(void); /* "libopendkim 2.11.0, OpenSSL 3.0.15"; static text */

#endif
