/*
 * dkim.c - DKIM: from header fields to one result per signature
 *
 * Implements RFC 6376 section 6.1 with the results of RFC 8601 section 2.7.1. Reads every
 * DKIM-Signature (dkim_sig.c), chooses those to verify, asks for their keys all at once, judges the
 * keys (dkim_key.c), has header and body checked (dkim_verifier.c) and concludes.
 * A signature with a finding of its own costs no question and no hashing and takes no place under
 * the cap. A failed look-up is temperror, a missing key permerror.
 * Does not: align (dmarc_eval.c), or know whether a result matters.
 * Limits: opts->max_signatures are verified; those in reach of an author domain come first.
 */
#include <inttypes.h>

#include "truefrom/domain.h"
#include "policy/dkim.h"
#include "policy/dkim_key.h"
#include "truefrom/banned.h"

#define DAY_S 86400
#define OLD_S (7 * (int64_t)DAY_S)

/* One DKIM-Signature field. */
struct signature {
	struct tf_dkim_sig sig;
	size_t field; /* in the header block */
	bool chosen;  /* will be verified */
	struct tf_question *question;
	struct tf_dkim_key key;
	struct tf_dkim *result;
};

struct tf_dkim_check {
	struct tf_arena *arena;
	struct tf_dns *dns;
	const struct tf_dkim_opts *opts;
	int64_t now;
	struct signature *signatures; /* in message order */
	size_t count;
	struct tf_verify *items; /* the chosen ones, in message order */
	size_t item_count;
	struct tf_verifier *verifier;
	const struct tf_body_seen *body;
};

static const struct tf_str field_name = TF_LIT("DKIM-Signature");

static void
read_signatures(struct tf_dkim_check *c, const struct tf_header_block *hb)
{
	const struct tf_header *h;
	size_t from = 0, count = 0;

	while (tf_header_next(hb, field_name, &from) != NULL)
		count++;
	c->signatures = tf_arena_array(c->arena, count, sizeof(*c->signatures));
	from = 0;
	for (h = tf_header_next(hb, field_name, &from); h != NULL;
	     h = tf_header_next(hb, field_name, &from)) {
		struct signature *s = &c->signatures[c->count++];

		s->field = from - 1;
		tf_dkim_sig_parse(h->value, c->now, c->opts->clock_skew_s, c->arena, &s->sig);
	}
}

/* Whether d= may be of use to an author domain: equal to it, above or below it. */
static bool
in_reach(struct tf_str domain, const struct tf_author *authors)
{
	for (size_t i = 0; i < authors->domain_count; i++) {
		if (tf_domain_is_below_or_equal(domain, authors->domains[i]) ||
		    tf_domain_is_below_or_equal(authors->domains[i], domain))
			return true;
	}
	return false;
}

/* RFC 6376 section 6.1 lets a verifier limit what it tries. */
static void
choose(struct tf_dkim_check *c, const struct tf_author *authors)
{
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < c->count; i++) {
			struct signature *s = &c->signatures[i];

			if (s->sig.code != TF_NONE || s->chosen ||
			    c->item_count >= c->opts->max_signatures ||
			    (round == 0 && !in_reach(s->sig.domain, authors)))
				continue;
			s->chosen = true;
			c->item_count++;
		}
	}
}

static void
ask_for_keys(struct tf_dkim_check *c)
{
	size_t n = 0;

	c->items = tf_arena_array(c->arena, c->item_count, sizeof(*c->items));
	for (size_t i = 0; i < c->count; i++) {
		struct signature *s = &c->signatures[i];

		if (!s->chosen)
			continue;
		s->question = tf_dns_start(c->dns, s->sig.key_name, TF_TYPE_TXT);
		c->items[n].sig = &s->sig;
		c->items[n].field = s->field;
		n++;
	}
}

struct tf_dkim_check *
tf_dkim_start(struct tf_arena *a, struct tf_dns *dns, const struct tf_dkim_opts *opts,
    struct tf_signed_message *m, const struct tf_author *authors, int64_t now,
    enum tf_verifier_kind kind)
{
	struct tf_dkim_check *c = tf_arena_alloc(a, sizeof(*c));

	c->arena = a;
	c->dns = dns;
	c->opts = opts;
	c->now = now;
	c->body = tf_body_hashes_seen(tf_signed_message_body(m));
	read_signatures(c, tf_signed_message_header(m));
	choose(c, authors);
	ask_for_keys(c);
	c->verifier = tf_verifier_start(a, m, c->items, c->item_count, kind);
	return c;
}

static void
conclude(struct tf_dkim *result, enum tf_code code, struct tf_str reason)
{
	result->code = code;
	result->reason = reason;
}

/* The key that may verify s, or NULL when its result is settled. */
static const struct tf_public_key *
judge_key(struct tf_dkim_check *c, struct signature *s)
{
	const char *misfit;

	tf_dkim_key_from_answer(tf_dns_wait(c->dns, s->question), c->arena, &s->key);
	s->result->bits = s->key.public.bits;
	s->result->key_testing = s->key.testing;
	if (s->key.code != TF_NONE) {
		conclude(s->result, s->key.code, s->key.reason);
		return NULL;
	}
	misfit = tf_dkim_key_misfits(
	    &s->key, s->sig.key_type, s->sig.exact_domain, c->opts->min_rsa_bits);
	if (misfit == NULL)
		return &s->key.public;
	conclude(s->result, TF_PERMERROR, tf_str_from(misfit));
	return NULL;
}

/* A signature that verifies, but over something that a reader may not see as it was signed. */
static void
conclude_pass(struct tf_dkim_check *c, const struct signature *s)
{
	struct tf_str objection = tf_body_objection(
	    c->body, s->result->unsigned_octets, c->opts->accept_partial_body, c->arena);

	conclude(s->result, objection.len != 0 ? TF_POLICY : TF_PASS, objection);
}

static void
conclude_verified(struct tf_dkim_check *c, const struct signature *s, const struct tf_verify *item)
{
	s->result->unsigned_octets = item->unsigned_octets;
	switch (item->result) {
	case TF_VERIFIED_NOT:
		break; /* the key settled it */
	case TF_VERIFIED_PASS:
		conclude_pass(c, s);
		break;
	case TF_VERIFIED_BAD_SIGNATURE:
		conclude(s->result, TF_FAIL, TF_STR("signature did not verify"));
		break;
	case TF_VERIFIED_BAD_BODY:
		conclude(s->result, TF_FAIL, TF_STR("body hash did not verify"));
		break;
	case TF_VERIFIED_SHORT_BODY:
		conclude(s->result, TF_PERMERROR, TF_STR("l= exceeds the body"));
		break;
	case TF_VERIFIED_UNABLE:
		conclude(s->result, TF_NEUTRAL, tf_str_from(item->why));
		break;
	}
}

/* What a signature says of itself, and its result as far as that is settled by now. */
static void
describe(const struct signature *s, struct tf_dkim *result)
{
	const struct tf_dkim_sig *sig = &s->sig;

	*result = (struct tf_dkim){ .domain = sig->domain,
		.selector = sig->selector,
		.identity = sig->identity,
		.algorithm = sig->algorithm,
		.b = sig->b };
	conclude(result, sig->code, sig->reason);
	if (sig->code == TF_NONE && !s->chosen) {
		conclude(result, TF_POLICY, TF_STR("too many signatures"));
		result->not_evaluated = true;
	}
}

static void
note_signature(
    const struct tf_dkim_check *c, const struct signature *s, size_t number, struct tf_notes *notes)
{
	const struct tf_dkim *r = s->result;
	const struct tf_dkim_time *t = &s->sig.signed_at;

	tf_note(notes, c->arena, TF_CHECK_DKIM, "signature %zu (d=%.*s s=%.*s): %s%s%.*s%s", number,
	    TF_PRI(r->domain), TF_PRI(r->selector), tf_code_name(r->code),
	    r->reason.len != 0 ? ", " : "", TF_PRI(r->reason),
	    r->key_testing ? " (the key is marked as a test)" : "");
	if (s->chosen && t->given && t->s < c->now - OLD_S)
		tf_note(notes, c->arena, TF_CHECK_DKIM,
		    "signature %zu was made %" PRId64 " days ago", number, (c->now - t->s) / DAY_S);
	if (r->unsigned_octets != 0)
		tf_note(notes, c->arena, TF_CHECK_DKIM,
		    "signature %zu leaves %" PRIu64 " octets at the end of the body unsigned",
		    number, r->unsigned_octets);
}

static void
note_body(const struct tf_dkim_check *c, struct tf_notes *notes)
{
	const struct {
		bool seen;
		const char *what;
	} oddities[] = { { c->body->bare_cr, "bare CR" }, { c->body->bare_lf, "bare LF" },
		{ c->body->nul, "NUL" } };

	for (size_t i = 0; i < TF_ARRAY_LEN(oddities); i++) {
		if (oddities[i].seen)
			tf_note(
			    notes, c->arena, TF_CHECK_DKIM, "the body has a %s", oddities[i].what);
	}
}

void
tf_dkim_eval(struct tf_dkim_check *c, struct tf_notes *notes, const struct tf_dkim **dkim_out,
    size_t *count_out)
{
	struct tf_dkim *results = tf_arena_array(c->arena, c->count, sizeof(*results));
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct signature *s = &c->signatures[i];

		s->result = &results[i];
		describe(s, s->result);
		if (s->chosen)
			c->items[n++].key = judge_key(c, s);
	}
	tf_verifier_finish(c->verifier);
	n = 0;
	for (size_t i = 0; i < c->count; i++) {
		if (c->signatures[i].chosen)
			conclude_verified(c, &c->signatures[i], &c->items[n++]);
		note_signature(c, &c->signatures[i], i + 1, notes);
	}
	note_body(c, notes);
	*dkim_out = results;
	*count_out = c->count;
}

size_t
tf_dkim_domains(const struct tf_dkim_check *c, const struct tf_str **domains_out)
{
	struct tf_str *domains = tf_arena_array(c->arena, c->item_count, sizeof(*domains));
	size_t count = 0;

	for (size_t i = 0; i < c->item_count; i++) {
		struct tf_str domain = c->items[i].sig->domain;
		size_t k = 0;

		while (k < count && !tf_str_eq(domains[k], domain))
			k++;
		if (k == count)
			domains[count++] = domain;
	}
	*domains_out = domains;
	return count;
}

const char *
tf_dkim_versions(void)
{
	return tf_verifier_version();
}
