/*
 * fuzz_dkim_key.c - key records and the keys in them
 */
#include "policy/dkim_key.h"
#include "policy/taglist.h"
#include "tests/fuzz/fuzz.h"

/* A key within its limits, at the end of what it is wrapped in. */
static void
check_key(const struct tf_public_key *key, struct tf_arena *a)
{
	struct tf_str spki;

	FUZZ_ASSERT(key->bits != 0);
	if (key->type == TF_KEY_ED25519) {
		FUZZ_ASSERT(key->bits == 256 && key->bytes.len == 32);
		return;
	}
	FUZZ_ASSERT(key->bits <= TF_RSA_BITS_MAX && key->odd);
	FUZZ_ASSERT(key->exponent_bits > 1 && key->exponent_bits <= TF_RSA_EXPONENT_BITS_MAX);
	spki = tf_public_key_spki(key, a);
	FUZZ_ASSERT(spki.len > key->bytes.len);
	FUZZ_ASSERT(
	    tf_str_eq(tf_str_sub(spki, spki.len - key->bytes.len, key->bytes.len), key->bytes));
}

/* What decodes, encodes to text that decodes to the same. */
static void
check_base64(struct tf_str text, struct tf_arena *a)
{
	struct tf_str bytes, again;
	struct tf_buf out;

	if (!tf_base64_decode(text, a, &bytes))
		return;
	tf_buf_init_arena(&out, a, 1 << 24);
	tf_base64_encode(bytes, &out);
	FUZZ_ASSERT(tf_base64_decode(tf_buf_get(&out), a, &again));
	FUZZ_ASSERT(tf_str_eq(bytes, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = tf_arena_new();
	struct tf_public_key raw;
	struct tf_dkim_key key;
	bool is_key = tf_dkim_key_parse(in, a, &key);

	FUZZ_ASSERT(is_key || key.code != TF_NONE);
	FUZZ_ASSERT((key.code == TF_NONE) == (key.reason.len == 0));
	FUZZ_ASSERT(key.code == TF_NONE || key.code == TF_PERMERROR);
	if (key.code == TF_NONE)
		check_key(&key.public, a);
	check_base64(in, a);
	if (tf_public_key_rsa(in, &raw))
		FUZZ_ASSERT(fuzz_inside(raw.bytes, in));
	tf_arena_free(a);
	return 0;
}
