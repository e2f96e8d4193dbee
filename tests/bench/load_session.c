/*
 * load_session.c - one SMTP session as the filters of a chain see it
 *
 * Does what Postfix 3.7 does (smtpd and cleanup): each event of the envelope goes to the first
 * filter, then to the next; then the whole content goes to the first filter, and, with its header
 * edits performed, to the next. What wants no reply is buffered until a reply is awaited. Macros
 * are sent for an event even where the filter does not want the event. The first refusal ends the
 * message, and the filters that still have it in hand hear an abort.
 * Does not: change the envelope or replace the body for the next filter; those edits are ignored.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "tests/bench/load_session.h"
#include "truefrom/banned.h"

#define VERSION 6
#define HOST "mx.example.org"
#define CLIENT_PORT 25252

/* clang-format off */
static const struct stage_row {
	char command;
	uint32_t not_wanted, no_reply;
	int symbols; /* SMFIM_*, -1: no macros */
	const char *usual;
} stages[LOAD_STAGE_COUNT] = {
	[LOAD_CONNECT] = { SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, SMFIM_CONNECT,
		"j {daemon_name} {daemon_addr} v _" },
	[LOAD_HELO] = { SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, SMFIM_HELO, "" },
	[LOAD_MAIL] = { SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, SMFIM_ENVFROM,
		"{mail_addr} {mail_host} {mail_mailer}" },
	[LOAD_RCPT] = { SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, SMFIM_ENVRCPT,
		"{rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	[LOAD_DATA] = { SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, SMFIM_DATA, "i" },
	[LOAD_HEADER] = { SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR, -1, "" },
	[LOAD_EOH] = { SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, SMFIM_EOH, "i" },
	[LOAD_BODY] = { SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY, -1, "" },
	[LOAD_END] = { SMFIC_BODYEOB, 0, 0, SMFIM_EOM, "i" },
};
/* clang-format on */

int64_t
load_clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void
load_conn_init(struct load_conn *c, size_t link_count)
{
	c->link_count = link_count;
	for (size_t i = 0; i < link_count; i++)
		load_link_init(&c->links[i]);
}

void
load_conn_clear(struct load_conn *c)
{
	for (size_t i = 0; i < c->link_count; i++)
		load_link_clear(&c->links[i]);
	load_edit_clear(&c->edit);
}

static void
close_links(struct load_conn *c)
{
	c->open = false;
	c->waiting = false;
	for (size_t i = 0; i < c->link_count; i++)
		load_link_close(&c->links[i]);
}

void
load_conn_fail(struct load_conn *c, enum load_error error)
{
	close_links(c);
	c->error = error;
	c->status = LOAD_FAILED;
}

/* The socket is watched for writing while something is left over. */
static void
watch(struct load_conn *c, size_t i, bool write, int operation, int epoll, uint64_t number)
{
	struct epoll_event event = { .events = EPOLLIN | (write ? EPOLLOUT : 0u) };

	event.data.u64 = number * LOAD_FILTERS_MAX + i;
	c->links[i].wants_write = write;
	if (epoll_ctl(epoll, operation, c->links[i].fd, &event) != 0)
		load_conn_fail(c, LOAD_ERR_CONNECT);
}

static void
flush(struct load_conn *c, size_t i)
{
	switch (load_link_flush(&c->links[i])) {
	case LOAD_IO_DONE:
		break;
	case LOAD_IO_PENDING:
		c->links[i].wants_write = true;
		return;
	case LOAD_IO_FAILED:
		load_conn_fail(c, LOAD_ERR_CLOSED);
		return;
	}
	if (c->waiting && c->wait_link == i && c->wait_stage == LOAD_END)
		c->end_sent_ns = load_clock_ns();
}

static void
wait_for(struct load_conn *c, size_t i, enum load_stage stage)
{
	c->waiting = true;
	c->wait_link = i;
	c->wait_stage = stage;
	flush(c, i);
}

static const char *
host_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : address;
}

/* What a macro stands for, NULL when it is not set; the name without braces. */
static const char *
value_of(const struct load_conn *c, enum load_stage stage, struct tf_str name)
{
	const struct load_message *m = c->message;
	const bool mail = stage >= LOAD_MAIL, rcpt = stage == LOAD_RCPT;
	const struct {
		const char *name, *value;
	} table[] = {
		{ "i", stage >= LOAD_DATA ? c->id : NULL },
		{ "j", HOST },
		{ "v", "Postfix 3.7.11" },
		{ "daemon_name", HOST },
		{ "daemon_addr", "192.0.2.250" },
		{ "daemon_port", "25" },
		{ "client_addr", m->client },
		{ "client_name", "unknown" },
		{ "client_port", "25252" },
		{ "mail_addr", mail ? m->sender : NULL },
		{ "mail_host", mail ? host_of(m->sender) : NULL },
		{ "mail_mailer", mail ? "smtp" : NULL },
		{ "rcpt_addr", rcpt ? m->recipient : NULL },
		{ "rcpt_host", rcpt ? host_of(m->recipient) : NULL },
		{ "rcpt_mailer", rcpt ? "local" : NULL },
	};

	for (size_t i = 0; i < TF_ARRAY_LEN(table); i++)
		if (tf_str_eq(name, tf_str_from(table[i].name)))
			return table[i].value;
	return NULL;
}

static void
put_text(struct tf_buf *b, const char *text)
{
	tf_buf_str(b, (struct tf_str){ text, strlen(text) + 1 });
}

static void
put_macro(const struct load_conn *c, enum load_stage stage, struct tf_str name, struct tf_buf *b)
{
	const bool braces = name.len > 2 && name.ptr[0] == '{' && name.ptr[name.len - 1] == '}';
	const struct tf_str bare = braces ? tf_str_sub(name, 1, name.len - 2) : name;
	const char *value = value_of(c, stage, bare);

	if (tf_str_eq(bare, TF_STR("_"))) {
		tf_buf_str(b, TF_STR("_\0unknown ["));
		tf_buf_lit(b, c->message->client);
		tf_buf_str(b, TF_STR("]\0"));
	} else if (value != NULL) {
		tf_buf_str(b, name);
		tf_buf_byte(b, '\0');
		put_text(b, value);
	}
}

static bool
put_macros(struct load_conn *c, struct load_link *link, enum load_stage stage)
{
	const struct stage_row *row = &stages[stage];
	struct tf_str rest;
	size_t begun, empty;

	if (row->symbols < 0)
		return true;
	rest = tf_str_from(
	    link->symbols[row->symbols] != NULL ? link->symbols[row->symbols] : row->usual);
	begun = load_link_begin(link, SMFIC_MACRO);
	tf_buf_byte(&link->scratch, row->command);
	empty = link->scratch.len;
	while (rest.len != 0) {
		const size_t end = tf_str_find(rest, ' ');

		if (end != 0)
			put_macro(c, stage, tf_str_sub(rest, 0, end), &link->scratch);
		rest = tf_str_sub(rest, end + 1, rest.len);
	}
	if (link->scratch.len != empty || link->scratch.overflow)
		return load_link_end(link, begun);
	link->scratch.len = begun;
	return true;
}

static void
put_connect(const struct load_conn *c, struct tf_buf *b)
{
	const uint16_t port = htons(CLIENT_PORT);

	put_text(b, "unknown");
	tf_buf_byte(b, strchr(c->message->client, ':') != NULL ? SMFIA_INET6 : SMFIA_INET);
	tf_buf_str(b, (struct tf_str){ (const char *)&port, sizeof(port) });
	put_text(b, c->message->client);
}

static void
put_path(const char *address, struct tf_buf *b)
{
	tf_buf_byte(b, '<');
	tf_buf_lit(b, address);
	tf_buf_str(b, TF_STR(">\0"));
}

/* A packet that is made here, all but header fields and body. */
static bool
put_packet(const struct load_conn *c, struct load_link *link, enum load_stage stage)
{
	const size_t begun = load_link_begin(link, stages[stage].command);

	if (stage == LOAD_CONNECT)
		put_connect(c, &link->scratch);
	else if (stage == LOAD_HELO)
		put_text(&link->scratch, c->message->helo);
	else if (stage == LOAD_MAIL)
		put_path(c->message->sender, &link->scratch);
	else if (stage == LOAD_RCPT)
		put_path(c->message->recipient, &link->scratch);
	return load_link_end(link, begun);
}

static void
send_event(struct load_conn *c, size_t i, enum load_stage stage)
{
	struct load_link *link = &c->links[i];
	const struct stage_row *row = &stages[stage];

	if (stage == LOAD_MAIL)
		link->in_message = true;
	if (!put_macros(c, link, stage)) {
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
		return;
	}
	if ((link->protocol & row->not_wanted) != 0)
		return;
	if (!put_packet(c, link, stage))
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
	else if ((link->protocol & row->no_reply) == 0)
		wait_for(c, i, stage);
}

static bool
hears(const struct load_link *link)
{
	return !link->accepted_client && !link->accepted_message;
}

static void
run_envelope(struct load_conn *c)
{
	const size_t i = c->at;
	const enum load_stage stage = c->stage;

	if (stage == LOAD_MAIL && i == 0)
		c->began_ns = c->wanted_ns != 0 ? c->wanted_ns : load_clock_ns();
	if (++c->at == c->link_count) {
		c->at = 0;
		c->stage++;
		c->item = 0;
	}
	if (hears(&c->links[i]))
		send_event(c, i, stage);
}

static void
run_header(struct load_conn *c)
{
	const uint32_t protocol = c->links[c->at].protocol;
	const struct load_headers *h =
	    load_edit_headers(&c->edit, c->message, (protocol & SMFIP_HDR_LEADSPC) != 0);
	const struct iovec all = { h->bytes, h->len };
	struct iovec one;

	if (h->count == 0 || (protocol & SMFIP_NOHDRS) != 0 || c->item == h->count) {
		c->stage = LOAD_EOH;
		c->item = 0;
	} else if ((protocol & SMFIP_NR_HDR) != 0) {
		load_link_put(&c->links[c->at], &all, 1);
		c->item = h->count;
	} else {
		one = (struct iovec){ h->bytes + h->starts[c->item],
			h->starts[c->item + 1] - h->starts[c->item] };
		c->item++;
		load_link_put(&c->links[c->at], &one, 1);
		wait_for(c, c->at, LOAD_HEADER);
	}
}

static void
run_body(struct load_conn *c)
{
	const uint32_t protocol = c->links[c->at].protocol;
	const struct load_message *m = c->message;

	if (c->item == m->body_count || (protocol & SMFIP_NOBODY) != 0) {
		c->stage = LOAD_END;
		c->item = 0;
	} else if ((protocol & SMFIP_NR_BODY) != 0) {
		load_link_put(&c->links[c->at], m->body, 2 * m->body_count);
		c->item = m->body_count;
	} else {
		load_link_put(&c->links[c->at], m->body + 2 * c->item++, 2);
		wait_for(c, c->at, LOAD_BODY);
	}
}

static void finish(struct load_conn *c, enum load_word action);

static void
next_filter(struct load_conn *c)
{
	load_verdict_merge(&c->said, &c->said_now);
	c->said_now = (struct load_verdict){ .spf_of_mailfrom = false };
	c->stage = LOAD_HEADER;
	c->item = 0;
	if (++c->at == c->link_count)
		finish(c, c->quarantine ? LOAD_QUARANTINE : LOAD_ACCEPT);
}

static void
run_content(struct load_conn *c)
{
	if (!hears(&c->links[c->at])) {
		next_filter(c);
		return;
	}
	switch (c->stage) {
	case LOAD_HEADER:
		run_header(c);
		break;
	case LOAD_EOH:
		c->stage = LOAD_BODY;
		send_event(c, c->at, LOAD_EOH);
		break;
	case LOAD_BODY:
		run_body(c);
		break;
	case LOAD_END:
		send_event(c, c->at, LOAD_END);
		break;
	case LOAD_CONNECT:
	case LOAD_HELO:
	case LOAD_MAIL:
	case LOAD_RCPT:
	case LOAD_DATA:
	case LOAD_STAGE_COUNT:
		tf_panic("stage %d is no content", (int)c->stage);
	}
}

static void
run(struct load_conn *c)
{
	while (c->status == LOAD_BUSY && !c->waiting) {
		if (c->stage <= LOAD_DATA)
			run_envelope(c);
		else
			run_content(c);
	}
}

/* The message is over: filters that still have it in hand are told to forget it. */
static void
finish(struct load_conn *c, enum load_word action)
{
	load_verdict_merge(&c->said, &c->said_now);
	load_verdict_set_action(&c->said, action);
	c->status = LOAD_SAID;
	c->waiting = false;
	for (size_t i = 0; c->status == LOAD_SAID && i < c->link_count; i++) {
		struct load_link *link = &c->links[i];

		if (!link->in_message)
			continue;
		link->in_message = false;
		if (!load_link_end(link, load_link_begin(link, SMFIC_ABORT)))
			load_conn_fail(c, LOAD_ERR_PROTOCOL);
		else
			flush(c, i);
	}
	load_edit_reset(&c->edit);
}

/* The verdict before the end of the chain; before MAIL it is one on the whole session. */
static void
refuse(struct load_conn *c, enum load_word action)
{
	const bool whole = c->wait_stage < LOAD_MAIL;

	if (c->wait_stage == LOAD_END)
		c->links[c->wait_link].in_message = false;
	if (whole)
		c->began_ns = c->wanted_ns != 0 ? c->wanted_ns : load_clock_ns();
	finish(c, action);
	if (whole && c->status == LOAD_SAID)
		load_conn_quit(c);
}

static void
take_inserted(struct load_conn *c, struct tf_str name, struct tf_str value)
{
	if (tf_str_eq_nocase(name, TF_STR("Authentication-Results")))
		load_verdict_read(&c->said_now, value, c->authserv_id);
	else if (tf_str_eq_nocase(name, TF_STR("X-Truefrom-Quarantine")))
		c->quarantine = true;
}

/* [index] name NUL value NUL */
static bool
cut_edit(char command, struct tf_str data, uint32_t *index_out, struct load_field *field_out)
{
	size_t end;

	*index_out = 0;
	if (command != SMFIR_ADDHEADER) {
		if (data.len < sizeof(*index_out))
			return false;
		memcpy(index_out, data.ptr, sizeof(*index_out));
		*index_out = ntohl(*index_out);
		data = tf_str_sub(data, sizeof(*index_out), data.len);
	}
	end = tf_str_find(data, '\0');
	field_out->name = tf_str_sub(data, 0, end);
	field_out->value = tf_str_sub(data, end + 1, data.len);
	end = tf_str_find(field_out->value, '\0');
	if (field_out->name.len == 0 || end == field_out->value.len)
		return false;
	field_out->value = tf_str_sub(field_out->value, 0, end);
	return true;
}

/* The header as the next filter gets it; a filter that gives no leading space means one. */
static void
perform_edit(struct load_conn *c, char command, uint32_t index, struct load_field field)
{
	load_edit_begin(&c->edit, c->message);
	if ((c->links[c->wait_link].protocol & SMFIP_HDR_LEADSPC) == 0 && field.value.len != 0)
		field.value = tf_arena_printf(c->edit.arena, " %.*s", TF_PRI(field.value));
	if (command == SMFIR_INSHEADER)
		load_edit_insert(&c->edit, index, field.name, field.value);
	else if (command == SMFIR_ADDHEADER)
		load_edit_append(&c->edit, field.name, field.value);
	else
		load_edit_change(&c->edit, index, field.name, field.value);
}

static void
take_edit(struct load_conn *c, char command, struct tf_str data)
{
	struct load_field field;
	uint32_t index;

	if (!cut_edit(command, data, &index, &field)) {
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
		return;
	}
	if (command != SMFIR_CHGHEADER)
		take_inserted(c, field.name, field.value);
	if (c->wait_link + 1 < c->link_count) /* somebody is behind it */
		perform_edit(c, command, index, field);
}

static void
take_continue(struct load_conn *c, bool accept)
{
	struct load_link *link = &c->links[c->wait_link];

	c->waiting = false;
	if (c->wait_stage == LOAD_END) {
		link->in_message = false;
		c->end_waited_ns += load_clock_ns() - c->end_sent_ns;
		next_filter(c);
	} else if (accept && c->wait_stage < LOAD_MAIL) {
		link->accepted_client = true;
	} else if (accept) {
		link->accepted_message = true;
	}
}

/* An answer that ends the message or lets it go on. */
static void
take_reply(struct load_conn *c, char command, struct tf_str data)
{
	if (c->links[c->wait_link].out_count != 0) { /* it has not heard all of it */
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
		return;
	}
	if (c->wait_stage == LOAD_END && command != SMFIR_CONTINUE && command != SMFIR_ACCEPT)
		c->end_waited_ns += load_clock_ns() - c->end_sent_ns;
	switch (command) {
	case SMFIR_CONTINUE:
		take_continue(c, false);
		break;
	case SMFIR_ACCEPT:
		take_continue(c, true);
		break;
	case SMFIR_REJECT:
		refuse(c, LOAD_REJECT);
		break;
	case SMFIR_TEMPFAIL:
	case SMFIR_SHUTDOWN:
	case SMFIR_CONN_FAIL:
		refuse(c, LOAD_TEMPFAIL);
		break;
	case SMFIR_DISCARD:
		refuse(c, LOAD_DISCARD);
		break;
	case SMFIR_REPLYCODE:
		if (data.len == 0 || (data.ptr[0] != '4' && data.ptr[0] != '5'))
			load_conn_fail(c, LOAD_ERR_PROTOCOL);
		else
			refuse(c, data.ptr[0] == '4' ? LOAD_TEMPFAIL : LOAD_REJECT);
		break;
	case SMFIR_SKIP:
		c->waiting = false;
		if (c->wait_stage == LOAD_BODY)
			c->item = c->message->body_count;
		else
			load_conn_fail(c, LOAD_ERR_PROTOCOL);
		break;
	default:
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
	}
}

static void
take_packet(struct load_conn *c, size_t i, char command, struct tf_str data)
{
	if (command == SMFIR_PROGRESS)
		return;
	if (c->status == LOAD_IDLE) {
		close_links(c);
		return;
	}
	if (!c->waiting || c->wait_link != i) {
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
		return;
	}
	if (c->wait_stage != LOAD_END) {
		take_reply(c, command, data);
		return;
	}
	switch (command) {
	case SMFIR_ADDHEADER:
	case SMFIR_INSHEADER:
	case SMFIR_CHGHEADER:
		take_edit(c, command, data);
		break;
	case SMFIR_QUARANTINE:
		c->quarantine = true;
		break;
	case SMFIR_ADDRCPT:
	case SMFIR_ADDRCPT_PAR:
	case SMFIR_DELRCPT:
	case SMFIR_REPLBODY:
	case SMFIR_CHGFROM:
		break;
	default:
		take_reply(c, command, data);
	}
}

/* Lists of macros behind the options: stage and names, each list ended by NUL. */
static bool
take_symbols(struct load_link *link, struct tf_str data)
{
	while (data.len != 0) {
		uint32_t stage;
		size_t end;

		if (data.len < sizeof(stage))
			return false;
		memcpy(&stage, data.ptr, sizeof(stage));
		stage = ntohl(stage);
		data = tf_str_sub(data, sizeof(stage), data.len);
		end = tf_str_find(data, '\0');
		if (stage >= LOAD_STAGES || end == data.len || end > 512)
			return false;
		tf_xfree(link->symbols[stage]);
		link->symbols[stage] = tf_xstrdup(tf_str_sub(data, 0, end));
		data = tf_str_sub(data, end + 1, data.len);
	}
	return true;
}

static bool
take_options(struct load_link *link, char command, struct tf_str data)
{
	uint32_t options[3];

	if (command != SMFIC_OPTNEG || data.len < sizeof(options))
		return false;
	memcpy(options, data.ptr, sizeof(options));
	if (ntohl(options[0]) < 2 || ntohl(options[0]) > VERSION ||
	    (ntohl(options[1]) & ~(uint32_t)SMFI_CURR_ACTS) != 0 ||
	    (ntohl(options[2]) & ~(uint32_t)SMFI_CURR_PROT) != 0)
		return false;
	link->protocol = ntohl(options[2]);
	link->state = LOAD_OPEN;
	return take_symbols(link, tf_str_sub(data, sizeof(options), data.len));
}

static void
start_if_open(struct load_conn *c)
{
	for (size_t i = 0; i < c->link_count; i++)
		if (c->links[i].state != LOAD_OPEN)
			return;
	c->open = true;
	c->stage = LOAD_CONNECT;
	c->at = 0;
	run(c);
}

static void
negotiate(struct load_conn *c, size_t i)
{
	struct load_link *link = &c->links[i];
	const uint32_t options[] = { htonl(VERSION), htonl(SMFI_CURR_ACTS), htonl(SMFI_CURR_PROT) };
	const size_t begun = load_link_begin(link, SMFIC_OPTNEG);

	link->state = LOAD_NEGOTIATING;
	tf_buf_str(&link->scratch, (struct tf_str){ (const char *)options, sizeof(options) });
	if (load_link_end(link, begun))
		flush(c, i);
}

static void
connect_links(struct load_conn *c, const struct load_address *addresses, int epoll, uint64_t number)
{
	for (size_t i = 0; c->status == LOAD_BUSY && i < c->link_count; i++) {
		switch (load_link_connect(&c->links[i], &addresses[i])) {
		case LOAD_IO_DONE:
			watch(c, i, false, EPOLL_CTL_ADD, epoll, number);
			if (c->status == LOAD_BUSY)
				negotiate(c, i);
			break;
		case LOAD_IO_PENDING:
			watch(c, i, true, EPOLL_CTL_ADD, epoll, number);
			break;
		case LOAD_IO_FAILED:
			if (errno == EAGAIN) {
				close_links(c);
				c->status = LOAD_REFUSED;
			} else {
				load_conn_fail(c, LOAD_ERR_CONNECT);
			}
			break;
		}
	}
}

void
load_conn_start(struct load_conn *c, struct load_message *message, uint64_t serial,
    const struct load_address *addresses, int epoll, uint64_t number)
{
	c->status = LOAD_BUSY;
	c->error = LOAD_ERR_NONE;
	c->message = message;
	c->said = c->said_now = (struct load_verdict){ .spf_of_mailfrom = false };
	c->quarantine = false;
	c->waiting = false;
	c->end_waited_ns = 0;
	c->at = c->item = 0;
	load_edit_reset(&c->edit);
	(void)snprintf(c->id, sizeof(c->id), "4Z%013llX", (unsigned long long)serial);
	for (size_t i = 0; i < c->link_count; i++)
		c->links[i].accepted_message = false;
	if (c->open) {
		c->stage = LOAD_MAIL;
		run(c);
	} else {
		connect_links(c, addresses, epoll, number);
	}
	for (size_t i = 0; i < c->link_count; i++)
		if (c->links[i].wants_write && c->links[i].state > LOAD_CONNECTING)
			watch(c, i, true, EPOLL_CTL_MOD, epoll, number);
}

static void
on_readable(struct load_conn *c, size_t i)
{
	struct load_link *link = &c->links[i];
	enum load_io got;
	struct tf_str data;
	char command;

	got = load_link_read(link);
	if (got == LOAD_IO_FAILED) {
		if (c->status == LOAD_IDLE)
			close_links(c);
		else
			load_conn_fail(
			    c, link->state == LOAD_OPEN ? LOAD_ERR_CLOSED : LOAD_ERR_NEGOTIATE);
		return;
	}
	while (link->fd >= 0 && (got = load_link_packet(link, &command, &data)) == LOAD_IO_DONE) {
		if (link->state == LOAD_OPEN) {
			take_packet(c, i, command, data);
			run(c);
		} else if (take_options(link, command, data)) {
			start_if_open(c);
		} else {
			load_conn_fail(c, LOAD_ERR_NEGOTIATE);
		}
	}
	if (got == LOAD_IO_FAILED && link->fd >= 0)
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
}

static void
on_writable(struct load_conn *c, size_t i)
{
	struct load_link *link = &c->links[i];

	if (link->state != LOAD_CONNECTING) {
		flush(c, i);
		return;
	}
	if (load_link_connect_error(link) != 0)
		load_conn_fail(c, LOAD_ERR_CONNECT);
	else
		negotiate(c, i);
}

void
load_conn_event(struct load_conn *c, size_t i, uint32_t events, int epoll, uint64_t number)
{
	struct load_link *link = &c->links[i];
	bool watched[LOAD_FILTERS_MAX];

	for (size_t k = 0; k < c->link_count; k++)
		watched[k] = c->links[k].wants_write;
	if (link->fd >= 0 && (events & (EPOLLOUT | EPOLLERR)) != 0 && link->wants_write) {
		link->wants_write = false;
		on_writable(c, i);
	}
	if (link->fd >= 0 && link->state != LOAD_CONNECTING &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		on_readable(c, i);
	for (size_t k = 0; k < c->link_count; k++)
		if (c->links[k].fd >= 0 && c->links[k].wants_write != watched[k])
			watch(c, k, c->links[k].wants_write, EPOLL_CTL_MOD, epoll, number);
}

void
load_conn_quit(struct load_conn *c)
{
	for (size_t i = 0; i < c->link_count; i++) {
		struct load_link *link = &c->links[i];

		if (link->state == LOAD_OPEN &&
		    load_link_end(link, load_link_begin(link, SMFIC_QUIT)))
			(void)load_link_flush(link);
	}
	close_links(c);
}
