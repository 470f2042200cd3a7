#!/bin/sh
# Samba: a share of the mount, as colleagues at a Windows desk see it: they list it, copy an export
# out, drop an answer in, and hear a refusal.

# shellcheck source=tests/clients/unpacked.sh
. "$(dirname "$0")/unpacked.sh"
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip 'only root starts smbd'
for program in smbd smbclient smbpasswd python3; do
	command -v $program >/dev/null || missing=$program
done

start
if [ -n "${missing-}" ]; then
	left_out "all of it: no $missing here"
	finish
fi
chmod 711 "$T"
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01
valid mnt/EX01/mail mail.contoso.com
expect 0 put mnt/EX01/mail/export.password 'Samba1\n'
request mnt/EX01/web web.contoso.com
issue root mnt/EX01/web/request.csr answer.cer

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir samba
cat >smb.conf <<-END
	[global]
		smb ports = $port
		bind interfaces only = yes
		interfaces = lo
		server role = standalone server
		disable netbios = yes
		private dir = $T/samba
		state directory = $T/samba
		cache directory = $T/samba
		lock directory = $T/samba
		pid directory = $T/samba
		ncalrpc dir = $T/samba/ncalrpc
		passdb backend = smbpasswd:$T/samba/smbpasswd
		log file = $T/samba.log
		load printers = no
	[certs]
		path = $T/mnt
		read only = no
		valid users = root
		force user = root
END
works sh -c 'printf "Desk1\nDesk1\n" | timeout 60 smbpasswd -c smb.conf -s -a root'
timeout 300 smbd -F --no-process-group -s "$T/smb.conf" >>samba.out 2>&1 </dev/null &
smbd=$!

smb() { # COMMANDS of smbclient
	timeout 60 smbclient -s smb.conf -p "$port" -U root%Desk1 //127.0.0.1/certs -c "$1"
}
becomes 'the share answers' smb ls

t 'samba__lists_the_tree'
works smb 'ls; cd EX01\mail; ls'
has out certificate.cer export.pfx services

t 'samba__copies_an_export_out'
works smb 'get EX01\mail\export.pfx copied.pfx'
same mnt/EX01/mail/export.pfx copied.pfx
works openssl pkcs12 -in copied.pfx -passin pass:Samba1 -noout

t 'samba__drops_an_answer_in'
works smb 'cd EX01\web; put answer.cer'
is mnt/EX01/web/status Valid

t 'samba__is_told_what_is_refused'
echo garbage >wrong.cer
snapshot
smb 'cd EX01\mail; put wrong.cer' >said 2>&1
has said NT_STATUS
sentence mnt/EX01/mail wrong.cer
smb 'cd EX01\mail; rm services' >said 2>&1
has said NT_STATUS
unchanged
is mnt/EX01/mail/status Valid

kill $smbd
wait $smbd
finish
