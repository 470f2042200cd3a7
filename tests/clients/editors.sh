#!/bin/sh
# Editors: what people edit files with, typed into on a terminal: a property is changed, an answer is
# pasted and saved, and a refusal is seen on the screen while the file keeps what it was.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
command -v python3 >/dev/null || skip 'no python3, which types'

types() { # PROGRAM ARGS -- STEP...
	works timeout 200 python3 "$suite/type.py" "$@"
}

HOME=$T/home
export HOME
mkdir home
printf 'set nobackup\nset writebackup\nset shortmess+=I\n' >home/.vimrc
start
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01

# edited EDITOR: a draft and a pending request of its own, with an answer beside the mount.
edited() {
	t "$1__edits_a_value_and_shows_a_refusal"
	dir=mnt/EX01/$1
	expect 0 mkdir "$dir"
	expect 0 put "$dir/domains" 'old.example\n'
	request "mnt/EX01/$1-request" "$1.contoso.com"
	issue root "mnt/EX01/$1-request/request.csr" "$1.pem"
}

# How each refusal reads in an editor that says errno's words.
invalid='Invalid argument'

if have vim || have vi; then
	vim=$(command -v vim || command -v vi)
	edited vim
	types "$vim" "$dir/domains" -- quiet 'type :%s/old/new/\r' quiet 'type :wq\r'
	is "$dir/domains" new.example
	types "$vim" "$dir/key-type" -- quiet 'type :%s/rsa2048/rsa1024/\r' quiet 'type :w\r' \
		'wait E' quiet 'type :q!\r'
	is "$dir/key-type" rsa2048
	sentence "$dir" rsa1024
	types "$vim" "mnt/EX01/vim-request/answer.pem" -- quiet 'type :r vim.pem\r' quiet 'type :1d\r' \
		quiet 'type :w\r' quiet 'type :q!\r'
	is mnt/EX01/vim-request/status Valid
fi

if command -v busybox >/dev/null && busybox vi --help >/dev/null 2>&1; then
	edited vi
	errors=$(wc -l <mnt/_errors)
	types busybox vi "$dir/domains" -- quiet 'type :s/old/new-and-longer/\r' quiet 'type :wq\r'
	is "$dir/domains" new-and-longer.example
	types busybox vi "$dir/domains" -- quiet 'type :s/new-and-longer/new/\r' quiet 'type :wq\r'
	is "$dir/domains" new.example
	equal 'nothing was refused on the way' "$errors" "$(wc -l <mnt/_errors)"
	types busybox vi "$dir/key-type" -- quiet 'type :s/rsa2048/rsa1024/\r' quiet 'type :w\r' \
		'wait 0C' quiet 'type :q!\r' # that nothing was written is all it shows
	is "$dir/key-type" rsa2048
	sentence "$dir" rsa1024
	types busybox vi mnt/EX01/vi-request/answer.pem -- quiet 'type :r vi.pem\r' quiet 'type :1d\r' \
		quiet 'type :w\r' quiet 'type :q!\r'
	is mnt/EX01/vi-request/status Valid
fi

if have nano; then
	edited nano
	types nano --ignorercfiles "$dir/domains" -- quiet 'type \x0bnew.example\r' quiet 'type \x0f' \
		quiet 'type \r' quiet 'type \x18'
	is "$dir/domains" new.example
	types nano --ignorercfiles "$dir/key-type" -- quiet 'type \x0brsa1024' quiet 'type \x0f' quiet \
		'type \r' "wait $invalid" quiet 'type \x18' quiet 'type n'
	is "$dir/key-type" rsa2048
	sentence "$dir" rsa1024
	types nano --ignorercfiles mnt/EX01/nano-request/answer.pem -- quiet 'type \x12' quiet \
		'type nano.pem\r' quiet 'type \x0f' quiet 'type \r' quiet 'type \x18'
	is mnt/EX01/nano-request/status Valid
fi

if have emacs; then
	edited emacs
	types emacs -Q -nw "$dir/domains" -- quiet 'type \x0bnew.example' quiet 'type \x18\x13' \
		'wait Wrote' 'type \x18\x03'
	is "$dir/domains" new.example
	types emacs -Q -nw "$dir/key-type" -- quiet 'type \x0brsa1024' quiet 'type \x18\x13' quiet \
		'type \x07' quiet 'type \x18\x03' quiet 'type n' quiet 'type yes\r'
	sentence "$dir" rsa1024
	is "$dir/key-type" rsa2048
	types emacs -Q -nw mnt/EX01/emacs-request/answer.pem -- quiet 'type \x18i' quiet \
		"type \\x01\\x0b$T/emacs.pem\\r" quiet 'type \x18\x13' quiet 'type \x18\x03' quiet 'type yes\r'
	is mnt/EX01/emacs-request/status Valid
fi

if have mc; then
	t 'mc__copies_an_answer_into_a_certificate_and_an_export_out'
	request mnt/EX01/mc mc.contoso.com
	mkdir files
	issue root mnt/EX01/mc/request.csr files/answer.cer
	# Ctrl-N is the next entry, F5 copies, F10 leaves.
	types mc --nocolor --nomouse --nosubshell files mnt/EX01/mc -- 'wait answer' quiet 'type \x0e' \
		quiet 'type \x1b[15~' quiet 'type \r' quiet 'type \x1b[21~' quiet 'type \r'
	is mnt/EX01/mc/status Valid
	expect 0 put mnt/EX01/mc/export.password 'mc\n'
	mkdir copies
	types mc --nocolor --nomouse --nosubshell mnt/EX01/mc copies -- 'wait export.pfx' quiet \
		'type \x13export.pfx' quiet 'type \x1b[15~' quiet 'type \r' quiet 'type \x1b[21~' quiet 'type \r'
	same mnt/EX01/mc/export.pfx copies/export.pfx
fi

finish
