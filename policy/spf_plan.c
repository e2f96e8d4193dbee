/*
 * spf_plan.c - ask ahead for what an SPF evaluation will need
 *
 * When a record or a list of MX hosts arrives, the whole tree as far as it is known is walked in
 * the order of evaluation, as if no term matched whose answer is not there, and what the walk comes
 * upon is asked for. So nothing is asked that stands
 *   - behind a term that matches by itself (all, ip4, ip6, or an include that must pass),
 *   - behind an error, a record that is wrong or a limit that will be met,
 *   - behind %{p}, which costs questions of its own.
 * Addresses of MX hosts, up to ten questions for one term, wait until every include before them is
 * known: the worst tree then asks no more than the limits of RFC 7208 section 4.6.4 allow without
 * any of this.
 *
 * Concurrency: answers arrive on the resolver thread, and on the message's own thread when they are
 * there at once. Whoever raises `arrivals` from 0 walks, again and again until no further answer
 * has come meanwhile; everyone else only leaves the answer and goes. So the plan has one walker at
 * a time and needs no lock. All memory is set aside at the start, because the arena belongs to the
 * message's thread.
 * Does not: count for the evaluation, or judge anything: it starts questions and that is all.
 * Limits: the term limit, at most AHEAD_MAX terms, and a share of the message's questions.
 */
#include <stdatomic.h>

#include "policy/spf_plan.h"
#include "policy/spf_record.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define AHEAD_MAX 20
/* DNS terms of all records together that the plan remembers, for each term that it may ask. */
#define STEPS_PER_TERM 4
#define MX_MAX 10
/* Room for the expansion of a domain-spec; a longer one is not asked ahead. */
#define EXPAND_ROOM 2048

/* A question whose answer leads to others: a record, or MX hosts. */
struct ask {
	struct tf_spf_plan *plan;
	_Atomic(const struct tf_dns_answer *) answer; /* NULL: not there yet */
	struct tf_str domain;                         /* in storage */
	char storage[TF_DOMAIN_MAX];
	/* Of a record, once its answer has been read: */
	bool read, usable;
	struct step *steps; /* its DNS terms up to the first sure match, redirect last */
	size_t step_count;
	bool cut;          /* there are more than could be remembered */
	bool has_sure;     /* the walk of the record ends in a sure match ... */
	enum tf_code sure; /* ... with this result */
};

/* What has been made of a DNS term. */
enum state {
	STEP_NEW,   /* nothing yet, or there was no room to ask */
	STEP_ASKED, /* its question has been started; include, redirect and mx have an ask */
	STEP_LATER, /* cannot be asked ahead */
	STEP_MISS,  /* will not match */
	STEP_ERROR  /* will be an error */
};

/* One DNS term. */
struct step {
	enum tf_spf_kind kind;
	enum tf_code code;
	struct tf_str spec;
	enum state state;
	bool hosts_asked; /* mx: the addresses too */
	struct ask *ask;  /* NULL: no follow-up */
};

struct tf_spf_plan {
	struct tf_dns *dns;
	const struct tf_spf_macro_env *env;
	uint32_t max_terms;
	uint32_t reserve; /* questions of the message that are not ours to take */
	struct ask *asks;
	struct step *steps;
	size_t ask_count, ask_room, step_count, step_room;
	uint32_t asked; /* terms */
	atomic_size_t arrivals;
	atomic_bool stopped;
};

/* What is known of a record's result while nothing but sure matches is known. */
enum sure { MAYBE, SURE_PASS, SURE_NOT };

/* One walk over the tree. */
struct walk {
	struct tf_spf_plan *plan;
	uint32_t terms;
	bool open; /* a record before this point has not arrived: more terms may come there */
	bool stop; /* the evaluation ends here, or nothing behind is known */
};

static void arrived(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg);

static enum tf_dns_type
address_type(const struct tf_spf_plan *p)
{
	return p->env->client.family == TF_FAMILY_V6 ? TF_TYPE_AAAA : TF_TYPE_A;
}

static bool
may_ask(const struct tf_spf_plan *p)
{
	return !atomic_load(&p->stopped) && tf_dns_budget_left(p->dns) > p->reserve;
}

/* A question with a follow-up; NULL when the plan is full. */
static struct ask *
ask_then(struct tf_spf_plan *p, struct tf_str name, enum tf_dns_type type)
{
	struct ask *ask;
	struct tf_buf copy;

	if (p->ask_count == p->ask_room)
		return NULL;
	ask = &p->asks[p->ask_count++];
	ask->plan = p;
	tf_buf_init(&copy, ask->storage, sizeof(ask->storage));
	tf_buf_str(&copy, name);
	ask->domain = tf_buf_get(&copy);
	tf_dns_start_then(p->dns, ask->domain, type, arrived, ask);
	return ask;
}

/* Adds a DNS term to the record that was just read; false when there is no room. */
static bool
add_step(struct ask *ask, const struct tf_spf_term *term)
{
	struct tf_spf_plan *p = ask->plan;

	if (ask->step_count == p->max_terms || p->step_count == p->step_room) {
		ask->cut = true;
		return false;
	}
	p->steps[p->step_count++] =
	    (struct step){ .kind = term->kind, .code = term->code, .spec = term->domain };
	ask->step_count++;
	return true;
}

/* Whether the term matches by itself. */
static bool
is_sure(const struct tf_spf_plan *p, const struct tf_spf_term *term)
{
	return term->kind == TF_SPF_ALL ||
	       ((term->kind == TF_SPF_IP4 || term->kind == TF_SPF_IP6) &&
		   tf_addr_in(&p->env->client, &term->net.addr, term->net.bits));
}

/* Once for each record: its DNS terms, and how it ends. */
static void
read_record(struct ask *ask, const struct tf_dns_answer *answer)
{
	struct tf_spf_record rec;
	struct tf_spf_term term;
	struct tf_lex terms;
	struct tf_str txt;

	ask->read = true;
	ask->usable = tf_spf_record_select(answer->txts, answer->count, &txt) == TF_SPF_FOUND_ONE &&
		      tf_spf_record_parse(txt, &rec);
	if (!ask->usable)
		return;
	ask->steps = &ask->plan->steps[ask->plan->step_count];
	terms = tf_spf_record_terms(&rec);
	while (!ask->cut && tf_spf_record_next(&terms, &term)) {
		if (is_sure(ask->plan, &term)) {
			ask->has_sure = true;
			ask->sure = term.code;
			return;
		}
		if (tf_spf_term_asks(&term) && term.kind != TF_SPF_REDIRECT)
			add_step(ask, &term);
	}
	if (!ask->cut && rec.redirect.domain.len != 0)
		add_step(ask, &rec.redirect);
}

static bool
follows(const struct step *step)
{
	return step->kind == TF_SPF_INCLUDE || step->kind == TF_SPF_REDIRECT;
}

/* The name to ask for, or why there is none. */
static enum state
target_of(const struct tf_spf_plan *p, struct tf_str domain, const struct step *step,
    struct tf_buf *buf, struct tf_str *name_out)
{
	struct tf_spf_macro_env env = *p->env;
	unsigned uses = tf_spf_macro_uses(step->spec);

	*name_out = domain;
	if ((uses & TF_SPF_USES_LOCAL) != 0 && !tf_str_is_ascii(env.local))
		return STEP_MISS;
	if ((uses & TF_SPF_USES_PTR) != 0 || step->kind == TF_SPF_PTR)
		return STEP_LATER;
	env.domain = domain;
	if (step->spec.len != 0 && !tf_spf_macro_name(step->spec, &env, buf, name_out))
		return buf->overflow                   ? STEP_LATER
		       : step->kind == TF_SPF_REDIRECT ? STEP_ERROR
						       : STEP_MISS;
	/* The target of a recursion must have two labels (RFC 7208 section 4.3). */
	return follows(step) && tf_domain_labels(*name_out) < 2 ? STEP_ERROR : STEP_ASKED;
}

/* Asks for a new step if it can be asked and the limits allow it. */
static void
start_step(struct tf_spf_plan *p, struct tf_str domain, struct step *step)
{
	char storage[EXPAND_ROOM];
	struct tf_buf buf;
	struct tf_str name;
	enum state state;

	tf_buf_init(&buf, storage, sizeof(storage));
	state = target_of(p, domain, step, &buf, &name);
	if (state == STEP_ASKED && (p->asked >= p->max_terms || !may_ask(p)))
		return;
	step->state = state;
	if (state != STEP_ASKED)
		return;
	p->asked++;
	if (step->kind == TF_SPF_A)
		tf_dns_start(p->dns, name, address_type(p));
	else if (step->kind == TF_SPF_EXISTS)
		tf_dns_start(p->dns, name, TF_TYPE_A);
	else
		step->ask = ask_then(p, name, step->kind == TF_SPF_MX ? TF_TYPE_MX : TF_TYPE_TXT);
}

/* The addresses of the MX hosts, when those are known. */
static void
start_hosts(struct walk *w, struct step *step)
{
	struct tf_spf_plan *p = w->plan;
	const struct tf_dns_answer *answer =
	    step->ask != NULL ? atomic_load(&step->ask->answer) : NULL;

	if (answer == NULL || step->hosts_asked || w->open)
		return;
	if (tf_dns_failed(answer->status) || answer->count > MX_MAX) {
		w->stop = true;
		return;
	}
	step->hosts_asked = true;
	for (size_t i = 0; i < answer->count; i++) {
		if (tf_domain_can_ask(answer->names[i]) && may_ask(p))
			tf_dns_start(p->dns, answer->names[i], address_type(p));
	}
}

static enum sure walk_record(struct walk *w, struct ask *ask);

/* One DNS term: asks for it. SURE_NOT: it does not match; SURE_PASS: it is an include or redirect
 * whose record gives pass. */
static enum sure
walk_step(struct walk *w, struct tf_str domain, struct step *step)
{
	if (step->state == STEP_NEW)
		start_step(w->plan, domain, step);
	if (step->state == STEP_MISS)
		return SURE_NOT;
	w->stop = w->stop || step->state == STEP_ERROR;
	if (step->kind == TF_SPF_MX)
		start_hosts(w, step);
	if (!follows(step) || w->stop)
		return MAYBE;
	if (step->ask != NULL)
		return walk_record(w, step->ask);
	w->open = true;
	return MAYBE;
}

/* What a record gives, from what its terms may give. */
static enum sure
conclude(bool may_pass, bool may_not)
{
	if (may_pass && may_not)
		return MAYBE;
	return may_pass ? SURE_PASS : SURE_NOT;
}

/* The terms of a record whose answer is there. */
static enum sure
walk_terms(struct walk *w, struct ask *ask)
{
	bool may_pass = false, may_not = false;

	for (size_t i = 0; i < ask->step_count; i++) {
		struct step *step = &ask->steps[i];
		bool last = step->kind == TF_SPF_REDIRECT;
		enum sure sure;

		w->stop = w->stop || ++w->terms > w->plan->max_terms;
		sure = w->stop ? MAYBE : walk_step(w, ask->domain, step);
		if (w->stop || (last && sure == MAYBE))
			return MAYBE;
		if (sure == SURE_NOT && !last)
			continue;
		/* A match gives the qualifier's result, a redirect that of its record. */
		if (last ? sure == SURE_PASS : step->code == TF_PASS)
			may_pass = true;
		else
			may_not = true;
		if (last || sure == SURE_PASS)
			return conclude(may_pass, may_not);
	}
	w->stop = w->stop || ask->cut;
	if (ask->has_sure && ask->sure == TF_PASS)
		may_pass = true;
	else
		may_not = true;
	return conclude(may_pass, may_not);
}

static enum sure
walk_record(struct walk *w, struct ask *ask)
{
	const struct tf_dns_answer *answer = atomic_load(&ask->answer);

	if (answer == NULL) {
		w->open = true;
		return MAYBE;
	}
	if (!ask->read)
		read_record(ask, answer);
	w->stop = w->stop || !ask->usable;
	return w->stop ? MAYBE : walk_terms(w, ask);
}

static void
arrived(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	struct ask *ask = arg;
	struct tf_spf_plan *p = ask->plan;
	size_t seen;

	(void)dns;
	(void)name;
	atomic_store(&ask->answer, answer);
	if (atomic_fetch_add(&p->arrivals, 1) != 0)
		return;
	do {
		struct walk w = { .plan = p };

		seen = atomic_load(&p->arrivals);
		if (!atomic_load(&p->stopped))
			walk_record(&w, &p->asks[0]);
	} while (!atomic_compare_exchange_strong(&p->arrivals, &seen, 0));
}

struct tf_spf_plan *
tf_spf_plan_start(struct tf_arena *a, struct tf_dns *dns, uint32_t share,
    const struct tf_spf_opts *opts, const struct tf_spf_macro_env *env)
{
	struct tf_spf_plan *p = tf_arena_alloc(a, sizeof(*p));

	p->dns = dns;
	p->env = env;
	p->max_terms = opts->max_dns_terms < AHEAD_MAX ? opts->max_dns_terms : AHEAD_MAX;
	p->reserve = tf_dns_budget(dns) - share;
	p->ask_room = (size_t)p->max_terms + 1;
	p->asks = tf_arena_array(a, p->ask_room, sizeof(*p->asks));
	p->step_room = (size_t)p->max_terms * STEPS_PER_TERM;
	p->steps = tf_arena_array(a, p->step_room, sizeof(*p->steps));
	atomic_init(&p->arrivals, 0);
	atomic_init(&p->stopped, false);
	ask_then(p, env->domain, TF_TYPE_TXT);
	return p;
}

void
tf_spf_plan_stop(struct tf_spf_plan *plan)
{
	atomic_store(&plan->stopped, true);
}
