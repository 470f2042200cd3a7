#!/bin/sh
# Deleting: rmdir is the one way, what is in use is busy, and rm -r destroys nothing
# (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
m=mnt/EX01/mail
valid $m mail.contoso.com

t 'unlink__of_a_file_of_a_certificate_is_EPERM'
snapshot
for file in $(value readdir $m | tr / ' '); do
	expect EPERM unlink "$m/$file"
done
fails EPERM rm -f $m/certificate.cer
sentence $m certificate.cer
unchanged

t 'unlink__of_a_file_of_a_request_is_EPERM'
request mnt/EX01/pending pending.contoso.com
snapshot
for file in $(value readdir mnt/EX01/pending | tr / ' '); do
	expect EPERM unlink "mnt/EX01/pending/$file"
done
unchanged

t 'rm_r__destroys_nothing'
request mnt/EX02/only only.contoso.com
snapshot
fails EPERM rm -r $m
fails EPERM rm -rf $m
fails EPERM rm -rf mnt/EX01
fails EPERM rm -rf mnt/EX02
fails - sh -c 'rm -rf mnt/EX0*'
unchanged

t 'rename__out_of_the_directory_is_no_way_either'
snapshot
expect EPERM rename $m/certificate.cer $m/old.cer
expect EPERM rename $m/certificate.cer mnt/EX01/old.cer
expect EPERM rename $m/info $m/certificate.cer
expect EPERM rename $m/request.csr $m/.request.tmp
fails - mv $m/certificate.cer elsewhere.cer
unchanged

t 'rmdir__of_what_a_service_uses_is_EBUSY_and_names_it'
expect 0 add $m/services 'SMTP, IIS\n'
snapshot
expect EBUSY rmdir $m
sentence $m SMTP IIS
fails EBUSY rmdir $m
unchanged
present mnt/EX01/_services/SMTP

t 'rmdir__is_free_when_another_has_taken_the_services_over'
valid mnt/EX01/next next.contoso.com
expect 0 add mnt/EX01/next/services 'SMTP\n'
expect EBUSY rmdir $m
sentence $m IIS
expect 0 add mnt/EX01/next/services 'IIS\n'
expect EBUSY rmdir $m # still the default for SMTP
sentence $m SMTP-default
expect 0 add mnt/EX01/next/services 'SMTP-default\n'
before_mtime=$(value stat mnt/EX01 mtime)
ino=$(value stat $m ino)
expect 0 rmdir $m
absent $m
differ 'mtime of the server moved' "$before_mtime" "$(value stat mnt/EX01 mtime)"
expect ENOENT rmdir $m
expect ENOENT stat $m/status type
expect '../next' readlink mnt/EX01/_services/SMTP

t 'rmdir__frees_the_name_but_not_the_inode'
expect 0 mkdir $m
is $m/status Draft
differ 'another inode' "$ino" "$(value stat $m ino)"
expect 0 rmdir $m

t 'rmdir__of_requests_and_drafts'
expect 0 mkdir mnt/EX01/draft
expect '0 0' rmdir mnt/EX01/draft : rmdir mnt/EX01/pending
absent mnt/EX01/draft mnt/EX01/pending
works rmdir mnt/EX02/only

t 'handle__that_was_open_hurts_nobody'
valid mnt/EX02/open open.contoso.com
got=$(value open mnt/EX02/open/info O_RDONLY : rmdir mnt/EX02/open : read : close)
case $got in
'0 0 "'*'" 0' | '0 0 ESTALE 0' | '0 0 ENOENT 0' | '0 0 EIO 0') pass 'the old text or a word' ;;
*) fail 'the old text or a word' '0 0 ... 0' "$got" ;;
esac
absent mnt/EX02/open

t 'rmdir__of_a_server_waits_for_its_certificates'
snapshot
expect ENOTEMPTY rmdir mnt/EX01
sentence - EX01
unchanged
expect 0 rmdir mnt/EX02
absent mnt/EX02

t 'certfs_directories__stay'
snapshot
expect EPERM rmdir mnt/EX01/_services
expect EPERM rmdir mnt/_trust
expect EPERM unlink mnt/EX01/_services/SMTP
unchanged

t 'restart__what_was_deleted_stays_deleted'
snapshot
restart
unchanged
absent $m mnt/EX02
is mnt/EX01/next/status Valid

finish
