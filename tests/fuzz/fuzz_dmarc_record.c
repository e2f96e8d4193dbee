/*
 * fuzz_dmarc_record.c - a policy record means what its known tags say, and nothing else changes it
 */
#include "policy/dmarc.h"
#include "tests/fuzz/fuzz.h"

static bool
is_printable(struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (tf_is_ctl(s.ptr[i]) || tf_is_8bit(s.ptr[i]))
			return false;
	}
	return true;
}

static void
check_uris(struct tf_str list)
{
	struct tf_str rest = list, uri;

	while (tf_dmarc_uri_next(&rest, &uri)) {
		struct tf_str alone = uri, again;

		FUZZ_ASSERT(fuzz_inside(uri, list) && uri.len > 1);
		FUZZ_ASSERT(tf_str_find(uri, ',') == uri.len && tf_str_find(uri, '!') == uri.len);
		FUZZ_ASSERT(tf_str_find(uri, ' ') == uri.len && is_printable(uri));
		FUZZ_ASSERT(tf_dmarc_uri_next(&alone, &again) && tf_str_eq(uri, again));
	}
}

static void
check_policies(const struct tf_dmarc_record *rec)
{
	const enum tf_dmarc_policy own = tf_dmarc_record_policy(rec, TF_APPLIES_OWN);
	const enum tf_dmarc_policy above = tf_dmarc_record_policy(rec, TF_APPLIES_ABOVE);
	const enum tf_dmarc_policy missing = tf_dmarc_record_policy(rec, TF_APPLIES_NOT_EXISTING);

	FUZZ_ASSERT((own == TF_POLICY_UNKNOWN) == (above == TF_POLICY_UNKNOWN));
	FUZZ_ASSERT((own == TF_POLICY_UNKNOWN) == (missing == TF_POLICY_UNKNOWN));
	FUZZ_ASSERT(own == TF_POLICY_UNKNOWN || own == TF_POLICY_NONE || own == rec->p);
	FUZZ_ASSERT(!rec->bad_p || rec->p == TF_POLICY_UNKNOWN);
	FUZZ_ASSERT(!rec->bad_sp || rec->sp == TF_POLICY_UNKNOWN);
	FUZZ_ASSERT(!rec->bad_np || rec->np == TF_POLICY_UNKNOWN);
}

static void
check_same(const struct tf_dmarc_record *x, const struct tf_dmarc_record *y)
{
	FUZZ_ASSERT(x->p == y->p && x->sp == y->sp && x->np == y->np);
	FUZZ_ASSERT(x->bad_p == y->bad_p && x->bad_sp == y->bad_sp && x->bad_np == y->bad_np);
	FUZZ_ASSERT(x->testing == y->testing && x->psd == y->psd && x->fo == y->fo);
	FUZZ_ASSERT(x->strict_dkim == y->strict_dkim && x->strict_spf == y->strict_spf);
	FUZZ_ASSERT(x->rua_valid == y->rua_valid);
	FUZZ_ASSERT(tf_str_eq(x->rua, y->rua) && tf_str_eq(x->ruf, y->ruf));
}

/* What the grammar lets a record end with does not change it. */
static void
check_appended(const struct tf_dmarc_record *rec, struct tf_arena *a)
{
	static const char *const more[] = { ";", "; zzz=1", ";;\t; pct = 0", "; v=DMARC1" };

	for (size_t i = 0; i < TF_ARRAY_LEN(more); i++) {
		struct tf_dmarc_record longer;
		struct tf_buf b;

		tf_buf_init_arena(&b, a, 1 << 24);
		tf_buf_str(&b, rec->text);
		tf_buf_lit(&b, more[i]);
		FUZZ_ASSERT(tf_dmarc_record_parse(tf_buf_get(&b), &longer));
		check_same(rec, &longer);
		FUZZ_ASSERT(tf_str_eq(rec->bad, longer.bad));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_dmarc_record rec;

	check_uris(in);
	if (tf_dmarc_record_parse(in, &rec)) {
		FUZZ_ASSERT(tf_str_eq(rec.text, in));
		FUZZ_ASSERT(fuzz_inside(rec.rua, in) && fuzz_inside(rec.ruf, in));
		FUZZ_ASSERT(is_printable(rec.rua) && is_printable(rec.ruf));
		FUZZ_ASSERT(rec.rua_valid == (rec.rua.len != 0));
		FUZZ_ASSERT(rec.bad.len < 10 && is_printable(rec.bad));
		FUZZ_ASSERT(rec.fo != 0 && (rec.fo & 3) != 3 && rec.fo < 16);
		check_policies(&rec);
		check_appended(&rec, a);
	}
	return 0;
}
