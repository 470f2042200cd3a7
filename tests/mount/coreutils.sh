#!/bin/sh
# Coreutils: every way in which people make, append, copy, move, install and remove files in a shell,
# by coreutils, busybox and scripting languages, with the refusals that each must hear.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

start
ca root
works cp ca/root.pem mnt/_trust/
expect '0 0 0' mkdir mnt/EX01 : mkdir mnt/EX02 : mkdir mnt/EX01/draft
valid mnt/EX01/mail mail.contoso.com
expect 0 put mnt/EX01/mail/export.password 'Tools1\n'
expect 0 add mnt/EX01/mail/services 'SMTP\n'
d=mnt/EX01/draft
m=mnt/EX01/mail

# sets 'COMMAND' FILE VALUE: it leaves that in the file of the draft; each begins with another value.
sets() {
	case $2 in
	key-type) expect 0 put $d/key-type 'p384\n' ;;
	*) expect 0 put "$d/$2" 'before.example\n' ;;
	esac
	works "$shell" -c "$1"
	is "$d/$2" "$3"
}
# hears ERRNO 'COMMAND': it ends badly and says that. Stands between snapshot and unchanged.
hears() {
	fails "$1" "$shell" -c "$2"
}
shell=bash
echo p256 >value
echo rsa1024 >wrong
printf 'a.example\nb.example\n' >names
both='a.example
b.example'

t 'making__directories'
works mkdir -p mnt/EX01/one/
works mkdir -v -m 750 mnt/EX01/two
expect dir,0750 stat mnt/EX01/two type,mode
works install -d -m 755 mnt/EX01/three
works mktemp -d -p mnt/EX01
works rmdir "$(cat out)" mnt/EX01/one mnt/EX01/two
snapshot
hears EPERM "mkdir -p mnt/EX01/three/below"
hears EEXIST 'mkdir mnt/EX01/three'
hears EEXIST 'mkdir mnt/EX01/THREE'
unchanged
works rmdir --ignore-fail-on-non-empty mnt/EX01
snapshot
hears ENOTEMPTY 'rmdir mnt/EX01'
hears EBUSY "rmdir $m"
unchanged
works rmdir mnt/EX01/three

t 'making__no_file_of_any_other_kind'
snapshot
for command in "ln $d/status $d/x.cer" "ln -s status $d/x.cer" "ln -sf value $d/key-type" \
	"cp -l $d/status $d/x.cer" "cp -s $T/value $d/x.cer" "mkfifo $d/x.cer" "mknod $d/x.cer p" \
	"touch $d/none" "mktemp -p $d" "split -b 2 value $d/part."; do
	hears EPERM "$command"
done
unchanged
works touch -c $d/none
absent $d/none

t 'writing__redirections_of_every_kind'
for shell in bash dash 'busybox'; do
	have $shell || continue
	if [ $shell = busybox ]; then
		printf '#!/bin/sh\nexec busybox sh "$@"\n' >ash
		chmod +x ash
		shell=./ash
	fi
	sets "cat names > $d/domains" domains "$both"
	sets "{ echo a.example; echo b.example; } > $d/domains" domains "$both"
	sets "exec 3> $d/domains; echo a.example >&3; echo b.example >&3; exec 3>&-" domains "$both"
	sets "cat > $d/domains <<END
a.example
b.example
END" domains "$both"
	sets "cat names >| $d/domains" domains "$both"
	sets "echo after.example >> $d/domains" domains 'before.example
after.example'
	snapshot
	hears - "set -C; echo x.example > $d/domains"
	unchanged
	expect 0 mkdir mnt/EX01/exclusive
	works "$shell" -c 'set -C; echo CN=exclusive.contoso.com > mnt/EX01/exclusive/request.csr'
	is mnt/EX01/exclusive/status PendingRequest
	works rmdir mnt/EX01/exclusive
	snapshot
	hears - "echo rsa1024 > $d/key-type"
	hears - "echo FTP >> $m/services"
	hears EPERM "echo IMAP > $m/services"
	hears EACCES "echo x > $m/info"
	hears EACCES "echo CN=x > $m/request.csr"
	unchanged
done
shell=bash

t 'writing__programs_that_take_a_name'
sets "cp names $d/domains" domains "$both"
sets "tee $d/domains <names" domains "$both"
sets "tee -a $d/domains <names" domains "before.example
$both"
sets "dd if=names of=$d/domains conv=fsync status=none" domains "$both"
sets "dd if=names of=$d/domains conv=notrunc,fdatasync oflag=sync bs=1M status=none" domains "$both"
sets "dd if=names of=$d/domains bs=5 status=none" domains "$both"
sets "dd if=names of=$d/domains oflag=append conv=notrunc status=none" domains "before.example
$both"
sets "dd if=value of=$d/key-type oflag=direct status=none" key-type p256
sets "printf 'b.example\na.example\n' >$d/domains; sort -o $d/domains $d/domains" domains "$both"
sets "shuf -n 1 -e a.example -o $d/domains" domains a.example
sets "sed -i s/before/after/ $d/domains" domains after.example
sets "sed 's/before/after/w $d/domains' <$d/domains" domains after.example
sets "truncate -s 0 $d/domains" domains before.example # as `>` alone does
snapshot
hears EINVAL "truncate -s 3 $d/domains"
hears EPERM "truncate -s 0 $m/services"
hears EINVAL "dd if=wrong of=$d/key-type conv=fsync status=none"
hears EINVAL "tee $d/key-type <wrong"
hears EINVAL "sort -o $d/key-type wrong"
hears EPERM "sed -i s/.*/rsa1024/ $d/key-type" # sed's rename is what is refused
hears EPERM "sed -i.bak s/a/b/ $d/domains"
unchanged

t 'writing__languages'
sets "awk 'BEGIN { print \"a.example\" >\"$d/domains\"; print \"b.example\" >\"$d/domains\" }'" domains "$both"
sets "awk '{ print >>\"$d/domains\" }' names" domains "before.example
$both"
snapshot
hears - "awk '{ print >\"$d/key-type\" }' wrong"
unchanged
if have perl; then
	sets "perl -e 'open F, q(>), q($d/domains) or die; print F qq(a.example\nb.example\n); close F or die'" \
		domains "$both"
	sets "perl -i -pe s/before/after/ $d/domains" domains after.example
	snapshot
	hears EINVAL "perl -e 'open F, q(>), q($d/key-type); print F qq(rsa1024\n); close F or die qq(\$!\n)'"
	unchanged
fi
if have python3; then
	sets "python3 -c 'import pathlib; pathlib.Path(\"$d/domains\").write_text(\"a.example\\nb.example\\n\")'" \
		domains "$both"
	sets "python3 -c 'import os
with open(\"$d/.new\", \"w\") as f:
    f.write(\"a.example\\nb.example\\n\")
    f.flush()
    os.fsync(f.fileno())
os.replace(\"$d/.new\", \"$d/domains\")'" domains "$both"
	sets "python3 -c 'import shutil; shutil.copy(\"names\", \"$d/domains\")'" domains "$both"
	snapshot
	hears EINVAL "python3 -c 'with open(\"$d/key-type\", \"w\") as f: f.write(\"rsa1024\\n\")'"
	unchanged
fi

t 'copying__into_the_mount'
touch -d 2100-01-01 value
for options in -f -v -u -T --sparse=always --reflink=auto --remove-destination --preserve=timestamps; do
	sets "cp $options value $d/key-type" key-type p256
done
sets "cp --attributes-only value $d/key-type" key-type p384
sets "cp -n value $d/key-type" key-type p384
touch -d 2001-01-01 names
sets "cp -u names $d/domains" domains before.example # what is there is newer
snapshot
hears - "cp --reflink=always value $d/key-type"
hears EPERM "cp -b value $d/key-type" # no second file can keep what was there
hears EINVAL "cp wrong $d/key-type"
hears EPERM "cp -t $d value"
hears EACCES "cp value $m/key-type"
unchanged
mkdir template
cp value template/key-type
cp names template/domains
works sh -c 'mkdir mnt/EX01/new && cp template/* mnt/EX01/new/'
is mnt/EX01/new/domains "$both"
is mnt/EX01/new/key-type p256
works rmdir mnt/EX01/new

t 'copying__out_of_the_mount'
mkdir copies
for options in '' -p -a --sparse=always --reflink=auto --parents -L; do
	rm -rf copies/*
	# shellcheck disable=SC2086 # none or one word
	works cp $options $m/export.pfx copies/
	same $m/export.pfx "$(find copies -name export.pfx)"
done
works cp -r mnt/EX01 copies/
works cp -rL mnt/EX01/_services copies/
same $m/fullchain.pem copies/_services/SMTP/fullchain.pem
works dd if=$m/certificate.cer of=copies/direct.cer iflag=direct bs=4096 status=none
same $m/certificate.cer copies/direct.cer
works sh -c "head -c 100 $m/certificate.cer >copies/parts; tail -c +101 $m/certificate.cer >>copies/parts"
same $m/certificate.cer copies/parts
works split -b 100 $m/certificate.cer copies/part.
works sh -c 'cat copies/part.* >copies/joined'
same $m/certificate.cer copies/joined
snapshot
hears EACCES "shred -u $m/export.pfx"
unchanged

t 'moving__into_the_mount'
for options in '' -f -u -T; do
	echo p256 >moving
	touch -d 2100-01-01 moving
	sets "mv $options moving $d/key-type" key-type p256
	absent moving
done
echo p256 >moving
sets "mv -n moving $d/key-type" key-type p384
present moving
snapshot
hears EPERM "mv -b moving $d/key-type"
hears EPERM "mv moving $d/"
unchanged
request mnt/EX01/moved moved.contoso.com
issue root mnt/EX01/moved/request.csr answer.cer
echo garbage >garbage.cer
snapshot
hears EBADMSG 'mv garbage.cer mnt/EX01/moved/'
present garbage.cer
unchanged
works mv answer.cer mnt/EX01/moved/
absent answer.cer
is mnt/EX01/moved/status Valid
# The old value is gone before the new one comes, wherever that is refused.
expect 0 put $d/key-type 'p384\n'
fails EINVAL mv wrong $d/key-type
present wrong
is $d/key-type rsa2048

t 'moving__within_the_mount_and_out'
works mv -T mnt/EX01/moved mnt/EX01/web
works mv -n mnt/EX01/web mnt/EX02/
works mv -t mnt/EX01 mnt/EX02/web
works mv mnt/EX01/web mnt/EX01/WEB
present mnt/EX01/WEB
snapshot
hears EPERM 'mv mnt/EX01/WEB mnt/EX01/mail'
hears EEXIST "mv -T mnt/EX01/WEB $m"
hears EBUSY "mv $m mnt/EX02/"
hears EPERM "mv $m/info copies/info"
hears EPERM "mv $m/export.pfx copies/moved.pfx"
hears EPERM "mv $m/services $m/certificate.pem"
unchanged

t 'installing'
sets "install -m 644 value $d/key-type" key-type p256
sets "install -D -m 644 value $d/key-type" key-type p256
sets "install -T -v value $d/key-type" key-type p256
sets "install -p -m 600 names $d/domains" domains "$both"
expect file,0644 stat $d/domains type,mode
snapshot
hears EPERM "chmod 600 $d/domains"
hears EPERM "install -b value $d/key-type"
hears EPERM "install -m 644 value $m/services"
hears EPERM "install -m 644 value $m/info"
unchanged

t 'removing'
expect 0 put $d/key-type 'p384\n'
works rm $d/key-type
is $d/key-type rsa2048
works rm -f $d/none
snapshot
for command in "rm $m/info" "rm -f $m/services" "unlink $m/info" "rm -rf $m" "rm -r mnt/EX01/_services" \
	"find $m -delete" "rm -f mnt/EX01/_services/SMTP"; do
	hears EPERM "$command"
done
hears ENOTEMPTY 'rmdir -p mnt/EX01'
unchanged
works rm -r $d
absent $d
expect 0 mkdir $d
works find $d -delete
absent $d
expect 0 mkdir $d
works sh -c 'find mnt/EX01 -maxdepth 1 -name draft -exec rm -rf {} +'
absent $d
expect 0 mkdir $d
fails EPERM rm -rf mnt/EX01 # what is a certificate or a request stays
is $m/status Valid
is mnt/EX01/WEB/status Valid
is $m/services SMTP
[ -d $d ] || expect 0 mkdir $d

if have busybox; then
	t 'busybox__does_it_in_its_own_way'
	sets "busybox cp names $d/domains" domains "$both"
	sets "busybox tee $d/domains <names" domains "$both"
	sets "busybox tee -a $d/domains <names" domains "before.example
$both"
	sets "busybox dd if=names of=$d/domains conv=fsync 2>&1" domains "$both"
	sets "busybox sed -i s/before/after/ $d/domains" domains after.example
	sets "busybox sort -o $d/domains names" domains "$both"
	sets "busybox awk '{ print >\"$d/domains\" }' names" domains "$both"
	echo p256 >moving
	sets "busybox mv moving $d/key-type" key-type p256
	absent moving
	works busybox touch $d/domains
	works busybox mkdir -p mnt/EX01/box
	works busybox rm -r mnt/EX01/box
	absent mnt/EX01/box
	request mnt/EX01/box box.contoso.com
	issue root mnt/EX01/box/request.csr answer.cer
	snapshot
	hears EBADMSG 'busybox cp garbage.cer mnt/EX01/box/'
	hears EPERM "busybox rm -rf $m"
	hears EPERM "busybox ln -s value $d/x.cer"
	hears EINVAL "busybox sh -c 'echo rsa1024 > $d/key-type'"
	unchanged
	works sh -c 'busybox tar -cf answer.tar answer.cer && busybox tar -xf answer.tar -C mnt/EX01/box'
	is mnt/EX01/box/status Valid
	works busybox cp -a mnt/EX01 copies/box
	works busybox tar -cf copies/box.tar mnt
	works sh -c "busybox find mnt -type f >a; find mnt -type f >b; cmp a b"
	works busybox diff $m/certificate.pem copies/box/mail/certificate.pem
	works busybox grep -rq Valid mnt/EX01
	works busybox du -s mnt
	works sh -c "busybox sha256sum $m/*.pem >a; sha256sum $m/*.pem >b; cmp a b"
fi

finish
