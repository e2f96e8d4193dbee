/*
 * dns_answer.c - the contents of DNS: packets -> answers, master files -> records
 *
 * The only user of ldns. Reads replies as strictly as RFC 1035 section 4 and RFC 2181 allow: what
 * does not fit the question is TF_DNS_MALFORMED, never "no record". The frame of a packet is
 * dns_packet.c's.
 * Does not: ask (resolver.c), compare message ids (libunbound does, on the wire), follow an alias
 * beyond the packet, or know what a record means.
 * Limits: 65,535 octets a packet (which also bounds the text of its TXT records), 8 aliases,
 * 100 records of the type asked, 256 in the answer section.
 */
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "policy/dns_answer.h"
#include "policy/dns_packet.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

/* A name out of a packet, as text: 255 octets on the wire make at most 253. */
struct name {
	char text[TF_DOMAIN_MAX + 1];
	size_t len;
};

/*
 * Wire form -> raw labels joined by dots, lower case. False when a label holds a dot or a NUL: such
 * a name could not be told from another one.
 */
static bool
name_from_rdf(const ldns_rdf *rdf, struct name *name_out)
{
	const uint8_t *wire = ldns_rdf_data(rdf);
	size_t size = ldns_rdf_size(rdf), at = 0;

	name_out->len = 0;
	while (at < size && wire[at] != 0) {
		size_t label = wire[at++];

		if (label > 63 || label > size - at ||
		    name_out->len + label + 1 > TF_DOMAIN_MAX + 1)
			return false;
		if (name_out->len != 0)
			name_out->text[name_out->len++] = '.';
		for (size_t i = 0; i < label; i++) {
			char c = (char)wire[at++];

			if (c == '.' || c == '\0')
				return false;
			name_out->text[name_out->len++] = tf_lower(c);
		}
	}
	return at < size && name_out->len <= TF_DOMAIN_MAX;
}

static struct tf_str
name_str(const struct name *name)
{
	return (struct tf_str){ name->text, name->len };
}

static bool
owner_is(const ldns_rr *rr, struct tf_str name)
{
	struct name owner;

	return name_from_rdf(ldns_rr_owner(rr), &owner) && tf_str_eq(name_str(&owner), name);
}

static bool
question_is(const ldns_rr *rr, struct tf_str name, enum tf_dns_type type)
{
	return ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       (int)ldns_rr_get_type(rr) == (int)type && owner_is(rr, name);
}

/* The record from *at to end, where *at is moved; NULL when ldns reads it otherwise. */
static ldns_rr *
read_rr(struct tf_str packet, size_t *at, size_t end, ldns_pkt_section section)
{
	ldns_rr *rr = NULL;

	if (ldns_wire2rr(&rr, (const uint8_t *)packet.ptr, packet.len, at, section) !=
	    LDNS_STATUS_OK)
		return NULL;
	if (*at == end)
		return rr;
	ldns_rr_free(rr);
	return NULL;
}

/* The answer section; NULL when it cannot be read, or belongs to another question. */
static ldns_rr_list *
read_section(struct tf_str packet, struct tf_str name, enum tf_dns_type type)
{
	size_t at = TF_DNS_HEADER, end = TF_DNS_HEADER, count = tf_dns_packet_answers(packet);
	ldns_rr_list *section = ldns_rr_list_new();
	ldns_rr *rr;
	bool ok;

	tf_dns_packet_skip_question(packet, &end);
	rr = read_rr(packet, &at, end, LDNS_SECTION_QUESTION);
	ok = rr != NULL && section != NULL && question_is(rr, name, type);
	ldns_rr_free(rr);
	while (ok && count-- > 0) {
		tf_dns_packet_skip_record(packet, &end);
		rr = read_rr(packet, &at, end, LDNS_SECTION_ANSWER);
		ok = rr != NULL && ldns_rr_list_push_rr(section, rr);
	}
	if (ok)
		return section;
	ldns_rr_list_deep_free(section);
	return NULL;
}

static bool
is_alias(const ldns_rr *rr)
{
	return (int)ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME;
}

/* How many aliases stand at `from`; the target of the last one to *to_out. */
static size_t
aliases_at(const ldns_rr_list *section, struct tf_str from, struct name *to_out)
{
	size_t count = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);

		if (is_alias(rr) && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		    owner_is(rr, from) && ldns_rr_rd_count(rr) == 1 &&
		    name_from_rdf(ldns_rr_rdf(rr, 0), to_out))
			count++;
	}
	return count;
}

/*
 * Follows the aliases from *end on. False on two aliases at one name, too many of them (so also on
 * a loop), or one that is not part of the chain.
 */
static bool
follow_aliases(const ldns_rr_list *section, struct name *end)
{
	size_t total = 0, followed = 0, here = 1;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++)
		total += is_alias(ldns_rr_list_rr(section, i));
	if (total > TF_DNS_MAX_CNAMES)
		return false;
	while (here == 1 && followed <= total) {
		struct name from = *end;

		here = aliases_at(section, name_str(&from), end);
		followed += here;
	}
	return here == 0 && followed == total;
}

static bool
read_addr(const ldns_rr *rr, enum tf_dns_type type, struct tf_addr *addr_out)
{
	static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t size = type == TF_TYPE_A ? 4 : 16;
	const uint8_t *bytes;

	if (ldns_rr_rd_count(rr) != 1 || ldns_rdf_size(ldns_rr_rdf(rr, 0)) != size)
		return false;
	bytes = ldns_rdf_data(ldns_rr_rdf(rr, 0));
	*addr_out = (struct tf_addr){ .family = TF_FAMILY_V4 };
	if (type == TF_TYPE_A) {
		memcpy(addr_out->bytes, bytes, 4);
	} else if (memcmp(bytes, v4_mapped, sizeof(v4_mapped)) == 0) {
		memcpy(addr_out->bytes, bytes + sizeof(v4_mapped), 4);
	} else {
		addr_out->family = TF_FAMILY_V6;
		memcpy(addr_out->bytes, bytes, 16);
	}
	return true;
}

/* The character-strings of one TXT record, joined: each begins with its length. */
static bool
read_txt(const ldns_rr *rr, struct tf_arena *a, struct tf_str *txt_out)
{
	struct tf_buf joined;

	tf_buf_init_arena(&joined, a, TF_DNS_PACKET_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *data = ldns_rdf_data(rdf);

		if (ldns_rdf_size(rdf) < 1 || ldns_rdf_size(rdf) != (size_t)data[0] + 1)
			return false;
		tf_buf_str(&joined, (struct tf_str){ (const char *)data + 1, data[0] });
	}
	*txt_out = tf_buf_get(&joined);
	return !joined.overflow;
}

/* The name at field `at` of the record's data. */
static bool
read_target(const ldns_rr *rr, size_t at, struct tf_arena *a, struct tf_str *name_out)
{
	struct name target;

	if (ldns_rr_rd_count(rr) != at + 1 || !name_from_rdf(ldns_rr_rdf(rr, at), &target))
		return false;
	*name_out = tf_arena_dup(a, name_str(&target));
	return true;
}

/* Puts the exchange at its place: ordered by preference, equal ones as received. */
static bool
insert_mx(const ldns_rr *rr, struct tf_arena *a, struct tf_str *names, uint16_t *prefs, size_t n)
{
	struct tf_str name;
	uint16_t pref;

	if (!read_target(rr, 1, a, &name) || ldns_rdf_size(ldns_rr_rdf(rr, 0)) != 2)
		return false;
	pref = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
	while (n > 0 && prefs[n - 1] > pref) {
		names[n] = names[n - 1];
		prefs[n] = prefs[n - 1];
		n--;
	}
	names[n] = name;
	prefs[n] = pref;
	return true;
}

/* Arrays for `count` records of the type. */
struct table {
	struct tf_str *strs;
	struct tf_addr *addrs;
	uint16_t *prefs;
};

static bool
read_record(
    const ldns_rr *rr, enum tf_dns_type type, struct tf_arena *a, struct table *table, size_t n)
{
	switch (type) {
	case TF_TYPE_A:
	case TF_TYPE_AAAA:
		return read_addr(rr, type, &table->addrs[n]);
	case TF_TYPE_TXT:
		return read_txt(rr, a, &table->strs[n]);
	case TF_TYPE_PTR:
		return read_target(rr, 0, a, &table->strs[n]);
	case TF_TYPE_MX:
		return insert_mx(rr, a, table->strs, table->prefs, n);
	}
	return false;
}

/* Records of the type asked: counts them, then reads them. False when one is beside the chain. */
static bool
read_records(const ldns_rr_list *section, struct tf_str owner, enum tf_dns_type type,
    struct tf_arena *a, struct tf_dns_answer *answer)
{
	struct table table = { NULL, NULL, NULL };
	size_t count = 0, n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++)
		count += (int)ldns_rr_get_type(ldns_rr_list_rr(section, i)) == (int)type;
	if (count == 0)
		return true;
	if (count > TF_DNS_MAX_RECORDS)
		return false;
	table.strs = tf_arena_array(a, count, sizeof(*table.strs));
	table.addrs = tf_arena_array(a, count, sizeof(*table.addrs));
	table.prefs = tf_arena_array(a, count, sizeof(*table.prefs));
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);

		if ((int)ldns_rr_get_type(rr) != (int)type)
			continue;
		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || !owner_is(rr, owner) ||
		    !read_record(rr, type, a, &table, n++))
			return false;
	}
	answer->count = count;
	answer->txts = type == TF_TYPE_TXT ? table.strs : NULL;
	answer->addrs = type == TF_TYPE_A || type == TF_TYPE_AAAA ? table.addrs : NULL;
	answer->names = type == TF_TYPE_MX || type == TF_TYPE_PTR ? table.strs : NULL;
	answer->prefs = type == TF_TYPE_MX ? table.prefs : NULL;
	return true;
}

/* Of a reply whose code says that names and records, or their absence, are meant. */
static void
read_answer(const ldns_rr_list *section, bool nxdomain, struct tf_str name, enum tf_dns_type type,
    struct tf_arena *a, struct tf_dns_answer *answer_out)
{
	struct tf_dns_answer answer = { .status = TF_DNS_NOERROR };
	struct name end;

	memcpy(end.text, name.ptr, name.len);
	end.len = name.len;
	if (!follow_aliases(section, &end) ||
	    !read_records(section, name_str(&end), type, a, &answer))
		return;
	answer.alias = !tf_str_eq(name_str(&end), name);
	if (nxdomain && answer.count != 0)
		return;
	if (nxdomain)
		answer.status = TF_DNS_NXDOMAIN;
	else if (answer.count == 0)
		answer.status = TF_DNS_NODATA;
	*answer_out = answer;
}

void
tf_dns_answer_parse(struct tf_str packet, struct tf_str name, enum tf_dns_type type,
    struct tf_arena *a, struct tf_dns_answer *answer_out)
{
	ldns_rr_list *section;
	int rcode;

	*answer_out = (struct tf_dns_answer){ .status = TF_DNS_MALFORMED };
	if (name.len > TF_DOMAIN_MAX || !tf_dns_packet_is_whole(packet))
		return;
	section = read_section(packet, name, type);
	if (section == NULL)
		return;
	rcode = packet.ptr[3] & 0x0f;
	if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN)
		read_answer(section, rcode == LDNS_RCODE_NXDOMAIN, name, type, a, answer_out);
	else if (rcode == LDNS_RCODE_REFUSED)
		answer_out->status = TF_DNS_REFUSED;
	else
		answer_out->status = TF_DNS_SERVFAIL;
	if (answer_out->status == TF_DNS_NOERROR || answer_out->status == TF_DNS_NODATA ||
	    answer_out->status == TF_DNS_NXDOMAIN)
		answer_out->ttl_s = tf_dns_packet_ttl(packet, answer_out->count == 0);
	ldns_rr_list_deep_free(section);
}

static void
write_escaped(struct tf_str s, struct tf_buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\\')
			tf_buf_lit(out, "\\\\");
		else if (c < 32 || c > 126)
			tf_buf_printf(out, "\\%03u", c);
		else
			tf_buf_byte(out, (char)c);
	}
}

static void
write_record(
    const struct tf_dns_answer *answer, enum tf_dns_type type, size_t i, struct tf_buf *out)
{
	switch (type) {
	case TF_TYPE_A:
	case TF_TYPE_AAAA:
		tf_addr_write(&answer->addrs[i], out);
		return;
	case TF_TYPE_TXT:
		write_escaped(answer->txts[i], out);
		return;
	case TF_TYPE_MX:
		tf_buf_printf(out, "%u ", answer->prefs[i]);
		/* fall through */
	case TF_TYPE_PTR:
		write_escaped(answer->names[i], out);
		tf_buf_byte(out, '.');
		return;
	}
}

const struct tf_str *
tf_dns_answer_write(const struct tf_dns_answer *answer, enum tf_dns_type type, struct tf_arena *a)
{
	struct tf_str *texts;

	if (answer->count == 0)
		return NULL;
	texts = tf_arena_array(a, answer->count, sizeof(*texts));
	for (size_t i = 0; i < answer->count; i++) {
		struct tf_buf out;

		tf_buf_init_arena(&out, a, (size_t)TF_DNS_PACKET_MAX * 4 + 16);
		write_record(answer, type, i, &out);
		texts[i] = tf_buf_get(&out);
	}
	return texts;
}

void
tf_dns_name_write(struct tf_str name, struct tf_buf *out)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (tf_is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '*')
			tf_buf_byte(out, c);
		else
			tf_buf_printf(out, "\\%03u", (unsigned char)c);
	}
	tf_buf_byte(out, '.');
}

static struct tf_str
rdata_of(const ldns_rr *rr, struct tf_arena *a)
{
	struct tf_buf rdata;

	tf_buf_init_arena(&rdata, a, TF_DNS_PACKET_MAX);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		tf_buf_str(&rdata,
		    (struct tf_str){ (const char *)ldns_rdf_data(rdf), ldns_rdf_size(rdf) });
	}
	return tf_buf_get(&rdata);
}

/* NULL, or why the record cannot be served. */
static const char *
record_from_rr(const ldns_rr *rr, struct tf_arena *a, struct tf_dns_record **record_out)
{
	struct tf_dns_record *record;
	struct name owner;

	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return "class is not IN";
	if (ldns_rr_get_type(rr) == 0) /* what ldns makes of a lone word that is no type */
		return "the type is not known";
	/* In the form of RFC 3597 ldns takes less. */
	if (ldns_rr_rd_count(rr) <
	    ldns_rr_descriptor_minimum(ldns_rr_descript(ldns_rr_get_type(rr))))
		return "the record is not whole";
	if (!name_from_rdf(ldns_rr_owner(rr), &owner))
		return "a label of the name holds a dot or a NUL";
	record = tf_arena_alloc(a, sizeof(*record));
	record->owner = tf_arena_dup(a, name_str(&owner));
	record->type = (uint16_t)ldns_rr_get_type(rr);
	record->ttl_s = ldns_rr_ttl(rr);
	record->rdata = rdata_of(rr, a);
	*record_out = record;
	return NULL;
}

/* State of reading one master file. */
struct reader {
	FILE *fp;
	ldns_rdf *origin, *previous;
	uint32_t ttl_s;
	int line;
};

/* The next record: NULL in *record_out on a line that has none. Returns NULL, or what is wrong. */
static const char *
read_line(struct reader *rd, struct tf_arena *a, struct tf_dns_record **record_out)
{
	ldns_rr *rr = NULL;
	ldns_status status =
	    ldns_rr_new_frm_fp_l(&rr, rd->fp, &rd->ttl_s, &rd->origin, &rd->previous, &rd->line);
	const char *bad;

	*record_out = NULL;
	switch ((int)status) {
	case LDNS_STATUS_OK:
		bad = record_from_rr(rr, a, record_out);
		ldns_rr_free(rr);
		return bad;
	case LDNS_STATUS_SYNTAX_EMPTY:
	case LDNS_STATUS_SYNTAX_TTL:
	case LDNS_STATUS_SYNTAX_ORIGIN:
		return NULL;
	}
	return ldns_get_errorstr_by_id(status);
}

static const char *
read_lines(struct reader *rd, struct tf_arena *a, struct tf_dns_record **records_out)
{
	struct tf_dns_record **last = records_out;

	while (!feof(rd->fp)) {
		struct tf_dns_record *record;
		const char *bad = read_line(rd, a, &record);

		if (bad != NULL)
			return bad;
		if (record != NULL) {
			*last = record;
			last = &record->next;
		}
	}
	return NULL;
}

bool
tf_dns_records_parse(struct tf_str text, const char *label, struct tf_arena *a,
    struct tf_dns_record **records_out, struct tf_buf *why)
{
	struct reader rd = { .ttl_s = 3600 };
	char *copy = tf_arena_cstr(a, text); /* NULL when it holds a NUL */
	const char *bad;

	*records_out = NULL;
	if (text.len == 0)
		return true;
	if (copy == NULL) {
		tf_buf_printf(why, "%s: holds a NUL; a master file is text", label);
		return false;
	}
	rd.fp = fmemopen(copy, text.len, "r");
	if (rd.fp == NULL) {
		tf_buf_printf(why, "%s: cannot be read", label);
		return false;
	}
	bad = read_lines(&rd, a, records_out);
	if (bad != NULL)
		tf_buf_printf(why, "%s:%d: %s", label, rd.line, bad);
	ldns_rdf_deep_free(rd.origin);
	ldns_rdf_deep_free(rd.previous);
	fclose(rd.fp);
	return bad == NULL;
}

const char *
tf_dns_library_version(void)
{
	return ldns_version();
}
