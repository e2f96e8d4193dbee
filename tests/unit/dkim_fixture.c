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
	struct tf_dkim_check *c =
	    tf_dkim_start(run->arena, dns, &run->opts, hb, &run->authors, NOW);

	run->notes = (struct tf_notes){ .count = 0 };
	run->domain_count = tf_dkim_domains(c, &run->domains);
	for (size_t at = 0; at < body.len; at += chunk)
		tf_dkim_body(c, tf_str_sub(body, at, chunk));
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
