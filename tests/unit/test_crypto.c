/*
 * test_crypto.c - base64 and public keys
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "policy/crypto.h"
#include "tests/unit/test.h"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str text, bytes;
	bool ok, written; /* read; and written back the same */
} rows[] = {
	{ "4648 10 empty", TF_LIT(""), TF_LIT(""), true, true },
	{ "4648 10 f", TF_LIT("Zg=="), TF_LIT("f"), true, true },
	{ "4648 10 fo", TF_LIT("Zm8="), TF_LIT("fo"), true, true },
	{ "4648 10 foo", TF_LIT("Zm9v"), TF_LIT("foo"), true, true },
	{ "4648 10 foob", TF_LIT("Zm9vYg=="), TF_LIT("foob"), true, true },
	{ "4648 10 fooba", TF_LIT("Zm9vYmE="), TF_LIT("fooba"), true, true },
	{ "4648 10 foobar", TF_LIT("Zm9vYmFy"), TF_LIT("foobar"), true, true },
	{ "every bit", TF_LIT("AP/+fQ=="), TF_LIT("\0\xff\xfe\x7d"), true, true },
	{ "6376 2.10 no padding", TF_LIT("Zg"), TF_LIT("f"), true, false },
	{ "6376 2.10 no padding, two left", TF_LIT("Zm8"), TF_LIT("fo"), true, false },
	{ "4648 3.5 stray bits", TF_LIT("Zh=="), TF_LIT("f"), true, false },
	{ "one character left", TF_LIT("Zm9vY"), TF_LIT(""), false, false },
	{ "one character", TF_LIT("Z"), TF_LIT(""), false, false },
	{ "padding alone", TF_LIT("===="), TF_LIT(""), false, false },
	{ "two of padding alone", TF_LIT("=="), TF_LIT(""), false, false },
	{ "padding too short", TF_LIT("Zg="), TF_LIT(""), false, false },
	{ "padding too long", TF_LIT("Zm9v="), TF_LIT(""), false, false },
	{ "three of padding", TF_LIT("Z==="), TF_LIT(""), false, false },
	{ "data behind padding", TF_LIT("Zg==Zg=="), TF_LIT(""), false, false },
	{ "data between padding", TF_LIT("Zg=A"), TF_LIT(""), false, false },
	{ "blank", TF_LIT("Zm 9v"), TF_LIT(""), false, false },
	{ "NUL", TF_LIT("Zm9\0"), TF_LIT(""), false, false },
	{ "8-bit", TF_LIT("Zm9\xc3"), TF_LIT(""), false, false },
	{ "url alphabet", TF_LIT("-_8="), TF_LIT(""), false, false },
};
/* clang-format on */

static void
test_base64(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str bytes = TF_NONE_STR;
		char storage[64];
		struct tf_buf out;

		assert_num(rows[i].what, tf_base64_decode(rows[i].text, a, &bytes), rows[i].ok);
		assert_str(rows[i].what, bytes, rows[i].bytes);
		tf_buf_init(&out, storage, sizeof(storage));
		tf_base64_encode(bytes, &out);
		if (rows[i].ok)
			assert_num(rows[i].what, tf_str_eq(tf_buf_get(&out), rows[i].text),
			    rows[i].written);
	}
	tf_arena_free(a);
}

/* RFC 4648 section 4: each octet as a character of base64. */
static void
test_alphabet(void **state)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char text[] = { 'A', (char)c, 'A', 'A' };
		const char *at = memchr(alphabet, c, sizeof(alphabet) - 1);
		struct tf_str bytes = TF_NONE_STR;

		assert_num("taken",
		    tf_base64_decode((struct tf_str){ text, sizeof(text) }, a, &bytes), at != NULL);
		if (at != NULL)
			assert_num("value",
			    (uint32_t)((unsigned char)bytes.ptr[0] << 4 |
				       (unsigned char)bytes.ptr[1] >> 4),
			    (uint32_t)(at - alphabet));
	}
	tf_arena_free(a);
}

/* Both DER forms of one key that OpenSSL made. */
static void
test_rsa_forms(void **state)
{
	static const unsigned int sizes[] = { 512, 1023, 1024, 2048 };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
		EVP_PKEY *pkey = EVP_RSA_gen(sizes[i]);
		unsigned char *spki = NULL, *pkcs1 = NULL;
		int spki_len = i2d_PUBKEY(pkey, &spki), pkcs1_len = i2d_PublicKey(pkey, &pkcs1);
		struct tf_str forms[] = { { (char *)spki, (size_t)spki_len },
			{ (char *)pkcs1, (size_t)pkcs1_len } };

		for (size_t k = 0; k < TF_ARRAY_LEN(forms); k++) {
			struct tf_public_key key;

			assert_true(tf_public_key_rsa(forms[k], &key));
			assert_int_equal(key.type, TF_KEY_RSA);
			assert_int_equal(key.bits, sizes[i]);
			assert_int_equal(key.exponent_bits, 17);
			assert_true(key.odd);
			assert_false(
			    tf_public_key_rsa(tf_str_sub(forms[k], 0, forms[k].len - 1), &key));
			assert_false(
			    tf_public_key_rsa(tf_str_sub(forms[k], 1, forms[k].len), &key));
		}
		OPENSSL_free(spki);
		OPENSSL_free(pkcs1);
		EVP_PKEY_free(pkey);
	}
	tf_arena_free(a);
}

#define RSA_ALGORITHM "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"

/* clang-format off */
static const struct key_row {
	const char *what;
	struct tf_str der;
	bool ok;
	uint32_t bits, exponent_bits;
	bool odd;
} key_rows[] = {
	{ "8017 A.1.1", TF_LIT("\x30\x07\x02\x02\x00\xb1\x02\x01\x03"), true, 8, 2, true },
	{ "7 bits", TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x03"), true, 7, 2, true },
	{ "5280 4.1.2.7 with NULL", TF_LIT("\x30\x1a" RSA_ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x61\x02\x01\x03"), true, 7, 2, true },
	{ "parameters left out", TF_LIT("\x30\x18\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x03\x09\x00\x30\x06\x02\x01\x61\x02\x01\x03"), true, 7, 2, true },
	{ "exponent 1", TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x01"), true, 7, 1, false },
	{ "even exponent", TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x04"), true, 7, 3, false },
	{ "even modulus", TF_LIT("\x30\x06\x02\x01\x60\x02\x01\x03"), true, 7, 2, false },
	{ "zeros", TF_LIT("\x30\x06\x02\x01\x00\x02\x01\x00"), true, 0, 0, false },
	{ "negative modulus", TF_LIT("\x30\x06\x02\x01\x81\x02\x01\x03"), false, 0, 0, false },
	{ "empty modulus", TF_LIT("\x30\x05\x02\x00\x02\x01\x03"), false, 0, 0, false },
	{ "no exponent", TF_LIT("\x30\x03\x02\x01\x61"), false, 0, 0, false },
	{ "a third number", TF_LIT("\x30\x09\x02\x01\x61\x02\x01\x03\x02\x01\x03"), false, 0, 0, false },
	{ "bytes behind it", TF_LIT("\x30\x06\x02\x01\x61\x02\x01\x03\x00"), false, 0, 0, false },
	{ "length past the end", TF_LIT("\x30\x07\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "DKIM-27 length overflow", TF_LIT("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01"), false, 0, 0, false },
	{ "DKIM-27 inner length overflow", TF_LIT("\x30\x06\x02\x84\x7f\xff\xff\xff"), false, 0, 0, false },
	{ "indefinite length", TF_LIT("\x30\x80\x02\x01\x61\x02\x01\x03\x00\x00"), false, 0, 0, false },
	{ "octet strings", TF_LIT("\x30\x06\x04\x01\x61\x04\x01\x03"), false, 0, 0, false },
	{ "a set", TF_LIT("\x31\x06\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "primitive sequence", TF_LIT("\x10\x06\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "other algorithm: rsassa-pss", TF_LIT("\x30\x1a\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x05\x00\x03\x09\x00\x30\x06\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "other algorithm: the first X.509's name of RSA", TF_LIT("\x30\x15\x30\x08\x06\x04\x55\x08\x01\x01\x05\x00\x03\x09\x00\x30\x06\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "unused bits", TF_LIT("\x30\x1a" RSA_ALGORITHM "\x03\x09\x01\x30\x06\x02\x01\x61\x02\x01\x03"), false, 0, 0, false },
	{ "empty bit string", TF_LIT("\x30\x11" RSA_ALGORITHM "\x03\x00"), false, 0, 0, false },
	{ "empty", TF_LIT(""), false, 0, 0, false },
	{ "one byte", TF_LIT("\x30"), false, 0, 0, false },
	{ "garbage", TF_LIT("v=DKIM1"), false, 0, 0, false },
};
/* clang-format on */

static void
test_rsa_der(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(key_rows); i++) {
		const struct key_row *row = &key_rows[i];
		struct tf_public_key key = { .bits = 0 };

		assert_num(row->what, tf_public_key_rsa(row->der, &key), row->ok);
		assert_num(row->what, key.bits, row->bits);
		assert_num(row->what, key.exponent_bits, row->exponent_bits);
		assert_num(row->what, key.odd, row->odd);
	}
}

/* What we wrap, OpenSSL reads by its short way; what others wrap, by the way that it always took.
 */
static void
test_spki(void **state)
{
	static const unsigned int sizes[] = { 512, 1024, 2048, 4096 };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
		EVP_PKEY *pkey = EVP_RSA_gen(sizes[i]), *read;
		unsigned char *spki = NULL;
		int len = i2d_PUBKEY(pkey, &spki);
		struct tf_public_key key;
		struct tf_pkey *made;
		struct tf_str wrapped;
		const unsigned char *p = spki;

		assert_true(tf_public_key_rsa((struct tf_str){ (char *)spki, (size_t)len }, &key));
		wrapped = tf_public_key_spki(&key, a);
		read = d2i_PUBKEY(NULL, &p, len);
		assert_non_null(EVP_PKEY_get0_provider(read));
		EVP_PKEY_free(read);
		p = (const unsigned char *)wrapped.ptr;
		read = d2i_PUBKEY(NULL, &p, (long)wrapped.len);
		assert_ptr_equal(p, wrapped.ptr + wrapped.len);
		assert_int_equal(EVP_PKEY_get_base_id(read), EVP_PKEY_RSA);
		assert_int_equal(EVP_PKEY_get_bits(read), sizes[i]);
		assert_int_equal(EVP_PKEY_eq(read, pkey), 1);
#ifndef OPENSSL_NO_ENGINE
		assert_null(EVP_PKEY_get0_provider(read));
#endif
		EVP_PKEY_free(read);
		made = tf_pkey_new(&key);
		assert_non_null(made);
		tf_pkey_release(made);
		OPENSSL_free(spki);
		EVP_PKEY_free(pkey);
	}
	tf_arena_free(a);
}

static void
test_ed25519(void **state)
{
	static const char raw[33];
	struct tf_public_key key;

	(void)state;
	assert_true(tf_public_key_ed25519((struct tf_str){ raw, 32 }, &key));
	assert_int_equal(key.type, TF_KEY_ED25519);
	assert_int_equal(key.bits, 256);
	assert_false(tf_public_key_ed25519((struct tf_str){ raw, 31 }, &key));
	assert_false(tf_public_key_ed25519((struct tf_str){ raw, 33 }, &key));
	assert_false(tf_public_key_ed25519(TF_NONE_STR, &key));
}

/* FIPS 180-4: the examples "abc" and of two blocks; a digest goes on behind a value. */
static void
test_sha256(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_digest *d = tf_digest_new(a);
	unsigned char hash[TF_SHA256_BYTES];
	struct tf_str bytes;

	(void)state;
	assert_true(
	    tf_base64_decode(TF_STR("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="), a, &bytes));
	tf_sha256(TF_STR("abc"), hash);
	assert_memory_equal(hash, bytes.ptr, sizeof(hash));
	tf_digest_update(d, TF_STR("a"));
	tf_digest_update(d, TF_NONE_STR);
	tf_digest_update(d, TF_STR("bc"));
	tf_digest_value(d, hash);
	assert_memory_equal(hash, bytes.ptr, sizeof(hash));
	tf_digest_update(d, TF_STR("dbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
	tf_digest_value(d, hash);
	assert_true(
	    tf_base64_decode(TF_STR("JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE="), a, &bytes));
	assert_memory_equal(hash, bytes.ptr, sizeof(hash));
	tf_arena_free(a);
}

/* The n-th of names in which letters are exchanged, two by two, for those with another bit 6. */
static struct tf_str
aimed_name(unsigned int n, char storage[13])
{
	static const char plain[] = "12345678", flipped[] = "qrstuvwx";
	bool odd = false;

	for (size_t i = 0; i < 12; i++) {
		bool flip = (n >> i & 1) != 0;

		storage[i] = flip ? flipped[i % 8] : plain[i % 8];
		odd = odd != flip;
	}
	storage[12] = odd ? flipped[4] : plain[4];
	return (struct tf_str){ storage, 13 };
}

static unsigned int
longest(const unsigned int *lists, size_t count)
{
	unsigned int most = 0;

	for (size_t i = 0; i < count; i++)
		most = lists[i] > most ? lists[i] : most;
	return most;
}

/* FNV-1a puts 4,096 names into 8 of 1,024 lists, whatever its seed. */
static void
test_keyed_hash(void **state)
{
	unsigned int plain[1024] = { 0 }, keyed[1024] = { 0 };
	unsigned char key[TF_HASH_KEY];
	uint32_t seed;

	(void)state;
	tf_random(key, sizeof(key));
	tf_random(&seed, sizeof(seed));
	for (unsigned int n = 0; n < 4096; n++) {
		char storage[13];
		struct tf_str name = aimed_name(n, storage);

		plain[tf_str_hash(name, seed) % TF_ARRAY_LEN(plain)]++;
		keyed[tf_keyed_hash(key, name) % TF_ARRAY_LEN(keyed)]++;
	}
	assert_true(longest(plain, TF_ARRAY_LEN(plain)) >= 512);
	assert_true(longest(keyed, TF_ARRAY_LEN(keyed)) < 40);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_alphabet),
		cmocka_unit_test(test_rsa_forms),
		cmocka_unit_test(test_rsa_der),
		cmocka_unit_test(test_spki),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_keyed_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
