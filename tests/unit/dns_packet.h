/*
 * dns_packet.h - DNS messages for tests, right and wrong ones
 */
#ifndef TESTS_UNIT_DNS_PACKET_H
#define TESTS_UNIT_DNS_PACKET_H

#include "truefrom/base.h"

#define PACKET_ROOM 65535

struct packet {
	uint8_t bytes[PACKET_ROOM];
	size_t len;
};

/* Header and question; flags as the 16 bits on the wire (0x8180: a reply without error). */
void packet_init(struct packet *p, uint16_t id, uint16_t flags, const char *qname, uint16_t qtype);
/* One record into the answer section, class IN, any rdata. */
void packet_record(
    struct packet *p, const char *owner, uint16_t type, const uint8_t *rdata, size_t len);
/*
 * Records in words: "OWNER TYPE DATA; OWNER TYPE DATA". Types: A, AAAA, CNAME, PTR, MX, SOA, TXT
 * and TYPEn; DATA: an address, a name, "PREF NAME", text whose strings are parted by "|", or hex.
 */
void packet_records(struct packet *p, const char *words);
void packet_authority(struct packet *p); /* an SOA, for negative answers */
struct tf_str packet_str(const struct packet *p);
void packet_set_u16(struct packet *p, size_t at, uint16_t value);

#endif
