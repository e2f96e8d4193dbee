/*
 * body_hash.h - SHA-256 of a message's canonical body, for all its signatures at once
 *
 * Each canonical form is made and hashed once, however many signatures of DKIM and ARC ask for it;
 * the hash for an l= is the state of that one digest at that place. One set is one message and
 * belongs to one thread at a time.
 */
#ifndef POLICY_BODY_HASH_H
#define POLICY_BODY_HASH_H

#include "policy/crypto.h"

/* Different hashes of one body; a signature more gets none. */
#define TF_BODY_HASHES_MAX 256

/* One hash that was asked for. What follows limit is set by finish. */
struct tf_body_hash {
	bool relaxed, limited; /* the body canonicalization; l= is there */
	uint64_t limit;        /* l=: octets that are hashed */

	unsigned char digest[TF_SHA256_BYTES]; /* of the first limit octets, or of all */
	uint64_t octets;                       /* of the whole canonical body */
};

/* What readers of a body may understand differently from its hash. */
struct tf_body_seen {
	bool bare_cr, bare_lf, nul;
};

struct tf_body_hashes;

/* Owned by a. */
struct tf_body_hashes *tf_body_hashes_new(struct tf_arena *a);
/*
 * tf_body_hashes_add - ask for a hash, before the first octet of the body
 *
 * limited, limit  an l= and its value (RFC 6376 section 3.5); limit is not looked at without
 *
 * Returns where the hash will be, the same for the same question; NULL beyond TF_BODY_HASHES_MAX.
 */
const struct tf_body_hash *tf_body_hashes_add(
    struct tf_body_hashes *set, bool relaxed, bool limited, uint64_t limit);
/* The body as received, in chunks split anywhere; costs nothing when no hash was asked for. */
void tf_body_hashes_feed(struct tf_body_hashes *set, struct tf_str chunk);
/* The body ends here: fills every hash. Further calls do nothing. */
void tf_body_hashes_finish(struct tf_body_hashes *set);
/* What the body holds; nothing unless some hash was asked for. Complete once it is finished. */
const struct tf_body_seen *tf_body_hashes_seen(const struct tf_body_hashes *set);
/*
 * tf_body_objection - why readers may not see a body as it was signed, though its hash verified
 *
 * accept_partial  that unsigned octets follow is no objection (dkim.partial_body = "accept")
 *
 * Returns the reason, static or owned by a; empty when there is none.
 */
struct tf_str tf_body_objection(const struct tf_body_seen *seen, uint64_t unsigned_octets,
    bool accept_partial, struct tf_arena *a);
/* l= says more than the body has (RFC 6376 section 3.5: such a signature is in error). */
bool tf_body_hash_is_short(const struct tf_body_hash *hash);
/* Canonical octets behind l=, which nobody signed; 0 without l=. */
uint64_t tf_body_hash_unsigned(const struct tf_body_hash *hash);

#endif
