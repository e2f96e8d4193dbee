/*
 * current.h - the configuration and the resolver in force, swapped as one on a reload
 *
 * A message takes a snapshot at MAIL FROM and keeps it to its end. Thread-safe.
 */
#ifndef MILTER_CURRENT_H
#define MILTER_CURRENT_H

#include "milter/config.h"

struct tf_current;

/* What a message holds: two references. */
struct tf_snapshot {
	struct tf_config *config;
	struct tf_resolver *resolver;
};

/*
 * tf_current_new - takes over the reference to config, makes the resolver
 *
 * host_name  our full name, for authserv_id when the MTA does not say its own; copied
 *
 * Returns NULL with the reason in why (no resolver); config is then released.
 */
struct tf_current *tf_current_new(
    struct tf_config *config, struct tf_str host_name, struct tf_buf *why);
void tf_current_free(struct tf_current *c);
struct tf_snapshot tf_current_take(struct tf_current *c);
void tf_snapshot_release(struct tf_snapshot *s);
/* on_error as it is in force, and limits.connections: outside of a message. */
bool tf_current_on_error_tempfail(struct tf_current *c);
uint32_t tf_current_connections(struct tf_current *c);
/* tf_resolver_beat of the resolver in force, and the patience that is configured. */
uint32_t tf_current_beat(struct tf_current *c, uint32_t *watchdog_s_out);
struct tf_str tf_current_host_name(const struct tf_current *c);
/* The public keys that messages share: made with c, freed with it. */
struct tf_key_cache *tf_current_keys(const struct tf_current *c);
/* The daemon's memory of DMARC policies, before the first message: borrowed. NULL = none. */
void tf_current_set_memory(struct tf_current *c, struct tf_dmarc_memory *memory);
struct tf_dmarc_memory *tf_current_memory(const struct tf_current *c);

/*
 * tf_current_replace - a reload: config is in force from the next MAIL FROM on
 *
 * Takes over the reference. The resolver and its cache stay when the settings of dns are the same.
 * Returns false with the reason in why, and everything stays as it was.
 */
bool tf_current_replace(struct tf_current *c, struct tf_config *config, struct tf_buf *why);

/* The host's full name by its own resolver, else its node name. */
struct tf_str tf_host_name(struct tf_arena *a);

#endif
