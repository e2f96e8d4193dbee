/*
 * spf_record.c - the grammar of SPF records
 *
 * RFC 7208 sections 4.5, 4.6.1, 5, 6 and 12, read strictly: what the grammar does not allow is an
 * error, wherever in the record it stands. "redirect" and "exp" are never taken for unknown
 * modifiers. A prefix length is taken from the right end of a term, since a domain-spec may hold
 * slashes but cannot end in one and digits.
 * Does not: expand macros (spf_macro.c) or ask the DNS.
 * Limits: none of its own; answers are at most 64 KiB.
 */
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "truefrom/banned.h"

static const struct tf_str version = TF_LIT("v=spf1");

/* What may stand behind the name of a mechanism. */
enum argument { ARG_NONE, ARG_DOMAIN, ARG_DOMAIN_OPTIONAL, ARG_DOMAIN_CIDR, ARG_IP4, ARG_IP6 };

static const struct mechanism {
	struct tf_str name;
	enum tf_spf_kind kind;
	enum argument argument;
} mechanisms[] = {
	{ TF_LIT("all"), TF_SPF_ALL, ARG_NONE },
	{ TF_LIT("include"), TF_SPF_INCLUDE, ARG_DOMAIN },
	{ TF_LIT("a"), TF_SPF_A, ARG_DOMAIN_CIDR },
	{ TF_LIT("mx"), TF_SPF_MX, ARG_DOMAIN_CIDR },
	{ TF_LIT("ptr"), TF_SPF_PTR, ARG_DOMAIN_OPTIONAL },
	{ TF_LIT("ip4"), TF_SPF_IP4, ARG_IP4 },
	{ TF_LIT("ip6"), TF_SPF_IP6, ARG_IP6 },
	{ TF_LIT("exists"), TF_SPF_EXISTS, ARG_DOMAIN },
};

static bool
is_term_byte(char c)
{
	return c != ' ';
}

static bool
is_space(char c)
{
	return c == ' ';
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool
is_name_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* Prefix length: no leading zero, at most max. */
static const char *
parse_prefix(struct tf_str digits, uint32_t max, uint32_t *bits_out)
{
	if (digits.len > 1 && digits.ptr[0] == '0')
		return "prefix length has a leading zero";
	return tf_str_to_u32(digits, max, bits_out) ? NULL : "bad prefix length";
}

/* Cuts "/digits" off the end of *s, leaving the slash of "//" there; empty when there is none. */
static struct tf_str
cut_prefix(struct tf_str *s)
{
	size_t from = s->len;
	struct tf_str digits;

	while (from > 0 && tf_is_digit(s->ptr[from - 1]))
		from--;
	if (from == 0 || from == s->len || s->ptr[from - 1] != '/')
		return TF_NONE_STR;
	digits = tf_str_sub(*s, from, s->len);
	s->len = from - 1;
	return digits;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ], off the end of *arg */
static const char *
parse_dual_cidr(struct tf_str *arg, struct tf_spf_term *term)
{
	struct tf_str before = *arg, digits = cut_prefix(&before);
	const char *err;

	if (digits.len == 0)
		return NULL;
	if (before.len != 0 && before.ptr[before.len - 1] == '/') {
		err = parse_prefix(digits, 128, &term->bits6);
		if (err != NULL)
			return err;
		before.len--;
		*arg = before;
		digits = cut_prefix(&before);
		if (digits.len == 0)
			return NULL;
	}
	*arg = before;
	return parse_prefix(digits, 32, &term->bits4);
}

/* ":" domain-spec; arg is what follows the name */
static const char *
parse_domain(struct tf_str arg, struct tf_spf_term *term)
{
	if (arg.len == 0 || arg.ptr[0] != ':')
		return "unexpected text behind the mechanism";
	term->domain = tf_str_sub(arg, 1, arg.len);
	return tf_spf_domain_check(term->domain);
}

static bool
is_ip4_byte(char c)
{
	return tf_is_digit(c) || c == '.';
}

static bool
is_ip6_byte(char c)
{
	return tf_is_digit(c) || (tf_lower(c) >= 'a' && tf_lower(c) <= 'f') || c == ':' || c == '.';
}

/* ":" network [ "/" prefix length ] */
static const char *
parse_network(struct tf_str arg, enum tf_family family, struct tf_spf_term *term)
{
	bool v4 = family == TF_FAMILY_V4;
	struct tf_str net = tf_str_sub(arg, 1, arg.len), prefix;
	struct tf_lex lx = tf_lex_init(net);
	const char *err;
	uint32_t bits;

	if (arg.len == 0 || arg.ptr[0] != ':')
		return "address is missing";
	if (v4)
		tf_lex_while(&lx, is_ip4_byte);
	else
		tf_lex_while(&lx, is_ip6_byte);
	if (tf_lex_try(&lx, '/')) {
		prefix = tf_lex_rest(&lx);
		err = parse_prefix(prefix, v4 ? 32 : 128, &bits);
		if (err != NULL)
			return err;
	} else if (!tf_lex_done(&lx)) {
		return "bad address";
	}
	if (!tf_net_parse(net, &term->net) || v4 != (tf_str_find(net, ':') == net.len))
		return "bad address";
	/* A v4-mapped network: clients in it are IPv4 clients, which ip6 never matches (5). */
	if (term->net.addr.family != family)
		term->net.addr.family = TF_FAMILY_NONE;
	return NULL;
}

static const char *
parse_argument(enum argument argument, struct tf_str arg, struct tf_spf_term *term)
{
	const char *err;

	switch (argument) {
	case ARG_NONE:
		return arg.len == 0 ? NULL : "unexpected text behind the mechanism";
	case ARG_DOMAIN:
		return arg.len == 0 ? "domain is missing" : parse_domain(arg, term);
	case ARG_DOMAIN_OPTIONAL:
		return arg.len == 0 ? NULL : parse_domain(arg, term);
	case ARG_DOMAIN_CIDR:
		err = parse_dual_cidr(&arg, term);
		if (err != NULL || arg.len == 0)
			return err;
		return parse_domain(arg, term);
	case ARG_IP4:
		return parse_network(arg, TF_FAMILY_V4, term);
	case ARG_IP6:
		return parse_network(arg, TF_FAMILY_V6, term);
	}
	tf_panic("argument %d", (int)argument);
}

/* qualifier = "+" / "-" / "?" / "~" */
static enum tf_code
lex_qualifier(struct tf_lex *lx)
{
	if (tf_lex_try(lx, '-'))
		return TF_FAIL;
	if (tf_lex_try(lx, '?'))
		return TF_NEUTRAL;
	if (tf_lex_try(lx, '~'))
		return TF_SOFTFAIL;
	tf_lex_try(lx, '+');
	return TF_PASS;
}

/* directive = [ qualifier ] mechanism */
static const char *
parse_directive(struct tf_str text, struct tf_spf_term *term)
{
	struct tf_lex lx = tf_lex_init(text);
	struct tf_str name;

	term->code = lex_qualifier(&lx);
	name = tf_lex_while(&lx, is_name_byte);
	for (size_t i = 0; i < TF_ARRAY_LEN(mechanisms); i++) {
		if (tf_str_eq_nocase(name, mechanisms[i].name)) {
			term->kind = mechanisms[i].kind;
			return parse_argument(mechanisms[i].argument, tf_lex_rest(&lx), term);
		}
	}
	return "unknown mechanism";
}

/* modifier = redirect / explanation / unknown-modifier, all name "=" value */
static const char *
parse_modifier(struct tf_str name, struct tf_str value, struct tf_spf_term *term)
{
	if (tf_str_eq_nocase(name, TF_STR("redirect")))
		term->kind = TF_SPF_REDIRECT;
	else if (tf_str_eq_nocase(name, TF_STR("exp")))
		term->kind = TF_SPF_EXP;
	else
		return tf_spf_macro_check(value);
	term->domain = value;
	return tf_spf_domain_check(value);
}

static const char *
parse_term(struct tf_str text, struct tf_spf_term *term)
{
	struct tf_lex lx = tf_lex_init(text);
	struct tf_str name = tf_lex_while(&lx, is_name_byte);

	*term = (struct tf_spf_term){ .text = text, .bits4 = 32, .bits6 = 128 };
	if (name.len != 0 && tf_is_alpha(name.ptr[0]) && tf_lex_try(&lx, '='))
		return parse_modifier(name, tf_lex_rest(&lx), term);
	return parse_directive(text, term);
}

/* terms = *( 1*SP ( directive / modifier ) ) *SP */
static struct tf_str
next_text(struct tf_lex *terms)
{
	tf_lex_while(terms, is_space);
	return tf_lex_while(terms, is_term_byte);
}

struct tf_lex
tf_spf_record_terms(const struct tf_spf_record *rec)
{
	return tf_lex_init(tf_str_sub(rec->text, version.len, rec->text.len));
}

bool
tf_spf_record_next(struct tf_lex *terms, struct tf_spf_term *term_out)
{
	struct tf_str text = next_text(terms);

	return text.len != 0 && parse_term(text, term_out) == NULL;
}

/* redirect and exp: at most once each (RFC 7208 section 6) */
static const char *
note_modifier(const struct tf_spf_term *term, struct tf_spf_record *rec)
{
	struct tf_spf_term *slot = term->kind == TF_SPF_REDIRECT ? &rec->redirect : &rec->exp;

	if (term->kind != TF_SPF_REDIRECT && term->kind != TF_SPF_EXP)
		return NULL;
	if (slot->domain.len != 0)
		return "modifier is there twice";
	*slot = *term;
	return NULL;
}

bool
tf_spf_record_parse(struct tf_str txt, struct tf_spf_record *rec_out)
{
	struct tf_lex terms;
	struct tf_str text;

	*rec_out = (struct tf_spf_record){ .text = txt };
	terms = tf_spf_record_terms(rec_out);
	for (text = next_text(&terms); text.len != 0; text = next_text(&terms)) {
		struct tf_spf_term term;

		rec_out->err = parse_term(text, &term);
		if (rec_out->err == NULL)
			rec_out->err = note_modifier(&term, rec_out);
		if (rec_out->err != NULL) {
			rec_out->err_term = text;
			rec_out->err_pos = (size_t)(text.ptr - txt.ptr);
			return false;
		}
	}
	return true;
}

static bool
is_record(struct tf_str txt)
{
	return tf_str_starts_nocase(txt, version) &&
	       (txt.len == version.len || txt.ptr[version.len] == ' ');
}

enum tf_spf_found
tf_spf_record_select(const struct tf_str *txts, size_t count, struct tf_str *txt_out)
{
	enum tf_spf_found found = TF_SPF_FOUND_NONE;

	for (size_t i = 0; i < count; i++) {
		if (!is_record(txts[i]))
			continue;
		if (found != TF_SPF_FOUND_NONE)
			return TF_SPF_FOUND_SEVERAL;
		found = TF_SPF_FOUND_ONE;
		*txt_out = txts[i];
	}
	return found;
}

bool
tf_spf_term_asks(const struct tf_spf_term *term)
{
	switch (term->kind) {
	case TF_SPF_INCLUDE:
	case TF_SPF_A:
	case TF_SPF_MX:
	case TF_SPF_PTR:
	case TF_SPF_EXISTS:
	case TF_SPF_REDIRECT:
		return true;
	case TF_SPF_UNKNOWN_MODIFIER:
	case TF_SPF_ALL:
	case TF_SPF_IP4:
	case TF_SPF_IP6:
	case TF_SPF_EXP:
		return false;
	}
	tf_panic("kind %d", (int)term->kind);
}
