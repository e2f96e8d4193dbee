/*
 * arc_fixture.c - messages with ARC chains made for tests, and their keys
 */
#include "tests/unit/arc_fixture.h"

#define MESSAGE_MAX ((size_t)16 << 20)

struct mail
new_mail(struct tf_arena *a)
{
	return (struct mail){ .arena = a, .header = TF_STR(HEADER), .body = TF_STR(BODY) };
}

static struct tf_str
join(struct tf_arena *a, struct tf_str first, struct tf_str second)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	tf_buf_str(&out, first);
	tf_buf_str(&out, second);
	return tf_buf_get(&out);
}

static struct tf_header_block *
block_of(struct tf_arena *a, struct tf_str text)
{
	struct tf_header_block *hb = new_header(a);

	add_header(hb, text);
	return hb;
}

static const char *
or_default(const char *s, const char *otherwise)
{
	return s != NULL ? s : otherwise;
}

static struct tf_str
selector_of(struct tf_arena *a, const struct seal *how)
{
	if (how->selector != NULL)
		return tf_str_from(how->selector);
	if (how->bits == SIGNER_ED25519)
		return TF_STR("ed");
	return tf_arena_printf(a, "r%u", how->bits);
}

static struct tf_str
fill_in(const struct mail *m, const char *tags, const struct seal *how)
{
	struct tf_arena *a = m->arena;
	struct tf_str text = tf_str_from(tags);

	text = replace(a, text, "%I", tf_arena_printf(a, "%u", m->instances));
	text = replace(a, text, "%K",
	    how->bits == SIGNER_ED25519 ? TF_STR("ed25519-sha256") : TF_STR("rsa-sha256"));
	text = replace(a, text, "%D", tf_str_from(or_default(how->domain, "lists.example")));
	text = replace(a, text, "%S", selector_of(a, how));
	return replace(a, text, "%V", m->instances == 1 ? TF_STR("none") : TF_STR("pass"));
}

void
seal(struct mail *m, const struct seal *how)
{
	struct tf_arena *a = m->arena;
	struct tf_str aar, ams, as;

	m->instances++;
	aar = tf_arena_printf(a, "ARC-Authentication-Results: i=%u;%s\r\n", m->instances,
	    or_default(how->results, AAR_OF("example.com")));
	ams = signer_arc_message(a, block_of(a, m->header), m->body, how->bits,
	    fill_in(m, or_default(how->message_tags, AMS_TAGS), how));
	ams = tf_arena_printf(a, "ARC-Message-Signature:%.*s\r\n", TF_PRI(ams));
	m->sets = join(a, join(a, m->sets, aar), ams);
	as = signer_arc_seal(a, block_of(a, m->sets), how->bits,
	    fill_in(m, or_default(how->seal_tags, AS_TAGS), how));
	as = tf_arena_printf(a, "ARC-Seal:%.*s\r\n", TF_PRI(as));
	m->sets = join(a, m->sets, as);
	m->header = join(a, as, join(a, ams, join(a, aar, m->header)));
}

void
change(struct mail *m, const char *what, const char *with)
{
	struct tf_str header = m->header, body = m->body;

	m->header = replace(m->arena, header, what, tf_str_from(with));
	m->body = replace(m->arena, body, what, tf_str_from(with));
	if (tf_str_eq(m->header, header) && tf_str_eq(m->body, body))
		fail_msg("there is no \"%s\" to change", what);
}

void
write_keys(struct tf_arena *a, struct tf_buf *zone)
{
	static const char *const domains[] = { "lists.example", "second.example", "third.example",
		"evil.example", "xn--bcher-kva.example" };
	static const unsigned int sizes[] = { 512, 1024, 2048 };

	for (size_t i = 0; i < TF_ARRAY_LEN(domains); i++) {
		for (size_t k = 0; k < TF_ARRAY_LEN(sizes); k++)
			zone_txt(zone,
			    tf_arena_printf(a, "r%u._domainkey.%s", sizes[k], domains[i]),
			    tf_arena_printf(
				a, "p=%.*s", TF_PRI(signer_public(sizes[k], false, a))));
		zone_txt(zone, tf_arena_printf(a, "ed._domainkey.%s", domains[i]),
		    tf_arena_printf(
			a, "k=ed25519; p=%.*s", TF_PRI(signer_public(SIGNER_ED25519, false, a))));
	}
	zone_txt(zone, TF_STR("revoked._domainkey.lists.example"), TF_STR("p="));
	zone_txt(zone, TF_STR("exact._domainkey.lists.example"),
	    tf_arena_printf(
		a, "k=ed25519; t=s; p=%.*s", TF_PRI(signer_public(SIGNER_ED25519, false, a))));
	for (int i = 1; i <= 100; i++)
		zone_txt(zone, tf_arena_printf(a, "e%d._domainkey.lists.example", i),
		    tf_arena_printf(
			a, "k=ed25519; p=%.*s", TF_PRI(signer_public(SIGNER_ED25519, false, a))));
}
