/*
 * round_server.c - a DNS server on loopback that answers in rounds
 *
 * One thread reads questions and prepares their answers with ldns. A question that comes in again,
 * since the resolver would not wait, is the same one.
 */
#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/round_server.h"
#include "tests/unit/test.h"

#define SLOTS 200
#define REPLY_MAX 1232

struct slot {
	ldns_rr *question;
	struct sockaddr_in to;
	uint8_t reply[REPLY_MAX];
	size_t len;
	bool released;
};

struct round_server {
	int fd;
	pthread_t thread;
	char address[32];
	ldns_rr_list *zone;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* one more question */
	size_t count;
	struct slot slots[SLOTS];
};

static void
send_reply(struct round_server *s, const struct slot *slot)
{
	sendto(
	    s->fd, slot->reply, slot->len, 0, (const struct sockaddr *)&slot->to, sizeof(slot->to));
}

/* Turns the question into its reply. */
static void
answer(const struct round_server *s, ldns_pkt *pkt, const ldns_rr *question)
{
	bool exists = false;

	for (size_t i = 0; i < ldns_rr_list_rr_count(s->zone); i++) {
		ldns_rr *rr = ldns_rr_list_rr(s->zone, i);

		if (ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(question)) != 0)
			continue;
		exists = true;
		if (ldns_rr_get_type(rr) == ldns_rr_get_type(question))
			ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER, ldns_rr_clone(rr));
	}
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_ra(pkt, true);
	ldns_pkt_set_rcode(pkt, exists ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN);
}

/* The slot of the question: that of its like, or a new one. Under the lock. */
static struct slot *
slot_of(struct round_server *s, const ldns_rr *question)
{
	for (size_t i = 0; i < s->count; i++) {
		if (ldns_rr_compare(s->slots[i].question, question) == 0)
			return &s->slots[i];
	}
	if (s->count == SLOTS)
		tf_panic("test server: too many questions");
	s->slots[s->count].question = ldns_rr_clone(question);
	return &s->slots[s->count++];
}

static void
take_question(struct round_server *s, ldns_pkt *pkt, const struct sockaddr_in *from)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
	struct slot *slot;
	uint8_t *wire;

	answer(s, pkt, question);
	pthread_mutex_lock(&s->lock);
	slot = slot_of(s, question);
	slot->to = *from;
	if (ldns_pkt2wire(&wire, pkt, &slot->len) != LDNS_STATUS_OK || slot->len > REPLY_MAX)
		tf_panic("test server: no reply can be made");
	memcpy(slot->reply, wire, slot->len);
	LDNS_FREE(wire);
	if (slot->released)
		send_reply(s, slot);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void *
serve(void *arg)
{
	struct round_server *s = arg;

	for (;;) {
		uint8_t bytes[1024];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t got =
		    recvfrom(s->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
		ldns_pkt *pkt;

		if (got <= 1)
			return NULL; /* round_server_stop sends such a one */
		if (ldns_wire2pkt(&pkt, bytes, (size_t)got) != LDNS_STATUS_OK)
			continue;
		if (ldns_rr_list_rr_count(ldns_pkt_question(pkt)) == 1)
			take_question(s, pkt, &from);
		ldns_pkt_free(pkt);
	}
}

static struct sockaddr_in
own_address(const struct round_server *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	if (getsockname(s->fd, (struct sockaddr *)&sin, &len) != 0)
		fail_msg("getsockname");
	return sin;
}

static ldns_rr_list *
read_zone(struct tf_str text)
{
	ldns_rr_list *zone = ldns_rr_list_new();
	char line[600];
	ldns_rr *rr;

	while (text.len != 0) {
		struct tf_str one = tf_str_sub(text, 0, tf_str_find(text, '\n'));

		text = tf_str_sub(text, one.len + 1, text.len);
		if (!tf_cstr(one, line, sizeof(line)) ||
		    ldns_rr_new_frm_str(&rr, line, 300, NULL, NULL) != LDNS_STATUS_OK)
			fail_msg("no record: %.*s", TF_PRI(one));
		ldns_rr_list_push_rr(zone, rr);
	}
	return zone;
}

struct round_server *
round_server_start(const char *zone)
{
	struct round_server *s = tf_xcalloc(1, sizeof(*s));
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	s->zone = read_zone(tf_str_from(zone));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    pthread_create(&s->thread, NULL, serve, s) != 0)
		fail_msg("no DNS server on loopback");
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u", ntohs(own_address(s).sin_port));
	return s;
}

void
round_server_stop(struct round_server *s)
{
	struct sockaddr_in sin = own_address(s);

	sendto(s->fd, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin));
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (size_t i = 0; i < s->count; i++)
		ldns_rr_free(s->slots[i].question);
	ldns_rr_list_deep_free(s->zone);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	tf_xfree(s);
}

struct tf_str
round_server_address(const struct round_server *s)
{
	return tf_str_from(s->address);
}

void
round_server_wait(struct round_server *s, size_t questions)
{
	pthread_mutex_lock(&s->lock);
	while (s->count < questions)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void
round_server_release(struct round_server *s)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count; i++) {
		if (!s->slots[i].released)
			send_reply(s, &s->slots[i]);
		s->slots[i].released = true;
	}
	pthread_mutex_unlock(&s->lock);
}
