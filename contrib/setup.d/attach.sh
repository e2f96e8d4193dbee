# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# attach.sh - put truefromd into Postfix's service on port 25; sourced by contrib/setup
#
# Only the service on port 25 gets the milter, by an -o smtpd_milters of its own in master.cf: so
# submission and smtps stay exempt as they are, and mail that a content filter hands back on another
# port is not evaluated again (its Authentication-Results would count as forged there).

DEFAULT_SOCKET="inet:8893@127.0.0.1"
SOCKET_DIR=
ENTRY= # what truefromd is called in smtpd_milters

postfix_group()
{
	id -gn "$(postconf -xh mail_owner)"
}

# Postfix's spelling of our socket: in its queue folder, relative, as the chrooted smtpd sees it.
milter_address()
{
	local s queue
	s=$(conf_value socket "$DEFAULT_SOCKET")
	queue=$(postconf -xh queue_directory)
	case $s in
	"unix:$queue/"*) echo "unix:${s#"unix:$queue/"}" ;;
	inet:*@*) s=${s#inet:} && echo "inet:${s#*@}:${s%%@*}" ;;
	inet6:*@*) s=${s#inet6:} && echo "inet:${s#*@}:${s%%@*}" ;;
	*) echo "$s" ;; # elsewhere: only an smtpd without chroot sees it
	esac
}

# A list of milters, one a line; those in braces keep their options: { inet:host:1, a=b }
list_split()
{
	awk '{
		n = length($0)
		for (i = 1; i <= n; i++) {
			c = substr($0, i, 1)
			if (c == "{") depth++
			if (c == "}") depth--
			if (depth == 0 && c ~ /[, \t]/) { flush(); continue }
			if (depth > 0 && c ~ /[, \t]/) c = (word ~ /[{,]$/) ? "" : ","
			if (c == "}") sub(/,+$/, "", word)
			word = word c
		}
		flush()
	}
	function flush() { if (word != "") print word; word = "" }' <<<"$1"
}

list_join()
{
	paste -s -d , -
}

# The entries that are truefromd's, with options or without, at its address now or formerly; or the
# others: list_pick ours|others LIST
list_pick()
{
	list_split "$2" | awk -v now="$(milter_address)" -v then="$(state_get milter_address)" -v pick="$1" '
		{ address = $0; gsub(/^{|[,}].*$/, "", address) }
		(address == now || address == then) == (pick == "ours")' | list_join
}

list_has_us()
{
	[ -n "$(list_pick ours "$1")" ]
}

# --- services -------------------------------------------------------------------------------------

# The smtpd services that take mail from outside, as NAME/TYPE: port 25, or what postscreen passes on.
port_25_services()
{
	postconf -M | awk '
		$2 == "inet" && $1 ~ /^(.*:)?(smtp|25)$/ && $8 == "smtpd" { print $1 "/" $2 }
		$2 == "inet" && $1 ~ /^(.*:)?(smtp|25)$/ && $8 == "postscreen" { screened = 1 }
		$2 == "pass" && $8 == "smtpd" { pass[$1 "/" $2] }
		END { if (screened) for (s in pass) print s }'
}

# Does a service set a parameter of its own?
service_sets()
{
	[ -n "$(postconf -P "$1/$2" 2>/dev/null)" ]
}

# A service's parameter, else that of main.cf.
service_value()
{
	if service_sets "$1" "$2"; then
		postconf -P "$1/$2" 2>/dev/null | sed 's/^[^=]*= *//'
	else
		postconf -h "$2"
	fi
}

# --- attach ---------------------------------------------------------------------------------------

attach()
{
	local service services
	services=$(port_25_services)
	[ -n "$services" ] || die "Postfix has no smtpd on port 25 in master.cf" \
		"enable one, or attach by hand as README says"
	if postfix_runs; then POSTFIX_RAN=yes; else POSTFIX_RAN=no; fi
	take_copies
	default_action
	ENTRY=$(our_entry)
	for service in $services; do attach_service "$service"; done
	state_set milter_address "$(milter_address)"
	settle_copies
	logged postfix check || die_logged "'postfix check' finds fault with the new settings" \
		"they were taken back; see above"
	wake_postfix
	tell_about_postfix
	tell_about_neighbours
}

# Is there a filter that lived on the former milter_default_action?
other_milters()
{
	{
		postconf -h smtpd_milters non_smtpd_milters
		postconf -P 2>/dev/null | sed -n 's|^.*/smtpd_milters *= *||p'
	} | grep -vF -e "$(milter_address)" | grep '[^ ]' >/dev/null
}

# Mail waits at its sender while truefromd is away: said in main.cf, since Postfix 3.11 has another
# default. A different choice made for other filters stays theirs; then only our entry says it.
default_action()
{
	local had
	had=$(postconf -nh milter_default_action 2>/dev/null)
	if [ "$had" = tempfail ]; then
		same "milter_default_action = tempfail"
	elif [ -n "$had" ] && other_milters; then
		same "milter_default_action = $had stays, for your other filters"
	else
		changed "milter_default_action = tempfail: while truefromd is away, mail waits at its sender;"
		note "nothing is lost, and nothing gets in unevaluated"
		if [ -n "$had" ]; then
			state_set default_action "=$had"
		else
			state_set default_action unset
		fi
		postconf -e milter_default_action=tempfail
	fi
}

our_entry()
{
	local opts=
	[ "$(postconf -h milter_default_action)" = tempfail ] || opts=,default_action=tempfail
	[ "$(postconf -h milter_protocol)" -ge 6 ] 2>/dev/null || opts=$opts,protocol=6
	if [ -n "$opts" ]; then
		echo "{$(milter_address)$opts}"
	else
		milter_address
	fi
}

# First in the list: filters that change messages must come after the one that reads signatures.
attach_service()
{
	local service=$1 have others want
	have=$(service_value "$service" smtpd_milters)
	others=$(others_of "$service" "$have")
	want=$ENTRY${others:+,$others}
	if list_has_us "$have" && [ "$(list_split "$have" | list_join)" = "$want" ]; then
		same "$service: smtpd_milters = $have"
		return
	fi
	changed "$service: smtpd_milters = $want"
	if ! list_has_us "$have"; then
		! service_sets "$service" smtpd_milters || state_add own_list "$service"
		state_add services "$service"
	fi
	state_set main_list "$(list_split "$(postconf -h smtpd_milters)" | list_join)"
	postconf -P "$service/smtpd_milters=$want"
}

# The filters beside us. A list that we copied from main.cf follows it; one of somebody's own stays.
others_of()
{
	local service=$1 others
	others=$(list_pick others "$2")
	if state_has services "$service" && ! state_has own_list "$service" &&
		[ "$others" = "$(state_get main_list)" ]; then
		others=$(list_split "$(postconf -h smtpd_milters)" | list_join)
	fi
	echo "$others"
}

# --- Postfix itself -------------------------------------------------------------------------------

postfix_runs()
{
	postfix status >/dev/null 2>&1
}

wake_postfix()
{
	local dir
	dir=$(postconf -h config_directory)
	if ! postfix_runs; then
		changed "Postfix started"
		if have_systemd; then
			logged systemctl start postfix || die_logged "Postfix does not start" "see above"
		else
			logged postfix start || die_logged "Postfix does not start" "see above"
		fi
	elif ! cmp -s "$COPIES/main.cf" "$dir/main.cf" || ! cmp -s "$COPIES/master.cf" "$dir/master.cf"; then
		changed "Postfix reloaded"
		logged postfix reload || die_logged "Postfix does not reload" "see above"
	else
		same "Postfix runs"
	fi
}

tell_about_postfix()
{
	local service
	note "submission and smtps stay exempt, and so does what a content filter hands back on"
	note "another port (give that one -o receive_override_options=no_milters all the same)"
	for service in $(port_25_services); do
		case $(service_value "$service" receive_override_options) in
		*no_milters*) note "but $service has no_milters: no filter sees its mail; remove that" ;;
		esac
		[ -z "$(service_value "$service" smtpd_proxy_filter)" ] ||
			note "but $service has smtpd_proxy_filter: no milter sees content before such a filter"
	done
	if [ -z "$(postconf -h message_reject_characters)" ]; then
		note "recommended: postconf -e 'message_reject_characters = \\0' && postfix reload"
		note "(a NUL ends the text that a milter is shown)"
	fi
	[ -z "$(postconf -h multi_instance_directories)" ] ||
		note "other Postfix instances are here; only the default one was attached"
}

# --- the others who check mail --------------------------------------------------------------------

# beside PACKAGE WORD: installed, or named in Postfix's settings
beside()
{
	is_installed "$1" || { postconf -n && postconf -P; } 2>/dev/null | grep -v truefrom | grep -w -- "$2" >/dev/null
}

tell_about_neighbours()
{
	if beside opendkim opendkim; then
		note "opendkim is here: keep it to sign. truefrom verifies, so set 'Mode s' in"
		note "/etc/opendkim.conf and restart opendkim; its place in smtpd_milters may stay"
	fi
	if beside opendmarc opendmarc; then
		note "opendmarc is here: truefrom does its work. Compare for a while if you like (with"
		note "'RejectFailures false'), then take it out of smtpd_milters and disable it"
	fi
	if beside postfix-policyd-spf-python policyd-spf || beside postfix-policyd-spf-perl policyd-spf; then
		note "policyd-spf is here: it refuses on SPF alone, before truefrom can see a signature. Take"
		note "its check_policy_service out of smtpd_recipient_restrictions, then: postfix reload"
	fi
}
