/*
 * dns_context.h - libunbound, set up: who asks the network and keeps the cache
 *
 * Belongs to one thread, that of the event base, once it is made.
 */
#ifndef POLICY_DNS_CONTEXT_H
#define POLICY_DNS_CONTEXT_H

#include "truefrom/resolver.h"

struct event_base;
struct tf_dns_context;

/*
 * tf_dns_context_new - a context with these settings that works on that event loop
 *
 * Everything that can go wrong (a zone, a server's address, a missing key) goes wrong here: NULL,
 * and the reason in why. opts is borrowed for the call. Thread-safe.
 */
struct tf_dns_context *tf_dns_context_new(
    struct event_base *base, const struct tf_resolver_opts *opts, struct tf_buf *why);
/* Drops all that is open: their callbacks are called with a failure. NULL is fine. */
void tf_dns_context_free(struct tf_dns_context *c);

/* What came back: a packet, or a status alone. */
struct tf_dns_reply {
	struct tf_str packet;
	enum tf_dns_status status; /* when there is no packet */
	bool secure;
};

/* The reply is good for the call only. */
typedef void (*tf_dns_on_reply)(void *arg, const struct tf_dns_reply *reply);

/* One question under way; lives where the asker keeps it, from ask to callback or cancel. */
struct tf_dns_request {
	tf_dns_on_reply on_reply;
	void *arg;
	/* the context's own */
	struct tf_dns_context *context;
	int id;
};

/*
 * tf_dns_context_ask - put one question
 *
 * name  raw labels joined by dots; one that tf_domain_can_ask accepts
 * req   on_reply and arg set by the caller
 *
 * on_reply(arg) is called once, perhaps before this returns; req is not touched after that.
 */
void tf_dns_context_ask(struct tf_dns_context *c, struct tf_str name, enum tf_dns_type type,
    struct tf_dns_request *req);
/* No callback any more; libunbound goes on, for its cache. */
void tf_dns_context_cancel(struct tf_dns_context *c, struct tf_dns_request *req);
/* How many questions can be under way at once; further ones wait within libunbound. */
size_t tf_dns_context_places(const struct tf_dns_context *c);

const char *tf_dns_context_version(void); /* of libunbound */

#endif
