/*
 * dns_context.c - libunbound, set up: who asks the network and keeps the cache
 *
 * The only user of libunbound. Transport, retries, TCP after truncation, cache, DNSSEC, recursion,
 * message ids and source ports are libunbound's; time-outs and coalescing are resolver.c's.
 * Limits: libunbound tries the next server on REFUSED, NOTIMP and the like, and says SERVFAIL when
 * none is left; TF_DNS_REFUSED needs an answer that says so.
 * Trap: some settings of libunbound (the bounds of TTLs) are globals of the process: of two
 * contexts with different `cache` settings the newer one's hold.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unbound-event.h>
#include <unistd.h>

#include "policy/dns_answer.h"
#include "policy/dns_context.h"
#include "policy/dns_zone.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define CLASS_IN 1
#define RCODE_REFUSED 5

struct tf_dns_context {
	struct ub_ctx *ctx;
	uint64_t places;
	struct tf_dns_request *asking; /* being handed over and not answered on the spot */
};

/* libunbound's parser of configurations and some of its settings are globals. */
static pthread_mutex_t setup_lock = PTHREAD_MUTEX_INITIALIZER;

static bool
set_option(struct ub_ctx *ctx, const char *key, const char *value, struct tf_buf *why)
{
	int err = ub_ctx_set_option(ctx, key, value);

	if (err != 0)
		tf_buf_printf(why, "libunbound: %s %s: %s", key, value, ub_strerror(err));
	return err == 0;
}

static bool
set_number(struct ub_ctx *ctx, const char *key, uint64_t value, struct tf_buf *why)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return set_option(ctx, key, text, why);
}

/*
 * How many questions may be under way: each has a socket of its own, for its random port. Raises
 * the limit of open files for that, as far as this process may.
 */
static uint64_t
outgoing_range(void)
{
	const rlim_t wanted = 16384, most = 4096;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return 256;
	if (files.rlim_cur < wanted) {
		rlim_t before = files.rlim_cur;

		files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			files.rlim_cur = before;
	}
	return files.rlim_cur / 4 < most ? files.rlim_cur / 4 : most;
}

struct setting {
	const char *key, *value;
};

/* clang-format off */
static const struct setting always[] = {
	{ "do-not-query-localhost:", "no" },
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	{ "outgoing-num-tcp:", "64" },
	{ "rrset-roundrobin:", "no" }, /* the same answer every time */
};

/*
 * A forwarder answers at once what it has, and otherwise after the time that its own questions
 * take; it is no sign of loss, and libunbound, asking again, would not hear the first answer any
 * more. (Its defaults, 376 ms and then down to 50, are meant for authoritative servers.) A
 * forwarder that was silent is asked again soon after it is back.
 */
static const struct setting forwarding[] = {
	{ "unknown-server-time-limit:", "1128" },
	{ "infra-cache-min-rtt:", "1128" },
	{ "infra-host-ttl:", "5" },
	{ "infra-keep-probing:", "yes" },
};

static const struct setting no_cache[] = {
	{ "cache-max-ttl:", "0" },
	{ "cache-max-negative-ttl:", "0" },
};
/* clang-format on */

static bool
apply(struct ub_ctx *ctx, const struct setting *settings, size_t count, struct tf_buf *why)
{
	for (size_t i = 0; i < count; i++) {
		if (!set_option(ctx, settings[i].key, settings[i].value, why))
			return false;
	}
	return true;
}

/* Where all answers are our own there is nothing to validate. */
static bool
must_validate(const struct tf_resolver_opts *opts)
{
	return opts->dnssec && !opts->zone_only;
}

/* A quarter of the memory for answers is not libunbound's (resolver.c). */
static bool
set_options(
    struct ub_ctx *ctx, const struct tf_resolver_opts *opts, uint64_t range, struct tf_buf *why)
{
	const char *modules = must_validate(opts) ? "validator iterator" : "iterator";

	ub_ctx_debugout(ctx, NULL);
	if (!apply(ctx, always, TF_ARRAY_LEN(always), why) ||
	    (!opts->recursive && !apply(ctx, forwarding, TF_ARRAY_LEN(forwarding), why)) ||
	    (!opts->cache && !apply(ctx, no_cache, TF_ARRAY_LEN(no_cache), why)))
		return false;
	return set_option(ctx, "prefetch:", opts->prefetch && opts->cache ? "yes" : "no", why) &&
	       set_option(ctx, "module-config:", modules, why) &&
	       set_number(ctx, "outgoing-range:", range, why) &&
	       set_number(ctx, "num-queries-per-thread:", range, why) &&
	       set_number(ctx, "msg-cache-size:", opts->cache_bytes / 4, why) &&
	       set_number(ctx, "rrset-cache-size:", opts->cache_bytes / 2, why);
}

static bool
add_server(struct ub_ctx *ctx, struct tf_str server, struct tf_buf *why)
{
	size_t at = tf_str_find(server, '@');
	char address[64];
	struct tf_addr addr;
	struct tf_buf text;
	uint32_t port = 53;

	if (!tf_addr_parse(tf_str_sub(server, 0, at), &addr) ||
	    (at < server.len &&
		!tf_str_to_u32(tf_str_sub(server, at + 1, server.len), 65535, &port)) ||
	    port == 0) {
		tf_buf_printf(why, "\"%.*s\" is no DNS server; right is ADDRESS or ADDRESS@PORT",
		    TF_PRI(server));
		return false;
	}
	tf_buf_init(&text, address, sizeof(address));
	tf_addr_write(&addr, &text);
	tf_buf_printf(&text, "@%u", (unsigned int)port);
	if (ub_ctx_set_fwd(ctx, tf_buf_cstr(&text)) == 0)
		return true;
	tf_buf_printf(why, "libunbound: cannot use the server %s", address);
	return false;
}

/* Whom to ask: forwarders, those of the system, or the root and downward. */
static bool
set_servers(struct ub_ctx *ctx, const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	if (opts->recursive || opts->zone_only)
		return true;
	for (size_t i = 0; i < opts->server_count; i++) {
		if (!add_server(ctx, opts->servers[i], why))
			return false;
	}
	if (opts->server_count == 0 && ub_ctx_resolvconf(ctx, NULL) != 0) {
		tf_buf_lit(why, "/etc/resolv.conf cannot be used; name the DNS servers in the "
				"configuration");
		return false;
	}
	return true;
}

static bool
set_trust_anchor(struct ub_ctx *ctx, const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	char path[512] = "/usr/share/dns/root.key";

	if (!must_validate(opts))
		return true;
	if (opts->trust_anchor.len != 0 && !tf_cstr(opts->trust_anchor, path, sizeof(path))) {
		tf_buf_lit(why, "the name of the trust anchor's file cannot be used");
		return false;
	}
	if (access(path, R_OK) == 0 && ub_ctx_add_ta_file(ctx, path) == 0)
		return true;
	tf_buf_printf(why,
	    "DNSSEC needs the key of the root zone, and %s cannot be read "
	    "(on Debian: apt-get install dns-root-data)",
	    path);
	return false;
}

static bool
load_zone(struct ub_ctx *ctx, const struct tf_dns_zone_files *files, struct tf_buf *why)
{
	int err = files->dir[0] != '\0' ? ub_ctx_config(ctx, files->conf) : 0;

	if (err != 0)
		tf_buf_printf(why, "libunbound: cannot load the zone: %s", ub_strerror(err));
	return err == 0;
}

/* Names that libunbound would answer by itself: a local server may know better. */
static bool
unblock_names(struct ub_ctx *ctx, struct tf_buf *why)
{
	static const char *const names[] = { "localhost.", "test.", "invalid.", "onion.",
		"home.arpa.", "127.in-addr.arpa.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa." };

	for (size_t i = 0; i < TF_ARRAY_LEN(names); i++) {
		/* The first of these ends the configuration: zone files are read here. */
		int err = ub_ctx_zone_add(ctx, names[i], "transparent");

		if (err != 0) {
			tf_buf_printf(why, "libunbound: cannot be set up: %s", ub_strerror(err));
			return false;
		}
	}
	return true;
}

static void
on_warm_up(void *arg, int rcode, void *packet, int len, int secure, char *why_bogus, int limited)
{
	bool *answered = arg;

	(void)rcode;
	(void)packet;
	(void)len;
	(void)secure;
	(void)why_bogus;
	(void)limited;
	*answered = true;
}

/* A first question, answered on the spot, makes libunbound allocate all it needs: what can go wrong
 * goes wrong here. */
static bool
warm_up(struct ub_ctx *ctx, struct tf_buf *why)
{
	static const char *const name = "warm-up.truefrom.invalid.";
	bool answered = false;
	int err = ub_ctx_zone_add(ctx, name, "static");

	if (err == 0)
		err = ub_resolve_event(ctx, name, TF_TYPE_A, CLASS_IN, &answered, on_warm_up, NULL);
	if (err == 0)
		err = ub_ctx_zone_remove(ctx, name);
	if (err == 0 && answered)
		return true;
	tf_buf_printf(why, "libunbound: cannot start: %s", ub_strerror(err));
	return false;
}

static bool
set_up(struct ub_ctx *ctx, const struct tf_resolver_opts *opts, uint64_t range, struct tf_buf *why)
{
	struct tf_dns_zone_files files = { .zones = 0 };
	bool zone = opts->zone_file.len != 0 || opts->zone_text.len != 0 || opts->zone_only;
	bool ok;

	if (zone &&
	    !tf_dns_zone_write(opts->zone_file, opts->zone_text, opts->zone_only, &files, why))
		return false;
	ok = set_options(ctx, opts, range, why) && load_zone(ctx, &files, why) &&
	     set_servers(ctx, opts, why) && set_trust_anchor(ctx, opts, why) &&
	     unblock_names(ctx, why) && warm_up(ctx, why);
	tf_dns_zone_remove(&files);
	return ok;
}

struct tf_dns_context *
tf_dns_context_new(struct event_base *base, const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	struct tf_dns_context *c = tf_xcalloc(1, sizeof(*c));
	bool ok = false;

	c->places = outgoing_range();
	pthread_mutex_lock(&setup_lock);
	c->ctx = ub_ctx_create_event(base);
	if (c->ctx == NULL)
		tf_buf_lit(why, "libunbound: no context can be made");
	else
		ok = set_up(c->ctx, opts, c->places, why);
	pthread_mutex_unlock(&setup_lock);
	if (ok)
		return c;
	tf_dns_context_free(c);
	return NULL;
}

void
tf_dns_context_free(struct tf_dns_context *c)
{
	if (c == NULL)
		return;
	ub_ctx_delete(c->ctx);
	tf_xfree(c);
}

static void
give_reply(struct tf_dns_request *req, const struct tf_dns_reply *reply)
{
	if (req->context->asking == req)
		req->context->asking = NULL;
	req->on_reply(req->arg, reply);
}

/* libunbound's callback: secure is 0 (not signed), 1 (bogus) or 2 (validated). */
static void
on_answer(void *arg, int rcode, void *packet, int len, int secure, char *why_bogus, int limited)
{
	struct tf_dns_request *req = arg;
	struct tf_dns_reply reply = { .status = TF_DNS_SERVFAIL };

	(void)why_bogus;
	(void)limited;
	if (secure == 1)
		reply.status = TF_DNS_BOGUS;
	else if (rcode == RCODE_REFUSED)
		reply.status = TF_DNS_REFUSED;
	else if (rcode == 0 && packet != NULL && len > 0)
		reply = (struct tf_dns_reply){ .packet = { packet, (size_t)len },
			.status = TF_DNS_MALFORMED,
			.secure = secure == 2 };
	give_reply(req, &reply);
}

void
tf_dns_context_ask(
    struct tf_dns_context *c, struct tf_str name, enum tf_dns_type type, struct tf_dns_request *req)
{
	char text[TF_DOMAIN_MAX * 4 + 2];
	struct tf_buf out;
	int id = 0, err;

	tf_buf_init(&out, text, sizeof(text));
	tf_dns_name_write(name, &out);
	req->context = c;
	c->asking = req;
	err = ub_resolve_event(c->ctx, tf_buf_cstr(&out), (int)type, CLASS_IN, req, on_answer, &id);
	if (c->asking == NULL)
		return;
	c->asking = NULL;
	req->id = id;
	if (err != 0)
		give_reply(req, &(struct tf_dns_reply){ .status = TF_DNS_SERVFAIL });
}

void
tf_dns_context_cancel(struct tf_dns_context *c, struct tf_dns_request *req)
{
	ub_cancel(c->ctx, req->id);
}

size_t
tf_dns_context_places(const struct tf_dns_context *c)
{
	return (size_t)c->places;
}

const char *
tf_dns_context_version(void)
{
	return ub_version();
}
