/*
 * truefromd.c - main of the daemon
 *
 * Start: block signals; configuration; socket with its mode and owner; into the background; PID
 * file; privileges and most system calls dropped for good; resolver; libmilter in a second thread;
 * ready. Then the main thread waits for signals, which reach it before libmilter's own signal
 * thread: USR1 (and HUP) reloads, TERM and INT stop.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "autoconf.h"
#include "milter/config_parse.h"
#include "milter/confine.h"
#include "milter/confine_files.h"
#include "milter/mfi.h"
#include "milter/on_error.h"
#include "milter/process.h"
#include "milter/state.h"
#include "milter/watchdog.h"
#include "truefrom/explain.h"
#include "truefrom/banned.h"

#define TEXT_MAX ((size_t)64 * 1024)
#define TRIM_S 10      /* free memory is given back that often */
#define SAVE_ROUNDS 30 /* and after so many of these, the state is saved */
#define ANSWER_MS 500

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_WRONG_USAGE = 2, EXIT_OPERATION = 3 };

struct options {
	const char *config_path; /* NULL: defaults only */
	bool foreground, test;
};

static void
usage(FILE *out)
{
	fputs("usage: truefromd [-c FILE] [-f] [-t] [-V] [-h]\n"
	      "  -c FILE  configuration (default: " SYSCONFDIR "/truefrom/truefrom.conf)\n"
	      "  -f       stay in the foreground, log to stderr\n"
	      "  -t       check the configuration and exit\n"
	      "  -V       version and libraries\n"
	      "  -h       this text\n",
	    out);
}

static void
print_version(void)
{
	char storage[512];
	struct tf_buf libraries;

	tf_buf_init(&libraries, storage, sizeof(storage));
	tf_check_versions(&libraries);
	tf_buf_printf(&libraries, ", libconfuse %s, jansson %s", tf_config_library_version(),
	    tf_explain_library_version());
	printf(
	    "truefromd %s\n%s, %s\n", PACKAGE_VERSION, tf_mfi_version(), tf_buf_cstr(&libraries));
}

/* Fills opts; returns -1 to go on, else the exit code. */
static int
read_options(int argc, char **argv, struct options *opts)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:fthV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opts->config_path = optarg;
			break;
		case 'f':
			opts->foreground = true;
			break;
		case 't':
			opts->test = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'V':
			print_version();
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_WRONG_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return EXIT_WRONG_USAGE;
	}
	return -1;
}

/* The same file after a change to another folder. */
static const char *
from_the_root(const char *path)
{
	static char absolute[2 * PATH_MAX];
	char here[PATH_MAX];

	if (path == NULL || path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return path;
	(void)snprintf(absolute, sizeof(absolute), "%s/%s", here, path);
	return absolute;
}

static struct tf_config *
load(struct options *opts, int *exit_code_out)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf why, warn;
	bool unreadable = false;
	struct tf_config *config;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	tf_buf_init_arena(&warn, a, TEXT_MAX);
	opts->config_path = tf_config_choose_path(opts->config_path, &warn);
	config = tf_config_load(opts->config_path, &why, &warn, &unreadable);
	tf_log_complain("truefromd: warning", &warn);
	tf_log_complain("truefromd", &why);
	*exit_code_out = unreadable ? EXIT_OPERATION : EXIT_FAILED;
	tf_arena_free(a);
	return config;
}

/* What signals ask for; whoever sets one posts, and the main thread waits. */
static atomic_bool asked_to_stop, asked_to_reload;
static sem_t asked;

static void
on_signal(int number)
{
	const int before = errno;

	if (number == SIGTERM || number == SIGINT)
		atomic_store(&asked_to_stop, true);
	else
		atomic_store(&asked_to_reload, true);
	(void)sem_post(&asked);
	errno = before;
}

static void
block_signals(sigset_t *set_out)
{
	sigemptyset(set_out);
	sigaddset(set_out, SIGHUP);
	sigaddset(set_out, SIGINT);
	sigaddset(set_out, SIGTERM);
	sigaddset(set_out, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, set_out, NULL);
}

/*
 * From now on signals are taken here. libmilter, which is started after this, has a thread that
 * waits for HUP, TERM and INT, too, and would end every session at once; the kernel gives them to
 * the main thread as long as that can take them, so it never blocks them again, whatever it is
 * doing. (With sigwait it would between two waits.)
 */
static void
catch_signals(const sigset_t *set)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1 };
	struct sigaction action = {
		.sa_handler = on_signal, .sa_mask = *set, .sa_flags = SA_RESTART
	};

	if (sem_init(&asked, 0, 0) != 0)
		tf_panic("no semaphore for signals");
	for (size_t i = 0; i < TF_ARRAY_LEN(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	(void)pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

/* libmilter ended by itself: no orderly end. */
static atomic_bool gave_up;

static void *
serve(void *arg)
{
	sigset_t set;
	int rc;

	/* They are the main thread's; the threads that libmilter makes inherit this. */
	block_signals(&set);
	rc = tf_mfi_run(arg);
	if (rc != 0 && !atomic_load(&asked_to_stop)) {
		atomic_store(&gave_up, true);
		tf_log(TF_LOG_ERROR, "libmilter gave up; ending");
	}
	/* Whoever waits for signals learns that there is nothing left to serve. */
	(void)kill(getpid(), SIGTERM);
	return NULL;
}

/* What was done so far, on a reload and at the end. */
static void
say_sums(const char *when)
{
	char storage[256];
	struct tf_buf sums;

	tf_buf_init(&sums, storage, sizeof(storage));
	tf_on_error_write(&sums);
	tf_log(TF_LOG_NOTICE, "%s: %s", when, tf_buf_cstr(&sums));
}

static void
warn_of_little_room(uint32_t connections)
{
	const uint32_t room = tf_connections_room();

	if (room < connections)
		tf_log(TF_LOG_WARNING,
		    "limits.connections is %u, but the limit of open files leaves room for %u",
		    connections, room);
}

static void
reload(struct tf_current *current, const char *path)
{
	struct tf_snapshot old = tf_current_take(current);
	struct tf_arena *a = tf_arena_new();
	struct tf_buf why, warn, fixed;
	struct tf_config *fresh;
	bool unreadable;

	tf_supervisor_reloading();
	tf_buf_init_arena(&why, a, TEXT_MAX);
	tf_buf_init_arena(&warn, a, TEXT_MAX);
	tf_buf_init_arena(&fixed, a, TEXT_MAX);
	fresh = tf_config_load(path, &why, &warn, &unreadable);
	if (fresh != NULL) {
		tf_config_keep_fixed(old.config, fresh, &fixed);
		if (fixed.len != 0)
			tf_log(TF_LOG_WARNING, "reload: a restart is needed for %.*s",
			    TF_PRI(tf_buf_get(&fixed)));
		/* The snapshot may go with the last message that holds it: copy what is needed. */
		const struct tf_log_opts log_opts = fresh->log;

		if (tf_current_replace(current, fresh, &why)) {
			tf_log_configure(&log_opts);
			tf_log_lines(TF_LOG_WARNING, &warn);
			warn_of_little_room(tf_current_connections(current));
			say_sums("reload");
			tf_log(TF_LOG_NOTICE, "reload: the new configuration is in force");
		}
	}
	if (why.len != 0) {
		tf_log_lines(TF_LOG_ERROR, &why);
		tf_log(TF_LOG_ERROR, "reload: failed; the old configuration stays in force");
	}
	tf_snapshot_release(&old);
	tf_arena_free(a);
	tf_supervisor_notify("READY=1");
}

/*
 * Let the messages in work end: at most the deadline and 5 s. libmilter sends their answers when we
 * are done with them already, and says nothing about it; so who is still connected has ANSWER_MS.
 */
static void
drain(struct tf_current *current)
{
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	struct tf_snapshot now = tf_current_take(current);
	const uint32_t rounds = (now.config->check.deadline_ms + 5000) / 20;

	tf_snapshot_release(&now);
	tf_mfi_stop_listening();
	for (uint32_t i = 0; i < rounds && tf_mfi_messages_in_work() != 0; i++)
		(void)nanosleep(&pause, NULL);
	for (uint32_t i = 0; i < ANSWER_MS / 20 && tf_mfi_connections() != 0; i++)
		(void)nanosleep(&pause, NULL);
}

static void
still_alive(void)
{
	tf_supervisor_notify("WATCHDOG=1");
}

static void
wait_for_signals(struct tf_current *current, const char *path, struct tf_state *kept)
{
	for (uint32_t round = 1; !atomic_load(&asked_to_stop); round++) {
		struct timespec until = { .tv_sec = time(NULL) + TRIM_S };
		bool save = round % SAVE_ROUNDS == 0;

		/* Ends early when the handler ran in this thread: then there is something to see.
		 */
		(void)sem_timedwait(&asked, &until);
		if (!atomic_load(&asked_to_stop) && atomic_exchange(&asked_to_reload, false)) {
			reload(current, path);
			save = true;
		}
		tf_heap_trim();
		if (!atomic_load(&asked_to_stop) && save)
			tf_state_save(kept);
	}
	tf_supervisor_notify("STOPPING=1");
	tf_log(TF_LOG_NOTICE, "stopping: %u messages in work", tf_mfi_messages_in_work());
	drain(current);
	say_sums("stopping");
	tf_state_save(kept);
}

/* Socket, background, PID file, privileges: everything that needs root or the terminal. */
static int
prepare(const struct tf_config *config, const struct options *opts, struct tf_buf *why)
{
	struct tf_account account;
	struct tf_mfi_opts mfi = { config->socket, { 0, 0 }, config->idle_timeout_s };

	if (tf_account_find(config->user, &account, why) != 0)
		return -1;
	mfi.owner.uid = account.uid;
	mfi.owner.gid = account.gid;
	if (tf_group_find(config->socket_group, &mfi.owner.gid, why) != 0)
		return -1;
	/* A socket has its mode from the start; a chmod would follow a link in its place. */
	umask((mode_t)~config->socket_mode & 0777);
	if (tf_mfi_open(&mfi, why) != 0)
		return -1;
	umask(0022);
	if (!opts->foreground && tf_process_background(why) != 0)
		return -1;
	if (tf_pid_file_write(config->pid_file, &account, why) != 0)
		return -1;
	if (config->user.len != 0 && geteuid() != 0)
		tf_log(TF_LOG_NOTICE, "user: not started as root, so it stays as it is");
	return tf_process_drop(&account, why);
}

/* The folder of an absolute name, or "". */
static struct tf_str
folder_of(struct tf_str name)
{
	const size_t slash = tf_str_rfind(name, '/');

	if (name.len == 0 || name.ptr[0] != '/')
		return TF_NONE_STR;
	return tf_str_sub(name, 0, slash != 0 ? slash : 1);
}

/* Files are written for the state, at the end of PID file and socket, and for dns.zone on a reload
 * (policy/dns_zone.c). Where the kernel cannot see to it, the user's rights have to do. */
static void
shut_in_files(const struct tf_config *config)
{
	const struct tf_str socket =
	    tf_str_sub(config->socket, tf_str_find(config->socket, ':') + 1, config->socket.len);
	const struct tf_str wanted[] = { tf_state_folder(config->state_dir),
		folder_of(config->pid_file), folder_of(socket), TF_STR("/tmp") };
	struct tf_str folders[TF_ARRAY_LEN(wanted)];
	size_t count = 0;

	for (size_t i = 0; i < TF_ARRAY_LEN(wanted); i++) {
		if (wanted[i].len != 0)
			folders[count++] = wanted[i];
	}
	if (!tf_confine_files(folders, count))
		tf_log(TF_LOG_DEBUG, "sandbox: this kernel does not keep us to our folders");
}

/* From now on no code is loaded and no user or host looked up. The name of this host is in a. */
static int
shut_in(const struct tf_config *config, struct tf_arena *a, struct tf_str *host_name_out,
    struct tf_buf *why)
{
	*host_name_out = tf_host_name(a);
	tf_check_prepare();
	if (!config->sandbox)
		return 0;
	shut_in_files(config);
	if (tf_confine_daemon(why) == 0)
		return 0;
	tf_buf_lit(why, "; sandbox = false does without");
	return -1;
}

static int
run(struct tf_config *config, const struct options *opts, struct tf_arena *a)
{
	struct tf_dmarc_memory *memory;
	struct tf_state *kept;
	struct tf_current *current;
	struct tf_str pid_file, host_name;
	pthread_t server;
	struct tf_buf why;
	sigset_t set;
	bool stopped;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	block_signals(&set);
	/* A log that cannot be written to, and a file over the limit, are no reason to end. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (prepare(config, opts, &why) != 0) {
		tf_log_complain("truefromd", &why);
		tf_config_release(config);
		return EXIT_OPERATION;
	}
	pid_file = tf_arena_dup(a, config->pid_file);
	if (shut_in(config, a, &host_name, &why) != 0) {
		tf_log_complain("truefromd", &why);
		tf_pid_file_remove(pid_file);
		tf_config_release(config);
		return EXIT_OPERATION;
	}
	memory = tf_dmarc_memory_new();
	kept = tf_state_new(config->state_dir, memory);
	current = tf_current_new(config, host_name, &why);
	if (current == NULL) {
		tf_log_complain("truefromd", &why);
		tf_pid_file_remove(pid_file);
		tf_state_free(kept);
		tf_dmarc_memory_free(memory);
		return EXIT_OPERATION;
	}
	tf_state_load(kept, (int64_t)time(NULL));
	tf_current_set_memory(current, memory);
	catch_signals(&set);
	warn_of_little_room(tf_current_connections(current));
	if (!tf_watchdog_start(current, still_alive))
		tf_log(TF_LOG_WARNING, "no thread can be made for the watchdog; there is none");
	if (pthread_create(&server, NULL, serve, current) != 0) {
		tf_log(TF_LOG_ERROR, "no thread can be made for libmilter; ending");
		tf_pid_file_remove(pid_file);
		return EXIT_OPERATION;
	}
	tf_log(TF_LOG_NOTICE, "truefromd %s ready", PACKAGE_VERSION);
	tf_process_ready();
	tf_supervisor_notify("READY=1");
	wait_for_signals(current, opts->config_path, kept);
	stopped = tf_mfi_stop();
	if (stopped)
		(void)pthread_join(server, NULL);
	tf_state_free(kept);
	tf_pid_file_remove(pid_file);
	tf_log(TF_LOG_NOTICE, "stopped");
	/* Workers of libmilter may still be about: nothing that they use is taken from under them.
	 */
	if (!stopped || tf_mfi_messages_in_work() != 0)
		_exit(EXIT_OK);
	return atomic_load(&gave_up) ? EXIT_OPERATION : EXIT_OK;
}

int
main(int argc, char **argv)
{
	static char program[] = "truefromd";
	struct options opts = { 0 };
	struct tf_config *config;
	struct tf_arena *a;
	int code;

	if (argc > 0)
		argv[0] = program; /* what getopt complains as */
	tf_process_fill_standard();
	tf_process_raise_files();
	tf_heap_prepare();
	code = read_options(argc, argv, &opts);
	if (code >= 0)
		return code;
	config = load(&opts, &code);
	if (config == NULL)
		return code;
	if (opts.test) {
		tf_config_release(config);
		return EXIT_OK;
	}
	opts.config_path = from_the_root(opts.config_path);
	tf_log_open("truefromd", opts.foreground);
	tf_log_configure(&config->log);
	a = tf_arena_new();
	code = run(config, &opts, a);
	tf_arena_free(a);
	return code;
}
