/*
 * opinion_process.c - start the process that libspf2 runs in, answer its questions, see its end
 *
 * What comes from the process is not trusted: a packet is one known message or the end, names are
 * checked by the resolver, texts are shown through the encoders of explain. However it ends, that
 * is a finding about libspf2 and no error of ours.
 * Limits: QUESTIONS_MAX questions, DNS_MS in all for their answers, WALL_MS for everything.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "milter/confine.h"
#include "milter/opinion_message.h"
#include "milter/opinion_process.h"
#include "milter/second_opinion.h"
#include "truefrom/banned.h"

#define QUESTIONS_MAX 200
#define DNS_MS 20000
#define WALL_MS 30000
#define PACKET_MAX (2 * TF_OPINION_TEXT_MAX) /* of what it says: a text and a few numbers */

struct tf_opinion_process {
	pid_t pid; /* 0: there is none, or it has been seen to its end */
	int fd;
	int error; /* why there is none */
};

/* One case in work. */
struct hearing {
	struct tf_opinion_process *process;
	struct tf_arena *arena;
	struct tf_dns *dns;
	size_t questions;
	int64_t deadline_ms;
	struct tf_spf_opinion *opinion;
	struct tf_str records[QUESTIONS_MAX]; /* SPF records among the answers */
	size_t record_count;
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct tf_opinion_process *
tf_opinion_start(void)
{
	struct tf_opinion_process *p = tf_xcalloc(1, sizeof(*p));
	int ends[2];

	p->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		p->error = errno;
		return p;
	}
	p->pid = fork();
	if (p->pid == 0) {
		close(ends[0]);
		tf_second_opinion_run(ends[1]);
	}
	p->error = errno;
	close(ends[1]);
	p->fd = ends[0];
	return p;
}

/* Ends it, if it has not ended; returns the status of waitpid. */
static int
reap(struct tf_opinion_process *p)
{
	int status = 0;

	/* Whoever ended by himself is not killed: the status stays. */
	(void)kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	return status;
}

void
tf_opinion_free(struct tf_opinion_process *p)
{
	if (p == NULL)
		return;
	if (p->pid > 0)
		(void)reap(p);
	if (p->fd >= 0)
		close(p->fd);
	tf_xfree(p);
}

static void
no_result(struct hearing *h, struct tf_str why)
{
	*h->opinion = (struct tf_spf_opinion){ .reason = why };
}

/* The process has closed its end. */
static void
say_how_it_ended(struct hearing *h)
{
	static const struct {
		int number;
		const char *text;
	} deaths[] = {
		{ SIGABRT, "libspf2 crashed with SIGABRT" },
		{ SIGBUS, "libspf2 crashed with SIGBUS" },
		{ SIGFPE, "libspf2 crashed with SIGFPE" },
		{ SIGILL, "libspf2 crashed with SIGILL" },
		{ SIGSEGV, "libspf2 crashed with SIGSEGV" },
		{ SIGSYS, "libspf2 made a system call that it may not make (SIGSYS)" },
		{ SIGXCPU, "libspf2 used up its CPU time (SIGXCPU)" },
	};
	const int status = reap(h->process);

	for (size_t i = 0; WIFSIGNALED(status) && i < TF_ARRAY_LEN(deaths); i++) {
		if (WTERMSIG(status) == deaths[i].number) {
			no_result(h, tf_str_from(deaths[i].text));
			return;
		}
	}
	no_result(h, tf_arena_printf(h->arena, "the process of libspf2 ended with %s %d",
			 WIFSIGNALED(status) ? "signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

static bool
send_message(struct hearing *h, const struct tf_opinion_message *message)
{
	struct tf_buf packet;

	tf_buf_init_arena(&packet, h->arena, TF_OPINION_PACKET_MAX);
	tf_opinion_write(message, &packet);
	if (packet.overflow) {
		no_result(h, TF_STR("libspf2 was not run: too long for it"));
		return false;
	}
	if (send(h->process->fd, packet.ptr, packet.len, MSG_NOSIGNAL) < 0) {
		say_how_it_ended(h);
		return false;
	}
	return true;
}

/* Something to read, or the end; false when the time is over. */
static bool
wait_for_packet(const struct hearing *h)
{
	struct pollfd poll_fd = { .fd = h->process->fd, .events = POLLIN };
	int ready;

	do {
		const int64_t left = h->deadline_ms - now_ms();

		ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* The next packet; false when there will be none. */
static bool
receive_message(struct hearing *h, struct tf_opinion_message *message_out)
{
	char *packet;
	ssize_t len;

	if (!wait_for_packet(h)) {
		no_result(h, tf_arena_printf(
				 h->arena, "libspf2 gave no result within %d s", WALL_MS / 1000));
		return false;
	}
	packet = tf_arena_alloc(h->arena, PACKET_MAX);
	len = recv(h->process->fd, packet, PACKET_MAX, 0);
	if (len <= 0) {
		say_how_it_ended(h);
		return false;
	}
	if (!tf_opinion_read((struct tf_str){ packet, (size_t)len }, h->arena, message_out) ||
	    message_out->text.len > TF_OPINION_TEXT_MAX) {
		no_result(h, TF_STR("the process of libspf2 said what makes no sense"));
		return false;
	}
	return true;
}

/* Answers end with their message. */
static void
keep_records(struct hearing *h, const struct tf_dns_answer *given)
{
	for (size_t i = 0; given->txts != NULL && i < given->count; i++) {
		if (h->record_count < TF_ARRAY_LEN(h->records) &&
		    tf_str_starts_nocase(given->txts[i], TF_STR("v=spf1")))
			h->records[h->record_count++] = tf_arena_dup(h->arena, given->txts[i]);
	}
}

/* False when it goes on no longer. */
static bool
answer(struct hearing *h, const struct tf_opinion_message *question)
{
	struct tf_opinion_message reply = { .kind = TF_OPINION_ANSWER, .type = question->type };

	if (++h->questions > QUESTIONS_MAX) {
		no_result(h,
		    tf_arena_printf(h->arena,
			"libspf2 was stopped: it asked more than %d DNS questions", QUESTIONS_MAX));
		return false;
	}
	if (tf_str_find(question->text, '\0') != question->text.len)
		reply.answer.status = TF_DNS_MALFORMED;
	else
		reply.answer = *tf_dns_ask(h->dns, question->text, question->type);
	keep_records(h, &reply.answer);
	return send_message(h, &reply);
}

/* One message from the process; false when it was the last. */
static bool
hear(struct hearing *h)
{
	struct tf_opinion_message message;

	if (!receive_message(h, &message))
		return false;
	switch (message.kind) {
	case TF_OPINION_QUESTION:
		return answer(h, &message);
	case TF_OPINION_RESULT:
		h->opinion->given = true;
		h->opinion->code = message.code;
		h->opinion->reason = message.text;
		return false;
	case TF_OPINION_NONE:
		no_result(h, message.text);
		return false;
	case TF_OPINION_CASE:
	case TF_OPINION_ANSWER:
		break;
	}
	no_result(h, TF_STR("the process of libspf2 said what makes no sense"));
	return false;
}

/* Everything from the case to the end. */
static void
conduct(struct hearing *h, const struct tf_identity *id)
{
	const struct tf_opinion_message c = {
		.kind = TF_OPINION_CASE,
		.client = id->client,
		.helo = id->helo,
		.mail_from = id->mail_from,
		.receiver = id->receiver,
	};

	if (!send_message(h, &c))
		return;
	while (hear(h))
		;
}

static void
say_no_process(struct hearing *h)
{
	struct tf_buf why;

	tf_buf_init_arena(&why, h->arena, TF_OPINION_TEXT_MAX);
	tf_buf_lit(&why, "libspf2 was not run: there is no process: ");
	tf_buf_errno(&why, h->process->error);
	no_result(h, tf_buf_get(&why));
}

void
tf_opinion_ask(struct tf_opinion_process *p, struct tf_resolver *r, const struct tf_identity *id,
    struct tf_arena *a, struct tf_spf_opinion *opinion_out, struct tf_spf_evidence *evidence_out)
{
	const struct tf_dns_opts opts = { .max_questions = QUESTIONS_MAX };
	struct hearing *h = tf_arena_alloc(a, sizeof(*h));
	uint32_t waited_ms;

	h->process = p;
	h->arena = a;
	h->opinion = opinion_out;
	h->deadline_ms = now_ms() + WALL_MS;
	*opinion_out = (struct tf_spf_opinion){ .code = TF_NONE };
	*evidence_out = (struct tf_spf_evidence){ .records = h->records };
	if (p->pid <= 0) {
		say_no_process(h);
		return;
	}
	h->dns = tf_dns_begin(r, &opts);
	tf_dns_set_deadline(h->dns, DNS_MS);
	conduct(h, id);
	evidence_out->record_count = h->record_count;
	tf_dns_trace(h->dns, a, &evidence_out->asked, &evidence_out->asked_count, &waited_ms);
	tf_dns_end(h->dns);
}
