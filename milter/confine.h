/*
 * confine.h - processes that can do no more than they need
 */
#ifndef MILTER_CONFINE_H
#define MILTER_CONFINE_H

#include "truefrom/base.h"

#define TF_CONFINE_CPU_S 2 /* then SIGXCPU */

/*
 * tf_confine - give up everything for good, in a child of one thread
 *
 * fd   the only descriptor that can be read and written afterwards, by recv and send
 * why  receives the reason on failure
 *
 * Takes away: the rights of root, new rights by exec, files, processes, memory beyond 64 MiB more
 * than there is, CPU time beyond TF_CONFINE_CPU_S, and every system call but those that computing
 * and fd need. A forbidden call ends the process with SIGSYS; calls that a C library makes now and
 * then only fail. Returns 0, or -1: then nothing untrusted may run.
 */
int tf_confine(int fd, struct tf_buf *why);

/*
 * tf_confine_daemon - take away every system call that the daemon does not need, for good
 *
 * why  receives the reason on failure
 *
 * In a process with no_new_privs, before it has a second thread, and after everything that loads
 * code or looks up users: libraries stay as they are (no memory becomes executable, nothing is
 * executed), and sockets are of AF_UNIX, AF_INET and AF_INET6. Calls that only an intruder makes
 * end the process with SIGSYS; the others fail with ENOSYS, as on a kernel that does not have them,
 * for which libraries are prepared. Returns 0, or -1 when the kernel or libseccomp cannot do it.
 *
 * In builds with a sanitizer (configure --enable-sanitize) it does nothing and returns 0: LSan
 * traces its own process, TSan starts it again.
 */
int tf_confine_daemon(struct tf_buf *why);

#endif
