/*
 * fuzz_arc.c - sealed messages, changed on the way
 *
 * The input is a list of edits to a message that was sealed when the process began. Nobody but the
 * sealers has their keys, so whatever still passes has to say what they sealed.
 */
#include <string.h>

#include "policy/arc.h"
#include "policy/arc_set.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/arc_fixture.h"

#define BASES 4
#define EDITS_MAX 16
#define E SIGNER_ED25519

static struct tf_resolver *resolver;
static struct mail bases[BASES];

/* A message as bytes that can be edited. */
struct text {
	char *ptr;
	size_t len, room;
};

/* Kept for the life of the process. */
static void
prepare(void)
{
	static const struct seal of_lists = { .bits = E },
				 of_second = { "second.example", .bits = E };
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver_opts opts;
	struct tf_buf zone;

	tf_buf_init_arena(&zone, a, 1 << 20);
	write_keys(a, &zone);
	opts = zone_opts(tf_buf_cstr(&zone));
	resolver = resolver_or_fail(&opts);
	for (int i = 0; i < BASES; i++) {
		bases[i] = new_mail(a);
		seal(&bases[i], i % 2 == 0
				    ? &of_lists
				    : &(struct seal){ .bits = E,
					  .message_tags = " i=%I; a=%K; d=%D; s=%S; "
							  "h=From:To:Subject:Date; bh=%H; b=%B" });
		if (i >= 2) {
			change(&bases[i], "Lunch", "[list] Lunch");
			seal(&bases[i], &of_second);
		}
	}
}

static void
splice(struct text *t, size_t at, size_t gone, struct tf_str with)
{
	if (at > t->len)
		at = t->len;
	if (gone > t->len - at)
		gone = t->len - at;
	if (t->len - gone + with.len > t->room)
		return;
	memmove(t->ptr + at + with.len, t->ptr + at + gone, t->len - at - gone);
	if (with.len != 0)
		memcpy(t->ptr + at, with.ptr, with.len);
	t->len = t->len - gone + with.len;
}

/* Edits of 5 octets and more: where (3), octets taken out, octets put in (followed by them). */
static void
edit(struct text *t, struct tf_str in)
{
	for (int i = 0; i < EDITS_MAX && in.len >= 5; i++) {
		const unsigned char *p = (const unsigned char *)in.ptr;
		size_t at = ((size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2]) % (t->len + 1);
		struct tf_str with = tf_str_sub(in, 5, p[4] % 64);

		splice(t, at, p[3] % 64, with);
		in = tf_str_sub(in, 5 + with.len, in.len);
	}
}

static struct tf_header_block *
read_header(struct tf_arena *a, struct tf_str in)
{
	static const struct tf_header_limits limits = { 1000, 1 << 20 };
	struct tf_header_block *hb = tf_arena_alloc(a, sizeof(*hb));

	tf_header_block_init(hb, a, &limits);
	while (in.len != 0) {
		struct tf_str f = fuzz_take_field(&in);
		size_t colon = tf_str_find(f, ':');

		tf_header_block_add(hb, tf_str_sub(f, 0, colon), tf_str_sub(f, colon + 1, f.len));
	}
	return hb;
}

/* Without any white space: coarser than every canonical form. */
static struct tf_str
squeeze(struct tf_arena *a, struct tf_str s)
{
	char *out = tf_arena_alloc(a, s.len);
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!tf_is_wsp(s.ptr[i]) && s.ptr[i] != '\r' && s.ptr[i] != '\n')
			out[len++] = s.ptr[i];
	}
	return (struct tf_str){ out, len };
}

static void
must_be_equal(struct tf_arena *a, struct tf_str x, struct tf_str y)
{
	FUZZ_ASSERT(tf_str_eq(squeeze(a, x), squeeze(a, y)));
}

/* The lowest field of that name. */
static struct tf_str
lowest(const struct tf_header_block *hb, const char *name)
{
	for (size_t i = hb->count; i-- > 0;) {
		if (tf_header_is(&hb->fields[i], tf_str_from(name)))
			return hb->fields[i].value;
	}
	return TF_NONE_STR;
}

/* What passed is the chain of the base, or its first set alone, over the same message. */
static void
check_pass(struct tf_arena *a, const struct mail *base, const struct tf_header_block *hb,
    const struct tf_arc_chain *chain, struct tf_str body)
{
	static const char *const names[] = { "From", "To", "Subject", "Date" };
	const struct tf_header_block *sealed = read_header(a, base->header);
	struct tf_arc_chain known;

	tf_arc_chain_read(sealed, NOW, 300, a, &known);
	FUZZ_ASSERT(chain->instances <= known.instances);
	for (uint32_t i = 0; i < chain->instances; i++) {
		const struct tf_arc_fields *x = &chain->sets[i], *y = &known.sets[i];

		must_be_equal(a, hb->fields[x->results].value, sealed->fields[y->results].value);
		must_be_equal(a, hb->fields[x->message].value, sealed->fields[y->message].value);
		FUZZ_ASSERT(tf_str_eq(x->seal_sig.signature, y->seal_sig.signature));
		FUZZ_ASSERT(tf_str_eq(x->seal_sig.key_name, y->seal_sig.key_name));
		if (i + 1 < chain->instances)
			must_be_equal(a, hb->fields[x->seal].value, sealed->fields[y->seal].value);
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(names); i++) {
		struct tf_str value = lowest(sealed, names[i]);

		if (chain->instances < known.instances &&
		    tf_str_eq(tf_str_from(names[i]), TF_STR("Subject")))
			FUZZ_ASSERT(!tf_str_eq(lowest(hb, names[i]), value));
		else
			must_be_equal(a, lowest(hb, names[i]), value);
	}
	must_be_equal(a, body, base->body);
}

static void
check_message(struct tf_arena *a, const struct mail *base, struct tf_str header, struct tf_str body)
{
	static const struct tf_dkim_opts opts = { .min_rsa_bits = 1024, .clock_skew_s = 300 };
	struct tf_header_block *hb = read_header(a, header);
	struct tf_dns *dns = begin(resolver, 150);
	struct tf_signed_message *m = tf_signed_message_new(a, hb, NULL);
	struct tf_notes notes = { .count = 0 };
	struct tf_arc_chain chain;
	struct tf_arc_check *c;
	struct tf_arc arc;

	tf_arc_chain_read(hb, NOW, 300, a, &chain);
	c = tf_arc_start(a, dns, &opts, NULL, m, NOW);
	tf_body_hashes_feed(tf_signed_message_body(m), body);
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_arc_eval(c, &notes, &arc);
	if (chain.code != TF_PASS) {
		FUZZ_ASSERT(tf_dns_asked(dns) == 0);
		FUZZ_ASSERT(arc.code == chain.code);
	}
	FUZZ_ASSERT((arc.reason.len != 0) == (arc.code == TF_FAIL || arc.code == TF_TEMPERROR));
	FUZZ_ASSERT(arc.oldest_pass <= arc.instances);
	tf_dns_end(dns);
	if (arc.code == TF_PASS)
		check_pass(a, base, hb, &chain, body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a;
	const struct mail *base;
	struct text header, body;

	if (resolver == NULL)
		prepare();
	if (size == 0)
		return 0;
	a = tf_arena_new();
	base = &bases[data[0] % BASES];
	header = (struct text){ tf_arena_alloc(a, 16384), 0, 16384 };
	body = (struct text){ tf_arena_alloc(a, 4096), 0, 4096 };
	splice(&header, 0, 0, base->header);
	splice(&body, 0, 0, base->body);
	edit(data[0] % 32 < 28 ? &header : &body, tf_str_sub(in, 1, in.len));
	check_message(a, base, (struct tf_str){ header.ptr, header.len },
	    (struct tf_str){ body.ptr, body.len });
	tf_arena_free(a);
	return 0;
}
