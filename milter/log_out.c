/*
 * log_out.c - where lines of the log go: to stderr or to syslog, without standing there
 *
 * Only user of syslog.h. A pipe that nobody reads, or a syslogd that hangs, makes write(2) and
 * syslog(3) wait for good, and every message with them; mail does not stop for its log. So lines
 * for syslogd are sent from here, as RFC 3164 has them, and each line waits no longer than for what
 * its reader needs when it lives.
 * Limits: a line of LINE_MAX_BYTES; beyond, it is cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "milter/log_out.h"
#include "truefrom/banned.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define PATIENCE_MS 100
#define SLICE ((size_t)PIPE_BUF) /* what a pipe takes whole, if it takes anything */

static struct {
	pthread_mutex_t lock;
	const char *program;
	bool to_stderr, to_journal; /* the journal, by stderr */
	bool stream;                /* how syslogd listens; mostly for datagrams */
	bool cut;                   /* the last line on a stream was not written to its end */
	int syslog_fd;              /* -1: none */
	unsigned long long lost;    /* lines, since one was taken */
	char line[LINE_MAX_BYTES];
} out = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .program = "truefrom", .to_stderr = true, .syslog_fd = -1
};

static const struct {
	int priority;
	const char *word; /* before the text on stderr */
	const char *mark; /* the priority, as the journal takes it there */
} levels[] = {
	[TF_LOG_ERROR] = { LOG_ERR, "error: ", "<3>" },
	[TF_LOG_WARNING] = { LOG_WARNING, "warning: ", "<4>" },
	[TF_LOG_NOTICE] = { LOG_NOTICE, "", "<5>" },
	[TF_LOG_INFO] = { LOG_INFO, "", "<6>" },
	[TF_LOG_DEBUG] = { LOG_DEBUG, "", "<7>" },
};

static const int facilities[] = {
	[TF_FACILITY_MAIL] = LOG_MAIL,
	[TF_FACILITY_DAEMON] = LOG_DAEMON,
	[TF_FACILITY_USER] = LOG_USER,
	[TF_FACILITY_LOCAL0] = LOG_LOCAL0,
	[TF_FACILITY_LOCAL1] = LOG_LOCAL1,
	[TF_FACILITY_LOCAL2] = LOG_LOCAL2,
	[TF_FACILITY_LOCAL3] = LOG_LOCAL3,
	[TF_FACILITY_LOCAL4] = LOG_LOCAL4,
	[TF_FACILITY_LOCAL5] = LOG_LOCAL5,
	[TF_FACILITY_LOCAL6] = LOG_LOCAL6,
	[TF_FACILITY_LOCAL7] = LOG_LOCAL7,
};

/* systemd says which device and inode the journal's stream has, since stderr may lead elsewhere. */
static bool
stderr_is_journal(void)
{
	const char *said = getenv("JOURNAL_STREAM");
	struct stat st;
	char have[64];

	if (said == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(have, sizeof(have), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(said, have) == 0;
}

static void
hang_up(void)
{
	if (out.syslog_fd >= 0)
		(void)close(out.syslog_fd);
	out.syslog_fd = -1;
	out.cut = false;
}

/* Whether there is a connection to syslogd. */
static bool
dial(void)
{
	static const struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };

	for (size_t i = 0; out.syslog_fd < 0 && i < TF_ARRAY_LEN(types); i++) {
		out.syslog_fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		out.stream = types[i] == SOCK_STREAM;
		if (out.syslog_fd >= 0 &&
		    connect(out.syslog_fd, (const struct sockaddr *)&un, sizeof(un)) != 0)
			hang_up();
	}
	return out.syslog_fd >= 0;
}

void
tf_log_out_open(const char *program, bool to_stderr)
{
	pthread_mutex_lock(&out.lock);
	out.program = program;
	out.to_stderr = to_stderr;
	out.to_journal = to_stderr && stderr_is_journal();
	if (!to_stderr) {
		(void)dial();
		/* For what libraries say there; what is no trouble is not worth waiting for. */
		openlog(program, LOG_PID, LOG_MAIL);
	}
	(void)setlogmask(LOG_UPTO(LOG_WARNING));
	pthread_mutex_unlock(&out.lock);
}

/* Whether fd takes something now, or soon. An error is for who writes to it. */
static bool
takes(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLOUT };
	int ready;

	do {
		ready = poll(&one, 1, out.lost != 0 ? 0 : PATIENCE_MS);
	} while (ready < 0 && errno == EINTR);
	return ready != 0;
}

/* False with errno set: not all of it was taken. */
static bool
write_all(int fd, struct tf_str bytes, size_t slice)
{
	while (bytes.len != 0) {
		ssize_t n;

		errno = EAGAIN;
		if (!takes(fd))
			return false;
		n = write(fd, bytes.ptr, bytes.len < slice ? bytes.len : slice);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		out.cut = true;
		bytes = tf_str_sub(bytes, (size_t)n, bytes.len);
	}
	out.cut = false;
	return true;
}

/* False when it is lost for want of a reader; without a place to go it is not there to be lost. */
static bool
to_stderr(enum tf_log_level level, struct tf_str text)
{
	struct tf_buf b;

	tf_buf_init(&b, out.line, sizeof(out.line) - 1);
	tf_buf_lit(&b, out.cut ? "\n" : "");
	if (out.to_journal)
		tf_buf_lit(&b, levels[level].mark);
	else
		tf_buf_printf(&b, "%s: %s", out.program, levels[level].word);
	tf_buf_str(&b, text);
	out.line[b.len++] = '\n';
	return write_all(STDERR_FILENO, (struct tf_str){ out.line, b.len }, SLICE) ||
	       errno != EAGAIN;
}

static bool
to_syslog(enum tf_log_level level, enum tf_log_facility facility, struct tf_str text)
{
	const time_t now = time(NULL);
	char date[32] = "";
	struct tm tm;
	struct tf_buf b;
	bool done, stands;

	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%b %e %H:%M:%S", &tm);
	tf_buf_init(&b, out.line, sizeof(out.line) - 1);
	tf_buf_printf(&b, "<%d>%s %s[%ld]: ", facilities[facility] | levels[level].priority, date,
	    out.program, (long)getpid());
	tf_buf_str(&b, text);
	/* One that was started again is asked once more. */
	for (int attempt = 0; attempt < 2 && dial(); attempt++) {
		const size_t len = b.len + (out.stream ? 1 : 0);

		out.line[b.len] = '\0'; /* the end of a line in a stream */
		done = write_all(
		    out.syslog_fd, (struct tf_str){ out.line, len }, out.stream ? SLICE : len);
		stands = !done && errno == EAGAIN;
		if (!done && (!stands || out.cut))
			hang_up();
		if (done || stands)
			return done;
	}
	return true;
}

static bool
put(enum tf_log_level level, enum tf_log_facility facility, struct tf_str text)
{
	return out.to_stderr ? to_stderr(level, text) : to_syslog(level, facility, text);
}

/* What was lost; true when there is nothing left to say about it. */
static bool
tell_lost(enum tf_log_facility facility)
{
	char storage[96];
	struct tf_buf b;

	if (out.lost == 0)
		return true;
	tf_buf_init(&b, storage, sizeof(storage));
	tf_buf_printf(&b, "nobody took the lines of this log: %llu of them are lost", out.lost);
	if (!put(TF_LOG_WARNING, facility, tf_buf_get(&b)))
		return false;
	out.lost = 0;
	return true;
}

void
tf_log_out(enum tf_log_level level, enum tf_log_facility facility, struct tf_str text)
{
	pthread_mutex_lock(&out.lock);
	if (!tell_lost(facility) || !put(level, facility, text))
		out.lost++;
	pthread_mutex_unlock(&out.lock);
}
