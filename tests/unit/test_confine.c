/*
 * test_confine.c - confine.c: what the daemon can do no more once its filter is in force
 *
 * Each row runs in a process of its own that makes one call and says how that went.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autoconf.h"
#include "milter/confine.h"
#include "tests/unit/test.h"

#ifndef TF_SANITIZED

/* What a child exits with when its call went well; a failure is told by its errno. */
#define WENT_WELL 0
#define NOT_CONFINED 250

static char *nothing[] = { NULL };

static long
try_execve(void)
{
	return execve("/bin/true", nothing, nothing);
}

static long
try_execveat(void)
{
	return syscall(SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0);
}

static long
try_fork(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child;
}

static long
try_vfork_of_system(void)
{
	return syscall(SYS_vfork);
}

static long
try_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0L);
}

static long
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
try_mount(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0L, NULL);
}

static long
try_unshare(void)
{
	return syscall(SYS_unshare, 0x10000000L /* CLONE_NEWUSER */);
}

static long
try_setns(void)
{
	return syscall(SYS_setns, 0L, 0L);
}

static long
try_chroot(void)
{
	return chroot("/");
}

static long
try_setuid(void)
{
	return syscall(SYS_setuid, getuid());
}

static long
try_setgid(void)
{
	return syscall(SYS_setgid, getgid());
}

static long
try_setresuid(void)
{
	return syscall(SYS_setresuid, -1L, -1L, -1L);
}

static long
try_setgroups(void)
{
	return syscall(SYS_setgroups, 0L, NULL);
}

static long
try_capset(void)
{
	return syscall(SYS_capset, NULL, NULL);
}

static long
try_bpf(void)
{
	return syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0L);
}

static long
try_kexec(void)
{
	return syscall(SYS_kexec_load, 0L, 0L, NULL, 0L);
}

static long
try_module(void)
{
	return syscall(SYS_finit_module, -1L, "", 0L);
}

static long
try_reboot(void)
{
	return syscall(SYS_reboot, 0L, 0L, 0L, NULL); /* wrong magic numbers */
}

static long
try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0L, 0L, 0L, 0L);
}

static long
try_process_vm(void)
{
	return syscall(SYS_process_vm_readv, (long)getppid(), NULL, 0L, NULL, 0L, 0L);
}

static long
try_settimeofday(void)
{
	return syscall(SYS_settimeofday, NULL, NULL);
}

static long
try_mmap_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0) == MAP_FAILED
		   ? -1
		   : 0;
}

static long
try_mprotect_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long
try_pkey_mprotect(void)
{
	return syscall(SYS_pkey_mprotect, NULL, 0L, (long)PROT_EXEC, -1L);
}

static long
try_shmat(void)
{
	return syscall(SYS_shmat, 0L, NULL, 0L);
}

static long
try_personality(void)
{
	return syscall(SYS_personality, 0xffffffffL);
}

static long
try_keyring(void)
{
	return syscall(SYS_keyctl, 0L, 0L, 0L, 0L, 0L);
}

static long
try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1L, NULL);
}

static long
try_memfd(void)
{
	return syscall(SYS_memfd_create, "x", 0L);
}

static long
try_prctl(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
try_chmod(void)
{
	return syscall(SYS_fchmodat, AT_FDCWD, "/nowhere", 0777L);
}

static long
try_chown(void)
{
	return syscall(SYS_fchownat, AT_FDCWD, "/nowhere", 0L, 0L, 0L);
}

static long
try_link(void)
{
	return syscall(SYS_linkat, AT_FDCWD, "/nowhere", AT_FDCWD, "/nowhere", 0L);
}

static long
try_mknod(void)
{
	return syscall(SYS_mknodat, AT_FDCWD, "/nowhere", 0L, 0L);
}

static long
try_kill_another(void)
{
	return kill(getppid(), 0);
}

static long
try_limit_another(void)
{
	return syscall(SYS_prlimit64, (long)getppid(), (long)RLIMIT_CPU, NULL, NULL);
}

static long
try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long
try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long
try_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

/* What has to go on. */

static void *
run_thread(void *arg)
{
	return arg;
}

static long
try_thread(void)
{
	pthread_t thread;
	void *end = NULL;

	errno = pthread_create(&thread, NULL, run_thread, nothing);
	if (errno != 0)
		return -1;
	errno = pthread_join(thread, &end);
	return end == nothing ? 0 : -1;
}

static long
try_sockets(void)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };

	for (size_t i = 0; i < TF_ARRAY_LEN(families); i++) {
		const int fd = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 && errno != EAFNOSUPPORT) /* of a kernel without IPv6 */
			return -1;
		close(fd);
	}
	return 0;
}

static long
try_read_file(void)
{
	const int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : -1;
}

static long
try_temporary_folder(void)
{
	char folder[] = "/tmp/truefrom-test-XXXXXX";

	return mkdtemp(folder) != NULL ? rmdir(folder) : -1;
}

static long
try_memory(void)
{
	struct tf_arena *a = tf_arena_new();

	memset(tf_arena_alloc(a, 8 << 20), 1, 8 << 20);
	tf_arena_free(a);
	return 0;
}

static long
try_own_signal(void)
{
	return kill(getpid(), 0) + raise(0);
}

static long
try_own_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) + setrlimit(RLIMIT_NOFILE, &limit);
}

static const struct row {
	const char *what;
	long (*attempt)(void);
	int end; /* an errno, WENT_WELL, or a signal as a negative number */
} rows[] = {
	{ "execve", try_execve, -SIGSYS },
	{ "execveat", try_execveat, -SIGSYS },
	{ "ptrace", try_ptrace, -SIGSYS },
	{ "process_vm_readv", try_process_vm, -SIGSYS },
	{ "mount", try_mount, -SIGSYS },
	{ "chroot", try_chroot, -SIGSYS },
	{ "unshare", try_unshare, -SIGSYS },
	{ "setns", try_setns, -SIGSYS },
	{ "setuid", try_setuid, -SIGSYS },
	{ "setgid", try_setgid, -SIGSYS },
	{ "setresuid", try_setresuid, -SIGSYS },
	{ "setgroups", try_setgroups, -SIGSYS },
	{ "capset", try_capset, -SIGSYS },
	{ "bpf", try_bpf, -SIGSYS },
	{ "perf_event_open", try_perf, -SIGSYS },
	{ "kexec_load", try_kexec, -SIGSYS },
	{ "finit_module", try_module, -SIGSYS },
	{ "reboot", try_reboot, -SIGSYS },
	{ "settimeofday", try_settimeofday, -SIGSYS },
	{ "fork", try_fork, EPERM },
	{ "vfork", try_vfork_of_system, ENOSYS },
	{ "clone3", try_clone3, ENOSYS },
	{ "memory of code", try_mmap_code, EPERM },
	{ "memory made code", try_mprotect_code, EPERM },
	{ "the same with a key", try_pkey_mprotect, ENOSYS },
	{ "shared memory", try_shmat, ENOSYS },
	{ "personality", try_personality, ENOSYS },
	{ "keys of the kernel", try_keyring, ENOSYS },
	{ "io_uring", try_io_uring, ENOSYS },
	{ "a file in memory", try_memfd, ENOSYS },
	{ "prctl", try_prctl, ENOSYS },
	{ "chmod", try_chmod, ENOSYS },
	{ "chown", try_chown, ENOSYS },
	{ "link", try_link, ENOSYS },
	{ "mknod", try_mknod, ENOSYS },
	{ "a signal to another process", try_kill_another, EPERM },
	{ "another process's limits", try_limit_another, EPERM },
	{ "AF_NETLINK", try_netlink, ENOSYS },
	{ "AF_PACKET", try_packet, ENOSYS },
	{ "AF_VSOCK", try_vsock, ENOSYS },
	{ "a thread", try_thread, WENT_WELL },
	{ "sockets", try_sockets, WENT_WELL },
	{ "a file", try_read_file, WENT_WELL },
	{ "a temporary folder", try_temporary_folder, WENT_WELL },
	{ "memory", try_memory, WENT_WELL },
	{ "a signal to itself", try_own_signal, WENT_WELL },
	{ "its own limits", try_own_limit, WENT_WELL },
};

static void __attribute__((noreturn)) run_child(const struct row *row)
{
	const struct rlimit no_core = { 0, 0 };
	char storage[256];
	struct tf_buf why;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	tf_buf_init(&why, storage, sizeof(storage));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || tf_confine_daemon(&why) != 0)
		_exit(NOT_CONFINED);
	errno = 0;
	_exit(row->attempt() < 0 ? errno : WENT_WELL);
}

static void
test_daemon(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const pid_t child = fork();
		int status = 0, end;

		assert_true(child >= 0);
		if (child == 0)
			run_child(&rows[i]);
		assert_int_equal(waitpid(child, &status, 0), child);
		end = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
		if (end != rows[i].end)
			fail_msg("%s: ended with %d, not with %d", rows[i].what, end, rows[i].end);
	}
}

#else

static void
test_daemon(void **state)
{
	struct tf_buf why;
	char storage[256];

	(void)state;
	tf_buf_init(&why, storage, sizeof(storage));
	assert_int_equal(tf_confine_daemon(&why), 0); /* and does nothing: a sanitizer runs */
	assert_int_equal(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_daemon) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
