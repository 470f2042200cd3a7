#!/bin/sh
# Self-signed certificates: every way of writing `self-signed`, and what is refused (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
works sh -c 'echo p256 > mnt/EX01/_settings/key-type'

text_of() { # CERTIFICATE
	openssl x509 -in "$1" -inform DER -noout -text
}

t 'make__by_echo_of_a_name_is_at_once_valid'
m=mnt/EX01/mail
expect 0 mkdir $m
absent $m/self-signed
works sh -c "echo 'C=US, O=Contoso, CN=mail.contoso.com' > $m/self-signed"
is $m/status Valid
is $m/subject 'CN=mail.contoso.com, O=Contoso, C=US'
is $m/domains mail.contoso.com
is $m/exportable no
absent $m/self-signed $m/request.csr $m/request.der $m/chain.pem
same $m/fullchain.pem $m/certificate.pem
has $m/info 'IsSelfSigned         : True' 'RootCAType           : None'
has mnt/_audit.log '"operation":"self-sign"'

t 'make__has_the_profile_of_exchange'
text_of $m/certificate.cer >text
matches text 'X509v3 Key Usage: critical'
matches text '^ *Digital Signature, Key Encipherment$'
matches text '^ *TLS Web Server Authentication$'
matches text 'X509v3 Basic Constraints: critical'
matches text 'X509v3 Subject Key Identifier'
matches text 'Signature Algorithm: ecdsa-with-SHA256'
lacks text CA:TRUE
equal 'a serial of 16 bytes' 32 "$(tr -d '\n' <$m/serial | wc -c)"
equal 'five years' "$(date -u -d "$(cat $m/not-before) +5 years" +%FT%TZ)" "$(cat $m/not-after)"
true_that 'openssl verifies it' openssl verify -CAfile $m/certificate.pem $m/certificate.pem

t 'services__in_the_same_step'
expect 0 mkdir mnt/EX01/web
works sh -c "printf 'services = SMTP, IIS\nfriendly-name = Microsoft Exchange\nCN=web.contoso.com\n' >request.txt"
works cp request.txt mnt/EX01/web/self-signed
is mnt/EX01/web/services 'SMTP
IIS'
is mnt/EX01/web/friendly-name 'Microsoft Exchange'
expect '../web ../web' readlink mnt/EX01/_services/SMTP : readlink mnt/EX01/_services/SMTP-default

t 'touch__makes_it_of_the_draft'
expect 0 mkdir mnt/EX01/touched
works touch mnt/EX01/touched/self-signed
is mnt/EX01/touched/status Valid
is mnt/EX01/touched/subject CN=EX01
absent mnt/EX01/touched/self-signed
fails EACCES touch mnt/EX01/touched/self-signed

t 'copies__with_times_and_by_rename_are_taken'
expect '0 0' mkdir mnt/EX01/copied : mkdir mnt/EX01/renamed
works cp -p request.txt mnt/EX01/copied/self-signed
is mnt/EX01/copied/status Valid
works cp request.txt mnt/EX01/renamed/.self-signed.tmp
works mv mnt/EX01/renamed/.self-signed.tmp mnt/EX01/renamed/self-signed
is mnt/EX01/renamed/status Valid
absent mnt/EX01/renamed/self-signed

t 'key_identifier__is_taken_in_hex'
expect 0 mkdir mnt/EX01/ski
works sh -c "printf 'subject-key-identifier = 01:AB:cd\nCN=ski.contoso.com\n' | cat >mnt/EX01/ski/self-signed"
has mnt/EX01/ski/info 'SubjectKeyIdentifier : 01ABCD'

t 'refused__changes_nothing'
d=mnt/EX01/draft
expect 0 mkdir $d
snapshot
expect EINVAL put $d/self-signed 'services = FTP\nCN=a.contoso.com\n'
sentence $d FTP
expect EOPNOTSUPP put $d/self-signed 'services = SMTP, UM\nCN=a.contoso.com\n'
expect EINVAL put $d/self-signed 'services = IMAP\nCN=*.contoso.com\n'
sentence $d Set-ImapSettings
expect EINVAL put $d/self-signed 'subject-key-identifier = xyz\nCN=a.contoso.com\n'
expect EINVAL put $d/self-signed 'O=Contoso\n'
expect EINVAL put $d/self-signed 'key-type = rsa1024\nCN=a.contoso.com\n'
expect EINVAL put $d/request.csr 'services = SMTP\nCN=a.contoso.com\n'
sentence $d self-signed
fails EINVAL bash -c "echo colour=red > $d/self-signed"
works sh -c ": > $d/self-signed"
unchanged
is $d/status Draft

t 'requests_and_certificates__have_no_self_signed'
request mnt/EX01/pending pending.contoso.com
snapshot
expect EACCES open mnt/EX01/pending/self-signed O_WRONLY,O_CREAT
expect EACCES open $m/self-signed O_WRONLY,O_CREAT
expect EPERM unlink $m/certificate.cer
unchanged

t 'exportable__is_said_or_set'
expect '0 0' mkdir mnt/EX01/said : mkdir mnt/EX01/set
works sh -c "printf 'exportable = yes\nCN=said.contoso.com\n' | cat >mnt/EX01/said/self-signed"
works sh -c 'echo yes > mnt/EX01/_settings/exportable-self-signed'
works sh -c 'echo CN=set.contoso.com > mnt/EX01/set/self-signed'
works sh -c 'echo P@ssw0rd1 > mnt/_export.password'
present mnt/EX01/said/export.pfx mnt/EX01/set/export.pfx
absent $m/export.pfx
true_that 'openssl reads it' openssl pkcs12 -in mnt/EX01/said/export.pfx -passin pass:P@ssw0rd1 -nodes -out said.pem

t 'restart__keeps_them'
snapshot
restart
unchanged

finish
