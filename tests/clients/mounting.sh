#!/bin/sh
# Mounting: the ways in which people do it: mount(8) with either type, a line of fstab, an ordinary
# user, a service manager; and how each ends.

# In a mount namespace of its own /usr/sbin can get a mount.certfs.
if [ -z "${CERTFS_TEST_APART-}" ] && unshare --mount --propagation private true 2>/dev/null; then
	CERTFS_TEST_APART=yes exec unshare --mount --propagation private sh "$0"
fi
# It begins with a copy of every mount. A copy would keep other tests' daemons alive after they unmount.
if [ -n "${CERTFS_TEST_APART-}" ]; then
	findmnt -rn -t fuse.certfs -o TARGET | while read -r foreign; do
		umount -l "$foreign"
	done
fi

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
[ "$(id -u)" = 0 ] || skip 'only root mounts with mount(8)'

# mount(8) starts certfs in the background, where lib.sh doesn't know of it.
no_daemon() { # the pattern is none of its own words
	! grep -qsa "key-file=$T/[a-z/]*certs.ke[y]" /proc/[0-9]*/cmdline
}
settled() { # after an unmount
	becomes 'no daemon is left' no_daemon
}

mkdir bin
ln -s "$CERTFS" bin/certfs
ln -s "$CERTFS" bin/mount.certfs
PATH=$T/bin:$PATH
export PATH
options=key-file=$T/certs.key,ca-file=$T/system.pem

t 'certfs__goes_to_the_background_when_the_mount_is_there'
works certfs -o "$options" certs.db mnt
expect 0 mkdir mnt/EX01
equal 'the type' fuse.certfs "$(findmnt -no FSTYPE mnt)"
works umount mnt
settled

t 'mount_certfs__takes_the_order_of_mount'
works mount.certfs certs.db mnt -o "rw,nosuid,nodev,noatime,$options"
expect dir stat mnt/EX01 type
works umount mnt
settled
fails - mount.certfs certs.db mnt -o "rw,key-file=$T/none.key,ca-file=$T/system.pem"
cp err said
has said none.key
equal 'nothing is mounted' 1 "$(findmnt -n mnt >/dev/null; echo $?)"

if [ -n "${CERTFS_TEST_APART-}" ]; then
	# Everything that is in /usr/sbin, and one program more.
	mkdir sbin real
	mount --bind /usr/sbin real
	for program in real/*; do ln -s "$T/$program" sbin/; done
	ln -s "$CERTFS" sbin/mount.certfs
	ln -s "$CERTFS" sbin/certfs
	if mount --bind sbin /usr/sbin 2>err; then
		t 'mount__with_the_type_certfs'
		works mount -t certfs -o "$options" "$T/certs.db" "$T/mnt"
		expect dir stat mnt/EX01 type
		works umount "$T/mnt"
		settled
		if [ -x /usr/sbin/mount.fuse3 ]; then
			t 'mount__with_the_type_fuse_certfs'
			works mount -t fuse.certfs -o "$options" "$T/certs.db" "$T/mnt"
			expect dir stat mnt/EX01 type
			works umount "$T/mnt"
			settled
		else
			note 'no mount.fuse3 here'
		fi
		t 'fstab__a_line_is_enough'
		printf '%s %s certfs %s,noauto,nofail,x-systemd.automount,_netdev 0 0\n' \
			"$T/certs.db" "$T/mnt" "$options" >fstab
		works mount --fstab "$T/fstab" "$T/mnt"
		expect dir stat mnt/EX01 type
		works umount "$T/mnt"
		settled
		umount /usr/sbin
	else
		note "no other /usr/sbin here: $(cat err)"
	fi
	umount real
else
	left_out 'what changes the machine: no mount namespace of our own here'
fi

# nobody is in every Debian's list of users, which fusermount3 asks.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$T/nobody" "$@"
}
mkdir nobody nobody/mnt
chown 65534:65534 nobody nobody/mnt
chmod 711 "$T"
if [ -n "${CERTFS_TEST_APART-}" ] && mknod -m 666 fuse c 10 229; then
	mount --bind fuse /dev/fuse
fi
# It looks up in /etc/mtab what a user may unmount; a bare folder with a system in it has none.
if [ -r /etc/mtab ] && command -v fusermount3 >/dev/null && as_nobody test -w /dev/fuse &&
	as_nobody test -x "$CERTFS"; then
	t 'user__mounts_and_unmounts_without_being_root'
	works as_nobody certfs -o "key-file=$T/nobody/certs.key,ca-file=$T/system.pem" \
		nobody/certs.db nobody/mnt
	works as_nobody mkdir nobody/mnt/EX01
	works as_nobody mkdir nobody/mnt/EX01/mail
	works as_nobody sh -c 'echo CN=mail.contoso.com > nobody/mnt/EX01/mail/request.csr'
	works as_nobody "$CERTFSCTL" nobody/certs.db check
	fails EACCES ls nobody/mnt
	equal 'the store is its alone' '600 65534' "$(stat -c '%a %u' nobody/certs.db)"
	works as_nobody fusermount3 -u nobody/mnt
	settled
	if ! grep -q '^user_allow_other' /etc/fuse.conf 2>/dev/null; then
		t 'user__may_not_let_others_in_unless_the_machine_says_so'
		fails - as_nobody certfs -o "allow_other,key-file=$T/nobody/certs.key" nobody/certs.db \
			nobody/mnt
		cp err said
		has said user_allow_other
		settled
	fi
	t 'session__its_end_unmounts'
	for signal in TERM HUP; do
		as_nobody certfs -f -o "key-file=$T/nobody/certs.key,ca-file=$T/system.pem" \
			nobody/certs.db nobody/mnt >>log 2>&1 &
		session=$!
		becomes 'it is mounted' as_nobody test -d nobody/mnt/EX01
		# What the end of a session sends, to every process of it.
		# shellcheck disable=SC2046 # one word for each process
		kill -s $signal $session $(descendants $session) 2>/dev/null
		becomes 'it is unmounted' sh -c "! grep -q ' $T/nobody/mnt ' /proc/self/mountinfo"
		wait $session
		settled
	done
	works as_nobody certfs -o "key-file=$T/nobody/certs.key,ca-file=$T/system.pem" nobody/certs.db \
		nobody/mnt
	works as_nobody test -s nobody/mnt/EX01/mail/request.csr
	works as_nobody fusermount3 -u nobody/mnt
	settled
else
	note 'an ordinary user can not reach /dev/fuse, fusermount3, /etc/mtab or the programs here'
fi

if have python3; then
	t 'service__tells_its_manager_when_it_is_ready_and_when_it_stops'
	mkdir run
	cp certs.key run/certfs.key
	for address in "$T/notify" "@certfs-$$"; do
		works python3 "$suite/manager.py" "$address" elsewhere "$CERTFS" -f -o "ca-file=$T/system.pem" \
			certs.db mnt
		equal "by $address" 'READY=1
True
refused
STOPPING=1
0' "$(cat out)"
		rm -f notify
	done
	cp err said

	t 'service__tells_the_journal_how_urgent_a_line_is'
	matches said '^certfs: EPERM: .*_foo'
	lacks said '<6>'
	works python3 "$suite/manager.py" "$T/notify" journal "$CERTFS" -f -o "ca-file=$T/none.pem" certs.db mnt
	cp err said
	matches said '^<6>EPERM: .*_foo'
	matches said '^<5>there is no trust anchor'
	lacks said 'certfs: '
fi

if [ -n "${CERTFS_TEST_APART-}" ] && command -v python3 >/dev/null; then
	t 'automount__is_mounted_by_whoever_looks_and_stays_unmounted'
	mkdir auto
	works timeout 120 python3 "$suite/automount.py" "$T/auto" "$CERTFS" -o "$options" certs.db "$T/auto"
	umount auto 2>/dev/null
	case $(cat out) in
	'no autofs'*) left_out "$(cat out)" ;;
	*)
		equal 'what came of it' 'mounted 0
True
2 processes
unmounted 0
nobody looked' "$(cat out)"
		;;
	esac
	settled
fi

mkdir units
verify() { # KIND [EXPRESSION]: what systemd says of the unit, with what sed makes of it
	sed -e "s,@bindir@/certfs,$CERTFS," -e "${2-}" "$suite/../../tools/certfs$1@.service.in" \
		>units/certfs@contoso.service
	SYSTEMD_UNIT_PATH=$T/units: XDG_RUNTIME_DIR=$T timeout 60 systemd-analyze ${1:+--user} --man=no \
		verify units/certfs@contoso.service 2>&1 | grep -F certfs@
}
t 'units__are_as_systemd_reads_them'
for kind in '' -user; do
	if verify "$kind" 's/^Restart=.*/Restart=sometimes/' >said; then
		equal "certfs$kind@.service" '' "$(verify "$kind")"
	else
		left_out "systemd-analyze finds no mistakes here: $(command -v systemd-analyze || echo 'there is none')"
	fi
done

[ ! -e fuse ] || umount /dev/fuse
finish
