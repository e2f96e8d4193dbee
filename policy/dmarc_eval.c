/*
 * dmarc_eval.c - one author domain: which policy applies, and is an authenticated domain aligned?
 *
 * Implements RFC 9989 sections 4.4 (alignment), 4.10.1 (policy discovery) and 5.3.
 * Choices where the RFC leaves it to receivers:
 * - An identifier that is aligned by what could be found makes a pass, whatever else failed.
 * - Without one, a failure that may hide an aligned identifier or the policy is a temperror: a DNS
 *   error in a walk that matters, or an SPF or DKIM temperror of a domain that would be aligned.
 *   Domains that could not be aligned anyway never make one, so that nobody can add a failing
 *   signature of his own to turn a fail into a temperror.
 * - A DNS error when asking whether the author domain exists is a temperror where np would matter.
 * - Where the walk fails, a policy that was found for the same domain within the last day stands in
 *   for it (as RFC 8767 has it for any record): else whoever makes the DNS fail would be rid of the
 *   policy. That there was no policy is never remembered: a failure is not "no policy".
 * Does not: choose a disposition (verdict.c).
 */
#include "policy/dmarc.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

/* What one evaluation works on. */
struct eval {
	struct tf_treewalks *walks;
	struct tf_arena *arena;
	const struct tf_dmarc_input *in;
	struct tf_notes *notes;
	const struct tf_treewalk *own; /* the author domain's walk */
	struct tf_str org;             /* its organizational domain; empty = not known */
	struct tf_dmarc_found earlier; /* what the memory has */
	bool has_earlier;
	struct tf_treewalk_step step; /* with the record from there */
	struct tf_dmarc *out;
};

static void
conclude(struct eval *e, enum tf_code code, struct tf_str reason)
{
	e->out->code = code;
	e->out->reason = reason;
}

/* Bytes from outside as printable ASCII, in the message's arena. */
static struct tf_str
clean(struct eval *e, struct tf_str s)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, e->arena, s.len);
	for (size_t i = 0; i < s.len; i++)
		tf_buf_byte(&b, tf_is_ctl(s.ptr[i]) || tf_is_8bit(s.ptr[i]) ? '?' : s.ptr[i]);
	return tf_buf_get(&b);
}

/* What stood at one name of a walk, in words. */
static struct tf_str
found_words(const struct tf_treewalk_step *step)
{
	switch (step->at) {
	case TF_AT_NONE:
		return TF_STR("none");
	case TF_AT_SEVERAL:
		return TF_STR("several records");
	case TF_AT_FAILED:
		return tf_str_from(tf_dns_status_name(step->status));
	case TF_AT_RECORD:
		break;
	}
	switch (step->record.psd) {
	case TF_PSD_Y:
		return TF_STR("record psd=y");
	case TF_PSD_N:
		return TF_STR("record psd=n");
	case TF_PSD_U:
		break;
	}
	return TF_STR("record");
}

/* The author domain's walk, name by name, into the result. */
static void
keep_walk(struct eval *e)
{
	const struct tf_treewalk *t = e->own;
	struct tf_dmarc_name *names = tf_arena_array(e->arena, t->count, sizeof(*names));

	for (size_t n = 0; n < t->count; n++) {
		names[n].domain = t->steps[n].domain;
		names[n].found = found_words(&t->steps[n]);
	}
	e->out->walk = names;
	e->out->walk_count = t->count;
}

static struct tf_str
failure_words(struct eval *e, const struct tf_treewalk *t)
{
	const struct tf_treewalk_step *last = &t->steps[t->count - 1];

	return tf_arena_printf(e->arena, "DNS failure (%s) at _dmarc.%.*s",
	    tf_dns_status_name(last->status), TF_PRI(last->domain));
}

static const struct tf_treewalk_step *
step_with_record(const struct tf_treewalk *t, struct tf_str domain)
{
	for (size_t n = 0; n < t->count; n++) {
		if (t->steps[n].at == TF_AT_RECORD && tf_str_eq(t->steps[n].domain, domain))
			return &t->steps[n];
	}
	return NULL;
}

/*
 * Section 4.10.1: the author domain's own record, else that of its organizational domain, else that
 * of the public suffix that ended the walk. NULL: none of them, or not known (the walk failed).
 */
static const struct tf_treewalk_step *
policy_step(const struct tf_treewalk *t)
{
	const struct tf_treewalk_step *last = &t->steps[t->count - 1], *step;

	step = step_with_record(t, t->domain);
	if (step == NULL)
		step = step_with_record(t, t->org_domain);
	if (step != NULL)
		return step;
	return last->at == TF_AT_RECORD && last->record.psd == TF_PSD_Y ? last : NULL;
}

static enum tf_dmarc_policy
one_level_less(enum tf_dmarc_policy policy)
{
	switch (policy) {
	case TF_POLICY_REJECT:
		return TF_POLICY_QUARANTINE;
	case TF_POLICY_QUARANTINE:
	case TF_POLICY_NONE:
		return TF_POLICY_NONE;
	case TF_POLICY_UNKNOWN:
		break;
	}
	return TF_POLICY_UNKNOWN;
}

/* What of the record is wrong or acts in an unexpected way. */
static void
note_record(struct eval *e, const struct tf_treewalk_step *step)
{
	const struct tf_dmarc_record *rec = &step->record;

	tf_note(e->notes, e->arena, TF_CHECK_DMARC, "the record at _dmarc.%.*s applies to %.*s",
	    TF_PRI(step->domain), TF_PRI(e->in->from));
	if (rec->bad.len != 0)
		tf_note(e->notes, e->arena, TF_CHECK_DMARC,
		    "error in the record at _dmarc.%.*s: %.*s", TF_PRI(step->domain),
		    TF_PRI(rec->bad));
	if (rec->rua_valid && (rec->p == TF_POLICY_UNKNOWN || rec->bad_sp || rec->bad_np))
		tf_note(e->notes, e->arena, TF_CHECK_DMARC, "without a valid %s it acts as p=none",
		    rec->p == TF_POLICY_UNKNOWN ? "p"
		    : rec->bad_sp               ? "sp"
						: "np");
}

static void
keep_record(struct eval *e, const struct tf_treewalk_step *step)
{
	const struct tf_dmarc_record *rec = &step->record;
	struct tf_dmarc *d = e->out;

	d->record = clean(e, rec->text);
	d->record_domain = step->domain;
	d->discovery =
	    tf_str_eq(step->domain, e->in->from) ? TF_DISCOVERY_AUTHOR : TF_DISCOVERY_TREEWALK;
	d->testing = rec->testing;
	d->strict_spf = rec->strict_spf;
	d->strict_dkim = rec->strict_dkim;
	d->rua = tf_arena_dup(e->arena, rec->rua);
	note_record(e, step);
}

static void
keep_policy(struct eval *e, enum tf_dmarc_policy policy)
{
	e->out->policy = policy;
	e->out->applied_policy = e->out->testing ? one_level_less(policy) : policy;
}

static int64_t
in_the_past(int64_t age_s)
{
	return age_s > 0 ? age_s : 0;
}

/* What was found a while ago, for what cannot be asked now. */
static void
recall(struct eval *e)
{
	const struct tf_dmarc_input *in = e->in;

	e->has_earlier = in->memory != NULL &&
			 tf_dmarc_memory_find(in->memory, in->from, in->now, e->arena, &e->earlier);
}

/* Whether the walk came to the name and found that there is no record any more. */
static bool
is_gone(const struct tf_treewalk *t, struct tf_str domain)
{
	for (size_t n = 0; n < t->count; n++) {
		if (tf_str_eq(t->steps[n].domain, domain))
			return t->steps[n].at == TF_AT_NONE || t->steps[n].at == TF_AT_SEVERAL;
	}
	return false;
}

/* The walk failed: the policy record as it was, unless the walk came as far as that. */
static const struct tf_treewalk_step *
record_of_before(struct eval *e, struct tf_str why)
{
	const struct tf_treewalk_step *fresh = step_with_record(e->own, e->earlier.record_domain);

	if (fresh != NULL)
		return fresh;
	if (!tf_dmarc_record_parse(e->earlier.record, &e->step.record))
		return NULL;
	e->step.at = TF_AT_RECORD;
	e->step.domain = e->earlier.record_domain;
	e->out->reason = tf_arena_printf(e->arena, "%.*s; the policy found %lld s before stands in",
	    TF_PRI(why), (long long)in_the_past(e->in->now - e->earlier.last));
	return &e->step;
}

/* The walk failed; returns the record that applies all the same, or NULL. */
static const struct tf_treewalk_step *
recall_policy(struct eval *e, const struct tf_treewalk_step *step)
{
	struct tf_str why = failure_words(e, e->own);

	recall(e);
	if (!e->has_earlier || (step == NULL && is_gone(e->own, e->earlier.record_domain)))
		return step;
	e->org = e->earlier.org_domain;
	tf_note(e->notes, e->arena, TF_CHECK_DMARC, "%.*s: what was found %lld s before stands in",
	    TF_PRI(why), (long long)in_the_past(e->in->now - e->earlier.last));
	return step != NULL ? step : record_of_before(e, why);
}

/* Keeps, or takes back, what the whole walk has found. */
static void
remember(struct eval *e, const struct tf_treewalk_step *step, enum tf_exists exists)
{
	const struct tf_dmarc_input *in = e->in;
	const struct tf_dmarc_found found = {
		.domain = in->from,
		.record_domain = step != NULL ? step->domain : TF_NONE_STR,
		.org_domain = e->own->org_domain,
		.record = step != NULL ? step->record.text : TF_NONE_STR,
		.exists = exists,
	};

	if (in->memory == NULL || e->own->failed)
		return;
	if (step == NULL)
		tf_dmarc_memory_forget(in->memory, in->from);
	else if (in->may_keep)
		tf_dmarc_memory_keep(in->memory, &found, in->now);
}

/* Asked, else as it was. */
static enum tf_exists
existence(struct eval *e)
{
	enum tf_exists exists = tf_treewalk_exists(e->walks, e->in->from);

	if (exists != TF_EXISTS_UNKNOWN)
		return exists;
	if (!e->has_earlier)
		recall(e);
	if (!e->has_earlier || e->earlier.exists == TF_EXISTS_UNKNOWN)
		return TF_EXISTS_UNKNOWN;
	tf_note(e->notes, e->arena, TF_CHECK_DMARC,
	    "DNS failure hides whether %.*s exists: as it was %lld s before", TF_PRI(e->in->from),
	    (long long)in_the_past(e->in->now - e->earlier.last));
	return e->earlier.exists;
}

static enum tf_dmarc_policy
policy_where(struct eval *e, const struct tf_dmarc_record *rec, enum tf_dmarc_applies applies)
{
	e->out->policy_tag = tf_dmarc_record_tag(rec, applies);
	return tf_dmarc_record_policy(rec, applies);
}

/*
 * Section 4.10.1 and 4.7: p, sp or np. UNKNOWN either because the record has no usable policy
 * (existence is YES then) or because it is not known whether the domain exists.
 */
static enum tf_dmarc_policy
read_policy(struct eval *e, const struct tf_treewalk_step *step, enum tf_exists *exists_out)
{
	const struct tf_dmarc_record *rec = &step->record;
	enum tf_dmarc_policy above = tf_dmarc_record_policy(rec, TF_APPLIES_ABOVE);
	enum tf_dmarc_policy missing = tf_dmarc_record_policy(rec, TF_APPLIES_NOT_EXISTING);

	*exists_out = TF_EXISTS_YES;
	if (e->out->discovery == TF_DISCOVERY_AUTHOR || above == missing) {
		remember(e, step, TF_EXISTS_UNKNOWN);
		return policy_where(e, rec,
		    e->out->discovery == TF_DISCOVERY_AUTHOR ? TF_APPLIES_OWN : TF_APPLIES_ABOVE);
	}
	*exists_out = existence(e);
	remember(e, step, *exists_out);
	switch (*exists_out) {
	case TF_EXISTS_YES:
		return policy_where(e, rec, TF_APPLIES_ABOVE);
	case TF_EXISTS_NO:
		tf_note(e->notes, e->arena, TF_CHECK_DMARC, "%.*s does not exist: np applies",
		    TF_PRI(e->in->from));
		return policy_where(e, rec, TF_APPLIES_NOT_EXISTING);
	case TF_EXISTS_UNKNOWN:
		break;
	}
	return TF_POLICY_UNKNOWN;
}

enum alignment { ALIGNED_NO, ALIGNED_YES, ALIGNED_UNKNOWN };

static bool
is_strict(const struct eval *e, const struct tf_auth_domain *id)
{
	return id->by == TF_VOUCHER_SPF ? e->out->strict_spf : e->out->strict_dkim;
}

/*
 * Whether the identifier can share the author's organizational domain at all, by its name: then it
 * lies at or below it. While that is unknown, two labels in common are asked for: a record that a
 * top-level domain might have must not make every failure of its servers a temperror for everyone.
 */
static bool
can_align_relaxed(const struct eval *e, const struct tf_auth_domain *id)
{
	struct tf_str shared = e->org.len != 0 ? e->org : tf_domain_last(e->in->from, 2);

	return !is_strict(e, id) && tf_domain_is_below_or_equal(id->domain, shared);
}

/* Section 4.4 */
static enum alignment
align(struct eval *e, const struct tf_auth_domain *id)
{
	const struct tf_treewalk *other;

	if (tf_str_eq(id->domain, e->in->from))
		return ALIGNED_YES;
	if (!can_align_relaxed(e, id))
		return ALIGNED_NO;
	if (e->org.len == 0)
		return ALIGNED_UNKNOWN;
	other = tf_treewalk_eval(e->walks, id->domain);
	if (other->failed) {
		struct tf_str why = failure_words(e, other);

		tf_note(e->notes, e->arena, TF_CHECK_DMARC, "walk of %.*s: %.*s",
		    TF_PRI(id->domain), TF_PRI(why));
		return ALIGNED_UNKNOWN;
	}
	return tf_str_eq(other->org_domain, e->org) ? ALIGNED_YES : ALIGNED_NO;
}

static const char *
voucher_name(enum tf_voucher by)
{
	return by == TF_VOUCHER_SPF ? "SPF" : "DKIM";
}

/* Starts the walks that alignment may need, so that none waits for another. */
static void
start_walks(struct eval *e, const struct tf_auth_domain *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (e->org.len != 0 && can_align_relaxed(e, &ids[i]))
			tf_treewalk_start(e->walks, ids[i].domain);
	}
}

static void
keep_aligned(struct eval *e, const struct tf_auth_domain *id)
{
	if (id->by == TF_VOUCHER_SPF) {
		e->out->aligned_spf = true;
	} else if (!e->out->aligned_dkim) {
		e->out->aligned_dkim = true;
		e->out->dkim_index = id->index;
	}
	tf_note(e->notes, e->arena, TF_CHECK_DMARC, "%s domain %.*s is aligned with %.*s (%s)",
	    voucher_name(id->by), TF_PRI(id->domain), TF_PRI(e->in->from),
	    is_strict(e, id) ? "strict" : "relaxed");
}

/* All identifiers; returns what hides an alignment, empty when nothing does. */
static struct tf_str
align_all(struct eval *e)
{
	struct tf_str hidden = TF_NONE_STR;

	for (size_t i = 0; i < e->in->auth_count; i++) {
		const struct tf_auth_domain *id = &e->in->auth[i];

		switch (align(e, id)) {
		case ALIGNED_YES:
			keep_aligned(e, id);
			break;
		case ALIGNED_NO:
			tf_note(e->notes, e->arena, TF_CHECK_DMARC,
			    "%s domain %.*s is not aligned with %.*s", voucher_name(id->by),
			    TF_PRI(id->domain), TF_PRI(e->in->from));
			break;
		case ALIGNED_UNKNOWN:
			hidden = tf_arena_printf(e->arena,
			    "DNS failure hides whether %s domain %.*s is aligned",
			    voucher_name(id->by), TF_PRI(id->domain));
			break;
		}
	}
	return hidden;
}

/* Whether an aligned pass may hide behind the temperror of a check; says which in words. */
static struct tf_str
hidden_by_temperror(struct eval *e)
{
	for (size_t i = 0; i < e->in->temp_count; i++) {
		const struct tf_auth_domain *id = &e->in->temp[i];

		if (align(e, id) != ALIGNED_NO)
			return tf_arena_printf(e->arena, "%s of %.*s had a temporary error",
			    voucher_name(id->by), TF_PRI(id->domain));
	}
	return TF_NONE_STR;
}

/* A policy record applies: section 5.3.4 and 5.3.5. */
static void
eval_policy(struct eval *e, const struct tf_treewalk_step *step)
{
	enum tf_exists exists;
	enum tf_dmarc_policy policy;
	struct tf_str hidden;

	keep_record(e, step);
	start_walks(e, e->in->auth, e->in->auth_count);
	start_walks(e, e->in->temp, e->in->temp_count);
	policy = read_policy(e, step, &exists);
	if (policy == TF_POLICY_UNKNOWN && exists != TF_EXISTS_UNKNOWN) {
		remember(e, NULL, exists);
		conclude(e, TF_NONE, TF_STR("the DMARC record has no valid policy"));
		return;
	}
	keep_policy(e, policy);
	hidden = align_all(e);
	if (e->out->aligned_spf || e->out->aligned_dkim) {
		if (exists == TF_EXISTS_UNKNOWN)
			keep_policy(e, policy_where(e, &step->record, TF_APPLIES_ABOVE));
		conclude(e, TF_PASS, TF_NONE_STR);
		return;
	}
	if (hidden.len == 0)
		hidden = hidden_by_temperror(e);
	if (hidden.len == 0 && exists == TF_EXISTS_UNKNOWN)
		hidden = tf_arena_printf(
		    e->arena, "DNS failure hides whether %.*s exists", TF_PRI(e->in->from));
	if (hidden.len != 0)
		conclude(e, TF_TEMPERROR, hidden);
	else
		e->out->code = TF_FAIL; /* with the reason why the policy is one of before */
}

static struct tf_str
none_words(struct eval *e)
{
	for (size_t n = 0; n < e->own->count; n++) {
		if (e->own->steps[n].at == TF_AT_SEVERAL)
			return tf_arena_printf(e->arena,
			    "several DMARC records at _dmarc.%.*s count as none",
			    TF_PRI(e->own->steps[n].domain));
	}
	return tf_domain_labels(e->in->from) > 1 ? TF_STR("no DMARC record")
						 : TF_STR("no DMARC record for a single label");
}

void
tf_dmarc_eval(struct tf_treewalks *w, struct tf_arena *a, const struct tf_dmarc_input *in,
    struct tf_notes *notes, struct tf_dmarc *dmarc_out)
{
	struct eval e = { .walks = w, .arena = a, .in = in, .notes = notes, .out = dmarc_out };
	const struct tf_treewalk_step *step;

	*dmarc_out = (struct tf_dmarc){ .from = tf_arena_dup(a, in->from) };
	tf_treewalk_start_authors(w, &in->from, 1);
	e.own = tf_treewalk_eval(w, in->from);
	keep_walk(&e);
	step = policy_step(e.own);
	e.org = e.own->org_domain;
	if (e.own->failed)
		step = recall_policy(&e, step);
	dmarc_out->org_domain = e.org;
	if (step != NULL) {
		eval_policy(&e, step);
	} else if (e.own->failed) {
		conclude(&e, TF_TEMPERROR, failure_words(&e, e.own));
	} else {
		remember(&e, NULL, TF_EXISTS_UNKNOWN);
		conclude(&e, TF_NONE, none_words(&e));
	}
}
