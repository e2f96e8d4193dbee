/*
 * spf_term.c - match one mechanism of SPF against the client, and count what that costs
 *
 * RFC 7208 sections 4.6.4 and 5. Void look-ups are counted for a, mx (the MX question and the
 * address questions behind it), exists and the targets of include and redirect; not for ptr and
 * %{p}, which depend on the client's zone, nor for explanations.
 * Does not: follow include and redirect (spf_eval.c).
 * Limits: 10 MX hosts (one more is permerror), 10 PTR names (the rest is not looked at).
 */
#include "policy/spf_check.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

struct tf_str
tf_spf_clean(struct tf_arena *a, struct tf_str s, size_t max)
{
	static const struct tf_str more = TF_LIT("...");
	bool cut = s.len > max;
	struct tf_buf out;

	tf_buf_init_arena(&out, a, max + more.len);
	for (size_t i = 0; i < s.len && i < max; i++)
		tf_buf_byte(&out, s.ptr[i] >= 0x20 && s.ptr[i] <= 0x7e ? s.ptr[i] : '?');
	if (cut) {
		out.len -= more.len < out.len ? more.len : out.len;
		tf_buf_str(&out, more);
	}
	return tf_buf_get(&out);
}

enum tf_spf_match
tf_spf_error(struct tf_spf_check *c, enum tf_spf_match what, struct tf_str reason)
{
	c->reason = reason;
	return what;
}

enum tf_spf_match
tf_spf_count_term(struct tf_spf_check *c)
{
	if (c->terms >= c->opts->max_dns_terms)
		return tf_spf_error(c, TF_SPF_PERM, TF_STR("too many DNS look-ups"));
	c->terms++;
	return TF_SPF_HIT;
}

static const char *
failure_text(enum tf_dns_status status)
{
	switch (status) {
	case TF_DNS_TIMEOUT:
		return "DNS time-out";
	case TF_DNS_SERVFAIL:
		return "DNS server failure";
	case TF_DNS_REFUSED:
		return "DNS question refused";
	case TF_DNS_BOGUS:
		return "DNSSEC validation failed";
	case TF_DNS_MALFORMED:
		return "malformed DNS answer";
	case TF_DNS_NOERROR:
	case TF_DNS_NODATA:
	case TF_DNS_NXDOMAIN:
		break;
	}
	tf_panic("status %d is no failure", (int)status);
}

enum tf_spf_match
tf_spf_ask(struct tf_spf_check *c, struct tf_str name, enum tf_dns_type type, bool count_void,
    const struct tf_dns_answer **answer_out)
{
	const struct tf_dns_answer *answer = tf_dns_ask(c->dns, name, type);
	const char *why;

	*answer_out = answer;
	if (answer->status == TF_DNS_NOERROR)
		return TF_SPF_HIT;
	if (tf_dns_failed(answer->status)) {
		why = tf_dns_over_budget(c->dns) ? "too many DNS questions"
						 : failure_text(answer->status);
		tf_note(c->notes, c->arena, c->kind, "%s %.*s: %s", tf_dns_type_name(type),
		    TF_PRI(name), why);
		return tf_spf_error(c, TF_SPF_TEMP, tf_str_from(why));
	}
	if (!count_void)
		return TF_SPF_MISS;
	c->voids++;
	tf_note(c->notes, c->arena, c->kind, "%s %.*s: nothing there, void look-up %u",
	    tf_dns_type_name(type), TF_PRI(name), c->voids);
	if (c->voids > c->opts->max_void_lookups)
		return tf_spf_error(c, TF_SPF_PERM, TF_STR("too many void look-ups"));
	return TF_SPF_MISS;
}

enum tf_dns_type
tf_spf_address_type(const struct tf_addr *client)
{
	return client->family == TF_FAMILY_V6 ? TF_TYPE_AAAA : TF_TYPE_A;
}

uint32_t
tf_spf_prefix(const struct tf_addr *client, const struct tf_spf_term *term)
{
	return client->family == TF_FAMILY_V6 ? term->bits6 : term->bits4;
}

bool
tf_spf_any_address(const struct tf_addr *client, const struct tf_dns_answer *answer, uint32_t bits)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (tf_addr_in(client, &answer->addrs[i], bits))
			return true;
	}
	return false;
}

struct tf_str
tf_spf_reverse_name(const struct tf_spf_macro_env *env, struct tf_buf *buf)
{
	struct tf_str name;

	if (!tf_spf_macro_name(TF_STR("%{ir}.%{v}.arpa"), env, buf, &name))
		tf_panic("no reverse name");
	return name;
}

static enum tf_dns_type
address_type(const struct tf_spf_check *c)
{
	return tf_spf_address_type(&c->env.client);
}

static enum tf_spf_match
match_a(struct tf_spf_check *c, struct tf_str name, const struct tf_spf_term *term)
{
	const struct tf_dns_answer *answer;
	enum tf_spf_match m = tf_spf_ask(c, name, address_type(c), true, &answer);

	if (m != TF_SPF_HIT)
		return m;
	return tf_spf_any_address(&c->env.client, answer, tf_spf_prefix(&c->env.client, term))
		   ? TF_SPF_HIT
		   : TF_SPF_MISS;
}

/* No MX means no match, never the A records of the name (RFC 7208 section 5.4). */
static enum tf_spf_match
match_mx(struct tf_spf_check *c, struct tf_str name, const struct tf_spf_term *term)
{
	const struct tf_dns_answer *answer;
	enum tf_spf_match m = tf_spf_ask(c, name, TF_TYPE_MX, true, &answer);

	if (m != TF_SPF_HIT)
		return m;
	if (answer->count > TF_SPF_HOSTS_MAX) {
		tf_note(c->notes, c->arena, c->kind, "MX %.*s: %zu hosts, %d are allowed",
		    TF_PRI(name), answer->count, TF_SPF_HOSTS_MAX);
		return tf_spf_error(c, TF_SPF_PERM, TF_STR("too many MX hosts"));
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (tf_domain_can_ask(answer->names[i]))
			tf_dns_start(c->dns, answer->names[i], address_type(c));
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (!tf_domain_can_ask(answer->names[i]))
			continue; /* the null MX of RFC 7505 */
		m = match_a(c, answer->names[i], term);
		if (m != TF_SPF_MISS)
			return m;
	}
	return TF_SPF_MISS;
}

/* An A record, whatever the family of the client. */
static enum tf_spf_match
match_exists(struct tf_spf_check *c, struct tf_str name)
{
	const struct tf_dns_answer *answer;

	return tf_spf_ask(c, name, TF_TYPE_A, true, &answer);
}

/* The first names that the client's address has in the reverse zone; none on any failure. */
static size_t
reverse_names(struct tf_spf_check *c, const struct tf_str **names_out)
{
	const struct tf_dns_answer *answer;
	struct tf_buf buf;

	tf_buf_init_arena(&buf, c->arena, TF_SPF_EXPAND_MAX);
	answer = tf_dns_ask(c->dns, tf_spf_reverse_name(&c->env, &buf), TF_TYPE_PTR);
	*names_out = answer->names;
	return answer->count < TF_SPF_HOSTS_MAX ? answer->count : TF_SPF_HOSTS_MAX;
}

/* Whether the name leads back to the client (RFC 7208 section 5.5); false on any failure. */
static bool
is_validated(struct tf_spf_check *c, struct tf_str name)
{
	const struct tf_dns_answer *answer;

	if (!tf_domain_can_ask(name))
		return false;
	answer = tf_dns_ask(c->dns, name, address_type(c));
	return tf_spf_any_address(&c->env.client, answer, 128);
}

static enum tf_spf_match
match_ptr(struct tf_spf_check *c, struct tf_str target)
{
	const struct tf_str *names;
	size_t count = reverse_names(c, &names);

	for (size_t i = 0; i < count; i++) {
		if (tf_domain_is_below_or_equal(names[i], target))
			tf_dns_start(c->dns, names[i], address_type(c));
	}
	for (size_t i = 0; i < count; i++) {
		if (tf_domain_is_below_or_equal(names[i], target) && is_validated(c, names[i]))
			return TF_SPF_HIT;
	}
	return TF_SPF_MISS;
}

/* How much %{p} wants a name: 0 = the domain itself, 1 = below it, 2 = any. */
static int
rank(struct tf_str name, struct tf_str domain)
{
	if (tf_str_eq(name, domain))
		return 0;
	return tf_domain_is_below_or_equal(name, domain) ? 1 : 2;
}

struct tf_str
tf_spf_validated_name(struct tf_spf_check *c, struct tf_str domain)
{
	const struct tf_str *names;
	size_t count = reverse_names(c, &names);

	for (size_t i = 0; i < count; i++)
		tf_dns_start(c->dns, names[i], address_type(c));
	for (int wanted = 0; wanted <= 2; wanted++) {
		for (size_t i = 0; i < count; i++) {
			if (rank(names[i], domain) == wanted && is_validated(c, names[i]))
				return names[i];
		}
	}
	return TF_NONE_STR;
}

static enum tf_spf_target
no_target(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term,
    enum tf_spf_target which)
{
	tf_note(c->notes, c->arena, c->kind, "%.*s: %.*s %s", TF_PRI(domain), TF_PRI(term->text),
	    which == TF_SPF_TARGET_LOCAL_PART ? "is passed over: the local part is not ASCII"
					      : "gives no name that can be asked");
	return which;
}

enum tf_spf_target
tf_spf_target(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term,
    struct tf_str *name_out)
{
	struct tf_spf_macro_env env = c->env;
	unsigned uses = tf_spf_macro_uses(term->domain);
	struct tf_buf buf;

	*name_out = domain;
	if (term->domain.len == 0)
		return TF_SPF_TARGET_NAME;
	if ((uses & TF_SPF_USES_LOCAL) != 0 && !tf_str_is_ascii(env.local))
		return no_target(c, domain, term, TF_SPF_TARGET_LOCAL_PART);
	env.domain = domain;
	if ((uses & TF_SPF_USES_PTR) != 0)
		env.validated = tf_spf_validated_name(c, domain);
	tf_buf_init_arena(&buf, c->arena, TF_SPF_EXPAND_MAX);
	if (!tf_spf_macro_name(term->domain, &env, &buf, name_out))
		return no_target(c, domain, term, TF_SPF_TARGET_UNUSABLE);
	return TF_SPF_TARGET_NAME;
}

/* The mechanisms that ask, include aside. */
static enum tf_spf_match
match_asking(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term)
{
	enum tf_spf_match m = tf_spf_count_term(c);
	struct tf_str name;

	if (m != TF_SPF_HIT)
		return m;
	if (tf_spf_target(c, domain, term, &name) != TF_SPF_TARGET_NAME)
		return TF_SPF_MISS;
	if (term->kind == TF_SPF_A)
		return match_a(c, name, term);
	if (term->kind == TF_SPF_MX)
		return match_mx(c, name, term);
	if (term->kind == TF_SPF_PTR)
		return match_ptr(c, name);
	return match_exists(c, name);
}

enum tf_spf_match
tf_spf_term_match(struct tf_spf_check *c, struct tf_str domain, const struct tf_spf_term *term)
{
	switch (term->kind) {
	case TF_SPF_ALL:
		return TF_SPF_HIT;
	case TF_SPF_IP4:
	case TF_SPF_IP6:
		return tf_addr_in(&c->env.client, &term->net.addr, term->net.bits) ? TF_SPF_HIT
										   : TF_SPF_MISS;
	case TF_SPF_A:
	case TF_SPF_MX:
	case TF_SPF_PTR:
	case TF_SPF_EXISTS:
		return match_asking(c, domain, term);
	case TF_SPF_UNKNOWN_MODIFIER:
	case TF_SPF_REDIRECT:
	case TF_SPF_EXP:
		return TF_SPF_MISS;
	case TF_SPF_INCLUDE:
		break;
	}
	tf_panic("kind %d", (int)term->kind);
}
