/*
 * key_cache.h - public keys in the form that verifies, kept between messages
 *
 * One for the process, beside the resolver; messages get it in tf_check_opts. Thread-safe, bounded.
 */
#ifndef TRUEFROM_KEY_CACHE_H
#define TRUEFROM_KEY_CACHE_H

struct tf_key_cache;

struct tf_key_cache *tf_key_cache_new(void);
void tf_key_cache_free(struct tf_key_cache *cache); /* when no message uses it; NULL is fine */

#endif
