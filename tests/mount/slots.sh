#!/bin/sh
# Key slots: the ways to unlock a store, and certfsctl's commands that change them (certfs(1),
# certfsctl(1)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

PTY=$(dirname "$SYS")/pty
unset CREDENTIALS_DIRECTORY

# What is typed or piped in here and must be nowhere afterwards.
first='correct horse battery staple'
second='Grün ist die Heide'

# refused COMMAND: ends within the limit, with another code than 0; its words are in `said`.
refused() {
	case $(command -v "$1") in
	/*) timeout 60 "$@" >said 2>&1 </dev/null ;;
	*) "$@" >said 2>&1 </dev/null ;; # a function, which does that itself
	esac
	code=$?
	case $code in
	0 | 124 | 126 | 127) fail "refused $(quote "$@")" 'an exit code other than 0, in time' "$code" ;;
	*) pass "refused $(quote "$@")" ;;
	esac
}

# piped TEXT COMMAND: with descriptor 7 reading the text.
piped() {
	printf '%s' "$1" >secret.in
	shift
	timeout 60 "$@" 7<secret.in
	_code=$?
	rm -f secret.in
	return $_code
}

# mount_with TEXT STORE [OPTIONS]: mounts with a passphrase from a descriptor.
mount_with() {
	printf '%s\n' "$1" >secret.in
	"$CERTFS" -f -o "passphrase-fd=7,ca-file=system.pem" "$2" mnt 7<secret.in >>log 2>&1 </dev/null &
	pid=$!
	printf '%s\n' "$pid" >>daemon.pid
	until_true started mnt
	rm -f secret.in
	mounted mnt && alive "$pid"
}

no_terminal() { # COMMAND: without a controlling terminal
	timeout 60 setsid -w "$@"
}

slots() {
	"$CERTFSCTL" certs.db slots
}

t 'passphrase__from_a_descriptor_makes_a_store_and_opens_it'
true_that 'a new store' mount_with "$first" certs.db
expect 0600 stat certs.db mode
expect 0 mkdir mnt/EX01
valid mnt/EX01/mail mail.contoso.com
expect 0 put mnt/EX01/mail/export.password 'P@ssw0rd1\n'
works cp mnt/EX01/mail/export.pfx export.pfx
matches mnt/EX01/mail/status '^Valid$'
snapshot_only() { tree mnt >before; }
snapshot_only
stop
true_that 'it opens again' mount_with "$first" certs.db
tree mnt >after
same before after
same mnt/EX01/mail/export.pfx export.pfx
stop

t 'passphrase__that_is_wrong_is_refused_with_a_sentence'
refused piped "$second
" "$CERTFS" -f -o passphrase-fd=7,ca-file=system.pem certs.db mnt
has said "isn't this store's" certs.db
lacks said "$second"
refused piped '' "$CERTFS" -f -o passphrase-fd=7,ca-file=system.pem certs.db mnt
has said 'no line'
refused piped '
' "$CERTFS" -f -o passphrase-fd=7,ca-file=system.pem certs.db mnt
has said empty
refused "$CERTFS" -f -o passphrase-fd=x,ca-file=system.pem certs.db mnt
has said passphrase-fd
refused "$CERTFS" -f -o passphrase-fd=77,ca-file=system.pem certs.db mnt
has said passphrase
true_that 'nothing is mounted' unmounted mnt

t 'nothing_unlocks__and_no_terminal_lists_the_options'
refused no_terminal "$CERTFS" -f -o ca-file=system.pem certs.db mnt
has said key-file= passphrase-fd= keyring= credential terminal
refused no_terminal "$CERTFSCTL" certs.db check
has said --key-file --passphrase-fd --keyring credential terminal
refused no_terminal "$CERTFSCTL" nowhere.db check
has said 'there is no store' nowhere.db
true_that 'nothing is mounted' unmounted mnt

t 'slots__are_listed_without_a_key'
slots >list
matches list '^1 passphrase 20[0-9-]*T[0-9:]*Z scrypt N=2\^17 r=8 p=1$'
equal 'one line' 1 "$(wc -l <list)"

t 'certfsctl__unlocks_with_a_passphrase_from_a_descriptor'
works piped "$first
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
refused piped "$second
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
has said "isn't this store's"

t 'slots_add__a_key_file_is_made_and_opens_the_store'
works piped "$first
" "$CERTFSCTL" --passphrase-fd 7 certs.db slots add key-file certs.key
expect '0600,32' stat certs.key mode,size
works ctl check
slots >list
matches list '^2 key-file 20'
true_that 'it mounts' start
tree mnt >after
same before after

t 'slots_add__on_a_mounted_store_is_done_by_the_mount'
works "$CERTFSCTL" certs.db slots add recovery
cp out recovery.txt
matches recovery.txt '^([0-9A-HJKMNP-TV-Z]{6}-){5}[0-9A-HJKMNP-TV-Z]{6}$'
works "$CERTFSCTL" certs.db slots add key-file other.key
works piped "$second
" "$CERTFSCTL" --new-passphrase-fd 7 certs.db slots add passphrase
slots >list
equal 'five slots' '1 passphrase 2 key-file 3 recovery 4 key-file 5 passphrase' \
	"$(cut -d' ' -f1,2 list | tr '\n' ' ' | sed 's/ $//')"
has mnt/_audit.log '"operation":"add-slot"' 'recovery 3'
tree mnt >after
same before after
stop

t 'slots__each_of_them_opens_the_store'
works ctl check
works "$CERTFSCTL" --key-file other.key certs.db check
works piped "$second
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
works piped "$(cat recovery.txt)
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
works piped "$(tr 'A-Z-' 'a-z ' <recovery.txt)
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
true_that 'the recovery key mounts' mount_with "$(cat recovery.txt)" certs.db
same mnt/EX01/mail/export.pfx export.pfx
stop
# One other character that a recovery key may have; a U, which it never has, would be a passphrase.
case $(cut -c41 recovery.txt) in
7) wrong=$(cut -c1-40 recovery.txt)8 ;;
*) wrong=$(cut -c1-40 recovery.txt)7 ;;
esac
refused piped "$wrong
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
has said "check doesn't fit"

t 'passwd__changes_one_of_several_passphrases_and_that_alone'
refused piped 'new one
' "$CERTFSCTL" --key-file certs.key --new-passphrase-fd 7 certs.db passwd
matches said 'name the slot'
works piped "$second
third
" "$CERTFSCTL" --passphrase-fd 7 --new-passphrase-fd 7 certs.db passwd 5
works piped 'third
' "$CERTFSCTL" --passphrase-fd 7 certs.db check
refused piped "$second
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
works piped "$first
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
refused piped '
' "$CERTFSCTL" --key-file certs.key --new-passphrase-fd 7 certs.db passwd 5
has said empty
works piped 'third
' "$CERTFSCTL" --passphrase-fd 7 certs.db check

t 'passwd__a_passphrase_is_no_argument'
refused ctl passwd 5 hunter2hunter2
has said usage
refused ctl slots add passphrase hunter2hunter2
has said usage

t 'slots_remove__never_the_last_one'
for slot in 1 3 4 5; do
	works ctl slots remove $slot
done
refused ctl slots remove 2
has said 'last one'
refused ctl slots remove 9
has said 'no key slot 9'
slots >list
equal 'one slot' '2 key-file' "$(cut -d' ' -f1,2 list)"
refused piped "$first
" "$CERTFSCTL" --passphrase-fd 7 certs.db check
refused "$CERTFSCTL" --key-file other.key certs.db check
start
tree mnt >after
same before after
has mnt/_audit.log '"operation":"remove-slot"' '"operation":"change-slot"'
refused "$CERTFSCTL" certs.db slots remove 2
has said 'last one'
stop

t 'slots_add__that_is_refused_leaves_no_key_file'
refused "$CERTFSCTL" --key-file other.key certs.db slots add key-file third.key
true_that 'no key file was made' [ ! -e third.key ]
printf 'short' >short.key
chmod 600 short.key
refused ctl slots add key-file short.key
has said '32 bytes'
is_short() { [ "$(cat short.key)" = short ]; }
true_that 'what was there is left alone' is_short

t 'credential__of_systemd_opens_the_store'
mkdir credentials
cp certs.key credentials/certfs.key
chmod 440 credentials/certfs.key
CREDENTIALS_DIRECTORY=$T/credentials
export CREDENTIALS_DIRECTORY
works "$CERTFSCTL" certs.db check
"$CERTFS" -f -o ca-file=system.pem certs.db mnt >>log 2>&1 </dev/null &
pid=$!
printf '%s\n' "$pid" >>daemon.pid
until_true started mnt
same mnt/EX01/mail/export.pfx export.pfx
stop
chmod 444 credentials/certfs.key
refused "$CERTFSCTL" certs.db check
has said 'open to others'
chmod 440 credentials/certfs.key
cp -f other.key credentials/certfs.key
refused "$CERTFS" -f -o ca-file=system.pem certs.db mnt
has said credential
unset CREDENTIALS_DIRECTORY

t 'keyring__a_key_of_the_kernel_opens_the_store'
if [ "$(value key_put "certfs:$T" certs.key)" = 0 ] && [ "$(value key_find "certfs:$T")" = 0 ]; then
	works "$CERTFSCTL" --keyring "certfs:$T" certs.db check
	"$CERTFS" -f -o "keyring=certfs:$T,ca-file=system.pem" certs.db mnt >>log 2>&1 </dev/null &
	pid=$!
	printf '%s\n' "$pid" >>daemon.pid
	until_true started mnt
	same mnt/EX01/mail/export.pfx export.pfx
	stop
	expect 0 key_put "certfs:$T" other.key
	refused "$CERTFSCTL" --keyring "certfs:$T" certs.db check
	has said keyring
	expect 0 key_drop "certfs:$T"
else
	left_out 'the kernel has no keyrings for us'
fi
refused "$CERTFSCTL" --keyring 'certfs:none such' certs.db check
has said keyrings

t 'export__is_the_same_through_passphrases_rekeying_and_restoring'
hash() {
	sha256sum <mnt/EX01/mail/export.pfx
}
wanted=$(sha256sum <export.pfx)
start
for round in 1 2 3 4 5; do
	[ "$(hash)" = "$wanted" ] || fail "reading $round" "$wanted" "$(hash)"
done
works piped "$second
" "$CERTFSCTL" --new-passphrase-fd 7 certs.db passwd
equal 'after passwd' "$wanted" "$(hash)"
works "$CERTFSCTL" certs.db backup backup.db
refused "$CERTFSCTL" certs.db rekey
has said unmounted
expect 0 mkdir mnt/EX09
stop
refused ctl restore certs.key
has said 'not a certfs store'
refused ctl rekey
has said --drop-slots
works ctl rekey --drop-slots
sound
slots >list
equal 'one slot' '2 key-file' "$(cut -d' ' -f1,2 list)"
start
equal 'after rekey' "$wanted" "$(hash)"
has mnt/_audit.log '"operation":"rekey"'
refused "$CERTFSCTL" --key-file certs.key certs.db restore backup.db
has said 'is mounted' unmounted
refused no_terminal "$CERTFSCTL" certs.db restore backup.db
has said 'is mounted' unmounted
stop
refused no_terminal "$CERTFSCTL" certs.db restore backup.db
has said 'unlocks backup.db' --key-file
works ctl restore backup.db
sound
start
equal 'after restore' "$wanted" "$(hash)"
absent mnt/EX09
has mnt/_audit.log '"operation":"restore"'
stop

t 'kill__of_certfsctl_leaves_the_old_store_or_the_new_one'
rounds=3
[ "${CERTFS_TEST_MORE-}" != 1 ] || rounds=100
killed() { # HUNDREDTHS COMMAND: certfsctl's, killed after so long unless it was quicker
	_delay=$1
	shift
	"$CERTFSCTL" --key-file certs.key certs.db "$@" >said 2>&1 </dev/null &
	_command=$!
	sleep "$(printf '0.%02d' "$_delay")"
	kill -9 $_command 2>/dev/null
	wait $_command 2>/dev/null
}
for round in $(seq $rounds); do
	killed $((round * 3 % 20)) rekey
	sound
	killed $((round * 5 % 20)) restore backup.db
	sound
done
start
equal 'the export is the same' "$wanted" "$(hash)"
stop

t 'terminal__asks_without_echo'
if [ "$("$PTY" 'Go' x -- sh -c 'stty -echo <>/dev/tty >&0; printf Go >/dev/tty; read -r a </dev/tty; stty echo <>/dev/tty >&0')" = '0 quiet restored' ]; then
	equal 'a new store' '0 quiet restored' "$("$PTY" 'New passphrase' "$first" 'again' "$first" -- \
		"$CERTFSCTL" asked.db init 2>said)"
	equal 'it is opened' '0 quiet restored' "$("$PTY" 'Passphrase' "$first" -- "$CERTFSCTL" asked.db check 2>said)"
	equal 'another passphrase' '1 quiet restored' "$("$PTY" 'Passphrase' "$second" -- "$CERTFSCTL" asked.db check 2>said)"
	has said "isn't this store's"
	equal 'passwd asks for both' '0 quiet restored' "$("$PTY" 'Passphrase' "$first" 'New passphrase' "$second" \
		again "$second" -- "$CERTFSCTL" asked.db passwd 2>said)"
	equal 'two that differ, then not' '0 quiet restored' "$("$PTY" 'Passphrase' "$second" 'New passphrase' one \
		again two differ "$first" again "$first" -- "$CERTFSCTL" asked.db passwd 2>said)"
	equal 'interrupted' '130 quiet restored' "$("$PTY" 'Passphrase' '^C' -- "$CERTFSCTL" asked.db check 2>said)"
	equal 'a mount in the background' '0 quiet restored' "$("$PTY" 'Passphrase' "$first" -- \
		"$CERTFS" -o ca-file=system.pem asked.db mnt 2>said)"
	present mnt/README.txt
	works sh -c 'umount mnt || fusermount3 -u mnt'
	equal 'a mount interrupted' 130 "$("$PTY" 'Passphrase' '^C' -- "$CERTFS" -o ca-file=system.pem asked.db mnt 2>said | cut -d' ' -f1)"
	true_that 'nothing is mounted' unmounted mnt
else
	left_out 'there are no pseudo terminals here'
fi

t 'secrets__are_in_no_file_and_no_log'
for word in "$first" "$second" "$(cat recovery.txt)"; do
	for file in certs.db log; do
		lacks $file "$word"
	done
done

finish
