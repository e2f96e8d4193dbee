/*
 * addr.c - IP addresses and networks: parse, write, compare
 *
 * v4-mapped IPv6 addresses are IPv4 from here on (RFC 7208 section 5), so nothing behind this file
 * sees them.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "truefrom/result.h"
#include "truefrom/banned.h"

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static uint32_t
family_bits(enum tf_family family)
{
	return family == TF_FAMILY_V4 ? 32 : family == TF_FAMILY_V6 ? 128 : 0;
}

/* Leaves v4-mapped addresses as they are: a prefix length counts in the family as written. */
static bool
parse_as_written(struct tf_str s, struct tf_addr *addr_out)
{
	char text[INET6_ADDRSTRLEN];

	*addr_out = (struct tf_addr){ .family = TF_FAMILY_NONE };
	if (!tf_cstr(s, text, sizeof(text)))
		return false;
	if (inet_pton(AF_INET, text, addr_out->bytes) == 1)
		addr_out->family = TF_FAMILY_V4;
	else if (inet_pton(AF_INET6, text, addr_out->bytes) == 1)
		addr_out->family = TF_FAMILY_V6;
	return addr_out->family != TF_FAMILY_NONE;
}

static bool
is_v4_mapped(const struct tf_addr *addr)
{
	return addr->family == TF_FAMILY_V6 &&
	       memcmp(addr->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

static void
unmap(struct tf_addr *addr)
{
	struct tf_addr v4 = { .family = TF_FAMILY_V4 };

	memcpy(v4.bytes, addr->bytes + sizeof(v4_mapped), 4);
	*addr = v4;
}

bool
tf_addr_parse(struct tf_str s, struct tf_addr *addr_out)
{
	if (tf_str_starts_nocase(s, TF_STR("IPv6:")))
		s = tf_str_sub(s, 5, s.len);
	if (!parse_as_written(s, addr_out))
		return false;
	if (is_v4_mapped(addr_out))
		unmap(addr_out);
	return true;
}

void
tf_addr_from_bytes(enum tf_family family, const uint8_t *bytes, struct tf_addr *addr_out)
{
	*addr_out = (struct tf_addr){ .family = family };
	memcpy(addr_out->bytes, bytes, family_bits(family) / 8);
	if (is_v4_mapped(addr_out))
		unmap(addr_out);
}

void
tf_addr_write(const struct tf_addr *addr, struct tf_buf *out)
{
	char text[INET6_ADDRSTRLEN];
	int family = addr->family == TF_FAMILY_V4 ? AF_INET : AF_INET6;

	if (addr->family != TF_FAMILY_NONE &&
	    inet_ntop(family, addr->bytes, text, sizeof(text)) != NULL)
		tf_buf_lit(out, text);
}

bool
tf_addr_eq(const struct tf_addr *a, const struct tf_addr *b)
{
	return tf_addr_in(a, b, family_bits(b->family));
}

bool
tf_addr_in(const struct tf_addr *addr, const struct tf_addr *net, uint32_t bits)
{
	uint32_t whole, rest;

	if (addr->family != net->family || addr->family == TF_FAMILY_NONE)
		return false;
	if (bits > family_bits(net->family))
		bits = family_bits(net->family);
	whole = bits / 8;
	rest = bits % 8;
	if (memcmp(addr->bytes, net->bytes, whole) != 0)
		return false;
	return rest == 0 || ((addr->bytes[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

bool
tf_net_parse(struct tf_str s, struct tf_net *net_out)
{
	size_t slash = tf_str_find(s, '/');

	if (!parse_as_written(tf_str_sub(s, 0, slash), &net_out->addr))
		return false;
	net_out->bits = family_bits(net_out->addr.family);
	if (slash < s.len &&
	    !tf_str_to_u32(tf_str_sub(s, slash + 1, s.len), net_out->bits, &net_out->bits))
		return false;
	if (is_v4_mapped(&net_out->addr) && net_out->bits >= 96) {
		unmap(&net_out->addr);
		net_out->bits -= 96;
	}
	return true;
}

bool
tf_net_list_has(const struct tf_net *nets, size_t count, const struct tf_addr *addr)
{
	for (size_t i = 0; i < count; i++) {
		if (tf_addr_in(addr, &nets[i].addr, nets[i].bits))
			return true;
	}
	return false;
}
