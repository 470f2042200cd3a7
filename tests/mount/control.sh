#!/bin/sh
# certfsctl: init, check and backup, and what a mount says when it can't start (certfsctl(1),
# certfs(1)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

sums() { # FILE...
	sha256sum "$@"
}

# refused COMMAND: ends within the limit, with another code than 0; its words are in `said`.
refused() {
	timeout 60 "$@" >said 2>&1 </dev/null
	code=$?
	case $code in
	0 | 124) fail "refused $(quote "$@")" 'an exit code other than 0, in time' "$code" ;;
	*) pass "refused $(quote "$@")" ;;
	esac
}

t 'init__makes_a_store_and_its_key_for_their_owner_alone'
works "$CERTFSCTL" certs.db init --key-file certs.key
expect '0600 0600' stat certs.db mode : stat certs.key mode
works "$CERTFSCTL" --key-file certs.key certs.db check
start
present mnt/README.txt
stop

t 'init__of_an_existing_store_is_refused_and_changes_nothing'
sums certs.db certs.key >kept
refused "$CERTFSCTL" certs.db init --key-file certs.key
refused "$CERTFSCTL" certs.db init --key-file other.key
has said certs.db
true_that 'no other key was made' [ ! -e other.key ]
true_that 'the store and the key are as before' sha256sum -c --status kept

t 'init__without_certfsctl_is_done_by_the_first_mount'
launch fresh.db mnt key-file=fresh.key,ca-file=system.pem
until_true started mnt
has log 'fresh.db was not there; a new store was made'
expect '0600 0600' stat fresh.db mode : stat fresh.key mode
stop
works "$CERTFSCTL" --key-file fresh.key fresh.db check

t 'mount__without_a_way_to_unlock_lists_them'
refused env -u CREDENTIALS_DIRECTORY setsid -w "$CERTFS" -f certs.db mnt
has said key-file
true_that 'nothing is mounted' unmounted mnt

t 'mount__with_a_key_that_does_not_fit_is_refused'
sums certs.db certs.key fresh.key >kept
refused "$CERTFS" -f -o key-file=fresh.key,ca-file=system.pem certs.db mnt
has said fresh.key
refused "$CERTFS" -f -o key-file=missing.key,ca-file=system.pem certs.db mnt
has said missing.key
true_that 'no key was made for an old store' [ ! -e missing.key ]
head -c 7 /dev/urandom >tiny.key
chmod 600 tiny.key
refused "$CERTFS" -f -o key-file=tiny.key,ca-file=system.pem certs.db mnt
has said tiny.key
ln -s certs.key link.key
refused "$CERTFS" -f -o key-file=link.key,ca-file=system.pem certs.db mnt
has said link.key
cp certs.key open.key
chmod 644 open.key
refused "$CERTFS" -f -o key-file=open.key,ca-file=system.pem certs.db mnt
has said open.key
refused "$CERTFSCTL" --key-file fresh.key certs.db check
true_that 'nothing is mounted' unmounted mnt
true_that 'store and keys are as before' sha256sum -c --status kept

t 'mount__with_wrong_arguments_says_so'
refused "$CERTFS"
refused "$CERTFS" certs.db
refused "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem certs.db nowhere
has said nowhere
refused "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem,no-such-option=1 certs.db mnt
has said no-such-option
refused "$CERTFS" -f -o key-file,ca-file=system.pem certs.db mnt
has said 'option key-file needs a value'
refused "$CERTFS" -f -o key-file=certs.key,ro=yes certs.db mnt
has said 'option ro takes no value'
refused "$CERTFS" --key-file certs.key certs.db mnt
has said --key-file -o
echo 'this is no database' >text.db
refused "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem text.db mnt
has said text.db
is text.db 'this is no database'
true_that 'nothing is mounted' unmounted mnt
refused "$CERTFSCTL"
refused "$CERTFSCTL" certs.db frobnicate
has said frobnicate
refused "$CERTFSCTL" --key-file certs.key nowhere.db check
true_that 'no store was made' [ ! -e nowhere.db ]

t 'mount__in_the_background_returns_when_it_is_there'
works "$CERTFS" -o key-file=certs.key,ca-file=system.pem certs.db mnt
present mnt/README.txt
works sh -c 'umount mnt || fusermount3 -u mnt'
# The daemon in the background ends a moment after the mount is gone.
# shellcheck disable=SC2317,SC2329 # called by becomes
starts_again() {
	launch certs.db mnt key-file=certs.key,ca-file=system.pem
	until_true started mnt
	mounted mnt && alive "$pid" && return 0
	wait "$pid"
	: >daemon.pid
	return 1
}
becomes 'the store is free again' starts_again

t 'check__of_a_store_that_is_mounted_or_not'
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
ca issuing root
works cp ca/root.pem ca/issuing.pem mnt/_trust/
request mnt/EX01/mail mail.contoso.com
answer mnt/EX01/mail issuing
expect 0 put mnt/EX01/mail/export.password 'P@ssw0rd1\n'
expect 0 add mnt/EX01/mail/services 'SMTP\n'
request mnt/EX02/web web.contoso.com
expect 0 mkdir mnt/EX02/draft
expect 0 put mnt/EX02/draft/domains 'a.example\n'
snapshot
works "$CERTFSCTL" --key-file certs.key certs.db check
works "$CERTFSCTL" certs.db check # the daemon has the key
unchanged
stop
works "$CERTFSCTL" --key-file certs.key certs.db check

t 'backup__while_mounted_mounts_and_has_the_same_tree'
start
works "$CERTFSCTL" --key-file certs.key certs.db backup mounted.db
unchanged
expect 0600 stat mounted.db mode
works "$CERTFSCTL" --key-file certs.key mounted.db check
mkdir elsewhere
works "$CERTFSCTL" --key-file certs.key certs.db backup elsewhere/mounted.db
works "$CERTFSCTL" --key-file certs.key elsewhere/mounted.db check
stop

t 'backup__while_unmounted'
works "$CERTFSCTL" --key-file certs.key certs.db backup unmounted.db
expect 0600 stat unmounted.db mode
works "$CERTFSCTL" --key-file certs.key unmounted.db check
refused "$CERTFSCTL" --key-file certs.key certs.db backup nowhere/unmounted.db
has said nowhere

for copy in mounted unmounted; do
	t "backup__made_${copy}_has_the_same_tree"
	launch $copy.db mnt key-file=certs.key,ca-file=system.pem
	until_true started mnt
	unchanged
	true_that 'its export opens' openssl pkcs12 -in mnt/EX01/mail/export.pfx -passin 'pass:P@ssw0rd1' -noout
	answer mnt/EX02/web root
	is mnt/EX02/web/status Valid
	stop
done

t 'backup__is_not_touched_by_what_comes_after'
sums unmounted.db elsewhere/mounted.db >kept
start
unchanged
expect 0 mkdir mnt/EX05
stop
true_that 'the backups are as before' sha256sum -c --status kept

t 'check__of_a_damaged_store_says_so'
cp elsewhere/mounted.db damaged.db
for page in 2 4 6 8 10 12; do
	head -c 4000 /dev/urandom | dd of=damaged.db bs=1 seek=$((page * 4096 + 40)) conv=notrunc status=none
done
refused "$CERTFSCTL" --key-file certs.key damaged.db check
true_that 'with a sentence' [ -s said ]
sound

finish
