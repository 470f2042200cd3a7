#!/bin/sh
# Services: the one file that only grows, and what each service uses now (certfs(5)).
# Every refusal holds for root too; the suite is meant to run as root.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
m=mnt/EX01/mail
s=$m/services
valid $m mail.contoso.com
is $m/status Valid

: >grown
# What was read before is a prefix of what is read now, and the size is that of the content.
grows() {
	cat $s >now
	if head -c "$(wc -c <grown)" now | cmp -s - grown; then
		pass 'services only grew'
	else
		fail 'services only grew' "$(cat grown)" "$(cat now)"
	fi
	equal 'its size' "$(wc -c <now)" "$(value stat $s size)"
	mv now grown
}

lines() { # SERVICE...: the file is these lines
	printf '%s\n' "$@" >wanted
	same wanted $s
	grows
}

t 'services__is_empty_at_first'
empty $s
expect 'file,0644' stat $s type,mode
listed mnt/EX01/_services ''
has $m/info None

t 'lsattr__shows_a_on_services_and_nothing_elsewhere'
expect a getflags $s
expect '0 a' open $s O_WRONLY,O_APPEND : fgetflags
for file in status info friendly-name certificate.cer request.csr; do
	expect '-|ENOTTY' getflags $m/$file
done
expect '-|ENOTTY' getflags $m
if have lsattr; then
	true_that 'lsattr shows a' sh -c "lsattr $s | grep -Eq '^-*a-* '"
fi
expect 'EPERM|ENOTTY|EOPNOTSUPP' setflags $s -
expect 'EPERM|ENOTTY|EOPNOTSUPP' setflags $s i
expect a getflags $s

t 'append__assigns_and_is_seen_at_once'
works sh -c "echo SMTP >> $s"
lines SMTP
expect '../mail' readlink mnt/EX01/_services/SMTP
expect '../mail' readlink mnt/EX01/_services/SMTP-default
same mnt/EX01/_services/SMTP/certificate.cer $m/certificate.cer
has $m/info SMTP

t 'append__twice_adds_nothing_and_succeeds'
snapshot
works sh -c "echo SMTP >> $s"
works sh -c "echo smtp >> $s"
works bash -c "echo 'SMTP, smtp Smtp' >> $s"
unchanged
lines SMTP

t 'append__any_case_several_per_line_commas_and_blanks'
works sh -c "echo 'iis, Imap pop' >> $s"
lines SMTP IIS IMAP POP
equal 'in the order of Exchange' 'IMAP, POP, IIS, SMTP' "$(sed -n 's/^Services *: //p' $m/info)"
for service in IIS IMAP POP SMTP; do
	expect '../mail' readlink mnt/EX01/_services/$service
done

t 'open__for_anything_but_appending_is_EPERM'
snapshot
expect EPERM open $s O_WRONLY
expect EPERM open $s O_RDWR
expect EPERM open $s O_WRONLY,O_TRUNC
expect EPERM open $s O_WRONLY,O_APPEND,O_TRUNC
expect EPERM open $s O_WRONLY,O_CREAT
expect EPERM open $s O_WRONLY,O_CREAT,O_TRUNC
expect EPERM open $s O_RDONLY,O_TRUNC
expect EEXIST open $s O_WRONLY,O_CREAT,O_EXCL
sentence $m services
fails EPERM bash -c "echo IIS > $s"
fails EPERM dash -c ": > $s"
fails EPERM cp $m/subject $s
fails EPERM sh -c "echo IIS | tee $s"
fails EPERM dd if=/dev/null of=$s status=none
unchanged

t 'truncate__in_every_way_is_EPERM'
snapshot
expect EPERM truncate $s 0
expect EPERM truncate $s 1
expect EPERM truncate $s 1000
expect '0 EPERM 0' open $s O_WRONLY,O_APPEND : ftruncate 0 : close
fails EPERM truncate -s 0 $s
unchanged

t 'unlink_rename_link__are_EPERM'
snapshot
expect EPERM unlink $s
expect EPERM rename $s $m/services.old
expect EPERM rename $s $m/.services.tmp
expect EPERM rename $s mnt/EX01/services
expect EPERM rename $m/friendly-name $s
expect EPERM link $s $m/services2
expect EPERM link $s mnt/EX01/services2
expect EOPNOTSUPP renameat2 $s $m/friendly-name EXCHANGE
expect '0 0 0 EPERM 0' open $m/.services.tmp O_WRONLY,O_CREAT,O_EXCL : write 'IIS\n' : close : \
	rename $m/.services.tmp $s : unlink $m/.services.tmp
fails EPERM rm -f $s
fails EPERM mv $s $m/services.old
fails - sed -i s/SMTP/IIS/ $s
fails EPERM sh -c "cp $m/subject x.cer && mv -f x.cer $s"
unchanged

t 'chmod_chown_and_times__are_EPERM'
snapshot
expect EPERM chmod $s 0666
expect EPERM chmod $s 0600
expect EPERM chown $s 1 1
expect EPERM chown $s 0 0
expect EPERM utimens $s now now
expect EPERM utimens $s 0 0
expect EPERM utimens $s omit 5
expect '0 EPERM EPERM EPERM 0' open $s O_WRONLY,O_APPEND : fchmod 0600 : fchown 1 1 : futimens 1 1 : close
expect '0 EPERM EPERM 0' open $s O_RDONLY : fchmod 0600 : futimens 1 1 : close
fails EPERM touch $s
fails EPERM chmod a+w $s
unchanged

t 'F_SETFL__clearing_O_APPEND_does_not_help'
request mnt/EX01/other other.contoso.com
answer mnt/EX01/other root
o=mnt/EX01/other/services
expect '0 0 0|0 0 EPERM' open $o O_WRONLY,O_APPEND : write 'IIS\n' : fcntl_setfl 0
case $(value open $o O_WRONLY,O_APPEND : fcntl_setfl 0 : lseek 0 : write 'POP\n' : pwrite 0 'IMAP\n') in
'0 0 0 0 0' | '0 0 0 EPERM EPERM' | '0 EPERM '*) pass 'appended all the same, or refused' ;;
*) fail 'appended all the same, or refused' '0 or EPERM' 'something else' ;;
esac
equal 'what was first stays first' IIS "$(head -n 1 $o)"
true_that 'every line is whole' sh -c "! grep -vxE 'IIS|POP|IMAP' $o"

t 'word__that_is_no_service_is_EINVAL_in_write_and_changes_nothing'
snapshot
expect '0 EINVAL 0' open $s O_WRONLY,O_APPEND : write 'FTP\n' : close
sentence $m FTP
for text in Federation SMTPS SMT 'SMTP;IIS' SMTP-defaults IIS/POP '-' 'S M T P' 'SMTP\0' 'SMTP\x1b[1m'; do
	expect EINVAL add $s "$text\n"
done
expect EINVAL add $s 'Federation\n'
sentence $m Federation
fails EINVAL bash -c "echo FTP >> $s"
fails - dash -c "echo FTP >> $s"
fails EINVAL sh -c "echo FTP | tee -a $s"
unchanged

t 'UM__on_a_server_of_2019_is_EOPNOTSUPP_and_changes_nothing'
snapshot
expect '0 EOPNOTSUPP 0' open $s O_WRONLY,O_APPEND : write 'UM\n' : close
sentence $m UM
expect '0 EOPNOTSUPP 0' open $s O_WRONLY,O_APPEND : write 'umcallrouter\n' : close
sentence $m UMCallRouter
fails EOPNOTSUPP sh -c "echo UM | tee -a $s"
unchanged

t 'write__is_taken_whole_or_refused_whole'
request mnt/EX02/whole whole.contoso.com
answer mnt/EX02/whole root
w=mnt/EX02/whole/services
snapshot
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write 'SMTP\nFTP\nIIS\n' : close
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write 'SMTP, FTP\n' : close
expect '0 EOPNOTSUPP 0' open $w O_WRONLY,O_APPEND : write 'SMTP\nUM\n' : close
empty $w
listed mnt/EX02/_services ''
unchanged
expect '0 0 EINVAL 0 0' open $w O_WRONLY,O_APPEND : write 'SMTP\n' : write 'FTP\n' : write 'IIS\n' : close
is $w 'SMTP
IIS'

t 'shells__hear_each_line'
request mnt/EX02/shells shells.contoso.com
answer mnt/EX02/shells root
w=mnt/EX02/shells/services
fails EINVAL bash -c "printf 'SMTP\nFTP\nIIS\n' >> $w" # bash writes each line by itself and goes on
is $w 'SMTP
IIS'

t 'line__unterminated_is_taken_at_once_in_a_handles_first_write'
request mnt/EX02/open open.contoso.com
answer mnt/EX02/open root
w=mnt/EX02/open/services
expect '0 0 0 "SMTP\n"' open $w O_WRONLY,O_APPEND : write SMTP : open $w O_RDONLY : read
works sh -c "printf SMTP >> $w"
is $w SMTP
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write II : close
is $w SMTP

t 'line__unterminated_later_waits_for_its_end_or_the_flush'
expect '0 0 0 0 "SMTP\nIMAP\n" 0 0 0 "SMTP\nIMAP\nPOP\n"' open $w O_WRONLY,O_APPEND : write 'IMAP\n' : write PO : \
	open $w O_RDONLY : read : use 0 : write 'P\n' : open $w O_RDONLY : read
is $w 'SMTP
IMAP
POP'
expect '0 0 0 0' open $w O_WRONLY,O_APPEND : write 'SMTP\n' : write IIS : close
is $w 'SMTP
IMAP
POP
IIS'
snapshot
expect '0 0 0 EINVAL' open $w O_WRONLY,O_APPEND : write 'SMTP\n' : write FTP : close
sentence mnt/EX02/open FTP
unchanged

t 'line__of_a_first_write_of_4096_bytes_waits_as_well'
request mnt/EX02/cut cut.contoso.com
answer mnt/EX02/cut root
w=mnt/EX02/cut/services
many=$(awk 'BEGIN { for (i = 0; i < 819; i++) printf "SMTP\\n" }') # 4095 bytes
expect '0 0 0 "SMTP\n" 0 0 0' open $w O_WRONLY,O_APPEND : write "${many}I" : open $w O_RDONLY : read : \
	use 0 : write 'IS\n' : close
is $w 'SMTP
IIS'

t 'lines__CR_and_blank_ends_do_not_matter'
expect 0 add $w 'POP\r\n'
expect 0 add $w '  IMAP \n'
is $w 'SMTP
IIS
POP
IMAP'

t 'wildcard__for_IMAP_and_POP_is_EINVAL_and_names_the_cmdlet'
request mnt/EX02/wild '*.contoso.com'
answer mnt/EX02/wild root
w=mnt/EX02/wild/services
snapshot
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write 'IMAP\n' : close
sentence mnt/EX02/wild Set-ImapSettings
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write 'POP\n' : close
sentence mnt/EX02/wild Set-PopSettings
expect '0 EINVAL 0' open $w O_WRONLY,O_APPEND : write 'IIS, POP\n' : close
unchanged
expect 0 add $w 'IIS, SMTP\n'
is $w 'IIS
SMTP'

t 'status__that_is_not_Valid_refuses_every_service'
ca stranger
request mnt/EX02/untrusted untrusted.contoso.com
answer mnt/EX02/untrusted stranger
is mnt/EX02/untrusted/status Untrusted
request mnt/EX02/expired expired.contoso.com
issue_dates root mnt/EX02/expired/request.csr expired.cer 20200101000000Z 20210101000000Z
works cp expired.cer mnt/EX02/expired/
is mnt/EX02/expired/status DateInvalid
snapshot
expect '0 EINVAL 0' open mnt/EX02/untrusted/services O_WRONLY,O_APPEND : write 'IIS\n' : close
sentence mnt/EX02/untrusted Untrusted
expect '0 EKEYEXPIRED 0' open mnt/EX02/expired/services O_WRONLY,O_APPEND : write 'IIS\n' : close
sentence mnt/EX02/expired 2021-01-01
fails EKEYEXPIRED bash -c 'echo IIS >> mnt/EX02/expired/services'
empty mnt/EX02/expired/services
empty mnt/EX02/untrusted/services
unchanged
works cp ca/stranger.pem mnt/_trust/
expect 0 add mnt/EX02/untrusted/services 'IIS\n'

t 'services__belong_to_certificates_only'
request mnt/EX02/pending pending.contoso.com
expect 0 mkdir mnt/EX02/draft
snapshot
for state in pending draft; do
	expect EACCES open mnt/EX02/$state/services O_WRONLY,O_APPEND,O_CREAT
	absent mnt/EX02/$state/services
done
unchanged

t 'links__point_at_the_certificate_assigned_last'
n=mnt/EX01/next
request $n next.contoso.com
answer $n root
expect '../mail ../mail' readlink mnt/EX01/_services/SMTP : readlink mnt/EX01/_services/SMTP-default
before_mtime=$(value stat mnt/EX01/_services mtime)
expect 0 add $n/services 'SMTP\n'
expect '../next' readlink mnt/EX01/_services/SMTP
expect '../mail' readlink mnt/EX01/_services/SMTP-default
differ 'mtime of _services moved' "$before_mtime" "$(value stat mnt/EX01/_services mtime)"
lines SMTP IIS IMAP POP # the old one keeps its history
has $m/info SMTP
expect 0 add $n/services 'SMTP-default\n'
expect '../next' readlink mnt/EX01/_services/SMTP-default
equal 'SMTP once' 1 "$(grep -cx SMTP $n/services)"
works sh -c "cat $s >> $n/services"
for service in SMTP IIS IMAP POP; do
	expect '../next' readlink mnt/EX01/_services/$service
done

t 'SMTP-default__assigns_SMTP_as_well'
request mnt/EX01/third third.contoso.com
answer mnt/EX01/third root
expect 0 add mnt/EX01/third/services 'smtp-DEFAULT\n'
expect '../third ../third' readlink mnt/EX01/_services/SMTP : readlink mnt/EX01/_services/SMTP-default
has mnt/EX01/third/info SMTP
has mnt/EX01/third/services SMTP

t 'links__cannot_be_changed_by_hand'
snapshot
expect EPERM unlink mnt/EX01/_services/SMTP
expect EPERM rename mnt/EX01/_services/SMTP mnt/EX01/_services/POP
expect EPERM rename mnt/EX01/_services/SMTP mnt/EX01/smtp
expect 'EPERM|EEXIST' symlink ../mail mnt/EX01/_services/SMTP
expect EPERM symlink ../mail mnt/EX01/_services/UM
fails - ln -sf ../mail mnt/EX01/_services/SMTP
fails EPERM rm -f mnt/EX01/_services/SMTP
unchanged

t 'mv__renames_what_the_links_point_at_but_takes_no_services_elsewhere'
works mv mnt/EX01/third mnt/EX01/renamed
expect '../renamed' readlink mnt/EX01/_services/SMTP
works mv mnt/EX01/renamed mnt/EX01/third
snapshot
got=$(value rename mnt/EX01/third mnt/EX02/third)
case $got in
EXDEV | EINVAL | 0) fail 'moving one with services to another server is refused' 'neither EXDEV nor EINVAL' "$got" ;;
*) pass "moving one with services to another server is refused: $got" ;;
esac
sentence mnt/EX01/third third
unchanged

t 'restart__keeps_services_and_links'
snapshot
restart
unchanged
lines SMTP IIS IMAP POP
expect '../third' readlink mnt/EX01/_services/SMTP
expect a getflags $s

finish
