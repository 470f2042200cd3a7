#!/bin/sh
# _deleted: where what was deleted lies for 30 days, and how it comes back (certfs(5),
# certfsctl(1)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
d=mnt/_deleted
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
m=mnt/EX01/mail

# A certificate as it is, but for what moving it changes: ctime, and with it the time of `info`.
exact() { # DIRECTORY
	tree "$1" '%P %y %m %s %i %l' | grep -v '^\. '
}

gone_path() { [ "$("$SYS" lstat "$1" type)" = ENOENT ]; }

t 'deleted__is_there_from_the_start_and_empty'
expect 'dir,0755' stat $d type,mode
listed $d ''
expect EPERM rmdir $d
expect EPERM mkdir $d/EX09
expect EPERM create $d/a.cer O_WRONLY,O_CREAT 0644
expect EPERM rename mnt/EX02 $d/EX03
present mnt/EX02

t 'rmdir__moves_a_certificate_into_deleted_without_its_secrets'
valid $m mail.contoso.com 'friendly-name = Mail' 'domains = mail.contoso.com www.contoso.com'
expect '0 0' put $m/export.password 'P@ssw0rd1\n' : put mnt/EX01/_export.password 'server\n'
cp $m/export.pfx mail.pfx
exact $m >mail.before
thumbprint=$(cat $m/thumbprint)
works rmdir $m
absent $m
listed $d EX01
listed $d/EX01 mail
has $d/EX01/mail/info "$thumbprint" mail.contoso.com
is $d/EX01/mail/thumbprint "$thumbprint"
is $d/EX01/mail/status Valid
has $d/EX01/mail/why 'removed for good' 'with its key'
absent $d/EX01/mail/export.pfx $d/EX01/mail/export.password $d/EX01/mail/renew
true_that 'every listed file can be read' sh -c "cat $d/EX01/mail/* >/dev/null"
works tar -cf deleted.tar -C mnt _deleted

t 'deleted__is_read_only'
snapshot
for file in $(value readdir $d/EX01/mail | tr / ' '); do
	expect '0444' stat "$d/EX01/mail/$file" mode
	expect EACCES open "$d/EX01/mail/$file" O_WRONLY,O_APPEND
	expect EPERM unlink "$d/EX01/mail/$file"
done
expect EACCES put $d/EX01/mail/friendly-name 'x\n'
expect EACCES add $d/EX01/mail/services 'SMTP\n'
expect EPERM chmod $d/EX01/mail 0700
expect EPERM chmod $d/EX01/mail/info 0600
expect EPERM chown $d/EX01 4321 4321
expect EPERM mkdir $d/EX01/new
expect EPERM create $d/EX01/mail/answer.cer O_WRONLY,O_CREAT 0644
expect EPERM rename $d/EX01/mail $d/EX01/web
expect EPERM rename $d/EX01 $d/EX09
expect EPERM rename $d/EX01/mail mnt/mail
expect EPERM rename $d/EX01 mnt/EX01/EX01
unchanged

t 'rmdir__in_deleted_is_EPERM_and_says_how'
snapshot
expect EPERM rmdir $d/EX01/mail
sentence - _deleted/EX01/mail 'certfsctl STORE purge'
expect EPERM rmdir $d/EX01
fails EPERM rm -r $d/EX01
unchanged

t 'mv__brings_back_with_key_exactly_what_was'
works mv $d/EX01/mail $m
exact $m >mail.after
same mail.before mail.after
same mail.pfx $m/export.pfx
listed $d ''
absent $d/EX01
works mv $m $d/
absent $m
becomes 'no name of it is left in _deleted itself' gone_path $d/mail
listed $d/EX01 mail
works mv $d/EX01/mail mnt/EX01/web
is mnt/EX01/web/status Valid
absent $d/EX01
has mnt/_audit.log '"operation":"undelete"' '"detail":"EX01/web"'
works mv mnt/EX01/web $m

t 'mv__into_the_directory_in_deleted_does_the_same'
expect 0 mkdir mnt/EX01/draft
expect '0 0' rmdir mnt/EX01/draft : mkdir mnt/EX01/draft
expect 0 mkdir mnt/EX02/draft
snapshot
expect EPERM rename mnt/EX01/draft $d/other
expect EPERM rename mnt/EX01/draft $d/EX01/other
expect EPERM rename mnt/EX01/draft $d/EX01/draft/draft
expect EPERM rename mnt/EX02/draft $d/EX01/draft
unchanged
present mnt/EX01/draft
works mv mnt/EX01/draft $d/EX01/

t 'names__a_second_one_gets_a_number'
listed $d/EX01 'draft draft-2'
expect '0 0' mkdir mnt/EX01/Draft : rmdir mnt/EX01/Draft
listed $d/EX01 'draft draft-2 Draft-3'
works mv $d/EX01/draft-2 mnt/EX01/
present mnt/EX01/draft-2
listed $d/EX01 'draft Draft-3'
expect 0 rmdir mnt/EX01/draft-2
name=$(printf 'n%.0s' $(seq 200))
expect '0 0 0 0' mkdir "mnt/EX02/$name" : rmdir "mnt/EX02/$name" : mkdir "mnt/EX02/$name" : rmdir "mnt/EX02/$name"
listed $d/EX02 "$name $name-2"
works mv "$d/EX02/$name-2" "mnt/EX02/$name"
works rmdir "mnt/EX02/$name"

t 'undelete__onto_a_taken_name_is_EEXIST_in_whatever_case'
expect 0 mkdir mnt/EX01/DRAFT
snapshot
expect EEXIST rename $d/EX01/draft mnt/EX01/draft
sentence - DRAFT
expect EEXIST rename $d/EX01/draft mnt/EX01/DRAFT
expect EPERM rename $d/EX01/draft mnt/EX01/_x
expect EPERM rename $d/EX01/draft mnt/EX01/CON
expect EOPNOTSUPP renameat2 $d/EX01/draft mnt/EX01/DRAFT EXCHANGE
unchanged
expect 0 rmdir mnt/EX01/DRAFT

t 'undelete__to_another_server_wants_no_services'
request mnt/EX01/pending pending.contoso.com
valid mnt/EX01/next next.contoso.com
expect '0 0' add $m/services 'SMTP,IIS\n' : add mnt/EX01/next/services 'SMTP,IIS,SMTP-default\n'
expect EBUSY rmdir mnt/EX01/next
expect EBUSY rename mnt/EX01/next $d/next
sentence mnt/EX01/next SMTP
works rmdir $m
expect 0 rmdir mnt/EX01/pending
snapshot
expect EBUSY rename $d/EX01/mail mnt/EX02/mail
sentence - services
unchanged
works mv $d/EX01/pending mnt/EX02/
is mnt/EX02/pending/status PendingRequest
works mv $d/EX01/mail mnt/EX01/
is $m/services "SMTP
IIS"
expect '../next' readlink mnt/EX01/_services/SMTP
answer mnt/EX02/pending root
is mnt/EX02/pending/status Valid
expect 0 put mnt/EX02/pending/export.password 'x\n'
present mnt/EX02/pending/export.pfx

t 'answer__of_a_request_in_deleted_says_where_that_lies'
request mnt/EX01/lost lost.contoso.com
cp mnt/EX01/lost/request.csr lost.csr
issue root lost.csr lost.cer
expect 0 rmdir mnt/EX01/lost
request mnt/EX01/other other.contoso.com
snapshot
fails ENOKEY cp lost.cer mnt/EX01/
sentence - _deleted/EX01/lost 'back first'
fails EKEYREJECTED cp lost.cer mnt/EX01/other/
sentence mnt/EX01/other _deleted/EX01/lost
fails ENOKEY cp lost.cer mnt/
unchanged
works mv $d/EX01/lost mnt/EX01/
works cp lost.cer mnt/EX01/
is mnt/EX01/lost/status Valid

t 'settings__that_changed_meanwhile_hold_for_what_comes_back'
cp mnt/EX01/lost/certificate.cer lost.der
expect '0 0' put mnt/EX01/lost/export.password 'x\n' : rmdir mnt/EX01/lost
works sh -c 'echo 3des-sha1 > mnt/EX01/_settings/pfx-encryption'
works mv $d/EX01/lost mnt/EX01/
works openssl pkcs12 -in mnt/EX01/lost/export.pfx -passin pass:x -info -noout -legacy
cp err said
has said pbeWithSHA1And3-KeyTripleDES-CBC
expect "$(wc -c <mnt/EX01/lost/export.pfx)" stat mnt/EX01/lost/export.pfx size
works sh -c ': > mnt/EX01/_settings/pfx-encryption; echo > mnt/EX01/_settings/pfx-encryption'

t 'trust__that_went_meanwhile_counts_for_what_comes_back'
expect 0 rmdir mnt/EX01/lost
works mv mnt/_trust/root.pem kept.pem
is $m/status Untrusted
is $d/EX01/lost/status Valid
works mv $d/EX01/lost mnt/EX01/
is mnt/EX01/lost/status Untrusted
works cp kept.pem mnt/_trust/root.pem
is mnt/EX01/lost/status Valid

t 'mv__to_another_server_takes_key_issuers_settings_and_its_own_verdict_along'
ca middle root
request mnt/EX01/moved moved.contoso.com
answer mnt/EX01/moved middle
is mnt/EX01/moved/status Untrusted
works cp ca/middle.pem mnt/EX02/middle.cer
expect 0 put mnt/EX01/moved/export.password 'x\n'
works mv mnt/EX01/moved mnt/EX02/
becomes 'the issuer that only EX02 has counts' grep -qx Valid mnt/EX02/moved/status
present mnt/EX02/moved/chain.pem
works openssl pkcs12 -in mnt/EX02/moved/export.pfx -passin pass:x -nokeys -out moved.pem
has moved.pem 'Test middle'
has mnt/_audit.log '"operation":"move"' '"detail":"EX02/moved"'
expect 0 rmdir mnt/EX02/moved
works mv $d/EX02/moved mnt/EX01/
becomes 'and stays with it' grep -qx Valid mnt/EX01/moved/status
works rmdir mnt/EX01/moved
works ctl purge EX01/moved

t 'server__goes_whole_and_comes_back_whole'
works sh -c 'echo SE > mnt/EX01/_settings/version'
expect ENOTEMPTY rmdir mnt/EX01
sentence - EX01 _deleted
tree mnt/EX01 '%P %y %m %s %i %l' | grep -v '^\. ' >server.before
works mv mnt/EX01 $d/
absent mnt/EX01
listed $d 'EX01 EX02'
present $d/EX01/mail $d/EX01/next $d/EX01/draft
absent $d/EX01/_services $d/EX01/_settings $d/EX01/_export.password
becomes 'the name leads into _deleted' test -e $d/EX01/mail/why
has $d/EX01/mail/why 'together with its server'
absent $d/EX01/next/export.pfx
snapshot
expect ENOENT rename $d/EX01/mail mnt/EX01/mail
expect EBUSY rename $d/EX01/mail mnt/EX02/mail
unchanged
works mv $d/EX01 mnt/EX01
tree mnt/EX01 '%P %y %m %s %i %l' | grep -v '^\. ' >server.after
same server.before server.after
same mail.pfx $m/export.pfx
is mnt/EX01/_settings/version SE
expect '../next' readlink mnt/EX01/_services/SMTP
listed $d/EX01 'draft draft-2 Draft-3 DRAFT-4'

t 'server__of_which_only_certificates_are_deleted_is_no_deleted_one'
snapshot
expect EPERM rename $d/EX01 mnt/EX05
sentence - 'one by one'
unchanged

t 'server__of_a_name_that_is_taken_comes_back_under_another'
works mv mnt/EX01 $d/
expect '0 0 0' mkdir mnt/ex01 : mkdir mnt/ex01/x : rmdir mnt/ex01/x
listed $d 'EX01 ex01-2 EX02'
expect EEXIST rename $d/EX01 mnt/EX01
sentence - ex01
expect EPERM rename $d/EX01 mnt/_EX01
works mv mnt/ex01 $d/
listed $d 'EX01 ex01-2 EX02'
works mv $d/EX01 mnt/EX03
absent $d/EX01
is mnt/EX03/_settings/fqdn EX03
same mail.pfx mnt/EX03/mail/export.pfx
listed $d 'EX03 ex01-2 EX02'
works mv mnt/EX03 mnt/EX01
listed $d 'EX01 ex01-2 EX02'
works mv $d/ex01-2 mnt/EX04
works rmdir mnt/EX04
listed $d 'EX01 EX04 EX02'

t 'restart__and_kill_change_nothing_of_it'
expect 0 rmdir mnt/EX01/lost
snapshot
restart
unchanged
crash
start
unchanged
works mv $d/EX01/lost mnt/EX01/
crash_all
unmount mnt
start
is mnt/EX01/lost/status Valid
absent $d/EX01/lost
works mv mnt/EX01 $d/
crash
start
absent mnt/EX01
present $d/EX01/lost
works mv $d/EX01 mnt/
same mail.pfx $m/export.pfx
sound

t 'certfsctl__lists_brings_back_and_purges_what_is_mounted'
ctl deleted >out
matches out '^20[0-9TZ:-]* 20[0-9TZ:-]* EX01/draft$'
matches out ' EX04$'
works ctl undelete EX01/draft EX02/again
is mnt/EX02/again/status Draft
absent $d/EX01/draft
works ctl undelete _deleted/EX04 EX05
present mnt/EX05
absent $d/EX04
snapshot
fails - ctl undelete EX01/nothing
cp err said
has said "no 'nothing' in _deleted"
fails - ctl undelete EX01
fails - ctl undelete a/b/c
fails - ctl purge EX77
fails - ctl purge
unchanged
works ctl purge EX01/draft-2
absent $d/EX01/draft-2
present $d/EX01/Draft-3
has mnt/_audit.log '"operation":"purge"'
expect 0 rmdir mnt/EX05
works ctl purge EX05
absent $d/EX05
has mnt/_audit.log '"operation":"purge-server"'
works ctl purge EX01
absent $d/EX01
present $m

t 'kernel__forgets_at_once_what_certfsctl_and_the_timer_change'
expect '0 0' mkdir mnt/EX01/k : rmdir mnt/EX01/k
snapshot # every name and attribute is in the kernel's memory now
before_mtime=$(value stat mnt/EX01 mtime : stat $d/EX01 mtime : stat $d mtime)
present $d/EX01/k/status
works ctl undelete EX01/k
absent $d/EX01
present mnt/EX01/k
expect ENOENT stat $d/EX01/k/status type
is mnt/EX01/k/status Draft
differ 'mtime of the server moved' "${before_mtime%% *}" "$(value stat mnt/EX01 mtime)"
differ 'mtime of _deleted moved' "${before_mtime##* }" "$(value stat $d mtime)"
expect 0 rmdir mnt/EX01/k
tree mnt >/dev/null
works ctl purge EX01/k
absent $d/EX01
expect ENOENT stat $d/EX01/k/status type

t 'keys__as_they_are_are_never_there'
restart keys
expect 0 rmdir mnt/EX01/lost
absent $d/EX01/lost/private.pem $d/EX01/lost/combined.pem
works mv $d/EX01/lost mnt/EX01/
restart

t 'certfsctl__does_the_same_to_a_store_that_is_not_mounted'
expect '0 0' mkdir mnt/EX01/a : mkdir mnt/EX01/b
works rmdir mnt/EX01/a
works rmdir mnt/EX01/b
works rmdir mnt/EX01/lost
stop
ctl deleted >out
matches out ' EX01/lost$'
works ctl undelete EX01/lost
works ctl purge EX01/a
start
listed $d/EX01 b
is mnt/EX01/lost/status Valid
works ctl purge --all
listed $d ''

t 'time__removes_for_good_after_30_days'
expect '0 0' mkdir mnt/EX01/old : mkdir mnt/EX06
works rmdir mnt/EX01/old
works mv mnt/EX06 $d/
if testing; then
	works ctl clock +2591000
	listed $d 'EX01 EX06'
	expect '0 0' mkdir mnt/EX01/new : rmdir mnt/EX01/new
	works ctl clock +2000
	becomes 'it is gone' gone_path $d/EX01/old
	becomes 'the server too' gone_path $d/EX06
	listed $d/EX01 new
	has mnt/_audit.log '"certificate":"old"' '"comm":"certfs"'
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi
sound

t 'views__show_nothing_of_it'
restart
valid mnt/EX01/seen seen.contoso.com
thumbprint=$(cat mnt/EX01/seen/thumbprint)
in_views() {
	for view in "_by-thumbprint/$thumbprint/EX01" _by-domain/seen.contoso.com/EX01; do
		"$1" "mnt/$view"
	done
}
in_views present
ls mnt/_expiring >expiring.before
works rmdir mnt/EX01/seen
in_views absent
lacks mnt/_notifications EX01/seen
ls mnt/_expiring >expiring.after
lacks expiring.after 'EX01 seen'
[ ! -e mnt/_overview.html ] || lacks mnt/_overview.html seen.contoso.com
lacks mnt/EX01/_apply.ps1 "$thumbprint"
works mv $d/EX01/seen mnt/EX01/
in_views present
ls mnt/_expiring >expiring.after
same expiring.before expiring.after
works mv mnt/EX01 $d/
in_views absent
works mv $d/EX01 mnt/
in_views present
works rmdir mnt/EX01/seen
works ctl purge EX01/seen
in_views absent
sound

t 'others__may_bring_back_where_they_may_write'
if [ "$(id -u)" = 0 ]; then
	restart allow_other
	chmod 755 .
	expect '0 0 0 0' mkdir mnt/EX07 : mkdir mnt/EX07/first : rmdir mnt/EX07/first : mkdir mnt/EX07/kept
	expect "0,0755 0,0755" stat $d/EX07 uid,mode : stat $d/EX07/first uid,mode
	expect '0 0 0' chown mnt/EX07/kept 0 0 : chown mnt/EX07 4321 4321 : chmod mnt/EX07 0750
	expect '4321,0750 4321,0750' stat $d/EX07 uid,mode : stat $d/EX07/first uid,mode
	expect 0 rmdir mnt/EX07/kept
	expect '0 0 0' as 4321 4321 : mkdir mnt/EX07/own : rmdir mnt/EX07/own
	expect '0 EACCES EACCES' as 4322 4322 : readdir $d/EX07 : rename $d/EX07/own mnt/EX07/own
	expect '0 EACCES' as 4321 4321 : rename mnt/EX07 $d/EX07
	present $d/EX07/own
	expect '0 0 EACCES' as 4321 4321 : rename $d/EX07/own mnt/EX07/back : rename $d/EX07/kept mnt/EX07/kept
	present mnt/EX07/back $d/EX07/kept
else
	left_out 'other users: allow_other is for root'
fi

finish
