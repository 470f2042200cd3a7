#!/bin/sh
# Ready keys: made when nothing else is to be done, handed out once, there after a crash too
# (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect 0 mkdir mnt/EX01

made() { # how many were made so far
	grep -c '"operation":"ready-key"' mnt/_audit.log
}
# How many of them no certificate has.
in_stock() {
	cat mnt/EX01/*/tlsa | cut -d' ' -f4 >taken
	sed -n 's/.*"operation":"ready-key".*"rsa2048 \([0-9A-Fa-f]*\)".*/\1/p' mnt/_audit.log | grep -ivcxFf taken
}
# shellcheck disable=SC2317,SC2329 # called by becomes
stock_is() { [ "$(in_stock)" = "$1" ]; }
# shellcheck disable=SC2317,SC2329 # called by becomes
made_are() { [ "$(made)" = "$1" ]; }

keys() { # FILE: into it the public keys of all requests, one a line
	cat mnt/EX01/*/tlsa | sort >"$1"
}

# ready CERTIFICATE: its key was made in advance.
ready() {
	has mnt/_audit.log "rsa2048 $(cut -d' ' -f4 "mnt/EX01/$1/tlsa")"
}

t 'ready_keys__are_none_unless_asked_for'
is mnt/_settings/ready-keys 0
expect 'file,0644' stat mnt/_settings/ready-keys type,mode
snapshot
fails EINVAL bash -c 'echo 101 > mnt/_settings/ready-keys'
fails EINVAL bash -c 'echo -1 > mnt/_settings/ready-keys'
fails EINVAL bash -c 'echo many > mnt/_settings/ready-keys'
unchanged
works sh -c 'mkdir mnt/EX01/before && echo CN=before.contoso.com > mnt/EX01/before/request.csr'
equal 'none was made' 0 "$(made)"

t 'ready_keys__are_made_in_a_while'
works sh -c 'echo 2 > mnt/_settings/ready-keys'
is mnt/_settings/ready-keys 2
becomes 'two are made' made_are 2

t 'ready_keys__are_there_after_a_remount_and_a_crash'
snapshot
restart
unchanged
crash
start
is mnt/_settings/ready-keys 2
equal 'no other was made' 2 "$(made)"

t 'ready_keys__are_handed_out_and_replaced'
works sh -c 'mkdir mnt/EX01/first && echo CN=first.contoso.com > mnt/EX01/first/request.csr'
ready first
becomes 'a third is made' made_are 3
true_that 'the request is signed with it' openssl req -in mnt/EX01/first/request.csr -noout -verify
works sh -c 'mkdir mnt/EX01/own && echo CN=own.contoso.com > mnt/EX01/own/self-signed'
ready own
becomes 'a fourth is made' made_are 4

t 'ready_keys__are_never_handed_out_twice'
for i in 1 2 3 4 5 6; do
	{
		mkdir "mnt/EX01/many-$i" && echo "CN=many-$i.contoso.com" >"mnt/EX01/many-$i/request.csr"
	} 2>>many.err &
	makers="${makers:-} $!"
done
# shellcheck disable=SC2086 # one word for each
wait $makers
empty many.err
keys all
equal 'every request has a key of its own' 9 "$(sort -u all | wc -l)"
becomes 'the stock is full again' stock_is 2

t 'ready_keys__are_never_handed_out_twice_when_it_is_killed'
makers=
for i in 1 2 3 4; do
	timeout 120 sh -c "mkdir mnt/EX01/killed-$i && echo CN=killed-$i.contoso.com >mnt/EX01/killed-$i/request.csr" \
		>/dev/null 2>&1 &
	makers="$makers $!"
done
crash
# shellcheck disable=SC2086 # one word for each
wait $makers
start
for i in 5 6 7; do
	works sh -c "mkdir mnt/EX01/killed-$i && echo CN=killed-$i.contoso.com >mnt/EX01/killed-$i/request.csr"
done
keys all
equal 'every request has a key of its own' "$(wc -l <all)" "$(sort -u all | wc -l)"
becomes 'the stock is full again' stock_is 2
sound

t 'ready_keys__are_dropped_when_there_are_too_many'
works sh -c 'echo > mnt/_settings/ready-keys'
is mnt/_settings/ready-keys 0
becomes 'they are dropped' grep -q drop-ready-keys mnt/_audit.log
sound

finish
