/*
 * fuzz_dkim_verifier.c - whole messages through our verifier and libopendkim behind its guard
 *
 * Ed25519 signatures meet the key of RFC 8463 appendix A, whose message is in the corpus; RSA ones
 * a toy key, so that their check fails after everything else was done. Both verifiers agree on all
 * that the library is asked about.
 */
#include "policy/dkim_verifier.h"
#include "tests/fuzz/fuzz.h"

#define ITEMS_MAX 5

static const unsigned char ed25519[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5,
	0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
	0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
struct items {
	struct tf_verify all[ITEMS_MAX];
	size_t count;
};

static const unsigned char rsa[] = { 0x30, 0x06, 0x02, 0x01, 0x61, 0x02, 0x01, 0x03 };

/* One line ended by LF or CRLF, folds included, off the front of *rest. */
static struct tf_str
take_field(struct tf_str *rest)
{
	size_t end = 0;
	struct tf_str field;

	do {
		end += tf_str_find(tf_str_sub(*rest, end, rest->len), '\n') + 1;
	} while (end < rest->len && tf_is_wsp(rest->ptr[end]));
	field = tf_str_sub(*rest, 0, end - 1);
	if (field.len != 0 && field.ptr[field.len - 1] == '\r')
		field.len--;
	*rest = tf_str_sub(*rest, end, rest->len);
	return field;
}

static void
read_message(struct tf_str in, struct tf_header_block *hb, struct tf_str *body_out)
{
	while (in.len != 0) {
		struct tf_str field = take_field(&in);
		size_t colon = tf_str_find(field, ':');

		if (field.len == 0)
			break;
		tf_header_block_add(hb, tf_str_trim(tf_str_sub(field, 0, colon)),
		    tf_str_sub(field, colon + 1, field.len));
	}
	*body_out = in;
}

/* The message through one kind of verifier, in chunks. */
static void
run(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body, size_t chunk,
    struct items *items, enum tf_verifier_kind kind)
{
	struct tf_signed_message *m = tf_signed_message_new(a, hb, NULL);
	struct tf_verifier *v = tf_verifier_start(a, m, items->all, items->count, kind);

	for (size_t at = 0; at < body.len; at += chunk) {
		tf_body_hashes_feed(tf_signed_message_body(m), tf_str_sub(body, at, chunk));
		tf_verifier_body(v, tf_str_sub(body, at, chunk));
	}
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_verifier_finish(v);
}

/* The well-formed signatures with keys, as dkim.c would have them. */
static void
read_items(struct tf_arena *a, const struct tf_header_block *hb, struct items *items)
{
	const struct tf_str name = TF_LIT("DKIM-Signature");
	const struct tf_header *h;
	size_t from = 0;

	for (h = tf_header_next(hb, name, &from); h != NULL && items->count < ITEMS_MAX;
	     h = tf_header_next(hb, name, &from)) {
		struct tf_dkim_sig *sig = tf_arena_alloc(a, sizeof(*sig));
		struct tf_public_key *key = tf_arena_alloc(a, sizeof(*key));

		tf_dkim_sig_parse(h->value, 1700000000, 300, a, sig);
		if (sig->code != TF_NONE)
			continue;
		if (sig->key_type == TF_KEY_ED25519)
			tf_public_key_ed25519(
			    (struct tf_str){ (const char *)ed25519, sizeof(ed25519) }, key);
		else
			tf_public_key_rsa((struct tf_str){ (const char *)rsa, sizeof(rsa) }, key);
		items->all[items->count++] =
		    (struct tf_verify){ .sig = sig, .field = from - 1, .key = key };
	}
}

/* Ours decides everything; the library decides the same or nothing. */
static void
verify(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body, size_t chunk)
{
	struct items own = { .count = 0 }, library, both;

	read_items(a, hb, &own);
	library = both = own;
	run(a, hb, body, chunk, &own, TF_VERIFIER_OWN);
	run(a, hb, body, chunk, &library, TF_VERIFIER_LIBRARY);
	run(a, hb, body, body.len + 1, &both, TF_VERIFIER_BOTH);
	for (size_t i = 0; i < own.count; i++) {
		const struct tf_verify *o = &own.all[i], *l = &library.all[i];

		FUZZ_ASSERT(o->result != TF_VERIFIED_NOT && o->result != TF_VERIFIED_UNABLE);
		FUZZ_ASSERT(o->unsigned_octets <= body.len + 2);
		FUZZ_ASSERT((l->result == TF_VERIFIED_UNABLE) == (l->why != NULL));
		FUZZ_ASSERT(l->result == TF_VERIFIED_UNABLE || l->result == o->result);
		FUZZ_ASSERT(both.all[i].result == o->result);
		FUZZ_ASSERT(both.all[i].unsigned_octets == o->unsigned_octets);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tf_header_limits limits = { 1000, 1 << 20 };
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_str body;

	if (size > 1) {
		tf_header_block_init(&hb, a, &limits);
		read_message(fuzz_input(data + 1, size - 1), &hb, &body);
		verify(a, &hb, body, (size_t)data[0] + 1);
	}
	tf_arena_free(a);
	return 0;
}
