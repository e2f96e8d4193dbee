/*
 * authres_parse.c - a strict reader of Authentication-Results, to test the writer with
 *
 * Implements RFC 8601 section 2.2 to the letter: one function, one production. It shares nothing
 * with the writer but the token readers of rfc5322.c.
 */
#include "tests/authres_parse.h"
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

static bool
is_keyword_byte(char c)
{
	return tf_is_alnum(c) || c == '-';
}

/* Keyword = Ldh-str (RFC 5321 section 4.1.2) */
static struct tf_str
parse_keyword(struct tf_lex *lx)
{
	struct tf_str word = tf_lex_while(lx, is_keyword_byte);

	if (word.len == 0 || word.ptr[0] == '-' || word.ptr[word.len - 1] == '-')
		tf_lex_fail(lx, "a keyword is missing");
	return word;
}

static uint32_t
parse_digits(struct tf_lex *lx)
{
	uint32_t n = 0;

	if (!tf_str_to_u32(tf_lex_while(lx, tf_is_digit), UINT32_MAX, &n))
		tf_lex_fail(lx, "a version is missing");
	return n;
}

/* value = token / quoted-string */
static struct tf_str
parse_value(struct tf_lex *lx, struct tf_arena *a)
{
	if (tf_lex_peek(lx) == '"')
		return tf_unquote(tf_lex_quoted_string(lx), a);
	return tf_lex_token(lx);
}

static bool
is_domain_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* "@" domain-name behind an optional local part */
static void
parse_at_domain(struct tf_lex *lx)
{
	tf_lex_byte(lx, '@');
	if (tf_lex_while(lx, is_domain_byte).len == 0)
		tf_lex_fail(lx, "a domain name is missing");
}

/* pvalue = [CFWS] ( ( value / [ [ local-part ] "@" ] domain-name ) [CFWS] ) */
static struct tf_str
parse_pvalue(struct tf_lex *lx, struct tf_arena *a)
{
	const char *start;
	struct tf_str quoted;

	tf_lex_cfws(lx);
	start = lx->p;
	if (tf_lex_peek(lx) == '"') {
		quoted = tf_lex_quoted_string(lx);
		if (tf_lex_peek(lx) != '@')
			return tf_unquote(quoted, a);
	} else if (tf_lex_peek(lx) != '@') {
		struct tf_lex as_token = *lx;

		tf_lex_dot_text(lx);
		if (tf_lex_peek(lx) != '@') {
			*lx = as_token;
			return tf_lex_token(lx);
		}
	}
	parse_at_domain(lx);
	return (struct tf_str){ start, lx->err == NULL ? (size_t)(lx->p - start) : 0 };
}

/* Blanks or a comment between two parts of a result. */
static void
parse_gap(struct tf_lex *lx)
{
	const char *before = lx->p;

	tf_lex_cfws(lx);
	if (lx->p == before && !tf_lex_done(lx) && tf_lex_peek(lx) != ';')
		tf_lex_fail(lx, "two parts without a gap");
}

/* ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue */
static void
parse_property(struct tf_lex *lx, struct tf_arena *a, struct tf_parsed_result *r)
{
	struct tf_parsed_property *p = &r->properties[r->property_count];

	if (r->property_count == TF_PARSED_PROPERTIES_MAX) {
		tf_lex_fail(lx, "too many properties");
		return;
	}
	p->type = parse_keyword(lx);
	tf_lex_cfws(lx);
	tf_lex_byte(lx, '.');
	tf_lex_cfws(lx);
	p->name = parse_keyword(lx);
	tf_lex_cfws(lx);
	tf_lex_byte(lx, '=');
	p->value = parse_pvalue(lx, a);
	parse_gap(lx);
	r->property_count++;
}

/* "reason" [CFWS] "=" [CFWS] value: told from a property by the missing dot. */
static bool
parse_reason(struct tf_lex *lx, struct tf_arena *a, struct tf_parsed_result *r)
{
	struct tf_lex ahead = *lx;
	struct tf_str word = parse_keyword(&ahead);

	tf_lex_cfws(&ahead);
	if (!tf_str_eq_nocase(word, TF_STR("reason")) || tf_lex_peek(&ahead) != '=')
		return false;
	*lx = ahead;
	tf_lex_byte(lx, '=');
	tf_lex_cfws(lx);
	r->reason = parse_value(lx, a);
	parse_gap(lx);
	return true;
}

/* methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ] */
static void
parse_resinfo(struct tf_lex *lx, struct tf_arena *a, struct tf_parsed_result *r)
{
	tf_lex_cfws(lx);
	r->version = 1;
	r->method = parse_keyword(lx);
	tf_lex_cfws(lx);
	if (tf_lex_try(lx, '/')) {
		tf_lex_cfws(lx);
		r->version = parse_digits(lx);
		tf_lex_cfws(lx);
	}
	tf_lex_byte(lx, '=');
	tf_lex_cfws(lx);
	r->code = parse_keyword(lx);
	parse_gap(lx);
	if (tf_lex_done(lx) || tf_lex_peek(lx) == ';')
		return;
	parse_reason(lx, a, r);
	while (!tf_lex_done(lx) && tf_lex_peek(lx) != ';')
		parse_property(lx, a, r);
}

static bool
parse_no_result(struct tf_lex *lx)
{
	struct tf_lex ahead = *lx;

	tf_lex_byte(&ahead, ';');
	tf_lex_cfws(&ahead);
	if (!tf_str_eq_nocase(tf_lex_token(&ahead), TF_STR("none")))
		return false;
	tf_lex_cfws(&ahead);
	if (ahead.err != NULL || !tf_lex_done(&ahead))
		return false;
	*lx = ahead;
	return true;
}

const char *
tf_authres_parse(struct tf_str value, struct tf_arena *a, struct tf_parsed *out)
{
	struct tf_lex lx = tf_lex_init(value);

	*out = (struct tf_parsed){ .version = 1 };
	tf_lex_cfws(&lx);
	out->id = parse_value(&lx, a);
	parse_gap(&lx);
	if (!tf_lex_done(&lx) && tf_lex_peek(&lx) != ';') {
		out->version = parse_digits(&lx);
		tf_lex_cfws(&lx);
	}
	if (parse_no_result(&lx))
		return lx.err;
	do {
		tf_lex_byte(&lx, ';');
		if (out->count == TF_PARSED_RESULTS_MAX)
			tf_lex_fail(&lx, "too many results");
		if (lx.err == NULL)
			parse_resinfo(&lx, a, &out->results[out->count++]);
	} while (!tf_lex_done(&lx));
	return lx.err;
}

struct tf_str
tf_parsed_get(const struct tf_parsed_result *result, const char *type_and_name)
{
	struct tf_str wanted = tf_str_from(type_and_name);
	size_t dot = tf_str_find(wanted, '.');

	for (size_t i = 0; i < result->property_count; i++) {
		const struct tf_parsed_property *p = &result->properties[i];

		if (tf_str_eq_nocase(p->type, tf_str_sub(wanted, 0, dot)) &&
		    tf_str_eq_nocase(p->name, tf_str_sub(wanted, dot + 1, wanted.len)))
			return p->value;
	}
	return TF_NONE_STR;
}
