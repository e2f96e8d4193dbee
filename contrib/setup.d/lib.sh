# shellcheck shell=bash disable=SC2034,SC2154 # variables of contrib/setup and its other parts
# lib.sh - what contrib/setup says, remembers and cleans up; sourced by it

STATE=$HOME_DIR/setup # one file a fact, one line a value; root only
LOG=$(mktemp "${TMPDIR:-/tmp}/truefrom-setup.XXXXXX")
STEPS=1
STEP=0
CHANGES=0
RESTART=no
ROLLBACK=       # what puts Postfix back when a later step fails
CLEANUP=()      # what must not stay behind, however setup ends

on_exit()
{
	local status=$? i
	trap - EXIT
	if [ "$status" -ne 0 ] && [ -n "$ROLLBACK" ]; then "$ROLLBACK"; fi
	for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do "${CLEANUP[i]}"; done
	if [ "$status" -eq 0 ] || [ ! -s "$LOG" ]; then rm -f "$LOG"; fi
	exit "$status"
}
trap on_exit EXIT
trap 'die "line $LINENO: \"$BASH_COMMAND\" failed" "the whole output of the commands: $LOG"' ERR
trap 'exit 130' INT TERM HUP

# --- words ----------------------------------------------------------------------------------------

step()
{
	STEP=$((STEP + 1))
	echo "[$STEP/$STEPS] $1"
}

note()
{
	echo "      $*"
}

# Right already.
same()
{
	echo "   =  $*"
}

changed()
{
	CHANGES=$((CHANGES + 1))
	echo "   +  $*"
}

# die WHAT TO-DO
die()
{
	trap - ERR
	echo "setup: $1" >&2
	echo "       ${2:-}" >&2
	exit 3
}

# The same after a command that wrote to the log.
die_logged()
{
	trap - ERR
	tail -n 25 "$LOG" >&2
	die "$@"
}

logged()
{
	echo "+ $*" >>"$LOG"
	"$@" >>"$LOG" 2>&1
}

# --- memory ---------------------------------------------------------------------------------------

state_get()
{
	cat "$STATE/$1" 2>/dev/null || true
}

state_set()
{
	state_dir
	printf '%s\n' "$2" >"$STATE/$1.new"
	mv "$STATE/$1.new" "$STATE/$1"
}

# A line more, unless it is there.
state_add()
{
	state_dir
	grep -qxF -e "$2" "$STATE/$1" 2>/dev/null || printf '%s\n' "$2" >>"$STATE/$1"
}

state_has()
{
	grep -qxF -e "$2" "$STATE/$1" 2>/dev/null
}

state_dir()
{
	[ -d "$STATE" ] || install -d -m 0755 "$HOME_DIR"
	[ -d "$STATE" ] || install -d -m 0700 "$STATE"
}

sum()
{
	sha256sum <"$1" | cut -d ' ' -f 1
}

# put FROM TO MODE: installs a file; remembers it, and the folders made for it
put()
{
	local dir
	dir=$(dirname "$2")
	make_folders "$dir"
	install -m "$3" "$1" "$2.setup-new" # in one step, so that a running program keeps its file
	mv -f "$2.setup-new" "$2"
}

make_folders()
{
	[ ! -d "$1" ] || return 0
	make_folders "$(dirname "$1")"
	mkdir "$1"
	state_add folders "$1"
}
