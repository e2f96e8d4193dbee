/*
 * dkim_cost.c - CPU time of one DKIM verification, by ours and by libopendkim behind its guard
 *
 * Built and run on request only: make tests/bench/dkim_cost && ./tests/bench/dkim_cost
 * Beside it: openssl speed -seconds 2 rsa2048 ed25519
 *
 * For each key and size of body: signs a message of 10 fields, relaxed/relaxed, and verifies it as
 * often as fits into half a second of CPU time. "kept" is ours with the key in the cache, as it is
 * for all but a key's first message.
 */
#include <stdio.h>
#include <time.h>

#include "policy/dkim_key.h"
#include "policy/dkim_verifier.h"
#include "tests/unit/dkim_signer.h"
#include "tests/unit/test.h"

#define CPU_S 0.5
#define CHUNK 65535 /* as Postfix hands a body to a milter */

static const struct tf_header_limits limits = { 1000, 1 << 20 };

static double
cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static struct tf_str
make_body(struct tf_arena *a, size_t size)
{
	struct tf_buf body;

	tf_buf_init_arena(&body, a, size);
	while (size - body.len > 80)
		tf_buf_lit(&body, "The quick brown fox jumps over the lazy dog, and the dog does "
				  "not mind it.\r\n");
	return tf_buf_get(&body);
}

static void
make_message(struct tf_arena *a, struct tf_str body, unsigned int bits, struct tf_header_block *hb)
{
	static const char *const names[] = { "Received", "Received", "Received", "From", "To",
		"Subject", "Date", "Message-ID", "MIME-Version" };
	struct tf_header_block below;

	tf_header_block_init(&below, a, &limits);
	for (size_t i = 0; i < TF_ARRAY_LEN(names); i++)
		tf_header_block_add(&below, tf_str_from(names[i]),
		    TF_STR(" a value of some length, with a fold\r\n\tand some more text"));
	tf_header_block_init(hb, a, &limits);
	tf_header_block_add(hb, TF_STR("DKIM-Signature"),
	    signer_sign(a, &below, body, bits,
		tf_arena_printf(a,
		    " v=1; a=%s; c=relaxed/relaxed; d=example.com; s=s; h=From:To:Subject:"
		    "Date:Message-ID:MIME-Version; bh=%%H; b=%%B",
		    bits == SIGNER_ED25519 ? "ed25519-sha256" : "rsa-sha256")));
	for (size_t i = 0; i < below.count; i++)
		tf_header_block_add(hb, below.fields[i].name, below.fields[i].value);
}

/* One message from the end of its header on, as dkim.c has it verified. */
static void
verify(const struct tf_header_block *hb, struct tf_str body, const struct tf_public_key *key,
    struct tf_key_cache *cache, enum tf_verifier_kind kind)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_signed_message *m = tf_signed_message_new(a, hb, cache);
	struct tf_verify item = { .field = 0, .key = key };
	struct tf_dkim_sig sig;
	struct tf_verifier *v;

	tf_dkim_sig_parse(hb->fields[0].value, 1700000000, 300, a, &sig);
	item.sig = &sig;
	v = tf_verifier_start(a, m, &item, 1, kind);
	for (size_t at = 0; at < body.len; at += CHUNK)
		tf_body_hashes_feed(tf_signed_message_body(m), tf_str_sub(body, at, CHUNK));
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_verifier_finish(v);
	assert_int_equal(item.result, TF_VERIFIED_PASS);
	tf_arena_free(a);
}

/* Microseconds of CPU time. */
static double
measure(const struct tf_header_block *hb, struct tf_str body, const struct tf_public_key *key,
    struct tf_key_cache *cache, enum tf_verifier_kind kind)
{
	double start;
	size_t n = 0;

	verify(hb, body, key, cache, kind);
	start = cpu_s();
	while (cpu_s() - start < CPU_S) {
		verify(hb, body, key, cache, kind);
		n++;
	}
	return (cpu_s() - start) * 1e6 / (double)n;
}

int
main(void)
{
	static const struct {
		const char *what;
		unsigned int bits;
	} keys[] = { { "RSA-2048", 2048 }, { "Ed25519", SIGNER_ED25519 } };
	static const size_t sizes[] = { 4096, 50 << 10, 5 << 20 };
	struct tf_key_cache *cache = tf_key_cache_new();

	printf("CPU microseconds     ours, kept       ours    library  both, kept\n");
	for (size_t i = 0; i < TF_ARRAY_LEN(keys); i++) {
		for (size_t k = 0; k < TF_ARRAY_LEN(sizes); k++) {
			struct tf_arena *a = tf_arena_new();
			struct tf_str body = make_body(a, sizes[k]);
			struct tf_header_block hb;
			struct tf_dkim_key key;

			make_message(a, body, keys[i].bits, &hb);
			assert_true(tf_dkim_key_parse(
			    tf_arena_printf(a, "k=%s; p=%.*s", i != 0 ? "ed25519" : "rsa",
				TF_PRI(signer_public(keys[i].bits, false, a))),
			    a, &key));
			printf("%-8s %7zu %12.0f", keys[i].what, sizes[k],
			    measure(&hb, body, &key.public, cache, TF_VERIFIER_OWN));
			printf(" %10.0f", measure(&hb, body, &key.public, NULL, TF_VERIFIER_OWN));
			printf(
			    " %10.0f", measure(&hb, body, &key.public, NULL, TF_VERIFIER_LIBRARY));
			printf(
			    " %11.0f\n", measure(&hb, body, &key.public, cache, TF_VERIFIER_BOTH));
			tf_arena_free(a);
		}
	}
	tf_key_cache_free(cache);
	return 0;
}
