/*
 * dns_server.c - a DNS server for measurements: fast, and slow or deaf on demand
 *
 * make -C build tests/bench/dns_server; see usage() for the rest.
 *
 * One thread: UDP and TCP on one port, answers from dns_table.c with the question's id, case and
 * flags put in. Late answers wait in a queue; as all are equally late, it is in order. An OPT
 * record is answered with one (RFC 6891); what does not fit is truncated over UDP.
 * Limits: PENDING_MAX late answers, TCP_MAX connections of TCP; what is beyond is dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/dns_table.h"
#include "truefrom/banned.h"

#define HEADER 12
#define OPT_LEN 11
#define UDP_PLAIN 512 /* without OPT */
#define UDP_OURS 1232 /* what we say that we take */
#define TCP_MAX 1024
#define PACKET_MAX 65535
#define AT_ONCE 64 /* packets of UDP before other sockets get their turn */
#define PENDING_MAX 262144
#define TYPE_TXT 16
#define TYPE_OPT 41

enum source { FROM_UDP = TCP_MAX, FROM_LISTENER, FROM_TIMER, FROM_SIGNAL, FROM_INPUT };

/* A question, as far as it matters. */
struct question {
	const uint8_t *packet; /* as received */
	uint8_t name[DNS_NAME_MAX];
	size_t name_len;
	uint16_t type;
	bool has_opt;
	size_t room; /* octets that the asker takes over UDP */
};

/* Where an answer goes: over UDP to address, over TCP to connection. */
struct target {
	bool is_tcp;
	size_t connection;
	uint64_t generation; /* of the connection */
	struct sockaddr_storage address;
	socklen_t len;
};

struct pending {
	struct pending *next;
	int64_t due_ns;
	struct target target;
	bool counted;
	size_t len;
	uint8_t packet[];
};

struct connection {
	int fd; /* -1: free */
	uint64_t generation;
	size_t len;
	uint8_t *in; /* PACKET_MAX + 2 octets */
};

static struct {
	struct dns_table *table;
	int epoll, udp, listener, timer, signals;
	int64_t delay_ns;
	uint32_t drop;
	uint64_t questions, answers, dropped;
	struct pending *head, *tail;
	size_t pending;
	struct connection connections[TCP_MAX];
	bool stop;
} server;

static void __attribute__((noreturn)) usage(FILE *out, int code)
{
	fputs(
	    "usage: dns_server --listen ADDR@PORT --zone FILE [OPTION]...\n"
	    "\n"
	    "Answers over UDP and TCP from a master file, as a recursive resolver would: aliases "
	    "are\n"
	    "followed, NXDOMAIN and NODATA have an SOA. A record of TYPE65280 (NAME TYPE65280 \\# "
	    "0)\n"
	    "makes every question of its name fail (SERVFAIL). Prints \"listening on ADDR@PORT\".\n"
	    "\n"
	    "  --listen ADDR@PORT  port 0: a free one\n"
	    "  --zone FILE\n"
	    "  --delay MS          each answer is late by this (0)\n"
	    "  --drop N            one question in N is never answered: which of the times that a\n"
	    "                      name and type is asked for depends on these alone (0: none)\n"
	    "  --ttl S             for all records and negative answers (as in the file, 3600)\n"
	    "\n"
	    "TXT of counters.bench. says \"questions=N answers=N dropped=N\" (itself not counted, "
	    "not\n"
	    "late); SIGUSR1 makes all of it zero. Ends on SIGTERM, and when standard input ends.\n",
	    out);
	exit(code);
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("dns_server: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(3);
}

static int64_t
clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint16_t
get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void
put16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

/* One question of class IN, and perhaps an OPT record right behind it. */
static bool
read_question(const uint8_t *packet, size_t len, struct question *q)
{
	size_t at = HEADER;

	*q = (struct question){ .packet = packet, .room = UDP_PLAIN };
	if (len < HEADER || (packet[2] & 0xf8) != 0 || get16(packet + 4) != 1)
		return false;
	for (;;) {
		const size_t label = at < len ? packet[at] : 64;

		if (label > 63 || q->name_len + label + 1 > DNS_NAME_MAX || at + label >= len)
			return false;
		q->name[q->name_len++] = (uint8_t)label;
		for (size_t i = 1; i <= label; i++)
			q->name[q->name_len++] = (uint8_t)tf_lower((char)packet[at + i]);
		at += label + 1;
		if (label == 0)
			break;
	}
	if (len - at < 4 || get16(packet + at + 2) != 1)
		return false;
	q->type = get16(packet + at);
	at += 4;
	q->has_opt = len - at >= OPT_LEN && get16(packet + 10) != 0 && packet[at] == 0 &&
		     get16(packet + at + 1) == TYPE_OPT;
	if (q->has_opt && get16(packet + at + 3) > UDP_PLAIN)
		q->room = get16(packet + at + 3);
	return true;
}

/* The kept answer for this asker: its id, flags and spelling, its OPT record, within its room. */
static size_t
fit(const struct question *q, const uint8_t *answer, size_t len, size_t room, uint8_t *out)
{
	static const uint8_t opt[OPT_LEN] = { 0, 0, TYPE_OPT, UDP_OURS >> 8, UDP_OURS & 255 };
	const size_t head = HEADER + q->name_len + 4;
	const size_t extra = q->has_opt ? OPT_LEN : 0;
	const bool truncated = len + extra > room;

	if (truncated)
		len = head;
	memcpy(out, answer, len);
	memcpy(out, q->packet, 2);
	out[2] = (uint8_t)(0x80 | (q->packet[2] & 1) | (truncated ? 2 : 0));
	memcpy(out + HEADER, q->packet + HEADER, q->name_len);
	if (truncated)
		memset(out + 6, 0, 6);
	if (q->has_opt) {
		memcpy(out + len, opt, sizeof(opt));
		put16(out + 10, 1);
	}
	return len + extra;
}

static bool
is_counters(const struct question *q)
{
	static const uint8_t name[] = "\10counters\5bench";

	return q->type == TYPE_TXT && q->name_len == sizeof(name) &&
	       memcmp(q->name, name, sizeof(name)) == 0;
}

static size_t
write_counters(const struct question *q, uint8_t *out)
{
	const size_t head = HEADER + q->name_len + 4;
	uint8_t answer[512] = { 0, 0, 0x80, 0x80, 0, 1, 0, 1 };
	static const uint8_t record[] = { 0xc0, HEADER, 0, TYPE_TXT, 0, 1, 0, 0, 0, 0 };
	uint8_t *at = answer + head;
	int n;

	memcpy(answer + HEADER, q->packet + HEADER, q->name_len + 4);
	memcpy(at, record, sizeof(record));
	at += sizeof(record);
	n = snprintf((char *)at + 3, 200, "questions=%llu answers=%llu dropped=%llu",
	    (unsigned long long)server.questions, (unsigned long long)server.answers,
	    (unsigned long long)server.dropped);
	put16(at, (size_t)n + 1);
	at[2] = (uint8_t)n;
	return fit(q, answer, (size_t)(at - answer) + 3 + (size_t)n, UDP_PLAIN, out);
}

static void
close_connection(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
	c->generation++;
}

/* An answer over TCP is small against the socket's buffer: who does not read loses it. */
static bool
deliver(const struct target *to, const uint8_t *packet, size_t len)
{
	struct connection *c;
	uint8_t framed[PACKET_MAX + 2];

	if (!to->is_tcp)
		return sendto(server.udp, packet, len, MSG_DONTWAIT,
			   (const struct sockaddr *)&to->address, to->len) == (ssize_t)len;
	c = &server.connections[to->connection];
	if (c->fd < 0 || c->generation != to->generation)
		return false;
	put16(framed, len);
	memcpy(framed + 2, packet, len);
	if (send(c->fd, framed, len + 2, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len + 2)
		return true;
	close_connection(c);
	return false;
}

static void
set_timer(int64_t due_ns)
{
	const struct itimerspec at = { .it_value = { due_ns / 1000000000, due_ns % 1000000000 } };

	(void)timerfd_settime(server.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
send_or_keep(const struct target *to, const uint8_t *packet, size_t len)
{
	struct pending *p;

	if (server.delay_ns == 0) {
		server.answers += deliver(to, packet, len) ? 1 : 0;
		return;
	}
	if (server.pending == PENDING_MAX) {
		server.dropped++;
		return;
	}
	p = tf_xmalloc(sizeof(*p) + len);
	p->due_ns = clock_ns() + server.delay_ns;
	p->target = *to;
	p->len = len;
	memcpy(p->packet, packet, len);
	if (server.tail != NULL)
		server.tail->next = p;
	else
		server.head = p;
	if (server.tail == NULL)
		set_timer(p->due_ns);
	server.tail = p;
	server.pending++;
}

static void
send_due(void)
{
	const int64_t now = clock_ns();

	while (server.head != NULL && server.head->due_ns <= now) {
		struct pending *p = server.head;

		server.answers += deliver(&p->target, p->packet, p->len) ? 1 : 0;
		server.head = p->next;
		if (server.head == NULL)
			server.tail = NULL;
		server.pending--;
		tf_xfree(p);
	}
	if (server.head != NULL)
		set_timer(server.head->due_ns);
}

static void
take_question(const uint8_t *packet, size_t len, const struct target *from)
{
	uint8_t out[PACKET_MAX + OPT_LEN];
	struct question q;
	struct dns_entry *e;
	size_t n;

	if (!read_question(packet, len, &q))
		return;
	if (is_counters(&q)) {
		(void)deliver(from, out, write_counters(&q, out));
		return;
	}
	server.questions++;
	e = dns_table_find(server.table, q.name, q.name_len, q.type);
	if (e == NULL || (server.drop != 0 && (e->hash + e->asked++) % server.drop == 0)) {
		server.dropped++;
		return;
	}
	n = fit(&q, e->packet, e->packet_len, from->is_tcp ? PACKET_MAX : q.room, out);
	send_or_keep(from, out, n);
}

static void
read_udp(void)
{
	uint8_t packet[4096];

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		struct target from = { .is_tcp = false, .len = sizeof(from.address) };
		const ssize_t n = recvfrom(server.udp, packet, sizeof(packet), MSG_DONTWAIT,
		    (struct sockaddr *)&from.address, &from.len);

		if (n < 0)
			return;
		take_question(packet, (size_t)n, &from);
	}
}

static void
watch(int fd, uint64_t source)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .u64 = source } };

	if (epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl: %d", errno);
}

static void
accept_one(void)
{
	const int fd = accept(server.listener, NULL, NULL);

	for (size_t i = 0; fd >= 0 && i < TCP_MAX; i++) {
		struct connection *c = &server.connections[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->len = 0;
		if (c->in == NULL)
			c->in = tf_xmalloc(PACKET_MAX + 2);
		watch(fd, i);
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void
read_tcp(size_t number)
{
	struct connection *c = &server.connections[number];
	const struct target from = {
		.is_tcp = true, .connection = number, .generation = c->generation
	};
	ssize_t n;

	if (c->fd < 0)
		return;
	n = recv(c->fd, c->in + c->len, PACKET_MAX + 2 - c->len, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			close_connection(c);
		return;
	}
	c->len += (size_t)n;
	while (c->fd >= 0 && c->len >= 2 && c->len - 2 >= get16(c->in)) {
		const size_t whole = (size_t)get16(c->in) + 2;

		take_question(c->in + 2, whole - 2, &from);
		memmove(c->in, c->in + whole, c->len - whole);
		c->len -= whole;
	}
}

static void
take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(server.signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo != SIGUSR1) {
		server.stop = true;
		return;
	}
	server.questions = server.answers = server.dropped = 0;
	dns_table_forget_asked(server.table);
}

static void
take_input(void)
{
	char bytes[256];

	if (read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
		server.stop = true;
}

static void
handle(uint64_t source)
{
	uint64_t expirations;

	if (source < TCP_MAX) {
		read_tcp(source);
		return;
	}
	switch ((enum source)source) {
	case FROM_UDP:
		read_udp();
		break;
	case FROM_LISTENER:
		accept_one();
		break;
	case FROM_TIMER:
		(void)!read(server.timer, &expirations, sizeof(expirations));
		send_due();
		break;
	case FROM_SIGNAL:
		take_signal();
		break;
	case FROM_INPUT:
		take_input();
		break;
	}
}

/* Both sockets on one port. */
static bool
try_listen(struct sockaddr_storage *address, socklen_t len)
{
	struct sockaddr *sa = (struct sockaddr *)address;
	const int on = 1, octets = 8 << 20;

	server.listener = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	server.udp = socket(sa->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server.listener < 0 || server.udp < 0)
		die("socket: %d", errno);
	(void)setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
#ifdef SO_RCVBUFFORCE
	(void)setsockopt(server.udp, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets));
#else
	(void)setsockopt(server.udp, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
#endif
	if (bind(server.listener, sa, len) == 0 && getsockname(server.listener, sa, &len) == 0 &&
	    bind(server.udp, sa, len) == 0 && listen(server.listener, 512) == 0)
		return true;
	close(server.listener);
	close(server.udp);
	return false;
}

static bool
parse_address(const char *text, struct sockaddr_storage *address, socklen_t *len_out)
{
	const struct tf_str all = tf_str_from(text);
	const size_t at = tf_str_find(all, '@');
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[64];
	uint32_t port;

	if (at == all.len || !tf_cstr(tf_str_sub(all, 0, at), host, sizeof(host)) ||
	    !tf_str_to_u32(tf_str_sub(all, at + 1, all.len), 65535, &port))
		return false;
	in.sin_port = in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(address, &in, sizeof(in));
		*len_out = sizeof(in);
		return true;
	}
	memcpy(address, &in6, sizeof(in6));
	*len_out = sizeof(in6);
	return inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)address)->sin6_addr) == 1;
}

static void
listen_on(const char *text)
{
	struct sockaddr_storage address;
	struct sockaddr_in6 bound;
	socklen_t len;

	for (unsigned int tries = 0;; tries++) {
		if (!parse_address(text, &address, &len)) {
			fprintf(stderr, "dns_server: --listen %s: not ADDR@PORT\n", text);
			usage(stderr, 2);
		}
		if (try_listen(&address, len))
			break;
		if (tries == 50)
			die("cannot listen on %s", text);
	}
	memcpy(&bound, &address, sizeof(bound));
	printf("listening on %.*s@%u\n",
	    TF_PRI(tf_str_sub(tf_str_from(text), 0, tf_str_find(tf_str_from(text), '@'))),
	    ntohs(bound.sin6_port));
	fflush(stdout);
}

static void
prepare(const char *address)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	server.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	server.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server.epoll < 0 || server.timer < 0 || server.signals < 0)
		die("no epoll, timer or signals");
	for (size_t i = 0; i < TCP_MAX; i++)
		server.connections[i].fd = -1;
	listen_on(address);
	watch(server.udp, FROM_UDP);
	watch(server.listener, FROM_LISTENER);
	watch(server.timer, FROM_TIMER);
	watch(server.signals, FROM_SIGNAL);
	watch(STDIN_FILENO, FROM_INPUT);
}

static void
serve(void)
{
	struct epoll_event events[AT_ONCE];

	while (!server.stop) {
		const int n = epoll_wait(server.epoll, events, AT_ONCE, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait: %d", errno);
		for (int i = 0; i < n; i++)
			handle(events[i].data.u64);
	}
}

static void
end(void)
{
	while (server.head != NULL) {
		struct pending *p = server.head;

		server.head = p->next;
		tf_xfree(p);
	}
	for (size_t i = 0; i < TCP_MAX; i++) {
		if (server.connections[i].fd >= 0)
			close(server.connections[i].fd);
		tf_xfree(server.connections[i].in);
	}
	dns_table_free(server.table);
}

static uint32_t
number(const char *text, uint32_t max)
{
	uint32_t n;

	if (!tf_str_to_u32(tf_str_from(text), max, &n)) {
		fprintf(stderr, "dns_server: \"%s\" is not a number up to %u\n", text, max);
		usage(stderr, 2);
	}
	return n;
}

int
main(int argc, char **argv)
{
	static const struct option table[] = { { "listen", required_argument, NULL, 'l' },
		{ "zone", required_argument, NULL, 'z' }, { "delay", required_argument, NULL, 'd' },
		{ "drop", required_argument, NULL, 'n' }, { "ttl", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const char *address = NULL, *zone = NULL;
	char storage[256];
	struct tf_buf why;
	long ttl_s = -1;
	int key;

	while ((key = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (key == 'l')
			address = optarg;
		else if (key == 'z')
			zone = optarg;
		else if (key == 'd')
			server.delay_ns = (int64_t)number(optarg, 600000) * 1000000;
		else if (key == 'n')
			server.drop = number(optarg, 1000000);
		else if (key == 't')
			ttl_s = (long)number(optarg, 604800);
		else
			usage(key == 'h' ? stdout : stderr, key == 'h' ? 0 : 2);
	}
	if (optind != argc || address == NULL || zone == NULL)
		usage(stderr, 2);
	tf_buf_init(&why, storage, sizeof(storage));
	server.table = dns_table_read(zone, ttl_s, &why);
	if (server.table == NULL)
		die("%s: %s", zone, tf_buf_cstr(&why));
	prepare(address);
	serve();
	end();
	return 0;
}
