/*
 * taglist.h - tag=value lists (RFC 6376 section 3.2)
 *
 * One parser for DKIM-Signature fields, key records and the fields of ARC. All functions are
 * thread-safe; none waits, allocates (but for tf_taglist_squeeze) or logs.
 */
#ifndef POLICY_TAGLIST_H
#define POLICY_TAGLIST_H

#include "truefrom/base.h"

struct tf_tag {
	struct tf_str name, value; /* value without outer folding white space */
	size_t value_at; /* where the raw value begins and ends in the list (for removing b=) */
	size_t value_end;
};

#define TF_TAGS_MAX 64

struct tf_taglist {
	struct tf_tag tags[TF_TAGS_MAX];
	size_t count;
	const char *err; /* static text; NULL = well-formed */
};

enum tf_taglist_mode {
	TF_TAGLIST_STRICT,          /* signatures: one optional trailing ";" */
	TF_TAGLIST_STRAY_SEMICOLONS /* key records */
};

/*
 * tf_taglist_parse - names and values, in order
 *
 * in        any bytes; folds are CRLF or LF before SP or TAB
 * list_out  its slices lie inside in; with false, only err is of use
 *
 * Duplicate names, more than TF_TAGS_MAX tags, a byte outside the grammar (8-bit only when it is
 * UTF-8 in a value, RFC 8616) make the whole list invalid: false, and err says why. White space
 * behind the trailing ";" is accepted. Spec: RFC 6376 section 3.2.
 */
bool tf_taglist_parse(struct tf_str in, enum tf_taglist_mode mode, struct tf_taglist *list_out);
/* The tag of that name (case-sensitive), or NULL. */
const struct tf_tag *tf_taglist_get(const struct tf_taglist *list, const char *name);
/*
 * Next element of a colon-separated value, white space around it dropped. False at the end. *rest
 * is advanced. Elements may be empty: "" has one, "a:" has two.
 */
bool tf_taglist_item(struct tf_str *rest, struct tf_str *item_out);
/* Copy without SP, TAB, CR, LF. */
struct tf_str tf_taglist_squeeze(struct tf_str value, struct tf_arena *a);

#endif
