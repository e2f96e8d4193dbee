/*
 * config_apply.c - what a file says becomes fields, and what does not fit together is reported
 *
 * Events of config_parse.c, one value at a time; then what no single value can tell: keys given
 * twice, pairs that contradict each other, keys without effect.
 * Limits: those of each row; sections are compared with each other, TF_CONFIG_DOMAINS_MAX at most.
 */
#include <string.h>

#include "milter/config_apply.h"
#include "milter/config_file.h"
#include "milter/config_print.h"
#include "milter/config_value.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define FORWARDER_NAME_MAX 64
#define DAY_S 86400
#define SOON_DAYS 30 /* days before its end that a section is warned about */

/* Where a key was set. */
struct seen {
	uint32_t line;      /* of its first value; 0 = not set */
	uint32_t statement; /* a token that is the same for all elements of one list */
	uint32_t again;     /* statement of a second setting that has been reported */
	bool full;          /* too many elements, reported */
};

struct apply {
	struct tf_config *config;
	struct tf_arena *arena; /* the snapshot's */
	struct tf_arena *work;
	struct tf_report *report;
	struct tf_report *sealers; /* about arc.trusted_sealers_file */
	const struct tf_config_text *text;
	struct seen *seen; /* of each row; of titled sections: in the one being read */
	struct tf_override *overrides;
	size_t override_count, override_room;
	struct tf_forwarder *forwarders;
	size_t forwarder_count, forwarder_room;
	bool in_section; /* the last of either is being read */
	int64_t now;
};

static struct seen *
seen_of(struct apply *ap, const char *key)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(opts[i].key, key) == 0)
			return &ap->seen[i];
	}
	tf_panic("no key %s", key);
}

/* An error about the key that token belongs to, in the token's line. */
static void
complain(struct apply *ap, uint32_t token, const char *text)
{
	if (ap->report->errors < TF_REPORT_MAX)
		tf_report_error(ap->report, ap->text->tokens[token].line,
		    tf_config_text_key(ap->text, token, ap->work), "%s", text);
	else
		ap->report->errors++;
}

static const struct tf_str domain = TF_LIT("domain");
static const struct tf_str forwarder = TF_LIT("forwarder");

/* A list of sections with twice the room. */
static void *
grow(struct apply *ap, const void *list, size_t size, size_t count, size_t *room)
{
	void *grown;

	*room = *room != 0 ? *room * 2 : 8;
	grown = tf_arena_array(ap->arena, *room, size);
	if (count != 0)
		memcpy(grown, list, count * size);
	return grown;
}

/* The domain section that is being read, made at its first key. */
static struct tf_override *
current_override(struct apply *ap)
{
	if (ap->in_section)
		return &ap->overrides[ap->override_count - 1];
	if (ap->override_count == ap->override_room)
		ap->overrides = grow(ap, ap->overrides, sizeof(*ap->overrides), ap->override_count,
		    &ap->override_room);
	ap->in_section = true;
	return &ap->overrides[ap->override_count++];
}

/* The same for a forwarder section; it has defaults. */
static struct tf_forwarder *
current_forwarder(struct apply *ap)
{
	struct tf_forwarder *f;
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	if (ap->in_section)
		return &ap->forwarders[ap->forwarder_count - 1];
	if (ap->forwarder_count == ap->forwarder_room)
		ap->forwarders = grow(ap, ap->forwarders, sizeof(*ap->forwarders),
		    ap->forwarder_count, &ap->forwarder_room);
	ap->in_section = true;
	f = &ap->forwarders[ap->forwarder_count++];
	for (size_t i = 0; i < count; i++) {
		if (tf_str_eq(tf_opt_section(&opts[i]), forwarder))
			tf_opt_set_default(&opts[i], f, ap->arena);
	}
	return f;
}

/* What the fields of a row are in. */
static void *
base_of(struct apply *ap, const struct tf_opt *opt)
{
	if (!tf_opt_is_titled(opt))
		return ap->config;
	if (tf_str_eq(tf_opt_section(opt), forwarder))
		return current_forwarder(ap);
	return current_override(ap);
}

/* True when the value may be stored: the key is not given twice, its list has its form and room. */
static bool
admit(struct apply *ap, const struct tf_config_event *e, struct seen *seen, void *base)
{
	const struct tf_token *t = &ap->text->tokens[e->token];
	bool list = tf_opt_is_list(e->opt);
	bool bare =
	    t->kind == TF_TOKEN_WORD && ap->text->tokens[e->token - 1].kind == TF_TOKEN_EQUALS;
	uint32_t statement = list && !bare && t->kind == TF_TOKEN_WORD ? t->open : e->token;

	if (seen->line != 0 && seen->statement != statement) {
		if (seen->again != statement)
			complain(ap, e->token,
			    tf_arena_printf(ap->work,
				"given twice, first in line %u; keep one of them",
				(unsigned)seen->line)
				.ptr);
		seen->again = statement;
		return false;
	}
	if (seen->line == 0) {
		*seen = (struct seen){ .line = t->line, .statement = statement };
		if (list)
			tf_opt_clear_list(e->opt, base);
	}
	if (list && bare) {
		complain(ap, e->token,
		    tf_arena_printf(ap->work, "a list stands in braces; {%s}",
			tf_report_quote(ap->work, e->value))
			.ptr);
		return false;
	}
	return t->kind == TF_TOKEN_WORD && !seen->full;
}

static void
store(struct apply *ap, const struct tf_config_event *e)
{
	size_t count;
	struct seen *seen = &ap->seen[e->opt - tf_opts(&count)];
	void *base = base_of(ap, e->opt);
	char text[1024];
	struct tf_buf why;

	if (!admit(ap, e, seen, base))
		return;
	tf_buf_init(&why, text, sizeof(text));
	if (!tf_opt_set(e->opt, base, e->value, ap->arena, &why)) {
		complain(ap, e->token, tf_buf_cstr(&why));
		seen->full = tf_opt_is_full(e->opt, base);
	}
}

/* A section that has ended, or will soon. */
static void
warn_until(struct apply *ap, uint32_t line, struct tf_str key, int64_t until)
{
	const int64_t days = (until - ap->now) / DAY_S;

	if (until == 0)
		return;
	if (until < ap->now)
		tf_report_warning(ap->report, line, key,
		    "its last day has passed, so it has no effect; remove it or change until");
	else if (days <= SOON_DAYS)
		tf_report_warning(ap->report, line, key,
		    "its last day is %s; remove it then, or change until",
		    days == 0   ? "today"
		    : days == 1 ? "tomorrow"
				: tf_arena_printf(ap->work, "in %d days", (int)days).ptr);
}

static bool
has_facts(const struct tf_facts *f)
{
	return f->spf_count + f->dkim_count + f->network_count != 0;
}

static void
warn_domain(struct apply *ap, uint32_t line, struct tf_str key, const struct tf_override *o)
{
	bool conditions = has_facts(&o->when);

	warn_until(ap, line, key, o->until);
	if (o->policy == TF_POLICY_NONE && !conditions)
		tf_report_warning(ap->report, line, key,
		    "has no effect, because no authenticated fact is asked for; add when_spf_pass, "
		    "when_dkim_pass or when_networks");
	if (conditions && (o->policy == TF_POLICY_REJECT || o->published))
		tf_report_warning(ap->report, line, key,
		    "when_spf_pass, when_dkim_pass and when_networks have no effect here; "
		    "they are for a policy lower than the published one");
}

static bool
is_same_section(const struct tf_override *a, const struct tf_override *b)
{
	return a->subdomains == b->subdomains && tf_str_eq(a->domain, b->domain);
}

/* The end of a domain section: its title, what it must have, and whether there was one like it. */
static void
end_domain(struct apply *ap, uint32_t token)
{
	struct tf_override *o = current_override(ap);
	uint32_t open = ap->text->tokens[token].open;
	struct tf_str title = tf_config_text_title(ap->text, token);
	struct tf_str key = tf_config_text_key(ap->text, open, ap->work);
	uint32_t line = ap->text->tokens[open].line;

	ap->in_section = false;
	o->subdomains = tf_str_starts_nocase(title, TF_STR("*."));
	if (!tf_domain_normalise(
		tf_str_sub(title, o->subdomains ? 2 : 0, title.len), ap->arena, &o->domain))
		tf_report_error(ap->report, line, key,
		    "its title is no domain name; domain \"example.com\" or \"*.example.com\"");
	if (seen_of(ap, "domain.policy")->line == 0)
		tf_report_error(ap->report, line, key,
		    "policy is missing; none, quarantine, reject or published");
	o->published = o->policy == TF_POLICY_UNKNOWN;
	for (size_t i = 0; i + 1 < ap->override_count; i++) {
		if (is_same_section(&ap->overrides[i], o))
			tf_report_error(ap->report, line, key,
			    "a second section for this domain; keep one of them");
	}
	warn_domain(ap, line, key, o);
}

static void
warn_forwarder(struct apply *ap, uint32_t line, struct tf_str key, const struct tf_forwarder *f)
{
	warn_until(ap, line, key, f->until);
	if (!has_facts(&f->when))
		tf_report_warning(ap->report, line, key,
		    "has no effect, because no authenticated fact is asked for; add when_spf_pass, "
		    "when_dkim_pass or networks");
	if (f->policy == TF_POLICY_REJECT)
		tf_report_warning(ap->report, line, key,
		    "has no effect, because no policy is stricter than reject; none or quarantine");
}

static bool
is_forwarder_name(char c)
{
	return tf_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* The end of a forwarder section. */
static void
end_forwarder(struct apply *ap, uint32_t token)
{
	struct tf_forwarder *f = current_forwarder(ap);
	uint32_t open = ap->text->tokens[token].open;
	struct tf_str title = tf_config_text_title(ap->text, token);
	struct tf_str key = tf_config_text_key(ap->text, open, ap->work);
	uint32_t line = ap->text->tokens[open].line;
	struct tf_lex lx = tf_lex_init(title);

	ap->in_section = false;
	f->name = tf_arena_dup(ap->arena, title);
	tf_lex_while(&lx, is_forwarder_name);
	if (title.len == 0 || title.len > FORWARDER_NAME_MAX || !tf_lex_done(&lx))
		tf_report_error(ap->report, line, key,
		    "its title is no name for the log; up to %d letters, digits, and . - _",
		    FORWARDER_NAME_MAX);
	for (size_t i = 0; i + 1 < ap->forwarder_count; i++) {
		if (tf_str_eq_nocase(ap->forwarders[i].name, f->name))
			tf_report_error(ap->report, line, key,
			    "a second section of this name; give it another");
	}
	warn_forwarder(ap, line, key, f);
}

/* Only titled sections have an end to speak of: others are a common prefix of their keys. */
static void
end_section(struct apply *ap, uint32_t token)
{
	const struct tf_str section = tf_config_text_section(ap->text, token);
	size_t rows;
	const struct tf_opt *opts = tf_opts(&rows);

	if (tf_str_eq(section, domain))
		end_domain(ap, token);
	else if (tf_str_eq(section, forwarder))
		end_forwarder(ap, token);
	for (size_t i = 0; i < rows; i++) {
		if (tf_opt_is_titled(&opts[i]))
			ap->seen[i] = (struct seen){ 0 };
	}
}

/* Of two keys that do not fit together, the one that comes later in the file is reported. */
static void
check_pair(struct apply *ap, const char *key, const char *text, const char *other_key,
    const char *other_text)
{
	uint32_t line = seen_of(ap, key)->line, other = seen_of(ap, other_key)->line;

	if (line >= other)
		tf_report_error(ap->report, line, tf_str_from(key), "%s", text);
	else
		tf_report_error(ap->report, other, tf_str_from(other_key), "%s", other_text);
}

static void
check_pairs(struct apply *ap)
{
	const struct tf_config *c = ap->config;
	unsigned deadline = c->check.deadline_ms / 1000, timeout = c->dns.timeout_ms / 1000;

	if (c->dns.recursive && c->dns.server_count != 0)
		check_pair(ap, "dns.recursive",
		    "true, while dns.servers names servers to ask; remove one of the two",
		    "dns.servers",
		    "names servers, while dns.recursive asks none; remove one of the two");
	if (deadline < timeout)
		check_pair(ap, "message_deadline",
		    tf_arena_printf(ap->work, "%u is below dns.timeout, which is %u; at least %u",
			deadline, timeout, timeout)
			.ptr,
		    "dns.timeout",
		    tf_arena_printf(ap->work,
			"%u is above message_deadline, which is %u; at most %u", timeout, deadline,
			deadline)
			.ptr);
	if (c->check.max_memory < c->check.max_header_bytes)
		check_pair(ap, "limits.message_memory",
		    "below limits.header_bytes; at least as much", "limits.header_bytes",
		    "above limits.message_memory; at most as much");
}

/* A network of prefix length 0 among those whose mail is not evaluated. */
static void
warn_everyone(struct apply *ap, const char *key, const struct tf_net *nets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (nets[i].bits != 0)
			continue;
		tf_report_warning(ap->report, seen_of(ap, key)->line, tf_str_from(key),
		    "holds every address, so that no mail is evaluated; name the hosts alone");
		return;
	}
}

static void
warn_no_effect(struct apply *ap)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);
	struct tf_config defaults = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (opts[i].acts || ap->seen[i].line == 0 || tf_opt_is_titled(&opts[i]))
			continue;
		tf_opt_set_default(&opts[i], &defaults, ap->work);
		if (!tf_opt_same(&opts[i], ap->config, &defaults))
			tf_report_warning(ap->report, ap->seen[i].line, tf_str_from(opts[i].key),
			    "this version does not act on it; leave it out");
	}
}

static void
warn_values(struct apply *ap)
{
	const struct tf_config *c = ap->config;

	warn_everyone(ap, "trusted_networks", c->trusted_networks, c->trusted_network_count);
	warn_everyone(ap, "trusted_relays", c->trusted_relays, c->trusted_relay_count);
	if (c->authserv_id.len != 0 && tf_str_find(c->authserv_id, '.') == c->authserv_id.len)
		tf_report_warning(ap->report, seen_of(ap, "authserv_id")->line,
		    TF_STR("authserv_id"),
		    "%s has no dot, and some readers want a host name; e.g. mx.example.org",
		    tf_report_quote(ap->work, c->authserv_id));
	warn_no_effect(ap);
}

/* What the file named by the configuration holds, or a report and nothing. */
static struct tf_str
sealers_file(struct apply *ap, bool *unreadable_out)
{
	struct tf_str path = ap->config->trusted_sealers_file, file = TF_NONE_STR;
	struct tf_str key = TF_STR("arc.trusted_sealers_file");
	uint32_t line = seen_of(ap, "arc.trusted_sealers_file")->line;
	struct tf_buf why;

	if (path.len == 0)
		return TF_NONE_STR;
	tf_report_init(ap->sealers, ap->work, path);
	tf_buf_init_arena(&why, ap->work, TF_CONFIG_WHY_MAX);
	switch (tf_config_file_read(tf_arena_cstr(ap->work, path), ap->work, &file, &why)) {
	case TF_CONFIG_READ:
		break;
	case TF_CONFIG_READ_UNSAFE:
		tf_report_error(ap->sealers, 0, key, "%s", tf_buf_cstr(&why));
		return TF_NONE_STR;
	case TF_CONFIG_READ_TOO_LONG:
		tf_report_error(ap->sealers, 0, key, "over %zu bytes; make the file smaller",
		    TF_CONFIG_FILE_MAX);
		return TF_NONE_STR;
	case TF_CONFIG_READ_FAILED:
		tf_report_error(ap->report, line, key, "%s %s; a file with a domain a line",
		    tf_report_quote(ap->work, path), tf_buf_cstr(&why));
		*unreadable_out = true;
		break;
	}
	return file;
}

/* The zone is read by the resolver, which knows nothing of who may decide what it says. */
static void
check_zone(struct apply *ap)
{
	const char *path = tf_arena_cstr(ap->work, ap->config->dns.zone_file);
	struct tf_buf why;

	tf_buf_init_arena(&why, ap->work, TF_CONFIG_WHY_MAX);
	if (path != NULL && path[0] != '\0' && !tf_config_file_trust(path, &why))
		tf_report_error(ap->report, seen_of(ap, "dns.zone")->line, TF_STR("dns.zone"),
		    "%s: %s", tf_report_quote(ap->work, ap->config->dns.zone_file),
		    tf_buf_cstr(&why));
}

/* Those of the list and those of the file. */
static void
set_sealers(struct apply *ap, bool *unreadable_out)
{
	struct tf_config *c = ap->config;
	struct tf_str file = sealers_file(ap, unreadable_out), *all;
	const struct tf_str *further;
	size_t count = tf_config_sealers_read(file, ap->arena, ap->sealers, &further);

	all = tf_arena_array(ap->arena, c->trusted_sealer_count + count, sizeof(*all));
	for (size_t i = 0; i < c->trusted_sealer_count; i++)
		all[i] = c->trusted_sealers[i];
	for (size_t i = 0; i < count; i++)
		all[c->trusted_sealer_count + i] = further[i];
	c->verdict.trusted_sealers = all;
	c->verdict.trusted_sealer_count = c->trusted_sealer_count + count;
}

/* Sealers to trust, and chains that nobody looks at. */
static void
warn_sealers(struct apply *ap)
{
	const char *key = "arc.trusted_sealers";

	if (seen_of(ap, key)->line == 0)
		key = "arc.trusted_sealers_file";
	if (ap->config->check.arc.verify || ap->config->verdict.trusted_sealer_count == 0)
		return;
	tf_report_warning(ap->report, seen_of(ap, key)->line, tf_str_from(key),
	    "has no effect, because arc.verify is false; arc { verify = true }");
}

bool
tf_config_apply(const struct tf_config_input *in, struct tf_config *config, struct tf_arena *a)
{
	struct apply ap = {
		.config = config,
		.arena = a,
		.work = in->report->arena,
		.report = in->report,
		.sealers = in->sealers,
		.text = in->text,
		.now = in->now,
	};
	bool unreadable = false;
	size_t rows;

	(void)tf_opts(&rows);
	ap.seen = tf_arena_array(ap.work, rows, sizeof(*ap.seen));
	for (size_t i = 0; i < in->events->count; i++) {
		if (in->events->list[i].opt != NULL)
			store(&ap, &in->events->list[i]);
		else
			end_section(&ap, in->events->list[i].token);
	}
	config->verdict.overrides = ap.overrides;
	config->verdict.override_count = ap.override_count;
	config->verdict.forwarders = ap.forwarders;
	config->verdict.forwarder_count = ap.forwarder_count;
	set_sealers(&ap, &unreadable);
	check_zone(&ap);
	check_pairs(&ap);
	warn_values(&ap);
	warn_sealers(&ap);
	return !unreadable;
}
