#!/bin/sh
# A full disk: what can't be stored is refused with ENOSPC and a sentence and changes nothing,
# deleting still works, nothing acknowledged is lost, and with room again all goes on (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir disk
if ! mount -t tmpfs -o size=8m,mode=0700 tmpfs disk 2>err; then
	left_out "a full disk: no small file system can be mounted here: $(cat err)"
	pass 'nothing to try here'
	finish
fi

ctl() {
	"$CERTFSCTL" --key-file certs.key disk/certs.db "$@"
}
start_here() {
	launch disk/certs.db mnt "key-file=certs.key,ca-file=system.pem"
	until_true started mnt
	mounted mnt && alive "$pid" && return 0
	fail 'start' 'a mount' "$(tail -n 20 log)"
	exit 1
}
fill() {
	dd if=/dev/zero of=disk/fill bs=4096 2>/dev/null
}

start_here
expect 0 mkdir mnt/EX01
valid mnt/EX01/mail mail.contoso.com
for n in 1 2 3 4 5 6; do
	request "mnt/EX01/pending-$n" "p$n.contoso.com"
done
expect 0 mkdir mnt/EX01/draft

t 'full__changes_are_refused_with_ENOSPC_and_a_sentence'
fill
acked=0
got=0
# What has room in the files that are there is still taken.
while [ "$got" = 0 ] && [ "$acked" -lt 3000 ]; do
	got=$(value mkdir "mnt/EX01/full-$((acked + 1))")
	[ "$got" != 0 ] || acked=$((acked + 1))
done
note "$acked drafts had room"
equal 'then it is full' ENOSPC "$got"
sentence - 'no space left'
snapshot
expect ENOSPC mkdir mnt/EX02
expect ENOSPC put mnt/EX01/draft/request.csr 'key-type = p256\nCN=a.contoso.com\n'
sentence mnt/EX01/draft 'no space left'
is mnt/EX01/draft/status Draft
absent mnt/EX01/draft/request.csr
expect ENOSPC add mnt/EX01/mail/services 'SMTP\n'
is mnt/EX01/mail/status Valid
unchanged

t 'full__nothing_acknowledged_is_lost'
crash
start_here
unchanged
equal 'as many drafts as were acknowledged' "$acked" "$(find mnt/EX01 -maxdepth 1 -name 'full-*' | wc -l)"

t 'full__deleting_works'
fill
works rmdir mnt/EX01/pending-1
works rmdir mnt/EX01/pending-2
works rmdir mnt/EX01/draft
absent mnt/EX01/pending-1 mnt/EX01/pending-2 mnt/EX01/draft
sound

t 'room__all_goes_on'
rm disk/fill
expect 0 mkdir mnt/EX02
request mnt/EX02/web web.contoso.com
is mnt/EX02/web/status PendingRequest
expect 0 add mnt/EX01/mail/services 'SMTP\n'
stop
start_here
is mnt/EX01/mail/services SMTP
is mnt/EX02/web/status PendingRequest
sound
stop
umount disk

finish
