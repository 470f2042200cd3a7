#!/bin/sh
# Durability: what returned 0 is there after kill -9, nothing is half done, a store has one
# writing mount, and a mount that a crash left behind is cleared (certfs(5)).

# With CERTFS_TEST_MORE=1 a thousand rounds, which take longer than meson waits.
some=20
if [ "${CERTFS_TEST_MORE-}" = 1 ]; then
	some=1000
	export CERTFS_TEST_LIMIT="${CERTFS_TEST_LIMIT:-14400}"
fi
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${CERTFS_TEST_ROUNDS:-$some}
allow_log 'killed|signal|died|disk I/O error' # what the supervisor says of its worker
start
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01

t 'kill__of_the_worker_after_a_returned_write_loses_nothing'
for n in $(seq "$rounds"); do
	d=mnt/EX01/round-$n
	case $((n % 6)) in
	0)
		expect 0 mkdir "mnt/SERVER-$n"
		;;
	1)
		expect '0 0' mkdir "$d" : put "$d/friendly-name" "Round $n\n"
		;;
	2)
		request "$d" "round-$n.contoso.com"
		;;
	3)
		request "$d" "round-$n.contoso.com"
		answer "$d" root
		;;
	4)
		request "$d" "round-$n.contoso.com"
		answer "$d" root
		expect 0 add "$d/services" 'SMTP\n'
		;;
	5)
		request "$d" "round-$n.contoso.com"
		answer "$d" root
		expect 0 put "$d/export.password" "Round $n\n"
		;;
	esac
	if [ $((n % 2)) = 0 ]; then
		crash
	else
		crash_all
		expect 'ENOTCONN|ECONNABORTED' statvfs mnt namemax
	fi
	start
	case $((n % 6)) in
	0)
		present "mnt/SERVER-$n"
		;;
	1)
		is "$d/friendly-name" "Round $n"
		;;
	2)
		is "$d/status" PendingRequest
		answer "$d" root # which needs the key of before
		is "$d/status" Valid
		;;
	3)
		is "$d/status" Valid
		same "$d/certificate.pem" "mnt_EX01_round-$n.cer"
		;;
	4)
		is "$d/services" SMTP
		expect "../round-$n" readlink mnt/EX01/_services/SMTP
		;;
	5)
		true_that 'the export opens' openssl pkcs12 -in "$d/export.pfx" -passin "pass:Round $n" -nodes -out opened
		equal 'with the key' "$(openssl x509 -in "$d/certificate.pem" -noout -pubkey)" \
			"$(openssl pkey -in opened -pubout)"
		;;
	esac
	sound
done

t 'kill__keeps_inodes_times_and_bytes'
snapshot
crash
start
unchanged
crash_all
start
unchanged

# shellcheck disable=SC2317,SC2329 # called by becomes
enough_writes() { [ -e acked ] && [ "$(cat acked)" -ge 20 ]; }

# shellcheck disable=SC2317,SC2329 # called by becomes
enough_requests() { [ "$(wc -l <asked)" -ge 10 ]; }

t 'kill__in_the_middle_of_writing_loses_nothing_acknowledged'
expect 0 mkdir mnt/EX01/busy
for round in 1 2 3 4 5; do
	rm -f acked
	(
		k=0
		while :; do
			k=$((k + 1))
			[ "$("$SYS" put mnt/EX01/busy/friendly-name "Round $round, write $k\n")" = 0 ] || exit 0
			echo "$k" >acked.new
			mv acked.new acked
		done
	) >/dev/null 2>&1 &
	writer=$!
	becomes 'some writes are done' enough_writes
	crash
	wait "$writer"
	start
	found=$(sed -n "s/^Round $round, write //p" mnt/EX01/busy/friendly-name)
	acked=$(cat acked)
	true_that "acknowledged $acked, found ${found:-none}" [ "${found:-0}" -ge "$acked" ]
	true_that 'and no more than was written' [ "${found:-0}" -le $((acked + 1)) ]
	sound
done

t 'kill__in_the_middle_of_requests_leaves_drafts_and_whole_requests'
expect 0 mkdir mnt/EX03
for round in 1 2 3; do
	: >asked
	(
		k=0
		while :; do
			k=$((k + 1))
			dir=mnt/EX03/r$round-$k
			[ "$("$SYS" mkdir "$dir" : put "$dir/request.csr" "key-type = p256\nCN=r$k.contoso.com\n")" = '0 0' ] ||
				exit 0
			echo "$dir" >>asked
		done
	) >/dev/null 2>&1 &
	writer=$!
	becomes 'some requests are made' enough_requests
	crash_all
	wait "$writer"
	start
	wrong=
	while read -r dir; do
		[ "$(cat "$dir/status")" = PendingRequest ] || wrong="$wrong $dir"
		openssl req -in "$dir/request.csr" -noout -verify 2>&1 | grep -q OK || wrong="$wrong $dir/request.csr"
	done <asked
	equal "of $(wc -l <asked) requests none is lost" '' "$wrong"
	wrong=
	for dir in mnt/EX03/r"$round"-*; do
		case $(cat "$dir/status") in
		PendingRequest) [ -s "$dir/request.csr" ] || wrong="$wrong $dir" ;;
		Draft) [ ! -e "$dir/request.csr" ] || wrong="$wrong $dir" ;;
		*) wrong="$wrong $dir" ;;
		esac
	done
	equal 'none is half made' '' "$wrong"
	sound
done

if testing; then
	t 'sync__that_fails_is_EIO_and_changes_nothing'
	snapshot
	works ctl fault sync 1
	expect EIO mkdir mnt/EX01/unsynced
	sentence - unsynced
	absent mnt/EX01/unsynced
	unchanged
	expect 0 mkdir mnt/EX01/synced
	sound

	t 'sync__a_change_that_was_refused_does_not_come_back'
	works ctl fault sync 1
	expect EIO mkdir mnt/EX01/refused
	absent mnt/EX01/refused
	crash_all
	start
	present mnt/EX01/synced
	absent mnt/EX01/refused
	sound

	t 'sync__while_a_refused_change_can_not_be_taken_back_nothing_is_changed'
	works ctl fault sync 1000
	expect EIO mkdir mnt/EX01/doubtful
	sentence - 'after a crash the change may be there all the same'
	absent mnt/EX01/doubtful
	snapshot
	expect EIO mkdir mnt/EX01/later
	sentence - 'nothing can be changed, as a change that was refused may be on the disk'
	expect EIO put mnt/EX01/busy/friendly-name 'later\n'
	unchanged
	works ctl fault sync 0
	expect 0 mkdir mnt/EX01/after
	crash_all
	start
	present mnt/EX01/after
	absent mnt/EX01/doubtful mnt/EX01/later
	sound
else
	left_out 'a sync that fails: this program lets nothing fail'
fi

t 'second_writing_mount__is_refused_with_a_sentence_that_names_the_first'
mkdir mnt2
snapshot
timeout 60 "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem certs.db mnt2 >second.log 2>&1 </dev/null
code=$?
differ 'refused' 0 "$code"
differ 'not by the time limit' 124 "$code"
has second.log "$T/mnt"
true_that 'nothing is mounted there' unmounted mnt2
unchanged
expect 0 mkdir mnt/EX04

t 'stale_mount__is_cleared_by_the_next_start'
crash_all
expect 'ENOTCONN|ECONNABORTED' statvfs mnt namemax
true_that 'it is still in the table of mounts' mounted mnt
start
present mnt/EX04
equal 'one mount, not two' 1 "$(grep -c " $T/mnt " /proc/self/mountinfo)"

t 'term__unmounts_and_ends'
kill -TERM "$pid"
becomes 'unmounted' unmounted mnt
ended -
start
present mnt/EX04

finish
