/*
 * dns_table.h - the answers of a zone, as packets
 */
#ifndef TESTS_BENCH_DNS_TABLE_H
#define TESTS_BENCH_DNS_TABLE_H

#include "truefrom/base.h"

#define DNS_NAME_MAX 255

/* One name and type, with the answer to it. */
struct dns_entry {
	struct dns_entry *next;
	uint8_t name[DNS_NAME_MAX]; /* as in a packet, in lower case */
	size_t name_len;
	uint16_t type;
	uint32_t hash;
	uint32_t asked;  /* how often so far */
	uint8_t *packet; /* header with id 0, question, sections */
	size_t packet_len;
};

struct dns_table;

/*
 * dns_table_read - read a master file
 *
 * ttl_s  for every record and negative answer; negative: as in the file, and an hour
 *
 * Records of several zones may stand in one file, names are absolute or relative to $ORIGIN, no
 * delegation and no SOA is needed. A record of the private type TYPE65280 makes every question of
 * its name be answered with SERVFAIL. Returns NULL with the reason in why.
 */
struct dns_table *dns_table_read(const char *path, long ttl_s, struct tf_buf *why);
void dns_table_free(struct dns_table *t);

/*
 * dns_table_find - the answer to a question
 *
 * name  as in a packet, lower case, len octets with the root's
 *
 * As from a recursive resolver: aliases are followed (16 at most); what is not there is NXDOMAIN,
 * or NODATA where the name or one below it exists; a negative answer has an SOA of the name's last
 * label. Made when first asked for and kept; NULL once a million answers are kept.
 */
struct dns_entry *dns_table_find(
    struct dns_table *t, const uint8_t *name, size_t len, uint16_t type);
/* Every entry as if never asked. */
void dns_table_forget_asked(struct dns_table *t);

#endif
