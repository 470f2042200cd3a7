#!/bin/sh
# -o ro: a mount that only reads, of a store that another mount may be writing (certfs(1)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
mkdir ro
writer=$pid

# reader [OPTIONS]: mounts the store once more, on `ro`; its supervisor is $reader.
reader() {
	launch certs.db ro "key-file=certs.key,ca-file=system.pem,ro${1:+,$1}"
	reader=$pid
	pid=$writer
	until_true started_reader
	mounted ro && alive "$reader" && return 0
	fail 'a reading mount' 'a mount' "$(tail -n 5 log)"
	exit 1
}

# shellcheck disable=SC2317,SC2329 # called by until_true
started_reader() {
	gone "$reader" || { [ "$(value statvfs ro namemax 2>/dev/null)" = 255 ] && [ -e ro/README.txt ]; }
}

# reader_ends: unmounts it; it must end with 0.
reader_ends() {
	until_true unmount ro || fail 'unmount' 'unmounted' "$(umount ro 2>&1)"
	pid=$reader
	ended 0
	pid=$writer
}

expect 0 mkdir mnt/EX01
m=mnt/EX01/mail
valid $m mail.contoso.com
expect 0 put $m/export.password 'P@ssw0rd1\n'
present $m/export.pfx

t 'reading_mount__shows_the_same_but_what_holds_a_key'
socket=$(value stat certs.db.control ino)
reader keys
equal 'the socket is the writer'\''s' "$socket" "$(value stat certs.db.control ino)"
equal 'it says so' ro,nosuid,nodev "$(value statvfs ro flags)"
absent ro/EX01/mail/export.pfx ro/EX01/mail/private.pem ro/EX01/mail/combined.pem
expect 'ENOENT ENOENT' open ro/EX01/mail/export.pfx O_RDONLY : open ro/EX01/mail/private.pem O_RDONLY
present ro/EX01/mail/certificate.cer ro/EX01/mail/fullchain.pem ro/_trust/root.pem ro/_audit.log
is ro/EX01/mail/status Valid
for file in certificate.cer fullchain.pem info info.json request.csr thumbprint; do
	same $m/$file ro/EX01/mail/$file
done
# The same inode numbers, times, sizes and contents.
tree mnt | grep -v 'export\.pfx' >writer.tree
tree ro | grep -v 'export\.pfx' >reader.tree
same writer.tree reader.tree

t 'reading_mount__sees_at_once_what_the_other_changes'
# Looked at before, so that a kernel that remembers would say the old.
expect ENOENT stat ro/EX01/web type
expect ENOENT stat ro/EX02 type
unlisted ro/EX01/web
expect 0 mkdir mnt/EX02
present ro/EX02
valid mnt/EX01/web web.contoso.com
is ro/EX01/web/status Valid
same mnt/EX01/web/certificate.pem ro/EX01/web/certificate.pem
equal 'the same listing' "$(value readdir mnt/EX01)" "$(value readdir ro/EX01)"
for i in 1 2 3; do
	expect 0 put $m/friendly-name "Name $i\n"
	is ro/EX01/mail/friendly-name "Name $i"
	equal 'its size' "$(value stat $m/friendly-name size,mtime)" \
		"$(value stat ro/EX01/mail/friendly-name size,mtime)"
done
expect ENOENT readlink ro/EX01/_services/SMTP
expect 0 add $m/services 'SMTP\n'
expect ../mail readlink ro/EX01/_services/SMTP
same mnt/EX01/_services/SMTP/certificate.cer ro/EX01/_services/SMTP/certificate.cer
expect 0 add mnt/EX01/web/services 'SMTP\n'
expect ../web readlink ro/EX01/_services/SMTP
expect 0 rename mnt/EX01/web mnt/EX01/web2
absent ro/EX01/web
present ro/EX01/web2
expect 0 chmod $m 0750
expect 'dir,0750' stat ro/EX01/mail type,mode
# One that is open sees what is added.
expect '0 "" 0 0 "SMTP\n"' open ro/EX01/mail/services O_RDONLY : pread 5 100 : \
	open $m/services O_WRONLY,O_APPEND : use 0 : pread 0 100
before=$(value stat ro/_audit.log size)
expect 0 mkdir mnt/EX03
differ 'the log grows' "$before" "$(value stat ro/_audit.log size)"
tail -n 1 ro/_audit.log >line
has line EX03

# refused: every change, and nothing follows from it.
refused() {
	snapshot
	tree ro >reader.before
	expect EROFS mkdir ro/EX04
	expect EROFS mkdir ro/EX01/new
	expect EROFS rmdir ro/EX02
	expect EROFS rename ro/EX02 ro/EX05
	expect EROFS unlink ro/EX01/mail/friendly-name
	expect EROFS unlink ro/_trust/root.pem
	expect EROFS open ro/EX01/mail/friendly-name O_WRONLY
	expect EROFS open ro/EX01/mail/services O_WRONLY,O_APPEND
	expect EROFS open ro/EX01/mail/export.password O_WRONLY,O_TRUNC
	expect EROFS open ro/EX01/mail/renew O_WRONLY
	expect EROFS open ro/EX01/answer.cer O_WRONLY,O_CREAT
	expect EROFS open ro/_trust/other.pem O_WRONLY,O_CREAT
	expect EROFS open ro/_settings/accepted-domains O_WRONLY
	expect EROFS truncate ro/EX01/mail/friendly-name 0
	expect EROFS chmod ro/EX01/mail 0700
	expect EROFS chown ro/EX01/mail 1 1
	expect EROFS utimens ro/_trust/root.pem 1 1
	expect EROFS symlink x ro/EX01/x
	expect EROFS link ro/EX01/mail/status ro/EX01/mail/x
	expect EROFS mknod ro/EX01/x file
	tree ro >reader.after
	same reader.before reader.after
	unchanged
}

t 'reading_mount__refuses_every_change_with_EROFS'
refused

t 'remount_rw__changes_nothing'
got=$(value remount_rw ro)
note "the kernel says $got, and the mount is now $(value statvfs ro flags)"
refused
[ "$got" != 0 ] || has log 'EROFS: this mount only reads'

t 'reading_mount__takes_no_lock_and_no_socket'
works ctl check
stop
writer=
true_that 'the socket is gone with the writer' [ ! -e certs.db.control ]
true_that 'all is in the store itself' [ ! -s certs.db-wal ]
present ro/EX03
works ctl check
start
writer=$pid
present mnt/EX03
expect 0 mkdir mnt/EX06
present ro/EX06
works ctl check
stop
writer=
present ro/EX06

t 'reading_mounts__may_be_many'
first=$reader
mkdir ro2
launch certs.db ro2 key-file=certs.key,ca-file=system.pem,ro
second=$pid
pid=
becomes 'both are mounted' mounted ro2
becomes 'and answer' test -e ro2/README.txt
present ro2/EX06
until_true unmount ro2
pid=$second
ended 0
reader=$first
pid=

t 'writer_that_dies__is_no_harm'
start
writer=$pid
expect 0 mkdir mnt/EX07
crash
present ro/EX07
start
writer=$pid
present mnt/EX07
expect 0 mkdir mnt/EX08
present ro/EX08

t 'statuses__are_as_stored_last'
if testing; then
	is ro/EX01/mail/status Valid
	works ctl clock +$((400 * 86400))
	is $m/status DateInvalid
	is ro/EX01/mail/status DateInvalid
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi
reader_ends

t 'reading_mount__makes_no_store_and_no_key'
mkdir none
for option in ro ro,keys; do
	timeout 60 "$CERTFS" -f -o "key-file=other.key,ca-file=system.pem,$option" other.db none >other.log 2>&1 </dev/null
	equal "with $option" 1 $?
	has other.log other.db
	true_that 'nothing was made' [ ! -e other.db -a ! -e other.key -a ! -e other.db.lock ]
done
timeout 60 "$CERTFS" -f -o "key-file=other.key,ca-file=system.pem,ro" certs.db none >other.log 2>&1 </dev/null
equal 'with a key that is missing' 1 $?
has other.log other.key
true_that 'it stays missing' [ ! -e other.key ]
true_that 'nothing is mounted' unmounted none

finish
