/*
 * dns_server.c - a DNS server on loopback for unit tests: one thread, one UDP socket
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/dns_server.h"
#include "tests/unit/test.h"

#define HEADER 12

struct dns_server {
	int fd;
	pthread_t thread;
	const struct dns_row *rows;
	size_t count;
	char address[32];
};

/* The name of the question in lower case; 0 when there is none, else where the question ends. */
static size_t
read_question(const unsigned char *packet, size_t len, char *name, size_t room)
{
	size_t at = HEADER, n = 0;

	while (at < len && packet[at] != 0) {
		size_t label = packet[at++];

		if (label > 63 || at + label >= len || n + label + 2 > room)
			return 0;
		for (size_t i = 0; i < label; i++)
			name[n++] = tf_lower((char)packet[at++]);
		name[n++] = '.';
	}
	name[n != 0 ? n - 1 : 0] = '\0';
	return at + 5 <= len ? at + 5 : 0;
}

/* The row of the name; one without a record when something lies below it; NULL: NXDOMAIN. */
static const struct dns_row *
find_row(const struct dns_server *s, const char *name)
{
	static const struct dns_row empty = { "", DNS_TXT, NULL };
	size_t len = strlen(name);
	const struct dns_row *found = NULL;

	for (size_t i = 0; i < s->count; i++) {
		size_t row_len = strlen(s->rows[i].name);

		if (strcmp(s->rows[i].name, name) == 0)
			return &s->rows[i];
		if (row_len > len && s->rows[i].name[row_len - len - 1] == '.' &&
		    strcmp(s->rows[i].name + row_len - len, name) == 0)
			found = &empty;
	}
	return found;
}

static size_t
put_txt(unsigned char *packet, size_t at, const char *txt)
{
	static const unsigned char fixed[] = { 0xc0, HEADER, 0, 16, 0, 1, 0, 0, 0, 60, 0 };
	size_t len = strlen(txt);

	memcpy(packet + at, fixed, sizeof(fixed));
	at += sizeof(fixed);
	packet[at++] = (unsigned char)(len + 1);
	packet[at++] = (unsigned char)len;
	memcpy(packet + at, txt, len);
	packet[7] = 1;
	return at + len;
}

/* Turns the question in packet into its answer; 0: no answer. */
static size_t
answer(const struct dns_server *s, unsigned char *packet, size_t len)
{
	static const unsigned char rcode[] = { [DNS_TXT] = 0,
		[DNS_SERVFAIL] = 2,
		[DNS_REFUSED] = 5,
		[DNS_SILENT] = 0,
		[DNS_RUBBISH] = 0 };
	const struct dns_row *row;
	char name[256];
	size_t end = read_question(packet, len, name, sizeof(name));
	bool is_txt;

	if (end == 0)
		return 0;
	row = find_row(s, name);
	is_txt = packet[end - 3] == 16;
	if (row != NULL && row->reply == DNS_SILENT)
		return 0;
	packet[2] = 0x81;
	packet[3] = (unsigned char)(0x80 | (row != NULL ? rcode[row->reply] : 3));
	memset(packet + 6, 0, 6);
	if (row != NULL && row->reply == DNS_RUBBISH) {
		packet[7] = 200;
		return end;
	}
	if (row != NULL && row->txt != NULL && is_txt)
		return put_txt(packet, end, row->txt);
	return end;
}

static void *
serve(void *arg)
{
	struct dns_server *s = arg;

	for (;;) {
		unsigned char packet[2048];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t got = recvfrom(s->fd, packet, 1024, 0, (struct sockaddr *)&from, &from_len);
		size_t len;

		if (got <= HEADER)
			return NULL; /* dns_server_stop sends such a one */
		len = answer(s, packet, (size_t)got);
		if (len != 0)
			sendto(s->fd, packet, len, 0, (struct sockaddr *)&from, from_len);
	}
}

static struct sockaddr_in
own_address(const struct dns_server *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	if (getsockname(s->fd, (struct sockaddr *)&sin, &len) != 0)
		fail_msg("getsockname");
	return sin;
}

struct dns_server *
dns_server_start(const struct dns_row *rows, size_t count)
{
	struct dns_server *s = tf_xmalloc(sizeof(*s));
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	s->rows = rows;
	s->count = count;
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    pthread_create(&s->thread, NULL, serve, s) != 0)
		fail_msg("no DNS server on loopback");
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u", ntohs(own_address(s).sin_port));
	return s;
}

void
dns_server_stop(struct dns_server *s)
{
	struct sockaddr_in sin = own_address(s);

	sendto(s->fd, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin));
	pthread_join(s->thread, NULL);
	close(s->fd);
	tf_xfree(s);
}

struct tf_str
dns_server_address(const struct dns_server *s)
{
	return tf_str_from(s->address);
}
