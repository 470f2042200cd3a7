#!/bin/sh
# Deliveries: the CA's answer dropped into the directory of its request, by every program and in
# every form, and everything that is no answer (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
ca root
ca issuing root
works cp ca/root.pem mnt/_trust/
works cp ca/issuing.pem mnt/_trust/

n=0
pending() { # [ISSUER]: a new pending request, $d, and its answer in answer.cer (PEM) and answer.der
	n=$((n + 1))
	d=mnt/EX01/drop-$n
	request "$d" "drop-$n.contoso.com"
	issue "${1:-root}" "$d/request.csr" answer.cer
	openssl x509 -in answer.cer -outform DER -out answer.der
}

completed() { # $d has the certificate of answer.der
	is "$d/status" Valid
	same answer.der "$d/certificate.cer"
}

forget() { # FILE...: staged files that a refusal may have left
	for left; do value unlink "$left" >unlinked; done
}

t 'cp__of_the_answer_completes_the_request'
pending issuing
before_mtime=$(value stat $d mtime)
works cp answer.cer $d/
completed
listed $d 'status info info.json why subject domains key-type exportable friendly-name request.csr request.der
certificate.cer certificate.pem chain.pem fullchain.pem chain.p7b services export.password thumbprint issuer
serial not-before not-after tlsa'
unlisted $d/answer.cer
differ 'mtime of the directory moved' "$before_mtime" "$(value stat $d mtime)"
present $d/certificate.cer

t 'programs__each_delivers_in_its_way'
deliver() { # COMMAND: run by sh, with d the directory
	pending
	works env "d=$d" "$@"
	completed
	unlisted "$d/answer.cer"
}
# shellcheck disable=SC2016 # d is expanded by the shell that deliver starts
{
	deliver sh -c 'cp answer.der $d/answer.der'
	deliver sh -c 'cp -p answer.cer $d/'
	deliver sh -c 'cp -a answer.cer $d/'
	deliver sh -c 'cp --preserve=all answer.der $d/answer.crt'
	deliver sh -c 'cat answer.cer > $d/answer.cer'
	deliver bash -c 'cat answer.cer > $d/answer.pem'
	deliver dash -c 'cat answer.der > $d/answer.cer'
	deliver sh -c 'cat < answer.cer >> $d/answer.cer'
	deliver sh -c 'cp answer.cer moving.cer && mv moving.cer $d/'
	deliver sh -c 'cp answer.cer moving.cer && mv -n moving.cer $d/answer.cer'
	deliver sh -c 'install answer.cer $d/'
	deliver sh -c 'install -m 600 answer.cer $d/answer.cer'
	deliver sh -c 'install -p -m 644 answer.der $d/answer.der'
	deliver sh -c 'tee $d/answer.cer < answer.cer'
	deliver sh -c 'dd if=answer.cer of=$d/answer.cer status=none'
	deliver sh -c 'dd if=answer.cer of=$d/answer.cer bs=100 conv=fsync status=none'
	deliver sh -c 'openssl x509 -in answer.cer -outform DER -out $d/answer.cer'
	deliver sh -c 'cp answer.cer $d/.answer.tmp && mv $d/.answer.tmp $d/answer.cer'
	if have rsync; then
		deliver sh -c 'rsync answer.cer $d/'
		deliver sh -c 'rsync -a answer.cer $d/'
		deliver sh -c 'rsync -a --inplace answer.der $d/answer.der'
	fi
}

t 'certificate.cer__takes_the_answer_like_any_other_name'
pending
works cp answer.cer $d/certificate.cer
completed
present $d/certificate.cer
expect 'file,0644' stat $d/certificate.cer type,mode
pending
works sh -c "cat answer.der > $d/certificate.cer"
completed
pending
works cp -p answer.der $d/certificate.cer
completed
snapshot
works cp answer.der $d/certificate.cer
works cp answer.cer $d/certificate.cer
unchanged
expect EPERM unlink $d/certificate.cer

t 'the_same_again__succeeds_and_changes_nothing'
pending
works cp answer.cer $d/
snapshot
works cp answer.cer $d/
works cp answer.der $d/answer.der
works cp -p answer.cer $d/other.pem
works sh -c "cat answer.cer > $d/answer.cer"
unchanged
expect '0 0' unlink $d/answer.cer : unlink $d/other.pem
works cp answer.cer $d/
unchanged

t 'minute_after__an_accepted_name_still_answers'
pending
touch -d '2020-02-02 02:02:02' answer.cer
chmod 640 answer.cer
works cp -p answer.cer $d/
size=$(wc -c <answer.cer)
expect "$size,0640,file" stat $d/answer.cer size,mode,type
equal 'its time' 1580608922.000000000 "$(value stat $d/answer.cer mtime)"
same answer.cer $d/answer.cer
unlisted $d/answer.cer
expect "0 $size,0600" chmod $d/answer.cer 0600 : stat $d/answer.cer size,mode
expect '0 5.000000000' utimens $d/answer.cer omit 5 : stat $d/answer.cer mtime
expect '0 0' open $d/answer.cer O_RDONLY : close
snapshot
expect '0 ENOENT' unlink $d/answer.cer : stat $d/answer.cer type
unchanged
completed

t 'close__garbage_is_EBADMSG_and_changes_nothing'
pending
snapshot
expect '0 0 EBADMSG' open $d/answer.cer O_WRONLY,O_CREAT,O_TRUNC : write 'this is no certificate\n' : close
sentence $d answer.cer
absent $d/answer.cer
printf 'this is no certificate\n' >garbage.cer
fails EBADMSG cp garbage.cer $d/
absent $d/garbage.cer
fails EBADMSG cp garbage.cer $d/certificate.cer
absent $d/certificate.cer
fails EBADMSG sh -c "cat garbage.cer > $d/answer.cer"
fails EBADMSG install garbage.cer $d/
fails EBADMSG mv garbage.cer $d/
true_that 'mv kept its source' test -s garbage.cer
if have rsync; then
	fails EBADMSG rsync garbage.cer $d/
fi
works bash -c "echo 'no certificate either' > $d/answer.cer" # a shell doesn't hear close(2)
absent $d/answer.cer
sentence $d answer.cer
head -c 300 answer.der >short.der
fails EBADMSG cp short.der $d/
{ cat answer.der && printf 'more'; } >tail.der
fails EBADMSG cp tail.der $d/
head -c 5000 /dev/urandom >random.p7b
fails EBADMSG cp random.p7b $d/
{
	echo '-----BEGIN CERTIFICATE-----'
	head -c 600 /dev/zero | base64
	echo '-----END CERTIFICATE-----'
} >zero.pem
fails EBADMSG cp zero.pem $d/
unchanged
works cp answer.cer $d/
completed

t 'close__the_answer_for_another_key_is_EKEYREJECTED_and_changes_nothing'
pending
right=$d
cp answer.cer right.cer
pending
snapshot
expect '0 0 EKEYREJECTED' open $d/answer.cer O_WRONLY,O_CREAT : write_from right.cer 0 100000 : close
sentence $d "${right#mnt/}"
absent $d/answer.cer
fails EKEYREJECTED cp right.cer $d/
fails EKEYREJECTED cp right.cer $d/certificate.cer
fails EKEYREJECTED sh -c "cat right.cer > $d/answer.cer"
fails EKEYREJECTED sh -c "cp right.cer moving.cer && mv moving.cer $d/"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger.contoso.com \
	-keyout stranger.key -out stranger.csr 2>/dev/null
issue root stranger.csr stranger.cer
fails 'EKEYREJECTED' cp stranger.cer $d/
unchanged
works cp right.cer $right/
works cp answer.cer $d/
completed

t 'draft__takes_no_answer_for_the_key_of_another'
pending
expect 0 mkdir mnt/EX01/draft
snapshot
fails EKEYREJECTED cp answer.cer mnt/EX01/draft/
absent mnt/EX01/draft/answer.cer
is mnt/EX01/draft/status Draft
unchanged

t 'another_certificate_for_a_complete_key__is_EEXIST_and_changes_nothing'
works cp answer.cer $d/
issue root $d/request.csr second.cer
snapshot
fails EEXIST cp second.cer $d/
sentence $d second.cer
fails EEXIST cp second.cer $d/certificate.cer
unchanged
completed

t 'what_is_no_leaf__is_refused_with_the_way_out'
pending
snapshot
fails EINVAL cp ca/root.pem $d/
sentence $d _trust
fails EINVAL cp $d/request.csr $d/request.pem
sentence $d request
unchanged

t 'size__over_1_MiB_is_EFBIG_and_changes_nothing'
head -c 1048577 /dev/zero | tr '\0' '#' >big.cer
snapshot
got=$(value open $d/answer.cer O_WRONLY,O_CREAT : write_from big.cer 0 2000000 : close)
case $got in
'0 EFBIG '* | '0 0 EFBIG') pass "told in write or close: $got" ;;
*) fail 'told in write or close' EFBIG "$got" ;;
esac
sentence $d answer.cer
fails EFBIG cp big.cer $d/
fails EFBIG sh -c "cat big.cer > $d/answer.cer"
fails EFBIG cp big.cer $d/certificate.cer
absent $d/answer.cer $d/big.cer $d/certificate.cer
expect '0 EFBIG' open $d/answer.cer O_WRONLY,O_CREAT : pwrite 2000000 x # a hole counts as well
unchanged

t 'size__1_MiB_of_text_around_a_certificate_is_taken'
left=$((1048576 - $(wc -c <answer.cer)))
awk -v n="$left" 'BEGIN { while (n > 64) { printf "%63s\n", "#"; n -= 64 } printf "%" (n - 1) "s\n", "#" }' >padded.cer
cat answer.cer >>padded.cer
equal 'the file is 1 MiB' 1048576 "$(wc -c <padded.cer)"
works cp padded.cer $d/
completed

t 'bundles__in_any_order_bring_their_chain'
for form in 'leaf issuing' 'issuing leaf' 'leaf issuing root' 'root issuing leaf' 'issuing root leaf'; do
	pending issuing
	for part in $form; do
		case $part in
		leaf) cat answer.cer ;;
		*) cat "ca/$part.pem" ;;
		esac
	done >bundle.pem
	works cp bundle.pem $d/
	completed
	has $d/fullchain.pem 'BEGIN CERTIFICATE'
done

t 'forms__der_and_pem_pkcs7_and_text_files_of_windows'
pkcs7() { # OUT FORM
	openssl crl2pkcs7 -nocrl -certfile answer.cer -certfile ca/root.pem -outform "$2" -out "$1"
}
pending
pkcs7 answer.p7b DER
works cp answer.p7b $d/
completed
pending
pkcs7 answer.p7b PEM
works cp answer.p7b $d/
completed
pending
pkcs7 answer.p7c DER
works cp answer.p7c $d/certificate.cer
completed
pending
sed 's/$/\r/' answer.cer >crlf.cer
works cp crlf.cer $d/
completed
pending
{ printf '\357\273\277' && cat answer.cer; } >bom.cer
works cp bom.cer $d/
completed
pending
openssl x509 -in answer.cer -text -out text.cer
works cp text.cer $d/
completed

t 'names__with_no_ending_of_a_certificate_are_EPERM'
pending
snapshot
for name in answer answer.txt answer.cer.bak answer.key cer answer.csr _answer.cer; do
	expect EPERM open "$d/$name" O_WRONLY,O_CREAT
done
fails EPERM cp answer.cer $d/answer.txt
sentence $d answer.txt
fails EPERM sh -c "cp answer.cer $d/.answer && mv $d/.answer $d/answer.txt"
forget $d/.answer
expect EPERM symlink answer.cer $d/answer.cer
expect EPERM mknod $d/answer.cer fifo
expect EPERM link $d/request.csr $d/answer.cer
unchanged

t 'rename__judges_a_staged_file_and_tells'
pending
snapshot
expect '0 0 0 EBADMSG' open $d/.answer.cer.x1 O_WRONLY,O_CREAT,O_EXCL : write 'garbage\n' : close : \
	rename $d/.answer.cer.x1 $d/answer.cer
absent $d/answer.cer
sentence $d answer.cer
expect '0 0 0 EKEYREJECTED' open $d/.answer.cer.x2 O_WRONLY,O_CREAT,O_EXCL : write_from right.cer 0 100000 : close : \
	rename $d/.answer.cer.x2 $d/answer.cer
absent $d/answer.cer
expect '0 0 0 EPERM 0' open $d/.answer.cer.x3 O_WRONLY,O_CREAT : write_from answer.cer 0 100000 : close : \
	rename $d/.answer.cer.x3 $d/answer.txt : unlink $d/.answer.cer.x3
forget $d/.answer.cer.x1 $d/.answer.cer.x2
expect '0 0 0 EPERM 0|0 0 0 EACCES 0' open $d/.answer.cer.x3 O_WRONLY,O_CREAT : write_from answer.cer 0 100000 : close : \
	rename $d/.answer.cer.x3 $d/status : unlink $d/.answer.cer.x3
unchanged
expect '0 0 0 0' open $d/.answer.cer.x4 O_WRONLY,O_CREAT,O_EXCL : write_from answer.cer 0 100000 : close : \
	rename $d/.answer.cer.x4 $d/answer.cer
completed
absent $d/.answer.cer.x4

t 'rename__before_close_judges_the_open_handle'
pending
snapshot
expect '0 0 0 EBADMSG' open $d/.goutputstream-ABC123 O_WRONLY,O_CREAT,O_EXCL : write 'garbage\n' : fsync : \
	rename $d/.goutputstream-ABC123 $d/answer.cer
forget $d/.goutputstream-ABC123
unchanged
expect '0 0 0 0 0' open $d/.goutputstream-ABC124 O_WRONLY,O_CREAT,O_EXCL : write_from answer.cer 0 100000 : fsync : \
	rename $d/.goutputstream-ABC124 $d/answer.cer : close
completed

t 'staging__names_are_taken_unlisted_and_can_be_looked_at'
pending
snapshot
for name in .answer.cer.A1b2C3 answer.cer~ '#answer.cer#' answer.cer.part answer.partial answer.tmp answer.crdownload \
	.answer.swp answer.cer.swx 4913 sedAb12Cd; do
	expect '0 0 0 3,0600 0 0' create "$d/$name" O_WRONLY,O_CREAT,O_EXCL 0600 : write abc : close : \
		stat "$d/$name" size,mode : chmod "$d/$name" 0644 : utimens "$d/$name" now now
	unlisted "$d/$name"
	expect '0 ENOENT' unlink "$d/$name" : stat "$d/$name" type
done
unchanged
expect '0 0' open mnt/EX01/.x O_WRONLY,O_CREAT : unlink mnt/EX01/.x
expect '0 0' open mnt/_trust/.x O_WRONLY,O_CREAT : unlink mnt/_trust/.x
expect EPERM open mnt/EX01/_services/.x O_WRONLY,O_CREAT

t 'staging__holds_64_files_and_no_more'
for i in $(seq 64); do
	"$SYS" put "$d/.many-$i" x
done | sort | uniq -c | sed 's/^ *//' >made
equal '64 are taken' '64 0' "$(cat made)"
got=$(value put $d/.many-65 x)
case $got in
E*) pass "the next is refused: $got" ;;
*) fail 'the next is refused' 'an errno' "$got" ;;
esac
for i in $(seq 64); do
	"$SYS" unlink "$d/.many-$i" >unlinked
done
expect '0 0' put $d/.many-65 x : unlink $d/.many-65
unchanged

t 'handle__more_written_through_it_judges_the_whole_again'
half=$(($(wc -c <answer.cer) / 2))
expect '0 0 EBADMSG 0 0' open $d/answer.cer O_WRONLY,O_CREAT : write_from answer.cer 0 $half : dup_close : \
	write_from answer.cer $half 100000 : close
completed
pending
expect '0 0 0 0 0' open $d/answer.cer O_WRONLY,O_CREAT : dup_close : write_from answer.cer 0 100000 : child_exit : close
completed

t 'anywhere__the_answer_finds_its_request_by_the_key'
pending
works cp answer.cer mnt/EX01/
completed
unlisted mnt/EX01/answer.cer
pending
works cp answer.der mnt/answer.der
completed
snapshot
fails ENOKEY cp stranger.cer mnt/EX01/
sentence - stranger.cer
fails ENOKEY cp stranger.cer mnt/
fails EBADMSG cp garbage.cer mnt/EX01/
fails EBADMSG cp garbage.cer mnt/
fails EINVAL cp ca/root.pem mnt/EX01/
unchanged

t 'restart__keeps_what_was_delivered'
snapshot
restart
unchanged
completed

t 'minute_after__a_name_is_free_after_60_seconds'
pending
works cp answer.cer $d/
expect file stat $d/answer.cer type
if testing; then
	ctl clock +61 >out 2>&1
fi
wait_limit=$((wait_limit + 65))
# shellcheck disable=SC2317,SC2329 # called by becomes
forgotten() { [ "$(value stat "$d/answer.cer" type)" = ENOENT ]; }
becomes 'ENOENT' forgotten
completed

finish
