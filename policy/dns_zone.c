/*
 * dns_zone.c - a file of records -> zones that libunbound can load
 *
 * libunbound reads an auth-zone from a file only, one file a zone, named in a configuration file.
 * They are written into a private folder and removed as soon as they are loaded. Rdata goes out in
 * the generic form of RFC 3597, so no second printer and no second parser of it can disagree.
 * Does not: parse master files (dns_answer.c), serve delegations, sign.
 * Limits: 4 MiB of text; 10,000 zones, each a file (a second or so to load).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/dns_answer.h"
#include "policy/dns_zone.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define ZONES_MAX 10000
#define TYPE_EXISTS 65534 /* private use (RFC 6895 section 3.1): the name exists, nothing more */

/* Types that libunbound would act on: delegations, signatures, a second apex. */
static bool
is_structural(uint16_t type)
{
	static const uint16_t types[] = { 2 /* NS */, 6 /* SOA */, 43 /* DS */, 46 /* RRSIG */,
		47 /* NSEC */, 48 /* DNSKEY */, 50 /* NSEC3 */, 51 /* NSEC3PARAM */,
		63 /* ZONEMD */ };

	for (size_t i = 0; i < TF_ARRAY_LEN(types); i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

/* Last label of *name, cut off from it. */
static struct tf_str
pop_label(struct tf_str *name)
{
	size_t dot = tf_str_rfind(*name, '.');
	struct tf_str label = dot < name->len ? tf_str_sub(*name, dot + 1, name->len) : *name;

	name->len = dot < name->len ? dot : 0;
	return label;
}

/* The order of the tree: a name before all names below it, and those together. */
static int
compare_names(struct tf_str a, struct tf_str b)
{
	int order = 0;

	while (order == 0 && a.len != 0 && b.len != 0)
		order = tf_str_cmp(pop_label(&a), pop_label(&b));
	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* The name of the zone that a record needs: a wildcard lives in the zone of its parent. */
static struct tf_str
zone_name(const struct tf_dns_record *record)
{
	if (tf_str_eq(record->owner, TF_STR("*")) ||
	    tf_str_starts_nocase(record->owner, TF_STR("*.")))
		return tf_domain_parent(record->owner);
	return record->owner;
}

static int
compare_records(const void *a, const void *b)
{
	const struct tf_dns_record *const *x = a, *const *y = b;
	int order = compare_names(zone_name(*x), zone_name(*y));

	if (order == 0)
		order = tf_str_cmp((*x)->owner, (*y)->owner);
	/* As in the file: the order of a set of records is what a server would keep. */
	return order != 0 ? order : ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static bool
is_within(struct tf_str name, struct tf_str apex)
{
	return apex.len == 0 || tf_domain_is_below_or_equal(name, apex);
}

/* "PATH: WHAT: reason of the system" */
static void
say_errno(struct tf_buf *why, const char *path, const char *what)
{
	const int number = errno;

	tf_buf_printf(why, "%s: %s: ", path, what);
	tf_buf_errno(why, number);
}

/* Writes everything or says why not; the stream is closed either way. */
static bool
close_stream(FILE *fp, const char *path, struct tf_buf *why)
{
	bool ok = !ferror(fp);

	if (fclose(fp) != 0 || !ok) {
		say_errno(why, path, "cannot be written");
		return false;
	}
	return true;
}

static FILE *
create(const char *path, struct tf_buf *why)
{
	FILE *fp = fopen(path, "wx");

	if (fp == NULL)
		say_errno(why, path, "cannot be made");
	return fp;
}

static void
write_name(FILE *fp, struct tf_str name)
{
	char text[TF_DOMAIN_MAX * 4 + 2];
	struct tf_buf out;

	tf_buf_init(&out, text, sizeof(text));
	tf_dns_name_write(name, &out);
	fwrite(out.ptr, 1, out.len, fp);
}

static void
write_record(FILE *fp, const struct tf_dns_record *record)
{
	bool structural = is_structural(record->type);
	size_t size = structural ? 0 : record->rdata.len;

	write_name(fp, record->owner);
	fprintf(fp, " %u IN TYPE%u \\# %zu ", (unsigned int)record->ttl_s,
	    structural ? TYPE_EXISTS : record->type, size);
	for (size_t i = 0; i < size; i++)
		fprintf(fp, "%02x", (unsigned char)record->rdata.ptr[i]);
	fputc('\n', fp);
}

static void
zone_path(const struct tf_dns_zone_files *files, size_t n, char path[96])
{
	snprintf(path, 96, "%s/%zu.zone", files->dir, n);
}

/* One zone of `count` records; adds it to the configuration. */
static bool
write_zone(struct tf_dns_zone_files *files, FILE *conf, struct tf_str apex,
    struct tf_dns_record *const *records, size_t count, struct tf_buf *why)
{
	char path[96];
	FILE *fp;

	zone_path(files, files->zones, path);
	fp = create(path, why);
	if (fp == NULL)
		return false;
	files->zones++;
	write_name(fp, apex);
	fputs(" 3600 IN SOA localhost. . 1 3600 600 86400 3600\n", fp);
	write_name(fp, apex);
	fputs(" 3600 IN NS localhost.\n", fp);
	for (size_t i = 0; i < count; i++)
		write_record(fp, records[i]);

	fputs("auth-zone:\n name: \"", conf);
	write_name(conf, apex);
	fprintf(conf, "\"\n zonefile: \"%s\"\n", path);
	fputs(" for-downstream: no\n for-upstream: yes\n fallback-enabled: no\n", conf);
	if (apex.len != 0) { /* or a forwarder of everything would be asked instead */
		fputs("stub-zone:\n name: \"", conf);
		write_name(conf, apex);
		fputs("\"\n", conf);
	}
	fputs("server:\n domain-insecure: \"", conf);
	write_name(conf, apex);
	fputs("\"\n", conf);
	return close_stream(fp, path, why);
}

/* Where the zone that begins at `first` ends. */
static size_t
zone_end(struct tf_dns_record *const *sorted, size_t first, size_t count)
{
	struct tf_str apex = zone_name(sorted[first]);
	size_t end = first + 1;

	while (end < count && is_within(sorted[end]->owner, apex))
		end++;
	return end;
}

static bool
write_zones(struct tf_dns_zone_files *files, FILE *conf, bool whole_tree,
    struct tf_dns_record *const *sorted, size_t count, struct tf_buf *why)
{
	size_t zones = 0, end;

	if (whole_tree)
		return write_zone(files, conf, TF_STR(""), sorted, count, why);
	for (size_t first = 0; first < count; first = zone_end(sorted, first, count))
		zones++;
	if (zones > ZONES_MAX) {
		tf_buf_printf(why, "%zu names in the zone have none above them; at most %d may",
		    zones, ZONES_MAX);
		return false;
	}
	for (size_t first = 0; first < count; first = end) {
		end = zone_end(sorted, first, count);
		if (!write_zone(
			files, conf, zone_name(sorted[first]), sorted + first, end - first, why))
			return false;
	}
	return true;
}

static bool
write_files(struct tf_dns_zone_files *files, bool whole_tree, struct tf_dns_record **sorted,
    size_t count, struct tf_buf *why)
{
	FILE *conf;
	bool ok;

	snprintf(files->dir, sizeof(files->dir), "%s/truefrom-XXXXXX", P_tmpdir);
	if (mkdtemp(files->dir) == NULL) {
		say_errno(why, files->dir, "cannot be made");
		files->dir[0] = '\0';
		return false;
	}
	snprintf(files->conf, sizeof(files->conf), "%s/conf", files->dir);
	conf = create(files->conf, why);
	if (conf == NULL)
		return false;
	ok = write_zones(files, conf, whole_tree, sorted, count, why);
	return close_stream(conf, files->conf, why) && ok;
}

/* The whole file, or false with the reason. */
static bool
read_file(const char *path, struct tf_arena *a, struct tf_str *text_out, struct tf_buf *why)
{
	FILE *fp = fopen(path, "r");
	char *text;
	size_t len;
	bool failed;

	if (fp == NULL) {
		say_errno(why, path, "cannot be opened");
		return false;
	}
	text = tf_arena_alloc(a, TF_DNS_ZONE_MAX + 1);
	len = fread(text, 1, TF_DNS_ZONE_MAX + 1, fp);
	failed = ferror(fp) != 0;
	if (failed)
		say_errno(why, path, "cannot be read");
	fclose(fp);
	*text_out = (struct tf_str){ text, len };
	return !failed;
}

/* Where a scan of a master file is. */
struct scan {
	struct tf_lex lx;
	unsigned int line, open_line; /* counted from 1; of the open parenthesis, 0: none is open */
	bool owner_seen;
};

/* A quoted string, on one line; a backslash takes the byte behind it along. */
static void
scan_quoted(struct scan *sc)
{
	tf_lex_byte(&sc->lx, '"');
	while (tf_lex_peek(&sc->lx) != '"') {
		bool escaped = tf_lex_try(&sc->lx, '\\');

		if (tf_lex_peek(&sc->lx) < 0 || tf_lex_peek(&sc->lx) == '\n') {
			tf_lex_fail(&sc->lx, "a quoted string is not closed");
			return;
		}
		if (escaped || tf_lex_peek(&sc->lx) != '"')
			sc->lx.p++;
	}
	tf_lex_byte(&sc->lx, '"');
}

static bool
is_not_line_end(char c)
{
	return c != '\n';
}

/* What a line may begin with when it does not go on with the one before. */
static void
scan_line_start(struct scan *sc)
{
	struct tf_str rest = tf_lex_rest(&sc->lx);
	bool blank = rest.len != 0 && tf_is_wsp(rest.ptr[0]);
	struct tf_str first = tf_str_trim(tf_str_sub(rest, 0, tf_str_find(rest, '\n')));

	if (first.len == 0 || first.ptr[0] == ';')
		return;
	if (first.ptr[0] != '$') {
		if (blank && !sc->owner_seen)
			tf_lex_fail(&sc->lx, "a record without a name, and none before it");
		sc->owner_seen = true;
		return;
	}
	if (!tf_str_starts_nocase(first, TF_STR("$ORIGIN")) &&
	    !tf_str_starts_nocase(first, TF_STR("$TTL")))
		tf_lex_fail(&sc->lx, "only $ORIGIN and $TTL are supported");
}

static void
scan_token(struct scan *sc)
{
	switch (tf_lex_peek(&sc->lx)) {
	case '"':
		scan_quoted(sc);
		return;
	case ';':
		tf_lex_while(&sc->lx, is_not_line_end);
		return;
	case '(':
		if (sc->open_line != 0)
			tf_lex_fail(&sc->lx, "a parenthesis within another");
		sc->open_line = sc->line;
		break;
	case ')':
		if (sc->open_line == 0)
			tf_lex_fail(&sc->lx, "a parenthesis that was not opened");
		sc->open_line = 0;
		break;
	case '\\':
		if (sc->lx.end - sc->lx.p > 1 && sc->lx.p[1] != '\n')
			sc->lx.p++;
		break;
	case '\n':
		sc->line++;
		break;
	}
	sc->lx.p++;
	if (sc->lx.p[-1] == '\n' && sc->open_line == 0)
		scan_line_start(sc);
}

/* What ldns passes over in silence: quotes and parentheses left open, unknown directives, a first
 * record without a name. */
static bool
scan_text(struct tf_str text, const char *label, struct tf_buf *why)
{
	struct scan sc = { .lx = tf_lex_init(text), .line = 1 };

	scan_line_start(&sc);
	while (!tf_lex_done(&sc.lx))
		scan_token(&sc);
	if (sc.lx.err == NULL && sc.open_line != 0) {
		sc.line = sc.open_line;
		tf_lex_fail(&sc.lx, "a parenthesis is not closed");
	}
	if (sc.lx.err != NULL)
		tf_buf_printf(why, "%s:%u: %s", label, sc.line, sc.lx.err);
	return sc.lx.err == NULL;
}

static struct tf_dns_record **
sort_records(struct tf_dns_record *records, struct tf_arena *a, size_t *count_out)
{
	struct tf_dns_record **sorted;
	size_t count = 0;

	for (struct tf_dns_record *r = records; r != NULL; r = r->next)
		r->number = count++;
	sorted = tf_arena_array(a, count, sizeof(struct tf_dns_record *));
	for (struct tf_dns_record *r = records; r != NULL; r = r->next)
		sorted[r->number] = r;
	qsort(sorted, count, sizeof(*sorted), compare_records);
	*count_out = count;
	return sorted;
}

static bool
build(struct tf_str path, struct tf_str text, bool whole_tree, struct tf_arena *a,
    struct tf_dns_zone_files *files, struct tf_buf *why)
{
	const char *label = "zone text";
	struct tf_dns_record *records, **sorted;
	size_t count;

	if (path.len != 0) {
		label = tf_arena_cstr(a, path);
		if (label == NULL) {
			tf_buf_lit(why, "the name of the zone file holds a NUL");
			return false;
		}
		if (!read_file(label, a, &text, why))
			return false;
	}
	if (text.len > TF_DNS_ZONE_MAX) {
		tf_buf_printf(why, "%s: larger than %zu bytes", label, TF_DNS_ZONE_MAX);
		return false;
	}
	if (!scan_text(text, label, why) || !tf_dns_records_parse(text, label, a, &records, why))
		return false;
	sorted = sort_records(records, a, &count);
	return write_files(files, whole_tree, sorted, count, why);
}

bool
tf_dns_zone_write(struct tf_str path, struct tf_str text, bool whole_tree,
    struct tf_dns_zone_files *files_out, struct tf_buf *why)
{
	struct tf_arena *a = tf_arena_new();
	bool ok;

	*files_out = (struct tf_dns_zone_files){ .zones = 0 };
	ok = build(path, text, whole_tree, a, files_out, why);
	tf_arena_free(a);
	if (!ok)
		tf_dns_zone_remove(files_out);
	return ok;
}

void
tf_dns_zone_remove(struct tf_dns_zone_files *files)
{
	char path[96];

	if (files->dir[0] == '\0')
		return;
	for (size_t i = 0; i < files->zones; i++) {
		zone_path(files, i, path);
		unlink(path);
	}
	unlink(files->conf);
	rmdir(files->dir);
	files->dir[0] = '\0';
}
