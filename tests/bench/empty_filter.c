/*
 * empty_filter.c - a milter that does nothing: the floor that others are compared with
 *
 * make -C build tests/bench/empty_filter
 *
 * usage: empty_filter SOCKET [--reply]
 *
 * SOCKET  as smfi_setconn has it: unix:PATH or inet:PORT@HOST
 * --reply answer each event; without it none but the end of a message is answered
 *
 * Takes every event and, at the end of each message, inserts one Authentication-Results field
 * without a result. Runs in the foreground until SIGTERM.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "truefrom/banned.h"

#define NO_REPLY                                                                                   \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |           \
	    SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static bool with_reply; /* set before libmilter starts */

static sfsistat
negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
    unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx;
	(void)f2;
	(void)f3;
	*pf0 = f0 & SMFIF_ADDHDRS;
	*pf1 = f1 & (SMFIP_HDR_LEADSPC | (with_reply ? 0UL : NO_REPLY));
	*pf2 = 0;
	*pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
answer(void)
{
	return with_reply ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)host;
	(void)address;
	return answer();
}

static sfsistat
on_text(SMFICTX *ctx, char *text)
{
	(void)ctx;
	(void)text;
	return answer();
}

static sfsistat
on_path(SMFICTX *ctx, char **arguments)
{
	(void)ctx;
	(void)arguments;
	return answer();
}

static sfsistat
on_event(SMFICTX *ctx)
{
	(void)ctx;
	return answer();
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *command)
{
	(void)ctx;
	(void)command;
	return answer();
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer();
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	(void)ctx;
	(void)chunk;
	(void)len;
	return answer();
}

static sfsistat
on_end(SMFICTX *ctx)
{
	char name[] = "Authentication-Results", value[] = " mx.example.org; none";

	return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

static sfsistat
on_done(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	char name[] = "empty_filter";
	struct smfiDesc desc = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_text,
		.xxfi_envfrom = on_path,
		.xxfi_envrcpt = on_path,
		.xxfi_header = on_header,
		.xxfi_eoh = on_event,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_done,
		.xxfi_close = on_done,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_event,
		.xxfi_negotiate = negotiate,
	};

	with_reply = argc == 3 && strcmp(argv[2], "--reply") == 0;
	if (argc < 2 || argc > 3 || (argc == 3 && !with_reply)) {
		fputs("usage: empty_filter SOCKET [--reply]\n", stderr);
		return 2;
	}
	if (smfi_register(desc) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_setbacklog(512) != MI_SUCCESS || smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "empty_filter: cannot listen on %s\n", argv[1]);
		return 3;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 3;
}
