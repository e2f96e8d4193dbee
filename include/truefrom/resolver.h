/*
 * resolver.h - DNS questions: start early, wait late
 *
 * One tf_resolver per process (or per configuration of `dns`): a thread of its own that owns
 * libunbound and its cache, and a cache of parsed answers in front of it. One tf_dns per message:
 * its questions, its budget and its deadline. A question is named by (name, type) and asked once
 * per message, however often it is started. Answers are typed; no caller can take a failure for the
 * absence of a record.
 *
 * Life of a question: tf_dns_start looks among the answers at hand (dns_cache.c) and else posts it,
 * and returns at once; the resolver thread asks, parses the packet (dns_answer.c) and stores the
 * answer; tf_dns_wait sleeps until the answer, the question's own time-out or the message's
 * deadline. tf_dns_end cancels what is still open: nothing of the message is touched after it.
 */
#ifndef TRUEFROM_RESOLVER_H
#define TRUEFROM_RESOLVER_H

#include "truefrom/result.h"

enum tf_dns_type {
	TF_TYPE_A = 1,
	TF_TYPE_PTR = 12,
	TF_TYPE_MX = 15,
	TF_TYPE_TXT = 16,
	TF_TYPE_AAAA = 28
};

/* Settings; borrowed for the call of tf_resolver_new only. */
struct tf_resolver_opts {
	const struct tf_str *servers; /* "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53" */
	size_t server_count;          /* 0: the system's resolv.conf, unless recursive */
	bool recursive;               /* from the root; no servers then */
	uint32_t timeout_ms;          /* of one question; at least 1 */
	bool cache; /* false: every question of a message goes out anew, but for one that failed
		       less than 5 s ago; the newest resolver's value holds for the process */
	uint64_t cache_bytes;
	bool dnssec;
	struct tf_str trust_anchor; /* file with the root's DNSSEC key; empty: Debian's */
	bool prefetch;
	struct tf_str
	    zone_file; /* path of a file of records answered before any server; or empty */
	struct tf_str zone_text; /* the same as text (tests); at most one of the two */
	bool zone_only; /* names outside the zone are NXDOMAIN and nothing goes to the network */
};

struct tf_resolver;

/*
 * tf_resolver_new - make the context and start the thread
 *
 * A zone is in master-file form (RFC 1035 section 5), at most 4 MiB; all names absolute or under
 * $ORIGIN. Beside a network each owner that has none above it in the file is a zone of its own: it
 * answers for itself and for all names below it (aliases and wildcards as RFC 1034 has them,
 * NXDOMAIN where there is nothing); with zone_only the whole tree is one. NS, SOA and DNSSEC
 * records only make their name exist: nothing is delegated. Returns NULL with the reason in why
 * (file and line for a zone). Thread-safe. Call tf_resolver_release when done with it; it lives
 * until its last message ends.
 */
struct tf_resolver *tf_resolver_new(const struct tf_resolver_opts *opts, struct tf_buf *why);
void tf_resolver_retain(struct tf_resolver *r); /* another owner */
/* NULL is fine. The last owner stops the thread, and waits for it unless it is stuck. */
void tf_resolver_release(struct tf_resolver *r);
/* False: its thread has ended, or has taken none of the last three signs (tf_resolver_beat). */
bool tf_resolver_alive(const struct tf_resolver *r);
/*
 * tf_resolver_beat - give the thread a sign, which it takes when its loop comes round
 *
 * Returns how many signs were given since it took one: 0 = all are taken. Never waits. Thread-safe.
 */
uint32_t tf_resolver_beat(struct tf_resolver *r);

/* An answer. Plain data, const once handed out; lives until tf_dns_end. */
struct tf_dns_answer {
	enum tf_dns_status status;
	/* By type asked; all empty unless status is TF_DNS_NOERROR. At most 100 records, 64 KiB of
	 * text. */
	const struct tf_str *txts;   /* one per TXT RR, its strings joined; may hold any byte */
	const struct tf_addr *addrs; /* A, AAAA */
	const struct tf_str
	    *names; /* MX exchanges by preference, PTR targets: lower case, no trailing dot,
		       "" for the root */
	const uint16_t *prefs; /* MX: the preference of each name */
	size_t count;
	bool alias;     /* the name has a CNAME: it exists, even if the status is TF_DNS_NXDOMAIN */
	bool secure;    /* validated by DNSSEC */
	uint32_t ttl_s; /* it may be kept so long; 0: not at all, and so every failure */
};

struct tf_question;
struct tf_dns;

struct tf_dns_opts {
	uint32_t
	    max_questions; /* beyond: TF_DNS_SERVFAIL without asking, and tf_dns_over_budget() */
};

/*
 * tf_dns_begin - the questions of one message
 *
 * Holds a reference to r. All functions below may be called by one thread of the message at a time;
 * follow-up functions may run in the resolver thread at the same time (locking is in resolver.c).
 */
struct tf_dns *tf_dns_begin(struct tf_resolver *r, const struct tf_dns_opts *opts);
/* Cancels open questions and waits for a follow-up that is running; frees all answers. NULL is
 * fine. */
void tf_dns_end(struct tf_dns *dns);

/*
 * tf_dns_start - ask, without waiting
 *
 * name   lower or upper case, with or without the trailing dot; no NUL. A name that cannot be asked
 * (over 253 octets, an empty label, a label over 63) gives a question whose answer is
 * TF_DNS_MALFORMED and costs nothing.
 *
 * Returns the question (never NULL), owned by dns. The same name and type give the same question.
 */
struct tf_question *tf_dns_start(struct tf_dns *dns, struct tf_str name, enum tf_dns_type type);

/*
 * A follow-up: called once for each start, as soon as the answer is there: in the resolver thread,
 * or, when it is there already, in the thread that starts, before tf_dns_start_then returns or as
 * soon as the follow-up that runs has ended; never two of one message at a time. Not called when
 * the message ends first or the resolver is not alive. It may call tf_dns_start, tf_dns_start_then,
 * tf_dns_peek and tf_dns_budget_left on the dns it is given, and nothing that waits. arg must live
 * until tf_dns_end.
 */
typedef void (*tf_dns_then)(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg);
struct tf_question *tf_dns_start_then(
    struct tf_dns *dns, struct tf_str name, enum tf_dns_type type, tf_dns_then then, void *arg);

/* Questions that may be asked in all, and that may still be asked. */
uint32_t tf_dns_budget(const struct tf_dns *dns);
uint32_t tf_dns_budget_left(struct tf_dns *dns);
bool tf_dns_over_budget(struct tf_dns *dns);

/*
 * tf_dns_set_deadline - from now on, no tf_dns_wait goes on for longer than ms in all
 *
 * Before it is set a wait is bounded by the question's own time-out alone.
 */
void tf_dns_set_deadline(struct tf_dns *dns, uint32_t ms);
/* tick(arg) is called from within tf_dns_wait about every `every_ms` while it sleeps. */
void tf_dns_set_tick(struct tf_dns *dns, void (*tick)(void *arg), void *arg, uint32_t every_ms);

/*
 * tf_dns_wait - the answer, sooner or later
 *
 * Returns the answer (never NULL); TF_DNS_TIMEOUT when the question's time-out or the deadline
 * passed first. Once it has returned for a question, it returns the same answer ever after.
 */
const struct tf_dns_answer *tf_dns_wait(struct tf_dns *dns, struct tf_question *q);
/* The answer if it is there already, the same as tf_dns_wait's; else NULL. Never waits. */
const struct tf_dns_answer *tf_dns_peek(struct tf_dns *dns, struct tf_question *q);
/* Start and wait in one. */
const struct tf_dns_answer *tf_dns_ask(
    struct tf_dns *dns, struct tf_str name, enum tf_dns_type type);

/* True for the statuses that say nothing about what the zone holds: retry later (RFC: temperror).
 */
bool tf_dns_failed(enum tf_dns_status status);

/*
 * tf_dns_trace - everything asked so far, in the order started, copied into the arena
 *
 * Questions still open appear as timeout. ms_out: milliseconds spent in tf_dns_wait.
 */
void tf_dns_trace(struct tf_dns *dns, struct tf_arena *a, const struct tf_dns_trace **trace_out,
    size_t *count_out, uint32_t *ms_out);
uint32_t tf_dns_asked(struct tf_dns *dns);
uint32_t tf_dns_waited_ms(struct tf_dns *dns);

/* Process totals, for metrics and tests. */
struct tf_resolver_stats {
	uint64_t questions; /* started by messages */
	uint64_t network;   /* handed to libunbound: not at hand (coalesced ones counted once) */
	uint64_t failures;  /* answered by a failure */
};
void tf_resolver_get_stats(const struct tf_resolver *r, struct tf_resolver_stats *stats_out);
/* "TXT", "A" ... ; "?" for a type that we never ask. */
const char *tf_dns_type_name(uint16_t type);
/* Names of libraries and their versions, for -V. Static text. */
const char *tf_resolver_versions(void);

#endif
