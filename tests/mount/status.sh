#!/bin/sh
# Status, every word both ways: what CRLs in `_trust` say, what a path forbids, and what the
# passing of dates changes, also for readers that have the files open and cached (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01

m=mnt/EX01/mail
o=mnt/EX01/other

# crl ISSUER OUT FROM TO [SERIAL]...: a CRL that lists these, PEM; dates as YYYYMMDDHHMMSSZ.
crl() {
	_by=$1
	_out=$2
	_from=$3
	_to=$4
	shift 4
	for _serial; do
		printf 'R\t391231235959Z\t250101000000Z\t%s\tunknown\t/CN=x\n' "$_serial"
	done >ca/crl.index
	cat >ca/crl.cnf <<-'END'
		[ca]
		default_ca = it
		[it]
		database = ca/crl.index
		default_md = sha256
		unique_subject = no
		crl_extensions = ext
		[ext]
		authorityKeyIdentifier = keyid
	END
	quietly openssl ca -gencrl -config ca/crl.cnf -cert "ca/$_by.pem" -keyfile "ca/$_by.key" \
		-crl_lastupdate "$_from" -crl_nextupdate "$_to" -out "$_out"
}

# branch NAME EXTENSION-LINE...: a CA below the root with more extensions.
branch() {
	_name=$1
	shift
	{
		printf '[ext]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n'
		printf 'subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n'
		for _line; do printf '%s\n' "$_line"; done
	} >ca/branch.cnf
	quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca/ca.cnf \
		-subj "/O=Test CA/CN=Test $_name" -keyout "ca/$_name.key" -out "ca/$_name.csr"
	quietly openssl x509 -req -in "ca/$_name.csr" -CA ca/root.pem -CAkey ca/root.key -days 3650 \
		-extfile ca/branch.cnf -extensions ext -set_serial "$(serial)" -out "ca/$_name.pem"
}

# below CA [EXTENSION-LINE]: mnt/EX01/CA, a certificate for CA.contoso.com by that CA.
below() {
	request "mnt/EX01/$1" "$1.contoso.com"
	if [ $# = 1 ]; then
		issue "$1" "mnt/EX01/$1/request.csr" "$1.cer"
	else
		printf '%s\n' "$2" >ca/more.cnf
		issue "$1" "mnt/EX01/$1/request.csr" "$1.cer" -extfile ca/more.cnf
	fi
	works cp "$1.cer" "ca/$1.pem" "mnt/EX01/$1/"
}

field() { # NAME DIRECTORY: a property in its info
	sed -n "s/^$1 *: //p" "$2/info"
}

past=20250101000000Z
ca root
ca issuing root
works cp ca/root.pem ca/issuing.pem mnt/_trust/
request $m mail.contoso.com
answer $m issuing
request $o other.contoso.com
answer $o issuing
serial=$(cat $m/serial)

t 'pending_and_self_signed__have_their_RootCAType'
is $m/status Valid
equal 'by an anchor in _trust' Enterprise "$(field RootCAType $m)"
request mnt/EX01/pending pending.contoso.com
is mnt/EX01/pending/status PendingRequest
equal 'pending' Unknown "$(field RootCAType mnt/EX01/pending)"
expect 0 mkdir mnt/EX01/self
works sh -c 'printf "key-type = p256\nCN=self.contoso.com\n" >mnt/EX01/self/self-signed'
is mnt/EX01/self/status Valid
equal 'self-signed' None "$(field RootCAType mnt/EX01/self)"

t 'tlsa__is_what_openssl_computes_for_3_1_1_before_and_after_the_answer'
hash() { openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1; }
equal 'pending' "3 1 1 $(openssl req -in mnt/EX01/pending/request.csr -noout -pubkey | hash)" \
	"$(tr 'A-F' 'a-f' <mnt/EX01/pending/tlsa)"
before=$(cat mnt/EX01/pending/tlsa)
answer mnt/EX01/pending issuing
equal 'complete' "3 1 1 $(openssl x509 -in mnt/EX01/pending/certificate.pem -noout -pubkey | hash)" \
	"$(tr 'A-F' 'a-f' <mnt/EX01/pending/tlsa)"
is mnt/EX01/pending/tlsa "$before"

t 'revoked__by_the_CRL_of_its_issuer_in_PEM_and_DER'
crl issuing issuing.crl $past 20990101000000Z "$serial"
since=$(value stat $m/status mtime)
cat $o/status $o/info $m/why >out
works cp issuing.crl mnt/_trust/issuing-2026.crl
is $m/status Revoked
has $m/info Revoked
has $m/why 'it was revoked, says the CRL in _trust'
differ 'its mtime moved' "$since" "$(value stat $m/status mtime)"
is $o/status Valid
fails EKEYREVOKED bash -c "echo IIS >> $m/services"
sentence $m revoked
listed mnt/_trust 'root.pem issuing.pem issuing-2026.crl'
same issuing.crl mnt/_trust/issuing-2026.crl
snapshot
restart
unchanged
works rm mnt/_trust/issuing-2026.crl
is $m/status Valid
lacks $m/why 'it was revoked'
openssl crl -in issuing.crl -outform DER -out issuing.der
works cp issuing.der mnt/_trust/issuing.crl
is $m/status Revoked
works rm mnt/_trust/issuing.crl
is $m/status Valid

t 'crl__about_other_certificates_revokes_nobody'
crl issuing others.crl $past 20990101000000Z 4242 4243
works cp others.crl mnt/_trust/
is $m/status Valid
crl root root.crl $past 20990101000000Z "$serial"
works cp root.crl mnt/_trust/
is $m/status Valid
works rm mnt/_trust/others.crl mnt/_trust/root.crl

t 'crl__that_the_issuer_did_not_sign_revokes_nobody'
quietly openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca/ca.cnf \
	-extensions ext -subj '/O=Test CA/CN=Test issuing' -keyout ca/forged.key -out ca/forged.pem
crl forged forged.crl $past 20990101000000Z "$serial"
works cp forged.crl mnt/_trust/
is $m/status Valid
works rm mnt/_trust/forged.crl

t 'crl__of_thousands_of_entries_is_taken'
# shellcheck disable=SC2046 # one word each
crl issuing long.crl $past 20990101000000Z $(seq 100000 102999)
works cp long.crl mnt/_trust/
is $m/status Valid
is $o/status Valid
# shellcheck disable=SC2046
crl issuing long.crl $past 20990101000000Z $(seq 100000 102999) "$serial"
works cp long.crl mnt/_trust/
is $m/status Revoked
is $o/status Valid
works rm mnt/_trust/long.crl

t 'crl__past_its_next_update_is_RevocationCheckFailure'
crl issuing old.crl $past 20250201000000Z 4242
works cp old.crl mnt/_trust/
is $m/status RevocationCheckFailure
has $m/why 'Test issuing' 'past its next update'
crl issuing fresh.crl 20250201000000Z 20990101000000Z 4242
works cp fresh.crl mnt/_trust/
is $m/status Valid
works rm mnt/_trust/fresh.crl
is $m/status RevocationCheckFailure
crl issuing old.crl $past 20250201000000Z "$serial"
works cp old.crl mnt/_trust/
is $m/status Revoked
is $o/status RevocationCheckFailure
works rm mnt/_trust/old.crl

t 'crl__of_the_root_revokes_the_issuer'
issuer=$(openssl x509 -in ca/issuing.pem -noout -serial | cut -d= -f2)
crl root root.crl $past 20990101000000Z "$issuer"
works cp root.crl mnt/_trust/
is $m/status Revoked
has $m/why 'Test issuing' 'was revoked'
works rm mnt/_trust/root.crl
is $m/status Valid

t 'path__whose_constraints_do_not_allow_it_is_Invalid'
branch names 'nameConstraints = critical,permitted;DNS:fabrikam.com'
below names
is mnt/EX01/names/status Invalid
has mnt/EX01/names/why 'name constraints'
branch policy 'certificatePolicies = 1.2.3.4' 'policyConstraints = critical,requireExplicitPolicy:0'
below policy
is mnt/EX01/policy/status Invalid
has mnt/EX01/policy/why 'certificate policy'
printf 'key-type = p256\nCN=agreed.contoso.com\n' >agreed.txt
expect 0 mkdir mnt/EX01/agreed
works sh -c 'cat agreed.txt >mnt/EX01/agreed/request.csr'
printf 'certificatePolicies = 1.2.3.4\n' >ca/more.cnf
issue policy mnt/EX01/agreed/request.csr agreed.cer -extfile ca/more.cnf
works cp agreed.cer mnt/EX01/agreed/
is mnt/EX01/agreed/status Valid
branch short 'basicConstraints = critical,CA:TRUE,pathlen:0'
quietly openssl x509 -req -in ca/issuing.csr -CA ca/short.pem -CAkey ca/short.key -days 365 -extfile ca/ca.cnf \
	-extensions ext -set_serial "$(serial)" -out ca/too-deep.pem
cp ca/names.key ca/too-deep.key
quietly openssl req -new -key ca/too-deep.key -config ca/ca.cnf -subj '/O=Test CA/CN=Test too-deep' -out ca/too-deep.csr
quietly openssl x509 -req -in ca/too-deep.csr -CA ca/short.pem -CAkey ca/short.key -days 365 -extfile ca/ca.cnf \
	-extensions ext -set_serial "$(serial)" -out ca/too-deep.pem
works cp ca/short.pem mnt/_trust/
below too-deep
is mnt/EX01/too-deep/status Invalid
has mnt/EX01/too-deep/why 'Test short' 'path length'
works rm mnt/_trust/short.pem
is mnt/EX01/too-deep/status Untrusted
has mnt/EX01/too-deep/why 'Test short' missing

t 'trust__that_changes_is_seen_by_readers_that_have_it_cached_and_open'
cat $m/status $m/info $m/why >out
for file in status info; do
	"$SYS" open $m/$file O_RDONLY : pread 0 4096 : until "$T/go" : pread 0 4096 >seen-$file 2>&1 &
	eval "reader_$file=\$!"
done
# shellcheck disable=SC2317,SC2329 # called by becomes
both_read() { [ "$(find seen-status seen-info | wc -l)" = 2 ]; }
becomes 'both readers are there' both_read
crl issuing issuing.crl $past 20990101000000Z "$serial"
works cp issuing.crl mnt/_trust/
: >go
# shellcheck disable=SC2154 # set by eval
wait "$reader_status" "$reader_info"
equal 'status through the open descriptor' '0 "Valid\n" 0 "Revoked\n"' "$(cat seen-status)"
matches seen-info ' 0 .*Revoked'
is $m/status Revoked
works rm mnt/_trust/issuing.crl go
is $m/status Valid

n=${CERTFS_TEST_MORE:+1000}
n=${n:-10}
t "one_more_file_in_trust__is_followed_by_all_of_$n"
expect 0 mkdir mnt/EX02
i=0
while [ $i -lt "$n" ]; do
	request mnt/EX02/c$i c$i.contoso.com
	answer mnt/EX02/c$i issuing
	i=$((i + 1))
done
all() { cat mnt/EX02/*/status | sort | uniq -c | tr -s ' '; }
equal 'before' " $n Valid" "$(all)"
crl issuing none.crl $past 20990101000000Z 4242
timeout 120 "$SYS" latency mnt/EX02 c0/info 20 >latency 2>&1 &
reader=$!
began=$(date +%s)
works cp none.crl mnt/_trust/
equal 'with a CRL of others' " $n Valid" "$(all)"
works rm mnt/_trust/root.pem
equal 'without the root' " $n Untrusted" "$(all)"
works cp ca/root.pem mnt/_trust/
equal 'with it again' " $n Valid" "$(all)"
note "three changes of _trust with $n certificates took $(($(date +%s) - began)) s"
wait $reader
matches latency '^[0-9]+ [0-9]+$'
note "median and maximum of a listing, a stat and a read meanwhile, in microseconds: $(cat latency)"
works rm mnt/_trust/none.crl

if ! testing; then
	left_out 'dates that pass: the clock of this program cannot be set'
	finish
fi

# ---- dates: from here on the clock is moved forward, day by day ----

day() { # N [SECONDS]: midnight so many days from now, plus some seconds, in seconds
	echo $((($(date +%s) / 86400 + $1) * 86400 + ${2:-0}))
}
form() { date -u -d "@$1" "+$2"; }
asn1() { form "$1" %Y%m%d%H%M%SZ; }
at() { ctl clock "$(form "$1" %Y-%m-%dT%H:%M:%SZ)" >out 2>&1 || fail 'clock' 'is set' "$(cat out)"; }
has_status() { [ "$(cat "$1/status")" = "$2" ]; }

begin=$(day -1)
crl_end=$(day 3)
ca_end=$(day 5)
leaf_end=$(day 7)

t 'crl__whose_next_update_comes_is_RevocationCheckFailure_from_then_on'
crl issuing dated.crl "$(asn1 "$begin")" "$(asn1 "$crl_end")" 4242
works cp dated.crl mnt/_trust/
is $m/status Valid
cat $m/info $m/why $o/status >out
at $((crl_end - 1))
becomes 'it comes by itself' has_status $m RevocationCheckFailure
is $o/status RevocationCheckFailure
equal 'mtime is that date' "$crl_end.000000000" "$(value stat $m/status mtime)"
has $m/info RevocationCheckFailure
works rm mnt/_trust/dated.crl
is $m/status Valid

t 'issuer__that_expires_makes_DateInvalid_from_then_on'
cat >ca/dated.cnf <<-'END'
	[req]
	distinguished_name = dn
	[dn]
	[ext]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = hash
END
quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca/dated.cnf -reqexts ext \
	-subj '/CN=Test dated' -keyout ca/dated.key -out ca/dated.csr
issue_dates root ca/dated.csr ca/dated.pem "$(asn1 "$begin")" "$(asn1 "$ca_end")"
request mnt/EX01/dated dated.contoso.com
issue_dates dated mnt/EX01/dated/request.csr dated.cer "$(asn1 "$begin")" "$(asn1 "$leaf_end")"
works cp dated.cer ca/dated.pem mnt/EX01/dated/
d=mnt/EX01/dated
is $d/status Valid
works sh -c "echo 'P@ssw0rd1' >$d/export.password"
present $d/export.pfx
cat $d/info $d/why $d/export.pfx >out
at $((ca_end - 1))
becomes 'it comes by itself' has_status $d DateInvalid
has $d/why 'Test dated' expired
equal 'mtime is that date' "$ca_end.000000000" "$(value stat $d/status mtime)"
present $d/export.pfx
is $m/status Valid

t 'certificate__that_expires_is_seen_by_readers_that_have_it_cached_and_open'
issue_dates root ca/dated.csr ca/longer.pem "$(asn1 "$begin")" "$(asn1 "$(day 9)")"
works cp ca/longer.pem $d/
is $d/status Valid
cat $d/info $d/why $d/export.pfx >out
"$SYS" readdir $d >listing
rm -f seen
"$SYS" open $d/status O_RDONLY : pread 0 64 : fstat size : until "$T/go" : pread 0 64 : fstat size,mtime >seen 2>&1 &
reader=$!
becomes 'the reader is there' test -e seen
at $((leaf_end - 1))
becomes 'it comes by itself' has_status $d DateInvalid
: >go
wait $reader
equal 'through the open descriptor' "0 \"Valid\n\" 6 0 \"DateInvalid\n\" 12,$leaf_end.000000000" "$(cat seen)"
absent $d/export.pfx
has $d/info DateInvalid
has $d/why 'it expired'
for file in status info info.json why; do
	equal "mtime of $file" "$leaf_end.000000000" "$(value stat $d/$file mtime)"
done
equal 'mtime of the directory' "$leaf_end.000000000" "$(value stat $d mtime)"
fails EKEYEXPIRED bash -c "echo IIS >> $d/services"

t 'not_yet_valid__becomes_Valid_on_its_date'
request mnt/EX01/early early.contoso.com
early=$(day 10)
issue_dates issuing mnt/EX01/early/request.csr early.cer "$(asn1 "$early")" "$(asn1 "$(day 30)")"
works cp early.cer mnt/EX01/early/
is mnt/EX01/early/status DateInvalid
has mnt/EX01/early/why "isn't valid before"
at $((early - 1))
becomes 'it comes by itself' has_status mnt/EX01/early Valid
equal 'mtime is that date' "$early.000000000" "$(value stat mnt/EX01/early/status mtime)"

t 'clock__set_back_changes_no_status_and_stops_nothing'
snapshot
at "$(day 0)"
unchanged
is $d/status DateInvalid
is mnt/EX01/early/status Valid
crl issuing back.crl "$(asn1 "$begin")" "$(asn1 "$(day 20)")" "$serial"
works cp back.crl mnt/_trust/
is $m/status Revoked
works rm mnt/_trust/back.crl
works cp ca/root.pem system.pem
becomes 'the system store is still looked at' sh -c "grep -q 'RootCAType *: ThirdParty' $m/info"
at "$(day 31)"
becomes 'dates go on' has_status mnt/EX01/early DateInvalid
snapshot
restart # at the machine's own time, which is before the last commit
unchanged

finish
