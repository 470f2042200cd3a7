"""
Writes the bombs of bombs.sh: python3 bombs.py DIRECTORY CERTIFICATE.der KEY.pem

Files that are small to send and dear to take apart, each named after its verdict: EBADMSG-name.cer;
a name with several errnos leaves the choice to the order in which the file is looked at.
"""
import os
import subprocess
import sys
import zlib

out, certificate_file, key_file = sys.argv[1:]
MOST = 1 << 20  # bytes that a dropped file may have


def der(tag, *parts):
    body = b''.join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts):
    return der(0x30, *parts)


def integer(n):
    return der(0x02, n.to_bytes(n.bit_length() // 8 + 1, 'big'))


def oid(text):
    numbers = [int(n) for n in text.split('.')]
    body = bytes([numbers[0] * 40 + numbers[1]])
    for n in numbers[2:]:
        piece = [n & 0x7f]
        while n > 0x7f:
            n >>= 7
            piece.insert(0, 0x80 | (n & 0x7f))
        body += bytes(piece)
    return der(0x06, body)


def octets(data):
    return der(0x04, data)


def bits(data):
    return der(0x03, b'\0', data)


def utc(text):
    return der(0x17, text.encode())


NULL = der(0x05)
SHA256_RSA = seq(oid('1.2.840.113549.1.1.11'), NULL)
ECDSA_SHA256 = seq(oid('1.2.840.10045.4.3.2'))
DATA = oid('1.2.840.113549.1.7.1')


def name(cn):
    return seq(der(0x31, seq(oid('2.5.4.3'), der(0x0c, cn.encode()))))


def rsa_key(bit_count):
    modulus = int.from_bytes(os.urandom(bit_count // 8), 'big') | 1 << (bit_count - 1) | 1
    return seq(seq(oid('1.2.840.113549.1.1.1'), NULL), bits(seq(integer(modulus), integer(65537))))


def tbs(cn, spki, algorithm=SHA256_RSA, extensions=b'', issuer=None):
    return seq(der(0xa0, integer(2)), integer(int.from_bytes(os.urandom(8), 'big')), algorithm,
               issuer or name(cn), seq(utc('200101000000Z'), utc('400101000000Z')), name(cn), spki,
               der(0xa3, seq(extensions)) if extensions else b'')


def certificate(cn, spki, **more):
    return seq(tbs(cn, spki, **more), SHA256_RSA, bits(os.urandom(256)))


def names(count, make):
    return seq(oid('2.5.29.17'), octets(seq(*(make(i) for i in range(count)))))


def signed(body):
    signature = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key_file], input=body,
                               stdout=subprocess.PIPE, check=True).stdout
    return seq(body, ECDSA_SHA256, bits(signature))


def pkcs7(certificates, crls=b''):
    return seq(oid('1.2.840.113549.1.7.2'), der(0xa0, seq(
        integer(1), der(0x31), seq(DATA), der(0xa0, *certificates) if certificates else b'',
        der(0xa1, crls) if crls else b'', der(0x31))))


def pkcs12(safe, mac=b''):
    return seq(integer(3), seq(DATA, der(0xa0, octets(safe))), mac)


def bag(kind, value):
    return seq(oid('1.2.840.113549.1.12.10.1.' + str(kind)), der(0xa0, value))


def plain(*bags):
    return seq(DATA, der(0xa0, octets(seq(*bags))))


def crl(entries, issuer):
    revoked = b''.join(seq(integer(i + 1), utc('240101000000Z')) for i in range(entries))
    return signed(seq(integer(1), ECDSA_SHA256, issuer, utc('240101000000Z'),
                      utc('400101000000Z'), seq(revoked)))


def subject(data):
    """The subject of a certificate, as it stands there."""
    def element(at):
        first, n, start = data[at + 1], data[at + 1], at + 2
        if first & 0x80:
            start += first & 0x7f
            n = int.from_bytes(data[at + 2:start], 'big')
        return start, start + n

    at = element(element(0)[0])[0]
    for _ in range(5):  # version, serial, algorithm, issuer, validity
        at = element(at)[1]
    return data[at:element(at)[1]]


def write(file, data):
    with open(os.path.join(out, file), 'wb') as stream:
        stream.write(data)


own = open(certificate_file, 'rb').read()
own_pem = subprocess.run(['openssl', 'x509', '-inform', 'DER', '-in', certificate_file],
                         stdout=subprocess.PIPE, check=True).stdout
key_pem = open(key_file, 'rb').read()
key_der = subprocess.run(['openssl', 'pkcs8', '-topk8', '-nocrypt', '-outform', 'DER', '-in', key_file],
                         stdout=subprocess.PIPE, check=True).stdout
key = rsa_key(2048)

# Numbers: certificates, CRL entries, names, keys
write('EFBIG-20000-certificates.p7b', pkcs7([own] * 20000))
write('EFBIG-as-many-as-fit.p7b', pkcs7([certificate('n%d' % i, key) for i in range(MOST // 700)]))
write('EINVAL-a-root-100-times.p7b', pkcs7([own] * 100))
write('EFBIG-the-same-again-and-again.p7b', pkcs7([own] * (MOST // len(own) - 1)))
write('EFBIG-crl-of-100000.crl', crl(100000, subject(own)))
write('EINVAL,ENOKEY-names-of-1-MiB.cer', certificate(
    'names', rsa_key(2048), extensions=names(MOST // 16, lambda i: der(0x82, b'a%09d.b' % i))))
write('EINVAL,ENOKEY,EFBIG-addresses-of-1-MiB.cer', certificate(
    'names', rsa_key(2048), extensions=names(MOST // 7, lambda i: der(0x87, i.to_bytes(4, 'big')))))
write('EFBIG-one-key-thousands-of-times.pem', key_pem * (MOST // len(key_pem)))
write('0-16-keys.pem', own_pem + key_pem * 16)
write('EFBIG-17-keys.pem', own_pem + key_pem * 17)
write('EFBIG-one-key-beside-its-certificate.p12', pkcs12(seq(plain(
    bag(3, seq(oid('1.2.840.113549.1.9.22.1'), der(0xa0, octets(own)))),
    *[bag(1, key_der)] * (MOST // 2 // len(key_der))))))

# Sizes: keys
for size in 16384, 65536, 1 << 22:
    write('EINVAL,EBADMSG-rsa-of-%d-bits.cer' % size, certificate('big', rsa_key(size)))

# Depth: whatever can hold itself
deep = b''
for depth in range(20000):
    deep = seq(deep)
write('EBADMSG-deep.cer', deep)
write('EBADMSG-deep.p7b', pkcs7([deep]))
write('EBADMSG-deep-without-lengths.cer', b'\x30\x80' * (MOST // 2))
write('EBADMSG-deep-without-lengths.p7b', seq(oid('1.2.840.113549.1.7.2'), b'\xa0\x80' + b'\x30\x80' * 200000))
write('EBADMSG-deep-strings.p12', pkcs12(b'\x24\x80' * (MOST // 4)))
write('EBADMSG-deep.p12', pkcs12(deep))
nested = seq(bag(1, key_der))
for depth in range(4000):
    nested = seq(bag(6, nested))
write('EBADMSG-bags-in-bags.p12', pkcs12(seq(seq(DATA, der(0xa0, octets(nested))))))
write('EBADMSG,EFBIG-empty-bags.p12', pkcs12(seq(plain(*[bag(6, seq())] * 50000))))
write('EBADMSG,EFBIG-empty-safes.p12', pkcs12(seq(*[plain()] * 50000)))
pkcs7_deep = pkcs7([own])
for depth in range(2000):
    pkcs7_deep = seq(oid('1.2.840.113549.1.7.2'), der(0xa0, seq(
        integer(1), der(0x31), seq(DATA, der(0xa0, octets(pkcs7_deep))), der(0x31))))
write('EBADMSG-pkcs7-in-pkcs7.p7b', pkcs7_deep)

# Compression: 100 MiB of zeros
packed = zlib.compress(bytes(100 << 20), 9)
write('EBADMSG-compressed.p7b', seq(oid('1.2.840.113549.1.9.16.1.9'), der(0xa0, seq(
    integer(0), seq(oid('1.2.840.113549.1.9.16.3.8')), seq(DATA, der(0xa0, octets(packed)))))))

# Text
write('EBADMSG-begin-lines.pem', b'-----BEGIN CERTIFICATE-----\n' * (MOST // 28))
write('EBADMSG-dashes.pem', b'-' * MOST)
write('EBADMSG-base64.cer', b'MIID' * (MOST // 4))

# What is just taken; the CRL has nearly 1 MiB and is signed by the CA
write('0-crl-that-just-fits.crl', crl(MOST // 25, subject(own)))
