/*
 * test_dmarc_eval.c - policy and alignment of one author domain
 *
 * DMARC-n are the statements that the project keeps about RFC 9989; sections are that RFC's. What
 * a result leads to is tested in test_verdict.c, From fields in test_mailbox.c.
 */
#include <string.h>

#include "policy/dmarc.h"
#include "tests/unit/dns_server.h"
#include "tests/unit/resolver_fixture.h"

#define BUDGET 60

/* "spf:a.example dkim:b.example" */
struct identifiers {
	struct tf_auth_domain ids[8];
	size_t count;
};

static struct identifiers
identifiers_from(const char *text)
{
	struct identifiers out = { .count = 0 };
	struct tf_str rest = tf_str_from(text);

	while (rest.len != 0) {
		struct tf_str word = tf_str_sub(rest, 0, tf_str_find(rest, ' '));
		const size_t colon = tf_str_find(word, ':');
		const bool spf = tf_str_starts_nocase(word, TF_STR("spf:"));

		out.ids[out.count] =
		    (struct tf_auth_domain){ spf ? TF_VOUCHER_SPF : TF_VOUCHER_DKIM, out.count,
			    tf_str_sub(word, colon + 1, word.len) };
		out.count++;
		rest = tf_str_sub(rest, word.len + 1, rest.len);
	}
	return out;
}

/* One evaluation and what it needs. */
struct bench {
	struct tf_resolver *r;
	struct tf_dns *dns;
	struct tf_arena *a;
	struct tf_notes notes;
	struct tf_dmarc d;
};

#define NOW 1800000000

static void
bench_eval_with(struct bench *b, const struct tf_resolver_opts *opts,
    struct tf_dmarc_memory *memory, const char *from, const char *auth, const char *temp)
{
	const struct identifiers pass = identifiers_from(auth), failed = identifiers_from(temp);
	const struct tf_dmarc_input in = {
		.from = tf_str_from(from),
		.auth = pass.ids,
		.auth_count = pass.count,
		.temp = failed.ids,
		.temp_count = failed.count,
		.memory = memory,
		.may_keep = true,
		.now = NOW,
	};

	*b = (struct bench){ .r = resolver_or_fail(opts), .a = tf_arena_new() };
	b->dns = begin(b->r, BUDGET);
	tf_dmarc_eval(tf_treewalks_new(b->a, b->dns), b->a, &in, &b->notes, &b->d);
	/* What is handed out must not live in the answers. */
	tf_dns_end(b->dns);
}

static void
bench_eval(struct bench *b, const struct tf_resolver_opts *opts, const char *from, const char *auth,
    const char *temp)
{
	bench_eval_with(b, opts, NULL, from, auth, temp);
}

static void
bench_clear(struct bench *b)
{
	tf_arena_free(b->a);
	tf_resolver_release(b->r);
}

/* "CODE POLICY/APPLIED at RECORD_DOMAIN org ORG by spf,dkim0"; what is unknown is "-". */
static struct tf_str
show_result(struct bench *b)
{
	const struct tf_dmarc *d = &b->d;
	struct tf_buf out;

	tf_buf_init_arena(&out, b->a, 4096);
	tf_buf_lit(&out, tf_code_name(d->code));
	if (d->policy == TF_POLICY_UNKNOWN)
		tf_buf_lit(&out, " -");
	else
		tf_buf_printf(&out, " %s/%s", tf_dmarc_policy_name(d->policy),
		    tf_dmarc_policy_name(d->applied_policy));
	tf_buf_lit(&out, " at ");
	tf_buf_str(&out, d->record_domain.len != 0 ? d->record_domain : TF_STR("-"));
	tf_buf_lit(&out, " org ");
	tf_buf_str(&out, d->org_domain.len != 0 ? d->org_domain : TF_STR("-"));
	if (d->aligned_spf)
		tf_buf_lit(&out, " spf");
	if (d->aligned_dkim)
		tf_buf_printf(&out, " dkim%zu", d->dkim_index);
	return tf_buf_get(&out);
}

#define AT(name) "_dmarc." name ". TXT "
#define REJECT " \"v=DMARC1; p=reject\"\n"

/* clang-format off */
static const struct row {
	const char *what, *zone, *from, *auth, *temp, *want;
} rows[] = {
	{ "DMARC-1 nothing aligned", AT("example.com") REJECT, "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-1 others aligned with themselves", AT("example.com") REJECT, "example.com", "spf:attack.com dkim:attack.com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-2 relaxed DKIM", AT("example.com") REJECT, "example.com", "dkim:mail.example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "DMARC-2 adkim=s", AT("example.com") "\"v=DMARC1; p=reject; adkim=s\"\n", "example.com", "dkim:mail.example.com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "4.4 adkim=s, the same name", AT("example.com") "\"v=DMARC1; p=reject; adkim=s\"\n", "example.com", "dkim:example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "4.4 adkim=s says nothing about SPF", AT("example.com") "\"v=DMARC1; p=reject; adkim=s\"\n", "example.com", "spf:a.example.com dkim:a.example.com", "",
	    "pass reject/reject at example.com org example.com spf" },
	{ "DMARC-3 relaxed SPF", AT("example.com") REJECT, "example.com", "spf:bounce.example.com", "",
	    "pass reject/reject at example.com org example.com spf" },
	{ "DMARC-3 aspf=s", AT("example.com") "\"v=DMARC1; p=reject; aspf=s\"\n", "example.com", "spf:bounce.example.com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "4.4 author below, identifier above", AT("example.com") REJECT, "a.b.example.com", "dkim:example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "4.4 siblings", AT("example.com") REJECT, "a.example.com", "spf:b.c.example.com", "",
	    "pass reject/reject at example.com org example.com spf" },
	{ "4.4 the second signature aligns", AT("example.com") REJECT, "example.com", "dkim:esp.example.net dkim:example.com dkim:a.example.com", "",
	    "pass reject/reject at example.com org example.com dkim1" },
	{ "4.4 both align", AT("example.com") REJECT, "example.com", "spf:example.com dkim:example.com", "",
	    "pass reject/reject at example.com org example.com spf dkim1" },
	{ "4.4 ends alike inside a label", AT("example.com") REJECT, "example.com", "dkim:badexample.com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-4 no record, whatever passes", "example.com. A 192.0.2.1\n", "example.com", "spf:example.com dkim:example.com", "",
	    "none - at - org example.com" },
	{ "DMARC-5 the intermediate record is not used", AT("mail.example.com") "\"v=DMARC1; p=none\"\n" AT("example.com") REJECT, "a.mail.example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-6 psd=n in it", AT("mail.example.com") "\"v=DMARC1; p=quarantine; psd=n\"\n" AT("example.com") REJECT, "a.mail.example.com", "dkim:example.com", "",
	    "fail quarantine/quarantine at mail.example.com org mail.example.com" },
	{ "DMARC-7 record of a public suffix", AT("com") "\"v=DMARC1; p=none; sp=reject; psd=y\"\n" "mail.example.com. A 192.0.2.1\n", "mail.example.com", "", "",
	    "fail reject/reject at com org example.com" },
	{ "DMARC-7 its np", AT("com") "\"v=DMARC1; p=none; sp=quarantine; np=reject; psd=y\"\n", "a.mail.example.com", "", "",
	    "fail reject/reject at com org example.com" },
	{ "DMARC-7 alignment below it", AT("com") "\"v=DMARC1; p=reject; psd=y\"\n", "a.example.com", "dkim:b.example.com", "",
	    "pass reject/reject at com org example.com dkim0" },
	{ "DMARC-7 not beside it", AT("com") "\"v=DMARC1; p=reject; psd=y\"\n", "a.example.com", "dkim:attack.com", "",
	    "fail reject/reject at com org example.com" },
	{ "5.2 never when the organizational domain has a record", AT("com") "\"v=DMARC1; p=none; psd=y\"\n" AT("example.com") REJECT, "a.example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-8 below the author domain", AT("giant.bank.example") "\"v=DMARC1; p=quarantine\"\n" AT("bank.example") "\"v=DMARC1; p=reject; psd=y\"\n", "giant.bank.example", "spf:mail.giant.bank.example dkim:mail.mega.bank.example", "",
	    "pass quarantine/quarantine at giant.bank.example org giant.bank.example spf" },
	{ "DMARC-8 another bank", AT("giant.bank.example") "\"v=DMARC1; p=quarantine\"\n" AT("bank.example") "\"v=DMARC1; p=reject; psd=y\"\n", "giant.bank.example", "dkim:mail.mega.bank.example", "",
	    "fail quarantine/quarantine at giant.bank.example org giant.bank.example" },
	{ "DMARC-9 13 labels, record at the organizational domain", AT("example.com") REJECT, "a.b.c.d.e.f.g.h.i.j.mail.example.com", "dkim:x.example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "DMARC-11 F25 single label", "localhost. A 127.0.0.1\n", "localhost", "", "",
	    "none - at - org localhost" },
	{ "DMARC-12 np, the domain does not exist", AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine; np=none\"\n", "sub.example.com", "", "",
	    "fail none/none at example.com org example.com" },
	{ "DMARC-12 sp, it has only an MX", AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine; np=none\"\n" "sub.example.com. MX 5 mx.example.net.\n", "sub.example.com", "", "",
	    "fail quarantine/quarantine at example.com org example.com" },
	{ "DMARC-12 p at the domain itself", AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine; np=none\"\n", "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-13 without np", AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine\"\n", "sub.example.com", "", "",
	    "fail quarantine/quarantine at example.com org example.com" },
	{ "DMARC-13 without sp and np", AT("example.com") REJECT, "sub.example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-14 only a TXT", AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine; np=none\"\n" "sub.example.com. TXT \"x\"\n", "sub.example.com", "", "",
	    "fail quarantine/quarantine at example.com org example.com" },
	{ "3.2.13 below a name that does not exist", AT("example.com") "\"v=DMARC1; p=none; np=reject\"\n", "a.b.sub.example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "np on pass", AT("example.com") "\"v=DMARC1; p=none; np=reject\"\n", "sub.example.com", "dkim:example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "DMARC-15 t=y, reject", AT("example.com") "\"v=DMARC1; p=reject; t=y\"\n", "example.com", "", "",
	    "fail reject/quarantine at example.com org example.com" },
	{ "DMARC-15 t=y, quarantine", AT("example.com") "\"v=DMARC1; p=quarantine; t=Y\"\n", "example.com", "", "",
	    "fail quarantine/none at example.com org example.com" },
	{ "DMARC-15 t=y, none", AT("example.com") "\"v=DMARC1; p=none; t=y\"\n", "example.com", "", "",
	    "fail none/none at example.com org example.com" },
	{ "DMARC-15 t=y and sp", AT("example.com") "\"v=DMARC1; p=none; sp=reject; t=y\"\n", "a.example.com", "", "",
	    "fail reject/quarantine at example.com org example.com" },
	{ "DMARC-15 t=x", AT("example.com") "\"v=DMARC1; p=reject; t=x\"\n", "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-16 historic tags", AT("example.com") "\"v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600\"\n", "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-17 two records", AT("example.com") REJECT AT("example.com") "\"v=DMARC1; p=none\"\n", "example.com", "dkim:example.com", "",
	    "none - at - org example.com" },
	{ "DMARC-17 two records below one", AT("sub.example.com") REJECT AT("sub.example.com") "\"v=DMARC1; p=none\"\n" AT("example.com") "\"v=DMARC1; p=reject; sp=quarantine\"\n", "sub.example.com", "", "",
	    "fail quarantine/quarantine at example.com org example.com" },
	{ "DMARC-18 beside an SPF record", AT("example.com") "\"v=spf1 -all\"\n" AT("example.com") REJECT, "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-19 not a record", AT("example.com") "\"v=dmarc1; p=reject\"\n", "example.com", "", "",
	    "none - at - org example.com" },
	{ "DMARC-20 blanks and case", AT("example.com") "\"v = DMARC1 ; p = Reject ; ADKIM=S\"\n", "example.com", "dkim:a.example.com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-21 p missing with rua", AT("example.com") "\"v=DMARC1; rua=mailto:a@example.com\"\n", "example.com", "", "",
	    "fail none/none at example.com org example.com" },
	{ "DMARC-21 p missing", AT("example.com") "\"v=DMARC1; adkim=s\"\n", "example.com", "dkim:example.com", "",
	    "none - at example.com org example.com" },
	{ "DMARC-22 p wrong with rua", AT("example.com") "\"v=DMARC1; p=foo; rua=mailto:a@example.com\"\n", "example.com", "dkim:example.com", "",
	    "pass none/none at example.com org example.com dkim0" },
	{ "DMARC-22 p wrong, rua garbage", AT("example.com") "\"v=DMARC1; p=foo; rua=garbage\"\n", "example.com", "", "",
	    "none - at example.com org example.com" },
	{ "DMARC-23 sp wrong with rua", AT("example.com") "\"v=DMARC1; p=reject; sp=foo; rua=mailto:a@example.com\"\n", "example.com", "", "",
	    "fail none/none at example.com org example.com" },
	{ "DMARC-24 broken tags fall back", AT("example.com") "\"v=DMARC1; p=reject; adkim=x; zzz=1; fo=7\"\n", "example.com", "dkim:a.example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "DMARC-25 strings are joined", AT("example.com") "\"v=DMARC1; p=re\" \"ject\"\n", "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-26 alias", "_dmarc.example.com. CNAME r.example.net.\nr.example.net. TXT" REJECT, "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-27 own record: p", AT("sub.example.com") "\"v=DMARC1; p=none; sp=reject\"\n" AT("example.com") REJECT, "sub.example.com", "", "",
	    "fail none/none at sub.example.com org example.com" },
	{ "DMARC-27 one below: the organizational domain's", AT("sub.example.com") "\"v=DMARC1; p=none; sp=none\"\n" AT("example.com") REJECT, "x.sub.example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "DMARC-28 no record above the author domain", AT("news.example.com") REJECT, "news.example.com", "spf:example.com", "",
	    "fail reject/reject at news.example.com org news.example.com" },
	{ "DMARC-29 the same name", AT("mail.example.com") REJECT, "mail.example.com", "dkim:mail.example.com", "",
	    "pass reject/reject at mail.example.com org mail.example.com dkim0" },
	{ "DMARC-38 public suffix as author", AT("gov.example") "\"v=DMARC1; p=reject; psd=y\"\n", "gov.example", "dkim:x.gov.example", "",
	    "fail reject/reject at gov.example org gov.example" },
	{ "DMARC-38 the same name", AT("gov.example") "\"v=DMARC1; p=reject; psd=y\"\n", "gov.example", "dkim:gov.example", "",
	    "pass reject/reject at gov.example org gov.example dkim0" },
	{ "DMARC-39 p=none", AT("example.com") "\"v=DMARC1; p=none\"\n", "example.com", "", "",
	    "fail none/none at example.com org example.com" },
	{ "DMARC-43 temperror of an aligned domain", AT("example.com") REJECT, "example.com", "spf:attack.com", "dkim:a.example.com",
	    "temperror reject/reject at example.com org example.com" },
	{ "DMARC-43 temperror of the author domain, strict", AT("example.com") "\"v=DMARC1; p=reject; adkim=s\"\n", "example.com", "", "dkim:example.com",
	    "temperror reject/reject at example.com org example.com" },
	{ "DMARC-43 SPF temperror", AT("example.com") REJECT, "example.com", "", "spf:example.com",
	    "temperror reject/reject at example.com org example.com" },
	{ "9 a temperror that could not align changes nothing", AT("example.com") REJECT, "example.com", "", "dkim:attack.com spf:attack.com",
	    "fail reject/reject at example.com org example.com" },
	{ "9 nor one that strict mode excludes", AT("example.com") "\"v=DMARC1; p=reject; adkim=s\"\n", "example.com", "", "dkim:a.example.com",
	    "fail reject/reject at example.com org example.com" },
	{ "9 an aligned pass beside a temperror", AT("example.com") REJECT, "example.com", "spf:example.com", "dkim:example.com",
	    "pass reject/reject at example.com org example.com spf" },
	{ "DMARC-44 the first p counts", AT("example.com") "\"v=DMARC1; p=reject; p=none\"\n", "example.com", "", "",
	    "fail reject/reject at example.com org example.com" },
	{ "E12 underscores", AT("example.com") REJECT, "example.com", "dkim:_x.example.com", "",
	    "pass reject/reject at example.com org example.com dkim0" },
	{ "E13 top-level domain as identifier", AT("example.com") REJECT, "example.com", "dkim:com", "",
	    "fail reject/reject at example.com org example.com" },
	{ "E13 public suffix of two labels", AT("bank.co.uk") REJECT, "bank.co.uk", "dkim:co.uk", "",
	    "fail reject/reject at bank.co.uk org bank.co.uk" },
	{ "E13 the author domain is one", AT("co.uk") "\"v=DMARC1; p=reject; psd=y\"\n", "bank.co.uk", "dkim:co.uk", "",
	    "fail reject/reject at co.uk org bank.co.uk" },
	{ "DMARC-37 U-labels are A-labels by now", AT("xn--bcher-kva.example") REJECT, "xn--bcher-kva.example", "dkim:xn--bcher-kva.example", "",
	    "pass reject/reject at xn--bcher-kva.example org xn--bcher-kva.example dkim0" },
};
/* clang-format on */

static void
test_zones(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		const struct tf_resolver_opts opts = zone_opts(r->zone);
		struct bench b;

		bench_eval(&b, &opts, r->from, r->auth, r->temp);
		assert_str(r->what, show_result(&b), tf_str_from(r->want));
		assert_str(r->what, b.d.from, tf_str_from(r->from));
		/* A reason belongs to none and temperror, and to nothing else. */
		assert_num(
		    r->what, b.d.reason.len != 0, b.d.code == TF_NONE || b.d.code == TF_TEMPERROR);
		bench_clear(&b);
	}
}

static const struct dns_row failing[] = {
	{ "_dmarc.silent.example", DNS_SILENT, NULL },
	{ "_dmarc.servfail.example", DNS_SERVFAIL, NULL },
	{ "_dmarc.a.servfail.example", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.stop.servfail.example", DNS_TXT, "v=DMARC1; p=reject; psd=n" },
	{ "_dmarc.rubbish.example", DNS_RUBBISH, NULL },
	{ "_dmarc.refused.example", DNS_REFUSED, NULL },
	{ "_dmarc.good.example", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.bad.good.example", DNS_SERVFAIL, NULL },
	{ "_dmarc.np.example", DNS_TXT, "v=DMARC1; p=quarantine; np=reject" },
	{ "gone.np.example", DNS_SERVFAIL, NULL },
	{ "_dmarc.same.example", DNS_TXT, "v=DMARC1; p=none; sp=reject; np=reject" },
	{ "gone.same.example", DNS_SERVFAIL, NULL },
	{ "_dmarc.l.tld", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.own.m.tld", DNS_TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.tld", DNS_SERVFAIL, NULL },
	{ "_dmarc.other.elsewhere", DNS_SERVFAIL, NULL },
};

/* clang-format off */
static const struct failure_row {
	const char *what, *from, *auth, *temp, *want, *reason;
} failure_rows[] = {
	{ "DMARC-30 time-out at the author domain", "silent.example", "dkim:silent.example", "",
	    "temperror - at - org -", "DNS failure (timeout) at _dmarc.silent.example" },
	{ "9 SERVFAIL", "servfail.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.servfail.example" },
	{ "9 REFUSED", "refused.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.refused.example" },
	{ "9 unreadable answer", "rubbish.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.rubbish.example" },
	{ "9 failure above a domain without a record", "x.servfail.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.servfail.example" },
	{ "9 failure above the own record, same name", "a.servfail.example", "dkim:a.servfail.example", "",
	    "pass reject/reject at a.servfail.example org - dkim0", "" },
	{ "9 failure above the own record, nothing there", "a.servfail.example", "dkim:attack.com", "",
	    "fail reject/reject at a.servfail.example org -", "" },
	{ "9 failure above the own record, maybe aligned", "a.servfail.example", "spf:b.servfail.example", "",
	    "temperror reject/reject at a.servfail.example org -",
	    "DNS failure hides whether SPF domain b.servfail.example is aligned" },
	{ "9 failure above the own record, the identifier's own walk ends before", "a.servfail.example", "spf:stop.servfail.example", "",
	    "temperror reject/reject at a.servfail.example org -",
	    "DNS failure hides whether SPF domain stop.servfail.example is aligned" },
	{ "4.7 failure at the top, above a record", "l.tld", "dkim:attack.tld", "",
	    "fail reject/reject at l.tld org l.tld", "" },
	{ "4.7 failure at the top, above a record, aligned below", "l.tld", "dkim:x.l.tld", "",
	    "pass reject/reject at l.tld org l.tld dkim0", "" },
	{ "9 failure at the top does not excuse everyone below it", "own.m.tld", "dkim:attack.tld", "",
	    "fail reject/reject at own.m.tld org -", "" },
	{ "9 failure at the top, two labels in common", "own.m.tld", "dkim:x.m.tld", "",
	    "temperror reject/reject at own.m.tld org -", "DNS failure hides whether DKIM domain x.m.tld is aligned" },
	{ "9 failure in the identifier's walk alone", "good.example", "dkim:bad.good.example", "",
	    "temperror reject/reject at good.example org good.example",
	    "DNS failure hides whether DKIM domain bad.good.example is aligned" },
	{ "DMARC-31 failure in one walk, another aligns", "good.example", "dkim:bad.good.example spf:x.good.example", "",
	    "pass reject/reject at good.example org good.example spf", "" },
	{ "DMARC-31 failure in a walk that cannot matter", "good.example", "dkim:other.elsewhere spf:good.example", "",
	    "pass reject/reject at good.example org good.example spf", "" },
	{ "9 failure in a walk that cannot matter makes no temperror", "good.example", "dkim:other.elsewhere", "",
	    "fail reject/reject at good.example org good.example", "" },
	{ "9 temperror of a domain whose walk fails", "good.example", "", "dkim:bad.good.example",
	    "temperror reject/reject at good.example org good.example",
	    "DKIM of bad.good.example had a temporary error" },
	{ "9 existence unknown where np matters", "gone.np.example", "", "",
	    "temperror - at np.example org np.example", "DNS failure hides whether gone.np.example exists" },
	{ "9 existence unknown, but aligned", "gone.np.example", "dkim:np.example", "",
	    "pass quarantine/quarantine at np.example org np.example dkim0", "" },
	{ "9 existence unknown where np does not matter", "gone.same.example", "", "",
	    "fail reject/reject at same.example org same.example", "" },
};
/* clang-format on */

static void
test_failures(void **state)
{
	struct dns_server *server = dns_server_start(failing, TF_ARRAY_LEN(failing));
	const struct tf_str address = dns_server_address(server);
	const struct tf_resolver_opts opts = {
		.servers = &address,
		.server_count = 1,
		.timeout_ms = 1000,
		.cache_bytes = 1 << 20,
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(failure_rows); i++) {
		const struct failure_row *r = &failure_rows[i];
		struct bench b;

		bench_eval(&b, &opts, r->from, r->auth, r->temp);
		assert_str(r->what, show_result(&b), tf_str_from(r->want));
		assert_str(r->what, b.d.reason, tf_str_from(r->reason));
		bench_clear(&b);
	}
	dns_server_stop(server);
}

/* clang-format off */
static const struct earlier_row {
	const char *what;
	struct tf_dmarc_found earlier;
	const char *from, *auth, *temp, *want, *reason;
} earlier_rows[] = {
#define FOUND(d, r, o, x, rec) { TF_LIT(d), TF_LIT(r), TF_LIT(o), TF_LIT(rec), x, 0, NOW - 60 }
#define EARLIER "; the policy found 60 s before stands in"
	{ "nothing could have aligned: the policy of before",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "servfail.example", "spf:attack.com", "dkim:attack.com",
	    "fail reject/reject at servfail.example org servfail.example",
	    "DNS failure (servfail) at _dmarc.servfail.example" EARLIER },
	{ "p=none of before is none",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=none"),
	    "servfail.example", "", "",
	    "fail none/none at servfail.example org servfail.example",
	    "DNS failure (servfail) at _dmarc.servfail.example" EARLIER },
	{ "t=y of before",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject; t=y"),
	    "servfail.example", "", "",
	    "fail reject/quarantine at servfail.example org servfail.example",
	    "DNS failure (servfail) at _dmarc.servfail.example" EARLIER },
	{ "the same domain passed",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "servfail.example", "dkim:servfail.example", "",
	    "pass reject/reject at servfail.example org servfail.example dkim0", "" },
	{ "SPF of the domain failed with its DNS: a pass may hide there",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "servfail.example", "", "spf:servfail.example",
	    "temperror reject/reject at servfail.example org servfail.example",
	    "SPF of servfail.example had a temporary error" },
	{ "and so it may when the identifier's own walk fails",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "servfail.example", "", "dkim:x.servfail.example",
	    "temperror reject/reject at servfail.example org servfail.example",
	    "DKIM of x.servfail.example had a temporary error" },
	{ "strict mode of before",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject; adkim=s"),
	    "servfail.example", "dkim:x.servfail.example", "dkim:x.servfail.example",
	    "fail reject/reject at servfail.example org servfail.example",
	    "DNS failure (servfail) at _dmarc.servfail.example" EARLIER },
	{ "sp of the record above",
	    FOUND("x.servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=none; sp=reject"),
	    "x.servfail.example", "", "",
	    "fail reject/reject at servfail.example org servfail.example",
	    "DNS failure (servfail) at _dmarc.servfail.example" EARLIER },
	{ "another domain's policy says nothing",
	    FOUND("servfail.example", "servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "x.servfail.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.servfail.example" },
	{ "the walk came as far as the record, which is gone",
	    FOUND("x.servfail.example", "x.servfail.example", "servfail.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=reject"),
	    "x.servfail.example", "", "",
	    "temperror - at - org -", "DNS failure (servfail) at _dmarc.servfail.example" },
	{ "the walk came as far as the record, which is another one now",
	    FOUND("own.m.tld", "own.m.tld", "own.m.tld", TF_EXISTS_UNKNOWN, "v=DMARC1; p=none"),
	    "own.m.tld", "", "dkim:x.m.tld",
	    "fail reject/reject at own.m.tld org own.m.tld", "" },
	{ "the record above the author that is found counts as it is now",
	    FOUND("x.own.m.tld", "own.m.tld", "own.m.tld", TF_EXISTS_UNKNOWN, "v=DMARC1; p=none"),
	    "x.own.m.tld", "", "",
	    "fail reject/reject at own.m.tld org own.m.tld", "" },
	{ "existence as it was, where np matters",
	    FOUND("gone.np.example", "np.example", "np.example", TF_EXISTS_NO, "v=DMARC1; p=quarantine; np=reject"),
	    "gone.np.example", "", "",
	    "fail reject/reject at np.example org np.example", "" },
	{ "existence as it was: it did exist",
	    FOUND("gone.np.example", "np.example", "np.example", TF_EXISTS_YES, "v=DMARC1; p=quarantine; np=reject"),
	    "gone.np.example", "", "",
	    "fail quarantine/quarantine at np.example org np.example", "" },
	{ "existence was not asked before either",
	    FOUND("gone.np.example", "np.example", "np.example", TF_EXISTS_UNKNOWN, "v=DMARC1; p=quarantine"),
	    "gone.np.example", "", "",
	    "temperror - at np.example org np.example", "DNS failure hides whether gone.np.example exists" },
#undef FOUND
#undef EARLIER
};
/* clang-format on */

/* RFC 9989 section 5.3.6 leaves to receivers what a failure of the DNS leads to. */
static void
test_earlier(void **state)
{
	struct dns_server *server = dns_server_start(failing, TF_ARRAY_LEN(failing));
	const struct tf_str address = dns_server_address(server);
	const struct tf_resolver_opts opts = {
		.servers = &address,
		.server_count = 1,
		.timeout_ms = 1000,
		.cache_bytes = 1 << 20,
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(earlier_rows); i++) {
		const struct earlier_row *r = &earlier_rows[i];
		struct tf_dmarc_memory *memory = tf_dmarc_memory_new();
		struct bench b;

		tf_dmarc_memory_keep(memory, &r->earlier, r->earlier.last);
		bench_eval_with(&b, &opts, memory, r->from, r->auth, r->temp);
		assert_str(r->what, show_result(&b), tf_str_from(r->want));
		assert_str(r->what, b.d.reason, tf_str_from(r->reason));
		bench_clear(&b);
		tf_dmarc_memory_free(memory);
	}
	dns_server_stop(server);
}

/* "RECORD_DOMAIN ORG RECORD EXISTS", or "-". */
static struct tf_str
show_found(struct tf_dmarc_memory *memory, const char *domain, struct tf_arena *a)
{
	static const char *const exists[] = { "yes", "no", "unknown" };
	struct tf_dmarc_found f;

	if (!tf_dmarc_memory_find(memory, tf_str_from(domain), NOW, a, &f))
		return TF_STR("-");
	return tf_arena_printf(a, "%.*s %.*s \"%.*s\" %s", TF_PRI(f.record_domain),
	    TF_PRI(f.org_domain), TF_PRI(f.record), exists[f.exists]);
}

/* What a discovery that met no failure leaves behind. */
static void
test_remembers(void **state)
{
	static const struct {
		const char *what, *zone, *from, *want;
	} cases[] = {
		{ "the author's own record", AT("example.com") REJECT, "example.com",
		    "example.com example.com \"v=DMARC1; p=reject\" unknown" },
		{ "the record above", AT("example.com") REJECT, "a.b.example.com",
		    "example.com example.com \"v=DMARC1; p=reject\" unknown" },
		{ "a public suffix's", AT("com") "\"v=DMARC1; p=reject; psd=y\"\n", "a.example.com",
		    "com example.com \"v=DMARC1; p=reject; psd=y\" unknown" },
		{ "that it does not exist", AT("example.com") "\"v=DMARC1; p=none; np=reject\"\n",
		    "a.example.com", "example.com example.com \"v=DMARC1; p=none; np=reject\" no" },
		{ "no record: what was there before is forgotten", "x.example. A 192.0.2.1\n",
		    "x.example", "-" },
		{ "no valid policy: the same", AT("x.example") "\"v=DMARC1; adkim=s\"\n",
		    "x.example", "-" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		const struct tf_resolver_opts opts = zone_opts(cases[i].zone);
		const struct tf_dmarc_found before = { TF_LIT("x.example"), TF_LIT("x.example"),
			TF_LIT("x.example"), TF_LIT("v=DMARC1; p=reject"), TF_EXISTS_UNKNOWN, 0,
			0 };
		struct tf_dmarc_memory *memory = tf_dmarc_memory_new();
		struct bench b;

		tf_dmarc_memory_keep(memory, &before, NOW);
		bench_eval_with(&b, &opts, memory, cases[i].from, "", "");
		assert_str(cases[i].what, show_found(memory, cases[i].from, b.a),
		    tf_str_from(cases[i].want));
		bench_clear(&b);
		tf_dmarc_memory_free(memory);
	}
}

/* What is kept besides the conclusion. */
static void
test_details(void **state)
{
	const struct tf_resolver_opts opts =
	    zone_opts(AT("example.com") "\"v=DMARC1; p=none; sp=reject; t=y; aspf=s; \\001\\255x; "
					"rua=mailto:Reports@example.com!10m\"\n" AT(
					    "com") "\"v=DMARC1; p=none; psd=y\"\n");
	static const char *const walk[][2] = {
		{ "a.example.com", "none" },
		{ "example.com", "record" },
		{ "com", "record psd=y" },
	};
	struct bench b;

	(void)state;
	bench_eval(&b, &opts, "a.example.com", "spf:b.example.com dkim:example.com", "");
	assert_str("4.4", show_result(&b),
	    TF_STR("pass reject/quarantine at example.com org example.com dkim1"));
	assert_str("record, printable", b.d.record,
	    TF_STR("v=DMARC1; p=none; sp=reject; t=y; aspf=s; ??x; "
		   "rua=mailto:Reports@example.com!10m"));
	assert_str("rua", b.d.rua, TF_STR("mailto:Reports@example.com!10m"));
	assert_int_equal(b.d.discovery, TF_DISCOVERY_TREEWALK);
	assert_true(b.d.testing);
	assert_true(b.d.strict_spf);
	assert_false(b.d.strict_dkim);
	assert_int_equal(b.d.walk_count, TF_ARRAY_LEN(walk));
	for (size_t i = 0; i < TF_ARRAY_LEN(walk); i++) {
		assert_str("walk", b.d.walk[i].domain, tf_str_from(walk[i][0]));
		assert_str("walk", b.d.walk[i].found, tf_str_from(walk[i][1]));
	}
	bench_clear(&b);
}

static void
test_discovery(void **state)
{
	static const struct {
		const char *from;
		enum tf_discovery want;
	} cases[] = {
		{ "example.com", TF_DISCOVERY_AUTHOR },
		{ "a.example.com", TF_DISCOVERY_TREEWALK },
		{ "example.net", TF_DISCOVERY_NONE },
	};
	const struct tf_resolver_opts opts = zone_opts(AT("example.com") REJECT);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct bench b;

		bench_eval(&b, &opts, cases[i].from, "", "");
		assert_num(cases[i].from, b.d.discovery, cases[i].want);
		bench_clear(&b);
	}
}

/* The trail: in order, what was found and concluded. */
static void
test_notes(void **state)
{
	static const struct {
		const char *what, *zone, *from, *auth, *notes;
	} cases[] = {
		{ "record and alignment", AT("example.com") REJECT, "example.com",
		    "spf:attack.com dkim:a.example.com",
		    "the record at _dmarc.example.com applies to example.com|"
		    "SPF domain attack.com is not aligned with example.com|"
		    "DKIM domain a.example.com is aligned with example.com (relaxed)|" },
		{ "DMARC-44 an error in the record",
		    AT("example.com") "\"v=DMARC1; p=reject; p=none\"\n", "example.com", "",
		    "the record at _dmarc.example.com applies to example.com|"
		    "error in the record at _dmarc.example.com: p|" },
		{ "4.10.1 a record that acts as p=none",
		    AT("example.com") "\"v=DMARC1; p=reject; sp=x; rua=mailto:a@b.c\"\n",
		    "example.com", "",
		    "the record at _dmarc.example.com applies to example.com|"
		    "error in the record at _dmarc.example.com: sp|"
		    "without a valid sp it acts as p=none|" },
		{ "np", AT("example.com") "\"v=DMARC1; p=none; np=reject\"\n", "no.example.com", "",
		    "the record at _dmarc.example.com applies to no.example.com|"
		    "no.example.com does not exist: np applies|" },
		{ "nothing to say", "x. A 192.0.2.1\n", "example.com", "spf:example.com", "" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		const struct tf_resolver_opts opts = zone_opts(cases[i].zone);
		struct tf_buf text;
		struct bench b;

		bench_eval(&b, &opts, cases[i].from, cases[i].auth, "");
		tf_buf_init_arena(&text, b.a, 4096);
		for (const struct tf_note *n = b.notes.first; n != NULL; n = n->next) {
			assert_num(cases[i].what, n->check, TF_CHECK_DMARC);
			tf_buf_str(&text, n->text);
			tf_buf_byte(&text, '|');
		}
		assert_str(cases[i].what, tf_buf_get(&text), tf_str_from(cases[i].notes));
		bench_clear(&b);
	}
}

static void
test_reasons_of_none(void **state)
{
	static const struct {
		const char *zone, *from, *reason;
	} cases[] = {
		{ "x. A 192.0.2.1\n", "example.com", "no DMARC record" },
		{ "x. A 192.0.2.1\n", "localhost", "no DMARC record for a single label" },
		{ AT("example.com") REJECT AT("example.com")
			REJECT AT("example.com") "\"v=DMARC1; p=none\"\n",
		    "example.com", "several DMARC records at _dmarc.example.com count as none" },
		{ AT("example.com") "\"v=DMARC1; p=r\"\n", "example.com",
		    "the DMARC record has no valid policy" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		const struct tf_resolver_opts opts = zone_opts(cases[i].zone);
		struct bench b;

		bench_eval(&b, &opts, cases[i].from, "", "");
		assert_num(cases[i].reason, b.d.code, TF_NONE);
		assert_str(cases[i].from, b.d.reason, tf_str_from(cases[i].reason));
		bench_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_earlier),
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_reasons_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
