/*
 * load_session.h - one SMTP session as the filters of a chain see it
 */
#ifndef TESTS_BENCH_LOAD_SESSION_H
#define TESTS_BENCH_LOAD_SESSION_H

#include "tests/bench/load_edit.h"
#include "tests/bench/load_packet.h"

#define LOAD_FILTERS_MAX 4

enum load_error {
	LOAD_ERR_NONE,
	LOAD_ERR_CONNECT,   /* nobody listens */
	LOAD_ERR_NEGOTIATE, /* no agreement on the protocol */
	LOAD_ERR_CLOSED,    /* the filter hung up */
	LOAD_ERR_PROTOCOL,  /* it said what it must not say */
	LOAD_ERR_TIMEOUT,
	LOAD_ERRORS
};

enum load_status {
	LOAD_IDLE,    /* nothing to do until the next message */
	LOAD_BUSY,    /* a message, or connecting for one */
	LOAD_REFUSED, /* a listener's queue is full: to be tried again, same message */
	LOAD_SAID,    /* the verdict is there: load_conn_take */
	LOAD_FAILED   /* error says why: load_conn_take */
};

/* One connection: the links to the filters and the message that is under way. */
struct load_conn {
	struct load_link links[LOAD_FILTERS_MAX];
	size_t link_count;
	enum load_status status;
	enum load_error error;
	bool open; /* the filters know the client */

	const struct load_session *session; /* NULL: none is open */
	size_t position;                    /* of the next message in it */
	struct load_message *message;
	uint64_t serial; /* of the message; makes its queue id */
	char id[24];

	enum load_stage stage;
	size_t at, item; /* filter, and header field or part of the body */
	bool waiting;
	size_t wait_link;
	enum load_stage wait_stage;

	struct load_verdict said, said_now; /* of all filters, of the one that is judging */
	struct tf_str authserv_id;
	bool quarantine;
	struct load_edit edit;

	int64_t wanted_ns; /* when the message was due in an open loop, else 0; see load_clock_ns */
	int64_t began_ns, end_sent_ns, end_waited_ns, deadline_ns;

	int64_t due_ns; /* the owner's: when it leaves the queue that it waits in */
	struct load_conn *next;
};

int64_t load_clock_ns(void); /* monotonic */

void load_conn_init(struct load_conn *c, size_t link_count);
void load_conn_clear(struct load_conn *c);

/*
 * load_conn_start - begin with c->message, whose number is c->serial
 *
 * addresses  one for each link
 * epoll      gets the sockets: link i of connection n under n * LOAD_FILTERS_MAX + i
 *
 * Whatever is open is used, else the links are connected first. The same message is started again
 * after LOAD_REFUSED.
 */
void load_conn_start(
    struct load_conn *c, const struct load_address *addresses, int epoll, uint64_t number);
/* Something happened at one link. */
void load_conn_event(struct load_conn *c, size_t link, uint32_t events, int epoll, uint64_t number);
/* The message is given up, and the links are closed. */
void load_conn_fail(struct load_conn *c, enum load_error error);
/* Says good-bye, and closes the links. */
void load_conn_quit(struct load_conn *c);

#endif
