#!/bin/sh
# sh tools/try.sh [FOLDER]: installs what is missing, builds, and walks the main path on a real
# mount, from a server's directory to a PKCS#12 file. Shows each command and its output, and leaves
# it mounted. FOLDER is created where it doesn't exist; without one a new folder under /tmp is used.
set -eu

case ${1-} in
-*)
	echo "usage: sh tools/try.sh [FOLDER]" >&2
	exit 2
	;;
'') folder= ;;
*)
	mkdir -p -- "$1"
	folder=$(cd -- "$1" && pwd)
	;;
esac
cd -- "$(dirname -- "$0")/.."
top=$(pwd)
# shellcheck source=tools/setup.sh
. tools/setup.sh

# ---- Build

# shellcheck disable=SC2086 # a list of words
install_packages "Building certfs and trying it" $build_packages openssl e2fsprogs ||
	die "without these packages certfs can't be built"
if ! log=$(configure build -Dbuildtype=debugoptimized -Db_sanitize=none -Dwerror=false 2>&1 &&
	meson compile -C build certfs certfsctl 2>&1); then
	printf '%s\n' "$log" >&2
	die "certfs could not be built; the reason is above"
fi
say "certfs is built: build/certfs and build/certfsctl"

[ -e /dev/fuse ] || die "there is no /dev/fuse here: load the kernel's module with 'modprobe fuse',
or give the container the device"

# ---- A folder to try it in

if [ -z "$folder" ]; then
	folder=$(mktemp -d "${TMPDIR:-/tmp}/certfs-try.XXXXXX")
fi
for name in mnt certs.db certs.key ca.pem backup; do
	if [ -e "$folder/$name" ] || [ -L "$folder/$name" ]; then
		die "$folder/$name is already there; name another folder"
	fi
done

# quoted WORD: as it has to be typed.
quoted() {
	case $1 in
	*[!A-Za-z0-9/._+-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}
go_there="cd $(quoted "$folder")"
set_path="PATH=$(quoted "$top/build"):\$PATH"

say
say "\$ $go_there"
cd -- "$folder"
say "\$ $set_path"
PATH=$top/build:$PATH
export PATH

unmount_after_failure() {
	status=$?
	trap - EXIT
	cd /
	# The mountpoint is this script's own: it was not there before.
	if fusermount3 -u -- "$folder/mnt" 2>/dev/null || umount -- "$folder/mnt" 2>/dev/null; then
		printf 'It was unmounted again; what was made lies in %s\n' "$folder" >&2
	fi
	exit "$status"
}
trap unmount_after_failure EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# typed COMMAND: runs it in the shell it would be typed into. dash says of every failed write
# that it is an I/O error, bash has the reason.
shell=bash
command -v bash >/dev/null || shell='sh'
typed() {
	$shell -c "$1" </dev/null 2>&1
}

# run COMMAND: shows it, runs it, and stops where it fails.
run() {
	printf '$ %s\n' "$1"
	if typed "$1"; then
		return 0
	fi
	for file in mnt/EX01/mail/why mnt/_errors; do
		[ ! -s "$file" ] || { printf '\n%s says:\n' "$file"; cat "$file"; } >&2 || :
	done
	die "this command failed: $1"
}

# refused COMMAND: shows it and runs it; it must fail.
refused() {
	printf '$ %s\n' "$1"
	if typed "$1"; then
		die "this command should have been refused: $1"
	fi
}

about() {
	printf '\n# %s\n' "$*"
}

# ---- The walk

about "A store, its key file, and the mount. The store and the key are made now, since neither exists."
run "mkdir mnt backup"
run "certfs -o key-file=certs.key certs.db mnt"
run "ls -l certs.db certs.key"
run "ls mnt"

about "A server and a certificate in it are directories. Writing a name makes a key and a request."
run "mkdir mnt/EX01 mnt/EX01/mail"
run "cat mnt/EX01/mail/status"
run "echo 'C=US, O=Contoso, CN=mail.contoso.com' > mnt/EX01/mail/request.csr"
run "cat mnt/EX01/mail/status"
run "openssl req -in mnt/EX01/mail/request.csr -noout -verify -text"

about "A certification authority for this test answers it. Any other does the same with request.csr."
run "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/O=Contoso/CN=Contoso Test CA' 2> /dev/null"
run "openssl x509 -req -in mnt/EX01/mail/request.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 397 -outform DER -out answer.cer"

about "Trust that authority, and drop the answer into the certificate's directory."
run "cp ca.pem mnt/_trust/"
run "cp answer.cer mnt/EX01/mail/"
run "cat mnt/EX01/mail/status"
run "ls -l mnt/EX01/mail"
run "cat mnt/EX01/mail/info"

about "Assign it to SMTP. Services can only be added; anything else is refused, for root too."
run "echo SMTP >> mnt/EX01/mail/services"
run "cat mnt/EX01/mail/services"
run "ls -l mnt/EX01/_services"
refused "echo IMAP > mnt/EX01/mail/services"
refused "echo FTP >> mnt/EX01/mail/services"
run "cat mnt/EX01/mail/why"

about "With a password there is an export.pfx, with the key. Reading it is on record."
run "echo 'P@ssw0rd1' > mnt/EX01/mail/export.password"
run "cp mnt/EX01/mail/export.pfx backup/"
run "openssl pkcs12 -in backup/export.pfx -passin pass:P@ssw0rd1 -info -noout"
run "tail -n 1 mnt/_audit.log"

trap - EXIT INT TERM
cat <<TXT

It is mounted at $folder/mnt. Look around:

    $go_there
    $set_path
    cat mnt/README.txt
    ls -l mnt/EX01/mail mnt/_trust
    openssl x509 -in mnt/EX01/mail/fullchain.pem -noout -text
    lsattr mnt/EX01/mail/services

Try next:

    mkdir mnt/EX01/web
    printf 'domains = shop.contoso.com\nkey-type = p256\nCN=www.contoso.com\n' > mnt/EX01/web/request.csr
    cp answer.cer mnt/EX01/web/      # refused: it is for another key
    rmdir mnt/EX01/mail              # refused: SMTP uses it
    cat mnt/_errors
    certfsctl certs.db backup certs.backup

Unmount, and mount again with what you made:

    fusermount3 -u mnt
    certfs -o key-file=certs.key certs.db mnt

The manual: man -l $(quoted "$top/tools/man/certfs.1"), and certfs.5 beside it for the files.
TXT
