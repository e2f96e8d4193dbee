/*
 * dkim_library.h - libopendkim behind a guard: whether signatures over the header are good
 *
 * One object is one message and belongs to one thread at a time. Nothing here asks the DNS.
 */
#ifndef POLICY_DKIM_LIBRARY_H
#define POLICY_DKIM_LIBRARY_H

#include "policy/dkim_verifier.h"

struct tf_dkim_library;

/*
 * tf_dkim_library_start - at the end of the header: choose what the library gets to see
 *
 * hb     all fields; used during the call only
 * items  the signatures, in message order; borrowed until finish
 *
 * Sets why of each item that the library would get wrong: those it does not get. Returns the
 * object, owned by a.
 */
struct tf_dkim_library *tf_dkim_library_start(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_verify *items, size_t count);
/*
 * tf_dkim_library_finish - once the keys are there
 *
 * Fills result of each item that has a key and no result yet: TF_VERIFIED_PASS when the signature
 * over the header is good (the body is not looked at), TF_VERIFIED_BAD_SIGNATURE, or
 * TF_VERIFIED_UNABLE, with why, where the library was not asked or did not answer.
 */
void tf_dkim_library_finish(struct tf_dkim_library *l);
const char *tf_dkim_library_version(void); /* and OpenSSL's, as tf_verifier_version has it */

#endif
