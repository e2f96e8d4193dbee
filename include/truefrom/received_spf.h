/*
 * received_spf.h - write and recognise Received-SPF (RFC 7208 section 9.1)
 */
#ifndef TRUEFROM_RECEIVED_SPF_H
#define TRUEFROM_RECEIVED_SPF_H

#include "truefrom/authres.h"

/*
 * tf_received_spf_write - the value of one field of ours
 *
 * id        whose client, HELO and MAIL FROM were checked
 * spf       the result of one identity of it
 * receiver  our authserv-id
 * fold      true: lines folded by "\n\t" as milters want it, first byte a blank; false: one line,
 *           without the leading blank
 * out       at most about 2 KiB are written
 *
 * What the client or a record says is written as a dot-atom or quoted-string, or its key is left
 * out. ASCII only, but for an envelope sender that came by SMTPUTF8. Nothing from outside stands
 * behind "identity=", which some readers look for from the right.
 */
void tf_received_spf_write(const struct tf_identity *id, const struct tf_spf *spf,
    struct tf_str receiver, bool fold, struct tf_buf *out);

/*
 * tf_received_spf_is_forged - whether a Received-SPF field on arrival must be removed
 *
 * value  as received (any bytes, folds and all)
 *
 * True when it names one of ids as its receiver, by key or at the head of a comment, in any
 * spelling that a reader could take for it, or when it names nobody. Those of other receivers are
 * trace fields and stay. Bounded: a field with very many names counts as forged.
 */
bool tf_received_spf_is_forged(struct tf_str value, const struct tf_authres_ids *ids);
/* Whether a header field of this name is one (any case, blanks before the colon). */
bool tf_received_spf_is_name(struct tf_str name);

#endif
