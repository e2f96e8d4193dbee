/*
 * fuzz_authres.c - whatever a result holds, our field is one field with the results meant
 *
 * The input becomes a result: counts and codes first, then every string that can come from outside.
 */
#include <string.h>

#include "tests/authres_parse.h"
#include "tests/fuzz/fuzz.h"
#include "truefrom/authres.h"

#define SIGNATURES_MAX 24
#define FIELD_MAX (24 * 1024)

/* The input, eaten from the front; zeros when it is used up. */
struct feed {
	struct tf_str rest;
};

static unsigned
take_byte(struct feed *f)
{
	unsigned c = f->rest.len != 0 ? (unsigned char)f->rest.ptr[0] : 0;

	f->rest = tf_str_sub(f->rest, 1, f->rest.len);
	return c;
}

/* Up to 300 bytes: past the cap of every value. */
static struct tf_str
take_text(struct feed *f)
{
	size_t len = take_byte(f) * 300 / 255;
	struct tf_str s = tf_str_sub(f->rest, 0, len);

	f->rest = tf_str_sub(f->rest, s.len, f->rest.len);
	return s;
}

static enum tf_code
take_code(struct feed *f)
{
	return take_byte(f) % (TF_PERMERROR + 1);
}

static void
take_signature(struct feed *f, struct tf_dkim *sig)
{
	*sig = (struct tf_dkim){ .code = take_code(f) };
	sig->bits = take_byte(f) * 64;
	sig->key_testing = take_byte(f) & 1;
	sig->domain = take_text(f);
	sig->selector = take_text(f);
	sig->identity = take_text(f);
	sig->algorithm = take_text(f);
	sig->b = take_text(f);
	sig->reason = take_text(f);
}

static enum tf_code
take_dmarc_code(struct feed *f)
{
	static const enum tf_code codes[] = { TF_NONE, TF_PASS, TF_FAIL, TF_TEMPERROR,
		TF_PERMERROR };

	return codes[take_byte(f) % TF_ARRAY_LEN(codes)];
}

static void
take_dmarc(struct feed *f, struct tf_dmarc *d)
{
	*d = (struct tf_dmarc){ .code = take_dmarc_code(f) };
	d->policy = take_byte(f) % (TF_POLICY_REJECT + 1);
	d->applied_policy = take_byte(f) % (TF_POLICY_REJECT + 1);
	d->aligned_dkim = take_byte(f) & 1;
	d->dkim_index = take_byte(f) % SIGNATURES_MAX;
	d->from = take_text(f);
	d->reason = take_text(f);
}

static size_t
count_of(struct tf_str text, struct tf_str wanted)
{
	size_t n = 0;

	for (size_t i = 0; i + wanted.len <= text.len; i++) {
		if (tf_lower(text.ptr[i]) == wanted.ptr[0])
			n += tf_str_eq_nocase(tf_str_sub(text, i, wanted.len), wanted);
	}
	return n;
}

static size_t
passes(const struct tf_parsed *p, const char *method)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += tf_str_eq(p->results[i].method, tf_str_from(method)) &&
		     tf_str_eq(p->results[i].code, TF_STR("pass"));
	return n;
}

/* Nobody who just looks for "dmarc=pass" finds it anywhere but in the result. */
static void
check_careless_readers(const struct tf_parsed *p, struct tf_str field)
{
	FUZZ_ASSERT(count_of(field, TF_STR("spf=pass")) == passes(p, "spf"));
	FUZZ_ASSERT(count_of(field, TF_STR("dkim=pass")) == passes(p, "dkim"));
	FUZZ_ASSERT(count_of(field, TF_STR("dmarc=pass")) == passes(p, "dmarc"));
	FUZZ_ASSERT(count_of(field, TF_STR(" arc=pass")) + count_of(field, TF_STR("\tarc=pass")) ==
		    passes(p, "arc"));
}

static void
check_lines(struct tf_str field)
{
	size_t line = 0;

	for (size_t i = 0; i < field.len; i++) {
		char c = field.ptr[i];

		FUZZ_ASSERT((c >= 32 && c < 127) || c == '\n' || c == '\t');
		FUZZ_ASSERT(c != '\n' || (i + 1 < field.len && field.ptr[i + 1] == '\t'));
		line = c == '\n' ? 0 : line + 1;
		FUZZ_ASSERT(line <= 998);
	}
}

/* A comment without spaces, and a blank for each fold: the flat form is the folded one unfolded. */
static void
check_flat(struct tf_str folded, struct tf_str flat)
{
	size_t at = 0;

	for (size_t i = 1; i < folded.len; i++) {
		char c = folded.ptr[i];

		if (c == '\n' || (c == '\t' && folded.ptr[i + 1] == ' '))
			continue;
		FUZZ_ASSERT(at < flat.len && flat.ptr[at] == (c == '\t' ? ' ' : c));
		at++;
	}
	FUZZ_ASSERT(at == flat.len);
}

static void
check_field(const struct tf_result *res, struct tf_str field, struct tf_arena *a)
{
	static const struct tf_str ours[] = { TF_LIT("MX.example.org.") };
	static const struct tf_str others[] = { TF_LIT("mx.example.com") };
	size_t signatures = res->dkim_count > 20 ? 20 : res->dkim_count;
	struct tf_parsed *p = tf_arena_alloc(a, sizeof(*p));

	FUZZ_ASSERT(tf_authres_parse(field, a, p) == NULL);
	FUZZ_ASSERT(tf_str_eq(p->id, TF_STR("mx.example.org")) && p->version == 1);
	FUZZ_ASSERT(p->count == 1 + (signatures != 0 ? signatures : 1) +
				    (res->arc.instances != 0 || res->arc.code != TF_NONE) +
				    (res->dmarc != NULL));
	FUZZ_ASSERT(tf_str_eq(p->results[0].method, TF_STR("spf")));
	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < p->results[i].property_count; k++)
			FUZZ_ASSERT(p->results[i].properties[k].value.len != 0);
	FUZZ_ASSERT(tf_authres_is_forged(field, &(struct tf_authres_ids){ ours, 1 }));
	FUZZ_ASSERT(!tf_authres_is_forged(field, &(struct tf_authres_ids){ others, 1 }));
	check_careless_readers(p, field);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { fuzz_input(data, size) };
	struct tf_dkim sigs[SIGNATURES_MAX];
	struct tf_dmarc dmarc;
	struct tf_result res = { .dkim = sigs };
	struct tf_verdict verdict = { .disposition = TF_POLICY_REJECT };
	struct tf_arena *a = fuzz_arena();
	struct tf_buf folded, flat;
	unsigned kind = take_byte(&f);

	res.dkim_count = take_byte(&f) % SIGNATURES_MAX;
	res.mailfrom.code = take_code(&f);
	res.mailfrom.helo_identity = kind & 1;
	res.mailfrom.domain = take_text(&f);
	res.mailfrom.reason = take_text(&f);
	res.arc.code = kind & 2 ? TF_PASS : kind & 4 ? TF_TEMPERROR : TF_NONE;
	res.arc.instances = kind & 8 ? 50 : 0;
	res.arc.reason = take_text(&f);
	res.identity.client.family = kind & 16 ? TF_FAMILY_V6 : TF_FAMILY_NONE;
	for (size_t i = 0; i < res.dkim_count; i++)
		take_signature(&f, &sigs[i]);
	take_dmarc(&f, &dmarc);
	if (kind & 32) {
		res.authors = res.dmarc = &dmarc;
		res.author_count = 1;
	}
	tf_buf_init_arena(&folded, a, FIELD_MAX);
	tf_buf_init_arena(&flat, a, FIELD_MAX);
	tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), true, &folded);
	tf_authres_write(&res, &verdict, TF_STR("mx.example.org"), false, &flat);
	FUZZ_ASSERT(!folded.overflow && !flat.overflow);
	check_lines(tf_buf_get(&folded));
	check_flat(tf_buf_get(&folded), tf_buf_get(&flat));
	check_field(&res, tf_buf_get(&folded), a);
	return 0;
}
