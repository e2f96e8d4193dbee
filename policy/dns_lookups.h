/*
 * dns_lookups.h - the questions that libunbound has, and how many of them may be below one name
 *
 * Of the resolver thread alone; nothing here is thread-safe.
 */
#ifndef POLICY_DNS_LOOKUPS_H
#define POLICY_DNS_LOOKUPS_H

#include "policy/crypto.h"
#include "policy/dns_context.h"
#include "policy/dns_message.h"

/* One question to libunbound, on behalf of all messages that have it. */
struct tf_lookup {
	struct tf_str name; /* as asked: lower case, no trailing dot */
	enum tf_dns_type type;
	/* resolver.c's */
	struct tf_resolver *r;
	struct tf_dns_request request;
	struct tf_question_list peers; /* who asks; empty when nobody waits any more */
	/* dns_lookups.c's */
	size_t groups[2]; /* names that end in the same two, and three, labels */
	LIST_ENTRY(tf_lookup) link;
};

struct tf_lookups;

/*
 * tf_lookups_new - an empty table
 *
 * places  how many questions libunbound takes at once (tf_dns_context_places)
 * key     random, so that nobody can choose names that are counted with others'; copied
 */
struct tf_lookups *tf_lookups_new(size_t places, const unsigned char key[TF_HASH_KEY]);
void tf_lookups_free(struct tf_lookups *l); /* an empty one, or NULL */

struct tf_lookup *tf_lookups_find(struct tf_lookups *l, struct tf_str name, enum tf_dns_type type);
/*
 * tf_lookups_add - one more, of which the table has none yet
 *
 * name  copied
 *
 * Returns NULL when the names that end like this one have their part of the places already. The
 * look-up belongs to the table; its place is taken until tf_lookups_remove, which frees it.
 */
struct tf_lookup *tf_lookups_add(struct tf_lookups *l, struct tf_str name, enum tf_dns_type type);
void tf_lookups_remove(struct tf_lookups *l, struct tf_lookup *lookup);
/* Any of them, or NULL: to remove all. */
struct tf_lookup *tf_lookups_any(struct tf_lookups *l);

#endif
