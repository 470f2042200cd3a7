#!/bin/sh
# What is found by something else than server and name: _by-thumbprint, _by-domain, _expiring
# (certfs(5)); and that dates which pass are told to readers who have it cached.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
works cp ca/root.pem mnt/_trust/

thumb() { cat "$1/thumbprint"; }
lower() { printf '%s\n' "$1" | tr 'A-Z' 'a-z'; }
stamp() { value lstat "$1" mtime,ctime,ino; }
stays() { # PATH TIMES: the same as before
	equal "$1 stays" "$2" "$(stamp "$1")"
}
moves() { # PATH TIMES
	differ "$1 moves" "${2%,*}" "$(stamp "$1" | sed 's/,[0-9]*$//')"
}

# self SERVER NAME DOMAINS: a self-signed certificate
self() {
	mkdir "mnt/$1/$2"
	printf 'key-type = p256\ndomains = %s\nCN=%s\n' "$3" "$2" >request.txt
	sh -c 'cat request.txt >"$1"' sh "mnt/$1/$2/self-signed" ||
		fail "self-signed $1/$2" 'a certificate' "$(cat "mnt/$1/$2/why")"
}

t 'views__are_empty_at_first'
listed mnt/_by-thumbprint ''
listed mnt/_by-domain ''
listed mnt/_expiring ''
empty mnt/_notifications

valid mnt/EX01/mail mail.contoso.com 'domains = autodiscover.contoso.com'
mail=$(thumb mnt/EX01/mail)

t 'thumbprint__leads_to_the_certificate'
listed mnt/_by-thumbprint "$mail"
listed "mnt/_by-thumbprint/$mail" EX01
equal 'the link' ../../EX01/mail "$(readlink "mnt/_by-thumbprint/$mail/EX01")"
is "mnt/_by-thumbprint/$mail/EX01/status" Valid
expect '0755 0755 0777' stat mnt/_by-thumbprint mode : stat "mnt/_by-thumbprint/$mail" mode : lstat "mnt/_by-thumbprint/$mail/EX01" mode

# The first of all has the number of its directory.
t 'links__sizes_are_exact'
for link in "mnt/_by-thumbprint/$mail/EX01" mnt/_by-domain/mail.contoso.com/EX01; do
	expect "$(readlink "$link" | tr -d '\n' | wc -c)" lstat "$link" size
done

t 'thumbprint__another_spelling_is_a_link_to_the_listed_one'
spaced=$(printf '%s\n' "$mail" | sed 's/../& /g; s/ $//')
colons=$(printf '%s\n' "$mail" | sed 's/../&:/g; s/:$//')
pasted=$(printf '\342\200\216%s' "$(lower "$spaced")")
for name in "$(lower "$mail")" "$spaced" "$colons" "$pasted"; do
	equal "a link: $name" "$mail" "$(readlink "mnt/_by-thumbprint/$name")"
	is "mnt/_by-thumbprint/$name/EX01/status" Valid
	unlisted "mnt/_by-thumbprint/$name"
done
for name in "${mail%?}" "${mail}0" nothing "${mail%?}G" '' 'ä'; do
	[ -z "$name" ] || expect ENOENT lstat "mnt/_by-thumbprint/$name" type
done

t 'domain__lists_the_names_of_valid_certificates'
listed mnt/_by-domain 'autodiscover.contoso.com mail.contoso.com'
equal 'the link' ../../EX01/mail "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"
equal 'another spelling' mail.contoso.com "$(readlink mnt/_by-domain/Mail.Contoso.COM)"
is mnt/_by-domain/MAIL.contoso.com/EX01/status Valid
unlisted mnt/_by-domain/Mail.Contoso.COM
expect 'ENOENT ENOENT' lstat mnt/_by-domain/web.contoso.com type : lstat mnt/_by-domain/contoso.com type

t 'domain__drafts_requests_and_what_is_not_valid_are_not_there'
request mnt/EX01/pending pending.contoso.com
ca stranger
request mnt/EX01/strange strange.contoso.com
answer mnt/EX01/strange stranger
is mnt/EX01/strange/status Untrusted
listed mnt/_by-domain 'autodiscover.contoso.com mail.contoso.com'
listed mnt/_by-thumbprint "$mail $(thumb mnt/EX01/strange)"

t 'domain__follows_trust_both_ways'
works cp ca/stranger.pem mnt/_trust/
present mnt/_by-domain/strange.contoso.com
before=$(stamp mnt/_by-domain)
works rm mnt/_trust/stranger.pem
absent mnt/_by-domain/strange.contoso.com
moves mnt/_by-domain "$before"
works rmdir mnt/EX01/strange mnt/EX01/pending

t 'domain__issued_by_a_CA_before_self_signed'
self EX01 own mail.contoso.com,own.contoso.com
is mnt/EX01/own/status Valid
before=$(stamp mnt/_by-domain/mail.contoso.com/EX01)
equal 'the issued one' ../../EX01/mail "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"
equal 'the only one' ../../EX01/own "$(readlink mnt/_by-domain/own.contoso.com/EX01)"
stays mnt/_by-domain/mail.contoso.com/EX01 "$before"

t 'domain__the_latest_NotBefore'
request mnt/EX01/older mail.contoso.com
issue_dates root mnt/EX01/older/request.csr older.pem 20200101000000Z 20350101000000Z
works cp older.pem mnt/EX01/older/
is mnt/EX01/older/status Valid
equal 'the older one is not it' ../../EX01/mail "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"
stays mnt/_by-domain/mail.contoso.com/EX01 "$before"
works rmdir mnt/EX01/mail
equal 'it is when the other is gone' ../../EX01/older "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"
moves mnt/_by-domain/mail.contoso.com/EX01 "$before"
absent mnt/_by-domain/autodiscover.contoso.com "mnt/_by-thumbprint/$mail"
works rmdir mnt/EX01/older
equal 'then the self-signed one' ../../EX01/own "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"

t 'domain__a_wildcard_counts_where_no_name_matches_exactly'
valid mnt/EX02/wild wild.contoso.com 'domains = *.contoso.com'
equal 'an unlisted name' '*.contoso.com' "$(readlink mnt/_by-domain/anything.contoso.com)"
is mnt/_by-domain/ANYTHING.contoso.com/EX02/status Valid
unlisted mnt/_by-domain/anything.contoso.com
for name in a.b.contoso.com contoso.com .contoso.com 'a/../b' 'x y.contoso.com'; do
	expect ENOENT lstat "mnt/_by-domain/$name" type
done
listed mnt/_by-domain/mail.contoso.com 'EX01 EX02'
equal 'exact on EX01' ../../EX01/own "$(readlink mnt/_by-domain/mail.contoso.com/EX01)"
equal 'wildcard on EX02' ../../EX02/wild "$(readlink mnt/_by-domain/mail.contoso.com/EX02)"
valid mnt/EX02/mail mail.contoso.com
equal 'exact before wildcard' ../../EX02/mail "$(readlink mnt/_by-domain/mail.contoso.com/EX02)"
before=$(stamp mnt/_by-domain/mail.contoso.com/EX02)
works rmdir mnt/EX02/mail
equal 'and the wildcard again' ../../EX02/wild "$(readlink mnt/_by-domain/mail.contoso.com/EX02)"
moves mnt/_by-domain/mail.contoso.com/EX02 "$before"

t 'names__follow_mv_of_certificates_and_servers_at_once'
works ls -lR mnt/_by-domain mnt/_by-thumbprint
wild=$(thumb mnt/EX02/wild)
before=$(stamp "mnt/_by-thumbprint/$wild/EX02")
other=$(stamp mnt/_by-domain/own.contoso.com/EX01)
works mv mnt/EX02/wild mnt/EX02/star
equal 'by thumbprint' ../../EX02/star "$(readlink "mnt/_by-thumbprint/$wild/EX02")"
equal 'by domain' ../../EX02/star "$(readlink 'mnt/_by-domain/*.contoso.com/EX02')"
equal 'by a covered name' ../../EX02/star "$(readlink mnt/_by-domain/mail.contoso.com/EX02)"
moves "mnt/_by-thumbprint/$wild/EX02" "$before"
stays mnt/_by-domain/own.contoso.com/EX01 "$other"
works ls -lR mnt/_by-domain mnt/_by-thumbprint
works mv mnt/EX02 mnt/EX03
listed "mnt/_by-thumbprint/$wild" EX03
listed mnt/_by-domain/mail.contoso.com 'EX01 EX03'
expect 'ENOENT ENOENT' lstat "mnt/_by-thumbprint/$wild/EX02" type : lstat mnt/_by-domain/mail.contoso.com/EX02 type
equal 'by thumbprint' ../../EX03/star "$(readlink "mnt/_by-thumbprint/$wild/EX03")"
equal 'by a covered name' ../../EX03/star "$(readlink mnt/_by-domain/mail.contoso.com/EX03)"
works mv mnt/EX03 mnt/EX02

t 'thumbprint__two_on_one_server_have_two_names'
expect 0 put mnt/EX01/own/export.password 'secret\n'
if [ ! -e mnt/EX01/own/export.pfx ]; then
	works rmdir mnt/EX01/own
	valid mnt/EX01/own own.contoso.com 'exportable = yes'
	expect 0 put mnt/EX01/own/export.password 'secret\n'
fi
own=$(thumb mnt/EX01/own)
works cp mnt/EX01/own/export.pfx twin.pfx
expect '0 0' put mnt/EX01/_import.password 'secret\n' : put mnt/EX02/_import.password 'secret\n'
works cp twin.pfx mnt/EX02/
is mnt/EX02/twin/thumbprint "$own"
listed "mnt/_by-thumbprint/$own" 'EX01 EX02'
works mv mnt/EX02/twin mnt/EX01/
"$SYS" readdir "mnt/_by-thumbprint/$own" | tr / '\n' | sort >got
printf 'EX01\nEX01 twin\n' >wanted
same wanted got
equal 'the first' ../../EX01/own "$(readlink "mnt/_by-thumbprint/$own/EX01")"
equal 'the other' ../../EX01/twin "$(readlink "mnt/_by-thumbprint/$own/EX01 twin")"
expect ENOENT lstat "mnt/_by-thumbprint/$own/EX01 own" type
works rmdir mnt/EX01/own
listed "mnt/_by-thumbprint/$own" EX01
equal 'is the first now' ../../EX01/twin "$(readlink "mnt/_by-thumbprint/$own/EX01")"

t 'views__nothing_can_be_made_or_removed_in_them'
snapshot
for dir in _by-thumbprint "_by-thumbprint/$own" _by-domain _expiring; do
	expect 'EPERM EPERM EPERM' mkdir "mnt/$dir/x" : create "mnt/$dir/x" O_WRONLY,O_CREAT 0644 : symlink x "mnt/$dir/x"
done
expect 'EPERM EPERM' unlink "mnt/_by-thumbprint/$own/EX01" : rename "mnt/_by-thumbprint/$own/EX01" "mnt/_by-thumbprint/$own/EX09"
fails 'EPERM|ENOTDIR' rmdir "mnt/_by-thumbprint/$own"
expect 'EPERM|EACCES' put mnt/_notifications 'x\n'
unchanged

t 'restart__keeps_inodes_times_and_links'
snapshot
restart
unchanged

t 'links__lead_to_the_same_in_a_copy'
works cp -a mnt copy
is "copy/_by-thumbprint/$own/EX01/thumbprint" "$own"
is 'copy/_by-domain/*.contoso.com/EX02/status' Valid
if have rsync; then
	mkdir moved
	works rsync -a mnt/ moved/copy/
	works mv moved elsewhere
	is "elsewhere/copy/_by-thumbprint/$own/EX01/thumbprint" "$own"
fi

t 'views__are_their_owners_alone_where_others_are_let_in'
if [ "$(id -u)" = 0 ]; then
	chmod 711 . # the private directory
	restart allow_other
	expect '0700 0700 0700 0700 0700 0400' stat mnt/_by-thumbprint mode : stat "mnt/_by-thumbprint/$own" mode : stat mnt/_by-domain mode : stat mnt/_by-domain/own.contoso.com mode : stat mnt/_expiring mode : stat mnt/_notifications mode
	expect '0 0755 EACCES EACCES EACCES EACCES' as 54321 54321 : stat mnt/EX01 mode : readdir mnt/_by-thumbprint : readlink mnt/_by-domain/own.contoso.com/EX01 : readdir mnt/_expiring : open mnt/_notifications O_RDONLY
	restart
else
	left_out 'other users: only root lets them in without an entry in /etc/fuse.conf'
fi

# ---- dates ----

year() { date -u -d "@$1" +%Y%m%d%H%M%SZ; }
day() { date -u -d "@$1" +%Y-%m-%d; }
iso() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
now=$(date +%s)
end=$((now + 40 * 86400))
request mnt/EX01/short short.contoso.com
issue_dates root mnt/EX01/short/request.csr short.pem "$(year $((now - 86400)))" "$(year $end)"
works cp short.pem mnt/EX01/short/
is mnt/EX01/short/status Valid
expect 0 add mnt/EX01/short/services 'SMTP\n'
link="mnt/_expiring/$(day $end) EX01 short"

t 'expiring__is_what_ends_within_expiring_days'
is mnt/_settings/expiring-days 30
absent "$link"
before=$(stamp mnt/_expiring)
expect 'EINVAL EINVAL EINVAL' put mnt/_settings/expiring-days '0\n' : put mnt/_settings/expiring-days 'x\n' : put mnt/_settings/expiring-days '3651\n'
sentence - expiring-days 3650
stays mnt/_expiring "$before"
expect 0 put mnt/_settings/expiring-days '45\n'
present "$link"
moves mnt/_expiring "$before"
equal 'it leads to it' ../EX01/short "$(readlink "$link")"
is "$link/status" Valid
has mnt/_notifications short "expires on $(iso $end)" SMTP renew
expect 0 put mnt/_settings/expiring-days '\n'
is mnt/_settings/expiring-days 30
absent "$link"
lacks mnt/_notifications short

if ! testing; then
	left_out 'dates that pass: the clock of this program cannot be set'
	finish
fi

clock() { # SECONDS since 1970
	works ctl clock "$(iso "$1")"
}

t 'expiring__appears_when_the_date_comes_for_who_has_it_cached_too'
works ls -l mnt/_expiring mnt/_notifications
works cat mnt/_notifications
before=$(stamp mnt/_expiring)
notices=$(stamp mnt/_notifications)
clock $((end - 30 * 86400 - 60))
absent "$link"
stays mnt/_expiring "$before"
stays mnt/_notifications "$notices"
clock $((end - 30 * 86400 + 60))
present "$link"
has mnt/_notifications "$(day $end)	EX01	short	expires on $(iso $end)"
equal 'its mtime is the date' "$((end - 30 * 86400)).000000000" "$(value lstat "$link" mtime)"
equal 'that of the directory too' "$((end - 30 * 86400)).000000000" "$(value stat mnt/_expiring mtime)"
equal 'and of the notices' "$((end - 30 * 86400)).000000000" "$(value stat mnt/_notifications mtime)"
equal 'the size is right' "$(wc -c <mnt/_notifications)" "$(value stat mnt/_notifications size)"

t 'expiring__goes_when_the_clock_is_set_back'
works ls -l mnt/_expiring mnt/_notifications
clock $((end - 30 * 86400 - 60))
absent "$link"
lacks mnt/_notifications short
clock $((end - 30 * 86400 + 60))
present "$link"

t 'expiring__without_what_is_replaced_everywhere_it_served'
valid mnt/EX01/next short.contoso.com
expect 0 add mnt/EX01/short/services 'IIS\n'
works sh -c 'echo SMTP-default >>mnt/EX01/next/services'
present "$link"
has mnt/_notifications 'in use for IIS'
before=$(stamp mnt/_expiring)
works sh -c 'echo IIS >>mnt/EX01/next/services'
absent "$link"
lacks mnt/_notifications 'EX01	short	'
moves mnt/_expiring "$before"
expect 0 add mnt/EX01/short/services 'SMTP\n'
present "$link"
has mnt/_notifications 'EX01	short	' 'in use for SMTP'

t 'expiring__follows_mv'
works mv mnt/EX01/short 'mnt/EX01/a new name'
absent "$link"
link="mnt/_expiring/$(day $end) EX01 a new name"
equal 'it leads to it' '../EX01/a new name' "$(readlink "$link")"
has mnt/_notifications 'EX01	a new name	'
works mv mnt/EX01 mnt/EX04
link="mnt/_expiring/$(day $end) EX04 a new name"
equal 'it leads to it' '../EX04/a new name' "$(readlink "$link")"
works mv mnt/EX04 mnt/EX01
works mv 'mnt/EX01/a new name' mnt/EX01/short
link="mnt/_expiring/$(day $end) EX01 short"

t 'expired__while_mounted_for_who_has_it_cached_too'
works cat mnt/EX01/short/status mnt/_notifications
works ls -lR mnt/_by-domain mnt/_expiring
equal 'by domain' ../../EX01/next "$(readlink mnt/_by-domain/short.contoso.com/EX01)"
clock $((end + 60))
is mnt/EX01/short/status DateInvalid
present "$link"
has mnt/_notifications "$(day $end)	EX01	short	expired on $(iso $end)"
equal 'the first is the most urgent' short "$(head -n 1 mnt/_notifications | cut -f 3)"
equal 'mtime of the notices is the date' "$end.000000000" "$(value stat mnt/_notifications mtime)"

finish
