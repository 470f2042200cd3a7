#!/bin/sh
# Clients: the programs an administrator types, each on the whole path from a name to an export,
# and where each hears a refusal (what each was measured to do).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01
ca root
works cp ca/root.pem mnt/_trust/

n=0
# path 'COMMAND' [ERRNO|- [new]]: how a client brings the file $from to the place $to. Tried for a
# property, a request, an answer, a password and an export, with a refused neighbour of each kind.
# ERRNO is what all refusals read as, `-` for clients that don't say; `new` is for those that unlink
# what is there before they write, so they only make new files here.
path() {
	n=$((n + 1))
	dir=mnt/EX01/client-$n
	how=$1
	errno=${2:-}
	expect 0 mkdir $dir
	echo p256 >value.txt
	echo rsa1024 >bad.txt
	if [ "${3:-}" = new ]; then
		works cp value.txt $dir/key-type
	else
		bring value.txt $dir/key-type
		is $dir/key-type p256
		hears "${errno:-EINVAL}" bad.txt $dir/key-type
	fi
	is $dir/key-type p256
	echo 'C=US, O=Contoso' >bad.txt
	hears "${errno:-EINVAL}" bad.txt $dir/request.csr
	is $dir/status Draft
	echo "C=US, O=Contoso, CN=client-$n.contoso.com" >request.txt
	bring request.txt $dir/request.csr
	is $dir/status PendingRequest
	issue root $dir/request.csr answer.cer
	echo garbage >bad.txt
	hears "${errno:-EBADMSG}" bad.txt $dir/answer.cer
	is $dir/status PendingRequest
	bring answer.cer $dir/answer.cer
	is $dir/status Valid
	echo "Client $n" >password.txt
	if [ "${3:-}" = new ]; then
		works cp password.txt $dir/export.password
	else
		bring password.txt $dir/export.password
	fi
	bring $dir/export.pfx copied.pfx
	true_that 'the export opens' openssl pkcs12 -in copied.pfx -passin "pass:Client $n" -noout
	rm -f copied.pfx
}

bring() { # FROM TO
	works env "from=$1" "to=$2" sh -c "$how"
}

hears() { # ERRNO FROM TO
	fails "$1" env "from=$2" "to=$3" sh -c "$how"
}

# shellcheck disable=SC2016 # from and to are expanded by the shell that path starts
{
	t 'cp__brings_and_hears'
	path 'cp $from $to'
	path 'cp -f $from $to'

	t 'cat__brings_and_hears'
	path 'cat $from > $to'
	path 'bash -c "cat $from > $to"'

	t 'tee__brings_and_hears'
	path 'tee $to < $from >/dev/null'

	t 'dd__brings_and_hears'
	path 'dd if=$from of=$to status=none'
	path 'dd if=$from of=$to conv=fsync bs=64k status=none'

	t 'mv__brings_and_hears'
	path 'cp $from moving && mv -f moving $to' - new

	t 'install__brings_and_hears'
	path 'install -m 644 $from $to' '' new

	if have rsync; then
		t 'rsync__brings_and_hears'
		path 'rsync --checksum $from $to' -
	fi
	if have python3; then
		t 'python__brings_and_hears'
		path 'python3 -c "
import sys
with open(sys.argv[1], \"rb\") as a, open(sys.argv[2], \"wb\") as b:
    b.write(a.read())
" $from $to'
	fi
	if have perl; then
		t 'perl__brings_and_hears'
		path 'perl -e "
open(A, q(<), shift) or die qq(\$!\n); open(B, q(>), shift) or die qq(\$!\n);
local \$/; print B <A> or die qq(\$!\n); close(B) or die qq(\$!\n);
" $from $to'
	fi
	if have curl; then
		t 'curl__brings_and_hears'
		path 'curl -sS -o $to file://$PWD/$from' -
	fi
	if have busybox; then
		t 'busybox__brings_and_hears'
		path 'busybox cp $from $to'
	fi
	if have gio; then
		t 'gio__brings_and_hears'
		path 'gio copy $from $to' -
	fi
}

t 'shells__append_a_service_and_hear_a_refusal'
dir=mnt/EX01/client-1
for shell in bash dash busybox; do
	have $shell || continue
	run=$shell
	[ $shell != busybox ] || run='busybox sh'
	# shellcheck disable=SC2086 # busybox sh is two words
	{
		works $run -c "echo IIS >> $dir/services"
		works $run -c "printf 'IMAP\nPOP\n' >> $dir/services"
		fails - $run -c "echo FTP >> $dir/services"
		fails EPERM $run -c "echo IIS > $dir/services"
	}
done
is $dir/services 'IIS
IMAP
POP'
works sh -c "echo SMTP | tee -a $dir/services"
works sh -c "echo SMTP | dd of=$dir/services oflag=append conv=notrunc status=none"
if have python3; then
	works python3 -c "open('$dir/services', 'a').write('SMTP\n')"
	fails EINVAL python3 -c "open('$dir/services', 'a', buffering=1).write('FTP\n')"
fi
is $dir/services 'IIS
IMAP
POP
SMTP'

t 'shells__do_not_hear_close_but_why_says_it'
expect 0 mkdir mnt/EX01/deaf
request mnt/EX01/deaf deaf.contoso.com
works bash -c "echo garbage > mnt/EX01/deaf/answer.cer"
sentence mnt/EX01/deaf answer.cer
is mnt/EX01/deaf/status PendingRequest

t 'openssl__reads_and_writes_in_place'
works openssl req -in mnt/EX01/deaf/request.csr -noout -verify -text
works openssl req -inform DER -in mnt/EX01/deaf/request.der -noout -verify
works openssl x509 -req -in mnt/EX01/deaf/request.csr -CA ca/root.pem -CAkey ca/root.key -days 30 \
	-copy_extensions copy -set_serial 77 -out mnt/EX01/deaf/answer.cer
is mnt/EX01/deaf/status Valid
works openssl x509 -in mnt/EX01/deaf/certificate.pem -noout -text
works openssl x509 -inform DER -in mnt/EX01/deaf/certificate.cer -noout -text
works openssl verify -CAfile mnt/_trust/root.pem mnt/EX01/deaf/certificate.pem
expect 0 put mnt/EX01/deaf/export.password 'pw\n'
works openssl pkcs12 -in mnt/EX01/deaf/export.pfx -passin pass:pw -noout
if have certtool; then
	t 'certtool__reads_them_as_well'
	works certtool --crq-info --infile mnt/EX01/deaf/request.csr
	works certtool --certificate-info --infile mnt/EX01/deaf/certificate.pem
	works certtool --p12-info --inder --password pw --infile mnt/EX01/deaf/export.pfx
fi

t 'openssl_and_certtool__do_not_hear_a_refusal_but_why_says_it'
request mnt/EX01/silent silent.contoso.com
snapshot
works openssl x509 -in mnt/EX01/deaf/certificate.pem -out mnt/EX01/silent/answer.cer
sentence mnt/EX01/silent answer.cer EX01/deaf
works openssl rand -out mnt/EX01/silent/random.cer 100
sentence mnt/EX01/silent random.cer
if have certtool; then
	works certtool --certificate-info --infile ca/root.pem --outfile mnt/EX01/silent/root.pem
	sentence mnt/EX01/silent root.pem _trust
fi
unchanged

# brings 'COMMAND': an answer to the request in $d, in its own way.
brings() {
	n=$((n + 1))
	d=mnt/EX01/brought-$n
	request $d brought.contoso.com
	issue root $d/request.csr answer.cer
	works env "d=$d" bash -c "$1"
	is $d/status Valid
}
# shellcheck disable=SC2016 # d is expanded by the shell that brings starts
{
	t 'archives__are_unpacked_into_a_certificate'
	brings 'tar -cf answer.tar answer.cer && tar -xf answer.tar -C $d'
	brings 'tar -cf answer.tar answer.cer && tar -xpf answer.tar --overwrite --same-owner -C $d'
	! have cpio || brings 'echo answer.cer | cpio -o -H newc --quiet >answer.cpio &&
		cpio -D $d -i -m --quiet <answer.cpio'
	t 'pipes__end_in_a_certificate'
	brings 'cat answer.cer | (umask 077; cat >$d/answer.cer)'
	brings 'grep -v -e --- answer.cer | base64 -d >$d/answer.der'
	brings 'flock $d cp answer.cer $d/answer.cer'
	if have rsync; then
		t 'rsync__brings_with_every_way_of_writing'
		mkdir elsewhere
		for options in '-a --temp-dir=$PWD/elsewhere' '--chmod=600 --partial' --append --append-verify \
			'-a --backup' '--inplace --whole-file' '-rlptgoD' '--remove-source-files' '-aAX'; do
			brings "rsync $options answer.cer \$d/"
		done
		request mnt/EX01/delayed delayed.contoso.com
		issue root mnt/EX01/delayed/request.csr answer.cer
		snapshot
		rsync --delay-updates answer.cer mnt/EX01/delayed/ 2>said # its exit status may be 0
		has said partial-dir
		has mnt/_errors 'delayed/.~tmp~: no directory can be made in a certificate'
		unchanged
	fi
	if have gio; then
		t 'gio__moves_an_answer'
		brings 'gio move answer.cer $d/'
		absent answer.cer
		brings 'gio save $d/answer.cer <answer.cer'
	fi
}

t 'editors__save_a_value'
expect 0 mkdir mnt/EX01/edited
e=mnt/EX01/edited
expect 0 put $e/domains 'a.example\nb.example\n'
works sed -i s/a.example/c.example/ $e/domains
is $e/domains 'c.example
b.example'
if have ed; then
	works sh -c "printf '1d\nw\nq\n' | ed -s $e/domains"
	is $e/domains b.example
fi
if have vim; then
	works vim -es -u NONE -c 'set nobackup writebackup' -c '%s/b\.example/v.example/' -c wq $e/domains
	has $e/domains v.example
	works vim -es -u NONE -c '%s/^.*$/w.example/' -c 'wq!' $e/domains
	is $e/domains w.example
fi
listed $e 'status info info.json why subject domains key-type exportable friendly-name export.password'

t 'archivers__read_the_whole_tree'
snapshot
works tar -cf tree.tar mnt
works tar -cSf sparse.tar mnt
works tar --xattrs -cf xattrs.tar mnt
works cp -a mnt copy
works find mnt -type f -exec sha256sum {} +
works du -s mnt
works grep -rq Valid mnt/EX01
works diff -r --no-dereference -x why -x _errors -x _audit.log mnt copy
if have cpio; then
	works sh -c 'find mnt | cpio -o -H newc > tree.cpio'
fi
if have rsync; then
	works rsync -a --exclude=_audit.log --exclude=_errors --exclude=why mnt/ rsynced/
	rsync -ai --exclude=_audit.log --exclude=_errors --exclude=why mnt/ rsynced/ >second
	equal 'a second rsync finds nothing to do' '' "$(cat second)"
fi
tar -cf first.tar -g tree.snar mnt 2>/dev/null
tar -cvf again.tar -g tree.snar mnt 2>/dev/null | grep -v -e '/$' -e _audit.log -e _errors -e /why >second
equal 'a second incremental tar stores no file' '' "$(cat second)"
unchanged

t 'desktops__looking_around_changes_nothing'
snapshot
for name in .hidden .directory .sh_thumbnails .Trash .Trash-0 .xdg-volume-info autorun.inf; do
	value lstat mnt/$name type >looked
	value lstat mnt/EX01/$name type >looked
	value lstat "$dir/$name" type >looked
done
for file in mnt/EX01/*/* mnt/*; do
	[ -f "$file" ] && head -c 4096 "$file" >looked
done
expect EPERM mkdir mnt/.Trash-0
if have gio; then
	works gio list mnt/EX01
	works gio info mnt/EX01/client-1/info
	works gio cat mnt/EX01/client-1/status
	fails - gio trash mnt/EX01/client-1/status
fi
unchanged

finish
