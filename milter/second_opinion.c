/*
 * second_opinion.c - libspf2's word on one case, in a process of its own (only user of libspf2)
 *
 * libspf2 ends the process on some records, and Debian's can be made to write where it must not
 * (CVE-2023-42118). So it runs only here: in a child that has given up everything (confine.c) and
 * that asks its parent for every DNS answer. The daemon does not have this file.
 * Does not: mend what libspf2 does. What comes from its own resolver layer is left out: the answers
 * are those that our evaluation had.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <netinet/in.h>
#include <arpa/inet.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_lib_version.h>
#include <spf2/spf_log.h>

#include "milter/confine.h"
#include "milter/opinion_message.h"
#include "milter/second_opinion.h"
#include "truefrom/banned.h"

#define NS_T_SPF 99 /* retired by RFC 7208 section 3.1; libspf2 asks for it first */

/* libspf2's callbacks for messages have no argument of ours. One case, one thread, one process. */
static int parent_fd = -1;

static void
send_message(const struct tf_opinion_message *message)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf packet;

	tf_buf_init_arena(&packet, a, TF_OPINION_PACKET_MAX);
	tf_opinion_write(message, &packet);
	if (packet.overflow || send(parent_fd, packet.ptr, packet.len, MSG_NOSIGNAL) < 0)
		_exit(1);
	tf_arena_free(a);
}

/* Gone when the parent is, or when what it says makes no sense. */
static struct tf_opinion_message
receive_message(struct tf_arena *a, enum tf_opinion_kind kind)
{
	struct tf_opinion_message message;
	char *packet = tf_arena_alloc(a, TF_OPINION_PACKET_MAX);
	const ssize_t len = recv(parent_fd, packet, TF_OPINION_PACKET_MAX, 0);

	if (len <= 0 || !tf_opinion_read((struct tf_str){ packet, (size_t)len }, a, &message) ||
	    message.kind != kind)
		_exit(1);
	return message;
}

static void __attribute__((noreturn)) end_without_result(const char *why)
{
	const struct tf_opinion_message none = {
		.kind = TF_OPINION_NONE,
		.text = tf_str_sub(tf_str_from(why), 0, TF_OPINION_TEXT_MAX),
	};

	send_message(&none);
	_exit(0);
}

/* libspf2 calls it where it would abort. */
static void __attribute__((noreturn)) on_spf_error(const char *file, int line, const char *text)
{
	char why[TF_OPINION_TEXT_MAX];

	(void)file;
	(void)line;
	(void)snprintf(why, sizeof(why), "libspf2 gave up: %s", text);
	end_without_result(why);
}

static void
on_spf_message(const char *file, int line, const char *text)
{
	(void)file;
	(void)line;
	(void)text;
}

static SPF_dns_stat_t
herrno_of(enum tf_dns_status status)
{
	switch (status) {
	case TF_DNS_NOERROR:
		return NETDB_SUCCESS;
	case TF_DNS_NODATA:
		return NO_DATA;
	case TF_DNS_NXDOMAIN:
	case TF_DNS_MALFORMED: /* a name that cannot be asked */
		return HOST_NOT_FOUND;
	case TF_DNS_SERVFAIL:
	case TF_DNS_REFUSED:
	case TF_DNS_TIMEOUT:
	case TF_DNS_BOGUS:
		break;
	}
	return TRY_AGAIN;
}

/* One record as libspf2 has it: an address, or a text that ends at its first NUL. */
static void
add_record(SPF_dns_rr_t *rr, const struct tf_dns_answer *answer, size_t i)
{
	const struct tf_str text = answer->txts != NULL    ? answer->txts[i]
				   : answer->names != NULL ? answer->names[i]
							   : TF_NONE_STR;
	const size_t size = answer->addrs != NULL ? sizeof(rr->rr[0]->aaaa) : text.len + 1;

	if (SPF_dns_rr_buf_realloc(rr, (int)i, size) != SPF_E_SUCCESS)
		end_without_result("libspf2: no memory for an answer");
	if (answer->addrs != NULL) {
		memcpy(rr->rr[i], answer->addrs[i].bytes, size);
	} else {
		memcpy(rr->rr[i]->txt, text.ptr, text.len);
		rr->rr[i]->txt[text.len] = '\0';
	}
	rr->num_rr = (int)i + 1;
}

/* The DNS of libspf2: the parent. */
static SPF_dns_rr_t *
lookup(SPF_dns_server_t *server, const char *domain, ns_type type, int should_cache)
{
	struct tf_opinion_message answer, question = {
		.kind = TF_OPINION_QUESTION,
		.type = (enum tf_dns_type)type,
		.text = tf_str_from(domain),
	};
	SPF_dns_rr_t *rr;
	struct tf_arena *a;

	(void)should_cache;
	if ((int)type == NS_T_SPF)
		return SPF_dns_rr_new_init(server, domain, type, 0, NO_DATA);
	if (question.text.len > TF_OPINION_TEXT_MAX) /* no resolver would ask for it */
		return SPF_dns_rr_new_init(server, domain, type, 0, HOST_NOT_FOUND);
	a = tf_arena_new();
	send_message(&question);
	answer = receive_message(a, TF_OPINION_ANSWER);
	rr = SPF_dns_rr_new_init(server, domain, type, 0, herrno_of(answer.answer.status));
	if (rr == NULL || answer.type != question.type)
		end_without_result("libspf2: no memory for an answer");
	for (size_t i = 0; i < answer.answer.count; i++)
		add_record(rr, &answer.answer, i);
	tf_arena_free(a);
	return rr;
}

static SPF_request_t *
make_request(SPF_server_t *server, const struct tf_opinion_message *c, struct tf_arena *a)
{
	SPF_request_t *request = SPF_request_new(server);
	/* What libspf2 is told ends at the first NUL. */
	const char *helo = tf_arena_cstr(a, tf_str_sub(c->helo, 0, tf_str_find(c->helo, '\0')));
	const char *from =
	    tf_arena_cstr(a, tf_str_sub(c->mail_from, 0, tf_str_find(c->mail_from, '\0')));
	struct in_addr v4;
	struct in6_addr v6;

	if (request == NULL)
		end_without_result("libspf2: no memory for a request");
	memcpy(&v4, c->client.bytes, sizeof(v4));
	memcpy(&v6, c->client.bytes, sizeof(v6));
	if (c->client.family == TF_FAMILY_V4)
		SPF_request_set_ipv4(request, v4);
	else
		SPF_request_set_ipv6(request, v6);
	if (SPF_request_set_helo_dom(request, helo) != SPF_E_SUCCESS ||
	    SPF_request_set_env_from(request, from) != SPF_E_SUCCESS)
		end_without_result("libspf2 refuses the identity");
	return request;
}

/*
 * The result of a check; INVALID is what is left when no record could be evaluated, and the error
 * then says why (as spfquery and Exim take it).
 */
static enum tf_code
code_of(SPF_response_t *response, SPF_errcode_t error)
{
	switch ((int)SPF_response_result(response)) {
	case SPF_RESULT_NEUTRAL:
		return TF_NEUTRAL;
	case SPF_RESULT_PASS:
		return TF_PASS;
	case SPF_RESULT_FAIL:
		return TF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return TF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return TF_NONE;
	case SPF_RESULT_TEMPERROR:
		return TF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
		return TF_PERMERROR;
	default:
		break;
	}
	if (error == SPF_E_DNS_ERROR)
		return TF_TEMPERROR;
	return error == SPF_E_NOT_SPF && SPF_response_errors(response) == 1 ? TF_NONE
									    : TF_PERMERROR;
}

/* The first thing that libspf2 complains of, or how it came to its result. */
static struct tf_str
reason_of(SPF_response_t *response)
{
	for (int i = 0; i < SPF_response_messages(response); i++) {
		SPF_error_t *said = SPF_response_message(response, i);

		if (SPF_error_errorp(said))
			return tf_str_from(SPF_error_message(said));
	}
	if (SPF_response_errcode(response) != SPF_E_SUCCESS)
		return tf_str_from(SPF_strerror(SPF_response_errcode(response)));
	return tf_str_from(SPF_strreason(SPF_response_reason(response)));
}

static void
evaluate(const struct tf_opinion_message *c, struct tf_arena *a)
{
	static SPF_dns_server_t dns = { .lookup = lookup, .name = "truefrom" };
	struct tf_opinion_message result = { .kind = TF_OPINION_RESULT };
	SPF_response_t *response = NULL;
	SPF_server_t *server;
	SPF_errcode_t error;

	SPF_error_handler = on_spf_error;
	SPF_warning_handler = on_spf_message;
	SPF_info_handler = on_spf_message;
	SPF_debug_handler = on_spf_message;
	server = SPF_server_new_dns(&dns, 0);
	if (server == NULL)
		end_without_result("libspf2: no memory for a server");
	if (c->receiver.len != 0)
		SPF_server_set_rec_dom(server, tf_arena_cstr(a, c->receiver));
	error = SPF_request_query_mailfrom(make_request(server, c, a), &response);
	if (response == NULL)
		end_without_result("libspf2: no memory for a response");
	result.code = code_of(response, error);
	result.text = tf_str_sub(reason_of(response), 0, TF_OPINION_TEXT_MAX);
	send_message(&result);
}

void
tf_second_opinion_run(int fd)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_opinion_message c;
	char storage[TF_OPINION_TEXT_MAX];
	struct tf_buf why;

	parent_fd = fd;
	tf_buf_init(&why, storage, sizeof(storage));
	tf_buf_lit(&why, "libspf2 was not run: ");
	if (tf_confine(fd, &why) != 0)
		end_without_result(tf_buf_cstr(&why));
	c = receive_message(a, TF_OPINION_CASE);
	evaluate(&c, a);
	/* Memory goes with the process. */
	_exit(0);
}

#define DIGITS_OF(n) #n
#define DIGITS(n) DIGITS_OF(n)

const char *
tf_second_opinion_version(void)
{
	return "libspf2 " DIGITS(SPF_LIB_VERSION_MAJOR) "." DIGITS(
	    SPF_LIB_VERSION_MINOR) "." DIGITS(SPF_LIB_VERSION_PATCH);
}
