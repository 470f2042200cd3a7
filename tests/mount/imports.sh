#!/bin/sh
# Imports: certificates dropped in with their keys, as PKCS#12 of every age and as PEM, and which
# password opens them (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
ca issuing root
works cp ca/root.pem mnt/_trust/

# A certificate that another program made the key of
own() { # NAME CN
	quietly openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" \
		-addext "subjectAltName=DNS:$2"
	issue issuing "$1.csr" "$1.pem"
}

pfx() { # FILE NAME PASSWORD OPTIONS
	_file=$1
	_name=$2
	_password=$3
	shift 3
	quietly openssl pkcs12 -export -inkey "$_name.key" -in "$_name.pem" -certfile ca/issuing.pem \
		-passout "pass:$_password" -out "$_file" "$@"
}

own mail mail.contoso.com
pfx contoso.pfx mail P@ssw0rd1 -name 'Contoso Mail 2026'

t 'passwords__can_be_written_and_never_read'
expect 'file,0600' stat mnt/_import.password type,mode
expect 'file,0600' stat mnt/EX01/_import.password type,mode
empty mnt/_import.password
expect EINVAL put mnt/_import.password 'two\nlines\n'
expect EPERM unlink mnt/EX01/_import.password

t 'import__without_its_password_is_ENOKEY_and_changes_nothing'
snapshot
fails ENOKEY cp contoso.pfx mnt/EX01/
sentence - EX01/contoso.pfx "no password"
has mnt/_errors _import.password
unchanged
absent mnt/EX01/contoso mnt/EX01/contoso.pfx

t 'import__with_a_wrong_password_is_EKEYREJECTED_and_changes_nothing'
works sh -c 'echo wrong > mnt/_import.password'
snapshot
fails EKEYREJECTED cp contoso.pfx mnt/EX01/
unchanged
absent mnt/EX01/contoso

t 'import__makes_a_certificate_named_after_the_file'
works sh -c 'echo P@ssw0rd1 > mnt/EX01/_import.password'
empty mnt/EX01/_import.password
works cp contoso.pfx mnt/EX01/
is mnt/EX01/contoso/status Valid
is mnt/EX01/contoso/friendly-name 'Contoso Mail 2026'
is mnt/EX01/contoso/exportable no
is mnt/EX01/contoso/key-type rsa2048
same mail.pem mnt/EX01/contoso/certificate.pem
present mnt/EX01/contoso/chain.pem
absent mnt/EX01/contoso/request.csr mnt/EX01/contoso/export.pfx
unlisted mnt/EX01/contoso.pfx
expect "$(wc -c <contoso.pfx),file" stat mnt/EX01/contoso.pfx size,type
expect '0 EACCES' open mnt/EX01/contoso.pfx O_RDONLY : pread 0 10
works sh -c 'echo SMTP >> mnt/EX01/contoso/services'
has mnt/_audit.log '"operation":"import"'
lacks mnt/_audit.log P@ssw0rd1

t 'import__again_succeeds_and_changes_nothing'
snapshot
works cp contoso.pfx mnt/EX01/
works cp contoso.pfx mnt/EX01/other.p12
works cp -p contoso.pfx mnt/EX01/contoso/
unchanged
absent mnt/EX01/other

t 'import__onto_what_is_there_is_EEXIST_and_into_the_root_EINVAL'
own other other.contoso.com
pfx other.pfx other P@ssw0rd1
request mnt/EX01/pending pending.contoso.com
snapshot
works cp other.pfx moving.pfx
fails EEXIST cp moving.pfx mnt/EX01/contoso.pfx
fails EEXIST cp other.pfx mnt/EX01/contoso/
fails EEXIST cp other.pfx mnt/EX01/pending/
fails EINVAL cp other.pfx mnt/
unchanged
works sh -c 'echo P@ssw0rd1 > mnt/_import.password'
snapshot
fails EINVAL cp other.pfx mnt/
sentence - other.pfx
fails EINVAL cp contoso.pfx mnt/_trust/contoso.pem
unchanged

t 'import__into_a_draft_fills_it'
works mkdir mnt/EX01/web
works cp other.pfx mnt/EX01/web/
is mnt/EX01/web/status Valid
same other.pem mnt/EX01/web/certificate.pem
works mkdir mnt/EX01/shared
works sh -c 'echo yes > mnt/EX01/shared/exportable; echo x > mnt/EX01/shared/export.password'
works cp other.pfx mnt/EX01/shared/
works cp mnt/EX01/shared/export.pfx again.pfx
true_that 'what comes out is the same key' sh -c \
	'openssl pkcs12 -in again.pfx -passin pass:x -nodes | openssl pkey | cmp - other.key'

t 'import__of_what_certfs_exported_knows_its_password'
works cp again.pfx mnt/EX02/
is mnt/EX02/again/status Valid

t 'programs__of_every_age_made_it'
n=0
opens() { # NAME PASSWORD OPTIONS: into a server of its own
	n=$((n + 1))
	works mkdir "mnt/AGE$n"
	printf '%s\n' "$2" >"mnt/AGE$n/_import.password"
	_what=$1
	shift
	pfx "$_what.pfx" mail "$@"
	works cp "$_what.pfx" "mnt/AGE$n/"
	is "mnt/AGE$n/$_what/status" Valid
}
opens rc2-40 secret -legacy
opens 3des secret -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
opens aes secret
opens utf8 'Grüße für 5 €'
opens no-mac secret -nomac
opens empty ''
opens nothing-encrypted '' -keypbe NONE -certpbe NONE -nomac
for vector in "$suite"/../vectors/pfx/ok-*gnutls*.p12 "$suite"/../vectors/pfx/ok-*nss*.p12 \
	"$suite"/../vectors/pfx/ok-*java*.p12; do
	n=$((n + 1))
	works mkdir "mnt/AGE$n"
	works cp "$vector" "mnt/AGE$n/"
	present "mnt/AGE$n/$(basename "$vector" .p12)"
done

t 'several__in_one_file_become_certificates_of_their_own'
works cp "$suite/../vectors/pfx/ok-6-java-two-keys.p12" mnt/EX02/export.p12
present mnt/EX02/leaf mnt/EX02/second
is mnt/EX02/second/subject 'CN=second.contoso.com, O=Contoso'

t 'names__come_from_the_certificate_where_the_file_has_none'
own wildcard '*.contoso.com'
pfx export.pfx wildcard P@ssw0rd1
works cp export.pfx mnt/EX01/
is mnt/EX01/_.contoso.com/status Valid
works mv mnt/EX01/_.contoso.com mnt/EX02/
present mnt/EX02/_.contoso.com

t 'pem__with_its_key_is_imported_encrypted_or_not'
cat other.pem ca/issuing.pem other.key >plain.pem
quietly openssl pkcs8 -topk8 -in other.key -passout pass:P@ssw0rd1 -out sealed.key
cat other.pem sealed.key ca/issuing.pem >sealed.pem
quietly openssl rsa -in other.key -aes256 -traditional -passout pass:P@ssw0rd1 -out old.key
cat old.key other.pem ca/issuing.pem >old.pem
for file in plain sealed old; do
	n=$((n + 1))
	works mkdir "mnt/PEM$n"
	works cp $file.pem "mnt/PEM$n/"
	is "mnt/PEM$n/$file/status" Valid
	expect '0 EACCES' open "mnt/PEM$n/$file.pem" O_RDONLY : pread 0 10
done

t 'leaf__without_its_key_is_ENOKEY_and_a_key_alone_EINVAL'
cat mail.pem other.key >mixed.pem
snapshot
fails ENOKEY cp mixed.pem mnt/EX02/
sentence - EX02/mixed.pem
fails EINVAL cp other.key mnt/EX02/key.pem
unchanged

t 'bombs__are_refused_before_they_go_off'
snapshot
for bomb in "$suite"/../vectors/pfx/refused-EINVAL-bomb-*.pfx; do
	fails EINVAL cp "$bomb" mnt/EX02/
done
lacks log 'took longer' # it wasn't the watchdog
head -c 700 contoso.pfx >short.pfx
fails EBADMSG cp short.pfx mnt/EX02/
unchanged

t 'restart__keeps_what_was_imported'
snapshot
restart
unchanged
works cp contoso.pfx mnt/EX01/
unchanged
sound
finish
