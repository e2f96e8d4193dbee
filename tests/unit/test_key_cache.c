/*
 * test_key_cache.c - signatures against keys, and the keys kept between messages
 */
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "policy/key_cache.h"
#include "tests/unit/test.h"

/* A key pair, and a signature by it over a hash. */
struct pair {
	EVP_PKEY *private;
	unsigned char *der, raw[32], hash[TF_SHA256_BYTES], signature[1024];
	size_t signature_len;
	struct tf_public_key public;
};

static void
sign(struct pair *p)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool rsa = p->public.type == TF_KEY_RSA;
	struct tf_str text = TF_LIT("what is signed");

	tf_sha256(text, p->hash);
	if (!rsa)
		text = (struct tf_str){ (const char *)p->hash, sizeof(p->hash) };
	p->signature_len = sizeof(p->signature);
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, rsa ? "SHA256" : NULL, NULL, NULL, p->private, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, p->signature, &p->signature_len,
			     (const unsigned char *)text.ptr, text.len),
	    1);
	EVP_MD_CTX_free(ctx);
}

/* bits 0: Ed25519 */
static void
make_pair(struct pair *p, unsigned int bits)
{
	size_t raw_len = sizeof(p->raw);
	int len;

	memset(p, 0, sizeof(*p));
	p->private = bits == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_RSA_gen(bits);
	assert_non_null(p->private);
	if (bits == 0) {
		assert_int_equal(EVP_PKEY_get_raw_public_key(p->private, p->raw, &raw_len), 1);
		assert_true(tf_public_key_ed25519(
		    (struct tf_str){ (const char *)p->raw, raw_len }, &p->public));
	} else {
		len = i2d_PublicKey(p->private, &p->der);
		assert_true(tf_public_key_rsa(
		    (struct tf_str){ (const char *)p->der, (size_t)len }, &p->public));
	}
	sign(p);
}

static void
free_pair(struct pair *p)
{
	OPENSSL_free(p->der);
	EVP_PKEY_free(p->private);
}

static bool
verifies(struct tf_key_cache *cache, const struct pair *p)
{
	return tf_key_verifies(cache, &p->public, p->hash,
	    (struct tf_str){ (const char *)p->signature, p->signature_len });
}

/* RFC 8017 section 8.2.2, RFC 8463 section 3: one changed bit, a shorter or longer signature. */
static void
test_signatures(void **state)
{
	static const unsigned int sizes[] = { 0, 512, 1023, 1024, 1031, 2048, 3072 };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
		struct pair p;

		make_pair(&p, sizes[i]);
		assert_true(verifies(NULL, &p));
		p.signature[p.signature_len / 2] ^= 0x10;
		assert_false(verifies(NULL, &p));
		p.signature[p.signature_len / 2] ^= 0x10;
		p.hash[31] ^= 1;
		assert_false(verifies(NULL, &p));
		p.hash[31] ^= 1;
		p.signature_len--;
		assert_false(verifies(NULL, &p));
		p.signature_len += 2;
		assert_false(verifies(NULL, &p));
		p.signature_len = 0;
		assert_false(verifies(NULL, &p));
		free_pair(&p);
	}
}

/* Keys that were taken apart, but that nobody can have signed with. */
static void
test_odd_keys(void **state)
{
	static const struct tf_str ders[] = {
		TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x03"),
		TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x01"),
		TF_LIT("\x30\x06\x02\x01\x60\x02\x01\x04"),
		TF_LIT("\x30\x06\x02\x01\x00\x02\x01\x00"),
	};
	static const char zeros[32];
	const unsigned char hash[TF_SHA256_BYTES] = { 0 };
	struct tf_key_cache *cache = tf_key_cache_new();
	struct tf_public_key key;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(ders); i++) {
		assert_true(tf_public_key_rsa(ders[i], &key));
		assert_false(tf_key_verifies(cache, &key, hash, TF_STR("\x01")));
		assert_false(tf_key_verifies(NULL, &key, hash, TF_STR("")));
	}
	assert_true(tf_public_key_ed25519((struct tf_str){ zeros, sizeof(zeros) }, &key));
	assert_false(tf_key_verifies(cache, &key, hash, TF_STR("\x01")));
	tf_key_cache_free(cache);
}

static void
test_kept(void **state)
{
	struct tf_key_cache *cache = tf_key_cache_new();
	struct tf_key_cache_stats stats;
	struct pair rsa, ed;

	(void)state;
	make_pair(&rsa, 1024);
	make_pair(&ed, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_true(verifies(cache, &rsa));
		assert_true(verifies(cache, &ed));
	}
	rsa.signature[0] ^= 1;
	assert_false(verifies(cache, &rsa));
	tf_key_cache_get_stats(cache, &stats);
	assert_int_equal(stats.keys, 2);
	assert_int_equal(stats.misses, 2);
	assert_int_equal(stats.hits, 5);
	tf_key_cache_free(cache);
	tf_key_cache_free(NULL);
	free_pair(&rsa);
	free_pair(&ed);
}

/* More keys than there is room for: the number stays bounded, and answers stay right. */
static void
test_eviction(void **state)
{
	struct tf_key_cache *cache = tf_key_cache_new();
	const unsigned char hash[TF_SHA256_BYTES] = { 0 };
	struct tf_key_cache_stats stats;
	char raw[32] = { 0 };
	struct pair rsa;

	(void)state;
	make_pair(&rsa, 1024);
	for (unsigned int i = 0; i < 5000; i++) {
		struct tf_public_key key;

		raw[0] = (char)(i & 255);
		raw[1] = (char)(i >> 8);
		assert_true(tf_public_key_ed25519((struct tf_str){ raw, sizeof(raw) }, &key));
		tf_key_verifies(cache, &key, hash, TF_STR(""));
		if (i % 100 == 0)
			assert_true(verifies(cache, &rsa));
	}
	tf_key_cache_get_stats(cache, &stats);
	assert_int_equal(stats.keys, 1024);
	assert_int_equal(stats.hits + stats.misses, 5050);
	assert_true(stats.hits > 30); /* what is used stays */
	tf_key_cache_free(cache);
	free_pair(&rsa);
}

#define THREADS 4
#define PAIRS 6
#define ROUNDS 200

struct worker {
	pthread_t thread;
	struct tf_key_cache *cache;
	const struct pair *pairs;
	size_t good;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	const unsigned char hash[TF_SHA256_BYTES] = { 0 };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct tf_public_key key;
		char raw[32] = { 0 };

		w->good += verifies(w->cache, &w->pairs[i % PAIRS]);
		/* others' keys, so that places are taken over while they are in use */
		memcpy(raw, &i, sizeof(i));
		if (tf_public_key_ed25519((struct tf_str){ raw, sizeof(raw) }, &key))
			tf_key_verifies(w->cache, &key, hash, TF_STR(""));
	}
	return NULL;
}

/* Keys are shared by messages on all threads; the thread sanitizer watches. */
static void
test_parallel(void **state)
{
	struct tf_key_cache *cache = tf_key_cache_new();
	struct worker workers[THREADS];
	struct pair pairs[PAIRS];

	(void)state;
	for (size_t i = 0; i < PAIRS; i++)
		make_pair(&pairs[i], i % 2 == 0 ? 1024 : 0);
	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .cache = cache, .pairs = pairs };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].good, ROUNDS);
	}
	tf_key_cache_free(cache);
	for (size_t i = 0; i < PAIRS; i++)
		free_pair(&pairs[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_odd_keys),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_parallel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
