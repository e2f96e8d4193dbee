/*
 * dkim_verifier.c - the cryptographic half of DKIM: header and body against signature and key
 *
 * Implements RFC 6376 section 6.1.3. The signature over the header is checked twice over: by
 * libopendkim (dkim_library.c), which says itself, by a rule for each case, what it would get wrong
 * or cannot do; and those here, from the primitives that DKIM and ARC share (signed_message.c,
 * key_cache.c). So no case remains that nobody decides. The hash of the body is body_hash.c's
 * alone: one pass for all signatures of DKIM and ARC, which also tells how much of a body is behind
 * l=. Does not: judge keys, times or partial bodies (dkim.c).
 */
#include "policy/dkim_library.h"
#include "truefrom/banned.h"

struct tf_verifier {
	struct tf_signed_message *message;
	struct tf_verify *items;
	const struct tf_body_hash **bodies; /* one per item; NULL: too many different ones */
	size_t count;
	struct tf_dkim_library *library; /* NULL: not asked */
	bool own;
};

struct tf_verifier *
tf_verifier_start(struct tf_arena *a, struct tf_signed_message *m, struct tf_verify *items,
    size_t count, enum tf_verifier_kind kind)
{
	struct tf_verifier *v = tf_arena_alloc(a, sizeof(*v));

	v->message = m;
	v->items = items;
	v->count = count;
	v->own = kind != TF_VERIFIER_LIBRARY;
	v->bodies = tf_arena_array(a, count, sizeof(*v->bodies));
	for (size_t i = 0; i < count; i++)
		v->bodies[i] = tf_body_hashes_add(tf_signed_message_body(m),
		    items[i].sig->body_relaxed, items[i].sig->limited, items[i].sig->limit);
	if (kind != TF_VERIFIER_OWN)
		v->library = tf_dkim_library_start(a, tf_signed_message_header(m), items, count);
	return v;
}

/* The signature over the header, by our own code. */
static enum tf_verified
verify(struct tf_verifier *v, const struct tf_verify *item)
{
	const struct tf_dkim_sig *sig = item->sig;

	return tf_signed_message_verifies(v->message, sig->header_relaxed, sig->names, item->field,
		   item->key, sig->signature)
		   ? TF_VERIFIED_PASS
		   : TF_VERIFIED_BAD_SIGNATURE;
}

static bool
has_body_hash(const struct tf_verify *item, const struct tf_body_hash *body)
{
	const struct tf_str hash = { (const char *)body->digest, sizeof(body->digest) };

	return tf_str_eq(item->sig->body_hash, hash);
}

/* What l= says about the body is settled before any arithmetic. */
static void
settle_limit(struct tf_verify *item, const struct tf_body_hash *body)
{
	item->result = TF_VERIFIED_NOT;
	if (body == NULL) {
		item->result = TF_VERIFIED_UNABLE;
		item->why = "too many different hashes of the body";
		return;
	}
	item->unsigned_octets = tf_body_hash_unsigned(body);
	if (item->key != NULL && tf_body_hash_is_short(body)) {
		item->result = TF_VERIFIED_SHORT_BODY;
		item->why = NULL;
	}
}

void
tf_verifier_finish(struct tf_verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		settle_limit(&v->items[i], v->bodies[i]);
	if (v->library != NULL)
		tf_dkim_library_finish(v->library);
	for (size_t i = 0; i < v->count; i++) {
		struct tf_verify *item = &v->items[i];

		if (item->key == NULL || v->bodies[i] == NULL)
			continue;
		if (v->own &&
		    (item->result == TF_VERIFIED_NOT || item->result == TF_VERIFIED_UNABLE)) {
			item->result = verify(v, item);
			item->why = NULL;
		}
		if (item->result == TF_VERIFIED_PASS && !has_body_hash(item, v->bodies[i]))
			item->result = TF_VERIFIED_BAD_BODY;
	}
}

const char *
tf_verifier_version(void)
{
	return tf_dkim_library_version();
}
