#!/bin/sh
# Leaks looked for: the passwords and keys of a run, in every file that certfs writes, in what it
# says, in /proc, and in a core of one that crashed (certfs(1), Processes).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
allow_log 'killed|signal|died|SEGV|Address|ABORTING' # what is said of a worker that crashed
# Cores are wanted here, if any come.
command -v prlimit >/dev/null && prlimit --pid $$ --core=unlimited 2>/dev/null
start keys
watched=$(grep -c 'a program that is looked into' log)

# Words that are nowhere else, so that finding one means something.
root_password=Rood-9Zq3vX7kRoot
server_password=Srv-4Wm8tB2nServer
own_password=Own-6Hd1yC5pOwn
import_password=Imp-7Lk2uD9sImport
expect '0 0 0' put mnt/_export.password "$root_password\n" : mkdir mnt/EX01 : mkdir mnt/EX02
expect 0 put mnt/EX01/_export.password "$server_password\n"
expect 0 put mnt/EX01/_import.password "$import_password\n"
valid mnt/EX01/mail mail.contoso.com
valid mnt/EX01/web web.contoso.com
valid mnt/EX02/pop pop.contoso.com
expect 0 put mnt/EX01/mail/export.password "$own_password\n"
# One that comes from outside, with its key.
ca root
quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=in.contoso.com \
	-keyout in.key -out in.csr
issue root in.csr in.cer
quietly openssl pkcs12 -export -inkey in.key -in in.cer -name in -passout "pass:$import_password" -out in.pfx
expect 0 put mnt/EX01/_settings/exportable-imports 'yes\n'
works cp in.pfx mnt/EX01/
is mnt/EX01/in/status Valid

# A refused password, and a refused file with a key.
expect EINVAL put mnt/EX01/mail/export.password "$own_password\nsecond line\n"
fails - cp in.pfx mnt/EX01/mail/other.pfx
for file in mail/export.pfx mail/private.pem mail/combined.pem web/export.pfx in/private.pem; do
	works cat mnt/EX01/$file
done

mkdir keys
cp mnt/EX01/mail/private.pem keys/mail.pem
cp mnt/EX01/in/private.pem keys/in.pem
cp mnt/EX02/pop/private.pem keys/pop.pem

hex() { od -An -v -tx1 | tr -d ' \n'; }

# What a key is made of: its private number. The texts of PEM are looked for too.
scalar() { # FILE
	openssl ec -in "$1" -noout -text 2>/dev/null | sed -n '/^priv:/,/^pub:/p' | grep '^ ' | tr -d ' :\n' | sed 's/^00//'
}

: >secrets
for key in keys/*.pem; do
	scalar "$key" >>secrets
	echo >>secrets
	sed -n 2p "$key" | tr -d '\n' | hex >>secrets
	echo >>secrets
done
for word in "$root_password" "$server_password" "$own_password" "$import_password"; do
	printf %s "$word" | hex >>secrets
	echo >>secrets
done
hex <certs.key >>secrets
echo >>secrets

t 'search__finds_what_it_looks_for'
equal 'eleven secrets' 11 "$(grep -cE '^[0-9a-f]{16,}$' secrets)"
found_in() { # FILE: how many of the secrets are in it
	hex <"$1" >hexed
	_n=0
	while read -r _secret; do
		grep -qF "$_secret" hexed && _n=$((_n + 1))
	done <secrets
	printf '%s\n' "$_n"
}
printf 'before %s after\n' "$own_password" >planted
equal 'a password' 1 "$(found_in planted)"
openssl ec -in keys/mail.pem -outform DER -out planted 2>/dev/null
equal 'a key in DER' 1 "$(found_in planted)"
equal 'a key in PEM' 1 "$(found_in keys/mail.pem)"
equal 'the master key in its file' 1 "$(found_in certs.key)"
rm planted

clean() { # FILE...
	for _file; do
		[ -e "$_file" ] || continue
		equal "nothing in $_file" 0 "$(found_in "$_file")"
	done
}

t 'files_of_the_store__hold_no_secret'
clean certs.db certs.db-wal certs.db-shm certs.db.lock certs.db.reserve log
works ctl backup copied.db
clean copied.db

t 'what_is_shown__holds_no_secret'
for file in mnt/_audit.log mnt/_errors mnt/README.txt mnt/EX01/*/why mnt/EX01/*/info mnt/EX01/*/info.json \
	mnt/_export.password mnt/EX01/_export.password mnt/EX01/_import.password mnt/EX01/mail/export.password; do
	cat "$file" >shown
	equal "nothing in $file" 0 "$(found_in shown)"
done
[ ! -e mnt/_overview.html ] || clean mnt/_overview.html

t 'proc__shows_no_secret'
for process in "$pid" "$(worker)"; do
	for file in cmdline environ; do
		cat "/proc/$process/$file" >shown 2>/dev/null
		equal "nothing in its $file" 0 "$(found_in shown)"
	done
done

# What the kernel kept of a key would be read without the audit log's line.
t 'page_cache__keeps_no_key'
lines() { wc -l <mnt/_audit.log; }
for file in mnt/EX01/mail/private.pem mnt/EX01/mail/export.pfx; do
	cp $file copy
	chmod 600 copy # the copy can be written again, by others than root too
	before=$(lines)
	for _ in 1 2 3; do
		works dd if=$file of=copy bs=7 status=none
	done
	if have busybox && busybox cp --help >/dev/null 2>&1; then
		works busybox cp $file copy # by sendfile(2)
		works busybox cp $file copy
	else
		works cp $file copy
		works cp $file copy
	fi
	equal 'each reading asked for it' $((before + 5)) "$(lines)"
done

t 'crash__leaves_no_core_and_no_secret'
kill -SEGV "$(worker)"
becomes 'it is unmounted' unmounted mnt
ended -
true_that 'no core' sh -c '! find . -name "core*" -type f | grep .'
clean certs.db certs.db-wal certs.db-shm
[ "$watched" = 1 ] || clean log
start
[ "$(id -u)" != 0 ] || works ctl check

t 'unmounted__holds_no_secret_either'
works rmdir mnt/EX02/pop
stop
clean certs.db certs.db-wal certs.db.lock certs.db.reserve
# Nothing but what the script itself made lies in the folder.
equal 'files beside the store' 'certs.db certs.db.lock certs.db.reserve certs.key' \
	"$(find . -maxdepth 1 -name 'certs*' | sed 's,^\./,,' | sort | tr '\n' ' ' | sed 's/ $//')"

finish
