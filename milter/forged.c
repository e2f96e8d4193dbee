/*
 * forged.c - fields on arrival that speak in our name, and their removal
 *
 * RFC 8601 section 5: Authentication-Results with one of our names, or with none that can be read;
 * so Received-SPF, and any mark of ours. They are counted as they come, and deleted from the
 * highest number down, because Postfix renumbers after each deletion and Sendmail does not. Limits:
 * those of the header (limits.headers).
 */
#include <string.h>

#include "milter/forged.h"
#include "truefrom/received_spf.h"
#include "truefrom/banned.h"

static void
add(struct tf_forged_name *n, struct tf_arena *a)
{
	if (n->forged_count == n->room) {
		size_t room = n->room != 0 ? n->room * 2 : 16;
		uint32_t *grown = tf_arena_array(a, room, sizeof(*grown));

		if (n->forged_count != 0)
			memcpy(grown, n->forged, n->forged_count * sizeof(*grown));
		n->forged = grown;
		n->room = room;
	}
	n->forged[n->forged_count++] = n->count;
}

void
tf_forged_look(struct tf_forged *f, struct tf_arena *a, struct tf_str name, struct tf_str value)
{
	if (tf_authres_is_name(name)) {
		f->authres.count++;
		if (!f->trusted && tf_authres_is_forged(value, &f->ids))
			add(&f->authres, a);
	} else if (tf_received_spf_is_name(name)) {
		f->received_spf.count++;
		if (!f->trusted && f->received_spf_is_ours &&
		    tf_received_spf_is_forged(value, &f->ids))
			add(&f->received_spf, a);
	} else if (tf_str_eq_nocase(tf_str_trim(name), TF_STR(TF_QUARANTINE_FIELD))) {
		f->quarantine.count++;
		if (!f->trusted)
			add(&f->quarantine, a);
	}
}

static size_t
put_deletions(
    const struct tf_forged_name *f, const char *name, struct tf_deletion *deletions, size_t n)
{
	for (size_t i = f->forged_count; i > 0; i--)
		deletions[n++] = (struct tf_deletion){ name, f->forged[i - 1] };
	return n;
}

const struct tf_deletion *
tf_forged_deletions(const struct tf_forged *f, struct tf_arena *a, size_t *count_out)
{
	struct tf_deletion *deletions = tf_arena_array(a,
	    f->authres.forged_count + f->received_spf.forged_count + f->quarantine.forged_count,
	    sizeof(*deletions));
	size_t n = 0;

	n = put_deletions(&f->authres, TF_AUTHRES_FIELD, deletions, n);
	n = put_deletions(&f->received_spf, TF_RECEIVED_SPF_FIELD, deletions, n);
	n = put_deletions(&f->quarantine, TF_QUARANTINE_FIELD, deletions, n);
	*count_out = n;
	return deletions;
}
