/*
 * dns_cache.c - answers at hand, for all messages of a resolver
 *
 * A table of small sets: name and type choose the set; in a full one the answer that was not used
 * for longest gives way. So senders, who choose the names, cannot make a look-up slow, or do more
 * than push answers out, which libunbound then still has. When all answers together take too much
 * memory, one set after the other gives its least used one. The lock is held for a look-up or an
 * insertion alone.
 * Does not: keep failures (libunbound does, for some seconds), or know what is asked again.
 * Limits: WAYS answers for each EXPECTED * WAYS octets of memory; none that takes more than the
 * LARGEST part of it.
 */
#include <pthread.h>
#include <string.h>

#include "policy/crypto.h"
#include "policy/dns_cache.h"
#include "truefrom/banned.h"

#define WAYS 8
#define EXPECTED 512 /* octets of an answer with its place in the table */
#define LARGEST 64   /* 1/64 */

struct entry {
	struct tf_dns_shared *answer; /* NULL: free */
	uint32_t hash;
	int64_t until_us;
	uint64_t used; /* the clock at the last use */
};

struct set {
	struct entry entries[WAYS];
};

struct tf_dns_cache {
	/* never change */
	struct set *sets;
	size_t set_count, max_bytes;
	uint32_t seed;
	bool prefetch;
	/* under the lock */
	pthread_mutex_t lock;
	size_t bytes; /* of all answers */
	size_t hand;  /* the set that gives next */
	uint64_t clock;
};

struct tf_dns_cache *
tf_dns_cache_new(uint64_t bytes, bool prefetch)
{
	struct tf_dns_cache *cache = tf_xcalloc(1, sizeof(*cache));

	cache->set_count = (size_t)(bytes / (EXPECTED * WAYS));
	if (cache->set_count == 0)
		tf_panic("cache of %llu bytes", (unsigned long long)bytes);
	cache->max_bytes = (size_t)bytes - cache->set_count * sizeof(struct set);
	cache->sets = tf_xcalloc(cache->set_count, sizeof(*cache->sets));
	cache->prefetch = prefetch;
	tf_random(&cache->seed, sizeof(cache->seed));
	if (pthread_mutex_init(&cache->lock, NULL) != 0)
		tf_panic("no mutex");
	return cache;
}

void
tf_dns_cache_free(struct tf_dns_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->set_count; i++) {
		for (size_t k = 0; k < WAYS; k++)
			tf_dns_shared_release(cache->sets[i].entries[k].answer);
	}
	pthread_mutex_destroy(&cache->lock);
	tf_xfree(cache->sets);
	tf_xfree(cache);
}

static uint32_t
hash_of(const struct tf_dns_cache *cache, struct tf_str name, enum tf_dns_type type)
{
	return tf_str_hash(name, cache->seed ^ (uint32_t)type);
}

static struct set *
set_of(struct tf_dns_cache *cache, uint32_t hash)
{
	return &cache->sets[hash % cache->set_count];
}

/* The entry of that question, expired or not; NULL when there is none. Under the lock. */
static struct entry *
find(struct tf_dns_cache *cache, uint32_t hash, struct tf_str name, enum tf_dns_type type)
{
	struct set *set = set_of(cache, hash);

	for (size_t k = 0; k < WAYS; k++) {
		struct entry *e = &set->entries[k];

		if (e->answer != NULL && e->hash == hash &&
		    tf_dns_shared_is_for(e->answer, name, type))
			return e;
	}
	return NULL;
}

/* A free place comes before the one that was not used for longest. */
static struct entry *
least_used(struct set *set)
{
	struct entry *least = &set->entries[0];

	for (size_t k = 1; k < WAYS; k++) {
		if (set->entries[k].used < least->used)
			least = &set->entries[k];
	}
	return least;
}

/* Under the lock. */
static void
drop(struct tf_dns_cache *cache, struct entry *e)
{
	if (e->answer == NULL)
		return;
	cache->bytes -= tf_dns_shared_bytes(e->answer);
	tf_dns_shared_release(e->answer);
	*e = (struct entry){ .answer = NULL };
}

/* Drops the answers not used for longest in the sets that are next. Under the lock. */
static void
make_room(struct tf_dns_cache *cache, size_t bytes)
{
	while (cache->bytes + bytes > cache->max_bytes) {
		struct set *set = &cache->sets[cache->hand];
		struct entry *oldest = NULL;

		for (size_t k = 0; k < WAYS; k++) {
			struct entry *e = &set->entries[k];

			if (e->answer != NULL && (oldest == NULL || e->used < oldest->used))
				oldest = e;
		}
		if (oldest != NULL)
			drop(cache, oldest);
		cache->hand = (cache->hand + 1) % cache->set_count;
	}
}

struct tf_dns_shared *
tf_dns_cache_get(
    struct tf_dns_cache *cache, struct tf_str name, enum tf_dns_type type, int64_t now_us)
{
	const uint32_t hash = hash_of(cache, name, type);
	struct tf_dns_shared *answer = NULL;
	struct entry *e;

	pthread_mutex_lock(&cache->lock);
	e = find(cache, hash, name, type);
	if (e != NULL && now_us < e->until_us) {
		e->used = ++cache->clock;
		answer = tf_dns_shared_retain(e->answer);
	}
	pthread_mutex_unlock(&cache->lock);
	return answer;
}

static int64_t
time_of(const struct tf_dns_cache *cache, const struct tf_dns_shared *answer)
{
	const int64_t ttl_us = (int64_t)tf_dns_shared_answer(answer)->ttl_s * 1000000;

	return cache->prefetch ? ttl_us / 10 * 9 : ttl_us;
}

void
tf_dns_cache_put(struct tf_dns_cache *cache, struct tf_str name, enum tf_dns_type type,
    struct tf_dns_shared *answer, int64_t now_us)
{
	const uint32_t hash = hash_of(cache, name, type);
	const int64_t time_us = time_of(cache, answer);
	const size_t bytes = tf_dns_shared_bytes(answer);
	struct entry *e;

	if (time_us == 0 || bytes > cache->max_bytes / LARGEST)
		return;
	pthread_mutex_lock(&cache->lock);
	e = find(cache, hash, name, type);
	if (e == NULL)
		e = least_used(set_of(cache, hash));
	drop(cache, e);
	make_room(cache, bytes);
	*e = (struct entry){ tf_dns_shared_retain(answer), hash, now_us + time_us, ++cache->clock };
	cache->bytes += bytes;
	pthread_mutex_unlock(&cache->lock);
}
