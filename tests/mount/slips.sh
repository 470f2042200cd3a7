#!/bin/sh
# What an administrator meets who makes a slip: a wrong letter, a wrong folder, a name as another program
# prints it. Each sentence says what to do, and nothing half done is left behind.
. "$(dirname "$0")/lib.sh"

start
ca root
works cp ca/root.pem mnt/_trust/
works mkdir mnt/EX01 mnt/EX01/mail mnt/EX01/web
m=mnt/EX01/mail
w=mnt/EX01/web

seq -f 'host%g.contoso.com' 700 >names

t 'name__is_taken_as_openssl_prints_it'
expect 0 put $w/request.csr 'C = US, O = "Contoso, Ltd.", CN = web.contoso.com\n'
is $w/subject 'CN=web.contoso.com, O=Contoso\, Ltd., C=US'

t 'property__with_a_slip_is_EINVAL_and_makes_nothing'
snapshot
fails EINVAL bash -c "printf 'domain = www.contoso.com\nCN=mail.contoso.com\n' > $m/request.csr"
sentence $m domain neither domains
fails EINVAL bash -c "printf 'domain = www.contoso.com\nCN=mail.contoso.com' > $m/request.csr"
expect '0 EINVAL EINVAL 0' open $m/request.csr O_WRONLY,O_CREAT : write 'key-typ = p256\n' : \
	write 'CN=mail.contoso.com\n' : close
sentence $m key-typ neither
expect '0 0 EINVAL 0' open $m/request.csr O_WRONLY,O_CREAT : write 'CN=mail.contoso.com' : \
	write '\ncolour = red\n' : close
fails EINVAL bash -c "printf 'Foo\nCN=mail.contoso.com' > $m/self-signed"
unchanged
is $m/status Draft

t 'property__can_be_written_anew_after_truncating'
expect 0 mkdir mnt/EX01/anew
expect '0 EINVAL 0 0 0' open mnt/EX01/anew/request.csr O_WRONLY,O_CREAT : write 'colour = red\n' : \
	ftruncate 0 : write 'CN=anew.contoso.com\n' : close
is mnt/EX01/anew/status PendingRequest

t 'request__of_somebody_else_is_EINVAL'
snapshot
fails EINVAL cp $w/request.csr $m/request.csr
sentence $m 'distinguished name' imported
unchanged

t 'name__says_how_it_is_written'
snapshot
expect EINVAL put $m/subject 'C=DE, O=Contoso, Ltd., CN=mail.contoso.com\n'
sentence $m Ltd. TYPE=VALUE comma
expect EINVAL put $m/subject '/C=DE/CN=mail.contoso.com\n'
sentence $m separated commas
expect EINVAL put $m/request.csr '/C=DE/CN=mail.contoso.com\n'
sentence $m separated commas
expect EINVAL put $m/domains 'm\xc3\xbcller.example\n'
sentence $m xn--
expect EINVAL put $m/key-type 'rsa-2048\n'
sentence $m "key-type: 'rsa-2048' is none"
unchanged

t 'file__with_a_slip_in_its_name_says_which_is_meant'
snapshot
for slip in reqeust.csr:request.csr request.cs:request.csr Domains:domains keytype:key-type selfsigned:self-signed; do
	expect EPERM put $m/${slip%:*} 'CN=mail.contoso.com\n'
	sentence $m "is '${slip#*:}' meant"
done
expect EPERM put mnt/_settings/accepted-domain 'contoso.com\n'
sentence - "is 'accepted-domains' meant"
expect EPERM put $m/notes.txt 'hello\n'
sentence $m .cer .p12 .pfx
fails EPERM sh -c "cp names $m/.notes.txt.x; mv $m/.notes.txt.x $m/notes.md"
sentence $m .cer .p12 .pfx notes.md
fails EPERM mv $m/.notes.txt.x $m/Subject.
sentence $m "is 'subject' meant"
works rm $m/.notes.txt.x
unchanged

t 'file__in_a_wrong_directory_says_where_it_belongs'
snapshot
expect EPERM put mnt/_settings/nothing 'x\n'
sentence - 'no file can be put there'
for place in mnt/_deleted mnt/EX01/_services mnt/EX01/_settings; do
	fails EPERM cp ca/root.pem $place/
	sentence - 'no file can be put there'
done
expect EPERM put mnt/_trust/root.txt 'x\n'
sentence - .crl
expect EPERM put mnt/EX01/ca.crl 'x\n'
sentence - '_trust'
unchanged

t 'name__of_certfs_says_what_is_done_instead'
valid mnt/EX01/smtp smtp.contoso.com
works sh -c 'echo SMTP >> mnt/EX01/smtp/services'
snapshot
expect EPERM unlink mnt/EX01/_services/SMTP
sentence - 'echo SMTP >> CERTIFICATE/services'
fails - ln -sfn ../web mnt/EX01/_services/SMTP
sentence - 'symbolic link' '>> CERTIFICATE/services'
expect EPERM rename mnt/EX01/_services/SMTP mnt/EX01/_services/POP
sentence - 'echo SMTP >> CERTIFICATE/services'
expect EPERM unlink mnt/EX01/_settings/fqdn
sentence - 'an empty line brings the default back'
expect EPERM unlink mnt/_export.password
sentence - 'an empty line takes the password back'
expect EPERM unlink mnt/_by-domain/smtp.contoso.com/EX01
sentence - '_by-domain/smtp.contoso.com/EX01: '
unchanged

# For others than root the kernel decides by the mode of a file that is there, and certfs isn't asked.
asked() { # SENTENCE
	[ "$(id -u)" != 0 ] || sentence "$@"
}

t 'file__that_certfs_makes_itself_says_so'
snapshot
issue root $w/request.csr fullchain.pem
fails EACCES cp fullchain.pem $w/
sentence $w 'another name' answer.pem
fails EACCES sh -c "cp fullchain.pem $w/.fullchain.pem.x && mv $w/.fullchain.pem.x $w/fullchain.pem"
sentence $w 'another name' answer.pem
expect 0 unlink $w/.fullchain.pem.x
expect EACCES put $w/status 'Valid\n'
asked $w 'can only be read'
expect EACCES put $w/domains 'www.contoso.com\n'
asked $w 'the request is made' 'new directory'
expect EACCES add $w/services 'SMTP\n'
sentence $w 'no certificate yet'
fails EACCES cp fullchain.pem $m/certificate.cer
sentence $m 'no request yet'
unchanged
works cp fullchain.pem $w/answer.pem
is $w/status Valid
expect EACCES put $w/domains 'www.contoso.com\n'
asked $w 'the certificate is made' renew

t 'list__that_programs_write_in_pieces_is_never_cut_in_a_name'
works sh -c "dd bs=4096 if=names of=$m/domains status=none"
same names $m/domains
works sh -c "dd bs=4096 if=names of=mnt/_settings/accepted-domains status=none"
same names mnt/_settings/accepted-domains
many=$(seq -f 'h%g.contoso.com' 300 | awk '{ printf "%s\\n", $0 }') # more than 4096 bytes
expect '0 0 0' open $m/domains O_WRONLY,O_TRUNC : write "${many}www.net" : close
matches $m/domains '^www.net$'
expect '0 0 0' open $m/domains O_WRONLY,O_TRUNC : write "${many}www.cont" : write 'oso.com\n'
matches $m/domains '^www.contoso.com$'
expect '0 0 EINVAL' open $m/domains O_WRONLY,O_TRUNC : write "${many}www." : close
lacks $m/domains www.
expect '0 0 0' open $m/domains O_WRONLY,O_TRUNC : write 'a.example' : close
is $m/domains a.example
fails EINVAL bash -c "printf 'b c_d' > $m/domains"
is $m/domains a.example

restart
sound
finish
