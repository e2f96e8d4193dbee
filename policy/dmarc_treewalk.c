/*
 * dmarc_treewalk.c - find the DMARC records above a name, and its organizational domain
 *
 * Implements RFC 9989 section 4.10: at most 8 names, all asked at once; the answers are read in the
 * walk's order, so what lies behind the end of the walk has no influence. The walks of a message
 * share their answers, because the resolver asks each name once.
 * Choices: a DNS failure ends the walk, since the name might have held the psd tag that ends it,
 * and hides its result, except at a top-level domain right above a record. A name that is too long
 * to be asked has no record.
 * Does not: choose among the records (dmarc_eval.c) or touch the network (resolver.c).
 */
#include "policy/dmarc.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

/* One domain's walk: planned, asked, and at last evaluated. */
struct walk {
	struct walk *next;
	struct tf_str names[TF_TREEWALK_MAX];           /* without _dmarc.; the domain first */
	struct tf_question *questions[TF_TREEWALK_MAX]; /* NULL: cannot be asked */
	size_t planned, asked;
	bool author; /* its existence may matter */
	bool evaluated;
	struct tf_treewalk result;
};

struct tf_treewalks {
	struct tf_arena *arena;
	struct tf_dns *dns;
	struct walk *walks;
};

struct tf_treewalks *
tf_treewalks_new(struct tf_arena *a, struct tf_dns *dns)
{
	struct tf_treewalks *w = tf_arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->dns = dns;
	return w;
}

/* Section 4.10: the domain, then its rightmost labels, at most 7 of them, down to one. */
static void
plan(struct walk *walk, struct tf_str domain)
{
	size_t labels = tf_domain_labels(domain);

	walk->names[walk->planned++] = domain;
	if (labels > TF_TREEWALK_MAX)
		labels = TF_TREEWALK_MAX;
	for (; labels > 1; labels--)
		walk->names[walk->planned++] = tf_domain_last(domain, labels - 1);
}

/* The record among the TXT RRs of one name: exactly one, or none. Section 4.10. */
static enum tf_treewalk_at
select_record(const struct tf_dns_answer *answer, struct tf_dmarc_record *rec_out)
{
	struct tf_dmarc_record rec;
	size_t records = 0;

	for (size_t i = 0; i < answer->count; i++) {
		if (tf_dmarc_record_parse(answer->txts[i], &rec)) {
			*rec_out = rec;
			records++;
		}
	}
	return records == 0 ? TF_AT_NONE : records == 1 ? TF_AT_RECORD : TF_AT_SEVERAL;
}

/*
 * Follow-up on the names above an author domain (resolver thread; arg is its walk, which nobody
 * changes before the question has been answered).
 */
static void
ask_whether_exists(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	const struct walk *walk = arg;
	struct tf_dmarc_record rec;

	(void)name;
	if (answer->status == TF_DNS_NOERROR && select_record(answer, &rec) == TF_AT_RECORD &&
	    tf_dmarc_record_policy(&rec, TF_APPLIES_NOT_EXISTING) !=
		tf_dmarc_record_policy(&rec, TF_APPLIES_ABOVE))
		tf_dns_start(dns, walk->names[0], TF_TYPE_A);
}

/* Asks for the n-th name, unless that has been done. */
static void
ask(struct tf_treewalks *w, struct walk *walk, size_t n)
{
	struct tf_str name;

	if (n != walk->asked)
		return;
	walk->asked++;
	name = tf_arena_printf(w->arena, "_dmarc.%.*s", TF_PRI(walk->names[n]));
	if (!tf_domain_can_ask(name))
		return;
	if (walk->author && n != 0)
		walk->questions[n] =
		    tf_dns_start_then(w->dns, name, TF_TYPE_TXT, ask_whether_exists, walk);
	else
		walk->questions[n] = tf_dns_start(w->dns, name, TF_TYPE_TXT);
}

/* The domain's walk; when there is none yet, a new one with nothing asked. */
static struct walk *
find_or_plan(struct tf_treewalks *w, struct tf_str domain, bool author)
{
	struct walk *walk = w->walks;

	while (walk != NULL && !tf_str_eq(walk->names[0], domain))
		walk = walk->next;
	if (walk != NULL)
		return walk;
	walk = tf_arena_alloc(w->arena, sizeof(*walk));
	walk->author = author;
	plan(walk, tf_arena_dup(w->arena, domain));
	walk->next = w->walks;
	w->walks = walk;
	return walk;
}

static struct walk *
find_or_start(struct tf_treewalks *w, struct tf_str domain)
{
	struct walk *walk = find_or_plan(w, domain, false);

	while (walk->asked < walk->planned)
		ask(w, walk, walk->asked);
	return walk;
}

void
tf_treewalk_start(struct tf_treewalks *w, struct tf_str domain)
{
	find_or_start(w, domain);
}

void
tf_treewalk_start_authors(struct tf_treewalks *w, const struct tf_str *domains, size_t count)
{
	for (size_t n = 0; n < TF_TREEWALK_MAX; n++) {
		for (size_t i = 0; i < count; i++) {
			struct walk *walk = find_or_plan(w, domains[i], true);

			if (n < walk->planned)
				ask(w, walk, n);
		}
	}
}

static void
read_step(struct tf_treewalks *w, const struct walk *walk, size_t n, struct tf_treewalk_step *step)
{
	const struct tf_dns_answer *answer;

	step->domain = walk->names[n];
	step->status = TF_DNS_NODATA;
	if (walk->questions[n] == NULL)
		return;
	answer = tf_dns_wait(w->dns, walk->questions[n]);
	step->status = answer->status;
	if (tf_dns_failed(answer->status))
		step->at = TF_AT_FAILED;
	else
		step->at = select_record(answer, &step->record);
}

/* Whether the walk ends here: section 4.10, steps 2 and 7. */
static bool
ends_walk(const struct tf_treewalk_step *step)
{
	return step->at == TF_AT_FAILED ||
	       (step->at == TF_AT_RECORD && step->record.psd != TF_PSD_U);
}

/*
 * Whether the last step does not matter, because it is a top-level domain and the name right below
 * it has a record: whoever publishes for a top-level domain must say psd=y (section 4.7), so that
 * the name below is the organizational domain with it and without it.
 */
static bool
is_settled_below(const struct tf_treewalk *t)
{
	return t->count > 1 && t->steps[t->count - 2].at == TF_AT_RECORD &&
	       tf_domain_labels(t->steps[t->count - 1].domain) == 1;
}

/* Section 4.10.2, over the steps of a walk without failures. */
static struct tf_str
org_domain(const struct tf_treewalk *t)
{
	const struct tf_treewalk_step *last = &t->steps[t->count - 1];
	struct tf_str org = t->domain;

	if (last->at == TF_AT_RECORD && last->record.psd == TF_PSD_N)
		return last->domain;
	/* At the domain itself nothing is longer: it is its own organizational domain. */
	if (last->at == TF_AT_RECORD && last->record.psd == TF_PSD_Y)
		return tf_domain_last(t->domain, tf_domain_labels(last->domain) + 1);
	for (size_t n = 0; n < t->count; n++) {
		if (t->steps[n].at == TF_AT_RECORD)
			org = t->steps[n].domain;
	}
	return org;
}

const struct tf_treewalk *
tf_treewalk_eval(struct tf_treewalks *w, struct tf_str domain)
{
	struct walk *walk = find_or_start(w, domain);
	struct tf_treewalk *t = &walk->result;

	if (walk->evaluated)
		return t;
	walk->evaluated = true;
	t->domain = walk->names[0];
	do {
		read_step(w, walk, t->count, &t->steps[t->count]);
		t->count++;
	} while (t->count < walk->planned && !ends_walk(&t->steps[t->count - 1]));
	t->failed = t->steps[t->count - 1].at == TF_AT_FAILED && !is_settled_below(t);
	if (!t->failed)
		t->org_domain = org_domain(t);
	return t;
}

enum tf_exists
tf_treewalk_exists(struct tf_treewalks *w, struct tf_str domain)
{
	const struct tf_dns_answer *answer = tf_dns_ask(w->dns, domain, TF_TYPE_A);

	/* The status is that of an alias's target (RFC 6604 section 3); the alias is there. */
	if (answer->status == TF_DNS_NXDOMAIN)
		return answer->alias ? TF_EXISTS_YES : TF_EXISTS_NO;
	return tf_dns_failed(answer->status) ? TF_EXISTS_UNKNOWN : TF_EXISTS_YES;
}
