/*
 * dkim_library.h - libopendkim behind a guard, one of the two verifiers of dkim_verifier.h
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
/* The body in chunks that may be split anywhere. */
void tf_dkim_library_body(struct tf_dkim_library *l, struct tf_str chunk);
/*
 * tf_dkim_library_finish - the body ends here; a missing final CRLF is supplied
 *
 * seen  what the body holds
 *
 * Fills result of each item that has a key and no result yet: TF_VERIFIED_UNABLE, with why, where
 * the library was not asked or did not answer.
 */
void tf_dkim_library_finish(struct tf_dkim_library *l, const struct tf_body_seen *seen);
const char *tf_dkim_library_version(void); /* and OpenSSL's, as tf_verifier_version has it */

#endif
