#!/bin/sh
# `why`: every operation that can't be done now with its reason and its remedy, what an assignment
# would take over and from whom, and what rmdir would meet (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
d=mnt/EX01/draft
p=mnt/EX01/pending
m=mnt/EX01/mail
w=mnt/EX01/web

stamp() { value stat "$1" mtime,size; }

t 'why__of_a_draft'
expect 0 mkdir $d
matches $d/why '^certificate: this is a draft; write a distinguished name into request\.csr'
matches $d/why '^export\.pfx: there is no certificate yet'
matches $d/why '^certificate\.cer, services, renew: there is no certificate yet; .*PKCS#12'
matches $d/why '^rmdir: no service uses it; it would lie in _deleted for 30 days$'
fails - sh -c "echo SMTP >>$d/services"
works rmdir $d

t 'why__of_a_pending_request'
request $p pending.contoso.com
matches $p/why '^certificate: the request waits for the CA'
matches $p/why '^subject, domains, .*request\.csr, self-signed: the request says what they are; make another'
matches $p/why '^services, renew: there is no certificate yet'
matches $p/why '^export\.pfx: there is no certificate yet'
matches $p/why '^rmdir: no service uses it'
expect EACCES put $p/subject 'CN=other\n'
if [ "$(id -u)" = 0 ]; then # for others the kernel decides by the mode, and certfs isn't asked
	matches $p/why '^last refused: [^ ]+ EACCES EX01/pending/subject: '
	equal 'the last refusal comes first' 1 "$(grep -n EACCES $p/why | cut -d: -f1)"
fi

t 'why__of_a_certificate_says_what_an_assignment_would_take_over'
valid $m mail.contoso.com
matches $m/why '^services: SMTP would be its first certificate, and the default for SMTP between servers$'
matches $m/why '^services: IIS would be its first certificate$'
matches $m/why '^services: UM can.t be assigned: .*2019 and later.*version in _settings'
matches $m/why '^certificate\.cer: the certificate is there; copy another one for the same key into'
matches $m/why '^subject, domains, .*: the certificate says what they are; renew it'
matches $m/why '^export\.pfx: no password is set; write one into export\.password'
lacks $m/why 'mv to another server'
expect 0 add $m/services 'SMTP, IIS\n'
lacks $m/why 'services: SMTP would' 
lacks $m/why 'services: IIS would'
lacks $m/why 'services: SMTP-default'
matches $m/why '^services: IMAP would be its first certificate$'
matches $m/why '^mv to another server: it has services and stays; export it'
matches $m/why '^rmdir: EX01 uses it for IIS, SMTP, SMTP-default; assign these to another certificate first$'
expect EBUSY rmdir $m

t 'why__names_from_whom_also_after_mv'
valid $w web.contoso.com
matches $w/why "^services: IIS would take over from 'mail'\$"
matches $w/why "^services: SMTP-default would take over from 'mail'\$"
before=$(stamp $w/why)
works mv $m mnt/EX01/post
matches $w/why "^services: IIS would take over from 'post'\$"
differ 'mtime or size moved' "$before" "$(stamp $w/why)"
equal 'the link follows' ../post "$(readlink mnt/EX01/_services/IIS)"
equal 'the size is right' "$(wc -c <$w/why)" "$(value stat $w/why size)"
expect 0 add $w/services 'IIS\n'
lacks $w/why 'services: IIS'
matches mnt/EX01/post/why "^services: IIS would take over from 'web'\$"
matches mnt/EX01/post/why '^rmdir: EX01 uses it for SMTP, SMTP-default;'
expect 0 add $w/services 'SMTP-default\n'
matches mnt/EX01/post/why '^rmdir: no service uses it'
works rmdir mnt/EX01/post

t 'why__says_which_names_the_CA_left_out'
l=mnt/EX01/left
leave_out() { # NAMES: an answer with these
	printf 'subjectAltName=%s\n' "$1" >left.ext
	quietly openssl x509 -req -in $l/request.csr -CA ca/root.pem -CAkey ca/root.key -days 365 \
		-set_serial "$(serial)" -extfile left.ext -out left.cer
}
expect '0 0 0' mkdir $l : put $l/domains 'www.fabrikam.com, autodiscover.contoso.com, 10.1.2.3\n' : \
	put $l/request.csr 'CN=left.contoso.com\n'
leave_out 'DNS:LEFT.contoso.com,DNS:*.fabrikam.com'
works cp left.cer $l/
is $l/status Valid
matches $l/why '^domains: the CA left out autodiscover\.contoso\.com and 1 more, which the request has; .*answered anew'
leave_out 'DNS:left.contoso.com,DNS:www.fabrikam.com,DNS:autodiscover.contoso.com'
works cp left.cer mnt/EX01/anew.cer
is mnt/EX01/anew/status Valid
lacks mnt/EX01/anew/why autodiscover
lacks $w/why 'left out'
works rmdir $l mnt/EX01/anew

t 'why__of_one_that_is_not_Valid'
works rm mnt/_trust/root.pem
is $w/status Untrusted
matches $w/why '^Untrusted: .*Test root'
matches $w/why "^services: IMAP can't be assigned: "
works cp ca/root.pem mnt/_trust/
lacks $w/why Untrusted

t 'why__shows_names_safely'
works mv $w "mnt/EX01/$(printf 'caf\303\251')"
valid $m mail2.contoso.com
has $m/why "$(printf 'caf\303\251')"

finish
