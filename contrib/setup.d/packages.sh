# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# packages.sh - the packages that truefrom needs, and a Postfix where there is none; sourced by contrib/setup

# The tools of the build, and the library packages that configure itself names.
build_packages()
{
	printf '%s\n' build-essential autoconf automake pkg-config
	sed -n 's/^TF_REQUIRE[A-Z0-9_]*(.*\[\([a-z0-9.+ -]*-dev\)\])$/\1/p' "$TOP/configure.ac"
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs what is missing of the packages named; remembers what it brought.
install_packages()
{
	local p missing=()
	command -v apt-get >/dev/null ||
		die "this is not Debian: apt-get is missing" \
			"install these by hand, then ./configure && make && make install: $*"
	for p; do
		is_installed "$p" || missing+=("$p")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		same "all there"
		return
	fi
	[ "$EUID" -eq 0 ] ||
		die "missing: ${missing[*]}" "sudo apt-get install --no-install-recommends ${missing[*]}"
	changed "installing ${missing[*]}"
	apt_get update || true # an old list may do; if not, the installation says so
	apt_get install "${missing[@]}" ||
		die_logged "apt-get could not install the packages" \
			"make 'apt-get update' work on this host, then run contrib/setup again"
	for p in "${missing[@]}"; do
		state_add packages "$p"
	done
}

apt_get()
{
	logged env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y -o DPkg::Lock::Timeout=120 -o APT::Install-Recommends=false "$@"
}

# Postfix, where no program for mail is here at all. Sets HAVE_POSTFIX.
need_postfix()
{
	HAVE_POSTFIX=yes
	if command -v postconf >/dev/null; then
		same "Postfix $(postconf -dh mail_version) is here"
		return
	fi
	if [ -e /usr/sbin/sendmail ]; then
		HAVE_POSTFIX=no
		note "another mail program owns /usr/sbin/sendmail, and it stays: $(other_mta)"
		note "truefromd will run, attached to nothing. To use it with Postfix: apt-get install postfix,"
		note "then contrib/setup again. Other servers: see truefromd(8)."
		return
	fi
	local name
	name=$(hostname -f 2>/dev/null || hostname)
	note "no mail server is here: Postfix gets installed as an Internet site: it takes mail"
	note "for $name on port 25 and relays for nobody but this host"
	printf 'postfix\tpostfix/main_mailer_type\tselect\tInternet Site\npostfix\tpostfix/mailname\tstring\t%s\n' \
		"$name" | logged debconf-set-selections
	install_packages postfix
}

other_mta()
{
	local owner
	owner=$(dpkg-query -S "$(readlink -f /usr/sbin/sendmail)" 2>/dev/null | head -n 1) || true
	printf '%s' "${owner%%:*}"
}
