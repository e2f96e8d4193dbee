/*
 * confine.c - a process that can do nothing but compute and talk over one descriptor
 *
 * The only user of libseccomp. Everything is done before what is not trusted runs, and none of it
 * can be undone: user and group, no_new_privs, limits, then the filter of system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

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
static const int allowed[] = {
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
static const int refused[] = {
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

/* The first error, negative. */
static int
add_rules(scmp_filter_ctx filter, int fd)
{
	/* Memory that cannot be executed; fd and no other; SIGABRT and nobody else. */
	const struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp the_fd = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)fd, 0);
	const struct scmp_arg_cmp self = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	const struct scmp_arg_cmp aborts = SCMP_A2_64(SCMP_CMP_EQ, SIGABRT, 0);
	int error = 0;

	for (size_t i = 0; error == 0 && i < TF_ARRAY_LEN(allowed); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; error == 0 && i < TF_ARRAY_LEN(refused); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
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
	error = add_rules(filter, fd);
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
