/*
 * test_state.c - what is kept over a restart: the file, damaged ones, a folder that cannot be used
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/log.h"
#include "milter/state.h"
#include "tests/unit/test.h"

#define NOW 1800000000

/* A folder of its own, and standard error, where warnings go, in a file. */
struct bench {
	char dir[64], file[96], fresh[96], log[96];
	int log_fd, old_stderr;
};

static void
bench_start(struct bench *b)
{
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/test_state.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->file, sizeof(b->file), "%s/policies", b->dir);
	(void)snprintf(b->fresh, sizeof(b->fresh), "%s/policies.new", b->dir);
	(void)snprintf(b->log, sizeof(b->log), "%s/log", b->dir);
	b->log_fd = open(b->log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	assert_true(b->log_fd >= 0);
	b->old_stderr = dup(STDERR_FILENO);
	(void)dup2(b->log_fd, STDERR_FILENO);
}

static struct tf_str
read_back(const char *path, char *storage, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, storage, size);
	assert_true(n >= 0 && (size_t)n < size);
	close(fd);
	return (struct tf_str){ storage, (size_t)n };
}

/* Ends it; returns what was logged, in storage. */
static struct tf_str
bench_end(struct bench *b, char *storage, size_t size)
{
	struct tf_str log;

	(void)dup2(b->old_stderr, STDERR_FILENO);
	close(b->old_stderr);
	close(b->log_fd);
	log = read_back(b->log, storage, size);
	(void)chmod(b->dir, 0700);
	(void)unlink(b->file);
	(void)unlink(b->fresh);
	(void)unlink(b->log);
	(void)rmdir(b->dir);
	return log;
}

static bool
says(struct tf_str log, const char *words)
{
	const size_t len = strlen(words);

	for (size_t i = 0; i + len <= log.len; i++) {
		if (memcmp(log.ptr + i, words, len) == 0)
			return true;
	}
	return false;
}

static void
put_file(const char *path, struct tf_str bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
	close(fd);
}

static void
keep(struct tf_dmarc_memory *m, const char *domain, int64_t now)
{
	const struct tf_str name = tf_str_from(domain);
	const struct tf_dmarc_found found = { name, name, name, TF_LIT("v=DMARC1; p=reject"),
		TF_EXISTS_UNKNOWN, 0, 0 };

	tf_dmarc_memory_keep(m, &found, now);
}

/* How many policies a new process finds. */
static size_t
load(const struct bench *b, int64_t now)
{
	struct tf_dmarc_memory *m = tf_dmarc_memory_new();
	struct tf_state *s = tf_state_new(tf_str_from(b->dir), m);
	size_t count;

	tf_state_load(s, now);
	count = tf_dmarc_memory_count(m);
	tf_state_free(s);
	tf_dmarc_memory_free(m);
	return count;
}

static void
test_over_a_restart(void **state)
{
	struct tf_dmarc_memory *m = tf_dmarc_memory_new();
	char log[4096], text[4096];
	struct bench b;
	struct tf_state *s;
	struct stat st;

	(void)state;
	bench_start(&b);
	s = tf_state_new(tf_str_from(b.dir), m);
	tf_state_load(s, NOW);
	/* Nothing to save: no file. */
	tf_state_save(s);
	assert_int_not_equal(access(b.file, F_OK), 0);
	keep(m, "example.com", NOW);
	tf_state_save(s);
	assert_str("the file", read_back(b.file, text, sizeof(text)),
	    TF_STR("truefrom-policies 1\n1800000000 1800000000 - example.com example.com "
		   "example.com v=DMARC1; p=reject\nend 1\n"));
	assert_int_equal(stat(b.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(access(b.fresh, F_OK), 0);
	assert_int_equal(load(&b, NOW + 10), 1);
	assert_int_equal(load(&b, NOW + TF_DMARC_MEMORY_AGE_S + 1), 0);
	/* It is written again only when something has changed. */
	assert_int_equal(unlink(b.file), 0);
	tf_state_save(s);
	assert_int_not_equal(access(b.file, F_OK), 0);
	keep(m, "example.net", NOW);
	tf_state_save(s);
	assert_int_equal(load(&b, NOW), 2);
	tf_state_free(s);
	tf_dmarc_memory_free(m);
	assert_false(says(bench_end(&b, log, sizeof(log)), "warning"));
}

#define HEAD "truefrom-policies 1\n"
#define LINE(d) "1800000000 1800000000 - " d " " d " " d " v=DMARC1; p=reject\n"

/* clang-format off */
static const struct damaged {
	const char *what;
	struct tf_str bytes;
	size_t want;
	const char *warning; /* NULL: none */
} damages[] = {
	{ "whole", TF_LIT(HEAD LINE("a.example") LINE("b.example") "end 2\n"), 2, NULL },
	{ "no policy", TF_LIT(HEAD "end 0\n"), 0, NULL },
	{ "empty", TF_LIT(""), 0, "is no file of this version" },
	{ "another version", TF_LIT("truefrom-policies 2\n" LINE("a.example") "end 1\n"), 0, "is no file of this version" },
	{ "another file", TF_LIT("\x7f" "ELF\0\0\n"), 0, "is no file of this version" },
	{ "cut off behind a line", TF_LIT(HEAD LINE("a.example")), 1, "0 of its lines are not readable, and its end is missing; the other 1 are used" },
	{ "cut off in a line", TF_LIT(HEAD LINE("a.example") "1800000000 180"), 1, "1 of its lines are not readable, and its end is missing" },
	{ "a line of zeros", TF_LIT(HEAD LINE("a.example") "\0\0\0\0\n" LINE("b.example") "end 3\n"), 2, "1 of its lines are not readable; the other 2 are used" },
	{ "another number of lines", TF_LIT(HEAD LINE("a.example") "end 2\n"), 1, "its end is missing" },
	{ "the same domain twice", TF_LIT(HEAD LINE("a.example") LINE("a.example") "end 2\n"), 1, NULL },
};
/* clang-format on */

static void
test_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(damages); i++) {
		const struct damaged *d = &damages[i];
		char text[4096];
		struct tf_str log;
		struct bench b;

		bench_start(&b);
		put_file(b.file, d->bytes);
		assert_num(d->what, load(&b, NOW), d->want);
		log = bench_end(&b, text, sizeof(text));
		assert_num(d->what, says(log, "warning"), d->warning != NULL);
		if (d->warning != NULL && !says(log, d->warning))
			fail_msg("%s: \"%.*s\"", d->what, TF_PRI(log));
	}
}

/* A line that is longer than any that could have been written. */
static void
test_long_line(void **state)
{
	static char bytes[1 << 20];
	char text[4096];
	struct tf_buf out;
	struct bench b;

	(void)state;
	tf_buf_init(&out, bytes, sizeof(bytes));
	tf_buf_lit(&out, HEAD "1800000000 1800000000 - a.example a.example a.example v=DMARC1; x=");
	while (out.len < sizeof(bytes) - 100)
		tf_buf_byte(&out, 'x');
	tf_buf_lit(&out, "\n" LINE("b.example") "end 2\n");
	assert_false(out.overflow);
	bench_start(&b);
	put_file(b.file, tf_buf_get(&out));
	assert_int_equal(load(&b, NOW), 1);
	assert_true(says(bench_end(&b, text, sizeof(text)), "1 of its lines are not readable;"));
}

/* As many lines as there can be, and then the end, or more of them: those are not looked at. */
static void
test_many_lines(void **state)
{
	static char bytes[TF_DMARC_MEMORY_MAX + 1000];
	char text[4096];
	struct tf_buf out;
	struct bench b;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		tf_buf_init(&out, bytes, sizeof(bytes));
		tf_buf_lit(&out, HEAD LINE("a.example"));
		for (size_t i = 1; i < TF_DMARC_MEMORY_MAX; i++)
			tf_buf_byte(&out, '\n');
		tf_buf_lit(&out, more != 0 ? "\n" LINE("b.example") "end 50002\n" : "end 50000\n");
		assert_false(out.overflow);
		bench_start(&b);
		put_file(b.file, tf_buf_get(&out));
		assert_int_equal(load(&b, NOW), 1);
		assert_true(says(bench_end(&b, text, sizeof(text)),
		    more != 0 ? "50000 of its lines are not readable, and its end is missing;"
			      : "49999 of its lines are not readable;"));
	}
}

/* Whoever could write it could say what a domain's policy is while its DNS fails. */
/* FILE_MAX: a file with a hole in it, of which not a byte is read. */
static void
test_large_file(void **state)
{
	const off_t file_max = (off_t)128 << 20;
	struct bench b;
	char text[4096];

	(void)state;
	bench_start(&b);
	put_file(b.file, TF_STR(HEAD LINE("a.example")));
	assert_int_equal(truncate(b.file, file_max + 1), 0);
	assert_int_equal(load(&b, NOW), 0);
	assert_true(says(bench_end(&b, text, sizeof(text)), "cannot be read: File too large; "));
}

static void
test_foreign_file(void **state)
{
	static const struct {
		mode_t mode;
		bool given_away;
		size_t want;
	} cases[] = { { 0600, false, 1 }, { 0644, false, 1 }, { 0620, false, 0 },
		{ 0602, false, 0 }, { 0644, true, 0 } };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(cases); i++) {
		char text[4096];
		struct bench b;

		bench_start(&b);
		put_file(b.file, TF_STR(HEAD LINE("a.example") "end 1\n"));
		assert_int_equal(chmod(b.file, cases[i].mode), 0);
		/* Only root can give a file away. */
		if (!cases[i].given_away || chown(b.file, 12345, 12345) == 0)
			assert_int_equal(load(&b, NOW), cases[i].want);
		assert_int_equal(says(bench_end(&b, text, sizeof(text)), "warning: state_dir: "),
		    cases[i].want == 0 && (!cases[i].given_away || geteuid() == 0));
	}
}

/* No folder, a file that is a folder, a link to another file: a warning each, and no more. */
static void
test_cannot_be_used(void **state)
{
	struct tf_dmarc_memory *m = tf_dmarc_memory_new();
	char text[8192], victim[128];
	struct tf_state *s;
	struct tf_str log;
	struct bench b;

	(void)state;
	bench_start(&b);
	(void)snprintf(victim, sizeof(victim), "%s/gone", b.dir);
	s = tf_state_new(tf_str_from(victim), m);
	tf_state_load(s, NOW);
	keep(m, "example.com", NOW);
	tf_state_save(s);
	tf_state_save(s); /* said once */
	assert_int_equal(mkdir(victim, 0700), 0);
	tf_state_save(s);
	tf_state_free(s);
	assert_int_equal(symlink(b.log, b.file), 0);
	assert_int_equal(load(&b, NOW), 0);
	assert_int_equal(unlink(b.file), 0);
	assert_int_equal(mkdir(b.file, 0700), 0);
	assert_int_equal(load(&b, NOW), 0);
	assert_int_equal(rmdir(b.file), 0);
	(void)snprintf(text, sizeof(text), "%s/policies", victim);
	assert_int_equal(unlink(text), 0);
	assert_int_equal(rmdir(victim), 0);
	log = bench_end(&b, text, sizeof(text));
	assert_true(says(log, "/gone cannot be written to: No such file or directory; nothing "
			      "will be kept over a restart"));
	assert_true(says(log, "/gone/policies cannot be written: No such file or directory; work "
			      "goes on without"));
	assert_true(says(log, "/gone/policies is written again"));
	assert_true(says(log, "/policies cannot be read: "));
	tf_dmarc_memory_free(m);
}

static void
test_disk_full(void **state)
{
	struct tf_dmarc_memory *m = tf_dmarc_memory_new();
	char text[4096];
	struct tf_state *s;
	struct bench b;

	(void)state;
	bench_start(&b);
	s = tf_state_new(tf_str_from(b.dir), m);
	keep(m, "example.com", NOW);
	tf_state_save(s);
	/* Writing beside it fails: the old one stays. */
	assert_int_equal(mkdir(b.fresh, 0700), 0);
	keep(m, "example.net", NOW);
	tf_state_save(s);
	assert_int_equal(load(&b, NOW), 1);
	assert_int_equal(rmdir(b.fresh), 0);
	tf_state_save(s);
	assert_int_equal(load(&b, NOW), 2);
	tf_state_free(s);
	tf_dmarc_memory_free(m);
	assert_true(says(bench_end(&b, text, sizeof(text)), "cannot be written: "));
}

static void
test_where(void **state)
{
	struct tf_dmarc_memory *m = tf_dmarc_memory_new();
	struct tf_state *s;
	struct bench b;
	char text[4096];

	(void)state;
	bench_start(&b);
	assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
	assert_null(tf_state_new(TF_NONE_STR, m));
	assert_int_equal(setenv("STATE_DIRECTORY", "relative", 1), 0);
	assert_null(tf_state_new(TF_NONE_STR, m));
	(void)snprintf(text, sizeof(text), "%s:/nowhere", b.dir);
	assert_int_equal(setenv("STATE_DIRECTORY", text, 1), 0);
	s = tf_state_new(TF_NONE_STR, m);
	assert_non_null(s);
	keep(m, "example.com", NOW);
	tf_state_save(s);
	assert_int_equal(access(b.file, F_OK), 0);
	tf_state_free(s);
	/* NULL does nothing. */
	tf_state_load(NULL, NOW);
	tf_state_save(NULL);
	tf_state_free(NULL);
	assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
	tf_dmarc_memory_free(m);
	(void)bench_end(&b, text, sizeof(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over_a_restart),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_foreign_file),
		cmocka_unit_test(test_cannot_be_used),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
