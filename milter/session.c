/*
 * session.c - events of one SMTP session become, for each message, a plan
 *
 * A message lives from MAIL FROM to its end or abort in one arena, with the configuration that was
 * in force when it began. Exempt mail passes the same functions with its mark set: no early accept
 * anywhere, since a later message of the connection may not be exempt. Forged fields are counted as
 * they come; the plan deletes them from the highest index down, because Postfix renumbers after
 * each deletion and Sendmail does not. Does not: talk to an MTA (mfi.c), decide (verdict.c), render
 * (authres.c, received_spf.c).
 */
#include <string.h>
#include <time.h>

#include "milter/session.h"
#include "truefrom/received_spf.h"
#include "truefrom/banned.h"

#define QUARANTINE_FIELD "X-Truefrom-Quarantine"
#define AUTHRES_FIELD "Authentication-Results"
#define AUTHRES_MAX ((size_t)48 * 1024)
#define RECEIVED_SPF_FIELD "Received-SPF"
#define RECEIVED_SPF_MAX ((size_t)8 * 1024)
#define RCPTS_MAX 1000 /* beyond, nothing is exempt by its recipients */

/* Where the session stands; only enter() moves it forward. */
enum tf_phase { PHASE_NONE, PHASE_MAIL, PHASE_HEADERS, PHASE_BODY, PHASE_DONE };

/* Fields of one name on arrival, and which of them must go. */
struct seen {
	uint32_t count;
	uint32_t *forged;
	size_t forged_count, room;
};

struct message {
	struct tf_snapshot current;
	struct tf_check_opts opts;
	struct tf_check *check; /* NULL when exempt */
	struct tf_result exempt_result;
	struct tf_str authserv_id;
	struct tf_authres_ids ids;
	struct tf_str *rcpts;
	size_t rcpt_count;
	bool rcpts_incomplete;
	struct seen authres, received_spf, quarantine;
	struct tf_plan plan;
	struct tf_verdict verdict;
	const char *cannot; /* why truefrom itself could not decide, or NULL */
};

struct tf_session {
	struct tf_current *current;
	struct tf_addr client;
	bool local, explain;
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
	s->m = NULL;
	s->phase = PHASE_NONE;
	tf_arena_clear(s->arena);
}

void
tf_session_free(struct tf_session *s)
{
	if (s == NULL)
		return;
	tf_arena_free(s->arena);
	tf_arena_free(s->connection);
	tf_xfree(s);
}

void
tf_session_explain(struct tf_session *s)
{
	s->explain = true;
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
	return name.len != 0 && name.len <= 253;
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
	m->ids = (struct tf_authres_ids){ ids, config->remove_authserv_id_count + 1 };
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
	m->opts.memory = tf_current_memory(s->current);
	m->opts.keys = tf_current_keys(s->current);
	m->opts.spf_skip =
	    tf_net_list_has(config->inbound_relays, config->inbound_relay_count, &s->client);
	m->exempt_result.exempt = why_exempt(s, config, mail->authenticated);
	if (m->exempt_result.exempt == TF_EXEMPT_NO) {
		m->check = tf_check_begin(s->arena, m->current.resolver, &m->opts, &id);
	} else {
		id.helo = tf_arena_dup(s->arena, id.helo);
		id.mail_from = tf_arena_dup(s->arena, id.mail_from);
		m->exempt_result.identity = id;
	}
	s->m = m;
	s->phase = PHASE_MAIL;
}

void
tf_session_rcpt(struct tf_session *s, struct tf_str rcpt)
{
	struct message *m = s->m;

	if (!enter(s, PHASE_MAIL))
		return;
	if (m->check != NULL)
		tf_check_rcpt(m->check);
	if (m->rcpts == NULL)
		m->rcpts = tf_arena_array(s->arena, RCPTS_MAX, sizeof(*m->rcpts));
	if (m->rcpt_count == RCPTS_MAX)
		m->rcpts_incomplete = true;
	else
		m->rcpts[m->rcpt_count++] = tf_arena_dup(s->arena, without_brackets(rcpt));
}

static void
add_forged(struct tf_arena *a, struct seen *seen)
{
	if (seen->forged_count == seen->room) {
		size_t room = seen->room != 0 ? seen->room * 2 : 16;
		uint32_t *grown = tf_arena_array(a, room, sizeof(*grown));

		if (seen->forged_count != 0)
			memcpy(grown, seen->forged, seen->forged_count * sizeof(*grown));
		seen->forged = grown;
		seen->room = room;
	}
	seen->forged[seen->forged_count++] = seen->count;
}

/* Received-SPF is no business of ours until we write it, too. */
static bool
is_forged_received_spf(const struct message *m, struct tf_str value)
{
	return m->current.config->received_spf && tf_received_spf_is_forged(value, &m->ids);
}

/* A relay of ours has removed what was forged and written what is true. */
static void
look_for_forged(struct tf_session *s, struct tf_str name, struct tf_str value)
{
	struct message *m = s->m;
	bool relay = m->exempt_result.exempt == TF_EXEMPT_TRUSTED_RELAY;

	if (tf_authres_is_name(name)) {
		m->authres.count++;
		if (!relay && tf_authres_is_forged(value, &m->ids))
			add_forged(s->arena, &m->authres);
	} else if (tf_received_spf_is_name(name)) {
		m->received_spf.count++;
		if (!relay && is_forged_received_spf(m, value))
			add_forged(s->arena, &m->received_spf);
	} else if (tf_str_eq_nocase(tf_str_trim(name), TF_STR(QUARANTINE_FIELD))) {
		m->quarantine.count++;
		if (!relay)
			add_forged(s->arena, &m->quarantine);
	}
}

void
tf_session_header(struct tf_session *s, struct tf_str name, struct tf_str value)
{
	if (!enter(s, PHASE_HEADERS))
		return;
	look_for_forged(s, name, value);
	/* A limit that is passed shows at the end of the message. */
	if (s->m->check != NULL)
		(void)tf_check_header(s->m->check, name, value);
}

void
tf_session_eoh(struct tf_session *s)
{
	enter(s, PHASE_BODY);
}

void
tf_session_body(struct tf_session *s, struct tf_str chunk)
{
	if (enter(s, PHASE_BODY) && s->m->check != NULL)
		tf_check_body(s->m->check, chunk);
}

static size_t
plan_deletions(const struct seen *seen, const char *name, struct tf_deletion *deletions, size_t n)
{
	for (size_t i = seen->forged_count; i > 0; i--)
		deletions[n++] = (struct tf_deletion){ name, seen->forged[i - 1] };
	return n;
}

static struct tf_insertion
insertion_of(const char *name, struct tf_buf *value)
{
	struct tf_insertion ins = { name, tf_buf_cstr(value) };

	if (value->overflow)
		tf_panic("%s over %zu bytes", name, value->max);
	return ins;
}

static void
plan_authres(struct tf_session *s, struct tf_plan *plan, struct tf_insertion *ins)
{
	struct message *m = s->m;
	struct tf_buf folded, flat;

	tf_buf_init_arena(&folded, s->arena, AUTHRES_MAX);
	tf_authres_write(plan->result, &m->verdict, m->authserv_id, true, &folded);
	ins[plan->insertion_count++] = insertion_of(AUTHRES_FIELD, &folded);
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
	ins[plan->insertion_count++] = insertion_of(RECEIVED_SPF_FIELD, &folded);
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
		ins[plan->insertion_count++] = (struct tf_insertion){ QUARANTINE_FIELD, " yes" };
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
make_plan(struct tf_session *s, bool evaluated)
{
	struct message *m = s->m;
	struct tf_plan *plan = &m->plan;
	struct tf_deletion *deletions = tf_arena_array(s->arena,
	    m->authres.forged_count + m->received_spf.forged_count + m->quarantine.forged_count,
	    sizeof(*deletions));
	size_t n = 0;

	plan->verdict = &m->verdict;
	n = plan_deletions(&m->authres, AUTHRES_FIELD, deletions, n);
	n = plan_deletions(&m->received_spf, RECEIVED_SPF_FIELD, deletions, n);
	n = plan_deletions(&m->quarantine, QUARANTINE_FIELD, deletions, n);
	plan->deletions = deletions;
	plan->deletion_count = n;
	plan->action = m->verdict.action;
	if (evaluated && plan->result->exempt == TF_EXEMPT_NO)
		plan_insertions(s, plan);
	if (plan->action == TF_ACT_QUARANTINE) {
		plan->action = TF_ACT_ACCEPT;
		if (m->verdict.quarantine == TF_QUARANTINE_HOLD)
			plan->hold_reason = tf_arena_cstr(s->arena, m->verdict.hold_reason);
	}
	if (plan->action == TF_ACT_REJECT || plan->action == TF_ACT_TEMPFAIL)
		plan_reply(s, plan, m->verdict.reply);
}

/* Facts, then the verdict; false when truefrom itself cannot decide (on_error). */
static bool
evaluate(struct tf_session *s, struct tf_str queue_id, void (*tick)(void *), void *tick_arg)
{
	struct message *m = s->m;
	const struct tf_config *config = m->current.config;

	if (m->check == NULL) {
		m->plan.result = &m->exempt_result;
	} else {
		m->plan.result = tf_check_finish(m->check, tick, tick_arg);
		m->cannot = tf_check_too_big(m->check);
		if (m->cannot == NULL && !tf_resolver_alive(m->current.resolver))
			m->cannot = "the resolver has failed";
	}
	if (m->cannot != NULL) {
		tf_verdict_cannot(s->arena, config->on_error_tempfail && !config->verdict.monitor,
		    tf_str_from(m->cannot), &m->verdict);
		return false;
	}
	tf_verdict_eval(s->arena, m->plan.result, &config->verdict, m->rcpts,
	    m->rcpts_incomplete ? 0 : m->rcpt_count, queue_id, &m->verdict);
	return true;
}

static uint32_t
ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((now.tv_sec - start->tv_sec) * 1000 +
			  (now.tv_nsec - start->tv_nsec) / 1000000);
}

const struct tf_plan *
tf_session_end(struct tf_session *s, struct tf_str queue_id, void (*tick)(void *), void *tick_arg)
{
	static const struct tf_plan out_of_turn = {
		.action = TF_ACT_TEMPFAIL,
		.reply_code = "451",
		.reply_xcode = "4.7.1",
		.reply_lines = { "commands out of turn" },
	};
	struct timespec start;
	bool evaluated;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!enter(s, PHASE_BODY))
		return &out_of_turn;
	evaluated = evaluate(s, queue_id, tick, tick_arg);
	make_plan(s, evaluated);
	s->phase = PHASE_DONE;
	if (!s->explain) {
		const struct tf_log_message line = {
			.queue_id = queue_id,
			.result = s->m->plan.result,
			.verdict = &s->m->verdict,
			.ms = ms_since(&start),
			.why = tf_str_from(s->m->cannot),
		};

		tf_log_message(&line);
	}
	return &s->m->plan;
}
