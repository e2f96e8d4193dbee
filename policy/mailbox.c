/*
 * mailbox.c - From field -> author domains; envelope path -> domain
 *
 * Implements address-list of RFC 5322 section 3.4 with obs-phrase, obs-angle-addr, obs-local-part
 * and obs-addr-list of section 4.4, groups (RFC 6854), UTF-8 (RFC 6532). One function, one
 * production; no backtracking and no recursion.
 *
 * More is accepted than the grammar has where every reader finds the same domain: dots anywhere in
 * a local part, brackets in a display name, and a bare address before an angle address of the same
 * domain ("a@b.example <a@b.example>"). Less is accepted where readers differ: no blank or comment
 * inside a domain, no NUL, no bare CR or LF, no element of the list without an address.
 * Does not: decode encoded words. They are display text (RFC 2047 section 5) and no address.
 * Limits: those of mailbox.h.
 */
#include "policy/mailbox.h"
#include "policy/rfc5322.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

/* One From value on its way to author domains. */
struct from {
	struct tf_lex lx;
	struct tf_arena *arena;
	struct tf_str *domains; /* room for max */
	size_t count, max;
	size_t commas;
	enum tf_from_state state; /* set with lx.err when that is no mere syntax error */
};

static void
from_fail(struct from *f, enum tf_from_state state, const char *err)
{
	if (f->lx.err == NULL)
		f->state = state;
	tf_lex_fail(&f->lx, err);
}

/* A domain as written: of a mailbox or a route. */
static struct tf_str
lex_domain(struct tf_lex *lx)
{
	struct tf_str domain;

	tf_lex_cfws(lx);
	domain = tf_lex_dot_text(lx);
	tf_lex_cfws(lx);
	return domain;
}

/*
 * obs-route, section 4.4: *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":"; several of them,
 * as some write it. Read and forgotten.
 */
static void
lex_obs_route(struct tf_lex *lx)
{
	tf_lex_cfws(lx);
	while (tf_lex_peek(lx) == '@' || tf_lex_peek(lx) == ',') {
		while (tf_lex_peek(lx) == '@' || tf_lex_peek(lx) == ',') {
			if (tf_lex_try(lx, '@'))
				lex_domain(lx);
			else
				tf_lex_byte(lx, ',');
			tf_lex_cfws(lx);
		}
		tf_lex_byte(lx, ':');
		tf_lex_cfws(lx);
	}
}

/* A run of words and dots: a display name or a local part, which only the next byte tells. */
struct words {
	size_t words;
	bool local_part; /* it can be one: words with a dot between any two, UTF-8 */
};

static void
lex_word(struct tf_lex *lx, struct words *run)
{
	struct tf_str text = tf_lex_peek(lx) == '"' ? tf_lex_quoted_string(lx) : tf_lex_atom(lx);

	run->words++;
	if (!tf_str_is_utf8(text))
		run->local_part = false;
}

/* obs-phrase or obs-local-part, section 4.1 and 4.4, and brackets. May be empty. */
static struct words
lex_words(struct tf_lex *lx)
{
	struct words run = { .local_part = true };
	bool dot_before = true;

	for (;;) {
		int c;

		tf_lex_cfws(lx);
		c = tf_lex_peek(lx);
		if (c == '.') {
			tf_lex_byte(lx, '.');
			dot_before = true;
		} else if (c == '[' || c == ']') {
			tf_lex_byte(lx, (char)c);
			run.local_part = false;
		} else if (c == '"' || (c != -1 && tf_is_atext((char)c))) {
			lex_word(lx, &run);
			run.local_part = run.local_part && dot_before;
			dot_before = false;
		} else {
			break;
		}
	}
	run.local_part = run.local_part && run.words != 0;
	return run;
}

static void
add_domain(struct from *f, struct tf_str domain)
{
	for (size_t i = 0; i < f->count; i++) {
		if (tf_str_eq(f->domains[i], domain))
			return;
	}
	if (f->count == f->max)
		from_fail(f, TF_FROM_TOO_MANY_DOMAINS, "too many author domains");
	else
		f->domains[f->count++] = domain;
}

static bool
ends_mailbox(int c)
{
	return c == -1 || c == ',' || c == ';' || c == '>';
}

/* "@" domain of an addr-spec whose local part has been read; empty after an error. */
static struct tf_str
parse_at_domain(struct from *f, const struct words *local)
{
	struct tf_str written, domain = TF_NONE_STR;

	if (ends_mailbox(tf_lex_peek(&f->lx)))
		from_fail(f, TF_FROM_NO_ADDRESS, "an address has no @");
	if (tf_lex_peek(&f->lx) != '@')
		from_fail(f, TF_FROM_SYNTAX, "a character that no address has");
	if (!local->local_part)
		from_fail(f, TF_FROM_SYNTAX, "what stands before the @ is no local part");
	tf_lex_byte(&f->lx, '@');
	tf_lex_cfws(&f->lx);
	if (tf_lex_peek(&f->lx) == '[')
		from_fail(f, TF_FROM_BAD_DOMAIN, "an address literal is no domain");
	written = lex_domain(&f->lx);
	if (f->lx.err == NULL && !tf_domain_normalise(written, f->arena, &domain))
		from_fail(f, TF_FROM_BAD_DOMAIN, "the domain is not a domain name");
	return domain;
}

/* angle-addr and obs-angle-addr */
static struct tf_str
parse_angle_addr(struct from *f)
{
	struct words local;
	struct tf_str domain;

	tf_lex_byte(&f->lx, '<');
	lex_obs_route(&f->lx);
	local = lex_words(&f->lx);
	if (local.words == 0 && tf_lex_peek(&f->lx) == '>')
		from_fail(f, TF_FROM_NO_ADDRESS, "the angle brackets are empty");
	domain = parse_at_domain(f, &local);
	tf_lex_byte(&f->lx, '>');
	tf_lex_cfws(&f->lx);
	return domain;
}

/* What follows the words of a mailbox: name-addr or addr-spec. */
static void
parse_mailbox(struct from *f, const struct words *head)
{
	struct tf_str domain;

	if (tf_lex_peek(&f->lx) == '<') {
		domain = parse_angle_addr(f);
	} else {
		domain = parse_at_domain(f, head);
		if (tf_lex_peek(&f->lx) == '<' && !tf_str_eq(parse_angle_addr(f), domain))
			from_fail(f, TF_FROM_SYNTAX, "two different addresses in one");
	}
	if (f->lx.err == NULL)
		add_domain(f, domain);
}

/* The comma behind an element of a list, and empty elements (obs-addr-list and its like). */
static void
skip_commas(struct from *f)
{
	tf_lex_cfws(&f->lx);
	while (tf_lex_try(&f->lx, ',')) {
		if (++f->commas >= TF_FROM_MAX_ELEMENTS)
			from_fail(f, TF_FROM_SYNTAX, "too many addresses");
		tf_lex_cfws(&f->lx);
	}
}

/* Behind the name of a group: ":" [group-list] ";" */
static void
parse_group_list(struct from *f)
{
	tf_lex_byte(&f->lx, ':');
	skip_commas(f);
	while (!tf_lex_done(&f->lx) && tf_lex_peek(&f->lx) != ';') {
		struct words head = lex_words(&f->lx);

		parse_mailbox(f, &head);
		if (!tf_lex_done(&f->lx) && tf_lex_peek(&f->lx) != ',' &&
		    tf_lex_peek(&f->lx) != ';')
			tf_lex_fail(&f->lx, "text after an address");
		skip_commas(f);
	}
	if (!tf_lex_try(&f->lx, ';'))
		tf_lex_fail(&f->lx, "a group is not closed");
	tf_lex_cfws(&f->lx);
}

/* address = mailbox / group */
static void
parse_address(struct from *f)
{
	struct words head = lex_words(&f->lx);

	if (tf_lex_peek(&f->lx) == ':' && head.words != 0)
		parse_group_list(f);
	else
		parse_mailbox(f, &head);
}

/* address-list, and nothing behind it */
static void
parse_address_list(struct from *f)
{
	skip_commas(f);
	while (!tf_lex_done(&f->lx)) {
		parse_address(f);
		if (!tf_lex_done(&f->lx) && tf_lex_peek(&f->lx) != ',')
			tf_lex_fail(&f->lx, "text after an address");
		skip_commas(f);
	}
	if (f->count == 0)
		from_fail(f, TF_FROM_NO_ADDRESS, "no address");
}

static const char *
over_limits(struct tf_str value)
{
	size_t lines = 0;

	if (value.len > TF_FROM_MAX_OCTETS)
		return "the field is too long";
	for (size_t i = 0; i < value.len; i++)
		lines += value.ptr[i] == '\n';
	return lines > TF_FROM_MAX_LINES ? "the field has too many lines" : NULL;
}

/* Marks, embeddings, overrides and isolates (UAX 9): they reorder what a reader sees. */
static bool
has_bidi_control(struct tf_str s)
{
	uint32_t cp;

	while (s.len != 0) {
		if (!tf_utf8_next(&s, &cp)) {
			s = tf_str_sub(s, 1, s.len); /* other charsets occur in display names */
			continue;
		}
		if (cp == 0x061c || cp == 0x200e || cp == 0x200f ||
		    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069))
			return true;
	}
	return false;
}

/* What the trail should say about an address that is well-formed. */
static const char *
remark(const struct from *f, bool bidi)
{
	bool idn = false;

	for (size_t i = 0; i < f->count; i++)
		idn = idn || tf_domain_is_idn(f->domains[i]);
	if (bidi)
		return idn ? "characters that change the writing direction; internationalised "
			     "domain"
			   : "characters that change the writing direction";
	return idn ? "internationalised domain" : NULL;
}

void
tf_mailbox_from_parse(
    struct tf_str value, size_t max_domains, struct tf_arena *a, struct tf_author *author_out)
{
	struct from f = { .lx = tf_lex_init(value), .arena = a, .max = max_domains };
	bool bidi;

	f.domains = tf_arena_array(a, max_domains, sizeof(*f.domains));
	tf_lex_fail(&f.lx, over_limits(value));
	parse_address_list(&f);
	if (f.lx.err != NULL) {
		*author_out = (struct tf_author){
			.state = f.state != TF_FROM_OK ? f.state : TF_FROM_SYNTAX,
			.reason = tf_str_from(f.lx.err),
		};
		return;
	}
	bidi = has_bidi_control(value);
	*author_out = (struct tf_author){
		.state = TF_FROM_OK,
		.reason = tf_str_from(remark(&f, bidi)),
		.bidi = bidi,
		.domains = f.domains,
		.domain_count = f.count,
	};
}

void
tf_mailbox_authors(const struct tf_header_block *hb, size_t max_domains, struct tf_arena *a,
    struct tf_author *author_out)
{
	size_t at = 0;
	const struct tf_header *from = tf_header_next(hb, TF_STR("From"), &at);

	if (from == NULL)
		*author_out = (struct tf_author){ .state = TF_FROM_MISSING,
			.reason = TF_STR("no From field") };
	else if (tf_header_next(hb, TF_STR("From"), &at) != NULL)
		*author_out = (struct tf_author){ .state = TF_FROM_MULTIPLE_FIELDS,
			.reason = TF_STR("more than one From field") };
	else
		tf_mailbox_from_parse(from->value, max_domains, a, author_out);
}

/*
 * A local part of the envelope, or what may turn out to be the domain: one piece between @ signs.
 * Dots anywhere, quotes and quoted pairs anywhere (RFC 821 had them outside quotes).
 */
static struct tf_str
lex_path_piece(struct tf_lex *lx)
{
	const char *start = lx->p;

	for (;;) {
		int c = tf_lex_peek(lx);

		if (c == '"')
			tf_lex_quoted_string(lx);
		else if (c == '\\')
			tf_lex_quoted_pair(lx);
		else if (c == '.' || (c != -1 && tf_is_atext((char)c)))
			tf_lex_dot_text(lx);
		else
			return (struct tf_str){ start, (size_t)(lx->p - start) };
	}
}

bool
tf_mailbox_path(struct tf_str path, struct tf_str *local_out, struct tf_str *domain_out)
{
	struct tf_lex lx = tf_lex_init(path);
	struct tf_str local = TF_NONE_STR, piece;
	const char *start;

	lex_obs_route(&lx);
	tf_lex_cfws(&lx);
	start = lx.p;
	piece = lex_path_piece(&lx);
	tf_lex_cfws(&lx);
	while (tf_lex_try(&lx, '@')) {
		local = (struct tf_str){ start, (size_t)(piece.ptr + piece.len - start) };
		tf_lex_cfws(&lx);
		piece = lex_path_piece(&lx);
		tf_lex_cfws(&lx);
	}
	if (lx.err != NULL || lx.p != lx.end || local.len == 0 || piece.len == 0)
		return false;
	if (tf_str_find(piece, '"') < piece.len || tf_str_find(piece, '\\') < piece.len)
		return false;
	*local_out = local;
	*domain_out = piece;
	return true;
}
