/*
 * dkim_key.c - DKIM key records
 *
 * Implements RFC 6376 sections 3.6.1 and 6.1.2, the lower bound of RFC 8301 section 3.2 being the
 * caller's, and the raw keys of RFC 8463 section 3.1. RSA keys are SubjectPublicKeyInfo or
 * RSAPublicKey: the RFC's text says one thing and its example the other, and both are published.
 * Does not: ask the DNS.
 * Limits: TF_DKIM_KEY_RECORD_MAX, TF_RSA_BITS_MAX, TF_RSA_EXPONENT_BITS_MAX.
 */
#include "policy/dkim_key.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

static void
refuse(struct tf_dkim_key *key, const char *reason)
{
	key->code = TF_PERMERROR;
	key->reason = tf_str_from(reason);
}

/* Whether a colon-separated tag names one of two words; an absent tag does not restrict. */
static bool
allows(const struct tf_tag *tag, const char *word, const char *other)
{
	struct tf_str rest, item;

	if (tag == NULL)
		return true;
	rest = tag->value;
	while (tf_taglist_item(&rest, &item)) {
		if (tf_str_eq(item, tf_str_from(word)) || tf_str_eq(item, tf_str_from(other)))
			return true;
	}
	return false;
}

static void
read_rsa(struct tf_str bytes, struct tf_dkim_key *key)
{
	if (!tf_public_key_rsa(bytes, &key->public))
		refuse(key, "key is not an RSA key");
	else if (!key->public.odd)
		refuse(key, "key is damaged");
	else if (key->public.bits > TF_RSA_BITS_MAX)
		refuse(key, "key is too long");
	else if (key->public.exponent_bits > TF_RSA_EXPONENT_BITS_MAX)
		refuse(key, "exponent of the key is too long");
}

/* p=: empty when the key was revoked. */
static void
read_public(
    const struct tf_tag *p, enum tf_key_type type, struct tf_arena *a, struct tf_dkim_key *key)
{
	struct tf_str bytes;

	if (p->value.len == 0)
		refuse(key, "key revoked");
	else if (!tf_base64_decode(tf_taglist_squeeze(p->value, a), a, &bytes))
		refuse(key, "key is not base64");
	else if (type == TF_KEY_RSA)
		read_rsa(bytes, key);
	else if (!tf_public_key_ed25519(bytes, &key->public))
		refuse(key, "key is not an Ed25519 key");
}

static bool
key_type(const struct tf_tag *k, enum tf_key_type *type_out)
{
	*type_out = TF_KEY_RSA;
	if (k == NULL || tf_str_eq(k->value, TF_STR("rsa")))
		return true;
	*type_out = TF_KEY_ED25519;
	return tf_str_eq(k->value, TF_STR("ed25519"));
}

/* v= is optional, but where it stands it comes first and is DKIM1. */
static bool
version_ok(const struct tf_taglist *list)
{
	const struct tf_tag *v = tf_taglist_get(list, "v");

	return v == NULL || (v == &list->tags[0] && tf_str_eq(v->value, TF_STR("DKIM1")));
}

static bool
has_flag(const struct tf_tag *t, const char *flag)
{
	return t != NULL && allows(t, flag, flag);
}

bool
tf_dkim_key_parse(struct tf_str txt, struct tf_arena *a, struct tf_dkim_key *key_out)
{
	struct tf_taglist list;
	enum tf_key_type type = TF_KEY_RSA;

	*key_out = (struct tf_dkim_key){ .code = TF_NONE };
	if (txt.len > TF_DKIM_KEY_RECORD_MAX)
		refuse(key_out, "key record is too long");
	else if (!tf_taglist_parse(txt, TF_TAGLIST_STRAY_SEMICOLONS, &list))
		refuse(key_out, "key record has a syntax error");
	else if (!version_ok(&list))
		refuse(key_out, "key record has another version");
	else if (tf_taglist_get(&list, "p") == NULL)
		refuse(key_out, "key record has no key");
	else if (!key_type(tf_taglist_get(&list, "k"), &type))
		refuse(key_out, "key type is unknown");
	else if (!allows(tf_taglist_get(&list, "s"), "email", "*"))
		refuse(key_out, "key is not for mail");
	if (key_out->code != TF_NONE)
		return false;
	key_out->sha256 = allows(tf_taglist_get(&list, "h"), "sha256", "sha256");
	key_out->testing = has_flag(tf_taglist_get(&list, "t"), "y");
	key_out->exact_domain = has_flag(tf_taglist_get(&list, "t"), "s");
	read_public(tf_taglist_get(&list, "p"), type, a, key_out);
	return true;
}

static void
no_answer(enum tf_dns_status status, struct tf_dkim_key *key)
{
	*key = (struct tf_dkim_key){ .code = TF_TEMPERROR };
	if (!tf_dns_failed(status))
		refuse(key, "key not found");
	else if (status == TF_DNS_TIMEOUT)
		key->reason = TF_STR("key look-up timed out");
	else
		key->reason = TF_STR("key look-up failed");
}

void
tf_dkim_key_from_answer(
    const struct tf_dns_answer *answer, struct tf_arena *a, struct tf_dkim_key *key_out)
{
	size_t keys = 0;

	if (answer->status != TF_DNS_NOERROR || answer->count == 0) {
		no_answer(answer->status, key_out);
		return;
	}
	for (size_t i = 0; i < answer->count; i++) {
		struct tf_dkim_key key;
		bool is_key = tf_dkim_key_parse(answer->txts[i], a, &key);

		keys += is_key;
		if (i == 0 || (is_key && keys == 1))
			*key_out = key;
	}
	if (keys > 1) {
		*key_out = (struct tf_dkim_key){ .code = TF_NONE };
		refuse(key_out, "more than one key");
	}
}

const char *
tf_dkim_key_misfits(
    const struct tf_dkim_key *key, enum tf_key_type type, bool exact_domain, uint32_t min_rsa_bits)
{
	if (key->public.type != type)
		return "key does not fit the algorithm";
	if (!key->sha256)
		return "key does not allow sha256";
	if (key->exact_domain && !exact_domain)
		return "key does not allow i= below d=";
	if (key->public.type == TF_KEY_RSA && key->public.bits < min_rsa_bits)
		return "key is too short";
	return NULL;
}
