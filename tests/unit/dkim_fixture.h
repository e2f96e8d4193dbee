/*
 * dkim_fixture.h - a signed message from its parts through tf_dkim_*, against a zone with its keys
 */
#ifndef TESTS_UNIT_DKIM_FIXTURE_H
#define TESTS_UNIT_DKIM_FIXTURE_H

#include "policy/dkim.h"
#include "tests/unit/dkim_signer.h"
#include "tests/unit/resolver_fixture.h"

#define NOW 1700000000

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

/* A TXT record in master-file form: strings of 200 octets, everything odd as \DDD. */
void zone_txt(struct tf_buf *zone, struct tf_str name, struct tf_str text);

/* "Name:value" lines with folds, each ended by CRLF. */
void add_header(struct tf_header_block *hb, struct tf_str text);
struct tf_header_block *new_header(struct tf_arena *a);

/* One run of tf_dkim_start, _body and _eval. */
struct run {
	struct tf_arena *arena;
	struct tf_resolver *resolver;
	struct tf_dkim_opts opts;
	struct tf_author authors;
	uint32_t max_questions;
	size_t chunk; /* octets of a body chunk; 0 = all at once */
	enum tf_verifier_kind kind;

	const struct tf_dkim *dkim;
	size_t count;
	struct tf_notes notes;
	uint32_t asked;
	const struct tf_str *domains;
	size_t domain_count;
};

/* Defaults: the author domain is example.com, options as configured by default. */
struct run new_run(struct tf_arena *a, struct tf_resolver *r);
void run_dkim(struct run *run, const struct tf_header_block *hb, struct tf_str body);
/* All notes, a line each. */
struct tf_str all_notes(const struct run *run);
void check_result(
    const char *what, const struct tf_dkim *got, enum tf_code code, const char *reason);

/* A message with one signature: how it was signed, what happened on the way, what must come out. */
struct letter {
	const char *what;
	unsigned int bits;      /* of the key; SIGNER_ED25519 */
	const char *records[2]; /* at the selector; %P is the key, %Q the same as RSAPublicKey */
	const char *tags;
	struct tf_str header, body; /* as signed; empty: HEADER, BODY */
	const char *from, *to;      /* what was replaced on the way, once signed; NULL: nothing */
	enum tf_code code;
	const char *reason;
	const char *library; /* why libopendkim is not asked; NULL: it says the same as ours */
};

/* The state of a test program: a resolver that knows the keys of its letters and a few more. */
struct fixture {
	struct tf_resolver *resolver;
	struct tf_arena *arena;
};

int fixture_set_up(void **state, const struct letter *letters, size_t count);
int fixture_tear_down(void **state);

/* The message of a letter, signed with the selector r<number> and then changed, through tf_dkim. */
void run_letter(struct run *run, const struct letter *letter, size_t number);
/* Runs all letters through both verifiers together and each alone, with the body as a whole and an
 * octet at a time. */
void check_letters(const struct fixture *f, const struct letter *letters, size_t count);
size_t letter_number(const struct letter *letters, size_t count, const char *what);

/* The fields of HEADER. */
struct tf_header_block *default_header(struct tf_arena *a);
/* All that is there with a signature over it and BODY on top; tags as in a letter. */
struct tf_header_block *sign_on_top(struct tf_arena *a, const struct tf_header_block *below,
    const char *tags, unsigned int bits, const char *selector);

#endif
