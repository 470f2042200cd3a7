#!/bin/sh
# Watching and looking: inotify on every directory, tail -f, a program that polls, and those that walk,
# search and compare the tree. Watchers hear of what happens through the mount, hold up nothing, and
# looking changes nothing.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

have_tree() { # `tree` is also a function of lib.sh
	env tree --version >/dev/null 2>&1 && return 0
	left_out 'no tree here'
	return 1
}

start
ca root
works cp ca/root.pem mnt/_trust/
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
valid mnt/EX01/mail mail.contoso.com
expect 0 put mnt/EX01/mail/export.password 'Watch1\n'
expect 0 add mnt/EX01/mail/services 'SMTP\n'
request mnt/EX01/web web.contoso.com
expect 0 mkdir mnt/EX01/draft

# heard 'DIRECTORY EVENT NAME': a line of it.
heard() { grep -qxF -e "$1" events; }

if have inotifywait; then
	t 'inotifywait__hears_what_happens_through_the_mount'
	timeout 300 inotifywait -m -r --format '%w %e %f' -e create,delete,modify,move,close_write,attrib \
		mnt >events 2>watching </dev/null &
	watcher=$!
	becomes 'it watches' grep -q 'Watches established' watching
	expect 0 mkdir mnt/EX01/made
	becomes 'mkdir' heard 'mnt/EX01/ CREATE,ISDIR made'
	works mv mnt/EX01/made mnt/EX01/moved
	becomes 'mv, from' heard 'mnt/EX01/ MOVED_FROM,ISDIR made'
	becomes 'mv, to' heard 'mnt/EX01/ MOVED_TO,ISDIR moved'
	works rmdir mnt/EX01/moved
	becomes 'rmdir' heard 'mnt/EX01/ DELETE,ISDIR moved'
	works sh -c 'echo a.example >mnt/EX01/draft/domains'
	becomes 'a value is written' heard 'mnt/EX01/draft/ MODIFY domains'
	becomes 'and closed' heard 'mnt/EX01/draft/ CLOSE_WRITE,CLOSE domains'
	works sh -c 'echo IIS >>mnt/EX01/mail/services'
	becomes 'a service is assigned' heard 'mnt/EX01/mail/ MODIFY services'
	answer mnt/EX01/web root
	becomes 'an answer is dropped' heard 'mnt/EX01/web/ CREATE answer.cer'
	becomes 'and whole' heard 'mnt/EX01/web/ CLOSE_WRITE,CLOSE answer.cer'
	is mnt/EX01/web/status Valid
	works chmod 750 mnt/EX02
	becomes 'chmod' heard 'mnt/ ATTRIB,ISDIR EX02'

	t 'inotifywait__holds_up_nothing'
	true_that 'it still watches' alive $watcher
	works rmdir mnt/EX02
	works rm -r mnt/EX01/draft
	expect '0 0' mkdir mnt/EX02 : mkdir mnt/EX01/draft
	snapshot
	fails EBADMSG sh -c 'echo garbage >bad.cer; cp bad.cer mnt/EX01/mail/'
	unchanged
	kill $watcher
	wait $watcher

	t 'inotifywait__lets_the_mount_go'
	timeout 300 inotifywait -m --format '%e' -e unmount mnt/EX01 >events 2>watching </dev/null &
	watcher=$!
	becomes 'it watches' grep -q 'Watches established' watching
	snapshot
	restart
	unchanged
	becomes 'it is told' grep -q UNMOUNT events
	kill $watcher 2>/dev/null
	wait $watcher
fi

t 'tail__follows_the_audit_log'
timeout 300 tail -n +1 -f mnt/_audit.log >followed 2>err </dev/null &
tail=$!
logged() { grep -q "$1" followed; }
becomes 'what was there is shown' logged EX02
expect 0 mkdir mnt/EX01/followed-second
becomes 'a change is shown' logged followed-second
works rmdir mnt/EX01/followed-second
kill $tail
wait $tail 2>/dev/null
works sh -c 'tail -n 3 mnt/_audit.log >three; tail -c 100 mnt/_audit.log >hundred; head -n 1 mnt/_audit.log >first'
equal 'lines' 3 "$(wc -l <three)"
equal 'bytes' 100 "$(wc -c <hundred)"

t 'polling__sees_a_change_by_time_and_by_content'
: >polled
(
	seen=
	until [ -e stop-polling ]; do
		now=$(stat -c %y mnt/EX01/draft/domains)
		[ "$now" = "$seen" ] || cat mnt/EX01/draft/domains >>polled
		seen=$now
		sleep 0.2
	done
) &
poller=$!
for name in one.example two.example three.example; do
	expect 0 put mnt/EX01/draft/domains "$name\n"
	becomes "$name" grep -qx $name polled
done
: >stop-polling
wait $poller
works touch stamp
expect 0 put mnt/EX01/draft/domains 'newer.example\n'
works find mnt/EX01 -newer stamp -name domains
equal 'find -newer' mnt/EX01/draft/domains "$(cat out)"

t 'looking__at_all_of_it_changes_nothing'
snapshot
find mnt -type f | wc -l >files
find mnt -type d | wc -l >directories
works ls -laR mnt
works ls -Zd mnt/EX01
works find mnt -ls
works find mnt -type f -size +0 -exec head -c 1 {} +
works find mnt -type f -exec sha256sum {} +
works grep -r Valid mnt/EX01
fails - grep -r 'no such text anywhere' mnt/_trust
works du -a mnt
works du -sb --apparent-size mnt
works df -i mnt
works stat -f mnt
works wc -c mnt/EX01/mail/certificate.cer
works cat mnt/EX01/mail/info
works od -c mnt/EX01/mail/certificate.cer
works tac mnt/EX01/mail/info
works namei -l mnt/EX01/mail/info
works realpath mnt/EX01/_services/SMTP
equal 'a link leads there' "$T/mnt/EX01/mail" "$(cat out)"
works diff -r --no-dereference -x why -x _errors -x _audit.log mnt/EX01 mnt/EX01
works cmp mnt/EX01/mail/certificate.cer mnt/_by-domain/mail.contoso.com/EX01/certificate.cer
if have_tree; then
	works env tree -a mnt
	equal 'every file' "$(cat files)" "$(env tree -a -J mnt | grep -c '"type":"file"')"
	equal 'every directory' "$(cat directories)" "$(env tree -a -J mnt | grep -c '"type":"directory"')"
	works env tree --du -s -p -D mnt
fi
! have less || works sh -c 'less mnt/EX01/mail/info | cmp - mnt/EX01/mail/info'
! have file || works file mnt/EX01/mail/certificate.pem mnt/EX01/mail/export.pfx
if have lsattr; then
	works lsattr -R mnt/EX01
	has out '-a---'
fi
unchanged

if have git; then
	t 'git__keeps_an_export_and_the_whole_tree'
	HOME=$T
	export HOME
	set -- git --git-dir=history --work-tree=mnt -c user.name=a -c user.email=a@example.com -c core.fsync=none
	works git init -q --bare history
	printf '%s\n' _audit.log _errors why >history/info/exclude
	works "$@" add --force EX01/mail/export.pfx
	works "$@" add -A
	works "$@" commit -q -m one
	works "$@" status --short
	empty out
	equal 'the export' "$(git --git-dir=history cat-file blob HEAD:EX01/mail/export.pfx | sha256sum)" \
		"$(sha256sum <mnt/EX01/mail/export.pfx)"
	expect 0 put mnt/EX01/draft/domains 'git.example\n'
	works "$@" status --short
	has out EX01/draft/domains
	lacks out EX01/mail
fi

if have zip && have unzip; then
	t 'zip__packs_the_tree_and_unzip_brings_an_answer'
	works zip -qr tree.zip mnt
	works unzip -tq tree.zip
	request mnt/EX01/zipped zipped.contoso.com
	issue root mnt/EX01/zipped/request.csr answer.cer
	works zip -q answer.zip answer.cer
	unzip -oq answer.zip -d mnt/EX01/zipped >out 2>&1 # whether it can set times is its matter
	is mnt/EX01/zipped/status Valid
fi

finish
