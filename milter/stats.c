/*
 * stats.c - a log, counted: whose mail was refused, or would be, and where it came from
 *
 * A log holds what strangers write, so memory is bounded: beyond MEMORY_MAX no further name is
 * kept. Messages of a domain that found no room are counted without it, and how many is said;
 * further rules, reasons and sources are in the sums alone. Domains whose mail was refused may use
 * all of the memory, others a half. Names lie in sorted arrays, so that nobody can choose names
 * that are slow to find.
 * Limits: a line of LINE_MAX_BYTES, AUTHORS_MAX domains, SOURCES_MAX sources of one domain,
 * RULES_MAX rules, REASONS_MAX reasons.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "milter/log_line.h"
#include "milter/stats.h"
#include "truefrom/banned.h"

#define LINE_MAX_BYTES ((size_t)128 * 1024)
#define MEMORY_MAX ((size_t)64 * 1024 * 1024)
#define AUTHORS_MAX ((size_t)50000)
#define SOURCES_MAX ((size_t)1000)
#define RULES_MAX ((size_t)1000)
#define REASONS_MAX ((size_t)100)
#define SOURCES_SHOWN ((size_t)5)
#define VALUE_SHOWN ((size_t)300)

enum outcome { ACCEPTED, QUARANTINED, REJECTED, TEMPFAILED, OUTCOMES };

static const struct {
	const char *word, *done, *would, *would_key;
} outcomes[OUTCOMES] = {
	[ACCEPTED] = { "accept", "accepted", "", "" },
	[QUARANTINED] = { "quarantine", "quarantined", "would be quarantined", "would_quarantine" },
	[REJECTED] = { "reject", "rejected", "would be rejected", "would_reject" },
	[TEMPFAILED] = { "tempfail", "put off", "would be put off", "would_tempfail" },
};

/* How often something happened, and how often monitor mode kept it from happening. */
struct counts {
	uint64_t messages, done[OUTCOMES], would[OUTCOMES];
};

/* What is told of where a message came from; keys of the log. */
static const char *const source_keys[] = { "client", "spf", "spf_domain", "dkim", "rule" };
#define SOURCE_KEYS TF_ARRAY_LEN(source_keys)

/* One name with its counts. Author domains have sources of the mail that was refused, and these
 * have values. */
struct item {
	struct tf_str name;
	struct counts counts;
	struct items *sources;
	const struct tf_str *values;
};

struct items {
	struct item **sorted; /* by name */
	size_t count, room, max;
};

struct tf_stats {
	struct tf_arena *arena; /* names and arrays */
	struct tf_arena *line;  /* of one line */
	uint64_t lines, other, damaged;
	uint64_t unnamed; /* messages whose author domain found no room */
	struct counts all;
	struct items authors, rules;
	uint64_t undecided; /* messages that on_error decided about */
	struct items reasons;
};

struct tf_stats *
tf_stats_new(void)
{
	struct tf_stats *s = tf_xcalloc(1, sizeof(*s));

	s->arena = tf_arena_new();
	s->line = tf_arena_new();
	s->authors.max = AUTHORS_MAX;
	s->rules.max = RULES_MAX;
	s->reasons.max = REASONS_MAX;
	return s;
}

void
tf_stats_free(struct tf_stats *s)
{
	if (s == NULL)
		return;
	tf_arena_free(s->arena);
	tf_arena_free(s->line);
	tf_xfree(s);
}

/* Where the name is, or belongs. */
static size_t
place_of(const struct items *list, struct tf_str name)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (tf_str_cmp(list->sorted[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
grow(struct tf_stats *s, struct items *list)
{
	const size_t room = list->room != 0 ? list->room * 2 : 4;
	struct item **sorted = tf_arena_array(s->arena, room, sizeof(struct item *));

	if (list->count != 0)
		memcpy(sorted, list->sorted, list->count * sizeof(struct item *));
	list->sorted = sorted;
	list->room = room;
}

/* The item of that name, made when there is room for it; else NULL. */
static struct item *
item_of(struct tf_stats *s, struct items *list, struct tf_str name, size_t memory_max)
{
	const size_t at = place_of(list, name);
	struct item *item;

	if (at < list->count && tf_str_eq(list->sorted[at]->name, name))
		return list->sorted[at];
	if (list->count == list->max || tf_arena_used(s->arena) > memory_max)
		return NULL;
	if (list->count == list->room)
		grow(s, list);
	item = tf_arena_alloc(s->arena, sizeof(*item));
	item->name = tf_arena_dup(s->arena, name);
	memmove(
	    &list->sorted[at + 1], &list->sorted[at], (list->count - at) * sizeof(struct item *));
	list->sorted[at] = item;
	list->count++;
	return item;
}

/* OUTCOMES for a word that is none. */
static enum outcome
outcome_from(struct tf_str word)
{
	size_t i = 0;

	while (i < OUTCOMES && !tf_str_eq(word, tf_str_from(outcomes[i].word)))
		i++;
	return (enum outcome)i;
}

static void
count(struct counts *c, enum outcome done, enum outcome would)
{
	c->messages++;
	c->done[done]++;
	if (would < OUTCOMES)
		c->would[would]++;
}

static uint64_t
refused(const struct counts *c)
{
	uint64_t n = 0;

	for (size_t i = QUARANTINED; i < OUTCOMES; i++)
		n += c->done[i] + c->would[i];
	return n;
}

/* A list of signatures may be long. */
static struct tf_str
source_value(struct tf_stats *s, const struct tf_log_line *line, size_t key)
{
	const struct tf_str value = tf_log_line_get(line, source_keys[key]);

	if (value.len <= VALUE_SHOWN)
		return value;
	return tf_arena_printf(s->line, "%.*s...", (int)VALUE_SHOWN, value.ptr);
}

static void
count_source(struct tf_stats *s, struct items *sources, const struct tf_log_line *line,
    enum outcome done, enum outcome would)
{
	struct tf_str values[SOURCE_KEYS], *kept;
	struct item *source;
	struct tf_buf name;

	tf_buf_init_arena(&name, s->line, SOURCE_KEYS * (VALUE_SHOWN + 4));
	for (size_t i = 0; i < SOURCE_KEYS; i++) {
		values[i] = source_value(s, line, i);
		tf_buf_str(&name, values[i]);
		tf_buf_byte(&name, '\n');
	}
	source = item_of(s, sources, tf_buf_get(&name), MEMORY_MAX);
	if (source == NULL)
		return;
	count(&source->counts, done, would);
	if (source->values != NULL)
		return;
	kept = tf_arena_array(s->arena, SOURCE_KEYS, sizeof(*kept));
	for (size_t i = 0; i < SOURCE_KEYS; i++)
		kept[i] = tf_arena_dup(s->arena, values[i]);
	source->values = kept;
}

static void
count_author(struct tf_stats *s, const struct tf_log_line *line, enum outcome done,
    enum outcome would, bool is_refused)
{
	struct item *author = item_of(s, &s->authors, tf_log_line_get(line, "from"),
	    is_refused ? MEMORY_MAX : MEMORY_MAX / 2);

	if (author == NULL) {
		s->unnamed++;
		return;
	}
	count(&author->counts, done, would);
	if (!is_refused)
		return;
	if (author->sources == NULL) {
		author->sources = tf_arena_alloc(s->arena, sizeof(*author->sources));
		author->sources->max = SOURCES_MAX;
	}
	count_source(s, author->sources, line, done, would);
}

static void
count_undecided(struct tf_stats *s, const struct tf_log_line *line, enum outcome done)
{
	const struct tf_str reason = tf_log_line_get(line, "reason");
	struct item *item = item_of(s, &s->reasons, tf_str_sub(reason, 0, VALUE_SHOWN), MEMORY_MAX);

	s->undecided++;
	if (item != NULL)
		count(&item->counts, done, OUTCOMES);
}

static void
count_message(struct tf_stats *s, const struct tf_log_line *line)
{
	const struct tf_str would_word = tf_log_line_get(line, "would");
	const enum outcome done = outcome_from(tf_log_line_get(line, "action"));
	const enum outcome would = outcome_from(would_word);
	const bool is_refused = done != ACCEPTED || would != OUTCOMES;
	struct item *rule;

	if (done == OUTCOMES || (would_word.len != 0 && would == OUTCOMES)) {
		s->damaged++;
		return;
	}
	count(&s->all, done, would);
	count_author(s, line, done, would, is_refused);
	rule = item_of(s, &s->rules, tf_log_line_get(line, "rule"), MEMORY_MAX);
	if (rule != NULL)
		count(&rule->counts, done, would);
	if (tf_str_eq(tf_log_line_get(line, "rule"), TF_STR("error")))
		count_undecided(s, line, done);
}

void
tf_stats_line(struct tf_stats *s, struct tf_str line)
{
	struct tf_log_line parsed;

	s->lines++;
	if (line.len != 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	switch (tf_log_line_parse(line, s->line, &parsed)) {
	case TF_LOG_LINE_OTHER:
		s->other++;
		break;
	case TF_LOG_LINE_DAMAGED:
		s->damaged++;
		break;
	case TF_LOG_LINE_MESSAGE:
		count_message(s, &parsed);
		break;
	}
	tf_arena_clear(s->line);
}

/* Lines are taken whole: the end of one that is too long does not count as a line. */
int
tf_stats_read(struct tf_stats *s, FILE *in)
{
	char *bytes = tf_xmalloc(LINE_MAX_BYTES);
	bool too_long = false;
	size_t len = 0;
	int c, error;

	do {
		c = getc(in);
		error = ferror(in) ? errno : 0;
		if (c != '\n' && c != EOF) {
			too_long |= len == LINE_MAX_BYTES;
			if (!too_long)
				bytes[len++] = (char)c;
			continue;
		}
		if (too_long) {
			s->lines++;
			s->damaged++;
		} else if (c == '\n' || len != 0) {
			tf_stats_line(s, (struct tf_str){ bytes, len });
		}
		len = 0;
		too_long = false;
	} while (c != EOF);
	tf_xfree(bytes);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Those that were refused most, first. */
static int
by_refusals(const void *a, const void *b)
{
	struct item *const *x = a, *const *y = b;
	const uint64_t m = refused(&(*x)->counts), n = refused(&(*y)->counts);

	return m != n ? (m < n) - (m > n) : tf_str_cmp((*x)->name, (*y)->name);
}

static struct item **
refused_of(struct tf_stats *s, const struct items *list, size_t *count_out)
{
	struct item **found =
	    tf_arena_array(s->line, list != NULL ? list->count : 0, sizeof(struct item *));
	size_t n = 0;

	for (size_t i = 0; list != NULL && i < list->count; i++) {
		if (refused(&list->sorted[i]->counts) != 0)
			found[n++] = list->sorted[i];
	}
	if (n != 0)
		qsort(found, n, sizeof(struct item *), by_refusals);
	*count_out = n;
	return found;
}

/* For a terminal: what is not printable ASCII becomes "?". */
static void
put_clean(struct tf_str s, struct tf_buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		tf_buf_byte(out, tf_is_ctl(s.ptr[i]) || tf_is_8bit(s.ptr[i]) ? '?' : s.ptr[i]);
}

static void
write_outcomes(const struct counts *all, struct tf_buf *out)
{
	tf_buf_printf(out, "%-12s %12s %24s\n", "", "done", "withheld by monitor mode");
	for (size_t i = 0; i < OUTCOMES; i++) {
		tf_buf_printf(
		    out, "%-12s %12llu", outcomes[i].word, (unsigned long long)all->done[i]);
		if (i != ACCEPTED)
			tf_buf_printf(out, " %24llu", (unsigned long long)all->would[i]);
		tf_buf_byte(out, '\n');
	}
}

/* "7 rejected, 2 would be rejected" */
static void
say_counts(const struct counts *c, struct tf_buf *out)
{
	const char *comma = "";

	for (size_t i = QUARANTINED; i < OUTCOMES; i++) {
		if (c->done[i] != 0) {
			tf_buf_printf(out, "%s%llu %s", comma, (unsigned long long)c->done[i],
			    outcomes[i].done);
			comma = ", ";
		}
		if (c->would[i] != 0) {
			tf_buf_printf(out, "%s%llu %s", comma, (unsigned long long)c->would[i],
			    outcomes[i].would);
			comma = ", ";
		}
	}
}

/* "198.51.100.66 spf=pass:attack.example dkim=none rule=dmarc-policy" */
static void
say_source(const struct item *source, struct tf_buf *out)
{
	put_clean(source->values[0], out);
	tf_buf_lit(out, " spf=");
	put_clean(source->values[1], out);
	tf_buf_lit(out, source->values[2].len != 0 ? ":" : "");
	put_clean(source->values[2], out);
	tf_buf_lit(out, " dkim=");
	put_clean(source->values[3], out);
	tf_buf_lit(out, " rule=");
	put_clean(source->values[4], out);
	tf_buf_byte(out, '\n');
}

static void
write_author(struct tf_stats *s, const struct item *author, struct tf_buf *out)
{
	size_t n;
	struct item **sources = refused_of(s, author->sources, &n);

	tf_buf_byte(out, '\n');
	put_clean(author->name.len != 0 ? author->name : TF_STR("(no domain)"), out);
	tf_buf_printf(out, ": of %llu message%s ", (unsigned long long)author->counts.messages,
	    author->counts.messages == 1 ? "" : "s");
	say_counts(&author->counts, out);
	tf_buf_byte(out, '\n');
	for (size_t i = 0; i < n && i < SOURCES_SHOWN; i++) {
		tf_buf_printf(out, "%8llu  ", (unsigned long long)refused(&sources[i]->counts));
		say_source(sources[i], out);
	}
	if (n > SOURCES_SHOWN)
		tf_buf_printf(out, "          and %zu more sources\n", n - SOURCES_SHOWN);
}

/* Few, and each a case for the postmaster: all are shown. */
static void
write_reasons(const struct tf_stats *s, struct tf_buf *out)
{
	if (s->undecided == 0)
		return;
	tf_buf_printf(out, "\ntruefrom itself could not decide about %llu (on_error):\n",
	    (unsigned long long)s->undecided);
	for (size_t i = 0; i < s->reasons.count; i++) {
		const struct item *reason = s->reasons.sorted[i];

		tf_buf_printf(out, "%8llu  ", (unsigned long long)reason->counts.messages);
		put_clean(reason->name, out);
		tf_buf_byte(out, '\n');
	}
}

void
tf_stats_write_words(struct tf_stats *s, size_t top, struct tf_buf *out)
{
	size_t n;
	struct item **list;

	tf_buf_printf(out, "%llu messages in %llu lines of the log\n\n",
	    (unsigned long long)s->all.messages, (unsigned long long)s->lines);
	write_outcomes(&s->all, out);
	if (s->damaged != 0)
		tf_buf_printf(out, "\n%llu lines of truefromd are damaged and not counted\n",
		    (unsigned long long)s->damaged);
	write_reasons(s, out);
	if (refused(&s->all) == 0) {
		tf_buf_lit(out, "\nnothing was refused, and nothing would be\n");
		return;
	}
	tf_buf_lit(out, "\nrules that decided about those not accepted:\n");
	list = refused_of(s, &s->rules, &n);
	for (size_t i = 0; i < n && i < top; i++) {
		tf_buf_printf(out, "%8llu  ", (unsigned long long)refused(&list[i]->counts));
		put_clean(list[i]->name, out);
		tf_buf_byte(out, '\n');
	}
	list = refused_of(s, &s->authors, &n);
	tf_buf_printf(out, "\nauthor domains, %zu of %zu, and who sent in their name:\n",
	    n < top ? n : top, n);
	for (size_t i = 0; i < n && i < top; i++)
		write_author(s, list[i], out);
	if (s->unnamed != 0)
		tf_buf_printf(out,
		    "\n%llu messages of further domains are counted above only: too many names\n",
		    (unsigned long long)s->unnamed);
}

/* A flat object that begins with a text, as far as its closing brace. */
static void
put_counts(struct tf_stats *s, const struct tf_field *texts, size_t text_count,
    const struct counts *c, struct tf_buf *out)
{
	struct tf_field fields[SOURCE_KEYS + 2 * OUTCOMES];
	size_t n = 0;

	while (n < text_count) {
		fields[n] = texts[n];
		n++;
	}
	fields[n++] = (struct tf_field){ "messages",
		tf_arena_printf(s->line, "%llu", (unsigned long long)c->messages), true };
	for (size_t i = ACCEPTED; i < OUTCOMES; i++) {
		fields[n++] = (struct tf_field){ outcomes[i].word,
			tf_arena_printf(s->line, "%llu", (unsigned long long)c->done[i]), true };
	}
	for (size_t i = QUARANTINED; i < OUTCOMES; i++) {
		fields[n++] = (struct tf_field){ outcomes[i].would_key,
			tf_arena_printf(s->line, "%llu", (unsigned long long)c->would[i]), true };
	}
	tf_explain_fields_json(fields, n, out);
}

static void
put_reasons(struct tf_stats *s, struct tf_buf *out)
{
	tf_buf_printf(out, ",\"undecided\":%llu,\"reasons\":[", (unsigned long long)s->undecided);
	for (size_t i = 0; i < s->reasons.count; i++) {
		const struct item *item = s->reasons.sorted[i];
		const struct tf_field reason = { "reason", item->name, false };

		tf_buf_lit(out, i > 0 ? "," : "");
		put_counts(s, &reason, 1, &item->counts, out);
	}
	tf_buf_byte(out, ']');
}

/* The object of put_counts goes on with a list. */
static void
reopen(struct tf_buf *out, const char *key)
{
	if (!out->overflow && out->len != 0)
		out->len--;
	tf_buf_printf(out, ",\"%s\":[", key);
}

static void
put_author(struct tf_stats *s, const struct item *author, struct tf_buf *out)
{
	const struct tf_field domain = { "domain", author->name, false };
	struct tf_field values[SOURCE_KEYS];
	size_t n;
	struct item **sources = refused_of(s, author->sources, &n);

	put_counts(s, &domain, 1, &author->counts, out);
	reopen(out, "sources");
	for (size_t i = 0; i < n && i < SOURCES_SHOWN; i++) {
		for (size_t k = 0; k < SOURCE_KEYS; k++)
			values[k] =
			    (struct tf_field){ source_keys[k], sources[i]->values[k], false };
		tf_buf_lit(out, i > 0 ? "," : "");
		put_counts(s, values, SOURCE_KEYS, &sources[i]->counts, out);
	}
	tf_buf_printf(out, "],\"source_count\":%zu}", n);
}

void
tf_stats_write_json(struct tf_stats *s, size_t top, struct tf_buf *out)
{
	size_t n;
	struct item **list;

	put_counts(s, NULL, 0, &s->all, out);
	if (!out->overflow)
		out->len--;
	tf_buf_printf(out, ",\"lines\":%llu,\"other_lines\":%llu,\"damaged_lines\":%llu",
	    (unsigned long long)s->lines, (unsigned long long)s->other,
	    (unsigned long long)s->damaged);
	tf_buf_printf(out, ",\"unnamed\":%llu,\"rules\":[", (unsigned long long)s->unnamed);
	list = refused_of(s, &s->rules, &n);
	for (size_t i = 0; i < n && i < top; i++) {
		const struct tf_field rule = { "rule", list[i]->name, false };

		tf_buf_lit(out, i > 0 ? "," : "");
		put_counts(s, &rule, 1, &list[i]->counts, out);
	}
	list = refused_of(s, &s->authors, &n);
	tf_buf_lit(out, "],\"authors\":[");
	for (size_t i = 0; i < n && i < top; i++) {
		tf_buf_lit(out, i > 0 ? "," : "");
		put_author(s, list[i], out);
	}
	tf_buf_printf(out, "],\"author_count\":%zu", n);
	put_reasons(s, out);
	tf_buf_lit(out, "}\n");
}
