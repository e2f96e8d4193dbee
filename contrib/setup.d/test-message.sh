# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# test-message.sh - send one message through port 25 and show what truefrom wrote; sourced by contrib/setup
#
# The message comes from an address of this host that truefrom does not trust, since mail from a
# trusted network gets no field; where there is none but loopback, one of the documentation range is
# put on the loopback interface for these seconds. It goes to truefrom's own account, whose .forward
# lays it into a file. All of that is gone when setup ends.

TEST_ADDRESS=192.0.2.77
TEST_DIR=$HOME_DIR/test-message
FORWARD=$HOME_DIR/.forward

test_message()
{
	local domain client reply status=0 token
	tell_about_dns
	domain=$(local_domain)
	if [ -z "$domain" ]; then
		not_sent "this Postfix delivers to no mailbox that setup can read"
		return
	fi
	CLEANUP+=(drop_address)
	client=$(outside_address)
	if [ -z "$client" ]; then
		not_sent "this host has no address that a client from outside could have"
		return
	fi
	open_mailbox
	token=$(date +%s).$$
	reply=$(test_text "$domain" "$token" | perl "$TOP/contrib/setup.d/send.pl" "$client" \
		"$(postconf -xh myhostname)" "$ACCOUNT@$domain") || status=$?
	case "$status $reply" in
	"0 "*) show_delivered "$client" "$token" "$reply" ;;
	*"4.7.1 Service unavailable"*)
		die "Postfix cannot reach truefromd: $reply" "see the mail log, and 'ls -la $SOCKET_DIR'" ;;
	"1 "*)
		note "your Postfix refused the test message, which comes from <>, at $client: $reply"
		not_sent "that is a matter of its restrictions" ;;
	*) die "port 25 does not answer: $reply" "see the mail log, and 'postconf inet_interfaces'" ;;
	esac
	ROLLBACK=
}

# not_sent WHY
not_sent()
{
	ROLLBACK=
	note "no test message was delivered: $1."
	note "Send one from another host; its first line is then Authentication-Results"
}

test_text()
{
	cat <<EOF
From: contrib/setup <setup@truefrom.invalid>
To: $ACCOUNT@$1
Subject: test of truefrom
Date: $(date -R)
Message-ID: <$2@truefrom.invalid>

One message to see that truefrom evaluates mail.
EOF
}

# A domain that this Postfix delivers to accounts of the host; nothing where there is none, or where
# somebody else made truefrom's account.
local_domain()
{
	local d mine
	[ "$(getent passwd "$ACCOUNT" | cut -d : -f 6)" = "$HOME_DIR" ] || return 0
	mine=$(postconf -xh mydestination | tr -s ', \t' '\n')
	for d in localhost "$(postconf -xh myhostname)" "localhost.$(postconf -xh mydomain)"; do
		if grep -qxF -e "$d" <<<"$mine"; then
			echo "$d"
			return
		fi
	done
}

# What truefrom check says of an empty message: probe ARGUMENT...
probe()
{
	printf 'From: <postmaster@example.com>\n\n' | "$CLI" check --json "$@" 2>>"$LOG" || true
}

tell_about_dns()
{
	if probe | grep -E '"status": ?"(noerror|nodata|nxdomain)"' >/dev/null; then
		note "DNS answers"
	else
		note "no DNS server answers here (tried: dns.servers in $CONF, else /etc/resolv.conf)."
		note "Until one does, results are temperror, and dmarc.on_temperror decides: accept by default"
	fi
}

# An address of this host that a client from outside could have; nothing where there is none.
outside_address()
{
	local a
	for a in $(hostname -I | tr ' ' '\n' | grep -v : || true) $(hostname -I | tr ' ' '\n' | grep : || true); do
		if ! is_trusted "$a"; then
			echo "$a"
			return
		fi
	done
	if ! is_trusted "$TEST_ADDRESS" && logged ip address replace "$TEST_ADDRESS/32" dev lo; then
		echo "$TEST_ADDRESS"
	fi
}

is_trusted()
{
	probe --ip "$1" | grep -E '"rule": ?"trusted-' >/dev/null
}

drop_address()
{
	logged ip address del "$TEST_ADDRESS/32" dev lo || true # it may not have been needed
}

open_mailbox()
{
	CLEANUP+=(close_mailbox)
	install -d -o "$ACCOUNT" -m 0700 "$TEST_DIR"
	echo "$TEST_DIR/mbox" >"$FORWARD"
}

close_mailbox()
{
	rm -rf "$TEST_DIR" "$FORWARD"
}

# show_delivered CLIENT TOKEN REPLY
show_delivered()
{
	local n id=${3##* } field
	for ((n = 0; n < 300; n++)); do
		if grep -F -e "<$2@truefrom.invalid>" "$TEST_DIR/mbox" >/dev/null 2>&1; then
			field=$(our_field "$TEST_DIR/mbox")
			[ -n "$field" ] || die "the delivered message bears no Authentication-Results of ours" \
				"no_milters on the service, or a filter after truefrom that removes such fields?"
			note "sent from $1; the delivered message bears:"
			printf '\n%s\n\n' "$field"
			return
		fi
		sleep 0.1
	done
	note "accepted, but not delivered within 30 s: $3 (mailq, and the mail log, tell why)"
	logged postsuper -d "$id" || true
	not_sent "that one was deleted again"
}

# Our Authentication-Results of a message, as it stands: other filters' have fewer results.
our_field()
{
	awk 'function flush() {
			if (tolower(field) ~ /^authentication-results:.*spf=.*dkim=.*dmarc=/) { print field; exit }
		}
		/^$/ { exit }
		/^[ \t]/ { field = field "\n" $0; next }
		{ flush(); field = $0 }' "$1"
}
