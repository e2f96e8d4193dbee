/*
 * test_dns_context.c - libunbound set up: what a server does and what we make of it
 *
 * A scripted server on 127.0.0.1; no other network.
 */
#include <string.h>
#include <unistd.h>

#include <time.h>

#include "tests/unit/script_server.h"
#include "tests/unit/resolver_fixture.h"

struct fixture {
	struct script_server *server;
	struct tf_str address;
	struct tf_resolver_opts opts;
};

static int
set_up(void **state)
{
	struct fixture *f = tf_xcalloc(1, sizeof(*f));

	f->server = script_server_start();
	f->address = script_server_address(f->server);
	f->opts = (struct tf_resolver_opts){ .servers = &f->address,
		.server_count = 1,
		.timeout_ms = 800,
		.cache = true,
		.cache_bytes = (uint64_t)4 << 20 };
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	script_server_stop(f->server);
	tf_xfree(f);
	return 0;
}

static void
test_replies(void **state)
{
	static const struct {
		const char *what, *name, *want;
	} rows[] = {
		{ "answer", "ok.test", "noerror ok" },
		{ "special-use names are asked as well", "ok.invalid", "noerror ok" },
		{ "and those of home networks", "ok.home.arpa", "noerror ok" },
		{ "and reverse names of documentation nets", "ok.2.0.192.in-addr.arpa",
		    "noerror ok" },
		{ "and onions", "ok.onion", "noerror ok" },
		{ "any byte in a name", "ok-\"\\$@;( \303\244.test", "noerror ok" },
		{ "no such type", "nodata.test", "nodata" },
		{ "no such name", "nxdomain.test", "nxdomain" },
		{ "server fails", "servfail.test", "servfail" },
		{ "server refuses: libunbound says that it failed", "refused.test", "servfail" },
		{ "server cannot", "notimp.test", "servfail" },
		{ "server does not understand", "formerr.test", "servfail" },
		{ "a failure that passes is not seen", "once.test", "noerror ok" },
		{ "silence", "silent.test", "timeout" },
		{ "another message's id is not heard", "wrongid.test", "timeout" },
		{ "truncated, then TCP", "trunc.test", "noerror tcp" },
		{ "8 aliases", "chain-8.test", "noerror ok" },
		{ "9 aliases", "chain-9.test", "malformed" },
		{ "alias loop", "loop.test", "servfail" },
		{ "101 records", "many-101.test", "malformed" },
		{ "an answer to another name", "wrongname.test", "servfail" },
		{ "another class", "wrongclass.test", "servfail" },
		{ "garbage", "garbage.test", "servfail" },
	};
	struct fixture *f = *state;
	struct tf_resolver *r = resolver_or_fail(&f->opts);
	struct tf_dns *dns = begin(r, 100);
	struct tf_arena *a = tf_arena_new();

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_str(rows[i].what, show(dns, a, tf_str_from(rows[i].name), TF_TYPE_TXT),
		    tf_str_from(rows[i].want));
	tf_dns_end(dns);
	tf_arena_free(a);
	tf_resolver_release(r);
}

static enum tf_dns_status
ask_txt(struct tf_resolver *r, const char *name, size_t *count_out)
{
	struct tf_dns *dns = begin(r, 10);
	const struct tf_dns_answer *answer = tf_dns_ask(dns, tf_str_from(name), TF_TYPE_TXT);
	enum tf_dns_status status = answer->status;

	if (count_out != NULL)
		*count_out = answer->count;
	tf_dns_end(dns);
	return status;
}

static void
test_large_replies(void **state)
{
	struct fixture *f = *state;
	struct tf_resolver *r = resolver_or_fail(&f->opts);
	size_t count;

	assert_num("100 records, over TCP", ask_txt(r, "many-100.test", &count), TF_DNS_NOERROR);
	assert_num("100 records", count, 100);
	assert_num("60 KB in one message", ask_txt(r, "big-60.test", &count), TF_DNS_NOERROR);
	assert_num("60 records of 1,020 octets", count, 60);
	assert_num("asked over UDP, then TCP", script_server_count(f->server, "big-60"), 2);
	tf_resolver_release(r);
}

static void
test_cache(void **state)
{
	static const struct {
		const char *what, *name;
		bool cache;
		unsigned int asked;
	} rows[] = {
		{ "records", "ok-1.test", true, 1 },
		{ "no such type", "nodata-1.test", true, 1 },
		{ "no such name", "nxdomain-1.test", true, 1 },
		{ "no cache: records", "ok-2.test", false, 3 },
		{ "no cache: no such type", "nodata-2.test", false, 3 },
		{ "no cache: no such name", "nxdomain-2.test", false, 3 },
		{ "no cache: 5 tries, then a failure is remembered", "servfail-2.test", false, 5 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char label[32];
		struct tf_str name = tf_str_from(rows[i].name);
		struct tf_resolver *r;

		f->opts.cache = rows[i].cache;
		r = resolver_or_fail(&f->opts);
		for (int n = 0; n < 3; n++)
			ask_txt(r, rows[i].name, NULL);
		tf_cstr(tf_str_sub(name, 0, tf_str_find(name, '.')), label, sizeof(label));
		assert_num(rows[i].what, script_server_count(f->server, label), rows[i].asked);
		tf_resolver_release(r);
	}
}

/* What libunbound has in its cache comes with the time that is left of it. big-60 is too large to
 * be at hand, so that it comes from there. */
static void
test_times(void **state)
{
	static const struct {
		const char *what, *name;
		uint32_t most_s;
	} rows[] = {
		{ "of the record", "ok.test", 300 },
		{ "of the SOA (RFC 2308 section 5)", "nxdomain.test", 60 },
		{ "of the SOA", "nodata.test", 60 },
		{ "from the network", "big-60.test", 300 },
	};
	struct fixture *f = *state;
	struct tf_resolver *r = resolver_or_fail(&f->opts);
	struct tf_dns *dns = begin(r, 10);

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		uint32_t ttl_s = tf_dns_ask(dns, tf_str_from(rows[i].name), TF_TYPE_TXT)->ttl_s;

		assert_num(
		    rows[i].what, ttl_s <= rows[i].most_s && ttl_s >= rows[i].most_s - 10, true);
	}
	tf_dns_end(dns);
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 200000000 }, NULL);
	dns = begin(r, 10);
	assert_true(tf_dns_ask(dns, TF_STR("big-60.test"), TF_TYPE_TXT)->ttl_s < 300);
	assert_num("asked once", script_server_count(f->server, "big-60"), 2);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

/* One of two servers is not there at all: the other one answers, and is found soon. */
static void
test_dead_server(void **state)
{
	struct fixture *f = *state;
	struct tf_str servers[2] = { TF_LIT("127.0.0.1@1"), f->address };
	struct tf_resolver *r;

	f->opts.servers = servers;
	f->opts.server_count = 2;
	f->opts.timeout_ms = 4000;
	r = resolver_or_fail(&f->opts);
	for (int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ok-%d.test", i);
		assert_num(name, ask_txt(r, name, NULL), TF_DNS_NOERROR);
	}
	tf_resolver_release(r);
}

/* A zone beside a server: what the file has is not asked, an alias leads out of it. */
static void
test_zone_and_server(void **state)
{
	static const struct {
		const char *what, *name, *want;
	} rows[] = {
		{ "in the zone", "example.test", "noerror mine" },
		{ "below a name of the zone", "ok.example.test", "nxdomain" },
		{ "beside it", "ok.test", "noerror ok" },
		{ "alias out of it", "out.example.test", "noerror ok" },
		{ "above a name of the zone", "ok-1.com", "noerror ok" },
		{ "a deep zone of its own", "_dmarc.ok-1.com", "noerror dmarc" },
		{ "a wildcard's zone", "any.w.test", "noerror wild" },
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r;
	struct tf_dns *dns;

	f->opts.zone_text = TF_STR("example.test TXT mine\n"
				   "out.example.test CNAME ok-5.test\n"
				   "_dmarc.ok-1.com TXT dmarc\n"
				   "*.w.test TXT wild\n");
	r = resolver_or_fail(&f->opts);
	dns = begin(r, 100);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_str(rows[i].what, show(dns, a, tf_str_from(rows[i].name), TF_TYPE_TXT),
		    tf_str_from(rows[i].want));
	assert_num("asked of the server", script_server_total(f->server), 3);
	tf_dns_end(dns);
	tf_arena_free(a);
	tf_resolver_release(r);
}

/* The same without servers: what the file has needs no network. */
static void
test_zone_and_recursion(void **state)
{
	struct tf_resolver_opts opts = { .recursive = true,
		.timeout_ms = 2000,
		.cache_bytes = 1 << 20,
		.zone_text = TF_STR("example.test TXT mine\n"
				    "a.example.test CNAME example.test\n") };
	struct tf_resolver *r = resolver_or_fail(&opts);

	(void)state;
	assert_num("in the zone", ask_txt(r, "example.test", NULL), TF_DNS_NOERROR);
	assert_num("alias in it", ask_txt(r, "a.example.test", NULL), TF_DNS_NOERROR);
	assert_num("below it", ask_txt(r, "b.example.test", NULL), TF_DNS_NXDOMAIN);
	tf_resolver_release(r);
}

/* Where every answer is our own, DNSSEC needs no key. */
static void
test_zone_and_dnssec(void **state)
{
	struct tf_resolver_opts opts = zone_opts("example.test TXT mine\n");
	struct tf_resolver *r;

	(void)state;
	opts.dnssec = true;
	opts.trust_anchor = TF_STR("/nowhere/root.key");
	r = resolver_or_fail(&opts);
	assert_num("in the zone", ask_txt(r, "example.test", NULL), TF_DNS_NOERROR);
	assert_num("outside", ask_txt(r, "example.com", NULL), TF_DNS_NXDOMAIN);
	tf_resolver_release(r);
}

static void
write_file(const char *path, const char *text)
{
	FILE *fp = fopen(path, "w");

	assert_non_null(fp);
	fputs(text, fp);
	fclose(fp);
}

/* The server knows no signatures: nothing that it says is believed. */
static void
test_bogus(void **state)
{
	struct fixture *f = *state;
	char path[64];
	struct tf_resolver *r;

	snprintf(path, sizeof(path), "test_dns_context.%ld.key", (long)getpid());
	write_file(path, ". IN DS 20326 8 2 "
			 "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
	f->opts.dnssec = true;
	f->opts.trust_anchor = tf_str_from(path);
	f->opts.zone_text = TF_STR("mine.example TXT mine\n");
	r = resolver_or_fail(&f->opts);
	unlink(path);
	assert_num("unsigned", ask_txt(r, "ok.example", NULL), TF_DNS_BOGUS);
	assert_num("no such name", ask_txt(r, "nxdomain.example", NULL), TF_DNS_BOGUS);
	assert_num("failure", ask_txt(r, "servfail.example", NULL), TF_DNS_SERVFAIL);
	assert_num("our own zone needs none", ask_txt(r, "mine.example", NULL), TF_DNS_NOERROR);
	tf_resolver_release(r);
}

static void
test_settings(void **state)
{
	static const struct {
		const char *what;
		struct tf_str server;
		bool recursive, dnssec;
		uint32_t timeout_ms;
		const char *want; /* begins so; NULL: accepted */
	} rows[] = {
		{ "IPv4", TF_LIT("192.0.2.1"), false, false, 1, NULL },
		{ "with a port", TF_LIT("192.0.2.1@5353"), false, false, 1, NULL },
		{ "IPv6 with a port", TF_LIT("2001:db8::1@53"), false, false, 1, NULL },
		{ "port 0", TF_LIT("192.0.2.1@0"), false, false, 1, "\"192.0.2.1@0\" is no" },
		{ "port too large", TF_LIT("::1@65536"), false, false, 1, "\"::1@65536\" is no" },
		{ "no port", TF_LIT("::1@"), false, false, 1, "\"::1@\" is no" },
		{ "a name", TF_LIT("dns.example"), false, false, 1, "\"dns.example\" is no" },
		{ "colon for the port", TF_LIT("192.0.2.1:53"), false, false, 1,
		    "\"192.0.2.1:53\" is no" },
		{ "empty", TF_LIT(""), false, false, 1, "\"\" is no" },
		{ "no time", TF_LIT("192.0.2.1"), false, false, 0, "the time-out" },
		{ "recursive with servers", TF_LIT("192.0.2.1"), true, false, 1, "recursive" },
		{ "no trust anchor", TF_LIT("192.0.2.1"), false, true, 1,
		    "DNSSEC needs the key of the root zone, and /nowhere/root.key cannot" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[512];
		struct tf_buf why;
		struct tf_resolver *r;

		tf_buf_init(&why, storage, sizeof(storage));
		r = tf_resolver_new(&(struct tf_resolver_opts){ .servers = &rows[i].server,
					.server_count = 1,
					.recursive = rows[i].recursive,
					.dnssec = rows[i].dnssec,
					.trust_anchor = TF_STR("/nowhere/root.key"),
					.timeout_ms = rows[i].timeout_ms,
					.cache_bytes = 1 << 20 },
		    &why);
		assert_num(rows[i].what, r != NULL, rows[i].want == NULL);
		if (rows[i].want != NULL &&
		    !tf_str_starts_nocase(tf_buf_get(&why), tf_str_from(rows[i].want)))
			fail_msg("%s: \"%s\"", rows[i].what, tf_buf_cstr(&why));
		tf_resolver_release(r);
	}
}

static void
test_versions(void **state)
{
	struct tf_str versions = tf_str_from(tf_resolver_versions());

	(void)state;
	assert_true(tf_str_starts_nocase(versions, TF_STR("libunbound 1.")));
	assert_true(tf_str_find(versions, 'l') < versions.len);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_replies),
		ROW(test_large_replies),
		ROW(test_cache),
		ROW(test_times),
		ROW(test_dead_server),
		ROW(test_zone_and_server),
		cmocka_unit_test(test_zone_and_recursion),
		cmocka_unit_test(test_zone_and_dnssec),
		ROW(test_bogus),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
