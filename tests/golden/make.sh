#!/bin/sh
# Makes the golden store of the format that this certfs writes, once, when that format is about to be
# released; tests/unit/test_golden.c says what of it has to stay.
#
#	CERTFS=build/certfs-testing sh tests/golden/make.sh tests/golden/1 build/test_golden
#
# The folder must not be there: a store that was released is never made again.

into=${1:?FOLDER is missing}
record=${2:?the program test_golden is missing}
[ ! -e "$into" ] || {
	echo "$into is there already" >&2
	exit 1
}
mkdir -p "$into" || exit 1
into=$(cd "$into" && pwd -P)
record=$(cd "$(dirname "$record")" && pwd -P)/$(basename "$record")
source=$(cd "$(dirname "$0")/../.." && pwd -P)

# shellcheck source=tests/mount/lib.sh
. "$source/tests/mount/lib.sh"
passphrase='golden but not secret'

# answer_between DIRECTORY START END
answer_between() {
	issue_dates root "$1/request.csr" dated.pem "$2" "$3"
	works cp dated.pem "$1/answer.cer"
}

# crl: what root revoked so far
crl() {
	printf '01\n' >ca/crlnumber
	cat >ca/crl.cnf <<-'END'
		[ca]
		default_ca = it
		[it]
		database = ca/index
		crlnumber = ca/crlnumber
		default_md = sha256
		default_crl_days = 3000
		crl_extensions = ext
		[ext]
		authorityKeyIdentifier = keyid
	END
	quietly openssl ca -config ca/crl.cnf -cert ca/root.pem -keyfile ca/root.key -gencrl -out ca/root.crl
}

t 'settings'
start
ca root
ca sub root
ca strange
works cp ca/root.pem mnt/_trust/
expect 0 put mnt/_settings/accepted-domains 'contoso.com\nfabrikam.com\n'
expect 0 put mnt/_settings/expiring-days '60\n'
expect 0 put mnt/_export.password 'of the root\n'
expect 0 put mnt/_import.password 'of an import\n'
expect 0 mkdir mnt/EX01
expect 0 put mnt/EX01/_settings/fqdn 'ex01.contoso.com\n'
expect 0 put mnt/EX01/_settings/version 'SE\n'
expect 0 mkdir mnt/EX02.contoso.com
expect 0 put mnt/EX02.contoso.com/_settings/version '2016\n'
expect 0 put mnt/EX02.contoso.com/_export.password 'of EX02\n'
expect 0 mkdir mnt/EX03
expect 0 chmod mnt/EX03 0770
expect 0 mkdir mnt/EX04

t 'certificates'
valid mnt/EX01/mail mail.contoso.com 'domains = mail.contoso.com, autodiscover.contoso.com' 'friendly-name = Größe'
expect 0 add mnt/EX01/mail/services 'SMTP\nIIS\n'
expect 0 put mnt/EX01/mail/export.password 'of mail\n'
expect 0 put mnt/EX01/mail/renew 'mail-2\n'
expect 0 mkdir mnt/EX01/web
expect 0 put mnt/EX01/web/request.csr 'key-type = rsa2048\nexportable = no\nCN=*.contoso.com\n'
issue sub mnt/EX01/web/request.csr web.pem
cat web.pem ca/sub.pem >bundle.pem
works cp bundle.pem mnt/EX01/web/answer.pem
expect 0 add mnt/EX01/web/services 'IIS\n'
request mnt/EX01/old old.contoso.com
answer_between mnt/EX01/old 20200101000000Z 20210101000000Z
request mnt/EX01/revoked revoked.contoso.com
answer_between mnt/EX01/revoked 20260101000000Z 20350101000000Z
quietly openssl ca -config ca/dates.cnf -cert ca/root.pem -keyfile ca/root.key -revoke dated.pem
crl
works cp ca/root.crl mnt/_trust/
request mnt/EX01/strange strange.contoso.com
answer mnt/EX01/strange strange
request mnt/EX01/pending pending.contoso.com 'key-type = p384'
expect 0 mkdir mnt/EX01/draft
expect 0 put mnt/EX01/draft/subject 'C=DE, O="Contoso, GmbH", CN=draft.contoso.com\n'
expect 0 put mnt/EX01/draft/domains 'draft.contoso.com\n192.0.2.1\n'
expect 0 put mnt/EX01/draft/key-type 'rsa4096\n'
expect 0 chmod mnt/EX01/draft 0700
expect 0 mkdir mnt/EX01/own
expect 0 put mnt/EX01/own/self-signed 'key-type = p384\nexportable = yes\nservices = IMAP\nCN=own.contoso.com\n'
is mnt/EX01/mail/status Valid
is mnt/EX01/web/status Valid
is mnt/EX01/old/status DateInvalid
is mnt/EX01/revoked/status Revoked
is mnt/EX01/strange/status Untrusted
is mnt/EX01/pending/status PendingRequest
is mnt/EX01/draft/status Draft
is mnt/EX01/own/status Valid

t 'imports_and_exports'
works openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=import.contoso.com' -days 3000 \
	-addext subjectAltName=DNS:import.contoso.com -keyout import.key -out import.pem
works openssl pkcs12 -export -inkey import.key -in import.pem -name import -passout 'pass:of an import' \
	-out imported.pfx
works cp imported.pfx mnt/EX02.contoso.com/
expect 0 put mnt/EX02.contoso.com/_settings/exportable-imports 'yes\n'
works cp mnt/EX01/mail/export.pfx mail.pfx
expect 0 put mnt/EX02.contoso.com/_import.password 'of mail\n'
works cp mail.pfx mnt/EX02.contoso.com/
works openssl pkcs12 -in mnt/EX02.contoso.com/mail/export.pfx -passin 'pass:of EX02' -legacy -nodes -out opened
has opened 'BEGIN PRIVATE KEY'

t 'what_was_deleted'
valid mnt/EX01/gone gone.contoso.com
expect 0 mkdir mnt/EX01/draft-gone
expect 0 rmdir mnt/EX01/gone
expect 0 rmdir mnt/EX01/draft-gone
request mnt/EX04/there there.contoso.com
expect 0 rename mnt/EX04 mnt/_deleted/EX04

t 'slots'
printf '%s' "$passphrase" >passphrase
"$CERTFSCTL" --key-file certs.key --new-passphrase-fd 7 certs.db slots add passphrase 7<passphrase >out 2>&1 ||
	fail 'slots add passphrase' 'exit 0' "$(cat out)"
works ctl slots add recovery
cp out recovery

t 'a_ready_key'
expect 0 put mnt/_settings/ready-keys '1\n'
ready() { grep -q '"operation":"ready-key"' mnt/_audit.log; }
becomes 'a key is ready' ready
stop
works sqlite3 certs.db VACUUM
works ctl audit head
cp out head
sound
cp certs.db "$into/store"
cp certs.key "$into/key"
{
	printf 'passphrase %s\n' "$passphrase"
	printf 'recovery %s\n' "$(cat recovery)"
	printf 'head %s\n' "$(cat head)"
} >"$into/facts"
if (cd "$source" && CERTFS_GOLDEN_RECORD="$into" "$record" >"$T/recorded" 2>&1); then
	pass 'what has to stay is recorded'
else
	fail 'what has to stay is recorded' 'exit 0' "$(cat "$T/recorded")"
fi
finish
