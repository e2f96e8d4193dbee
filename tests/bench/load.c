/*
 * load.c - a load of milter sessions on a chain of filters, and what it takes them
 *
 * make -C build tests/bench/load; see load_options.c for the rest.
 *
 * One thread, one epoll. The messages are made ready for the protocol before the first one is sent,
 * so that what is measured is the filters. Closed loop: each connection sends its next message as
 * soon as it knows the verdict on the last one. Open loop (--rate): messages are due at fixed
 * times, each goes to the connection that has been idle longest, and waits for one when all are
 * busy; its latency counts from when it was due.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/bench/load_options.h"
#include "tests/bench/load_session.h"
#include "tests/bench/load_stats.h"
#include "truefrom/banned.h"

#define EVENTS 256
#define MS 1000000LL
#define BACKOFF_NS (20 * MS) /* before a connection is tried again */
#define SWEEP_NS (100 * MS)  /* how often time-outs are looked for */
#define TIMER UINT64_MAX

struct queue {
	struct load_conn *head, *tail;
};

struct load {
	struct load_options options;
	struct load_address addresses[LOAD_FILTERS_MAX];
	struct load_corpus corpus;
	size_t next_session;
	struct load_conn *conns;
	struct queue ready, backoff, thinking;
	int epoll, timer;
	FILE *verdicts;

	int64_t start_ns, last_ns, end_ns; /* end: nothing new from then on, 0 for never */
	uint64_t started, finished, opened, busy;
	uint64_t errors[LOAD_ERRORS];
	struct load_histogram latency, end;
	struct load_agreement agreement;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(3);
}

static void
push(struct queue *q, struct load_conn *c)
{
	c->next = NULL;
	if (q->tail != NULL)
		q->tail->next = c;
	else
		q->head = c;
	q->tail = c;
}

static struct load_conn *
pop(struct queue *q)
{
	struct load_conn *c = q->head;

	q->head = c->next;
	if (q->head == NULL)
		q->tail = NULL;
	return c;
}

static void
write_disagreement(
    struct load *l, struct load_message *m, const struct load_verdict *said, unsigned int wrong)
{
	char storage[2048];
	struct tf_buf b;

	for (enum load_column c = LOAD_SPF; c < LOAD_COLUMNS; c++) {
		if ((wrong & ~m->reported & 1u << c) == 0)
			continue;
		m->reported |= 1u << c;
		tf_buf_init(&b, storage, sizeof(storage));
		tf_buf_printf(&b, "%s\t%s\t", m->file, load_column_name(c));
		load_verdict_write(&m->expected, c, &b);
		tf_buf_byte(&b, '\t');
		load_verdict_write(said, c, &b);
		fprintf(l->verdicts, "%s\n", tf_buf_cstr(&b));
	}
}

static void
record(struct load *l, const struct load_conn *c, int64_t now)
{
	const unsigned int wrong =
	    load_agreement_add(&l->agreement, &c->said, &c->message->expected);

	l->finished++;
	l->last_ns = now;
	load_histogram_add(&l->latency, now - c->began_ns);
	if (c->end_waited_ns != 0)
		load_histogram_add(&l->end, c->end_waited_ns);
	if (wrong != 0 && l->verdicts != NULL)
		write_disagreement(l, c->message, &c->said, wrong);
}

/* A message is over, well or not: the connection is free for the next one. */
static void
settle(struct load *l, struct load_conn *c)
{
	const int64_t now = load_clock_ns();
	const bool failed = c->status == LOAD_FAILED;

	l->busy--;
	if (failed)
		l->errors[c->error]++;
	else
		record(l, c, now);
	c->status = LOAD_IDLE;
	if (++c->position == c->session->count) {
		load_conn_quit(c);
		c->session = NULL;
	}
	if (failed) {
		c->due_ns = now + BACKOFF_NS;
		push(&l->backoff, c);
	} else if (l->options.think_ms != 0) {
		c->due_ns = now + l->options.think_ms * MS;
		push(&l->thinking, c);
	} else {
		push(&l->ready, c);
	}
}

static uint64_t
number_of(const struct load *l, const struct load_conn *c)
{
	return (uint64_t)(c - l->conns);
}

/* What became of a start; a full queue of the listener is no error, but is tried again. */
static void
look(struct load *l, struct load_conn *c)
{
	if (c->status == LOAD_SAID || c->status == LOAD_FAILED) {
		settle(l, c);
	} else if (c->status == LOAD_REFUSED) {
		c->due_ns = load_clock_ns() + BACKOFF_NS;
		push(&l->backoff, c);
	}
}

static int64_t
due_ns(const struct load *l)
{
	return l->start_ns + (int64_t)((double)l->started * 1e9 / l->options.rate);
}

static bool
may_start(const struct load *l, int64_t now)
{
	return interrupted == 0 && (l->options.messages == 0 || l->started < l->options.messages) &&
	       (l->end_ns == 0 || now < l->end_ns);
}

static void
start(struct load *l, struct load_conn *c, int64_t now)
{
	if (c->session == NULL) {
		c->session = &l->corpus.sessions[l->next_session];
		c->position = 0;
		l->next_session = (l->next_session + 1) % l->corpus.session_count;
	}
	c->message = l->corpus.order[c->session->start + c->position];
	c->wanted_ns = l->options.rate != 0 ? due_ns(l) : 0;
	c->deadline_ns = now + l->options.timeout_s * 1000 * MS;
	if (!c->open)
		l->opened++;
	c->serial = ++l->started;
	l->busy++;
	load_conn_start(c, l->addresses, l->epoll, number_of(l, c));
	look(l, c);
}

static void
try_again(struct load *l, struct load_conn *c, int64_t now)
{
	if (now > c->deadline_ns)
		load_conn_fail(c, LOAD_ERR_TIMEOUT);
	else
		load_conn_start(c, l->addresses, l->epoll, number_of(l, c));
	look(l, c);
}

/* Starts whatever may be started now. */
static void
dispatch(struct load *l)
{
	const int64_t now = load_clock_ns();

	while (l->backoff.head != NULL && l->backoff.head->due_ns <= now) {
		struct load_conn *c = pop(&l->backoff);

		if (c->status == LOAD_REFUSED)
			try_again(l, c, now);
		else
			push(&l->ready, c);
	}
	while (l->thinking.head != NULL && l->thinking.head->due_ns <= now)
		push(&l->ready, pop(&l->thinking));
	while (l->ready.head != NULL && may_start(l, now) &&
	       (l->options.rate == 0 || due_ns(l) <= now))
		start(l, pop(&l->ready), now);
}

static void
sweep(struct load *l, int64_t now)
{
	for (size_t i = 0; i < l->options.connections; i++) {
		struct load_conn *c = &l->conns[i];

		if (c->status != LOAD_BUSY || now <= c->deadline_ns)
			continue;
		load_conn_fail(c, LOAD_ERR_TIMEOUT);
		settle(l, c);
	}
}

static int64_t
earlier(int64_t a, const struct queue *q)
{
	return q->head != NULL && q->head->due_ns < a ? q->head->due_ns : a;
}

/* Milliseconds to sleep at most; the next message of an open loop wakes by the timer, exactly. */
static int
sleep_ms(const struct load *l, int64_t now, int64_t next_sweep)
{
	int64_t until = earlier(earlier(next_sweep, &l->backoff), &l->thinking);

	if (l->options.rate != 0 && l->ready.head != NULL && may_start(l, now)) {
		const int64_t due = due_ns(l);
		const struct itimerspec at = { .it_value = { due / 1000000000, due % 1000000000 } };

		(void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
	}
	return until > now ? (int)((until - now + MS - 1) / MS) : 0;
}

static void
handle(struct load *l, const struct epoll_event *event)
{
	const uint64_t number = event->data.u64 / LOAD_FILTERS_MAX;
	struct load_conn *c = &l->conns[number];
	const bool was_busy = c->status == LOAD_BUSY;

	load_conn_event(c, event->data.u64 % LOAD_FILTERS_MAX, event->events, l->epoll, number);
	if (was_busy && c->status != LOAD_BUSY)
		settle(l, c);
}

static void
run(struct load *l)
{
	struct epoll_event events[EVENTS];
	int64_t next_sweep = 0;
	uint64_t expirations;

	for (;;) {
		int64_t now;
		int n;

		dispatch(l);
		now = load_clock_ns();
		if (now >= next_sweep) {
			sweep(l, now);
			next_sweep = now + SWEEP_NS;
		}
		if (l->busy == 0 && !may_start(l, now))
			return;
		if (l->busy == 0 && l->ready.head != NULL && l->options.rate == 0)
			continue;
		n = epoll_wait(l->epoll, events, EVENTS, sleep_ms(l, now, next_sweep));
		if (n < 0 && errno != EINTR)
			die("epoll_wait: %d", errno);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == TIMER)
				(void)!read(l->timer, &expirations, sizeof(expirations));
			else
				handle(l, &events[i]);
		}
	}
}

static void
print_times(const char *name, const struct load_histogram *h)
{
	printf("  \"%s\": {\"mean\": %.3f, \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": "
	       "%.3f},\n",
	    name, h->total != 0 ? (double)h->sum_ns / 1e6 / (double)h->total : 0,
	    load_histogram_quantile_ms(h, 0.5), load_histogram_quantile_ms(h, 0.9),
	    load_histogram_quantile_ms(h, 0.99), (double)h->max_ns / 1e6);
}

static void
print_errors(const struct load *l)
{
	static const char *const names[LOAD_ERRORS] = { "total", "connect", "negotiate", "closed",
		"protocol", "timeout" };
	uint64_t total = 0;

	for (enum load_error e = LOAD_ERR_CONNECT; e < LOAD_ERRORS; e++)
		total += l->errors[e];
	printf("  \"errors\": {\"total\": %llu", (unsigned long long)total);
	for (enum load_error e = LOAD_ERR_CONNECT; e < LOAD_ERRORS; e++)
		printf(", \"%s\": %llu", names[e], (unsigned long long)l->errors[e]);
	printf("},\n");
}

static void
print_agreement(const struct load_agreement *a)
{
	printf("  \"agreement\": {\n");
	for (enum load_column c = LOAD_SPF; c < LOAD_COLUMNS; c++)
		printf("    \"%s\": {\"agreed\": %llu, \"wrong\": %llu, \"not_said\": %llu},\n",
		    load_column_name(c), (unsigned long long)a->agreed[c],
		    (unsigned long long)a->wrong[c], (unsigned long long)a->not_said[c]);
	printf("    \"line\": {\"agreed\": %llu, \"wrong\": %llu}\n  },\n",
	    (unsigned long long)a->lines_agreed, (unsigned long long)a->lines_wrong);
}

static double
own_cpu_s(void)
{
	struct rusage r;

	if (getrusage(RUSAGE_SELF, &r) != 0)
		return 0;
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
report(const struct load *l, double cpu_s)
{
	const double seconds = l->finished != 0 ? (double)(l->last_ns - l->start_ns) / 1e9 : 0;

	printf("{\n  \"messages\": %llu,\n  \"seconds\": %.6f,\n  \"messages_per_second\": %.2f,\n",
	    (unsigned long long)l->finished, seconds,
	    seconds > 0 ? (double)l->finished / seconds : 0);
	print_errors(l);
	print_times("latency_ms", &l->latency);
	print_times("end_ms", &l->end);
	print_agreement(&l->agreement);
	printf("  \"connections\": %u,\n  \"connections_opened\": %llu,\n", l->options.connections,
	    (unsigned long long)l->opened);
	printf("  \"corpus_messages\": %zu,\n  \"rate\": %u,\n", l->corpus.count, l->options.rate);
	printf("  \"own_cpu_seconds\": %.6f\n}\n", cpu_s);
}

static void
raise_limit(size_t descriptors)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors)
		return;
	if (limit.rlim_max < descriptors)
		limit.rlim_max = descriptors;
	limit.rlim_cur = descriptors;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("%zu descriptors are not allowed (ulimit -n)", descriptors);
}

static void
prepare(struct load *l)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	struct epoll_event event = { .events = EPOLLIN, .data = { .u64 = TIMER } };
	char storage[512];
	struct tf_buf why;

	tf_buf_init(&why, storage, sizeof(storage));
	for (size_t i = 0; i < l->options.socket_count; i++)
		if (!load_address_parse(&l->addresses[i], l->options.sockets[i], &why))
			die("--socket %s: %s", l->options.sockets[i], tf_buf_cstr(&why));
	if (load_corpus_read(&l->corpus, l->options.corpus, l->options.per_connection, &why) != 0)
		die("%s: %s", l->options.corpus, tf_buf_cstr(&why));
	if (l->options.messages == 0 && l->options.seconds == 0)
		l->options.messages = l->corpus.count;
	if (l->options.verdicts != NULL) {
		l->verdicts = fopen(l->options.verdicts, "we");
		if (l->verdicts == NULL)
			die("%s: cannot be written", l->options.verdicts);
	}
	raise_limit(l->options.connections * l->options.socket_count + 32);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->epoll < 0 || l->timer < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &event) != 0)
		die("no epoll or timer");
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	l->conns = tf_xcalloc(l->options.connections, sizeof(*l->conns));
	for (size_t i = 0; i < l->options.connections; i++) {
		load_conn_init(&l->conns[i], l->options.socket_count);
		l->conns[i].authserv_id = tf_str_from(l->options.id);
		push(&l->ready, &l->conns[i]);
	}
}

static void
end(struct load *l)
{
	for (size_t i = 0; i < l->options.connections; i++) {
		load_conn_quit(&l->conns[i]);
		load_conn_clear(&l->conns[i]);
	}
	tf_xfree(l->conns);
	load_corpus_clear(&l->corpus);
	close(l->epoll);
	close(l->timer);
	if (l->verdicts != NULL && fclose(l->verdicts) != 0)
		die("%s: not written whole", l->options.verdicts);
	tf_xfree(l);
}

int
main(int argc, char **argv)
{
	struct load *l = tf_xmalloc(sizeof(*l));
	double cpu_s;

	l->options = load_options_read(argc, argv);
	prepare(l);
	cpu_s = own_cpu_s();
	l->start_ns = load_clock_ns();
	if (l->options.seconds != 0)
		l->end_ns = l->start_ns + l->options.seconds * 1000 * MS;
	run(l);
	report(l, own_cpu_s() - cpu_s);
	end(l);
	return 0;
}
