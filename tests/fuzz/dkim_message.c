/*
 * dkim_message.c - a message of fuzzed bytes through the verifiers of DKIM
 */
#include "tests/fuzz/dkim_message.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1700000000

void
read_message(struct tf_str in, struct tf_header_block *hb, struct tf_str *body_out)
{
	while (in.len != 0) {
		struct tf_str field = fuzz_take_field(&in);
		size_t colon = tf_str_find(field, ':');

		if (field.len == 0)
			break;
		tf_header_block_add(hb, tf_str_trim(tf_str_sub(field, 0, colon)),
		    tf_str_sub(field, colon + 1, field.len));
	}
	*body_out = in;
}

void
read_items(struct tf_arena *a, const struct tf_header_block *hb,
    const struct tf_public_key *(*key_of)(enum tf_key_type type), struct items *items_out)
{
	const struct tf_str name = TF_LIT("DKIM-Signature");
	const struct tf_header *h;
	size_t from = 0;

	items_out->count = 0;
	for (h = tf_header_next(hb, name, &from); h != NULL && items_out->count < ITEMS_MAX;
	     h = tf_header_next(hb, name, &from)) {
		struct tf_dkim_sig *sig = tf_arena_alloc(a, sizeof(*sig));

		tf_dkim_sig_parse(h->value, NOW, 300, a, sig);
		if (sig->code == TF_NONE)
			items_out->all[items_out->count++] = (struct tf_verify){
				.sig = sig, .field = from - 1, .key = key_of(sig->key_type)
			};
	}
}

void
run_items(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body, size_t chunk,
    struct items *items, enum tf_verifier_kind kind)
{
	struct tf_signed_message *m = tf_signed_message_new(a, hb, NULL);
	struct tf_verifier *v = tf_verifier_start(a, m, items->all, items->count, kind);

	for (size_t at = 0; at < body.len; at += chunk)
		tf_body_hashes_feed(tf_signed_message_body(m), tf_str_sub(body, at, chunk));
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_verifier_finish(v);
}

void
compare_verifiers(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body,
    size_t chunk, const struct tf_public_key *(*key_of)(enum tf_key_type type),
    struct items *items_out)
{
	struct items library, both;

	read_items(a, hb, key_of, items_out);
	library = both = *items_out;
	run_items(a, hb, body, chunk, items_out, TF_VERIFIER_OWN);
	run_items(a, hb, body, chunk, &library, TF_VERIFIER_LIBRARY);
	run_items(a, hb, body, body.len + 1, &both, TF_VERIFIER_BOTH);
	for (size_t i = 0; i < items_out->count; i++) {
		const struct tf_verify *o = &items_out->all[i], *l = &library.all[i];

		FUZZ_ASSERT(o->result != TF_VERIFIED_NOT && o->result != TF_VERIFIED_UNABLE);
		FUZZ_ASSERT(o->unsigned_octets <= body.len + 2);
		FUZZ_ASSERT((l->result == TF_VERIFIED_UNABLE) == (l->why != NULL));
		FUZZ_ASSERT(l->result == TF_VERIFIED_UNABLE || l->result == o->result);
		FUZZ_ASSERT(both.all[i].result == o->result);
		FUZZ_ASSERT(both.all[i].unsigned_octets == o->unsigned_octets);
	}
}
