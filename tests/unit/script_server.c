/*
 * script_server.c - a DNS server on 127.0.0.1 whose answers are scripted by the name asked
 *
 * One thread, one poll loop; delayed answers wait in a list. Only what the tests need: one
 * question a message, one message a TCP connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/dns_packet.h"
#include "tests/unit/script_server.h"
#include "truefrom/banned.h"

#define OK 0x8180
#define QUESTIONS 20000

struct query {
	struct packet *reply;
	uint16_t id, type;
	char name[256];  /* as asked, without the final dot, lower case */
	char label[256]; /* its first label, up to the "-" */
	uint32_t arg;    /* the number behind it, or 0 */
	bool tcp;
};

struct delayed {
	int64_t due_ms;
	struct sockaddr_in to;
	size_t len;
	uint8_t bytes[512];
	TAILQ_ENTRY(delayed) link;
};

struct script_server {
	pthread_t thread;
	int udp, tcp, stop[2];
	char address[32];
	TAILQ_HEAD(, delayed) delayed;
	pthread_mutex_t lock;
	unsigned int total;
	char labels[QUESTIONS][64]; /* first label of each question so far */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool
is(const struct query *q, const char *label)
{
	return strcmp(q->label, label) == 0;
}

/* Name, label and argument of the question; false when there is none. */
static bool
read_query(const uint8_t *bytes, size_t len, struct query *q)
{
	size_t at = 12, out = 0;
	struct tf_str first;
	size_t dash;

	if (len < 17)
		return false;
	q->id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	while (at < len && bytes[at] != 0 && bytes[at] < 64 && at + 1 + bytes[at] < len &&
	       out + 1 + bytes[at] < sizeof(q->name)) {
		if (out != 0)
			q->name[out++] = '.';
		for (uint8_t left = bytes[at++]; left > 0; left--)
			q->name[out++] = tf_lower((char)bytes[at++]);
	}
	q->name[out] = '\0';
	if (at + 5 > len)
		return false;
	q->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
	first = tf_str_from(q->name);
	first = tf_str_sub(first, 0, tf_str_find(first, '.'));
	dash = tf_str_find(first, '-');
	q->arg = 0;
	tf_str_to_u32(tf_str_sub(first, dash + 1, first.len), 1000000, &q->arg);
	return tf_cstr(tf_str_sub(first, 0, dash), q->label, sizeof(q->label));
}

static void
add_ok(const struct query *q, const char *owner)
{
	static const uint8_t txt[] = "\2ok", address[] = { 192, 0, 2, 1 };

	if (q->type == 1)
		packet_record(q->reply, owner, 1, address, 4);
	else
		packet_record(q->reply, owner, 16, txt, 3);
}

static void
add_alias(const struct query *q, const char *owner, const char *target)
{
	char words[600];
	struct tf_buf out;

	tf_buf_init(&out, words, sizeof(words));
	tf_buf_printf(&out, "%s CNAME %s", owner, target);
	packet_records(q->reply, tf_buf_cstr(&out));
}

/* chain-3.test is an alias of chain-2.test, and so on down to chain-0.test, which is none. */
static void
add_chain(const struct query *q)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "chain-%u.test", (unsigned int)q->arg);
	for (uint32_t left = q->arg; left > 0; left--) {
		snprintf(to, sizeof(to), "chain-%u.test", (unsigned int)(left - 1));
		add_alias(q, from, to);
		memcpy(from, to, sizeof(from));
	}
	add_ok(q, from);
}

static void
add_texts(const struct query *q, uint32_t records, size_t strings)
{
	uint8_t rdata[256 * 4];

	memset(rdata, 'x', sizeof(rdata));
	for (uint32_t i = 0; i < records; i++) {
		for (size_t n = 0; n < strings; n++)
			rdata[n * 256] = 255;
		rdata[1] = (uint8_t)('a' + i / 26 % 26); /* all different */
		rdata[2] = (uint8_t)('a' + i % 26);
		packet_record(q->reply, q->name, 16, rdata, strings * 256);
	}
}

static void
begin_reply(const struct query *q, uint16_t flags)
{
	packet_init(q->reply, q->id, flags, q->name, q->type);
}

/* Answers that are a status alone. */
static bool
reply_status(const struct query *q)
{
	static const struct {
		const char *label;
		uint16_t flags;
	} statuses[] = {
		{ "nodata", OK },
		{ "nxdomain", OK | 3 },
		{ "servfail", OK | 2 },
		{ "formerr", OK | 1 },
		{ "notimp", OK | 4 },
		{ "refused", OK | 5 },
	};

	for (size_t i = 0; i < TF_ARRAY_LEN(statuses); i++) {
		if (!is(q, statuses[i].label))
			continue;
		begin_reply(q, statuses[i].flags);
		if (i < 2)
			packet_authority(q->reply);
		return true;
	}
	return false;
}

/* Answers to another question, or none. */
static bool
reply_wrong(const struct query *q)
{
	if (is(q, "wrongname")) {
		packet_init(q->reply, q->id, OK, "other.test", q->type);
		add_ok(q, "other.test");
		return true;
	}
	begin_reply(q, OK);
	add_ok(q, q->name);
	if (is(q, "wrongid")) {
		packet_set_u16(q->reply, 0, (uint16_t)(q->id + 1));
	} else if (is(q, "wrongclass")) {
		packet_init(q->reply, q->id, OK, q->name, q->type);
		packet_set_u16(q->reply, q->reply->len - 2, 3);
	} else if (is(q, "garbage")) {
		memset(q->reply->bytes + 4, 0x5a, q->reply->len - 4);
	} else {
		return false;
	}
	return true;
}

static void
reply_records(const struct query *q)
{
	begin_reply(q, OK);
	if (is(q, "chain"))
		add_chain(q);
	else if (is(q, "loop"))
		add_alias(q, q->name, "loop2.test");
	else if (is(q, "loop2"))
		add_alias(q, q->name, "loop.test");
	else if (is(q, "many"))
		add_texts(q, q->arg, 1);
	else if (is(q, "big"))
		add_texts(q, q->arg, 4);
	else if (is(q, "trunc"))
		packet_records(q->reply, "trunc.test TXT tcp");
	else
		add_ok(q, q->name);
	if (!q->tcp && (is(q, "trunc") || q->reply->len > 1232))
		begin_reply(q, OK | 0x0200);
}

/* Milliseconds until the reply is due; -1: there is none. */
static int
make_reply(struct script_server *s, const struct query *q)
{
	if (is(q, "silent"))
		return -1;
	if (is(q, "once") && script_server_count(s, "once") == 1) {
		begin_reply(q, OK | 2);
		return 0;
	}
	if (!reply_status(q) && !reply_wrong(q))
		reply_records(q);
	return is(q, "delay") ? (int)q->arg : 0;
}

static void
note_query(struct script_server *s, const struct query *q)
{
	struct tf_str name = tf_str_from(q->name);

	pthread_mutex_lock(&s->lock);
	if (s->total < QUESTIONS)
		tf_cstr(tf_str_sub(name, 0, tf_str_find(name, '.')), s->labels[s->total++],
		    sizeof(s->labels[0]));
	pthread_mutex_unlock(&s->lock);
}

static void
serve_udp(struct script_server *s, struct query *q)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t bytes[4096];
	ssize_t len = recvfrom(s->udp, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
	struct delayed *d;
	int wait_ms;

	if (len < 0 || !read_query(bytes, (size_t)len, q))
		return;
	q->tcp = false;
	note_query(s, q);
	wait_ms = make_reply(s, q);
	if (wait_ms == 0)
		sendto(s->udp, q->reply->bytes, q->reply->len, 0, (struct sockaddr *)&from, size);
	if (wait_ms <= 0 || q->reply->len > sizeof(d->bytes))
		return;
	d = tf_xcalloc(1, sizeof(*d));
	d->due_ms = now_ms() + wait_ms;
	d->to = from;
	d->len = q->reply->len;
	memcpy(d->bytes, q->reply->bytes, d->len);
	TAILQ_INSERT_TAIL(&s->delayed, d, link);
}

static void
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void
serve_tcp(struct script_server *s, struct query *q)
{
	uint8_t bytes[4096], size[2];
	int fd = accept(s->tcp, NULL, NULL);
	ssize_t len;

	if (fd < 0)
		return;
	len = recv(fd, bytes, 2, MSG_WAITALL);
	if (len == 2)
		len = recv(
		    fd, bytes, (size_t)(bytes[0] << 8 | bytes[1]) % sizeof(bytes), MSG_WAITALL);
	if (len > 0 && read_query(bytes, (size_t)len, q)) {
		q->tcp = true;
		note_query(s, q);
		if (make_reply(s, q) >= 0) {
			size[0] = (uint8_t)(q->reply->len >> 8);
			size[1] = (uint8_t)q->reply->len;
			write_all(fd, size, 2);
			write_all(fd, q->reply->bytes, q->reply->len);
		}
	}
	close(fd);
}

/* Sends what is due; milliseconds until the next one, -1 when none waits. */
static int
send_delayed(struct script_server *s)
{
	struct delayed *d = TAILQ_FIRST(&s->delayed), *next;
	int64_t now = now_ms(), soonest = -1;

	for (; d != NULL; d = next) {
		next = TAILQ_NEXT(d, link);
		if (d->due_ms > now) {
			if (soonest < 0 || d->due_ms - now < soonest)
				soonest = d->due_ms - now;
			continue;
		}
		sendto(s->udp, d->bytes, d->len, 0, (struct sockaddr *)&d->to, sizeof(d->to));
		TAILQ_REMOVE(&s->delayed, d, link);
		tf_xfree(d);
	}
	return (int)soonest;
}

static void *
run(void *arg)
{
	struct script_server *s = arg;
	struct query q = { .reply = tf_xmalloc(sizeof(*q.reply)) };
	struct pollfd fds[3] = { { .fd = s->udp, .events = POLLIN },
		{ .fd = s->tcp, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN } };

	while (fds[2].revents == 0) {
		if (poll(fds, 3, send_delayed(s)) < 0)
			break;
		if (fds[0].revents != 0)
			serve_udp(s, &q);
		if (fds[1].revents != 0)
			serve_tcp(s, &q);
	}
	tf_xfree(q.reply);
	return NULL;
}

static int
bind_to(int type, uint16_t *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t size = sizeof(addr);
	int fd = socket(AF_INET, type, 0), room = 4 << 20;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		tf_panic("no socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&addr, &size);
	*port = ntohs(addr.sin_port);
	return fd;
}

struct script_server *
script_server_start(void)
{
	struct script_server *s = tf_xcalloc(1, sizeof(*s));
	uint16_t port;

	s->tcp = -1;
	for (int tries = 0; tries < 20 && s->tcp < 0; tries++) {
		if (tries != 0)
			close(s->udp);
		port = 0;
		s->udp = bind_to(SOCK_DGRAM, &port);
		s->tcp = bind_to(SOCK_STREAM, &port);
	}
	if (s->tcp < 0 || listen(s->tcp, 64) != 0 || pipe(s->stop) != 0)
		tf_panic("no test server");
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u", (unsigned int)port);
	TAILQ_INIT(&s->delayed);
	pthread_mutex_init(&s->lock, NULL);
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		tf_panic("no thread");
	return s;
}

void
script_server_stop(struct script_server *s)
{
	if (write(s->stop[1], "", 1) != 1)
		tf_panic("cannot stop the test server");
	pthread_join(s->thread, NULL);
	while (!TAILQ_EMPTY(&s->delayed)) {
		struct delayed *d = TAILQ_FIRST(&s->delayed);

		TAILQ_REMOVE(&s->delayed, d, link);
		tf_xfree(d);
	}
	close(s->udp);
	close(s->tcp);
	close(s->stop[0]);
	close(s->stop[1]);
	pthread_mutex_destroy(&s->lock);
	tf_xfree(s);
}

struct tf_str
script_server_address(const struct script_server *s)
{
	return tf_str_from(s->address);
}

unsigned int
script_server_count(struct script_server *s, const char *label)
{
	unsigned int count = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned int i = 0; i < s->total; i++)
		count += strcmp(s->labels[i], label) == 0;
	pthread_mutex_unlock(&s->lock);
	return count;
}

unsigned int
script_server_total(struct script_server *s)
{
	unsigned int total;

	pthread_mutex_lock(&s->lock);
	total = s->total;
	pthread_mutex_unlock(&s->lock);
	return total;
}
