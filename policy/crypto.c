/*
 * crypto.c - base64, public keys, random bytes and a keyed hash (only user of OpenSSL)
 *
 * Keys are taken apart with OpenSSL's reader of DER headers, one level at a time: that tells the
 * exact number of bits and the size of the exponent before any arithmetic is done with them, and
 * costs a microsecond, where d2i_PUBKEY of OpenSSL 3 costs 250.
 * Does not: judge keys; accept indefinite lengths, or bytes behind a key.
 */
#include <limits.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "policy/crypto.h"
#include "truefrom/banned.h"

#define ED25519_BYTES 32

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix A.1) */
static const unsigned char rsa_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* The six bits of one character, or 64. */
static uint32_t
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (tf_is_digit(c))
		return (uint32_t)(c - '0') + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : 64;
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

/* A positive INTEGER: how many bits it has, and its last byte. */
static bool
der_positive(struct tf_str *rest, uint32_t *bits_out, unsigned char *low_out)
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
	*low_out = (unsigned char)n.ptr[n.len - 1];
	return true;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool
rsa_public_key(struct tf_str der, struct tf_public_key *key_out)
{
	struct tf_public_key key = { .type = TF_KEY_RSA, .bytes = der };
	struct tf_str rest = der, numbers;
	unsigned char modulus_low, exponent_low;

	if (!der_element(&rest, V_ASN1_SEQUENCE, &numbers) || rest.len != 0 ||
	    !der_positive(&numbers, &key.bits, &modulus_low) ||
	    !der_positive(&numbers, &key.exponent_bits, &exponent_low) || numbers.len != 0)
		return false;
	key.odd = (modulus_low & exponent_low & 1) != 0 && key.exponent_bits > 1;
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

struct tf_str
tf_public_key_spki(const struct tf_public_key *key, struct tf_arena *a)
{
	size_t algorithm = (size_t)ASN1_object_size(0, sizeof(rsa_oid), V_ASN1_OBJECT) +
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
	put_header(&p, V_ASN1_OBJECT, sizeof(rsa_oid));
	put_bytes(&p, rsa_oid, sizeof(rsa_oid));
	put_header(&p, V_ASN1_NULL, 0);
	put_header(&p, V_ASN1_BIT_STRING, bits);
	put_bytes(&p, "", 1); /* no unused bits */
	put_bytes(&p, key->bytes.ptr, key->bytes.len);
	return (struct tf_str){ (const char *)der, whole };
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
	unsigned char text[TF_HASH_KEY + 1024], digest[SHA256_DIGEST_LENGTH];
	uint64_t h = 0;

	if (s.len > sizeof(text) - TF_HASH_KEY)
		tf_panic("keyed hash of %zu bytes", s.len);
	memcpy(text, key, TF_HASH_KEY);
	if (s.len != 0)
		memcpy(text + TF_HASH_KEY, s.ptr, s.len);
	(void)SHA256(text, TF_HASH_KEY + s.len, digest);
	for (size_t i = 0; i < sizeof(h); i++)
		h = h << 8 | digest[i];
	return h;
}

const char *
tf_crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
