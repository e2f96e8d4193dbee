/*
 * dns_packet.c - the frame of a DNS reply: header, where records begin and end, their time to live
 *
 * Walks a packet without a look at what records hold (RFC 1035 section 4.1). tf_dns_packet_is_whole
 * comes first; the others rely on what it found.
 * Limits: 65,535 octets, 256 records in a section.
 */
#include "policy/dns_packet.h"
#include "truefrom/banned.h"

#define RECORD_SIZE 10  /* type, class, TTL, length of the data */
#define SECTION_MAX 256 /* aliases, records and their signatures fit; parsing stays cheap */
#define TYPE_SOA 6

static uint16_t
u16_at(struct tf_str packet, size_t at)
{
	return (uint16_t)((unsigned char)packet.ptr[at] << 8 | (unsigned char)packet.ptr[at + 1]);
}

static uint32_t
u32_at(struct tf_str packet, size_t at)
{
	return (uint32_t)u16_at(packet, at) << 16 | u16_at(packet, at + 2);
}

/* Moves *at behind the name there, compressed or not. */
static bool
skip_name(struct tf_str packet, size_t *at)
{
	while (*at < packet.len) {
		unsigned char length = (unsigned char)packet.ptr[*at];

		*at += length >= 0xc0 ? 2 : (size_t)length + 1;
		if (length == 0 || length >= 0xc0)
			return *at <= packet.len;
		if (length > 63)
			return false;
	}
	return false;
}

/* Moves *at behind the record there. */
static bool
skip_record(struct tf_str packet, size_t *at)
{
	if (!skip_name(packet, at) || packet.len - *at < RECORD_SIZE)
		return false;
	*at += RECORD_SIZE + (size_t)u16_at(packet, *at + RECORD_SIZE - 2);
	return *at <= packet.len;
}

/* The time to live of the record at *at, which is moved behind it; a SOA's is that of what is not
 * there (RFC 2308 section 5). */
static uint32_t
take_ttl(struct tf_str packet, size_t *at, uint16_t *type_out)
{
	size_t record = *at, minimum;
	uint32_t ttl;

	(void)skip_name(packet, &record);
	(void)skip_record(packet, at);
	minimum = *at - 4;
	*type_out = u16_at(packet, record);
	ttl = u32_at(packet, record + 4);
	if (*type_out == TYPE_SOA && minimum >= record + RECORD_SIZE &&
	    u32_at(packet, minimum) < ttl)
		ttl = u32_at(packet, minimum);
	return ttl <= INT32_MAX ? ttl : 0; /* RFC 2181 section 8 */
}

void
tf_dns_packet_skip_question(struct tf_str packet, size_t *at)
{
	(void)skip_name(packet, at);
	*at += 4;
}

uint32_t
tf_dns_packet_ttl(struct tf_str packet, bool absent)
{
	uint32_t least = INT32_MAX, ttl;
	size_t at = TF_DNS_HEADER;
	bool known = !absent;
	uint16_t type;

	tf_dns_packet_skip_question(packet, &at);
	for (size_t left = u16_at(packet, 6); left > 0; left--) {
		ttl = take_ttl(packet, &at, &type);
		least = ttl < least ? ttl : least;
	}
	for (size_t left = u16_at(packet, 8); absent && left > 0; left--) {
		ttl = take_ttl(packet, &at, &type);
		known = known || type == TYPE_SOA;
		least = ttl < least ? ttl : least;
	}
	return known ? least : 0;
}

bool
tf_dns_packet_is_whole(struct tf_str packet)
{
	size_t at = TF_DNS_HEADER, records = 0;

	if (packet.len < TF_DNS_HEADER || packet.len > TF_DNS_PACKET_MAX)
		return false;
	if (((unsigned char)packet.ptr[2] & 0xfa) != 0x80) /* QR set, opcode QUERY, TC clear */
		return false;
	if (u16_at(packet, 4) != 1 || !skip_name(packet, &at) || packet.len - at < 4)
		return false;
	at += 4;
	for (size_t count = 6; count <= 10; count += 2) {
		if (u16_at(packet, count) > SECTION_MAX)
			return false;
		records += u16_at(packet, count);
	}
	while (records-- > 0) {
		if (!skip_record(packet, &at))
			return false;
	}
	return at == packet.len;
}

uint16_t
tf_dns_packet_answers(struct tf_str packet)
{
	return u16_at(packet, 6);
}

void
tf_dns_packet_skip_record(struct tf_str packet, size_t *at)
{
	(void)skip_record(packet, at);
}
