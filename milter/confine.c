/*
 * confine.c - processes that can do no more than they need
 *
 * The only user of libseccomp. The child that asks libspf2 can compute and talk over one
 * descriptor: everything is done before what is not trusted runs, and none of it can be undone:
 * user and group, no_new_privs, limits, then the filter of system calls. The daemon, which has
 * given up its rights before, gets a filter of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoconf.h"
#include "milter/confine.h"
#include "truefrom/banned.h"

#define MEMORY_MORE ((rlim_t)64 * 1024 * 1024)
#define NOBODY 65534 /* where /etc/passwd does not say */

static int
failed(int error, const char *what, struct tf_buf *why)
{
	tf_buf_printf(why, "%s: ", what);
	tf_buf_errno(why, error);
	return -1;
}

/* Root becomes nobody; others have nothing to give up. */
static int
drop_rights(struct tf_buf *why)
{
	const struct passwd *nobody;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;

	if (geteuid() == 0) {
		nobody = getpwnam("nobody");
		if (nobody != NULL) {
			uid = nobody->pw_uid;
			gid = nobody->pw_gid;
		}
		if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
			return failed(errno, "it cannot give up the rights of root", why);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failed(errno, "prctl", why);
	return 0;
}

/* Address space in use; sanitizers have terabytes of it. */
static bool
address_space(rlim_t *bytes_out)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	bool ok;

	if (file == NULL)
		return false;
	ok = fscanf(file, "%lu", &pages) == 1;
	(void)fclose(file);
	*bytes_out = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
	return ok;
}

static int
set_limits(struct tf_buf *why)
{
	rlim_t used;

	if (!address_space(&used))
		return failed(errno, "/proc/self/statm", why);
	const struct {
		int what;
		struct rlimit limit;
	} limits[] = {
		{ RLIMIT_AS, { used + MEMORY_MORE, used + MEMORY_MORE } },
		{ RLIMIT_CORE, { 0, 0 } },
		{ RLIMIT_CPU, { TF_CONFINE_CPU_S, TF_CONFINE_CPU_S + 1 } },
		{ RLIMIT_FSIZE, { 0, 0 } },
		{ RLIMIT_NOFILE, { 0, 0 } },
		{ RLIMIT_NPROC, { 0, 0 } },
	};
	for (size_t i = 0; i < TF_ARRAY_LEN(limits); i++) {
		if (setrlimit((__rlimit_resource_t)limits[i].what, &limits[i].limit) != 0)
			return failed(errno, "setrlimit", why);
	}
	return 0;
}

/* What malloc, gethostname, abort and the end of a process need. */
static const int child_allowed[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(madvise),
	SCMP_SYS(munmap),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(time),
	SCMP_SYS(uname),
};

/* What a C library tries now and then, and can do without. */
static const int child_refused[] = {
	SCMP_SYS(fstat),
	SCMP_SYS(ioctl),
	SCMP_SYS(lseek),
	SCMP_SYS(newfstatat),
	SCMP_SYS(openat),
	SCMP_SYS(prctl),
	SCMP_SYS(readlink),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sysinfo),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* One rule for each call of a list; the first error, negative. */
static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		error = seccomp_rule_add(filter, action, calls[i], 0);
	return error;
}

static int
add_child_rules(scmp_filter_ctx filter, int fd)
{
	/* Memory that cannot be executed; fd and no other; SIGABRT and nobody else. */
	const struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp the_fd = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)fd, 0);
	const struct scmp_arg_cmp self = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	const struct scmp_arg_cmp aborts = SCMP_A2_64(SCMP_CMP_EQ, SIGABRT, 0);
	int error = add_all(filter, SCMP_ACT_ALLOW, child_allowed, TF_ARRAY_LEN(child_allowed));

	if (error == 0)
		error = add_all(
		    filter, SCMP_ACT_ERRNO(EPERM), child_refused, TF_ARRAY_LEN(child_refused));
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 0);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1, the_fd);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, the_fd);
	if (error == 0)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, self, aborts);
	return error;
}

static int
filter_calls(int fd, struct tf_buf *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (filter == NULL)
		return failed(ENOMEM, "libseccomp", why);
	error = add_child_rules(filter, fd);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error == 0 ? 0 : failed(-error, "libseccomp", why);
}

/* What is written by mistake goes nowhere. */
static int
silence(struct tf_buf *why)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return failed(errno, "/dev/null", why);
	for (int i = 0; i <= 2; i++) {
		if (dup2(null, i) < 0)
			return failed(errno, "/dev/null", why);
	}
	return 0;
}

int
tf_confine(int fd, struct tf_buf *why)
{
	static const int signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGXCPU };

	/* A crash is to be seen as one, whoever has taken the signal before. */
	for (size_t i = 0; i < TF_ARRAY_LEN(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	if (silence(why) != 0 || drop_rights(why) != 0 || set_limits(why) != 0)
		return -1;
	return filter_calls(fd, why);
}

#ifdef TF_SANITIZED

int
tf_confine_daemon(struct tf_buf *why)
{
	(void)why;
	return 0;
}

#else

/*
 * What the daemon and its libraries were seen to do after the start in all tests, and what other
 * versions of the C library and other machines do in its place.
 */
/* clang-format off */
static const int daemon_allowed[] = {
	/* files: settings, zone, state, PID file */
	SCMP_SYS(access), SCMP_SYS(chdir), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fcntl),
	SCMP_SYS(fcntl64), SCMP_SYS(fdatasync), SCMP_SYS(fstat), SCMP_SYS(fstat64),
	SCMP_SYS(fstatat64), SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64),
	SCMP_SYS(getcwd), SCMP_SYS(_llseek), SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(newfstatat), SCMP_SYS(open),
	SCMP_SYS(openat), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(read),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(rmdir), SCMP_SYS(stat),
	SCMP_SYS(stat64), SCMP_SYS(statx), SCMP_SYS(truncate), SCMP_SYS(truncate64),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(write), SCMP_SYS(writev),
	/* connections of the MTA, DNS, syslog, the service manager; waiting for them */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect),
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
	SCMP_SYS(listen), SCMP_SYS(_newselect), SCMP_SYS(pipe), SCMP_SYS(pipe2),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(pselect6),
	SCMP_SYS(pselect6_time64), SCMP_SYS(recv), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmmsg_time64), SCMP_SYS(recvmsg), SCMP_SYS(select), SCMP_SYS(send),
	SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	/* memory (executable: never), threads, signals, the end */
	SCMP_SYS(alarm), SCMP_SYS(arch_prctl), SCMP_SYS(brk), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(getpid), SCMP_SYS(getppid),
	SCMP_SYS(gettid), SCMP_SYS(madvise), SCMP_SYS(membarrier), SCMP_SYS(mremap),
	SCMP_SYS(munmap), SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(rt_sigtimedwait_time64), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address), SCMP_SYS(setitimer), SCMP_SYS(sigaltstack),
	SCMP_SYS(sigreturn),
	/* clocks, random numbers, who and where we are */
	SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(getegid),
	SCMP_SYS(getegid32), SCMP_SYS(geteuid), SCMP_SYS(geteuid32), SCMP_SYS(getgid),
	SCMP_SYS(getgid32), SCMP_SYS(getrandom), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
	SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(getuid32), SCMP_SYS(nanosleep),
	SCMP_SYS(setrlimit), SCMP_SYS(sysinfo), SCMP_SYS(time), SCMP_SYS(times),
	SCMP_SYS(ugetrlimit), SCMP_SYS(uname),
};

/* No library has a reason for these: whoever makes them is an intruder, and gets no second try. */
static const int daemon_deadly[] = {
	SCMP_SYS(acct), SCMP_SYS(bpf), SCMP_SYS(capset), SCMP_SYS(chroot),
	SCMP_SYS(clock_settime), SCMP_SYS(delete_module), SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(finit_module), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fsopen),
	SCMP_SYS(fspick), SCMP_SYS(init_module), SCMP_SYS(ioperm), SCMP_SYS(iopl),
	SCMP_SYS(kexec_file_load), SCMP_SYS(kexec_load), SCMP_SYS(mount), SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount), SCMP_SYS(open_by_handle_at), SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open), SCMP_SYS(pivot_root), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(ptrace), SCMP_SYS(reboot), SCMP_SYS(setfsgid),
	SCMP_SYS(setfsuid), SCMP_SYS(setgid), SCMP_SYS(setgroups), SCMP_SYS(setns),
	SCMP_SYS(setregid), SCMP_SYS(setresgid), SCMP_SYS(setresuid), SCMP_SYS(setreuid),
	SCMP_SYS(settimeofday), SCMP_SYS(setuid), SCMP_SYS(swapoff), SCMP_SYS(swapon),
	SCMP_SYS(umount2), SCMP_SYS(unshare), SCMP_SYS(userfaultfd),
};
/* clang-format on */

/* One rule about one argument of a call. */
struct daemon_rule {
	uint32_t action;
	int call;
	struct scmp_arg_cmp when;
};

static int
add_daemon_rules(scmp_filter_ctx filter)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();
	const uint32_t yes = SCMP_ACT_ALLOW, no = SCMP_ACT_ERRNO(EPERM);
	/* clang-format off */
	const struct daemon_rule rules[] = {
		/* Memory that cannot be executed. */
		{ yes, SCMP_SYS(mmap), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ no, SCMP_SYS(mmap), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC) },
		{ yes, SCMP_SYS(mmap2), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ no, SCMP_SYS(mmap2), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC) },
		{ yes, SCMP_SYS(mprotect), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ no, SCMP_SYS(mprotect), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC) },
		/* Threads and no processes; clone3, of which a filter sees nothing, is not there. */
		{ yes, SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD) },
		{ no, SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0) },
		{ yes, SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX, 0) },
		{ yes, SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_INET, 0) },
		{ yes, SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_INET6, 0) },
		/* Its own signals and limits. */
		{ yes, SCMP_SYS(kill), SCMP_A0_64(SCMP_CMP_EQ, self, 0) },
		{ no, SCMP_SYS(kill), SCMP_A0_64(SCMP_CMP_NE, self, 0) },
		{ yes, SCMP_SYS(tgkill), SCMP_A0_64(SCMP_CMP_EQ, self, 0) },
		{ no, SCMP_SYS(tgkill), SCMP_A0_64(SCMP_CMP_NE, self, 0) },
		{ yes, SCMP_SYS(prlimit64), SCMP_A0_64(SCMP_CMP_EQ, 0, 0) },
		{ no, SCMP_SYS(prlimit64), SCMP_A0_64(SCMP_CMP_NE, 0, 0) },
	};
	/* clang-format on */
	int error = add_all(filter, SCMP_ACT_ALLOW, daemon_allowed, TF_ARRAY_LEN(daemon_allowed));

	if (error == 0)
		error = add_all(
		    filter, SCMP_ACT_KILL_PROCESS, daemon_deadly, TF_ARRAY_LEN(daemon_deadly));
	for (size_t i = 0; error == 0 && i < TF_ARRAY_LEN(rules); i++)
		error = seccomp_rule_add(filter, rules[i].action, rules[i].call, 1, rules[i].when);
	return error;
}

int
tf_confine_daemon(struct tf_buf *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error;

	if (filter == NULL)
		return failed(ENOMEM, "libseccomp", why);
	/* Calls by the numbers of another architecture, too; a tree instead of a list of tests. */
	error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error = add_daemon_rules(filter);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error == 0 ? 0 : failed(-error, "libseccomp", why);
}

#endif
