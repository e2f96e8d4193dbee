/*
 * confine.h - a process that can do nothing but compute and talk over one descriptor
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

#endif
