#!/bin/sh
# Makes the files in this folder: small inputs for test_decode, named after what has to come out.
#
#   ok-N-what.ending       accepted, N items
#   refused-ERRNO-what     refused with that errno
#
# The results are committed, so this runs only when a vector is added. Keys are random: every run
# makes other bytes, with the same verdicts. Needs openssl 3.0, iconv, xxd.
set -eu
umask 022
cd "$(dirname "$0")"
out=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

cat >ca.cnf <<'END'
[ca]
default_ca = here
[here]
database = index
serial = serial
crlnumber = crlnumber
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
preserve = yes
copy_extensions = none
[any]
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:mail.contoso.com, DNS:autodiscover.contoso.com
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = dn
[dn]
END
: >index
echo 1000 >serial
echo 01 >crlnumber

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# sign NAME SUBJECT SECTION ISSUER: NAME.key to NAME.pem; ISSUER may be the same name
sign() {
	openssl req -new -key "$1.key" -subj "$2" -config ca.cnf -out "$1.csr"
	if [ "$1" = "$4" ]; then by="-selfsign"; else by="-cert $4.pem"; fi
	# shellcheck disable=SC2086
	openssl ca -batch -notext -config ca.cnf -extensions "$3" -in "$1.csr" -keyfile "$4.key" \
		$by -startdate 20200101000000Z -enddate 20500101000000Z -out "$1.pem" 2>/dev/null
}

ec root.key
ec int.key
ec leaf.key
sign root '/O=Contoso/CN=Contoso Root CA' root root
sign int '/O=Contoso/CN=Contoso Issuing CA' root root
sign leaf '/O=Contoso/CN=mail.contoso.com' leaf int
openssl ca -config ca.cnf -gencrl -crl_lastupdate 20200101000000Z \
	-crl_nextupdate 20450101000000Z -keyfile root.key -cert root.pem -out crl.pem 2>/dev/null
der() { openssl x509 -in "$1" -outform DER; }
rm -f "$out"/ok-* "$out"/refused-*

# One certificate, in every way it is saved
der leaf.pem >"$out/ok-1-der.cer"
cp leaf.pem "$out/ok-1-pem.pem"
sed 's/$/\r/' leaf.pem >"$out/ok-1-crlf.pem"
tr '\n' '\r' <leaf.pem >"$out/ok-1-cr.pem"
{ printf '\357\273\277'; cat leaf.pem; } >"$out/ok-1-bom.pem"
{ printf '\377\376'; sed 's/$/\r/' leaf.pem | iconv -f UTF-8 -t UTF-16LE; } >"$out/ok-1-utf16le.pem"
{ printf '\376\377'; iconv -f UTF-8 -t UTF-16BE leaf.pem; } >"$out/ok-1-utf16be.pem"
{ echo "subject=CN = mail.contoso.com"; cat leaf.pem; echo "-----BEGIN nothing"; echo end; } \
	>"$out/ok-1-text-around.pem"
{ echo "0 s:O = Contoso"; cat leaf.pem; } >"$out/ok-1-text-that-starts-with-0.pem"
sed 's/ CERT/ X509 CERT/' leaf.pem >"$out/ok-1-label-x509-certificate.pem"
sed 's/^/  /; s/^  -/-/' leaf.pem >"$out/ok-1-indented.pem"
{ echo "-----BEGIN CERTIFICATE-----"; der leaf.pem | base64 -w0; echo; \
	echo "-----END CERTIFICATE-----"; } >"$out/ok-1-one-long-line.pem"
der leaf.pem | base64 >"$out/ok-1-bare-base64.cer"
cat leaf.pem leaf.pem >"$out/ok-1-twice-the-same.pem"
cat leaf.csr leaf.pem >"$out/ok-1-beside-its-request.pem"

# Bundles
cat leaf.pem int.pem root.pem >"$out/ok-3-bundle.pem"
cat root.pem leaf.pem int.pem >"$out/ok-3-bundle-out-of-order.pem"
openssl crl2pkcs7 -nocrl -certfile "$out/ok-3-bundle.pem" -outform DER -out "$out/ok-3-pkcs7.p7b"
openssl crl2pkcs7 -nocrl -certfile "$out/ok-3-bundle.pem" -out p7.pem
cp p7.pem "$out/ok-3-label-pkcs7.p7b"
sed 's/ PKCS7/ CMS/' p7.pem >"$out/ok-3-label-cms.p7c"
sed 's/ PKCS7/ CERTIFICATE/' p7.pem >"$out/ok-3-pkcs7-under-label-certificate.p7b"
sed 's/ PKCS7/ PKCS #7 SIGNED DATA/' p7.pem >"$out/ok-3-label-signed-data.p7b"
openssl crl2pkcs7 -in crl.pem -certfile "$out/ok-3-bundle.pem" -out "$out/ok-4-pkcs7-with-crl.p7b"
openssl crl -in crl.pem -outform DER -out "$out/ok-1-crl.crl"
cp crl.pem "$out/ok-1-crl.pem"

# With a key
cat leaf.key leaf.pem >"$out/ok-2-with-key.pem"
openssl ec -in leaf.key -out sec1.key 2>/dev/null
{ openssl ecparam -name prime256v1; cat sec1.key leaf.pem; } >"$out/ok-2-with-traditional-key.pem"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl req -x509 -key rsa.key -subj /CN=rsa.contoso.com -config ca.cnf -days 9000 -out rsa.pem
openssl rsa -in rsa.key -traditional -out rsa1.key 2>/dev/null
cat rsa.pem rsa1.key >"$out/ok-2-with-traditional-rsa-key.pem"
openssl genpkey -algorithm ED25519 -out ed.key
openssl req -x509 -key ed.key -subj /CN=ed.contoso.com -config ca.cnf -days 9000 -out ed.pem
cat ed.pem ed.key >"$out/ok-2-with-ed25519-key.pem"

# Not certificates
: >"$out/refused-EBADMSG-empty.cer"
printf '\357\273\277' >"$out/refused-EBADMSG-only-a-bom.cer"
printf 'hello\n' >"$out/refused-EBADMSG-text.pem"
printf 'SGVsbG8gd29ybGQ=\n' >"$out/refused-EBADMSG-base64-of-text.cer"
printf '\001\002\003\377\000\375' >"$out/refused-EBADMSG-garbage.cer"
printf '0\202\001\000' >"$out/refused-EBADMSG-only-a-header.cer"
printf '0\003\002\001\005' >"$out/refused-EBADMSG-a-number.cer"
{ der leaf.pem; printf 'x'; } >"$out/refused-EBADMSG-bytes-after.cer"
{ der leaf.pem; der int.pem; } >"$out/refused-EBADMSG-two-in-der.cer"
der leaf.pem | head -c 300 >"$out/refused-EBADMSG-cut-off.cer"
sed '$d' leaf.pem >"$out/refused-EBADMSG-no-end.pem"
sed '3s/./!/' leaf.pem >"$out/refused-EBADMSG-damaged-base64.pem"
sed '2d' leaf.pem >"$out/refused-EBADMSG-line-missing.pem"
{ cat leaf.pem; sed '2d' int.pem; } >"$out/refused-EBADMSG-second-is-damaged.pem"
{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE leaf.pem; printf 'x'; } \
	>"$out/refused-EBADMSG-odd-utf16.pem"
sed 's/BEGIN/begin/' leaf.pem >"$out/refused-EBADMSG-lower-case-label.pem"
openssl pkey -in leaf.key -pubout -out "$out/refused-EBADMSG-public-key.pem"
{ openssl crl2pkcs7 -nocrl -certfile leaf.pem -outform DER; printf 'x'; } \
	>"$out/refused-EBADMSG-bytes-after.p7b"
openssl crl2pkcs7 -nocrl -outform DER -out "$out/refused-EBADMSG-nothing-in-it.p7b" </dev/null
printf hello | openssl smime -encrypt -outform DER -aes256 rsa.pem \
	>"$out/refused-EBADMSG-enveloped.p7b"

# What has a sentence of its own
cp leaf.csr "$out/refused-EINVAL-request.pem"
sed 's/ CERT/ NEW CERT/' leaf.csr >"$out/refused-EINVAL-request-of-windows.pem"
openssl req -in leaf.csr -config ca.cnf -outform DER -out "$out/refused-EINVAL-request.der"
cp leaf.key "$out/refused-EINVAL-key.pem"
cp sec1.key "$out/refused-EINVAL-traditional-key.pem"
openssl pkcs8 -topk8 -nocrypt -in leaf.key -outform DER -out "$out/refused-EINVAL-key.der"
openssl pkcs8 -topk8 -in leaf.key -passout pass:x -outform DER \
	-out "$out/refused-ENOKEY-encrypted-key.der"
openssl pkcs8 -topk8 -in leaf.key -passout pass:x -out sealed.key
cp sealed.key "$out/refused-ENOKEY-encrypted-key.pem"
cat leaf.pem sealed.key >"$out/refused-ENOKEY-encrypted-key-beside-certificate.pem"
openssl ec -in leaf.key -aes256 -passout pass:x -out "$out/refused-ENOKEY-encrypted-old-key.pem" \
	2>/dev/null
openssl pkcs12 -export -inkey leaf.key -in leaf.pem -passout pass:x \
	-out "$out/refused-ENOKEY-pkcs12.pfx"
openssl x509 -in leaf.pem -addtrust serverAuth -trustout -out "$out/refused-EINVAL-trusted.pem"

# A key whose public half is another's: the last 65 bytes of the DER are the point
{ openssl pkcs8 -topk8 -nocrypt -in leaf.key -outform DER | head -c -65
	openssl pkcs8 -topk8 -nocrypt -in int.key -outform DER | tail -c 65; } >mixed.der
{ cat leaf.pem; openssl base64 -in mixed.der | sed '1i-----BEGIN PRIVATE KEY-----
$a-----END PRIVATE KEY-----'; } >"$out/refused-EINVAL-key-of-two-halves.pem"

# Keys that are not taken
self() { openssl req -x509 -key "$1" -subj "/CN=$2" -config ca.cnf -days 9000 -outform DER -out "$3"; }
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key 2>/dev/null
self weak.key weak "$out/refused-EINVAL-rsa1024.cer"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:8200 -out large.key 2>/dev/null
self large.key large "$out/refused-EINVAL-rsa8200.cer"
openssl ecparam -genkey -name prime192v1 -noout -out p192.key
self p192.key p192 "$out/refused-EINVAL-p192.cer"
openssl ecparam -genkey -name prime256v1 -param_enc explicit -noout -out explicit.key
self explicit.key explicit "$out/refused-EINVAL-explicit-curve.cer"
openssl x509 -inform DER -in "$out/refused-EINVAL-explicit-curve.cer" -out explicit.pem
cat leaf.pem explicit.key >"$out/refused-EINVAL-key-with-explicit-curve.pem"
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 -out dsa.par 2>/dev/null
openssl genpkey -paramfile dsa.par -out dsa.key
self dsa.key dsa "$out/refused-EINVAL-dsa.cer"
