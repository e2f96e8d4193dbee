/*
 * waker.c - while a callback waits, poke our own socket every 20 ms
 *
 * The thread goes on looking for a second after the last waiting callback and only then sleeps on
 * its condition, so that under load no callback pays for waking it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "milter/log.h"
#include "milter/waker.h"
#include "truefrom/banned.h"

#define POKE_NS (20 * 1000 * 1000)
#define IDLE_ROUNDS 50

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	const struct tf_listener *listener;
	atomic_uint waiting;
	atomic_bool parked, stop;
	bool runs;
} waker = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };

static void
park(void)
{
	pthread_mutex_lock(&waker.lock);
	atomic_store(&waker.parked, true);
	while (atomic_load(&waker.waiting) == 0 && !atomic_load(&waker.stop))
		pthread_cond_wait(&waker.work, &waker.lock);
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
		if (idle == IDLE_ROUNDS) {
			park();
			idle = 0;
		}
		(void)nanosleep(&pause, NULL);
		if (atomic_load(&waker.waiting) == 0) {
			idle++;
			continue;
		}
		idle = 0;
		tf_listener_poke(waker.listener);
	}
	return NULL;
}

void
tf_waker_start(const struct tf_listener *l)
{
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
