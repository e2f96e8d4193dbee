/*
 * key_cache.h - public keys as OpenSSL has them, kept between messages
 *
 * Making a key for OpenSSL costs 10 to 20 microseconds where RSA-2048 takes 26 to verify, and most
 * mail comes with the keys of few senders. An explicit object: made beside the resolver, handed
 * down in tf_check_opts. Thread-safe.
 */
#ifndef POLICY_KEY_CACHE_H
#define POLICY_KEY_CACHE_H

#include "truefrom/key_cache.h"
#include "policy/crypto.h"

/*
 * tf_key_verifies - whether a signature over a hash was made with this key
 *
 * cache      where the key is looked for and kept; NULL = nowhere
 * key        as dkim_key.c accepted it
 * hash       SHA-256 of what was signed
 * signature  the bytes behind b=
 *
 * RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) or Ed25519 over the hash (RFC 8463 section 3), by the
 * type of the key. False also for a key that OpenSSL refuses.
 */
bool tf_key_verifies(struct tf_key_cache *cache, const struct tf_public_key *key,
    const unsigned char hash[TF_SHA256_BYTES], struct tf_str signature);

struct tf_key_cache_stats {
	uint64_t hits, misses;
	size_t keys; /* kept now */
};
void tf_key_cache_get_stats(struct tf_key_cache *cache, struct tf_key_cache_stats *stats_out);

#endif
