/*
 * verdict.h - facts and local policy become one action and one reason
 *
 * Never edits facts. Pure: same input, same verdict.
 */
#ifndef TRUEFROM_VERDICT_H
#define TRUEFROM_VERDICT_H

#include "truefrom/result.h"

enum tf_action { TF_ACT_ACCEPT, TF_ACT_QUARANTINE, TF_ACT_REJECT, TF_ACT_TEMPFAIL };

/* How a quarantine is carried out. */
enum tf_quarantine { TF_QUARANTINE_HEADER, TF_QUARANTINE_HOLD };

/* dmarc.on_* : what a finding leads to. on_temperror knows accept and tempfail only. */
enum tf_on {
	TF_ON_ACCEPT,
	TF_ON_HEADER, /* mark and deliver */
	TF_ON_HOLD,
	TF_ON_REJECT,
	TF_ON_TEMPFAIL,
	TF_ON_QUARANTINE /* as dmarc.on_quarantine says */
};

/* What a section asks for: one of these, and it has to be authenticated. Names are A-labels in
 * lower case; a leading "*." stands for the names below. */
struct tf_facts {
	const struct tf_str *spf_pass, *dkim_pass;
	size_t spf_count, dkim_count;
	const struct tf_net *networks;
	size_t network_count;
};

/* One domain "…" section; only authenticated facts can lower a policy. */
struct tf_override {
	struct tf_str domain; /* A-labels, lower case; without the "*." */
	bool subdomains;      /* "*.domain": names below it, not itself */
	bool published;       /* policy = "published": as if the section were not there */
	enum tf_dmarc_policy policy;
	int64_t until;         /* last second of that UTC day; 0 = no end */
	struct tf_str comment; /* for people */
	struct tf_facts when;  /* that allow a policy lower than the published one */
};

/* One forwarder "…" section; a message has to come through it by a fact that was authenticated. */
struct tf_forwarder {
	struct tf_str name;          /* for the log */
	enum tf_dmarc_policy policy; /* the strictest that counts: none, quarantine, reject */
	int64_t until;               /* last second of that UTC day; 0 = no end */
	struct tf_str comment;       /* for people */
	struct tf_facts when;
};

#define TF_REPLY_LINES 4 /* that a reply has at most */

struct tf_verdict_opts {
	bool monitor;
	bool dmarc_enabled;
	enum tf_on on_reject, on_quarantine, on_temperror, on_invalid_from;
	enum tf_on on_spf_fail, on_helo_fail; /* accept or reject */
	struct tf_str reply; /* dmarc.reply: what follows 550; see tf_verdict_reply_check */
	const struct tf_override *overrides;
	size_t override_count;
	const struct tf_forwarder *forwarders;
	size_t forwarder_count;
	const struct tf_str *exempt_recipients; /* "user@host" with * at either side */
	size_t exempt_recipient_count;
	const struct tf_str *trusted_sealers; /* A-labels, lower case; matched exactly */
	size_t trusted_sealer_count;
};

/* What decided: the word of rule= (tf_rule_name). */
enum tf_rule {
	TF_RULE_NONE,
	TF_RULE_DMARC_POLICY,
	TF_RULE_OVERRIDE,       /* ":" and the title of the domain section */
	TF_RULE_FORWARDER,      /* ":" and the name of the forwarder section */
	TF_RULE_TRUSTED_SEALER, /* ":" and its domain */
	TF_RULE_INVALID_FROM,   /* ":" and tf_from_state_name */
	TF_RULE_TEMPERROR,
	TF_RULE_TRUSTED_NETWORK,
	TF_RULE_AUTHENTICATED,
	TF_RULE_TRUSTED_RELAY,
	TF_RULE_EXEMPT_RECIPIENT,
	TF_RULE_SPF_FAIL,
	TF_RULE_SPF_HELO_FAIL,
	TF_RULE_ERROR
};

struct tf_verdict {
	enum tf_action action;
	enum tf_action would;          /* what monitor mode withheld; TF_ACT_ACCEPT = nothing */
	enum tf_quarantine quarantine; /* with action quarantine */
	/* D of the comment: TF_POLICY_NONE, QUARANTINE, REJECT: what was done */
	enum tf_dmarc_policy disposition;
	/* The author domain that decided: res->dmarc, unless an override makes another one
	 * stricter; NULL for exempt mail and without DMARC. */
	const struct tf_dmarc *dmarc;
	enum tf_dmarc_policy policy; /* what was to be applied to it, overrides included */
	enum tf_rule decided_by;
	struct tf_str rule; /* of the log: tf_rule_name(decided_by), for some ":" and whom */
	/* As the client sees it, "550 5.7.1 ...", lines with LF between them; empty when accepted
	 * or held; else printable ASCII */
	struct tf_str reply;
	struct tf_str hold_reason; /* for the MTA's quarantine: domain and policy */
	struct tf_str arc; /* where DMARC failed on a message with an ARC chain: why the chain
			      helped or did not, in words; else empty */
};

/*
 * tf_verdict_eval - decide
 *
 * res       const facts; exempt ones are accepted with the rule that says why
 * rcpts     accepted recipients (exempt_recipients looks at them), with or without < >; may be
 *           empty, then nobody is exempt
 * queue_id  for %{queue_id}; may be empty
 *
 * verdict_out is filled completely; its slices live in a or are static. Pure; thread-safe. Spec:
 * RFC 9989 sections 5.3.6, 5.4, 7.1 and 7.4; RFC 7208 section 8.4; RFC 8617 section 7.2.1.
 */
void tf_verdict_eval(struct tf_arena *a, const struct tf_result *res,
    const struct tf_verdict_opts *opts, const struct tf_str *rcpts, size_t rcpt_count,
    struct tf_str queue_id, struct tf_verdict *verdict_out);

/*
 * tf_verdict_cannot - truefrom itself could not decide (on_error)
 *
 * tempfail  on_error = "tempfail" and not monitor mode; else the message is accepted
 * why       clean short text for the reply; the caller logs it
 *
 * The rule is TF_RULE_ERROR.
 */
void tf_verdict_cannot(
    struct tf_arena *a, bool tempfail, struct tf_str why, struct tf_verdict *verdict_out);

const char *tf_action_name(enum tf_action action); /* "accept" ... */
const char *tf_rule_name(enum tf_rule rule);       /* "dmarc-policy" ... */

/*
 * tf_verdict_reply_check - whether a dmarc.reply template is usable
 *
 * It is an enhanced status code 5.X.X (RFC 3463), a space and printable ASCII with the variables
 * %{domain}, %{org_domain}, %{identifiers}, %{policy}, %{queue_id} and %{rule}; %{newline} begins
 * another line, of which there are at most TF_REPLY_LINES. %% is a per cent sign, and so is a
 * single one without "{" behind it. Returns true, or false with what is wrong appended to why.
 */
bool tf_verdict_reply_check(struct tf_str template, struct tf_buf *why);

#endif
