/*
 * log.c - the log: one line a message, and what an operator should know
 *
 * Keys of the line about a message are a promise (truefromd(8)): each is always there and in this
 * order; `would`, `authors`, `reason`, `arc_sealers`, `arc_reason` and `flags` follow where there
 * is something to say. Every byte from outside passes put_escaped, once, and is clipped there.
 * Limits: a value at the size given in its call; 2 KiB of text in tf_log.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "milter/log.h"
#include "milter/log_out.h"
#include "truefrom/explain.h"
#include "truefrom/banned.h"

#define TEXT_MAX ((size_t)2048)
#define LINE_VALUES_MAX ((size_t)10 * 1024) /* all values of a message at their limits fit */
#define LINE_MAX_BYTES (6 * LINE_VALUES_MAX + 1024) /* and with every byte escaped, in JSON */
#define FIELDS_MAX 28
#define NOTES_MAX 200

/* Set at start and on a reload, read by all threads. */
static struct {
	atomic_int level, facility;
	atomic_bool json;
} state = { .level = TF_LOG_INFO };

void
tf_log_configure(const struct tf_log_opts *opts)
{
	atomic_store(&state.level, (int)opts->level);
	atomic_store(&state.facility, (int)opts->facility);
	atomic_store(&state.json, opts->json);
}

bool
tf_log_wants(enum tf_log_level level)
{
	return (int)level <= atomic_load(&state.level);
}

/* text is clean: printable ASCII. */
static void
emit(enum tf_log_level level, struct tf_str text)
{
	tf_log_out(level, (enum tf_log_facility)atomic_load(&state.facility), text);
}

static bool
is_clean(char c)
{
	return !tf_is_ctl(c) && !tf_is_8bit(c);
}

/* A UTF-16 unit, as JSON and the usual readers of logfmt know it. */
static void
put_unit(uint32_t unit, struct tf_buf *out)
{
	tf_buf_printf(out, "\\u%04x", (unsigned)unit);
}

/* The first character of *rest, escaped unless printable ASCII; what is not UTF-8 is U+FFFD. */
static void
put_escaped(struct tf_str *rest, struct tf_buf *out)
{
	uint32_t cp = 0xfffd;

	if (is_clean(rest->ptr[0])) {
		tf_buf_byte(out, rest->ptr[0]);
		*rest = tf_str_sub(*rest, 1, rest->len);
		return;
	}
	if (!tf_utf8_next(rest, &cp))
		*rest = tf_str_sub(*rest, 1, rest->len);
	if (cp >= 0x10000) {
		put_unit(0xd800 + ((cp - 0x10000) >> 10), out);
		cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
	}
	put_unit(cp, out);
}

void
tf_log(enum tf_log_level level, const char *fmt, ...)
{
	char raw[TEXT_MAX], clean[TEXT_MAX * 6 + 4];
	struct tf_str rest = { raw, 0 };
	struct tf_buf b;
	va_list ap;
	int n;

	if (!tf_log_wants(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	tf_buf_init(&b, clean, sizeof(clean));
	rest.len = (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1;
	while (rest.len != 0)
		put_escaped(&rest, &b);
	if ((size_t)n >= sizeof(raw))
		tf_buf_lit(&b, "...");
	emit(level, tf_buf_get(&b));
}

static void
last_words(const char *words)
{
	tf_log(TF_LOG_ERROR, "%s; the process ends, to be started again", words);
}

void
tf_log_open(const char *program, bool to_stderr)
{
	tf_panic_to(last_words);
	tf_log_out_open(program, to_stderr);
}

/* The next line of the text; false behind the last. */
static bool
next_line(struct tf_str *rest, struct tf_str *line_out)
{
	const size_t end = tf_str_find(*rest, '\n');

	if (rest->len == 0)
		return false;
	*line_out = tf_str_sub(*rest, 0, end);
	*rest = tf_str_sub(*rest, end + 1, rest->len);
	return true;
}

void
tf_log_lines(enum tf_log_level level, const struct tf_buf *text)
{
	struct tf_str rest = tf_buf_get(text), line;

	while (next_line(&rest, &line))
		tf_log(level, "%.*s", TF_PRI(line));
}

void
tf_log_complain(const char *who, const struct tf_buf *text)
{
	struct tf_str rest = tf_buf_get(text), line;

	while (next_line(&rest, &line))
		fprintf(stderr, "%s: %.*s\n", who, TF_PRI(line));
}

/* The fields of one line: values that had to be put together lie in text. */
struct line {
	struct tf_field fields[FIELDS_MAX];
	size_t count;
	struct tf_buf text;
	char storage[LINE_VALUES_MAX];
};

/* At most max bytes of the value are shown. */
static void
field(struct line *l, const char *key, struct tf_str value, size_t max)
{
	size_t start = l->text.len;

	if (l->count == FIELDS_MAX)
		tf_panic("more than %d fields in a log line", FIELDS_MAX);
	if (value.len > max) {
		tf_buf_str(&l->text, tf_str_sub(value, 0, max));
		tf_buf_lit(&l->text, "...");
		value = tf_str_sub(tf_buf_get(&l->text), start, l->text.len);
	}
	l->fields[l->count++] = (struct tf_field){ key, value, false };
}

static void
field_word(struct line *l, const char *key, const char *value)
{
	field(l, key, tf_str_from(value), 64);
}

/* What was put into l->text since start. */
static void
field_text(struct line *l, const char *key, size_t start)
{
	struct tf_str all = tf_buf_get(&l->text);

	l->fields[l->count++] = (struct tf_field){ key, tf_str_sub(all, start, all.len), false };
}

static void
field_number(struct line *l, const char *key, size_t n)
{
	size_t start = l->text.len;

	tf_buf_printf(&l->text, "%zu", n);
	field_text(l, key, start);
	l->fields[l->count - 1].number = true;
}

#define NAME_SHOWN 253 /* a domain name */
#define LIST_SHOWN ((size_t)1200)

/* An element of a list of names, unless the list has grown too long; then "..." once. */
static bool
element(struct line *l, size_t start, const char *word, struct tf_str name)
{
	if (l->text.len - start > LIST_SHOWN) {
		tf_buf_lit(&l->text, ",...");
		return false;
	}
	if (l->text.len != start)
		tf_buf_byte(&l->text, ',');
	tf_buf_lit(&l->text, word);
	if (word[0] != '\0' && name.len != 0)
		tf_buf_byte(&l->text, ':');
	tf_buf_str(&l->text, tf_str_sub(name, 0, NAME_SHOWN));
	return true;
}

static void
field_client(struct line *l, const struct tf_identity *id)
{
	size_t start = l->text.len;

	tf_addr_write(&id->client, &l->text);
	if (l->text.len == start)
		tf_buf_lit(&l->text, "unknown");
	field_text(l, "client", start);
}

static void
field_dkim(struct line *l, const struct tf_result *res)
{
	size_t start = l->text.len;

	for (size_t i = 0; i < res->dkim_count; i++) {
		if (!element(l, start, tf_code_name(res->dkim[i].code), res->dkim[i].domain))
			break;
	}
	if (res->dkim_count == 0)
		tf_buf_lit(&l->text, tf_code_name(TF_NONE));
	field_text(l, "dkim", start);
}

/* Who sealed, oldest first: "a.example:s1,b.example:s2", d= and s= of each seal. */
static void
field_sealers(struct line *l, const struct tf_arc *arc)
{
	size_t start = l->text.len;

	for (size_t i = 0; i < arc->set_count; i++) {
		if (!element(l, start, "", arc->sets[i].domain))
			break;
		tf_buf_byte(&l->text, ':');
		tf_buf_str(&l->text, arc->sets[i].selector);
	}
	field_text(l, "arc_sealers", start);
}

/* Names of the author domain's walk with what was found: "a.example:none,example:record". */
static void
field_walk(struct line *l, const struct tf_dmarc *dmarc)
{
	size_t start = l->text.len;

	for (size_t i = 0; dmarc != NULL && i < dmarc->walk_count; i++) {
		const struct tf_dmarc_name *name = &dmarc->walk[i];

		if (!element(l, start, "", name->domain))
			break;
		tf_buf_byte(&l->text, ':');
		tf_buf_str(&l->text, tf_str_sub(name->found, 0, 64));
	}
	field_text(l, "walk", start);
}

/* All author domains, where there are several. */
static void
field_authors(struct line *l, const struct tf_author *author)
{
	size_t start = l->text.len;

	if (author->domain_count < 2)
		return;
	for (size_t i = 0; i < author->domain_count; i++) {
		if (!element(l, start, "", author->domains[i]))
			break;
	}
	field_text(l, "authors", start);
}

static bool
is_idn(struct tf_str domain)
{
	while (domain.len != 0) {
		if (tf_str_starts_nocase(domain, TF_STR("xn--")))
			return true;
		domain = tf_str_sub(domain, tf_str_find(domain, '.') + 1, domain.len);
	}
	return false;
}

/* A record that lets every host send. */
static bool
passes_all(const struct tf_spf *spf)
{
	return spf->code == TF_PASS && (tf_str_eq_nocase(spf->mechanism, TF_STR("all")) ||
					   tf_str_eq_nocase(spf->mechanism, TF_STR("+all")));
}

static void
flag(struct line *l, size_t start, bool raised, const char *name)
{
	if (!raised)
		return;
	tf_buf_lit(&l->text, l->text.len != start ? "," : "");
	tf_buf_lit(&l->text, name);
}

/* What deserves a second look although it decides nothing. */
static void
field_flags(struct line *l, const struct tf_result *res, const struct tf_dmarc *dmarc)
{
	size_t start = l->text.len;
	bool testing = false, capped = false, partial = false;

	for (size_t i = 0; i < res->dkim_count; i++) {
		testing |= res->dkim[i].key_testing;
		capped |= res->dkim[i].not_evaluated;
		partial |= res->dkim[i].unsigned_octets != 0;
	}
	flag(l, start, dmarc != NULL && dmarc->aligned_spf && !dmarc->aligned_dkim, "spf-only");
	flag(l, start, passes_all(&res->mailfrom), "spf-all");
	flag(l, start, dmarc != NULL && is_idn(dmarc->from), "idn");
	flag(l, start, res->author.bidi, "bidi");
	flag(l, start, dmarc != NULL && dmarc->testing, "dmarc-testing");
	flag(l, start, testing, "dkim-testing");
	flag(l, start, partial, "dkim-partial");
	flag(l, start, capped, "dkim-too-many");
	if (l->text.len != start)
		field_text(l, "flags", start);
}

static struct tf_str
reason_of(const struct tf_log_message *m, const struct tf_dmarc *dmarc)
{
	const struct tf_result *res = m->result;

	if (m->why.len != 0)
		return m->why;
	if (res->author.state != TF_FROM_OK)
		return res->author.reason;
	return dmarc != NULL ? dmarc->reason : TF_NONE_STR;
}

static struct tf_str
from_of(const struct tf_result *res, const struct tf_dmarc *dmarc)
{
	if (dmarc != NULL)
		return dmarc->from;
	return res->author.domain_count != 0 ? res->author.domains[0] : TF_NONE_STR;
}

static void
fill(struct line *l, const struct tf_log_message *m)
{
	const struct tf_result *res = m->result;
	const struct tf_verdict *v = m->verdict;
	const struct tf_dmarc *dmarc = v->dmarc != NULL ? v->dmarc : res->dmarc;
	struct tf_str reason = reason_of(m, dmarc);

	field(l, "id", m->queue_id, 64);
	field_client(l, &res->identity);
	field(l, "helo", res->identity.helo, NAME_SHOWN);
	field(l, "mailfrom", res->identity.mail_from, 320);
	field(l, "from", from_of(res, dmarc), NAME_SHOWN);
	field_word(l, "spf", tf_code_name(res->mailfrom.code));
	field(l, "spf_domain", res->mailfrom.domain, NAME_SHOWN);
	field_dkim(l, res);
	field_word(l, "arc", tf_code_name(res->arc.code));
	field_word(l, "dmarc", tf_code_name(dmarc != NULL ? dmarc->code : TF_NONE));
	field_word(
	    l, "policy", tf_dmarc_policy_name(dmarc != NULL ? dmarc->policy : TF_POLICY_UNKNOWN));
	field_word(l, "disposition", tf_dmarc_policy_name(v->disposition));
	field_word(l, "action", tf_action_name(v->action));
	if (v->would != TF_ACT_ACCEPT)
		field_word(l, "would", tf_action_name(v->would));
	field(l, "rule", v->rule, 300);
	field(l, "org", dmarc != NULL ? dmarc->org_domain : TF_NONE_STR, NAME_SHOWN);
	field_walk(l, dmarc);
	field_number(l, "dns", res->dns_asked);
	field_number(l, "dns_ms", res->dns_ms);
	field_number(l, "ms", m->ms);
	field_authors(l, &res->author);
	if (reason.len != 0)
		field(l, "reason", reason, 200);
	if (res->arc.set_count != 0)
		field_sealers(l, &res->arc);
	if (res->arc.reason.len != 0)
		field(l, "arc_reason", res->arc.reason, 200);
	field_flags(l, res, dmarc);
}

static bool
needs_quotes(struct tf_str value)
{
	static const struct tf_str special = TF_LIT(" \"=\\");

	for (size_t i = 0; i < value.len; i++) {
		if (!is_clean(value.ptr[i]) || tf_str_find(special, value.ptr[i]) < special.len)
			return true;
	}
	return value.len == 0;
}

static void
put_value(struct tf_str value, struct tf_buf *out)
{
	if (!needs_quotes(value)) {
		tf_buf_str(out, value);
		return;
	}
	tf_buf_byte(out, '"');
	while (value.len != 0) {
		if (value.ptr[0] == '"' || value.ptr[0] == '\\')
			tf_buf_byte(out, '\\');
		put_escaped(&value, out);
	}
	tf_buf_byte(out, '"');
}

void
tf_log_message_write(const struct tf_log_message *m, bool json, struct tf_buf *out)
{
	struct line l;

	l.count = 0;
	tf_buf_init(&l.text, l.storage, sizeof(l.storage));
	fill(&l, m);
	if (l.text.overflow)
		tf_panic("a log line over %zu bytes", sizeof(l.storage));
	if (json) {
		tf_explain_fields_json(l.fields, l.count, out);
		return;
	}
	for (size_t i = 0; i < l.count; i++) {
		if (i > 0)
			tf_buf_byte(out, ' ');
		tf_buf_lit(out, l.fields[i].key);
		tf_buf_byte(out, '=');
		put_value(l.fields[i].value, out);
	}
}

static void
log_notes(const struct tf_log_message *m)
{
	const struct tf_note *n = m->result->notes.first;

	for (size_t i = 0; n != NULL && i < NOTES_MAX; i++, n = n->next)
		tf_log(TF_LOG_DEBUG, "%.*s: %s: %.*s", TF_PRI(m->queue_id),
		    tf_check_kind_name(n->check), TF_PRI(n->text));
}

void
tf_log_message(const struct tf_log_message *m)
{
	/* What truefrom could not decide the postmaster should look into. */
	enum tf_log_level level = m->why.len != 0 ? TF_LOG_WARNING : TF_LOG_INFO;
	char storage[LINE_MAX_BYTES];
	struct tf_buf b;

	if (!tf_log_wants(level))
		return;
	tf_buf_init(&b, storage, sizeof(storage));
	tf_log_message_write(m, atomic_load(&state.json), &b);
	emit(level, tf_buf_get(&b));
	if (tf_log_wants(TF_LOG_DEBUG))
		log_notes(m);
}
