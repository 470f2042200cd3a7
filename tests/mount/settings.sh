#!/bin/sh
# Settings: what may be written into `_settings`, and what follows from it (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
s=mnt/EX01/_settings

t 'defaults__are_those_of_the_contract'
listed mnt/_settings 'accepted-domains expiring-days ready-keys'
listed $s 'fqdn version um-startup-mode umcallrouter-startup-mode key-type exportable-requests
exportable-self-signed exportable-imports pfx-encryption pfx-iterations'
present mnt/_settings $s
empty mnt/_settings/accepted-domains
is mnt/_settings/expiring-days 30
is mnt/_settings/ready-keys 0
is $s/fqdn EX01
is $s/version 2019
is $s/um-startup-mode TCP
is $s/umcallrouter-startup-mode TCP
is $s/key-type rsa2048
is $s/exportable-requests yes
is $s/exportable-self-signed no
is $s/exportable-imports no
is $s/pfx-encryption aes256-sha256
is $s/pfx-iterations 10000
expect 'file,0644' stat $s/version type,mode
expect 'dir,0755' stat $s type,mode

t 'write__of_anything_else_is_EINVAL_and_changes_nothing'
snapshot
for bad in version=2013 version=19 um-startup-mode=UDP umcallrouter-startup-mode=on key-type=rsa1024 \
	key-type=dsa exportable-requests=perhaps exportable-self-signed=1 exportable-imports=- \
	pfx-encryption=rc2-40 pfx-iterations=1999 pfx-iterations=200001 pfx-iterations=0x9999 fqdn=a_b.example \
	fqdn=10.0.0.1 'fqdn=a.example b.example'; do
	expect EINVAL put "$s/${bad%%=*}" "${bad#*=}\n"
	sentence - "_settings/${bad%%=*}"
done
expect EINVAL put mnt/_settings/accepted-domains '*.contoso.com\n'
expect EINVAL put $s/version '2016\n2019\n'
expect EINVAL put $s/version '2016\0\n'
fails EINVAL bash -c "echo 2013 > $s/version"
unchanged

t 'directory__takes_no_other_names'
snapshot
expect EPERM open $s/other O_WRONLY,O_CREAT
expect EPERM mkdir $s/other
expect EPERM unlink $s/version
expect EPERM rename $s/version $s/other
expect EPERM chmod $s/version 0600
expect EPERM rmdir $s
unchanged

t 'write__of_a_value_is_seen_at_once_and_an_empty_line_is_the_default'
works sh -c "echo 2016 > $s/version"
is $s/version 2016
is $s/pfx-encryption 3des-sha1
is $s/pfx-iterations 2000
works sh -c "echo > $s/version"
is $s/version 2019
is $s/pfx-encryption aes256-sha256
works sh -c "printf se > $s/version"
is $s/version SE
works sh -c ": > $s/version"
is $s/version SE
works sh -c "echo > $s/version"
before_mtime=$(value stat $s/version mtime)
snapshot
works sh -c "echo > $s/version"
unchanged
equal 'its mtime' "$before_mtime" "$(value stat $s/version mtime)"

t 'editors__that_rename_onto_a_file_can_be_used'
works sed -i s/2019/2016/ $s/version
is $s/version 2016
fails - sed -i s/2016/2013/ $s/version
is $s/version 2016
works sh -c "echo > $s/version"

t 'accepted_domains__expand_in_domains'
expect 0 mkdir mnt/EX01/names
expect EINVAL put mnt/EX01/names/domains '@accepted\n'
sentence mnt/EX01/names accepted-domains
works sh -c "printf 'contoso.com\nfabrikam.com\n' > mnt/_settings/accepted-domains"
works sh -c "echo litware.com >> mnt/_settings/accepted-domains"
is mnt/_settings/accepted-domains 'contoso.com
fabrikam.com
litware.com'
works sh -c "echo ex01.contoso.com > $s/fqdn"
works sh -c "echo '@server, @fqdn, @accepted, @autodiscover' > mnt/EX01/names/domains"
is mnt/EX01/names/domains 'EX01
ex01.contoso.com
contoso.com
fabrikam.com
litware.com
autodiscover.contoso.com
autodiscover.fabrikam.com
autodiscover.litware.com'

t 'drafts__begin_with_the_settings'
works sh -c "echo p256 > $s/key-type"
works sh -c "echo no > $s/exportable-requests"
expect 0 mkdir mnt/EX01/draft
is mnt/EX01/draft/key-type p256
is mnt/EX01/draft/exportable no
is mnt/EX01/names/key-type rsa2048
works sh -c "echo > $s/exportable-requests"

t 'fqdn__is_in_the_identity'
valid mnt/EX01/mail mail.contoso.com
matches mnt/EX01/mail/info '^Identity *: ex01\.contoso\.com\\[0-9A-F]{40}$'
works sh -c "echo other.contoso.com > $s/fqdn"
matches mnt/EX01/mail/info '^Identity *: other\.contoso\.com\\'

t 'UM__is_a_service_of_2016_with_TLS'
snapshot
expect '0 EOPNOTSUPP 0' open mnt/EX01/mail/services O_WRONLY,O_APPEND : write 'UM\n' : close
unchanged
works sh -c "echo 2016 > $s/version"
snapshot
expect '0 EOPNOTSUPP 0' open mnt/EX01/mail/services O_WRONLY,O_APPEND : write 'UM\n' : close
sentence mnt/EX01/mail UM TCP
unchanged
works sh -c "echo TLS > $s/um-startup-mode"
works sh -c "echo UM >> mnt/EX01/mail/services"
is mnt/EX01/mail/services UM
works sh -c "echo Dual > $s/umcallrouter-startup-mode"
works sh -c "echo UMCallRouter >> mnt/EX01/mail/services"
expect '../mail' readlink mnt/EX01/_services/UMCallRouter

t 'pfx__has_the_encryption_and_the_iterations_of_its_server'
valid mnt/EX02/mail other.contoso.com
works sh -c 'echo P@ssw0rd1 > mnt/_export.password'
pfx() { # FILE: what openssl tells of it
	openssl pkcs12 -in "$1" -passin pass:P@ssw0rd1 -info -nodes -legacy 2>&1
}
pfx mnt/EX01/mail/export.pfx >info
has info 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2000' 'MAC: sha1'
equal 'its size' "$(wc -c <mnt/EX01/mail/export.pfx)" "$(value stat mnt/EX01/mail/export.pfx size)"
before_mtime=$(value stat mnt/EX01/mail/export.pfx mtime)
other_mtime=$(value stat mnt/EX02/mail/export.pfx mtime)
works sh -c "echo aes256-sha256 > $s/pfx-encryption"
works sh -c "echo 3000 > $s/pfx-iterations"
pfx mnt/EX01/mail/export.pfx >info
has info 'AES-256-CBC, Iteration 3000, PRF hmacWithSHA256' 'MAC: sha256'
equal 'its size' "$(wc -c <mnt/EX01/mail/export.pfx)" "$(value stat mnt/EX01/mail/export.pfx size)"
differ 'its mtime moved' "$before_mtime" "$(value stat mnt/EX01/mail/export.pfx mtime)"
equal 'that of another server did not' "$other_mtime" "$(value stat mnt/EX02/mail/export.pfx mtime)"

t 'restart__keeps_every_setting'
snapshot
restart
unchanged

finish
