/*
 * result.c - names of the codes, what cannot be, and the trail of notes
 *
 * Each enum has one table; parsers, printers and tests share it.
 */
#include <stdio.h>

#include "truefrom/result.h"
#include "truefrom/banned.h"

static const char *const code_names[] = {
	[TF_NONE] = "none",
	[TF_PASS] = "pass",
	[TF_FAIL] = "fail",
	[TF_SOFTFAIL] = "softfail",
	[TF_NEUTRAL] = "neutral",
	[TF_POLICY] = "policy",
	[TF_TEMPERROR] = "temperror",
	[TF_PERMERROR] = "permerror",
};

static const char *const policy_names[] = {
	[TF_POLICY_UNKNOWN] = "none",
	[TF_POLICY_NONE] = "none",
	[TF_POLICY_QUARANTINE] = "quarantine",
	[TF_POLICY_REJECT] = "reject",
};

static const char *const tag_names[] = {
	[TF_TAG_NONE] = "",
	[TF_TAG_P] = "p",
	[TF_TAG_SP] = "sp",
	[TF_TAG_NP] = "np",
};

static const char *const status_names[] = {
	[TF_DNS_NOERROR] = "noerror",
	[TF_DNS_NODATA] = "nodata",
	[TF_DNS_NXDOMAIN] = "nxdomain",
	[TF_DNS_SERVFAIL] = "servfail",
	[TF_DNS_REFUSED] = "refused",
	[TF_DNS_TIMEOUT] = "timeout",
	[TF_DNS_BOGUS] = "bogus",
	[TF_DNS_MALFORMED] = "malformed",
};

static const char *const from_names[] = {
	[TF_FROM_OK] = "ok",
	[TF_FROM_MISSING] = "missing",
	[TF_FROM_MULTIPLE_FIELDS] = "multiple-fields",
	[TF_FROM_SYNTAX] = "syntax",
	[TF_FROM_NO_ADDRESS] = "no-address",
	[TF_FROM_BAD_DOMAIN] = "bad-domain",
	[TF_FROM_TOO_MANY_DOMAINS] = "too-many-domains",
};

static const char *const kind_names[] = {
	[TF_CHECK_SPF] = "spf",
	[TF_CHECK_HELO] = "helo",
	[TF_CHECK_DKIM] = "dkim",
	[TF_CHECK_ARC] = "arc",
	[TF_CHECK_DMARC] = "dmarc",
	[TF_CHECK_FROM] = "from",
};

static const char *
name_of(const char *const *names, size_t count, size_t value)
{
	if (value >= count)
		tf_panic("enum value %zu of %zu", value, count);
	return names[value];
}

const char *
tf_code_name(enum tf_code code)
{
	return name_of(code_names, TF_ARRAY_LEN(code_names), code);
}

const char *
tf_dmarc_policy_name(enum tf_dmarc_policy policy)
{
	return name_of(policy_names, TF_ARRAY_LEN(policy_names), policy);
}

const char *
tf_policy_tag_name(enum tf_policy_tag tag)
{
	return name_of(tag_names, TF_ARRAY_LEN(tag_names), tag);
}

const char *
tf_dns_status_name(enum tf_dns_status status)
{
	return name_of(status_names, TF_ARRAY_LEN(status_names), status);
}

const char *
tf_from_state_name(enum tf_from_state state)
{
	return name_of(from_names, TF_ARRAY_LEN(from_names), state);
}

const char *
tf_check_kind_name(enum tf_check_kind kind)
{
	return name_of(kind_names, TF_ARRAY_LEN(kind_names), kind);
}

bool
tf_code_from(struct tf_str s, enum tf_code *code_out)
{
	for (enum tf_code code = TF_NONE; code <= TF_PERMERROR; code++) {
		if (tf_str_eq_nocase(s, tf_str_from(code_names[code]))) {
			*code_out = code;
			return true;
		}
	}
	return false;
}

bool
tf_dmarc_policy_from(struct tf_str s, enum tf_dmarc_policy *policy_out)
{
	static const enum tf_dmarc_policy known[] = { TF_POLICY_NONE, TF_POLICY_QUARANTINE,
		TF_POLICY_REJECT };

	for (size_t i = 0; i < TF_ARRAY_LEN(known); i++) {
		if (tf_str_eq_nocase(s, tf_str_from(policy_names[known[i]]))) {
			*policy_out = known[i];
			return true;
		}
	}
	return false;
}

static bool
is_code(enum tf_code code)
{
	return (size_t)code < TF_ARRAY_LEN(code_names);
}

/* RFC 7208 section 8: a pass is somebody's, and identifiers that DMARC aligns are these. */
static bool
spf_is_whole(const struct tf_spf *spf)
{
	return is_code(spf->code) && spf->code != TF_POLICY &&
	       (spf->code != TF_PASS || spf->domain.len != 0);
}

static bool
dkim_is_whole(const struct tf_dkim *sig)
{
	return is_code(sig->code) &&
	       (sig->code != TF_PASS || (sig->domain.len != 0 && !sig->not_evaluated));
}

static bool
arc_is_whole(const struct tf_arc *arc)
{
	switch (arc->code) {
	case TF_NONE:
	case TF_FAIL:
	case TF_TEMPERROR:
		return true;
	case TF_PASS:
		return arc->set_count != 0 && arc->sets != NULL;
	case TF_SOFTFAIL:
	case TF_NEUTRAL:
	case TF_POLICY:
	case TF_PERMERROR:
		break;
	}
	return false;
}

/* RFC 9989 section 4.4: what aligns has passed, and without that there is no pass. */
static bool
dmarc_is_whole(const struct tf_dmarc *d, const struct tf_result *res)
{
	const bool aligned = d->aligned_spf || d->aligned_dkim;

	if (d->aligned_spf && res->mailfrom.code != TF_PASS)
		return false;
	if (d->aligned_dkim &&
	    (d->dkim_index >= res->dkim_count || res->dkim[d->dkim_index].code != TF_PASS))
		return false;
	if ((size_t)d->policy >= TF_ARRAY_LEN(policy_names) ||
	    (size_t)d->applied_policy >= TF_ARRAY_LEN(policy_names))
		return false;
	return is_code(d->code) && (d->code != TF_PASS || aligned);
}

static bool
all_dmarc_is_whole(const struct tf_result *res)
{
	bool decided = false;

	for (size_t i = 0; res->authors != NULL && i < res->author_count; i++) {
		decided |= res->dmarc == &res->authors[i];
		if (!dmarc_is_whole(&res->authors[i], res))
			return false;
	}
	return decided;
}

const char *
tf_result_flaw(const struct tf_result *res, bool with_dmarc)
{
	if ((size_t)res->author.state >= TF_ARRAY_LEN(from_names) ||
	    (res->author.state == TF_FROM_OK && res->author.domain_count == 0))
		return "internal: the author is not known";
	if (!spf_is_whole(&res->helo) || !spf_is_whole(&res->mailfrom))
		return "internal: SPF has no result";
	for (size_t i = 0; i < res->dkim_count; i++) {
		if (!dkim_is_whole(&res->dkim[i]))
			return "internal: DKIM has no result";
	}
	if (!arc_is_whole(&res->arc))
		return "internal: ARC has no result";
	if (with_dmarc && !all_dmarc_is_whole(res))
		return "internal: DMARC has no result";
	return NULL;
}

void
tf_note(struct tf_notes *notes, struct tf_arena *a, enum tf_check_kind check, const char *fmt, ...)
{
	struct tf_note *note;
	struct tf_buf text;
	va_list ap;

	if (notes == NULL)
		return;
	note = tf_arena_alloc(a, sizeof(*note));
	tf_buf_init_arena(&text, a, SIZE_MAX);
	va_start(ap, fmt);
	tf_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < text.len; i++) {
		if (tf_is_ctl(text.ptr[i]) || tf_is_8bit(text.ptr[i]))
			text.ptr[i] = '?';
	}
	note->check = check;
	note->text = tf_buf_get(&text);
	if (notes->last != NULL)
		notes->last->next = note;
	else
		notes->first = note;
	notes->last = note;
	notes->count++;
}
