/*
 * result.h - what the checks find: plain data, facts only
 *
 * Zeroed memory is a valid empty result. All slices live in the message's arena. A result is const
 * once tf_check_finish has returned it; nothing here says what is done with a message (verdict.h
 * does).
 */
#ifndef TRUEFROM_RESULT_H
#define TRUEFROM_RESULT_H

#include "truefrom/base.h"

/* An IP address. family 0 = unknown; v4 uses the first 4 bytes; v4-mapped ones are unmapped. */
enum tf_family { TF_FAMILY_NONE, TF_FAMILY_V4, TF_FAMILY_V6 };

struct tf_addr {
	enum tf_family family;
	uint8_t bytes[16];
};

/* Who claims to be sending; fixed at MAIL FROM. */
struct tf_identity {
	struct tf_addr client;
	struct tf_str helo;      /* as received; empty = none given */
	struct tf_str mail_from; /* as received, without the outer < >; empty = null sender */
	struct tf_str receiver;  /* our host name, for SPF's %{r}; empty = unknown */
	bool authenticated;      /* SMTP AUTH */
	bool smtputf8;           /* MAIL FROM had SMTPUTF8 */
	int64_t now;             /* seconds since 1970: the only clock that the checks see */
};

/* Result codes of RFC 8601 section 2.7; which of them a method uses, its own section says. */
enum tf_code {
	TF_NONE,
	TF_PASS,
	TF_FAIL,
	TF_SOFTFAIL,
	TF_NEUTRAL,
	TF_POLICY,
	TF_TEMPERROR,
	TF_PERMERROR
};

/* One step of the trail: which check, what about (a name, a domain), what it found. */
enum tf_check_kind {
	TF_CHECK_SPF,
	TF_CHECK_HELO,
	TF_CHECK_DKIM,
	TF_CHECK_ARC,
	TF_CHECK_DMARC,
	TF_CHECK_FROM
};

struct tf_note {
	enum tf_check_kind check;
	struct tf_str text; /* printable ASCII, one line */
	struct tf_note *next;
};

struct tf_notes { /* in the order found; appended by tf_note() of notes.h */
	struct tf_note *first, *last;
	size_t count;
};

/* What libspf2 says about the identity of MAIL FROM (truefrom check --second-opinion) */
struct tf_spf_opinion {
	bool given; /* false: it gave no result; the reason says why */
	enum tf_code code;
	struct tf_str reason;     /* its own words; any bytes */
	struct tf_str difference; /* why it is not ours; empty = it is the same */
};

/* SPF (RFC 7208): one check_host() */
struct tf_spf {
	enum tf_code code;
	bool checked;       /* an identity was there to check */
	bool helo_identity; /* the domain is HELO's: the HELO check, or a null sender */
	struct tf_str
	    domain; /* checked domain, A-labels, lower case; empty when there is none usable */
	struct tf_str reason; /* short cause of a fail or error, else empty */
	struct tf_str
	    explanation; /* exp= text of a fail, sanitised; empty without spf.fetch_explanation */
	struct tf_str mechanism; /* term that decided, as written in the record; empty = default */
	struct tf_str record_domain;         /* whose record it stood in */
	uint32_t terms, voids;               /* counted DNS terms and void look-ups */
	const struct tf_spf_opinion *second; /* the command line's; NULL = not asked for */
};

/* DKIM (RFC 6376): one per DKIM-Signature field, in message order */
struct tf_dkim {
	enum tf_code code;
	struct tf_str domain;     /* d=: A-labels, lower case; empty when unreadable */
	struct tf_str selector;   /* s= as A-labels; empty when unreadable */
	struct tf_str identity;   /* i= as received if well-formed, else "@d" */
	struct tf_str algorithm;  /* a= as received if it is a token, else empty */
	struct tf_str b;          /* b= without white space; [A-Za-z0-9+/=] only */
	struct tf_str reason;     /* why not pass; empty on pass */
	uint32_t bits;            /* key size, 256 for Ed25519; 0 = no key seen */
	bool key_testing;         /* t=y */
	bool not_evaluated;       /* beyond the cap on signatures */
	uint64_t unsigned_octets; /* of the canonical body, with l= */
};

/* One set of an ARC chain: who sealed it, and what he says that he saw. */
struct tf_arc_set {
	struct tf_str domain, selector; /* d= and s= of its ARC-Seal: A-labels, lower case */
	struct tf_str message_domain;   /* d= of its ARC-Message-Signature; empty = none usable */
	enum tf_code message; /* whether its ARC-Message-Signature still verifies: pass, fail,
				 temperror; none = not looked at */
	/* Its ARC-Authentication-Results; its word is worth what the sealer is worth. */
	struct tf_str
	    authserv_id;    /* printable ASCII; empty when unreadable or longer than a name */
	bool says_dmarc;    /* exactly one dmarc result, read beyond doubt */
	enum tf_code dmarc; /* that result */
	struct tf_str from; /* its header.from: A-labels, lower case; empty = none usable */
};

/* ARC (RFC 8617): one per message */
struct tf_arc {
	enum tf_code code;        /* none, pass, fail, temperror */
	uint32_t instances;       /* highest instance; 0 = no ARC fields, or none readable */
	uint32_t failed_instance; /* where it broke; 0 = nowhere, or structure as a whole */
	/* With pass: the oldest instance from which on every message signature is known to verify;
	 * 0 = all do (RFC 8617 section 5.2 step 5). */
	uint32_t oldest_pass;
	struct tf_str sealer; /* d= of the newest ARC-Seal */
	struct tf_str reason; /* of a fail or temperror; printable ASCII */
	/* Where the structure holds: sets[n - 1] is instance n, set_count is instances. Nothing in
	 * them is proven unless code is TF_PASS. */
	const struct tf_arc_set *sets;
	size_t set_count;
};

/* Whether a From address leads to author domains, and if not, why (rule invalid-from:WHY). */
enum tf_from_state {
	TF_FROM_OK,
	TF_FROM_MISSING,
	TF_FROM_MULTIPLE_FIELDS,
	TF_FROM_SYNTAX,
	TF_FROM_NO_ADDRESS,
	TF_FROM_BAD_DOMAIN,
	TF_FROM_TOO_MANY_DOMAINS
};

struct tf_author { /* the From header as understood (RFC 5322 section 3.6.2, RFC 6854) */
	enum tf_from_state state;
	struct tf_str
	    reason; /* of a state other than OK, in words; with OK a remark, mostly empty */
	bool bidi;  /* has characters that change the writing direction */
	const struct tf_str
	    *domains; /* distinct, A-labels, lower case, no trailing dot, in order */
	size_t domain_count;
};

/* DMARC (RFC 9989) */
enum tf_dmarc_policy { TF_POLICY_UNKNOWN, TF_POLICY_NONE, TF_POLICY_QUARANTINE, TF_POLICY_REJECT };

/*
 * A domain that somebody vouched for. Alignment takes this type and never a bare string, so that
 * nothing unauthenticated can ever align.
 */
enum tf_voucher { TF_VOUCHER_SPF, TF_VOUCHER_DKIM };

struct tf_auth_domain {
	enum tf_voucher by;
	size_t index; /* of the DKIM signature */
	struct tf_str domain;
};

enum tf_discovery { TF_DISCOVERY_NONE, TF_DISCOVERY_AUTHOR, TF_DISCOVERY_TREEWALK };

/* The tag of the record that gave the policy; none when the record has no valid one. */
enum tf_policy_tag { TF_TAG_NONE, TF_TAG_P, TF_TAG_SP, TF_TAG_NP };

struct tf_dmarc_name {        /* one name asked in a walk: what was there */
	struct tf_str domain; /* without _dmarc. */
	struct tf_str found;  /* "record", "record psd=y", "none", "two records", "timeout" ... */
};

struct tf_dmarc {           /* of one author domain */
	enum tf_code code;  /* pass, fail, none, temperror, permerror */
	struct tf_str from; /* author domain; empty when unknown */
	struct tf_str org_domain;
	struct tf_str record;        /* text of the record that applies, clean; empty = none */
	struct tf_str record_domain; /* where it was found, without _dmarc. */
	enum tf_discovery discovery;
	enum tf_dmarc_policy policy;         /* after p, sp, np; before t */
	enum tf_dmarc_policy applied_policy; /* after t */
	enum tf_policy_tag policy_tag;
	bool testing; /* t=y */
	bool aligned_spf, aligned_dkim;
	bool strict_spf, strict_dkim;     /* alignment modes of the record */
	size_t dkim_index;                /* the signature that aligned */
	struct tf_str rua;                /* as published; for reports */
	struct tf_str reason;             /* of none, temperror and permerror */
	const struct tf_dmarc_name *walk; /* the author domain's walk, in order */
	size_t walk_count;
};

/* One DNS question of the message, for `truefrom check` and dns= of the log. */
enum tf_dns_status {
	TF_DNS_NOERROR, /* with at least one record of the type asked */
	TF_DNS_NODATA,
	TF_DNS_NXDOMAIN,
	TF_DNS_SERVFAIL,
	TF_DNS_REFUSED,
	TF_DNS_TIMEOUT,
	TF_DNS_BOGUS,
	TF_DNS_MALFORMED
};

struct tf_dns_trace {
	struct tf_str name; /* without the trailing dot */
	uint16_t type;      /* TF_TYPE_* of resolver.h */
	enum tf_dns_status status;
	const struct tf_str
	    *answers; /* presentation form, TXT joined; control characters escaped */
	size_t answer_count;
	double ms;
};

/* Why a message is not evaluated at all. */
enum tf_exempt {
	TF_EXEMPT_NO,
	TF_EXEMPT_TRUSTED_NETWORK,
	TF_EXEMPT_AUTHENTICATED,
	TF_EXEMPT_TRUSTED_RELAY
};

struct tf_result {
	enum tf_exempt exempt; /* if set, everything below is empty */
	struct tf_identity identity;
	struct tf_author author;
	struct tf_spf helo, mailfrom;
	const struct tf_dkim *dkim; /* message order */
	size_t dkim_count;
	struct tf_arc arc;
	const struct tf_dmarc
	    *authors; /* one per author domain, at least one element when evaluated */
	size_t author_count;
	const struct tf_dmarc
	    *dmarc; /* the one that decided: strictest failing; points into authors */
	struct tf_notes notes;
	const struct tf_dns_trace *dns; /* with tf_check_opts.trace only */
	size_t dns_count;
	uint32_t dns_asked; /* questions */
	uint32_t dns_ms;    /* waited for DNS at the end of the message */
};

/*
 * tf_result_flaw - what cannot be in the result of a message that was evaluated, or NULL
 *
 * A flaw is a mistake of ours, whatever the message: nothing is to be decided by such a result.
 * with_dmarc: DMARC was asked for. Static text.
 */
const char *tf_result_flaw(const struct tf_result *res, bool with_dmarc);

/* Names of the codes as every output writes them; never NULL. */
const char *tf_code_name(enum tf_code code);
const char *tf_dmarc_policy_name(enum tf_dmarc_policy policy); /* UNKNOWN is "none" */
const char *tf_policy_tag_name(enum tf_policy_tag tag);        /* NONE is "" */
const char *tf_dns_status_name(enum tf_dns_status status);
const char *tf_from_state_name(enum tf_from_state state);   /* "missing", "multiple-fields" ... */
const char *tf_check_kind_name(enum tf_check_kind kind);    /* "spf", "helo" ... */
bool tf_code_from(struct tf_str s, enum tf_code *code_out); /* any case */
bool tf_dmarc_policy_from(struct tf_str s, enum tf_dmarc_policy *policy_out); /* any case */

/*
 * tf_note - append one note to the trail
 *
 * notes  NULL: nobody will read them, and nothing is done
 *
 * The text is formatted into the arena; bytes that are not printable ASCII become '?'.
 */
void tf_note(struct tf_notes *notes, struct tf_arena *a, enum tf_check_kind check, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/*
 * tf_addr_parse - an IPv4 or IPv6 address in text, optionally with the "IPv6:" prefix of SMTP
 *
 * v4-mapped IPv6 becomes IPv4. Returns false (addr_out then has family NONE) on anything else.
 */
bool tf_addr_parse(struct tf_str s, struct tf_addr *addr_out);
/* From the 4 or 16 bytes of a socket address; v4-mapped IPv6 becomes IPv4. */
void tf_addr_from_bytes(enum tf_family family, const uint8_t *bytes, struct tf_addr *addr_out);
void tf_addr_write(const struct tf_addr *addr, struct tf_buf *out); /* nothing for family NONE */
bool tf_addr_eq(const struct tf_addr *a, const struct tf_addr *b);
/* Whether both are of one family and share their first `bits` bits (more than the family has: all).
 */
bool tf_addr_in(const struct tf_addr *addr, const struct tf_addr *net, uint32_t bits);

/* A network as configured: address and prefix length. */
struct tf_net {
	struct tf_addr addr;
	uint32_t bits;
};

bool tf_net_parse(struct tf_str s, struct tf_net *net_out); /* "192.0.2.0/24", "2001:db8::1" */
bool tf_net_list_has(const struct tf_net *nets, size_t count, const struct tf_addr *addr);

#endif
