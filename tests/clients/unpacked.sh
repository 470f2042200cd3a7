# shellcheck shell=sh
# Sourced before lib.sh by scripts that start servers, as root. Nobody wants a mail server installed
# for a test, so tools/test.sh only unpacks the packages that are missing, into the folder that
# CERTFS_TEST_PROGRAMS names. Here they become visible: in a mount namespace of our own, where /usr and
# /etc are both the machine's and theirs, and where their users exist. Installed programs are used as they are.

unpacked=${CERTFS_TEST_PROGRAMS-}
lay='for folder in usr etc; do
	mount -t overlay -o "ro,lowerdir=$1/$folder:/$folder" unpacked /$folder || exit 1
done'
# Not where the kernel has no overlays, or where what is tried lies below /usr itself.
if [ -z "${CERTFS_TEST_UNPACKED-}" ] && [ -d "$unpacked/usr" ] && [ "$(id -u)" = 0 ] &&
	unshare --mount --propagation private sh -c "$lay"'
		touch "$1/probe" && rm "$1/probe" && [ -x "$2" ]' sh "$unpacked" "${CERTFS-$0}" 2>/dev/null; then
	CERTFS_TEST_UNPACKED=yes exec unshare --mount --propagation private sh "$0"
fi
if [ -n "${CERTFS_TEST_UNPACKED-}" ]; then
	# The namespace begins with a copy of every mount. It would keep other tests' daemons alive.
	findmnt -rn -t fuse.certfs -o TARGET | while read -r foreign; do
		umount -l "$foreign"
	done
	sh -c "$lay" sh "$unpacked"
	for file in passwd group; do
		cat "/etc/$file" >"$unpacked/$file.$$"
	done
	for user in postfix dovecot dovenull; do
		grep -q "^$user:" /etc/passwd || {
			free=$(awk -F : '$3 < 60000 && $3 > max { max = $3 } END { print max + 1 }' \
				"$unpacked/passwd.$$" "$unpacked/group.$$")
			echo "$user:x:$free:$free::/nonexistent:/usr/sbin/nologin" >>"$unpacked/passwd.$$"
			echo "$user:x:$free:" >>"$unpacked/group.$$"
		}
	done
	grep -q '^postdrop:' "$unpacked/group.$$" || echo 'postdrop:x:59999:' >>"$unpacked/group.$$"
	for file in passwd group; do
		mount --bind "$unpacked/$file.$$" "/etc/$file" && rm "$unpacked/$file.$$"
	done
fi
