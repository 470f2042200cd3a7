# shellcheck shell=sh
# What every mount test begins with: a private directory with a store, a key file, a mount and a
# log of its own; expectations, one call each; and the openssl commands of a small CA.
#
#	. "$(dirname "$0")/lib.sh"
#	start
#	t 'mkdir__a_reserved_name_is_EPERM_and_adds_nothing'
#	snapshot
#	expect EPERM mkdir mnt/_foo
#	unchanged
#	finish
#
# The working directory is the private one: `mnt` is the mount, `certs.db` the store. Exit codes:
# 0 all as expected, 1 not, 77 no FUSE here. tests/README.md says how to run and replay one. Names of
# variables that begin with `_` are the helpers' own.

set -u
umask 022
LC_ALL=C
TZ=UTC
export LC_ALL TZ

suite=$(cd "$(dirname "$0")" && pwd -P)
script=$suite/$(basename "$0")
test_name=$(basename "$0" .sh)

built() { # NAME: the program of the build directory beside this source
	printf '%s\n' "$suite/../../build/$1"
}
CERTFS=${CERTFS:-$(built certfs)}
CERTFSCTL=${CERTFSCTL:-$(built certfsctl)}
SYS=${SYS:-$(built sys)}

# ---- can it run here? ----

skip() {
	printf '1..0 # SKIP %s\n' "$1"
	exit 77
}

if [ ! -c /dev/fuse ] || ! (: <>/dev/fuse) 2>/dev/null; then
	skip '/dev/fuse is not there for us'
fi
if [ "$(id -u)" = 0 ]; then
	caps=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
	[ $((caps >> 21 & 1)) = 1 ] || skip 'no CAP_SYS_ADMIN, so no mounts'
elif ! command -v fusermount3 >/dev/null || [ ! -r /etc/mtab ]; then
	skip 'no fusermount3, or no /etc/mtab for it to unmount by, so no mounts for an ordinary user'
fi
for program in "$CERTFS" "$CERTFSCTL" "$SYS"; do
	if [ ! -x "$program" ]; then
		printf 'Bail out! %s is not there; say where with CERTFS, CERTFSCTL and SYS\n' "$program"
		exit 1
	fi
done
CERTFS=$(cd "$(dirname "$CERTFS")" && pwd -P)/$(basename "$CERTFS")
CERTFSCTL=$(cd "$(dirname "$CERTFSCTL")" && pwd -P)/$(basename "$CERTFSCTL")
SYS=$(cd "$(dirname "$SYS")" && pwd -P)/$(basename "$SYS")

# ---- the private directory ----

T=$(mktemp -d "${TMPDIR:-/tmp}/certfs-$test_name.XXXXXX") || exit 1
T=$(cd "$T" && pwd -P)
cd "$T" || exit 1
mkdir mnt ca
: >system.pem # an empty system store, so that the machine's own doesn't matter
: >log
: >log.allowed
: >daemon.pid

pid='' # the supervisor, while there is one
count=0
failed=0
group='(none)'
finished=no
stop_at=${CERTFS_TEST_STOP:-0}
limit=${CERTFS_TEST_LIMIT:-600} # seconds for the whole script, then its daemon is killed
wait_limit=${CERTFS_TEST_WAIT:-60}

alive() { # PID
	[ -n "$1" ] && [ -d "/proc/$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

children() { # PID: its children, the oldest first
	for _stat in /proc/[0-9]*/stat; do
		{ read -r _line <"$_stat"; } 2>/dev/null || continue
		_child=${_line%% *}
		# shellcheck disable=SC2086 # the fields after the name, which may hold anything
		set -- "$1" ${_line##*) }
		[ "$3" = "$1" ] && printf '%s %s\n' "${21}" "$_child"
	done | sort -n | cut -d' ' -f2
}

worker() { # the process that holds the mount and the keys
	children "$pid" | head -n 1
}

mounted() { # [DIRECTORY]
	grep -q " $T/${1:-mnt} " /proc/self/mountinfo
}

gone() { ! alive "$1"; }
unmounted() { ! mounted "$@"; }

# Waits until a command succeeds, at most wait_limit seconds; its own answer is the result.
until_true() {
	_waited=0
	until "$@"; do
		_waited=$((_waited + 1))
		[ "$_waited" -ge $((wait_limit * 20)) ] && return 1
		sleep 0.05
	done
}

unmount() { # [DIRECTORY]
	umount "${1:-mnt}" 2>/dev/null || fusermount3 -u "${1:-mnt}" 2>/dev/null
}

kill_daemon() { # PID of a supervisor: it and its children, at once
	# shellcheck disable=SC2046 # one word for each process
	kill -9 "$1" $(children "$1") 2>/dev/null
}

descendants() { # PID: its children and theirs
	for _one in $(children "$1"); do
		printf '%s\n' "$_one"
		descendants "$_one"
	done
}

# A daemon that answers nothing would hold every process of this script for ever, and so would a
# client that waits for something else: after the limit both are killed, and `hung` says who they were.
(
	main=$$
	self=$(exec sh -c 'echo "$PPID"')
	ticks=0
	while [ -d "/proc/$main" ] && [ -d "$T" ]; do
		sleep 1
		ticks=$((ticks + 1))
		if [ "$ticks" -ge "$limit" ]; then
			for _one in $(descendants "$main"); do
				[ "$_one" != "$self" ] && [ -r "/proc/$_one/cmdline" ] &&
					printf '%s %s\n' "$_one" "$(tr '\0' ' ' <"/proc/$_one/cmdline")"
			done >>hung
			while read -r daemon; do kill_daemon "$daemon"; done <daemon.pid
			for _one in $(descendants "$main"); do
				[ "$_one" = "$self" ] || kill -9 "$_one" 2>/dev/null
			done
			ticks=$((limit - 10))
		fi
	done
) >/dev/null 2>&1 </dev/null &

# shellcheck disable=SC2317,SC2329 # called by trap
leave() {
	_code=$1
	trap - EXIT
	[ "$finished" = yes ] || [ "$_code" = 77 ] || {
		printf 'not ok - %s: the script ended early, after %s expectations\n' "$test_name" "$count"
		failed=$((failed + 1))
	}
	while read -r daemon; do
		alive "$daemon" && kill_daemon "$daemon"
		until_true gone "$daemon"
	done <daemon.pid
	cd / || exit 1
	grep -o " $T/[^ ]* " /proc/self/mountinfo | while read -r _left; do
		umount -l "$_left" 2>/dev/null || fusermount3 -uz "$_left"
	done
	if [ "$failed" = 0 ]; then
		rm -rf "$T"
		exit "$_code"
	fi
	replay_script
	printf '# %s failed of %s; left for a look: %s (log, trace)\n' "$failed" "$count" "$T"
	printf '# replay, up to the first failure, with the mount still there: sh %s\n' "$T/replay"
	exit 1
}
trap 'leave $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

replay_script() {
	{
		printf '#!/bin/sh\n# Runs %s again, stops at expectation %s and opens a shell there.\n' \
			"$test_name.sh" "${first_failed:-1}"
		for _name in CERTFS CERTFSCTL SYS; do
			eval "_place=\$$_name"
			# shellcheck disable=SC2154 # set by eval
			printf '%s=%s\nexport %s\n' "$_name" "$(quote "$_place")" "$_name"
		done
		printf 'CERTFS_TEST_STOP=%s exec sh %s\n' "${first_failed:-1}" "$(quote "$script")"
	} >"$T/replay"
}

# ---- reporting ----

quote() { # WORDS: as one would type them
	_line=
	for _word; do
		case $_word in
		'' | *[!A-Za-z0-9_./:=,+@%-]*)
			_word="'$(printf '%s\n' "$_word" | sed "s/'/'\\\\''/g")'"
			;;
		esac
		_line="$_line${_line:+ }$_word"
	done
	printf '%s\n' "$_line"
}

short() { # TEXT: one line of at most 200 characters
	printf '%s' "$1" | tr '\000-\037\177' ' ' | cut -c1-200
}

t() { # SUBJECT__CIRCUMSTANCE_AND_RESULT: what the expectations that follow are about
	group=$1
	printf '# %s\n' "$group"
}

pass() { # CLAIM
	report ok "$1"
}

fail() { # CLAIM [WANTED GOT]
	first_failed=${first_failed:-$((count + 1))}
	failed=$((failed + 1))
	report 'not ok' "$1"
	[ $# -lt 3 ] || detail wanted: "$2"
	[ $# -lt 3 ] || detail 'got:   ' "$3"
}

detail() { # WORD TEXT: at most 150 lines, without what a terminal would obey
	printf '%s\n' "$2" | head -n 150 | tr '\000-\011\013-\037\177' ' ' | sed "s/^/#   $1 /"
}

report() { # ok|'not ok' CLAIM
	count=$((count + 1))
	printf '%s %s - %s: %s\n' "$1" "$count" "$group" "$(short "$2")"
	printf '%s\t%s\t%s\n' "$1" "$count" "$2" >>trace
	if [ "$count" = "$stop_at" ]; then
		printf '# stopped at expectation %s; the mount is %s/mnt; exit ends it\n' "$count" "$T"
		"${SHELL:-/bin/sh}" -i
		exit 1
	fi
}

note() { # TEXT
	printf '%s\n' "$1" | sed 's/^/# /'
}

left_out() { # WHAT, and why: tools/test.sh names it beside the tests that were skipped
	note "left out: $1"
}

have() { # PROGRAM: or it is said that it isn't here
	command -v "$1" >/dev/null && return 0
	left_out "no $1 here"
	return 1
}

among() { # GOT 'WANTED|WANTED...'
	_rest=$2
	while :; do
		[ "$1" = "${_rest%%|*}" ] && return 0
		[ "$_rest" = "${_rest#*|}" ] && return 1
		_rest=${_rest#*|}
	done
}

# ---- expectations ----

# expect 'RESULT RESULT...' CALL ARGS [: CALL ARGS]...: system calls and what they return.
# Where the contract leaves a choice, RESULTS|RESULTS.
expect() {
	_wanted=$1
	shift
	_got=$("$SYS" "$@" 2>&1)
	_claim="expect $(quote "$_wanted" "$@")"
	if among "$_got" "$_wanted"; then
		pass "$_claim"
	else
		fail "$_claim" "$_wanted" "$_got"
	fi
}

value() { # CALL ARGS: what sys prints
	"$SYS" "$@"
}

works() { # COMMAND: exits with 0
	"$@" >out 2>err </dev/null
	_code=$?
	if [ "$_code" = 0 ]; then
		pass "works $(quote "$@")"
	else
		fail "works $(quote "$@")" 'exit 0' "exit $_code: $(cat err)"
	fi
}

# fails ERRNO COMMAND: exits with another code and prints what strerror says of that errno.
# `-` for one that does not say why; ERRNO|ERRNO where there is a choice.
fails() {
	_wanted=$1
	shift
	"$@" >out 2>err </dev/null
	_code=$?
	_claim="fails $(quote "$_wanted" "$@")"
	if [ "$_code" = 0 ]; then
		fail "$_claim" "another exit code than 0" "exit 0"
	elif [ "$_wanted" = - ]; then
		pass "$_claim"
	else
		_rest=$_wanted
		while [ -n "$_rest" ]; do
			grep -qF "$("$SYS" strerror "${_rest%%|*}")" err && break
			case $_rest in
			*'|'*) _rest=${_rest#*|} ;;
			*) _rest= ;;
			esac
		done
		if [ -n "$_rest" ]; then
			pass "$_claim"
		else
			fail "$_claim" "$_wanted" "exit $_code: $(cat err)"
		fi
	fi
}

is() { # FILE TEXT: the file is that text and a newline, no more
	_got=$(cat "$1" 2>&1 && printf x)
	if [ "$_got" = "$2
x" ]; then
		pass "is $(quote "$@")"
	else
		fail "is $(quote "$@")" "$2" "${_got%x}"
	fi
}

equal() { # CLAIM WANTED GOT
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "$2" "$3"
	fi
}

differ() { # CLAIM A B
	if [ "$2" != "$3" ]; then
		pass "$1"
	else
		fail "$1" "something other than $2" "$3"
	fi
}

true_that() { # CLAIM COMMAND
	_claim=$1
	shift
	if "$@" >out 2>err; then
		pass "$_claim"
	else
		fail "$_claim" "$(quote "$@")" "$(cat err out)"
	fi
}

becomes() { # CLAIM COMMAND: within the limit
	_claim=$1
	shift
	if until_true "$@" >out 2>err; then
		pass "$_claim"
	else
		fail "$_claim" "$(quote "$@")" "not within $wait_limit s"
	fi
}

empty() { # FILE: it reads as empty, and says so
	equal "empty $1" "0 ''" "$(value stat "$1" size) '$(cat "$1" 2>&1)'"
}

has() { # FILE TEXT...: each stands in it, in any case
	_file=$1
	shift
	for _text; do
		if grep -qiF -- "$_text" "$_file" 2>err; then
			pass "has $(quote "$_file" "$_text")"
		else
			fail "has $(quote "$_file" "$_text")" "$_text" "$(cat "$_file" 2>&1)"
		fi
	done
}

lacks() { # FILE TEXT...: none stands in it
	_file=$1
	shift
	for _text; do
		grep -qiF -- "$_text" "$_file" 2>err
		equal "lacks $(quote "$_file" "$_text")" 1 $?
	done
}

matches() { # FILE EXTENDED-REGEX: some line does
	if grep -qE -- "$2" "$1" 2>err; then
		pass "matches $(quote "$@")"
	else
		fail "matches $(quote "$@")" "$2" "$(cat "$1" 2>&1)"
	fi
}

same() { # FILE FILE
	if cmp "$1" "$2" >out 2>&1; then
		pass "same $(quote "$@")"
	else
		fail "same $(quote "$@")" 'the same bytes' "$(cat out)"
	fi
}

in_listing() { # PATH
	"$SYS" readdir "$(dirname "$1")" | tr / '\n' | grep -qxF -- "$(basename "$1")"
}

absent() { # PATH...: neither answers nor is listed
	for _path; do
		_got=$("$SYS" lstat "$_path" type)
		if [ "$_got" != ENOENT ]; then
			fail "absent $(quote "$_path")" ENOENT "$_got"
		elif in_listing "$_path"; then
			fail "absent $(quote "$_path")" 'not listed' 'listed'
		else
			pass "absent $(quote "$_path")"
		fi
	done
}

present() { # PATH...: answers and is listed
	for _path; do
		_got=$("$SYS" lstat "$_path" type)
		case $_got in E*)
			fail "present $(quote "$_path")" 'it answers' "$_got"
			continue
			;;
		esac
		if in_listing "$_path"; then
			pass "present $(quote "$_path")"
		else
			fail "present $(quote "$_path")" 'listed' "$("$SYS" readdir "$(dirname "$_path")")"
		fi
	done
}

unlisted() { # PATH
	if in_listing "$1"; then
		fail "unlisted $(quote "$1")" 'not listed' "$("$SYS" readdir "$(dirname "$1")")"
	else
		pass "unlisted $(quote "$1")"
	fi
}

# listed DIRECTORY 'NAME NAME...': these and no others, but for what later procedures add.
listed() {
	_got=$("$SYS" readdir "$1" | tr / '\n' | grep -vxE 'renew|self-signed|private\.pem|combined\.pem' |
		sort | tr '\n' ' ')
	_wanted=$(printf '%s\n' "${2:--}" | tr ' ' '\n' | sort | tr '\n' ' ')
	equal "listed $(quote "$1")" "$_wanted" "$_got"
}

# sentence WHERE TEXT...: the last refusal said so, in one sentence with all of these words, in
# `_errors`, in the log, and when WHERE is a certificate's directory in its `why`; `-` for none.
sentence() {
	_where=$1
	shift
	_words=$(for _word; do printf '%s\n' "$_word"; done)
	_places="mnt/_errors log"
	[ "$_where" = - ] || _places="$_places $_where/why"
	for _place in $_places; do
		if words=$_words awk '
			BEGIN { n = split(tolower(ENVIRON["words"]), word, "\n") }
			{
				line = tolower($0)
				all = 1
				for (i = 1; i <= n; i++)
					if (!index(line, word[i]))
						all = 0
				if (all)
					found = 1
			}
			END { exit !found }' "$_place" 2>err; then
			pass "$_place says $(quote "$@")"
		else
			fail "$_place says $(quote "$@")" "a line with: $(quote "$@")" \
				"$(tail -n 5 "$_place" 2>&1)"
		fi
	done
}

# ---- proving that nothing changed ----

# Every entry with type, mode, size, inode, times and link target, and every content's hash.
# What lives in the memory of the mount, and the record of readings, is exempt (rule 5).
tree() { # DIRECTORY ['%FORMAT']
	(
		cd "$1" || exit 1
		find . ! -name why ! -name _errors ! -name _audit.log \
			-printf "${2:-%p %y %m %s %i %n %T@ %C@ %l}\n" | sort
		find . -type f ! -name why ! -name _errors ! -name _audit.log -exec sha256sum {} + |
			sort -k 2
	) 2>&1
}

snapshot() {
	tree mnt >before
}

unchanged() {
	tree mnt >after
	if cmp -s before after; then
		pass 'unchanged'
	else
		fail 'unchanged' 'no difference' "$(diff before after | cut -c1-160)"
	fi
	sound
}

ctl() { # ARGS: certfsctl on the store, with its key
	"$CERTFSCTL" --key-file certs.key certs.db "$@"
}

sound() {
	if ctl check >out 2>&1; then
		pass 'certfsctl check finds the store sound'
	else
		fail 'certfsctl check finds the store sound' 'exit 0' "exit $?: $(cat out)"
	fi
}

# ---- the daemon ----

# start [OPTION,OPTION...]: mounts; a failure ends the script.
start() {
	launch certs.db mnt "key-file=certs.key,ca-file=system.pem${1:+,$1}"
	until_true started mnt
	mounted mnt && alive "$pid" && return 0
	fail 'start' 'a mount' "$(tail -n 20 log)"
	exit 1
}

launch() { # STORE DIRECTORY OPTIONS: in the background; its supervisor is $pid
	"$CERTFS" -f -o "$3" "$1" "$2" >>log 2>&1 </dev/null &
	pid=$!
	printf '%s\n' "$pid" >>daemon.pid
}

# Either outcome of a start. A mount that a crash left behind is no new mount: ask the tree.
started() {
	# statvfs is never answered from the kernel's memory, as names of a dead mount are; where it
	# answers, the dead one is gone, and a name in it is the new one's.
	gone "$pid" || { [ "$("$SYS" statvfs "$1" namemax 2>/dev/null)" = 255 ] && [ -e "$1/README.txt" ]; }
}

# stop: unmounts; the daemon must end by itself, with 0.
stop() {
	until_true unmount mnt || fail 'unmount' 'unmounted' "$(umount mnt 2>&1)"
	ended 0
}

# threads PID: what each thread of it and of its children waits for.
threads() {
	for _task in $(for _one in "$1" $(children "$1"); do echo /proc/"$_one"/task/*; done); do
		printf '%s %s: %s, system call %s\n' "${_task#/proc/}" "$(cat "$_task/comm")" \
			"$(cat "$_task/wchan")" "$(cut -d' ' -f1-3 "$_task/syscall")"
	done 2>&1
	for _one in "$1" $(children "$1"); do
		! command -v gdb >/dev/null ||
			timeout 60 gdb -p "$_one" -batch -ex 'thread apply all bt 8' 2>/dev/null </dev/null |
			grep -E '^(Thread|#)'
	done
}

# ended CODE: waits for the daemon and expects its exit code; `-` for any.
ended() {
	if ! until_true gone "$pid"; then
		fail 'the daemon ends' 'an exit' "still there after $wait_limit s
$(threads "$pid")"
		kill_daemon "$pid"
	fi
	wait "$pid"
	_code=$?
	grep -vx "$pid" daemon.pid >daemon.left
	mv daemon.left daemon.pid
	pid=
	[ "$1" = - ] || equal "the daemon ends with $1" "$1" "$_code"
}

# shellcheck disable=SC2120 # most callers have no options
restart() { # [OPTIONS]
	stop
	start "$@"
}

# crash: kills the worker, which loses the mount; the supervisor unmounts and ends.
crash() {
	kill -9 "$(worker)"
	until_true unmounted mnt || fail 'the supervisor unmounts after its worker died' 'no mount' \
		"$(grep " $T/mnt " /proc/self/mountinfo)"
	ended -
}

# crash_all: kills every process, so that nobody unmounts.
crash_all() {
	kill_daemon "$pid"
	ended -
}

testing() { # whether this build lets tests set the clock
	ctl clock >/dev/null 2>&1
}

# ---- the log ----

# allow_log EXTENDED-REGEX: lines that may hold a suspicious word in this test.
allow_log() {
	printf '%s\n' "$1" >>log.allowed
}

suspicious='(^|[^[:alpha:]_])(error|leak|assert|panic|abort|overflow|segmentation|corrupt|use-after)|sanitizer|runtime error'

quiet_log() {
	if grep -niE "$suspicious" log | grep -vE -f log.allowed >found; then
		fail 'the log holds no suspicious word' 'none' "$(cat found)"
	else
		pass 'the log holds no suspicious word'
	fi
}

# The end of every script: unmounted, sound, a quiet log, the plan.
finish() {
	t "${test_name}__end"
	[ -z "$pid" ] || stop
	[ ! -e certs.db ] || sound
	quiet_log
	[ ! -e hung ] || fail "the script takes at most $limit s" 'an end' "killed: $(cat hung)"
	finished=yes
	printf '1..%s\n' "$count"
	[ "$failed" = 0 ]
	exit
}

# ---- a CA, by openssl ----

quietly() { # COMMAND of openssl: a failure is one of the test's
	"$@" >openssl.out 2>&1 </dev/null && return 0
	fail "openssl: $(quote "$@")" 'exit 0' "$(cat openssl.out)"
	return 1
}

# ca NAME [ISSUER]: ca/NAME.pem and .key; self-signed, or an intermediate below ISSUER.
ca() {
	[ ! -e "ca/$1.pem" ] || return 0
	cat >ca/ca.cnf <<-'END'
		[req]
		distinguished_name = dn
		prompt = no
		[dn]
		[ext]
		basicConstraints = critical,CA:TRUE
		keyUsage = critical,keyCertSign,cRLSign
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
	END
	quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca/ca.cnf \
		-subj "/O=Test CA/CN=Test $1" -keyout "ca/$1.key" -out "ca/$1.csr"
	if [ $# = 1 ]; then
		quietly openssl x509 -req -in "ca/$1.csr" -signkey "ca/$1.key" -days 3650 \
			-extfile ca/ca.cnf -extensions ext -set_serial "$(serial)" -out "ca/$1.pem"
	else
		quietly openssl x509 -req -in "ca/$1.csr" -CA "ca/$2.pem" -CAkey "ca/$2.key" -days 3650 \
			-extfile ca/ca.cnf -extensions ext -set_serial "$(serial)" -out "ca/$1.pem"
	fi
}

serial() { # 16 random bytes, the first without its upper bit
	printf '0x5a%s\n' "$(openssl rand -hex 15)"
}

# issue ISSUER CSR OUT [OPTIONS]: the CA's answer, PEM, with the extensions the request asks for.
issue() {
	_issuer=$1
	_csr=$2
	_into=$3
	shift 3
	quietly openssl x509 -req -in "$_csr" -CA "ca/$_issuer.pem" -CAkey "ca/$_issuer.key" -days 365 \
		-copy_extensions copy -set_serial "$(serial)" -out "$_into" "$@"
}

# issue_dates ISSUER CSR OUT START END: the same with both dates, as YYYYMMDDHHMMSSZ.
issue_dates() {
	: >ca/index
	cat >ca/dates.cnf <<-'END'
		[ca]
		default_ca = it
		[it]
		database = ca/index
		new_certs_dir = ca
		default_md = sha256
		policy = any
		copy_extensions = copy
		unique_subject = no
		rand_serial = yes
		x509_extensions = none
		[none]
		authorityKeyIdentifier = keyid
		[any]
		commonName = optional
		countryName = optional
		organizationName = optional
	END
	quietly openssl ca -batch -notext -config ca/dates.cnf -in "$2" -cert "ca/$1.pem" \
		-keyfile "ca/$1.key" -startdate "$4" -enddate "$5" -out "$3"
}

# request DIRECTORY CN [PROPERTY-LINE]...: a pending request with a P-256 key.
request() {
	_dir=$1
	_cn=$2
	shift 2
	mkdir "$_dir" 2>/dev/null
	{
		printf 'key-type = p256\n'
		for _line; do printf '%s\n' "$_line"; done
		printf 'CN=%s\n' "$_cn"
	} >request.txt
	sh -c 'cat request.txt >"$1"' sh "$_dir/request.csr" 2>err ||
		fail "request $_dir" 'a request' "$(cat err "$_dir/why" 2>&1)"
}

# answer DIRECTORY ISSUER [OPTIONS of issue]: answers the pending request.
answer() {
	_dir=$1
	shift
	_by=$1
	shift
	_name=$(printf '%s\n' "$_dir" | tr / _)
	issue "$_by" "$_dir/request.csr" "$_name.cer" "$@" || return 1
	cp "$_name.cer" "$_dir/answer.cer" 2>err ||
		fail "answer $_dir" 'a certificate' "$(cat err "$_dir/why" 2>&1)"
}

# valid DIRECTORY CN [PROPERTY-LINE]...: a certificate with status Valid, by the CA `root`,
# which goes to `_trust` with the first one.
valid() {
	ca root
	[ -e mnt/_trust/root.pem ] || cp ca/root.pem mnt/_trust/
	_dir=$1
	request "$@"
	answer "$_dir" root
}
