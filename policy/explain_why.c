/*
 * explain_why.c - the reasons for a verdict, as sentences
 *
 * For whoever does not know the standards: did anybody stand behind the author, what does the
 * author domain ask for when nobody does, and which setting says what comes of that.
 * Does not: name the rule and the action (explain_words.c).
 */
#include "policy/explain_why.h"
#include "policy/identifiers.h"
#include "truefrom/banned.h"

static struct tf_buf *
next_line(struct tf_why *why)
{
	struct tf_buf *line = &why->lines[why->count];

	tf_buf_init(line, why->storage[why->count], TF_WHY_MAX);
	why->count++;
	return line;
}

/* What the domain that is aligned has to do with the author's. */
static void
put_kinship(struct tf_buf *out, struct tf_str domain, struct tf_str from)
{
	if (tf_str_eq(domain, from))
		tf_buf_printf(out, "%.*s, the author domain itself", TF_PRI(domain));
	else
		tf_buf_printf(out, "%.*s, which belongs with %.*s", TF_PRI(domain), TF_PRI(from));
}

static void
say_pass(const struct tf_result *res, const struct tf_dmarc *d, struct tf_why *why)
{
	struct tf_buf *line = next_line(why);

	tf_buf_lit(line, "DMARC passes: ");
	if (d->aligned_dkim && d->dkim_index < res->dkim_count) {
		tf_buf_lit(line, "the message bears a valid signature of ");
		put_kinship(line, res->dkim[d->dkim_index].domain, d->from);
	} else {
		tf_buf_lit(line, "the client may send for ");
		put_kinship(line, res->mailfrom.domain, d->from);
	}
}

static void
say_fail(const struct tf_result *res, const struct tf_dmarc *d, struct tf_why *why)
{
	tf_buf_printf(
	    next_line(why), "DMARC fails: nothing that passed belongs with %.*s", TF_PRI(d->from));
	tf_identifiers_write(res, d, next_line(why));
}

/* For whom else than itself a domain asks. */
static void
put_whom(struct tf_buf *out, const struct tf_dmarc *d)
{
	switch (d->policy_tag) {
	case TF_TAG_NP:
		tf_buf_printf(out, ", as %.*s does not exist", TF_PRI(d->from));
		break;
	case TF_TAG_P:
	case TF_TAG_SP:
		if (!tf_str_eq(d->record_domain, d->from))
			tf_buf_printf(
			    out, ", which is for names below it such as %.*s", TF_PRI(d->from));
		break;
	case TF_TAG_NONE:
		break;
	}
}

static void
say_policy(const struct tf_dmarc *d, struct tf_why *why)
{
	static const char *const wishes[] = {
		[TF_POLICY_UNKNOWN] = "nothing",
		[TF_POLICY_NONE] = "nothing to be done about it",
		[TF_POLICY_QUARANTINE] = "such mail to be treated as suspicious",
		[TF_POLICY_REJECT] = "such mail to be refused",
	};
	struct tf_buf *line = next_line(why);

	if (d->policy_tag == TF_TAG_NONE) {
		tf_buf_printf(line, "the record of %.*s has no valid policy and counts as p=none",
		    TF_PRI(d->record_domain));
		return;
	}
	tf_buf_printf(line, "%.*s asks for %s (%s=%s", TF_PRI(d->record_domain), wishes[d->policy],
	    tf_policy_tag_name(d->policy_tag), tf_dmarc_policy_name(d->policy));
	put_whom(line, d);
	tf_buf_lit(line, ")");
	if (d->testing && d->applied_policy != d->policy)
		tf_buf_printf(line, ", but only as a test (t=y): it counts as %s",
		    tf_dmarc_policy_name(d->applied_policy));
}

/* What the domain wants is one thing; what is done is the postmaster's choice. */
static void
say_setting(const struct tf_verdict *v, struct tf_why *why)
{
	const char *setting = NULL;

	if (v->decided_by == TF_RULE_TEMPERROR)
		setting = "dmarc.on_temperror";
	else if (v->decided_by == TF_RULE_INVALID_FROM)
		setting = "dmarc.on_invalid_from";
	else if (v->decided_by == TF_RULE_DMARC_POLICY)
		setting = v->policy == TF_POLICY_REJECT ? "dmarc.on_reject" : "dmarc.on_quarantine";
	if (setting != NULL)
		tf_buf_printf(next_line(why), "the setting %s says what is done then", setting);
}

void
tf_explain_why(
    const struct tf_result *res, const struct tf_verdict *verdict, struct tf_why *why_out)
{
	const struct tf_dmarc *d = verdict->dmarc;

	why_out->count = 0;
	if (d == NULL)
		return;
	switch (d->code) {
	case TF_PASS:
		say_pass(res, d, why_out);
		break;
	case TF_FAIL:
		say_fail(res, d, why_out);
		say_policy(d, why_out);
		break;
	case TF_NONE:
		tf_buf_printf(next_line(why_out), "DMARC does not apply: %.*s", TF_PRI(d->reason));
		break;
	case TF_TEMPERROR:
		tf_buf_printf(next_line(why_out), "DMARC has no result: %.*s; it may be a pass",
		    TF_PRI(d->reason));
		break;
	case TF_PERMERROR:
		tf_buf_printf(
		    next_line(why_out), "DMARC needs one certain author: %.*s", TF_PRI(d->reason));
		break;
	case TF_SOFTFAIL: /* these three are no results of DMARC (RFC 9989 section 9.2) */
	case TF_NEUTRAL:
	case TF_POLICY:
		break;
	}
	say_setting(verdict, why_out);
}
