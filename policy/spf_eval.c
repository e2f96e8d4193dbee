/*
 * spf_eval.c - check_host(): identity, records, include and redirect, explanation
 *
 * RFC 7208 sections 2.3, 2.4, 4, 5.2, 6 and 7; RFC 8616 section 4 for internationalised addresses.
 * The evaluation is serial and would give the same result if nothing had been asked ahead: terms
 * and void look-ups are counted when their turn comes.
 * Does not: know what single mechanisms ask (spf_term.c) or what is asked ahead (spf_plan.c).
 * Limits: every include and redirect is a counted term, which bounds depth and number of records;
 * an explanation is cut to EXPLANATION_MAX octets.
 */
#include "policy/mailbox.h"
#include "policy/rfc5322.h"
#include "policy/spf_check.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define EXPLANATION_MAX 500
#define QUOTE_MAX 60 /* of a term or name in a reason */

/* How an evaluation of check_host() ended. */
struct conclusion {
	enum tf_code code;
	struct tf_str mechanism;     /* as written; empty = default, or an error before any term */
	struct tf_str record_domain; /* whose record was in force */
	struct tf_str exp;           /* its explanation's domain-spec */
};

static struct conclusion check_host(struct tf_spf_check *c, struct tf_str domain, bool counted);

static enum tf_code
error_code(enum tf_spf_match m)
{
	return m == TF_SPF_TEMP ? TF_TEMPERROR : TF_PERMERROR;
}

/* Where in which record an error came up, and why. */
static void
note_place(struct tf_spf_check *c, struct tf_str domain, size_t octets_before, struct tf_str text,
    struct tf_str why)
{
	struct tf_str quoted = tf_spf_clean(c->arena, text, QUOTE_MAX);

	tf_note(c->notes, c->arena, c->kind, "record of %.*s: octet %zu, \"%.*s\": %.*s",
	    TF_PRI(domain), octets_before + 1, TF_PRI(quoted), TF_PRI(why));
	c->located = true;
}

/* A term that ended in an error. Its reason is said once, at the innermost of the terms. */
static void
note_error(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_record *rec,
    struct tf_str term, enum tf_spf_match m)
{
	size_t octets_before = (size_t)(term.ptr - rec->text.ptr);

	if (!c->located)
		note_place(c, domain, octets_before, term, c->reason);
	tf_note(c->notes, c->arena, c->kind, "%.*s: %.*s ends in %s", TF_PRI(domain), TF_PRI(term),
	    tf_code_name(error_code(m)));
}

/* A reason that quotes a name or term. */
static enum tf_spf_match
error_quoting(struct tf_spf_check *c, enum tf_spf_match what, const char *before,
    struct tf_str quoted, const char *after)
{
	struct tf_str text = tf_spf_clean(c->arena, quoted, QUOTE_MAX);

	return tf_spf_error(
	    c, what, tf_arena_printf(c->arena, "%s%.*s%s", before, TF_PRI(text), after));
}

/* A syntax error: the reason is short, the note says where. */
static enum tf_spf_match
syntax_error(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_record *rec)
{
	struct tf_str term = tf_spf_clean(c->arena, rec->err_term, QUOTE_MAX);
	struct tf_str where = tf_spf_clean(c->arena, domain, QUOTE_MAX);
	bool own = tf_str_eq(domain, c->env.domain);

	note_place(c, domain, rec->err_pos, rec->err_term, tf_str_from(rec->err));
	return tf_spf_error(c, TF_SPF_PERM,
	    tf_arena_printf(c->arena, "syntax error at %.*s%s%.*s: %s", TF_PRI(term),
		own ? "" : " in the record of ", TF_PRI(own ? TF_NONE_STR : where), rec->err));
}

static enum tf_spf_match
several_records(struct tf_spf_check *c, struct tf_str domain)
{
	tf_note(c->notes, c->arena, c->kind, "record of %.*s: there are several", TF_PRI(domain));
	c->located = true;
	return tf_str_eq(domain, c->env.domain)
		   ? tf_spf_error(c, TF_SPF_PERM, TF_STR("several SPF records"))
		   : error_quoting(c, TF_SPF_PERM, "several SPF records at ", domain, "");
}

/* The record of domain: HIT; MISS when there is none; or an error. RFC 7208 sections 4.3 to 4.6. */
static enum tf_spf_match
fetch_record(struct tf_spf_check *c, struct tf_str domain, bool counted, struct tf_spf_record *rec)
{
	const struct tf_dns_answer *answer;
	enum tf_spf_match m;
	struct tf_str txt;

	if (tf_domain_labels(domain) < 2)
		return TF_SPF_MISS;
	m = tf_spf_ask(c, domain, TF_TYPE_TXT, counted, &answer);
	if (m != TF_SPF_HIT)
		return m;
	switch (tf_spf_record_select(answer->txts, answer->count, &txt)) {
	case TF_SPF_FOUND_NONE:
		return TF_SPF_MISS;
	case TF_SPF_FOUND_SEVERAL:
		return several_records(c, domain);
	case TF_SPF_FOUND_ONE:
		break;
	}
	return tf_spf_record_parse(txt, rec) ? TF_SPF_HIT : syntax_error(c, domain, rec);
}

/* RFC 7208 section 5.2: only a pass in the included record matches; no record is an error. */
static enum tf_spf_match
match_include(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term)
{
	enum tf_spf_match m = tf_spf_count_term(c);
	struct conclusion inner;
	struct tf_str name;

	if (m != TF_SPF_HIT)
		return m;
	if (tf_spf_target(c, domain, term, &name) != TF_SPF_TARGET_NAME)
		return TF_SPF_MISS;
	inner = check_host(c, name, true);
	switch (inner.code) {
	case TF_PASS:
		return TF_SPF_HIT;
	case TF_FAIL:
	case TF_SOFTFAIL:
	case TF_NEUTRAL:
		tf_note(c->notes, c->arena, c->kind, "%.*s: %.*s does not match: %s there",
		    TF_PRI(domain), TF_PRI(term->text), tf_code_name(inner.code));
		return TF_SPF_MISS;
	case TF_TEMPERROR:
		return TF_SPF_TEMP;
	case TF_PERMERROR:
		return TF_SPF_PERM;
	case TF_NONE:
		return error_quoting(c, TF_SPF_PERM, "include of ", name, ": no SPF record");
	case TF_POLICY:
		break;
	}
	tf_panic("SPF result %d", (int)inner.code);
}

/* All terms in order, up to the first match or error; NEUTRAL and no mechanism when none matches.
 */
static enum tf_spf_match
walk_terms(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_record *rec,
    struct conclusion *out)
{
	struct tf_lex terms = tf_spf_record_terms(rec);
	enum tf_spf_match m = TF_SPF_MISS;
	struct tf_spf_term term;

	while (m == TF_SPF_MISS && tf_spf_record_next(&terms, &term)) {
		m = term.kind == TF_SPF_INCLUDE ? match_include(c, domain, &term)
						: tf_spf_term_match(c, domain, &term);
	}
	if (m == TF_SPF_MISS)
		return m;
	out->mechanism = term.text;
	out->code = m == TF_SPF_HIT ? term.code : error_code(m);
	if (m != TF_SPF_HIT) {
		note_error(c, domain, rec, term.text, m);
		return m;
	}
	tf_note(c->notes, c->arena, c->kind, "%.*s: %.*s matches: %s%s", TF_PRI(domain),
	    TF_PRI(term.text), tf_code_name(out->code),
	    term.kind == TF_SPF_ALL && out->code == TF_PASS ? ", as for every client" : "");
	return m;
}

/* The record that a redirect leads to: HIT; MISS when the redirect does not apply; or an error. */
static enum tf_spf_match
fetch_redirected(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *redirect,
    struct tf_str *target_out, struct tf_spf_record *rec)
{
	enum tf_spf_match m = tf_spf_count_term(c);

	if (m != TF_SPF_HIT)
		return m;
	switch (tf_spf_target(c, domain, redirect, target_out)) {
	case TF_SPF_TARGET_NAME:
		break;
	case TF_SPF_TARGET_LOCAL_PART:
		return TF_SPF_MISS;
	case TF_SPF_TARGET_UNUSABLE:
		return error_quoting(c, TF_SPF_PERM, "bad target of ", redirect->text, "");
	}
	m = fetch_record(c, *target_out, true, rec);
	return m != TF_SPF_MISS
		   ? m
		   : error_quoting(c, TF_SPF_PERM, "redirect to ", *target_out, ": no SPF record");
}

/* RFC 7208 section 6.1: HIT with another domain and its record in place of the present ones; MISS
 * when there is nothing to go on with. */
static enum tf_spf_match
follow_redirect(struct tf_spf_check *c, struct tf_str *domain, struct tf_spf_record *rec)
{
	const struct tf_spf_record from = *rec;
	struct tf_str target;
	enum tf_spf_match m;

	if (from.redirect.domain.len == 0)
		return TF_SPF_MISS;
	m = fetch_redirected(c, *domain, &from.redirect, &target, rec);
	if (m == TF_SPF_TEMP || m == TF_SPF_PERM)
		note_error(c, *domain, &from, from.redirect.text, m);
	if (m != TF_SPF_HIT)
		return m;
	tf_note(c->notes, c->arena, c->kind, "%.*s: %.*s is followed", TF_PRI(*domain),
	    TF_PRI(from.redirect.text));
	*domain = target;
	return TF_SPF_HIT;
}

/*
 * check_host() of RFC 7208 section 4. counted: a void look-up for the record counts, because a term
 * led here. A redirect goes round the loop: its record takes the place of the one that has it.
 */
static struct conclusion
check_host(struct tf_spf_check *c, struct tf_str domain, bool counted)
{
	struct conclusion out = { .code = TF_NONE };
	struct tf_spf_record rec;
	enum tf_spf_match m = fetch_record(c, domain, counted, &rec);

	if (m == TF_SPF_MISS)
		return out;
	while (m == TF_SPF_HIT) {
		out = (struct conclusion){ TF_NEUTRAL, TF_NONE_STR, domain, rec.exp.domain };
		if (walk_terms(c, domain, &rec, &out) != TF_SPF_MISS)
			return out;
		m = follow_redirect(c, &domain, &rec);
	}
	if (m == TF_SPF_MISS)
		tf_note(
		    c->notes, c->arena, c->kind, "%.*s: no term matches: neutral", TF_PRI(domain));
	else
		out.code = error_code(m);
	return out;
}

/* Published text, expanded; false when there is none that can be used (RFC 7208 section 6.2). */
static bool
fetch_explanation(struct tf_spf_check *c, const struct conclusion *con, struct tf_buf *text)
{
	const struct tf_spf_term exp = { .text = TF_STR("exp"), .domain = con->exp };
	const struct tf_dns_answer *answer;
	struct tf_spf_macro_env env = c->env;
	unsigned uses;
	struct tf_str name;

	if (tf_spf_target(c, con->record_domain, &exp, &name) != TF_SPF_TARGET_NAME)
		return false;
	answer = tf_dns_ask(c->dns, name, TF_TYPE_TXT);
	if (answer->status != TF_DNS_NOERROR || answer->count != 1)
		return false;
	uses = tf_spf_macro_uses(answer->txts[0]);
	env.domain = con->record_domain;
	if ((uses & TF_SPF_USES_PTR) != 0)
		env.validated = tf_spf_validated_name(c, env.domain);
	return tf_spf_macro_text(answer->txts[0], &env, text);
}

static struct tf_str
explanation(struct tf_spf_check *c, const struct conclusion *con)
{
	struct tf_buf text;

	if (con->code != TF_FAIL || !c->opts->fetch_explanation || con->exp.len == 0)
		return TF_NONE_STR;
	tf_buf_init_arena(&text, c->arena, TF_SPF_EXPAND_MAX);
	if (!fetch_explanation(c, con, &text)) {
		tf_note(c->notes, c->arena, c->kind, "%.*s: exp=%.*s gives no usable explanation",
		    TF_PRI(con->record_domain), TF_PRI(con->exp));
		return TF_NONE_STR;
	}
	return tf_spf_clean(c->arena, tf_buf_get(&text), EXPLANATION_MAX);
}

/* The domain of HELO: ASCII, two labels or more, no address (RFC 7208 sections 2.3 and 4.3). */
static void
set_helo_identity(struct tf_spf_check *c, const struct tf_identity *id)
{
	struct tf_addr addr;
	struct tf_str domain;

	c->helo_identity = true;
	c->env.local = TF_STR("postmaster");
	if (tf_str_is_ascii(id->helo) && !tf_addr_parse(id->helo, &addr) &&
	    tf_domain_normalise(id->helo, c->arena, &domain) && tf_domain_labels(domain) > 1)
		c->env.domain = domain;
}

/* A local part without its quotes: "a\b"@d and ab@d are one mailbox (RFC 5321 section 4.1.2). */
static struct tf_str
unquoted(struct tf_arena *a, struct tf_str local)
{
	struct tf_buf out;

	if (local.len < 2 || local.ptr[0] != '"' || local.ptr[local.len - 1] != '"')
		return local;
	tf_buf_init_arena(&out, a, local.len);
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.ptr[i] == '"')
			return local; /* several quoted words */
		if (local.ptr[i] == '\\')
			i++;
		tf_buf_byte(&out, local.ptr[i]);
	}
	return tf_buf_get(&out);
}

static bool
is_loose_byte(char c)
{
	return c == ' ' || c == '.' || tf_is_atext(c);
}

/*
 * What MTAs let through though it is no mailbox, and RFC 7208 section 4.3 and its test suite want
 * evaluated: no local part at all, and blanks in it without quotes.
 */
static bool
split_loose(struct tf_str path, struct tf_str *local_out, struct tf_str *domain_out)
{
	struct tf_lex lx = tf_lex_init(path);

	*local_out = tf_lex_while(&lx, is_loose_byte);
	tf_lex_byte(&lx, '@');
	*domain_out = tf_lex_rest(&lx);
	return lx.err == NULL;
}

/* The domain of MAIL FROM; without a local part, postmaster (RFC 7208 section 4.3). */
static void
set_mailfrom_identity(struct tf_spf_check *c, const struct tf_identity *id)
{
	struct tf_str local, domain;
	struct tf_addr addr;

	if (!tf_mailbox_path(id->mail_from, &local, &domain) &&
	    !split_loose(id->mail_from, &local, &domain))
		return;
	if (tf_addr_parse(domain, &addr) || !tf_domain_normalise(domain, c->arena, &domain) ||
	    tf_domain_labels(domain) < 2)
		return;
	local = unquoted(c->arena, local);
	c->env.local = local.len != 0 ? local : TF_STR("postmaster");
	c->env.domain = domain;
}

/*
 * What may be asked ahead, before the header has named keys and policies. The sender writes the
 * records of both identities: two thirds of the questions stay for what decides about the author,
 * and most of the rest for MAIL FROM, which DMARC may align, while HELO is for the log.
 */
static uint32_t
share_of(struct tf_dns *dns, enum tf_spf_identity which)
{
	return tf_dns_budget(dns) / (which == TF_SPF_HELO ? 10 : TF_SPF_SHARE);
}

struct tf_spf_check *
tf_spf_start(struct tf_arena *a, struct tf_dns *dns, const struct tf_spf_opts *opts,
    const struct tf_identity *id, enum tf_spf_identity which)
{
	struct tf_spf_check *c = tf_arena_alloc(a, sizeof(*c));
	struct tf_buf sender;

	c->arena = a;
	c->dns = dns;
	c->opts = opts;
	c->kind = which == TF_SPF_HELO ? TF_CHECK_HELO : TF_CHECK_SPF;
	c->env.helo = id->helo;
	c->env.receiver = id->receiver;
	c->env.client = id->client;
	c->env.now = id->now;
	if (which == TF_SPF_HELO || id->mail_from.len == 0)
		set_helo_identity(c, id);
	else
		set_mailfrom_identity(c, id);
	if (id->client.family == TF_FAMILY_NONE || c->env.domain.len == 0)
		return c;
	tf_buf_init_arena(&sender, a, c->env.local.len + 1 + c->env.domain.len);
	tf_buf_str(&sender, c->env.local);
	tf_buf_byte(&sender, '@');
	tf_buf_str(&sender, c->env.domain);
	c->env.sender = tf_buf_get(&sender);
	c->env.sender_domain = c->env.domain;
	c->plan = tf_spf_plan_start(a, dns, share_of(dns, which), opts, &c->env);
	return c;
}

static void
note_result(const struct tf_spf_check *c, const struct tf_spf *spf)
{
	const char *identity = c->helo_identity ? "HELO" : "MAIL FROM";
	struct tf_str why = spf->code == TF_NONE ? TF_STR("no SPF record") : spf->reason;

	if (c->plan == NULL) {
		tf_note(c->notes, c->arena, c->kind, "%s: none: %s", identity,
		    spf->domain.len == 0 ? "no domain name of two labels or more"
					 : "the client's address is not known");
		return;
	}
	tf_note(c->notes, c->arena, c->kind,
	    "%s %.*s: %s%s%.*s (DNS terms %u of %u, void look-ups %u of %u)", identity,
	    TF_PRI(spf->domain), tf_code_name(spf->code), why.len != 0 ? ": " : "", TF_PRI(why),
	    spf->terms, c->opts->max_dns_terms, spf->voids, c->opts->max_void_lookups);
}

void
tf_spf_eval(struct tf_spf_check *c, struct tf_notes *notes, struct tf_spf *spf_out)
{
	struct conclusion con;

	*spf_out = (struct tf_spf){
		.code = TF_NONE,
		.checked = c->plan != NULL,
		.helo_identity = c->helo_identity,
		.domain = c->env.domain,
	};
	c->notes = notes;
	if (c->plan != NULL) {
		con = check_host(c, c->env.domain, false);
		tf_spf_plan_stop(c->plan);
		spf_out->code = con.code;
		/* Answers end before the message's arena does. */
		spf_out->mechanism = tf_arena_dup(c->arena, con.mechanism);
		spf_out->record_domain = con.record_domain;
		spf_out->explanation = explanation(c, &con);
		spf_out->reason = c->reason;
		spf_out->terms = c->terms;
		spf_out->voids = c->voids;
	}
	note_result(c, spf_out);
}
