#!/bin/sh
# What a file manager shows of a refusal: gio(1) does what Nautilus and Thunar do, by the same
# library, and prints the sentence that they put into a window. Beside each stands what `_errors`
# says, which README.txt tells people to read.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"

command -v gio >/dev/null || skip 'there is no gio here'
# No session bus is asked for, and none started.
GIO_USE_VFS=local
GSETTINGS_BACKEND=memory
unset DBUS_SESSION_BUS_ADDRESS DISPLAY
export GIO_USE_VFS GSETTINGS_BACKEND

# shows WORDS REASON ARGUMENT...: gio fails with these words, and the last line of _errors gives the reason.
shows() {
	_words=$1
	_reason=$2
	shift 2
	timeout 60 gio "$@" >out 2>said </dev/null
	equal "gio $(quote "$@") fails" 1 $?
	has said "$_words"
	tail -n 1 mnt/_errors >last
	has last "$_reason"
}

start
ca root
expect 0 mkdir mnt/EX01
request mnt/EX01/mail mail.test
expect 0 mkdir mnt/EX01/own
works sh -c "printf 'key-type = p256\nCN=own.test\n' >mnt/EX01/own/self-signed"
works sh -c 'echo IIS >>mnt/EX01/own/services'
echo hello >text.cer
echo hello >note.txt
head -c 1100000 /dev/zero >large.cer
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out leaf.cer \
	-days 30 -subj /CN=other.test -addext basicConstraints=critical,CA:FALSE 2>/dev/null
openssl pkcs12 -export -in leaf.cer -inkey key.pem -out other.pfx -passout pass:secret
snapshot

t 'close__is_where_what_a_file_holds_is_refused'
shows 'Error closing file: Bad message' 'EBADMSG EX01/mail/text.cer' copy text.cer mnt/EX01/mail/
shows 'Error closing file: Required key not available' 'password' copy other.pfx mnt/EX01/
shows 'Error closing file: Required key not available' 'ENOKEY' copy leaf.cer mnt/EX01/
shows 'Error closing file: Key was rejected by service' 'EKEYREJECTED' copy leaf.cer mnt/EX01/mail/
shows 'Error closing file: Invalid argument' 'whoever trusts it puts it into _trust' copy ca/root.pem mnt/EX01/
shows 'File too large' 'EFBIG' copy large.cer mnt/EX01/
unchanged

t 'open__is_where_names_are_refused'
shows 'Operation not permitted' "files that are dropped end in .cer" copy note.txt mnt/EX01/
shows 'Operation not permitted' 'services only takes what is appended' copy note.txt mnt/EX01/own/services
# Others than root don't come as far as certfs.
[ "$(id -u)" != 0 ] || shows 'Permission denied' 'info' copy note.txt mnt/EX01/mail/info
shows 'Operation not permitted' 'belong to certfs' mkdir mnt/_mine
shows 'Invalid filename' "a server's name has letters" mkdir 'mnt/EX 02'
unchanged

t 'rename__never_says_that_a_directory_is_moved_into_itself'
shows 'Operation not permitted' "a certificate's name is printable" rename mnt/EX01/mail 'x?y'
shows 'Operation not permitted' 'belong to certfs' rename mnt/EX01 _x
shows 'Operation not permitted' "can't be renamed" rename mnt/EX01/mail/info other
unchanged

t 'trash__is_said_not_to_be_there'
shows 'Unable to find or create trash directory' "a name can't begin with a dot" trash mnt/EX01/mail
shows 'Unable to find or create trash directory' "a name can't begin with a dot" trash mnt/EX01/mail/info
unchanged

t 'deleting__says_what_keeps_it'
shows 'Device or resource busy' 'assign these to another certificate first' remove mnt/EX01/own
shows 'Directory not empty' 'remove them first' remove mnt/EX01
shows 'Operation not permitted' "can't be removed alone" remove mnt/EX01/mail/info
unchanged

t 'README__says_where_the_reason_is'
for words in 'Bad message' 'Invalid argument' 'Required key not available'; do
	has mnt/README.txt "${words%% *}"
done
has mnt/README.txt 'the last line of _errors has the reason'

finish
