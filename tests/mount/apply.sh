#!/bin/sh
# EX01/_apply.ps1: the commands for the real server follow what the tree shows, at once, and the
# same state is the same bytes (certfs(5)). tests/unit/test_apply.c has hostile names.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
a=mnt/EX01/_apply.ps1
m=mnt/EX01/mail
w=mnt/EX01/web

# A claim about what the script does, which is not what stands in its comments.
commands() { grep -v '^#' $a; }
# shellcheck disable=SC2317,SC2329 # called by does
commands_have() { commands | grep -qF -- "$1"; }
does() { true_that "the script does $1" commands_have "$1"; }
# shellcheck disable=SC2317,SC2329 # called by does_not
commands_lack() { ! commands_have "$1"; }
does_not() { true_that "the script does not $1" commands_lack "$1"; }

# Something changed it: its size is exact, and its times moved to another one than before.
# Called right before and after the change.
was() {
	mtime=$(value stat $a mtime)
	cat $a >was
}
moved() {
	differ 'mtime moved' "$mtime" "$(value stat $a mtime)"
	equal 'ctime is mtime' "$(value stat $a mtime)" "$(value stat $a ctime)"
	equal 'the size is exact' "$(wc -c <$a)" "$(value stat $a size)"
	differ 'the text is another one' "$(cat was)" "$(cat $a)"
}
stayed() {
	equal 'mtime stayed' "$mtime" "$(value stat $a mtime)"
	same was $a
}

t 'apply__is_there_from_the_start_and_cannot_be_written'
present $a mnt/EX02/_apply.ps1
expect '0444' stat $a mode
snapshot
expect EACCES open $a O_WRONLY
expect EACCES open $a O_WRONLY,O_TRUNC
expect EPERM unlink $a
expect EPERM rename $a mnt/EX01/other
unchanged
has $a 'not run against a real Exchange' DoNotRequireSsl NetworkServiceAllowed
equal 'it begins with a byte order mark' 'ef bb bf' "$(head -c 3 $a | od -An -tx1 | sed 's/^ //')"
equal 'the rest is ASCII here' '' "$(tail -c +4 $a | tr -d '\000-\177')"

t 'apply__names_what_cannot_be_exported'
was
request $m mail.contoso.com 'friendly-name = Post office'
moved
has $a "# mail: the request waits for the CA's answer"
valid $w web.contoso.com
answer $m root
has $a '# mail: no password is set' '# web: no password is set'
does_not Import-ExchangeCertificate

t 'apply__imports_with_the_password_that_counts'
was
expect 0 put mnt/_export.password 'root secret\n'
moved
does "-Prompt 'Password in _export.password of the root'"
does "if (\$Present -notcontains '$(cat $m/thumbprint)') {"
does "([System.IO.File]::ReadAllBytes('mail\\export.pfx')) -Password \$Password -FriendlyName 'Post office' -PrivateKeyExportable \$true"
does "([System.IO.File]::ReadAllBytes('web\\export.pfx')) -Password \$Password -PrivateKeyExportable \$true"
was
expect 0 put mnt/EX01/_export.password 'server secret\n'
moved
does "-Prompt 'Password in _export.password of EX01'"
was
expect 0 put $m/export.password 'own secret\n'
moved
does "-Prompt 'Password of mail\\export.pfx'"
lacks $a secret

t 'apply__enables_each_service_and_keeps_the_smtp_default'
was
expect 0 add $m/services 'SMTP, IIS\n'
moved
does "Enable-ExchangeCertificate -Server \$Server -Thumbprint '$(cat $m/thumbprint)' -Services 'SMTP'"
does "Enable-ExchangeCertificate -Server \$Server -Thumbprint '$(cat $m/thumbprint)' -Services 'IIS'"
does_not -Force
has $a 'answer N'
does_not iisreset
matches $a '^# iisreset$'
was
expect 0 add $w/services 'SMTP-default\n'
moved
does "-Thumbprint '$(cat $w/thumbprint)' -Services 'SMTP' -Force"
matches $a '^# Start-EdgeSynchronization'
does_not EdgeS

t 'apply__removal_of_what_was_replaced_is_a_comment'
was
expect 0 add $w/services 'IIS\n'
moved
matches $a "^# Remove-ExchangeCertificate -Server .Server -Thumbprint '$(cat $m/thumbprint)'\$"
does_not Remove-ExchangeCertificate
does_not "$(cat $m/thumbprint)"

t 'apply__follows_names_and_settings'
was
expect 0 put mnt/EX01/_settings/fqdn 'ex01.contoso.com\n'
moved
does "\$Server = 'ex01.contoso.com'"
was
expect 0 rename $w mnt/EX01/www
moved
does "ReadAllBytes('www\\export.pfx')"
was
expect 0 put mnt/EX01/www/friendly-name "Bob's\n"
moved
does "-FriendlyName 'Bob''s'"
was
expect 0 rmdir $m
moved
lacks $a '# mail:'

t 'apply__other_servers_and_readings_leave_it_alone'
was
valid mnt/EX02/other other.contoso.com
expect 0 add mnt/EX02/other/services 'IIS\n'
cat mnt/EX01/www/export.pfx >pfx
stayed

t 'apply__a_reader_sees_one_version'
text=$(value open $a O_RDONLY : pread 0 65536)
got=$(value open $a O_RDONLY : add mnt/EX01/www/services 'POP\n' : pread 0 65536)
equal 'what was there at open' "$(printf '%s' "$text" | cut -d' ' -f2-)" "$(printf '%s' "$got" | cut -d' ' -f3-)"
does "-Services 'POP'"

t 'apply__is_the_same_after_a_remount'
snapshot
restart
unchanged

t 'apply__many_certificates_cost_a_stat_little'
n=20
[ "${CERTFS_TEST_MORE:-0}" = 0 ] || n=600
expect 0 mkdir mnt/EX03
for i in $(seq "$n"); do
	mkdir "mnt/EX03/c$i"
	printf 'key-type = p256\nservices = SMTP\nCN=c%s.contoso.com\n' "$i" >request.txt
	sh -c 'cat request.txt >"$1"' sh "mnt/EX03/c$i/self-signed" || fail "c$i" made refused
done
expect 0444 stat mnt/EX03/_apply.ps1 mode
note "$n certificates: median and maximum of a stat without the kernel's memory, in microseconds: $(value latency mnt/EX03 _apply.ps1 200)"
equal 'the size is exact' "$(wc -c <mnt/EX03/_apply.ps1)" "$(value stat mnt/EX03/_apply.ps1 size)"

t 'apply__a_date_that_passes_is_its_time'
if testing; then
	ends=$(date -u -d "$(cat mnt/EX01/www/not-after)" +%s)
	works ctl clock +$((400 * 86400))
	# shellcheck disable=SC2317,SC2329 # called by becomes
	named() { grep -q '^# www: it has expired' $a; }
	becomes 'what expired is named as not deployable' named
	equal 'mtime is that date' "$ends" "$(value stat $a mtime | cut -d. -f1)"
	equal 'the size is exact' "$(wc -c <$a)" "$(value stat $a size)"
	does_not Import-ExchangeCertificate
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi
finish
