/*
 * load_link.c - one connection to one filter: packets out, packets in
 *
 * Packets that are made for the message are gathered in a scratch buffer, the large ones are sent
 * from where they lie in the corpus; everything up to the next awaited reply leaves in one call.
 * Limits: LOAD_SCRATCH octets of small packets unsent, LOAD_PACKET_MAX octets of a packet received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>
#include <libmilter/mfdef.h>

#include "tests/bench/load_link.h"
#include "truefrom/banned.h"

#define VERSION 6 /* of the protocol */
#define READ_MIN 4096
#define IOV_AT_ONCE 256

static bool
parse_unix(struct load_address *address, struct tf_str path, struct tf_buf *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!tf_cstr(path, un.sun_path, sizeof(un.sun_path))) {
		tf_buf_lit(why, "the path of a socket is too long");
		return false;
	}
	memcpy(&address->bytes, &un, sizeof(un));
	address->len = sizeof(un);
	return true;
}

static bool
parse_inet(struct load_address *address, struct tf_str text, struct tf_buf *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const size_t at = tf_str_find(text, '@');
	char host[256], port[8];
	struct addrinfo *list;
	int rc;

	if (at == text.len || !tf_cstr(tf_str_sub(text, 0, at), port, sizeof(port)) ||
	    !tf_cstr(tf_str_sub(text, at + 1, text.len), host, sizeof(host))) {
		tf_buf_lit(why, "an inet socket is inet:PORT@HOST");
		return false;
	}
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0) {
		tf_buf_printf(why, "%s: %s", host, gai_strerror(rc));
		return false;
	}
	memcpy(&address->bytes, list->ai_addr, list->ai_addrlen);
	address->len = list->ai_addrlen;
	freeaddrinfo(list);
	return true;
}

bool
load_address_parse(struct load_address *address, const char *spec, struct tf_buf *why)
{
	const struct tf_str text = tf_str_from(spec);
	const size_t colon = tf_str_find(text, ':');
	const struct tf_str kind = tf_str_sub(text, 0, colon);
	const struct tf_str rest = tf_str_sub(text, colon + 1, text.len);

	*address = (struct load_address){ .text = spec };
	if (tf_str_eq(kind, TF_STR("unix")) || tf_str_eq(kind, TF_STR("local")))
		return parse_unix(address, rest, why);
	if (tf_str_eq(kind, TF_STR("inet")) || tf_str_eq(kind, TF_STR("inet6")))
		return parse_inet(address, rest, why);
	tf_buf_lit(why, "a socket is unix:PATH or inet:PORT@HOST");
	return false;
}

void
load_link_init(struct load_link *link)
{
	*link = (struct load_link){ .fd = -1 };
	tf_buf_init(&link->scratch, tf_xmalloc(LOAD_SCRATCH), LOAD_SCRATCH);
	link->in_cap = (size_t)2 * READ_MIN;
	link->in = tf_xmalloc(link->in_cap);
}

enum load_io
load_link_connect(struct load_link *link, const struct load_address *address)
{
	const int on = 1;

	link->fd = socket(address->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return LOAD_IO_FAILED;
	if (address->bytes.ss_family != AF_UNIX)
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	link->state = LOAD_CONNECTING;
	if (connect(link->fd, (const struct sockaddr *)&address->bytes, address->len) == 0)
		return LOAD_IO_DONE;
	return errno == EINPROGRESS ? LOAD_IO_PENDING : LOAD_IO_FAILED;
}

int
load_link_connect_error(const struct load_link *link)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}

void
load_link_close(struct load_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->state = LOAD_CLOSED;
	link->accepted_client = link->accepted_message = link->in_message = false;
	link->wants_write = false;
	link->out_at = link->out_count = 0;
	link->in_at = link->in_len = 0;
	tf_buf_clear(&link->scratch);
	for (size_t i = 0; i < LOAD_STAGES; i++) {
		tf_xfree(link->symbols[i]);
		link->symbols[i] = NULL;
	}
}

void
load_link_clear(struct load_link *link)
{
	load_link_close(link);
	tf_xfree(link->out);
	tf_xfree(link->scratch.ptr);
	tf_xfree(link->in);
}

static void
reserve(struct load_link *link, size_t count)
{
	size_t cap = link->out_cap != 0 ? link->out_cap : 16;

	if (link->out_count + count <= link->out_cap)
		return;
	while (cap < link->out_count + count)
		cap *= 2;
	link->out = tf_xrealloc(link->out, cap * sizeof(*link->out));
	link->out_cap = cap;
}

void
load_link_put(struct load_link *link, const struct iovec *parts, size_t count)
{
	reserve(link, count);
	memcpy(link->out + link->out_count, parts, count * sizeof(*parts));
	link->out_count += count;
}

size_t
load_link_begin(struct load_link *link, char command)
{
	const size_t begun = link->scratch.len;

	tf_buf_str(&link->scratch, (struct tf_str){ "\0\0\0\0", MILTER_LEN_BYTES });
	tf_buf_byte(&link->scratch, command);
	return begun;
}

bool
load_link_end(struct load_link *link, size_t begun)
{
	struct tf_buf *b = &link->scratch;
	struct iovec *last = link->out_count != 0 ? &link->out[link->out_count - 1] : NULL;
	uint32_t len;

	if (b->overflow)
		return false;
	len = htonl((uint32_t)(b->len - begun - MILTER_LEN_BYTES));
	memcpy(b->ptr + begun, &len, sizeof(len));
	if (last != NULL && (char *)last->iov_base + last->iov_len == b->ptr + begun) {
		last->iov_len += b->len - begun;
	} else {
		const struct iovec part = { b->ptr + begun, b->len - begun };

		load_link_put(link, &part, 1);
	}
	return true;
}

/* Takes n written octets from the queue. */
static void
advance(struct load_link *link, size_t n)
{
	while (link->out_at < link->out_count) {
		struct iovec *part = &link->out[link->out_at];

		if (n < part->iov_len) {
			part->iov_base = (char *)part->iov_base + n;
			part->iov_len -= n;
			return;
		}
		n -= part->iov_len;
		link->out_at++;
	}
	link->out_at = link->out_count = 0;
	tf_buf_clear(&link->scratch);
}

enum load_io
load_link_flush(struct load_link *link)
{
	while (link->out_count != 0) {
		struct msghdr message = { .msg_iov = link->out + link->out_at };
		ssize_t n;

		message.msg_iovlen = link->out_count - link->out_at;
		if (message.msg_iovlen > IOV_AT_ONCE)
			message.msg_iovlen = IOV_AT_ONCE;
		n = sendmsg(link->fd, &message, MSG_NOSIGNAL);
		if (n >= 0)
			advance(link, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return LOAD_IO_PENDING;
		else if (errno != EINTR)
			return LOAD_IO_FAILED;
	}
	return LOAD_IO_DONE;
}

/* Room for one more read, with what is not yet taken moved to the front. */
static void
make_room(struct load_link *link)
{
	if (link->in_at != 0) {
		memmove(link->in, link->in + link->in_at, link->in_len - link->in_at);
		link->in_len -= link->in_at;
		link->in_at = 0;
	}
	if (link->in_cap - link->in_len < READ_MIN) {
		link->in_cap *= 2;
		link->in = tf_xrealloc(link->in, link->in_cap);
	}
}

enum load_io
load_link_read(struct load_link *link)
{
	ssize_t n;

	make_room(link);
	n = recv(link->fd, link->in + link->in_len, link->in_cap - link->in_len, 0);
	if (n > 0)
		link->in_len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		return LOAD_IO_FAILED;
	return n > 0 ? LOAD_IO_DONE : LOAD_IO_PENDING;
}

enum load_io
load_link_packet(struct load_link *link, char *command_out, struct tf_str *data_out)
{
	const size_t there = link->in_len - link->in_at;
	const char *at = link->in + link->in_at;
	uint32_t len;

	if (there < MILTER_LEN_BYTES)
		return LOAD_IO_PENDING;
	memcpy(&len, at, sizeof(len));
	len = ntohl(len);
	if (len == 0 || len > LOAD_PACKET_MAX)
		return LOAD_IO_FAILED;
	if (there - MILTER_LEN_BYTES < len)
		return LOAD_IO_PENDING;
	*command_out = at[MILTER_LEN_BYTES];
	*data_out = (struct tf_str){ at + MILTER_LEN_BYTES + 1, len - 1 };
	link->in_at += MILTER_LEN_BYTES + len;
	return LOAD_IO_DONE;
}

void
load_link_offer_options(struct load_link *link)
{
	const uint32_t options[] = { htonl(VERSION), htonl(SMFI_CURR_ACTS), htonl(SMFI_CURR_PROT) };
	const size_t begun = load_link_begin(link, SMFIC_OPTNEG);

	link->state = LOAD_NEGOTIATING;
	tf_buf_str(&link->scratch, (struct tf_str){ (const char *)options, sizeof(options) });
	if (!load_link_end(link, begun))
		tf_panic("no room for the first packet");
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

bool
load_link_take_options(struct load_link *link, char command, struct tf_str data)
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
