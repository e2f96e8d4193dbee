/*
 * check.h - the engine: one message in, one const result out
 *
 * begin at MAIL FROM; rcpt at each accepted recipient; header for each field in order; eoh; body
 * for each chunk; finish at the end of the message. Nothing but finish waits. Calls out of order
 * are a bug of the caller. One check belongs to one thread at a time.
 */
#ifndef TRUEFROM_CHECK_H
#define TRUEFROM_CHECK_H

#include "truefrom/dmarc_memory.h"
#include "truefrom/key_cache.h"
#include "truefrom/resolver.h"

struct tf_spf_opts {
	uint32_t max_dns_terms, max_void_lookups;
	bool fetch_explanation;
};

struct tf_dkim_opts {
	uint32_t max_signatures, min_rsa_bits, clock_skew_s;
	bool accept_partial_body; /* dkim.partial_body = "accept" */
	bool own_verifier;        /* dkim.verifier = "own": libopendkim is not asked */
};

struct tf_arc_opts {
	bool verify;
};

struct tf_dmarc_opts {
	bool enabled;
	uint32_t max_author_domains;
	bool remember; /* policies, in tf_check_opts.memory */
};

struct tf_check_opts {
	struct tf_spf_opts spf;
	struct tf_dkim_opts dkim;
	struct tf_arc_opts arc;
	struct tf_dmarc_opts dmarc;
	struct tf_dns_opts dns;
	struct tf_dmarc_memory *memory; /* the daemon's; NULL = none */
	uint32_t deadline_ms;           /* waiting for DNS at the end of the message */
	uint32_t max_headers;           /* fields */
	uint64_t max_header_bytes;
	uint64_t max_memory;       /* of one message's arena */
	struct tf_key_cache *keys; /* or NULL: none */
	bool trace;                /* keep every DNS answer for the result (command line) */
	bool no_notes;             /* nobody will read the notes: none are written */
	bool spf_skip; /* the client is one of inbound_relays: SPF does not apply, both results none
			*/
};

struct tf_check;

/*
 * tf_check_begin - a message starts
 *
 * a      the message's arena; owns the check and everything it makes
 * opts   borrowed until finish
 * id     its slices are copied
 */
struct tf_check *tf_check_begin(struct tf_arena *a, struct tf_resolver *r,
    const struct tf_check_opts *opts, const struct tf_identity *id);
/* At the first accepted recipient the SPF records are asked for; further calls do nothing. */
void tf_check_rcpt(struct tf_check *c);
/*
 * tf_check_header - one field as received
 *
 * name   without the colon; blanks before that may be there, and DKIM may have signed them
 * value  everything after the colon with its leading blank, folds as CRLF or LF, no final line end
 *
 * Returns false when a limit on the header block was passed: see tf_check_too_big.
 */
bool tf_check_header(struct tf_check *c, struct tf_str name, struct tf_str value);
void tf_check_eoh(struct tf_check *c);
void tf_check_body(struct tf_check *c, struct tf_str chunk);
/*
 * tf_check_finish - wait for what is needed, evaluate, conclude
 *
 * tick   NULL, or called about every 5 s while waiting
 *
 * Returns the result, valid as long as the arena is.
 */
const struct tf_result *tf_check_finish(struct tf_check *c, void (*tick)(void *), void *tick_arg);
/* Why the message cannot be evaluated (limits.headers, limits.header_bytes, limits.message_memory),
 * or NULL. */
const char *tf_check_too_big(const struct tf_check *c);
/* Has libraries load now what they load at their first use: afterwards no code needs to be loaded.
 */
void tf_check_prepare(void);
/* Names and versions of the libraries that the checks stand on, comma-separated (for -V). */
void tf_check_versions(struct tf_buf *out);

#endif
