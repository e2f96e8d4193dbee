/*
 * arc_fixture.h - messages with ARC chains made for tests, and their keys
 */
#ifndef TESTS_UNIT_ARC_FIXTURE_H
#define TESTS_UNIT_ARC_FIXTURE_H

#include "tests/unit/dkim_fixture.h"

/* %I, %K, %D, %S, %V, %H, %B: instance, algorithm, d=, s=, cv=, body hash, signature */
#define AMS_TAGS                                                                                   \
	" i=%I; a=%K; c=relaxed/relaxed; d=%D; s=%S; t=1690000000;\r\n"                            \
	"\th=From:To:Subject:Date; bh=%H; b=%B"
#define AS_TAGS " i=%I; a=%K; t=1690000000; cv=%V; d=%D; s=%S; b=%B"
#define AAR_OF(author) " mx.lists.example; dmarc=pass header.from=" author

/* One sealer: what is NULL or 0 is as below. */
struct seal {
	const char *domain;   /* lists.example */
	const char *selector; /* the key of these bits: r2048, ed ... */
	unsigned int bits;    /* SIGNER_ED25519 */
	const char *results;  /* AAR_OF("example.com") */
	const char *message_tags, *seal_tags;
};

/* A message on its way through sealers. */
struct mail {
	struct tf_arena *arena;
	struct tf_str header, body; /* fields as "Name:value" lines with CRLF */
	struct tf_str sets; /* all fields of ARC, in the order in which a seal covers them */
	uint32_t instances;
};

struct mail new_mail(struct tf_arena *a); /* HEADER and BODY of dkim_fixture.h */
void seal(struct mail *m, const struct seal *how);
/* Replaces every `what` in header and body; what is not there fails the test. */
void change(struct mail *m, const char *what, const char *with);
/* The keys of all sealers, as lines of a zone. */
void write_keys(struct tf_arena *a, struct tf_buf *zone);

#endif
