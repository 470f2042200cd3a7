#!/bin/sh
# Keys as they are: `private.pem` and `combined.pem`, which a mount has only with -o keys
# (certfs(1), certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
ca root
ca issuing root
works cp ca/root.pem ca/issuing.pem mnt/_trust/
m=mnt/EX01/mail
request $m mail.contoso.com
answer $m issuing
is $m/status Valid

lines() { wc -l <mnt/_audit.log; }

t 'keys__are_absent_without_the_option'
absent $m/private.pem $m/combined.pem
expect 'ENOENT ENOENT' open $m/private.pem O_RDONLY : open $m/combined.pem O_RDONLY
expect 'EACCES EACCES' open $m/private.pem O_WRONLY,O_CREAT : open $m/combined.pem O_WRONLY,O_CREAT
expect 0 put $m/export.password 'P@ssw0rd1\n'
absent $m/private.pem $m/combined.pem
expect 0 put $m/export.password '\n'

t 'keys__are_there_with_it_and_need_no_password'
restart keys
absent $m/export.pfx
present $m/private.pem $m/combined.pem
expect 'file,0400 file,0400' stat $m/private.pem type,mode : stat $m/combined.pem type,mode
for file in private.pem combined.pem; do
	size=$(value stat $m/$file size)
	works cp $m/$file $file
	equal "$file has the size it said" "$size" "$(wc -c <$file)"
	equal 'and says' "$size,$(((size + 511) / 512))" "$(value stat $m/$file size,blocks)"
done
equal 'the key is that of the certificate' "$(openssl x509 -in $m/certificate.pem -noout -pubkey)" \
	"$(openssl pkey -in private.pem -pubout)"
equal 'one block, PKCS#8' '-----BEGIN PRIVATE KEY-----' "$(grep BEGIN private.pem)"
cat private.pem $m/fullchain.pem >both.pem
same both.pem combined.pem
expect 0 put $m/export.password 'P@ssw0rd1\n'
same both.pem $m/combined.pem
present $m/export.pfx

t 'keys__are_the_same_after_restart_with_the_same_inode'
before=$(value stat $m/private.pem ino,mtime,ctime,size)
snapshot
restart keys
unchanged
equal 'inode, times and size' "$before" "$(value stat $m/private.pem ino,mtime,ctime,size)"
same private.pem $m/private.pem
same combined.pem $m/combined.pem

t 'audit__has_a_line_for_each_handle_that_read_and_none_for_one_that_did_not'
for file in private.pem combined.pem; do
	read_lines=$(lines)
	expect '0 0' open $m/$file O_RDONLY : close
	works stat $m/$file
	works ls -l $m
	equal 'none for one who only looked' "$read_lines" "$(lines)"
	works cat $m/$file
	equal 'one more' $((read_lines + 1)) "$(lines)"
	tail -n 1 mnt/_audit.log >line
	has line read-key EX01 mail $file '"uid":'"$(id -u)"
	got=$(value open $m/$file O_RDONLY : pread 0 10 : pread 10 10 : pread 0 10 : close)
	true_that "a handle that reads three times: ${#got}" [ -n "$got" ]
	equal 'is one more' $((read_lines + 2)) "$(lines)"
done
lacks mnt/_audit.log 'BEGIN' "$(sed -n 2p private.pem)"

t 'keys__stay_when_the_log_cannot_be_written'
if command -v prlimit >/dev/null && prlimit --pid "$(worker)" --fsize=0:unlimited 2>/dev/null; then
	expect '0 EIO 0' open $m/private.pem O_RDONLY : read : close
	expect '0 EIO EIO 0' open $m/combined.pem O_RDONLY : pread 0 16 : pread 16 16 : close
	expect '0 EIO 0' open $m/export.pfx O_RDONLY : read : close
	# What holds no key can be read. (Neither can the log of the daemon be written meanwhile.)
	works cat $m/fullchain.pem
	expect 'EIO|ENOSPC|EFBIG' put $m/friendly-name 'x\n'
	works prlimit --pid "$(worker)" --fsize=unlimited:unlimited
	works cat $m/private.pem
	expect 0 put $m/friendly-name 'x\n'
	sound
else
	left_out 'the limits of the worker cannot be set here'
fi

t 'keys__cannot_be_written_or_removed'
snapshot
for file in private.pem combined.pem; do
	expect EACCES open $m/$file O_WRONLY
	expect EACCES open $m/$file O_RDWR
	expect EACCES open $m/$file O_WRONLY,O_TRUNC
	expect 'EACCES|EPERM' truncate $m/$file 0
	expect EPERM unlink $m/$file
	expect EPERM rename $m/$file $m/other.pem
	expect EPERM link $m/$file $m/other.pem
done
unchanged

t 'keys__are_absent_where_there_is_no_certificate_or_it_may_not_leave'
expect 0 mkdir mnt/EX01/draft
absent mnt/EX01/draft/private.pem mnt/EX01/draft/combined.pem
request mnt/EX01/pending pending.contoso.com
absent mnt/EX01/pending/private.pem mnt/EX01/pending/combined.pem
request mnt/EX01/fixed fixed.contoso.com 'exportable = no'
answer mnt/EX01/fixed issuing
is mnt/EX01/fixed/status Valid
absent mnt/EX01/fixed/private.pem mnt/EX01/fixed/combined.pem
request mnt/EX01/expired expired.contoso.com
issue_dates issuing mnt/EX01/expired/request.csr expired.cer 20200101000000Z 20210101000000Z
works cp expired.cer mnt/EX01/expired/
is mnt/EX01/expired/status DateInvalid
absent mnt/EX01/expired/private.pem mnt/EX01/expired/combined.pem
answer mnt/EX01/pending issuing
present mnt/EX01/pending/private.pem mnt/EX01/pending/combined.pem

t 'combined__serves_TLS_through_the_link_of_a_service'
expect 0 add $m/services 'IIS\n'
link=mnt/EX01/_services/IIS
same both.pem $link/combined.pem
timeout 120 openssl s_server -quiet -naccept 1 -unix tls.sock -cert $link/combined.pem \
	-key $link/combined.pem -cert_chain $link/combined.pem </dev/null >served 2>&1 &
server=$!
# shellcheck disable=SC2317,SC2329 # called by until_true
listens() { [ -S tls.sock ] || gone "$server"; }
until_true listens
timeout 60 openssl s_client -unix tls.sock -servername mail.contoso.com -verify_hostname mail.contoso.com \
	-CAfile ca/root.pem -verify_return_error </dev/null >client 2>&1
equal 'the client is served' 0 $?
has client 'Verify return code: 0 (ok)' 'CN = mail.contoso.com'
kill "$server" 2>/dev/null
wait "$server"

t 'combined__has_the_key_and_chain_of_every_type'
for type in rsa2048 p384; do
	expect 0 mkdir mnt/EX01/$type
	expect 0 put mnt/EX01/$type/request.csr "key-type = $type\nCN=$type.contoso.com\n"
	answer mnt/EX01/$type root
	size=$(value stat mnt/EX01/$type/combined.pem size)
	works cp mnt/EX01/$type/combined.pem $type.pem
	equal 'its size' "$size" "$(wc -c <$type.pem)"
	equal 'its key' "$(openssl x509 -in $type.pem -noout -pubkey)" "$(openssl pkey -in $type.pem -pubout)"
done

t 'keys__go_when_the_date_passes'
if testing; then
	works ctl clock +$((400 * 86400))
	# shellcheck disable=SC2317,SC2329 # called by becomes
	date_passed() { [ "$(value lstat $m/private.pem type)" = ENOENT ]; }
	becomes 'absent' date_passed
	absent $m/combined.pem
	expect ENOENT open $m/private.pem O_RDONLY
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi

finish
