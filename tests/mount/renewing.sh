#!/bin/sh
# Renewing: the name written to `renew`, what the new certificate has of the old one.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
m=mnt/EX01/mail
year=$(date -u +%Y)

like() { # OLD NEW: what both have in common
	for file in subject domains key-type exportable friendly-name; do
		same "$1/$file" "$2/$file"
	done
	differ 'the keys' "$(cat "$1/tlsa")" "$(cat "$2/tlsa")"
}

t 'renew__is_there_for_certificates_only'
valid $m mail.contoso.com 'domains = mail.contoso.com www.contoso.com' 'friendly-name = Mail'
request mnt/EX01/pending pending.contoso.com
expect 0 mkdir mnt/EX01/draft
expect 'file,0600' stat $m/renew type,mode
present $m/renew
empty $m/renew
snapshot
for state in pending draft; do
	absent mnt/EX01/$state/renew
	expect EACCES open mnt/EX01/$state/renew O_WRONLY,O_CREAT
done
unchanged

t 'renew__of_a_CA_issued_one_is_a_pending_request'
works sh -c "echo SMTP >> $m/services"
tree $m >before.mail
works sh -c "echo mail-2027 > $m/renew"
n=mnt/EX01/mail-2027
is $n/status PendingRequest
like $m $n
tree $m >after.mail
same before.mail after.mail
true_that 'openssl verifies the request' sh -c "openssl req -in $n/request.csr -noout -verify 2>&1 | grep -q OK"
has mnt/_audit.log '"operation":"renew"' '"certificate":"mail-2027"'
answer $n root
is $n/status Valid
works sh -c "cat $m/services >> $n/services"
expect '../mail-2027' readlink mnt/EX01/_services/SMTP

t 'renew__of_a_self_signed_one_is_at_once_a_certificate'
s=mnt/EX01/self
expect 0 mkdir $s
works sh -c "printf 'key-type = p256\nexportable = yes\nC=US, S=WA, O=\"Contoso, Ltd.\", CN=self.contoso.com\n' |
	cat >$s/self-signed"
works sh -c "echo self2 > $s/renew"
is mnt/EX01/self2/status Valid
like $s mnt/EX01/self2
same $s/issuer mnt/EX01/self2/issuer
differ 'the certificates' "$(cat $s/thumbprint)" "$(cat mnt/EX01/self2/thumbprint)"
absent mnt/EX01/self2/request.csr

t 'renew__of_an_expired_one_works'
request mnt/EX01/old old.contoso.com
issue_dates root mnt/EX01/old/request.csr old.cer 20200101000000Z 20210101000000Z
works cp old.cer mnt/EX01/old/
is mnt/EX01/old/status DateInvalid
works sh -c 'echo fresh > mnt/EX01/old/renew'
is mnt/EX01/fresh/status PendingRequest
like mnt/EX01/old mnt/EX01/fresh

t 'name__of_an_empty_line_has_the_year_and_then_a_number'
works sh -c "echo > $s/renew"
is "mnt/EX01/self-$year/status" Valid
works sh -c "echo > $s/renew"
is "mnt/EX01/self-$year-2/status" Valid
works sh -c "echo > mnt/EX01/self-$year/renew"
is "mnt/EX01/self-$year-3/status" Valid

t 'name__that_is_refused_makes_nothing'
snapshot
expect EEXIST put $s/renew 'mail\n'
sentence $s mail
expect EEXIST put $s/renew 'MAIL\n'
expect EEXIST put $s/renew 'self\n'
expect EPERM put $s/renew '_self\n'
expect EINVAL put $s/renew 'a/b\n'
expect EINVAL put $s/renew 'a\nb\n'
fails EEXIST bash -c "echo mail > $s/renew"
expect EPERM unlink $s/renew
unchanged

t 'times_and_empty_writes__make_nothing'
snapshot
works touch $s/renew
expect 0 utimens $s/renew 1 1
works sh -c ": > $s/renew"
expect 0 truncate $s/renew 0
unchanged

t 'name__may_come_in_pieces_and_without_a_newline'
expect '0 0 0 0' open $s/renew O_WRONLY : write pie : write 'ces\n' : close
is mnt/EX01/pieces/status Valid
absent mnt/EX01/pie
works sh -c "printf bare > $s/renew"
is mnt/EX01/bare/status Valid

t 'restart__keeps_them'
snapshot
restart
unchanged

finish
