/*
 * domain.c - domain names: normalise to A-labels, compare, shorten (only user of libidn2)
 *
 * ASCII labels are lower-cased and else left alone: a fake A-label is still a name in the DNS, and
 * its owner is whom we ask. U-labels go through UTS 46 non-transitional mapping and the IDNA 2008
 * checks, one label at a time, so that no mapping can bring in a dot. What libidn2 gives back is
 * checked like everything else from outside.
 * Does not: know the Public Suffix List, or ask the DNS.
 * Limits: a U-label over 255 octets is refused before libidn2 sees it.
 */
#include <idn2.h>

#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define ULABEL_MAX 255

/*
 * Code points that UTS 46 maps to nothing. With them, a name that a reader takes for another, or
 * for text behind the address, would turn into the name of an innocent domain.
 */
static const struct range {
	uint32_t first, last;
} vanishing[] = {
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian variation selectors, vowel separator */
	{ 0x200b, 0x200b },   /* zero width space */
	{ 0x2060, 0x2064 },   /* word joiner, invisible operators */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* zero width no-break space */
	{ 0xffa0, 0xffa0 },   /* halfwidth Hangul filler */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0xe0000, 0xe0fff }, /* tags, variation selectors supplement */
};

static bool
vanishes(uint32_t cp)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(vanishing); i++) {
		if (cp >= vanishing[i].first && cp <= vanishing[i].last)
			return true;
	}
	return false;
}

static bool
is_name_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_';
}

static bool
is_name_label(struct tf_str label)
{
	if (label.len == 0 || label.len > TF_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_name_byte(label.ptr[i]))
			return false;
	}
	return true;
}

static void
append_lower(struct tf_str label, struct tf_buf *out)
{
	for (size_t i = 0; i < label.len; i++)
		tf_buf_byte(out, tf_lower(label.ptr[i]));
}

/* Whether every code point of a U-label may be handed to the mapping; false on broken UTF-8. */
static bool
may_be_mapped(struct tf_str label)
{
	uint32_t cp;

	while (tf_utf8_next(&label, &cp)) {
		if (cp < 0x80 && !is_name_byte((char)cp))
			return false;
		if (vanishes(cp))
			return false;
	}
	return label.len == 0;
}

/* One U-label to its A-label. */
static bool
append_ulabel(struct tf_str label, struct tf_buf *out)
{
	char ulabel[ULABEL_MAX + 1];
	uint8_t *alabel = NULL;
	bool ok;

	if (!may_be_mapped(label) || !tf_cstr(label, ulabel, sizeof(ulabel)))
		return false;
	if (idn2_lookup_u8(
		(const uint8_t *)ulabel, &alabel, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ok = is_name_label(tf_str_from((const char *)alabel));
	if (ok)
		append_lower(tf_str_from((const char *)alabel), out);
	idn2_free(alabel);
	return ok;
}

static bool
append_label(struct tf_str label, struct tf_buf *out)
{
	if (!tf_str_is_ascii(label))
		return append_ulabel(label, out);
	if (!is_name_label(label))
		return false;
	append_lower(label, out);
	return true;
}

/* Cuts the first label and its dot off *rest. */
static struct tf_str
take_label(struct tf_str *rest)
{
	size_t dot = tf_str_find(*rest, '.');
	struct tf_str label = tf_str_sub(*rest, 0, dot);

	*rest = tf_str_sub(*rest, dot + 1, rest->len);
	return label;
}

static struct tf_str
without_final_dot(struct tf_str name)
{
	if (name.len != 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	return name;
}

bool
tf_domain_normalise(struct tf_str in, struct tf_arena *a, struct tf_str *domain_out)
{
	char storage[TF_DOMAIN_MAX];
	struct tf_str rest = without_final_dot(in);
	struct tf_buf out;
	bool more;

	tf_buf_init(&out, storage, sizeof(storage));
	do {
		more = tf_str_find(rest, '.') < rest.len;
		if (!append_label(take_label(&rest), &out))
			return false;
		if (more)
			tf_buf_byte(&out, '.');
	} while (more && !out.overflow);
	if (out.overflow)
		return false;
	*domain_out = tf_arena_dup(a, tf_buf_get(&out));
	return true;
}

bool
tf_domain_is_idn(struct tf_str domain)
{
	while (domain.len != 0) {
		if (tf_str_starts_nocase(take_label(&domain), TF_STR("xn--")))
			return true;
	}
	return false;
}

size_t
tf_domain_labels(struct tf_str domain)
{
	size_t labels = domain.len != 0;

	for (size_t i = 0; i < domain.len; i++)
		labels += domain.ptr[i] == '.';
	return labels;
}

struct tf_str
tf_domain_last(struct tf_str domain, size_t n)
{
	for (size_t labels = tf_domain_labels(domain); labels > n; labels--)
		domain = tf_domain_parent(domain);
	return domain;
}

struct tf_str
tf_domain_parent(struct tf_str domain)
{
	take_label(&domain);
	return domain;
}

bool
tf_domain_is_below_or_equal(struct tf_str sub, struct tf_str parent)
{
	if (parent.len == 0 || sub.len < parent.len)
		return false;
	if (!tf_str_eq(tf_str_sub(sub, sub.len - parent.len, parent.len), parent))
		return false;
	return sub.len == parent.len || sub.ptr[sub.len - parent.len - 1] == '.';
}

bool
tf_domain_can_ask(struct tf_str name)
{
	struct tf_str rest = without_final_dot(name);
	bool more = true;

	if (rest.len > TF_DOMAIN_MAX || tf_str_find(rest, '\0') < rest.len)
		return false;
	while (more) {
		size_t dot = tf_str_find(rest, '.');

		more = dot < rest.len;
		if (dot == 0 || dot > TF_LABEL_MAX)
			return false;
		take_label(&rest);
	}
	return true;
}

const char *
tf_domain_library_version(void)
{
	return idn2_check_version(NULL);
}
