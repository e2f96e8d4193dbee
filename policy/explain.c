/*
 * explain.c - a result as JSON (only user of jansson)
 *
 * The object of `truefrom check --json` and the flat one of log_format = "json". Keys, their order
 * and their meaning are those of the interface: every key is always there, and what is absent is
 * null. Bytes from outside that are not UTF-8 appear as \xNN; everything beyond ASCII is written as
 * \uNNNN, so that no terminal is driven by a message.
 * Does not: speak in sentences (explain_words.c).
 */
#include <jansson.h>

#include "policy/authres.h"
#include "truefrom/explain.h"
#include "truefrom/resolver.h"
#include "truefrom/banned.h"

#define MS_DIGITS 6

const char *
tf_explain_library_version(void)
{
	return jansson_version_str();
}

static json_t *
checked(json_t *value)
{
	if (value == NULL)
		tf_panic("jansson: out of memory");
	return value;
}

static void
put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, checked(value)) != 0)
		tf_panic("jansson: %s", key);
}

static void
append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, checked(value)) != 0)
		tf_panic("jansson: out of memory");
}

/* Any bytes as a JSON string. */
static json_t *
text(struct tf_str s)
{
	struct tf_arena *a;
	struct tf_buf utf8;
	json_t *value;

	if (s.len == 0)
		return json_string("");
	if (tf_str_is_utf8(s))
		return json_stringn(s.ptr, s.len);
	a = tf_arena_new();
	tf_buf_init_arena(&utf8, a, 4 * s.len + 1);
	while (s.len != 0) {
		struct tf_str rest = s;
		uint32_t cp;

		if (tf_utf8_next(&rest, &cp)) {
			tf_buf_str(&utf8, tf_str_sub(s, 0, s.len - rest.len));
			s = rest;
		} else {
			tf_buf_printf(&utf8, "\\x%02x", (unsigned char)s.ptr[0]);
			s = tf_str_sub(s, 1, s.len);
		}
	}
	value = json_stringn(utf8.ptr, utf8.len);
	tf_arena_free(a);
	return value;
}

static json_t *
text_or_null(struct tf_str s)
{
	return s.len != 0 ? text(s) : json_null();
}

static json_t *
texts(const struct tf_str *list, size_t count)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < count; i++)
		append(array, text(list[i]));
	return array;
}

static json_t *
policy_or_null(enum tf_dmarc_policy policy)
{
	return policy != TF_POLICY_UNKNOWN ? json_string(tf_dmarc_policy_name(policy))
					   : json_null();
}

static json_t *
opinion_or_null(const struct tf_spf_opinion *opinion)
{
	json_t *o;

	if (opinion == NULL)
		return json_null();
	o = checked(json_object());
	put(o, "result", opinion->given ? json_string(tf_code_name(opinion->code)) : json_null());
	put(o, "reason", text_or_null(opinion->reason));
	put(o, "difference", text_or_null(opinion->difference));
	return o;
}

static json_t *
spf_object(const struct tf_spf *spf)
{
	json_t *o = checked(json_object());

	put(o, "result", json_string(tf_code_name(spf->code)));
	put(o, "identity", json_string(spf->helo_identity ? "helo" : "mailfrom"));
	put(o, "domain", text_or_null(spf->domain));
	put(o, "explanation", text_or_null(spf->explanation));
	put(o, "reason", text_or_null(spf->reason));
	put(o, "terms", json_integer(spf->terms));
	put(o, "second_opinion", opinion_or_null(spf->second));
	return o;
}

static json_t *
helo_object(const struct tf_spf *helo)
{
	json_t *o = checked(json_object());

	put(o, "result", json_string(tf_code_name(helo->code)));
	put(o, "identity", json_string("helo"));
	put(o, "domain", text_or_null(helo->domain));
	put(o, "reason", text_or_null(helo->reason));
	return o;
}

static json_t *
signature_object(const struct tf_result *res, size_t index)
{
	const struct tf_dkim *sig = &res->dkim[index];
	json_t *o = checked(json_object());

	put(o, "result", json_string(tf_code_name(sig->code)));
	put(o, "domain", text_or_null(sig->domain));
	put(o, "selector", text_or_null(sig->selector));
	put(o, "algorithm", text_or_null(sig->algorithm));
	put(o, "identity", text_or_null(sig->identity));
	put(o, "bits", sig->bits != 0 ? json_integer(sig->bits) : json_null());
	put(o, "b", text_or_null(tf_authres_header_b(res, index)));
	put(o, "reason", text_or_null(sig->reason));
	return o;
}

static json_t *
dkim_array(const struct tf_result *res)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < res->dkim_count; i++)
		append(array, signature_object(res, i));
	return array;
}

/* What one sealer says, who he is, and whether his message signature still verifies. */
static json_t *
arc_set_object(const struct tf_arc_set *set, size_t instance)
{
	json_t *o = checked(json_object());

	put(o, "instance", json_integer((json_int_t)instance));
	put(o, "domain", text_or_null(set->domain));
	put(o, "selector", text_or_null(set->selector));
	put(o, "message_signature", json_string(tf_code_name(set->message)));
	put(o, "authserv_id", text_or_null(set->authserv_id));
	put(o, "dmarc", set->says_dmarc ? json_string(tf_code_name(set->dmarc)) : json_null());
	put(o, "from", text_or_null(set->from));
	return o;
}

static json_t *
arc_object(const struct tf_arc *arc, const struct tf_verdict *verdict)
{
	json_t *o = checked(json_object()), *sets = checked(json_array());

	put(o, "result", json_string(tf_code_name(arc->code)));
	put(o, "instances", json_integer(arc->instances));
	put(o, "sealer", text_or_null(arc->sealer));
	put(o, "reason", text_or_null(arc->reason));
	put(o, "oldest_pass", arc->code == TF_PASS ? json_integer(arc->oldest_pass) : json_null());
	for (size_t i = 0; i < arc->set_count; i++)
		append(sets, arc_set_object(&arc->sets[i], i + 1));
	put(o, "sets", sets);
	put(o, "trust", text_or_null(verdict->arc));
	return o;
}

static json_t *
alignment_object(const struct tf_dmarc *d)
{
	json_t *o = checked(json_object());

	put(o, "spf", json_boolean(d->aligned_spf));
	put(o, "dkim", json_boolean(d->aligned_dkim));
	return o;
}

/* The record at the author domain is the first step of the same walk (RFC 9989 section 4.10.1). */
static json_t *
discovery(enum tf_discovery how)
{
	return how != TF_DISCOVERY_NONE ? json_string("treewalk") : json_null();
}

/* The names of the author domain's walk with what stood there, in order. */
static json_t *
walk_array(const struct tf_dmarc *d)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < d->walk_count; i++) {
		json_t *o = checked(json_object());

		put(o, "domain", text(d->walk[i].domain));
		put(o, "found", text(d->walk[i].found));
		append(array, o);
	}
	return array;
}

static json_t *
dmarc_object(const struct tf_result *res, const struct tf_verdict *verdict)
{
	static const struct tf_dmarc nothing;
	const struct tf_dmarc *decided = verdict->dmarc != NULL ? verdict->dmarc : res->dmarc;
	const struct tf_dmarc *d = decided != NULL ? decided : &nothing;
	json_t *o = checked(json_object());

	put(o, "result", json_string(tf_code_name(d->code)));
	put(o, "from", text_or_null(d->from));
	put(o, "domain", text_or_null(d->from));
	put(o, "org_domain", text_or_null(d->org_domain));
	put(o, "policy", policy_or_null(d->policy));
	put(o, "applied_policy", policy_or_null(d->applied_policy));
	put(o, "disposition", json_string(tf_dmarc_policy_name(verdict->disposition)));
	put(o, "record", text_or_null(d->record));
	put(o, "record_domain", text_or_null(d->record_domain));
	put(o, "discovery", discovery(d->discovery));
	put(o, "alignment", alignment_object(d));
	put(o, "reason", text_or_null(d->reason));
	put(o, "authors", texts(res->author.domains, res->author.domain_count));
	put(o, "walk", walk_array(d));
	return o;
}

static json_t *
question_object(const struct tf_dns_trace *q)
{
	json_t *o = checked(json_object());

	put(o, "name", text(q->name));
	put(o, "type", json_string(tf_dns_type_name(q->type)));
	put(o, "status", json_string(tf_dns_status_name(q->status)));
	put(o, "answers", texts(q->answers, q->answer_count));
	put(o, "ms", json_real(q->ms));
	return o;
}

static json_t *
dns_array(const struct tf_result *res)
{
	json_t *array = checked(json_array());

	for (size_t i = 0; i < res->dns_count; i++)
		append(array, question_object(&res->dns[i]));
	return array;
}

/* DEL stands in strings alone, and is the one control character that jansson lets through. */
static int
write_chunk(const char *chunk, size_t size, void *out)
{
	struct tf_str rest = { chunk, size };

	for (;;) {
		const size_t del = tf_str_find(rest, '\177');

		tf_buf_str(out, tf_str_sub(rest, 0, del));
		if (del == rest.len)
			return 0;
		tf_buf_lit(out, "\\u007f");
		rest = tf_str_sub(rest, del + 1, rest.len);
	}
}

static void
write_object(json_t *object, size_t flags, struct tf_buf *out)
{
	if (json_dump_callback(object, write_chunk, out, JSON_ENSURE_ASCII | flags) != 0)
		tf_panic("jansson: an object that cannot be written");
	json_decref(object);
}

void
tf_explain_json(const struct tf_result *res, const struct tf_verdict *verdict,
    const struct tf_written *written, struct tf_buf *out)
{
	json_t *o = checked(json_object());

	put(o, "spf", spf_object(&res->mailfrom));
	put(o, "helo", helo_object(&res->helo));
	put(o, "dkim", dkim_array(res));
	put(o, "arc", arc_object(&res->arc, verdict));
	put(o, "dmarc", dmarc_object(res, verdict));
	put(o, "action", json_string(tf_action_name(verdict->action)));
	put(o, "would",
	    verdict->would != TF_ACT_ACCEPT ? json_string(tf_action_name(verdict->would))
					    : json_null());
	put(o, "reply", text_or_null(verdict->reply));
	put(o, "rule", text(verdict->rule));
	put(o, "authentication_results", text_or_null(written->authres));
	put(o, "received_spf",
	    written->received_spf_count != 0
		? texts(written->received_spf, written->received_spf_count)
		: json_null());
	put(o, "dns", dns_array(res));
	write_object(o, JSON_INDENT(2) | JSON_REAL_PRECISION(MS_DIGITS), out);
	tf_buf_byte(out, '\n');
}

static json_t *
field_value(const struct tf_field *field)
{
	uint64_t n;

	if (field->number && tf_str_to_u64(field->value, INT64_MAX, &n))
		return json_integer((json_int_t)n);
	return text(field->value);
}

void
tf_explain_fields_json(const struct tf_field *fields, size_t count, struct tf_buf *out)
{
	json_t *o = checked(json_object());

	for (size_t i = 0; i < count; i++)
		put(o, fields[i].key, field_value(&fields[i]));
	write_object(o, JSON_COMPACT, out);
}

static bool
read_field(const char *key, const json_t *value, struct tf_arena *a, struct tf_field *field_out)
{
	field_out->key = tf_arena_cstr(a, tf_str_from(key));
	field_out->number = json_is_integer(value);
	if (field_out->number && json_integer_value(value) >= 0)
		field_out->value = tf_arena_printf(a, "%lld", (long long)json_integer_value(value));
	else if (json_is_string(value))
		field_out->value = tf_arena_dup(
		    a, (struct tf_str){ json_string_value(value), json_string_length(value) });
	else
		return false;
	return true;
}

bool
tf_explain_fields_parse(
    struct tf_str json, struct tf_arena *a, struct tf_field *fields, size_t max, size_t *count_out)
{
	json_t *o = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	bool ok = json_is_object(o) && json_object_size(o) <= max;
	const char *key;
	json_t *value;

	*count_out = 0;
	if (ok) {
		json_object_foreach(o, key, value) ok =
		    ok && read_field(key, value, a, &fields[(*count_out)++]);
	}
	json_decref(o);
	return ok;
}
