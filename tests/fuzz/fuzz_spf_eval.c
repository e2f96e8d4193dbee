/*
 * fuzz_spf_eval.c - whole SPF evaluations: what they may ask, and that asking ahead changes nothing
 *
 * Questions are answered in the order that the input says (held_dns.h).
 *
 * Input: lines, of which the first letter says what the rest is.
 *   C client   H HELO   S MAIL FROM   O bytes: which question is answered next
 *   T record   D (two records)   M hosts   P names   A addresses   N nodata   X nxdomain   F
 * failure A question is answered by one of the lines for its type; which one, the hash of its name
 * says. The first T is at the domain of the identity.
 */
#include <string.h>

#include "policy/spf_check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/held_dns.h"
#include "tests/unit/dns_packet.h"
#include "truefrom/domain.h"

#define INPUT_MAX 8192
#define LINES_MAX 64
#define RECORDS_MAX 12 /* of one answer; one more than the limit of hosts, and one */
#define NOERROR 0x8180

static const struct tf_spf_opts spf_opts = { 10, 2, true };
/* More than any evaluation may ask, thrice: the share of what is asked ahead is not met either. */
static const struct tf_dns_opts dns_opts = { 1000 };

static struct input {
	struct tf_identity id;
	struct tf_str domain; /* of the identity */
	struct tf_str order;
	struct tf_str lines[LINES_MAX];
	size_t line_count;
} input;

/* Answers. */

static uint32_t
hash_of(const struct tf_question *q)
{
	uint32_t hash = 2166136261u ^ (uint32_t)q->type; /* FNV-1a */

	for (size_t i = 0; i < q->name.len; i++)
		hash = (hash ^ (unsigned char)q->name.ptr[i]) * 16777619u;
	return hash ^ hash >> 16;
}

static bool
answers(char kind, enum tf_dns_type type)
{
	switch (kind) {
	case 'T':
	case 'D':
		return type == TF_TYPE_TXT;
	case 'M':
		return type == TF_TYPE_MX;
	case 'P':
		return type == TF_TYPE_PTR;
	case 'A':
		return type == TF_TYPE_A || type == TF_TYPE_AAAA;
	}
	return kind == 'N' || kind == 'X' || kind == 'F';
}

/* The line that answers the question. */
static struct tf_str
line_for(const struct tf_question *q)
{
	bool own = q->type == TF_TYPE_TXT && tf_str_eq(q->name, input.domain);
	const struct tf_str *fit[LINES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < input.line_count; i++) {
		const struct tf_str *line = &input.lines[i];

		if (own && line->ptr[0] == 'T')
			return *line;
		if (answers(line->ptr[0], q->type))
			fit[count++] = line;
	}
	return count != 0 ? *fit[hash_of(q) % count] : TF_STR("X");
}

static void
put_txt(struct packet *p, const char *owner, struct tf_str text)
{
	uint8_t rdata[INPUT_MAX + INPUT_MAX / 255 + 1];
	size_t len = 0;

	do {
		struct tf_str part = tf_str_sub(text, 0, 255);

		rdata[len++] = (uint8_t)part.len;
		if (part.len != 0)
			memcpy(rdata + len, part.ptr, part.len);
		len += part.len;
		text = tf_str_sub(text, part.len, text.len);
	} while (text.len != 0);
	packet_record(p, owner, TF_TYPE_TXT, rdata, len);
}

/* A name that can be asked, or the root. */
static void
put_host(struct packet *p, const char *owner, enum tf_dns_type type, struct tf_str host)
{
	uint8_t rdata[2 + TF_DOMAIN_MAX + 2] = { 0, (uint8_t)host.len };
	size_t len = type == TF_TYPE_MX ? 2 : 0;

	while (host.len != 0 && host.ptr[0] != '.') {
		struct tf_str label = tf_str_sub(host, 0, tf_str_find(host, '.'));

		rdata[len++] = (uint8_t)label.len;
		memcpy(rdata + len, label.ptr, label.len);
		len += label.len;
		host = tf_str_sub(host, label.len + 1, host.len);
	}
	rdata[len++] = 0;
	packet_record(p, owner, (uint16_t)type, rdata, len);
}

static void
put_address(struct packet *p, const char *owner, enum tf_dns_type type, struct tf_str text)
{
	bool v6 = type == TF_TYPE_AAAA;
	struct tf_addr addr;

	if (tf_addr_parse(text, &addr) && (addr.family == TF_FAMILY_V6) == v6)
		packet_record(p, owner, (uint16_t)type, addr.bytes, v6 ? 16 : 4);
}

/* A word of a line with its "*" replaced. */
static struct tf_str
host_of(struct tf_str word, const char *owner, struct tf_buf *buf)
{
	if (!tf_str_ends_nocase(word, TF_STR(".*")))
		return word;
	tf_buf_str(buf, tf_str_sub(word, 0, word.len - 1));
	tf_buf_str(buf, tf_str_from(owner));
	return tf_buf_get(buf);
}

/* The words of a line, a record for each that can be one. */
static void
put_words(struct packet *p, const char *owner, enum tf_dns_type type, struct tf_str rest)
{
	for (size_t i = 0; i < RECORDS_MAX && rest.len != 0; i++) {
		struct tf_str word = tf_str_sub(rest, 0, tf_str_find(rest, ' '));
		char storage[INPUT_MAX + TF_DOMAIN_MAX];
		struct tf_buf buf;

		tf_buf_init(&buf, storage, sizeof(storage));
		rest = tf_str_sub(rest, word.len + 1, rest.len);
		word = host_of(word, owner, &buf);
		if (type == TF_TYPE_A || type == TF_TYPE_AAAA)
			put_address(p, owner, type, word);
		else if (tf_str_eq(word, TF_STR(".")) || tf_domain_can_ask(word))
			put_host(p, owner, type, word);
	}
}

static void
answer(struct tf_question *q)
{
	static struct packet packet;
	struct tf_str line = line_for(q), data = tf_str_sub(line, 1, line.len);
	char owner[TF_DOMAIN_MAX + 1];

	FUZZ_ASSERT(tf_cstr(q->name, owner, sizeof(owner)));
	packet_init(
	    &packet, 0, line.ptr[0] == 'X' ? NOERROR | 3 : NOERROR, owner, (uint16_t)q->type);
	if (line.ptr[0] == 'T' || line.ptr[0] == 'D')
		put_txt(&packet, owner, line.ptr[0] == 'T' ? data : TF_STR("v=spf1 a -all"));
	if (line.ptr[0] == 'D')
		put_txt(&packet, owner, TF_STR("v=spf1 -all"));
	if (line.ptr[0] == 'A' || line.ptr[0] == 'M' || line.ptr[0] == 'P')
		put_words(&packet, owner, q->type, data);
	held_dns_finish(q, line.ptr[0] != 'F' ? packet_str(&packet) : TF_NONE_STR, TF_DNS_SERVFAIL);
}

/* Evaluations. */

enum mode {
	SERIAL,  /* nothing is asked ahead */
	BESIDE,  /* the plan works while the evaluation waits */
	SETTLED, /* all that is asked ahead is there before the evaluation */
	AT_HAND, /* all that was ever answered is there before it is asked */
	MODES
};

struct run {
	struct tf_spf spf;
	struct tf_notes notes;
	uint32_t asked;
	bool ptr; /* the client's names were asked for */
};

static bool
has_asked_ptr(struct tf_dns *dns, struct tf_arena *a)
{
	const struct tf_dns_trace *trace;
	bool ptr = false;
	size_t count;
	uint32_t ms;

	tf_dns_trace(dns, a, &trace, &count, &ms);
	for (size_t i = 0; i < count; i++)
		ptr = ptr || trace[i].type == TF_TYPE_PTR;
	return ptr;
}

static struct run
evaluate(struct tf_arena *a, enum mode mode)
{
	struct tf_dns *dns = tf_dns_begin(held_dns(), &dns_opts);
	struct run run = { .notes = { NULL, NULL, 0 } };
	struct tf_spf_check *c;

	if (mode == AT_HAND)
		held_dns_recall();
	else
		held_dns_start(input.order, answer);
	c = tf_spf_start(a, dns, &spf_opts, &input.id, TF_SPF_MAILFROM);
	input.domain = c->env.domain;
	if (mode == SERIAL && c->plan != NULL)
		tf_spf_plan_stop(c->plan);
	if (mode == SETTLED)
		held_dns_settle();
	tf_spf_eval(c, &run.notes, &run.spf);
	run.asked = tf_dns_asked(dns);
	run.ptr = has_asked_ptr(dns, a);
	tf_dns_end(dns);
	FUZZ_ASSERT(held_dns_count() == 0);
	return run;
}

/* RFC 7208 section 4.6.4: the record, eleven questions for each term, once eleven for the names of
 * the client (ptr and %{p} ask the same), and the explanation. */
static uint32_t
most_questions(const struct run *run, uint32_t terms)
{
	return 1 + terms * (1 + TF_SPF_HOSTS_MAX) + (run->ptr ? 1 + TF_SPF_HOSTS_MAX : 0) + 1;
}

static void
check_run(const struct run *run)
{
	const struct tf_spf *spf = &run->spf;
	bool error = spf->code == TF_TEMPERROR || spf->code == TF_PERMERROR;

	FUZZ_ASSERT(spf->terms <= spf_opts.max_dns_terms);
	FUZZ_ASSERT(spf->voids <= spf_opts.max_void_lookups + 1);
	FUZZ_ASSERT(spf->code == TF_PERMERROR || spf->voids <= spf_opts.max_void_lookups);
	FUZZ_ASSERT(error == (spf->reason.len != 0));
	FUZZ_ASSERT(spf->code != TF_PASS || spf->mechanism.len != 0);
	FUZZ_ASSERT(spf->code == TF_FAIL || spf->explanation.len == 0);
	FUZZ_ASSERT(run->notes.count != 0);
}

/* The same verdict by the same way. */
static void
check_same(const struct run *x, const struct run *y)
{
	const struct tf_note *m = x->notes.first, *n = y->notes.first;

	FUZZ_ASSERT(x->spf.code == y->spf.code && x->spf.checked == y->spf.checked);
	FUZZ_ASSERT(x->spf.terms == y->spf.terms && x->spf.voids == y->spf.voids);
	FUZZ_ASSERT(tf_str_eq(x->spf.reason, y->spf.reason));
	FUZZ_ASSERT(tf_str_eq(x->spf.mechanism, y->spf.mechanism));
	FUZZ_ASSERT(tf_str_eq(x->spf.record_domain, y->spf.record_domain));
	FUZZ_ASSERT(tf_str_eq(x->spf.explanation, y->spf.explanation));
	FUZZ_ASSERT(x->notes.count == y->notes.count);
	for (; m != NULL; m = m->next, n = n->next)
		FUZZ_ASSERT(tf_str_eq(m->text, n->text));
}

/* Input. */

static void
take_line(struct tf_str line)
{
	struct tf_str data = tf_str_sub(line, 1, line.len);

	switch (line.ptr[0]) {
	case 'C':
		tf_addr_parse(data, &input.id.client);
		return;
	case 'H':
		input.id.helo = data;
		return;
	case 'S':
		input.id.mail_from = data;
		return;
	case 'O':
		input.order = data;
		return;
	}
	if (input.line_count < LINES_MAX)
		input.lines[input.line_count++] = line;
}

static void
read_input(struct tf_str in)
{
	memset(&input, 0, sizeof(input));
	input.id = (struct tf_identity){ .helo = TF_STR("mail.example.org"),
		.mail_from = TF_STR("u@t.example"),
		.receiver = TF_STR("mx.example.net"),
		.now = 1700000000 };
	tf_addr_parse(TF_STR("192.0.2.3"), &input.id.client);
	while (in.len != 0) {
		struct tf_str line = tf_str_sub(in, 0, tf_str_find(in, '\n'));

		if (line.len != 0)
			take_line(line);
		in = tf_str_sub(in, line.len + 1, in.len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run runs[MODES];
	struct tf_arena *a;

	if (size > INPUT_MAX)
		return 0;
	a = tf_arena_new();
	read_input(fuzz_input(data, size));
	for (enum mode mode = SERIAL; mode < MODES; mode++) {
		runs[mode] = evaluate(a, mode);
		check_run(&runs[mode]);
		check_same(&runs[SERIAL], &runs[mode]);
		FUZZ_ASSERT(runs[mode].asked >= runs[SERIAL].asked);
		FUZZ_ASSERT(
		    runs[mode].asked <= most_questions(&runs[mode], spf_opts.max_dns_terms));
	}
	held_dns_start(TF_NONE_STR, answer);
	FUZZ_ASSERT(runs[SERIAL].asked <= most_questions(&runs[SERIAL], runs[SERIAL].spf.terms));
	tf_arena_free(a);
	return 0;
}
