/*
 * session.c - events of one SMTP session become, for each message, a plan
 *
 * A message lives from MAIL FROM to its end or abort in one arena, with the configuration that was
 * in force when it began. Exempt mail passes the same functions with its mark set: no early accept
 * anywhere, since a later message of the connection may not be exempt. Does not: talk to an MTA
 * (mfi.c), recognise forged fields (forged.c), decide (verdict.c), render (authres.c,
 * received_spf.c).
 */
#include <string.h>
#include <time.h>

#include "milter/forged.h"
#include "milter/log.h"
#include "milter/on_error.h"
#include "milter/session.h"
#include "milter/watchdog.h"
#include "truefrom/received_spf.h"
#include "truefrom/banned.h"

#define AUTHRES_MAX ((size_t)48 * 1024)
#define RECEIVED_SPF_MAX ((size_t)8 * 1024)
#define RCPTS_MAX 1000 /* beyond, nothing is exempt by its recipients */

/* Where the session stands; only enter() moves it forward. */
enum tf_phase { PHASE_NONE, PHASE_MAIL, PHASE_HEADERS, PHASE_BODY, PHASE_DONE };

struct message {
	struct tf_snapshot current;
	struct tf_check_opts opts;
	struct tf_check *check; /* NULL: not evaluated */
	struct tf_result unevaluated;
	struct tf_str authserv_id;
	struct tf_str *rcpts;
	size_t rcpt_count, rcpt_room;
	bool rcpts_incomplete;
	struct tf_forged forged;
	struct tf_plan plan;
	struct tf_verdict verdict;
	struct tf_cannot cannot;
};

struct tf_session {
	struct tf_current *current;
	struct tf_addr client;
	bool local, explain;
	struct tf_cannot refused;    /* every message of it that is not exempt */
	struct tf_arena *connection; /* the HELO name */
	struct tf_str helo;
	struct tf_arena *arena; /* the message's */
	enum tf_phase phase;
	struct message *m; /* NULL outside of a message */
};

struct tf_session *
tf_session_new(struct tf_current *current)
{
	struct tf_session *s = tf_xmalloc(sizeof(*s));

	s->current = current;
	s->connection = tf_arena_new();
	s->arena = tf_arena_new();
	return s;
}

static void
release_snapshot(void *ptr)
{
	tf_snapshot_release(ptr);
}

void
tf_session_abort(struct tf_session *s)
{
	const bool waits = s->m != NULL;
	struct tf_watched watched;

	s->m = NULL;
	s->phase = PHASE_NONE;
	/* What is open at the resolver is waited for. */
	if (waits)
		tf_watch_begin(&watched, 0);
	tf_arena_clear(s->arena);
	if (waits)
		tf_watch_end(&watched);
}

void
tf_session_free(struct tf_session *s)
{
	if (s == NULL)
		return;
	tf_session_abort(s);
	tf_arena_free(s->arena);
	tf_arena_free(s->connection);
	tf_xfree(s);
}

void
tf_session_explain(struct tf_session *s)
{
	s->explain = true;
}

void
tf_session_refuse(struct tf_session *s, const char *why)
{
	s->refused = (struct tf_cannot){ TF_CAUSE_CONNECTIONS, why };
}

/*
 * Move on to a phase of the message. False for an event out of turn (no MAIL FROM before it, or the
 * message is over already): the event is then dropped, and the end of such a message is answered by
 * on_error.
 */
static bool
enter(struct tf_session *s, enum tf_phase phase)
{
	if (s->m == NULL || s->phase == PHASE_DONE || phase < s->phase)
		return false;
	if (phase >= PHASE_BODY && s->phase < PHASE_BODY && s->m->check != NULL)
		tf_check_eoh(s->m->check);
	s->phase = phase;
	return true;
}

void
tf_session_connect(struct tf_session *s, const struct tf_addr *client, bool local)
{
	tf_session_abort(s);
	s->client = *client;
	s->local = local;
	tf_session_helo(s, TF_NONE_STR);
}

void
tf_session_helo(struct tf_session *s, struct tf_str helo)
{
	tf_arena_clear(s->connection);
	s->helo = tf_arena_dup(s->connection, helo);
}

static struct tf_str
without_brackets(struct tf_str path)
{
	if (path.len >= 2 && path.ptr[0] == '<' && path.ptr[path.len - 1] == '>')
		return tf_str_sub(path, 1, path.len - 2);
	return path;
}

static enum tf_exempt
why_exempt(const struct tf_session *s, const struct tf_config *config, bool authenticated)
{
	const struct tf_addr *client = &s->client;

	if (tf_net_list_has(config->trusted_relays, config->trusted_relay_count, client))
		return TF_EXEMPT_TRUSTED_RELAY;
	if (s->local ||
	    tf_net_list_has(config->trusted_networks, config->trusted_network_count, client))
		return TF_EXEMPT_TRUSTED_NETWORK;
	if (authenticated && config->trust_authenticated)
		return TF_EXEMPT_AUTHENTICATED;
	return TF_EXEMPT_NO;
}

static bool
is_host_name(struct tf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!tf_is_alnum(name.ptr[i]) && memchr("._-", name.ptr[i], 3) == NULL)
			return false;
	}
	return name.len != 0 && name.len <= 253 && tf_is_alnum(name.ptr[0]);
}

/* Ours first, then those that are removed on arrival too. */
static void
set_authserv_ids(struct tf_session *s, struct message *m, struct tf_str mta_name)
{
	const struct tf_config *config = m->current.config;
	struct tf_str *ids =
	    tf_arena_array(s->arena, config->remove_authserv_id_count + 1, sizeof(*ids));

	if (config->authserv_id.len != 0)
		m->authserv_id = config->authserv_id;
	else if (is_host_name(mta_name))
		m->authserv_id = tf_arena_dup(s->arena, mta_name);
	else
		m->authserv_id = tf_current_host_name(s->current);
	ids[0] = m->authserv_id;
	for (size_t i = 0; i < config->remove_authserv_id_count; i++)
		ids[i + 1] = config->remove_authserv_ids[i];
	m->forged.ids = (struct tf_authres_ids){ ids, config->remove_authserv_id_count + 1 };
}

void
tf_session_mail(struct tf_session *s, const struct tf_mail *mail)
{
	struct tf_identity id = {
		.client = s->client,
		.helo = s->helo,
		.mail_from = without_brackets(mail->path),
		.authenticated = mail->authenticated,
		.smtputf8 = mail->smtputf8,
		.now = mail->now,
	};
	const struct tf_config *config;
	struct message *m;

	tf_session_abort(s);
	m = tf_arena_alloc(s->arena, sizeof(*m));
	m->current = tf_current_take(s->current);
	tf_arena_defer(s->arena, release_snapshot, &m->current);
	config = m->current.config;
	set_authserv_ids(s, m, mail->mta_name);
	id.receiver = m->authserv_id;
	m->opts = config->check;
	m->opts.trace = s->explain;
	m->opts.no_notes = !s->explain && !tf_log_wants(TF_LOG_DEBUG);
	m->opts.memory = tf_current_memory(s->current);
	m->opts.keys = tf_current_keys(s->current);
	m->opts.spf_skip =
	    tf_net_list_has(config->inbound_relays, config->inbound_relay_count, &s->client);
	m->unevaluated.exempt = why_exempt(s, config, mail->authenticated);
	/* A relay of ours has removed what was forged and written what is true. */
	m->forged.trusted = m->unevaluated.exempt == TF_EXEMPT_TRUSTED_RELAY;
	m->forged.received_spf_is_ours = config->received_spf;
	if (m->unevaluated.exempt == TF_EXEMPT_NO)
		m->cannot = s->refused;
	if (m->unevaluated.exempt == TF_EXEMPT_NO && m->cannot.why == NULL) {
		m->check = tf_check_begin(s->arena, m->current.resolver, &m->opts, &id);
	} else {
		id.helo = tf_arena_dup(s->arena, id.helo);
		id.mail_from = tf_arena_dup(s->arena, id.mail_from);
		m->unevaluated.identity = id;
	}
	s->m = m;
	s->phase = PHASE_MAIL;
}

static void
grow_rcpts(struct tf_session *s)
{
	struct message *m = s->m;
	size_t room = m->rcpt_room != 0 ? m->rcpt_room * 2 : 8;
	struct tf_str *grown;

	if (room > RCPTS_MAX)
		room = RCPTS_MAX;
	grown = tf_arena_array(s->arena, room, sizeof(*grown));
	if (m->rcpt_count != 0)
		memcpy(grown, m->rcpts, m->rcpt_count * sizeof(*grown));
	m->rcpts = grown;
	m->rcpt_room = room;
}

void
tf_session_rcpt(struct tf_session *s, struct tf_str rcpt)
{
	struct message *m = s->m;

	if (!enter(s, PHASE_MAIL))
		return;
	if (m->check != NULL)
		tf_check_rcpt(m->check);
	if (m->rcpt_count == RCPTS_MAX) {
		m->rcpts_incomplete = true;
		return;
	}
	if (m->rcpt_count == m->rcpt_room)
		grow_rcpts(s);
	m->rcpts[m->rcpt_count++] = tf_arena_dup(s->arena, without_brackets(rcpt));
}

void
tf_session_header(struct tf_session *s, struct tf_str name, struct tf_str value)
{
	struct tf_watched watched;

	tf_watch_begin(&watched, 0);
	if (enter(s, PHASE_HEADERS)) {
		tf_forged_look(&s->m->forged, s->arena, name, value);
		/* A limit that is passed shows at the end of the message. */
		if (s->m->check != NULL)
			(void)tf_check_header(s->m->check, name, value);
	}
	tf_watch_end(&watched);
}

void
tf_session_eoh(struct tf_session *s)
{
	struct tf_watched watched;

	tf_watch_begin(&watched, 0);
	enter(s, PHASE_BODY);
	tf_watch_end(&watched);
}

void
tf_session_body(struct tf_session *s, struct tf_str chunk)
{
	struct tf_watched watched;

	tf_watch_begin(&watched, 0);
	if (enter(s, PHASE_BODY) && s->m->check != NULL)
		tf_check_body(s->m->check, chunk);
	tf_watch_end(&watched);
}

/* What does not fit is no field: then nothing about the message can be relied on. */
static struct tf_insertion
insertion_of(struct message *m, const char *name, struct tf_buf *value)
{
	if (value->overflow)
		m->cannot = (struct tf_cannot){ TF_CAUSE_RESULT, "the result field is too long" };
	return (struct tf_insertion){ name, value->overflow ? "" : tf_buf_cstr(value) };
}

static void
plan_authres(struct tf_session *s, struct tf_plan *plan, struct tf_insertion *ins)
{
	struct message *m = s->m;
	struct tf_buf folded, flat;

	tf_buf_init_arena(&folded, s->arena, AUTHRES_MAX);
	tf_authres_write(plan->result, &m->verdict, m->authserv_id, true, &folded);
	ins[plan->insertion_count++] = insertion_of(m, TF_AUTHRES_FIELD, &folded);
	if (!s->explain)
		return;
	tf_buf_init_arena(&flat, s->arena, AUTHRES_MAX);
	tf_authres_write(plan->result, &m->verdict, m->authserv_id, false, &flat);
	plan->written.authres = tf_buf_get(&flat);
}

/* The field of one identity. */
static void
plan_received_spf(
    struct tf_session *s, struct tf_plan *plan, const struct tf_spf *spf, struct tf_insertion *ins)
{
	const struct tf_identity *id = &plan->result->identity;
	struct tf_written *written = &plan->written;
	struct tf_buf folded, flat;

	tf_buf_init_arena(&folded, s->arena, RECEIVED_SPF_MAX);
	tf_received_spf_write(id, spf, s->m->authserv_id, true, &folded);
	ins[plan->insertion_count++] = insertion_of(s->m, TF_RECEIVED_SPF_FIELD, &folded);
	if (!s->explain)
		return;
	tf_buf_init_arena(&flat, s->arena, RECEIVED_SPF_MAX);
	tf_received_spf_write(id, spf, s->m->authserv_id, false, &flat);
	/* As they come to stand: what is inserted later is further up. */
	written->received_spf[1] = written->received_spf[0];
	written->received_spf[0] = tf_buf_get(&flat);
	written->received_spf_count++;
}

/*
 * One field for each identity that was checked: HELO in its own right only beside a MAIL FROM,
 * since for the null sender it is the only one. What inbound_relays hand us, they have checked.
 */
static void
plan_received_spfs(struct tf_session *s, struct tf_plan *plan, struct tf_insertion *ins)
{
	const struct tf_result *res = plan->result;

	if (!s->m->current.config->received_spf || s->m->opts.spf_skip)
		return;
	if (res->helo.checked && !res->mailfrom.helo_identity)
		plan_received_spf(s, plan, &res->helo, ins);
	plan_received_spf(s, plan, &res->mailfrom, ins);
}

/* Inserted one after the other at the top, so that Authentication-Results comes to stand first. */
static void
plan_insertions(struct tf_session *s, struct tf_plan *plan)
{
	struct message *m = s->m;
	struct tf_insertion *ins = tf_arena_array(s->arena, 2 + TF_RECEIVED_SPF_MAX, sizeof(*ins));

	plan->insertions = ins;
	if (m->verdict.action == TF_ACT_QUARANTINE && m->verdict.quarantine == TF_QUARANTINE_HEADER)
		ins[plan->insertion_count++] = (struct tf_insertion){ TF_QUARANTINE_FIELD, " yes" };
	plan_received_spfs(s, plan, ins);
	plan_authres(s, plan, ins);
}

/* "550 5.7.1 text" in its parts; further lines have the same codes. */
static void
plan_reply(struct tf_session *s, struct tf_plan *plan, struct tf_str reply)
{
	const size_t code = sizeof("550") - 1;
	const size_t text = code + 1 + tf_str_find(tf_str_sub(reply, code + 1, reply.len), ' ') + 1;

	plan->reply_code = tf_arena_cstr(s->arena, tf_str_sub(reply, 0, code));
	plan->reply_xcode = tf_arena_cstr(s->arena, tf_str_sub(reply, code + 1, text - code - 2));
	for (size_t n = 0; n < TF_REPLY_LINES && reply.len != 0; n++) {
		struct tf_str line = tf_str_sub(reply, 0, tf_str_find(reply, '\n'));

		plan->reply_lines[n] = tf_arena_cstr(s->arena, tf_str_sub(line, text, line.len));
		reply = tf_str_sub(reply, line.len + 1, reply.len);
	}
}

static void
make_plan(struct tf_session *s)
{
	struct message *m = s->m;
	struct tf_plan *plan = &m->plan;

	*plan = (struct tf_plan){ .result = plan->result, .verdict = &m->verdict };
	plan->deletions = tf_forged_deletions(&m->forged, s->arena, &plan->deletion_count);
	plan->action = m->verdict.action;
	if (m->cannot.why == NULL && plan->result->exempt == TF_EXEMPT_NO)
		plan_insertions(s, plan);
	if (plan->action == TF_ACT_QUARANTINE) {
		plan->action = TF_ACT_ACCEPT;
		if (m->verdict.quarantine == TF_QUARANTINE_HOLD)
			plan->hold_reason = tf_arena_cstr(s->arena, m->verdict.hold_reason);
	}
	if (plan->action == TF_ACT_REJECT || plan->action == TF_ACT_TEMPFAIL)
		plan_reply(s, plan, m->verdict.reply);
}

/* The facts, unless there are none or none that can be relied on. */
static void
gather(struct tf_session *s, void (*tick)(void *), void *tick_arg)
{
	struct message *m = s->m;
	const char *why;

	m->plan.result = &m->unevaluated;
	if (m->check == NULL)
		return;
	m->plan.result = tf_check_finish(m->check, tick, tick_arg);
	why = tf_check_too_big(m->check);
	if (why != NULL) {
		m->cannot = (struct tf_cannot){ TF_CAUSE_LIMIT, why };
		return;
	}
	if (!tf_resolver_alive(m->current.resolver))
		m->cannot = (struct tf_cannot){ TF_CAUSE_RESOLVER, "the resolver has failed" };
	why = tf_result_flaw(m->plan.result, m->opts.dmarc.enabled);
	if (why == NULL)
		return;
	/* Not even to be shown in the log. */
	m->cannot = (struct tf_cannot){ TF_CAUSE_RESULT, why };
	m->unevaluated.identity = m->plan.result->identity;
	m->plan.result = &m->unevaluated;
}

/* Facts, then the verdict, then what it takes; or on_error. */
static void
decide(struct tf_session *s, struct tf_str queue_id, void (*tick)(void *), void *tick_arg)
{
	struct message *m = s->m;
	const struct tf_config *config = m->current.config;

	gather(s, tick, tick_arg);
	if (m->cannot.why == NULL) {
		tf_verdict_eval(s->arena, m->plan.result, &config->verdict, m->rcpts,
		    m->rcpts_incomplete ? 0 : m->rcpt_count, queue_id, &m->verdict);
		make_plan(s);
	}
	if (m->cannot.why != NULL) {
		tf_verdict_cannot(
		    s->arena, config->on_error_tempfail, tf_str_from(m->cannot.why), &m->verdict);
		make_plan(s);
	}
}

static uint32_t
ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((now.tv_sec - start->tv_sec) * 1000 +
			  (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* The end of a message that never began. */
static const struct tf_plan *
out_of_turn(const struct tf_session *s)
{
	static const struct tf_plan accept = { .action = TF_ACT_ACCEPT }, tempfail = {
		.action = TF_ACT_TEMPFAIL,
		.reply_code = "451",
		.reply_xcode = "4.7.1",
		.reply_lines = { "commands out of turn" },
	};

	tf_on_error_count(TF_CAUSE_TURN);
	if (tf_on_error_may_tell(TF_CAUSE_TURN))
		tf_log(TF_LOG_WARNING,
		    "the MTA ends a message that it did not begin: commands out of turn");
	return tf_current_on_error_tempfail(s->current) ? &tempfail : &accept;
}

static void
tell(const struct message *m, struct tf_str queue_id, const struct timespec *start)
{
	const struct tf_log_message line = {
		.queue_id = queue_id,
		.result = m->plan.result,
		.verdict = &m->verdict,
		.ms = ms_since(start),
		.why = tf_str_from(m->cannot.why),
	};

	tf_on_error_message();
	if (m->cannot.why != NULL)
		tf_on_error_count(m->cannot.cause);
	tf_log_message(&line);
}

/* A tick waits for the MTA, if need be: that is no work of ours. */
struct pause {
	struct tf_watched watched;
	uint32_t within_s;
	void (*tick)(void *);
	void *arg;
};

static void
pause_for_tick(void *arg)
{
	struct pause *p = arg;

	tf_watch_end(&p->watched);
	p->tick(p->arg);
	tf_watch_begin(&p->watched, p->within_s);
}

const struct tf_plan *
tf_session_end(struct tf_session *s, struct tf_str queue_id, void (*tick)(void *), void *tick_arg)
{
	struct pause pause = { .tick = tick, .arg = tick_arg };
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!enter(s, PHASE_BODY))
		return out_of_turn(s);
	pause.within_s = s->m->opts.deadline_ms / 1000 + 1;
	tf_watch_begin(&pause.watched, pause.within_s);
	decide(s, queue_id, tick != NULL ? pause_for_tick : NULL, &pause);
	tf_watch_end(&pause.watched);
	s->phase = PHASE_DONE;
	if (!s->explain)
		tell(s->m, queue_id, &start);
	return &s->m->plan;
}
