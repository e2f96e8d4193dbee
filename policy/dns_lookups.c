/*
 * dns_lookups.c - the questions that libunbound has, and how many of them may be below one name
 *
 * A question that nobody answers keeps its place in libunbound for half a minute and longer,
 * whether anybody waits for it or not, and places are few. So the fuller they are, the fewer the
 * names below any one name may take, lest whoever names what nobody answers takes all of them.
 * Limits: PART_OF_TWO, PART_OF_THREE, PLACES_MIN.
 */
#include <string.h>

#include "policy/dns_lookups.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define BUCKETS 1024
#define GROUPS 4096
/*
 * Names that end in the same two, or in the same three, labels may take these parts of the places
 * that are left; but always PLACES_MIN. (Two labels are most owners' own; three, where a registry
 * has two, as co.uk.)
 */
#define PART_OF_TWO 4
#define PART_OF_THREE 16
#define PLACES_MIN 16

LIST_HEAD(bucket, tf_lookup);

struct tf_lookups {
	unsigned char key[TF_HASH_KEY];
	size_t places, taken;
	size_t in_group[2][GROUPS];
	struct bucket buckets[BUCKETS];
};

struct tf_lookups *
tf_lookups_new(size_t places, const unsigned char key[TF_HASH_KEY])
{
	struct tf_lookups *l = tf_xcalloc(1, sizeof(*l));

	memcpy(l->key, key, sizeof(l->key));
	l->places = places;
	return l;
}

void
tf_lookups_free(struct tf_lookups *l)
{
	tf_xfree(l);
}

static struct bucket *
bucket_of(struct tf_lookups *l, struct tf_str name, enum tf_dns_type type)
{
	return &l->buckets[(tf_keyed_hash(l->key, name) + type) % BUCKETS];
}

struct tf_lookup *
tf_lookups_find(struct tf_lookups *l, struct tf_str name, enum tf_dns_type type)
{
	struct tf_lookup *lookup;

	LIST_FOREACH(lookup, bucket_of(l, name, type), link)
	{
		if (lookup->type == type && tf_str_eq(lookup->name, name))
			return lookup;
	}
	return NULL;
}

/* Which names a name is counted with, and whether there is a place for one more of them. */
static bool
has_place(const struct tf_lookups *l, struct tf_str name, size_t groups_out[2])
{
	static const size_t parts[] = { PART_OF_TWO, PART_OF_THREE };
	const size_t left = l->places > l->taken ? l->places - l->taken : 0;
	bool has = true;

	for (size_t i = 0; i < TF_ARRAY_LEN(parts); i++) {
		const size_t most = left / parts[i];

		groups_out[i] = tf_keyed_hash(l->key, tf_domain_last(name, 2 + i)) % GROUPS;
		if (l->in_group[i][groups_out[i]] >= (most > PLACES_MIN ? most : PLACES_MIN))
			has = false;
	}
	return has;
}

struct tf_lookup *
tf_lookups_add(struct tf_lookups *l, struct tf_str name, enum tf_dns_type type)
{
	struct tf_lookup *lookup;
	size_t groups[2];

	if (!has_place(l, name, groups))
		return NULL;
	lookup = tf_xcalloc(1, sizeof(*lookup));
	lookup->name = (struct tf_str){ tf_xstrdup(name), name.len };
	lookup->type = type;
	TAILQ_INIT(&lookup->peers);
	l->taken++;
	for (size_t i = 0; i < TF_ARRAY_LEN(groups); i++) {
		lookup->groups[i] = groups[i];
		l->in_group[i][groups[i]]++;
	}
	LIST_INSERT_HEAD(bucket_of(l, name, type), lookup, link);
	return lookup;
}

void
tf_lookups_remove(struct tf_lookups *l, struct tf_lookup *lookup)
{
	l->taken--;
	for (size_t i = 0; i < TF_ARRAY_LEN(lookup->groups); i++)
		l->in_group[i][lookup->groups[i]]--;
	LIST_REMOVE(lookup, link);
	tf_xfree((void *)(uintptr_t)lookup->name.ptr);
	tf_xfree(lookup);
}

struct tf_lookup *
tf_lookups_any(struct tf_lookups *l)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		if (!LIST_EMPTY(&l->buckets[i]))
			return LIST_FIRST(&l->buckets[i]);
	}
	return NULL;
}
