/*
 * test_config_errors.c - what is said about a file with mistakes, to the letter
 */
#include <time.h>

#include "milter/config_date.h"
#include "tests/unit/config_fixture.h"

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
		{ "key twice in a section given twice", "dns { timeout = 3 }\ndns { timeout = 3 }",
		    "t.conf:2: dns.timeout: given twice, first in line 1; keep one of them\n" },
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

		/* forwarder sections */
		{ "no such policy", "forwarder \"x\" {\n policy = published\n}",
		    "t.conf:2: forwarder \"x\".policy: \"published\" is not known; none, "
		    "quarantine "
		    "or reject\n" },
		{ "title with a blank", "forwarder \"my list\" { networks = {\"::1\"} }",
		    "t.conf:1: forwarder \"my list\": its title is no name for the log; up to 64 "
		    "letters, digits, and . - _\n" },
		{ "no title", "forwarder \"\" { networks = {\"::1\"} }",
		    "t.conf:1: forwarder: its title is no name for the log; up to 64 letters, "
		    "digits, and . - _\n" },
		{ "title missing", "forwarder { policy = none }",
		    "t.conf:1: forwarder: \"{\" is not expected here; forwarder \"mailing-list\" { "
		    "KEY = VALUE ... }\n" },
		{ "same name",
		    "forwarder \"x\" { networks = {\"::1\"} }\nforwarder \"X\" { networks = "
		    "{\"::2\"} }",
		    "t.conf:2: forwarder \"X\": a second section of this name; give it another\n" },
		{ "key twice", "forwarder \"x\" { policy = none\npolicy = none }",
		    "t.conf:2: forwarder \"x\".policy: given twice, first in line 1; keep one of "
		    "them\n" },
		{ "network", "forwarder \"x\" { networks = {\"192.0.2.1/24\"} }",
		    "t.conf:1: forwarder \"x\".networks: \"192.0.2.1/24\" has bits set beyond its "
		    "prefix; 192.0.2.0/24\n" },
		{ "key of a forwarder section", "forwarder \"x\" { netwoks = {\"::1\"} }",
		    "t.conf:1: forwarder \"x\".netwoks: no such key; the nearest is networks\n" },

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

/* A section is warned about in the 30 days before its end. */
static void
test_ends_soon(void **state)
{
	static const struct row {
		int days;
		const char *want;
	} rows[] = {
		{ -1, "t.conf:1: domain \"a.example\": its last day has passed, so it has no "
		      "effect; remove it or change until\n" },
		{ 0, "t.conf:1: domain \"a.example\": its last day is today; remove it then, or "
		     "change until\n" },
		{ 1, "t.conf:1: domain \"a.example\": its last day is tomorrow; remove it then, or "
		     "change until\n" },
		{ 30, "t.conf:1: domain \"a.example\": its last day is in 30 days; remove it then, "
		      "or change until\n" },
		{ 31, "" },
	};
	const int64_t now = (int64_t)time(NULL);
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_config *c;
		struct tf_buf file;

		tf_buf_init_arena(&file, a, 1000);
		tf_buf_lit(&file, "domain a.example { policy = reject until = \"");
		tf_date_write(now + rows[i].days * 86400, &file);
		tf_buf_lit(&file, "\" }");
		c = load(tf_buf_get(&file));
		assert_non_null(c);
		assert_str("ends soon", tf_buf_get(&warn), tf_str_from(rows[i].want));
		tf_config_release(c);
	}
	tf_arena_free(a);
}

static void
test_warnings(void **state)
{
	static const struct row {
		const char *what;
		const char *file, *want;
	} rows[] = {
		{ "nothing", "", "" },
		{ "one section in two parts", "dns { timeout = 3 }\ndns { cache = no }", "" },
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
		{ "a forwarder known by nothing", "\nforwarder \"x\" { }",
		    "t.conf:2: forwarder \"x\": has no effect, because no authenticated fact is "
		    "asked "
		    "for; add when_spf_pass, when_dkim_pass or networks\n" },
		{ "a forwarder under reject",
		    "forwarder \"x\" { networks = {\"::1\"} policy = reject }",
		    "t.conf:1: forwarder \"x\": has no effect, because no policy is stricter than "
		    "reject; none or quarantine\n" },
		{ "a forwarder expired",
		    "forwarder \"x\" { networks = {\"::1\"} until = \"2001-01-01\" }",
		    "t.conf:1: forwarder \"x\": its last day has passed, so it has no effect; "
		    "remove "
		    "it or change until\n" },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_ends_soon),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
