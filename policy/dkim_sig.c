/*
 * dkim_sig.c - one DKIM-Signature, ARC-Message-Signature or ARC-Seal field, read strictly
 *
 * Implements RFC 6376 sections 3.5 and 6.1.1, RFC 8301 section 3.1 (rsa-sha1 is refused), RFC 8463
 * section 3, the internationalized values of RFC 8616, and RFC 8617 sections 4.1.2 and 4.1.3, whose
 * fields have the same tags but for i=, v= and cv=. What is reported about a signature and what is
 * verified come from this one reading.
 * Does not: fetch keys (dkim_key.c), hash, or compare with the message; look at what a chain of ARC
 * fields amounts to (arc_set.c).
 * Limits: TF_DKIM_FIELD_MAX, TF_DKIM_NAMES_MAX, TF_DKIM_IDENTITY_MAX, l= of 76 digits.
 */
#include "truefrom/domain.h"
#include "policy/dkim_sig.h"
#include "policy/rfc5322.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

#define TIME_DIGITS_MAX 12
#define LIMIT_DIGITS_MAX 76
#define ALGORITHM_MAX 64
/* No body is longer; and it leaves room for sums. */
#define LIMIT_MAX ((uint64_t)1 << 62)

/* The state of one reading. */
struct reading {
	struct tf_dkim_sig *sig;
	struct tf_arena *arena;
	struct tf_taglist tags;
};

/* The first finding stays. */
static void
found(struct tf_dkim_sig *sig, enum tf_code code, const char *reason)
{
	if (sig->code != TF_NONE)
		return;
	sig->code = code;
	sig->reason = tf_str_from(reason);
}

static const struct tf_tag *
required(struct reading *r, const char *name, const char *reason)
{
	const struct tf_tag *tag = tf_taglist_get(&r->tags, name);

	if (tag == NULL)
		found(r->sig, TF_PERMERROR, reason);
	return tag;
}

/* The value of a tag, or what it is when the tag is absent. */
static struct tf_str
value_or(const struct reading *r, const char *name, struct tf_str absent)
{
	const struct tf_tag *tag = tf_taglist_get(&r->tags, name);

	return tag != NULL ? tag->value : absent;
}

static bool
all(struct tf_str s, bool (*is)(char))
{
	struct tf_lex lx = tf_lex_init(s);

	tf_lex_while(&lx, is);
	return s.len != 0 && tf_lex_done(&lx);
}

static bool
is_base64_byte(char c)
{
	return tf_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* ftext of RFC 5322 section 2.2 */
static bool
is_field_name_byte(char c)
{
	return c > ' ' && c < 127 && c != ':';
}

static void
read_version(struct reading *r)
{
	const struct tf_tag *v = required(r, "v", "v= is missing");

	if (v != NULL && !tf_str_eq(v->value, TF_STR("1")))
		found(r->sig, TF_NEUTRAL, "version is unknown");
}

static void
read_algorithm(struct reading *r)
{
	const struct tf_tag *a = required(r, "a", "a= is missing");

	if (a == NULL)
		return;
	if (a->value.len <= ALGORITHM_MAX && all(a->value, tf_is_token))
		r->sig->algorithm = a->value;
	if (tf_str_eq(a->value, TF_STR("rsa-sha256")))
		r->sig->key_type = TF_KEY_RSA;
	else if (tf_str_eq(a->value, TF_STR("ed25519-sha256")))
		r->sig->key_type = TF_KEY_ED25519;
	else if (tf_str_eq(a->value, TF_STR("rsa-sha1")))
		found(r->sig, TF_PERMERROR, "rsa-sha1 is not accepted");
	else
		found(r->sig, TF_NEUTRAL, "algorithm is unknown");
}

/* domain-name and selector of RFC 6376 section 3.5 have no trailing dot. */
static bool
read_name(const struct tf_tag *tag, struct tf_arena *a, struct tf_str *name_out)
{
	struct tf_str name = tag->value;

	if (name.len == 0 || name.ptr[name.len - 1] == '.')
		return false;
	return tf_domain_normalise(name, a, name_out);
}

static void
read_domain(struct reading *r)
{
	const struct tf_tag *d = required(r, "d", "d= is missing");
	struct tf_str domain;

	if (d == NULL)
		return;
	if (!read_name(d, r->arena, &domain) || tf_domain_labels(domain) < 2)
		found(r->sig, TF_NEUTRAL, "d= is not a domain name");
	else
		r->sig->domain = domain;
}

static void
read_selector(struct reading *r)
{
	const struct tf_tag *s = required(r, "s", "s= is missing");
	struct tf_dkim_sig *sig = r->sig;

	if (s == NULL)
		return;
	if (!read_name(s, r->arena, &sig->selector)) {
		found(sig, TF_NEUTRAL, "s= is not a selector");
		return;
	}
	if (sig->domain.len == 0)
		return;
	sig->key_name = tf_arena_printf(
	    r->arena, "%.*s._domainkey.%.*s", TF_PRI(sig->selector), TF_PRI(sig->domain));
	if (!tf_domain_can_ask(sig->key_name))
		found(sig, TF_NEUTRAL, "name of the key is too long");
}

static int
hex_digit(char c)
{
	if (tf_is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* dkim-quoted-printable (RFC 6376 section 2.11), white space dropped already */
static bool
decode_quoted(struct tf_str in, struct tf_buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		int high, low;

		if (in.ptr[i] != '=') {
			tf_buf_byte(out, in.ptr[i]);
			continue;
		}
		if (in.len - i < 3)
			return false;
		high = hex_digit(in.ptr[i + 1]);
		low = hex_digit(in.ptr[i + 2]);
		if (high < 0 || low < 0)
			return false;
		tf_buf_byte(out, (char)(high << 4 | low));
		i += 2;
	}
	return !out->overflow;
}

/* Local-part of RFC 5321 section 4.1.2 with RFC 6532; may be empty in i=. */
static bool
is_local_part(struct tf_str local)
{
	struct tf_lex lx = tf_lex_init(local);

	if (local.len == 0)
		return true;
	for (size_t i = 0; i < local.len; i++) {
		if (tf_is_ctl(local.ptr[i]))
			return false;
	}
	if (tf_lex_peek(&lx) == '"') {
		tf_lex_quoted_string(&lx);
	} else {
		tf_lex_atom(&lx);
		while (tf_lex_try(&lx, '.'))
			tf_lex_atom(&lx);
	}
	return tf_lex_done(&lx) && lx.err == NULL && tf_str_is_utf8(local);
}

/* [ Local-part ] "@" domain-name: the domain, normalised. */
static bool
identity_domain(struct tf_str value, struct tf_arena *a, struct tf_str *domain_out)
{
	char storage[TF_DKIM_IDENTITY_MAX];
	struct tf_str text, domain;
	struct tf_buf decoded;
	size_t at;

	tf_buf_init(&decoded, storage, sizeof(storage));
	if (value.len > TF_DKIM_IDENTITY_MAX || !decode_quoted(value, &decoded))
		return false;
	text = tf_buf_get(&decoded);
	at = tf_str_rfind(text, '@');
	if (at == text.len || !is_local_part(tf_str_sub(text, 0, at)))
		return false;
	domain = tf_str_sub(text, at + 1, text.len);
	return domain.len != 0 && domain.ptr[domain.len - 1] != '.' &&
	       tf_domain_normalise(domain, a, domain_out);
}

static void
read_identity(struct reading *r)
{
	const struct tf_tag *i = tf_taglist_get(&r->tags, "i");
	struct tf_dkim_sig *sig = r->sig;
	struct tf_str value, domain;

	if (sig->domain.len == 0)
		return;
	sig->identity = tf_arena_printf(r->arena, "@%.*s", TF_PRI(sig->domain));
	sig->exact_domain = true;
	if (i == NULL)
		return;
	value = tf_taglist_squeeze(i->value, r->arena);
	if (!identity_domain(value, r->arena, &domain)) {
		found(sig, TF_NEUTRAL, "i= is not an identity");
		return;
	}
	sig->identity = value;
	sig->exact_domain = tf_str_eq(domain, sig->domain);
	if (!tf_domain_is_below_or_equal(domain, sig->domain))
		found(sig, TF_PERMERROR, "i= is not within d=");
}

static void
read_canonicalization(struct reading *r)
{
	static const struct {
		struct tf_str text;
		bool header, body; /* relaxed */
	} known[] = {
		{ TF_LIT("simple/simple"), false, false },
		{ TF_LIT("simple"), false, false },
		{ TF_LIT("simple/relaxed"), false, true },
		{ TF_LIT("relaxed/simple"), true, false },
		{ TF_LIT("relaxed"), true, false },
		{ TF_LIT("relaxed/relaxed"), true, true },
	};
	struct tf_str c = value_or(r, "c", TF_STR("simple/simple"));

	for (size_t i = 0; i < TF_ARRAY_LEN(known); i++) {
		if (tf_str_eq(c, known[i].text)) {
			r->sig->header_relaxed = known[i].header;
			r->sig->body_relaxed = known[i].body;
			return;
		}
	}
	found(r->sig, TF_NEUTRAL, "canonicalization is unknown");
}

static void
read_query(struct reading *r)
{
	struct tf_str rest = value_or(r, "q", TF_STR("dns/txt")), item;

	while (tf_taglist_item(&rest, &item)) {
		if (tf_str_eq(item, TF_STR("dns/txt")))
			return;
	}
	found(r->sig, TF_NEUTRAL, "query method is unknown");
}

static void
read_names(struct reading *r)
{
	const struct tf_tag *h = required(r, "h", "h= is missing");
	struct tf_str rest, item;
	size_t count = 0;

	if (h == NULL)
		return;
	rest = h->value;
	while (tf_taglist_item(&rest, &item)) {
		if (!all(item, is_field_name_byte))
			found(r->sig, TF_NEUTRAL, "h= is not a list of field names");
		if (++count > TF_DKIM_NAMES_MAX) {
			found(r->sig, TF_NEUTRAL, "h= has too many names");
			return;
		}
	}
	r->sig->names = h->value;
	if (tf_dkim_sig_covers(r->sig, TF_STR("From")) == 0)
		found(r->sig, TF_PERMERROR, "From is not signed");
}

static void
read_signature(struct reading *r)
{
	const struct tf_tag *b = required(r, "b", "b= is missing");
	struct tf_str text;

	if (b == NULL)
		return;
	text = tf_taglist_squeeze(b->value, r->arena);
	if (all(text, is_base64_byte))
		r->sig->b = text;
	if (!tf_base64_decode(text, r->arena, &r->sig->signature) || r->sig->signature.len == 0)
		found(r->sig, TF_NEUTRAL, "b= is not base64");
}

static void
read_body_hash(struct reading *r)
{
	const struct tf_tag *bh = required(r, "bh", "bh= is missing");
	struct tf_str text;

	if (bh == NULL)
		return;
	text = tf_taglist_squeeze(bh->value, r->arena);
	if (!tf_base64_decode(text, r->arena, &r->sig->body_hash) || r->sig->body_hash.len == 0)
		found(r->sig, TF_NEUTRAL, "bh= is not base64");
}

static void
read_limit(struct reading *r)
{
	const struct tf_tag *l = tf_taglist_get(&r->tags, "l");
	struct tf_dkim_sig *sig = r->sig;

	if (l == NULL)
		return;
	sig->limited = true;
	if (!all(l->value, tf_is_digit) || l->value.len > LIMIT_DIGITS_MAX)
		found(sig, TF_NEUTRAL, "l= is not a number");
	else if (!tf_str_to_u64(l->value, LIMIT_MAX, &sig->limit))
		found(sig, TF_PERMERROR, "l= exceeds the body");
}

static struct tf_dkim_time
read_time(struct reading *r, const char *name, const char *reason)
{
	const struct tf_tag *tag = tf_taglist_get(&r->tags, name);
	struct tf_dkim_time when = { .given = tag != NULL };
	uint64_t s;

	if (tag == NULL)
		return when;
	if (!all(tag->value, tf_is_digit))
		found(r->sig, TF_NEUTRAL, reason);
	else if (tag->value.len > TIME_DIGITS_MAX)
		when.infinite = true;
	else if (tf_str_to_u64(tag->value, INT64_MAX, &s))
		when.s = (int64_t)s;
	return when;
}

static void
read_times(struct reading *r, int64_t now, int64_t skew_s)
{
	struct tf_dkim_sig *sig = r->sig;

	sig->signed_at = read_time(r, "t", "t= is not a time");
	sig->expires = read_time(r, "x", "x= is not a time");
	if (sig->signed_at.given && sig->expires.given && !sig->expires.infinite &&
	    (sig->signed_at.infinite || sig->expires.s <= sig->signed_at.s))
		found(sig, TF_PERMERROR, "x= is not after t=");
	if (sig->expires.given && !sig->expires.infinite && sig->expires.s < now - skew_s)
		found(sig, TF_FAIL, "signature has expired");
}

static void
refuse_future(struct tf_dkim_sig *sig, int64_t now, int64_t skew_s)
{
	if (sig->signed_at.infinite || (sig->signed_at.given && sig->signed_at.s > now + skew_s))
		found(sig, TF_FAIL, "signature is from the future");
}

bool
tf_arc_position_parse(struct tf_str digits, uint32_t *position_out)
{
	return digits.len <= 2 && tf_str_to_u32(digits, TF_ARC_SETS_MAX, position_out) &&
	       *position_out != 0;
}

/* i= of ARC is an instance, not an identity, so that t=s of a key has nothing to forbid. */
static void
read_instance(struct reading *r)
{
	const struct tf_tag *i = required(r, "i", "i= is missing");
	uint32_t position;

	if (i == NULL)
		return;
	r->sig->exact_domain = true;
	if (tf_arc_position_parse(i->value, &position))
		r->sig->instance = position;
	else
		found(r->sig, TF_NEUTRAL, "i= is not an instance");
}

/* chain-status: the literals of RFC 5234 have no case. */
static void
read_chain(struct reading *r)
{
	static const struct {
		struct tf_str text;
		enum tf_arc_cv cv;
	} known[] = {
		{ TF_LIT("none"), TF_ARC_CV_NONE },
		{ TF_LIT("pass"), TF_ARC_CV_PASS },
		{ TF_LIT("fail"), TF_ARC_CV_FAIL },
	};
	const struct tf_tag *cv = required(r, "cv", "cv= is missing");

	for (size_t i = 0; cv != NULL && i < TF_ARRAY_LEN(known); i++) {
		if (tf_str_eq_nocase(cv->value, known[i].text))
			r->sig->chain = known[i].cv;
	}
	if (cv != NULL && r->sig->chain == TF_ARC_CV_UNKNOWN)
		found(r->sig, TF_NEUTRAL, "cv= is neither none, pass nor fail");
}

size_t
tf_dkim_sig_covers(const struct tf_dkim_sig *sig, struct tf_str name)
{
	struct tf_str rest = sig->names, item;
	size_t count = 0;

	while (tf_taglist_item(&rest, &item))
		count += tf_str_eq_nocase(item, name);
	return count;
}

/* The tags of a field, or a finding and false. */
static bool
begin(struct reading *r, struct tf_str value)
{
	*r->sig = (struct tf_dkim_sig){ .code = TF_NONE };
	if (value.len > TF_DKIM_FIELD_MAX) {
		found(r->sig, TF_PERMERROR, "signature field is too long");
		return false;
	}
	if (!tf_taglist_parse(value, TF_TAGLIST_STRICT, &r->tags)) {
		found(r->sig, TF_NEUTRAL, r->tags.err);
		return false;
	}
	return true;
}

void
tf_dkim_sig_parse(struct tf_str value, int64_t now, uint32_t skew_s, struct tf_arena *a,
    struct tf_dkim_sig *sig_out)
{
	struct reading r = { .sig = sig_out, .arena = a };

	if (!begin(&r, value))
		return;
	read_version(&r);
	read_domain(&r);
	read_selector(&r);
	read_algorithm(&r);
	read_identity(&r);
	read_canonicalization(&r);
	read_query(&r);
	read_names(&r);
	read_signature(&r);
	read_body_hash(&r);
	read_limit(&r);
	read_times(&r, now, skew_s);
	refuse_future(sig_out, now, skew_s);
}

void
tf_arc_message_parse(struct tf_str value, int64_t now, uint32_t skew_s, struct tf_arena *a,
    struct tf_dkim_sig *sig_out)
{
	struct reading r = { .sig = sig_out, .arena = a };

	if (!begin(&r, value))
		return;
	read_instance(&r);
	read_domain(&r);
	read_selector(&r);
	read_algorithm(&r);
	read_canonicalization(&r);
	read_query(&r);
	read_names(&r);
	if (tf_dkim_sig_covers(sig_out, TF_STR("ARC-Seal")) != 0)
		found(sig_out, TF_PERMERROR, "h= names ARC-Seal");
	read_signature(&r);
	read_body_hash(&r);
	read_limit(&r);
	read_times(&r, now, skew_s);
}

void
tf_arc_seal_parse(struct tf_str value, struct tf_arena *a, struct tf_dkim_sig *sig_out)
{
	struct reading r = { .sig = sig_out, .arena = a };

	if (!begin(&r, value))
		return;
	sig_out->header_relaxed = true;
	read_instance(&r);
	read_chain(&r);
	read_domain(&r);
	read_selector(&r);
	read_algorithm(&r);
	read_signature(&r);
	sig_out->signed_at = read_time(&r, "t", "t= is not a time");
	if (tf_taglist_get(&r.tags, "h") != NULL)
		found(sig_out, TF_PERMERROR, "a seal has no h=");
}
