/*
 * test_spf_plan_zones.c - generated zones: asking ahead changes no result and asks nothing strange
 *
 * The zones come from a generator with a fixed start, so every run sees the same ones. Zone N lies
 * below wN.example; the record that is checked is at d0 of it.
 */
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "tests/unit/spf_fixture.h"

#define ZONES 250
#define DOMAINS 7
#define HOSTS 8

static const struct tf_dns_opts dns_opts = { 600 };

static uint32_t
random_below(uint32_t *state, uint32_t n)
{
	*state ^= *state << 13; /* xorshift32 */
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return (uint32_t)(((uint64_t)*state * n) >> 32);
}

/* A mechanism; D stands for a domain with a record, H for a host. */
static void
write_mechanism(uint32_t *state, unsigned int zone, struct tf_buf *out)
{
	static const char *const kinds[] = { "include:D", "include:D", "include:D", "include:D",
		"a:H", "a:H", "mx:H", "mx:H", "exists:H", "a", "mx", "ptr", "a:%{p}.H",
		"exists:%{i}.H", "ip4:203.0.113.0/24", "ip4:192.0.2.0/24" };
	static const char qualifiers[] = "++++-~?";
	const char *kind = kinds[random_below(state, TF_ARRAY_LEN(kinds))];

	tf_buf_printf(out, " %c", qualifiers[random_below(state, sizeof(qualifiers) - 1)]);
	for (; *kind != '\0'; kind++) {
		if (*kind == 'D')
			tf_buf_printf(out, "d%u.w%u.example",
			    (unsigned int)random_below(state, DOMAINS + 1), zone);
		else if (*kind == 'H')
			tf_buf_printf(
			    out, "h%u.w%u.example", (unsigned int)random_below(state, HOSTS), zone);
		else
			tf_buf_byte(out, *kind);
	}
}

static void
write_spf(uint32_t *state, unsigned int zone, struct tf_buf *out)
{
	static const char *const ends[] = { " -all", " ?all", " ~all", " moo", "", "", "" };
	uint32_t terms = random_below(state, 5);

	tf_buf_lit(out, "v=spf1");
	for (uint32_t i = 0; i < terms; i++)
		write_mechanism(state, zone, out);
	if (random_below(state, 4) == 0)
		tf_buf_printf(out, " redirect=d%u.w%u.example",
		    (unsigned int)random_below(state, DOMAINS), zone);
	tf_buf_lit(out, ends[random_below(state, random_below(state, 8) == 0 ? 4 : 3)]);
}

/* Hosts: the first has the client's address, the last one none. */
static void
write_host(uint32_t *state, unsigned int zone, unsigned int host, struct tf_buf *out)
{
	uint32_t exchanges = random_below(state, 4);

	if (host < HOSTS - 1)
		tf_buf_printf(
		    out, "h%u.w%u.example. A %s\n", host, zone, host == 0 ? IP4 : "198.51.100.1");
	for (uint32_t i = 0; i < exchanges; i++)
		tf_buf_printf(out, "h%u.w%u.example. MX %u h%u.w%u.example.\n", host, zone,
		    (unsigned int)i, (unsigned int)random_below(state, HOSTS), zone);
}

static void
write_zone(uint32_t *state, unsigned int zone, struct tf_buf *out)
{
	for (unsigned int i = 0; i < DOMAINS; i++) {
		tf_buf_printf(out, "d%u.w%u.example. TXT \"", i, zone);
		write_spf(state, zone, out);
		tf_buf_lit(out, "\"\n");
		if (random_below(state, 2) == 0)
			tf_buf_printf(out, "d%u.w%u.example. A 198.51.100.1\n", i, zone);
	}
	for (unsigned int i = 0; i < HOSTS; i++)
		write_host(state, zone, i, out);
}

/*
 * What a serial evaluation may ask when neither a term that asks matches, nor one errs, nor a limit
 * is met: everything that can be reached. Only all, ip4 and ip6 end a record. Asks it.
 */
static void ask_all(struct tf_dns *dns, struct tf_arena *a, const struct tf_spf_macro_env *env);

static void
ask_hosts(struct tf_dns *dns, struct tf_str name, enum tf_dns_type type)
{
	const struct tf_dns_answer *answer = tf_dns_ask(dns, name, type);

	for (size_t i = 0; i < answer->count; i++)
		tf_dns_start(dns, answer->names[i], TF_TYPE_A);
}

static void
ask_term(struct tf_dns *dns, struct tf_arena *a, const struct tf_spf_macro_env *env,
    const struct tf_spf_term *term)
{
	struct tf_spf_macro_env inner = *env;
	struct tf_str name = env->domain;
	struct tf_buf buf;

	tf_buf_init_arena(&buf, a, TF_SPF_EXPAND_MAX);
	if (term->domain.len != 0 && !tf_spf_macro_name(term->domain, env, &buf, &name))
		return;
	if (term->kind == TF_SPF_INCLUDE || term->kind == TF_SPF_REDIRECT) {
		inner.domain = name;
		ask_all(dns, a, &inner);
	} else if (term->kind == TF_SPF_MX) {
		ask_hosts(dns, name, TF_TYPE_MX);
	} else if (term->kind == TF_SPF_PTR) {
		ask_hosts(dns, TF_STR("3.2.0.192.in-addr.arpa"), TF_TYPE_PTR);
	} else {
		tf_dns_start(dns, name, TF_TYPE_A);
	}
}

static void
ask_all(struct tf_dns *dns, struct tf_arena *a, const struct tf_spf_macro_env *env)
{
	uint32_t before = tf_dns_asked(dns);
	const struct tf_dns_answer *answer = tf_dns_ask(dns, env->domain, TF_TYPE_TXT);
	struct tf_spf_record rec;
	struct tf_spf_term term;
	struct tf_lex terms;
	struct tf_str txt;

	if (tf_dns_asked(dns) == before || /* been there */
	    tf_spf_record_select(answer->txts, answer->count, &txt) != TF_SPF_FOUND_ONE ||
	    !tf_spf_record_parse(txt, &rec))
		return;
	terms = tf_spf_record_terms(&rec);
	while (tf_spf_record_next(&terms, &term)) {
		if (term.kind == TF_SPF_ALL ||
		    (term.kind == TF_SPF_IP4 &&
			tf_addr_in(&env->client, &term.net.addr, term.net.bits)))
			return;
		if (tf_spf_term_asks(&term) && term.kind != TF_SPF_REDIRECT)
			ask_term(dns, a, env, &term);
	}
	if (rec.redirect.domain.len != 0)
		ask_term(dns, a, env, &rec.redirect);
}

enum mode {
	SERIAL, /* nothing is asked ahead */
	BESIDE, /* the plan works while the evaluation does */
	AHEAD   /* the plan is done before it */
};

/* One evaluation. */
struct run {
	struct tf_spf spf;
	struct tf_str notes;
	const struct tf_dns_trace *trace;
	size_t from, count; /* of the trace: what was asked for the check */
	size_t ahead;       /* end of what was asked before the evaluation */
};

static struct run
run_check(struct tf_arena *a, struct tf_resolver *r, const struct tf_identity *id, enum mode mode)
{
	struct tf_dns *dns = tf_dns_begin(r, &dns_opts);
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_spf_check *c;
	struct run run = { .from = 0 };
	struct tf_buf text;
	uint32_t ms;

	if (mode == SERIAL)
		use_up_share(a, dns, TF_SPF_MAILFROM);
	run.from = tf_dns_asked(dns);
	c = tf_spf_start(a, dns, &spf_opts, id, TF_SPF_MAILFROM);
	if (mode == AHEAD)
		settle(r);
	run.ahead = tf_dns_asked(dns);
	tf_spf_eval(c, &notes, &run.spf);
	tf_dns_trace(dns, a, &run.trace, &run.count, &ms);
	tf_dns_end(dns);
	tf_buf_init_arena(&text, a, 65536);
	for (const struct tf_note *n = notes.first; n != NULL; n = n->next)
		tf_buf_printf(&text, "%.*s\n", TF_PRI(n->text));
	run.notes = tf_buf_get(&text);
	return run;
}

static bool
has_question(
    const struct tf_dns_trace *trace, size_t from, size_t count, const struct tf_dns_trace *one)
{
	for (size_t i = from; i < count; i++) {
		if (trace[i].type == one->type && tf_str_eq(trace[i].name, one->name))
			return true;
	}
	return false;
}

/* All questions that were asked ahead are among those of ask_all. */
static void
check_questions(
    struct tf_arena *a, struct tf_resolver *r, const struct tf_identity *id, const struct run *run)
{
	static const struct tf_dns_opts no_limit = { 100000 };
	struct tf_dns *dns = tf_dns_begin(r, &no_limit);
	struct tf_spf_macro_env env = { .client = id->client, .domain = run->spf.domain };
	const struct tf_dns_trace *all;
	size_t count;
	uint32_t ms;

	ask_all(dns, a, &env);
	tf_dns_trace(dns, a, &all, &count, &ms);
	for (size_t i = run->from; i < run->ahead; i++) {
		if (!has_question(all, 0, count, &run->trace[i]))
			fail_msg("%.*s: %.*s is asked for", TF_PRI(run->spf.domain),
			    TF_PRI(run->trace[i].name));
	}
	tf_dns_end(dns);
}

static void
check_same(const char *what, const struct run *got, const struct run *want)
{
	assert_num(what, got->spf.code, want->spf.code);
	assert_num(what, got->spf.terms, want->spf.terms);
	assert_num(what, got->spf.voids, want->spf.voids);
	assert_str(what, got->spf.mechanism, want->spf.mechanism);
	assert_str(what, got->spf.record_domain, want->spf.record_domain);
	assert_str(what, got->spf.reason, want->spf.reason);
	assert_str(what, got->notes, want->notes);
	for (size_t i = want->from; i < want->count; i++) {
		if (!has_question(got->trace, got->from, got->count, &want->trace[i]))
			fail_msg("%s: %.*s is not asked for", what, TF_PRI(want->trace[i].name));
	}
}

static void
check_zone(
    struct tf_arena *a, struct tf_resolver *r, struct tf_resolver *keeping, unsigned int zone)
{
	const char *what = tf_arena_printf(a, "zone %u", zone).ptr;
	struct tf_identity id =
	    identity(IP4, HELO, tf_arena_printf(a, "u@d0.w%u.example", zone).ptr);
	struct run serial = run_check(a, r, &id, SERIAL);
	struct run beside = run_check(a, r, &id, BESIDE), ahead = run_check(a, r, &id, AHEAD);
	struct run first = run_check(a, keeping, &id, BESIDE);
	struct run at_hand = run_check(a, keeping, &id, BESIDE);

	check_same(what, &beside, &serial);
	check_same(what, &ahead, &serial);
	check_same(what, &first, &serial);
	check_same(what, &at_hand, &serial);
	check_questions(a, r, &id, &ahead);
	check_questions(a, r, &id, &at_hand);
}

static void
test_zones(void **state)
{
	uint32_t random = 7208;
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r, *keeping;
	struct tf_buf text;

	(void)state;
	tf_buf_init_arena(&text, a, (size_t)1 << 20);
	tf_buf_lit(&text, "3.2.0.192.in-addr.arpa. PTR h0.w0.example.\n");
	for (unsigned int i = 0; i < ZONES; i++)
		write_zone(&random, i, &text);
	r = resolver_of(tf_buf_get(&text));
	keeping = resolver_keeping(tf_buf_get(&text), true);
	for (unsigned int i = 0; i < ZONES; i++)
		check_zone(a, r, keeping, i);
	tf_resolver_release(keeping);
	tf_resolver_release(r);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
