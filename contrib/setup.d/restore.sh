# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# restore.sh - copies of Postfix's settings, and the way back to them; sourced by contrib/setup

# What is remembered about the attachment.
FACTS=(main.cf.before main.cf.sum master.cf.before master.cf.sum services own_list main_list
	milter_address default_action)

# Before the first change ever, for --remove; before this run's, for a failure.
take_copies()
{
	local f dir
	dir=$(postconf -h config_directory)
	state_dir
	COPIES=$(mktemp -d "$STATE/run.XXXXXX")
	CLEANUP+=(drop_copies)
	mkdir "$COPIES/facts"
	for f in "${FACTS[@]}"; do
		[ ! -e "$STATE/$f" ] || cp -p "$STATE/$f" "$COPIES/facts/$f"
	done
	for f in main.cf master.cf; do
		cp -p "$dir/$f" "$COPIES/$f"
		[ -e "$STATE/$f.before" ] || {
			cp -p "$dir/$f" "$STATE/$f.before"
			state_set "$f.sum" "$(sum "$dir/$f")"
		}
	done
	ROLLBACK=roll_back
}

drop_copies()
{
	rm -rf "$COPIES"
}

# A file nobody else has touched since our last run may later be put back byte for byte.
settle_copies()
{
	local f dir
	dir=$(postconf -h config_directory)
	for f in main.cf master.cf; do
		if [ "$(sum "$COPIES/$f")" = "$(state_get "$f.sum")" ]; then
			state_set "$f.sum" "$(sum "$dir/$f")"
		fi
	done
}

put_back()
{
	if ! cmp -s "$1" "$2"; then
		cp -p "$1" "$2.setup-new"
		mv -f "$2.setup-new" "$(readlink -f "$2")"
	fi
}

roll_back()
{
	local f dir
	ROLLBACK=
	dir=$(postconf -h config_directory)
	for f in main.cf master.cf; do put_back "$COPIES/$f" "$dir/$f"; done
	for f in "${FACTS[@]}"; do
		rm -f "$STATE/$f"
		[ ! -e "$COPIES/facts/$f" ] || cp -p "$COPIES/facts/$f" "$STATE/$f"
	done
	if postfix_runs; then logged postfix reload || true; fi
	if [ "$POSTFIX_RAN" = no ]; then logged postfix stop || true; fi
	echo "       Postfix has its former settings again." >&2
}

# --- detach ---------------------------------------------------------------------------------------

detach()
{
	local f dir exact=yes
	if [ ! -e "$STATE/main.cf.before" ] || ! command -v postconf >/dev/null; then
		same "was not attached"
		return
	fi
	dir=$(postconf -h config_directory)
	if cmp -s "$STATE/main.cf.before" "$dir/main.cf" && cmp -s "$STATE/master.cf.before" "$dir/master.cf"; then
		same "has its former settings"
		return
	fi
	for f in main.cf master.cf; do
		if [ "$(sum "$dir/$f")" = "$(state_get "$f.sum")" ]; then
			put_back "$STATE/$f.before" "$dir/$f"
		else
			exact=no
			"undo_${f%.cf}"
		fi
	done
	if [ "$exact" = yes ]; then
		changed "main.cf and master.cf are as they were before"
	else
		changed "truefrom's settings are taken out; what you edited since stays"
	fi
	if postfix_runs; then logged postfix reload || die_logged "Postfix does not reload" "see above"; fi
}

undo_main()
{
	local had
	had=$(state_get default_action)
	[ -n "$had" ] && [ "$(postconf -nh milter_default_action 2>/dev/null)" = tempfail ] || return 0
	if [ "$had" = unset ]; then
		postconf -X milter_default_action
	else
		postconf -e "milter_default_action${had}"
	fi
}

# A list that came from main.cf goes; one that was the service's own, or was edited since, stays without us.
undo_master()
{
	local service rest
	while IFS= read -r service; do
		service_sets "$service" smtpd_milters || continue
		list_has_us "$(service_value "$service" smtpd_milters)" || continue
		rest=$(list_pick others "$(service_value "$service" smtpd_milters)")
		if ! state_has own_list "$service" && [ "$rest" = "$(state_get main_list)" ]; then
			postconf -PX "$service/smtpd_milters"
		else
			postconf -P "$service/smtpd_milters=$rest"
		fi
	done < <(state_get services)
}
