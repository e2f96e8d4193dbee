/*
 * test_dmarc_treewalk.c - walks over zones in the real resolver, and over a server that fails
 */
#include <string.h>

#include "policy/dmarc.h"
#include "tests/unit/dns_server.h"
#include "tests/unit/resolver_fixture.h"

#define BUDGET 50

/* One message's questions and walks. */
struct bench {
	struct tf_resolver *r;
	struct tf_dns *dns;
	struct tf_arena *a;
	struct tf_treewalks *w;
};

static void
bench_init(struct bench *b, const struct tf_resolver_opts *opts, uint32_t budget)
{
	b->r = resolver_or_fail(opts);
	b->dns = begin(b->r, budget);
	b->a = tf_arena_new();
	b->w = tf_treewalks_new(b->a, b->dns);
}

static void
bench_clear(struct bench *b)
{
	tf_dns_end(b->dns);
	tf_arena_free(b->a);
	tf_resolver_release(b->r);
}

static const char *
step_words(const struct tf_treewalk_step *step)
{
	switch (step->at) {
	case TF_AT_NONE:
		return "none";
	case TF_AT_SEVERAL:
		return "several";
	case TF_AT_FAILED:
		return tf_dns_status_name(step->status);
	case TF_AT_RECORD:
		break;
	}
	return step->record.psd == TF_PSD_Y   ? "psd=y"
	       : step->record.psd == TF_PSD_N ? "psd=n"
					      : "record";
}

/* "name:found name:found" */
static struct tf_str
show_walk(struct bench *b, const struct tf_treewalk *t)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, b->a, 4096);
	for (size_t n = 0; n < t->count; n++)
		tf_buf_printf(&out, "%s%.*s:%s", n != 0 ? " " : "", TF_PRI(t->steps[n].domain),
		    step_words(&t->steps[n]));
	return tf_buf_get(&out);
}

static void
put_asked(const struct tf_dns_trace *trace, size_t count, bool walk, struct tf_buf *out)
{
	for (size_t n = 0; n < count; n++) {
		if ((trace[n].type == TF_TYPE_TXT) == walk)
			tf_buf_printf(out, "%s%.*s/%s", out->len != 0 ? " " : "",
			    TF_PRI(trace[n].name), tf_dns_type_name(trace[n].type));
	}
}

/* Everything asked: "name/TYPE name/TYPE", the walk in its order. Behind it what np needs, which
 * the resolver thread asks when the record is there, be it before the rest of the walk. */
static struct tf_str
show_asked(struct bench *b)
{
	const struct tf_dns_trace *trace;
	struct tf_buf out;
	size_t count;
	uint32_t ms;

	tf_dns_trace(b->dns, b->a, &trace, &count, &ms);
	tf_buf_init_arena(&out, b->a, 4096);
	put_asked(trace, count, true, &out);
	put_asked(trace, count, false, &out);
	return tf_buf_get(&out);
}

#define REC " TXT \"v=DMARC1; p=reject\"\n"
#define PSD_Y " TXT \"v=DMARC1; p=none; psd=y\"\n"
#define PSD_N " TXT \"v=DMARC1; p=quarantine; psd=n\"\n"

static const struct row {
	const char *what, *zone, *domain, *walk, *org;
} rows[] = {
	{ "4.10.2 nothing found: the domain itself", "x. A 192.0.2.1\n", "a.example.com",
	    "a.example.com:none example.com:none com:none", "a.example.com" },
	{ "4.10.2 one record above", "_dmarc.example.com." REC, "a.example.com",
	    "a.example.com:none example.com:record com:none", "example.com" },
	{ "DMARC-5 a record without psd does not stop the walk",
	    "_dmarc.mail.example.com." REC "_dmarc.example.com." REC, "a.mail.example.com",
	    "a.mail.example.com:none mail.example.com:record example.com:record com:none",
	    "example.com" },
	{ "DMARC-6 psd=n does", "_dmarc.mail.example.com." PSD_N "_dmarc.example.com." REC,
	    "a.mail.example.com", "a.mail.example.com:none mail.example.com:psd=n",
	    "mail.example.com" },
	{ "DMARC-7 psd=y above: one label longer", "_dmarc.com." PSD_Y, "a.mail.example.com",
	    "a.mail.example.com:none mail.example.com:none example.com:none com:psd=y",
	    "example.com" },
	{ "DMARC-8 the domain itself below a public suffix",
	    "_dmarc.giant.bank.example." REC "_dmarc.bank.example." PSD_Y, "giant.bank.example",
	    "giant.bank.example:record bank.example:psd=y", "giant.bank.example" },
	{ "DMARC-8 another one below it",
	    "_dmarc.giant.bank.example." REC "_dmarc.bank.example." PSD_Y, "mail.mega.bank.example",
	    "mail.mega.bank.example:none mega.bank.example:none bank.example:psd=y",
	    "mega.bank.example" },
	{ "DMARC-9 13 labels", "_dmarc.example.com." REC, "a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com:none g.h.i.j.mail.example.com:none "
	    "h.i.j.mail.example.com:none i.j.mail.example.com:none j.mail.example.com:none "
	    "mail.example.com:none example.com:record com:none",
	    "example.com" },
	{ "4.10 a record between the domain and 7 labels is not seen",
	    "_dmarc.f.g.h.i.j.mail.example.com." REC, "a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com:none g.h.i.j.mail.example.com:none "
	    "h.i.j.mail.example.com:none i.j.mail.example.com:none j.mail.example.com:none "
	    "mail.example.com:none example.com:none com:none",
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com" },
	{ "4.10.2 one label longer than 7, never asked", "_dmarc.g.h.i.j.mail.example.com." PSD_Y,
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com:none g.h.i.j.mail.example.com:psd=y",
	    "f.g.h.i.j.mail.example.com" },
	{ "DMARC-10 8 labels", "_dmarc.h." REC, "a.b.c.d.e.f.g.h",
	    "a.b.c.d.e.f.g.h:none b.c.d.e.f.g.h:none c.d.e.f.g.h:none d.e.f.g.h:none "
	    "e.f.g.h:none f.g.h:none g.h:none h:record",
	    "h" },
	{ "DMARC-10 9 labels", "_dmarc.b.c.d.e.f.g.h.i." REC, "a.b.c.d.e.f.g.h.i",
	    "a.b.c.d.e.f.g.h.i:none c.d.e.f.g.h.i:none d.e.f.g.h.i:none e.f.g.h.i:none "
	    "f.g.h.i:none g.h.i:none h.i:none i:none",
	    "a.b.c.d.e.f.g.h.i" },
	{ "DMARC-11 a single label", "localhost. A 127.0.0.1\n", "localhost", "localhost:none",
	    "localhost" },
	{ "DMARC-17 two records count as none",
	    "_dmarc.example.com." REC "_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n",
	    "example.com", "example.com:several com:none", "example.com" },
	{ "DMARC-17 two records do not stop the walk",
	    "_dmarc.sub.example.com." PSD_N "_dmarc.sub.example.com." PSD_Y
	    "_dmarc.example.com." REC,
	    "sub.example.com", "sub.example.com:several example.com:record com:none",
	    "example.com" },
	{ "DMARC-18 other TXT records do not count",
	    "_dmarc.example.com. TXT \"v=spf1 -all\"\n_dmarc.example.com." REC, "example.com",
	    "example.com:record com:none", "example.com" },
	{ "DMARC-25 strings are joined",
	    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; ps\" \"d=n\"\n", "example.com",
	    "example.com:psd=n", "example.com" },
	{ "DMARC-26 an alias is followed",
	    "_dmarc.example.com. CNAME r.example.net.\nr.example.net." PSD_N, "example.com",
	    "example.com:psd=n", "example.com" },
	{ "DMARC-28 no record above", "_dmarc.news.example.com." REC, "example.com",
	    "example.com:none com:none", "example.com" },
	{ "DMARC-38 psd=y at the domain itself", "_dmarc.gov.example." PSD_Y, "gov.example",
	    "gov.example:psd=y", "gov.example" },
	{ "DMARC-38 psd=y at the parent", "_dmarc.gov.example." PSD_Y, "x.gov.example",
	    "x.gov.example:none gov.example:psd=y", "x.gov.example" },
	{ "4.10.2 a record at the top-level domain without psd", "_dmarc.com." REC, "a.example.com",
	    "a.example.com:none example.com:none com:record", "com" },
	{ "4.10.2 psd=n at the domain itself", "_dmarc.a.example.com." PSD_N, "a.example.com",
	    "a.example.com:psd=n", "a.example.com" },
	{ "a broken policy stops the walk all the same",
	    "_dmarc.a.example.com. TXT \"v=DMARC1; p=x; psd=n\"\n", "a.example.com",
	    "a.example.com:psd=n", "a.example.com" },
};

static void
test_walks(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_resolver_opts opts = zone_opts(rows[i].zone);
		const struct tf_treewalk *t;
		struct bench b;

		bench_init(&b, &opts, BUDGET);
		t = tf_treewalk_eval(b.w, tf_str_from(rows[i].domain));
		assert_num(rows[i].what, t->failed, false);
		assert_str(rows[i].what, show_walk(&b, t), tf_str_from(rows[i].walk));
		assert_str(rows[i].what, t->org_domain, tf_str_from(rows[i].org));
		assert_ptr_equal(t, tf_treewalk_eval(b.w, tf_str_from(rows[i].domain)));
		bench_clear(&b);
	}
}

/* Returns when the resolver thread is through with everything that was answered before. */
static void
let_follow_ups_run(struct bench *b)
{
	struct tf_dns *other = begin(b->r, 1);

	tf_dns_ask(other, TF_STR("fence.example"), TF_TYPE_A);
	tf_dns_end(other);
}

/* All names are asked at once and none twice; what np needs only when it matters. */
static void
test_asked(void **state)
{
	static const struct {
		const char *what, *zone, *first, *second, *asked;
		bool author;
	} cases[] = {
		{ "DMARC-9 eight questions in the walk's order", "x. A 192.0.2.1\n",
		    "a.b.c.d.e.f.g.h.i.j.mail.example.com", NULL,
		    "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com/TXT "
		    "_dmarc.g.h.i.j.mail.example.com/TXT _dmarc.h.i.j.mail.example.com/TXT "
		    "_dmarc.i.j.mail.example.com/TXT _dmarc.j.mail.example.com/TXT "
		    "_dmarc.mail.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT",
		    false },
		{ "DMARC-11 never the root", "x. A 192.0.2.1\n", "localhost", NULL,
		    "_dmarc.localhost/TXT", true },
		{ "ancestors are shared", "x. A 192.0.2.1\n", "a.example.com", "b.example.com",
		    "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT "
		    "_dmarc.b.example.com/TXT",
		    false },
		{ "np that differs from sp",
		    "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"\n", "a.example.com",
		    NULL,
		    "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT "
		    "a.example.com/A",
		    true },
		{ "np of a public suffix",
		    "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y; np=reject\"\n", "a.example.com",
		    NULL,
		    "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT "
		    "a.example.com/A",
		    true },
		{ "np that says what sp says",
		    "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject; np=reject\"\n",
		    "a.example.com", NULL,
		    "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT", true },
		{ "np at the domain itself",
		    "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; np=reject\"\n", "a.example.com",
		    NULL, "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT", true },
		{ "np means nothing to SPF and DKIM domains",
		    "_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"\n", "a.example.com",
		    NULL, "_dmarc.a.example.com/TXT _dmarc.example.com/TXT _dmarc.com/TXT", false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		const struct tf_resolver_opts opts = zone_opts(cases[i].zone);
		struct tf_str first = tf_str_from(cases[i].first);
		struct bench b;

		bench_init(&b, &opts, BUDGET);
		if (cases[i].author)
			tf_treewalk_start_authors(b.w, &first, 1);
		else
			tf_treewalk_start(b.w, first);
		if (cases[i].second != NULL)
			tf_treewalk_start(b.w, tf_str_from(cases[i].second));
		tf_treewalk_eval(b.w, first);
		let_follow_ups_run(&b);
		assert_str(cases[i].what, show_asked(&b), tf_str_from(cases[i].asked));
		bench_clear(&b);
	}
}

/* Names are asked level by level, so that a domain put last does not lose its walk to the others.
 */
static void
test_authors_in_turn(void **state)
{
	static const struct tf_str authors[] = { TF_LIT("a.b.c.d.e.f.g.attack.com"),
		TF_LIT("legit.example") };
	const struct tf_resolver_opts opts = zone_opts("_dmarc.legit.example." REC);
	struct bench b;

	(void)state;
	bench_init(&b, &opts, 4); /* questions, of the ten that both walks have */
	tf_treewalk_start_authors(b.w, authors, 2);
	assert_str("a walk that is whole",
	    show_walk(&b, tf_treewalk_eval(b.w, TF_STR("legit.example"))),
	    TF_STR("legit.example:record example:none"));
	assert_str("one that is not", show_walk(&b, tf_treewalk_eval(b.w, authors[0])),
	    TF_STR("a.b.c.d.e.f.g.attack.com:none c.d.e.f.g.attack.com:none "
		   "d.e.f.g.attack.com:servfail"));
	bench_clear(&b);
}

static void
test_exists(void **state)
{
	static const char zone[] = "mx.example.com. MX 10 a.example.com.\n"
				   "txt.example.com. TXT \"x\"\n"
				   "_dmarc.record.example.com. TXT \"v=DMARC1; p=none\"\n"
				   "*.wild.example.com. A 192.0.2.1\n"
				   "dangling.example.com. CNAME nowhere.example.net.\n";
	static const struct {
		const char *what, *name;
		enum tf_exists want;
	} cases[] = {
		{ "DMARC-12 only an MX", "mx.example.com", TF_EXISTS_YES },
		{ "DMARC-14 only a TXT", "txt.example.com", TF_EXISTS_YES },
		{ "3.2.13 NXDOMAIN", "no.example.com", TF_EXISTS_NO },
		{ "8020 NXDOMAIN of an ancestor", "a.b.no.example.com", TF_EXISTS_NO },
		{ "8020 an empty non-terminal exists", "record.example.com", TF_EXISTS_YES },
		{ "a wildcard makes it exist", "a.wild.example.com", TF_EXISTS_YES },
		{ "6604 an alias to nothing exists", "dangling.example.com", TF_EXISTS_YES },
	};
	const struct tf_resolver_opts opts = zone_opts(zone);
	struct bench b;

	(void)state;
	bench_init(&b, &opts, BUDGET);
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++)
		assert_num(cases[i].what, tf_treewalk_exists(b.w, tf_str_from(cases[i].name)),
		    cases[i].want);
	bench_clear(&b);
}

/* Names that cannot be asked have no record, and cost no question. */
static void
test_long_name(void **state)
{
	static const char l63[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789a";
	const struct tf_resolver_opts opts = zone_opts("_dmarc.example.com." REC);
	const struct tf_treewalk *t;
	struct tf_str domain;
	struct bench b;

	(void)state;
	bench_init(&b, &opts, BUDGET);
	domain = tf_arena_printf(b.a, "%s.%s.%s.%.49s.example.com", l63, l63, l63, l63);
	assert_int_equal(domain.len, 253);
	t = tf_treewalk_eval(b.w, domain);
	assert_false(t->failed);
	assert_int_equal(t->count, 6);
	assert_int_equal(tf_dns_asked(b.dns), 5);
	assert_str("9: too long", t->org_domain, TF_STR("example.com"));
	bench_clear(&b);
}

static const struct dns_row failing[] = {
	{ "_dmarc.silent.example.com", DNS_SILENT, NULL },
	{ "_dmarc.servfail.example.com", DNS_SERVFAIL, NULL },
	{ "_dmarc.refused.example.com", DNS_REFUSED, NULL },
	{ "_dmarc.rubbish.example.com", DNS_RUBBISH, NULL },
	{ "_dmarc.stop.servfail.example.com", DNS_TXT, "v=DMARC1; p=reject; psd=n" },
	{ "_dmarc.own.servfail.example.com", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.example.com", DNS_TXT, "v=DMARC1; p=reject" },
	{ "gone.example.com", DNS_SERVFAIL, NULL },
	{ "_dmarc.a.tld", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.tld", DNS_SERVFAIL, NULL },
};

static void
test_failures(void **state)
{
	static const struct {
		const char *what, *domain, *walk;
		bool failed;
		const char *org;
	} cases[] = {
		{ "9 SERVFAIL ends the walk", "servfail.example.com",
		    "servfail.example.com:servfail", true, "" },
		{ "DMARC-30 time-out", "silent.example.com", "silent.example.com:timeout", true,
		    "" },
		{ "9 REFUSED", "refused.example.com", "refused.example.com:servfail", true, "" },
		{ "an answer that cannot be read", "rubbish.example.com",
		    "rubbish.example.com:servfail", true, "" },
		{ "9 behind a record", "own.servfail.example.com",
		    "own.servfail.example.com:record servfail.example.com:servfail", true, "" },
		{ "9 behind the end of the walk has no influence", "stop.servfail.example.com",
		    "stop.servfail.example.com:psd=n", false, "stop.servfail.example.com" },
		{ "the server answers otherwise", "other.example.com",
		    "other.example.com:none example.com:record com:none", false, "example.com" },
		{ "4.7 a top-level domain would say psd=y", "x.a.tld",
		    "x.a.tld:none a.tld:record tld:servfail", false, "a.tld" },
		{ "4.7 two labels above it, it might matter", "x.b.tld",
		    "x.b.tld:none b.tld:none tld:servfail", true, "" },
	};
	struct dns_server *server = dns_server_start(failing, TF_ARRAY_LEN(failing));
	const struct tf_str address = dns_server_address(server);
	const struct tf_resolver_opts opts = {
		.servers = &address,
		.server_count = 1,
		.timeout_ms = 1000,
		.cache = true,
		.cache_bytes = 1 << 20,
	};
	struct bench b;

	(void)state;
	bench_init(&b, &opts, BUDGET);
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++)
		tf_treewalk_start(b.w, tf_str_from(cases[i].domain));
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		const struct tf_treewalk *t = tf_treewalk_eval(b.w, tf_str_from(cases[i].domain));

		assert_str(cases[i].what, show_walk(&b, t), tf_str_from(cases[i].walk));
		assert_num(cases[i].what, t->failed, cases[i].failed);
		assert_str(cases[i].what, t->org_domain, tf_str_from(cases[i].org));
	}
	assert_num("unknown existence", tf_treewalk_exists(b.w, TF_STR("gone.example.com")),
	    TF_EXISTS_UNKNOWN);
	bench_clear(&b);
	dns_server_stop(server);
}

static void
test_over_budget(void **state)
{
	const struct tf_resolver_opts opts = zone_opts("_dmarc.example.com." REC);
	const struct tf_treewalk *t;
	struct bench b;

	(void)state;
	bench_init(&b, &opts, 1);
	t = tf_treewalk_eval(b.w, TF_STR("a.example.com"));
	assert_str("a question too many is a failure, not the absence of a record",
	    show_walk(&b, t), TF_STR("a.example.com:none example.com:servfail"));
	assert_true(t->failed);
	bench_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_authors_in_turn),
		cmocka_unit_test(test_exists),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_over_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
