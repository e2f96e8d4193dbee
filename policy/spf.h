/*
 * spf.h - check_host() of RFC 7208: start early, evaluate late
 *
 * spf_record.c knows the grammar, spf_macro.c the expansion, spf_eval.c the evaluation and what to
 * ask ahead.
 */
#ifndef POLICY_SPF_H
#define POLICY_SPF_H

#include "truefrom/check.h"

/* Of a message's questions, MAIL FROM may ask ahead one in so many; others leave it that many. */
#define TF_SPF_SHARE 3

enum tf_spf_identity { TF_SPF_HELO, TF_SPF_MAILFROM };

struct tf_spf_check;

/*
 * tf_spf_start - ask for the record of one identity, and ahead for what it will need
 *
 * id    borrowed until eval; for TF_SPF_MAILFROM and a null sender the identity is postmaster@HELO
 *       (RFC 7208 section 2.4)
 *
 * Returns the check, owned by a. Never waits.
 */
struct tf_spf_check *tf_spf_start(struct tf_arena *a, struct tf_dns *dns,
    const struct tf_spf_opts *opts, const struct tf_identity *id, enum tf_spf_identity which);
/* Waits for answers as needed; fills spf_out; appends to notes. */
void tf_spf_eval(struct tf_spf_check *c, struct tf_notes *notes, struct tf_spf *spf_out);

#endif
