#!/bin/sh
# Trust: what `_trust` takes and gives back, the system store, and how the status of every
# certificate follows (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
ca root
ca issuing root
ca sub issuing
m=mnt/EX01/mail

field() { # NAME of a property in $m/info
	sed -n "s/^$1 *: //p" $m/info
}

t 'trust__takes_a_root_and_keeps_its_name_bytes_and_time'
listed mnt/_trust ''
touch -d '2021-03-04 05:06:07' ca/root.pem
before_mtime=$(value stat mnt/_trust mtime)
works cp -p ca/root.pem mnt/_trust/
present mnt/_trust/root.pem
same ca/root.pem mnt/_trust/root.pem
equal 'its time' 1614834367.000000000 "$(value stat mnt/_trust/root.pem mtime)"
equal 'its size' "$(wc -c <ca/root.pem)" "$(value stat mnt/_trust/root.pem size)"
differ 'mtime of the directory moved' "$before_mtime" "$(value stat mnt/_trust mtime)"
openssl x509 -in ca/root.pem -outform DER -out root.der
works cp root.der mnt/_trust/root.der
same root.der mnt/_trust/root.der
works cp ca/issuing.pem mnt/_trust/Issuing-CA-2027.crt
listed mnt/_trust 'root.der root.pem Issuing-CA-2027.crt'
works cp -p ca/root.pem mnt/_trust/
snapshot
restart
unchanged

t 'trust__keeps_mode_and_time_that_are_set_and_names_that_are_given'
(umask 077 && cat ca/issuing.pem >private.pem)
works cp -p private.pem mnt/_trust/
equal 'its mode' 0600 "$(value stat mnt/_trust/private.pem mode)"
expect '0 0444' chmod mnt/_trust/private.pem 0444 : stat mnt/_trust/private.pem mode
works touch -d '2022-02-02 02:02:02' mnt/_trust/private.pem
works mv mnt/_trust/private.pem 'mnt/_trust/Issuing CA of 2027.cer'
absent mnt/_trust/private.pem
present 'mnt/_trust/Issuing CA of 2027.cer'
expect '0 0644' chmod mnt/_trust/root.der 0777 : stat mnt/_trust/root.der mode
expect 0 chmod mnt/_trust/root.der 0644
restart
equal 'its time' 1643767322.000000000 "$(value stat 'mnt/_trust/Issuing CA of 2027.cer' mtime)"
equal 'its mode' 0444 "$(value stat 'mnt/_trust/Issuing CA of 2027.cer' mode)"
same ca/issuing.pem 'mnt/_trust/Issuing CA of 2027.cer'
works rm -f 'mnt/_trust/Issuing CA of 2027.cer'
snapshot
fails EEXIST cp root.der mnt/_trust/ROOT.DER
unchanged

t 'trust__rm_takes_it_out'
works rm mnt/_trust/root.pem mnt/_trust/Issuing-CA-2027.crt
absent mnt/_trust/root.pem
expect 0 unlink mnt/_trust/root.der
listed mnt/_trust ''
expect ENOENT unlink mnt/_trust/root.pem

t 'trust__what_is_no_certificate_is_refused_and_changes_nothing'
echo garbage >garbage.pem
head -c 1100000 /dev/zero >big.cer
snapshot
expect '0 0 EBADMSG' open mnt/_trust/x.cer O_WRONLY,O_CREAT : write 'garbage\n' : close
sentence - x.cer
fails EBADMSG cp garbage.pem mnt/_trust/
fails EFBIG cp big.cer mnt/_trust/
fails EPERM cp ca/root.pem mnt/_trust/root.txt
fails EPERM cp ca/root.pem mnt/_trust/root
fails - cp ca/root.csr mnt/_trust/request.pem
fails - cp ca/root.key mnt/_trust/key.pem
expect EPERM mkdir mnt/_trust/dir
expect EPERM symlink x mnt/_trust/link.pem
expect EPERM mknod mnt/_trust/fifo.pem fifo
absent mnt/_trust/x.cer mnt/_trust/garbage.pem mnt/_trust/big.cer mnt/_trust/key.pem
unchanged

t 'trust__holds_8_MiB_in_all'
{ head -c 1000000 /dev/zero | tr '\0' '\n' && cat ca/root.pem; } >large.pem
for i in 1 2 3 4 5 6 7 8; do
	works cp large.pem mnt/_trust/$i.pem
done
snapshot
fails ENOSPC cp large.pem mnt/_trust/9.pem
sentence - 9.pem 8388608
unchanged
works rm mnt/_trust/1.pem
works cp large.pem mnt/_trust/9.pem
works rm mnt/_trust/2.pem mnt/_trust/3.pem mnt/_trust/4.pem mnt/_trust/5.pem mnt/_trust/6.pem \
	mnt/_trust/7.pem mnt/_trust/8.pem mnt/_trust/9.pem
listed mnt/_trust ''

t 'status__follows_the_root_in_trust'
request $m mail.contoso.com
answer $m root
is $m/status Untrusted
has $m/why 'Test root'
has $m/info Untrusted
equal 'no anchor' Unknown "$(field RootCAType)"
since=$(value stat $m/status mtime)
works cp ca/root.pem mnt/_trust/
is $m/status Valid
differ 'its mtime moved' "$since" "$(value stat $m/status mtime)"
has $m/info Valid
lacks $m/why 'Test root'
equal 'the anchor is ours' Enterprise "$(field RootCAType)"
works rm mnt/_trust/root.pem
is $m/status Untrusted
has $m/why 'Test root'
works cp root.der mnt/_trust/other-name.cer
is $m/status Valid
works rm mnt/_trust/other-name.cer
is $m/status Untrusted

t 'status__follows_the_intermediate_in_trust'
w=mnt/EX01/web
request $w web.contoso.com
answer $w issuing
works cp ca/root.pem mnt/_trust/
is $w/status Untrusted
has $w/why 'Test issuing'
works cp ca/issuing.pem mnt/_trust/
is $w/status Valid
openssl x509 -in $w/chain.pem >chain.pem
openssl x509 -in ca/issuing.pem >wanted.pem
same wanted.pem chain.pem
works rm mnt/_trust/root.pem
is $w/status Untrusted
has $w/why 'Test root'
works cp ca/root.pem mnt/_trust/
works rm mnt/_trust/issuing.pem
is $w/status Untrusted
cat ca/root.pem ca/issuing.pem >both.pem
works rm mnt/_trust/root.pem
works cp both.pem mnt/_trust/
is $w/status Valid
works rm mnt/_trust/both.pem
is $w/status Untrusted

if testing; then
	t 'close__returns_when_all_is_judged_and_a_kill_meanwhile_leaves_it_whole'
	# shellcheck disable=SC2317,SC2329 # called by becomes
	in_trust() { [ -n "$(find mnt/_trust -name "$1")" ]; }
	works ctl fault judge-all 1 # whoever is to judge all waits
	timeout 120 cp ca/root.pem mnt/_trust/late.pem &
	late=$!
	becomes 'the file is there' in_trust late.pem
	true_that 'cp waits' alive $late
	is $m/status Untrusted
	works timeout 60 mkdir mnt/EX01/meanwhile
	works timeout 60 rmdir mnt/EX01/meanwhile
	sleep 1.1 # long enough that the log says it
	kill -9 $late
	works ctl fault judge-all 0
	becomes 'cp is gone' gone $late
	becomes 'it is judged all the same' sh -c "[ \"\$(cat $m/status)\" = Valid ]"
	has mnt/_trust/late.pem BEGIN
	logged='judging all certificates anew, as what is trusted has changed'
	becomes 'the log says so' grep -q "$logged" log
	becomes 'and when it is through' grep -q 'judged [0-9]* certificates anew' log
	sound

	t 'rm__of_a_file_whose_cp_still_waits_takes_it_out'
	works rm mnt/_trust/late.pem
	works ctl fault judge-all 1
	timeout 120 cp ca/root.pem mnt/_trust/late.pem &
	late=$!
	becomes 'the file is there' in_trust late.pem
	# The kernel lets nobody else list the directory while rm is at it.
	timeout 120 rm mnt/_trust/late.pem &
	removal=$!
	works ctl fault judge-all 0
	wait $late
	equal 'cp' 0 $?
	wait $removal
	equal 'rm' 0 $?
	absent mnt/_trust/late.pem
	is $m/status Untrusted
	sound
else
	left_out 'who waits until all is judged: this program holds nothing back'
fi

t 'anchors__are_only_self_signed_CA_certificates'
works cp ca/issuing.pem mnt/_trust/
is $w/status Untrusted
works cp ca/root.pem mnt/_trust/
is $w/status Valid
works rm mnt/_trust/root.pem mnt/_trust/issuing.pem
cat >leaf.cnf <<-'END'
	[req]
	distinguished_name = dn
	[dn]
	[ext]
	basicConstraints = critical,CA:FALSE
END
openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config leaf.cnf -extensions ext \
	-subj '/O=Test CA/CN=Test root' -keyout fake.key -out fake.pem 2>openssl.out
fails EINVAL cp fake.pem mnt/_trust/
is $m/status Untrusted
absent mnt/_trust/fake.pem

t 'chain__that_came_along_is_kept'
works cp ca/root.pem mnt/_trust/
d=mnt/EX01/deep
request $d deep.contoso.com
issue sub $d/request.csr deep.cer
cat deep.cer ca/issuing.pem ca/sub.pem >bundle.cer
works cp bundle.cer $d/
is $d/status Valid
openssl x509 -in deep.cer -out leaf.pem
cat ca/sub.pem ca/issuing.pem >issuers.pem
openssl crl2pkcs7 -nocrl -certfile issuers.pem | openssl pkcs7 -print_certs |
	grep -v -e '^subject' -e '^issuer' -e '^$' >wanted.pem
grep -v '^$' $d/chain.pem >got.pem
same wanted.pem got.pem
is $w/status Valid # the same server, so its issuer is known now
snapshot
restart
unchanged

t 'dates__decide_before_trust'
ca old
works cp ca/old.pem mnt/_trust/
for when in '20200101000000Z 20210101000000Z expired' '20400101000000Z 20410101000000Z early'; do
	# shellcheck disable=SC2086 # a start, an end, a name
	set -- $when
	request "mnt/EX01/$3" "$3.contoso.com"
	issue_dates old "mnt/EX01/$3/request.csr" "$3.cer" "$1" "$2"
	works cp "$3.cer" "mnt/EX01/$3/"
	is "mnt/EX01/$3/status" DateInvalid
done
has mnt/EX01/expired/why 2021-01-01
has mnt/EX01/early/why 2040-01-01
works rm mnt/_trust/old.pem
is mnt/EX01/expired/status DateInvalid

t 'signature_and_usage__that_are_wrong_are_Invalid'
i=mnt/EX01/usage
request $i usage.contoso.com
echo 'extendedKeyUsage = clientAuth' >usage.cnf
quietly openssl x509 -req -in $i/request.csr -CA ca/root.pem -CAkey ca/root.key -days 30 -extfile usage.cnf \
	-set_serial 7 -out usage.cer
works cp usage.cer $i/
is $i/status Invalid
i=mnt/EX01/signature
request $i signature.contoso.com
issue root $i/request.csr signature.cer
openssl x509 -in signature.cer -outform DER -out good.der
last=$(tail -c 1 good.der | od -An -tu1)
# shellcheck disable=SC2059 # the byte as an escape
{ head -c -1 good.der && printf "\\$(printf '%03o' $((last ^ 1)))"; } >bad.der
works cp bad.der $i/
is $i/status Invalid

t 'system_store__counts_as_ThirdParty_and_is_read_again'
works rm mnt/_trust/root.pem
listed mnt/_trust ''
is $m/status Untrusted
# shellcheck disable=SC2317,SC2329 # called by becomes
valid_now() { [ "$(cat "$m/status")" = "$1" ]; }
cat ca/root.pem >system.pem
becomes 'Valid, by the system store' valid_now Valid
equal 'whose anchor is' ThirdParty "$(field RootCAType)"
works cp ca/root.pem mnt/_trust/
equal 'the system wins' ThirdParty "$(field RootCAType)"
works rm mnt/_trust/root.pem
: >system.new
mv system.new system.pem
becomes 'Untrusted, when another file has taken its place' valid_now Untrusted
cp ca/root.pem system.pem
restart
becomes 'Valid at the next mount' valid_now Valid
listed mnt/_trust ''
: >system.pem
restart
becomes 'Untrusted at the next mount' valid_now Untrusted

t 'system_store__that_is_missing_is_empty_and_said'
stop
launch certs.db mnt key-file=certs.key,ca-file=nowhere.pem
until_true started mnt
is $m/status Untrusted
has log nowhere.pem

finish
