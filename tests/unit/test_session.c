/*
 * test_session.c - whole sessions through session.c, without libmilter
 *
 * DNS is a zone in the real resolver; nothing goes to the network.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter/on_error.h"
#include "milter/session.h"
#include "tests/unit/test.h"

static const char zone[] = "good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "_dmarc.good.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "mx.good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
			   "_dmarc.reject.example. 60 IN TXT \"v=DMARC1; p=reject\"\n"
			   "_dmarc.quarantine.example. 60 IN TXT \"v=DMARC1; p=quarantine\"\n"
			   "_dmarc.none.example. 60 IN TXT \"v=DMARC1; p=none\"\n";

struct field {
	const char *name, *value;
};

struct message {
	const char *ip, *helo, *mail_from;
	bool authenticated, local;
	struct field fields[12];
};

struct fixture {
	struct tf_current *current;
	struct tf_session *session;
};

static struct tf_config *
config_of(const char *text)
{
	char path[] = "/tmp/truefrom-test-XXXXXX";
	struct tf_arena *a = tf_arena_new();
	struct tf_buf why, warn;
	struct tf_config *config;
	bool unreadable;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	tf_buf_init_arena(&why, a, 4096);
	tf_buf_init_arena(&warn, a, 4096);
	config = tf_config_load(path, &why, &warn, &unreadable);
	unlink(path);
	if (config == NULL)
		fail_msg("configuration: %s", tf_buf_cstr(&why));
	tf_arena_free(a);
	config->dns.zone_text = TF_STR(zone);
	config->dns.zone_only = true;
	return config;
}

static struct fixture
start(const char *config)
{
	char storage[512];
	struct fixture f;
	struct tf_buf why;

	tf_buf_init(&why, storage, sizeof(storage));
	f.current = tf_current_new(config_of(config), TF_STR("mx.ours.example"), &why);
	if (f.current == NULL)
		fail_msg("resolver: %s", tf_buf_cstr(&why));
	f.session = tf_session_new(f.current);
	return f;
}

static void
stop(struct fixture *f)
{
	tf_session_free(f->session);
	tf_current_free(f->current);
}

static void
envelope(struct fixture *f, const struct message *m)
{
	const struct tf_mail mail = {
		.path = tf_str_from(m->mail_from),
		.mta_name = TF_STR("mta.ours.example"),
		.authenticated = m->authenticated,
		.now = 1800000000,
	};

	tf_session_mail(f->session, &mail);
	tf_session_rcpt(f->session, TF_STR("<user@ours.example>"));
}

static const struct tf_plan *
content(struct fixture *f, const struct message *m)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(m->fields) && m->fields[i].name != NULL; i++)
		tf_session_header(
		    f->session, tf_str_from(m->fields[i].name), tf_str_from(m->fields[i].value));
	tf_session_eoh(f->session);
	tf_session_body(f->session, TF_STR("Hello\r\n"));
	return tf_session_end(f->session, TF_STR("Q1"), NULL, NULL);
}

static void
greet(struct fixture *f, const struct message *m)
{
	struct tf_addr client;

	(void)tf_addr_parse(tf_str_from(m->ip), &client);
	tf_session_explain(f->session);
	tf_session_connect(f->session, &client, m->local);
	tf_session_helo(f->session, tf_str_from(m->helo));
}

static const struct tf_plan *
run(struct fixture *f, const struct message *m)
{
	greet(f, m);
	envelope(f, m);
	return content(f, m);
}

static const struct message passing = {
	"192.0.2.1",
	"mx.good.example",
	"<a@good.example>",
	false,
	false,
	{ { "From", " a@good.example" }, { "Subject", " x" } },
};

static const struct message forged = {
	"198.51.100.9",
	"mx.good.example",
	"<a@good.example>",
	false,
	false,
	{ { "From", " boss@reject.example" } },
};

static void
test_verdicts(void **state)
{
	static const struct row {
		const char *what, *config, *from;
		enum tf_action action;
		const char *rule, *code, *xcode, *hold, *first_insertion;
	} rows[] = {
		{ "aligned SPF pass", "", " a@good.example", TF_ACT_ACCEPT, "none", NULL, NULL,
		    NULL, "Authentication-Results" },
		{ "p=reject", "", " a@reject.example", TF_ACT_REJECT, "dmarc-policy", "550",
		    "5.7.1", NULL, NULL },
		{ "p=reject accepted", "dmarc { on_reject = \"accept\" }", " a@reject.example",
		    TF_ACT_ACCEPT, "dmarc-policy", NULL, NULL, NULL, "Authentication-Results" },
		{ "p=quarantine marks", "", " a@quarantine.example", TF_ACT_ACCEPT, "dmarc-policy",
		    NULL, NULL, NULL, "X-Truefrom-Quarantine" },
		{ "p=quarantine holds", "dmarc { on_quarantine = \"hold\" }",
		    " a@quarantine.example", TF_ACT_ACCEPT, "dmarc-policy", NULL, NULL,
		    "quarantine.example", "Authentication-Results" },
		{ "p=none", "", " a@none.example", TF_ACT_ACCEPT, "none", NULL, NULL, NULL,
		    "Authentication-Results" },
		{ "no record", "", " a@other.example", TF_ACT_ACCEPT, "none", NULL, NULL, NULL,
		    "Authentication-Results" },
		{ "monitor", "mode = \"monitor\"", " a@reject.example", TF_ACT_ACCEPT,
		    "dmarc-policy", NULL, NULL, NULL, "Authentication-Results" },
		{ "From with two addresses in one field, one forged", "",
		    " a@good.example, b@reject.example", TF_ACT_REJECT, "dmarc-policy", "550",
		    "5.7.1", NULL, NULL },
		{ "malformed From", "", " a@good.example b", TF_ACT_REJECT, "invalid-from:syntax",
		    "550", "5.7.1", NULL, NULL },
		{ "malformed From accepted", "dmarc { on_invalid_from = \"accept\" }",
		    " a@good.example b", TF_ACT_ACCEPT, "invalid-from:syntax", NULL, NULL, NULL,
		    "Authentication-Results" },
		{ "limits.headers", "limits { headers = 10 }", NULL, TF_ACT_TEMPFAIL, NULL, "451",
		    "4.7.1", NULL, NULL },
		{ "limits.headers, on_error", "on_error = \"accept\" limits { headers = 10 }", NULL,
		    TF_ACT_ACCEPT, NULL, NULL, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct fixture f = start(r->config);
		struct message m = passing;
		const struct tf_plan *plan;

		if (r->from != NULL)
			m.fields[0].value = r->from;
		else
			for (size_t n = 0; n < TF_ARRAY_LEN(m.fields); n++)
				m.fields[n] = (struct field){ "X-Many", " x" };
		plan = run(&f, &m);
		assert_num(r->what, plan->action, r->action);
		if (r->rule != NULL)
			assert_str(r->what, plan->verdict->rule, tf_str_from(r->rule));
		assert_str(r->what, tf_str_from(plan->reply_code), tf_str_from(r->code));
		assert_str(r->what, tf_str_from(plan->reply_xcode), tf_str_from(r->xcode));
		if (r->hold != NULL)
			assert_non_null(strstr(plan->hold_reason, r->hold));
		else
			assert_null(plan->hold_reason);
		if (r->first_insertion != NULL) {
			assert_true(plan->insertion_count > 0);
			assert_string_equal(plan->insertions[0].name, r->first_insertion);
			/* performed last, so it stands first in the message (RFC 8601 section 4) */
			assert_string_equal(plan->insertions[plan->insertion_count - 1].name,
			    "Authentication-Results");
		} else if (plan->action == TF_ACT_ACCEPT) {
			assert_num(r->what, plan->insertion_count, 0);
		}
		stop(&f);
	}
}

static void
test_forged_fields(void **state)
{
	static const struct message m = {
		"192.0.2.1",
		"mx.good.example",
		"<a@good.example>",
		false,
		false,
		{
		    { "Authentication-Results", " mta.ours.example; dmarc=pass" },
		    { "authentication-results", " other.example; dmarc=pass" },
		    { "AUTHENTICATION-RESULTS", " (c) MTA.ours.example. ; dmarc=pass" },
		    { "X-Truefrom-Quarantine", " no" },
		    { "Authentication-Results", " old.ours.example; none" },
		    { "Authentication-Results", " third.example; none" },
		    { "Authentication-Results", " \"mta.ours.example\"; spf=pass" },
		    { "From", " a@good.example" },
		},
	};
	static const struct tf_deletion want[] = { { "Authentication-Results", 6 },
		{ "Authentication-Results", 4 }, { "Authentication-Results", 3 },
		{ "Authentication-Results", 1 }, { "X-Truefrom-Quarantine", 1 } };
	struct fixture f = start("remove_authserv_ids = {\"old.ours.example\"}");
	const struct tf_plan *plan = run(&f, &m);

	(void)state;
	/* highest index first: Postfix renumbers after each deletion */
	assert_int_equal(plan->deletion_count, TF_ARRAY_LEN(want));
	for (size_t i = 0; i < TF_ARRAY_LEN(want); i++) {
		assert_string_equal(plan->deletions[i].name, want[i].name);
		assert_int_equal(plan->deletions[i].index, want[i].index);
	}
	stop(&f);
}

static void
test_exempt(void **state)
{
	static const struct row {
		const char *what, *config, *ip;
		bool authenticated, local;
		const char *rule;
		size_t deletions;
	} rows[] = {
		{ "trusted network", "", "127.0.0.1", false, false, "trusted-network", 1 },
		{ "v4-mapped loopback", "", "::ffff:127.0.0.1", false, false, "trusted-network",
		    1 },
		{ "local submission", "", "", false, true, "trusted-network", 1 },
		{ "SMTP AUTH", "", "198.51.100.9", true, false, "authenticated", 1 },
		{ "relay of ours: fields stay", "trusted_relays = {\"198.51.100.0/24\"}",
		    "198.51.100.9", false, false, "trusted-relay", 0 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct fixture f = start(rows[i].config);
		struct message m = forged;
		const struct tf_plan *plan;

		m.ip = rows[i].ip;
		m.authenticated = rows[i].authenticated;
		m.local = rows[i].local;
		m.fields[1] =
		    (struct field){ "Authentication-Results", " mta.ours.example; dmarc=pass" };
		plan = run(&f, &m);
		assert_num(rows[i].what, plan->action, TF_ACT_ACCEPT);
		assert_str(rows[i].what, plan->verdict->rule, tf_str_from(rows[i].rule));
		assert_num(rows[i].what, plan->insertion_count, 0);
		assert_num(rows[i].what, plan->deletion_count, rows[i].deletions);
		stop(&f);
	}
}

/* One field for each identity, below Authentication-Results; what names us goes. */
/* Nobody knows whether those beyond the limit are exempt, so none is. */
static void
test_many_recipients(void **state)
{
	static const struct row {
		const char *what, *rule;
		size_t recipients;
		enum tf_action action;
	} rows[] = {
		{ "one", "exempt-recipient", 1, TF_ACT_ACCEPT },
		{ "as many as are kept", "exempt-recipient", 1000, TF_ACT_ACCEPT },
		{ "one more", "dmarc-policy", 1001, TF_ACT_REJECT },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct fixture f = start("exempt_recipients = {\"user@ours.example\"}");
		const struct tf_plan *plan;

		greet(&f, &forged);
		envelope(&f, &forged);
		for (size_t n = 1; n < rows[i].recipients; n++)
			tf_session_rcpt(f.session, TF_STR("<user@ours.example>"));
		plan = content(&f, &forged);
		assert_num(rows[i].what, plan->action, rows[i].action);
		assert_str(rows[i].what, plan->verdict->rule, tf_str_from(rows[i].rule));
		stop(&f);
	}
}

static void
test_received_spf(void **state)
{
	static const struct row {
		const char *what, *config, *ip, *helo, *mail_from;
		size_t insertions, deletions, shown;
	} rows[] = {
		{ "both identities", "spf { received_spf = true }", "192.0.2.1", "mx.good.example",
		    "<a@good.example>", 3, 1, 2 },
		{ "HELO that is no domain", "spf { received_spf = true }", "192.0.2.1",
		    "[192.0.2.1]", "<a@good.example>", 2, 1, 1 },
		{ "null sender", "spf { received_spf = true }", "192.0.2.1", "mx.good.example",
		    "<>", 2, 1, 1 },
		{ "off", "", "192.0.2.1", "mx.good.example", "<a@good.example>", 1, 0, 0 },
		{ "inbound relay", "spf { received_spf = true } inbound_relays = {\"192.0.2.1\"}",
		    "192.0.2.1", "mx.good.example", "<a@good.example>", 1, 1, 0 },
		{ "exempt", "spf { received_spf = true }", "127.0.0.1", "mx.good.example",
		    "<a@good.example>", 0, 1, 0 },
		{ "relay of ours", "spf { received_spf = true } trusted_relays = {\"192.0.2.1\"}",
		    "192.0.2.1", "mx.good.example", "<a@good.example>", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct fixture f = start(r->config);
		const struct message m = {
			r->ip,
			r->helo,
			r->mail_from,
			false,
			false,
			{
			    { "Received-SPF", " pass receiver=other.example" },
			    { "Received-SPF", " pass receiver=mta.ours.example" },
			    { "From", " a@other.example" },
			},
		};
		const struct tf_plan *plan = run(&f, &m);

		assert_num(r->what, plan->insertion_count, r->insertions);
		for (size_t n = 0; n < r->insertions; n++)
			assert_string_equal(plan->insertions[n].name,
			    n + 1 == r->insertions ? "Authentication-Results" : "Received-SPF");
		assert_num(r->what, plan->deletion_count, r->deletions);
		if (r->deletions != 0) {
			assert_string_equal(plan->deletions[0].name, "Received-SPF");
			assert_int_equal(plan->deletions[0].index, 2);
		}
		assert_num(r->what, plan->written.received_spf_count, r->shown);
		if (r->shown == 2)
			assert_true(tf_str_ends_nocase(
			    plan->written.received_spf[0], TF_STR("identity=mailfrom")));
		if (r->shown != 0)
			assert_true(strstr(plan->insertions[0].value, "identity=helo") != NULL ||
				    strcmp(r->helo, "[192.0.2.1]") == 0);
		stop(&f);
	}
}

static void
test_authenticated_not_trusted(void **state)
{
	struct fixture f = start("trust_authenticated = false");
	struct message m = forged;

	(void)state;
	m.authenticated = true;
	assert_int_equal(run(&f, &m)->action, TF_ACT_REJECT);
	stop(&f);
}

/* An exempt message must not open the connection for the next one. */
static void
test_several_messages(void **state)
{
	struct fixture f = start("");
	struct message m = forged;

	(void)state;
	m.authenticated = true;
	assert_int_equal(run(&f, &m)->action, TF_ACT_ACCEPT);
	envelope(&f, &forged);
	assert_int_equal(content(&f, &forged)->action, TF_ACT_REJECT);
	/* aborted after some header fields (RSET): nothing of it reaches the next one */
	envelope(&f, &forged);
	tf_session_header(f.session, TF_STR("From"), TF_STR(" boss@reject.example"));
	tf_session_abort(f.session);
	greet(&f, &passing);
	envelope(&f, &passing);
	assert_str("after an abort", content(&f, &passing)->verdict->rule, TF_STR("none"));
	stop(&f);
}

static void
test_latest_helo(void **state)
{
	struct fixture f = start("");
	const struct tf_plan *plan;

	(void)state;
	greet(&f, &passing);
	tf_session_helo(f.session, TF_STR("first.example"));
	tf_session_helo(f.session, TF_STR("mx.good.example"));
	envelope(&f, &passing);
	plan = content(&f, &passing);
	assert_str("EHLO repeated", plan->result->helo.domain, TF_STR("mx.good.example"));
	assert_int_equal(plan->result->helo.code, TF_PASS);
	stop(&f);
}

static void
test_out_of_turn(void **state)
{
	struct fixture f = start("");
	const struct tf_plan *plan;

	(void)state;
	/* nothing at all before it */
	plan = tf_session_end(f.session, TF_NONE_STR, NULL, NULL);
	assert_int_equal(plan->action, TF_ACT_TEMPFAIL);
	/* content without MAIL FROM */
	tf_session_rcpt(f.session, TF_STR("x@ours.example"));
	tf_session_header(f.session, TF_STR("From"), TF_STR(" a@good.example"));
	tf_session_body(f.session, TF_STR("x"));
	assert_int_equal(
	    tf_session_end(f.session, TF_NONE_STR, NULL, NULL)->action, TF_ACT_TEMPFAIL);
	/* a second end, and a header field behind the body */
	plan = run(&f, &passing);
	assert_int_equal(plan->action, TF_ACT_ACCEPT);
	assert_int_equal(
	    tf_session_end(f.session, TF_NONE_STR, NULL, NULL)->action, TF_ACT_TEMPFAIL);
	envelope(&f, &forged);
	tf_session_body(f.session, TF_STR("x"));
	tf_session_header(f.session, TF_STR("From"), TF_STR(" a@good.example"));
	plan = tf_session_end(f.session, TF_NONE_STR, NULL, NULL);
	assert_str("late From", plan->verdict->rule, TF_STR("invalid-from:missing"));
	stop(&f);
}

/* on_error about messages of a session for which there is no room, and out of turn. */
static void
test_refused(void **state)
{
	static const struct row {
		const char *what, *config, *ip;
		enum tf_action action;
		const char *rule;
	} rows[] = {
		{ "tempfail", "", "192.0.2.1", TF_ACT_TEMPFAIL, "error" },
		{ "accept", "on_error = accept", "192.0.2.1", TF_ACT_ACCEPT, "error" },
		{ "monitor mode", "mode = monitor", "192.0.2.1", TF_ACT_ACCEPT, "error" },
		{ "exempt mail needs no room", "", "127.0.0.1", TF_ACT_ACCEPT, "trusted-network" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct fixture f = start(rows[i].config);
		struct message m = passing;
		const struct tf_plan *plan;

		m.ip = rows[i].ip;
		m.fields[2] = (struct field){ "Authentication-Results", " mta.ours.example; x" };
		tf_session_refuse(f.session, "limits.connections reached");
		plan = run(&f, &m);
		assert_num(rows[i].what, plan->action, rows[i].action);
		assert_str(rows[i].what, plan->verdict->rule, tf_str_from(rows[i].rule));
		assert_num(rows[i].what, plan->insertion_count, 0);
		assert_num(rows[i].what, plan->deletion_count, 1);
		assert_str(rows[i].what, plan->result->identity.helo, tf_str_from(m.helo));
		plan = tf_session_end(f.session, TF_NONE_STR, NULL, NULL);
		if (i != 3)
			assert_num("a second end", plan->action, rows[i].action);
		stop(&f);
	}
}

/* What tf_check_finish gives is spoilt here, on its way to the session. */
const struct tf_result *__real_tf_check_finish(
    struct tf_check *c, void (*tick)(void *), void *tick_arg);
const struct tf_result *__wrap_tf_check_finish(
    struct tf_check *c, void (*tick)(void *), void *tick_arg);
static void (*spoil)(struct tf_result *);

const struct tf_result *
__wrap_tf_check_finish(struct tf_check *c, void (*tick)(void *), void *tick_arg)
{
	const struct tf_result *res = __real_tf_check_finish(c, tick, tick_arg);

	if (spoil != NULL)
		spoil((struct tf_result *)(uintptr_t)res);
	return res;
}

static void
spoil_dmarc(struct tf_result *res)
{
	res->dmarc = NULL;
}

static void
spoil_spf(struct tf_result *res)
{
	res->mailfrom.code = TF_PERMERROR + 1;
}

/* A field that does not end. */
void __real_tf_authres_write(const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str authserv_id, bool fold, struct tf_buf *out);
void __wrap_tf_authres_write(const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str authserv_id, bool fold, struct tf_buf *out);
static bool field_is_endless;

void
__wrap_tf_authres_write(const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str authserv_id, bool fold, struct tf_buf *out)
{
	__real_tf_authres_write(res, verdict, authserv_id, fold, out);
	while (field_is_endless && !out->overflow)
		tf_buf_byte(out, 'x');
}

static void
spoil_field(struct tf_result *res)
{
	(void)res;
	field_is_endless = true;
}

/* A result that cannot be: no verdict, no field, and the process goes on. */
static void
test_flawed_result(void **state)
{
	static void (*const spoils[])(struct tf_result *) = { spoil_dmarc, spoil_spf, spoil_field };
	struct fixture f = start(""), g = start("on_error = accept");
	char storage[256];
	struct tf_buf sums;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(spoils); i++) {
		const struct tf_plan *plan;

		spoil = spoils[i];
		plan = run(&f, &forged);
		assert_num("tempfail", plan->action, TF_ACT_TEMPFAIL);
		assert_str("rule", plan->verdict->rule, TF_STR("error"));
		assert_num("no field", plan->insertion_count, 0);
		plan = run(&g, &forged);
		assert_num("accept", plan->action, TF_ACT_ACCEPT);
		assert_num("no field", plan->insertion_count, 0);
		spoil = NULL;
		field_is_endless = false;
		assert_num("the next message", run(&f, &forged)->action, TF_ACT_REJECT);
	}
	stop(&f);
	stop(&g);
	/* Sessions of the command line count nothing; those of the daemon do. */
	f = start("");
	spoil = spoil_dmarc;
	envelope(&f, &forged);
	(void)content(&f, &forged);
	spoil = NULL;
	tf_buf_init(&sums, storage, sizeof(storage));
	tf_on_error_write(&sums);
	assert_non_null(strstr(tf_buf_cstr(&sums), "1 messages since the start; "));
	assert_non_null(strstr(tf_buf_cstr(&sums), "1 results"));
	stop(&f);
}

static void
test_may_tell(void **state)
{
	(void)state;
	assert_true(tf_on_error_may_tell(TF_CAUSE_CONNECTIONS));
	assert_false(tf_on_error_may_tell(TF_CAUSE_CONNECTIONS));
	assert_true(tf_on_error_may_tell(TF_CAUSE_RESOLVER));
}

/* A message keeps the configuration that it began with. */
static void
test_snapshot(void **state)
{
	struct fixture f = start("");
	struct tf_config *fresh = config_of("mode = \"monitor\"");
	char storage[512];
	struct tf_buf why;

	(void)state;
	tf_buf_init(&why, storage, sizeof(storage));
	greet(&f, &forged);
	envelope(&f, &forged);
	assert_true(tf_current_replace(f.current, fresh, &why));
	assert_int_equal(content(&f, &forged)->action, TF_ACT_REJECT);
	envelope(&f, &forged);
	assert_int_equal(content(&f, &forged)->action, TF_ACT_ACCEPT);
	stop(&f);
}

static void
test_authserv_id(void **state)
{
	static const struct row {
		const char *what, *config, *mta_name, *want;
	} rows[] = {
		{ "configured", "authserv_id = \"id.example\"", "mta.ours.example", "id.example;" },
		{ "macro j", "", "mta.ours.example", "mta.ours.example;" },
		{ "no macro", "", "", "mx.ours.example;" },
		{ "macro that is a dot alone", "", ".", "mx.ours.example;" },
		{ "macro that is no name", "", "a;dmarc=pass", "mx.ours.example;" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct fixture f = start(rows[i].config);
		const struct tf_mail mail = { .path = TF_STR("<a@good.example>"),
			.mta_name = tf_str_from(rows[i].mta_name),
			.now = 1800000000 };
		const struct tf_plan *plan;

		greet(&f, &passing);
		tf_session_mail(f.session, &mail);
		plan = content(&f, &passing);
		assert_int_equal(plan->insertion_count, 1);
		if (strncmp(plan->insertions[0].value + 1, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("%s: %s", rows[i].what, plan->insertions[0].value);
		stop(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_forged_fields),
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_received_spf),
		cmocka_unit_test(test_authenticated_not_trusted),
		cmocka_unit_test(test_several_messages),
		cmocka_unit_test(test_latest_helo),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_flawed_result),
		cmocka_unit_test(test_may_tell),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_authserv_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
