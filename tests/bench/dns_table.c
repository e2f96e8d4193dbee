/*
 * dns_table.c - read a zone with ldns, and keep its answers as packets
 *
 * Two hash tables: records by name and type, filled once, and answers by question, filled as they
 * are asked for. An answer is built by ldns once and copied from then on.
 * Limits: MAX_ENTRIES answers, ALIASES aliases in a row.
 */
#include <errno.h>
#include <stdio.h>
#include <ldns/ldns.h>

#include "tests/bench/dns_table.h"
#include "truefrom/banned.h"

#define BUCKETS (1u << 18)
#define MAX_ENTRIES (1u << 20)
#define ALIASES 16
#define FAILING 65280 /* the type of a name that is answered with SERVFAIL */
#define NEGATIVE_TTL 3600

/* Records of one name and type; type 0: the name exists, maybe only as a parent of another. */
struct records {
	struct records *next;
	ldns_rdf *name;
	ldns_rr_type type;
	ldns_rr_list *list;
};

struct dns_table {
	struct records *records[BUCKETS];
	struct dns_entry *entries[BUCKETS];
	size_t entry_count;
	long ttl_s;
};

static uint32_t
hash_of(const uint8_t *name, size_t len, uint32_t type)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ name[i]) * 16777619u;
	h = (h ^ (type >> 8)) * 16777619u;
	h = (h ^ (type & 255)) * 16777619u;
	return h ^ h >> 15;
}

static struct records **
bucket_of(struct dns_table *t, const ldns_rdf *name, ldns_rr_type type)
{
	return &t->records[hash_of(ldns_rdf_data(name), ldns_rdf_size(name), type) % BUCKETS];
}

static struct records *
find_records(struct dns_table *t, const ldns_rdf *name, ldns_rr_type type)
{
	for (struct records *r = *bucket_of(t, name, type); r != NULL; r = r->next)
		if (r->type == type && ldns_rdf_compare(r->name, name) == 0)
			return r;
	return NULL;
}

static struct records *
add_records(struct dns_table *t, const ldns_rdf *name, ldns_rr_type type)
{
	struct records **bucket = bucket_of(t, name, type);
	struct records *r = find_records(t, name, type);

	if (r != NULL)
		return r;
	r = tf_xmalloc(sizeof(*r));
	r->name = ldns_rdf_clone(name);
	r->type = type;
	r->list = ldns_rr_list_new();
	r->next = *bucket;
	*bucket = r;
	return r;
}

/* The name and all above it exist. */
static void
add_name(struct dns_table *t, const ldns_rdf *name)
{
	ldns_rdf *at = ldns_rdf_clone(name), *above;

	while (find_records(t, at, 0) == NULL) {
		(void)add_records(t, at, 0);
		above = ldns_dname_left_chop(at);
		if (above == NULL)
			break;
		ldns_rdf_deep_free(at);
		at = above;
	}
	ldns_rdf_deep_free(at);
}

static void
add_record(struct dns_table *t, ldns_rr *rr)
{
	ldns_dname2canonical(ldns_rr_owner(rr));
	if (t->ttl_s >= 0)
		ldns_rr_set_ttl(rr, (uint32_t)t->ttl_s);
	add_name(t, ldns_rr_owner(rr));
	(void)ldns_rr_list_push_rr(
	    add_records(t, ldns_rr_owner(rr), ldns_rr_get_type(rr))->list, rr);
}

static bool
read_records(struct dns_table *t, FILE *file, struct tf_buf *why)
{
	ldns_rdf *origin = ldns_dname_new_frm_str("."), *previous = NULL;
	uint32_t ttl = NEGATIVE_TTL;
	int line = 0;
	ldns_status status = LDNS_STATUS_OK;

	while (feof(file) == 0) {
		ldns_rr *rr = NULL;

		status = ldns_rr_new_frm_fp_l(&rr, file, &ttl, &origin, &previous, &line);
		if (status == LDNS_STATUS_OK)
			add_record(t, rr);
		else if (status != LDNS_STATUS_SYNTAX_EMPTY && status != LDNS_STATUS_SYNTAX_TTL &&
			 status != LDNS_STATUS_SYNTAX_ORIGIN)
			break;
		status = LDNS_STATUS_OK;
	}
	if (status != LDNS_STATUS_OK)
		tf_buf_printf(why, "line %d: %s", line, ldns_get_errorstr_by_id(status));
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(previous);
	return status == LDNS_STATUS_OK;
}

struct dns_table *
dns_table_read(const char *path, long ttl_s, struct tf_buf *why)
{
	struct dns_table *t;
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		tf_buf_errno(why, errno);
		return NULL;
	}
	t = tf_xmalloc(sizeof(*t));
	t->ttl_s = ttl_s;
	if (!read_records(t, file, why)) {
		dns_table_free(t);
		t = NULL;
	}
	fclose(file);
	return t;
}

void
dns_table_free(struct dns_table *t)
{
	for (size_t i = 0; t != NULL && i < BUCKETS; i++) {
		while (t->records[i] != NULL) {
			struct records *r = t->records[i];

			t->records[i] = r->next;
			ldns_rdf_deep_free(r->name);
			ldns_rr_list_deep_free(r->list);
			tf_xfree(r);
		}
		while (t->entries[i] != NULL) {
			struct dns_entry *e = t->entries[i];

			t->entries[i] = e->next;
			tf_xfree(e->packet);
			tf_xfree(e);
		}
	}
	tf_xfree(t);
}

/* A negative answer bears what bounds how long it may be kept. */
static void
add_soa(struct dns_table *t, ldns_pkt *packet, const ldns_rdf *name)
{
	const uint32_t ttl = t->ttl_s >= 0 ? (uint32_t)t->ttl_s : NEGATIVE_TTL;
	const uint8_t labels = ldns_dname_label_count(name);
	ldns_rdf *apex = ldns_dname_clone_from(name, labels > 1 ? (uint16_t)(labels - 1) : 0);
	ldns_rr *soa = NULL;
	char text[128];

	(void)snprintf(text, sizeof(text),
	    ". %u IN SOA ns.invalid. root.invalid. 1 3600 600 86400 %u", ttl, ttl);
	if (ldns_rr_new_frm_str(&soa, text, 0, NULL, NULL) != LDNS_STATUS_OK)
		tf_panic("no SOA: %s", text);
	ldns_rdf_deep_free(ldns_rr_owner(soa));
	ldns_rr_set_owner(soa, apex);
	(void)ldns_pkt_push_rr(packet, LDNS_SECTION_AUTHORITY, soa);
}

static void
push_all(ldns_pkt *packet, const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		(void)ldns_pkt_push_rr(
		    packet, LDNS_SECTION_ANSWER, ldns_rr_clone(ldns_rr_list_rr(list, i)));
}

/* What one name gives: true with the alias to go on with, or false when the answer is complete. */
static bool
fill_from(struct dns_table *t, ldns_pkt *packet, const ldns_rdf *name, ldns_rr_type type,
    ldns_rdf **alias_out)
{
	const struct records *r = find_records(t, name, type);

	if (find_records(t, name, (ldns_rr_type)FAILING) != NULL) {
		ldns_pkt_set_rcode(packet, LDNS_RCODE_SERVFAIL);
		return false;
	}
	if (r != NULL) {
		push_all(packet, r->list);
		return false;
	}
	r = find_records(t, name, LDNS_RR_TYPE_CNAME);
	if (r == NULL) {
		if (find_records(t, name, 0) == NULL)
			ldns_pkt_set_rcode(packet, LDNS_RCODE_NXDOMAIN);
		add_soa(t, packet, name);
		return false;
	}
	push_all(packet, r->list);
	*alias_out = ldns_rdf_clone(ldns_rr_rdf(ldns_rr_list_rr(r->list, 0), 0));
	ldns_dname2canonical(*alias_out);
	return true;
}

static void
fill(struct dns_table *t, ldns_pkt *packet, const ldns_rdf *name, ldns_rr_type type)
{
	ldns_rdf *at = ldns_rdf_clone(name), *alias;

	for (unsigned int i = 0; i < ALIASES && fill_from(t, packet, at, type, &alias); i++) {
		ldns_rdf_deep_free(at);
		at = alias;
	}
	ldns_rdf_deep_free(at);
}

static void
build(struct dns_table *t, struct dns_entry *e)
{
	ldns_pkt *packet = ldns_pkt_new();
	ldns_rr *question = ldns_rr_new();
	ldns_rdf *name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, e->name_len, e->name);
	uint8_t *wire;

	ldns_rr_set_question(question, true);
	ldns_rr_set_owner(question, ldns_rdf_clone(name));
	ldns_rr_set_type(question, (ldns_rr_type)e->type);
	ldns_rr_set_class(question, LDNS_RR_CLASS_IN);
	(void)ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, question);
	ldns_pkt_set_qr(packet, true);
	ldns_pkt_set_ra(packet, true);
	fill(t, packet, name, (ldns_rr_type)e->type);
	if (ldns_pkt2wire(&wire, packet, &e->packet_len) != LDNS_STATUS_OK)
		tf_panic("an answer that is no packet");
	e->packet = tf_xmalloc(e->packet_len);
	memcpy(e->packet, wire, e->packet_len);
	LDNS_FREE(wire);
	ldns_rdf_deep_free(name);
	ldns_pkt_free(packet);
}

struct dns_entry *
dns_table_find(struct dns_table *t, const uint8_t *name, size_t len, uint16_t type)
{
	const uint32_t hash = hash_of(name, len, type);
	struct dns_entry **bucket = &t->entries[hash % BUCKETS];
	struct dns_entry *e;

	for (e = *bucket; e != NULL; e = e->next)
		if (e->hash == hash && e->type == type && e->name_len == len &&
		    memcmp(e->name, name, len) == 0)
			return e;
	if (t->entry_count == MAX_ENTRIES || len > DNS_NAME_MAX)
		return NULL;
	e = tf_xmalloc(sizeof(*e));
	memcpy(e->name, name, len);
	e->name_len = len;
	e->type = type;
	e->hash = hash;
	build(t, e);
	e->next = *bucket;
	*bucket = e;
	t->entry_count++;
	return e;
}

void
dns_table_forget_asked(struct dns_table *t)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct dns_entry *e = t->entries[i]; e != NULL; e = e->next)
			e->asked = 0;
}
