/*
 * fuzz_dkim_signed.c - messages signed here, as they are and changed, through both verifiers
 *
 * The first octets choose how the message behind them is signed (tests/unit/dkim_signer.c, which
 * has canonical forms of its own) and what is changed on the way. A signature over the message as
 * it is passes; after a change both verifiers say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/dkim_key.h"
#include "tests/fuzz/dkim_message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/dkim_signer.h"

#define RSA_BITS 1024

static const struct tf_header_limits limits = { 1000, 1 << 20 };

/* How to sign, and what to change. */
struct plan {
	bool ed25519, header_relaxed, body_relaxed, limited, missing_names;
	uint8_t form, chunk, change, byte;
	uint16_t at;
	uint8_t limit;
};

#define PLAN_OCTETS 8

static struct plan
read_plan(const uint8_t *data)
{
	return (struct plan){
		.ed25519 = data[0] & 1,
		.header_relaxed = data[0] >> 1 & 1,
		.body_relaxed = data[0] >> 2 & 1,
		.limited = data[0] >> 3 & 1,
		.missing_names = data[0] >> 4 & 1,
		.form = data[1],
		.chunk = data[2],
		.change = data[3],
		.byte = data[4],
		.at = (uint16_t)(data[5] | data[6] << 8),
		.limit = data[7],
	};
}

static const struct tf_public_key *
key_of(enum tf_key_type type)
{
	static struct tf_public_key keys[2];
	static struct tf_arena *forever;

	if (forever == NULL) {
		struct tf_dkim_key key;

		forever = tf_arena_new();
		FUZZ_ASSERT(
		    tf_dkim_key_parse(tf_arena_printf(forever, "k=ed25519; p=%.*s",
					  TF_PRI(signer_public(SIGNER_ED25519, false, forever))),
			forever, &key));
		keys[0] = key.public;
		FUZZ_ASSERT(tf_dkim_key_parse(tf_arena_printf(forever, "p=%.*s",
						  TF_PRI(signer_public(RSA_BITS, true, forever))),
		    forever, &key));
		keys[1] = key.public;
	}
	return &keys[type == TF_KEY_RSA];
}

static bool
is_field_name(struct tf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		/* % stands for what the signer fills in */
		if (name.ptr[i] <= ' ' || name.ptr[i] == 127 || name.ptr[i] == ';' ||
		    name.ptr[i] == '%' || tf_is_8bit(name.ptr[i]))
			return false;
	}
	return name.len != 0;
}

/* h= of all that stands in the header, which was read from the top down. */
static void
write_names(const struct tf_header_block *hb, const struct plan *plan, struct tf_buf *tags)
{
	tf_buf_lit(tags, "From");
	for (size_t i = 0; i < hb->count && i < 100; i++) {
		if (is_field_name(hb->fields[i].name)) {
			tf_buf_lit(tags, i % 3 == 2 ? "\r\n\t:" : ":");
			tf_buf_str(tags, hb->fields[i].name);
		}
	}
	if (plan->missing_names)
		tf_buf_lit(tags, " : From : x-missing:X-Missing");
}

static struct tf_str
write_tags(struct tf_arena *a, const struct tf_header_block *hb, const struct plan *plan)
{
	static const char *const forms[] = { "; b=%B", "; b=%B;", ";\r\n b= %B \r\n ; n=b=x",
		"; b =%B", "; ab=1; b=%B; bH=2", "; i=\"a@b\"@example.com; b=%B",
		"; t=5; x=9999999999999999999; b=%B", ";b=%B;z=\xc3\xbc" };
	struct tf_buf tags;

	tf_buf_init_arena(&tags, a, 1 << 20);
	tf_buf_printf(&tags, " v=1; a=%s; c=%s/%s; d=example.com;\r\n\ts=s; bh=%%H; h=",
	    plan->ed25519 ? "ed25519-sha256" : "rsa-sha256",
	    plan->header_relaxed ? "relaxed" : "simple", plan->body_relaxed ? "relaxed" : "simple");
	write_names(hb, plan, &tags);
	if (plan->limited)
		tf_buf_printf(&tags, "; l=%u", plan->limit);
	tf_buf_lit(&tags, forms[plan->form % TF_ARRAY_LEN(forms)]);
	return tf_buf_get(&tags);
}

/* One octet of text replaced, inserted or taken away. */
static struct tf_str
change(struct tf_arena *a, struct tf_str text, const struct plan *plan)
{
	size_t at = text.len != 0 ? plan->at % text.len : 0;
	char byte = (char)plan->byte;
	struct tf_buf out;

	tf_buf_init_arena(&out, a, text.len + 1);
	tf_buf_str(&out, tf_str_sub(text, 0, at));
	if (plan->change % 3 != 2)
		tf_buf_byte(&out, byte);
	tf_buf_str(&out, tf_str_sub(text, plan->change % 3 != 1 ? at + 1 : at, text.len));
	return tf_buf_get(&out);
}

/* The signed message with one of its parts changed. */
static void
try_changed(struct tf_arena *a, const struct tf_header_block *hb, struct tf_str body,
    const struct plan *plan)
{
	size_t field = plan->change / 3 % (hb->count + 1);
	struct tf_header_block changed;
	struct items items;

	tf_header_block_init(&changed, a, &limits);
	for (size_t i = 0; i < hb->count; i++) {
		struct tf_str value = hb->fields[i].value;

		tf_header_block_add(
		    &changed, hb->fields[i].name, i == field ? change(a, value, plan) : value);
	}
	compare_verifiers(a, &changed, field == hb->count ? change(a, body, plan) : body,
	    (size_t)plan->chunk + 1, key_of, &items);
}

/* The signer takes these at the ends of values for white space. */
static bool
has_bare_cr(const struct tf_header_block *hb)
{
	for (size_t i = 0; i < hb->count; i++) {
		struct tf_str v = hb->fields[i].value;

		for (size_t k = 0; k < v.len; k++) {
			if (v.ptr[k] == '\r' && (k + 1 == v.len || v.ptr[k + 1] != '\n'))
				return true;
		}
	}
	return false;
}

static void
sign_and_verify(struct tf_arena *a, const struct plan *plan, struct tf_str message)
{
	struct tf_header_block below, hb;
	struct tf_str body, value;
	struct items items;

	tf_header_block_init(&below, a, &limits);
	read_message(message, &below, &body);
	if (has_bare_cr(&below))
		return;
	value = signer_sign(a, &below, body, plan->ed25519 ? SIGNER_ED25519 : RSA_BITS,
	    write_tags(a, &below, plan));
	if (value.len > TF_DKIM_FIELD_MAX)
		return;
	tf_header_block_init(&hb, a, &limits);
	tf_header_block_add(&hb, TF_STR("DKIM-Signature"), value);
	for (size_t i = 0; i < below.count; i++)
		tf_header_block_add(&hb, below.fields[i].name, below.fields[i].value);
	compare_verifiers(a, &hb, body, (size_t)plan->chunk + 1, key_of, &items);
	FUZZ_ASSERT(items.count > 0 && items.all[0].field == 0);
	FUZZ_ASSERT(items.all[0].result == TF_VERIFIED_PASS ||
		    (items.all[0].result == TF_VERIFIED_SHORT_BODY && plan->limited));
	try_changed(a, &hb, body, plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_arena *a = tf_arena_new();
	struct plan plan;

	if (size >= PLAN_OCTETS) {
		plan = read_plan(data);
		sign_and_verify(a, &plan, fuzz_input(data + PLAN_OCTETS, size - PLAN_OCTETS));
	}
	tf_arena_free(a);
	return 0;
}
