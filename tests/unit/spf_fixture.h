/*
 * spf_fixture.h - a zone and the table runner for the tests of SPF
 *
 * A row's own record stands at tN.example, N its number; everything else is in the zone below.
 */
#ifndef TESTS_UNIT_SPF_FIXTURE_H
#define TESTS_UNIT_SPF_FIXTURE_H

#include "policy/spf.h"
#include "tests/unit/test.h"

#define ZONE_MAX ((size_t)256 * 1024)
#define IP4 "192.0.2.3"
#define IP6 "2001:db8::3"
#define NIBBLES "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define L60 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"
#define JOE "joe@t#.example"
#define HELO "mail.example.org"

/* clang-format off */
static const char spf_zone[] =
	/* Addresses. host is the client, others are not. */
	"host.example. A " IP4 "\n"
	"host.example. AAAA " IP6 "\n"
	"near.example. A 192.0.2.77\n"
	"near.example. AAAA 2001:db8::dead:beef\n"
	"far.example. A 198.51.100.1\n"
	"far.example. AAAA 2001:db8:f::1\n"
	"v4.example. A 198.51.100.1\n"
	"v6.example. AAAA 2001:db8:f::1\n"
	"mapped.example. AAAA ::ffff:192.0.2.3\n"
	"many.example. A 198.51.100.1\n" "many.example. A 198.51.100.2\n"
	"many.example. A 198.51.100.3\n" "many.example. A 198.51.100.4\n"
	"many.example. A 198.51.100.5\n" "many.example. A 198.51.100.6\n"
	"many.example. A 198.51.100.7\n" "many.example. A 198.51.100.8\n"
	"many.example. A 198.51.100.9\n" "many.example. A 198.51.100.10\n"
	"many.example. A 198.51.100.11\n" "many.example. A " IP4 "\n"
	"alias.example. CNAME host.example.\n"
	"loop.example. CNAME loop2.example.\n" "loop2.example. CNAME loop.example.\n"
	"foo\\058bar\\047baz.example. A " IP4 "\n"
	"a\\037b\\032c\\03720d.example. A " IP4 "\n"
	/* MX */
	"mx.example. MX 10 far.example.\n" "mx.example. MX 20 host.example.\n"
	"farmx.example. MX 10 far.example.\n"
	"nullmx.example. MX 0 .\n" "nullmx.example. A " IP4 "\n"
	"voidmx.example. MX 1 nx1.example.\n" "voidmx.example. MX 2 nx2.example.\n"
	"voidmx3.example. MX 1 nx1.example.\n" "voidmx3.example. MX 2 nx2.example.\n"
	"voidmx3.example. MX 3 nx3.example.\n" "voidmx3.example. MX 4 host.example.\n"
	"loopmx.example. MX 1 loop.example.\n"
	"mx10.example. MX 1 m1.example.\n" "mx10.example. MX 2 m2.example.\n"
	"mx10.example. MX 3 m3.example.\n" "mx10.example. MX 4 m4.example.\n"
	"mx10.example. MX 5 m5.example.\n" "mx10.example. MX 6 m6.example.\n"
	"mx10.example. MX 7 m7.example.\n" "mx10.example. MX 8 m8.example.\n"
	"mx10.example. MX 9 m9.example.\n" "mx10.example. MX 10 host.example.\n"
	"mx11.example. MX 0 host.example.\n"
	"mx11.example. MX 1 m1.example.\n" "mx11.example. MX 2 m2.example.\n"
	"mx11.example. MX 3 m3.example.\n" "mx11.example. MX 4 m4.example.\n"
	"mx11.example. MX 5 m5.example.\n" "mx11.example. MX 6 m6.example.\n"
	"mx11.example. MX 7 m7.example.\n" "mx11.example. MX 8 m8.example.\n"
	"mx11.example. MX 9 m9.example.\n" "mx11.example. MX 10 m10.example.\n"
	"m1.example. A 198.51.100.1\n" "m2.example. A 198.51.100.1\n"
	"m3.example. A 198.51.100.1\n" "m4.example. A 198.51.100.1\n"
	"m5.example. A 198.51.100.1\n" "m6.example. A 198.51.100.1\n"
	"m7.example. A 198.51.100.1\n" "m8.example. A 198.51.100.1\n"
	"m9.example. A 198.51.100.1\n" "m10.example. A 198.51.100.1\n"
	/* Reverse names of the client: one that does not exist, one that points elsewhere, a loop. */
	"3.2.0.192.in-addr.arpa. PTR nx1.example.\n"
	"3.2.0.192.in-addr.arpa. PTR far.example.\n"
	"3.2.0.192.in-addr.arpa. PTR loop.example.\n"
	"3.2.0.192.in-addr.arpa. PTR HOST.Example.\n"
	"3.2.0.192.in-addr.arpa. PTR deep.sub.p.example.\n"
	NIBBLES ".ip6.arpa. PTR host.example.\n"
	"deep.sub.p.example. A " IP4 "\n"
	"deep.sub.p.example.of.example. A 127.0.0.2\n"
	"host.example.of.example. A 127.0.0.2\n"
	"unknown.of.example. A 127.0.0.3\n"
	/* Records to include and to redirect to. */
	"pass.example. TXT \"v=spf1 ip4:" IP4 " -all\"\n"
	"fail.example. TXT \"v=spf1 -all exp=text.example\"\n"
	"soft.example. TXT \"v=spf1 ~all\"\n"
	"neutral.example. TXT \"v=spf1 ip4:198.51.100.1\"\n"
	"syntax.example. TXT \"v=spf1 moo\"\n"
	"none.example. TXT \"no record of ours\"\n"
	"two.example. TXT \"v=spf1 -all\"\n" "two.example. TXT \"v=spf1 +all\"\n"
	"own.example. TXT \"v=spf1 a -all\"\n" "own.example. A " IP4 "\n"
	"voids2.example. TXT \"v=spf1 a:nx1.example a:nx2.example ?all\"\n"
	"terms8.example. TXT \"v=spf1 a:far.example a:far.example a:far.example a:far.example "
		"a:far.example a:far.example a:far.example a:far.example ?all\"\n"
	"loops.example. TXT \"v=spf1 include:loops.example\"\n"
	"loopr.example. TXT \"v=spf1 redirect=loopr.example\"\n"
	"ping.example. TXT \"v=spf1 include:pong.example\"\n"
	"pong.example. TXT \"v=spf1 include:ping.example\"\n"
	"chain1.example. TXT \"v=spf1 redirect=chain2.example\"\n"
	"chain2.example. TXT \"v=spf1 ip4:198.51.100.1 redirect=pass.example\"\n"
	"user.example. TXT \"v=spf1 exists:%{l}.of.example -all\"\n"
	"joe.of.example. A 127.0.0.2\n"
	"d.dom.example. TXT \"v=spf1 exists:%{d}.of.example -all\"\n"
	"d.dom.example.of.example. A 127.0.0.2\n"
	"txts.example. TXT \"\\150\"\n" "txts.example. TXT \"v=spf1 -all\"\n"
	"txts.example. TXT \"v=spf10 +all\"\n"
	"strings.example. TXT \"v=spf1 ip4:192\" \".0.2.3 -all\"\n"
	"glued.example. TXT \"v=spf1\" \"mx -all\"\n"
	"eight.example. TXT \"v=spf1 a:\\239\\187\\191x.example -all\"\n"
	"nul.example. TXT \"v=spf1 a:host.example\\000\"\n"
	"tab.example. TXT \"v=spf1\\009-all\"\n"
	"cn.example. CNAME pass.example.\n"
	"xn--bcher-kva.example. TXT \"v=spf1 exists:%{o}.of.example -all\"\n"
	"xn--bcher-kva.example.of.example. A 127.0.0.2\n"
	"mail.example.org. TXT \"v=spf1 a -all\"\n" "mail.example.org. A " IP4 "\n"
	"_under.example. TXT \"v=spf1 ip4:" IP4 " -all\"\n"
	"example." L63 "." L63 "." L60 ".example. A 127.0.0.2\n"
	/* Explanations */
	"text.example. TXT \"%{i} is not %{d}'s, says %{r} at %{t} about %{s}: 100%%_%-\"\n"
	"ptext.example. TXT \"connect from %{p}, helo %{h}\"\n"
	"twotext.example. TXT \"one\"\n" "twotext.example. TXT \"two\"\n"
	"badtext.example. TXT \"The %{x}-files.\"\n"
	"eighttext.example. TXT \"caf\\195\\169\"\n"
	"ctltext.example. TXT \"line\\010end\"\n"
	"longtext.example. TXT \"%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}\"\n"
	"p.example. TXT \"v=spf1 exists:%{p}.of.example -all\"\n"
	"ltext.example. TXT \"%{l} in implementation\"\n";
/* clang-format on */

struct row {
	const char *what;
	const char *record; /* at tN.example; NULL: none */
	const char *from;   /* MAIL FROM; '#' is N */
	const char *helo, *ip;
	enum tf_code code;
	const char *mechanism;
	uint32_t terms, voids;
	const char *reason;
};

/* A record of the row's own, and a sender whose record is in the zone. */
#define RECORD(what, record, ip, code, mechanism, terms, voids, reason)                            \
	{                                                                                          \
		what, record, JOE, HELO, ip, code, mechanism, terms, voids, reason                 \
	}
#define SENDER(what, from, ip, code, mechanism, terms, voids, reason)                              \
	{                                                                                          \
		what, NULL, from, HELO, ip, code, mechanism, terms, voids, reason                  \
	}

static const struct tf_spf_opts spf_opts = { 10, 2, false };
static const struct tf_dns_opts spf_dns_opts = { 500 };

/* A TXT record in strings of at most 250 octets. */
static inline void
write_record(size_t n, const char *record, struct tf_buf *out)
{
	struct tf_str rest = tf_str_from(record);

	tf_buf_printf(out, "t%zu.example. TXT", n);
	for (; rest.len != 0; rest = tf_str_sub(rest, 250, rest.len)) {
		tf_buf_lit(out, " \"");
		tf_buf_str(out, tf_str_sub(rest, 0, 250));
		tf_buf_byte(out, '"');
	}
	tf_buf_byte(out, '\n');
}

static inline struct tf_resolver *
resolver_keeping(struct tf_str text, bool cache)
{
	char storage[256];
	struct tf_buf why;
	struct tf_resolver_opts ropts = { .timeout_ms = 5000,
		.cache = cache,
		.cache_bytes = 1 << 20,
		.zone_text = text,
		.zone_only = true };
	struct tf_resolver *r;

	tf_buf_init(&why, storage, sizeof(storage));
	r = tf_resolver_new(&ropts, &why);
	if (r == NULL)
		fail_msg("zone: %s", tf_buf_cstr(&why));
	return r;
}

/* Nothing is at hand: every question goes to the resolver's thread. */
static inline struct tf_resolver *
resolver_of(struct tf_str text)
{
	return resolver_keeping(text, false);
}

static inline struct tf_resolver *
resolver_with(const char *text)
{
	return resolver_of(tf_str_from(text));
}

static inline struct tf_identity
identity(const char *ip, const char *helo, const char *from)
{
	struct tf_identity id = { .helo = tf_str_from(helo),
		.mail_from = tf_str_from(from),
		.receiver = TF_LIT("mx.receiver.example"),
		.now = 1700000000 };

	tf_addr_parse(tf_str_from(ip), &id.client);
	return id;
}

/* Asks so much for other names that nothing of that identity is asked ahead. */
static inline void
use_up_share(struct tf_arena *a, struct tf_dns *dns, enum tf_spf_identity which)
{
	uint32_t share = tf_dns_budget(dns) / (which == TF_SPF_HELO ? 10 : 3);

	for (uint32_t i = 0; i < share; i++)
		tf_dns_start(dns, tf_arena_printf(a, "other%u.example", i), TF_TYPE_A);
}

/*
 * Waits until the resolver thread has done all that follows from what was asked: each round trip
 * through its inbox takes it at least one step further, and no plan has more steps than that.
 */
static inline void
settle(struct tf_resolver *r)
{
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	char name[32];

	for (int i = 0; i < 24; i++) {
		snprintf(name, sizeof(name), "round%d.example", i);
		tf_dns_ask(dns, tf_str_from(name), TF_TYPE_A);
	}
	tf_dns_end(dns);
}

static inline struct tf_spf
evaluate(struct tf_arena *a, struct tf_resolver *r, const struct tf_spf_opts *o,
    const struct tf_identity *id, enum tf_spf_identity which)
{
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_spf spf;

	tf_spf_eval(tf_spf_start(a, dns, o, id, which), &notes, &spf);
	assert_true(notes.count != 0);
	for (const struct tf_note *n = notes.first; n != NULL; n = n->next) {
		assert_num(
		    "note's check", n->check, which == TF_SPF_HELO ? TF_CHECK_HELO : TF_CHECK_SPF);
	}
	tf_dns_end(dns);
	return spf;
}

/* '#' becomes n. */
static inline const char *
numbered(struct tf_arena *a, const char *text, size_t n)
{
	struct tf_str s = tf_str_from(text);
	size_t hash = tf_str_find(s, '#');

	if (hash == s.len)
		return text;
	return numbered(
	    a, tf_arena_printf(a, "%.*s%zu%s", (int)hash, text, n, text + hash + 1).ptr, n);
}

static inline void
run_row(struct tf_arena *a, struct tf_resolver *r, const struct row *row, size_t n)
{
	struct tf_identity id = identity(row->ip, row->helo, numbered(a, row->from, n));
	struct tf_spf spf = evaluate(a, r, &spf_opts, &id, TF_SPF_MAILFROM);

	assert_str(
	    row->what, tf_str_from(tf_code_name(spf.code)), tf_str_from(tf_code_name(row->code)));
	assert_str(row->what, spf.mechanism, tf_str_from(row->mechanism));
	assert_str(row->what, spf.reason, tf_str_from(row->reason));
	assert_num(row->what, spf.terms, row->terms);
	assert_num(row->what, spf.voids, row->voids);
	assert_str(row->what, spf.explanation, TF_STR(""));
}

static inline void
run_rows(const struct row *rows, size_t count)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r;
	struct tf_buf text;

	tf_buf_init_arena(&text, a, ZONE_MAX);
	tf_buf_lit(&text, spf_zone);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].record != NULL)
			write_record(i, rows[i].record, &text);
	}
	r = resolver_of(tf_buf_get(&text));
	for (size_t i = 0; i < count; i++)
		run_row(a, r, &rows[i], i);
	tf_resolver_release(r);
	tf_arena_free(a);
}

#endif
