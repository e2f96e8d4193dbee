/*
 * crypto.h - base64, hashes, public keys, signatures, random bytes
 *
 * All functions are thread-safe, but that one digest belongs to one thread at a time; none waits or
 * logs.
 */
#ifndef POLICY_CRYPTO_H
#define POLICY_CRYPTO_H

#include "truefrom/base.h"

/*
 * tf_base64_decode - base64 to bytes (RFC 4648 section 4)
 *
 * in  without white space; padding may be left out (RFC 6376 section 2.10 does not demand it)
 *
 * Returns false on any other byte, on padding that does not fit, or when a single character is left
 * over. Unused bits of the last character are ignored. bytes_out is owned by a.
 */
bool tf_base64_decode(struct tf_str in, struct tf_arena *a, struct tf_str *bytes_out);
/* Bytes to base64 with padding, in one line. */
void tf_base64_encode(struct tf_str bytes, struct tf_buf *out);

enum tf_key_type { TF_KEY_RSA, TF_KEY_ED25519 };

/* A public key, taken apart but not judged: lengths are facts here, limits are the caller's. */
struct tf_public_key {
	enum tf_key_type type;
	uint32_t bits;          /* of the RSA modulus; 256 for Ed25519 */
	uint32_t exponent_bits; /* RSA only */
	bool odd;               /* RSA: modulus and exponent are odd and the exponent over 1 */
	struct tf_str bytes;    /* RSA: the RSAPublicKey in DER; Ed25519: 32 bytes. Borrowed */
	struct tf_str modulus, exponent; /* RSA: within bytes, without leading zeros */
};

/*
 * tf_public_key_rsa - read an RSA key
 *
 * der  SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) or RSAPublicKey (RFC 8017 appendix A.1.1);
 *      both stand in DNS. Borrowed as long as key_out is used
 *
 * Returns false when it is neither, of another algorithm, or followed by anything.
 */
bool tf_public_key_rsa(struct tf_str der, struct tf_public_key *key_out);
/* The 32 bytes of RFC 8463 section 3.1; false for any other length. */
bool tf_public_key_ed25519(struct tf_str raw, struct tf_public_key *key_out);
/*
 * tf_public_key_spki - an RSA key as SubjectPublicKeyInfo in DER, for who has OpenSSL read it
 *
 * Its algorithm may bear a name that OpenSSL reads faster than rsaEncryption, and tf_public_key_rsa
 * does not accept (crypto.c says why).
 */
struct tf_str tf_public_key_spki(const struct tf_public_key *key, struct tf_arena *a);

/* Random bytes that nobody can guess; ends the process when the system has none. */
void tf_random(void *bytes, size_t len);
/* A hash that nobody can aim at who does not know the key: of at most 1024 bytes. */
#define TF_HASH_KEY 32
uint64_t tf_keyed_hash(const unsigned char key[TF_HASH_KEY], struct tf_str s);

#define TF_SHA256_BYTES 32

/* SHA-256 of octets in pieces. */
struct tf_digest;

struct tf_digest *tf_digest_new(struct tf_arena *a); /* owned by a */
void tf_digest_update(struct tf_digest *d, struct tf_str octets);
/* The hash of all so far; the digest may go on. */
void tf_digest_value(const struct tf_digest *d, unsigned char hash_out[TF_SHA256_BYTES]);
/* The same with further octets behind them, of which the digest learns nothing. */
void tf_digest_value_after(
    const struct tf_digest *d, struct tf_str octets, unsigned char hash_out[TF_SHA256_BYTES]);
void tf_sha256(struct tf_str octets, unsigned char hash_out[TF_SHA256_BYTES]);

/* A public key as OpenSSL has it; counted, shared among threads (key_cache.c). */
struct tf_pkey;

/*
 * tf_pkey_new - make a key that was taken apart into one that verifies
 *
 * Returns NULL when OpenSSL refuses it; limits are the caller's. Release it when done.
 */
struct tf_pkey *tf_pkey_new(const struct tf_public_key *key);
struct tf_pkey *tf_pkey_retain(struct tf_pkey *pkey);
void tf_pkey_release(struct tf_pkey *pkey); /* NULL is fine */
/*
 * tf_pkey_verifies - whether signature is one over hash by this key
 *
 * type       of the key
 * hash       SHA-256 of what was signed
 * signature  RSASSA-PKCS1-v1_5 with SHA-256, as long as the modulus (RFC 8017 section 8.2.2); or
 *            Ed25519 over the 32 bytes of the hash (RFC 8463 section 3)
 */
bool tf_pkey_verifies(struct tf_pkey *pkey, enum tf_key_type type,
    const unsigned char hash[TF_SHA256_BYTES], struct tf_str signature);

/* Has OpenSSL read its configuration and load its providers now, and not at its first use. */
void tf_crypto_prepare(void);
const char *tf_crypto_version(void); /* "3.0.15"; static text */

#endif
