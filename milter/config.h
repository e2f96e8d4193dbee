/*
 * config.h - the configuration: rows of options.def become one immutable snapshot
 *
 * A snapshot is counted: each message holds the one that it took at MAIL FROM. Everything in it is
 * const after tf_config_load.
 */
#ifndef MILTER_CONFIG_H
#define MILTER_CONFIG_H

#include "truefrom/authres.h"
#include "truefrom/check.h"
#include "truefrom/verdict.h"
#include "milter/log.h"

struct tf_config {
	struct tf_str file; /* where it came from; empty = defaults only */

	/* These need a restart; a reload keeps the old value and warns. */
	struct tf_str socket, socket_group, user, pid_file, state_dir;
	bool sandbox;
	uint32_t socket_mode;    /* permission bits */
	uint32_t idle_timeout_s; /* limits.idle_timeout: libmilter takes it at its start */

	struct tf_str authserv_id; /* empty = the MTA's name */
	const struct tf_str *remove_authserv_ids;
	size_t remove_authserv_id_count;
	const struct tf_net *trusted_networks, *trusted_relays, *inbound_relays;
	size_t trusted_network_count, trusted_relay_count, inbound_relay_count;
	bool trust_authenticated;
	bool on_error_configured; /* on_error is "tempfail" */
	bool on_error_tempfail;   /* the same, but false in monitor mode: what the daemon goes by */
	struct tf_log_opts log;
	uint32_t connections; /* limits.connections */
	uint32_t watchdog_s;  /* 0 = the process is never ended by itself */
	bool received_spf;
	bool report_enabled;
	struct tf_str metrics_listen;
	/* As configured; verdict.trusted_sealers has these and what the file names. */
	const struct tf_str *trusted_sealers;
	size_t trusted_sealer_count;
	struct tf_str trusted_sealers_file;

	struct tf_check_opts check;     /* spf, dkim, arc, dmarc, limits */
	struct tf_verdict_opts verdict; /* mode, dmarc.on_*, domain sections ... */
	struct tf_resolver_opts dns;
};

/*
 * tf_config_load - defaults, then the file
 *
 * path  NULL: defaults only
 * why   gets every error found, a line each: "FILE:LINE: KEY: what is wrong; what would be right"
 * warn  the same for warnings (keys without effect, sections past their last day)
 *
 * Files that the configuration names (arc.trusted_sealers_file) are read too, and their mistakes
 * are mistakes of the configuration. Returns a snapshot with one reference, or NULL with why
 * filled. *unreadable_out tells an unreadable file (exit code 3) from a wrong one (exit code 1).
 * Thread-safe.
 */
struct tf_config *tf_config_load(
    const char *path, struct tf_buf *why, struct tf_buf *warn, bool *unreadable_out);
struct tf_config *tf_config_retain(struct tf_config *c);
void tf_config_release(struct tf_config *c); /* NULL is fine */

/*
 * tf_config_keep_fixed - on a reload: names of keys that need a restart and differ are appended to
 * names_out, and the new snapshot gets the old values
 */
void tf_config_keep_fixed(
    const struct tf_config *old, struct tf_config *fresh, struct tf_buf *names_out);
/* Whether the settings of `dns` are the same, so that the resolver and its cache can stay. */
bool tf_config_same_dns(const struct tf_config *a, const struct tf_config *b);

/* Configuration syntax: every key with its default and what it is (truefrom config --defaults). */
void tf_config_write_defaults(struct tf_buf *out);
/* Configuration syntax: keys whose value is not the default (truefrom config --diff). */
void tf_config_write_diff(const struct tf_config *c, struct tf_buf *out);

/*
 * tf_config_choose_path - the file to load
 *
 * given  from -c or --config; NULL: $TRUEFROM_CONFIG, then SYSCONFDIR/truefrom/truefrom.conf
 * warn   gets a line when the default file is not there and defaults are used
 *
 * Returns the path for tf_config_load, or NULL for defaults. A file that was named and is missing
 * is returned, so that loading it fails.
 */
const char *tf_config_choose_path(const char *given, struct tf_buf *warn);

#endif
