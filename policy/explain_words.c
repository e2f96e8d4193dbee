/*
 * explain_words.c - a result in words, for people
 *
 * One section for each question that a message is asked, in the order in which they are asked, and
 * a line for each finding: what, result, why. Sentences say what a result means, so that nobody has
 * to know the standards first.
 * Every byte from outside goes through put(): printable ASCII or \xNN. A terminal is never driven
 * by a message; the only control sequences are our own colours.
 */
#include "truefrom/explain.h"
#include "truefrom/resolver.h"
#include "policy/explain_why.h"
#include "truefrom/banned.h"

#define LABEL_WIDTH 14
#define RESULT_WIDTH 11
#define NAME_WIDTH_MAX 48

enum tone { TONE_PLAIN, TONE_HEAD, TONE_GOOD, TONE_BAD, TONE_DOUBT };

struct page {
	struct tf_buf *out;
	bool colour;
	const struct tf_result *res;
	const struct tf_verdict *verdict;
};

static void
put(struct page *p, struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (tf_is_ctl(c) || tf_is_8bit(c))
			tf_buf_printf(p->out, "\\x%02x", (unsigned char)c);
		else
			tf_buf_byte(p->out, c);
	}
}

static void
say(struct page *p, const char *words)
{
	tf_buf_lit(p->out, words);
}

/* words before and after something from outside */
static void
say_of(struct page *p, const char *before, struct tf_str s, const char *after)
{
	say(p, before);
	put(p, s);
	say(p, after);
}

static void
pad(struct page *p, size_t from, size_t width)
{
	for (size_t at = p->out->len - from; at < width; at++)
		tf_buf_byte(p->out, ' ');
	tf_buf_byte(p->out, ' ');
}

static void
paint(struct page *p, enum tone tone, const char *word)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",
		[TONE_HEAD] = "\033[1m",
		[TONE_GOOD] = "\033[32m",
		[TONE_BAD] = "\033[31m",
		[TONE_DOUBT] = "\033[33m",
	};
	bool colour = p->colour && tone != TONE_PLAIN;

	say(p, colour ? codes[tone] : "");
	say(p, word);
	say(p, colour ? "\033[0m" : "");
}

static void
begin_section(struct page *p, const char *name, const char *question)
{
	if (p->out->len != 0)
		say(p, "\n");
	paint(p, TONE_HEAD, name);
	say(p, question);
	say(p, "\n");
}

/* "  label         " */
static void
begin_line(struct page *p, const char *label)
{
	size_t from;

	say(p, "  ");
	from = p->out->len;
	say(p, label);
	pad(p, from, LABEL_WIDTH);
}

/* "  label         result     ", in colour; what follows says why. */
static void
begin_finding(struct page *p, const char *label, enum tone tone, const char *result)
{
	size_t width = tf_str_from(result).len;

	begin_line(p, label);
	paint(p, tone, result);
	do {
		tf_buf_byte(p->out, ' ');
		width++;
	} while (width <= RESULT_WIDTH);
}

static void
end_line(struct page *p)
{
	say(p, "\n");
}

static void
fact(struct page *p, const char *label, struct tf_str value)
{
	begin_line(p, label);
	put(p, value);
	end_line(p);
}

/* What one check found on its way. */
static void
write_notes(struct page *p, enum tf_check_kind kind)
{
	const char *label = "steps";

	for (const struct tf_note *n = p->res->notes.first; n != NULL; n = n->next) {
		if (n->check != kind)
			continue;
		fact(p, label, n->text);
		label = "";
	}
}

static enum tone
tone_of(enum tf_code code)
{
	switch (code) {
	case TF_PASS:
		return TONE_GOOD;
	case TF_FAIL:
		return TONE_BAD;
	case TF_SOFTFAIL:
	case TF_POLICY:
	case TF_TEMPERROR:
	case TF_PERMERROR:
		return TONE_DOUBT;
	case TF_NONE:
	case TF_NEUTRAL:
		break;
	}
	return TONE_PLAIN;
}

static void
write_sender(struct page *p)
{
	const struct tf_identity *id = &p->res->identity;
	char storage[64];
	struct tf_buf client;

	begin_section(p, "Message", "");
	tf_buf_init(&client, storage, sizeof(storage));
	tf_addr_write(&id->client, &client);
	fact(p, "client", client.len != 0 ? tf_buf_get(&client) : TF_STR("unknown"));
	fact(p, "HELO", id->helo.len != 0 ? id->helo : TF_STR("none given"));
	begin_line(p, "MAIL FROM");
	say_of(p, "<", id->mail_from, id->mail_from.len != 0 ? ">\n" : "> (the null sender)\n");
	for (size_t i = 0; i < p->res->author.domain_count; i++)
		fact(p, i == 0 ? "From" : "", p->res->author.domains[i]);
	if (p->res->author.reason.len != 0)
		fact(p, p->res->author.domain_count == 0 ? "From" : "", p->res->author.reason);
	write_notes(p, TF_CHECK_FROM);
}

/* A result that says nothing about the client. */
static void
say_spf_error(struct page *p, const struct tf_spf *spf)
{
	if (spf->reason.len != 0) {
		if (spf->domain.len != 0)
			say_of(p, "", spf->domain, ": ");
		put(p, spf->reason);
	} else if (!spf->checked) {
		say(p, "not checked");
	} else if (spf->domain.len == 0) {
		say(p, "there is no domain to check");
	} else {
		say_of(p, "", spf->domain, " publishes no SPF record");
	}
}

/* What an SPF result means (RFC 7208 section 2.6). */
static void
say_spf_meaning(struct page *p, const struct tf_spf *spf)
{
	switch (spf->code) {
	case TF_PASS:
		say_of(p, "", spf->domain, " allows this client to send for it");
		break;
	case TF_FAIL:
		say_of(p, "", spf->domain, " says that this client may not send for it");
		break;
	case TF_SOFTFAIL:
		say_of(p, "", spf->domain, " thinks that this client may not send for it");
		break;
	case TF_NEUTRAL:
		say_of(p, "", spf->domain, " makes no statement about this client");
		break;
	case TF_NONE:
	case TF_POLICY:
	case TF_TEMPERROR:
	case TF_PERMERROR:
		say_spf_error(p, spf);
		break;
	}
	end_line(p);
}

static void
write_spf_check(struct page *p, const char *label, const struct tf_spf *spf)
{
	begin_finding(p, label, tone_of(spf->code), tf_code_name(spf->code));
	say_spf_meaning(p, spf);
	if (spf->mechanism.len != 0) {
		begin_finding(p, "", TONE_PLAIN, "");
		say_of(p, "decided by \"", spf->mechanism, "\"");
		say_of(p, " in the record of ", spf->record_domain, "\n");
	}
	if (spf->explanation.len != 0) {
		begin_finding(p, "", TONE_PLAIN, "");
		say_of(p, "the domain explains: ", spf->explanation, "\n");
	}
}

/* What libspf2 says, and why it differs. */
static void
write_opinion(struct page *p, const struct tf_spf_opinion *opinion)
{
	begin_finding(p, "libspf2", opinion->given ? tone_of(opinion->code) : TONE_BAD,
	    opinion->given ? tf_code_name(opinion->code) : "no result");
	put(p, opinion->reason);
	end_line(p);
	begin_finding(p, "", TONE_PLAIN, "");
	if (opinion->difference.len == 0)
		say(p, "the same result as ours\n");
	else
		say_of(p, "differs from ours: ", opinion->difference, "\n");
}

static void
write_spf(struct page *p)
{
	begin_section(p, "SPF", " - may this client send for the domain of the envelope?");
	write_spf_check(
	    p, p->res->mailfrom.helo_identity ? "null sender" : "MAIL FROM", &p->res->mailfrom);
	if (p->res->mailfrom.second != NULL)
		write_opinion(p, p->res->mailfrom.second);
	write_spf_check(p, "HELO", &p->res->helo);
}

static void
write_signature(struct page *p, size_t index)
{
	const struct tf_dkim *sig = &p->res->dkim[index];
	char label[32];
	struct tf_buf b;

	tf_buf_init(&b, label, sizeof(label));
	tf_buf_printf(&b, "signature %zu", index + 1);
	begin_finding(p, tf_buf_cstr(&b), tone_of(sig->code), tf_code_name(sig->code));
	put(p, sig->domain.len != 0 ? sig->domain : TF_STR("domain unreadable"));
	if (sig->selector.len != 0)
		say_of(p, ", selector ", sig->selector, "");
	if (sig->algorithm.len != 0)
		say_of(p, ", ", sig->algorithm, "");
	if (sig->bits != 0)
		tf_buf_printf(p->out, ", %u-bit key", sig->bits);
	if (sig->key_testing)
		say(p, ", the key is in test mode");
	end_line(p);
	if (sig->reason.len != 0) {
		begin_finding(p, "", TONE_PLAIN, "");
		put(p, sig->reason);
		end_line(p);
	}
}

static void
write_dkim(struct page *p)
{
	begin_section(p, "DKIM", " - which domains have signed this message, as it is now?");
	for (size_t i = 0; i < p->res->dkim_count; i++)
		write_signature(p, i);
	if (p->res->dkim_count == 0) {
		begin_finding(p, "signatures", TONE_PLAIN, "none");
		say(p, "nobody has signed this message\n");
	}
	write_notes(p, TF_CHECK_DKIM);
}

static void
write_arc(struct page *p)
{
	const struct tf_arc *arc = &p->res->arc;

	if (arc->instances == 0 && arc->code == TF_NONE)
		return;
	begin_section(p, "ARC", " - what do forwarders say that they have seen?");
	begin_finding(p, "chain", tone_of(arc->code), tf_code_name(arc->code));
	tf_buf_printf(p->out, arc->instances == 1 ? "%u set" : "%u sets", arc->instances);
	if (arc->sealer.len != 0)
		say_of(p, ", the newest sealed by ", arc->sealer, "");
	end_line(p);
	if (arc->reason.len != 0) {
		begin_finding(p, "", TONE_PLAIN, "");
		put(p, arc->reason);
		end_line(p);
	}
	if (arc->code == TF_PASS && arc->oldest_pass != 0) {
		begin_finding(p, "", TONE_PLAIN, "");
		tf_buf_printf(
		    p->out, "unchanged since set %u was made, not before\n", arc->oldest_pass);
	}
	write_notes(p, TF_CHECK_ARC);
}

static size_t
wider(size_t width, struct tf_str name)
{
	if (name.len > NAME_WIDTH_MAX)
		return NAME_WIDTH_MAX;
	return name.len > width ? name.len : width;
}

static void
write_walk(struct page *p, const struct tf_dmarc *d)
{
	size_t from, width = 0;

	for (size_t i = 0; i < d->walk_count; i++)
		width = wider(width, d->walk[i].domain);

	for (size_t i = 0; i < d->walk_count; i++) {
		begin_line(p, i == 0 ? "tree walk" : "");
		from = p->out->len;
		say_of(p, "_dmarc.", d->walk[i].domain, "");
		pad(p, from, sizeof("_dmarc.") + width);
		put(p, d->walk[i].found);
		/* Only an answer ends a walk before a name of one label. */
		if (i + 1 == d->walk_count &&
		    tf_str_find(d->walk[i].domain, '.') < d->walk[i].domain.len)
			say(p, ": the walk ends here");
		end_line(p);
	}
}

/* Whether and how the domain of a passing check belongs to the author's; nothing: none passed. */
static void
say_alignment(struct page *p, const struct tf_dmarc *d, const char *label, bool aligned,
    bool strict, struct tf_str domain, const char *nothing)
{
	begin_finding(
	    p, label, aligned ? TONE_GOOD : TONE_PLAIN, aligned ? "aligned" : "not aligned");
	if (domain.len == 0)
		say(p, nothing);
	else if (aligned && tf_str_eq(domain, d->from))
		say_of(p, "", domain, " is the author domain itself");
	else if (strict)
		say_of(p, "", domain, " is not the very author domain, which the record asks for");
	else
		say_of(p, "", domain,
		    aligned ? " is of the same organization" : " is of another organization");
	end_line(p);
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
write_alignment(struct page *p, const struct tf_dmarc *d)
{
	const struct tf_spf *spf = &p->res->mailfrom;

	say_alignment(p, d, "SPF", d->aligned_spf, d->strict_spf,
	    spf->code == TF_PASS ? spf->domain : TF_NONE_STR, "SPF has not passed");
	say_alignment(p, d, "DKIM", d->aligned_dkim, d->strict_dkim, signer_to_show(p->res, d),
	    "no signature is valid");
}

static void
say_dmarc_meaning(struct page *p, const struct tf_dmarc *d)
{
	if (d->code == TF_PASS)
		say_of(p, "a domain that belongs to ", d->from, " stands behind this message");
	else if (d->code == TF_FAIL)
		say_of(p, "nobody who belongs to ", d->from, " stands behind this message");
	else if (d->reason.len != 0)
		put(p, d->reason);
	else
		say(p, "there is no DMARC policy to apply");
	end_line(p);
}

static void
write_policy(struct page *p, const struct tf_dmarc *d)
{
	static const char *const meanings[] = {
		[TF_POLICY_UNKNOWN] = "",
		[TF_POLICY_NONE] = "the domain asks for nothing to be done when it fails",
		[TF_POLICY_QUARANTINE] = "the domain asks for suspicion when it fails",
		[TF_POLICY_REJECT] = "the domain asks for refusal when it fails",
	};

	if (d->policy == TF_POLICY_UNKNOWN)
		return;
	begin_finding(p, "policy", TONE_PLAIN, tf_dmarc_policy_name(d->policy));
	say(p, meanings[d->policy]);
	if (d->testing)
		tf_buf_printf(p->out, "; being tested (t=y), so it counts as %s",
		    tf_dmarc_policy_name(d->applied_policy));
	end_line(p);
}

static void
write_author(struct page *p, const struct tf_dmarc *d)
{
	fact(p, "author", d->from.len != 0 ? d->from : TF_STR("unknown"));
	write_walk(p, d);
	if (d->record.len != 0) {
		fact(p, "record", d->record);
		begin_line(p, "");
		say_of(p, "found at _dmarc.", d->record_domain, "\n");
	}
	if (d->org_domain.len != 0)
		fact(p, "organization", d->org_domain);
	if (d->policy != TF_POLICY_UNKNOWN)
		write_alignment(p, d);
	begin_finding(p, "result", tone_of(d->code), tf_code_name(d->code));
	say_dmarc_meaning(p, d);
	write_policy(p, d);
}

static void
write_dmarc(struct page *p)
{
	begin_section(
	    p, "DMARC", " - does one of these domains belong to the author's, and what if not?");
	for (size_t i = 0; i < p->res->author_count; i++) {
		if (i != 0)
			end_line(p);
		write_author(p, &p->res->authors[i]);
	}
	if (p->res->author_count == 0) {
		begin_finding(p, "result", TONE_PLAIN, "none");
		say(p, "DMARC is switched off\n");
	}
	write_notes(p, TF_CHECK_DMARC);
}

static void
write_rule(struct page *p)
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

	begin_line(p, "rule");
	put(p, p->verdict->rule);
	tf_buf_printf(p->out, " (%s)", meanings[p->verdict->decided_by]);
	end_line(p);
}

/* The chain of reasons, a sentence a line. */
static void
write_why(struct page *p)
{
	struct tf_why why;

	tf_explain_why(p->res, p->verdict, &why);
	for (size_t i = 0; i < why.count; i++)
		fact(p, i == 0 ? "why" : "", tf_buf_get(&why.lines[i]));
}

static void
say_action_meaning(struct page *p)
{
	const struct tf_verdict *v = p->verdict;

	switch (v->action) {
	case TF_ACT_ACCEPT:
		if (v->would == TF_ACT_ACCEPT)
			say(p, "delivered");
		else
			tf_buf_printf(p->out, "monitor mode: in enforcing mode it would be %s",
			    tf_action_name(v->would));
		break;
	case TF_ACT_QUARANTINE:
		say(p, v->quarantine == TF_QUARANTINE_HOLD
			   ? "held in the queue of the MTA"
			   : "delivered with X-Truefrom-Quarantine: yes");
		break;
	case TF_ACT_REJECT:
		say(p, "refused");
		break;
	case TF_ACT_TEMPFAIL:
		say(p, "deferred; the sender tries again");
		break;
	}
	end_line(p);
}

static void
write_reply(struct page *p)
{
	const char *label = "reply";

	for (struct tf_str rest = p->verdict->reply; rest.len != 0; label = "") {
		struct tf_str line = tf_str_sub(rest, 0, tf_str_find(rest, '\n'));

		fact(p, label, line);
		rest = tf_str_sub(rest, line.len + 1, rest.len);
	}
}

static void
write_decision(struct page *p)
{
	static const enum tone tones[] = {
		[TF_ACT_ACCEPT] = TONE_GOOD,
		[TF_ACT_QUARANTINE] = TONE_DOUBT,
		[TF_ACT_REJECT] = TONE_BAD,
		[TF_ACT_TEMPFAIL] = TONE_DOUBT,
	};
	const struct tf_verdict *v = p->verdict;

	begin_section(p, "Decision", "");
	if (p->res->author_count > 1 && v->dmarc != NULL)
		fact(p, "about", v->dmarc->from);
	write_rule(p);
	write_why(p);
	if (v->arc.len != 0)
		fact(p, "ARC", v->arc);
	if (v->decided_by == TF_RULE_OVERRIDE || v->decided_by == TF_RULE_FORWARDER)
		fact(p, "policy", tf_str_from(tf_dmarc_policy_name(v->policy)));
	begin_finding(p, "action", tones[v->action], tf_action_name(v->action));
	say_action_meaning(p);
	write_reply(p);
	if (v->hold_reason.len != 0)
		fact(p, "reason", v->hold_reason);
}

static void
write_question(struct page *p, const struct tf_dns_trace *q, size_t width)
{
	size_t from;

	say(p, "  ");
	from = p->out->len;
	say(p, tf_dns_type_name(q->type));
	pad(p, from, 4);
	from = p->out->len;
	put(p, q->name);
	pad(p, from, width);
	tf_buf_printf(p->out, "%-9s %8.1f ms\n", tf_dns_status_name(q->status), q->ms);
	for (size_t i = 0; i < q->answer_count; i++)
		say_of(p, "         ", q->answers[i], "\n");
}

static void
write_dns(struct page *p)
{
	size_t width = 0;

	if (p->res->dns_count == 0)
		return;
	for (size_t i = 0; i < p->res->dns_count; i++)
		width = wider(width, p->res->dns[i].name);
	begin_section(p, "DNS", " - every question with its answer");
	for (size_t i = 0; i < p->res->dns_count; i++)
		write_question(p, &p->res->dns[i], width);
}

void
tf_explain_words(const struct tf_result *res, const struct tf_verdict *verdict,
    const struct tf_written *written, bool colour, struct tf_buf *out)
{
	struct page p = { .out = out, .colour = colour, .res = res, .verdict = verdict };

	write_sender(&p);
	if (res->exempt == TF_EXEMPT_NO) {
		write_dns(&p);
		write_spf(&p);
		write_dkim(&p);
		write_arc(&p);
		write_dmarc(&p);
	}
	if (written->authres.len != 0) {
		begin_section(
		    &p, "Authentication-Results", " - what readers of the message are told");
		say_of(&p, "  ", written->authres, "\n");
	}
	if (written->received_spf_count != 0)
		begin_section(&p, "Received-SPF", " - the same about SPF, for older readers");
	for (size_t i = 0; i < written->received_spf_count; i++)
		say_of(&p, "  ", written->received_spf[i], "\n");
	write_decision(&p);
}
