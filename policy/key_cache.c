/*
 * key_cache.c - public keys as OpenSSL has them, kept between messages
 *
 * A table of small sets: the digest of a key's bytes chooses the set and is the name within it; in
 * a full set the key that was not used for longest gives way. So no sender can make a look-up slow,
 * or do more than push out keys, which are then made anew. The lock is held for a look-up or an
 * insertion, never while a key is made or used.
 * Limits: SETS * WAYS keys, of 1 to 10 KB each.
 */
#include <pthread.h>
#include <string.h>

#include "policy/key_cache.h"
#include "truefrom/banned.h"

#define SETS 256
#define WAYS 4

struct entry {
	unsigned char id[TF_SHA256_BYTES];
	struct tf_pkey *pkey; /* NULL: free */
	uint64_t used;        /* the clock at the last use */
};

struct tf_key_cache {
	pthread_mutex_t lock;
	struct entry sets[SETS][WAYS];
	struct tf_key_cache_stats stats;
	uint64_t clock;
};

struct tf_key_cache *
tf_key_cache_new(void)
{
	struct tf_key_cache *cache = tf_xcalloc(1, sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void
tf_key_cache_free(struct tf_key_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < SETS; i++) {
		for (size_t k = 0; k < WAYS; k++)
			tf_pkey_release(cache->sets[i][k].pkey);
	}
	pthread_mutex_destroy(&cache->lock);
	tf_xfree(cache);
}

/* The type is part of the name: what it is a key of decides what its bytes mean. */
static void
name_key(const struct tf_public_key *key, unsigned char id[TF_SHA256_BYTES])
{
	tf_sha256(key->bytes, id);
	id[0] = (unsigned char)key->type;
}

static bool
holds(const struct entry *e, const unsigned char id[TF_SHA256_BYTES])
{
	return e->pkey != NULL && memcmp(e->id, id, TF_SHA256_BYTES) == 0;
}

/* The key of that name, or where it goes: a free place, or the one not used for longest. */
static struct entry *
find(struct tf_key_cache *cache, const unsigned char id[TF_SHA256_BYTES])
{
	struct entry *set = cache->sets[id[TF_SHA256_BYTES - 1] % SETS], *best = &set[0];

	for (size_t k = 0; k < WAYS; k++) {
		if (holds(&set[k], id))
			return &set[k];
		if (set[k].used < best->used)
			best = &set[k];
	}
	return best;
}

/* The key with a reference for the caller, or NULL. */
static struct tf_pkey *
look_up(struct tf_key_cache *cache, const unsigned char id[TF_SHA256_BYTES])
{
	struct tf_pkey *pkey = NULL;
	struct entry *e;

	pthread_mutex_lock(&cache->lock);
	e = find(cache, id);
	if (holds(e, id)) {
		e->used = ++cache->clock;
		pkey = tf_pkey_retain(e->pkey);
		cache->stats.hits++;
	} else {
		cache->stats.misses++;
	}
	pthread_mutex_unlock(&cache->lock);
	return pkey;
}

static void
insert(struct tf_key_cache *cache, const unsigned char id[TF_SHA256_BYTES], struct tf_pkey *pkey)
{
	struct tf_pkey *old = NULL;
	struct entry *e;

	pthread_mutex_lock(&cache->lock);
	e = find(cache, id);
	if (!holds(e, id)) {
		old = e->pkey;
		cache->stats.keys += old == NULL;
		memcpy(e->id, id, TF_SHA256_BYTES);
		e->pkey = tf_pkey_retain(pkey);
		e->used = ++cache->clock;
	}
	pthread_mutex_unlock(&cache->lock);
	tf_pkey_release(old);
}

/* With a reference for the caller; NULL when OpenSSL refuses the key. */
static struct tf_pkey *
get(struct tf_key_cache *cache, const struct tf_public_key *key)
{
	unsigned char id[TF_SHA256_BYTES];
	struct tf_pkey *pkey;

	if (cache == NULL)
		return tf_pkey_new(key);
	name_key(key, id);
	pkey = look_up(cache, id);
	if (pkey != NULL)
		return pkey;
	pkey = tf_pkey_new(key);
	if (pkey != NULL)
		insert(cache, id, pkey);
	return pkey;
}

bool
tf_key_verifies(struct tf_key_cache *cache, const struct tf_public_key *key,
    const unsigned char hash[TF_SHA256_BYTES], struct tf_str signature)
{
	struct tf_pkey *pkey = get(cache, key);
	bool good;

	if (pkey == NULL)
		return false;
	good = tf_pkey_verifies(pkey, key->type, hash, signature);
	tf_pkey_release(pkey);
	return good;
}

void
tf_key_cache_get_stats(struct tf_key_cache *cache, struct tf_key_cache_stats *stats_out)
{
	pthread_mutex_lock(&cache->lock);
	*stats_out = cache->stats;
	pthread_mutex_unlock(&cache->lock);
}
