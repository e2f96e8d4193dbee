/*
 * process.h - what makes a process a daemon: background, PID file, privileges, supervisor
 *
 * Main thread only, but for tf_connections_room, and tf_supervisor_notify after its first call.
 */
#ifndef MILTER_PROCESS_H
#define MILTER_PROCESS_H

#include <sys/types.h>

#include "truefrom/base.h"

struct tf_account {
	uid_t uid; /* (uid_t)-1: do not change */
	gid_t gid;
	char name[64];
};

/*
 * tf_account_find - the user to become, and the group of the socket
 *
 * user          "" or not started as root: no change
 * socket_group  "" gives the user's own
 *
 * Returns 0, or -1 with the reason in why.
 */
int tf_account_find(struct tf_str user, struct tf_account *account_out, struct tf_buf *why);
int tf_group_find(struct tf_str group, gid_t *gid_out, struct tf_buf *why);
/*
 * tf_process_drop - groups, gid, uid, every capability and the way to new ones; for good
 *
 * Who is no root keeps its bounding set, which only root may give up. 0, or -1 with the reason in
 * why.
 */
int tf_process_drop(const struct tf_account *account, struct tf_buf *why);

/*
 * tf_process_fill_standard - descriptors 0 to 2 are there, whoever started us
 *
 * Before anything is opened: it would take their numbers, and the log would be written into it.
 */
void tf_process_fill_standard(void);
/*
 * tf_process_background - go on in a child; the parent waits for tf_process_ready and exits with 0,
 * or with 3 when the child ends before
 */
int tf_process_background(struct tf_buf *why);
void tf_process_ready(
    void); /* tells the waiting parent, if there is one, and leaves the terminal */

/*
 * tf_pid_file_write - write our number, and hold the file by a lock as long as the process lives
 *
 * Call it in the process that stays. Refuses a symbolic link, what is no plain file of one name,
 * and a file that a running process holds; a number left behind is no obstacle. 0, or -1 with why.
 */
int tf_pid_file_write(struct tf_str path, const struct tf_account *owner, struct tf_buf *why);
void tf_pid_file_remove(struct tf_str path);

/* A shell's limit of open files is low for the sake of old programs: take what may be taken. */
void tf_process_raise_files(void);
/* How many connections the limit of open files leaves room for, beside the resolver. Thread-safe.
 */
uint32_t tf_connections_room(void);

/* "READY=1" and the like to systemd, when it started us (sd_notify(3) protocol); else nothing. */
void tf_supervisor_notify(const char *state);
/* RELOADING=1 with the time stamp that systemd wants. */
void tf_supervisor_reloading(void);

#endif
