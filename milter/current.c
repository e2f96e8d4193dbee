/*
 * current.c - the configuration and the resolver in force
 *
 * One lock, held for two pointers and two counters, never across I/O: a new resolver is made before
 * the lock is taken and the old one released after it.
 */
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "milter/current.h"
#include "milter/watchdog.h"
#include "truefrom/banned.h"

struct tf_current {
	pthread_mutex_t lock;
	struct tf_snapshot now;
	char *host_name;
	struct tf_key_cache *keys;      /* no configuration changes what a key is */
	struct tf_dmarc_memory *memory; /* never changes while messages are in work */
};

struct tf_current *
tf_current_new(struct tf_config *config, struct tf_str host_name, struct tf_buf *why)
{
	struct tf_resolver *resolver = tf_resolver_new(&config->dns, why);
	struct tf_current *c;

	if (resolver == NULL) {
		tf_config_release(config);
		return NULL;
	}
	c = tf_xmalloc(sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	c->now = (struct tf_snapshot){ config, resolver };
	c->keys = tf_key_cache_new();
	c->host_name = tf_xstrdup(host_name);
	return c;
}

void
tf_current_free(struct tf_current *c)
{
	if (c == NULL)
		return;
	tf_snapshot_release(&c->now);
	tf_key_cache_free(c->keys);
	pthread_mutex_destroy(&c->lock);
	tf_xfree(c->host_name);
	tf_xfree(c);
}

struct tf_snapshot
tf_current_take(struct tf_current *c)
{
	struct tf_snapshot taken;

	pthread_mutex_lock(&c->lock);
	taken.config = tf_config_retain(c->now.config);
	taken.resolver = c->now.resolver;
	tf_resolver_retain(taken.resolver);
	pthread_mutex_unlock(&c->lock);
	return taken;
}

uint32_t
tf_current_beat(struct tf_current *c, uint32_t *watchdog_s_out)
{
	uint32_t silent;

	/* Under the lock, because the last owner of a resolver waits for its thread. */
	pthread_mutex_lock(&c->lock);
	*watchdog_s_out = c->now.config->watchdog_s;
	silent = tf_resolver_beat(c->now.resolver);
	pthread_mutex_unlock(&c->lock);
	return silent;
}

bool
tf_current_on_error_tempfail(struct tf_current *c)
{
	bool tempfail;

	pthread_mutex_lock(&c->lock);
	tempfail = c->now.config->on_error_tempfail;
	pthread_mutex_unlock(&c->lock);
	return tempfail;
}

uint32_t
tf_current_connections(struct tf_current *c)
{
	uint32_t connections;

	pthread_mutex_lock(&c->lock);
	connections = c->now.config->connections;
	pthread_mutex_unlock(&c->lock);
	return connections;
}

void
tf_snapshot_release(struct tf_snapshot *s)
{
	tf_config_release(s->config);
	tf_resolver_release(s->resolver);
	*s = (struct tf_snapshot){ NULL, NULL };
}

struct tf_str
tf_current_host_name(const struct tf_current *c)
{
	return tf_str_from(c->host_name);
}

void
tf_current_set_memory(struct tf_current *c, struct tf_dmarc_memory *memory)
{
	c->memory = memory;
}

struct tf_key_cache *
tf_current_keys(const struct tf_current *c)
{
	return c->keys;
}

struct tf_dmarc_memory *
tf_current_memory(const struct tf_current *c)
{
	return c->memory;
}

bool
tf_current_replace(struct tf_current *c, struct tf_config *config, struct tf_buf *why)
{
	struct tf_snapshot old = tf_current_take(c);
	struct tf_resolver *resolver = old.resolver;
	struct tf_watched watched;

	if (tf_config_same_dns(old.config, config) && tf_resolver_alive(resolver)) {
		tf_resolver_retain(resolver);
	} else {
		resolver = tf_resolver_new(&config->dns, why);
		if (resolver == NULL) {
			tf_config_release(config);
			tf_snapshot_release(&old);
			return false;
		}
	}
	tf_snapshot_release(&old);
	pthread_mutex_lock(&c->lock);
	old = c->now;
	c->now = (struct tf_snapshot){ config, resolver };
	pthread_mutex_unlock(&c->lock);
	/* Its last owner waits for the resolver's thread. */
	tf_watch_begin(&watched, 0);
	tf_snapshot_release(&old);
	tf_watch_end(&watched);
	return true;
}

struct tf_str
tf_host_name(struct tf_arena *a)
{
	struct addrinfo hints, *found = NULL;
	char node[256];
	struct tf_str name;

	if (gethostname(node, sizeof(node)) != 0)
		return TF_STR("localhost");
	node[sizeof(node) - 1] = '\0';
	name = tf_str_from(node);
	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_CANONNAME;
	/* Asks /etc/hosts first; a name that has a dot already needs no question to anybody. */
	if (memchr(name.ptr, '.', name.len) == NULL &&
	    getaddrinfo(node, NULL, &hints, &found) == 0 && found->ai_canonname != NULL)
		name = tf_str_from(found->ai_canonname);
	name = tf_arena_dup(a, name);
	if (found != NULL)
		freeaddrinfo(found);
	return name;
}
