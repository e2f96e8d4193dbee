/*
 * load_link.h - one connection to one filter: packets out, packets in
 */
#ifndef TESTS_BENCH_LOAD_LINK_H
#define TESTS_BENCH_LOAD_LINK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "truefrom/base.h"

#define LOAD_SCRATCH 8192                 /* small packets that wait to be written */
#define LOAD_PACKET_MAX ((size_t)1 << 20) /* octets of a packet from a filter */
#define LOAD_STAGES 7                     /* macro stages of the protocol, SMFIM_* */

enum load_link_state { LOAD_CLOSED, LOAD_CONNECTING, LOAD_NEGOTIATING, LOAD_OPEN };

/* Where a filter listens. */
struct load_address {
	struct sockaddr_storage bytes;
	socklen_t len;
	const char *text; /* as it was given */
};

struct load_link {
	enum load_link_state state;
	int fd;
	uint32_t protocol;                      /* SMFIP_* that the filter picked */
	bool accepted_client, accepted_message; /* it wants to hear no more of it */
	bool in_message;                        /* it heard MAIL, and not yet the end */
	bool wants_write;                       /* something is left over */
	char *symbols[LOAD_STAGES]; /* macros that the filter asked for; NULL: the usual */

	struct iovec *out;
	size_t out_at, out_count, out_cap;
	struct tf_buf scratch;
	char *in;
	size_t in_at, in_len, in_cap;
};

enum load_io { LOAD_IO_DONE, LOAD_IO_PENDING, LOAD_IO_FAILED };

/* A specification "unix:PATH" or "inet:PORT@HOST"; false with the reason in why. */
bool load_address_parse(struct load_address *address, const char *spec, struct tf_buf *why);

void load_link_init(struct load_link *link);
/* Starts to connect: DONE, PENDING (writable once it is decided), or FAILED with errno. */
enum load_io load_link_connect(struct load_link *link, const struct load_address *address);
/* What the connecting ended with: 0 or an errno. */
int load_link_connect_error(const struct load_link *link);
void load_link_close(struct load_link *link); /* memory stays for the next connection */
void load_link_clear(struct load_link *link);

/* A small packet, copied. Begin, fill link->scratch, end; false when there is no room. */
size_t load_link_begin(struct load_link *link, char command);
bool load_link_end(struct load_link *link, size_t begun);
/* Octets that stay where they are until they are written. */
void load_link_put(struct load_link *link, const struct iovec *parts, size_t count);
enum load_io load_link_flush(struct load_link *link);

/* Reads what is there: DONE, PENDING when nothing was, FAILED at the end of the stream. */
enum load_io load_link_read(struct load_link *link);
/* The next whole packet; its data is valid until the next read. PENDING when there is none yet,
 * FAILED when its length is impossible. */
enum load_io load_link_packet(struct load_link *link, char *command_out, struct tf_str *data_out);

/* Everything is offered, as Postfix does. */
void load_link_offer_options(struct load_link *link);
/* The filter's choice; false when it is none. The link is open then. */
bool load_link_take_options(struct load_link *link, char command, struct tf_str data);

#endif
