# Sourced by try.sh and test.sh: installs the Debian packages that are missing, and builds.
# POSIX sh; the caller has set -eu and is in the top folder of the source.
# shellcheck shell=sh

# What the build needs. ca-certificates is the system store of trust anchors.
# shellcheck disable=SC2034 # used by those who source this
build_packages='gcc libc6-dev meson ninja-build pkg-config libfuse3-dev fuse3 libssl-dev libsqlite3-dev
	libseccomp-dev libcmocka-dev ca-certificates'

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Of the packages named, those that are not installed, in one line.
missing_packages() {
	# One question for all; a package that dpkg has never heard of is only on stderr.
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p') || :
	for package; do
		printf '%s\n' "$have" | grep -qxF -e "$package" || printf '%s ' "$package"
	done
}

# as_root COMMAND...: runs it as root, or returns 1 where there is no way to.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		return 1
	fi
}

# install_packages WHY PACKAGE...: installs what is missing of them. Returns 1, and says what
# to do, where that was not possible.
install_packages() {
	why=$1
	shift
	if ! command -v dpkg-query >/dev/null; then
		say "This is not a Debian system, so nothing is installed. $why needs what Debian calls: $*"
		return 0
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	say "$why needs these Debian packages, which are installed now with apt-get: $missing"
	# shellcheck disable=SC2086 # a list of words
	if as_root apt-get -q update </dev/null &&
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install $missing </dev/null &&
		missing=$(missing_packages "$@") && [ -z "$missing" ]; then
		return 0
	fi
	say "These packages could not be installed. As root: apt-get update && apt-get install --no-install-recommends $missing" >&2
	return 1
}

# unpack_packages FOLDER PACKAGE...: unpacks what is missing of them, and what they need, there: nothing
# of it is installed, configured or started. Returns 1 where that was not possible.
unpack_packages() {
	folder=$1
	shift
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	[ "$(cat "$folder/unpacked" 2>/dev/null)" != "$missing" ] || return 0
	rm -rf "$folder"
	mkdir -p "$folder/packages"
	# What would be installed: "Inst PACKAGE (VERSION ..."
	# shellcheck disable=SC2086 # a list of words
	if list=$(apt-get -s --no-install-recommends install $missing 2>/dev/null |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p') && [ -n "$list" ] &&
		(cd "$folder/packages" && apt-get -q download $list >log 2>&1 </dev/null); then
		for file in "$folder"/packages/*.deb; do
			dpkg -x "$file" "$folder" || return 1
		done
		for place in bin sbin lib; do # on a merged system these are links into /usr
			[ ! -d "$folder/$place" ] || { mkdir -p "$folder/usr/$place" &&
				cp -a "$folder/$place/." "$folder/usr/$place/" && rm -r "${folder:?}/$place"; }
		done
		rm -r "$folder/packages"
		printf '%s' "$missing" >"$folder/unpacked"
		return 0
	fi
	say "These packages could not be unpacked: $missing" >&2
	return 1
}

# configure FOLDER OPTION...: an existing folder gets the options again, so that an older one can't
# differ.
configure() {
	if [ -f "$1/build.ninja" ]; then
		meson configure "$@"
	else
		meson setup "$@"
	fi
}
