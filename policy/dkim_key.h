/*
 * dkim_key.h - DKIM key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)
 *
 * All functions are thread-safe; none waits or logs.
 */
#ifndef POLICY_DKIM_KEY_H
#define POLICY_DKIM_KEY_H

#include "truefrom/resolver.h"
#include "policy/crypto.h"

/* Longer key records are refused: an RSA key of 8192 bits takes 1,400 octets. */
#define TF_DKIM_KEY_RECORD_MAX 8192
#define TF_RSA_BITS_MAX 8192
#define TF_RSA_EXPONENT_BITS_MAX 64 /* a larger one costs time and serves nobody */

/* What a key name holds, as far as the key itself tells. */
struct tf_dkim_key {
	enum tf_code code;    /* TF_NONE = a key; TF_PERMERROR, TF_TEMPERROR = none, see reason */
	struct tf_str reason; /* static text */
	struct tf_public_key public; /* bits also of a key that was refused, else 0 */
	bool sha256;                 /* h= allows it */
	bool testing;                /* t=y */
	bool exact_domain;           /* t=s: i= must be in the domain of d= itself */
};

/*
 * tf_dkim_key_parse - one TXT record as a key record
 *
 * txt      all character-strings joined; may hold any byte; borrowed as long as key_out is used
 * key_out  filled in both cases
 *
 * Returns whether it is a key record for mail at all, usable (code TF_NONE), revoked or damaged;
 * with false the reason says why it is none: other contents, version, service or key type.
 */
bool tf_dkim_key_parse(struct tf_str txt, struct tf_arena *a, struct tf_dkim_key *key_out);

/*
 * tf_dkim_key_from_answer - the key that a DNS answer holds
 *
 * A failed look-up is TF_TEMPERROR, a name without TXT records TF_PERMERROR. Of several records
 * those that are no key records are dropped; two that are leave no key. RFC 6376 section 6.1.2.
 */
void tf_dkim_key_from_answer(
    const struct tf_dns_answer *answer, struct tf_arena *a, struct tf_dkim_key *key_out);

/*
 * tf_dkim_key_misfits - why a key must not verify a signature (RFC 6376 section 6.1.2, RFC 8301)
 *
 * key           one with code TF_NONE
 * type          what the signature's a= asks for
 * exact_domain  i= is in the domain of d= itself, or there is none
 *
 * Returns static text, or NULL when it may.
 */
const char *tf_dkim_key_misfits(
    const struct tf_dkim_key *key, enum tf_key_type type, bool exact_domain, uint32_t min_rsa_bits);

#endif
