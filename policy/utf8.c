/*
 * utf8.c - UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF
 *
 * One decoder for mailboxes (RFC 6532), domain names (RFC 5890) and tag lists (RFC 8616).
 */
#include "policy/word.h"
#include "truefrom/base.h"
#include "truefrom/banned.h"

/* By leading byte: how long, its payload bits, and the smallest code point of that length. */
static const struct form {
	uint8_t mask, lead;
	size_t len;
	uint32_t min;
} forms[] = {
	{ 0x80, 0x00, 1, 0 },
	{ 0xe0, 0xc0, 2, 0x80 },
	{ 0xf0, 0xe0, 3, 0x800 },
	{ 0xf8, 0xf0, 4, 0x10000 },
};

bool
tf_utf8_next(struct tf_str *rest, uint32_t *cp_out)
{
	const struct form *f = NULL;
	uint8_t first;
	uint32_t cp;

	if (rest->len == 0)
		return false;
	first = (uint8_t)rest->ptr[0];
	for (size_t i = 0; i < TF_ARRAY_LEN(forms) && f == NULL; i++) {
		if ((first & forms[i].mask) == forms[i].lead)
			f = &forms[i];
	}
	if (f == NULL || rest->len < f->len)
		return false;
	cp = first & (uint8_t)~f->mask;
	for (size_t i = 1; i < f->len; i++) {
		uint8_t next = (uint8_t)rest->ptr[i];

		if ((next & 0xc0) != 0x80)
			return false;
		cp = cp << 6 | (next & 0x3f);
	}
	if (cp < f->min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return false;
	rest->ptr += f->len;
	rest->len -= f->len;
	*cp_out = cp;
	return true;
}

static struct tf_str
without_leading_ascii(struct tf_str s)
{
	size_t n = 0;

	while (s.len - n >= TF_WORD && tf_word_8bit(tf_word_at(s.ptr + n)) == 0)
		n += TF_WORD;
	while (n < s.len && !tf_is_8bit(s.ptr[n]))
		n++;
	return tf_str_sub(s, n, s.len);
}

bool
tf_str_is_utf8(struct tf_str s)
{
	uint32_t cp;

	do {
		s = without_leading_ascii(s);
	} while (tf_utf8_next(&s, &cp));
	return s.len == 0;
}
