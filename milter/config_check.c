/*
 * config_check.c - checks of strings in the configuration: sockets, names, addresses
 *
 * Each message has two halves, "what is wrong; what would be right". Whether files, users, groups
 * and hosts exist is not asked here: a configuration is checked on other hosts, too.
 */
#include "milter/config_check.h"
#include "milter/config_report.h"
#include "truefrom/domain.h"
#include "truefrom/verdict.h"
#include "truefrom/banned.h"

#define UNIX_PATH_MAX 107 /* sun_path less its NUL */

static bool
all_of(struct tf_str s, bool (*is)(char))
{
	struct tf_lex lx = tf_lex_init(s);

	tf_lex_while(&lx, is);
	return s.len != 0 && tf_lex_done(&lx);
}

/* Says no: the value in quotes, then the text. */
static bool
wrong(struct tf_str value, struct tf_arena *a, struct tf_buf *why, const char *text)
{
	tf_buf_printf(why, "%s %s", tf_report_quote(a, value), text);
	return false;
}

static bool
keep(struct tf_str value, struct tf_str *value_out)
{
	*value_out = value;
	return true;
}

static bool
is_port(struct tf_str s)
{
	uint32_t port;

	return tf_str_to_u32(s, 65535, &port) && port != 0 && s.ptr[0] != '0';
}

static bool
is_visible(char c)
{
	return !tf_is_ctl(c) && c != ' ';
}

bool
tf_config_check_clean(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	for (size_t i = 0; i < value.len; i++) {
		if (tf_is_ctl(value.ptr[i]))
			return wrong(value, a, why, "holds a control character; remove it");
	}
	return keep(value, value_out);
}

static bool
check_unix_socket(struct tf_str value, struct tf_str path, struct tf_arena *a, struct tf_buf *why)
{
	if (path.len == 0 || path.ptr[0] != '/' || !all_of(path, is_visible))
		return wrong(value, a, why, "has no absolute path; unix:/PATH");
	if (path.len > UNIX_PATH_MAX)
		return wrong(
		    value, a, why, "is too long for a socket; a path of at most 107 bytes");
	return true;
}

static bool
is_host(char c)
{
	return tf_is_alnum(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']' ||
	       c == '_';
}

bool
tf_config_check_socket(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	size_t colon = tf_str_find(value, ':');
	struct tf_str kind = tf_str_sub(value, 0, colon);
	struct tf_str rest = tf_str_sub(value, colon + 1, value.len);
	size_t at = tf_str_find(rest, '@');

	if (tf_str_eq(kind, TF_STR("unix")) || tf_str_eq(kind, TF_STR("local"))) {
		if (!check_unix_socket(value, rest, a, why))
			return false;
	} else if (tf_str_eq(kind, TF_STR("inet")) || tf_str_eq(kind, TF_STR("inet6"))) {
		if (!is_port(tf_str_sub(rest, 0, at)) ||
		    !all_of(tf_str_sub(rest, at + 1, rest.len), is_host))
			return wrong(value, a, why,
			    "is not PORT@HOST; e.g. inet:8893@127.0.0.1 or inet6:8893@[::1]");
	} else {
		return wrong(
		    value, a, why, "is no socket; inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH");
	}
	return keep(value, value_out);
}

static bool
is_account(char c)
{
	return tf_is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '$';
}

bool
tf_config_check_account(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	if (value.len != 0 && (!all_of(value, is_account) || value.ptr[0] == '-'))
		return wrong(value, a, why, "is no account name; letters, digits, and _ - . $");
	return keep(value, value_out);
}

bool
tf_config_check_path(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	if (!tf_config_check_clean(value, a, value_out, why))
		return false;
	if (value.len != 0 && value.ptr[0] != '/')
		return wrong(value, a, why, "is a relative path; an absolute one");
	return true;
}

/* RFC 2045 section 5.1, less "/". */
static bool
is_id(char c)
{
	static const struct tf_str specials = TF_LIT("()<>@,;:\\\"/[]?=");

	return is_visible(c) && !tf_is_8bit(c) && tf_str_find(specials, c) == specials.len;
}

bool
tf_config_check_authserv_id(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	if (value.len != 0 && !all_of(value, is_id))
		return wrong(
		    value, a, why, "is no authserv-id; a name such as mx.example.org, in A-labels");
	return keep(value, value_out);
}

bool
tf_config_check_foreign_id(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	if (!all_of(value, is_visible))
		return wrong(value, a, why, "is no authserv-id; a name such as mx.example.org");
	if (value.len > TF_DOMAIN_MAX)
		return wrong(value, a, why, "is too long; at most 253 bytes");
	return keep(value, value_out);
}

static bool
is_local_part(char c)
{
	return is_visible(c) && c != '*' && c != '<' && c != '>' && c != ',';
}

bool
tf_config_check_recipient(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	static const char form[] = "is no recipient; user@example.org, user@* or *@example.org";
	size_t at = tf_str_rfind(value, '@');
	struct tf_str local = tf_str_sub(value, 0, at);
	struct tf_str host = tf_str_sub(value, at + 1, value.len);

	if (at == value.len || local.len > 64)
		return wrong(value, a, why, form);
	if (!tf_str_eq(local, TF_STR("*")) && !all_of(local, is_local_part))
		return wrong(value, a, why, form);
	if (!tf_str_eq(host, TF_STR("*")) && !tf_domain_normalise(host, a, &host))
		return wrong(value, a, why, form);
	if (tf_str_eq(local, host))
		return wrong(value, a, why,
		    "would exempt all mail; mode = monitor refuses nothing and says so");
	*value_out = tf_arena_printf(a, "%.*s@%.*s", TF_PRI(local), TF_PRI(host));
	return true;
}

static bool
is_address(char c)
{
	return tf_is_alnum(c) || c == '.' || c == ':';
}

bool
tf_config_check_server(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	size_t at = tf_str_find(value, '@');
	struct tf_str address = tf_str_sub(value, 0, at);
	struct tf_addr addr;

	if (tf_str_starts_nocase(address, TF_STR("IPv6:")) || !all_of(address, is_address) ||
	    !tf_addr_parse(address, &addr))
		return wrong(
		    value, a, why, "is no address; ADDRESS or ADDRESS@PORT, e.g. 127.0.0.1@53");
	if (at < value.len && !is_port(tf_str_sub(value, at + 1, value.len)))
		return wrong(value, a, why, "has no port behind the @; a number from 1 to 65535");
	return keep(value, value_out);
}

bool
tf_config_check_domain(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	if (!tf_domain_normalise(value, a, value_out))
		return wrong(value, a, why, "is no domain name; e.g. example.com");
	return true;
}

bool
tf_config_check_domains(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	bool below = tf_str_starts_nocase(value, TF_STR("*."));

	if (!tf_domain_normalise(tf_str_sub(value, below ? 2 : 0, value.len), a, value_out))
		return wrong(value, a, why, "is no domain name; e.g. example.com or *.example.com");
	if (below)
		*value_out = tf_arena_printf(a, "*.%.*s", TF_PRI(*value_out));
	return true;
}

bool
tf_config_check_listen(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	size_t colon = tf_str_rfind(value, ':');
	struct tf_str address = tf_str_sub(value, 0, colon);
	struct tf_addr addr;

	if (address.len > 2 && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']')
		address = tf_str_sub(address, 1, address.len - 2);
	else if (tf_str_find(address, ':') < address.len)
		address.len = 0; /* an IPv6 address without brackets */
	if (value.len != 0 && (!all_of(address, is_address) || !tf_addr_parse(address, &addr) ||
				  !is_port(tf_str_sub(value, colon + 1, value.len))))
		return wrong(
		    value, a, why, "is not ADDRESS:PORT; e.g. 127.0.0.1:9893 or [::1]:9893");
	return keep(value, value_out);
}

/* The network that was meant: bits beyond the prefix cleared. */
static void
clear_host_bits(struct tf_net *net)
{
	for (uint32_t bit = net->bits; bit < (net->addr.family == TF_FAMILY_V4 ? 32 : 128); bit++)
		net->addr.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

bool
tf_config_check_net(
    struct tf_str value, struct tf_arena *a, struct tf_net *net_out, struct tf_buf *why)
{
	struct tf_net cleared;

	if (!tf_net_parse(value, net_out))
		return wrong(
		    value, a, why, "is no network; an address or ADDRESS/BITS, e.g. 192.0.2.0/24");
	cleared = *net_out;
	clear_host_bits(&cleared);
	if (tf_addr_eq(&cleared.addr, &net_out->addr))
		return true;
	tf_buf_printf(why, "%s has bits set beyond its prefix; ", tf_report_quote(a, value));
	tf_addr_write(&cleared.addr, why);
	tf_buf_printf(why, "/%u", (unsigned)cleared.bits);
	return false;
}

bool
tf_config_check_reply(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why)
{
	(void)a;
	*value_out = value;
	return tf_verdict_reply_check(value, why);
}
