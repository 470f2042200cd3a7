#!/bin/sh
# Exports: when `export.pfx` is there, that it is the same bytes each time, whose password opens
# it, and that each reading is on record (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
ca root
ca issuing root
works cp ca/root.pem ca/issuing.pem mnt/_trust/
m=mnt/EX01/mail
pfx=$m/export.pfx
request $m mail.contoso.com
answer $m issuing
is $m/status Valid

opens() { # FILE PASSWORD
	true_that "$1 opens with its password" openssl pkcs12 -in "$1" -passin "pass:$2" -nodes -out opened.pem
}

refuses() { # FILE PASSWORD
	if openssl pkcs12 -in "$1" -passin "pass:$2" -nodes -out refused.pem >openssl.out 2>&1; then
		fail "$1 stays shut for '$2'" 'a refusal' 'opened'
	else
		pass "$1 stays shut for '$2'"
	fi
}

sum() { sha256sum <"$1" | cut -d' ' -f1; }

t 'export__is_absent_until_a_password_is_set'
absent $pfx
has $m/why export.pfx export.password
expect EACCES open $pfx O_WRONLY,O_CREAT
expect ENOENT open $pfx O_RDONLY
before_mtime=$(value stat $m mtime)
works sh -c "echo 'P@ssw0rd1' > $m/export.password"
present $pfx
expect 'file,0400' stat $pfx type,mode
differ 'mtime of the directory moved' "$before_mtime" "$(value stat $m mtime)"

t 'export__has_its_size_before_anyone_read_it'
size=$(value stat $pfx size)
works cp $pfx backup.pfx
equal 'the size it said' "$size" "$(wc -c <backup.pfx)"
equal 'and says' "$size,$(((size + 511) / 512))" "$(value stat $pfx size,blocks)"

t 'export__opens_with_its_password_and_no_other'
opens backup.pfx 'P@ssw0rd1'
for wrong in 'P@ssw0rd' 'p@ssw0rd1' 'P@ssw0rd1 ' ''; do
	refuses backup.pfx "$wrong"
done
openssl x509 -in opened.pem -out got.pem
same got.pem $m/certificate.pem
equal 'the key is that of the certificate' "$(openssl x509 -in $m/certificate.pem -noout -pubkey)" \
	"$(openssl pkey -in opened.pem -pubout)"
has opened.pem 'CN = Test issuing'
openssl pkcs12 -in backup.pfx -passin 'pass:P@ssw0rd1' -info -noout 2>info.txt
has info.txt AES-256-CBC hmacWithSHA256 'Iteration 10000' 'MAC: sha256'
lacks info.txt 3DES RC2

t 'export__is_the_same_bytes_on_100_reads'
first=$(sum $pfx)
for i in $(seq 100); do
	sum $pfx
done | sort -u >sums
equal '100 reads, one content' "$first" "$(cat sums)"
works dd if=$pfx of=small.pfx bs=100 status=none
same backup.pfx small.pfx
for i in 1 2 3 4 5 6 7 8; do
	cat $pfx >"parallel-$i" &
	readers="${readers:-} $!"
done
# shellcheck disable=SC2086 # one word for each process
wait $readers
for i in 1 2 3 4 5 6 7 8; do
	same backup.pfx parallel-$i
done

t 'export__is_the_same_after_restart_and_crash'
snapshot
restart
unchanged
equal 'the size before reading' "$size" "$(value stat $pfx size)"
same backup.pfx $pfx
crash
start
same backup.pfx $pfx
unchanged

t 'audit__has_a_line_for_each_handle_that_read'
lines() { wc -l <mnt/_audit.log; }
read_lines=$(lines)
works cat $pfx
equal 'one more' $((read_lines + 1)) "$(lines)"
tail -n 1 mnt/_audit.log >line
has line EX01 mail export.pfx
works sh -c "cat $pfx; cat $pfx >/dev/null"
equal 'two more' $((read_lines + 3)) "$(lines)"
expect '0 0' open $pfx O_RDONLY : close
works ls -l $m
works stat $pfx
equal 'none for one who only looked' $((read_lines + 3)) "$(lines)"
got=$(value open $pfx O_RDONLY : pread 0 10 : pread 10 10 : pread 0 10 : close)
true_that "a handle that reads three times: ${#got}" [ -n "$got" ]
equal 'is one more' $((read_lines + 4)) "$(lines)"
lacks mnt/_audit.log P@ssw0rd1

t 'export__refuses_to_be_written_and_removed'
snapshot
expect EACCES open $pfx O_WRONLY
expect EACCES open $pfx O_RDWR
expect EACCES open $pfx O_WRONLY,O_APPEND
expect EACCES open $pfx O_WRONLY,O_TRUNC
expect 'EACCES|EPERM' truncate $pfx 0
expect EPERM unlink $pfx
expect EPERM rename $pfx $m/other.pfx
expect EPERM link $pfx $m/other.pfx
unchanged

t 'password__can_be_written_but_never_read'
expect 'file,0600' stat $m/export.password type,mode
empty $m/export.password
expect '0 ""' open $m/export.password O_RDONLY : read
restart
empty $m/export.password
present $pfx
for file in mnt/_errors mnt/_audit.log $m/why $m/info $m/info.json log; do
	lacks "$file" P@ssw0rd1
done
true_that 'the store does not hold it in clear' sh -c '! cat certs.db* | grep -qF P@ssw0rd1'
has $m/why password

t 'password__another_one_gives_other_bytes_and_the_old_one_the_old_bytes'
before_mtime=$(value stat $pfx mtime,ctime)
ino=$(value stat $pfx ino)
expect 0 put $m/export.password 'Second one, with blanks\n'
differ 'mtime moved' "$before_mtime" "$(value stat $pfx mtime,ctime)"
equal 'inode stays' "$ino" "$(value stat $pfx ino)"
differ 'other bytes' "$first" "$(sum $pfx)"
works cp $pfx second.pfx
opens second.pfx 'Second one, with blanks'
refuses second.pfx 'P@ssw0rd1'
expect 0 put $m/export.password 'P@ssw0rd1\n'
same backup.pfx $pfx

t 'password__the_newline_is_no_part_of_it'
expect 0 put $m/export.password 'P@ssw0rd1'
same backup.pfx $pfx
expect 0 put $m/export.password 'P@ssw0rd1\r\n'
same backup.pfx $pfx
for shell in bash dash; do
	works $shell -c "echo 'Shell $shell' > $m/export.password"
	works cp -f $pfx shell.pfx
	opens shell.pfx "Shell $shell"
done
printf 'By cp\n' >password
works cp password $m/export.password
works cp $pfx copied.pfx
opens copied.pfx 'By cp'
works sh -c "printf 'By tee' | tee $m/export.password"
works cp $pfx teed.pfx
opens teed.pfx 'By tee'

t 'password__over_2_KiB_or_of_two_lines_is_refused_and_changes_nothing'
long=$(awk 'BEGIN { for (i = 0; i < 2048; i++) printf "x" }')
expect 0 put $m/export.password "$long\n"
works cat $pfx
# openssl(1) itself reads no more than 1024 bytes of a password.
printf '%.1000s\n' "$long" >password
works sh -c "cat password > $m/export.password && cp $pfx long.pfx"
true_that 'opens with 1000 bytes' openssl pkcs12 -in long.pfx -passin file:password -nodes -out opened.pem
expect 0 put $m/export.password 'P@ssw0rd1\n'
snapshot
expect 'EINVAL|EFBIG' put $m/export.password "${long}y\n"
sentence $m export.password 2048
expect EINVAL put $m/export.password 'one\ntwo\n'
expect EINVAL put $m/export.password 'one\0two\n'
unchanged
same backup.pfx $pfx
lacks $m/why xxxxxxxx
lacks log xxxxxxxx

t 'password__of_the_certificate_then_the_server_then_the_root'
expect 0 put mnt/_export.password 'Of the root\n'
same backup.pfx $pfx
expect 0 put mnt/EX01/_export.password 'Of the server\n'
same backup.pfx $pfx
empty mnt/_export.password
empty mnt/EX01/_export.password
expect 0 put $m/export.password '\n'
works cp $pfx server.pfx
opens server.pfx 'Of the server'
refuses server.pfx 'P@ssw0rd1'
expect 0 put mnt/EX01/_export.password '\n'
works cp $pfx root.pfx
opens root.pfx 'Of the root'
request mnt/EX02/web web.contoso.com
answer mnt/EX02/web issuing
present mnt/EX02/web/export.pfx
works cp mnt/EX02/web/export.pfx web.pfx
opens web.pfx 'Of the root'
snapshot
restart
unchanged
opens $pfx 'Of the root'

t 'export__is_gone_with_the_last_password'
expect 0 put mnt/_export.password '\n'
absent $pfx mnt/EX02/web/export.pfx
expect ENOENT open $pfx O_RDONLY
has $m/why export.password
expect 0 put $m/export.password 'P@ssw0rd1\n'
same backup.pfx $pfx
absent mnt/EX02/web/export.pfx
works bash -c "echo > $m/export.password"
absent $pfx

t 'export__of_what_cannot_be_exported_is_absent'
request mnt/EX01/fixed fixed.contoso.com 'exportable = no'
answer mnt/EX01/fixed issuing
expect 0 put mnt/EX01/fixed/export.password 'P@ssw0rd1\n'
is mnt/EX01/fixed/status Valid
absent mnt/EX01/fixed/export.pfx
has mnt/EX01/fixed/why exportable
snapshot
expect EACCES open mnt/EX01/fixed/export.pfx O_WRONLY,O_CREAT
expect EACCES open mnt/EX01/fixed/exportable O_WRONLY
unchanged

t 'export__of_a_pending_request_comes_with_its_certificate'
request mnt/EX01/later later.contoso.com
expect 0 put mnt/EX01/later/export.password 'Early\n'
absent mnt/EX01/later/export.pfx
answer mnt/EX01/later issuing
present mnt/EX01/later/export.pfx
opens mnt/EX01/later/export.pfx Early

t 'export__needs_a_date_ahead_not_trust'
ca stranger
request mnt/EX01/strange strange.contoso.com
answer mnt/EX01/strange stranger
expect 0 put mnt/EX01/strange/export.password 'x\n'
is mnt/EX01/strange/status Untrusted
opens mnt/EX01/strange/export.pfx x
request mnt/EX01/expired expired.contoso.com
issue_dates issuing mnt/EX01/expired/request.csr expired.cer 20200101000000Z 20210101000000Z
works cp expired.cer mnt/EX01/expired/
expect 0 put mnt/EX01/expired/export.password 'x\n'
is mnt/EX01/expired/status DateInvalid
absent mnt/EX01/expired/export.pfx
has mnt/EX01/expired/why 2021-01-01

t 'listing__follows_a_wider_password_at_once'
# shellcheck disable=SC2317,SC2329 # called by works and fails
has_export() { "$SYS" readdir "$m" | tr / '\n' | grep -qx export.pfx; }
for wider in mnt/EX01/_export.password mnt/_export.password; do
	for file in mnt/_export.password mnt/EX01/_export.password $m/export.password; do
		expect 0 put $file '\n'
	done
	fails - has_export
	before=$(value stat $m mtime)
	expect 0 put $wider 'Wider\n'
	works has_export
	differ "the directory's time, after $wider" "$before" "$(value stat $m mtime)"
	expect 0 put $wider '\n'
	fails - has_export
done
expect 0 put $m/export.password 'P@ssw0rd1\n'

t 'export__of_every_key_type_opens'
for type in rsa2048 rsa3072 rsa4096 p256 p384; do
	expect 0 mkdir mnt/EX02/$type
	expect 0 put mnt/EX02/$type/request.csr "key-type = $type\nCN=$type.contoso.com\n"
	answer mnt/EX02/$type root
	expect 0 put mnt/EX02/$type/export.password "Of $type\n"
	size=$(value stat mnt/EX02/$type/export.pfx size)
	works cp mnt/EX02/$type/export.pfx $type.pfx
	equal 'its size' "$size" "$(wc -c <$type.pfx)"
	opens $type.pfx "Of $type"
	equal 'its key' "$(openssl x509 -in mnt/EX02/$type/certificate.pem -noout -pubkey)" \
		"$(openssl pkey -in opened.pem -pubout)"
done

t 'programs__read_what_is_exported'
expect 0 mkdir mnt/EX03
request mnt/EX03/rsa rsa.contoso.com 'key-type = rsa2048'
answer mnt/EX03/rsa issuing
works sh -c "echo 'Sekret 9' > mnt/EX03/_export.password"
if have certutil && have pk12util; then
	mkdir nss
	works timeout 60 certutil -N -d sql:nss --empty-password
fi
for encryption in aes256-sha256 3des-sha1; do
	works sh -c "echo $encryption > mnt/EX03/_settings/pfx-encryption"
	works cp -f mnt/EX03/rsa/export.pfx rsa.pfx
	opens rsa.pfx 'Sekret 9'
	if have certtool; then
		works timeout 60 certtool --p12-info --inder --password 'Sekret 9' --infile rsa.pfx --outfile certtool.txt
		has certtool.txt 'PRIVATE KEY'
		openssl x509 -in certtool.txt -out certtool.pem
		same certtool.pem mnt/EX03/rsa/certificate.pem
		fails - timeout 60 certtool --p12-info --inder --password wrong --infile rsa.pfx
	fi
	if [ -d nss ]; then
		works timeout 60 pk12util -l rsa.pfx -W 'Sekret 9' -d sql:nss
		has out 'rsa.contoso.com' 'Key'
		works timeout 60 pk12util -i rsa.pfx -W 'Sekret 9' -d sql:nss
		fails - timeout 60 pk12util -l rsa.pfx -W wrong -d sql:nss
	fi
done

t 'tree__with_exports_is_archived_with_exit_code_0'
works tar -cf tree.tar mnt
works cp -r mnt copy
same copy/EX02/p256/export.pfx p256.pfx
if have rsync; then
	works rsync -a --include='*/' --include=export.pfx --exclude='*' mnt/ exports/
	rsync -ai --include='*/' --include=export.pfx --exclude='*' mnt/ exports/ >second
	equal 'a second rsync finds nothing to do' '' "$(cat second)"
fi

t 'export__goes_away_when_its_date_passes'
if testing; then
	present mnt/EX02/p256/export.pfx
	works ctl clock +$((400 * 86400))
	# shellcheck disable=SC2317,SC2329 # called by becomes
	date_passed() { [ "$(value lstat mnt/EX02/p256/export.pfx type)" = ENOENT ]; }
	becomes 'absent' date_passed
	is mnt/EX02/p256/status DateInvalid
	unlisted mnt/EX02/p256/export.pfx
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi

finish
