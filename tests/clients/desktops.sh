#!/bin/sh
# Desktops: Nautilus, Thunar and PCManFM on a screen of their own. Browsing changes nothing, `info` opens
# in an editor, an answer and a PKCS#12 file are pasted, and a wrong one is refused with a message.
# Judged by the state of the store; with CERTFS_TEST_SHOTS=DIRECTORY pictures of the screen go there.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
for program in Xvfb xdotool openbox dbus-run-session import mousepad; do
	command -v $program >/dev/null || skip "no $program here"
done

if [ -z "${CERTFS_TEST_BUS-}" ]; then
	cd / && rm -rf "$T"
	# A bus of its own ends with its programs.
	CERTFS_TEST_BUS=yes exec dbus-run-session -- sh "$script"
fi

start
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01
expect 0 put mnt/EX01/_import.password 'Desk1\n'

# Without a graphics card: drawing a spinner would leave a file manager no time for anything else.
mkdir -p home/.config/gtk-4.0 home/.config/gtk-3.0 home/.local/share/applications run
chmod 700 run
printf '[Settings]\ngtk-enable-animations=false\n' >home/.config/gtk-4.0/settings.ini
cp home/.config/gtk-4.0/settings.ini home/.config/gtk-3.0/
printf '[Default Applications]\ntext/plain=org.xfce.mousepad.desktop\n' >home/.config/mimeapps.list
HOME=$T/home
XDG_RUNTIME_DIR=$T/run
XDG_CONFIG_HOME=$HOME/.config
GSK_RENDERER=cairo
GDK_BACKEND=x11
GTK_USE_PORTAL=0
NO_AT_BRIDGE=1
LC_ALL=C.UTF-8
export HOME XDG_RUNTIME_DIR XDG_CONFIG_HOME GSK_RENDERER GDK_BACKEND GTK_USE_PORTAL NO_AT_BRIDGE LC_ALL

exec 3>display
timeout 900 Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp >>screen.log 2>&1 3>&3 &
screen=$!
exec 3>&-
becomes 'there is a screen' test -s display
DISPLAY=:$(cat display)
export DISPLAY
openbox >>screen.log 2>&1 &

shot() { # NAME
	[ -z "${CERTFS_TEST_SHOTS-}" ] || import -window root "$CERTFS_TEST_SHOTS/$1.png" 2>err
}

window() { # NAME: a window whose title is or begins so
	xdotool search --onlyvisible --name "^$1" 2>/dev/null | head -n 1
}

there_is() { xdotool search --onlyvisible --name "$1" >/dev/null 2>&1; }

until_true_for() { # SECONDS COMMAND
	(
		wait_limit=$1
		shift
		until_true "$@"
	)
}

there() { [ -n "$(window "$1")" ]; }

keys() { # NAME KEY...: pressed in that window
	_window=$(window "$1")
	shift
	[ -n "$_window" ] || return 1
	xdotool windowactivate --sync "$_window" 2>/dev/null
	xdotool key --clearmodifiers --delay 60 "$@"
}

# pasted FROM TO COMMAND...: what the window FROM shows is copied and pasted into TO, until the command
# succeeds. A window that still loads doesn't hear it, so it may take more than once; what was copied
# before is pasted again then, and the question whether to replace it is answered with Escape.
pasted() {
	_from=$1
	_to=$2
	shift 2
	for _try in 1 2 3 4 5 6; do
		[ "$manager" = nautilus ] || keys "$_from" ctrl+a # there it is selected already
		keys "$_from" ctrl+c
		sleep 1
		keys "$_to" ctrl+v
		until_true_for 5 "$@" && return 0
		xdotool key --clearmodifiers Escape
	done
	return 1
}

refused() { # NAME: its refusal is in _errors
	grep -q "$1" mnt/_errors
}

valid_now() { [ "$(cat "$1/status" 2>/dev/null)" = Valid ]; }

ended_all() { # PROGRAM
	pkill -x "$1" 2>/dev/null
	until_true sh -c "! pgrep -x $1 >/dev/null" || pkill -9 -x "$1"
}

select_file() { # FILE: its folder is opened in a new window
	case $manager in
	nautilus) nautilus --select "$T/$1" ;;
	*) $open "$T/$(dirname "$1")" ;;
	esac
}

# desktop NAME 'COMMAND that opens a folder in a new window'
desktop() {
	manager=$1
	open=$2
	command -v "$manager" >/dev/null || {
		note "no $manager here"
		return 0
	}
	d=mnt/EX01/$manager
	request "$d" "$manager.contoso.com"
	mkdir -p "answer-$manager" "import-$manager" "wrong-$manager"
	issue root "$d/request.csr" "answer-$manager/answer.cer"
	echo garbage >"wrong-$manager/wrong-$manager.cer"
	quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 \
		-subj "/CN=imported.$manager.com"
	quietly openssl pkcs12 -export -inkey own.key -in own.pem -passout pass:Desk1 \
		-out "import-$manager/imported-$manager.pfx"

	t "${manager}__browsing_changes_nothing"
	snapshot
	for folder in mnt mnt/EX01 "$d" mnt/_trust; do
		$open "$T/$folder" >>screen.log 2>&1 &
		becomes "$folder is opened" there "$(basename "$folder")"
	done
	sleep 3 # to look around in
	shot "$manager-browsing"
	unchanged

	t "${manager}__opens_info_in_an_editor"
	# A name that is typed is found; Nautilus would search for it instead.
	_opened=no
	for _try in 1 2 3 4 5 6; do
		case $manager in
		nautilus) [ $_try != 1 ] || nautilus --select "$T/$d/info" >>screen.log 2>&1 ;;
		*) keys "$manager" i n f o ;;
		esac
		sleep 1
		keys "$manager" Return
		until_true_for 10 there_is Mousepad && _opened=yes && break
	done
	shot "$manager-info"
	equal 'an editor shows it' yes $_opened
	ended_all mousepad

	t "${manager}__pastes_an_answer_and_a_PKCS12"
	select_file "answer-$manager"/* >>screen.log 2>&1 &
	becomes 'the folder with the answer is opened' there "answer-$manager"
	true_that 'the answer completes the request' pasted "answer-$manager" "$manager" valid_now "$d"
	select_file "import-$manager"/* >>screen.log 2>&1 &
	becomes 'the folder with the PKCS#12 is opened' there "import-$manager"
	true_that 'it is imported' pasted "import-$manager" EX01 test -d "mnt/EX01/imported-$manager"
	shot "$manager-pasted"

	t "${manager}__shows_that_a_wrong_one_is_refused"
	snapshot
	select_file "wrong-$manager"/* >>screen.log 2>&1 &
	becomes 'the folder with the wrong file is opened' there "wrong-$manager"
	true_that 'it is refused' pasted "wrong-$manager" EX01 refused "wrong-$manager"
	sleep 2 # until its message is drawn
	shot "$manager-refused"
	unchanged
	ended_all "$manager"
}

for manager in ${CERTFS_TEST_MANAGERS:-pcmanfm thunar nautilus}; do
	case $manager in
	pcmanfm) desktop pcmanfm 'pcmanfm --new-win' ;;
	nautilus) desktop nautilus 'nautilus --new-window' ;;
	*) desktop "$manager" "$manager" ;;
	esac
done

kill $screen
# What the session started looks at mounts as long as it lives.
becomes 'nothing of the session uses the mount' sh -c "umount mnt"
ended 0
start
finish
