/*
 * test_dkim.c - whole messages: signatures, keys, header and body
 */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "tests/unit/dkim_fixture.h"

#define HEADER                                                                                     \
	"From: Alice <alice@example.com>\r\n"                                                      \
	"To: bob@example.org,\r\n\tcarol@example.org\r\n"                                          \
	"Subject:  Lunch \tat  noon\r\n"                                                           \
	"Received: from a by b\r\n"                                                                \
	"Received: from c by d\r\n"                                                                \
	"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
#define BODY "Hello,\r\n\r\nlunch  at \t noon? \r\n -- \r\nAlice\r\n"

/* %K, %S, %H and %B: algorithm, selector, body hash and signature. */
#define TAGS(c) " v=1; a=%K; c=" c "; d=example.com; s=%S;\r\n\th=From:To:Subject:Date; bh=%H; b=%B"
#define RELAXED TAGS("relaxed/relaxed")
#define SIMPLE TAGS("simple/simple")
#define MORE(more)                                                                                 \
	" v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; h=From:To; bh=%H; " more "; b=%B"
#define NAMED(h) " v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; h=" h "; bh=%H; b=%B"
#define RSA "v=DKIM1; k=rsa; p=%P"
#define ED "v=DKIM1; k=ed25519; p=%P"

#define LINES10 "0123456789\r\n0123456789\r\n0123456789\r\n0123456789\r\n01\r\n"

struct row {
	const char *what;
	unsigned int bits;      /* of the key; SIGNER_ED25519 */
	const char *records[2]; /* at the selector; %P is the key, %Q the same as RSAPublicKey */
	const char *tags;
	struct tf_str header, body; /* as signed; empty: HEADER, BODY */
	const char *from, *to;      /* what was replaced on the way, once signed; NULL: nothing */
	enum tf_code code;
	const char *reason;
};

/* clang-format off */
static const struct row rows[] = {
	/* Canonicalization and what changes on the way */
	{ "DKIM-1 simple", 2048, { RSA }, SIMPLE, .code = TF_PASS },
	{ "DKIM-1 relaxed", 2048, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-6 no c=", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From:To:Subject; bh=%H; b=%B", .code = TF_PASS },
	{ "DKIM-6 c=relaxed", 2048, { RSA }, TAGS("relaxed"), .code = TF_PASS },
	{ "c=simple/relaxed", 2048, { RSA }, TAGS("simple/relaxed"), .code = TF_PASS },
	{ "c=relaxed/simple", 2048, { RSA }, TAGS("relaxed/simple"), .code = TF_PASS },
	{ "DKIM-1 a space in a signed field, simple", 2048, { RSA }, SIMPLE, .from = "Lunch", .to = " Lunch", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-1 a space in a signed field, relaxed", 2048, { RSA }, RELAXED, .from = "Subject:  Lunch \t", .to = "Subject: Lunch  ", .code = TF_PASS },
	{ "DKIM-2 refolded, case of the name", 2048, { RSA }, RELAXED, .from = "Subject:  Lunch \tat", .to = "SUBJECT: Lunch\r\n at ", .code = TF_PASS },
	{ "DKIM-2 trailing blanks in the body", 2048, { RSA }, RELAXED, .from = "Hello,", .to = "Hello, \t", .code = TF_PASS },
	{ "DKIM-2 a space doubled in the body", 2048, { RSA }, RELAXED, .from = "lunch  at \t noon", .to = "lunch\tat noon", .code = TF_PASS },
	{ "DKIM-2 the same, simple", 2048, { RSA }, SIMPLE, .from = "lunch  at", .to = "lunch at", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-4 empty lines at the end, relaxed", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice\r\n\r\n \r\n\r\n", .code = TF_PASS },
	{ "DKIM-4 empty lines at the end, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice\r\n\r\n\r\n\r\n", .code = TF_PASS },
	{ "3.4.3 a blank line at the end counts, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice\r\n \r\n", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-5 leading space removed, relaxed", 2048, { RSA }, RELAXED, .from = " -- ", .to = "-- ", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-5 leading space removed, simple", 2048, { RSA }, SIMPLE, .from = " -- ", .to = "-- ", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-3 no final CRLF, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice", .code = TF_PASS },
	{ "DKIM-3 no final CRLF, relaxed", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice \t", .code = TF_PASS },
	{ "lines of blanks alone, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT(" \r\n\t\r\n"), .code = TF_PASS },
	{ "lines of blanks alone, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT(" \r\n\t\r\n"), .code = TF_PASS },
	{ "empty lines alone, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("\r\n\r\n"), .code = TF_PASS },
	{ "empty lines alone, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("\r\n\r\n"), .code = TF_PASS },
	{ "text added to the body", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice\r\nfooter\r\n", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "8-bit text in header and body", 2048, { RSA }, RELAXED, .header = TF_LIT("From: J\xc3\xbcrgen <j@example.com>\r\nTo: \xe4@x\r\n"), .body = TF_LIT("gr\xfc\xdf" "e\r\n"), .code = TF_PASS },

	/* Fields */
	{ "DKIM-7 the lower of two", 2048, { RSA }, NAMED("From:Received"), .from = "a by b", .to = "x by y", .code = TF_PASS },
	{ "DKIM-7 the lower of two changed", 2048, { RSA }, NAMED("From:Received"), .from = "c by d", .to = "x by y", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-7 both", 2048, { RSA }, NAMED("From:Received:Received"), .from = "a by b", .to = "x by y", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-7 both as they were", 2048, { RSA }, NAMED("Received:From:Received"), .code = TF_PASS },
	{ "DKIM-8 a field that is not there", 2048, { RSA }, NAMED("From:Cc:To"), .code = TF_PASS },
	{ "DKIM-8 that field added", 2048, { RSA }, NAMED("From:Cc:To"), .from = "Date:", .to = "Cc: x@y\r\nDate:", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-8 oversigned", 2048, { RSA }, NAMED("From:From:To:To"), .code = TF_PASS },
	{ "DKIM-8 oversigned, second From on top", 2048, { RSA }, NAMED("From:From"), .from = "From: Alice", .to = "From: Eve <eve@example.net>\r\nFrom: Alice", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "D1 second From on top, signed once", 2048, { RSA }, NAMED("From"), .from = "From: Alice", .to = "From: Eve <eve@example.net>\r\nFrom: Alice", .code = TF_PASS },
	{ "D1 second From below, signed once", 2048, { RSA }, NAMED("From"), .from = "Date:", .to = "From: Eve <eve@example.net>\r\nDate:", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "h= in any case", 2048, { RSA }, NAMED("fROM:to:SUBJECT"), .code = TF_PASS },
	{ "h= with folds", 2048, { RSA }, NAMED("From :\r\n\tTo : \r\n Subject"), .code = TF_PASS },
	{ "no From at all", 2048, { RSA }, NAMED("From:To"), .header = TF_LIT("To: x\r\nDate: y\r\n"), .code = TF_PASS },
	{ "h= names everything many times", 2048, { RSA }, NAMED("From:From:From:To:To:To:Subject:Subject:Received:Received:Received:Date:Date:X:Y:Z:X:Y:Z"), .code = TF_PASS },
	{ "empty value", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject:\r\n"), .code = TF_PASS },
	{ "empty value, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject:\r\n"), .code = TF_PASS },
	{ "value of blanks", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: \r\n \t\r\n"), .code = TF_PASS },
	{ "VT in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a b\r\n"), .from = "a b", .to = "a\vb", .code = TF_NEUTRAL, .reason = "control character in a signed field" },
	{ "VT in another field", 2048, { RSA }, NAMED("From"), .header = TF_LIT("From: a@b\r\nSubject: a\vb\r\n"), .code = TF_PASS },
	{ "VT in a signed field, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject: a\vb\r\n"), .code = TF_PASS },
	{ "NUL in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a\0b\r\n"), .code = TF_NEUTRAL, .reason = "control character in a signed field" },
	{ "NUL in a signed field, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject: a\0b\r\n"), .code = TF_PASS },
	{ "bare CR in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a b\r\n"), .from = "a b", .to = "a\rb", .code = TF_NEUTRAL, .reason = "control character in a signed field" },

	/* The signature field */
	{ "DKIM-24 b= first", 2048, { RSA }, " b=%B; v=1; a=%K; d=example.com; s=%S; h=From; c=relaxed; bh=%H", .code = TF_PASS },
	{ "DKIM-24 b= in the middle", 2048, { RSA }, " v=1; b=%B; a=%K; d=example.com; s=%S; h=From; c=relaxed; bh=%H", .code = TF_PASS },
	{ "DKIM-24 b= with white space", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b=\r\n\t %B \r\n ;", .code = TF_PASS },
	{ "DKIM-24 b= refolded, simple", 2048, { RSA }, SIMPLE, .from = "; b=", .to = "; b=\r\n\t", .code = TF_PASS },
	{ "3.7 bytes beside b= count, simple", 2048, { RSA }, SIMPLE, .from = "; b=", .to = ";  b=", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-24 b= in values", 2048, { RSA }, MORE("z=x:b=y;n=b=c"), .code = TF_PASS },
	{ "DKIM-25 unknown tag", 2048, { RSA }, MORE("foo=bar"), .code = TF_PASS },
	{ "DKIM-25 unknown tag changed", 2048, { RSA }, MORE("foo=bar"), .from = "foo=bar", .to = "foo=baz", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "tags with case of their own", 2048, { RSA }, MORE("D=example.net;B=QUJD;S=x;H=To;V=2;A=x"), .code = TF_PASS },
	{ "DKIM-31 case of d=", 2048, { RSA }, " v=1; a=%K; d=Example.COM; s=%S; h=From; bh=%H; b=%B", .code = TF_PASS },
	{ "DKIM-12 b= damaged", 2048, { RSA }, RELAXED, .from = "; b=", .to = "; b=AAAA", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-12 b= of another length", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b=AAAA", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "bh= of another hash", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=AAAA; b=%B", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "white space between b and =", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b =%B", .code = TF_NEUTRAL, .reason = "form of the signature is not supported" },
	{ "tag that ends in b", 2048, { RSA }, MORE("ab=1"), .code = TF_NEUTRAL, .reason = "form of the signature is not supported" },
	{ "tag bH", 2048, { RSA }, MORE("bH=1"), .code = TF_NEUTRAL, .reason = "form of the signature is not supported" },
	{ "i= with two @", 2048, { RSA }, MORE("i=\"a@b\"@example.com"), .code = TF_NEUTRAL, .reason = "quoted i= is not supported" },
	{ "i= with a coded second @", 2048, { RSA }, MORE("i=\"a=40b\"@example.com"), .code = TF_NEUTRAL, .reason = "quoted i= is not supported" },
	{ "i= quoted", 2048, { RSA }, MORE("i=\"a\"@example.com"), .code = TF_PASS },
	{ "i= coded", 2048, { RSA }, MORE("i=a=2Bb=40example.com"), .code = TF_PASS },
	{ "DKIM-26 8-bit d=", 2048, { RSA }, " v=1; a=%K; d=b\xc3\xbc" "cher.example; s=%S; h=From; bh=%H; b=%B", .code = TF_NEUTRAL, .reason = "8-bit signature is not supported" },
	{ "t= before DKIM was made", 2048, { RSA }, MORE("t=5"), .code = TF_NEUTRAL, .reason = "t= is too old for the verifier" },
	{ "x= of 19 digits", 2048, { RSA }, MORE("x=9999999999999999999"), .code = TF_NEUTRAL, .reason = "x= is too large for the verifier" },

	/* Times: NOW is years ago by the clock of the host */
	{ "DKIM-19 t= 60 s ahead", 2048, { RSA }, MORE("t=1700000060"), .code = TF_PASS },
	{ "DKIM-19 t= an hour ahead", 2048, { RSA }, MORE("t=1700003600"), .code = TF_FAIL, .reason = "signature is from the future" },
	{ "x= not yet", 2048, { RSA }, MORE("t=1699990000; x=1700000010"), .code = TF_PASS },
	{ "DKIM-19 x= in the past", 2048, { RSA }, MORE("t=1699990000; x=1699999000"), .code = TF_FAIL, .reason = "signature has expired" },
	{ "DKIM-19 x= of 13 digits", 2048, { RSA }, MORE("x=9999999999999"), .code = TF_PASS },
	{ "D3 old t=", 2048, { RSA }, MORE("t=1100000000"), .code = TF_PASS },

	/* l= */
	{ "DKIM-20 l= covers a part", 2048, { RSA }, MORE("l=10"), .body = TF_LIT(LINES10), .code = TF_POLICY, .reason = "42 octets of the body are not signed" },
	{ "DKIM-20 l= covers all", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .code = TF_PASS },
	{ "DKIM-20 l= covers all, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=52; bh=%H; b=%B", .body = TF_LIT(LINES10), .code = TF_PASS },
	{ "D2 part appended", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n01\r\nEvil\r\n", .code = TF_POLICY, .reason = "6 octets of the body are not signed" },
	{ "D2 empty lines appended", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n01\r\n\r\n\r\n", .code = TF_PASS },
	{ "D2 change within l=", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n02\r\n", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-20 l= larger than the body", 2048, { RSA }, MORE("l=53"), .body = TF_LIT(LINES10), .code = TF_PERMERROR, .reason = "l= exceeds the body" },
	{ "DKIM-20 l= overflows", 2048, { RSA }, MORE("l=99999999999999999999"), .body = TF_LIT(LINES10), .code = TF_PERMERROR, .reason = "l= exceeds the body" },
	{ "l=0", 2048, { RSA }, MORE("l=0"), .body = TF_LIT(LINES10), .code = TF_POLICY, .reason = "52 octets of the body are not signed" },
	{ "l=0 of nothing", 2048, { RSA }, MORE("l=0"), .body = TF_LIT("\r\n"), .code = TF_PASS },
	{ "l=2 of nothing, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=2; bh=%H; b=%B", .body = TF_LIT("\r\n"), .code = TF_PASS },
	{ "l= counts canonical octets", 2048, { RSA }, MORE("l=5"), .body = TF_LIT("a \t b \r\n\r\n"), .code = TF_PASS },
	{ "l= counts canonical octets, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=5; bh=%H; b=%B", .body = TF_LIT("a \t b \r\n\r\n"), .code = TF_POLICY, .reason = "3 octets of the body are not signed" },

	/* Bytes that are no text */
	{ "D12 NUL in the body, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a\0b\r\n\0\r\n"), .code = TF_PASS },
	{ "D12 NUL in the body, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\0b\r\n\0\r\n"), .code = TF_PASS },
	{ "D12 bare CR, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\rb\r\n"), .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare CR added, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("ab\r\n"), .from = "ab", .to = "a\rb", .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare CR at the end", 2048, { RSA }, SIMPLE, .body = TF_LIT("ab\r"), .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare LF, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a\nb\r\n"), .code = TF_PASS },
	{ "D12 bare LF, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\nb\r\n"), .code = TF_FAIL, .reason = "body hash did not verify" },

	/* Keys */
	{ "DKIM-11 ed25519", SIGNER_ED25519, { ED }, RELAXED, .code = TF_PASS },
	{ "ed25519, simple", SIGNER_ED25519, { ED }, SIMPLE, .code = TF_PASS },
	{ "ed25519, body changed", SIGNER_ED25519, { ED }, RELAXED, .from = "Hello", .to = "Hallo", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "ed25519, header changed", SIGNER_ED25519, { ED }, RELAXED, .from = "Lunch", .to = "Lunches", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-10 1024 bits", 1024, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-10 4096 bits", 4096, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-10 1023 bits", 1023, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "D4 768 bits", 768, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "DKIM-10 512 bits", 512, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "DKIM-10 rsa-sha1", 2048, { RSA }, " v=1; a=rsa-sha1; d=example.com; s=%S; h=From; bh=%H; b=%B", .code = TF_PERMERROR, .reason = "rsa-sha1 is not accepted" },
	{ "8017 A.1.1 RSAPublicKey", 2048, { "p=%Q" }, RELAXED, .code = TF_PASS },
	{ "no padding", SIGNER_ED25519, { "k=ed25519; p=%U" }, RELAXED, .code = TF_PASS },
	{ "DKIM-17 blanks in p=", 2048, { "v=DKIM1; p=  %P  ;" }, RELAXED, .code = TF_PASS },
	{ "long n=", 2048, { "v=DKIM1; n=01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-15 revoked", 2048, { "v=DKIM1; p=" }, RELAXED, .code = TF_PERMERROR, .reason = "key revoked" },
	{ "DKIM-15 v=DKIM2", 2048, { "v=DKIM2; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key record has another version" },
	{ "DKIM-15 NXDOMAIN", 2048, { NULL }, RELAXED, .code = TF_PERMERROR, .reason = "key not found" },
	{ "DKIM-11 k=rsa with ed25519", SIGNER_ED25519, { "v=DKIM1; k=rsa; p=%R" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not fit the algorithm" },
	{ "k=ed25519 with rsa", 2048, { "v=DKIM1; k=ed25519; p=%E" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not fit the algorithm" },
	{ "DKIM-16 h=sha1", 2048, { "v=DKIM1; h=sha1; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not allow sha256" },
	{ "DKIM-16 h=sha1:sha256", 2048, { "v=DKIM1; h=sha1:sha256; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-16 s=tlsrpt", 2048, { "v=DKIM1; s=tlsrpt; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key is not for mail" },
	{ "DKIM-16 s=*:email", 2048, { "v=DKIM1; s=*:email; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-18 an unrelated record", 2048, { "v=spf1 -all", RSA }, RELAXED, .code = TF_PASS },
	{ "D4 two keys", 2048, { RSA, ED }, RELAXED, .code = TF_PERMERROR, .reason = "more than one key" },
	{ "DKIM-27 garbage", 2048, { "v=DKIM1; p=QUJD" }, RELAXED, .code = TF_PERMERROR, .reason = "key is not an RSA key" },
	{ "DKIM-14 i= below d=", 2048, { RSA }, MORE("i=u@sub.example.com"), .code = TF_PASS },
	{ "DKIM-14 t=s and i= below d=", 2048, { "t=s; p=%P" }, MORE("i=u@sub.example.com"), .code = TF_PERMERROR, .reason = "key does not allow i= below d=" },
	{ "DKIM-14 t=s and i= in d=", 2048, { "t=s; p=%P" }, MORE("i=u@EXAMPLE.com"), .code = TF_PASS },
	{ "DKIM-14 t=s without i=", 2048, { "t=y:s; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-30 t=y, bad signature", 2048, { "t=y; p=%P" }, RELAXED, .from = "Lunch", .to = "Lunches", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "6144 bits", 2048, { "p=%L" }, RELAXED, .code = TF_NEUTRAL, .reason = "key is too long for the verifier" },
};
/* clang-format on */

struct fixture {
	struct tf_resolver *resolver;
	struct tf_arena *arena;
};

static struct tf_str
record_text(struct tf_arena *a, const char *record, unsigned int bits)
{
	struct tf_str text = tf_str_from(record), raw = signer_public(SIGNER_ED25519, false, a);

	text = replace(a, text, "%P", signer_public(bits, false, a));
	text = replace(a, text, "%Q", signer_public(bits, true, a));
	text = replace(a, text, "%R", signer_public(2048, false, a));
	text = replace(a, text, "%E", raw);
	text = replace(a, text, "%L", signer_made_up_public(768, a));
	return replace(a, text, "%U", tf_str_sub(raw, 0, raw.len - 1));
}

/* Keys of every row under r<row>._domainkey.example.com, and some for the other tests. */
static void
write_zone(struct tf_arena *a, struct tf_buf *zone)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_str name = tf_arena_printf(a, "r%zu._domainkey.example.com", i);

		for (size_t k = 0; k < TF_ARRAY_LEN(rows[i].records); k++) {
			if (rows[i].records[k] != NULL)
				zone_txt(
				    zone, name, record_text(a, rows[i].records[k], rows[i].bits));
		}
	}
	zone_txt(zone, TF_STR("good._domainkey.example.com"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("ed._domainkey.example.com"), record_text(a, ED, SIGNER_ED25519));
	zone_txt(zone, TF_STR("good._domainkey.example.net"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("good._domainkey.sub.example.com"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("test._domainkey.football.example.com"),
	    TF_STR("v=DKIM1; k=rsa; "
		   "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy"
		   "5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3"
		   "rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"));
	zone_txt(zone, TF_STR("brisbane._domainkey.football.example.com"),
	    TF_STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
}

static int
set_up(void **state)
{
	struct fixture *f = tf_xmalloc(sizeof(*f));
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver_opts opts;
	struct tf_buf zone;

	tf_buf_init_arena(&zone, a, 1 << 20);
	write_zone(a, &zone);
	opts = zone_opts(tf_buf_cstr(&zone));
	f->resolver = resolver_or_fail(&opts);
	f->arena = a;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	tf_resolver_release(f->resolver);
	tf_arena_free(f->arena);
	tf_xfree(f);
	return 0;
}

static struct tf_str
or_default(struct tf_str s, struct tf_str otherwise)
{
	return s.ptr != NULL ? s : otherwise;
}

/* A tag list with %K and %S filled in. */
static struct tf_str
fill_in(struct tf_arena *a, const char *tags, unsigned int bits, struct tf_str selector)
{
	struct tf_str algorithm =
	    bits == SIGNER_ED25519 ? TF_STR("ed25519-sha256") : TF_STR("rsa-sha256");
	struct tf_str text = replace(a, tf_str_from(tags), "%K", algorithm);

	return replace(a, text, "%S", selector);
}

/* The message of a row, signed and then changed, through tf_dkim. */
static void
run_row(struct run *run, const struct row *row, size_t number)
{
	struct tf_arena *a = run->arena;
	struct tf_str header = or_default(row->header, TF_STR(HEADER));
	struct tf_str body = or_default(row->body, TF_STR(BODY)), value;
	struct tf_header_block *as_signed = new_header(a), *arrived = new_header(a);
	struct tf_str text;

	add_header(as_signed, header);
	value = signer_sign(a, as_signed, body, row->bits,
	    fill_in(a, row->tags, row->bits, tf_arena_printf(a, "r%zu", number)));
	text = tf_arena_printf(a, "DKIM-Signature:%.*s\r\n", TF_PRI(value));
	if (row->from != NULL) {
		text = replace(a, text, row->from, tf_str_from(row->to));
		header = replace(a, header, row->from, tf_str_from(row->to));
		body = replace(a, body, row->from, tf_str_from(row->to));
	}
	add_header(arrived, text);
	add_header(arrived, header);
	run_dkim(run, arrived, body);
}

static void
check_result(const char *what, const struct tf_dkim *got, enum tf_code code, const char *reason)
{
	if (got->code != code)
		fail_msg("%s: got %s (%.*s), want %s", what, tf_code_name(got->code),
		    TF_PRI(got->reason), tf_code_name(code));
	assert_str(what, got->reason, tf_str_from(reason));
}

static void
test_rows(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct run run = new_run(a, f->resolver);

		run_row(&run, &rows[i], i);
		assert_num(rows[i].what, run.count, 1);
		check_result(rows[i].what, &run.dkim[0], rows[i].code, rows[i].reason);
		/* One octet at a time gives the same. */
		run.chunk = 1;
		run_row(&run, &rows[i], i);
		check_result(rows[i].what, &run.dkim[0], rows[i].code, rows[i].reason);
		tf_arena_free(a);
	}
}

/* What a result tells beside code and reason. */
static void
test_facts(void **state)
{
	static const struct row facts[] = {
		{ .what = "facts",
		    .bits = 2048,
		    .tags = " v=1; a=%K; c=relaxed/relaxed; d=Example.COM; s=good; "
			    "i=a@sub.example.com; t=1600000000; h=From; l=3; bh=%H; b=%B" },
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct run run = new_run(a, f->resolver);
	const struct tf_dkim *d;

	run_row(&run, &facts[0], 0);
	d = &run.dkim[0];
	check_result("partial body", d, TF_POLICY, "35 octets of the body are not signed");
	assert_str("domain", d->domain, TF_STR("example.com"));
	assert_str("selector", d->selector, TF_STR("good"));
	assert_str("identity", d->identity, TF_STR("a@sub.example.com"));
	assert_str("algorithm", d->algorithm, TF_STR("rsa-sha256"));
	assert_int_equal(d->b.len, 344);
	assert_int_equal(d->bits, 2048);
	assert_false(d->key_testing || d->not_evaluated);
	assert_int_equal(d->unsigned_octets, 35);
	assert_str("notes", all_notes(&run),
	    TF_STR(
		"signature 1 (d=example.com s=good): policy, 35 octets of the body are not signed\n"
		"signature 1 was made 1157 days ago\n"
		"signature 1 leaves 35 octets at the end of the body unsigned\n"));

	run.opts.accept_partial_body = true;
	run_row(&run, &facts[0], 0);
	check_result("dkim.partial_body = accept", &run.dkim[0], TF_PASS, "");
	assert_int_equal(run.dkim[0].unsigned_octets, 35);

	run.opts.min_rsa_bits = 2049;
	run_row(&run, &facts[0], 0);
	check_result("dkim.min_rsa_bits", &run.dkim[0], TF_PERMERROR, "key is too short");
	assert_int_equal(run.dkim[0].bits, 2048);
	tf_arena_free(a);
}

static size_t
row_of(const char *what)
{
	size_t i = 0;

	while (i < TF_ARRAY_LEN(rows) && strcmp(rows[i].what, what) != 0)
		i++;
	assert_true(i < TF_ARRAY_LEN(rows));
	return i;
}

static void
test_notes(void **state)
{
	static const struct {
		const char *row, *note;
	} notes[] = {
		{ "DKIM-30 t=y, bad signature",
		    "signature 1 (d=example.com s=r%N): fail, signature did not verify (the key is "
		    "marked as a test)\n" },
		{ "D12 NUL in the body, relaxed",
		    "signature 1 (d=example.com s=r%N): pass\nthe body has a NUL\n" },
		{ "D12 bare CR, simple",
		    "signature 1 (d=example.com s=r%N): policy, bare CR in the "
		    "body\nthe body has a bare CR\n" },
		{ "D12 bare LF, relaxed",
		    "signature 1 (d=example.com s=r%N): pass\nthe body has a bare LF\n" },
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();

	for (size_t i = 0; i < TF_ARRAY_LEN(notes); i++) {
		struct run run = new_run(a, f->resolver);
		size_t number = row_of(notes[i].row);

		run_row(&run, &rows[number], number);
		assert_str(notes[i].row, all_notes(&run),
		    replace(
			a, tf_str_from(notes[i].note), "%N", tf_arena_printf(a, "%zu", number)));
		assert_num(notes[i].row, run.dkim[0].key_testing, i == 0);
	}
	tf_arena_free(a);
}

/* DKIM-3: the hashes of nothing; a body of nothing has no chunk at all. */
static void
test_empty_body(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	static const char *const tags[] = { SIMPLE, RELAXED };

	assert_str("6376 3.4.3", signer_body_hash(a, TF_STR(""), false, SIZE_MAX),
	    TF_STR("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="));
	assert_str("6376 3.4.4", signer_body_hash(a, TF_STR(""), true, SIZE_MAX),
	    TF_STR("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
	for (size_t i = 0; i < TF_ARRAY_LEN(tags); i++) {
		struct row row = { "empty", 2048, { RSA }, tags[i], .body = TF_LIT("") };
		struct run run = new_run(a, f->resolver);

		run_row(&run, &row, row_of("DKIM-1 simple"));
		check_result("empty body", &run.dkim[0], TF_PASS, "");
	}
	tf_arena_free(a);
}

/* DKIM-28: chunks split anywhere, in line ends and runs of blanks. */
static void
test_chunks(void **state)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 1000, 4095, 4096, 4097, 65536 };
	static const char *const tags[] = { SIMPLE, RELAXED, TAGS("simple/relaxed"),
		TAGS("relaxed/simple") };
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_buf body;

	tf_buf_init_arena(&body, a, 1 << 20);
	for (size_t i = 0; body.len < 200000; i++) {
		tf_buf_printf(&body, "line %zu \t with  blanks", i);
		for (size_t k = 0; k < i % 11; k++)
			tf_buf_lit(&body, i % 3 != 0 ? " \t" : "x");
		tf_buf_lit(&body, i % 7 == 0 ? "\r\n\r\n \r\n" : "\r\n");
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(tags); i++) {
		for (size_t k = 0; k < TF_ARRAY_LEN(chunks); k++) {
			struct row row = { "chunks", 2048, { RSA }, tags[i],
				.body = tf_buf_get(&body) };
			struct run run = new_run(a, f->resolver);

			run.chunk = chunks[k];
			run_row(&run, &row, row_of("DKIM-1 simple"));
			check_result(tags[i], &run.dkim[0], TF_PASS, "");
		}
	}
	tf_arena_free(a);
}

/* DKIM-28: a large body of one long line. */
static void
test_large_body(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct run run = new_run(a, f->resolver);
	size_t size = (size_t)20 << 20;
	char *bytes = tf_arena_alloc(a, size);
	struct row row = { "large", 2048, { RSA }, RELAXED, .body = { bytes, size } };

	memset(bytes, 'x', size);
	run.chunk = 65535;
	run_row(&run, &row, row_of("DKIM-1 simple"));
	check_result("20 MiB in one line", &run.dkim[0], TF_PASS, "");
	tf_arena_free(a);
}

/* RFC 8463 appendix A: both signatures of its message, with its keys. */
static void
test_rfc8463(void **state)
{
	static const char header[] =
	    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	    " subject : date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	    " date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	    "From: Joe SixPack <joe@football.example.com>\r\n"
	    "To: Suzie Q <suzie@shopping.example.net>\r\n"
	    "Subject: Is dinner ready?\r\n"
	    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = new_header(a);
	struct run run = new_run(a, f->resolver);

	add_header(hb, tf_str_from(header));
	run_dkim(
	    &run, hb, TF_STR("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"));
	assert_int_equal(run.count, 2);
	check_result("8463 A.3 Ed25519", &run.dkim[0], TF_PASS, "");
	assert_int_equal(run.dkim[0].bits, 256);
	check_result("8463 A.3 RSA", &run.dkim[1], TF_PASS, "");
	assert_int_equal(run.dkim[1].bits, 1024);
	tf_arena_free(a);
}

/* Puts a signature over all that is there on top of it. */
static struct tf_header_block *
sign_on_top(struct tf_arena *a, const struct tf_header_block *below, const char *tags,
    unsigned int bits, const char *selector)
{
	struct tf_str value = signer_sign(
	    a, below, TF_STR(BODY), bits, fill_in(a, tags, bits, tf_str_from(selector)));
	struct tf_header_block *hb = new_header(a);

	assert_true(tf_header_block_add(hb, TF_STR("DKIM-Signature"), value));
	for (size_t i = 0; i < below->count; i++)
		assert_true(tf_header_block_add(hb, below->fields[i].name, below->fields[i].value));
	return hb;
}

static struct tf_header_block *
default_header(struct tf_arena *a)
{
	struct tf_header_block *hb = new_header(a);

	add_header(hb, TF_STR(HEADER));
	return hb;
}

/* DKIM-21: each signature is judged alone and reported in message order. */
static void
test_several(void **state)
{
	static const char bad[] =
	    " v=1; a=rsa-sha256; d=example.com; s=good; h=From; bh=%H; b=AAAA";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	struct run run = new_run(a, f->resolver);

	hb = sign_on_top(a, hb, RELAXED, 2048, "good");
	hb = sign_on_top(a, hb, bad, 2048, "good");
	hb = sign_on_top(a, hb, SIMPLE, SIGNER_ED25519, "ed");
	hb = sign_on_top(a, hb, " v=2", 2048, "good");
	hb = sign_on_top(a, hb, RELAXED, 2048, "missing");
	hb = sign_on_top(a, hb, TAGS("simple/relaxed"), 2048, "good");
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.count, 6);
	check_result("simple/relaxed", &run.dkim[0], TF_PASS, "");
	check_result("no key", &run.dkim[1], TF_PERMERROR, "key not found");
	check_result("syntax", &run.dkim[2], TF_NEUTRAL, "version is unknown");
	check_result("Ed25519", &run.dkim[3], TF_PASS, "");
	check_result("damaged", &run.dkim[4], TF_FAIL, "signature did not verify");
	check_result("the lowest", &run.dkim[5], TF_PASS, "");
	assert_int_equal(run.asked, 3);
	assert_int_equal(run.domain_count, 1);
	tf_arena_free(a);
}

/* DKIM-30: no signature, no result and no question. */
static void
test_none(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct run run = new_run(a, f->resolver);

	run_dkim(&run, default_header(a), TF_STR(BODY));
	assert_int_equal(run.count, 0);
	assert_int_equal(run.asked, 0);
	assert_int_equal(run.domain_count, 0);
	assert_int_equal(run.notes.count, 0);
	tf_arena_free(a);
}

/* DKIM-23: fields named DKIM-Signature in h= keep their b=. */
static void
test_covered_signature(void **state)
{
	static const char over[] = " v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; "
				   "h=From:DKIM-Signature; bh=%H; b=%B";
	static const char twice[] = " v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; "
				    "h=From:DKIM-Signature:dkim-signature; bh=%H; b=%B";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *inner = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct run run = new_run(a, f->resolver);

	run_dkim(&run, sign_on_top(a, inner, over, 2048, "good"), TF_STR(BODY));
	check_result("5.4 covers the one below", &run.dkim[0], TF_PASS, "");
	check_result("5.4 the one below", &run.dkim[1], TF_PASS, "");

	/* What the library cannot tell is never taken for a pass. */
	run_dkim(&run, sign_on_top(a, inner, twice, 2048, "good"), TF_STR(BODY));
	check_result("one more than there is", &run.dkim[0], TF_NEUTRAL,
	    "signature covers a signature that was not evaluated");
	inner = sign_on_top(a, inner, " v=2", 2048, "good");
	run_dkim(&run, sign_on_top(a, inner, over, 2048, "good"), TF_STR(BODY));
	check_result("covers one with a fault", &run.dkim[0], TF_NEUTRAL,
	    "signature covers a signature that was not evaluated");
	check_result("others go on", &run.dkim[2], TF_PASS, "");
	tf_arena_free(a);
}

/* DKIM-22, D5: the cap, and who comes first under it. */
static void
test_cap(void **state)
{
	static const char other[] =
	    " v=1; a=rsa-sha256; d=d%N.example.net; s=s%N; h=From; bh=%H; b=AAAA";
	static const char *const aligned[] = {
		" v=1; a=%K; d=example.com; s=good; h=From; bh=%H; b=%B",
		" v=1; a=%K; d=sub.example.com; s=good; h=From; bh=%H; b=%B",
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	struct run run = new_run(a, f->resolver);
	size_t too_many = 0;

	for (size_t i = 0; i < TF_ARRAY_LEN(aligned); i++)
		hb = sign_on_top(a, hb, aligned[i], 2048, "good");
	for (size_t i = 0; i < 200; i++) {
		struct tf_str number = tf_arena_printf(a, "%zu", i);
		struct tf_str tags = replace(a, tf_str_from(other), "%N", number);

		hb = sign_on_top(a, hb, tf_arena_cstr(a, tags), 2048, "s");
	}
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.count, 202);
	assert_int_equal(run.asked, 10);
	assert_int_equal(run.domain_count, 10);
	check_result("aligned, below", &run.dkim[200], TF_PASS, "");
	check_result("aligned", &run.dkim[201], TF_PASS, "");
	for (size_t i = 0; i < 200; i++) {
		bool evaluated = i < 8;

		check_result("others from the top", &run.dkim[i],
		    evaluated ? TF_PERMERROR : TF_POLICY,
		    evaluated ? "key not found" : "too many signatures");
		too_many += run.dkim[i].not_evaluated;
	}
	assert_int_equal(too_many, 192);

	run.opts.max_signatures = 1;
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.asked, 1);
	check_result("one place", &run.dkim[200], TF_PASS, "");
	check_result("no second place", &run.dkim[201], TF_POLICY, "too many signatures");
	tf_arena_free(a);
}

/* Each l= is one more pass over the body. */
static void
test_cap_of_limits(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct run run = new_run(a, f->resolver);

	for (size_t i = 0; i < 5; i++)
		hb = sign_on_top(a, hb, MORE("l=38"), 2048, "good");
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.count, 6);
	for (size_t i = 0; i < run.count; i++)
		check_result("l= over all of the body", &run.dkim[i],
		    i == 3 || i == 4 ? TF_POLICY : TF_PASS,
		    i == 3 || i == 4 ? "too many signatures" : "");
	tf_arena_free(a);
}

/* E5, E6, E11: what cannot be read is not asked for either, and takes no place. */
static void
test_no_question(void **state)
{
	static const struct tf_str fields[] = {
		TF_LIT(" v=1; a=rsa-sha256; d=legit.com; s=s._domainkey.attack.com.\0.any; h=From; "
		       "bh=AAAA; b=AAAA"),
		TF_LIT(
		    " v=1; a=rsa-sha256; d=legit.com'a.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=legit.com(.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(
		    " v=1; a=rsa-sha256; d=legit.com\"=(.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example.com; s=a)b; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example..com; s=a; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example.com.; s=a; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=ex\xe4mple.com; s=a; h=From; bh=AAAA; b=AAAA"),
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = new_header(a);
	struct run run = new_run(a, f->resolver);

	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++)
		assert_true(tf_header_block_add(hb, TF_STR("DKIM-Signature"), fields[i]));
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.asked, 0);
	assert_int_equal(run.domain_count, 0);
	assert_int_equal(run.count, TF_ARRAY_LEN(fields));
	for (size_t i = 0; i < run.count; i++) {
		assert_int_equal(run.dkim[i].code, TF_NEUTRAL);
		assert_true(run.dkim[i].reason.len != 0);
	}
	tf_arena_free(a);
}

/* DKIM-15: a failed look-up is temperror and nothing else. */
static void
test_temperror(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct run run = new_run(a, f->resolver);

	run.max_questions = 0;
	run_dkim(&run, hb, TF_STR(BODY));
	check_result("over the budget", &run.dkim[0], TF_TEMPERROR, "key look-up failed");
	assert_str("domain", run.dkim[0].domain, TF_STR("example.com"));
	tf_arena_free(a);
}

/* A server that never answers. */
static void
test_silent_server(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(sin);
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct tf_resolver_opts opts = { .timeout_ms = 300, .server_count = 1 };
	struct tf_str server;
	struct run run;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	server = tf_arena_printf(a, "127.0.0.1@%u", ntohs(sin.sin_port));
	opts.servers = &server;
	run = new_run(a, resolver_or_fail(&opts));
	run_dkim(&run, hb, TF_STR(BODY));
	check_result("silent server", &run.dkim[0], TF_TEMPERROR, "key look-up timed out");
	tf_resolver_release(run.resolver);
	close(fd);
	tf_arena_free(a);
}

/* A check that ends before its body or its evaluation leaves nothing behind. */
static void
test_abort(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), MORE("l=3"), 2048, "good");
	const struct run run = new_run(a, f->resolver);
	struct tf_dns *dns = begin(f->resolver, 10);
	struct tf_dkim_check *c = tf_dkim_start(a, dns, &run.opts, hb, &run.authors, NOW);

	assert_non_null(c);
	tf_dkim_body(c, TF_STR("half a li"));
	tf_dns_end(dns);
	tf_arena_free(a);
}

#define THREADS 4
#define MESSAGES 25

struct worker {
	pthread_t thread;
	struct tf_resolver *resolver;
	size_t passed;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < MESSAGES; i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block *hb = default_header(a);
		struct run run = new_run(a, w->resolver);

		hb = sign_on_top(a, hb, RELAXED, 2048, "good");
		hb = sign_on_top(a, hb, SIMPLE, SIGNER_ED25519, "ed");
		hb = sign_on_top(a, hb, MORE("l=5"), 2048, "good");
		run.opts.accept_partial_body = true;
		run_dkim(&run, hb, TF_STR(BODY));
		for (size_t k = 0; k < run.count; k++)
			w->passed += run.dkim[k].code == TF_PASS;
		tf_arena_free(a);
	}
	return NULL;
}

/* Sessions verify in parallel; the thread sanitizer watches. */
static void
test_parallel(void **state)
{
	struct fixture *f = *state;
	struct worker workers[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .resolver = f->resolver };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].passed, 3 * MESSAGES);
	}
}

static void
test_versions(void **state)
{
	(void)state;
	assert_true(
	    tf_str_starts_nocase(tf_str_from(tf_dkim_versions()), TF_STR("libopendkim 2.")));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_empty_body),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_rfc8463),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_covered_signature),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_cap_of_limits),
		cmocka_unit_test(test_no_question),
		cmocka_unit_test(test_temperror),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
