#!/bin/sh
# systemd: a Debian with a systemd of its own is started in namespaces, certfs is installed there, and an
# administrator and a user go by mount.certfs(8): the service, lines of fstab, sessions, and
# reboots with all of it in use.
#
# The Debian is made by debootstrap, from the network. CERTFS_TEST_ROOT names a folder where it is kept
# for the next time; the test works on a copy.

CERTFS_TEST_LIMIT=${CERTFS_TEST_LIMIT:-950}
if [ -z "${CERTFS_TEST_APART-}" ] && unshare --mount --propagation private true 2>/dev/null; then
	CERTFS_TEST_APART=yes exec unshare --mount --propagation private sh "$0"
fi
# It begins with a copy of every mount. A copy would keep other tests' daemons alive after they unmount.
[ -z "${CERTFS_TEST_APART-}" ] || findmnt -rn -t fuse.certfs -o TARGET | while read -r foreign; do
	umount -l "$foreign"
done

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
PTY=$(dirname "$SYS")/pty
BUILD=$(dirname "$CERTFS")
[ "$(id -u)" = 0 ] || skip 'only root starts a machine'
[ -n "${CERTFS_TEST_APART-}" ] || skip 'no mount namespace of our own here'
command -v meson >/dev/null || skip 'no meson, so certfs cannot be installed'
mkdir cgroup
mount -t cgroup2 cgroup2 cgroup 2>err || skip "no cgroups here: $(cat err)"
mkdir "cgroup/certfs-$$" 2>err || skip "no cgroup of our own: $(cat err)"
rmdir "cgroup/certfs-$$"
unshare --pid --fork --uts --ipc --net --cgroup true 2>err || skip "no namespaces: $(cat err)"

# ---- the machine ----

debian() { # DIRECTORY: a Debian with systemd, and the libraries that certfs needs
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,procps,fuse3,openssl,sqlite3,libseccomp2,ca-certificates \
		"$(. /etc/os-release && echo "${VERSION_CODENAME-}")" "$1" \
		"${CERTFS_TEST_MIRROR:-http://deb.debian.org/debian}" >debootstrap.log 2>&1 </dev/null
}

kept=${CERTFS_TEST_ROOT:-$T/kept}
if [ ! -x "$kept/lib/systemd/systemd" ]; then
	command -v debootstrap >/dev/null || skip 'no debootstrap, and no CERTFS_TEST_ROOT with a systemd'
	[ ! -e "$kept" ] || skip "$kept is there, and has no systemd"
	debian "$kept" || skip "no Debian could be made: $(tail -n 1 debootstrap.log)"
fi
cp -a "$kept" root
[ -n "${CERTFS_TEST_ROOT-}" ] || rm -r kept
meson install -C "$BUILD" --no-rebuild --quiet --destdir "$T/root" >install.log 2>&1 ||
	skip "certfs can't be installed: $(tail -n 1 install.log)"
prefix=/usr
[ -x root/usr/bin/certfs ] || prefix=/usr/local
chroot root certfs --version >out 2>&1 || skip "what is built here does not run there: $(cat out)"

cat >pid1 <<-'END'
	set -e
	mount --bind root root
	cd root
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs dev
	mkdir dev/pts dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	device() { mknod -m "$3" "dev/$1" c "${2%:*}" "${2#*:}"; }
	device null 1:3 666
	device zero 1:5 666
	device full 1:7 666
	device random 1:8 666
	device urandom 1:9 666
	device tty 5:0 666
	device fuse 10:229 666
	[ ! -c /dev/autofs ] || device autofs 10:235 600
	mount -t tmpfs -o mode=755 tmpfs run
	mkdir -p outside
	pivot_root . outside
	umount -l outside
	# systemd leaves that to whoever makes a container; credentials need it.
	mount --make-rshared /
	exec env -i container=certfs-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=journal --show-status=no
END
cat >machine <<-END
	mkdir cgroup/certfs-$$
	echo \$\$ >cgroup/certfs-$$/cgroup.procs || exit
	unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup sh pid1
	code=\$?
	echo \$\$ >cgroup/cgroup.procs
	find cgroup/certfs-$$ -depth -type d -exec rmdir {} \;
	exit \$code
END

on() { # COMMAND: run on the machine
	nsenter -t "$init" -m -p -u -i -n -C -- \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		timeout 120 "$@"
}

booted() {
	gone "$machine" && return
	init=$(children "$(children "$machine" | head -n 1)" | head -n 1)
	case $(on systemctl is-system-running 2>err) in running | degraded) ;; *) false ;; esac
}

boot() {
	sh machine >>console 2>&1 </dev/null &
	machine=$!
	printf '%s\n' "$machine" >>daemon.pid
	until_true booted && alive "$machine"
}

down() { # reboot|poweroff CODE: the machine ends itself, with that exit code
	_began=$(date +%s)
	on systemctl "$1" >out 2>err
	becomes "it goes down for $1" gone "$machine"
	note "$1 took $(($(date +%s) - _began)) s"
	wait "$machine"
	equal "it was a $1" "$2" $?
	grep -vx "$machine" daemon.pid >daemon.left
	mv daemon.left daemon.pid
}

reboot() {
	down reboot 129 # SIGHUP, which reboot(2) is in a pid namespace
	true_that 'it is up again' boot
}

property() { # UNIT NAME
	on systemctl show -p "$2" --value "$1"
}
state() { # UNIT
	printf '%s %s\n' "$(property "$1" ActiveState)" "$(property "$1" SubState)"
}
reaches() { # UNIT STATE
	[ "$(state "$1")" = "$2" ]
}
mount_of() { # DIRECTORY: type and source
	on findmnt -n -o FSTYPE,SOURCE "$1" | tail -n 1 | tr -s ' '
}
# A program that looks at the path would keep an automount awake.
is_mounted() { grep -q " $1 .* - fuse.certfs " "/proc/$init/mountinfo"; }
is_unmounted() { ! is_mounted "$1"; }
in_journal() { # UNIT TEXT
	on journalctl --no-pager -o cat -u "$1" | grep -qF -- "$2"
}
rested() { # that it was started a few times just now is forgotten
	works on systemctl reset-failed certfs@contoso
}
busy() { # NAME DIRECTORY: a program that works in the directory
	on systemd-run --quiet --unit="$1" sh -c "cd '$2' && exec sleep 100000" || return
	until_true on sh -c "test \$(systemctl show -p MainPID --value $1) -gt 0 &&
		readlink /proc/\$(systemctl show -p MainPID --value $1)/cwd | grep -qx '$2'"
}
anna() { # COMMANDS: of a user, in a session that is over afterwards
	on su -l anna -c "$1"
}

boot || skip "systemd does not start here: $(tail -n 1 console)"
note "systemd $(on systemctl --version | sed -n '1s/[^0-9]*\([0-9]*\).*/\1/p')"
works on useradd -m -u 2001 anna

# ---- installing ----

t 'install__puts_everything_where_it_is_looked_for'
if [ $prefix = /usr/local ]; then
	# As the manual says.
	works on ln -s /usr/local/bin/certfs /sbin/mount.certfs
fi
for program in certfs certfsctl mount.certfs; do
	true_that $program on sh -c "command -v $program"
done
for page in man1/certfs.1 man1/certfsctl.1 man5/certfs.5 man8/mount.certfs.8; do
	true_that $page [ -s "root$prefix/share/man/$page" ]
done
works on systemctl cat certfs@contoso.service
equal 'systemd finds no mistake in the unit' '' \
	"$(on systemd-analyze --man=no verify certfs@contoso.service 2>&1 | grep -F certfs@)"
note "$(on systemd-analyze --no-pager security certfs@contoso.service | tail -n 1)"

# ---- the service ----

t 'service__starts_as_the_manual_says'
works on install -d -m 700 /etc/certfs
works on sh -c 'umask 077; head -c 24 /dev/urandom | base64 >/etc/certfs/contoso.key; truncate -s 32 /etc/certfs/contoso.key'
works on systemctl enable --now certfs@contoso
equal 'it is active when systemctl returns' 'active running' "$(state certfs@contoso)"
equal 'its status' mounted "$(property certfs@contoso StatusText)"
equal 'it is mounted for the whole machine' 'fuse.certfs /var/lib/certfs/contoso.db' \
	"$(mount_of /srv/certfs/contoso)"
equal 'the way there is open to all' '755 root' "$(on stat -c '%a %U' /srv/certfs)"
equal 'the store is not' '700 600 root' \
	"$(on stat -c %a /var/lib/certfs) $(on stat -c '%a %U' /var/lib/certfs/contoso.db)"
becomes 'the head of the audit log is in the journal' in_journal certfs@contoso \
	'/var/lib/certfs/contoso.db mounted: its audit log ends with'
works on mkdir /srv/certfs/contoso/EX01 /srv/certfs/contoso/EX01/mail
works on sh -c 'echo CN=mail.contoso.com >/srv/certfs/contoso/EX01/mail/request.csr'

t 'service__does_all_that_certfs_does'
# Its decoders, and what the unit takes from it, are not in each other's way.
works on sh -c 'umask 022; cd /var/tmp && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj "/CN=Test CA"'
works on cp /var/tmp/ca.pem /srv/certfs/contoso/_trust/
works on mkdir /srv/certfs/contoso/EX01/web
works on sh -c 'echo CN=web.contoso.com >/srv/certfs/contoso/EX01/web/request.csr'
works on sh -c 'cd /var/tmp && openssl x509 -req -in /srv/certfs/contoso/EX01/web/request.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 397 -out web.cer'
works on cp /var/tmp/web.cer /srv/certfs/contoso/EX01/web/
equal 'it is valid' Valid "$(on cat /srv/certfs/contoso/EX01/web/status)"
works on sh -c 'echo Secret-0815 >/srv/certfs/contoso/EX01/web/export.password'
works on openssl pkcs12 -in /srv/certfs/contoso/EX01/web/export.pfx -passin pass:Secret-0815 -noout
on tail -n 1 /srv/certfs/contoso/_audit.log >line
has line '"openssl"' '"uid":0'
becomes 'it is confined' in_journal certfs@contoso 'makes only those that serving takes'
worker=$(on pgrep -P "$(property certfs@contoso MainPID)" | head -n 1)
note "$(on grep -E 'CapEff|VmLck' "/proc/$worker/status" | tr -s '\n\t ' ' ')"

t 'journal__has_each_refusal_and_no_secret'
works on sh -c 'echo Secret-0815 >/srv/certfs/contoso/EX01/mail/export.password'
fails EPERM on mkdir /srv/certfs/contoso/_foo
becomes 'the sentence is there' in_journal certfs@contoso 'names that begin with _ belong to certfs'
on journalctl --no-pager -o export -u certfs@contoso >journal
lacks journal Secret-0815 "$(cut -c1-32 root/etc/certfs/contoso.key)" 'PRIVATE KEY'
matches journal '^MESSAGE=EPERM: .*_foo'
equal 'and is no warning' '' "$(on journalctl --no-pager -o cat -p warning -u certfs@contoso | grep _foo)"

t 'service__lets_others_in_where_its_options_say_so'
fails EACCES anna 'cat /srv/certfs/contoso/README.txt'
works on mkdir -p /etc/systemd/system/certfs@contoso.service.d
printf '[Service]\nEnvironment=OPTIONS=allow_other,keys\n' \
	>root/etc/systemd/system/certfs@contoso.service.d/override.conf
works on systemctl daemon-reload
works on systemctl restart certfs@contoso
works anna 'cat /srv/certfs/contoso/README.txt'
fails EACCES anna 'cat /srv/certfs/contoso/_audit.log'

t 'service__with_a_wrong_key_fails_once_and_says_why'
rested
works on systemctl stop certfs@contoso
true_that 'stop unmounts' is_unmounted /srv/certfs/contoso
works on mv /etc/certfs/contoso.key /etc/certfs/right
works on sh -c 'head -c 32 /dev/urandom >/etc/certfs/contoso.key'
fails - on systemctl start certfs@contoso
equal 'it has failed' 'failed failed' "$(state certfs@contoso)"
equal 'and is not started again' 0 "$(property certfs@contoso NRestarts)"
becomes 'the journal says why' in_journal certfs@contoso "the key isn't this store's"
works on rm /etc/certfs/contoso.key
fails - on systemctl start certfs@contoso
equal 'without a key too' 'failed failed' "$(state certfs@contoso)"
equal 'not started again either' 0 "$(property certfs@contoso NRestarts)"
works on mv /etc/certfs/right /etc/certfs/contoso.key
works on systemctl start certfs@contoso
works on test -s /srv/certfs/contoso/EX01/mail/request.csr

t 'service__whose_processes_are_killed_is_mounted_again'
again() { # MAINPID: another one, and it is mounted
	[ "$(property certfs@contoso MainPID)" != "$1" ] && reaches certfs@contoso 'active running'
}
rested
before=$(property certfs@contoso MainPID)
works on sh -c "kill -9 \$(pgrep -P $before | head -n 1)"
becomes 'after the worker' again "$before"
works on test -s /srv/certfs/contoso/EX01/mail/request.csr
becomes 'the journal says so' in_journal certfs@contoso 'was ended by signal 9'
before=$(property certfs@contoso MainPID)
works on kill -9 "$before"
becomes 'after the supervisor' again "$before"
works on test -s /srv/certfs/contoso/EX01/mail/request.csr
equal 'one mount, not two' 1 "$(grep -c ' /srv/certfs/contoso ' "/proc/$init/mountinfo")"

t 'service__stops_while_a_program_is_in_it'
rested
works busy busy1 /srv/certfs/contoso
fails 'ENOTCONN|ECONNABORTED' on sh -c \
	'cd /srv/certfs/contoso && exec <README.txt && systemctl restart certfs@contoso && ls'
works on test -s /srv/certfs/contoso/EX01/mail/request.csr
works on systemctl stop certfs@contoso
true_that 'it is unmounted' is_unmounted /srv/certfs/contoso
equal 'that is no failure' 'inactive dead' "$(state certfs@contoso)"
works on systemctl start certfs@contoso
works on umount /srv/certfs/contoso
becomes 'neither is umount' reaches certfs@contoso 'inactive dead'
works on systemctl start certfs@contoso

t 'service__has_a_second_one_beside_it'
works on sh -c 'umask 077; head -c 32 /dev/urandom >/etc/certfs/fabrikam.key'
works on systemctl enable --now certfs@fabrikam
works on mkdir /srv/certfs/fabrikam/EX09
true_that 'it is another store' on test ! -e /srv/certfs/contoso/EX09

t 'service__takes_a_key_that_is_encrypted_on_the_disk'
if on systemd-creds setup >out 2>&1; then
	works on systemd-creds encrypt --with-key=host --name=certfs.key /etc/certfs/contoso.key \
		/etc/certfs/contoso.cred
	works on mv /etc/certfs/contoso.key /var/lib/safe.key
	printf '[Service]\nLoadCredential=\nLoadCredentialEncrypted=certfs.key:/etc/certfs/%%i.cred\n' \
		>root/etc/systemd/system/certfs@contoso.service.d/encrypted.conf
	works on systemctl daemon-reload
	rested
	works on systemctl restart certfs@contoso
	works on test -s /srv/certfs/contoso/EX01/mail/request.csr
else
	note "no systemd-creds here: $(cat out)"
fi

# ---- fstab ----

t 'fstab__mount_goes_by_its_lines'
works on mkdir -p /srv/a /srv/b /srv/c /srv/d
works anna 'mkdir certs'
cat >root/etc/fstab <<-'END'
	/var/lib/certfs/a.db /srv/a certfs key-file=/etc/certfs/a.key,nofail 0 0
	/var/lib/certfs/b.db /srv/b fuse.certfs key-file=/etc/certfs/b.key,nofail,_netdev,x-systemd.requires-mounts-for=/var/lib/certfs 0 0
	/var/lib/certfs/none/d.db /srv/d certfs key-file=/etc/certfs/d.key,nofail 0 0
	/home/anna/anna.db /home/anna/certs certfs key-file=/home/anna/anna.key,noauto,user 0 0
END
[ ! -c /dev/autofs ] ||
	echo '/var/lib/certfs/c.db /srv/c certfs key-file=/etc/certfs/c.key,noauto,x-systemd.automount,x-systemd.idle-timeout=2' \
		>>root/etc/fstab
works on systemctl daemon-reload
for place in a b; do
	works on mount /srv/$place
	equal "/srv/$place" "fuse.certfs /var/lib/certfs/$place.db" "$(mount_of /srv/$place)"
	works on mkdir /srv/$place/EX01
	works on umount /srv/$place
done
fails ENOENT on mount /srv/d

t 'fstab__user_lets_a_user_mount'
works anna 'mount certs && mkdir certs/EX01 && umount certs'
works anna 'mount certs && test -d certs/EX01 && fusermount3 -u certs'
fails - anna 'mount /srv/a'

t 'fstab__lines_are_units'
works on systemctl start srv-a.mount srv-b.mount
works on systemctl restart srv-a.mount
works on test -d /srv/a/EX01
works busy busy2 /srv/a
fails - on systemctl stop srv-a.mount
works on test -d /srv/a/EX01
works busy busy3 /srv/certfs/contoso

t 'reboot__with_all_of_it_in_use_is_quick_and_loses_nothing'
cat >root/etc/systemd/system/reader.service <<-'END'
	[Unit]
	Requires=certfs@contoso.service
	After=certfs@contoso.service
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	ExecStart=/usr/bin/test -s /srv/certfs/contoso/EX01/mail/request.csr
	[Install]
	WantedBy=multi-user.target
END
works on systemctl enable reader
works on mkdir /srv/a/EX02 /srv/certfs/contoso/EX02
reboot
for place in certfs/contoso certfs/fabrikam a b; do
	becomes "/srv/$place is mounted" is_mounted /srv/$place
done
works on test -d /srv/a/EX02
works on test -d /srv/certfs/contoso/EX02
equal 'who needs it came after it' 'active exited' "$(state reader)"
equal 'the request is the same' PendingRequest "$(on cat /srv/certfs/contoso/EX01/mail/status)"
works on certfsctl /var/lib/certfs/contoso.db check
equal 'what cannot be mounted did not hold it up' 'failed failed' "$(state srv-d.mount)"
becomes 'and the journal says why' in_journal srv-d.mount '/var/lib/certfs/none/d.db'

t 'automount__is_mounted_by_whoever_looks_until_nobody_does'
if [ -c /dev/autofs ] && reaches srv-c.automount 'active waiting'; then
	true_that 'nobody has looked' is_unmounted /srv/c
	works on timeout 60 test -e /srv/c/README.txt
	works on timeout 60 mkdir -p /srv/c/EX01
	becomes 'it is unmounted' is_unmounted /srv/c
	works on timeout 60 test -d /srv/c/EX01
else
	left_out 'no autofs here'
fi

# ---- sessions ----

logind() { # LINE: a setting
	mkdir -p root/etc/systemd/logind.conf.d
	printf '[Login]\n%s\n' "$1" >root/etc/systemd/logind.conf.d/test.conf
	works on systemctl restart systemd-logind
}
no_login() { ! on loginctl list-sessions --no-legend | grep -qv manager; }
no_session() { no_login && ! on systemctl -q is-active user@2001; }
logind UserStopDelaySec=0
becomes 'nobody is logged in' no_session

t 'session__a_mount_in_the_background_outlives_it'
works anna 'certfs -o key-file=anna.key anna.db certs'
true_that 'it is mounted' is_mounted /home/anna/certs
works anna 'fusermount3 -u certs'
becomes 'then the session is over' no_session

t 'session__asks_for_a_passphrase'
works anna 'mkdir asked'
works "$PTY" passphrase 'open sesame' again 'open sesame' -- nsenter -t "$init" -m -p -u -i -n -C -- \
	env -i TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin su -l anna --session-command 'certfs asked.db asked && ls asked'
has out '0 quiet restored'
works anna 'test -e asked/README.txt && fusermount3 -u asked'
becomes 'the session is over' no_session

t 'session__a_unit_of_the_user_ends_with_the_last'
works anna 'systemctl --user enable --now certfs@own && mkdir certfs/own/EX01'
becomes 'logged out, it is unmounted' is_unmounted /home/anna/certfs/own
becomes 'and the session is over' no_session
equal 'nobody else can read its key' '600 anna' "$(on stat -c '%a %U' /home/anna/.config/certfs/own.key)"
works anna 'until test -d certfs/own/EX01; do sleep 0.1; done'
becomes 'logged in again it was mounted, and is no more' is_unmounted /home/anna/certfs/own
works on loginctl enable-linger anna
becomes 'with lingering it needs no session' is_mounted /home/anna/certfs/own
true_that 'nobody has logged in' no_login
works on loginctl disable-linger anna
becomes 'and without it does' is_unmounted /home/anna/certfs/own

t 'session__whose_processes_are_killed_unmounts'
becomes 'nobody is logged in' no_session
works anna 'systemctl --user disable certfs@own'
becomes 'nobody is logged in any more' no_session
logind KillUserProcesses=yes
works anna 'certfs -o key-file=anna.key anna.db certs'
becomes 'it is unmounted' is_unmounted /home/anna/certs
works anna 'certfsctl --key-file anna.key anna.db check'

t 'poweroff__ends_it'
works busy busy4 /srv/certfs/contoso
works on mkdir /srv/certfs/contoso/EX03
down poweroff 130 # SIGINT
[ -e root/var/lib/safe.key ] || cp root/etc/certfs/contoso.key root/var/lib/safe.key
on_disk() { "$CERTFSCTL" --key-file root/var/lib/safe.key root/var/lib/certfs/contoso.db "$@"; }
works on_disk check
works on_disk audit head

finish
