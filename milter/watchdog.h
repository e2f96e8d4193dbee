/*
 * watchdog.h - whether this process still makes progress
 *
 * A thread of its own looks once a second. Time is counted in its own rounds: while the process is
 * stopped, suspended or starved of processor time, none pass, so that only what stands while the
 * watchdog itself goes on is ever taken for stuck.
 */
#ifndef MILTER_WATCHDOG_H
#define MILTER_WATCHDOG_H

#include "milter/current.h"

/* Work that has to end; the caller's storage. */
struct tf_watched {
	uint32_t slot;
};

/*
 * tf_watch_begin, tf_watch_end - work that is over within so many seconds, or within `watchdog`
 * seconds more, or else the process is ended
 *
 * within_s  at most TF_WATCH_MAX_S
 *
 * Waiting for others (the MTA, the log) is no work. Cheap; thread-safe; without a watchdog, nothing
 * comes of it.
 */
#define TF_WATCH_MAX_S 300
void tf_watch_begin(struct tf_watched *w, uint32_t within_s);
void tf_watch_end(const struct tf_watched *w);

/*
 * tf_watchdog_start - begin to look, until the process ends
 *
 * current  must live as long as the process; its configuration says how patient we are
 * good     called in a round that found nothing amiss, as often as systemd wants to hear of it; not
 *          called when it did not ask (WATCHDOG_USEC)
 *
 * Returns false when there is no thread for it. What no longer moves is said in one line of the
 * log, and the process aborts.
 */
bool tf_watchdog_start(struct tf_current *current, void (*good)(void));

#endif
