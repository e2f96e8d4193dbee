/*
 * mfi.c - libmilter: callbacks become session events, plans are performed
 *
 * The only user of libmilter. Callbacks of one session run on several of its threads, never two at
 * once; all state hangs on the context. Everything but recipients and the end of a message is
 * negotiated as "no reply", which more than halves the cost of a message. Recipients are answered
 * because Postfix keeps in its buffer what wants no reply: without that, MAIL FROM would come
 * together with the content, and no question of SPF could overlap with its transfer. Headers arrive
 * with their leading space (RFC 6376 "simple" needs it) and folds as LF. Works around, in
 * libmilter's worker pool: a session that is ready may stand behind one that waits, for DNS or for
 * the rest of a command, until any event comes in, so the waker connects to our own socket.
 * Trap: smfi_getsymval reads beyond the end of a list of macros that names one without a value;
 * whoever may connect to the socket is trusted that far.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmilter/mfapi.h>

#include "milter/listener.h"
#include "milter/log.h"
#include "milter/mfi.h"
#include "milter/on_error.h"
#include "milter/process.h"
#include "milter/session.h"
#include "milter/waker.h"
#include "truefrom/banned.h"

#define NO_REPLY                                                                                   \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH |             \
	    SMFIP_NR_BODY)
#define WANTED (NO_REPLY | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC)
#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)

struct connection {
	struct tf_session *session;
	unsigned long protocol; /* SMFIP_* in force */
	bool in_work;
};

/* One listener per process, as libmilter has it. */
static struct {
	struct tf_current *current;
	struct tf_listener listener;
	atomic_uint connections, in_work;
	atomic_ulong
	    protocol; /* last negotiated, for a connection that skips negotiation (SMFIC_QUIT_NC) */
	atomic_bool running;
	pthread_t thread; /* the one that smfi_main runs in, while running */
} mfi;

/* Counts one more connection. Why none of its messages can be evaluated, or NULL. */
static const char *
over_limit(void)
{
	const uint32_t limit = tf_current_connections(mfi.current), room = tf_connections_room();
	const uint32_t now = atomic_fetch_add(&mfi.connections, 1) + 1;
	const char *why = now > limit ? "limits.connections reached" : "too many open files";

	if (now <= limit && now <= room)
		return NULL;
	if (!tf_on_error_may_tell(TF_CAUSE_CONNECTIONS))
		return why;
	if (now > limit)
		tf_log(
		    TF_LOG_WARNING, "%s (%u): on_error decides about messages on more", why, limit);
	else
		tf_log(TF_LOG_WARNING,
		    "%u connections are as many as the limit of open files leaves room for: "
		    "on_error decides about messages on more",
		    room);
	return why;
}

static struct connection *
connection_of(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);
	const char *over;

	if (c != NULL)
		return c;
	c = tf_xmalloc(sizeof(*c));
	c->protocol = atomic_load(&mfi.protocol);
	c->session = tf_session_new(mfi.current);
	over = over_limit();
	if (over != NULL)
		tf_session_refuse(c->session, over);
	if (smfi_setpriv(ctx, c) != MI_SUCCESS)
		tf_panic("smfi_setpriv");
	return c;
}

static void
set_in_work(struct connection *c, bool in_work)
{
	if (c->in_work != in_work)
		atomic_fetch_add(&mfi.in_work, in_work ? 1u : ~0u);
	c->in_work = in_work;
}

/* What a callback returns: nothing when that was negotiated, else "continue". */
static sfsistat
quiet(const struct connection *c, unsigned long flag)
{
	return (c->protocol & flag) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static struct tf_str
macro(SMFICTX *ctx, const char *name)
{
	char symbol[32];

	if (!tf_cstr(tf_str_from(name), symbol, sizeof(symbol)))
		return TF_NONE_STR;
	return tf_str_from(smfi_getsymval(ctx, symbol));
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
    unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)f2;
	(void)f3;
	*pf0 = f0 & ACTIONS;
	*pf1 = f1 & WANTED;
	*pf2 = 0;
	*pf3 = 0;
	atomic_store(&mfi.protocol, *pf1);
	connection_of(ctx)->protocol = *pf1;
	return SMFIS_CONTINUE;
}

static void
address_of(const struct sockaddr *sa, struct tf_addr *addr_out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*addr_out = (struct tf_addr){ .family = TF_FAMILY_NONE };
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		tf_addr_from_bytes(TF_FAMILY_V4, (const uint8_t *)&in.sin_addr, addr_out);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		tf_addr_from_bytes(TF_FAMILY_V6, in6.sin6_addr.s6_addr, addr_out);
	}
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
	struct connection *c = connection_of(ctx);
	struct tf_addr client;

	(void)host;
	address_of(sa, &client);
	tf_session_connect(c->session, &client, sa != NULL && sa->sa_family == AF_UNIX);
	return quiet(c, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *helo)
{
	struct connection *c = connection_of(ctx);

	tf_session_helo(c->session, tf_str_from(helo));
	return quiet(c, SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *c = connection_of(ctx);
	struct tf_mail mail = { .path = tf_str_from(argv[0]), .now = (int64_t)time(NULL) };

	for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++)
		mail.smtputf8 |= tf_str_eq_nocase(tf_str_from(argv[i]), TF_STR("SMTPUTF8"));
	mail.mta_name = macro(ctx, "j");
	mail.authenticated =
	    macro(ctx, "{auth_authen}").len != 0 || macro(ctx, "{auth_type}").len != 0;
	set_in_work(c, true);
	tf_session_mail(c->session, &mail);
	return quiet(c, SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *c = connection_of(ctx);

	/* Sendmail tells of recipients that it has refused, too. */
	if (!tf_str_eq(macro(ctx, "{rcpt_mailer}"), TF_STR("error")))
		tf_session_rcpt(c->session, tf_str_from(argv[0]));
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *c = connection_of(ctx);
	struct tf_str v = tf_str_from(value);
	char with_space[1024];
	struct tf_buf b;

	/* An MTA without this flag has taken one space away; most fields had just that one. */
	if ((c->protocol & SMFIP_HDR_LEADSPC) == 0 && v.len < sizeof(with_space)) {
		tf_buf_init(&b, with_space, sizeof(with_space));
		tf_buf_byte(&b, ' ');
		tf_buf_str(&b, v);
		v = tf_buf_get(&b);
	}
	tf_session_header(c->session, tf_str_from(name), v);
	return quiet(c, SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct connection *c = connection_of(ctx);

	tf_session_eoh(c->session);
	return quiet(c, SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	struct connection *c = connection_of(ctx);

	tf_session_body(c->session, (struct tf_str){ (const char *)chunk, len });
	return quiet(c, SMFIP_NR_BODY);
}

static void
progress(void *ctx)
{
	(void)smfi_progress(ctx);
}

/* libmilter takes char * and changes nothing. */
static char *
loose(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { .in = text };

	return u.out;
}

/* The header is edited from the bottom up; a failed edit means that the MTA is gone or refuses. */
static bool
perform_edits(SMFICTX *ctx, const struct connection *c, const struct tf_plan *plan)
{
	bool ok = true;

	for (size_t i = 0; ok && i < plan->deletion_count; i++)
		ok = smfi_chgheader(ctx, loose(plan->deletions[i].name),
			 (int)plan->deletions[i].index, NULL) == MI_SUCCESS;
	for (size_t i = 0; ok && i < plan->insertion_count; i++) {
		const char *value = plan->insertions[i].value;

		/* Without the flag the MTA adds the space itself. */
		if ((c->protocol & SMFIP_HDR_LEADSPC) == 0 && value[0] == ' ')
			value++;
		ok = smfi_insheader(ctx, 0, loose(plan->insertions[i].name), loose(value)) ==
		     MI_SUCCESS;
	}
	if (ok && plan->hold_reason != NULL)
		ok = smfi_quarantine(ctx, loose(plan->hold_reason)) == MI_SUCCESS;
	return ok;
}

/* A line of a reply is a format for Sendmail. */
static char *
format_of(const char *line, struct tf_buf *out, char *storage, size_t size)
{
	if (line == NULL)
		return NULL;
	tf_buf_init(out, storage, size);
	for (const char *p = line; *p != '\0'; p++) {
		tf_buf_byte(out, *p);
		if (*p == '%')
			tf_buf_byte(out, '%');
	}
	return loose(tf_buf_cstr(out));
}

static sfsistat
perform_reply(SMFICTX *ctx, const struct tf_plan *plan)
{
	char storage[TF_REPLY_LINES][1024];
	struct tf_buf b[TF_REPLY_LINES];
	char *line[TF_REPLY_LINES];

	_Static_assert(TF_REPLY_LINES == 4, "each line is named in the call below");
	for (size_t i = 0; i < TF_REPLY_LINES; i++)
		line[i] = format_of(plan->reply_lines[i], &b[i], storage[i], sizeof(storage[i]));
	if (smfi_setmlreply(ctx, loose(plan->reply_code), loose(plan->reply_xcode), line[0],
		line[1], line[2], line[3], (char *)NULL) != MI_SUCCESS)
		tf_log(TF_LOG_WARNING, "reply refused by libmilter: %s %s %s", plan->reply_code,
		    plan->reply_xcode, plan->reply_lines[0]);
	return plan->action == TF_ACT_REJECT ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat
perform(SMFICTX *ctx, const struct connection *c, const struct tf_plan *plan)
{
	if (plan->action == TF_ACT_REJECT || plan->action == TF_ACT_TEMPFAIL)
		return perform_reply(ctx, plan);
	if (!perform_edits(ctx, c, plan)) {
		const bool tempfail = tf_current_on_error_tempfail(mfi.current);

		tf_log(TF_LOG_WARNING, "id=%.*s: the MTA did not take our header edits; %s",
		    TF_PRI(macro(ctx, "i")), tempfail ? "put off" : "accepted");
		return tempfail ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_end(SMFICTX *ctx)
{
	struct connection *c = connection_of(ctx);
	sfsistat answer;

	tf_waker_enter();
	answer = perform(ctx, c, tf_session_end(c->session, macro(ctx, "i"), progress, ctx));
	tf_waker_leave();
	tf_session_abort(c->session);
	set_in_work(c, false);
	return answer;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *c = connection_of(ctx);

	tf_session_abort(c->session);
	set_in_work(c, false);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c == NULL) /* closed before a word was said: the waker, a port scan */
		return SMFIS_CONTINUE;
	set_in_work(c, false);
	tf_session_free(c->session);
	tf_xfree(c);
	atomic_fetch_sub(&mfi.connections, 1);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

/* What libmilter leaves in errno is mostly the reason; it has logged it all the same. */
static void
say_cannot_listen(int error, const char *spec, struct tf_buf *why)
{
	const bool is_path = tf_str_find(tf_str_from(spec), '/') != tf_str_from(spec).len;

	tf_buf_printf(why, "socket: cannot listen on %s", spec);
	if (error != 0) {
		tf_buf_lit(why, ": ");
		tf_buf_errno(why, error);
	}
	tf_buf_lit(why, is_path ? "; name a path in a folder that is there, no file but a socket"
				: "; name an address of this host and a port that nobody uses");
}

int
tf_mfi_open(const struct tf_mfi_opts *opts, struct tf_buf *why)
{
	struct smfiDesc desc = {
		.xxfi_name = loose("truefrom"),
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	char spec[256];

	if (!tf_cstr(opts->socket, spec, sizeof(spec))) {
		tf_buf_lit(why, "socket: too long");
		return -1;
	}
	if (tf_listener_in_use(opts->socket)) {
		tf_buf_printf(why, "socket: another process listens on %s", spec);
		return -1;
	}
	if (smfi_register(desc) != MI_SUCCESS || smfi_setconn(spec) != MI_SUCCESS) {
		tf_buf_printf(why, "socket: libmilter does not take %s", spec);
		return -1;
	}
	(void)smfi_settimeout((int)opts->idle_timeout_s);
	(void)smfi_setbacklog(512);
	tf_listener_prepare(&mfi.listener);
	errno = 0;
	if (smfi_opensocket(true) != MI_SUCCESS) {
		say_cannot_listen(errno, spec, why);
		return -1;
	}
	return tf_listener_adopt(&mfi.listener, opts->socket, &opts->owner, why);
}

static void
interrupted(int signal_number)
{
	(void)signal_number;
}

int
tf_mfi_run(struct tf_current *current)
{
	const struct sigaction interrupt = { .sa_handler = interrupted };
	int rc;

	mfi.current = current;
	mfi.thread = pthread_self();
	(void)sigaction(SIGUSR2, &interrupt, NULL);
	atomic_store(&mfi.running, true);
	tf_waker_start(&mfi.listener);
	rc = smfi_main();
	atomic_store(&mfi.running, false);
	tf_waker_stop();
	return rc == MI_SUCCESS ? 0 : -1;
}

void
tf_mfi_stop_listening(void)
{
	tf_listener_close(&mfi.listener);
}

uint32_t
tf_mfi_messages_in_work(void)
{
	return atomic_load(&mfi.in_work);
}

uint32_t
tf_mfi_connections(void)
{
	return atomic_load(&mfi.connections);
}

static void *
order_stop(void *arg)
{
	(void)arg;
	(void)smfi_stop();
	return NULL;
}

/*
 * libmilter holds a lock while it polls, for up to 5 s, and smfi_stop waits for that lock; so one
 * thread gives the order while this one interrupts the poll.
 */
bool
tf_mfi_stop(void)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	pthread_t order;

	if (pthread_create(&order, NULL, order_stop, NULL) != 0)
		return false;
	while (atomic_load(&mfi.running)) {
		(void)pthread_kill(mfi.thread, SIGUSR2);
		(void)nanosleep(&pause, NULL);
	}
	(void)pthread_join(order, NULL);
	return true;
}

const char *
tf_mfi_version(void)
{
	static char text[48];
	unsigned int major, minor, patch;

	(void)smfi_version(&major, &minor, &patch);
	(void)snprintf(text, sizeof(text), "libmilter %u.%u.%u", major, minor, patch);
	return text;
}
