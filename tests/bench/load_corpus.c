/*
 * load_corpus.c - read a corpus folder and make its messages ready for the milter protocol
 *
 * DIR/index has one line a message, separated by tabs: file, client address, HELO name, envelope
 * sender (may be empty), recipient, expected spf, dkim (a comma list), arc, dmarc and action. Lines
 * that begin with # are comments. The messages have CRLF. As Postfix does, the header ends before
 * the first line that is no header field; folds are given to filters as LF.
 * Limits: LOAD_MESSAGES_MAX messages of 256 MiB, LOAD_FIELDS_MAX fields, an index of 64 MiB.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libmilter/mfdef.h>

#include "tests/bench/load_corpus.h"
#include "truefrom/banned.h"

#define FILE_MAX ((size_t)256 << 20)
#define INDEX_MAX ((size_t)64 << 20)
#define COLUMNS 10
#define WORD_MAX 512 /* octets of a column */

static char full_head[5] = { 0, 1, 0, 0, SMFIC_BODY };

/* The whole file, a NUL behind it; NULL when it cannot be read or is too large. */
static char *
read_file(const char *path, size_t max, size_t *len_out)
{
	FILE *file = fopen(path, "re");
	size_t cap = (size_t)16 << 10, len = 0;
	char *bytes;

	if (file == NULL)
		return NULL;
	bytes = tf_xmalloc(cap + 1);
	for (;;) {
		len += fread(bytes + len, 1, cap - len, file);
		if (len < cap || cap >= max)
			break;
		cap *= 2;
		bytes = tf_xrealloc(bytes, cap + 1);
	}
	if (ferror(file) != 0 || len >= max) {
		tf_xfree(bytes);
		bytes = NULL;
	} else {
		bytes[len] = '\0';
	}
	fclose(file);
	*len_out = len;
	return bytes;
}

static void
put_length(char *at, size_t n)
{
	at[0] = (char)(n >> 24);
	at[1] = (char)(n >> 16);
	at[2] = (char)(n >> 8);
	at[3] = (char)n;
}

void
load_headers_pack(
    struct load_headers *h, const struct load_field *fields, size_t count, bool leading_space)
{
	size_t needed = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		needed += fields[i].name.len + fields[i].value.len + 7;
	if (h->cap < needed) {
		h->bytes = tf_xrealloc(h->bytes, needed);
		h->cap = needed;
	}
	if (h->starts_cap < count + 1) {
		h->starts = tf_xrealloc(h->starts, (count + 1) * sizeof(*h->starts));
		h->starts_cap = count + 1;
	}
	at = h->bytes;
	for (size_t i = 0; i < count; i++) {
		const struct tf_str name = fields[i].name;
		struct tf_str value = fields[i].value;

		if (!leading_space && value.len != 0 && value.ptr[0] == ' ')
			value = tf_str_sub(value, 1, value.len);
		h->starts[i] = (size_t)(at - h->bytes);
		put_length(at, name.len + value.len + 3);
		at[4] = SMFIC_HEADER;
		memcpy(at + 5, name.ptr, name.len);
		at[5 + name.len] = '\0';
		if (value.len != 0)
			memcpy(at + 6 + name.len, value.ptr, value.len);
		at[6 + name.len + value.len] = '\0';
		at += name.len + value.len + 7;
	}
	h->len = count != 0 ? (size_t)(at - h->bytes) : 0;
	h->starts[count] = h->len;
	h->count = count;
}

void
load_headers_clear(struct load_headers *h)
{
	tf_xfree(h->bytes);
	tf_xfree(h->starts);
	*h = (struct load_headers){ NULL };
}

static bool
is_name_byte(char c)
{
	return c > ' ' && c < 127 && c != ':';
}

/* One field with its continuation lines; false where the header ends. The value is rewritten in
 * place: CRLF before a fold becomes LF. */
static bool
next_field(char **rest, const char *end, struct load_field *out)
{
	char *at = *rest, *to;

	while (at < end && is_name_byte(*at))
		at++;
	if (at == *rest || at == end)
		return false;
	out->name = (struct tf_str){ *rest, (size_t)(at - *rest) };
	while (at < end && tf_is_wsp(*at))
		at++;
	if (at == end || *at != ':')
		return false;
	to = ++at;
	out->value.ptr = to;
	for (; at < end; at++) {
		if (*at == '\r' && at + 1 < end && at[1] == '\n')
			at++;
		if (*at == '\n' && (at + 1 == end || !tf_is_wsp(at[1])))
			break;
		*to++ = *at;
	}
	out->value.len = (size_t)(to - out->value.ptr);
	*rest = at < end ? at + 1 : at;
	return true;
}

static void
prepare_body(struct load_message *m, char *body, size_t len)
{
	m->body_count = (len + LOAD_CHUNK - 1) / LOAD_CHUNK;
	m->body = tf_xcalloc(m->body_count * 2, sizeof(*m->body));
	for (size_t i = 0; i < m->body_count; i++) {
		const size_t rest = len - i * LOAD_CHUNK;
		const bool last = rest < LOAD_CHUNK;

		m->body[2 * i] = (struct iovec){ last ? m->last_head : full_head, 5 };
		m->body[2 * i + 1] =
		    (struct iovec){ body + i * LOAD_CHUNK, last ? rest : LOAD_CHUNK };
		if (last) {
			put_length(m->last_head, rest + 1);
			m->last_head[4] = SMFIC_BODY;
		}
	}
}

static int
prepare(struct load_message *m, const char *folder, struct tf_buf *why)
{
	char path[1024];
	size_t len, cap = 64;
	char *rest, *end;

	if (snprintf(path, sizeof(path), "%s/%s", folder, m->file) >= (int)sizeof(path)) {
		tf_buf_printf(why, "%s: the name is too long", m->file);
		return -1;
	}
	m->octets = read_file(path, FILE_MAX, &len);
	if (m->octets == NULL) {
		tf_buf_printf(why, "%s: cannot be read whole", path);
		return -1;
	}
	rest = m->octets;
	end = m->octets + len;
	m->fields = tf_xcalloc(cap, sizeof(*m->fields));
	while (m->field_count < LOAD_FIELDS_MAX) {
		if (m->field_count == cap) {
			cap *= 2;
			m->fields = tf_xrealloc(m->fields, cap * sizeof(*m->fields));
		}
		if (!next_field(&rest, end, &m->fields[m->field_count]))
			break;
		m->field_count++;
	}
	if (end - rest >= 2 && rest[0] == '\r' && rest[1] == '\n')
		rest += 2;
	for (size_t i = 0; i < TF_ARRAY_LEN(m->headers); i++)
		load_headers_pack(&m->headers[i], m->fields, m->field_count, i == 1);
	prepare_body(m, rest, (size_t)(end - rest));
	return 0;
}

/* Cuts a line at its tabs; false when there are not COLUMNS columns. */
static bool
cut_columns(char *line, char *columns[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		char *tab = strchr(line, '\t');

		columns[i] = line;
		if ((tab == NULL) != (i == COLUMNS - 1))
			return false;
		if (tab != NULL) {
			*tab = '\0';
			line = tab + 1;
		}
		if (strlen(columns[i]) > WORD_MAX)
			return false;
	}
	return true;
}

static bool
is_address(const char *text)
{
	struct in6_addr bytes;

	return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1;
}

static int
read_line(char *line, struct load_message *m, struct tf_buf *why)
{
	char *columns[COLUMNS];

	if (!cut_columns(line, columns)) {
		tf_buf_printf(why, "index: %.40s: not %d columns of at most %d octets", line,
		    COLUMNS, WORD_MAX);
		return -1;
	}
	m->file = columns[0];
	m->client = columns[1];
	m->helo = columns[2];
	m->sender = columns[3];
	m->recipient = columns[4];
	if (!is_address(m->client)) {
		tf_buf_printf(why, "index: %s: \"%s\" is no address", m->file, m->client);
		return -1;
	}
	for (enum load_column c = LOAD_SPF; c < LOAD_COLUMNS; c++) {
		if (!load_verdict_expect(&m->expected, c, tf_str_from(columns[5 + (size_t)c]))) {
			tf_buf_printf(why, "index: %s: unknown word in \"%s\"", m->file,
			    columns[5 + (size_t)c]);
			return -1;
		}
	}
	return 0;
}

static int
read_index(struct load_corpus *corpus, const char *folder, struct tf_buf *why)
{
	char path[1024];
	size_t len, cap = 256;
	char *rest;

	if (snprintf(path, sizeof(path), "%s/index", folder) >= (int)sizeof(path))
		path[0] = '\0';
	corpus->index = read_file(path, INDEX_MAX, &len);
	if (corpus->index == NULL) {
		tf_buf_printf(why, "%s: cannot be read", path);
		return -1;
	}
	corpus->messages = tf_xcalloc(cap, sizeof(*corpus->messages));
	for (rest = corpus->index; *rest != '\0';) {
		char *line = rest;
		char *end = strchr(line, '\n');

		rest = end != NULL ? end + 1 : line + strlen(line);
		if (end != NULL)
			*end = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (corpus->count == LOAD_MESSAGES_MAX) {
			tf_buf_printf(why, "index: over %d messages", LOAD_MESSAGES_MAX);
			return -1;
		}
		if (corpus->count == cap) {
			corpus->messages =
			    tf_xrealloc(corpus->messages, 2 * cap * sizeof(*corpus->messages));
			memset(corpus->messages + cap, 0, cap * sizeof(*corpus->messages));
			cap *= 2;
		}
		if (read_line(line, &corpus->messages[corpus->count++], why) != 0)
			return -1;
	}
	if (corpus->count == 0)
		tf_buf_lit(why, "index: no message");
	return corpus->count != 0 ? 0 : -1;
}

static int
by_client(const void *a, const void *b)
{
	const struct load_message *x = *(struct load_message *const *)a;
	const struct load_message *y = *(struct load_message *const *)b;
	int order = strcmp(x->client, y->client);

	if (order == 0)
		order = strcmp(x->helo, y->helo);
	return order != 0 ? order : x < y ? -1 : x > y;
}

static bool
same_client(const struct load_message *x, const struct load_message *y)
{
	return strcmp(x->client, y->client) == 0 && strcmp(x->helo, y->helo) == 0;
}

struct run {
	const struct load_message *first;
	struct load_session session;
};

static int
by_first(const void *a, const void *b)
{
	const struct load_message *x = ((const struct run *)a)->first;
	const struct load_message *y = ((const struct run *)b)->first;

	return x < y ? -1 : x > y;
}

/* Messages of one client go together, sessions in the order of their first messages. */
static void
make_sessions(struct load_corpus *corpus, size_t per_connection)
{
	struct run *runs = tf_xcalloc(corpus->count, sizeof(*runs));
	size_t count = 0;

	corpus->order = tf_xcalloc(corpus->count, sizeof(struct load_message *));
	for (size_t i = 0; i < corpus->count; i++)
		corpus->order[i] = &corpus->messages[i];
	qsort(corpus->order, corpus->count, sizeof(struct load_message *), by_client);
	for (size_t i = 0; i < corpus->count; i++) {
		struct run *last = count != 0 ? &runs[count - 1] : NULL;

		if (last != NULL && last->session.count < per_connection &&
		    same_client(last->first, corpus->order[i]))
			last->session.count++;
		else
			runs[count++] = (struct run){ corpus->order[i], { i, 1 } };
	}
	qsort(runs, count, sizeof(*runs), by_first);
	corpus->sessions = tf_xcalloc(count, sizeof(*corpus->sessions));
	for (size_t i = 0; i < count; i++)
		corpus->sessions[i] = runs[i].session;
	corpus->session_count = count;
	tf_xfree(runs);
}

int
load_corpus_read(
    struct load_corpus *corpus, const char *folder, size_t per_connection, struct tf_buf *why)
{
	*corpus = (struct load_corpus){ NULL };
	if (read_index(corpus, folder, why) != 0)
		return -1;
	for (size_t i = 0; i < corpus->count; i++)
		if (prepare(&corpus->messages[i], folder, why) != 0)
			return -1;
	make_sessions(corpus, per_connection);
	return 0;
}

void
load_corpus_clear(struct load_corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		struct load_message *m = &corpus->messages[i];

		for (size_t k = 0; k < TF_ARRAY_LEN(m->headers); k++)
			load_headers_clear(&m->headers[k]);
		tf_xfree(m->fields);
		tf_xfree(m->body);
		tf_xfree(m->octets);
	}
	tf_xfree(corpus->messages);
	tf_xfree(corpus->index);
	tf_xfree(corpus->order);
	tf_xfree(corpus->sessions);
	*corpus = (struct load_corpus){ NULL };
}
