/*
 * test_config.c - a file becomes a configuration, or a list of what is wrong with it
 *
 * Each file is written to t.conf in a folder of its own, so that messages read "t.conf:LINE: ...".
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/config.h"
#include "milter/config_date.h"
#include "milter/config_print.h"
#include "tests/unit/test.h"

#define FILE_NAME "t.conf"

static char why_storage[64 * 1024], warn_storage[64 * 1024];
static struct tf_buf why, warn;

static void
write_file(struct tf_str text)
{
	FILE *f = fopen(FILE_NAME, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(FILE_NAME, 0644), 0);
}

static struct tf_config *
load_path(const char *path, bool *unreadable_out)
{
	tf_buf_init(&why, why_storage, sizeof(why_storage));
	tf_buf_init(&warn, warn_storage, sizeof(warn_storage));
	return tf_config_load(path, &why, &warn, unreadable_out);
}

static struct tf_config *
load(struct tf_str text)
{
	bool unreadable = true;
	struct tf_config *c;

	write_file(text);
	c = load_path(FILE_NAME, &unreadable);
	assert_false(unreadable);
	return c;
}

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

static void
test_errors(void **state)
{
	static const struct row {
		const char *what;
		const char *file, *want;
	} rows[] = {
		/* keys */
		{ "unknown key", "\nsoket = \"x\"\n",
		    "t.conf:2: soket: no such key; the nearest is socket\n" },
		{ "upper case", "Socket = \"x\"",
		    "t.conf:1: Socket: no such key; the nearest is socket\n" },
		{ "unknown key in a section", "dns {\n timout = 5\n}",
		    "t.conf:2: dns.timout: no such key; the nearest is dns.timeout\n" },
		{ "swapped letters", "spf { on_fial = accept }",
		    "t.conf:1: spf.on_fial: no such key; the nearest is spf.on_fail\n" },
		{ "unknown section", "dmrac { enabled = true }",
		    "t.conf:1: dmrac: no such key; the nearest is dmarc\n" },
		{ "key of a section outside it", "servers = {\"::1\"}",
		    "t.conf:1: servers: no such key; the nearest is dns.servers, written as dns { "
		    "servers = ... }\n" },
		{ "key of another section", "spf { max_signatures = 3 }",
		    "t.conf:1: spf.max_signatures: no such key; the nearest is "
		    "dkim.max_signatures, "
		    "written as dkim { max_signatures = ... }\n" },
		{ "full name of a key", "dns.timeout = 3",
		    "t.conf:1: dns.timeout: no such key; the nearest is dns.timeout, written as "
		    "dns { timeout = ... }\n" },
		{ "key outside all sections in one", "dns { mode = monitor }",
		    "t.conf:1: dns.mode: no such key; the nearest is mode\n" },
		{ "key of a domain section", "domain \"a.example\" { polcy = none policy = none }",
		    "t.conf:1: domain \"a.example\".polcy: no such key; the nearest is policy\n" },
		{ "nothing near", "frobnicate = 3",
		    "t.conf:1: frobnicate: no such key; truefrom.conf(5) lists all keys\n" },
		{ "libconfuse's path", "dns|timeout = 3",
		    "t.conf:1: \"dns|timeout\": no such key; truefrom.conf(5) lists all keys\n" },
		{ "all unknown keys", "a1b2c3 = 1\nmode = monitor\nd4e5f6 { x = {1, 2} }\n",
		    "t.conf:1: a1b2c3: no such key; truefrom.conf(5) lists all keys\n"
		    "t.conf:3: d4e5f6: no such key; truefrom.conf(5) lists all keys\n" },
		{ "several words", "authserv_id = mx one.example",
		    "t.conf:1: one.example: neither a key nor a part of the value before it; a "
		    "value "
		    "of several words stands in quotes\n" },
		{ "escaped key", "\"\x7f\" = 1",
		    "t.conf:1: syntax: control character \\x7f in a string; remove it\n"
		    "t.conf:1: \"\\x7f\": no such key; truefrom.conf(5) lists all keys\n" },

		/* values */
		{ "not a number", "dns { timeout = five }",
		    "t.conf:1: dns.timeout: \"five\" is no number; 1 to 60\n" },
		{ "fraction", "dns { timeout = 1.5 }",
		    "t.conf:1: dns.timeout: \"1.5\" is no number; 1 to 60\n" },
		{ "unit", "dns { timeout = 5s }",
		    "t.conf:1: dns.timeout: \"5s\" is no number; 1 to 60\n" },
		{ "sign", "message_deadline = -1",
		    "t.conf:1: message_deadline: \"-1\" is no number; 1 to 240\n" },
		{ "empty number", "message_deadline = \"\"",
		    "t.conf:1: message_deadline: \"\" is no number; 1 to 240\n" },
		{ "too small", "dns { timeout = 0 }",
		    "t.conf:1: dns.timeout: \"0\" is out of range; 1 to 60\n" },
		{ "too large", "dns { timeout = 61 }\nmessage_deadline = 100",
		    "t.conf:1: dns.timeout: \"61\" is out of range; 1 to 60\n" },
		{ "larger than the type", "limits { headers = 18446744073709551617 }",
		    "t.conf:1: limits.headers: \"18446744073709551617\" is out of range; 10 to "
		    "100000\n" },
		{ "octal-looking", "dns { timeout = 010 }",
		    "t.conf:1: dns.timeout: \"010\" begins with 0, and numbers are decimal; 1 to "
		    "60\n" },
		{ "hexadecimal", "dns { timeout = 0x5 }",
		    "t.conf:1: dns.timeout: \"0x5\" begins with 0, and numbers are decimal; 1 to "
		    "60\n" },
		{ "size without a number", "dns { cache_size = M }",
		    "t.conf:1: dns.cache_size: \"M\" is no size, digits and K, M or G; 64K to "
		    "16G\n" },
		{ "unit of a size", "dns { cache_size = 1T }",
		    "t.conf:1: dns.cache_size: \"1T\" is no size, digits and K, M or G; 64K to "
		    "16G\n" },
		{ "size out of range", "dns { cache_size = 17G }",
		    "t.conf:1: dns.cache_size: \"17G\" is out of range; 64K to 16G\n" },
		{ "size larger than the type", "dns { cache_size = 17179869185G }",
		    "t.conf:1: dns.cache_size: \"17179869185G\" is out of range; 64K to 16G\n" },
		{ "not a boolean", "trust_authenticated = maybe",
		    "t.conf:1: trust_authenticated: \"maybe\" is neither true nor false; true or "
		    "false\n" },
		{ "unknown word", "mode = \"enforced\"",
		    "t.conf:1: mode: \"enforced\" is not known; enforce or monitor\n" },
		{ "a word of another key", "dmarc { on_reject = hold }",
		    "t.conf:1: dmarc.on_reject: \"hold\" is not known; reject, quarantine or "
		    "accept\n" },
		{ "words are whole", "mode = \"enf\"",
		    "t.conf:1: mode: \"enf\" is not known; enforce or monitor\n" },
		{ "mode", "socket_mode = 888",
		    "t.conf:1: socket_mode: \"888\" is no mode; three or four octal digits\n" },
		{ "mode with set-id", "socket_mode = 4755",
		    "t.conf:1: socket_mode: \"4755\" has more than permissions for user, group, "
		    "others; three or four octal digits\n" },
		{ "socket kind", "socket = \"tcp:1@x\"",
		    "t.conf:1: socket: \"tcp:1@x\" is no socket; inet:PORT@HOST, inet6:PORT@HOST "
		    "or "
		    "unix:/PATH\n" },
		{ "socket the way of Postfix", "socket = \"inet:127.0.0.1:8893\"",
		    "t.conf:1: socket: \"inet:127.0.0.1:8893\" is not PORT@HOST; e.g. "
		    "inet:8893@127.0.0.1 or inet6:8893@[::1]\n" },
		{ "socket without host", "socket = \"inet:8893\"",
		    "t.conf:1: socket: \"inet:8893\" is not PORT@HOST; e.g. inet:8893@127.0.0.1 or "
		    "inet6:8893@[::1]\n" },
		{ "socket path", "socket = \"unix:run/x\"",
		    "t.conf:1: socket: \"unix:run/x\" has no absolute path; unix:/PATH\n" },
		{ "no socket", "socket = \"\"",
		    "t.conf:1: socket: must not be empty; the default is "
		    "\"inet:8893@127.0.0.1\"\n" },
		{ "relative PID file", "pid_file = x",
		    "t.conf:1: pid_file: \"x\" is a relative path; an absolute one\n" },
		{ "user", "user = \"a b\"",
		    "t.conf:1: user: \"a b\" is no account name; letters, digits, and _ - . $\n" },
		{ "authserv_id with a slash", "authserv_id = \"mx.example/1\"",
		    "t.conf:1: authserv_id: \"mx.example/1\" is no authserv-id; a name such as "
		    "mx.example.org, in A-labels\n" },
		{ "authserv_id in UTF-8", "authserv_id = \"b\xc3\xbc.example\"",
		    "t.conf:1: authserv_id: \"b\\xc3\\xbc.example\" is no authserv-id; a name such "
		    "as "
		    "mx.example.org, in A-labels\n" },
		{ "networks, each in its line",
		    "trusted_networks = {\n \"10.0.0.0/8\", # good\n \"10.0.0.1/8\",\n "
		    "\"300.0.0.0/8\",\n \"2001:db8::1/32\", \"\" }",
		    "t.conf:3: trusted_networks: \"10.0.0.1/8\" has bits set beyond its prefix; "
		    "10.0.0.0/8\n"
		    "t.conf:4: trusted_networks: \"300.0.0.0/8\" is no network; an address or "
		    "ADDRESS/BITS, e.g. 192.0.2.0/24\n"
		    "t.conf:5: trusted_networks: \"2001:db8::1/32\" has bits set beyond its "
		    "prefix; "
		    "2001:db8::/32\n"
		    "t.conf:5: trusted_networks: an element is empty; remove it\n" },
		{ "server with a colon", "dns { servers = {\"127.0.0.1:53\"} }",
		    "t.conf:1: dns.servers: \"127.0.0.1:53\" is no address; ADDRESS or "
		    "ADDRESS@PORT, "
		    "e.g. 127.0.0.1@53\n" },
		{ "server by name", "dns { servers = {localhost} }",
		    "t.conf:1: dns.servers: \"localhost\" is no address; ADDRESS or ADDRESS@PORT, "
		    "e.g. 127.0.0.1@53\n" },
		{ "server with a bad port", "dns { servers = {\"::1@65536\", \"::1@\"} }",
		    "t.conf:1: dns.servers: \"::1@65536\" has no port behind the @; a number from "
		    "1 "
		    "to 65535\n"
		    "t.conf:1: dns.servers: \"::1@\" has no port behind the @; a number from 1 to "
		    "65535\n" },
		{ "recipients", "exempt_recipients = {\"*@*\", \"x\", \"a@b c\", \"a*@b.example\"}",
		    "t.conf:1: exempt_recipients: \"*@*\" would exempt all mail; mode = monitor "
		    "refuses nothing and says so\n"
		    "t.conf:1: exempt_recipients: \"x\" is no recipient; user@example.org, user@* "
		    "or "
		    "*@example.org\n"
		    "t.conf:1: exempt_recipients: \"a@b c\" is no recipient; user@example.org, "
		    "user@* "
		    "or *@example.org\n"
		    "t.conf:1: exempt_recipients: \"a*@b.example\" is no recipient; "
		    "user@example.org, user@* or *@example.org\n" },
		{ "foreign id", "remove_authserv_ids = {\"a b\"}",
		    "t.conf:1: remove_authserv_ids: \"a b\" is no authserv-id; a name such as "
		    "mx.example.org\n" },
		{ "sealer", "arc { trusted_sealers = {\"a..b\"} }",
		    "t.conf:1: arc.trusted_sealers: \"a..b\" is no domain name; e.g. "
		    "example.com\n" },
		{ "metrics", "metrics { listen = \"::1:9893\" }",
		    "t.conf:1: metrics.listen: \"::1:9893\" is not ADDRESS:PORT; e.g. "
		    "127.0.0.1:9893 "
		    "or [::1]:9893\n" },
		{ "reply", "dmarc { reply = \"rejected\" }",
		    "t.conf:1: dmarc.reply: it must begin with an enhanced status code 5.X.X and a "
		    "space, e.g. \"5.7.1 \"\n" },
		{ "line end in a value", "authserv_id = \"mx.example\n.org\"\nmode = x",
		    "t.conf:1: authserv_id: \"mx.example\\x0a.org\" is no authserv-id; a name such "
		    "as "
		    "mx.example.org, in A-labels\n"
		    "t.conf:3: mode: \"x\" is not known; enforce or monitor\n" },
		{ "a long value is clipped",
		    "mode = "
		    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
		    "t.conf:1: mode: "
		    "\"012345678901234567890123456789012345678901234567890123456789\"... is not "
		    "known; enforce or monitor\n" },

		/* twice, and what does not fit together */
		{ "twice", "mode = monitor\n\nmode = monitor",
		    "t.conf:3: mode: given twice, first in line 1; keep one of them\n" },
		{ "an empty list counts",
		    "trusted_relays = {}\ntrusted_relays = {\"::1\",\n\"::2\"}",
		    "t.conf:2: trusted_relays: given twice, first in line 1; keep one of them\n" },
		{ "two empty lists", "trusted_relays = {}\ntrusted_relays = {}",
		    "t.conf:2: trusted_relays: given twice, first in line 1; keep one of them\n" },
		{ "section twice", "dns {\n timeout = 3 }\ndns { cache = no }",
		    "t.conf:3: dns: given twice, first in line 1; put all its keys into one "
		    "section\n" },
		{ "key twice in a section given twice", "dns { timeout = 3 }\ndns { timeout = 3 }",
		    "t.conf:2: dns.timeout: given twice, first in line 1; keep one of them\n"
		    "t.conf:2: dns: given twice, first in line 1; put all its keys into one "
		    "section\n" },
		{ "same title",
		    "domain \"a.example\" { policy = reject }\n"
		    "domain \"A.EXAMPLE.\" { policy = quarantine }",
		    "t.conf:2: domain \"A.EXAMPLE.\": a second section for this domain; keep one "
		    "of "
		    "them\n" },
		{ "key twice in a domain section",
		    "domain \"a.example\" { policy = reject\npolicy = none }",
		    "t.conf:2: domain \"a.example\".policy: given twice, first in line 1; keep one "
		    "of "
		    "them\n" },
		{ "recursive with servers", "dns {\n servers = {\"::1\"}\n recursive = true\n}",
		    "t.conf:3: dns.recursive: true, while dns.servers names servers to ask; remove "
		    "one of the two\n" },
		{ "servers with recursive", "dns {\n recursive = true\n servers = {\"::1\"}\n}",
		    "t.conf:3: dns.servers: names servers, while dns.recursive asks none; remove "
		    "one "
		    "of the two\n" },
		{ "deadline below the default time-out", "\nmessage_deadline = 4",
		    "t.conf:2: message_deadline: 4 is below dns.timeout, which is 5; at least "
		    "5\n" },
		{ "time-out above the deadline", "message_deadline = 10\ndns { timeout = 11 }",
		    "t.conf:2: dns.timeout: 11 is above message_deadline, which is 10; at most "
		    "10\n" },
		{ "memory below the header", "limits { header_bytes = 32M }",
		    "t.conf:1: limits.header_bytes: above limits.message_memory; at most as "
		    "much\n" },

		/* domain sections */
		{ "no policy", "\ndomain \"a.example\" { until = \"2999-01-01\" }",
		    "t.conf:2: domain \"a.example\": policy is missing; none, quarantine, reject "
		    "or "
		    "published\n" },
		{ "empty section", "domain \"a.example\" { }",
		    "t.conf:1: domain \"a.example\": policy is missing; none, quarantine, reject "
		    "or "
		    "published\n" },
		{ "title", "domain \"*.*.example\" { policy = reject }",
		    "t.conf:1: domain \"*.*.example\": its title is no domain name; domain "
		    "\"example.com\" or \"*.example.com\"\n" },
		{ "empty title", "domain \"\" { policy = reject }",
		    "t.conf:1: domain: its title is no domain name; domain \"example.com\" or "
		    "\"*.example.com\"\n" },
		{ "date", "domain \"a.example\" { policy = reject until = \"2027-02-29\" }",
		    "t.conf:1: domain \"a.example\".until: \"2027-02-29\" is no date; "
		    "YYYY-MM-DD\n" },
		{ "condition", "domain \"a.example\" { policy = none when_dkim_pass = {\"*.\"} }",
		    "t.conf:1: domain \"a.example\".when_dkim_pass: \"*.\" is no domain name; e.g. "
		    "example.com or *.example.com\n" },

		/* grammar: what was read until then is checked, too */
		{ "no equals sign", "dns { timeout 5 }",
		    "t.conf:1: dns.timeout: \"5\" is not expected here; timeout = VALUE\n" },
		{ "no value",
		    "mode =", "t.conf:1: mode: the file ends within this; mode = VALUE\n" },
		{ "no value before the next key", "mode =\nuser = \"x\"",
		    "t.conf:2: mode: \"=\" is not expected here; mode = VALUE\n"
		    "t.conf:2: mode: \"user\" is not known; enforce or monitor\n" },
		{ "a list for one value", "mode = {\"monitor\"}",
		    "t.conf:1: mode: \"{\" is not expected here; mode = VALUE\n" },
		{ "one value for a list", "dns { servers = \"::1\" }",
		    "t.conf:1: dns.servers: a list stands in braces; {\"::1\"}\n" },
		{ "no comma", "trusted_relays = {\"::1\"\n\"::2\"}",
		    "t.conf:2: trusted_relays: \"::2\" is not expected here; trusted_relays = "
		    "{\"...\", \"...\"}\n" },
		{ "a section as a key", "dns = 5",
		    "t.conf:1: dns: \"=\" is not expected here; dns { KEY = VALUE ... }\n" },
		{ "no title", "domain { policy = none }",
		    "t.conf:1: domain: \"{\" is not expected here; domain \"example.com\" { KEY = "
		    "VALUE ... }\n" },
		{ "no key", "= 5", "t.conf:1: syntax: \"=\" is not expected here; KEY = VALUE\n" },
		{ "earlier mistakes are told, too", "mode = x\ndns { timeout = 0 }\n\nuser {\n}",
		    "t.conf:1: mode: \"x\" is not known; enforce or monitor\n"
		    "t.conf:2: dns.timeout: \"0\" is out of range; 1 to 60\n"
		    "t.conf:4: user: \"{\" is not expected here; user = VALUE\n" },
		{ "and those before an unclosed brace", "mode = x\ndns {\n timeout = 0\n",
		    "t.conf:1: mode: \"x\" is not known; enforce or monitor\n"
		    "t.conf:2: dns: \"{\" is not closed; add \"}\" where it ends\n"
		    "t.conf:3: dns.timeout: \"0\" is out of range; 1 to 60\n" },
		{ "environment", "user = \"${USER}\"",
		    "t.conf:1: syntax: \"${\" would not be replaced by anything; write the value "
		    "itself\n"
		    "t.conf:1: user: \"${USER}\" is no account name; letters, digits, and _ - . "
		    "$\n" },
		{ "lines after comments and lists",
		    "# 1\n/* 2\n 3 */\ntrusted_relays = { # 4\n \"::1\", // 5\n /* 6 */ "
		    "\"::2\"\n}\n"
		    "mode = x # 8\n// 9\nlog_level = y",
		    "t.conf:8: mode: \"x\" is not known; enforce or monitor\n"
		    "t.conf:10: log_level: \"y\" is not known; error, warning, notice, info or "
		    "debug\n" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_config *c = load(tf_str_from(rows[i].file));

		assert_str(rows[i].what, tf_buf_get(&why), tf_str_from(rows[i].want));
		if (c != NULL)
			fail_msg("%s: a configuration in spite of errors", rows[i].what);
	}
}

static void
test_warnings(void **state)
{
	static const struct row {
		const char *what;
		const char *file, *want;
	} rows[] = {
		{ "nothing", "", "" },
		{ "defaults written out", "report { enabled = false }\nspf { received_spf = no }",
		    "" },
		{ "no effect in this version", "report {\n enabled = true }",
		    "t.conf:2: report.enabled: this version does not act on it; leave it out\n" },
		{ "authserv_id without a dot", "authserv_id = mx",
		    "t.conf:1: authserv_id: \"mx\" has no dot, and some readers want a host name; "
		    "e.g. mx.example.org\n" },
		{ "everybody is trusted", "\ntrusted_networks = {\"0.0.0.0/0\", \"::/0\"}",
		    "t.conf:2: trusted_networks: holds every address, so that no mail is "
		    "evaluated; "
		    "name the hosts alone\n" },
		{ "expired", "domain \"a.example\" { policy = reject until = \"2001-01-01\" }",
		    "t.conf:1: domain \"a.example\": its last day has passed, so it has no effect; "
		    "remove it or change until\n" },
		{ "lowers nothing", "domain \"a.example\" { policy = none }",
		    "t.conf:1: domain \"a.example\": has no effect, because no authenticated fact "
		    "is "
		    "asked for; add when_spf_pass, when_dkim_pass or when_networks\n" },
		{ "raises unconditionally",
		    "domain \"a.example\" { policy = reject when_networks = {\"::1\"} }",
		    "t.conf:1: domain \"a.example\": when_spf_pass, when_dkim_pass and "
		    "when_networks "
		    "have no effect here; they are for a policy lower than the published one\n" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_config *c = load(tf_str_from(rows[i].file));

		assert_str(rows[i].what, tf_buf_get(&why), TF_STR(""));
		assert_str(rows[i].what, tf_buf_get(&warn), tf_str_from(rows[i].want));
		assert_non_null(c);
		tf_config_release(c);
	}
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
	    "on_error = accept syslog_facility = local7 log_format = json log_level = debug\n"
	    "dns { servers = {\"127.0.0.1@5353\", \"2001:db8::1\"} timeout = 60 max_questions = "
	    "10\n"
	    "  zone = \"zone file\" cache = no cache_size = 65536 dnssec = on prefetch = no }\n"
	    "spf { on_fail = reject on_helo_fail = reject max_void_lookups = 0 }\n"
	    "dkim { min_rsa_bits = 2048 partial_body = accept }\n"
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
	assert_int_equal(o[2].when_spf_count, 2);
	assert_str("spf", o[2].when_spf_pass[0], TF_STR("lists.example"));
	assert_str("spf", o[2].when_spf_pass[1], TF_STR("*.lists.example"));
	assert_int_equal(o[2].when_dkim_count, 1);
	assert_int_equal(o[2].when_network_count, 1);
	assert_int_equal(o[2].when_networks[0].bits, 24);
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
				   "}\n";
	struct tf_config *c = load_good(
	    "mode = monitor trusted_networks = {} dns { servers = {\"::1@53\"} timeout = 5 "
	    "cache_size = 2048K } domain a.example { policy = published } domain "
	    "\"*.x.example\" { policy = quarantine until = \"2999-02-28\" comment = "
	    "\"a \\\"b\\\"\" when_networks = {\"2001:db8::/32\"} }");
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

	/* And so does everything. */
	tf_buf_clear(&out);
	tf_config_write_all(c, &out);
	tf_config_release(c);
	c = load_good(tf_buf_cstr(&out));
	tf_buf_clear(&again);
	tf_config_write_diff(c, &again);
	assert_str("all", tf_buf_get(&again), tf_str_from(want));
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

static void
test_keep_fixed(void **state)
{
	struct tf_config *old = load_good("socket = \"unix:/a\" socket_mode = 0600 user = x mode = "
					  "enforce");
	struct tf_config *fresh =
	    load_good("socket = \"unix:/b\" user = x pid_file = \"/p\" mode = "
		      "monitor");
	char storage[200];
	struct tf_buf names;

	(void)state;
	tf_buf_init(&names, storage, sizeof(storage));
	tf_config_keep_fixed(old, fresh, &names);
	assert_str("names", tf_buf_get(&names), TF_STR("socket, socket_mode, pid_file"));
	tf_config_release(old); /* fresh has copies */
	assert_str("socket", fresh->socket, TF_STR("unix:/a"));
	assert_int_equal(fresh->socket_mode, 0600);
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
	struct tf_config *c;

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

	write_file(TF_STR(""));
	assert_int_equal(chmod(FILE_NAME, 0664), 0);
	c = load_path(FILE_NAME, &unreadable);
	assert_non_null(c);
	assert_str("writable", tf_buf_get(&warn),
	    TF_STR("t.conf: others than its owner can write to it; chmod go-w\n"));
	tf_config_release(c);
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

static int
enter_folder(void **state)
{
	static char folder[] = "/tmp/truefrom-test-XXXXXX";

	*state = folder;
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int
leave_folder(void **state)
{
	return (unlink(FILE_NAME) != 0) + (chdir("/") != 0) + (rmdir(*state) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_write_defaults),
		cmocka_unit_test(test_keep_fixed),
		cmocka_unit_test(test_same_dns),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_choose_path),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
