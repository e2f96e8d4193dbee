/*
 * forged.h - fields on arrival that speak in our name, and their removal
 *
 * One object is one message, and belongs to one thread at a time.
 */
#ifndef MILTER_FORGED_H
#define MILTER_FORGED_H

#include "milter/session.h"
#include "truefrom/authres.h"

#define TF_AUTHRES_FIELD "Authentication-Results"
#define TF_RECEIVED_SPF_FIELD "Received-SPF"
#define TF_QUARANTINE_FIELD "X-Truefrom-Quarantine"

/* Fields of one name, and which of them must go. */
struct tf_forged_name {
	uint32_t count;
	uint32_t *forged; /* their numbers among those of the name, from 1 */
	size_t forged_count, room;
};

/* Zeroed, but for what is set before the first field. */
struct tf_forged {
	struct tf_authres_ids ids; /* in whose name nobody else may speak; borrowed */
	bool trusted;              /* whoever hands us the message has done this work */
	bool received_spf_is_ours; /* we write it: else it is no business of ours */

	struct tf_forged_name authres, received_spf, quarantine;
};

/* One header field, in the order of the message. What is kept is in a. */
void tf_forged_look(
    struct tf_forged *f, struct tf_arena *a, struct tf_str name, struct tf_str value);
/* What a plan has to delete, from the highest number of each name down; in a. */
const struct tf_deletion *tf_forged_deletions(
    const struct tf_forged *f, struct tf_arena *a, size_t *count_out);

#endif
