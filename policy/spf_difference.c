/*
 * spf_difference.c - why libspf2 comes to another result than we do
 *
 * A table of what Debian's libspf2 1.2.10 is known to do otherwise than RFC 7208 has it. A row is
 * the cause when all its facts are there: traits of the records that libspf2 had, how it words its
 * error, how we word ours. tests/integration/test_second_opinion.py holds the table against every
 * case of the suites.
 * Does not: know libspf2 (milter/second_opinion.c), or prove that a cause is the only one.
 */
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "truefrom/resolver.h"
#include "truefrom/spf_difference.h"
#include "truefrom/banned.h"

#define LIBSPF2_MECHANISMS 512 /* octets of compiled mechanisms that it keeps of a record */
#define LIBSPF2_MODIFIERS 512
#define PTR_NAMES 10
#define NAME_MAX_OCTETS 253

/* Facts: bits of an unsigned. */
enum {
	PREFIX_0 = 1 << 0,       /* a prefix length of 0 */
	MODIFIER_DOT = 1 << 1,   /* a dot in the name of a modifier */
	REDIRECT_EARLY = 1 << 2, /* a mechanism behind redirect= */
	PARTS = 1 << 3,          /* a macro that keeps a number of parts */
	ESCAPES = 1 << 4,        /* a macro with an upper-case letter */
	LONG = 1 << 5,           /* more than libspf2 keeps of a record */
	NUL = 1 << 6,            /* a NUL in a record */
	REVERSE = 1 << 7,        /* ptr or %{p} */
	DNS_FAILED = 1 << 8,     /* a question had no answer */
	MANY_NAMES = 1 << 9,     /* more than ten PTR names */
	LOOPBACK = 1 << 10,      /* the client's address */
	LOCAL_8BIT = 1 << 11,    /* the local part is not ASCII */
	DOMAIN_8BIT = 1 << 12,   /* the domain, as received, is not ASCII */
	LOCAL_PART = 1 << 13,    /* a macro of the local part */
	EXPLAINS = 1 << 14,      /* exp= in a record */
	MACRO_P = 1 << 15,       /* %{p} */
	LONG_NAME = 1 << 16,     /* it asked for a name over 253 octets */
	BAD_NAME = 1 << 17       /* it asked for a name that is none */
};

static const struct cause {
	unsigned facts;
	const char *ours; /* how our reason begins; NULL: any */
	const char *said; /* how libspf2's begins; NULL: any */
	const char *text;
} causes[] = {
	{ EXPLAINS, NULL, "libspf2 crashed",
	    "libspf2 writes where it must not on some explanations (as in CVE-2023-42118)" },
	{ LOOPBACK, NULL, "localhost", "libspf2 lets every client on the loopback network pass" },
	{ DOMAIN_8BIT, NULL, NULL, "libspf2 does not know internationalised domains (RFC 8616)" },
	{ LOCAL_8BIT | LOCAL_PART, NULL, NULL,
	    "libspf2 does not know internationalised local parts (RFC 8616)" },
	{ 0, "too many DNS look-ups", NULL,
	    "libspf2 counts the DNS terms of each included record anew, and none in the last "
	    "place" },
	{ 0, "too many void look-ups", NULL, "libspf2 has no limit on void look-ups" },
	{ 0, "too many MX hosts", NULL, "libspf2 tries ten of the MX hosts before it errs" },
	{ NUL, NULL, NULL, "libspf2 takes a record to end at a NUL" },
	{ 0, "syntax error", NULL, "libspf2 overlooks the syntax error" },
	{ BAD_NAME, NULL, "Host '",
	    "libspf2 takes an include of a name that cannot be asked for an error" },
	{ PREFIX_0, NULL, "Invalid IPv", "libspf2 takes a prefix length of 0 for an error" },
	{ MODIFIER_DOT, NULL, "Invalid character",
	    "libspf2 takes a dot in the name of a modifier for an error" },
	{ REDIRECT_EARLY, NULL, NULL,
	    "libspf2 follows redirect= where it stands, not after the mechanisms" },
	{ PARTS, NULL, "Subdomain truncation",
	    "libspf2 takes a macro that keeps more than 128 parts for an error" },
	{ 0, NULL, "Invalid delimiter 'R'",
	    "libspf2 takes an upper-case R in a macro for an error" },
	{ 0, NULL, "String literal",
	    "libspf2 takes more than 255 octets without a macro for an error" },
	{ REVERSE | DNS_FAILED, NULL, "DNS lookup failure",
	    "libspf2 takes a DNS failure behind ptr for one of the whole check" },
	{ REVERSE | MANY_NAMES, NULL, NULL, "libspf2 takes more than ten PTR names for an error" },
	{ LONG_NAME, NULL, NULL, "libspf2 does not shorten a name over 253 octets" },
	{ LONG, NULL, NULL, "libspf2 drops what is beyond 512 octets of a compiled record" },
	{ PARTS, NULL, NULL,
	    "libspf2 loses the first octet of a value with no more parts than its macro keeps" },
	{ MACRO_P, NULL, NULL,
	    "libspf2 takes the first validated name for %{p}, not one of the domain" },
	{ ESCAPES, NULL, NULL, "libspf2 escapes other characters than RFC 3986 has it" },
};

static unsigned
macro_facts(struct tf_str spec)
{
	const unsigned uses = tf_spf_macro_uses(spec);

	return ((uses & TF_SPF_USES_LOCAL) != 0 ? LOCAL_PART : 0u) |
	       ((uses & TF_SPF_USES_PARTS) != 0 ? PARTS : 0u) |
	       ((uses & TF_SPF_USES_ESCAPES) != 0 ? ESCAPES : 0u) |
	       ((uses & TF_SPF_USES_PTR) != 0 ? REVERSE | MACRO_P : 0u);
}

/* Facts of one term; adds what libspf2 makes of it to the octets of its kind. */
static unsigned
term_facts(const struct tf_spf_term *term, size_t *mechanisms, size_t *modifiers)
{
	const bool cidr = term->bits4 != 32 || term->bits6 != 128;
	const size_t compiled = 4 + (term->domain.len != 0 ? 4 + term->domain.len : 0);

	switch (term->kind) {
	case TF_SPF_UNKNOWN_MODIFIER:
		*modifiers += 4 + term->text.len;
		return tf_str_find(term->text, '.') < tf_str_find(term->text, '=') ? MODIFIER_DOT
										   : 0;
	case TF_SPF_EXP:
		*modifiers += 4 + term->text.len;
		return EXPLAINS;
	case TF_SPF_IP4:
	case TF_SPF_IP6:
		*mechanisms += term->kind == TF_SPF_IP4 ? 8 : 20;
		return term->net.bits == 0 ? PREFIX_0 : 0;
	case TF_SPF_A:
	case TF_SPF_MX:
		*mechanisms += compiled + (cidr ? 4 : 0);
		return macro_facts(term->domain) |
		       (term->bits4 == 0 || term->bits6 == 0 ? PREFIX_0 : 0u);
	case TF_SPF_PTR:
		*mechanisms += compiled;
		return macro_facts(term->domain) | REVERSE;
	case TF_SPF_ALL:
	case TF_SPF_INCLUDE:
	case TF_SPF_EXISTS:
	case TF_SPF_REDIRECT:
		*mechanisms += compiled;
		return macro_facts(term->domain);
	}
	tf_panic("kind %d", (int)term->kind);
}

static bool
is_modifier(const struct tf_spf_term *term)
{
	return term->kind == TF_SPF_UNKNOWN_MODIFIER || term->kind == TF_SPF_EXP ||
	       term->kind == TF_SPF_REDIRECT;
}

static unsigned
record_facts(struct tf_str txt)
{
	size_t mechanisms = 0, modifiers = 0;
	bool redirect = false;
	unsigned facts = tf_str_find(txt, '\0') < txt.len ? NUL : 0;
	struct tf_spf_record rec;
	struct tf_spf_term term;
	struct tf_lex terms;

	(void)tf_spf_record_parse(txt, &rec);
	terms = tf_spf_record_terms(&rec);
	while (tf_spf_record_next(&terms, &term)) {
		facts |= term_facts(&term, &mechanisms, &modifiers);
		if (redirect && !is_modifier(&term))
			facts |= REDIRECT_EARLY;
		redirect = redirect || term.kind == TF_SPF_REDIRECT;
	}
	if (mechanisms > LIBSPF2_MECHANISMS || modifiers > LIBSPF2_MODIFIERS)
		facts |= LONG;
	return facts;
}

static unsigned
identity_facts(const struct tf_identity *id)
{
	const struct tf_addr v4 = { .family = TF_FAMILY_V4, .bytes = { 127 } };
	const struct tf_addr v6 = { .family = TF_FAMILY_V6, .bytes = { [15] = 1 } };
	const size_t at = tf_str_rfind(id->mail_from, '@');
	unsigned facts = 0;

	if (tf_addr_in(&id->client, &v4, 8) || tf_addr_eq(&id->client, &v6))
		facts |= LOOPBACK;
	if (!tf_str_is_ascii(tf_str_sub(id->mail_from, 0, at)))
		facts |= LOCAL_8BIT;
	if (!tf_str_is_ascii(tf_str_sub(id->mail_from, at, id->mail_from.len)))
		facts |= DOMAIN_8BIT;
	return facts;
}

static unsigned
evidence_facts(const struct tf_spf_evidence *evidence)
{
	unsigned facts = 0;

	for (size_t i = 0; i < evidence->record_count; i++)
		facts |= record_facts(evidence->records[i]);
	for (size_t i = 0; i < evidence->asked_count; i++) {
		const struct tf_dns_trace *q = &evidence->asked[i];

		if (tf_dns_failed(q->status))
			facts |= DNS_FAILED;
		if (q->name.len > NAME_MAX_OCTETS)
			facts |= LONG_NAME;
		if (q->status == TF_DNS_MALFORMED)
			facts |= BAD_NAME;
		if (q->type == TF_TYPE_PTR && q->answer_count > PTR_NAMES)
			facts |= MANY_NAMES;
	}
	return facts;
}

static bool
begins(struct tf_str s, const char *with)
{
	return with == NULL || tf_str_starts_nocase(s, tf_str_from(with));
}

struct tf_str
tf_spf_difference(const struct tf_spf *ours, const struct tf_identity *id,
    const struct tf_spf_opinion *other, const struct tf_spf_evidence *evidence)
{
	unsigned facts;

	if (other->given && other->code == ours->code)
		return TF_NONE_STR;
	facts = identity_facts(id) | evidence_facts(evidence);
	for (size_t i = 0; i < TF_ARRAY_LEN(causes); i++) {
		const struct cause *c = &causes[i];

		if ((c->facts & ~facts) == 0 && begins(ours->reason, c->ours) &&
		    begins(other->reason, c->said))
			return tf_str_from(c->text);
	}
	return TF_STR("unknown");
}
