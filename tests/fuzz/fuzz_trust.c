/*
 * fuzz_trust.c - an ARC chain makes up for a failure only by the word of who is trusted
 *
 * The input becomes a chain: a byte for the whole, then three for each set.
 */
#include "policy/trust.h"
#include "tests/fuzz/fuzz.h"

#define SETS_MAX 50

static const struct tf_str names[] = { TF_LIT("lists.example"), TF_LIT("stranger.example"),
	TF_LIT("uni.example"), TF_LIT(""), TF_LIT("sub.lists.example"), TF_LIT("example") };
static const struct tf_str trusted[] = { TF_LIT("lists.example"), TF_LIT("uni.example") };
static const struct tf_str author = TF_LIT("author.example");

static bool
is_trusted(struct tf_str name)
{
	return tf_str_eq(name, trusted[0]) || tf_str_eq(name, trusted[1]);
}

static void
read_set(const uint8_t *three, struct tf_arc_set *set)
{
	static const struct tf_str from[] = { TF_LIT("author.example"), TF_LIT("other.example"),
		TF_LIT(""), TF_LIT("sub.author.example") };

	*set = (struct tf_arc_set){ .domain = names[three[0] % TF_ARRAY_LEN(names)],
		.message_domain = names[three[1] % TF_ARRAY_LEN(names)],
		.says_dmarc = (three[0] & 0x80) == 0,
		.dmarc = three[2] % (TF_PERMERROR + 1),
		.from = from[three[2] / 16 % TF_ARRAY_LEN(from)] };
}

/*
 * RFC 8617 section 7.2.1, the other way round: who vouches, if there is one, sealed a set that says
 * so, and that and all later ones are of the trusted, while the one before it is not.
 */
static bool
can_vouch(const struct tf_arc *arc, size_t n)
{
	const struct tf_arc_set *set = &arc->sets[n];

	for (size_t i = n; i < arc->set_count; i++) {
		if (!is_trusted(arc->sets[i].domain) || !is_trusted(arc->sets[i].message_domain))
			return false;
	}
	if (n != 0 && is_trusted(set[-1].domain) && is_trusted(set[-1].message_domain))
		return false;
	return set->says_dmarc && set->dmarc == TF_PASS && tf_str_eq(set->from, author);
}

static struct tf_str
expected(const struct tf_arc *arc)
{
	for (size_t n = 0; arc->code == TF_PASS && n < arc->set_count; n++) {
		if (can_vouch(arc, n))
			return arc->sets[n].domain;
	}
	return TF_NONE_STR;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tf_code codes[] = { TF_PASS, TF_FAIL, TF_NONE, TF_TEMPERROR };
	const struct tf_verdict_opts none = { .monitor = false };
	struct tf_verdict_opts opts = { .trusted_sealers = trusted,
		.trusted_sealer_count = TF_ARRAY_LEN(trusted) };
	struct tf_arc_set sets[SETS_MAX];
	struct tf_result res = { .arc = { .sets = sets } };
	struct tf_arena *a = fuzz_arena();
	struct tf_str why, sealer;

	res.arc.code = codes[size != 0 ? data[0] % TF_ARRAY_LEN(codes) : 0];
	for (size_t at = 1; at + 3 <= size && res.arc.set_count < SETS_MAX; at += 3)
		read_set(data + at, &sets[res.arc.set_count++]);
	res.arc.instances = (uint32_t)res.arc.set_count;
	sealer = tf_trust_eval(a, &res, &opts, author, &why);
	FUZZ_ASSERT(tf_str_eq(sealer, expected(&res.arc)));
	FUZZ_ASSERT((why.len == 0) == (res.arc.code == TF_NONE) && tf_str_is_ascii(why));
	/* Nobody is trusted: nobody vouches. */
	FUZZ_ASSERT(tf_trust_eval(a, &res, &none, author, &why).len == 0);
	return 0;
}
