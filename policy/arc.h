/*
 * arc.h - validation of an ARC chain (RFC 8617 section 5.2)
 *
 * One check is one message and belongs to one thread at a time.
 */
#ifndef POLICY_ARC_H
#define POLICY_ARC_H

#include "truefrom/check.h"
#include "policy/signed_message.h"

struct tf_arc_check;

/*
 * tf_arc_start - at the end of the header: read the sets, check their structure, ask for keys
 *
 * opts  of signatures: the shortest RSA key, the difference of clocks for x=, and what l= is worth.
 *       Borrowed until eval
 * keys  for the seals; or NULL
 * m     its header and body are what the message signatures are checked against; its body hashes
 *       are asked for here. Borrowed until eval
 * now   seconds since 1970
 *
 * Not one question is asked before the structure holds. All go out together, a third of the
 * message's questions at most and only while another third is left for what decides without ARC;
 * so this is called when the keys of DKIM and the policies of the authors have been asked for. A
 * chain that would need more is a temperror. Returns the check, owned by a. Never waits.
 */
struct tf_arc_check *tf_arc_start(struct tf_arena *a, struct tf_dns *dns,
    const struct tf_dkim_opts *opts, struct tf_key_cache *keys, struct tf_signed_message *m,
    int64_t now);
/*
 * tf_arc_eval - the body is finished: wait for keys, verify, conclude
 *
 * notes    one is appended for each set, and one for the chain
 * arc_out  filled completely; its slices live in the arena
 *
 * Pass means that the newest message signature and every seal verified. When something is wrong and
 * a key could not be had besides, the chain fails.
 */
void tf_arc_eval(struct tf_arc_check *c, struct tf_notes *notes, struct tf_arc *arc_out);

#endif
