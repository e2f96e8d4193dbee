/*
 * dmarc_record.c - one TXT record as a DMARC policy record
 *
 * Implements RFC 9989 sections 4.7 and 4.8, and the rule of section 4.10.1 about records without a
 * usable policy. The version tag decides whether it is a record at all; behind it nothing is fatal:
 * unknown tags are ignored and broken ones fall back to their default.
 * Choices: of a tag given twice the first counts; empty elements and blanks at the start are
 * accepted; bad parts of fo are dropped. Keywords match whole: p=r is no policy.
 * Does not: look anything up, or know which name the record stood at.
 */
#include "policy/dmarc.h"
#include "truefrom/banned.h"

/* One tag: sets what it means in rec; false when the value is none that the tag may have. */
struct tag {
	const char *name;
	bool (*set)(struct tf_dmarc_record *rec, struct tf_str value);
};

static struct tf_str
trim_wsp(struct tf_str s)
{
	while (s.len != 0 && tf_is_wsp(s.ptr[0]))
		s = tf_str_sub(s, 1, s.len);
	while (s.len != 0 && tf_is_wsp(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts what stands before the next c off *rest, the separator too. */
static struct tf_str
take_until(struct tf_str *rest, char c)
{
	size_t at = tf_str_find(*rest, c);
	struct tf_str part = tf_str_sub(*rest, 0, at);

	*rest = tf_str_sub(*rest, at + 1, rest->len);
	return part;
}

/* 1*dmarc-value; the ";" is gone already. */
static bool
is_value(struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (tf_is_ctl(s.ptr[i]) || tf_is_8bit(s.ptr[i]))
			return false;
	}
	return s.len != 0;
}

static bool
is_uri_byte(char c)
{
	struct tf_str set = TF_STR("-._~:/?#[]@$&'()*+;=%");

	return tf_is_alnum(c) || tf_str_find(set, c) < set.len;
}

static bool
is_hex(char c)
{
	return tf_is_digit(c) || (tf_lower(c) >= 'a' && tf_lower(c) <= 'f');
}

/* Behind the scheme's colon: RFC 3986 section 3; "," and "!" must be encoded (RFC 9989 4.8). */
static bool
is_uri_rest(struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_uri_byte(s.ptr[i]))
			return false;
		if (s.ptr[i] == '%' &&
		    (s.len - i < 3 || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2])))
			return false;
	}
	return s.len != 0;
}

static bool
is_scheme(struct tf_str s)
{
	if (s.len == 0 || !tf_is_alpha(s.ptr[0]))
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (!tf_is_alnum(s.ptr[i]) && tf_str_find(TF_STR("+-."), s.ptr[i]) == 3)
			return false;
	}
	return true;
}

static bool
is_uri(struct tf_str s)
{
	struct tf_str rest = s, address;
	struct tf_str scheme = take_until(&rest, ':');

	if (!is_scheme(scheme) || !is_uri_rest(rest))
		return false;
	if (!tf_str_eq_nocase(scheme, TF_STR("mailto")))
		return true;
	address = tf_str_sub(rest, 0, tf_str_find(rest, '?'));
	return tf_str_rfind(address, '@') != 0 && tf_str_rfind(address, '@') + 1 < address.len;
}

/* obs-dmarc-uri: "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] behind the URI means nothing any more. */
static struct tf_str
without_size(struct tf_str uri)
{
	size_t mark = tf_str_rfind(uri, '!');
	struct tf_str size = tf_str_sub(uri, mark + 1, uri.len);
	uint64_t n;

	if (size.len > 1 && tf_str_find(TF_STR("kmgt"), tf_lower(size.ptr[size.len - 1])) < 4)
		size.len--;
	return tf_str_to_u64(size, UINT64_MAX, &n) ? tf_str_sub(uri, 0, mark) : uri;
}

bool
tf_dmarc_uri_next(struct tf_str *rest, struct tf_str *uri_out)
{
	while (rest->len != 0) {
		struct tf_str uri = without_size(trim_wsp(take_until(rest, ',')));

		if (is_uri(uri)) {
			*uri_out = uri;
			return true;
		}
	}
	return false;
}

static bool
set_p(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->bad_p = !tf_dmarc_policy_from(value, &rec->p);
	return !rec->bad_p;
}

static bool
set_sp(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->bad_sp = !tf_dmarc_policy_from(value, &rec->sp);
	return !rec->bad_sp;
}

static bool
set_np(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->bad_np = !tf_dmarc_policy_from(value, &rec->np);
	return !rec->bad_np;
}

/* Index of a one-letter value, any case, among letters; their number when it is none of them. */
static size_t
letter(struct tf_str value, struct tf_str letters)
{
	return value.len == 1 ? tf_str_find(letters, tf_lower(value.ptr[0])) : letters.len;
}

static bool
set_t(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->testing = letter(value, TF_STR("ny")) == 1;
	return letter(value, TF_STR("ny")) < 2;
}

static bool
set_psd(struct tf_dmarc_record *rec, struct tf_str value)
{
	static const enum tf_dmarc_psd psd[] = { TF_PSD_U, TF_PSD_Y, TF_PSD_N, TF_PSD_U };

	rec->psd = psd[letter(value, TF_STR("uyn"))];
	return letter(value, TF_STR("uyn")) < 3;
}

static bool
set_adkim(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->strict_dkim = letter(value, TF_STR("rs")) == 1;
	return letter(value, TF_STR("rs")) < 2;
}

static bool
set_aspf(struct tf_dmarc_record *rec, struct tf_str value)
{
	rec->strict_spf = letter(value, TF_STR("rs")) == 1;
	return letter(value, TF_STR("rs")) < 2;
}

static bool
set_rua(struct tf_dmarc_record *rec, struct tf_str value)
{
	struct tf_str rest = value, uri;

	rec->rua_valid = tf_dmarc_uri_next(&rest, &uri);
	if (rec->rua_valid)
		rec->rua = value;
	return rec->rua_valid;
}

static bool
set_ruf(struct tf_dmarc_record *rec, struct tf_str value)
{
	struct tf_str rest = value, uri;

	if (!tf_dmarc_uri_next(&rest, &uri))
		return false;
	rec->ruf = value;
	return true;
}

/* Each value at most once, 0 and 1 exclude each other. */
static bool
set_fo(struct tf_dmarc_record *rec, struct tf_str value)
{
	static const unsigned bits[] = { TF_FO_ALL, TF_FO_ANY, TF_FO_DKIM, TF_FO_SPF, 0 };
	unsigned fo = 0;
	bool ok = value.len != 0;

	while (value.len != 0) {
		unsigned bit = bits[letter(trim_wsp(take_until(&value, ':')), TF_STR("01ds"))];

		if (bit == 0 || (fo & bit) != 0 || ((fo | bit) & 3) == (TF_FO_ALL | TF_FO_ANY))
			ok = false;
		else
			fo |= bit;
	}
	rec->fo = fo != 0 ? fo : TF_FO_ALL;
	return ok;
}

static const struct tag tags[] = {
	{ "p", set_p },
	{ "sp", set_sp },
	{ "np", set_np },
	{ "t", set_t },
	{ "psd", set_psd },
	{ "adkim", set_adkim },
	{ "aspf", set_aspf },
	{ "rua", set_rua },
	{ "ruf", set_ruf },
	{ "fo", set_fo },
};

/* Whether the first element is the version: the name in any case, the value exact. */
static bool
is_version(struct tf_str element)
{
	struct tf_str value = element;
	struct tf_str name = trim_wsp(take_until(&value, '='));

	return tf_str_eq_nocase(name, TF_STR("v")) && tf_str_eq(trim_wsp(value), TF_STR("DMARC1"));
}

static void
complain(struct tf_dmarc_record *rec, const char *what)
{
	if (rec->bad.len == 0)
		rec->bad = tf_str_from(what);
}

static bool
is_tag_name(struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!tf_is_alpha(s.ptr[i]))
			return false;
	}
	return s.len != 0;
}

/* One element behind the version. seen: bits of the tags that have been there. */
static void
read_element(struct tf_dmarc_record *rec, struct tf_str element, unsigned *seen)
{
	struct tf_str value = element;
	struct tf_str name = trim_wsp(take_until(&value, '='));
	size_t n = 0;

	value = trim_wsp(value);
	while (n < TF_ARRAY_LEN(tags) && !tf_str_eq_nocase(name, tf_str_from(tags[n].name)))
		n++;
	if (n == TF_ARRAY_LEN(tags)) {
		if (!is_tag_name(name) || !is_value(value))
			complain(rec, "syntax");
		return;
	}
	if ((*seen & 1u << n) != 0) {
		complain(rec, tags[n].name);
		return;
	}
	*seen |= 1u << n;
	/* A broken value is one that no tag has: the empty one. */
	if (!tags[n].set(rec, is_value(value) ? value : TF_NONE_STR))
		complain(rec, tags[n].name);
}

bool
tf_dmarc_record_parse(struct tf_str txt, struct tf_dmarc_record *rec_out)
{
	struct tf_str rest = txt;
	unsigned seen = 0;

	if (!is_version(take_until(&rest, ';')))
		return false;
	*rec_out = (struct tf_dmarc_record){ .text = txt, .fo = TF_FO_ALL };
	while (rest.len != 0) {
		struct tf_str element = trim_wsp(take_until(&rest, ';'));

		if (element.len != 0)
			read_element(rec_out, element, &seen);
	}
	return true;
}

enum tf_policy_tag
tf_dmarc_record_tag(const struct tf_dmarc_record *rec, enum tf_dmarc_applies applies)
{
	/* Section 4.10.1: p missing or wrong, sp or np wrong. */
	if (rec->p == TF_POLICY_UNKNOWN || rec->bad_sp || rec->bad_np)
		return TF_TAG_NONE;
	if (applies == TF_APPLIES_NOT_EXISTING && rec->np != TF_POLICY_UNKNOWN)
		return TF_TAG_NP;
	if (applies != TF_APPLIES_OWN && rec->sp != TF_POLICY_UNKNOWN)
		return TF_TAG_SP;
	return TF_TAG_P;
}

enum tf_dmarc_policy
tf_dmarc_record_policy(const struct tf_dmarc_record *rec, enum tf_dmarc_applies applies)
{
	switch (tf_dmarc_record_tag(rec, applies)) {
	case TF_TAG_P:
		return rec->p;
	case TF_TAG_SP:
		return rec->sp;
	case TF_TAG_NP:
		return rec->np;
	case TF_TAG_NONE:
		break;
	}
	return rec->rua_valid ? TF_POLICY_NONE : TF_POLICY_UNKNOWN;
}
