/*
 * test_arc.c - chains that were sealed, changed and sealed again
 */
#include "policy/arc.h"
#include "tests/unit/arc_fixture.h"
#include "tests/unit/dns_server.h"

#define E SIGNER_ED25519
#define MORE_AMS(more)                                                                             \
	" i=%I; a=%K; c=relaxed/relaxed; d=%D; s=%S; h=From:To; bh=%H; " more "; b=%B"

/* What tf_arc_eval said, and what it took. */
struct outcome {
	struct tf_arc arc;
	struct tf_notes notes;
	uint32_t asked;
};

static const struct tf_dkim_opts defaults = { .min_rsa_bits = 1024, .clock_skew_s = 300 };

static struct outcome
validate(const struct mail *m, struct tf_resolver *r, const struct tf_dkim_opts *opts,
    uint32_t max_questions)
{
	struct tf_dns *dns = begin(r, max_questions);
	struct tf_header_block *hb = new_header(m->arena);
	struct tf_signed_message *message;
	struct tf_arc_check *c;
	struct outcome o = { .asked = 0 };

	add_header(hb, m->header);
	message = tf_signed_message_new(m->arena, hb, NULL);
	c = tf_arc_start(m->arena, dns, opts, NULL, message, NOW);
	tf_body_hashes_feed(tf_signed_message_body(message), m->body);
	tf_body_hashes_finish(tf_signed_message_body(message));
	tf_arc_eval(c, &o.notes, &o.arc);
	o.asked = tf_dns_asked(dns);
	tf_dns_end(dns);
	return o;
}

static void
check_arc(const char *what, const struct tf_arc *arc, enum tf_code code, uint32_t failed,
    uint32_t oldest, const char *reason)
{
	assert_str(what, arc->reason, tf_str_from(reason));
	assert_num(what, arc->code, code);
	assert_num(what, arc->failed_instance, failed);
	assert_num(what, arc->oldest_pass, oldest);
}

/* A message sealed by some, with what happens to it in between and behind. */
static const struct row {
	const char *what;
	struct seal seals[3];
	uint32_t count;
	uint32_t changed_after; /* this instance; 0: before all */
	const char *from, *to;  /* NULL: nothing is changed */
	enum tf_code code;
	uint32_t failed, oldest;
	const char *reason;
} rows[] = {
	/* clang-format off */
	{ "ARC-2 one set", { { .bits = 2048 } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-2 two sets", { { .bits = 2048 }, { "second.example", .bits = E } }, 2, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-2 three sets", { { .bits = E }, { "second.example", .bits = 1024 }, { "third.example", .bits = E } }, 3, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-3 body changed between", { { .bits = E }, { "second.example", .bits = E } }, 2, 1, "Hello", "Hallo", TF_PASS, 0, 2, "" },
	{ "ARC-3 signed header changed between", { { .bits = E }, { .bits = E }, { .bits = E } }, 3, 2, "Lunch", "[list] Lunch", TF_PASS, 0, 3, "" },
	{ "ARC-4 body changed behind", { { .bits = E } }, 1, 1, "Hello", "Hallo", TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: body hash did not verify" },
	{ "ARC-4 signed header changed behind", { { .bits = E }, { .bits = E } }, 2, 2, "Lunch", "Lunches", TF_FAIL, 2, 0, "ARC-Message-Signature of set 2: signature did not verify" },
	{ "ARC-4 unsigned header changed behind", { { .bits = E } }, 1, 1, "from a by b", "from a by c", TF_PASS, 0, 0, "" },
	{ "ARC-4 body changed, old chain replayed", { { .bits = E }, { .bits = E } }, 2, 2, "lunch", "wire money", TF_FAIL, 2, 0, "ARC-Message-Signature of set 2: body hash did not verify" },
	{ "ARC-5 AAR(1)", { { .bits = E, .results = " mx; spf=fail" }, { .bits = E } }, 2, 2, "spf=fail", "spf=pass", TF_FAIL, 1, 0, "ARC-Seal of set 1: signature did not verify" },
	{ "ARC-5 AAR(2)", { { .bits = E }, { .bits = E, .results = " mx; spf=fail" } }, 2, 2, "spf=fail", "spf=pass", TF_FAIL, 2, 0, "ARC-Seal of set 2: signature did not verify" },
	{ "ARC-5 AMS(1)", { { .bits = E, .message_tags = MORE_AMS("t=1") }, { .bits = E } }, 2, 2, "t=1;", "t=2;", TF_FAIL, 1, 0, "ARC-Seal of set 1: signature did not verify" },
	{ "ARC-5 AS(1)", { { .bits = E, .seal_tags = " i=%I; a=%K; cv=%V; d=%D; s=%S; b=%B; x=1" }, { .bits = E } }, 2, 2, "x=1", "x=2", TF_FAIL, 1, 0, "ARC-Seal of set 1: signature did not verify" },
	{ "ARC-5 AMS(2), the newest", { { .bits = E }, { .bits = E, .message_tags = MORE_AMS("t=1") } }, 2, 2, "t=1;", "t=2;", TF_FAIL, 2, 0, "ARC-Message-Signature of set 2: signature did not verify" },
	{ "the set of another message", { { .bits = E }, { .bits = E } }, 2, 1, "ARC-Authentication-Results: i=1; mx.lists", "ARC-Authentication-Results: i=1; mx.other", TF_FAIL, 1, 0, "ARC-Seal of set 1: signature did not verify" },

	{ "ARC-10 AS with c=simple and w=1 is relaxed", { { .bits = E, .seal_tags = " i=%I; a=%K; c=simple; w=1;\r\n\tcv=%V; d=%D;  s=%S; b=%B" } }, 1, 1, "w=1;\r\n\tcv", "w=1; \t cv", TF_PASS, 0, 0, "" },
	{ "ARC-13 no c= is simple/simple", { { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=%S; h=From:Subject; bh=%H; b=%B" } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-13 simple sees blanks", { { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=%S; h=From:Subject; bh=%H; b=%B" } }, 1, 1, "Lunch \tat", "Lunch at", TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: signature did not verify" },
	{ "relaxed does not", { { .bits = E } }, 1, 1, "Lunch \tat", "Lunch at", TF_PASS, 0, 0, "" },
	{ "ARC-14 h= covers an earlier AMS", { { .bits = E }, { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=%S; c=relaxed; h=From:ARC-Message-Signature; bh=%H; b=%B" } }, 2, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-16 512 bits", { { .bits = 512 } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: key is too short" },
	{ "ARC-16 512 bits, older seal", { { .bits = 512 }, { .bits = E } }, 2, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Seal of set 1: key is too short" },
	{ "ARC-16 1024 bits", { { .bits = 1024 } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-16 a= of another type of key", { { .bits = E, .seal_tags = " i=%I; a=rsa-sha256; cv=%V; d=%D; s=%S; b=%B" } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Seal of set 1: key does not fit the algorithm" },
	{ "ARC-17 different d= and s=", { { .bits = E, .seal_tags = " i=%I; a=%K; cv=%V; d=second.example; s=ed; b=%B" } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "sealed in another's name", { { .bits = E, .seal_tags = " i=%I; a=%K; cv=%V; d=second.example; s=r2048; b=%B" } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Seal of set 1: key does not fit the algorithm" },
	{ "ARC-18 folds in b=", { { .bits = 2048, .seal_tags = " i=%I; a=%K; cv=%V; d=%D; s=%S;\r\n b= %B " } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-19 no t=", { { .bits = E, .message_tags = MORE_AMS("w=1"), .seal_tags = " i=%I; a=%K; cv=%V; d=%D; s=%S; b=%B" } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-20 no key", { { .bits = E, .selector = "none" } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: key not found" },
	{ "ARC-20 no key of a seal", { { .bits = E, .selector = "none" }, { .bits = E } }, 2, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Seal of set 1: key not found" },
	{ "ARC-20 revoked", { { .bits = E, .selector = "revoked" } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: key revoked" },
	{ "t=s of a key: there is no i= to forbid", { { .bits = E, .selector = "exact" } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "ARC-21 folds, blanks, names in upper case", { { .bits = E }, { .bits = E } }, 2, 2, "ARC-Seal: i=1; a", "ARC-SEAL:i=1;\r\n\ta", TF_PASS, 0, 0, "" },
	{ "ARC-24 U-label", { { "b\xc3\xbc" "cher.example", .bits = E } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },

	{ "l= of all", { { .bits = E, .message_tags = MORE_AMS("l=38") } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "D2 a part appended", { { .bits = E, .message_tags = MORE_AMS("l=38") } }, 1, 1, "-- \r\nAlice\r\n", "-- \r\nAlice\r\nEvil\r\n", TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: 6 octets of the body are not signed" },
	{ "l= beyond the body", { { .bits = E, .message_tags = MORE_AMS("l=99") } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: l= exceeds the body" },
	{ "D12 bare CR in the body", { { .bits = E } }, 1, 0, "lunch", "lu\rnch", TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: bare CR in the body" },
	{ "D12 bare LF in the body, relaxed", { { .bits = E } }, 1, 0, "lunch", "lu\nnch", TF_PASS, 0, 0, "" },
	{ "D12 bare LF in the body, simple", { { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=%S; h=From; bh=%H; b=%B" } }, 1, 0, "lunch", "lu\nnch", TF_PASS, 0, 0, "" },
	{ "x= to come", { { .bits = E, .message_tags = MORE_AMS("x=1700000010") } }, 1, 0, NULL, NULL, TF_PASS, 0, 0, "" },
	{ "an older AMS that expired", { { .bits = E, .message_tags = MORE_AMS("x=1600000010") }, { .bits = E } }, 2, 0, NULL, NULL, TF_PASS, 0, 2, "" },
	{ "an older AMS whose key is gone", { { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=none; h=From; bh=%H; b=%B" }, { .bits = E } }, 2, 0, NULL, NULL, TF_PASS, 0, 2, "" },
	{ "bh= of another length", { { .bits = E, .message_tags = " i=%I; a=%K; d=%D; s=%S; h=From; bh=AAAA; b=%B" } }, 1, 0, NULL, NULL, TF_FAIL, 1, 0, "ARC-Message-Signature of set 1: body hash did not verify" },
	/* clang-format on */
};

static struct mail
mail_of(const struct row *row, struct tf_arena *a)
{
	struct mail m = new_mail(a);

	for (uint32_t i = 0; i <= row->count; i++) {
		if (i != 0)
			seal(&m, &row->seals[i - 1]);
		if (row->from != NULL && row->changed_after == i)
			change(&m, row->from, row->to);
	}
	return m;
}

static struct tf_resolver *
resolver(struct tf_arena *a)
{
	struct tf_resolver_opts opts;
	struct tf_buf zone;

	tf_buf_init_arena(&zone, a, 1 << 20);
	write_keys(a, &zone);
	opts = zone_opts(tf_buf_cstr(&zone));
	return resolver_or_fail(&opts);
}

static void
test_chains(void **state)
{
	struct tf_arena *zone = tf_arena_new();
	struct tf_resolver *r = resolver(zone);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct mail m = mail_of(&rows[i], a);
		struct outcome o = validate(&m, r, &defaults, 150);

		check_arc(rows[i].what, &o.arc, rows[i].code, rows[i].failed, rows[i].oldest,
		    rows[i].reason);
		assert_num(rows[i].what, o.arc.instances, rows[i].count);
		assert_num(rows[i].what, o.arc.set_count, rows[i].count);
		tf_arena_free(a);
	}
	tf_resolver_release(r);
	tf_arena_free(zone);
}

/* dkim.min_rsa_bits and dkim.partial_body hold for chains, too. */
static void
test_options(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver(a);
	struct tf_dkim_opts opts = defaults;
	struct mail m = new_mail(a);
	struct outcome o;

	(void)state;
	seal(&m, &(struct seal){ .bits = 1024 });
	opts.min_rsa_bits = 1025;
	o = validate(&m, r, &opts, 150);
	check_arc("dkim.min_rsa_bits", &o.arc, TF_FAIL, 1, 0,
	    "ARC-Message-Signature of set 1: key is too short");
	m = new_mail(a);
	seal(&m, &(struct seal){ .bits = E, .message_tags = MORE_AMS("l=3") });
	opts.accept_partial_body = true;
	o = validate(&m, r, &opts, 150);
	check_arc("dkim.partial_body", &o.arc, TF_PASS, 0, 0, "");
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* What reports, log and verdict are made of. */
static void
test_facts(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver(a);
	struct mail m = new_mail(a);
	struct outcome o;
	const struct tf_note *note;

	(void)state;
	seal(
	    &m, &(struct seal){ "evil.example", .bits = E, .results = " (x) \"mx.evil\" 1; none" });
	change(&m, "Lunch", "[list] Lunch");
	seal(
	    &m, &(struct seal){ "second.example", .bits = 2048, .results = AAR_OF("Example.COM") });
	o = validate(&m, r, &defaults, 150);
	check_arc("facts", &o.arc, TF_PASS, 0, 2, "");
	assert_int_equal(o.asked, 2);
	assert_str("sealer", o.arc.sealer, TF_STR("second.example"));
	assert_str("d=", o.arc.sets[0].domain, TF_STR("evil.example"));
	assert_str("s=", o.arc.sets[0].selector, TF_STR("ed"));
	assert_str("d= of the AMS", o.arc.sets[0].message_domain, TF_STR("evil.example"));
	assert_str("id", o.arc.sets[0].authserv_id, TF_STR("mx.evil"));
	assert_int_equal(o.arc.sets[0].message, TF_FAIL);
	assert_false(o.arc.sets[0].says_dmarc);
	assert_str("d=", o.arc.sets[1].domain, TF_STR("second.example"));
	assert_int_equal(o.arc.sets[1].message, TF_PASS);
	assert_true(o.arc.sets[1].says_dmarc);
	assert_int_equal(o.arc.sets[1].dmarc, TF_PASS);
	assert_str("from", o.arc.sets[1].from, TF_STR("example.com"));
	note = o.notes.first;
	assert_str("note", note->text,
	    TF_STR("set 1 (d=evil.example s=ed): message signature no longer valid; no usable "
		   "dmarc result"));
	assert_str("note", note->next->text,
	    TF_STR("set 2 (d=second.example s=r2048): message signature still valid; "
		   "mx.lists.example reported dmarc=pass header.from=example.com"));
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* Which AAR says what about DMARC. */
static void
test_results(void **state)
{
	/* clang-format off */
	static const struct {
		const char *what, *results;
		bool says;
		enum tf_code dmarc;
		const char *from;
	} cases[] = {
		{ "plain", AAR_OF("example.com"), true, TF_PASS, "example.com" },
		{ "any case", " x; DMARC=Pass Header.FROM=EXAMPLE.com", true, TF_PASS, "example.com" },
		{ "quoted", " x; dmarc=pass header.from=\"example.com\"", true, TF_PASS, "example.com" },
		{ "comments", " x; dmarc=pass (p=reject dis=none) header.from=example.com (x)", true, TF_PASS, "example.com" },
		{ "U-label", " x; dmarc=pass header.from=b\xc3\xbc" "cher.example", true, TF_PASS, "xn--bcher-kva.example" },
		{ "fail", " x; dmarc=fail header.from=example.com", true, TF_FAIL, "example.com" },
		{ "in a comment", " x; spf=pass (dmarc=pass header.from=example.com)", false, TF_NONE, "" },
		{ "in a quoted string", " x; spf=pass reason=\"; dmarc=pass header.from=example.com\"", false, TF_NONE, "" },
		{ "two results", " x; dmarc=fail header.from=example.com; dmarc=pass header.from=example.com", false, TF_NONE, "" },
		{ "the same twice", " x; dmarc=pass header.from=example.com; dmarc=pass header.from=example.com", false, TF_NONE, "" },
		{ "two authors", " x; dmarc=pass header.from=a.example header.from=example.com", false, TF_PASS, "example.com" },
		{ "no author", " x; dmarc=pass", true, TF_PASS, "" },
		{ "an address", " x; dmarc=pass header.from=a@example.com", true, TF_PASS, "" },
		{ "an encoded word", " x; dmarc=pass header.from=\"=?utf-8?q?example.com?=\"", true, TF_PASS, "" },
		{ "another property", " x; dmarc=pass policy.from=example.com", true, TF_PASS, "" },
		{ "another word", " x; dmarc=bestguesspass header.from=example.com", false, TF_NONE, "example.com" },
		{ "version 2 of the method", " x; dmarc/2=pass header.from=example.com", false, TF_NONE, "example.com" },
		{ "version 2 of the field", " x 2; dmarc=pass header.from=example.com", false, TF_NONE, "" },
		{ "a mistake behind it", " x; dmarc=pass header.from=example.com; spf", false, TF_NONE, "" },
		{ "a mistake before it", " x; spf=; dmarc=pass header.from=example.com", false, TF_NONE, "" },
		{ "no id", " dmarc=pass header.from=example.com", false, TF_NONE, "" },
		{ "none", " x; none", false, TF_NONE, "" },
		{ "nothing", "", false, TF_NONE, "" },
	};
	/* clang-format on */
	struct tf_arena *zone = tf_arena_new();
	struct tf_resolver *r = resolver(zone);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_arena *a = tf_arena_new();
		struct mail m = new_mail(a);
		struct outcome o;

		seal(&m, &(struct seal){ .bits = E, .results = cases[i].results });
		o = validate(&m, r, &defaults, 150);
		check_arc(cases[i].what, &o.arc, TF_PASS, 0, 0, "");
		assert_num(cases[i].what, o.arc.sets[0].says_dmarc, cases[i].says);
		assert_num(cases[i].what, o.arc.sets[0].dmarc, cases[i].dmarc);
		assert_str(cases[i].what, o.arc.sets[0].from, tf_str_from(cases[i].from));
		tf_arena_free(a);
	}
	tf_resolver_release(r);
	tf_arena_free(zone);
}

/* Sets in any order, and long chains. */
static void
test_order_and_size(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver(a);
	struct mail m = new_mail(a), shuffled;
	struct outcome o;

	(void)state;
	for (int i = 0; i < 3; i++)
		seal(&m, &(struct seal){ .bits = E });
	shuffled = m;
	shuffled.header = tf_arena_printf(a, "%s%.*s", HEADER, TF_PRI(m.sets));
	o = validate(&shuffled, r, &defaults, 150);
	check_arc("ARC-22 below the message's own fields, lowest first", &o.arc, TF_PASS, 0, 0, "");

	m = new_mail(a);
	for (int i = 0; i < 50; i++)
		seal(&m, &(struct seal){ .bits = E });
	o = validate(&m, r, &defaults, 150);
	check_arc("ARC-8 50 sets", &o.arc, TF_PASS, 0, 0, "");
	assert_int_equal(o.asked, 1);
	m.instances = 0; /* the next set claims to be the first */
	seal(&m, &(struct seal){ .bits = E });
	o = validate(&m, r, &defaults, 150);
	check_arc("ARC-8 51 sets", &o.arc, TF_FAIL, 0, 0, "more than 50 sets");
	assert_int_equal(o.asked, 0);
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* A third of the questions at most, and none at all for a chain that cannot be decided with them.
 */
static void
test_questions(void **state)
{
	static const struct {
		const char *what;
		uint32_t sets, max_questions;
		enum tf_code code;
		uint32_t oldest, asked;
		const char *reason;
	} cases[] = {
		{ "50 keys", 50, 150, TF_PASS, 0, 50, "" },
		{ "50 keys, 149 questions", 50, 149, TF_TEMPERROR, 0, 0, "too many DNS questions" },
		{ "4 keys of 10 questions", 4, 10, TF_TEMPERROR, 0, 0, "too many DNS questions" },
		{ "3 keys of 10 questions", 3, 10, TF_PASS, 0, 3, "" },
	};
	struct tf_arena *zone = tf_arena_new();
	struct tf_resolver *r = resolver(zone);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_arena *a = tf_arena_new();
		struct mail m = new_mail(a);
		struct outcome o;

		for (uint32_t n = 1; n <= cases[i].sets; n++)
			seal(&m, &(struct seal){
				     .bits = E, .selector = tf_arena_printf(a, "e%u", n).ptr });
		o = validate(&m, r, &defaults, cases[i].max_questions);
		check_arc(
		    cases[i].what, &o.arc, cases[i].code, 0, cases[i].oldest, cases[i].reason);
		assert_num(cases[i].what, o.asked, cases[i].asked);
		tf_arena_free(a);
	}
	tf_resolver_release(r);
	tf_arena_free(zone);
}

/* Keys of older message signatures are asked for as long as there are questions for them. */
static void
test_questions_for_older(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver(a);
	struct mail m = new_mail(a);
	struct outcome o;

	(void)state;
	for (uint32_t n = 1; n <= 9; n++)
		seal(&m, &(struct seal){ .bits = E,
			     .message_tags = " i=%I; a=%K; d=%D; s=e%I; h=From; bh=%H; b=%B" });
	o = validate(&m, r, &defaults, 15);
	check_arc("five questions", &o.arc, TF_PASS, 0, 6, "");
	assert_int_equal(o.asked, 5);
	o = validate(&m, r, &defaults, 150);
	check_arc("questions enough", &o.arc, TF_PASS, 0, 0, "");
	assert_int_equal(o.asked, 10);
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* Older message signatures over a huge header are not worth their cost. */
static void
test_work_for_older(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver(a);
	struct mail m = new_mail(a);
	struct outcome o;
	struct tf_buf header;

	(void)state;
	tf_buf_init_arena(&header, a, 8 << 20);
	tf_buf_lit(&header, HEADER "X-Large: ");
	while (header.len < 3 << 20)
		tf_buf_lit(&header, "0123456789");
	tf_buf_lit(&header, "\r\n");
	m.header = tf_buf_get(&header);
	for (int i = 0; i < 5; i++)
		seal(&m, &(struct seal){ .bits = E });
	o = validate(&m, r, &defaults, 150);
	check_arc("3 MiB", &o.arc, TF_PASS, 0, 3, "");
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* ARC-20: a key that could not be had is never a pass, and never hides a failure. */
static void
test_temperror(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_str key = tf_arena_printf(
	    a, "k=ed25519; p=%.*s", TF_PRI(signer_public(SIGNER_ED25519, false, a)));
	const struct dns_row table[] = {
		{ "ed._domainkey.lists.example", DNS_TXT, key.ptr },
		{ "bad._domainkey.lists.example", DNS_SERVFAIL, NULL },
		{ "refused._domainkey.lists.example", DNS_REFUSED, NULL },
		{ "silent._domainkey.lists.example", DNS_SILENT, NULL },
	};
	static const struct {
		const char *what, *lower, *upper, *from, *to;
		enum tf_code code;
		uint32_t failed;
		const char *reason;
	} cases[] = {
		{ "all keys there", NULL, NULL, NULL, NULL, TF_PASS, 0, "" },
		{ "SERVFAIL", "bad", NULL, NULL, NULL, TF_TEMPERROR, 1,
		    "ARC-Seal of set 1: key look-up failed" },
		{ "REFUSED", NULL, "refused", NULL, NULL, TF_TEMPERROR, 2,
		    "ARC-Message-Signature of set 2: key look-up failed" },
		{ "silence", "silent", NULL, NULL, NULL, TF_TEMPERROR, 1,
		    "ARC-Seal of set 1: key look-up timed out" },
		{ "and a change of the body", "bad", NULL, "Hello", "Hallo", TF_FAIL, 2,
		    "ARC-Message-Signature of set 2: body hash did not verify" },
		{ "and a change of a seal", "bad", NULL, "i=2; mx.lists", "i=2; mx.other", TF_FAIL,
		    2, "ARC-Seal of set 2: signature did not verify" },
	};
	struct dns_server *server = dns_server_start(table, TF_ARRAY_LEN(table));
	const struct tf_str address = dns_server_address(server);
	struct tf_resolver_opts opts = zone_opts("");
	struct tf_resolver *r;

	(void)state;
	opts.zone_only = false;
	opts.zone_text = TF_NONE_STR;
	opts.servers = &address;
	opts.server_count = 1;
	opts.timeout_ms = 1000;
	r = resolver_or_fail(&opts);
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct mail m = new_mail(a);
		struct outcome o;

		seal(&m, &(struct seal){ .bits = E, .selector = cases[i].lower });
		seal(&m, &(struct seal){ .bits = E, .selector = cases[i].upper });
		if (cases[i].from != NULL)
			change(&m, cases[i].from, cases[i].to);
		o = validate(&m, r, &defaults, 150);
		check_arc(
		    cases[i].what, &o.arc, cases[i].code, cases[i].failed, 0, cases[i].reason);
	}
	tf_resolver_release(r);
	dns_server_stop(server);
	tf_arena_free(a);
}

/*
 * No byte of a sealed chain can be changed: whatever still passes has the same canonical form.
 */
static void
test_every_byte(void **state)
{
	struct tf_arena *zone = tf_arena_new();
	struct tf_resolver *r = resolver(zone);
	struct mail m = new_mail(zone);
	size_t passes = 0;

	(void)state;
	seal(&m, &(struct seal){ .bits = E });
	seal(&m, &(struct seal){ "second.example", .bits = E });
	for (size_t i = 0; i < m.header.len; i++) {
		struct tf_arena *a = tf_arena_new();
		struct mail changed = m;
		char *bytes = tf_arena_alloc(a, m.header.len);
		struct outcome o;

		for (size_t k = 0; k < m.header.len; k++)
			bytes[k] = m.header.ptr[k];
		if (bytes[i] == '\r' || bytes[i] == '\n' || bytes[i] == ':' ||
		    tf_is_wsp(bytes[i])) {
			tf_arena_free(a);
			continue; /* the frame of the field, or no change in relaxed form */
		}
		bytes[i] ^= 1;
		changed.arena = a;
		changed.header = (struct tf_str){ bytes, m.header.len };
		if (bytes[i] != ':' && bytes[i] > ' ') {
			o = validate(&changed, r, &defaults, 150);
			passes += o.arc.code == TF_PASS;
			if (o.arc.code == TF_PASS && i < m.header.len - sizeof(HEADER) + 1)
				fail_msg("byte %zu: \"%.*s\"", i,
				    TF_PRI(tf_str_sub(changed.header, i < 20 ? 0 : i - 20, 40)));
		}
		tf_arena_free(a);
	}
	assert_true(passes != 0); /* Received is not signed */
	tf_resolver_release(r);
	tf_arena_free(zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_order_and_size),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_questions_for_older),
		cmocka_unit_test(test_work_for_older),
		cmocka_unit_test(test_temperror),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
