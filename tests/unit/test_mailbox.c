/*
 * test_mailbox.c - From fields and envelope paths
 *
 * F and E rows are those of the list of attacks the project was built against: legit.com publishes
 * p=reject, attack.com is the attacker's own domain.
 */
#include <string.h>

#include "policy/mailbox.h"
#include "tests/unit/test.h"

#define MAX_DOMAINS 10
#define U200B "\xe2\x80\x8b"
#define U2000 "\xe2\x80\x80"
#define SHY "\xc2\xad"
#define NBSP "\xc2\xa0"
#define RLO "\xe2\x80\xae"
#define UE "\xc3\xbc"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	enum tf_from_state state;
	const char *domains; /* joined by blanks */
} rows[] = {
	/* Several addresses */
	{ "F6 attacker first", TF_LIT(" <first@attack.com>, <admin@legit.com>"), TF_FROM_OK, "attack.com legit.com" },
	{ "F6 attacker last", TF_LIT(" <admin@legit.com>, <first@attack.com>"), TF_FROM_OK, "legit.com attack.com" },
	{ "F7 one domain twice", TF_LIT(" <a@legit.com>, b@LEGIT.com."), TF_FROM_OK, "legit.com" },
	{ "F12 bare and angle", TF_LIT(" admin@legit.com,<second@attack.com>"), TF_FROM_OK, "legit.com attack.com" },
	{ "4.4 obs-addr-list", TF_LIT(" ,, (c) ,a@legit.com,,b@attack.com, (c) ,"), TF_FROM_OK, "legit.com attack.com" },
	{ "ten domains", TF_LIT("a@a,a@b,a@c,a@d,a@e,a@f,a@g,a@h,a@i,a@j,a@a"), TF_FROM_OK, "a b c d e f g h i j" },
	{ "eleven domains", TF_LIT("a@a,a@b,a@c,a@d,a@e,a@f,a@g,a@h,a@i,a@j,a@k"), TF_FROM_TOO_MANY_DOMAINS, "" },

	/* Encoded words are text */
	{ "F8 encoded word is no address", TF_LIT(" =?utf-8?B?PGFkbWluQGxlZ2l0LmNvbT4=?=,<second@attack.com>"), TF_FROM_NO_ADDRESS, "" },
	{ "F9 encoded word alone", TF_LIT(" =?utf-8?B?PGFkbWluQGxlZ2l0LmNvbT4=?="), TF_FROM_NO_ADDRESS, "" },
	{ "DMARC-36 2047 5 display name", TF_LIT(" =?utf-8?q?=22ceo=40legit=2Ecom=22?= <u@attack.com>"), TF_FROM_OK, "attack.com" },
	{ "2047 5 in the local part", TF_LIT(" =?utf-8?Q?admin=40legit.com?=@attack.com"), TF_FROM_OK, "attack.com" },
	{ "2047 5 never in a domain", TF_LIT(" a@=?utf-8?Q?legit.com?="), TF_FROM_BAD_DOMAIN, "" },
	{ "raw @ in an encoded word", TF_LIT(" =?utf-8?Q?admin@legit.com?= <a@attack.com>"), TF_FROM_BAD_DOMAIN, "" },

	/* Routes */
	{ "F10 route", TF_LIT(" <@attack.com,@any.com:admin@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "F16 routes, folds and comments", TF_LIT(" (comm\r\n ent),<@gmail.com:@b.com:hr@legit.com>(comm\r\n ent)"), TF_FROM_OK, "legit.com" },
	{ "4.4 route of the forged domain", TF_LIT(" <@legit.com:x@attack.com>"), TF_FROM_OK, "attack.com" },
	{ "4.4 empty elements of a route", TF_LIT(" <,@a.com,,@b.com,:u@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "route without a colon", TF_LIT(" <@attack.com,@any.com admin@legit.com>"), TF_FROM_SYNTAX, "" },
	{ "route without an address", TF_LIT(" <@attack.com:>"), TF_FROM_NO_ADDRESS, "" },
	{ "route outside angle brackets", TF_LIT(" @attack.com:admin@legit.com"), TF_FROM_SYNTAX, "" },

	/* Text where none belongs */
	{ "F11 escaped comma", TF_LIT(" <admin@legit.com>\\,<second@attack.com>"), TF_FROM_SYNTAX, "" },
	{ "F13 text behind", TF_LIT(" <any@attack.com>admin@legit.com"), TF_FROM_SYNTAX, "" },
	{ "F14 U+2000", TF_LIT(" admin@legit.com" U2000), TF_FROM_BAD_DOMAIN, "" },
	{ "F14 U+200B", TF_LIT(" admin@legit.com" U200B), TF_FROM_BAD_DOMAIN, "" },
	{ "F14 soft hyphen", TF_LIT(" admin@legit.com" SHY), TF_FROM_BAD_DOMAIN, "" },
	{ "F14 no-break space", TF_LIT(" admin@legit.com" NBSP), TF_FROM_BAD_DOMAIN, "" },
	{ "F14 U+200B in angle brackets", TF_LIT(" <admin@legit.com" U200B ">"), TF_FROM_BAD_DOMAIN, "" },
	{ "F14 U+200B behind angle brackets", TF_LIT(" <admin@legit.com>" U200B), TF_FROM_SYNTAX, "" },
	{ "F14 U+200B and a blank", TF_LIT(" admin@legit.com " U200B), TF_FROM_SYNTAX, "" },
	{ "F15 LF", TF_LIT(" <Alice@legit.com\nattack.com>"), TF_FROM_SYNTAX, "" },
	{ "F15 CRLF", TF_LIT(" <Alice@legit.com\r\nattack.com>"), TF_FROM_SYNTAX, "" },
	{ "F15 NUL", TF_LIT(" <Alice@legit.com\0attack.com>"), TF_FROM_SYNTAX, "" },
	{ "F15 NUL at the end", TF_LIT(" Alice@legit.com\0"), TF_FROM_SYNTAX, "" },
	{ "F15 0xff", TF_LIT(" Alice@legit.com\xff" "attack.com"), TF_FROM_BAD_DOMAIN, "" },
	{ "F15 brace", TF_LIT(" Alice@legit.com}attack.com"), TF_FROM_BAD_DOMAIN, "" },
	{ "fold inside a domain", TF_LIT(" <Alice@legit.com\r\n attack.com>"), TF_FROM_SYNTAX, "" },
	{ "comment inside a domain", TF_LIT(" admin@legit.com(x).attack.com"), TF_FROM_SYNTAX, "" },
	{ "blank inside a domain", TF_LIT(" admin@legit .com"), TF_FROM_SYNTAX, "" },
	{ "line end at the end", TF_LIT(" admin@legit.com\r\n"), TF_FROM_SYNTAX, "" },
	{ "F20 stray >", TF_LIT(" user@legit.com>"), TF_FROM_SYNTAX, "" },
	{ "F20 no >", TF_LIT(" <user@legit.com"), TF_FROM_SYNTAX, "" },
	{ "F20 two <", TF_LIT(" <<a@legit.com>>"), TF_FROM_SYNTAX, "" },
	{ "F20 two @", TF_LIT(" a@b@legit.com"), TF_FROM_SYNTAX, "" },
	{ "F20 two @ in angle brackets", TF_LIT(" <a@b@legit.com>"), TF_FROM_SYNTAX, "" },
	{ "two angle addresses", TF_LIT(" <a@legit.com> <b@attack.com>"), TF_FROM_SYNTAX, "" },
	{ "semicolon for a comma", TF_LIT(" a@legit.com; b@attack.com"), TF_FROM_SYNTAX, "" },
	{ "a word before a bare address", TF_LIT(" Alice admin@legit.com"), TF_FROM_SYNTAX, "" },
	{ "a word behind a bare address", TF_LIT(" admin@legit.com Alice"), TF_FROM_SYNTAX, "" },
	{ "a quoted string glued to a word", TF_LIT(" x\"a@legit.com\"@attack.com"), TF_FROM_SYNTAX, "" },
	{ "quote not closed", TF_LIT(" \"Alice <a@legit.com>"), TF_FROM_SYNTAX, "" },
	{ "no local part", TF_LIT(" @legit.com"), TF_FROM_SYNTAX, "" },
	{ "no domain", TF_LIT(" admin@"), TF_FROM_SYNTAX, "" },
	{ "an unquoted comma in a name", TF_LIT(" Acme, Inc. <u@legit.com>"), TF_FROM_NO_ADDRESS, "" },
	{ "a backslash in a name", TF_LIT(" a\\b <u@legit.com>"), TF_FROM_SYNTAX, "" },

	/* Comments */
	{ "F17 comments", TF_LIT(" pete(his account)@legit.com(host)"), TF_FROM_OK, "legit.com" },
	{ "F17 @ in a comment", TF_LIT(" a@legit.com(@attack.com)"), TF_FROM_OK, "legit.com" },
	{ "F17 nested, address outside", TF_LIT(" (a (x@attack.com) b) u@legit.com"), TF_FROM_OK, "legit.com" },
	{ "F17 not closed", TF_LIT(" u@legit.com (a (b)"), TF_FROM_SYNTAX, "" },
	{ "F17 never closed at the start", TF_LIT(" (u@legit.com"), TF_FROM_SYNTAX, "" },
	{ "DMARC-36 comment before", TF_LIT(" (x@legit.com) u@attack.com"), TF_FROM_OK, "attack.com" },
	{ "comments around @", TF_LIT(" u (a) @ (b) legit.com"), TF_FROM_OK, "legit.com" },
	{ "comments in angle brackets", TF_LIT(" N <(a) u(b)@(c)legit.com(d)>(e)"), TF_FROM_OK, "legit.com" },

	/* Quoted strings and display names */
	{ "F18 quoted local part", TF_LIT(" \"Someone <x@attack.com>\"@legit.com"), TF_FROM_OK, "legit.com" },
	{ "F19 escaped quotes", TF_LIT(" \"\\\"Acme, Inc.\\\"\" <u@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "F19 via", TF_LIT(" \"'X, Y' via Z\" <l@lists.attack.com>"), TF_FROM_OK, "lists.attack.com" },
	{ "DMARC-36 3.4 quoted display name", TF_LIT(" \"ceo@legit.com\" <u@attack.com>"), TF_FROM_OK, "attack.com" },
	{ "3.4 plain", TF_LIT(" u@legit.com"), TF_FROM_OK, "legit.com" },
	{ "3.4 without the blank", TF_LIT("u@legit.com"), TF_FROM_OK, "legit.com" },
	{ "3.4 name and address, folded", TF_LIT(" Alice\r\n\tB <a@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "4.1 dots in a name", TF_LIT(" John Q. Public Jr. <a@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "4.1 quoted string amid a name", TF_LIT(" John \"Q\" Public <a@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "brackets in a name", TF_LIT(" [Build #7] CI <ci@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "address in brackets", TF_LIT(" [<a@legit.com>] <b@attack.com>"), TF_FROM_SYNTAX, "" },
	{ "a name that is the address", TF_LIT(" u@legit.com <u@Legit.com>"), TF_FROM_OK, "legit.com" },
	{ "a name that is another address", TF_LIT(" u@legit.com <u@attack.com>"), TF_FROM_SYNTAX, "" },
	{ "4.4 obs-local-part", TF_LIT(" a . \"b\" . c @legit.com"), TF_FROM_OK, "legit.com" },
	{ "dots as some telephones have them", TF_LIT(" a..b.@legit.com"), TF_FROM_OK, "legit.com" },
	{ "empty quoted local part", TF_LIT(" \"\"@legit.com"), TF_FROM_OK, "legit.com" },
	{ "angle brackets without a name", TF_LIT("<u@legit.com>"), TF_FROM_OK, "legit.com" },

	/* Looks */
	{ "F21 U+202E in the name", TF_LIT(" " RLO "moc.tigel@nimda <u@attack.com>"), TF_FROM_SYNTAX, "" },
	{ "F21 U+202E in a quoted name", TF_LIT(" \"" RLO "moc.tigel@nimda\" <u@attack.com>"), TF_FROM_OK, "attack.com" },
	{ "F21 U+202E in the local part", TF_LIT(" <" RLO "moc.tigel@attack.com>"), TF_FROM_OK, "attack.com" },
	{ "F21 U+202E in the domain", TF_LIT(" <u@" RLO "legit.com>"), TF_FROM_BAD_DOMAIN, "" },
	{ "F21 homograph", TF_LIT(" admin@xn--lgit-7cf.com"), TF_FROM_OK, "xn--lgit-7cf.com" },

	/* Groups, RFC 6854 */
	{ "F22 empty group", TF_LIT(" undisclosed:;"), TF_FROM_NO_ADDRESS, "" },
	{ "F22 members", TF_LIT(" friends: a@legit.com, b@attack.com;"), TF_FROM_OK, "legit.com attack.com" },
	{ "group, commas and comments", TF_LIT(" \"my friends\":(c),,A <a@legit.com>,(d);(e)"), TF_FROM_OK, "legit.com" },
	{ "group and address", TF_LIT(" g: a@legit.com;, b@attack.com"), TF_FROM_OK, "legit.com attack.com" },
	{ "empty group and address", TF_LIT(" g:;, b@attack.com"), TF_FROM_OK, "attack.com" },
	{ "group not closed", TF_LIT(" friends: a@legit.com"), TF_FROM_SYNTAX, "" },
	{ "empty group not closed", TF_LIT(" friends:"), TF_FROM_SYNTAX, "" },
	{ "group in a group", TF_LIT(" a: b: u@legit.com;;"), TF_FROM_SYNTAX, "" },
	{ "group without a name", TF_LIT(" :u@legit.com;"), TF_FROM_SYNTAX, "" },
	{ "text behind a group", TF_LIT(" a: u@legit.com; b"), TF_FROM_SYNTAX, "" },
	{ "an element of a group without @", TF_LIT(" a: root, u@legit.com;"), TF_FROM_NO_ADDRESS, "" },

	/* UTF-8 and other charsets, RFC 6532 */
	{ "F23 UTF-8 domain", TF_LIT(" J" UE "rgen <u@B\xc3\x9c" "CHER.example>"), TF_FROM_OK, "xn--bcher-kva.example" },
	{ "F23 UTF-8 local part", TF_LIT(" j" UE "rgen@legit.com"), TF_FROM_OK, "legit.com" },
	{ "F23 U-label and A-label are one", TF_LIT(" a@b" UE "cher.example, b@xn--bcher-kva.example"), TF_FROM_OK, "xn--bcher-kva.example" },
	{ "F23 Latin-1 domain", TF_LIT(" u@b\xfc" "cher.example"), TF_FROM_BAD_DOMAIN, "" },
	{ "Latin-1 in a display name is text", TF_LIT(" J\xfcrgen <u@legit.com>"), TF_FROM_OK, "legit.com" },
	{ "Latin-1 in a comment is text", TF_LIT(" u@legit.com (J\xfcrgen)"), TF_FROM_OK, "legit.com" },
	{ "Latin-1 in a local part", TF_LIT(" j\xfcrgen@legit.com"), TF_FROM_SYNTAX, "" },
	{ "6531 ideographic full stop", TF_LIT(" u@legit\xe3\x80\x82" "com"), TF_FROM_BAD_DOMAIN, "" },
	{ "full width @ is no @", TF_LIT(" admin\xef\xbc\xa0legit.com"), TF_FROM_NO_ADDRESS, "" },

	/* Not a domain */
	{ "F25 single label", TF_LIT(" root@localhost"), TF_FROM_OK, "localhost" },
	{ "F25 address literal", TF_LIT(" u@[192.0.2.1]"), TF_FROM_BAD_DOMAIN, "" },
	{ "F25 IPv6 literal in angle brackets", TF_LIT(" <u@[IPv6:2001:db8::1]>"), TF_FROM_BAD_DOMAIN, "" },
	{ "empty label", TF_LIT(" u@legit..com"), TF_FROM_BAD_DOMAIN, "" },
	{ "leading dot", TF_LIT(" u@.legit.com"), TF_FROM_BAD_DOMAIN, "" },
	{ "trailing dot", TF_LIT(" u@legit.com."), TF_FROM_OK, "legit.com" },
	{ "E12 underscore", TF_LIT(" u@_x.legit.com"), TF_FROM_OK, "_x.legit.com" },
	{ "label of 64", TF_LIT(" u@0123456789012345678901234567890123456789012345678901234567890123.com"), TF_FROM_BAD_DOMAIN, "" },
	{ "DMARC-35 no @", TF_LIT(" root"), TF_FROM_NO_ADDRESS, "" },
	{ "DMARC-35 empty group", TF_LIT(" x:;"), TF_FROM_NO_ADDRESS, "" },
	{ "no @ in angle brackets", TF_LIT(" Root <root>"), TF_FROM_NO_ADDRESS, "" },
	{ "null path", TF_LIT(" <>"), TF_FROM_NO_ADDRESS, "" },
	{ "name and null path", TF_LIT(" MAILER-DAEMON <>"), TF_FROM_NO_ADDRESS, "" },
	{ "empty field", TF_LIT(""), TF_FROM_NO_ADDRESS, "" },
	{ "blank field", TF_LIT(" \t"), TF_FROM_NO_ADDRESS, "" },
	{ "comment alone", TF_LIT(" (u@legit.com)"), TF_FROM_NO_ADDRESS, "" },
	{ "comma alone", TF_LIT(" ,"), TF_FROM_NO_ADDRESS, "" },
};
/* clang-format on */

static void
check_author(struct tf_arena *a, const char *what, const struct tf_author *got,
    enum tf_from_state state, const char *domains)
{
	struct tf_buf b;

	if (got->state != state)
		fail_msg("%s: got %s (%.*s), want %s", what, tf_from_state_name(got->state),
		    TF_PRI(got->reason), tf_from_state_name(state));
	if (state != TF_FROM_OK) {
		assert_num(what, got->domain_count, 0);
		assert_num(what, got->reason.len != 0, true);
	}
	tf_buf_init_arena(&b, a, 4096);
	for (size_t i = 0; i < got->domain_count; i++) {
		if (i != 0)
			tf_buf_byte(&b, ' ');
		tf_buf_str(&b, got->domains[i]);
	}
	assert_str(what, tf_buf_get(&b), tf_str_from(domains));
}

static void
test_from(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_author got;

		tf_mailbox_from_parse(rows[i].in, MAX_DOMAINS, a, &got);
		check_author(a, rows[i].what, &got, rows[i].state, rows[i].domains);
	}
	tf_arena_free(a);
}

static void
test_remarks(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in, want;
	} cases[] = {
		{ "F21 U+202E", TF_LIT("\"" RLO "moc\" <u@attack.com>"),
		    TF_LIT("characters that change the writing direction") },
		{ "F21 U+2066 in the local part", TF_LIT("<a\xe2\x81\xa6@attack.com>"),
		    TF_LIT("characters that change the writing direction") },
		{ "F21 behind other charsets", TF_LIT("\"\xfc" RLO "\" <u@attack.com>"),
		    TF_LIT("characters that change the writing direction") },
		{ "F21 xn--", TF_LIT("u@attack.com, u@xn--lgit-7cf.com"),
		    TF_LIT("internationalised domain") },
		{ "F21 both", TF_LIT("\"" RLO "moc\" <u@b" UE "cher.example>"),
		    TF_LIT("characters that change the writing direction; "
			   "internationalised domain") },
		{ "nothing to remark", TF_LIT("\"J\xfcrgen " UE "\" <u@legit.com>"), TF_LIT("") },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_author got;

		tf_mailbox_from_parse(cases[i].in, MAX_DOMAINS, a, &got);
		assert_num(cases[i].what, got.state, TF_FROM_OK);
		assert_str(cases[i].what, got.reason, cases[i].want);
		assert_num(cases[i].what, got.bidi,
		    tf_str_starts_nocase(cases[i].want, TF_STR("characters")));
	}
	tf_arena_free(a);
}

/* F24: from, then part n times, then behind. */
static void
test_bounds(void **state)
{
	static const struct {
		const char *what, *before, *part, *behind;
		size_t n;
		enum tf_from_state state;
	} cases[] = {
		{ "F24 64 KB of comment", "u@legit.com (", "x", ")", 65536, TF_FROM_SYNTAX },
		{ "F24 64 KB of name", "", "x", " <u@legit.com>", 65536, TF_FROM_SYNTAX },
		{ "F24 what Postfix cuts", "u@legit.com, (", "x", "", 59980, TF_FROM_SYNTAX },
		{ "F24 10,000 commas", "u@legit.com", ",", "", 10000, TF_FROM_SYNTAX },
		{ "F24 commas in a group", "g:u@legit.com", ",", ";", 10000, TF_FROM_SYNTAX },
		{ "F24 10,000 addresses", "u@legit.com", ",a@a", "", 5000, TF_FROM_SYNTAX },
		{ "F24 5,000 folds", "u@legit.com", "\r\n ", "", 5000, TF_FROM_SYNTAX },
		{ "100,000 open comments", "", "(", "", 100000, TF_FROM_SYNTAX },
		{ "30,000 open comments", "", "(", "", 30000, TF_FROM_SYNTAX },
		{ "30,000 open angle brackets", "", "<", "", 30000, TF_FROM_SYNTAX },
		{ "30,000 empty routes", "<", ",", ":u@legit.com>", 30000, TF_FROM_OK },
		{ "group in group in group", "", "a:", "", 10000, TF_FROM_SYNTAX },
		{ "30,000 dots", "", ".", "@legit.com", 30000, TF_FROM_SYNTAX },
		{ "32,768 octets", "u@legit.com (", "x", ")", 32768 - 14, TF_FROM_OK },
		{ "32,769 octets", "u@legit.com (", "x", ")", 32769 - 14, TF_FROM_SYNTAX },
		{ "1,000 addresses", "u@legit.com", ",u@legit.com", "", 999, TF_FROM_OK },
		{ "1,001 addresses", "u@legit.com", ",u@legit.com", "", 1000, TF_FROM_SYNTAX },
		{ "1,000 folds", "u@legit.com", "\r\n ", "", 1000, TF_FROM_OK },
		{ "1,001 folds", "u@legit.com", "\r\n ", "", 1001, TF_FROM_SYNTAX },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_author got;
		struct tf_buf b;

		tf_buf_init_arena(&b, a, 1 << 20);
		tf_buf_lit(&b, cases[i].before);
		for (size_t n = 0; n < cases[i].n; n++)
			tf_buf_lit(&b, cases[i].part);
		tf_buf_lit(&b, cases[i].behind);
		tf_mailbox_from_parse(tf_buf_get(&b), MAX_DOMAINS, a, &got);
		check_author(a, cases[i].what, &got, cases[i].state,
		    cases[i].state == TF_FROM_OK ? "legit.com" : "");
		tf_arena_clear(a);
	}
	tf_arena_free(a);
}

static void
test_many_domains(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_author got;
	struct tf_buf b;

	(void)state;
	tf_buf_init_arena(&b, a, 1 << 20);
	for (int i = 0; i < 50; i++)
		tf_buf_printf(&b, "%su@d%d.example", i != 0 ? ", " : "", i);
	tf_mailbox_from_parse(tf_buf_get(&b), MAX_DOMAINS, a, &got);
	check_author(a, "DMARC-34 50 domains", &got, TF_FROM_TOO_MANY_DOMAINS, "");
	tf_mailbox_from_parse(tf_buf_get(&b), 50, a, &got);
	assert_num("50 allowed", got.state, TF_FROM_OK);
	assert_num("50 allowed", got.domain_count, 50);
	tf_arena_free(a);
}

static void
test_fields(void **state)
{
	static const struct {
		const char *what;
		struct {
			struct tf_str name, value;
		} fields[4];
		enum tf_from_state state;
		const char *domains;
	} cases[] = {
		{ "F1 attacker first",
		    { { TF_LIT("From"), TF_LIT(" <first@attack.com>") },
			{ TF_LIT("From"), TF_LIT(" <admin@legit.com>") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F1 attacker last",
		    { { TF_LIT("From"), TF_LIT(" <admin@legit.com>") },
			{ TF_LIT("Subject"), TF_LIT(" x") },
			{ TF_LIT("fROM"), TF_LIT(" <first@attack.com>") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F1 three copies",
		    { { TF_LIT("From"), TF_LIT(" <admin@legit.com>") },
			{ TF_LIT("From"), TF_LIT(" <admin@legit.com>") },
			{ TF_LIT("From"), TF_LIT(" <admin@legit.com>") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F1 the second is empty",
		    { { TF_LIT("From"), TF_LIT(" <admin@legit.com>") },
			{ TF_LIT("From"), TF_LIT("") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F2 a leading blank makes another name",
		    { { TF_LIT(" From"), TF_LIT(" <first@attack.com>") },
			{ TF_LIT("From"), TF_LIT(" <admin@legit.com>") } },
		    TF_FROM_OK, "legit.com" },
		{ "F3 a blank before the colon does not",
		    { { TF_LIT("From"), TF_LIT(" first@attack.com") },
			{ TF_LIT("From \t"), TF_LIT(" <admin@legit.com>") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F3 alone", { { TF_LIT("From "), TF_LIT(" <admin@legit.com>") } }, TF_FROM_OK,
		    "legit.com" },
		{ "F4 the name is folded, reaches us as From",
		    { { TF_LIT("From"), TF_LIT("\r\n : <first@attack.com>") },
			{ TF_LIT("From"), TF_LIT(" <admin@legit.com>") } },
		    TF_FROM_MULTIPLE_FIELDS, "" },
		{ "F4 the name is folded, dropped by the MTA",
		    { { TF_LIT("From"), TF_LIT(" <admin@legit.com>") } }, TF_FROM_OK, "legit.com" },
		{ "F5 Sender is never used", { { TF_LIT("Sender"), TF_LIT(" a@legit.com") } },
		    TF_FROM_MISSING, "" },
		{ "F5 Resent-From is never used",
		    { { TF_LIT("Resent-From"), TF_LIT(" a@legit.com") } }, TF_FROM_MISSING, "" },
		{ "F6 Sender changes nothing",
		    { { TF_LIT("From"), TF_LIT(" <first@attack.com>, <admin@legit.com>") },
			{ TF_LIT("Sender"), TF_LIT(" <s@attack.com>") } },
		    TF_FROM_OK, "attack.com legit.com" },
		{ "F15 LF as milters hand it over",
		    { { TF_LIT("From"), TF_LIT(" <Alice@legit.com\nattack.com>") } },
		    TF_FROM_SYNTAX, "" },
		{ "F16 folds as milters hand them over",
		    { { TF_LIT("From"),
			TF_LIT(" (comm\n ent),<@gmail.com:@b.com:hr@legit.com>(comm\n ent)") } },
		    TF_FROM_OK, "legit.com" },
		{ "5.3.1 no field at all", { { TF_LIT("Subject"), TF_LIT(" x") } }, TF_FROM_MISSING,
		    "" },
	};
	static const struct tf_header_limits limits = { .max_fields = 10, .max_bytes = 10000 };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		struct tf_header_block hb;
		struct tf_author got;

		tf_header_block_init(&hb, a, &limits);
		for (size_t n = 0; n < 4 && cases[i].fields[n].name.len != 0; n++)
			assert_true(tf_header_block_add(
			    &hb, cases[i].fields[n].name, cases[i].fields[n].value));
		tf_mailbox_authors(&hb, MAX_DOMAINS, a, &got);
		check_author(a, cases[i].what, &got, cases[i].state, cases[i].domains);
	}
	tf_arena_free(a);
}

/* clang-format off */
static const struct path_row {
	const char *what;
	struct tf_str in;
	bool ok;
	struct tf_str local, domain;
} path_rows[] = {
	{ "5321 4.1.2 plain", TF_LIT("a.b@example.com"), true, TF_LIT("a.b"), TF_LIT("example.com") },
	{ "4.5.5 null path", TF_LIT(""), false, TF_LIT(""), TF_LIT("") },
	{ "no @", TF_LIT("root"), false, TF_LIT(""), TF_LIT("") },
	{ "E2 not the null sender", TF_LIT("(any@legit.com"), false, TF_LIT(""), TF_LIT("") },
	{ "E2 behind the bracket", TF_LIT("<(any@legit.com"), false, TF_LIT(""), TF_LIT("") },
	{ "E7 open comment in the domain", TF_LIT("any@legit.com(a.attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "E8 the last @ counts", TF_LIT("any@legit.com'@any.attack.com"), true, TF_LIT("any@legit.com'"), TF_LIT("any.attack.com") },
	{ "E9 source route", TF_LIT("@legit.com,@any.com:'any@attack.com"), true, TF_LIT("'any"), TF_LIT("attack.com") },
	{ "source route alone", TF_LIT("@legit.com:"), false, TF_LIT(""), TF_LIT("") },
	{ "@ alone", TF_LIT("@legit.com"), false, TF_LIT(""), TF_LIT("") },
	{ "E14 quoted @", TF_LIT("\"a@legit.com\"@attack.com"), true, TF_LIT("\"a@legit.com\""), TF_LIT("attack.com") },
	{ "E14 address literal", TF_LIT("a@[192.0.2.1]"), false, TF_LIT(""), TF_LIT("") },
	{ "E14 local part of 200 octets", TF_LIT("btv1=012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234==u@attack.com"), true,
	    TF_LIT("btv1=012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234==u"), TF_LIT("attack.com") },
	{ "quoted at the end", TF_LIT("a@\"legit.com\""), false, TF_LIT(""), TF_LIT("") },
	{ "quote not closed", TF_LIT("\"a@legit.com"), false, TF_LIT(""), TF_LIT("") },
	{ "escaped @", TF_LIT("a\\@legit.com@attack.com"), true, TF_LIT("a\\@legit.com"), TF_LIT("attack.com") },
	{ "escaped @ alone", TF_LIT("a\\@legit.com"), false, TF_LIT(""), TF_LIT("") },
	{ "comments around the parts", TF_LIT("(a)u(b)@(c)example.com(d)"), true, TF_LIT("u"), TF_LIT("example.com") },
	{ "@ in a comment", TF_LIT("u@example.com(x@legit.com)"), true, TF_LIT("u"), TF_LIT("example.com") },
	{ "comment inside the domain", TF_LIT("u@legit.com(x).attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "blank inside the domain", TF_LIT("u@legit.com attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "blank inside the local part", TF_LIT("a b@attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "nothing behind the last @", TF_LIT("a@legit.com@"), false, TF_LIT(""), TF_LIT("") },
	{ "NUL", TF_LIT("a@legit.com\0attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "NUL in the local part", TF_LIT("a\0b@attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "CR LF", TF_LIT("a@attack.com\r\n"), false, TF_LIT(""), TF_LIT("") },
	{ "angle bracket inside", TF_LIT("a@legit.com>@attack.com"), false, TF_LIT(""), TF_LIT("") },
	{ "6531 UTF-8", TF_LIT("j" UE "@b" UE "cher.example"), true, TF_LIT("j" UE), TF_LIT("b" UE "cher.example") },
	{ "dots anywhere", TF_LIT(".a..b.@example.com"), true, TF_LIT(".a..b."), TF_LIT("example.com") },
	{ "empty quoted local part", TF_LIT("\"\"@example.com"), true, TF_LIT("\"\""), TF_LIT("example.com") },
	{ "E15 trailing dot", TF_LIT("a@Example.com."), true, TF_LIT("a"), TF_LIT("Example.com.") },
};
/* clang-format on */

static void
test_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(path_rows); i++) {
		const struct path_row *r = &path_rows[i];
		struct tf_str local = TF_NONE_STR, domain = TF_NONE_STR;

		assert_num(r->what, tf_mailbox_path(r->in, &local, &domain), r->ok);
		assert_str(r->what, local, r->local);
		assert_str(r->what, domain, r->domain);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_many_domains),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
