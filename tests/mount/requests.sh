#!/bin/sh
# Requests: every way of writing `request.csr`, what the request holds, and what is refused
# before and after it is there (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01

text_of() { # CSR
	openssl req -in "$1" -noout -text
}

verifies() { # CSR
	true_that "openssl verifies $1" sh -c "openssl req -in $1 -noout -verify 2>&1 | grep -q OK"
}

spki() { # CSR: the public key, DER
	openssl req -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER
}

san() { # CSR: the names, one per line
	text_of "$1" | sed -n '/Subject Alternative Name/{n;s/^ *//;s/, /\n/g;p;}'
}

t 'request__by_echo_of_a_name_as_in_the_readme'
expect 0 mkdir mnt/EX01/mail
before_mtime=$(value stat mnt/EX01/mail mtime)
works sh -c "echo 'C=US, O=Contoso, CN=mail.contoso.com' > mnt/EX01/mail/request.csr"
m=mnt/EX01/mail
is $m/status PendingRequest
present $m/request.csr $m/request.der $m/tlsa
differ 'mtime of the directory moved' "$before_mtime" "$(value stat $m mtime)"
listed $m 'status info info.json why subject domains key-type exportable friendly-name request.csr request.der
export.password tlsa'
verifies $m/request.csr
is $m/key-type rsa2048
is $m/exportable yes
is $m/domains mail.contoso.com
equal 'the subject is encoded as it was written' 'subject=C = US, O = Contoso, CN = mail.contoso.com' \
	"$(openssl req -in $m/request.csr -noout -subject)"

t 'request__has_the_profile_of_exchange'
text_of $m/request.csr >text
has text 'Public-Key: (2048 bit)' 'Signature Algorithm: sha256WithRSAEncryption'
matches text 'X509v3 Key Usage: critical'
matches text '^ *Digital Signature, Key Encipherment$'
matches text '^ *TLS Web Server Authentication$'
matches text 'X509v3 Basic Constraints: critical'
lacks text 'CA:TRUE' 'pathlen' 1.3.6.1.4.1.311 challengePassword unstructuredName
equal 'the names' 'DNS:mail.contoso.com' "$(san $m/request.csr)"
equal 'one label, that of RFC 7468' '-----BEGIN CERTIFICATE REQUEST-----' "$(head -n 1 $m/request.csr)"

t 'request__der_and_tlsa_are_what_openssl_makes_of_it'
openssl req -in $m/request.csr -outform DER -out request.der
same request.der $m/request.der
hash=$(spki $m/request.csr | sha256sum | cut -d' ' -f1)
equal 'tlsa' "3 1 1 $hash" "$(tr 'A-F' 'a-f' <$m/tlsa)"
equal 'tlsa is one line' 1 "$(wc -l <$m/tlsa)"
for file in request.csr request.der tlsa; do
	expect 'file,0444' stat $m/$file type,mode
	equal "$file has its size" "$(wc -c <$m/$file)" "$(value stat $m/$file size)"
done

t 'request__reads_the_same_each_time_and_after_a_restart'
snapshot
restart
unchanged

t 'request__cannot_be_written_again'
snapshot
expect EACCES open $m/request.csr O_WRONLY
expect EACCES open $m/request.csr O_WRONLY,O_APPEND
expect EACCES open $m/request.csr O_RDWR
expect EACCES open $m/request.csr O_WRONLY,O_CREAT,O_TRUNC
expect EEXIST open $m/request.csr O_WRONLY,O_CREAT,O_EXCL
expect 'EACCES|EPERM' truncate $m/request.csr 0
expect EPERM unlink $m/request.csr
expect EPERM unlink $m/request.der
expect EPERM unlink $m/status
expect EPERM unlink $m/friendly-name
expect EPERM rename $m/request.csr $m/old.csr
expect EPERM link $m/request.csr $m/old.csr
fails EACCES bash -c "echo CN=other.contoso.com > $m/request.csr"
fails EACCES sh -c "echo CN=other.contoso.com | tee $m/request.csr"
fails - cp $m/info $m/request.csr
[ "$(id -u)" != 0 ] || sentence $m request.csr # other users are refused by the kernel
unchanged

t 'pending__draft_values_are_fixed_but_the_friendly_name'
snapshot
for file in subject domains key-type exportable; do
	expect 'file,0444' stat $m/$file type,mode
	expect EACCES open $m/$file O_WRONLY
	expect EACCES open $m/$file O_WRONLY,O_TRUNC
	fails EACCES bash -c "echo x >> $m/$file"
done
unchanged
expect 'file,0644' stat $m/friendly-name type,mode
csr=$(cat $m/request.csr)
expect 0 put $m/friendly-name 'Post office\n'
is $m/friendly-name 'Post office'
equal 'the request stays' "$csr" "$(cat $m/request.csr)"

t 'pending__files_of_certificates_are_absent_and_cannot_be_made'
snapshot
for file in services export.pfx thumbprint issuer serial not-before not-after; do
	absent $m/$file
	expect EACCES open $m/$file O_WRONLY,O_CREAT
done
fails EACCES bash -c "echo SMTP >> $m/services"
absent $m/certificate.cer
expect EPERM open $m/notes.txt O_WRONLY,O_CREAT
unchanged

t 'forms__every_program_that_writes_makes_the_request'
n=0
form() { # COMMAND: run by sh, with f the file to write
	n=$((n + 1))
	mkdir "mnt/EX01/form-$n"
	works env "f=mnt/EX01/form-$n/request.csr" "$@"
	is "mnt/EX01/form-$n/status" PendingRequest
	equal 'its key' "$(cat key)" "$(cat "mnt/EX01/form-$n/key-type")"
	equal 'its name' CN=form.contoso.com "$(cat "mnt/EX01/form-$n/subject")"
	verifies "mnt/EX01/form-$n/request.csr"
}
echo p256 >key
printf 'key-type = p256\nCN=form.contoso.com\n' >form.txt
printf 'key-type = p256\nsubject = CN=form.contoso.com\n' >form-subject.txt
printf 'key-type=p256\r\nCN=form.contoso.com\r\n' >form-crlf.txt
printf '\357\273\277key-type = p256\r\nCN=form.contoso.com\r\n' >form-bom.txt
printf 'key-type = p256\nCN=form.contoso.com' >form-open.txt
# shellcheck disable=SC2016 # f is expanded by the shell that form starts
{
	form sh -c 'printf "key-type = p256\nCN=form.contoso.com\n" > $f'
	form bash -c 'printf "key-type = p256\nCN=form.contoso.com\n" > $f'
	form dash -c 'printf "key-type = p256\nCN=form.contoso.com\n" > $f'
	form bash -c '{ echo key-type = p256; echo CN=form.contoso.com; } > $f'
	form dash -c '{ echo key-type = p256; echo CN=form.contoso.com; } > $f'
	form sh -c '(/bin/echo key-type = p256; /bin/echo CN=form.contoso.com) > $f'
	form sh -c 'cat > $f <<END
key-type = p256
CN=form.contoso.com
END'
	form bash -c 'printf "key-type = p256\nCN=form.contoso.com\n" >> $f'
	form sh -c 'cp form.txt $f'
	form sh -c 'cat form.txt > $f'
	form sh -c 'tee $f < form.txt'
	form sh -c 'dd if=form.txt of=$f conv=fsync status=none'
	form sh -c 'dd if=form.txt of=$f bs=7 status=none'
	form sh -c 'install -m 644 form.txt $f'
	form sh -c 'cp form-subject.txt $f'
	form sh -c 'cp form-crlf.txt $f'
	form sh -c 'cp form-bom.txt $f'
	form sh -c 'cp form-open.txt $f'
	form sh -c 'cp form.txt $f.tmp && mv $f.tmp $f'
	if have rsync; then
		form sh -c 'rsync form.txt $f'
	fi
	if have busybox; then
		form busybox sh -c 'printf "key-type = p256\nCN=form.contoso.com\n" > $f'
	fi
	echo rsa2048 >key
	form sh -c 'echo CN=form.contoso.com > $f'
	form bash -c 'echo CN=form.contoso.com > $f'
	form dash -c 'echo CN=form.contoso.com > $f'
	form bash -c 'printf "CN=form.contoso.com" > $f'
}
expect 0 mkdir mnt/EX01/moved
cp form.txt moving
works mv moving mnt/EX01/moved/request.csr
is mnt/EX01/moved/status PendingRequest

t 'request__is_made_by_the_write_that_completes_the_name'
expect 0 mkdir mnt/EX01/steps
expect '0 0 file 0 file 0 file 0' open mnt/EX01/steps/request.csr O_WRONLY,O_CREAT : write 'key-type = p2' : \
	stat mnt/EX01/steps/why type : write '56\nCN=steps.conto' : stat mnt/EX01/steps/why type : \
	write 'so.com\n' : stat mnt/EX01/steps/request.der type : close
is mnt/EX01/steps/subject CN=steps.contoso.com
is mnt/EX01/steps/key-type p256

t 'properties__in_front_of_the_name_set_what_they_say'
request mnt/EX01/props props.contoso.com 'domains = b.contoso.com, c.contoso.com' 'exportable = no' \
	'friendly-name = Props of 2027'
is mnt/EX01/props/exportable no
is mnt/EX01/props/friendly-name 'Props of 2027'
san mnt/EX01/props/request.csr | sort >names
printf 'DNS:%s\n' b.contoso.com c.contoso.com props.contoso.com | cmp -s - names
equal 'the name is among the domains' 0 $?
equal 'and in the file' "$(sed 's/^DNS://' names)" "$(sort mnt/EX01/props/domains)"

t 'touch__makes_the_request_of_the_drafts_own_files'
expect 0 mkdir mnt/EX01/touched
expect 0 put mnt/EX01/touched/subject 'C=US, S=WA, L=Redmond, O="Contoso, Ltd.", OU=IT, CN=touched.contoso.com\n'
expect 0 put mnt/EX01/touched/domains '*.contoso.com\n192.0.2.1\n2001:db8::1\n'
expect 0 put mnt/EX01/touched/key-type 'p384\n'
expect 0 put mnt/EX01/touched/exportable 'no\n'
works touch mnt/EX01/touched/request.csr
is mnt/EX01/touched/status PendingRequest
verifies mnt/EX01/touched/request.csr
text_of mnt/EX01/touched/request.csr >text
has text secp384r1
is mnt/EX01/touched/exportable no
equal 'the subject as written' \
	'subject=C = US, ST = WA, L = Redmond, O = "Contoso, Ltd.", OU = IT, CN = touched.contoso.com' \
	"$(openssl req -in mnt/EX01/touched/request.csr -noout -subject)"
san mnt/EX01/touched/request.csr | sort >names
cat >wanted <<-'END'
	DNS:*.contoso.com
	DNS:touched.contoso.com
	IP Address:192.0.2.1
	IP Address:2001:DB8:0:0:0:0:0:1
END
same wanted names
expect 0 mkdir mnt/EX01/bare
works touch mnt/EX01/bare/request.csr
equal 'without a subject it is the server' 'subject=CN = EX01' \
	"$(openssl req -in mnt/EX01/bare/request.csr -noout -subject)"
equal 'and so are the domains' DNS:EX01 "$(san mnt/EX01/bare/request.csr)"

t 'redirection__alone_makes_nothing'
expect 0 mkdir mnt/EX01/nothing
snapshot
works bash -c ': > mnt/EX01/nothing/request.csr'
works dash -c '> mnt/EX01/nothing/request.csr'
expect '0 0 0' open mnt/EX01/nothing/request.csr O_WRONLY,O_CREAT : dup_close : close
absent mnt/EX01/nothing/request.csr
is mnt/EX01/nothing/status Draft
unchanged
works sh -c 'printf "key-type = p256\nCN=nothing.contoso.com\n" > mnt/EX01/nothing/request.csr'
is mnt/EX01/nothing/status PendingRequest

t 'keys__of_every_type'
for type in rsa2048 rsa3072 rsa4096 p256 p384; do
	expect 0 mkdir mnt/EX01/$type
	works sh -c "printf 'key-type = $type\nCN=$type.contoso.com\n' > mnt/EX01/$type/request.csr"
	is mnt/EX01/$type/key-type $type
	verifies mnt/EX01/$type/request.csr
	text_of mnt/EX01/$type/request.csr >text
	case $type in
	rsa*) has text "Public-Key: (${type#rsa} bit)" 'Exponent: 65537 ' ;;
	p256) has text prime256v1 ;;
	p384) has text secp384r1 ;;
	esac
	matches text 'Signature Algorithm: .*[sS][hH][aA](256|384)'
	matches text '^ *Digital Signature, Key Encipherment$'
done
keys=$(for csr in mnt/EX01/*/request.csr; do spki "$csr" | sha256sum; done)
equal 'no two have the same key' "$(printf '%s\n' "$keys" | wc -l)" "$(printf '%s\n' "$keys" | sort -u | wc -l)"

t 'names__encoded_as_written_or_reversed'
expect 0 mkdir mnt/EX01/reversed
expect 0 put mnt/EX01/reversed/request.csr 'key-type = p256\nCN=r.contoso.com, OU=IT, O=M\xc3\xbcller, C=DE\n'
equal 'CN last' 'subject=C=DE,O=Müller,OU=IT,CN=r.contoso.com' \
	"$(openssl req -in mnt/EX01/reversed/request.csr -noout -subject -nameopt RFC2253,-dn_rev,utf8,-esc_msb)"
expect 0 mkdir mnt/EX01/long
long=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbb.contoso.com
expect 0 put mnt/EX01/long/request.csr "key-type = p256\nO=Contoso, CN=$long\n"
equal 'a CN over 64 bytes goes only into the domains' "DNS:$long" "$(san mnt/EX01/long/request.csr)"
equal 'and not into the subject' 'subject=O = Contoso' \
	"$(openssl req -in mnt/EX01/long/request.csr -noout -subject)"
is mnt/EX01/long/domains $long
expect 0 mkdir mnt/EX01/wild
expect 0 put mnt/EX01/wild/request.csr 'key-type = p256\nCN=*.contoso.com\n'
equal 'a wildcard' 'DNS:*.contoso.com' "$(san mnt/EX01/wild/request.csr)"
expect 0 mkdir mnt/EX01/smuggle
expect 0 put mnt/EX01/smuggle/request.csr 'key-type = p256\nO="x, DNS:evil.example", CN=s.contoso.com\n'
equal 'a name inside another is no name' DNS:s.contoso.com "$(san mnt/EX01/smuggle/request.csr)"

t 'refused__a_bad_line_is_heard_in_write_and_the_draft_stays'
expect 0 mkdir mnt/EX01/bad
b=mnt/EX01/bad
expect 0 put $b/key-type 'p256\n'
snapshot
expect '0 EINVAL 0' open $b/request.csr O_WRONLY,O_CREAT,O_TRUNC : write 'O=Contoso\n' : close
sentence $b CN
for text in 'C=USA, CN=mail.contoso.com' 'mail.contoso.com' 'CN=' 'key-type = rsa1024\nCN=mail.contoso.com' \
	'key-type =\nCN=mail.contoso.com' 'colour = red\nCN=mail.contoso.com' 'exportable = maybe\nCN=mail.contoso.com' \
	'domains = *.*.contoso.com\nCN=mail.contoso.com' 'domains = a_b.example\nCN=mail.contoso.com' \
	'services = SMTP\nCN=mail.contoso.com' 'subject = O=Contoso' 'CN=*.*.contoso.com' 'CN=bad_name.example' \
	'CN=m\x1b[1m.example' 'CN=a\0b.example' 'CN=a\xff' '-----BEGIN CERTIFICATE REQUEST-----'; do
	expect EINVAL put $b/request.csr "$text\n"
done
expect EINVAL put $b/request.csr 'key-type = rsa1024\nCN=mail.contoso.com\n'
sentence $b rsa1024 rsa2048
expect EINVAL put $b/request.csr 'colour = red\nCN=mail.contoso.com\n'
sentence $b colour
expect EINVAL put $b/request.csr 'domains = a_b.example\nCN=mail.contoso.com\n'
sentence $b a_b.example
fails EINVAL bash -c "printf 'colour = red\n' > $b/request.csr"
fails EINVAL sh -c "cat $m/request.csr > $b/request.csr"
fails EINVAL cp $m/request.csr $b/request.csr
fails - dash -c "echo O=Contoso > $b/request.csr"
absent $b/request.csr
is $b/status Draft
unchanged
works sh -c "echo CN=mail.contoso.com > $b/request.csr"
is $b/status PendingRequest
is $b/key-type p256

t 'refused__whatever_comes_after_the_name'
expect 0 mkdir mnt/EX01/after
f=mnt/EX01/after/request.csr
got=$(value open $f O_WRONLY,O_CREAT : write 'key-type = p256\nCN=after.contoso.com\n' : write 'exportable = no\n' : close)
case $got in
'0 0 E'*) pass "told: $got" ;;
*) fail 'the second write is told' '0 0 E...' "$got" ;;
esac
is mnt/EX01/after/status PendingRequest
is mnt/EX01/after/exportable yes
expect 0 mkdir mnt/EX01/after2
fails - bash -c "printf 'key-type = p256\nCN=after2.contoso.com\nexportable = no\n' > mnt/EX01/after2/request.csr"
is mnt/EX01/after2/subject CN=after2.contoso.com
expect 0 mkdir mnt/EX01/after3
got=$(value put mnt/EX01/after3/request.csr 'key-type = p256\nCN=after3.contoso.com\nexportable = no\n')
case $got in
E*) pass "told: $got" ;;
*) fail 'what comes after the name in one write is told' 'E...' "$got" ;;
esac

t 'restart__keeps_every_request'
snapshot
restart
unchanged
is mnt/EX01/touched/status PendingRequest

finish
