# shellcheck shell=bash disable=SC2034,SC2154,SC2164 # set -e, and the variables of contrib/setup and its other parts
# install.sh - build, files, account, socket folder and configuration, and all that away again; sourced by contrib/setup

# In a user's clone everything is built as that user, so that nothing there ends up owned by root.
as_owner()
{
	local uid gid
	uid=$(stat -c %u "$TOP")
	gid=$(stat -c %g "$TOP")
	if [ "$EUID" -ne 0 ] || [ "$uid" -eq 0 ]; then
		"$@"
	else
		setpriv --reuid "$uid" --regid "$gid" --clear-groups env HOME="$BUILD" "$@"
	fi
}

build()
{
	local before hint="the lines above come from $LOG"
	[ ! -e "$TOP/config.status" ] ||
		die "this clone was configured for building in place" "run 'make distclean' in $TOP first"
	as_owner mkdir -p "$BUILD" || die "cannot write to $TOP" "clone to a folder that you own"
	cd "$BUILD"
	before=$(fingerprint)
	if [ ! -x ../configure ] || [ ../configure.ac -nt ../configure ] || [ ../Makefile.am -nt ../Makefile.in ]; then
		changed "autoreconf"
		(cd "$TOP" && logged as_owner autoreconf -fi) || die_logged "autoreconf failed" "$hint"
	fi
	if [ ! -e Makefile ] || [ ../configure -nt config.status ]; then
		changed "configure"
		logged as_owner ../configure --prefix="$PREFIX" --sysconfdir=/etc ||
			die_logged "configure failed" "$hint"
	fi
	[ -n "$before" ] || changed "compiling, which takes a minute or two"
	logged as_owner make -j"$(nproc)" || die_logged "the build failed" "$hint"
	as_owner rm -rf stage
	logged as_owner make install DESTDIR="$BUILD/stage" || die_logged "make install failed" "$hint"
	if [ "$(fingerprint)" = "$before" ]; then
		same "up to date"
	else
		changed "built in $BUILD"
	fi
	cd "$TOP"
}

# Changes when the programs do; empty before the first build.
fingerprint()
{
	[ ! -e truefromd ] || sha256sum truefromd truefrom
}

# Copies what differs from the staged installation; the configuration is configure_daemon's.
install_files()
{
	local rel count=0 files=()
	while IFS= read -r rel; do
		[ "/$rel" != "$CONF" ] || continue
		files+=("/$rel")
		if ! cmp -s "$BUILD/stage/$rel" "/$rel"; then
			put "$BUILD/stage/$rel" "/$rel" "$(stat -c %a "$BUILD/stage/$rel")"
			count=$((count + 1))
			[ "/$rel" != "$DAEMON" ] || RESTART=yes
		fi
		state_add files "/$rel"
	done < <(find "$BUILD/stage" -type f -printf '%P\n' | sort)
	if [ "$count" -eq 0 ]; then
		same "${#files[@]} files are the ones installed"
	else
		changed "$count of ${#files[@]} files under $PREFIX"
	fi
}

make_account()
{
	if getent passwd "$ACCOUNT" >/dev/null; then
		same "user $ACCOUNT exists"
	else
		changed "user $ACCOUNT"
		mkdir -p "$HOME_DIR"
		useradd --system --user-group --no-create-home --home-dir "$HOME_DIR" \
			--shell /usr/sbin/nologin "$ACCOUNT"
		state_set account created
	fi
}

# A chrooted smtpd sees nothing but Postfix's queue, so the socket lives there: truefrom makes it,
# the folder's set-gid bit gives it to Postfix's group, and nobody else gets in.
make_socket_folder()
{
	local want have
	want="$ACCOUNT:$(postfix_group) 2750"
	have=$(stat -c '%U:%G %a' "$SOCKET_DIR" 2>/dev/null || true)
	if [ "$have" = "$want" ]; then
		same "$SOCKET_DIR is there for the socket"
		return
	fi
	changed "$SOCKET_DIR for the socket, open to group $(postfix_group)"
	[ -d "$SOCKET_DIR" ] || state_set socket_dir "$SOCKET_DIR"
	install -d -o "$ACCOUNT" -g "$(postfix_group)" -m 2750 "$SOCKET_DIR"
}

# What truefromd keeps over a restart; systemd makes this folder by itself.
make_state_folder()
{
	if have_systemd || [ -d "$KEPT_DIR" ]; then return; fi
	changed "$KEPT_DIR for what is kept over a restart"
	install -d -o "$ACCOUNT" -g "$ACCOUNT" -m 0700 "$KEPT_DIR"
}

# The file as it comes, with our few settings on top.
write_conf()
{
	echo "# Set by contrib/setup for this host; below: every key with its default."
	if [ "$HAVE_POSTFIX" = yes ]; then
		echo "socket = \"unix:$SOCKET_DIR/truefrom.sock\""
		echo "socket_group = \"$(postfix_group)\""
	fi
	have_systemd || {
		echo "pid_file = \"$PID_FILE\""
		echo "state_dir = \"$KEPT_DIR\""
	}
	echo
	cat "$BUILD/stage$CONF"
}

# Never touches a configuration that somebody has edited.
configure_daemon()
{
	local fresh
	fresh=$(mktemp)
	write_conf >"$fresh"
	if cmp -s "$fresh" "$CONF"; then
		same "$CONF is as setup wrote it"
	elif [ ! -e "$CONF" ] || cmp -s "$BUILD/stage$CONF" "$CONF" || conf_is_ours; then
		changed "$CONF"
		[ -e "$CONF" ] || state_set conf created
		put "$fresh" "$CONF" 0644
		state_set conf_sum "$(sum "$CONF")"
		RESTART=yes
	else
		same "$CONF is yours and stays as it is"
	fi
	rm -f "$fresh"
	"$DAEMON" -t || die "the configuration has errors (above)" "correct $CONF, then run contrib/setup again"
}

conf_is_ours()
{
	[ -e "$CONF" ] && [ "$(state_get conf_sum)" = "$(sum "$CONF")" ]
}

# A string setting as it is in force: conf_value KEY DEFAULT
conf_value()
{
	local v
	v=$("$CLI" config --diff 2>/dev/null | sed -n "s/^$1[[:space:]]*=[[:space:]]*\"\(.*\)\"$/\1/p") || true
	printf '%s' "${v:-$2}"
}

# --- and away again ------------------------------------------------------------------------------

remove_files()
{
	local path count=0
	while IFS= read -r path; do
		[ -e "$path" ] || continue
		rm -f "$path"
		count=$((count + 1))
	done < <(state_get files)
	[ "$count" -eq 0 ] || changed "$count files"
	if [ "$(state_get conf)" = created ] && [ -e "$CONF" ]; then
		if conf_is_ours; then
			changed "$CONF"
			rm -f "$CONF"
		else
			note "$CONF was edited, so it stays; delete it when you need it no more"
		fi
	fi
	# What was made last lies deepest.
	while IFS= read -r path; do
		[ ! -d "$path" ] || rmdir --ignore-fail-on-non-empty "$path"
	done < <(state_get folders | tac)
}

remove_account()
{
	local dir packages
	dir=$(state_get socket_dir)
	if [ -n "$dir" ] && [ -d "$dir" ]; then
		changed "$dir"
		rm -f "$dir/truefrom.sock"
		rmdir "$dir" || note "$dir is not empty; look at what is in it"
	fi
	if [ -d "$KEPT_DIR" ]; then
		changed "$KEPT_DIR"
		rm -rf "$KEPT_DIR"
	fi
	if [ "$(state_get account)" = created ] && getent passwd "$ACCOUNT" >/dev/null; then
		changed "user $ACCOUNT"
		logged userdel "$ACCOUNT"
	fi
	packages=$(state_get packages | grep -vx postfix | tr '\n' ' ') || true
	[ -z "$packages" ] || {
		note "these packages were installed by setup and stay, since others may use them by now:"
		note "apt-get remove --autoremove $packages"
	}
	! state_has packages postfix ||
		note "Postfix was installed by setup, too; it stays and runs, now without truefrom"
}
