/*
 * crypto.c - base64, hashes, public keys, signatures, random bytes (only user of OpenSSL)
 *
 * Keys are taken apart with OpenSSL's reader of DER headers, one level at a time: that tells the
 * exact number of bits and the size of the exponent before any arithmetic is done with them, and
 * costs a microsecond, where d2i_PUBKEY of OpenSSL 3 costs 170. Those that shall verify are handed
 * to OpenSSL as numbers: 10 microseconds, and nothing of the key is left to be completed at its
 * first use, so that threads can share it.
 * Does not: judge keys; accept indefinite lengths, or bytes behind a key.
 * Limits: OpenSSL takes no RSA key over 16384 bits.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "policy/crypto.h"
#include "truefrom/banned.h"

#define ED25519_BYTES 32

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix A.1) */
static const unsigned char rsa_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* clang-format off */
/* The six bits of each character from '+' to 'z', or 64: a table, since no branch can guess them. */
static const unsigned char sextets[] = {
	62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	64, 64, 64, 64, 64, 64,
	26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
};
/* clang-format on */

/* The six bits of one character, or 64. */
static uint32_t
sextet(char c)
{
	size_t at = (size_t)(unsigned char)c - '+';

	return at < sizeof(sextets) ? sextets[at] : 64;
}

bool
tf_base64_decode(struct tf_str in, struct tf_arena *a, struct tf_str *bytes_out)
{
	size_t chars = tf_str_find(in, '='), len = 0;
	struct tf_str padding = tf_str_sub(in, chars, in.len);
	uint32_t bits = 0;
	char *bytes;

	if (padding.len != 0 &&
	    (in.len % 4 != 0 || padding.len > 2 || padding.ptr[padding.len - 1] != '='))
		return false;
	if (chars % 4 == 1)
		return false;
	bytes = tf_arena_alloc(a, chars);
	for (size_t i = 0; i < chars; i++) {
		uint32_t six = sextet(in.ptr[i]);

		if (six == 64)
			return false;
		bits = bits << 6 | six;
		if (i % 4 != 0)
			bytes[len++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	*bytes_out = (struct tf_str){ bytes, len };
	return true;
}

void
tf_base64_encode(struct tf_str bytes, struct tf_buf *out)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)bytes.ptr[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			tf_buf_byte(out, k <= n ? alphabet[bits >> (18 - 6 * k) & 63] : '=');
	}
}

/*
 * Cuts one element of the wanted tag off *rest; content_out is what it holds.
 * Definite lengths only: OpenSSL's reader returns the bit 0x80 on errors and 1 for the others.
 */
static bool
der_element(struct tf_str *rest, int wanted, struct tf_str *content_out)
{
	const unsigned char *start = (const unsigned char *)rest->ptr, *p = start;
	int tag, class, form;
	long length;

	if (rest->len == 0 || rest->len > LONG_MAX)
		return false;
	form = ASN1_get_object(&p, &length, &tag, &class, (long)rest->len);
	if ((form & 0x81) != 0 || tag != wanted || class != V_ASN1_UNIVERSAL)
		return false;
	if ((form & V_ASN1_CONSTRUCTED) != (wanted == V_ASN1_SEQUENCE ? V_ASN1_CONSTRUCTED : 0))
		return false;
	*content_out = tf_str_sub(*rest, (size_t)(p - start), (size_t)length);
	*rest = tf_str_sub(*rest, (size_t)(p - start) + (size_t)length, rest->len);
	return true;
}

/* A positive INTEGER without leading zeros, and how many bits it has. */
static bool
der_positive(struct tf_str *rest, uint32_t *bits_out, struct tf_str *number_out)
{
	struct tf_str n;
	uint32_t bits;

	if (!der_element(rest, V_ASN1_INTEGER, &n) || n.len == 0 || tf_is_8bit(n.ptr[0]))
		return false;
	while (n.len > 1 && n.ptr[0] == '\0')
		n = tf_str_sub(n, 1, n.len);
	if (n.len > UINT32_MAX / 8)
		return false;
	bits = (uint32_t)n.len * 8;
	for (unsigned int top = (unsigned char)n.ptr[0]; top < 0x80 && bits != 0;
	     top = top << 1 | 1)
		bits--;
	*bits_out = bits;
	*number_out = n;
	return true;
}

static bool
is_odd(struct tf_str number)
{
	return (number.ptr[number.len - 1] & 1) != 0;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool
rsa_public_key(struct tf_str der, struct tf_public_key *key_out)
{
	struct tf_public_key key = { .type = TF_KEY_RSA, .bytes = der };
	struct tf_str rest = der, numbers;

	if (!der_element(&rest, V_ASN1_SEQUENCE, &numbers) || rest.len != 0 ||
	    !der_positive(&numbers, &key.bits, &key.modulus) ||
	    !der_positive(&numbers, &key.exponent_bits, &key.exponent) || numbers.len != 0)
		return false;
	key.odd = is_odd(key.modulus) && is_odd(key.exponent) && key.exponent_bits > 1;
	*key_out = key;
	return true;
}

/* AlgorithmIdentifier of rsaEncryption; its parameters are NULL or left out. */
static bool
is_rsa_encryption(struct tf_str algorithm)
{
	struct tf_str oid, null;

	if (!der_element(&algorithm, V_ASN1_OBJECT, &oid))
		return false;
	if (algorithm.len != 0 && (!der_element(&algorithm, V_ASN1_NULL, &null) || null.len != 0))
		return false;
	return algorithm.len == 0 &&
	       tf_str_eq(oid, (struct tf_str){ (const char *)rsa_oid, sizeof(rsa_oid) });
}

/* SubjectPublicKeyInfo ::= SEQUENCE { AlgorithmIdentifier, BIT STRING } */
static bool
spki_content(struct tf_str der, struct tf_str *key_out)
{
	struct tf_str info, algorithm, bits;

	if (!der_element(&der, V_ASN1_SEQUENCE, &info) || der.len != 0 ||
	    !der_element(&info, V_ASN1_SEQUENCE, &algorithm) || !is_rsa_encryption(algorithm) ||
	    !der_element(&info, V_ASN1_BIT_STRING, &bits) || info.len != 0)
		return false;
	if (bits.len == 0 || bits.ptr[0] != '\0') /* unused bits in the last byte */
		return false;
	*key_out = tf_str_sub(bits, 1, bits.len);
	return true;
}

bool
tf_public_key_rsa(struct tf_str der, struct tf_public_key *key_out)
{
	struct tf_str inner;
	bool ok;

	if (spki_content(der, &inner))
		der = inner;
	ok = rsa_public_key(der, key_out);
	ERR_clear_error(); /* the reader queues errors for this thread */
	return ok;
}

bool
tf_public_key_ed25519(struct tf_str raw, struct tf_public_key *key_out)
{
	if (raw.len != ED25519_BYTES)
		return false;
	*key_out = (struct tf_public_key){ .type = TF_KEY_ED25519, .bits = 256, .bytes = raw };
	return true;
}

/* An algorithm as keys that we write name it: its OID. */
static struct tf_str written_name = { (const char *)rsa_oid, sizeof(rsa_oid) };
static pthread_once_t written_name_once = PTHREAD_ONCE_INIT;

#ifndef OPENSSL_NO_ENGINE

/* 2.5.8.1.1, the name of RSA in the first X.509; to OpenSSL the same algorithm, EVP_PKEY_RSA2 */
static const unsigned char old_rsa_oid[] = { 0x55, 0x08, 0x01, 0x01 };

/* What ENGINE_set_pkey_meths calls for: the list of algorithms, or the methods of one. */
static int
no_methods(ENGINE *engine, EVP_PKEY_METHOD **method_out, const int **algorithms_out, int algorithm)
{
	static const int algorithms[] = { EVP_PKEY_RSA2 };

	(void)engine;
	(void)algorithm;
	if (method_out == NULL) {
		*algorithms_out = algorithms;
		return TF_ARRAY_LEN(algorithms);
	}
	*method_out = NULL;
	return 0;
}

/*
 * libopendkim calls d2i_PUBKEY_bio for each signature. OpenSSL 3 has two ways to read a key there:
 * by providers, for which it looks together a chain of decoders each time (230 to 300 microseconds,
 * where RSA-2048 takes 26 to verify), and its older own one (5). The older one comes first, but
 * only for algorithms that an ENGINE is registered for, lest a provider takes the key from it. So
 * an ENGINE without any method is registered for RSA's old name, which nobody else writes, and the
 * keys for libopendkim are written with that name. Every other key goes the way it always went.
 * It must not be rsaEncryption that is registered: then EVP_PKEY_fromdata makes no RSA key any
 * more, neither here nor where libunbound validates DNSSEC.
 * When any of this fails, or a later OpenSSL thinks otherwise, keys take the long way to the same
 * result. OpenSSL owns the ENGINE in the end, and frees it when the process exits.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* ENGINE; no other way opens this one  \
							    */
static void
choose_written_name(void)
{
	ENGINE *engine = ENGINE_new();

	if (engine != NULL && ENGINE_set_pkey_meths(engine, no_methods) == 1 &&
	    ENGINE_set_default_pkey_meths(engine) == 1)
		written_name = (struct tf_str){ (const char *)old_rsa_oid, sizeof(old_rsa_oid) };
	else
		ERR_clear_error();
	ENGINE_free(engine);
}
#pragma GCC diagnostic pop

#else

static void
choose_written_name(void)
{
}

#endif

static void
put_header(unsigned char **p, int tag, size_t length)
{
	ASN1_put_object(p, tag == V_ASN1_SEQUENCE, (int)length, tag, V_ASN1_UNIVERSAL);
}

static void
put_bytes(unsigned char **p, const void *bytes, size_t len)
{
	memcpy(*p, bytes, len);
	*p += len;
}

static struct tf_str
rsa_name(void)
{
	pthread_once(&written_name_once, choose_written_name);
	return written_name;
}

struct tf_str
tf_public_key_spki(const struct tf_public_key *key, struct tf_arena *a)
{
	const struct tf_str name = rsa_name();
	size_t algorithm = (size_t)ASN1_object_size(0, (int)name.len, V_ASN1_OBJECT) +
			   (size_t)ASN1_object_size(0, 0, V_ASN1_NULL);
	size_t bits = 1 + key->bytes.len;
	size_t info = (size_t)ASN1_object_size(1, (int)algorithm, V_ASN1_SEQUENCE) +
		      (size_t)ASN1_object_size(0, (int)bits, V_ASN1_BIT_STRING);
	size_t whole = (size_t)ASN1_object_size(1, (int)info, V_ASN1_SEQUENCE);
	unsigned char *der = tf_arena_alloc(a, whole), *p = der;

	if (key->type != TF_KEY_RSA || key->bytes.len > INT_MAX / 2)
		tf_panic("SubjectPublicKeyInfo of key type %d", (int)key->type);
	put_header(&p, V_ASN1_SEQUENCE, info);
	put_header(&p, V_ASN1_SEQUENCE, algorithm);
	put_header(&p, V_ASN1_OBJECT, name.len);
	put_bytes(&p, name.ptr, name.len);
	put_header(&p, V_ASN1_NULL, 0);
	put_header(&p, V_ASN1_BIT_STRING, bits);
	put_bytes(&p, "", 1); /* no unused bits */
	put_bytes(&p, key->bytes.ptr, key->bytes.len);
	return (struct tf_str){ (const char *)der, whole };
}

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* Found once for the process: looking for it each time costs as much as a short digest. */
static void
fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		tf_panic("OpenSSL has no SHA-256");
}

static EVP_MD_CTX *
new_digest(void)
{
	EVP_MD_CTX *ctx;

	pthread_once(&sha256_once, fetch_sha256);
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		tf_panic("SHA-256 does not start");
	return ctx;
}

static void
free_digest(void *ptr)
{
	EVP_MD_CTX_free(ptr);
}

struct tf_digest {
	EVP_MD_CTX *ctx;
};

struct tf_digest *
tf_digest_new(struct tf_arena *a)
{
	struct tf_digest *d = tf_arena_alloc(a, sizeof(*d));

	d->ctx = new_digest();
	tf_arena_defer(a, free_digest, d->ctx);
	return d;
}

void
tf_digest_update(struct tf_digest *d, struct tf_str octets)
{
	if (octets.len != 0 && EVP_DigestUpdate(d->ctx, octets.ptr, octets.len) != 1)
		tf_panic("SHA-256 does not go on");
}

void
tf_digest_value_after(
    const struct tf_digest *d, struct tf_str octets, unsigned char hash_out[TF_SHA256_BYTES])
{
	struct tf_digest copy = { EVP_MD_CTX_new() };

	if (copy.ctx == NULL || EVP_MD_CTX_copy_ex(copy.ctx, d->ctx) != 1)
		tf_panic("SHA-256 cannot be copied");
	tf_digest_update(&copy, octets);
	if (EVP_DigestFinal_ex(copy.ctx, hash_out, NULL) != 1)
		tf_panic("SHA-256 does not end");
	EVP_MD_CTX_free(copy.ctx);
}

void
tf_digest_value(const struct tf_digest *d, unsigned char hash_out[TF_SHA256_BYTES])
{
	tf_digest_value_after(d, TF_NONE_STR, hash_out);
}

void
tf_sha256(struct tf_str octets, unsigned char hash_out[TF_SHA256_BYTES])
{
	struct tf_digest d = { new_digest() };

	tf_digest_update(&d, octets);
	if (EVP_DigestFinal_ex(d.ctx, hash_out, NULL) != 1)
		tf_panic("SHA-256 does not end");
	EVP_MD_CTX_free(d.ctx);
}

void
tf_random(void *bytes, size_t len)
{
	if (len > INT_MAX || RAND_bytes(bytes, (int)len) != 1)
		tf_panic("no random bytes");
}

uint64_t
tf_keyed_hash(const unsigned char key[TF_HASH_KEY], struct tf_str s)
{
	unsigned char text[TF_HASH_KEY + 1024], hash[TF_SHA256_BYTES];
	uint64_t h = 0;

	if (s.len > sizeof(text) - TF_HASH_KEY)
		tf_panic("keyed hash of %zu bytes", s.len);
	memcpy(text, key, TF_HASH_KEY);
	if (s.len != 0)
		memcpy(text + TF_HASH_KEY, s.ptr, s.len);
	tf_sha256((struct tf_str){ (const char *)text, TF_HASH_KEY + s.len }, hash);
	for (size_t i = 0; i < sizeof(h); i++)
		h = h << 8 | hash[i];
	return h;
}

/* Never changes but for its count. */
struct tf_pkey {
	_Atomic size_t refs;
	EVP_PKEY *key;
	EVP_PKEY_CTX *rsa; /* ready to verify: copied for each signature; NULL: Ed25519 */
};

static BIGNUM *
number(struct tf_str bytes)
{
	if (bytes.len > INT_MAX)
		return NULL;
	return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

static EVP_PKEY *
rsa_from_data(OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
new_rsa(const struct tf_public_key *key)
{
	BIGNUM *n = number(key->modulus), *e = number(key->exponent);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey;

	if (n != NULL && e != NULL && builder != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	pkey = rsa_from_data(params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return pkey;
}

/* Found and set up once for the key: that costs a quarter of what verifying with it does. */
static EVP_PKEY_CTX *
rsa_verifier(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	pthread_once(&sha256_once, fetch_sha256);
	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, sha256) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

struct tf_pkey *
tf_pkey_new(const struct tf_public_key *key)
{
	struct tf_pkey *pkey = tf_xmalloc(sizeof(*pkey));
	bool ok = false;

	atomic_init(&pkey->refs, 1);
	switch (key->type) {
	case TF_KEY_RSA:
		pkey->key = new_rsa(key);
		if (pkey->key != NULL)
			pkey->rsa = rsa_verifier(pkey->key);
		ok = pkey->rsa != NULL;
		break;
	case TF_KEY_ED25519:
		pkey->key = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, (const unsigned char *)key->bytes.ptr, key->bytes.len);
		ok = pkey->key != NULL;
		break;
	}
	if (ok)
		return pkey;
	ERR_clear_error();
	tf_pkey_release(pkey);
	return NULL;
}

struct tf_pkey *
tf_pkey_retain(struct tf_pkey *pkey)
{
	atomic_fetch_add(&pkey->refs, 1);
	return pkey;
}

void
tf_pkey_release(struct tf_pkey *pkey)
{
	if (pkey == NULL || atomic_fetch_sub(&pkey->refs, 1) != 1)
		return;
	EVP_PKEY_CTX_free(pkey->rsa);
	EVP_PKEY_free(pkey->key);
	tf_xfree(pkey);
}

static bool
rsa_verifies(const struct tf_pkey *pkey, const unsigned char *hash, struct tf_str signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(pkey->rsa);
	bool good;

	good = ctx != NULL && EVP_PKEY_verify(ctx, (const unsigned char *)signature.ptr,
				  signature.len, hash, TF_SHA256_BYTES) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool
ed25519_verifies(const struct tf_pkey *pkey, const unsigned char *hash, struct tf_str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey->key) == 1 &&
	       EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len, hash,
		   TF_SHA256_BYTES) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool
tf_pkey_verifies(struct tf_pkey *pkey, enum tf_key_type type,
    const unsigned char hash[TF_SHA256_BYTES], struct tf_str signature)
{
	bool good = false;

	switch (type) {
	case TF_KEY_RSA:
		good = rsa_verifies(pkey, hash, signature);
		break;
	case TF_KEY_ED25519:
		good = ed25519_verifies(pkey, hash, signature);
		break;
	}
	if (!good)
		ERR_clear_error(); /* OpenSSL queues errors for this thread */
	return good;
}

void
tf_crypto_prepare(void)
{
	pthread_once(&sha256_once, fetch_sha256);
}

const char *
tf_crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
