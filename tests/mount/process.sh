#!/bin/sh
# The processes of a mount: how the one that holds the keys is confined, and that nothing stays
# mounted however it dies (certfs(1), Processes).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
allow_log 'killed|signal|died|Aborted|abort' # what the supervisor says of its worker
# Cores are wanted here, if any come: prlimit(1) is no part of sh.
command -v prlimit >/dev/null && prlimit --pid $$ --core=unlimited 2>/dev/null
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX01/mail
valid mnt/EX01/web web.contoso.com

field() { # PID NAME: of /proc/PID/status
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# A sanitizer has system calls and handlers of signals of its own, and doesn't lock memory.
watched=$(grep -c 'a program that is looked into' log)

t 'worker__leaves_no_core_and_is_closed_to_other_processes'
worker=$(worker)
equal 'no core' '0 0' "$(sed -n 's/^Max core file size *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$worker/limits")"
# The files in /proc of a process that is not dumpable belong to root.
if [ "$(id -u)" = 0 ]; then
	equal 'not dumpable' 0 "$(stat -c %u "/proc/$worker/mem")"
else
	fails - cat "/proc/$worker/environ"
fi
equal 'umask' 0077 "$(field "$worker" Umask)"
for file in certs.db certs.db-wal certs.db-shm certs.db.lock certs.db.reserve certs.db.control certs.key; do
	[ -e $file ] && equal "mode of $file" 0600 "$(value stat $file mode)"
done
locked=$(field "$worker" VmLck)
note "locked memory: $locked"
may_lock=$(sed -n 's/^Max locked memory *\([a-z0-9]*\) .*/\1/p' "/proc/$worker/limits")
if [ "$watched" = 1 ]; then
	left_out 'locked memory: a sanitizer locks nothing'
elif [ "$(id -u)" = 0 ] || [ "$may_lock" = unlimited ] || [ "$may_lock" -ge 65536 ]; then
	differ 'the page of the master key is locked' '0 kB' "$locked"
fi

t 'worker__gains_no_privileges_and_its_system_calls_are_filtered'
equal 'no new privileges' 1 "$(field "$worker" NoNewPrivs)"
equal 'the log says how it is confined, once for each mount' 1 "$(grep -c 'the process that holds the keys' log)"
note "$(grep 'the process that holds the keys' log)"
if [ "$watched" = 1 ]; then
	left_out 'under a sanitizer there is no filter'
elif grep -q 'takes no filter' log; then
	left_out 'this kernel takes no filter'
else
	for task in "/proc/$worker/task"/*; do
		field "$worker/task/${task##*/}" Seccomp
	done | sort -u >filters
	equal 'a filter in every thread' 2 "$(cat filters)"
fi
equal 'the supervisor keeps its privileges' "0" "$(field "$pid" NoNewPrivs)"

t 'worker__opens_no_file_elsewhere'
if testing && grep -q 'Landlock' log; then
	other=$(mktemp -d "${TMPDIR:-/tmp}/certfs-other.XXXXXX")
	echo secret >"$other/file"
	# The testing build has a command that opens a file, and says what came of it.
	if [ "$watched" = 0 ]; then
		ctl open "$other/file" O_RDONLY >said 2>&1
		has said EACCES
		ctl open /etc/passwd O_RDONLY >said 2>&1
		has said EACCES
	fi
	ctl open "$other/new" O_WRONLY >said 2>&1
	has said EACCES
	true_that 'nothing was made' [ ! -e "$other/new" ]
	ctl open /proc/self/status O_RDONLY >said 2>&1
	has said opened
	ctl open "$T/log" O_RDONLY >said 2>&1
	has said opened
	rm -r "$other"
else
	left_out 'files the worker may not open: no Landlock here, or a program that does not try'
fi

t 'worker__can_run_no_program'
if testing && [ "$watched" = 0 ] && ! grep -q 'takes no filter' log; then
	expect 0 mkdir mnt/EX02
	ctl execute /bin/true >said 2>&1
	becomes 'it is killed, and the mount is gone' unmounted mnt
	ended -
	has log 'ended by signal 31'
	start
	present mnt/EX02
	worker=$(worker)
else
	left_out 'system calls the worker may not make: no filter here, or a program that does not try'
fi

# What is asked of it while it dies must not hang either.
t 'worker__however_it_dies_is_unmounted'
signals='TERM KILL SEGV ABRT BUS'
[ "$watched" = 0 ] || signals='TERM KILL'
for signal in $signals; do
	expect 0 mkdir "mnt/EX01/$signal"
	timeout 120 sh -c 'while [ -e mnt/README.txt ]; do :; done' 2>/dev/null &
	reader=$!
	kill -$signal "$(worker)"
	becomes "after $signal it is unmounted" unmounted mnt
	case $signal in
	KILL) ended 7 ;; # for a service manager, which mounts again then
	*) ended - ;;
	esac
	wait $reader 2>/dev/null
	true_that 'nothing of it is left in the folder' [ -z "$(ls mnt)" ]
	true_that 'and no core' sh -c '! ls core* 2>/dev/null | grep .'
	start
	present "mnt/EX01/$signal"
	works ctl check
done

t 'supervisor__that_is_told_to_end_ends_both'
for signal in TERM INT HUP; do
	worker=$(worker)
	kill -$signal "$pid"
	becomes "after $signal it is unmounted" unmounted mnt
	ended 0
	becomes 'and the worker is gone' gone "$worker"
	start
done

t 'supervisor__that_is_killed_leaves_no_worker'
worker=$(worker)
expect 0 mkdir mnt/EX01/last
kill -KILL "$pid"
becomes 'the worker ends by itself' gone "$worker"
ended -
# Nobody is left who may unmount; whoever comes next clears that away.
start
equal 'one mount' 1 "$(grep -c " $T/mnt " /proc/self/mountinfo)"
present mnt/EX01/last
works ctl check

t 'background__ends_when_unmounted'
stop
works timeout 120 "$CERTFS" -o key-file=certs.key,ca-file=system.pem certs.db mnt
equal 'nothing is said on a terminal' '' "$(grep -v 'trust anchor' err)"
true_that 'it is mounted when the program returns' mounted mnt
present mnt/EX01/last
expect 0 mkdir mnt/EX01/background
until_true unmount mnt
# shellcheck disable=SC2317,SC2329 # called by becomes
free() { flock -n certs.db.lock true; }
becomes 'the store is free' free
works ctl check

t 'ordinary_user__mounts_with_fusermount3'
if [ "$(id -u)" != 0 ]; then
	note 'all of the above was as an ordinary user'
elif ! command -v setpriv >/dev/null || ! command -v fusermount3 >/dev/null ||
	[ ! -r /etc/mtab ]; then
	left_out 'an ordinary user: no setpriv, no fusermount3 or no /etc/mtab, where that looks up what is mounted'
else
	chmod 711 .
	mkdir user user/mnt
	: >user/system.pem
	# fusermount3 wants to know a name: any of this system's users but root.
	someone=$(awk -F: '$3 > 0 && $1 == "nobody" { print $3 }' /etc/passwd)
	someone=${someone:-$(awk -F: '$3 > 0 { print $3; exit }' /etc/passwd)}
	someone=${someone:-2001}
	chown -R "$someone:$someone" user
	as_user() { setpriv --reuid "$someone" --regid "$someone" --clear-groups -- "$@"; }
	if ! as_user sh -c ': <>/dev/fuse' 2>/dev/null || ! as_user test -x "$CERTFS" ||
		! as_user fusermount3 --version >/dev/null 2>&1; then
		left_out 'an ordinary user cannot use /dev/fuse or the programs here'
	else
		(
			cd user || exit 1
			setpriv --reuid "$someone" --regid "$someone" --clear-groups -- "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem certs.db mnt >log 2>&1 </dev/null &
			echo $! >pid
		)
		user=$(cat user/pid)
		printf '%s\n' "$user" >>daemon.pid
		# shellcheck disable=SC2317,SC2329 # called by until_true
		user_started() { gone "$user" || as_user test -e user/mnt/README.txt; }
		until_true user_started
		if gone "$user"; then
			left_out "fusermount3 refuses here: $(tail -n 1 user/log)"
		else
			true_that 'it is mounted' mounted user/mnt
			equal "as user $someone" '0 0' "$(value as "$someone" "$someone" : mkdir user/mnt/EX01)"
			fails - ls user/mnt # root is another user
			inner=$(children "$user" | head -n 1)
			equal 'confined too' 1 "$(field "$inner" NoNewPrivs)"
			kill -KILL "$inner"
			becomes 'killed, it is unmounted' unmounted user/mnt
			becomes 'the supervisor ends' gone "$user"
			has user/log 'ended by signal 9'
			(
				cd user || exit 1
				setpriv --reuid "$someone" --regid "$someone" --clear-groups -- "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem certs.db mnt >>log 2>&1 </dev/null &
				echo $! >pid
			)
			user=$(cat user/pid)
			printf '%s\n' "$user" >>daemon.pid
			until_true user_started
			equal 'what was made is there' '0 dir' "$(value as "$someone" "$someone" : stat user/mnt/EX01 type)"
			kill -TERM "$user"
			becomes 'told to end, it is unmounted' unmounted user/mnt
			becomes 'and gone' gone "$user"
		fi
	fi
fi

finish
