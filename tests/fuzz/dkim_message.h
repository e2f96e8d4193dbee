/*
 * dkim_message.h - a message of fuzzed bytes through the verifiers of DKIM
 */
#ifndef TESTS_FUZZ_DKIM_MESSAGE_H
#define TESTS_FUZZ_DKIM_MESSAGE_H

#include "policy/dkim_verifier.h"

#define ITEMS_MAX 5

/* Well-formed signatures of one message with their keys, and what came of them. */
struct items {
	struct tf_verify all[ITEMS_MAX];
	size_t count;
};

/* Lines ended by LF or CRLF, folds included, up to an empty one; the rest is the body. */
void read_message(struct tf_str in, struct tf_header_block *hb, struct tf_str *body_out);
/* The signatures as dkim.c would choose them; key_of gives each its key. */
void read_items(struct tf_arena *a, const struct tf_header_block *hb,
    const struct tf_public_key *(*key_of)(enum tf_key_type type), struct items *items_out);
/* Through one kind of verifier, the body in chunks of so many octets. */
void run_items(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body,
    size_t chunk, struct items *items, enum tf_verifier_kind kind);
/*
 * Asserts what holds for every message: ours decides everything, the library the same or nothing,
 * and both together what ours does. items_out: what ours decided.
 */
void compare_verifiers(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body,
    size_t chunk, const struct tf_public_key *(*key_of)(enum tf_key_type type),
    struct items *items_out);

#endif
