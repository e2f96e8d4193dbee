/*
 * verify.c - what each of our verifiers says of many messages, in one process
 *
 * usage: verify ZONE SERVER <FILES: one name a line; per file one line of JSON goes out:
 *
 *	{"shipped": [RESULT...], "own": [...], "library": [...], "arc": RESULT, "oldest_pass": N}
 *
 * shipped is the whole check as the milter runs it; own and library have one verifier decide every
 * signature. Keys come from the file ZONE, other names are asked of SERVER. Messages have CRLF.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/dkim.h"
#include "policy/signed_message.h"
#include "truefrom/key_cache.h"

#define MEMORY_MAX ((uint64_t)256 << 20)
#define CHUNK ((size_t)65535)

static const struct tf_check_opts check_opts = {
	.spf = { .max_dns_terms = 10, .max_void_lookups = 2 },
	.dkim = { .max_signatures = 10, .min_rsa_bits = 1024, .clock_skew_s = 300 },
	.arc = { .verify = true },
	.dmarc = { .enabled = true, .max_author_domains = 10 },
	.dns = { .max_questions = 400 }, /* 50 sets take 100 */
	.deadline_ms = 20000,
	.max_headers = 4000,
	.max_header_bytes = (uint64_t)4 << 20,
	.max_memory = MEMORY_MAX,
};

struct verifiers {
	struct tf_resolver *resolver;
	struct tf_key_cache *keys;
	int64_t now;
};

/* What takes the fields and the body of a message: one of the two below. */
struct sink {
	struct tf_header_block *hb;
	struct tf_check *check;
};

static void
die(const char *what)
{
	fprintf(stderr, "verify: %s\n", what);
	exit(3);
}

static struct tf_str
read_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct tf_str text;
	char *bytes;
	long size;

	if (in == NULL || fseek(in, 0, SEEK_END) != 0)
		die(path);
	size = ftell(in);
	rewind(in);
	bytes = malloc((size_t)size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)size, in) != (size_t)size)
		die(path);
	(void)fclose(in);
	text = (struct tf_str){ bytes, (size_t)size };
	return text;
}

/* The end of the field that text begins with, without its CRLF. */
static size_t
field_end(struct tf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (tf_str_eq(tf_str_sub(text, i, 2), TF_STR("\r\n")) &&
		    (text.len == i + 2 || !tf_is_wsp(text.ptr[i + 2])))
			return i;
	}
	return text.len;
}

/* Fields go into the sink; returns the body. */
static struct tf_str
split(struct tf_str message, const struct sink *to)
{
	while (message.len != 0 && !tf_str_starts_nocase(message, TF_STR("\r\n"))) {
		size_t end = field_end(message), colon = tf_str_find(message, ':');
		struct tf_str name, value;

		if (colon >= end)
			die("a line of a header that is no field");
		/* Postfix too takes the blanks before a colon away. */
		name = tf_str_sub(message, 0, colon);
		value = tf_str_sub(message, colon + 1, end - colon - 1);
		if (to->check != NULL)
			(void)tf_check_header(to->check, name, value);
		else
			(void)tf_header_block_add(to->hb, name, value);
		message = tf_str_sub(message, end + 2, message.len);
	}
	return tf_str_sub(message, 2, message.len);
}

static void
show(const char *name, const struct tf_dkim *dkim, size_t count)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\"", i == 0 ? "" : ", ", tf_code_name(dkim[i].code));
	printf("]");
}

static void
run_shipped(const struct verifiers *v, struct tf_str message)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_check_opts opts = check_opts;
	const struct tf_identity id = { .now = v->now, .smtputf8 = true };
	const struct tf_result *result;
	struct sink to = { 0 };
	struct tf_str body;

	opts.keys = v->keys;
	to.check = tf_check_begin(a, v->resolver, &opts, &id);
	body = split(message, &to);
	tf_check_eoh(to.check);
	for (size_t i = 0; i < body.len; i += CHUNK)
		tf_check_body(to.check, tf_str_sub(body, i, CHUNK));
	result = tf_check_finish(to.check, NULL, NULL);
	if (tf_check_too_big(to.check) != NULL)
		die(tf_check_too_big(to.check));
	show("shipped", result->dkim, result->dkim_count);
	printf(", \"arc\": \"%s\", \"oldest_pass\": %u", tf_code_name(result->arc.code),
	    (unsigned int)result->arc.oldest_pass);
	tf_arena_free(a);
}

static void
run_alone(const struct verifiers *v, struct tf_str message, enum tf_verifier_kind kind)
{
	static const struct tf_str domains[] = { TF_LIT("example.com") };
	const struct tf_author authors = { .domains = domains, .domain_count = 1 };
	const struct tf_header_limits limits = { check_opts.max_headers,
		check_opts.max_header_bytes };
	struct tf_arena *a = tf_arena_new();
	struct tf_dns *dns = tf_dns_begin(v->resolver, &check_opts.dns);
	struct tf_notes notes = { 0 };
	struct tf_header_block hb;
	const struct sink to = { .hb = &hb };
	struct tf_signed_message *m;
	const struct tf_dkim *dkim;
	struct tf_dkim_check *c;
	struct tf_str body;
	size_t count;

	tf_header_block_init(&hb, a, &limits);
	body = split(message, &to);
	m = tf_signed_message_new(a, &hb, v->keys);
	c = tf_dkim_start(a, dns, &check_opts.dkim, m, &authors, v->now, kind);
	for (size_t i = 0; i < body.len; i += CHUNK)
		tf_body_hashes_feed(tf_signed_message_body(m), tf_str_sub(body, i, CHUNK));
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_dkim_eval(c, &notes, &dkim, &count);
	show(kind == TF_VERIFIER_OWN ? "own" : "library", dkim, count);
	tf_dns_end(dns);
	tf_arena_free(a);
}

static void
run(const struct verifiers *v, const char *path)
{
	struct tf_str message = read_file(path);

	printf("{");
	run_shipped(v, message);
	printf(", ");
	run_alone(v, message, TF_VERIFIER_OWN);
	printf(", ");
	run_alone(v, message, TF_VERIFIER_LIBRARY);
	printf("}\n");
	free((void *)(uintptr_t)message.ptr);
}

int
main(int argc, char **argv)
{
	char storage[512], line[4096];
	struct verifiers v;
	struct tf_resolver_opts opts;
	struct tf_str server;
	struct tf_buf why;

	if (argc != 3)
		die("usage: verify ZONE SERVER <FILES");
	tf_buf_init(&why, storage, sizeof(storage));
	server = tf_str_from(argv[2]);
	opts = (struct tf_resolver_opts){ .servers = &server,
		.server_count = 1,
		.timeout_ms = 5000,
		.cache = true,
		.cache_bytes = (uint64_t)32 << 20,
		.zone_file = tf_str_from(argv[1]) };
	v.resolver = tf_resolver_new(&opts, &why);
	if (v.resolver == NULL)
		die(tf_buf_cstr(&why));
	v.keys = tf_key_cache_new();
	v.now = (int64_t)time(NULL);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		run(&v, line);
	}
	tf_resolver_release(v.resolver);
	tf_key_cache_free(v.keys);
	return 0;
}
