/*
 * test_dns_answer.c - packets to answers: what is accepted, and as what
 */
#include <string.h>

#include "policy/dns_answer.h"
#include "tests/unit/dns_packet.h"
#include "tests/unit/test.h"

#define OK 0x8180 /* QR, RD, RA */

/* "STATUS RECORD|RECORD..." */
static struct tf_str
show(struct tf_str packet, const char *name, enum tf_dns_type type, struct tf_arena *a)
{
	struct tf_dns_answer answer;
	const struct tf_str *texts;
	struct tf_buf out;

	tf_dns_answer_parse(packet, tf_str_from(name), type, a, &answer);
	texts = tf_dns_answer_write(&answer, type, a);
	tf_buf_init_arena(&out, a, 400000);
	tf_buf_lit(&out, tf_dns_status_name(answer.status));
	if (answer.status != TF_DNS_NOERROR)
		assert_num("no records beside a status", answer.count, 0);
	for (size_t i = 0; i < answer.count; i++) {
		tf_buf_byte(&out, i == 0 ? ' ' : '|');
		tf_buf_str(&out, texts[i]);
	}
	return tf_buf_get(&out);
}

struct row {
	const char *what;
	uint16_t flags;
	enum tf_dns_type type;
	const char *records, *want;
};

/* clang-format off */
static const struct row rows[] = {
	{ "one record", OK, TF_TYPE_TXT, "q.test TXT hello", "noerror hello" },
	{ "strings are joined", OK, TF_TYPE_TXT, "q.test TXT v=spf1 |-all", "noerror v=spf1 -all" },
	{ "no string but an empty one", OK, TF_TYPE_TXT, "q.test TXT ", "noerror " },
	{ "order of the packet", OK, TF_TYPE_TXT, "q.test TXT b; q.test TXT a", "noerror b|a" },
	{ "control and 8-bit bytes", OK, TF_TYPE_TXT, "q.test TYPE16 05000A80FF5C",
	    "noerror \\000\\010\\128\\255\\\\" },
	{ "string longer than its record (RFC 1035 3.3.14)", OK, TF_TYPE_TXT,
	    "q.test TYPE16 0561", "malformed" },
	{ "owner in capitals (RFC 4343)", OK, TF_TYPE_TXT, "Q.TEST TXT x", "noerror x" },
	{ "MX by preference, ties in order", OK, TF_TYPE_MX,
	    "q.test MX 20 b.test; q.test MX 5 C.test; q.test MX 20 a.test; q.test MX 0 .",
	    "noerror 0 .|5 c.test.|20 b.test.|20 a.test." },
	{ "MX cut short", OK, TF_TYPE_MX, "q.test TYPE15 00", "malformed" },
	{ "MX with bytes behind the name", OK, TF_TYPE_MX, "q.test TYPE15 000A0000", "malformed" },
	{ "A", OK, TF_TYPE_A, "q.test A 192.0.2.1; q.test A 192.0.2.1",
	    "noerror 192.0.2.1|192.0.2.1" },
	{ "A of 3 octets", OK, TF_TYPE_A, "q.test TYPE1 C00002", "malformed" },
	{ "A of 5 octets", OK, TF_TYPE_A, "q.test TYPE1 C000020101", "malformed" },
	{ "AAAA", OK, TF_TYPE_AAAA, "q.test AAAA 2001:db8::1", "noerror 2001:db8::1" },
	{ "v4-mapped AAAA", OK, TF_TYPE_AAAA, "q.test AAAA ::ffff:192.0.2.1", "noerror 192.0.2.1" },
	{ "PTR in lower case", OK, TF_TYPE_PTR, "q.test PTR MAIL.Example.Com",
	    "noerror mail.example.com." },
	{ "target with a dot in a label", OK, TF_TYPE_PTR, "q.test TYPE12 03612E6200", "malformed" },
	{ "target with a NUL in a label", OK, TF_TYPE_PTR, "q.test TYPE12 0361006200", "malformed" },
	{ "no records (RFC 2308)", OK, TF_TYPE_TXT, "", "nodata" },
	{ "records of another type", OK, TF_TYPE_TXT, "q.test A 192.0.2.1", "nodata" },
	{ "NXDOMAIN", OK | 3, TF_TYPE_TXT, "", "nxdomain" },
	{ "NXDOMAIN with the record asked", OK | 3, TF_TYPE_TXT, "q.test TXT x", "malformed" },
	{ "alias", OK, TF_TYPE_TXT, "q.test CNAME a.test; a.test TXT x", "noerror x" },
	{ "alias, any order", OK, TF_TYPE_TXT, "a.test TXT x; q.test CNAME A.Test", "noerror x" },
	{ "alias to nothing", OK | 3, TF_TYPE_TXT, "q.test CNAME a.test", "nxdomain" },
	{ "alias to no such type", OK, TF_TYPE_TXT, "q.test CNAME a.test", "nodata" },
	{ "8 aliases", OK, TF_TYPE_TXT,
	    "q.test CNAME 1.test; 1.test CNAME 2.test; 2.test CNAME 3.test; 3.test CNAME 4.test;"
	    "4.test CNAME 5.test; 5.test CNAME 6.test; 6.test CNAME 7.test; 7.test CNAME 8.test;"
	    "8.test TXT x", "noerror x" },
	{ "9 aliases", OK, TF_TYPE_TXT,
	    "q.test CNAME 1.test; 1.test CNAME 2.test; 2.test CNAME 3.test; 3.test CNAME 4.test;"
	    "4.test CNAME 5.test; 5.test CNAME 6.test; 6.test CNAME 7.test; 7.test CNAME 8.test;"
	    "8.test CNAME 9.test; 9.test TXT x", "malformed" },
	{ "alias loop", OK, TF_TYPE_TXT, "q.test CNAME a.test; a.test CNAME q.test", "malformed" },
	{ "alias to itself", OK, TF_TYPE_TXT, "q.test CNAME q.test", "malformed" },
	{ "two aliases at a name (RFC 2181 10.1)", OK, TF_TYPE_TXT,
	    "q.test CNAME a.test; q.test CNAME b.test; a.test TXT x", "malformed" },
	{ "alias beside the chain", OK, TF_TYPE_TXT, "q.test TXT x; y.test CNAME z.test",
	    "malformed" },
	{ "record beside the chain", OK, TF_TYPE_TXT, "q.test TXT x; y.test TXT y", "malformed" },
	{ "record at the alias", OK, TF_TYPE_TXT, "q.test CNAME a.test; q.test TXT x", "malformed" },
	{ "record of the name below", OK, TF_TYPE_TXT, "x.q.test TXT x", "malformed" },
	{ "owner with a dot in its label", OK, TF_TYPE_TXT, "q.test TXT x; q.tes. TXT y",
	    "malformed" },
	{ "signatures are no records (RFC 4035)", OK, TF_TYPE_TXT,
	    "q.test TXT x; q.test TYPE46 001008020000012C0000000100000000000104746573740041",
	    "noerror x" },
	{ "SERVFAIL", OK | 2, TF_TYPE_TXT, "", "servfail" },
	{ "SERVFAIL with a record", OK | 2, TF_TYPE_TXT, "q.test TXT x", "servfail" },
	{ "FORMERR", OK | 1, TF_TYPE_TXT, "", "servfail" },
	{ "NOTIMP", OK | 4, TF_TYPE_TXT, "", "servfail" },
	{ "YXDOMAIN", OK | 6, TF_TYPE_TXT, "", "servfail" },
	{ "REFUSED", OK | 5, TF_TYPE_TXT, "", "refused" },
	{ "a question, no reply", 0x0100, TF_TYPE_TXT, "q.test TXT x", "malformed" },
	{ "truncated", OK | 0x0200, TF_TYPE_TXT, "q.test TXT x", "malformed" },
	{ "opcode NOTIFY", OK | 0x2000, TF_TYPE_TXT, "q.test TXT x", "malformed" },
	{ "authoritative", OK | 0x0400, TF_TYPE_TXT, "q.test TXT x", "noerror x" },
};
/* clang-format on */

static void
test_records(void **state)
{
	struct packet *p = tf_xmalloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();

		packet_init(p, 0, rows[i].flags, "q.test", (uint16_t)rows[i].type);
		packet_records(p, rows[i].records);
		assert_str(rows[i].what, show(packet_str(p), "q.test", rows[i].type, a),
		    tf_str_from(rows[i].want));
		tf_arena_free(a);
	}
	tf_xfree(p);
}

/* An alias exists, whatever its target does (RFC 6604). */
static void
test_alias(void **state)
{
	static const struct {
		const char *what, *records;
		uint16_t flags;
		enum tf_dns_status want;
		bool alias;
	} aliases[] = {
		{ "alias to nothing", "q.test CNAME a.test", OK | 3, TF_DNS_NXDOMAIN, true },
		{ "alias to no such type", "q.test CNAME a.test", OK, TF_DNS_NODATA, true },
		{ "alias to a record", "q.test CNAME a.test; a.test TXT x", OK, TF_DNS_NOERROR,
		    true },
		{ "nothing", "", OK | 3, TF_DNS_NXDOMAIN, false },
		{ "a record", "q.test TXT x", OK, TF_DNS_NOERROR, false },
		{ "a loop", "q.test CNAME q.test", OK | 3, TF_DNS_MALFORMED, false },
	};
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(aliases); i++) {
		struct tf_dns_answer answer;

		packet_init(p, 0, aliases[i].flags, "q.test", 16);
		packet_records(p, aliases[i].records);
		tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
		assert_num(aliases[i].what, answer.status, aliases[i].want);
		assert_num(aliases[i].what, answer.alias, aliases[i].alias);
	}
	tf_arena_free(a);
	tf_xfree(p);
}

/* The question must be the one we asked: (name, type, class). */
static void
test_question(void **state)
{
	static const struct {
		const char *what, *qname;
		uint16_t qtype, qclass;
		const char *want;
	} questions[] = {
		{ "as asked", "q.test", 16, 1, "noerror x" },
		{ "in capitals", "Q.tEST", 16, 1, "noerror x" },
		{ "another name", "r.test", 16, 1, "malformed" },
		{ "a name below", "a.q.test", 16, 1, "malformed" },
		{ "the root", ".", 16, 1, "malformed" },
		{ "another type", "q.test", 1, 1, "malformed" },
		{ "ANY", "q.test", 255, 1, "malformed" },
		{ "class CH", "q.test", 16, 3, "malformed" },
	};
	struct packet *p = tf_xmalloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(questions); i++) {
		struct tf_arena *a = tf_arena_new();

		packet_init(p, 0, OK, questions[i].qname, questions[i].qtype);
		packet_set_u16(p, p->len - 2, questions[i].qclass);
		packet_records(p, "q.test TXT x");
		assert_str(questions[i].what, show(packet_str(p), "q.test", TF_TYPE_TXT, a),
		    tf_str_from(questions[i].want));
		tf_arena_free(a);
	}
	tf_xfree(p);
}

/* Counts of the header that are not what follows. */
static void
test_counts(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint16_t value;
		const char *want;
	} counts[] = {
		{ "no question", 4, 0, "malformed" },
		{ "two questions", 4, 2, "malformed" },
		{ "fewer answers than there are", 6, 0, "malformed" },
		{ "more answers than there are", 6, 2, "malformed" },
		{ "65,535 answers", 6, 65535, "malformed" },
		{ "authority that is not there", 8, 1, "malformed" },
		{ "additional that is not there", 10, 1, "malformed" },
	};
	struct packet *p = tf_xmalloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(counts); i++) {
		struct tf_arena *a = tf_arena_new();

		packet_init(p, 0, OK, "q.test", 16);
		packet_records(p, "q.test TXT x");
		packet_set_u16(p, counts[i].at, counts[i].value);
		assert_str(counts[i].what, show(packet_str(p), "q.test", TF_TYPE_TXT, a),
		    tf_str_from(counts[i].want));
		tf_arena_free(a);
	}
	tf_xfree(p);
}

/* How long an answer may be kept. The TTL of the first record is that of the row, others have 300,
 * the SOA in the authority section 300 and a minimum of 60. */
static void
test_times(void **state)
{
	static const struct {
		const char *what;
		uint16_t flags;
		const char *records;
		bool soa;
		uint32_t ttl_s, want;
	} times[] = {
		{ "one record", OK, "q.test TXT x", false, 7, 7 },
		{ "the authority section is nothing to it", OK, "q.test TXT x", true, 100, 100 },
		{ "the shortest", OK, "q.test TXT x; q.test TXT y", false, 1000, 300 },
		{ "that of an alias, too", OK, "q.test CNAME a.test; a.test TXT x", false, 5, 5 },
		{ "none", OK, "q.test TXT x", false, 0, 0 },
		{ "top bit set (RFC 2181 8)", OK, "q.test TXT x", false, 0x80000001, 0 },
		{ "longest", OK, "q.test TXT x", false, 0x7fffffff, 0x7fffffff },
		{ "no such type (RFC 2308 5)", OK, "", true, 0, 60 },
		{ "no such name", OK | 3, "", true, 0, 60 },
		{ "without a SOA it is not kept", OK | 3, "", false, 0, 0 },
		{ "an alias to nothing", OK | 3, "q.test CNAME a.test", true, 5, 5 },
		{ "an alias to nothing, longer than that", OK, "q.test CNAME a.test", true, 90,
		    60 },
		{ "a failure is not kept", OK | 2, "q.test TXT x", true, 7, 0 },
		{ "malformed", OK, "q.test TXT x; b.test TXT x", false, 7, 0 },
	};
	const size_t ttl_at = 12 + 8 + 4 + 8 + 4; /* header, question, owner, type and class */
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();
	struct tf_dns_answer answer;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(times); i++) {
		packet_init(p, 0, times[i].flags, "q.test", 16);
		packet_records(p, times[i].records);
		if (times[i].records[0] != '\0') {
			packet_set_u16(p, ttl_at, (uint16_t)(times[i].ttl_s >> 16));
			packet_set_u16(p, ttl_at + 2, (uint16_t)times[i].ttl_s);
		}
		if (times[i].soa)
			packet_authority(p);
		tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
		assert_num(times[i].what, answer.ttl_s, times[i].want);
	}
	tf_arena_free(a);
	tf_xfree(p);
}

/* A packet cut anywhere is malformed: no shorter answer hides in a longer one. */
static void
test_every_cut(void **state)
{
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();

	(void)state;
	packet_init(p, 0, OK, "q.test", 16);
	packet_records(p, "q.test CNAME a.test; a.test TXT v=spf1 |-all");
	packet_authority(p);
	assert_str(
	    "whole", show(packet_str(p), "q.test", TF_TYPE_TXT, a), TF_STR("noerror v=spf1 -all"));
	for (size_t len = 0; len < p->len; len++) {
		uint8_t *exact = tf_xmalloc(len); /* so that a sanitizer sees every byte too far */

		memcpy(exact, p->bytes, len);
		assert_str("cut",
		    show((struct tf_str){ (const char *)exact, len }, "q.test", TF_TYPE_TXT, a),
		    TF_STR("malformed"));
		tf_xfree(exact);
	}
	tf_arena_free(a);
	tf_xfree(p);
}

static void
test_compression(void **state)
{
	static const uint8_t to_itself[] = { 0xc0, 0x17 }, beyond[] = { 0xff, 0xff },
			     to_question[] = { 0xc0, 0x0c };
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();

	(void)state;
	packet_init(p, 0, OK, "q.test", 12);
	assert_num("records begin at", p->len, 24);
	packet_record(p, "q.test", 12, to_question, 2);
	assert_str("a target that is the question", show(packet_str(p), "q.test", TF_TYPE_PTR, a),
	    TF_STR("noerror q.test."));
	packet_init(p, 0, OK, "q.test", 12);
	packet_record(p, "q.test", 12, beyond, 2);
	assert_str("a pointer beyond the packet", show(packet_str(p), "q.test", TF_TYPE_PTR, a),
	    TF_STR("malformed"));
	packet_init(p, 0, OK, "q.test", 12);
	packet_record(p, "q.test", 12, to_itself, 2);
	packet_set_u16(p, p->len - 2, (uint16_t)(0xc000 | (p->len - 2)));
	assert_str("a pointer to itself", show(packet_str(p), "q.test", TF_TYPE_PTR, a),
	    TF_STR("malformed"));
	tf_arena_free(a);
	tf_xfree(p);
}

static void
fill(struct packet *p, size_t records, size_t strings)
{
	uint8_t rdata[16 * 256];

	memset(rdata, 'x', sizeof(rdata));
	for (size_t i = 0; i < strings; i++)
		rdata[i * 256] = 255;
	packet_init(p, 0, OK, "q.test", 16);
	for (size_t i = 0; i < records; i++)
		packet_record(p, "q.test", 16, rdata, strings * 256);
}

#define LAST 100 /* octets of the last string */

/* One record more, so that the packet has the most octets that there can be; those of its data. */
static size_t
fill_up(struct packet *p)
{
	uint8_t rdata[8192];
	const size_t len = PACKET_ROOM - p->len - strlen("q.test") - 2 - 10;
	size_t at = 0;

	assert_true(len < sizeof(rdata));
	memset(rdata, 'x', sizeof(rdata));
	while (at < len - 1 - LAST) {
		const size_t left = len - 1 - LAST - at, n = left > 256 ? 256 : left;

		rdata[at] = (uint8_t)(n - 1);
		at += n;
	}
	rdata[at] = LAST;
	packet_record(p, "q.test", 16, rdata, len);
	return len;
}

static void
test_limits(void **state)
{
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();
	struct tf_dns_answer answer;
	char *large = tf_xmalloc(65536);
	size_t whole;

	(void)state;
	fill(p, 100, 2);
	tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
	assert_num("100 records", answer.status, TF_DNS_NOERROR);
	assert_num("100 records", answer.count, 100);
	assert_num("of 510 octets", answer.txts[99].len, 510);
	fill(p, 101, 2);
	tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
	assert_num("101 records", answer.status, TF_DNS_MALFORMED);
	fill(p, 15, 16);
	tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
	assert_num("61 KB of text", answer.status, TF_DNS_NOERROR);
	assert_num("61 KB of text", answer.txts[14].len, 4080);
	whole = fill_up(p);
	assert_int_equal(p->len, 65535);
	tf_dns_answer_parse(packet_str(p), TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
	assert_num("65535 octets", answer.status, TF_DNS_NOERROR);
	assert_num("65535 octets", answer.count, 16);
	/* The last record a byte longer. */
	memcpy(large, p->bytes, p->len);
	large[p->len] = 'x';
	large[p->len - whole - 2] = (char)((whole + 1) >> 8);
	large[p->len - whole - 1] = (char)((whole + 1) & 255);
	large[p->len - 1 - LAST]++;
	tf_dns_answer_parse(
	    (struct tf_str){ large, 65536 }, TF_STR("q.test"), TF_TYPE_TXT, a, &answer);
	assert_num("65536 octets", answer.status, TF_DNS_MALFORMED);
	tf_xfree(large);
	tf_arena_free(a);
	tf_xfree(p);
}

/* Records that nobody asked for, in the same section: 255 beside the one, and one more. */
static void
test_section(void **state)
{
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();
	static const uint8_t address[4] = { 192, 0, 2, 1 }, text[2] = { 1, 'x' };

	(void)state;
	packet_init(p, 0, OK, "q.test", 16);
	packet_record(p, "q.test", 16, text, sizeof(text));
	for (int i = 0; i < 255; i++)
		packet_record(p, "q.test", 1, address, sizeof(address));
	assert_str(
	    "256 records", show(packet_str(p), "q.test", TF_TYPE_TXT, a), TF_STR("noerror x"));
	packet_record(p, "q.test", 1, address, sizeof(address));
	assert_str(
	    "257 records", show(packet_str(p), "q.test", TF_TYPE_TXT, a), TF_STR("malformed"));
	tf_arena_free(a);
	tf_xfree(p);
}

static void
test_longest_name(void **state)
{
	char name[254];
	struct packet *p = tf_xmalloc(sizeof(*p));
	struct tf_arena *a = tf_arena_new();
	struct tf_dns_answer answer;

	(void)state;
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	packet_init(p, 0, OK, name, 12);
	assert_num("question of 253 octets", p->len, 12 + 255 + 4);
	packet_record(p, name, 12, p->bytes + 12, 255);
	tf_dns_answer_parse(packet_str(p), tf_str_from(name), TF_TYPE_PTR, a, &answer);
	assert_num("253 octets", answer.status, TF_DNS_NOERROR);
	assert_str("253 octets", answer.names[0], tf_str_from(name));
	tf_arena_free(a);
	tf_xfree(p);
}

static void
test_name_write(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in, want;
	} names[] = {
		{ "plain", TF_LIT("s1._domainkey.example-1.com"),
		    TF_LIT("s1._domainkey.example-1.com.") },
		{ "the root", TF_LIT(""), TF_LIT(".") },
		{ "what presentation form would read otherwise", TF_LIT("a\\b\"(c);@$.d e"),
		    TF_LIT("a\\092b\\034\\040c\\041\\059\\064\\036.d\\032e.") },
		{ "8-bit bytes", TF_LIT("\303\244"), TF_LIT("\\195\\164.") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(names); i++) {
		char storage[256];
		struct tf_buf out;

		tf_buf_init(&out, storage, sizeof(storage));
		tf_dns_name_write(names[i].in, &out);
		assert_str(names[i].what, tf_buf_get(&out), names[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_compression),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_name_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
