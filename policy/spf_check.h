/*
 * spf_check.h - one check_host() in work; shared by the files of SPF and nobody else
 *
 * spf_eval.c owns the check and walks records, spf_term.c matches single terms against answers and
 * counts what they cost.
 */
#ifndef POLICY_SPF_CHECK_H
#define POLICY_SPF_CHECK_H

#include "policy/spf.h"
#include "policy/spf_macro.h"
#include "policy/spf_plan.h"
#include "policy/spf_record.h"

/* Hosts of an mx, and names of a client that are looked at (RFC 7208 section 4.6.4). */
#define TF_SPF_HOSTS_MAX 10
/* What one term may ask: its own name, and the addresses of so many hosts. */
#define TF_SPF_QUESTIONS_PER_TERM (1 + TF_SPF_HOSTS_MAX)

struct tf_spf_check {
	struct tf_arena *arena;
	struct tf_dns *dns;
	const struct tf_spf_opts *opts;
	struct tf_spf_macro_env env; /* env.domain: the domain to check; empty = none usable */
	bool helo_identity;
	struct tf_spf_plan *plan; /* NULL: nothing asked */
	enum tf_check_kind kind;  /* of the notes */
	/* Of the evaluation, one count over the whole include tree: */
	struct tf_notes *notes;
	uint32_t terms, voids;
	struct tf_str reason; /* of the error that ended it */
	bool located;         /* a note says where the error came up */
};

/* What became of one term, or of the look-up behind it. */
enum tf_spf_match { TF_SPF_MISS, TF_SPF_HIT, TF_SPF_TEMP, TF_SPF_PERM };

/* Ends the evaluation with an error: keeps the reason, returns what. */
enum tf_spf_match tf_spf_error(
    struct tf_spf_check *c, enum tf_spf_match what, struct tf_str reason);
/* One more DNS term: HIT, or PERM when it is one too many (RFC 7208 section 4.6.4). */
enum tf_spf_match tf_spf_count_term(struct tf_spf_check *c);
/*
 * Ask and wait: HIT with records in answer_out, MISS, TEMP; PERM on a void look-up too many, when
 * count_void is set.
 */
enum tf_spf_match tf_spf_ask(struct tf_spf_check *c, struct tf_str name, enum tf_dns_type type,
    bool count_void, const struct tf_dns_answer **answer_out);
/* The target name of a term in the record of domain, macros expanded (RFC 7208 section 7). */
enum tf_spf_target {
	TF_SPF_TARGET_NAME,
	TF_SPF_TARGET_LOCAL_PART, /* not ASCII, and it would be in the name (RFC 8616 section 4) */
	TF_SPF_TARGET_UNUSABLE    /* no name that can be asked */
};
enum tf_spf_target tf_spf_target(struct tf_spf_check *c, struct tf_str domain,
    const struct tf_spf_term *term, struct tf_str *name_out);
/* The value of %{p} in the record of domain; empty for "unknown" (RFC 7208 section 7.3). */
struct tf_str tf_spf_validated_name(struct tf_spf_check *c, struct tf_str domain);
/* Any mechanism but include; DNS terms are counted here. RFC 7208 section 5. */
enum tf_spf_match tf_spf_term_match(
    struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term);

/* What the evaluation and the plan of what to ask ahead must see alike. */

/* The type of question for addresses of the client's family. */
enum tf_dns_type tf_spf_address_type(const struct tf_addr *client);
/* Prefix length of an a or mx term for the client's family. */
uint32_t tf_spf_prefix(const struct tf_addr *client, const struct tf_spf_term *term);
/* Whether an address of the answer and the client share their first bits; /0 needs one too. */
bool tf_spf_any_address(
    const struct tf_addr *client, const struct tf_dns_answer *answer, uint32_t bits);
/* The client's name in the reverse zone; it lies in buf, which must be empty. */
struct tf_str tf_spf_reverse_name(const struct tf_spf_macro_env *env, struct tf_buf *buf);

/* At most max bytes of s as printable ASCII: others become '?', a cut shows as "...". */
struct tf_str tf_spf_clean(struct tf_arena *a, struct tf_str s, size_t max);

#endif
