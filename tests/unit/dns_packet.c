/*
 * dns_packet.c - DNS messages for tests, right and wrong ones
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dns_packet.h"
#include "truefrom/banned.h"

static void
put(struct packet *p, const void *bytes, size_t len)
{
	if (len > sizeof(p->bytes) - p->len)
		tf_panic("test packet too large");
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void
put_u8(struct packet *p, uint8_t value)
{
	put(p, &value, 1);
}

static void
put_u16(struct packet *p, uint16_t value)
{
	put_u8(p, (uint8_t)(value >> 8));
	put_u8(p, (uint8_t)value);
}

/* Dots part labels; "" and "." are the root. */
static void
put_name(struct packet *p, struct tf_str name)
{
	while (name.len != 0 && !tf_str_eq(name, TF_STR("."))) {
		size_t dot = tf_str_find(name, '.');

		put_u8(p, (uint8_t)dot);
		put(p, name.ptr, dot);
		name = tf_str_sub(name, dot + 1, name.len);
	}
	put_u8(p, 0);
}

void
packet_set_u16(struct packet *p, size_t at, uint16_t value)
{
	p->bytes[at] = (uint8_t)(value >> 8);
	p->bytes[at + 1] = (uint8_t)value;
}

static void
count_up(struct packet *p, size_t at)
{
	packet_set_u16(p, at, (uint16_t)((p->bytes[at] << 8 | p->bytes[at + 1]) + 1));
}

void
packet_init(struct packet *p, uint16_t id, uint16_t flags, const char *qname, uint16_t qtype)
{
	p->len = 0;
	put_u16(p, id);
	put_u16(p, flags);
	put_u16(p, 1);
	put(p, "\0\0\0\0\0", 6);
	put_name(p, tf_str_from(qname));
	put_u16(p, qtype);
	put_u16(p, 1);
}

static void
put_record(struct packet *p, struct tf_str owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	put_name(p, owner);
	put_u16(p, type);
	put_u16(p, 1);
	put(p, "\0\0\1\54", 4); /* 300 s */
	put_u16(p, (uint16_t)len);
	put(p, rdata, len);
}

void
packet_record(struct packet *p, const char *owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	put_record(p, tf_str_from(owner), type, rdata, len);
	count_up(p, 6);
}

void
packet_authority(struct packet *p)
{
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60, 0,
		0, 0, 60 };

	put_record(p, TF_STR("test"), 6, soa, sizeof(soa));
	count_up(p, 8);
}

struct tf_str
packet_str(const struct packet *p)
{
	return (struct tf_str){ (const char *)p->bytes, p->len };
}

static void
write_txt(struct packet *rdata, struct tf_str text)
{
	for (bool more = true; more;) {
		size_t bar = tf_str_find(text, '|');

		more = bar < text.len;
		put_u8(rdata, (uint8_t)bar);
		put(rdata, text.ptr, bar);
		text = tf_str_sub(text, bar + 1, text.len);
	}
}

static uint8_t
nibble(char c)
{
	return (uint8_t)(tf_is_digit(c) ? c - '0' : tf_lower(c) - 'a' + 10);
}

static void
write_hex(struct packet *rdata, struct tf_str hex)
{
	for (size_t i = 0; i + 1 < hex.len; i += 2)
		put_u8(rdata, (uint8_t)(nibble(hex.ptr[i]) << 4 | nibble(hex.ptr[i + 1])));
}

static void
write_address(struct packet *rdata, int family, struct tf_str text)
{
	uint8_t bytes[16];
	char cstr[64];

	if (!tf_cstr(text, cstr, sizeof(cstr)) || inet_pton(family, cstr, bytes) != 1)
		tf_panic("test packet: \"%.*s\" is no address", TF_PRI(text));
	put(rdata, bytes, family == AF_INET ? 4 : 16);
}

static void
write_mx(struct packet *rdata, struct tf_str data)
{
	size_t blank = tf_str_find(data, ' ');
	uint32_t pref = 0;

	if (!tf_str_to_u32(tf_str_sub(data, 0, blank), 65535, &pref))
		tf_panic("test packet: bad MX");
	put_u16(rdata, (uint16_t)pref);
	put_name(rdata, tf_str_sub(data, blank + 1, data.len));
}

/* The type's number; its data into rdata. */
static uint16_t
write_rdata(struct packet *rdata, struct tf_str type, struct tf_str data)
{
	uint32_t number = 0;

	if (tf_str_eq(type, TF_STR("A"))) {
		write_address(rdata, AF_INET, data);
		return 1;
	}
	if (tf_str_eq(type, TF_STR("AAAA"))) {
		write_address(rdata, AF_INET6, data);
		return 28;
	}
	if (tf_str_eq(type, TF_STR("MX"))) {
		write_mx(rdata, data);
		return 15;
	}
	if (tf_str_eq(type, TF_STR("TXT"))) {
		write_txt(rdata, data);
		return 16;
	}
	if (tf_str_starts_nocase(type, TF_STR("TYPE")) &&
	    tf_str_to_u32(tf_str_sub(type, 4, type.len), 65535, &number)) {
		write_hex(rdata, data);
		return (uint16_t)number;
	}
	put_name(rdata, data);
	return tf_str_eq(type, TF_STR("CNAME")) ? 5 : 12;
}

void
packet_records(struct packet *p, const char *words)
{
	struct tf_str rest = tf_str_from(words);
	struct packet *rdata = tf_xmalloc(sizeof(*rdata));

	while (rest.len != 0) {
		struct tf_str one = tf_str_trim(tf_str_sub(rest, 0, tf_str_find(rest, ';')));
		size_t first = tf_str_find(one, ' ');
		struct tf_str tail = tf_str_sub(one, first + 1, one.len);
		size_t second = tf_str_find(tail, ' ');
		uint16_t type;

		rest = tf_str_sub(rest, tf_str_find(rest, ';') + 1, rest.len);
		rdata->len = 0;
		type = write_rdata(
		    rdata, tf_str_sub(tail, 0, second), tf_str_sub(tail, second + 1, tail.len));
		put_record(p, tf_str_sub(one, 0, first), type, rdata->bytes, rdata->len);
		count_up(p, 6);
	}
	tf_xfree(rdata);
}
