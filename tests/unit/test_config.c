/*
 * test_config.c - a file becomes a configuration: defaults, values, text again, life of a snapshot
 */
#include <pthread.h>
#include <string.h>

#include "milter/config_date.h"
#include "milter/config_print.h"
#include "milter/config_value.h"
#include "tests/unit/config_fixture.h"

/* A file that has to be right, and makes no warning. */
static struct tf_config *
load_good(const char *text)
{
	struct tf_config *c = load(tf_str_from(text));

	assert_str(text, tf_buf_get(&why), TF_STR(""));
	assert_str(text, tf_buf_get(&warn), TF_STR(""));
	assert_non_null(c);
	return c;
}

/* The defaults are those of the contract, whatever the table says. */
static void
test_defaults(void **state)
{
	bool unreadable;
	struct tf_config *c = load_path(NULL, &unreadable);
	struct tf_addr loopback;

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->file.len, 0);
	assert_str("socket", c->socket, TF_STR("inet:8893@127.0.0.1"));
	assert_int_equal(c->socket_mode, 0660);
	assert_int_equal(c->socket_group.len, 0);
	assert_str("user", c->user, TF_STR("truefrom"));
	assert_int_equal(c->pid_file.len, 0);
	assert_int_equal(c->authserv_id.len, 0);
	assert_false(c->verdict.monitor);
	assert_int_equal(c->trusted_network_count, 2);
	assert_true(tf_addr_parse(TF_STR("127.1.2.3"), &loopback));
	assert_true(tf_net_list_has(c->trusted_networks, 2, &loopback));
	assert_true(tf_addr_parse(TF_STR("::1"), &loopback));
	assert_true(tf_net_list_has(c->trusted_networks, 2, &loopback));
	assert_true(c->trust_authenticated);
	assert_int_equal(c->remove_authserv_id_count, 0);
	assert_int_equal(c->trusted_relay_count, 0);
	assert_int_equal(c->inbound_relay_count, 0);
	assert_int_equal(c->verdict.exempt_recipient_count, 2);
	assert_str("exempt", c->verdict.exempt_recipients[0], TF_STR("postmaster@*"));
	assert_str("exempt", c->verdict.exempt_recipients[1], TF_STR("abuse@*"));
	assert_int_equal(c->check.deadline_ms, 20000);
	assert_true(c->on_error_tempfail);
	assert_int_equal(c->watchdog_s, 60);
	assert_int_equal(c->log.facility, TF_FACILITY_MAIL);
	assert_int_equal(c->log.level, TF_LOG_INFO);
	assert_false(c->log.json);

	assert_int_equal(c->dns.server_count, 0);
	assert_false(c->dns.recursive);
	assert_int_equal(c->dns.timeout_ms, 5000);
	assert_int_equal(c->check.dns.max_questions, 150);
	assert_int_equal(c->dns.zone_file.len, 0);
	assert_true(c->dns.cache);
	assert_int_equal(c->dns.cache_bytes, 32 * 1024 * 1024);
	assert_false(c->dns.dnssec);
	assert_true(c->dns.prefetch);

	assert_int_equal(c->verdict.on_spf_fail, TF_ON_ACCEPT);
	assert_int_equal(c->verdict.on_helo_fail, TF_ON_ACCEPT);
	assert_int_equal(c->check.spf.max_dns_terms, 10);
	assert_int_equal(c->check.spf.max_void_lookups, 2);
	assert_false(c->check.spf.fetch_explanation);
	assert_false(c->received_spf);

	assert_int_equal(c->check.dkim.max_signatures, 10);
	assert_int_equal(c->check.dkim.min_rsa_bits, 1024);
	assert_int_equal(c->check.dkim.clock_skew_s, 300);
	assert_false(c->check.dkim.accept_partial_body);
	assert_false(c->check.dkim.own_verifier);

	assert_true(c->check.arc.verify);
	assert_int_equal(c->verdict.trusted_sealer_count, 0);
	assert_int_equal(c->trusted_sealers_file.len, 0);

	assert_true(c->check.dmarc.enabled);
	assert_true(c->verdict.dmarc_enabled);
	assert_int_equal(c->verdict.on_reject, TF_ON_REJECT);
	assert_int_equal(c->verdict.on_quarantine, TF_ON_HEADER);
	assert_int_equal(c->verdict.on_temperror, TF_ON_ACCEPT);
	assert_int_equal(c->verdict.on_invalid_from, TF_ON_REJECT);
	assert_int_equal(c->check.dmarc.max_author_domains, 10);
	assert_str(
	    "reply", c->verdict.reply, TF_STR("5.7.1 rejected by DMARC policy for %{domain}"));
	assert_int_equal(c->verdict.override_count, 0);

	assert_int_equal(c->connections, 2000);
	assert_int_equal(c->idle_timeout_s, 3600);
	assert_int_equal(c->check.max_headers, 2000);
	assert_int_equal(c->check.max_header_bytes, 1024 * 1024);
	assert_int_equal(c->check.max_memory, 16 * 1024 * 1024);
	assert_false(c->report_enabled);
	assert_int_equal(c->metrics_listen.len, 0);
	tf_config_release(c);
}

static void
test_values(void **state)
{
	struct tf_config *c = load_good(
	    "socket = \"unix:/run/t.sock\" socket_mode = 660 socket_group = postfix user = \"\"\n"
	    "pid_file = \"/run/t.pid\" authserv_id = mx.example.org mode = enforce\n"
	    "trusted_networks = {} trust_authenticated = off\n"
	    "remove_authserv_ids = { \"old.example/1\", 'b\xc3\xbc.example', }\n"
	    "trusted_relays = {\"192.0.2.1\", \"::ffff:192.0.2.2\"} inbound_relays = {\"::1\"}\n"
	    "exempt_recipients = {\"help@EXAMPLE.org.\"} message_deadline = 240\n"
	    "on_error = accept watchdog = 0 syslog_facility = local7 log_format = json log_level = "
	    "debug\n"
	    "dns { servers = {\"127.0.0.1@5353\", \"2001:db8::1\"} timeout = 60 max_questions = "
	    "10\n"
	    "  zone = \"zone file\" cache = no cache_size = 65536 dnssec = on prefetch = no }\n"
	    "spf { on_fail = reject on_helo_fail = reject max_void_lookups = 0 }\n"
	    "dkim { min_rsa_bits = 2048 partial_body = accept verifier = own }\n"
	    "dmarc { enabled = yes on_reject = quarantine on_quarantine = hold\n"
	    "  on_temperror = tempfail on_invalid_from = accept reply = '5.7.1 no %{policy}' }\n"
	    "limits { header_bytes = 4K message_memory = 1G }\n");

	(void)state;
	assert_str("file", c->file, TF_STR("t.conf"));
	assert_str("socket", c->socket, TF_STR("unix:/run/t.sock"));
	assert_int_equal(c->socket_mode, 0660);
	assert_str("group", c->socket_group, TF_STR("postfix"));
	assert_int_equal(c->user.len, 0);
	assert_str("pid_file", c->pid_file, TF_STR("/run/t.pid"));
	assert_str("authserv_id", c->authserv_id, TF_STR("mx.example.org"));
	assert_int_equal(c->trusted_network_count, 0);
	assert_false(c->trust_authenticated);
	assert_int_equal(c->remove_authserv_id_count, 2);
	assert_str("id", c->remove_authserv_ids[0], TF_STR("old.example/1"));
	assert_int_equal(c->trusted_relay_count, 2);
	assert_int_equal(c->trusted_relays[0].bits, 32);
	assert_int_equal(c->trusted_relays[1].addr.family, TF_FAMILY_V4);
	assert_int_equal(c->inbound_relays[0].bits, 128);
	assert_str("recipient", c->verdict.exempt_recipients[0], TF_STR("help@example.org"));
	assert_int_equal(c->check.deadline_ms, 240000);
	assert_false(c->on_error_tempfail);
	assert_int_equal(c->watchdog_s, 0);
	assert_int_equal(c->log.facility, TF_FACILITY_LOCAL7);
	assert_true(c->log.json);
	assert_int_equal(c->log.level, TF_LOG_DEBUG);
	assert_int_equal(c->dns.server_count, 2);
	assert_str("server", c->dns.servers[0], TF_STR("127.0.0.1@5353"));
	assert_str("server", c->dns.servers[1], TF_STR("2001:db8::1"));
	assert_str("zone", c->dns.zone_file, TF_STR("zone file"));
	assert_false(c->dns.cache);
	assert_int_equal(c->dns.cache_bytes, 65536);
	assert_true(c->dns.dnssec);
	assert_int_equal(c->verdict.on_spf_fail, TF_ON_REJECT);
	assert_int_equal(c->verdict.on_helo_fail, TF_ON_REJECT);
	assert_int_equal(c->check.spf.max_void_lookups, 0);
	assert_true(c->check.dkim.accept_partial_body);
	assert_true(c->check.dkim.own_verifier);
	assert_int_equal(c->verdict.on_reject, TF_ON_QUARANTINE);
	assert_int_equal(c->verdict.on_quarantine, TF_ON_HOLD);
	assert_int_equal(c->verdict.on_temperror, TF_ON_TEMPFAIL);
	assert_int_equal(c->verdict.on_invalid_from, TF_ON_ACCEPT);
	assert_str("reply", c->verdict.reply, TF_STR("5.7.1 no %{policy}"));
	assert_int_equal(c->check.max_header_bytes, 4096);
	assert_int_equal(c->check.max_memory, 1024 * 1024 * 1024);
	tf_config_release(c);
}

static void
test_monitor(void **state)
{
	struct tf_config *c =
	    load_good("mode = monitor on_error = tempfail dmarc { enabled = no }");

	(void)state;
	assert_true(c->verdict.monitor);
	assert_false(c->on_error_tempfail);
	assert_false(c->verdict.dmarc_enabled);
	tf_config_release(c);
}

static void
test_domains(void **state)
{
	struct tf_config *c =
	    load_good("domain \"EXAMPLE.com.\" { policy = reject }\n"
		      "domain \"*.example.com\" { policy = published }\n"
		      "domain \"b\xc3\xbc"
		      "cher.example\" {\n policy = none until = \"2999-12-31\"\n"
		      " comment = \"two\nlines\"\n"
		      " when_spf_pass = {\"Lists.example\", \"*.lists.example\"}\n"
		      " when_dkim_pass = {\"l.example\"}\n"
		      " when_networks = {\"192.0.2.0/24\"} }\n");
	const struct tf_override *o = c->verdict.overrides;

	(void)state;
	assert_int_equal(c->verdict.override_count, 3);
	assert_str("name", o[0].domain, TF_STR("example.com"));
	assert_false(o[0].subdomains);
	assert_false(o[0].published);
	assert_int_equal(o[0].policy, TF_POLICY_REJECT);
	assert_int_equal(o[0].until, 0);
	assert_str("wildcard", o[1].domain, TF_STR("example.com"));
	assert_true(o[1].subdomains);
	assert_true(o[1].published);
	assert_str("A-labels", o[2].domain, TF_STR("xn--bcher-kva.example"));
	assert_int_equal(o[2].policy, TF_POLICY_NONE);
	assert_true(o[2].until == INT64_C(32503679999));
	assert_str("comment", o[2].comment, TF_STR("two\nlines"));
	assert_int_equal(o[2].when.spf_count, 2);
	assert_str("spf", o[2].when.spf_pass[0], TF_STR("lists.example"));
	assert_str("spf", o[2].when.spf_pass[1], TF_STR("*.lists.example"));
	assert_int_equal(o[2].when.dkim_count, 1);
	assert_int_equal(o[2].when.network_count, 1);
	assert_int_equal(o[2].when.networks[0].bits, 24);
	tf_config_release(c);
}

static void
test_forwarders(void **state)
{
	struct tf_config *c = load_good("forwarder lists { when_spf_pass = {\"Lists.example\"} }\n"
					"forwarder \"Alumni-1.x_y\" {\n"
					" networks = {\"192.0.2.0/24\", \"::1\"}\n"
					" policy = quarantine until = \"2999-12-31\"\n"
					" comment = \"old\"\n"
					" when_dkim_pass = {\"*.l.example\", \"l.example\"} }\n");
	const struct tf_forwarder *f = c->verdict.forwarders;

	(void)state;
	assert_int_equal(c->verdict.override_count, 0);
	assert_int_equal(c->verdict.forwarder_count, 2);
	assert_str("name", f[0].name, TF_STR("lists"));
	assert_int_equal(f[0].policy, TF_POLICY_NONE);
	assert_int_equal(f[0].until, 0);
	assert_int_equal(f[0].when.spf_count, 1);
	assert_str("spf", f[0].when.spf_pass[0], TF_STR("lists.example"));
	assert_int_equal(f[0].when.dkim_count, 0);
	assert_int_equal(f[0].when.network_count, 0);
	assert_str("name", f[1].name, TF_STR("Alumni-1.x_y"));
	assert_int_equal(f[1].policy, TF_POLICY_QUARANTINE);
	assert_true(f[1].until == INT64_C(32503679999));
	assert_str("comment", f[1].comment, TF_STR("old"));
	assert_int_equal(f[1].when.dkim_count, 2);
	assert_int_equal(f[1].when.network_count, 2);
	assert_int_equal(f[1].when.networks[0].bits, 24);
	tf_config_release(c);
}

static void
test_dates(void **state)
{
	static const struct row {
		struct tf_str text;
		bool ok;
		int64_t last_second;
	} rows[] = {
		{ TF_LIT("1970-01-01"), true, 86399 },
		{ TF_LIT("2000-02-29"), true, INT64_C(951868799) },
		{ TF_LIT("2027-01-31"), true, INT64_C(1801439999) },
		{ TF_LIT("9999-12-31"), true, INT64_C(253402300799) },
		{ TF_LIT("1969-12-31"), false, 0 },
		{ TF_LIT("1900-02-29"), false, 0 },
		{ TF_LIT("2100-02-29"), false, 0 },
		{ TF_LIT("2027-04-31"), false, 0 },
		{ TF_LIT("2027-13-01"), false, 0 },
		{ TF_LIT("2027-00-01"), false, 0 },
		{ TF_LIT("2027-01-00"), false, 0 },
		{ TF_LIT("2027-1-01"), false, 0 },
		{ TF_LIT("27-01-01"), false, 0 },
		{ TF_LIT("2027/01/01"), false, 0 },
		{ TF_LIT("+027-01-01"), false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[16];
		struct tf_buf b;
		int64_t got = 0;

		assert_num(rows[i].text.ptr, tf_date_parse(rows[i].text, &got), rows[i].ok);
		assert_num(rows[i].text.ptr, got, rows[i].last_second);
		tf_buf_init(&b, storage, sizeof(storage));
		tf_date_write(got, &b);
		if (rows[i].ok)
			assert_str("written back", tf_buf_get(&b), rows[i].text);
	}
}

static void
test_diff(void **state)
{
	static const char want[] = "mode = \"monitor\"\n"
				   "trusted_networks = {}\n"
				   "\n"
				   "dns {\n"
				   "\tservers = {\"::1@53\"}\n"
				   "\tcache_size = \"2M\"\n"
				   "}\n"
				   "\n"
				   "domain \"a.example\" {\n"
				   "\tpolicy = \"published\"\n"
				   "}\n"
				   "\n"
				   "domain \"*.x.example\" {\n"
				   "\tpolicy = \"quarantine\"\n"
				   "\tuntil = \"2999-02-28\"\n"
				   "\tcomment = \"a \\\"b\\\"\"\n"
				   "\twhen_networks = {\"2001:db8::/32\"}\n"
				   "}\n"
				   "\n"
				   "forwarder \"lists\" {\n"
				   "\twhen_dkim_pass = {\"l.example\"}\n"
				   "}\n"
				   "\n"
				   "forwarder \"old\" {\n"
				   "\tpolicy = \"quarantine\"\n"
				   "\tnetworks = {\"::1/128\"}\n"
				   "}\n";
	struct tf_config *c = load_good(
	    "mode = monitor trusted_networks = {} dns { servers = {\"::1@53\"} timeout = 5 "
	    "cache_size = 2048K } domain a.example { policy = published } domain "
	    "\"*.x.example\" { policy = quarantine until = \"2999-02-28\" comment = "
	    "\"a \\\"b\\\"\" when_networks = {\"2001:db8::/32\"} } forwarder lists { policy = none "
	    "when_dkim_pass = {\"l.example\"} } forwarder old { networks = {\"::1\"} policy = "
	    "quarantine }");
	struct tf_arena *a = tf_arena_new();
	struct tf_buf out, again;

	(void)state;
	tf_buf_init_arena(&out, a, 1 << 20);
	tf_buf_init_arena(&again, a, 1 << 20);
	tf_config_write_diff(c, &out);
	assert_str("diff", tf_buf_get(&out), tf_str_from(want));
	tf_config_release(c);

	/* What it writes reads back as the same. */
	c = load_good(want);
	tf_config_write_diff(c, &again);
	assert_str("again", tf_buf_get(&again), tf_str_from(want));
	tf_config_release(c);
	tf_arena_free(a);
}

/* The output of `truefrom config --defaults` is a configuration that differs in nothing. */
static void
test_write_defaults(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_config *c;
	struct tf_buf out, diff;

	(void)state;
	tf_buf_init_arena(&out, a, 1 << 20);
	tf_buf_init_arena(&diff, a, 1 << 20);
	tf_config_write_defaults(&out);
	c = load_good(tf_buf_cstr(&out));
	tf_config_write_diff(c, &diff);
	assert_str("diff", tf_buf_get(&diff), TF_STR(""));
	tf_config_release(c);
	tf_arena_free(a);
}

/* The text that the manual has to have after a key. */
static void
write_manual(const struct tf_opt *opt, struct tf_arena *a, struct tf_buf *out)
{
	struct tf_config config = { 0 };
	struct tf_override override = { 0 };
	struct tf_forwarder forwarder = { 0 };
	void *base = &config;
	char bounds[200];
	struct tf_buf b;

	if (tf_str_eq(tf_opt_section(opt), TF_STR("domain")))
		base = &override;
	else if (tf_str_eq(tf_opt_section(opt), TF_STR("forwarder")))
		base = &forwarder;
	tf_buf_init(&b, bounds, sizeof(bounds));
	tf_opt_write_bounds(opt, &b);
	tf_buf_printf(out, "\n.It Ic %s\n", opt->key);
	if (strcmp(opt->key, "domain.policy") == 0) {
		tf_buf_lit(out, "Has to be given");
	} else {
		tf_opt_set_default(opt, base, a);
		tf_buf_lit(out, "Default: ");
		tf_opt_write(opt, base, out);
	}
	tf_buf_printf(out, "%s%.*s.\n", b.len != 0 ? "; " : "", TF_PRI(tf_buf_get(&b)));
	tf_buf_lit(out, opt->when == TF_OPT_RESTART ? "Needs a restart.\n" : "");
	tf_buf_lit(out, opt->acts ? "" : "This version does not act on it.\n");
}

/* truefrom.conf(5) has the default, the bounds and the notes of each row of the table. */
static void
test_manual(void **state)
{
	static char manual[128 * 1024];
	const char *top = getenv("top_srcdir");
	struct tf_arena *a = tf_arena_new();
	char path[1024];
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);
	FILE *f;

	(void)state;
	assert_non_null(top);
	(void)snprintf(path, sizeof(path), "%s/milter/truefrom.conf.5", top);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_true(fread(manual, 1, sizeof(manual) - 1, f) > 1000);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < count; i++) {
		struct tf_buf b;

		tf_buf_init_arena(&b, a, 4096);
		write_manual(&opts[i], a, &b);
		if (strstr(manual, tf_buf_cstr(&b)) == NULL)
			fail_msg("truefrom.conf.5 lacks:%s", tf_buf_cstr(&b));
	}
	tf_arena_free(a);
}

static void
test_keep_fixed(void **state)
{
	struct tf_config *old = load_good("socket = \"unix:/a\" socket_mode = 0600 user = x mode = "
					  "enforce");
	struct tf_config *fresh = load_good("socket = \"unix:/b\" user = x pid_file = \"/p\" "
					    "mode = monitor limits { idle_timeout = 60 }");
	char storage[200];
	struct tf_buf names;

	(void)state;
	tf_buf_init(&names, storage, sizeof(storage));
	tf_config_keep_fixed(old, fresh, &names);
	assert_str("names", tf_buf_get(&names),
	    TF_STR("socket, socket_mode, pid_file, limits.idle_timeout"));
	tf_config_release(old); /* fresh has copies */
	assert_str("socket", fresh->socket, TF_STR("unix:/a"));
	assert_int_equal(fresh->socket_mode, 0600);
	assert_int_equal(fresh->idle_timeout_s, 3600);
	assert_int_equal(fresh->pid_file.len, 0);
	assert_true(fresh->verdict.monitor);
	tf_config_release(fresh);
}

static void
test_same_dns(void **state)
{
	static const struct row {
		const char *what, *a, *b;
		bool same;
	} rows[] = {
		{ "nothing", "", "", true },
		{ "written out", "", "dns { timeout = 5 servers = {} }", true },
		{ "of the message", "", "dns { max_questions = 20 }", true },
		{ "another section", "", "spf { on_fail = reject }", true },
		{ "servers", "dns { servers = {\"::1\"} }", "dns { servers = {\"::2\"} }", false },
		{ "order", "dns { servers = {\"::1\", \"::2\"} }",
		    "dns { servers = {\"::2\", \"::1\"} }", false },
		{ "time-out", "", "dns { timeout = 6 }", false },
		{ "cache", "", "dns { cache = false }", false },
		{ "a zone file may have changed", "dns { zone = z }", "dns { zone = z }", false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_config *a = load_good(rows[i].a), *b = load_good(rows[i].b);

		assert_num(rows[i].what, tf_config_same_dns(a, b), rows[i].same);
		tf_config_release(a);
		tf_config_release(b);
	}
}

static void
test_files(void **state)
{
	static char big[1024 * 1024 + 1];
	bool unreadable = false;

	(void)state;
	assert_null(load_path("missing.conf", &unreadable));
	assert_true(unreadable);
	assert_str("missing", tf_buf_get(&why),
	    TF_STR("missing.conf: cannot be read: No such file or directory\n"));
	assert_null(load_path("/", &unreadable));
	assert_true(unreadable);

	memset(big, '\n', sizeof(big));
	assert_null(load((struct tf_str){ big, sizeof(big) }));
	assert_str(
	    "too big", tf_buf_get(&why), TF_STR("t.conf: over 1048576 bytes; make it smaller\n"));
	memcpy(big, "mode = x", 8);
	assert_null(load((struct tf_str){ big, sizeof(big) - 1 }));
	assert_str("as big as may be", tf_buf_get(&why),
	    TF_STR("t.conf:1: mode: \"x\" is not known; enforce or monitor\n"));
}

static void
test_choose_path(void **state)
{
	(void)state;
	tf_buf_init(&warn, warn_storage, sizeof(warn_storage));
	assert_int_equal(setenv("TRUEFROM_CONFIG", "/from/environment", 1), 0);
	assert_string_equal(tf_config_choose_path("/given", &warn), "/given");
	assert_string_equal(tf_config_choose_path(NULL, &warn), "/from/environment");
	assert_int_equal(warn.len, 0);
	assert_int_equal(unsetenv("TRUEFROM_CONFIG"), 0);
}

/* Lists and sections have their ends, and hostile files come to theirs soon. */
static void
test_limits(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf b;

	(void)state;
	tf_buf_init_arena(&b, a, 1 << 20);
	tf_buf_lit(&b, "dns { servers = {");
	for (int i = 0; i < 1000; i++)
		tf_buf_printf(&b, "\"192.0.2.%d\",\n", i % 256);
	tf_buf_lit(&b, "} }");
	assert_null(load(tf_buf_get(&b)));
	assert_str("elements", tf_buf_get(&why),
	    TF_STR("t.conf:17: dns.servers: too many elements; at most 16\n"));

	tf_buf_clear(&b);
	for (int i = 0; i < 4100; i++)
		tf_buf_printf(&b, "domain d%d.example { policy = reject }\n", i);
	assert_null(load(tf_buf_get(&b)));
	assert_true(tf_str_starts_nocase(tf_buf_get(&why),
	    TF_STR("t.conf:4097: domain \"d4096.example\": too many domain sections; at most "
		   "4096\n")));

	tf_buf_clear(&b);
	for (int i = 0; i < 50000; i++)
		tf_buf_printf(&b, "k%d=1\n", i);
	assert_null(load(tf_buf_get(&b)));
	assert_true(tf_str_ends_nocase(
	    tf_buf_get(&why), TF_STR("\nt.conf: 49950 more errors are not shown\n")));
	tf_arena_free(a);
}

static void *
load_many(void *arg)
{
	const char *path = arg;

	for (int i = 0; i < 200; i++) {
		char storage[1000];
		struct tf_buf w;
		bool unreadable;
		struct tf_config *c;

		tf_buf_init(&w, storage, sizeof(storage));
		c = tf_config_load(path, &w, &w, &unreadable);
		if (c == NULL || c->verdict.override_count != 1)
			return arg;
		tf_config_release(tf_config_retain(c));
		tf_config_release(c);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	static char path[] = FILE_NAME;
	pthread_t threads[4];

	(void)state;
	write_file(TF_STR("mode = monitor domain a.example { policy = reject }\n"));
	for (size_t i = 0; i < TF_ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, load_many, path), 0);
	for (size_t i = 0; i < TF_ARRAY_LEN(threads); i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_forwarders),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_write_defaults),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_keep_fixed),
		cmocka_unit_test(test_same_dns),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_choose_path),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
