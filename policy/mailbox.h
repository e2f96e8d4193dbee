/*
 * mailbox.h - From field -> author domains (RFC 5322 section 3.4 with its obsolete forms, RFC 6854,
 * RFC 6532)
 */
#ifndef POLICY_MAILBOX_H
#define POLICY_MAILBOX_H

#include "truefrom/result.h"
#include "policy/header.h"

/*
 * tf_mailbox_authors - the author domains of a message
 *
 * hb           all header fields; exactly one named From is wanted
 * max_domains  dmarc.max_author_domains; more distinct domains are TF_FROM_TOO_MANY_DOMAINS
 * a            owns what author_out points to
 *
 * Decides or says that it cannot (state and reason); never guesses. Time and memory linear in the
 * field.
 */
void tf_mailbox_authors(const struct tf_header_block *hb, size_t max_domains, struct tf_arena *a,
    struct tf_author *author_out);

/*
 * tf_mailbox_from_parse - one From value -> author domains; the same for one field's value
 * (fuzzing, tests)
 */
void tf_mailbox_from_parse(
    struct tf_str value, size_t max_domains, struct tf_arena *a, struct tf_author *author_out);

/*
 * tf_mailbox_path - the MAIL FROM path: local part and domain
 *
 * path  without the outer < >; may hold a source route, quoted local part, comments of any kind
 *
 * Returns false when there is no usable domain (empty path, no unquoted @, address literal,
 * malformed); local_out and domain_out are slices of path; the domain is not normalised. RFC 5321
 * section 4.1.2; RFC 7208 section 4.3.
 */
bool tf_mailbox_path(struct tf_str path, struct tf_str *local_out, struct tf_str *domain_out);

#endif
