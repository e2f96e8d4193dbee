/*
 * spf_rate.c - evaluations of SPF per second: our check_host, or libspf2's, on records in memory
 *
 * make -C build tests/bench/spf_rate; tests/bench/spf_rate.py runs it and shows what it says.
 *
 * usage: spf_rate zone|ADDR@PORT|memory|resolver RECORDS IP SENDER COUNT
 *
 * zone     ours, with the records in the resolver's own zone
 * ADDR     ours, with answers of that server, which the resolver keeps from the first round on
 * memory   libspf2, with the records in its zone layer: a search through a short list
 * resolver libspf2, as mail servers use it: it asks the server of /etc/resolv.conf
 * RECORDS  a file of lines "NAME TYPE DATA"
 *
 * Every evaluation is a new request, as for a new message: ours from tf_dns_begin to tf_dns_end
 * through tf_spf_start and tf_spf_eval, with the thread of the resolver and the switches to it.
 * Prints the result and the microseconds of CPU, of all threads, and of the clock for one.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>
#include <arpa/inet.h>
#include <spf2/spf.h>
#include <spf2/spf_dns_zone.h>

#include "policy/spf.h"
#include "truefrom/resolver.h"
#include "tests/unit/test.h"

#define HELO "mail.example.com"
#define FILE_MAX ((size_t)1 << 20)
#define WARM_UP 20

struct bench {
	struct tf_arena *arena;
	struct tf_str records; /* the file */
	struct tf_addr client;
	const char *ip, *sender;
	struct tf_resolver *resolver;
	SPF_server_t *server;
};

struct line {
	struct tf_str name, type, data;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "spf_rate: %s\n", what);
	exit(3);
}

static struct tf_str
read_file(struct tf_arena *a, const char *path)
{
	FILE *file = fopen(path, "re");
	struct tf_buf text;
	int c;

	if (file == NULL)
		die(path);
	tf_buf_init_arena(&text, a, FILE_MAX);
	for (c = getc(file); c != EOF; c = getc(file))
		tf_buf_byte(&text, (char)c);
	fclose(file);
	return tf_buf_get(&text);
}

static struct tf_str
cut(struct tf_str *rest, char at)
{
	const size_t end = tf_str_find(*rest, at);
	const struct tf_str head = tf_str_sub(*rest, 0, end);

	*rest = tf_str_sub(*rest, end + 1, rest->len);
	return head;
}

static bool
next_line(struct tf_str *rest, struct line *out)
{
	struct tf_str line = cut(rest, '\n');

	out->name = cut(&line, ' ');
	out->type = cut(&line, ' ');
	out->data = line;
	return out->data.len != 0;
}

/* Master-file form: names are absolute, TXT in strings of 250 octets. */
static struct tf_str
zone_text(struct bench *b)
{
	struct tf_str rest = b->records;
	struct tf_buf out;
	struct line l;

	tf_buf_init_arena(&out, b->arena, FILE_MAX);
	while (next_line(&rest, &l)) {
		tf_buf_printf(&out, "%.*s. 3600 IN %.*s", TF_PRI(l.name), TF_PRI(l.type));
		if (!tf_str_eq(l.type, TF_STR("TXT"))) {
			tf_buf_printf(&out, " %.*s\n", TF_PRI(l.data));
			continue;
		}
		for (; l.data.len != 0; l.data = tf_str_sub(l.data, 250, l.data.len))
			tf_buf_printf(&out, " \"%.*s\"", TF_PRI(tf_str_sub(l.data, 0, 250)));
		tf_buf_byte(&out, '\n');
	}
	return tf_buf_get(&out);
}

static void
start_ours(struct bench *b, const char *who)
{
	const struct tf_str server = tf_str_from(who);
	struct tf_resolver_opts opts = {
		.timeout_ms = 5000, .cache = true, .cache_bytes = (uint64_t)8 << 20
	};
	char storage[512];
	struct tf_buf why;

	if (tf_str_eq(server, TF_STR("zone"))) {
		opts.zone_text = zone_text(b);
		opts.zone_only = true;
	} else {
		opts.servers = &server;
		opts.server_count = 1;
	}
	tf_buf_init(&why, storage, sizeof(storage));
	b->resolver = tf_resolver_new(&opts, &why);
	if (b->resolver == NULL)
		die(tf_buf_cstr(&why));
}

static const char *
evaluate_ours(struct bench *b)
{
	static const struct tf_spf_opts opts = { .max_dns_terms = 10, .max_void_lookups = 2 };
	static const struct tf_dns_opts dns_opts = { .max_questions = 150 };
	const struct tf_identity id = { .client = b->client,
		.helo = TF_STR(HELO),
		.mail_from = tf_str_from(b->sender),
		.now = 1700000000 };
	struct tf_dns *dns = tf_dns_begin(b->resolver, &dns_opts);
	struct tf_arena *a = tf_arena_new();
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_spf spf;

	tf_spf_eval(tf_spf_start(a, dns, &opts, &id, TF_SPF_MAILFROM), &notes, &spf);
	tf_dns_end(dns);
	tf_arena_free(a);
	return tf_code_name(spf.code);
}

static void
start_libspf2_memory(struct bench *b)
{
	SPF_dns_server_t *zone = SPF_dns_zone_new(NULL, NULL, 0);
	struct tf_str rest = b->records;
	struct line l;

	while (next_line(&rest, &l)) {
		const ns_type type = tf_str_eq(l.type, TF_STR("TXT"))    ? ns_t_txt
				     : tf_str_eq(l.type, TF_STR("MX"))   ? ns_t_mx
				     : tf_str_eq(l.type, TF_STR("AAAA")) ? ns_t_aaaa
									 : ns_t_a;
		const char *name = tf_arena_cstr(b->arena, l.name);

		if (type == ns_t_txt) /* or it takes the name not to exist for type 99 */
			SPF_dns_zone_add_str(zone, name, (ns_type)99, NO_DATA, NULL);
		if (SPF_dns_zone_add_str(zone, name, type, NETDB_SUCCESS,
			tf_arena_cstr(b->arena, l.data)) != SPF_E_SUCCESS)
			die("libspf2 refuses a record");
	}
	b->server = SPF_server_new_dns(zone, 0);
}

static void
start_libspf2_resolver(struct bench *b)
{
	b->server = SPF_server_new(SPF_DNS_RESOLV, 0);
}

static const char *
evaluate_libspf2(struct bench *b)
{
	SPF_request_t *request = SPF_request_new(b->server);
	SPF_response_t *response = NULL;
	const char *result;

	SPF_request_set_ipv4_str(request, b->ip);
	SPF_request_set_helo_dom(request, HELO);
	SPF_request_set_env_from(request, b->sender);
	(void)SPF_request_query_mailfrom(request, &response);
	result = SPF_strresult(SPF_response_result(response));
	SPF_response_free(response);
	SPF_request_free(request);
	return result;
}

static double
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
	struct bench b = { .arena = tf_arena_new() };
	const char *(*evaluate)(struct bench *) = evaluate_ours;
	double cpu = 0, wall = 0;
	const char *result = "";
	uint32_t count;

	if (argc != 6 || !tf_addr_parse(tf_str_from(argv[3]), &b.client) ||
	    !tf_str_to_u32(tf_str_from(argv[5]), UINT32_MAX, &count) || count == 0)
		die("usage: spf_rate zone|ADDR@PORT|memory|resolver RECORDS IP SENDER COUNT");
	b.records = read_file(b.arena, argv[2]);
	b.ip = argv[3];
	b.sender = argv[4];
	if (tf_str_eq(tf_str_from(argv[1]), TF_STR("memory")))
		start_libspf2_memory(&b);
	else if (tf_str_eq(tf_str_from(argv[1]), TF_STR("resolver")))
		start_libspf2_resolver(&b);
	else
		start_ours(&b, argv[1]);
	if (b.server != NULL)
		evaluate = evaluate_libspf2;
	for (uint32_t i = 0; i < count + WARM_UP; i++) {
		if (i == WARM_UP) {
			cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
			wall = now_us(CLOCK_MONOTONIC);
		}
		result = evaluate(&b);
	}
	cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = now_us(CLOCK_MONOTONIC) - wall;
	printf("%s %.3f %.3f\n", result, cpu / count, wall / count);
	tf_resolver_release(b.resolver);
	if (b.server != NULL)
		SPF_server_free(b.server);
	tf_arena_free(b.arena);
	return 0;
}
