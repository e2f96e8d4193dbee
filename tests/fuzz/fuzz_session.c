/*
 * fuzz_session.c - whole conversations with an MTA, in any order: what the plans must be like
 *
 * Input: lines, of which the first letter says what the rest is; in a line \x1f stands for LF and
 * \x1e for CR LF.
 *   K digit: the configuration, a reload when it is not the first line   O bytes: order of answers
 *   D a record of the DNS, beside those below
 *   C address, or nothing   L (submitted on this host)   H HELO   J the MTA's name
 *   M, A (authenticated), U (SMTPUTF8) MAIL FROM   R recipient   F name:value   E end of header
 *   B chunk of the body   Z end of message   X abort
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/dns_answer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/held_dns.h"
#include "tests/fuzz/plan_check.h"
#include "tests/unit/dns_packet.h"
#include "truefrom/domain.h"

#define INPUT_MAX ((size_t)64 * 1024)
#define EVENTS_MAX PLAN_FIELDS_MAX
#define NOW 1800000000
#define HOST "mx.ours.example"

static const char zone[] =
    "good.example. 60 IN TXT \"v=spf1 ip4:192.0.2.1 include:more.example -all\"\n"
    "more.example. 60 IN TXT \"v=spf1 a:mx.good.example ?all\"\n"
    "mx.good.example. 60 IN TXT \"v=spf1 a -all\"\n"
    "mx.good.example. 60 IN A 192.0.2.1\n"
    "bad.example. 60 IN TXT \"v=spf1 -all exp=why.example\"\n"
    "why.example. 60 IN TXT \"%{i} is not one of %{d}\"\n"
    "servfail.example. 60 IN TXT \"v=spf1 include:servfail.test -all\"\n"
    "_dmarc.good.example. 60 IN TXT \"v=DMARC1; p=reject; rua=mailto:d@good.example\"\n"
    "_dmarc.reject.example. 60 IN TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n"
    "_dmarc.quarantine.example. 60 IN TXT \"v=DMARC1; p=quarantine\"\n"
    "_dmarc.none.example. 60 IN TXT \"v=DMARC1; p=none; np=reject; t=y\"\n"
    "_dmarc.alias.example. 60 IN CNAME _dmarc.reject.example.\n"
    "_dmarc.example.com. 60 IN TXT \"v=DMARC1; p=reject\"\n"
    "brisbane._domainkey.football.example.com. 60 IN TXT "
    "\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n";

/* One line, decoded. */
struct event {
	char kind;
	struct tf_str text;
};

#define DEFAULTS .max_fields = 2000, .max_bytes = 1 << 20, .on_error = TF_ACT_TEMPFAIL

/* clang-format off */
static const struct setting settings[] = {
	{ .text = "", DEFAULTS },
	{ .text = "mode = \"monitor\"\nspf { on_fail = \"reject\" }",
	  .max_fields = 2000, .max_bytes = 1 << 20, .on_error = TF_ACT_ACCEPT, .monitor = true },
	{ .text = "spf { received_spf = true on_fail = \"reject\" on_helo_fail = \"reject\""
		  " fetch_explanation = true }\n"
		  "dmarc { on_quarantine = \"hold\" on_temperror = \"tempfail\" reply = "
		  "\"5.7.26 %{domain} %{identifiers}%{newline}%{rule} %{queue_id}\" }",
	  DEFAULTS },
	{ .text = "on_error = \"accept\"\nlimits { headers = 10 header_bytes = 4096 }",
	  .max_fields = 10, .max_bytes = 4096, .on_error = TF_ACT_ACCEPT },
	{ .text = "limits { headers = 12 }\nremove_authserv_ids = { \"old.example\" }\n"
		  "dmarc { on_reject = \"quarantine\" on_quarantine = \"hold\""
		  " max_author_domains = 2 }",
	  .max_fields = 12, .max_bytes = 1 << 20, .on_error = TF_ACT_TEMPFAIL },
	{ .text = "authserv_id = \"id.example\"\n"
		  "arc { trusted_sealers = { \"lists.example\", \"d1.example\" } }\n"
		  "domain \"reject.example\" { policy = \"none\""
		  " when_spf_pass = { \"good.example\" } }\n"
		  "forwarder \"f\" { when_spf_pass = { \"more.example\" } }",
	  DEFAULTS },
	{ .text = "mode = \"monitor\"\nlimits { headers = 10 }\n"
		  "dmarc { on_invalid_from = \"quarantine\" on_quarantine = \"hold\" }",
	  .max_fields = 10, .max_bytes = 1 << 20, .on_error = TF_ACT_ACCEPT, .monitor = true },
	{ .text = "trusted_relays = { \"198.51.100.0/24\" }\n"
		  "inbound_relays = { \"203.0.113.0/24\" }\n"
		  "spf { received_spf = true }\ndkim { partial_body = \"accept\" }\n"
		  "limits { message_memory = \"1M\" }",
	  DEFAULTS, .relay = true, .little_memory = true },
	{ .text = "arc { verify = false }\ndmarc { enabled = false }", DEFAULTS },
};
/* clang-format on */

static struct tf_config *configs[TF_ARRAY_LEN(settings)];
static struct tf_arena *forever;
static struct tf_dns_record *base_records;

static struct input {
	struct event events[EVENTS_MAX];
	size_t count;
	struct tf_dns_record *records;
	struct tf_str order;
} input;

/* The DNS. */

static bool
has_label(struct tf_str name, struct tf_str label)
{
	while (name.len != 0 && !tf_str_eq(tf_str_sub(name, 0, tf_str_find(name, '.')), label))
		name = tf_domain_parent(name);
	return name.len != 0;
}

static bool
put_records(struct packet *p, const char *owner, const struct tf_dns_record *r, struct tf_str name,
    enum tf_dns_type type)
{
	bool exists = false;

	for (; r != NULL; r = r->next) {
		if (!tf_str_eq(r->owner, name))
			continue;
		exists = true;
		if (r->type == (uint16_t)type || r->type == 5 /* CNAME */)
			packet_record(
			    p, owner, r->type, (const uint8_t *)r->rdata.ptr, r->rdata.len);
	}
	return exists;
}

static void
answer(struct tf_question *q)
{
	static struct packet packet;
	char owner[TF_DOMAIN_MAX + 1];
	bool exists;

	FUZZ_ASSERT(tf_cstr(q->name, owner, sizeof(owner)));
	packet_init(&packet, 0, 0x8180, owner, (uint16_t)q->type);
	exists = put_records(&packet, owner, base_records, q->name, q->type);
	exists = put_records(&packet, owner, input.records, q->name, q->type) || exists;
	if (!exists)
		packet_set_u16(&packet, 2, 0x8183);
	if (has_label(q->name, TF_STR("timeout")))
		held_dns_finish(q, TF_NONE_STR, TF_DNS_TIMEOUT);
	else if (has_label(q->name, TF_STR("servfail")) && !exists)
		held_dns_finish(q, TF_NONE_STR, TF_DNS_SERVFAIL);
	else
		held_dns_finish(q, packet_str(&packet), TF_DNS_SERVFAIL);
}

/* Set up. */

static struct tf_config *
load(const char *text)
{
	char path[] = "/tmp/truefrom-fuzz-XXXXXX";
	struct tf_buf why, warn;
	struct tf_config *config;
	bool unreadable;
	int fd = mkstemp(path);

	tf_buf_init_arena(&why, forever, 4096);
	tf_buf_init_arena(&warn, forever, 4096);
	FUZZ_ASSERT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	config = tf_config_load(path, &why, &warn, &unreadable);
	unlink(path);
	if (config == NULL)
		tf_panic("%s", tf_buf_cstr(&why));
	return config;
}

static void
set_up(void)
{
	static const struct tf_log_opts quiet = { .level = TF_LOG_ERROR };
	struct tf_buf why;

	if (forever != NULL)
		return;
	forever = tf_arena_new();
	for (size_t i = 0; i < TF_ARRAY_LEN(settings); i++)
		configs[i] = load(settings[i].text);
	tf_buf_init_arena(&why, forever, 1000);
	if (!tf_dns_records_parse(TF_STR(zone), "zone", forever, &base_records, &why))
		tf_panic("%s", tf_buf_cstr(&why));
	tf_log_configure(&quiet);
}

/* Input. */

static struct tf_str
decode(struct tf_str line, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, 2 * line.len + 1);
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] == 0x1e)
			tf_buf_byte(&b, '\r');
		tf_buf_byte(&b, line.ptr[i] == 0x1e || line.ptr[i] == 0x1f ? '\n' : line.ptr[i]);
	}
	return tf_arena_dup(a, tf_buf_get(&b)); /* of its own size, for AddressSanitizer */
}

static void
add_record(struct tf_str text, struct tf_arena *a)
{
	struct tf_dns_record *more, *last;
	struct tf_buf why;

	tf_buf_init_arena(&why, a, 1000);
	if (!tf_dns_records_parse(text, "D", a, &more, &why) || more == NULL)
		return;
	for (last = more; last->next != NULL;)
		last = last->next;
	last->next = input.records;
	input.records = more;
}

static void
read_input(struct tf_str in, struct tf_arena *a)
{
	memset(&input, 0, sizeof(input));
	while (in.len != 0 && input.count < EVENTS_MAX) {
		struct tf_str line = tf_str_sub(in, 0, tf_str_find(in, '\n'));
		struct tf_str text = decode(tf_str_sub(line, 1, line.len), a);

		in = tf_str_sub(in, line.len + 1, in.len);
		if (line.len == 0)
			continue;
		if (line.ptr[0] == 'D')
			add_record(text, a);
		else if (line.ptr[0] == 'O')
			input.order = text;
		else
			input.events[input.count++] = (struct event){ line.ptr[0], text };
	}
}

/* Events. */

static struct tf_current *
current_new(const struct setting *setting)
{
	struct tf_buf why;
	char storage[100];

	tf_buf_init(&why, storage, sizeof(storage));
	return tf_current_new(tf_config_retain(configs[setting - settings]), TF_STR(HOST), &why);
}

static void
model_mail(struct model *m, size_t index)
{
	m->open = true;
	m->done = m->body = false;
	m->bytes = m->field_count = 0;
	m->first = index;
	m->mail = input.events[index].kind;
	m->began_with = m->setting;
	m->helo = m->next_helo;
	m->mta_name = m->next_mta_name;
}

static void
send_mail(struct tf_session *s, const struct model *m, const struct event *e)
{
	const struct tf_mail mail = { .path = e->text,
		.mta_name = m->mta_name,
		.authenticated = e->kind == 'A',
		.smtputf8 = e->kind == 'U',
		.now = NOW };

	tf_session_mail(s, &mail);
}

static void
send_field(struct tf_session *s, struct model *m, struct tf_str field)
{
	const size_t colon = tf_str_find(field, ':');
	const struct tf_str name = tf_str_sub(field, 0, colon);
	const struct tf_str value = tf_str_sub(field, colon + 1, field.len);

	tf_session_header(s, name, value);
	if (m == NULL || !m->open || m->done || m->body)
		return;
	m->names[m->field_count] = name;
	m->values[m->field_count++] = value;
	m->bytes += name.len + value.len;
}

/* What a message is made of; m NULL: it is sent again. */
static void
send_content(struct tf_session *s, struct model *m, const struct event *e)
{
	switch (e->kind) {
	case 'R':
		tf_session_rcpt(s, e->text);
		return;
	case 'F':
		send_field(s, m, e->text);
		return;
	case 'E':
		tf_session_eoh(s);
		break;
	case 'B':
		tf_session_body(s, e->text);
		break;
	default:
		return;
	}
	if (m != NULL && m->open && !m->done)
		m->body = true;
}

/* Messages again. */

/* From the MAIL FROM that the model has. */
static const struct tf_plan *
send_again(struct tf_session *s, const struct model *m, size_t end)
{
	send_mail(s, m, &input.events[m->first]);
	for (size_t i = m->first + 1; i < end; i++)
		send_content(s, NULL, &input.events[i]);
	return tf_session_end(s, TF_STR("Q1"), NULL, NULL);
}

/* To who never saw a message, by the command line's way, answers in the order of the questions: the
 * plan is the same. */
static void
check_elsewhere(const struct model *m, size_t end, struct tf_str text, struct tf_arena *a)
{
	struct tf_current *current = current_new(m->began_with);
	struct tf_session *s = tf_session_new(current);
	const struct tf_plan *plan;

	tf_session_explain(s);
	tf_session_connect(s, &m->client, m->local);
	tf_session_helo(s, m->helo);
	held_dns_start(TF_NONE_STR, answer);
	plan = send_again(s, m, end);
	FUZZ_ASSERT(tf_str_eq(plan_text(plan, a), text));
	plan_check_explained(plan);
	tf_session_free(s);
	tf_current_free(current);
}

/* `end` is the event that ends it. */
static void
end_message(struct tf_session *s, struct model *m, size_t end)
{
	const struct tf_plan *plan = tf_session_end(s, TF_STR("Q1"), NULL, NULL);
	struct tf_arena *a;
	struct tf_str text;

	if (!m->open || m->done) {
		plan_check_out_of_turn(m, plan);
		return;
	}
	m->done = true;
	plan_check(m, plan);
	a = tf_arena_new();
	text = plan_text(plan, a);
	check_elsewhere(m, end, text, a);
	if (m->setting == m->began_with && tf_str_eq(m->helo, m->next_helo)) {
		/* With all that was answered there before it is asked. */
		held_dns_recall();
		plan = send_again(s, m, end);
		FUZZ_ASSERT(tf_str_eq(plan_text(plan, a), text));
	}
	held_dns_start(input.order, answer);
	tf_arena_free(a);
}

static void
reload(struct tf_current *current, struct model *m, struct tf_str text)
{
	struct tf_buf why;
	char storage[100];

	tf_buf_init(&why, storage, sizeof(storage));
	m->setting = &settings[(unsigned char)(text.len != 0 ? text.ptr[0] - '0' : 0) %
			       TF_ARRAY_LEN(settings)];
	FUZZ_ASSERT(
	    tf_current_replace(current, tf_config_retain(configs[m->setting - settings]), &why));
}

/* What changes the connection, or ends a message. */
static void
send_event(struct tf_session *s, struct tf_current *current, struct model *m, size_t index)
{
	const struct event *e = &input.events[index];

	switch (e->kind) {
	case 'K':
		reload(current, m, e->text);
		return;
	case 'C':
	case 'L':
		(void)tf_addr_parse(e->text, &m->client);
		m->local = e->kind == 'L';
		m->open = false;
		m->next_helo = TF_NONE_STR;
		tf_session_connect(s, &m->client, m->local);
		return;
	case 'H':
		/* In the middle of a message it is the next one's. */
		m->next_helo = e->text;
		tf_session_helo(s, e->text);
		return;
	case 'J':
		m->next_mta_name = e->text;
		return;
	case 'M':
	case 'A':
	case 'U':
		model_mail(m, index);
		send_mail(s, m, e);
		return;
	case 'Z':
		end_message(s, m, index);
		return;
	case 'X':
		tf_session_abort(s);
		m->open = false;
		return;
	}
	send_content(s, m, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model m;
	struct tf_current *current;
	struct tf_session *s;
	struct tf_arena *a;

	if (size > INPUT_MAX)
		return 0;
	set_up();
	a = tf_arena_new();
	m = (struct model){ .setting = settings };
	read_input(fuzz_input(data, size), a);
	held_dns_start(input.order, answer);
	current = current_new(settings);
	s = tf_session_new(current);
	for (size_t i = 0; i < input.count; i++)
		send_event(s, current, &m, i);
	tf_session_free(s);
	tf_current_free(current);
	FUZZ_ASSERT(held_dns_count() == 0);
	held_dns_start(TF_NONE_STR, answer);
	tf_arena_free(a);
	return 0;
}
