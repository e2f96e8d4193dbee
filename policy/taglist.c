/*
 * taglist.c - tag=value lists
 *
 * Implements RFC 6376 section 3.2 with the 8-bit values of RFC 8616. A list is taken whole or not
 * at all: what one reader would skip, another would believe.
 * Does not: know any tag, or decode base64 or quoted-printable.
 * Limits: TF_TAGS_MAX tags.
 */
#include "policy/rfc5322.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

static bool
is_name_byte(char c)
{
	return tf_is_alnum(c) || c == '_';
}

static bool
is_value_byte(char c)
{
	return c != ';' && c != ' ' && !tf_is_ctl(c);
}

/* tag-name = ALPHA *( ALPHA / DIGIT / "_" ) */
static struct tf_str
tag_name(struct tf_lex *lx)
{
	if (tf_lex_done(lx) || !tf_is_alpha(*lx->p))
		tf_lex_fail(lx, "a tag name is missing");
	return tf_lex_while(lx, is_name_byte);
}

/* [FWS] tag-value [FWS]; what else stands before the ";" the caller finds. */
static void
tag_value(struct tf_lex *lx, struct tf_tag *tag)
{
	const char *end;

	tf_lex_fws(lx);
	tag->value.ptr = end = lx->p;
	while (tf_lex_while(lx, is_value_byte).len != 0) {
		end = lx->p;
		tf_lex_fws(lx);
	}
	tag->value.len = (size_t)(end - tag->value.ptr);
	if (!tf_str_is_utf8(tag->value))
		tf_lex_fail(lx, "a value is not UTF-8");
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]; the first FWS is read already */
static void
tag_spec(struct tf_lex *lx, const char *start, struct tf_tag *tag)
{
	tag->name = tag_name(lx);
	tf_lex_fws(lx);
	if (!tf_lex_try(lx, '='))
		tf_lex_fail(lx, "a tag has no =");
	tag->value_at = (size_t)(lx->p - start);
	tag_value(lx, tag);
	tag->value_end = (size_t)(lx->p - start);
	if (!tf_lex_done(lx) && !tf_lex_try(lx, ';'))
		tf_lex_fail(lx, "a value has a forbidden character");
}

static bool
has_name(const struct tf_taglist *list, struct tf_str name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (tf_str_eq(list->tags[i].name, name))
			return true;
	}
	return false;
}

static void
skip_to_name(struct tf_lex *lx, enum tf_taglist_mode mode)
{
	tf_lex_fws(lx);
	while (mode == TF_TAGLIST_STRAY_SEMICOLONS && tf_lex_try(lx, ';'))
		tf_lex_fws(lx);
}

bool
tf_taglist_parse(struct tf_str in, enum tf_taglist_mode mode, struct tf_taglist *list_out)
{
	struct tf_lex lx = tf_lex_init(in);
	const char *start = lx.p;

	list_out->count = 0;
	skip_to_name(&lx, mode);
	while (!tf_lex_done(&lx)) {
		struct tf_tag tag;

		tag_spec(&lx, start, &tag);
		if (has_name(list_out, tag.name))
			tf_lex_fail(&lx, "a tag stands twice");
		else if (list_out->count == TF_TAGS_MAX)
			tf_lex_fail(&lx, "too many tags");
		else
			list_out->tags[list_out->count++] = tag;
		skip_to_name(&lx, mode);
	}
	if (list_out->count == 0)
		tf_lex_fail(&lx, "no tags");
	list_out->err = lx.err;
	return lx.err == NULL;
}

const struct tf_tag *
tf_taglist_get(const struct tf_taglist *list, const char *name)
{
	struct tf_str wanted = tf_str_from(name);

	for (size_t i = 0; i < list->count; i++) {
		if (tf_str_eq(list->tags[i].name, wanted))
			return &list->tags[i];
	}
	return NULL;
}

bool
tf_taglist_item(struct tf_str *rest, struct tf_str *item_out)
{
	size_t colon;

	if (rest->ptr == NULL)
		return false;
	colon = tf_str_find(*rest, ':');
	*item_out = tf_str_trim(tf_str_sub(*rest, 0, colon));
	if (colon < rest->len)
		*rest = (struct tf_str){ rest->ptr + colon + 1, rest->len - colon - 1 };
	else
		*rest = TF_NONE_STR;
	return true;
}

struct tf_str
tf_taglist_squeeze(struct tf_str value, struct tf_arena *a)
{
	char *copy = tf_arena_alloc(a, value.len);
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (!tf_is_wsp(c) && c != '\r' && c != '\n')
			copy[len++] = c;
	}
	return (struct tf_str){ copy, len };
}
