/*
 * waker.c - poke our own socket: every 20 ms while a callback waits, else every 100 ms
 *
 * The slow pokes are for what no callback sees: a thread of libmilter's that reads a command of
 * which the MTA has sent but a part. The thread goes on looking for a second after the last waiting
 * callback and only then sleeps on its condition, so that under load no callback pays for waking
 * it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "milter/log.h"
#include "milter/waker.h"
#include "truefrom/banned.h"

#define POKE_NS (20 * 1000 * 1000)
#define IDLE_ROUNDS 50
#define SLOW_ROUNDS 5
#define SLOW_POKE_NS (SLOW_ROUNDS * POKE_NS)
#define SECOND_NS (1000 * 1000 * 1000)

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	const struct tf_listener *listener;
	atomic_uint waiting;
	atomic_bool parked, stop;
	bool runs;
} waker = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Sleeps until a callback waits or the next slow poke is due. */
static void
park(void)
{
	struct timespec due;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_nsec += SLOW_POKE_NS;
	if (due.tv_nsec >= SECOND_NS) {
		due.tv_sec++;
		due.tv_nsec -= SECOND_NS;
	}
	pthread_mutex_lock(&waker.lock);
	atomic_store(&waker.parked, true);
	while (err != ETIMEDOUT && atomic_load(&waker.waiting) == 0 && !atomic_load(&waker.stop))
		err = pthread_cond_timedwait(&waker.work, &waker.lock, &due);
	atomic_store(&waker.parked, false);
	pthread_mutex_unlock(&waker.lock);
}

static void *
run(void *arg)
{
	const struct timespec pause = { 0, POKE_NS };
	uint32_t idle = 0;

	(void)arg;
	while (!atomic_load(&waker.stop)) {
		const bool slow = idle >= IDLE_ROUNDS;

		if (slow)
			park();
		else
			(void)nanosleep(&pause, NULL);
		if (atomic_load(&waker.waiting) != 0)
			idle = 0;
		else if (!slow)
			idle++;
		if (slow || idle % SLOW_ROUNDS == 0)
			tf_listener_poke(waker.listener);
	}
	return NULL;
}

void
tf_waker_start(const struct tf_listener *l)
{
	pthread_condattr_t monotonic;

	if (pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&waker.work, &monotonic) != 0)
		tf_panic("no condition for the waker");
	(void)pthread_condattr_destroy(&monotonic);
	waker.listener = l;
	atomic_store(&waker.stop, false);
	waker.runs = pthread_create(&waker.thread, NULL, run, NULL) == 0;
	if (!waker.runs)
		tf_log(TF_LOG_WARNING,
		    "no thread can be made for the waker: some messages will wait for others");
}

static void
wake(void)
{
	pthread_mutex_lock(&waker.lock);
	pthread_cond_signal(&waker.work);
	pthread_mutex_unlock(&waker.lock);
}

void
tf_waker_stop(void)
{
	atomic_store(&waker.stop, true);
	wake();
	if (waker.runs)
		(void)pthread_join(waker.thread, NULL);
}

void
tf_waker_enter(void)
{
	atomic_fetch_add(&waker.waiting, 1);
	if (atomic_load(&waker.parked))
		wake();
}

void
tf_waker_leave(void)
{
	atomic_fetch_sub(&waker.waiting, 1);
}
