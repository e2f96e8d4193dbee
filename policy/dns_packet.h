/*
 * dns_packet.h - the frame of a DNS reply
 *
 * Pure functions of a packet; thread-safe. Used by dns_answer.c alone.
 */
#ifndef POLICY_DNS_PACKET_H
#define POLICY_DNS_PACKET_H

#include "truefrom/base.h"

#define TF_DNS_HEADER 12 /* octets: RFC 1035 section 4.1.1 */
#define TF_DNS_PACKET_MAX 65535

/*
 * tf_dns_packet_is_whole - a reply to one question: not cut, nothing behind its end, no section of
 * more than 256 records (RFC 1035 section 4.1)
 *
 * All functions below are for packets that are whole.
 */
bool tf_dns_packet_is_whole(struct tf_str packet);
/* How many records the answer section has. */
uint16_t tf_dns_packet_answers(struct tf_str packet);
/* Moves *at, where the question or a record begins, behind it. */
void tf_dns_packet_skip_question(struct tf_str packet, size_t *at);
void tf_dns_packet_skip_record(struct tf_str packet, size_t *at);
/*
 * tf_dns_packet_ttl - seconds for which the reply may be kept: the least of its records' TTLs
 *
 * absent  it says that something is not there: then a SOA says for how long (RFC 2308 section 5),
 *         and without one it is not kept at all
 */
uint32_t tf_dns_packet_ttl(struct tf_str packet, bool absent);

#endif
