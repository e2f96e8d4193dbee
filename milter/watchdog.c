/*
 * watchdog.c - whether this process still makes progress
 *
 * Three things have to: the loop of the resolver in force, which is given a sign and has to take
 * it; the end of each message, which is bounded by message_deadline; and this thread, on behalf of
 * which systemd, when it is there, waits for its own sign. Work under way is counted in the slot of
 * the round in which it would be overdue: entering and leaving are one addition each, and a round
 * looks at one slot.
 * Does not: watch what waits for the MTA, the log or a disk; a new process would wait for them too.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "milter/watchdog.h"
#include "truefrom/banned.h"

#define SLOTS 1024u    /* above TF_WATCH_MAX_S and the highest `watchdog` */
#define PATIENCE_S 60u /* for what is told to systemd, when `watchdog` is 0 */
#define SILENT_MAX 3u  /* signs to the resolver, beyond which systemd hears nothing */
#define LAST_WORDS_S 5u

static struct {
	struct tf_current *current;
	void (*good)(void);
	uint32_t every_s; /* good is called that often; 0 = never */
	atomic_uint round, patience_s;
	atomic_uint due[SLOTS];
} dog = { .patience_s = PATIENCE_S };

void
tf_watch_begin(struct tf_watched *w, uint32_t within_s)
{
	/* One more, since the round under way is nearly over. */
	w->slot = (atomic_load(&dog.round) + 1 + within_s + atomic_load(&dog.patience_s)) % SLOTS;
	atomic_fetch_add(&dog.due[w->slot], 1);
}

void
tf_watch_end(const struct tf_watched *w)
{
	atomic_fetch_sub(&dog.due[w->slot], 1);
}

static void __attribute__((noreturn)) give_up(const char *what)
{
	sigset_t set;

	/* The log may be what stands. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	(void)signal(SIGALRM, SIG_DFL);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)alarm(LAST_WORDS_S);
	tf_log(TF_LOG_ERROR, "watchdog: %s; the process ends, to be started again", what);
	abort();
}

/* How often systemd wants to hear from this process: it says after how long it gives up. */
static uint32_t
interval_of_systemd(void)
{
	uint64_t usec, pid = 0;

	if (!tf_str_to_u64(tf_str_from(getenv("WATCHDOG_USEC")), UINT64_MAX, &usec) || usec == 0)
		return 0;
	if (tf_str_to_u64(tf_str_from(getenv("WATCHDOG_PID")), UINT64_MAX, &pid) &&
	    pid != (uint64_t)getpid())
		return 0;
	usec /= 4 * (uint64_t)1000000;
	return usec == 0 ? 1 : usec > 60 ? 60 : (uint32_t)usec;
}

/* Gives the resolver a sign, and takes over what is configured; how many it has not taken. */
static uint32_t
beat(uint32_t *watchdog_s_out)
{
	const uint32_t silent = tf_current_beat(dog.current, watchdog_s_out);

	atomic_store(&dog.patience_s, *watchdog_s_out != 0 ? *watchdog_s_out : PATIENCE_S);
	return silent;
}

static void
look(uint32_t round)
{
	static bool late;
	static uint32_t late_slot;
	uint32_t watchdog_s;
	const uint32_t silent = beat(&watchdog_s);

	late = late && atomic_load(&dog.due[late_slot]) != 0;
	if (!late) {
		late_slot = round % SLOTS;
		late = atomic_load(&dog.due[late_slot]) != 0;
	}
	if (watchdog_s != 0 && late)
		give_up("work that is bounded by message_deadline does not end");
	if (watchdog_s != 0 && silent >= watchdog_s)
		give_up("the resolver does not move");
	if (!late && silent <= SILENT_MAX && dog.every_s != 0 && round % dog.every_s == 0)
		dog.good();
}

static void *
run(void *arg)
{
	const struct timespec second = { 1, 0 };

	(void)arg;
	for (;;) {
		(void)nanosleep(&second, NULL);
		look(atomic_fetch_add(&dog.round, 1) + 1);
	}
	return NULL;
}

bool
tf_watchdog_start(struct tf_current *current, void (*good)(void))
{
	sigset_t all, before;
	pthread_t thread;
	uint32_t watchdog_s;
	int error;

	dog.current = current;
	dog.good = good;
	dog.every_s = interval_of_systemd();
	(void)beat(&watchdog_s);
	/* Signals are the main thread's. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0 && pthread_detach(thread) == 0;
}
