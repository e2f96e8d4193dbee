# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# daemon.sh - start and stop truefromd, with systemd or without; sourced by contrib/setup

have_systemd()
{
	[ -d /run/systemd/system ]
}

# The unit for this host: the queue may lie elsewhere, or there may be no Postfix.
write_unit()
{
	local from=/var/spool/postfix/truefrom
	if [ "$HAVE_POSTFIX" = yes ]; then
		sed -e "s|$from|$SOCKET_DIR|" \
			-e "s|^SupplementaryGroups=.*|SupplementaryGroups=$(postfix_group)|" "$1"
	else
		sed -e "\|$from|d" -e '/^SupplementaryGroups=/d' "$1"
	fi
}

install_unit()
{
	local fresh
	fresh=$(mktemp)
	write_unit "$TOP/contrib/systemd/truefromd.service" >"$fresh"
	if cmp -s "$fresh" "$UNIT"; then
		same "$UNIT is there"
	else
		changed "$UNIT"
		put "$fresh" "$UNIT" 0644
		state_add files "$UNIT"
		RESTART=yes
		if have_systemd; then systemctl daemon-reload; fi
	fi
	rm -f "$fresh"
}

# The process of our PID file, if it is really truefromd.
daemon_pid()
{
	local pid
	pid=$(cat "$(conf_value pid_file "$PID_FILE")" 2>/dev/null) || return 1
	case $pid in '' | *[!0-9]*) return 1 ;; esac
	is_truefromd "$pid" || return 1
	echo "$pid"
}

# Not kill -0: in a container a process that has ended may stay in the table for good.
is_truefromd()
{
	local exe
	exe=$(readlink "/proc/$1/exe") && [ "${exe% (deleted)}" = "$DAEMON" ]
}

start_daemon()
{
	if have_systemd; then
		start_by_systemd
	else
		start_by_hand
	fi
	has_socket || die "truefromd runs, but $(conf_value socket "$DEFAULT_SOCKET") is not there" \
		"compare 'socket' in $CONF with what the log says"
}

start_by_systemd()
{
	if ! systemctl -q is-enabled truefromd 2>/dev/null; then
		changed "enabled at boot"
		logged systemctl enable truefromd
	fi
	if ! systemctl -q is-active truefromd; then
		changed "started by systemd"
		systemctl start truefromd ||
			die "truefromd did not start" "read 'journalctl -u truefromd -n 30'"
	elif [ "$RESTART" = yes ]; then
		changed "restarted"
		systemctl restart truefromd ||
			die "truefromd did not start again" "read 'journalctl -u truefromd -n 30'"
	else
		same "truefromd runs"
	fi
}

start_by_hand()
{
	[ -n "$(conf_value pid_file '')" ] ||
		die "no systemd runs here, and $CONF names no pid_file" "add: pid_file = \"$PID_FILE\""
	if daemon_pid >/dev/null; then
		if [ "$RESTART" = no ]; then
			same "truefromd runs (process $(daemon_pid))"
			return
		fi
		stop_by_hand
	fi
	rm -f "$(conf_value pid_file '')" # what an earlier process left may name another one by now
	"$DAEMON" || die "truefromd did not start" "see what it says above, or run '$DAEMON -f'"
	daemon_pid >/dev/null || die "truefromd started and left no PID file" "run '$DAEMON -f' and read"
	changed "started (process $(daemon_pid)); no systemd runs here, so at boot, before Postfix, have"
	note "$DAEMON started; it needs no option"
	[ -S /dev/log ] || note "no syslog runs here either: until one does, its log lines are lost"
}

stop_by_hand()
{
	local pid n
	pid=$(daemon_pid) || return 0
	kill -TERM "$pid"
	for ((n = 0; n < 350; n++)); do # it finishes the messages in work first: 20 s + 5 s by default
		is_truefromd "$pid" || return 0
		sleep 0.1
	done
	die "truefromd (process $pid) does not end" "read its log; then run contrib/setup again"
}

has_socket()
{
	local path n
	path=$(conf_value socket "$DEFAULT_SOCKET")
	case $path in
	unix:*) path=${path#unix:} ;;
	*) return 0 ;;
	esac
	for ((n = 0; n < 50; n++)); do
		[ ! -S "$path" ] || return 0
		sleep 0.1
	done
	return 1
}

stop_daemon()
{
	if have_systemd; then
		if systemctl -q is-active truefromd || systemctl -q is-enabled truefromd 2>/dev/null; then
			changed "stopped and disabled"
			logged systemctl disable --now truefromd
		fi
	elif daemon_pid >/dev/null; then
		changed "stopped"
		stop_by_hand
		rm -f "$(conf_value pid_file "$PID_FILE")"
	fi
}
