/*
 * fault.c - faults in the libraries below truefromd, for test_watchdog.py
 *
 * Loaded before them (LD_PRELOAD). A fault is there as long as a file of its name lies in the
 * folder $FAULT_DIR: hang-resolver, end-resolver (its loop ends), hang-message, no-threads,
 * no-connections (libmilter does not sleep between its attempts then), late-answers.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* As their headers have them, which are not needed for more. */
int ub_resolve_event(
    void *ctx, const char *name, int type, int class, void *arg, void (*answer)(void), int *id);
int event_base_dispatch(void *base);
int event_base_loopbreak(void *base);
int EVP_DigestFinal_ex(void *ctx, unsigned char *digest, unsigned int *len);

static void *loop;
static pthread_t resolver; /* while there is a loop */

static bool
is_wanted(const char *fault)
{
	const char *folder = getenv("FAULT_DIR");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "", fault);
	return folder != NULL && access(path, F_OK) == 0;
}

static void
hang(const char *fault)
{
	while (is_wanted(fault))
		sleep(1);
}

int
ub_resolve_event(
    void *ctx, const char *name, int type, int class, void *arg, void (*answer)(void), int *id)
{
	__typeof__(ub_resolve_event) *real =
	    (__typeof__(ub_resolve_event) *)dlsym(RTLD_NEXT, "ub_resolve_event");

	hang("hang-resolver");
	if (loop != NULL && is_wanted("end-resolver"))
		(void)event_base_loopbreak(loop);
	return real(ctx, name, type, class, arg, answer, id);
}

int
event_base_dispatch(void *base)
{
	__typeof__(event_base_dispatch) *real =
	    (__typeof__(event_base_dispatch) *)dlsym(RTLD_NEXT, "event_base_dispatch");

	loop = base;
	resolver = pthread_self();
	return real(base);
}

int
EVP_DigestFinal_ex(void *ctx, unsigned char *digest, unsigned int *len)
{
	__typeof__(EVP_DigestFinal_ex) *real =
	    (__typeof__(EVP_DigestFinal_ex) *)dlsym(RTLD_NEXT, "EVP_DigestFinal_ex");

	/* The resolver has digests of its own. */
	if (loop == NULL || !pthread_equal(resolver, pthread_self()))
		hang("hang-message");
	return real(ctx, digest, len);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	__typeof__(pthread_create) *real =
	    (__typeof__(pthread_create) *)dlsym(RTLD_NEXT, "pthread_create");

	return is_wanted("no-threads") ? EAGAIN : real(thread, attr, start, arg);
}

int
accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	__typeof__(accept) *real = (__typeof__(accept) *)dlsym(RTLD_NEXT, "accept");

	if (!is_wanted("no-connections"))
		return real(fd, addr, len);
	errno = EPERM;
	return -1;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	__typeof__(writev) *real = (__typeof__(writev) *)dlsym(RTLD_NEXT, "writev");

	if (is_wanted("late-answers"))
		(void)usleep(100000);
	return real(fd, parts, count);
}

unsigned int
sleep(unsigned int seconds)
{
	__typeof__(sleep) *real = (__typeof__(sleep) *)dlsym(RTLD_NEXT, "sleep");

	return is_wanted("no-connections") ? 0 : real(seconds);
}
