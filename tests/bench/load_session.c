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
#include <libmilter/mfdef.h>

#include "tests/bench/load_session.h"
#include "truefrom/banned.h"

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

/* What it is when the filter hangs up now. */
static enum load_error
lost(const struct load_link *link)
{
	return link->state == LOAD_OPEN ? LOAD_ERR_CLOSED : LOAD_ERR_NEGOTIATE;
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
		load_conn_fail(c, lost(&c->links[i]));
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

static void
send_event(struct load_conn *c, size_t i, enum load_stage stage)
{
	struct load_link *link = &c->links[i];

	if (stage == LOAD_MAIL)
		link->in_message = true;
	if (!load_packet_put(link, stage, c->message, c->id))
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
	else if (load_stage_is_wanted(stage, link) && load_stage_is_answered(stage, link))
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
	struct load_link *link = &c->links[c->at];
	const struct load_headers *h =
	    load_edit_headers(&c->edit, c->message, (link->protocol & SMFIP_HDR_LEADSPC) != 0);
	struct iovec part = { h->bytes, h->len };

	if (c->item == h->count || !load_stage_is_wanted(LOAD_HEADER, link)) {
		c->stage = LOAD_EOH;
		c->item = 0;
	} else if (!load_stage_is_answered(LOAD_HEADER, link)) {
		load_link_put(link, &part, 1);
		c->item = h->count;
	} else {
		part = (struct iovec){ h->bytes + h->starts[c->item],
			h->starts[c->item + 1] - h->starts[c->item] };
		c->item++;
		load_link_put(link, &part, 1);
		wait_for(c, c->at, LOAD_HEADER);
	}
}

static void
run_body(struct load_conn *c)
{
	struct load_link *link = &c->links[c->at];
	const struct load_message *m = c->message;

	if (c->item == m->body_count || !load_stage_is_wanted(LOAD_BODY, link)) {
		c->stage = LOAD_END;
		c->item = 0;
	} else if (!load_stage_is_answered(LOAD_BODY, link)) {
		load_link_put(link, m->body, 2 * m->body_count);
		c->item = m->body_count;
	} else {
		load_link_put(link, m->body + 2 * c->item++, 2);
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

static void
take_edit(struct load_conn *c, char command, struct tf_str data)
{
	const bool bare = (c->links[c->wait_link].protocol & SMFIP_HDR_LEADSPC) == 0;
	struct load_field field;
	uint32_t index;

	if (!load_edit_parse(command, data, &index, &field)) {
		load_conn_fail(c, LOAD_ERR_PROTOCOL);
		return;
	}
	if (command != SMFIR_CHGHEADER)
		take_inserted(c, field.name, field.value);
	if (c->wait_link + 1 < c->link_count) /* somebody is behind it */
		load_edit_perform(&c->edit, c->message, command, index, field, bare);
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
	load_link_offer_options(&c->links[i]);
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
load_conn_start(
    struct load_conn *c, const struct load_address *addresses, int epoll, uint64_t number)
{
	c->status = LOAD_BUSY;
	c->error = LOAD_ERR_NONE;
	c->said = c->said_now = (struct load_verdict){ .spf_of_mailfrom = false };
	c->quarantine = false;
	c->waiting = false;
	c->end_waited_ns = 0;
	c->at = c->item = 0;
	load_edit_reset(&c->edit);
	(void)snprintf(c->id, sizeof(c->id), "4Z%013llX", (unsigned long long)c->serial);
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
			load_conn_fail(c, lost(link));
		return;
	}
	while (link->fd >= 0 && (got = load_link_packet(link, &command, &data)) == LOAD_IO_DONE) {
		if (link->state == LOAD_OPEN) {
			take_packet(c, i, command, data);
			run(c);
		} else if (load_link_take_options(link, command, data)) {
			start_if_open(c);
		} else {
			load_conn_fail(c, LOAD_ERR_NEGOTIATE);
		}
	}
	if (got == LOAD_IO_FAILED && link->fd >= 0)
		load_conn_fail(
		    c, link->state == LOAD_OPEN ? LOAD_ERR_PROTOCOL : LOAD_ERR_NEGOTIATE);
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
