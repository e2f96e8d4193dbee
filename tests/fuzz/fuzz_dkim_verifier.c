/*
 * fuzz_dkim_verifier.c - whole messages through our verifier and libopendkim behind its guard
 *
 * Ed25519 signatures meet the key of RFC 8463 appendix A, whose message is in the corpus; RSA ones
 * a toy key, so that their check fails after everything else was done. fuzz_dkim_signed.c has
 * messages whose signatures are right.
 */
#include "tests/fuzz/dkim_message.h"
#include "tests/fuzz/fuzz.h"

static const unsigned char ed25519[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5,
	0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
	0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
static const unsigned char rsa[] = { 0x30, 0x06, 0x02, 0x01, 0x61, 0x02, 0x01, 0x03 };

static const struct tf_public_key *
key_of(enum tf_key_type type)
{
	static struct tf_public_key keys[2];

	tf_public_key_ed25519((struct tf_str){ (const char *)ed25519, sizeof(ed25519) }, &keys[0]);
	tf_public_key_rsa((struct tf_str){ (const char *)rsa, sizeof(rsa) }, &keys[1]);
	return &keys[type == TF_KEY_RSA];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tf_header_limits limits = { 1000, 1 << 20 };
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_str body;
	struct items items;

	if (size > 1) {
		tf_header_block_init(&hb, a, &limits);
		read_message(fuzz_input(data + 1, size - 1), &hb, &body);
		compare_verifiers(a, &hb, body, (size_t)data[0] + 1, key_of, &items);
	}
	tf_arena_free(a);
	return 0;
}
