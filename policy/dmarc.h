/*
 * dmarc.h - DMARC (RFC 9989): records, tree walk, conclusion
 */
#ifndef POLICY_DMARC_H
#define POLICY_DMARC_H

#include "truefrom/check.h"

/* One DMARC policy record (RFC 9989 section 4.7). */
enum tf_dmarc_psd { TF_PSD_U, TF_PSD_Y, TF_PSD_N };

struct tf_dmarc_record {
	struct tf_str text;
	enum tf_dmarc_policy p, sp, np; /* UNKNOWN = absent */
	bool bad_p, bad_sp, bad_np;     /* present with a value that is none */
	bool testing;                   /* t=y */
	enum tf_dmarc_psd psd;
	bool strict_dkim, strict_spf;
	struct tf_str rua, ruf, fo;
	bool rua_valid;    /* at least one syntactically valid URI */
	struct tf_str bad; /* name of the first tag with an error; empty = none */
};

/*
 * tf_dmarc_record_parse - one TXT answer as a DMARC policy record
 *
 * txt      all character-strings of one TXT RR, joined; may hold any byte
 * rec_out  complete only on true; its slices point into txt
 *
 * Returns false when the RR is not a DMARC record (no valid v=DMARC1 first): ignore it.
 * Never blocks, allocates or logs. Spec: RFC 9989 sections 4.7, 4.8 and 4.10.
 */
bool tf_dmarc_record_parse(struct tf_str txt, struct tf_dmarc_record *rec_out);

/*
 * The tree walks of one message: author, SPF and DKIM domains share their answers.
 */
struct tf_treewalks;

struct tf_treewalks *tf_treewalks_new(struct tf_arena *a, struct tf_dns *dns);
/* Ask for every name of the walk of domain (normalised) at once; RFC 9989 section 4.10. Never
 * waits. */
void tf_treewalk_start(struct tf_treewalks *w, struct tf_str domain);

/* What stands at one name: RFC 9989 section 4.10 (selection of the record). */
enum tf_treewalk_at { TF_AT_NONE, TF_AT_RECORD, TF_AT_SEVERAL, TF_AT_FAILED };

struct tf_treewalk_step {
	struct tf_str domain;
	enum tf_treewalk_at at;
	enum tf_dns_status status;
	struct tf_dmarc_record record; /* with TF_AT_RECORD */
};

/* One finished walk. */
struct tf_treewalk {
	struct tf_treewalk_step steps[8];
	size_t count;             /* as far as the walk went */
	bool failed;              /* a DNS error hides what the walk would have found */
	struct tf_str org_domain; /* RFC 9989 section 4.10.2; meaningless with failed */
};

/* Waits for the answers in the walk's order. The walk is owned by w and made once per domain. */
const struct tf_treewalk *tf_treewalk_eval(struct tf_treewalks *w, struct tf_str domain);

/* Whether the name exists in the DNS: RFC 9989 section 3.2.13 (NXDOMAIN for it). */
enum tf_exists { TF_EXISTS_YES, TF_EXISTS_NO, TF_EXISTS_UNKNOWN };
/* Asked ahead by tf_treewalk_start_exists. */
void tf_treewalk_start_exists(struct tf_treewalks *w, struct tf_str domain);
enum tf_exists tf_treewalk_exists(struct tf_treewalks *w, struct tf_str domain);

/*
 * tf_dmarc_eval - conclude for one author domain
 *
 * from          author domain, normalised
 * auth, n       domains that somebody vouched for (SPF pass of MAIL FROM, DKIM pass)
 * spf_temp, dkim_temp  domains whose check ended in temperror: an aligned result might exist behind
 * them
 *
 * Fills dmarc_out (facts) and appends to notes. Waits for answers. Spec: RFC 9989
 * sections 4.4, 4.10, 5.3, 5.4.
 */
struct tf_dmarc_input {
	struct tf_str from;
	const struct tf_auth_domain *auth;
	size_t auth_count;
	const struct tf_auth_domain *temp;
	size_t temp_count;
};

void tf_dmarc_eval(struct tf_treewalks *w, struct tf_arena *a, const struct tf_dmarc_input *in,
    struct tf_notes *notes, struct tf_dmarc *dmarc_out);

#endif
