/*
 * fuzz_arc_set.c - the structure of a chain, and what an ARC-Authentication-Results says
 *
 * An odd first byte: the rest is one payload; else it is header fields, one a line with its folds,
 * and with the bit of 2 they are read in reverse order, too.
 */
#include "policy/arc_set.h"
#include "policy/authres_payload.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1700000000

static const struct tf_header_limits limits = { 2000, 1 << 20 };

static void
read_fields(struct tf_str in, struct tf_header_block *hb)
{
	while (in.len != 0) {
		struct tf_str field = fuzz_take_field(&in);
		size_t colon = tf_str_find(field, ':');

		tf_header_block_add(
		    hb, tf_str_sub(field, 0, colon), tf_str_sub(field, colon + 1, field.len));
	}
}

static bool
is_arc(const struct tf_header *h)
{
	return tf_header_is(h, TF_STR("ARC-Seal")) ||
	       tf_header_is(h, TF_STR("ARC-Message-Signature")) ||
	       tf_header_is(h, TF_STR("ARC-Authentication-Results"));
}

static size_t
count_arc(const struct tf_header_block *hb)
{
	size_t count = 0;

	for (size_t i = 0; i < hb->count; i++)
		count += is_arc(&hb->fields[i]);
	return count;
}

static void
check_set(
    const struct tf_header_block *hb, const struct tf_arc_chain *chain, const uint32_t instance)
{
	const struct tf_arc_fields *set = &chain->sets[instance - 1];

	FUZZ_ASSERT(tf_header_is(&hb->fields[set->seal], TF_STR("ARC-Seal")));
	FUZZ_ASSERT(tf_header_is(&hb->fields[set->message], TF_STR("ARC-Message-Signature")));
	FUZZ_ASSERT(tf_header_is(&hb->fields[set->results], TF_STR("ARC-Authentication-Results")));
	FUZZ_ASSERT(fuzz_inside(set->payload, hb->fields[set->results].value));
	FUZZ_ASSERT(set->seal_sig.instance == instance && set->message_sig.instance == instance);
	FUZZ_ASSERT(set->seal_sig.code == TF_NONE && set->seal_sig.signature.len != 0);
	FUZZ_ASSERT(set->seal_sig.chain == (instance == 1 ? TF_ARC_CV_NONE : TF_ARC_CV_PASS));
	if (set->message_sig.code == TF_NONE) {
		FUZZ_ASSERT(tf_dkim_sig_covers(&set->message_sig, TF_STR("from")) != 0);
		FUZZ_ASSERT(tf_dkim_sig_covers(&set->message_sig, TF_STR("arc-seal")) == 0);
		FUZZ_ASSERT(set->message_sig.key_name.len != 0);
	}
}

static void
check_chain(struct tf_str in, bool both_orders)
{
	struct tf_arena *a = fuzz_arena();
	struct tf_header_block hb, reversed;
	struct tf_arc_chain chain, again;

	tf_header_block_init(&hb, a, &limits);
	read_fields(in, &hb);
	tf_arc_chain_read(&hb, NOW, 300, a, &chain);
	FUZZ_ASSERT((chain.code == TF_NONE) == (count_arc(&hb) == 0));
	FUZZ_ASSERT((chain.code == TF_FAIL) == (chain.reason.len != 0));
	FUZZ_ASSERT(chain.instances <= TF_ARC_SETS_MAX && tf_str_is_ascii(chain.reason));
	/* The order of fields means nothing to a sound chain. */
	tf_header_block_init(&reversed, a, &limits);
	for (size_t i = hb.count; i-- > 0 && both_orders;)
		tf_header_block_add(&reversed, hb.fields[i].name, hb.fields[i].value);
	tf_arc_chain_read(&reversed, NOW, 300, a, &again);
	FUZZ_ASSERT(!both_orders || again.code == chain.code);
	if (chain.code == TF_PASS) {
		FUZZ_ASSERT(count_arc(&hb) == 3 * (size_t)chain.instances);
		FUZZ_ASSERT(chain.sets[chain.instances - 1].message_sig.code == TF_NONE);
		for (uint32_t i = 1; i <= chain.instances; i++)
			check_set(&hb, &chain, i);
		/* Nor can a field be added to it. */
		tf_header_block_add(&hb, TF_STR("ARC-Seal"), hb.fields[chain.sets[0].seal].value);
		tf_arc_chain_read(&hb, NOW, 300, a, &again);
		FUZZ_ASSERT(again.code == TF_FAIL);
	}
}

/* How many results a payload has, or SIZE_MAX with a mistake in it. */
static size_t
count_results(struct tf_str in, struct tf_arena *a, struct tf_payload_result *last)
{
	struct tf_payload p;
	size_t count = 0;

	tf_payload_begin(in, a, &p);
	while (tf_payload_next(&p, last)) {
		FUZZ_ASSERT(last->method.len != 0 && last->result.len != 0);
		FUZZ_ASSERT(fuzz_inside(last->method, in) && fuzz_inside(last->result, in));
		for (size_t i = 0; i < last->property_count; i++) {
			FUZZ_ASSERT(last->properties[i].type.len != 0);
			FUZZ_ASSERT(last->properties[i].name.len != 0);
			FUZZ_ASSERT(fuzz_inside(last->properties[i].name, in));
		}
		count++;
	}
	FUZZ_ASSERT(count <= TF_PAYLOAD_RESULTS_MAX);
	return tf_payload_error(&p) == NULL ? count : SIZE_MAX;
}

/* What is written behind a payload that was read to its end cannot be hidden by it. */
static void
check_payload(struct tf_str in)
{
	struct tf_arena *a = fuzz_arena();
	struct tf_payload_result last = { .property_count = 0 };
	size_t count = count_results(in, a, &last);
	struct tf_str longer;

	if (count != 0 && count < TF_PAYLOAD_RESULTS_MAX) {
		struct tf_buf b;

		tf_buf_init_arena(&b, a, in.len + 64);
		tf_buf_str(&b, in);
		tf_buf_lit(&b, " ;dmarc=fail header.from=a.example");
		longer = tf_buf_get(&b);
		if (count_results(longer, a, &last) != SIZE_MAX) {
			FUZZ_ASSERT(count_results(longer, a, &last) == count + 1);
			FUZZ_ASSERT(tf_str_eq(last.method, TF_STR("dmarc")));
			FUZZ_ASSERT(tf_str_eq(last.properties[0].value, TF_STR("a.example")));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2 != 0)
		check_payload(fuzz_input(data + 1, size - 1));
	else
		check_chain(fuzz_input(data + 1, size - 1), (data[0] & 2) != 0);
	return 0;
}
