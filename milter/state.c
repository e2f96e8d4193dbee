/*
 * state.c - what the daemon keeps over a restart: remembered DMARC policies, in one file
 *
 * A text file: "truefrom-policies 1", a line for each policy (dmarc_memory.h), "end COUNT". It is
 * written beside the old one, brought to the disk and renamed over it, so that after a crash there
 * is the one or the other.
 * Limits: a file of FILE_MAX bytes that only this user or root can write to, of which
 * TF_DMARC_MEMORY_MAX lines are looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/log.h"
#include "milter/state.h"
#include "truefrom/banned.h"

#define HEAD "truefrom-policies 1"
#define FILE_MAX ((size_t)128 * 1024 * 1024)
#define CHUNK ((size_t)64 * 1024)
#define ROOM (CHUNK + TF_DMARC_FOUND_LINE_MAX + 1) /* written out before it is full */

struct tf_state {
	struct tf_dmarc_memory *memory;
	char *dir, *file, *fresh; /* the folder, the file, and the one that becomes it */
	uint64_t saved;           /* changes of the memory that are in the file */
	bool failing;             /* the last attempt to write it failed, and that was said */
};

static char *
path_in(const char *dir, const char *name)
{
	struct tf_arena *a = tf_arena_new();
	char *path = tf_xstrdup(tf_arena_printf(a, "%s/%s", dir, name));

	tf_arena_free(a);
	return path;
}

struct tf_str
tf_state_folder(struct tf_str dir)
{
	const struct tf_str given = tf_str_from(getenv("STATE_DIRECTORY"));

	if (dir.len == 0)
		dir = tf_str_sub(given, 0, tf_str_find(given, ':'));
	return dir.len != 0 && dir.ptr[0] == '/' ? dir : TF_NONE_STR;
}

struct tf_state *
tf_state_new(struct tf_str dir, struct tf_dmarc_memory *memory)
{
	struct tf_state *s;

	dir = tf_state_folder(dir);
	if (dir.len == 0)
		return NULL;
	s = tf_xcalloc(1, sizeof(*s));
	s->memory = memory;
	s->dir = tf_xstrdup(dir);
	s->file = path_in(s->dir, "policies");
	s->fresh = path_in(s->dir, "policies.new");
	s->saved = tf_dmarc_memory_changes(memory);
	return s;
}

void
tf_state_free(struct tf_state *s)
{
	if (s == NULL)
		return;
	tf_xfree(s->dir);
	tf_xfree(s->file);
	tf_xfree(s->fresh);
	tf_xfree(s);
}

/* "PATH cannot be read: words of the system; consequence" */
static void
warn_errno(int number, const char *path, const char *what, const char *consequence)
{
	char words[160];
	struct tf_buf b;

	tf_buf_init(&b, words, sizeof(words));
	tf_buf_errno(&b, number);
	tf_log(
	    TF_LOG_WARNING, "state_dir: %s %s: %s; %s", path, what, tf_buf_cstr(&b), consequence);
}

/* Whether another user may have written it, or may be writing it now. */
static bool
is_foreign(const struct stat *st)
{
	return (st->st_uid != geteuid() && st->st_uid != 0) ||
	       (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* All of an open file; false with errno set. */
static bool
read_all(int fd, struct tf_arena *a, struct tf_str *text_out)
{
	struct stat st;
	size_t size, len = 0;
	char *bytes;

	if (fstat(fd, &st) != 0)
		return false;
	errno = !S_ISREG(st.st_mode) ? EINVAL : EFBIG;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX)
		return false;
	errno = EPERM;
	if (is_foreign(&st))
		return false;
	size = (size_t)st.st_size;
	bytes = tf_arena_alloc(a, size + 1);
	while (len < size) {
		const ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*text_out = (struct tf_str){ bytes, len };
	return true;
}

static bool
read_file(const char *path, struct tf_arena *a, struct tf_str *text_out)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int error;
	bool ok;

	if (fd < 0)
		return false;
	ok = read_all(fd, a, text_out);
	error = errno;
	(void)close(fd);
	errno = error;
	return ok;
}

/* What a file holds: findings, and how many of its lines are none. */
struct contents {
	struct tf_dmarc_found *list;
	size_t count, bad;
	bool whole; /* its last line says so */
};

static bool
is_end(struct tf_str line, size_t lines)
{
	uint32_t n;

	return tf_str_starts_nocase(line, TF_STR("end ")) &&
	       tf_str_to_u32(tf_str_sub(line, 4, line.len), UINT32_MAX, &n) && n == lines;
}

static struct tf_str
take_line(struct tf_str *rest)
{
	const size_t len = tf_str_find(*rest, '\n');
	const struct tf_str line = tf_str_sub(*rest, 0, len);

	*rest = tf_str_sub(*rest, len + 1, rest->len);
	return line;
}

/* False when it is no file of ours, or of another version. */
static bool
read_lines(struct tf_str text, struct tf_arena *a, struct contents *c)
{
	struct tf_str rest = text;

	*c = (struct contents){ .list = tf_arena_array(a, TF_DMARC_MEMORY_MAX, sizeof(*c->list)) };
	if (!tf_str_eq(take_line(&rest), TF_STR(HEAD)))
		return false;
	/* Behind as many lines as there can be comes the last one. */
	while (rest.len != 0 && !c->whole && c->count + c->bad <= TF_DMARC_MEMORY_MAX) {
		const struct tf_str line = take_line(&rest);

		if (is_end(line, c->count + c->bad))
			c->whole = true;
		else if (c->count < TF_DMARC_MEMORY_MAX && line.len <= TF_DMARC_FOUND_LINE_MAX &&
			 tf_dmarc_found_parse(line, a, &c->list[c->count]))
			c->count++;
		else
			c->bad++;
	}
	return true;
}

static int
by_age(const void *a, const void *b)
{
	const struct tf_dmarc_found *x = a, *y = b;

	return (x->last > y->last) - (x->last < y->last);
}

static void
restore(struct tf_state *s, struct tf_str text, struct tf_arena *a, int64_t now)
{
	struct contents c;

	if (!read_lines(text, a, &c)) {
		tf_log(TF_LOG_WARNING,
		    "state_dir: %s is no file of this version; it will be written anew", s->file);
		return;
	}
	qsort(c.list, c.count, sizeof(*c.list), by_age);
	for (size_t i = 0; i < c.count; i++)
		tf_dmarc_memory_restore(s->memory, &c.list[i], now);
	if (c.bad != 0 || !c.whole)
		tf_log(TF_LOG_WARNING,
		    "state_dir: %s is damaged: %zu of its lines are not readable%s; the other "
		    "%zu are used",
		    s->file, c.bad, c.whole ? "" : ", and its end is missing", c.count);
	tf_log(TF_LOG_INFO, "state_dir: %zu DMARC policies of the last day are remembered",
	    tf_dmarc_memory_count(s->memory));
}

void
tf_state_load(struct tf_state *s, int64_t now)
{
	struct tf_arena *a;
	struct tf_str text;

	if (s == NULL)
		return;
	a = tf_arena_new();
	if (read_file(s->file, a, &text))
		restore(s, text, a, now);
	else if (errno != ENOENT)
		warn_errno(errno, s->file, "cannot be read", "nothing is remembered yet");
	else if (access(s->dir, W_OK | X_OK) != 0)
		warn_errno(
		    errno, s->dir, "cannot be written to", "nothing will be kept over a restart");
	s->saved = tf_dmarc_memory_changes(s->memory);
	tf_arena_free(a);
}

static bool
write_all(int fd, struct tf_str bytes)
{
	while (bytes.len != 0) {
		const ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes = tf_str_sub(bytes, (size_t)n, bytes.len);
	}
	return true;
}

/* Findings as lines. */
static bool
write_batch(int fd, const struct tf_dmarc_found *list, size_t count, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, ROOM);
	for (size_t i = 0; i < count; i++) {
		tf_dmarc_found_write(&list[i], &b);
		tf_buf_byte(&b, '\n');
		if (b.len >= CHUNK) {
			if (!write_all(fd, tf_buf_get(&b)))
				return false;
			tf_buf_clear(&b);
		}
	}
	return write_all(fd, tf_buf_get(&b));
}

static bool
write_policies(int fd, struct tf_dmarc_memory *memory)
{
	struct tf_arena *a = tf_arena_new();
	const struct tf_dmarc_found *list;
	size_t at = 0, count, lines = 0;
	bool ok = write_all(fd, TF_STR(HEAD "\n"));

	while (ok && tf_dmarc_memory_next(memory, &at, a, &list, &count)) {
		ok = write_batch(fd, list, count, a);
		lines += count;
		tf_arena_clear(a);
	}
	ok = ok && write_all(fd, tf_arena_printf(a, "end %zu\n", lines));
	tf_arena_free(a);
	return ok;
}

/* The name is on the disk, too. */
static void
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

/* False with errno set, and the old file as it was. */
static bool
write_file(const struct tf_state *s)
{
	int fd, error;
	bool ok;

	(void)unlink(s->fresh); /* of a process that was killed */
	fd = open(s->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write_policies(fd, s->memory) && fsync(fd) == 0;
	error = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		error = errno;
	}
	if (ok && rename(s->fresh, s->file) != 0) {
		ok = false;
		error = errno;
	}
	if (ok)
		sync_folder(s->dir);
	else
		(void)unlink(s->fresh);
	errno = error;
	return ok;
}

void
tf_state_save(struct tf_state *s)
{
	uint64_t changes;

	if (s == NULL)
		return;
	changes = tf_dmarc_memory_changes(s->memory);
	if (changes == s->saved)
		return;
	if (write_file(s)) {
		s->saved = changes;
		if (s->failing)
			tf_log(TF_LOG_NOTICE, "state_dir: %s is written again", s->file);
		s->failing = false;
		return;
	}
	if (!s->failing)
		warn_errno(errno, s->file, "cannot be written", "work goes on without");
	s->failing = true;
}
