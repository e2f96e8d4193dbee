/*
 * dkim_signer.h - signs messages for tests, with canonical forms of its own
 *
 * Written from RFC 6376 sections 3.4, 3.5 and 3.7 for whole messages in memory; shares nothing with
 * the verifier but OpenSSL, so that both would have to be wrong in the same way.
 */
#ifndef TESTS_UNIT_DKIM_SIGNER_H
#define TESTS_UNIT_DKIM_SIGNER_H

#include "policy/header.h"

/* Sizes of RSA keys that tests use; 0 is Ed25519. */
#define SIGNER_ED25519 0

/* A public key as base64: SubjectPublicKeyInfo, RSAPublicKey or the 32 bytes of Ed25519. */
struct tf_str signer_public(unsigned int bits, bool pkcs1, struct tf_arena *a);
/* An RSAPublicKey with a modulus of so many bytes (256-65000) that nobody can have the key of. */
struct tf_str signer_made_up_public(size_t bytes, struct tf_arena *a);

/*
 * signer_sign - the value of a DKIM-Signature field
 *
 * header, body  the message; folds and line ends are CRLF
 * bits          the key: made at its first use, the same for the process ever after
 * tags          the field's value, in any form, in which %H stands for bh= and %B for b=; c=, h=
 *               and l= are obeyed as they stand there
 */
struct tf_str signer_sign(struct tf_arena *a, const struct tf_header_block *header,
    struct tf_str body, unsigned int bits, struct tf_str tags);
/* The same for an ARC-Message-Signature. */
struct tf_str signer_arc_message(struct tf_arena *a, const struct tf_header_block *header,
    struct tf_str body, unsigned int bits, struct tf_str tags);
/*
 * signer_arc_seal - the value of an ARC-Seal field (RFC 8617 section 5.1.1)
 *
 * sets  the fields that it covers in the order of the RFC, but for itself
 */
struct tf_str signer_arc_seal(
    struct tf_arena *a, const struct tf_header_block *sets, unsigned int bits, struct tf_str tags);
/* The hash of a body alone: what %H would be. */
struct tf_str signer_body_hash(struct tf_arena *a, struct tf_str body, bool relaxed, size_t limit);

/* Text with every "what" replaced. */
struct tf_str replace(struct tf_arena *a, struct tf_str text, const char *what, struct tf_str with);

#endif
