#!/bin/sh
# Who waits for certfsctl at a terminal sees how far it is: after a second, in one line that is gone
# in the end. The wait is brought about from outside, so that a small store does.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

PTY=$(dirname "$SYS")/pty

if [ "$("$PTY" 'Go' x -- sh -c 'printf Go >/dev/tty; read -r a </dev/tty' 2>&1 | cut -c 1-2)" != '0 ' ]; then
	skip 'there are no pseudo terminals here'
fi

# shown COMMAND: with a terminal as standard error; what stood there is in `terminal`.
shown() {
	CERTFS_TEST_TERMINAL=terminal "$PTY" -- sh -c 'exec "$@" 2>/dev/tty' sh "$@" >code 2>pty.err </dev/null
}

# The same with a file.
unseen() {
	"$@" >said 2>terminal </dev/null
}

# held COMMAND: while another has the store, for two seconds.
store=certs.db
held() {
	rm -f held
	flock "$store.lock" sh -c ': >held; sleep 2' &
	until_true [ -e held ]
	"$@"
	wait $!
}

# stopped COMMAND: while who has the store mounted doesn't answer.
stopped() {
	_worker=$(worker)
	kill -STOP "$_worker"
	"$@" &
	_command=$!
	sleep 2
	kill -CONT "$_worker"
	wait $_command
}

# slowly HOW COMMAND: until it took so long that something was to be seen, as this machine may have
# others to serve: the second counts from when the command runs.
slowly() {
	for _try in 1 2 3 4 5 6; do
		"$@"
		[ ! -s terminal ] || break
	done
}

# The terminal shows nothing any more: what stands behind the last text are blanks.
cleared() {
	tr '\r' '\n' <terminal | tail -n 1 | grep -q '^ *$' && [ "$(tail -c 1 terminal | tr '\r' '|')" = '|' ]
}

start
expect 0 mkdir mnt/EX01
for name in one two; do
	expect 0 mkdir "mnt/EX01/$name"
	works sh -c "printf 'key-type = p256\nCN=%s.test\n' $name >mnt/EX01/$name/self-signed"
done

t 'mounted__progress_comes_from_who_does_the_work'
slowly stopped shown "$CERTFSCTL" certs.db check
equal 'it works' '0' "$(tail -n 1 code | cut -c 1)"
has terminal 'check: '
true_that 'the line is gone in the end' cleared
stopped unseen "$CERTFSCTL" certs.db check
empty terminal
empty said

t 'quiet__shows_nothing'
stopped shown "$CERTFSCTL" -q certs.db check
equal 'it works' '0' "$(tail -n 1 code | cut -c 1)"
empty terminal

t 'quick__commands_show_nothing'
stop
shown "$CERTFSCTL" --key-file certs.key certs.db slots
equal 'it works' '0' "$(tail -n 1 code | cut -c 1)"
empty terminal

t 'unmounted__progress_is_shown_and_the_answer_is_the_same'
for command in check 'audit verify' rekey; do
	# shellcheck disable=SC2086 # two words
	slowly held shown "$CERTFSCTL" --key-file certs.key certs.db $command
	equal "$command works" '0' "$(tail -n 1 code | cut -c 1)"
	has terminal "$command: "
	true_that 'the line is gone in the end' cleared
done
held unseen "$CERTFSCTL" --key-file certs.key certs.db check
empty terminal
empty said

t 'findings__stand_in_lines_of_their_own'
if have sqlite3; then
	works "$CERTFSCTL" certs.db backup hurt.db
	true_that 'it is changed' sqlite3 hurt.db "UPDATE certificate SET friendly_name = 'x' WHERE id = 1"
	store=hurt.db
	: >hurt.db.lock
	slowly held shown "$CERTFSCTL" --key-file certs.key hurt.db check
	equal 'damage is told' '1' "$(tail -n 1 code | cut -c 1)"
	has terminal 'check: '
	true_that 'the line is gone in the end' cleared
	has code "certificate 1: its record isn't what certfs wrote"
fi

finish
