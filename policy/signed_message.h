/*
 * signed_message.h - a message as signatures see it: the header that h= selects, the body's hashes
 *
 * What DKIM-Signature and ARC-Message-Signature have in common (RFC 6376 sections 3.7 and 5.4.2,
 * RFC 8617 section 4.1.2). One for each message, made at the end of its header, belongs to one
 * thread at a time.
 */
#ifndef POLICY_SIGNED_MESSAGE_H
#define POLICY_SIGNED_MESSAGE_H

#include "policy/body_hash.h"
#include "policy/header.h"
#include "policy/key_cache.h"

struct tf_signed_message;

/*
 * tf_signed_message_new - at the end of the header
 *
 * hb    all fields; borrowed until the last call
 * keys  for tf_signed_message_verifies; or NULL
 *
 * Returns it, owned by a. It costs nothing until a signature is looked at, which sorts the names of
 * the fields once.
 */
struct tf_signed_message *tf_signed_message_new(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_key_cache *keys);
/* The fields it was made of. */
const struct tf_header_block *tf_signed_message_header(const struct tf_signed_message *m);
/* The hashes of its body: ask for them before the first octet, then feed, then finish. */
struct tf_body_hashes *tf_signed_message_body(struct tf_signed_message *m);

/*
 * tf_signed_message_text - the header text that a signature is made over
 *
 * relaxed    the header canonicalization of its c=
 * names      h=: field names with colons between; as often as a name stands there, the lowest
 *            field of that name that was not selected yet, or nothing when none is left
 * signature  index of the signature's own field in the block: never selected, last in the text,
 *            with the value of b= removed and no final CRLF
 *
 * Returns the text, valid until the next call; TF_NONE_STR when the own field has no b=. Its time
 * grows with the length of names and of the fields selected, whatever the number of fields.
 */
struct tf_str tf_signed_message_text(
    struct tf_signed_message *m, bool relaxed, struct tf_str names, size_t signature);

/*
 * tf_signed_message_verifies - whether b= is a signature over that text by this key
 *
 * b  the bytes behind b=
 */
bool tf_signed_message_verifies(struct tf_signed_message *m, bool relaxed, struct tf_str names,
    size_t signature, const struct tf_public_key *key, struct tf_str b);

#endif
