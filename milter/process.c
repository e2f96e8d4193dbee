/*
 * process.c - what makes a process a daemon: background, PID file, privileges, supervisor
 *
 * Order (truefromd.c): socket and PID file while still root, then the child, then privileges for
 * good.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#include <sys/resource.h>

#include "milter/process.h"
#include "truefrom/banned.h"

#define OTHER_FILES 64                  /* descriptors beside connections and questions */
#define FILES_MAX 262144                /* more than the most connections would need */
#define ENTRY_MAX ((size_t)1024 * 1024) /* of a group with all its members */

static int ready_fd = -1; /* the parent's end of the pipe is read until this closes */

/* "WHAT: reason of the system"; returns -1. */
static int __attribute__((format(printf, 3, 4)))
failed(int error, struct tf_buf *why, const char *what, ...)
{
	va_list ap;

	va_start(ap, what);
	tf_buf_vprintf(why, what, ap);
	va_end(ap);
	tf_buf_lit(why, ": ");
	tf_buf_errno(why, error);
	return -1;
}

/* Whether getpwnam_r and getgrnam_r mean that there is no such entry (their manual names these). */
static bool
is_no_entry(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

int
tf_account_find(struct tf_str user, struct tf_account *account_out, struct tf_buf *why)
{
	struct passwd entry, *found = NULL;
	char *storage;
	int error = 0;

	*account_out = (struct tf_account){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (user.len == 0 || geteuid() != 0)
		return 0;
	storage = tf_xmalloc(ENTRY_MAX);
	if (tf_cstr(user, account_out->name, sizeof(account_out->name)))
		error = getpwnam_r(account_out->name, &entry, storage, ENTRY_MAX, &found);
	tf_xfree(storage);
	if (found != NULL) {
		account_out->uid = entry.pw_uid;
		account_out->gid = entry.pw_gid;
		return 0;
	}
	if (!is_no_entry(error))
		return failed(error, why, "user: cannot look up \"%s\"", account_out->name);
	tf_buf_printf(
	    why, "user: there is no user \"%.*s\"; create it or set user = \"\"", TF_PRI(user));
	return -1;
}

int
tf_group_find(struct tf_str group, gid_t *gid_out, struct tf_buf *why)
{
	struct group entry, *found = NULL;
	char *storage, name[64];
	int error = 0;

	if (group.len == 0)
		return 0;
	storage = tf_xmalloc(ENTRY_MAX);
	if (tf_cstr(group, name, sizeof(name)))
		error = getgrnam_r(name, &entry, storage, ENTRY_MAX, &found);
	tf_xfree(storage);
	if (found != NULL) {
		*gid_out = entry.gr_gid;
		return 0;
	}
	if (!is_no_entry(error))
		return failed(error, why, "socket_group: cannot look up \"%s\"", name);
	tf_buf_printf(why,
	    "socket_group: there is no group \"%.*s\"; create it or set socket_group = \"\"",
	    TF_PRI(group));
	return -1;
}

#ifdef __linux__
/* What even root could gain again by a program with rights of its own. Nobody else may give it up,
 * and no_new_privs keeps it out of reach. */
static void
drop_bounds(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		continue;
}

/* All capabilities: setuid leaves the inheritable ones, and who is no root may have some. */
static int
drop_capabilities(struct tf_buf *why)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	/* A kernel before 4.3 has no ambient ones. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) != 0)
		return failed(errno, why, "cannot give up the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(errno, why, "cannot give up new privileges");
	return 0;
}
#else
static void
drop_bounds(void)
{
}

static int
drop_capabilities(struct tf_buf *why)
{
	(void)why;
	return 0;
}
#endif

int
tf_process_drop(const struct tf_account *account, struct tf_buf *why)
{
	drop_bounds();
	if (account->uid != (uid_t)-1 &&
	    (initgroups(account->name, account->gid) != 0 || setgid(account->gid) != 0 ||
		setuid(account->uid) != 0 || (account->uid != 0 && setuid(0) == 0)))
		return failed(errno, why, "user: cannot become \"%s\"", account->name);
	return drop_capabilities(why);
}

/* The parent: 0 once the child says that it is ready, 3 when it ends without a word. */
static void __attribute__((noreturn)) wait_for_child(int fd, pid_t child)
{
	char byte;
	ssize_t n;
	int status;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(3);
}

void
tf_process_fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int
tf_process_background(struct tf_buf *why)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0)
		return failed(errno, why, "cannot go into the background: no pipe");
	child = fork();
	if (child < 0)
		return failed(errno, why, "cannot go into the background: no process");
	if (child != 0) {
		close(ends[1]);
		wait_for_child(ends[0], child);
	}
	close(ends[0]);
	ready_fd = ends[1];
	(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	(void)setsid();
	return 0;
}

void
tf_process_ready(void)
{
	bool told;
	int null;

	if (ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(null, fd);
		if (null > 2)
			close(null);
	}
	/* "/" is always there, and a parent that is gone needs no telling. */
	told = chdir("/") == 0;
	told = write(ready_fd, "", 1) == 1 && told;
	(void)told;
	close(ready_fd);
	ready_fd = -1;
}

/* The lock of a running daemon goes with it, whatever number the file still has. */
static bool
lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock) == 0;
}

/* In a folder of others a file may be one of theirs, or have another name that we must not touch.
 */
static bool
is_plain_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* 0, or -1 with the reason in why; the file stays open and locked. */
static int
fill_pid_file(int fd, const char *name, const struct tf_account *owner, struct tf_buf *why)
{
	char text[32];
	const int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (!is_plain_file(fd)) {
		tf_buf_printf(
		    why, "pid_file: %s is no plain file of one name; choose another", name);
		return -1;
	}
	if (!lock_file(fd)) {
		tf_buf_printf(why,
		    "pid_file: a running process holds %s; stop it or choose another file", name);
		return -1;
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != (ssize_t)len ||
	    (owner->uid != (uid_t)-1 && fchown(fd, owner->uid, owner->gid) != 0))
		return failed(errno, why, "pid_file: cannot write %s", name);
	return 0;
}

int
tf_pid_file_write(struct tf_str path, const struct tf_account *owner, struct tf_buf *why)
{
	char name[4096];
	int fd;

	if (path.len == 0)
		return 0;
	if (!tf_cstr(path, name, sizeof(name))) {
		tf_buf_lit(why, "pid_file: not a path");
		return -1;
	}
	/* Not blocking: it may be somebody's FIFO. */
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		return failed(errno, why, "pid_file: cannot write %s", name);
	if (fill_pid_file(fd, name, owner, why) == 0)
		return 0;
	close(fd);
	return -1;
}

void
tf_pid_file_remove(struct tf_str path)
{
	char name[4096];

	/* Without the right to remove it from its folder, it is at least empty. */
	if (path.len != 0 && tf_cstr(path, name, sizeof(name)) && unlink(name) != 0 &&
	    truncate(name, 0) != 0)
		return; /* whoever looks into it finds that the process is gone */
}

void
tf_process_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FILES_MAX)
		return;
	files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* else what there is has to do */
}

uint32_t
tf_connections_room(void)
{
	struct rlimit files;
	rlim_t taken;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > UINT32_MAX)
		return UINT32_MAX;
	/* The resolver asks from a quarter of what there is, and from 64 connections of its own. */
	taken = files.rlim_cur / 4 + 64 + OTHER_FILES;
	return files.rlim_cur > taken ? (uint32_t)(files.rlim_cur - taken) : 1;
}

void
tf_supervisor_notify(const char *state)
{
	/* Kept open, so that a lack of descriptors does not look like a process that hangs. */
	static atomic_int kept = -1;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct tf_str name = tf_str_from(path);

	if (name.len < 2 || (name.ptr[0] != '/' && name.ptr[0] != '@') ||
	    !tf_cstr(name, un.sun_path, sizeof(un.sun_path)))
		return;
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0'; /* abstract namespace */
	if (atomic_load(&kept) < 0)
		atomic_store(&kept, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (atomic_load(&kept) < 0)
		return;
	(void)sendto(atomic_load(&kept), state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.len));
}

void
tf_supervisor_reloading(void)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tf_supervisor_notify(state);
}
