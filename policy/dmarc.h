/*
 * dmarc.h - DMARC (RFC 9989): records, tree walk, conclusion
 *
 * Facts only: what a record says, what a walk found, whether an authenticated domain is aligned.
 * Nothing here chooses what is done with a message (verdict.h).
 */
#ifndef POLICY_DMARC_H
#define POLICY_DMARC_H

#include "truefrom/check.h"
#include "truefrom/dmarc_memory.h"

enum tf_dmarc_psd { TF_PSD_U, TF_PSD_Y, TF_PSD_N };

/* Values of fo=, as bits. */
enum tf_dmarc_fo { TF_FO_ALL = 1, TF_FO_ANY = 2, TF_FO_DKIM = 4, TF_FO_SPF = 8 };

/* One DMARC policy record (RFC 9989 section 4.7). */
struct tf_dmarc_record {
	struct tf_str text;             /* the whole record, any bytes */
	enum tf_dmarc_policy p, sp, np; /* UNKNOWN = absent, or present without a valid value */
	bool bad_p, bad_sp, bad_np;     /* present without a valid value */
	bool testing;                   /* t=y */
	enum tf_dmarc_psd psd;
	bool strict_dkim, strict_spf;
	struct tf_str rua, ruf; /* as published, printable ASCII; empty = absent or broken */
	unsigned fo;            /* tf_dmarc_fo bits; TF_FO_ALL by default */
	bool rua_valid;         /* rua has at least one syntactically valid URI */
	struct tf_str bad;      /* the first tag with an error, printable ASCII; empty = none */
};

/*
 * tf_dmarc_record_parse - one TXT answer as a DMARC policy record
 *
 * txt      all character-strings of one TXT RR, joined; may hold any byte
 * rec_out  complete only on true; its slices point into txt or are static
 *
 * Returns false when the RR is not a DMARC record (no valid v=DMARC1 first): ignore it. An error
 * behind that never makes the record another one: the tag falls back to its default, and p, sp and
 * np say that they are bad (section 4.10.1 tells what follows from it). Of a tag given twice the
 * first counts.
 * Never blocks, allocates or logs. Thread-safe. Spec: RFC 9989 sections 4.7, 4.8 and 4.10.
 */
bool tf_dmarc_record_parse(struct tf_str txt, struct tf_dmarc_record *rec_out);

/*
 * tf_dmarc_uri_next - next syntactically valid URI of a rua or ruf list, without the obsolete size
 *
 * rest  what is left of the list; advanced
 *
 * Returns false at the end. Broken elements are skipped; a mailto: without an address is one.
 * Spec: RFC 9989 section 4.8 (dmarc-urilist), RFC 3986 section 3.
 */
bool tf_dmarc_uri_next(struct tf_str *rest, struct tf_str *uri_out);

/* What the record asks for a domain: RFC 9989 sections 4.7 and 4.10.1. */
enum tf_dmarc_applies {
	TF_APPLIES_OWN,         /* the record stands at the domain itself: p */
	TF_APPLIES_ABOVE,       /* at a name above, and the domain exists: sp, else p */
	TF_APPLIES_NOT_EXISTING /* at a name above, and it does not: np, else sp, else p */
};

/* The tag that asks for it; NONE: without a valid policy, the record counts as p=none or not at
 * all. */
enum tf_policy_tag tf_dmarc_record_tag(
    const struct tf_dmarc_record *rec, enum tf_dmarc_applies applies);
/* UNKNOWN: the record has no usable policy, DMARC is not applied. */
enum tf_dmarc_policy tf_dmarc_record_policy(
    const struct tf_dmarc_record *rec, enum tf_dmarc_applies applies);

/*
 * The tree walks of one message: author, SPF and DKIM domains share their answers.
 */
struct tf_treewalks;

/* Owned by a; dns must live until a is cleared or the last call. One message, one thread. */
struct tf_treewalks *tf_treewalks_new(struct tf_arena *a, struct tf_dns *dns);

/* More names no walk asks for: RFC 9989 section 4.10. */
#define TF_TREEWALK_MAX 8

/* Ask for every name of the walk of domain (normalised) at once. Never waits; once per domain. */
void tf_treewalk_start(struct tf_treewalks *w, struct tf_str domain);
/*
 * The same for author domains, before tf_treewalk_start for them: besides, as soon as a record
 * above one of them is found in which np would make a difference, it is asked whether that domain
 * exists. The first names of all walks are asked first, then the second ones and so on, so that
 * when the message's questions run out it is not a domain put last that is left without its policy.
 */
void tf_treewalk_start_authors(struct tf_treewalks *w, const struct tf_str *domains, size_t count);

/* What stands at one name: RFC 9989 section 4.10 (selection of the record). */
enum tf_treewalk_at { TF_AT_NONE, TF_AT_RECORD, TF_AT_SEVERAL, TF_AT_FAILED };

struct tf_treewalk_step {
	struct tf_str domain; /* without _dmarc. */
	enum tf_treewalk_at at;
	enum tf_dns_status status;
	struct tf_dmarc_record record; /* with TF_AT_RECORD */
};

/* One finished walk. */
struct tf_treewalk {
	struct tf_str domain;
	struct tf_treewalk_step steps[TF_TREEWALK_MAX];
	size_t count; /* as far as the walk went */
	bool failed;  /* a DNS error at the last step hides what the walk would have found */
	struct tf_str org_domain; /* RFC 9989 section 4.10.2; empty with failed */
};

/* Waits for the answers in the walk's order. The walk is owned by w and made once per domain. */
const struct tf_treewalk *tf_treewalk_eval(struct tf_treewalks *w, struct tf_str domain);

/* Whether the name exists in the DNS: RFC 9989 section 3.2.13 (NXDOMAIN for it). Waits. */
enum tf_exists tf_treewalk_exists(struct tf_treewalks *w, struct tf_str domain);

/* One author domain and what is known about the message. */
struct tf_dmarc_input {
	struct tf_str from;                /* author domain, normalised */
	const struct tf_auth_domain *auth; /* SPF pass of MAIL FROM, DKIM passes; normalised */
	size_t auth_count;
	const struct tf_auth_domain
	    *temp; /* whose check ended in temperror: a pass may hide there */
	size_t temp_count;
	struct tf_dmarc_memory *memory; /* policies found earlier; NULL = none */
	bool may_keep;                  /* what is found now may be remembered */
	int64_t now;                    /* seconds since 1970 */
};

/*
 * tf_dmarc_eval - conclude for one author domain
 *
 * dmarc_out  filled completely; its slices live in a
 *
 * Appends to notes. Waits for answers. pass and fail come with the policy; none, temperror and
 * permerror with a reason, and temperror with the policy where that is known. An identifier that is
 * aligned by what could be found makes a pass, whatever else failed.
 *
 * Where the DNS fails to say which policy applies, what the memory has of the same author domain
 * takes the place of its answers, and nothing else changes: a message that may have an aligned
 * identifier behind the failure of SPF or DKIM is still a temperror. A fail that rests on the
 * memory has a reason. Spec: RFC 9989 sections 4.4, 4.10, 5.3, 5.4.
 */
void tf_dmarc_eval(struct tf_treewalks *w, struct tf_arena *a, const struct tf_dmarc_input *in,
    struct tf_notes *notes, struct tf_dmarc *dmarc_out);

#endif
