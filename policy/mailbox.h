/*
 * mailbox.h - From field -> author domains (RFC 5322 section 3.4 with its obsolete forms, RFC 6854,
 * RFC 6532); envelope path -> domain
 *
 * All functions are thread-safe, need no memory beyond the arena and take time linear in the field.
 */
#ifndef POLICY_MAILBOX_H
#define POLICY_MAILBOX_H

#include "truefrom/result.h"
#include "policy/header.h"

/*
 * A From field beyond these is TF_FROM_SYNTAX. Postfix cuts a field at 60,000 octets before milters
 * see it, so what is longer than our limit may be cut and says nothing certain.
 */
#define TF_FROM_MAX_OCTETS 32768
#define TF_FROM_MAX_LINES 1000    /* continuation lines */
#define TF_FROM_MAX_ELEMENTS 1000 /* of the address list, empty ones included */

/*
 * tf_mailbox_authors - the author domains of a message
 *
 * hb           all header fields; exactly one named From is wanted
 * max_domains  dmarc.max_author_domains; more distinct domains are TF_FROM_TOO_MANY_DOMAINS
 * a            owns what author_out points to
 * author_out   domains are there with TF_FROM_OK only; reason then is empty or a remark for the
 *              trail (a name that may look like another one), else what is wrong
 *
 * Decides or says that it cannot (state and reason); never guesses. Sender and Resent-From are
 * never looked at. Spec: RFC 9989 section 4.2; choices: the head of mailbox.c.
 */
void tf_mailbox_authors(const struct tf_header_block *hb, size_t max_domains, struct tf_arena *a,
    struct tf_author *author_out);

/* One From value (any bytes) -> author domains: what tf_mailbox_authors does with the only one. */
void tf_mailbox_from_parse(
    struct tf_str value, size_t max_domains, struct tf_arena *a, struct tf_author *author_out);

/*
 * tf_mailbox_path - the MAIL FROM path: local part and domain
 *
 * path  any bytes, without the outer < >; may hold a source route (dropped), a quoted local part,
 *       comments around the parts
 *
 * The last @ outside quotes divides. Returns false when there is no usable domain (empty path, no
 * such @, address literal, malformed); else local_out (as written, with its quotes) and domain_out
 * (not normalised) are slices of path. RFC 5321 section 4.1.2; RFC 7208 section 4.3.
 */
bool tf_mailbox_path(struct tf_str path, struct tf_str *local_out, struct tf_str *domain_out);

#endif
