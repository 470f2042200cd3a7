#!/bin/sh
# Views: what every file of a certificate says, that sizes, inodes and times are exact and stay,
# and that the whole tree can be read and copied (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
ca issuing root
works cp ca/root.pem mnt/_trust/
m=mnt/EX01/mail
w=mnt/EX01/web
d=mnt/EX02/draft
expect 0 mkdir $d
request $w web.contoso.com
request $m mail.contoso.com 'domains = autodiscover.contoso.com' 'friendly-name = Post office'
issue issuing $m/request.csr leaf.pem
cat leaf.pem ca/issuing.pem >bundle.pem
works cp bundle.pem $m/
openssl x509 -in leaf.pem -outform DER -out leaf.der
x509() { openssl x509 -in leaf.pem -noout "$@"; }
plain() { sed 's/, */,/g'; } # a name without the blanks after its commas

field() { # NAME of a property in $m/info
	sed -n "s/^$1 *: //p" $m/info
}

# Every regular file below the mount, one per line.
files() { find mnt -type f; }

t 'certificate__files_say_what_openssl_says'
is $m/status Valid
same leaf.der $m/certificate.cer
openssl x509 -in leaf.pem -out wanted.pem
same wanted.pem $m/certificate.pem
is $m/thumbprint "$(x509 -fingerprint -sha1 | cut -d= -f2 | tr -d :)"
equal 'serial' "$(x509 -serial | cut -d= -f2)" "$(tr 'a-f' 'A-F' <$m/serial)"
is $m/not-before "$(x509 -startdate -dateopt iso_8601 | cut -d= -f2 | tr ' ' T)"
is $m/not-after "$(x509 -enddate -dateopt iso_8601 | cut -d= -f2 | tr ' ' T)"
equal 'issuer' 'CN=Test issuing,O=Test CA' "$(plain <$m/issuer)"
equal 'subject' 'CN=mail.contoso.com' "$(plain <$m/subject)"
is $m/friendly-name 'Post office'
equal 'domains' 'autodiscover.contoso.com mail.contoso.com' "$(sort $m/domains | tr '\n' ' ' | sed 's/ $//')"
hash=$(x509 -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
equal 'tlsa' "3 1 1 $hash" "$(tr 'A-F' 'a-f' <$m/tlsa)"
for file in thumbprint issuer serial not-before not-after tlsa status subject; do
	equal "$file is one line" 1 "$(wc -l <$m/$file)"
done

t 'chain__files_hold_the_issuers_leafs_issuer_first_without_the_root'
openssl x509 -in ca/issuing.pem -out wanted.pem
same wanted.pem $m/chain.pem
cat $m/certificate.pem $m/chain.pem >wanted.pem
same wanted.pem $m/fullchain.pem
openssl pkcs7 -inform DER -in $m/chain.p7b -print_certs -out p7b.pem
has p7b.pem 'CN = mail.contoso.com' 'CN = Test issuing'
true_that 'openssl verifies the chain' openssl verify -CAfile ca/root.pem -untrusted $m/chain.pem $m/certificate.pem

t 'modes__are_those_of_the_table'
for file in status info info.json why subject domains key-type exportable request.csr request.der certificate.pem \
	chain.pem fullchain.pem chain.p7b thumbprint issuer serial not-before not-after tlsa; do
	expect '0444' stat $m/$file mode
done
for file in friendly-name certificate.cer services; do
	expect '0644' stat $m/$file mode
done
expect '0600' stat $m/export.password mode
expect '0400 0400' stat mnt/_errors mode : stat mnt/_audit.log mode

t 'info__has_the_properties_of_exchange_in_their_order'
cat >wanted <<-'END'
	Identity
	FriendlyName
	Subject
	CertificateDomains
	Thumbprint
	Services
	Status
	IsSelfSigned
	Issuer
	SerialNumber
	NotBefore
	NotAfter
	HasPrivateKey
	PrivateKeyExportable
	PublicKeySize
	KeyAlgorithm
	SignatureAlgorithm
	RootCAType
	EnhancedKeyUsageList
	KeyUsage
	SubjectKeyIdentifier
	CertificateRequest
	DnsNameList
	Version
	SendAsTrustedIssuer
	Archived
END
sed -n 's/^\([A-Za-z]*\) *:.*/\1/p' $m/info >got
same wanted got
equal Identity "EX01\\$(cat $m/thumbprint)" "$(field Identity)"
equal FriendlyName 'Post office' "$(field FriendlyName)"
equal Subject "$(cat $m/subject)" "$(field Subject)"
equal Issuer "$(cat $m/issuer)" "$(field Issuer)"
equal Thumbprint "$(cat $m/thumbprint)" "$(field Thumbprint)"
equal SerialNumber "$(cat $m/serial)" "$(field SerialNumber)"
equal Status Valid "$(field Status)"
equal Services None "$(field Services)"
equal IsSelfSigned False "$(field IsSelfSigned)"
equal HasPrivateKey True "$(field HasPrivateKey)"
equal PrivateKeyExportable True "$(field PrivateKeyExportable)"
equal PublicKeySize 256 "$(field PublicKeySize)"
equal RootCAType Enterprise "$(field RootCAType)"
equal CertificateRequest "$(sha1sum <$m/request.der | cut -d' ' -f1 | tr 'a-f' 'A-F')" "$(field CertificateRequest)"
has $m/info autodiscover.contoso.com

t 'info_json__says_the_same'
if have python3; then
	for dir in $m $w $d; do
		true_that "$dir/info.json parses" python3 -m json.tool "$dir/info.json"
	done
	cat >names.py <<-'END'
		import json, sys
		info = json.load(open(sys.argv[1]))
		info = info[0] if isinstance(info, list) else info
		for line in open(sys.argv[2]):
		    name = line.strip()
		    if name not in info:
		        sys.exit("missing: " + name)
		for name in ("Thumbprint", "Status", "Subject", "FriendlyName", "Issuer"):
		    said = open(sys.argv[3]).read()
		    if str(info[name]) not in said:
		        sys.exit("not in info: %s %s" % (name, info[name]))
	END
	true_that 'every property is there' python3 names.py $m/info.json wanted $m/info
fi
equal 'it ends in a newline' 1 "$(tail -c 1 $m/info.json | wc -l)"

t 'info__of_pending_and_draft'
has $w/info PendingRequest web.contoso.com
has $d/info Draft
is $w/status PendingRequest
is $d/status Draft

t 'why__says_what_is_missing_and_how_to_get_it'
has $d/why request.csr
has $w/why certificate
has $m/why export.pfx export.password
absent $m/export.pfx

t 'why__shows_the_last_refusal_and_errors_all_of_them'
expect EINVAL put $d/key-type 'first-refused\n'
has $d/why first-refused
expect EINVAL put $d/exportable 'second-refused\n'
has $d/why second-refused
lacks $d/why first-refused
has mnt/_errors first-refused second-refused draft
lacks $w/why second-refused
expect EINVAL put $d/friendly-name "evil \x1b]0;x\x07 $(printf '\342\200\256') text\n"
true_that 'no control character in why' sh -c "! tr -d '\n\t' <$d/why | grep -q '[[:cntrl:]]'"
true_that 'no bidi character in why' sh -c "! grep -q '$(printf '\342\200\256')' $d/why"
true_that 'nor in _errors' sh -c "! tr -d '\n\t' <mnt/_errors | grep -q '[[:cntrl:]]'"

t 'sizes__are_exact_and_blocks_hold_them'
files >all
wrong=
while read -r file; do
	real=$(wc -c <"$file") || wrong="$wrong $file can't be read;"
	said=$(value stat "$file" size,blocks)
	[ "$said" = "$real,$(((real + 511) / 512))" ] || wrong="$wrong $file is $real, says $said;"
done <all
equal "of $(wc -l <all) files, none is wrong" '' "$wrong"
true_that 'there are some' [ "$(wc -l <all)" -gt 50 ]

t 'inodes__are_all_different'
find mnt -printf '%i\n' | sort >inodes
equal 'as many as entries' "$(wc -l <inodes)" "$(sort -u inodes | wc -l)"
true_that 'none is 0' sh -c '! grep -qx 0 inodes'

t 'tree__is_found_copied_and_archived_with_exit_code_0'
snapshot
cp mnt/_audit.log audit.before
works find mnt
works find mnt -type f -exec cat {} +
works ls -laR mnt
works grep -r CN= mnt
works du -s mnt
works tar -cf tree.tar mnt
works tar -cSf sparse.tar mnt
works cp -r mnt copy
works cp -a mnt copy-a
if have rsync; then
	works rsync -a mnt/ copy-rsync/
fi
works df mnt
works stat -f mnt
works sh -c 'getfattr -d -R mnt 2>/dev/null || :'
works sh -c 'lsattr -R mnt >/dev/null 2>&1 || :'
unchanged
same audit.before mnt/_audit.log

t 'copies__are_the_same_bytes'
mkdir untar
works tar -xf tree.tar -C untar
mkdir unsparse
works tar -xf sparse.tar -C unsparse
for copy in untar/mnt unsparse/mnt copy copy-a copy-rsync; do
	[ -e $copy ] || continue
	works diff -r --no-dereference -x why -x _errors -x _audit.log mnt $copy
done

t 'restart__keeps_inodes_times_and_bytes'
restart
unchanged
lacks mnt/_errors first-refused
lacks $d/why second-refused
snapshot
crash
start
unchanged

t 'audit__has_one_json_line_for_each_change'
if have python3; then
	true_that 'each line parses' python3 -c 'import json,sys; [json.loads(l) for l in open("mnt/_audit.log")]'
fi
lines=$(wc -l <mnt/_audit.log)
expect 0 put $d/friendly-name 'Audited\n'
true_that 'a change adds a line' [ "$(wc -l <mnt/_audit.log)" -gt "$lines" ]
lines=$(wc -l <mnt/_audit.log)
works cat $m/info
works cat $m/certificate.cer
equal 'looking adds none' "$lines" "$(wc -l <mnt/_audit.log)"

t 'mtime__moves_with_what_is_shown'
info=$(value stat $m/info mtime,ctime,ino)
thumb=$(value stat $m/thumbprint mtime,ctime,ino)
expect 0 put $m/friendly-name 'Renamed\n'
has $m/info Renamed
differ 'info moved' "$info" "$(value stat $m/info mtime,ctime,ino)"
equal 'thumbprint did not' "$thumb" "$(value stat $m/thumbprint mtime,ctime,ino)"
equal 'the inode stays' "${info##*,}" "$(value stat $m/info ino)"

t 'cache__a_reader_sees_a_change_at_once'
for n in 1 2 3 4 5; do
	works cat $m/friendly-name $m/info
	expect 0 put $m/friendly-name "Round $n\n"
	is $m/friendly-name "Round $n"
	has $m/info "Round $n"
	equal 'the size too' "$(wc -c <$m/info)" "$(value stat $m/info size)"
done

finish
