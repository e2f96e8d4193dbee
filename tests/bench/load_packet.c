/*
 * load_packet.c - what is said at each stage of a message: macros and commands
 *
 * The macros are those that Postfix 3.7 sends by default (milter_connect_macros and its sisters),
 * or those that the filter asked for as far as we have them; the queue id is not known before DATA,
 * as with smtpd_delay_open_until_valid_rcpt. A stage without any sends none.
 */
#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "tests/bench/load_packet.h"
#include "truefrom/banned.h"

#define HOST "mx.example.org"
#define PORT 25252

/* clang-format off */
static const struct {
	char command;
	uint32_t not_wanted, no_reply;
	int symbols; /* SMFIM_*, -1: no macros */
	const char *usual;
} stages[LOAD_STAGE_COUNT] = {
	[LOAD_CONNECT] = { SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, SMFIM_CONNECT,
		"j {daemon_name} {daemon_addr} v _" },
	[LOAD_HELO] = { SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, SMFIM_HELO, "" },
	[LOAD_MAIL] = { SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, SMFIM_ENVFROM,
		"{mail_addr} {mail_host} {mail_mailer}" },
	[LOAD_RCPT] = { SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, SMFIM_ENVRCPT,
		"{rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	[LOAD_DATA] = { SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, SMFIM_DATA, "i" },
	[LOAD_HEADER] = { SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR, -1, "" },
	[LOAD_EOH] = { SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, SMFIM_EOH, "i" },
	[LOAD_BODY] = { SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY, -1, "" },
	[LOAD_END] = { SMFIC_BODYEOB, 0, 0, SMFIM_EOM, "i" },
};
/* clang-format on */

bool
load_stage_is_wanted(enum load_stage stage, const struct load_link *link)
{
	return (link->protocol & stages[stage].not_wanted) == 0;
}

bool
load_stage_is_answered(enum load_stage stage, const struct load_link *link)
{
	return (link->protocol & stages[stage].no_reply) == 0;
}

static void
put_text(struct tf_buf *b, const char *text)
{
	tf_buf_str(b, (struct tf_str){ text, strlen(text) + 1 });
}

static const char *
host_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : address;
}

enum symbol {
	I,
	J,
	V,
	CLIENT,
	DAEMON,
	DAEMON_ADDR,
	DAEMON_PORT,
	CLIENT_ADDR,
	CLIENT_NAME,
	CLIENT_PORT,
	MAIL_ADDR,
	MAIL_HOST,
	MAIL_MAILER,
	RCPT_ADDR,
	RCPT_HOST,
	RCPT_MAILER
};

static const struct {
	struct tf_str name;       /* without braces */
	enum load_stage from, to; /* when it is set */
} symbols[] = {
	[I] = { TF_LIT("i"), LOAD_DATA, LOAD_END },
	[J] = { TF_LIT("j"), LOAD_CONNECT, LOAD_END },
	[V] = { TF_LIT("v"), LOAD_CONNECT, LOAD_END },
	[CLIENT] = { TF_LIT("_"), LOAD_CONNECT, LOAD_END },
	[DAEMON] = { TF_LIT("daemon_name"), LOAD_CONNECT, LOAD_END },
	[DAEMON_ADDR] = { TF_LIT("daemon_addr"), LOAD_CONNECT, LOAD_END },
	[DAEMON_PORT] = { TF_LIT("daemon_port"), LOAD_CONNECT, LOAD_END },
	[CLIENT_ADDR] = { TF_LIT("client_addr"), LOAD_CONNECT, LOAD_END },
	[CLIENT_NAME] = { TF_LIT("client_name"), LOAD_CONNECT, LOAD_END },
	[CLIENT_PORT] = { TF_LIT("client_port"), LOAD_CONNECT, LOAD_END },
	[MAIL_ADDR] = { TF_LIT("mail_addr"), LOAD_MAIL, LOAD_END },
	[MAIL_HOST] = { TF_LIT("mail_host"), LOAD_MAIL, LOAD_END },
	[MAIL_MAILER] = { TF_LIT("mail_mailer"), LOAD_MAIL, LOAD_END },
	[RCPT_ADDR] = { TF_LIT("rcpt_addr"), LOAD_RCPT, LOAD_RCPT },
	[RCPT_HOST] = { TF_LIT("rcpt_host"), LOAD_RCPT, LOAD_RCPT },
	[RCPT_MAILER] = { TF_LIT("rcpt_mailer"), LOAD_RCPT, LOAD_RCPT },
};

static void
put_value(struct tf_buf *b, enum symbol symbol, const struct load_message *m, const char *id)
{
	switch (symbol) {
	case I:
		put_text(b, id);
		break;
	case J:
	case DAEMON:
		put_text(b, HOST);
		break;
	case V:
		put_text(b, "Postfix 3.7.11");
		break;
	case CLIENT:
		tf_buf_lit(b, "unknown [");
		tf_buf_lit(b, m->client);
		put_text(b, "]");
		break;
	case DAEMON_ADDR:
		put_text(b, "192.0.2.250");
		break;
	case DAEMON_PORT:
		put_text(b, "25");
		break;
	case CLIENT_ADDR:
		put_text(b, m->client);
		break;
	case CLIENT_NAME:
		put_text(b, "unknown");
		break;
	case CLIENT_PORT:
		tf_buf_printf(b, "%d", PORT);
		tf_buf_byte(b, '\0');
		break;
	case MAIL_ADDR:
		put_text(b, m->sender);
		break;
	case MAIL_HOST:
		put_text(b, host_of(m->sender));
		break;
	case MAIL_MAILER:
		put_text(b, "smtp");
		break;
	case RCPT_ADDR:
		put_text(b, m->recipient);
		break;
	case RCPT_HOST:
		put_text(b, host_of(m->recipient));
		break;
	case RCPT_MAILER:
		put_text(b, "local");
		break;
	}
}

static void
put_macro(struct tf_buf *b, enum load_stage stage, struct tf_str name, const struct load_message *m,
    const char *id)
{
	const bool braces = name.len > 2 && name.ptr[0] == '{' && name.ptr[name.len - 1] == '}';
	const struct tf_str bare = braces ? tf_str_sub(name, 1, name.len - 2) : name;

	for (enum symbol s = I; s <= RCPT_MAILER; s++) {
		if (symbols[s].name.len != bare.len || !tf_str_eq(symbols[s].name, bare))
			continue;
		if (stage < symbols[s].from || stage > symbols[s].to)
			return;
		tf_buf_str(b, name);
		tf_buf_byte(b, '\0');
		put_value(b, s, m, id);
		return;
	}
}

static bool
put_macros(
    struct load_link *link, enum load_stage stage, const struct load_message *m, const char *id)
{
	const int list = stages[stage].symbols;
	struct tf_str rest;
	size_t begun, empty;

	if (list < 0)
		return true;
	rest = tf_str_from(link->symbols[list] != NULL ? link->symbols[list] : stages[stage].usual);
	if (rest.len == 0)
		return true;
	begun = load_link_begin(link, SMFIC_MACRO);
	tf_buf_byte(&link->scratch, stages[stage].command);
	empty = link->scratch.len;
	while (rest.len != 0) {
		const size_t end = tf_str_find(rest, ' ');

		if (end != 0)
			put_macro(&link->scratch, stage, tf_str_sub(rest, 0, end), m, id);
		rest = tf_str_sub(rest, end + 1, rest.len);
	}
	if (link->scratch.len != empty || link->scratch.overflow)
		return load_link_end(link, begun);
	link->scratch.len = begun;
	return true;
}

static void
put_connect(struct tf_buf *b, const char *client)
{
	const uint16_t port = htons(PORT);

	put_text(b, "unknown");
	tf_buf_byte(b, strchr(client, ':') != NULL ? SMFIA_INET6 : SMFIA_INET);
	tf_buf_str(b, (struct tf_str){ (const char *)&port, sizeof(port) });
	put_text(b, client);
}

static void
put_path(struct tf_buf *b, const char *address)
{
	tf_buf_byte(b, '<');
	tf_buf_lit(b, address);
	put_text(b, ">");
}

bool
load_packet_put(
    struct load_link *link, enum load_stage stage, const struct load_message *m, const char *id)
{
	size_t begun;

	if (!put_macros(link, stage, m, id))
		return false;
	if (!load_stage_is_wanted(stage, link))
		return true;
	begun = load_link_begin(link, stages[stage].command);
	if (stage == LOAD_CONNECT)
		put_connect(&link->scratch, m->client);
	else if (stage == LOAD_HELO)
		put_text(&link->scratch, m->helo);
	else if (stage == LOAD_MAIL)
		put_path(&link->scratch, m->sender);
	else if (stage == LOAD_RCPT)
		put_path(&link->scratch, m->recipient);
	return load_link_end(link, begun);
}
