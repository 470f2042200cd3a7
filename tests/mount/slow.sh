#!/bin/sh
# Slow work holds up nobody: while 64 RSA-4096 requests are held in the middle of being made, and while
# they are really made, ls, stat and other writers are answered. How soon is only noted, but for
# CERTFS_TEST_TIMING=1. Nobody waits for the 64: at the end the daemon is killed, and what it leaves
# must be sound.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
median_limit=${CERTFS_TEST_MEDIAN_US:-100000}
max_limit=${CERTFS_TEST_MAX_US:-1000000}
total=64
start
holding=no
testing && holding=yes
expect '0 0 0' mkdir mnt/EX01 : mkdir mnt/EX02 : mkdir mnt/EX02/mail
request mnt/EX02/web web.contoso.com

made() {
	made=0
	for n in $(seq "$total"); do
		[ "$(cat "mnt/EX01/slow-$n/status")" != PendingRequest ] || made=$((made + 1))
	done
}

t 'requests__64_of_rsa4096_are_under_way'
if [ "$holding" = yes ]; then
	works ctl fault make 1 # whoever begins to make a key waits
else
	left_out 'that not one request was answered before the others: this program holds nothing back'
fi
for n in $(seq "$total"); do
	mkdir "mnt/EX01/slow-$n"
	echo rsa4096 >"mnt/EX01/slow-$n/key-type"
done
writers=
for n in $(seq "$total"); do
	"$SYS" open "mnt/EX01/slow-$n/request.csr" O_WRONLY,O_CREAT : mkdir "writing-$n" : \
		write "CN=slow-$n.contoso.com\n" : close >"answer-$n" 2>&1 </dev/null &
	writers="$writers $!"
done
# shellcheck disable=SC2317,SC2329 # called by becomes
all_write() { [ "$(printf '%s\n' writing-* | wc -l)" = "$total" ]; }
becomes 'all of them write' all_write

# How long ls and stat take: the median and the maximum of 40 calls, in the best of 3 rounds.
answered() {
	for round in 1 2 3; do
		slow=
		for where in 'mnt/EX02/mail status' 'mnt/EX02/web request.csr' 'mnt/EX01/slow-1 why' 'mnt README.txt'; do
			# shellcheck disable=SC2086 # a directory and a file
			took=$(timeout 120 "$SYS" latency $where 40)
			note "round $round, $where: median and maximum in microseconds: $took"
			case $took in
			[0-9]*)
				[ "${took% *}" -lt "$median_limit" ] && [ "${took#* }" -lt "$max_limit" ] || slow="$slow $where: $took"
				;;
			*)
				fail "$where is answered" 'two numbers' "$took"
				return
				;;
			esac
		done
		[ -n "$slow" ] || break
	done
	if [ "${CERTFS_TEST_TIMING-}" = 1 ]; then
		equal "within $median_limit median and $max_limit maximum" '' "$slow"
	else
		pass 'answered'
	fi
}

t 'ls_and_stat__are_answered_meanwhile'
answered
works timeout 120 ls -l mnt/EX01
works timeout 120 stat mnt/EX02/mail mnt/EX01/slow-64

t 'other_writers__do_not_wait_either'
works timeout 120 mkdir mnt/EX02/quick
works timeout 120 sh -c 'echo Quick > mnt/EX02/quick/friendly-name'
works timeout 120 sh -c 'echo CN=quick.contoso.com > mnt/EX02/quick/subject'
works timeout 120 rmdir mnt/EX02/quick

t 'requests__were_being_made_all_the_while'
made
note "$made of $total made by now"
if [ "$holding" = yes ]; then
	equal 'not one was answered' '' "$(grep -l '^0 0 .' answer-*)"
	equal 'or made' 0 "$made"
	works ctl fault make 0
fi

t 'requests__make_progress'
becomes 'one of them is made' grep -qx '0 0 0 0' answer-*
answered
true_that 'none was refused' sh -c "! cat answer-* | grep E"

t 'kill__while_keys_are_made_leaves_drafts_and_whole_requests'
crash
# shellcheck disable=SC2086 # one word for each process
wait $writers
told=$(cat answer-* | grep -cx '0 0 0 0')
start
made
true_that "each that was told 0 is there: told $told, found $made" [ "$made" -ge "$told" ]
for n in $(seq "$total"); do
	[ "$(cat "answer-$n")" = '0 0 0 0' ] || continue
	is "mnt/EX01/slow-$n/status" PendingRequest
	true_that 'and verifies' sh -c "openssl req -in mnt/EX01/slow-$n/request.csr -noout -verify 2>&1 | grep -q OK"
done
sound

finish
