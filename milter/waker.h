/*
 * waker.h - poke our own socket, often while a callback waits
 *
 * One per process. See mfi.c for what it works around.
 */
#ifndef MILTER_WAKER_H
#define MILTER_WAKER_H

#include "milter/listener.h"

void tf_waker_start(const struct tf_listener *l); /* l is borrowed until tf_waker_stop */
void tf_waker_stop(void);
/* Around a callback that may wait. Cheap; thread-safe. */
void tf_waker_enter(void);
void tf_waker_leave(void);

#endif
