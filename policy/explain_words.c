/*
 * explain_words.c - a result in words, for people
 *
 * One section for each question that a message is asked, in the order in which they are asked, and
 * a line for each finding: what, result, why. Sentences say what a result means, so that nobody has
 * to know the standards first.
 * Does not: lay out or clean what it says (page.c), or weigh the reasons of a verdict
 * (explain_why.c).
 */
#include "truefrom/explain.h"
#include "truefrom/resolver.h"
#include "policy/explain_why.h"
#include "policy/page.h"
#include "truefrom/banned.h"

#define NAME_WIDTH_MAX 48

struct words {
	struct tf_page *page;
	const struct tf_result *res;
	const struct tf_verdict *verdict;
};

/* What one check found on its way. */
static void
write_notes(struct words *w, enum tf_check_kind kind)
{
	const char *label = "steps";

	for (const struct tf_note *n = w->res->notes.first; n != NULL; n = n->next) {
		if (n->check != kind)
			continue;
		tf_page_fact(w->page, label, n->text);
		label = "";
	}
}

static enum tf_tone
tone_of(enum tf_code code)
{
	switch (code) {
	case TF_PASS:
		return TF_TONE_GOOD;
	case TF_FAIL:
		return TF_TONE_BAD;
	case TF_SOFTFAIL:
	case TF_POLICY:
	case TF_TEMPERROR:
	case TF_PERMERROR:
		return TF_TONE_DOUBT;
	case TF_NONE:
	case TF_NEUTRAL:
		break;
	}
	return TF_TONE_PLAIN;
}

static void
write_sender(struct words *w)
{
	const struct tf_identity *id = &w->res->identity;
	char storage[64];
	struct tf_buf client;

	tf_page_begin_section(w->page, "Message", "");
	tf_buf_init(&client, storage, sizeof(storage));
	tf_addr_write(&id->client, &client);
	tf_page_fact(w->page, "client", client.len != 0 ? tf_buf_get(&client) : TF_STR("unknown"));
	tf_page_fact(w->page, "HELO", id->helo.len != 0 ? id->helo : TF_STR("none given"));
	tf_page_begin_line(w->page, "MAIL FROM");
	tf_page_say_of(
	    w->page, "<", id->mail_from, id->mail_from.len != 0 ? ">\n" : "> (the null sender)\n");
	for (size_t i = 0; i < w->res->author.domain_count; i++)
		tf_page_fact(w->page, i == 0 ? "From" : "", w->res->author.domains[i]);
	if (w->res->author.reason.len != 0)
		tf_page_fact(
		    w->page, w->res->author.domain_count == 0 ? "From" : "", w->res->author.reason);
	write_notes(w, TF_CHECK_FROM);
}

/* A result that says nothing about the client. */
static void
say_spf_error(struct words *w, const struct tf_spf *spf)
{
	if (spf->reason.len != 0) {
		if (spf->domain.len != 0)
			tf_page_say_of(w->page, "", spf->domain, ": ");
		tf_page_put(w->page, spf->reason);
	} else if (!spf->checked) {
		tf_page_say(w->page, "not checked");
	} else if (spf->domain.len == 0) {
		tf_page_say(w->page, "there is no domain to check");
	} else {
		tf_page_say_of(w->page, "", spf->domain, " publishes no SPF record");
	}
}

/* What an SPF result means (RFC 7208 section 2.6). */
static void
say_spf_meaning(struct words *w, const struct tf_spf *spf)
{
	switch (spf->code) {
	case TF_PASS:
		tf_page_say_of(w->page, "", spf->domain, " allows this client to send for it");
		break;
	case TF_FAIL:
		tf_page_say_of(
		    w->page, "", spf->domain, " says that this client may not send for it");
		break;
	case TF_SOFTFAIL:
		tf_page_say_of(
		    w->page, "", spf->domain, " thinks that this client may not send for it");
		break;
	case TF_NEUTRAL:
		tf_page_say_of(w->page, "", spf->domain, " makes no statement about this client");
		break;
	case TF_NONE:
	case TF_POLICY:
	case TF_TEMPERROR:
	case TF_PERMERROR:
		say_spf_error(w, spf);
		break;
	}
	tf_page_end_line(w->page);
}

static void
write_spf_check(struct words *w, const char *label, const struct tf_spf *spf)
{
	tf_page_begin_finding(w->page, label, tone_of(spf->code), tf_code_name(spf->code));
	say_spf_meaning(w, spf);
	if (spf->mechanism.len != 0) {
		tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
		tf_page_say_of(w->page, "decided by \"", spf->mechanism, "\"");
		tf_page_say_of(w->page, " in the record of ", spf->record_domain, "\n");
	}
	if (spf->explanation.len != 0) {
		tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
		tf_page_say_of(w->page, "the domain explains: ", spf->explanation, "\n");
	}
}

/* What libspf2 says, and why it differs. */
static void
write_opinion(struct words *w, const struct tf_spf_opinion *opinion)
{
	tf_page_begin_finding(w->page, "libspf2",
	    opinion->given ? tone_of(opinion->code) : TF_TONE_BAD,
	    opinion->given ? tf_code_name(opinion->code) : "no result");
	tf_page_put(w->page, opinion->reason);
	tf_page_end_line(w->page);
	tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
	if (opinion->difference.len == 0)
		tf_page_say(w->page, "the same result as ours\n");
	else
		tf_page_say_of(w->page, "differs from ours: ", opinion->difference, "\n");
}

static void
write_spf(struct words *w)
{
	tf_page_begin_section(
	    w->page, "SPF", " - may this client send for the domain of the envelope?");
	write_spf_check(
	    w, w->res->mailfrom.helo_identity ? "null sender" : "MAIL FROM", &w->res->mailfrom);
	if (w->res->mailfrom.second != NULL)
		write_opinion(w, w->res->mailfrom.second);
	write_spf_check(w, "HELO", &w->res->helo);
}

static void
write_signature(struct words *w, size_t index)
{
	const struct tf_dkim *sig = &w->res->dkim[index];
	char label[32];
	struct tf_buf b;

	tf_buf_init(&b, label, sizeof(label));
	tf_buf_printf(&b, "signature %zu", index + 1);
	tf_page_begin_finding(
	    w->page, tf_buf_cstr(&b), tone_of(sig->code), tf_code_name(sig->code));
	tf_page_put(w->page, sig->domain.len != 0 ? sig->domain : TF_STR("domain unreadable"));
	if (sig->selector.len != 0)
		tf_page_say_of(w->page, ", selector ", sig->selector, "");
	if (sig->algorithm.len != 0)
		tf_page_say_of(w->page, ", ", sig->algorithm, "");
	if (sig->bits != 0)
		tf_buf_printf(w->page->out, ", %u-bit key", sig->bits);
	if (sig->key_testing)
		tf_page_say(w->page, ", the key is in test mode");
	tf_page_end_line(w->page);
	if (sig->reason.len != 0) {
		tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
		tf_page_put(w->page, sig->reason);
		tf_page_end_line(w->page);
	}
}

static void
write_dkim(struct words *w)
{
	tf_page_begin_section(
	    w->page, "DKIM", " - which domains have signed this message, as it is now?");
	for (size_t i = 0; i < w->res->dkim_count; i++)
		write_signature(w, i);
	if (w->res->dkim_count == 0) {
		tf_page_begin_finding(w->page, "signatures", TF_TONE_PLAIN, "none");
		tf_page_say(w->page, "nobody has signed this message\n");
	}
	write_notes(w, TF_CHECK_DKIM);
}

static void
write_arc(struct words *w)
{
	const struct tf_arc *arc = &w->res->arc;

	if (arc->instances == 0 && arc->code == TF_NONE)
		return;
	tf_page_begin_section(w->page, "ARC", " - what do forwarders say that they have seen?");
	tf_page_begin_finding(w->page, "chain", tone_of(arc->code), tf_code_name(arc->code));
	tf_buf_printf(w->page->out, arc->instances == 1 ? "%u set" : "%u sets", arc->instances);
	if (arc->sealer.len != 0)
		tf_page_say_of(w->page, ", the newest sealed by ", arc->sealer, "");
	tf_page_end_line(w->page);
	if (arc->reason.len != 0) {
		tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
		tf_page_put(w->page, arc->reason);
		tf_page_end_line(w->page);
	}
	if (arc->code == TF_PASS && arc->oldest_pass != 0) {
		tf_page_begin_finding(w->page, "", TF_TONE_PLAIN, "");
		tf_buf_printf(w->page->out, "unchanged since set %u was made, not before\n",
		    arc->oldest_pass);
	}
	write_notes(w, TF_CHECK_ARC);
}

static size_t
wider(size_t width, struct tf_str name)
{
	if (name.len > NAME_WIDTH_MAX)
		return NAME_WIDTH_MAX;
	return name.len > width ? name.len : width;
}

static void
write_walk(struct words *w, const struct tf_dmarc *d)
{
	size_t from, width = 0;

	for (size_t i = 0; i < d->walk_count; i++)
		width = wider(width, d->walk[i].domain);

	for (size_t i = 0; i < d->walk_count; i++) {
		tf_page_begin_line(w->page, i == 0 ? "tree walk" : "");
		from = w->page->out->len;
		tf_page_say_of(w->page, "_dmarc.", d->walk[i].domain, "");
		tf_page_pad(w->page, from, sizeof("_dmarc.") + width);
		tf_page_put(w->page, d->walk[i].found);
		/* Only an answer ends a walk before a name of one label. */
		if (i + 1 == d->walk_count &&
		    tf_str_find(d->walk[i].domain, '.') < d->walk[i].domain.len)
			tf_page_say(w->page, ": the walk ends here");
		tf_page_end_line(w->page);
	}
}

/* Whether and how the domain of a passing check belongs to the author's; nothing: none passed. */
static void
say_alignment(struct words *w, const struct tf_dmarc *d, const char *label, bool aligned,
    bool strict, struct tf_str domain, const char *nothing)
{
	tf_page_begin_finding(w->page, label, aligned ? TF_TONE_GOOD : TF_TONE_PLAIN,
	    aligned ? "aligned" : "not aligned");
	if (domain.len == 0)
		tf_page_say(w->page, nothing);
	else if (aligned && tf_str_eq(domain, d->from))
		tf_page_say_of(w->page, "", domain, " is the author domain itself");
	else if (strict)
		tf_page_say_of(w->page, "", domain,
		    " is not the very author domain, which the record asks for");
	else
		tf_page_say_of(w->page, "", domain,
		    aligned ? " is of the same organization" : " is of another organization");
	tf_page_end_line(w->page);
}

static struct tf_str
signer_to_show(const struct tf_result *res, const struct tf_dmarc *d)
{
	if (d->aligned_dkim && d->dkim_index < res->dkim_count)
		return res->dkim[d->dkim_index].domain;
	for (size_t i = 0; i < res->dkim_count; i++) {
		if (res->dkim[i].code == TF_PASS)
			return res->dkim[i].domain;
	}
	return TF_NONE_STR;
}

static void
write_alignment(struct words *w, const struct tf_dmarc *d)
{
	const struct tf_spf *spf = &w->res->mailfrom;

	say_alignment(w, d, "SPF", d->aligned_spf, d->strict_spf,
	    spf->code == TF_PASS ? spf->domain : TF_NONE_STR, "SPF has not passed");
	say_alignment(w, d, "DKIM", d->aligned_dkim, d->strict_dkim, signer_to_show(w->res, d),
	    "no signature is valid");
}

static void
say_dmarc_meaning(struct words *w, const struct tf_dmarc *d)
{
	if (d->code == TF_PASS)
		tf_page_say_of(
		    w->page, "a domain that belongs to ", d->from, " stands behind this message");
	else if (d->code == TF_FAIL)
		tf_page_say_of(
		    w->page, "nobody who belongs to ", d->from, " stands behind this message");
	else if (d->reason.len != 0)
		tf_page_put(w->page, d->reason);
	else
		tf_page_say(w->page, "there is no DMARC policy to apply");
	tf_page_end_line(w->page);
}

static void
write_policy(struct words *w, const struct tf_dmarc *d)
{
	static const char *const meanings[] = {
		[TF_POLICY_UNKNOWN] = "",
		[TF_POLICY_NONE] = "the domain asks for nothing to be done when it fails",
		[TF_POLICY_QUARANTINE] = "the domain asks for suspicion when it fails",
		[TF_POLICY_REJECT] = "the domain asks for refusal when it fails",
	};

	if (d->policy == TF_POLICY_UNKNOWN)
		return;
	tf_page_begin_finding(w->page, "policy", TF_TONE_PLAIN, tf_dmarc_policy_name(d->policy));
	tf_page_say(w->page, meanings[d->policy]);
	if (d->testing)
		tf_buf_printf(w->page->out, "; being tested (t=y), so it counts as %s",
		    tf_dmarc_policy_name(d->applied_policy));
	tf_page_end_line(w->page);
}

static void
write_author(struct words *w, const struct tf_dmarc *d)
{
	tf_page_fact(w->page, "author", d->from.len != 0 ? d->from : TF_STR("unknown"));
	write_walk(w, d);
	if (d->record.len != 0) {
		tf_page_fact(w->page, "record", d->record);
		tf_page_begin_line(w->page, "");
		tf_page_say_of(w->page, "found at _dmarc.", d->record_domain, "\n");
	}
	if (d->org_domain.len != 0)
		tf_page_fact(w->page, "organization", d->org_domain);
	if (d->policy != TF_POLICY_UNKNOWN)
		write_alignment(w, d);
	tf_page_begin_finding(w->page, "result", tone_of(d->code), tf_code_name(d->code));
	say_dmarc_meaning(w, d);
	write_policy(w, d);
}

static void
write_dmarc(struct words *w)
{
	tf_page_begin_section(w->page, "DMARC",
	    " - does one of these domains belong to the author's, and what if not?");
	for (size_t i = 0; i < w->res->author_count; i++) {
		if (i != 0)
			tf_page_end_line(w->page);
		write_author(w, &w->res->authors[i]);
	}
	if (w->res->author_count == 0) {
		tf_page_begin_finding(w->page, "result", TF_TONE_PLAIN, "none");
		tf_page_say(w->page, "DMARC is switched off\n");
	}
	write_notes(w, TF_CHECK_DMARC);
}

static void
write_rule(struct words *w)
{
	static const char *const meanings[] = {
		[TF_RULE_NONE] = "nothing asks for more than to deliver it",
		[TF_RULE_DMARC_POLICY] = "the policy that the author domain has published",
		[TF_RULE_OVERRIDE] = "a domain section of the configuration",
		[TF_RULE_FORWARDER] = "a forwarder section of the configuration",
		[TF_RULE_TRUSTED_SEALER] = "a forwarder of arc.trusted_sealers saw it pass",
		[TF_RULE_INVALID_FROM] =
		    "the From header does not name its author domain for certain",
		[TF_RULE_TEMPERROR] = "DNS gave no answer, so nothing is known for certain",
		[TF_RULE_TRUSTED_NETWORK] =
		    "the client is in trusted_networks: nothing was evaluated",
		[TF_RULE_AUTHENTICATED] = "the client has logged in: nothing was evaluated",
		[TF_RULE_TRUSTED_RELAY] =
		    "the client is in trusted_relays, which has evaluated it before",
		[TF_RULE_EXEMPT_RECIPIENT] =
		    "it would be refused, but all recipients are in exempt_recipients",
		[TF_RULE_SPF_FAIL] =
		    "spf.on_fail refuses it, and no signature of the author speaks for it",
		[TF_RULE_SPF_HELO_FAIL] =
		    "spf.on_helo_fail refuses it, and no signature of the author speaks for it",
		[TF_RULE_ERROR] = "truefrom could not evaluate the message; on_error decides",
	};

	tf_page_begin_line(w->page, "rule");
	tf_page_put(w->page, w->verdict->rule);
	tf_buf_printf(w->page->out, " (%s)", meanings[w->verdict->decided_by]);
	tf_page_end_line(w->page);
}

/* The chain of reasons, a sentence a line. */
static void
write_why(struct words *w)
{
	struct tf_why why;

	tf_explain_why(w->res, w->verdict, &why);
	for (size_t i = 0; i < why.count; i++)
		tf_page_fact(w->page, i == 0 ? "why" : "", tf_buf_get(&why.lines[i]));
}

static void
say_action_meaning(struct words *w)
{
	const struct tf_verdict *v = w->verdict;

	switch (v->action) {
	case TF_ACT_ACCEPT:
		if (v->would == TF_ACT_ACCEPT)
			tf_page_say(w->page, "delivered");
		else
			tf_buf_printf(w->page->out,
			    "monitor mode: in enforcing mode it would be %s",
			    tf_action_name(v->would));
		break;
	case TF_ACT_QUARANTINE:
		tf_page_say(w->page, v->quarantine == TF_QUARANTINE_HOLD
					 ? "held in the queue of the MTA"
					 : "delivered with X-Truefrom-Quarantine: yes");
		break;
	case TF_ACT_REJECT:
		tf_page_say(w->page, "refused");
		break;
	case TF_ACT_TEMPFAIL:
		tf_page_say(w->page, "deferred; the sender tries again");
		break;
	}
	tf_page_end_line(w->page);
}

static void
write_reply(struct words *w)
{
	const char *label = "reply";

	for (struct tf_str rest = w->verdict->reply; rest.len != 0; label = "") {
		struct tf_str line = tf_str_sub(rest, 0, tf_str_find(rest, '\n'));

		tf_page_fact(w->page, label, line);
		rest = tf_str_sub(rest, line.len + 1, rest.len);
	}
}

static void
write_decision(struct words *w)
{
	static const enum tf_tone tones[] = {
		[TF_ACT_ACCEPT] = TF_TONE_GOOD,
		[TF_ACT_QUARANTINE] = TF_TONE_DOUBT,
		[TF_ACT_REJECT] = TF_TONE_BAD,
		[TF_ACT_TEMPFAIL] = TF_TONE_DOUBT,
	};
	const struct tf_verdict *v = w->verdict;

	tf_page_begin_section(w->page, "Decision", "");
	if (w->res->author_count > 1 && v->dmarc != NULL)
		tf_page_fact(w->page, "about", v->dmarc->from);
	write_rule(w);
	write_why(w);
	if (v->arc.len != 0)
		tf_page_fact(w->page, "ARC", v->arc);
	if (v->decided_by == TF_RULE_OVERRIDE || v->decided_by == TF_RULE_FORWARDER)
		tf_page_fact(w->page, "policy", tf_str_from(tf_dmarc_policy_name(v->policy)));
	tf_page_begin_finding(w->page, "action", tones[v->action], tf_action_name(v->action));
	say_action_meaning(w);
	write_reply(w);
	if (v->hold_reason.len != 0)
		tf_page_fact(w->page, "reason", v->hold_reason);
}

static void
write_question(struct words *w, const struct tf_dns_trace *q, size_t width)
{
	size_t from;

	tf_page_say(w->page, "  ");
	from = w->page->out->len;
	tf_page_say(w->page, tf_dns_type_name(q->type));
	tf_page_pad(w->page, from, 4);
	from = w->page->out->len;
	tf_page_put(w->page, q->name);
	tf_page_pad(w->page, from, width);
	tf_buf_printf(w->page->out, "%-9s %8.1f ms\n", tf_dns_status_name(q->status), q->ms);
	for (size_t i = 0; i < q->answer_count; i++)
		tf_page_say_of(w->page, "         ", q->answers[i], "\n");
}

static void
write_dns(struct words *w)
{
	size_t width = 0;

	if (w->res->dns_count == 0)
		return;
	for (size_t i = 0; i < w->res->dns_count; i++)
		width = wider(width, w->res->dns[i].name);
	tf_page_begin_section(w->page, "DNS", " - every question with its answer");
	for (size_t i = 0; i < w->res->dns_count; i++)
		write_question(w, &w->res->dns[i], width);
}

void
tf_explain_words(const struct tf_result *res, const struct tf_verdict *verdict,
    const struct tf_written *written, bool colour, struct tf_buf *out)
{
	struct tf_page page = { .out = out, .colour = colour };
	struct words w = { .page = &page, .res = res, .verdict = verdict };

	write_sender(&w);
	if (res->exempt == TF_EXEMPT_NO) {
		write_dns(&w);
		write_spf(&w);
		write_dkim(&w);
		write_arc(&w);
		write_dmarc(&w);
	}
	if (written->authres.len != 0) {
		tf_page_begin_section(
		    &page, "Authentication-Results", " - what readers of the message are told");
		tf_page_say_of(&page, "  ", written->authres, "\n");
	}
	if (written->received_spf_count != 0)
		tf_page_begin_section(
		    &page, "Received-SPF", " - the same about SPF, for older readers");
	for (size_t i = 0; i < written->received_spf_count; i++)
		tf_page_say_of(&page, "  ", written->received_spf[i], "\n");
	write_decision(&w);
}
