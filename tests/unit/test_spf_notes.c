/*
 * test_spf_notes.c - what the notes of an SPF check say: each match, each count, each error's place
 */
#include "tests/unit/spf_fixture.h"

#define COUNTS(terms, voids) " (DNS terms " #terms " of 10, void look-ups " #voids " of 2)\n"

/* clang-format off */
static const struct note_row {
	const char *what, *record, *from, *want;
} rows[] = {
	{ "what matched in which record", "v=spf1 a:nx1.example include:pass.example -all", JOE,
	  "A nx1.example: nothing there, void look-up 1\n"
	  "pass.example: ip4:192.0.2.3 matches: pass\n"
	  "t#.example: include:pass.example matches: pass\n"
	  "MAIL FROM t#.example: pass" COUNTS(2, 1) },
	{ "an include that does not match", "v=spf1 include:fail.example ~all", JOE,
	  "fail.example: -all matches: fail\n"
	  "t#.example: include:fail.example does not match: fail there\n"
	  "t#.example: ~all matches: softfail\n"
	  "MAIL FROM t#.example: softfail" COUNTS(1, 0) },
	{ "nothing matches", "v=spf1 a:far.example", JOE,
	  "t#.example: no term matches: neutral\n"
	  "MAIL FROM t#.example: neutral" COUNTS(1, 0) },
	{ "redirect", "v=spf1 redirect=soft.example", JOE,
	  "t#.example: redirect=soft.example is followed\n"
	  "soft.example: ~all matches: softfail\n"
	  "MAIL FROM t#.example: softfail" COUNTS(1, 0) },
	{ "a pass for everyone, a name that cannot be asked", "v=spf1 a:a..example +all", JOE,
	  "t#.example: a:a..example gives no name that can be asked\n"
	  "t#.example: +all matches: pass, as for every client\n"
	  "MAIL FROM t#.example: pass" COUNTS(1, 0) },
	{ "RFC 8616 4: local part", "v=spf1 exists:%{l}.x.example -all", "\xc3\xbc@t#.example",
	  "t#.example: exists:%{l}.x.example is passed over: the local part is not ASCII\n"
	  "t#.example: -all matches: fail\n"
	  "MAIL FROM t#.example: fail" COUNTS(1, 0) },
	{ "4.5 none", NULL, "u@none.example",
	  "MAIL FROM none.example: none: no SPF record" COUNTS(0, 0) },
	{ "4.3 no domain", NULL, "u@[192.0.2.3]",
	  "MAIL FROM: none: no domain name of two labels or more\n" },
	/* permerror */
	{ "4.6 syntax", "v=spf1 a mx moo -all", JOE,
	  "record of t#.example: octet 13, \"moo\": unknown mechanism\n"
	  "MAIL FROM t#.example: permerror: syntax error at moo: unknown mechanism" COUNTS(0, 0) },
	{ "4.6 syntax in an include", "v=spf1 include:eight.example -all", JOE,
	  "record of eight.example: octet 8, \"a:???x.example\": character not allowed\n"
	  "t#.example: include:eight.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: syntax error at a:???x.example in the record of "
	  "eight.example: character not allowed" COUNTS(1, 0) },
	{ "4.6 syntax behind a redirect", "v=spf1 redirect=syntax.example", JOE,
	  "record of syntax.example: octet 8, \"moo\": unknown mechanism\n"
	  "t#.example: redirect=syntax.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: syntax error at moo in the record of syntax.example: "
	  "unknown mechanism" COUNTS(1, 0) },
	{ "4.5 several records", NULL, "u@two.example",
	  "record of two.example: there are several\n"
	  "MAIL FROM two.example: permerror: several SPF records" COUNTS(0, 0) },
	{ "4.5 several records in an include", "v=spf1 include:two.example -all", JOE,
	  "record of two.example: there are several\n"
	  "t#.example: include:two.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: several SPF records at two.example" COUNTS(1, 0) },
	{ "4.6.4 one term too many",
	  "v=spf1 a:far.example a:far.example a:far.example a:far.example a:far.example "
	  "a:far.example a:far.example a:far.example a:far.example a:far.example mx:farmx.example "
	  "all", JOE,
	  "record of t#.example: octet 148, \"mx:farmx.example\": too many DNS look-ups\n"
	  "t#.example: mx:farmx.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: too many DNS look-ups" COUNTS(10, 0) },
	{ "4.6.4 one term too many in an include",
	  "v=spf1 a:far.example a:far.example a:far.example a:far.example a:far.example "
	  "a:far.example a:far.example a:far.example a:far.example include:own.example all", JOE,
	  "record of own.example: octet 8, \"a\": too many DNS look-ups\n"
	  "own.example: a ends in permerror\n"
	  "t#.example: include:own.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: too many DNS look-ups" COUNTS(10, 0) },
	{ "4.6.4 redirect is the term too many",
	  "v=spf1 a:far.example a:far.example a:far.example a:far.example a:far.example "
	  "a:far.example a:far.example a:far.example a:far.example a:far.example "
	  "redirect=pass.example", JOE,
	  "record of t#.example: octet 148, \"redirect=pass.example\": too many DNS look-ups\n"
	  "t#.example: redirect=pass.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: too many DNS look-ups" COUNTS(10, 0) },
	{ "4.6.4 one void look-up too many",
	  "v=spf1 a:nx1.example exists:nx2.example mx:nx3.example all", JOE,
	  "A nx1.example: nothing there, void look-up 1\n"
	  "A nx2.example: nothing there, void look-up 2\n"
	  "MX nx3.example: nothing there, void look-up 3\n"
	  "record of t#.example: octet 41, \"mx:nx3.example\": too many void look-ups\n"
	  "t#.example: mx:nx3.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: too many void look-ups" COUNTS(3, 3) },
	{ "4.6.4 eleven MX hosts", "v=spf1 a:far.example mx:mx11.example all", JOE,
	  "MX mx11.example: 11 hosts, 10 are allowed\n"
	  "record of t#.example: octet 22, \"mx:mx11.example\": too many MX hosts\n"
	  "t#.example: mx:mx11.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: too many MX hosts" COUNTS(2, 0) },
	{ "5.2 include of no record", "v=spf1 include:none.example all", JOE,
	  "record of t#.example: octet 8, \"include:none.example\": include of none.example: no SPF "
	  "record\n"
	  "t#.example: include:none.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: include of none.example: no SPF record" COUNTS(1, 0) },
	{ "6.1 redirect to no record", "v=spf1 a:far.example redirect=none.example", JOE,
	  "record of t#.example: octet 22, \"redirect=none.example\": redirect to none.example: no "
	  "SPF record\n"
	  "t#.example: redirect=none.example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: redirect to none.example: no SPF record" COUNTS(2, 0) },
	{ "6.1 redirect to no name", "v=spf1 redirect=a..example", JOE,
	  "t#.example: redirect=a..example gives no name that can be asked\n"
	  "record of t#.example: octet 8, \"redirect=a..example\": bad target of "
	  "redirect=a..example\n"
	  "t#.example: redirect=a..example ends in permerror\n"
	  "MAIL FROM t#.example: permerror: bad target of redirect=a..example" COUNTS(1, 0) },
	/* temperror */
	{ "4.4 DNS failure of the record", NULL, "u@loop.example",
	  "TXT loop.example: DNS server failure\n"
	  "MAIL FROM loop.example: temperror: DNS server failure" COUNTS(0, 0) },
	{ "5 DNS failure of a term", "v=spf1 mx:loopmx.example all", JOE,
	  "A loop.example: DNS server failure\n"
	  "record of t#.example: octet 8, \"mx:loopmx.example\": DNS server failure\n"
	  "t#.example: mx:loopmx.example ends in temperror\n"
	  "MAIL FROM t#.example: temperror: DNS server failure" COUNTS(1, 0) },
	{ "5.2 DNS failure of an include", "v=spf1 include:loop.example -all", JOE,
	  "TXT loop.example: DNS server failure\n"
	  "record of t#.example: octet 8, \"include:loop.example\": DNS server failure\n"
	  "t#.example: include:loop.example ends in temperror\n"
	  "MAIL FROM t#.example: temperror: DNS server failure" COUNTS(1, 0) },
	{ "6.1 DNS failure of a redirect", "v=spf1 redirect=loop.example", JOE,
	  "TXT loop.example: DNS server failure\n"
	  "record of t#.example: octet 8, \"redirect=loop.example\": DNS server failure\n"
	  "t#.example: redirect=loop.example ends in temperror\n"
	  "MAIL FROM t#.example: temperror: DNS server failure" COUNTS(1, 0) },
};
/* clang-format on */

static struct tf_str
trail_of(struct tf_arena *a, struct tf_resolver *r, const char *from)
{
	struct tf_identity id = identity(IP4, HELO, from);
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_buf trail;
	struct tf_spf spf;

	tf_spf_eval(tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_MAILFROM), &notes, &spf);
	tf_dns_end(dns);
	tf_buf_init_arena(&trail, a, 4096);
	for (const struct tf_note *n = notes.first; n != NULL; n = n->next)
		tf_buf_printf(&trail, "%.*s\n", TF_PRI(n->text));
	return tf_buf_get(&trail);
}

static void
test_notes(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r;
	struct tf_buf text;

	(void)state;
	tf_buf_init_arena(&text, a, ZONE_MAX);
	tf_buf_lit(&text, spf_zone);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		if (rows[i].record != NULL)
			write_record(i, rows[i].record, &text);
	}
	r = resolver_of(tf_buf_get(&text));
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str trail = trail_of(a, r, numbered(a, rows[i].from, i));

		assert_str(rows[i].what, trail, tf_str_from(numbered(a, rows[i].want, i)));
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
