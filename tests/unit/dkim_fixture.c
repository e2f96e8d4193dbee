/*
 * dkim_fixture.c - a signed message from its parts through tf_dkim_*
 */
#include <string.h>

#include "tests/unit/dkim_fixture.h"

static const struct tf_header_limits no_limits = { .max_fields = 100000,
	.max_bytes = (uint64_t)64 << 20 };

void
zone_txt(struct tf_buf *zone, struct tf_str name, struct tf_str text)
{
	tf_buf_str(zone, name);
	tf_buf_lit(zone, ". IN TXT \"");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (i != 0 && i % 200 == 0)
			tf_buf_lit(zone, "\" \"");
		if (c > ' ' && c < 127 && c != '"' && c != '\\' && c != ';')
			tf_buf_byte(zone, (char)c);
		else
			tf_buf_printf(zone, "\\%03u", c);
	}
	tf_buf_lit(zone, "\"\n");
}

struct tf_header_block *
new_header(struct tf_arena *a)
{
	struct tf_header_block *hb = tf_arena_alloc(a, sizeof(*hb));

	tf_header_block_init(hb, a, &no_limits);
	return hb;
}

/* The end of the field that text begins with, without its CRLF. */
static size_t
field_end(struct tf_str text)
{
	size_t i = 0;

	while (i < text.len) {
		bool end = tf_str_eq(tf_str_sub(text, i, 2), TF_STR("\r\n"));

		if (end && (text.len == i + 2 || !tf_is_wsp(text.ptr[i + 2])))
			break;
		i++;
	}
	return i;
}

void
add_header(struct tf_header_block *hb, struct tf_str text)
{
	while (text.len != 0) {
		size_t end = field_end(text), colon = tf_str_find(text, ':');

		assert_true(colon < end);
		assert_true(tf_header_block_add(
		    hb, tf_str_sub(text, 0, colon), tf_str_sub(text, colon + 1, end - colon - 1)));
		text = tf_str_sub(text, end + 2, text.len);
	}
}

struct run
new_run(struct tf_arena *a, struct tf_resolver *r)
{
	static const struct tf_str author[] = { TF_LIT("example.com") };

	return (struct run){
		.arena = a,
		.resolver = r,
		.opts = { .max_signatures = 10, .min_rsa_bits = 1024, .clock_skew_s = 300 },
		.authors = { .domains = author, .domain_count = 1 },
		.max_questions = 150,
	};
}

void
run_dkim(struct run *run, const struct tf_header_block *hb, struct tf_str body)
{
	struct tf_dns *dns = begin(run->resolver, run->max_questions);
	size_t chunk = run->chunk != 0 ? run->chunk : body.len + 1;
	struct tf_signed_message *m = tf_signed_message_new(run->arena, hb, NULL);
	struct tf_dkim_check *c =
	    tf_dkim_start(run->arena, dns, &run->opts, m, &run->authors, NOW, run->kind);

	run->notes = (struct tf_notes){ .count = 0 };
	run->domain_count = tf_dkim_domains(c, &run->domains);
	for (size_t at = 0; at < body.len; at += chunk)
		tf_body_hashes_feed(tf_signed_message_body(m), tf_str_sub(body, at, chunk));
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_dkim_eval(c, &run->notes, &run->dkim, &run->count);
	run->asked = tf_dns_asked(dns);
	tf_dns_end(dns);
}

struct tf_str
all_notes(const struct run *run)
{
	struct tf_buf text;

	tf_buf_init_arena(&text, run->arena, 1 << 20);
	for (const struct tf_note *n = run->notes.first; n != NULL; n = n->next) {
		tf_buf_str(&text, n->text);
		tf_buf_byte(&text, '\n');
	}
	return tf_buf_get(&text);
}

static struct tf_str
record_text(struct tf_arena *a, const char *record, unsigned int bits)
{
	struct tf_str text = tf_str_from(record), raw = signer_public(SIGNER_ED25519, false, a);

	text = replace(a, text, "%P", signer_public(bits, false, a));
	text = replace(a, text, "%Q", signer_public(bits, true, a));
	text = replace(a, text, "%R", signer_public(2048, false, a));
	text = replace(a, text, "%E", raw);
	text = replace(a, text, "%L", signer_made_up_public(768, a));
	return replace(a, text, "%U", tf_str_sub(raw, 0, raw.len - 1));
}

/* Keys of every letter under r<number>._domainkey.example.com, and some for other tests. */
static void
write_zone(struct tf_arena *a, const struct letter *letters, size_t count, struct tf_buf *zone)
{
	for (size_t i = 0; i < count; i++) {
		struct tf_str name = tf_arena_printf(a, "r%zu._domainkey.example.com", i);

		for (size_t k = 0; k < TF_ARRAY_LEN(letters[i].records); k++) {
			if (letters[i].records[k] != NULL)
				zone_txt(zone, name,
				    record_text(a, letters[i].records[k], letters[i].bits));
		}
	}
	zone_txt(zone, TF_STR("good._domainkey.example.com"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("ed._domainkey.example.com"), record_text(a, ED, SIGNER_ED25519));
	zone_txt(zone, TF_STR("good._domainkey.example.net"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("good._domainkey.sub.example.com"), record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("brisbane._domainkey.example.com"),
	    TF_STR(
		"v=DKIM1; "
		"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
		"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fz"
		"fVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"));
	zone_txt(zone, TF_STR("long._domainkey.example.com"),
	    TF_STR("v=DKIM1; p="
		   "MIIEIjANBgkqhkiG9w0BAQEFAAOCBA8AMIIECgKCBAEA62YHtiPoT7r+yVJ6y86wX829o0"
		   "zrLknXQjDfUrFrV1byK3qVKT4RGtMXN6YSXVLxgxSNWjo0L6R2+GFwigMPeBWuZJFbpqpC"
		   "Yb2swRcZy9cD2lhbiD/CC3OrEiP8t/pqoEW6iuyNSAuQWWt0IKzBzgDTaHJEepTNaTO+/P"
		   "zx3K49bf6dw+1Ex7/0QAa9764dfLZ4KJfFBEK6+rf20TYbrS/H/jpAeHKgbu/sIgYZxbFs"
		   "jI40VKZ5UzEAwH27DxKFiKdu7uuQjUXmg+yEqVeVZOURWWjbCMKb05RzGkUGefcSj6e2jY"
		   "QdEOxNQutGl1lvAHEmnh3WCqQ3z7G5A6aVokYaW+pVBJxaj/m7Q+nAfeQEnOXyvuo0aQN0"
		   "QMki/m+mTmkkty6TJB8CAV/0bqXRNuiJzbiHwGq0BdCDUjN+VgJDQhfeJrJUJjwP+bXR3S"
		   "n4PnhA7dwM8QoJ5qFCAZBpN1H+GXr1DTRPN4jksZa6AQWDS5Unxf3BHKvAbeU1uzi1u+pT"
		   "koBjSLis3vr6fHtjpKRNnJCMh2KM93wAMR/2904YUzy+SsHGvHhNt6wkN8LPjU3WC8qNCN"
		   "PJ109L2KmhQDz+NSxDwcdvgKJqgbTBxCS9UP/17YRqcz+IgGtOOinIVKWhrrfwyFKUmz45"
		   "UyXP5tCMSu4jqp/tW78OclzF0/FNaajqoBhaAiKltmxl8+zEu8QsBrzLhawuYtjXh3nkWr"
		   "IkHiK5xBC+J2aqx/um2wUYfftdok8QTz5JCCoPc4/t8zAcm7JpDkpJRvgkaD1VBPdsAueB"
		   "lwpjMo+BLbLmUlMC7SrshusWB7u2TVctolI2Nmth2K0seR/AcxJ8jsWd5ihlcXCBNI4X9F"
		   "Yx5JyCod3+dznkJBaF0m0UNLMWJRz2JWnSKKr5fzzCE8i7B5JM/z5el2mtj+6h7kEbPPu9"
		   "aeh4eZS/1VQYCSyXaiinleXXFXCgfiJX3AgPPQ9H23VA3g/4azdlbHNjbV7TmK1Mbo9vB0"
		   "PTCTUSAAnOFgQyJwkm98gDfSLh6LWYXJwObad3LffTm7l15zkLZno2sydK9bOsGcuc+cET"
		   "+mG5y59yDYIZXbTZZ00z9U7nU2kezJFmeI8UZLo3JNodTnxmuuSLjM1XvM80ruyQgyIB0i"
		   "HaPnZzjkAhA2F8K41wlmjwktYDJgoxuP/wfdhZx0uyj05NNDvZ9hKdIHoB7caey+m6FF9+"
		   "HRU+XOHwR/mS/po185jj2zK39sxtrMQawGYAREdVBSYlRMogyQiPkEFM00rLrfLmOsuVP1"
		   "RxASMkXm5CbTrWyHZ/Ua/92ZVhXKeNNLWqyS+aapIlJQ9d5AAw8oXLPWGHRbRz+vk5/sCs"
		   "1O81ToxHJwIDAQAB"));
	zone_txt(zone, TF_STR("xn--schlssel-95a._domainkey.xn--bcher-kva.example"),
	    record_text(a, RSA, 2048));
	zone_txt(zone, TF_STR("test._domainkey.football.example.com"),
	    TF_STR("v=DKIM1; k=rsa; "
		   "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy"
		   "5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3"
		   "rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"));
	zone_txt(zone, TF_STR("brisbane._domainkey.football.example.com"),
	    TF_STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
}

int
fixture_set_up(void **state, const struct letter *letters, size_t count)
{
	struct fixture *f = tf_xmalloc(sizeof(*f));
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver_opts opts;
	struct tf_buf zone;

	tf_buf_init_arena(&zone, a, 1 << 20);
	write_zone(a, letters, count, &zone);
	opts = zone_opts(tf_buf_cstr(&zone));
	f->resolver = resolver_or_fail(&opts);
	f->arena = a;
	*state = f;
	return 0;
}

int
fixture_tear_down(void **state)
{
	struct fixture *f = *state;

	tf_resolver_release(f->resolver);
	tf_arena_free(f->arena);
	tf_xfree(f);
	return 0;
}

static struct tf_str
or_default(struct tf_str s, struct tf_str otherwise)
{
	return s.ptr != NULL ? s : otherwise;
}

/* A tag list with %K and %S filled in. */
static struct tf_str
fill_in(struct tf_arena *a, const char *tags, unsigned int bits, struct tf_str selector)
{
	struct tf_str algorithm =
	    bits == SIGNER_ED25519 ? TF_STR("ed25519-sha256") : TF_STR("rsa-sha256");
	struct tf_str text = replace(a, tf_str_from(tags), "%K", algorithm);

	return replace(a, text, "%S", selector);
}

void
run_letter(struct run *run, const struct letter *letter, size_t number)
{
	struct tf_arena *a = run->arena;
	struct tf_str header = or_default(letter->header, TF_STR(HEADER));
	struct tf_str body = or_default(letter->body, TF_STR(BODY)), value;
	struct tf_header_block *as_signed = new_header(a), *arrived = new_header(a);
	struct tf_str text;

	add_header(as_signed, header);
	value = signer_sign(a, as_signed, body, letter->bits,
	    fill_in(a, letter->tags, letter->bits, tf_arena_printf(a, "r%zu", number)));
	text = tf_arena_printf(a, "DKIM-Signature:%.*s\r\n", TF_PRI(value));
	if (letter->from != NULL) {
		text = replace(a, text, letter->from, tf_str_from(letter->to));
		header = replace(a, header, letter->from, tf_str_from(letter->to));
		body = replace(a, body, letter->from, tf_str_from(letter->to));
	}
	add_header(arrived, text);
	add_header(arrived, header);
	run_dkim(run, arrived, body);
}

void
check_result(const char *what, const struct tf_dkim *got, enum tf_code code, const char *reason)
{
	if (got->code != code)
		fail_msg("%s: got %s (%.*s), want %s", what, tf_code_name(got->code),
		    TF_PRI(got->reason), tf_code_name(code));
	assert_str(what, got->reason, tf_str_from(reason));
}

static void
check_letter(
    const struct fixture *f, const struct letter *letter, size_t number, enum tf_verifier_kind kind)
{
	static const size_t chunks[] = { 0, 1 };
	bool refused = kind == TF_VERIFIER_LIBRARY && letter->library != NULL;

	for (size_t k = 0; k < TF_ARRAY_LEN(chunks); k++) {
		struct tf_arena *a = tf_arena_new();
		struct run run = new_run(a, f->resolver);

		run.chunk = chunks[k];
		run.kind = kind;
		run_letter(&run, letter, number);
		assert_num(letter->what, run.count, 1);
		check_result(letter->what, &run.dkim[0], refused ? TF_NEUTRAL : letter->code,
		    refused ? letter->library : letter->reason);
		tf_arena_free(a);
	}
}

void
check_letters(const struct fixture *f, const struct letter *letters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_letter(f, &letters[i], i, TF_VERIFIER_BOTH);
		check_letter(f, &letters[i], i, TF_VERIFIER_LIBRARY);
		check_letter(f, &letters[i], i, TF_VERIFIER_OWN);
	}
}

size_t
letter_number(const struct letter *letters, size_t count, const char *what)
{
	size_t i = 0;

	while (i < count && strcmp(letters[i].what, what) != 0)
		i++;
	assert_true(i < count);
	return i;
}

struct tf_header_block *
default_header(struct tf_arena *a)
{
	struct tf_header_block *hb = new_header(a);

	add_header(hb, TF_STR(HEADER));
	return hb;
}

struct tf_header_block *
sign_on_top(struct tf_arena *a, const struct tf_header_block *below, const char *tags,
    unsigned int bits, const char *selector)
{
	struct tf_str value = signer_sign(
	    a, below, TF_STR(BODY), bits, fill_in(a, tags, bits, tf_str_from(selector)));
	struct tf_header_block *hb = new_header(a);

	assert_true(tf_header_block_add(hb, TF_STR("DKIM-Signature"), value));
	for (size_t i = 0; i < below->count; i++)
		assert_true(tf_header_block_add(hb, below->fields[i].name, below->fields[i].value));
	return hb;
}
