/*
 * check.c - one message through all checks, in their order
 *
 * Knows every check and nothing of their inside. Questions go out as early as the message allows:
 * SPF at the first recipient, keys and policy records at the end of the header; only finish waits.
 * What decides about the author comes first wherever questions or time are scarce, because senders
 * can make the rest cost what they like: then ARC, which can only make up for a failure; HELO,
 * which no author gains or loses by, comes last.
 * Does not: decide what is done with a message (verdict.c), know the daemon or the MTA.
 */
#include "truefrom/check.h"
#include "policy/arc.h"
#include "policy/dkim.h"
#include "policy/dmarc.h"
#include "truefrom/domain.h"
#include "policy/header.h"
#include "policy/mailbox.h"
#include "policy/spf.h"
#include "policy/spf_check.h"
#include "truefrom/banned.h"

#define TICK_MS 5000

/* Where a message stands; moved forward only, by the functions below. */
enum phase { PHASE_ENVELOPE, PHASE_HEADERS, PHASE_BODY, PHASE_DONE };

struct tf_check {
	struct tf_arena *arena;
	const struct tf_check_opts *opts;
	enum phase phase;
	struct tf_dns *dns;
	struct tf_header_block headers;
	struct tf_spf_check *helo, *mailfrom;
	struct tf_signed_message
	    *message; /* what DKIM and ARC verify; NULL before the end of the header */
	struct tf_dkim_check *dkim;
	struct tf_arc_check *arc; /* NULL: not asked for */
	struct tf_treewalks *walks;
	const char *too_big;
	struct tf_notes *notes; /* of the result; NULL: nobody will read them */
	struct tf_result result;
};

/* Deferred more than once, so that it runs before what follow-ups use is freed. */
static void
end_dns(void *ptr)
{
	struct tf_check *c = ptr;

	tf_dns_end(c->dns);
	c->dns = NULL;
}

struct tf_check *
tf_check_begin(struct tf_arena *a, struct tf_resolver *r, const struct tf_check_opts *opts,
    const struct tf_identity *id)
{
	const struct tf_header_limits limits = { opts->max_headers, opts->max_header_bytes };
	struct tf_check *c = tf_arena_alloc(a, sizeof(*c));

	c->arena = a;
	c->opts = opts;
	c->result.identity = *id;
	c->result.identity.helo = tf_arena_dup(a, id->helo);
	c->result.identity.mail_from = tf_arena_dup(a, id->mail_from);
	c->result.identity.receiver = tf_arena_dup(a, id->receiver);
	if (!opts->no_notes)
		c->notes = &c->result.notes;
	tf_header_block_init(&c->headers, a, &limits);
	c->dns = tf_dns_begin(r, &opts->dns);
	tf_arena_defer(a, end_dns, c);
	return c;
}

static void
start_spf(struct tf_check *c)
{
	const struct tf_identity *id = &c->result.identity;

	if (c->mailfrom != NULL || c->opts->spf_skip)
		return;
	c->helo = tf_spf_start(c->arena, c->dns, &c->opts->spf, id, TF_SPF_HELO);
	c->mailfrom = tf_spf_start(c->arena, c->dns, &c->opts->spf, id, TF_SPF_MAILFROM);
	tf_arena_defer(c->arena, end_dns, c);
}

void
tf_check_rcpt(struct tf_check *c)
{
	start_spf(c);
}

static bool
within_memory(struct tf_check *c)
{
	if (c->too_big == NULL && tf_arena_used(c->arena) > c->opts->max_memory)
		c->too_big = "limits.message_memory reached";
	return c->too_big == NULL;
}

bool
tf_check_header(struct tf_check *c, struct tf_str name, struct tf_str value)
{
	if (c->phase > PHASE_HEADERS)
		tf_panic("header field after the end of the header");
	c->phase = PHASE_HEADERS;
	if (c->too_big != NULL)
		return false;
	if (!tf_header_block_add(&c->headers, name, value))
		c->too_big = c->headers.count >= c->opts->max_headers
				 ? "limits.headers reached"
				 : "limits.header_bytes reached";
	return within_memory(c);
}

/*
 * Ask ahead for the walk of a domain that may come to vouch for an author. Without two labels in
 * common with an author domain it can align only under a record of a top-level domain: not worth a
 * question to each. One question stays for each author domain, about its existence, and a third of
 * all for SPF, whose records may not be here yet.
 */
static void
start_walk_of(struct tf_check *c, struct tf_str domain)
{
	const struct tf_author *author = &c->result.author;

	if (tf_dns_budget_left(c->dns) <
	    tf_dns_budget(c->dns) / TF_SPF_SHARE + author->domain_count + TF_TREEWALK_MAX)
		return;
	for (size_t i = 0; i < author->domain_count; i++) {
		if (tf_domain_labels(domain) > 1 &&
		    tf_str_eq(tf_domain_last(domain, 2), tf_domain_last(author->domains[i], 2))) {
			tf_treewalk_start(c->walks, domain);
			return;
		}
	}
}

/* Before everything else that the header asks for: without these there is no policy. */
static void
start_author_walks(struct tf_check *c)
{
	const struct tf_author *author = &c->result.author;

	if (!c->opts->dmarc.enabled || author->state != TF_FROM_OK)
		return;
	c->walks = tf_treewalks_new(c->arena, c->dns);
	tf_treewalk_start_authors(c->walks, author->domains, author->domain_count);
}

static void
start_identifier_walks(struct tf_check *c)
{
	const struct tf_str *domains;
	struct tf_str local, domain;
	size_t count;

	if (c->walks == NULL)
		return;
	count = tf_dkim_domains(c->dkim, &domains);
	for (size_t i = 0; i < count; i++)
		start_walk_of(c, domains[i]);
	if (tf_mailbox_path(c->result.identity.mail_from, &local, &domain) &&
	    tf_domain_normalise(domain, c->arena, &domain))
		start_walk_of(c, domain);
}

/* After everything else that the header asks for: a chain only makes up for a failure of DMARC. */
static void
start_arc(struct tf_check *c)
{
	if (!c->opts->arc.verify)
		return;
	c->arc = tf_arc_start(
	    c->arena, c->dns, &c->opts->dkim, c->opts->keys, c->message, c->result.identity.now);
}

void
tf_check_eoh(struct tf_check *c)
{
	if (c->phase > PHASE_HEADERS)
		tf_panic("second end of the header");
	c->phase = PHASE_BODY;
	if (c->too_big != NULL)
		return;
	start_spf(c);
	tf_mailbox_authors(
	    &c->headers, c->opts->dmarc.max_author_domains, c->arena, &c->result.author);
	start_author_walks(c);
	c->message = tf_signed_message_new(c->arena, &c->headers, c->opts->keys);
	c->dkim = tf_dkim_start(c->arena, c->dns, &c->opts->dkim, c->message, &c->result.author,
	    c->result.identity.now,
	    c->opts->dkim.own_verifier ? TF_VERIFIER_OWN : TF_VERIFIER_BOTH);
	start_identifier_walks(c);
	start_arc(c);
	within_memory(c);
}

void
tf_check_body(struct tf_check *c, struct tf_str chunk)
{
	if (c->phase < PHASE_BODY)
		tf_check_eoh(c);
	if (!within_memory(c))
		return;
	tf_body_hashes_feed(tf_signed_message_body(c->message), chunk);
}

static void
eval_arc(struct tf_check *c)
{
	struct tf_result *res = &c->result;

	if (c->arc != NULL)
		tf_arc_eval(c->arc, c->notes, &res->arc);
}

/* What DMARC may align: results that somebody vouched for, and those that a DNS failure hid. */
struct vouched {
	struct tf_auth_domain *pass, *temp;
	size_t pass_count, temp_count;
};

static void
vouch(struct vouched *v, enum tf_code code, enum tf_voucher by, size_t index, struct tf_str domain)
{
	const struct tf_auth_domain ad = { by, index, domain };

	if (domain.len == 0)
		return;
	if (code == TF_PASS)
		v->pass[v->pass_count++] = ad;
	else if (code == TF_TEMPERROR)
		v->temp[v->temp_count++] = ad;
}

static struct vouched
collect_vouched(const struct tf_check *c)
{
	const struct tf_result *res = &c->result;
	const size_t room = res->dkim_count + 1;
	struct vouched v = {
		.pass = tf_arena_array(c->arena, room, sizeof(*v.pass)),
		.temp = tf_arena_array(c->arena, room, sizeof(*v.temp)),
	};

	vouch(&v, res->mailfrom.code, TF_VOUCHER_SPF, 0, res->mailfrom.domain);
	for (size_t i = 0; i < res->dkim_count; i++)
		vouch(&v, res->dkim[i].code, TF_VOUCHER_DKIM, i, res->dkim[i].domain);
	return v;
}

/* How much an author domain's outcome weighs when there are several: the strictest failing one
 * decides. */
static int
weight(const struct tf_dmarc *d)
{
	switch (d->code) {
	case TF_FAIL:
		return d->applied_policy == TF_POLICY_REJECT       ? 6
		       : d->applied_policy == TF_POLICY_QUARANTINE ? 5
								   : 3;
	case TF_TEMPERROR:
		return 4;
	case TF_PERMERROR:
		return 2;
	case TF_NONE:
		return 1;
	case TF_PASS:
	case TF_SOFTFAIL:
	case TF_NEUTRAL:
	case TF_POLICY:
		break;
	}
	return 0;
}

static void
eval_dmarc(struct tf_check *c)
{
	struct tf_result *res = &c->result;
	const size_t count = res->author.state == TF_FROM_OK ? res->author.domain_count : 1;
	struct tf_dmarc *dmarc = tf_arena_array(c->arena, count, sizeof(*dmarc));
	const struct vouched v = collect_vouched(c);

	res->authors = dmarc;
	res->author_count = count;
	res->dmarc = &dmarc[0];
	if (res->author.state != TF_FROM_OK) {
		dmarc[0].code = TF_PERMERROR;
		dmarc[0].reason = res->author.reason;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct tf_dmarc_input in = {
			.from = res->author.domains[i],
			.auth = v.pass,
			.auth_count = v.pass_count,
			.temp = v.temp,
			.temp_count = v.temp_count,
			.memory = c->opts->dmarc.remember ? c->opts->memory : NULL,
			/* One message must not fill the memory with many domains. */
			.may_keep = count == 1,
			.now = res->identity.now,
		};

		tf_dmarc_eval(c->walks, c->arena, &in, c->notes, &dmarc[i]);
		if (weight(&dmarc[i]) > weight(res->dmarc))
			res->dmarc = &dmarc[i];
	}
}

/*
 * The evaluation of SPF may ask what could not be asked ahead, and a hostile record wants all that
 * it can get. When that could leave too little for the authors' policies, these are waited for
 * first.
 */
static void
settle_authors(struct tf_check *c)
{
	const struct tf_author *author = &c->result.author;
	const uint32_t most = 1 + c->opts->spf.max_dns_terms * TF_SPF_QUESTIONS_PER_TERM;

	if (c->walks == NULL || tf_dns_budget_left(c->dns) >= most + author->domain_count)
		return;
	for (size_t i = 0; i < author->domain_count; i++) {
		if (!tf_treewalk_eval(c->walks, author->domains[i])->failed)
			(void)tf_treewalk_exists(c->walks, author->domains[i]);
	}
}

const struct tf_result *
tf_check_finish(struct tf_check *c, void (*tick)(void *), void *tick_arg)
{
	struct tf_result *res = &c->result;

	if (c->phase < PHASE_BODY)
		tf_check_eoh(c);
	c->phase = PHASE_DONE;
	if (c->too_big != NULL)
		return res;
	if (tick != NULL)
		tf_dns_set_tick(c->dns, tick, tick_arg, TICK_MS);
	tf_dns_set_deadline(c->dns, c->opts->deadline_ms);
	settle_authors(c);
	if (c->mailfrom != NULL)
		tf_spf_eval(c->mailfrom, c->notes, &res->mailfrom);
	tf_body_hashes_finish(tf_signed_message_body(c->message));
	tf_dkim_eval(c->dkim, c->notes, &res->dkim, &res->dkim_count);
	if (c->opts->dmarc.enabled)
		eval_dmarc(c);
	eval_arc(c);
	if (c->helo != NULL)
		tf_spf_eval(c->helo, c->notes, &res->helo);
	if (c->opts->trace)
		tf_dns_trace(c->dns, c->arena, &res->dns, &res->dns_count, &res->dns_ms);
	res->dns_asked = tf_dns_asked(c->dns);
	res->dns_ms = tf_dns_waited_ms(c->dns);
	return res;
}

const char *
tf_check_too_big(const struct tf_check *c)
{
	return c->too_big;
}

void
tf_check_prepare(void)
{
	tf_crypto_prepare();
}

void
tf_check_versions(struct tf_buf *out)
{
	tf_buf_printf(out, "%s, %s, libidn2 %s", tf_resolver_versions(), tf_dkim_versions(),
	    tf_domain_library_version());
}
