#!/bin/sh
# Backup: jobs that copy the whole tree or only the exports, as their users set them up. Each ends
# with exit code 0, what it restores is the same to the byte, a second run reads nothing, and after
# one renewal it takes what changed.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"

reads() { # how many requests to read a file came since the mount
	ctl requests 2>/dev/null | awk '$1 == "READ" { n = $2 } END { print n + 0 }'
}

# reads_nothing CLAIM COMMAND: it works, and no content is asked for. Only certfs-testing counts.
reads_nothing() {
	_claim=$1
	shift
	_before=$(reads)
	works "$@"
	! testing || equal "$_claim" "$_before" "$(reads)"
}

# restored DIRECTORY: the whole tree came out of a backup there as it is in the mount.
restored() {
	tree mnt '%P %y %m %l\n' >wanted
	tree "$1" '%P %y %m %l\n' >got
	if cmp -s wanted got; then
		pass "what $1 restores is the tree"
	else
		fail "what $1 restores is the tree" 'no difference' "$(diff wanted got | cut -c1-160)"
	fi
}

# exports DIRECTORY: the exports came out there, they are the mount's, and other programs open them.
exports() {
	for _pfx in mnt/*/*/export.pfx; do
		_copy=$1/${_pfx#mnt/}
		same "$_pfx" "$_copy"
		works openssl pkcs12 -in "$_copy" -passin pass:Backup1 -noout
		! command -v certtool >/dev/null ||
			works certtool --p12-info --inder --password Backup1 --infile "$_copy"
		! command -v pk12util >/dev/null || works pk12util -l "$_copy" -W Backup1
	done
}

start
ca root
works cp ca/root.pem mnt/_trust/
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
expect '0 0' put mnt/EX01/_export.password 'Backup1\n' : put mnt/EX02/_export.password 'Backup1\n'
for name in EX01/mail EX01/web EX02/mail; do
	request "mnt/$name" "$(basename $name).$(dirname $name).contoso.com"
	answer "mnt/$name" root
done
expect 0 add mnt/EX01/mail/services 'SMTP, IIS\n'
request mnt/EX02/pending pending.contoso.com
expect 0 mkdir mnt/EX02/draft
exported=3
equal 'there is something to back up' $exported "$(find mnt -name export.pfx | wc -l)"

# renewed N: one certificate is renewed, so that one export more is there.
renewed() {
	expect 0 put mnt/EX01/web/renew "web-$1\n"
	answer "mnt/EX01/web-$1" root
	exported=$((exported + 1))
	is "mnt/EX01/web-$1/status" Valid
}

snapshot

if have rsync; then
	t 'rsync__copies_the_tree_once'
	set -- rsync -a --itemize-changes --exclude=why --exclude=_errors --exclude=_audit.log
	works rsync -a mnt/ rsync-all/
	works "$@" mnt/ rsync/
	restored rsync
	reads_nothing 'a second run reads nothing' "$@" mnt/ rsync/
	empty out
	t 'rsync__copies_the_exports_and_then_what_changed'
	set -- rsync -a --prune-empty-dirs --itemize-changes --include='*/' --include=export.pfx \
		--exclude='*' mnt/ rsync-exports/
	works "$@"
	exports rsync-exports
	equal 'nothing else was copied' "$exported" "$(find rsync-exports -type f | wc -l)"
	reads_nothing 'a second run reads nothing' "$@"
	unchanged
	renewed rsync
	works "$@"
	equal 'the new export only' '>f+++++++++ EX01/web-rsync/export.pfx' "$(grep '^>f' out)"
	exports rsync-exports
	snapshot
fi

t 'tar__copies_the_tree'
mkdir tar
works tar -cf whole.tar mnt
for options in '' '-S' '--xattrs'; do
	# shellcheck disable=SC2086 # none or one word
	works tar $options -C mnt --exclude=why --exclude=_errors --exclude=_audit.log -cf tree.tar .
	rm -rf tar
	mkdir tar
	works tar -C tar -xpf tree.tar
	restored tar
done
exports tar
t 'tar__takes_what_changed_since_the_last_time'
set -- tar -C mnt --exclude=why --exclude=_errors --exclude=_audit.log -g snapshot.tar -cvf
works "$@" level0.tar .
reads_nothing 'a second run reads nothing' "$@" level1.tar .
equal 'a second run takes no file' '' "$(grep -v '/$' out)"
unchanged
renewed tar
works "$@" level2.tar .
equal 'the new export only' ./EX01/web-tar/export.pfx "$(grep 'export\.pfx$' out)"
snapshot

if have cpio; then
	t 'cpio__copies_the_tree'
	mkdir cpio
	works sh -c 'cd mnt && find . ! -name why ! -name _errors ! -name _audit.log |
		cpio -o -H newc --quiet >../tree.cpio'
	works sh -c 'cd cpio && cpio -i -d -m --quiet --no-absolute-filenames <../tree.cpio'
	restored cpio
	exports cpio
	unchanged
fi

# The caches of these programs belong to the test.
HOME=$T/home
RESTIC_PASSWORD=backup
XDG_CACHE_HOME=$T/home/.cache
BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export HOME RESTIC_PASSWORD XDG_CACHE_HOME BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK
mkdir home

if have restic; then
	t 'restic__copies_the_tree_once'
	works timeout 120 restic -q -r repository init
	set -- timeout 120 restic -r repository backup --json --exclude=why --exclude=_errors \
		--exclude=_audit.log
	works timeout 120 restic -r repository backup mnt
	works "$@" mnt
	reads_nothing 'a second run reads nothing' "$@" mnt
	has out '"files_new":0' '"files_changed":0'
	works timeout 120 restic -q -r repository restore latest --target restic
	restored restic/mnt
	exports restic/mnt
	unchanged
	t 'restic__takes_what_changed'
	renewed restic
	works timeout 120 restic -v -v -r repository backup --exclude=why --exclude=_errors \
		--exclude=_audit.log mnt
	equal 'the new export only' /mnt/EX01/web-restic/export.pfx \
		"$(sed -n 's/^\(new\|modified\) *\(.*export\.pfx\),.*/\2/p' out)"
	snapshot
fi

if have borg; then
	t 'borg__copies_the_tree_once'
	works timeout 120 borg init -e none borg-repository
	set -- timeout 120 borg create --stats --filter=AM --list
	works "$@" borg-repository::all mnt
	works "$@" -e 'sh:**/why' -e mnt/_errors -e mnt/_audit.log borg-repository::one mnt
	reads_nothing 'a second run reads nothing' \
		"$@" -e 'sh:**/why' -e mnt/_errors -e mnt/_audit.log borg-repository::two mnt
	equal 'a second run takes no file' '' "$(grep '^[AM] ' err)"
	mkdir borg
	works sh -c 'cd borg && timeout 120 borg extract ../borg-repository::two'
	# It restores the attribute `a` of services too, where the file system can keep it.
	! chattr -R -a borg 2>/dev/null || note 'services came out append-only'
	restored borg/mnt
	exports borg/mnt
	unchanged
	t 'borg__takes_what_changed'
	renewed borg
	works "$@" -e 'sh:**/why' -e mnt/_errors -e mnt/_audit.log borg-repository::three mnt
	equal 'the new export only' 'A mnt/EX01/web-borg/export.pfx' "$(grep 'export\.pfx$' err)"
	snapshot
fi

if have rclone; then
	t 'rclone__copies_the_tree_once'
	set -- timeout 120 rclone --config none.conf copy --links --exclude why --exclude /_errors \
		--exclude /_audit.log -v --stats=0
	: >none.conf
	works timeout 120 rclone --config none.conf copy --links mnt rclone-all
	works "$@" mnt rclone
	for file in EX01/mail/info EX01/_apply.ps1 EX02/pending/request.csr README.txt; do
		[ ! -e "mnt/$file" ] || same "mnt/$file" "rclone/$file"
	done
	exports rclone
	reads_nothing 'a second run reads nothing' "$@" mnt rclone
	lacks err Copied
	unchanged
	t 'rclone__copies_the_exports_and_then_what_changed'
	set -- timeout 120 rclone --config none.conf copy --include '/*/*/export.pfx' -v --stats=0 \
		mnt rclone-exports
	works "$@"
	exports rclone-exports
	equal 'nothing else was copied' "$exported" "$(find rclone-exports -type f | wc -l)"
	renewed rclone
	works "$@"
	equal 'the new export only' 1 "$(grep -c ': Copied' err)"
	exports rclone-exports
fi

finish
