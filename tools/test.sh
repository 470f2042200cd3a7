#!/bin/sh
# sh tools/test.sh: installs what the tests need, builds, runs every test that can run on this
# machine, and names those that were skipped. The last line is the sum; the exit status is 1 where
# something failed. With CERTFS_NO_SKIP=1 it is a failure when a mount test or a whole step is skipped.
set -eu

cd -- "$(dirname -- "$0")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
exec </dev/null

passed=0
failed=0
skipped=0
failures=
skips=
omissions=
started=$(date +%s)
newline='
'

pass() {
	passed=$((passed + 1))
	say "passed: $1"
}

fail() {
	failed=$((failed + 1))
	failures="$failures$newline  $1"
	say "FAILED: $1"
}

# skip WHAT: something here is missing that the test needs. A unit test knows itself where a case
# makes no sense, for example under a sanitizer.
skip() {
	case ${CERTFS_NO_SKIP-}:$1 in
	*:unit\ /*) ;;
	1:*)
		fail "$1 (skipped, where it may not be)"
		return 0
		;;
	esac
	skipped=$((skipped + 1))
	skips="$skips$newline  $1"
	say "skipped: $1"
}

# step WHAT COMMAND...: one thing that passes or fails; its output is shown where it fails.
step() {
	what=$1
	shift
	if output=$("$@" 2>&1); then
		pass "$what"
	else
		printf '%s\n' "$output"
		fail "$what"
	fi
}

heading() {
	printf '\n== %s (after %d s)\n' "$1" $(($(date +%s) - started))
}

# results LOG: one line per test case in meson's log: a verdict and a name. A test that reports in
# TAP has many cases; what ends badly after them (a leak, a crash, a timeout) is one more. A part of a
# script that was left out is told, and counts for nothing.
results() {
	python3 - "$1" <<'PY'
import json, re, sys

case = re.compile(r'^(not )?ok\b\s*\d*\s*(?:- )?(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$', re.I)
for line in open(sys.argv[1], encoding='utf-8', errors='replace'):
    test = json.loads(line)
    output = test.get('stdout') or ''
    for part in dict.fromkeys(re.findall(r'^# left out: (.*)', output, re.M)):
        print('part', f"{test['name']}: {part}")
    bad = False
    cases = 0
    if re.search(r'^(1\.\.\d+|(not )?ok \d)', output, re.M):
        for text in output.splitlines():
            found = case.match(text)
            if not found:
                continue
            cases += 1
            missed, name, directive, why = found.groups()
            name = f"{test['name']}: {name}"
            if directive:
                print('skip', f'{name} ({why})' if why else name)
            elif missed:
                bad = True
                print('fail', name)
            else:
                print('pass', name)
    if test['result'] == 'OK' or test['result'] == 'EXPECTEDFAIL':
        if not cases:
            print('pass', test['name'])
    elif test['result'] == 'SKIP' or test['returncode'] == 77:
        if not cases:
            said = output or test.get('stderr') or ''
            why = [text for text in said.splitlines() if text.strip()][-1:]
            why = ''.join(why).replace('1..0 # SKIP', '').strip()
            print('skip', test['name'] + (f' ({why})' if why else ''))
    elif not bad:
        print('fail', f"{test['name']}: {test['result']}, exit status {test['returncode']}")
        bad = True
    if bad and cases:
        # meson shows only stderr of a test in TAP: here is what it said of each failed case.
        told = False
        for text in output.splitlines():
            if not text.startswith('#') or text.startswith('# replay'):
                told = text.startswith(('not ok', 'Bail', '#'))
            if told:
                print(f"{test['name']}: {text}", file=sys.stderr)
PY
}

# meson_tests WHAT FOLDER OPTION...: runs tests of a build and counts their cases.
meson_tests() {
	what=$1
	folder=$2
	shift 2
	log=$folder/meson-logs/testlog.json
	rm -f "$log"
	if meson test -C "$folder" --no-rebuild --print-errorlogs "$@"; then
		fine=1
	else
		fine=0
	fi
	before=$failed.$skipped
	if [ ! -s "$log" ] || ! cases=$(results "$log"); then
		fail "$what: no test ran"
		return 0
	fi
	count=$(printf '%s\n' "$cases" | grep -c '^pass ') || :
	passed=$((passed + count))
	while read -r verdict name; do
		case $verdict in
		fail) fail "$what: $name" ;;
		skip) skip "$what: $name" ;;
		part) omissions="$omissions$newline  $what: $name" ;;
		esac
	done <<LIST
$cases
LIST
	say "passed: $what, $count cases"
	if [ $fine = 0 ] && [ "$failed.$skipped" = "$before" ]; then
		fail "$what: meson test failed"
	fi
}

# A build and its tests: suite WHAT FOLDER "BUILD OPTIONS" TEST OPTION...
suite() {
	what=$1
	folder=$2
	options=$3
	shift 3
	heading "$what"
	# shellcheck disable=SC2086 # a list of words
	if output=$(configure "$folder" $options 2>&1 && meson compile -C "$folder" 2>&1); then
		pass "$what: builds"
	else
		printf '%s\n' "$output"
		fail "$what: does not build"
		return 0
	fi
	[ $# -eq 0 ] || meson_tests "$what" "$folder" "$@"
}

sources() {
	find core fs tools tests -name '*.[ch]' "$@"
}

# ---- What is needed

# shellcheck disable=SC2086 # a list of words
install_packages "Building certfs" $build_packages openssl || {
	say "Without these packages certfs can't be built."
	say "0 passed, 1 failed, 0 skipped"
	exit 1
}
# Programs that work on a mount as people's do, and checkers. What is missing is skipped by name.
# The certificates of NIST's PKITS are in python3-cryptography-vectors.
install_packages "Testing certfs" busybox cpio curl e2fsprogs ed file gnutls-bin inotify-tools less \
	libglib2.0-bin perl python3-cryptography-vectors rsync sqlite3 tree unzip zip \
	clang clang-format libclang-rt-14-dev mandoc ||
	say "Going on without them."
# What people back up with. A test of a program that is missing says so, and tries the others.
install_packages "Testing certfs with the programs of others" restic borgbackup rclone libnss3-tools \
	mc nano vim || say "Going on without them."
# Only root can start these. Nobody wants a mail server installed unasked: they are unpacked beside the build.
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	CERTFS_TEST_PROGRAMS=$(pwd)/build-programs
	export CERTFS_TEST_PROGRAMS
	unpack_packages "$CERTFS_TEST_PROGRAMS" nginx-light postfix dovecot-imapd samba smbclient ||
		say "Going on without them."
fi
[ -c /dev/fuse ] || say "There is no /dev/fuse, so nothing can be mounted here."

# A leak, an overflow or undefined behaviour ends the process, so that a test sees it.
export ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:strict_string_checks=1:detect_stack_use_after_return=1"
export LSAN_OPTIONS="print_suppressions=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

# ---- The builds and their tests

strict="-Dwerror=true"
sanitizers="-Db_sanitize=address,undefined"

# Desktops take half a gigabyte, emacs 160 MB, and systemd is tried in a Debian of its own;
# CERTFS_TEST_ROOT names where that is kept.
interactive="--no-suite interactive"
if [ "${CERTFS_TEST_INTERACTIVE-}" = 1 ]; then
	interactive=
	install_packages "Working with emacs, desktops and systemd" emacs-nox thunar pcmanfm nautilus \
		mousepad xvfb xdotool openbox imagemagick dbus gvfs gvfs-daemons adwaita-icon-theme \
		shared-mime-info debootstrap ||
		say "Going on without them."
fi

# As much optimization as packagers may ask for: the compiler then sees, and warns of, more.
# shellcheck disable=SC2086 # a list of words
suite "gcc" build-gcc "$strict -Doptimization=3 -Ddebug=true" --timeout-multiplier 2 $interactive
suite "gcc with sanitizers" build-asan "$strict $sanitizers -Dbuildtype=debug" \
	--timeout-multiplier 4 --no-suite source --no-suite clients --no-suite interactive
if command -v clang >/dev/null; then
	CC=clang
	export CC
	suite "clang with sanitizers" build-clang "$strict $sanitizers -Db_lundef=false -Dbuildtype=debug" \
		--timeout-multiplier 4 --suite unit
	unset CC
else
	skip "clang with sanitizers: no clang"
fi

# ---- The source and the manual

heading "source and manual"
# That each layer uses only what it may is the suite "source" of the build.
step "check-layers.sh can fail" sh tools/check-layers.sh --self-test

# Another version formats a few things differently.
if formatter=$(command -v clang-format-14 || command -v clang-format) &&
	"$formatter" --version | grep -q 'version 14\.'; then
	step "the source is as clang-format has it" sources -exec "$formatter" --dry-run -Werror {} +
else
	skip "the source is as clang-format has it: no clang-format 14"
fi

if command -v mandoc >/dev/null; then
	step "the manual is clean mdoc" mandoc -T lint -W warning tools/man/*.[1-8]
else
	skip "the manual is clean mdoc: no mandoc"
fi

if command -v shellcheck >/dev/null; then
	step "the scripts are as shellcheck has them" \
		find tools tests .ci \( -name '*.sh' -o -path .ci/run \) -exec shellcheck -x -S warning {} +
fi

# ---- The sum

heading "the end"
[ -z "$failures" ] || say "Failed:$failures"
[ -z "$skips" ] || say "Skipped:$skips"
[ -z "$omissions" ] || say "Left out, of tests that ran:$omissions"
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
