#!/bin/sh
# Makes the files in this folder: PKCS#12 and PEM with encrypted keys, by the programs that make
# them, named after what has to come out of test_decode:
#
#   ok-N-what.ending         accepted with the passwords of the test, N items; gnutls-empty and
#                            gnutls-null: without any, as 600,000 iterations a try take long
#   refused-ERRNO-what       refused with that errno; ENOKEY: without any password
#
# The results are committed, so this runs only when a vector is added. Needs openssl 3.0, certtool
# (gnutls-bin), keytool (a JRE), pk12util (libnss3-tools), python3, iconv.
set -eu
umask 022
cd "$(dirname "$0")"
out=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
rm -f "$out"/ok-* "$out"/refused-*
plain=P@ssw0rd1
special='Grüße für 5 €'

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
ec root.key
ec int.key
ec leaf.key
ec second.key
printf 'basicConstraints=critical,CA:TRUE\n' >ca.ext
printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:mail.contoso.com\n' >leaf.ext
sign() { # NAME CN EXT ISSUER SERIAL
	openssl req -new -key "$1.key" -subj "/O=Contoso/CN=$2" -out "$1.csr"
	if [ "$1" = "$4" ]; then by="-key $1.key"; else by="-CA $4.pem -CAkey $4.key"; fi
	# shellcheck disable=SC2086
	openssl x509 -req -in "$1.csr" $by -set_serial "$5" -days 9000 -extfile "$3" -out "$1.pem" \
		2>/dev/null
}
sign root 'Contoso Root CA' ca.ext root 1
sign int 'Contoso Issuing CA' ca.ext root 2
sign leaf mail.contoso.com leaf.ext int 3
sign second second.contoso.com leaf.ext int 4
cat int.pem root.pem >chain.pem

p12() { # NAME PASSWORD OPTIONS
	name=$1
	password=$2
	shift 2
	openssl pkcs12 -export -inkey leaf.key -in leaf.pem -passout "pass:$password" \
		-out "$out/$name" "$@"
}

# openssl 3, openssl 1, Windows' ways
p12 ok-2-openssl3.pfx "$plain"
p12 ok-4-openssl3-chain-and-name.pfx "$plain" -certfile chain.pem -name 'Contoso Mail 2026'
p12 ok-4-openssl1-rc2-40.pfx "$plain" -legacy -certfile chain.pem -name 'Old mail'
p12 ok-2-3des.pfx "$plain" -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -name Windows
p12 ok-2-rc4.pfx "$plain" -provider legacy -provider default -keypbe PBE-SHA1-RC4-128 \
	-certpbe PBE-SHA1-RC4-40 -macalg sha1
p12 ok-2-aes128-mac-sha512.pfx "$plain" -keypbe AES-128-CBC -certpbe AES-128-CBC -macalg sha512
p12 ok-2-utf8.pfx "$special"
p12 ok-2-utf8-3des.pfx "$special" -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
p12 ok-2-utf8-as-openssl1.pfx "$(printf %s "$special" | iconv -f LATIN1 -t UTF-8)" \
	-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
p12 ok-2-empty-password.pfx ''
p12 ok-2-empty-password-rc2-40.pfx '' -legacy
p12 ok-2-no-mac.pfx "$plain" -nomac
p12 ok-2-no-mac-3des.pfx "$plain" -nomac -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES
p12 ok-2-nothing-encrypted.pfx '' -keypbe NONE -certpbe NONE -nomac
p12 ok-2-certificate-not-encrypted.pfx "$plain" -certpbe NONE
p12 ok-2-name-in-utf8.pfx "$plain" -name 'Größe 漢字'
openssl pkcs12 -export -nokeys -in chain.pem -passout "pass:$plain" -out "$out/ok-2-no-key.pfx"
p12 refused-EKEYREJECTED-other-password.pfx another
p12 refused-EKEYREJECTED-other-password-rc2-40.pfx another -legacy
p12 refused-EKEYREJECTED-other-password-no-mac.pfx another -nomac
p12 refused-ENOKEY-password.pfx "$plain"
p12 refused-ENOKEY-password-rc4.pfx "$plain" -provider legacy -provider default -nomac \
	-keypbe PBE-SHA1-RC4-128 -certpbe PBE-SHA1-RC4-40
openssl pkcs12 -export -nocerts -inkey leaf.key -passout "pass:$plain" \
	-out "$out/refused-EINVAL-only-a-key.pfx"

# GnuTLS
gnutls() { # NAME OPTIONS
	name=$1
	shift
	certtool --to-p12 --load-privkey leaf.key --load-certificate leaf.pem --p12-name gnutls --outder \
		--outfile "$out/$name" "$@" >/dev/null 2>&1
}
gnutls ok-2-gnutls.p12 --password "$plain"
gnutls ok-2-gnutls-empty-password.p12 --empty-password
gnutls ok-2-gnutls-null-password.p12 --null-password

# Java: two keys in one file, with the chain at each
for one in leaf second; do
	openssl pkcs12 -export -inkey $one.key -in $one.pem -certfile chain.pem -name $one \
		-passout "pass:$plain" -out $one.p12
	keytool -importkeystore -srckeystore $one.p12 -srcstorepass "$plain" -destkeystore java.p12 \
		-deststoretype PKCS12 -deststorepass "$plain" -noprompt >/dev/null 2>&1
	keytool -J-Dkeystore.pkcs12.legacy -importkeystore -srckeystore $one.p12 -srcstorepass "$plain" \
		-destkeystore old.p12 -deststoretype PKCS12 -deststorepass "$plain" -noprompt >/dev/null 2>&1
done
cp java.p12 "$out/ok-6-java-two-keys.p12"
cp old.p12 "$out/ok-6-java-8-two-keys.p12"

# NSS
mkdir nss
certutil -N -d sql:nss --empty-password
pk12util -i leaf.p12 -d sql:nss -W "$plain" >/dev/null
pk12util -o "$out/ok-4-nss.p12" -n leaf -d sql:nss -W "$plain" >/dev/null

# PEM with encrypted keys
openssl pkcs8 -topk8 -in leaf.key -passout "pass:$plain" -out sealed.key
cat leaf.pem sealed.key >"$out/ok-2-encrypted-key.pem"
openssl pkcs8 -topk8 -in leaf.key -scrypt -passout "pass:$plain" -out scrypt.key
cat scrypt.key leaf.pem >"$out/ok-2-encrypted-key-scrypt.pem"
openssl pkcs8 -topk8 -in leaf.key -passout "pass:$plain" -v1 PBE-MD5-DES -provider legacy \
	-provider default -out md5.key
cat md5.key leaf.pem >"$out/ok-2-encrypted-key-md5-des.pem"
for cipher in aes256 des3; do
	openssl ec -in leaf.key -$cipher -passout "pass:$plain" -out old.key 2>/dev/null
	cat old.key leaf.pem >"$out/ok-2-encrypted-old-key-$cipher.pem"
done
sed 's/$/\r/' "$out/ok-2-encrypted-old-key-aes256.pem" >"$out/ok-2-encrypted-old-key-crlf.pem"
openssl ec -in leaf.key -des -provider legacy -provider default -passout "pass:$special" \
	-out old.key 2>/dev/null
cat old.key leaf.pem >"$out/ok-2-encrypted-old-key-des-utf8.pem"
openssl pkcs8 -topk8 -in leaf.key -passout pass:another -out other.key
cat leaf.pem other.key >"$out/refused-EKEYREJECTED-encrypted-key.pem"
openssl ec -in leaf.key -aes256 -passout pass:another -out old.key 2>/dev/null
cat leaf.pem old.key >"$out/refused-EKEYREJECTED-encrypted-old-key.pem"
cat leaf.pem sealed.key >"$out/refused-ENOKEY-encrypted-key.pem"

# Damaged
head -c 600 "$out/ok-2-openssl3.pfx" >"$out/refused-EBADMSG-cut-off.pfx"
{ cat "$out/ok-2-openssl3.pfx"; printf x; } >"$out/refused-EBADMSG-bytes-after.pfx"

# Bombs: one count of 2048 iterations after the other replaced; the lengths around it follow
cat >bomb.py <<'END'
import sys

def size(n):
    return bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + \
        n.to_bytes((n.bit_length() + 7) // 8, 'big')

def parse(data):
    i, out = 0, []
    while i < len(data):
        tag, n, i = data[i], data[i + 1], i + 2
        if n & 0x80:
            k = n & 0x7f
            n, i = int.from_bytes(data[i:i + k], 'big'), i + k
        body, i = data[i:i + n], i + n
        if len(body) != n:
            raise ValueError
        if tag & 0x20 or (tag == 4 and body[:1] == b'0'):
            try:
                body = parse(body)
            except (ValueError, IndexError):
                pass
        out.append((tag, body))
    return out

seen = 0

def build(items, which, count):
    global seen
    out = b''
    for tag, body in items:
        if isinstance(body, list):
            body = build(body, which, count)
        elif tag == 2 and body == b'\x08\x00':
            if which in (seen, -1):
                body = count
            seen += 1
        out += bytes([tag]) + size(len(body)) + body
    return out

which, count = int(sys.argv[3]), int(sys.argv[4])
count = count.to_bytes(count.bit_length() // 8 + 1, 'big')
tree = parse(open(sys.argv[1], 'rb').read())
open(sys.argv[2], 'wb').write(build(tree, which, count))
END
bomb() { python3 bomb.py "$out/ok-2-openssl3.pfx" "$out/$1" "$2" "$3"; } # -1: all counts
bomb refused-EINVAL-bomb-certificates.pfx 0 2147483647
bomb refused-EINVAL-bomb-key.pfx 1 2147483647
bomb refused-EINVAL-bomb-mac.pfx 2 2147483647
bomb refused-EINVAL-bomb-64-bits.pfx 2 9223372036854775807
bomb refused-EINVAL-bomb-100-bits.pfx 2 1267650600228229401496703205376
bomb refused-EINVAL-bomb-in-all.pfx -1 2100000
bomb refused-EBADMSG-no-iterations.pfx 2 0
