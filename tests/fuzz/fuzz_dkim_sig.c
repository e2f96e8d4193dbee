/*
 * fuzz_dkim_sig.c - one DKIM-Signature field
 */
#include "truefrom/domain.h"
#include "policy/dkim_sig.h"
#include "policy/canon.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1700000000

/* Names are in the form that all other modules rely on. */
static void
check_name(struct tf_str name, struct tf_arena *a)
{
	struct tf_str again;

	if (name.len == 0)
		return;
	FUZZ_ASSERT(tf_domain_normalise(name, a, &again));
	FUZZ_ASSERT(tf_str_eq(name, again));
}

static void
check_report(const struct tf_dkim_sig *sig, struct tf_arena *a)
{
	check_name(sig->domain, a);
	check_name(sig->selector, a);
	FUZZ_ASSERT(tf_str_is_utf8(sig->identity));
	FUZZ_ASSERT(tf_str_is_ascii(sig->algorithm));
	for (size_t i = 0; i < sig->identity.len; i++)
		FUZZ_ASSERT(!tf_is_ctl(sig->identity.ptr[i]) && sig->identity.ptr[i] != ' ');
	for (size_t i = 0; i < sig->b.len; i++)
		FUZZ_ASSERT(
		    tf_is_alnum(sig->b.ptr[i]) || tf_str_find(TF_STR("+/="), sig->b.ptr[i]) < 3);
}

static void
check_good(const struct tf_dkim_sig *sig)
{
	FUZZ_ASSERT(sig->reason.len == 0);
	FUZZ_ASSERT(tf_domain_labels(sig->domain) >= 2);
	FUZZ_ASSERT(sig->selector.len != 0 && sig->b.len != 0 && sig->algorithm.len != 0);
	FUZZ_ASSERT(tf_domain_can_ask(sig->key_name));
	FUZZ_ASSERT(tf_str_ends_nocase(sig->key_name, sig->domain));
	FUZZ_ASSERT(tf_dkim_sig_covers(sig, TF_STR("from")) != 0);
	FUZZ_ASSERT(!sig->expires.given || sig->expires.infinite || sig->expires.s >= NOW - 300);
	FUZZ_ASSERT(!sig->signed_at.given || sig->signed_at.s <= NOW + 300);
}

/* What was read has a b= that can be taken out; without it, it is no longer a signature. */
static void
check_own_field(struct tf_str in, struct tf_arena *a)
{
	struct tf_dkim_sig sig;
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 2 * in.len + 16);
	FUZZ_ASSERT(tf_canon_signature_field(false, TF_STR("S"), in, &out));
	FUZZ_ASSERT(out.len >= 2 && !out.overflow);
	tf_dkim_sig_parse(tf_str_sub(tf_buf_get(&out), 2, out.len), NOW, 300, a, &sig);
	FUZZ_ASSERT(tf_str_eq(sig.reason, TF_STR("b= is not base64")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = tf_arena_new();
	struct tf_dkim_sig sig;

	tf_dkim_sig_parse(in, NOW, 300, a, &sig);
	check_report(&sig, a);
	if (sig.code == TF_NONE) {
		check_good(&sig);
		check_own_field(in, a);
	} else {
		FUZZ_ASSERT(sig.reason.len != 0);
	}
	tf_arena_free(a);
	return 0;
}
