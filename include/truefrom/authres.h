/*
 * authres.h - write and recognise Authentication-Results (RFC 8601)
 */
#ifndef TRUEFROM_AUTHRES_H
#define TRUEFROM_AUTHRES_H

#include "truefrom/verdict.h"

/*
 * tf_authres_write - the value of our field
 *
 * authserv_id  ours; a token
 * fold         true: lines folded by "\n\t" as milters want it, first byte a blank; false: one
 * line, without the leading blank (JSON) out          at most about 24 KiB are written (20
 * signatures)
 *
 * Every value from outside goes through one encoder: token, quoted-string, or dropped. ASCII only.
 */
void tf_authres_write(const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str authserv_id, bool fold, struct tf_buf *out);

/* Ids whose fields are removed: ours first, then remove_authserv_ids. */
struct tf_authres_ids {
	const struct tf_str *ids;
	size_t count;
};

/*
 * tf_authres_is_forged - whether an Authentication-Results field on arrival must be removed
 *
 * value  as received (any bytes, folds and all)
 *
 * True when its authserv-id is one of ids in any spelling that a reader could take for it (case,
 * quoting, comments, trailing dot, A-label or U-label, "/..." behind it, junk after it), when no id
 * can be read, or when its version is not 1. Bounded: one pass. Spec: RFC 8601 sections 2.2 and 5.
 */
bool tf_authres_is_forged(struct tf_str value, const struct tf_authres_ids *ids);
/* Whether a header field of this name is an Authentication-Results field (any case, blanks before
 * the colon). */
bool tf_authres_is_name(struct tf_str name);

#endif
