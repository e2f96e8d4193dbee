/*
 * spf_plan.c - ask ahead for what an SPF evaluation will need
 *
 * Which questions. When a record or a list of hosts arrives, the tree is walked in the order of
 * evaluation with the answers that are there, as if each answer that is not were no match and no
 * error; what the walk comes upon is asked for at once. Whether an open term matches cannot be
 * known before its answer is there, so that a question may turn out to stand behind a match. But
 * none is asked that a serial evaluation would not ask if no open term matched or erred and no
 * limit were met; and none behind
 *   - a match that is known: all, ip4, ip6, an answer that is there, an include that must pass;
 *   - an error or a limit that is known to be met.
 * A target with %{p}, whose name is itself an answer, is left to the evaluation.
 *
 * How many. A record that has not arrived may hold terms that use up the limit before those behind
 * it have their turn. What is asked behind it counts as wasted, and goes out only as long as all of
 * that and the dearest tree that may still come are together no more than RFC 7208 section 4.6.4
 * allows one evaluation: the record, and eleven questions for each term.
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

#include "policy/spf_check.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define AHEAD_MAX 20
/* What the plan remembers for each term of the limit: DNS terms of all records together, and
 * questions with a follow-up. */
#define STEPS_PER_TERM 4
#define ASKS_PER_TERM 3
/* Room for the expansion of a domain-spec; a longer one is not asked ahead. */
#define EXPAND_ROOM 2048

/* A question whose answer leads to others: a record, or names of hosts. */
struct ask {
	struct tf_spf_plan *plan;
	_Atomic(const struct tf_dns_answer *) answer; /* NULL: not there yet */
	struct tf_str domain;                         /* set before the answer is; lives as it */
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
	STEP_ASKED, /* its question has been started */
	STEP_LATER, /* cannot be asked ahead */
	STEP_MISS,  /* has no name, and so does not match */
	STEP_ERROR  /* will be an error */
};

/* One DNS term. */
struct step {
	enum tf_spf_kind kind;
	enum tf_code code;
	struct tf_str spec;
	uint32_t bits; /* how much of an address must be the client's */
	enum state state;
	struct ask *ask;              /* include, redirect, mx, ptr */
	struct tf_question *question; /* a, exists */
	size_t hosts_seen;            /* mx, ptr: so many have been asked for, or need not be */
};

struct tf_spf_plan {
	struct tf_dns *dns;
	const struct tf_spf_macro_env *env;
	uint32_t max_terms, max_voids;
	uint32_t reserve; /* questions of the message that are not ours to take */
	struct ask *asks;
	struct step *steps;
	size_t ask_count, ask_room, step_count, step_room;
	uint32_t asked; /* questions, also those that had been asked already */
	atomic_size_t arrivals;
	atomic_bool stopped;
};

/* What is known of a term, or of a record as the target of an include. */
enum known { MAYBE, MATCH, NO_MATCH };

/* One walk over the tree. */
struct walk {
	struct tf_spf_plan *plan;
	uint32_t terms, voids;
	bool open; /* a record before this point has not arrived: more terms may come there */
	uint32_t unasked; /* questions that what stands before this point may yet lead to */
	bool stop;        /* the evaluation ends here, or nothing behind is known */
};

static void arrived(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg);

/* Whether one more question may go out at this point of the walk. */
static bool
may_ask(const struct walk *w)
{
	const struct tf_spf_plan *p = w->plan;

	return !atomic_load(&p->stopped) && p->ask_count < p->ask_room &&
	       tf_dns_budget_left(p->dns) > p->reserve &&
	       p->asked + w->unasked <= p->max_terms * TF_SPF_QUESTIONS_PER_TERM;
}

static struct tf_question *
ask_now(struct tf_spf_plan *p, struct tf_str name, enum tf_dns_type type)
{
	p->asked++;
	return tf_dns_start(p->dns, name, type);
}

/* A question with a follow-up; there must be room for it. */
static struct ask *
ask_then(struct tf_spf_plan *p, struct tf_str name, enum tf_dns_type type)
{
	struct ask *ask = &p->asks[p->ask_count++];

	ask->plan = p;
	p->asked++;
	tf_dns_start_then(p->dns, name, type, arrived, ask);
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
	p->steps[p->step_count++] = (struct step){ .kind = term->kind,
		.code = term->code,
		.spec = term->domain,
		.bits = term->kind == TF_SPF_PTR ? 128 : tf_spf_prefix(&p->env->client, term) };
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

static bool
has_hosts(const struct step *step)
{
	return step->kind == TF_SPF_MX || step->kind == TF_SPF_PTR;
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
	if ((uses & TF_SPF_USES_PTR) != 0)
		return STEP_LATER;
	env.domain = domain;
	if (step->spec.len != 0 && !tf_spf_macro_name(step->spec, &env, buf, name_out))
		return buf->overflow                   ? STEP_LATER
		       : step->kind == TF_SPF_REDIRECT ? STEP_ERROR
						       : STEP_MISS;
	/* The target of a recursion must have two labels (RFC 7208 section 4.3). */
	return follows(step) && tf_domain_labels(*name_out) < 2 ? STEP_ERROR : STEP_ASKED;
}

static struct ask *
ask_for_names(struct tf_spf_plan *p, const struct step *step, struct tf_str name)
{
	char storage[128];
	struct tf_buf buf;

	if (step->kind == TF_SPF_MX)
		return ask_then(p, name, TF_TYPE_MX);
	tf_buf_init(&buf, storage, sizeof(storage));
	return ask_then(p, tf_spf_reverse_name(p->env, &buf), TF_TYPE_PTR);
}

/* Asks for a new step if it can be asked and the limits allow it. */
static void
start_step(struct walk *w, struct tf_str domain, struct step *step)
{
	struct tf_spf_plan *p = w->plan;
	char storage[EXPAND_ROOM];
	struct tf_buf buf;
	struct tf_str name;
	enum state state;

	tf_buf_init(&buf, storage, sizeof(storage));
	state = target_of(p, domain, step, &buf, &name);
	if (state == STEP_ASKED && !may_ask(w))
		return;
	step->state = state;
	if (state != STEP_ASKED)
		return;
	if (step->kind == TF_SPF_A)
		step->question = ask_now(p, name, tf_spf_address_type(&p->env->client));
	else if (step->kind == TF_SPF_EXISTS)
		step->question = ask_now(p, name, TF_TYPE_A);
	else if (follows(step))
		step->ask = ask_then(p, name, TF_TYPE_TXT);
	else
		step->ask = ask_for_names(p, step, name);
}

/* Here questions are missing that the evaluation will ask before it can see what is behind. */
static void
note_unasked(struct walk *w, uint32_t questions)
{
	if (!w->open)
		w->unasked += questions;
}

/* Here a record is missing, which may hold all terms that the limit leaves. */
static enum known
note_open(struct walk *w)
{
	note_unasked(w, (w->plan->max_terms - w->terms) * TF_SPF_QUESTIONS_PER_TERM);
	w->open = true;
	return MAYBE;
}

/* An answer of which the evaluation wants records: an error or a void look-up too many ends it. */
static void
note_answer(struct walk *w, const struct tf_dns_answer *answer)
{
	if (tf_dns_failed(answer->status))
		w->stop = true;
	else if (answer->status != TF_DNS_NOERROR)
		w->stop = ++w->voids > w->plan->max_voids || w->stop;
}

/* What the answer to a or exists, or for one host, says of the match; NULL: not there yet. For ptr
 * neither errors nor void look-ups count. */
static enum known
judge(struct walk *w, const struct step *step, const struct tf_dns_answer *answer)
{
	bool match;

	if (answer == NULL)
		return MAYBE;
	if (step->kind != TF_SPF_PTR)
		note_answer(w, answer);
	match = step->kind == TF_SPF_EXISTS
		    ? answer->count != 0
		    : tf_spf_any_address(&w->plan->env->client, answer, step->bits);
	return match ? MATCH : NO_MATCH;
}

/* Asks for the addresses of a host, when its turn has come; judges them. */
static enum known
walk_host(struct walk *w, struct step *step, size_t i, struct tf_str name)
{
	struct tf_spf_plan *p = w->plan;
	enum tf_dns_type type = tf_spf_address_type(&p->env->client);

	if (i < step->hosts_seen)
		return judge(w, step, tf_dns_peek(p->dns, tf_dns_start(p->dns, name, type)));
	if (!may_ask(w))
		return MAYBE;
	step->hosts_seen = i + 1;
	return judge(w, step, tf_dns_peek(p->dns, ask_now(p, name, type)));
}

/* The hosts of mx, and of ptr those that are in the target, when their names are there. */
static enum known
walk_hosts(struct walk *w, struct tf_str domain, struct step *step)
{
	const struct tf_dns_answer *answer = atomic_load(&step->ask->answer);
	bool mx = step->kind == TF_SPF_MX;
	enum known sum = NO_MATCH, known;
	char storage[EXPAND_ROOM];
	struct tf_buf buf;
	struct tf_str target;

	if (answer == NULL) {
		note_unasked(w, TF_SPF_HOSTS_MAX);
		return MAYBE;
	}
	if (mx)
		note_answer(w, answer);
	w->stop = w->stop || (mx && answer->count > TF_SPF_HOSTS_MAX);
	tf_buf_init(&buf, storage, sizeof(storage));
	target_of(w->plan, domain, step, &buf, &target);
	for (size_t i = 0; !w->stop && i < answer->count && i < TF_SPF_HOSTS_MAX; i++) {
		struct tf_str name = answer->names[i];

		if (!tf_domain_can_ask(name) || !(mx || tf_domain_is_below_or_equal(name, target)))
			continue;
		known = walk_host(w, step, i, name);
		if (known == MATCH)
			return MATCH;
		if (known == MAYBE)
			sum = MAYBE;
	}
	return sum;
}

static enum known walk_record(struct walk *w, struct ask *ask);

/* One DNS term: asks for it, says what is known of it. */
static enum known
walk_step(struct walk *w, struct tf_str domain, struct step *step)
{
	if (step->state == STEP_NEW)
		start_step(w, domain, step);
	switch (step->state) {
	case STEP_NEW:
	case STEP_LATER:
		note_unasked(w, has_hosts(step) ? TF_SPF_QUESTIONS_PER_TERM : 1);
		return follows(step) ? note_open(w) : MAYBE;
	case STEP_MISS:
		return NO_MATCH;
	case STEP_ERROR:
		w->stop = true;
		return MAYBE;
	case STEP_ASKED:
		break;
	}
	if (follows(step))
		return walk_record(w, step->ask);
	if (has_hosts(step))
		return walk_hosts(w, domain, step);
	return judge(w, step, tf_dns_peek(w->plan->dns, step->question));
}

/* What a record gives, from what its terms may give. */
static enum known
conclude(bool may_pass, bool may_not)
{
	if (may_pass && may_not)
		return MAYBE;
	return may_pass ? MATCH : NO_MATCH;
}

/* The terms of a record whose answer is there. */
static enum known
walk_terms(struct walk *w, struct ask *ask)
{
	bool may_pass = false, may_not = false;

	for (size_t i = 0; i < ask->step_count; i++) {
		struct step *step = &ask->steps[i];
		bool last = step->kind == TF_SPF_REDIRECT;
		enum known known;

		w->stop = w->stop || ++w->terms > w->plan->max_terms;
		known = w->stop ? MAYBE : walk_step(w, ask->domain, step);
		if (w->stop || (last && known == MAYBE))
			return MAYBE;
		if (known == NO_MATCH && !last)
			continue;
		/* A match gives the qualifier's result, a redirect that of its record. */
		if (last ? known == MATCH : step->code == TF_PASS)
			may_pass = true;
		else
			may_not = true;
		if (last || known == MATCH)
			return conclude(may_pass, may_not);
	}
	w->stop = w->stop || ask->cut;
	if (ask->has_sure && ask->sure == TF_PASS)
		may_pass = true;
	else
		may_not = true;
	return conclude(may_pass, may_not);
}

static enum known
walk_record(struct walk *w, struct ask *ask)
{
	const struct tf_dns_answer *answer = atomic_load(&ask->answer);

	if (answer == NULL)
		return note_open(w);
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
	ask->domain = name;
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
	p->max_voids = opts->max_void_lookups;
	p->reserve = tf_dns_budget(dns) - share;
	p->ask_room = (size_t)p->max_terms * ASKS_PER_TERM + 1;
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
