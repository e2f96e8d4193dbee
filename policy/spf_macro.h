/*
 * spf_macro.h - macro strings and domain-specs of SPF: check and expand (RFC 7208 section 7)
 */
#ifndef POLICY_SPF_MACRO_H
#define POLICY_SPF_MACRO_H

#include "truefrom/result.h"

/* An expansion longer than this is no expansion; a name needs 253 octets of its right end. */
#define TF_SPF_EXPAND_MAX ((size_t)64 * 1024)

/* What the letters stand for. All slices are borrowed and may hold any byte. */
struct tf_spf_macro_env {
	struct tf_str sender, local, sender_domain; /* s, l, o: one for the whole check */
	struct tf_str domain;                       /* d: of the record that is evaluated */
	struct tf_str validated;                    /* p: validated name; empty = "unknown" */
	struct tf_str helo;                         /* h */
	struct tf_str receiver;                     /* r: our host; empty = "unknown" */
	struct tf_addr client;                      /* i, v, c */
	int64_t now;                                /* t: seconds since 1970 */
};

/*
 * tf_spf_macro_check - whether s is a macro-string (value of an unknown modifier)
 *
 * Returns NULL, or what is wrong as static text. Spec: RFC 7208 sections 7.1 and 12.
 */
const char *tf_spf_macro_check(struct tf_str s);
/* The same for a domain-spec: letters c, r and t are refused, and it must end in a macro or in a
 * top-level label behind a dot. */
const char *tf_spf_domain_check(struct tf_str spec);

/* What an expansion of s needs or does that is not ordinary; bits of an unsigned. */
enum {
	TF_SPF_USES_LOCAL = 1,  /* %{s} or %{l}: no match for a local part that is not ASCII (RFC
				   8616 section 4) */
	TF_SPF_USES_PTR = 2,    /* %{p}: costs DNS questions */
	TF_SPF_USES_PARTS = 4,  /* keeps a number of right-hand parts */
	TF_SPF_USES_ESCAPES = 8 /* an upper-case letter */
};
unsigned tf_spf_macro_uses(struct tf_str s);

/*
 * tf_spf_macro_name - expand a domain-spec to the name to ask for
 *
 * spec      passed tf_spf_domain_check
 * buf       empty; receives the expansion; the name points into it
 * name_out  lower case, no trailing dot, at most 253 octets: labels are dropped from the left
 *
 * Returns false when there is no name that can be asked: an empty label, a label over 63 octets, a
 * NUL, an expansion that buf cannot hold. Spec: RFC 7208 section 7.3.
 */
bool tf_spf_macro_name(struct tf_str spec, const struct tf_spf_macro_env *env, struct tf_buf *buf,
    struct tf_str *name_out);

/*
 * tf_spf_macro_text - expand an explanation text
 *
 * text  as published; spaces and the letters c, r and t are allowed
 * out   receives the expansion; bytes of the sender's choice are in it, unescaped
 *
 * Returns false on a syntax error or when out cannot hold it. Spec: RFC 7208 section 6.2.
 */
bool tf_spf_macro_text(struct tf_str text, const struct tf_spf_macro_env *env, struct tf_buf *out);

#endif
