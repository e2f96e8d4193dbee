#!/bin/bash
#
# tests/lint.sh - what a compiler does not check: form, directions, sizes, manuals
#
# usage: tests/lint.sh            from anywhere; looks at the tree that it lies in
#
# Each finding is one line: FILE[:LINE]: text. Lines that begin with "warning:" do not count. The last
# line is the sum. Exit code 0: nothing failed. Needs clang-format-14, shellcheck, mandoc, a C compiler
# and pkg-config.
#
set -u
export LC_ALL=C

cd "$(dirname "$0")/.." || exit 3
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# sources SUFFIXES DIR...: files of the tree, one a line
sources() {
	local suffixes=$1
	shift
	find "$@" -type f -name "*.[$suffixes]" 2>/dev/null | sort
}

# check NAME: reads findings from standard input; any that is no warning fails the check
check() {
	local findings
	findings=$(cat)
	[ -z "$findings" ] || printf '%s\n' "$findings"
	if grep -qv '^warning:' <<<"${findings:-warning:}"; then
		failed=$((failed + 1))
		echo "lint: $1: failed"
	else
		passed=$((passed + 1))
	fi
}

# .clang-format is the only word on layout
format() {
	command -v clang-format-14 >/dev/null || { echo "clang-format-14 is not installed"; return; }
	sources ch include policy milter tests |
		xargs -n 8 -P "$(nproc)" clang-format-14 --dry-run --Werror 2>&1 |
		sed -n 's/^\([^ :]*:[0-9]*\):[0-9]*: error: code should be.*/\1: not as clang-format has it/p' |
		sort -t: -u -k1,1
}

# the header that poisons banned calls is the last one of every source file
banned_header() {
	local f
	for f in $(sources c policy milter); do
		[ "$(grep '^#include' "$f" | grep -v 'options.def' | tail -1)" = '#include "truefrom/banned.h"' ] ||
			echo "$f: the last #include has to be \"truefrom/banned.h\""
	done
}

# the compiler does not see headers alone, and some calls are not poisoned for everyone
banned_calls() {
	local names='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|strtok_r|atoi|atol|atoll'
	names+='|strtol|strtoul|strtoll|strtoull|alloca|localtime|gmtime|ctime|asctime|strerror|system|popen'
	sources ch include policy milter | grep -v 'include/truefrom/banned.h' |
		xargs grep -nE "(^|[^a-zA-Z0-9_])($names)\(" |
		sed 's/^\([^:]*:[0-9]*\):.*/\1: a banned call (include\/truefrom\/banned.h)/'
	sources ch include policy milter | grep -v -e 'policy/arena.c' -e 'include/truefrom/banned.h' |
		xargs grep -nE '(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|strdup|strndup)\(' |
		sed 's/^\([^:]*:[0-9]*\):.*/\1: memory is allocated in policy\/arena.c alone/'
}

# forbid PATTERN TEXT FILE...: no #include that matches
forbid() {
	local pattern=$1 text=$2
	shift 2
	grep -nE "^#include [<\"]($pattern)" "$@" /dev/null |
		sed "s|^\([^:]*:[0-9]*\):#include \(.*\)|\1: \2: $text|"
}

# arrows point one way: base, checks, engine; milter sees policy through include/truefrom alone. The
# signatures of ARC have the tags and the keys of DKIM (RFC 8617 section 4.1), so it may see those
directions() {
	local f own may_see
	# shellcheck disable=SC2046
	forbid 'milter/|syslog\.h|libmilter/|confuse\.h|sqlite3\.h' "not in policy/ and include/" \
		$(sources ch policy include)
	# shellcheck disable=SC2046
	forbid 'policy/' "outside policy/ the headers of include/truefrom are what there is" \
		$(sources ch milter include)
	for f in $(find policy -name 'spf*.[ch]' -o -name 'dkim*.[ch]' -o -name 'arc*.[ch]' -o -name 'dmarc*.[ch]' |
		grep -v -e arena); do
		own=$(basename "$f" | sed 's/[_.].*//')
		may_see="${own}[_.]"
		[ "$own" != arc ] || may_see+='|dkim_(key|sig)\.h'
		grep -nE '^#include "policy/(spf|dkim|arc|dmarc)[_.]' "$f" |
			grep -vE "\"policy/($may_see)" |
			sed "s|^\([0-9]*\):#include \(.*\)|$f:\1: \2: a check does not include another|"
	done
}

# each foreign library is replaced by touching one file
foreign() {
	local header users
	for header in libmilter/ opendkim/ unbound event2/ ldns/ openssl/ idn2.h confuse.h jansson.h syslog.h \
		spf2/ sqlite3.h libpq-fe.h zlib.h libxml/ curl/ microhttpd.h seccomp.h systemd/; do
		users=$(sources ch include policy milter | xargs grep -lE "^#include <$header")
		[ -n "$users" ] || continue
		[ "$(wc -l <<<"$users")" -eq 1 ] && [[ $users == *.c ]] && continue
		echo "${users//$'\n'/ }: <$header> belongs into one .c file"
	done
}

# a header includes what it needs
headers_alone() {
	local flags
	flags=$(pkg-config --cflags milter opendkim libunbound ldns libcrypto libidn2 libconfuse jansson cmocka) ||
		echo "pkg-config does not find all libraries"
	# shellcheck disable=SC2086
	sources h include policy milter | grep -v 'include/truefrom/banned.h' |
		xargs -n 1 -P "$(nproc)" "${CC:-cc}" -std=c11 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -Iinclude -I. \
			$flags -fsyntax-only -x c 2>&1 | grep -E 'error:' | sort -u | sed 's/^/does not compile alone: /'
}

# over 600 lines justify, over 800 split
file_sizes() {
	local f lines
	for f in $(sources ch include policy milter tests); do
		lines=$(wc -l <"$f")
		if [ "$lines" -gt 800 ] && [[ $f != tests/* ]]; then
			echo "$f: $lines lines; 800 at most"
		elif [ "$lines" -gt 600 ]; then
			echo "warning: $f: $lines lines; over 600"
		fi
	done
}

# functions: a name at the start of a line begins one, a brace there ends it; control words are nested
# as deep as they are indented
function_sizes() {
	# shellcheck disable=SC2046
	awk '
	function finish() {
		lines = FNR - start + 1
		if (lines > 120 || nested > 4)
			verdict = ""
		else if (lines > 80 || nested > 3)
			verdict = "warning: "
		else
			return
		printf "%s%s:%d: %s has %d lines, nested %d deep; over 80 or 3, at most 120 or 4\n",
			verdict, FILENAME, start, name, lines, nested
	}
	FNR == 1 { name = "" }
	/^[a-z_][A-Za-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name); start = FNR; nested = 0; body = 0 }
	/^\{/ && name != "" { body = 1 }
	/;$/ && name != "" && !body { name = "" }
	body && /^\t+(\} else|else|if|for|while|do|switch)([ (]|$)/ {
		match($0, /^\t+/)
		if (RLENGTH > nested) nested = RLENGTH
	}
	/^\}/ && body { finish(); name = ""; body = 0 }
	' $(sources c policy milter)
}

# every key of options.def has its entry in truefrom.conf.5 and its section there, and vice versa
settings() {
	sed -n 's/^\(OPT\|WORD\|LIST\)([A-Z]*, *"\([^"]*\)".*/\2/p' milter/options.def | sort >"$work/rows"
	sed -n 's/^\.It Ic \([a-z_.]*\).*/\1/p' milter/truefrom.conf.5 | sort >"$work/manual"
	[ -s "$work/rows" ] || echo "milter/options.def: no rows found"
	comm -23 "$work/rows" "$work/manual" | sed 's/$/: this key is not in milter\/truefrom.conf.5/'
	comm -13 "$work/rows" "$work/manual" | sed 's/$/: milter\/truefrom.conf.5 has it, milter\/options.def does not/'
	uniq -d "$work/manual" | sed 's/$/: twice in milter\/truefrom.conf.5/'
}

# limits: section LIMITS of truefrom.conf.5 says what code and options.def say, and each row has a test
limits() {
	local page=milter/truefrom.conf.5 what value test text have
	awk '
	function flush() { for (i = 0; i < n; i++) print row[i] "\t" text; n = 0; text = "" }
	/^\.\\" limit: / { if (seen) { flush(); seen = 0 } row[n++] = substr($0, 12); next }
	/^\.El/ { flush(); seen = 0 }
	n > 0 { text = text " " $0; seen = 1 }' "$page" >"$work/limits"
	[ "$(wc -l <"$work/limits")" -gt 50 ] || echo "$page: the comments of section LIMITS are not understood"
	while IFS=$'\t' read -r what text; do
		test=${what#* } value=${test%% *} test=${test#* } what=${what%% *}
		grep -qF -- "${test#*:}" "${test%%:*}" || echo "$page: LIMITS: $what: no \"${test#*:}\" in ${test%%:*}"
		case $what in
		libmilter) continue ;;
		*:*)
			have=$(sed -n "s/^#define ${what#*:} //p" "${what%%:*}" |
				sed 's|/\*.*||; s/(size_t)//; s/(int64_t)//; s/u\>//g')
			[ -n "$have" ] && [ "$((have))" -eq "$value" ] || echo "$page: LIMITS: $what is $have, not $value"
			if ! grep -qw -e "$value" -e "$((value / 1024)) KiB" -e "$((value / 1048576)) MiB" <<<"$text"; then
				echo "$page: LIMITS: the text about $what does not say $value"
			fi
			;;
		*)
			have=$(sed -n "s/^OPT([A-Z]*, *\"$what\", [^,]*, \"\([^\"]*\)\".*/\1/p" milter/options.def)
			[ "$have" = "$value" ] || echo "$page: LIMITS: $what is \"$have\", not $value"
			grep -q "Ic $what .*No $value" <<<"$text" || echo "$page: LIMITS: the text about $what does not say $value"
			;;
		esac
	done <"$work/limits"
	sed -n 's/^#define \([A-Z_]*_MAX[A-Z_]*\) .*/\1/p' include/truefrom/*.h policy/*.h milter/*.h |
		while read -r what; do
			grep -qw "$what" "$page" || echo "$page: $what is in no comment of section LIMITS"
		done
}

# scripts: files with a shell in their first line
scripts() {
	command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; return; }
	find contrib tests .ci -type f -not -path 'contrib/build-aux/*' -exec grep -lEm1 '^#!/bin/(ba)?sh' {} + 2>/dev/null |
		sort | xargs -n 4 -P "$(nproc)" shellcheck -f gcc
}

manuals() {
	command -v mandoc >/dev/null || { echo "mandoc is not installed"; return; }
	local f
	for f in milter/*.[1-9]; do
		mandoc -T lint -W warning "$f" | sed 's/^mandoc: //'
	done
}

# each file of policy/ has its test, or is named in the opening comment of another one
tests_exist() {
	local f name
	for f in $(sources c policy); do
		name=$(basename "$f" .c)
		[ -e "tests/unit/test_$name.c" ] || head -qn 10 tests/unit/test_*.c | grep -qw "$name\.c" ||
			echo "$f: there is no tests/unit/test_$name.c"
	done
}

# what is put off is put off with a test that waits for it
todos() {
	find include policy milter tests contrib -type f -not -path '*/build-aux/*' -not -path 'tests/lint.sh' \
		-exec grep -nIE '\b(TODO|FIXME|XXX)\b' {} + |
		grep -vE 'test_[a-z_]+' | sed 's/^\([^:]*:[0-9]*\):.*/\1: a TODO names the test that waits for it/'
}

# what is not in Makefile.am is not in the tarball
in_makefile() {
	local f
	for f in $(sources ch include policy milter tests/unit) milter/*.def milter/*.[1-9]; do
		grep -qF -e "$f" -e "${f%.c} " -e "${f%.c}\$(EXEEXT)" Makefile.am || grep -qE "(^|[ 	])${f%.c}\$" Makefile.am ||
			echo "$f: not in Makefile.am"
	done
}

blanks() {
	find include policy milter tests contrib .ci README* Makefile.am configure.ac -type f \
		-not -path '*/build-aux/*' -not -path 'tests/data/*' -not -path 'tests/*/corpus*' -not -path '*/__pycache__/*' \
		-exec grep -nIE '[ 	]+$' {} + 2>/dev/null |
		sed 's/^\([^:]*:[0-9]*\):.*/\1: blanks at the end of the line/'
}

for name in format banned_header banned_calls directions foreign headers_alone file_sizes function_sizes \
	settings limits scripts manuals tests_exist todos in_makefile blanks; do
	"$name" >"$work/findings" 2>&1
	check "$name" <"$work/findings"
done
echo "lint: $passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
