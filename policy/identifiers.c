/*
 * identifiers.c - who stands behind a message, in words
 *
 * The domain of SPF and those of the signatures with their results, and which of them does not
 * belong to the author's (RFC 9989 section 4.4): what a sender has to know to mend a failure.
 * Does not: decide anything; what is aligned, dmarc_eval.c has found.
 * Limits: TF_IDENTIFIERS_MAX octets; signatures beyond are counted.
 */
#include "policy/identifiers.h"
#include "truefrom/banned.h"

/* Room for "; DKIM signatures not shown: 4294967295" behind the last one named. */
#define COUNT_ROOM 48

static void
put_name(struct tf_buf *out, const char *method, enum tf_code code, struct tf_str domain)
{
	tf_buf_printf(out, "%s %s", method, tf_code_name(code));
	if (domain.len != 0)
		tf_buf_printf(out, " for %.*s", TF_PRI(domain));
}

/* A pass has its alignment, anything else its reason. */
static void
put_fault(struct tf_buf *out, enum tf_code code, bool aligned, struct tf_str reason)
{
	if (code == TF_PASS)
		tf_buf_lit(out, aligned ? ", aligned" : ", not aligned");
	else if (reason.len != 0)
		tf_buf_printf(out, " (%.*s)", TF_PRI(reason));
}

static void
put_spf(const struct tf_result *res, const struct tf_dmarc *d, struct tf_buf *out)
{
	const struct tf_spf *spf = &res->mailfrom;

	put_name(out, spf->helo_identity ? "SPF of HELO" : "SPF", spf->code, spf->domain);
	put_fault(out, spf->code, d->aligned_spf,
	    spf->code == TF_TEMPERROR || spf->code == TF_PERMERROR ? spf->reason : TF_NONE_STR);
}

static void
put_signature(const struct tf_dkim *sig, bool aligned, struct tf_buf *out)
{
	tf_buf_lit(out, "; ");
	put_name(out, "DKIM", sig->code, sig->domain);
	put_fault(out, sig->code, aligned, sig->reason);
}

void
tf_identifiers_write(const struct tf_result *res, const struct tf_dmarc *d, struct tf_buf *out)
{
	char storage[TF_IDENTIFIERS_MAX], one[TF_IDENTIFIERS_MAX];
	struct tf_buf line, part;
	size_t named = 0;

	tf_buf_init(&line, storage, sizeof(storage));
	put_spf(res, d, &line);
	if (line.overflow) {
		tf_buf_clear(&line);
		put_name(&line, "SPF", res->mailfrom.code, TF_NONE_STR);
	}
	while (named < res->dkim_count) {
		tf_buf_init(&part, one, sizeof(one));
		put_signature(&res->dkim[named], d->aligned_dkim && d->dkim_index == named, &part);
		if (part.overflow || line.len + part.len + COUNT_ROOM > sizeof(storage))
			break;
		tf_buf_str(&line, tf_buf_get(&part));
		named++;
	}
	if (res->dkim_count == 0)
		tf_buf_lit(&line, "; no DKIM signature");
	else if (named < res->dkim_count)
		tf_buf_printf(&line, "; DKIM signatures not shown: %zu", res->dkim_count - named);
	tf_buf_str(out, tf_buf_get(&line));
}
