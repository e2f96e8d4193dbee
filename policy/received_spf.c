/*
 * received_spf.c - write our Received-SPF field, and recognise those that claim to be ours
 *
 * Implements RFC 7208 section 9.1. Values from outside go through one encoder: dot-atom,
 * quoted-string without quoted pairs, or the key is left out. Quoted-strings hold nothing that ends
 * a value for a reader who does not know quotes. A field on arrival is read in each way in which a
 * consumer may look for its receiver: the key wherever it stands, and the name before ":" at the
 * head of a comment.
 * Does not: evaluate (spf_eval.c), or compare ids (authres_read.c).
 * Limits: values over VALUE_MAX are left out; a field on arrival with over READINGS_MAX names
 * counts as forged.
 */
#include "policy/authres.h"
#include "policy/rfc5322.h"
#include "truefrom/domain.h"
#include "truefrom/received_spf.h"
#include "truefrom/banned.h"

#define FOLD_AT 78    /* RFC 5322 section 2.1.1 */
#define VALUE_MAX 320 /* a mailbox: 64, "@" and 255 (RFC 5321 section 4.5.3.1) */
#define PAIR_MAX (VALUE_MAX + 32)
#define COMMENT_MAX 700
#define READINGS_MAX 100

static const struct tf_str receiver_key = TF_LIT("receiver");

/* The field under construction. */
struct writer {
	struct tf_buf *out;
	bool fold;
	size_t column; /* of the line, the field's name counted */
};

/* Never broken within. */
static void
put_part(struct writer *w, struct tf_str part)
{
	if (w->fold && w->column + 1 + part.len > FOLD_AT) {
		tf_buf_lit(w->out, "\n\t");
		w->column = 0;
	} else {
		tf_buf_byte(w->out, ' ');
	}
	tf_buf_str(w->out, part);
	w->column += 1 + part.len;
}

static bool
is_safe(char c)
{
	static const struct tf_str ends = TF_LIT("\"\\()<>,; ");

	return !tf_is_ctl(c) && tf_str_find(ends, c) == ends.len;
}

/* dot-atom, of what cannot be taken for another key. */
static bool
is_dot_atom(struct tf_str v)
{
	struct tf_lex lx = tf_lex_init(v);

	do {
		tf_lex_atom(&lx);
	} while (tf_lex_try(&lx, '.'));
	return lx.err == NULL && tf_lex_done(&lx) && tf_str_is_ascii(v) &&
	       tf_str_find(v, '=') == v.len;
}

/* UTF-8 without control characters: those of C1, too, drive terminals. */
static bool
is_clean_utf8(struct tf_str v)
{
	uint32_t cp;

	while (v.len != 0) {
		if (!tf_utf8_next(&v, &cp) || (cp >= 0x7f && cp < 0xa0))
			return false;
	}
	return true;
}

static bool
can_quote(struct tf_str v, bool utf8)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!is_safe(v.ptr[i]))
			return false;
	}
	return utf8 ? is_clean_utf8(v) : tf_str_is_ascii(v);
}

/* key=value; nothing for a value that has no form. */
static void
put_pair(struct writer *w, const char *key, struct tf_str value, bool utf8)
{
	char storage[PAIR_MAX];
	struct tf_buf part;
	bool plain = is_dot_atom(value);

	if (value.len == 0 || value.len > VALUE_MAX || !(plain || can_quote(value, utf8)))
		return;
	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_lit(&part, key);
	tf_buf_lit(&part, plain ? "=" : "=\"");
	tf_buf_str(&part, value);
	tf_buf_lit(&part, plain ? ";" : "\";");
	put_part(w, tf_buf_get(&part));
}

/* Our own words, which may quote a record. */
static void
put_problem(struct writer *w, const struct tf_spf *spf)
{
	char storage[PAIR_MAX];
	struct tf_str why = spf->reason;
	struct tf_buf part;

	if (why.len == 0 || why.len > VALUE_MAX)
		why = TF_STR("not known");
	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_lit(&part, "problem=\"");
	for (size_t i = 0; i < why.len; i++) {
		char c = why.ptr[i];

		tf_buf_byte(&part, c == ' ' || (is_safe(c) && !tf_is_8bit(c)) ? c : '?');
	}
	tf_buf_lit(&part, "\";");
	put_part(w, tf_buf_get(&part));
}

static bool
is_domain_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* A name that can stand in a comment. */
static bool
is_domain(struct tf_str s)
{
	struct tf_lex lx = tf_lex_init(s);

	tf_lex_while(&lx, is_domain_byte);
	return s.len != 0 && s.len <= TF_DOMAIN_MAX && tf_lex_done(&lx);
}

/* What a result says of the client and the domain, for people; HELO names a host, MAIL FROM one
 * that sends. */
static void
write_finding(const struct tf_spf *spf, struct tf_str client, struct tf_buf *out)
{
	const char *does = spf->helo_identity ? "call itself" : "send mail for";

	switch (spf->code) {
	case TF_PASS:
		tf_buf_printf(out, "%.*s may %s %.*s", TF_PRI(client), does, TF_PRI(spf->domain));
		return;
	case TF_FAIL:
		tf_buf_printf(
		    out, "%.*s may not %s %.*s", TF_PRI(client), does, TF_PRI(spf->domain));
		return;
	case TF_SOFTFAIL:
		tf_buf_printf(out, "%.*s probably may not %s %.*s", TF_PRI(client), does,
		    TF_PRI(spf->domain));
		return;
	case TF_NEUTRAL:
		tf_buf_printf(out, "%.*s does not say whether %.*s may %s it", TF_PRI(spf->domain),
		    TF_PRI(client), does);
		return;
	case TF_NONE:
	case TF_POLICY: /* no result of SPF */
		tf_buf_printf(out, "no SPF record at %.*s", TF_PRI(spf->domain));
		return;
	case TF_TEMPERROR:
		tf_buf_printf(out, "no answer about %.*s for now", TF_PRI(spf->domain));
		return;
	case TF_PERMERROR:
		tf_buf_printf(out, "%.*s has an SPF record that is of no use", TF_PRI(spf->domain));
		return;
	}
	tf_panic("SPF result %d", (int)spf->code);
}

static void
put_comment(
    struct writer *w, const struct tf_spf *spf, struct tf_str receiver, struct tf_str client)
{
	char storage[COMMENT_MAX];
	struct tf_buf part;

	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_byte(&part, '(');
	if (is_domain(receiver))
		tf_buf_printf(&part, "%.*s: ", TF_PRI(receiver));
	if (client.len == 0)
		tf_buf_lit(&part, "the client's address is not known");
	else if (!is_domain(spf->domain))
		tf_buf_lit(&part, "no domain to ask about");
	else
		write_finding(spf, client, &part);
	tf_buf_byte(&part, ')');
	put_part(w, tf_buf_get(&part));
}

void
tf_received_spf_write(const struct tf_identity *id, const struct tf_spf *spf,
    struct tf_str receiver, bool fold, struct tf_buf *out)
{
	struct writer w = { .out = out, .fold = fold };
	bool error = spf->code == TF_TEMPERROR || spf->code == TF_PERMERROR;
	const char *result = tf_code_name(spf->code);
	char storage[64];
	struct tf_buf client;

	tf_buf_init(&client, storage, sizeof(storage));
	tf_addr_write(&id->client, &client);
	if (fold)
		tf_buf_byte(out, ' ');
	tf_buf_lit(out, result);
	w.column = sizeof("Received-SPF: ") - 1 + tf_str_from(result).len;
	put_comment(&w, spf, receiver, tf_buf_get(&client));
	put_pair(&w, "client-ip", tf_buf_get(&client), false);
	if (!spf->helo_identity)
		put_pair(&w, "envelope-from", id->mail_from, id->smtputf8);
	put_pair(&w, "helo", id->helo, false);
	put_pair(&w, "receiver", receiver, false);
	if (error)
		put_problem(&w, spf);
	else if (spf->code != TF_NONE)
		put_pair(&w, "mechanism",
		    spf->mechanism.len != 0 ? spf->mechanism : TF_STR("default"), false);
	put_part(&w, spf->helo_identity ? TF_STR("identity=helo") : TF_STR("identity=mailfrom"));
}

/* What a field on arrival says about its receiver. */
struct readings {
	const struct tf_authres_ids *ids;
	struct tf_arena *arena;
	size_t count;
	bool ours;
};

static void
note_reading(struct readings *r, struct tf_str name)
{
	name = tf_str_trim(name);
	if (name.len == 0)
		return;
	r->count++;
	r->ours = r->ours || tf_authres_ids_have(r->ids, name, r->arena);
}

static bool
is_value_byte(char c)
{
	static const struct tf_str ends = TF_LIT("\"(); \t\r\n");

	return tf_str_find(ends, c) == ends.len;
}

/* What stands behind the word "receiver": [CFWS] "=" [CFWS] value; what cannot be read is ours. */
static void
read_value(struct readings *r, struct tf_str rest)
{
	struct tf_lex lx = tf_lex_init(rest);

	tf_lex_cfws(&lx);
	if (tf_lex_try(&lx, '=')) {
		tf_lex_cfws(&lx);
		if (tf_lex_peek(&lx) == '"')
			note_reading(r, tf_unquote(tf_lex_quoted_string(&lx), r->arena));
		else
			note_reading(r, tf_lex_while(&lx, is_value_byte));
	}
	r->ours = r->ours || lx.err != NULL;
}

static bool
is_head_byte(char c)
{
	return is_value_byte(c) && c != ':';
}

/* "name:" at the head of a comment. */
static void
read_comment(struct readings *r, struct tf_str rest)
{
	struct tf_lex lx = tf_lex_init(rest);
	struct tf_str name;

	tf_lex_fws(&lx);
	name = tf_lex_while(&lx, is_head_byte);
	tf_lex_fws(&lx);
	if (tf_lex_peek(&lx) == ':')
		note_reading(r, name);
}

bool
tf_received_spf_is_forged(struct tf_str value, const struct tf_authres_ids *ids)
{
	struct readings r = { .ids = ids, .arena = tf_arena_new() };
	bool in_word = false;

	for (size_t i = 0; i < value.len && !r.ours && r.count <= READINGS_MAX; i++) {
		struct tf_str rest = tf_str_sub(value, i, value.len);

		if (value.ptr[i] == '(')
			read_comment(&r, tf_str_sub(rest, 1, rest.len));
		else if (!in_word && tf_str_starts_nocase(rest, receiver_key))
			read_value(&r, tf_str_sub(rest, receiver_key.len, rest.len));
		in_word = is_domain_byte(value.ptr[i]);
	}
	tf_arena_free(r.arena);
	return r.ours || r.count == 0 || r.count > READINGS_MAX;
}

bool
tf_received_spf_is_name(struct tf_str name)
{
	return tf_str_eq_nocase(tf_str_trim(name), TF_STR("Received-SPF"));
}
