/*
 * authres_payload.c - results out of an Authentication-Results payload, read strictly
 *
 * Implements authres-payload of RFC 8601 section 2.2, one function for one production. A payload is
 * taken whole or not at all: where two readers could see different results, there are none.
 * Does not: know methods or results, or ask whose field it is (authres_read.c recognises ids in
 * every disguise; here a disguise is an error).
 * Limits: TF_PAYLOAD_RESULTS_MAX, TF_PAYLOAD_PROPERTIES_MAX. Linear, no recursion.
 */
#include "policy/authres_payload.h"
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

static bool
is_keyword_byte(char c)
{
	return tf_is_alnum(c) || c == '-';
}

/* Keyword = Ldh-str (RFC 5321 section 4.1.2). Underscores are read as well: names of local
 * properties have them. */
static bool
is_name_byte(char c)
{
	return is_keyword_byte(c) || c == '_';
}

static struct tf_str
keyword(struct tf_lex *lx)
{
	struct tf_str word = tf_lex_while(lx, is_name_byte);

	if (word.len == 0 || !tf_is_alnum(word.ptr[0]) || !tf_is_alnum(word.ptr[word.len - 1]))
		tf_lex_fail(lx, "a keyword is missing");
	return word;
}

static uint32_t
version(struct tf_lex *lx)
{
	uint32_t n = 0;

	if (!tf_str_to_u32(tf_lex_while(lx, tf_is_digit), UINT32_MAX, &n))
		tf_lex_fail(lx, "a version is no number");
	return n;
}

/* value = token / quoted-string */
static struct tf_str
value(struct tf_lex *lx, struct tf_arena *a)
{
	if (tf_lex_peek(lx) != '"')
		return tf_lex_token(lx);
	return tf_unquote(tf_lex_quoted_string(lx), a);
}

static bool
is_domain_byte(char c)
{
	return tf_is_alnum(c) || tf_is_8bit(c) || c == '-' || c == '_' || c == '.';
}

/* "@" domain-name, behind a local part that began at start. */
static struct tf_str
mailbox(struct tf_lex *lx, const char *start)
{
	tf_lex_byte(lx, '@');
	if (tf_lex_while(lx, is_domain_byte).len == 0)
		tf_lex_fail(lx, "a domain name is missing");
	return (struct tf_str){ start, lx->err == NULL ? (size_t)(lx->p - start) : 0 };
}

static bool
is_value_end(int c)
{
	return c == -1 || c == ';' || c == '(' || tf_is_wsp((char)c) || c == '\r' || c == '\n';
}

/* pvalue = [CFWS] ( ( value / [ [ local-part ] "@" ] domain-name ) [CFWS] ) */
static struct tf_str
pvalue(struct tf_lex *lx, struct tf_arena *a)
{
	struct tf_lex ahead;
	struct tf_str read;
	const char *start;

	tf_lex_cfws(lx);
	start = lx->p;
	if (tf_lex_peek(lx) == '"') {
		read = tf_lex_quoted_string(lx);
		return tf_lex_peek(lx) == '@' ? mailbox(lx, start) : tf_unquote(read, a);
	}
	if (tf_lex_peek(lx) == '@')
		return mailbox(lx, start);
	ahead = *lx;
	tf_lex_dot_text(&ahead);
	if (tf_lex_peek(&ahead) == '@') {
		*lx = ahead;
		return mailbox(lx, start);
	}
	read = tf_lex_while(lx, is_domain_byte);
	if (read.len == 0 || !is_value_end(tf_lex_peek(lx))) {
		lx->p = start;
		read = tf_lex_token(lx);
	}
	return read;
}

/* What separates two parts of a result; the end and ";" need no gap before them. */
static void
gap(struct tf_lex *lx)
{
	const char *before = lx->p;

	tf_lex_cfws(lx);
	if (lx->p == before && !tf_lex_done(lx) && tf_lex_peek(lx) != ';')
		tf_lex_fail(lx, "two parts without a gap");
}

static bool
at_end_of_result(const struct tf_lex *lx)
{
	return tf_lex_done(lx) || tf_lex_peek(lx) == ';';
}

/* ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue, or a word without a ptype */
static void
propspec(struct tf_payload *p, struct tf_payload_result *r)
{
	struct tf_lex *lx = &p->lx;
	struct tf_payload_property read = { .type = keyword(lx) };

	tf_lex_cfws(lx);
	if (tf_lex_try(lx, '.')) {
		tf_lex_cfws(lx);
		read.name = keyword(lx);
		tf_lex_cfws(lx);
	}
	tf_lex_byte(lx, '=');
	read.value = pvalue(lx, p->arena);
	gap(lx);
	if (read.name.len == 0 || lx->err != NULL)
		return;
	if (r->property_count == TF_PAYLOAD_PROPERTIES_MAX)
		tf_lex_fail(lx, "too many properties");
	else
		r->properties[r->property_count++] = read;
}

/* "reason" [CFWS] "=" [CFWS] value; told from a property by its missing dot */
static void
reasonspec(struct tf_payload *p, struct tf_payload_result *r)
{
	struct tf_lex ahead = p->lx;
	struct tf_str word = keyword(&ahead);

	tf_lex_cfws(&ahead);
	if (!tf_str_eq_nocase(word, TF_STR("reason")) || !tf_lex_try(&ahead, '='))
		return;
	p->lx = ahead;
	tf_lex_cfws(&p->lx);
	r->reason = value(&p->lx, p->arena);
	gap(&p->lx);
}

/* methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ] */
static void
resinfo(struct tf_payload *p, struct tf_payload_result *r)
{
	struct tf_lex *lx = &p->lx;

	r->version = 1;
	r->property_count = 0;
	r->reason = TF_NONE_STR;
	r->method = keyword(lx);
	tf_lex_cfws(lx);
	if (tf_lex_try(lx, '/')) {
		tf_lex_cfws(lx);
		r->version = version(lx);
		tf_lex_cfws(lx);
	}
	tf_lex_byte(lx, '=');
	tf_lex_cfws(lx);
	r->result = keyword(lx);
	gap(lx);
	if (!at_end_of_result(lx))
		reasonspec(p, r);
	while (!at_end_of_result(lx))
		propspec(p, r);
}

/* no-result: "none" alone behind the first ";". */
static bool
no_result(struct tf_lex *lx)
{
	struct tf_lex ahead = *lx;

	if (!tf_str_eq_nocase(tf_lex_while(&ahead, is_keyword_byte), TF_STR("none")))
		return false;
	tf_lex_cfws(&ahead);
	if (!tf_lex_done(&ahead) || ahead.err != NULL)
		return false;
	*lx = ahead;
	return true;
}

void
tf_payload_begin(struct tf_str value_in, struct tf_arena *a, struct tf_payload *payload_out)
{
	struct tf_lex *lx = &payload_out->lx;

	*payload_out = (struct tf_payload){ .lx = tf_lex_init(value_in), .arena = a, .version = 1 };
	tf_lex_cfws(lx);
	payload_out->id = value(lx, a);
	gap(lx);
	if (!at_end_of_result(lx)) {
		payload_out->version = version(lx);
		tf_lex_cfws(lx);
	}
	if (!at_end_of_result(lx))
		tf_lex_fail(lx, "something stands behind the authserv-id");
	if (tf_lex_done(lx))
		tf_lex_fail(lx, "there are no results");
}

bool
tf_payload_next(struct tf_payload *p, struct tf_payload_result *result_out)
{
	struct tf_lex *lx = &p->lx;

	if (tf_lex_done(lx))
		return false;
	tf_lex_byte(lx, ';');
	tf_lex_cfws(lx);
	if (p->count != 0 && tf_lex_done(lx)) /* a ";" at the end */
		return false;
	if (p->count == 0 && no_result(lx))
		return false;
	if (++p->count > TF_PAYLOAD_RESULTS_MAX)
		tf_lex_fail(lx, "too many results");
	resinfo(p, result_out);
	return lx->err == NULL;
}

const char *
tf_payload_error(const struct tf_payload *p)
{
	return p->lx.err;
}
