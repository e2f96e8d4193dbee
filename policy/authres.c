/*
 * authres.c - write our Authentication-Results field
 *
 * Implements RFC 8601 sections 2.2 and 4 in the form of the interface: one field; one result a
 * line, folded between its parts; order result, comment, reason, properties. Every value from
 * outside goes through one encoder: domain name, token, quoted-string, mail address, or dropped.
 * ASCII alone, so a field fits any message, and domains are A-labels.
 * Does not: evaluate, or recognise forged fields (authres_read.c).
 * Limits: TF_DKIM_MAX signatures; values over their cap are dropped whole.
 */
#include "policy/authres.h"
#include "policy/rfc5322.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define TF_DKIM_MAX 20
#define FOLD_AT 78 /* RFC 5322 section 2.1.1 */
#define REASON_MAX 200
#define WORD_MAX 256
#define LOCAL_PART_MAX 64 /* RFC 5321 section 4.5.3.1.1 */
#define B_MIN 8
#define B_MAX 64

static bool
is_printable(char c)
{
	return !tf_is_ctl(c) && !tf_is_8bit(c);
}

static bool
all_are(struct tf_str s, bool (*is)(char))
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is(s.ptr[i]))
			return false;
	}
	return true;
}

/* The encoder. Each form appends to out and returns true, or the value has no such form. */

static bool
is_domain_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* No other form for domains: quoted, a hostile one could still show text that reads like a result.
 */
static bool
encode_domain(struct tf_str v, struct tf_buf *out)
{
	if (v.len == 0 || v.len > TF_DOMAIN_MAX || !all_are(v, is_domain_byte))
		return false;
	tf_buf_str(out, v);
	return true;
}

static bool
is_value_byte(char c)
{
	return is_printable(c) && c != '"' && c != '\\';
}

/* value = token / quoted-string. No quoted pairs: there are readers that stumble over them. */
static bool
encode_value(struct tf_str v, struct tf_buf *out)
{
	bool quote = !all_are(v, tf_is_token);

	if (v.len == 0 || v.len > WORD_MAX || !all_are(v, is_value_byte))
		return false;
	if (quote)
		tf_buf_byte(out, '"');
	tf_buf_str(out, v);
	if (quote)
		tf_buf_byte(out, '"');
	return true;
}

/* A token or nothing: for values that no reader expects in quotes. */
static bool
encode_token(struct tf_str v, struct tf_buf *out)
{
	return all_are(v, tf_is_token) && encode_value(v, out);
}

static bool
is_base64_byte(char c)
{
	return tf_is_alnum(c) || c == '+' || c == '/';
}

/* The beginning of a signature: "=" at its end alone, or it could read "spf=pass". */
static bool
encode_base64(struct tf_str v, struct tf_buf *out)
{
	struct tf_str text = v;

	while (text.len != 0 && text.ptr[text.len - 1] == '=')
		text.len--;
	return all_are(text, is_base64_byte) && encode_value(v, out);
}

/*
 * Dot-string of RFC 5321, of what a token may hold alone: without "/" and "=", which some readers
 * take for their own, and with which a local part could read "dmarc=pass".
 */
static bool
is_plain_local_part(struct tf_str local)
{
	struct tf_lex lx = tf_lex_init(local);

	do {
		tf_lex_atom(&lx);
	} while (tf_lex_try(&lx, '.'));
	return lx.err == NULL && tf_lex_done(&lx) && all_are(local, tf_is_token);
}

/*
 * [ [ local-part ] "@" ] domain-name: an identity is written as it is, never quoted as a whole. One
 * with a quoted local part is dropped: SpamAssassin would drop the field, other results and all.
 */
static bool
encode_mailbox(struct tf_str v, struct tf_buf *out)
{
	size_t at = tf_str_rfind(v, '@');
	struct tf_str local = tf_str_sub(v, 0, at);
	struct tf_str domain = tf_str_sub(v, at + 1, v.len);

	if (at == v.len || local.len > LOCAL_PART_MAX)
		return false;
	if (local.len != 0 && !is_plain_local_part(local))
		return false;
	if (domain.len == 0 || domain.len > TF_DOMAIN_MAX || !all_are(domain, is_domain_byte))
		return false;
	tf_buf_str(out, v);
	return true;
}

/* The field under construction. */
struct writer {
	struct tf_buf *out;
	bool fold;
	size_t line_start; /* where the line begins in out */
};

static void
begin_result(struct writer *w)
{
	tf_buf_byte(w->out, ';');
	if (w->fold) {
		tf_buf_byte(w->out, '\n');
		w->line_start = w->out->len;
		tf_buf_byte(w->out, '\t');
	} else {
		tf_buf_byte(w->out, ' ');
	}
}

/* One part of a result behind its first; never broken. There is room for the ";" that follows. */
static void
put_part(struct writer *w, struct tf_str part)
{
	if (w->fold && w->out->len - w->line_start + 1 + part.len >= FOLD_AT) {
		tf_buf_byte(w->out, '\n');
		w->line_start = w->out->len;
		tf_buf_byte(w->out, '\t');
	}
	tf_buf_byte(w->out, ' ');
	tf_buf_str(w->out, part);
}

static void
put_property(struct writer *w, const char *name, struct tf_str value,
    bool (*encode)(struct tf_str, struct tf_buf *))
{
	char storage[WORD_MAX + LOCAL_PART_MAX + 32];
	struct tf_buf part;

	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_lit(&part, name);
	tf_buf_byte(&part, '=');
	if (encode(value, &part) && !part.overflow)
		put_part(w, tf_buf_get(&part));
}

static void
put_result(struct writer *w, const char *method, enum tf_code code)
{
	begin_result(w);
	tf_buf_lit(w->out, method);
	tf_buf_byte(w->out, '=');
	tf_buf_lit(w->out, tf_code_name(code));
}

/* Stands in where a check gave no words: an error never goes without a reason. */
static const char *const plain_reasons[] = {
	[TF_NONE] = "nothing to check",
	[TF_PASS] = "passed",
	[TF_FAIL] = "verification failed",
	[TF_SOFTFAIL] = "not authorised",
	[TF_NEUTRAL] = "could not be processed",
	[TF_POLICY] = "not acceptable here",
	[TF_TEMPERROR] = "temporary failure",
	[TF_PERMERROR] = "permanent failure",
};

static bool
ends_with_method(struct tf_str text)
{
	static const char *const methods[] = { "spf", "dkim", "arc", "dmarc", "auth", "iprev" };

	for (size_t i = 0; i < TF_ARRAY_LEN(methods); i++) {
		if (tf_str_ends_nocase(tf_str_trim(text), tf_str_from(methods[i])))
			return true;
	}
	return false;
}

static char
reason_byte(struct tf_str before, char c)
{
	if (!is_printable(c))
		return '?';
	if (c == '"' || c == '\\')
		return '\'';
	return c == '=' && ends_with_method(before) ? ':' : c;
}

/* Reasons are our own words, but may quote a record: no control character, and nothing in them
 * that a careless reader could take for a result ("dmarc=pass"). */
static void
put_reason(struct writer *w, struct tf_str reason, enum tf_code code)
{
	char storage[REASON_MAX + sizeof("reason=\"\"")];
	struct tf_buf part;

	if (reason.len == 0 || reason.len > REASON_MAX)
		reason = tf_str_from(plain_reasons[code]);
	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_lit(&part, "reason=\"");
	for (size_t i = 0; i < reason.len; i++)
		tf_buf_byte(&part, reason_byte(tf_str_sub(reason, 0, i), reason.ptr[i]));
	tf_buf_byte(&part, '"');
	put_part(w, tf_buf_get(&part));
}

static void
put_spf(struct writer *w, const struct tf_spf *spf)
{
	put_result(w, "spf", spf->code);
	if (spf->code == TF_TEMPERROR || spf->code == TF_PERMERROR)
		put_reason(w, spf->reason, spf->code);
	put_property(
	    w, spf->helo_identity ? "smtp.helo" : "smtp.mailfrom", spf->domain, encode_domain);
}

static bool
is_aligned(const struct tf_result *res, size_t index)
{
	for (size_t i = 0; i < res->author_count; i++) {
		if (res->authors[i].aligned_dkim && res->authors[i].dkim_index == index)
			return true;
	}
	return false;
}

/* Which signatures are worth their place when there are too many; the lower the better. */
static int
rank_of(const struct tf_result *res, size_t index)
{
	if (is_aligned(res, index))
		return 0;
	return res->dkim[index].code == TF_PASS ? 1 : 2;
}

/* The signatures that the field names, in message order. */
struct picked {
	size_t index[TF_DKIM_MAX], count;
};

static void
pick_signatures(const struct tf_result *res, struct picked *p)
{
	size_t of_rank[3] = { 0 }, room = TF_DKIM_MAX;

	for (size_t i = 0; i < res->dkim_count; i++)
		of_rank[rank_of(res, i)]++;
	for (int rank = 0; rank < 3; rank++) {
		if (of_rank[rank] > room)
			of_rank[rank] = room;
		room -= of_rank[rank];
	}
	p->count = 0;
	for (size_t i = 0; i < res->dkim_count && p->count < TF_DKIM_MAX; i++) {
		int rank = rank_of(res, i);

		if (of_rank[rank] == 0)
			continue;
		of_rank[rank]--;
		p->index[p->count++] = i;
	}
}

/* How many characters a has to show to differ from b; B_MIN when nothing can tell them apart. */
static size_t
telling_length(struct tf_str a, struct tf_str b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && n < B_MAX && a.ptr[n] == b.ptr[n])
		n++;
	return n < B_MIN || tf_str_eq(a, b) ? B_MIN : n + 1;
}

static struct tf_str
header_b(const struct tf_result *res, const struct picked *p, size_t index)
{
	struct tf_str b = res->dkim[index].b;
	size_t len = B_MIN;

	for (size_t i = 0; i < p->count; i++) {
		size_t needed = telling_length(b, res->dkim[p->index[i]].b);

		if (p->index[i] != index && needed > len)
			len = needed;
	}
	return tf_str_sub(b, 0, len > B_MAX ? B_MAX : len);
}

struct tf_str
tf_authres_header_b(const struct tf_result *res, size_t index)
{
	struct picked p;

	pick_signatures(res, &p);
	return header_b(res, &p, index);
}

/* What a pass is worth; a failure has its reason in this place. */
static void
put_key_comment(struct writer *w, const struct tf_dkim *sig)
{
	char storage[48];
	struct tf_buf part;

	tf_buf_init(&part, storage, sizeof(storage));
	tf_buf_printf(&part, "(%u-bit key%s)", sig->bits, sig->key_testing ? ", test mode" : "");
	put_part(w, tf_buf_get(&part));
}

static void
put_signature(struct writer *w, const struct tf_dkim *sig, struct tf_str b)
{
	put_result(w, "dkim", sig->code);
	if (sig->code == TF_PASS)
		put_key_comment(w, sig);
	else
		put_reason(w, sig->reason, sig->code);
	put_property(w, "header.d", sig->domain, encode_domain);
	put_property(w, "header.i", sig->identity, encode_mailbox);
	put_property(w, "header.a", sig->algorithm, encode_token);
	put_property(w, "header.s", sig->selector, encode_domain);
	put_property(w, "header.b", b, encode_base64);
}

static void
put_dkim(struct writer *w, const struct tf_result *res)
{
	struct picked p;

	pick_signatures(res, &p);
	for (size_t i = 0; i < p.count; i++)
		put_signature(w, &res->dkim[p.index[i]], header_b(res, &p, p.index[i]));
	if (p.count == 0)
		put_result(w, "dkim", TF_NONE);
}

static void
put_arc(struct writer *w, const struct tf_result *res)
{
	char comment[24], client[64];
	/* arc has no temperror (RFC 8617 section 10.3). */
	enum tf_code code = res->arc.code == TF_TEMPERROR ? TF_FAIL : res->arc.code;
	struct tf_buf part;

	if (res->arc.instances == 0 && code == TF_NONE)
		return;
	put_result(w, "arc", code);
	tf_buf_init(&part, comment, sizeof(comment));
	tf_buf_printf(&part, "(i=%u)", res->arc.instances);
	if (res->arc.instances != 0)
		put_part(w, tf_buf_get(&part));
	if (code == TF_FAIL)
		put_reason(w, res->arc.reason, res->arc.code);
	tf_buf_init(&part, client, sizeof(client));
	tf_addr_write(&res->identity.client, &part);
	put_property(w, "smtp.remote-ip", tf_buf_get(&part), encode_value);
}

static void
put_dmarc(struct writer *w, const struct tf_dmarc *d, enum tf_dmarc_policy disposition)
{
	char comment[48];
	struct tf_buf part;

	put_result(w, "dmarc", d->code);
	tf_buf_init(&part, comment, sizeof(comment));
	tf_buf_printf(&part, "(p=%s dis=%s)", tf_dmarc_policy_name(d->policy),
	    tf_dmarc_policy_name(disposition));
	if (d->code != TF_NONE)
		put_part(w, tf_buf_get(&part));
	if (d->code == TF_TEMPERROR || d->code == TF_PERMERROR)
		put_reason(w, d->reason, d->code);
	put_property(w, "header.from", d->from, encode_domain);
	if (d->code == TF_PASS || d->code == TF_FAIL)
		put_property(w, "policy.dmarc",
		    tf_str_from(tf_dmarc_policy_name(d->applied_policy)), encode_value);
}

/* Ours, from the configuration or the MTA; a U-label becomes an A-label. */
static void
put_authserv_id(struct tf_str id, struct tf_buf *out)
{
	struct tf_arena *a = tf_arena_new();

	if (!tf_str_is_ascii(id))
		tf_domain_normalise(id, a, &id);
	if (!encode_value(id, out))
		tf_buf_lit(out, "localhost");
	tf_arena_free(a);
}

void
tf_authres_write(const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str authserv_id, bool fold, struct tf_buf *out)
{
	struct writer w = { .out = out, .fold = fold, .line_start = out->len };
	const struct tf_dmarc *dmarc = verdict->dmarc != NULL ? verdict->dmarc : res->dmarc;

	if (fold)
		tf_buf_byte(out, ' ');
	put_authserv_id(authserv_id, out);
	put_spf(&w, &res->mailfrom);
	put_dkim(&w, res);
	put_arc(&w, res);
	if (dmarc != NULL)
		put_dmarc(&w, dmarc, verdict->disposition);
}
