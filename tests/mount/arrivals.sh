#!/bin/sh
# Arrivals: answers dropped into servers and the root, for several requests, for a key that has a
# certificate already, and by people who may write to some of the tree only (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

# Other users need a mount that lets them in, which only root may make everywhere.
allow=
if [ "$(id -u)" = 0 ]; then
	allow=allow_other
	start $allow
	chmod 711 . # a path below the working directory is looked up by them
else
	start
fi
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
ca issuing root
works cp ca/root.pem mnt/_trust/

request mnt/EX01/mail mail.contoso.com
request mnt/EX02/web web.contoso.com
issue issuing mnt/EX01/mail/request.csr mail.cer
issue issuing mnt/EX02/web/request.csr web.cer
quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger.contoso.com \
	-keyout stranger.key -out stranger.csr
issue issuing stranger.csr stranger.cer

t 'several__answers_in_one_file_complete_all_requests'
cat stranger.cer mail.cer ca/issuing.pem web.cer ca/root.pem >all.pem
works cp all.pem mnt/
is mnt/EX01/mail/status Valid
is mnt/EX02/web/status Valid
present mnt/EX01/mail/chain.pem mnt/EX02/web/chain.pem
unlisted mnt/all.pem
snapshot
works cp all.pem mnt/
works cp all.pem mnt/EX01/again.pem
works cp all.pem mnt/EX02/web/again.pem
unchanged

t 'another__certificate_for_a_key_is_EEXIST_in_its_directory_and_in_the_root'
issue issuing mnt/EX01/mail/request.csr second.cer
snapshot
fails EEXIST cp second.cer mnt/EX01/mail/
sentence mnt/EX01/mail EX01/mail
fails EEXIST cp second.cer mnt/
fails EEXIST cp second.cer mnt/EX01/mail.cer
absent mnt/second.cer mnt/EX01/second mnt/EX01/mail.cer
unchanged

t 'another__certificate_for_a_key_shares_it_in_a_server'
works cp second.cer mnt/EX01/
is mnt/EX01/second/status Valid
same second.cer mnt/EX01/second/certificate.pem
is mnt/EX01/second/exportable yes
unlisted mnt/EX01/second.cer
same mnt/EX01/mail/tlsa mnt/EX01/second/tlsa
has mnt/_audit.log '"operation":"share-key"'
works sh -c 'echo x > mnt/EX01/second/export.password'
exported() { # that its key fits its certificate
	works cp -f mnt/EX01/second/export.pfx second.pfx
	quietly openssl pkcs12 -in second.pfx -passin pass:x -nodes -out second.key
	openssl x509 -in second.key -noout -pubkey >of-certificate
	openssl pkey -in second.key -pubout >of-key
	same of-certificate of-key
}
exported
snapshot
works cp second.cer mnt/EX01/
works cp second.cer mnt/EX02/third.cer
unchanged
works sh -c 'echo SMTP >> mnt/EX01/second/services'
expect 0 rmdir mnt/EX01/mail
exported
restart $allow
exported
is mnt/EX01/second/services SMTP

t 'root__takes_no_key_whatever_its_password'
snapshot
fails EINVAL cp second.pfx mnt/
sentence - second.pfx
absent mnt/second.pfx mnt/second
unchanged

# In a user namespace without a mapping for these ids there is nothing to try.
if [ "$(id -u)" != 0 ] || [ "$(value as_in 4711 4711 4712 : getuid)" != '0 4711' ]; then
	left_out 'other users: this one may not become another'
	finish
fi

t 'rights__on_the_request_decide_and_not_where_it_is_dropped'
request mnt/EX01/theirs theirs.contoso.com
issue issuing mnt/EX01/theirs/request.csr theirs.cer
chgrp 4713 mnt/EX02
chmod 775 mnt/EX02
drop() { # RESULT GID GROUPS DIRECTORY: of the close, by somebody else
	expect "0 0 0 $1" as_in 4711 "$2" "$3" : open "$4/theirs.cer" O_WRONLY,O_CREAT : \
		write_from theirs.cer 0 100000 : close
}
snapshot
drop EACCES 4711 4713 mnt/EX02
sentence - theirs.cer
drop EACCES 4711 4713,4712,4714 mnt/EX02
drop EACCES 4712 4713 mnt/EX02
absent mnt/EX02/theirs mnt/EX02/theirs.cer
unchanged

t 'rights__come_from_a_supplementary_group_too'
chgrp 4712 mnt/EX01/theirs
chmod 775 mnt/EX01/theirs
snapshot
drop EACCES 4711 4713 mnt/EX02
unchanged
chmod 700 mnt/EX01
snapshot
drop EACCES 4711 4712,4713 mnt/EX02 # they can't reach it
unchanged
chmod 755 mnt/EX01
drop 0 4711 4714,4713,4712 mnt/EX02
is mnt/EX01/theirs/status Valid
same theirs.cer mnt/EX01/theirs/certificate.pem

t 'rights__come_from_one_of_many_groups'
request mnt/EX01/many many.contoso.com
issue issuing mnt/EX01/many/request.csr theirs.cer
chgrp 4712 mnt/EX01/many
chmod 775 mnt/EX01/many
many=$(seq -s, 4000000001 4000000900)
drop EACCES 4711 "4713,$many" mnt/EX02
drop 0 4711 "4713,$many,4712" mnt/EX02
is mnt/EX01/many/status Valid

t 'rights__come_from_the_first_group'
request mnt/EX01/first first.contoso.com
issue issuing mnt/EX01/first/request.csr theirs.cer
chgrp 4712 mnt/EX01/first
chmod 775 mnt/EX01/first
drop 0 4712 4713 mnt/EX02
is mnt/EX01/first/status Valid

t 'rights__to_a_key_are_needed_to_share_it'
issue issuing mnt/EX01/first/request.csr theirs.cer
snapshot
drop EACCES 4711 4713 mnt/EX02
absent mnt/EX02/theirs
unchanged
drop 0 4711 4712,4713 mnt/EX02
same theirs.cer mnt/EX02/theirs/certificate.pem
is mnt/EX02/theirs/status Valid

finish
